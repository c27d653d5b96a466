"""
The training loop: ``train``, ``evaluate``, and what they report
================================================================

Most models are trained with two functions, ``train`` and ``evaluate``, and
a loop that calls them. This page trains a small network on handwritten
digits and reaches more than 93 % accuracy on the test set. Many later pages
of this chapter add one feature to the same two functions.
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
# The dataset has 1,797 handwritten digits of 8 by 8 pixels. The pixels are
# scaled to [0, 1], and ``unsqueeze(1)`` adds the channel dimension that
# ``nn.Conv2d`` expects. The training set is shuffled in each epoch; the
# validation and test sets need no shuffling. One seeded generator on the
# device of the data controls the split and the shuffling.
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
# The last layer gives ten ``logits``. No softmax follows, because
# ``nn.CrossEntropyLoss`` already includes it.
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
# The sums are weighted by batch size, because the last batch is smaller and
# a mean of batch means would give its samples too much weight. The sums
# stay tensors until the end of the epoch, because ``item()`` in each batch
# would make Python wait for the GPU.
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
# ``eval()`` switches layers such as dropout and batch normalization to
# evaluation mode. ``torch.inference_mode`` turns off the recording of the
# graph. Use both of them, because ``eval()`` does not turn off the
# recording, and ``inference_mode`` does not switch the layers. Before
# training, the model is about as accurate as guessing.
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
# With ``disable=None``, ``tqdm`` draws a progress bar only if the output is
# a terminal.
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
# The mean of batch means is not the mean over all samples
# --------------------------------------------------------
#
# Nine samples are split into batches of eight and one. If only the ninth
# prediction is wrong, the accuracy is 8/9, but the mean of the two batch
# means is 1/2.
right = torch.tensor([1.0] * 8 + [0.0])
batch_means = torch.stack([part.mean() for part in right.split(8)])
batch_means.mean()  # tensor(0.5000)
right.mean()  # tensor(0.8889)

# %%
# The result: more than 93 % accuracy on the test set
# ---------------------------------------------------
#
# The test set is used once, at the end. A model trained with shuffled
# labels fails the assertion below, but one with an extra softmax or a
# frozen first layer can still pass it. :doc:`debugging` shows how to find
# such mistakes. Left: the loss on the training and validation sets. Right:
# the accuracy, with the test result as a dotted line.
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
