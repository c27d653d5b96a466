"""
Slices and shapes as functions
==============================

Functions that do the same as indexing with brackets, with the dimension as
an argument.
"""
from contextlib import suppress

import torch

# %%
# A slice along any dimension: ``torch.select``, ``torch.narrow``
# ---------------------------------------------------------------
#
# ``select`` takes one index and removes the dimension. ``narrow`` takes a
# start and a length and keeps the dimension. Use them if ``dim`` is a
# variable. Both return views; ``narrow_copy`` returns a copy.
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
# These functions return a new tensor in which one part is replaced, and do
# not change the old tensor. The part is an index
# (``torch.select_scatter``), a range (``torch.slice_scatter``), a diagonal
# (``torch.diagonal_scatter``) or given by strides
# (``torch.as_strided_scatter``).
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
# ``torch.diagonal`` returns a view, so writing to it changes the matrix. A
# positive ``offset`` selects a diagonal above the main one, a negative one
# below it. For a batch of matrices, pass ``dim1=-2, dim2=-1``.
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
# ``diag_embed`` turns each row into a matrix, so the result is a batch.
# ``diagflat`` flattens the tensor first and makes one matrix.
# ``torch.diag`` makes a matrix from a vector, but for a matrix it returns
# the diagonal.
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
# Both functions return two rows: the row indices and the column indices of
# the elements in the triangle. Use them to read a triangle as a vector, or
# to fill it from a vector. ``tril_indices`` with ``offset=-1`` excludes the
# diagonal.
i, j = torch.tril_indices(3, 3)
i  # tensor([0, 1, 1, 2, 2, 2])
j  # tensor([0, 0, 1, 0, 1, 2])
x = torch.zeros(3, 3)
x[i, j] = torch.arange(1.0, 7)
x  # tensor([[1., 0., 0.], [2., 3., 0.], [4., 5., 6.]])
torch.tril_indices(3, 3, offset=-1)  # tensor([[1, 2, 2], [0, 0, 1]])
torch.triu_indices(3, 3, offset=1)  # tensor([[0, 0, 1], [1, 2, 2]])

# %%
# Apply the result of ``argsort``: ``torch.take_along_dim``
# ---------------------------------------------------------
#
# ``take_along_dim`` picks elements along a dimension with the indices that
# ``argsort`` returns, or ``argmax`` with ``keepdim=True``. It works like
# ``gather``, but it broadcasts the index. Without ``dim``, it reads the
# flattened tensor.
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
# Positions of nonzero elements, one per row: ``torch.argwhere``
# --------------------------------------------------------------
#
# ``torch.argwhere`` returns the same as ``torch.nonzero``.
# ``Tensor.nonzero_static`` returns a fixed number of rows and fills missing
# ones with -1 by default. Its shape is known in advance, which
# ``torch.compile`` can need.
x = torch.tensor([[0, 7], [8, 0]])
torch.argwhere(x)  # tensor([[0, 1], [1, 0]])
torch.equal(x.argwhere(), torch.nonzero(x))  # True
x.nonzero_static(size=3)  # tensor([[0, 1], [1, 0], [-1, -1]])
x.nonzero_static(size=1)  # tensor([[0, 1]])

# %%
# Ensure a minimum number of dimensions: ``torch.atleast_2d``
# -----------------------------------------------------------
#
# ``torch.atleast_1d``, ``torch.atleast_2d`` and ``torch.atleast_3d`` add
# missing dimensions of size 1. ``atleast_2d`` turns a vector into a *row*.
# ``atleast_3d`` adds a dimension on both sides of a vector, and one at the
# end of a matrix.
v = torch.tensor([1, 2, 3])
[tuple(torch.atleast_1d(s).shape) for s in (v[0], v)]  # [(1,), (3,)]
torch.atleast_2d(v).shape  # torch.Size([1, 3])
torch.atleast_3d(v).shape  # torch.Size([1, 3, 1])
torch.atleast_3d(torch.ones(2, 4)).shape  # torch.Size([2, 4, 1])
a, b = torch.atleast_2d(v[0], v)
a.shape, b.shape  # (torch.Size([1, 1]), torch.Size([1, 3]))

# %%
# Repeat a tensor, split a dimension: ``torch.tile``, ``torch.unflatten``
# -----------------------------------------------------------------------
#
# Both also exist as methods. If you pass ``tile`` fewer numbers than
# dimensions, it adds ones on the left, but ``Tensor.repeat`` raises an
# error. ``unflatten`` splits one dimension, and one of the new sizes can be
# ``-1``.
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
# These functions come from NumPy, and their names say which dimension they
# use. ``vsplit`` and ``flipud`` use dimension 0, ``hsplit`` and ``fliplr``
# dimension 1, ``dsplit`` dimension 2. For a 1-D tensor, ``hsplit`` uses
# dimension 0. ``Tensor.tensor_split`` and ``flip`` take the dimension as an
# argument.
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
