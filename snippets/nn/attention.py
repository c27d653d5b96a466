"""
Attention
=========

In attention, each position of a sequence has a query, a key and a value. A
position reads the values of all positions, weighted by how well its query
matches their keys.
"""
import warnings
from contextlib import suppress

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.attention.bias import causal_lower_right, causal_upper_left
from torch.nn.attention.flex_attention import flex_attention

# %%
# Attention from q, k, v: ``F.scaled_dot_product_attention``
# ----------------------------------------------------------
#
# The function computes :math:`\mathrm{softmax}(q k^T / \sqrt{E})\, v`,
# where q has shape (N, heads, L, E) and k has shape (N, heads, S, E). It
# has no weights to learn. For many inputs, PyTorch uses a fused kernel,
# which computes everything in one step and does not store the L by S matrix
# of scores. ``scale`` replaces :math:`1/\sqrt{E}`.
q = torch.randn(2, 4, 5, 8)
k, v = torch.randn(2, 4, 6, 8), torch.randn(2, 4, 6, 3)
scores = q @ k.transpose(-2, -1) / 8**0.5
by_hand = scores.softmax(dim=-1) @ v
y = F.scaled_dot_product_attention(q, k, v)
y.shape  # torch.Size([2, 4, 5, 3])
torch.allclose(y, by_hand, atol=1e-5)  # True
flat = F.scaled_dot_product_attention(q, k, v, scale=0.0)
mean = v.mean(dim=-2, keepdim=True)
torch.allclose(flat, mean.expand_as(flat), atol=1e-5)  # True

# %%
# Causal attention and the cache: ``is_causal``, ``causal_lower_right``
# ---------------------------------------------------------------------
#
# ``is_causal=True`` lines up the first query with the first key, as
# ``causal_upper_left`` does. With a KV cache, which keeps the keys and
# values of earlier tokens, the queries are the last positions of the
# sequence. Use ``torch.nn.attention.bias.causal_lower_right`` for them,
# because with ``is_causal=True`` they miss most of the past.
q, k, v = torch.randn(3, 1, 1, 5, 8)
full = F.scaled_dot_product_attention(q, k, v, is_causal=True)
last = q[:, :, -2:]
wrong = F.scaled_dot_product_attention(last, k, v, is_causal=True)
torch.allclose(wrong, full[:, :, -2:], atol=1e-5)  # False
bias = causal_lower_right(2, 5)
right = F.scaled_dot_product_attention(last, k, v, attn_mask=bias)
torch.allclose(right, full[:, :, -2:], atol=1e-5)  # True
bias = causal_upper_left(2, 5)
same = F.scaled_dot_product_attention(last, k, v, attn_mask=bias)
torch.allclose(same, wrong, atol=1e-5)  # True

# %%
# Dropout that does not stop: ``dropout_p`` in evaluation
# -------------------------------------------------------
#
# The function does not know about ``model.eval()`` and always applies
# ``dropout_p``. Pass 0 unless ``self.training`` is True.
# ``nn.MultiheadAttention`` does this for you.
class Attend(nn.Module):
    def forward(self, q, k, v):
        p = 0.5 if self.training else 0.0
        return F.scaled_dot_product_attention(q, k, v, dropout_p=p)


q, k, v = torch.randn(3, 2, 4, 64, 8)
expected = F.scaled_dot_product_attention(q, k, v)
always = F.scaled_dot_product_attention(q, k, v, dropout_p=0.5)
torch.allclose(always, expected, atol=1e-4)  # False
torch.allclose(Attend()(q, k, v), expected, atol=1e-4)  # False
torch.allclose(Attend().eval()(q, k, v), expected, atol=1e-4)  # True

# %%
# Grouped-query attention, with fewer key heads: ``enable_gqa=True``
# ------------------------------------------------------------------
#
# In grouped-query attention, several query heads share one head of keys and
# values, which makes the KV cache smaller. The result is the same as with
# repeated heads of keys and values. The number of query heads must be a
# multiple of the number of key heads.
q = torch.randn(2, 8, 5, 16)
k, v = torch.randn(2, 2, 2, 5, 16)
y = F.scaled_dot_product_attention(q, k, v, enable_gqa=True)
k_all, v_all = (t.repeat_interleave(4, dim=1) for t in (k, v))
by_hand = F.scaled_dot_product_attention(q, k_all, v_all)
torch.allclose(y, by_hand, atol=1e-5)  # True
with suppress(RuntimeError):
    F.scaled_dot_product_attention(q, k, v)  # RuntimeError: must match

# %%
# Multi-head attention as a layer: ``nn.MultiheadAttention``
# ----------------------------------------------------------
#
# The layer projects query, key and value, computes attention in
# ``num_heads`` heads and projects the result back. For self-attention, pass
# the same tensor three times. The layer returns the output and the
# attention weights, which are averaged over the heads unless
# ``average_attn_weights=False``. With ``need_weights=False`` the weights
# are None and the layer is faster.
mha = nn.MultiheadAttention(embed_dim=8, num_heads=2, batch_first=True)
x = torch.randn(3, 5, 8)
y, weights = mha(x, x, x)
y.shape  # torch.Size([3, 5, 8])
weights.shape  # torch.Size([3, 5, 5])
torch.allclose(weights.sum(dim=-1), torch.ones(3, 5))  # True
per_head = mha(x, x, x, average_attn_weights=False)[1]
per_head.shape  # torch.Size([3, 2, 5, 5])
torch.allclose(per_head.mean(dim=1), weights, atol=1e-6)  # True
mha(x, x, x, need_weights=False)[1] is None  # True

# %%
# What it computes: ``nn.MultiheadAttention`` against the formula
# ---------------------------------------------------------------
#
# The rows of ``in_proj_weight`` are the weights for q, k and v, in this
# order. Each head gets ``embed_dim / num_heads`` consecutive features.
# Split the feature dimension first and then exchange heads and time; a
# ``view`` alone would mix positions. The function behind the layer is
# ``F.multi_head_attention_forward``.
mha = nn.MultiheadAttention(8, 2, batch_first=True, dtype=torch.float64)
x = torch.randn(3, 5, 8, dtype=torch.float64)
qkv = F.linear(x, mha.in_proj_weight, mha.in_proj_bias).chunk(3, dim=-1)
q, k, v = (t.unflatten(-1, (2, 4)).transpose(1, 2) for t in qkv)
weights = (q @ k.transpose(-2, -1) / 4**0.5).softmax(dim=-1)
joined = (weights @ v).transpose(1, 2).flatten(start_dim=2)
y, mean_weights = mha(x, x, x)
torch.allclose(y, mha.out_proj(joined))  # True
torch.allclose(mean_weights, weights.mean(dim=1))  # True
mha.in_proj_weight.shape  # torch.Size([24, 8])
t, out = x.transpose(0, 1), mha.out_proj
arguments = 8, 2, mha.in_proj_weight, mha.in_proj_bias, None, None, False
found = F.multi_head_attention_forward(
    t, t, t, *arguments, 0.0, out.weight, out.bias
)
torch.allclose(found[0].transpose(0, 1), y)  # True

# %%
# Cross-attention to another sequence: ``kdim`` and ``vdim``
# ----------------------------------------------------------
#
# In cross-attention the queries come from one sequence, and the keys and
# values come from another. The output is as long as the queries. If the
# keys or values have another width than the queries, pass it as ``kdim``
# and ``vdim``. The layer then has three projection matrices, and
# ``in_proj_weight`` is None.
mha = nn.MultiheadAttention(8, 2, kdim=6, vdim=4, batch_first=True)
text, keys = torch.rand(3, 5, 8), torch.rand(3, 9, 6)
values = torch.rand(3, 9, 4)
y, weights = mha(text, keys, values)
y.shape  # torch.Size([3, 5, 8])
weights.shape  # torch.Size([3, 5, 9])
mha.k_proj_weight.shape  # torch.Size([8, 6])
mha.v_proj_weight.shape  # torch.Size([8, 4])
mha.in_proj_weight is None  # True

# %%
# Leave out padded keys: ``key_padding_mask``
# -------------------------------------------
#
# ``key_padding_mask`` has shape (N, S), and True marks padding. Padded keys
# get a weight of exactly 0, so the real positions have the same outputs as
# without padding. The padded positions still have outputs of their own.
# Ignore them later.
mha = nn.MultiheadAttention(8, 2, batch_first=True, dtype=torch.float64)
x = torch.randn(1, 4, 8, dtype=torch.float64)
filling = torch.tensor([[False, False, True, True]])
y, weights = mha(x, x, x, key_padding_mask=filling)
weights[0, :, 2:].abs().sum().item()  # 0.0
short = x[:, :2]
torch.allclose(y[:, :2], mha(short, short, short)[0])  # True
(y[:, 2:] == 0).any()  # tensor(False)

# %%
# Causal self-attention: ``attn_mask`` with ``is_causal``
# -------------------------------------------------------
#
# In ``nn.MultiheadAttention``, ``is_causal=True`` only promises that
# ``attn_mask`` is causal, so you must pass the mask as well. With
# ``need_weights=False`` the layer relies on the promise and ignores what is
# in the mask. In ``eval()`` without gradients a missing mask may raise no
# error, and then the layer sees the future. True means masked out, so the
# mask is the upper triangle.
mha = nn.MultiheadAttention(8, 2, batch_first=True)
x = torch.randn(3, 4, 8)
future = torch.ones(4, 4, dtype=torch.bool).triu(diagonal=1)
y, weights = mha(x, x, x, attn_mask=future)
weights[0].triu(diagonal=1).count_nonzero()  # tensor(0)
fast, _ = mha(x, x, x, attn_mask=future, is_causal=True)
torch.allclose(fast, y, atol=1e-6)  # True
with suppress(RuntimeError):
    mha(x, x, x, is_causal=True)  # RuntimeError: Need attn_mask
options = {"is_causal": True, "need_weights": False}
believed, _ = mha(x, x, x, attn_mask=torch.zeros_like(future), **options)
torch.allclose(believed, y, atol=1e-5)  # True

# %%
# The batch comes second: ``nn.MultiheadAttention`` by default
# ------------------------------------------------------------
#
# Without ``batch_first=True``, the layer expects inputs of shape (L, N, E).
# If you pass (N, L, E), there is no error, but the samples attend to each
# other. Check the shape of the weights, which should be (N, L, L).
x = torch.randn(3, 5, 8)
wrong = nn.MultiheadAttention(8, 2)
wrong(x, x, x)[0].shape  # torch.Size([3, 5, 8])
wrong(x, x, x)[1].shape  # torch.Size([5, 3, 3])
right = nn.MultiheadAttention(8, 2, batch_first=True)
right(x, x, x)[1].shape  # torch.Size([3, 5, 5])

# %%
# Choose the kernel: ``torch.nn.attention.sdpa_kernel``
# -----------------------------------------------------
#
# The kernels give the same result up to rounding, but differ in speed and
# memory. Name the allowed kernels to compare them, or to get an error when
# a fast kernel cannot be used. The CPU has ``MATH`` and
# ``FLASH_ATTENTION``; the others need a GPU. On a GPU,
# ``torch.nn.attention.activate_flash_attention_impl`` can switch to a newer
# flash attention.
attend = F.scaled_dot_product_attention
q, k, v = torch.randn(3, 2, 4, 5, 8, device="cpu")
with sdpa_kernel(SDPBackend.MATH):
    exact = attend(q, k, v)
with sdpa_kernel([SDPBackend.FLASH_ATTENTION, SDPBackend.MATH]):
    fast = attend(q, k, v)
torch.allclose(exact, fast, atol=1e-5)  # True
with suppress(RuntimeError), sdpa_kernel(SDPBackend.CUDNN_ATTENTION):
    attend(q, k, v)  # RuntimeError: No viable backend
with suppress(RuntimeError), sdpa_kernel(SDPBackend.EFFICIENT_ATTENTION):
    attend(q, k, v)  # RuntimeError: No viable backend

# %%
# Change the scores by a function: ``flex_attention``
# ---------------------------------------------------
#
# ``score_mod`` gets an attention score and its indices, and returns a new
# score. Here it subtracts a penalty that grows with the distance (ALiBi).
# With ``torch.compile``, ``flex_attention`` becomes one fused kernel.
# Without ``torch.compile``, it stores all scores and warns, so use it in
# this form for checking only.
def penalty(score, batch, head, i, j):
    return score - 0.5 * abs(i - j)


q, k, v = torch.randn(3, 2, 4, 16, 8)
with warnings.catch_warnings(action="ignore"):
    y = flex_attention(q, k, v, score_mod=penalty)
positions = torch.arange(16.0)
bias = -0.5 * (positions.unsqueeze(1) - positions).abs()
by_hand = F.scaled_dot_product_attention(q, k, v, attn_mask=bias)
torch.allclose(y, by_hand, atol=1e-5)  # True

# %%
# Error: embed_dim must be divisible by num_heads
# -----------------------------------------------
#
# Every head gets the same number of features, so ``num_heads`` must divide
# ``embed_dim``. The last dimension of the query must have size
# ``embed_dim``.
with suppress(AssertionError):
    nn.MultiheadAttention(10, 3)  # AssertionError: divisible by num_heads
mha = nn.MultiheadAttention(12, 3, batch_first=True)
mha.head_dim  # 4
x = torch.randn(2, 5, 10)
with suppress(AssertionError):
    mha(x, x, x)  # AssertionError: expecting embedding dimension of 12
