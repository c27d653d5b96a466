"""
Metrics: MAE, RMSE and R², accuracy, F1 and a confusion matrix
==============================================================

Collect sums over all batches and divide once at the end, by hand or with
``torchmetrics``; a mean of batch means is another number, and for RMSE and
R² it is wrong even when all batches are equally long. A linear model
reaches an R² above 0.4 on patients it has not seen, a network reads more
than nine in ten digits, and the matrix shows which of them it mistakes.
"""
from contextlib import suppress

import matplotlib.pyplot as plt
import torch
from sklearn.datasets import load_diabetes, load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from torchmetrics import (
    Accuracy,
    ConfusionMatrix,
    F1Score,
    MeanAbsoluteError,
    MeanSquaredError,
    MetricCollection,
    Precision,
    R2Score,
    Recall,
)

# %%
# Two tables: a number to predict, and a class
# --------------------------------------------
#
# ``load_diabetes`` asks for a number, ``load_digits`` for one of ten
# classes. Every fourth row is kept for the test. Inputs are scaled with the
# mean and the deviation of the training rows.
torch.manual_seed(0)
device = torch.get_default_device()


def parts(inputs, targets):
    held_out = torch.arange(len(inputs), device=device) % 4 == 0
    seen = inputs[~held_out]
    inputs = (inputs - seen.mean(0)) / (seen.std(0) + 1e-2)
    return (
        TensorDataset(inputs[~held_out], targets[~held_out]),
        TensorDataset(inputs[held_out], targets[held_out]),
    )


def table(load, dtype):
    inputs, targets = load(return_X_y=True)
    inputs = torch.tensor(inputs, dtype=torch.float32, device=device)
    return inputs, torch.tensor(targets, dtype=dtype, device=device)


patients, progress = table(load_diabetes, torch.float32)
train_patients, test_patients = parts(patients * 20, progress)
train_digits, test_digits = parts(*table(load_digits, torch.int64))
[len(part) for part in (test_patients, test_digits)]  # [111, 450]

# %%
# One function trains both models
# -------------------------------
#
# Only the loss differs. The linear model has one output, which
# ``Flatten(0)`` takes from shape (N, 1) to the shape (N,) of its targets.
# Its bias starts at the mean of the targets, 152, so that few epochs are
# enough; with ``AdamW`` the weight decay would pull it from there towards
# 0.
def fit(model, criterion, dataset, epochs, lr):
    generator = torch.Generator(device=device).manual_seed(0)
    loader = DataLoader(dataset, 64, shuffle=True, generator=generator)
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    for _ in range(epochs):
        for inputs, targets in loader:
            optimizer.zero_grad()
            criterion(model(inputs), targets).backward()
            optimizer.step()
    return model.eval()


regressor = nn.Sequential(nn.Linear(10, 1), nn.Flatten(0))
_, seen = train_patients.tensors
nn.init.constant_(regressor[0].bias, seen.mean().item())
fit(regressor, nn.MSELoss(), train_patients, epochs=60, lr=0.5)
classifier = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
fit(classifier, nn.CrossEntropyLoss(), train_digits, epochs=15, lr=2e-3)

# %%
# MAE, MSE, RMSE and R² by hand
# -----------------------------
#
# R² compares the squared error with that of a model that knows only the
# mean of the targets: 1 is perfect, and such a model scores 0. MAE and RMSE
# have the unit of the targets.
def regression_metrics(predictions, targets):
    errors = predictions - targets
    mse = errors.square().mean()
    spread = (targets - targets.mean()).square().mean()
    return {
        "MAE": errors.abs().mean(),
        "MSE": mse,
        "RMSE": mse.sqrt(),
        "R2": 1 - mse / spread,
    }


targets = torch.tensor([1.0, 2.0, 3.0, 6.0])
scores = regression_metrics(targets + 1, targets)
[score.item() for score in scores.values()]  # [1.0, 1.0, 1.0, 0.7142857]
scores = regression_metrics(targets.mean().expand(4), targets)
scores["R2"]  # tensor(0.)

# %%
# The same with ``torchmetrics``, batch by batch
# ----------------------------------------------
#
# ``update`` adds a batch to sums that the metric keeps, and ``compute``
# divides them once. A ``MetricCollection`` feeds several metrics; ``to``
# moves their sums to the device of the data. The results agree with those
# by hand on all predictions at once.
metrics = MetricCollection(
    {
        "MAE": MeanAbsoluteError(),
        "MSE": MeanSquaredError(),
        "RMSE": MeanSquaredError(squared=False),
        "R2": R2Score(),
    }
).to(device)
test_loader = DataLoader(test_patients, batch_size=16)
with torch.inference_mode():
    for inputs, targets in test_loader:
        metrics.update(regressor(inputs), targets)
    inputs, targets = test_patients.tensors
    predictions = regressor(inputs)
by_hand = regression_metrics(predictions, targets)
regression = metrics.compute()
for name, score in regression.items():
    print(f"{name:4} {score:8.2f}")
    assert torch.allclose(score, by_hand[name], rtol=1e-4), name

# %%
# The mean of batch means: wrong for RMSE, R² and F1
# --------------------------------------------------
#
# Two batches of two, with errors of 0 and of 4. The root of the mean is not
# the mean of the roots: RMSE comes out too small. R² of a batch divides by
# the spread inside the batch, and comes out as something else again. F1
# averaged over batches changes with the batch size: count over all batches
# and compute it once, as ``update`` and ``compute`` do.
targets = torch.tensor([1.0, 3.0, 1.0, 3.0])
predictions = targets + torch.tensor([0.0, 0.0, 4.0, 4.0])
whole = regression_metrics(predictions, targets)
halves = zip(predictions.split(2), targets.split(2), strict=True)
halves = [regression_metrics(*half) for half in halves]
whole["RMSE"]  # tensor(2.8284)
sum(half["RMSE"] for half in halves) / 2  # tensor(2.)

said = torch.tensor([1, 0, 1, 1, 0, 0])
true = torch.tensor([1, 0, 0, 1, 1, 0])
metric = F1Score(task="binary").to(device)
pairs = zip(said.split(2), true.split(2), strict=True)
scores = [metric(*pair).item() for pair in pairs]
scores[2]  # 0.0
print(f"F1 {metric.compute():.4f}, of batches {sum(scores) / 3:.4f}")
torch.allclose(metric.compute(), torch.tensor(2 / 3))  # True
sum(scores) / 3 < 0.6  # True

wrong = {"RMSE": 0.0, "R2": 0.0}
for inputs, targets in test_loader:
    with torch.inference_mode():
        batch = regression_metrics(regressor(inputs), targets)
    for name in wrong:
        wrong[name] += batch[name] * len(targets) / len(test_patients)
for name in wrong:
    print(f"{name:4} {regression[name]:.4f}, of batches {wrong[name]:.4f}")
assert wrong["RMSE"] < regression["RMSE"]

# %%
# A column against a row: the error that broadcasting hides
# ---------------------------------------------------------
#
# Predictions of shape (N, 1) minus targets of shape (N,) give (N, N): by
# hand, perfect predictions get an MAE of 2 and an R² of -1, and nothing is
# raised. ``torchmetrics`` compares the shapes first.
targets = torch.tensor([1.0, 2.0, 3.0, 6.0])
column = targets.unsqueeze(1)
(column - targets).shape  # torch.Size([4, 4])
scores = regression_metrics(column, targets)
scores["MAE"]  # tensor(2.)
scores["R2"]  # tensor(-1.)
with suppress(RuntimeError):
    MeanAbsoluteError()(column, targets)  # RuntimeError: same shape

# %%
# Confusion matrix, precision, recall and F1 by hand
# --------------------------------------------------
#
# Row ``t``, column ``p``: how often class ``t`` was called ``p``. Precision
# divides the diagonal by what was predicted (columns), recall by what is
# true (rows), and F1 is their harmonic mean. A class that is never
# predicted has a precision of 0/0: it counts as 0 here and in
# ``torchmetrics``.
@torch.inference_mode()
def confusion_matrix(model, loader, classes=10):
    counts = torch.zeros(classes, classes, dtype=torch.int64, device=device)
    for inputs, targets in loader:
        cells = targets * classes + model(inputs).argmax(dim=1)
        counts += cells.bincount(minlength=classes**2).view_as(counts)
    return counts


digit_loader = DataLoader(test_digits, batch_size=64)
counts = confusion_matrix(classifier, digit_loader)
right = counts.diagonal()
precision = (right / counts.sum(dim=0)).nan_to_num()
recall = right / counts.sum(dim=1)
f1 = 2 * precision * recall / (precision + recall)
f1 = f1.nan_to_num()
accuracy = (right.sum() / counts.sum()).item()
counts.sum().item()  # 450

# %%
# The same from ``torchmetrics``: ``average`` decides
# ---------------------------------------------------
#
# ``average=None`` gives a score for each class. ``"micro"`` counts all
# samples alike, and is the accuracy; ``"macro"`` is the mean over classes.
# Where one class is rare they part: a model that always says 0 is right in
# nine of ten here, and has the macro accuracy of a guess.
task = {"task": "multiclass", "num_classes": 10}
per_class = MetricCollection(
    {
        "precision": Precision(**task, average=None),
        "recall": Recall(**task, average=None),
        "f1": F1Score(**task, average=None),
        "counts": ConfusionMatrix(**task),
    }
).to(device)
with torch.inference_mode():
    for inputs, targets in digit_loader:
        per_class.update(classifier(inputs), targets)
found = per_class.compute()
torch.equal(found["counts"], counts)  # True
for name, score in ("precision", precision), ("recall", recall), ("f1", f1):
    assert torch.allclose(found[name], score), name

rare = torch.tensor([0] * 9 + [1])
two = {"task": "multiclass", "num_classes": 2}
micro = Accuracy(**two, average="micro").to(device)
macro = Accuracy(**two, average="macro").to(device)
micro(0 * rare, rare)  # tensor(0.9000)
macro(0 * rare, rare)  # tensor(0.5000)

# %%
# ``reset`` between epochs, or they are mixed
# -------------------------------------------
#
# A metric keeps its sums until it is told to drop them. Without ``reset``
# the second epoch, in which all is right, reports the mean of both. A
# confusion matrix goes on counting, and holds more samples than there are.
metric = Accuracy(task="binary").to(device)
metric.update(torch.tensor([0, 0]), torch.tensor([1, 1]))
metric.compute()  # tensor(0.)
metric.update(torch.tensor([1, 1]), torch.tensor([1, 1]))
metric.compute()  # tensor(0.5000)
metric.reset()
metric.update(torch.tensor([1, 1]), torch.tensor([1, 1]))
metric.compute()  # tensor(1.)

matrix = ConfusionMatrix(**two).to(device)
for _ in range(2):
    matrix.update(rare, rare)
matrix.compute().sum()  # tensor(20)
matrix.reset()
matrix.update(rare, rare)
matrix.compute().sum()  # tensor(10)

# %%
# What was reached, and which digits are mistaken
# -----------------------------------------------
#
# Numbers beside the diagonal are mistakes: the true digit in the row, what
# it was taken for in the column. Shuffled labels or a frozen first layer
# miss the ranges asserted below; a needless softmax before the loss does
# not.
r2 = regression["R2"].item()
print(f"{r2=:.3f} {accuracy=:.3f} macro F1={f1.mean():.3f}")
assert 0.4 < r2 < 0.6, r2
assert 0.9 < accuracy <= 1.0, accuracy

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 4))
for row, column in counts.nonzero().tolist():
    colour = "C0" if row == column else "C1"
    text = counts[row, column].item()
    left.text(column, row, text, color=colour, ha="center", va="center")
    left.scatter(column, row, s=300, marker="s", alpha=0.2, color=colour)
left.set(xlabel="predicted", ylabel="true", aspect="equal")
left.set(xticks=range(10), yticks=range(10))
left.invert_yaxis()
for offset, name in (-0.25, "precision"), (0, "recall"), (0.25, "f1"):
    values = found[name].cpu().numpy()
    positions = [digit + offset for digit in range(10)]
    right.bar(positions, values, width=0.25, label=name)
right.set(xlabel="class", xticks=range(10), ylim=(0.7, 1.1))
right.legend(ncols=3, loc="upper center")
figure.tight_layout()
