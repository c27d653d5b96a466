"""
L-BFGS
======

``torch.optim.LBFGS`` fits a model with few parameters on all the data at
once. It uses the curvature of the loss.
"""
from contextlib import suppress

import torch
from torch import nn

# %%
# Minimize with curvature: ``torch.optim.LBFGS``
# ----------------------------------------------
#
# One ``step`` makes up to ``max_iter=20`` iterations, and each iteration
# may call the closure. The closure clears the gradients, computes the loss
# on all the data, calls ``backward`` and returns the loss.
H = torch.tensor([[10.0, 2.0], [2.0, 1.0]])
b = torch.tensor([2.0, -1.0])
w = torch.zeros(2, requires_grad=True)
options = {"line_search_fn": "strong_wolfe", "max_iter": 50}
optimizer = torch.optim.LBFGS([w], **options)


def closure():
    optimizer.zero_grad()
    loss = w @ H @ w / 2 - b @ w
    loss.backward()
    return loss


optimizer.step(closure).item()  # 0.0
torch.allclose(w, torch.linalg.solve(H, b), atol=1e-3)  # True

# %%
# ``LBFGS`` beside gradient descent: calls of the closure
# -------------------------------------------------------
#
# This loss is smooth, and its curvature differs between directions.
# ``LBFGS`` needs fewer than a hundred evaluations, and plain gradient
# descent is still far away after a thousand. ``LBFGS`` counts the
# evaluations in ``state[...]["func_evals"]`` of the first parameter.
def rosenbrock(w):
    return (1 - w[0]) ** 2 + 100 * (w[1] - w[0] ** 2) ** 2


w = torch.tensor([-1.5, 2.0], requires_grad=True)
lbfgs = torch.optim.LBFGS([w], max_iter=100, line_search_fn="strong_wolfe")


def closure():
    lbfgs.zero_grad()
    loss = rosenbrock(w)
    loss.backward()
    return loss


_ = lbfgs.step(closure)
torch.allclose(w, torch.ones(2), atol=1e-2)  # True
lbfgs.state[w]["func_evals"] < 100  # True
v = torch.tensor([-1.5, 2.0])
for _ in range(1000):
    v = v - 0.001 * torch.func.grad(rosenbrock)(v)
torch.allclose(v, torch.ones(2), atol=0.1)  # False

# %%
# One secant step of LBFGS by hand
# --------------------------------
#
# The first iteration moves along the negative gradient :math:`g`, by ``lr``
# times :math:`\min(1, 1 / \sum |g|)`. Later iterations estimate the
# curvature from the step :math:`s` and the change :math:`y` of the gradient
# over this step. In one dimension this is the secant method, which is exact
# for a parabola.
w = torch.tensor(0.0, requires_grad=True)
optimizer = torch.optim.LBFGS([w], lr=1, max_iter=2, max_eval=3)
path = []


def closure():
    optimizer.zero_grad()
    loss = 2 * (w - 3) ** 2
    loss.backward()
    path.append((w.item(), w.grad.item()))
    return loss


optimizer.step(closure).item()  # 18.0
path  # [(0.0, -12.0), (1.0, -8.0)]
s, y = 1.0, -8.0 - -12.0
1.0 - s / y * -8.0  # 3.0
w.item()  # 3.0

# %%
# LBFGS approximates Newton: ``torch.autograd.functional.hessian``
# ----------------------------------------------------------------
#
# Newton's method solves with the whole Hessian, and one step is exact on a
# quadratic. LBFGS approximates this step from the last ``history_size``
# changes of the gradient. It stores only vectors, so it also works where
# the Hessian would be too large.
H = torch.tensor([[10.0, 2.0], [2.0, 1.0]])


def f(w):
    return w @ H @ w / 2 - w.sum()


w = torch.zeros(2, requires_grad=True)
(gradient,) = torch.autograd.grad(f(w), w)
hessian = torch.autograd.functional.hessian(f, w)
newton = w.detach() - torch.linalg.solve(hessian, gradient)
torch.allclose(H @ newton, torch.ones(2), atol=1e-5)  # True
optimizer = torch.optim.LBFGS([w], line_search_fn="strong_wolfe")


def closure():
    optimizer.zero_grad()
    f(w).backward()
    return f(w)


_ = optimizer.step(closure)
torch.allclose(w, newton, atol=1e-3)  # True
len(optimizer.state[w]["old_dirs"]) <= 20  # True

# %%
# LBFGS diverges: ``line_search_fn="strong_wolfe"``
# -------------------------------------------------
#
# Without a line search, LBFGS takes each step in full, even if the loss
# grows. The strong Wolfe search calls the closure until the loss has fallen
# enough. PyTorch has no other line search, and this one is off by default.
def minimize(line_search_fn):
    w = torch.tensor(2.0, requires_grad=True)
    options = {"max_iter": 10, "line_search_fn": line_search_fn}
    optimizer = torch.optim.LBFGS([w], lr=1.0, **options)

    def closure():
        optimizer.zero_grad()
        loss = (1 + w**2).sqrt()
        loss.backward()
        return loss

    _ = optimizer.step(closure)
    return w.abs().item()


minimize(None) > 1000  # True
minimize("strong_wolfe") < 0.01  # True
with suppress(RuntimeError):
    minimize("armijo")  # RuntimeError: only 'strong_wolfe' is supported

# %%
# Fit logistic regression in one step with LBFGS
# ----------------------------------------------
#
# LBFGS suits small convex problems on full batches. The fit ends where the
# gradient is nearly zero, and there is no learning rate to tune. Do not use
# it with mini-batches, because their noise spoils the estimate of the
# curvature.
x = torch.tensor([[-2.0], [-1.0], [-0.5], [0.5], [1.0], [2.0]])
y = torch.tensor([[0.0], [0.0], [1.0], [0.0], [1.0], [1.0]])
model = nn.Linear(1, 1)
criterion = nn.BCEWithLogitsLoss()
options = {"max_iter": 100, "line_search_fn": "strong_wolfe"}
optimizer = torch.optim.LBFGS(model.parameters(), **options)


def closure():
    optimizer.zero_grad()
    loss = criterion(model(x), y)
    loss.backward()
    return loss


_ = optimizer.step(closure)
closure().item() < criterion(torch.zeros(6, 1), y).item()  # True
model.weight.grad.abs().item() < 1e-3  # True
model.bias.abs().item() < 1e-2  # True

# %%
# Error: step() missing 1 required positional argument: 'closure'
# ---------------------------------------------------------------
#
# LBFGS evaluates the loss several times in one step, so ``step`` needs a
# function that computes it. A closure that returns nothing raises an error
# as well. A closure without ``zero_grad`` raises no error, but the
# gradients add up.
w = torch.tensor(2.0, requires_grad=True)
optimizer = torch.optim.LBFGS([w])
(w**2).backward()
with suppress(TypeError):
    optimizer.step()  # TypeError: missing 1 required positional argument
with suppress(TypeError):
    optimizer.step(lambda: (w**2).backward())  # TypeError: float() argument

# %%
# Error: LBFGS doesn't support per-parameter options
# --------------------------------------------------
#
# LBFGS treats all parameters as one vector, so there is one group and one
# learning rate. Pass a single list of parameters. LBFGS has no argument
# ``weight_decay``; add the penalty to the loss instead.
w, b = nn.Linear(2, 1).parameters()
groups = [{"params": [w]}, {"params": [b], "lr": 0.1}]
with suppress(ValueError):
    torch.optim.LBFGS(groups)  # ValueError: doesn't support per-parameter
optimizer = torch.optim.LBFGS([w, b])
len(optimizer.param_groups[0]["params"])  # 2
with suppress(TypeError):
    torch.optim.LBFGS([w], weight_decay=1)  # TypeError: unexpected keyword
