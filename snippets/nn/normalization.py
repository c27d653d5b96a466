"""
Normalization
=============

Most normalization layers give activations a mean of 0 and a variance of 1.
They differ in the axes over which they compute the mean and the variance.

.. which::

   - ``nn.BatchNorm2d``: images in large batches
   - ``nn.GroupNorm``: images in small batches, detection, diffusion
   - ``nn.InstanceNorm2d``: style of single images
   - ``nn.LayerNorm``: sequences and tokens, batches of any size
   - ``nn.RMSNorm``: large language models, without mean and bias
   - ``F.normalize``: embeddings that are compared by cosine similarity
"""
from contextlib import suppress

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from torch import nn

# %%
# Which axes: ``nn.BatchNorm2d``, ``nn.LayerNorm``, ``nn.GroupNorm``
# ------------------------------------------------------------------
#
# Each row is a sample, each column a channel, and each cell a whole image.
# The cells in full colour give the mean and variance for channel 1 of
# sample 1. Batch normalization is the only one of the four that looks at
# other samples. By default it is also the only one that behaves differently
# in evaluation mode.
layers = nn.BatchNorm2d(4), nn.LayerNorm([4, 9, 9])
layers += nn.GroupNorm(2, 4), nn.InstanceNorm2d(4)
figure, axes = plt.subplots(1, 4, figsize=(9, 2.2), sharey=True)
x = torch.randn(3, 4, 9, 9, requires_grad=True)
shared = []
for i, (ax, layer) in enumerate(zip(axes, layers, strict=True)):
    gradient = torch.autograd.grad(layer(x)[1, 1, 0, 0], x)[0]
    seen = gradient.abs().amax((2, 3)) > 0
    shared.append(seen.nonzero().tolist())
    alpha = 0.2 + 0.8 * seen.cpu().flatten()
    rows, columns = torch.ones(3, 4, device="cpu").nonzero().T
    ax.scatter(columns, rows, s=500, marker="s", color=f"C{i}", alpha=alpha)
    ax.set(title=type(layer).__name__, xlabel="C", xticks=range(4))
    ax.set(xlim=(-0.6, 3.6), ylim=(2.6, -0.6), yticks=range(3))
axes[0].set_ylabel("N")
figure.tight_layout()
shared[0], shared[3]  # ([[0, 1], [1, 1], [2, 1]], [[1, 1]])
shared[1]  # [[1, 0], [1, 1], [1, 2], [1, 3]]
shared[2]  # [[1, 0], [1, 1]]

# %%
# Normalize each token: ``nn.LayerNorm``
# --------------------------------------
#
# Layer normalization computes the mean and the variance over the last
# dimensions, whose sizes are given by ``normalized_shape``. Each token is
# normalized on its own. The variance divides by n, and ``eps`` is added
# before the square root. Training and evaluation mode give the same result.
x = torch.randn(2, 5, 8, dtype=torch.float64)
layer = nn.LayerNorm(8, dtype=torch.float64)
mean = x.mean(-1, keepdim=True)
var = x.var(-1, correction=0, keepdim=True)
by_hand = (x - mean) / torch.sqrt(var + 1e-5)
torch.allclose(layer(x), by_hand)  # True
torch.allclose(F.layer_norm(x, (8,)), by_hand)  # True
layer.weight.shape, layer.bias.shape  # (torch.Size([8]), torch.Size([8]))
F.layer_norm(torch.tensor([1.0, 3.0]), (2,))  # tensor([-1.0000, 1.0000])

# %%
# No mean, no bias: ``nn.RMSNorm``
# --------------------------------
#
# RMS normalization divides by the root of the mean square and does not
# subtract the mean. Its only parameter is the weight. By default ``eps`` is
# ``torch.finfo(dtype).eps`` of the input, and bfloat16 uses the value of
# float32. For pretrained weights, pass the ``eps`` that was used in their
# training.
x = torch.randn(2, 5, 8, dtype=torch.float64) / 1000
layer = nn.RMSNorm(8, eps=1e-6, dtype=torch.float64)
rms = (x.square().mean(-1, keepdim=True) + 1e-6).sqrt()
torch.allclose(layer(x), x / rms)  # True
torch.allclose(F.rms_norm(x, (8,), eps=1e-6), x / rms)  # True
[name for name, _ in layer.named_parameters()]  # ['weight']
F.rms_norm(torch.tensor([1.0, 7.0]), (2,))  # tensor([0.2000, 1.4000])
centred = x - x.mean(-1, keepdim=True)
same = F.rms_norm(centred, (8,), eps=1e-5)
torch.allclose(same, F.layer_norm(x, (8,)))  # True
half, eps = x.bfloat16(), torch.finfo(torch.float32).eps
torch.equal(F.rms_norm(half, (8,)), F.rms_norm(half, (8,), eps=eps))  # True

# %%
# Normalize groups of channels: ``nn.GroupNorm``
# ----------------------------------------------
#
# The channels are split into groups, and each group of each sample is
# normalized over its channels and pixels. Other samples have no influence,
# so use it for batches that are too small for batch normalization. The
# weight and the bias have one value per channel.
x = torch.randn(4, 6, 5, 5, dtype=torch.float64)
layer = nn.GroupNorm(num_groups=2, num_channels=6, dtype=torch.float64)
groups = x.reshape(4, 2, -1)
mean = groups.mean(-1, keepdim=True)
var = groups.var(-1, correction=0, keepdim=True)
by_hand = ((groups - mean) / torch.sqrt(var + 1e-5)).reshape(x.shape)
torch.allclose(layer(x), by_hand)  # True
torch.allclose(F.group_norm(x, 2), by_hand)  # True
torch.allclose(layer(x[:1]), layer(x)[:1])  # True
layer.weight.shape  # torch.Size([6])

# %%
# Normalize each channel of each image: ``nn.InstanceNorm2d``
# -----------------------------------------------------------
#
# Instance normalization removes the contrast and brightness of each
# channel, which is useful for style transfer. By default it has no weight
# and bias; pass ``affine=True`` to get them. ``nn.InstanceNorm1d`` is for
# inputs of shape (N, C, L), and ``nn.InstanceNorm3d`` is for (N, C, D, H,
# W). An input without N counts as one sample.
x = torch.randn(2, 3, 6, 6, dtype=torch.float64)
layer = nn.InstanceNorm2d(3)
var, mean = torch.var_mean(x, (2, 3), correction=0, keepdim=True)
torch.allclose(layer(x), (x - mean) / (var + 1e-5).sqrt())  # True
torch.allclose(F.instance_norm(x), layer(x))  # True
torch.allclose(layer(5 * x + 7), layer(x), atol=1e-4)  # True
layer.weight is None  # True
lines = nn.InstanceNorm1d(3)(x.flatten(2))
torch.allclose(lines.reshape(x.shape), layer(x))  # True
volumes = nn.InstanceNorm3d(3)(x.unsqueeze(2))
torch.allclose(volumes.squeeze(2), layer(x))  # True

# %%
# A scale and no shift: ``bias=False`` of ``nn.GroupNorm``
# --------------------------------------------------------
#
# With ``bias=False`` the layer has a weight but no bias. Batch
# normalization, instance normalization and ``nn.LayerNorm`` take the
# argument, too.
#
# .. since:: 2.12
layer = nn.GroupNorm(1, 2, bias=False)
layer.bias is None, layer.weight.detach()  # (True, tensor([1., 1.]))
layer  # type GroupNorm
layer.extra_repr()  # '1, 2, eps=1e-05, affine=True, bias=False'
nn.BatchNorm1d(2, bias=False).bias is None  # True
nn.InstanceNorm1d(2, affine=True, bias=False).bias is None  # True
nn.LayerNorm(2, bias=False).bias is None  # True

# %%
# ``nn.GroupNorm`` with one group, and with a group per channel
# -------------------------------------------------------------
#
# With one group, ``nn.GroupNorm`` computes layer normalization over (C, H,
# W). The weights differ, because ``nn.GroupNorm`` has one per channel and
# ``nn.LayerNorm`` has one per element. With one group per channel, it
# computes instance normalization.
x = torch.randn(2, 6, 5, 5, dtype=torch.float64)
torch.allclose(F.group_norm(x, 1), F.layer_norm(x, (6, 5, 5)))  # True
torch.allclose(F.group_norm(x, 6), F.instance_norm(x))  # True
nn.GroupNorm(1, 6).weight.shape  # torch.Size([6])
nn.LayerNorm((6, 5, 5)).weight.shape  # torch.Size([6, 5, 5])

# %%
# Layer normalization over the channels of an image
# -------------------------------------------------
#
# ``nn.LayerNorm`` needs the channels in the last dimension, but images have
# them in the second. Move the channels to the end, normalize each pixel and
# move them back, as ConvNeXt does. ``nn.GroupNorm`` with one group gives a
# different result.
x = torch.randn(2, 6, 5, 5, dtype=torch.float64)
layer = nn.LayerNorm(6, dtype=torch.float64)
y = layer(x.movedim(1, -1)).movedim(-1, 1)
torch.allclose(y.mean(1), torch.zeros_like(y[:, 0]))  # True
torch.allclose(y, F.group_norm(x, 1))  # False

# %%
# Vectors of length 1: ``F.normalize``
# ------------------------------------
#
# ``F.normalize`` divides each vector along ``dim``, by default 1, by its
# norm, or by ``eps`` if that is larger. It subtracts no mean and has no
# parameters. The dot product of two normalized vectors is their cosine
# similarity. In float16 the default ``eps`` rounds to 0, so a vector of
# zeros gives nan.
x = torch.tensor([[3.0, 4.0], [0.0, 0.0]])
F.normalize(x)  # tensor([[0.6000, 0.8000], [0.0000, 0.0000]])
F.normalize(x, p=1)  # tensor([[0.4286, 0.5714], [0.0000, 0.0000]])
F.normalize(x, dim=0)  # tensor([[1., 1.], [0., 0.]])
F.normalize(x.half())[1]  # tensor([nan, nan], dtype=torch.float16)
a = torch.randn(4, 8, dtype=torch.float64)
b = torch.randn(5, 8, dtype=torch.float64)
cosines = F.normalize(a) @ F.normalize(b).T
by_hand = F.cosine_similarity(a[:, None], b, dim=-1)
torch.allclose(cosines, by_hand)  # True

# %%
# Across neighbouring channels: ``nn.LocalResponseNorm``
# ------------------------------------------------------
#
# The layer computes :math:`x / (k + \alpha \bar{s})^\beta`. Here s is the
# mean square over a window of ``size`` channels around the current one,
# with zeros beyond the ends. AlexNet introduced this normalization with the
# sum in place of the mean. ``F.local_response_norm`` is the function form.
x = torch.randn(2, 6, 4, 4, dtype=torch.float64)
options = {"alpha": 0.5, "beta": 0.75, "k": 2.0}
squares = F.pad(x.square(), (0, 0, 0, 0, 1, 1))
mean = squares.unfold(1, 3, 1).mean(-1)
by_hand = x / (2.0 + 0.5 * mean) ** 0.75
torch.allclose(nn.LocalResponseNorm(3, **options)(x), by_hand)  # True
torch.allclose(F.local_response_norm(x, 3, **options), by_hand)  # True

# %%
# The first channel stays in every window: ``nn.CrossMapLRN2d``
# -------------------------------------------------------------
#
# ``nn.CrossMapLRN2d`` is an old form of ``nn.LocalResponseNorm`` for
# images. It keeps a running sum over the window and does not remove the
# first channel when the window moves on. The code shows the divisor of both
# layers, a sum of squares. With a window of three channels, the divisors
# differ from the third channel on.
#
# .. glance:: wrong.flatten().round()
x = torch.tensor([10.0, 1.0, 2.0, 3.0, 4.0]).reshape(1, 5, 1, 1)
options = {"alpha": 3.0, "beta": 1.0, "k": 0.0}
right = x / nn.LocalResponseNorm(3, **options)(x)
right.flatten().round()  # tensor([101., 105., 14., 29., 25.])
wrong = x / nn.CrossMapLRN2d(3, **options)(x)
wrong.flatten().round()  # tensor([101., 105., 114., 129., 125.])

# %%
# Error: given normalized_shape, expected input with shape (``LayerNorm``)
# ------------------------------------------------------------------------
#
# ``normalized_shape`` must equal the last sizes of the input. If the
# channels are in the second dimension, move them to the end or use
# ``nn.GroupNorm``. In ``nn.GroupNorm`` the number of channels must be
# divisible by the number of groups.
x = torch.zeros(2, 8, 5)
with suppress(RuntimeError):
    nn.LayerNorm(8)(x)  # RuntimeError: Given normalized_shape=[8], expected
nn.LayerNorm(8)(x.mT)  # shape (2, 5, 8)
nn.GroupNorm(4, 8)(x)  # shape (2, 8, 5)
with suppress(ValueError):
    nn.GroupNorm(3, 8)  # ValueError: must be divisible by num_groups
with suppress(ValueError):
    nn.InstanceNorm1d(8)(x[..., :1])  # ValueError: more than 1 spatial
