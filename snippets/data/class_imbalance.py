"""
Class imbalance
===============

Count the classes, sample rare classes more often, or give them more weight
in the loss.
"""
from contextlib import suppress

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.utils.class_weight import compute_class_weight
from torch import nn
from torch.utils.data import WeightedRandomSampler

# %%
# Count samples per class: ``torch.bincount``
# -------------------------------------------
#
# ``torch.bincount`` counts targets that are class indices. Pass the number
# of classes as ``minlength``, otherwise classes without samples are missing
# at the end. ``torch.unique`` lists the classes that occur.
targets = torch.tensor([0, 2, 0, 0, 2, 0])
torch.bincount(targets, minlength=4)  # tensor([4, 0, 2, 0])
torch.bincount(targets)  # tensor([4, 0, 2])
classes, counts = targets.unique(return_counts=True)
classes, counts  # (tensor([0, 2]), tensor([4, 2]))

# %%
# High accuracy that means nothing: always the majority class
# -----------------------------------------------------------
#
# If 95 percent of the samples belong to one class, a model that always
# predicts this class is 95 percent accurate. Report the recall of each
# class, or the mean of the recalls, which is the balanced accuracy.
targets = torch.tensor([0] * 95 + [1] * 5)
predictions = torch.zeros(100, dtype=torch.int64)
correct = predictions == targets
correct.double().mean().item()  # 0.9500
recall = torch.stack([correct[targets == c].float().mean() for c in [0, 1]])
recall  # tensor([1., 0.])
recall.mean()  # tensor(0.5000)

# %%
# Balanced batches: ``WeightedRandomSampler`` with class weights
# --------------------------------------------------------------
#
# Set the weight of each sample to one over the number of samples in its
# class. Rare samples are drawn several times and others are left out, so
# add data augmentation. Use the sampler for training, and leave the
# validation set as it is.
#
# .. glance:: (after - 10_000 / 3).abs().max() < 330
targets = torch.tensor([0] * 9000 + [1] * 900 + [2] * 100)
counts = targets.bincount()
counts  # tensor([9000,  900,  100])
weights = (1 / counts)[targets]
sampler = WeightedRandomSampler(weights, num_samples=len(targets))
drawn = targets[list(sampler)]
after = drawn.bincount()
(after - 10_000 / 3).abs().max() < 330  # tensor(True)

# %%
# Class weights in the loss: ``nn.CrossEntropyLoss(weight=...)``
# --------------------------------------------------------------
#
# Class weights leave the batches unchanged and give rare classes more
# weight in the loss. The weight here is one over the share of the class,
# divided by the number of classes. scikit-learn calls these weights
# balanced.
targets = torch.tensor([0] * 6 + [1] * 3 + [2] * 1)
counts = targets.bincount(minlength=3)
weight = len(targets) / (3 * counts)
weight  # tensor([0.5556, 1.1111, 3.3333])
y = targets.cpu().numpy()
balanced = compute_class_weight("balanced", classes=np.unique(y), y=y)
np.allclose(weight.cpu().numpy(), balanced)  # True
logits = torch.randn(10, 3)
loss = nn.CrossEntropyLoss(weight=weight)(logits, targets)
each = F.cross_entropy(logits, targets, reduction="none")
per_class = torch.stack([each[targets == c].mean() for c in range(3)])
torch.allclose(loss, per_class.mean())  # True

# %%
# Mean of a weighted loss: divided by weights, not by samples
# -----------------------------------------------------------
#
# For class indices, the mean of ``F.cross_entropy`` divides by the sum of
# the weights of the targets. Multiplying all weights by 10 therefore
# changes nothing, and weights have no effect on a batch of a single class.
# For targets that are probabilities, it divides by the number of samples.
logits = torch.tensor([[2.0, 0.0], [0.0, 1.0], [1.0, 0.0]])
targets = torch.tensor([0, 1, 1])
weight = torch.tensor([1.0, 4.0])
each = F.cross_entropy(logits, targets, reduction="none")
by_hand = (weight[targets] * each).sum() / weight[targets].sum()
loss = F.cross_entropy(logits, targets, weight=weight)
torch.allclose(loss, by_hand)  # True
scaled = F.cross_entropy(logits, targets, weight=10 * weight)
torch.allclose(loss, scaled)  # True
one = F.cross_entropy(logits[1:], targets[1:], weight=weight)
torch.allclose(one, each[1:].mean())  # True
rows = F.one_hot(targets, 2).float()
loss = F.cross_entropy(logits, rows, weight=weight)
torch.allclose(loss, (weight[targets] * each).mean())  # True

# %%
# Weight of the positives, negatives over positives: ``pos_weight``
# -----------------------------------------------------------------
#
# ``nn.BCEWithLogitsLoss`` multiplies the loss of the positives by
# ``pos_weight``. If ``pos_weight`` is the number of negatives divided by
# the number of positives, both have the same total weight. For multi-label
# targets, pass one number per label. Unlike with class weights, the mean
# still divides by the number of elements.
targets = torch.tensor([0.0, 0.0, 0.0, 1.0])
pos_weight = (targets == 0).sum() / (targets == 1).sum()
pos_weight  # tensor(3.)
logits = torch.tensor([0.5, -1.0, 2.0, 0.0])
loss = nn.BCEWithLogitsLoss(pos_weight=pos_weight)(logits, targets)
p = logits.sigmoid()
each = -(3 * targets * p.log() + (1 - targets) * (1 - p).log())
torch.allclose(loss, each.mean())  # True

# %%
# Rare classes too probable after balanced training: correct the logits
# ---------------------------------------------------------------------
#
# A model that is trained on balanced batches learns equal shares of the
# classes. To correct the model, divide the true share of each class by its
# share in training, and add the logarithm of this ratio to the logit.
#
# .. glance:: corrected.softmax(dim=0)
share = torch.tensor([0.9, 0.1])
balanced = torch.tensor([0.5, 0.5])
logits = torch.tensor([0.0, 0.0])
logits.softmax(dim=0)  # tensor([0.5000, 0.5000])
corrected = logits + (share / balanced).log()
corrected.softmax(dim=0)  # tensor([0.9000, 0.1000])

# %%
# Only two samples are ever drawn (``WeightedRandomSampler``)
# -----------------------------------------------------------
#
# If you pass one weight per class, the sampler uses them as the weights of
# sample 0 and sample 1, and there is no error. Index the class weights with
# the targets to get one weight per sample.
targets = torch.tensor([0, 0, 0, 0, 1])
per_class = 1 / targets.bincount()
wrong = WeightedRandomSampler(per_class, 1000)
set(wrong) == {0, 1}  # True
right = WeightedRandomSampler(per_class[targets], 1000)
set(right) == {0, 1, 2, 3, 4}  # True

# %%
# No balance without replacement (``WeightedRandomSampler``)
# ----------------------------------------------------------
#
# With ``replacement=False`` and as many draws as samples, each sample comes
# once. The weights then affect the order, but not the counts. With fewer
# draws, rare classes are drawn more often. More draws than samples raise an
# error.
targets = torch.tensor([0] * 90 + [1] * 10)
weights = (1 / targets.bincount())[targets]
sampler = WeightedRandomSampler(weights, 100, replacement=False)
targets[list(sampler)].bincount()  # tensor([90, 10])
sampler = WeightedRandomSampler(weights, 101, replacement=False)
with suppress(RuntimeError):
    list(sampler)  # RuntimeError: cannot sample n_sample >

# %%
# Infinite weight for a class without samples
# -------------------------------------------
#
# One over a count of 0 is infinite. The problem appears later: with label
# smoothing, as here, or when the class occurs after all. Clamp the counts
# to at least 1.
targets = torch.tensor([0, 0, 1])
counts = targets.bincount(minlength=3)
1 / counts  # tensor([0.5000, 1.0000, inf])
weight = 1 / counts.clamp(min=1)
weight  # tensor([0.5000, 1.0000, 1.0000])
smoothed = nn.CrossEntropyLoss(weight=1 / counts, label_smoothing=0.1)
smoothed(torch.zeros(3, 3), targets)  # tensor(inf)
smoothed = nn.CrossEntropyLoss(weight=weight, label_smoothing=0.1)
factor = 0.9 + 0.1 * weight.mean() / weight[targets].mean()
factor * torch.tensor(3.0).log()  # tensor(1.1261)
smoothed(torch.zeros(3, 3), targets)  # tensor(1.1261)
