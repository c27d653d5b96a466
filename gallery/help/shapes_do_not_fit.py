"""
mat1 and mat2 shapes cannot be multiplied: shapes that do not fit
=================================================================

Print the shape of the input of each layer. The last one before the error
belongs to the layer that fails. A linear layer expects (N, features) and a
convolution expects (N, C, H, W). The message gives the sizes that the layer
got and the sizes that it expected. Some wrong shapes raise no error,
because they broadcast. This page makes, finds and repairs each mistake. The
repaired network reaches more than 90 % accuracy on the test set.

* Is the message "mat1 and mat2 shapes cannot be multiplied"?

  * Is the first number of mat1 larger than the batch? See *mat1 has too
    many rows: flatten is missing*.
  * Is the first number the batch size, and does the second number differ
    from the first number of mat2? See *mat1 has the wrong number of
    columns: in_features for another image size*.

* Does a convolution raise an error about its input?

  * Is it "to have 1 channels, but got 8 channels"? See *Channels last:
    permute*.
  * Is it "to have 3 channels, but got 1 channels"? See *Grey, colour and
    transparent images: 1, 3 or 4 channels*.
  * Is it "Expected 3D (unbatched) or 4D (batched) input"? See *A dimension
    is missing: the batch or the channel*.

* Is it "The size of tensor a must match the size of tensor b"?

  * Is it raised in a block with a shortcut (residual connection)? See *A
    shortcut of another size*.
  * Do you subtract a mean of 3 numbers? See *Grey, colour and transparent
    images: 1, 3 or 4 channels*.

* Does the error come with the last batch of an epoch? See *The last batch
  is shorter*.
* Does the loss raise an error about its target? See *Targets: classes,
  masks and sequences*.
* Is there no error, but the loss is wrong? See *No error: the shapes
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
# Handwritten digits, and a network with the right shapes
# -------------------------------------------------------
#
# The images of handwritten digits have 8 by 8 pixels. A convolution needs a
# channel dimension, so a batch has the shape (N, 1, 8, 8). Pooling halves
# height and width, and the linear layer gets 16 channels of 4 by 4 numbers.
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
# A hook before each layer records the name of the layer and the shape of
# its input. If the network fails, the last entry belongs to the layer that
# failed. Without hooks, print ``x.shape`` between the lines of ``forward``.
# More about this is in :doc:`/gallery/training/debugging`.
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
# ``nn.Linear`` works on the last dimension. In a batch of shape (5, 16, 4,
# 4) this is the width, and the other dimensions become the 320 rows of
# mat1. mat2 is the weight, with 256 features and 10 outputs. Use
# ``flatten(1)`` or ``nn.Flatten()``, which keep the batch dimension and
# join the others.
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
# mat1 has the wrong number of columns: in_features for another image size
# ------------------------------------------------------------------------
#
# Here ``in_features`` was computed for larger images. The second number of
# mat1 is the number of features that the layer gets, so use it as
# ``in_features``. ``nn.LazyLinear`` reads this number from the first batch.
# With ``nn.AdaptiveAvgPool2d``, images of another size fit the layer as
# well.
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
# NumPy, OpenCV and matplotlib usually store a colour image as (H, W, C),
# but a convolution expects (C, H, W). ``permute`` reorders the dimensions.
# ``reshape`` to the same shape mixes up the pixels without an error.
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
# A network for colour images expects 3 channels. A grey image has 1
# channel, which ``expand`` repeats. A PNG file with transparency has 4
# channels; drop the last one before you subtract the mean of each colour.
# It is better to convert each file when you open it, with
# ``Image.open(path).convert("RGB")``.
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
# Grey images of shape (N, H, W) have no channel dimension; add it with
# ``unsqueeze(1)``. A single image of shape (C, H, W) has no batch
# dimension. A convolution accepts it, but ``flatten(1)`` then treats the
# channels as samples, and batch normalization expects four dimensions. Turn
# the image into a batch of one with ``unsqueeze(0)``.
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
# ``x + conv(x)``, a residual connection, needs equal shapes. A kernel of
# size 3 without padding removes two rows and two columns, so 8 becomes 6.
# Use ``padding=1``, or ``padding="same"`` if the stride is 1. If a block
# changes the image size or the channels, the shortcut needs a convolution
# of its own, as in :doc:`/gallery/models/resnet`.
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
# With 1,797 images in batches of 64, the last batch has 5. A fixed batch
# size in ``view`` then raises an error, so use ``flatten`` instead.
# ``squeeze()`` without a dimension also removes the batch dimension if the
# batch has one sample, so pass the dimension. In the training loader,
# ``drop_last=True`` avoids both problems.
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
# In ``F.cross_entropy``, the classes are dimension 1 of the logits. A
# target of class numbers has the shape of the logits without this
# dimension: (N,) for one class per sample, (N, H, W) for a segmentation
# mask, (N, L) for a sequence. More errors of this kind are on the page
# about cross-entropy errors in the reference.
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
# Predictions of shape (N, 1) minus targets of shape (N,) give N by N
# differences, but you need only the N on the diagonal. Even a perfect
# prediction then has a loss above 0. ``F.mse_loss`` warns, but a formula of
# your own does not, so assert in your loss that both shapes are equal.
# :doc:`loss_does_not_fall` shows what such a training looks like.
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
# The result: test accuracy of the network with the right shapes
# --------------------------------------------------------------
#
# Every fourth image belongs to the test set. The last batch of each epoch
# is shorter, and the loop works with it because no batch size is fixed in
# the network. The figure shows the N by N differences of the card before;
# the dots mark the diagonal.
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
