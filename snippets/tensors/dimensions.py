"""
Dimensions
==========

Add, drop, swap, move and repeat dimensions.
"""
from contextlib import suppress

import torch
from torch import nn

# %%
# Add a dimension of size 1: ``torch.unsqueeze``, ``None``
# --------------------------------------------------------
#
# The argument is the position of the new dimension in the result, and
# ``-1`` puts it last. Indexing with ``None`` does the same and can add
# several dimensions at once. The new dimension turns one sample into a
# batch, or a vector into a column for broadcasting.
#
# .. tensors:: x, x.unsqueeze(0), x.unsqueeze(1)
x = torch.tensor([1, 2, 3])
torch.unsqueeze(x, 0)  # tensor([[1, 2, 3]])
x.unsqueeze(-1)  # tensor([[1], [2], [3]])
x[:, None]  # tensor([[1], [2], [3]])
x[None, :, None].shape  # torch.Size([1, 3, 1])
image = torch.zeros(3, 32, 32)
image.unsqueeze(0).shape  # torch.Size([1, 3, 32, 32])

# %%
# Remove dimensions of size 1: ``torch.squeeze``
# ----------------------------------------------
#
# Pass the dimension to remove, or a tuple of dimensions. A dimension whose
# size is not 1 stays, and no error is raised. Without an argument,
# ``squeeze`` removes all dimensions of size 1.
x = torch.zeros(1, 3, 1, 4)
x.squeeze(0).shape  # torch.Size([3, 1, 4])
x.squeeze((0, 2)).shape  # torch.Size([3, 4])
x.squeeze(1).shape  # torch.Size([1, 3, 1, 4])
torch.squeeze(x).shape  # torch.Size([3, 4])

# %%
# Swap two dimensions: ``torch.transpose``, ``swapaxes``
# ------------------------------------------------------
#
# The order of the two arguments does not matter. ``swapaxes`` and
# ``swapdims`` are other names for ``transpose``. The result is a view.
#
# .. tensors:: x, x.transpose(0, 1)
x = torch.tensor([[1, 2, 3], [4, 5, 6]])
torch.transpose(x, 0, 1)  # tensor([[1, 4], [2, 5], [3, 6]])
x.swapaxes(1, 0)  # tensor([[1, 4], [2, 5], [3, 6]])
scores = torch.zeros(8, 10, 4, 16)
scores.transpose(1, 2).shape  # torch.Size([8, 4, 10, 16])
x.transpose(0, 1).data_ptr() == x.data_ptr()  # True

# %%
# Transpose a matrix or a batch of matrices: ``T``, ``t``, ``mT``
# ---------------------------------------------------------------
#
# ``x.T`` and ``x.t()`` are for 2-D tensors. ``x.mT`` swaps the last two
# dimensions, so it transposes each matrix of a batch. On a 3-D tensor,
# ``T`` reverses the order of all dimensions and warns that this is
# deprecated.
x = torch.tensor([[1, 2], [3, 4]])
x.T  # tensor([[1, 3], [2, 4]])
x.t()  # tensor([[1, 3], [2, 4]])
batch = torch.zeros(10, 3, 4)
batch.mT.shape  # torch.Size([10, 4, 3])
y = batch.T  # UserWarning: on tensors of dimension other than 2
y.shape  # torch.Size([4, 3, 10])
with suppress(RuntimeError):
    batch.t()  # RuntimeError: t() expects a tensor with <= 2 dimensions

# %%
# Reorder all dimensions: ``torch.permute``
# -----------------------------------------
#
# List the old dimensions in their new order. Here ``permute(2, 0, 1)``
# turns an image of shape (height, width, channels) into (channels, height,
# width), the order that convolutions need. The result is a view, and it is
# usually not contiguous.
image = torch.tensor([[[1, 2, 3], [4, 5, 6]]])
image.shape  # torch.Size([1, 2, 3])
image.permute(2, 0, 1)  # tensor([[[1, 4]], [[2, 5]], [[3, 6]]])
torch.permute(image, (2, 0, 1)).is_contiguous()  # False
with suppress(RuntimeError):
    image.permute(2, 0)  # RuntimeError: input does not match the length
with suppress(RuntimeError):
    image.permute(2, 0, 0)  # RuntimeError: duplicate dims are not allowed

# %%
# Move one dimension, keep the order of the others: ``torch.movedim``
# -------------------------------------------------------------------
#
# Pass the old position and the new position, or two tuples to move several
# dimensions. Unlike with ``permute``, you need not list all dimensions.
# ``moveaxis`` is another name for it.
x = torch.zeros(2, 3, 4, 5)
x.movedim(1, -1).shape  # torch.Size([2, 4, 5, 3])
x.permute(0, 2, 3, 1).shape  # torch.Size([2, 4, 5, 3])
x.transpose(1, -1).shape  # torch.Size([2, 5, 4, 3])
torch.movedim(x, (0, 1), (-2, -1)).shape  # torch.Size([4, 5, 2, 3])

# %%
# Choose between ``expand``, ``repeat`` and ``tile``
# --------------------------------------------------
#
# ``expand`` takes the new sizes and stretches dimensions of size 1 without
# using more memory. ``repeat`` takes the number of repetitions and copies
# the data. ``tile`` also copies, and counts a number that you leave out on
# the left as 1, as NumPy does. You need none of them before ``+`` or ``*``,
# because these operators broadcast.
#
# .. tensors:: x, x.expand(2, 3), x.repeat(2, 3)
x = torch.tensor([[1], [2]])
x.expand(2, 3)  # tensor([[1, 1, 1], [2, 2, 2]])
x.expand(-1, 3).untyped_storage().nbytes()  # 16
y = x.repeat(2, 3)
y  # tensor([[1, 1, 1], [2, 2, 2], [1, 1, 1], [2, 2, 2]])
y.untyped_storage().nbytes()  # 96
x.tile(3)  # tensor([[1, 1, 1], [2, 2, 2]])
with suppress(RuntimeError):
    x.repeat(3)  # RuntimeError: Number of dimensions of repeat dims

# %%
# ``squeeze()`` without ``dim`` breaks on a batch of one
# ------------------------------------------------------
#
# Without ``dim``, ``squeeze`` also removes the batch dimension when its
# size is 1. This happens with a short last batch or a single request, so
# the code works for a long time before it fails. Pass the dimension that
# you want to remove.
single = torch.zeros(1, 1)
single.squeeze().shape  # torch.Size([])
single.squeeze(1).shape  # torch.Size([1])
torch.zeros(8, 1).squeeze().shape  # torch.Size([8])
with suppress(TypeError):
    len(single.squeeze())  # TypeError: len() of a 0-d tensor
features = torch.zeros(1, 16, 1, 1)
with suppress(ValueError):
    norm = nn.BatchNorm1d(16)
    norm(features.squeeze())  # ValueError: expected 2D or 3D input (got 1D
features.flatten(1).shape  # torch.Size([1, 16])

# %%
# Error: more than one element refers to a single memory location
# ---------------------------------------------------------------
#
# After ``expand``, several elements share one place in memory, so an
# in-place operation such as ``+=`` raises an error. Call ``clone`` first.
# Writing to a single element raises no error, but it changes the whole row.
x = torch.tensor([[1], [2]])
wide = x.expand(2, 3)
with suppress(RuntimeError):
    wide += 1  # RuntimeError: refers to a single memory location
own = wide.clone()
own += 1  # tensor([[2, 2, 2], [3, 3, 3]])
wide[0, 0] = 9
wide  # tensor([[9, 9, 9], [2, 2, 2]])

# %%
# Error: dimension out of range (expected to be in range of ...)
# --------------------------------------------------------------
#
# Dimensions are numbered from 0, so a missing batch dimension shifts all
# numbers by one. ``unsqueeze`` and ``stack`` accept one number more,
# because their result has one dimension more.
x = torch.zeros(3, 4)
with suppress(IndexError):
    x.transpose(1, 2)  # IndexError: in range of [-2, 1], but got 2
x.transpose(-2, -1).shape  # torch.Size([4, 3])
x.unsqueeze(2).shape  # torch.Size([3, 4, 1])
torch.stack([x, x], dim=2).shape  # torch.Size([3, 4, 2])
with suppress(IndexError):
    x.unsqueeze(3)  # IndexError: in range of [-3, 2], but got 3
