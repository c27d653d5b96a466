"""
SE block from scratch: squeeze and excitation in a small CNN
============================================================

An SE block gives each channel of each image a weight between 0 and 1. A
short class with two linear layers computes the same as
``torchvision.ops.SqueezeExcitation``. In a small CNN the block learns
different weights for different digits, and the CNN reaches more than 93 %
accuracy on the test set.
"""
from contextlib import suppress

import matplotlib.pyplot as plt
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.optim.lr_scheduler import CosineAnnealingLR
from torch.utils.data import DataLoader, TensorDataset, random_split
from torchvision.ops import SqueezeExcitation


# %%
# The block: mean, two linear layers, sigmoid, product
# ----------------------------------------------------
#
# The squeeze takes the mean of each channel. The excitation is a linear
# layer to fewer features, a ReLU, a linear layer back to the number of
# channels, and a sigmoid. The result multiplies the channels of the input,
# and the shape stays the same.
class SEBlock(nn.Module):
    def __init__(self, channels, reduction=4):
        super().__init__()
        squeezed = max(1, channels // reduction)
        self.fc1 = nn.Linear(channels, squeezed)
        self.fc2 = nn.Linear(squeezed, channels)

    def scale(self, x):
        squeeze = x.mean(dim=(2, 3))
        return self.fc2(self.fc1(squeeze).relu()).sigmoid()

    def forward(self, x):
        return x * self.scale(x)[:, :, None, None]


torch.manual_seed(0)
block = SEBlock(64, reduction=16)
x = torch.randn(2, 64, 7, 7)
block(x).shape  # torch.Size([2, 64, 7, 7])
block.scale(x).shape  # torch.Size([2, 64])
sum(parameter.numel() for parameter in block.parameters())  # 580

# %%
# Equal to torchvision with its weights copied in
# -----------------------------------------------
#
# torchvision uses 1 by 1 convolutions in place of the linear layers. On a
# single pixel the two compute the same, and the flattened weights of the
# convolutions fit the linear layers.
reference = SqueezeExcitation(64, 4).double()
weights = {
    name: value.flatten(1) if value.ndim == 4 else value
    for name, value in reference.state_dict().items()
}
reference.fc1.weight.shape  # torch.Size([4, 64, 1, 1])
weights["fc1.weight"].shape  # torch.Size([4, 64])
block.double().load_state_dict(weights)
x = torch.randn(2, 64, 7, 7, dtype=torch.float64)
torch.allclose(block(x), reference(x), atol=1e-5)  # True

# %%
# The channel weights need two more dimensions
# --------------------------------------------
#
# Without ``[:, :, None, None]`` the weights are aligned with height and
# width. Most sizes raise an error. If the batch size is 1 or equals the
# height, and the number of channels equals the width, there is no error and
# the result is wrong.
scale = block.scale(x).detach()
with suppress(RuntimeError):
    x * scale  # RuntimeError: The size of tensor a (7) must match the size
x = torch.ones(8, 16, 8, 16)
scale = torch.rand(8, 16)
(x * scale).shape  # torch.Size([8, 16, 8, 16])
(x[:1] * scale[:1]).shape  # torch.Size([1, 16, 8, 16])
torch.equal(x * scale, x * scale[:, :, None, None])  # False

# %%
# A reduction larger than the number of channels leaves no features
# -----------------------------------------------------------------
#
# ``8 // 16`` is 0, so the first layer has no outputs, and PyTorch gives a
# warning. The second layer then has no input and returns its bias, which is
# the same for every image. ``max`` in the block prevents this.
fc1 = nn.Linear(8, 8 // 16)  # UserWarning: zero-element tensors is a no-op
fc2 = nn.Linear(8 // 16, 8)  # UserWarning: zero-element tensors is a no-op
scale = fc2(fc1(torch.randn(5, 8))).sigmoid()
torch.allclose(scale, fc2.bias.sigmoid().expand(5, 8))  # True
SEBlock(8, reduction=16).fc1.out_features  # 1

# %%
# In a CNN: after the norm, before the ReLU
# -----------------------------------------
#
# In a residual network, the block stands at the end of the residual, before
# the sum (see :doc:`resnet`). The CNN here has two plain convolutions. The
# blocks add 700 parameters to its 5,178.
def make_model(se):
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1, bias=False),
        nn.BatchNorm2d(16),
        SEBlock(16) if se else nn.Identity(),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1, bias=False),
        nn.BatchNorm2d(32),
        SEBlock(32) if se else nn.Identity(),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(32, 10),
    )


def count(model):
    return sum(parameter.numel() for parameter in model.parameters())


count(make_model(se=False))  # 5178
count(make_model(se=True)) - count(make_model(se=False))  # 700

# %%
# Split the digits, and write a function for training
# ---------------------------------------------------
#
# This page chooses nothing by validation, so a training set and a test set
# are enough. The loop is the one of :doc:`/gallery/training/training_loop`,
# with a learning rate that falls to 0.
device = torch.get_default_device()
digits = load_digits()
images = torch.tensor(digits.images, dtype=torch.float32, device=device)
labels = torch.tensor(digits.target, device=device)
dataset = TensorDataset(images.unsqueeze(1) / 16, labels)
generator = torch.Generator(device=device).manual_seed(0)
train_set, test_set = random_split(
    dataset, [0.8, 0.2], generator=generator
)


def fit(model, epochs=15):
    loader = DataLoader(train_set, 64, shuffle=True, generator=generator)
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    scheduler = CosineAnnealingLR(optimizer, epochs)
    model.train()
    for _ in range(epochs):
        for inputs, targets in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(inputs), targets)
            loss.backward()
            optimizer.step()
        scheduler.step()
    return model.eval()


plain, model = fit(make_model(se=False)), fit(make_model(se=True))

# %%
# Read the channel weights, and swap them between images
# ------------------------------------------------------
#
# The layers before a block compute its input. To see whether the weights
# matter, ``swapped`` multiplies the channels of each image by the weights
# of another image.
def accuracy(logits, targets):
    return (logits.argmax(dim=1) == targets).double().mean().item()


inputs, targets = dataset[test_set.indices]
with torch.inference_mode():
    x = model[:7](inputs)
    scale = model[7].scale(x)
    order = torch.randperm(len(x), generator=generator, device=device)
    logits = {
        "plain": plain(inputs),
        "SE": model(inputs),
        "swapped": model[8:](x * scale[order, :, None, None]),
    }
test, losses = {}, {}
for name, found in logits.items():
    test[name] = accuracy(found, targets)
    losses[name] = nn.functional.cross_entropy(found, targets).item()

# %%
# What was reached
# ----------------
#
# Left: ``means``, the mean weight of each channel for each digit. Images of
# the same digit get similar weights, because the variance within a digit is
# smaller than the variance between digits. Right: the test accuracy. One
# run on such an easy task does not tell whether the block improves the
# accuracy.
means = torch.stack(
    [scale[targets == digit].mean(dim=0) for digit in range(10)]
)
between = means.var(dim=0).mean().item()
within = (scale - means[targets]).square().mean().item()
print({name: round(value, 3) for name, value in test.items()})
print({name: round(value, 3) for name, value in losses.items()})
print(f"{between=:.4f} {within=:.4f}")
assert 0.93 < test["SE"] <= 1.0, test
assert losses["swapped"] > 1.3 * losses["SE"], losses
assert between > 1.5 * within and between > 0.002, (between, within)

figure, (left, right) = plt.subplots(
    1, 2, figsize=(9, 3.6), width_ratios=[5, 3]
)
shown = left.imshow(means.cpu().numpy(), vmin=0, vmax=1, aspect="auto")
left.set(xlabel="channel", ylabel="digit", yticks=range(10))
figure.colorbar(shown, label="scale")
right.bar(list(test), list(test.values()), color=["C0", "C1", "C2"])
right.set(ylabel="test accuracy", ylim=(0, 1))
figure.tight_layout()
