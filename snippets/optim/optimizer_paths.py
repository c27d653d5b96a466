"""
Optimizers compared
===================

This page draws the paths of several optimizers on the same loss from the
same starting point.
"""
import matplotlib.pyplot as plt
import torch

# %%
# Paths of SGD, momentum, RMSprop and Adam in a long valley
# ---------------------------------------------------------
#
# The loss is a hundred times steeper across the valley than along it. SGD
# jumps from wall to wall and moves slowly along the valley. Momentum gains
# speed along the valley, and RMSprop and Adam scale each coordinate
# separately, so after a hundred steps only SGD has not arrived. The titles
# give ``lr`` and the momentum, if there is one.
x, y = torch.linspace(-4, 1, 80).cpu(), torch.linspace(-0.6, 0.6, 80).cpu()
height = x**2 + 100 * y[:, None] ** 2
runs = ["SGD", 0.018], ["SGD", 0.01, 0.9], ["RMSprop", 0.05], ["Adam", 0.1]
figure, axes = plt.subplots(2, 2, sharex=True, sharey=True, figsize=(9, 5))
ends = []
for i, (ax, (name, lr, *momentum)) in enumerate(zip(axes.flat, runs)):
    w = torch.tensor([-4.0, 0.4], requires_grad=True)
    optimizer = getattr(torch.optim, name)([w], lr, *momentum)
    path = [w.tolist()]
    for _ in range(100):
        optimizer.zero_grad()
        (w[0] ** 2 + 100 * w[1] ** 2).div(2).backward()
        optimizer.step()
        path.append(w.tolist())
    ends.append(w.norm().item())
    ax.contour(x, y, height, [1, 4, 9, 16], colors="grey", alpha=0.5)
    ax.plot(*zip(*path), f"C{i}.-", lw=1)
    ax.set_title(f"{name} {[lr, *momentum]}")
figure.tight_layout()
[end < 0.05 for end in ends]  # [False, True, True, True]

# %%
# Paths on the Rosenbrock function: SGD, Adam, LBFGS
# --------------------------------------------------
#
# The valley is curved, so a fixed scale for each coordinate does not fit
# it. ``LBFGS`` follows the curve to the minimum at (1, 1), marked by a
# star. After a hundred steps, SGD and Adam have reached the bottom of the
# valley and still move along it.
def f(x, y):
    return (1 - x) ** 2 + 100 * (y - x**2) ** 2


t = torch.linspace(-2, 3, 80).cpu()
runs = {"SGD": {"lr": 0.001, "momentum": 0.9}, "Adam": {"lr": 0.2}}
runs["LBFGS"] = dict(max_iter=1, max_eval=25, line_search_fn="strong_wolfe")
figure, axes = plt.subplots(1, 3, figsize=(9, 3.4), layout="constrained")
for ax, name in zip(axes, runs, strict=True):
    w, path = torch.tensor([-1.5, 1.0], requires_grad=True), []
    optimizer = getattr(torch.optim, name)([w], **runs[name])

    def closure(w=w):
        loss = f(*w)
        w.grad = torch.autograd.grad(loss, w)[0]
        return loss

    for _ in range(100):
        path.append(w.tolist())
        optimizer.step(closure)
    ax.contour(t, t, f(t, t[:, None]).log1p(), colors="grey", alpha=0.5)
    ax.plot(*zip(*path, strict=True), ".-", 1, 1, "*", lw=1)
    ax.set_title(name)
torch.allclose(w, torch.ones(2), atol=1e-3)  # True

# %%
# Adam depends on the axes, momentum does not
# -------------------------------------------
#
# The same valley lies along the axes in one run and is turned by 45 degrees
# in the other run. SGD with momentum reaches the minimum in both runs. Adam
# scales each coordinate separately and loses its advantage when the valley
# is diagonal.
def loss_after(name, turn, **options):
    cos, sin = turn.cos(), turn.sin()
    R = torch.stack([cos, -sin, sin, cos]).reshape(2, 2)
    H = R @ torch.tensor([[1.0, 0.0], [0.0, 100.0]]) @ R.T
    w = (R @ torch.tensor([-4.0, 0.4])).requires_grad_()
    optimizer = getattr(torch.optim, name)([w], **options)
    for _ in range(100):
        optimizer.zero_grad()
        (w @ H @ w / 2).backward()
        optimizer.step()
    return (w @ H @ w / 2).item()


along, turned = torch.tensor([0.0, torch.pi / 4])
loss_after("SGD", along, lr=0.01, momentum=0.9) < 1e-3  # True
loss_after("SGD", turned, lr=0.01, momentum=0.9) < 1e-3  # True
loss_after("Adam", along, lr=0.1) < 1e-2  # True
0.1 < loss_after("Adam", turned, lr=0.1) < 1  # True

# %%
# Loss times a constant: SGD changes, Adam does not
# -------------------------------------------------
#
# The gradient is multiplied by a factor if you use a sum instead of a mean,
# or another unit for the target. ``SGD`` then needs another ``lr``.
# ``Adam``, ``RMSprop`` and similar optimizers divide by the size of the
# gradient, so the factor cancels out.
def end(name, factor, **options):
    w = torch.tensor(1.0, requires_grad=True)
    optimizer = getattr(torch.optim, name)([w], **options)
    for _ in range(4):
        optimizer.zero_grad()
        (factor * w**2).backward()
        optimizer.step()
    return w.detach()


end("SGD", 1, lr=0.25)  # tensor(0.0625)
end("SGD", 100, lr=0.25) > 1e6  # tensor(True)
end("SGD", 100, lr=0.25 / 100)  # tensor(0.0625)
adam, scaled = end("Adam", 1, lr=0.1), end("Adam", 100, lr=0.1)
torch.allclose(adam, scaled)  # True

# %%
# Loss stops falling: a constant rate hovers around the minimum
# -------------------------------------------------------------
#
# The gradient may not vanish at the minimum, for example with mini-batches
# or with the loss :math:`|w|` of this card. Steps of a fixed size then keep
# jumping over the minimum. Lower the learning rate towards zero so that the
# parameter settles.
def worst_of_last(scheduler=None):
    w = torch.tensor(1.05, requires_grad=True)
    optimizer = torch.optim.SGD([w], lr=0.1)
    if scheduler:
        scheduler = scheduler(optimizer, total_iters=100)
    path = []
    for _ in range(100):
        optimizer.zero_grad()
        w.abs().backward()
        optimizer.step()
        scheduler and scheduler.step()
        path.append(w.abs().item())
    return max(path[-10:])


worst_of_last() > 0.049  # True
worst_of_last(torch.optim.lr_scheduler.PolynomialLR) < 0.01  # True
