"""
Linear layers
=============

Multiply inputs by learned weights with linear and bilinear layers, and
reshape with layers that have no weights.
"""
from contextlib import suppress

import torch
import torch.nn.functional as F
from torch import nn

# %%
# Fully connected layer: ``nn.Linear``
# ------------------------------------
#
# ``nn.Linear`` computes :math:`y = x W^T + b` over the last dimension. The
# dimensions before it count as batch dimensions. The weight has shape (out,
# in), the reverse of the order of the arguments. ``F.linear`` computes the
# same with your own tensors.
layer = nn.Linear(in_features=3, out_features=2)
layer.weight.shape  # torch.Size([2, 3])
layer.bias.shape  # torch.Size([2])
x = torch.rand(5, 3)
torch.allclose(layer(x), x @ layer.weight.T + layer.bias)  # True
torch.allclose(layer(x), F.linear(x, layer.weight, layer.bias))  # True
layer(torch.rand(7, 5, 3)).shape  # torch.Size([7, 5, 2])

# %%
# ``F.linear`` by hand: rows of the weight are outputs
# ----------------------------------------------------
#
# Each row of the weight gives one output, which is the dot product of the
# row with the input, plus the bias.
weight = torch.tensor([[1.0, 0.0, 2.0], [0.0, 3.0, 0.0]])
bias = torch.tensor([10.0, 20.0])
x = torch.tensor([1.0, 2.0, 3.0])
F.linear(x, weight)  # tensor([7., 6.])
F.linear(x, weight, bias)  # tensor([17., 26.])

# %%
# Linear layer without a bias: ``bias=False``
# -------------------------------------------
#
# A linear layer before a batch normalization needs no bias, because the
# normalization subtracts the mean and the bias with it. With
# ``bias=False``, ``layer.bias`` is ``None``.
linear = nn.Linear(4, 3)
norm = nn.BatchNorm1d(3)
bare = nn.Linear(4, 3, bias=False)
bare.weight = linear.weight
bare.bias is None  # True
x = torch.rand(8, 4)
torch.allclose(norm(bare(x)), norm(linear(x)), atol=1e-4)  # True

# %%
# Two inputs multiplied: ``nn.Bilinear``
# --------------------------------------
#
# Output k is :math:`x_1^T W_k x_2 + b_k`, a score for a pair of vectors.
# The weight has shape (out, in1, in2). ``F.bilinear`` computes the same
# with your own weight.
layer = nn.Bilinear(3, 4, 2).double()
layer.weight.shape  # torch.Size([2, 3, 4])
a = torch.rand(5, 3, dtype=torch.float64)
b = torch.rand(5, 4, dtype=torch.float64)
y = torch.einsum("ni,kij,nj->nk", a, layer.weight, b) + layer.bias
torch.allclose(layer(a, b), y)  # True
torch.allclose(F.bilinear(a, b, layer.weight, layer.bias), y)  # True

# %%
# Input size unknown: ``nn.LazyLinear``
# -------------------------------------
#
# ``nn.LazyLinear`` reads ``in_features`` from the first batch and turns
# into an ``nn.Linear``. Until then, the weight has no shape. Run a batch
# before you count parameters or share weights.
layer = nn.LazyLinear(2)
layer.weight  # type UninitializedParameter
with suppress(RuntimeError):
    layer.weight.shape  # RuntimeError: Can't access the shape
layer.has_uninitialized_params()  # True
layer(torch.ones(5, 3)).shape  # torch.Size([5, 2])
layer  # type Linear
layer.weight.shape  # torch.Size([2, 3])

# %%
# Other lazy layers: ``nn.LazyConv2d``, ``nn.LazyBatchNorm2d``
# ------------------------------------------------------------
#
# Lazy convolutions need no ``in_channels``. There are also
# ``nn.LazyConv1d``, ``nn.LazyConv3d``, ``nn.LazyConvTranspose1d``,
# ``nn.LazyConvTranspose2d`` and ``nn.LazyConvTranspose3d``. Lazy
# normalization layers need no sizes. There are also ``nn.LazyBatchNorm1d``,
# ``nn.LazyBatchNorm3d``, ``nn.LazyInstanceNorm1d``,
# ``nn.LazyInstanceNorm2d`` and ``nn.LazyInstanceNorm3d``.
#
# .. glance:: net[0].in_channels
net = nn.Sequential(
    nn.LazyConv2d(8, kernel_size=3),
    nn.LazyBatchNorm2d(),
    nn.Flatten(),
    nn.LazyLinear(10),
)
isinstance(net[1].running_mean, nn.UninitializedBuffer)  # True
isinstance(net[3].weight, nn.UninitializedParameter)  # True
net(torch.rand(4, 3, 6, 6)).shape  # torch.Size([4, 10])
net[0].in_channels, net[1].num_features  # (3, 8)
net[3].in_features  # 128
8 * 4 * 4  # 128

# %%
# From images to rows: ``nn.Flatten``, ``nn.Unflatten``
# -----------------------------------------------------
#
# By default, ``nn.Flatten`` keeps dimension 0, the batch, and
# ``torch.flatten`` flattens all dimensions. ``nn.Unflatten`` splits one
# dimension again.
x = torch.rand(4, 3, 8, 8)
flat = nn.Flatten()(x)
flat.shape  # torch.Size([4, 192])
torch.flatten(x).shape  # torch.Size([768])
nn.Flatten(start_dim=2)(x).shape  # torch.Size([4, 3, 64])
torch.equal(nn.Unflatten(1, (3, 8, 8))(flat), x)  # True

# %%
# Layer that does nothing: ``nn.Identity``
# ----------------------------------------
#
# ``nn.Identity`` returns its input. Put it in the place of a layer that you
# want to remove, such as the head of a network when you need its features.
# The class accepts any arguments and ignores them. ``forward`` takes one
# input.
net = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 10))
net[2] = nn.Identity()
net(torch.ones(5, 4)).shape  # torch.Size([5, 3])
x = torch.ones(2)
nn.Identity(54, unused=True)(x) is x  # True
with suppress(TypeError):
    nn.Identity()(x, x)  # TypeError: takes 2 positional arguments

# %%
# Error: mat1 and mat2 shapes cannot be multiplied (``nn.Linear``)
# ----------------------------------------------------------------
#
# The size of the last input dimension is not ``in_features``. In the
# message, mat1 is the input with its batch dimensions joined, and mat2 is
# the transposed weight. Often a flatten is missing, or the image size has
# changed.
layer = nn.Linear(192, 10)
images = torch.rand(4, 3, 8, 8)
with suppress(RuntimeError):
    layer(images)  # RuntimeError: cannot be multiplied (96x8 and 192x10)
layer(images.flatten(start_dim=1)).shape  # torch.Size([4, 10])

# %%
# Error: mat1 and mat2 must have the same dtype (``nn.Linear``)
# -------------------------------------------------------------
#
# NumPy data is often float64, while layers are float32. Integer inputs
# raise the same error. For a layer without a bias the message is different;
# on the CPU it begins with "expected m1 and m2". Convert the data rather
# than the model.
layer = nn.Linear(3, 2)
x = torch.ones(5, 3, dtype=torch.float64)
with suppress(RuntimeError):
    layer(x)  # RuntimeError: have the same dtype
layer(x.float()).dtype  # torch.float32
with suppress(RuntimeError):
    layer(torch.ones(5, 3, dtype=torch.int64))  # RuntimeError: same dtype
bare = nn.Linear(3, 2, bias=False)
with suppress(RuntimeError):
    bare(x)  # RuntimeError: to have the same dtype
