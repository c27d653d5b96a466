"""
Early stopping that restores the best weights: ``patience``, ``min_delta``
==========================================================================

Early stopping ends training when the validation loss has not improved for
``patience`` epochs, and then restores the weights of the best epoch. The
saved weights must be a deep copy. A copy made by ``state_dict().copy()``
changes with the model and restores nothing. The restored model on this page
reaches more than 70 % accuracy on the test set.
"""
import copy
import math

import matplotlib.pyplot as plt
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split


# %%
# An ``EarlyStopping`` class: compare, count, keep
# ------------------------------------------------
#
# Call ``step`` once per epoch. It returns whether training should stop. An
# epoch counts as better if its loss is lower than the best loss by more
# than ``min_delta``. ``copy.deepcopy`` keeps the weights of that epoch.
class EarlyStopping:
    def __init__(
        self, model: nn.Module, patience: int = 8, min_delta: float = 0.0
    ):
        self.model, self.patience = model, patience
        self.min_delta = min_delta
        self.best, self.bad_epochs = float("inf"), 0
        self.weights = copy.deepcopy(model.state_dict())

    def step(self, loss: float) -> bool:
        if loss < self.best - self.min_delta:
            self.best, self.bad_epochs = loss, 0
            self.weights = copy.deepcopy(self.model.state_dict())
        else:
            self.bad_epochs += 1
        return self.bad_epochs >= self.patience

    def restore(self) -> None:
        self.model.load_state_dict(self.weights)


# %%
# Try it on losses that are written by hand
# -----------------------------------------
#
# ``stops_at`` returns the epoch in which training stops, or ``None``,
# together with the best loss. With ``patience=1`` training ends at the
# first epoch without improvement and misses the later minimum. With a large
# ``min_delta``, small improvements do not count.
def stops_at(losses, **options):
    stopper = EarlyStopping(nn.Linear(1, 1), **options)
    for epoch, loss in enumerate(losses, start=1):
        if stopper.step(loss):
            return epoch, stopper.best
    return None, stopper.best


losses = [0.9, 0.7, 0.75, 0.69, 0.5, 0.6, 0.7, 0.8]
stops_at(losses, patience=1)  # (3, 0.7)
stops_at(losses, patience=3)  # (8, 0.5)
stops_at(losses, patience=4)  # (None, 0.5)
stops_at(losses, patience=2, min_delta=0.05)  # (4, 0.7)

# %%
# A loss that is ``nan`` must count as bad
# ----------------------------------------
#
# Comparisons with ``<`` and ``>`` are false if one side is ``nan``. With
# the test ``loss < best``, an epoch with ``nan`` therefore counts as bad.
# If you look for bad epochs with ``loss > best`` instead, ``nan`` counts as
# good and becomes the best loss. The next epoch then counts as good as
# well, whatever its loss.
nan = float("nan")
stops_at([0.5, nan, nan, nan], patience=2)  # (3, 0.5)
nan > 0.5  # False
0.9 > nan  # False

# %%
# Wrong: ``state_dict().copy()`` is a shallow copy
# ------------------------------------------------
#
# ``state_dict().copy()`` copies the dictionary but not the tensors in it. A
# step of the optimizer changes these tensors in place, so the "best"
# weights change with the model. Loading them back has no effect.
layer = nn.Linear(1, 1, bias=False)
nn.init.constant_(layer.weight, 1.0)
shallow = layer.state_dict().copy()
deep = copy.deepcopy(layer.state_dict())
sgd = torch.optim.SGD(layer.parameters(), lr=1.0)
layer(torch.tensor([-4.0])).backward()
sgd.step()
layer.weight.item()  # 5.0
shallow["weight"].item(), deep["weight"].item()  # (5.0, 1.0)
layer.load_state_dict(shallow)
layer.weight.item()  # 5.0
layer.load_state_dict(deep)
layer.weight.item()  # 1.0

# %%
# Data: half of the training labels are drawn at random
# -----------------------------------------------------
#
# Early stopping helps when training for too long does harm. Half of the
# training labels are replaced by random ones, and a network that trains for
# long memorizes them. The labels of the validation set and the test set
# stay correct.
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
# ``evaluate`` computes the validation loss, which ``EarlyStopping`` gets
# after each epoch.
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
# The loop: at most 100 epochs
# ----------------------------
#
# When ``stopper.step`` returns ``True``, ``break`` ends the training. The
# shallow copy is made in the same epochs as the deep copy and serves only
# for comparison.
stopper = EarlyStopping(model, patience=12, min_delta=0.001)
train_losses, val_losses = [], []
for epoch in range(1, 101):
    train_loss, _ = train(model, train_loader, criterion, optimizer)
    val_loss, _ = evaluate(model, val_loader, criterion)
    train_losses.append(train_loss)
    val_losses.append(val_loss)
    if stopper.step(val_loss):
        break
    if stopper.bad_epochs == 0:
        best_epoch, shallow = epoch, model.state_dict().copy()
print(f"best epoch {best_epoch}, stopped after {epoch}")
epoch - best_epoch  # 12

# %%
# Restore the best weights and check the loss
# -------------------------------------------
#
# With the shallow copy, the model has the loss of the last epoch. With the
# deep copy, it has the best loss again.
model.load_state_dict(shallow)
from_shallow, _ = evaluate(model, val_loader, criterion)
_, last_accuracy = evaluate(model, test_loader, criterion)
stopper.restore()
restored, _ = evaluate(model, val_loader, criterion)
print(f"{from_shallow=:.3f} {restored=:.3f}")
math.isclose(from_shallow, val_losses[-1], rel_tol=1e-4)  # True
math.isclose(restored, min(val_losses), abs_tol=2e-3)  # True
from_shallow > restored + 0.02  # True

# %%
# The result: fewer epochs and a better model
# -------------------------------------------
#
# Training stops before epoch 50, although 100 were allowed. The restored
# model reaches more than 70 % accuracy on the test set. With the "best"
# weights of the shallow copy, the accuracy is at least 4 percentage points
# lower. The figure shows the losses during training and, as markers, the
# validation loss with each of the two copies. The grey area marks the
# epochs of ``patience``.
_, test_accuracy = evaluate(model, test_loader, criterion)
print(f"{test_accuracy=:.3f} {last_accuracy=:.3f}")
assert 0.70 < test_accuracy < 0.95, test_accuracy
assert test_accuracy - last_accuracy > 0.04, last_accuracy
assert math.isclose(restored, stopper.best, rel_tol=1e-4), restored
assert epoch < 50, epoch

figure, axes = plt.subplots(figsize=(8, 4))
epochs = range(1, epoch + 1)
axes.plot(epochs, train_losses, label="train")
axes.plot(epochs, val_losses, linestyle="--", label="val")
axes.plot(best_epoch, restored, "o", color="C2", label="copy.deepcopy()")
axes.plot(epoch, from_shallow, "X", color="C3", label=".copy()")
axes.axvspan(best_epoch, epoch, alpha=0.15, color="grey", label="patience")
axes.set(xlabel="epoch", ylabel="CrossEntropyLoss")
axes.xaxis.get_major_locator().set_params(integer=True)
axes.legend()
figure.tight_layout()
