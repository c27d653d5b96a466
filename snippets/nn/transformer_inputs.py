"""
Inputs and decoding of transformers
===================================

Solve the shape errors of attention layers, connect two kinds of input, and
generate an output sequence when there is no target.
"""
from contextlib import suppress

import torch
import torch.nn.functional as F
from torch import nn

# %%
# Decode without a target: feed the output back in
# ------------------------------------------------
#
# Encode the source once and begin with the start token. In each step, take
# the logits of the last position and append the best token, until the end
# token appears. In training, the decoder gets the whole shifted target with
# a causal mask, so use the same mask here.
embed, to_logits = nn.Embedding(12, 16), nn.Linear(16, 12)
model = nn.Transformer(16, 2, 1, 1, 32, 0.0, batch_first=True).eval()
start, end, steps = 1, 2, 6
with torch.no_grad():
    memory = model.encoder(embed(torch.tensor([[5, 6, 7]])))
    tokens = torch.tensor([[start]])
    for _ in range(steps):
        length = tokens.shape[1]
        mask = torch.ones(length, length, dtype=torch.bool).triu(diagonal=1)
        y = model.decoder(embed(tokens), memory, tgt_mask=mask)
        token = to_logits(y[:, -1]).argmax(dim=-1, keepdim=True)
        tokens = torch.cat([tokens, token], dim=1)
        if token.item() == end:
            break
2 <= tokens.shape[1] <= 1 + steps  # True

# %%
# Is ``tgt_key_padding_mask`` needed beside a causal mask?
# --------------------------------------------------------
#
# With a causal ``tgt_mask`` and the padding on the right, no real position
# sees the padding. The outputs at the real positions are then the same
# without ``tgt_key_padding_mask``, and ``ignore_index`` leaves the padded
# positions out of the loss. Without a causal mask, or with the padding on
# the left, the decoder needs the mask. ``memory_key_padding_mask`` hides
# the padding of the source and is needed either way.
layer = nn.TransformerDecoderLayer(16, 4, 32, 0.0, batch_first=True)
decoder = nn.TransformerDecoder(layer, 2).double()
target, memory = torch.randn(2, 1, 5, 16, dtype=torch.float64)
causal = torch.ones(5, 5, dtype=torch.bool).triu(diagonal=1)
pad = torch.tensor([[False, False, False, True, True]])
y = decoder(target, memory, tgt_mask=causal)
same = decoder(target, memory, causal, tgt_key_padding_mask=pad)
torch.allclose(y[:, :3], same[:, :3])  # True
y = decoder(target, memory)
other = decoder(target, memory, tgt_key_padding_mask=pad)
torch.allclose(y[:, :3], other[:, :3])  # False
alone = decoder(target[:, 2:], memory, causal[2:, 2:])
left = decoder(target, memory, causal)[:, 2:]
torch.allclose(left, alone)  # False
short = decoder(target, memory[:, :3], causal)
torch.allclose(decoder(target, memory, causal), short)  # False
padded = decoder(target, memory, causal, memory_key_padding_mask=pad)
torch.allclose(padded, short)  # True

# %%
# Cross-attention: query from a text, key and value from an image
# ---------------------------------------------------------------
#
# The query comes from one input, and the key and the value come from the
# other. The output has the length of the query. ``flatten(2).transpose(1,
# 2)`` turns feature maps into a sequence. A linear layer gives both inputs
# the same width.
text, maps = torch.randn(2, 7, 16), torch.randn(2, 32, 4, 4)
image = maps.flatten(2).transpose(1, 2)
image.shape  # torch.Size([2, 16, 32])
image = nn.Linear(32, 16)(image)
attention = nn.MultiheadAttention(16, 4, batch_first=True)
output, weights = attention(text, image, image)
output.shape  # torch.Size([2, 7, 16])
weights.shape  # torch.Size([2, 7, 16])
torch.allclose(weights.sum(dim=2), torch.ones(2, 7), atol=1e-5)  # True

# %%
# Error: was expecting embedding dimension of 8, but got 4
# --------------------------------------------------------
#
# The last dimension of the query must have the size ``embed_dim``, which
# Transformer layers call ``d_model``. Use ``nn.Linear`` to bring other
# features to this width. Token ids must go through ``nn.Embedding`` first.
attention = nn.MultiheadAttention(8, 2, batch_first=True)
x = torch.randn(3, 5, 4)
with suppress(AssertionError):
    attention(
        x, x, x
    )  # AssertionError: was expecting embedding dimension of 8, but got 4
wide = nn.Linear(4, 8)(x)
attention(wide, wide, wide)[0].shape  # torch.Size([3, 5, 8])

# %%
# Error: key shape does not match value shape (``nn.MultiheadAttention``)
# -----------------------------------------------------------------------
#
# The key and the value describe the same positions, so they need the same
# length. The query may have a different length. The message shows the
# length before the batch, even with ``batch_first=True``.
attention = nn.MultiheadAttention(8, 2, batch_first=True)
query = torch.randn(3, 2, 8)
key, value = torch.randn(3, 5, 8), torch.randn(3, 6, 8)
with suppress(AssertionError):
    attention(
        query, key, value
    )  # AssertionError: key shape torch.Size([5, 3, 8]) does not match
attention(query, key, key)[0].shape  # torch.Size([3, 2, 8])

# %%
# Error: query should be unbatched 2D or batched 3D tensor
# --------------------------------------------------------
#
# ``nn.MultiheadAttention`` splits the heads itself and takes inputs of
# shape (batch, length, width). If your tensors have the shape (batch,
# heads, length, head width), join the heads first or use
# ``F.scaled_dot_product_attention``.
attention = nn.MultiheadAttention(8, 2, batch_first=True)
q = torch.randn(3, 2, 5, 4)
with suppress(AssertionError):
    attention(
        q, q, q
    )  # AssertionError: query should be unbatched 2D or batched 3D tensor
x = q.transpose(1, 2).flatten(2)
attention(x, x, x)[0].shape  # torch.Size([3, 5, 8])
F.scaled_dot_product_attention(q, q, q).shape  # torch.Size([3, 2, 5, 4])

# %%
# Split and join heads: ``unflatten`` and ``transpose``, not ``view``
# -------------------------------------------------------------------
#
# First split the width into heads, then move the heads before the length. A
# direct ``view`` to (batch, heads, length, width) gives the right shape but
# mixes the positions, and no error is raised. Undo both steps at the end.
x = torch.arange(12.0).view(1, 3, 4)
heads = x.unflatten(2, (2, 2)).transpose(1, 2)
heads.shape  # torch.Size([1, 2, 3, 2])
heads[0, 0]  # tensor([[0., 1.], [4., 5.], [8., 9.]])
x.view(1, 2, 3, 2)[0, 0]  # tensor([[0., 1.], [2., 3.], [4., 5.]])
joined = heads.transpose(1, 2).flatten(2)
torch.equal(joined, x)  # True

# %%
# Sentence vector: mean of the tokens without padding
# ---------------------------------------------------
#
# Multiply by the mask before you sum, and divide by the number of real
# tokens. ``clamp`` avoids a division by 0 for an empty text. A plain
# ``mean`` over the length would include the padding. The last two lines
# take the last real token instead of the mean.
hidden = torch.tensor([[[1.0, 3.0], [3.0, 5.0], [9.0, 9.0]]])
mask = torch.tensor([[1, 1, 0]]).unsqueeze(2)
vector = (hidden * mask).sum(dim=1) / mask.sum(dim=1).clamp(min=1)
vector  # tensor([[2., 4.]])
hidden.mean(dim=1).round(decimals=2)  # tensor([[4.33, 5.67]])
last = mask.sum(dim=1) - 1
hidden[torch.arange(1), last[:, 0]]  # tensor([[3., 5.]])

# %%
# Scale embeddings by the square root of ``d_model``
# --------------------------------------------------
#
# The original transformer multiplies the token vectors by the square root
# of ``d_model``. This fits vectors with an initial standard deviation of
# ``d_model**-0.5``, because the product has a standard deviation of 1.
# ``nn.Embedding`` starts with a standard deviation of 1, so leave out the
# factor or use smaller initial values.
width = 64
words = nn.Embedding(1000, width)
0.95 < words.weight.std() < 1.05  # tensor(True)
nn.init.normal_(words.weight, std=width**-0.5)
scaled = words(torch.arange(1000)) * width**0.5
0.95 < scaled.std() < 1.05  # tensor(True)
