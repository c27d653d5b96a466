"""
Segmentation losses
===================

Train a segmentation model when most of the pixels are background. Many of
these losses use the Dice score of two masks: twice their overlap, divided
by the sum of both areas.
"""
from contextlib import suppress

import torch
import torch.nn.functional as F
from torch import nn
from torchvision.ops import sigmoid_focal_loss

# %%
# Dice loss of several classes: softmax and one-hot masks
# -------------------------------------------------------
#
# The mask holds class indices. ``F.one_hot`` makes one channel per class,
# and ``movedim`` moves it behind the batch dimension. The Dice score is
# computed for each class of each image and averaged. To leave out the
# background, select the other classes with ``[:, 1:]``.
def dice_loss(logits, mask, eps=1e-6):
    probability = logits.softmax(dim=1)
    wanted = F.one_hot(mask, logits.size(1)).movedim(-1, 1)
    overlap = (probability * wanted).flatten(2).sum(dim=2)
    areas = (probability + wanted).flatten(2).sum(dim=2)
    return 1 - ((2 * overlap + eps) / (areas + eps)).mean()


mask = torch.tensor([[[0, 0], [1, 2]]])
sure = 100.0 * F.one_hot(mask, 3).movedim(-1, 1)
sure.shape  # torch.Size([1, 3, 2, 2])
dice_loss(sure, mask)  # tensor(0.)
background = torch.zeros(1, 3, 2, 2)
background[:, 0] = 100.0
dice_loss(background, mask).item()  # 0.7778
round(1 - (2 * 2 / (4 + 2) + 0 + 0) / 3, 4)  # 0.7778

# %%
# Dice loss is negative: the mask holds 0 and 255
# -----------------------------------------------
#
# In a mask from a file, the object often has the value 255. The overlap is
# then too large, and the loss is negative. Convert the mask to 0 and 1 with
# ``mask > 0``.
def dice_loss(probability, mask):
    overlap = (probability * mask).sum()
    return 1 - 2 * overlap / (probability + mask).sum()


probability = torch.tensor([0.9, 0.8, 0.1, 0.2])
mask = torch.tensor([255, 255, 0, 0], dtype=torch.uint8)
mask.unique()  # tensor([0, 255], dtype=torch.uint8)
dice_loss(probability, mask.float()) < 0  # tensor(True)
dice_loss(probability, (mask > 0).float())  # tensor(0.1500)

# %%
# Dice loss of logits: the sigmoid is missing
# -------------------------------------------
#
# The Dice loss needs probabilities. With logits, the sum of the areas can
# be near 0 or negative, and the loss is no longer between 0 and 1. Apply
# ``sigmoid`` for one class or ``softmax`` for several. Do not use a
# threshold, because ``logits > 0`` has no gradient.
def dice_loss(probability, mask):
    overlap = (probability * mask).sum()
    return 1 - 2 * overlap / (probability + mask).sum()


logits = torch.tensor([2.0, 1.0, -3.0, -2.5], requires_grad=True)
mask = torch.tensor([1.0, 1.0, 0.0, 0.0])
dice_loss(logits, mask)  # tensor(13.0000, grad_fn=<RsubBackward1>)
loss = dice_loss(logits.sigmoid(), mask)
0 < loss.item() < 0.2  # True
(logits > 0).float().requires_grad  # False

# %%
# Everything is background: cross entropy is low, Dice is not
# -----------------------------------------------------------
#
# Here one pixel in a hundred belongs to the object, and the model predicts
# a probability of 0.01 everywhere. The cross entropy is low and 99 % of the
# pixels are correct, although the predicted mask is empty. The Dice loss is
# 0.99, because it looks at the object. Add both losses, since cross entropy
# gives each pixel a gradient.
mask = torch.zeros(1, 1, 10, 10)
mask[0, 0, 4, 4] = 1.0
logits = torch.full_like(mask, -4.5951)
F.binary_cross_entropy_with_logits(logits, mask)  # tensor(0.0560)
((logits > 0) == mask.bool()).float().mean()  # tensor(0.9900)
probability = logits.sigmoid()
dice = 2 * (probability * mask).sum() / (probability + mask).sum()
1 - dice  # tensor(0.9900)

# %%
# The predicted mask stays black: Dice has no gradient there
# ----------------------------------------------------------
#
# The gradient of the Dice loss passes through the sigmoid, which is almost
# flat at a logit of -20. Cross entropy with logits still has a gradient of
# -1 for the wrong pixel. Add cross entropy to the Dice loss, or start the
# training with it.
mask = torch.tensor([1.0, 0.0, 0.0])
logits = torch.tensor([-20.0, -20.0, -20.0], requires_grad=True)


def dice_loss(logits, mask):
    probability = logits.sigmoid()
    overlap = (probability * mask).sum()
    return 1 - 2 * overlap / (probability + mask).sum()


(by_dice,) = torch.autograd.grad(dice_loss(logits, mask), logits)
by_dice.abs().max() < 1e-7  # tensor(True)
total = F.binary_cross_entropy_with_logits(logits, mask, reduction="sum")
(by_entropy,) = torch.autograd.grad(total, logits)
by_entropy[0]  # tensor(-1.)

# %%
# Weight the positive pixels: ``pos_weight`` of shape (C, 1, 1)
# -------------------------------------------------------------
#
# ``pos_weight`` is broadcast against (N, C, H, W) from the right, so a
# vector of length C is compared with the width and raises an error. Add two
# dimensions of size 1 at the end to get one weight per channel. If C
# happens to equal the width, there is no error, but the columns are
# weighted.
logits = torch.zeros(2, 3, 4, 5)
masks = torch.zeros(2, 3, 4, 5)
masks[:, 0] = 1.0
weight = torch.tensor([2.0, 3.0, 4.0])
wrong = nn.BCEWithLogitsLoss(pos_weight=weight)
with suppress(RuntimeError):
    wrong(logits, masks)  # RuntimeError: The size of tensor a (3) must
criterion = nn.BCEWithLogitsLoss(
    pos_weight=weight[:, None, None], reduction="none"
)
losses = criterion(logits, masks).mean(dim=(0, 2, 3))
losses / torch.tensor(2.0).log()  # tensor([2., 1., 1.])

# %%
# Weight rare classes: count the pixels of each class
# ---------------------------------------------------
#
# Count the pixels of each class over all masks of the training set. Weights
# of one over the share of a class give each class the same total weight. A
# class with few pixels then gets a very large weight. The square root of
# the weights is a milder choice.
masks = torch.zeros(2, 4, 4, dtype=torch.int64)
masks[0, :2, :2] = 1
masks[1, 3, 3] = 2
counts = masks.flatten().bincount(minlength=3)
counts  # tensor([27, 4, 1])
weight = counts.sum() / (3 * counts)
weight  # tensor([0.3951, 2.6667, 10.6667])
weight * counts  # tensor([10.6667, 10.6667, 10.6667])
weight.sqrt()  # tensor([0.6285, 1.6330, 3.2660])
F.cross_entropy(torch.zeros(2, 3, 4, 4), masks, weight)  # tensor(1.0986)

# %%
# Soft IoU loss (Jaccard loss)
# ----------------------------
#
# The IoU is the overlap divided by the union, which is the sum of both
# areas minus the overlap. The last two lines compute the IoU loss from the
# Dice score. Both scores therefore rank masks in the same order.
def iou_loss(probability, mask):
    overlap = (probability * mask).sum()
    return 1 - overlap / ((probability + mask).sum() - overlap)


probability = torch.tensor([0.5, 1.0, 0.5, 0.0])
mask = torch.tensor([1.0, 1.0, 0.0, 0.0])
iou_loss(probability, mask)  # tensor(0.4000)
dice = 2 * 1.5 / (2 + 2)
round(1 - dice / (2 - dice), 4)  # 0.4

# %%
# Misses cost more than false alarms: Tversky loss
# ------------------------------------------------
#
# ``alpha`` is the weight of false alarms, and ``beta`` is the weight of
# missed pixels. With 0.5 for both, the Tversky loss equals the Dice loss. A
# larger ``beta`` helps to find small objects, but it leads to more false
# alarms.
def tversky_loss(probability, mask, alpha, beta):
    found = (probability * mask).sum()
    false_alarms = (probability * (1 - mask)).sum()
    missed = ((1 - probability) * mask).sum()
    return 1 - found / (found + alpha * false_alarms + beta * missed)


mask = torch.tensor([1.0, 1.0, 0.0, 0.0])
small = torch.tensor([1.0, 0.0, 0.0, 0.0])
large = torch.tensor([1.0, 1.0, 1.0, 0.0])
tversky_loss(small, mask, 0.5, 0.5)  # tensor(0.3333)
tversky_loss(large, mask, 0.5, 0.5)  # tensor(0.2000)
tversky_loss(small, mask, 0.3, 0.7)  # tensor(0.4118)
tversky_loss(large, mask, 0.3, 0.7)  # tensor(0.1304)

# %%
# Leave out unlabelled pixels in a Dice loss: 255
# -----------------------------------------------
#
# The Dice loss has no ``ignore_index`` like ``F.cross_entropy``. Multiply
# the probabilities and the one-hot mask by a mask of the valid pixels.
# Replace the value 255 before you call ``F.one_hot``, because it raises an
# error for a class that does not exist.
mask = torch.tensor([[[0, 1], [1, 255]]])
valid = mask != 255
with suppress(RuntimeError):
    F.one_hot(mask.cpu(), 2)  # RuntimeError: Class values must be smaller
wanted = F.one_hot(mask * valid, 2).movedim(-1, 1) * valid[:, None]
wanted.flatten(1)  # tensor([[1, 0, 0, 0, 0, 1, 1, 0]])
probability = torch.full((1, 2, 2, 2), 0.5) * valid[:, None]
overlap = (probability * wanted).sum(dim=(0, 2, 3))
areas = (probability + wanted).sum(dim=(0, 2, 3))
2 * overlap / areas  # tensor([0.4000, 0.5714])

# %%
# Focal loss of masks: ``torchvision.ops.sigmoid_focal_loss``
# -----------------------------------------------------------
#
# Focal loss multiplies the loss of a pixel by ``(1 - p) ** gamma``, where
# ``p`` is the probability of the correct class. Easy pixels then count
# almost nothing. The positives are weighted by ``alpha`` and the negatives
# by ``1 - alpha``. The default ``alpha`` of 0.25 gives the positives the
# smaller weight.
logits = torch.tensor([[3.0, -3.0], [0.0, 2.0]])
mask = torch.tensor([[1.0, 0.0], [1.0, 0.0]])
entropy = F.binary_cross_entropy_with_logits(logits, mask, reduction="none")
p = torch.exp(-entropy)
p  # tensor([[0.9526, 0.9526], [0.5000, 0.1192]])
alpha = torch.where(mask == 1, 0.25, 0.75)
by_hand = alpha * (1 - p) ** 2 * entropy
loss = sigmoid_focal_loss(logits, mask, reduction="none")
torch.allclose(loss, by_hand)  # True
loss / entropy  # tensor([[0.0006, 0.0017], [0.0625, 0.5819]])

# %%
# Weight each pixel by a map: ``reduction="none"``
# ------------------------------------------------
#
# A weight map with the shape of the mask, (N, H, W), can give more weight
# to the border of an object. Here max pooling finds the pixels with a
# neighbour of the other class. Divide by the sum of the weights, so that
# the loss has the usual size.
mask = torch.zeros(1, 4, 4, dtype=torch.int64)
mask[:, :, 2:] = 1
inside = mask.float()
border = F.max_pool2d(inside, 3, 1, 1) + F.max_pool2d(-inside, 3, 1, 1)
border[0, 0]  # tensor([0., 1., 1., 0.])
weights = 1 + 4 * border
logits = torch.randn(1, 2, 4, 4)
losses = F.cross_entropy(logits, mask, reduction="none")
loss = (weights * losses).sum() / weights.sum()
weights[0, 0]  # tensor([1., 5., 5., 1.])
far = losses[border == 0].sum() + 5 * losses[border == 1].sum()
torch.allclose(loss, far / (8 * 1 + 8 * 5))  # True
