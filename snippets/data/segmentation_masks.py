"""
Segmentation masks
==================

Read a mask file as class indices: black and white, colours, palettes,
polygons.
"""
from contextlib import suppress
from io import BytesIO

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageDraw
from torchvision import ops, transforms
from torchvision.transforms import v2

# %%
# Mask of 0 and 255 (negative loss): compare to get 0 and 1
# ---------------------------------------------------------
#
# A black and white mask file holds 0 and 255. Binary cross-entropy then
# becomes negative, and cross-entropy says "Target 255 is out of bounds".
# Compare with a threshold to get the classes 0 and 1.
file = Image.fromarray(np.array([[0, 255], [255, 0]], dtype=np.uint8))
pixels = torch.tensor(np.array(file))
pixels.unique().tolist()  # [0, 255]
logit, target = torch.tensor([5.0]), torch.tensor([255.0])
loss = F.binary_cross_entropy_with_logits
loss(logit, target).item() < -1000  # True
with suppress(IndexError):
    F.cross_entropy(
        torch.zeros(1, 2, 1, device="cpu"),
        torch.tensor([[255]], device="cpu"),
    )  # IndexError: Target 255 is out of bounds
(pixels > 127).long()  # tensor([[0, 1], [1, 0]])

# %%
# All labels are 0 or 0.0039: ``ToTensor`` divides a mask by 255
# --------------------------------------------------------------
#
# ``ToTensor`` scales bytes to the range from 0 to 1, in a mask as well. The
# class indices 1 and 2 become 0.0039 and 0.0078, and ``long`` makes 0 of
# both. ``v2.functional.pil_to_tensor`` keeps the numbers.
file = Image.fromarray(np.array([[0, 1, 2]], dtype=np.uint8))
scaled = transforms.ToTensor()(file)
scaled  # tensor([[[0.0000, 0.0039, 0.0078]]])
scaled.long()  # tensor([[[0, 0, 0]]])
mask = v2.functional.pil_to_tensor(file).squeeze(0).long()
mask  # tensor([[0, 1, 2]])

# %%
# RGB colours to class indices: compare with a table of colours
# -------------------------------------------------------------
#
# Compare each pixel with each colour of the table; the number of the equal
# row is the class. A pixel without an equal row gets 255 here, which the
# loss leaves out with ``ignore_index=255``. Indexing the table with a mask
# gives the colours back.
colours = torch.tensor([[0, 0, 0], [128, 0, 0], [0, 128, 0]])
image = torch.tensor([[[128, 0, 0], [0, 0, 0]], [[0, 128, 0], [9, 9, 9]]])
equal = (image.unsqueeze(2) == colours).all(dim=-1)
equal.shape  # torch.Size([2, 2, 3])
mask = equal.int().argmax(dim=-1)
mask[~equal.any(dim=-1)] = 255
mask  # tensor([[1, 0], [2, 255]])
colours[mask[0]]  # tensor([[128, 0, 0], [0, 0, 0]])

# %%
# Palette PNG, as in Pascal VOC: no ``convert("RGB")``
# ----------------------------------------------------
#
# An image of mode ``P`` holds one index for each pixel and a palette with
# the colours. ``np.array`` of it gives the indices, which are the classes.
# ``convert("RGB")`` replaces them by colours.
indices = np.array([[0, 1], [2, 255]], dtype=np.uint8)
drawn = Image.fromarray(indices)
drawn.putpalette([0, 0, 0, 128, 0, 0, 0, 128, 0] + [255] * 759)
stored = BytesIO()
drawn.save(stored, "PNG")
file = Image.open(stored)
file.mode  # 'P'
np.array(file).tolist()  # [[0, 1], [2, 255]]
np.array(file.convert("RGB"))[0, 1].tolist()  # [128, 0, 0]

# %%
# Values that nobody drew: a mask saved as JPEG
# ---------------------------------------------
#
# JPEG changes pixels near an edge, so a mask of two values comes back with
# many. PNG keeps each value. Save masks as PNG, and repair a black and
# white JPEG with a threshold.
drawn = np.zeros((32, 32), dtype=np.uint8)
drawn[5:18, 9:30] = 255
values = {}
for kind in ("PNG", "JPEG"):
    stored = BytesIO()
    Image.fromarray(drawn).save(stored, kind)
    values[kind] = np.array(Image.open(stored))
np.unique(values["PNG"]).tolist()  # [0, 255]
len(np.unique(values["JPEG"])) > 2  # True
np.array_equal(values["JPEG"] > 127, drawn > 127)  # True

# %%
# The mask looks black: class indices are close to 0
# --------------------------------------------------
#
# A viewer shows 0 as black and 255 as white, so the classes 0 to 3 all look
# black. Look at the values, and stretch them for a picture.
file = Image.fromarray(np.array([[0, 1], [2, 3]], dtype=np.uint8))
file.getextrema()  # (0, 3)
mask = torch.tensor(np.array(file))
shown = mask * (255 // 3)
shown.tolist()  # [[0, 85], [170, 255]]

# %%
# One plane per class and back: ``F.one_hot``, ``argmax``
# -------------------------------------------------------
#
# ``F.one_hot`` puts the classes last; ``movedim`` brings them to the front,
# as Dice losses expect them. The function has no ``ignore_index``: replace
# 255 by a class first and leave these pixels out afterwards.
mask = torch.tensor([[0, 2], [1, 0]])
planes = F.one_hot(mask, num_classes=3).movedim(-1, 0)
planes.shape  # torch.Size([3, 2, 2])
planes[2]  # tensor([[0, 1], [0, 0]])
planes.argmax(dim=0)  # tensor([[0, 2], [1, 0]])
border = torch.tensor([0, 255], device="cpu")
with suppress(RuntimeError):
    F.one_hot(border, 3)  # RuntimeError: Class values must be smaller than
F.one_hot(border.where(border != 255, 0), 3)[1]  # tensor([1, 0, 0])

# %%
# Renumber classes: a table of 256 numbers
# ----------------------------------------
#
# Datasets such as Cityscapes number more classes than are trained. A table
# with a number for each value, indexed by the mask, renumbers all pixels at
# once. Convert the mask with ``long``: bytes as an index count as a boolean
# mask.
table = torch.full((256,), 255)
table[torch.tensor([7, 8, 11])] = torch.arange(3)
mask = torch.tensor([[7, 0], [11, 8]], dtype=torch.uint8)
table[mask.long()]  # tensor([[0, 255], [2, 1]])
values = torch.arange(4)
keep = torch.tensor([0, 1, 1, 0], dtype=torch.uint8)
values[keep.bool()]  # tensor([1, 2])
values[keep.long()]  # tensor([0, 1, 1, 0])

# %%
# Masks to boxes: ``ops.masks_to_boxes``
# --------------------------------------
#
# It takes one boolean plane per object, (N, H, W), and returns left, top,
# right and bottom. An image of object numbers becomes planes by comparing
# it with each number but 0, the background.
numbered = torch.tensor([[0, 1, 1], [0, 1, 1], [2, 0, 0]])
objects = numbered.unique()
objects = objects[objects != 0]
planes = numbered == objects[:, None, None]
planes.shape  # torch.Size([2, 3, 3])
boxes = ops.masks_to_boxes(planes)
boxes.tolist()  # [[1.0, 0.0, 2.0, 1.0], [0.0, 2.0, 0.0, 2.0]]

# %%
# Polygon to mask: ``ImageDraw.Draw.polygon``
# -------------------------------------------
#
# Tools such as labelme, and COCO's files, store the corners of each object,
# x before y. Draw them on an empty image, with the class as the colour.
file = Image.new("L", (6, 4), 0)
corners = [1, 1, 4, 1, 4, 3, 1, 3]
points = list(zip(corners[::2], corners[1::2]))
ImageDraw.Draw(file).polygon(points, fill=2)
np.array(file)[2].tolist()  # [0, 2, 2, 2, 2, 0]
np.array(file).shape  # (4, 6)

# %%
# Pixels of each class: ``torch.bincount`` without 255
# ----------------------------------------------------
#
# The counts of all masks together tell how rare a class is. Leave out the
# ignored pixels, and pass ``minlength`` so that each mask gives counts of
# one length. Weights for the loss can be the total divided by the counts.
masks = torch.tensor([[[0, 0, 0], [0, 1, 255]], [[0, 0, 0], [0, 1, 0]]])
counts = masks[masks != 255].bincount(minlength=3)
counts  # tensor([9, 2, 0])
weights = counts.sum() / (3 * counts.clamp(min=1))
weights[:2]  # tensor([0.4074, 1.8333])
