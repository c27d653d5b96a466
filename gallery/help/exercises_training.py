"""
Exercises: train, choose, stop
==============================

Eight tasks on the way from a first fit to early stopping. Each gives a
function to finish and a ``check`` that stays silent when it is right; hint
and solution open when asked for.
"""
import copy
from contextlib import suppress

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from sklearn.datasets import load_diabetes, load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

# %%
# 1. Learn a, b and c of a parabola
# ---------------------------------
#
# 200 points of y = 2x² - 3x + 1 with noise of deviation 0.1. Return the
# three numbers, learned by gradient descent: each within 0.1.
#
# .. hint::
#
#    One tensor of three zeros with ``requires_grad``, the formula, the mean
#    square, an optimizer. ``Adam`` with ``lr=0.1`` needs about a hundred
#    steps.
device = torch.get_default_device()
rng = torch.Generator(device=device).manual_seed(0)
x = torch.linspace(-2, 2, 200)
noise = torch.randn(200, generator=rng, device=device)
y = 2 * x**2 - 3 * x + 1 + 0.1 * noise


def fit_parabola(x, y):
    raise NotImplementedError("your turn")


def check_parabola(function):
    a, b, c = function(x, y)
    assert abs(a - 2) < 0.1 and abs(b + 3) < 0.1 and abs(c - 1) < 0.1


with suppress(NotImplementedError):
    check_parabola(fit_parabola)  # NotImplementedError: your turn

# %%
# Solution 1
# ----------
#
# The same loop as for a network; the model is one line.
def fit_parabola(x, y):
    coefficients = torch.zeros(3, device=x.device, requires_grad=True)
    optimizer = torch.optim.Adam([coefficients], lr=0.1)
    for _ in range(300):
        a, b, c = coefficients
        optimizer.zero_grad()
        F.mse_loss(a * x**2 + b * x + c, y).backward()
        optimizer.step()
    return coefficients.tolist()


check_parabola(fit_parabola)

# %%
# 2. Split 70 / 15 / 15, the same each time
# -----------------------------------------
#
# Return three data sets without a common row; two calls give the same
# three.
#
# .. hint::
#
#    ``random_split`` takes shares; its generator makes it repeatable.
table = load_diabetes()
features = torch.tensor(table.data, dtype=torch.float32, device=device)
targets = torch.tensor(table.target, dtype=torch.float32, device=device)
targets = ((targets - targets.mean()) / targets.std()).unsqueeze(1)
patients = TensorDataset(features * 20, targets)


def split(dataset):
    raise NotImplementedError("your turn")


def check_split(function):
    parts = function(patients)
    assert [len(part) for part in parts] == [310, 66, 66]
    rows = [int(index) for part in parts for index in part.indices]
    assert sorted(rows) == list(range(442))
    again = [int(i) for part in function(patients) for i in part.indices]
    assert rows == again


with suppress(NotImplementedError):
    check_split(split)  # NotImplementedError: your turn

# %%
# Solution 2
# ----------
#
# A fresh generator with the same seed at each call. It lives on the device
# that random numbers are drawn on.
def split(dataset):
    generator = torch.Generator(device=device).manual_seed(1)
    return random_split(dataset, [0.7, 0.15, 0.15], generator=generator)


check_split(split)

# %%
# 3. Compare learning rates and optimizers
# ----------------------------------------
#
# For each of nine combinations train a small network on the patients for 30
# epochs and return ``{(name, lr): losses}`` with 30 training losses each.
# Which combination is slowest?
#
# .. hint::
#
#    ``getattr(torch.optim, name)`` finds the class. Start every run from
#    the same weights, or you compare luck.
names, rates = ("SGD", "Adam", "AdamW"), (0.001, 0.01, 0.1)


def compare(dataset, names, rates):
    raise NotImplementedError("your turn")


def check_compare(function):
    found = function(patients, names, rates)
    assert set(found) == {(name, lr) for name in names for lr in rates}
    assert all(len(losses) == 30 for losses in found.values())
    every = torch.tensor(list(found.values()))
    assert every.isfinite().all()
    ends = {run: losses[-1] for run, losses in found.items()}
    assert max(ends, key=ends.get) == ("SGD", 0.001)
    assert min(ends.values()) < 0.6


with suppress(NotImplementedError):
    check_compare(compare)  # NotImplementedError: your turn

# %%
# Solution 3
# ----------
#
# A seed before each run gives the same first weights.
def compare(dataset, names, rates):
    found = {}
    inputs, wanted = dataset.tensors
    for name in names:
        for lr in rates:
            torch.manual_seed(0)
            model = nn.Sequential(
                nn.Linear(10, 16), nn.ReLU(), nn.Linear(16, 1)
            )
            kind = getattr(torch.optim, name)
            optimizer = kind(model.parameters(), lr=lr)
            found[name, lr] = []
            for _ in range(30):
                optimizer.zero_grad()
                loss = F.mse_loss(model(inputs), wanted)
                loss.backward()
                optimizer.step()
                found[name, lr].append(loss.item())
    return found


check_compare(compare)

# %%
# 4. The epoch that the validation set chooses
# --------------------------------------------
#
# ``losses`` holds a validation loss for each epoch, some ``nan``. Return
# the number of the epoch with the smallest one, counted from 0.
#
# .. hint::
#
#    ``<``, ``>`` and ``==`` are false with ``nan``, and ``argmin`` takes it
#    for the smallest. ``torch.nan_to_num`` can make it large.
def choose(losses):
    raise NotImplementedError("your turn")


def check_choose(function):
    assert function([0.9, 0.5, 0.7]) == 1
    assert function([float("nan"), 0.5, 0.4, float("nan")]) == 2
    assert function([0.3, 0.3]) == 0


with suppress(NotImplementedError):
    check_choose(choose)  # NotImplementedError: your turn

# %%
# Solution 4
# ----------
#
# Of equal losses Python's ``min`` keeps the first, which trained less.
def choose(losses):
    values = torch.tensor(losses).nan_to_num(nan=torch.inf).tolist()
    return min(range(len(values)), key=values.__getitem__)


check_choose(choose)

# %%
# 5. The learning rates of ReduceLROnPlateau
# ------------------------------------------
#
# Feed the losses to ``torch.optim.lr_scheduler.ReduceLROnPlateau`` with
# ``factor=0.1`` and ``patience=2`` and return the rate after each.
#
# .. hint::
#
#    ``step`` takes the loss, one number. ``get_last_lr()`` gives a list
#    with one rate for each parameter group.
def plateau_rates(losses, lr):
    raise NotImplementedError("your turn")


def check_plateau(function):
    losses = [1.0, 0.5, 0.5, 0.5, 0.5, 0.4, 0.4, 0.4, 0.4]
    expected = [1.0] * 4 + [0.1] * 4 + [0.01]
    found = torch.tensor(function(losses, lr=1.0))
    assert torch.allclose(found, torch.tensor(expected))


with suppress(NotImplementedError):
    check_plateau(plateau_rates)  # NotImplementedError: your turn

# %%
# Solution 5
# ----------
#
# Two epochs without improvement change nothing, the third lowers the rate.
def plateau_rates(losses, lr):
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=lr)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimizer, factor=0.1, patience=2
    )
    rates = []
    for loss in losses:
        scheduler.step(loss)
        rates += scheduler.get_last_lr()
    return rates


check_plateau(plateau_rates)

# %%
# 6. L1 and L2 penalties
# ----------------------
#
# Train a linear model on 40 patients and 10 useful columns beside 30 of
# noise. Return its 40 weights. The L1 penalty must bring the weights of the
# noise nearer to 0 than no penalty does; so must L2.
#
# .. hint::
#
#    Add ``strength * weight.abs().sum()`` or ``weight.square().sum()`` to
#    the loss. ``weight_decay=2 * strength`` of SGD does the same as the
#    second, for the bias too.
rng = torch.Generator(device=device).manual_seed(0)
useless = torch.randn(40, 30, generator=rng, device=device)
wide = torch.cat([features[:40] * 20, useless], dim=1)


def fit_linear(penalty, strength):
    raise NotImplementedError("your turn")


def check_penalties(function):
    noise = {
        penalty: function(penalty, 0.1).flatten()[10:].abs().mean().item()
        for penalty in ("none", "l1", "l2")
    }
    assert noise["l1"] < 0.5 * noise["none"]
    assert noise["l2"] < 0.9 * noise["none"]


with suppress(NotImplementedError):
    check_penalties(fit_linear)  # NotImplementedError: your turn

# %%
# Solution 6
# ----------
#
# The bias is left out of the penalty.
def fit_linear(penalty, strength):
    model = nn.Linear(40, 1)
    nn.init.zeros_(model.weight)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    size = {"none": 0.0, "l1": strength, "l2": strength}[penalty]
    for _ in range(400):
        weight = model.weight
        added = weight.abs() if penalty == "l1" else weight.square()
        optimizer.zero_grad()
        loss = F.mse_loss(model(wide), targets[:40]) + size * added.sum()
        loss.backward()
        optimizer.step()
    return model.weight.detach()


check_penalties(fit_linear)

# %%
# 7. A loss weighted by batch size
# --------------------------------
#
# ``batches`` holds pairs of a mean loss and a batch size. Return the mean
# over all samples.
#
# .. hint::
#
#    A mean times its size is a sum again.
def mean_loss(batches):
    raise NotImplementedError("your turn")


def check_mean_loss(function):
    assert function([(1.0, 8), (10.0, 1)]) == 2.0
    assert function([(0.5, 4), (0.5, 4)]) == 0.5


with suppress(NotImplementedError):
    check_mean_loss(mean_loss)  # NotImplementedError: your turn

# %%
# Solution 7
# ----------
#
# The mean of the two means would be 5.5.
def mean_loss(batches):
    total = sum(loss * size for loss, size in batches)
    return total / sum(size for _, size in batches)


check_mean_loss(mean_loss)

# %%
# 8. Early stopping that restores
# -------------------------------
#
# Train ``model`` on ``train_set`` until the loss on ``val_set`` has not
# improved for ``patience`` epochs. Return the validation losses; the model
# must hold the weights of the best one.
#
# .. hint::
#
#    ``state_dict()`` gives references. What must you do to keep its values?
digits = load_digits()
images = torch.tensor(digits.data, dtype=torch.float32, device=device) / 16
classes = torch.tensor(digits.target, device=device)
train_set = TensorDataset(images[:200], classes[:200])
val_set = TensorDataset(images[200:700], classes[200:700])


def fit_with_patience(model, train_set, val_set, patience):
    raise NotImplementedError("your turn")


def check_patience(function):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
    losses = function(model, train_set, val_set, patience=4)
    assert len(losses) < 200
    assert min(losses) == losses[-5] < losses[-1]
    with torch.inference_mode():
        now = F.cross_entropy(model(val_set.tensors[0]), val_set.tensors[1])
    assert abs(now.item() - min(losses)) < 1e-4
    return losses


with suppress(NotImplementedError):
    check_patience(fit_with_patience)  # NotImplementedError: your turn

# %%
# Solution 8
# ----------
#
# ``deepcopy`` keeps the values of the best epoch; a ``copy()`` of the
# dictionary would follow the model.
def fit_with_patience(model, train_set, val_set, patience):
    generator = torch.Generator(device=device).manual_seed(0)
    loader = DataLoader(train_set, 32, shuffle=True, generator=generator)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    losses, best = [], None
    while len(losses) < 200:
        for inputs, labels in loader:
            optimizer.zero_grad()
            F.cross_entropy(model(inputs), labels).backward()
            optimizer.step()
        with torch.inference_mode():
            inputs, labels = val_set.tensors
            loss = F.cross_entropy(model(inputs), labels)
        losses.append(loss.item())
        if losses[-1] == min(losses):
            best = copy.deepcopy(model.state_dict())
        if len(losses) - losses.index(min(losses)) > patience:
            break
    model.load_state_dict(best)
    return losses


losses = check_patience(fit_with_patience)
kept = losses.index(min(losses))
figure, ax = plt.subplots()
ax.plot(losses, marker=".", label="val")
ax.axvline(kept, linestyle=":", color="C1", label="load_state_dict")
ax.set(xlabel="epoch", ylabel="cross_entropy")
ax.legend()
figure.tight_layout()
