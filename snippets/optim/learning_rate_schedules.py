"""
Learning rate schedules
=======================

A schedule changes the learning rate during training, by a formula, a list
or a function.

.. which::

   - ``CosineAnnealingLR``: smooth decay for a training of fixed length
   - ``StepLR``: multiplies by ``gamma`` every ``step_size`` epochs
   - ``MultiStepLR``: multiplies by ``gamma`` at the epochs you list
   - ``ExponentialLR``: multiplies by ``gamma`` every epoch
   - ``PolynomialLR``: falls to zero along a line or a power
   - ``LinearLR``: goes along a line from one factor to another; warm-up
   - ``ConstantLR``: one factor for the first epochs, then the base rate
   - ``LambdaLR``: a factor from any function of the epoch
   - ``MultiplicativeLR``: multiplies the last rate by a factor you compute
   - ``CosineAnnealingWarmRestarts``: a cosine that starts again and again
   - ``CyclicLR``: up and down between two rates
   - ``OneCycleLR``: up and down once, per batch
   - ``ReduceLROnPlateau``: lowers the rate when the validation loss stalls
   - ``SequentialLR``: one schedule after another; warm-up, then decay
   - ``ChainedScheduler``: several schedules at once; their factors multiply
"""
import math
from contextlib import suppress

import matplotlib.pyplot as plt
import torch
from torch.optim import lr_scheduler

# %%
# All learning rate schedulers as curves
# --------------------------------------
#
# Each curve has 30 epochs and a rate of at most 1. ``ReduceLROnPlateau``
# follows a metric instead of a plan and has its own page. ``SequentialLR``
# and ``ChainedScheduler`` combine the schedules of this figure.
shapes = {
    "StepLR": (8, 0.5), "ExponentialLR": (0.9,), "PolynomialLR": (30, 2),
    "MultiStepLR": ([5, 20], 0.4), "LambdaLR": (lambda t: 1 / (1 + t / 5),),
    "MultiplicativeLR": (lambda t: 1 - t / 99,), "CosineAnnealingLR": (30,),
    "CosineAnnealingWarmRestarts": (5, 2), "LinearLR": (0.2, 1, 9),
    "ConstantLR": (0.5, 10), "CyclicLR": (0.1, 1, 6), "OneCycleLR": (1, 31),
}
options = {"sharex": True, "sharey": True, "layout": "constrained"}
figure, axes = plt.subplots(4, 3, figsize=(9, 7), **options)
for ax, (name, arguments) in zip(axes.flat, shapes.items(), strict=True):
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=1.0)
    scheduler = getattr(lr_scheduler, name)(optimizer, *arguments)
    rates = []
    for _ in range(30):
        rates += scheduler.get_last_lr()
        optimizer.step()
        scheduler.step()
    ax.plot(rates, ".-")
    ax.set_title(name, fontsize="small")
    0 <= min(rates) < max(rates) <= 1  # True

# %%
# ``ReduceLROnPlateau``, ``SequentialLR``, ``ChainedScheduler`` as curves
# -----------------------------------------------------------------------
#
# Left: the loss stops falling, and ``ReduceLROnPlateau`` then halves the
# rate every fourth epoch. Middle and right: a linear warm-up and an
# exponential decay. ``SequentialLR`` (middle) runs the decay after the
# warm-up, and ``ChainedScheduler`` (right) runs both at the same time.
def curve(ax, build, metric=False):
    sgd = torch.optim.SGD([torch.zeros(1)], lr=1.0)
    scheduler, rates = build(sgd), []
    for t in range(30):
        rates += scheduler.get_last_lr()
        sgd.step()
        scheduler.step(*[max(0.3, 1 - t / 10)] * metric)
    ax.plot(rates, ".-")
    ax.set_title(type(scheduler).__name__, fontsize="small")
    return rates


def parts(sgd):
    up = lr_scheduler.LinearLR(sgd, 0.1, total_iters=5)
    return [up, lr_scheduler.ExponentialLR(sgd, 0.9)]


options = {"figsize": (9, 2.4), "sharey": True, "layout": "constrained"}
figure, (a, b, c) = plt.subplots(1, 3, **options)
plateau = lr_scheduler.ReduceLROnPlateau
curve(a, lambda s: plateau(s, "min", 0.5, 3), metric=True)[-1]  # 0.03125
curve(b, lambda s: lr_scheduler.SequentialLR(s, parts(s), [5]))[5]  # 1.0
curve(c, lambda s: lr_scheduler.ChainedScheduler(parts(s)))[5]  # 0.5905

# %%
# Attach a scheduler to an optimizer and read its rates
# -----------------------------------------------------
#
# Each ``scheduler.step()`` writes a new ``lr`` into the parameter groups;
# call it after ``optimizer.step()``. ``get_last_lr`` returns one rate per
# group. The scheduler sets the first rate as soon as you create it.
w = torch.zeros(1, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=1.0)
scheduler = lr_scheduler.LinearLR(optimizer, 0.25, 1.0, total_iters=3)
scheduler.base_lrs  # [1.0]
rates = []
for _ in range(5):
    rates.append(optimizer.param_groups[0]["lr"])
    optimizer.step()
    scheduler.step()
rates  # [0.25, 0.5, 0.75, 1.0, 1.0]
scheduler.last_epoch  # 5

# %%
# Drop the rate in steps: ``StepLR``, ``MultiStepLR``
# ---------------------------------------------------
#
# ``StepLR`` multiplies by ``gamma`` every ``step_size`` epochs, and
# ``MultiStepLR`` does so at the epochs in ``milestones``. ``gamma`` is 0.1
# by default. After :math:`k` drops the rate is :math:`\eta_0 \gamma^k`.
def rates(scheduler):
    for _ in range(6):
        yield scheduler.get_last_lr()[0]
        scheduler.optimizer.step()
        scheduler.step()


def sgd():
    return torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=8.0)


step = lr_scheduler.StepLR(sgd(), step_size=2, gamma=0.5)
list(rates(step))  # [8.0, 8.0, 4.0, 4.0, 2.0, 2.0]
multi = lr_scheduler.MultiStepLR(sgd(), milestones=[1, 4], gamma=0.5)
list(rates(multi))  # [8.0, 4.0, 4.0, 4.0, 2.0, 2.0]

# %%
# Same factor every epoch: ``ExponentialLR``
# ------------------------------------------
#
# The rate is :math:`\eta_0 \gamma^t`. To end at :math:`f` times the first
# rate after :math:`n` epochs, use ``gamma = f ** (1 / n)``.
w = torch.zeros(1, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=1.0)
scheduler = lr_scheduler.ExponentialLR(optimizer, gamma=0.01 ** (1 / 4))
rates = []
for _ in range(5):
    rates.append(scheduler.get_last_lr()[0])
    optimizer.step()
    scheduler.step()
torch.tensor(rates)  # tensor([1.0000, 0.3162, 0.1000, 0.0316, 0.0100])
by_hand = 0.01 ** (torch.arange(5) / 4)
torch.allclose(torch.tensor(rates), by_hand)  # True

# %%
# Down to zero along a line or a power: ``PolynomialLR``
# ------------------------------------------------------
#
# The rate is :math:`\eta_0 (1 - t / T)^p` and stays at zero afterwards. The
# default ``power=1`` gives a straight line, which is common in fine-tuning
# language models. ``total_iters`` is 5 by default, so set it.
w = torch.zeros(1, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=1.0)
scheduler = lr_scheduler.PolynomialLR(optimizer, total_iters=4, power=2)
rates = []
for _ in range(6):
    rates.append(scheduler.get_last_lr()[0])
    optimizer.step()
    scheduler.step()
torch.tensor(rates)[:4]  # tensor([1.0000, 0.5625, 0.2500, 0.0625])
rates[4:]  # [0.0, 0.0]
by_hand = (1 - torch.arange(4) / 4) ** 2
torch.allclose(torch.tensor(rates[:4]), by_hand)  # True

# %%
# Smooth decay: ``CosineAnnealingLR``
# -----------------------------------
#
# The rate falls along half a cosine from the base rate to ``eta_min`` in
# ``T_max`` steps:
# :math:`\eta_{\min} + (\eta_0 - \eta_{\min})(1 + \cos(\pi t / T)) / 2`.
# After ``T_max`` it rises again, so set ``T_max`` to the number of times
# that you call ``step``.
w = torch.zeros(1, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=1.0)
scheduler = lr_scheduler.CosineAnnealingLR(optimizer, T_max=4, eta_min=0.2)
rates = []
for _ in range(9):
    rates.append(scheduler.get_last_lr()[0])
    optimizer.step()
    scheduler.step()
torch.tensor(rates[:5])  # tensor([1.0000, 0.8828, 0.6000, 0.3172, 0.2000])
t = torch.arange(9)
by_hand = 0.2 + (1 - 0.2) * (1 + torch.cos(math.pi * t / 4)) / 2
torch.allclose(torch.tensor(rates), by_hand)  # True
rates[8] > 0.999  # True

# %%
# A factor for the first epochs: ``ConstantLR``, ``LinearLR``
# -----------------------------------------------------------
#
# By default ``ConstantLR`` and ``LinearLR`` return to the base rate at
# epoch ``total_iters``. ``ConstantLR`` uses ``factor`` until then and
# jumps. ``LinearLR`` goes in equal steps from ``start_factor`` to
# ``end_factor``, up or down. The factor at the start is one third by
# default, and ``total_iters`` is 5.
def rates(scheduler):
    for _ in range(5):
        yield scheduler.get_last_lr()[0]
        scheduler.optimizer.step()
        scheduler.step()


def sgd():
    return torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)


constant = lr_scheduler.ConstantLR(sgd(), factor=0.25, total_iters=3)
list(rates(constant))  # [0.25, 0.25, 0.25, 1.0, 1.0]
linear = lr_scheduler.LinearLR(sgd(), 0.25, 1.0, total_iters=3)
list(rates(linear))  # [0.25, 0.5, 0.75, 1.0, 1.0]
linear = lr_scheduler.LinearLR(sgd(), 1.0, 0.5, total_iters=2)
list(rates(linear))  # [1.0, 0.75, 0.5, 0.5, 0.5]

# %%
# Your own formula: ``LambdaLR``, ``MultiplicativeLR``
# ----------------------------------------------------
#
# The function of ``LambdaLR`` receives the epoch ``t`` and returns a factor
# for the base rate. The function of ``MultiplicativeLR`` returns a factor
# for the last rate and is not called for epoch 0. To treat the parameter
# groups differently, pass a list with one function per group.
def rates(scheduler):
    for _ in range(4):
        yield scheduler.get_last_lr()[0]
        scheduler.optimizer.step()
        scheduler.step()


def sgd():
    return torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)


of_base = lr_scheduler.LambdaLR(sgd(), lambda t: 1 / 2**t)
list(rates(of_base))  # [1.0, 0.5, 0.25, 0.125]
of_last = lr_scheduler.MultiplicativeLR(sgd(), lambda t: 1 / 2**t)
list(rates(of_last))  # [1.0, 0.5, 0.125, 0.015625]

# %%
# One schedule after another: ``SequentialLR``
# --------------------------------------------
#
# Each scheduler runs up to its milestone, and the next one starts at its
# own epoch 0. Create all of them with the same optimizer, and pass one
# milestone fewer than schedulers. Since 2.13, a milestone of 0 skips the
# first scheduler.
w = torch.zeros(1, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=8.0)
up = lr_scheduler.LinearLR(optimizer, 0.25, 1.0, total_iters=3)
down = lr_scheduler.ExponentialLR(optimizer, gamma=0.5)
both = lr_scheduler.SequentialLR(optimizer, [up, down], milestones=[3])
rates = []
for _ in range(6):
    rates.append(both.get_last_lr()[0])
    optimizer.step()
    both.step()
rates  # [2.0, 4.0, 6.0, 8.0, 4.0, 2.0]
optimizer = torch.optim.SGD([w], lr=8.0)
up = lr_scheduler.LinearLR(optimizer, 0.25)
down = lr_scheduler.ExponentialLR(optimizer, gamma=0.5)
late = lr_scheduler.SequentialLR(optimizer, [up, down], milestones=[0])
late.get_last_lr()  # [8.0] since 2.13, [2.0] before
with suppress(ValueError):
    lr_scheduler.SequentialLR(optimizer, [up], [3])  # ValueError: one more

# %%
# Several schedules at once: ``ChainedScheduler``
# -----------------------------------------------
#
# All schedulers step together, and their factors multiply. In
# ``SequentialLR`` one scheduler works at a time. ``LambdaLR``,
# ``CyclicLR``, ``OneCycleLR`` and warm restarts set the rate directly, so
# they overwrite the factors of the schedulers before them.
w = torch.zeros(1, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=8.0)
up = lr_scheduler.ConstantLR(optimizer, factor=0.25, total_iters=2)
down = lr_scheduler.ExponentialLR(optimizer, gamma=0.5)
both = lr_scheduler.ChainedScheduler([up, down])
rates = []
for _ in range(4):
    rates.append(both.get_last_lr()[0])
    optimizer.step()
    both.step()
rates  # [2.0, 1.0, 2.0, 1.0]
by_hand = [8 * 0.5**t * (0.25 if t < 2 else 1) for t in range(4)]
rates == by_hand  # True
optimizer = torch.optim.SGD([w], lr=8.0)
down = lr_scheduler.ExponentialLR(optimizer, gamma=0.5)
flat = lr_scheduler.LambdaLR(optimizer, lambda t: 1.0)
both = lr_scheduler.ChainedScheduler([down, flat])
optimizer.step()
both.step()
both.get_last_lr()  # [8.0]
