"""
Your own loss
=============

Write a loss that ``torch.nn`` does not have, such as focal or Dice loss,
and check its gradient.
"""
from contextlib import suppress

import torch
import torch.nn.functional as F
from torch import nn

# %%
# A loss of your own as a function
# --------------------------------
#
# You can use any differentiable function with a single number as a result.
# Compute with tensors from start to end, and autograd finds the gradient.
# The log-cosh loss here is smooth at 0 and grows like the absolute error.
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
# Write a module if the loss has settings or tensors of its own. A buffer
# moves with ``to(device)`` and is saved in the state dict. If the loss has
# parameters to be trained, give them to the optimizer, too.
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
# Focal loss for unbalanced binary classification
# -----------------------------------------------
#
# Focal loss multiplies the cross entropy by :math:`(1 - p)^\gamma`, where p
# is the probability of the true label. Easy samples then count little. With
# ``gamma=0`` it is the binary cross entropy. ``sigmoid_focal_loss`` in
# ``torchvision.ops`` also weights the labels by ``alpha``.
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
# Focal loss for several classes
# ------------------------------
#
# Use ``F.cross_entropy`` with ``reduction="none"``. The exponential of its
# negative value is the probability of the target class. If you need class
# weights, multiply by them afterwards, because in ``F.cross_entropy`` they
# would change this probability.
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
# The Dice score of a predicted and a true mask is twice their overlap,
# divided by the sum of both areas. The loss is one minus this score for
# each image, so a small object counts as much as a large one if ``eps`` is
# small compared with both areas. Use probabilities and not a thresholded
# mask, which has no gradient. Because of ``eps``, an empty mask that is
# predicted as empty has the loss 0 and not NaN.
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
# Label smoothing mixes the loss of the target class with the mean loss over
# the classes. ``nn.CrossEntropyLoss(label_smoothing=0.1)`` computes the
# same, so use that in practice.
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
# Add the weighted losses and call ``backward`` once. The gradients add up
# in the same way. Log the value of each loss with ``item()``, so you can
# see which one is large.
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
# Give each task a parameter s, and replace its loss L by :math:`e^{-s} L +
# s`. This sum is smallest at :math:`e^s = L`, so the weight :math:`e^{-s}`
# does not go to
# 0. Pass these parameters to the optimizer together with those of the
# network.
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
# If you combine ``exp`` and ``log`` yourself, large values overflow and
# small ones become :math:`\log 0`. The gradient is then NaN. The functions
# below stay exact for such values. Do not add 1e-8 inside the logarithm,
# because this hides the problem.
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
# ``gradcheck`` compares the gradient with finite differences; use float64
# for it. It finds a ``detach`` that should not be there, and mistakes in a
# custom backward pass. At a kink, such as that of ReLU at 0, the check
# fails, so choose other inputs.
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
# ``argmax`` returns integers, so no gradient flows back through it. Use
# ``softmax`` to compute a weighted mean instead. If you need a single
# choice, ``F.gumbel_softmax(hard=True)`` returns a one-hot vector, and
# ``backward`` computes the gradient as if it were still the softmax.
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
# ``argmax``, comparisons, integers and ``item()`` cut the graph, so
# ``backward`` raises an error. ``round`` does not cut it, but its gradient
# is 0 and the model does not learn. Accuracy is therefore not a loss. Train
# with ``F.cross_entropy``.
logits = torch.tensor([[2.0, 1.0], [0.0, 3.0]], requires_grad=True)
target = torch.tensor([0, 0])
wrong = (logits.argmax(dim=1) != target).float().mean()
wrong  # tensor(0.5000)
with suppress(RuntimeError):
    wrong.backward()  # RuntimeError: does not require grad
logits.round().sum().backward()
logits.grad  # tensor([[0., 0.], [0., 0.]])
F.cross_entropy(logits, target).requires_grad  # True
