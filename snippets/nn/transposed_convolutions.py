"""
Transposed convolutions
=======================

Make feature maps larger with learned kernels.
"""
from contextlib import suppress
from itertools import product

import torch
import torch.nn.functional as F
from torch import nn

# %%
# Learned upsampling: ``nn.ConvTranspose2d``
# ------------------------------------------
#
# Kernel 2 with stride 2, or kernel 4 with stride 2 and padding 1, doubles
# height and width. For layers without weights see ``nn.Upsample`` and
# ``F.interpolate``.
x = torch.zeros(8, 16, 7, 7)
nn.ConvTranspose2d(16, 4, 2, stride=2)(x)  # shape (8, 4, 14, 14)
nn.ConvTranspose2d(16, 4, 4, stride=2, padding=1)(x)  # shape (8, 4, 14, 14)
nn.ConvTranspose2d(16, 4, 4)(x)  # shape (8, 4, 10, 10)

# %%
# What it computes: each input stamps the kernel (``F.conv_transpose1d``)
# -----------------------------------------------------------------------
#
# Each input multiplies the whole kernel; the copies lie ``stride`` apart
# and add up where they overlap. ``padding`` cuts that many elements off
# each end, which is the reverse of what it does in a convolution.
x = torch.tensor([[[1.0, 10.0]]])
kernel = torch.tensor([[[1.0, 2.0, 3.0]]])
y = F.conv_transpose1d(x, kernel, stride=2)
y  # tensor([[[1., 2., 13., 20., 30.]]])
y = F.conv_transpose1d(x, kernel, stride=3)
y  # tensor([[[1., 2., 3., 10., 20., 30.]]])
y = F.conv_transpose1d(x, kernel, stride=2, padding=1)
y  # tensor([[[2., 13., 20.]]])

# %%
# Signals and volumes: ``nn.ConvTranspose1d``, ``nn.ConvTranspose3d``
# -------------------------------------------------------------------
#
# One and three dimensions for the kernel to move along. Input channels come
# first in the weight, the reverse of ``nn.Conv1d``; with ``groups`` the
# second size is a part of the outputs. The function forms are
# ``F.conv_transpose1d``, ``F.conv_transpose2d`` and ``F.conv_transpose3d``.
layer = nn.ConvTranspose1d(6, 4, kernel_size=3, stride=2, groups=2)
layer.weight.shape  # torch.Size([6, 2, 3])
nn.Conv1d(6, 4, 3, groups=2).weight.shape  # torch.Size([4, 3, 3])
layer(torch.zeros(1, 6, 5))  # shape (1, 4, 11)
volume = torch.zeros(1, 2, 3, 4, 5)
layer = nn.ConvTranspose3d(2, 1, kernel_size=2, stride=2)
layer(volume)  # shape (1, 1, 6, 8, 10)
F.conv_transpose3d(volume, layer.weight, stride=2)  # shape (1, 1, 6, 8, 10)

# %%
# The gradient of a convolution: ``F.conv_transpose2d``
# -----------------------------------------------------
#
# Going back through ``F.conv2d`` is a transposed convolution with the same
# weight: as matrices, one is the other's transpose. So "deconvolution" is a
# wrong name for it: it gives the shape back, but not the input.
options = {"stride": 2, "padding": 1}
weight = torch.randn(4, 3, 3, 3, dtype=torch.float64)
x = torch.randn(2, 3, 9, 9, dtype=torch.float64, requires_grad=True)
y = F.conv2d(x, weight, **options)
g = torch.randn_like(y)
gradient = torch.autograd.grad(y, x, g)[0]
torch.allclose(gradient, F.conv_transpose2d(g, weight, **options))  # True
back = F.conv_transpose2d(y, weight, **options)
back.shape == x.shape, torch.allclose(back, x)  # (True, False)

# %%
# Output size of a transposed convolution: the formula
# ----------------------------------------------------
#
# :math:`(n - 1)s - 2p + d(k - 1) + o + 1` for input size n, kernel k,
# stride s, padding p, dilation d and ``output_padding`` o. Nothing is
# rounded, and with o below s a convolution with the same numbers leads back
# to n.
def size(n, k, s, p, d, o):
    return (n - 1) * s - 2 * p + d * (k - 1) + o + 1


def there_and_back(n, k, s, p, d, o):
    options = {"stride": s, "padding": p, "dilation": d}
    layer = nn.ConvTranspose1d(1, 1, k, output_padding=o, **options)
    y = layer(torch.zeros(1, 1, n))
    return y.shape[-1], nn.Conv1d(1, 1, k, **options)(y).shape[-1]


grid = product([5], [3, 4], [2, 3], [0, 1], [1, 2], [0, 1])
all(there_and_back(*c) == (size(*c), c[0]) for c in grid)  # True
there_and_back(5, 3, 1, 0, 2, 1)  # (10, 6)

# %%
# One more row and column: ``output_padding``
# -------------------------------------------
#
# With stride 2 a convolution makes 4 of 7 and of 8. ``output_padding``
# chooses which of them comes back. It widens the output at the end of each
# dimension and adds no zeros round it; usual is kernel 3, stride 2, padding
# 1, ``output_padding=1``.
down = nn.Conv1d(1, 1, 3, stride=2, padding=1)
[down(torch.zeros(1, n)).shape[-1] for n in (7, 8)]  # [4, 4]
x = torch.ones(1, 1, 4)
kernel = torch.tensor([[[1.0, 2.0, 3.0]]])
y = F.conv_transpose1d(x, kernel, stride=2, padding=1)
y  # tensor([[[2., 4., 2., 4., 2., 4., 2.]]])
y = F.conv_transpose1d(x, kernel, stride=2, padding=1, output_padding=1)
y  # tensor([[[2., 4., 2., 4., 2., 4., 2., 3.]]])

# %%
# Get the size of the encoder back: ``output_size``
# -------------------------------------------------
#
# Give the wanted size at the call and the module finds its
# ``output_padding``: a U-Net then takes images of any size. It must be one
# of the ``stride`` sizes that the formula allows.
down = nn.Conv2d(1, 1, 3, stride=2, padding=1)
up = nn.ConvTranspose2d(1, 1, 3, stride=2, padding=1)
x = torch.zeros(1, 1, 30, 37)
h = down(x)  # shape (1, 1, 15, 19)
up(h)  # shape (1, 1, 29, 37)
up(h, output_size=x.shape[-2:])  # shape (1, 1, 30, 37)
with suppress(ValueError):
    up(h, output_size=(31, 37))  # ValueError: requested an output size of

# %%
# Checkerboard patterns: kernel size not divisible by stride
# ----------------------------------------------------------
#
# With kernel 3 and stride 2 some outputs are the sum of two stamps and some
# of one, and the pattern shows in pictures. Take a kernel that the stride
# divides, or upsample and then convolve.
x = torch.ones(1, 1, 4)
y = F.conv_transpose1d(x, torch.ones(1, 1, 3), stride=2)
y  # tensor([[[1., 1., 2., 1., 2., 1., 2., 1., 1.]]])
y = F.conv_transpose1d(x, torch.ones(1, 1, 4), stride=2, padding=1)
y  # tensor([[[1., 2., 2., 2., 2., 2., 2., 1.]]])
wide = F.interpolate(x, scale_factor=2)
y = F.conv1d(F.pad(wide, (1, 1), mode="replicate"), torch.ones(1, 1, 3))
y  # tensor([[[3., 3., 3., 3., 3., 3., 3., 3.]]])

# %%
# Channels from the first input: ``nn.LazyConvTranspose2d``
# ---------------------------------------------------------
#
# ``nn.LazyConvTranspose1d``, ``nn.LazyConvTranspose2d`` and
# ``nn.LazyConvTranspose3d`` read the input channels off the first batch and
# become the plain class.
layer = nn.LazyConvTranspose2d(4, kernel_size=2, stride=2)
layer(torch.zeros(1, 6, 5, 5))  # shape (1, 4, 10, 10)
layer.weight.shape  # torch.Size([6, 4, 2, 2])
nn.LazyConvTranspose1d(4, 2)(torch.zeros(1, 6, 5))  # shape (1, 4, 6)
layer = nn.LazyConvTranspose3d(4, 2)
layer(torch.zeros(1, 6, 5, 5, 5))  # shape (1, 4, 6, 6, 6)

# %%
# Error: output padding must be smaller than either stride or dilation
# --------------------------------------------------------------------
#
# ``output_padding`` chooses among ``stride`` sizes, so it is below the
# stride (or the dilation). To grow further, raise the stride or use
# ``F.pad`` on the result.
x = torch.zeros(1, 1, 5)
up = nn.ConvTranspose1d(1, 1, 3, stride=2, output_padding=2)
with suppress(RuntimeError):
    up(x)  # RuntimeError: output padding must be smaller than
up = nn.ConvTranspose1d(1, 1, 3, stride=3, output_padding=2)
up(x)  # shape (1, 1, 17)
