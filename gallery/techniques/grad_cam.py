"""
Grad-CAM: a heat map of where a CNN looks, with hooks and ``autograd.grad``
===========================================================================

Grad-CAM weighs the feature maps of a convolutional layer by the gradient of
one class score and adds them up. Here the place of every digit is known, so
the heat map is measured: most of its heat lies in the box of the class that
was asked for, and without training it does not.
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
# Digits, split before they are placed
# ------------------------------------
#
# 1,797 digits of 8 by 8 pixels, scaled to [0, 1]. A fifth is kept apart.
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
# A canvas on which the place of the object is known
# --------------------------------------------------
#
# Each quarter of a canvas of 24 by 24 pixels holds one tile of 8 by 8 at a
# random place: first the digits given, then tiles with the pixels of the
# first digit in random order. These have as much ink as the digit, so a
# heat map that follows ink alone cannot find it. ``boxes`` marks each tile.
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
# What the network gets to see
# ----------------------------
#
# The test canvases are made once. The frame marks the box of the digit,
# which covers one pixel in nine.
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
# A small CNN, and the layer that Grad-CAM reads
# ----------------------------------------------
#
# ``model.features`` gives 64 feature maps of 12 by 12, the last tensor that
# still has rows and columns. The head averages them over the canvas.
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
# Training, with new canvases in every batch
# ------------------------------------------
#
# The network is told which digit is on the canvas, never where it is.
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
# The hook keeps the feature maps; ``torch.autograd.grad`` gives the
# gradient of the class score with respect to them and leaves ``.grad`` of
# the parameters alone. The mean gradient of a map is its weight. In
# ``eval()`` no image acts on another, so the sum of the scores serves the
# whole batch. ReLU keeps what speaks for the class.
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
# Checked against the closed form
# -------------------------------
#
# Average pooling and one linear layer make the gradient known: the weight
# of a map is the weight of the head, divided by the 144 places of the map.
# With such a head Grad-CAM is the older class activation map (CAM).
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
# A full backward hook before an in-place ReLU
# --------------------------------------------
#
# Many recipes take the gradient from a full backward hook. It fails on a
# layer whose output the next layer changes in place, as the
# ``ReLU(inplace=True)`` behind batch normalization does.
layer = model.features[-2]
with layer.register_full_backward_hook(lambda *args: None):
    with suppress(RuntimeError):
        model(canvases)  # RuntimeError: is being modified inplace

# %%
# No graph, no gradient: ``no_grad`` and frozen models
# ----------------------------------------------------
#
# Under ``torch.no_grad``, and where all parameters are frozen, no path
# leads from the score back to the feature maps. A frozen model needs images
# that require gradients: then the graph begins there.
with torch.no_grad(), suppress(RuntimeError):
    grad_cam(*question)  # RuntimeError: does not require grad
exact.requires_grad_(False)
with suppress(RuntimeError):
    grad_cam(*question)  # RuntimeError: does not require grad
inputs.requires_grad_()
torch.allclose(grad_cam(*question), cam)  # True


# %%
# The share of heat in each box
# -----------------------------
#
# Heat spread evenly would leave a ninth of itself in every box (dotted
# line). On average the untrained network gives the digit less than a
# quarter; the trained one gives it more than half, and a scrambled tile
# less than a twentieth.
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
# The harder question: two digits on one canvas
# ---------------------------------------------
#
# The network never saw two digits at once. Asked for the one class, the
# heat must lie on the one digit; asked for the other class, on the other.
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
# All numbers are of test digits. Of one digit, more than half of the heat
# lies in its box; of two, the one asked for gets more heat than the other
# in more than nine of ten cases. An untrained network, shuffled labels or
# the wrong class miss these ranges. The figure shows the first five
# canvases, asked for one class above and for the other below.
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
