"""
Errors and gradients of linear algebra
======================================

Fix errors about sizes that do not match, matrices that cannot be inverted,
and nan in the gradient of a decomposition.
"""
from contextlib import suppress

import torch

# %%
# Error: Expected size for first two dimensions of batch2 tensor (``bmm``)
# ------------------------------------------------------------------------
#
# In a batched product, the left matrices must have as many columns as the
# right matrices have rows. The message shows the first two sizes that the
# right tensor should have. If its last two dimensions are the wrong way
# round, transpose it with ``mT``. The batch sizes must be equal, or with
# ``@`` broadcast.
a = torch.ones(10, 3, 4)
b = torch.ones(10, 2, 4)
with suppress(RuntimeError):
    a @ b  # RuntimeError: Expected size for first two dimensions of batch2
(a @ b.mT).shape  # torch.Size([10, 3, 2])
c = torch.ones(8, 4, 2)
with suppress(RuntimeError):
    a @ c  # RuntimeError: The size of tensor a (10) must match the size of
with suppress(RuntimeError):
    torch.bmm(a[0], c[0])  # RuntimeError: batch1 must be a 3D tensor
with suppress(RuntimeError):
    torch.mm(a, c[0])  # RuntimeError: self must be a matrix
(a @ c[0]).shape  # torch.Size([10, 3, 2])

# %%
# One singular matrix in a batch: ``torch.linalg.inv_ex``, ``pinv``
# -----------------------------------------------------------------
#
# If one matrix of a batch has no inverse, ``torch.linalg.inv`` raises an
# error for the whole batch and names the "Batch element". ``inv_ex`` does
# not raise. Its ``info`` is 0 for each matrix that was inverted. ``pinv``
# also works for a singular matrix, and so does a small number added to the
# diagonal.
good = torch.tensor([[2.0, 0.0], [0.0, 4.0]])
flat = torch.tensor([[1.0, 1.0], [1.0, 1.0]])
batch = torch.stack([good, flat])
with suppress(torch.linalg.LinAlgError):
    torch.linalg.inv(batch)  # LinAlgError: linalg.inv: (Batch element 1)
result = torch.linalg.inv_ex(batch)
result.info.tolist()  # [0, 2]
result.inverse[0]  # tensor([[0.5000, 0.0000], [0.0000, 0.2500]])
torch.linalg.pinv(flat)  # tensor([[0.2500, 0.2500], [0.2500, 0.2500]])
ridge = flat + 0.5 * torch.eye(2)
torch.linalg.inv(ridge)[0]  # tensor([1.2000, -0.8000])

# %%
# Error: Low precision dtypes not supported (``float16``, ``bfloat16``)
# ---------------------------------------------------------------------
#
# Inverses and decompositions do not support ``float16`` and ``bfloat16``.
# Under autocast, some of them convert the matrix and others raise this
# error, and which ones depends on the device. Convert the matrix to
# ``float32``, compute, and convert the result back. Integers raise an
# error, too.
A = torch.tensor([[2.0, 0.0], [0.0, 4.0]]).half()
with suppress(RuntimeError):
    torch.linalg.inv(A)  # RuntimeError: Low precision dtypes not supported
torch.linalg.inv(A.float())[1, 1].half().item()  # 0.25
with suppress(RuntimeError):
    torch.linalg.inv(A.long())  # RuntimeError: Expected a floating point or

# %%
# NaN in a matrix: test ``isfinite`` before a decomposition
# ---------------------------------------------------------
#
# With nan in the input, some functions return nan and others raise an error
# about convergence. A rank or an eigenvalue can even look like an ordinary
# number. What happens depends on the function, the PyTorch version and the
# library that does the work. Check the input before you call them.
A = torch.tensor([[float("nan"), 0.0], [0.0, 1.0]])
A.isfinite().all()  # tensor(False)
torch.linalg.det(A)  # tensor(nan)
torch.linalg.inv(A).isnan().any()  # tensor(True)
clean = A.nan_to_num(0.0)
torch.linalg.matrix_rank(clean)  # tensor(1)

# %%
# Gradient of ``torch.linalg.svd`` is nan: equal singular values
# --------------------------------------------------------------
#
# The singular vectors of equal singular values are not unique, so their
# derivative divides by zero. Several singular values of 0 are equal, too.
# The singular values themselves have a gradient, so write the loss with
# ``svdvals`` if you can. Otherwise add small, different numbers to the
# diagonal to separate the values.
A = torch.eye(2, dtype=torch.float64, requires_grad=True)
U, S, Vh = torch.linalg.svd(A)
torch.autograd.grad((U @ Vh).sum(), A)[0].isnan().any()  # tensor(True)
values = torch.linalg.svdvals(A)
torch.autograd.grad(values.sum(), A)[0].tolist()  # [[1.0, 0.0], [0.0, 1.0]]
apart = A + torch.diag(torch.tensor([0.0, 1e-3], dtype=A.dtype))
U, S, Vh = torch.linalg.svd(apart)
torch.autograd.grad((U @ Vh).sum(), A)[0].isfinite().all()  # tensor(True)

# %%
# ``LinalgEighBackward0`` returned nan: a square root without ``eigh``
# --------------------------------------------------------------------
#
# If eigenvalues are equal, as for the identity matrix, the gradient of the
# eigenvectors is nan. Compute the function of the matrix without
# eigenvectors instead. Here the Newton-Schulz iteration computes the square
# root. Scale the matrix to norm 1 first, and scale the root back
# afterwards.
def square_root(A, steps=12):
    Y, Z = A, torch.eye(len(A), dtype=A.dtype)
    for _ in range(steps):
        T = (3 * torch.eye(len(A), dtype=A.dtype) - Z @ Y) / 2
        Y, Z = Y @ T, T @ Z
    return Y


A = torch.eye(2, dtype=torch.float64, requires_grad=True)
L, V = torch.linalg.eigh(A)
by_eigh = V @ torch.diag(L.sqrt()) @ V.mT
torch.autograd.grad(by_eigh[0, 1], A)[0].isnan().any()  # tensor(True)
(grad,) = torch.autograd.grad(square_root(A)[0, 1], A)
grad.tolist()  # [[0.0, 0.5], [0.0, 0.0]]
B = torch.tensor([[0.5, 0.2], [0.2, 0.3]], dtype=torch.float64)
torch.allclose(square_root(B) @ square_root(B), B)  # True

# %%
# Error: singular vectors up to multiplication by e^{i phi} (complex)
# -------------------------------------------------------------------
#
# The singular vectors and eigenvectors of a complex matrix are not unique,
# because each can be multiplied by a phase. A loss that depends on this
# phase has no gradient. Use a quantity that does not depend on it, such as
# the absolute value or a product like ``U @ Vh``.
torch.manual_seed(0)
A = torch.randn(3, 3, dtype=torch.complex128, requires_grad=True)
real_part = torch.linalg.svd(A).U[0, 0].real
with suppress(RuntimeError):
    real_part.backward()  # RuntimeError: svd_backward: The singular vectors
size = torch.linalg.svd(A).U[0, 0].abs()
torch.autograd.grad(size, A)[0].isfinite().all()  # tensor(True)
