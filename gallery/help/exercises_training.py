"""
Exercises: train, choose, stop
==============================

Eight exercises with solutions, from a first fit to early stopping. Each one
gives you a function to finish and a ``check`` that prints nothing if the
function is right. Click to open the hint and the solution.
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
# The 200 points come from y = 2x² - 3x + 1, with noise of standard
# deviation 0.1. Learn the three coefficients by gradient descent and return
# them. Each must be within 0.1 of the true value.
#
# .. hint::
#
#    You need a tensor of three zeros with ``requires_grad``, the formula,
#    the mean squared error and an optimizer. ``Adam`` with ``lr=0.1`` needs
#    about a hundred steps.
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
# The loop is the same as for a network. The model is one line.
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
# ``patients`` is a dataset of 442 rows, one for each patient. Split it into
# three datasets that have no row in common. A second call must return the
# same three datasets.
#
# .. hint::
#
#    ``random_split`` accepts fractions. A generator with a seed makes the
#    split repeatable.
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
# Each call creates a new generator with the same seed. The generator is on
# the default device, where the random numbers are drawn.
def split(dataset):
    generator = torch.Generator(device=device).manual_seed(1)
    return random_split(dataset, [0.7, 0.15, 0.15], generator=generator)


check_split(split)

# %%
# 3. Compare learning rates and optimizers
# ----------------------------------------
#
# There are nine combinations of an optimizer and a learning rate. For each
# of them, train a small network on the patients for 30 epochs, and return
# ``{(name, lr): losses}`` with the 30 training losses. Which combination is
# slowest?
#
# .. hint::
#
#    ``getattr(torch.optim, name)`` finds the class. Start each run from the
#    same weights, so that you do not compare luck.
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
# Setting the seed before each run gives the same initial weights.
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
# 4. Choose the best epoch by its validation loss
# -----------------------------------------------
#
# ``losses`` holds the validation loss of each epoch, and some of them are
# ``nan``. Return the number of the epoch with the smallest loss, counted
# from 0.
#
# .. hint::
#
#    With ``nan``, the comparisons ``<``, ``>`` and ``==`` are false, and
#    ``argmin`` takes ``nan`` for the smallest value. ``torch.nan_to_num``
#    can replace it by a large number.
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
# For equal losses, Python's ``min`` returns the first epoch, which is the
# one with less training.
def choose(losses):
    values = torch.tensor(losses).nan_to_num(nan=torch.inf).tolist()
    return min(range(len(values)), key=values.__getitem__)


check_choose(choose)

# %%
# 5. The learning rates of ReduceLROnPlateau
# ------------------------------------------
#
# Pass the losses one by one to
# ``torch.optim.lr_scheduler.ReduceLROnPlateau`` with ``factor=0.1`` and
# ``patience=2``. This scheduler lowers the learning rate when the loss
# stops falling. Return the learning rate after each loss.
#
# .. hint::
#
#    ``step`` takes the loss as a number. ``get_last_lr()`` returns a list
#    with the learning rate of each parameter group.
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
# After two epochs without improvement, the learning rate stays the same.
# After the third, the scheduler lowers it.
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
# Train a linear model on 40 patients with 10 useful columns and 30 columns
# of noise. Return its 40 weights. With the L1 penalty, the weights of the
# noise must be nearer to 0 than without a penalty, and the same must hold
# for L2.
#
# .. hint::
#
#    Add ``strength * weight.abs().sum()`` or ``strength *
#    weight.square().sum()`` to the loss. In SGD, ``weight_decay=2 *
#    strength`` has the same effect as the second, but it also applies to
#    the bias.
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
# The penalty does not include the bias.
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
# loss over all samples.
#
# .. hint::
#
#    If you multiply a mean by its batch size, you get the sum again.
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
# The plain mean of the two losses would be 5.5.
def mean_loss(batches):
    total = sum(loss * size for loss, size in batches)
    return total / sum(size for _, size in batches)


check_mean_loss(mean_loss)

# %%
# 8. Early stopping that restores the best weights
# ------------------------------------------------
#
# Train ``model`` on ``train_set`` until the loss on ``val_set`` has not
# improved for ``patience`` epochs. Return the validation losses. At the
# end, the model must have the weights of the best epoch.
#
# .. hint::
#
#    ``state_dict()`` returns references to the weights. What must you do to
#    keep their values?
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
# ``deepcopy`` keeps the values of the best epoch. The tensors in a
# ``copy()`` of the dictionary would change with the model.
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
