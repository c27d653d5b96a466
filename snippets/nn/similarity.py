"""
Similarity and distance
=======================

Compare the vectors of a batch by their angle or by their distance.
"""
from contextlib import suppress

import torch
import torch.nn.functional as F
from torch import nn

# %%
# Angle between vectors: ``nn.CosineSimilarity``, ``F.cosine_similarity``
# -----------------------------------------------------------------------
#
# The cosine similarity is the dot product divided by the product of the
# lengths. It is 1 for the same direction, 0 for perpendicular vectors and
# -1 for opposite directions. The lengths have no influence, so use a
# distance if they matter.
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
# The default is ``dim=1``, in the function and in the module, and it fits
# inputs of shape (N, features). Use ``dim=-1`` for sequences of shape (N,
# L, features), and ``dim=0`` for two single vectors.
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
# ``F.cosine_similarity`` compares each row with the row at the same
# position. To compare each row of one batch with each row of another batch,
# normalize the two batches and multiply the matrices. Broadcasting gives
# the same result but needs more memory.
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
# The distance is the p-norm of the difference over the last dimension. The
# default is the Euclidean distance, ``p=1`` adds up the absolute
# differences, and ``p=inf`` takes the largest difference. "Pairwise" means
# that rows at the same position are compared, not all pairs of rows.
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
# ``F.pdist`` returns a vector with the distance of each pair of rows: (0,
# 1), (0, 2), then (1, 2). These are the values above the diagonal of the
# matrix that ``torch.cdist`` gives. ``torch.pdist`` gives the same result.
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
# measures rank neighbours in the same order. If a search index supports
# only the Euclidean distance, normalize the vectors first. The index then
# also finds the neighbours by cosine similarity.
a = F.normalize(torch.randn(100, 16, dtype=torch.float64))
b = F.normalize(torch.randn(100, 16, dtype=torch.float64))
squared = F.pairwise_distance(a, b, eps=0).square()
torch.allclose(squared, 2 - 2 * F.cosine_similarity(a, b))  # True

# %%
# Distance of equal vectors is not zero: ``F.pairwise_distance(eps=...)``
# -----------------------------------------------------------------------
#
# ``eps``, by default 1e-6, is added to each difference. The distance of two
# equal vectors is therefore :math:`\epsilon \sqrt{n}`, and the result
# depends slightly on the order of the arguments. With ``eps=0`` you get the
# plain norm.
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
# A length below ``eps``, by default 1e-8, counts as ``eps``, so a zero
# vector gives 0 instead of nan. For vectors shorter than ``eps``, the
# similarity is too small, even of a vector with itself. In float16 the
# default rounds to 0, and a zero vector gives nan.
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
# Counts and other integer tensors must be converted to floats first.
counts = torch.tensor([[3, 4]])
with suppress(RuntimeError):
    F.cosine_similarity(counts, counts)  # RuntimeError: floating point
F.cosine_similarity(counts.float(), counts.float())  # tensor([1.0000])
