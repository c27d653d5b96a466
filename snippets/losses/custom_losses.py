"""
Your own loss
=============

Write the loss that ``torch.nn`` lacks, and check that it is right.
"""
from contextlib import suppress

import torch
import torch.nn.functional as F
from torch import nn

# %%
# A loss of your own as a function
# --------------------------------
#
# A differentiable function that gives one number is a loss: autograd finds
# the gradient. Compute with tensors throughout, and reduce at the end. This
# one is smooth at 0 and grows like the absolute error.
def log_cosh_loss(prediction, target):
    error = prediction - target
    return (F.softplus(2 * error) - error - torch.tensor(2.0).log()).mean()


prediction = torch.tensor([0.5, -2.0], requires_grad=True)
target = torch.zeros(2)
loss = log_cosh_loss(prediction, target)
torch.allclose(loss, prediction.cosh().log().mean())  # True
loss.backward()
torch.allclose(prediction.grad, prediction.detach().tanh() / 2)  # True
large = torch.tensor([200.0])
log_cosh_loss(large, torch.zeros(1))  # tensor(199.3069)
large.cosh().log()  # tensor([inf])

# %%
# A loss of your own as an ``nn.Module``
# --------------------------------------
#
# Choose it over a function if the loss has settings or tensors of its own:
# a buffer moves with ``to(device)`` and is saved, and a parameter is
# trained, if the optimizer is given it.
class QuantileLoss(nn.Module):
    def __init__(self, quantiles):
        super().__init__()
        self.register_buffer("quantiles", torch.tensor(quantiles))

    def forward(self, prediction, target):
        error = target[:, None] - prediction
        q = self.quantiles
        return torch.maximum(q * error, (q - 1) * error).mean()


criterion = QuantileLoss([0.1, 0.5, 0.9])
prediction = torch.tensor([[1.0, 2.0, 3.0]])
criterion(prediction, torch.tensor([2.0]))  # tensor(0.0667)
one = QuantileLoss([0.5])(torch.zeros(1, 1), torch.tensor([3.0]))
one  # tensor(1.5000)
list(criterion.state_dict())  # ['quantiles']

# %%
# Focal loss for unbalanced yes or no
# -----------------------------------
#
# Cross entropy times :math:`(1 - p)^\gamma`, where p is the probability of
# the true label: examples that are easy count little. With ``gamma=0`` it
# is binary cross entropy. ``torchvision.ops`` has it as
# ``sigmoid_focal_loss``, which also weighs the labels by ``alpha``.
def focal_loss(logits, target, gamma=2.0):
    bce = nn.BCEWithLogitsLoss(reduction="none")(logits, target)
    return ((1 - (-bce).exp()) ** gamma * bce).mean()


logits = torch.tensor([4.0, -4.0, 0.0])
target = torch.tensor([1.0, 1.0, 1.0])
bce = F.binary_cross_entropy_with_logits(logits, target)
torch.allclose(focal_loss(logits, target, gamma=0.0), bce)  # True
p = logits.sigmoid()
by_hand = -((1 - p) ** 2 * p.log()).mean()
torch.allclose(focal_loss(logits, target), by_hand)  # True

# %%
# Focal loss for one class of many
# --------------------------------
#
# The same with the unreduced ``F.cross_entropy``: the exponential of minus
# that is the probability of the target. Pass class weights as a factor of
# their own: inside, they would change that probability.
def focal_loss(logits, target, gamma=2.0):
    ce = F.cross_entropy(logits, target, reduction="none")
    return ((1 - (-ce).exp()) ** gamma * ce).mean()


logits = torch.tensor([[4.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
target = torch.tensor([0, 2])
ce = F.cross_entropy(logits, target)
torch.allclose(focal_loss(logits, target, gamma=0.0), ce)  # True
p = logits.softmax(dim=1)[[0, 1], target]
by_hand = -((1 - p) ** 2 * p.log()).mean()
torch.allclose(focal_loss(logits, target), by_hand)  # True

# %%
# Dice loss for segmentation
# --------------------------
#
# One minus twice the overlap over the sum of both areas, per image: a small
# object weighs as much as a large one, if ``eps`` is small against both.
# Probabilities, not decisions, or there is no gradient. ``eps`` makes an
# empty mask that is found empty cost 0, not NaN.
def dice_loss(probability, mask, eps=1.0):
    overlap = (probability * mask).flatten(1).sum(dim=1)
    areas = (probability + mask).flatten(1).sum(dim=1)
    return (1 - (2 * overlap + eps) / (areas + eps)).mean()


mask = torch.tensor([[[1.0, 1.0], [0.0, 0.0]]])
dice_loss(mask, mask)  # tensor(0.)
dice_loss(torch.zeros(1, 2, 2), torch.zeros(1, 2, 2))  # tensor(0.)
half = torch.tensor([[[1.0, 0.0], [0.0, 0.0]]])
dice_loss(half, mask, eps=0.0)  # tensor(0.3333)
dice_loss(1 - mask, mask, eps=0.0)  # tensor(1.)
large = torch.ones(1, 2, 2)
masks, found = torch.cat([large, half]), torch.cat([large, 0 * half])
dice_loss(found, masks, eps=0.0)  # tensor(0.5000)
dice_loss(0 * half, half)  # tensor(0.5000)
dice_loss(0 * large, large)  # tensor(0.8000)

# %%
# Label smoothing by hand, equal to ``label_smoothing=``
# ------------------------------------------------------
#
# A share of the loss goes to the mean over all classes. It is what
# ``nn.CrossEntropyLoss(label_smoothing=0.1)`` computes, so take that one.
def smoothed_cross_entropy(logits, target, smoothing):
    log_p = logits.log_softmax(dim=1)
    nll = F.nll_loss(log_p, target)
    uniform = -log_p.mean()
    return (1 - smoothing) * nll + smoothing * uniform


logits, target = torch.randn(8, 5), torch.randint(5, (8,))
loss = smoothed_cross_entropy(logits, target, 0.1)
built_in = F.cross_entropy(logits, target, label_smoothing=0.1)
torch.allclose(loss, built_in)  # True

# %%
# Combine losses with weights
# ---------------------------
#
# Add them up and call ``backward`` once; gradients add as the losses do.
# Log the parts as numbers, each without its weight, to see which one leads.
x = torch.tensor([1.0, -2.0], requires_grad=True)
data = F.mse_loss(x, torch.zeros(2))
penalty = x.abs().sum()
total = data + 0.1 * penalty
total.backward()
data.item(), penalty.item()  # (2.5, 3.0)
x.grad  # tensor([1.1000, -2.1000])

# %%
# Learn the weights of several losses
# -----------------------------------
#
# One log-variance s per task: :math:`e^{-s} L + s`, which is least where
# :math:`e^s = L`, so no weight can run off to 0. Hand these parameters to
# the optimizer along with those of the network.
log_var = torch.zeros(2, requires_grad=True)
losses = torch.tensor([4.0, 0.25])
total = ((-log_var).exp() * losses + log_var).sum()
total.item()  # 4.25
total.backward()
log_var.grad  # tensor([-3.0000, 0.7500])
best = losses.log().requires_grad_()
((-best).exp() * losses + best).sum().backward()
torch.allclose(best.grad, torch.zeros(2), atol=1e-6)  # True

# %%
# Numerically stable losses: ``torch.logsumexp``, ``F.logsigmoid``
# ----------------------------------------------------------------
#
# The logarithm of an exponential overflows or ends in :math:`\log 0`, and
# one infinite element is enough for a NaN in the gradient. Each of these
# has a function that is exact where the formula breaks. Adding 1e-8 inside
# the logarithm only hides it.
logits = torch.tensor([200.0, 0.0])
logits.exp().sum().log()  # tensor(inf)
torch.func.grad(lambda x: x.exp().sum().log())(logits)  # tensor([nan, 0.])
logits.logsumexp(dim=0)  # tensor(200.)
logits.softmax(dim=0).log()  # tensor([0., -inf])
logits.log_softmax(dim=0)  # tensor([0., -200.])
(-logits).sigmoid().log()  # tensor([-inf, -0.6931])
F.logsigmoid(-logits)  # tensor([-200.0000, -0.6931])
F.softplus(logits)  # tensor([200.0000, 0.6931])

# %%
# Check the gradient of a loss: ``torch.autograd.gradcheck``
# ----------------------------------------------------------
#
# Compares the gradient with finite differences, in float64. It finds a
# ``detach`` too many and errors in a backward of your own. Kinks, as of
# ReLU at 0, fail for good reason: choose inputs off them.
def scaled(x, y):
    return ((x - y) ** 2 / (1 + y**2)).mean()


def cut(x, y):
    return ((x - y) * (x - y).detach()).mean()


x = torch.tensor([0.5, -1.0], dtype=torch.float64, requires_grad=True)
y = torch.tensor([1.0, 2.0], dtype=torch.float64)
torch.autograd.gradcheck(scaled, (x, y))  # True
torch.autograd.gradcheck(cut, (x, y), raise_exception=False)  # False
kink = torch.zeros(1, dtype=torch.float64, requires_grad=True)
torch.autograd.gradcheck(F.relu, kink, raise_exception=False)  # False

# %%
# No gradient through ``argmax``: ``softmax`` or ``F.gumbel_softmax``
# -------------------------------------------------------------------
#
# ``argmax`` returns integers, so a network before it learns nothing from
# one after it. Pass on a weighted mean with the weights of ``softmax``, or
# a choice by ``F.gumbel_softmax(hard=True)``: that is one-hot forward, with
# the gradient of a soft choice.
scores = torch.tensor([[1.0, 3.0, 2.0]], requires_grad=True)
values = torch.tensor([10.0, 20.0, 30.0])
values[scores.argmax(dim=1)].requires_grad  # False
values[scores.argsort(dim=1)].requires_grad  # False
soft = scores.softmax(dim=1) @ values
soft.detach()  # tensor([21.5470])
torch.autograd.grad(soft, scores)[0].count_nonzero()  # tensor(3)
choice = F.gumbel_softmax(scores, hard=True)
choice.detach().round().sort().values  # tensor([[0., 0., 1.]])
(choice @ values).backward()
scores.grad.abs().sum() > 0  # tensor(True)

# %%
# Error: element 0 of tensors does not require grad (loss of decisions)
# ---------------------------------------------------------------------
#
# ``argmax``, comparisons, ``round``, integers and ``item()`` have no useful
# gradient: accuracy is no loss. Where the graph is cut, ``backward`` fails;
# where it is not, as with ``round``, the gradient is 0 and nothing learns.
logits = torch.tensor([[2.0, 1.0], [0.0, 3.0]], requires_grad=True)
target = torch.tensor([0, 0])
wrong = (logits.argmax(dim=1) != target).float().mean()
wrong  # tensor(0.5000)
with suppress(RuntimeError):
    wrong.backward()  # RuntimeError: does not require grad
logits.round().sum().backward()
logits.grad  # tensor([[0., 0.], [0., 0.]])
F.cross_entropy(logits, target).requires_grad  # True
