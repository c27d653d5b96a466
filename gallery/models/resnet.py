"""
ResNet from scratch: ``BasicBlock``, stages, and torchvision's ``resnet18``
===========================================================================

A residual block adds its input to its output. Two short classes build a
ResNet-18 that computes the same as ``torchvision.models.resnet18``. The
same classes with 26 layers reach more than 90 % accuracy on a test set of
handwritten digits. Without the shortcuts, the same 26 layers train far
worse.
"""
from collections import OrderedDict
from contextlib import suppress

import matplotlib.pyplot as plt
import torch
from sklearn.datasets import load_digits, load_sample_images
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split
from torchvision.models import ResNet18_Weights, resnet18
from tqdm import tqdm


# %%
# The basic block: two convolutions and a shortcut
# ------------------------------------------------
#
# The block adds its input to the output of the convolutions, before the
# last ReLU. If the stride is not 1 or the number of channels changes, a 1
# by 1 convolution brings the input to the shape of the output. A
# convolution before ``nn.BatchNorm2d`` needs no bias.
class BasicBlock(nn.Module):
    def __init__(self, inputs, outputs, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False),
                nn.BatchNorm2d(outputs),
            )

    def residual(self, x):
        x = self.relu(self.bn1(self.conv1(x)))
        return self.bn2(self.conv2(x))

    def forward(self, x):
        shortcut = x if self.downsample is None else self.downsample(x)
        return self.relu(self.residual(x) + shortcut)


# %%
# Without the 1 by 1 convolution the shapes do not match
# ------------------------------------------------------
#
# Stride 2 halves height and width, so the shortcut must halve them, too.
torch.manual_seed(0)
block = BasicBlock(64, 128, stride=2)
x = torch.rand(1, 64, 56, 56)
block(x).shape  # torch.Size([1, 128, 28, 28])
block.downsample = None
with suppress(RuntimeError):
    block(x)  # RuntimeError: The size of tensor a (28) must match the size

# %%
# The network: a stem, stages of blocks, a head
# ---------------------------------------------
#
# The stem is the part up to the first pooling, and the head is the last
# linear layer. The first block of a stage halves height and width, except
# in the first stage. The network is an ``nn.Sequential`` with named parts
# and needs no ``forward`` of its own. The names are those of torchvision.
class ResNet(nn.Sequential):
    def __init__(self, block, depths, widths, classes):
        channels = widths[0]
        parts = OrderedDict(
            conv1=nn.Conv2d(3, channels, 7, 2, padding=3, bias=False),
            bn1=nn.BatchNorm2d(channels),
            relu=nn.ReLU(inplace=True),
            maxpool=nn.MaxPool2d(3, stride=2, padding=1),
        )
        for i, width in enumerate(widths):
            blocks = [block(channels, width, stride=2 if i else 1)]
            blocks += [block(width, width) for _ in range(depths[i] - 1)]
            parts[f"layer{i + 1}"] = nn.Sequential(*blocks)
            channels = width
        parts["avgpool"] = nn.AdaptiveAvgPool2d(1)
        parts["flatten"] = nn.Flatten()
        parts["fc"] = nn.Linear(channels, classes)
        super().__init__(parts)


# %%
# ResNet-18: the shape after each stage
# -------------------------------------
#
# The eighteen layers are the first convolution, two convolutions in each of
# the eight blocks, and the linear layer. The input is a photograph, which
# the transforms of the torchvision weights bring to 224 by 224 pixels. The
# transforms need no download.
model = ResNet(BasicBlock, [2, 2, 2, 2], [64, 128, 256, 512], classes=1000)
device = torch.get_default_device()
photo = torch.tensor(load_sample_images().images[0], device=device)
preprocess = ResNet18_Weights.DEFAULT.transforms()
x = preprocess(photo.permute(2, 0, 1)).unsqueeze(0)
x.shape  # torch.Size([1, 3, 224, 224])

maps = {}
model.eval()
with torch.inference_mode():
    for name, part in model.named_children():
        x = maps[name] = part(x)
maps["conv1"].shape  # torch.Size([1, 64, 112, 112])
maps["layer1"].shape  # torch.Size([1, 64, 56, 56])
maps["layer2"].shape  # torch.Size([1, 128, 28, 28])
maps["layer3"].shape  # torch.Size([1, 256, 14, 14])
maps["layer4"].shape  # torch.Size([1, 512, 7, 7])
maps["flatten"].shape  # torch.Size([1, 512])
maps["fc"].shape  # torch.Size([1, 1000])

# %%
# Draw the output of each stage
# -----------------------------
#
# Each image shows the first channel after a stage. The network is not
# trained and its filters are random. Look at the resolution, which halves
# four times.
figure, axes = plt.subplots(1, 5, figsize=(9, 2.3))
stages = ["conv1", "layer1", "layer2", "layer3", "layer4"]
for axis, name in zip(axes, stages, strict=True):
    axis.imshow(maps[name][0, 0].cpu().numpy())
    axis.set(xticks=[], yticks=[])
    axis.set_title(f"{name}\n{tuple(maps[name].shape[1:])}")
figure.tight_layout()

# %%
# Equal to torchvision with its weights copied in
# -----------------------------------------------
#
# By default, ``nn.Module.load_state_dict`` raises an error if a name or a
# shape differs. The outputs agree in training mode, which also updates the
# running statistics of batch normalization, and in evaluation mode, which
# uses them. With internet access, ``weights=ResNet18_Weights.DEFAULT``
# gives trained weights instead.
reference = resnet18(weights=None).double()
model.double().load_state_dict(reference.state_dict())
x = torch.rand(2, 3, 96, 96, dtype=torch.float64)
with torch.no_grad():
    model.train()
    reference.train()
    torch.allclose(model(x), reference(x), atol=1e-5)  # True
    model.eval()
    reference.eval()
    torch.allclose(model(x), reference(x), atol=1e-5)  # True

# %%
# Count the parameters of each part
# ---------------------------------
#
# Twice as many channels mean four times as many weights in a 3 by 3
# convolution. Most of the parameters are therefore in the last stage.
def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


count(model)  # 11689512
count(model) == count(reference)  # True
count(model.conv1)  # 9408
count(model.layer1)  # 147968
count(model.layer2)  # 525568
count(model.layer3)  # 2099712
count(model.layer4)  # 8393728
count(model.fc)  # 513000

# %%
# ``zero_init_residual``: a block that starts as the identity
# -----------------------------------------------------------
#
# If the weight of ``bn2`` is zero, the residual is zero, and the ReLU does
# not change an input without negative values. At first the convolutions get
# a gradient of zero, and they learn once the weight of ``bn2`` has changed.
# In torchvision, ``resnet18(zero_init_residual=True)`` starts all blocks
# like this; it is off by default.
block = BasicBlock(64, 64)
x = torch.rand(4, 64, 8, 8)
torch.equal(block(x), x)  # False
nn.init.zeros_(block.bn2.weight)
torch.equal(block(x), x)  # True

block(x).square().sum().backward()
block.conv2.weight.grad.count_nonzero()  # tensor(0)
block.bn2.weight.grad.count_nonzero() > 0  # tensor(True)

# %%
# The same network without shortcuts, and small enough for digits
# ---------------------------------------------------------------
#
# ``PlainBlock`` leaves out the sum, and its 1 by 1 convolutions stay
# unused. Images of 8 by 8 pixels are too small for the stem, so a 3 by 3
# convolution that keeps the size replaces it. With the same seed, both
# kinds of network start from the same weights.
class PlainBlock(BasicBlock):
    def forward(self, x):
        return self.relu(self.residual(x))


def small_resnet(block, depth):
    torch.manual_seed(0)
    model = ResNet(block, [depth] * 3, [8, 16, 32], classes=10)
    model.conv1 = nn.Conv2d(1, 8, 3, padding=1, bias=False)
    model.maxpool = nn.Identity()
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out")
    return model


plain, residual = small_resnet(PlainBlock, 4), small_resnet(BasicBlock, 4)
a, b = plain.layer3[3].conv2, residual.layer3[3].conv2
torch.equal(a.weight, b.weight)  # True
features = nn.Sequential(*list(residual)[:-3])
features(torch.rand(2, 1, 8, 8)).shape  # torch.Size([2, 32, 2, 2])

# %%
# Split the digits into training, validation and test set
# -------------------------------------------------------
#
# The 1,797 images are split as in :doc:`/gallery/training/training_loop`.
digits = load_digits()
images = torch.tensor(digits.images, dtype=torch.float32, device=device)
labels = torch.tensor(digits.target, device=device)
dataset = TensorDataset(images.unsqueeze(1) / 16, labels)
generator = torch.Generator(device=device).manual_seed(0)
train_set, val_set, test_set = random_split(
    dataset, [0.7, 0.15, 0.15], generator=generator
)
train_set[0][0].shape  # torch.Size([1, 8, 8])


@torch.inference_mode()
def accuracy(model, part):
    model.eval()
    inputs, targets = part.dataset[part.indices]
    return (model(inputs).argmax(dim=1) == targets).double().mean().item()


# %%
# One function trains every network the same way
# ----------------------------------------------
#
# The learning rate changes at every step: it rises once and falls once. The
# loss of an epoch is the mean over its batches, each computed with the
# weights that the model had then.
def fit(model, epochs=6):
    generator = torch.Generator(device=device).manual_seed(0)
    loader = DataLoader(train_set, 128, shuffle=True, generator=generator)
    optimizer = torch.optim.AdamW(model.parameters())
    scheduler = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=0.01, total_steps=epochs * len(loader)
    )
    losses, val = [], []
    for _ in range(epochs):
        model.train()
        loss_sum = 0.0
        for inputs, targets in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(inputs), targets)
            loss.backward()
            optimizer.step()
            scheduler.step()
            loss_sum += loss.detach() * len(targets)
        losses.append((loss_sum / len(train_set)).item())
        val.append(accuracy(model, val_set))
    return losses, val


# %%
# Train 8 and 26 layers, with and without shortcuts
# -------------------------------------------------
#
# Each network has three stages of one or four blocks, with two convolutions
# in each block. The first convolution and the last linear layer make it 8
# or 26 layers.
models = {
    f"{block.__name__}-{6 * depth + 2}": small_resnet(block, depth)
    for depth in (1, 4)
    for block in (PlainBlock, BasicBlock)
}
curves = {
    name: fit(model) for name, model in tqdm(models.items(), disable=None)
}

# %%
# What was reached
# ----------------
#
# Left: the training loss. Right: the validation accuracy. Without
# shortcuts, the deep network ends with a higher training loss than the
# shallow one. This is not overfitting, in which the training loss is low.
# The optimizer does not find good weights in so few steps. With shortcuts,
# the 26 layers reach a low loss in the same number of steps.
final = {name: losses[-1] for name, (losses, _) in curves.items()}
test = {name: accuracy(model, test_set) for name, model in models.items()}
for name in models:
    print(f"{name:13} loss={final[name]:.3f} test={test[name]:.3f}")
plain8, residual8, plain26, residual26 = final.values()
assert plain26 > 4 * plain8 and plain26 > 4 * residual26, final
assert residual26 < 0.2, final
assert test["BasicBlock-26"] > 0.9, test
assert test["PlainBlock-26"] < test["PlainBlock-8"], test

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.8))
styles = ["C0:", "C1:", "C0-", "C1-"]
for name, style in zip(curves, styles, strict=True):
    losses, val = curves[name]
    epochs = range(1, len(losses) + 1)
    left.semilogy(epochs, losses, style, label=name)
    right.plot(epochs, val, style)
left.set(xlabel="epoch", ylabel="train loss")
right.set(xlabel="epoch", ylabel="val accuracy", ylim=(0, 1))
figure.legend(ncols=4, loc="upper center")
figure.tight_layout(rect=(0, 0, 1, 0.92))
