"""
Optimizers compared
===================

The same loss from the same start, one path per optimizer.
"""
import matplotlib.pyplot as plt
import torch

# %%
# Paths of SGD, momentum, RMSprop and Adam in a long valley
# ---------------------------------------------------------
#
# The loss is a hundred times steeper across the valley than along it. SGD
# jumps from wall to wall and creeps along; momentum swings too, but gathers
# speed; RMSprop and Adam scale each coordinate by itself; after a hundred
# steps only SGD is still on its way. The brackets hold ``lr`` and, where
# there is one, the momentum.
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
# The valley is bent, so no fixed scale per coordinate fits it. ``LBFGS``
# follows the bend to the minimum at (1, 1), the star; the others have
# reached the floor of the valley after a hundred steps and are on the way
# along it.
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
# The same valley along the axes and turned by 45 degrees. SGD sees one
# landscape; optimizers that scale each coordinate by itself lose their
# advantage when the valley lies across the coordinates.
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
# A mean instead of a sum, or another unit of the target, multiplies the
# gradient. ``SGD`` then needs another ``lr``; ``Adam``, ``RMSprop`` and
# their kin divide the factor out again.
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
# Where gradients do not vanish at the minimum, as with mini-batches or with
# :math:`|w|` here, steps of a fixed size jump over it for ever. A rate that
# goes to zero settles.
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
