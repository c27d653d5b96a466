"""
Mixing images
=============

Mix two images of a batch, by blending or by pasting a rectangle, and mix
their labels as well.
"""
from contextlib import suppress

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from PIL import Image
from sklearn.datasets import load_sample_image
from torch.utils.data import DataLoader, TensorDataset, default_collate
from torchvision.transforms import v2

# %%
# Blend pairs of images: ``v2.MixUp``
# -----------------------------------
#
# ``MixUp`` takes a batch of images and labels, and mixes each image with
# the one before it: :math:`\lambda x_i + (1 - \lambda) x_{i-1}`. The labels
# are mixed in the same proportion. Each batch has one lambda, drawn from a
# Beta distribution.
images = torch.rand(4, 3, 8, 8)
labels = torch.tensor([0, 1, 2, 3])
mixup = v2.MixUp(num_classes=4)
mixed, targets = mixup(images, labels)
lam = targets[0, 0]
by_hand = lam * images + (1 - lam) * images.roll(1, 0)
torch.allclose(mixed, by_hand, atol=1e-6)  # True
one_hot = F.one_hot(labels, 4)
by_hand = lam * one_hot + (1 - lam) * one_hot.roll(1, 0)
torch.allclose(targets, by_hand)  # True

# %%
# Paste a rectangle of another image: ``v2.CutMix``
# -------------------------------------------------
#
# ``CutMix`` replaces a rectangle of each image by a part of the image
# before it. The labels are mixed by the share of pixels that were kept.
# Both parts look natural, unlike a blend, but the pasted part may show
# background and no object.
images = torch.arange(4.0).reshape(4, 1, 1, 1).expand(4, 3, 32, 32)
labels = torch.tensor([0, 1, 2, 3])
cutmix = v2.CutMix(num_classes=4)
mixed, targets = cutmix(images, labels)
own = (mixed == images).float().mean(dim=(1, 2, 3))
torch.allclose(targets.diagonal(), own)  # True
pasted = mixed == images.roll(1, 0)
((mixed == images) | pasted).all()  # tensor(True)
targets.sum(dim=1)  # tensor([1., 1., 1., 1.])

# %%
# How strongly to mix: ``alpha``
# ------------------------------
#
# The share of an image in the mix is drawn from the distribution
# Beta(alpha, alpha). With 1 all shares are equally likely, with a small
# value most batches stay almost unchanged, and with a large value the two
# images have nearly equal shares.
images = torch.rand(2, 1, 4, 4)
labels = torch.tensor([0, 1])
even = v2.MixUp(alpha=1.0, num_classes=2)
shares = torch.stack([even(images, labels)[1][0, 0] for _ in range(400)])
0.2 < shares.std() < 0.38  # tensor(True)
half = v2.MixUp(alpha=1000.0, num_classes=2)
0.4 < half(images, labels)[1][0, 0] < 0.6  # tensor(True)
weak = v2.MixUp(alpha=0.05, num_classes=2)
shares = torch.stack([weak(images, labels)[1][0, 0] for _ in range(400)])
((shares < 0.1) | (shares > 0.9)).float().mean() > 0.6  # tensor(True)

# %%
# Train with mixed labels: ``F.cross_entropy``
# --------------------------------------------
#
# ``F.cross_entropy`` accepts class indices or probabilities, so you can
# keep this loss. With mixed labels, it is the weighted sum of the losses
# for the two labels. To compute the accuracy in training, compare with the
# original labels.
images, labels = torch.rand(4, 3, 8, 8), torch.tensor([0, 1, 2, 3])
mixed, targets = v2.MixUp(num_classes=4)(images, labels)
logits = torch.randn(4, 4)
loss = F.cross_entropy(logits, targets)
lam = targets[0, 0]
first = F.cross_entropy(logits, labels)
second = F.cross_entropy(logits, labels.roll(1, 0))
torch.allclose(loss, lam * first + (1 - lam) * second)  # True

# %%
# Mix in the loader: ``v2.RandomChoice`` in ``collate_fn``
# --------------------------------------------------------
#
# Mixing needs a batch, so it comes after collating and not in the dataset.
# You can also mix the batch in the training loop, and there it can run on
# the GPU. Do not mix in the validation loader.
mix = v2.RandomChoice([v2.MixUp(num_classes=10), v2.CutMix(num_classes=10)])


def collate(samples):
    return mix(*default_collate(samples))


samples = TensorDataset(torch.rand(6, 3, 16, 16), torch.arange(6))
loader = DataLoader(samples, batch_size=3, collate_fn=collate)
images, targets = next(iter(loader))
images.shape  # torch.Size([3, 3, 16, 16])
targets.shape  # torch.Size([3, 10])
next(iter(DataLoader(samples, batch_size=3)))[1]  # tensor([0, 1, 2])

# %%
# See mixed images: ``v2.MixUp``, ``v2.CutMix``
# ---------------------------------------------
#
# Left: the two photos. Right: the first image of the batch in three draws
# of ``MixUp`` (top) and ``CutMix`` (bottom). The number is the probability
# of the class of the first photo, a temple.
pair = []
for name in ("china.jpg", "flower.jpg"):
    photo = Image.fromarray(load_sample_image(name)).resize((240, 160))
    image = v2.functional.to_image(photo)
    pair.append(v2.functional.to_dtype(image, scale=True))
images, labels = torch.stack(pair), torch.tensor([0, 1])
figure, axes = plt.subplots(2, 4, figsize=(9, 3.5))
torch.manual_seed(5)
for row, mix, x in zip(axes, (v2.MixUp, v2.CutMix), pair, strict=True):
    row[0].imshow(x.permute(1, 2, 0).cpu().numpy())
    for ax in row[1:]:
        mixed, targets = mix(num_classes=2)(images, labels)
        ax.imshow(mixed[0].permute(1, 2, 0).cpu().numpy())
        ax.set_title(f"{mix.__name__}: {targets[0, 0]:.2f}", fontsize=9)
    for ax in row:
        ax.axis("off")
figure.tight_layout()
targets.sum(dim=1)  # tensor([1., 1.])

# %%
# Error: labels should be index based with shape (``v2.MixUp``)
# -------------------------------------------------------------
#
# ``MixUp`` needs a batch, so it fails on the single images of a dataset.
# Labels can be one class index per image, which needs ``num_classes``, or
# one row of probabilities per image.
images, labels = torch.rand(4, 3, 8, 8), torch.tensor([0, 1, 2, 3])
mixup = v2.MixUp(num_classes=4)
with suppress(ValueError):
    mixup(images[0], labels[0])  # ValueError: labels should be index based
with suppress(ValueError):
    v2.MixUp()(images, labels)  # ValueError: num_classes must be passed
mixed, targets = mixup(images, labels)
targets.shape  # torch.Size([4, 4])
mixed, targets = v2.MixUp()(images, torch.eye(4))
targets.shape  # torch.Size([4, 4])
