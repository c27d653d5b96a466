"""
Colours, blur and noise
=======================

Change the colours of an image, blur it, add noise, and normalize it. The
pixels stay where they are.
"""
from contextlib import suppress

import matplotlib.pyplot as plt
import torch
from PIL import Image
from sklearn.datasets import load_sample_image
from torchvision import transforms
from torchvision.transforms import v2

# %%
# Vary light and colour at random: ``v2.ColorJitter``
# ---------------------------------------------------
#
# Each property is changed by a random factor: a number b gives the range
# from 1 - b to 1 + b, and a pair gives the range itself. A factor of 1
# changes nothing. Hue is different: it is an offset between -0.5 and 0.5 of
# the colour circle. Properties that you leave out stay unchanged.
jitter = v2.ColorJitter(brightness=0.25, contrast=(0.5, 2.0), hue=0.125)
jitter.brightness  # (0.75, 1.25)
jitter.contrast  # (0.5, 2.0)
jitter.saturation is None  # True
jitter.hue  # (-0.125, 0.125)
x = torch.full((3, 4, 4), 0.5)
light = v2.ColorJitter(brightness=0.25)
means = [light(x).mean().item() for _ in range(300)]
0.37 < min(means) < 0.4 and 0.6 < max(means) < 0.63  # True
fixed = transforms.ColorJitter(brightness=(0.5, 0.5))
fixed(x)[0, 0, 0]  # tensor(0.2500)

# %%
# Set light and colour by a factor: ``v2.functional.adjust_brightness``
# ---------------------------------------------------------------------
#
# Brightness multiplies the image. Contrast mixes it with the mean of its
# gray version, and saturation mixes each pixel with its own gray.
# ``adjust_gamma`` raises the values to a power; a power below 1 makes dark
# areas brighter. ``adjust_hue`` turns the colour circle.
x = torch.rand(3, 8, 8) * 0.4 + 0.3
gray = v2.functional.rgb_to_grayscale(x)
mean = gray.mean()
f = v2.functional
torch.allclose(f.adjust_brightness(x, 1.25), x * 1.25)  # True
contrast = 0.5 * x + 0.5 * mean
torch.allclose(f.adjust_contrast(x, 0.5), contrast)  # True
saturation = 0.5 * x + 0.5 * gray
torch.allclose(f.adjust_saturation(x, 0.5), saturation)  # True
torch.allclose(f.adjust_gamma(x, 2.0), x**2, atol=1e-6)  # True
red = torch.tensor([1.0, 0.0, 0.0]).reshape(3, 1, 1)
f.adjust_hue(red, 1 / 3).flatten().round()  # tensor([0., 1., 0.])

# %%
# Gray images: ``v2.Grayscale``, ``v2.RandomGrayscale``, ``v2.RGB``
# -----------------------------------------------------------------
#
# The weights of the three channels follow the sensitivity of the eye.
# ``RandomGrayscale`` returns three equal channels, so the model still
# accepts the image. ``v2.RGB`` turns one channel into three.
red, green, blue = x = torch.rand(3, 8, 8)
gray = v2.Grayscale()(x)  # shape (1, 8, 8)
weighted = 0.299 * red + 0.587 * green + 0.114 * blue
torch.allclose(gray[0], weighted, atol=1e-3)  # True
three = v2.RandomGrayscale(p=1.0)(x)  # shape (3, 8, 8)
torch.equal(three, gray.expand(3, 8, 8))  # True
torch.equal(v2.RGB()(gray), three)  # True
old = transforms.RandomGrayscale(p=1.0)(x)
torch.allclose(old, three)  # True

# %%
# Blur and noise: ``v2.GaussianBlur``, ``v2.GaussianNoise``
# ---------------------------------------------------------
#
# The blur draws ``sigma`` from a range, while the width of the kernel is
# fixed. Make the kernel at least 4 ``sigma`` wide. The noise has the
# standard deviation ``sigma``. On float images the result is clipped to 0
# and 1 by default.
impulse = torch.zeros(1, 9, 9)
impulse[0, 4, 4] = 1
offset = torch.arange(-2, 3.0)
bell = torch.exp(-(offset**2) / 2)
kernel = bell[:, None] * bell / bell.sum() ** 2
blurred = v2.GaussianBlur(kernel_size=5, sigma=1.0)(impulse)
torch.allclose(blurred[0, 2:7, 2:7], kernel, atol=1e-3)  # True
x = torch.full((3, 200, 200), 0.5)
noise = v2.GaussianNoise(sigma=0.05)(x) - x
noise.std().round(decimals=2)  # tensor(0.0500)

# %%
# Fewer levels and negatives: ``v2.RandomPosterize``, ``v2.RandomInvert``
# -----------------------------------------------------------------------
#
# Inverting subtracts each value from 255. Solarizing inverts the values at
# or above a threshold, and posterizing keeps the leading ``bits`` of each
# byte. All three are applied with probability ``p``. For float images the
# largest value is 1.
x = torch.tensor([[[0, 100, 127, 128, 255]]], dtype=torch.uint8)
x = x.expand(3, 1, 5)
v2.RandomInvert(p=1.0)(x)[0, 0].tolist()  # [255, 155, 128, 127, 0]
solarized = v2.RandomSolarize(threshold=128, p=1.0)(x)
solarized[0, 0].tolist()  # [0, 100, 127, 127, 0]
posterized = v2.RandomPosterize(bits=2, p=1.0)(x)
posterized[0, 0].tolist()  # [0, 64, 64, 128, 192]

# %%
# Spread out the values: ``v2.RandomAutocontrast``, ``v2.RandomEqualize``
# -----------------------------------------------------------------------
#
# Autocontrast stretches each channel linearly from its smallest to its
# largest value, so a single outlier weakens it. Equalizing makes the
# histogram flat and moves values apart that were close together.
x = torch.tensor([0.2, 0.3, 0.6]).expand(3, 1, 3)
stretched = v2.RandomAutocontrast(p=1.0)(x)
stretched[0]  # tensor([[0.0000, 0.2500, 1.0000]])
image = torch.tensor([100, 101, 102, 150], dtype=torch.uint8)
image = image.repeat_interleave(85).expand(3, 1, -1)
equalized = v2.RandomEqualize(p=1.0)(image)
equalized[0, 0].unique().tolist()  # [0, 85, 170, 255]

# %%
# Sharpness and several at once: ``v2.RandomPhotometricDistort``
# --------------------------------------------------------------
#
# ``RandomAdjustSharpness`` blurs with a factor below 1 and sharpens above
# 1. ``RandomPhotometricDistort`` comes from the SSD detector. It changes
# brightness, contrast, saturation, hue and the order of the channels, each
# with probability ``p``. ``RandomChannelPermutation`` just changes the
# order of the channels.
image = torch.randint(0, 256, (3, 16, 16), dtype=torch.uint8)
same = v2.functional.adjust_sharpness(image, 1.0)
torch.equal(same, image)  # True
soft = v2.RandomAdjustSharpness(0.0, p=1.0)(image).float()
sharp = v2.RandomAdjustSharpness(2.0, p=1.0)(image).float()
soft.std() < image.float().std() < sharp.std()  # tensor(True)
torch.equal(v2.RandomPhotometricDistort(p=0.0)(image), image)  # True
swapped = v2.RandomChannelPermutation()(image)
swapped.sum() == image.sum()  # tensor(True)

# %%
# Normalize with mean and ``std``, and undo it: ``v2.Normalize``
# --------------------------------------------------------------
#
# ``v2.Normalize`` subtracts a mean and divides by a standard deviation for
# each channel. A pretrained model needs the values of its training, here
# those of ImageNet. Undo the normalization before you show an image,
# because ``imshow`` clips values outside 0 to 1.
mean, std = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
x = torch.rand(3, 8, 8)
z = v2.Normalize(mean, std)(x)
m, s = torch.tensor(mean), torch.tensor(std)
by_hand = (x - m[:, None, None]) / s[:, None, None]
torch.allclose(z, by_hand, atol=1e-6)  # True
torch.allclose(transforms.Normalize(mean, std)(x), z)  # True
undo = v2.Normalize((-m / s).tolist(), (1 / s).tolist())
torch.allclose(undo(z), x, atol=1e-6)  # True

# %%
# All values near -1: ``v2.Normalize`` with 127.5 after a division by 255
# -----------------------------------------------------------------------
#
# ``ToTensor`` and ``v2.ToDtype`` with ``scale=True`` divide bytes by 255,
# so the mean and the standard deviation must be those of values from 0 to
# 1. A mean of 0.5 and a standard deviation of 0.5 give the range from -1 to
# 1. The numbers 127.5 belong to bytes that were not divided.
byte = torch.tensor([0, 51, 255], dtype=torch.uint8).reshape(1, 1, 3)
x = v2.ToDtype(torch.float32, scale=True)(byte)
x.flatten()  # tensor([0.0000, 0.2000, 1.0000])
v2.Normalize([127.5], [127.5])(x).max()  # tensor(-0.9922)
right = v2.Normalize([0.5], [0.5])(x)
right.flatten()  # tensor([-1.0000, -0.6000, 1.0000])
unscaled = v2.ToDtype(torch.float32)(byte)
y = v2.Normalize([127.5], [127.5])(unscaled)
y.flatten()  # tensor([-1.0000, -0.6000, 1.0000])

# %%
# See colour transforms: ``v2.ColorJitter`` to ``v2.GaussianNoise``
# -----------------------------------------------------------------
#
# The figure shows one draw of each transform. Where a transform has a
# probability, it is set to 1.
photo = Image.fromarray(load_sample_image("flower.jpg"))
photo.thumbnail((240, 160))
x = v2.functional.to_dtype(v2.functional.to_image(photo), scale=True)
torch.manual_seed(0)
steps = [v2.Identity(), v2.ColorJitter(0.5, 0.5, 0.5, 0.3), v2.Grayscale(3),
         v2.RandomPhotometricDistort(p=1.0), v2.RandomInvert(1.0),
         v2.RandomSolarize(0.5, p=1.0), v2.RandomEqualize(1.0),
         v2.RandomAutocontrast(1.0), v2.RandomAdjustSharpness(8.0, p=1.0),
         v2.GaussianBlur(13, sigma=3.0), v2.GaussianNoise(sigma=0.2),
         v2.RandomPosterize(2, p=1.0)]
figure, axes = plt.subplots(3, 4, figsize=(9, 5.1))
for ax, step in zip(axes.flat, steps, strict=True):
    ax.imshow(step(x).permute(1, 2, 0).cpu().numpy())
    ax.set_title(type(step).__name__, fontsize=9)
    ax.axis("off")
figure.tight_layout()
all(step(x).shape == x.shape for step in steps)  # True

# %%
# Error: input tensor should be a float tensor (``v2.Normalize``)
# ---------------------------------------------------------------
#
# Normalized values do not fit into ``uint8``. Convert the image to float
# with ``scale=True`` first. Without ``scale=True`` the values go up to 255,
# and the result is far too large.
image = torch.full((3, 2, 2), 255, dtype=torch.uint8)
normalize = v2.Normalize([0.5, 0.5, 0.5], [0.5, 0.5, 0.5])
with suppress(TypeError):
    normalize(
        image
    )  # TypeError: Input tensor should be a float tensor. Got torch.uint8
old = transforms.Normalize([0.5] * 3, [0.5] * 3)
with suppress(TypeError):
    old(image)  # TypeError: Input tensor should be a float tensor
x = v2.functional.to_dtype(image, torch.float32, scale=True)
normalize(x)[0, 0, 0]  # tensor(1.)
unscaled = v2.functional.to_dtype(image, torch.float32)
normalize(unscaled)[0, 0, 0]  # tensor(509.)

# %%
# Error: doesn't match the broadcast shape (``transforms.Normalize``)
# -------------------------------------------------------------------
#
# The gray image has one channel, but three means are given.
# ``transforms.Normalize`` raises an error, while ``v2.Normalize`` returns
# three channels without one. Pass one mean and one standard deviation, or
# convert the image to three channels with ``v2.RGB``.
x = torch.full((1, 28, 28), 0.75)
three = [0.5, 0.5, 0.5]
with suppress(RuntimeError):
    transforms.Normalize(three, three)(
        x
    )  # RuntimeError: output with shape [1, 28, 28] doesn't match the
v2.Normalize(three, three)(x).shape  # torch.Size([3, 28, 28])
y = v2.Normalize([0.5], [0.5])(x)  # shape (1, 28, 28)
y[0, 0, 0]  # tensor(0.5000)
v2.RGB()(x).shape  # torch.Size([3, 28, 28])
