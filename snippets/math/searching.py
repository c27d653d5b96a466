"""
Searching
=========

Find the first, last or nearest element, the position of each maximum, and a
tensor in a list.
"""
from contextlib import suppress

import torch

# %%
# Row and column of the maximum of each map: ``argmax`` over two dims
# -------------------------------------------------------------------
#
# ``argmax`` accepts one dimension, so flatten the last two dimensions
# first. ``torch.unravel_index`` then converts the index into a row and a
# column.
maps = torch.tensor([[[1, 9, 2], [3, 4, 5]], [[0, 1, 2], [3, 4, 8]]])
flat = maps.flatten(start_dim=1).argmax(dim=1)
flat  # tensor([1, 5])
rows, columns = torch.unravel_index(flat, maps.shape[1:])
rows, columns  # (tensor([0, 1]), tensor([1, 2]))
maps[torch.arange(2), rows, columns]  # tensor([9, 8])
maps.amax(dim=(1, 2))  # tensor([9, 8])

# %%
# First and last true element of each row: ``argmax`` of the mask
# ---------------------------------------------------------------
#
# ``argmax`` returns the index of the first maximum. It does not accept
# booleans, so convert the mask to integers. A row without a true element
# gives 0, too, so check it with ``any``. To find the last true element,
# reverse the rows with ``flip``.
mask = torch.tensor([[0, 1, 1, 0], [0, 0, 0, 0]]).bool()
first = mask.int().argmax(dim=1)
first  # tensor([1, 0])
torch.where(mask.any(dim=1), first, -1)  # tensor([1, -1])
last = 3 - mask.flip(1).int().argmax(dim=1)
last[0]  # tensor(2)

# %%
# First occurrence of each unique value: ``return_index`` of NumPy
# ----------------------------------------------------------------
#
# ``torch.unique`` does not return the index of the first occurrence. This
# index is the smallest position of each value, and ``scatter_reduce_`` with
# ``"amin"`` computes it.
x = torch.tensor([30, 10, 30, 20, 10])
values, inverse = x.unique(return_inverse=True)
values  # tensor([10, 20, 30])
positions = torch.arange(len(x))
first = torch.full_like(values, len(x))
first.scatter_reduce_(0, inverse, positions, "amin")  # tensor([1, 3, 0])
x[first]  # tensor([10, 20, 30])
x[first.sort().values]  # tensor([30, 10, 20])

# %%
# Where a value is, and the nearest value: ``nonzero``, ``argmin``
# ----------------------------------------------------------------
#
# Compare the tensor with the value and call ``nonzero``, as you would call
# ``index`` on a list. Floats rarely match exactly, so look for the smallest
# absolute difference.
x = torch.tensor([7, 3, 9, 3])
(x == 3).nonzero().flatten()  # tensor([1, 3])
(x == 3).nonzero()[0].item()  # 1
grid = torch.tensor([0.1, 0.2, 0.3], dtype=torch.float64)
(grid == 0.1 + 0.2).any()  # tensor(False)
(grid - 0.29).abs().argmin()  # tensor(2)
table = torch.tensor([[1, 2], [3, 4], [5, 6]])
row = torch.tensor([3, 4])
(table == row).all(dim=1).nonzero().item()  # 1

# %%
# Equal values in ``topk`` and ``argmax``: which index comes first
# ----------------------------------------------------------------
#
# ``topk`` and ``sort`` do not guarantee an order among equal values, so the
# indices can differ between a CPU and a GPU. With ``stable=True``, ``sort``
# keeps the original order. In tests, compare values and not indices.
x = torch.tensor([3, 2, 3, 2, 1])
x.topk(2).values  # tensor([3, 3])
x.topk(2).indices.sort().values  # tensor([0, 2])
order = x.sort(descending=True, stable=True).indices
order[:3]  # tensor([0, 2, 1])
(x == x.max()).nonzero().flatten()  # tensor([0, 2])

# %%
# Maximum under a mask: ``masked_fill`` with minus infinity
# ---------------------------------------------------------
#
# Fill the positions that should not count with minus infinity. Integers
# have no infinity, so use the smallest number of the dtype. For a single
# row, ``x[mask].max()`` is enough.
x = torch.tensor([[1.0, 9.0, 5.0], [8.0, 2.0, 3.0]])
valid = torch.tensor([[True, False, True], [False, True, True]])
hidden = x.masked_fill(~valid, -torch.inf)
hidden.max(dim=1).values  # tensor([5., 3.])
hidden.argmax(dim=1)  # tensor([2, 2])
lowest = torch.iinfo(torch.int64).min
x.long().masked_fill(~valid, lowest).amax(dim=1)  # tensor([5, 3])

# %%
# Error: Expected reduction dim to be specified for input.numel() == 0
# --------------------------------------------------------------------
#
# An empty tensor has no maximum, while its sum is 0 and its mean is nan.
# Often a mask has selected nothing, or a batch has no boxes. Check
# ``numel`` first, or append a default value with ``torch.cat``.
boxes = torch.zeros(0, 4)
with suppress(RuntimeError):
    boxes.max()  # RuntimeError: max(): Expected reduction dim to be
with suppress(IndexError):
    boxes.max(dim=0)  # IndexError: max(): Expected reduction dim 0 to have
boxes.max().item() if boxes.numel() else 0.0  # 0.0
floor = torch.zeros(1)
torch.cat([boxes.flatten(), floor]).max()  # tensor(0.)
boxes.sum(), boxes.mean()  # (tensor(0.), tensor(nan))

# %%
# Error: Boolean value of Tensor is ambiguous: a tensor in a list (``in``)
# ------------------------------------------------------------------------
#
# The operator ``in`` and the methods ``index`` and ``remove`` of a list
# compare with ``==``, which returns a tensor. Use ``is`` to find the same
# object, or ``torch.equal`` to find equal values. To look for a number in a
# tensor, use ``in``; for several numbers, use ``torch.isin``.
a, b = torch.tensor([1, 2]), torch.tensor([3, 4])
kept = [a, b]
with suppress(RuntimeError):
    b in kept  # RuntimeError: Boolean value of Tensor with more than one
any(b is x for x in kept)  # True
any(torch.equal(torch.tensor([3, 4]), x) for x in kept)  # True
kept = [x for x in kept if x is not a]
len(kept)  # 1
3 in b  # True
