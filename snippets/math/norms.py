"""
Norms and distances
===================

Compute norms of vectors and matrices and distances between points, and
scale vectors to length 1.
"""
from contextlib import suppress

import torch
import torch.nn.functional as F

# %%
# Length of vectors: ``torch.linalg.vector_norm``
# -----------------------------------------------
#
# By default the result is the Euclidean length. ``ord=1`` gives the sum of
# the absolute values, ``inf`` the largest of them, and 0 the number of
# nonzero elements. Without ``dim`` the whole tensor counts as one vector.
# With ``dim`` each slice along this dimension is a vector.
x = torch.tensor([[3.0, 4.0], [0.0, -2.0]])
torch.linalg.vector_norm(x, dim=1)  # tensor([5., 2.])
torch.linalg.vector_norm(x, ord=1, dim=1)  # tensor([7., 2.])
torch.linalg.vector_norm(x, ord=float("inf"), dim=1)  # tensor([4., 2.])
torch.linalg.vector_norm(x, ord=0, dim=1)  # tensor([2., 1.])
torch.linalg.vector_norm(x)  # tensor(5.3852)
x.square().sum().sqrt()  # tensor(5.3852)
cubes = (x.abs() ** 3).sum(dim=1) ** (1 / 3)
torch.allclose(torch.linalg.vector_norm(x, ord=3, dim=1), cubes)  # True

# %%
# Norm of a matrix: ``torch.linalg.matrix_norm``
# ----------------------------------------------
#
# The default ``"fro"`` (Frobenius norm) is the vector norm of all elements.
# 2 gives the largest singular value, -2 the smallest, and ``"nuc"`` their
# sum. 1 gives the largest column sum of absolute values, and ``inf`` the
# largest row sum.
A = torch.tensor([[3.0, 0.0], [0.0, -4.0]])
torch.linalg.matrix_norm(A)  # tensor(5.)
torch.linalg.matrix_norm(A, 2)  # tensor(4.0000)
torch.linalg.matrix_norm(A, -2)  # tensor(3.0000)
torch.linalg.matrix_norm(A, "nuc")  # tensor(7.0000)
B = torch.tensor([[1.0, 2.0], [-3.0, 4.0]])
torch.linalg.matrix_norm(B, 1)  # tensor(6.)
torch.linalg.matrix_norm(B, float("inf"))  # tensor(7.)
torch.linalg.matrix_norm(torch.stack([A, 2 * A]))  # tensor([5., 10.])
largest = torch.linalg.svdvals(B)[0]
torch.allclose(torch.linalg.matrix_norm(B, 2), largest)  # True

# %%
# ``torch.norm`` and ``Tensor.norm``: what to write instead
# ---------------------------------------------------------
#
# ``torch.norm`` is deprecated, although it gives no warning. For a matrix
# its ``p=2`` is the vector norm, while ``torch.linalg.norm`` with ``ord=2``
# is the largest singular value. Write ``vector_norm`` or ``matrix_norm`` to
# make clear which one you mean. ``torch.frobenius_norm`` and
# ``torch.nuclear_norm`` do give a warning.
A = torch.tensor([[3.0, 0.0], [0.0, 4.0]])
torch.norm(A)  # tensor(5.)
A.norm(p=2)  # tensor(5.)
torch.linalg.norm(A, ord=2)  # tensor(4.0000)
torch.linalg.vector_norm(A, ord=2)  # tensor(5.)
A.norm(p=1), torch.linalg.norm(A, ord=1)  # (tensor(7.), tensor(4.))
torch.norm(A, p="nuc")  # tensor(7.0000)
torch.nuclear_norm(A)  # UserWarning: at::nuclear_norm is deprecated
with suppress(TypeError):
    torch.frobenius_norm(A)  # TypeError: missing 1 required positional
old = torch.frobenius_norm(A, dim=(0, 1))  # UserWarning: linalg.vector_norm
old == torch.linalg.matrix_norm(A)  # tensor(True)

# %%
# NumPy's norm: ``torch.linalg.norm``
# -----------------------------------
#
# ``torch.linalg.norm`` chooses between a vector and a matrix norm. With
# ``ord``, a 1-D tensor is a vector and a 2-D tensor is a matrix. A single
# ``dim`` asks for vector norms, and two numbers in ``dim`` ask for matrix
# norms. A 3-D tensor with ``ord`` needs ``dim``.
x = torch.tensor([3.0, -4.0])
torch.linalg.norm(x, ord=1)  # tensor(7.)
torch.linalg.norm(x[None], ord=1)  # tensor(4.)
torch.linalg.norm(x[None], ord=1, dim=1)  # tensor([7.])
batch = torch.ones(3, 2, 4)
torch.linalg.norm(batch, ord=1, dim=(1, 2))  # tensor([2., 2., 2.])
with suppress(RuntimeError):
    torch.linalg.norm(batch, ord=1)  # RuntimeError: must be 1D or 2D

# %%
# Scale vectors to length 1: ``F.normalize``
# ------------------------------------------
#
# ``F.normalize`` divides each vector by its norm along ``dim``, which is 1
# by default. It divides by ``eps`` if the norm is smaller, so a zero vector
# in float32 stays zero. If you divide by the norm yourself, a zero vector
# becomes nan. For embeddings in the last dimension write ``dim=-1``.
x = torch.tensor([[3.0, 4.0], [0.0, 0.0]])
F.normalize(x)  # tensor([[0.6000, 0.8000], [0., 0.]])
length = torch.linalg.vector_norm(x, dim=1, keepdim=True)
(x / length)[1]  # tensor([nan, nan])
torch.allclose(F.normalize(x), x / length.clamp_min(1e-12))  # True
F.normalize(x, p=1)[0]  # tensor([0.4286, 0.5714])
tokens = torch.rand(2, 5, 8)
lengths = torch.linalg.vector_norm(F.normalize(tokens, dim=-1), dim=-1)
torch.allclose(lengths, torch.ones(2, 5))  # True

# %%
# Cosine similarity, row by row and all pairs: ``F.cosine_similarity``
# --------------------------------------------------------------------
#
# The cosine similarity is 1 for vectors with the same direction, 0 for
# perpendicular ones and -1 for opposite ones. ``F.cosine_similarity``
# compares vectors at the same position. To compare all pairs of rows,
# normalize them and take the matrix product. ``nn.CosineSimilarity`` is the
# module.
a = torch.tensor([[3.0, 4.0], [1.0, 0.0]])
b = torch.tensor([[4.0, 3.0], [-2.0, 0.0]])
F.cosine_similarity(a, b, dim=1)  # tensor([0.9600, -1.0000])
table = F.normalize(a) @ F.normalize(b).T
table  # tensor([[0.9600, -0.6000], [0.8000, -1.0000]])
by_broadcast = F.cosine_similarity(a[:, None], b[None], dim=-1)
torch.allclose(by_broadcast, table)  # True
module = torch.nn.CosineSimilarity(dim=1)
torch.equal(module(a, b), torch.cosine_similarity(a, b))  # True

# %%
# Distance of two tensors or of all pairs: ``torch.dist``, ``cdist``
# ------------------------------------------------------------------
#
# ``torch.dist`` returns one number, the norm of the difference.
# ``F.pairwise_distance`` compares rows at the same position and by default
# adds 1e-6 to the difference. ``torch.cdist`` returns the distances between
# all rows of two tensors. ``F.pdist`` returns the distances of all pairs of
# rows in one tensor.
a = torch.tensor([[0.0, 0.0], [3.0, 4.0]])
b = torch.tensor([[0.0, 5.0], [3.0, 0.0], [6.0, 8.0]])
torch.cdist(a, b).round(decimals=4)[0]  # tensor([5., 3., 10.])
torch.cdist(a, b, p=1)  # tensor([[5., 3., 14.], [4., 4., 7.]])
by_broadcast = torch.linalg.vector_norm(a[:, None] - b, dim=-1)
torch.allclose(torch.cdist(a, b), by_broadcast)  # True
torch.dist(a, b[:2])  # tensor(6.4031)
a.dist(b[:2], p=1)  # tensor(9.)
F.pairwise_distance(a, b[:2], eps=0)  # tensor([5., 4.])
torch.pairwise_distance(a, a)  # tensor([1.4142e-06, 1.4142e-06])
torch.pdist(b, p=1)  # tensor([8., 9., 11.])
torch.allclose(F.pdist(b), torch.cdist(b, b)[[0, 0, 1], [1, 2, 2]])  # True

# %%
# Nearest neighbours: ``torch.cdist`` and ``topk``
# ------------------------------------------------
#
# With more than 25 rows, ``torch.cdist`` uses a matrix product, which is
# fast but less accurate. If points lie far from the origin and close to
# each other, the distances in float32 are wrong, and a point can have a
# distance to itself. Subtract the mean first, or choose the
# ``compute_mode`` without a matrix product.
#
# .. glance:: near.indices[:, 0]
points = torch.arange(100.0)[:, None] * torch.tensor([0.3, 0.4])
query = torch.tensor([[3.3, 4.4], [0.0, 0.0]])
near = torch.cdist(query, points).topk(2, largest=False)
near.indices[:, 0]  # tensor([11, 0])
torch.allclose(near.values[1], torch.tensor([0.0, 0.5]))  # True
far = points + 1000
exact = "donot_use_mm_for_euclid_dist"
careful = torch.cdist(far, far, compute_mode=exact)
torch.allclose(careful[0, :3], torch.tensor([0, 0.5, 1]), atol=1e-3)  # True
(torch.cdist(far, far) - careful).abs().max() > 0.05  # tensor(True)
torch.cdist(far, far).diagonal().max() > 0  # tensor(True)
careful.diagonal().max()  # tensor(0.)

# %%
# Limit the length of rows: ``torch.renorm``
# ------------------------------------------
#
# ``torch.renorm`` scales slices that are longer than ``maxnorm`` down to
# this length and leaves the others as they are. ``dim`` is the dimension
# that counts the slices, so use ``dim=0`` for rows.
# ``torch.norm_except_dim`` returns these norms. ``F.embedding`` with
# ``max_norm`` limits the rows that it looks up.
w = torch.tensor([[3.0, 4.0], [0.5, 0.0], [0.0, 10.0]])
torch.renorm(w, p=2, dim=0, maxnorm=1)[0]  # tensor([0.6000, 0.8000])
length = torch.linalg.vector_norm(w, dim=1, keepdim=True)
torch.allclose(torch.norm_except_dim(w, 2, 0), length)  # True
by_hand = w * (1 / length).clamp(max=1)
torch.allclose(w.renorm(2, 0, 1), by_hand)  # True
w.renorm_(p=2, dim=0, maxnorm=5)[2]  # tensor([0., 5.0000])
F.embedding(torch.tensor([0]), w, max_norm=1)  # tensor([[0.6000, 0.8000]])

# %%
# Gradient of a distance at zero is nan: ``sqrt`` or ``vector_norm``
# ------------------------------------------------------------------
#
# If you compute a distance with ``sqrt`` and the two vectors are equal, the
# gradient is nan and reaches the weights before it. The gradient of
# ``vector_norm`` and ``torch.cdist`` is 0 there. You can also add a small
# number under the root.
x = torch.zeros(2, requires_grad=True)
torch.linalg.vector_norm(x).backward()
x.grad  # tensor([0., 0.])
x.grad = None
x.square().sum().sqrt().backward()
x.grad  # tensor([nan, nan])
inside = (x.square().sum() + 1e-8).sqrt()
torch.autograd.grad(inside, x)  # (tensor([0., 0.]),)
distance = torch.cdist(x[None], torch.zeros(1, 2)).sum()
torch.autograd.grad(distance, x)  # (tensor([0., 0.]),)
y = torch.tensor([3.0, 4.0], requires_grad=True)
torch.linalg.vector_norm(y).backward()
y.grad  # tensor([0.6000, 0.8000])

# %%
# Error: expected a floating point or complex tensor (``vector_norm``)
# --------------------------------------------------------------------
#
# Convert integer tensors to float first, because norms do not accept them,
# not even with ``dtype``. In float16 the square of 256 already overflows.
# ``vector_norm`` computes in float32 inside and avoids this. With
# ``dtype=torch.float32`` the result can be larger than 65504, too.
x = torch.tensor([3, 4])
with suppress(RuntimeError):
    torch.linalg.vector_norm(x)  # RuntimeError: floating point or complex
with suppress(RuntimeError):
    x.norm(dtype=torch.float32)  # RuntimeError: floating point or complex
torch.linalg.vector_norm(x.float())  # tensor(5.)
half = torch.tensor([300.0, 400.0], dtype=torch.float16)
half.square().sum().sqrt()  # tensor(inf, dtype=torch.float16)
torch.linalg.vector_norm(half)  # tensor(500., dtype=torch.float16)
large = 160 * half
torch.linalg.vector_norm(large).isinf()  # tensor(True)
torch.linalg.vector_norm(large, dtype=torch.float32)  # tensor(80000.)
