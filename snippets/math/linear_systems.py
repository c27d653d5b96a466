"""
Linear systems, inverses, determinants
======================================

Solve equations with ``torch.linalg``, and judge how far the solution can be
trusted.
"""
import math
from contextlib import suppress

import torch

# %%
# Solve A x = b: ``torch.linalg.solve``
# -------------------------------------
#
# ``b`` is a vector, or a matrix whose columns are solved one by one;
# leading dimensions are a batch. ``left=False`` solves x A = b.
# ``torch.solve``, which took ``b`` first, is gone.
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
# The inverse costs more and its rounding errors are multiplied by the
# condition number. The Hilbert matrix, a standard test, has condition
# 1e13: ``solve`` still satisfies the equations to the last digits of
# float64, the inverse misses them by more than 1e-6.
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
# For when the inverse itself is wanted, as a covariance to a precision. It
# takes batches, and floating point or complex numbers alone.
# ``torch.inverse`` and ``Tensor.inverse`` are the same.
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
# The determinant of a large matrix leaves the range of its dtype; the
# logarithm does not. ``slogdet`` gives sign and logarithm of the absolute
# value, ``torch.logdet`` the logarithm alone, NaN for a negative one.
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
# ``matrix_power(A, n)`` is ``A @ A @ ...``, not ``A**n``; a negative power
# inverts. ``matrix_exp`` sums the powers :math:`A^n / n!`, so it solves
# :math:`x' = A x`: the exponential of a skew-symmetric matrix is a
# rotation. ``torch.trace`` sums the diagonal of one matrix; for a batch sum
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
# Least squares: the x with the smallest sum of squared residuals. The
# pseudoinverse gives the same, and less exactly; prefer it only where the
# matrix itself is wanted, or on a GPU, where ``lstsq`` assumes full rank.
# ``torch.lstsq``, which took ``b`` first, is gone; ``torch.pinverse`` is
# ``pinv``.
t = torch.tensor([0.0, 1.0, 2.0, 3.0], dtype=torch.float64)
y = torch.tensor([1.0, 3.0, 5.0, 8.0], dtype=torch.float64)
A = torch.column_stack([torch.ones_like(t), t])
x = torch.linalg.lstsq(A, y[:, None]).solution.squeeze(1)
x  # tensor([0.8000, 2.3000], dtype=torch.float64)
normal = torch.linalg.solve(A.T @ A, A.T @ y)
torch.allclose(x, normal)  # True
torch.allclose(x, torch.linalg.pinv(A) @ y)  # True
torch.allclose(A.pinverse() @ A, torch.eye(2, dtype=A.dtype))  # True
torch.allclose(A.T @ (A @ x - y), torch.zeros_like(x), atol=1e-12)  # True
with suppress(RuntimeError):
    torch.lstsq(y[:, None], A)  # RuntimeError: is now removed

# %%
# Can the solution be trusted? ``torch.linalg.cond``, ``matrix_rank``
# -------------------------------------------------------------------
#
# The condition number is the largest singular value over the smallest. Its
# power of ten tells how many digits a solution may lose: float32 has about
# 7, float64 16. ``matrix_rank`` counts the singular values above a
# tolerance; a small determinant says nothing.
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
# For a symmetric positive definite matrix keep the Cholesky factor, for any
# other the LU factors; a triangular matrix needs neither. Mind the order:
# ``torch.cholesky_solve`` takes ``b`` first, ``torch.linalg.lu_solve``
# last. ``Tensor.lu_solve`` and ``Tensor.triangular_solve`` are deprecated
# as their functions.
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
old = torch.lu_solve(b, LU, pivots)  # UserWarning: torch.linalg.lu_solve
old = torch.triangular_solve(b, A)  # UserWarning: linalg.solve_triangular
same = L.cholesky_inverse().allclose(torch.cholesky_inverse(L))
same, torch.allclose(L.cholesky_inverse(), A.inverse())  # (True, True)

# %%
# Unknowns with several dimensions: ``torch.linalg.tensorsolve``
# --------------------------------------------------------------
#
# Solves ``tensordot(A, x, dims=x.ndim) == b``: the shape of A is that of b,
# then that of x, with as many numbers in either. ``tensorinv`` gives the
# inverse; ``ind`` counts the dimensions of b.
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
# The columns depend on each other: no solution, or many. Catch
# ``torch.linalg.LinAlgError``; ``inv_ex`` and ``solve_ex`` report in
# ``info`` and save the wait for the GPU. The pseudoinverse gives an answer
# here, and a little on the diagonal makes the matrix regular.
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
