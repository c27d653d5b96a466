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
