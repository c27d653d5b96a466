"""
Loss does not fall: nine causes, told apart by short tests
==========================================================

Overfit one batch first: a model that cannot learn 32 samples by heart has a
fault in its layers, its loop, its loss or its optimizer, or inputs that are
not scaled. Then ask which weights move in one step, and compare the loss
with ``log(classes)``. Each fault below is made, seen and removed; the
repaired run gets more than nine in ten unseen digits right.

* Is the loss flat from the first step?

  * Does no weight change? See *No weight moves: optimizer.step() is
    missing*.
  * Do some layers never change? See *Layers in a plain list are not
    parameters* and *A layer made after the optimizer is not trained*.
  * Do all weights change by very little? See *Learning rate too small,
    right, too large*.

* Does the loss fall and then stay at one number?

  * Is it near ``log(classes)``, although one batch can be learned? See
    *Shuffled labels: one batch falls, the data set does not*.
  * Is it near ``log(classes)`` and are inputs in the hundreds? See *Inputs
    that are not scaled*.
  * Is it above 1.46 for ten classes? See *Softmax before
    CrossEntropyLoss*.
  * Is it the variance of the targets? See *Shapes (N, 1) and (N,) in
    MSELoss*.

* Does the loss jump up and down, or grow?

  * Is the step too large? See *Learning rate too small, right, too large*.
  * Does it get worse with each step? See *Gradients add up: zero_grad() is
    missing*.
  * Does it become ``nan``? See :doc:`loss_is_nan`.
"""
import math
from contextlib import suppress

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits, load_wine
from torch import nn

# %%
# Digits, a model, and a loop that takes its parts from outside
# -------------------------------------------------------------
#
# ``fit`` draws a new order each epoch and keeps the loss of each step. The
# model is small, so that each of the faults below costs little time.
torch.manual_seed(0)
device = torch.get_default_device()
digits = load_digits()
x = torch.tensor(digits.data, dtype=torch.float32, device=device) / 16
y = torch.tensor(digits.target, device=device)
order = torch.randperm(len(x))
train_rows, test_rows = order[:1400], order[1400:]
x_train, y_train = x[train_rows], y[train_rows]


def make_model(features=64, outputs=10):
    return nn.Sequential(
        nn.Linear(features, 64), nn.ReLU(), nn.Linear(64, outputs)
    )


def fit(model, optimizer, x, y, criterion=F.cross_entropy, epochs=5):
    losses = []
    for _ in range(epochs):
        for rows in torch.randperm(len(x)).split(64):
            optimizer.zero_grad()
            loss = criterion(model(x[rows]), y[rows])
            loss.backward()
            optimizer.step()
            losses.append(loss.detach())
    return torch.stack(losses).cpu()


# %%
# The first test: overfit one batch
# ---------------------------------
#
# Before training, each of ten classes has a probability near 1/10: the loss
# is near ``log(10)``. A hundred steps on 32 samples must bring it near 0.
# If they do not, look at the code, the learning rate and the scale of the
# inputs; if they do, look at the data.
def overfit_one_batch(model, lr=0.01, criterion=F.cross_entropy):
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    batch = x_train[:32], y_train[:32]
    losses = fit(model, optimizer, *batch, criterion, epochs=100)
    return losses[0].item(), losses[-1].item()


first, last = overfit_one_batch(make_model())
round(math.log(10), 4)  # 2.3026
abs(first - math.log(10)) < 0.3  # True
last < 0.05  # True

# %%
# The second test: which weights move in one step?
# ------------------------------------------------
#
# One step, and the names of all parameters that are as they were. In a
# right loop the list is empty, unless a parameter is frozen or its gradient
# is 0.
def unmoved(model, step):
    before = {n: p.detach().clone() for n, p in model.named_parameters()}
    step()
    after = dict(model.named_parameters())
    return [n for n, p in before.items() if torch.equal(p, after[n])]


def one_step(model, optimizer):
    optimizer.zero_grad()
    F.cross_entropy(model(x_train), y_train).backward()
    optimizer.step()


model = make_model()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
unmoved(model, lambda: one_step(model, optimizer))  # []

# %%
# No weight moves: ``optimizer.step()`` is missing
# ------------------------------------------------
#
# ``backward`` computes gradients and changes no weight. Without ``step``
# the list holds every name. ``model.eval()`` is not the cause: it does not
# stop training. Frozen parameters (``requires_grad=False``) are in the
# list as well.
def step_forgotten(model):
    F.cross_entropy(model(x_train), y_train).backward()


len(unmoved(model, lambda: step_forgotten(model)))  # 4
len(list(model.parameters()))  # 4

# %%
# Gradients add up: ``zero_grad()`` is missing
# --------------------------------------------
#
# ``backward`` adds to ``.grad``. Two calls without ``zero_grad`` give
# twice the gradient, and after many steps old gradients outweigh the new
# one. ``NoZeroGrad`` is an optimizer that forgets to clear them.
class NoZeroGrad(torch.optim.SGD):
    def zero_grad(self, set_to_none=True):
        pass


model.zero_grad()
step_forgotten(model)
once = model[0].weight.grad.clone()
step_forgotten(model)
torch.allclose(model[0].weight.grad, 2 * once, atol=1e-6)  # True
curves = {}
model = make_model()
forgetful = NoZeroGrad(model.parameters(), lr=0.5)
curves["no zero_grad()"] = fit(model, forgetful, x_train, y_train)

# %%
# Layers in a plain list are not parameters
# -----------------------------------------
#
# ``self.layers = [...]`` hides the layers: ``parameters()`` does not find
# them, and neither do ``to(device)`` and ``state_dict``. An optimizer with
# nothing to train says so; with one registered layer there is no message.
# ``nn.ModuleList`` registers them.
class Stack(nn.Module):
    def __init__(self, container):
        super().__init__()
        self.layers = container([nn.Linear(64, 64), nn.Linear(64, 10)])

    def forward(self, x):
        return self.layers[1](self.layers[0](x).relu())


hidden = Stack(list)
len(list(hidden.parameters()))  # 0
with suppress(ValueError):
    torch.optim.SGD(
        hidden.parameters(), lr=0.1
    )  # ValueError: optimizer got an empty parameter list
len(list(Stack(nn.ModuleList).parameters()))  # 4

# %%
# A layer made after the optimizer is not trained
# -----------------------------------------------
#
# The optimizer holds the parameters of the old head. The new one gets
# gradients and no steps. Make the optimizer last, after every change of
# the model and after ``model.to(device)``.
model = make_model(outputs=1000)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
model[2] = nn.Linear(64, 10)
unmoved(model, lambda: one_step(model, optimizer))  # ['2.weight', '2.bias']
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
unmoved(model, lambda: one_step(model, optimizer))  # []

# %%
# Learning rate too small, right, too large
# -----------------------------------------
#
# Try powers of ten, a few epochs each. Too small: the weights move, but the
# loss stays at its start. Too large: it jumps and ends above its start.
# Take the largest rate that falls smoothly, here about 0.3 for ``SGD``; for
# ``Adam`` begin at 1e-3.
for lr in (1e-5, 0.3, 100.0):
    model = make_model()
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    curves[f"lr={lr:g}"] = fit(model, optimizer, x_train, y_train)
ends = {name: c[-20:].mean().item() for name, c in curves.items()}
print({name: round(end, 2) for name, end in ends.items()})
ends["lr=1e-05"] > 2.2  # True
ends["lr=0.3"] < 0.6  # True
ends["lr=100"] > 2.2  # True
ends["no zero_grad()"] > 2 * ends["lr=0.3"]  # True

# %%
# Shuffled labels: one batch falls, the data set does not
# -------------------------------------------------------
#
# Inputs and labels were put in two different orders. Any labels can be
# learned by heart, so the first test passes; here the loss over the set
# stays near ``log(10)``. Look at ten pictures with their labels. The fix is
# one order for both, as ``x[rows], y[rows]`` above.
x_bad = x_train[torch.randperm(1400)]
y_bad = y_train[torch.randperm(1400)]
model = make_model()
optimizer = torch.optim.SGD(model.parameters(), lr=0.3)
curves["shuffled labels"] = fit(model, optimizer, x_bad, y_bad)
end = curves["shuffled labels"][-20:].mean().item()
abs(end - math.log(10)) < 0.1  # True
batch_optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
learned = fit(model, batch_optimizer, x_bad[:32], y_bad[:32], epochs=100)
(learned[-1] < 0.2).item()  # True

# %%
# Softmax before ``CrossEntropyLoss``
# -----------------------------------
#
# The loss contains the softmax. With a second one in the model even a
# perfect answer, probability 1, has a loss of 1.46, and gradients are
# small. Remove the layer; apply ``softmax`` only where probabilities are
# shown.
perfect = F.one_hot(y_train, num_classes=10).float()
F.cross_entropy(perfect, y_train)  # tensor(1.46115)
model = make_model().append(nn.Softmax(dim=1))
_, last = overfit_one_batch(model)
last > 1.46  # True
model = make_model().append(nn.Softmax(dim=1))
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
curves["softmax twice"] = fit(model, optimizer, x_train, y_train)

# %%
# Shapes (N, 1) and (N,) in ``MSELoss``
# -------------------------------------
#
# The model learns how dark a digit is: the mean of its pixels, scaled to
# variance 1. Outputs have shape (N, 1); targets of shape (N,) make N by N
# differences, and the best answer to them is the mean: the loss ends at
# the variance. ``nn.MSELoss`` warns of it; ``mse_broadcast``, a loss by
# hand, does not. ``targets.unsqueeze(1)`` removes the fault.
ink = x_train.mean(dim=1)
ink = (ink - ink.mean()) / ink.std()
guess = torch.zeros(4, 1)
wrong = F.mse_loss(guess, ink[:4])  # UserWarning: Using a target size
(guess - ink[:4]).shape  # torch.Size([4, 4])


def mse_broadcast(outputs, targets):
    return (outputs - targets).square().mean()


ends = {}
for name, targets in {"(N,)": ink, "(N, 1)": ink.unsqueeze(1)}.items():
    model = make_model(outputs=1)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    losses = fit(model, optimizer, x_train, targets, mse_broadcast, 15)
    ends[name] = losses[-20:].mean().item()
print(ends)
0.8 < ends["(N,)"] < 1.2  # True
ends["(N, 1)"] < 0.3  # True

# %%
# Inputs that are not scaled
# --------------------------
#
# Thirteen measurements of 178 wines; one column reaches 1,680, another
# stays below 1. One rate cannot serve both: the large column makes the
# first steps so large that the units of ReLU die, and the loss stays near
# ``log(3)``. Subtract the mean and divide by the deviation of each column.
wine = load_wine()
columns = torch.tensor(wine.data, dtype=torch.float32, device=device)
kinds = torch.tensor(wine.target, device=device)
scaled = (columns - columns.mean(dim=0)) / columns.std(dim=0)
columns.max().item()  # 1680.0
(columns.amax(dim=0) < 1).sum().item()  # 1
ends = {}
for name, table in {"raw": columns, "scaled": scaled}.items():
    model = make_model(features=13, outputs=3)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    ends[name] = fit(model, optimizer, table, kinds, epochs=20)[-1].item()
print(ends)
ends["raw"] > 0.8  # True
ends["scaled"] < 0.2  # True

# %%
# What was reached: the repaired run on unseen digits
# ---------------------------------------------------
#
# The right loop at ``lr=0.3``, with every fault removed, on 397 digits
# that were kept apart. The figure shows how the faults look: flat at
# ``log(10)`` (grey), stopped above 1.46, or jumping. The loss axis is
# logarithmic.
model = make_model()
optimizer = torch.optim.SGD(model.parameters(), lr=0.3)
repaired = fit(model, optimizer, x_train, y_train, epochs=10)
with torch.inference_mode():
    right = model(x[test_rows]).argmax(dim=1) == y[test_rows]
accuracy = right.float().mean().item()
print(f"{accuracy=:.3f} {repaired[-20:].mean()=:.3f}")
assert 0.9 < accuracy <= 1.0, accuracy
assert curves["softmax twice"].min() > 1.46
assert curves["shuffled labels"][-20:].mean() > 2.1

figure, ax = plt.subplots(figsize=(9, 4.2))
styles = ["--", (0, (1, 2)), "-", "-.", (0, (5, 3)), "-"]
for (name, losses), style in zip(curves.items(), styles, strict=True):
    smooth = losses.unfold(0, 5, 1).median(dim=1).values
    ax.plot(smooth, linestyle=style, label=name, linewidth=2)
ax.axhline(math.log(10), linestyle=":", color="grey", label="log(10)")
ax.set(xlabel="step", ylabel="loss", yscale="log", ylim=(0.2, 100))
ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
figure.tight_layout()
