"""
Sparse tensors
==============

Store and multiply only what is not zero, in the COO or CSR layout; and
oneDNN's layout, for dense tensors.
"""
from contextlib import suppress

import torch

# %%
# Store only what is not zero: ``to_sparse``, ``torch.sparse_coo``
# ----------------------------------------------------------------
#
# A ``torch.layout`` says how the elements are stored. Ordinary tensors are
# ``torch.strided``. The coordinate layout, COO, keeps the values that are
# not zero and one column of indices for each.
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
# One row of indices per dimension. An entry given twice counts as the sum,
# and ``coalesce`` makes it one. By default indices are not checked, and a
# warning says so; inside this ``with`` they are.
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
# Row ``i`` has its columns and values from ``crow[i]`` up to, but without,
# ``crow[i + 1]``: no row number is stored per value, and a row is found at
# once, which products need. The first one made warns that CSR is in beta.
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
# Sparse times dense is dense, and ``@`` does the same; a graph's adjacency
# matrix meets its node features this way. Gradients pass through.
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
# ``to_mkldnn`` packs a float tensor on the CPU as Intel's oneDNN wants it.
# Few operations work on it, indexing does not. PyTorch calls oneDNN on
# ordinary tensors by itself, so this is rarely needed.
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
# Few operations know sparse tensors, and adding a number would fill them.
# Put the dense one first, work on the values, or go back with ``to_dense``.
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
# A sparse tensor takes whole numbers as index, and neither lists, masks nor
# slices. ``index_select`` picks rows or columns and stays sparse. The
# message names the backend ``SparseCPU`` or ``SparseCUDA``.
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
# ``torch.sparse.softmax`` leaves out what is not stored. For CSR the sum of
# rows is a product with ones. A mean counts the zeros, so say whether you
# divide by the size or by the number of stored values.
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
# Dividing a sparse tensor by a column raises an error. Multiplying by the
# inverse of the column works and stays sparse.
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
# Let the values be the parameter and build the sparse tensor in each step.
# The gradient then has one number for each stored value. Entries that are
# not stored get none.
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
# A sparse tensor may hold an entry twice until ``coalesce`` adds them up.
# ``indices`` and ``values`` ask for a coalesced one. ``coalesce`` returns a
# new tensor.
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
# NumPy has no sparse arrays. SciPy takes values and indices as they are,
# and its ``coo`` arrays come back the same way.
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
