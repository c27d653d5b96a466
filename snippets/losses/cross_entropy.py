"""
Cross entropy
=============

Train a classifier that assigns one of several classes to each sample.

.. which::

   - ``nn.CrossEntropyLoss``, ``F.cross_entropy``: one class, from logits
   - ``nn.NLLLoss``, ``F.nll_loss``: one class, from log-probabilities
   - ``nn.BCEWithLogitsLoss``: two classes or several labels, from logits
   - ``nn.MultiLabelSoftMarginLoss``: several labels, one loss per sample
   - ``nn.BCELoss``: two classes or several labels, from probabilities
   - ``nn.MultiMarginLoss``: one class with a margin, as in an SVM
   - ``nn.KLDivLoss``: the target is a distribution
   - ``nn.CTCLoss``: a sequence of labels without alignment
"""
import torch
import torch.nn.functional as F
from torch import nn

# %%
# Loss of a classifier: ``nn.CrossEntropyLoss``, ``F.cross_entropy``
# ------------------------------------------------------------------
#
# The logits have shape (N, C), for N samples and C classes. The targets
# have shape (N,) and hold the index of the correct class as int64. The loss
# is :math:`-\log` of the probability that softmax gives to the correct
# class. For equal logits it is :math:`\log C`, so an untrained network
# should start near this value.
logits = torch.tensor([[2.0, 0.0, 1.0], [0.0, 3.0, 0.0]])
target = torch.tensor([0, 2])
loss = nn.CrossEntropyLoss()(logits, target)
loss  # tensor(1.7513)
F.cross_entropy(logits, target)  # tensor(1.7513)
probability = logits.softmax(dim=1)
chosen = probability[torch.arange(2), target]
torch.allclose(loss, -chosen.log().mean())  # True
equal = F.cross_entropy(torch.zeros(2, 10), target)
torch.allclose(equal, torch.tensor(10.0).log())  # True

# %%
# Cross entropy is log-softmax and ``nn.NLLLoss``, ``F.nll_loss``
# ---------------------------------------------------------------
#
# ``nn.NLLLoss`` picks the entry of the target class and changes its sign.
# In spite of its name it does not compute a logarithm. Use it if the
# network ends in ``nn.LogSoftmax``. Use ``nn.CrossEntropyLoss`` if the
# network returns logits.
logits = torch.tensor([[2.0, 0.0, 1.0], [0.0, 3.0, 0.0]])
target = torch.tensor([0, 2])
log_probability = nn.LogSoftmax(dim=1)(logits)
loss = nn.NLLLoss()(log_probability, target)
torch.allclose(loss, F.cross_entropy(logits, target))  # True
F.nll_loss(torch.tensor([[-5.0, -7.0]]), torch.tensor([1]))  # tensor(7.)

# %%
# The gradient of ``F.cross_entropy``: softmax minus one-hot
# ----------------------------------------------------------
#
# The gradient with respect to the logits is the predicted probabilities
# minus the one-hot target. With the default mean it is divided by N. It is
# 0 if the prediction agrees with the target.
logits = torch.tensor([[2.0, 0.0, 1.0], [0.0, 3.0, 0.0]])
logits.requires_grad_()
target = torch.tensor([0, 2])
F.cross_entropy(logits, target).backward()
by_hand = logits.softmax(dim=1) - F.one_hot(target, 3)
torch.allclose(logits.grad, by_hand / 2)  # True

# %%
# Weight the classes: ``nn.CrossEntropyLoss(weight=...)``
# -------------------------------------------------------
#
# For unbalanced data, pass one weight per class. The loss is the weighted
# mean, divided by the sum of the weights of the targets in the batch. If
# the weight of a class is proportional to one over its number of samples,
# all classes have the same total weight.
counts = torch.tensor([900.0, 100.0])
weight = counts.sum() / (2 * counts)
weight  # tensor([0.5556, 5.0000])
logits = torch.tensor([[1.0, 0.0], [1.0, 0.0]])
target = torch.tensor([0, 1])
loss = nn.CrossEntropyLoss(weight=weight)(logits, target)
each = F.cross_entropy(logits, target, reduction="none")
w = weight[target]
torch.allclose(loss, (w * each).sum() / w.sum())  # True

# %%
# Leave out padding: ``nn.CrossEntropyLoss(ignore_index=...)``
# ------------------------------------------------------------
#
# Targets equal to ``ignore_index`` add nothing to the loss and do not count
# in the mean. The default is -100. You can choose another value that is not
# a class, such as -1 or 255. If a batch has ignored targets only, the mean
# is 0/0, which is nan.
logits = torch.tensor([[1.0, 0.0], [0.0, 2.0], [5.0, 0.0]])
target = torch.tensor([0, 1, -100])
kept = F.cross_entropy(logits[:2], target[:2])
torch.allclose(nn.CrossEntropyLoss()(logits, target), kept)  # True
padded = torch.tensor([0, 1, 255])
loss = nn.CrossEntropyLoss(ignore_index=255)(logits, padded)
torch.allclose(loss, kept)  # True
first = torch.tensor([-1, 1, 0])
each = F.cross_entropy(logits, first, ignore_index=-1, reduction="none")
each[0]  # tensor(0.)
F.cross_entropy(logits[2:], target[2:])  # tensor(nan)

# %%
# Soften the targets: ``nn.CrossEntropyLoss(label_smoothing=...)``
# ----------------------------------------------------------------
#
# Label smoothing mixes the one-hot target with the uniform distribution.
# The correct class gets :math:`1 - \epsilon + \epsilon / C`, and each other
# class gets :math:`\epsilon / C`. The smallest possible loss is then larger
# than 0.
logits = torch.tensor([[3.0, 0.0, 1.0, 1.0], [0.0, 3.0, 0.0, 1.0]])
target = torch.tensor([0, 2])
loss = nn.CrossEntropyLoss(label_smoothing=0.2)(logits, target)
soft = 0.8 * F.one_hot(target, 4) + 0.2 / 4
soft[0]  # tensor([0.8500, 0.0500, 0.0500, 0.0500])
torch.allclose(loss, F.cross_entropy(logits, soft))  # True
log_p = logits.log_softmax(dim=1)
torch.allclose(loss, -(soft * log_p).sum(dim=1).mean())  # True

# %%
# Probabilities as targets: ``F.cross_entropy``
# ---------------------------------------------
#
# A float target with the shape of the logits is a distribution over the
# classes, such as one from two mixed images (mixup) or from a teacher
# model. Without class weights, one-hot floats give the same loss as
# indices. With class weights, the mean divides by N and not by the weights.
# The function does not check that the rows sum to 1, and ``ignore_index``
# does not apply.
logits = torch.tensor([[2.0, 0.0, 1.0], [0.0, 3.0, 0.0]])
target = torch.tensor([[0.7, 0.2, 0.1], [0.0, 0.0, 1.0]])
loss = F.cross_entropy(logits, target)
by_hand = -(target * logits.log_softmax(dim=1)).sum(dim=1).mean()
torch.allclose(loss, by_hand)  # True
one_hot = F.one_hot(torch.tensor([0, 2]), 3).float()
indices = F.cross_entropy(logits, torch.tensor([0, 2]))
torch.allclose(F.cross_entropy(logits, one_hot), indices)  # True
weight = torch.tensor([1.0, 2.0, 5.0])
weighted = F.cross_entropy(logits, one_hot, weight)
indices = F.cross_entropy(logits, torch.tensor([0, 2]), weight)
torch.allclose(weighted, indices * (1 + 5) / 2)  # True

# %%
# Images and sequences: ``F.cross_entropy`` on (N, C, H, W)
# ---------------------------------------------------------
#
# For a batch, the classes are dimension 1 of the logits, and the target
# does not have this dimension. The target is (N, H, W) for segmentation and
# (N, L) for text. If a model returns (N, L, C), use ``transpose(1, 2)`` or
# flatten the other dimensions. Do not call ``reshape(-1, C)`` on (N, C, H,
# W), because this mixes up classes and pixels.
logits = torch.randn(2, 5, 4, 4)
target = torch.randint(5, (2, 4, 4))
loss = F.cross_entropy(logits, target)
F.cross_entropy(logits, target, reduction="none")  # shape (2, 4, 4)
last = logits.permute(0, 2, 3, 1)
flat = F.cross_entropy(last.flatten(0, 2), target.flatten())
torch.allclose(loss, flat)  # True
mixed_up = logits.reshape(-1, 5)
wrong = F.cross_entropy(mixed_up, target.flatten())
torch.allclose(loss, wrong)  # False

# %%
# Very many classes: ``nn.LinearCrossEntropyLoss``
# ------------------------------------------------
#
# ``nn.LinearCrossEntropyLoss`` combines the last linear layer and the loss,
# for example in a language model. With ``nn.LinearCrossEntropyOptions``,
# ``F.linear_cross_entropy`` processes the batch in chunks. It then does not
# need the logits of all rows at the same time.
#
# .. since:: 2.13
loss = nn.LinearCrossEntropyLoss(in_features=8, num_classes=50)
x = torch.randn(6, 8, requires_grad=True)
target = torch.randint(50, (6,))
logits = loss.linear(x)
torch.allclose(loss(x, target), F.cross_entropy(logits, target))  # True
options = nn.LinearCrossEntropyOptions(batch_chunk_size=2)
weight = loss.linear.weight
pieces = F.linear_cross_entropy(x, weight, target, options=options)
torch.allclose(pieces, F.cross_entropy(logits, target))  # True
(grad,) = torch.autograd.grad(pieces, x)
(whole,) = torch.autograd.grad(F.cross_entropy(logits, target), x)
torch.allclose(grad, whole, atol=1e-6)  # True

# %%
# Gradient is nan: all logits of a row are ``-inf``
# -------------------------------------------------
#
# Forbidden classes often get a logit of minus infinity. If a whole row is
# minus infinity, its softmax is ``nan``. ``ignore_index`` keeps such a row
# out of the loss, but its gradient is still ``nan``. Do not mask ignored
# rows, or use a large negative number instead of minus infinity.
logits = torch.tensor([[0.0, 1.0], [0.0, 1.0]], requires_grad=True)
target = torch.tensor([1, -100])
forbidden = torch.tensor([[False, False], [True, True]])
loss = F.cross_entropy(logits.masked_fill(forbidden, -torch.inf), target)
loss  # tensor(0.3133, grad_fn=<NllLossBackward0>)
masked = torch.tensor([[-torch.inf, -torch.inf]], requires_grad=True)
ignored = F.cross_entropy(masked, target[1:], reduction="sum")
torch.autograd.grad(ignored, masked)  # (tensor([[nan, nan]]),)
allowed = forbidden & (target != -100)[:, None]
loss = F.cross_entropy(logits.masked_fill(allowed, -torch.inf), target)
torch.autograd.grad(loss, logits)[0][1]  # tensor([0., 0.])

# %%
# Class weights with ``label_smoothing``: the wrong class is predicted
# --------------------------------------------------------------------
#
# The class weights also multiply the smoothed part of the target. Here a
# rare class has the weight 100, and the loss of a common sample is smallest
# when the rare class gets a probability of 0.84. Smooth the targets
# yourself, and weight each sample by its own class.
weight, target = torch.tensor([1.0, 100.0]), torch.tensor([0])
mass = torch.tensor([0.95, 0.05]) * weight
best = (mass / mass.sum()).log()[None].requires_grad_()
best.exp()  # tensor([[0.1597, 0.8403]], grad_fn=<ExpBackward0>)
loss = F.cross_entropy(best, target, weight, label_smoothing=0.1)
(torch.autograd.grad(loss, best)[0].abs() < 1e-5).all()  # tensor(True)
smooth = 0.9 * F.one_hot(target, 2) + 0.1 / 2
smooth  # tensor([[0.9500, 0.0500]])
logits = smooth.log().requires_grad_()
loss = F.cross_entropy(logits, smooth, reduction="none")
loss = (weight[target] * loss).sum() / weight[target].sum()
(torch.autograd.grad(loss, logits)[0].abs() < 1e-6).all()  # tensor(True)
