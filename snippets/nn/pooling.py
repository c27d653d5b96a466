"""
Pooling
=======

Pooling layers move a window over the input and keep the maximum or the mean
of each window.
"""
from contextlib import suppress
from itertools import product

import torch
import torch.nn.functional as F
from torch import nn

# %%
# Largest value of each window: ``nn.MaxPool2d``
# ----------------------------------------------
#
# By default the stride equals the kernel size, so the windows do not
# overlap. A kernel size of 2 halves the height and the width. Each channel
# is pooled on its own. ``F.max_pool2d`` is the function form.
#
# .. tensors:: x, F.max_pool2d(x[None], 2)[0]
# .. glance:: F.max_pool2d(x[None], kernel_size=2)
x = torch.tensor([[1.0, 5.0, 2.0, 0.0], [4.0, 3.0, 9.0, 7.0]])
F.max_pool2d(x[None], kernel_size=2)  # tensor([[[5., 9.]]])
nn.MaxPool2d(2, stride=1)(x[None])  # tensor([[[5., 9., 9.]]])
images = torch.rand(8, 3, 32, 32)
nn.MaxPool2d(2)(images)  # shape (8, 3, 16, 16)
windows = images.unfold(2, 2, 2).unfold(3, 2, 2)
torch.equal(F.max_pool2d(images, 2), windows.amax((-2, -1)))  # True

# %%
# Mean of each window: ``nn.AvgPool2d``
# -------------------------------------
#
# Average pooling is a convolution with equal weights in each channel. It
# has no ``dilation``. ``divisor_override`` replaces the number of elements
# as the divisor, so 1 gives sums. ``F.avg_pool2d`` is the function form.
x = torch.tensor([[[[1.0, 5.0, 2.0, 0.0], [4.0, 2.0, 9.0, 1.0]]]])
nn.AvgPool2d(2)(x)  # tensor([[[[3., 3.]]]])
F.avg_pool2d(x, 2, divisor_override=1)  # tensor([[[[12., 12.]]]])
x = torch.randn(2, 3, 8, 8, dtype=torch.float64)
weight = torch.full((3, 1, 2, 2), 1 / 4, dtype=torch.float64)
by_hand = F.conv2d(x, weight, stride=2, groups=3)
torch.allclose(F.avg_pool2d(x, 2), by_hand)  # True

# %%
# Signals and volumes: ``nn.MaxPool1d``, ``nn.AvgPool3d``
# -------------------------------------------------------
#
# ``nn.MaxPool1d`` and ``nn.AvgPool1d`` take inputs of shape (N, C, L), and
# ``nn.MaxPool3d`` and ``nn.AvgPool3d`` take (N, C, D, H, W). The functions
# are ``F.max_pool1d``, ``F.avg_pool1d``, ``F.max_pool3d`` and
# ``F.avg_pool3d``. To pool a sequence of shape (N, L, C) over time,
# transpose it first.
x = torch.tensor([[[1.0, 3.0, 2.0, 8.0]]])
F.max_pool1d(x, 2)  # tensor([[[3., 8.]]])
F.avg_pool1d(x, 2)  # tensor([[[2., 5.]]])
sequence = torch.rand(8, 20, 5)
nn.MaxPool1d(4)(sequence.mT).mT  # shape (8, 5, 5)
nn.AvgPool1d(4, stride=1)(sequence.mT).mT  # shape (8, 17, 5)
video = torch.rand(1, 3, 4, 8, 8)
nn.MaxPool3d((1, 2, 2))(video)  # shape (1, 3, 4, 4, 4)
nn.AvgPool3d(2)(video)  # shape (1, 3, 2, 4, 4)
frames = F.avg_pool2d(video[0].transpose(0, 1), 2).transpose(0, 1)
torch.allclose(F.avg_pool3d(video, (1, 2, 2))[0], frames)  # True
F.max_pool3d(video, 4)  # shape (1, 3, 1, 2, 2)

# %%
# Output size of pooling: ``ceil_mode``
# -------------------------------------
#
# The output size follows the formula of a convolution and is rounded down.
# Values at the end that do not fill a window are dropped. With
# ``ceil_mode=True`` the size is rounded up. A window that would start in
# the padding at the end is still left out.
def size(n, k, s, p, ceil):
    steps = n + 2 * p - k
    out = (-(-steps // s) if ceil else steps // s) + 1
    return out - (ceil and (out - 1) * s >= n + p)


grid = product([5, 8, 9], [2, 3], [1, 2, 3], [0, 1], [False, True])
for n, k, s, p, ceil in grid:
    y = F.max_pool1d(torch.zeros(1, 1, n), k, s, p, ceil_mode=ceil)
    y.shape[-1] == size(n, k, s, p, ceil)  # True
x = torch.tensor([[[1.0, 2.0, 3.0, 4.0, 9.0]]])
F.max_pool1d(x, 2)  # tensor([[[2., 4.]]])
F.max_pool1d(x, 2, ceil_mode=True)  # tensor([[[2., 4., 9.]]])

# %%
# Padding in pooling: minus infinity for max, zeros for the mean
# --------------------------------------------------------------
#
# Max pooling pads with minus infinity, so the padding does not become the
# maximum, even if the values are negative. Average pooling pads with zeros
# and counts them, which pulls the mean at the border towards 0. With
# ``count_include_pad=False`` it divides by the number of real elements.
x = torch.tensor([[[-6.0, -4.0, -2.0]]])
F.max_pool1d(x, 3, stride=1, padding=1)  # tensor([[[-4., -2., -2.]]])
F.avg_pool1d(x, 3, stride=1, padding=1)  # tensor([[[-3.3333, -4., -2.]]])
mean = nn.AvgPool1d(3, stride=1, padding=1, count_include_pad=False)
mean(x)  # tensor([[[-5., -4., -3.]]])
largest = nn.MaxPool1d(3, stride=1, padding=1)
-largest(-x)  # tensor([[[-6., -6., -4.]]])

# %%
# Get the position of each maximum: ``return_indices``
# ----------------------------------------------------
#
# With ``return_indices=True`` the pooling returns the positions, too. They
# are indices into the flattened H and W of each channel.
# ``F.max_pool1d_with_indices``, ``F.max_pool2d_with_indices`` and
# ``F.max_pool3d_with_indices`` return the values and the positions without
# this argument. If several values are equal, the index of the first is
# returned.
x = torch.tensor([[[1.0, 5.0, 2.0, 2.0], [4.0, 3.0, 0.0, 1.0]]])
values, indices = F.max_pool2d(x, 2, return_indices=True)
indices  # tensor([[[1, 2]]])
torch.equal(x.flatten(1)[0, indices], values)  # True
F.max_pool2d_with_indices(x, 2)[1]  # tensor([[[1, 2]]])
F.max_pool1d_with_indices(x[0], 4)[1]  # tensor([[1], [0]])
F.max_pool3d_with_indices(x[None], (1, 2, 4))[1]  # tensor([[[[1]]]])

# %%
# Put maxima back where they were: ``nn.MaxUnpool2d``
# ---------------------------------------------------
#
# Unpooling puts each maximum back to its position and fills the rest with
# zeros, as in the decoder of SegNet. The layer needs the indices from the
# pooling. Pass ``output_size`` if the original size was not a multiple of
# the window. ``nn.MaxUnpool1d`` and ``nn.MaxUnpool3d`` do the same in one
# and three dimensions.
x = torch.tensor([[[1.0, 5.0, 2.0, 0.0], [4.0, 3.0, 9.0, 7.0]]])
values, indices = nn.MaxPool2d(2, return_indices=True)(x)
y = nn.MaxUnpool2d(2)(values, indices)
y  # tensor([[[0., 5., 0., 0.], [0., 0., 9., 0.]]])
torch.equal(F.max_unpool2d(values, indices, 2), y)  # True
odd = torch.tensor([[[3.0, 1.0, 2.0, 4.0, 7.0]]])
pooled = F.max_pool1d(odd, 2, return_indices=True)
F.max_unpool1d(*pooled, 2)  # tensor([[[3., 0., 0., 4.]]])
y = nn.MaxUnpool1d(2)(*pooled, output_size=[5])
y  # tensor([[[3., 0., 0., 4., 0.]]])
pooled = nn.MaxPool3d(2, return_indices=True)(torch.ones(1, 1, 4, 4, 4))
nn.MaxUnpool3d(2)(*pooled).sum()  # tensor(8.)
torch.equal(F.max_unpool3d(*pooled, 2), nn.MaxUnpool3d(2)(*pooled))  # True

# %%
# Between sum and maximum: ``nn.LPPool2d``
# ----------------------------------------
#
# The layer computes :math:`(\sum x^p)^{1/p}` over each window, where p is
# ``norm_type``. If the inputs are not negative, p = 1 gives the sum, and a
# larger p comes closer to the maximum. The layer takes no absolute values:
# with an odd p negative inputs cancel positive ones, and with p = 3 a
# negative sum gives nan. Since 2.13 ``torch.inf`` gives the maximum of the
# absolute values.
x = torch.tensor([[[3.0, 4.0, 5.0, 12.0]]])
nn.LPPool1d(norm_type=2, kernel_size=2)(x)  # tensor([[[5., 13.]]])
F.lp_pool1d(x, 1, 2)  # tensor([[[7., 17.]]])
most = F.lp_pool1d(-x, torch.inf, 4)
most  # tensor([[[12.]]]) since 2.13, tensor([[[1.]]]) before
F.lp_pool1d(torch.tensor([[-3.0, 3.0]]), 3, 2)  # tensor([[0.]])
F.lp_pool1d(torch.tensor([[-3.0, 2.0]]), 3, 2)  # tensor([[nan]])
image = torch.full((1, 4, 4), 2.0)
nn.LPPool2d(2, 2)(image)  # tensor([[[4., 4.], [4., 4.]]])
F.lp_pool2d(image, 2, 4)  # tensor([[[8.]]])
volume = torch.full((1, 4, 4, 4), 1.0)
nn.LPPool3d(3, 2)(volume[..., :2, :2])  # tensor([[[[2.]], [[2.]]]])
F.lp_pool3d(volume, 3, 4)  # tensor([[[[4.0000]]]])

# %%
# Shrink by less than half: ``nn.FractionalMaxPool2d``
# ----------------------------------------------------
#
# Pass the size of the output, or its ratio to the input. The positions of
# the windows are random in each call, also in evaluation mode, unless you
# fix them with ``_random_samples``. The functions are
# ``F.fractional_max_pool2d`` and ``F.fractional_max_pool3d``. Their
# ``*_with_indices`` forms return the indices, too.
x = torch.rand(1, 1, 10, 10)
nn.FractionalMaxPool2d(2, output_ratio=0.7)(x)  # shape (1, 1, 7, 7)
y, indices = F.fractional_max_pool2d_with_indices(x, 2, output_size=7)
torch.equal(x.flatten()[indices], y)  # True
where = torch.full((1, 1, 2), 0.5)
options = {"output_size": 7, "_random_samples": where}
first = F.fractional_max_pool2d(x, 2, **options)
torch.equal(F.fractional_max_pool2d(x, 2, **options), first)  # True
volume = torch.rand(1, 1, 10, 10, 10)
nn.FractionalMaxPool3d(2, output_size=7)(volume)  # shape (1, 1, 7, 7, 7)
F.fractional_max_pool3d(volume, 2, output_size=4)  # shape (1, 1, 4, 4, 4)
F.fractional_max_pool3d_with_indices(volume, 2, 4)[1].dtype  # torch.int64

# %%
# Gradient of max pooling: it goes to the largest element
# -------------------------------------------------------
#
# In max pooling, the largest element of each window gets the whole
# gradient. In average pooling, all elements of the window get an equal
# share. If an element is the largest in several windows, it gets the
# gradients of all these windows.
x = torch.tensor([[[1.0, 5.0, 2.0, 3.0]]], requires_grad=True)
F.max_pool1d(x, 2).sum().backward()
x.grad  # tensor([[[0., 1., 0., 1.]]])
x.grad = None
F.max_pool1d(x, 2, stride=1).sum().backward()
x.grad  # tensor([[[0., 2., 0., 1.]]])
x.grad = None
F.avg_pool1d(x, 2).sum().backward()
x.grad  # tensor([[[0.5, 0.5, 0.5, 0.5]]])

# %%
# Error: output size is too small (``nn.MaxPool2d``)
# --------------------------------------------------
#
# After several poolings, the image is smaller than the window. Use fewer
# pooling layers, ``ceil_mode=True``, or adaptive pooling at the end.
x = torch.zeros(1, 8, 1, 1)
with suppress(RuntimeError):
    nn.MaxPool2d(2)(x)  # RuntimeError: Output size is too small
nn.MaxPool2d(2, ceil_mode=True)(x)  # shape (1, 8, 1, 1)
nn.AdaptiveAvgPool2d(1)(x)  # shape (1, 8, 1, 1)

# %%
# Error: pad should be at most half of effective kernel size
# ----------------------------------------------------------
#
# With more padding, a window could contain nothing but padding and would
# have no maximum. Use a larger kernel, or pad with ``F.pad`` first and
# choose the value of the padding yourself. ``F.max_pool1d`` may say "half
# of kernel size" instead.
x = torch.tensor([[[1.0, 2.0, 3.0]]])
with suppress(RuntimeError):
    F.max_pool1d(x, 2, padding=2)  # RuntimeError: at most half of
with suppress(RuntimeError):
    F.max_pool2d(x, 2, padding=2)  # RuntimeError: half of effective
F.max_pool1d(F.pad(x, (2, 2)), 2)  # tensor([[[0., 2., 3.]]])
