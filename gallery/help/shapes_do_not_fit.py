"""
mat1 and mat2 shapes cannot be multiplied: shapes that do not fit
=================================================================

Print the shape that goes into each layer: the last one before the error
belongs to the layer that fails. A linear layer takes (N, features), a
convolution (N, C, H, W), and the message names the sizes that came and
those that were wanted. Some wrong shapes raise no error, because they
broadcast. Each fault below is made, found and removed; the repaired
network reaches more than 90 % accuracy on the test set.

* Is the message "mat1 and mat2 shapes cannot be multiplied"?

  * Is the first number of mat1 larger than the batch? See *mat1 has too
    many rows: flatten is missing*.
  * Is it the batch, and the second number is another than in mat2? See
    *mat1 has other columns: in_features for another image size*.

* Does a convolution refuse its input?

  * Is it "to have 1 channels, but got 8 channels"? See *Channels last:
    permute*.
  * Is it "to have 3 channels, but got 1 channels"? See *Grey, colour and
    transparent images: 1, 3 or 4 channels*.
  * Is it "Expected 3D (unbatched) or 4D (batched) input"? See *A dimension
    is missing: the batch or the channel*.

* Is it "The size of tensor a must match the size of tensor b"?

  * Is it raised in a block with a shortcut? See *A shortcut of another
    size*.
  * Is a mean of 3 numbers subtracted? See *Grey, colour and transparent
    images: 1, 3 or 4 channels*.

* Does the last batch alone fail? See *The last batch is shorter*.
* Does the loss refuse its target? See *Targets: classes, masks and
  sequences*.
* Is there no error, and the loss is wrong? See *No error: the shapes
  broadcast*.
* Is it about an index, a dimension or a scalar? See
  :doc:`/reference/tensors/shape_errors`.
"""
from contextlib import contextmanager, suppress

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

# %%
# Digits, and a network that fits
# -------------------------------
#
# Handwritten digits of 8 by 8 pixels. A convolution wants a dimension for
# the channel, so a batch has the shape (N, 1, 8, 8). Pooling halves the
# picture, and the linear layer gets 16 channels of 4 by 4 numbers.
torch.manual_seed(0)
device = torch.get_default_device()
digits = load_digits()
images = torch.tensor(digits.images, dtype=torch.float32, device=device)
images = images.unsqueeze(1) / 16
labels = torch.tensor(digits.target, device=device)


class Net(nn.Module):
    def __init__(self, features=16 * 4 * 4):
        super().__init__()
        self.conv = nn.Conv2d(1, 16, kernel_size=3, padding=1)
        self.pool = nn.MaxPool2d(2)
        self.head = nn.Linear(features, 10)

    def forward(self, x):
        x = self.pool(self.conv(x).relu())
        return self.head(x.flatten(1))


images.shape  # torch.Size([1797, 1, 8, 8])
Net()(images[:5]).shape  # torch.Size([5, 10])

# %%
# Find the layer: the shape of each input
# ---------------------------------------
#
# A hook before each layer notes its name and the shape of its input. If the
# network fails, the last line is the layer that failed and what it got.
# Without hooks, print ``x.shape`` between the lines of ``forward``. More on
# this is in :doc:`/gallery/training/debugging`.
@contextmanager
def inputs_of(model):
    seen, handles = [], []
    for name, module in model.named_modules():

        def note(module, inputs, name=name):
            seen.append((name, tuple(inputs[0].shape)))

        if name:
            handles.append(module.register_forward_pre_hook(note))
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()


net = Net()
with inputs_of(net) as seen:
    net(images[:5])
print(*seen, sep="\n")
seen[-1]  # ('head', (5, 256))

# %%
# mat1 has too many rows: flatten is missing
# ------------------------------------------
#
# ``nn.Linear`` works on the last dimension. Of a picture (5, 16, 4, 4) that
# is the width, and all others become the 320 rows of mat1. mat2 is the
# weight: 256 features, 10 outputs. Keep the batch and join the rest with
# ``flatten(1)`` or ``nn.Flatten()``.
class NoFlatten(Net):
    def forward(self, x):
        return self.head(self.pool(self.conv(x).relu()))


net = NoFlatten()
with inputs_of(net) as seen, suppress(RuntimeError):
    net(
        images[:5]
    )  # RuntimeError: mat1 and mat2 shapes cannot be multiplied (320x4
seen[-1]  # ('head', (5, 16, 4, 4))
5 * 16 * 4  # 320
Net()(images[:5]).shape  # torch.Size([5, 10])

# %%
# mat1 has other columns: in_features for another image size
# ----------------------------------------------------------
#
# ``in_features`` was computed for larger pictures. The second number of
# mat1 is what the layer gets: put it there. ``nn.LazyLinear`` reads it from
# the first batch. ``nn.AdaptiveAvgPool2d`` makes larger pictures fit the
# layer, too.
net = Net(features=16 * 14 * 14)
with suppress(RuntimeError):
    net(
        images[:5]
    )  # RuntimeError: mat1 and mat2 shapes cannot be multiplied (5x256 and
net.head = nn.Linear(256, 10)
net(images[:5]).shape  # torch.Size([5, 10])
net.head = nn.LazyLinear(10)
net(images[:5]).shape  # torch.Size([5, 10])
net.head.in_features  # 256
net.pool = nn.AdaptiveAvgPool2d(4)
larger = F.interpolate(images[:5], size=(28, 28))
net(larger).shape  # torch.Size([5, 10])

# %%
# Channels last: permute
# ----------------------
#
# NumPy, OpenCV and matplotlib keep a colour picture as (H, W, C), and a
# convolution wants (C, H, W). ``permute`` reorders the dimensions;
# ``reshape`` to the same shape mixes the pixels and raises nothing.
channels_last = images[:5].permute(0, 2, 3, 1)
channels_last.shape  # torch.Size([5, 8, 8, 1])
with suppress(RuntimeError):
    Net()(channels_last)  # RuntimeError: to have 1 channels, but got 8
fixed = channels_last.permute(0, 3, 1, 2)
torch.equal(fixed, images[:5])  # True
colour = torch.rand(2, 8, 8, 3)
mixed_up = colour.reshape(2, 3, 8, 8)
torch.equal(mixed_up, colour.permute(0, 3, 1, 2))  # False

# %%
# Grey, colour and transparent images: 1, 3 or 4 channels
# -------------------------------------------------------
#
# A network for colour wants 3 channels. A grey picture has 1: repeat it
# with ``expand``. A PNG file with transparency may have 4: drop the last.
# It is better to convert each file when it is opened, with
# ``Image.open(path).convert("RGB")``. The same 4 and 3 clash when a mean
# for each channel is subtracted.
for_colour = nn.Conv2d(3, 16, kernel_size=3, padding=1)
with suppress(RuntimeError):
    for_colour(images[:5])  # RuntimeError: to have 3 channels, but got 1
three = images[:5].expand(-1, 3, -1, -1)
for_colour(three).shape  # torch.Size([5, 16, 8, 8])
with_alpha = torch.rand(5, 4, 8, 8)
with suppress(RuntimeError):
    for_colour(with_alpha)  # RuntimeError: to have 3 channels, but got 4
mean = torch.tensor([0.5, 0.5, 0.5]).view(3, 1, 1)
with suppress(RuntimeError):
    with_alpha - mean  # RuntimeError: The size of tensor a (4) must match
for_colour(with_alpha[:, :3] - mean).shape  # torch.Size([5, 16, 8, 8])

# %%
# A dimension is missing: the batch or the channel
# ------------------------------------------------
#
# Grey pictures (N, H, W) have no channel: ``unsqueeze(1)``. One picture (C,
# H, W) has no batch. A convolution accepts that, but the layers after it do
# not: ``flatten(1)`` then keeps the channels as if they were samples, and
# batch normalization asks for 4-D. Make a batch of one with
# ``unsqueeze(0)``.
grey = images[:5].squeeze(1)
grey.shape  # torch.Size([5, 8, 8])
with suppress(RuntimeError):
    Net()(grey)  # RuntimeError: to have 1 channels, but got 5
with suppress(RuntimeError):
    Net()(grey[0])  # RuntimeError: Expected 3D (unbatched) or 4D (batched)
Net()(grey.unsqueeze(1)).shape  # torch.Size([5, 10])
one = images[0]
with suppress(RuntimeError):
    Net()(
        one
    )  # RuntimeError: mat1 and mat2 shapes cannot be multiplied (16x16
with suppress(ValueError):
    nn.BatchNorm2d(1)(one)  # ValueError: expected 4D input (got 3D input)
Net()(one.unsqueeze(0)).shape  # torch.Size([1, 10])

# %%
# A shortcut of another size
# --------------------------
#
# ``x + conv(x)`` needs equal shapes. A kernel of 3 without padding takes
# away two rows and two columns, 8 becomes 6. Pad by half of the kernel, or
# ``padding="same"`` at stride 1. Where a block halves the picture or
# changes the channels, the shortcut needs a convolution of its own, as in
# :doc:`/gallery/models/resnet`.
hidden = torch.rand(5, 16, 8, 8)
shrinks = nn.Conv2d(16, 16, kernel_size=3)
with suppress(RuntimeError):
    hidden + shrinks(hidden)  # RuntimeError: The size of tensor a (8) must
keeps = nn.Conv2d(16, 16, kernel_size=3, padding=1)
(hidden + keeps(hidden)).shape  # torch.Size([5, 16, 8, 8])

# %%
# The last batch is shorter
# -------------------------
#
# 1,797 pictures in batches of 64 leave 5 for the last one. A batch size
# that is written into ``view`` fails there: let ``flatten`` count.
# ``squeeze()`` without a number drops the batch where it has one sample:
# name the dimension. ``drop_last=True`` in the loader of the training set
# avoids both.
last = images.split(64)[-1]
len(last)  # 5
with suppress(RuntimeError):
    last.view(64, 64)  # RuntimeError: shape '[64, 64]' is invalid for input
last.view(64, -1).shape  # torch.Size([64, 5])
last.flatten(1).shape  # torch.Size([5, 64])
Net()(last[:1]).squeeze().shape  # torch.Size([10])

# %%
# Targets: classes, masks and sequences
# -------------------------------------
#
# ``F.cross_entropy`` takes one class number where the logits have a vector:
# (N,) for (N, C), (N, H, W) for a mask, (N, L) for a sequence. The classes
# are dimension 1 of the logits. More errors of this kind are on the page
# about the errors of cross entropy in the reference.
logits, target = torch.zeros(5, 10), labels[:5]
with suppress(RuntimeError):
    F.cross_entropy(
        logits, target.unsqueeze(1)
    )  # RuntimeError: 0D or 1D target tensor expected
with suppress(ValueError):
    F.cross_entropy(
        logits, labels[:4]
    )  # ValueError: Expected input batch_size (5) to match target
F.cross_entropy(logits, target)  # tensor(2.3026)
pixels, mask = torch.zeros(5, 3, 8, 8), (images[:5] > 0.5).long()
with suppress(RuntimeError):
    F.cross_entropy(pixels, mask)  # RuntimeError: only batches of spatial
F.cross_entropy(pixels, mask.squeeze(1))  # tensor(1.0986)
words, following = torch.zeros(2, 7, 30), torch.ones(2, 7).long()
with suppress(RuntimeError):
    F.cross_entropy(words, following)  # RuntimeError: Expected target size
F.cross_entropy(words.transpose(1, 2), following)  # tensor(3.4012)

# %%
# No error: the shapes broadcast
# ------------------------------
#
# Predictions (N, 1) minus targets (N,) are N by N differences, and the
# figure shows them: the diagonal alone is meant. A perfect prediction then
# has a loss above 0, and training ends at the mean of the targets.
# ``F.mse_loss`` warns; a formula does not. Assert in your loss that both
# shapes are equal. What such a training looks like is shown in
# :doc:`loss_does_not_fall`.
def squared_error(prediction, target):
    assert prediction.shape == target.shape, "shapes differ"
    return (prediction - target).square().mean()


ink = images[:12].mean(dim=(1, 2, 3))
perfect = ink.unsqueeze(1)
differences = perfect - ink
differences.shape  # torch.Size([12, 12])
(differences.square().mean() > 0).item()  # True
warned = F.mse_loss(perfect, ink)  # UserWarning: Using a target size
with suppress(AssertionError):
    squared_error(perfect, ink)  # AssertionError: shapes differ
squared_error(perfect.squeeze(1), ink)  # tensor(0.)

# %%
# What was reached: the network that fits, on the test set
# --------------------------------------------------------
#
# Every fourth digit is kept for the test. The last batch of each epoch is
# a short one, and no shape is written into the code.
kept = torch.arange(len(labels)) % 4 == 0
train_images, train_labels = images[~kept], labels[~kept]
net = Net()
optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
for _ in range(4):
    for rows in torch.randperm(len(train_labels)).split(64):
        optimizer.zero_grad()
        loss = F.cross_entropy(net(train_images[rows]), train_labels[rows])
        loss.backward()
        optimizer.step()
with torch.inference_mode():
    right = net(images[kept]).argmax(dim=1) == labels[kept]
accuracy = right.float().mean().item()
print(f"{accuracy=:.3f}")
assert 0.9 < accuracy <= 1.0, accuracy

figure, ax = plt.subplots(figsize=(5, 4.2))
pairs = differences.cpu().numpy()
image = ax.imshow(pairs, cmap="RdBu", vmin=-0.3, vmax=0.3)
ax.plot(range(12), range(12), "k.", label="what is meant")
ax.set(xlabel="target", ylabel="prediction")
ax.legend(loc="upper left")
figure.colorbar(image, label="prediction - target")
figure.tight_layout()
