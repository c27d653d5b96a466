"""
Matrix products
===============

Multiply matrices, batches of matrices and vectors, and choose the right
function for it.
"""
from contextlib import suppress

import torch

# %%
# Multiply two matrices: ``@``, ``torch.matmul``
# ----------------------------------------------
#
# Each element of the result is the dot product of a row of the left matrix
# and a column of the right one, so the inner sizes must agree. ``a @ b``,
# ``torch.matmul(a, b)`` and ``a.matmul(b)`` give the same result.
# ``torch.linalg.matmul`` is another name.
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
# ``*`` multiplies the elements at the same positions and broadcasts. It is
# ``torch.mul``, which is also called ``torch.multiply``. ``@`` is the
# matrix product. For square matrices both work, so if you mix them up, no
# error appears and the numbers are wrong.
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
# ``mm`` takes two matrices, ``bmm`` two batches of the same size, and
# ``mv`` a matrix and a vector. They do not broadcast, so they raise an
# error for inputs that ``@`` would accept. ``@`` treats a vector on the
# left as a row and a vector on the right as a column, and it removes this
# dimension from the result.
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
# ``dot`` takes two 1-D tensors, and unlike ``np.dot`` it does not multiply
# matrices. ``inner`` computes the product of every row of one tensor with
# every row of the other. ``torch.linalg.vecdot`` multiplies rows at the
# same position. For complex numbers ``vdot`` and ``vecdot`` conjugate the
# first argument.
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
# ``torch.outer`` multiplies every element of the first vector with every
# element of the second. It takes two 1-D tensors. For batches, multiply
# ``u[..., :, None]`` by ``v[..., None, :]``. ``torch.ger`` is an older
# name.
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
# ``torch.matmul`` treats the last two dimensions as matrices. The
# dimensions before them are batch dimensions and are broadcast. You can
# multiply a whole batch by one matrix without ``expand``. ``bmm`` does not
# broadcast.
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
# These functions compute ``beta * c + alpha * product`` in one call. The
# product is that of ``mm`` in ``addmm``, of ``mv`` in ``addmv``, of
# ``outer`` in ``addr`` and of ``bmm`` in ``baddbmm``. ``addbmm`` also sums
# the products over the batch. With ``beta=0`` the values of ``c`` are
# ignored, even if they are nan.
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
# The in-place methods add the product to the tensor itself, so this tensor
# must already have the shape of the result. Use them to add up many
# products without allocating a new tensor each time. ``Tensor.addmv``,
# ``Tensor.addr``, ``Tensor.addbmm`` and ``Tensor.baddbmm`` return a new
# tensor.
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
# The order in which you multiply several matrices does not change the
# result, but it changes the number of operations.
# ``torch.linalg.multi_dot`` finds the cheapest order, while ``@`` goes from
# left to right. The older ``torch.chain_matmul`` is deprecated.
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
# With another batch size, the same products may be added in another order,
# and float32 rounds each sum. The result of a row can therefore differ
# slightly when it is computed alone or in a batch. Compare with
# ``torch.allclose``, not with ``==``. If the difference is larger, look for
# dropout or batch normalization in training mode.
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
# The left matrix must have as many columns as the right matrix has rows. In
# a model, the error means that ``in_features`` of a layer differs from the
# last size of its input. To find the layer, see
# :doc:`/gallery/help/shapes_do_not_fit`. A transpose may remove the error,
# but check that the product then means what you want.
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
# ``dot`` needs two vectors of the same length and the same dtype. For the
# dot products of rows, multiply and sum. For matrices use ``@``. To scale
# by a 0-D tensor use ``*``, because ``@`` does not accept it.
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
