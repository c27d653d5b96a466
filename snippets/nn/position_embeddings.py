"""
Position embeddings
===================

Attention needs to know the position of each token. This page writes out
learned, rotary, relative and two-dimensional position embeddings.
"""
from contextlib import suppress

import torch
import torch.nn.functional as F
from torch import nn

# %%
# Learned positions: ``nn.Embedding`` and ``torch.arange``
# --------------------------------------------------------
#
# Add a learned vector for the position to the vector of each token. The
# table has one row for each position up to the maximum length. A longer
# text raises an error on the CPU, so crop it to its last tokens.
context = 4
words = nn.Embedding(10, 8, device="cpu")
positions = nn.Embedding(context, 8, device="cpu")
tokens = torch.tensor([[5, 5, 7]], device="cpu")
x = words(tokens) + positions(torch.arange(3, device="cpu"))
x.shape  # torch.Size([1, 3, 8])
torch.equal(x[0, 0], x[0, 1])  # False
long = torch.zeros(1, 6, dtype=torch.int64, device="cpu")
with suppress(IndexError):
    positions(
        torch.arange(6, device="cpu")
    )  # IndexError: index out of range in self
long[:, -context:].shape  # torch.Size([1, 4])

# %%
# Rotary position embedding (RoPE): rotate queries and keys
# ---------------------------------------------------------
#
# RoPE rotates pairs of features by an angle that grows with the position.
# Here each pair has one feature from each half of the vector, as in Llama.
# If both positions move by the same distance, the dot product of query and
# key stays the same. The rotation keeps the length of a vector; the value
# vectors of attention are not rotated.
def rotate(x, positions, base=10000.0):
    half = x.shape[-1] // 2
    rates = base ** (-torch.arange(half) / half)
    angles = positions.unsqueeze(-1) * rates
    a, b = x.chunk(2, dim=-1)
    sin, cos = angles.sin(), angles.cos()
    return torch.cat([a * cos - b * sin, b * cos + a * sin], dim=-1)


q, k = torch.randn(2, 8)
near = rotate(q, torch.tensor(5)) @ rotate(k, torch.tensor(3))
far = rotate(q, torch.tensor(25)) @ rotate(k, torch.tensor(23))
torch.allclose(near, far, atol=1e-4)  # True
turned = rotate(q.expand(6, 8), torch.arange(6))
torch.allclose(turned.norm(dim=1), q.norm(), atol=1e-4)  # True
torch.allclose(turned[0], q)  # True

# %%
# RoPE with a cache: new tokens begin at the length of the cache
# --------------------------------------------------------------
#
# With a cache of keys, each step processes only the new token, and
# ``torch.arange(1)`` would give it position 0. Start the positions at the
# number of keys in the cache. The keys in the cache are already rotated.
def rotate(x, start):
    half = x.shape[-1] // 2
    rates = 10000.0 ** (-torch.arange(half) / half)
    positions = torch.arange(start, start + x.shape[-2])
    angles = positions.unsqueeze(-1) * rates
    a, b = x.chunk(2, dim=-1)
    sin, cos = angles.sin(), angles.cos()
    return torch.cat([a * cos - b * sin, b * cos + a * sin], dim=-1)


k = torch.randn(5, 8)
cache = rotate(k[:4], 0)
new = rotate(k[4:], len(cache))
torch.allclose(torch.cat([cache, new]), rotate(k, 0))  # True
torch.allclose(rotate(k[4:], 0), new)  # False

# %%
# Two orders of RoPE: halves or neighbors, and weights that do not fit
# --------------------------------------------------------------------
#
# Some models pair feature i with feature i + half, and others pair the
# neighbors 2i and 2i + 1. Weights that were trained for one order give
# wrong results with the other, and no error is raised. To convert them,
# reorder the rows of the query and key weights of each head.
def turn(a, b, angle):
    sin, cos = angle.sin(), angle.cos()
    return a * cos - b * sin, b * cos + a * sin


angle = 3 * 10000.0 ** (-torch.arange(4) / 4)
x = torch.randn(8)
halves = torch.cat(turn(x[:4], x[4:], angle))
neighbors = torch.stack(turn(x[0::2], x[1::2], angle), dim=1).flatten()
torch.allclose(halves, neighbors)  # False
order = torch.arange(8).view(4, 2).T.flatten()
order  # tensor([0, 2, 4, 6, 1, 3, 5, 7])
y = x[order]
same = torch.cat(turn(y[:4], y[4:], angle))
torch.allclose(same, neighbors[order], atol=1e-6)  # True

# %%
# Relative position bias: a learned number for each distance
# ----------------------------------------------------------
#
# T5 and Swin add a learned bias to the scores of each head, which depends
# on the distance between query and key. Clip the distance, look up the
# bias, and pass the result as a float ``attn_mask``. The bias gets a
# gradient like any other parameter.
heads, length, most = 2, 5, 3
table = nn.Embedding(2 * most + 1, heads)
i = torch.arange(length)
distance = (i - i.unsqueeze(1)).clamp(-most, most)
distance[0]  # tensor([0, 1, 2, 3, 3])
bias = table(distance + most).permute(2, 0, 1)
bias.shape  # torch.Size([2, 5, 5])
q, k, v = torch.randn(3, 1, heads, length, 8)
y = F.scaled_dot_product_attention(q, k, v, attn_mask=bias.unsqueeze(0))
y.sum().backward()
table.weight.grad.shape  # torch.Size([7, 2])
scores = (q @ k.mT / 8**0.5 + bias).softmax(dim=-1)
torch.allclose(scores @ v, y, atol=1e-5)  # True

# %%
# Embed a number with sine and cosine: time steps of diffusion models
# -------------------------------------------------------------------
#
# A diffusion model removes noise in many time steps, and its network gets
# the number of the step as a vector. Multiply the number by several
# frequencies, then take the sine and the cosine of the products. The input
# holds one number for each sample of the batch.
def embed(t, size, longest=10000.0):
    half = size // 2
    rates = longest ** (-torch.arange(half) / half)
    angles = t.unsqueeze(1) * rates
    return torch.cat([angles.sin(), angles.cos()], dim=1)


t = torch.tensor([0, 500])
vectors = embed(t, 6)
vectors[0]  # tensor([0., 0., 0., 1., 1., 1.])
vectors.shape  # torch.Size([2, 6])
(vectors**2).sum(dim=1)  # tensor([3.0000, 3.0000])

# %%
# Positions of image patches: rows and columns apart
# --------------------------------------------------
#
# In a grid of patches, half of the features encode the row and half encode
# the column. ``torch.meshgrid`` with ``indexing="ij"`` gives the positions
# in the same order in which ``flatten`` lists the patches. Two tables, one
# for rows and one for columns, need fewer parameters than a vector for each
# patch.
rows, columns = nn.Embedding(3, 4), nn.Embedding(5, 4)
r, c = torch.meshgrid(torch.arange(3), torch.arange(5), indexing="ij")
r.flatten()  # tensor([0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2])
grid = torch.cat([rows(r), columns(c)], dim=-1)
grid.shape  # torch.Size([3, 5, 8])
patches = torch.randn(2, 8, 3, 5).flatten(2).transpose(1, 2)
(patches + grid.flatten(0, 1)).shape  # torch.Size([2, 15, 8])
torch.equal(grid[1, 2, :4], grid[1, 4, :4])  # True

# %%
# Class token: one learned vector before each sequence
# ----------------------------------------------------
#
# The output of the class token stands for the whole sequence. Create a
# parameter of shape (1, 1, features) and expand it over the batch. After
# the encoder, the output of the token is at position 0. The position
# embeddings and a padding mask need one more entry, too.
token = nn.Parameter(torch.zeros(1, 1, 8))
x = torch.randn(4, 6, 8)
x = torch.cat([token.expand(4, -1, -1), x], dim=1)
x.shape  # torch.Size([4, 7, 8])
x[:, 0].sum().backward()
token.grad.flatten()  # tensor([4., 4., 4., 4., 4., 4., 4., 4.])
padding = torch.tensor([[False, False, True]])
F.pad(padding, (1, 0))  # tensor([[False, False, False, True]])
