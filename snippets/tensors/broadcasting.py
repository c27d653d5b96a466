"""
Broadcasting
============

Combine tensors of different shapes without copying either.
"""
from contextlib import suppress

import torch

# %%
# Which shapes broadcast: ``torch.broadcast_shapes``
# --------------------------------------------------
#
# Align the shapes from the right. Two sizes fit if they are equal or one of
# them is 1, and a missing dimension counts as 1. The question can be asked
# of shapes alone, without any data.
torch.broadcast_shapes((5, 3), (3,))  # torch.Size([5, 3])
torch.broadcast_shapes((5, 1), (1, 4))  # torch.Size([5, 4])
torch.broadcast_shapes((8, 1, 6), (7, 1))  # torch.Size([8, 7, 6])
with suppress(RuntimeError):
    torch.broadcast_shapes((5, 3), (5,))  # RuntimeError: length 5 at -1
torch.broadcast_shapes((5, 3), (5, 1))  # torch.Size([5, 3])

# %%
# Add a number, a row or a column to a matrix
# -------------------------------------------
#
# A number fits every shape. A 1-D tensor counts as a row; to use it as a
# column, give it a last dimension of size 1.
x = torch.tensor([[1, 2, 3], [4, 5, 6]])
x + 10  # tensor([[11, 12, 13], [14, 15, 16]])
x + torch.tensor([10, 20, 30])  # tensor([[11, 22, 33], [14, 25, 36]])
x + torch.tensor([10, 20])[:, None]  # tensor([[11, 12, 13], [24, 25, 26]])

# %%
# A row and a column make a table
# -------------------------------
#
# The column is stretched along dimension 1, the row along dimension 0, and
# every pair meets once. With ``*`` instead of ``+`` this is an outer
# product, with ``-`` all pairwise differences.
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
# A matrix meets each matrix of the batch, because shapes align from the
# right. One number per sample must stand on the left: shape ``(N, 1, 1)``.
# One number per channel of ``(N, C, H, W)`` needs the shape ``(C, 1, 1)``.
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
# A reduction drops its dimension; ``keepdim=True`` leaves it with size 1,
# so the result broadcasts back. Without it a square matrix raises nothing:
# the mean of row 0 is subtracted from column 0.
x = torch.tensor([[1.0, 3.0], [10.0, 30.0]])
x.mean(dim=1, keepdim=True)  # tensor([[2.], [20.]])
x - x.mean(dim=1, keepdim=True)  # tensor([[-1., 1.], [-10., 10.]])
x - x.mean(dim=1)  # tensor([[-1., -17.], [8., 10.]])

# %%
# Stretch a tensor yourself: ``expand``, ``torch.broadcast_to``
# -------------------------------------------------------------
#
# Both give a view in which the stretched dimension has stride 0: one row in
# memory, seen many times. ``-1`` keeps a size. ``torch.broadcast_tensors``
# does what an operator does first: it stretches all to one shape.
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
# A model with one output returns ``(N, 1)`` while the targets are ``(N,)``.
# Nothing fails: every prediction is compared with every target, and a
# perfect model has a loss of 1.33. ``mse_loss`` and ``l1_loss`` warn, a
# formula does not.
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
# Write both shapes under each other, aligned right: the clash, which the
# message counts from the left, is where they differ and neither is 1.
# Insert a 1 where the stretching should happen, or transpose. A PNG image
# may have 4 channels, with transparency last: drop it.
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
# An in-place operation cannot grow the tensor it writes into: only the
# right side is stretched. Write ``a = a + b`` where the left must grow.
total = torch.zeros(3)
rows = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
with suppress(RuntimeError):
    total += rows  # RuntimeError: [3] doesn't match the broadcast shape
grown = total + rows  # tensor([[1., 2., 3.], [4., 5., 6.]])
grown += torch.tensor([10.0, 20.0, 30.0])
grown  # tensor([[11., 22., 33.], [14., 25., 36.]])
