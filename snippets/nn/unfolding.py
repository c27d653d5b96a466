"""
Unfolding and folding
=====================

Cut images into windows, process the windows, and put them together again.
"""
from contextlib import suppress

import torch
import torch.nn.functional as F
from torch import nn

# %%
# Windows as columns: ``nn.Unfold``, ``F.unfold``
# -----------------------------------------------
#
# Each column of the result is one window. Each row is one position within
# the window, channel by channel. Other libraries call this operation
# im2col. The input needs two spatial dimensions, and the options are those
# of a convolution.
#
# .. tensors:: x, F.unfold(x[None], 2)[0]
x = torch.tensor([[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]]])
windows = F.unfold(x[None], kernel_size=2)
windows[0, :, 0]  # tensor([1., 2., 4., 5.])
windows[0, :, 3]  # tensor([5., 6., 8., 9.])
unfold = nn.Unfold(kernel_size=3, padding=1, stride=2)
unfold(torch.zeros(8, 3, 10, 10))  # shape (8, 27, 25)

# %%
# Windows back to an image: ``nn.Fold``, ``F.fold``
# -------------------------------------------------
#
# ``F.fold`` puts each column back to its position in the image and **adds**
# the values where windows overlap. Pass the size of the image, because it
# does not follow from the columns.
columns = torch.tensor([[[1.0, 10.0], [2.0, 20.0]]])
options = {"output_size": (1, 3), "kernel_size": (1, 2)}
F.fold(columns, **options)  # tensor([[[[1., 12., 20.]]]])
nn.Fold(**options)(columns)  # tensor([[[[1., 12., 20.]]]])
apart = F.fold(columns, (1, 4), (1, 2), stride=2)
apart  # tensor([[[[1., 2., 10., 20.]]]])

# %%
# ``F.fold`` is not the inverse of ``F.unfold``: divide by the overlaps
# ---------------------------------------------------------------------
#
# If you unfold and then fold, each pixel is multiplied by the number of
# windows that contain it. To get these numbers, do the same with an image
# of ones, and divide by the result. If the windows cover the image without
# overlap, no division is needed.
#
# .. glance:: torch.allclose(sums / counts, x)
x = torch.rand(1, 3, 4, 4)
sums = F.fold(F.unfold(x, 2), (4, 4), 2)
counts = F.fold(F.unfold(torch.ones(1, 1, 4, 4), 2), (4, 4), 2)
counts[0, 0, :2]  # tensor([[1., 2., 2., 1.], [2., 4., 4., 2.]])
torch.allclose(sums / counts, x)  # True
tiles = F.unfold(x, 2, stride=2)
torch.equal(F.fold(tiles, (4, 4), 2, stride=2), x)  # True
cut = F.fold(F.unfold(x, 3, stride=3), (4, 4), 3, stride=3)
cut[0, 0, 3]  # tensor([0., 0., 0., 0.])

# %%
# Sliding windows along one dimension: ``Tensor.unfold``
# ------------------------------------------------------
#
# ``Tensor.unfold`` takes a dimension, a size and a step, and returns a
# view. The window becomes the last dimension. ``torch.unfold_copy`` does
# the same and returns a copy. ``F.unfold`` also makes a copy, has options
# for padding and dilation, and needs images.
prices = torch.tensor([1.0, 3.0, 5.0, 4.0])
prices.unfold(0, 2, 1)  # tensor([[1., 3.], [3., 5.], [5., 4.]])
prices.unfold(0, 2, 1).mean(-1)  # tensor([2.0, 4.0, 4.5])
x = torch.rand(2, 3, 6, 5)
view = x.unfold(2, 3, 1).unfold(3, 2, 1)  # shape (2, 3, 4, 4, 3, 2)
columns = view.permute(0, 1, 4, 5, 2, 3).reshape(2, 3 * 3 * 2, 16)
torch.equal(columns, F.unfold(x, (3, 2)))  # True
view.data_ptr() == x.data_ptr()  # True

# %%
# Convolution as ``F.unfold`` and a matrix product
# ------------------------------------------------
#
# Write a convolution in this form if you want to change the matrix product,
# for example to use different weights at each position. With stride 1 and
# kernel size k, the windows need about k² times the memory of the image.
x = torch.randn(2, 3, 8, 9, dtype=torch.float64)
weight = torch.randn(4, 3, 3, 3, dtype=torch.float64)
windows = F.unfold(x, kernel_size=3)  # shape (2, 27, 42)
y = (weight.flatten(1) @ windows).unflatten(-1, (6, 7))
torch.allclose(y, F.conv2d(x, weight))  # True
per_place = torch.randn(42, 4, 27, dtype=torch.float64)
torch.einsum("pok,nkp->nop", per_place, windows)  # shape (2, 4, 42)

# %%
# Locally connected layer: separate weights for each position
# -----------------------------------------------------------
#
# PyTorch has no layer of this kind. Multiply each window by the weights of
# its position. Here the weights are equal at all positions, so the result
# equals a convolution.
weight = torch.randn(4, 3, 2, 2, dtype=torch.float64)
x = torch.randn(2, 3, 5, 5, dtype=torch.float64)
windows = F.unfold(x, kernel_size=2)
own = weight.flatten(1).repeat(windows.shape[-1], 1, 1)  # shape (16, 4, 12)
y = torch.einsum("pok,nkp->nop", own, windows).unflatten(-1, (4, 4))
torch.allclose(y, F.conv2d(x, weight))  # True

# %%
# Patches of an image for a vision transformer: ``F.unfold``
# ----------------------------------------------------------
#
# Set the kernel size and the stride to the patch size, and transpose the
# result to (N, patches, values). ``reshape`` and ``permute`` give the same
# patches. A linear layer on the patches equals a convolution with this
# kernel size and stride. Patch embeddings are usually written as such a
# convolution.
images = torch.randn(2, 3, 32, 48, dtype=torch.float64)
patches = F.unfold(images, 16, stride=16).mT  # shape (2, 6, 768)
torch.equal(patches[0, 1], images[0, :, :16, 16:32].flatten())  # True
grid = images.reshape(2, 3, 2, 16, 3, 16).permute(0, 2, 4, 1, 3, 5)
torch.equal(grid.reshape(2, 6, 768), patches)  # True
embed = nn.Conv2d(3, 10, 16, stride=16, dtype=torch.float64)
tokens = F.linear(patches, embed.weight.flatten(1), embed.bias)
torch.allclose(tokens, embed(images).flatten(2).mT)  # True

# %%
# Blend overlapping tiles of a large image: ``F.fold``
# ----------------------------------------------------
#
# Cut the image into tiles and run the model on each tile, here ``tiles *
# 2``. Multiply the outputs by weights that decrease towards the border of
# the tile. Fold the weighted outputs and the weights, and divide the first
# result by the second. The weights blend the tiles where they overlap.
image = torch.rand(1, 3, 24, 24, dtype=torch.float64)
columns = F.unfold(image, 8, stride=4)
tiles = columns.mT.reshape(-1, 3, 8, 8)  # shape (25, 3, 8, 8)
ramp = torch.tensor([1, 2, 3, 4, 4, 3, 2, 1], dtype=torch.float64)
window = ramp[:, None] * ramp
out = (tiles * 2 * window).reshape(1, 25, -1).mT
weights = window.flatten().repeat(3)[None, :, None].expand(1, -1, 25)
blend = F.fold(out, 24, 8, stride=4) / F.fold(weights, 24, 8, stride=4)
torch.allclose(blend, image * 2)  # True

# %%
# Error: expected size of input's dimension 2 to match (``F.fold``)
# -----------------------------------------------------------------
#
# The number of columns must equal the number of windows in ``output_size``,
# with the same kernel size, stride, padding and dilation. Keep these
# options in one dictionary and pass it to both calls.
x = torch.rand(1, 3, 8, 8)
options = {"kernel_size": 4, "stride": 2}
columns = F.unfold(x, **options)  # shape (1, 48, 9)
with suppress(RuntimeError):
    F.fold(columns, 8, 4)  # RuntimeError: Given output_size=(8, 8)
F.fold(columns, 8, **options)  # shape (1, 3, 8, 8)

# %%
# Error: expected 3D or 4D input tensor (``F.unfold``)
# ----------------------------------------------------
#
# ``F.unfold`` accepts images of shape (C, H, W) and batches of images. A
# batch of sequences of shape (N, C, L) is taken for a single image, so add
# a height of 1. Pixels at the border that do not fill a window are left
# out, and no error is raised.
volume = torch.rand(1, 2, 4, 4, 4)
with suppress(RuntimeError):
    F.unfold(volume, 2)  # RuntimeError: Expected 3D or 4D
sequences = torch.rand(2, 5, 10)
F.unfold(sequences, 3)  # shape (18, 24)
F.unfold(sequences.unsqueeze(2), (1, 3))  # shape (2, 15, 8)
image = torch.arange(5.0).expand(1, 1, 2, 5)
F.unfold(image, 2, stride=2).max()  # tensor(3.)
