"""
Boxes, masks and key points
===========================

Transform the targets of detection and segmentation along with the image.
"""
from contextlib import suppress

import matplotlib.pyplot as plt
import torch
from PIL import Image
from sklearn.datasets import load_sample_image
from torchvision import tv_tensors
from torchvision.transforms import v2
from torchvision.utils import draw_bounding_boxes

# %%
# Move boxes with the image: ``tv_tensors.BoundingBoxes``
# -------------------------------------------------------
#
# Say what a tensor is, and the transforms of version 2 treat it so: boxes
# are mirrored and scaled with the image. They must know the format and, as
# ``canvas_size``, the (height, width) of the image they lie in.
image = tv_tensors.Image(torch.rand(3, 100, 200))
boxes = tv_tensors.BoundingBoxes(
    [[10.0, 20.0, 60.0, 90.0]], format="XYXY", canvas_size=(100, 200)
)
image, boxes = v2.RandomHorizontalFlip(p=1.0)(image, boxes)
boxes  # BoundingBoxes([[140., 20., 190., 90.]])
image, boxes = v2.Resize((50, 100))(image, boxes)
boxes  # BoundingBoxes([[70., 10., 95., 45.]])
boxes.canvas_size  # (50, 100)

# %%
# Move masks with the image: ``tv_tensors.Mask``
# ----------------------------------------------
#
# A mask follows the geometry, always with the nearest pixel, and ignores
# changes of colour. What a rotation lays bare is 0, the background; give
# ``fill`` by type to have it ignored in the loss.
#
# .. glance:: mask.unique()
image = tv_tensors.Image(torch.full((3, 8, 8), 0.5))
mask = tv_tensors.Mask(torch.full((8, 8), 3))
darker = v2.ColorJitter(brightness=(0.5, 0.5))
image, mask = darker(image, mask)
image.unique()  # tensor([0.2500])
mask.unique()  # tensor([3])
fill = {tv_tensors.Mask: 255, "others": 0}
turn = v2.RandomRotation((45, 45), fill=fill)
image, mask = turn(image, mask)
mask.unique()  # tensor([3, 255])
image.amin()  # tensor(0.)

# %%
# A whole sample at once: dictionaries and tuples
# -----------------------------------------------
#
# Any nesting goes in and comes out. All parts see the same random draw;
# labels, names and numbers pass untouched. A plain tensor counts as the
# image only if no ``tv_tensors.Image`` or PIL image is there, and only the
# first one: labels go after it.
sample = {
    "image": tv_tensors.Image(torch.arange(4.0).reshape(1, 2, 2)),
    "target": {"mask": tv_tensors.Mask(torch.tensor([[0, 1], [2, 3]])),
               "labels": torch.tensor([7, 8]), "name": "a.png"},
}
out = v2.RandomHorizontalFlip(p=1.0)(sample)
out["image"]  # Image([[[1., 0.], [3., 2.]]])
out["target"]["mask"]  # Mask([[1, 0], [3, 2]])
out["target"]["labels"]  # tensor([7, 8])
out["target"]["name"]  # 'a.png'
x, labels = torch.zeros(1, 2, 2), torch.tensor([7, 8])
v2.RandomHorizontalFlip(p=1.0)(x, labels)[1]  # tensor([7, 8])
v2.RandomHorizontalFlip(p=1.0)(labels, x)[0]  # tensor([8, 7])

# %%
# Corners or centre and size: ``v2.ConvertBoundingBoxFormat``
# -----------------------------------------------------------
#
# ``XYXY`` is left, top, right, bottom, as torchvision's models want;
# ``XYWH`` left, top, width, height, as COCO's files have; ``CXCYWH`` the
# centre and the size. Rotated boxes have formats of their own.
boxes = tv_tensors.BoundingBoxes(
    [[10, 20, 60, 90]], format="XYXY", canvas_size=(100, 200)
)
v2.ConvertBoundingBoxFormat("XYWH")(boxes).tolist()  # [[10, 20, 50, 70]]
v2.ConvertBoundingBoxFormat("CXCYWH")(boxes).tolist()  # [[35, 55, 50, 70]]
convert = v2.functional.convert_bounding_box_format
plain = torch.tensor([[10, 20, 60, 90]])
out = convert(plain, old_format="xyxy", new_format="xywh")
out  # tensor([[10, 20, 50, 70]])
tv_tensors.is_rotated_bounding_format("CXCYWHR")  # True

# %%
# Boxes that a crop cut off: ``v2.SanitizeBoundingBoxes``
# -------------------------------------------------------
#
# A crop clamps boxes to the image and leaves empty ones behind, on which
# torchvision's detectors stop with an error. Put ``SanitizeBoundingBoxes``
# last: it drops them with their labels. ``ClampBoundingBoxes`` only clamps.
#
# .. glance:: sample["boxes"]
boxes = tv_tensors.BoundingBoxes(
    [[10.0, 10.0, 50.0, 50.0], [80.0, 80.0, 95.0, 95.0]],
    format="XYXY", canvas_size=(100, 100),
)
cropped = v2.functional.crop(boxes, 0, 0, 40, 40)
cropped  # BoundingBoxes([[10., 10., 40., 40.], [40., 40., 40., 40.]])
sample = {"boxes": cropped, "labels": torch.tensor([1, 2])}
sample = v2.SanitizeBoundingBoxes()(sample)
sample["boxes"]  # BoundingBoxes([[10., 10., 40., 40.]])
sample["labels"]  # tensor([1])
outside = tv_tensors.wrap(boxes + 60, like=boxes)
v2.ClampBoundingBoxes()(outside)[0]  # tensor([70., 70., 100., 100.])

# %%
# Masks that go with dropped boxes: one per box, or one for the image
# -------------------------------------------------------------------
#
# ``SanitizeBoundingBoxes`` drops the mask of each box that it drops, if
# there is one mask per box, (N, H, W). A mask of classes, (H, W), stays as
# it is. Older versions of torchvision said of it "The shape of the mask [2]
# at index 0 does not match the shape of the indexed tensor".
#
# .. glance:: out["masks"].shape
boxes = tv_tensors.BoundingBoxes(
    [[0.0, 0.0, 5.0, 5.0], [3.0, 3.0, 3.0, 3.0]],
    format="XYXY", canvas_size=(8, 8),
)
sample = {"boxes": boxes, "labels": torch.tensor([1, 2])}
clean = v2.SanitizeBoundingBoxes()
each = tv_tensors.Mask(torch.zeros(2, 8, 8, dtype=torch.uint8))
out = clean({**sample, "masks": each})
out["masks"].shape  # torch.Size([1, 8, 8])
whole = tv_tensors.Mask(torch.zeros(8, 8, dtype=torch.uint8))
out = clean({**sample, "masks": whole})
out["masks"].shape  # torch.Size([8, 8])
out["labels"]  # tensor([1])

# %%
# Random crops for detection: ``v2.RandomIoUCrop``, ``v2.RandomZoomOut``
# ----------------------------------------------------------------------
#
# ``RandomIoUCrop`` cuts so that at least one box overlaps the crop well
# enough, and needs boxes; sanitize after it. ``RandomZoomOut`` lays the
# image on a larger canvas of ``fill``, which makes objects small.
image = tv_tensors.Image(torch.rand(3, 100, 100))
boxes = tv_tensors.BoundingBoxes(
    [[20.0, 20.0, 60.0, 70.0]], format="XYXY", canvas_size=(100, 100)
)
sample = {"image": image, "boxes": boxes, "labels": torch.tensor([1])}
zoom = v2.RandomZoomOut(p=1.0, side_range=(1.5, 2.0))
train = v2.Compose([zoom, v2.RandomIoUCrop(), v2.SanitizeBoundingBoxes()])
out = train(sample)
out["boxes"].canvas_size == tuple(out["image"].shape[-2:])  # True
140 < zoom(sample)["image"].shape[-1] <= 200  # True
with suppress(TypeError):
    v2.RandomIoUCrop()(image)  # TypeError: requires input sample to contain

# %%
# Points with the image: ``tv_tensors.KeyPoints``
# -----------------------------------------------
#
# Pairs of x and y: joints of a body, corners of a face. Mirroring moves the
# points and does not rename them: swap left and right eye yourself.
points = tv_tensors.KeyPoints([[30.0, 20.0], [70.0, 20.0]],
                              canvas_size=(100, 200))
image = tv_tensors.Image(torch.rand(3, 100, 200))
_, flipped = v2.RandomHorizontalFlip(p=1.0)(image, points)
bool(flipped[0, 0] > flipped[1, 0])  # True
small = v2.functional.resize(points, [50, 100])
small  # KeyPoints([[15., 10.], [35., 10.]])
moved = tv_tensors.wrap(points - 40, like=points)
v2.ClampKeyPoints()(moved).amin()  # tensor(0.)

# %%
# Arithmetic drops the type: ``tv_tensors.wrap``
# ----------------------------------------------
#
# Operations return plain tensors, which a later transform takes for an
# image or leaves alone. Wrap the result again, or keep the type within
# ``set_return_type``. ``v2.ToPureTensor`` drops the types on purpose.
boxes = tv_tensors.BoundingBoxes(
    [[10, 20, 60, 90]], format="XYXY", canvas_size=(100, 200)
)
boxes + 5  # type Tensor
tv_tensors.wrap(boxes + 5, like=boxes)  # type BoundingBoxes
boxes.clone()  # type BoundingBoxes
boxes.to(torch.float32)  # type BoundingBoxes
with tv_tensors.set_return_type("TVTensor"):
    boxes + 5  # type BoundingBoxes
v2.ToPureTensor()(boxes)  # type Tensor

# %%
# See boxes move along: ``draw_bounding_boxes``
# ---------------------------------------------
#
# Draws corners in pixels on an image of bytes, or of floats from 0 to 1,
# and returns a new one. The upright box of a rotated image is larger than
# the object: a box turns into the box around the turned one.
photo = Image.fromarray(load_sample_image("china.jpg"))
photo.thumbnail((240, 160))
image = v2.functional.to_image(photo)
boxes = tv_tensors.BoundingBoxes([[37, 13, 110, 136], [205, 45, 239, 140]],
                                 format="XYXY", canvas_size=(160, 240))
torch.manual_seed(2)
steps = [v2.Identity(), v2.RandomHorizontalFlip(p=1.0),
         v2.RandomRotation((20, 20)), v2.RandomCrop((110, 165))]
figure, axes = plt.subplots(1, 4, figsize=(9, 1.9))
for ax, step in zip(axes, steps, strict=True):
    moved, found = step(image, boxes)
    moved, found = moved.cpu(), found.cpu()
    drawn = draw_bounding_boxes(moved, found, colors="red", width=3)
    ax.imshow(drawn.permute(1, 2, 0).cpu().numpy())
    ax.set_title(type(step).__name__, fontsize=9)
    ax.axis("off")
figure.tight_layout()
_, found = steps[1](image, boxes)
found  # BoundingBoxes([[130, 13, 203, 136], [1, 45, 35, 140]])
