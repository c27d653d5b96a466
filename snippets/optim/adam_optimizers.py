"""
Adam and its variants
=====================

``Adam``, ``AdamW``, ``NAdam``, ``RAdam``, ``Adamax`` and ``SparseAdam``,
each beside the formula of its update.
"""
from contextlib import suppress

import torch
from torch import nn

# %%
# Two steps of ``torch.optim.Adam`` by hand
# -----------------------------------------
#
# Adam keeps a running mean :math:`m` of the gradient and a running mean
# :math:`v` of its square. Both start at zero, so Adam divides each by
# :math:`1 - \beta^t`, the total weight of the gradients after :math:`t`
# steps. ``eps`` is added outside the root.
w = torch.tensor([1.0, -2.0], requires_grad=True)
by_hand = w.detach().clone()
optimizer = torch.optim.Adam([w], lr=0.1, betas=(0.9, 0.999), eps=1e-8)
m = v = torch.zeros(2)
for t in 1, 2:
    optimizer.zero_grad()
    (w**3).sum().backward()
    optimizer.step()
    m = 0.9 * m + 0.1 * w.grad
    v = 0.999 * v + 0.001 * w.grad**2
    m_hat, v_hat = m / (1 - 0.9**t), v / (1 - 0.999**t)
    by_hand -= 0.1 * m_hat / (v_hat.sqrt() + 1e-8)
torch.allclose(w, by_hand)  # True
torch.allclose(optimizer.state[w]["exp_avg"], m)  # True
torch.allclose(optimizer.state[w]["exp_avg_sq"], v)  # True

# %%
# Step size of Adam: ``lr``, whatever the size of the gradient
# ------------------------------------------------------------
#
# The first step moves each parameter by ``lr`` against the sign of its
# gradient, so multiplying the loss by a constant changes almost nothing.
# Gradients near ``eps`` or below are an exception. A learning rate that
# works for ``SGD`` is usually too large for Adam.
w = torch.zeros(3, requires_grad=True)
optimizer = torch.optim.Adam([w], lr=0.1)
w.grad = torch.tensor([1000.0, -0.001, 1e-8])
optimizer.step()
w.detach()  # tensor([-0.1000,  0.1000, -0.0500])

# %%
# ``Adam`` or ``AdamW``: what ``weight_decay`` does
# -------------------------------------------------
#
# ``AdamW`` multiplies the weights by
# :math:`1 - \mathrm{lr} \cdot \mathrm{decay}`, separately from the
# gradient. ``Adam`` adds the decay to the gradient, and its scaling then
# cancels the size of the decay: here both weights, 1 and 100, move by
# ``lr``. For weight decay use ``AdamW``, and note that its default is 0.01,
# not zero.
start = torch.tensor([1.0, 100.0])
ends = {}
for name in "Adam", "AdamW":
    w = start.clone().requires_grad_()
    optimizer = getattr(torch.optim, name)([w], lr=0.1, weight_decay=0.5)
    w.grad = torch.zeros(2)
    optimizer.step()
    ends[name] = w.detach()
ends["Adam"]  # tensor([ 0.9000, 99.9000])
ends["AdamW"]  # tensor([ 0.9500, 95.0000])
torch.allclose(ends["AdamW"], (1 - 0.1 * 0.5) * start)  # True
torch.optim.AdamW([w]).defaults["weight_decay"]  # 0.01

# %%
# One step of ``torch.optim.AdamW`` by hand
# -----------------------------------------
#
# ``AdamW`` first decays the weights and then makes the update of Adam, in
# which the decay plays no part. With ``weight_decay=0`` the two optimizers
# are the same.
w = torch.tensor([1.0, -2.0], requires_grad=True)
optimizer = torch.optim.AdamW([w], lr=0.1, weight_decay=0.5)
(w**3).sum().backward()
m_hat, v_hat = w.grad, w.grad**2
by_hand = w.detach() * (1 - 0.1 * 0.5)
by_hand -= 0.1 * m_hat / (v_hat.sqrt() + 1e-8)
optimizer.step()
w.detach()  # tensor([ 0.8500, -2.0000])
torch.allclose(w, by_hand)  # True

# %%
# Keep the largest second moment: ``amsgrad=True``
# ------------------------------------------------
#
# AMSGrad divides by the root of the largest :math:`v` so far, so one large
# gradient keeps later steps small. Plain Adam forgets the large gradient,
# and its steps grow again. ``betas=(0, 0)`` turns off the averaging here.
def last_step(amsgrad):
    w = torch.zeros(1, requires_grad=True)
    options = {"betas": (0.0, 0.0), "amsgrad": amsgrad}
    optimizer = torch.optim.Adam([w], lr=1.0, **options)
    for gradient in [10.0, 1.0]:
        before = w.detach().clone()
        w.grad = torch.tensor([gradient])
        optimizer.step()
    return (w - before).item()


round(last_step(amsgrad=False), 4)  # -1.0
round(last_step(amsgrad=True), 4)  # -0.1

# %%
# Adam with Nesterov momentum: ``torch.optim.NAdam``
# --------------------------------------------------
#
# The step mixes the gradient with the momentum of the next step. The
# momentum factor :math:`\mu_t` rises from about half of ``betas[0]``
# towards ``betas[0]``, and ``momentum_decay`` sets how fast. For a decay as
# in ``AdamW``, set ``decoupled_weight_decay=True``.
w = torch.tensor([1.0, -2.0], requires_grad=True)
by_hand = w.detach().clone()
optimizer = torch.optim.NAdam([w], lr=0.1)
mu = [0.9 * (1 - 0.5 * 0.96 ** (0.004 * t)) for t in range(4)]
m, v, product = 0, 0, 1
for t in 1, 2:
    w.grad = w.detach() * 2
    optimizer.step()
    m, v = 0.9 * m + 0.1 * w.grad, 0.999 * v + 0.001 * w.grad**2
    product *= mu[t]
    mixed = (1 - mu[t]) * w.grad / (1 - product)
    mixed += mu[t + 1] * m / (1 - product * mu[t + 1])
    by_hand -= 0.1 * mixed / ((v / (1 - 0.999**t)).sqrt() + 1e-8)
torch.allclose(w, by_hand)  # True

# %%
# Adam without warm-up: ``torch.optim.RAdam``
# -------------------------------------------
#
# In the first steps, :math:`v` is an estimate from few gradients. With
# these ``betas``, ``RAdam`` does not use it in the first five steps and
# makes momentum steps in proportion to the gradient. After that it divides
# by the root of :math:`v` and multiplies the step by a factor that grows
# towards 1.
w = torch.zeros(1, requires_grad=True)
optimizer = torch.optim.RAdam([w], lr=0.1, betas=(0.9, 0.999))
rates = []
for _ in range(7):
    before = w.detach().clone()
    w.grad = torch.tensor([3.0])
    optimizer.step()
    rates.append((before - w.detach()).item())
torch.tensor(rates[:5])  # tensor([0.3000, 0.3000, 0.3000, 0.3000, 0.3000])
whole = 2 / (1 - 0.999) - 1
rho = whole - 2 * 6 * 0.999**6 / (1 - 0.999**6)
factor = (rho - 4) * (rho - 2) * whole / ((whole - 4) * (whole - 2) * rho)
torch.tensor(rates[5])  # tensor(0.0026)
abs(rates[5] - 0.1 * factor**0.5) < 1e-6  # True

# %%
# Adam with the infinity norm: ``torch.optim.Adamax``
# ---------------------------------------------------
#
# Adamax replaces the root of :math:`v` by a decaying maximum of the
# absolute gradients, :math:`u = \max(\beta_2 u, |g|)`. This maximum needs
# no bias correction, so only :math:`m` is corrected.
w = torch.tensor([0.0, 0.0], requires_grad=True)
by_hand = torch.zeros(2)
optimizer = torch.optim.Adamax([w], lr=0.1, betas=(0.9, 0.5))
m = u = torch.zeros(2)
for t, gradient in enumerate([[4.0, 1.0], [1.0, 8.0]], start=1):
    w.grad = torch.tensor(gradient)
    optimizer.step()
    m = 0.9 * m + 0.1 * w.grad
    u = torch.maximum(0.5 * u, w.grad.abs())
    by_hand -= 0.1 / (1 - 0.9**t) * m / u
u  # tensor([2., 8.])
torch.allclose(w, by_hand)  # True

# %%
# Sparse embedding gradients: ``torch.optim.SparseAdam``
# ------------------------------------------------------
#
# ``SparseAdam`` updates only the rows in the batch and their running means.
# The other rows do not move, and their momentum stays as it was. ``Adam``
# does not accept sparse gradients. ``SGD`` and ``Adagrad`` do, but not
# together with ``weight_decay`` or ``fused=True``.
embedding = nn.Embedding(4, 2, sparse=True)
before = embedding.weight.detach().clone()
optimizer = torch.optim.SparseAdam(embedding.parameters(), lr=0.1)
embedding(torch.tensor([1, 3])).sum().backward()
embedding.weight.grad.layout  # torch.sparse_coo
optimizer.step()
moved = before - embedding.weight.detach()
moved.round(decimals=4)[:, 0]  # tensor([0.0000, 0.1000, 0.0000, 0.1000])
adam = torch.optim.Adam(embedding.parameters())
with suppress(RuntimeError):
    adam.step()  # RuntimeError: does not support sparse gradients
sgd = torch.optim.SGD(embedding.parameters(), lr=0.1, weight_decay=0.1)
with suppress(RuntimeError):
    sgd.step()  # RuntimeError: add(sparse, dense) is not supported

# %%
# Error: invalid beta parameter (``torch.optim.Adam``)
# ----------------------------------------------------
#
# ``betas`` are the factors of the running means. Each must be at least 0
# and below 1. Adam has no argument ``momentum``; use ``betas[0]``.
w = torch.zeros(2, requires_grad=True)
with suppress(ValueError):
    torch.optim.Adam([w], betas=(0.9, 1.0))  # ValueError: Invalid beta
with suppress(TypeError):
    torch.optim.Adam([w], momentum=0.9)  # TypeError: unexpected keyword
torch.optim.Adam([w], betas=(0.8, 0.99)).defaults["betas"]  # (0.8, 0.99)
