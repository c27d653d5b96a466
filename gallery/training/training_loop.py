"""
The training loop: ``train``, ``evaluate``, and what they report
================================================================

Two functions and a loop around them train most models. Here they teach a
small network to read handwritten digits it has never seen; many later pages
of this chapter add one thing to the same two functions.
"""
import matplotlib.pyplot as plt
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split
from tqdm import tqdm

# %%
# Data: three parts, three loaders
# --------------------------------
#
# 1,797 digits of 8 by 8 pixels, scaled to [0, 1] and given the channel that
# ``nn.Conv2d`` expects. The training part is shuffled in each epoch; the
# other two need no order. One seeded generator, on the device of the data,
# decides both.
torch.manual_seed(0)
device = torch.get_default_device()
digits = load_digits()
images = torch.tensor(digits.images, dtype=torch.float32, device=device)
labels = torch.tensor(digits.target, device=device)
dataset = TensorDataset(images.unsqueeze(1) / 16, labels)

generator = torch.Generator(device=device).manual_seed(0)
train_set, val_set, test_set = random_split(
    dataset, [0.7, 0.15, 0.15], generator=generator
)
train_loader = DataLoader(
    train_set, batch_size=64, shuffle=True, generator=generator
)
val_loader = DataLoader(val_set, batch_size=256)
test_loader = DataLoader(test_set, batch_size=256)
[len(part) for part in (train_set, val_set, test_set)]  # [1258, 270, 269]

# %%
# Model, loss, optimizer
# ----------------------
#
# The last layer gives ten ``logits`` and no softmax follows:
# ``nn.CrossEntropyLoss`` contains it.
model = nn.Sequential(
    nn.Conv2d(1, 16, kernel_size=3, padding=1),
    nn.ReLU(),
    nn.MaxPool2d(2),
    nn.Conv2d(16, 32, kernel_size=3, padding=1),
    nn.ReLU(),
    nn.Flatten(),
    nn.Linear(32 * 4 * 4, 10),
)
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
model(torch.zeros(5, 1, 8, 8)).shape  # torch.Size([5, 10])

# %%
# One epoch of training: clear, forward, backward, step
# -----------------------------------------------------
#
# The sums are weighted by batch size: the last batch is a short one, and a
# mean of batch means would count each of its samples more than the others.
# Sums stay tensors until the end: ``item()`` in each batch would make
# Python wait for the GPU.
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
# Evaluation: ``eval()`` and ``inference_mode``
# ---------------------------------------------
#
# ``eval()`` changes what layers do (dropout, batch normalization);
# ``torch.inference_mode`` records no graph. Neither does the other's work,
# so both are needed. Before training, about one digit in ten is right.
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


_, untrained = evaluate(model, val_loader, criterion)
0.0 <= untrained < 0.3  # True

# %%
# The loop, with a history to draw
# --------------------------------
#
# ``tqdm`` draws a progress bar where there is a terminal to draw it in.
history = {"train loss": [], "val loss": [], "train": [], "val": []}
for epoch in tqdm(range(1, 21), disable=None):
    train_loss, train_accuracy = train(
        model, train_loader, criterion, optimizer
    )
    val_loss, val_accuracy = evaluate(model, val_loader, criterion)
    values = train_loss, val_loss, train_accuracy, val_accuracy
    for name, value in zip(history, values, strict=True):
        history[name].append(value)
    if epoch % 5 == 0:
        print(f"{epoch=:2} {train_loss=:.3f} {val_accuracy=:.3f}")

# %%
# The mean of batch means is another number
# -----------------------------------------
#
# Nine digits go into batches of eight and one. If only the ninth is
# wrong, the accuracy is 8/9, yet the mean of the two batch means is 1/2.
right = torch.tensor([1.0] * 8 + [0.0])
batch_means = torch.stack([part.mean() for part in right.split(8)])
batch_means.mean()  # tensor(0.5000)
right.mean()  # tensor(0.8889)

# %%
# What was reached
# ----------------
#
# The test digits are used here, once. A model trained with shuffled labels
# misses the range asserted below by far. One with a softmax too many or a
# frozen first layer can still reach it: :doc:`debugging` shows how such
# errors are found.
test_loss, test_accuracy = evaluate(model, test_loader, criterion)
print(f"{test_accuracy=:.3f}")
assert 0.93 < test_accuracy <= 1.0, test_accuracy

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6))
epochs = range(1, 21)
left.semilogy(epochs, history["train loss"], label="train")
left.semilogy(epochs, history["val loss"], linestyle="--", label="val")
left.set(xlabel="epoch", ylabel="CrossEntropyLoss")
right.plot(epochs, history["train"], label="train")
right.plot(epochs, history["val"], linestyle="--", label="val")
right.axhline(test_accuracy, linestyle=":", color="C2", label="test")
right.set(xlabel="epoch", ylabel="accuracy")
left.legend()
right.legend()
figure.tight_layout()
