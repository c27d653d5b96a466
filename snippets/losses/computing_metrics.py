"""
Metrics
=======

Measure a model by numbers that people read, over all batches.
"""
import torch
import torch.nn.functional as F

# %%
# Accuracy of several classes: ``argmax(dim=1)``
# ----------------------------------------------
#
# Add up the right answers of all batches and divide once, by the number of
# samples. ``dim=1`` is the class; without ``dim`` the answer is one number
# for the whole batch.
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
# Accuracy of yes or no: ``logits > 0``, not ``argmax``
# -----------------------------------------------------
#
# A model with one output has logits of shape (N, 1). ``argmax(dim=1)`` of a
# single column is 0 for each sample, so the accuracy is the share of class
# 0 and does not move. Use ``logits > 0``, which means a probability above
# 0.5, and not ``round`` of a logit.
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
# A sample counts if its class is among the k largest logits.
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
# Count over the whole data set. Precision asks how many alarms were right,
# recall how many cases were found, and F1 is their harmonic mean. All three
# are 0/0 for a model that never answers yes; say what that should count as.
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
# Rows are the true classes, columns the predicted ones. Macro is the mean
# over classes, so a rare class counts as much as a common one. Micro counts
# samples and equals the accuracy when each sample has one class.
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
# Add up the confusion matrices of all batches, then divide once. A class
# that is neither in the masks nor in the predictions is 0/0; ``nanmean``
# leaves it out. A class that was predicted and does not occur has IoU 0.
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
# Twice the overlap over the sum of both areas, of decisions and not of
# probabilities. Where both masks are empty the score is 0/0; count it as 1.
# Dice and IoU are two forms of one number.
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
# Compare each positive with each negative; a tie counts one half. The area
# needs the scores of the whole set, not the mean over batches. The order of
# the scores counts and not their size, so logits will do.
scores = torch.tensor([0.9, 0.8, 0.3, 0.3, 0.1])
target = torch.tensor([1, 0, 1, 0, 0])
positive, negative = scores[target == 1], scores[target == 0]
difference = positive[:, None] - negative
auc = ((difference > 0).float() + 0.5 * (difference == 0)).mean()
auc  # tensor(0.7500)

# %%
# Average precision: the mean of the precision at each hit
# --------------------------------------------------------
#
# Sort by score and take the precision at each positive. It shows more than
# the ROC area when positives are rare.
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
# Probabilities of a rare label often stay far below 0.5. Try thresholds on
# the validation set and keep the best one of each label, then use it on the
# test set.
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
# R² compares with the mean of the targets: 1 is perfect, 0 is as good as
# the mean, and below 0 is worse. MAPE divides by the target and is infinite
# for a target of 0. Undo the scaling of the targets first.
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
# Select the positions whose label is not -100 before you compare. Counted
# with the padding, the accuracy changes with the length of the batch.
target = torch.tensor([[1, 2, -100], [2, -100, -100]])
logits = F.one_hot(torch.tensor([[1, 0, 0], [2, 0, 0]]), 3).float()
valid = target != -100
right = (logits.argmax(dim=-1) == target) & valid
right.sum() / valid.sum()  # tensor(0.6667)
right.float().mean()  # tensor(0.3333)
