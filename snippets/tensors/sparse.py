"""
Sparse tensors
==============

Store only the nonzero elements of a tensor, in the COO or CSR layout, and
compute with them.
"""
from contextlib import suppress

import torch

# %%
# Store only the nonzero elements: ``to_sparse``, ``torch.sparse_coo``
# --------------------------------------------------------------------
#
# The ``layout`` of a tensor says how its elements are stored. Ordinary
# tensors have the layout ``torch.strided``. The coordinate layout (COO)
# stores the nonzero values and, for each value, a column with its indices.
x = torch.tensor([[0, 0, 3], [4, 0, 0]])
s = x.to_sparse()  # shape (2, 3), layout sparse_coo
s.indices()  # tensor([[0, 1], [2, 0]])
s.values()  # tensor([3, 4])
s.to_dense()  # tensor([[0, 0, 3], [4, 0, 0]])
s.layout  # torch.sparse_coo
x.layout  # torch.strided

# %%
# Build a sparse tensor: ``torch.sparse_coo_tensor``
# --------------------------------------------------
#
# The index has one row per dimension. If a position appears twice, its
# values are added, and ``coalesce`` merges them into one entry. By default,
# the indices are not checked. Use
# ``torch.sparse.check_sparse_tensor_invariants`` to get an error for wrong
# indices.
index = torch.tensor([[0, 0, 1], [2, 2, 0]])
value = torch.tensor([10, 5, 7])
with torch.sparse.check_sparse_tensor_invariants():
    s = torch.sparse_coo_tensor(index, value, (2, 3))  # shape (2, 3)
    with suppress(RuntimeError):
        torch.sparse_coo_tensor(
            index, value, (2, 2)
        )  # RuntimeError: for dim 1, size is 2 but found index 2
s.to_dense()  # tensor([[0, 0, 15], [7, 0, 0]])
s.is_coalesced()  # False
s.coalesce().values()  # tensor([15, 7])

# %%
# Compressed rows: ``to_sparse_csr``, ``torch.sparse_csr``
# --------------------------------------------------------
#
# CSR stores the values row by row. Row ``i`` has the columns and values
# from position ``crow[i]`` up to ``crow[i + 1]``, without the end. So a row
# is found quickly, which makes matrix products fast. The first CSR tensor
# of a program gives a warning that CSR is in beta.
x = torch.tensor([[0, 0, 3], [0, 0, 0], [4, 5, 0]])
s = x.to_sparse_csr()  # UserWarning: Sparse CSR tensor support is in beta
s.layout  # torch.sparse_csr
s.crow_indices()  # tensor([0, 1, 1, 3])
s.col_indices()  # tensor([2, 0, 1])
s.values()  # tensor([3, 4, 5])
s.to_dense()[2]  # tensor([4, 5, 0])

# %%
# Multiply a sparse matrix: ``torch.sparse.mm``
# ---------------------------------------------
#
# A sparse matrix times a dense matrix is dense, and ``@`` does the same as
# ``torch.sparse.mm``. Gradients flow back to the dense matrix. Graph
# networks multiply the adjacency matrix by the node features in this way.
a = torch.tensor([[0.0, 0.0, 3.0], [4.0, 0.0, 0.0]]).to_sparse()
x = torch.tensor([[1.0], [2.0], [5.0]])
torch.sparse.mm(a, x)  # tensor([[15.], [4.]])
a @ x  # tensor([[15.], [4.]])
x.requires_grad_()
(a @ x).sum().backward()
x.grad  # tensor([[4.], [0.], [3.]])

# %%
# The oneDNN layout: ``torch._mkldnn``
# ------------------------------------
#
# ``to_mkldnn`` converts a dense float tensor on the CPU to the layout of
# Intel's oneDNN library. Few operations support this layout, and indexing
# raises an error. You rarely need it, because PyTorch also uses oneDNN for
# ordinary tensors.
x = torch.tensor([[1.0, -2.0]], device="cpu")
packed = x.to_mkldnn()
packed.layout  # torch._mkldnn
packed.relu().to_dense()  # tensor([[1., 0.]])
with suppress(NotImplementedError):
    packed[0]  # NotImplementedError: Could not run 'aten::as_strided'

# %%
# Error: add(sparse, dense) is not supported
# ------------------------------------------
#
# Few operations support sparse tensors. To add a sparse and a dense tensor,
# put the dense one first. Multiplication by a number works. For other
# operations, convert the tensor with ``to_dense``.
s = torch.tensor([[0.0, 3.0], [4.0, 0.0]]).to_sparse()
dense = torch.ones(2, 2)
with suppress(RuntimeError):
    s + dense  # RuntimeError: Use add(dense, sparse) instead
dense + s  # tensor([[1., 4.], [5., 1.]])
(s * 2).values()  # tensor([6., 8.])
with suppress(NotImplementedError):
    s.view(4)  # NotImplementedError: Could not run 'aten::view'
s.to_dense().view(4)  # tensor([0., 3., 4., 0.])

# %%
# Error: Could not run 'aten::index.Tensor' (rows of a sparse tensor)
# -------------------------------------------------------------------
#
# A sparse tensor can be indexed with an integer, but not with a tensor of
# indices. Use ``index_select`` to pick rows or columns; the result stays
# sparse. The message also names the backend, ``SparseCPU`` or
# ``SparseCUDA``.
s = torch.tensor([[0.0, 3.0, 0.0], [4.0, 0.0, 5.0]]).to_sparse()
rows = torch.tensor([1, 0])
with suppress(NotImplementedError):
    s[rows]  # NotImplementedError: Could not run 'aten::index.Tensor' with
s.index_select(0, rows).to_dense()[0]  # tensor([4., 0., 5.])
s.index_select(1, torch.tensor([2])).to_dense()  # tensor([[0.], [5.]])
s[1].to_dense()  # tensor([4., 0., 5.])
with suppress(TypeError):
    s[0, 0] = 1.0  # TypeError: Cannot assign to a sparse tensor

# %%
# Sums, means and softmax of rows: ``torch.sparse.sum``, ``softmax``
# ------------------------------------------------------------------
#
# ``torch.sparse.softmax`` ignores elements that are not stored. ``mean``
# raises an error. Decide whether to divide the sum by the number of all
# elements or to take the mean of the stored values. A product with a vector
# of ones also gives the sum of each row.
dense = torch.tensor([[0.0, 3.0, 0.0], [4.0, 0.0, 4.0]])
s = dense.to_sparse()
torch.sparse.sum(s, dim=1).to_dense()  # tensor([3., 8.])
torch.sparse.softmax(s, dim=1).to_dense()[1]  # tensor([0.5, 0.0, 0.5])
with suppress(NotImplementedError):
    s.mean()  # NotImplementedError: Could not run 'aten::mean.dim' with
s.sum() / s.numel(), s.values().mean()  # (tensor(1.8333), tensor(3.6667))
(s @ torch.ones(3)).tolist()  # [3.0, 8.0]

# %%
# Divide each row by its sum: a normalized adjacency matrix
# ---------------------------------------------------------
#
# Dividing a sparse tensor by a dense column raises an error. Multiply a COO
# tensor by the reciprocal of the column instead; the result stays sparse.
# Convert a CSR tensor with ``to_sparse_coo`` first.
s = torch.tensor([[0.0, 3.0, 1.0], [4.0, 0.0, 4.0]]).to_sparse()
degree = torch.sparse.sum(s, dim=1).to_dense()
with suppress(RuntimeError):
    s / degree[:, None]  # RuntimeError: Sparse division requires a scalar
scaled = s * (1 / degree)[:, None]
scaled.is_sparse  # True
scaled.to_dense()  # tensor([[0.0, 0.75, 0.25], [0.5, 0.0, 0.5]])

# %%
# Gradients for the stored values: ``sparse_coo_tensor`` of a leaf
# ----------------------------------------------------------------
#
# Make the stored values the parameter, and build the sparse tensor in each
# training step. The gradient then has one number for each stored value.
# Elements that are not stored have no gradient.
values = torch.tensor([2.0, 5.0], requires_grad=True)
index = torch.tensor([[0, 1], [1, 0]])
with torch.sparse.check_sparse_tensor_invariants():
    s = torch.sparse_coo_tensor(index, values, (2, 2))
out = s @ torch.tensor([[10.0], [1.0]])
out.detach()  # tensor([[2.], [50.]])
torch.autograd.grad(out.sum(), values)  # (tensor([ 1., 10.]),)

# %%
# Error: Cannot get indices on an uncoalesced tensor
# --------------------------------------------------
#
# A sparse tensor can store the same position twice. ``indices`` and
# ``values`` need a coalesced tensor. ``coalesce`` returns a new tensor in
# which such entries are added up.
index = torch.tensor([[0, 0], [1, 1]])
with torch.sparse.check_sparse_tensor_invariants():
    s = torch.sparse_coo_tensor(index, torch.tensor([1.0, 2.0]), (2, 2))
with suppress(RuntimeError):
    s.indices()  # RuntimeError: Cannot get indices on an uncoalesced tensor
s = s.coalesce()
s.indices()  # tensor([[0], [1]])
s.values()  # tensor([3.])

# %%
# To NumPy and SciPy: ``to_dense`` or ``scipy.sparse.coo_matrix``
# ---------------------------------------------------------------
#
# NumPy has no sparse arrays. SciPy takes the values and indices of a sparse
# tensor directly. To convert back, stack ``row`` and ``col`` of the SciPy
# matrix and pass them to ``torch.sparse_coo_tensor`` with its ``data``.
import numpy as np
import scipy.sparse

s = torch.tensor([[0.0, 3.0], [4.0, 0.0]], device="cpu").to_sparse()
with suppress(TypeError):
    s.numpy()  # TypeError: can't convert Sparse layout tensor to numpy
s.to_dense().numpy()  # array([[0., 3.], [4., 0.]], dtype=float32)
matrix = scipy.sparse.coo_matrix((s.values().numpy(), s.indices().numpy()))
matrix.nnz  # 2
index = torch.from_numpy(np.stack([matrix.row, matrix.col])).long()
with torch.sparse.check_sparse_tensor_invariants():
    back = torch.sparse_coo_tensor(index, torch.from_numpy(matrix.data))
torch.equal(back.to_dense(), s.to_dense())  # True
