"""
Reduction of a loss
===================

Turn one loss per element into the one number that backward needs.
"""
from contextlib import suppress

import torch
import torch.nn.functional as F
from torch import nn

# %%
# Mean, sum or one loss per element: ``reduction=``
# -------------------------------------------------
#
# Every loss but ``nn.AdaptiveLogSoftmaxWithLoss`` takes ``"mean"`` (the
# default), ``"sum"`` or ``"none"``. The sum grows with the batch, so its
# learning rate depends on the batch size; the mean does not.
prediction = torch.tensor([1.0, 2.0, 3.0])
target = torch.tensor([1.0, 3.0, 5.0])
nn.MSELoss(reduction="none")(prediction, target)  # tensor([0., 1., 4.])
nn.MSELoss(reduction="sum")(prediction, target)  # tensor(5.)
nn.MSELoss(reduction="mean")(prediction, target)  # tensor(1.6667)
with suppress(ValueError):
    nn.MSELoss(reduction="avg")(target, target)  # ValueError: avg is not

# %%
# Error: grad can be implicitly created only for scalar outputs
# -------------------------------------------------------------
#
# ``reduction="none"`` gives one loss per element, and ``backward`` starts
# from one number. Reduce by hand first.
prediction = torch.tensor([1.0, 2.0], requires_grad=True)
losses = F.mse_loss(prediction, torch.zeros(2), reduction="none")
with suppress(RuntimeError):
    losses.backward()  # RuntimeError: only for scalar outputs
losses.sum().backward()
prediction.grad  # tensor([2., 4.])

# %%
# Mean over elements, or over the batch: ``reduction="mean"``
# -----------------------------------------------------------
#
# For ``nn.MSELoss`` and its like, ``"mean"`` divides by the number of
# elements, not of samples. A loss summed over each sample and averaged over
# the batch, as in the formula of many a paper, is larger by the elements
# per sample. ``nn.CrossEntropyLoss`` divides by targets that count.
image = torch.ones(4, 3, 8, 8)
zero = torch.zeros(4, 3, 8, 8)
F.mse_loss(image, zero)  # tensor(1.)
per_sample = F.mse_loss(image, zero, reduction="none").flatten(1).sum(dim=1)
per_sample  # tensor([192., 192., 192., 192.])
per_sample.mean()  # tensor(192.)
logits, labels = torch.zeros(4, 10), torch.zeros(4, dtype=torch.int64)
summed = F.cross_entropy(logits, labels, reduction="sum")
mean = F.cross_entropy(logits, labels)
torch.allclose(mean, summed / 4)  # True

# %%
# Weighted mean: ``nn.CrossEntropyLoss(weight=...)``
# --------------------------------------------------
#
# With class weights, ``"mean"`` divides by the sum of the weights of the
# targets in the batch, not by their number. The mean of ``"none"`` differs,
# and so does a batch whose targets are all of one class: there the weight
# cancels.
logits = torch.tensor([[2.0, 0.0], [0.0, 1.0], [1.0, 0.0]])
target = torch.tensor([0, 1, 1])
weight = torch.tensor([1.0, 5.0])
mean = nn.CrossEntropyLoss(weight=weight)(logits, target)
losses = F.cross_entropy(logits, target, weight, reduction="none")
torch.allclose(mean, losses.sum() / weight[target].sum())  # True
torch.allclose(mean, losses.mean())  # False
one_class = F.cross_entropy(logits[1:], target[1:], weight)
torch.allclose(one_class, F.cross_entropy(logits[1:], target[1:]))  # True

# %%
# Weight samples or outputs: ``reduction="none"``
# -----------------------------------------------
#
# Multiply the unreduced loss by weights of your own, then divide by what
# the weights add up to. The weights broadcast as any tensor does: (N, 1)
# weighs samples, (D,) weighs outputs.
prediction = torch.zeros(2, 3)
target = torch.tensor([[1.0, 2.0, 3.0], [1.0, 1.0, 1.0]])
losses = F.mse_loss(prediction, target, reduction="none")
sample_weight = torch.tensor([[3.0], [1.0]])
(losses * sample_weight).sum() / (3 * sample_weight.sum())  # tensor(3.7500)
output_weight = torch.tensor([1.0, 0.0, 0.0])
(losses * output_weight).sum() / 2  # tensor(1.)

# %%
# Train on the hardest samples or pixels: ``topk`` of the loss
# ------------------------------------------------------------
#
# Compute one loss per element, keep the largest with ``topk`` and take
# their mean. The other samples get no gradient. For segmentation, flatten
# the pixels of each image first. Wrong labels have large losses, too, so do
# not choose too few.
logits = torch.tensor([[3.0, 0.0], [0.0, 0.0], [0.0, 2.0], [1.0, 0.0]])
logits.requires_grad_()
target = torch.zeros(4, dtype=torch.int64)
each = F.cross_entropy(logits, target, reduction="none")
each.detach()  # tensor([0.0486, 0.6931, 2.1269, 0.3133])
loss = each.topk(2).values.mean()
loss.detach()  # tensor(1.4100)
loss.backward()
logits.grad.any(dim=1)  # tensor([False, True, True, False])
pixels = torch.randn(2, 5, 8, 8), torch.randint(5, (2, 8, 8))
each = F.cross_entropy(*pixels, reduction="none")
each.flatten(1).topk(16, dim=1).values.shape  # torch.Size([2, 16])

# %%
# Leave out padding: mask a loss with ``reduction="none"``
# --------------------------------------------------------
#
# Divide by the number of elements that are kept, or index with the mask,
# which does both at once; ``mean`` would count the padding as perfect
# predictions. A NaN times 0 is NaN, and indexing the losses can leave a NaN
# gradient: where padding may hold one, index prediction and target before
# the loss, or fill with ``torch.where``. Class targets have
# ``ignore_index``.
prediction = torch.tensor([[1.0, 2.0, 9.0], [3.0, 9.0, 9.0]])
target = torch.zeros(2, 3)
mask = torch.tensor([[1, 1, 0], [1, 0, 0]], dtype=torch.bool)
losses = F.l1_loss(prediction, target, reduction="none")
(losses * mask).sum() / mask.sum()  # tensor(2.)
losses[mask].mean()  # tensor(2.)
(losses * mask).mean()  # tensor(1.)
target[1, 2] = torch.nan
losses = F.l1_loss(prediction, target, reduction="none")
(losses * mask).sum()  # tensor(nan)
losses[mask].mean()  # tensor(2.)
prediction.requires_grad_()
after = F.mse_loss(prediction, target, reduction="none")[mask].mean()
torch.autograd.grad(after, prediction)[0][1, 2]  # tensor(nan)
before = F.mse_loss(prediction[mask], target[mask])
torch.autograd.grad(before, prediction)[0][1, 2]  # tensor(0.)

# %%
# Mean loss of an epoch when the last batch is short
# --------------------------------------------------
#
# The mean of the batch means counts the samples of a short batch more. Add
# up mean times batch size, and divide by the number of samples. ``item()``
# gives a number without the graph, so the graph is freed.
#
# .. glance:: total / len(data)
data = torch.tensor([1.0, 1.0, 1.0, 1.0, 6.0])
batches = data.split(4)
means = [F.l1_loss(x, torch.zeros_like(x)).item() for x in batches]
sum(means) / len(means)  # 3.5
total = sum(mean * len(x) for mean, x in zip(means, batches))
total / len(data)  # 2.0
F.l1_loss(data, torch.zeros(5)).item()  # 2.0

# %%
# Gradient accumulation with a mean loss
# --------------------------------------
#
# Gradients add up over calls of ``backward``. To get the gradient of the
# full batch, weigh each part by its share of what the mean divides by: here
# of the samples, of the tokens that count where some are left out. With
# equal shares that is a division by the number of parts.
x = torch.tensor([1.0, 2.0, 4.0, 5.0])
w = torch.tensor(1.0, requires_grad=True)
F.mse_loss(w * x, torch.zeros(4)).backward()
w.grad  # tensor(23.)
w.grad = None
for part in x.split(2):
    loss = F.mse_loss(w * part, torch.zeros(2))
    (loss * len(part) / len(x)).backward()
w.grad  # tensor(23.)

# %%
# Gradient accumulation with padding: divide by the tokens that count
# -------------------------------------------------------------------
#
# The mean of ``F.cross_entropy`` divides by the targets that are not
# ignored, and sequences of unequal length have different numbers of them.
# Sum the loss of each part, and divide by the number in the whole batch. An
# average of the means gives another loss.
logits = torch.randn(2, 4, 5)
target = torch.tensor([[1, 2, 3, 4], [2, -100, -100, -100]])
whole = F.cross_entropy(logits.flatten(0, 1), target.flatten())
tokens = (target != -100).sum()
total, means = 0, 0
for x, y in zip(logits, target):
    total += F.cross_entropy(x, y, reduction="sum") / tokens
    means += F.cross_entropy(x, y) / len(target)
torch.allclose(total, whole)  # True
torch.allclose(means, whole)  # False

# %%
# Warning: size_average and reduce args will be deprecated
# --------------------------------------------------------
#
# Two switches of early versions, which ``reduction=`` replaces and which
# overrule it. You may have set one unaware: the third positional argument
# of ``F.mse_loss`` and its like is ``size_average``, so any text there
# counts as true and gives the mean.
x, y = torch.tensor([1.0, 3.0]), torch.zeros(2)
old = nn.L1Loss(size_average=False)  # UserWarning: use reduction='sum'
old(x, y)  # tensor(4.)
old = nn.L1Loss(reduce=False)  # UserWarning: use reduction='none'
old(x, y)  # tensor([1., 3.])
F.l1_loss(x, y, "sum")  # UserWarning: use reduction='mean'
F.l1_loss(x, y, reduction="sum")  # tensor(4.)
