"""
Convolutions
============

Slide a learned kernel, which is a small array of weights, over signals,
images and volumes.
"""
from contextlib import suppress
from itertools import product

import matplotlib.pyplot as plt
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

# %%
# Convolution over images: ``nn.Conv2d``
# --------------------------------------
#
# The input has shape (N, C, H, W): batch, channels, height and width. The
# weight has shape (out channels, in channels, kernel height, kernel width),
# and the bias has one number per output channel. Neither depends on the
# size of the image. ``F.conv2d`` and ``torch.conv2d`` compute the same with
# a weight that you pass.
layer = nn.Conv2d(3, 16, kernel_size=5, dtype=torch.float64)
layer.weight.shape  # torch.Size([16, 3, 5, 5])
sum(p.numel() for p in layer.parameters()) == 16 * (3 * 5 * 5 + 1)  # True
x = torch.randn(8, 3, 32, 28, dtype=torch.float64)
layer(x)  # shape (8, 16, 28, 24)
by_hand = F.conv2d(x, layer.weight, layer.bias)
torch.allclose(layer(x), by_hand)  # True
window = x[0, :, 2:7, 3:8]
first = (window * layer.weight[0]).sum() + layer.bias[0]
torch.allclose(layer(x)[0, 0, 2, 3], first)  # True

# %%
# Signals and volumes: ``nn.Conv1d``, ``nn.Conv3d``
# -------------------------------------------------
#
# These layers differ from ``nn.Conv2d`` in the number of dimensions along
# which the kernel moves. ``nn.Conv1d`` takes sequences (N, C, L), and
# ``nn.Conv3d`` takes volumes and video (N, C, D, H, W). ``F.conv1d`` and
# ``F.conv3d`` take the weight as an argument. ``F.conv_tbc`` is
# ``F.conv1d`` for inputs (length, batch, channels) and weights (k, in,
# out).
nn.Conv1d(2, 4, kernel_size=3)(torch.zeros(8, 2, 10))  # shape (8, 4, 8)
video = torch.zeros(1, 3, 6, 32, 32)
layer = nn.Conv3d(3, 4, kernel_size=(2, 5, 5))
layer(video)  # shape (1, 4, 5, 28, 28)
F.conv3d(video, layer.weight)  # shape (1, 4, 5, 28, 28)
x = torch.tensor([[[1.0, 2.0, 5.0, 7.0]]])
kernel = torch.tensor([[[-1.0, 1.0]]])
F.conv1d(x, kernel)  # tensor([[[1., 3., 2.]]])
y = F.conv_tbc(x.permute(2, 0, 1), kernel.permute(2, 1, 0), torch.zeros(1))
y.flatten()  # tensor([1., 3., 2.])

# %%
# The kernel is not flipped: convolution and cross-correlation
# ------------------------------------------------------------
#
# In deep learning, "convolution" means cross-correlation, which does not
# flip the kernel. Textbooks, NumPy and SciPy flip the kernel first, so flip
# it yourself to get their numbers. For a learned kernel the difference does
# not matter.
x = torch.tensor([[[1.0, 0.0, 0.0, 2.0]]])
kernel = torch.tensor([[[1.0, 10.0, 100.0]]])
y = F.conv1d(x, kernel, padding=2)
y  # tensor([[[100., 10., 1., 200., 20., 2.]]])
y = F.conv1d(x, kernel.flip(-1), padding=2)
y  # tensor([[[1., 10., 100., 2., 20., 200.]]])
np.convolve([1, 0, 0, 2], [1, 10, 100])  # array([1, 10, 100, 2, 20, 200])

# %%
# Output size of a convolution: the formula
# -----------------------------------------
#
# Along each dimension, the output size is
# :math:`\lfloor (n + 2p - d(k - 1) - 1) / s \rfloor + 1` for input size n,
# kernel size k, stride s, padding p and dilation d. The stride is the step
# of the kernel, and the dilation is the distance between its elements.
# Because the division rounds down, the last columns may not be used. To
# halve the size, use k=3, s=2 and p=1.
def size(n, k, s, p, d):
    return (n + 2 * p - d * (k - 1) - 1) // s + 1


def measured(n, k, s, p, d):
    layer = nn.Conv1d(1, 1, k, stride=s, padding=p, dilation=d)
    return layer(torch.zeros(1, 1, n)).shape[-1]


grid = list(product([9, 12], [1, 2, 3], [1, 2, 3], [0, 1, 2], [1, 2, 3]))
all(size(*case) == measured(*case) for case in grid)  # True
size(224, k=7, s=2, p=3, d=1)  # 112
[size(n, k=3, s=2, p=1, d=1) for n in (8, 9, 10)]  # [4, 5, 5]

# %%
# Keep the size: ``padding="same"`` in ``nn.Conv2d``
# --------------------------------------------------
#
# ``"same"`` adds :math:`d(k - 1)` zeros in total. For an odd kernel size
# this is ``padding=d * (k // 2)``; if the number of zeros is odd, the end
# gets one more than the start. ``"valid"`` means no padding, as by default.
# With a stride above 1, ``"same"`` raises an error, so pass a number.
x = torch.zeros(1, 1, 9, 9)
nn.Conv2d(1, 1, 5, padding="same", dilation=2)(x)  # shape (1, 1, 9, 9)
nn.Conv2d(1, 1, 5, padding=4, dilation=2)(x)  # shape (1, 1, 9, 9)
nn.Conv2d(1, 1, 5, padding="valid")(x)  # shape (1, 1, 5, 5)
row = torch.tensor([[[1.0, 2.0, 3.0]]])
odd, even = torch.ones(1, 1, 3), torch.ones(1, 1, 2)
F.conv1d(row, odd, padding="same", dilation=2)  # tensor([[[4., 2., 4.]]])
y = F.conv1d(row, even, padding="same")  # UserWarning: even kernel lengths
y  # tensor([[[3., 5., 3.]]])
with suppress(ValueError):
    nn.Conv2d(1, 1, 3, 2, padding="same")  # ValueError: not supported
nn.Conv2d(1, 1, 3, stride=2, padding=1)(x)  # shape (1, 1, 5, 5)

# %%
# Pad with something other than zeros: ``padding_mode``
# -----------------------------------------------------
#
# ``"reflect"``, ``"replicate"`` and ``"circular"`` avoid the dark border
# that zeros cause. The layer calls ``F.pad`` before the convolution.
# ``F.conv1d`` has no such argument, so call ``F.pad`` yourself.
x = torch.tensor([[[1.0, 2.0, 4.0, 8.0]]])
layer = nn.Conv1d(1, 1, 3, padding=1, bias=False, padding_mode="circular")
layer.weight.data = torch.tensor([[[1.0, 10.0, 100.0]]])
layer(x).detach()  # tensor([[[218., 421., 842., 184.]]])
padded = F.pad(x, (1, 1), mode="circular")
padded  # tensor([[[8., 1., 2., 4., 8., 1.]]])
torch.allclose(F.conv1d(padded, layer.weight), layer(x))  # True

# %%
# Grouped and depthwise convolution: ``groups`` in ``nn.Conv2d``
# --------------------------------------------------------------
#
# ``groups=g`` splits the channels into g parts that do not see each other,
# and the layer has 1/g of the weights. ``groups=in_channels`` gives a
# depthwise convolution, which filters each channel on its own. ``groups``
# must divide the number of input channels and the number of output
# channels.
options = {"kernel_size": 3, "bias": False, "dtype": torch.float64}
layer = nn.Conv2d(4, 6, groups=2, **options)
layer.weight.shape  # torch.Size([6, 2, 3, 3])
x = torch.randn(1, 4, 8, 8, dtype=torch.float64)
parts = zip(x.chunk(2, dim=1), layer.weight.chunk(2), strict=True)
by_hand = torch.cat([F.conv2d(part, w) for part, w in parts], dim=1)
torch.allclose(layer(x), by_hand)  # True
depthwise = nn.Conv2d(4, 4, groups=4, **options)
depthwise.weight.shape  # torch.Size([4, 1, 3, 3])
with suppress(ValueError):
    nn.Conv2d(4, 6, groups=4, **options)  # ValueError: divisible by groups

# %%
# Depthwise separable convolution: count the parameters
# -----------------------------------------------------
#
# A depthwise convolution filters each channel on its own, and a 1x1
# convolution then mixes the channels. Here the pair needs about an eighth
# of the weights of the full convolution. In return it has less freedom: it
# equals a full convolution whose kernel is the product of the two kernels.
def count(module):
    return sum(p.numel() for p in module.parameters())


full = nn.Conv2d(64, 128, 3, padding=1, bias=False)
separable = nn.Sequential(
    nn.Conv2d(64, 64, 3, padding=1, groups=64, bias=False),
    nn.Conv2d(64, 128, 1, bias=False),
)
count(full), count(separable)  # (73728, 8768)
depthwise, pointwise = separable.double().parameters()
full.double().weight.data = pointwise * depthwise.transpose(0, 1)
x = torch.randn(1, 64, 7, 7, dtype=torch.float64)
torch.allclose(separable(x), full(x))  # True

# %%
# 1x1 convolution: ``nn.Linear`` at each pixel
# --------------------------------------------
#
# A 1x1 convolution changes the number of channels and keeps height and
# width. It applies the same linear layer to the channels of every pixel.
conv = nn.Conv2d(3, 8, kernel_size=1, dtype=torch.float64)
linear = nn.Linear(3, 8, dtype=torch.float64)
linear.weight.data = conv.weight.data.flatten(1)
linear.bias.data = conv.bias.data
x = torch.randn(2, 3, 5, 5, dtype=torch.float64)
per_pixel = linear(x.movedim(1, -1)).movedim(-1, 1)
torch.allclose(conv(x), per_pixel)  # True

# %%
# A kernel of your own: Sobel edges with ``F.conv2d``
# ---------------------------------------------------
#
# The Sobel kernel responds where the brightness changes from left to right.
# The weight must be 4-D, for example (1, 1, 3, 3) for one input and one
# output channel. For a colour image, repeat the kernel for each channel and
# set ``groups=3``. In a module, store the kernel with ``register_buffer``,
# so that it moves with the module and is not trained.
image = torch.tensor([[0, 0, 0, 9, 9], [0, 0, 0, 9, 9], [0, 0, 0, 9, 9.0]])
sobel = torch.tensor([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1.0]])
edges = F.conv2d(image[None, None], sobel[None, None], padding=(0, 1))
edges  # tensor([[[[0., 0., 36., 36., -36.]]]])
across = F.conv2d(image[None, None], sobel.T[None, None])
across  # tensor([[[[0., 0., 0.]]]])
colour = image.expand(1, 3, 3, 5)
F.conv2d(colour, sobel.expand(3, 1, 3, 3), groups=3)  # shape (1, 3, 1, 3)

# %%
# Receptive field by ``stride`` and ``dilation``
# ----------------------------------------------
#
# Each row of the figure shows the receptive field of one output after three
# convolutions with kernel size 3. A dot is an input for which this output
# has a gradient. Strides and growing dilations widen the receptive field
# without holes. A dilation of 2 in all layers skips every second input.
def seen(**options):
    x = torch.zeros(1, 1, 41, dtype=torch.float64, requires_grad=True)
    y, kernel = x, torch.ones(1, 1, 3, dtype=torch.float64)
    for i in range(3):
        step = {name: values[i] for name, values in options.items()}
        y = F.conv1d(y, kernel, **step)
    y[0, 0, 0].backward()
    return x.grad.flatten().nonzero().flatten().tolist()


figure, ax = plt.subplots(figsize=(6.4, 2))
layers = {"stride": (1, 1, 1)}, {"stride": (2, 2, 2)}
layers += {"dilation": (1, 2, 4)}, {"dilation": (2, 2, 2)}
for row, options in enumerate(layers):
    ax.plot(seen(**options), [row] * len(seen(**options)), "o", ms=9)
[seen(**options)[-1] + 1 for options in layers]  # [7, 15, 15, 13]
seen(dilation=(2, 2, 2))  # [0, 2, 4, 6, 8, 10, 12]
ax.set_yticks(range(4), [str(o)[1:-1].replace("'", "") for o in layers])
ax.set(ylim=(3.5, -0.5), xticks=range(15))
figure.tight_layout()

# %%
# Channels from the first batch: ``nn.LazyConv2d``
# ------------------------------------------------
#
# ``nn.LazyConv1d``, ``nn.LazyConv2d`` and ``nn.LazyConv3d`` do not need the
# number of input channels. The first call sets it and turns the module into
# the plain class. Run a batch before you create the optimizer or count the
# parameters.
layer = nn.LazyConv2d(16, kernel_size=3)
with suppress(ValueError):
    layer.weight.numel()  # ValueError: uninitialized parameter
layer(torch.zeros(1, 5, 8, 8))  # shape (1, 16, 6, 6)
layer.weight.shape  # torch.Size([16, 5, 3, 3])
type(layer) is nn.Conv2d  # True
nn.LazyConv1d(2, 3)(torch.zeros(1, 7, 8))  # shape (1, 2, 6)
nn.LazyConv3d(2, 3)(torch.zeros(1, 7, 8, 8, 8))  # shape (1, 2, 6, 6, 6)

# %%
# Error: expected input to have 3 channels (``nn.Conv2d``)
# --------------------------------------------------------
#
# The channels come before height and width. An array from PIL or OpenCV has
# the channels last, so permute its dimensions. A grey image needs a channel
# dimension of size 1. For a network that expects colour images, expand this
# dimension to 3 channels.
layer = nn.Conv2d(3, 8, kernel_size=3)
photo = torch.zeros(1, 32, 32, 3)
with suppress(RuntimeError):
    layer(photo)  # RuntimeError: to have 3 channels, but got 32 channels
layer(photo.permute(0, 3, 1, 2))  # shape (1, 8, 30, 30)
grey = torch.zeros(1, 1, 32, 32)
layer(grey.expand(-1, 3, -1, -1))  # shape (1, 8, 30, 30)

# %%
# Error: expected 3D (unbatched) or 4D (batched) input (``nn.Conv2d``)
# --------------------------------------------------------------------
#
# ``nn.Conv2d`` takes a 3-D input for one image (C, H, W), and the result
# has no batch dimension either. A batch of grey images of shape (N, H, W)
# therefore counts as one image with N channels. Add the channel dimension
# with ``unsqueeze(1)``.
layer = nn.Conv2d(1, 8, kernel_size=3)
with suppress(RuntimeError):
    layer(torch.zeros(28, 28))  # RuntimeError: 3D (unbatched) or 4D
layer(torch.zeros(1, 28, 28))  # shape (8, 26, 26)
batch = torch.zeros(64, 28, 28)
with suppress(RuntimeError):
    layer(batch)  # RuntimeError: to have 1 channels, but got 64
layer(batch.unsqueeze(1))  # shape (64, 8, 26, 26)

# %%
# Error: input type and weight type should be the same (``nn.Conv2d``)
# --------------------------------------------------------------------
#
# If the dtypes differ, the message names them as C++ does: double is
# float64, float is float32 and c10::Half is float16. If the devices differ,
# the message says torch.FloatTensor for the CPU and torch.cuda.FloatTensor
# for a GPU. An image read with NumPy often has the wrong dtype, and a batch
# that was not moved has the wrong device. Convert the input to the dtype
# and device of the weight.
conv = nn.Conv2d(3, 8, 3)
images = torch.rand(2, 3, 5, 5, dtype=torch.float64)
with suppress(RuntimeError):
    conv(images)  # RuntimeError: Input type (double) and bias type (float)
images.cpu().float().type()  # 'torch.FloatTensor'
conv(images.to(conv.weight)).dtype  # torch.float32

# %%
# Error: kernel size can't be greater than input size (``nn.Conv2d``)
# -------------------------------------------------------------------
#
# Strides and pooling have made the feature map smaller than the kernel. Add
# padding, remove a stride or start from larger images. The input size in
# the message includes the padding.
layer = nn.Conv2d(1, 1, kernel_size=5)
x = torch.zeros(1, 1, 4, 4)
with suppress(RuntimeError):
    layer(x)  # RuntimeError: Kernel size can't be greater than
nn.Conv2d(1, 1, kernel_size=5, padding=2)(x)  # shape (1, 1, 4, 4)
