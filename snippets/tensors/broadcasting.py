"""
Broadcasting
============

Combine tensors of different shapes without copying them to the same shape
first.
"""
from contextlib import suppress

import torch

# %%
# Which shapes broadcast: ``torch.broadcast_shapes``
# --------------------------------------------------
#
# Write the two shapes below each other, aligned on the right, and compare
# size by size. Two sizes fit if they are equal or if one of them is 1. A
# missing dimension counts as 1. If one pair does not fit, the tensors
# cannot be added, and ``torch.broadcast_shapes`` raises an error that names
# the dimension.
torch.broadcast_shapes((5, 3), (3,))  # torch.Size([5, 3])
torch.broadcast_shapes((5, 1), (1, 4))  # torch.Size([5, 4])
torch.broadcast_shapes((8, 1, 6), (7, 1))  # torch.Size([8, 7, 6])
with suppress(RuntimeError):
    torch.broadcast_shapes((5, 3), (5,))  # RuntimeError: length 5 at -1
torch.broadcast_shapes((5, 3), (5, 1))  # torch.Size([5, 3])
a, b = torch.ones(5, 2, 4, 1), torch.ones(3, 1, 1)
with suppress(RuntimeError):
    a + b  # RuntimeError: The size of tensor a (2) must match
(a[:, :1] + b).shape  # torch.Size([5, 3, 4, 1])

# %%
# Add a number, a row or a column to a matrix
# -------------------------------------------
#
# A number broadcasts to any shape. A 1-D tensor is treated as a row. To use
# it as a column, add a last dimension of size 1.
x = torch.tensor([[1, 2, 3], [4, 5, 6]])
x + 10  # tensor([[11, 12, 13], [14, 15, 16]])
x + torch.tensor([10, 20, 30])  # tensor([[11, 22, 33], [14, 25, 36]])
x + torch.tensor([10, 20])[:, None]  # tensor([[11, 12, 13], [24, 25, 26]])

# %%
# Combine a row and a column into a table
# ---------------------------------------
#
# The column is stretched along dimension 1 and the row along dimension 0,
# so each element of the column meets each element of the row. With ``*``
# instead of ``+`` you get the outer product. With ``-`` you get all
# pairwise differences.
#
# .. tensors:: column, row, column + row
#    :style: broadcast
column = torch.tensor([[0], [10], [20]])
row = torch.tensor([1, 2, 3])
column + row  # tensor([[1, 2, 3], [11, 12, 13], [21, 22, 23]])
row[:, None] * row  # tensor([[1, 2, 3], [2, 4, 6], [3, 6, 9]])

# %%
# Combine a 3-D batch with a 2-D or 1-D tensor
# --------------------------------------------
#
# Shapes are aligned from the right, so the matrix is added to each matrix
# of the batch. One number per sample needs the shape ``(N, 1, 1)``. One
# number per channel of images of shape ``(N, C, H, W)`` needs the shape
# ``(C, 1, 1)``.
#
# .. tensors:: batch, matrix, batch + matrix
#    :style: broadcast
batch = torch.tensor([[[1, 2], [3, 4]], [[5, 6], [7, 8]]])
matrix = torch.tensor([[10, 20], [30, 40]])
batch + matrix  # tensor([[[11, 22], [33, 44]], [[15, 26], [37, 48]]])
weight = torch.tensor([1, -1]).view(-1, 1, 1)
batch * weight  # tensor([[[1, 2], [3, 4]], [[-5, -6], [-7, -8]]])
images, mean = torch.ones(8, 3, 4, 4), torch.zeros(3)
(images - mean.view(-1, 1, 1)).shape  # torch.Size([8, 3, 4, 4])

# %%
# Subtract the mean of each row: ``keepdim=True``
# -----------------------------------------------
#
# A reduction such as ``mean`` removes its dimension. ``keepdim=True`` keeps
# it with size 1, so the result broadcasts against the original. Without it,
# a square matrix gives a wrong result and no error, because the mean of row
# 0 is subtracted from column 0.
x = torch.tensor([[1.0, 3.0], [10.0, 30.0]])
x.mean(dim=1, keepdim=True)  # tensor([[2.], [20.]])
x - x.mean(dim=1, keepdim=True)  # tensor([[-1., 1.], [-10., 10.]])
x - x.mean(dim=1)  # tensor([[-1., -17.], [8., 10.]])

# %%
# Broadcast a tensor explicitly: ``expand``, ``torch.broadcast_to``
# -----------------------------------------------------------------
#
# Both return a view. The stretched dimension has stride 0, so the row is
# stored once in memory and appears several times. ``-1`` keeps the size of
# a dimension. ``torch.broadcast_tensors`` stretches several tensors to
# their common shape, as an operator does.
row = torch.tensor([1, 2, 3])
row.expand(2, -1)  # tensor([[1, 2, 3], [1, 2, 3]])
row.expand(2, -1).stride()  # (0, 1)
torch.broadcast_to(row, (2, 3)).data_ptr() == row.data_ptr()  # True
row.expand_as(torch.zeros(4, 3)).shape  # torch.Size([4, 3])
column = torch.tensor([[10], [20]])
columns, rows = torch.broadcast_tensors(column, row)
columns  # tensor([[10, 10, 10], [20, 20, 20]])
rows  # tensor([[1, 2, 3], [1, 2, 3]])

# %%
# Broadcast trap: ``(N,)`` with ``(N, 1)`` gives ``(N, N)``
# ---------------------------------------------------------
#
# A model with one output returns the shape ``(N, 1)``, but the targets
# often have the shape ``(N,)``. No error is raised. Each prediction is
# compared with each target, and here perfect predictions have a loss of
# 1.33. ``mse_loss`` and ``l1_loss`` warn about this, but a formula of your
# own does not.
prediction = torch.tensor([[1.0], [2.0], [3.0]])
target = torch.tensor([1.0, 2.0, 3.0])
prediction - target  # tensor([[0., -1., -2.], [1., 0., -1.], [2., 1., 0.]])
(prediction - target).square().mean()  # tensor(1.3333)
(prediction.squeeze(1) - target).square().mean()  # tensor(0.)
mse = torch.nn.functional.mse_loss
mse(prediction, target)  # UserWarning: Using a target size ... different
l1 = torch.nn.functional.l1_loss
l1(prediction, target)  # UserWarning: Using a target size ... different

# %%
# Broadcast error: size of tensor a must match size of tensor b
# -------------------------------------------------------------
#
# Write the two shapes below each other, aligned on the right, and look for
# two sizes that differ and are both not 1. The message counts this
# dimension from the left. Insert a dimension of size 1 where the tensor
# should be stretched, or transpose. If an image has a fourth channel for
# transparency, as some PNG files do, slice it off.
x = torch.zeros(2, 3)
per_row = torch.tensor([1.0, 2.0])
with suppress(RuntimeError):
    x + per_row  # RuntimeError: size of tensor a (3) must match ... b (2)
x + per_row.unsqueeze(1)  # tensor([[1., 1., 1.], [2., 2., 2.]])
x.T + per_row  # tensor([[1., 2.], [1., 2.], [1., 2.]])
with suppress(RuntimeError):
    x + torch.zeros(4, 3)  # RuntimeError: at non-singleton dimension 0
image, mean = torch.ones(4, 8, 8), torch.zeros(3, 1, 1)
with suppress(RuntimeError):
    image - mean  # RuntimeError: The size of tensor a (4) must match
(image[:3] - mean).shape  # torch.Size([3, 8, 8])

# %%
# Error: output with shape doesn't match the broadcast shape (``+=``)
# -------------------------------------------------------------------
#
# ``a += b`` cannot change the shape of ``a``, so only the right side is
# broadcast. If the result is larger than ``a``, write ``a = a + b``.
total = torch.zeros(3)
rows = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
with suppress(RuntimeError):
    total += rows  # RuntimeError: [3] doesn't match the broadcast shape
grown = total + rows  # tensor([[1., 2., 3.], [4., 5., 6.]])
grown += torch.tensor([10.0, 20.0, 30.0])
grown  # tensor([[11., 22., 33.], [14., 25., 36.]])
