"""
Images as arrays
================

Use images from OpenCV, NumPy and scanners: get the order of channels, the
dtype and the range right, and handle more than three channels.
"""
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from PIL import Image
from torch import nn
from torchvision import io, transforms, utils
from torchvision.transforms import v2

# %%
# OpenCV image to tensor: BGR to RGB, channels first (``cv2.imread``)
# -------------------------------------------------------------------
#
# ``cv2.imread`` returns an array of bytes with shape (height, width, 3) and
# blue as the first channel. Reverse the last axis and copy the array.
# ``v2.functional.to_image`` then moves the channels to the front. The array
# here is a blue image in OpenCV's order.
bgr = np.zeros((2, 4, 3), dtype=np.uint8)
bgr[..., 0] = 255
rgb = bgr[..., ::-1].copy()
image = v2.functional.to_image(rgb)
image.shape  # torch.Size([3, 2, 4])
image[:, 0, 0].tolist()  # [0, 0, 255]
x = v2.functional.to_dtype(image, torch.float32, scale=True)
x[:, 0, 0].tolist()  # [0.0, 0.0, 1.0]

# %%
# Resize does nothing: v2 transforms leave a NumPy array as it is
# ---------------------------------------------------------------
#
# Most v2 transforms work on tensors and PIL images; a few, such as
# ``v2.Normalize``, need a tensor. An array passes through most v2
# transforms unchanged and without an error. Put ``v2.ToImage`` first.
array = np.zeros((40, 50, 3), dtype=np.uint8)
v2.Resize(8)(array) is array  # True
v2.ColorJitter(brightness=0.5)(array) is array  # True
with suppress(TypeError):
    v2.RandomCrop(8)(array)  # TypeError: No image, video, mask
resize = v2.Compose([v2.ToImage(), v2.Resize(8)])
resize(array).shape  # torch.Size([3, 8, 10])

# %%
# Error: img should be PIL Image. Got <class 'numpy.ndarray'>
# -----------------------------------------------------------
#
# The transforms of the first version raise an error for an array, such as
# one from ``cv2.imread``. Some of them say "Unexpected type <class
# 'numpy.ndarray'>". Convert the array with ``Image.fromarray``, or use the
# v2 transforms with ``v2.ToImage`` first.
array = np.zeros((40, 50, 3), dtype=np.uint8)
with suppress(TypeError):
    transforms.ColorJitter(0.5)(
        array
    )  # TypeError: img should be PIL Image. Got <class 'numpy.ndarray'>
with suppress(TypeError):
    transforms.Resize(8)(array)  # TypeError: Unexpected type
transforms.Resize(8)(Image.fromarray(array)).size  # (10, 8)

# %%
# Error: pic should be PIL Image or ndarray. Got <class 'torch.Tensor'>
# ---------------------------------------------------------------------
#
# ``ToTensor`` gets a tensor. Either the dataset already returns tensors, or
# the pipeline has ``ToTensor`` twice. Remove the extra one. To change the
# dtype of a tensor, use ``v2.ToDtype``.
x = torch.full((3, 4, 4), 255, dtype=torch.uint8)
with suppress(TypeError):
    transforms.ToTensor()(x)  # TypeError: pic should be PIL Image or
v2.ToDtype(torch.float32, scale=True)(x).max()  # tensor(1.)

# %%
# Error: Cannot handle this data type: (1, 1, 3), <f4 (``fromarray``)
# -------------------------------------------------------------------
#
# ``Image.fromarray`` takes colours as bytes, with the channels last.
# ``<f4`` means that the array holds floats, so multiply by 255 and convert
# it to uint8. If the last number is not 3 or 4, as in (1, 1, 8), the
# channels come first. Move them to the end.
floats = np.full((6, 8, 3), 0.5, dtype=np.float32)
with suppress(TypeError):
    Image.fromarray(floats)  # TypeError: Cannot handle this data type
pixels = (floats * 255).round().astype(np.uint8)
Image.fromarray(pixels).getpixel((0, 0))  # (128, 128, 128)
first = pixels.transpose(2, 0, 1)
with suppress(TypeError):
    Image.fromarray(first)  # TypeError: Cannot handle this data type
Image.fromarray(first.transpose(1, 2, 0)).size  # (8, 6)

# %%
# CT, DICOM, 16 bits: white after ``convert("L")``, scale by a window
# -------------------------------------------------------------------
#
# ``convert("L")`` sets all values above 255 to 255, so a scan with values
# up to 4,000 looks white. Keep the array instead, and choose a window, the
# range of values that matters, by its centre and width. Scale this window
# to the range from 0 to 1.
scan = np.array([[0, 100, 255, 1000, 4000]], dtype=np.int32)
gray = Image.fromarray(scan).convert("L")
np.array(gray).tolist()  # [[0, 100, 255, 255, 255]]
centre, width = 500, 1000
x = torch.tensor(scan.astype(np.float32))
scaled = ((x - centre) / width + 0.5).clamp(0, 1)
scaled  # tensor([[0.0000, 0.1000, 0.2550, 1.0000, 1.0000]])

# %%
# Error: 'NoneType' object has no attribute 'shape' (``cv2.imread``)
# ------------------------------------------------------------------
#
# ``cv2.imread`` returns None for a file that it cannot read, and raises no
# error. Check that the path exists. On Windows, check also that the path
# has no letters outside ASCII. PIL raises an error if the file is missing,
# and it opens a path such as ``café.png``.
image = None
with suppress(AttributeError):
    image.shape  # AttributeError: 'NoneType' object has no attribute
with TemporaryDirectory() as folder:
    path = Path(folder, "café.png")
    path.exists()  # False
    with suppress(FileNotFoundError):
        Image.open(path)  # FileNotFoundError: No such file or directory
    Image.new("RGB", (4, 2), "red").save(path)
    np.array(Image.open(path)).shape  # (2, 4, 3)

# %%
# Width and height swapped: ``cv2.resize``, PIL and ``v2.Resize``
# ---------------------------------------------------------------
#
# ``size`` and ``resize`` of PIL, and ``cv2.resize``, put the width first.
# Arrays, tensors and ``v2.Resize`` put the height first.
photo = Image.new("RGB", (640, 427))
np.array(photo).shape  # (427, 640, 3)
v2.functional.to_image(photo).shape  # torch.Size([3, 427, 640])
photo.resize((320, 100)).size  # (320, 100)
v2.Resize((100, 320))(photo).size  # (320, 100)

# %%
# More than 3 channels: satellite bands, depth, stacked images
# ------------------------------------------------------------
#
# Flips, crops, ``Resize`` and ``Normalize`` work with 13 bands, but most
# colour transforms need 1 or 3 channels. Give the first convolution as many
# input channels as there are bands. PIL cannot read most files with many
# bands, so store the bands as ``.npy`` or use a TIFF library.
bands = torch.rand(13, 16, 16)
mean, std = bands.mean(dim=(1, 2)), bands.std(dim=(1, 2))
normal = v2.Normalize(mean.tolist(), std.tolist())(bands)
normal.mean(dim=(1, 2)).abs().max() < 1e-4  # tensor(True)
flipped = v2.RandomHorizontalFlip(p=1.0)(bands)
torch.equal(flipped, bands.flip(-1))  # True
v2.RandomResizedCrop(8)(bands).shape  # torch.Size([13, 8, 8])
with suppress(TypeError):
    v2.ColorJitter(saturation=0.5)(
        bands
    )  # TypeError: Input image tensor permitted channel values are 1 or 3
nn.Conv2d(13, 8, 3)(normal[None]).shape  # torch.Size([1, 8, 14, 14])

# %%
# Save tensors as a picture: ``utils.save_image``, ``make_grid``
# --------------------------------------------------------------
#
# ``save_image`` takes one image or a batch, with floats from 0 to 1. A
# batch becomes a grid with ``nrow`` images per row. Undo a normalization
# first, or pass ``normalize=True``, which stretches the values to this
# range.
batch = torch.rand(5, 3, 8, 8)
utils.make_grid(batch, nrow=3).shape  # torch.Size([3, 22, 32])
with TemporaryDirectory() as folder:
    path = Path(folder, "grid.png")
    utils.save_image(batch, path, nrow=3)
    Image.open(path).size  # (32, 22)
    white = torch.ones(3, 4, 4)
    utils.save_image(white, path)
    Image.open(path).getpixel((0, 0))  # (255, 255, 255)

# %%
# Read an image without ``torchvision.io.read_image``, which is deprecated
# ------------------------------------------------------------------------
#
# Since torchvision 0.29, ``read_image`` and ``decode_image`` warn that they
# are deprecated in favour of the package torchcodec. Open the file with PIL
# and convert it: a PNG file gives the same bytes. ``convert`` replaces the
# ``mode``, such as ``ImageReadMode.GRAY``.
with TemporaryDirectory() as folder:
    path = Path(folder, "a.png")
    Image.new("RGB", (4, 2), (255, 0, 10)).save(path)
    old = io.read_image(
        path, mode=io.ImageReadMode.GRAY
    )  # DeprecationWarning: The image decoding since 2.14, len 1 before
    stored = torch.tensor(list(path.read_bytes()), device="cpu").byte()
    colour = io.decode_image(
        stored, mode="RGB"
    )  # DeprecationWarning: The image decoding since 2.14, len 3 before
    with Image.open(path) as image:
        new = v2.functional.pil_to_tensor(image.convert("RGB"))
        gray = v2.functional.pil_to_tensor(image.convert("L"))
torch.equal(new, colour), new[:, 0, 0].tolist()  # (True, [255, 0, 10])
torch.equal(gray, old), gray[0, 0, 0].item()  # (True, 77)

# %%
# Error: 'Image' object has no attribute 'unsqueeze' (it is no tensor)
# --------------------------------------------------------------------
#
# ``Image.open`` and transforms such as ``Resize`` return PIL images, which
# have no methods of tensors. End the pipeline with ``v2.ToImage`` and
# ``v2.ToDtype``, and assign its result. Then add the batch dimension.
image = Image.new("RGB", (8, 6))
small = v2.Resize((3, 4))(image)
with suppress(AttributeError):
    small.unsqueeze(0)  # AttributeError: 'Image' object has no attribute
make_tensor = v2.Compose(
    [v2.Resize((3, 4)), v2.ToImage(), v2.ToDtype(torch.float32, scale=True)]
)
make_tensor(image).unsqueeze(0).shape  # torch.Size([1, 3, 3, 4])
