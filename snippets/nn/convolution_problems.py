"""
Convolutions that do not fit
============================

Find out why a convolution or a pooling layer raises an error for its input.
Bring time series, tables, videos and grey images into the right shape.
"""
from contextlib import suppress

import torch
import torch.nn.functional as F
from torch import nn

# %%
# Time series in ``nn.Conv1d``: (batch, features, time)
# -----------------------------------------------------
#
# ``in_channels`` is the number of features, such as the columns of a table.
# The feature dimension comes before the time dimension. Data with the time
# first, as for ``nn.LSTM(batch_first=True)``, need ``transpose(1, 2)``. If
# your data have another number of features, change ``in_channels``.
conv = nn.Conv1d(7, 16, kernel_size=3, padding=1)
series = torch.randn(32, 96, 7)
with suppress(RuntimeError):
    conv(
        series
    )  # RuntimeError: Given groups=1, weight of size [16, 7, 3]
conv(series.transpose(1, 2)).shape  # torch.Size([32, 16, 96])
eight = torch.randn(32, 8, 96)
with suppress(RuntimeError):
    conv(eight)  # RuntimeError: to have 7 channels, but got 8 channels
nn.Conv1d(8, 16, 3, padding=1)(eight).shape  # torch.Size([32, 16, 96])

# %%
# Table (batch, features) in ``nn.Conv1d``: ``unsqueeze(1)``
# ----------------------------------------------------------
#
# ``nn.Conv1d`` takes a 2-D input for one sample of shape (channels,
# length), so the batch counts as channels. To slide over the features of
# each row, add a channel dimension of size 1. If the batch size happens to
# equal ``in_channels``, there is no error and the result is wrong.
rows = torch.randn(32, 20)
conv = nn.Conv1d(1, 4, kernel_size=3)
with suppress(RuntimeError):
    conv(rows)  # RuntimeError: to have 1 channels, but got 32 channels
conv(rows.unsqueeze(1)).shape  # torch.Size([32, 4, 18])
nn.Conv1d(32, 4, kernel_size=3)(rows).shape  # torch.Size([4, 18])

# %%
# Error: to have 1 channels, but got 3 channels (color image)
# -----------------------------------------------------------
#
# The network expects grey images, such as those of MNIST, and the new image
# has three colour channels. Convert the file with
# ``Image.open(path).convert("L")``, or the tensor with ``v2.Grayscale()``.
# Both ways compute the weighted sum of the three channels. Resize the image
# to the size of the training images as well.
conv = nn.Conv2d(1, 6, kernel_size=5)
photo = torch.rand(1, 3, 28, 28)
with suppress(RuntimeError):
    conv(
        photo
    )  # RuntimeError: Given groups=1, weight of size [6, 1, 5, 5]
share = torch.tensor([0.299, 0.587, 0.114]).view(3, 1, 1)
gray = (photo * share).sum(dim=1, keepdim=True)
gray.shape  # torch.Size([1, 1, 28, 28])
conv(gray).shape  # torch.Size([1, 6, 24, 24])

# %%
# Videos in a 2-D network: ``flatten(0, 1)``, then ``unflatten``
# --------------------------------------------------------------
#
# ``nn.Conv2d`` does not take inputs of shape (batch, time, channels,
# height, width). Merge batch and time, so that each frame is an image, and
# split them again after the network. ``nn.Conv3d`` takes (batch, channels,
# time, height, width).
conv = nn.Conv2d(3, 8, kernel_size=3)
video = torch.randn(2, 5, 3, 16, 16)
with suppress(RuntimeError):
    conv(video)  # RuntimeError: Expected 3D (unbatched) or 4D
frames = conv(video.flatten(0, 1))
frames.shape  # torch.Size([10, 8, 14, 14])
frames.unflatten(0, (2, 5)).shape  # torch.Size([2, 5, 8, 14, 14])
space_time = nn.Conv3d(3, 8, kernel_size=3)
space_time(video.transpose(1, 2)).shape  # torch.Size([2, 8, 3, 14, 14])

# %%
# The first ``nn.Linear`` after convolutions: run one image of zeros
# ------------------------------------------------------------------
#
# ``in_features`` is channels times height times width of the last feature
# map. Let the convolutions compute it: pass zeros of the right size through
# them once, when you build the model. ``nn.Flatten`` comes between the
# convolutions and ``nn.Linear``.
convs = nn.Sequential(
    nn.Conv2d(3, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()
)
with torch.no_grad():
    size = convs(torch.zeros(1, 3, 32, 32)).shape[1]
size, 16 * 14 * 14  # (3136, 3136)
net = nn.Sequential(convs, nn.Linear(size, 10))
net(torch.rand(4, 3, 32, 32)).shape  # torch.Size([4, 10])

# %%
# Error in a shortcut: even kernels change the size by one
# --------------------------------------------------------
#
# A shortcut adds the input of a layer to its output, so both need the same
# size. ``padding=kernel_size // 2`` keeps the size if the kernel size is
# odd. With an even kernel size, the output has one more row and column. Use
# an odd kernel size or ``padding="same"``, or cut the output.
x = torch.randn(1, 4, 9, 9)
even = nn.Conv2d(4, 4, kernel_size=4, padding=2)
even(x).shape  # torch.Size([1, 4, 10, 10])
with suppress(RuntimeError):
    x + even(x)  # RuntimeError: The size of tensor a (9) must match
(x + even(x)[..., :9, :9]).shape  # torch.Size([1, 4, 9, 9])
odd = nn.Conv2d(4, 4, kernel_size=5, padding=2)
(x + odd(x)).shape  # torch.Size([1, 4, 9, 9])

# %%
# Causal convolution: pad on the left only
# ----------------------------------------
#
# In a causal convolution, an output must not depend on later steps.
# ``padding=`` pads both ends, so use ``F.pad`` and put all the padding
# before the first step. The padding needed is the dilation times (kernel
# size minus one). To test the layer, change the last step: earlier outputs
# must stay the same.
conv = nn.Conv1d(1, 1, kernel_size=3, dilation=2)
left = 2 * (3 - 1)
x = torch.randn(1, 1, 10)
y = conv(F.pad(x, (left, 0)))
y.shape  # torch.Size([1, 1, 10])
changed = x.clone()
changed[..., -1] += 1
after = conv(F.pad(changed, (left, 0)))
torch.equal(after[..., :-1], y[..., :-1])  # True
torch.equal(after[..., -1], y[..., -1])  # False

# %%
# One kernel on each channel: blur an image with ``groups=3``
# -----------------------------------------------------------
#
# The weight of ``F.conv2d`` has four dimensions: output channels, input
# channels of a group, height and width. Repeat the kernel for each channel
# and set ``groups`` to the number of channels. Each channel is then
# filtered on its own.
kernel = torch.ones(3, 3) / 9
image = torch.rand(1, 3, 8, 8)
with suppress(RuntimeError):
    F.conv2d(
        image, kernel
    )  # RuntimeError: weight should have at least three dimensions
weight = kernel.expand(3, 1, 3, 3)
blurred = F.conv2d(image, weight, padding=1, groups=3)
blurred.shape  # torch.Size([1, 3, 8, 8])
mean = image[0, 2, :3, :3].mean()
torch.allclose(blurred[0, 2, 1, 1], mean)  # True

# %%
# Error: in_channels must be divisible by groups (``nn.Conv2d``)
# --------------------------------------------------------------
#
# Each group takes an equal part of the input channels and produces an equal
# part of the output channels, so ``groups`` must divide both numbers. A
# depthwise convolution filters each channel on its own: set ``groups`` to
# ``in_channels``, and ``out_channels`` to a multiple of ``in_channels``.
with suppress(ValueError):
    nn.Conv2d(
        3, 8, 3, groups=2
    )  # ValueError: in_channels must be divisible by groups
with suppress(ValueError):
    nn.Conv2d(
        4, 6, 3, groups=4
    )  # ValueError: out_channels must be divisible by groups
nn.Conv2d(4, 8, 3, groups=4).weight.shape  # torch.Size([8, 1, 3, 3])

# %%
# Errors of ``nn.MaxUnpool2d``: invalid output_size, invalid max index
# --------------------------------------------------------------------
#
# An unpooling layer reverses one pooling, so it needs the indices of that
# pooling and the size before it. Indices of another layer or a wrong
# ``output_size`` raise one of these errors. Keep ``x.shape`` before each
# pooling and pass it as ``output_size``.
pool, unpool = nn.MaxPool2d(2, return_indices=True), nn.MaxUnpool2d(2)
x = torch.rand(1, 1, 25, 25)
y, indices = pool(x)
with suppress(ValueError):
    unpool(
        y, indices, output_size=(50, 50)
    )  # ValueError: invalid output_size "(50, 50)"
last = torch.full_like(indices, 600)
with suppress(RuntimeError):
    unpool(y.cpu(), last.cpu())  # RuntimeError: Found an invalid max index
with suppress(RuntimeError):
    unpool(
        pool(y)[0], indices
    )  # RuntimeError: Expected shape of indices to be same
unpool(y, indices, output_size=x.shape).shape  # torch.Size([1, 1, 25, 25])

# %%
# Error: relu(): argument 'input' must be Tensor, not tuple
# ---------------------------------------------------------
#
# ``nn.MaxPool2d(return_indices=True)`` returns two tensors, and the next
# layer of ``nn.Sequential`` gets both as a tuple. Call the pooling layer
# outside of ``nn.Sequential`` and pass on only the first tensor.
pool = nn.MaxPool2d(2, return_indices=True)
x = torch.randn(1, 1, 4, 4)
with suppress(TypeError):
    nn.Sequential(pool, nn.ReLU())(
        x
    )  # TypeError: relu(): argument 'input' (position 1) must be Tensor
y, indices = pool(x)
y.relu().shape  # torch.Size([1, 1, 2, 2])
