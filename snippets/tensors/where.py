"""
Choosing by condition
=====================

Choose between two tensors by a condition, and find, pick or replace the
elements for which it is true.
"""
from contextlib import suppress

import torch

# %%
# Choose element by element: ``torch.where``
# ------------------------------------------
#
# ``torch.where`` takes elements from the second argument where the
# condition is True, and from the third where it is False. These two
# arguments can also be numbers. The method ``x.where(condition, other)``
# keeps ``x`` where the condition is True.
#
# .. tensors:: condition, x, y, torch.where(condition, x, y)
condition = torch.tensor([[True, False], [False, True]])
x = torch.tensor([[1, 2], [3, 4]])
y = torch.tensor([[10, 20], [30, 40]])
torch.where(condition, x, y)  # tensor([[1, 20], [30, 4]])
torch.where(x > 2, 1, 0)  # tensor([[0, 0], [1, 1]])
x.where(condition, -1)  # tensor([[1, -1], [-1, 4]])

# %%
# Find where a condition holds: ``torch.where`` with one argument
# ---------------------------------------------------------------
#
# With only a condition, ``torch.where`` returns one index tensor per
# dimension. You can index the tensor with them. If you pass only one of the
# two other arguments, you get an error, so pass both or none.
x = torch.tensor([[5, 1, 9], [2, 7, 3]])
torch.where(x > 4)  # (tensor([0, 0, 1]), tensor([0, 2, 1]))
rows, columns = torch.where(x > 4)
x[rows, columns]  # tensor([5, 9, 7])
with suppress(TypeError):
    torch.where(x > 4, x)  # TypeError: invalid combination of arguments
torch.where(x > 4, x, 0)  # tensor([[5, 0, 9], [0, 7, 0]])

# %%
# Positions of nonzero elements: ``torch.nonzero``
# ------------------------------------------------
#
# ``torch.nonzero`` returns one row of indices for each nonzero element.
# With ``as_tuple=True``, it returns one tensor per dimension, and you can
# index with them.
x = torch.tensor([[0, 7, 0], [8, 0, 9]])
torch.nonzero(x)  # tensor([[0, 1], [1, 0], [1, 2]])
rows, columns = x.nonzero(as_tuple=True)
rows  # tensor([0, 1, 1])
columns  # tensor([1, 0, 2])
x[rows, columns]  # tensor([7, 8, 9])
(x > 7).nonzero()  # tensor([[1, 0], [1, 2]])

# %%
# Pick or replace by a mask: ``masked_select``, ``masked_fill``
# -------------------------------------------------------------
#
# ``masked_select`` returns the elements under the mask as a 1-D tensor.
# ``x[mask]`` does the same, but its mask does not broadcast.
# ``masked_fill`` replaces these elements by a number and keeps the shape.
# ``masked_scatter`` replaces them by the values of a source, in order.
x = torch.tensor([[1, -2, 3], [-4, 5, -6]])
mask = x < 0
torch.masked_select(x, mask)  # tensor([-2, -4, -6])
x.masked_fill(mask, 0)  # tensor([[1, 0, 3], [0, 5, 0]])
source = torch.tensor([70, 80, 90])
x.masked_scatter(mask, source)  # tensor([[1, 70, 3], [80, 5, 90]])
x.masked_select(torch.tensor([True, False, False]))  # tensor([1, -4])
with suppress(IndexError):
    x[torch.tensor([True, False, False])]  # IndexError: mask [3] at index

# %%
# ``torch.where``, ``np.where`` and ``DataFrame.where`` compared
# --------------------------------------------------------------
#
# ``torch.where`` and ``np.where`` work in the same way. ``DataFrame.where``
# keeps the values where the condition is true and replaces the others.
# Without a second argument, it replaces them by NaN, and integers become
# floats. ``DataFrame.mask`` does the opposite.
import numpy as np
import pandas as pd

x = torch.tensor([10, 20, 30])
torch.where(x > 15, x, 0)  # tensor([0, 20, 30])
torch.where(x > 15)  # (tensor([1, 2]),)
array = x.cpu().numpy()
np.where(array > 15, array, 0)  # array([0, 20, 30])
np.where(array > 15)  # (array([1, 2]),)
frame = pd.DataFrame({"a": array})
frame.where(frame > 15, 0)["a"].tolist()  # [0, 20, 30]
frame.where(frame > 15)["a"].tolist()  # [nan, 20.0, 30.0]
frame.mask(frame > 15)["a"].tolist()  # [10.0, nan, nan]

# %%
# Mask the padding of each row: a condition that broadcasts
# ---------------------------------------------------------
#
# Compare a row of positions with a column of lengths. By broadcasting, this
# gives a mask that is True for data and False for padding. ``torch.where``
# broadcasts its arguments, too, so the 0 replaces all padding.
length = torch.tensor([1, 3])
mask = torch.arange(4) < length[:, None]
mask  # tensor([[True, False, False, False], [True, True, True, False]])
tokens = torch.tensor([[5, 8, 8, 8], [6, 7, 9, 8]])
torch.where(mask, tokens, 0)  # tensor([[5, 0, 0, 0], [6, 7, 9, 0]])

# %%
# Choose between ``torch.where``, ``masked_fill`` and ``x[mask] =``
# -----------------------------------------------------------------
#
# ``torch.where`` returns a new tensor and takes its values from two tensors
# or numbers. ``masked_fill`` also returns a new tensor, but it fills in one
# number. ``masked_fill_`` and ``x[mask] =`` change ``x`` in place.
x = torch.tensor([1.0, torch.nan, 3.0])
torch.where(x.isnan(), 0, x)  # tensor([1., 0., 3.])
x.masked_fill(x.isnan(), 0)  # tensor([1., 0., 3.])
x  # tensor([1., nan, 3.])
x[x.isnan()] = 0
x  # tensor([1., 0., 3.])

# %%
# The dtype that ``torch.where`` returns
# --------------------------------------
#
# ``torch.where`` promotes both branches, the second and the third argument,
# to a common dtype, so integers and 0.5 give float32. ``masked_fill`` keeps
# int64 and truncates 0.5 to 0. An int8 branch and a 0-d integer tensor give
# int8, which ends at 127, so 300 wraps around to 44 without an error. The
# Python number 300 raises an error here.
x = torch.tensor([1, 2, 3])
torch.where(x > 1, x, 0.5)  # tensor([0.5000, 2.0000, 3.0000])
x.masked_fill(x <= 1, 0.5)  # tensor([0, 2, 3])
small = x.to(torch.int8)
other = torch.tensor(300)
torch.where(small > 1, small, other)  # tensor([44, 2, 3], dtype=torch.int8)
with suppress(RuntimeError):
    torch.where(small > 1, small, 300)  # RuntimeError: without overflow

# %%
# NaN gradients from the branch that ``torch.where`` did not take
# ---------------------------------------------------------------
#
# PyTorch computes both branches, and a gradient flows into each of them.
# Where a branch was not taken, this gradient is 0. The derivative of the
# square root at 0 is infinite, and 0 times infinity is NaN. Replace the
# input before the square root, not only its result.
x = torch.tensor([0.0, 4.0], requires_grad=True)
torch.where(x > 0, x.sqrt(), 0).sum().backward()
x.grad  # tensor([nan, 0.2500])
x.grad = None
safe = torch.where(x > 0, x, 1)
torch.where(x > 0, safe.sqrt(), 0).sum().backward()
x.grad  # tensor([0.0000, 0.2500])

# %%
# Error: expected condition to be a boolean tensor (``torch.where``)
# ------------------------------------------------------------------
#
# An int64 mask of 0 and 1 is not accepted as a condition. Convert it with
# ``mask.bool()``, or use a comparison. A uint8 mask still works, but it
# gives a warning.
mask = torch.tensor([1, 0, 1])
x = torch.tensor([10, 20, 30])
with suppress(RuntimeError):
    torch.where(mask, x, 0)  # RuntimeError: to be a boolean tensor
torch.where(mask.bool(), x, 0)  # tensor([10, 0, 30])
byte = mask.to(torch.uint8)
torch.where(byte, x, 0)  # UserWarning: received a uint8 condition
