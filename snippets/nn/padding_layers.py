"""
Padding layers
==============

Add a border to the last dimensions of a tensor. Fill the border with a
constant or with values from the tensor itself.
"""
from contextlib import suppress

import matplotlib.pyplot as plt
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

# %%
# Pad a tensor: ``F.pad``
# -----------------------
#
# The numbers come in pairs, before and after, and start with the **last**
# dimension. For an image the order is (left, right, top, bottom).
# Dimensions without a pair keep their size.
#
# .. tensors:: x, F.pad(x, (1, 2)), F.pad(x, (0, 0, 1, 0))
x = torch.tensor([[1, 2], [3, 4]])
F.pad(x, (1, 2))  # tensor([[0, 1, 2, 0, 0], [0, 3, 4, 0, 0]])
F.pad(x, (0, 0, 1, 0))  # tensor([[0, 0], [1, 2], [3, 4]])
F.pad(x, (0, 1), value=9)  # tensor([[1, 2, 9], [3, 4, 9]])
F.pad(torch.zeros(2, 3, 4), (1, 0, 2, 0, 3, 0))  # shape (5, 5, 5)

# %%
# The order of ``F.pad`` is the reverse of ``np.pad``
# ---------------------------------------------------
#
# NumPy takes one pair for each dimension and starts with the first
# dimension. To use such pairs in ``F.pad``, reverse their order and flatten
# them.
x = torch.rand(2, 3, 4)
pairs = [(0, 0), (1, 2), (3, 4)]
flat = [n for pair in reversed(pairs) for n in pair]
flat  # [3, 4, 1, 2, 0, 0]
ours = F.pad(x, flat)  # shape (2, 6, 11)
numpys = np.pad(x.cpu().numpy(), pairs)
torch.equal(ours.cpu(), torch.from_numpy(numpys))  # True

# %%
# Reflect, replicate, circular: the modes of ``F.pad``
# ----------------------------------------------------
#
# ``"reflect"`` mirrors the values without repeating the edge,
# ``"replicate"`` repeats the edge, and ``"circular"`` continues with the
# values of the other side. These three modes pad the last one, two or three
# dimensions. The input needs a channel dimension in front of them.
#
# .. glance:: F.pad(x, (2, 1), mode="reflect")
x = torch.tensor([[1.0, 2.0, 3.0, 4.0]])
F.pad(x, (2, 1), mode="constant")  # tensor([[0., 0., 1., 2., 3., 4., 0.]])
F.pad(x, (2, 1), mode="reflect")  # tensor([[3., 2., 1., 2., 3., 4., 3.]])
F.pad(x, (2, 1), mode="replicate")  # tensor([[1., 1., 1., 2., 3., 4., 4.]])
F.pad(x, (2, 1), mode="circular")  # tensor([[3., 4., 1., 2., 3., 4., 1.]])

# %%
# See the modes on a ramp: ``mode`` of ``F.pad``
# ----------------------------------------------
#
# Orange points are padding, blue points are the input. The last three modes
# add no values outside the range of the input. The zeros of the mode
# ``"constant"`` make a step, which an edge filter would find. Use circular
# padding for angles and periodic signals, because it makes a step in other
# signals.
x = torch.tensor([[2.0, 3.0, 5.0, 8.0]])
modes = ["constant", "reflect", "replicate", "circular"]
figure, axes = plt.subplots(1, 4, figsize=(9, 2.2), sharey=True)
for ax, mode in zip(axes, modes, strict=True):
    padded = F.pad(x, (3, 3), mode=mode)[0].cpu()
    ax.plot(range(-3, 7), padded, "o--", color="C1", ms=5)
    ax.plot(range(4), padded[3:7], "o-", color="C0")
    ax.set(title=mode, xticks=range(-3, 7, 3), yticks=[0, 2, 4, 6, 8])
    padded.min().item() >= 2.0 or mode == "constant"  # True
figure.tight_layout()

# %%
# Padding as a layer: ``nn.ZeroPad2d``, ``nn.ConstantPad2d``
# ----------------------------------------------------------
#
# A padding layer fits into ``nn.Sequential`` and can pad each side
# differently, which ``nn.Conv2d`` does not offer. A single number pads all
# sides. ``nn.ZeroPad1d`` and ``nn.ConstantPad1d`` pad the last dimension,
# and ``nn.ZeroPad3d`` and ``nn.ConstantPad3d`` the last three.
x = torch.tensor([[[1.0, 2.0], [3.0, 4.0]]])
nn.ZeroPad2d((1, 0, 0, 0))(x)  # tensor([[[0., 1., 2.], [0., 3., 4.]]])
below = nn.ConstantPad2d((0, 0, 0, 1), 9.0)
below(x[:, 1:])  # tensor([[[3., 4.], [9., 9.]]])
nn.ZeroPad1d(1)(x[0, :1])  # tensor([[0., 1., 2., 0.]])
nn.ConstantPad1d((0, 1), 7.0)(x[0, :1])  # tensor([[1., 2., 7.]])
nn.ZeroPad3d(2)(x[None])  # shape (1, 5, 6, 6)
volume = nn.ConstantPad3d((0, 0, 0, 0, 1, 0), -1.0)(x)
volume[0]  # tensor([[-1., -1.], [-1., -1.]])
causal = nn.Sequential(nn.ZeroPad1d((2, 0)), nn.Conv1d(1, 1, 3))
causal(torch.zeros(8, 1, 20))  # shape (8, 1, 20)

# %%
# Padding from the image itself: ``nn.ReflectionPad2d``
# -----------------------------------------------------
#
# Each layer is ``F.pad`` with a fixed ``mode``. ``nn.ReflectionPad1d``,
# ``nn.ReflectionPad2d`` and ``nn.ReflectionPad3d`` mirror the values.
# ``nn.ReplicationPad1d``, ``nn.ReplicationPad2d`` and
# ``nn.ReplicationPad3d`` repeat the edge. ``nn.CircularPad1d``,
# ``nn.CircularPad2d`` and ``nn.CircularPad3d`` continue with the other
# side.
x = torch.rand(2, 3, 4, 5)
padded = nn.ReflectionPad2d((2, 1, 3, 0))(x)
torch.equal(padded, F.pad(x, (2, 1, 3, 0), mode="reflect"))  # True
row = torch.tensor([[1.0, 2.0, 3.0]])
nn.ReflectionPad1d((2, 1))(row)  # tensor([[3., 2., 1., 2., 3., 2.]])
nn.ReplicationPad1d((2, 1))(row)  # tensor([[1., 1., 1., 2., 3., 3.]])
nn.CircularPad1d((2, 1))(row)  # tensor([[2., 3., 1., 2., 3., 1.]])
grid = torch.tensor([[[1.0, 2.0], [3.0, 4.0]]])
right = (0, 1, 0, 0)
nn.ReplicationPad2d(right)(grid)  # tensor([[[1., 2., 2.], [3., 4., 4.]]])
nn.CircularPad2d(right)(grid)  # tensor([[[1., 2., 1.], [3., 4., 3.]]])
depth = torch.tensor([1.0, 2.0, 3.0]).view(1, 3, 1, 1)
front = (0, 0, 0, 0, 1, 0)
nn.ReflectionPad3d(front)(depth).flatten()  # tensor([2., 1., 2., 3.])
nn.ReplicationPad3d(front)(depth).flatten()  # tensor([1., 1., 2., 3.])
nn.CircularPad3d(front)(depth).flatten()  # tensor([3., 1., 2., 3.])

# %%
# Crop with negative padding: ``F.pad``
# -------------------------------------
#
# Negative numbers remove elements. One call can therefore shift an image,
# or bring an image that is too large or too small to a fixed size. If you
# only crop, a slice is easier to read.
#
# .. tensors:: x, F.pad(x, (-1, 1)), F.pad(x, (-1, -1))
x = torch.tensor([[1, 2, 3], [4, 5, 6]])
F.pad(x, (-1, 1))  # tensor([[2, 3, 0], [5, 6, 0]])
F.pad(x, (-1, -1))  # tensor([[2], [5]])
F.pad(x, (0, 4 - x.shape[1]))  # tensor([[1, 2, 3, 0], [4, 5, 6, 0]])
F.pad(x, (0, 2 - x.shape[1]))  # tensor([[1, 2], [4, 5]])

# %%
# Pad images to a multiple of 32: ``F.pad`` with a remainder
# ----------------------------------------------------------
#
# A network that halves its input five times often needs sizes divisible by
# 32. ``-n % 32`` gives the number of missing pixels. Crop the output by the
# same numbers.
image = torch.rand(1, 3, 50, 64)
bottom, right = -image.shape[-2] % 32, -image.shape[-1] % 32
bottom, right  # (14, 0)
padded = F.pad(image, (0, right, 0, bottom), mode="replicate")
padded.shape  # torch.Size([1, 3, 64, 64])
torch.equal(padded[..., :50, :64], image)  # True
torch.equal(padded[..., -1, :], image[..., -1, :])  # True

# %%
# Error: padding size should be less than the input dimension
# -----------------------------------------------------------
#
# With ``"reflect"`` the padding must be smaller than the input, because the
# edge is not repeated. With ``"circular"`` it may be as large as the input.
# ``"replicate"`` and constant padding also accept larger numbers.
x = torch.tensor([[1.0, 2.0, 3.0]])
F.pad(x, (2, 0), mode="reflect")  # tensor([[3., 2., 1., 2., 3.]])
with suppress(RuntimeError):
    F.pad(x, (3, 0), mode="reflect")  # RuntimeError: size should be less
with suppress(RuntimeError):
    F.pad(x, (4, 0), mode="circular")  # RuntimeError: more than once
F.pad(x, (4, 0), mode="replicate")  # tensor([[1., 1., 1., 1., 1., 2., 3.]])

# %%
# Error: padding size 4 is not supported for 2D input (``F.pad``)
# ---------------------------------------------------------------
#
# In all modes but constant, one pair of numbers needs a 2-D or 3-D input,
# two pairs need 3-D or 4-D, and three pairs need 4-D or 5-D. Add a channel
# dimension to the image, and remove it afterwards. Older versions say "Only
# 2D, 3D, 4D, 5D padding with non-constant padding".
image = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
with suppress(NotImplementedError):
    F.pad(image, (1,) * 4, "reflect")  # NotImplementedError: non-constant
padded = F.pad(image[None], (1, 1, 1, 1), mode="reflect")[0]
padded[:2]  # tensor([[4., 3., 4., 3.], [2., 1., 2., 1.]])
with suppress(RuntimeError):
    F.pad(image, (1, 1, 1))  # RuntimeError: must be divisible by 2
