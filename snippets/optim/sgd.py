"""
Stochastic gradient descent
===========================

This page shows each option of ``torch.optim.SGD`` beside the formula of its
update.
"""
from contextlib import suppress

import torch

# %%
# Plain gradient descent: ``torch.optim.SGD``
# -------------------------------------------
#
# Each step subtracts ``lr`` times the gradient, and the optimizer keeps
# nothing between steps. The word "stochastic" refers to the mini-batch on
# which you compute the loss. The optimizer itself does not know about
# batches.
w = torch.tensor([1.0, -2.0], requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.25)
(w**2).sum().backward()
w.grad  # tensor([ 2., -4.])
by_hand = w.detach() - 0.25 * w.grad
optimizer.step()
w.detach()  # tensor([ 0.5000, -1.0000])
torch.allclose(w, by_hand)  # True
len(optimizer.state)  # 0

# %%
# Which parameters does a step change? Those with a ``.grad``
# -----------------------------------------------------------
#
# The optimizer loops over the tensors in its parameter groups and skips
# those whose ``.grad`` is ``None``. A tensor that takes no part in the loss
# gets no gradient, so a step does not change it, not even with a huge
# learning rate. The optimizer knows neither the model nor the loss.
# ``backward`` connects them through ``.grad``.
w = torch.tensor([1.0, 2.0], requires_grad=True)
unrelated = torch.tensor([5.0, 6.0], requires_grad=True)
groups = [{"params": [w]}, {"params": [unrelated], "lr": 1e6}]
optimizer = torch.optim.SGD(groups, lr=0.25)
(w**2).sum().backward()
w.grad, unrelated.grad  # (tensor([2., 4.]), None)
optimizer.step()
w.detach()  # tensor([0.5000, 1.0000])
unrelated.detach()  # tensor([5., 6.])
unrelated.grad = torch.tensor([1.0, 0.0])
optimizer.step()
unrelated.detach()  # tensor([-999995., 6.])

# %%
# Learning rate too large: the loss grows
# ---------------------------------------
#
# On a parabola of curvature :math:`c`, one step with learning rate
# :math:`\eta` multiplies the distance to the minimum by :math:`1 - \eta c`.
# Above :math:`1 / c` the step overshoots the minimum, and above
# :math:`2 / c` the loss diverges. If the loss has several directions, the
# steepest one sets the limit.
#
# .. glance:: distance_after(lr=1.5)
def distance_after(lr, steps=3, curvature=2.0):
    w = torch.tensor(1.0, requires_grad=True)
    optimizer = torch.optim.SGD([w], lr=lr)
    for _ in range(steps):
        optimizer.zero_grad()
        (curvature / 2 * w**2).backward()
        optimizer.step()
    return w.item()


distance_after(lr=0.25)  # 0.125
distance_after(lr=0.5)  # 0.0
distance_after(lr=0.75)  # -0.125
distance_after(lr=1.0)  # -1.0
distance_after(lr=1.5)  # -8.0

# %%
# SGD with momentum: ``momentum=0.9``
# -----------------------------------
#
# A velocity collects the gradients and decays: :math:`v = m v + g`, then
# :math:`w = w - \eta v`. Some books put the learning rate :math:`\eta`
# inside the velocity, which gives another result once the rate changes.
# With a constant gradient the steps grow to :math:`1 / (1 - m)` times the
# plain step, which is ten times for 0.9. Lower ``lr`` when you raise the
# momentum.
w = torch.tensor(0.0, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.1, momentum=0.9)
by_hand = velocity = 0.0
for gradient in [1.0, 1.0, -2.0]:
    w.grad = torch.tensor(gradient)
    optimizer.step()
    velocity = 0.9 * velocity + gradient
    by_hand -= 0.1 * velocity
w.detach()  # tensor(-0.2610)
round(by_hand, 6)  # -0.261
for _ in range(200):
    w.grad = torch.tensor(1.0)
    optimizer.step()
optimizer.state[w]["momentum_buffer"]  # tensor(10.0000)

# %%
# Nesterov momentum: ``nesterov=True``
# ------------------------------------
#
# The step is :math:`g + m v` instead of :math:`v`, so a change in the
# gradient has its effect at once. Nesterov momentum needs a momentum above
# zero and a dampening of zero.
w = torch.tensor(0.0, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.1, momentum=0.5, nesterov=True)
by_hand = velocity = 0.0
for gradient in [1.0, -2.0]:
    w.grad = torch.tensor(gradient)
    optimizer.step()
    velocity = 0.5 * velocity + gradient
    by_hand -= 0.1 * (gradient + 0.5 * velocity)
w.detach()  # tensor(0.1250)
round(by_hand, 6)  # 0.125
with suppress(ValueError):
    torch.optim.SGD([w], nesterov=True)  # ValueError: requires a momentum

# %%
# Dampened momentum: ``dampening``
# --------------------------------
#
# The new gradient is multiplied by ``1 - dampening`` before it is added to
# the velocity. If ``dampening`` equals ``momentum``, the velocity is a
# running mean of the gradients, and the steps do not grow. The first
# gradient is an exception and counts in full.
w = torch.tensor(0.0, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.1, momentum=0.9, dampening=0.9)
velocities = []
for gradient in [1.0, 2.0, 2.0]:
    w.grad = torch.tensor(gradient)
    optimizer.step()
    velocities.append(optimizer.state[w]["momentum_buffer"].item())
torch.tensor(velocities)  # tensor([1.0000, 1.1000, 1.1900])
0.9 * 1 + 0.1 * 2  # 1.1
round(0.9 * 1.1 + 0.1 * 2, 6)  # 1.19

# %%
# L2 penalty: ``weight_decay`` in ``torch.optim.SGD``
# ---------------------------------------------------
#
# ``weight_decay`` adds :math:`\lambda w` to the gradient. This is the
# gradient of :math:`\frac{1}{2} \lambda w^2`, so remember the factor one
# half if you write the penalty into the loss. The decay applies to all
# parameters that you pass, including biases.
start = torch.tensor([1.0, -2.0])
w = start.clone().requires_grad_()
optimizer = torch.optim.SGD([w], lr=0.1, weight_decay=0.5)
(3 * w).sum().backward()
optimizer.step()
w.detach()  # tensor([ 0.6500, -2.2000])
p = start.clone().requires_grad_()
penalized = (3 * p).sum() + 0.5 / 2 * (p**2).sum()
penalized.backward()
torch.allclose(w, start - 0.1 * p.grad)  # True

# %%
# Momentum crosses a long valley faster
# -------------------------------------
#
# If one direction is a hundred times steeper than the other, the steep one
# limits ``lr``, and progress along the flat one is slow. Momentum adds up
# along the flat direction and cancels out across it. All runs here use the
# same learning rate and the same number of steps.
#
# .. glance:: loss_after(100, momentum=0.9) < 0.01
def loss_after(steps, **options):
    w = torch.tensor([1.0, 1.0], requires_grad=True)
    optimizer = torch.optim.SGD([w], lr=0.01, **options)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = (w[0] ** 2 + 100 * w[1] ** 2) / 2
        loss.backward()
        optimizer.step()
    return loss.item()


loss_after(100) > 0.05  # True
loss_after(100, momentum=0.9) < 0.01  # True
loss_after(100, momentum=0.9, nesterov=True) < 0.0001  # True

# %%
# Error: invalid learning rate (``torch.optim.SGD``)
# --------------------------------------------------
#
# A negative learning rate or momentum raises an error. Use
# ``maximize=True`` to go up instead of down. The default of ``lr`` is
# 0.001.
w = torch.zeros(2, requires_grad=True)
with suppress(ValueError):
    torch.optim.SGD([w], lr=-0.1)  # ValueError: Invalid learning rate: -0.1
with suppress(ValueError):
    torch.optim.SGD([w], momentum=-1)  # ValueError: Invalid momentum value
torch.optim.SGD([w]).param_groups[0]["lr"]  # 0.001

# %%
# Batch size and learning rate: twice the batch, twice the rate
# -------------------------------------------------------------
#
# The gradient is a mean over the batch, so if you double the batch size, an
# epoch has half as many steps of about the same length. If you also double
# the learning rate, one step goes nearly as far as two steps did before.
# Raise the rate slowly at the start (warm-up). For Adam, first try to
# multiply the rate by the square root of the factor.
x = torch.linspace(-1, 3, 8)


def walk(batch_size, lr):
    w = torch.zeros(1, requires_grad=True)
    optimizer = torch.optim.SGD([w], lr=lr)
    for batch in x.split(batch_size):
        optimizer.zero_grad()
        (w - batch).square().mean().backward()
        optimizer.step()
    return w.item()


small, large = walk(4, lr=0.01), walk(8, lr=0.02)
round(large, 4)  # 0.04
abs(small - large) < 0.001  # True
round(walk(8, lr=0.01), 4)  # 0.02
