"""
Functional transforms
=====================

Change images with parameters of your own, ask a sample what it contains,
and teach the transforms a new type of data.
"""
from contextlib import suppress
from io import BytesIO

import numpy as np
import torch
from PIL import Image, ImageOps
from sklearn.datasets import load_sample_image
from torchvision import tv_tensors
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional as TF

# %%
# Same change for two images: ``v2.functional``, ``normalize``
# ------------------------------------------------------------
#
# A class such as ``v2.RandomRotation`` draws its parameters at each call. A
# function of ``v2.functional`` gets them as arguments. Use it when two
# images need the same change, or when a file tells you the parameters.
# ``v2.Normalize`` draws nothing, so its function gives the same.
image = torch.rand(3, 16, 16)
angle = float(torch.empty(1).uniform_(-30, 30))
torch.equal(TF.rotate(image, angle), TF.rotate(image, angle))  # True
draw = v2.RandomRotation(30)
len({draw(image).sum().item() for _ in range(20)}) > 1  # True
z = TF.normalize(image, mean=[0.5] * 3, std=[0.25] * 3)
torch.allclose(z, (image - 0.5) / 0.25)  # True
torch.equal(z, v2.Normalize([0.5] * 3, [0.25] * 3)(image))  # True
byte = torch.tensor([0, 51, 255], dtype=torch.uint8).reshape(1, 1, 3)
x = TF.convert_image_dtype(byte, torch.float32)
x.flatten()  # tensor([0.0000, 0.2000, 1.0000])

# %%
# Negatives and fewer levels: ``v2.functional.invert``, ``solarize``
# ------------------------------------------------------------------
#
# ``invert`` subtracts each byte from 255. ``solarize`` does so for values
# at or above the threshold. ``posterize`` keeps the leading bits of each
# byte, so 2 bits leave four levels. In a float image the largest value is
# 1, so the threshold lies between 0 and 1.
image = torch.tensor([[[0, 100, 127, 128, 255]]], dtype=torch.uint8)
TF.invert(image).tolist()  # [[[255, 155, 128, 127, 0]]]
TF.solarize(image, threshold=128).tolist()  # [[[0, 100, 127, 127, 0]]]
TF.posterize(image, bits=2).tolist()  # [[[0, 64, 64, 128, 192]]]
x = torch.tensor([[[0.0, 0.25, 0.75]]])
TF.invert(x)  # tensor([[[1.0000, 0.7500, 0.2500]]])
TF.solarize(x, threshold=0.5)  # tensor([[[0.0000, 0.2500, 0.2500]]])

# %%
# More contrast: ``v2.functional.autocontrast``, ``equalize``
# -----------------------------------------------------------
#
# ``autocontrast`` stretches a channel, so that its smallest value becomes 0
# and its largest value 1, or 255 for bytes. ``equalize`` moves the levels
# apart, so that each range of values has about the same number of pixels.
# Use it if most values are close together. ``equalize`` of PIL's
# ``ImageOps`` gives the same for this photo.
x = torch.tensor([[[0.25, 0.375, 0.75]]])
TF.autocontrast(x)  # tensor([[[0.0000, 0.2500, 1.0000]]])
image = torch.tensor([100, 101, 102, 150], dtype=torch.uint8)
flat = TF.equalize(image.repeat(85).reshape(1, 17, 20))
flat.unique().tolist()  # [0, 85, 170, 255]
photo = Image.fromarray(load_sample_image("flower.jpg"))
pixels = np.array(ImageOps.equalize(photo))
np.array_equal(TF.equalize(photo), pixels)  # True
same = TF.equalize(TF.pil_to_tensor(photo))
np.array_equal(same.permute(1, 2, 0).numpy(), pixels)  # True

# %%
# Blur and noise: ``v2.functional.gaussian_blur``, ``gaussian_noise``
# -------------------------------------------------------------------
#
# ``gaussian_blur`` averages neighbours with the weights of a bell curve
# that is ``sigma`` pixels wide. ``gaussian_noise`` adds random numbers with
# the standard deviation ``sigma``, but not to PIL images. In an image of
# bytes, a mean of 0.1 adds 25. Keep ``clip=True``, because 255 plus 25
# wraps around to 24.
impulse = torch.zeros(1, 9, 9)
impulse[0, 4, 4] = 1
bell = torch.exp(-(torch.arange(-2, 3.0) ** 2) / 2)
bell = bell / bell.sum()
blurred = TF.gaussian_blur(impulse, kernel_size=[5, 5], sigma=[1.0, 1.0])
around = blurred[0, 2:7, 2:7]
torch.allclose(around, bell[:, None] * bell, atol=1e-3)  # True
gray = torch.full((3, 200, 200), 0.5)
noise = TF.gaussian_noise(gray, mean=0.0, sigma=0.05) - gray
noise.std().round(decimals=2)  # tensor(0.0500)
white = torch.full((1, 1, 1), 255, dtype=torch.uint8)
TF.gaussian_noise(white, mean=0.1, sigma=0.0).item()  # 255
TF.gaussian_noise(white, mean=0.1, sigma=0.0, clip=False).item()  # 24
with suppress(ValueError):
    TF.gaussian_noise(
        Image.new("RGB", (8, 8))
    )  # ValueError: Gaussian Noise is not implemented for PIL images

# %%
# Train on JPEG artefacts: ``v2.JPEG``, ``v2.functional.jpeg``
# ------------------------------------------------------------
#
# ``jpeg`` compresses an image and decodes it again. A lower quality leaves
# more visible blocks. ``v2.JPEG`` draws the quality from a range, so a
# model learns to cope with poor uploads. Put it before ``v2.ToImage``:
# for a tensor it calls ``torchvision.io``, which is deprecated.
photo = Image.fromarray(load_sample_image("flower.jpg"))
photo = photo.crop((200, 150, 264, 214))
file = BytesIO()
photo.save(file, "JPEG", quality=10)
rough = TF.jpeg(photo, quality=10)
np.array_equal(rough, Image.open(file))  # True
loss = [np.subtract(photo, TF.jpeg(photo, q), dtype=float)
        for q in (10, 50, 90)]
poor, medium, good = [np.abs(each).mean().item() for each in loss]
poor > medium > good > 0  # True
np.array_equal(v2.JPEG(10)(photo), rough)  # True
random = v2.JPEG(quality=(10, 90))
len({random(photo).tobytes() for _ in range(40)}) > 5  # True
x = TF.jpeg(
    TF.pil_to_tensor(photo), 10
)  # DeprecationWarning: The image decoding since 2.14, type Tensor before

# %%
# Crops at fixed places: ``v2.functional.center_crop``, ``five_crop``
# -------------------------------------------------------------------
#
# ``five_crop`` returns the four corners and the centre, and ``ten_crop``
# also the crops of the mirrored image. Stack the crops into a batch, and
# average the predictions of the model for them. ``vertical_flip=True``
# mirrors top and bottom instead of left and right.
x = torch.arange(16).reshape(1, 4, 4)
crops = TF.five_crop(x, [2, 2])
[crop[0, 0, 0].item() for crop in crops]  # [0, 2, 8, 10, 5]
torch.equal(crops[4], TF.center_crop(x, [2, 2]))  # True
ten = TF.ten_crop(x, [2, 2])
[crop[0, 0, 0].item() for crop in ten[5:]]  # [3, 1, 11, 9, 6]
ten = TF.ten_crop(x, [2, 2], vertical_flip=True)
[crop[0, 0, 0].item() for crop in ten[5:]]  # [12, 14, 4, 6, 9]
batch = torch.stack(TF.ten_crop(torch.rand(3, 40, 40), [32, 32]))
batch.shape  # torch.Size([10, 3, 32, 32])

# %%
# Height, width, channels: ``v2.functional.get_size``, ``get_dimensions``
# -----------------------------------------------------------------------
#
# ``get_size`` returns the height and width of a tensor or of a PIL image.
# ``get_dimensions`` puts the number of channels in front. The old
# ``get_image_size`` returns the width first, as ``photo.size`` does, and it
# warns that it is deprecated.
photo = Image.new("RGB", (64, 48))
photo.size  # (64, 48)
TF.get_size(photo)  # [48, 64]
TF.get_size(torch.zeros(1, 48, 64))  # [48, 64]
TF.get_dimensions(photo)  # [3, 48, 64]
TF.get_num_channels(photo)  # 3
TF.get_image_num_channels(photo.convert("L"))  # 1
TF.get_num_frames(tv_tensors.Video(torch.zeros(5, 3, 48, 64)))  # 5
size = TF.get_image_size(
    photo
)  # UserWarning: The function `get_image_size(...)` is deprecated
size  # [64, 48]

# %%
# BGR to RGB, gray to RGB: ``v2.functional.permute_channels``
# -----------------------------------------------------------
#
# Channel i of the result is channel ``permutation[i]`` of the image, as if
# you index with the list. ``[2, 1, 0]`` turns BGR, the order of OpenCV,
# into RGB. ``grayscale_to_rgb`` repeats the channel of a gray image three
# times.
x = torch.tensor([10, 20, 30]).reshape(3, 1, 1)
TF.permute_channels(x, [2, 1, 0]).flatten()  # tensor([30, 20, 10])
turned = TF.permute_channels(x, [2, 0, 1])
turned.flatten()  # tensor([30, 10, 20])
torch.equal(turned, x[[2, 0, 1]])  # True
with suppress(ValueError):
    TF.permute_channels(x, [1, 0])  # ValueError: Length of permutation
TF.grayscale_to_rgb(x[:1]).flatten()  # tensor([10, 10, 10])

# %%
# Refuse a sample without boxes: ``v2.has_any``, ``has_all``
# ----------------------------------------------------------
#
# ``check_inputs`` of your own transform gets the parts of a sample as a
# flat list. ``has_all`` is True if each of the types occurs, ``has_any`` if
# at least one does, and ``check_type`` looks at a single part. Raise an
# error there, so that a sample without boxes does not pass unnoticed.
class Detection(v2.Transform):
    def check_inputs(self, flat_inputs):
        types = (tv_tensors.Image, tv_tensors.BoundingBoxes)
        if not v2.has_all(flat_inputs, *types):
            raise TypeError("this transform needs an image and boxes")


image = tv_tensors.Image(torch.zeros(3, 8, 8))
mask = tv_tensors.Mask(torch.zeros(8, 8))
with suppress(TypeError):
    Detection()(image, mask)  # TypeError: this transform needs an image
parts = [image, mask, "a.png"]
v2.has_any(parts, tv_tensors.BoundingBoxes, tv_tensors.Mask)  # True
v2.has_any(parts, tv_tensors.BoundingBoxes, tv_tensors.Video)  # False
v2.has_all(parts, tv_tensors.Image, tv_tensors.Mask)  # True
v2.check_type(mask, (tv_tensors.Image, tv_tensors.Video))  # False

# %%
# Size and boxes of a sample: ``v2.query_size``, ``v2.get_bounding_boxes``
# ------------------------------------------------------------------------
#
# ``make_params`` of your own transform gets the same flat list.
# ``query_size`` returns the height and width that its parts share, and
# ``query_chw`` also the channels. Both raise an error if two parts
# disagree, for example because one of them was not resized.
size = (48, 64)
xyxy = tv_tensors.BoundingBoxFormat.XYXY
image = tv_tensors.Image(torch.zeros(3, *size))
boxes = tv_tensors.BoundingBoxes([[1, 2, 3, 4]], format=xyxy,
                                 canvas_size=size)
points = tv_tensors.KeyPoints([[5, 6]], canvas_size=size)
parts = [image, points, boxes, "a.png"]
v2.query_size(parts)  # (48, 64)
v2.query_chw(parts)  # (3, 48, 64)
v2.get_bounding_boxes(parts).tolist()  # [[1, 2, 3, 4]]
v2.get_bounding_boxes(parts).format.value  # 'XYXY'
v2.get_keypoints(parts).tolist()  # [[5, 6]]
small = TF.resize(image, [24, 32])
with suppress(ValueError):
    v2.query_size([small, boxes])  # ValueError: Found multiple HxW
with suppress(TypeError):
    v2.query_chw([boxes])  # TypeError: No image or video was found in

# %%
# A type of your own: ``tv_tensors.TVTensor``, ``register_kernel``
# ----------------------------------------------------------------
#
# The type here holds directions in degrees. ``register_kernel`` says what a
# function does with it, and the class that calls this function follows: a
# flip from left to right turns 30 degrees into 150. A class without such a
# kernel leaves the type as it is, and the function raises an error.
class Heading(tv_tensors.TVTensor):
    pass


@TF.register_kernel(TF.horizontal_flip, Heading)
def flip(heading):
    return tv_tensors.wrap(180 - heading, like=heading)


@TF.register_kernel(TF.rotate, Heading)
def rotate(heading, angle, **rest):
    return tv_tensors.wrap(heading + angle, like=heading)


image, heading = torch.rand(3, 8, 8), Heading(torch.tensor([30.0]))
v2.RandomHorizontalFlip(p=1.0)(image, heading)[1]  # Heading([150.])
v2.RandomRotation((20, 20))(image, heading)[1]  # Heading([50.])
v2.RandomVerticalFlip(p=1.0)(image, heading)[1]  # Heading([30.])
with suppress(TypeError):
    TF.vertical_flip(heading)  # TypeError: Functional F.vertical_flip

# %%
# A few frames of a video: ``v2.UniformTemporalSubsample``
# --------------------------------------------------------
#
# The transform keeps ``num_samples`` frames, evenly spaced from the first
# to the last. The time is the fourth dimension from the end, so a batch of
# videos works, too. If the video is too short, frames are repeated.
frames = torch.arange(10).reshape(10, 1, 1, 1)
video = tv_tensors.Video(frames.expand(10, 3, 8, 8))
short = v2.UniformTemporalSubsample(4)(video)
short.shape  # torch.Size([4, 3, 8, 8])
short[:, 0, 0, 0]  # tensor([0, 3, 6, 9])
few = TF.uniform_temporal_subsample(video, num_samples=3)
few[:, 0, 0, 0]  # tensor([0, 4, 9])
long = TF.uniform_temporal_subsample(video[:2], num_samples=5)
long[:, 0, 0, 0]  # tensor([0, 0, 0, 0, 1])
batch = torch.stack([video, video])
TF.uniform_temporal_subsample(batch, 4).shape  # torch.Size([2, 4, 3, 8, 8])
