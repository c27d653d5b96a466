"""
Reduce on plateau
=================

``ReduceLROnPlateau`` lowers the learning rate when a metric stops
improving.
"""
from contextlib import suppress

import torch
from torch.optim.lr_scheduler import ReduceLROnPlateau

# %%
# Lower the rate when the loss stalls: ``ReduceLROnPlateau``
# ----------------------------------------------------------
#
# Pass the validation loss to ``step`` once per epoch. After more than
# ``patience`` epochs without a new best value, the rate is multiplied by
# ``factor``. By default, ``patience`` is 10 and ``factor`` is 0.1.
w = torch.zeros(1, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=1.0)
scheduler = ReduceLROnPlateau(optimizer, factor=0.5, patience=1)
rates = []
for loss in [0.9, 0.7, 0.7, 0.8, 0.6, 0.6, 0.6]:
    optimizer.step()
    scheduler.step(loss)
    rates.append(scheduler.get_last_lr()[0])
rates  # [1.0, 1.0, 1.0, 0.5, 0.5, 0.5, 0.25]
scheduler.best  # 0.6

# %%
# Watch accuracy: ``mode="max"``
# ------------------------------
#
# The default mode ``"min"`` is for losses. If you pass a rising accuracy in
# this mode, each later epoch counts as bad, and the rate falls although the
# training goes well.
def rates(mode):
    w = torch.zeros(1, requires_grad=True)
    optimizer = torch.optim.SGD([w], lr=1.0)
    scheduler = ReduceLROnPlateau(optimizer, mode, factor=0.5, patience=0)
    for accuracy in [0.5, 0.6, 0.7, 0.8]:
        optimizer.step()
        scheduler.step(accuracy)
        yield scheduler.get_last_lr()[0]


list(rates("max"))  # [1.0, 1.0, 1.0, 1.0]
list(rates("min"))  # [1.0, 0.5, 0.25, 0.125]
with suppress(ValueError):
    list(rates("maximum"))  # ValueError: mode maximum is unknown!

# %%
# What counts as better: ``threshold``, ``threshold_mode``
# --------------------------------------------------------
#
# A value must beat the best value by the share ``threshold`` in mode
# ``"rel"``, and by the amount ``threshold`` in mode ``"abs"``. By default
# it must be better by a ten-thousandth of the best value. If the best value
# is negative, mode ``"rel"`` accepts even a slightly worse value, so use
# ``"abs"``.
def epochs_until_drop(**options):
    w = torch.zeros(1, requires_grad=True)
    optimizer = torch.optim.SGD([w], lr=1.0)
    scheduler = ReduceLROnPlateau(optimizer, patience=0, **options)
    for epoch, loss in enumerate([4.0, 3.0, 2.5, 2.25, 2.25]):
        optimizer.step()
        scheduler.step(loss)
        if scheduler.get_last_lr()[0] < 1:
            return epoch


epochs_until_drop()  # 4
epochs_until_drop(threshold=0.2)  # 2
epochs_until_drop(threshold=0.4)  # 1
epochs_until_drop(threshold=0.4, threshold_mode="abs")  # 3
w = torch.zeros(1, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=1.0)
scheduler = ReduceLROnPlateau(optimizer)
for loss in [-10.0, -9.9995]:
    optimizer.step()
    scheduler.step(loss)
scheduler.best  # -9.9995

# %%
# Pause after a drop and a floor: ``cooldown``, ``min_lr``
# --------------------------------------------------------
#
# For ``cooldown`` epochs after a drop, bad epochs are not counted.
# ``min_lr`` is a lower limit of the rate; pass a list for one limit per
# parameter group. A drop smaller than ``eps`` is not made.
def rates(**options):
    w = torch.zeros(1, requires_grad=True)
    optimizer = torch.optim.SGD([w], lr=8.0)
    options |= {"factor": 0.5, "patience": 0}
    scheduler = ReduceLROnPlateau(optimizer, **options)
    for _ in range(6):
        optimizer.step()
        scheduler.step(1.0)
        yield scheduler.get_last_lr()[0]


list(rates())  # [8.0, 4.0, 2.0, 1.0, 0.5, 0.25]
list(rates(cooldown=1))  # [8.0, 4.0, 4.0, 2.0, 2.0, 1.0]
list(rates(min_lr=1.5))  # [8.0, 4.0, 2.0, 1.5, 1.5, 1.5]

# %%
# Loss becomes nan: what ``ReduceLROnPlateau`` does
# -------------------------------------------------
#
# ``nan`` is not better than the best value, so it counts as a bad epoch,
# and the rate falls as it does on a plateau. A lower rate does not repair
# weights that are ``nan``. Go back to a saved state instead.
w = torch.zeros(1, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=1.0)
scheduler = ReduceLROnPlateau(optimizer, factor=0.5, patience=1)
for loss in [0.5, float("nan"), float("nan")]:
    optimizer.step()
    scheduler.step(loss)
scheduler.get_last_lr()  # [0.5]
scheduler.best  # 0.5

# %%
# Error: step() missing 1 required positional argument: 'metrics'
# ---------------------------------------------------------------
#
# ``ReduceLROnPlateau`` needs a metric. Pass the validation loss to
# ``step``, once after each validation. If a loop calls several kinds of
# schedulers, treat ``ReduceLROnPlateau`` separately.
w = torch.zeros(1, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=1.0)
scheduler = ReduceLROnPlateau(optimizer)
optimizer.step()
with suppress(TypeError):
    scheduler.step()  # TypeError: step() missing 1 required positional
loss = torch.tensor(0.25)
scheduler.step(loss)
scheduler.best  # 0.25

# %%
# Error: unexpected keyword argument 'verbose' (``ReduceLROnPlateau``)
# --------------------------------------------------------------------
#
# ``verbose=True`` used to print each change of the rate, and it was removed
# from all schedulers. Compare ``get_last_lr`` before and after ``step``
# instead.
w = torch.zeros(1, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=1.0)
with suppress(TypeError):
    ReduceLROnPlateau(optimizer, verbose=True)  # TypeError: unexpected
scheduler = ReduceLROnPlateau(optimizer, patience=0)
changes = []
for epoch, loss in enumerate([0.5, 0.5, 0.4]):
    before = scheduler.get_last_lr()
    optimizer.step()
    scheduler.step(loss)
    if scheduler.get_last_lr() != before:
        changes.append((epoch, scheduler.get_last_lr()[0]))
changes  # [(1, 0.1)]
