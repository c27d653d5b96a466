"""
Tables and time series
======================

Turn a pandas table or a series of measurements into samples: categories,
missing values, windows.
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
# One column of text makes an array of objects out of the whole table. Look
# at ``dtypes``, select the columns of numbers, and give each text a number
# of its own. A column of numbers that pandas read as text becomes numbers
# with ``pd.to_numeric``.
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
# Category that training did not have: keep number 0 for it
# ---------------------------------------------------------
#
# Make the table of numbers from the training part and store it with the
# model. Validation data may contain a new category: map it to 0, and begin
# the known ones at 1. ``nn.Embedding`` then needs one row more.
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
# A sample with several labels gets a row of zeros and ones, one column per
# label. ``str.get_dummies`` splits the text. The loss is
# ``F.binary_cross_entropy_with_logits``, which wants floats.
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
# pandas writes a missing value as nan, and one of them makes the loss nan.
# Fill with the median of the training part. A second column that marks what
# was filled lets the model treat it apart.
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
# Each ``iloc`` builds a new pandas object, for each sample and epoch.
# Convert the columns in ``__init__``; a table that fits into memory as
# pandas fits as a tensor as well. For numbers alone ``TensorDataset`` does
# the same without a class.
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
# With ``chunksize`` pandas reads some rows at a time. An
# ``IterableDataset`` hands them on, one part in memory at a time. Let it
# yield whole batches and pass ``batch_size=None``.
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
# A sample is a window of past values and the values that follow it. Slice
# in ``__getitem__``: no window is stored twice. The length is the number of
# values, less window and horizon, plus one.
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
# Several series: no window across the border of two
# --------------------------------------------------
#
# Series of several shops or sensors in one column, cut into windows, give
# windows that begin in one series and end in the next. Group first, and
# join the windows of each group.
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
# One measured quantity is one feature: add the last dimension with
# ``unsqueeze``. With ``batch_first=True`` the output has the same order,
# and a linear layer on its last step predicts all steps of the horizon.
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
# A model that repeats the last value looks good in a plot, shifted by one
# step. On a random walk no model beats it. Print the error of that baseline
# beside your own, or train on the differences.
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
# A model for one step predicts more of them if its prediction becomes the
# newest value of the window. Errors add up on the way. The other choice is
# a model with one output for each step of the horizon.
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
# As a plain number, hour 23 lies far from hour 0. Two numbers on a circle
# keep neighbours together. ``dt`` takes the parts from a column of dates.
times = pd.Series(pd.to_datetime(["2026-01-01 00:00", "2026-01-01 23:00",
                                  "2026-01-01 12:00"]))
hours = torch.tensor(times.dt.hour.to_numpy(), dtype=torch.float32)
angle = 2 * torch.pi * hours / 24
circle = torch.stack([angle.sin(), angle.cos()], dim=1)
circle[0].tolist()  # [0.0, 1.0]
midnight, late, noon = circle
(midnight - late).norm()  # tensor(0.2611)
(midnight - noon).norm()  # tensor(2.0000)
