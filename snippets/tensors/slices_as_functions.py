"""
Slices and shapes as functions
==============================

What brackets do, with the dimension as an argument.
"""
from contextlib import suppress

import torch

# %%
# A slice along any dimension: ``torch.select``, ``torch.narrow``
# ---------------------------------------------------------------
#
# ``select`` is one index and drops the dimension, ``narrow`` a start and a
# length and keeps it: use them where ``dim`` is a variable. Both are views
# of the tensor; ``narrow_copy`` is not.
x = torch.arange(12).reshape(3, 4)
torch.equal(torch.select(x, 1, 2), x[:, 2])  # True
torch.equal(torch.narrow(x, 1, 2, 2), x[:, 2:4])  # True
torch.equal(x.select(0, -1), x[-1])  # True
torch.equal(x.narrow(dim=0, start=1, length=2), x[1:3])  # True
copy = torch.narrow_copy(x, 0, 1, 1)
torch.equal(copy, x.narrow_copy(0, 1, 1))  # True
x.narrow(0, 1, 1).zero_()
x[1]  # tensor([0, 0, 0, 0])
copy  # tensor([[4, 5, 6, 7]])

# %%
# Replace a part without writing in place: ``select_scatter``
# -----------------------------------------------------------
#
# These return a new tensor in which one part is another tensor, and leave
# the old one alone, as gradients and ``torch.func`` like it. The part is an
# index (``torch.select_scatter``), a range (``torch.slice_scatter``), a
# diagonal (``torch.diagonal_scatter``), or given by strides.
x, row = torch.zeros(3, 3), torch.tensor([1.0, 2.0, 3.0])
new = torch.select_scatter(x, row, dim=0, index=1)
new[1]  # tensor([1., 2., 3.])
torch.equal(new, x.select_scatter(row, 0, 1))  # True
torch.equal(new, torch.slice_scatter(x, row[None], 0, 1, 2))  # True
torch.equal(new, x.slice_scatter(row[None], 0, 1, 2))  # True
torch.equal(new, torch.as_strided_scatter(x, row, (3,), (1,), 3))  # True
torch.equal(new, x.as_strided_scatter(row, (3,), (1,), 3))  # True
torch.equal(torch.diagonal_scatter(x, row), row.diag())  # True
x.diagonal_scatter(row[:2], offset=1)[0]  # tensor([0., 1., 0.])
x.count_nonzero()  # tensor(0)

# %%
# A diagonal as a view: ``torch.diagonal``
# ----------------------------------------
#
# Writing into the view writes into the matrix; ``offset`` picks a diagonal
# above or, negative, below. Of a batch it takes one diagonal per matrix
# with ``dim1=-2, dim2=-1``.
x = torch.zeros(2, 3)
torch.diagonal(x).copy_(torch.tensor([1.0, 2.0]))
x.diagonal(offset=1).fill_(5)
x  # tensor([[1., 5., 0.], [0., 2., 5.]])
batch = torch.stack([x, 2 * x])
torch.diagonal(batch, dim1=-2, dim2=-1)  # tensor([[1., 2.], [2., 4.]])

# %%
# Make diagonal matrices: ``torch.diag_embed``, ``torch.diagflat``
# ----------------------------------------------------------------
#
# ``diag_embed`` makes one matrix of each row and keeps the batch;
# ``diagflat`` flattens first and makes a single matrix. ``torch.diag``
# makes a matrix of one vector, and reads the diagonal of a matrix.
x = torch.tensor([[1, 2], [3, 4]])
torch.diag_embed(x)[1]  # tensor([[3, 0], [0, 4]])
torch.equal(x.diag_embed(), torch.diag_embed(x))  # True
torch.equal(torch.diagflat(x), torch.diag(x.flatten()))  # True
torch.equal(x.diagflat(offset=1), x.flatten().diag(1))  # True
torch.diag(x)  # tensor([1, 4])

# %%
# Indices of a triangle: ``torch.tril_indices``, ``triu_indices``
# ---------------------------------------------------------------
#
# Two rows, the row and the column index of each element in the triangle:
# what reads a symmetric matrix once or fills it from a vector.
# ``offset=-1`` leaves the diagonal out of the lower triangle.
i, j = torch.tril_indices(3, 3)
i  # tensor([0, 1, 1, 2, 2, 2])
j  # tensor([0, 0, 1, 0, 1, 2])
x = torch.zeros(3, 3)
x[i, j] = torch.arange(1.0, 7)
x  # tensor([[1., 0., 0.], [2., 3., 0.], [4., 5., 6.]])
torch.tril_indices(3, 3, offset=-1)  # tensor([[1, 2, 2], [0, 0, 1]])
torch.triu_indices(3, 3, offset=1)  # tensor([[0, 0, 1], [1, 2, 2]])

# %%
# Sort one tensor as another: ``torch.take_along_dim``
# ----------------------------------------------------
#
# It applies the result of ``argsort``, or of ``argmax`` with
# ``keepdim=True``, along a dimension, as ``gather`` does, but the index
# broadcasts against the tensor. Without ``dim`` it reads the flattened
# tensor.
x = torch.tensor([[30, 10, 20], [40, 60, 50]])
order = x.argsort(dim=1)
torch.take_along_dim(x, order, dim=1)[0]  # tensor([10, 20, 30])
torch.equal(x.take_along_dim(order, 1), x.gather(1, order))  # True
last = torch.tensor([[2]])
x.take_along_dim(last, dim=1)  # tensor([[20], [50]])
x.take_along_dim(x.argmax(1, keepdim=True), dim=1)  # tensor([[30], [60]])
x.gather(1, last)  # tensor([[20]])
x.take_along_dim(torch.tensor([3]))  # tensor([40])

# %%
# Positions, one per row: ``torch.argwhere``
# ------------------------------------------
#
# It returns what ``torch.nonzero`` returns. ``Tensor.nonzero_static`` pads
# to a given number of rows with ``fill_value``, so the shape is known in
# advance, for ``torch.compile`` for instance.
x = torch.tensor([[0, 7], [8, 0]])
torch.argwhere(x)  # tensor([[0, 1], [1, 0]])
torch.equal(x.argwhere(), torch.nonzero(x))  # True
x.nonzero_static(size=3)  # tensor([[0, 1], [1, 0], [-1, -1]])
x.nonzero_static(size=1)  # tensor([[0, 1]])

# %%
# At least so many dimensions: ``torch.atleast_2d``
# -------------------------------------------------
#
# ``torch.atleast_1d``, ``torch.atleast_2d`` and ``torch.atleast_3d`` add
# dimensions of size 1 that are missing and return anything larger as it is.
# A vector becomes a *row* in 2-D; in 3-D a size is added on both sides.
v = torch.tensor([1, 2, 3])
[tuple(torch.atleast_1d(s).shape) for s in (v[0], v)]  # [(1,), (3,)]
torch.atleast_2d(v).shape  # torch.Size([1, 3])
torch.atleast_3d(v).shape  # torch.Size([1, 3, 1])
torch.atleast_3d(torch.ones(2, 4)).shape  # torch.Size([2, 4, 1])
a, b = torch.atleast_2d(v[0], v)
a.shape, b.shape  # (torch.Size([1, 1]), torch.Size([1, 3]))

# %%
# As functions: ``torch.tile``, ``torch.unflatten``
# -------------------------------------------------
#
# Both exist as methods too. ``tile`` pads its counts with ones on the left
# where ``Tensor.repeat`` wants one for each dimension; ``unflatten`` splits
# one dimension and can infer one size from ``-1``.
x = torch.tensor([[1, 2], [3, 4]])
torch.tile(x, (2,))  # tensor([[1, 2, 1, 2], [3, 4, 3, 4]])
torch.equal(x.tile(2), x.repeat(1, 2))  # True
flat = torch.arange(6)
torch.unflatten(flat, 0, (2, -1))  # tensor([[0, 1, 2], [3, 4, 5]])
torch.equal(flat.unflatten(0, (2, 3)), flat.reshape(2, 3))  # True
with suppress(RuntimeError):
    x.repeat(2)  # RuntimeError: can not be smaller than number of

# %%
# Left, right, up, down: ``hsplit``, ``vsplit``, ``fliplr``, ``flipud``
# ---------------------------------------------------------------------
#
# NumPy's names with the dimension built in: ``v`` and ``ud`` act on 0,
# ``h`` and ``lr`` on 1, ``d`` on 2. ``Tensor.tensor_split`` and ``flip``
# name the dimension and work for any. ``hsplit`` of a 1-D tensor cuts
# dimension 0.
x = torch.arange(64).reshape(4, 4, 4)
for dim, name in enumerate(["vsplit", "hsplit", "dsplit"]):
    pieces = getattr(x, name)(2)
    all(map(torch.equal, pieces, x.tensor_split(2, dim)))  # True
    all(map(torch.equal, pieces, getattr(torch, name)(x, 2)))  # True
for dim, name in enumerate(["flipud", "fliplr"]):
    flipped = getattr(torch, name)(x)
    torch.equal(flipped, x.flip(dim))  # True
    torch.equal(flipped, getattr(x, name)())  # True
[p.tolist() for p in torch.arange(4).hsplit(2)]  # [[0, 1], [2, 3]]
with suppress(RuntimeError):
    x.hsplit(3)  # RuntimeError: the size of the dimension 4
