"""
Binary losses
=============

Train on yes or no: one logit per question, two classes or many labels.
"""
from contextlib import suppress

import torch
import torch.nn.functional as F
from torch import nn

# %%
# Yes or no from a logit: ``nn.BCEWithLogitsLoss``
# ------------------------------------------------
#
# Sigmoid and binary cross entropy in one, also for several labels that may
# hold together: every element is a question of its own. Targets are floats
# of the shape of the logits. The decision needs no sigmoid: a logit above 0
# is a probability above one half.
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
# Yes or no from a probability: ``nn.BCELoss``
# --------------------------------------------
#
# For outputs that are probabilities already, such as those of
# ``nn.Sigmoid`` or a product of probabilities. Targets need not be 0 or 1:
# any probability will do, and the least loss is then its entropy.
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
# ``pos_weight`` multiplies the term of the positives, one value per label;
# the number of negatives over that of positives balances them. ``weight``
# multiplies both terms, so it does not change the balance within a label.
# Neither is divided out of the mean again, other than in
# ``nn.CrossEntropyLoss``.
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
# They are the same model: the one logit is the difference of the two. A
# logit z against a fixed 0 gives the same loss, with int64 targets in place
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
# In float32 the sigmoid of 20 is exactly 1, and the log of the rest would
# be infinite. ``nn.BCELoss`` cuts it off at -100, and no gradient passes
# the sigmoid: a sure and wrong prediction is never corrected. From logits
# loss and gradient are right.
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
# logit, so a larger one is pulled back. The result equals that of
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
# The mean of :math:`\log(1 + e^{-y x})`: the logistic loss, and the same as
# ``nn.BCEWithLogitsLoss`` with labels 1 and 0. A label 0 costs
# :math:`\log 2` whatever the logit, so such a row is never learned.
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
# ``nn.HingeEmbeddingLoss`` is not it: that one takes distances, see the
# embedding losses. With labels 1 and -1 the hinge loss is the mean of
# :math:`\max(0, 1 - y x)`; its square is smooth.
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
# ``nn.BCELoss`` got logits, or NaN. Take the loss with logits instead of
# adding a sigmoid; if there is a sigmoid already, look for NaN before it.
# On a GPU this is an assertion, after which the process cannot use the GPU
# again, hence the CPU here.
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
# A last layer of one unit gives (N, 1), labels are (N,). Squeeze the
# logits or unsqueeze the labels; broadcasting would pair all with all.
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
# ``nn.BCELoss`` and ``nn.BCEWithLogitsLoss`` compute with the target, so it
# must be a float, other than the class indices of ``nn.CrossEntropyLoss``.
# Convert labels once, in the data set.
p = torch.tensor([0.5, 0.5])
target = torch.tensor([1, 0])
with suppress(RuntimeError):
    nn.BCEWithLogitsLoss()(p, target)  # RuntimeError: can't be cast
with suppress(RuntimeError):
    nn.BCELoss()(p, target)  # RuntimeError: dtype Long but expected Float
nn.BCELoss()(p, target.float())  # tensor(0.6931)
