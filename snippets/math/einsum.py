"""
Einstein sums and combined products
===================================

Write products and sums with index letters, and build matrices from smaller
ones.
"""
from contextlib import suppress

import torch
import torch.nn.functional as F

# %%
# Products and sums by index letters: ``torch.einsum``
# ----------------------------------------------------
#
# Each letter names a dimension. If two inputs have the same letter, their
# elements are multiplied along it. A letter that is missing on the right
# side is summed over. The right side gives the order of the dimensions in
# the result.
a = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
x = torch.tensor([10.0, 1.0])
torch.einsum("ij,j->i", a, x)  # tensor([12., 34.])
torch.einsum("ij,jk->ik", a, a)  # tensor([[7., 10.], [15., 22.]])
torch.einsum("i,j->ij", x, x)  # tensor([[100., 10.], [10., 1.]])
torch.einsum("ij,ij->", a, a)  # tensor(30.)
torch.equal(torch.einsum("ij,j->i", a, x), a @ x)  # True

# %%
# Trace, diagonal, transpose, row sums: ``einsum`` of one tensor
# --------------------------------------------------------------
#
# A letter that occurs twice in one input takes the diagonal. Without ``->``
# the letters that occur once are sorted alphabetically, so ``"ba"`` is a
# transpose. Write the arrow to avoid surprises.
a = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
torch.einsum("ii->", a)  # tensor(5.)
torch.einsum("ii->i", a)  # tensor([1., 4.])
torch.einsum("ij->ji", a)  # tensor([[1., 3.], [2., 4.]])
torch.einsum("ij->i", a)  # tensor([3., 7.])
torch.einsum("ij->", a)  # tensor(10.)
torch.einsum("ba", a)  # tensor([[1., 3.], [2., 4.]])

# %%
# Batch matrix product with ``einsum``: keep the batch letter
# -----------------------------------------------------------
#
# A letter that is on both sides of the arrow is not summed. ``...`` stands
# for any number of dimensions, and these are broadcast.
a, b = torch.rand(8, 2, 3), torch.rand(8, 3, 4)
torch.allclose(torch.einsum("bij,bjk->bik", a, b), torch.bmm(a, b))  # True
torch.allclose(torch.einsum("...ij,...jk->...ik", a, b), a @ b)  # True
weight = torch.rand(5, 3, 4)
bilinear = torch.einsum("bi,oij,bj->bo", a[:, 0], weight, b[:, 0])
expected = F.bilinear(a[:, 0], b[:, 0], weight)
torch.allclose(bilinear, expected)  # True
traces = torch.einsum("bii->b", a[:, :, :2])
torch.equal(traces, a[:, 0, 0] + a[:, 1, 1])  # True

# %%
# Attention scores with ``einsum``
# --------------------------------
#
# The queries have shape (N, L, heads, E), and the keys and values have
# shape (N, S, heads, E). With ``@`` you would have to transpose them first.
# The result is the same as that of ``F.scaled_dot_product_attention``.
query = torch.rand(2, 5, 4, 16)
key, value = torch.rand(2, 7, 4, 16), torch.rand(2, 7, 4, 16)
scores = torch.einsum("nlhe,nshe->nhls", query, key) / 16**0.5
scores.shape  # torch.Size([2, 4, 5, 7])
out = torch.einsum("nhls,nshe->nlhe", scores.softmax(dim=-1), value)
q, k, v = (t.transpose(1, 2) for t in (query, key, value))
fused = F.scaled_dot_product_attention(q, k, v).transpose(1, 2)
torch.allclose(out, fused, atol=1e-4)  # True

# %%
# Sum over several dimensions at once: ``torch.tensordot``
# --------------------------------------------------------
#
# ``dims=n`` multiplies and sums over the last n dimensions of the first
# tensor and the first n of the second. Two lists name the dimensions one by
# one. There is no batch dimension: the other dimensions of both tensors all
# appear in the result, as in an outer product.
a = torch.rand(2, 3, 4)
b = torch.rand(3, 4, 5)
torch.tensordot(a, b, dims=2).shape  # torch.Size([2, 5])
by_letters = torch.einsum("ijk,jkl->il", a, b)
torch.allclose(torch.tensordot(a, b, dims=2), by_letters)  # True
torch.allclose(a.flatten(1) @ b.flatten(0, 1), by_letters)  # True
torch.tensordot(a, b, dims=([1], [0])).shape  # torch.Size([2, 4, 4, 5])
torch.tensordot(a, b, dims=0).shape  # torch.Size([2, 3, 4, 3, 4, 5])

# %%
# Block matrices: ``torch.kron``, ``torch.block_diag``
# ----------------------------------------------------
#
# ``torch.kron`` (the Kronecker product) replaces each element of the first
# matrix by this element times the second matrix. ``torch.block_diag``
# places matrices along the diagonal and fills the rest with zeros.
a = torch.tensor([[1, 2], [0, 3]])
b = torch.tensor([[1, 10]])
torch.kron(a, b)  # tensor([[1, 10, 2, 20], [0, 0, 3, 30]])
b.kron(a)  # tensor([[1, 2, 10, 20], [0, 3, 0, 30]])
torch.block_diag(b, b)  # tensor([[1, 10, 0, 0], [0, 0, 1, 10]])
same = torch.kron(torch.eye(2, dtype=torch.long), a)
torch.equal(same, torch.block_diag(a, a))  # True

# %%
# Cross product of two vectors: ``torch.linalg.cross``
# ----------------------------------------------------
#
# The cross product is perpendicular to both vectors. It needs a dimension
# of size 3, by default the last one. ``torch.cross`` without ``dim`` gives
# a warning and uses the first dimension of size 3, which is wrong for a
# batch of 3 vectors.
x = torch.tensor([1.0, 0.0, 0.0])
y = torch.tensor([0.0, 1.0, 0.0])
torch.linalg.cross(x, y)  # tensor([0., 0., 1.])
y.cross(x, dim=0)  # tensor([0., 0., -1.])
a, b = torch.eye(3), torch.ones(3, 3).triu()
torch.linalg.cross(a, b)[0]  # tensor([0., -1., 1.])
old = torch.cross(a, b)  # UserWarning: without specifying the dim arg
old[0]  # tensor([0., 0., -1.])
torch.equal(torch.cross(a, b, dim=-1), torch.linalg.cross(a, b))  # True
with suppress(RuntimeError):
    torch.linalg.cross(x[:2], y[:2])  # RuntimeError: must have length 3

# %%
# Vandermonde matrix, powers of each element: ``torch.linalg.vander``
# -------------------------------------------------------------------
#
# Row i contains the powers 1, x, x², x³ of element i. Multiply the rows by
# coefficients to evaluate a polynomial. ``torch.vander`` starts with the
# highest power by default, like NumPy, and with ``increasing=True`` it
# starts with 1.
x = torch.tensor([2, 3])
torch.linalg.vander(x, N=4)  # tensor([[1, 2, 4, 8], [1, 3, 9, 27]])
torch.vander(x, N=4)  # tensor([[8, 4, 2, 1], [27, 9, 3, 1]])
torch.vander(x, N=3, increasing=True)  # tensor([[1, 2, 4], [1, 3, 9]])
coefficients = torch.tensor([5, 0, 1])
(torch.linalg.vander(x, N=3) * coefficients).sum(dim=1)  # tensor([9, 14])

# %%
# Products of all pairs of features: ``torch.combinations``
# ---------------------------------------------------------
#
# ``torch.combinations`` of the column numbers lists the pairs i < j.
# ``with_replacement=True`` adds the pairs i = j, which give the squares.
# ``torch.cartesian_prod`` combines each element of one tensor with each
# element of the other, for example to try all combinations of
# hyperparameters.
x = torch.tensor([[2, 3, 5]])
pairs = torch.combinations(torch.arange(3))
pairs  # tensor([[0, 1], [0, 2], [1, 2]])
x[:, pairs].prod(dim=-1)  # tensor([[6, 10, 15]])
pairs = torch.combinations(torch.arange(3), with_replacement=True)
x[:, pairs].prod(dim=-1)  # tensor([[4, 6, 10, 9, 15, 25]])
rates, sizes = torch.tensor([0.5, 0.25]), torch.tensor([1.0, 2.0])
torch.cartesian_prod(rates, sizes)[1:3]  # tensor([[0.5, 2.], [0.25, 1.]])

# %%
# Error: number of subscripts in the equation does not match (``einsum``)
# -----------------------------------------------------------------------
#
# Write one letter for each dimension of an input. A letter must stand for
# the same size in all inputs. A size of 1 is broadcast, so a mistake there
# raises no error. A letter on the right side must also occur on the left.
a, b = torch.ones(4, 2, 3), torch.ones(3, 5)
with suppress(RuntimeError):
    torch.einsum("ij,jk->ik", a, b)  # RuntimeError: number of subscripts
torch.einsum("bij,jk->bik", a, b).shape  # torch.Size([4, 2, 5])
with suppress(RuntimeError):
    torch.einsum("bij,ik->bjk", a, b)  # RuntimeError: does not broadcast
with suppress(RuntimeError):
    torch.einsum("bij,jk->bix", a, b)  # RuntimeError: output subscript x
torch.einsum("i,i->", torch.ones(3), torch.ones(1))  # tensor(3.)
