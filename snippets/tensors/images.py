"""
Images
======

Go from a PIL image to a tensor and back, and show either of them.
"""
from contextlib import suppress

import matplotlib.pyplot as plt
import numpy as np
import torch
from PIL import Image
from sklearn.datasets import load_sample_image
from torchvision import transforms
from torchvision.transforms import v2

# %%
# PIL image to tensor: ``v2.ToImage``, ``v2.ToDtype``
# ---------------------------------------------------
#
# PIL holds bytes from 0 to 255, channels last; models take floats from 0 to
# 1, channels first. ``v2.ToImage`` moves the channels, ``v2.ToDtype`` with
# ``scale=True`` divides. PIL's ``size`` is (width, height), the reverse of
# the tensor's last two sizes.
#
# .. glance:: x = preprocess(photo)
photo = Image.fromarray(load_sample_image("china.jpg"))
photo.size  # (640, 427)
np.asarray(photo).shape  # (427, 640, 3)
preprocess = v2.Compose([
    v2.ToImage(),
    v2.ToDtype(torch.float32, scale=True),
])
x = preprocess(photo)  # shape (3, 427, 640), dtype float32
photo.getpixel((0, 0))  # (174, 201, 231)
x[:, 0, 0]  # tensor([0.6824, 0.7882, 0.9059])
(x[:, 0, 0] * 255).round()  # tensor([174., 201., 231.])

# %%
# Keep bytes: ``v2.functional.pil_to_tensor``
# -------------------------------------------
#
# A uint8 tensor takes a quarter of the memory of float32 and loses nothing:
# store and crop in bytes, convert just before the model.
photo = Image.fromarray(load_sample_image("china.jpg"))
x = v2.functional.pil_to_tensor(photo)  # shape (3, 427, 640), dtype uint8
x[:, 0, 0]  # tensor([174, 201, 231], dtype=torch.uint8)
x.nbytes  # 819840
floats = v2.functional.to_dtype(x, torch.float32, scale=True)
floats.nbytes  # 3279360
floats.max() <= 1  # tensor(True)

# %%
# Tensor to PIL image: ``v2.functional.to_pil_image``
# ---------------------------------------------------
#
# It takes bytes or floats from 0 to 1, channels first, one image at a time.
# There and back by float32 gives the same bytes.
photo = Image.fromarray(load_sample_image("china.jpg"))
x = v2.functional.to_image(photo)
floats = v2.functional.to_dtype(x, torch.float32, scale=True)
back = v2.functional.to_pil_image(floats)
back.size  # (640, 427)
back.tobytes() == photo.tobytes()  # True
with suppress(ValueError):
    v2.functional.to_pil_image(x[None])  # ValueError: 2/3 dimensional

# %%
# By hand: ``permute`` and divide
# -------------------------------
#
# What the transforms do, for when torchvision is not at hand.
# ``torch.tensor`` copies, which matters since PIL's array is read-only.
photo = Image.fromarray(load_sample_image("china.jpg"))
x = torch.tensor(np.asarray(photo)).permute(2, 0, 1) / 255
x  # shape (3, 427, 640), dtype float32
x[:, 0, 0]  # tensor([0.6824, 0.7882, 0.9059])
image = v2.functional.to_image(photo)
image = v2.functional.to_dtype(image, torch.float32, scale=True)
torch.allclose(x, image)  # True

# %%
# Show a PIL image and a tensor: ``imshow``
# -----------------------------------------
#
# ``imshow`` takes a PIL image as it is. A tensor needs its channels last,
# and to be an array on the CPU; one that needs gradients is detached first.
photo = Image.fromarray(load_sample_image("china.jpg"))
photo.thumbnail((240, 160))
image = v2.functional.to_image(photo)
x = v2.functional.to_dtype(image, torch.float32, scale=True)
figure, (left, right) = plt.subplots(1, 2, figsize=(6.4, 2.2))
left.imshow(photo)
right.imshow(x.permute(1, 2, 0).cpu().numpy())
left.axis("off")
right.axis("off")
x.permute(1, 2, 0).shape  # torch.Size([160, 240, 3])

# %%
# Show one channel: ``imshow`` with ``cmap="gray"``
# -------------------------------------------------
#
# A 2-D tensor is coloured by its values, from its own minimum to its own
# maximum. Fix the colours with ``cmap`` and the ends with ``vmin`` and
# ``vmax``, so that the three channels side by side can be compared.
photo = Image.fromarray(load_sample_image("flower.jpg"))
photo.thumbnail((240, 160))
image = v2.functional.to_image(photo)
figure, axes = plt.subplots(1, 3, figsize=(6.4, 1.6))
for ax, channel in zip(axes, image.cpu().numpy(), strict=True):
    ax.imshow(channel, cmap="gray", vmin=0, vmax=255)
    ax.axis("off")
ax.images[0].cmap.name, ax.images[0].get_clim()  # ('gray', (0.0, 255.0))
image.shape  # torch.Size([3, 160, 240])

# %%
# Old names: ``transforms.ToTensor``, ``to_tensor``
# -------------------------------------------------
#
# ``ToTensor`` of the version 2 transforms is deprecated and warns; that of
# the first version does not warn. Write ``v2.ToImage`` followed by
# ``v2.ToDtype``: for images of bytes the result is equal.
photo = Image.fromarray(load_sample_image("china.jpg"))
v2.ToTensor()  # UserWarning: The transform `ToTensor()` is deprecated
v2.functional.to_tensor(photo)  # UserWarning: is deprecated
old = transforms.ToTensor()(photo)  # shape (3, 427, 640), dtype float32
image = v2.functional.to_image(photo)
new = v2.functional.to_dtype(image, torch.float32, scale=True)
torch.allclose(old.to(new.device), new)  # True

# %%
# ``ToTensor`` does not scale 16-bit images to 0-1 (mode ``I;16``)
# ----------------------------------------------------------------
#
# ``ToTensor`` divides bytes by 255, leaves other types as they are, and
# makes int16 of 16-bit pixels, in which 65,535 becomes -1. ``v2.ToDtype``
# with ``scale=True`` divides by the largest number of the dtype. An array
# of floats from 0 to 255 must be divided by hand.
#
# .. glance:: scaled
deep = Image.fromarray(np.array([[0, 65535]], dtype=np.uint16))
deep.mode  # 'I;16'
old = transforms.ToTensor()(deep)
old.dtype, old.tolist()  # (torch.int16, [[[0, -1]]])
to_float = v2.ToDtype(torch.float32, scale=True)
scaled = to_float(v2.functional.to_image(deep))
scaled.tolist()  # [[[0.0, 1.0]]]
floats = np.array([[0.0, 255.0]], dtype=np.float32)
transforms.ToTensor()(floats).tolist()  # [[[0.0, 255.0]]]

# %%
# All blue: scale a heat map before ``uint8`` (``cv2.applyColorMap``)
# -------------------------------------------------------------------
#
# A map of floats from 0 to 1 becomes 0 nearly everywhere when it is
# converted to bytes, and a colour map paints it in one colour. Bring it to
# 0 to 1, multiply by 255, and convert last.
heat = torch.tensor([[0.0, 0.25], [0.5, 0.75]])
heat.to(torch.uint8).unique()  # tensor([0], dtype=torch.uint8)
low, high = heat.aminmax()
scaled = (heat - low) / (high - low) * 255
scaled.to(torch.uint8).tolist()  # [[0, 85], [170, 255]]

# %%
# Error: invalid shape for image data (``imshow``)
# ------------------------------------------------
#
# ``imshow`` knows (height, width), alone or with 1, 3 or 4 channels last.
# Move three channels last, drop a single one.
photo = Image.fromarray(load_sample_image("china.jpg"))
photo.thumbnail((240, 160))
x = v2.functional.to_image(photo).cpu().numpy()
gray = v2.functional.to_image(photo.convert("L")).cpu()
figure, ax = plt.subplots(figsize=(3.2, 2.2))
with suppress(TypeError):
    ax.imshow(x)  # TypeError: Invalid shape (3, 160, 240) for image data
with suppress(TypeError):
    ax.imshow(gray.numpy())  # TypeError: Invalid shape (1, 160, 240)
ax.imshow(gray.squeeze(0).numpy(), cmap="gray")
ax.axis("off")
gray.squeeze(0).shape  # torch.Size([160, 240])

# %%
# Floats from 0 to 255: false colours (``to_pil_image``)
# ------------------------------------------------------
#
# Without ``scale=True`` the numbers keep their range. ``to_pil_image``
# expects floats up to 1, multiplies by 255 and overflows without an error.
# Divide first: the left picture was not divided, the right one was.
photo = Image.fromarray(load_sample_image("china.jpg"))
photo.thumbnail((240, 160))
image = v2.functional.to_image(photo)
x = v2.functional.to_dtype(image, torch.float32)
x.max()  # tensor(255.)
wrong = v2.functional.to_pil_image(x)
right = v2.functional.to_pil_image(x / 255)
wrong.getpixel((120, 80)) == photo.getpixel((120, 80))  # False
right.getpixel((120, 80)) == photo.getpixel((120, 80))  # True
figure, axes = plt.subplots(1, 2, figsize=(6.4, 2.2))
axes[0].imshow(wrong)
axes[1].imshow(right)
axes[0].axis("off")
axes[1].axis("off")
