"""
Metrics
=======

Compute accuracy, F1, AUC and other metrics over all batches of a dataset.
"""
import torch
import torch.nn.functional as F

# %%
# Accuracy of several classes: ``argmax(dim=1)``
# ----------------------------------------------
#
# Count the correct predictions of all batches, and divide once by the
# number of samples. ``dim=1`` is the class dimension. Without ``dim``,
# ``argmax`` returns a single index for the whole batch.
batches = [
    (torch.tensor([[2.0, 1.0], [0.0, 3.0]]), torch.tensor([0, 1])),
    (torch.tensor([[1.0, 5.0]]), torch.tensor([0])),
]
right = total = 0
for logits, target in batches:
    right += (logits.argmax(dim=1) == target).sum().item()
    total += len(target)
round(right / total, 4)  # 0.6667

# %%
# Binary accuracy: ``logits > 0``, not ``argmax``
# -----------------------------------------------
#
# A model with one output has logits of shape (N, 1). ``argmax(dim=1)`` of a
# single column is 0 for each sample, so the accuracy would be the share of
# class 0 and would not change in training. Use ``logits > 0``, which means
# a probability above 0.5. Do not apply ``round`` to a logit.
logits = torch.tensor([[2.0], [-1.0], [0.3], [-3.0]])
target = torch.tensor([1, 0, 1, 1])
logits.argmax(dim=1)  # tensor([0, 0, 0, 0])
predicted = (logits.squeeze(1) > 0).long()
predicted  # tensor([1, 0, 1, 0])
(predicted == target).float().mean()  # tensor(0.7500)
(logits.sigmoid() > 0.5).equal(logits > 0)  # True
logits.squeeze(1).round()  # tensor([2., -1., 0., -3.])

# %%
# Top-k accuracy: ``topk``
# ------------------------
#
# A prediction counts as correct if the true class is among the k largest
# logits.
logits = torch.tensor([[3.0, 2.0, 1.0], [3.0, 2.0, 1.0]])
target = torch.tensor([1, 2])
top = logits.topk(2, dim=1).indices
hit = (top == target.unsqueeze(1)).any(dim=1)
hit  # tensor([True, False])
hit.float().mean()  # tensor(0.5000)

# %%
# Precision, recall and F1 of a rare class
# ----------------------------------------
#
# Count over the whole dataset. Precision is the share of the positive
# predictions that are correct, and recall is the share of the positives
# that were found. F1 is the harmonic mean of the two. If a model predicts
# no positives, its precision is 0/0, so decide what this should count as.
predicted = torch.tensor([1, 1, 0, 0, 0, 0])
target = torch.tensor([1, 0, 1, 1, 0, 0])
found = ((predicted == 1) & (target == 1)).sum()
precision = found / (predicted == 1).sum()
recall = found / (target == 1).sum()
precision, recall  # (tensor(0.5000), tensor(0.3333))
2 * precision * recall / (precision + recall)  # tensor(0.4000)
2 * found / ((predicted == 1).sum() + (target == 1).sum())  # tensor(0.4000)

# %%
# Macro and micro F1 from a confusion matrix
# ------------------------------------------
#
# The rows of the matrix are the true classes, and the columns are the
# predicted classes. Macro F1 is the mean over the classes, so a rare class
# counts as much as a common one. Micro F1 counts samples. It equals the
# accuracy if each sample has one class.
target = torch.tensor([0, 0, 0, 0, 1, 2])
predicted = torch.tensor([0, 0, 0, 1, 1, 1])
matrix = (3 * target + predicted).bincount(minlength=9).view(3, 3)
matrix  # tensor([[3, 1, 0], [0, 1, 0], [0, 1, 0]])
both = matrix.diagonal()
f1 = 2 * both / (matrix.sum(dim=0) + matrix.sum(dim=1))
f1  # tensor([0.8571, 0.5000, 0.0000])
f1.mean()  # tensor(0.4524)
both.sum() / matrix.sum()  # tensor(0.6667)

# %%
# mIoU is nan: a class occurs in no mask
# --------------------------------------
#
# The IoU of a class is the overlap of its true and predicted pixels,
# divided by their union. Add up the confusion matrices of all batches and
# then divide once. If a class is neither in the masks nor in the
# predictions, its IoU is 0/0, and ``nanmean`` leaves it out. A class that
# is predicted but does not occur has an IoU of 0.
target = torch.tensor([[0, 0], [1, 1]])
predicted = torch.tensor([[0, 0], [1, 0]])
pairs = (3 * target + predicted).flatten()
matrix = pairs.bincount(minlength=9).view(3, 3)
both = matrix.diagonal()
iou = both / (matrix.sum(dim=0) + matrix.sum(dim=1) - both)
iou  # tensor([0.6667, 0.5000, nan])
iou.mean(), iou.nanmean()  # (tensor(nan), tensor(0.5833))

# %%
# Dice score of a mask, and an empty mask
# ---------------------------------------
#
# The Dice score is twice the overlap divided by the sum of both areas.
# Compute it from binary masks and not from probabilities. If both masks are
# empty, the score would be 0/0, and it is counted as 1 here. The last line
# computes the IoU from the Dice score.
def dice_score(predicted, mask):
    overlap = (predicted & mask).sum()
    areas = predicted.sum() + mask.sum()
    return torch.where(areas > 0, 2 * overlap / areas, 1.0)


mask = torch.tensor([True, True, False, False])
predicted = torch.tensor([True, False, False, False])
dice = dice_score(predicted, mask)
dice  # tensor(0.6667)
empty = torch.zeros(4, dtype=torch.bool)
dice_score(empty, empty)  # tensor(1.)
iou = (predicted & mask).sum() / (predicted | mask).sum()
iou, dice / (2 - dice)  # (tensor(0.5000), tensor(0.5000))

# %%
# ROC AUC: how often a positive outranks a negative
# -------------------------------------------------
#
# The AUC is the share of pairs in which the positive has the higher score,
# and a tie counts one half. Compute it from the scores of the whole
# dataset, and do not average it over batches. It depends on the order of
# the scores, so you can use logits.
scores = torch.tensor([0.9, 0.8, 0.3, 0.3, 0.1])
target = torch.tensor([1, 0, 1, 0, 0])
positive, negative = scores[target == 1], scores[target == 0]
difference = positive[:, None] - negative
auc = ((difference > 0).float() + 0.5 * (difference == 0)).mean()
auc  # tensor(0.7500)

# %%
# Average precision: the mean of the precision at each positive
# -------------------------------------------------------------
#
# Sort the samples by score, compute the precision at each positive, and
# take the mean. Prefer the average precision to the ROC AUC if positives
# are rare.
scores = torch.tensor([0.9, 0.8, 0.7, 0.2])
target = torch.tensor([1, 0, 1, 0])
ranked = target[scores.argsort(descending=True)]
precision = ranked.cumsum(0) / torch.arange(1, 5)
precision  # tensor([1.0000, 0.5000, 0.6667, 0.5000])
precision[ranked == 1].mean()  # tensor(0.8333)

# %%
# A threshold for each label: the one with the best F1
# ----------------------------------------------------
#
# The probabilities of a rare label often stay far below 0.5. Try several
# thresholds on the validation set and keep the best one for each label.
# Then use these thresholds on the test set.
probability = torch.tensor([[0.9, 0.2], [0.6, 0.1], [0.7, 0.3], [0.2, 0.0]])
target = torch.tensor([[1, 1], [0, 0], [1, 1], [0, 0]])
bounds = torch.linspace(0.05, 0.95, 19)
predicted = probability > bounds[:, None, None]
found = (predicted & (target == 1)).sum(dim=1)
f1 = 2 * found / (predicted.sum(dim=1) + (target == 1).sum(dim=0))
best = bounds[f1.argmax(dim=0)]
((probability > 0.5) == target).float().mean(dim=0)  # tensor([0.75, 0.50])
((probability > best) == target).float().mean(dim=0)  # tensor([1., 1.])

# %%
# R², RMSE and MAPE of a regression
# ---------------------------------
#
# R² compares the model with a constant prediction of the mean target. An R²
# of 1 is perfect, 0 is as good as the mean, and a negative value is worse.
# MAPE divides by the target, so do not use it if targets can be 0. If you
# scaled the targets, undo the scaling first.
target = torch.tensor([1.0, 2.0, 3.0, 6.0])
predicted = torch.tensor([1.0, 2.0, 4.0, 5.0])
error = predicted - target
deviation = target - target.mean()
1 - error.square().sum() / deviation.square().sum()  # tensor(0.8571)
error.square().mean().sqrt()  # tensor(0.7071)
(error / target).abs().mean()  # tensor(0.1250)

# %%
# Accuracy of tokens, without the padding
# ---------------------------------------
#
# Count the positions whose label is not -100. If you count the padding,
# too, the accuracy depends on how much padding the batch has.
target = torch.tensor([[1, 2, -100], [2, -100, -100]])
logits = F.one_hot(torch.tensor([[1, 0, 0], [2, 0, 0]]), 3).float()
valid = target != -100
right = (logits.argmax(dim=-1) == target) & valid
right.sum() / valid.sum()  # tensor(0.6667)
right.float().mean()  # tensor(0.3333)
