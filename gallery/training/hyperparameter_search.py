"""
Hyperparameter search: random trials, judged on validation data
===============================================================

Draw the learning rate on a log scale and try each setting for a few epochs
with the same data and the same seed. Train the best settings for longer,
keep the one with the lowest validation loss, and measure it once on the
test set. On this page, twelve short trials find a setting that reaches more
than 90 % accuracy on the test set.
"""
import math

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

# %%
# Data: training, validation and test set
# ---------------------------------------
#
# The training set fits the weights, the validation set chooses the setting,
# and the test set measures the result. A setting that was chosen on the
# test set looks better than it is: see :doc:`best_checkpoint`.
torch.manual_seed(0)
device = torch.get_default_device()
digits = load_digits()
order = torch.randperm(1797)
x = torch.tensor(digits.data, dtype=torch.float32, device=device)[order]
x, y = x / 16, torch.tensor(digits.target, device=device)[order]
train, val, test = (
    (x[part], y[part])
    for part in (slice(1000), slice(1000, 1400), slice(1400, 1797))
)

# %%
# One trial: a setting in, the validation loss out
# ------------------------------------------------
#
# Each trial sets the same seed, so the trials differ in their settings and
# not in their luck. A loss that is not finite counts as infinite, because
# comparisons with ``nan`` are False and ``min`` could then return ``nan``.
def trial(setting, epochs):
    torch.manual_seed(1)
    model = nn.Sequential(
        nn.Linear(64, setting["width"]),
        nn.ReLU(),
        nn.Linear(setting["width"], 10),
    )
    optimizer = torch.optim.AdamW(
        model.parameters(),
        lr=setting["lr"],
        weight_decay=setting["weight_decay"],
    )
    for _ in range(epochs):
        for rows in torch.randperm(1000).split(50):
            optimizer.zero_grad()
            logits = model(train[0][rows])
            F.cross_entropy(logits, train[1][rows]).backward()
            optimizer.step()
    with torch.inference_mode():
        loss = F.cross_entropy(model(val[0]), val[1]).item()
    return model, loss if math.isfinite(loss) else math.inf


# %%
# Draw settings: the learning rate on a log scale
# -----------------------------------------------
#
# Learning rates between 1e-5 and 1 differ by factors, so draw the exponent.
# If the rates were drawn evenly, about 90 % of them would be above 0.1.
# Random draws try a new learning rate in each trial, while a grid tries a
# few rates many times.
def draw():
    exponent = torch.empty(()).uniform_(-5, 0).item()
    return {
        "lr": 10**exponent,
        "weight_decay": 10 ** torch.empty(()).uniform_(-4, -1).item(),
        "width": 2 ** torch.randint(4, 8, ()).item(),
    }


settings = [draw() for _ in range(12)]
all(1e-5 < s["lr"] < 1 for s in settings)  # True
uniform = torch.empty(10000).uniform_(1e-5, 1)
0.88 < (uniform > 0.1).float().mean().item() < 0.92  # True

# %%
# Short trials for all, a longer one for the best
# -----------------------------------------------
#
# Three epochs show which learning rates make fast progress. The best four
# settings are trained for ten epochs, and the best of these is kept. This
# is a simple form of successive halving. It can also drop a small rate that
# only needs more time. If the best rate is the smallest or the largest that
# was tried, widen the range.
short = [trial(setting, epochs=3)[1] for setting in settings]
ranked = sorted(range(12), key=short.__getitem__)
longer = {i: trial(settings[i], epochs=10) for i in ranked[:4]}
best = min(longer, key=lambda i: longer[i][1])
model, loss = longer[best]
print({name: round(value, 5) for name, value in settings[best].items()})
loss < min(short)  # True
max(short) > 2 * min(short)  # True

# %%
# The result: one measurement on the test set
# -------------------------------------------
#
# Each point is a short trial, and the star is the best setting after ten
# epochs. If the learning rate is too small, the loss stays near ``log(10)``
# (dotted line).
with torch.inference_mode():
    right = model(test[0]).argmax(dim=1) == test[1]
accuracy = right.float().mean().item()
print(f"{accuracy=:.3f} {loss=:.3f}")
assert 0.9 < accuracy <= 1.0, accuracy

figure, ax = plt.subplots(figsize=(7, 3.6))
ax.scatter([s["lr"] for s in settings], short, label="3 epochs")
ax.scatter([settings[best]["lr"]], [loss], marker="*", s=160, label="best")
ax.axhline(math.log(10), linestyle=":", color="grey")
ax.set(xscale="log", yscale="log", xlabel="lr", ylabel="val loss")
ax.legend()
figure.tight_layout()
