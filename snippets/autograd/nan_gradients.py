"""
Points with a bad gradient
==========================

Some functions give a normal value in the forward pass but NaN or infinity
in the backward pass. This page shows how to write them safely.
"""
import torch
import torch.nn.functional as F

# %%
# Division by zero and a mask: make the divisor safe first
# --------------------------------------------------------
#
# It does not help to overwrite the bad results after the division. Their
# gradient is 0 times infinity, which is NaN. Replace the zeros in the
# divisor by 1 before you divide. Do the same for the inputs of ``sqrt`` and
# ``log``.
x = torch.tensor([1.0, 6.0], requires_grad=True)
divisor = torch.tensor([0.0, 2.0])
y = x / divisor
y = torch.where(divisor == 0, 0.0, y)
y.detach()  # tensor([0., 3.])
torch.autograd.grad(y.sum(), x)  # (tensor([nan, 0.5000]),)
safe = torch.where(divisor == 0, 1.0, divisor)
y = torch.where(divisor == 0, 0.0, x / safe)
torch.autograd.grad(y.sum(), x)  # (tensor([0.0000, 0.5000]),)

# %%
# Targets with NaN: replace them before the loss, not after
# ---------------------------------------------------------
#
# NaN times 0 is NaN, so multiplying the loss by a mask does not remove it.
# Select the valid elements, or replace the NaN targets before you compute
# the loss.
prediction = torch.tensor([1.0, 2.0], requires_grad=True)
target = torch.tensor([float("nan"), 5.0])
valid = ~target.isnan()
((prediction - target) ** 2 * valid).sum().isnan()  # tensor(True)
loss = F.mse_loss(prediction[valid], target[valid])
loss.item()  # 9.0
torch.autograd.grad(loss, prediction)  # (tensor([0., -6.]),)
filled = torch.where(valid, target, 0.0)
loss = ((prediction - filled) ** 2 * valid).sum() / valid.sum()
torch.autograd.grad(loss, prediction)  # (tensor([0., -6.]),)

# %%
# Standard deviation of equal values: ``std`` or ``var`` and ``sqrt``
# -------------------------------------------------------------------
#
# The derivative of the square root is infinite if the variance is 0.
# ``torch.std`` gives the gradient 0 in this case, but ``var().sqrt()``
# gives NaN. Add a small number inside the root.
x = torch.ones(3, requires_grad=True)
torch.autograd.grad(x.std(), x)  # (tensor([0., 0., 0.]),)
torch.autograd.grad(x.var().sqrt(), x)  # (tensor([nan, nan, nan]),)
safe = (x.var() + 1e-8).sqrt()
torch.autograd.grad(safe, x)  # (tensor([0., 0., 0.]),)

# %%
# Angle between vectors: ``atan2`` instead of ``acos``
# ----------------------------------------------------
#
# The derivative of ``acos`` is infinite at 1 and at -1. Rounding can also
# make a cosine slightly larger than 1, and the result is then NaN. Limit
# the cosine with ``clamp`` to a range just inside -1 and 1, or compute the
# angle by ``atan2`` of the cross product and the dot product.
c = torch.tensor(1.0, requires_grad=True)
torch.autograd.grad(c.acos(), c)  # (tensor(-inf),)
torch.tensor(1.0000001).acos()  # tensor(nan)
inside = c.clamp(-1 + 1e-6, 1 - 1e-6)
torch.autograd.grad(inside.acos(), c)  # (tensor(0.),)
a = torch.tensor([1.0, 0.0], requires_grad=True)
b = torch.tensor([1.0, 1.0])
angle = torch.atan2(a[0] * b[1] - a[1] * b[0], a @ b)
angle.rad2deg().item()  # 45.0000
torch.autograd.grad(angle, a)  # (tensor([0., -1.]),)

# %%
# Powers of zero: ``x ** 0.5`` and ``x ** 2``
# -------------------------------------------
#
# With an exponent between 0 and 1, the derivative at 0 is infinite. A
# negative number to a fractional power is NaN. Add a small number in the
# first case. In the second, use ``abs`` and ``sign``, and add a small
# number to ``abs`` if a value can be 0.
x = torch.tensor([0.0, 4.0], requires_grad=True)
torch.autograd.grad((x**0.5).sum(), x)  # (tensor([inf, 0.2500]),)
torch.autograd.grad((x**2).sum(), x)  # (tensor([0., 8.]),)
y = torch.tensor([-8.0])
y ** (1 / 3)  # tensor([nan])
y.sign() * y.abs() ** (1 / 3)  # tensor([-2.0000])
root = x.sign() * x.abs() ** (1 / 3)
torch.autograd.grad(root.sum(), x)  # (tensor([nan, 0.1323]),)
root = x.sign() * (x.abs() + 1e-6) ** (1 / 3)
torch.autograd.grad(root.sum(), x)  # (tensor([0.0000, 0.1323]),)

# %%
# ``log(softmax(x))`` is minus infinity: ``F.log_softmax``
# --------------------------------------------------------
#
# If a probability underflows to 0, its logarithm is minus infinity and the
# gradient is NaN. ``F.log_softmax`` and ``F.logsigmoid`` compute both steps
# together and stay finite. ``torch.xlogy`` treats 0 times log 0 as 0, but
# its gradient there is still NaN. If you train with an entropy, multiply
# the probabilities by ``F.log_softmax`` instead.
x = torch.tensor([0.0, 200.0], requires_grad=True)
by_hand = x.softmax(dim=0).log()[0]
by_hand.item()  # -inf
torch.autograd.grad(by_hand, x)[0].isnan().any()  # tensor(True)
stable = F.log_softmax(x, dim=0)[0]
stable.item()  # -200.0
torch.autograd.grad(stable, x)  # (tensor([ 1., -1.]),)
F.logsigmoid(torch.tensor(-200.0))  # tensor(-200.)
p = torch.tensor([0.0, 1.0])
(p * p.log()).sum(), torch.xlogy(p, p).sum()  # (tensor(nan), tensor(0.))
p = x.softmax(dim=0)
gradient = torch.autograd.grad(torch.xlogy(p, p).sum(), x)[0]
gradient.isnan().any()  # tensor(True)
p = x.softmax(dim=0)
entropy = -(p * F.log_softmax(x, dim=0)).sum()
torch.autograd.grad(entropy, x)  # (tensor([0., 0.]),)

# %%
# ``log(1 - softmax(x))`` is minus infinity: ``torch.logsumexp``
# --------------------------------------------------------------
#
# If one probability rounds to 1, then 1 minus it is 0, the logarithm is
# minus infinity and the gradient is NaN. The rest of the probability
# belongs to the other logits, so subtract ``logsumexp`` of all logits from
# ``logsumexp`` of the other logits. For a sigmoid, write
# ``F.logsigmoid(-x)`` instead of the logarithm of 1 minus the sigmoid.
logits = torch.tensor([[20.0, 0.0, -1.0]], requires_grad=True)
eos = 0
by_hand = (1 - logits.softmax(dim=1)[0, eos]).log()
by_hand.item()  # -inf
torch.autograd.grad(by_hand, logits)[0].isnan().any()  # tensor(True)
chosen = torch.arange(3) == eos
others = logits.masked_fill(chosen, -torch.inf)
log_rest = others.logsumexp(dim=1) - logits.logsumexp(dim=1)
log_rest.detach()  # tensor([-19.6867])
log_rest.sum().backward()
logits.grad  # tensor([[-1.0000, 0.7311, 0.2689]])
x = torch.tensor(20.0)
(1 - x.sigmoid()).log()  # tensor(-inf)
F.logsigmoid(-x)  # tensor(-20.)

# %%
# Gradient 0 where ``clamp``, ``relu`` and ``round`` are flat
# -----------------------------------------------------------
#
# These functions are flat in some regions, so a value there gets the
# gradient 0 and does not change in training. This is not a bug. If a
# limited value should still learn, use ``sigmoid``, ``tanh`` or softplus.
x = torch.tensor([-2.0, 0.5, 3.0], requires_grad=True)
torch.autograd.grad(x.clamp(0, 1).sum(), x)  # (tensor([0., 1., 0.]),)
torch.autograd.grad(x.relu().sum(), x)  # (tensor([0., 1., 1.]),)
torch.autograd.grad(x.round().sum(), x)  # (tensor([0., 0., 0.]),)
torch.autograd.grad(x.abs().sum(), x)  # (tensor([-1., 1., 1.]),)
soft = torch.autograd.grad(x.sigmoid().sum(), x)[0]
(soft > 0).all()  # tensor(True)
