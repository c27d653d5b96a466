"""
Augmentation policies
=====================

Random mixtures of transforms, ready-made or put together by yourself.
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
# One transform out of fourteen, at a random strength: nothing to set, and
# hard to beat. Give it bytes from 0 to 255 or floats from 0 to 1, before
# normalizing.
photo = Image.fromarray(load_sample_image("china.jpg"))
photo.thumbnail((240, 160))
augment = v2.TrivialAugmentWide()
augment(photo).size  # (240, 160)
image = v2.functional.to_image(photo)
augment(image)  # shape (3, 160, 240), dtype uint8
seen = {augment(photo).tobytes() for _ in range(30)}
len(seen) > 10  # True

# %%
# Augment by number and strength: ``v2.RandAugment``
# --------------------------------------------------
#
# ``num_ops`` transforms one after another, all at ``magnitude`` out of
# ``num_magnitude_bins``. Two numbers to search over; 2 and 9 is the common
# start. Raise the magnitude for larger models and longer training.
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
# Augment as found for a data set: ``v2.AutoAugment``
# ---------------------------------------------------
#
# Pairs of transforms that a search found best on ImageNet, CIFAR10 or SVHN.
# Choose it where your data look like one of those; else take one of its
# successors, which need no search.
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
# ``mixture_width`` chains of transforms run side by side; their weighted
# sum is blended with the original, so the result stays recognisable. Made
# for models that must stand up to blurred or noisy input.
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
# Puts ``value``, or noise with ``"random"``, over a share of the area
# between ``scale``, with probability ``p``. Place it after the
# normalization, where 0 is the mean colour.
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
# ``RandomApply`` runs its whole list or nothing, ``RandomChoice`` exactly
# one of it, by weights ``p``; ``RandomOrder`` runs all, in random order. An
# ``nn.ModuleList`` is not needed: a plain list will do.
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
# All of v2 draws from PyTorch's generator, not from Python's or NumPy's.
# Seed it before the call; to leave other code its own numbers, do so within
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
# One row a policy, five draws each.
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
# The first version erases in tensors only, and with ``p`` below 1 fails at
# one image and not at the next. Convert before.
photo = Image.fromarray(load_sample_image("china.jpg"))
with suppress(AttributeError):
    transforms.RandomErasing(p=1.0)(photo)  # AttributeError: no attribute
erase = v2.Compose([v2.ToImage(), v2.RandomErasing(p=1.0)])
erase(photo)  # shape (3, 427, 640), dtype uint8
