"""
DCGAN: images from noise with ``ConvTranspose2d``
=================================================

A GAN trains a generator, which makes images from noise, against a
discriminator, which tells them from real ones. In a deep convolutional GAN
(DCGAN), the generator uses transposed convolutions and the discriminator
uses strided convolutions. On this page the images are handwritten digits. A
classifier that was trained on real digits recognizes more than a third of
the generated digits with high confidence. On the way from one noise vector
to another, the generated image changes gradually.
"""
import matplotlib.pyplot as plt
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader, TensorDataset
from torchvision.transforms import v2
from tqdm import tqdm

# %%
# Scale the images to [-1, 1], the range of ``nn.Tanh``
# -----------------------------------------------------
#
# ``v2.ToDtype`` with ``scale=True`` scales the pixels to [0, 1].
# ``v2.Normalize`` with mean 0.5 and standard deviation 0.5 then scales them
# to [-1, 1]. This is the range of ``nn.Tanh``, the last layer of the
# generator. If the images were in [0, 1], half of that range would match no
# pixel.
torch.manual_seed(0)
device = torch.get_default_device()
digits = load_digits()
pixels = torch.tensor(digits.images * 255 / 16, device=device)
transform = v2.Compose([
    v2.ToDtype(torch.float32, scale=True),
    v2.Normalize(mean=[0.5], std=[0.5]),
])
images = transform(pixels.round().to(torch.uint8).unsqueeze(1))
images.shape  # torch.Size([1797, 1, 8, 8])
images.min().item(), images.max().item()  # (-1.0, 1.0)

# %%
# Split into training and test images
# -----------------------------------
#
# The GAN is trained on 1,400 images without their labels. The labels and
# the test images are used later, to measure the results.
classes = torch.tensor(digits.target, device=device)
rng = torch.Generator(device=device).manual_seed(0)
order = torch.randperm(len(images), generator=rng, device=device)
train, test = order[:1400], order[1400:]
real_set = TensorDataset(images[train], classes[train])
loader = DataLoader(real_set, batch_size=64, shuffle=True, generator=rng)
len(loader)  # 22

# %%
# The output size of ``nn.ConvTranspose2d``
# -----------------------------------------
#
# The output size is ``(size - 1) * stride - 2 * padding + kernel_size``, if
# ``dilation`` and ``output_padding`` keep their defaults. A kernel of size
# 4 with stride 2 and padding 1 doubles the size of the image. The same
# numbers in ``nn.Conv2d`` halve it.
x = torch.zeros(1, 3, 4, 4, device=device)
nn.ConvTranspose2d(3, 5, 2)(x[..., :1, :1])  # shape (1, 5, 2, 2)
nn.ConvTranspose2d(3, 5, 4, stride=2, padding=1)(x)  # shape (1, 5, 8, 8)
nn.Conv2d(3, 5, 4, stride=2, padding=1)(x)  # shape (1, 5, 2, 2)

# %%
# Generator and discriminator
# ---------------------------
#
# The generator takes noise in the form of an image of one pixel with 32
# channels, and its layers enlarge it to 2, 4 and 8 pixels. The
# discriminator goes the other way and ends in one logit. Strides take the
# place of pooling. The layers next to the image have no batch
# normalization. A convolution in front of a batch normalization needs no
# bias.
latent, width = 32, 24
generator = nn.Sequential(
    nn.ConvTranspose2d(latent, 2 * width, 2, bias=False),
    nn.BatchNorm2d(2 * width), nn.ReLU(),
    nn.ConvTranspose2d(2 * width, width, 4, 2, 1, bias=False),
    nn.BatchNorm2d(width), nn.ReLU(),
    nn.ConvTranspose2d(width, 1, 4, 2, 1), nn.Tanh(),
)
discriminator = nn.Sequential(
    nn.Conv2d(1, width, 4, 2, 1), nn.LeakyReLU(0.2),
    nn.Conv2d(width, 2 * width, 4, 2, 1, bias=False),
    nn.BatchNorm2d(2 * width), nn.LeakyReLU(0.2),
    nn.Conv2d(2 * width, 1, 2), nn.Flatten(),
)
noise = torch.randn(5, latent, 1, 1, device=device)
generator(noise).shape  # torch.Size([5, 1, 8, 8])
discriminator(generator(noise)).shape  # torch.Size([5, 1])

# %%
# Initialize: normal weights with standard deviation 0.02
# -------------------------------------------------------
#
# ``nn.Module.apply`` calls a function for every module of a network. The
# weights of batch normalization are drawn around 1, because weights around
# 0 would nearly remove the signal. The first generated images are close to
# grey.
def initialize(module):
    if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
        nn.init.normal_(module.weight, 0.0, 0.02)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)
        nn.init.zeros_(module.bias)


generator.apply(initialize)
discriminator.apply(initialize)
generator[3].weight.std().item() < 0.03  # True
generator[4].weight.mean().item() > 0.9  # True
generator(noise).abs().mean().item() < 0.3  # True

# %%
# One training step of each network
# ---------------------------------
#
# The loss, ``detach``, the labels and the moving average are the same as in
# :doc:`gan`, which explains them. Real and generated images go through the
# discriminator in two separate calls. In one call, batch normalization
# would mix the statistics of the two.
criterion = nn.BCEWithLogitsLoss()
options = {"lr": 2e-3, "betas": (0.5, 0.999)}
optimizer_g = torch.optim.Adam(generator.parameters(), **options)
optimizer_d = torch.optim.Adam(discriminator.parameters(), **options)


def step(real):
    noise = torch.randn(len(real), latent, 1, 1, device=device)
    fakes = generator(noise)
    on_real, on_fakes = discriminator(real), discriminator(fakes.detach())
    loss_d = criterion(on_real, torch.ones_like(on_real))
    loss_d = loss_d + criterion(on_fakes, torch.zeros_like(on_fakes))
    optimizer_d.zero_grad()
    loss_d.backward()
    optimizer_d.step()
    logits = discriminator(fakes)
    loss_g = criterion(logits, torch.ones_like(logits))
    optimizer_g.zero_grad()
    loss_g.backward()
    optimizer_g.step()
    return loss_d.detach(), loss_g.detach()


# %%
# A classifier of real digits as a judge
# --------------------------------------
#
# The judge counts an image as recognized if one class has a probability
# above 0.9. ``rarest`` is the share of the class that it finds least often.
# ``spread`` is the mean distance between two images, as in :doc:`gan`.
judge = nn.Sequential(
    nn.Flatten(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10)
)
optimizer = torch.optim.AdamW(judge.parameters(), lr=2e-3)
for _ in range(30):
    for inputs, targets in loader:
        optimizer.zero_grad()
        F.cross_entropy(judge(inputs), targets).backward()
        optimizer.step()


@torch.inference_mode()
def measure(candidates):
    confidence, found = judge(candidates).softmax(dim=1).max(dim=1)
    return {
        "recognized": (confidence > 0.9).float().mean().item(),
        "rarest": found.bincount(minlength=10).min().item() / len(found),
        "spread": F.pdist(candidates.flatten(1)).mean().item(),
    }


real = measure(images[test])
assert real["recognized"] > 0.8, real

# %%
# Train, and generate from the same noise after every epoch
# ---------------------------------------------------------
#
# The samples come from a moving average of the generator, which is in
# ``eval`` mode. In ``train`` mode, a generated image would also depend on
# the other noise vectors of its batch.
averaged = AveragedModel(
    generator, multi_avg_fn=get_ema_multi_avg_fn(0.98), use_buffers=True
)
averaged.eval()
with torch.inference_mode():
    alone = torch.allclose(generator(noise)[:2], generator(noise[:2]))
alone  # False

fixed_noise = torch.randn(1000, latent, 1, 1, device=device)
samples, scores = [], []
epochs = 15
for epoch in tqdm(range(epochs + 1), disable=None):
    for real_images, _ in loader if epoch else ():
        losses = step(real_images.to(device))
        averaged.update_parameters(generator)
    with torch.inference_mode():
        samples.append(averaged(fixed_noise))
    scores.append(measure(samples[-1]))
    if epoch % 5 == 0:
        print(epoch, *(f"{k} {v:.3f}" for k, v in scores[-1].items()))

# %%
# Samples over time
# -----------------
#
# Left: each column shows one noise vector and each row one epoch. No image
# was selected. Right: the share of a thousand generated images that the
# judge recognizes. The dotted line is the share of the test images.
shown = [0, 3, 6, 9, epochs]


def tile(rows):
    tiles = F.pad(torch.stack(rows)[:, :, 0], (1, 1, 1, 1), value=torch.nan)
    return tiles.transpose(1, 2).flatten(2).flatten(0, 1).cpu().numpy()


figure, (left, right) = plt.subplots(
    1, 2, figsize=(9, 3.6), width_ratios=[5, 3]
)
picture = tile([samples[epoch][:10] for epoch in shown])
left.imshow(picture, cmap="gray", vmin=-1, vmax=1)
left.set_yticks(range(5, 50, 10), [f"epoch {epoch}" for epoch in shown])
left.set_xticks([])
left.tick_params(length=0)
left.grid(False)
left.spines[:].set_visible(False)
right.plot([score["recognized"] for score in scores])
right.axhline(real["recognized"], linestyle=":", color="C2", label="test")
right.set(xlabel="epoch", ylabel="confidence > 0.9", ylim=(0, 1))
right.legend()
figure.tight_layout()

# %%
# From one noise vector to another: spherical interpolation
# ---------------------------------------------------------
#
# A noise vector of many dimensions has a length of about ``latent ** 0.5``.
# Halfway on the straight line between two vectors the length is smaller,
# and the generator was hardly trained there. Spherical interpolation keeps
# the length, as the example with two unit vectors shows.
def spherical(start, end, steps):
    cosine = F.cosine_similarity(start, end, dim=0)
    angle = cosine.clamp(-1, 1).acos()
    t = torch.linspace(0, 1, steps, device=start.device).unsqueeze(1)
    weights = torch.sin((1 - t) * angle), torch.sin(t * angle)
    return (weights[0] * start + weights[1] * end) / angle.sin()


start, end = torch.eye(2, device=device)
spherical(start, end, 3)[1]  # tensor([0.7071, 0.7071])
torch.lerp(start, end, 0.5)  # tensor([0.5000, 0.5000])

# %%
# The result: digits, and gradual changes between them
# ----------------------------------------------------
#
# Each row goes from one noise vector to another in eleven steps. The
# largest change between neighbours in a row is less than half the distance
# between its two ends. The generator has therefore learned more than a list
# of images.
before, after = scores[0], scores[-1]
assert before["recognized"] < 0.1, before
assert 0.35 < after["recognized"] < real["recognized"], after
assert 0.02 < after["rarest"] <= 0.1, after
assert 0.7 < after["spread"] / real["spread"] < 1.1, after

ends = fixed_noise[:10].flatten(1)
pairs = zip(ends[:5], ends[5:], strict=True)
paths = [spherical(start, end, 12) for start, end in pairs]
with torch.inference_mode():
    rows = [averaged(path[..., None, None]) for path in paths]
leaps = []
for row in rows:
    steps = (row[1:] - row[:-1]).flatten(1).norm(dim=1)
    leaps.append((steps.max() / (row[-1] - row[0]).norm()).item())
print([round(leap, 2) for leap in leaps])
assert max(leaps) < 0.5, leaps

figure, axis = plt.subplots(figsize=(9, 4))
axis.imshow(tile(rows), cmap="gray", vmin=-1, vmax=1)
axis.set_axis_off()
figure.tight_layout()
