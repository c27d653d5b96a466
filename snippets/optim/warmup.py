"""
Warm-up
=======

A warm-up starts with a small learning rate and raises it. After that the
rate falls.
"""
import math
from contextlib import suppress

import matplotlib.pyplot as plt
import torch
from torch.optim import lr_scheduler

# %%
# Three schedules with warm-up as curves
# --------------------------------------
#
# Each schedule rises for 20 of 100 steps to the same peak. The line and the
# cosine fall to zero and need to know the length of the training. The
# inverse square root does not need it and can go on.
decays = {
    "100 - t": lambda t: (100 - t) / 80,
    "1 + cos(t)": lambda t: (1 + math.cos((t - 20) * math.pi / 80)) / 2,
    "1 / sqrt(t)": lambda t: (20 / t) ** 0.5,
}
figure, ax = plt.subplots()
for (name, decay), style in zip(decays.items(), ["-", "--", ":"]):

    def rate(t, decay=decay):
        return t / 20 if t < 20 else decay(t)

    optimizer = torch.optim.Adam([torch.zeros(1)], lr=1.0)
    scheduler = lr_scheduler.LambdaLR(optimizer, rate)
    rates = []
    for _ in range(100):
        rates += scheduler.get_last_lr()
        optimizer.step()
        scheduler.step()
    ax.plot(rates, style, label=name)
ax.legend()
rates.index(max(rates))  # 20

# %%
# Linear warm-up, then cosine: ``SequentialLR``
# ---------------------------------------------
#
# ``LinearLR`` raises the rate over the first steps, and
# ``CosineAnnealingLR`` takes the rest. ``T_max`` is therefore the total
# number of steps minus the warm-up. A start factor of zero raises an error,
# so use a small one.
warmup, total = 3, 7
w = torch.zeros(1, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=1.0)
rise = lr_scheduler.LinearLR(optimizer, 0.25, total_iters=warmup)
fall = lr_scheduler.CosineAnnealingLR(optimizer, T_max=total - warmup)
scheduler = lr_scheduler.SequentialLR(optimizer, [rise, fall], [warmup])
rates = []
for _ in range(total + 1):
    rates.append(scheduler.get_last_lr()[0])
    optimizer.step()
    scheduler.step()
torch.tensor(rates[:4])  # tensor([0.2500, 0.5000, 0.7500, 1.0000])
torch.tensor(rates[4:7])  # tensor([0.8536, 0.5000, 0.1464])
rates[7] < 1e-12  # True
with suppress(ValueError):
    lr_scheduler.LinearLR(optimizer, 0.0)  # ValueError: greater than 0

# %%
# Linear warm-up, then linear decay: ``LambdaLR``
# -----------------------------------------------
#
# Many fine-tuning scripts use this schedule, and one function describes it.
# The rate rises to its peak during the warm-up and falls towards zero until
# the end. Count from ``t + 1``, because otherwise the rate of the first
# step is zero and the step is wasted.
warmup, total = 2, 6


def factor(t):
    t = t + 1
    return min(t / warmup, (total + 1 - t) / (total + 1 - warmup))


w = torch.zeros(1, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=10.0)
scheduler = lr_scheduler.LambdaLR(optimizer, factor)
rates = []
for _ in range(total):
    rates.append(scheduler.get_last_lr()[0])
    optimizer.step()
    scheduler.step()
rates  # [5.0, 10.0, 8.0, 6.0, 4.0, 2.0]

# %%
# Inverse square root with warm-up: the rate of the Transformer
# -------------------------------------------------------------
#
# The rate is :math:`d^{-1/2} \min(t^{-1/2}, t w^{-3/2})`, with model size
# :math:`d`, :math:`w` steps of warm-up and steps :math:`t` counted from 1.
# The formula gives the rate itself, so the base rate of ``LambdaLR`` must
# be 1. You do not need to know the length of the training.
d_model, warmup = 16, 4
w = torch.zeros(1, requires_grad=True)
optimizer = torch.optim.Adam([w], lr=1.0, betas=(0.9, 0.98), eps=1e-9)
scheduler = lr_scheduler.LambdaLR(
    optimizer,
    lambda t: d_model**-0.5 * min((t + 1) ** -0.5, (t + 1) * warmup**-1.5),
)
rates = []
for _ in range(16):
    rates.append(scheduler.get_last_lr()[0])
    optimizer.step()
    scheduler.step()
rates[:4]  # [0.03125, 0.0625, 0.09375, 0.125]
rates[15]  # 0.0625
max(rates) == (d_model * warmup) ** -0.5  # True

# %%
# Warm-up, plateau, decay: three schedules in ``SequentialLR``
# ------------------------------------------------------------
#
# While the rate is constant, you can stop or continue as you like. Only the
# decay at the end needs a fixed length. Each schedule starts at its
# milestone with its own epoch 0.
w = torch.zeros(1, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=1.0)
parts = [
    lr_scheduler.LinearLR(optimizer, 0.5, total_iters=2),
    lr_scheduler.ConstantLR(optimizer, factor=1.0),
    lr_scheduler.PolynomialLR(optimizer, total_iters=4),
]
scheduler = lr_scheduler.SequentialLR(optimizer, parts, milestones=[2, 4])
rates = []
for _ in range(8):
    rates.append(scheduler.get_last_lr()[0])
    optimizer.step()
    scheduler.step()
torch.tensor(rates[:4])  # tensor([0.5000, 0.7500, 1.0000, 1.0000])
torch.tensor(rates[4:])  # tensor([1.0000, 0.7500, 0.5000, 0.2500])

# %%
# Why warm up: the first steps of Adam are full steps
# ---------------------------------------------------
#
# After the bias correction, the first step of Adam moves a parameter by
# ``lr``, whether its gradient is tiny or large. The first gradients are
# noisy. A warm-up keeps these steps small until the running means have
# settled.
def moved(factor):
    w = torch.zeros(2, requires_grad=True)
    optimizer = torch.optim.Adam([w], lr=0.5)
    lr_scheduler.LinearLR(optimizer, factor, total_iters=10)
    w.grad = torch.tensor([1e-3, -10.0])
    optimizer.step()
    return w.detach()


moved(factor=1.0)  # tensor([-0.5000,  0.5000])
moved(factor=0.1)  # tensor([-0.0500,  0.0500])

# %%
# Warm-up is over too soon or too late: it counts ``scheduler.step``
# ------------------------------------------------------------------
#
# ``total_iters`` is a number of calls of ``scheduler.step``. If you call it
# after each batch, give the warm-up in batches. A warm-up of 6 batches
# lasts for 6 epochs if you call ``step`` once per epoch. If you write your
# own formula, use the number of all batches so far, not the number of the
# batch within its epoch.
batches, epochs = 3, 2
w = torch.zeros(1, requires_grad=True)


def rate_after(steps):
    optimizer = torch.optim.SGD([w], lr=1.0)
    scheduler = lr_scheduler.LinearLR(optimizer, 0.1, total_iters=6)
    for _ in range(steps):
        optimizer.step()
        scheduler.step()
    return round(scheduler.get_last_lr()[0], 4)


rate_after(batches * epochs)  # 1.0
rate_after(epochs)  # 0.4
[e * batches + b for e in range(2) for b in range(3)]  # [0, 1, 2, 3, 4, 5]

# %%
# The peak comes one step late: what ``LinearLR`` counts
# ------------------------------------------------------
#
# The first training step uses the start factor. After ``total_iters`` calls
# of ``scheduler.step`` the factor is 1, so the next training step is the
# first one with the full rate. If you want the full rate in step n of the
# warm-up, start at ``1 / n`` and set ``total_iters=n - 1``.
w = torch.zeros(1, requires_grad=True)


def rates_used(start, total_iters):
    optimizer = torch.optim.SGD([w], lr=1.0)
    warmup = lr_scheduler.LinearLR(optimizer, start, 1.0, total_iters)
    rates = []
    for _ in range(5):
        rates.append(warmup.get_last_lr()[0])
        optimizer.step()
        warmup.step()
    return torch.tensor(rates)


rates_used(0.2, 4)  # tensor([0.2000, 0.4000, 0.6000, 0.8000, 1.0000])
rates_used(0.25, 3)  # tensor([0.2500, 0.5000, 0.7500, 1.0000, 1.0000])
