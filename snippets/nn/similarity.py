"""
Similarity and distance
=======================

Compare vectors in a batch: by angle or by distance.
"""
from contextlib import suppress

import torch
import torch.nn.functional as F
from torch import nn

# %%
# Angle between vectors: ``nn.CosineSimilarity``, ``F.cosine_similarity``
# -----------------------------------------------------------------------
#
# The dot product over the product of lengths: 1 for the same direction, 0
# for perpendicular vectors, -1 for opposite ones. Lengths do not count;
# where they should, take a distance.
a = torch.tensor([[1.0, 0.0], [3.0, 4.0], [1.0, 1.0]])
b = torch.tensor([[0.0, 2.0], [6.0, 8.0], [-2.0, -2.0]])
F.cosine_similarity(a, b)  # tensor([0.0000, 1.0000, -1.0000])
by_hand = (a * b).sum(1) / (a.norm(dim=1) * b.norm(dim=1))
torch.allclose(nn.CosineSimilarity()(a, b), by_hand)  # True
torch.allclose(F.cosine_similarity(10 * a, b), by_hand, atol=1e-6)  # True

# %%
# Dimension of the vectors: ``F.cosine_similarity(dim=...)``
# ----------------------------------------------------------
#
# ``dim=1`` is the default in function and module, which is right for
# (N, features). Sequences (N, L, features) want ``dim=-1``, two plain
# vectors ``dim=0``.
a, b = torch.rand(4, 7, 16), torch.rand(4, 7, 16)
F.cosine_similarity(a, b).shape  # torch.Size([4, 16])
F.cosine_similarity(a, b, dim=-1).shape  # torch.Size([4, 7])
u, v = torch.tensor([3.0, 4.0]), torch.tensor([4.0, 3.0])
with suppress(IndexError):
    F.cosine_similarity(u, v)  # IndexError: Dimension out of range
F.cosine_similarity(u, v, dim=0)  # tensor(0.9600)

# %%
# Cosine similarity of all pairs of two batches
# ---------------------------------------------
#
# The function compares row with row. For every row with every other,
# normalize and multiply, which needs the least memory, or let the
# dimensions broadcast.
a, b = torch.rand(5, 8), torch.rand(3, 8)
table = F.normalize(a, dim=1) @ F.normalize(b, dim=1).T
table.shape  # torch.Size([5, 3])
broadcast = F.cosine_similarity(a[:, None], b[None], dim=-1)
torch.allclose(table, broadcast, atol=1e-5)  # True
with suppress(RuntimeError):
    F.cosine_similarity(a, b)  # RuntimeError: must match the size of tensor

# %%
# Distance row by row: ``nn.PairwiseDistance``, ``F.pairwise_distance``
# ---------------------------------------------------------------------
#
# The p-norm of the difference over the last dimension: Euclidean by
# default, ``p=1`` adds up the absolute differences, ``p=inf`` takes the
# largest. "Pairwise" means row with row, not all pairs.
a = torch.tensor([[0.0, 0.0], [1.0, 1.0]])
b = torch.tensor([[3.0, 4.0], [1.0, 3.0]])
F.pairwise_distance(a, b)  # tensor([5.0000, 2.0000])
F.pairwise_distance(a, b, p=1)  # tensor([7.0000, 2.0000])
F.pairwise_distance(a, b, p=float("inf"))  # tensor([4.0000, 2.0000])
by_hand = (a - b).abs().pow(3).sum(dim=1).pow(1 / 3)
torch.allclose(nn.PairwiseDistance(p=3)(a, b), by_hand)  # True
nn.PairwiseDistance(keepdim=True)(a, b).shape  # torch.Size([2, 1])

# %%
# Distances within one batch: ``F.pdist``
# ---------------------------------------
#
# Every pair of rows once, in one long vector: (0, 1), (0, 2), ..., then (1,
# 2). It is the upper triangle of what ``torch.cdist`` gives as a matrix,
# and ``torch.pdist`` is the same function.
points = torch.tensor([[0.0, 0.0], [3.0, 4.0], [0.0, 1.0]])
F.pdist(points)  # tensor([5.0000, 1.0000, 4.2426])
F.pdist(points, p=1)  # tensor([7., 1., 6.])
i, j = torch.triu_indices(3, 3, offset=1)
matrix = torch.cdist(points, points)
torch.allclose(F.pdist(points), matrix[i, j])  # True
torch.allclose(torch.pdist(points), F.pdist(points))  # True
F.pdist(torch.rand(10, 4)).shape  # torch.Size([45])

# %%
# Cosine similarity as a distance of unit vectors
# -----------------------------------------------
#
# For vectors of length 1, :math:`\|a - b\|^2 = 2 - 2 \cos(a, b)`, so both
# rank neighbours alike. An index that knows Euclidean distance only can
# serve cosine search: normalize first.
a = F.normalize(torch.randn(100, 16, dtype=torch.float64))
b = F.normalize(torch.randn(100, 16, dtype=torch.float64))
squared = F.pairwise_distance(a, b, eps=0).square()
torch.allclose(squared, 2 - 2 * F.cosine_similarity(a, b))  # True

# %%
# Distance of equal vectors is not zero: ``F.pairwise_distance(eps=...)``
# -----------------------------------------------------------------------
#
# ``eps``, 1e-6 by default, is added to every difference, so equal vectors
# are :math:`\epsilon \sqrt{n}` apart and the result depends a little on
# which comes first. With ``eps=0`` it is the plain norm.
a = torch.ones(1, 4)
F.pairwise_distance(a, a) * 1e6  # tensor([2.0000])
F.pairwise_distance(a, a, eps=0)  # tensor([0.])
torch.linalg.vector_norm(a - a, dim=1)  # tensor([0.])
b = torch.zeros(1, 4)
F.pairwise_distance(a, b, eps=0.5)  # tensor([3.])
F.pairwise_distance(b, a, eps=0.5)  # tensor([1.])

# %%
# Cosine similarity with a zero vector: ``eps``
# ---------------------------------------------
#
# Each length is taken as ``eps`` at least, so a zero vector gets 0 and no
# nan. Vectors shorter than that, 1e-8 by default, come out too small, even
# against themselves. In float16 1e-8 is 0, and a zero vector gives nan.
zero, one = torch.zeros(1, 2), torch.ones(1, 2)
F.cosine_similarity(zero, one)  # tensor([0.])
half = F.cosine_similarity(zero.half(), one.half())
half  # tensor([nan], dtype=torch.float16)
tiny = torch.tensor([[3e-10, 4e-10]])
F.cosine_similarity(tiny, tiny)  # tensor([0.0025])
F.cosine_similarity(tiny, tiny, eps=1e-12)  # tensor([1.0000])

# %%
# Error: expected common dtype to be floating point
# -------------------------------------------------
#
# Counts and other integers have to be converted first.
counts = torch.tensor([[3, 4]])
with suppress(RuntimeError):
    F.cosine_similarity(counts, counts)  # RuntimeError: floating point
F.cosine_similarity(counts.float(), counts.float())  # tensor([1.0000])
