"""
Matrix decompositions
=====================

Split a matrix into factors that are easy to work with, such as triangular
or orthogonal matrices.
"""
from contextlib import suppress

import torch

# %%
# Singular values: ``torch.linalg.svd``, ``svdvals``
# --------------------------------------------------
#
# The SVD writes a matrix as ``U @ diag(S) @ Vh``. U has orthonormal
# columns, Vh has orthonormal rows, and the singular values S are in
# descending order. ``full_matrices=False`` leaves out the columns that
# belong to no singular value, and ``svdvals`` returns only S. The signs of
# the vectors are not unique, so compare products instead of U.
A = torch.tensor([[3.0, 0.0], [4.0, 0.0], [0.0, 2.0]], dtype=torch.float64)
U, S, Vh = torch.linalg.svd(A, full_matrices=False)
S  # tensor([5.0000, 2.0000], dtype=torch.float64)
U.shape, Vh.shape  # (torch.Size([3, 2]), torch.Size([2, 2]))
torch.allclose(U @ torch.diag(S) @ Vh, A)  # True
torch.allclose((U * S) @ Vh, A)  # True
torch.linalg.svd(A).U.shape  # torch.Size([3, 3])
torch.allclose(torch.linalg.svdvals(A), S)  # True
torch.allclose(torch.linalg.eigvalsh(A.T @ A).flip(0), S**2)  # True

# %%
# Compress a matrix: keep the largest singular values
# ---------------------------------------------------
#
# The k largest singular values and their vectors give the best
# approximation of rank k. The squared error is the sum of the squares of
# the other singular values. Here rank 2 needs 102 numbers instead of the
# 600 of a 20 by 30 matrix, with an error below 1 %.
i, j = torch.arange(20.0)[:, None] / 20, torch.arange(30.0) / 30
A = (1 + i * j).log() + (3 * i).sin() * j
U, S, Vh = torch.linalg.svd(A.double(), full_matrices=False)
A_2 = (U[:, :2] * S[:2]) @ Vh[:2]
torch.linalg.matrix_rank(A_2)  # tensor(2)
error = (A - A_2).square().sum()
torch.allclose(error, S[2:].square().sum())  # True
(error / A.square().sum()).sqrt() < 0.01  # tensor(True)
U[:, :2].numel() + 2 + Vh[:2].numel()  # 102

# %%
# Orthonormal columns: ``torch.linalg.qr``
# ----------------------------------------
#
# The QR decomposition writes ``A = Q @ R``, where Q has orthonormal columns
# and R is upper triangular. It solves least-squares problems, as in the
# last line. ``mode="complete"`` makes Q square, and ``mode="r"`` returns
# only R. The signs depend on the backend, so fix them with the diagonal of
# R.
A = torch.tensor([[3.0, 1.0], [4.0, 3.0], [0.0, 2.0]], dtype=torch.float64)
Q, R = torch.linalg.qr(A)
torch.allclose(Q @ R, A)  # True
torch.allclose(Q.T @ Q, torch.eye(2, dtype=A.dtype))  # True
R.diagonal().abs()  # tensor([5.0000, 2.2361], dtype=torch.float64)
signs = R.diagonal().sign()
(Q * signs)[:, 0]  # tensor([0.6000, 0.8000, 0.0000], dtype=torch.float64)
torch.linalg.qr(A, mode="complete").Q.shape  # torch.Size([3, 3])
b = A @ torch.tensor([[1.0], [2.0]], dtype=A.dtype)
x = torch.linalg.solve_triangular(R, Q.T @ b, upper=True)
x  # tensor([[1.0000], [2.0000]], dtype=torch.float64)

# %%
# Eigenvalues of a symmetric matrix: ``torch.linalg.eigh``
# --------------------------------------------------------
#
# ``torch.linalg.eigh`` returns real eigenvalues in ascending order and
# orthonormal eigenvectors in the columns of V. It reads only one triangle,
# by default the lower one, and does not check symmetry. To apply a function
# to the matrix, such as the square root here, apply it to the eigenvalues.
A = torch.tensor([[2.0, 1.0], [1.0, 2.0]], dtype=torch.float64)
L, V = torch.linalg.eigh(A)
L  # tensor([1.0000, 3.0000], dtype=torch.float64)
torch.allclose(V @ torch.diag(L) @ V.T, A)  # True
torch.allclose(A @ V, V * L)  # True
V[:, 1] / V[0, 1]  # tensor([1.0000, 1.0000], dtype=torch.float64)
root = V @ torch.diag(L.sqrt()) @ V.T
torch.allclose(root @ root, A)  # True
torch.allclose(torch.linalg.eigvalsh(A), L)  # True
lopsided = torch.tensor([[2.0, 100.0], [1.0, 2.0]])
torch.linalg.eigvalsh(lopsided)  # tensor([1.0000, 3.0000])
torch.linalg.eigvalsh(lopsided, UPLO="U")  # tensor([-98.0000, 102.0000])

# %%
# Matrix square root, polar form: ``torch.linalg.matrix_sqrth``, ``polar``
# ------------------------------------------------------------------------
#
# ``matrix_sqrth`` computes the square root of a symmetric positive definite
# matrix. ``torch.linalg.polar`` writes ``A = U @ H``, a stretch H followed
# by a rotation or reflection U. U has orthonormal columns, and H is the
# square root of ``A.T @ A``.
#
# .. since:: 2.14
A = torch.tensor([[5.0, 4.0], [4.0, 5.0]])
root = torch.linalg.matrix_sqrth(A)
root  # tensor([[2.0000, 1.0000], [1.0000, 2.0000]])
M = torch.tensor([[0.0, -2.0], [3.0, 0.0]])
U, H = torch.linalg.polar(M)
U.round(decimals=3)  # tensor([[0., -1.], [1., 0.]])
H.round(decimals=3)  # tensor([[3., 0.], [0., 2.]])
torch.allclose(torch.linalg.matrix_sqrth(M.T @ M), H, atol=1e-5)  # True

# %%
# Eigenvalues of any square matrix: ``torch.linalg.eig``
# ------------------------------------------------------
#
# ``torch.linalg.eig`` returns complex tensors, even if the eigenvalues are
# real, and the order is not fixed. For symmetric matrices use ``eigh``,
# which returns real eigenvalues in ascending order. The old ``torch.eig``
# and ``torch.symeig`` have been removed.
A = torch.tensor([[2.0, 1.0], [0.0, 3.0]])
L, V = torch.linalg.eig(A)
L.dtype  # torch.complex64
L.real.sort().values  # tensor([2.0000, 3.0000])
torch.allclose((V @ torch.diag(L) @ V.inverse()).real, A, atol=1e-5)  # True
turn = torch.tensor([[0.0, -1.0], [1.0, 0.0]])
torch.linalg.eigvals(turn).imag.sort().values  # tensor([-1.0000, 1.0000])
with suppress(RuntimeError):
    torch.eig(A)  # RuntimeError: is now removed
with suppress(RuntimeError):
    torch.symeig(A)  # RuntimeError: is now removed

# %%
# Cholesky factor of a covariance: ``torch.linalg.cholesky``
# ----------------------------------------------------------
#
# The Cholesky decomposition writes a symmetric positive definite matrix as
# ``A = L @ L.T``, where L is lower triangular. Multiply normal random
# numbers by L to give them the covariance A. The function reads only the
# lower triangle of A, or the upper one with ``upper=True``.
A = torch.tensor([[4.0, 2.0], [2.0, 10.0]])
L = torch.linalg.cholesky(A)
L  # tensor([[2.0000, 0.0000], [1.0000, 3.0000]])
torch.allclose(L @ L.T, A)  # True
torch.allclose(torch.linalg.cholesky(A.tril()), L)  # True
upper = torch.linalg.cholesky(A.triu(), upper=True)
torch.allclose(upper, L.T)  # True
samples = torch.randn(100_000, 2) @ L.T
(samples.T.cov() - A).abs().max() < 0.5  # tensor(True)
torch.allclose(2 * L.diagonal().log().sum(), A.logdet())  # True

# %%
# Triangular factors: ``torch.linalg.lu``, ``lu_factor``, ``ldl_factor``
# ----------------------------------------------------------------------
#
# ``lu`` returns a permutation matrix, a lower and an upper triangular
# matrix. ``lu_factor`` packs them into one matrix for ``lu_solve``,
# ``torch.lu_unpack`` unpacks it, and ``torch.lu`` is deprecated.
# ``ldl_factor`` works on symmetric matrices that need not be positive
# definite. ``torch.linalg.lu_factor_ex`` and ``torch.linalg.ldl_factor_ex``
# also return ``info``.
A = torch.tensor([[1.0, 2.0], [4.0, 4.0]])
P, L, U = torch.linalg.lu(A)
P  # tensor([[0., 1.], [1., 0.]])
L  # tensor([[1.0000, 0.0000], [0.2500, 1.0000]])
U  # tensor([[4.0000, 4.0000], [0.0000, 1.0000]])
torch.allclose(P @ L @ U, A)  # True
LU, pivots = torch.linalg.lu_factor(A)
LU  # tensor([[4.0000, 4.0000], [0.2500, 1.0000]])
torch.allclose(torch.lu_unpack(LU, pivots).L, L)  # True
old = A.lu()  # UserWarning: in favor of torch.linalg.lu_factor
torch.allclose(torch.lu(A)[0], LU)  # True
S = torch.tensor([[0.0, 2.0], [2.0, 3.0]])
LD, pivots = torch.linalg.ldl_factor(S)
b = torch.tensor([[4.0], [8.0]])
torch.linalg.ldl_solve(LD, pivots, b)  # tensor([[1.0000], [2.0000]])
singular = torch.zeros(2, 2)
torch.linalg.lu_factor_ex(singular).info.item()  # 1
torch.linalg.ldl_factor_ex(singular).info.item()  # 1

# %%
# Principal components: ``torch.pca_lowrank``, ``torch.svd_lowrank``
# ------------------------------------------------------------------
#
# ``torch.svd_lowrank`` approximates the q largest singular values with
# random projections, which is fast for a large matrix.
# ``torch.pca_lowrank`` does the same after it subtracts the mean of each
# column, and the columns of V are the principal directions.
# ``torch.lobpcg`` finds the k largest eigenvalues of a large symmetric
# positive definite matrix.
base = torch.arange(200.0)[:, None].double().sin()
X = base @ torch.tensor([[3.0, 4.0, 0.0]]).double() + torch.arange(3)
U, S, V = torch.pca_lowrank(X, q=2)
U.shape, V.shape  # (torch.Size([200, 2]), torch.Size([3, 2]))
V[:, 0].abs()  # tensor([0.6000, 0.8000, 0.0000], dtype=torch.float64)
centred = X - X.mean(dim=0)
exact = torch.linalg.svdvals(centred)
torch.allclose(S[0], exact[0])  # True
torch.allclose(torch.svd_lowrank(centred, q=2)[1], exact[:2])  # True
gram = torch.diag(torch.arange(1.0, 31.0))
values, vectors = torch.lobpcg(gram, k=2, niter=100)
values.round()  # tensor([30., 29.])

# %%
# Q from reflections: ``torch.linalg.householder_product``
# --------------------------------------------------------
#
# ``torch.geqrf`` returns R and, below its diagonal, the vectors of the
# reflections whose product is Q. ``householder_product``, also called
# ``torch.orgqr``, computes Q from them. ``torch.ormqr`` multiplies by Q
# without computing it. The methods are ``Tensor.geqrf``, ``Tensor.orgqr``
# and ``Tensor.ormqr``.
A = torch.rand(4, 2, dtype=torch.float64)
a, tau = torch.geqrf(A)
Q = torch.linalg.householder_product(a, tau)
torch.allclose(Q @ a[:2].triu(), A)  # True
torch.allclose(torch.orgqr(a, tau), Q)  # True
torch.allclose(a.orgqr(tau), Q)  # True
torch.allclose(A.geqrf().tau, tau)  # True
b = torch.rand(4, 1, dtype=torch.float64)
product = torch.ormqr(a, tau, b, transpose=True)
torch.allclose(product[:2], Q.T @ b)  # True
torch.allclose(a.ormqr(tau, b, transpose=True), product)  # True

# %%
# Old forms: ``torch.svd``, ``torch.qr``, ``torch.cholesky``
# ----------------------------------------------------------
#
# ``torch.svd`` still works, but it returns V instead of the transpose Vh
# and leaves out extra columns by default. If you only swap the function
# names, the result is wrong, and there is no error if V is square.
# ``torch.qr``, ``torch.cholesky``, ``Tensor.qr`` and ``Tensor.cholesky``
# have been removed. Use ``torch.linalg.qr`` and ``torch.linalg.cholesky``,
# with ``mode="complete"`` for the old ``some=False``.
A = torch.tensor([[1.0, 2, 0], [0, 1, 3], [4, 0, 1], [0, 0, 2]])
U, S, V = torch.svd(A)
U.shape, V.shape  # (torch.Size([4, 3]), torch.Size([3, 3]))
torch.allclose(U @ torch.diag(S) @ V.T, A, atol=1e-5)  # True
torch.allclose(U @ torch.diag(S) @ V, A, atol=1e-5)  # False
new = torch.linalg.svd(A, full_matrices=False)
torch.allclose(new.U @ torch.diag(new.S) @ new.Vh, A, atol=1e-5)  # True
torch.allclose(new.S, A.svd().S)  # True
with suppress(RuntimeError):
    torch.qr(
        A
    )  # RuntimeError: now removed since 2.14, UserWarning: linalg.qr before
B = torch.eye(2)
with suppress(RuntimeError):
    torch.cholesky(
        B
    )  # RuntimeError: now removed since 2.14, UserWarning: in favor before

# %%
# Error: the input is not positive-definite (``torch.linalg.cholesky``)
# ---------------------------------------------------------------------
#
# The matrix has an eigenvalue that is negative or 0, or it contains nan.
# This happens for a covariance of more features than samples, or because of
# rounding. Add a small number to the diagonal. ``cholesky_ex`` reports the
# problem in ``info`` without raising, so a loop can try larger numbers.
few = torch.tensor([[1.0, 2.0, 3.0], [2.0, 4.0, 7.0]])
covariance = few.T.cov()
torch.linalg.matrix_rank(covariance)  # tensor(1)
flat = torch.tensor([[1.0, 2.0], [2.0, 1.0]])
with suppress(torch.linalg.LinAlgError):
    torch.linalg.cholesky(flat)  # LinAlgError: is not positive-definite
torch.linalg.eigvalsh(flat)  # tensor([-1.0000, 3.0000])
torch.linalg.cholesky_ex(flat).info.item()  # 2
jitter = 1e-4 * torch.eye(3)
L = torch.linalg.cholesky(covariance + jitter)
torch.allclose(L @ L.T, covariance, atol=1e-3)  # True
