"""
Overfitting or underfitting: compare train with val, then act
=============================================================

A model underfits if it is bad on its own training data. It overfits if it
is good on the training data and much worse on the validation data.
Underfitting needs a larger model or longer training; overfitting needs more
data or regularization. This page shows both on the same handwritten digits
and repairs them. It also shows how copies of the same image in both sets
hide overfitting.

* Is the training accuracy low?

  * Is the model too small? See *Underfitting: a larger model*.
  * Is it still rising at the end? See *Underfitting: more steps*.
  * Does it not rise at all? See :doc:`loss_does_not_fall`.

* Is the training accuracy good and the validation accuracy much worse?

  * Can you get more data? See *Overfitting: more data*.
  * Is no more data available? See *Overfitting: regularization and early
    stopping*.

* Are both good, and the accuracy on new data is bad?

  * Are there copies of samples? See *The leak: the same samples in train
    and val*.
  * Did you choose the model by its test accuracy? See *The result: chosen
    on the validation set, measured on the test set*.
"""
import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

# %%
# Handwritten digits, some with a wrong label
# -------------------------------------------
#
# In the training and validation sets, three labels in ten are drawn again
# at random. A model cannot predict these labels for new samples, but a
# large model can memorize them. The labels of the test set are correct.
# Each set has one purpose: the training set fits the model, the validation
# set is for decisions, and the test set is used once.
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
# Measure training and validation accuracy during training
# --------------------------------------------------------
#
# ``fit`` returns the accuracy on the training and the validation set,
# measured after every ten steps. The validation accuracy alone does not
# tell underfitting from overfitting, so compare it with the training
# accuracy.
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
# A rule that tells overfitting from underfitting
# -----------------------------------------------
#
# ``reach`` is the training accuracy that a good model should have. Take it
# from the score of people or of an older model, or, as here, from the share
# of correct labels. ``gap`` is how much lower the validation accuracy may
# be.
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
# Three hidden units are too few for ten classes, so the training accuracy
# stays low. The model with 256 hidden units no longer underfits. Do not
# collect more data at this point, because the small model does not even fit
# the data that it has.
runs = {"hidden=3": fit(make_model(3)), "hidden=256": fit(make_model(256))}
for name, history in runs.items():
    print(name, "train={:.2f} val={:.2f}".format(*history[-1]))
diagnose(*runs["hidden=3"][-1])  # 'underfitting'
diagnose(*runs["hidden=256"][-1])  # 'overfitting'

# %%
# Underfitting: more steps
# ------------------------
#
# The large model underfits, too, if it stops after ten steps with a small
# learning rate. After 200 steps its training accuracy is clearly higher. If
# the curve still rises at the end, train longer or with a larger learning
# rate before you enlarge the model.
short = fit(make_model(256), steps=10, lr=0.001)
longer = fit(make_model(256), steps=200, lr=0.001)
diagnose(*short[-1])  # 'underfitting'
longer[-1][0] > short[-1][0] + 0.1  # True

# %%
# Overfitting: more data
# ----------------------
#
# The large model has a training accuracy above 95 %, although three labels
# in ten were drawn at random, so it has memorized wrong labels. With 1,000
# samples instead of 400 and the same number of steps, the validation
# accuracy rises and the gap shrinks.
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
# Weight decay lowers the training accuracy and raises the validation
# accuracy. Early stopping takes the weights of the step with the best
# validation accuracy, which is clearly higher than at the end. Dropout,
# data augmentation and other methods are in
# :doc:`/gallery/techniques/overfitting`.
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
# Here all labels are random, so a correct validation accuracy would be near
# 10 %. Each of 300 images is in the data twice, like frames of one video or
# images of one patient. The split is made afterwards and by row, so copies
# are in both sets. The validation accuracy rises above 40 %.
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
# Find the copies, and split by sample instead of by row
# ------------------------------------------------------
#
# ``torch.unique`` gives equal rows the same number. The split draws these
# numbers, so all copies of a sample are in the same set, and the validation
# accuracy falls close to chance. For patients, videos or authors, use their
# name as the group (``sklearn.model_selection.GroupShuffleSplit``). To find
# copies that differ slightly, compute distances, for example with
# ``torch.cdist``.
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
# The result: chosen on the validation set, measured on the test set
# ------------------------------------------------------------------
#
# The last model combines both remedies, 1,000 samples and weight decay. Its
# accuracy on the test set is above 82 %, although three in ten of its
# training labels were drawn at random. The overfitted model is worse. Do
# not choose a model by its test accuracy, because that number would then be
# too good.
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
# Training and validation curves of the three cases
# -------------------------------------------------
#
# Left: the small model, with both curves low. Centre: the large model, with
# the training curve far above the validation curve. Right: the repaired
# run, with both curves close together. The dotted line is the share of
# correct labels in the training set; a curve above it shows that wrong
# labels were memorized.
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
