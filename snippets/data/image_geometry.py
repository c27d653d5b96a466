"""
Flips, rotations and other geometry
===================================

Flip, rotate, shift, shear and bend images, with fixed or random values.
"""
from contextlib import suppress

import matplotlib.pyplot as plt
import torch
from PIL import Image
from sklearn.datasets import load_sample_image
from torchvision import transforms
from torchvision.transforms import v2

# %%
# Mirror an image: ``v2.RandomHorizontalFlip``, ``v2.functional.hflip``
# ---------------------------------------------------------------------
#
# The transform flips the image with probability ``p``, by default 0.5. The
# function flips it at each call. Do not flip images in which left and right
# have a meaning, such as letters, digits or road signs.
x = torch.tensor([[[1, 2, 3], [4, 5, 6]]])
v2.functional.hflip(x)  # tensor([[[3, 2, 1], [6, 5, 4]]])
v2.RandomHorizontalFlip(p=1.0)(x)  # tensor([[[3, 2, 1], [6, 5, 4]]])
old = transforms.RandomHorizontalFlip(p=1.0)
old(x)  # tensor([[[3, 2, 1], [6, 5, 4]]])
flip = v2.RandomHorizontalFlip()
flipped = sum(not torch.equal(flip(x), x) for _ in range(1000))
400 < flipped < 600  # True

# %%
# Turn upside down: ``v2.RandomVerticalFlip``, ``v2.functional.vflip``
# --------------------------------------------------------------------
#
# A vertical flip suits images from above or from a microscope, but not
# photographs with a sky. Both flips together are a rotation by 180 degrees.
x = torch.tensor([[[1, 2, 3], [4, 5, 6]]])
v2.functional.vflip(x)  # tensor([[[4, 5, 6], [1, 2, 3]]])
v2.RandomVerticalFlip(p=1.0)(x)  # tensor([[[4, 5, 6], [1, 2, 3]]])
transforms.RandomVerticalFlip(p=1.0)(x)  # tensor([[[4, 5, 6], [1, 2, 3]]])
both = v2.functional.hflip(v2.functional.vflip(x))
torch.equal(both, torch.rot90(x, 2, dims=(-2, -1)))  # True

# %%
# Rotate by an angle: ``v2.functional.rotate``
# --------------------------------------------
#
# The angle is in degrees and counterclockwise, around the centre. The image
# keeps its size, so corners are cut off and empty corners are black.
# ``expand=True`` enlarges the image instead. Quarter turns are exact for
# square images or with ``expand=True``, and ``torch.rot90`` turns any
# tensor exactly.
x = torch.tensor([[[1.0, 2.0], [3.0, 4.0]]])
v2.functional.rotate(x, 90)  # tensor([[[2., 4.], [1., 3.]]])
torch.rot90(x, 1, dims=(-2, -1))  # tensor([[[2., 4.], [1., 3.]]])
x = torch.rand(1, 4, 5)
turned = v2.functional.rotate(x, 90, expand=True)
torch.equal(turned, torch.rot90(x, 1, dims=(-2, -1)))  # True
photo = Image.fromarray(load_sample_image("china.jpg"))
photo.size  # (640, 427)
v2.functional.rotate(photo, 90).size  # (640, 427)
v2.functional.rotate(photo, 90, expand=True).size  # (427, 640)

# %%
# Rotate by a random angle: ``v2.RandomRotation``
# -----------------------------------------------
#
# One number is the largest angle in both directions, and two numbers are
# the ends of the range. To choose among quarter turns, combine fixed
# rotations with ``v2.RandomChoice``.
v2.RandomRotation(30).degrees  # [-30.0, 30.0]
rotation = v2.RandomRotation(30)
angles = [rotation.make_params([])["angle"] for _ in range(500)]
-30 <= min(angles) < -25 and 25 < max(angles) <= 30  # True
x = torch.tensor([[[1.0, 2.0], [3.0, 4.0]]])
v2.RandomRotation((90, 90))(x)  # tensor([[[2., 4.], [1., 3.]]])
transforms.RandomRotation((90, 90))(x)  # tensor([[[2., 4.], [1., 3.]]])
turns = [v2.RandomRotation((a, a)) for a in (0, 90, 180, 270)]
seen = {v2.RandomChoice(turns)(x)[0, 0, 0].item() for _ in range(200)}
seen == {1.0, 2.0, 3.0, 4.0}  # True

# %%
# Shift, scale, shear: ``v2.functional.affine``
# ---------------------------------------------
#
# ``translate`` is in pixels, to the right and down. A positive angle turns
# the image clockwise here, while in ``rotate`` it turns counterclockwise.
x = torch.tensor([[[1.0, 2.0, 0.0], [3.0, 4.0, 0.0], [0.0, 0.0, 0.0]]])
stay = {"angle": 0, "translate": [0, 0], "scale": 1.0, "shear": [0.0, 0.0]}
affine = v2.functional.affine
torch.equal(affine(x, **stay), x)  # True
affine(x, **stay | {"translate": [1, 0]})[0, 0]  # tensor([0., 1., 2.])
affine(x, **stay | {"translate": [0, 1]})[0, 1]  # tensor([1., 2., 0.])
quarter = affine(x, **stay | {"angle": 90})
torch.equal(quarter, v2.functional.rotate(x, -90))  # True

# %%
# Shift, scale and shear at random: ``v2.RandomAffine``
# -----------------------------------------------------
#
# ``degrees`` is required; pass 0 for no rotation. ``translate`` is a share
# of width and height here, ``scale`` is a range of factors, and ``shear``
# is in degrees. The image is resampled once, which blurs less than several
# transforms in a row.
#
# .. glance:: 17 <= max(right) <= 20 and 26 <= max(down) <= 30
x = torch.rand(3, 100, 200)
move = v2.RandomAffine(degrees=0, translate=(0.1, 0.3), scale=(0.9, 1.1))
move(x).shape  # torch.Size([3, 100, 200])
draws = [move.make_params([x]) for _ in range(500)]
right = [abs(draw["translate"][0]) for draw in draws]
down = [abs(draw["translate"][1]) for draw in draws]
17 <= max(right) <= 20 and 26 <= max(down) <= 30  # True
scales = [draw["scale"] for draw in draws]
0.9 <= min(scales) < 0.92 and 1.08 < max(scales) <= 1.1  # True

# %%
# Change the perspective at random: ``v2.RandomPerspective``
# ----------------------------------------------------------
#
# The transform moves the four corners inwards, by at most
# ``distortion_scale`` times half the side. Straight lines stay straight.
# ``v2.functional.perspective`` takes the corners before and after.
#
# .. glance:: 0.6 < min(shares) < max(shares) < 1
x = torch.rand(3, 80, 80)
corners = [[0, 0], [79, 0], [79, 79], [0, 79]]
same = v2.functional.perspective(x, corners, corners)
torch.allclose(same, x, atol=1e-3)  # True
view = v2.RandomPerspective(distortion_scale=0.2, p=1.0)
view(x).shape  # torch.Size([3, 80, 80])
shares = [view(torch.ones(1, 80, 80)).mean().item() for _ in range(20)]
0.6 < min(shares) < max(shares) < 1  # True

# %%
# Bend an image: ``v2.ElasticTransform``
# --------------------------------------
#
# The transform shifts each pixel by smoothed noise. ``alpha`` sets how
# strong the shift is, and ``sigma`` sets how smooth it is. The transform
# suits handwriting and images of tissue. ``v2.functional.elastic`` takes
# the shifts, in units of half the side.
#
# .. glance:: torch.allclose(bent, x, atol=1e-4)
x = torch.rand(1, 28, 28)
still = v2.ElasticTransform(alpha=0.0)(x)
torch.allclose(still, x, atol=1e-4)  # True
bent = v2.ElasticTransform(alpha=50.0)(x)
torch.allclose(bent, x, atol=1e-4)  # False
rough = v2.ElasticTransform(sigma=1.0).make_params([x])["displacement"]
smooth = v2.ElasticTransform(sigma=6.0).make_params([x])["displacement"]
rough, smooth = rough.diff(dim=1).abs(), smooth.diff(dim=1).abs()
rough.mean() > 10 * smooth.mean()  # tensor(True)
shift = torch.zeros(1, 28, 28, 2)
shift[..., 0] = 2 / 28
moved = v2.functional.elastic(x, shift)
torch.allclose(moved[..., :-1], x[..., 1:], atol=1e-4)  # True

# %%
# Black corners and jagged edges: ``fill``, ``interpolation``
# -----------------------------------------------------------
#
# By default a rotation fills the empty corners with 0, which is black, and
# takes the nearest pixel, which makes edges jagged. Use bilinear
# interpolation for photographs, and nearest for masks. With ``fill`` you
# choose another colour for the corners.
x = torch.full((1, 9, 9), 8.0)
nearest = v2.functional.rotate(x, 45)
nearest.unique()  # tensor([0., 8.])
bilinear = v2.InterpolationMode.BILINEAR
smooth = v2.functional.rotate(x, 45, interpolation=bilinear)
len(smooth.unique()) > 2  # True
filled = v2.functional.rotate(x, 45, fill=8.0)
torch.equal(filled, x)  # True
turn = v2.RandomRotation((45, 45), interpolation=bilinear, fill=2.0)
turned = turn(x)
turned[0, 0, 0], len(turned.unique()) > 2  # (tensor(2.), True)

# %%
# See geometric transforms: ``v2.RandomRotation`` to ``v2.ElasticTransform``
# --------------------------------------------------------------------------
#
# The figure shows one draw of each transform, with strong settings. The
# image with ``expand=True`` grows, and the others keep their size.
photo = Image.fromarray(load_sample_image("china.jpg"))
photo.thumbnail((240, 160))
torch.manual_seed(1)
steps = [v2.Identity(), v2.RandomHorizontalFlip(1.0),
         v2.RandomVerticalFlip(1.0), v2.RandomRotation((20, 20)),
         v2.RandomRotation((20, 20), expand=True),
         v2.RandomAffine(0, translate=(0.2, 0.2), shear=20),
         v2.RandomPerspective(p=1.0), v2.ElasticTransform(alpha=90.0)]
figure, axes = plt.subplots(2, 4, figsize=(9, 3.4))
for ax, step in zip(axes.flat, steps, strict=True):
    ax.imshow(step(photo))
    ax.set_title(type(step).__name__, fontsize=9)
    ax.axis("off")
axes[1, 0].set_title("expand=True", fontsize=9)
figure.tight_layout()
steps[3](photo).size  # (240, 160)
steps[4](photo).size > (240, 160)  # True

# %%
# Error: must be positive (``v2.RandomRotation``)
# -----------------------------------------------
#
# A single number stands for a range around 0, so it must not be negative.
# To rotate in one direction, pass both ends of the range. In
# ``v2.RandomAffine``, ``translate`` is a share between 0 and 1.
with suppress(ValueError):
    v2.RandomRotation(-30)  # ValueError: degrees is a single number
v2.RandomRotation((-30, 0)).degrees  # [-30.0, 0.0]
with suppress(ValueError):
    v2.RandomAffine(0, translate=(10, 10))  # ValueError: between 0 and 1
v2.RandomAffine(0, translate=(0.1, 0.1)).translate  # (0.1, 0.1)
