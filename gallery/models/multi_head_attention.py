"""
Multi-head attention from scratch, and what its masks mean
==========================================================

A class of four linear layers computes the same as
``nn.MultiheadAttention``, also with a causal mask and with a padding mask.
The page compares it with ``F.scaled_dot_product_attention``, too. A model
with this class is then trained to find a digit among ten images. It reaches
more than 85 % accuracy on images that it was not trained on, and the
attention weights show where it looks.
"""
import math
from contextlib import suppress

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn
from tqdm import tqdm


# %%
# Queries, keys, values, and heads
# --------------------------------
#
# Attention compares each query with the keys and returns a mean of the
# values. The scores of a query are its dot products with the keys, divided
# by the square root of the width of a head. A softmax over the keys turns
# the scores into weights, and the output of a head is the weighted mean of
# the values. Each head works on one part of the width and has its own
# attention weights. ``hidden`` is ``True`` where a query must not attend to
# a key.
class MultiHeadAttention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.q, self.k = nn.Linear(width, width), nn.Linear(width, width)
        self.v, self.out = nn.Linear(width, width), nn.Linear(width, width)

    def split(self, x):
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)

    def forward(self, query, key, value, hidden=None):
        q, k = self.split(self.q(query)), self.split(self.k(key))
        v = self.split(self.v(value))
        scores = q @ k.transpose(2, 3) / math.sqrt(q.size(-1))
        if hidden is not None:
            scores = scores.masked_fill(hidden, -torch.inf)
        weights = scores.softmax(dim=-1)
        output = (weights @ v).transpose(1, 2).flatten(2)
        return self.out(output), weights


# %%
# The shapes
# ----------
#
# The input is two sequences of six positions with width 32, and there are
# four heads of width 8. To join the heads, call ``transpose`` before
# ``flatten``. ``reshape`` alone gives the same shape but mixes heads with
# positions.
torch.manual_seed(0)
attention = MultiHeadAttention(width=32, heads=4).double()
x = torch.randn(2, 6, 32, dtype=torch.float64)
output, weights = attention(x, x, x)
attention.split(x).shape  # torch.Size([2, 4, 6, 8])
weights.shape  # torch.Size([2, 4, 6, 6])
output.shape  # torch.Size([2, 6, 32])
torch.allclose(weights.sum(dim=-1), torch.ones(6).double())  # True

heads = weights @ attention.split(attention.v(x))
heads.shape  # torch.Size([2, 4, 6, 8])
right = attention.out(heads.transpose(1, 2).flatten(2))
wrong = attention.out(heads.reshape(2, 6, 32))
torch.allclose(right, output)  # True
torch.allclose(wrong, output)  # False

# %%
# Equal to ``nn.MultiheadAttention`` with its weights copied in
# -------------------------------------------------------------
#
# PyTorch keeps the weights for queries, keys and values in one matrix,
# ``in_proj_weight``, one above the other. By default it returns the
# attention weights averaged over the heads. ``average_attn_weights=False``
# returns those of each head. The biases of ``nn.MultiheadAttention`` start
# at zero, and random biases make the comparison stricter.
reference = nn.MultiheadAttention(32, 4, batch_first=True).double()
nn.init.normal_(reference.in_proj_bias)
reference.in_proj_weight.shape  # torch.Size([96, 32])
parts = attention.q, attention.k, attention.v
matrices = reference.in_proj_weight.detach().chunk(3)
biases = reference.in_proj_bias.detach().chunk(3)
for part, weight, bias in zip(parts, matrices, biases, strict=True):
    part.load_state_dict({"weight": weight, "bias": bias})
attention.out.load_state_dict(reference.out_proj.state_dict())

output, weights = attention(x, x, x)
wanted, maps = reference(x, x, x, average_attn_weights=False)
torch.allclose(output, wanted, atol=1e-5)  # True
torch.allclose(weights, maps, atol=1e-5)  # True

# %%
# Causal mask: ``True`` has opposite meanings in the two functions
# ----------------------------------------------------------------
#
# Each position attends to itself and to the positions before it. In
# ``nn.MultiheadAttention``, as in the class above, ``True`` hides a key. In
# ``F.scaled_dot_product_attention``, ``True`` lets the key take part, and
# the mask without ``~`` gives a wrong result without an error. See also
# :doc:`/reference/nn/attention_masks`.
hidden = torch.ones(6, 6, dtype=torch.bool).triu(1)
output, weights = attention(x, x, x, hidden)
wanted, _ = reference(x, x, x, attn_mask=hidden)
torch.allclose(output, wanted, atol=1e-5)  # True
weights.triu(1).any()  # tensor(False)

q, k, v = (attention.split(part(x)) for part in parts)
heads = F.scaled_dot_product_attention(q, k, v, attn_mask=~hidden)
right = attention.out(heads.transpose(1, 2).flatten(2))
torch.allclose(right, output, atol=1e-5)  # True
heads = F.scaled_dot_product_attention(q, k, v, attn_mask=hidden)
wrong = attention.out(heads.transpose(1, 2).flatten(2))
torch.allclose(wrong, output, atol=1e-5)  # False

# %%
# Padding mask: ignore keys that are padding
# ------------------------------------------
#
# The second sequence ends after four positions. The mask has one row for
# each sequence and is aligned with the keys, the last dimension of the
# scores. With the mask, the contents of the padded positions make no
# difference.
padded = torch.arange(6) >= torch.tensor([[6], [4]])
padded.shape  # torch.Size([2, 6])
output, _ = attention(x, x, x, padded[:, None, None])
wanted, _ = reference(x, x, x, key_padding_mask=padded)
torch.allclose(output, wanted, atol=1e-5)  # True

other = x.masked_fill(padded[:, :, None], 100.0)
changed, _ = attention(x, other, other, padded[:, None, None])
torch.allclose(changed, output, atol=1e-5)  # True
changed, _ = attention(x, other, other)
torch.allclose(changed, output, atol=1e-5)  # False

# %%
# Fill hidden scores with ``-torch.inf``: -1e9 fails in float16
# -------------------------------------------------------------
#
# Much code fills hidden scores with -1e9. The largest ``float16`` value is
# 65504, so this raises an error. Minus infinity works in ``float16``, as
# long as each row has a key that is not hidden. Adding ``mask * -1e9`` does
# not solve the problem: see :doc:`/gallery/help/loss_is_nan`.
scores = torch.zeros(2, 2, dtype=torch.float16)
hidden = torch.tensor([[False, True], [True, True]])
with suppress(RuntimeError):
    scores.masked_fill(hidden, -1e9)  # RuntimeError: without overflow
weights = scores.masked_fill(hidden, -torch.inf).softmax(dim=-1).float()
weights[0]  # tensor([1.0, 0.0])

# %%
# A row in which every key is hidden gives ``nan``
# ------------------------------------------------
#
# The softmax of a row of minus infinity is ``nan``. If you fill with
# ``torch.finfo(dtype).min`` instead, the row attends to the hidden keys. A
# second fill, after the softmax, gives zeros and a gradient without
# ``nan``. ``F.scaled_dot_product_attention`` gives zeros for such a row,
# too.
weights[1]  # tensor([nan, nan])
lowest = torch.finfo(scores.dtype).min
weights = scores.masked_fill(hidden, lowest).softmax(dim=-1).float()
weights[1]  # tensor([0.5, 0.5])

scores = torch.zeros(2, 2, requires_grad=True)
weights = scores.masked_fill(hidden, -torch.inf).softmax(dim=-1)
weights = weights.masked_fill(hidden, 0.0)
weights.tolist()  # [[1.0, 0.0], [0.0, 0.0]]
weights.square().sum().backward()
scores.grad.isnan().any()  # tensor(False)
q = torch.randn(1, 2, 8)
read = F.scaled_dot_product_attention(q, q, q, attn_mask=~hidden)
read[0, 1].any()  # tensor(False)

# %%
# A task that attention solves: where is this digit?
# --------------------------------------------------
#
# The keys are ten images, one of each digit, in random order. The queries
# are ten more images, also one of each digit, and each asks for the
# position of the same digit among the keys. The last 397 images are held
# out, so the test uses only images that were not trained on.
device = torch.get_default_device()
digits = load_digits()
generator = torch.Generator(device=device).manual_seed(0)
order = torch.randperm(1797, generator=generator, device=device)
images = torch.tensor(digits.images, dtype=torch.float32, device=device)
images = images[order].flatten(1) / 16
labels = torch.tensor(digits.target, device=device)[order]

# %%
# Draw sets of queries and keys
# -----------------------------
#
# ``targets`` gives the position of each query's digit among the keys. It is
# the inverse of the permutation that shuffled the keys.
def draw(start, stop, count):
    options = dict(generator=generator, device=device)
    sets = []
    for digit in range(10):
        pool = images[start:stop][labels[start:stop] == digit]
        chosen = torch.randint(len(pool), (2, count), **options)
        sets.append(pool[chosen])
    queries, keys = torch.stack(sets, dim=2)
    order = torch.rand(count, 10, **options).argsort(dim=1)
    keys = keys[torch.arange(count, device=device)[:, None], order]
    return queries, keys, order.argsort(dim=1)


queries, keys, targets = draw(0, 1400, 32)
queries.shape  # torch.Size([32, 10, 64])
targets.shape  # torch.Size([32, 10])

# %%
# Images as queries and keys, positions as values
# -----------------------------------------------
#
# The values contain no information about the images, only a learned vector
# for each position. The model can therefore find the digit only through the
# attention weights.
class Finder(nn.Module):
    def __init__(self, width=64, heads=4):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, width)
        )
        self.places = nn.Parameter(torch.randn(1, 10, width))
        self.attention = MultiHeadAttention(width, heads)
        self.head = nn.Linear(width, 10)

    def forward(self, queries, keys):
        output, weights = self.attention(
            self.encoder(queries),
            self.encoder(keys),
            self.places.expand(len(keys), -1, -1),
        )
        return self.head(output), weights


# %%
# Training
# --------
#
# Each step draws 32 new sets, with 320 queries in total.
torch.manual_seed(0)
model = Finder()
optimizer = torch.optim.AdamW(model.parameters())
scheduler = torch.optim.lr_scheduler.OneCycleLR(
    optimizer, max_lr=0.01, total_steps=300
)
losses = []
for _ in tqdm(range(300), disable=None):
    queries, keys, targets = draw(0, 1400, 32)
    logits, _ = model(queries, keys)
    loss = F.cross_entropy(logits.flatten(0, 1), targets.flatten())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    scheduler.step()
    losses.append(loss.detach())

# %%
# What was reached
# ----------------
#
# ``mass`` is the mean weight that a head puts on the image of the same
# digit, and equal weights would give 0.1. A head may look for this image or
# avoid it, and both reveal its position. Left: the head with the largest
# ``mass``, with the keys at the top and the queries on the left. Right: the
# head with the smallest ``mass``.
with torch.inference_mode():
    queries, keys, targets = draw(1400, 1797, 100)
    logits, weights = model(queries, keys)
accuracy = (logits.argmax(-1) == targets).double().mean().item()
where = targets[:, None, :, None].expand(-1, 4, -1, -1)
mass = weights.gather(3, where).mean(dim=(0, 2, 3))
print(f"{losses[0]=:.2f} {losses[-1]=:.2f} {accuracy=:.3f}")
print("mass", *(f"{value:.3f}" for value in mass.tolist()))
assert 0.85 < accuracy <= 1.0, accuracy
assert mass.max() > 0.4 or mass.min() < 0.07, mass

figure, axes = plt.subplots(1, 2, figsize=(9, 4.3))
pairs = [F.pad(x[0].view(10, 8, 8), (1, 1, 1, 1)) for x in (queries, keys)]
for axis, head in zip(axes, [mass.argmax(), mass.argmin()], strict=True):
    picture = torch.zeros(110, 110, device=device)
    picture[10:, :10] = pairs[0].flatten(0, 1)
    picture[:10, 10:] = pairs[1].transpose(0, 1).flatten(1)
    cells = torch.ones(10, 10, device=device)
    picture[10:, 10:] = weights[0, head].kron(cells)
    axis.imshow(picture.cpu().numpy())
    axis.set(xticks=[], yticks=[], title=f"mass={mass[head]:.2f}")
figure.tight_layout()
