"""
Reduce on plateau
=================

Lower the learning rate when a metric stops getting better.
"""
from contextlib import suppress

import torch
from torch.optim.lr_scheduler import ReduceLROnPlateau

# %%
# Lower the rate when the loss stalls: ``ReduceLROnPlateau``
# ----------------------------------------------------------
#
# Pass the validation loss to ``step`` once per epoch. After more than
# ``patience`` epochs without a new best the rate is multiplied by
# ``factor``. Left out, patience is 10 and the factor 0.1.
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
# The default is ``"min"``, for losses. With a rising accuracy each later
# epoch counts as bad, and the rate falls while training goes well.
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
# A value must beat the best by the share ``threshold`` in mode ``"rel"``,
# or by the amount in mode ``"abs"``. The default is a ten-thousandth of the
# best. With a best below zero ``"rel"`` takes even a slightly worse value
# for a better one: use ``"abs"``.
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
# During ``cooldown`` epochs after a drop bad epochs are not counted.
# ``min_lr`` bounds the rate, as a list one bound per parameter group.
# A drop smaller than ``eps`` is left out.
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
# ``nan`` is never better than the best, so it counts as a bad epoch, and
# the rate falls as in any plateau. Weights that are ``nan`` stay so: go
# back to a saved state instead.
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
# ``ReduceLROnPlateau`` decides by a number: pass the validation loss to
# ``step``, once after each validation. A loop over several kinds of
# schedulers must tell it apart.
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
# ``verbose=True`` printed each change of the rate and is gone from all
# schedulers. Compare ``get_last_lr`` before and after.
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
