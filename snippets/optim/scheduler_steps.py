"""
Stepping schedulers
===================

This page shows when to call ``scheduler.step``, how to resume, and how to
write your own scheduler.
"""
from contextlib import suppress

import torch
from torch.optim import lr_scheduler

# %%
# Warning: lr_scheduler.step() before optimizer.step()
# ----------------------------------------------------
#
# ``scheduler.step`` moves on to the next rate. If you call it first, the
# first rate is skipped and no step uses it. Call ``optimizer.step`` before
# ``scheduler.step``.
def rates_used(scheduler_first):
    w = torch.zeros(1, requires_grad=True)
    optimizer = torch.optim.SGD([w], lr=1.0)
    scheduler = lr_scheduler.ExponentialLR(optimizer, gamma=0.5)
    used = []
    for _ in range(3):
        if scheduler_first:
            scheduler.step()
        used.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if not scheduler_first:
            scheduler.step()
    return used


rates_used(scheduler_first=False)  # [1.0, 0.5, 0.25]
used = rates_used(scheduler_first=True)  # UserWarning: `lr_scheduler
used  # [0.5, 0.25, 0.125]

# %%
# ``scheduler.step``: per batch or per epoch
# ------------------------------------------
#
# A scheduler counts its calls and does not know about batches and epochs.
# Give its arguments in the unit of the calls. If you give a length in
# batches and call ``step`` once per epoch, the rate stays near its start.
# Call ``OneCycleLR`` and a warm-up once per batch.
epochs, batches = 3, 4


def last_rate(T_max, per_batch):
    w = torch.zeros(1, requires_grad=True)
    optimizer = torch.optim.SGD([w], lr=1.0)
    scheduler = lr_scheduler.CosineAnnealingLR(optimizer, T_max)
    for _ in range(epochs):
        for _ in range(batches):
            optimizer.step()
            if per_batch:
                scheduler.step()
        if not per_batch:
            scheduler.step()
    return scheduler.last_epoch, round(scheduler.get_last_lr()[0], 4)


last_rate(epochs, per_batch=False)  # (3, 0.0)
last_rate(epochs * batches, per_batch=True)  # (12, 0.0)
last_rate(epochs * batches, per_batch=False)  # (3, 0.8536)

# %%
# Rate is 0 after a few hundred steps: ``scheduler.step`` in each batch
# ---------------------------------------------------------------------
#
# A scheduler counts its own calls. ``step_size=5`` should mean five epochs,
# but if you call ``step`` in the loop over the batches, the rate drops
# every five batches. Call ``step`` once per epoch, or give the sizes in
# batches.
def last_rate(step_size, per_batch, epochs=10, batches=100):
    w = torch.zeros(1, requires_grad=True)
    optimizer = torch.optim.SGD([w], lr=1.0)
    scheduler = lr_scheduler.StepLR(optimizer, step_size, gamma=0.5)
    for _ in range(epochs):
        for _ in range(batches):
            optimizer.step()
            if per_batch:
                scheduler.step()
        if not per_batch:
            scheduler.step()
    return scheduler.get_last_lr()[0]


last_rate(step_size=5, per_batch=False)  # 0.25
last_rate(step_size=5, per_batch=True) < 1e-60  # True
last_rate(step_size=5 * 100, per_batch=True)  # 0.25

# %%
# Resume training: ``state_dict`` of a scheduler
# ----------------------------------------------
#
# Save the scheduler together with the optimizer. The state of the optimizer
# holds the current rate, and the state of the scheduler holds the number of
# steps so far. A function that you gave to ``LambdaLR`` is not saved, so
# define the same function again.
def build():
    w = torch.zeros(1, requires_grad=True)
    optimizer = torch.optim.SGD([w], lr=1.0)
    return optimizer, lr_scheduler.StepLR(optimizer, 2, gamma=0.5)


optimizer, scheduler = build()
for _ in range(3):
    optimizer.step()
    scheduler.step()
saved = optimizer.state_dict(), scheduler.state_dict()
optimizer, scheduler = build()
optimizer.load_state_dict(saved[0])
scheduler.load_state_dict(saved[1])
scheduler.last_epoch, scheduler.get_last_lr()  # (3, [0.5])
optimizer.step()
scheduler.step()
scheduler.get_last_lr()  # [0.25]

# %%
# Only the optimizer was saved: ``last_epoch=``
# ---------------------------------------------
#
# Load the state of the optimizer first, and then pass the number of the
# last finished epoch. The state contains ``initial_lr`` from the old
# scheduler; a new optimizer lacks it and raises an error. If ``StepLR`` or
# ``MultiStepLR`` dropped the rate right after this epoch, it drops the rate
# a second time.
w = torch.zeros(1, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=1.0)
with suppress(KeyError):
    lr_scheduler.StepLR(
        optimizer, 2, last_epoch=2
    )  # KeyError: param 'initial_lr' is not specified in param_groups[0]
optimizer.param_groups[0]["initial_lr"] = 1.0
optimizer.param_groups[0]["lr"] = 0.5
scheduler = lr_scheduler.StepLR(optimizer, 2, gamma=0.5, last_epoch=2)
scheduler.last_epoch, scheduler.get_last_lr()  # (3, [0.5])
optimizer.step()
scheduler.step()
scheduler.get_last_lr()  # [0.25]
scheduler = lr_scheduler.StepLR(optimizer, 2)
scheduler.base_lrs  # [1.0]
optimizer.param_groups[0]["lr"] = 0.5
scheduler = lr_scheduler.StepLR(optimizer, 2, gamma=0.5, last_epoch=1)
scheduler.last_epoch, scheduler.get_last_lr()  # (2, [0.25])

# %%
# Warning: the epoch parameter in scheduler.step() is deprecated
# --------------------------------------------------------------
#
# ``scheduler.step(epoch)`` jumps to the value of the schedule at this
# epoch, if the schedule has a closed form. Call ``step`` without an
# argument. There are two exceptions: ``CosineAnnealingWarmRestarts`` may
# get the epoch, and ``ReduceLROnPlateau`` must get the metric.
w = torch.zeros(1, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=1.0)
scheduler = lr_scheduler.ExponentialLR(optimizer, gamma=0.5)
optimizer.step()
scheduler.step(3)  # UserWarning: The epoch parameter in `scheduler.step()`
scheduler.get_last_lr()  # [0.125]

# %%
# ``get_last_lr``, not ``get_lr``: read the current rate
# ------------------------------------------------------
#
# ``get_lr`` computes the next rate and is meant to be called by ``step``.
# If you call ``get_lr`` yourself, it gives a warning, and at a milestone it
# returns a wrong value.
w = torch.zeros(1, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=1.0)
scheduler = lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.5)
optimizer.step()
scheduler.step()
scheduler.get_last_lr()  # [0.5]
optimizer.param_groups[0]["lr"]  # 0.5
wrong = scheduler.get_lr()  # UserWarning: To get the last learning rate
wrong  # [0.25]

# %%
# Write a scheduler: subclass ``lr_scheduler.LRScheduler``
# --------------------------------------------------------
#
# Write the method ``get_lr``. It returns one rate per group, computed from
# ``self.last_epoch`` and ``self.base_lrs``. Set your attributes before
# ``super().__init__``, because it already calls ``get_lr``. Stepping and
# state dicts are inherited.
class InverseTime(lr_scheduler.LRScheduler):
    def __init__(self, optimizer, halving, last_epoch=-1):
        self.halving = halving
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        factor = 1 / (1 + self.last_epoch / self.halving)
        return [base * factor for base in self.base_lrs]


w = torch.zeros(1, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=1.0)
scheduler = InverseTime(optimizer, halving=1)
rates = []
for _ in range(4):
    rates.append(scheduler.get_last_lr()[0])
    optimizer.step()
    scheduler.step()
torch.tensor(rates)  # tensor([1.0000, 0.5000, 0.3333, 0.2500])
scheduler.state_dict()["halving"]  # 1

# %%
# A new optimizer is not known to the old scheduler
# -------------------------------------------------
#
# A scheduler writes into the groups of the optimizer with which it was
# created. If you create a new optimizer, its rate does not change, and
# there is no warning. Create a new scheduler, too. Passing the parameters
# instead of the optimizer raises an error.
w = torch.zeros(1, requires_grad=True)
old = torch.optim.SGD([w], lr=1.0)
scheduler = lr_scheduler.ExponentialLR(old, gamma=0.5)
new = torch.optim.SGD([w], lr=1.0)
old.step()
new.step()
scheduler.step()
old.param_groups[0]["lr"], new.param_groups[0]["lr"]  # (0.5, 1.0)
with suppress(TypeError):
    lr_scheduler.ExponentialLR([w], 0.5)  # TypeError: is not an Optimizer

# %%
# Warning despite the right order: ``GradScaler`` skipped the step
# ----------------------------------------------------------------
#
# If a gradient is infinite, the scaler skips ``optimizer.step``. This often
# happens in the first steps, when the scale is too large. If the very first
# step is skipped, the scheduler warns although the calls are in the right
# order. To keep the rate for the next batch, call ``scheduler.step`` only
# if the scale did not fall.
kind = torch.get_default_device().type
w = torch.ones(1, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=1.0)
scheduler = lr_scheduler.ExponentialLR(optimizer, gamma=0.5)
scaler = torch.amp.GradScaler(kind)
scaler.scale(w.sum() * torch.inf).backward()
scale = scaler.get_scale()
scaler.step(optimizer)
scaler.update()
w, scaler.get_scale() / scale  # (tensor([1.], requires_grad=True), 0.5)
scheduler.step()  # UserWarning: Detected call of `lr_scheduler.step()`
scheduler.get_last_lr()  # [0.5]
if scaler.get_scale() >= scale:
    scheduler.step()

# %%
# A new learning rate is ignored after ``optimizer.load_state_dict``
# ------------------------------------------------------------------
#
# The saved state contains the rate of the old run, which replaces the rate
# that you gave. Set the rate in each group after loading. A scheduler
# starts from the ``initial_lr`` of the old run, so remove ``initial_lr``
# and then create a new scheduler.
w = torch.zeros(1, requires_grad=True)
old = torch.optim.SGD([w], lr=0.5)
lr_scheduler.ExponentialLR(old, gamma=0.5).get_last_lr()  # [0.5]
optimizer = torch.optim.SGD([w], lr=0.125)
optimizer.load_state_dict(old.state_dict())
optimizer.param_groups[0]["lr"]  # 0.5
for group in optimizer.param_groups:
    group["lr"] = 0.125
    group.pop("initial_lr", None)
scheduler = lr_scheduler.ExponentialLR(optimizer, gamma=0.5)
scheduler.get_last_lr()  # [0.125]
