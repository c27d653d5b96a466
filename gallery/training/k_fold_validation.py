"""
K-fold cross-validation: ``KFold``, ``StratifiedKFold``, ``Subset``
===================================================================

With few samples, the accuracy on one validation split depends on luck.
K-fold cross-validation splits the samples into ``k`` parts, the folds. It
trains ``k`` models, each of them without one fold, and validates the model
on this fold. Each fold needs a new model and statistics from its own
training part. This page shows in numbers what happens otherwise, and ends
with a final model that reaches more than 92 % accuracy on the test set.
"""
import matplotlib.pyplot as plt
import torch
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import (
    KFold,
    StratifiedKFold,
    train_test_split,
)
from torch import nn
from torch.nn import functional as F
from torch.utils.data import (
    DataLoader,
    Subset,
    SubsetRandomSampler,
    TensorDataset,
)

# %%
# Data: a test set first, cross-validation with the rest
# ------------------------------------------------------
#
# The table has 569 tumours with 30 measurements each. The classes are
# malignant and benign. 119 samples form the test set, which is not used
# until the end. The folds are made of the other 450.
torch.manual_seed(0)
device = torch.get_default_device()
table = load_breast_cancer()
rest, test = train_test_split(
    range(569), test_size=119, stratify=table.target, random_state=0
)
features = torch.tensor(table.data, dtype=torch.float32, device=device)
labels = torch.tensor(table.target, device=device)
x, y = features[rest], labels[rest]
x_test, y_test = features[test], labels[test]
x.shape, x_test.shape  # (torch.Size([450, 30]), torch.Size([119, 30]))

# %%
# Five folds: each sample is validated once
# -----------------------------------------
#
# ``split`` gives two arrays of row numbers for each fold. With
# ``shuffle=True``, ``KFold`` assigns the rows at random, so the share of a
# class differs between the folds. ``StratifiedKFold`` also uses the labels
# and keeps the share of each class nearly equal.
classes = y.tolist()
splits = {"KFold": KFold(5, shuffle=True, random_state=0)}
splits["StratifiedKFold"] = StratifiedKFold(
    5, shuffle=True, random_state=0
)
spread = {}
for name, split in splits.items():
    pairs = list(split.split(classes, classes))
    [len(val) for _, val in pairs]  # [90, 90, 90, 90, 90]
    validated = sorted(row for _, val in pairs for row in val)
    validated == list(range(450))  # True
    counts = [y[val.tolist()].sum().item() for _, val in pairs]
    spread[name] = max(counts) - min(counts)
print(spread)
spread["StratifiedKFold"] <= 1 < spread["KFold"]  # True
folds = [(train.tolist(), val.tolist()) for train, val in pairs]

# %%
# Load a fold: ``Subset`` or ``SubsetRandomSampler``
# --------------------------------------------------
#
# ``Subset`` and ``SubsetRandomSampler`` give the same samples. A ``Subset``
# is a dataset, so ``shuffle=True`` shuffles it again in each epoch. With
# ``SubsetRandomSampler`` the loader keeps the whole dataset, draws from the
# given rows without replacement, and takes no ``shuffle``.
dataset = TensorDataset(x, y)
train, val = folds[0]
subset_loader = DataLoader(Subset(dataset, train), batch_size=64)
sampler = SubsetRandomSampler(train)
sampler_loader = DataLoader(dataset, batch_size=64, sampler=sampler)
one = torch.cat([inputs for inputs, _ in subset_loader])
other = torch.cat([inputs for inputs, _ in sampler_loader])
one.shape == other.shape == (360, 30)  # True
torch.equal(one, other)  # False
torch.equal(one.sort(dim=0).values, other.sort(dim=0).values)  # True


# %%
# One fold: a new model, and statistics of the training part
# ----------------------------------------------------------
#
# ``fit`` makes a new model in each call. The mean and the standard
# deviation come from the training rows, and the validation rows are
# standardized with them.
def make_model(hidden=32):
    return nn.Sequential(
        nn.Linear(30, hidden), nn.ReLU(), nn.Linear(hidden, 2)
    )


def train_on(model, inputs, targets, epochs=15):
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    for _ in range(epochs):
        for rows in torch.randperm(len(inputs)).split(64):
            optimizer.zero_grad()
            F.cross_entropy(model(inputs[rows]), targets[rows]).backward()
            optimizer.step()


@torch.inference_mode()
def accuracy(model, inputs, targets):
    right = model(inputs).argmax(dim=1) == targets
    return right.double().mean().item()


def fit(x, y, train, val, hidden=32):
    mean, std = x[train].mean(dim=0), x[train].std(dim=0)
    scaled = (x - mean) / std
    model = make_model(hidden)
    train_on(model, scaled[train], y[train])
    return accuracy(model, scaled[val], y[val])


# %%
# The result: mean and standard deviation over the folds
# ------------------------------------------------------
#
# The folds have the same size, so the mean of the five accuracies is the
# share of all 450 samples that were predicted correctly. Report the
# standard deviation with it. ``Tensor.std`` divides by ``k - 1`` by
# default.
scores = torch.tensor([fit(x, y, *fold) for fold in folds])
scores = scores.double()
mean, std = scores.mean().item(), scores.std().item()
print(f"accuracy {mean:.3f} ± {std:.3f}")
by_hand = ((scores - scores.mean()).square().sum() / 4).sqrt()
torch.allclose(scores.std(), by_hand)  # True
0.93 < mean < 1.0  # True

# %%
# The leak: one model for all folds
# ---------------------------------
#
# With a leak, the model learns from the validation rows. Here the labels
# are random, so the true accuracy is about 50 %. A model that is created
# before the loop has already been trained on the validation rows of the
# second fold and of the later folds. Its accuracy there is above 80 % on
# average.
noise = torch.randn(100, 30)
coin = torch.randint(2, (100,))
coin_folds = list(KFold(5, shuffle=True, random_state=0).split(range(100)))
shared, leaked, honest = make_model(64), [], []
for train, val in coin_folds:
    train, val = train.tolist(), val.tolist()
    train_on(shared, noise[train], coin[train], epochs=100)
    leaked.append(accuracy(shared, noise[val], coin[val]))
    fresh = make_model(64)
    train_on(fresh, noise[train], coin[train], epochs=100)
    honest.append(accuracy(fresh, noise[val], coin[val]))
print([round(value, 2) for value in leaked])
print([round(value, 2) for value in honest])
shared_leak = sum(leaked[1:]) / 4
shared_honest = sum(honest) / 5
shared_leak > 0.8  # True


# %%
# The leak: features chosen before the split
# ------------------------------------------
#
# The labels are random again, and there are 2,000 random features. Some of
# them agree with the labels by chance. If features are chosen on all rows,
# they also agree with the labels of the validation rows, and the accuracy
# looks good. If they are chosen on the training rows of each fold, they do
# not help.
def choose(inputs, targets, count=20):
    centred = targets - targets.double().mean()
    return (inputs.T.double() @ centred).abs().topk(count).indices


many = torch.randn(100, 2000)
before, inside = [], []
for train, val in coin_folds:
    train, val = train.tolist(), val.tolist()
    for rows, found in ((range(100), before), (train, inside)):
        rows = list(rows)
        chosen = choose(many[rows], coin[rows])
        model = nn.Linear(20, 2)
        train_on(model, many[train][:, chosen], coin[train], epochs=30)
        found.append(accuracy(model, many[val][:, chosen], coin[val]))
before, inside = sum(before) / 5, sum(inside) / 5
print(f"{before=:.2f} {inside=:.2f}")
before > inside + 0.15  # True

# %%
# Statistics of all rows: the same mistake, with a small effect here
# ------------------------------------------------------------------
#
# Standardizing with the statistics of all rows is a leak as well. With 450
# samples the accuracy hardly changes. Still, compute the statistics inside
# the fold, because it costs only one line.
scaled = (x - x.mean(dim=0)) / x.std(dim=0)
with_all = []
for train, val in folds:
    model = make_model()
    train_on(model, scaled[train], y[train])
    with_all.append(accuracy(model, scaled[val], y[val]))
difference = sum(with_all) / 5 - mean
print(f"{difference=:+.4f}")
abs(difference) < 0.03  # True

# %%
# Choose a setting by its mean over the same folds
# ------------------------------------------------
#
# All settings are measured on the same folds. Here the means of four layer
# sizes differ by less than the standard deviation over the folds, so the
# smallest model is a good choice.
settings = {
    hidden: torch.tensor([fit(x, y, *fold, hidden) for fold in folds])
    for hidden in (2, 8, 32, 128)
}
for hidden, values in settings.items():
    print(f"{hidden=:3} {values.mean():.3f} ± {values.std():.3f}")
means = torch.stack([values.mean() for values in settings.values()])
stds = torch.stack([values.std() for values in settings.values()])
means.max() - means.min() < stds.max()  # tensor(True)

# %%
# The result: a final model, tested once
# --------------------------------------
#
# The five models of the folds are not used further. The final model is
# trained on all 450 samples, with their statistics, and measured once on
# the test set. Left: the accuracy of each fold (dots) and the mean (line)
# for each layer size. Right: the accuracy on random labels, without a leak
# and with one. The leaks are the shared model and the features chosen
# before the split. The dotted line is the true value of 50 %.
mean_all, std_all = x.mean(dim=0), x.std(dim=0)
final = make_model(hidden=2)
train_on(final, (x - mean_all) / std_all, y)
test_accuracy = accuracy(final, (x_test - mean_all) / std_all, y_test)
print(f"cross-validation {mean:.3f} test {test_accuracy:.3f}")
assert 0.92 < test_accuracy <= 1.0, test_accuracy
assert abs(test_accuracy - mean) < 0.05, (test_accuracy, mean)
assert shared_leak > 0.8 and before > 0.7, (shared_leak, before)
assert shared_honest < 0.7 and inside < 0.7, (shared_honest, inside)

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6))
places = range(len(settings))
for place, values in zip(places, settings.values(), strict=True):
    left.plot([place] * 5, values.tolist(), "oC0", alpha=0.5)
left.plot(places, means.tolist(), "C1-")
left.set_xticks(places, list(settings))
left.set(xlabel="hidden", ylabel="accuracy")
right.bar([0, 1], [shared_honest, inside], 0.35, label="correct")
right.bar([0.4, 1.4], [shared_leak, before], 0.35, label="leak")
right.axhline(0.5, linestyle=":", color="C2")
right.set_xticks([0.2, 1.2], ["model", "features"])
right.set(ylabel="accuracy", ylim=(0, 1.35))
right.legend(loc="upper center", ncols=2)
figure.tight_layout()
