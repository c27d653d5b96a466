"""
Binary losses
=============

Train a binary classifier, or one that answers yes or no for each of several
labels.
"""
from contextlib import suppress

import torch
import torch.nn.functional as F
from torch import nn

# %%
# Binary cross entropy from logits: ``nn.BCEWithLogitsLoss``
# ----------------------------------------------------------
#
# ``nn.BCEWithLogitsLoss`` combines the sigmoid and binary cross entropy.
# Each element is a separate yes-or-no question, so it also fits several
# labels per sample. The targets are floats with the shape of the logits. To
# predict a class, test whether the logit is above 0, which means a
# probability above 0.5.
logits = torch.tensor([2.0, -1.0, 0.0])
target = torch.tensor([1.0, 0.0, 1.0])
loss = nn.BCEWithLogitsLoss()(logits, target)
p = torch.sigmoid(logits)
by_hand = -(target * p.log() + (1 - target) * (1 - p).log()).mean()
torch.allclose(loss, by_hand)  # True
same = F.binary_cross_entropy_with_logits(logits, target)
torch.allclose(loss, same)  # True
logits > 0  # tensor([True, False, False])

# %%
# Binary cross entropy from probabilities: ``nn.BCELoss``
# -------------------------------------------------------
#
# Use ``nn.BCELoss`` if the outputs are already probabilities, such as those
# of ``nn.Sigmoid`` or a product of probabilities. A target can also be a
# probability between 0 and 1. The smallest possible loss is then the
# entropy of the target.
p = torch.tensor([0.9, 0.2])
target = torch.tensor([1.0, 0.5])
loss = nn.BCELoss(reduction="none")(p, target)
by_hand = -target * p.log() - (1 - target) * (1 - p).log()
torch.allclose(loss, by_hand)  # True
torch.allclose(F.binary_cross_entropy(p, target), loss.mean())  # True
F.binary_cross_entropy(target, target)  # tensor(0.3466)

# %%
# Rare positives: ``nn.BCEWithLogitsLoss(pos_weight=...)``
# --------------------------------------------------------
#
# ``pos_weight`` multiplies the loss of the positives, with one value per
# label. To balance a label, use the number of negatives divided by the
# number of positives. ``weight`` multiplies positives and negatives alike,
# so it does not balance them. Unlike in ``nn.CrossEntropyLoss``, the mean
# is not divided by these weights.
labels = torch.tensor([[1.0, 0.0], [0.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
positives = labels.sum(dim=0)
(len(labels) - positives) / positives.clamp(min=1)  # tensor([3., 1.])
each = nn.BCEWithLogitsLoss(reduction="none", weight=torch.tensor(3.0))
each(torch.zeros(2), torch.tensor([1.0, 0.0]))  # tensor([2.0794, 2.0794])
each = nn.BCEWithLogitsLoss(reduction="none", pos_weight=torch.tensor(3.0))
each(torch.zeros(2), torch.tensor([1.0, 0.0]))  # tensor([2.0794, 0.6931])
logits = torch.tensor([[1.0, 0.0], [-1.0, 2.0]])
target = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
pos_weight = torch.tensor([3.0, 10.0])
loss = nn.BCEWithLogitsLoss(pos_weight=pos_weight)(logits, target)
positive = pos_weight * target * F.logsigmoid(logits)
negative = (1 - target) * F.logsigmoid(-logits)
torch.allclose(loss, -(positive + negative).mean())  # True

# %%
# ``nn.BCEWithLogitsLoss`` or two classes in ``nn.CrossEntropyLoss``
# ------------------------------------------------------------------
#
# Both describe the same model, because the single logit is the difference
# of the two logits. If you put a column of zeros before the logit,
# ``nn.CrossEntropyLoss`` gives the same loss. Its targets are int64 instead
# of floats.
z = torch.tensor([2.0, -1.0, 0.5])
target = torch.tensor([1, 0, 0])
binary = F.binary_cross_entropy_with_logits(z, target.float())
two_classes = torch.stack([torch.zeros(3), z], dim=1)
torch.allclose(F.cross_entropy(two_classes, target), binary)  # True

# %%
# Why with logits: ``nn.BCELoss`` on a saturated sigmoid
# ------------------------------------------------------
#
# In float32 the sigmoid of 20 is exactly 1. The probability of the other
# class is then 0, and its logarithm is minus infinity. ``nn.BCELoss``
# limits the logarithm to -100, and the gradient with respect to the logit
# is 0, so this confident but wrong prediction is not corrected.
# ``nn.BCEWithLogitsLoss`` gives the correct loss and gradient.
logits = torch.tensor([20.0], requires_grad=True)
target = torch.tensor([0.0])
p = torch.sigmoid(logits)
p == 1  # tensor([True])
loss = F.binary_cross_entropy(p, target)
loss.item()  # 100.0
torch.autograd.grad(loss, logits)[0]  # tensor([0.])
loss = F.binary_cross_entropy_with_logits(logits, target)
loss.item()  # 20.0
torch.autograd.grad(loss, logits)[0]  # tensor([1.])

# %%
# Label smoothing for ``nn.BCEWithLogitsLoss``
# --------------------------------------------
#
# ``nn.BCEWithLogitsLoss`` has no ``label_smoothing`` argument. Move the
# targets away from 0 and 1 yourself. The loss is then smallest at a finite
# logit, so a larger logit is pulled back. The result equals that of
# ``F.cross_entropy`` with ``label_smoothing`` for two classes.
smoothing = 0.1
labels = torch.tensor([1.0, 0.0])
target = labels * (1 - smoothing) + smoothing / 2
target  # tensor([0.9500, 0.0500])
target.logit()  # tensor([2.9444, -2.9444])
z = torch.tensor([8.0, -8.0], requires_grad=True)
loss = F.binary_cross_entropy_with_logits(z, target)
loss.backward()
z.grad.sign()  # tensor([1., -1.])
two = torch.stack([torch.zeros(2), z.detach()], dim=1)
same = F.cross_entropy(two, labels.long(), label_smoothing=smoothing)
torch.allclose(loss, same)  # True

# %%
# Labels 1 and -1: ``nn.SoftMarginLoss``, ``F.soft_margin_loss``
# --------------------------------------------------------------
#
# ``nn.SoftMarginLoss`` is the logistic loss, the mean of :math:`\log(1 +
# e^{-y x})` for logits x and labels y. It equals ``nn.BCEWithLogitsLoss``
# with the labels 1 and 0. Do not use the label 0 here, because its loss is
# :math:`\log 2` for each logit and it teaches the model nothing.
logits = torch.tensor([2.0, -1.0, 0.5])
sign = torch.tensor([1.0, -1.0, -1.0])
loss = nn.SoftMarginLoss()(logits, sign)
torch.allclose(loss, F.softplus(-sign * logits).mean())  # True
binary = F.binary_cross_entropy_with_logits(logits, (sign + 1) / 2)
torch.allclose(loss, binary)  # True
zero = torch.zeros(3)
F.soft_margin_loss(logits, zero)  # tensor(0.6931)

# %%
# Hinge loss of a support vector machine, by hand
# -----------------------------------------------
#
# With the labels 1 and -1, the hinge loss is the mean of
# :math:`\max(0, 1 - y x)`. Square it if you need a smooth loss.
# ``nn.HingeEmbeddingLoss`` is a different loss, which takes distances.
logits = torch.tensor([2.0, -0.5, 0.5], requires_grad=True)
sign = torch.tensor([1.0, -1.0, -1.0])
hinge = F.relu(1 - sign * logits)
hinge.tolist()  # [0.0, 0.5, 1.5]
hinge.mean().backward()
logits.grad  # tensor([0.0000, 0.3333, 0.3333])
hinge.square().mean()  # tensor(0.8333, grad_fn=<MeanBackward0>)

# %%
# Error: all elements of input should be between 0 and 1
# ------------------------------------------------------
#
# The input of ``nn.BCELoss`` is not a probability, usually because it is a
# logit or NaN. For logits, use ``nn.BCEWithLogitsLoss``. If the model
# already has a sigmoid, look for NaN before it. On a GPU the error is a
# failed assertion, after which the process cannot use the GPU, so the
# example runs on the CPU.
logits = torch.tensor([1.5, -2.0], device="cpu")
target = torch.tensor([1.0, 0.0], device="cpu")
with suppress(RuntimeError):
    nn.BCELoss()(logits, target)  # RuntimeError: all elements of input
broken = logits * torch.nan
with suppress(RuntimeError):
    nn.BCELoss()(broken, target)  # RuntimeError: all elements of input
nn.BCEWithLogitsLoss()(logits, target)  # tensor(0.1642)

# %%
# Error: target size must be the same as input size
# -------------------------------------------------
#
# A last layer with one output gives logits of shape (N, 1), but the labels
# have shape (N,). Remove the dimension from the logits with ``squeeze(1)``,
# or add one to the labels with ``unsqueeze(1)``.
logits = torch.zeros(4, 1)
target = torch.ones(4)
with suppress(ValueError):
    nn.BCEWithLogitsLoss()(logits, target)  # ValueError: must be the same
with suppress(ValueError):
    nn.BCELoss()(logits.sigmoid(), target)  # ValueError: different to
nn.BCEWithLogitsLoss()(logits.squeeze(1), target)  # tensor(0.6931)
nn.BCEWithLogitsLoss()(logits, target.unsqueeze(1))  # tensor(0.6931)

# %%
# Error: target size ([4]) is different to the input size ([4, 2])
# ----------------------------------------------------------------
#
# A model with two outputs belongs to ``nn.CrossEntropyLoss``.
# ``nn.BCELoss`` and ``nn.BCEWithLogitsLoss`` need a float target for each
# output. For two classes, keep ``nn.CrossEntropyLoss``, or give the last
# layer one output and the labels the shape (N, 1). One-hot targets also
# have the right shape, but the two outputs then become separate yes-or-no
# questions, with another loss.
logits = torch.tensor([[2.0, 0.0], [0.0, 1.0], [0.0, 3.0], [1.0, 0.0]])
labels = torch.tensor([0, 1, 1, 1])
p = logits.softmax(dim=1)
with suppress(ValueError):
    nn.BCELoss()(
        p, labels
    )  # ValueError: Using a target size (torch.Size([4])) that is different
with suppress(ValueError):
    nn.BCEWithLogitsLoss()(
        logits, labels
    )  # ValueError: Target size (torch.Size([4])) must be the same as
F.cross_entropy(logits, labels)  # tensor(0.4505)
one = logits[:, 1:] - logits[:, :1]
target = labels.float().unsqueeze(1)
one.shape, target.shape  # (torch.Size([4, 1]), torch.Size([4, 1]))
nn.BCEWithLogitsLoss()(one, target)  # tensor(0.4505)
one_hot = F.one_hot(labels, 2).float()
nn.BCEWithLogitsLoss()(logits, one_hot)  # tensor(0.5718)

# %%
# Error: result type Float can't be cast to the desired output type Long
# ----------------------------------------------------------------------
#
# ``nn.BCELoss`` and ``nn.BCEWithLogitsLoss`` need a float target, unlike
# ``nn.CrossEntropyLoss`` with its class indices. Convert the labels with
# ``float()``, best once in the dataset.
p = torch.tensor([0.5, 0.5])
target = torch.tensor([1, 0])
with suppress(RuntimeError):
    nn.BCEWithLogitsLoss()(p, target)  # RuntimeError: can't be cast
with suppress(RuntimeError):
    nn.BCELoss()(p, target)  # RuntimeError: dtype Long but expected Float
nn.BCELoss()(p, target.float())  # tensor(0.6931)
