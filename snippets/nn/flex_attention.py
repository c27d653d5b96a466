"""
Attention masks in blocks, and the switches of attention
========================================================

``flex_attention`` skips the blocks of the scores that a mask hides. Look
into such a mask, and find out which kernels PyTorch may use for attention.
"""
import warnings
from contextlib import suppress

import torch
import torch.nn.functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.attention.bias import (
    CausalBias,
    CausalVariant,
    causal_lower_right,
)
from torch.nn.attention.flex_attention import (
    AuxOutput,
    AuxRequest,
    BlockMask,
    create_block_mask,
    flex_attention,
    noop_mask,
)


# %%
# Which blocks are computed: ``BlockMask``
# ----------------------------------------
#
# A ``BlockMask`` divides the matrix of scores into blocks. ``to_dense``
# shows with a 1 which of them have to be computed, here for 8 queries, 8
# keys and blocks of 2 by 2. ``sparsity`` is the share of the skipped blocks
# in percent. The blocks are large by default, 128 by 128.
def causal(batch, head, i, j):
    return j <= i


device = torch.get_default_device()
blocks = create_block_mask(causal, 1, 1, 8, 8, device, BLOCK_SIZE=2)
isinstance(blocks, BlockMask)  # True
dense = blocks.to_dense()[0, 0]
dense.bool().equal(torch.ones(4, 4).tril().bool())  # True
blocks.sparsity()  # 37.5
100 * 6 / 16  # 37.5
blocks.BLOCK_SIZE, blocks.shape  # ((2, 2), (1, 1, 8, 8))


# %%
# Documents in one sequence: a mask for ``flex_attention``
# --------------------------------------------------------
#
# To save padding, join several documents into one sequence. A token may
# attend to tokens of its own document. The function looks the documents up
# in a tensor. The result is that of each document alone.
def same_document(batch, head, i, j):
    return document[i] == document[j]


device = torch.get_default_device()
document = torch.tensor([0, 0, 0, 1, 1, 1, 1, 1])
blocks = create_block_mask(same_document, None, None, 8, 8, device)
q, k, v = torch.randn(3, 1, 2, 8, 16)
with warnings.catch_warnings(action="ignore"):
    y = flex_attention(q, k, v, block_mask=blocks)
first, second = (
    F.scaled_dot_product_attention(q[:, :, s], k[:, :, s], v[:, :, s])
    for s in (slice(0, 3), slice(3, 8))
)
torch.allclose(y, torch.cat([first, second], dim=2), atol=1e-5)  # True

# %%
# A mask that hides nothing: ``noop_mask``
# ----------------------------------------
#
# ``noop_mask`` returns True for each pair of positions. It is useful as a
# default value where a mask function is expected. The result is attention
# without a mask.
device = torch.get_default_device()
blocks = create_block_mask(noop_mask, None, None, 8, 8, device)
blocks.sparsity()  # 0.0 since 2.14, -25500.0 before
q, k, v = torch.randn(3, 1, 2, 8, 16)
with warnings.catch_warnings(action="ignore"):
    y = flex_attention(q, k, v, block_mask=blocks)
plain = F.scaled_dot_product_attention(q, k, v)
torch.allclose(y, plain, atol=1e-5)  # True

# %%
# The log-sum-exp of the scores: ``AuxRequest`` and ``AuxOutput``
# ---------------------------------------------------------------
#
# Ask for more results with ``AuxRequest``. They come in an ``AuxOutput``.
# ``lse`` is the logarithm of the sum of the exponentials of the scores, the
# denominator of the softmax. With it you can join the results for two parts
# of the keys.
q, k, v = torch.randn(3, 1, 2, 8, 16)
ask = AuxRequest(lse=True)
with warnings.catch_warnings(action="ignore"):
    y, extra = flex_attention(q, k, v, return_aux=ask)
    a, left = flex_attention(q, k[:, :, :3], v[:, :, :3], return_aux=ask)
    b, right = flex_attention(q, k[:, :, 3:], v[:, :, 3:], return_aux=ask)
isinstance(extra, AuxOutput)  # True
scores = q @ k.mT / 16**0.5
torch.allclose(extra.lse, scores.logsumexp(dim=-1), atol=1e-5)  # True
share = (left.lse - right.lse).sigmoid().unsqueeze(-1)
torch.allclose(share * a + (1 - share) * b, y, atol=1e-5)  # True

# %%
# Error: block_mask was created for a larger length
# -------------------------------------------------
#
# A ``BlockMask`` belongs to one number of queries and one of keys. Create a
# new one for another length.
def causal(batch, head, i, j):
    return j <= i


device = torch.get_default_device()
q, k, v = torch.randn(3, 1, 2, 8, 16)
blocks = create_block_mask(causal, None, None, 16, 16, device)
ours = suppress(RuntimeError, ValueError)
with ours, warnings.catch_warnings(action="ignore"):
    flex_attention(
        q, k, v, block_mask=blocks
    )  # RuntimeError: a larger since 2.14, ValueError: a larger before
blocks = create_block_mask(causal, None, None, 8, 8, device)
with warnings.catch_warnings(action="ignore"):
    y = flex_attention(q, k, v, block_mask=blocks)
right = F.scaled_dot_product_attention(q, k, v, is_causal=True)
torch.allclose(y, right, atol=1e-5)  # True

# %%
# A causal mask as an object: ``CausalBias``
# ------------------------------------------
#
# ``CausalBias`` says how a causal mask is lined up, and the kernel does not
# have to read a mask from memory. ``causal_lower_right`` makes such an
# object. It lines up the last query with the last key.
bias = CausalBias(CausalVariant.LOWER_RIGHT, 2, 5)
same = causal_lower_right(2, 5)
bias.variant == same.variant  # True
q, k, v = torch.randn(1, 1, 2, 8), *torch.randn(2, 1, 1, 5, 8)
y = F.scaled_dot_product_attention(q, k, v, attn_mask=bias)
mask = torch.tensor([[1, 1, 1, 1, 0], [1, 1, 1, 1, 1]]).bool()
by_hand = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
torch.allclose(y, by_hand, atol=1e-5)  # True

# %%
# Which kernels are allowed: ``SDPBackend``, ``torch.backends.cuda``
# ------------------------------------------------------------------
#
# PyTorch has several kernels for attention, and a switch for each. The
# switches are on by default. ``sdpa_kernel`` switches off the kernels that
# you do not name, until the block ends. ``enable_flash_sdp`` and its
# relatives change one switch for the whole program.
cuda = torch.backends.cuda


def switches():
    return cuda.math_sdp_enabled(), cuda.flash_sdp_enabled()


switches()  # (True, True)
with sdpa_kernel(SDPBackend.MATH):
    switches()  # (True, False)
    cuda.mem_efficient_sdp_enabled()  # False
    cuda.cudnn_sdp_enabled()  # False
cuda.enable_math_sdp(False)
switches()  # (False, True)
cuda.enable_math_sdp(True)
cuda.enable_flash_sdp(False)
switches()  # (True, False)
cuda.enable_flash_sdp(True)
switches()  # (True, True)
