"""
Segmentation masks
==================

Turn mask files into class indices: black and white, colours, palettes,
polygons. Convert masks to boxes and to one-hot planes.
"""
from contextlib import suppress
from io import BytesIO

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageDraw
from torchvision import ops, transforms, tv_tensors
from torchvision.transforms import v2

# %%
# Mask of 0 and 255 (negative loss): compare to get 0 and 1
# ---------------------------------------------------------
#
# A black and white mask file holds the values 0 and 255. With these as
# targets, binary cross-entropy becomes negative, and cross-entropy raises
# "Target 255 is out of bounds". Compare with a threshold to get the classes
# 0 and 1.
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
# ``ToTensor`` scales bytes to the range from 0 to 1, also in a mask. The
# class indices 1 and 2 become 0.0039 and 0.0078, and ``long`` turns both
# into 0. ``v2.functional.pil_to_tensor`` keeps the values.
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
# Compare each pixel with each colour of the table. The class is the number
# of the row that is equal. A pixel that equals no row gets 255 here, so
# that the loss can ignore it with ``ignore_index=255``. To get the colours
# back, index the table with the mask.
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
# An image of mode ``P`` stores one index per pixel and a palette with the
# colours. ``np.array`` returns the indices, which are the classes.
# ``convert("RGB")`` replaces the indices by colours.
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
# Unexpected values in a mask: it was saved as JPEG
# -------------------------------------------------
#
# JPEG changes the pixels near an edge, so a mask of two values comes back
# with many values. PNG keeps the values, so save masks as PNG. You can
# repair a black and white JPEG with a threshold.
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
# Classes that do not exist after a rotation: bilinear on a mask
# --------------------------------------------------------------
#
# Bilinear interpolation averages the class numbers of neighbouring pixels,
# so the values 1 and 2 appear between the classes 0 and 3. Rotate and
# resize a mask with nearest-neighbour interpolation. For a
# ``tv_tensors.Mask``, nearest-neighbour interpolation is always used, even
# if the transform uses bilinear interpolation for the image.
mask = torch.zeros(1, 8, 8, dtype=torch.uint8)
mask[:, 2:6, 2:6] = 3
bilinear = v2.InterpolationMode.BILINEAR
turn = v2.RandomAffine((30, 30), scale=(1.5, 1.5), interpolation=bilinear)
turn(mask).unique().tolist()  # [0, 1, 2, 3]
turn(tv_tensors.Mask(mask)).unique().tolist()  # [0, 3]
larger = mask[None].float()
smooth = F.interpolate(larger, scale_factor=2, mode="bilinear")
len(smooth.unique()) > 2  # True
F.interpolate(larger, scale_factor=2).unique()  # tensor([0., 3.])

# %%
# The mask looks black: class indices are close to 0
# --------------------------------------------------
#
# An image viewer shows 0 as black and 255 as white, so the classes 0 to 3
# look almost black. Check the values instead. To display the mask, stretch
# the values first.
file = Image.fromarray(np.array([[0, 1], [2, 3]], dtype=np.uint8))
file.getextrema()  # (0, 3)
mask = torch.tensor(np.array(file))
shown = mask * (255 // 3)
shown.tolist()  # [[0, 85], [170, 255]]

# %%
# One plane per class and back: ``F.one_hot``, ``argmax``
# -------------------------------------------------------
#
# ``F.one_hot`` puts the classes in the last dimension, and ``movedim``
# moves them to the front, as Dice losses often expect. ``F.one_hot`` has no
# ``ignore_index``. Replace 255 by a class before you call it, and leave out
# these pixels afterwards.
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
# Some datasets, such as Cityscapes, have more classes than a model is
# trained for. Make a table with the new number for each value, and index it
# with the mask. Convert the mask with ``long`` first, because an index of
# bytes is treated as a boolean mask.
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
# ``masks_to_boxes`` takes one boolean mask per object, with shape (N, H,
# W), and returns left, top, right and bottom. If an image holds object
# numbers, compare it with each number except 0, the background, to get
# these masks.
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
# Tools such as labelme, and the files of COCO, store the corners of each
# object with x before y. Draw the polygon on an empty image, with the class
# as the colour.
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
# The counts over all masks show how rare a class is. Leave out the ignored
# pixels, and pass ``minlength`` so that the counts of different masks have
# the same length. As class weights for the loss you can use the total
# divided by the counts.
masks = torch.tensor([[[0, 0, 0], [0, 1, 255]], [[0, 0, 0], [0, 1, 0]]])
counts = masks[masks != 255].bincount(minlength=3)
counts  # tensor([9, 2, 0])
weights = counts.sum() / (3 * counts.clamp(min=1))
weights[:2]  # tensor([0.4074, 1.8333])
