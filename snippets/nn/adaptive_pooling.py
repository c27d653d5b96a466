"""
Adaptive pooling
================

Choose the size of the output and let the layer fit its windows to the size
of the input.
"""
from contextlib import suppress

import torch
import torch.nn.functional as F
from torch import nn

# %%
# Any image size into a linear layer: ``nn.AdaptiveAvgPool2d``
# ------------------------------------------------------------
#
# Put the layer before ``nn.Flatten``. The number of features then no longer
# depends on the size of the images. Inputs smaller than the output work as
# well.
head = nn.Sequential(
    nn.AdaptiveAvgPool2d((4, 4)), nn.Flatten(), nn.Linear(8 * 4 * 4, 10)
)
head(torch.zeros(2, 8, 32, 32))  # shape (2, 10)
head(torch.zeros(2, 8, 45, 17))  # shape (2, 10)
head(torch.zeros(2, 8, 3, 3))  # shape (2, 10)

# %%
# Global average pooling: ``nn.AdaptiveAvgPool2d(1)``
# ---------------------------------------------------
#
# The output is one number per channel, the mean over height and width, as
# at the end of a ResNet. The layer keeps height and width as dimensions of
# size 1. ``x.mean((-2, -1))`` drops them, so you need no ``flatten``.
x = torch.randn(2, 8, 5, 7, dtype=torch.float64)
pooled = nn.AdaptiveAvgPool2d(1)(x)  # shape (2, 8, 1, 1)
torch.allclose(pooled, x.mean((-2, -1), keepdim=True))  # True
torch.allclose(pooled.flatten(1), x.mean((-2, -1)))  # True
largest = F.adaptive_max_pool2d(x, 1)
torch.equal(largest.flatten(1), x.amax((-2, -1)))  # True

# %%
# Adaptive max pooling: ``nn.AdaptiveMaxPool2d``
# ----------------------------------------------
#
# ``nn.AdaptiveMaxPool2d`` returns the largest value of each window. With
# ``return_indices=True``, or with ``F.adaptive_max_pool2d_with_indices``,
# you also get the positions of these values in the flattened image.
x = torch.tensor([[[1.0, 5.0, 2.0, 0.0], [4.0, 3.0, 9.0, 7.0]]])
nn.AdaptiveMaxPool2d((1, 2))(x)  # tensor([[[5., 9.]]])
nn.AdaptiveMaxPool2d((2, 1))(x)  # tensor([[[5.], [9.]]])
y, indices = nn.AdaptiveMaxPool2d((1, 2), return_indices=True)(x)
indices  # tensor([[[1, 6]]])
F.adaptive_max_pool2d_with_indices(x, (1, 2))[1]  # tensor([[[1, 6]]])

# %%
# Signals and volumes: ``nn.AdaptiveAvgPool1d``, ``nn.AdaptiveMaxPool3d``
# -----------------------------------------------------------------------
#
# ``nn.AdaptiveAvgPool1d`` and ``nn.AdaptiveMaxPool1d`` take inputs of shape
# (N, C, L). ``nn.AdaptiveAvgPool3d`` and ``nn.AdaptiveMaxPool3d`` take (N,
# C, D, H, W). Each layer has a function form in ``F``. For max pooling, a
# second function ends in ``_with_indices``.
x = torch.tensor([[[1.0, 3.0, 2.0, 8.0]]])
nn.AdaptiveAvgPool1d(2)(x)  # tensor([[[2., 5.]]])
F.adaptive_avg_pool1d(x, 1)  # tensor([[[3.5]]])
nn.AdaptiveMaxPool1d(2)(x)  # tensor([[[3., 8.]]])
F.adaptive_max_pool1d(x, 1)  # tensor([[[8.]]])
F.adaptive_max_pool1d_with_indices(x, 2)[1]  # tensor([[[1, 3]]])
video = torch.rand(1, 3, 6, 8, 8)
nn.AdaptiveAvgPool3d((2, 1, 1))(video)  # shape (1, 3, 2, 1, 1)
F.adaptive_avg_pool3d(video, 1).flatten(1)  # shape (1, 3)
y, indices = F.adaptive_max_pool3d_with_indices(video, 2)
torch.equal(nn.AdaptiveMaxPool3d(2)(video), y)  # True
torch.equal(F.adaptive_max_pool3d(video, 2), y)  # True
picked = video.flatten(2).gather(2, indices.flatten(2))
torch.equal(picked, y.flatten(2))  # True

# %%
# Leave one dimension as it is: ``None`` in ``nn.AdaptiveAvgPool2d``
# ------------------------------------------------------------------
#
# ``None`` keeps the size of a dimension. Here the layer pools over the
# frequencies of a spectrogram and keeps all time steps, however many there
# are.
spectrogram = torch.rand(2, 8, 40, 123)
nn.AdaptiveAvgPool2d((1, None))(spectrogram)  # shape (2, 8, 1, 123)
F.adaptive_avg_pool2d(spectrogram, (None, 4))  # shape (2, 8, 40, 4)
over_bands = F.adaptive_avg_pool2d(spectrogram, (1, None))
by_hand = spectrogram.mean(2, keepdim=True)
torch.allclose(over_bands, by_hand)  # True

# %%
# Which window each output sees: the formula of adaptive pooling
# --------------------------------------------------------------
#
# For n inputs and m outputs, the window of output i starts at
# :math:`\lfloor i n / m \rfloor` and ends before :math:`\lceil (i + 1) n /
# m \rceil`. If m does not divide n, windows overlap. If m divides n, the
# result equals plain pooling with kernel size :math:`n / m`.
def by_hand(x, m):
    n = x.shape[-1]
    ends = [(i * n // m, -(-(i + 1) * n // m)) for i in range(m)]
    return torch.stack([x[..., a:b].mean(-1) for a, b in ends], dim=-1)


x = torch.tensor([[[0.0, 1.0, 2.0, 3.0, 4.0]]])
F.adaptive_avg_pool1d(x, 3)  # tensor([[[0.5, 2.0, 3.5]]])
x = torch.randn(2, 3, 12, dtype=torch.float64)
pool = F.adaptive_avg_pool1d
all(torch.allclose(pool(x, m), by_hand(x, m)) for m in range(1, 20))  # True
torch.allclose(pool(x, 4), F.avg_pool1d(x, 3))  # True

# %%
# More outputs than inputs: values are repeated
# ---------------------------------------------
#
# If the output is larger than the input, there is no error and no warning.
# Each window then holds one or two elements along each dimension, so
# elements are used several times. A network for large images accepts a
# small image in this way. To enlarge an image, use ``F.interpolate``.
x = torch.tensor([[[1.0, 2.0]]])
F.adaptive_avg_pool1d(x, 4)  # tensor([[[1., 1., 2., 2.]]])
F.adaptive_avg_pool1d(x, 3)  # tensor([[[1.0, 1.5, 2.0]]])
F.adaptive_max_pool1d(x, 3)  # tensor([[[1., 2., 2.]]])

# %%
# Error: mat1 and mat2 shapes cannot be multiplied (image size changed)
# ---------------------------------------------------------------------
#
# Without adaptive pooling, a linear layer after ``nn.Flatten`` fits one
# image size. In the message, 2592 is the number of features that arrive,
# and 2048 is the number that the layer was built for. Put an adaptive
# pooling layer before it.
x = torch.zeros(1, 3, 36, 36)
body = nn.Conv2d(3, 8, 3, stride=2, padding=1)
head = nn.Sequential(nn.Flatten(), nn.Linear(8 * 16 * 16, 10))
head(body(x[..., :32, :32]))  # shape (1, 10)
with suppress(RuntimeError):
    head(body(x))  # RuntimeError: (1x2592 and 2048x10)
fixed = nn.Sequential(body, nn.AdaptiveAvgPool2d(16), head)
fixed(x)  # shape (1, 10)
