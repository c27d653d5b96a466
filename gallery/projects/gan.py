"""
Train a GAN: generator, discriminator, ``BCEWithLogitsLoss``, ``detach``
========================================================================

A generator learns to turn noise into handwritten digits, because a
discriminator learns to tell its digits from real ones. A classifier that
saw only real digits then recognizes more than half of the new ones with
high confidence, and finds all ten classes among them.
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
# Data: real digits in the range of the generator
# -----------------------------------------------
#
# 1,797 digits of 8 by 8 pixels, as rows of 64 numbers. They are scaled to
# [-1, 1], the range of the ``nn.Tanh`` that ends the generator. The GAN
# sees no class labels; these are for the classifier that judges it. The
# test digits are kept apart from both.
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
# an image to one logit: positive for real, negative for fake. It ends
# without ``nn.Sigmoid``, for a reason that comes next.
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
# Loss: logits, because ``Sigmoid`` with ``BCELoss`` saturates
# ------------------------------------------------------------
#
# A discriminator that is sure of a fake gives a logit far below zero. The
# generator asks for the label 1 there and needs a gradient of about -1.
# After a sigmoid and ``nn.BCELoss`` almost nothing is left of it, or
# nothing. ``nn.BCEWithLogitsLoss`` keeps all of it.
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
# Ask for the label 1, not against the label 0
# --------------------------------------------
#
# The generator could also raise the discriminator's loss for the label 0,
# the minimax loss. Its gradient vanishes much earlier: at a logit of -5
# less than a hundredth of it is left.
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
# Labels made once with ``torch.ones(64, 1)`` do not fit the last batch,
# which is shorter, and stay on the default device when the model moves.
# ``ones_like`` copies shape, dtype and device. The ``meta`` device stands
# for a second device here.
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
# ``detach`` while the discriminator learns
# -----------------------------------------
#
# Without ``detach`` the discriminator's loss runs back into the generator:
# it fills gradients there that ask for worse fakes, and it frees the graph
# that the generator's own loss needs.
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
# One step of each: first the discriminator, then the generator
# -------------------------------------------------------------
#
# Each optimizer holds the parameters of one network. The generator's loss
# leaves gradients in the discriminator too; they are cleared before its
# next step.
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
# An epoch, and an average of the generator
# -----------------------------------------
#
# The generator follows a moving target and its weights swing. Samples are
# drawn from a moving average of them, which swings less. ``beta1`` of Adam
# is 0.5 rather than 0.9, as is usual for a GAN.
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
# The losses of a GAN do not say how good the samples are: each is measured
# against an opponent that changes. A classifier that never sees a sample
# gives a measure that stays the same. It counts a digit as recognized
# when one class has more than 0.9 of the probability.
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
# Train, and draw the same noise after every epoch
# ------------------------------------------------
#
# One fixed batch of noise shows the same thousand samples as they change.
# ``eval()`` lets batch normalization use its running statistics.
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
# Four measures, and real digits as their scale
# ---------------------------------------------
#
# ``rarest`` is the share of the class that the judge finds least often.
# ``spread`` is the mean distance between two samples; it falls when the
# generator gives one image again and again. ``nearest`` is the distance to
# the closest training digit; it falls when the generator copies them.
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
# What was reached: new digits of every class
# -------------------------------------------
#
# Each column is one noise vector, each row an epoch; the last row shows
# test digits. No sample was selected. The curve is the share of the
# thousand samples that the judge recognizes, the dotted line the share of
# the test digits. The samples do not reach it.
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
