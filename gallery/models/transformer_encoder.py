"""
Transformer encoder from scratch: positional encoding, pre-norm, masks
======================================================================

One class computes the same as ``nn.TransformerEncoderLayer``, also with a
padding mask. It can normalize before each part (pre-norm) or after it
(post-norm). Two such layers classify handwritten digits, each cut into 16
patches, and reach more than 85 % accuracy on the test set. Without
positional encoding, the same model cannot tell one order of the patches
from another and stays below 75 %.
"""
from contextlib import suppress

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split
from tqdm import tqdm


# %%
# Positional encoding: sines and cosines
# --------------------------------------
#
# Each position gets a vector, which is added to the input at that position.
# Each pair of columns holds the sine and the cosine of an angle. The angle
# grows with the position, fast in the first pair and slowly in the last.
def positional_encoding(length, width, base=10000.0):
    places = torch.arange(length).unsqueeze(1)
    rates = base ** (-torch.arange(0, width, 2) / width)
    angles = places * rates
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1)


encoding = positional_encoding(length=16, width=32)
encoding.shape  # torch.Size([16, 32])
encoding[0, :4]  # tensor([0.0, 1.0, 0.0, 1.0])
encoding[1, :4]  # tensor([0.8415, 0.5403, 0.5332, 0.8460])

# %%
# Draw the encoding and its dot products
# --------------------------------------
#
# Left: the encoding of 16 positions. Right: the dot products of the
# encodings. The dot product of two positions depends on their distance
# only, and it is largest for a position with itself.
products = encoding @ encoding.T
near = products.diagonal(1)
torch.allclose(near, near[0].expand(15), atol=1e-4)  # True
(products.argmax(dim=1) == torch.arange(16)).all()  # tensor(True)

figure, (left, right) = plt.subplots(
    1, 2, figsize=(9, 3), width_ratios=[2, 1]
)
left.imshow(encoding.cpu().numpy(), vmin=-1, vmax=1)
left.set(xlabel="width", ylabel="length", yticks=range(0, 16, 5))
right.imshow(products.cpu().numpy())
right.set(yticks=range(0, 16, 5))
figure.tight_layout()

# %%
# Error: an odd width
# -------------------
#
# The usual code writes the sines into the even columns and the cosines into
# the odd columns. If the width is odd, there is one odd column less, and
# the assignment raises an error. Keep the width even.
angles = torch.zeros(16, 3)
odd = torch.zeros(16, 5)
odd[:, 0::2] = angles.sin()
with suppress(RuntimeError):
    odd[:, 1::2] = angles.cos()  # RuntimeError: The expanded size


# %%
# Self-attention
# --------------
#
# One linear layer computes queries, keys and values. ``padded`` is ``True``
# at positions after the end of a sequence. See :doc:`multi_head_attention`
# for heads and masks.
class SelfAttention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.in_proj = nn.Linear(width, 3 * width)
        self.out_proj = nn.Linear(width, width)

    def forward(self, x, padded=None):
        q, k, v = (
            part.unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for part in self.in_proj(x).chunk(3, dim=-1)
        )
        visible = None if padded is None else ~padded[:, None, None]
        x = F.scaled_dot_product_attention(q, k, v, attn_mask=visible)
        return self.out_proj(x.transpose(1, 2).flatten(2))


# %%
# The layer: attention and two linear layers, each added to its input
# -------------------------------------------------------------------
#
# Post-norm, as in the paper of 2017, normalizes after the sum. Pre-norm
# normalizes the input of each part and leaves the sum as it is. A stack of
# pre-norm layers needs one more norm at its end.
class EncoderLayer(nn.Module):
    def __init__(self, width, heads, hidden, norm_first, dropout=0.1):
        super().__init__()
        self.norm_first = norm_first
        self.self_attn = SelfAttention(width, heads)
        self.linear1 = nn.Linear(width, hidden)
        self.linear2 = nn.Linear(hidden, width)
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.dropout = nn.Dropout(dropout)

    def attend(self, x, padded):
        return self.dropout(self.self_attn(x, padded))

    def feed(self, x):
        x = self.dropout(self.linear1(x).relu())
        return self.dropout(self.linear2(x))

    def forward(self, x, padded=None):
        if self.norm_first:
            x = x + self.attend(self.norm1(x), padded)
            return x + self.feed(self.norm2(x))
        x = self.norm1(x + self.attend(x, padded))
        return self.norm2(x + self.feed(x))


# %%
# Equal to ``nn.TransformerEncoderLayer`` with its weights copied in
# ------------------------------------------------------------------
#
# The parameter names are the same, except for the dot in
# ``in_proj.weight``. After ``eval()`` there is no dropout. The second
# sequence ends after four positions. The output at later positions has no
# meaning and is left out of the comparison.
torch.manual_seed(0)
x = torch.randn(2, 6, 32, dtype=torch.float64)
padded = torch.arange(6) >= torch.tensor([[6], [4]])
equal = {}
for norm_first in (False, True):
    reference = nn.TransformerEncoderLayer(
        32, 4, 64, batch_first=True, norm_first=norm_first
    )
    reference.double().eval()
    layer = EncoderLayer(32, 4, 64, norm_first).double().eval()
    layer.load_state_dict({
        name.replace("in_proj_", "in_proj."): value
        for name, value in reference.state_dict().items()
    })
    wanted = reference(x, src_key_padding_mask=padded)[~padded]
    equal[norm_first] = torch.allclose(layer(x, padded)[~padded], wanted)
equal  # {False: True, True: True}

# %%
# The contents of padded positions make no difference
# ---------------------------------------------------
#
# With the mask, the outputs at real positions do not depend on the padding.
# Without the mask they do. If you take the mean over the positions, leave
# the padded ones out again, because the layer computes an output for them,
# too.
other = x.masked_fill(padded[:, :, None], 9.0)
a, b = layer(x, padded), layer(other, padded)
torch.allclose(a[~padded], b[~padded])  # True
torch.allclose(layer(x)[~padded], layer(other)[~padded])  # False

torch.allclose(a.mean(dim=1), b.mean(dim=1))  # False
seen = ~padded[:, :, None]
mean_a = (a * seen).sum(dim=1) / seen.sum(dim=1)
mean_b = (b * seen).sum(dim=1) / seen.sum(dim=1)
torch.allclose(mean_a, mean_b)  # True


# %%
# A stack of layers for images of 16 patches
# ------------------------------------------
#
# A linear layer turns each patch of 2 by 2 pixels into a vector. The
# encoding is a buffer, so it moves to the device with the model and is not
# trained. The mean over the patches goes to the last layer. The training is
# short, so the layers use no dropout.
class Encoder(nn.Module):
    def __init__(self, positions, width=32, heads=4, depth=2):
        super().__init__()
        self.embed = nn.Linear(4, width)
        encoding = positional_encoding(16, width)
        self.register_buffer("encoding", encoding if positions else None)
        self.layers = nn.Sequential(*(
            EncoderLayer(width, heads, 2 * width, True, dropout=0.0)
            for _ in range(depth)
        ))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, 10)

    def forward(self, patches):
        x = self.embed(patches)
        if self.encoding is not None:
            x = x + self.encoding
        return self.head(self.norm(self.layers(x)).mean(dim=1))


# %%
# Without positions: a bag of patches
# -----------------------------------
#
# Attention and the mean treat all positions alike. Without positional
# encoding, the same patches in another order give the same logits.
order = torch.randperm(16)
patches = torch.rand(5, 16, 4)
torch.manual_seed(0)
bag = Encoder(positions=False).eval()
torch.allclose(bag(patches), bag(patches[:, order]), atol=1e-4)  # True
torch.manual_seed(0)
model = Encoder(positions=True).eval()
torch.allclose(model(patches), model(patches[:, order]), atol=1e-4)  # False

# %%
# Digits as patches
# -----------------
#
# An image of 8 by 8 pixels gives 4 by 4 patches. After the first
# ``reshape``, the third and the fifth dimension lie within a patch.
# ``transpose`` brings them together at the end.
device = torch.get_default_device()
digits = load_digits()
images = torch.tensor(digits.images, dtype=torch.float32, device=device)
labels = torch.tensor(digits.target, device=device)
patches = (images / 16).reshape(-1, 4, 2, 4, 2).transpose(2, 3)
dataset = TensorDataset(patches.reshape(-1, 16, 4), labels)
torch.equal(dataset[0][0][1].view(2, 2), images[0, :2, 2:4] / 16)  # True
generator = torch.Generator(device=device).manual_seed(0)
train_set, val_set, test_set = random_split(
    dataset, [0.7, 0.15, 0.15], generator=generator
)


@torch.inference_mode()
def accuracy(model, part, order=slice(None)):
    model.eval()
    inputs, targets = part.dataset[part.indices]
    logits = model(inputs[:, order])
    return (logits.argmax(dim=1) == targets).double().mean().item()


# %%
# Training, with positions and without
# ------------------------------------
#
# The learning rate starts small, rises and falls again, and changes at
# every step. The loop is the one of :doc:`/gallery/training/training_loop`.
def fit(model, epochs=16):
    loader = DataLoader(train_set, 128, shuffle=True, generator=generator)
    optimizer = torch.optim.AdamW(model.parameters())
    scheduler = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=0.01, total_steps=epochs * len(loader)
    )
    history = []
    for _ in tqdm(range(epochs), disable=None):
        model.train()
        for inputs, targets in loader:
            optimizer.zero_grad()
            loss = F.cross_entropy(model(inputs), targets)
            loss.backward()
            optimizer.step()
            scheduler.step()
        history.append(accuracy(model, val_set))
    return history


models = {"positions": model, "no positions": bag}
curves = {name: fit(model) for name, model in models.items()}

# %%
# Test with the patches in order and in another order
# ---------------------------------------------------
#
# ``order`` is the same for all images. The model without positions reaches
# the same accuracy on both.
test = {
    name: [accuracy(model, test_set), accuracy(model, test_set, order)]
    for name, model in models.items()
}
for name, (right, shuffled) in test.items():
    print(f"{name:12} {right:.3f} {shuffled:.3f}")

# %%
# What was reached
# ----------------
#
# Left: the validation accuracy after each epoch. Middle: one image, in
# order and with its patches in the other order. Right: the test accuracy of
# each model for both orders. Of the two models, only the one with positions
# is worse in the other order.
assert test["positions"][0] > 0.85, test
assert test["positions"][1] < 0.5, test
assert test["no positions"][0] < 0.75, test
assert abs(test["no positions"][0] - test["no positions"][1]) < 0.01, test

figure, axes = plt.subplot_mosaic(
    [["val", "digit", "test"], ["val", "order", "test"]],
    figsize=(9, 3.6),
    width_ratios=[3, 1, 3],
)
for i, name in enumerate(models):
    epochs = range(1, len(curves[name]) + 1)
    axes["val"].plot(epochs, curves[name], ["-", "--"][i], label=name)
    axes["test"].bar([i - 0.2, i + 0.2], test[name], 0.36, color=f"C{i}")
axes["val"].set(xlabel="epoch", ylabel="val accuracy", ylim=(0, 1))
axes["val"].legend(loc="lower right")
axes["test"].set(ylabel="test accuracy", ylim=(0, 1))
picture = test_set[0][0]
for name, x in {"digit": picture, "order": picture[order]}.items():
    x = x.view(4, 4, 2, 2).transpose(1, 2).reshape(8, 8)
    axes[name].imshow(x.cpu().numpy())
    axes[name].set(xticks=[], yticks=[])
axes["test"].set_xticks(
    [-0.2, 0.2, 0.8, 1.2], ["digit", "order", "digit", "order"]
)
axes["digit"].set_title("digit")
axes["order"].set_title("order")
figure.tight_layout()
