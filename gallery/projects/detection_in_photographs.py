"""
Faster R-CNN on photographs: the pretrained pipeline, and your own class
========================================================================

A pretrained Faster R-CNN takes a list of photographs and returns boxes,
labels and scores. This page is checked without internet access, so this
detector has random weights here and its boxes mean nothing. A small Faster
R-CNN is then trained on the coins in the upper half of a photograph. It
finds more than 90 % of the coins in the lower half.
"""
from contextlib import suppress

import matplotlib.pyplot as plt
import torch
from matplotlib.font_manager import findfont
from skimage import data
from sklearn.datasets import load_sample_image
from torch import nn
from torchvision import tv_tensors
from torchvision.models import detection, get_model_weights, list_models
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.faster_rcnn import (
    FasterRCNN,
    FastRCNNPredictor,
    TwoMLPHead,
)
from torchvision.ops import MultiScaleRoIAlign, batched_nms, box_iou
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional as TF
from torchvision.utils import draw_bounding_boxes
from tqdm import tqdm

# %%
# Choose a detector: mAP, parameters and operations
# -------------------------------------------------
#
# The weights enum describes a detector before its weights are downloaded.
# For each detector the table has the mean average precision (mAP) on COCO,
# a dataset of photographs, in percent. It also has the millions of
# parameters and the billions of operations for an image. This page takes a
# detector with few operations. Its label 17 is a cat, and it has no label
# for a coin.
for name in list_models(module=detection):
    meta = get_model_weights(name).DEFAULT.meta
    box_map = meta["_metrics"]["COCO-val2017"]["box_map"]
    millions, billions = meta["num_params"] / 1e6, meta["_ops"]
    print(f"{name:38} {box_map:5.1f} {millions:6.1f} {billions:7.1f}")

weights = detection.FasterRCNN_MobileNet_V3_Large_320_FPN_Weights.DEFAULT
weights.meta["_metrics"]  # {'COCO-val2017': {'box_map': 22.8}}
categories = weights.meta["categories"]
categories[17]  # 'cat'
"coin" in categories  # False

# %%
# Photographs of different sizes: a list, not a batch
# ---------------------------------------------------
#
# ``weights.transforms()`` turns ``uint8`` pixels into floats from 0 to 1
# and keeps the size. Photographs of different sizes cannot be stacked, so
# the detector takes a list.
torch.manual_seed(0)
device = torch.get_default_device()


def photograph(pixels):
    return torch.tensor(pixels, device=device).permute(2, 0, 1)


cat = photograph(data.chelsea())
temple = photograph(load_sample_image("china.jpg"))
preprocess = weights.transforms()
images = [preprocess(cat), preprocess(temple)]
images[0].shape  # torch.Size([3, 300, 451])
images[1].shape  # torch.Size([3, 427, 640])
torch.equal(images[0], cat.float() / 255)  # True
with suppress(RuntimeError):
    torch.stack(
        images
    )  # RuntimeError: stack expects each tensor to be equal size

# %%
# Build the detector, and call ``eval``
# -------------------------------------
#
# With internet access, write ``weights=weights`` in place of the first two
# arguments. A new detector is in ``train`` mode. Random weights give each
# of the 91 categories about the same score, so the threshold is 0 here.
model = detection.fasterrcnn_mobilenet_v3_large_320_fpn(
    weights=None, weights_backbone=None, box_score_thresh=0.0
).to(device)
model.training  # True
model.eval()
with torch.inference_mode():
    outputs = model(images)
len(outputs)  # 2
output = outputs[0]
(output["scores"] - 1 / 91).abs().max() < 0.002  # tensor(True)

# %%
# Read the output: boxes, labels and scores of each photograph
# ------------------------------------------------------------
#
# The result holds at most 100 boxes for a photograph, the highest score
# first. Labels are indices into ``categories``, without 0, the background.
# The detector resizes the images to a shorter side of 320 pixels and pads
# them into a batch, but boxes are in pixels of the photograph.
model.roi_heads.detections_per_img  # 100
output["boxes"].shape  # torch.Size([100, 4])
(output["scores"].diff() <= 0).all()  # tensor(True)
output["labels"].min() > 0  # tensor(True)
resized, _ = model.transform(images)
resized.tensors.shape  # torch.Size([2, 3, 320, 512])
resized.image_sizes  # [(320, 481), (320, 479)]
x1, y1, x2, y2 = outputs[1]["boxes"].unbind(1)
(0 <= x1).all() and (x1 < x2).all() and (x2 <= 640).all()  # tensor(True)
(0 <= y1).all() and (y1 < y2).all() and (y2 <= 427).all()  # tensor(True)
x2.max() > 512  # tensor(True)

# %%
# Set the score threshold: a wrong name is ignored
# ------------------------------------------------
#
# Faster R-CNN takes ``box_score_thresh``, and SSD takes ``score_thresh``.
# Each of them ignores the other name without an error. After the detector
# is built, change its attribute instead.
fast = detection.fasterrcnn_mobilenet_v3_large_320_fpn
ssd = detection.ssdlite320_mobilenet_v3_large
untrained = {"weights": None, "weights_backbone": None}
fast(**untrained, box_score_thresh=0.5).roi_heads.score_thresh  # 0.5
fast(**untrained, score_thresh=0.5).roi_heads.score_thresh  # 0.05
ssd(**untrained, score_thresh=0.5).score_thresh  # 0.5
ssd(**untrained, box_score_thresh=0.5).score_thresh  # 0.001

model.roi_heads.score_thresh = 0.05
with torch.inference_mode():
    [len(output["scores"]) for output in model(images)]  # [0, 0]

# %%
# Fewer overlaps afterwards: ``batched_nms``
# ------------------------------------------
#
# Two boxes of the same label overlap by an intersection over union (IoU) of
# at most ``box_nms_thresh``, 0.5 by default. ``batched_nms`` with a limit
# of 0.5 therefore keeps all boxes, and with 0.2 it keeps fewer.
# :doc:`object_detection` shows how it chooses.
model.roi_heads.nms_thresh  # 0.5
found = output["boxes"], output["scores"], output["labels"]
len(batched_nms(*found, iou_threshold=0.5))  # 100
len(batched_nms(*found, iou_threshold=0.2)) < 100  # True

# %%
# Inputs that fail, and wrong inputs that pass
# --------------------------------------------
#
# Pixels of ``uint8`` raise an error, and so does a photograph outside of a
# list. Floats from 0 to 255 raise no error, but they give wrong results,
# because the detector subtracts a mean and divides by a standard deviation
# that are meant for 0 to 1. A grey photograph passes, too, and gets three
# channels. :doc:`/reference/nn/torchvision_models` has more errors of
# detectors.
with suppress(TypeError):
    model([cat])  # TypeError: Expected input images to be of floating type
with suppress(ValueError):
    model(
        images[0]
    )  # ValueError: images is expected to be a list of 3d tensors of shape
right, _ = model.transform([images[0]])
wrong, _ = model.transform([cat.float()])
right.tensors.max() < 3  # tensor(True)
wrong.tensors.max() > 900  # tensor(True)
grey, _ = model.transform([TF.rgb_to_grayscale(images[0])])
grey.tensors.shape  # torch.Size([1, 3, 320, 512])

# %%
# Draw boxes with names and scores: ``draw_bounding_boxes``
# ---------------------------------------------------------
#
# ``draw_bounding_boxes`` returns a painted copy of the pixels. To set the
# size of the text, pass a font file; Matplotlib brings one. If there is no
# box, the function warns and returns the pixels unchanged.
def paint(pixels, output, names, threshold):
    sure = output["scores"] > threshold
    found = zip(output["labels"][sure], output["scores"][sure], strict=True)
    return draw_bounding_boxes(
        pixels, output["boxes"][sure],
        labels=[f"{names[label]} {score:.2f}" for label, score in found],
        colors="yellow", width=3, label_colors="yellow",
        fill_labels=True, label_background_colors="black",
        font=findfont("DejaVu Sans"), font_size=18,
    )


painted = paint(cat, output, categories, threshold=0.0)
painted.shape, painted.dtype  # (torch.Size([3, 300, 451]), torch.uint8)
(painted != cat).any()  # tensor(True)
unpainted = paint(
    cat, output, categories, threshold=0.9
)  # UserWarning: boxes doesn't contain any box
torch.equal(unpainted, cat)  # True

# %%
# Your own class: a new ``FastRCNNPredictor``
# -------------------------------------------
#
# Trained weights fit 91 categories. To find something else, load the
# detector with these weights and then replace its predictor. The background
# counts as a class, so one new class makes 2.
with suppress(ValueError):
    fast(
        weights=weights, num_classes=2
    )  # ValueError: The parameter 'num_classes' expected value 91 but got 2
features = model.roi_heads.box_predictor.cls_score.in_features
model.roi_heads.box_predictor = FastRCNNPredictor(features, 2).to(device)
with torch.inference_mode():
    model(images)[0]["labels"].unique()  # tensor([1])

# %%
# Targets: boxes of shape ``(N, 4)``, or ``(0, 4)`` for none
# ----------------------------------------------------------
#
# In ``train`` mode the detector returns four losses. A single box needs two
# dimensions, x2 must be larger than x1, and labels are ``int64``. A
# photograph without an object has boxes of shape ``(0, 4)``. Then the two
# losses for the coordinates of boxes are 0.
model.train()
one = torch.ones(1, dtype=torch.long)
box = torch.tensor([50.0, 40.0, 90.0, 80.0])
flat = {"boxes": box, "labels": one}
with suppress(AssertionError):
    model(
        images[:1], [flat]
    )  # AssertionError: Expected target boxes to be a tensor of shape
turned = {"boxes": box.flip(0)[None], "labels": one}
with suppress(AssertionError):
    model(
        images[:1], [turned]
    )  # AssertionError: All bounding boxes should have positive height
floats = {"boxes": box[None], "labels": one.float()}
with suppress(TypeError):
    model(
        images[:1], [floats]
    )  # TypeError: target labels must of int64 type
empty = {"boxes": torch.zeros(0, 4), "labels": one[:0]}
losses = model(images[:1], [empty])
regression = {"loss_box_reg", "loss_rpn_box_reg"}
[losses[name].item() for name in regression]  # [0.0, 0.0]
sorted(losses.keys() - regression)  # ['loss_classifier', 'loss_objectness']

# %%
# A photograph with coins: learn the upper half, test on the lower
# ----------------------------------------------------------------
#
# The boxes come from a segmentation and were checked by eye. The two halves
# share no coin, but they share camera, light and table. So this test says
# little about other photographs of coins.
coins = torch.tensor(data.coins(), device=device)[None]
upper, lower = coins[:, :150], coins[:, 152:302]
upper_boxes = torch.tensor([
    [22, 35, 67, 74], [81, 39, 120, 74], [132, 28, 179, 74],
    [192, 30, 240, 73], [255, 34, 297, 72], [305, 16, 365, 72],
    [25, 104, 67, 145], [84, 108, 122, 145], [134, 110, 173, 145],
    [186, 105, 226, 144], [245, 95, 296, 144], [317, 106, 356, 145],
])
lower_boxes = torch.tensor([
    [26, 27, 63, 65], [80, 23, 124, 65], [135, 27, 174, 65],
    [189, 18, 237, 65], [251, 20, 297, 65], [315, 4, 380, 66],
    [18, 81, 75, 136], [93, 93, 136, 135], [144, 84, 201, 136],
    [220, 88, 269, 136], [276, 87, 326, 137], [336, 96, 382, 137],
])


def example(pixels, boxes):
    size = tuple(pixels.shape[-2:])
    boxes = tv_tensors.BoundingBoxes(
        boxes.float(), format="XYXY", canvas_size=size
    )
    labels = torch.ones(len(boxes), dtype=torch.long)
    return tv_tensors.Image(pixels), {"boxes": boxes, "labels": labels}


# %%
# Augment images with their boxes
# -------------------------------
#
# Transforms of ``v2`` move the boxes of ``tv_tensors`` with the image; see
# :doc:`/reference/data/boxes_and_masks`. ``SanitizeBoundingBoxes`` removes
# a box if the crop has left only a narrow strip of it. Photographs without
# a coin are made grey and have no box.
with_coins = example(upper, upper_boxes)
without = [
    example(TF.rgb_to_grayscale(pixels), torch.zeros(0, 4))
    for pixels in (
        cat, temple, photograph(data.rocket()),
        photograph(data.hubble_deep_field()),
    )
]
augment = v2.Compose([
    v2.RandomResizedCrop(64, scale=(0.2, 0.5), ratio=(0.8, 1.25)),
    v2.RandomHorizontalFlip(),
    v2.RandomVerticalFlip(),
    v2.ColorJitter(brightness=0.3, contrast=0.3),
    v2.ToDtype(torch.float32, scale=True),
    v2.SanitizeBoundingBoxes(min_size=6),
])
image, target = augment(*with_coins)
image.shape  # torch.Size([1, 64, 64])
1 <= len(target["boxes"]) <= 12  # True
image, target = augment(*without[0])
target["boxes"].shape  # torch.Size([0, 4])

# %%
# A small Faster R-CNN
# --------------------
#
# A Faster R-CNN works in two stages. The first stage starts from anchors,
# boxes of three given sizes at each position, and proposes boxes where
# something may be. For each proposal, ``MultiScaleRoIAlign`` cuts a map of
# 4 by 4 values out of the features, and the last layers predict a class and
# a better box from it. ``min_size=64`` resizes photographs to a shorter
# side of 64 pixels.
def block(channels_in, channels_out, stride):
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_out, 3, stride, 1, bias=False),
        nn.BatchNorm2d(channels_out),
        nn.ReLU(),
    )


def build():
    backbone = nn.Sequential(
        block(1, 16, 2), block(16, 32, 2), block(32, 64, 2),
        block(64, 64, 1),
    )
    backbone.out_channels = 64
    return FasterRCNN(
        backbone,
        rpn_anchor_generator=AnchorGenerator(((16, 24, 32),), ((1.0,),)),
        box_roi_pool=MultiScaleRoIAlign(["0"], 4, sampling_ratio=2),
        box_head=TwoMLPHead(64 * 4 * 4, 128),
        box_predictor=FastRCNNPredictor(128, 2),
        min_size=64, max_size=200, image_mean=[0.5], image_std=[0.25],
        rpn_post_nms_top_n_train=50, rpn_post_nms_top_n_test=50,
        rpn_batch_size_per_image=64, box_batch_size_per_image=32,
    ).to(device)


build().transform([upper / 255])[0].image_sizes  # [(64, 163)]

# %%
# Train two: with and without photographs that have no coin
# ---------------------------------------------------------
#
# In each step, the first detector sees four crops of coins and four crops
# of other photographs, and the second detector sees eight crops of coins.
# Fine-tune a pretrained detector with the same loop, at a lower learning
# rate.
def train(sources, steps=150):
    detector = build()
    optimizer = torch.optim.AdamW(detector.parameters())
    scheduler = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=3e-3, total_steps=steps
    )
    for _ in tqdm(range(steps), disable=None):
        batch = [augment(*source) for source in sources]
        images, targets = zip(*batch, strict=True)
        losses = detector(list(images), list(targets))
        optimizer.zero_grad()
        sum(losses.values()).backward()
        optimizer.step()
        scheduler.step()
    return detector.eval()


detector = train([with_coins] * 4 + without)
coins_only = train([with_coins] * 8)

# %%
# Test on the other coins: recall and precision
# ---------------------------------------------
#
# Flips make four views of the lower half, so its 12 coins count four times.
# ``TF`` flips boxes like images. A coin is found if a box overlaps it by an
# IoU of at least 0.5. Recall is the share of coins that are found.
# Precision is the number of these coins divided by the number of boxes.
@torch.inference_mode()
def detect(detector, images, threshold=0.5):
    outputs = detector(images)
    keep = [output["scores"] > threshold for output in outputs]
    return [
        {name: values[kept] for name, values in output.items()}
        for output, kept in zip(outputs, keep, strict=True)
    ]


image, target = example(lower, lower_boxes)
views = [(TF.to_dtype(image, scale=True), target["boxes"])]
for flip in (TF.horizontal_flip, TF.vertical_flip):
    views += [(flip(image), flip(boxes)) for image, boxes in views]
found = detect(detector, [image for image, _ in views])
hits = sum(
    (box_iou(boxes, output["boxes"]) >= 0.5).any(dim=1).sum().item()
    for (_, boxes), output in zip(views, found, strict=True)
)
recall = hits / 48
precision = hits / max(sum(len(output["boxes"]) for output in found), 1)
print(f"{recall=:.2f} {precision=:.2f}")
assert recall > 0.9 and precision > 0.9

# %%
# False boxes: photographs without an object help
# -----------------------------------------------
#
# Three photographs without a coin, which neither detector has seen, give 40
# crops each. Each box there is wrong. The detector that has learned from
# photographs without a coin finds fewer than half as many wrong boxes as
# the other one.
others = data.coffee(), data.astronaut(), load_sample_image("flower.jpg")
crops = []
for pixels in others:
    source = example(
        TF.rgb_to_grayscale(photograph(pixels)), torch.zeros(0, 4)
    )
    crops += [augment(*source)[0] for _ in range(40)]
false, false_coins_only = (
    sum(len(output["boxes"]) for output in detect(trained, crops))
    for trained in (detector, coins_only)
)
print(f"{false=} {false_coins_only=}")
assert false < 0.5 * false_coins_only

# %%
# The result: the detector finds coins in the lower half
# ------------------------------------------------------
#
# The detector has not seen these coins. The photograph is drawn three times
# as large, and the boxes are multiplied by 3.
large = TF.resize(lower, [450, 1152])
result = found[0] | {"boxes": found[0]["boxes"] * 3}
painted = paint(large, result, ["background", "coin"], threshold=0.5)
figure, axis = plt.subplots(figsize=(9, 3.6))
axis.imshow(painted.permute(1, 2, 0).cpu().numpy())
axis.set_axis_off()
figure.tight_layout()
