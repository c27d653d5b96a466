"""
Attention masks
===============

Tell an attention layer which positions it may look at. A causal mask hides
the future; a padding mask hides the padding.
"""
from contextlib import suppress

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.attention.flex_attention import (
    and_masks,
    create_block_mask,
    create_mask,
    or_masks,
)

# %%
# Causal, padding and sliding window masks in one figure
# ------------------------------------------------------
#
# Each row is a query and each column a key. A light cell means that the
# query may attend to the key. The sequence has 5 real positions and 3
# padding positions, and the window covers 3 positions. True means "may
# attend" here, so ``&`` combines the masks.
i = torch.arange(8).unsqueeze(1)
j = torch.arange(8)
causal = j <= i
padding = (j < 5).expand(8, 8)
window = causal & (j > i - 3)
masks = {"j <= i": causal, "j < length": padding}
masks["(j <= i) & (j < length)"] = causal & padding
masks["(j <= i) & (j > i - 3)"] = window
figure, axes = plt.subplots(2, 2, figsize=(6.4, 6.4))
for (title, mask), ax in zip(masks.items(), axes.flat):
    ax.imshow(mask.cpu().numpy(), cmap="cividis")
    ax.set(title=title, xlabel="j", ylabel="i")
figure.tight_layout()
window.sum(dim=1)  # tensor([1, 2, 3, 3, 3, 3, 3, 3])

# %%
# Write a causal mask in three ways: ``tril``, ``triu``, ``-inf``
# ---------------------------------------------------------------
#
# A boolean mask marks either the pairs that may attend (``tril``) or the
# pairs that may not (``triu``). A float mask holds 0 where attention is
# allowed and minus infinity where it is not. ``nn.Transformer`` has a
# method that builds a causal float mask. A float mask means the same in
# ``F.scaled_dot_product_attention`` and in ``nn.MultiheadAttention``.
n = 3
ones = torch.ones(n, n, dtype=torch.bool)
take_part = ones.tril()
masked_out = ones.triu(diagonal=1)
torch.equal(take_part, ~masked_out)  # True
added = nn.Transformer.generate_square_subsequent_mask(n)
added.tolist()[1]  # [0.0, 0.0, -inf]
torch.equal(added == 0, take_part)  # True
q, k, v = torch.randn(3, 1, 1, n, 8)
y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
by_bool = F.scaled_dot_product_attention(q, k, v, attn_mask=take_part)
by_float = F.scaled_dot_product_attention(q, k, v, attn_mask=added)
torch.allclose(y, by_bool, atol=1e-5)  # True
torch.allclose(y, by_float, atol=1e-5)  # True

# %%
# True has opposite meanings in SDPA and ``nn.MultiheadAttention``
# ----------------------------------------------------------------
#
# ``F.scaled_dot_product_attention`` (SDPA) attends to a key where the mask
# is True. ``nn.MultiheadAttention`` and the Transformer layers ignore a key
# where the mask is True. PyTorch gives no warning if you mix them up.
# Invert the mask with ``~`` before you pass it to the other one.
visible = torch.tensor([[True, True, False]])
q, k = torch.randn(1, 1, 1, 8), torch.randn(1, 1, 3, 8)
marks = torch.eye(3).view(1, 1, 3, 3)
w = F.scaled_dot_product_attention(q, k, marks, attn_mask=visible)
(w > 0).view(-1)  # tensor([True, True, False])
mha = nn.MultiheadAttention(8, 1, batch_first=True)
x = torch.randn(1, 3, 8)
_, w = mha(x[:, :1], x, x, key_padding_mask=visible)
(w > 0).view(-1)  # tensor([False, False, True])
_, w = mha(x[:, :1], x, x, key_padding_mask=~visible)
(w > 0).view(-1)  # tensor([True, True, False])

# %%
# Padding mask from lengths, for both conventions
# -----------------------------------------------
#
# Compare the positions with the length of each sequence. The result has
# shape (N, S), one row per sequence. ``key_padding_mask`` takes this shape,
# with True for padding. In ``F.scaled_dot_product_attention`` the scores of
# L queries and S keys have shape (N, heads, L, S), so the mask needs two
# more dimensions of size 1 in the middle.
lengths = torch.tensor([3, 1])
valid = torch.arange(3) < lengths.unsqueeze(1)
filling = ~valid
filling  # tensor([[False, False, False], [False, True, True]])
q, k, v = torch.randn(3, 2, 4, 3, 8)
mask = valid[:, None, None, :]
mask.shape  # torch.Size([2, 1, 1, 3])
y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
only = v[1, :, :1].expand(4, 3, 8)
torch.allclose(y[1], only, atol=1e-5)  # True
mha = nn.MultiheadAttention(8, 2, batch_first=True)
x = torch.randn(2, 3, 8)
weights = mha(x, x, x, key_padding_mask=filling)[1]
weights[1, 0].detach()  # tensor([1., 0., 0.])

# %%
# Combine causal and padding masks
# --------------------------------
#
# If True means "may attend", use ``&``, because both masks must allow the
# pair. If True means "masked out", use ``|``. Float masks with minus
# infinity are added. Broadcasting brings the shapes together.
valid = torch.tensor([[True, True, False], [True, False, False]])
causal = torch.ones(3, 3, dtype=torch.bool).tril()
both = causal & valid[:, None, :]
both[0].long()  # tensor([[1, 0, 0], [1, 1, 0], [1, 1, 0]])
masked_out = ~causal | ~valid[:, None, :]
torch.equal(masked_out, ~both)  # True
zeros = torch.zeros(2, 3, 3)
total = zeros.masked_fill(~causal, -torch.inf)
total = total + zeros.masked_fill(~valid[:, None, :], -torch.inf)
torch.equal(total == 0, both)  # True

# %%
# A float mask is added to the scores
# -----------------------------------
#
# In a float mask, 0 changes nothing and minus infinity removes the key. Any
# other number raises or lowers the score; relative position biases work in
# this way. A float mask of ones and zeros therefore masks nothing. Convert
# it with ``.bool()`` first.
q, k = torch.randn(1, 1, 4, 8), torch.randn(1, 1, 4, 8)
marks = torch.eye(4).view(1, 1, 4, 4)
scores = q @ k.transpose(-2, -1) / 8**0.5
ones = torch.ones(4, 4).tril()
w = F.scaled_dot_product_attention(q, k, marks, attn_mask=ones)
(w == 0).sum()  # tensor(0)
torch.allclose(w, (scores + ones).softmax(dim=-1), atol=1e-5)  # True
w = F.scaled_dot_product_attention(q, k, marks, attn_mask=ones.bool())
(w == 0).sum()  # tensor(6)
bias = torch.randn(4, 4)
w = F.scaled_dot_product_attention(q, k, marks, attn_mask=bias)
torch.allclose(w, (scores + bias).softmax(dim=-1), atol=1e-5)  # True

# %%
# Masks for each sample or head: 3-D ``attn_mask``
# ------------------------------------------------
#
# ``nn.MultiheadAttention`` takes one mask of shape (L, S) for the whole
# batch, or one mask per sample and head, of shape (N * heads, L, S). The
# heads of one sample come one after another. ``repeat_interleave`` expands
# masks of shape (N, L, S) in this order. With ``repeat``, a sample would
# get another sample's mask.
mha = nn.MultiheadAttention(8, 2, batch_first=True)
x = torch.randn(3, 4, 8)
masks = torch.rand(3, 4, 4) < 0.5
masks[:, :, 0] = False
_, w = mha(x, x, x, attn_mask=masks.repeat_interleave(2, dim=0))
torch.equal(w == 0, masks)  # True
with suppress(RuntimeError):
    mha(
        x, x, x, attn_mask=masks
    )  # RuntimeError: The shape of the 3D attn_mask ... should be (6, 4, 4)

# %%
# Masks as functions of the indices: ``create_block_mask``
# --------------------------------------------------------
#
# ``create_mask`` turns a function into a boolean tensor, where True means
# "may attend". ``and_masks`` and ``or_masks`` combine two functions.
# ``create_block_mask`` records which blocks of 128 by 128 positions
# ``torch.nn.attention.flex_attention.flex_attention`` has to compute. The
# default device is the accelerator that PyTorch was built for, so pass
# ``device`` on a machine without a GPU.
def causal(batch, head, i, j):
    return j <= i


def window(batch, head, i, j):
    return i - j < 2


def prefix(batch, head, i, j):
    return j < 2


sizes = {"B": None, "H": None, "device": torch.get_default_device()}
both = create_mask(and_masks(causal, window), Q_LEN=3, KV_LEN=3, **sizes)
both[0, 0].long()  # tensor([[1, 0, 0], [1, 1, 0], [0, 1, 1]])
either = create_mask(or_masks(causal, prefix), Q_LEN=3, KV_LEN=3, **sizes)
either[0, 0].long()  # tensor([[1, 1, 0], [1, 1, 0], [1, 1, 1]])
blocks = create_block_mask(causal, Q_LEN=512, KV_LEN=512, **sizes)
blocks.shape  # (1, 1, 512, 512)
blocks.sparsity()  # 37.5

# %%
# A row that is all masked: nan or zeros
# --------------------------------------
#
# If a query may attend to no key, softmax sees nothing but minus infinity
# and returns nan. Here ``nn.MultiheadAttention`` returns nan for this
# query, and ``F.scaled_dot_product_attention`` returns zeros. Such rows
# appear when the padding is on the left and the mask is causal. Let every
# query attend to at least one key, for example to itself.
torch.full((2,), -torch.inf).softmax(dim=0)  # tensor([nan, nan])
mha = nn.MultiheadAttention(8, 2, batch_first=True)
x = torch.randn(1, 3, 8)
masked = torch.ones(3, 3, dtype=torch.bool).triu(diagonal=1)
masked[:, 0] = True
mha(x, x, x, attn_mask=masked)[0][0, 0].isnan().all()  # tensor(True)
masked.fill_diagonal_(False)
mha(x, x, x, attn_mask=masked)[0].isnan().any()  # tensor(False)
none = torch.zeros(1, 3, dtype=torch.bool)
q = x.unsqueeze(1)
y = F.scaled_dot_product_attention(q, q, q, attn_mask=none)
y.count_nonzero()  # tensor(0)

# %%
# Warning: support for mismatched key_padding_mask and attn_mask
# --------------------------------------------------------------
#
# ``generate_square_subsequent_mask`` returns a float mask, and a padding
# mask is often boolean. Use the same kind for both. With two boolean masks
# there is no warning, and the result is the same.
mha = nn.MultiheadAttention(8, 2, batch_first=True)
x = torch.randn(2, 3, 8)
filling = torch.tensor([[False, False, True], [False, False, False]])
added = nn.Transformer.generate_square_subsequent_mask(3)
masks = {"key_padding_mask": filling, "attn_mask": added}
old = mha(x, x, x, **masks)[0]  # UserWarning: mismatched key_padding_mask
masks["attn_mask"] = added != 0
torch.allclose(mha(x, x, x, **masks)[0], old, atol=1e-6)  # True

# %%
# Error: the shape or the type of ``attn_mask``
# ---------------------------------------------
#
# A 2-D ``attn_mask`` has shape (L, S). A mask of shape (N, S) belongs in
# ``key_padding_mask``. Integer masks raise an error. In
# ``F.scaled_dot_product_attention``, a mask together with
# ``is_causal=True`` raises one as well.
mha = nn.MultiheadAttention(8, 2, batch_first=True)
x = torch.randn(2, 5, 8)
filling = torch.tensor([[0, 0, 0, 0, 1], [0, 0, 0, 1, 1]])
with suppress(AssertionError):
    mha(x, x, x, key_padding_mask=filling)  # AssertionError: only bool
filling = filling.bool()
with suppress(RuntimeError):
    mha(x, x, x, attn_mask=filling)  # RuntimeError: should be (5, 5)
mha(x, x, x, key_padding_mask=filling)[0].shape  # torch.Size([2, 5, 8])
attend = F.scaled_dot_product_attention
mask = torch.ones(5, 5, dtype=torch.bool).tril()
with suppress(RuntimeError):
    attend(x, x, x, mask, is_causal=True)  # RuntimeError: should not be set
attend(x, x, x, mask).shape  # torch.Size([2, 5, 8])
