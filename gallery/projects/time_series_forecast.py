"""
Time series forecasting: windows, seasonal baseline, linear model, LSTM
=======================================================================

A forecast maps a window of past values to the values that follow. Split the
data by time, scale it with statistics of the past, and compare the model
with the value of one season ago. Here a linear model and an LSTM predict 24
steps at once, and another linear model predicts one step after another. The
error of each model is at least 10 % lower than that of the seasonal
baseline.
"""
import math
from contextlib import suppress

import matplotlib.pyplot as plt
import torch
from matplotlib import cbook
from torch import nn
from torch.nn import functional as F
from tqdm import tqdm

# %%
# The series: trend, season and noise
# -----------------------------------
#
# This page generates its own series of 2,400 hourly values. It is the sum
# of a slow rise, a pattern that repeats every 24 hours, and noise in which
# each value keeps 80 % of the previous one.
torch.manual_seed(0)
device = torch.get_default_device()
season, length = 24, 2400
hours = torch.arange(length, dtype=torch.float32)
angle = 2 * math.pi * hours / season
noise = torch.randn(length)
for hour in range(1, length):
    noise[hour] += 0.8 * noise[hour - 1]
daily = 5 * angle.sin() + 2 * (2 * angle).sin()
series = 20 + 0.01 * hours + daily + noise
series.shape  # torch.Size([2400])

# %%
# Windows: ``Tensor.unfold`` cuts inputs and targets
# --------------------------------------------------
#
# A window has 72 past values and the 24 values that follow. ``unfold``
# makes one window for each start and copies nothing. The inputs get a last
# dimension for the channels, so their shape is (N, L, C): samples, steps,
# channels. A table with several columns has more channels.
past, future = 72, 24


def windows(values):
    cut = values.unfold(0, past + future, 1)
    return cut[:, :past].unsqueeze(-1), cut[:, past:]


count = torch.arange(100.0)
x, y = windows(count)
x.shape, y.shape  # (torch.Size([5, 72, 1]), torch.Size([5, 24]))
x.data_ptr() == count.data_ptr()  # True
x[2, 0], x[2, -1], y[2, 0]  # (tensor([2.]), tensor([73.]), tensor(74.))

# %%
# Split by time, and scale with statistics of the past
# ----------------------------------------------------
#
# The first 1,600 hours are for training, the next 300 for validation, and
# the rest for the test. Each part is cut into windows on its own, so no
# window reaches from one part into another. The mean and standard deviation
# come from the training part. The mean of the whole series is larger,
# because it includes the later values.
parts = series.split([1600, 300, 500])
mean, std = parts[0].mean(), parts[0].std()
(x_train, y_train), (x_val, y_val), (x_test, y_test) = (
    windows((part - mean) / std) for part in parts
)
[len(x) for x in (x_train, x_val, x_test)]  # [1505, 205, 405]
series.mean() > mean + 1  # tensor(True)


# %%
# Baselines: the last value, and the value of one season ago
# ----------------------------------------------------------
#
# The naive forecast repeats the last value. The seasonal naive forecast
# repeats the last 24 values. ``mae`` is the mean absolute error in the unit
# of the series. Use a model only if it beats the better of the two
# baselines.
def mae(forecast, targets):
    return ((forecast - targets).abs().mean() * std).item()


def naive(x):
    return x[:, -1].expand(-1, future)


def seasonal_naive(x):
    return x[:, -season:, 0]


one, other = mae(naive(x_val), y_val), mae(seasonal_naive(x_val), y_val)
print(f"naive {one:.2f}, seasonal naive {other:.2f}")
other < 0.6 * one  # True


# %%
# Direct: a linear model predicts all 24 steps at once
# ----------------------------------------------------
#
# The model gets the window minus its last value, and that value is added to
# the output. The model therefore learns changes, which look alike at low
# and high levels of the trend. ``fit`` is the usual training loop.
class FromLast(nn.Module):
    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, x):
        last = x[:, -1:]
        return last.squeeze(-1) + self.net(x - last)


def fit(model, x, y, steps, lr):
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr)
    decay = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.01, steps)
    for _ in tqdm(range(steps), disable=None):
        rows = torch.randint(len(x), (64,))
        optimizer.zero_grad()
        F.mse_loss(model(x[rows]), y[rows]).backward()
        optimizer.step()
        decay.step()
    return model.eval()


direct = FromLast(nn.Sequential(nn.Flatten(), nn.Linear(past, future)))
fit(direct, x_train, y_train, steps=400, lr=0.003)
with torch.inference_mode():
    print(mae(direct(x_val), y_val), mae(seasonal_naive(x_val), y_val))

# %%
# The same by least squares: ``torch.linalg.lstsq``
# -------------------------------------------------
#
# The best linear model has a closed form, which ``torch.linalg.lstsq``
# computes. No linear model has a smaller mean squared error on the training
# windows. The error of the trained model is less than 15 % larger.
flat = (x_train - x_train[:, -1:]).flatten(1).double().cpu()
flat = torch.cat([flat, torch.ones_like(flat[:, :1])], dim=1)
change = (y_train - x_train[:, -1]).double().cpu()
best = torch.linalg.lstsq(flat, change, driver="gelsd").solution
residual = (flat @ best - change).square().mean().item()
with torch.inference_mode():
    trained = F.mse_loss(direct(x_train), y_train).item()
print(trained, residual)
1.0 < trained / residual < 1.15  # True


# %%
# Recursive: predict one step, and feed it back as input
# ------------------------------------------------------
#
# This model predicts one value, the next. ``forecast`` appends the
# prediction to the window, uses the last 72 values as the next input, and
# repeats this. One model can then predict any number of steps, here 24 and
# 48. The first step is the plain output of the model.
def forecast(model, x, steps=future):
    for _ in range(steps):
        step = model(x[:, -past:]).unsqueeze(-1)
        x = torch.cat([x, step], dim=1)
    return x[:, -steps:, 0]


one_step = FromLast(nn.Sequential(nn.Flatten(), nn.Linear(past, 1)))
fit(one_step, x_train, y_train[:, :1], steps=400, lr=0.003)
with torch.inference_mode():
    forecast(one_step, x_val).shape  # torch.Size([205, 24])
    forecast(one_step, x_val, steps=48).shape  # torch.Size([205, 48])
    first = forecast(one_step, x_val)[:, :1]
    torch.allclose(first, one_step(x_val), atol=1e-5)  # True
    print(mae(forecast(one_step, x_val), y_val))


# %%
# An LSTM in place of the linear layer
# ------------------------------------
#
# With ``batch_first=True`` the LSTM takes the windows in their shape (N, L,
# C). The output of the last step goes to a linear layer that predicts all
# 24 steps.
class Forecaster(nn.Module):
    def __init__(self, hidden=32):
        super().__init__()
        self.lstm = nn.LSTM(1, hidden, batch_first=True)
        self.head = nn.Linear(hidden, future)

    def forward(self, x):
        states, _ = self.lstm(x)
        return self.head(states[:, -1])


lstm = fit(FromLast(Forecaster()), x_train, y_train, steps=500, lr=0.01)
with torch.inference_mode():
    print(mae(lstm(x_val), y_val))


# %%
# Mistake: a shuffled split leaks the future
# ------------------------------------------
#
# Two windows that start an hour apart share 95 of their 96 values. After a
# random split, most validation windows have such a neighbour in the
# training set. A network with the raw values as input then has a low
# validation error. The same network, trained on the past and tested on
# later values, has a larger error.
def network():
    hidden = nn.Linear(past, 256), nn.ReLU()
    return nn.Sequential(nn.Flatten(), *hidden, nn.Linear(256, future))


x_all, y_all = windows((series - mean) / std)
order = torch.randperm(len(x_all))
train_rows, val_rows = order.split([1505, len(order) - 1505])
x, y = x_all[train_rows], y_all[train_rows]
shuffled = fit(network(), x, y, steps=1500, lr=0.003)
by_time = fit(network(), x_train, y_train, steps=1500, lr=0.003)
with torch.inference_mode():
    leaked = mae(shuffled(x_all[val_rows]), y_all[val_rows])
    honest = mae(by_time(x_test), y_test)
print(f"{leaked=:.2f} {honest=:.2f}")
leaked < 0.9 * honest  # True

# %%
# Mistake: (N, L, C) for ``nn.Conv1d``, and an LSTM without ``batch_first``
# -------------------------------------------------------------------------
#
# ``nn.Conv1d`` expects the channels before the steps. Use ``transpose`` to
# exchange the two dimensions, because ``reshape`` would mix up the values
# of several channels. ``nn.LSTM`` without ``batch_first=True`` raises no
# error. It treats the samples as steps, so the output of one sample depends
# on another sample.
conv = nn.Conv1d(1, 8, kernel_size=5)
x = x_train[:4]
with suppress(RuntimeError):
    conv(x)  # RuntimeError: Given groups=1, weight of size
conv(x.transpose(1, 2)).shape  # torch.Size([4, 8, 68])

changed = x.clone()
changed[0] += 1
wrong, right = nn.LSTM(1, 8), nn.LSTM(1, 8, batch_first=True)
wrong(x)[0].shape == right(x)[0].shape  # True
torch.equal(wrong(x)[0][3], wrong(changed)[0][3])  # False
torch.equal(right(x)[0][3], right(changed)[0][3])  # True

# %%
# Mistake: targets of shape (N,) and predictions of shape (N, 1)
# --------------------------------------------------------------
#
# The two are broadcast to (N, N), so each prediction is compared with each
# target. PyTorch gives a warning but no error.
predictions, targets = y_train[:4, :1], y_train[:4, 0]
loss = F.mse_loss(predictions, targets)  # UserWarning: Using a target size
loss > 0  # tensor(True)
F.mse_loss(predictions.squeeze(1), targets)  # tensor(0.)

# %%
# Mistake: a stock price, and a score that looks good
# ---------------------------------------------------
#
# Here the series is the daily price of Google, which comes with matplotlib.
# Yesterday's price explains more than 95 % of the variance of today's
# price, so a model that copies its last input gets such a score. Predict
# the return instead, which is the relative change. Yesterday's return
# explains less than 5 % of the variance of today's return, so there is
# little to learn.
table = cbook.get_sample_data("goog.npz")["price_data"]
price = torch.tensor(table["adj_close"], device=device).double()


def explained(forecast, targets):
    residual = (targets - forecast).square().sum()
    return 1 - (residual / (targets - targets.mean()).square().sum()).item()


explained(price[:-1], price[1:]) > 0.95  # True
change = price[1:] / price[:-1] - 1
correlation = torch.stack([change[:-1], change[1:]]).corrcoef()[0, 1]
correlation.square() < 0.05  # tensor(True)

# %%
# The result: lower errors than the seasonal baseline
# ---------------------------------------------------
#
# The test part comes last in time and is used once, here. Left: the
# forecasts for one window. Right: the mean absolute error for each step
# ahead. The direct model is far better than the seasonal baseline at the
# first step, and its lead is smaller at the last step.
with torch.inference_mode():
    forecasts = {
        "seasonal": seasonal_naive(x_test),
        "direct": direct(x_test),
        "recursive": forecast(one_step, x_test),
        "LSTM": lstm(x_test),
    }
errors = {name: mae(one, y_test) for name, one in forecasts.items()}
print({name: round(error, 3) for name, error in errors.items()})
for name in ("direct", "recursive", "LSTM"):
    assert errors[name] < 0.9 * errors["seasonal"], errors
ahead = {
    name: (one - y_test).abs().mean(dim=0) * std
    for name, one in forecasts.items()
}
ratio = ahead["direct"] / ahead["seasonal"]
assert ratio[0] < 0.6 and ratio[0] < ratio[-1] - 0.1, ratio

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.8))
row = 100
shown = torch.cat([x_test[row, -48:, 0], y_test[row]]) * std + mean
left.plot(range(-47, 25), shown.tolist(), "C4", label="series")
for i, (name, one) in enumerate(forecasts.items()):
    left.plot(range(1, 25), (one[row] * std + mean).tolist(), f"C{i}")
    right.plot(range(1, 25), ahead[name].tolist(), f"C{i}", label=name)
left.set(xlabel="hour", ylabel="value")
right.set(xlabel="steps ahead", ylabel="mean absolute error")
left.legend()
right.legend()
figure.tight_layout()
