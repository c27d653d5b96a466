"""
Overlaps and losses of boxes
============================

Compute areas and overlaps of bounding boxes, remove double detections, and
train a network to predict boxes. The functions are in ``torchvision.ops``.
"""
from contextlib import suppress

import matplotlib.pyplot as plt
import torch
from torchvision import ops

# %%
# Areas of boxes: ``ops.box_area``
# --------------------------------
#
# A box is left, top, right, bottom, and ``ops.box_area`` multiplies its
# width and its height. For other formats, pass ``fmt``. Boxes that
# ``ops.masks_to_boxes`` computes end at the last pixel of the object, so
# add 1 to right and bottom to count this pixel as well.
boxes = torch.tensor([[2, 3, 12, 8], [0, 0, 4, 4]])
ops.box_area(boxes)  # tensor([50, 16])
ops.box_area(torch.tensor([[2, 3, 10, 5]]), fmt="xywh")  # tensor([50])
masks = torch.zeros(1, 6, 6, dtype=torch.bool)
masks[0, 2:4, 1:4] = True
masks.sum()  # tensor(6)
found = ops.masks_to_boxes(masks)
found  # tensor([[1., 2., 3., 3.]])
ops.box_area(found)  # tensor([2.])
found[:, 2:] += 1
ops.box_area(found)  # tensor([6.])

# %%
# Overlap of each pair: ``ops.box_iou``
# -------------------------------------
#
# The intersection over union (IoU) is the area that two boxes share,
# divided by the area that they cover together. The result has a row for
# each box of the first argument and a column for each box of the second.
# The maximum of a row finds the true box that fits a prediction best. Boxes
# of width and height need ``fmt="xywh"``, or the result is wrong and no
# error is raised.
predicted = torch.tensor([[2.0, 2.0, 6.0, 6.0], [9.0, 0.0, 12.0, 2.0]])
truth = torch.tensor([[0.0, 0.0, 4.0, 4.0], [2.0, 2.0, 4.0, 6.0]])
iou = ops.box_iou(predicted, truth)
iou  # tensor([[0.1429, 0.5000], [0.0000, 0.0000]])
shared = (4 - 2) * (4 - 2)
shared / (16 + 16 - shared)  # 0.1429
iou.max(dim=1).indices[0]  # tensor(1)
as_xywh = ops.box_convert(predicted, "xyxy", "xywh")
also = ops.box_convert(truth, "xyxy", "xywh")
torch.allclose(ops.box_iou(as_xywh, also, fmt="xywh"), iou)  # True
torch.allclose(ops.box_iou(as_xywh, also), iou)  # False

# %%
# Overlap that tells how far: ``ops.generalized_box_iou``
# -------------------------------------------------------
#
# The IoU is 0 for two boxes that do not touch, near or far. The generalized
# IoU (GIoU) subtracts the empty share of the smallest box around both. It
# lies between -1 and 1. The picture shows both numbers while one of two
# squares of width 2 moves to the right.
box = torch.tensor([[0.0, 0.0, 4.0, 4.0]])
other = torch.tensor([[2.0, 2.0, 6.0, 6.0]])
union, around = 16 + 16 - 4, 6 * 6
4 / union - (around - union) / around  # -0.0794
ops.generalized_box_iou(box, other)  # tensor([[-0.0794]])
x = torch.linspace(0, 4, 81)
still = torch.tensor([[0.0, 0.0, 2.0, 2.0]])
moved = torch.stack([x, 0 * x, x + 2, 0 * x + 2], dim=1)
iou = ops.box_iou(still, moved)[0]
giou = ops.generalized_box_iou(still, moved)[0]
iou[[0, 40, 80]]  # tensor([1.0000, 0.0000, 0.0000])
giou[[0, 40, 80]]  # tensor([1.0000, 0.0000, -0.3333])
figure, ax = plt.subplots(figsize=(6.4, 3))
ax.plot(x.cpu(), iou.cpu(), label="IoU")
ax.plot(x.cpu(), giou.cpu(), "--", label="GIoU")
ax.legend()
figure.tight_layout()

# %%
# Distance and proportions: ``ops.distance_box_iou``, ``complete_box_iou``
# ------------------------------------------------------------------------
#
# The distance IoU (DIoU) subtracts the squared distance of the two centres,
# divided by the squared diagonal of the smallest box around both. The
# complete IoU (CIoU) also subtracts a term for the proportions. This term
# is 0 if both boxes have the same ratio of width to height.
box = torch.tensor([[0.0, 0.0, 4.0, 4.0]])
wide = torch.tensor([[0.0, 0.0, 8.0, 4.0]])
iou = ops.box_iou(box, wide)
iou  # tensor([[0.5000]])
diou = iou - (4 - 2) ** 2 / (8**2 + 4**2)
diou  # tensor([[0.4500]])
ops.distance_box_iou(box, wide)  # tensor([[0.4500]])
angles = torch.atan(torch.tensor([4 / 4, 8 / 4]))
v = 4 / torch.pi**2 * (angles[0] - angles[1]) ** 2
ciou = diou - v / (1 - iou + v) * v
ciou  # tensor([[0.4468]])
ops.complete_box_iou(box, wide)  # tensor([[0.4468]])
ops.complete_box_iou(box, 2 * box)  # tensor([[0.1875]])
ops.distance_box_iou(box, 2 * box)  # tensor([[0.1875]])

# %%
# Loss for predicted boxes: ``ops.generalized_box_iou_loss``
# ----------------------------------------------------------
#
# The losses compare row with row, so each prediction needs its target in
# the same row. They are 1 minus the GIoU, the DIoU or the CIoU, and 0 for a
# perfect box. ``reduction`` is ``"none"`` by default, so pass ``"mean"`` or
# ``"sum"`` to get a number for ``backward``.
predicted = torch.tensor([[0.0, 0.0, 4.0, 4.0], [1.0, 1.0, 3.0, 2.0]])
target = torch.tensor([[2.0, 2.0, 6.0, 6.0], [1.0, 1.0, 3.0, 2.0]])
loss = ops.generalized_box_iou_loss(predicted, target)
loss  # tensor([1.0794, 0.0000])
pairs = ops.generalized_box_iou(predicted, target)
torch.allclose(loss, 1 - pairs.diag(), atol=1e-6)  # True
distance = ops.distance_box_iou_loss(predicted, target, reduction="mean")
distance  # tensor(0.4841)
complete = ops.complete_box_iou_loss(predicted, target, reduction="sum")
complete  # tensor(0.9683)
with suppress(RuntimeError):
    ops.generalized_box_iou_loss(
        predicted, target[[0, 1, 0]]
    )  # RuntimeError: The size of tensor a (2) must match

# %%
# Boxes that do not touch: the IoU has no gradient
# ------------------------------------------------
#
# If a predicted box does not touch its target, ``1 - ops.box_iou`` stays at
# 1 when the box moves a little, so the gradient is 0 and training stops.
# The generalized and the distance loss have a gradient there. With it,
# gradient descent moves the box onto its target.
target = torch.tensor([[8.0, 0.0, 10.0, 2.0]])
box = torch.tensor([[0.0, 0.0, 2.0, 2.0]], requires_grad=True)
(1 - ops.box_iou(box, target)).sum().backward()
box.grad  # tensor([[0., 0., 0., 0.]])
for loss_of in (ops.generalized_box_iou_loss, ops.distance_box_iou_loss):
    moving = box.detach().clone().requires_grad_()
    optimizer = torch.optim.Adam([moving], lr=0.1)
    for _ in range(300):
        optimizer.zero_grad()
        loss_of(moving, target, reduction="sum").backward()
        optimizer.step()
    ops.box_iou(moving, target).detach() > 0.9  # tensor([[True]])

# %%
# One box per object: ``ops.nms``
# -------------------------------
#
# A detector often finds an object several times. Non-maximum suppression
# (NMS) takes the box with the highest score and removes the boxes whose IoU
# with it is larger than a threshold. It then does the same with the
# boxes that are left. The result holds the indices of the boxes that stay,
# from the highest score to the lowest.
boxes = torch.tensor([[0.0, 0.0, 10.0, 8.0], [0.0, 0.0, 10.0, 10.0],
                      [0.0, 2.0, 10.0, 10.0], [20.0, 0.0, 30.0, 10.0]])
scores = torch.tensor([0.5, 0.9, 0.6, 0.7])
ops.box_iou(boxes, boxes)[1]  # tensor([0.8000, 1.0000, 0.8000, 0.0000])
keep = ops.nms(boxes, scores, iou_threshold=0.7)
keep  # tensor([1, 3])
boxes[keep][0]  # tensor([0., 0., 10., 10.])
left, by_hand = scores.argsort(descending=True), []
while len(left):
    best, left = left[0], left[1:]
    by_hand.append(best.item())
    left = left[ops.box_iou(boxes[best][None], boxes[left])[0] <= 0.7]
by_hand  # [1, 3]
ops.nms(boxes, scores, iou_threshold=0.85)  # tensor([1, 3, 2, 0])

# %%
# Suppression within each class: ``ops.batched_nms``
# --------------------------------------------------
#
# A rider and a horse overlap, but neither is a double detection of the
# other. ``ops.batched_nms`` takes the class of each box and compares only
# boxes of one class. It can also treat the images of a batch separately:
# pass the number of the image.
boxes = torch.tensor([[0.0, 0.0, 10.0, 10.0], [0.0, 1.0, 10.0, 10.0],
                      [0.0, 2.0, 10.0, 10.0]])
scores = torch.tensor([0.9, 0.8, 0.7])
labels = torch.tensor([1, 2, 1])
ops.nms(boxes, scores, 0.5)  # tensor([0])
keep = ops.batched_nms(boxes, scores, labels, 0.5)
keep  # tensor([0, 1])
apart = boxes + 100 * labels[:, None]
torch.equal(ops.nms(apart, scores, 0.5), keep)  # True

# %%
# Clean up predictions: ``ops.clip_boxes_to_image``, ``remove_small_boxes``
# -------------------------------------------------------------------------
#
# A predicted box may reach beyond the image. ``ops.clip_boxes_to_image``
# takes the size as (height, width). ``ops.remove_small_boxes`` returns the
# indices of the boxes whose sides both have the minimum length. Use them
# for the scores, too.
boxes = torch.tensor([[-5.0, 3.0, 250.0, 90.0], [10.0, 10.0, 40.0, 11.0],
                      [300.0, 5.0, 320.0, 20.0]])
scores = torch.tensor([0.9, 0.8, 0.7])
height, width = 80, 200
boxes = ops.clip_boxes_to_image(boxes, (height, width))
boxes[0]  # tensor([0., 3., 200., 80.])
boxes[2]  # tensor([200., 5., 200., 20.])
keep = ops.remove_small_boxes(boxes, min_size=1)
keep  # tensor([0, 1])
ops.remove_small_boxes(boxes, min_size=2)  # tensor([0])
scores[keep]  # tensor([0.9000, 0.8000])

# %%
# YOLO labels to corners: ``ops.box_convert``
# -------------------------------------------
#
# A line of a YOLO label file has the class, the centre, and the width and
# height, as shares of the width and height of the image. Multiply by the
# size of the image, with the width first, and convert ``"cxcywh"`` to
# ``"xyxy"``. Divide by the same numbers to write such a file.
line = "3 0.25 0.5 0.2 0.4"
number, *numbers = line.split()
relative = torch.tensor([[float(n) for n in numbers]])
width, height = 200, 100
size = torch.tensor([width, height, width, height])
corners = ops.box_convert(relative * size, "cxcywh", "xyxy")
corners  # tensor([[30.0000, 30.0000, 70.0000, 70.0000]])
back = ops.box_convert(corners, "xyxy", "cxcywh") / size
back  # tensor([[0.2500, 0.5000, 0.2000, 0.4000]])
with suppress(ValueError):
    ops.box_convert(
        corners, "xyxy", "yolo"
    )  # ValueError: Unsupported Bounding Box Conversions for given in_fmt

# %%
# Overlap of rotated boxes: ``ops.box_iou`` with ``fmt="cxcywhr"``
# ----------------------------------------------------------------
#
# .. since:: 2.12
#
# A fifth number is the angle in degrees, counter-clockwise. The functions
# for losses and for NMS expect four numbers. ``ops.box_convert`` computes
# the four corners of a rotated box.
#
# .. glance:: ops.box_iou(flat, upright, fmt="cxcywhr")
flat = torch.tensor([[10.0, 10.0, 8.0, 2.0, 0.0]])
upright = torch.tensor([[10.0, 10.0, 8.0, 2.0, 90.0]])
shared = 2 * 2
shared / (16 + 16 - shared)  # 0.1429
ops.box_iou(flat, upright, fmt="cxcywhr")  # tensor([[0.1429]])
corners = ops.box_convert(upright, "cxcywhr", "xyxyxyxy").reshape(4, 2)
corners.amin(dim=0)  # tensor([9.0000, 6.0000])
corners.amax(dim=0)  # tensor([11.0000, 14.0000])
turned = torch.tensor([[10.0, 10.0, 8.0, 2.0, 30.0]])
top_right = ops.box_convert(turned, "cxcywhr", "xyxyxyxy")[0, 2:4]
top_right  # tensor([12.9641, 7.1340])
cos, sin = 3**0.5 / 2, 1 / 2
10 + 4 * cos - 1 * sin, 10 - 4 * sin - 1 * cos  # (12.9641, 7.1340)

# %%
# Error: boxes and scores should have same number of elements (``ops.nms``)
# -------------------------------------------------------------------------
#
# Each box needs one score, in a 1-D tensor of the same dtype. If the
# network computes a score for each class, take the largest one, or call
# ``ops.batched_nms`` with each box repeated for each class.
boxes = torch.tensor([[0.0, 0.0, 10.0, 10.0], [0.0, 2.0, 10.0, 10.0]])
scores = torch.tensor([[0.1, 0.9], [0.8, 0.2]])
best, labels = scores.max(dim=1)
with suppress(RuntimeError):
    ops.nms(
        boxes, best[:1], 0.5
    )  # RuntimeError: and scores should have same number of elements
with suppress(RuntimeError):
    ops.nms(boxes, scores, 0.5)  # RuntimeError: should be a 1d tensor
with suppress(RuntimeError):
    ops.nms(boxes[0], best, 0.5)  # RuntimeError: should be a 2d tensor
with suppress(RuntimeError):
    ops.nms(
        boxes, best.double(), 0.5
    )  # RuntimeError: should have the same type as scores
ops.nms(boxes, best, 0.5)  # tensor([0])
