"""
Regions of interest
===================

Cut the features of each box out of a feature map, at one fixed size.
Detectors such as Faster R-CNN do this before they classify a box. The
functions are in ``torchvision.ops``.
"""
from contextlib import suppress

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from torchvision import ops
from torchvision.ops.feature_pyramid_network import LastLevelMaxPool

# %%
# Features of a box at a fixed size: ``ops.roi_align``
# ----------------------------------------------------
#
# A box of any size becomes a grid with ``output_size`` cells in each
# direction. ``ops.roi_align`` reads the map at a few points in each cell,
# interpolates between the pixels there, and takes the mean. By default, the
# points are at most one pixel apart. ``sampling_ratio`` sets their number
# in each direction.
columns = torch.arange(8.0)
x = columns.square().expand(1, 1, 8, 8)
x[0, 0, 0]  # tensor([0., 1., 4., 9., 16., 25., 36., 49.])
boxes = [torch.tensor([[1.0, 0.0, 5.0, 4.0]])]
out = ops.roi_align(x, boxes, output_size=2)
out.shape  # torch.Size([1, 1, 2, 2])
out[0, 0, 0]  # tensor([4.5000, 16.5000])
at_1_5, at_2_5 = (1 + 4) / 2, (4 + 9) / 2
(at_1_5 + at_2_5) / 2  # 4.5
one = ops.roi_align(x, boxes, output_size=2, sampling_ratio=1)
one[0, 0, 0]  # tensor([4., 16.])

# %%
# Half a pixel off: ``aligned=True`` in ``ops.RoIAlign``
# ------------------------------------------------------
#
# The edges of a box count from the corner of the image, so the centre of
# the first pixel lies at 0.5. By default, ``ops.RoIAlign`` takes this
# centre to be at 0 and reads half a pixel too far to the right and too low,
# as in the picture. With ``aligned=True``, the result for the whole image
# is the same as average pooling. Keep the default for the weights of
# torchvision's detectors, which were trained with it.
x = torch.rand(1, 3, 4, 4)
boxes = [torch.tensor([[0.0, 0.0, 4.0, 4.0]])]
align = ops.RoIAlign(2, spatial_scale=1.0, sampling_ratio=2, aligned=True)
torch.allclose(align(x, boxes), F.avg_pool2d(x, 2))  # True
default = ops.RoIAlign(2, spatial_scale=1.0, sampling_ratio=2)
torch.allclose(default(x, boxes), F.avg_pool2d(x, 2))  # False
figure, axes = plt.subplots(1, 2, figsize=(6.4, 3.3))
for ax, shift in zip(axes, (0.5, 0.0)):
    ax.add_patch(plt.Rectangle((1, 1), 4, 4, fill=False, color="C0", lw=3))
    for i in range(16):
        ax.plot(1.5 + i % 4 + shift, 1.5 + i // 4 + shift, "o", color="C1")
    ax.set(title=f"aligned={shift == 0}", xlim=(0, 6), ylim=(6, 0))
    ax.set_aspect("equal")
    ax.grid()
figure.tight_layout()

# %%
# Boxes in pixels of the image: ``spatial_scale``
# -----------------------------------------------
#
# The feature map of a network is smaller than the image. The layer
# multiplies the boxes by ``spatial_scale``, the size of the map divided by
# the size of the image. Pass the boxes as a list with one tensor for each
# image, or as one tensor of shape (K, 5) with the number of the image in
# column 0. The features get a gradient, and the boxes do not.
columns = torch.arange(8.0)
x = torch.stack([columns, 10 * columns]).reshape(2, 1, 1, 8)
x = x.repeat(1, 1, 8, 1)
box = torch.tensor([[32.0, 0.0, 96.0, 64.0]])
align = ops.RoIAlign(1, spatial_scale=1 / 16, sampling_ratio=2)
align(x, [box, box]).flatten()  # tensor([4., 40.])
image = torch.tensor([[1.0], [0.0]])
rois = torch.cat([image, box.expand(2, 4)], dim=1)
align(x, rois).flatten()  # tensor([40., 4.])
align(x.requires_grad_(), [box.requires_grad_()] * 2).sum().backward()
x.grad.sum()  # tensor(2.)
box.grad is None  # True

# %%
# The largest value in each cell: ``ops.roi_pool``, ``ops.RoIPool``
# -----------------------------------------------------------------
#
# ``ops.roi_pool`` is older than ``ops.roi_align``. It rounds the box to
# whole pixels and takes the maximum of each cell. Here a move of the box by
# 0.4 pixels changes nothing. The gradient goes to one pixel of each cell.
x = torch.arange(8.0).repeat(8, 1)[None, None]
box = torch.tensor([[1.0, 0.0, 5.0, 4.0]])
ops.roi_pool(x, [box], output_size=2)[0, 0, 0]  # tensor([3., 5.])
ops.roi_pool(x, [box + 0.4], output_size=2)[0, 0, 0]  # tensor([3., 5.])
moved = ops.roi_align(x, [box + 0.4], output_size=2)
moved[0, 0, 0]  # tensor([2.4000, 4.4000])
pool = ops.RoIPool(1, spatial_scale=0.5)
pool(x, [2 * box])  # tensor([[[[5.]]]])
pool(x.requires_grad_(), [2 * box]).sum().backward()
x.grad.count_nonzero()  # tensor(1)

# %%
# A channel for each cell: ``ops.PSRoIAlign``, ``ops.PSRoIPool``
# --------------------------------------------------------------
#
# PS stands for position-sensitive, as in the detector R-FCN. Each cell of
# the grid reads a channel of its own, such as a channel for the upper left
# part of an object. The input has ``output_size`` squared channels for each
# output channel. ``ops.PSRoIPool`` takes the mean of whole pixels, and
# ``ops.PSRoIAlign`` interpolates.
x = torch.arange(8.0).reshape(1, 8, 1, 1).expand(1, 8, 6, 6)
boxes = [torch.tensor([[0.0, 0.0, 6.0, 6.0]])]
out = ops.PSRoIAlign(2, spatial_scale=1.0, sampling_ratio=2)(x, boxes)
out[0].tolist()  # [[[0.0, 1.0], [2.0, 3.0]], [[4.0, 5.0], [6.0, 7.0]]]
pool = ops.PSRoIPool(output_size=2, spatial_scale=1.0)
torch.equal(pool(x, boxes), out)  # True
ramp = torch.arange(6.0).expand(1, 4, 6, 6)
box = torch.tensor([[1.0, 1.0, 5.0, 5.0]])
ops.ps_roi_pool(ramp, [box + 0.4], 2)[0, 0, 0]  # tensor([1.5000, 3.5000])
ops.ps_roi_align(ramp, [box + 0.4], 2)[0, 0, 0]  # tensor([1.9000, 3.9000])
with suppress(RuntimeError):
    pool(x[:, :7], boxes)  # RuntimeError: channels must be a multiple of

# %%
# Features at several sizes: ``ops.FeaturePyramidNetwork``
# --------------------------------------------------------
#
# A feature pyramid network (FPN) takes feature maps of several sizes, the
# largest first. It enlarges each smaller map and adds it to the next larger
# one, so that large maps also know what the deep layers found. All maps
# come out with the same number of channels. ``LastLevelMaxPool`` adds one
# more map, which takes every second pixel.
fpn = ops.FeaturePyramidNetwork([8, 16], 4, LastLevelMaxPool())
x = {"fine": torch.rand(1, 8, 6, 6), "coarse": torch.rand(1, 16, 3, 3)}
out = fpn(x)
list(out)  # ['fine', 'coarse', 'pool']
to_4_channels, smooth = fpn.inner_blocks, fpn.layer_blocks
coarse = to_4_channels[1](x["coarse"])
fine = to_4_channels[0](x["fine"]) + F.interpolate(coarse, (6, 6))
torch.allclose(out["coarse"], smooth[1](coarse), atol=1e-6)  # True
torch.allclose(out["fine"], smooth[0](fine), atol=1e-6)  # True
torch.equal(out["pool"], out["coarse"][..., ::2, ::2])  # True

# %%
# Small boxes from large maps: ``ops.MultiScaleRoIAlign``
# -------------------------------------------------------
#
# This layer chooses a map of a feature pyramid for each box and applies
# ``ops.roi_align`` to it. Small boxes get the largest map, and each
# doubling of the size leads to the next smaller map. The layer computes
# ``spatial_scale`` from the size of the image, and it ignores a map whose
# name it was not given. Here each map holds its own number, so the output
# shows the choice.
maps = {str(i): torch.full((1, 1, 256 >> i, 256 >> i), i + 0.0)
        for i in range(4)}
maps["pool"] = torch.zeros(1, 1, 16, 16)
sizes = torch.tensor([60.0, 112.0, 223.0, 224.0, 448.0, 1000.0])
boxes = torch.stack([0 * sizes, 0 * sizes, sizes, sizes], dim=1)
names = ["0", "1", "2", "3"]
align = ops.MultiScaleRoIAlign(names, output_size=1, sampling_ratio=2)
chosen = align(maps, [boxes], [(1024, 1024)]).flatten().round()
chosen  # tensor([0., 1., 1., 2., 3., 3.])
by_hand = torch.log2(sizes / 224).floor().clamp(-2, 1) + 2
torch.equal(chosen, by_hand)  # True
align.scales  # [0.25, 0.125, 0.0625, 0.03125]

# %%
# Error: The boxes tensor shape is not correct as Tensor[K, 5]
# ------------------------------------------------------------
#
# A single tensor of boxes needs five columns, because column 0 holds the
# number of the image. Put boxes with four columns into a list, with one
# tensor for each image. The dtype of the boxes must be that of the
# features.
x = torch.rand(1, 3, 8, 8)
boxes = torch.tensor([[1.0, 0.0, 5.0, 4.0]])
with suppress(AssertionError):
    ops.roi_align(
        x, boxes, 2
    )  # AssertionError: The boxes tensor shape is not correct
with suppress(AssertionError):
    ops.roi_align(
        x, [F.pad(boxes, (1, 0))], 2
    )  # AssertionError: The shape of the tensor in the boxes list
double = [boxes.double()]
with suppress(RuntimeError):
    ops.roi_align(
        x, double, 2
    )  # RuntimeError: as rois since 2.14, RuntimeError: same type before
ops.roi_align(x, [boxes], 2).shape  # torch.Size([1, 3, 2, 2])
