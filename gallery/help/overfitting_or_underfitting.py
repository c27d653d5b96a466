"""
Overfitting or underfitting: compare train with val, then act
=============================================================

A model that is bad on its own training data underfits; one that is good
there and much worse on validation data overfits. The first needs a larger
model or longer training, the second more data or regularization. Here
both are made from the same digits and cured, and a split that hides
overfitting is found.

* Is the accuracy on train low?

  * Is the model too small? See *Underfitting: a larger model*.
  * Is it still rising at the end? See *Underfitting: more steps*.
  * Does it not rise at all? See :doc:`loss_does_not_fall`.

* Is train good and val much worse?

  * Can you get more data? See *Overfitting: more data*.
  * Can you not? See *Overfitting: regularization and early stopping*.

* Are train and val good, and new data is bad?

  * Are there copies of samples? See *The leak: the same samples in train
    and val*.
  * Did you choose by the test set? See *What was reached: chosen on val,
    measured on test*.
"""
import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

# %%
# Digits of which some have a wrong label
# ---------------------------------------
#
# Three labels in ten are drawn anew, in train and val alike: no model can
# predict those, but a large one can learn them by heart. The labels of the
# test part are right. One part serves one purpose: train fits, val
# decides, test is used once.
torch.manual_seed(0)
device = torch.get_default_device()
digits = load_digits()
order = torch.randperm(1797)
x = torch.tensor(digits.data, dtype=torch.float32, device=device)[order]
x = x / 16
y = torch.tensor(digits.target, device=device)[order]
drawn = torch.randint(10, y.shape)
noisy = torch.where(torch.rand(len(y)) < 0.3, drawn, y)
x_train, y_train = x[:1000], noisy[:1000]
x_val, y_val = x[1000:1400], noisy[1000:1400]
x_test, y_test = x[1400:], y[1400:]


def make_model(hidden, dropout=0.0):
    return nn.Sequential(
        nn.Linear(64, hidden),
        nn.ReLU(),
        nn.Dropout(dropout),
        nn.Linear(hidden, 10),
    )


# %%
# Measure both parts during training
# ----------------------------------
#
# ``fit`` returns the accuracy on train and on val after every ten steps.
# Val alone does not tell underfitting from overfitting: the pair does.
@torch.inference_mode()
def accuracy(model, x, y):
    model.eval()
    return (model(x).argmax(dim=1) == y).float().mean().item()


def fit(model, n=400, steps=400, lr=0.01, weight_decay=0.0):
    x, y = x_train[:n], y_train[:n]
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=lr, weight_decay=weight_decay
    )
    history = []
    for step in range(1, steps + 1):
        rows = torch.randint(n, (64,))
        model.train()
        optimizer.zero_grad()
        F.cross_entropy(model(x[rows]), y[rows]).backward()
        optimizer.step()
        if step % 10 == 0:
            pair = accuracy(model, x, y), accuracy(model, x_val, y_val)
            history.append(pair)
    return history


# %%
# The rule in five lines
# ----------------------
#
# ``reach`` is what a good answer reaches on train: the score of people, of
# an older model, or, as here, of the share of right labels. ``gap`` is how
# much worse val may be.
def diagnose(train, val, reach=0.65, gap=0.2):
    if train < reach:
        return "underfitting"
    if train - val > gap:
        return "overfitting"
    return "neither"


diagnose(train=0.40, val=0.39)  # 'underfitting'
diagnose(train=0.99, val=0.55)  # 'overfitting'

# %%
# Underfitting: a larger model
# ----------------------------
#
# Three hidden units cannot keep ten digits apart. Train and val are low and
# near each other. More data would change nothing here: the model cannot
# fit what it has.
runs = {"hidden=3": fit(make_model(3)), "hidden=256": fit(make_model(256))}
for name, history in runs.items():
    print(name, "train={:.2f} val={:.2f}".format(*history[-1]))
diagnose(*runs["hidden=3"][-1])  # 'underfitting'
diagnose(*runs["hidden=256"][-1])  # 'overfitting'

# %%
# Underfitting: more steps
# ------------------------
#
# The large model, stopped after ten steps at a small learning rate, looks
# the same. The curve tells the difference: it still rises. Train longer or
# with a larger rate before you enlarge a model.
short = fit(make_model(256), steps=10, lr=0.001)
longer = fit(make_model(256), steps=200, lr=0.001)
diagnose(*short[-1])  # 'underfitting'
longer[-1][0] > short[-1][0] + 0.1  # True

# %%
# Overfitting: more data
# ----------------------
#
# The large model has learned the wrong labels by heart: nearly all of train
# is right, which an honest answer cannot be. With 1,000 samples instead of
# 400 and the same number of steps val rises and the gap shrinks.
runs["n=1000"] = fit(make_model(256), n=1000)
train_few, val_few = runs["hidden=256"][-1]
train_many, val_many = runs["n=1000"][-1]
train_few > 0.95  # True
val_many > val_few  # True
train_many - val_many < train_few - val_few  # True

# %%
# Overfitting: regularization and early stopping
# ----------------------------------------------
#
# Weight decay costs accuracy on train and wins some on val. Early stopping
# takes the weights of the best step on val: before the wrong labels were
# learned. Dropout, augmentation and the rest are in
# :doc:`/gallery/techniques/overfitting`; a smaller model helps as well.
runs["weight_decay=1"] = fit(make_model(256), weight_decay=1.0)
train_decay, val_decay = runs["weight_decay=1"][-1]
train_decay < train_few  # True
val_decay > val_few  # True
best_val = max(val for train, val in runs["hidden=256"])
best_val > val_few + 0.03  # True

# %%
# The leak: the same samples in train and val
# -------------------------------------------
#
# Labels drawn at random: nothing can be learned, and an honest val
# accuracy is near one in ten. Now each of 300 digits is there twice, as in
# a set with frames of one film or pictures of one patient, and the split
# is made after that. Val rises far above chance.
def split_and_fit(x, y, val_rows, train_rows):
    model = make_model(256)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    for _ in range(100):
        optimizer.zero_grad()
        F.cross_entropy(model(x[train_rows]), y[train_rows]).backward()
        optimizer.step()
    return accuracy(model, x[val_rows], y[val_rows])


x_twice = torch.cat([x[:300], x[:300]])
y_twice = torch.randint(10, (300,)).repeat(2)
rows = torch.randperm(600)
leaked = split_and_fit(x_twice, y_twice, rows[:150], rows[150:])
leaked > 0.4  # True

# %%
# Find the copies, and split by sample and not by row
# ---------------------------------------------------
#
# ``torch.unique`` gives equal rows one number. The split draws numbers, so
# that all copies lie on one side, and val falls to chance. For patients,
# films or authors use their name as the number
# (``sklearn.model_selection.GroupShuffleSplit``). Copies that differ
# slightly need a distance, as in ``torch.cdist``.
_, group = x_twice.unique(dim=0, return_inverse=True)
group.max().item() + 1  # 300
common = torch.isin(group[rows[:150]], group[rows[150:]])
common.sum().item() > 75  # True
in_val = torch.isin(group, torch.randperm(300)[:75])
val_rows, train_rows = in_val.nonzero()[:, 0], (~in_val).nonzero()[:, 0]
torch.isin(group[val_rows], group[train_rows]).any().item()  # False
honest = split_and_fit(x_twice, y_twice, val_rows, train_rows)
honest < 0.25  # True

# %%
# What was reached: chosen on val, measured on test
# -------------------------------------------------
#
# Both cures together, 1,000 samples and weight decay. The model gets more
# than eight in ten test digits right, although three in ten of its labels
# were drawn anew; the model that overfits stays below it. If the test set
# had chosen the model, its number would be too good, like the leaked one.
cured = make_model(256)
runs["n=1000, weight_decay=1"] = fit(cured, n=1000, weight_decay=1.0)
overfitted = make_model(256)
fit(overfitted)
test_cured = accuracy(cured, x_test, y_test)
test_overfitted = accuracy(overfitted, x_test, y_test)
print(f"{test_overfitted=:.3f} {test_cured=:.3f}")
print(f"{leaked=:.2f} {honest=:.2f}")
assert 0.82 < test_cured <= 1.0, test_cured
assert test_cured > test_overfitted + 0.03
assert diagnose(*runs["n=1000, weight_decay=1"][-1]) == "neither"
train_cured, val_cured = runs["n=1000, weight_decay=1"][-1]
assert train_cured - val_cured < 0.09

# %%
# The pair of curves for each case
# --------------------------------
#
# From the left: both low; train far above val, with val falling from its
# best; and the cured run with both together. The dotted line is the share
# of right labels in train, which no honest model exceeds by much.
figure, axes = plt.subplots(1, 3, figsize=(9, 3.6), sharey=True)
shown = ["hidden=3", "hidden=256", "n=1000, weight_decay=1"]
right_labels = (noisy[:1000] == y[:1000]).float().mean().item()
for ax, name in zip(axes, shown, strict=True):
    train, val = zip(*runs[name], strict=True)
    steps = range(10, 401, 10)
    ax.plot(steps, train, label="train")
    ax.plot(steps, val, "--", label="val")
    ax.axhline(right_labels, linestyle=":", color="grey")
    ax.set(xlabel="step", title=name, ylim=(0, 1.02))
axes[0].set_ylabel("accuracy")
axes[0].legend()
figure.tight_layout()
