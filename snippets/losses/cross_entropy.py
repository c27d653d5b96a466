"""
Cross entropy
=============

Train a classifier that gives each sample one class.

.. which::

   - ``nn.CrossEntropyLoss``, ``F.cross_entropy``: one class, from logits
   - ``nn.NLLLoss``, ``F.nll_loss``: the same, from log-probabilities
   - ``nn.BCEWithLogitsLoss``: two classes, or labels that hold together
   - ``nn.MultiLabelSoftMarginLoss``: such labels, one loss per sample
   - ``nn.BCELoss``: as the two above, from probabilities
   - ``nn.MultiMarginLoss``: one class by a margin, as in an SVM
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
# Logits (N, C), any real numbers, and targets (N,), the index of the right
# class as int64. The loss is :math:`-\log` of the probability that softmax
# gives to the target. Equal logits cost :math:`\log C`: what an untrained
# network should start with.
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
# ``nn.NLLLoss`` picks the entry of the target and turns its sign: it takes
# no logarithm, whatever its name says. Use it where the network ends in
# ``nn.LogSoftmax``, and cross entropy where it ends in logits.
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
# With respect to the logits it is the predicted distribution minus the true
# one, over N with the mean: bounded, and 0 only where they agree.
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
# One weight per class, for unbalanced data. The loss is the weighted mean,
# divided by the weights of the targets at hand. Weights in proportion to
# one over the class counts make each class count the same.
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
# ``ignore_index`` is a value of the targets and not a position, -100 by
# default; choose one that is no class, such as -1 or 255. Targets equal to
# it add nothing to the loss and are not counted in the mean. A batch of
# ignored targets alone divides 0 by 0.
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
# The one-hot target is mixed with the uniform distribution: the right class
# gets :math:`1 - \epsilon + \epsilon / C`, every other
# :math:`\epsilon / C`. The least loss is then no longer 0.
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
# A float target of the shape of the logits is a distribution over classes,
# as from mixup, annotators who disagree, or a teacher. Without class
# weights, one-hot floats give what indices give; with them, the mean
# divides by N and not by the weights. Rows are not checked to sum to 1, and
# ``ignore_index`` does not apply.
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
# The classes of a batch are always dimension 1, and the target lacks it:
# (N, H, W) for a segmentation, (N, L) for text. Models of sequences give
# (N, L, C): use ``transpose(1, 2)``, or flatten all but the classes. Do not
# reshape from (N, C, H, W).
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
# The last linear layer and the loss in one, for language models. With
# ``nn.LinearCrossEntropyOptions`` the function ``F.linear_cross_entropy``
# goes through the batch in pieces: it does not need the logits of all rows
# at once.
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
# A class that is not allowed often gets a logit of minus infinity, and the
# softmax of a row that has nothing else is ``nan``. ``ignore_index`` keeps
# such a row out of the loss, but its gradient is still ``nan``. Do not mask
# rows that are ignored, or use a large negative number instead.
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
# The weights multiply the smoothed part as well. A rare class of weight 100
# then takes most of the probability of a common one. Smooth the targets
# yourself and weight each sample by its own class.
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
