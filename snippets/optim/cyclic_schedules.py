"""
Cyclic schedules
================

Rates that rise as well as fall: restarts, cycles, one cycle.
"""
import math
from contextlib import suppress

import torch
from torch.optim import lr_scheduler

# %%
# Cosine with restarts: ``CosineAnnealingWarmRestarts``
# -----------------------------------------------------
#
# The cosine falls over ``T_0`` steps and jumps back to the base rate; each
# cycle is ``T_mult`` times as long as the one before. ``eta_min`` is
# approached and never reached, as the restart comes first.
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
# ``CosineAnnealingWarmRestarts`` is the one scheduler to which you pass the
# epoch: as a float, from each batch. The rate then follows the curve
# between epochs.
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
# From ``base_lr`` to ``max_lr`` in ``step_size_up`` batches and back, for
# ever; the optimizer's own ``lr`` is overwritten. It also swings the
# momentum against the rate, and thus gives one to plain ``SGD`` in silence:
# pass ``cycle_momentum=False`` there.
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
# ``"triangular2"`` halves the height after each cycle; ``"exp_range"``
# multiplies it by ``gamma ** step``. ``scale_fn`` takes a function of your
# own.
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
# Half a cosine from ``max_lr / div_factor`` up to ``max_lr``, then another
# down to the start over ``final_div_factor``. ``total_steps`` counts
# batches, and ``pct_start`` is the share that rises. Step it once per
# batch.
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
# ``total_steps`` is their product if you give these two, with
# ``steps_per_epoch=len(loader)``. Step once per epoch by mistake and the
# run ends while the rate is still in its warm-up. The first rate is
# ``max_lr / 25``, and the ``lr`` of the optimizer does not matter.
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
# The cycle has an end, and a step after it is an error. Count batches over
# all epochs, the last incomplete one included, and divide by the number of
# accumulation steps where you accumulate gradients.
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
# Cycling schedules want an optimizer that has ``momentum``, be it 0, or
# ``betas`` as Adam. Else turn the cycling of momentum off.
w = torch.zeros(1, requires_grad=True)
adagrad = torch.optim.Adagrad([w], lr=1.0)
with suppress(ValueError):
    lr_scheduler.CyclicLR(adagrad, 0.1, 1.0)  # ValueError: support momentum
cyclic = lr_scheduler.CyclicLR(adagrad, 0.1, 1.0, cycle_momentum=False)
cyclic.get_last_lr()  # [0.1]
adam = torch.optim.Adam([w], betas=(0.9, 0.999))
scheduler = lr_scheduler.OneCycleLR(adam, 1.0, 9)
adam.param_groups[0]["betas"]  # (0.95, 0.999)
