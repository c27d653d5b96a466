"""
Unfolding and folding
=====================

Cut images into windows, work on them, put them together again.
"""
from contextlib import suppress

import torch
import torch.nn.functional as F
from torch import nn

# %%
# Windows as columns: ``nn.Unfold``, ``F.unfold``
# -----------------------------------------------
#
# Each column of the result is one window (im2col), each row one place
# within the window, channel by channel. Two spatial dimensions are needed;
# the options are those of a convolution.
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
# Columns go back to where they came from and **add up** where they overlap.
# Say the size of the image, which the columns do not tell.
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
# Folding what was unfolded multiplies each pixel by the number of windows
# that hold it. Fold ones to count them, and divide. Where windows cover the
# image without overlap the two are inverse.
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
# The method takes (dimension, size, step), works on any number of
# dimensions and gives a view; the window becomes the last dimension.
# ``F.unfold`` copies, pads, dilates, and wants images.
# ``torch.unfold_copy`` is the method with a copy.
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
# Write the middle step yourself when a plain product is not what you want:
# other distances, weights that differ from place to place. At stride 1 the
# windows take about kernel size squared times the memory.
x = torch.randn(2, 3, 8, 9, dtype=torch.float64)
weight = torch.randn(4, 3, 3, 3, dtype=torch.float64)
windows = F.unfold(x, kernel_size=3)  # shape (2, 27, 42)
y = (weight.flatten(1) @ windows).unflatten(-1, (6, 7))
torch.allclose(y, F.conv2d(x, weight))  # True
per_place = torch.randn(42, 4, 27, dtype=torch.float64)
torch.einsum("pok,nkp->nop", per_place, windows)  # shape (2, 4, 42)

# %%
# Locally connected layer: weights of their own at each place
# -----------------------------------------------------------
#
# PyTorch has no such module. Multiply each window with its own weights; if
# all places have equal weights it is a convolution again.
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
# Kernel and stride of the patch size, then (N, patches, pixels). A linear
# layer on the patches is a convolution with that stride, which is how patch
# embeddings are written. ``reshape`` and ``permute`` do it too.
images = torch.randn(2, 3, 32, 48, dtype=torch.float64)
patches = F.unfold(images, 16, stride=16).mT  # shape (2, 6, 768)
torch.equal(patches[0, 1], images[0, :, :16, 16:32].flatten())  # True
grid = images.reshape(2, 3, 2, 16, 3, 16).permute(0, 2, 4, 1, 3, 5)
torch.equal(grid.reshape(2, 6, 768), patches)  # True
embed = nn.Conv2d(3, 10, 16, stride=16, dtype=torch.float64)
tokens = F.linear(patches, embed.weight.flatten(1), embed.bias)
torch.allclose(tokens, embed(images).flatten(2).mT)  # True

# %%
# Overlapping tiles of a large image: blend with ``F.fold``
# ---------------------------------------------------------
#
# Cut, run the model on each tile, weigh with a window that falls towards
# the rim, fold, and divide by the folded weights: no seams. Here the model
# is ``tiles * 2``.
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
# The number of columns must be that of windows in ``output_size`` for the
# same kernel, stride, padding and dilation. Give both calls one dictionary.
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
# Only images (C, H, W) and batches of them are cut. Beware of sequences (N,
# C, L): they are taken for one image, so give them a height of 1. A rim
# that fills no window is left out without a word.
volume = torch.rand(1, 2, 4, 4, 4)
with suppress(RuntimeError):
    F.unfold(volume, 2)  # RuntimeError: Expected 3D or 4D
sequences = torch.rand(2, 5, 10)
F.unfold(sequences, 3)  # shape (18, 24)
F.unfold(sequences.unsqueeze(2), (1, 3))  # shape (2, 15, 8)
image = torch.arange(5.0).expand(1, 1, 2, 5)
F.unfold(image, 2, stride=2).max()  # tensor(3.)
