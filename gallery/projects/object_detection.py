"""
Object detection with torchvision: boxes, labels, scores, NMS and mAP
=====================================================================

This page trains an FCOS detector from ``torchvision`` with a small
backbone. It finds and classifies the handwritten digits in an image. The
test images are made of digits that are not in the training set. On these
images the detector reaches a mean average precision (mAP) of more than
0.85. A box counts as found if its intersection over union (IoU) with a true
box is at least 0.5.
"""
from contextlib import suppress

import matplotlib.pyplot as plt
import torch
from matplotlib.patches import Rectangle
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional as F
from torchvision.models.detection import FCOS, FCOS_ResNet50_FPN_Weights
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.fcos import FCOSHead
from torchvision.ops import batched_nms, box_convert, box_iou, nms
from torchvision.utils import draw_bounding_boxes
from tqdm import tqdm

# %%
# Compose images with known boxes
# -------------------------------
#
# Images of the digits 0, 1 and 2 are resized to 18 to 30 pixels and placed
# on a canvas of 64 by 64 pixels, at most one in each quarter. A target is a
# dictionary with ``boxes`` and ``labels``. A box is written as ``(x1, y1,
# x2, y2)`` in pixels. torchvision uses label 0 for the background, so the
# digits get the labels 1, 2 and 3.
torch.manual_seed(0)
device = torch.get_default_device()
rng = torch.Generator("cpu").manual_seed(0)


def draw(low, high):
    return torch.randint(low, high, (), generator=rng, device="cpu").item()


def compose(digits, labels):
    image = torch.zeros(1, 64, 64, device="cpu")
    boxes, chosen = [], []
    quarters = torch.randperm(4, generator=rng, device="cpu")
    for quarter in quarters[: draw(1, 5)].tolist():
        row, size = draw(0, len(digits)), draw(18, 31)
        digit = F.interpolate(digits[row][None, None], size=(size, size))[0]
        y = quarter // 2 * 32 + draw(0, 33 - size)
        x = quarter % 2 * 32 + draw(0, 33 - size)
        offset = torch.tensor([x, y, x, y], device="cpu")
        image[:, y : y + size, x : x + size] = digit
        ys, xs = (digit[0] > 0.2).nonzero().unbind(1)
        corners = xs.min(), ys.min(), xs.max() + 1, ys.max() + 1
        boxes.append(torch.stack(corners) + offset)
        chosen.append(labels[row])
    boxes = torch.stack(boxes).float().to(device)
    labels = torch.stack(chosen).to(device)
    return image.to(device), {"boxes": boxes, "labels": labels}


# %%
# A training set and a test set made of different digits
# ------------------------------------------------------
#
# The digits are split before the images are composed, so no digit of a test
# image occurs in a training image. The images may have different sizes and
# different numbers of boxes. A batch is therefore a list of images and a
# list of targets.
table = load_digits(n_class=3)
digits = torch.tensor(table.images, dtype=torch.float32, device="cpu") / 16
labels = torch.tensor(table.target, device="cpu") + 1
order = torch.randperm(len(digits), generator=rng, device="cpu")
train, test = order[:400], order[400:]
train_set = [compose(digits[train], labels[train]) for _ in range(600)]
test_set = [compose(digits[test], labels[test]) for _ in range(100)]
image, target = train_set[0]
image.shape  # torch.Size([1, 64, 64])
target["boxes"].shape[1], target["labels"].dtype  # (4, torch.int64)

# %%
# Build a detector: backbone, anchors, head
# -----------------------------------------
#
# A backbone returns feature maps and has an attribute ``out_channels``.
# This one returns a map of 8 by 8 positions, and at each position FCOS
# predicts a score for each class, a box, and how close the position is to
# the centre of the box. An anchor is a box at a given place from which a
# detector predicts. FCOS needs one anchor per position, and its size of 8
# is the distance between two positions in pixels. The detector normalizes
# the images and resizes them, to 800 pixels by default.
def block(channels_in, channels_out, stride):
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_out, 3, stride, 1, bias=False),
        nn.BatchNorm2d(channels_out),
        nn.ReLU(),
    )


backbone = nn.Sequential(
    block(1, 16, 2), block(16, 32, 2), block(32, 64, 1),
    block(64, 64, 2), block(64, 64, 1),
)
backbone.out_channels = 64
model = FCOS(
    backbone, num_classes=4, min_size=64, max_size=64,
    image_mean=[0.0], image_std=[1.0],
    anchor_generator=AnchorGenerator(((8,),), ((1.0,),)),
    head=FCOSHead(64, num_anchors=1, num_classes=4, num_convs=1),
    score_thresh=0.05, nms_thresh=0.5,
).to(device)

# %%
# Inputs and outputs: losses in ``train`` mode, boxes in ``eval`` mode
# --------------------------------------------------------------------
#
# In ``train`` mode a detector takes images and targets and returns a
# dictionary of losses. In ``eval`` mode it takes images and returns one
# dictionary for each image, with boxes, labels and scores. The predictions
# are sorted, with the highest score first.
images, targets = [image, image], [target, target]
losses = model(images, targets)
sorted(losses)  # ['bbox_ctrness', 'bbox_regression', 'classification']
model.eval()
with torch.inference_mode():
    outputs = model(images)
len(outputs)  # 2
sorted(outputs[0])  # ['boxes', 'labels', 'scores']

model.train()
with suppress(AssertionError):
    model(images)  # AssertionError: targets should not be none

# %%
# Boxes are ``xyxy``: convert other formats
# -----------------------------------------
#
# COCO files give boxes as ``(x, y, width, height)``. The detector raises an
# error for such boxes only if a width is not larger than its x, or a height
# is not larger than its y. Otherwise it learns wrong boxes, and nothing
# fails. Convert them with ``torchvision.ops.box_convert``.
xywh = torch.tensor([[40.0, 10.0, 20.0, 24.0]], device=device)
bad = {"boxes": xywh, "labels": torch.ones(1, dtype=torch.long)}
with suppress(AssertionError):
    model([image], [bad])  # AssertionError: positive height and width
box_convert(xywh, "xywh", "xyxy")  # tensor([[40., 10., 60., 34.]])

# %%
# Intersection over union, and non-maximum suppression
# ----------------------------------------------------
#
# The intersection over union (IoU) is the area that two boxes share,
# divided by the area that they cover together. A detector often finds the
# same object several times. ``nms`` keeps the box with the highest score
# and removes the boxes whose overlap with it is larger than a threshold.
# ``batched_nms`` does this within each class. The detector applies it
# before it returns its predictions.
boxes = torch.tensor([[0.0, 0, 10, 10], [0, 0, 10, 8], [20, 0, 30, 10]])
scores = torch.tensor([0.8, 0.9, 0.6])
box_iou(boxes[:1], boxes)  # tensor([[1.0000, 0.8000, 0.0000]])
nms(boxes, scores, iou_threshold=0.5)  # tensor([1, 2])
nms(boxes, scores, iou_threshold=0.9)  # tensor([1, 0, 2])
classes = torch.tensor([1, 2, 2])
batched_nms(boxes, scores, classes, iou_threshold=0.5)  # tensor([1, 0, 2])

# %%
# Average precision: which predictions are hits?
# ----------------------------------------------
#
# Take the predictions of one class, from the highest score to the lowest.
# For each prediction, find the true box with the largest overlap. The
# prediction is a hit if the overlap is at least 0.5 and this true box has
# not been found before. A second box on the same digit is therefore a miss.
def hits(output, target, label, iou=0.5):
    truth = target["boxes"][target["labels"] == label]
    chosen = output["labels"] == label
    scores = output["scores"][chosen]
    found, results = set(), []
    for box in output["boxes"][chosen]:
        hit = False
        if len(truth):
            overlap, best = box_iou(box[None], truth)[0].max(dim=0)
            hit = overlap.item() >= iou and best.item() not in found
        if hit:
            found.add(best.item())
        results.append(hit)
    return scores.tolist(), results, len(truth)


# %%
# mAP: the mean over the classes
# ------------------------------
#
# Precision is the share of hits among the predictions so far. At each
# prediction it is replaced by its maximum from there on, so that it does
# not rise from left to right. The average precision adds up this value at
# each hit and divides by the number of true boxes. A digit that is not
# found therefore counts as 0.
def average_precision(outputs, targets, label):
    found, total = [], 0
    for output, target in zip(outputs, targets, strict=True):
        scores, results, count = hits(output, target, label)
        found += zip(scores, results, strict=True)
        total += count
    found.sort(key=lambda pair: -pair[0])
    hit = torch.tensor([float(hit) for _, hit in found], device="cpu")
    rank = torch.arange(1, len(hit) + 1, device="cpu")
    precision = hit.cumsum(0) / rank
    precision = precision.flip(0).cummax(0).values.flip(0)
    return (precision * hit).sum().item() / total


def mean_average_precision(outputs, targets):
    values = [average_precision(outputs, targets, k) for k in (1, 2, 3)]
    return sum(values) / len(values)


test_targets = [target for _, target in test_set]
perfect = [
    target | {"scores": torch.ones(len(target["labels"]))}
    for target in test_targets
]
mean_average_precision(perfect, test_targets)  # 1.0

# %%
# Train with the sum of the losses
# --------------------------------
#
# The training loop is the usual one, except that the model computes the
# losses. The mAP before training is measured for comparison.
@torch.inference_mode()
def predict(model, dataset):
    model.eval()
    outputs = []
    for start in range(0, len(dataset), 25):
        batch = dataset[start : start + 25]
        outputs += model([image for image, _ in batch])
    return outputs


untrained = mean_average_precision(predict(model, test_set), test_targets)
steps, history = 220, []
optimizer = torch.optim.AdamW(model.parameters())
scheduler = torch.optim.lr_scheduler.OneCycleLR(
    optimizer, max_lr=4e-3, total_steps=steps
)
model.train()
for _ in tqdm(range(steps), disable=None):
    batch = [train_set[draw(0, 600)] for _ in range(16)]
    images, targets = zip(*batch, strict=True)
    losses = model(list(images), list(targets))
    optimizer.zero_grad()
    sum(losses.values()).backward()
    optimizer.step()
    scheduler.step()
    history.append({name: loss.detach() for name, loss in losses.items()})

# %%
# The curves of the three losses
# ------------------------------
#
# At each position the head predicts how close the position is to the centre
# of its box. The third loss in the legend compares this prediction with the
# true value. It is a cross-entropy with targets between 0 and 1, so its
# minimum is larger than 0.
figure, axis = plt.subplots(figsize=(8, 3.6))
for name, style in zip(history[0], ("-", "--", ":"), strict=True):
    axis.plot([step[name].item() for step in history], style, label=name)
axis.set(xlabel="step", ylabel="loss")
axis.legend()
figure.tight_layout()

# %%
# The score threshold: precision against recall
# ---------------------------------------------
#
# mAP is computed with the predictions of low scores, too. In an
# application, choose a threshold for the score. Here a threshold of 0.4
# gives a higher precision than 0.05, and a threshold of 0.8 gives a lower
# recall than 0.4.
outputs = predict(model, test_set)
table = {}
for threshold in (0.05, 0.2, 0.4, 0.6, 0.8):
    counts = torch.zeros(3, device="cpu")
    for output, target in zip(outputs, test_targets, strict=True):
        kept = output["scores"] > threshold
        sure = {name: values[kept] for name, values in output.items()}
        for label in (1, 2, 3):
            _, results, total = hits(sure, target, label)
            counts += torch.tensor([sum(results), len(results), total])
    hit, predicted, total = counts.tolist()
    precision, recall = hit / max(predicted, 1), hit / total
    print(f"{threshold=:4} {precision=:.2f} {recall=:.2f}")
    table[threshold] = precision, recall
assert table[0.05][0] < table[0.4][0] and table[0.4][1] > table[0.8][1]

# %%
# Draw a box: ``draw_bounding_boxes``, or a ``Rectangle``
# -------------------------------------------------------
#
# In ``imshow``, pixel 0 reaches from -0.5 to 0.5, so ``outline`` subtracts
# 0.5. ``torchvision.utils.draw_bounding_boxes`` draws the boxes into a copy
# of an image tensor.
def outline(axis, box, **style):
    x1, y1, x2, y2 = (box - 0.5).tolist()
    size = x2 - x1, y2 - y1
    axis.add_patch(Rectangle((x1, y1), *size, fill=False, **style))


painted = draw_bounding_boxes(image, target["boxes"], colors="yellow")
painted.shape  # torch.Size([3, 64, 64])

# %%
# A pretrained detector: its categories and transforms
# ----------------------------------------------------
#
# The weights enum gives the categories and the transform of a detector
# without a download. With internet access,
# ``fcos_resnet50_fpn(weights=weights)`` from the same module loads the
# pretrained detector with 91 categories. With ``weights=None`` alone, the
# weights of the backbone are still downloaded. Pass
# ``weights_backbone=None`` as well to avoid this.
weights = FCOS_ResNet50_FPN_Weights.DEFAULT
categories = weights.meta["categories"]
len(categories), categories[1]  # (91, 'person')
photo = torch.full((3, 40, 60), 255, dtype=torch.uint8)
weights.transforms()(photo).max()  # tensor(1.)
weights.transforms()(photo).shape  # torch.Size([3, 40, 60])

# %%
# The result: an mAP above 0.85, and the boxes on test images
# -----------------------------------------------------------
#
# The figure shows eight test images, with the predicted boxes, digits and
# scores above 0.4. A place holds one digit, so ``nms`` over all classes
# removes a second label for the same box. The dotted white boxes are the
# true ones, and the true digits stand above each image.
score = mean_average_precision(outputs, test_targets)
print(f"{untrained=:.3f} {score=:.3f}")
assert untrained < 0.2 and 0.85 < score <= 1.0, (untrained, score)
precision, recall = table[0.4]
assert min(precision, recall) > 0.7, table

fields = "boxes", "labels", "scores"
dark = {"color": "black", "alpha": 0.7, "pad": 0}
inside = {"va": "top", "fontsize": 8, "bbox": dark}
figure, axes = plt.subplots(2, 4, figsize=(9, 4.6))
shown = zip(axes.flat, test_set[:8], outputs[:8], strict=True)
for axis, (image, target), output in shown:
    axis.imshow(image[0].cpu().numpy(), cmap="gray")
    axis.set_axis_off()
    axis.set_title(", ".join(str(k - 1) for k in target["labels"].tolist()))
    for n in nms(output["boxes"], output["scores"], 0.5).tolist():
        box, label, sure = (output[name][n] for name in fields)
        if sure > 0.4:
            color = f"C{label.item() + 2}"
            outline(axis, box, color=color, linewidth=2)
            text = f"{label.item() - 1}: {sure.item():.2f}"
            corner = (box[:2] + 1).tolist()
            axis.text(*corner, text, color=color, **inside)
    for box in target["boxes"]:
        outline(axis, box, color="white", linestyle=":")
figure.tight_layout()
