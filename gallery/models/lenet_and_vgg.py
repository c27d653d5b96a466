"""
LeNet-5 and VGG from scratch: shapes, weights, torchvision's ``vgg11``
======================================================================

Both networks stack convolutions and poolings, followed by linear layers.
LeNet-5 reaches more than 93 % accuracy on a test set of handwritten digits.
VGG-11 is built from a list of widths and computes the same as
``torchvision.models.vgg11``.
"""
from contextlib import suppress

import matplotlib.pyplot as plt
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split
from torchvision.models import vgg11

# %%
# LeNet-5: seven layers from 1998
# -------------------------------
#
# LeNet-5 uses 5 by 5 convolutions without padding, ``tanh`` activations and
# average pooling. This is the usual simplified version: in the original,
# the pooling has weights and the last layer is different. Newer networks
# often use ``nn.ReLU`` and ``nn.MaxPool2d`` instead.
torch.manual_seed(0)
lenet = nn.Sequential(
    nn.Sequential(nn.Conv2d(1, 6, kernel_size=5), nn.Tanh()),
    nn.AvgPool2d(2),
    nn.Sequential(nn.Conv2d(6, 16, kernel_size=5), nn.Tanh()),
    nn.AvgPool2d(2),
    nn.Flatten(),
    nn.Sequential(nn.Linear(16 * 5 * 5, 120), nn.Tanh()),
    nn.Sequential(nn.Linear(120, 84), nn.Tanh()),
    nn.Linear(84, 10),
)

# %%
# LeNet-5: the shape after each part
# ----------------------------------
#
# A 5 by 5 convolution without padding reduces height and width by four, and
# each pooling halves them. The input has 32 by 32 pixels.
x = torch.rand(1, 1, 32, 32)
shapes = []
for part in lenet:
    x = part(x)
    shapes.append(tuple(x.shape[1:]))
shapes[0:2]  # [(6, 28, 28), (6, 14, 14)]
shapes[2:4]  # [(16, 10, 10), (16, 5, 5)]
shapes[4:]  # [(400,), (120,), (84,), (10,)]
sum(parameter.numel() for parameter in lenet.parameters())  # 61706

# %%
# Images of 28 by 28 pixels, as in MNIST: pad by two
# --------------------------------------------------
#
# The convolutions accept images of 28 by 28 pixels, but the first linear
# layer then gets 256 features instead of 400. Here the images are padded by
# two pixels on each side. ``padding=2`` in the first convolution works as
# well.
small = torch.rand(1, 1, 28, 28)
with suppress(RuntimeError):
    lenet(small)  # RuntimeError: (1x256 and 400x120)
lenet(nn.functional.pad(small, (2, 2, 2, 2))).shape  # torch.Size([1, 10])


# %%
# VGG: one list describes the network
# -----------------------------------
#
# A number in the list is a 3 by 3 convolution with that many output
# channels, and ``"M"`` is a pooling that halves height and width. VGG-13,
# VGG-16 and VGG-19 differ in this list only. torchvision's ``_bn`` models
# add batch normalization after each convolution. Adaptive pooling brings
# each channel to 7 by 7 values for the classifier, the three linear layers
# at the end.
class VGG(nn.Module):
    def __init__(self, widths, classes=1000, dropout=0.5):
        super().__init__()
        self.features = nn.Sequential()
        channels = 3
        for width in widths:
            if width == "M":
                self.features.append(nn.MaxPool2d(2))
                continue
            self.features.append(nn.Conv2d(channels, width, 3, padding=1))
            self.features.append(nn.ReLU(inplace=True))
            channels = width
        self.avgpool = nn.AdaptiveAvgPool2d(7)
        self.classifier = nn.Sequential()
        for inputs in (channels * 7 * 7, 4096):
            self.classifier.append(nn.Linear(inputs, 4096))
            self.classifier.append(nn.ReLU(inplace=True))
            self.classifier.append(nn.Dropout(dropout))
        self.classifier.append(nn.Linear(4096, classes))

    def forward(self, x):
        return self.classifier(self.avgpool(self.features(x)).flatten(1))


# %%
# VGG-11: the shape after each stage, on the ``meta`` device
# ----------------------------------------------------------
#
# The weights take half a gigabyte. On the ``meta`` device tensors have a
# shape but no data, so the network is built and run without this memory and
# without arithmetic. More than 90 % of the parameters are in the
# classifier.
stages = [64, "M", 128, "M", 256, 256, "M", 512, 512, "M", 512, 512, "M"]
with torch.device("meta"):
    vgg = VGG(stages)
    x = torch.rand(1, 3, 224, 224)
shapes = []
for layer in vgg.features:
    x = layer(x)
    if isinstance(layer, nn.MaxPool2d):
        shapes.append(tuple(x.shape[1:]))
shapes[:3]  # [(64, 112, 112), (128, 56, 56), (256, 28, 28)]
shapes[3:]  # [(512, 14, 14), (512, 7, 7)]
vgg.avgpool(x).shape  # torch.Size([1, 512, 7, 7])
vgg.classifier(x.flatten(1)).shape  # torch.Size([1, 1000])
sum(parameter.numel() for parameter in vgg.parameters())  # 132863336
sum(parameter.numel() for parameter in vgg.features.parameters())  # 9220480

# %%
# Images smaller than 32 by 32 pixels are too small for VGG
# ---------------------------------------------------------
#
# The five poolings divide height and width by 32, so an image of 31 by 31
# pixels raises an error. The adaptive pooling comes too late to help.
vgg(torch.rand(1, 3, 32, 32, device="meta")).shape  # torch.Size([1, 1000])
with suppress(RuntimeError):
    vgg(torch.rand(1, 3, 31, 31, device="meta"))  # RuntimeError: too small

# %%
# Equal to torchvision's ``vgg11`` with its weights copied in
# -----------------------------------------------------------
#
# The code first compares the names and shapes of all parameters and the
# layers of the classifier, and then the outputs. The large classifier would
# take seconds, so one small layer replaces it in both networks.
# ``assign=True`` replaces the tensors on ``meta`` by those of the other
# network. With internet access, ``vgg11(weights="DEFAULT")`` gives trained
# weights.
with torch.device("meta"):
    reference = vgg11(weights=None)
names = {name: p.shape for name, p in reference.state_dict().items()}
names == {name: p.shape for name, p in vgg.state_dict().items()}  # True
str(vgg.classifier) == str(reference.classifier)  # True

vgg.classifier = reference.classifier = nn.Linear(512 * 7 * 7, 10)
reference.to_empty(device=torch.get_default_device()).double().eval()
for module in reference.modules():
    if isinstance(module, (nn.Conv2d, nn.Linear)):
        module.reset_parameters()
vgg.eval().load_state_dict(reference.state_dict(), assign=True)
x = torch.rand(2, 3, 64, 64, dtype=torch.float64)
with torch.inference_mode():
    torch.allclose(vgg(x), reference(x), atol=1e-5)  # True

# %%
# Enlarge the digits to 32 by 32 pixels
# -------------------------------------
#
# The images have 8 by 8 pixels. They are enlarged to 24 by 24 and get an
# empty border of four pixels on each side. The images that LeNet-5 was
# designed for have an empty border, too.
device = torch.get_default_device()
digits = load_digits()
images = torch.tensor(digits.images, dtype=torch.float32, device=device)
images = nn.functional.interpolate(
    images.unsqueeze(1) / 16, scale_factor=3, mode="bilinear"
)
images = nn.functional.pad(images, (4, 4, 4, 4))
labels = torch.tensor(digits.target, device=device)
dataset = TensorDataset(images, labels)
generator = torch.Generator(device=device).manual_seed(0)
train_set, val_set, test_set = random_split(
    dataset, [0.7, 0.15, 0.15], generator=generator
)
dataset.tensors[0].shape  # torch.Size([1797, 1, 32, 32])


@torch.inference_mode()
def accuracy(model, part):
    model.eval()
    inputs, targets = part.dataset[part.indices]
    return (model(inputs).argmax(dim=1) == targets).double().mean().item()


# %%
# Training LeNet-5
# ----------------
#
# A copy of the first kernels is kept to check later that training has
# changed them.
loader = DataLoader(train_set, 64, shuffle=True, generator=generator)
optimizer = torch.optim.AdamW(lenet.parameters(), lr=3e-3)
first = lenet[0][0].weight.detach().clone()
history = []
for _ in range(10):
    lenet.train()
    for inputs, targets in loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(lenet(inputs), targets)
        loss.backward()
        optimizer.step()
    history.append(accuracy(lenet, val_set))

# %%
# Kernels and feature maps
# ------------------------
#
# The feature maps are the output of the first part of the network for one
# image, a 3 from the test set.
picture = images[test_set.indices][labels[test_set.indices] == 3][0]
with torch.inference_mode():
    maps = lenet[0](picture.unsqueeze(0))[0].cpu().numpy()
kernels = lenet[0][0].weight.detach()[:, 0].cpu().numpy()
maps.shape, kernels.shape  # ((6, 28, 28), (6, 5, 5))

# %%
# What was reached
# ----------------
#
# Left: the validation accuracy after each epoch, and the final test
# accuracy. Middle: the six kernels of the first convolution. Right: the
# feature map of each kernel for the image, after ``tanh``.
test_accuracy = accuracy(lenet, test_set)
change = (lenet[0][0].weight.detach() - first).abs().mean().item()
print(f"{test_accuracy=:.3f} {change=:.3f}")
assert 0.93 < test_accuracy <= 1.0, test_accuracy
assert change > 0.01, change

rows = [
    ["val", *(f"kernel{i}" for i in row), *(f"map{i}" for i in row)]
    for row in ((0, 1, 2), (3, 4, 5))
]
figure, axes = plt.subplot_mosaic(
    rows, figsize=(9, 3), width_ratios=[2.5, 1, 1, 1, 1, 1, 1]
)
axes["val"].plot(range(1, len(history) + 1), history, label="val")
axes["val"].axhline(test_accuracy, linestyle=":", color="C2", label="test")
axes["val"].set(xlabel="epoch", ylabel="accuracy", xticks=range(2, 11, 2))
axes["val"].legend()
limit = abs(kernels).max()
for i in range(6):
    axes[f"kernel{i}"].imshow(
        kernels[i], cmap="coolwarm", vmin=-limit, vmax=limit
    )
    axes[f"map{i}"].imshow(maps[i], vmin=-1, vmax=1)
for name in rows[0][1:] + rows[1][1:]:
    axes[name].set(xticks=[], yticks=[])
axes["kernel0"].set_title("kernels")
axes["map0"].set_title("maps")
figure.tight_layout()
