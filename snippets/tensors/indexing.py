"""
Indexing
========

Read parts of a tensor, or write to them, by position or by condition.
"""
from contextlib import suppress

import torch

# %%
# One element, row or column: ``x[i, j]``
# ---------------------------------------
#
# An integer index removes its dimension, and ``:`` keeps a dimension whole.
# Dimensions that you leave out at the end are also kept whole. Negative
# numbers count from the end.
#
# .. tensors:: x, x[1], x[:, -1]
#    :style: index
x = torch.arange(12).reshape(3, 4)
x[1]  # tensor([4, 5, 6, 7])
x[1, 2]  # tensor(6)
x[1][2]  # tensor(6)
x[:, -1]  # tensor([3, 7, 11])
x[-1, -1].item()  # 11

# %%
# A range with a step: ``x[start:stop:step]``
# -------------------------------------------
#
# A slice does not include its stop. It keeps the dimension, even if one
# element remains. A slice beyond the end raises no error; the result is
# shorter or empty.
#
# .. tensors:: x, x[1:, 1:3], x[::2, ::3]
#    :style: index
x = torch.arange(12).reshape(3, 4)
x[1:, 1:3]  # tensor([[5, 6], [9, 10]])
x[::2, ::3]  # tensor([[0, 3], [8, 11]])
x[:, -2:]  # tensor([[2, 3], [6, 7], [10, 11]])
x[1:2]  # tensor([[4, 5, 6, 7]])
x[2:100]  # tensor([[8, 9, 10, 11]])
x[5:].shape  # torch.Size([0, 4])

# %%
# Use ``...`` and ``None`` in an index: ``x[..., 0]``, ``x[:, None]``
# -------------------------------------------------------------------
#
# ``...`` stands for all dimensions that you do not write. ``None`` inserts
# a dimension of size 1 at its place, like ``Tensor.unsqueeze``.
x = torch.arange(24).reshape(2, 3, 4)
x[..., 0]  # tensor([[0, 4, 8], [12, 16, 20]])
x[0, ..., -1]  # tensor([3, 7, 11])
x[None].shape  # torch.Size([1, 2, 3, 4])
x[..., None].shape  # torch.Size([2, 3, 4, 1])
v = torch.tensor([1, 2, 3])
v[:, None] - v  # tensor([[0, -1, -2], [1, 0, -1], [2, 1, 0]])

# %%
# Select by condition with a boolean mask: ``x[mask]``
# ----------------------------------------------------
#
# A mask with the shape of the tensor selects elements and returns them as a
# 1-D tensor, row by row. A 1-D mask selects rows. Combine conditions with
# ``&``, ``|`` and ``~``, and put each condition in parentheses. ``and`` and
# ``or`` do not work here.
#
# .. tensors:: x, x > 5, x[x > 5]
#    :style: index
x = torch.tensor([[1, 8, 3], [9, 2, 7]])
x[x > 5]  # tensor([8, 9, 7])
x[(x > 1) & (x < 8)]  # tensor([3, 2, 7])
x[x.sum(dim=1) > 15]  # tensor([[9, 2, 7]])
x[:, torch.tensor([True, False, True])]  # tensor([[1, 3], [9, 7]])
with suppress(RuntimeError):
    x[x > 1 and x < 8]  # RuntimeError: Boolean value of Tensor
with suppress(IndexError):
    x[torch.tensor([True])]  # IndexError: The shape of the mask [1]

# %%
# Select by lists of indices: rows, pairs or a grid
# -------------------------------------------------
#
# One list selects rows, in any order, and the same row may appear several
# times. Two lists are combined in pairs, and each pair gives one element.
# To select a grid of rows and columns, turn the first list into a column
# with ``[:, None]``, or index twice.
#
# .. tensors:: x, x[rows, columns], x[rows[:, None], columns]
#    :style: index
x = torch.arange(12).reshape(3, 4)
rows = torch.tensor([0, 2])
columns = torch.tensor([1, 3])
x[[2, 0, 0], 0]  # tensor([8, 0, 0])
x[rows]  # tensor([[0, 1, 2, 3], [8, 9, 10, 11]])
x[rows, columns]  # tensor([1, 11])
x[rows[:, None], columns]  # tensor([[1, 3], [9, 11]])
x[rows][:, columns]  # tensor([[1, 3], [9, 11]])

# %%
# Assign to a part: ``x[i] = value``, ``Tensor.index_put_``
# ---------------------------------------------------------
#
# The value is broadcast to the shape of the part. If an index appears
# twice, ``+=`` adds to the element once. ``index_put_`` with
# ``accumulate=True`` adds each time.
x = torch.zeros(2, 3)
x[0] = 5
x[:, 1] = torch.tensor([7.0, 8.0])
x[x == 0] = -1
x  # tensor([[5., 7., 5.], [-1., 8., -1.]])
index = torch.tensor([0, 0, 2])
once, each = torch.zeros(3), torch.zeros(3)
once[index] += 1
once  # tensor([1., 0., 1.])
each.index_put_((index,), torch.ones(3), accumulate=True)
each  # tensor([2., 0., 1.])
with suppress(RuntimeError):
    once[index] = torch.ones(2)  # RuntimeError: cannot be broadcast

# %%
# View or copy: slices share memory, lists and masks copy
# -------------------------------------------------------
#
# Indexing with integers and slices gives a view, so writing to it changes
# the tensor. Indexing with lists and masks gives a copy. An assignment
# through a second pair of brackets then changes only this copy. Put all
# indices into one pair of brackets.
x = torch.tensor([[1, 2, 3], [4, 5, 6]])
row = x[0]
row[0] = 10
x  # tensor([[10, 2, 3], [4, 5, 6]])
chosen = x[:, 2] > 5
x[chosen][:, 1] = 99
x  # tensor([[10, 2, 3], [4, 5, 6]])
x[chosen, 1] = 99
x  # tensor([[10, 2, 3], [4, 99, 6]])
x[:1].data_ptr() == x.data_ptr()  # True
x[[0]].data_ptr() == x.data_ptr()  # False

# %%
# Error: step must be greater than zero (``x[::-1]``)
# ---------------------------------------------------
#
# Slices of tensors do not support negative steps. Use ``torch.flip`` to
# reverse the dimensions that you name. The result is a copy.
x = torch.tensor([[1, 2, 3], [4, 5, 6]])
with suppress(ValueError):
    x[::-1]  # ValueError: step must be greater than zero
x.flip(0)  # tensor([[4, 5, 6], [1, 2, 3]])
x.flip(0, 1)  # tensor([[6, 5, 4], [3, 2, 1]])

# %%
# Error: index 2 is out of bounds for dimension 0 (``x[i]``)
# ----------------------------------------------------------
#
# If you index with lists, "dimension 0" in the message means the first list
# and not the first dimension, so look at the size that it names. On a GPU,
# a wrong index in a tensor gives "device-side assert triggered", and later
# GPU operations fail, too. Run the code on the CPU, as here, to see which
# index is wrong.
x = torch.arange(6, device="cpu").reshape(2, 3)
index = torch.tensor([0, 2], device="cpu")
with suppress(IndexError):
    x[index]  # IndexError: index 2 is out of bounds for dimension 0
with suppress(IndexError):
    x[0, 3]  # IndexError: index 3 is out of bounds for dimension 1
with suppress(IndexError):
    x[:, [0, 3]]  # IndexError: out of bounds for dimension 0 with size 3
with suppress(IndexError):
    x[0, 0, 0]  # IndexError: too many indices for tensor of dimension 2

# %%
# Error: tensors used as indices must be long, int, byte or bool
# --------------------------------------------------------------
#
# The index holds floats, for example because it comes from ``/`` or
# ``torch.zeros``, or integers of another dtype such as int16. Convert it
# with ``Tensor.long``, and divide an index with ``//``. If you mean a mask,
# convert it with ``Tensor.bool``.
x = torch.arange(5) * 10
index = torch.tensor([1.0, 3.0])
with suppress(IndexError):
    x[index]  # IndexError: tensors used as indices must be long
x[index.long()]  # tensor([10, 30])
middle = torch.tensor(4)
with suppress(IndexError):
    x[middle / 2]  # IndexError: tensors used as indices must be long
x[middle // 2]  # tensor(20)
mask = torch.tensor([1.0, 0.0, 0.0, 0.0, 1.0])
x[mask.bool()]  # tensor([0, 40])

# %%
# Error: the shape of the mask does not match the indexed tensor
# --------------------------------------------------------------
#
# A mask in brackets does not broadcast. Its shape must be equal to the
# first dimensions of ``x``. Reshape a flat mask with ``view_as``. Stretch a
# dimension of size 1 with ``expand_as``, or use ``masked_fill``, which
# broadcasts.
x = torch.zeros(2, 3, 4)
flat = torch.arange(24) % 2 == 0
with suppress(IndexError):
    x[flat] = 1  # IndexError: The shape of the mask [24] at index 0
x[flat.view_as(x)] = 1
x.sum()  # tensor(12.)
one = torch.ones(2, 1, 4, dtype=torch.bool)
with suppress(IndexError):
    x[one] = 5  # IndexError: The shape of the mask [2, 1, 4] at index 1
x[one.expand_as(x)] = 5
x.unique()  # tensor([5.])
x.masked_fill(one, 7).unique()  # tensor([7.])
