"""
MLP and CNN templates: BatchNorm, dropout, global average pooling
=================================================================

This page has two classes to copy. The MLP (multilayer perceptron) stacks
linear layers with ``nn.BatchNorm1d`` and ``nn.Dropout``. The CNN
(convolutional network) ends with ``nn.AdaptiveAvgPool2d(1)`` and therefore
accepts images of many sizes. Both reach more than 93 % accuracy on a test
set of handwritten digits. When the images are shifted by two pixels, the
CNN still reaches more than 70 %, and the MLP less than 40 %.
"""
from contextlib import suppress

import matplotlib.pyplot as plt
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split


# %%
# MLP: linear, norm, ReLU, dropout, and a linear layer at the end
# ---------------------------------------------------------------
#
# ``hidden`` lists the widths of the hidden layers, as many as you like. The
# last layer gives logits, so no normalization layer (norm), dropout or
# softmax follows it.
class MLP(nn.Sequential):
    def __init__(self, inputs, hidden, classes, dropout=0.2):
        layers = [nn.Flatten()]
        for width in hidden:
            layers += [
                nn.Linear(inputs, width, bias=False),
                nn.BatchNorm1d(width),
                nn.ReLU(),
                nn.Dropout(dropout),
            ]
            inputs = width
        super().__init__(*layers, nn.Linear(inputs, classes))


torch.manual_seed(0)
x = torch.rand(5, 1, 8, 8)
mlp = MLP(inputs=64, hidden=[128, 128], classes=10)
mlp(x).shape  # torch.Size([5, 10])


# %%
# CNN: blocks of convolution, norm and ReLU, then the mean of each map
# --------------------------------------------------------------------
#
# ``padding=1`` keeps the height and width, and the pooling between two
# blocks halves them. ``nn.AdaptiveAvgPool2d(1)`` reduces each channel to
# one number.
class CNN(nn.Sequential):
    def __init__(self, inputs, widths, classes, dropout=0.2):
        layers = []
        for i, width in enumerate(widths):
            layers += [nn.MaxPool2d(2)] if i else []
            layers += [
                nn.Conv2d(inputs, width, 3, padding=1, bias=False),
                nn.BatchNorm2d(width),
                nn.ReLU(),
            ]
            inputs = width
        layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten()]
        layers += [nn.Dropout(dropout), nn.Linear(inputs, classes)]
        super().__init__(*layers)


cnn = CNN(inputs=1, widths=[32, 64], classes=10)
cnn(x).shape  # torch.Size([5, 10])

# %%
# Use the networks on images of another size
# ------------------------------------------
#
# The linear layer of the CNN gets one number for each channel, whatever the
# size of the image. The first layer of the MLP has a weight for each pixel,
# so more pixels raise an error. A CNN that accepts other sizes does not
# always classify them well. Train it on sizes like those it will see.
cnn(torch.rand(5, 1, 28, 28)).shape  # torch.Size([5, 10])
cnn(torch.rand(5, 1, 17, 40)).shape  # torch.Size([5, 10])
with suppress(RuntimeError):
    mlp(torch.rand(5, 1, 28, 28))  # RuntimeError: cannot be multiplied

# %%
# Compare the numbers of parameters
# ---------------------------------
#
# Most parameters of the CNN are in its second convolution, and most
# parameters of the MLP are in its two hidden layers. For images of 28 by 28
# pixels, the CNN stays the same and the MLP grows.
def count(model):
    return sum(parameter.numel() for parameter in model.parameters())


count(mlp)  # 26378
count(cnn)  # 19562
count(MLP(inputs=28 * 28, hidden=[128, 128], classes=10))  # 118538
cnn[4].weight.numel()  # 18432
cnn[-1].weight.numel()  # 640

# %%
# Why ``bias=False`` before a norm
# --------------------------------
#
# In training mode, the norm subtracts the mean of the batch, which also
# removes any bias. A bias would add parameters without having an effect.
norm, flat = nn.BatchNorm1d(64), x.flatten(1)
torch.allclose(norm(flat), norm(flat + 5), atol=1e-3)  # True

# %%
# The MLP refuses a batch of one
# ------------------------------
#
# The MLP raises an error when the last batch of an epoch holds one sample.
# ``DataLoader(..., drop_last=True)`` leaves that batch out. In evaluation
# mode the norm uses its running statistics, and one sample is enough. The
# CNN accepts one sample here, because a norm after a convolution also
# averages over the pixels.
with suppress(ValueError):
    mlp(x[:1])  # ValueError: Expected more than 1 value per channel
cnn(x[:1]).shape  # torch.Size([1, 10])
mlp.eval()(x[:1]).shape  # torch.Size([1, 10])

# %%
# ``eval()`` stops dropout, and the norm no longer uses the batch
# ---------------------------------------------------------------
#
# In training mode, the outputs differ from call to call. Only in evaluation
# mode does the output for an image not depend on the other images in its
# batch.
mlp.train()
torch.equal(mlp(x), mlp(x))  # False
mlp.eval()
torch.equal(mlp(x), mlp(x))  # True
torch.allclose(mlp(x)[:2], mlp(x[:2]), atol=1e-5)  # True

# %%
# Split the digits into three parts
# ---------------------------------
#
# The split is the same as in :doc:`/gallery/training/training_loop`.
device = torch.get_default_device()
digits = load_digits()
images = torch.tensor(digits.images, dtype=torch.float32, device=device)
labels = torch.tensor(digits.target, device=device)
dataset = TensorDataset(images.unsqueeze(1) / 16, labels)
generator = torch.Generator(device=device).manual_seed(0)
train_set, val_set, test_set = random_split(
    dataset, [0.7, 0.15, 0.15], generator=generator
)


@torch.inference_mode()
def accuracy(model, part, shift=0):
    model.eval()
    inputs, targets = part.dataset[part.indices]
    logits = model(inputs.roll(shift, dims=3))
    return (logits.argmax(dim=1) == targets).double().mean().item()


# %%
# One function trains both
# ------------------------
#
# ``accuracy`` switches the model to evaluation mode, so every epoch begins
# with ``model.train()``.
def fit(model, epochs=12):
    loader = DataLoader(
        train_set, 64, shuffle=True, drop_last=True, generator=generator
    )
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    history = []
    for _ in range(epochs):
        model.train()
        for inputs, targets in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(inputs), targets)
            loss.backward()
            optimizer.step()
        history.append(accuracy(model, val_set))
    return history


models = {
    "MLP": MLP(inputs=64, hidden=[128, 128], classes=10),
    "CNN": CNN(inputs=1, widths=[32, 64], classes=10),
}
curves = {name: fit(model) for name, model in models.items()}

# %%
# What was reached
# ----------------
#
# Left: the validation accuracy after each epoch. Right: the test accuracy
# when each image is shifted sideways; pixels that leave on one side enter
# on the other. The MLP has no information about which pixels are
# neighbours. The CNN applies the same weights everywhere and averages each
# feature map.
shifts = range(-2, 3)
test = {
    name: [accuracy(model, test_set, shift) for shift in shifts]
    for name, model in models.items()
}
for name, model in models.items():
    print(name, count(model), [f"{value:.3f}" for value in test[name]])
assert test["MLP"][2] > 0.93, test
assert test["CNN"][2] > 0.93, test
assert min(test["CNN"][0], test["CNN"][4]) > 0.7, test
assert max(test["MLP"][0], test["MLP"][4]) < 0.4, test

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6))
for name, style in zip(models, ["C0--s", "C1-o"], strict=True):
    epochs = range(1, len(curves[name]) + 1)
    left.plot(epochs, curves[name], style, markersize=4, label=name)
    right.plot(shifts, test[name], style, label=name)
left.set(xlabel="epoch", ylabel="val accuracy")
right.set(xlabel="shift", ylabel="test accuracy", xticks=list(shifts))
right.set_ylim(0, 1.02)
left.legend()
figure.tight_layout()
