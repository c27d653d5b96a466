"""
House prices: a regression project with config file, package and model
======================================================================

A TOML file configures a small package that reads a table, trains a network,
measures it against two baselines, saves it and serves one row at a time.
Over five splits the network's error is less than four fifths of the error
of linear least squares, and it explains more than three quarters of the
variance.
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
# The project is a folder with ``config.toml`` and the package ``houses``.
# This page writes its files to a temporary folder and imports each of them
# from there; once Python knows the package, the folder leaves the path
# again. In a project of yours they are files, and ``add`` is not needed.
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
# ``config.toml``: every choice in one place
# ------------------------------------------
#
# Settings stand in a file, so that a run can be repeated and two runs can
# be compared. The column ``B`` of the table is computed from the share of
# Black residents: a price model must not use race, so it is dropped.
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
# A dataclass names the settings and their types. It refuses an unknown or a
# missing name, and ``frozen=True`` refuses a change while the program runs.
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
# ``data.py``: read the table, split its rows
# -------------------------------------------
#
# 506 districts around Boston in 1970; the target is the median price of a
# house in 1,000 dollars. The split is drawn by a generator on the CPU: then
# the same rows are test rows on every machine, with and without a GPU. A
# wrong name in ``drop`` must be an error, for otherwise nothing is dropped.
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
# What the module gives: columns, features, prices
# ------------------------------------------------
#
# The prices have a second dimension, like the output of the model. Sixteen
# of them are exactly 50: the table was cut there, and what the houses
# really cost is not known.
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
# ``model.py``: the statistics are part of the model
# --------------------------------------------------
#
# The model takes the raw features and gives a price. Mean and deviation are
# buffers: they are no parameters, but they are saved in the ``state_dict``
# and move with the model. So they cannot be forgotten where the model is
# used.
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
# MAE and RMSE are in 1,000 dollars; R² is 0 for a model that always gives
# the mean. The baselines are that mean and linear least squares, both
# fitted on the training rows.
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
# ``loop.py``: one epoch, one measurement
# ---------------------------------------
#
# The two functions of every training loop; :doc:`/gallery/training/metrics`
# says why the errors are computed over all rows at once.
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
# The statistics come from the training rows. After each epoch the
# validation rows are measured, and the weights of the best epoch are
# copied; ``state_dict()`` alone would go on changing. The test rows are not
# touched.
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
# Run it: the curves of one training
# ----------------------------------
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
# ``serve.py``: save, load, and a price for one row
# -------------------------------------------------
#
# The file holds the weights with the statistics, the settings, and the
# names of the columns in the order that the model expects. A row is a
# dictionary; its values are taken by name, and a wrong set of names is an
# error.
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
# Reloaded: equal predictions, and a row in any order
# ---------------------------------------------------
#
# The loaded model gives exactly what the trained one gave. A server needs
# ``load`` once, when it starts, and ``predict`` for each request.
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
# A row by position instead of by name
# ------------------------------------
#
# ``list(row.values())`` trusts the order in which the caller wrote the row.
# Nothing fails when the order is another one: the prices are wrong, and
# their error is greater than that of giving the mean price every time.
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
# Five splits, because one test part is small
# -------------------------------------------
#
# About a hundred test rows say little: another split gives another number.
# Everything is repeated for five seeds, and the predictions for the test
# rows are collected. ``replace`` makes a new configuration.
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
# Error analysis: where is it wrong?
# ----------------------------------
#
# RMSE and bias, the mean of ``predicted - price``, in three groups of test
# rows: the cheaper half, the dearer half, and the prices that were cut at
# 50. For those the model gives too little in the mean.
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
# What was reached: the network against the baselines
# ---------------------------------------------------
#
# Left: predicted and real prices of all test rows; a perfect model has
# every point on the line. Right: the residuals, with the cut rows as
# crosses.
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
