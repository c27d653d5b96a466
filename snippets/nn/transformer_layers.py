"""
Transformer layers
==================

Stack attention and feed-forward blocks into an encoder and a decoder.
"""
from contextlib import suppress

import torch
import torch.nn.functional as F
from torch import nn

# %%
# Encode a sequence: ``nn.TransformerEncoder``
# --------------------------------------------
#
# An encoder layer consists of self-attention and a feed-forward block, and
# the encoder is a stack of copies of this layer. The output has the shape
# of the input. The input must be embeddings, so add ``nn.Embedding``,
# positions and an output layer yourself. The hidden size
# ``dim_feedforward`` is 2048 by default.
layer = nn.TransformerEncoderLayer(
    d_model=16, nhead=4, dim_feedforward=32, batch_first=True
)
encoder = nn.TransformerEncoder(layer, num_layers=2)
x = torch.randn(3, 7, 16)
encoder(x).shape  # torch.Size([3, 7, 16])
len(encoder.layers), layer.linear1.out_features  # (2, 32)
nn.TransformerEncoderLayer(16, 4).linear1.out_features  # 2048

# %%
# What an encoder layer computes: ``nn.TransformerEncoderLayer``
# --------------------------------------------------------------
#
# The output of each block is added to its input. By default the layer
# normalization comes after this sum. With ``norm_first=True`` it comes
# before the block, which makes the training of deep models more stable. In
# this case, also give the encoder a final ``norm=nn.LayerNorm(d_model)``.
make = nn.TransformerEncoderLayer
kind = {"batch_first": True, "dtype": torch.float64}
x = torch.randn(3, 7, 16, dtype=torch.float64)
post = make(16, 4, 32, **kind).eval()
y = post.norm1(x + post.self_attn(x, x, x)[0])
y = post.norm2(y + post.linear2(F.relu(post.linear1(y))))
torch.allclose(post(x), y)  # True
pre = make(16, 4, 32, norm_first=True, **kind).eval()
normed = pre.norm1(x)
y = x + pre.self_attn(normed, normed, normed)[0]
y = y + pre.linear2(F.relu(pre.linear1(pre.norm2(y))))
torch.allclose(pre(x), y)  # True

# %%
# Decode with the output of an encoder: ``nn.TransformerDecoder``
# ---------------------------------------------------------------
#
# A decoder layer has self-attention, cross-attention on the output of the
# encoder (the ``memory``), and a feed-forward block. The output has the
# length of the target. For a language model without an encoder, use encoder
# layers with a causal mask instead.
make = nn.TransformerDecoderLayer
layer = make(16, 4, 32, batch_first=True, dtype=torch.float64).eval()
target = torch.randn(3, 5, 16, dtype=torch.float64)
memory = torch.randn(3, 7, 16, dtype=torch.float64)
x = layer.norm1(target + layer.self_attn(target, target, target)[0])
x = layer.norm2(x + layer.multihead_attn(x, memory, memory)[0])
x = layer.norm3(x + layer.linear2(layer.linear1(x).relu()))
torch.allclose(layer(target, memory), x)  # True
decoder = nn.TransformerDecoder(layer, num_layers=2)
decoder(target, memory).shape  # torch.Size([3, 5, 16])

# %%
# Encoder and decoder in one: ``nn.Transformer``
# ----------------------------------------------
#
# ``nn.Transformer`` encodes the source and decodes the target from it. It
# sets no mask for you, so pass ``tgt_mask`` when you train a translation
# model.
model = nn.Transformer(
    16, 4, 2, 3, 32, batch_first=True, dtype=torch.float64
).eval()
source = torch.randn(3, 7, 16, dtype=torch.float64)
target = torch.randn(3, 5, 16, dtype=torch.float64)
mask = model.generate_square_subsequent_mask(5)
output = model(source, target, tgt_mask=mask)
output.shape  # torch.Size([3, 5, 16])
memory = model.encoder(source)
by_parts = model.decoder(target, memory, tgt_mask=mask)
torch.allclose(output, by_parts)  # True
len(model.encoder.layers), len(model.decoder.layers)  # (2, 3)

# %%
# Test that a model cannot see the future
# ---------------------------------------
#
# Change the last steps of the input and check that the earlier outputs stay
# the same. Without a mask they change, and such a model learns to copy the
# next token in training. ``is_causal=True`` is only a hint about the mask
# that you pass and does not replace it.
layer = nn.TransformerEncoderLayer(16, 4, 32, batch_first=True)
encoder = nn.TransformerEncoder(layer, 2).eval()
x = torch.randn(2, 6, 16)
changed = x.clone()
changed[:, 4:] += 1.0
mask = nn.Transformer.generate_square_subsequent_mask(6)
before = encoder(x, mask=mask, is_causal=True)
after = encoder(changed, mask=mask, is_causal=True)
torch.allclose(before[:, :4], after[:, :4], atol=1e-5)  # True
torch.allclose(before[:, 4:], after[:, 4:], atol=1e-5)  # False
seen = encoder(changed)[:, :4]
torch.allclose(encoder(x)[:, :4], seen, atol=1e-5)  # False

# %%
# Padded batches: ``src_key_padding_mask``
# ----------------------------------------
#
# True marks the padding. The outputs of the encoder at the valid positions
# are then the same as without padding. The decoder reads these outputs (the
# memory), but it does not get this mask. Pass the mask again as
# ``memory_key_padding_mask``.
model = nn.Transformer(16, 4, 1, 1, 32, 0.0, batch_first=True).double()
source = torch.randn(1, 5, 16, dtype=torch.float64)
target = torch.randn(1, 3, 16, dtype=torch.float64)
filling = torch.tensor([[False, False, False, True, True]])
alone = model(source[:, :3], target)
memory = model.encoder(source, src_key_padding_mask=filling)
torch.allclose(memory[:, :3], model.encoder(source[:, :3]))  # True
half = model(source, target, src_key_padding_mask=filling)
torch.allclose(half, model.decoder(target, memory))  # True
torch.allclose(half, alone)  # False
masks = {"src_key_padding_mask": filling}
masks["memory_key_padding_mask"] = filling
torch.allclose(model(source, target, **masks), alone)  # True

# %%
# Without positions a transformer ignores the order
# -------------------------------------------------
#
# Without a mask, attention treats its input as a set. If you permute the
# inputs, the outputs are permuted in the same way. To make the order count,
# add positions to the embeddings. The positions can be learned, or fixed
# sines and cosines as in the next card.
layer = nn.TransformerEncoderLayer(16, 4, 32, batch_first=True).eval()
x = torch.randn(1, 6, 16)
order = torch.tensor([5, 0, 4, 1, 3, 2])
torch.allclose(layer(x[:, order]), layer(x)[:, order], atol=1e-5)  # True
torch.allclose(layer(x[:, :3]), layer(x)[:, :3], atol=1e-5)  # False
positions = nn.Embedding(6, 16)(torch.arange(6))
first = layer(x + positions)[:, order]
second = layer(x[:, order] + positions)
torch.allclose(first, second, atol=1e-5)  # False

# %%
# Sinusoidal positions by hand
# ----------------------------
#
# PyTorch has no layer for sinusoidal positions. Each position is encoded by
# sines and cosines with wavelengths from :math:`2\pi` to about :math:`10000
# \cdot 2\pi`. The dot product of two encodings depends only on the distance
# of the positions. Keep the table in a buffer.
def sinusoidal(length, width):
    positions = torch.arange(length).unsqueeze(1)
    rates = 10000 ** (-torch.arange(0, width, 2) / width)
    angles = positions * rates
    pairs = torch.stack([angles.sin(), angles.cos()], dim=-1)
    return pairs.flatten(start_dim=1)


table = sinusoidal(50, 16)  # shape (50, 16)
table[0, :4]  # tensor([0., 1., 0., 1.])
table[1, :2]  # tensor([0.8415, 0.5403])
products = table @ table.T
torch.allclose(products[10, 13], products[40, 43], atol=1e-3)  # True
products.diagonal().round(decimals=3).unique()  # tensor([8.])

# %%
# Number of parameters of a transformer layer
# -------------------------------------------
#
# For width d and hidden size f, attention has :math:`4d^2 + 4d` parameters
# and the feed-forward block has :math:`2df + d + f`. Each layer
# normalization has :math:`2d`. A decoder layer contains two attention
# blocks and three normalizations.
def count(module):
    return sum(p.numel() for p in module.parameters())


d, f = 16, 64
attention, feed, norm = 4 * d * d + 4 * d, 2 * d * f + d + f, 2 * d
encoder_layer = nn.TransformerEncoderLayer(d, 4, f)
count(encoder_layer)  # 3280
count(encoder_layer) == attention + feed + 2 * norm  # True
decoder_layer = nn.TransformerDecoderLayer(d, 4, f)
count(decoder_layer) == 2 * attention + feed + 3 * norm  # True

# %%
# All layers start with the same weights
# --------------------------------------
#
# ``nn.TransformerEncoder`` and ``nn.TransformerDecoder`` copy the layer
# that you pass, including its values. Initialize the matrices again, as
# ``nn.Transformer`` does for its own layers.
layer = nn.TransformerEncoderLayer(16, 4, 32, batch_first=True)
encoder = nn.TransformerEncoder(layer, num_layers=2)
first, second = (part.linear1.weight for part in encoder.layers)
torch.equal(first, second)  # True
first is second  # False
for p in encoder.parameters():
    if p.dim() > 1:
        nn.init.xavier_uniform_(p)
torch.equal(first, second)  # False

# %%
# Warning: enable_nested_tensor is True, but ... is False
# -------------------------------------------------------
#
# In evaluation mode an encoder can skip padding, but it needs
# ``batch_first=True``, no ``norm_first`` and a few more conditions. If your
# layer does not fulfil them, pass ``enable_nested_tensor=False`` to avoid
# the warning. The results are the same.
stack = nn.TransformerEncoder
first = nn.TransformerEncoderLayer(16, 4, 32, norm_first=True)
encoder = stack(first, 2)  # UserWarning: norm_first was True
quiet = stack(first, 2, enable_nested_tensor=False)
x = torch.randn(7, 3, 16)
torch.allclose(encoder.eval()(x), quiet.eval()(x), atol=1e-6)  # True
plain = nn.TransformerEncoderLayer(16, 4, 32, batch_first=True)
stack(plain, 2).use_nested_tensor  # True

# %%
# Error: the batch number of src and tgt must be equal
# ----------------------------------------------------
#
# The source and the target may have different lengths, but they need the
# same batch size and the width ``d_model``. A common cause of the error is
# a missing ``batch_first=True``, because the lengths are then taken for
# batch sizes.
source, target = torch.randn(2, 7, 16), torch.randn(2, 5, 16)
wrong = nn.Transformer(16, 4, 1, 1, 32)  # UserWarning: batch_first
with suppress(RuntimeError):
    wrong(source, target)  # RuntimeError: the batch number of src and tgt
model = nn.Transformer(16, 4, 1, 1, 32, batch_first=True)
model(source, target).shape  # torch.Size([2, 5, 16])
with suppress(RuntimeError):
    model(source[..., :8], target)  # RuntimeError: feature number
