"""
Loss does not fall: nine causes, told apart by short tests
==========================================================

First try to overfit one batch: train on the same 32 samples until the loss
is close to 0. If this fails, look for a mistake in the layers, the loss,
the optimizer or the training loop, and check that the inputs are scaled.
Then check which weights change in one step. Compare the loss with
``log(classes)``, which is the loss of guessing: it is 2.30 for ten classes.
This page makes each mistake, shows its symptoms and repairs it. The
repaired run reaches more than 90 % accuracy on the test set.

* Is the loss flat from the first step?

  * Does no weight change? See *No weight changes: optimizer.step() is
    missing*.
  * Do some layers stay unchanged? See *Layers in a plain list are not
    parameters* and *A layer made after the optimizer is not trained*.
  * Do all weights change by very little? See *Learning rate too small,
    right, too large*.
  * Is it near ``log(classes)``, although the model can learn one batch? See
    *Shuffled labels: the loss falls on one batch, not on the data set*.

* Does the loss fall and then stay at one number?

  * Is it near ``log(classes)``, and are some inputs in the hundreds? See
    *Inputs that are not scaled*.
  * Is it above 1.46 for ten classes? See *Softmax before CrossEntropyLoss
    keeps the loss high*.
  * Is it close to the variance of the targets? See *Outputs (N, 1) and
    targets (N,) in MSELoss: only the mean is learned*.

* Does the loss jump up and down, or grow?

  * Does it jump from the first steps on? Try a smaller learning rate, see
    *Learning rate too small, right, too large*.
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
# Handwritten digits, a model and a training loop
# -----------------------------------------------
#
# ``fit`` takes the model, the optimizer and the data, so that each section
# below can replace one of them. It shuffles the samples in each epoch and
# returns the loss of each step.
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
# Before training, each of the ten classes has a probability near 1/10, so
# the loss is near ``log(10)``. A hundred steps on 32 samples should bring
# the loss close to 0. If the loss stays high, check the code, the learning
# rate and the scale of the inputs. If it gets close to 0, check the data.
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
# The second test: which weights change in one step?
# --------------------------------------------------
#
# ``unmoved`` calls ``step`` and returns the names of the parameters that
# did not change. In a correct loop the list is empty, unless a parameter is
# frozen or its gradient is 0.
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
# No weight changes: ``optimizer.step()`` is missing
# --------------------------------------------------
#
# ``backward`` computes gradients but does not change the weights. Without
# ``step``, the list has the names of all four parameters. Frozen parameters
# (``requires_grad=False``) would be in the list as well. ``model.eval()``
# is not the cause, because it does not freeze weights.
def step_forgotten(model):
    F.cross_entropy(model(x_train), y_train).backward()


len(unmoved(model, lambda: step_forgotten(model)))  # 4
len(list(model.parameters()))  # 4

# %%
# Gradients add up: ``zero_grad()`` is missing
# --------------------------------------------
#
# ``backward`` adds to ``.grad``, so two calls without ``zero_grad`` give
# twice the gradient. In a training loop, each step then also follows the
# gradients of all earlier steps. ``NoZeroGrad`` is an optimizer that does
# not clear gradients; its loss is in the figure at the end.
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
# If layers are in a plain list, ``parameters()`` does not find them, and
# neither do ``to(device)`` and ``state_dict``. If the model has no other
# parameters, the optimizer raises an error. If it has at least one other
# layer, there is no message, and the layers in the list are not trained.
# Use ``nn.ModuleList``, whose layers are found.
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
# Here the output layer is replaced after the optimizer was created, so the
# optimizer still holds the parameters of the old layer. The new layer gets
# gradients, but no step changes it. Create the optimizer last, after all
# changes to the model and after ``model.to(device)``.
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
# Try powers of ten for a few epochs each. If the rate is too small, the
# weights change but the loss stays near its first value. If the rate is too
# large, the loss jumps and does not fall. Choose the largest rate at which
# the loss falls smoothly, here about 0.3 for ``SGD``; for ``Adam``, start
# with 1e-3.
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
# Shuffled labels: the loss falls on one batch, not on the data set
# -----------------------------------------------------------------
#
# Here inputs and labels were shuffled in two different orders. The model
# can still memorize 32 wrong labels, so the first test passes, but the loss
# on the whole training set stays near ``log(10)``. Look at ten images with
# their labels. Use the same order for both, as in ``x[rows], y[rows]``
# above.
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
# Softmax before ``CrossEntropyLoss`` keeps the loss high
# -------------------------------------------------------
#
# The cross-entropy loss already contains a softmax. With a second softmax
# in the model, even a perfect prediction with probability 1 has a loss of
# 1.46 for ten classes. Remove the layer, and call ``softmax`` only where
# you need probabilities.
perfect = F.one_hot(y_train, num_classes=10).float()
F.cross_entropy(perfect, y_train)  # tensor(1.46115)
model = make_model().append(nn.Softmax(dim=1))
_, last = overfit_one_batch(model)
last > 1.46  # True
model = make_model().append(nn.Softmax(dim=1))
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
curves["softmax twice"] = fit(model, optimizer, x_train, y_train)

# %%
# Outputs (N, 1) and targets (N,) in ``MSELoss``: only the mean is learned
# ------------------------------------------------------------------------
#
# This model predicts a number instead of a class: the mean brightness of
# each image, scaled to mean 0 and variance 1. Outputs of shape (N, 1) minus
# targets of shape (N,) give N by N differences, so the model learns to
# predict the mean of all targets and the loss stays near their variance.
# ``F.mse_loss`` warns; the hand-written ``mse_broadcast`` does not.
# ``targets.unsqueeze(1)`` gives the targets the shape of the outputs.
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
# The data set has thirteen measurements of 178 wines. One column reaches
# 1,680, and another stays below 1. Because of the large column, the first
# steps are so large that afterwards the ReLU units give 0 for each sample
# and no longer learn (dead ReLU). The loss stays near ``log(3)``. Subtract
# the mean of each column and divide by its standard deviation.
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
# The result: test accuracy of the repaired run
# ---------------------------------------------
#
# With all mistakes removed, the loop trains at ``lr=0.3`` and is tested on
# 397 images that were not used for training. The figure shows the loss of
# five wrong runs and of one right run (``lr=0.3``). In the wrong runs it is
# flat at ``log(10)`` (grey line), stays above 1.46, or jumps. The loss axis
# is logarithmic.
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
