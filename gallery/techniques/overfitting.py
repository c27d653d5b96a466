"""
Regularization against overfitting: weight decay, dropout, augmentation
=======================================================================

A large network memorizes a training set of 200 digits together with its
wrong labels. This page compares weight decay, ``nn.Dropout``, random shifts
and early stopping with the same network without them. Each of the four at
least halves the gap between training and validation loss, and lowers the
loss on the test set.
"""
from copy import deepcopy

import matplotlib.pyplot as plt
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional as F

# %%
# A small training set with some wrong labels
# -------------------------------------------
#
# The training set has only 200 images, and about a quarter of its labels
# are replaced by random ones. The labels of the validation set and the test
# set are right. To find out whether your own model overfits or underfits,
# see :doc:`/gallery/help/overfitting_or_underfitting`. This page shows what
# to do against overfitting.
torch.manual_seed(0)
device = torch.get_default_device()
digits = load_digits()
order = torch.randperm(len(digits.target))
images = torch.tensor(digits.images, dtype=torch.float32, device=device)
labels = torch.tensor(digits.target, device=device)
images, labels = images[order] / 16, labels[order]
x_train, x_val, x_test = images.split([200, 400, 1197])
y_right, y_val, y_test = labels.split([200, 400, 1197])
drawn = torch.randint(10, y_right.shape)
y_train = torch.where(torch.rand(len(drawn)) < 0.25, drawn, y_right)


# %%
# A network, and a loop that measures both losses
# -----------------------------------------------
#
# After every epoch, ``fit`` measures the training loss and the validation
# loss in evaluation mode and without augmentation. Do not measure the gap
# with the loss from the training step, because dropout and augmentation can
# raise it. All 200 images fit into one batch, so an epoch is one step.
def make_model(width, dropout=0.0):
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(64, width),
        nn.ReLU(),
        nn.Dropout(dropout),
        nn.Linear(width, 10),
    )


@torch.inference_mode()
def evaluate(model, inputs, targets):
    return F.cross_entropy(model.eval()(inputs), targets).item()


def fit(model, weight_decay=0.0, augment=None, epochs=150):
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=0.01, weight_decay=weight_decay
    )
    history, best = [], float("inf")
    for _ in range(epochs):
        model.train()
        inputs = augment(x_train) if augment else x_train
        optimizer.zero_grad()
        F.cross_entropy(model(inputs), y_train).backward()
        optimizer.step()
        train_loss = evaluate(model, x_train, y_train)
        val_loss = evaluate(model, x_val, y_val)
        history.append((train_loss, val_loss))
        if val_loss < best:
            best, weights = val_loss, deepcopy(model.state_dict())
    return history, weights


# %%
# Loss by epoch: underfitting and overfitting
# -------------------------------------------
#
# Left: with two hidden units, both losses stay high and close to each
# other. Right: with 256 hidden units, the training loss falls to almost
# zero. The validation loss first falls, and then rises while the network
# learns the wrong labels.
histories, models = {}, {}
for width in (2, 8, 16, 64, 256):
    models[width] = make_model(width)
    histories[width], best_weights = fit(models[width])
figure, axes = plt.subplots(1, 2, figsize=(9, 3.6), sharey=True)
for ax, width in zip(axes, (2, 256), strict=True):
    train, val = zip(*histories[width], strict=True)
    ax.plot(train, label="train")
    ax.plot(val, "--", label="val")
    ax.set(xlabel="epoch", title=f"{width=}")
axes[0].set_ylabel("cross_entropy")
axes[0].legend()
figure.tight_layout()

# %%
# Loss by model size
# ------------------
#
# The figure shows the losses after the last epoch for five widths. The
# training loss falls to almost zero as the network grows. The validation
# loss falls and then rises again, because a small network is too limited
# for the digits and a large one also learns the wrong labels.
last = {width: history[-1] for width, history in histories.items()}
train, val = zip(*last.values(), strict=True)
assert train[0] > 0.7 and val[0] > 0.7, last
assert train[-1] < 0.05 and val[-1] > min(val) + 0.2, last
figure, ax = plt.subplots(figsize=(6.4, 3.6))
ax.semilogx(list(last), train, "o-", base=2, label="train")
ax.semilogx(list(last), val, "s--", base=2, label="val")
ax.set(xlabel="width", ylabel="cross_entropy")
ax.legend()
figure.tight_layout()

# %%
# Use weight decay with ``AdamW``, not with ``Adam``
# --------------------------------------------------
#
# The gradient is zero here, so only the decay changes the weight.
# ``torch.optim.AdamW`` reduces the weight by the fraction ``lr *
# weight_decay``. ``torch.optim.Adam`` adds the decay to the gradient and
# then divides by its size, so a tenth of the decay gives the same step.
stepped = []
for optimizer_class in (torch.optim.AdamW, torch.optim.Adam):
    for weight_decay in (0.5, 0.05):
        weight = torch.ones(1)
        weight.grad = torch.zeros(1)
        optimizer_class(
            [weight], lr=0.1, weight_decay=weight_decay
        ).step()
        stepped.append(weight)
torch.cat(stepped)  # tensor([0.9500, 0.9950, 0.9000, 0.9000])


# %%
# Augmentation: new shifts in every epoch
# ---------------------------------------
#
# Each image is shifted by at most one pixel in both directions, with zeros
# at the border. An augmentation must not change the label. Shifts are safe
# for digits, but mirror images are not.
def shift(images):
    count = len(images)
    padded = F.pad(images, (1, 1, 1, 1))
    top, left = torch.randint(0, 3, (2, count, 1, 1), device=device)
    span = torch.arange(8, device=device)
    rows, columns = top + span[:, None], left + span
    batch = torch.arange(count, device=device)[:, None, None]
    return padded[batch, rows, columns]


shift(x_train).shape  # torch.Size([200, 8, 8])
torch.equal(shift(x_train), shift(x_train))  # False

# %%
# Try each method alone
# ---------------------
#
# Early stopping needs no training of its own here. It takes the weights
# with the lowest validation loss from the run without regularization. A
# loop that really stops is in :doc:`/gallery/training/early_stopping`. The
# strength of each method was chosen on the validation set.
runs = {"none": (models[256], histories[256])}
for name, dropout, options in [
    ("weight_decay=3", 0.0, {"weight_decay": 3.0}),
    ("Dropout(0.8)", 0.8, {}),
    ("shift", 0.0, {"augment": shift}),
]:
    model = make_model(256, dropout)
    history, _ = fit(model, **options)
    runs[name] = model, history
stopped = make_model(256)
stopped.load_state_dict(best_weights)
best_epoch = min(range(150), key=lambda epoch: histories[256][epoch][1])
runs["early stopping"] = stopped, histories[256][: best_epoch + 1]

# %%
# What was reached
# ----------------
#
# The gap is the validation loss minus the training loss. Each method at
# least halves it and lowers the loss on the test set by at least a quarter.
# The grey lines are the network without regularization, and the dashed
# lines are validation losses. The dot marks the best epoch.
gaps = {name: run[1][-1][1] - run[1][-1][0] for name, run in runs.items()}
losses = {
    name: evaluate(model, x_test, y_test)
    for name, (model, _) in runs.items()
}
for name in runs:
    print(f"{name:15} gap={gaps[name]:.2f} test={losses[name]:.2f}")
assert gaps["none"] > 1 and losses["none"] > 1, (gaps, losses)
for name in list(runs)[1:]:
    assert gaps[name] < 0.5 * gaps["none"], (name, gaps)
    assert losses[name] < 0.75 * losses["none"], (name, losses)
    assert losses[name] < 1.0, (name, losses)

figure, axes = plt.subplots(1, 4, figsize=(9, 3.6), sharey=True)
for ax, name in zip(axes, list(runs)[1:], strict=True):
    for shown, colors in (("none", ("grey", "grey")), (name, ("C0", "C1"))):
        lines = zip(*runs[shown][1], strict=True)
        for i, line in enumerate(lines):
            options = {"color": colors[i], "linestyle": ("-", "--")[i]}
            ax.plot(line, label=("train", "val")[i], **options)
    ax.set(xlabel="epoch", title=name, xlim=(-5, 155))
    ax.title.set_fontsize(10)
axes[-1].plot(best_epoch, runs["early stopping"][1][-1][1], "oC1")
axes[-1].legend(handles=axes[-1].lines[2:4], loc="upper right")
axes[0].set_ylabel("cross_entropy")
figure.tight_layout()
