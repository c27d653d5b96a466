"""
Reduction of a loss
===================

Reduce the losses of all elements to the one number that ``backward`` needs,
with a mean, a sum or your own weights.
"""
from contextlib import suppress

import torch
import torch.nn.functional as F
from torch import nn

# %%
# Mean, sum or one loss per element: ``reduction=``
# -------------------------------------------------
#
# Most losses take ``reduction="mean"`` (the default), ``"sum"`` or
# ``"none"``. The sum grows with the size of the batch, so the right
# learning rate depends on the batch size, too. The mean does not have this
# problem. ``nn.AdaptiveLogSoftmaxWithLoss`` has no such argument.
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
# ``reduction="none"`` gives one loss per element, but ``backward`` needs a
# single number. Call ``sum`` or ``mean`` on the losses first.
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
# For ``nn.MSELoss`` and similar losses, ``"mean"`` divides by the number of
# elements and not by the number of samples. Many papers sum the loss over
# each sample and average it over the batch, which multiplies the value by
# the number of elements per sample. ``nn.CrossEntropyLoss`` divides by the
# number of targets that are not ignored.
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
# targets, and not by their number. It therefore differs from the mean of
# the losses with ``"none"``. If all targets of a batch are of the same
# class, the weight cancels out and has no effect.
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
# Multiply the losses by your own weights, and then divide by the sum of the
# weights over all elements. The weights are broadcast. Use shape (N, 1) to
# weight the samples, and shape (D,) to weight the outputs.
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
# not keep too few elements.
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
# Multiply by the mask and divide by the number of elements that you keep,
# or index the losses with the mask. ``(losses * mask).mean()`` would count
# the padding as perfect predictions. If the padding can contain NaN, index
# prediction and target before you compute the loss, because otherwise the
# gradient can be NaN. For class targets use ``ignore_index``.
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
# If you average the mean losses of the batches, the samples of a smaller
# batch count more. Multiply each mean by its batch size, add these up, and
# divide by the number of samples. Use ``item()`` to get a number, so that
# the graph can be freed.
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
# full batch, multiply the mean loss of each part by its share of the
# samples. If the parts have the same size, this is the same as dividing by
# the number of parts.
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
# The mean of ``F.cross_entropy`` divides by the number of targets that are
# not ignored, and this number differs between sequences of different
# lengths. Sum the loss of each part, and divide it by the number of such
# targets in the whole batch. An average of the means gives another result.
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
# ``size_average`` and ``reduce`` are old arguments, and ``reduction``
# replaces them. You may have set one by accident, because the third
# positional argument of ``F.l1_loss`` and similar functions is
# ``size_average``. The string ``"sum"`` there counts as true and gives the
# mean. Pass ``reduction`` by name.
x, y = torch.tensor([1.0, 3.0]), torch.zeros(2)
old = nn.L1Loss(size_average=False)  # UserWarning: use reduction='sum'
old(x, y)  # tensor(4.)
old = nn.L1Loss(reduce=False)  # UserWarning: use reduction='none'
old(x, y)  # tensor([1., 3.])
F.l1_loss(x, y, "sum")  # UserWarning: use reduction='mean'
F.l1_loss(x, y, reduction="sum")  # tensor(4.)
