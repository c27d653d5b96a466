"""
Joining
=======

Concatenate tensors along an existing dimension, or stack them along a new
one.
"""
from contextlib import suppress

import torch

# %%
# Join along an existing dimension: ``torch.cat``
# -----------------------------------------------
#
# The sizes must be equal in all dimensions except ``dim``. The number of
# dimensions stays the same. Use ``torch.cat`` to add rows or columns to a
# matrix.
#
# .. tensors:: a, b, torch.cat([a, b], dim=0)
a = torch.tensor([[1, 2, 3], [4, 5, 6]])
b = torch.tensor([[7, 8, 9]])
torch.cat([a, b], dim=0)  # tensor([[1, 2, 3], [4, 5, 6], [7, 8, 9]])
torch.cat([a, a], dim=1).shape  # torch.Size([2, 6])
torch.cat([a, a], dim=-1).shape  # torch.Size([2, 6])

# %%
# Join along a new dimension: ``torch.stack``
# -------------------------------------------
#
# All tensors must have the same shape. The result has a new dimension at
# position ``dim``, and its size is the number of tensors. Use
# ``torch.stack`` to turn samples into a batch.
#
# .. tensors:: u, v, torch.stack([u, v]), torch.stack([u, v], dim=1)
u = torch.tensor([1, 2, 3])
v = torch.tensor([4, 5, 6])
torch.stack([u, v])  # tensor([[1, 2, 3], [4, 5, 6]])
torch.stack([u, v], dim=1)  # tensor([[1, 4], [2, 5], [3, 6]])

# %%
# Choose between ``torch.cat`` and ``torch.stack``
# ------------------------------------------------
#
# Use ``torch.stack`` if the length of the list should become a new
# dimension. Use ``torch.cat`` if an existing dimension should grow.
# ``torch.stack`` does the same as ``Tensor.unsqueeze`` on each tensor
# followed by ``torch.cat``.
images = [torch.rand(3, 32, 32) for _ in range(8)]
torch.stack(images).shape  # torch.Size([8, 3, 32, 32])
torch.cat(images).shape  # torch.Size([24, 32, 32])
with_batch = [image.unsqueeze(0) for image in images]
torch.equal(torch.cat(with_batch), torch.stack(images))  # True

# %%
# Rows, columns, depth: ``torch.vstack``, ``hstack``, ``dstack``
# --------------------------------------------------------------
#
# ``vstack`` joins along dimension 0, ``hstack`` along dimension 1 and
# ``dstack`` along dimension 2, as in NumPy. For 1-D tensors, ``vstack`` and
# ``dstack`` first add the missing dimensions, and ``hstack`` joins along
# dimension 0.
u = torch.tensor([1, 2])
v = torch.tensor([3, 4])
torch.vstack([u, v])  # tensor([[1, 2], [3, 4]])
torch.hstack([u, v])  # tensor([1, 2, 3, 4])
torch.dstack([u, v])  # tensor([[[1, 3], [2, 4]]])

# %%
# 1-D tensors as columns: ``torch.column_stack``
# ----------------------------------------------
#
# ``torch.column_stack`` turns each 1-D tensor into a column. Use it to
# build a matrix with one feature in each column.
x = torch.tensor([2.0, 3.0])
ones = torch.ones(2)
torch.column_stack([ones, x])  # tensor([[1., 2.], [1., 3.]])
torch.stack([ones, x])  # tensor([[1., 1.], [2., 3.]])

# %%
# Join tensors of different dtypes with ``torch.cat``
# ---------------------------------------------------
#
# ``torch.cat`` promotes the tensors to a common dtype, as an addition does.
# One float64 tensor in the list makes the whole result float64.
counts = torch.tensor([1, 2])
rates = torch.tensor([0.5])
torch.cat([counts, rates])  # tensor([1.0000, 2.0000, 0.5000])
torch.cat([rates, rates.double()]).dtype  # torch.float64

# %%
# Do not call ``torch.cat`` in a loop
# -----------------------------------
#
# Each call copies everything that was joined before, so the cost grows with
# the square of the length. Collect the tensors in a list and join them
# once.
batches = [torch.full((2,), i) for i in range(3)]
joined = torch.empty(0, dtype=torch.int64)
for batch in batches:
    joined = torch.cat([joined, batch])
joined  # tensor([0, 0, 1, 1, 2, 2])
torch.equal(joined, torch.cat(batches))  # True

# %%
# Error: sizes of tensors must match (``torch.cat``)
# --------------------------------------------------
#
# The sizes may differ only in the dimension that is joined. Print the
# shapes. Often ``dim`` is wrong, or one tensor lacks a dimension.
a = torch.zeros(2, 3)
b = torch.zeros(2, 4)
with suppress(RuntimeError):
    torch.cat([a, b])  # RuntimeError: Sizes of tensors must match
torch.cat([a, b], dim=1).shape  # torch.Size([2, 7])
row = torch.zeros(3)
with suppress(RuntimeError):
    torch.cat([a, row])  # RuntimeError: same number of dimensions
torch.cat([a, row.unsqueeze(0)]).shape  # torch.Size([3, 3])

# %%
# Error: stack expects each tensor to be equal size (``torch.stack``)
# -------------------------------------------------------------------
#
# ``torch.stack`` cannot stack sequences of different lengths. Pad them to
# the length of the longest with ``nn.utils.rnn.pad_sequence``, and keep the
# original lengths.
long, short = torch.tensor([1, 2, 3]), torch.tensor([4])
with suppress(RuntimeError):
    torch.stack([long, short])  # RuntimeError: tensor to be equal size
padded = torch.nn.utils.rnn.pad_sequence([long, short], batch_first=True)
padded  # tensor([[1, 2, 3], [4, 0, 0]])

# %%
# Error: zero-dimensional tensor cannot be concatenated (``torch.cat``)
# ---------------------------------------------------------------------
#
# ``torch.cat`` joins along a dimension, but a 0-D tensor, such as a loss,
# has none. ``torch.stack`` adds a dimension and turns several losses into a
# vector.
losses = [torch.tensor(1.0), torch.tensor(3.0)]
with suppress(RuntimeError):
    torch.cat(losses)  # RuntimeError: zero-dimensional tensor
torch.stack(losses)  # tensor([1., 3.])
torch.stack(losses).mean()  # tensor(2.)
