"""
Other adaptive optimizers
=========================

``RMSprop``, ``Adagrad``, ``Adadelta``, ``Rprop``, ``ASGD``, ``Adafactor``
and ``Muon``, each beside the formula of its update.
"""
from contextlib import suppress

import torch

# %%
# Divide by a running root mean square: ``torch.optim.RMSprop``
# -------------------------------------------------------------
#
# RMSprop divides the gradient by the root of a running mean of squared
# gradients. It makes no bias correction, so the first step is ``lr`` over
# :math:`\sqrt{1 - \alpha}`, which is ten times ``lr`` for the default
# ``alpha=0.99``. Adam adds momentum and the bias correction.
w = torch.tensor([1.0, -2.0], requires_grad=True)
by_hand = w.detach().clone()
optimizer = torch.optim.RMSprop([w], lr=0.01, alpha=0.99, eps=1e-8)
mean_square = torch.zeros(2)
for t in range(3):
    optimizer.zero_grad()
    (w**2).sum().backward()
    optimizer.step()
    mean_square = 0.99 * mean_square + 0.01 * w.grad**2
    by_hand -= 0.01 * w.grad / (mean_square.sqrt() + 1e-8)
    if t == 0:
        w.detach()  # tensor([ 0.9000, -1.9000])
torch.allclose(w, by_hand)  # True

# %%
# RMSprop with variance and momentum: ``centered``, ``momentum``
# --------------------------------------------------------------
#
# ``centered=True`` divides by the standard deviation, because it subtracts
# the square of the gradient's running mean. ``momentum`` adds up the scaled
# gradients, and ``lr`` multiplies the sum.
w = torch.zeros(1, requires_grad=True)
options = {"alpha": 0.5, "centered": True, "momentum": 0.9}
optimizer = torch.optim.RMSprop([w], lr=0.1, **options)
mean = mean_square = velocity = by_hand = torch.zeros(1)
for gradient in [4.0, -2.0]:
    w.grad = torch.tensor([gradient])
    optimizer.step()
    mean = 0.5 * mean + 0.5 * w.grad
    mean_square = 0.5 * mean_square + 0.5 * w.grad**2
    deviation = (mean_square - mean**2).sqrt()
    velocity = 0.9 * velocity + w.grad / (deviation + 1e-8)
    by_hand = by_hand - 0.1 * velocity
torch.allclose(w, by_hand)  # True

# %%
# A rate per feature that only falls: ``torch.optim.Adagrad``
# -----------------------------------------------------------
#
# Adagrad divides the gradient by the root of the sum of all squared
# gradients so far, so rare features keep large steps. With a constant
# gradient the steps shrink as :math:`1 / \sqrt{t}`. In a long training they
# can become too small, and ``RMSprop`` avoids this with a running mean.
w = torch.zeros(2, requires_grad=True)
optimizer = torch.optim.Adagrad([w], lr=1.0)
steps = []
for gradient in [[2.0, 0.0], [2.0, 0.0], [2.0, 2.0]]:
    before = w.detach().clone()
    w.grad = torch.tensor(gradient)
    optimizer.step()
    steps.append(before - w.detach())
torch.stack(steps)[:, 0]  # tensor([1.0000, 0.7071, 0.5774])
torch.stack(steps)[:, 1]  # tensor([0., 0., 1.])
optimizer.state[w]["sum"]  # tensor([12.,  4.])
torch.arange(1.0, 4.0).rsqrt()  # tensor([1.0000, 0.7071, 0.5774])

# %%
# Options of Adagrad: ``lr_decay``, ``initial_accumulator_value``
# ---------------------------------------------------------------
#
# ``lr_decay`` also divides the learning rate by
# :math:`1 + (t - 1) \cdot \mathrm{decay}`. The sum of squares may start
# above zero, so that the first step is smaller than the full learning rate.
w = torch.zeros(1, requires_grad=True)
options = {"lr_decay": 0.5, "initial_accumulator_value": 5.0}
optimizer = torch.optim.Adagrad([w], lr=1.0, **options)
w.grad = torch.tensor([2.0])
optimizer.step()
w.detach()  # tensor([-0.6667])
2 / (5 + 2**2) ** 0.5  # 0.6666666666666666
optimizer.step()
second = 1 / (1 + 0.5) * 2 / (5 + 4 + 4) ** 0.5
torch.allclose(w.detach(), torch.tensor([-2 / 3 - second]))  # True

# %%
# Steps in the unit of the parameter: ``torch.optim.Adadelta``
# ------------------------------------------------------------
#
# The step is the gradient times the root mean square of past steps, divided
# by the root mean square of past gradients. The default ``lr=1.0`` leaves
# this formula as it is. The first steps are small, because their size comes
# from ``eps``.
w = torch.tensor([1.0, -2.0], requires_grad=True)
by_hand = w.detach().clone()
optimizer = torch.optim.Adadelta([w], lr=1.0, rho=0.9, eps=1e-6)
gradients = steps = torch.zeros(2)
for _ in range(3):
    optimizer.zero_grad()
    (w**2).sum().backward()
    optimizer.step()
    gradients = 0.9 * gradients + 0.1 * w.grad**2
    step = ((steps + 1e-6) / (gradients + 1e-6)).sqrt() * w.grad
    steps = 0.9 * steps + 0.1 * step**2
    by_hand -= step
torch.allclose(w, by_hand)  # True
(1 - w[0]).item() < 0.02  # True

# %%
# Only the sign of the gradient: ``torch.optim.Rprop``
# ----------------------------------------------------
#
# Each single weight has its own step size, which starts at ``lr``. If the
# sign of the gradient stays the same, the step size is multiplied by
# ``etas[1]``. If the sign changes, the step size is multiplied by
# ``etas[0]``, and this step is skipped. Use full batches, because the noise
# of mini-batches flips signs.
w = torch.tensor(0.0, requires_grad=True)
optimizer = torch.optim.Rprop([w], lr=1.0, etas=(0.5, 1.2))
path = []
for gradient in [5.0, 0.1, -3.0, -3.0]:
    w.grad = torch.tensor(gradient)
    optimizer.step()
    path.append(w.item())
torch.tensor(path)  # tensor([-1.0000, -2.2000, -2.2000, -1.6000])
optimizer.state[w]["step_size"]  # tensor(0.6000)

# %%
# SGD that averages its path: ``torch.optim.ASGD``
# ------------------------------------------------
#
# The parameter moves by plain SGD with a small decay ``lambd``, and the
# learning rate falls as :math:`(1 + \lambda \eta t)^{-\alpha}`.
# ``state[w]["ax"]`` holds the mean of the positions from step ``t0 + 2``
# on. The default of ``t0`` is a million, so choose a smaller one. ASGD does
# not copy the mean into the model; read it yourself.
w = torch.tensor(1.0, requires_grad=True)
optimizer = torch.optim.ASGD([w], lr=0.5, lambd=0.1, t0=0, alpha=0.75)
path, by_hand, rate = [], 1.0, 0.5
for t, gradient in enumerate([1.0, -1.0, 1.0], start=1):
    w.grad = torch.tensor(gradient)
    optimizer.step()
    path.append(w.item())
    by_hand = by_hand * (1 - 0.1 * rate) - rate * gradient
    rate = 0.5 / (1 + 0.1 * 0.5 * t) ** 0.75
abs(path[-1] - by_hand) < 1e-6  # True
mean = torch.tensor(path[1:]).mean()
torch.allclose(optimizer.state[w]["ax"], mean)  # True

# %%
# Large matrices with little memory: ``torch.optim.Adafactor``
# ------------------------------------------------------------
#
# Adafactor estimates the second moment of a matrix from one vector for the
# rows and one for the columns, and it keeps no first moment. ``lr`` is
# relative: the step is ``lr`` times the root mean square of the weights.
# Once :math:`1 / \sqrt{t}` is less than ``lr``, it takes the place of
# ``lr``.
w = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 7.0]], requires_grad=True)
optimizer = torch.optim.Adafactor([w], lr=0.1)
(w**2).sum().backward()
square = w.grad**2
rows, columns = square.mean(1, keepdim=True), square.mean(0, keepdim=True)
update = w.grad / (rows * columns / rows.mean()).sqrt()
update /= update.square().mean().sqrt().clamp(min=1)
by_hand = w.detach() - 0.1 * w.detach().square().mean().sqrt() * update
optimizer.step()
torch.allclose(w, by_hand)  # True
optimizer.state[w]["row_var"].shape  # torch.Size([2, 1])
optimizer.state[w]["col_var"].shape  # torch.Size([1, 3])
w = torch.ones(2, 3, requires_grad=True)
optimizer = torch.optim.Adafactor([w], lr=0.9)
for _ in range(4):
    before = w.detach().clone()
    w.grad = torch.ones(2, 3)
    optimizer.step()
1 - (w.detach() / before)[0, 0]  # tensor(0.5000)

# %%
# Orthogonal updates for weight matrices: ``torch.optim.Muon``
# ------------------------------------------------------------
#
# Muon takes the momentum :math:`U S V^T` and steps along roughly
# :math:`U V^T`, so all directions count about the same. Five Newton-Schulz
# iterations in bfloat16 bring most singular values between 0.5 and 1.5.
# Very small singular values stay smaller. For a matrix with more rows than
# columns, ``lr`` is multiplied by the root of rows over columns.
w = torch.zeros(2, 3, requires_grad=True)
options = {"weight_decay": 0.0, "momentum": 0.0}
optimizer = torch.optim.Muon([w], lr=1.0, **options)
w.grad = torch.tensor([[8.0, 0.0, 0.0], [0.0, 4.0, 0.0]])
optimizer.step()
values = torch.linalg.svdvals(w.detach())
((values > 0.5) & (values < 1.5)).all()  # tensor(True)
singular = torch.tensor([8.0, 4.0]) / (8**2 + 4**2) ** 0.5
for _ in range(5):
    s = singular
    singular = 3.4445 * s - 4.775 * s**3 + 2.0315 * s**5
diagonal = -w.detach()[:, :2].diag()
torch.allclose(diagonal, singular, atol=0.05)  # True
w = torch.zeros(2, 3, requires_grad=True)
w.grad = torch.tensor([[8.0, 0.0, 0.0], [0.0, 0.0008, 0.0]])
torch.optim.Muon([w], lr=1.0, **options).step()
torch.linalg.svdvals(w.detach())[1] < 0.1  # tensor(True)

# %%
# Error: Muon only supports 2D parameters
# ---------------------------------------
#
# Use another optimizer for biases, normalization layers and convolution
# kernels, and usually for embeddings and the last layer, too. Both
# optimizers then step side by side, and each parameter belongs to one of
# them.
hidden, head = torch.nn.Linear(4, 4), torch.nn.Linear(4, 2)
with suppress(ValueError):
    torch.optim.Muon(hidden.parameters())  # ValueError: 2D parameters
muon = torch.optim.Muon([hidden.weight], lr=0.02)
adam = torch.optim.AdamW([hidden.bias, *head.parameters()], lr=0.001)
head(hidden(torch.ones(1, 4))).sum().backward()
for optimizer in muon, adam:
    optimizer.step()
    optimizer.zero_grad()
len(muon.state), len(adam.state)  # (1, 3)
