"""
Train a variational autoencoder (VAE): ``rsample``, KL divergence, ELBO
=======================================================================

A VAE describes an image by a few numbers, the latent variables. For each of
them, the encoder gives the mean and the variance of a normal distribution.
The decoder turns a random draw from these distributions back into an image.
The loss is a reconstruction term plus a KL divergence, which keeps the
latent variables close to a standard normal distribution. This page trains a
VAE on handwritten digits. It reconstructs test images, generates new digits
from noise, and interpolates between two digits. A classifier recognizes
more than half of the new digits.
"""
from contextlib import suppress

import matplotlib.pyplot as plt
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.distributions import Bernoulli, Normal, kl_divergence
from torch.nn import functional as F
from tqdm import tqdm

# %%
# Data: pixels between 0 and 1
# ----------------------------
#
# The 1,797 images of 8 by 8 pixels are rows of 64 numbers. They are divided
# by 16, because the decoder predicts a probability for each pixel. The VAE
# is trained on 1,400 images without their labels.
torch.manual_seed(0)
device = torch.get_default_device()
digits = load_digits()
images = torch.tensor(digits.data, dtype=torch.float32, device=device) / 16
classes = torch.tensor(digits.target, device=device)
images.min().item(), images.max().item()  # (0.0, 1.0)

order = torch.randperm(len(images))
train, test = order[:1400], order[1400:]
x_train, y_train = images[train], classes[train]
x_test, y_test = images[test], classes[test]
len(x_train), len(x_test)  # (1400, 397)


# %%
# The model: an encoder with two outputs, and a decoder
# -----------------------------------------------------
#
# The encoder gives the mean and the logarithm of the variance for each
# latent variable. A logarithm may be negative, so the layer needs no
# activation function. The decoder gives one logit per pixel.
class VAE(nn.Module):
    def __init__(self, latent=8, hidden=128):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Linear(64, hidden), nn.ReLU(), nn.Linear(hidden, 2 * latent)
        )
        self.decoder = nn.Sequential(
            nn.Linear(latent, hidden), nn.ReLU(), nn.Linear(hidden, 64)
        )

    def encode(self, x):
        return self.encoder(x).chunk(2, dim=1)

    def forward(self, x):
        mean, log_var = self.encode(x)
        z = mean + (log_var / 2).exp() * torch.randn_like(mean)
        return self.decoder(z), mean, log_var


model = VAE()
logits, mean, log_var = model(images[:5])
logits.shape  # torch.Size([5, 64])
mean.shape, log_var.shape  # (torch.Size([5, 8]), torch.Size([5, 8]))

# %%
# The reparameterization trick: what ``rsample`` computes
# -------------------------------------------------------
#
# A draw from a normal distribution is the mean plus the standard deviation
# times standard normal noise. Computed in this way, the draw has
# derivatives. The derivative is 1 for the mean and :math:`(z - \mu) / 2`
# for the log-variance.
mean = torch.tensor([0.5, -1.0], requires_grad=True)
log_var = torch.tensor([0.0, -2.0], requires_grad=True)
z = Normal(mean, (log_var / 2).exp()).rsample()
z.sum().backward()
mean.grad  # tensor([1., 1.])
torch.allclose(log_var.grad, (z - mean) / 2)  # True

# %%
# ``sample`` gives the encoder no gradient
# ----------------------------------------
#
# ``sample`` returns a tensor that is not connected to the graph. The
# reconstruction term then trains the decoder, but the encoder gets no
# gradient from it. PyTorch gives no warning.
mean, log_var = model.encode(images[:5])
posterior = Normal(mean, (log_var / 2).exp())
posterior.sample().requires_grad  # False
posterior.rsample().requires_grad  # True
model.decoder(posterior.sample()).sum().backward()
model.encoder[0].weight.grad is None  # True
model.decoder(posterior.rsample()).sum().backward()
model.encoder[0].weight.grad is None  # False


# %%
# The two terms of the loss: KL divergence and reconstruction
# -----------------------------------------------------------
#
# The KL term pulls each distribution towards the prior, a standard normal
# distribution, and is 0 if the two are equal. The reconstruction term
# compares the logits with the pixels. For pixels of 0 and 1 it is minus the
# log-probability of a Bernoulli distribution. Each term is a sum for one
# image, over its pixels or over its latent variables.
def kl_to_prior(mean, log_var):
    return 0.5 * (mean**2 + log_var.exp() - 1 - log_var).sum(dim=1)


def reconstruction(logits, targets):
    losses = F.binary_cross_entropy_with_logits(
        logits, targets, reduction="none"
    )
    return losses.sum(dim=1)


prior = Normal(torch.zeros(8), torch.ones(8))
by_torch = kl_divergence(posterior, prior).sum(dim=1)
torch.allclose(kl_to_prior(mean, log_var), by_torch, atol=1e-5)  # True
kl_to_prior(torch.zeros(1, 8), torch.zeros(1, 8))  # tensor([0.])
binary = images[:5].round()
log_prob = Bernoulli(logits=logits).log_prob(binary).sum(dim=1)
torch.allclose(reconstruction(logits, binary), -log_prob)  # True


# %%
# The loss: minus the ELBO, a lower bound on the log-likelihood
# -------------------------------------------------------------
#
# ELBO stands for evidence lower bound, and the loss is minus its mean over
# the batch. The likelihood is the probability that the model gives to an
# image. With one latent variable it is an integral over a line, so a sum
# over a fine grid can check the bound. The image is repeated 4,001 times to
# average out the random draws of the ELBO.
def negative_elbo(model, x):
    logits, mean, log_var = model(x)
    return (reconstruction(logits, x) + kl_to_prior(mean, log_var)).mean()


with torch.no_grad():
    tiny = VAE(latent=1)
    grid = torch.linspace(-8, 8, 4001)[:, None]
    x = binary[:1].expand(4001, 64)
    log_p = -reconstruction(tiny.decoder(grid), x)
    prior_weight = Normal(0.0, 1.0).log_prob(grid[:, 0]).exp() * 16 / 4000
    log_likelihood = (prior_weight * log_p.exp()).sum().log()
    elbo = -negative_elbo(tiny, x)
prior_weight.sum()  # tensor(1.0000)
elbo < log_likelihood  # tensor(True)

# %%
# Train: 14 steps per epoch
# -------------------------
#
# ``fit`` takes the loss as an argument, because a later section trains with
# a wrong loss. Each epoch goes through the images in a new random order.
def fit(model, criterion, epochs=100):
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    history = []
    for _ in tqdm(range(epochs), disable=None):
        total = 0.0
        for rows in torch.randperm(1400).split(100):
            optimizer.zero_grad()
            loss = criterion(model, x_train[rows])
            loss.backward()
            optimizer.step()
            total += loss.detach()
        history.append((total / 14).item())
    return history


model = VAE()
history = fit(model, negative_elbo)
print(f"first={history[0]:.1f} last={history[-1]:.1f}")


# %%
# Reconstruct test images: decode the mean
# ----------------------------------------
#
# The baseline predicts the mean training image for each test image. The
# best possible reconstruction is the test image itself. Even then the loss
# is above 0, because some pixels are grey. ``excess`` is 1 for the baseline
# and 0 for a perfect reconstruction.
@torch.inference_mode()
def excess(model):
    mean, _ = model.encode(x_test)
    loss = reconstruction(model.decoder(mean), x_test).mean()
    return ((loss - best) / (baseline - best)).item()


def cost_of(guess):
    guess = guess.clamp(1e-6, 1 - 1e-6).logit().expand_as(x_test)
    return reconstruction(guess, x_test).mean()


baseline, best = cost_of(x_train.mean(dim=0)), cost_of(x_test)
print(f"{baseline=:.1f} {best=:.1f} {excess(model)=:.2f}")
0 < best < baseline  # tensor(True)
excess(VAE()) > 1  # True
excess(model) < 0.6  # True


# %%
# A mean in one term and a sum in the other: posterior collapse
# -------------------------------------------------------------
#
# With ``reduction="mean"``, the reconstruction term is divided by the 64
# pixels and the KL term is not, so the KL term dominates. The encoder then
# ignores its input: the KL divergence is nearly 0, and the reconstructions
# are about as bad as the mean image. This is called posterior collapse.
def mixed_up(model, x):
    logits, mean, log_var = model(x)
    loss = F.binary_cross_entropy_with_logits(logits, x, reduction="mean")
    return loss + kl_to_prior(mean, log_var).mean()


collapsed = VAE()
fit(collapsed, mixed_up, epochs=20)
with torch.inference_mode():
    kl = kl_to_prior(*model.encode(x_test)).mean()
    kl_collapsed = kl_to_prior(*collapsed.encode(x_test)).mean()
print(f"{kl=:.2f} {kl_collapsed=:.4f} {excess(collapsed)=:.2f}")
kl > 2  # tensor(True)
kl_collapsed < 0.1  # tensor(True)
excess(collapsed) > 0.9  # True

# %%
# Pixels outside of 0 to 1: the loss is negative and has no minimum
# -----------------------------------------------------------------
#
# ``F.binary_cross_entropy_with_logits`` does not check its targets. With
# pixels from 0 to 16 the loss falls below zero, and it falls further as the
# logits grow. Divide the pixels first, or use ``F.mse_loss`` for values
# without a fixed range.
raw = images[:5] * 16
losses = [
    F.binary_cross_entropy_with_logits(scale * raw, raw).item()
    for scale in (1.0, 10.0, 100.0)
]
0 > losses[0] > losses[1] > losses[2]  # True
with suppress(RuntimeError):
    F.binary_cross_entropy(raw, raw)  # RuntimeError: between 0 and 1

# %%
# The log-variance is not the standard deviation
# ----------------------------------------------
#
# ``Normal`` expects a standard deviation, which is ``(log_var / 2).exp()``.
# A negative log-variance raises an error. The variance ``log_var.exp()``
# raises none, but the draws then have the wrong spread.
log_var = torch.full((100_000,), -2.0)
with suppress(ValueError):
    Normal(0.0, log_var)  # ValueError: to satisfy the constraint
right = Normal(0.0, (log_var / 2).exp()).sample().var().item()
wrong = Normal(0.0, log_var.exp()).sample().var().item()
0.13 < right < 0.14  # True
0.017 < wrong < 0.02  # True

# %%
# Generate new digits: decode draws from the prior
# ------------------------------------------------
#
# A classifier that is trained on real digits judges the new ones, as in
# :doc:`gan`. It counts an image as recognized if one class has a
# probability above 0.9. The VAE with the posterior collapse turns different
# noise vectors into nearly the same image.
judge = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
optimizer = torch.optim.AdamW(judge.parameters(), lr=3e-3)
for _ in range(60):
    for rows in torch.randperm(1400).split(50):
        optimizer.zero_grad()
        F.cross_entropy(judge(x_train[rows]), y_train[rows]).backward()
        optimizer.step()


@torch.inference_mode()
def judged(candidates):
    confidence, found = judge(candidates).softmax(dim=1).max(dim=1)
    return (confidence > 0.9).float().mean().item(), found


@torch.inference_mode()
def decode(model, z):
    return model.decoder(z).sigmoid()


noise = torch.randn(1000, 8)
new_share, new_found = judged(decode(model, noise))
test_share, _ = judged(x_test)
print(f"{new_share=:.2f} {test_share=:.2f}")
decode(collapsed, noise).std(dim=0).max().item() < 0.1  # True

# %%
# Interpolate between two images in the latent space
# --------------------------------------------------
#
# The test images form more than 60,000 pairs of different classes. For each
# pair, the point halfway between the two latent means is decoded to an
# image. The average of the pixels shows both digits on top of each other,
# and the classifier recognizes fewer of these averages.
with torch.inference_mode():
    codes, _ = model.encode(x_test)
first, second = torch.combinations(torch.arange(397)).T
differ = y_test[first] != y_test[second]
first, second = first[differ], second[differ]
halfway = decode(model, (codes[first] + codes[second]) / 2)
averages = (x_test[first] + x_test[second]) / 2
latent_share, pixel_share = judged(halfway)[0], judged(averages)[0]
print(f"{latent_share=:.2f} {pixel_share=:.2f}")
len(first) > 60_000  # True

# %%
# The result: reconstructed, generated and interpolated digits
# ------------------------------------------------------------
#
# From top to bottom: test images, their reconstructions, new digits, and
# two paths from one test image to another. No image was selected. The
# classifier still finds the right class in more than 80 % of the
# reconstructions.
kept = (judged(decode(model, codes))[1] == y_test).float().mean().item()
rarest = new_found.bincount(minlength=10).min().item() / 1000
print(f"{kept=:.3f} {rarest=:.3f}")
assert history[-1] < history[0] - 5, history
assert excess(model) < 0.55, excess(model)
assert 0.8 < kept <= 1.0, kept
assert 0.5 < new_share < test_share, new_share
assert rarest > 0.03, rarest
assert latent_share > pixel_share + 0.03, (latent_share, pixel_share)

steps = torch.linspace(0, 1, 10)[:, None]
paths = [torch.lerp(codes[i], codes[i + 1], steps) for i in (0, 2)]
rows = [x_test[:10], decode(model, codes[:10]), decode(model, noise[:10])]
rows += [decode(model, path) for path in paths]
tiles = torch.stack(rows).reshape(5, 10, 8, 8)
tiles = F.pad(tiles, (1, 1, 1, 1), value=torch.nan).cpu()
picture = tiles.transpose(1, 2).reshape(50, 100).numpy()
figure, axis = plt.subplots(figsize=(8, 4))
axis.imshow(picture, cmap="gray", vmin=0, vmax=1)
names = ["test", "reconstructed", "new", "path 1", "path 2"]
axis.set_yticks(range(5, 50, 10), names)
axis.set_xticks([])
axis.tick_params(length=0)
axis.grid(False)
axis.spines[:].set_visible(False)
figure.tight_layout()
