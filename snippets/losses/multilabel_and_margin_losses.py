"""
Multi-label and margin losses
=============================

Train a model with several labels per sample, or make the correct score
larger than the others by a margin.
"""
from contextlib import suppress

import torch
import torch.nn.functional as F
from torch import nn

# %%
# Several labels at once: ``nn.MultiLabelSoftMarginLoss``
# -------------------------------------------------------
#
# This loss is the binary cross entropy of each label, averaged over the
# labels. With the default mean it equals
# ``F.binary_cross_entropy_with_logits``. With ``reduction="none"``,
# ``F.multilabel_soft_margin_loss`` returns one loss per sample, of shape
# (N,). ``weight`` holds one weight per label.
logits = torch.tensor([[2.0, -1.0, 0.0], [1.0, 0.5, -3.0]])
target = torch.tensor([[1.0, 0.0, 1.0], [0.0, 1.0, 0.0]])
loss = nn.MultiLabelSoftMarginLoss()(logits, target)
binary = F.binary_cross_entropy_with_logits(logits, target)
torch.allclose(loss, binary)  # True
w = torch.tensor([1.0, 2.0, 3.0])
loss = F.multilabel_soft_margin_loss(logits, target, w, reduction="none")
p = logits.sigmoid()
each = -(target * p.log() + (1 - target) * (1 - p).log())
torch.allclose(loss, (w * each).mean(dim=1))  # True

# %%
# Labels as a list of indices: ``nn.MultiLabelMarginLoss``
# --------------------------------------------------------
#
# Each row of the target lists the correct labels, followed by -1. What
# comes after the -1 is ignored. Each correct label i should score 1 more
# than each other label j. The loss is the sum of :math:`\max(0, 1 - (x_j -
# x_i))` over these pairs, divided by C.
scores = torch.tensor([0.5, 3.0, 1.0, 2.5])
target = torch.tensor([3, 1, -1, 0])
loss = nn.MultiLabelMarginLoss()(scores, target)
loss  # tensor(0.)
target = torch.tensor([0, 2, -1, 3])
loss = F.multilabel_margin_loss(scores, target)
hold, others = scores[[0, 2]], scores[[1, 3]]
hinges = F.relu(1 - (hold[:, None] - others))
hinges  # tensor([[3.5000, 3.0000], [3.0000, 2.5000]])
torch.allclose(loss, hinges.sum() / 4)  # True

# %%
# Hinge loss of many classes: ``nn.MultiMarginLoss``
# --------------------------------------------------
#
# The score of the correct class should be larger than each other score by
# ``margin``. If it is, the loss is 0. Otherwise the amounts that are
# missing are summed and divided by the number of classes. ``p=2`` squares
# each amount, and ``weight`` multiplies it by the weight of the correct
# class.
scores = torch.tensor([[1.0, 3.0, 2.5, 0.0]])
target = torch.tensor([1])
nn.MultiMarginLoss()(scores, target)  # tensor(0.1250)
short = F.relu(1.0 - (3.0 - torch.tensor([1.0, 2.5, 0.0])))
short  # tensor([0.0000, 0.5000, 0.0000])
short.sum() / 4  # tensor(0.1250)
nn.MultiMarginLoss(p=2)(scores, target)  # tensor(0.0625)
F.multi_margin_loss(scores, target, margin=0.5)  # tensor(0.)
weight = torch.tensor([1.0, 8.0, 1.0, 1.0])
F.multi_margin_loss(scores, target, weight=weight)  # tensor(1.)

# %%
# Rank pairs: ``nn.MarginRankingLoss``, ``F.margin_ranking_loss``
# ---------------------------------------------------------------
#
# For scores :math:`x_1` and :math:`x_2`, target y and margin m, the loss is
# :math:`\max(0, -y (x_1 - x_2) + m)`. With the target 1 the first score
# should be larger, and with -1 the second. The default margin is 0, so
# equal scores have no loss. Since 2.14 they have no gradient either, so
# pass a margin.
first = torch.tensor([3.0, 1.0, 2.0])
second = torch.tensor([1.0, 3.0, 2.0])
y = torch.tensor([1.0, 1.0, 1.0])
loss = nn.MarginRankingLoss(margin=0.5, reduction="none")
loss(first, second, y)  # tensor([0.0000, 2.5000, 0.5000])
F.relu(-y * (first - second) + 0.5)  # tensor([0.0000, 2.5000, 0.5000])
F.margin_ranking_loss(first, first, y)  # tensor(0.)
equal = torch.zeros(1, requires_grad=True)
F.margin_ranking_loss(torch.zeros(1), equal, y[:1]).backward()
equal.grad  # tensor([0.]) since 2.14, tensor([1.]) before

# %%
# Pairwise loss of reward models: ``F.logsigmoid`` of the difference
# ------------------------------------------------------------------
#
# Reward models and recommender systems often learn from pairs of a better
# and a worse sample. The probability that the better one wins is the
# sigmoid of the difference of the scores. The loss equals
# ``F.soft_margin_loss`` of this difference with the target 1.
better = torch.tensor([2.0, 0.5])
worse = torch.tensor([1.0, 1.5])
loss = -F.logsigmoid(better - worse).mean()
loss  # tensor(0.8133)
F.soft_margin_loss(better - worse, torch.ones(2))  # tensor(0.8133)

# %%
# Labels and accuracy from multi-label logits
# -------------------------------------------
#
# Predict a label if its logit is above 0. A higher threshold gives fewer
# false alarms and more misses. You can count the accuracy per label, or
# count a sample as correct only if all its labels are correct.
logits = torch.tensor([[2.0, -1.0, 0.5], [1.0, 0.5, -3.0]])
target = torch.tensor([[1, 0, 1], [0, 1, 0]])
predicted = (logits > 0).long()
predicted  # tensor([[1, 0, 1], [1, 1, 0]])
(predicted == target).float().mean()  # tensor(0.8333)
(predicted == target).all(dim=1).float().mean()  # tensor(0.5000)

# %%
# Unknown labels in a multi-label target: mask the loss
# -----------------------------------------------------
#
# A label of -1 for "unknown" raises no error in
# ``F.binary_cross_entropy_with_logits``, but it is taken for a target, and
# the loss can become negative. Compute one loss per element and multiply it
# by the mask of the known labels. Divide the sum by the number of known
# labels. The unknown labels then send no gradient.
bce = F.binary_cross_entropy_with_logits
bce(torch.tensor([-50.0]), torch.tensor([-1.0]))  # tensor(-50.)
logits = torch.tensor([[2.0, -1.0], [0.0, 3.0]], requires_grad=True)
labels = torch.tensor([[1.0, -1.0], [-1.0, 0.0]])
known = labels != -1
each = bce(logits, labels.clamp(min=0), reduction="none")
loss = (each * known).sum() / known.sum()
loss.detach()  # tensor(1.5878)
torch.allclose(loss, bce(logits[known], labels[known]))  # True
loss.backward()
logits.grad != 0  # tensor([[True, False], [False, True]])

# %%
# No error, wrong loss: 0/1 targets in ``nn.MultiLabelMarginLoss``
# ----------------------------------------------------------------
#
# ``nn.MultiLabelMarginLoss`` reads a row of zeros and ones as a list of
# indices, so the labels would be 0 and 1. There is no error. Convert the
# row to a list of indices that ends in -1, or use
# ``nn.MultiLabelSoftMarginLoss``, which takes zeros and ones.
scores = torch.tensor([[0.0, 5.0, 0.0, 5.0]])
multi_hot = torch.tensor([[0, 1, 0, 1]])
F.multilabel_margin_loss(scores, multi_hot)  # tensor(4.)
labels = torch.full((1, 4), -1)
labels[0, :2] = multi_hot[0].nonzero().flatten()
labels  # tensor([[1, 3, -1, -1]])
F.multilabel_margin_loss(scores, labels)  # tensor(0.)

# %%
# Error: target tensor should be 1-D (``nn.MultiMarginLoss``)
# -----------------------------------------------------------
#
# ``nn.MultiMarginLoss`` needs one class index per sample. Rows of zeros and
# ones are for the multi-label losses. ``argmax`` converts one-hot rows to
# indices.
scores = torch.tensor([[1.0, 3.0], [2.0, 0.0]])
one_hot = torch.tensor([[0, 1], [0, 1]])
with suppress(RuntimeError):
    F.multi_margin_loss(scores, one_hot)  # RuntimeError: but got [2, 2]
F.multi_margin_loss(scores, one_hot.argmax(dim=1))  # tensor(0.7500)
