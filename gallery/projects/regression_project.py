"""
House prices: a regression project with config file, package and model
======================================================================

This page builds a small regression project that predicts house prices. A
TOML file configures a package that reads a table, trains a network,
compares it with two baselines, saves it and predicts one row at a time.
Over five splits, the network's error is less than 80 % of the error of
linear least squares, and the network explains more than three quarters of
the variance.
"""
import importlib
import sys
import tempfile
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import matplotlib.pyplot as plt
import torch

# %%
# Package layout: one folder, one file for each task
# --------------------------------------------------
#
# The project is a folder with the file ``config.toml`` and the package
# ``houses``. This page writes the files to a temporary folder and imports
# each module from there. The folder is removed from the path after the
# first import, because Python then knows the package. In your own project
# the files exist already, so you do not need ``add``.
folder = tempfile.TemporaryDirectory()
project = Path(folder.name)
(project / "houses").mkdir()
(project / "houses" / "__init__.py").touch()
sys.path.insert(0, str(project))
importlib.import_module("houses")
sys.path.remove(str(project))


def add(name, source):
    path = project / "houses" / f"{name}.py"
    path.write_text(source, encoding="utf-8")
    importlib.invalidate_caches()
    return importlib.import_module(f"houses.{name}")


# %%
# ``config.toml``: all settings in one place
# ------------------------------------------
#
# Keep the settings in a file, so that you can repeat a run and compare two
# runs. The column ``B`` of the table was computed from the share of Black
# residents. A price model must not use race, so the column is dropped.
(project / "config.toml").write_text(
    """
drop = ["B"]
hidden = 64
epochs = 60
batch_size = 32
learning_rate = 3e-3
weight_decay = 1e-2
seed = 0
""",
    encoding="utf-8",
)

# %%
# ``config.py``: a frozen dataclass
# ---------------------------------
#
# The dataclass names the settings and their types. It raises an error for
# an unknown or a missing name. ``frozen=True`` makes it an error to change
# a setting while the program runs.
config_py = add("config", """
import tomllib
from dataclasses import dataclass

@dataclass(frozen=True)
class Config:
    drop: tuple[str, ...]
    hidden: int
    epochs: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    seed: int

def load(path):
    values = tomllib.loads(path.read_text(encoding="utf-8"))
    values["drop"] = tuple(values["drop"])
    return Config(**values)
""")
config = config_py.load(project / "config.toml")
config.learning_rate  # 0.003
with suppress(AttributeError):
    config.epochs = 5  # FrozenInstanceError: cannot assign to field
with suppress(TypeError):
    replace(config, epoch=5)  # TypeError: unexpected keyword argument

# %%
# ``data.py``: read the table and split its rows
# ----------------------------------------------
#
# The table describes 506 districts around Boston in 1970. The target is the
# median price of a house in 1,000 dollars. The split is drawn by a
# generator on the CPU, so the test rows are the same with and without a
# GPU. An unknown name in ``drop`` raises an error, because otherwise no
# column would be dropped and nobody would notice.
data = add("data", """
import torch
from mlxtend.data import boston_housing_data

NAMES = "CRIM ZN INDUS CHAS NOX RM AGE DIS RAD TAX PTRATIO B LSTAT".split()

def read(config):
    if unknown := set(config.drop) - set(NAMES):
        raise ValueError(f"no such column: {unknown}")
    columns = [name for name in NAMES if name not in config.drop]
    table, prices = boston_housing_data()
    table = table[:, [NAMES.index(name) for name in columns]]
    options = {"dtype": torch.float32, "device": torch.get_default_device()}
    features = torch.tensor(table, **options)
    return columns, features, torch.tensor(prices, **options).unsqueeze(1)

def split(rows, seed):
    rng = torch.Generator("cpu").manual_seed(seed)
    order = torch.randperm(rows, generator=rng, device="cpu")
    return order.tensor_split([rows * 6 // 10, rows * 8 // 10])
""")

# %%
# What the module returns: columns, features, prices
# --------------------------------------------------
#
# The prices have a second dimension, like the output of the model. Sixteen
# prices are exactly 50, because the table was cut off there. The real
# prices of these houses are not known.
columns, features, prices = data.read(config)
features.shape  # torch.Size([506, 12])
prices.shape  # torch.Size([506, 1])
"B" in columns  # False
[len(part) for part in data.split(506, config.seed)]  # [303, 101, 102]
(prices == 50).sum()  # tensor(16)
prices.max()  # tensor(50.)
with suppress(ValueError):
    data.read(replace(config, drop=("b",)))  # ValueError: no such column

# %%
# ``model.py``: the mean and the standard deviation are part of the model
# -----------------------------------------------------------------------
#
# The model takes the raw features and returns a price. The means and
# standard deviations are buffers. They are not parameters, but they are
# saved in the ``state_dict`` and move to the device with the model. Whoever
# uses the model can therefore not forget them.
add("model", """
import torch
from torch import nn

class PriceModel(nn.Module):
    def __init__(self, columns, hidden):
        super().__init__()
        self.register_buffer("mean", torch.zeros(columns))
        self.register_buffer("std", torch.ones(columns))
        self.register_buffer("price_mean", torch.zeros(1))
        self.register_buffer("price_std", torch.ones(1))
        self.layers = nn.Sequential(
            nn.Linear(columns, hidden), nn.ReLU(),
            nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, 1),
        )

    def set_statistics(self, features, prices):
        self.mean, self.std = features.mean(dim=0), features.std(dim=0)
        self.price_mean, self.price_std = prices.mean(0), prices.std(0)

    def forward(self, features):
        scaled = (features - self.mean) / self.std
        return self.layers(scaled) * self.price_std + self.price_mean
""")

# %%
# ``evaluate.py``: MAE, RMSE, R², and two baselines
# -------------------------------------------------
#
# MAE, the mean absolute error, and RMSE, the root of the mean squared
# error, are in 1,000 dollars. R² is 1 for perfect predictions, and 0 for a
# model that always predicts the mean of the targets. The baselines are the
# mean of the training prices and linear least squares on the training rows.
evaluate = add("evaluate", """
import torch

def metrics(predictions, targets):
    errors = predictions - targets
    spread = (targets - targets.mean()).square().mean()
    return {
        "MAE": errors.abs().mean().item(),
        "RMSE": errors.square().mean().sqrt().item(),
        "R2": (1 - errors.square().mean() / spread).item(),
    }

def baselines(features, prices, train, rows):
    mean, std = features[train].mean(dim=0), features[train].std(dim=0)
    ones = torch.ones_like(prices)
    design = torch.cat([(features - mean) / std, ones], dim=1)
    solved = torch.linalg.lstsq(design[train], prices[train]).solution
    constant = prices[train].mean().expand(len(rows), 1)
    return {"mean": constant, "linear": design[rows] @ solved}
""")

# %%
# ``loop.py``: one function trains an epoch, the other measures the error
# -----------------------------------------------------------------------
#
# These are the two functions of the usual training loop.
# :doc:`/gallery/training/metrics` explains why the error is computed over
# all rows at once.
add("loop", """
import torch
from torch import nn

from houses import evaluate

criterion = nn.MSELoss()

def train_epoch(model, loader, optimizer):
    model.train()
    for features, prices in loader:
        optimizer.zero_grad()
        criterion(model(features), prices).backward()
        optimizer.step()

@torch.inference_mode()
def rmse(model, features, prices):
    model.eval()
    return evaluate.metrics(model(features), prices)["RMSE"]
""")

# %%
# ``train.py``: from a configuration to a model
# ---------------------------------------------
#
# The means and standard deviations come from the training rows. After each
# epoch the error on the validation rows is measured, and the weights of the
# best epoch are copied. Without ``deepcopy``, the tensors of
# ``state_dict()`` would change as the training goes on. The test rows are
# not used.
train = add("train", """
from copy import deepcopy
import torch
from torch.utils.data import DataLoader, TensorDataset
from houses import data, loop, model

def fit(config):
    torch.manual_seed(config.seed)
    columns, x, y = data.read(config)
    train, val, _ = data.split(len(x), config.seed)
    net = model.PriceModel(len(columns), config.hidden).to(x.device)
    net.set_statistics(x[train], y[train])
    rng = torch.Generator(x.device).manual_seed(config.seed)
    loader = DataLoader(TensorDataset(x[train], y[train]),
                        config.batch_size, shuffle=True, generator=rng)
    optimizer = torch.optim.AdamW(net.parameters(), config.learning_rate,
                                  weight_decay=config.weight_decay)
    history, best = [], float("inf")
    for _ in range(config.epochs):
        loop.train_epoch(net, loader, optimizer)
        history.append([loop.rmse(net, x[p], y[p]) for p in (train, val)])
        if history[-1][1] < best:
            best, state = history[-1][1], deepcopy(net.state_dict())
    net.load_state_dict(state)
    return net.eval(), history
""")

# %%
# Run it: the training and validation curves
# ------------------------------------------
#
# The dotted line marks the epoch whose weights are kept.
model, history = train.fit(config)
train_rmse, val_rmse = zip(*history, strict=True)
kept = val_rmse.index(min(val_rmse))
print(f"{kept=} {train_rmse[kept]=:.2f} {val_rmse[kept]=:.2f}")

figure, axis = plt.subplots(figsize=(8, 3.6))
axis.plot(train_rmse, label="train")
axis.plot(val_rmse, linestyle="--", label="val")
axis.axvline(kept, linestyle=":", color="C2")
axis.set(xlabel="epoch", ylabel="RMSE (1,000 $)")
axis.legend()
figure.tight_layout()

# %%
# ``serve.py``: save, load, and predict the price of one row
# ----------------------------------------------------------
#
# The file holds the weights with the means and standard deviations, the
# settings, and the names of the columns in the order that the model
# expects. A row is a dictionary, and its values are looked up by name. A
# missing or an unknown name raises an error.
serve = add("serve", """
from dataclasses import asdict

import torch

from houses.model import PriceModel

def save(path, model, config, columns):
    torch.save({"state": model.state_dict(), "config": asdict(config),
                "columns": columns}, path)

def load(path):
    saved = torch.load(path, weights_only=True)
    model = PriceModel(len(saved["columns"]), saved["config"]["hidden"])
    model.load_state_dict(saved["state"])
    return model.eval(), saved["columns"]

@torch.inference_mode()
def predict(model, columns, row):
    if wrong := sorted(row.keys() ^ set(columns)):
        raise ValueError(f"missing or unknown columns: {wrong}")
    values = [[float(row[name]) for name in columns]]
    return model(torch.tensor(values, device=model.mean.device)).item()
""")

# %%
# After loading: equal predictions, for a row in any order
# --------------------------------------------------------
#
# The loaded model gives exactly the same predictions as the trained one. A
# server calls ``load`` once, when it starts, and ``predict`` for each
# request.
path = project / "prices.pt"
serve.save(path, model, config, columns)
loaded, names = serve.load(path)
with torch.inference_mode():
    torch.equal(loaded(features), model(features))  # True
    expected = model(features[:1]).item()

row = dict(zip(columns, features[0].tolist(), strict=True))
backwards = dict(reversed(row.items()))
abs(serve.predict(loaded, names, row) - expected) < 1e-3  # True
abs(serve.predict(loaded, names, backwards) - expected) < 1e-3  # True
del row["RM"]
with suppress(ValueError):
    serve.predict(loaded, names, row)  # ValueError: missing or unknown

# %%
# Mistake: take the values of a row by position
# ---------------------------------------------
#
# ``list(row.values())`` relies on the order in which the caller wrote the
# row. Another order raises no error and gives wrong prices. In alphabetical
# order the error is greater than that of always predicting the mean price.
_, _, test = data.split(len(prices), config.seed)
alphabetical = [columns.index(name) for name in sorted(columns)]
with torch.inference_mode():
    by_name = loaded(features[test])
    by_position = loaded(features[test][:, alphabetical])
for predictions in (by_name, by_position):
    found = evaluate.metrics(predictions, prices[test])
    print(*(f"{key}={value:.2f}" for key, value in found.items()))
assert evaluate.metrics(by_position, prices[test])["R2"] < 0

# %%
# Five splits, because one test set is small
# ------------------------------------------
#
# A test set of about a hundred rows gives only a rough estimate, and
# another split gives another number. The training is therefore repeated
# with five seeds, and the predictions for all test rows are collected.
# ``replace`` creates a configuration with another seed.
collected = {"mean": [], "linear": [], "network": [], "price": []}
for seed in range(5):
    settings = replace(config, seed=seed)
    model, _ = train.fit(settings)
    train_rows, _, test = data.split(len(prices), settings.seed)
    guesses = evaluate.baselines(features, prices, train_rows, test)
    with torch.inference_mode():
        guesses |= {"network": model(features[test]), "price": prices[test]}
    scores = evaluate.metrics(guesses["network"], guesses["price"])
    print(f"{seed=}", *(f"{k} {v:5.2f}" for k, v in scores.items()))
    for name, values in guesses.items():
        collected[name].append(values.flatten())
collected = {name: torch.cat(parts) for name, parts in collected.items()}

# %%
# Error analysis: in which price range is the model wrong?
# --------------------------------------------------------
#
# The test rows are divided into three groups: the cheaper half, the more
# expensive half, and the prices that were cut off at 50. For each group the
# code prints the RMSE and the bias, which is the mean of ``predicted -
# price``. The bias of the last group is negative, so its predictions are
# too low on average.
price, predicted = collected["price"], collected["network"]
residuals = predicted - price
middle = price.median()
groups = {
    "cheaper": price <= middle,
    "dearer": (price > middle) & (price < 50),
    "cut at 50": price == 50,
}
errors, biases = {}, {}
for name, rows in groups.items():
    errors[name] = residuals[rows].square().mean().sqrt().item()
    biases[name] = residuals[rows].mean().item()
    print(f"{name:10} {errors[name]:6.2f} {biases[name]:6.2f}")
assert biases["cut at 50"] < 0

# %%
# The result: the network compared with the baselines
# ---------------------------------------------------
#
# Left: the predicted and the real prices of all test rows. The points of a
# perfect model would lie on the dotted line. Right: the residuals. The
# crosses are the prices that were cut off.
scores = {
    name: evaluate.metrics(collected[name], price)
    for name in ("mean", "linear", "network")
}
for name, values in scores.items():
    print(f"{name:8}", *(f"{k} {v:5.2f}" for k, v in values.items()))
assert 0.55 < scores["linear"]["R2"] < 0.85
assert scores["network"]["RMSE"] < 0.8 * scores["linear"]["RMSE"]
assert 0.75 < scores["network"]["R2"] < 0.95

cut = price == 50
price, predicted, residuals, cut = (
    part.cpu().numpy() for part in (price, predicted, residuals, cut)
)
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.8))
for part, marker, color in [(~cut, ".", "C0"), (cut, "x", "C1")]:
    left.plot(price[part], predicted[part], marker, color=color)
    right.plot(predicted[part], residuals[part], marker, color=color)
left.axline((0, 0), slope=1, linestyle=":", color="C2")
right.axhline(0, linestyle=":", color="C2")
left.set(xlabel="price (1,000 $)", ylabel="predicted")
right.set(xlabel="predicted (1,000 $)", ylabel="predicted - price")
figure.tight_layout()
folder.cleanup()
