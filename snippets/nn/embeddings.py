"""
Embeddings
==========

Learn a vector for each word, user or other id: an embedding is a look-up
table whose rows are trained.
"""
from contextlib import suppress

import torch
import torch.nn.functional as F
from torch import nn

# %%
# A vector for each id: ``nn.Embedding``
# --------------------------------------
#
# Each index picks a row of the weight, so the result has one dimension more
# than the indices. The indices are integers from 0 to ``num_embeddings``
# minus 1.
table = nn.Embedding(num_embeddings=4, embedding_dim=2)
rows = torch.tensor([[0.0, 1.0], [10, 11], [20, 21], [30, 31]])
table.weight = nn.Parameter(rows)
ids = torch.tensor([[3, 1, 1], [0, 2, 3]])
table(ids).shape  # torch.Size([2, 3, 2])
table(ids)[0].tolist()  # [[30.0, 31.0], [10.0, 11.0], [10.0, 11.0]]

# %%
# What an embedding computes: one-hot times weight
# ------------------------------------------------
#
# ``F.embedding`` looks up the same rows as plain indexing, but does not
# accept negative ids. ``F.one_hot`` times the weight gives the same
# numbers, too. It does more work, because it multiplies with mostly zeros.
weight = torch.tensor([[0.0, 1.0], [10.0, 11.0], [20.0, 21.0]])
ids = torch.tensor([1, 0])
rows = F.embedding(ids, weight)
rows  # tensor([[10., 11.], [0., 1.]])
torch.equal(rows, weight[ids])  # True
F.one_hot(ids, num_classes=3)  # tensor([[0, 1, 0], [1, 0, 0]])
one_hot = F.one_hot(ids, num_classes=3).float()
torch.allclose(one_hot @ weight, rows)  # True

# %%
# Padding that is not trained: ``nn.Embedding(padding_idx=...)``
# --------------------------------------------------------------
#
# The row of ``padding_idx`` starts as zeros and gets no gradient. If you
# initialize the whole weight later, the row is overwritten and then keeps
# these values, so set it to zero again. Later layers treat the row like any
# other. Mask the padded positions there as well.
table = nn.Embedding(3, 2, padding_idx=0)
table.weight[0].tolist()  # [0.0, 0.0]
table.padding_idx  # 0
ids = torch.tensor([1, 2, 2, 0, 0])
table(ids).sum().backward()
table.weight.grad  # tensor([[0., 0.], [1., 1.], [2., 2.]])
nn.init.normal_(table.weight)
table.weight[0].count_nonzero()  # tensor(2)
with torch.no_grad():
    table.weight[table.padding_idx].zero_()
table.weight[0].tolist()  # [0.0, 0.0]

# %%
# Start from given vectors: ``nn.Embedding.from_pretrained``
# ----------------------------------------------------------
#
# By default the vectors are frozen; pass ``freeze=False`` to train them.
# The table shares memory with the tensor that you pass. Clone the tensor if
# you use it elsewhere.
vectors = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
table = nn.Embedding.from_pretrained(vectors)
table(torch.tensor([1]))  # tensor([[3., 4.]])
table.weight.requires_grad  # False
table.weight.data_ptr() == vectors.data_ptr()  # True
tuned = nn.Embedding.from_pretrained(vectors.clone(), freeze=False)
tuned.weight.requires_grad  # True

# %%
# One vector for a bag of ids: ``nn.EmbeddingBag``
# ------------------------------------------------
#
# ``nn.EmbeddingBag`` looks up the vectors and reduces them in one step.
# ``mode`` is ``"mean"`` by default, or ``"sum"`` or ``"max"``. In a 2-D
# input each row is one bag. For bags of different lengths, join the ids and
# pass in ``offsets`` where each bag begins.
vectors = torch.tensor([[1.0], [2.0], [4.0], [8.0]])
ids = torch.tensor([0, 1, 2, 3, 3])
offsets = torch.tensor([0, 2])
bags = vectors[ids[:2]], vectors[ids[2:]]
modes = {"mean": torch.mean, "sum": torch.sum, "max": torch.amax}
for mode, reduce in modes.items():
    layer = nn.EmbeddingBag.from_pretrained(vectors, mode=mode)
    by_hand = torch.stack([reduce(bag, dim=0) for bag in bags])
    torch.allclose(layer(ids, offsets), by_hand)  # True
layer(ids, offsets)  # tensor([[2.], [8.]])
layer(torch.tensor([[0, 1], [2, 0]]))  # tensor([[2.], [4.]])

# %%
# Weighted bags: ``per_sample_weights`` (``F.embedding_bag``)
# -----------------------------------------------------------
#
# ``per_sample_weights`` multiplies each vector by a weight before the sum,
# for example by word counts or tf-idf. It works only with ``mode="sum"``.
# With ``include_last_offset=True``, ``offsets`` has one more entry, the
# number of ids.
vectors = torch.tensor([[1.0], [10.0], [100.0]])
ids = torch.tensor([0, 1, 2])
weights = torch.tensor([2.0, 3.0, 4.0])
offsets = torch.tensor([0, 2, 3])
options = {"mode": "sum", "include_last_offset": True}
options["per_sample_weights"] = weights
F.embedding_bag(ids, vectors, offsets, **options)  # tensor([[32.], [400.]])

# %%
# Divide by how often an id occurs: ``scale_grad_by_freq=True``
# -------------------------------------------------------------
#
# By default, the gradients for one row are added up.
# ``scale_grad_by_freq=True`` divides this sum by the number of times that
# the id occurs in the batch. Before 2.14, ``F.embedding_bag`` on the CPU
# divided by wrong counts.
ids = torch.tensor([[1, 1], [1, 2]], device="cpu")
table = torch.ones(3, 1, device="cpu", requires_grad=True)
F.embedding(ids, table).sum().backward()
table.grad.flatten()  # tensor([0., 3., 1.])
table.grad = None
F.embedding(ids, table, scale_grad_by_freq=True).sum().backward()
table.grad.flatten()  # tensor([0., 1., 1.])
table.grad = None
F.embedding_bag(
    ids, table, mode="sum", scale_grad_by_freq=True
).sum().backward()
table.grad[2]  # tensor([1.]) since 2.14, tensor([0.3333]) before

# %%
# Bound the length of vectors: ``nn.Embedding(max_norm=...)``
# -----------------------------------------------------------
#
# If a row that is looked up is longer than ``max_norm``, it is scaled down.
# This changes the weight itself, in place, during the forward pass. If you
# use the weight elsewhere in the same graph, use a clone of it there.
table = nn.Embedding(2, 2, max_norm=1.0)
table.weight = nn.Parameter(torch.tensor([[3.0, 4.0], [6.0, 8.0]]))
table(torch.tensor([0])).norm() <= 1.0001  # tensor(True)
table.weight[0].detach()  # tensor([0.6000, 0.8000])
table.weight[1].tolist()  # [6.0, 8.0]

# %%
# Gradient of a large table: ``nn.Embedding(sparse=True)``
# --------------------------------------------------------
#
# With ``sparse=True``, the gradient is a sparse tensor that holds only the
# rows that were used. Few optimizers accept it: ``torch.optim.SGD`` and
# ``torch.optim.Adagrad``, both without weight decay, and
# ``torch.optim.SparseAdam``. ``torch.optim.LBFGS`` makes it dense.
table = nn.Embedding(1000, 2, sparse=True)
table(torch.tensor([7, 42, 7])).sum().backward()
grad = table.weight.grad
grad.layout  # torch.sparse_coo
grad.coalesce().indices()  # tensor([[7, 42]])
grad.coalesce().values()  # tensor([[2., 2.], [1., 1.]])
decayed = torch.optim.SGD(table.parameters(), lr=0.1, weight_decay=0.1)
with suppress(RuntimeError):
    decayed.step()  # RuntimeError: add(sparse, dense) is not supported

# %%
# Sampled ids outside the vocabulary: an embedding is not the logits
# ------------------------------------------------------------------
#
# A bigram model predicts the next token from the current token alone, so it
# can use the rows of ``nn.Embedding(vocab, vocab)`` as logits. With another
# width, a row has one number for each feature and not for each token, so
# sampled ids can exceed the vocabulary. Add a linear layer from the width
# to the vocabulary size after the embedding.
vocab, width = 6, 100
table, head = nn.Embedding(vocab, width), nn.Linear(width, vocab)
ids = torch.zeros(500, dtype=torch.int64)
scores = table(ids)
scores.shape  # torch.Size([500, 100])
sampled = torch.multinomial(scores.softmax(dim=-1), 1)
sampled.max() >= vocab  # tensor(True)
logits = head(table(ids))
logits.shape  # torch.Size([500, 6])
sampled = torch.multinomial(logits.softmax(dim=-1), 1)
sampled.max() < vocab  # tensor(True)

# %%
# Error: index out of range in self (``nn.Embedding``)
# ----------------------------------------------------
#
# An id is negative, or it is not below ``num_embeddings``. Remember to
# count padding and unknown words. On a GPU the message is "device-side
# assert triggered", and the process cannot use the GPU afterwards. The code
# here therefore runs on the CPU.
table = nn.Embedding(10, 3, device="cpu")
ids = torch.tensor([4, 10], device="cpu")
with suppress(IndexError):
    table(ids)  # IndexError: index out of range in self
ids.max() < table.num_embeddings  # tensor(False)
wider = nn.Embedding(int(ids.max()) + 1, 3, device="cpu")
wider(ids).shape  # torch.Size([2, 3])

# %%
# Error: expected tensor for argument 'indices' to have Long or Int
# -----------------------------------------------------------------
#
# Ids must be int64 or int32, so uint8 raises an error as well. If the ids
# were stored in a float tensor, convert them with ``long``. For real-valued
# features, use ``nn.Linear`` instead.
table = nn.Embedding(10, 3)
ids = torch.tensor([1.0, 2.0])
with suppress(RuntimeError):
    table(ids)  # RuntimeError: to have one of the following scalar types
with suppress(RuntimeError):
    table(ids.byte())  # RuntimeError: scalar types: Long, Int
table(ids.long()).shape  # torch.Size([2, 3])
