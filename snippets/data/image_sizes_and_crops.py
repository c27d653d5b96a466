"""
Image sizes and crops
=====================

Resize, crop and pad images of different sizes to the one size that a batch
needs.
"""
from contextlib import suppress

import matplotlib.pyplot as plt
import torch
from PIL import Image
from sklearn.datasets import load_sample_image
from torchvision import transforms, tv_tensors
from torchvision.transforms import v2

# %%
# Resize an image: ``v2.Resize``
# ------------------------------
#
# One number sets the length of the shorter side, and the image keeps its
# proportions. Two numbers set height and width, and the image is stretched
# to fit. To limit the longer side, pass ``None`` and ``max_size``.
photo = Image.fromarray(load_sample_image("china.jpg"))
photo.size  # (640, 427)
v2.Resize(224)(photo).size  # (335, 224)
v2.Resize((224, 224))(photo).size  # (224, 224)
v2.Resize(None, max_size=224)(photo).size  # (224, 149)
old = transforms.Resize(224)(photo)
old.tobytes() == v2.Resize(224)(photo).tobytes()  # True

# %%
# Resize without losing fine lines, PIL and tensor alike: ``antialias``
# ---------------------------------------------------------------------
#
# Without antialiasing, shrinking an image picks single pixels and drops
# those between, so stripes vanish or turn into false ones. Antialiasing is
# always on for PIL images and on by default for tensors. The two results
# here differ by at most 1 of 255. ``F.interpolate`` does not use
# antialiasing by default.
#
# .. glance:: bool((smooth[0, 0, 1:-1] - 0.5).abs().max() < 0.1)
stripes = torch.tensor([0.0, 1.0]).repeat(9).expand(1, 6, 18)
sharp = v2.functional.resize(stripes, [2, 6], antialias=False)
smooth = v2.functional.resize(stripes, [2, 6], antialias=True)
sharp[0, 0]  # tensor([1., 0., 1., 0., 1., 0.])
bool((smooth[0, 0, 1:-1] - 0.5).abs().max() < 0.1)  # True
photo = Image.fromarray(load_sample_image("china.jpg"))
small = v2.functional.pil_to_tensor(v2.Resize(64)(photo)).int()
x = v2.functional.pil_to_tensor(photo)
(v2.Resize(64)(x).int() - small).abs().max() <= 1  # tensor(True)
without = v2.Resize(64, antialias=False)(x).int()
(without - small).abs().max() > 50  # tensor(True)

# %%
# Resize a mask of class indices: ``InterpolationMode.NEAREST``
# -------------------------------------------------------------
#
# The average of class 0 and class 8 is class 4, which is not in the mask.
# Nearest-neighbour interpolation picks existing pixels, and a
# ``tv_tensors.Mask`` is resized in this way by default. ``NEAREST_EXACT``
# uses the pixel centres. For a mask it was ignored before torchvision 0.28,
# which belongs to torch 2.13.
#
# .. glance:: right.unique()
mask = torch.tensor([[[0, 0, 8, 8], [0, 0, 8, 8]]], dtype=torch.uint8)
nearest = v2.InterpolationMode.NEAREST
wrong = v2.functional.resize(mask, [3, 6])
right = v2.functional.resize(mask, [3, 6], interpolation=nearest)
set(wrong.unique().tolist()) <= {0, 8}  # False
right.unique()  # tensor([0, 8], dtype=torch.uint8)
ramp = tv_tensors.Mask([[[0, 1, 2, 3]]])
exact = v2.Resize([1, 2], v2.InterpolationMode.NEAREST_EXACT)(ramp)
exact.tolist()  # [[[1, 3]]] since 2.13, [[[0, 2]]] before
with suppress(ValueError):
    v2.functional.resize(
        mask, [3, 6], "nearest"
    )  # shape (1, 3, 6) since 2.13, ValueError: `InterpolationMode` before

# %%
# Cut out the centre: ``v2.CenterCrop``
# -------------------------------------
#
# For evaluation, a centre crop usually follows the resizing. If the crop is
# larger than the image, the image is padded with zeros and there is no
# error. ``v2.functional.crop`` takes top, left, height and width.
# ``resized_crop`` also resizes the result.
x = torch.arange(25).reshape(1, 5, 5)
v2.CenterCrop(3)(x)  # tensor([[[6, 7, 8], [11, 12, 13], [16, 17, 18]]])
torch.equal(transforms.CenterCrop(3)(x), x[:, 1:4, 1:4])  # True
v2.functional.crop(x, 0, 3, 2, 2)  # tensor([[[3, 4], [8, 9]]])
v2.functional.resized_crop(x, 0, 3, 2, 2, [8, 8])  # shape (1, 8, 8)
v2.CenterCrop(7)(x)[0, 0]  # tensor([0, 0, 0, 0, 0, 0, 0])

# %%
# Pad an image: ``v2.Pad``
# ------------------------
#
# Two numbers set the padding on left and right, and on top and bottom. Four
# numbers set left, top, right and bottom, as in PIL and unlike in
# ``F.pad``. The padding is a constant ``fill`` by default. Other modes are
# ``"edge"``, ``"reflect"``, which does not repeat the border pixel, and
# ``"symmetric"``, which does.
x = torch.tensor([[[1, 2, 3]]])
v2.Pad([2, 0], fill=9)(x)  # tensor([[[9, 9, 1, 2, 3, 9, 9]]])
v2.Pad([2, 0, 1, 0])(x)  # tensor([[[0, 0, 1, 2, 3, 0]]])
pad = v2.functional.pad
pad(x, [2, 0], padding_mode="edge")  # tensor([[[1, 1, 1, 2, 3, 3, 3]]])
x = x.expand(1, 3, 3)
reflect = pad(x, [2, 0], padding_mode="reflect")
reflect[0, 0]  # tensor([3, 2, 1, 2, 3, 2, 1])
symmetric = pad(x, [2, 0], padding_mode="symmetric")
symmetric[0, 0]  # tensor([2, 1, 1, 2, 3, 3, 2])

# %%
# Square without distortion: pad the shorter side, then ``v2.Resize``
# -------------------------------------------------------------------
#
# ``v2.Resize((n, n))`` stretches an image that is not square. If you pad
# the shorter side on both ends first, the proportions stay. Object
# detectors call this a letterbox, and often pad with gray.
def pad_to_square(image):
    height, width = image.shape[-2:]
    size = max(height, width)
    left, top = (size - width) // 2, (size - height) // 2
    rest = [size - width - left, size - height - top]
    return v2.functional.pad(image, [left, top, *rest], fill=128)


image = torch.ones(3, 4, 7, dtype=torch.uint8)
square = pad_to_square(image)
square.shape  # torch.Size([3, 7, 7])
square[0, :, 0]  # tensor([128, 1, 1, 1, 1, 128, 128], dtype=torch.uint8)
v2.Resize((14, 14))(square).shape  # torch.Size([3, 14, 14])

# %%
# Shift small images at random: ``v2.RandomCrop`` with ``padding``
# ----------------------------------------------------------------
#
# This is the usual augmentation for CIFAR: pad by 4 on each side and crop
# back to 32. The image then moves by up to 4 pixels in each direction, as
# the marked pixel shows here.
#
# .. glance:: places.amax(dim=0)
image = torch.zeros(1, 32, 32)
image[0, 16, 16] = 1
crop = v2.RandomCrop(32, padding=4)
places = torch.stack([crop(image).nonzero()[0] for _ in range(1000)])
places.amin(dim=0)  # tensor([0, 12, 12])
places.amax(dim=0)  # tensor([0, 20, 20])
torch.manual_seed(0)
old = transforms.RandomCrop(32, padding=4)(image)
torch.manual_seed(0)
torch.equal(crop(image), old)  # True

# %%
# Random crop and resize for training: ``v2.RandomResizedCrop``
# -------------------------------------------------------------
#
# This is the usual training crop for photographs. It draws the area of the
# crop from ``scale`` and the ratio of width to height from ``ratio``, and
# resizes the crop to ``size``. By default the crop can be as small as 8 %
# of the image. Raise the lower limit if objects are small or must stay
# whole.
#
# .. glance:: crop(photo).size
photo = Image.fromarray(load_sample_image("china.jpg"))
crop = v2.RandomResizedCrop(224, scale=(0.25, 1.0))
crop(photo).size  # (224, 224)
draws = [crop.make_params([photo]) for _ in range(200)]
areas = [d["height"] * d["width"] / (640 * 427) for d in draws]
ratios = [d["width"] / d["height"] for d in draws]
0.24 < min(areas) < 0.4 and 0.6 < max(areas) <= 1  # True
0.73 < min(ratios) < 0.9 and 1.1 < max(ratios) < 1.36  # True
transforms.RandomResizedCrop(224)(photo).size  # (224, 224)

# %%
# Five or ten crops of one image: ``v2.FiveCrop``, ``v2.TenCrop``
# ---------------------------------------------------------------
#
# ``FiveCrop`` returns the four corners and the centre, so you can average
# the predictions for them. ``TenCrop`` adds the five crops of the mirrored
# image. Both return a tuple. Stack it to get a batch of crops.
x = torch.arange(16).reshape(1, 4, 4)
corners = v2.FiveCrop(2)(x)
torch.stack(corners)[:, 0, 0, 0]  # tensor([0, 2, 8, 10, 5])
ten = v2.TenCrop(2)(x)  # len 10
mirrored = v2.FiveCrop(2)(x.flip(-1))
torch.equal(torch.stack(ten), torch.stack(corners + mirrored))  # True

# %%
# Random sizes for detection: ``v2.ScaleJitter``, ``v2.RandomResize``
# -------------------------------------------------------------------
#
# All three transforms keep the proportions of the image.
# ``RandomShortestSize`` chooses the shorter side from a list, and
# ``RandomResize`` from a range without its end. ``ScaleJitter`` computes
# the size that fits into ``target_size`` and multiplies it by a random
# factor. The images of a batch then differ in size, so crop or pad them
# afterwards.
photo = Image.fromarray(load_sample_image("china.jpg"))
shortest = v2.RandomShortestSize([200, 300])
{min(shortest(photo).size) for _ in range(60)} == {200, 300}  # True
between = v2.RandomResize(200, 203)
{min(between(photo).size) for _ in range(100)} == {200, 201, 202}  # True
jitter = v2.ScaleJitter((320, 320), scale_range=(0.5, 1.5))
widths = [jitter(photo).width for _ in range(120)]
160 <= min(widths) < 230 and 410 < max(widths) <= 480  # True

# %%
# See sizes and crops: ``v2.Resize``, ``v2.RandomResizedCrop``
# ------------------------------------------------------------
#
# From left to right: the photo, stretched, cropped at the centre, cropped
# at random, cropped and resized, padded. Stretching keeps the whole image
# and distorts it. A plain crop keeps the proportions and loses the rest.
photo = Image.fromarray(load_sample_image("china.jpg"))
photo.thumbnail((240, 160))
torch.manual_seed(0)
steps = [v2.Identity(), v2.Resize((160, 160)), v2.CenterCrop(160),
         v2.RandomCrop(100), v2.RandomResizedCrop(160),
         v2.Pad(40, fill=128)]
figure, axes = plt.subplots(1, 6, figsize=(9, 1.8))
for ax, step in zip(axes, steps, strict=True):
    ax.imshow(step(photo))
    ax.set_title(type(step).__name__, fontsize=8)
    ax.axis("off")
figure.tight_layout()
[step(photo).size for step in steps[3:5]]  # [(100, 100), (160, 160)]

# %%
# Error: required crop size is larger than input (``v2.RandomCrop``)
# ------------------------------------------------------------------
#
# The image is smaller than the crop. ``pad_if_needed=True`` pads it with
# black. If you resize the image first, there are no black bars.
small = torch.ones(3, 20, 40)
with suppress(ValueError):
    v2.RandomCrop(32)(small)  # ValueError: Required crop size (32, 32)
padded = v2.RandomCrop(32, pad_if_needed=True)(small)  # shape (3, 32, 32)
padded.sum() < padded.numel()  # tensor(True)
resized = v2.RandomCrop(32)(v2.Resize(32)(small))  # shape (3, 32, 32)
torch.allclose(resized, torch.ones(3, 32, 32))  # True
