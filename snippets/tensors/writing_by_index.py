"""
Writing by index
================

Functions and methods that write to the elements that an index or a mask
selects, in place or into a new tensor.
"""
from contextlib import suppress

import torch

# %%
# New tensor or in place: ``torch.scatter``, ``Tensor.scatter_``
# --------------------------------------------------------------
#
# ``torch.scatter`` and ``x.scatter`` return a new tensor, and
# ``x.scatter_`` changes ``x`` in place. The index gives the position for
# each element of ``src``. If ``src`` is larger than the index, the rest of
# it is ignored. ``src`` can also be a number.
x = torch.zeros(2, 3)
index, src = torch.tensor([[2], [0]]), torch.tensor([[5.0], [6.0]])
new = torch.scatter(x, 1, index, src)
new  # tensor([[0., 0., 5.], [6., 0., 0.]])
torch.equal(new, x.scatter(1, index, src))  # True
torch.equal(new, x.clone().scatter_(1, index, src))  # True
torch.scatter(x, 1, index, 1.0)  # tensor([[0., 0., 1.], [1., 0., 0.]])
torch.scatter(x, 1, index[:1], src)[1]  # tensor([0., 0., 0.])
x.count_nonzero()  # tensor(0)

# %%
# Add to elements or to rows: ``torch.scatter_add``, ``torch.index_add``
# ----------------------------------------------------------------------
#
# ``scatter_add`` needs an index for each element, and ``index_add`` needs
# one for each row. If you expand the index to the shape of the source, the
# two functions give the same result. ``index_add`` also has a factor
# ``alpha``.
x, rows = torch.zeros(2, 2), torch.tensor([1, 1, 0])
src = torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
by_row = torch.index_add(x, 0, rows, src)
by_row  # tensor([[5., 6.], [4., 6.]])
torch.equal(by_row, x.clone().index_add_(0, rows, src))  # True
places = rows[:, None].expand(3, 2)
torch.equal(by_row, torch.scatter_add(x, 0, places, src))  # True
torch.equal(by_row, x.clone().scatter_add_(0, places, src))  # True
x.index_add(0, rows, src, alpha=-1)  # tensor([[-5., -6.], [-4., -6.]])

# %%
# Other reductions: ``torch.scatter_reduce``, ``torch.index_reduce``
# ------------------------------------------------------------------
#
# Both functions accept ``"prod"``, ``"mean"``, ``"amax"`` and ``"amin"``,
# and ``scatter_reduce`` also accepts ``"sum"``. ``include_self=False``
# leaves out the old values, but elements that are not written keep their
# old value. ``index_reduce`` works on rows, like ``index_add``, and gives a
# warning that it is in beta.
x, rows = torch.tensor([9.0, 9.0, 9.0]), torch.tensor([0, 0, 1])
src = torch.tensor([2.0, 4.0, 5.0])
y = torch.index_reduce(x, 0, rows, src, "prod")  # UserWarning: is in beta
for how in ["prod", "mean", "amax", "amin"]:
    given = (0, rows, src, how)
    result = torch.scatter_reduce(x, *given)
    torch.equal(result, x.clone().scatter_reduce_(*given))  # True
    torch.equal(result, torch.index_reduce(x, *given))  # True
    torch.equal(result, x.clone().index_reduce_(*given))  # True
result  # tensor([2., 5., 9.])
torch.scatter_reduce(x, 0, rows, src, "sum")  # tensor([15., 14., 9.])
x.scatter_reduce(*given[:3], "mean")  # tensor([5., 7., 9.])
new = x.scatter_reduce(*given[:3], "mean", include_self=False)
new  # tensor([3., 5., 9.])

# %%
# Overwrite rows: ``torch.index_copy``, ``Tensor.index_fill_``
# ------------------------------------------------------------
#
# ``index_copy`` writes one row for each index, and ``index_fill`` writes
# one number to all of them. In place, they do the same as ``x[index] =
# rows`` and ``x[index] = 7``, but you can choose ``dim``. ``index_copy``
# does not accept negative indices.
x, index = torch.zeros(3, 2), torch.tensor([2, 0])
rows = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
new = torch.index_copy(x, 0, index, rows)
new  # tensor([[3., 4.], [0., 0.], [1., 2.]])
torch.equal(new, x.index_copy(0, index, rows))  # True
torch.equal(new, x.clone().index_copy_(0, index, rows))  # True
y = x.clone()
y[index] = rows
torch.equal(new, y)  # True
filled = torch.index_fill(x, 0, index, 7)
filled  # tensor([[7., 7.], [0., 0.], [7., 7.]])
torch.equal(filled, x.index_fill_(0, index, 7))  # True

# %%
# Write to single elements: ``torch.index_put``, ``Tensor.put``
# -------------------------------------------------------------
#
# ``index_put`` takes one index tensor per dimension, like brackets. ``put``
# takes positions in the flattened tensor. With ``accumulate=True``, both
# add the values, and a repeated position is added each time.
x, values = torch.zeros(2, 3), torch.tensor([1.0, 2.0])
i, j = torch.tensor([0, 1]), torch.tensor([2, 0])
new = torch.index_put(x, (i, j), values)
new  # tensor([[0., 0., 1.], [2., 0., 0.]])
torch.equal(new, x.index_put((i, j), values))  # True
torch.equal(new, x.clone().index_put_((i, j), values))  # True
flat = 3 * i + j
torch.equal(new, x.put(flat, values))  # True
torch.equal(new, x.clone().put_(flat, values))  # True
same = torch.tensor([4, 4])
x.put(same, values, accumulate=True)[1]  # tensor([0., 3., 0.])

# %%
# Write where a mask is True: ``masked_fill_``, ``masked_scatter_``
# -----------------------------------------------------------------
#
# ``masked_fill`` writes one number. ``masked_scatter`` takes the values
# from the start of ``source``, one after the other. If you want the values
# at the same positions as the mask, use ``torch.where``.
x, source = torch.tensor([1, 2, 3, 4]), torch.tensor([50, 60, 70, 80])
mask = torch.tensor([False, True, False, True])
x.clone().masked_fill_(mask, 0)  # tensor([1, 0, 3, 0])
torch.masked_fill(x, mask, 0)  # tensor([1, 0, 3, 0])
x.clone().masked_scatter_(mask, source)  # tensor([1, 50, 3, 60])
torch.masked_scatter(x, mask, source)  # tensor([1, 50, 3, 60])
torch.where(mask, source, x)  # tensor([1, 60, 3, 80])

# %%
# ``x[index] += 1`` counts a repeated index once
# ----------------------------------------------
#
# ``x[index] += 1`` reads the elements, adds 1 and writes them back. With a
# repeated index, it writes the same result several times. To add each time,
# use ``index_add_``, or ``index_put_`` with ``accumulate=True``.
index, ones = torch.tensor([1, 1, 1]), torch.ones(3)
x = torch.zeros(2)
x[index] += 1
x  # tensor([0., 1.])
torch.zeros(2).index_add_(0, index, ones)  # tensor([0., 3.])
places = (index,)
x = torch.zeros(2)
x.index_put_(places, ones, accumulate=True)  # tensor([0., 3.])

# %%
# Error: source and destination dtype (``index_add_``)
# ----------------------------------------------------
#
# For ``index_add_``, ``index_copy_`` and ``x[index] = source``, the source
# must have the dtype of the tensor. A Python number is converted, so 2.7
# becomes 2 in a tensor of integers. A tensor is also converted if you
# assign it to a slice, or if it has one element and you assign it to a
# mask.
counts, index = torch.tensor([0, 0]), torch.tensor([1])
src = torch.tensor([2.7])
with suppress(RuntimeError):
    counts.index_add_(0, index, src)  # RuntimeError: scalar type
with suppress(RuntimeError):
    counts.index_copy_(0, index, src)  # RuntimeError: same dtype
with suppress(RuntimeError):
    counts[index] = src  # RuntimeError: destination dtypes match
counts.index_fill(0, index, 2.7)  # tensor([0, 2])
counts[1:] = src
counts  # tensor([0, 2])
counts[counts > 1] = src + 1
counts  # tensor([0, 3])
counts.float().index_add_(0, index, src)  # tensor([0.0000, 5.7000])
