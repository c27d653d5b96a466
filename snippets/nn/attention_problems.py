"""
Attention that goes wrong
=========================

Find out why a transformer sees the future, repeats a token, ignores its
mask, or changes in ``eval()``.
"""
from contextlib import suppress
from functools import partial

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.attention.bias import causal_lower_right

# %%
# The loss falls to 0 and the generated text is bad: no causal mask
# -----------------------------------------------------------------
#
# Without a causal mask, each position sees the token that it has to
# predict, so the model learns to copy it. Use a causal mask, here
# ``is_causal=True``, and shift the targets by one: ``tokens[:, :-1]``
# predicts ``tokens[:, 1:]``. To test the model, change the last token.
# Earlier outputs must stay the same.
tokens = torch.tensor([[3, 1, 4, 1, 5]])
inputs, targets = tokens[:, :-1], tokens[:, 1:]
inputs.tolist(), targets.tolist()  # ([[3, 1, 4, 1]], [[1, 4, 1, 5]])
embed = nn.Embedding(6, 8)
changed = inputs.clone()
changed[:, -1] = 2


def attend(tokens, is_causal):
    x = embed(tokens)
    return F.scaled_dot_product_attention(x, x, x, is_causal=is_causal)


same = {}
for causal in (False, True):
    pair = attend(inputs, causal), attend(changed, causal)
    same[causal] = torch.allclose(pair[0][:, :-1], pair[1][:, :-1])
same  # {False: False, True: True}

# %%
# Masked with -1e4 or -1e9: the future comes back
# -----------------------------------------------
#
# A finite number such as -1e4 hides a position only as long as the scores
# stay far above it. If the scores fall below -10000, the hidden positions
# win. ``-torch.inf`` hides them for any finite score. The number -1e9 does
# not even fit into float16.
scores = torch.full((1, 3), -15000.0)
future = torch.tensor([[False, True, True]])
scores.masked_fill(future, -1e4).softmax(-1)  # tensor([[0.0, 0.5, 0.5]])
scores.masked_fill(future, -torch.inf).softmax(-1)  # tensor([[1., 0., 0.]])
with suppress(RuntimeError):
    scores.half().masked_fill(
        future, -1e9
    )  # RuntimeError: value cannot be converted to type

# %%
# The mask has no effect: ``masked_fill`` on a boolean mask
# ---------------------------------------------------------
#
# ``masked_fill`` keeps the dtype. If you fill a boolean mask with -1e9, it
# becomes True everywhere, and adding it raises all scores by 1. Fill the
# scores themselves or a float tensor of zeros.
visible = torch.tensor([True, True, False])
visible.masked_fill(~visible, -1e9)  # tensor([True, True, True])
scores = torch.zeros(3)
wrong = scores + visible.masked_fill(~visible, -1e9)
wrong.softmax(dim=0)  # tensor([0.3333, 0.3333, 0.3333])
right = scores.masked_fill(~visible, -torch.inf)
right.softmax(dim=0)  # tensor([0.5000, 0.5000, 0.0000])
added = torch.zeros(3).masked_fill(~visible, -torch.inf)
(scores + added).softmax(dim=0)  # tensor([0.5000, 0.5000, 0.0000])

# %%
# A mask (batch, L, L) on scores (batch, heads, L, L): ``unsqueeze(1)``
# ---------------------------------------------------------------------
#
# Broadcasting aligns shapes from the right, so the batch dimension of the
# mask meets the heads of the scores. This raises an error, or gives a wrong
# result without one if batch and heads have the same size. ``unsqueeze(1)``
# changes the mask to (batch, 1, L, L), so all heads of a sample share its
# mask.
scores, mask = torch.zeros(4, 2, 5, 5), torch.rand(4, 5, 5) < 0.5
with suppress(RuntimeError):
    scores.masked_fill(
        mask, -torch.inf
    )  # RuntimeError: The size of tensor a (4) must match
filled = scores.masked_fill(mask.unsqueeze(1), 1)
torch.equal(filled[3, 1], mask[3].float())  # True
scores = torch.zeros(2, 2, 1, 2)
mask = torch.tensor([[[False, True]], [[True, False]]])
scores.masked_fill(mask, 1)[:, 0].tolist()  # [[[0.0, 1.0]], [[0.0, 1.0]]]
right = scores.masked_fill(mask.unsqueeze(1), 1)
right[:, 0].tolist()  # [[[0.0, 1.0]], [[1.0, 0.0]]]

# %%
# The same token again and again: ``is_causal=True`` with a cache of keys
# -----------------------------------------------------------------------
#
# When a model generates text, a cache keeps the keys and values of the
# earlier tokens. ``is_causal=True`` lines up the first query with the first
# key, so a single new query attends only to key 0. Leave the flag out when
# you generate one token at a time. For several new tokens, pass
# ``torch.nn.attention.bias.causal_lower_right`` or the same mask as a
# boolean tensor.
q, k, v = torch.randn(1, 1, 2, 8), *torch.randn(2, 1, 1, 5, 8)
one = q[:, :, -1:]
attend = F.scaled_dot_product_attention
first = attend(one, k, v, is_causal=True)
torch.allclose(first, v[:, :, :1], atol=1e-5)  # True
weights = (one @ k.mT / 8**0.5).softmax(dim=-1)
torch.allclose(attend(one, k, v), weights @ v, atol=1e-5)  # True
mask = torch.ones(2, 5, dtype=torch.bool).tril(diagonal=5 - 2)
mask.long()  # tensor([[1, 1, 1, 1, 0], [1, 1, 1, 1, 1]])
two = attend(q, k, v, attn_mask=causal_lower_right(2, 5))
torch.allclose(attend(q, k, v, attn_mask=mask), two, atol=1e-5)  # True

# %%
# Zeros at padded positions in ``eval()``: ``enable_nested_tensor=False``
# -----------------------------------------------------------------------
#
# In ``eval()`` without gradients, ``nn.TransformerEncoder`` skips the
# padded positions and returns zeros there. In ``train()`` it returns other
# numbers. At the real positions both modes agree, so use the mask to take
# the mean over these positions only. With ``enable_nested_tensor=False``
# both modes give the same output.
layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True)
x = torch.randn(2, 4, 8)
padding = torch.tensor([[0, 0, 0, 1], [0, 1, 1, 1]]).bool()
encoder = nn.TransformerEncoder(layer, num_layers=1)
train = encoder(x, src_key_padding_mask=padding)
plain = nn.TransformerEncoder(layer, 1, enable_nested_tensor=False).eval()
encoder.eval()
with torch.no_grad():
    same = plain(x, src_key_padding_mask=padding)
    fast = encoder(
        x, src_key_padding_mask=padding
    )  # UserWarning: nested tensors is in prototype stage
fast.shape == train.shape  # True
torch.allclose(fast[~padding], train[~padding], atol=1e-5)  # True
fast[padding].count_nonzero()  # tensor(0)
torch.allclose(same, train, atol=1e-5)  # True
real = ~padding.unsqueeze(-1)
mean = (train * real).sum(dim=1) / real.sum(dim=1)  # shape (2, 8)

# %%
# Attention weights of ``nn.TransformerEncoder``: ``need_weights=True``
# ---------------------------------------------------------------------
#
# The encoder layer calls its ``self_attn`` with ``need_weights=False``, so
# a forward hook sees None instead of the weights. Replace the ``forward``
# method of ``self_attn`` with one that asks for the weights, and read them
# with the hook. The weights of each query sum to 1.
layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
encoder = nn.TransformerEncoder(layer, num_layers=1).eval()
attention, seen = encoder.layers[0].self_attn, []
attention.register_forward_hook(lambda m, args, out: seen.append(out[1]))
x = torch.randn(1, 3, 8)
before = encoder(x)
seen  # [None]


def forward(call, *args, **options):
    options.update(need_weights=True, average_attn_weights=False)
    return call(*args, **options)


attention.forward = partial(forward, attention.forward)
torch.allclose(encoder(x), before, atol=1e-5)  # True
seen[1].shape  # torch.Size([1, 2, 3, 3])
torch.allclose(seen[1].sum(dim=-1), torch.ones(1, 2, 3))  # True

# %%
# Error: the size of tensor a must match (positional encoding)
# ------------------------------------------------------------
#
# A positional encoding of shape (length, 1, width) with ``pe[: x.size(0)]``
# is written for inputs of shape (length, batch, width). If the batch comes
# first, the table is cut at the batch size. This raises an error, or each
# sample gets the encoding of a single position. Store the table as (length,
# width) and cut it at ``x.size(1)``.
table = torch.randn(50, 8)
batch_first = torch.zeros(64, 20, 8)
with suppress(RuntimeError):
    batch_first + table.unsqueeze(1)[
        : batch_first.size(0)
    ]  # RuntimeError: The size of tensor a (64) must match
wrong = batch_first[:3] + table.unsqueeze(1)[:3]
torch.equal(wrong[2, 7], table[2])  # True
right = batch_first + table[: batch_first.size(1)]
torch.equal(right[2, 7], table[7])  # True

# %%
# Size mismatch for pos_embed: resize the position embeddings
# -----------------------------------------------------------
#
# A vision transformer has one position embedding for each patch, so a
# different image size needs a different number of embeddings. Set aside the
# first embedding, which belongs to the class token. Arrange the others as a
# grid and resize the grid. Then join both parts and call
# ``load_state_dict``; here 14 by 14 patches become 24 by 24.
saved = torch.randn(1, 1 + 14 * 14, 8)
token, grid = saved[:, :1], saved[:, 1:]
grid = grid.reshape(1, 14, 14, 8).permute(0, 3, 1, 2)
grid = F.interpolate(grid, size=(24, 24), mode="bicubic")
resized = torch.cat([token, grid.flatten(2).transpose(1, 2)], dim=1)
saved.shape, resized.shape[1]  # (torch.Size([1, 197, 8]), 577)
model = nn.ParameterDict({"pos_embed": torch.zeros(1, 577, 8)})
with suppress(RuntimeError):
    model.load_state_dict(
        {"pos_embed": saved}
    )  # RuntimeError: size mismatch for pos_embed
model.load_state_dict({"pos_embed": resized})
torch.equal(model["pos_embed"][:, 0], saved[:, 0])  # True

# %%
# Error: the shape of the 2D attn_mask is [7, 7], but should be (2, 2)
# --------------------------------------------------------------------
#
# The mask fits the sequence length, but the layer asks for the batch size.
# Without ``batch_first=True`` the layer takes the first dimension for the
# length. Pass ``batch_first=True`` to ``nn.MultiheadAttention`` or to the
# Transformer layer. If both sizes happen to be equal, there is no error and
# the samples attend to each other.
x = torch.randn(2, 7, 8)
mask = torch.ones(7, 7, dtype=torch.bool).triu(diagonal=1)
wrong = nn.MultiheadAttention(8, 2)
with suppress(RuntimeError):
    wrong(
        x, x, x, attn_mask=mask
    )  # RuntimeError: The shape of the 2D attn_mask is torch.Size([7, 7])
right = nn.MultiheadAttention(8, 2, batch_first=True)
right(x, x, x, attn_mask=mask)[0].shape  # torch.Size([2, 7, 8])
x = x.transpose(0, 1)
wrong(x, x, x, attn_mask=mask)[0].shape  # torch.Size([7, 2, 8])

# %%
# ``src_mask`` (S, S) or ``src_key_padding_mask`` (N, S)
# ------------------------------------------------------
#
# ``src_mask`` says which position may attend to which, and is usually the
# same for all samples. A causal mask is an example.
# ``src_key_padding_mask`` says which positions of each sample are padding.
# You can pass both, as well as ``tgt_mask`` and ``tgt_key_padding_mask`` of
# a decoder, and True means masked out in all of them.
layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True).eval()
x = torch.randn(3, 5, 8)
future = torch.ones(5, 5, dtype=torch.bool).triu(diagonal=1)
lengths = torch.tensor([5, 3, 2])
padding = torch.arange(5) >= lengths.unsqueeze(1)
future.shape, padding.shape  # (torch.Size([5, 5]), torch.Size([3, 5]))
y = layer(x, src_mask=future, src_key_padding_mask=padding)
changed = x.clone()
changed[1, 3:] = 9.0
z = layer(changed, src_mask=future, src_key_padding_mask=padding)
torch.allclose(z[1, :3], y[1, :3], atol=1e-5)  # True
alone = layer(x[1:2, :2], src_mask=future[:2, :2])
torch.allclose(alone[0], y[1, :2], atol=1e-5)  # True

# %%
# No available kernel: what flash attention refuses
# -------------------------------------------------
#
# On a GPU, ``SDPBackend.FLASH_ATTENTION`` supports neither float32 nor an
# ``attn_mask``, so there is no kernel left if you allow nothing else. Use
# float16 or bfloat16 with ``is_causal=True``, or allow
# ``SDPBackend.EFFICIENT_ATTENTION`` as well.
# ``torch.backends.cuda.can_use_flash_attention`` tells you whether flash
# attention can be used. With ``debug=True``, it also gives the reason in a
# warning.
q = torch.randn(1, 2, 5, 8)
mask = torch.ones(5, 5, dtype=torch.bool).tril()
masked = F.scaled_dot_product_attention(q, q, q, attn_mask=mask)
causal = F.scaled_dot_product_attention(q, q, q, is_causal=True)
torch.allclose(masked, causal, atol=1e-5)  # True
both = [SDPBackend.FLASH_ATTENTION, SDPBackend.MATH]
with sdpa_kernel(both):
    y = F.scaled_dot_product_attention(q, q, q, attn_mask=mask)
torch.allclose(y, causal, atol=1e-5)  # True
params = torch.backends.cuda.SDPAParams(q, q, q, mask, 0.0, False, False)
torch.backends.cuda.can_use_flash_attention(params)  # False
