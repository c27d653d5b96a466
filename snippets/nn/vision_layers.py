"""
Building blocks for vision models
=================================

Use the layers that torchvision's models are made of in your own model:
deformable convolution, DropBlock, stochastic depth and others from
``torchvision.ops``.
"""
from contextlib import suppress

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from torch import nn
from torchvision import ops

# %%
# Convolution, normalization, activation: ``ops.Conv2dNormActivation``
# --------------------------------------------------------------------
#
# Convolutional networks repeat these three layers.
# ``ops.Conv2dNormActivation`` builds them in one line, with batch
# normalization and ReLU by default. With stride 1 the padding keeps the
# height and width if the kernel size is odd. The convolution has no bias if
# a normalization follows, because that layer adds one.
block = ops.Conv2dNormActivation(3, 8, kernel_size=5, dilation=2).eval()
names = [type(layer).__name__ for layer in block]
names  # ['Conv2d', 'BatchNorm2d', 'ReLU']
x = torch.randn(2, 3, 9, 9)
weight = block[0].weight
y = F.conv2d(x, weight, padding=(5 - 1) // 2 * 2, dilation=2)
torch.allclose(block(x), block[1](y).relu(), atol=1e-5)  # True
block[0].bias is None  # True
video = ops.Conv3dNormActivation(
    3, 8, norm_layer=None, activation_layer=nn.SiLU, inplace=False
)
[type(layer).__name__ for layer in video]  # ['Conv3d', 'SiLU']
video(torch.rand(2, 3, 4, 9, 9))  # shape (2, 8, 4, 9, 9)
video[0].bias is None  # False

# %%
# Linear layers in a row: ``ops.MLP``
# -----------------------------------
#
# An MLP (multilayer perceptron) is a sequence of linear layers with an
# activation between them. The last number in the list is the size of the
# output. No activation follows the last linear layer, but dropout does. If
# the outputs are class scores, remove this dropout.
mlp = ops.MLP(4, [8, 3], norm_layer=nn.LayerNorm, dropout=0.1)
names = [type(layer).__name__ for layer in mlp]
names[:4]  # ['Linear', 'LayerNorm', 'ReLU', 'Dropout']
names[4:]  # ['Linear', 'Dropout']
x = torch.randn(5, 4)
hidden = F.layer_norm(mlp[0](x), (8,)).relu()
torch.allclose(mlp.eval()(x), mlp[4](hidden), atol=1e-6)  # True
classifier = ops.MLP(4, [3], dropout=0.9)
(classifier(x) == 0).any()  # tensor(True)
classifier[-1] = nn.Identity()
torch.equal(classifier(x), classifier[0](x))  # True

# %%
# Fixed batch normalization: ``ops.FrozenBatchNorm2d``
# ----------------------------------------------------
#
# Detectors train with few images per batch, too few for good batch
# statistics. ``ops.FrozenBatchNorm2d`` computes what ``nn.BatchNorm2d``
# computes after ``eval()``, in training mode as well. Its weight and bias
# are buffers, so an optimizer does not see them. It loads the state dict of
# an ``nn.BatchNorm2d``.
old = nn.BatchNorm2d(3)
old(4 * torch.rand(8, 3, 5, 5) + 2)
frozen = ops.FrozenBatchNorm2d(3)
frozen.load_state_dict(old.state_dict())
before = frozen.running_mean.clone()
x = torch.randn(8, 3, 5, 5)
frozen.training  # True
torch.allclose(frozen(x), old.eval()(x), atol=1e-6)  # True
torch.equal(frozen.running_mean, before)  # True
list(frozen.parameters())  # []
len(list(frozen.buffers())), len(list(old.buffers()))  # (4, 3)

# %%
# Zero whole squares: ``ops.DropBlock2d``, ``ops.drop_block2d``
# -------------------------------------------------------------
#
# Neighbouring pixels of a feature map are similar, so a network can guess a
# single pixel that dropout has zeroed. DropBlock zeroes squares of
# ``block_size`` by ``block_size`` pixels, and ``p`` is about the share of
# zeros. It divides the other values by the share that is left, so the mean
# stays the same. In the picture, dropout is on the left and DropBlock on
# the right.
x = torch.ones(2000, 1, 12, 12)
y = ops.DropBlock2d(p=0.2, block_size=3)(x)
zeros = (y == 0).float()
0.16 < zeros.mean() < 0.2  # tensor(True)
squares = (F.avg_pool2d(zeros, 3, stride=1) == 1).float()
grown = F.max_pool2d(F.pad(squares, [2, 2, 2, 2]), 3, stride=1)
torch.equal(grown, zeros)  # True
torch.allclose(y.max(), 1 / (1 - zeros.mean()))  # True
torch.equal(ops.drop_block2d(x, 0.2, 3, training=False), x)  # True
pixels = torch.ones(1, 1, 32, 32)
figure, axes = plt.subplots(1, 2, figsize=(6.4, 3.2))
dropped = F.dropout(pixels, 0.2), ops.drop_block2d(pixels, 0.2, 7)
for ax, image in zip(axes, dropped):
    ax.imshow(image[0, 0].cpu().numpy(), cmap="cividis")
    ax.axis("off")
figure.tight_layout()

# %%
# DropBlock for videos and its errors: ``ops.DropBlock3d``
# --------------------------------------------------------
#
# ``ops.DropBlock3d`` zeroes cubes. Its input has shape (N, C, D, H, W), and
# that of ``ops.DropBlock2d`` has shape (N, C, H, W). Both require an odd
# block size. If an image is smaller than the block, the block becomes as
# small as the image.
x = torch.ones(200, 1, 8, 8, 8)
y = ops.DropBlock3d(p=0.2, block_size=3)(x)
zeros = (y == 0).float()
cubes = (F.avg_pool3d(zeros, 3, stride=1) == 1).float()
grown = F.max_pool3d(F.pad(cubes, [2] * 6), 3, stride=1)
torch.equal(grown, zeros)  # True
torch.equal(ops.drop_block3d(x, 0.2, 3, training=False), x)  # True
with suppress(ValueError):
    ops.drop_block2d(x, 0.2, 3)  # ValueError: input should be 4 dimensional
with suppress(ValueError):
    ops.drop_block3d(x, 0.2, 2)  # ValueError: block size should be odd.
tiny = torch.ones(1, 1, 3, 3)
ops.drop_block2d(tiny, 1.0, 9).count_nonzero()  # tensor(0)

# %%
# Skip a residual branch at random: ``ops.StochasticDepth``
# ---------------------------------------------------------
#
# A residual block adds the output of a branch to its input. During
# training, ``ops.StochasticDepth`` sets the output of the branch to zero
# with probability ``p``, and divides it by ``1 - p`` otherwise. The mode
# ``"row"`` decides for each sample, and the mode ``"batch"`` once for the
# whole batch. Put the layer at the end of the branch, before the addition.
branch = torch.ones(1000, 3)
y = ops.StochasticDepth(p=0.25, mode="row")(branch)
y.unique()  # tensor([0.0000, 1.3333])
torch.equal(y.amin(dim=1), y.amax(dim=1))  # True
0.18 < (y == 0).float().mean() < 0.32  # tensor(True)
y = ops.StochasticDepth(p=0.25, mode="batch")(branch)
len(y.unique())  # 1
layer = ops.StochasticDepth(p=0.25, mode="row").eval()
torch.equal(layer(branch), branch)  # True
ops.stochastic_depth(branch, p=1.0, mode="row").any()  # tensor(False)
with suppress(ValueError):
    ops.stochastic_depth(
        branch, 0.25, "rows"
    )  # ValueError: mode has to be either 'batch' or 'row'

# %%
# A convolution that can look elsewhere: ``ops.DeformConv2d``
# -----------------------------------------------------------
#
# A deformable convolution reads the input at places that the network
# chooses. A second layer, usually a convolution, computes the offsets. For
# a 3x3 kernel it has 18 output channels: a vertical and a horizontal offset
# for each of the 9 points. If its weights start at zero, training starts
# with an ordinary convolution.
offsets = nn.Conv2d(3, 2 * 3 * 3, kernel_size=3, padding=1)
nn.init.zeros_(offsets.weight)
nn.init.zeros_(offsets.bias)
conv = ops.DeformConv2d(3, 8, kernel_size=3, padding=1)
x = torch.randn(2, 3, 6, 6)
y = conv(x, offsets(x))
plain = F.conv2d(x, conv.weight, conv.bias, padding=1)
torch.allclose(y, plain, atol=1e-5)  # True
y.square().sum().backward()
(offsets.weight.grad != 0).any()  # tensor(True)

# %%
# Vertical before horizontal: the offsets of ``ops.deform_conv2d``
# ----------------------------------------------------------------
#
# Channel 0 of the offsets moves the first point down, and channel 1 moves
# it to the right, both in pixels. Between pixels the input is interpolated,
# and outside it is zero. ``mask`` multiplies what each point reads, and a
# network can compute it, too. A kernel of one point shows all of this.
x = torch.tensor([[[[0.0, 1.0, 2.0], [10.0, 11.0, 12.0]]]])
weight = torch.ones(1, 1, 1, 1)
offset = torch.zeros(1, 2, 2, 3)
offset[:, 0] = 1.0
down = ops.deform_conv2d(x, offset, weight)
down.tolist()  # [[[[10.0, 11.0, 12.0], [0.0, 0.0, 0.0]]]]
offset = torch.zeros(1, 2, 2, 3)
offset[:, 1] = 0.5
right = ops.deform_conv2d(x, offset, weight)
right.tolist()  # [[[[0.5, 1.5, 1.0], [10.5, 11.5, 6.0]]]]
half = torch.full((1, 1, 2, 3), 0.5)
masked = ops.deform_conv2d(x, offset, weight, mask=half)
torch.allclose(masked, right / 2)  # True

# %%
# Error: the shape of the offset tensor at dimension 1 is not valid
# -----------------------------------------------------------------
#
# The number of offset channels must be twice the number of points of the
# kernel, 18 for a 3x3 kernel. ``mask`` has half as many channels. Both need
# the height and width of the output, so give the layer that computes them
# the same stride and padding.
conv = ops.DeformConv2d(3, 8, kernel_size=3, stride=2)
x = torch.rand(1, 3, 7, 7)
offset = torch.zeros(1, 18, 3, 3)
with suppress(RuntimeError):
    conv(
        x, torch.zeros(1, 9, 3, 3)
    )  # RuntimeError: the shape of the offset tensor at dimension 1
with suppress(RuntimeError):
    conv(
        x, torch.zeros(1, 18, 7, 7)
    )  # RuntimeError: output dims: (7, 7) - computed output dims
with suppress(RuntimeError):
    conv(
        x, offset, offset
    )  # RuntimeError: shape[1] is not valid: got: 18 expected: 9
with suppress(TypeError):
    conv(x)  # TypeError: missing 1 required positional argument: 'offset'
conv(x, offset, torch.ones(1, 9, 3, 3)).shape  # torch.Size([1, 8, 3, 3])

# %%
# Weight the channels: ``ops.SqueezeExcitation``
# ----------------------------------------------
#
# A squeeze-and-excitation block multiplies each channel by a number between
# 0 and 1. It computes these numbers from the mean of every channel, with
# two 1x1 convolutions. The second argument is the number of channels
# between the two.
block = ops.SqueezeExcitation(8, 2)
x = torch.randn(4, 8, 5, 5)
means = x.mean(dim=(2, 3), keepdim=True)
scale = block.fc2(block.fc1(means).relu()).sigmoid()
scale.shape  # torch.Size([4, 8, 1, 1])
torch.allclose(block(x), x * scale, atol=1e-6)  # True
hard = ops.SqueezeExcitation(8, 2, scale_activation=nn.Hardsigmoid)
scale = F.hardsigmoid(hard.fc2(hard.fc1(means).relu()))
torch.allclose(hard(x), x * scale, atol=1e-6)  # True

# %%
# Reorder dimensions inside ``nn.Sequential``: ``ops.Permute``
# ------------------------------------------------------------
#
# ``nn.Sequential`` takes layers, and ``Tensor.permute`` is a method.
# ``ops.Permute`` is the same as a layer. Here it puts the channels last, so
# that ``nn.LayerNorm`` normalizes the channels of each pixel, and then puts
# them back. torchvision's ConvNeXt and Swin models use it.
norm = nn.Sequential(
    ops.Permute([0, 2, 3, 1]), nn.LayerNorm(8), ops.Permute([0, 3, 1, 2])
)
x = torch.randn(2, 8, 4, 5)
y = norm(x)
mean = x.mean(dim=1, keepdim=True)
variance = x.var(dim=1, keepdim=True, correction=0)
by_hand = (x - mean) / (variance + 1e-5).sqrt()
torch.allclose(y, by_hand, atol=1e-5)  # True
torch.equal(ops.Permute([1, 0])(y[0, 0]), y[0, 0].T)  # True
