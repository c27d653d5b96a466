"""
Save the best checkpoint: keep the epoch with the lowest validation loss
========================================================================

The last epoch is often not the best. The loop keeps a deep copy of the
weights, in memory and in a file, whenever the validation loss is lower than
ever before; the kept epoch then reads far more test digits than the last.
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
# Every second training label is replaced by a random one, as in data that
# was labelled carelessly. A network that trains for long learns the wrong
# labels by heart. Validation and test labels stay right.
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
# 512 hidden units are enough to learn 600 labels by heart, wrong ones too.
# ``train`` is the function of :doc:`training_loop`.
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
# The same loss and accuracy, without training. The validation loss will
# choose the epoch. Accuracy can have its maximum at another one: compare by
# the number that counts in use.
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
# The loop: copy and save when the validation loss is a new minimum
# -----------------------------------------------------------------
#
# ``state_dict()`` holds the live weights, which the next step changes:
# ``copy.deepcopy`` keeps those of now. The file survives the end of
# the process; it holds the epoch and the loss as well.
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
# Load it back: the same validation loss
# --------------------------------------
#
# A second model takes the weights from the file. It must reach the loss
# that was written down beside them; the model that went on training does
# not.
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
# Why the test set must not choose
# --------------------------------
#
# 300 models without any skill guess the sides of coins: accuracy 0.5 is
# all there is to reach. The experiment is made 200 times. ``val`` and
# ``test`` hold the accuracy of each model on 100 images, ``fresh`` on 100
# more.
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
# The best on the test set looks skilled; on fresh data it is not
# ---------------------------------------------------------------
#
# Wrong: choose by the test set and report the same number. It is above 0.6,
# and the same models are at 0.5 on fresh images. Right: choose by the
# validation set, then measure once on the test set.
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
# What was reached
# ----------------
#
# The validation set chose the epoch, so its loss there is a little too
# good; the test digits are used here for the first time. The kept epoch
# reads more than 70 % of them, the last epoch at least 8 points fewer. The
# circle marks the kept epoch, the lines on the right the two test results.
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
