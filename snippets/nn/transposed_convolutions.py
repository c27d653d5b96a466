"""
Transposed convolutions
=======================

Enlarge feature maps with learned kernels.
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
# Two common settings double the height and the width: kernel size 2 with
# stride 2, and kernel size 4 with stride 2 and padding 1. If you do not
# need weights, use ``nn.Upsample`` or ``F.interpolate``.
x = torch.zeros(8, 16, 7, 7)
nn.ConvTranspose2d(16, 4, 2, stride=2)(x)  # shape (8, 4, 14, 14)
nn.ConvTranspose2d(16, 4, 4, stride=2, padding=1)(x)  # shape (8, 4, 14, 14)
nn.ConvTranspose2d(16, 4, 4)(x)  # shape (8, 4, 10, 10)

# %%
# What a transposed convolution computes: ``F.conv_transpose1d``
# --------------------------------------------------------------
#
# Each input value is multiplied by the whole kernel. The resulting copies
# are placed ``stride`` apart and added where they overlap. ``padding``
# removes that many elements from each end, whereas in a convolution it adds
# them.
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
# These layers are for inputs with one and three spatial dimensions. The
# weight has the input channels first, unlike that of ``nn.Conv1d``. Its
# second size is the number of output channels divided by ``groups``. The
# function forms are ``F.conv_transpose1d``, ``F.conv_transpose2d`` and
# ``F.conv_transpose3d``.
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
# The gradient of ``F.conv2d`` with respect to its input is a transposed
# convolution with the same weight. If you write the convolution as a
# matrix, the transposed convolution is the transpose of this matrix. The
# name "deconvolution" is misleading, because the operation restores the
# shape but not the values of the input.
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
# The output size is :math:`(n - 1)s - 2p + d(k - 1) + o + 1` for input size
# n, kernel size k, stride s, padding p, dilation d and ``output_padding``
# o. If o is smaller than s, a convolution with the same settings gives the
# size n again.
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
# With stride 2, a convolution gives size 4 for an input of size 7 and for
# one of size 8. ``output_padding`` chooses which of the two sizes the
# transposed convolution gives back. It computes more values at the end of
# each dimension and does not pad with zeros. A common setting is kernel
# size 3, stride 2, padding 1 and ``output_padding=1``.
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
# Pass the size that you want in the call, and the layer chooses the
# ``output_padding`` for it. In this way a U-Net, which shrinks images and
# enlarges them again, can process images of different sizes. Along each
# dimension, the formula allows as many sizes as the ``stride``, here two.
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
# With kernel size 3 and stride 2, two copies of the kernel overlap at some
# outputs and not at others. This makes a checkerboard pattern in images.
# Choose a kernel size that is divisible by the stride. Or enlarge the image
# first and apply a convolution to it.
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
# ``nn.LazyConvTranspose3d`` take the number of input channels from the
# first batch. Each then becomes the class without ``Lazy``.
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
# ``output_padding`` must be smaller than the stride or the dilation,
# because it only chooses among the possible output sizes. For a larger
# output, increase the stride or apply ``F.pad`` to the result.
x = torch.zeros(1, 1, 5)
up = nn.ConvTranspose1d(1, 1, 3, stride=2, output_padding=2)
with suppress(RuntimeError):
    up(x)  # RuntimeError: output padding must be smaller than
up = nn.ConvTranspose1d(1, 1, 3, stride=3, output_padding=2)
up(x)  # shape (1, 1, 17)
