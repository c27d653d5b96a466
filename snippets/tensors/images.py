"""
Images
======

Convert a PIL image to a tensor and back, and show both with Matplotlib.
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
# An RGB image in PIL holds bytes from 0 to 255, with the channels last.
# Models usually take floats from 0 to 1, with the channels first.
# ``v2.ToImage`` moves the channels, and ``v2.ToDtype`` with ``scale=True``
# scales the values. Note that ``size`` of a PIL image is (width, height),
# but the tensor has height before width.
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
# PIL image to a ``uint8`` tensor: ``v2.functional.pil_to_tensor``
# ----------------------------------------------------------------
#
# ``pil_to_tensor`` keeps the bytes of the image. A uint8 tensor needs a
# quarter of the memory of a float32 tensor. Store and crop images as uint8,
# and convert them just before the model.
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
# ``to_pil_image`` takes uint8 values or floats from 0 to 1, with the
# channels first. It converts one image at a time. Here the conversion to
# float32 and back gives the original bytes.
photo = Image.fromarray(load_sample_image("china.jpg"))
x = v2.functional.to_image(photo)
floats = v2.functional.to_dtype(x, torch.float32, scale=True)
back = v2.functional.to_pil_image(floats)
back.size  # (640, 427)
back.tobytes() == photo.tobytes()  # True
with suppress(ValueError):
    v2.functional.to_pil_image(x[None])  # ValueError: 2/3 dimensional

# %%
# PIL image to tensor by hand: ``permute`` and divide
# ---------------------------------------------------
#
# Without torchvision, three steps do the same as the transforms: convert
# the image to an array and a tensor, move the channels first, and divide by
# 255. Use ``torch.tensor``, because it copies the array, and the array of a
# PIL image is read-only.
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
# ``imshow`` shows a PIL image directly. For a tensor, move the channels
# last and convert it to a NumPy array on the CPU. If the tensor requires a
# gradient, call ``detach`` first.
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
# By default, ``imshow`` colours a 2-D array from its own minimum to its own
# maximum. Choose the colours with ``cmap``, and fix the range with ``vmin``
# and ``vmax``. Then the three channels of an image can be compared side by
# side.
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
# ``v2.ToTensor`` and ``v2.functional.to_tensor`` are deprecated and give a
# warning. The old ``transforms.ToTensor`` gives none. Use ``v2.ToImage``
# followed by ``v2.ToDtype`` instead; for this 8-bit image, the result is
# the same.
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
# ``ToTensor`` converts the pixels of a 16-bit image to int16, and 65535
# becomes -1. ``v2.ToDtype`` with ``scale=True`` divides by the largest
# number of the dtype. ``ToTensor`` also does not scale an array of floats
# from 0 to 255, so divide it by 255 yourself.
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
# If you convert floats between 0 and 1 to ``uint8``, they are truncated to
# 0, and the colour map then shows one colour. Scale the map to 0 to 1
# first, multiply it by 255, and convert it last.
heat = torch.tensor([[0.0, 0.25], [0.5, 0.75]])
heat.to(torch.uint8).unique()  # tensor([0], dtype=torch.uint8)
low, high = heat.aminmax()
scaled = (heat - low) / (high - low) * 255
scaled.to(torch.uint8).tolist()  # [[0, 85], [170, 255]]

# %%
# Error: invalid shape for image data (``imshow``)
# ------------------------------------------------
#
# ``imshow`` accepts the shape (height, width), or the same with 1, 3 or 4
# channels at the end. Move the channels of a colour image last. For a gray
# image, remove the channel dimension with ``squeeze(0)``.
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
# Without ``scale=True``, ``to_dtype`` keeps the range from 0 to 255.
# ``to_pil_image`` expects floats up to 1 and multiplies them by 255, so the
# values overflow without an error. Divide by 255 first. The figure shows
# the image without this division on the left and with it on the right.
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
