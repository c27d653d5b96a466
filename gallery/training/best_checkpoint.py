"""
Save the best checkpoint: keep the epoch with the lowest validation loss
========================================================================

The last epoch is often not the best. Whenever the validation loss reaches a
new minimum, the training loop on this page keeps a deep copy of the weights
in memory and saves it to a file. On the test set, the kept epoch is at
least 8 percentage points more accurate than the last epoch.
"""
import copy
import math
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

# %%
# Data: half of the training labels are drawn at random
# -----------------------------------------------------
#
# Half of the training labels are replaced by random ones, as if the data
# had been labelled carelessly. A network that trains for long memorizes the
# wrong labels. The labels of the validation set and the test set stay
# correct.
torch.manual_seed(0)
device = torch.get_default_device()
digits = load_digits()
images = torch.tensor(digits.images, dtype=torch.float32, device=device)
labels = torch.tensor(digits.target, device=device)
dataset = TensorDataset(images / 16, labels)

generator = torch.Generator(device=device).manual_seed(0)
train_set, val_set, test_set = random_split(
    dataset, [600, 500, 697], generator=generator
)
noisy = torch.tensor(train_set.indices)[::2]
labels[noisy] = torch.randint(10, noisy.shape, generator=generator)
train_loader = DataLoader(
    train_set, batch_size=64, shuffle=True, generator=generator
)
val_loader = DataLoader(val_set, batch_size=256)
test_loader = DataLoader(test_set, batch_size=256)
len(noisy)  # 300

# %%
# The model and one epoch of training
# -----------------------------------
#
# With 512 hidden units the network can memorize all 600 labels, including
# the wrong ones. ``train`` is the same function as in :doc:`training_loop`.
model = nn.Sequential(
    nn.Flatten(), nn.Linear(64, 512), nn.ReLU(), nn.Linear(512, 10)
)
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)


def train(model, loader, criterion, optimizer):
    model.train()
    loss_sum, correct, seen = 0.0, 0, 0
    for inputs, targets in loader:
        inputs, targets = inputs.to(device), targets.to(device)
        optimizer.zero_grad()
        logits = model(inputs)
        loss = criterion(logits, targets)
        loss.backward()
        optimizer.step()
        loss_sum += loss.detach() * len(targets)
        correct += (logits.argmax(dim=1) == targets).sum()
        seen += len(targets)
    return (loss_sum / seen).item(), (correct / seen).item()


# %%
# Evaluation
# ----------
#
# ``evaluate`` computes the same loss and accuracy without training. On this
# page, the validation loss decides which epoch to keep. The accuracy may be
# highest in another epoch, so compare by the metric that matters in your
# application.
@torch.inference_mode()
def evaluate(model, loader, criterion):
    model.eval()
    loss_sum, correct, seen = 0.0, 0, 0
    for inputs, targets in loader:
        inputs, targets = inputs.to(device), targets.to(device)
        logits = model(inputs)
        loss_sum += criterion(logits, targets) * len(targets)
        correct += (logits.argmax(dim=1) == targets).sum()
        seen += len(targets)
    return (loss_sum / seen).item(), (correct / seen).item()


# %%
# The loop: copy and save when the validation loss reaches a new minimum
# ----------------------------------------------------------------------
#
# ``state_dict()`` holds the live weights, which the next optimizer step
# changes. ``copy.deepcopy`` keeps the current values. The file holds the
# epoch and the loss as well. In your own code, save the file to a permanent
# folder, so that it is still there when the process has ended.
folder = tempfile.TemporaryDirectory()
path = Path(folder.name) / "best.pt"
best = {"epoch": 0, "val loss": float("inf"), "model": {}}
history = {"train loss": [], "val loss": [], "val": []}
for epoch in range(1, 41):
    train_loss, _ = train(model, train_loader, criterion, optimizer)
    val_loss, val_accuracy = evaluate(model, val_loader, criterion)
    values = train_loss, val_loss, val_accuracy
    for name, value in zip(history, values, strict=True):
        history[name].append(value)
    if val_loss < best["val loss"]:
        weights = copy.deepcopy(model.state_dict())
        best = {"epoch": epoch, "val loss": val_loss, "model": weights}
        torch.save(best, path)
print(f"kept epoch {best['epoch']} of {epoch}")
best["epoch"] < epoch  # True

# %%
# Load the checkpoint: the validation loss is the same
# ----------------------------------------------------
#
# A second model loads the weights from the file. Its validation loss must
# equal the loss that was saved with the weights. The model that went on
# training has a higher loss.
loaded = torch.load(path, map_location=device, weights_only=True)
kept = nn.Sequential(
    nn.Flatten(), nn.Linear(64, 512), nn.ReLU(), nn.Linear(512, 10)
)
kept.load_state_dict(loaded["model"])
again, _ = evaluate(kept, val_loader, criterion)
math.isclose(again, loaded["val loss"], rel_tol=1e-4)  # True
torch.equal(best["model"]["3.weight"], loaded["model"]["3.weight"])  # True
last, _ = evaluate(model, val_loader, criterion)
last > 1.2 * again  # True
folder.cleanup()

# %%
# Why you must not choose a model by its test accuracy
# ----------------------------------------------------
#
# A coin is tossed for each image, and 300 random linear models predict the
# toss from the pixels. Their expected accuracy is 0.5. The experiment is
# repeated with 200 series of tosses. ``val``, ``test`` and ``fresh`` hold
# the accuracy of each model on three different groups of 100 images.
pixels = images.flatten(start_dim=1)
candidates = nn.Linear(64, 300, bias=False)
with torch.inference_mode():
    guesses = candidates(pixels - pixels.mean(dim=0)) > 0
coins = torch.rand(len(pixels), 200) < 0.5


def accuracies(start):
    rows = slice(start, start + 100)
    right = guesses[rows, :, None] == coins[rows, None, :]
    return right.float().mean(dim=0)


val, test, fresh = accuracies(0), accuracies(100), accuracies(200)
test.shape  # torch.Size([300, 200])

# %%
# The best random model on the test set is no better on fresh data
# ----------------------------------------------------------------
#
# Wrong: choose the model with the best test accuracy and report this
# accuracy. It is above 0.6 on average, but the same models reach only 0.5
# on fresh images. Right: choose the model by the validation set, then
# measure it once on the test set. The figure shows the reported accuracies
# of the 200 experiments for both ways.
experiment = torch.arange(200)
wrong = test.max(dim=0).values
same_models = fresh[test.argmax(dim=0), experiment]
right = test[val.argmax(dim=0), experiment]
wrong.mean().item() > 0.6  # True
(same_models.mean() - 0.5).abs().item() < 0.02  # True
(right.mean() - 0.5).abs().item() < 0.02  # True

figure, axes = plt.subplots(figsize=(7, 3.6))
bins = [(percent - 0.5) / 100 for percent in range(35, 73)]
names = {"test.max()": wrong, "test[val.argmax()]": right}
for name, values in names.items():
    axes.hist(values.cpu(), bins, alpha=0.6, label=name)
axes.axvline(0.5, linestyle=":", color="grey")
axes.set(xlabel="accuracy")
axes.legend()
figure.tight_layout()

# %%
# The result: the kept epoch and the last epoch on the test set
# -------------------------------------------------------------
#
# The epoch was chosen by its validation loss, so this loss is slightly
# optimistic. On the test set, the kept epoch reaches more than 70 %
# accuracy, and the last epoch is at least 8 percentage points lower. Left:
# training and validation loss, with a circle at the kept epoch. Right:
# validation accuracy, with the two test results as horizontal lines.
_, kept_accuracy = evaluate(kept, test_loader, criterion)
_, last_accuracy = evaluate(model, test_loader, criterion)
print(f"{kept_accuracy=:.3f} {last_accuracy=:.3f}")
assert 0.70 < kept_accuracy < 0.95, kept_accuracy
assert kept_accuracy - last_accuracy > 0.08, last_accuracy

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6))
epochs, at = range(1, len(history["val"]) + 1), loaded["epoch"]
left.plot(epochs, history["train loss"], label="train")
left.plot(epochs, history["val loss"], linestyle="--", label="val")
left.plot(at, loaded["val loss"], "o", color="C3", label=f"epoch {at}")
left.set(xlabel="epoch", ylabel="CrossEntropyLoss")
right.plot(epochs, history["val"], "--", color="C1", label="val")
right.plot(at, history["val"][at - 1], "o", color="C3")
right.axhline(kept_accuracy, color="C3", label=f"test, epoch {at}")
right.axhline(last_accuracy, linestyle=":", color="C2", label="test, last")
right.set(xlabel="epoch", ylabel="accuracy")
left.legend()
right.legend()
figure.tight_layout()
