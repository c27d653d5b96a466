"""
Cyclic schedules
================

These schedules raise the learning rate as well as lower it: restarts,
repeated cycles and a single cycle.
"""
import math
from contextlib import suppress

import torch
from torch.optim import lr_scheduler

# %%
# Cosine with restarts: ``CosineAnnealingWarmRestarts``
# -----------------------------------------------------
#
# The rate falls along a cosine for ``T_0`` steps and then jumps back to the
# base rate. Each cycle is ``T_mult`` times as long as the one before. The
# rate does not quite reach ``eta_min``, because the restart comes first.
w = torch.zeros(1, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=1.0)
scheduler = lr_scheduler.CosineAnnealingWarmRestarts(optimizer, 2, T_mult=2)
rates = []
for _ in range(7):
    rates.append(scheduler.get_last_lr()[0])
    optimizer.step()
    scheduler.step()
torch.tensor(rates[:3])  # tensor([1.0000, 0.5000, 1.0000])
torch.tensor(rates[2:])  # tensor([1.0000, 0.8536, 0.5000, 0.1464, 1.0000])
by_hand = (1 + torch.cos(math.pi * torch.arange(4) / 4)) / 2
torch.allclose(torch.tensor(rates[2:6]), by_hand)  # True

# %%
# Update within an epoch: a fraction in ``scheduler.step``
# --------------------------------------------------------
#
# Call ``step`` of ``CosineAnnealingWarmRestarts`` after each batch, and
# pass the epoch as a float. The rate then follows the curve within an
# epoch, too.
w = torch.zeros(1, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=1.0)
scheduler = lr_scheduler.CosineAnnealingWarmRestarts(optimizer, T_0=2)
rates = []
for epoch in range(2):
    for batch in range(4):
        optimizer.step()
        scheduler.step(epoch + batch / 4)
        rates.append(scheduler.get_last_lr()[0])
by_hand = (1 + torch.cos(math.pi * torch.arange(8) / 8)) / 2
torch.allclose(torch.tensor(rates), by_hand)  # True

# %%
# Up and down between two rates: ``CyclicLR``
# -------------------------------------------
#
# The rate rises from ``base_lr`` to ``max_lr`` in ``step_size_up`` batches,
# falls back, and repeats this. It replaces the ``lr`` of the optimizer. The
# momentum moves in the opposite direction, even for an ``SGD`` that was
# created without momentum. Pass ``cycle_momentum=False`` to prevent this.
w = torch.zeros(1, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=9.0, momentum=0.9)
scheduler = lr_scheduler.CyclicLR(optimizer, 1.0, 5.0, step_size_up=2)
rates, momenta = [], []
for _ in range(6):
    rates.append(optimizer.param_groups[0]["lr"])
    momenta.append(optimizer.param_groups[0]["momentum"])
    optimizer.step()
    scheduler.step()
torch.tensor(rates)  # tensor([1., 3., 5., 3., 1., 3.])
torch.tensor(momenta[:3])  # tensor([0.9000, 0.8500, 0.8000])
plain = torch.optim.SGD([w], lr=9.0)
scheduler = lr_scheduler.CyclicLR(plain, 1.0, 5.0, cycle_momentum=False)
plain.param_groups[0]["lr"], plain.param_groups[0]["momentum"]  # (1.0, 0)
scheduler = lr_scheduler.CyclicLR(plain, 1.0, 5.0)
plain.param_groups[0]["momentum"]  # 0.9

# %%
# Cycles that shrink: ``mode="triangular2"``, ``"exp_range"``
# -----------------------------------------------------------
#
# ``"triangular2"`` halves the height after each cycle. ``"exp_range"``
# multiplies the height by ``gamma ** step``. For another rule, pass your
# own function as ``scale_fn``.
def peaks(**options):
    w = torch.zeros(1, requires_grad=True)
    optimizer = torch.optim.SGD([w], lr=1.0)
    options |= {"step_size_up": 1, "cycle_momentum": False}
    scheduler = lr_scheduler.CyclicLR(optimizer, 0.0, 8.0, **options)
    rates = []
    for _ in range(6):
        rates.append(scheduler.get_last_lr()[0])
        optimizer.step()
        scheduler.step()
    return torch.tensor(rates[1::2])


peaks(mode="triangular")  # tensor([8., 8., 8.])
peaks(mode="triangular2")  # tensor([8., 4., 2.])
peaks(mode="exp_range", gamma=0.5)  # tensor([4.0000, 1.0000, 0.2500])

# %%
# Warm-up and decay in one: ``OneCycleLR``
# ----------------------------------------
#
# The rate rises along half a cosine from ``max_lr / div_factor`` to
# ``max_lr``. It then falls along another half cosine to the first rate
# divided by ``final_div_factor``. ``total_steps`` counts batches, and
# ``pct_start`` is the share of them in which the rate rises. Call ``step``
# once per batch.
w = torch.zeros(1, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=9.0, momentum=0.9)
options = {"div_factor": 4, "final_div_factor": 10, "pct_start": 0.5}
scheduler = lr_scheduler.OneCycleLR(optimizer, 1.0, 8, **options)
rates = [scheduler.get_last_lr()[0]]
for _ in range(7):
    optimizer.step()
    scheduler.step()
    rates.append(scheduler.get_last_lr()[0])
torch.tensor(rates)[:4]  # tensor([0.2500, 0.4375, 0.8125, 1.0000])
torch.tensor(rates)[4:]  # tensor([0.8572, 0.5125, 0.1678, 0.0250])
up = 0.25 + (1 - 0.25) * (1 - torch.cos(math.pi * torch.arange(4) / 3)) / 2
torch.allclose(torch.tensor(rates[:4]), up)  # True
t = torch.arange(1, 5)
down = 0.025 + (1 - 0.025) * (1 + torch.cos(math.pi * t / 4)) / 2
torch.allclose(torch.tensor(rates[4:]), down)  # True

# %%
# Length of ``OneCycleLR``: ``epochs``, ``steps_per_epoch``
# ---------------------------------------------------------
#
# If you pass ``epochs`` and ``steps_per_epoch``, ``total_steps`` is their
# product. Use ``steps_per_epoch=len(loader)``. If you call ``step`` once
# per epoch by mistake, the training ends while the rate is still in its
# warm-up. The first rate is ``max_lr / 25`` by default, and the ``lr`` of
# the optimizer has no effect.
w = torch.zeros(1, requires_grad=True)
optimizer = torch.optim.AdamW([w], lr=9.0)
options = {"epochs": 3, "steps_per_epoch": 100}
scheduler = lr_scheduler.OneCycleLR(optimizer, max_lr=0.5, **options)
scheduler.total_steps  # 300
torch.tensor(scheduler.get_last_lr())  # tensor([0.0200])
for _ in range(3):
    optimizer.step()
    scheduler.step()
scheduler.get_last_lr()[0] < 0.03  # True

# %%
# Error: tried to step more times than the total (``OneCycleLR``)
# ---------------------------------------------------------------
#
# The cycle has a fixed length, and a step after its end raises an error.
# Count the batches of all epochs, including the last incomplete batch of
# each. With gradient accumulation, divide by the number of accumulation
# steps.
w = torch.zeros(1, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=1.0, momentum=0.9)
scheduler = lr_scheduler.OneCycleLR(optimizer, max_lr=1.0, total_steps=4)
for _ in range(4):
    optimizer.step()
    scheduler.step()
with suppress(ValueError):
    scheduler.step()  # ValueError: Tried to step 5 times
math.ceil(1000 / 64) * 3  # 48

# %%
# Error: optimizer must support momentum (``CyclicLR``)
# -----------------------------------------------------
#
# ``CyclicLR`` and ``OneCycleLR`` also change the momentum by default, so
# the optimizer needs ``momentum``, which may be 0, or ``betas`` like Adam.
# For another optimizer, pass ``cycle_momentum=False``.
w = torch.zeros(1, requires_grad=True)
adagrad = torch.optim.Adagrad([w], lr=1.0)
with suppress(ValueError):
    lr_scheduler.CyclicLR(adagrad, 0.1, 1.0)  # ValueError: support momentum
cyclic = lr_scheduler.CyclicLR(adagrad, 0.1, 1.0, cycle_momentum=False)
cyclic.get_last_lr()  # [0.1]
adam = torch.optim.Adam([w], betas=(0.9, 0.999))
scheduler = lr_scheduler.OneCycleLR(adam, 1.0, 9)
adam.param_groups[0]["betas"]  # (0.95, 0.999)
