"""
Boxes, masks and key points
===========================

Transform boxes, masks and key points together with their image, for
detection and segmentation.
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
# Wrap the boxes as ``tv_tensors.BoundingBoxes``, and the v2 transforms flip
# and resize them together with the image. The boxes need a format and, as
# ``canvas_size``, the height and width of their image.
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
# A mask follows the geometric transforms with nearest-neighbour
# interpolation, and changes of colour do not affect it. After a rotation,
# the empty corners are 0, which is often the background. Set ``fill`` by
# type to give them another value, which the loss can ignore.
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
# A transform accepts nested dictionaries and tuples, and returns the same
# structure. All parts get the same random draw, and labels, names and
# numbers stay unchanged. If a sample has no ``tv_tensors.Image`` and no PIL
# image, its first plain tensor is taken for the image. Put the labels after
# it.
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
# ``XYXY`` means left, top, right, bottom, and torchvision's models use it.
# ``XYWH`` means left, top, width, height, and COCO's files use it.
# ``CXCYWH`` means the centre and the size. Rotated boxes have their own
# formats.
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
# A crop clamps the boxes to the image, so boxes outside become empty, and
# torchvision's detectors raise an error for empty boxes. Put
# ``SanitizeBoundingBoxes`` last to drop these boxes and their labels.
# ``ClampBoundingBoxes`` clamps boxes and drops none.
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
# Keep boxes whole between two steps: ``v2.SetClampingMode``
# ----------------------------------------------------------
#
# By default, each transform cuts a box at the edge of the image, and a
# later step cannot bring the lost part back. ``SetClampingMode(None)``
# switches this off for the transforms after it. Put ``ClampBoundingBoxes``
# at the end of the pipeline.
boxes = tv_tensors.BoundingBoxes(
    [[10, 10, 30, 30]], format="XYXY", canvas_size=(40, 40)
)
left = v2.functional.crop(boxes, 0, 0, 40, 20)
left  # BoundingBoxes([[10, 10, 20, 30]])
v2.functional.pad(left, [0, 0, 20, 0])  # BoundingBoxes([[10, 10, 20, 30]])
free = v2.SetClampingMode(None)(boxes)
left = v2.functional.crop(free, 0, 0, 40, 20)
left  # BoundingBoxes([[10, 10, 30, 30]])
v2.functional.pad(left, [0, 0, 20, 0])  # BoundingBoxes([[10, 10, 30, 30]])
clamp = v2.ClampBoundingBoxes(clamping_mode="hard")
clamp(left)  # BoundingBoxes([[10, 10, 20, 30]])

# %%
# Masks that go with dropped boxes: one per box, or one for the image
# -------------------------------------------------------------------
#
# If there is one mask per box, with shape (N, H, W),
# ``SanitizeBoundingBoxes`` also drops the mask of each box that it drops. A
# mask of classes, with shape (H, W), stays unchanged. Older versions of
# torchvision raised the error "The shape of the mask [2] at index 0 does
# not match the shape of the indexed tensor" for such a mask.
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
# ``RandomIoUCrop`` chooses a crop that overlaps at least one box well
# enough. It needs boxes in the sample. Use ``SanitizeBoundingBoxes`` after
# it. ``RandomZoomOut`` places the image on a larger canvas, so the objects
# become smaller.
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
# Move key points with the image: ``tv_tensors.KeyPoints``
# --------------------------------------------------------
#
# Key points are pairs of x and y, such as the joints of a body. A flip
# moves the points but does not rename them, so exchange left and right
# yourself, for example the two eyes.
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
# Key points outside the image: ``v2.SanitizeKeyPoints``
# ------------------------------------------------------
#
# A crop keeps the key points that it cuts off, and their coordinates then
# lie outside the image. ``SanitizeKeyPoints`` drops them. It drops their
# labels, too, if ``labels_getter`` says where these are. If the points come
# in groups, with shape (N, K, 2), it drops a group if one of its points
# lies outside.
points = tv_tensors.KeyPoints(
    [[5.0, 5.0], [90.0, 5.0], [20.0, 30.0]], canvas_size=(40, 100)
)
cropped = v2.functional.crop(points, 0, 0, 40, 40)
cropped  # KeyPoints([[5., 5.], [90., 5.], [20., 30.]])
v2.SanitizeKeyPoints()(cropped)  # KeyPoints([[5., 5.], [20., 30.]])
sample = {"points": cropped, "labels": torch.tensor([1, 2, 3])}
v2.SanitizeKeyPoints()(sample)["labels"]  # tensor([1, 2, 3])
clean = v2.SanitizeKeyPoints(labels_getter="default")
clean(sample)["labels"]  # tensor([1, 3])
pairs = torch.stack([cropped[:2], cropped[::2]])
pairs = tv_tensors.wrap(pairs, like=cropped)
v2.SanitizeKeyPoints()(pairs)  # KeyPoints([[[5., 5.], [20., 30.]]])

# %%
# Arithmetic drops the type: ``tv_tensors.wrap``
# ----------------------------------------------
#
# Arithmetic returns plain tensors, and a later transform takes them for an
# image, leaves them unchanged or raises an error. Wrap the result again, or
# compute within ``set_return_type`` to keep the type. To drop the types on
# purpose, use ``v2.ToPureTensor``.
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
# Draw boxes on transformed images: ``draw_bounding_boxes``
# ---------------------------------------------------------
#
# ``draw_bounding_boxes`` draws boxes in pixel coordinates and returns a new
# image. The input is an image of bytes, or of floats from 0 to 1. After a
# rotation, a box is the upright rectangle around the rotated box, so it is
# larger than the object.
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
