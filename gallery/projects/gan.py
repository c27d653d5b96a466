"""
Train a GAN: generator, discriminator, ``BCEWithLogitsLoss``, ``detach``
========================================================================

A GAN trains two networks against each other. The generator turns noise into
images of handwritten digits, and the discriminator learns to tell these
from real ones. A classifier that was trained on real digits then recognizes
more than half of the generated ones with high confidence, and finds all ten
classes among them.
"""
from contextlib import suppress

import matplotlib.pyplot as plt
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader, TensorDataset
from tqdm import tqdm

# %%
# Data: scale real digits to the range of the generator
# -----------------------------------------------------
#
# The 1,797 images of 8 by 8 pixels are rows of 64 numbers. They are scaled
# to [-1, 1], the range of ``nn.Tanh``, which is the last layer of the
# generator. The GAN is trained without the class labels. A classifier
# further down needs the labels, and neither the GAN nor the classifier is
# trained on the test images.
torch.manual_seed(0)
device = torch.get_default_device()
digits = load_digits()
images = torch.tensor(digits.data, dtype=torch.float32, device=device)
images = images / 8 - 1
classes = torch.tensor(digits.target, device=device)

rng = torch.Generator(device=device).manual_seed(0)
order = torch.randperm(len(images), generator=rng, device=device)
train, test = order[:1400], order[1400:]
real_set = TensorDataset(images[train], classes[train])
loader = DataLoader(real_set, batch_size=64, shuffle=True, generator=rng)
images.min().item(), images.max().item()  # (-1.0, 1.0)

# %%
# Two multilayer perceptrons: generator and discriminator
# -------------------------------------------------------
#
# The generator maps 16 random numbers to an image. The discriminator maps
# an image to one logit, which should be positive for a real image and
# negative for a generated one. It has no ``nn.Sigmoid`` at the end, and the
# next section shows why.
latent = 16
generator = nn.Sequential(
    nn.Linear(latent, 128), nn.BatchNorm1d(128), nn.ReLU(),
    nn.Linear(128, 192), nn.BatchNorm1d(192), nn.ReLU(),
    nn.Linear(192, 64), nn.Tanh(),
)
discriminator = nn.Sequential(
    nn.Linear(64, 192), nn.LeakyReLU(0.2),
    nn.Linear(192, 128), nn.LeakyReLU(0.2),
    nn.Linear(128, 1),
)
noise = torch.randn(5, latent, device=device)
generator(noise).shape  # torch.Size([5, 64])
discriminator(generator(noise)).shape  # torch.Size([5, 1])

# %%
# The loss takes logits, because ``Sigmoid`` with ``BCELoss`` saturates
# ---------------------------------------------------------------------
#
# If the discriminator recognizes a generated image with certainty, its
# logit is far below zero. The generator has the label 1 as its target, so
# its loss should have a clear gradient there. With ``nn.BCEWithLogitsLoss``
# the gradient is -1. With a sigmoid and ``nn.BCELoss`` it is close to 0, or
# exactly 0.
criterion = nn.BCEWithLogitsLoss()


def slope(loss_of, values):
    logits = torch.tensor(values, device=device, requires_grad=True)
    losses = loss_of(logits)
    return torch.autograd.grad(losses.sum(), logits)[0]


def with_logits(x):
    real = torch.ones_like(x)
    return F.binary_cross_entropy_with_logits(x, real, reduction="none")


def with_sigmoid(x):
    real = torch.ones_like(x)
    return F.binary_cross_entropy(x.sigmoid(), real, reduction="none")


slope(with_logits, [-120.0, -40.0])  # tensor([-1., -1.])
slope(with_sigmoid, [-120.0])  # tensor([-0.])
slope(with_sigmoid, [-40.0]).abs().item() < 1e-5  # True

# %%
# Minimize the loss for the label 1: the minimax loss vanishes
# ------------------------------------------------------------
#
# The generator could also maximize the discriminator's loss for the label
# 0. This is the minimax loss, and its gradient vanishes much earlier. At a
# logit of -5 it is less than a hundredth of the gradient for the label 1.
def minimax(x):
    fake = torch.zeros_like(x)
    return -F.binary_cross_entropy_with_logits(x, fake, reduction="none")


slope(minimax, [-5.0])  # tensor([-0.0067])
slope(with_logits, [-5.0])  # tensor([-0.9933])

grid = torch.linspace(-36, 10, 400).tolist()
figure, axis = plt.subplots(figsize=(8, 3.6))
for name, loss_of, style in [
    ("BCEWithLogitsLoss, label 1", with_logits, "-"),
    ("Sigmoid + BCELoss, label 1", with_sigmoid, "--"),
    ("minimax, label 0", minimax, ":"),
]:
    axis.plot(grid, slope(loss_of, grid).cpu().numpy(), style, label=name)
axis.set(xlabel="logit", ylabel="gradient")
axis.legend(loc="center")
figure.tight_layout()

# %%
# Labels: ``ones_like`` and ``zeros_like`` of the logits
# ------------------------------------------------------
#
# Labels that are made once with ``torch.ones(64, 1)`` do not fit the last
# batch, which is smaller. They also stay on the default device when the
# model moves to another one. ``ones_like`` copies the shape, the dtype and
# the device of the logits. Here the ``meta`` device stands for a second
# device.
last = discriminator(images[train][-(1400 % 64):])
last.shape  # torch.Size([56, 1])
with suppress(ValueError):
    criterion(last, torch.ones(64, 1))  # ValueError: must be the same as
criterion(last, torch.ones_like(last)).ndim  # 0

elsewhere = last.double().to("meta")
torch.ones(56, 1).device == elsewhere.device  # False
torch.ones_like(elsewhere).device == elsewhere.device  # True
torch.ones_like(elsewhere).dtype  # torch.float64

# %%
# Use ``detach`` to train the discriminator
# -----------------------------------------
#
# Without ``detach``, the backward pass of the discriminator's loss goes on
# into the generator. It adds gradients there that make the generated images
# worse. It also frees the graph that the generator's own loss needs later.
fakes = generator(noise)
logits = discriminator(fakes)
criterion(logits, torch.zeros_like(logits)).backward()
generator[0].weight.grad is None  # False
logits = discriminator(fakes)
with suppress(RuntimeError):
    logits.sum().backward()  # RuntimeError: backward ... a second time

generator.zero_grad()
fakes = generator(noise)
logits = discriminator(fakes.detach())
criterion(logits, torch.zeros_like(logits)).backward()
generator[0].weight.grad is None  # True
logits = discriminator(fakes)
criterion(logits, torch.ones_like(logits)).backward()
generator[0].weight.grad is None  # False

# %%
# One training step: first the discriminator, then the generator
# --------------------------------------------------------------
#
# Each optimizer holds the parameters of one network. The generator's loss
# also leaves gradients in the discriminator. ``optimizer_d.zero_grad()``
# clears them before the next step of the discriminator.
def step_discriminator(real, fakes):
    real_logits = discriminator(real)
    fake_logits = discriminator(fakes.detach())
    loss = criterion(real_logits, torch.ones_like(real_logits))
    loss = loss + criterion(fake_logits, torch.zeros_like(fake_logits))
    optimizer_d.zero_grad()
    loss.backward()
    optimizer_d.step()
    return loss.detach()


def step_generator(fakes):
    logits = discriminator(fakes)
    loss = criterion(logits, torch.ones_like(logits))
    optimizer_g.zero_grad()
    loss.backward()
    optimizer_g.step()
    return loss.detach()


# %%
# An epoch, and a moving average of the generator: ``AveragedModel``
# ------------------------------------------------------------------
#
# The discriminator keeps changing, so the weights of the generator go back
# and forth. The samples therefore come from a generator with a moving
# average of these weights. ``beta1`` of Adam is 0.5 instead of 0.9, as is
# usual for GANs.
options = {"lr": 2e-3, "betas": (0.5, 0.99), "fused": True}
optimizer_g = torch.optim.Adam(generator.parameters(), **options)
optimizer_d = torch.optim.Adam(discriminator.parameters(), **options)
averaged = AveragedModel(
    generator, multi_avg_fn=get_ema_multi_avg_fn(0.99), use_buffers=True
)


def train_epoch():
    generator.train()
    sums, seen = torch.zeros(2, device=device), 0
    for real, _ in loader:
        real = real.to(device)
        fakes = generator(torch.randn(len(real), latent, device=device))
        losses = step_discriminator(real, fakes), step_generator(fakes)
        averaged.update_parameters(generator)
        sums += torch.stack(losses) * len(real)
        seen += len(real)
    return (sums / seen).tolist()


# %%
# A judge: a classifier trained on real digits
# --------------------------------------------
#
# The losses of a GAN do not tell how good the samples are, because each
# network is measured against an opponent that changes. A classifier that is
# not trained on samples gives a fixed measure. It counts an image as
# recognized if one class has a probability above 0.9.
judge = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
optimizer = torch.optim.AdamW(judge.parameters(), lr=2e-3)
for _ in range(40):
    for inputs, targets in loader:
        inputs, targets = inputs.to(device), targets.to(device)
        optimizer.zero_grad()
        F.cross_entropy(judge(inputs), targets).backward()
        optimizer.step()


@torch.inference_mode()
def recognized(candidates):
    confidence, found = judge(candidates).softmax(dim=1).max(dim=1)
    return (confidence > 0.9).float().mean().item(), found


real_share, found = recognized(images[test])
accuracy = (found == classes[test]).float().mean().item()
print(f"{accuracy=:.3f} {real_share=:.3f}")
assert accuracy > 0.93 and real_share > 0.8

# %%
# Train, and generate from the same noise after every epoch
# ---------------------------------------------------------
#
# A fixed batch of noise shows how the same thousand samples change. In
# ``eval`` mode, batch normalization uses its running statistics.
@torch.inference_mode()
def sample(noise):
    averaged.eval()
    return averaged(noise)


fixed_noise = torch.randn(1000, latent, device=device)
samples = {0: sample(fixed_noise)}
shares = [recognized(samples[0])[0]]
epochs = 55
for epoch in tqdm(range(1, epochs + 1), disable=None):
    loss_d, loss_g = train_epoch()
    samples[epoch] = sample(fixed_noise)
    shares.append(recognized(samples[epoch])[0])
    if epoch % 11 == 0:
        print(f"{epoch=} {loss_d=:.2f} {loss_g=:.2f} {shares[-1]=:.2f}")

# %%
# Four measures, compared with those of real digits
# -------------------------------------------------
#
# ``recognized`` is the share of images that the judge recognizes, and
# ``rarest`` is the share of the class that it finds least often. ``spread``
# is the mean distance between two images. It falls if the generator makes
# the same image again and again. ``nearest`` is the mean distance to the
# closest training image, which falls if the generator copies training
# images.
def nearest(candidates):
    distances = torch.cdist(candidates, images[train])
    return distances.min(dim=1).values.mean().item()


def measure(candidates):
    share, found = recognized(candidates)
    return {
        "recognized": share,
        "rarest": found.bincount(minlength=10).min().item() / len(found),
        "spread": F.pdist(candidates).mean().item(),
        "nearest": nearest(candidates),
    }


before, after, real = map(
    measure, (samples[0], samples[epochs], images[test])
)
print("           before  after   test")
for name in real:
    values = before[name], after[name], real[name]
    print(f"{name:10}", *(f"{value:6.3f}" for value in values))

# %%
# The result: new digits of every class
# -------------------------------------
#
# Left: each column shows one noise vector and each row one epoch. The last
# row shows test images. No image was selected. Right: the share of a
# thousand generated images that the judge recognizes, which stays below the
# share of the test images (dotted line).
assert before["recognized"] < 0.1 and before["rarest"] < 0.03
assert 0.5 < after["recognized"] < real["recognized"], after
assert 0.03 < after["rarest"] <= 0.1, after
assert 0.85 < after["spread"] / real["spread"] < 1.05, after
assert 0.9 < after["nearest"] / real["nearest"] < 1.5, after

shown = [0, 5, 10, 20, epochs]
rows = [samples[epoch][:10] for epoch in shown] + [images[test][:10]]
tiles = torch.stack(rows).reshape(len(rows), 10, 8, 8)
tiles = F.pad(tiles, (1, 1, 1, 1), value=torch.nan).cpu()
picture = tiles.transpose(1, 2).reshape(len(rows) * 10, 100).numpy()

figure, (left, right) = plt.subplots(
    1, 2, figsize=(9, 3.6), width_ratios=[5, 3]
)
left.imshow(picture, cmap="gray", vmin=-1, vmax=1)
left.set_yticks(range(5, 60, 10), [*(f"epoch {e}" for e in shown), "test"])
left.set_xticks([])
left.tick_params(length=0)
left.grid(False)
left.spines[:].set_visible(False)
right.plot(shares)
right.axhline(real_share, linestyle=":", color="C2", label="test")
right.set(xlabel="epoch", ylabel="confidence > 0.9", ylim=(0, 1))
right.legend()
figure.tight_layout()
