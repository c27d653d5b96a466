"""
Augmentation policies
=====================

A policy chooses random transforms and their strength. Augment images with
ready-made policies, or combine random transforms yourself.
"""
from contextlib import suppress

import matplotlib.pyplot as plt
import torch
from PIL import Image
from sklearn.datasets import load_sample_image
from torchvision import transforms
from torchvision.transforms import v2

# %%
# Augment without tuning: ``v2.TrivialAugmentWide``
# -------------------------------------------------
#
# ``TrivialAugmentWide`` applies one of fourteen transforms at a random
# strength. There is nothing to tune, so it is a good first choice. Pass
# bytes from 0 to 255 or floats from 0 to 1, before the normalization.
photo = Image.fromarray(load_sample_image("china.jpg"))
photo.thumbnail((240, 160))
augment = v2.TrivialAugmentWide()
augment(photo).size  # (240, 160)
image = v2.functional.to_image(photo)
augment(image)  # shape (3, 160, 240), dtype uint8
seen = {augment(photo).tobytes() for _ in range(30)}
len(seen) > 10  # True

# %%
# Set the number and strength of transforms: ``v2.RandAugment``
# -------------------------------------------------------------
#
# ``RandAugment`` applies ``num_ops`` transforms in a row, each at strength
# ``magnitude`` out of ``num_magnitude_bins``. Start with 2 and 9, and tune
# these two numbers. Larger models and longer training often need a higher
# magnitude.
photo = Image.fromarray(load_sample_image("china.jpg"))
photo.thumbnail((240, 160))
v2.RandAugment(num_ops=2, magnitude=9)(photo).size  # (240, 160)
none = v2.RandAugment(num_ops=0)
none(photo).tobytes() == photo.tobytes()  # True
with suppress(IndexError):
    v2.RandAugment(num_ops=20, magnitude=40)(photo)  # IndexError: out of
strong = v2.RandAugment(magnitude=40, num_magnitude_bins=41)
strong(photo).size  # (240, 160)

# %%
# Use a policy that was found by search: ``v2.AutoAugment``
# ---------------------------------------------------------
#
# ``AutoAugment`` applies pairs of transforms that a search found for
# ImageNet, CIFAR10 or SVHN. Choose it if your data look like one of these
# datasets. Otherwise use ``v2.TrivialAugmentWide`` or ``v2.RandAugment``.
list(v2.AutoAugmentPolicy.__members__)  # ['IMAGENET', 'CIFAR10', 'SVHN']
image = torch.randint(0, 256, (3, 32, 32), dtype=torch.uint8)
augment = v2.AutoAugment(v2.AutoAugmentPolicy.CIFAR10)
augment(image)  # shape (3, 32, 32), dtype uint8
old = transforms.AutoAugment(transforms.AutoAugmentPolicy.CIFAR10)
old(image)  # shape (3, 32, 32), dtype uint8

# %%
# Mix an image with its own variants: ``v2.AugMix``
# -------------------------------------------------
#
# ``AugMix`` runs ``mixture_width`` chains of transforms side by side, adds
# up their results with weights, and blends the sum with the original image.
# It is made for models that must cope with blurred or noisy images.
photo = Image.fromarray(load_sample_image("china.jpg"))
photo.thumbnail((240, 160))
image = v2.functional.to_image(photo)
mixed = v2.AugMix(severity=3)(image)  # shape (3, 160, 240), dtype uint8
torch.equal(mixed, image)  # False
with suppress(ValueError):
    v2.AugMix(severity=11)  # ValueError: severity must be between [1, 10]

# %%
# Erase a rectangle: ``v2.RandomErasing``
# ---------------------------------------
#
# ``RandomErasing`` covers a rectangle with ``value``, or with noise for
# ``"random"``. It does so with probability ``p``, and draws the share of
# the area from ``scale``. Put it after the normalization, where 0 is the
# mean colour.
x = torch.ones(3, 64, 64)
erase = v2.RandomErasing(p=1.0, scale=(0.1, 0.3))
shares = [(erase(x)[0] == 0).float().mean().item() for _ in range(100)]
0.08 < min(shares) < 0.15 and 0.25 < max(shares) < 0.32  # True
old = transforms.RandomErasing(p=1.0, scale=(0.1, 0.3))
torch.manual_seed(1)
hole = old(x)
torch.manual_seed(1)
torch.equal(erase(x), hole)  # True
erased = v2.functional.erase(x, 1, 2, 10, 20, v=torch.zeros(3, 1, 1))
(erased[0] == 0).sum()  # tensor(200)

# %%
# Apply some of the transforms: ``v2.RandomApply``, ``v2.RandomChoice``
# ---------------------------------------------------------------------
#
# ``RandomApply`` runs the whole list or none of it. ``RandomChoice`` runs
# exactly one transform, chosen with the weights ``p``. ``RandomOrder`` runs
# all of them in random order. You can pass a plain list instead of an
# ``nn.ModuleList``.
plus = v2.Lambda(lambda x: x + 1)
double = v2.Lambda(lambda x: x * 2)
x = torch.tensor(10)
apply = v2.RandomApply([plus, double], p=0.5)
{apply(x).item() for _ in range(60)} == {10, 22}  # True
choice = v2.RandomChoice([plus, double], p=[0.3, 0.7])
doubled = sum(choice(x).item() == 20 for _ in range(1000))
600 < doubled < 800  # True
order = v2.RandomOrder([plus, double])
{order(x).item() for _ in range(60)} == {21, 22}  # True

# %%
# The same augmentation again: ``torch.manual_seed``
# --------------------------------------------------
#
# The transforms of v2 draw from PyTorch's generator, so seed it before the
# call. To leave the random numbers of other code unchanged, do this inside
# ``torch.random.fork_rng``.
photo = Image.fromarray(load_sample_image("china.jpg"))
photo.thumbnail((240, 160))
augment = v2.RandomResizedCrop(64)
draws = []
for _ in range(2):
    torch.manual_seed(3)
    draws.append(augment(photo).tobytes())
draws[0] == draws[1]  # True
augment(photo).tobytes() == draws[0]  # False

# %%
# See augmentation policies: ``v2.AutoAugment`` to ``v2.RandomErasing``
# ---------------------------------------------------------------------
#
# Each row shows five draws of one policy.
photo = Image.fromarray(load_sample_image("china.jpg"))
photo.thumbnail((240, 160))
image = v2.functional.to_image(photo)
torch.manual_seed(0)
policies = [v2.AutoAugment(), v2.RandAugment(), v2.TrivialAugmentWide(),
            v2.AugMix(), v2.RandomErasing(p=1.0, value=[99, 168, 255])]
figure, axes = plt.subplots(5, 5, figsize=(9, 6.6))
for row, policy in zip(axes, policies, strict=True):
    row[0].set_title(type(policy).__name__, fontsize=9, loc="left")
    for ax in row:
        ax.imshow(policy(image).permute(1, 2, 0).cpu().numpy())
        ax.axis("off")
figure.tight_layout()
all(policy(image).shape == image.shape for policy in policies)  # True

# %%
# Error: 'Image' object has no attribute 'shape' (``RandomErasing``)
# ------------------------------------------------------------------
#
# ``transforms.RandomErasing`` works on tensors and not on PIL images. With
# ``p`` below 1 the error appears for some images and not for others.
# Convert the image to a tensor first.
photo = Image.fromarray(load_sample_image("china.jpg"))
with suppress(AttributeError):
    transforms.RandomErasing(p=1.0)(photo)  # AttributeError: no attribute
erase = v2.Compose([v2.ToImage(), v2.RandomErasing(p=1.0)])
erase(photo)  # shape (3, 427, 640), dtype uint8
