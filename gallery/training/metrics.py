"""
Metrics: MAE, RMSE and R², accuracy, F1 and a confusion matrix
==============================================================

Collect sums over all batches and divide once at the end, either by hand or
with ``torchmetrics``. If you compute RMSE or R² for each batch and average
the results, the average is wrong, even if all batches have the same size.
On the test sets, a linear model reaches an R² above 0.4, and a classifier
of handwritten digits reaches more than 90 % accuracy. The confusion matrix
shows which digits it confuses.
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
# Two datasets: one for regression, one for classification
# --------------------------------------------------------
#
# The target in ``load_diabetes`` is a number, and in ``load_digits`` it is
# one of ten classes. Every fourth row belongs to the test set. The inputs
# are scaled with the mean and the standard deviation of the training set.
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
# ``fit`` gets the loss, the number of epochs and the learning rate as
# arguments. The linear model has one output, and ``Flatten(0)`` changes its
# shape from (N, 1) to the shape (N,) of the targets. The bias starts at the
# mean of the targets, so that few epochs are enough. The optimizer is
# ``Adam``, because the weight decay of ``AdamW`` would pull this bias
# towards 0.
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
# MAE is the mean absolute error, MSE the mean squared error, and RMSE the
# root of the MSE. R² compares the squared error of a model with that of
# always predicting the mean of the targets. Perfect predictions have an R²
# of 1, and predicting the mean has an R² of 0. MAE and RMSE have the unit
# of the targets.
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
# ``update`` adds a batch to the sums that a metric keeps, and ``compute``
# divides them once. A ``MetricCollection`` updates several metrics
# together, and ``to`` moves their sums to the device of the data. The
# results agree with those that are computed by hand from all predictions at
# once.
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
# The RMSE averaged over batches is too small here, because the mean of the
# roots is not the root of the mean. The R² of a batch divides by the spread
# within this batch, so its average differs, too. The average of the F1
# scores is not the F1 score of all samples either. Count over all batches
# and compute the metric once, as ``update`` and ``compute`` do.
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
# Predictions of shape (N, 1) minus targets of shape (N,) give shape (N, N).
# The functions written by hand then compute an MAE of 2 and an R² of -1 for
# perfect predictions, and raise no error. ``torchmetrics`` compares the
# shapes first and raises an error if they differ.
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
# The cell in row ``t`` and column ``p`` tells how often class ``t`` was
# predicted as class ``p``. Precision divides the diagonal by the sums of
# the columns (predicted), and recall by the sums of the rows (true). F1 is
# the harmonic mean of precision and recall. A class that is never predicted
# has a precision of 0/0, which counts as 0 here and in ``torchmetrics``.
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
# samples alike and is the usual accuracy. ``"macro"`` is the mean over the
# classes. They differ if a class is rare: here, always predicting class 0
# has a micro accuracy of 90 % and a macro accuracy of 50 %.
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
# Call ``reset`` between epochs, or they are mixed
# ------------------------------------------------
#
# A metric keeps its sums until you call ``reset``. Without it, the second
# epoch, in which all predictions are right, reports the mean of both
# epochs. A confusion matrix goes on counting as well, and after two epochs
# it holds each sample twice.
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
# The result: which digits are confused
# -------------------------------------
#
# Left: the confusion matrix, with the true digit in the row and the
# predicted digit in the column. Numbers off the diagonal are mistakes.
# Right: precision, recall and F1 of each digit.
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
