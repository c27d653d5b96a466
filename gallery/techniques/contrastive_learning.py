"""
Contrastive learning (SimCLR): two views, NT-Xent loss, linear probe
====================================================================

Self-supervised learning needs no labels. The encoder learns to recognize
two random views of one image as the same image. This page trains a small
encoder with the method SimCLR on 1,400 handwritten digits without labels. A
linear classifier then learns from the features of the encoder with five
labels per class. It has a higher test accuracy than a linear classifier on
the raw pixels with ten labels per class.
"""
import math

import matplotlib.pyplot as plt
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional as F
from tqdm import tqdm

# %%
# Data: many images without labels, few with labels
# -------------------------------------------------
#
# The encoder learns from 1,400 images without their labels. The linear
# classifiers use at most 20 of these labels per class. Neither the encoder
# nor the classifiers are trained on the test images.
torch.manual_seed(0)
device = torch.get_default_device()
digits = load_digits()
images = torch.tensor(digits.images, dtype=torch.float32, device=device)
images = images.unsqueeze(1) / 16
labels = torch.tensor(digits.target, device=device)
order = torch.randperm(len(images))
x_train, x_test = images[order[:1400]], images[order[1400:]]
y_train, y_test = labels[order[:1400]], labels[order[1400:]]
x_train.shape  # torch.Size([1400, 1, 8, 8])


# %%
# Two views: random rotation, size, position, brightness and noise
# ----------------------------------------------------------------
#
# Each call draws new changes for each image. The views must keep what
# matters later, so there are no flips, because a mirrored 2 is not a digit.
# In the figure, the views in one column belong to the same image.
def augment(x):
    n = len(x)
    angle = torch.empty(n).uniform_(-20, 20).deg2rad()
    scale = torch.empty(n).uniform_(0.8, 1.2)
    shift = torch.empty(2, n).uniform_(-0.3, 0.3)
    cos, sin = angle.cos() * scale, angle.sin() * scale
    rows = [cos, -sin, shift[0], sin, cos, shift[1]]
    grid = F.affine_grid(
        torch.stack(rows, dim=1).view(n, 2, 3), x.shape, align_corners=False
    )
    x = F.grid_sample(x, grid, align_corners=False)
    x = x * torch.empty(n, 1, 1, 1).uniform_(0.6, 1.4)
    return x + 0.1 * torch.randn_like(x)


views = augment(x_train[:10]), augment(x_train[:10])
views[0].shape  # torch.Size([10, 1, 8, 8])
torch.equal(*views)  # False
tiles = F.pad(torch.stack([x_train[:10], *views]), (1, 1, 1, 1))
picture = tiles.squeeze(2).transpose(1, 2).reshape(30, 100).cpu().numpy()
figure, axis = plt.subplots(figsize=(8, 2.6))
axis.imshow(picture, cmap="gray", vmin=0, vmax=1)
axis.set_yticks([5, 15, 25], ["image", "view 1", "view 2"])
axis.set(xticks=[])
axis.grid(False)
figure.tight_layout()


# %%
# An encoder, and a projection head that is dropped after training
# ----------------------------------------------------------------
#
# The encoder gives 128 features. The loss works on the 32 outputs of the
# head. After training, the features are used without the head.
def make_encoder():
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.Flatten(),
        nn.Linear(32 * 4 * 4, 128), nn.ReLU(),
    )


encoder = make_encoder()
head = nn.Sequential(nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 32))
encoder(x_train[:5]).shape  # torch.Size([5, 128])
head(encoder(x_train[:5])).shape  # torch.Size([5, 32])


# %%
# NT-Xent loss: ``F.cross_entropy`` on the similarities
# -----------------------------------------------------
#
# The batch holds ``N`` images as ``2 * N`` views, all first views before
# all second views. The matrix product of normalized vectors gives the
# cosine similarity of each pair. For each view, the class to find is the
# position of the other view of the same image. The diagonal is set to minus
# infinity, so that no view can choose itself.
def nt_xent(z, temperature=0.5):
    z = F.normalize(z, dim=1)
    logits = z @ z.T / temperature
    logits.fill_diagonal_(-torch.inf)
    targets = torch.arange(len(z)).roll(len(z) // 2)
    return F.cross_entropy(logits, targets)


torch.arange(6).roll(3)  # tensor([3, 4, 5, 0, 1, 2])
z = torch.randn(6, 32)
nt_xent(z).ndim  # 0

# %%
# Equal to the formula, term by term
# ----------------------------------
#
# For each view, the loss is minus the logarithm of a fraction. The
# numerator belongs to the positive pair, the two views of the same image.
# The denominator is the sum over the pairs of this view with all other
# views.
total = 0.0
for i in range(6):
    similar = F.cosine_similarity(z[i].unsqueeze(0), z).div(0.5).exp()
    positive = similar[(i + 3) % 6]
    below = sum(similar[k] for k in range(6) if k != i)
    total = total - (positive / below).log()
torch.allclose(nt_xent(z), total / 6, atol=1e-5)  # True

# %%
# The temperature: how much the closest negatives count
# -----------------------------------------------------
#
# The views of other images are the negatives. The softmax over the
# negatives tells how strongly each of them is pushed away. At a low
# temperature, nearly all of the push goes to the most similar negative. At
# a high temperature, all negatives get about the same.
similarities = torch.tensor([0.9, 0.5, 0.0])
(similarities / 0.1).softmax(dim=0)  # tensor([0.9819, 0.0180, 0.0001])
(similarities / 0.5).softmax(dim=0)  # tensor([0.6193, 0.2783, 0.1024])
(similarities / 10).softmax(dim=0)  # tensor([0.3479, 0.3342, 0.3179])

# %%
# A common mistake: the diagonal is not masked
# --------------------------------------------
#
# A view has a similarity of 1 with itself, and no other view has more.
# Without the mask, each view competes with itself. Even for perfect pairs
# the loss is then about :math:`\log 2` or more, because the view and its
# copy share the probability.
pairs = F.normalize(torch.randn(100, 32), dim=1).repeat(2, 1)
targets = torch.arange(200).roll(100)
unmasked = F.cross_entropy(pairs @ pairs.T / 0.01, targets).item()
unmasked > math.log(2) - 1e-4  # True
nt_xent(pairs, temperature=0.01).item() < 1e-3  # True

# %%
# Collapse: the same vector for every image
# -----------------------------------------
#
# An encoder could map all views to the same vector. The negatives work
# against this. The loss of equal vectors is the logarithm of the number of
# candidates, here 399, which is also the loss of a random guess. Training
# must get below it.
nt_xent(torch.ones(400, 32))  # tensor(5.9890)
math.log(399)  # 5.9890


# %%
# Train without labels: batches of 200 images
# -------------------------------------------
#
# Both views go through the encoder in one batch. The views of all other
# images in the batch are negatives, so a larger batch gives more negatives.
optimizer = torch.optim.AdamW(
    [*encoder.parameters(), *head.parameters()], lr=3e-3
)
history = []
for _ in tqdm(range(50), disable=None):
    for rows in torch.randperm(1400).split(200):
        x = x_train[rows]
        z = head(encoder(torch.cat([augment(x), augment(x)])))
        loss = nt_xent(z)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        history.append(loss.detach())
history = torch.stack(history).tolist()
print(f"first={history[0]:.2f} last={history[-1]:.2f}")
history[-1] < math.log(399) - 0.8  # True


# %%
# Linear probe: one layer on frozen features
# ------------------------------------------
#
# The encoder is not trained further, and its features are computed once
# under ``torch.no_grad``. They are standardized with the statistics of the
# labelled samples. One ``nn.Linear`` then learns from a few labels per
# class.
def probe(features, per_class):
    with torch.no_grad():
        known, unknown = features(x_train), features(x_test)
    rows = [(y_train == c).nonzero()[:per_class, 0] for c in range(10)]
    rows = torch.cat(rows)
    mean, std = known[rows].mean(dim=0), known[rows].std(dim=0) + 1e-3
    known, unknown = (known[rows] - mean) / std, (unknown - mean) / std
    linear = nn.Linear(known.shape[1], 10)
    optimizer = torch.optim.AdamW(
        linear.parameters(), lr=0.01, weight_decay=0.1
    )
    for _ in range(200):
        optimizer.zero_grad()
        F.cross_entropy(linear(known), y_train[rows]).backward()
        optimizer.step()
    with torch.inference_mode():
        found = linear(unknown).argmax(dim=1)
    return (found == y_test).float().mean().item()


# %%
# The result: half the labels are enough
# --------------------------------------
#
# Each curve shows the test accuracy of a linear probe by the number of
# labels per class. With 5 or 10 labels per class, the SimCLR features are
# better than the pixels with twice as many. They are also better than the
# features of an untrained encoder with twice as many labels.
sources = {
    "SimCLR": encoder,
    "random encoder": make_encoder(),
    "pixels": nn.Flatten(),
}
counts = [1, 2, 5, 10, 20]
reached = {
    name: [probe(features, count) for count in counts]
    for name, features in sources.items()
}
for name, values in reached.items():
    print(f"{name:15}", *(f"{value:.3f}" for value in values))
simclr = reached.pop("SimCLR")
for name, other in reached.items():
    assert simclr[2] > other[3] and simclr[3] > other[4], (name, other)
assert 0.86 < simclr[2] <= 1.0, simclr
assert 0.92 < simclr[4] <= 1.0, simclr

figure, axis = plt.subplots(figsize=(6.4, 3.8))
axis.plot(counts, simclr, "o-", label="SimCLR")
for (name, values), style in zip(
    reached.items(), ("s--", "^:"), strict=True
):
    axis.plot(counts, values, style, label=name)
axis.set_xscale("log", base=2)
axis.set_xticks(counts, counts)
axis.set(xlabel="labels per class", ylabel="accuracy")
axis.legend(loc="lower right")
figure.tight_layout()
