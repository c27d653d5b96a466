"""
Joining
=======

Put tensors together along a dimension they have, or along a new one.
"""
from contextlib import suppress

import torch

# %%
# Join along a dimension that exists: ``torch.cat``
# -------------------------------------------------
#
# Sizes must agree everywhere but along ``dim``; the number of dimensions
# stays the same. Use it to add rows or columns to what is there.
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
# All tensors must have one shape. The result has one dimension more, at
# ``dim``, as long as the list: this is how samples become a batch.
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
# If the length of the list should become a size of its own, stack; if a
# size that is there should grow, concatenate. Stacking is concatenating
# after ``Tensor.unsqueeze``.
images = [torch.rand(3, 32, 32) for _ in range(8)]
torch.stack(images).shape  # torch.Size([8, 3, 32, 32])
torch.cat(images).shape  # torch.Size([24, 32, 32])
with_batch = [image.unsqueeze(0) for image in images]
torch.equal(torch.cat(with_batch), torch.stack(images))  # True

# %%
# Rows, columns, depth: ``torch.vstack``, ``hstack``, ``dstack``
# --------------------------------------------------------------
#
# NumPy's names for joining along dimension 0, 1 and 2. For 1-D tensors
# ``vstack`` and ``dstack`` first add the dimensions they lack, and
# ``hstack`` joins along dimension 0.
u = torch.tensor([1, 2])
v = torch.tensor([3, 4])
torch.vstack([u, v])  # tensor([[1, 2], [3, 4]])
torch.hstack([u, v])  # tensor([1, 2, 3, 4])
torch.dstack([u, v])  # tensor([[[1, 3], [2, 4]]])

# %%
# 1-D tensors as columns: ``torch.column_stack``
# ----------------------------------------------
#
# Each 1-D tensor becomes one column; 2-D tensors are put side by side as
# they are. Features computed one by one become a design matrix.
x = torch.tensor([2.0, 3.0])
ones = torch.ones(2)
torch.column_stack([ones, x])  # tensor([[1., 2.], [1., 3.]])
torch.stack([ones, x])  # tensor([[1., 1.], [2., 3.]])

# %%
# Join tensors of different dtypes with ``torch.cat``
# ---------------------------------------------------
#
# The result takes the dtype that type promotion gives, as in an addition.
# One float64 tensor in the list makes the whole batch float64.
counts = torch.tensor([1, 2])
rates = torch.tensor([0.5])
torch.cat([counts, rates])  # tensor([1.0000, 2.0000, 0.5000])
torch.cat([rates, rates.double()]).dtype  # torch.float64

# %%
# ``torch.cat`` in a loop
# -----------------------
#
# Each call copies all that was joined before, so the cost grows with the
# square of the length. Collect in a list and join once.
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
# Only the joined dimension may differ. Look at the shapes: often the wrong
# ``dim`` is named, or one tensor lacks a dimension.
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
# Sequences of unequal length do not stack. Pad them to the longest with
# ``nn.utils.rnn.pad_sequence``, and keep the lengths.
long, short = torch.tensor([1, 2, 3]), torch.tensor([4])
with suppress(RuntimeError):
    torch.stack([long, short])  # RuntimeError: tensor to be equal size
padded = torch.nn.utils.rnn.pad_sequence([long, short], batch_first=True)
padded  # tensor([[1, 2, 3], [4, 0, 0]])

# %%
# Error: zero-dimensional tensor cannot be concatenated (``torch.cat``)
# ---------------------------------------------------------------------
#
# ``torch.cat`` joins along a dimension, and a 0-D tensor, such as a loss,
# has none. ``torch.stack`` adds one, and makes a vector of several losses.
losses = [torch.tensor(1.0), torch.tensor(3.0)]
with suppress(RuntimeError):
    torch.cat(losses)  # RuntimeError: zero-dimensional tensor
torch.stack(losses)  # tensor([1., 3.])
torch.stack(losses).mean()  # tensor(2.)
