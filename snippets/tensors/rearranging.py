"""
Rearranging
===========

Flip, roll, rotate and repeat tensors, keep triangles, read diagonals and
build grids.
"""
from contextlib import suppress

import torch

# %%
# Reverse the order: ``torch.flip``
# ---------------------------------
#
# Pass the dimensions to reverse. The function ``torch.flip`` needs a tuple
# or a list, and the method also takes separate numbers. The result is a
# copy, not a view as in NumPy.
#
# .. tensors:: x, x.flip(1), x.flip(0)
x = torch.tensor([[1, 2, 3], [4, 5, 6]])
torch.flip(x, dims=(1,))  # tensor([[3, 2, 1], [6, 5, 4]])
x.flip(0)  # tensor([[4, 5, 6], [1, 2, 3]])
x.flip(0, 1)  # tensor([[6, 5, 4], [3, 2, 1]])
torch.fliplr(x)  # tensor([[3, 2, 1], [6, 5, 4]])
with suppress(TypeError):
    torch.flip(x, 0)  # TypeError: must be tuple of ints, not int

# %%
# Shift elements cyclically: ``torch.roll``
# -----------------------------------------
#
# Elements that leave at one end come back at the other end. Without
# ``dims``, the tensor is rolled as if it were flattened, so elements move
# from one row to the next.
#
# .. tensors:: x, x.roll(1, dims=1), x.roll(1)
x = torch.tensor([[1, 2, 3], [4, 5, 6]])
torch.roll(x, 1, dims=1)  # tensor([[3, 1, 2], [6, 4, 5]])
x.roll(-1, dims=1)  # tensor([[2, 3, 1], [5, 6, 4]])
x.roll(1)  # tensor([[6, 1, 2], [3, 4, 5]])
x.roll((1, 1), dims=(0, 1))  # tensor([[6, 4, 5], [3, 1, 2]])

# %%
# Rotate by 90 degrees: ``torch.rot90``
# -------------------------------------
#
# ``torch.rot90`` rotates counterclockwise ``k`` times, and ``k=-1`` rotates
# clockwise. By default, it rotates dimensions 0 and 1. For an image with
# channels first, pass ``dims=(1, 2)``.
#
# .. tensors:: x, torch.rot90(x), torch.rot90(x, -1)
x = torch.tensor([[1, 2, 3], [4, 5, 6]])
torch.rot90(x)  # tensor([[3, 6], [2, 5], [1, 4]])
torch.rot90(x, -1)  # tensor([[4, 1], [5, 2], [6, 3]])
torch.rot90(x, 2)  # tensor([[6, 5, 4], [3, 2, 1]])
image = torch.zeros(3, 32, 48)
image.rot90(dims=(1, 2)).shape  # torch.Size([3, 48, 32])

# %%
# Keep the lower or upper triangle: ``torch.tril``, ``triu``
# ----------------------------------------------------------
#
# ``tril`` keeps the lower triangle, ``triu`` the upper one, and the other
# elements become 0. A positive ``diagonal`` moves the border up.
# ``torch.triu_indices`` gives the positions of the triangle, so you can
# read its elements.
x = torch.tensor([[1, 2, 3], [4, 5, 6], [7, 8, 9]])
torch.tril(x)  # tensor([[1, 0, 0], [4, 5, 0], [7, 8, 9]])
torch.triu(x)  # tensor([[1, 2, 3], [0, 5, 6], [0, 0, 9]])
x.triu(diagonal=1)  # tensor([[0, 2, 3], [0, 0, 6], [0, 0, 0]])
rows, columns = torch.triu_indices(3, 3, offset=1)
x[rows, columns]  # tensor([2, 3, 6])

# %%
# A causal mask: ``torch.tril`` of ones
# -------------------------------------
#
# With a causal mask, position ``i`` can attend to positions 0 to ``i``. Use
# a boolean mask, and set the other scores to ``-inf`` with
# ``Tensor.masked_fill``. The softmax then gives these positions a weight of
# 0.
mask = torch.ones(3, 3, dtype=torch.bool).tril()
mask[1]  # tensor([True, True, False])
scores = torch.zeros(3, 3).masked_fill(~mask, -torch.inf)
scores[0]  # tensor([0., -inf, -inf])
scores.softmax(dim=-1)[0]  # tensor([1., 0., 0.])
scores.softmax(dim=-1)[1]  # tensor([0.5, 0.5, 0.])

# %%
# Read or build a diagonal: ``torch.diag``, ``diagonal``
# ------------------------------------------------------
#
# ``diag`` turns a vector into a matrix, and it reads the diagonal of a
# matrix. ``diagonal`` returns a view, so writing to it changes the matrix;
# it also works on batches. ``diag_embed`` turns each row into a diagonal
# matrix.
x = torch.tensor([[1, 2], [3, 4]])
torch.diag(x)  # tensor([1, 4])
torch.tensor([5, 6]).diag()  # tensor([[5, 0], [0, 6]])
x.diag(1)  # tensor([2])
x.diagonal().add_(10)
x  # tensor([[11, 2], [3, 14]])
batch = torch.diag_embed(x)
batch  # tensor([[[11, 0], [0, 2]], [[3, 0], [0, 14]]])
batch.diagonal(dim1=1, dim2=2)  # tensor([[11, 2], [3, 14]])

# %%
# Name the axes in a string, as in einops: ``torch.func.rearrange``
# -----------------------------------------------------------------
#
# ``torch.func.rearrange`` permutes, splits and joins dimensions, like the
# package einops. Each name stands for an axis. Parentheses contain axes
# that are joined into one dimension.
#
# .. since:: 2.13
x = torch.arange(12).view(2, 2, 3)
rearrange = torch.func.rearrange
torch.equal(rearrange(x, "n h w -> w n h"), x.permute(2, 0, 1))  # True
torch.equal(rearrange(x, "n h w -> n (h w)"), x.flatten(1))  # True
heads = rearrange(x.flatten(1), "n (head e) -> head n e", head=2)
torch.equal(heads, x.transpose(0, 1))  # True

# %%
# Repeat each element: ``torch.repeat_interleave``
# ------------------------------------------------
#
# ``repeat_interleave`` repeats each element in place, like ``np.repeat``.
# ``Tensor.repeat`` repeats the whole tensor instead. You can pass a tensor
# with a number of repetitions for each element. Without ``dim``, the result
# is flattened.
#
# .. tensors:: x, x.repeat_interleave(2), x.repeat(2)
x = torch.tensor([1, 2])
torch.repeat_interleave(x, 2)  # tensor([1, 1, 2, 2])
x.repeat(2)  # tensor([1, 2, 1, 2])
x.repeat_interleave(torch.tensor([3, 1]))  # tensor([1, 1, 1, 2])
rows = torch.tensor([[1, 2], [3, 4]])
rows.repeat_interleave(2, dim=1)  # tensor([[1, 1, 2, 2], [3, 3, 4, 4]])

# %%
# Coordinates of a grid: ``torch.meshgrid``
# -----------------------------------------
#
# ``torch.meshgrid`` returns one tensor per axis, and each has the shape of
# the grid. With ``"ij"``, the first axis runs along the rows, as in
# indexing. With ``"xy"``, the first axis runs along the columns, as in
# plots. Without ``indexing``, there is a warning.
#
# .. tensors:: y, x, torch.meshgrid(y, x, indexing="ij")[0],
#    torch.meshgrid(y, x, indexing="ij")[1]
y, x = torch.tensor([10, 20]), torch.tensor([1, 2, 3])
rows, columns = torch.meshgrid(y, x, indexing="ij")
rows  # tensor([[10, 10, 10], [20, 20, 20]])
columns  # tensor([[1, 2, 3], [1, 2, 3]])
by_x, by_y = torch.meshgrid(x, y, indexing="xy")
torch.equal(by_x, columns)  # True
torch.equal(by_y, rows)  # True
torch.meshgrid(y, x)  # UserWarning: required to pass the indexing argument

# %%
# All pairs: ``torch.cartesian_prod``, ``torch.combinations``
# -----------------------------------------------------------
#
# Both functions return one pair per row. ``cartesian_prod`` pairs each
# element of one vector with each element of another. ``combinations`` gives
# each pair of elements of one vector once. If you want to compute something
# for each pair, broadcasting a column against a row is shorter.
x, y = torch.tensor([1, 2]), torch.tensor([7, 8])
torch.cartesian_prod(x, y)  # tensor([[1, 7], [1, 8], [2, 7], [2, 8]])
z = torch.tensor([1, 2, 3])
torch.combinations(z)  # tensor([[1, 2], [1, 3], [2, 3]])
x[:, None] * y  # tensor([[7, 8], [14, 16]])

# %%
# Shuffle rows, and undo it: ``torch.randperm``
# ---------------------------------------------
#
# Index both tensors with the same permutation, so that inputs and labels
# stay together. ``argsort`` of a permutation gives its inverse, which
# restores the old order.
x = torch.tensor([[1, 1], [2, 2], [3, 3], [4, 4]])
label = torch.tensor([10, 20, 30, 40])
order = torch.randperm(len(x))
shuffled, labels = x[order], label[order]
torch.equal(shuffled[:, 0] * 10, labels)  # True
shuffled[order.argsort()]  # tensor([[1, 1], [2, 2], [3, 3], [4, 4]])

# %%
# Reverse with a step: ``x.flip(0)[::2]``
# ---------------------------------------
#
# Tensors do not support negative steps, so ``x[::-1]`` raises an error.
# Reverse the tensor with ``flip`` first, and then use a slice with a
# positive step.
#
# .. glance:: x.flip(0)[::2]
x = torch.tensor([0, 1, 2, 3, 4])
with suppress(ValueError):
    x[::-1]  # ValueError: step must be greater than zero
x.flip(0)  # tensor([4, 3, 2, 1, 0])
x.flip(0)[::2]  # tensor([4, 2, 0])
