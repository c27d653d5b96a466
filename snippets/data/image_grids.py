"""
Image grids and overlays
========================

Look at a batch, at predicted masks, key points and boxes, and at optical
flow: put images side by side and draw on them.
"""
from contextlib import suppress
from io import BytesIO

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib import font_manager
from PIL import Image
from sklearn.datasets import load_digits, load_sample_image
from torchvision import utils
from torchvision.transforms.v2 import functional as TF

# %%
# Put a batch into one image: ``utils.make_grid``
# -----------------------------------------------
#
# ``nrow`` is the number of images in a row, not the number of rows. The
# grid has a border of ``padding`` pixels around each image, black by
# default, and free places are filled, too. One channel becomes three.
batch = torch.arange(1.0, 6.0).reshape(5, 1, 1, 1)
grid = utils.make_grid(batch, nrow=3, padding=1)
grid.shape  # torch.Size([3, 5, 7])
grid[0, 1]  # tensor([0., 1., 0., 2., 0., 3., 0.])
grid[0, 3]  # tensor([0., 4., 0., 5., 0., 0., 0.])
bright = utils.make_grid(batch, nrow=3, padding=1, pad_value=9.0)
bright[0, 3]  # tensor([9., 4., 9., 5., 9., 9., 9.])
plain = utils.make_grid(batch, nrow=3, padding=0)
plain[2]  # tensor([[1., 2., 3.], [4., 5., 0.]])

# %%
# Show a batch: ``utils.make_grid`` and ``imshow``
# ------------------------------------------------
#
# ``imshow`` wants the channels last, so permute the grid. Move it to the
# CPU first if the batch is on a GPU. These are the first 32 digits of
# scikit-learn, with values from 0 to 1.
images = torch.tensor(load_digits().images[:32, None] / 16)
grid = utils.make_grid(images, nrow=8, padding=1, pad_value=0.5)
figure, ax = plt.subplots(figsize=(6, 3.1))
ax.imshow(grid.permute(1, 2, 0).cpu().numpy())
ax.axis("off")
figure.tight_layout()
grid.shape  # torch.Size([3, 37, 73])
row, column = divmod(11, 8)
top, left = 1 + 9 * row, 1 + 9 * column
tile = grid[0, top : top + 8, left : left + 8]
torch.equal(tile, images[11, 0])  # True

# %%
# Stretch values to 0 and 1: ``utils.make_grid`` with ``normalize``
# -----------------------------------------------------------------
#
# Without ``normalize=True``, ``imshow`` clips values outside 0 to 1. The
# smallest value of the batch becomes 0 and the largest 1. With
# ``scale_each=True`` this happens in each image. Give ``value_range`` if
# you know the limits, such as -1 and 1, so that two grids look alike.
dark, light = torch.tensor([0.0, 1.0]), torch.tensor([0.0, 4.0])
batch = torch.stack([dark, light]).reshape(2, 1, 1, 2)
row = utils.make_grid(batch, padding=0, normalize=True)[0]
row  # tensor([[0.0000, 0.2500, 0.0000, 1.0000]])
row = utils.make_grid(batch, padding=0, normalize=True, scale_each=True)[0]
row  # tensor([[0., 1., 0., 1.]])
limits = {"normalize": True, "value_range": (-1, 1)}
row = utils.make_grid(batch - 1, padding=0, **limits)[0]
row  # tensor([[0.0000, 0.5000, 0.0000, 1.0000]])

# %%
# Save an image of floats, not of bytes: ``utils.save_image``
# -----------------------------------------------------------
#
# ``save_image`` multiplies by 255, rounds and clips, so the values must lie
# between 0 and 1. An image of bytes raises an error. Convert it with
# ``v2.functional.to_pil_image``, and save the PIL image. With an open file
# instead of a path, say the ``format``.
x = torch.tensor([0.0, 0.25, 1.0, 1.5]).reshape(1, 1, 4)
file = BytesIO()
utils.save_image(x, file, format="PNG")
stored = np.array(Image.open(file))
stored[0, :, 0].tolist()  # [0, 64, 255, 255]
byte = torch.tensor([0, 64, 255], dtype=torch.uint8).reshape(1, 1, 3)
with suppress(RuntimeError):
    utils.save_image(
        byte, file, format="PNG"
    )  # RuntimeError: result type Float can't be cast to
file = BytesIO()
TF.to_pil_image(byte).save(file, "PNG")
np.array(Image.open(file)).tolist()  # [[0, 64, 255]]

# %%
# Lay masks over a photo: ``utils.draw_segmentation_masks``
# ---------------------------------------------------------
#
# Each mask gets a colour. ``alpha`` says how much of the colour covers the
# image: 1 hides the image, and 0 shows no mask. Here the class of a pixel
# is its strongest channel.
photo = Image.fromarray(load_sample_image("flower.jpg"))
photo.thumbnail((320, 213))
image = TF.pil_to_tensor(photo)
masks = image.argmax(dim=0) == torch.arange(3, device="cpu").view(3, 1, 1)
colors = ["orange", "royalblue", "black"]
drawn = utils.draw_segmentation_masks(image, masks, 0.6, colors)
figure, axes = plt.subplots(1, 2, figsize=(8, 2.7))
for ax, picture in zip(axes, (image, drawn), strict=True):
    ax.imshow(picture.permute(1, 2, 0).numpy())
    ax.axis("off")
figure.tight_layout()
flat = torch.full((3, 2, 2), 100, dtype=torch.uint8, device="cpu")
left = torch.tensor([[True, False]] * 2, device="cpu")
out = utils.draw_segmentation_masks(flat, left, 0.5, "red")
out[:, 0].tolist()  # [[177, 100], [50, 100], [50, 100]]

# %%
# Predicted classes to masks: error "The masks must be of dtype bool"
# -------------------------------------------------------------------
#
# ``draw_segmentation_masks`` takes one boolean mask per class, not an image
# of class indices. Compare the indices with each class. Leave out the
# background, or it is painted, too. Where two masks overlap, the image is
# painted black.
image = torch.full((3, 1, 4), 0.5)
classes = torch.tensor([[0, 1, 2, 1]])
draw = utils.draw_segmentation_masks
with suppress(ValueError):
    draw(image, classes)  # ValueError: The masks must be of dtype bool
masks = classes == torch.arange(1, 3).view(2, 1, 1)
masks[:, 0].long()  # tensor([[0, 1, 0, 1], [0, 0, 1, 0]])
out = draw(image, masks, alpha=1.0, colors=["red", "blue"])
out[0]  # tensor([[0.5000, 1.0000, 0.0000, 1.0000]])
out[2]  # tensor([[0.5000, 0.0000, 1.0000, 0.0000]])
both = torch.ones(2, 1, 4, dtype=torch.bool)
draw(image, both, alpha=1.0, colors=["red", "blue"]).max()  # tensor(0.)

# %%
# Draw key points and a skeleton: ``utils.draw_keypoints``
# --------------------------------------------------------
#
# The points have shape (people, points, 2), with x before y.
# ``connectivity`` lists the pairs to connect. A point with ``visibility``
# False is left out together with its lines. The lines are white, so they
# cannot be seen on a white image.
image = torch.zeros(3, 60, 100, dtype=torch.uint8)
points = torch.tensor([[[20, 10], [20, 40], [50, 40], [80, 10]]])
pairs = [(0, 1), (1, 2), (2, 3)]
seen = torch.tensor([[True, True, True, False]])
drawn = utils.draw_keypoints(image, points, pairs, colors="orange",
                             radius=4, visibility=seen)
figure, ax = plt.subplots(figsize=(4, 2.5))
ax.imshow(drawn.permute(1, 2, 0).cpu().numpy())
ax.axis("off")
figure.tight_layout()
drawn[:, 7, 20].tolist()  # [255, 165, 0]
drawn[:, 40, 35].tolist()  # [255, 255, 255]
drawn[:, 10, 80].tolist()  # [0, 0, 0]
with suppress(ValueError):
    utils.draw_keypoints(image, points[0])  # ValueError: keypoints must be

# %%
# Boxes with names in readable letters: ``draw_bounding_boxes``
# -------------------------------------------------------------
#
# ``labels`` are written beside the boxes. The built-in letters are small,
# and ``font_size`` works if ``font`` is the path of a font file. Matplotlib
# brings such a file.
photo = Image.fromarray(load_sample_image("china.jpg"))
photo.thumbnail((320, 213))
image = TF.pil_to_tensor(photo)
boxes = torch.tensor([[35, 15, 178, 181], [273, 60, 319, 187]])
look = {"labels": ["temple", "tree"], "colors": ["red", "blue"],
        "width": 3, "label_colors": ["red", "blue"]}
drawn = utils.draw_bounding_boxes(
    image, boxes, font_size=20, **look
)  # UserWarning: Argument 'font_size' will be ignored
font = font_manager.findfont("DejaVu Sans")
drawn = utils.draw_bounding_boxes(image, boxes, font=font, font_size=20,
                                  **look)
figure, ax = plt.subplots(figsize=(4.8, 3.2))
ax.imshow(drawn.permute(1, 2, 0).numpy())
ax.axis("off")
figure.tight_layout()
drawn[:, 100, 35].tolist()  # [255, 0, 0]

# %%
# See optical flow in colours: ``utils.flow_to_image``
# ----------------------------------------------------
#
# A flow says how far each pixel moves in x and y from one frame to the
# next. The colour shows the direction, and a pale colour means a short
# move. The longest move of the input sets the scale, so colours of two
# images compare if you convert them as one batch. The flow must be float32.
side = torch.linspace(-1, 1, 101)
y, x = torch.meshgrid(side, side, indexing="ij")
outwards, turning = torch.stack([x, y]), torch.stack([-y, x])
figure, axes = plt.subplots(1, 2, figsize=(5, 2.6))
for ax, flow in zip(axes, (outwards, turning), strict=True):
    ax.imshow(utils.flow_to_image(flow).permute(1, 2, 0).cpu().numpy())
    u, v = flow[:, 10::20, 10::20].cpu()
    ax.quiver(range(10, 101, 20), range(10, 101, 20), u, -v)
    ax.axis("off")
right = torch.zeros(2, 1, 2)
right[0, 0, 0] = 7.0
colours = utils.flow_to_image(right)
colours[:, 0].tolist()  # [[255, 255], [0, 255], [0, 255]]
torch.equal(utils.flow_to_image(right * 2), colours)  # True
with suppress(ValueError):
    utils.flow_to_image(right.double())  # ValueError: Flow should be of

# %%
# Error: pass individual images, not batches (``draw_bounding_boxes``)
# --------------------------------------------------------------------
#
# The functions that draw take one image of shape (3, H, W). Loop over the
# batch and stack the results. Expand a gray image to three channels first.
batch = torch.zeros(2, 3, 8, 8)
boxes = torch.tensor([[1, 1, 6, 6]])
draw = utils.draw_bounding_boxes
with suppress(ValueError):
    draw(batch, boxes)  # ValueError: Pass individual images, not batches
drawn = torch.stack([draw(image, boxes, colors="red") for image in batch])
drawn[1, 0, 1]  # tensor([0., 1., 1., 1., 1., 1., 1., 0.])
gray = torch.zeros(1, 8, 8)
mask = torch.ones(8, 8, dtype=torch.bool)
overlay = utils.draw_segmentation_masks
with suppress(ValueError):
    overlay(gray, mask)  # ValueError: Pass an RGB image
out = overlay(gray.expand(3, 8, 8), mask, alpha=0.5, colors="blue")
out[:, 0, 0]  # tensor([0.0000, 0.0000, 0.5000])
