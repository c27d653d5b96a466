"""
Resizing feature maps
=====================

Enlarge, shrink, warp and rearrange feature maps with operations that have
no weights.
"""
from contextlib import suppress

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from torch import nn

# %%
# Resize to a size or by a factor: ``F.interpolate``
# --------------------------------------------------
#
# ``F.interpolate`` resizes the dimensions after the batch and the channels.
# The default mode ``"nearest"`` works for one, two or three dimensions.
# ``"linear"`` is for one dimension, ``"bilinear"`` and ``"bicubic"`` are
# for two, and ``"trilinear"`` is for three.
x = torch.tensor([[[1.0, 3.0]]])
F.interpolate(x, size=4)  # tensor([[[1., 1., 3., 3.]]])
y = F.interpolate(x, scale_factor=2, mode="linear")
y  # tensor([[[1.0, 1.5, 2.5, 3.0]]])
image = torch.rand(1, 3, 10, 20)
F.interpolate(image, size=(32, 32), mode="bilinear")  # shape (1, 3, 32, 32)
half = F.interpolate(image, scale_factor=0.5, mode="bicubic")
half.shape  # torch.Size([1, 3, 5, 10])
volume = torch.rand(1, 2, 4, 4, 4)
F.interpolate(volume, size=6, mode="trilinear")  # shape (1, 2, 6, 6, 6)

# %%
# Resizing as a layer: ``nn.Upsample``
# ------------------------------------
#
# ``nn.Upsample`` is ``F.interpolate`` as a layer and can also shrink its
# input. ``nn.UpsamplingNearest2d`` uses the mode ``"nearest"``.
# ``nn.UpsamplingBilinear2d`` uses ``"bilinear"`` with
# ``align_corners=True``, which is off by default in ``nn.Upsample``.
x = torch.tensor([[[[0.0, 3.0]]]])
nn.Upsample(scale_factor=(1, 2))(x)  # tensor([[[[0., 0., 3., 3.]]]])
nn.UpsamplingNearest2d(size=(1, 4))(x)  # tensor([[[[0., 0., 3., 3.]]]])
up = nn.UpsamplingBilinear2d(size=(1, 4))
up(x)  # tensor([[[[0., 1., 2., 3.]]]])
bilinear = nn.Upsample(size=(1, 4), mode="bilinear")
bilinear(x)  # tensor([[[[0.0, 0.75, 2.25, 3.0]]]])
aligned = nn.Upsample(size=(1, 4), mode="bilinear", align_corners=True)
torch.allclose(aligned(x), up(x))  # True

# %%
# Corners or edges aligned: ``align_corners``
# -------------------------------------------
#
# With ``True`` the centres of the first and last pixel keep their
# positions. With ``False``, the default, the outer edges of the image keep
# their positions. The last edge still moves if the size times
# ``scale_factor`` is not a whole number. Use the same setting for images
# and masks, because otherwise they are shifted against each other.
def source(i, n, m, align_corners):
    if align_corners:
        return i * (n - 1) / (m - 1)
    return min(max((i + 0.5) * n / m - 0.5, 0), n - 1)


x = torch.arange(5.0)[None, None]
for align in (False, True):
    y = F.interpolate(x, size=8, mode="linear", align_corners=align)
    by_hand = [source(i, 5, 8, align) for i in range(8)]
    torch.allclose(y[0, 0], torch.tensor(by_hand), atol=1e-5)  # True
y = F.interpolate(x, size=7, mode="linear")
y[0, 0, -1]  # tensor(4.)
y = F.interpolate(x, scale_factor=1.5, mode="linear")
y[0, 0, -1]  # tensor(3.8333)

# %%
# ``"nearest"`` or ``"nearest-exact"`` in ``F.interpolate``
# ---------------------------------------------------------
#
# For output i of m, ``"nearest"`` takes the element :math:`\lfloor i n / m
# \rfloor` of the n inputs, so the result is shifted. PyTorch keeps this old
# rule for compatibility. ``"nearest-exact"`` takes the pixel with the
# nearest centre, as PIL and scikit-image do. Both modes create no new
# values, so use them for masks with class labels.
x = torch.tensor([[[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]]])
F.interpolate(x, size=2)  # tensor([[[0., 3.]]])
F.interpolate(x, size=2, mode="nearest-exact")  # tensor([[[1., 4.]]])
labels = torch.tensor([[[[0, 7]]]], dtype=torch.uint8)
y = F.interpolate(labels, scale_factor=(1, 2))
y  # tensor([[[[0, 0, 7, 7]]]], dtype=torch.uint8)

# %%
# See the modes on five values: ``mode`` of ``F.interpolate``
# -----------------------------------------------------------
#
# The dots are five values, and the lines show them enlarged to 80 values.
# Linear interpolation stays between the neighbouring values. Cubic
# interpolation overshoots them, so clamp the result if the range matters.
# ``"area"`` is adaptive average pooling and is meant for shrinking.
x = torch.tensor([0.0, 0.0, 4.0, 4.0, 1.0])
image = x.expand(1, 1, 5, 5)
figure, ax = plt.subplots(figsize=(6.4, 3))
at = (torch.arange(80, device="cpu") + 0.5) / 16 - 0.5
lines = {"nearest-exact": ":", "bilinear": "--", "bicubic": "-"}
for mode, line in lines.items():
    y = F.interpolate(image, size=(5, 80), mode=mode)[0, 0, 0]
    ax.plot(at, y.cpu(), line, label=mode)
    bool(y.max() > 4.1 or y.min() < -0.1) == (mode == "bicubic")  # True
ax.plot(range(5), x.cpu(), "o", color="C3")
ax.legend()
figure.tight_layout()
area = F.interpolate(image, size=3, mode="area")
torch.allclose(area, F.adaptive_avg_pool2d(image, 3))  # True

# %%
# Shrink without aliasing: ``antialias=True``
# -------------------------------------------
#
# By default bilinear and bicubic interpolation read only two and four input
# pixels along each dimension, even if the image shrinks a lot. Fine stripes
# then vanish or turn into other stripes. With ``antialias=True`` the filter
# becomes wider as the image shrinks, as in PIL.
#
# .. glance:: (smooth[..., 1:-1] - 4.5).abs().max() < 1
stripes = torch.tensor([0.0, 0.0, 9.0, 9.0]).repeat(8)
image = stripes.expand(1, 1, 32, 32)
small = F.interpolate(image, size=(8, 8), mode="bilinear")
small[0, 0, 0, :3]  # tensor([4.5000, 4.5000, 4.5000])
shifted = image.roll(1, -1)
small = F.interpolate(shifted, size=(8, 8), mode="bilinear")
small[0, 0, 0, :3]  # tensor([0., 0., 0.])
smooth = F.interpolate(shifted, (8, 8), mode="bilinear", antialias=True)
(smooth[..., 1:-1] - 4.5).abs().max() < 1  # tensor(True)
options = {"mode": "lanczos", "antialias": True}
with suppress(ValueError):
    F.interpolate(
        shifted.cpu(), (8, 8), **options
    )  # shape (1, 1, 8, 8) since 2.12, ValueError: Anti-alias option before

# %%
# Channels to pixels: ``nn.PixelShuffle``
# ---------------------------------------
#
# ``nn.PixelShuffle`` turns r squared channels into one image that is r
# times as high and as wide. Networks for super-resolution often end with
# it. ``nn.PixelUnshuffle`` goes back and loses no pixels.
# ``F.pixel_shuffle`` and ``F.pixel_unshuffle`` are the function forms.
#
# .. tensors:: x, F.pixel_shuffle(x, 2)[0]
x = torch.tensor([[[1, 2]], [[3, 4]], [[5, 6]], [[7, 8]]])
y = F.pixel_shuffle(x, 2)
y  # tensor([[[1, 3, 2, 4], [5, 7, 6, 8]]])
torch.equal(F.pixel_unshuffle(y, 2), x)  # True
nn.PixelShuffle(3)(torch.zeros(1, 18, 5, 5))  # shape (1, 2, 15, 15)
nn.PixelUnshuffle(2)(torch.zeros(1, 3, 8, 8))  # shape (1, 12, 4, 4)
maps = torch.rand(2, 3 * 4, 5, 6)
grid = maps.reshape(2, 3, 2, 2, 5, 6).permute(0, 1, 4, 2, 5, 3)
torch.equal(nn.PixelShuffle(2)(maps), grid.reshape(2, 3, 10, 12))  # True

# %%
# Mix the groups of a grouped convolution: ``nn.ChannelShuffle``
# --------------------------------------------------------------
#
# A grouped convolution processes each group of channels on its own.
# ``nn.ChannelShuffle`` takes one channel from each group in turn, in a
# fixed order. The next grouped convolution then sees channels of all
# groups, as in ShuffleNet. ``F.channel_shuffle`` is the function form, and
# ``F.native_channel_shuffle`` gives the same result.
x = torch.tensor([0.0, 1.0, 2.0, 3.0, 4.0, 5.0]).reshape(1, 6, 1, 1)
y = nn.ChannelShuffle(groups=2)(x)
y.flatten()  # tensor([0., 3., 1., 4., 2., 5.])
torch.equal(F.channel_shuffle(x, 2), y)  # True
torch.equal(x.unflatten(1, (2, 3)).transpose(1, 2).flatten(1, 2), y)  # True
torch.equal(F.native_channel_shuffle(x, 2), y)  # True

# %%
# Read an image at any position: ``F.grid_sample``
# ------------------------------------------------
#
# The grid of shape (N, H, W, 2) holds positions (x, y), where x runs along
# the width. With ``align_corners=True``, -1 and 1 are the centres of the
# outer pixels; with False they are the edges of the image. By default the
# function interpolates between pixels and gives zeros outside the image.
# ``mode`` and ``padding_mode`` change that.
image = torch.tensor([[[[0.0, 10.0, 20.0], [30.0, 40.0, 50.0]]]])
points = torch.tensor([[0.0, 0.5], [-1.0, 1.0], [1.0, 1.0], [3.0, 1.0]])
grid = points[None, None]
y = F.grid_sample(image, grid, align_corners=True)
y.flatten()  # tensor([32.5, 30.0, 50.0, 0.0])
y = F.grid_sample(image, grid, padding_mode="border", align_corners=True)
y.flatten()  # tensor([32.5, 30.0, 50.0, 50.0])
options = {"padding_mode": "reflection", "align_corners": True}
y = F.grid_sample(image, grid, mode="nearest", **options)
y.flatten()  # tensor([40., 30., 50., 30.])

# %%
# Rotate, scale and move: ``F.affine_grid``
# -----------------------------------------
#
# ``F.affine_grid`` computes the grid from a 2x3 matrix. The matrix maps
# each **output** position to the input position that is read, so a scale of
# one half zooms in. Pass the same ``align_corners`` to both functions. A
# network that predicts the matrix is called a spatial transformer.
image = torch.arange(9.0).reshape(1, 1, 3, 3)


def warp(matrix):
    theta = torch.tensor([matrix])
    grid = F.affine_grid(theta, image.shape, align_corners=False)
    return F.grid_sample(image, grid, mode="nearest", align_corners=False)


torch.equal(warp([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]), image)  # True
turned = warp([[0.0, 1.0, 0.0], [-1.0, 0.0, 0.0]])
torch.equal(turned, image.rot90(-1, (2, 3)))  # True
mirrored = warp([[-1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
torch.equal(mirrored, image.flip(-1))  # True

# %%
# Deprecated: ``F.upsample``, ``F.upsample_nearest``
# --------------------------------------------------
#
# These functions raise a warning and call ``F.interpolate``. In place of
# ``F.upsample_bilinear``, call ``F.interpolate`` with
# ``align_corners=True`` to get the same result.
x = torch.tensor([[[[0.0, 3.0]]]])
y = F.upsample(x, size=(1, 4))  # UserWarning: is deprecated
z = F.upsample_nearest(x, size=(1, 4))  # UserWarning: is deprecated
torch.equal(y, F.interpolate(x, size=(1, 4)))  # True
torch.equal(z, F.interpolate(x, size=(1, 4)))  # True
y = F.upsample_bilinear(x, size=(1, 4))  # UserWarning: is deprecated
options = {"mode": "bilinear", "align_corners": True}
torch.equal(y, F.interpolate(x, size=(1, 4), **options))  # True

# %%
# Warning: default grid_sample behavior has changed (``align_corners``)
# ---------------------------------------------------------------------
#
# ``F.grid_sample`` and ``F.affine_grid`` warn if you do not pass
# ``align_corners``. The default has been ``False`` since version 1.3.
theta = torch.eye(2, 3)[None]
grid = F.affine_grid(theta, (1, 1, 2, 2))  # UserWarning: has changed
grid[0, 0]  # tensor([[-0.5, -0.5], [0.5, -0.5]])
quiet = F.affine_grid(theta, (1, 1, 2, 2), align_corners=True)
quiet[0, 0]  # tensor([[-1., -1.], [1., -1.]])
image = torch.ones(1, 1, 2, 2)
F.grid_sample(image, quiet)  # UserWarning: has changed
F.grid_sample(image, quiet, align_corners=True).sum()  # tensor(4.)

# %%
# Error: got 3D input, but bilinear mode needs 4D (``F.interpolate``)
# -------------------------------------------------------------------
#
# A single image needs a batch dimension. Without it, H is taken for the
# channels, and the function sees one spatial dimension instead of two. An
# int64 image raises an error as well, so convert it to float and round the
# result.
image = torch.rand(3, 8, 8)
with suppress(NotImplementedError):
    F.interpolate(image, 4, mode="bilinear")  # NotImplementedError: Got 3D
F.interpolate(image[None], 4, mode="bilinear")[0]  # shape (3, 4, 4)
with suppress(ValueError):
    F.interpolate(image, (4, 4))  # ValueError: number of spatial dimensions
counts = torch.tensor([[[[0, 3]]]])
with suppress(NotImplementedError):
    F.interpolate(counts, (1, 4))  # NotImplementedError: not implemented
wide = F.interpolate(counts.float(), (1, 4), mode="bilinear")
wide  # tensor([[[[0.0, 0.75, 2.25, 3.0]]]])
wide.round().long()  # tensor([[[[0, 1, 2, 3]]]])
