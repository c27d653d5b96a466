"""
Train a diffusion model (DDPM): add noise, predict it, generate images
======================================================================

A diffusion model learns to predict the noise in a noisy image. To generate
an image, it starts from pure noise and removes a little of it in each step.
This page trains a small denoising diffusion probabilistic model (DDPM) on
handwritten digits. A classifier that was trained on real digits recognizes
more than half of the generated ones, and finds all ten classes among them.
"""
import math
from contextlib import suppress

import matplotlib.pyplot as plt
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional as F
from tqdm import tqdm

# %%
# Data: digits between -1 and 1
# -----------------------------
#
# The noise has mean 0 and standard deviation 1, so the pixels are scaled to
# a similar range. The diffusion model sees 1,400 images and no labels.
torch.manual_seed(0)
device = torch.get_default_device()
digits = load_digits()
images = torch.tensor(digits.data, dtype=torch.float32, device=device)
images = images / 8 - 1
classes = torch.tensor(digits.target, device=device)
order = torch.randperm(len(images))
train, test = order[:1400], order[1400:]
x_train, y_train = images[train], classes[train]
x_test, y_test = images[test], classes[test]
images.min().item(), images.max().item()  # (-1.0, 1.0)

# %%
# The noise schedule: from an image to noise in 100 steps
# -------------------------------------------------------
#
# Step ``t`` keeps the share ``alphas[t]`` of the variance and adds noise of
# variance ``betas[t]``. The cumulative product ``alpha_bars`` is the share
# of the image that is left. Less than 1 % is left after the last step.
steps = 100
betas = torch.linspace(1e-4, 0.1, steps)
alphas = 1 - betas
alpha_bars = alphas.cumprod(dim=0)
alpha_bars[0]  # tensor(0.9999)
alpha_bars[-1] < 0.01  # tensor(True)


# %%
# Jump to step ``t`` in one formula: equal to adding noise step by step
# ---------------------------------------------------------------------
#
# A sum of independent normal random numbers is normal again. To make the
# noisy image of any step, one draw of noise is therefore enough, with the
# factors :math:`\sqrt{\bar\alpha_t}` for the image and
# :math:`\sqrt{1 - \bar\alpha_t}` for the noise. The loop computes the same
# two factors one step at a time.
def add_noise(x, t, noise):
    share = alpha_bars[t].unsqueeze(1)
    return share.sqrt() * x + (1 - share).sqrt() * noise


factor, variance = torch.ones(()), torch.zeros(())
factors, variances = [], []
for alpha, beta in zip(alphas, betas, strict=True):
    factor = alpha.sqrt() * factor
    variance = alpha * variance + beta
    factors.append(factor)
    variances.append(variance)
factors, variances = torch.stack(factors), torch.stack(variances)
torch.allclose(factors, alpha_bars.sqrt(), atol=1e-5)  # True
torch.allclose(variances, 1 - alpha_bars, atol=1e-5)  # True

# %%
# The same with random draws: 20,000 copies of one pixel
# ------------------------------------------------------
#
# Noise is added to a pixel of value 1 in 30 steps. The mean and the
# variance over the copies agree with the formula.
t = torch.full((20_000,), 29)
start = torch.ones(20_000, 1)
jumped = add_noise(start, t, torch.randn(20_000, 1))
stepped = start
for alpha, beta in zip(alphas[:30], betas[:30], strict=True):
    noise = torch.randn(20_000, 1)
    stepped = alpha.sqrt() * stepped + beta.sqrt() * noise
for x in (jumped, stepped):
    abs(x.mean() - alpha_bars[29].sqrt()) < 0.02  # tensor(True)
    abs(x.var() - (1 - alpha_bars[29])) < 0.02  # tensor(True)

# %%
# The fault: a share per image without a second dimension
# -------------------------------------------------------
#
# ``alpha_bars[t]`` has shape ``(N,)`` and the images have shape ``(N,
# 64)``. Without ``unsqueeze`` most batch sizes raise an error. With exactly
# 64 images there is no error, and the shares are applied to the pixels
# instead of the images.
t = torch.randint(steps, (5,))
with suppress(RuntimeError):
    alpha_bars[t] * images[:5]  # RuntimeError: must match the size
t = torch.arange(64)
wrong = alpha_bars[t] * torch.ones(64, 64)
right = alpha_bars[t].unsqueeze(1) * torch.ones(64, 64)
torch.equal(wrong, right.T)  # True


# %%
# A time embedding: sines and cosines of the step
# -----------------------------------------------
#
# The network must know how noisy its input is. Sixteen frequencies turn the
# step into 32 numbers between -1 and 1. The first pair is the sine and
# the cosine of the step itself, and neighbouring steps have similar
# embeddings.
def embed(t, size=32):
    exponents = torch.arange(size // 2) / (size // 2)
    angles = t.unsqueeze(1) * 10_000.0**-exponents
    return torch.cat([angles.sin(), angles.cos()], dim=1)


vectors = embed(torch.arange(steps))
vectors.shape  # torch.Size([100, 32])
vectors[3, [0, 16]]  # tensor([0.1411, -0.9900])
math.sin(3), math.cos(3)  # (0.1411, -0.9900)
distances = torch.cdist(vectors, vectors)
distances[50, 51] < distances[50, 60]  # tensor(True)


# %%
# The network: a noisy image and its step in, the noise out
# ---------------------------------------------------------
#
# The embedding of the step is added to the first hidden layer. The output
# has the same shape as the image. For larger images, use a U-Net instead of
# the linear layers.
class NoisePredictor(nn.Module):
    def __init__(self, hidden=256):
        super().__init__()
        self.of_image = nn.Linear(64, hidden)
        self.of_time = nn.Sequential(nn.Linear(32, hidden), nn.SiLU())
        self.middle = nn.Sequential(
            nn.SiLU(), nn.Linear(hidden, hidden),
            nn.SiLU(), nn.Linear(hidden, hidden), nn.SiLU(),
        )
        self.out = nn.Linear(hidden, 64)

    def forward(self, x, t):
        hidden = self.of_image(x) + self.of_time(embed(t))
        return self.out(hidden + self.middle(hidden))


model = NoisePredictor()
model(images[:5], torch.arange(5)).shape  # torch.Size([5, 64])


# %%
# Train: a random step, a random noise, ``F.mse_loss``
# ----------------------------------------------------
#
# In each epoch, each image gets its own random step and its own noise. The
# loss compares the predicted noise with the noise that was added. A network
# that always predicts 0 has a loss of about 1.
def noise_loss(model, x):
    t = torch.randint(steps, (len(x),))
    noise = torch.randn_like(x)
    return F.mse_loss(model(add_noise(x, t, noise), t), noise)


epochs = 100
optimizer = torch.optim.AdamW(model.parameters())
scheduler = torch.optim.lr_scheduler.OneCycleLR(
    optimizer, max_lr=4e-3, total_steps=epochs * 14
)
history = []
for _ in tqdm(range(epochs), disable=None):
    total = 0.0
    for rows in torch.randperm(1400).split(100):
        optimizer.zero_grad()
        loss = noise_loss(model, x_train[rows])
        loss.backward()
        optimizer.step()
        scheduler.step()
        total += loss.detach()
    history.append((total / 14).item())

# %%
# Does the network use the step?
# ------------------------------
#
# On test images the loss is far below 1. It is higher when the network
# gets the step of another image, so the step tells it something that the
# noisy image does not.
with torch.inference_mode():
    x = x_test.repeat(10, 1)
    t, noise = torch.randint(steps, (len(x),)), torch.randn_like(x)
    noisy = add_noise(x, t, noise)
    test_loss = F.mse_loss(model(noisy, t), noise).item()
    wrong_step = F.mse_loss(model(noisy, t.roll(1)), noise).item()
print(f"{history[-1]=:.3f} {test_loss=:.3f} {wrong_step=:.3f}")
wrong_step > test_loss + 0.05  # True


# %%
# Generate: remove the predicted noise, step by step
# --------------------------------------------------
#
# Each step subtracts a part of the predicted noise, rescales the image, and
# adds a little new noise. The last step adds none. ``trace`` keeps the
# images of every step for the figure.
@torch.inference_mode()
def generate(model, count):
    x = torch.randn(count, 64)
    trace = [x]
    for step in reversed(range(steps)):
        t = torch.full((count,), step)
        part = betas[step] / (1 - alpha_bars[step]).sqrt()
        x = (x - part * model(x, t)) / alphas[step].sqrt()
        if step > 0:
            x = x + betas[step].sqrt() * torch.randn_like(x)
        trace.append(x)
    return x, trace


generated, trace = generate(model, 1000)
from_untrained, _ = generate(NoisePredictor(), 1000)
len(trace)  # 101

# %%
# The step is the mean of ``q(x_{t-1} | x_t, x_0)``
# -------------------------------------------------
#
# ``x_0`` is the original image and ``x_t`` the noisy image after step
# ``t``. If the noise is known, the original image is known, too. The image
# one step earlier then has a normal distribution, whose mean is a weighted
# sum of ``x_0`` and ``x_t``. The formula in ``generate`` gives the same
# mean.
x_0, noise, step = images[:5], torch.randn(5, 64), 40
x_t = add_noise(x_0, torch.full((5,), step), noise)
left = 1 - alpha_bars[step]
weight_0 = alpha_bars[step - 1].sqrt() * betas[step] / left
weight_t = alphas[step].sqrt() * (1 - alpha_bars[step - 1]) / left
by_bayes = weight_0 * x_0 + weight_t * x_t
part = betas[step] / left.sqrt()
by_noise = (x_t - part * noise) / alphas[step].sqrt()
torch.allclose(by_bayes, by_noise, atol=1e-5)  # True

# %%
# A classifier as judge
# ---------------------
#
# The classifier is trained on real digits. It counts an image as recognized
# if one class has a probability above 0.9. This measure is not enough,
# because the classifier also recognizes most outputs of an untrained
# network, whose pixels are far out of range. ``nearest`` is the mean
# distance to the closest training image: it is large for such outputs, and
# close to 0 for copies of training images.
judge = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
optimizer = torch.optim.AdamW(judge.parameters(), lr=3e-3)
for _ in range(60):
    for rows in torch.randperm(1400).split(50):
        optimizer.zero_grad()
        F.cross_entropy(judge(x_train[rows]), y_train[rows]).backward()
        optimizer.step()


@torch.inference_mode()
def measure(x):
    confidence, found = judge(x).softmax(dim=1).max(dim=1)
    counts = found.bincount(minlength=10)
    return {
        "recognized": (confidence > 0.9).float().mean().item(),
        "rarest": counts.min().item() / len(x),
        "nearest": torch.cdist(x, x_train).min(dim=1).values.mean().item(),
    }


outside = measure(from_untrained)
outside["recognized"] > 0.8  # True
outside["nearest"] > 50  # True
measure(x_train)["nearest"] < 0.1  # True

# %%
# The result: generated digits
# ----------------------------
#
# Each column of the figure starts with noise at the top and ends with a
# generated digit. The last row shows test images. No image was selected. On
# average, the generated images are a little farther from the training
# images than the test images are, so the model does not simply copy
# training images.
result, real = measure(generated), measure(x_test)
for name, values in (("generated", result), ("test", real)):
    print(f"{name:10}", {key: round(x, 3) for key, x in values.items()})
assert 0.5 < result["recognized"] < real["recognized"], result
assert 0.025 < result["rarest"] <= 0.1, result
assert 1.1 < result["nearest"] / real["nearest"] < 1.7, result
assert test_loss < 0.25, test_loss

shown = [0, 40, 70, 85, 95, 100]
rows = [trace[step][:10] for step in shown] + [x_test[:10]]
tiles = torch.stack(rows).reshape(len(rows), 10, 8, 8)
tiles = F.pad(tiles, (1, 1, 1, 1), value=torch.nan).cpu()
picture = tiles.transpose(1, 2).reshape(len(rows) * 10, 100).numpy()
figure, axis = plt.subplots(figsize=(7, 4.8))
axis.imshow(picture, cmap="gray", vmin=-1, vmax=1)
names = [f"step {step}" for step in shown] + ["test"]
axis.set_yticks(range(5, len(rows) * 10, 10), names)
axis.set_xticks([])
axis.tick_params(length=0)
axis.grid(False)
axis.spines[:].set_visible(False)
figure.tight_layout()
