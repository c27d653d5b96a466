"""
Tables and time series
======================

Turn a pandas table or a time series into training samples: categories,
missing values, sliding windows.
"""
import io
from contextlib import suppress

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import (
    ConcatDataset,
    DataLoader,
    Dataset,
    IterableDataset,
    TensorDataset,
)

# %%
# Error: can't convert np.ndarray of type ``numpy.object_`` (a table)
# -------------------------------------------------------------------
#
# If one column holds text, ``to_numpy`` turns the whole table into an array
# of Python objects, which ``torch.tensor`` does not accept. Look at
# ``dtypes``, select the numeric columns, and give each text a number. If
# pandas has read a column of numbers as text, convert it with
# ``pd.to_numeric``.
table = pd.DataFrame({
    "size": [1.5, 2.0, 3.0],
    "city": ["Rome", "Oslo", "Rome"],
    "price": [10.0, 20.0, 30.0],
})
with suppress(TypeError):
    torch.tensor(
        table.to_numpy()
    )  # TypeError: can't convert np.ndarray of type numpy.object_
numbers = table[["size"]].to_numpy(dtype="float32")
x = torch.tensor(numbers)  # shape (3, 1), dtype float32
names = sorted(table["city"].unique())
codes = table["city"].map({name: i for i, name in enumerate(names)})
torch.tensor(codes.to_numpy())  # tensor([1, 0, 1])
pd.to_numeric(pd.Series(["4", "n/a"]), errors="coerce").tolist()[0]  # 4.0

# %%
# Categories that are not in the training set: reserve number 0
# -------------------------------------------------------------
#
# Number the categories of the training set, and store the numbers with the
# model. Validation data may contain a new category. Map it to 0, and number
# the known categories from 1. ``nn.Embedding`` holds one row of learned
# numbers per category, so it then needs one more row.
train, val = ["Rome", "Oslo", "Rome"], ["Oslo", "Lima"]
number = {name: i for i, name in enumerate(sorted(set(train)), start=1)}
number  # {'Oslo': 1, 'Rome': 2}
codes = torch.tensor([number.get(name, 0) for name in val])
codes  # tensor([1, 0])
embedding = nn.Embedding(len(number) + 1, 4)
embedding(codes).shape  # torch.Size([2, 4])

# %%
# Several labels in one cell of a CSV: multi-hot targets
# ------------------------------------------------------
#
# A sample with several labels has a row of zeros and ones as its target,
# with one column per label. ``str.get_dummies`` splits the text. Use the
# loss ``F.binary_cross_entropy_with_logits``, which needs float targets.
table = pd.DataFrame({"file": ["a", "b"], "labels": ["red|round", "red"]})
columns = table["labels"].str.get_dummies("|")
list(columns)  # ['red', 'round']
target = torch.tensor(columns.to_numpy(dtype="float32"))
target  # tensor([[1., 1.], [1., 0.]])
logits = torch.zeros(2, 2)
F.binary_cross_entropy_with_logits(logits, target)  # tensor(0.6931)

# %%
# Missing values make the loss nan: fill them, and say where
# ----------------------------------------------------------
#
# pandas represents a missing value as nan, and a single nan makes the loss
# nan. Fill missing values with the median of the training set. Add a column
# that marks the filled values, so that the model can tell them apart.
table = pd.DataFrame({"age": [30.0, np.nan, 50.0], "pay": [1.0, 2.0, 3.0]})
table.isna().sum().to_dict()  # {'age': 1, 'pay': 0}
x = torch.tensor(table.to_numpy(dtype="float32"))
F.mse_loss(x, torch.zeros_like(x)).isnan()  # tensor(True)
filled = table.fillna(table.median())
filled["age_missing"] = table["age"].isna()
x = torch.tensor(filled.to_numpy(dtype="float32"))
x[1]  # tensor([40., 2., 1.])
F.mse_loss(x, torch.zeros_like(x)).isnan()  # tensor(False)


# %%
# Slow ``__getitem__`` with ``DataFrame.iloc``: make tensors once
# ---------------------------------------------------------------
#
# Each ``iloc`` creates a new pandas object, for each sample in each epoch.
# Convert the columns to tensors once, in ``__init__``. If all columns are
# numbers, ``TensorDataset`` does the same without a class.
class Rows(Dataset):
    def __init__(self, table, target):
        features = table.drop(columns=target)
        self.x = torch.tensor(features.to_numpy(dtype="float32"))
        self.y = torch.tensor(table[target].to_numpy(dtype="float32"))

    def __len__(self):
        return len(self.x)

    def __getitem__(self, index):
        return self.x[index], self.y[index]


table = pd.DataFrame({"a": [1, 2], "b": [3, 4], "target": [5, 6]})
rows = Rows(table, "target")
rows[1]  # (tensor([2., 4.]), tensor(6.))
TensorDataset(rows.x, rows.y)[1]  # (tensor([2., 4.]), tensor(6.))
table.iloc[1].tolist()  # [2, 4, 6]


# %%
# CSV larger than memory: ``pd.read_csv(chunksize=...)``
# ------------------------------------------------------
#
# With ``chunksize``, pandas reads some rows at a time, so memory holds one
# part of the file. Wrap this reader in an ``IterableDataset`` that yields
# whole batches, and pass ``batch_size=None`` to the loader.
class Chunks(IterableDataset):
    def __init__(self, open_file, rows):
        self.open_file, self.rows = open_file, rows

    def __iter__(self):
        for part in pd.read_csv(self.open_file(), chunksize=self.rows):
            yield torch.tensor(part.to_numpy(dtype="float32"))


text = "a,b\n" + "\n".join(f"{i},{2 * i}" for i in range(5))
loader = DataLoader(Chunks(lambda: io.StringIO(text), 2), batch_size=None)
[tuple(batch.shape) for batch in loader]  # [(2, 2), (2, 2), (1, 2)]
next(iter(loader))  # tensor([[0., 0.], [1., 2.]])


# %%
# Sliding windows of a time series as a ``Dataset``
# -------------------------------------------------
#
# A sample consists of ``window`` past values and the ``horizon`` values
# that follow. Slice in ``__getitem__``, so that the windows are not stored.
# The number of samples is the number of values minus ``window`` and
# ``horizon``, plus one.
class Windows(Dataset):
    def __init__(self, series, window, horizon=1):
        self.series, self.window, self.horizon = series, window, horizon

    def __len__(self):
        return len(self.series) - self.window - self.horizon + 1

    def __getitem__(self, index):
        end = index + self.window
        past = self.series[index:end]
        return past, self.series[end : end + self.horizon]


data = Windows(torch.arange(10.0), window=4, horizon=2)
len(data)  # 5
data[0]  # (tensor([0., 1., 2., 3.]), tensor([4., 5.]))
data[4]  # (tensor([4., 5., 6., 7.]), tensor([8., 9.]))
x, y = next(iter(DataLoader(data, batch_size=3)))
x.shape, y.shape  # (torch.Size([3, 4]), torch.Size([3, 2]))

# %%
# Several time series: keep windows within one series
# ---------------------------------------------------
#
# If one column holds the series of several shops or sensors, some windows
# begin in one series and end in the next. Group the table first, and join
# the windows of the groups.
table = pd.DataFrame({
    "shop": ["A"] * 4 + ["B"] * 5,
    "sold": [1, 2, 3, 4, 10, 20, 30, 40, 50],
})
everything = torch.tensor(table["sold"].to_numpy()).unfold(0, 3, 1)
everything[2].tolist()  # [3, 4, 10]
parts = [
    torch.tensor(part.to_numpy()).unfold(0, 3, 1)
    for _, part in table.groupby("shop")["sold"]
]
[len(part) for part in parts]  # [2, 3]
len(ConcatDataset(parts))  # 5
torch.cat(parts)[2].tolist()  # [10, 20, 30]

# %%
# Shape of a series for ``nn.LSTM``: (batch, time, features)
# ----------------------------------------------------------
#
# A single measured quantity is one feature, so add the last dimension with
# ``unsqueeze``. With ``batch_first=True`` both the input and the output
# have the shape (batch, time, features). A linear layer takes the output at
# the last time step and predicts all future values at once, here three.
x = torch.randn(8, 24)
lstm = nn.LSTM(input_size=1, hidden_size=16, batch_first=True)
head = nn.Linear(16, 3)
output, _ = lstm(x.unsqueeze(-1))
output.shape  # torch.Size([8, 24, 16])
head(output[:, -1]).shape  # torch.Size([8, 3])
with suppress(RuntimeError):
    lstm(x[:, None])  # RuntimeError: input.size(-1) must be equal to

# %%
# Predictions lag one step behind: compare with the last value
# ------------------------------------------------------------
#
# A model that only repeats the last value looks good in a plot, because its
# curve is the true curve, one step late. For a random walk this is the best
# prediction. Print the error of this simple prediction (the baseline)
# beside the error of your model, or train the model to predict the change
# from the last value.
walk = torch.randn(2000).cumsum(0)
last, following = walk[:-1], walk[1:]
baseline = F.mse_loss(last, following)
0.8 < baseline < 1.2  # tensor(True)
around_mean = F.mse_loss(walk.mean().expand_as(walk), walk)
baseline < around_mean  # tensor(True)
change = following - last
change.abs().mean() < walk.std()  # tensor(True)


# %%
# Predict many steps ahead: feed predictions back
# -----------------------------------------------
#
# A model that predicts one step can predict more steps if you append each
# prediction to the window. The errors accumulate with each step.
# Alternatively, use a model with one output per step.
def predict(model, window, steps):
    values = []
    for _ in range(steps):
        value = model(window)
        values.append(value)
        window = torch.cat([window[:, 1:], value], dim=1)
    return torch.cat(values, dim=1)


def continue_line(window):
    return 2 * window[:, -1:] - window[:, -2:-1]


window = torch.tensor([[1.0, 2.0, 3.0]])
predict(continue_line, window, steps=3)  # tensor([[4., 5., 6.]])

# %%
# Hour, weekday, month as features: sine and cosine
# -------------------------------------------------
#
# As plain numbers, hour 23 and hour 0 are far apart. Turn the hour into an
# angle, with 24 hours for the full circle. Its sine and cosine are a point
# on a circle, where neighbouring hours are close to each other. ``dt``
# extracts the hour from a column of dates.
times = pd.Series(pd.to_datetime(["2026-01-01 00:00", "2026-01-01 23:00",
                                  "2026-01-01 12:00"]))
hours = torch.tensor(times.dt.hour.to_numpy(), dtype=torch.float32)
angle = 2 * torch.pi * hours / 24
circle = torch.stack([angle.sin(), angle.cos()], dim=1)
circle[0].tolist()  # [0.0, 1.0]
midnight, late, noon = circle
(midnight - late).norm()  # tensor(0.2611)
(midnight - noon).norm()  # tensor(2.0000)
