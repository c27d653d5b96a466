"""
Linear systems, inverses, determinants
======================================

Solve linear equations with ``torch.linalg``, and judge how accurate the
solution is.
"""
import math
from contextlib import suppress

import torch

# %%
# Solve A x = b: ``torch.linalg.solve``
# -------------------------------------
#
# ``b`` is a vector, or a matrix whose columns are separate right-hand
# sides. Leading dimensions are batch dimensions. ``left=False`` solves x A
# = b. The old ``torch.solve``, which took ``b`` first, has been removed.
A = torch.tensor([[2.0, 1.0], [0.0, 4.0]])
b = torch.tensor([5.0, 12.0])
torch.linalg.solve(A, b)  # tensor([1.0000, 3.0000])
columns = torch.tensor([[5.0, 2.0], [12.0, 0.0]])
x = torch.linalg.solve(A, columns)
x  # tensor([[1.0000, 1.0000], [3.0000, 0.0000]])
torch.linalg.solve(A, b[None], left=False)  # tensor([[2.5000, 2.3750]])
batch = torch.stack([A, 2 * A])
x = torch.linalg.solve(batch, b.expand(2, 2))
x  # tensor([[1.0000, 3.0000], [0.5000, 1.5000]])
with suppress(RuntimeError):
    torch.solve(b[:, None], A)  # RuntimeError: is now removed

# %%
# ``torch.inverse(A) @ b`` loses digits: use ``torch.linalg.solve``
# -----------------------------------------------------------------
#
# The inverse costs more to compute and can be much less accurate. The
# Hilbert matrix here has the condition number 1e13. The solution of
# ``torch.linalg.solve`` satisfies the equations almost exactly, while the
# one computed with the inverse misses them by more than 1e-6.
n = torch.arange(1, 11, dtype=torch.float64)
A = 1 / (n[:, None] + n - 1)
torch.linalg.cond(A).log10().round()  # tensor(13., dtype=torch.float64)
b = A @ torch.ones_like(n)
solved = torch.linalg.solve(A, b)
inverted = torch.inverse(A) @ b
(A @ solved - b).abs().max() < 1e-13  # tensor(True)
(A @ inverted - b).abs().max() > 1e-6  # tensor(True)

# %%
# Inverse of a matrix: ``torch.linalg.inv``
# -----------------------------------------
#
# Use ``torch.linalg.inv`` if you need the inverse matrix itself, for
# example to turn a covariance matrix into a precision matrix. It accepts
# batches. Integers raise an error. ``torch.inverse`` and ``Tensor.inverse``
# are the same.
A = torch.tensor([[2.0, 1.0], [0.0, 4.0]])
torch.linalg.inv(A)  # tensor([[0.5000, -0.1250], [0.0000, 0.2500]])
torch.allclose(A.inverse(), torch.linalg.inv(A))  # True
torch.allclose(torch.inverse(A) @ A, torch.eye(2))  # True
batch = torch.stack([A, 2 * A])
torch.linalg.inv(batch)[1]  # tensor([[0.2500, -0.0625], [0.0000, 0.1250]])
with suppress(RuntimeError):
    A.long().inverse()  # RuntimeError: Expected a floating point or complex

# %%
# Determinant and its logarithm: ``torch.linalg.det``, ``slogdet``
# ----------------------------------------------------------------
#
# The determinant of a large matrix can leave the range of its dtype, so
# compute its logarithm instead. ``slogdet`` returns the sign and the
# logarithm of the absolute value. ``torch.logdet`` returns the logarithm,
# which is nan if the determinant is negative.
A = torch.tensor([[1.0, 2.0], [4.0, 3.0]])
torch.linalg.det(A)  # tensor(-5.0000)
A.det() == torch.det(A)  # tensor(True)
sign, logabsdet = torch.linalg.slogdet(A)
sign, logabsdet  # (tensor(-1.), tensor(1.6094))
math.log(5)  # 1.6094
torch.logdet(A)  # tensor(nan)
small = 0.1 * torch.eye(50)
torch.det(small)  # tensor(0.)
small.logdet()  # tensor(-115.1293)
torch.slogdet(small).logabsdet == small.slogdet().logabsdet  # tensor(True)
round(50 * math.log(0.1), 4)  # -115.1293
single = torch.zeros(1, 1, requires_grad=True)
torch.det(single).backward()
single.grad  # tensor([[1.]]) since 2.12, tensor([[0.]]) before

# %%
# Trace, powers and exponential: ``torch.linalg.matrix_power``
# ------------------------------------------------------------
#
# ``matrix_power(A, n)`` is the matrix product ``A @ A @ ...``, and a
# negative power inverts first. ``matrix_exp`` is the sum of the powers
# :math:`A^n / n!`. For a skew-symmetric matrix it gives a rotation.
# ``torch.trace`` sums the diagonal of one matrix, so for a batch sum
# ``torch.linalg.diagonal``.
A = torch.tensor([[1.0, 1.0], [1.0, 0.0]])
torch.linalg.matrix_power(A, 10)  # tensor([[89., 55.], [55., 34.]])
inverse = A.matrix_power(-1)
inverse  # tensor([[0.0000, 1.0000], [1.0000, -1.0000]])
torch.equal(torch.matrix_power(A, 0), torch.eye(2))  # True
A.trace() == torch.trace(A)  # tensor(True)
batch = torch.stack([A, 3 * A])
torch.linalg.diagonal(batch).sum(dim=-1)  # tensor([1., 3.])
tall = torch.ones(4, 2, requires_grad=True)
tall.trace().backward()
tall.grad[3]  # tensor([0., 0.]) since 2.12, tensor([1., 0.]) before
turn = torch.tensor([[0.0, -1.0], [1.0, 0.0]]) * (math.pi / 2)
torch.linalg.matrix_exp(turn).round()  # tensor([[0., -1.], [1., 0.]])
torch.allclose(torch.matrix_exp(turn), turn.matrix_exp())  # True
back = turn.mT.matrix_exp() @ turn.matrix_exp()
torch.allclose(back, torch.eye(2), atol=1e-6)  # True

# %%
# More equations than unknowns, fit a line: ``torch.linalg.lstsq``
# ----------------------------------------------------------------
#
# ``torch.linalg.lstsq`` finds the x with the smallest sum of squared
# residuals (least squares). The pseudoinverse ``pinv``, also called
# ``torch.pinverse``, gives the same solution less exactly. On a GPU
# ``lstsq`` assumes full rank, so use ``pinv`` there if the rank may be
# lower. The old ``torch.lstsq`` has been removed.
t = torch.tensor([0.0, 1.0, 2.0, 3.0], dtype=torch.float64)
y = torch.tensor([1.0, 3.0, 5.0, 8.0], dtype=torch.float64)
A = torch.column_stack([torch.ones_like(t), t])
x = torch.linalg.lstsq(A, y[:, None]).solution.squeeze(1)
x  # tensor([0.8000, 2.3000], dtype=torch.float64)
normal = torch.linalg.solve(A.T @ A, A.T @ y)
torch.allclose(x, normal)  # True
torch.allclose(x, torch.linalg.pinv(A) @ y)  # True
torch.allclose(A.pinverse() @ A, torch.eye(2, dtype=A.dtype))  # True
torch.allclose(torch.pinverse(A), torch.linalg.pinv(A))  # True
torch.allclose(A.T @ (A @ x - y), torch.zeros_like(x), atol=1e-12)  # True
with suppress(RuntimeError):
    torch.lstsq(y[:, None], A)  # RuntimeError: is now removed

# %%
# Can the solution be trusted? ``torch.linalg.cond``, ``matrix_rank``
# -------------------------------------------------------------------
#
# The condition number is the largest singular value divided by the
# smallest. If it is 10 to the power of 4, a solution may lose 4 digits, and
# float32 has about 7. ``matrix_rank`` counts the singular values above a
# tolerance. Small numbers in a matrix do not make it singular.
A = torch.tensor([[1.0, 2.0], [2.0, 4.001]])
torch.linalg.cond(A).log10().round()  # tensor(4.)
torch.linalg.matrix_rank(A)  # tensor(2)
torch.linalg.matrix_rank(A, rtol=1e-3)  # tensor(1)
torch.linalg.cond(0.001 * torch.eye(3))  # tensor(1.0000)
torch.linalg.matrix_rank(0.001 * torch.eye(3))  # tensor(3)
dependent = torch.arange(9.0).view(3, 3)
torch.linalg.matrix_rank(dependent)  # tensor(2)
with suppress(RuntimeError):
    torch.matrix_rank(A)  # RuntimeError: is now removed

# %%
# Factor once, solve often: ``torch.cholesky_solve``, ``lu_solve``
# ----------------------------------------------------------------
#
# To solve many systems with the same matrix, factor it once. Keep the
# Cholesky factor of a symmetric positive definite matrix and the LU factors
# of another square matrix. Note that ``torch.cholesky_solve`` takes ``b``
# first, and ``torch.linalg.lu_solve`` takes it last. ``Tensor.lu_solve``
# and ``Tensor.triangular_solve`` are deprecated.
A = torch.tensor([[4.0, 2.0], [2.0, 5.0]], dtype=torch.float64)
b = torch.tensor([[8.0], [12.0]], dtype=torch.float64)
x = torch.linalg.solve(A, b)
L = torch.linalg.cholesky(A)
torch.allclose(torch.cholesky_solve(b, L), x)  # True
torch.allclose(b.cholesky_solve(L), x)  # True
y = torch.linalg.solve_triangular(L, b, upper=False)
z = torch.linalg.solve_triangular(L.mT, y, upper=True)
torch.allclose(z, x)  # True
LU, pivots = torch.linalg.lu_factor(A)
torch.allclose(torch.linalg.lu_solve(LU, pivots, b), x)  # True
old = b.lu_solve(LU, pivots)  # UserWarning: torch.linalg.lu_solve
torch.equal(torch.lu_solve(b, LU, pivots), old)  # True
old = b.triangular_solve(L.mT)  # UserWarning: linalg.solve_triangular
torch.equal(torch.triangular_solve(b, L.mT)[0], old[0])  # True
same = L.cholesky_inverse().allclose(torch.cholesky_inverse(L))
same, torch.allclose(L.cholesky_inverse(), A.inverse())  # (True, True)

# %%
# Unknowns with several dimensions: ``torch.linalg.tensorsolve``
# --------------------------------------------------------------
#
# ``tensorsolve`` solves ``tensordot(A, x, dims=x.ndim) == b``. The shape of
# A is the shape of b followed by the shape of x, and b and x have the same
# number of elements. ``tensorinv`` computes the inverse, where ``ind`` is
# the number of dimensions of b.
A = torch.rand(6, 2, 3, dtype=torch.float64)
A += 9 * torch.eye(6).view(6, 2, 3)
b = torch.rand(6, dtype=torch.float64)
x = torch.linalg.tensorsolve(A, b)
x.shape  # torch.Size([2, 3])
torch.allclose(torch.tensordot(A, x, dims=2), b)  # True
torch.allclose(torch.linalg.solve(A.flatten(1), b), x.flatten())  # True
inverse = torch.linalg.tensorinv(A, ind=1)
torch.allclose(torch.tensordot(inverse, b, dims=1), x)  # True

# %%
# Error: the input matrix is singular (``torch.linalg.solve``, ``inv``)
# ---------------------------------------------------------------------
#
# The columns of the matrix depend on each other, so there is no solution,
# or there are many. You can catch ``torch.linalg.LinAlgError``, or call
# ``inv_ex`` or ``solve_ex``, which report the problem in ``info`` without
# raising. The pseudoinverse still gives a solution here. A small number
# added to the diagonal makes this matrix invertible.
A = torch.tensor([[1.0, 2.0], [2.0, 4.0]])
b = torch.tensor([[1.0], [2.0]])
with suppress(torch.linalg.LinAlgError):
    torch.linalg.solve(A, b)  # LinAlgError: input matrix is singular
with suppress(torch.linalg.LinAlgError):
    A.inverse()  # LinAlgError: The diagonal element 2 is zero
torch.linalg.inv_ex(A).info.item()  # 2
torch.linalg.solve_ex(A, b).info.item()  # 2
torch.linalg.pinv(A) @ b  # tensor([[0.2000], [0.4000]])
ridge = torch.linalg.solve(A + 1e-3 * torch.eye(2), b)
torch.allclose(A @ ridge, b, atol=1e-3)  # True
with suppress(RuntimeError):
    torch.linalg.inv(A[:1])  # RuntimeError: batches of square matrices
