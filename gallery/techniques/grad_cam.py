"""
Grad-CAM: a heat map of where a CNN looks, with hooks and ``autograd.grad``
===========================================================================

Grad-CAM computes a heat map from the output channels of a convolutional
layer, the feature maps. It multiplies each feature map by the gradient of
one class score and adds them up. On this page the position of every digit
is known, so the quality of the heat map can be measured. On average, more
than half of the heat lies in the box of the digit that was asked for. For
an untrained network it is less than a quarter.
"""
from contextlib import suppress
from copy import deepcopy

import matplotlib.pyplot as plt
import torch
from matplotlib.patches import Rectangle
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset, random_split
from tqdm import tqdm

# %%
# Split the digits before placing them on canvases
# ------------------------------------------------
#
# The 1,797 images of 8 by 8 pixels are scaled to the range from 0 to 1. A
# fifth of them is the test set.
torch.manual_seed(0)
device = torch.get_default_device()
generator = torch.Generator(device=device).manual_seed(0)
digits = load_digits()
images = torch.tensor(digits.images, dtype=torch.float32, device=device)
labels = torch.tensor(digits.target, device=device)
train_set, test_set = random_split(
    TensorDataset(images / 16, labels), [0.8, 0.2], generator=generator
)
train_loader = DataLoader(
    train_set, batch_size=64, shuffle=True, generator=generator
)
[len(train_set), len(test_set)]  # [1438, 359]


# %%
# Canvases on which the position of the digit is known
# ----------------------------------------------------
#
# Each quarter of a canvas of 24 by 24 pixels holds one tile of 8 by 8
# pixels at a random position. The given digits come first. Each other tile
# is scrambled: it holds the pixels of the first digit in random order. A
# scrambled tile has as many bright pixels as the digit, so a heat map that
# follows brightness alone cannot find the digit.
def compose(*digits):
    count = len(digits[0])
    options = {"generator": generator, "device": device}
    quarters = torch.rand(count, 4, **options).argsort(dim=1)
    span = torch.arange(8, device=device)
    batch = torch.arange(count, device=device)[:, None, None]
    canvases = torch.zeros(count, 1, 24, 24, device=device)
    boxes = torch.zeros(count, 4, 24, 24, device=device)
    for k in range(4):
        order = torch.rand(count, 64, **options).argsort(dim=1)
        tile = digits[0].flatten(1).gather(1, order).view(-1, 8, 8)
        if k < len(digits):
            tile = digits[k]
        shift = torch.randint(0, 5, (2, count), **options)
        top = quarters[:, k] // 2 * 12 + shift[0]
        left = quarters[:, k] % 2 * 12 + shift[1]
        rows = (top[:, None] + span)[:, :, None]
        columns = (left[:, None] + span)[:, None, :]
        canvases[batch, 0, rows, columns] = tile
        boxes[batch, k, rows, columns] = 1.0
    return canvases, boxes


# %%
# Draw what the network sees
# --------------------------
#
# The test canvases are created once. The frame marks the box of the digit,
# which covers a ninth of the pixels.
def draw_box(ax, box):
    top, left = (box > 0).nonzero()[0].tolist()
    corner = left - 0.5, top - 0.5
    ax.add_patch(Rectangle(corner, 8, 8, fill=False, color="C0", lw=2))
    ax.set_axis_off()


test_digits, targets = test_set[:]
canvases, boxes = compose(test_digits)
boxes.mean()  # tensor(0.1111)
figure, axes = plt.subplots(1, 4, figsize=(9, 2.6))
for i, ax in enumerate(axes):
    ax.imshow(canvases[i, 0].cpu().numpy(), cmap="gray")
    draw_box(ax, boxes[i, 0])
    ax.set_title(targets[i].item())
figure.tight_layout()


# %%
# A small CNN, and the layer that Grad-CAM uses
# ---------------------------------------------
#
# ``model.features`` gives 64 feature maps of 12 by 12. This is the last
# tensor with rows and columns, because each map is averaged before it goes
# to the head.
class DigitFinder(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 16, 4, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(16),
            nn.ReLU(inplace=True),
            nn.Conv2d(16, 32, 3, padding=1, bias=False),
            nn.BatchNorm2d(32),
            nn.ReLU(inplace=True),
            nn.Conv2d(32, 64, 3, padding=1, bias=False),
            nn.BatchNorm2d(64),
            nn.ReLU(inplace=True),
        )
        self.head = nn.Linear(64, 10)

    def forward(self, images):
        return self.head(self.features(images).mean(dim=(2, 3)))


untrained = DigitFinder().eval()
model = DigitFinder()
model.features(canvases[:5]).shape  # torch.Size([5, 64, 12, 12])

# %%
# Train with new canvases in every batch
# --------------------------------------
#
# The network is told which digit is on the canvas, but not where it is.
epochs = 12
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.AdamW(model.parameters())
scheduler = torch.optim.lr_scheduler.OneCycleLR(
    optimizer, max_lr=1e-2, total_steps=epochs * len(train_loader)
)
model.train()
for epoch in tqdm(range(1, epochs + 1), disable=None):
    loss_sum = 0.0
    for batch_digits, batch_targets in train_loader:
        inputs, _ = compose(batch_digits)
        optimizer.zero_grad()
        loss = criterion(model(inputs), batch_targets)
        loss.backward()
        optimizer.step()
        scheduler.step()
        loss_sum += loss.detach() * len(batch_targets)
    if epoch % 2 == 0:
        print(f"{epoch=:2} loss={(loss_sum / len(train_set)).item():.3f}")


# %%
# Grad-CAM: one forward hook, one call of ``autograd.grad``
# ---------------------------------------------------------
#
# The hook keeps the feature maps, and ``torch.autograd.grad`` computes the
# gradient of the class score with respect to them. The mean gradient of a
# map is its weight. In evaluation mode the images of a batch do not affect
# each other, so the gradient of the summed scores holds the gradient of
# each image. ReLU keeps the regions that raise the score of the class.
def grad_cam(model, layer, images, classes):
    model.eval()
    kept = []
    with layer.register_forward_hook(lambda *args: kept.append(args[2])):
        logits = model(images)
    (activations,) = kept
    scores = logits.gather(1, classes[:, None])
    (gradients,) = torch.autograd.grad(scores.sum(), activations)
    weights = gradients.mean(dim=(2, 3), keepdim=True)
    heat = (weights * activations).sum(dim=1, keepdim=True).relu()
    size = images.shape[-2:]
    return F.interpolate(heat.detach(), size=size, mode="bilinear")


heat = grad_cam(model, model.features, canvases, targets)
heat.shape, heat.requires_grad  # (torch.Size([359, 1, 24, 24]), False)

# %%
# Check Grad-CAM against the closed form
# --------------------------------------
#
# If average pooling and one linear layer follow the feature maps, the
# gradient has a simple formula: the weight of the linear layer, divided by
# the 144 positions of a map. For such a head, Grad-CAM equals the older
# class activation map (CAM).
exact = deepcopy(model).double().eval()
inputs = canvases.double()
with torch.inference_mode():
    maps = exact.features(inputs)
    weights = exact.head.weight[targets][:, :, None, None] / 144
    cam = (weights * maps).sum(dim=1, keepdim=True).relu()
    cam = F.interpolate(cam, size=(24, 24), mode="bilinear")
question = exact, exact.features, inputs, targets
torch.allclose(grad_cam(*question), cam)  # True

# %%
# Error: a full backward hook before an in-place ReLU
# ---------------------------------------------------
#
# Many recipes take the gradient from a full backward hook. The hook fails
# on a layer whose output the next layer changes in place. Here this is
# batch normalization, followed by ``ReLU(inplace=True)``.
layer = model.features[-2]
with layer.register_full_backward_hook(lambda *args: None):
    with suppress(RuntimeError):
        model(canvases)  # RuntimeError: is being modified inplace

# %%
# No graph, no gradient: ``no_grad`` and frozen models
# ----------------------------------------------------
#
# Under ``torch.no_grad``, or if all parameters are frozen, there is no
# graph from the score back to the feature maps. Give a frozen model images
# that require a gradient, so that the graph begins there.
with torch.no_grad(), suppress(RuntimeError):
    grad_cam(*question)  # RuntimeError: does not require grad
exact.requires_grad_(False)
with suppress(RuntimeError):
    grad_cam(*question)  # RuntimeError: does not require grad
inputs.requires_grad_()
torch.allclose(grad_cam(*question), cam)  # True


# %%
# Measure the share of the heat in each box
# -----------------------------------------
#
# If the heat were spread evenly, each box would have a ninth of it (dotted
# line). On average, the untrained network puts less than a quarter of the
# heat on the digit. The trained network puts more than half on the digit,
# and less than 5 % on a scrambled tile.
def heat_shares(heat, boxes):
    total = heat.sum(dim=(2, 3)).clamp_min(1e-12)
    return (heat * boxes).sum(dim=(2, 3)) / total


twin_heat = grad_cam(untrained, untrained.features, canvases, targets)
shares = heat_shares(heat, boxes)
twin_shares = heat_shares(twin_heat, boxes)
in_digit, in_scrambled = shares[:, 0].mean(), shares[:, 1:].mean()
in_digit_untrained = twin_shares[:, 0].mean()
figure, ax = plt.subplots(figsize=(9, 3.6))
bins = [k / 40 for k in range(41)]
ax.hist(shares[:, 0].cpu().numpy(), bins, alpha=0.7, label="model")
ax.hist(twin_shares[:, 0].cpu().numpy(), bins, alpha=0.7, label="untrained")
ax.axvline(1 / 9, linestyle=":", color="C2", label="1/9")
ax.set(xlabel="heat_shares(heat, boxes)[:, 0]", ylabel="test canvases")
ax.legend()
figure.tight_layout()

# %%
# A harder test: two digits on one canvas
# ---------------------------------------
#
# The network was not trained on canvases with two digits. If you ask for
# the class of one digit, the heat should lie on this digit and not on the
# other.
other = targets.roll(1)
differ = targets != other
classes = torch.stack([targets[differ], other[differ]], dim=1)
pairs, pair_boxes = compose(
    test_digits[differ], test_digits.roll(1, dims=0)[differ]
)
pair_heat = [
    grad_cam(model, model.features, pairs, classes[:, k]) for k in (0, 1)
]
pair_shares = torch.stack(
    [heat_shares(one, pair_boxes)[:, :2] for one in pair_heat], dim=1
)
asked = pair_shares.diagonal(dim1=1, dim2=2)
not_asked = pair_shares.flip(2).diagonal(dim1=1, dim2=2)
hits = (asked > not_asked).float().mean()

# %%
# What was reached
# ----------------
#
# All numbers are measured on test images. With one digit on the canvas,
# more than half of the heat lies in its box on average. With two digits,
# the one that was asked for gets more heat than the other in more than 90 %
# of the cases. The figure shows the first five canvases, with the heat map
# of one digit at the top and of the other digit at the bottom.
with torch.inference_mode():
    right = model.eval()(canvases).argmax(dim=1) == targets
accuracy = right.float().mean()
print(f"{accuracy=:.3f} {in_digit=:.3f} {in_scrambled=:.3f}")
print(f"{in_digit_untrained=:.3f} {asked.mean()=:.3f} {hits=:.3f}")
assert accuracy > 0.9, accuracy
assert 0.5 < in_digit < 0.9 and in_scrambled < 0.05, shares.mean(dim=0)
assert in_digit_untrained < 0.25, in_digit_untrained
assert asked.mean() > 0.5 and hits > 0.9, (asked.mean(), hits)

figure, axes = plt.subplots(2, 5, figsize=(9, 4.1))
for k, row in enumerate(axes):
    for i, ax in enumerate(row):
        layer = pair_heat[k][i, 0].cpu().numpy()
        layer = layer / layer.max()
        ax.imshow(pairs[i, 0].cpu().numpy(), cmap="gray")
        ax.imshow(layer, cmap="inferno", alpha=0.75 * layer**0.5)
        draw_box(ax, pair_boxes[i, k])
        ax.set_title(classes[i, k].item())
figure.tight_layout()
