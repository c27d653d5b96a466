"""
Einstein sums and combined products
===================================

Write products and sums by the names of their indices, and build matrices
out of smaller ones.
"""
from contextlib import suppress

import torch
import torch.nn.functional as F

# %%
# Products and sums by index letters: ``torch.einsum``
# ----------------------------------------------------
#
# Each letter names a dimension. Letters that the right side lacks are
# summed over, letters that two inputs share are multiplied in step, and the
# right side gives the order of what stays.
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
# A letter that comes twice in one input walks along the diagonal. Without
# ``->`` the letters that occur once are put in alphabetical order, so
# ``"ba"`` is a transpose: always write the arrow.
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
# A letter on both sides is never summed. ``...`` stands for any number of
# dimensions, which broadcast.
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
# Queries are (N, L, heads, E), keys and values (N, S, heads, E): the
# letters do the transposes that ``@`` would need. The result is that of
# ``F.scaled_dot_product_attention``.
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
# ``dims=n`` sums the last n dimensions of the first tensor with the first n
# of the second; two lists name the dimensions. It takes no batch dimension:
# what is not summed forms all pairs, as with an outer product.
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
# ``kron`` puts a scaled copy of the second matrix in place of each element
# of the first. ``block_diag`` sets matrices, even of unequal shapes, along
# the diagonal and zeros elsewhere; a 1-D tensor counts as a row.
a = torch.tensor([[1, 2], [0, 3]])
b = torch.tensor([[1, 10]])
torch.kron(a, b)  # tensor([[1, 10, 2, 20], [0, 0, 3, 30]])
b.kron(a)  # tensor([[1, 2, 10, 20], [0, 3, 0, 30]])
torch.block_diag(b, b)  # tensor([[1, 10, 0, 0], [0, 0, 1, 10]])
same = torch.kron(torch.eye(2, dtype=torch.long), a)
torch.equal(same, torch.block_diag(a, a))  # True

# %%
# Vector at right angles to two others: ``torch.linalg.cross``
# ------------------------------------------------------------
#
# The cross product needs a dimension of size 3, the last unless ``dim``
# says otherwise, and broadcasts. ``torch.cross`` without ``dim`` takes the
# first dimension of size 3, which is wrong for a batch of 3; it warns.
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
# Powers of each element as columns: ``torch.linalg.vander``
# ----------------------------------------------------------
#
# Row i holds 1, x, x², ... of element i: the design matrix of a polynomial.
# ``torch.vander`` counts down from the highest power, as NumPy does, unless
# ``increasing=True``.
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
# ``combinations`` of the column numbers lists the pairs i < j, and with
# ``with_replacement=True`` the squares too. ``torch.cartesian_prod`` lists
# every combination of one element from each tensor: a grid of settings.
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
# Each input needs one letter for each of its dimensions. A letter must also
# have one size in all inputs, size 1 aside, which broadcasts silently.
a, b = torch.ones(4, 2, 3), torch.ones(3, 5)
with suppress(RuntimeError):
    torch.einsum("ij,jk->ik", a, b)  # RuntimeError: number of subscripts
torch.einsum("bij,jk->bik", a, b).shape  # torch.Size([4, 2, 5])
with suppress(RuntimeError):
    torch.einsum("bij,ik->bjk", a, b)  # RuntimeError: does not broadcast
with suppress(RuntimeError):
    torch.einsum("bij,jk->bix", a, b)  # RuntimeError: output subscript x
torch.einsum("i,i->", torch.ones(3), torch.ones(1))  # tensor(3.)
