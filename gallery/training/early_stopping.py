"""
Early stopping that restores the best weights: ``patience``, ``min_delta``
==========================================================================

Stop when the validation loss has not improved for ``patience`` epochs, then
go back to the weights of the best epoch. They must be a deep copy: a copy
made by ``state_dict().copy()`` changes with the model and restores nothing.
"""
import copy
import math

import matplotlib.pyplot as plt
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split


# %%
# The class: compare, count, keep
# -------------------------------
#
# ``step`` is called once per epoch and answers whether to stop. An epoch
# counts as better when its loss is lower than the best by more than
# ``min_delta``. ``copy.deepcopy`` keeps the weights of that epoch.
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
# ``stops_at`` returns the epoch of the stop, or ``None``, and the best
# loss. With ``patience=1`` the first bad epoch ends the training and the
# later minimum is never seen. A large ``min_delta`` takes small gains for
# bad epochs.
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
# ``<`` and ``>`` with ``nan`` are false. ``loss < best`` makes it a bad
# epoch. The turned form ``loss > best`` for bad epochs makes it a good one:
# ``nan`` becomes the best, and the next epoch counts as good, whatever its
# loss.
nan = float("nan")
stops_at([0.5, nan, nan, nan], patience=2)  # (3, 0.5)
nan > 0.5  # False
0.9 > nan  # False

# %%
# Wrong: ``state_dict().copy()`` is a shallow copy
# ------------------------------------------------
#
# It copies the dictionary, not the tensors in it. A step of the optimizer
# changes them in place, so the "best" weights move with the model. Loaded
# back, they change nothing.
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
# Early stopping pays where training too long does harm. Every second
# training label is replaced by a random one, and a network that trains for
# long learns these by heart. Validation and test labels stay right.
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
# The validation loss of each epoch is what ``EarlyStopping`` is told.
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
# What is new ends in ``break``. For comparison only, the shallow
# copy is made at the same epochs as the deep one.
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
# Restore, and check that it was restored
# ---------------------------------------
#
# The shallow copy gives the loss of the last epoch, exactly. The deep copy
# gives the loss that was the best.
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
# What was reached
# ----------------
#
# Fewer than half of the epochs were needed. The restored model reads more
# than 70 % of the test digits, and more than the model with the "best"
# weights of the shallow copy.
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
