"""
Matrix products
===============

Multiply matrices, batches of matrices and vectors, and tell apart the
functions that do it.
"""
from contextlib import suppress

import torch

# %%
# Multiply two matrices: ``@``, ``torch.matmul``
# ----------------------------------------------
#
# Each element is a row of the left matrix times a column of the right one,
# so the inner sizes must agree. ``a @ b``, ``torch.matmul(a, b)`` and
# ``a.matmul(b)`` are the same; ``torch.linalg.matmul`` is one more name.
a = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
b = torch.tensor([[5.0, 6.0], [7.0, 8.0]])
a @ b  # tensor([[19., 22.], [43., 50.]])
torch.equal(torch.matmul(a, b), a.matmul(b))  # True
torch.equal(a @ b, torch.linalg.matmul(a, b))  # True
by_hand = (a.unsqueeze(2) * b.unsqueeze(0)).sum(dim=1)
torch.equal(by_hand, a @ b)  # True
(torch.ones(2, 3) @ torch.ones(3, 4)).shape  # torch.Size([2, 4])

# %%
# Element by element or matrix product: ``*`` against ``@``
# ---------------------------------------------------------
#
# ``*`` is ``torch.mul``, also called ``torch.multiply``: it multiplies
# elements that face each other, broadcasts, and is no matrix product. For
# square matrices both run, so a wrong one shows only in the numbers.
a = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
b = torch.tensor([[5.0, 6.0], [7.0, 8.0]])
a * b  # tensor([[5., 12.], [21., 32.]])
a @ b  # tensor([[19., 22.], [43., 50.]])
torch.equal(torch.mul(a, b), a * b)  # True
torch.equal(a.multiply(b), a * b)  # True
a**2  # tensor([[1., 4.], [9., 16.]])
a @ a  # tensor([[7., 10.], [15., 22.]])

# %%
# Without broadcasting: ``torch.mm``, ``bmm``, ``mv``
# ---------------------------------------------------
#
# ``mm`` takes two matrices, ``bmm`` two batches of one size, ``mv`` a
# matrix and a vector. None broadcasts, so they raise where ``@`` would go
# on. With ``@`` a vector on the left stands for a row, on the right for a
# column, and that dimension is missing in the result.
a = torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
x = torch.tensor([10.0, 1.0])
torch.mv(a, x)  # tensor([12., 34., 56.])
torch.equal(a.mv(x), a @ x)  # True
torch.mm(a, x.unsqueeze(1))  # tensor([[12.], [34.], [56.]])
torch.ones(3) @ a  # tensor([9., 12.])
batch = torch.tensor([[[1.0, 2.0]], [[3.0, 4.0]]])
columns = torch.tensor([[[5.0], [6.0]], [[7.0], [8.0]]])
torch.bmm(batch, columns)  # tensor([[[17.]], [[53.]]])
with suppress(RuntimeError):
    batch.mm(a.T)  # RuntimeError: self must be a matrix
with suppress(RuntimeError):
    a.T.bmm(a)  # RuntimeError: batch1 must be a 3D tensor
with suppress(RuntimeError):
    a.mm(x)  # RuntimeError: mat2 must be a matrix

# %%
# Vector times vector: ``torch.dot``, ``inner``, ``vdot``, ``vecdot``
# -------------------------------------------------------------------
#
# ``dot`` takes 1-D tensors alone; unlike ``np.dot`` it multiplies no
# matrices. ``inner`` sums over the last dimension of both and pairs every
# row with every row; ``torch.linalg.vecdot`` pairs row with row. For
# complex numbers ``vdot`` and ``vecdot`` conjugate the first argument.
u = torch.tensor([1.0, 2.0])
v = torch.tensor([3.0, 4.0])
torch.dot(u, v)  # tensor(11.)
u.dot(v) == u @ v == (u * v).sum()  # tensor(True)
rows = torch.stack([u, v])
rows.inner(rows)  # tensor([[5., 11.], [11., 25.]])
torch.equal(torch.inner(rows, rows), rows @ rows.T)  # True
torch.linalg.vecdot(rows, rows)  # tensor([5., 25.])
z = torch.tensor([1 + 2j, 3j])
torch.dot(z, z)  # tensor(-12.+4.j)
torch.vdot(z, z)  # tensor(14.+0.j)
z.vdot(z) == torch.linalg.vecdot(z, z)  # tensor(True)

# %%
# Column times row: ``torch.outer``
# ---------------------------------
#
# Every element of the first vector times every element of the second. It
# takes 1-D tensors alone; in batches multiply ``u[..., :, None]`` with
# ``v[..., None, :]``. ``torch.ger`` is an older name of the same.
u = torch.tensor([1, 2, 3])
v = torch.tensor([10, 100])
torch.outer(u, v)  # tensor([[10, 100], [20, 200], [30, 300]])
torch.equal(u.outer(v), u[:, None] * v[None, :])  # True
torch.equal(torch.ger(u, v), u.ger(v))  # True
torch.equal(u.ger(v), u.outer(v))  # True
with suppress(RuntimeError):
    torch.outer(u[:, None], v)  # RuntimeError: Expected 1-D argument self

# %%
# Batches of matrices that broadcast: ``torch.matmul``
# ----------------------------------------------------
#
# The last two dimensions are matrices; all before them is a batch and
# broadcasts. ``bmm``, ``mm``, ``mv`` and ``dot`` never broadcast. One
# matrix for a whole batch needs no ``expand``.
heads = torch.rand(8, 12, 5, 64)
(heads @ heads.mT).shape  # torch.Size([8, 12, 5, 5])
weight = torch.rand(64, 32)
(heads @ weight).shape  # torch.Size([8, 12, 5, 32])
grid = torch.rand(8, 1, 2, 3) @ torch.rand(6, 3, 4)  # shape (8, 6, 2, 4)
a, b = torch.rand(8, 2, 3), torch.rand(8, 3, 4)
loop = torch.stack([a_i @ b_i for a_i, b_i in zip(a, b)])
torch.allclose(a @ b, loop)  # True
with suppress(RuntimeError):
    a[:1].bmm(b)  # RuntimeError: Expected size for first two dimensions
(a[:1] @ b).shape  # torch.Size([8, 2, 4])

# %%
# A product plus a tensor: ``torch.addmm``, ``baddbmm`` and others
# ----------------------------------------------------------------
#
# ``beta * c + alpha * product`` in one call; a linear layer is an
# ``addmm``. The product is that of ``mm``, ``mv`` or ``outer`` in
# ``addmm``, ``addmv`` and ``addr``, of ``bmm`` in ``baddbmm``; ``addbmm``
# also sums it over the batch. With ``beta=0`` not even a NaN is read from
# ``c``.
c = torch.tensor([100.0, 200.0])
a = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
x = torch.tensor([5.0, 6.0])
torch.addmm(c, a, a)  # tensor([[107., 210.], [115., 222.]])
torch.addmm(c, a, a, beta=0.5, alpha=2)[0]  # tensor([64., 120.])
(c * float("nan")).addmm(a, a, beta=0)  # tensor([[7., 10.], [15., 22.]])
torch.addmv(c, a, x)  # tensor([117., 239.])
torch.addr(c, x, x)  # tensor([[125., 230.], [130., 236.]])
batch = torch.stack([a, 10 * a])
torch.equal(torch.baddbmm(c, batch, batch), c + batch @ batch)  # True
torch.addbmm(c, batch, batch)  # tensor([[807., 1210.], [1615., 2422.]])

# %%
# Add a product in place: ``Tensor.addmm_``, ``Tensor.addr_``
# -----------------------------------------------------------
#
# The in-place forms write into the tensor that is added to, so it must have
# the shape of the result already: sums over many batches need no second
# buffer. ``Tensor.addmv``, ``Tensor.addr``, ``Tensor.addbmm`` and
# ``Tensor.baddbmm`` return a new tensor as their functions do.
a = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
x = torch.tensor([1.0, 10.0])
total = torch.zeros(2, 2)
total.addmm_(a, a).addr_(x, x)  # tensor([[8., 20.], [25., 122.]])
torch.zeros(2).addmv_(a, x, alpha=-1)  # tensor([-21., -43.])
batch = torch.stack([a, a])
torch.zeros(2, 2).addbmm_(batch, batch)  # tensor([[14., 20.], [30., 44.]])
torch.zeros(2, 2, 2).baddbmm_(batch, batch)[1, 0]  # tensor([7., 10.])
with suppress(RuntimeError):
    torch.zeros(2).addmm_(a, a)  # RuntimeError: Bad in-place call

# %%
# Many matrices in a row: ``torch.linalg.multi_dot``
# --------------------------------------------------
#
# The result does not depend on where the parentheses go, the work does.
# ``multi_dot`` finds the cheapest order; ``@`` goes from the left. Its
# predecessor ``torch.chain_matmul`` is deprecated.
a, b, c = torch.rand(500, 2), torch.rand(2, 500), torch.rand(500, 3)
left_first = 500 * 2 * 500 + 500 * 500 * 3
right_first = 2 * 500 * 3 + 500 * 2 * 3
left_first, right_first  # (1250000, 6000)
torch.allclose(torch.linalg.multi_dot([a, b, c]), a @ b @ c)  # True
old = torch.chain_matmul(a, b, c)  # UserWarning: Use torch.linalg.multi_dot
torch.allclose(old, a @ (b @ c))  # True

# %%
# The same row in another batch: equal up to rounding (``@``)
# -----------------------------------------------------------
#
# For another batch size a layer may add the same products in another order,
# and float32 rounds each sum. Compare a row alone with the row in a batch
# by ``torch.allclose``, not by ``==``. If the difference is larger, look
# for dropout or batch normalization in training mode.
a, b, c = torch.tensor([1e8, 1.0, -1e8])
(a + b + c, a + c + b)  # (tensor(0.), tensor(1.))
rows, weight = torch.randn(64, 512), torch.randn(512, 10)
alone, together = rows[:1] @ weight, (rows @ weight)[:1]
torch.allclose(alone, together, rtol=1e-3, atol=1e-3)  # True
rows, weight = rows.double(), weight.double()
alone, together = rows[:1] @ weight, (rows @ weight)[:1]
torch.allclose(alone, together, rtol=1e-10, atol=1e-10)  # True

# %%
# Error: mat1 and mat2 shapes cannot be multiplied (``@``)
# --------------------------------------------------------
#
# The columns of the left matrix must be as many as the rows of the right
# one. In a model ``in_features`` is not the last size of the input; how to
# find the layer is shown in :doc:`/gallery/help/shapes_do_not_fit`. A
# transpose that fits is right only if the meaning fits too.
a, b = torch.ones(2, 3), torch.ones(2, 3)
with suppress(RuntimeError):
    a @ b  # RuntimeError: shapes cannot be multiplied (2x3 and 2x3)
a @ b.T  # tensor([[3., 3.], [3., 3.]])
a.T @ b  # shape (3, 3)
with suppress(RuntimeError):
    torch.nn.Linear(2, 5)(a)  # RuntimeError: shapes cannot be multiplied
with suppress(RuntimeError):
    a @ torch.ones(2)  # RuntimeError: got input (2), mat (2x3), vec (2)
a.mul(b).shape  # torch.Size([2, 3])

# %%
# Error: 1D tensors expected, but got 2D and 2D tensors (``torch.dot``)
# ---------------------------------------------------------------------
#
# ``dot`` wants two vectors of one length and one dtype. For dot products of
# rows multiply and sum, and for matrices write ``@``, which in turn takes
# no 0-D tensor: scale with ``*``.
rows = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
with suppress(RuntimeError):
    torch.dot(rows, rows)  # RuntimeError: 1D tensors expected, but got 2D
(rows * rows).sum(dim=1)  # tensor([5., 25.])
with suppress(RuntimeError):
    rows[0].dot(torch.ones(3))  # RuntimeError: inconsistent tensor size
with suppress(RuntimeError):
    rows[0].dot(torch.tensor([1, 2]))  # RuntimeError: to have same dtype
rows[0].dot(torch.tensor([1, 2]).to(rows.dtype))  # tensor(5.)
with suppress(RuntimeError):
    rows @ torch.tensor(2.0)  # RuntimeError: need to be at least 1D
