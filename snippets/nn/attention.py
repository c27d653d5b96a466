"""
Attention
=========

Let every position read from every other, weighted by how well they match.
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
# :math:`\mathrm{softmax}(q k^T / \sqrt{E})\, v` with q of shape (N, heads,
# L, E). It holds no weights, and takes a fused kernel where one fits: such
# a kernel never stores the L by S matrix of scores. ``scale`` takes the
# place of :math:`1/\sqrt{E}`.
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
# ``is_causal=True`` lines up the first query with the first key, which is
# ``causal_upper_left``. With a cache of keys the queries are the last
# positions: they need ``torch.nn.attention.bias.causal_lower_right``,
# else they miss most of the past.
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
# A function does not know of ``model.eval()``: what you pass as
# ``dropout_p`` is applied. Pass 0 unless the module trains;
# ``nn.MultiheadAttention`` does it for you.
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
# Fewer heads of keys than of queries: ``enable_gqa=True``
# --------------------------------------------------------
#
# In grouped-query attention several heads of queries share one of keys and
# values, so the cache is smaller. It equals repeating each head of keys
# and values; the counts must divide.
q = torch.randn(2, 8, 5, 16)
k, v = torch.randn(2, 2, 2, 5, 16)
y = F.scaled_dot_product_attention(q, k, v, enable_gqa=True)
k_all, v_all = (t.repeat_interleave(4, dim=1) for t in (k, v))
by_hand = F.scaled_dot_product_attention(q, k_all, v_all)
torch.allclose(y, by_hand, atol=1e-5)  # True
with suppress(RuntimeError):
    F.scaled_dot_product_attention(q, k, v)  # RuntimeError: must match

# %%
# A layer with weights: ``nn.MultiheadAttention``
# -----------------------------------------------
#
# Projects query, key and value, attends in ``num_heads`` heads and projects
# back. It returns a pair: the output and the weights, averaged over heads
# unless ``average_attn_weights=False``; with ``need_weights=False`` they
# are None, which is faster. Give the same tensor three times for
# self-attention.
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
# The rows of ``in_proj_weight`` are the weights for q, k and v. Each head
# gets ``embed_dim / num_heads`` consecutive features: split the features
# and then swap heads with time, as a mere ``view`` would mix positions. The
# function behind it is ``F.multi_head_attention_forward``.
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

# %%
# Read from another sequence: ``kdim`` and ``vdim``
# -------------------------------------------------
#
# In cross-attention the queries come from one sequence, keys and values
# from another, whose width may differ: say it with ``kdim`` and ``vdim``.
# The output is as long as the queries. There are then three matrices, and
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
# True marks what is filling, in shape (N, S). Its weight is exactly 0 and
# the valid positions come out as if the sequence were short. The outputs at
# the filling itself stay: ignore them later.
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
# For ``nn.MultiheadAttention`` the flag is only a promise that the mask you
# pass is causal, so the mask must be there. In ``eval()`` without gradients
# a missing one may go unnoticed, and the future is read. True means masked
# out: the upper triangle.
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
# Without ``batch_first=True`` inputs are (L, N, E). A batch of shape (N, L,
# E) runs, but the samples attend to each other: look at the shape of the
# weights, which must be (N, L, L).
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
# Results agree up to rounding; speed and memory differ. Name what is
# allowed to compare kernels, or to get an error where a fast one is
# refused. On the CPU there are ``MATH`` and ``FLASH_ATTENTION``; the others
# need a GPU, where ``torch.nn.attention.activate_flash_attention_impl`` can
# put in a newer one.
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
# ``score_mod`` gets a score and its indices and returns a new one: here a
# penalty that grows with distance (ALiBi). Compiled it becomes one fused
# kernel; as it stands it builds all scores and warns, so this is for
# checking.
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
# Every head gets an equal share of the features. The width of the input
# must be ``embed_dim``.
with suppress(AssertionError):
    nn.MultiheadAttention(10, 3)  # AssertionError: divisible by num_heads
mha = nn.MultiheadAttention(12, 3, batch_first=True)
mha.head_dim  # 4
x = torch.randn(2, 5, 10)
with suppress(AssertionError):
    mha(x, x, x)  # AssertionError: expecting embedding dimension of 12
