"""
Rearranging
===========

Flip, rotate, repeat, mask triangles, read diagonals, build grids.
"""
from contextlib import suppress

import torch

# %%
# Reverse the order: ``torch.flip``
# ---------------------------------
#
# Name the dimensions to turn round; as a function it wants a tuple or list,
# as a method numbers will do. The result is a copy, unlike in NumPy.
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
# Shift around the end: ``torch.roll``
# ------------------------------------
#
# What leaves at one end comes in at the other. Without ``dims`` the tensor
# is rolled as if it were flat, across the ends of rows.
#
# .. tensors:: x, x.roll(1, dims=1), x.roll(1)
x = torch.tensor([[1, 2, 3], [4, 5, 6]])
torch.roll(x, 1, dims=1)  # tensor([[3, 1, 2], [6, 4, 5]])
x.roll(-1, dims=1)  # tensor([[2, 3, 1], [5, 6, 4]])
x.roll(1)  # tensor([[6, 1, 2], [3, 4, 5]])
x.roll((1, 1), dims=(0, 1))  # tensor([[6, 4, 5], [3, 1, 2]])

# %%
# Turn by 90 degrees: ``torch.rot90``
# -----------------------------------
#
# Counterclockwise, ``k`` times; ``k=-1`` turns clockwise. For images say
# which two dimensions are height and width, or channels are turned.
#
# .. tensors:: x, torch.rot90(x), torch.rot90(x, -1)
x = torch.tensor([[1, 2, 3], [4, 5, 6]])
torch.rot90(x)  # tensor([[3, 6], [2, 5], [1, 4]])
torch.rot90(x, -1)  # tensor([[4, 1], [5, 2], [6, 3]])
torch.rot90(x, 2)  # tensor([[6, 5, 4], [3, 2, 1]])
image = torch.zeros(3, 32, 48)
image.rot90(dims=(1, 2)).shape  # torch.Size([3, 48, 32])

# %%
# Keep a triangle: ``torch.tril``, ``triu``
# -----------------------------------------
#
# The other triangle becomes 0. ``diagonal`` moves the border, up if
# positive. All but the last two dimensions are batches.
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
# Position ``i`` may see positions 0 to ``i``. Make the mask boolean: with
# ``Tensor.masked_fill`` what must not be seen becomes ``-inf`` before the
# softmax.
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
# ``diag`` of a vector makes a matrix, of a matrix it copies the diagonal.
# ``diagonal`` is a view that can be written through and works on batches;
# ``diag_embed`` makes a batch of matrices.
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
# Name the axes in a text: ``torch.func.rearrange``
# -------------------------------------------------
#
# Permutes, splits and joins dimensions as the package einops does. A name
# stands for an axis, brackets for axes joined into one.
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
# Each element follows itself, as in NumPy's ``repeat``; ``Tensor.repeat``
# repeats the whole. A tensor says how often for each. Without ``dim`` the
# result is flat.
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
# One tensor per axis, each with the shape of the grid. ``"ij"`` counts rows
# first, as indexing does; ``"xy"`` puts the first axis along the columns,
# as plots want it. Not to say which is a warning.
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
# One pair a row: every element of the first with every one of the second,
# or each two of one vector once. For a result per pair, broadcasting a
# column against a row is shorter.
x, y = torch.tensor([1, 2]), torch.tensor([7, 8])
torch.cartesian_prod(x, y)  # tensor([[1, 7], [1, 8], [2, 7], [2, 8]])
z = torch.tensor([1, 2, 3])
torch.combinations(z)  # tensor([[1, 2], [1, 3], [2, 3]])
x[:, None] * y  # tensor([[7, 8], [14, 16]])

# %%
# Shuffle rows, and undo it: ``torch.randperm``
# ---------------------------------------------
#
# Index two tensors with one permutation and the pairs stay together.
# ``argsort`` of a permutation is the one that undoes it.
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
# Tensors have no negative strides, so Python's way to reverse does not work
# on them. Flip, then take every ``n``-th if need be.
#
# .. glance:: x.flip(0)[::2]
x = torch.tensor([0, 1, 2, 3, 4])
with suppress(ValueError):
    x[::-1]  # ValueError: step must be greater than zero
x.flip(0)  # tensor([4, 3, 2, 1, 0])
x.flip(0)[::2]  # tensor([4, 2, 0])
