"""
Sparse layouts
==============

Store a sparse matrix by coordinates, by rows, by columns or by blocks, and
convert from one layout to another.
"""
from contextlib import suppress

import torch

# %%
# By rows, columns or blocks: ``Tensor.to_sparse_csc``, ``to_sparse_bsr``
# -----------------------------------------------------------------------
#
# Each layout has a method that converts to it. COO stores coordinates, CSR
# rows and CSC columns. BSR and BSC store whole blocks of the given size.
# Take CSR for products, unless a library asks for another layout.
x = torch.tensor([[5.0, 0.0, 0.0, 1.0], [0.0, 0.0, 2.0, 3.0]])
rows = x.to_sparse_csr()  # UserWarning: tensor support is in beta state
rows.layout  # torch.sparse_csr
x.to_sparse_coo().layout  # torch.sparse_coo
x.to_sparse_csc().layout  # torch.sparse_csc
x.to_sparse_bsr((2, 2)).layout  # torch.sparse_bsr
x.to_sparse_bsc((2, 2)).layout  # torch.sparse_bsc
torch.equal(rows.to_sparse_csc().to_dense(), x)  # True

# %%
# Stored by columns: ``Tensor.ccol_indices``, ``row_indices``
# -----------------------------------------------------------
#
# CSC stores the values column by column. Column j has the rows and values
# from position ``ccol[j]`` up to ``ccol[j + 1]``, without the end. SciPy
# uses the same three arrays in ``csc_matrix``.
x = torch.tensor([[5.0, 0.0, 0.0, 1.0], [0.0, 0.0, 2.0, 3.0]])
s = x.to_sparse_csc()  # UserWarning: tensor support is in beta state
s.ccol_indices()  # tensor([0, 1, 1, 2, 4])
s.row_indices()  # tensor([0, 1, 0, 1])
s.values()  # tensor([5., 2., 1., 3.])

# %%
# Stored by blocks: ``Tensor.to_sparse_bsr``
# ------------------------------------------
#
# The indices count blocks, and ``values`` holds one small matrix for each
# block. A block is stored if one of its elements is not zero. Blocks save
# indices where nonzero elements stand together.
x = torch.tensor([[5.0, 0.0, 0.0, 0.0], [0.0, 3.0, 0.0, 0.0]])
s = x.to_sparse_bsr((2, 2))  # UserWarning: tensor support is in beta state
s.crow_indices()  # tensor([0, 1])
s.col_indices()  # tensor([0])
s.values()  # tensor([[[5., 0.], [0., 3.]]])
with suppress(RuntimeError):
    x.to_sparse_bsr((2, 3))  # RuntimeError: must be divisible by given

# %%
# From its parts: ``torch.sparse_csr_tensor``, ``torch.sparse_csc_tensor``
# ------------------------------------------------------------------------
#
# Give the offsets, the indices and the values, as SciPy keeps them in
# ``indptr``, ``indices`` and ``data``. Without a size PyTorch takes the
# smallest one that fits, so pass the size if the last columns can be empty.
# ``check_sparse_tensor_invariants`` raises an error if the parts do not fit
# together.
crow, col = torch.tensor([0, 2, 3]), torch.tensor([0, 2, 1])
values = torch.tensor([5.0, 1.0, 2.0])
with torch.sparse.check_sparse_tensor_invariants():
    s = torch.sparse_csr_tensor(crow, col, values)  # UserWarning: in beta
    wide = torch.sparse_csr_tensor(crow, col, values, size=(2, 4))
    same = torch.sparse_compressed_tensor(
        crow, col, values, layout=torch.sparse_csr
    )
    ccol, row = torch.tensor([0, 1, 2, 3]), torch.tensor([0, 1, 0])
    by_column = torch.tensor([5.0, 2.0, 1.0])
    csc = torch.sparse_csc_tensor(ccol, row, by_column)
s.to_dense()  # tensor([[5., 0., 1.], [0., 2., 0.]])
wide.shape  # torch.Size([2, 4])
torch.equal(same.to_dense(), s.to_dense())  # True
torch.equal(csc.to_dense(), s.to_dense())  # True
bad = torch.tensor([0, 9])
with torch.sparse.check_sparse_tensor_invariants(), suppress(RuntimeError):
    torch.sparse_csr_tensor(bad, col, values)  # RuntimeError: not satisfied

# %%
# From blocks: ``torch.sparse_bsr_tensor``, ``torch.sparse_bsc_tensor``
# ---------------------------------------------------------------------
#
# The values have the shape (blocks, height, width). In BSR the offsets
# count the blocks of each row of blocks, in BSC those of each column of
# blocks.
blocks = torch.tensor([[[1.0, 2.0], [3.0, 4.0]]])
ptr, index = torch.tensor([0, 1]), torch.tensor([1])
with torch.sparse.check_sparse_tensor_invariants():
    s = torch.sparse_bsr_tensor(ptr, index, blocks)  # UserWarning: in beta
    ptr, index = torch.tensor([0, 0, 1]), torch.tensor([0])
    same = torch.sparse_bsc_tensor(ptr, index, blocks, (2, 4))
s.to_dense()  # tensor([[0., 0., 1., 2.], [0., 0., 3., 4.]])
torch.equal(same.to_dense(), s.to_dense())  # True

# %%
# Which layout is it? ``Tensor.is_sparse``, ``is_sparse_csr``, ``layout``
# -----------------------------------------------------------------------
#
# ``is_sparse`` is true for COO, and ``is_sparse_csr`` for CSR. To tell all
# layouts apart, compare ``layout``.
x = torch.tensor([[0.0, 2.0], [3.0, 0.0]])
coo = x.to_sparse()
csr = x.to_sparse_csr()  # UserWarning: tensor support is in beta state
x.is_sparse, coo.is_sparse, csr.is_sparse  # (False, True, False)
coo.is_sparse_csr, csr.is_sparse_csr  # (False, True)
csr.layout == torch.sparse_csr  # True

# %%
# Sparse rows of dense vectors: ``to_sparse(1)``, ``Tensor.dense_dim``
# --------------------------------------------------------------------
#
# ``to_sparse(1)`` makes the first dimension sparse and keeps the others
# dense, so one index stands for a whole row. The gradient of an embedding
# with ``sparse=True`` has this form.
x = torch.tensor([[5.0, 1.0], [0.0, 0.0], [2.0, 3.0]])
s = x.to_sparse(1)
s.sparse_dim(), s.dense_dim()  # (1, 1)
s.indices()  # tensor([[0, 2]])
s.values()  # tensor([[5., 1.], [2., 3.]])
x.to_sparse().sparse_dim(), x.to_sparse().dense_dim()  # (2, 0)
table = torch.nn.Embedding(3, 2, sparse=True)
table(torch.tensor([2])).sum().backward()
table.weight.grad.sparse_dim()  # 1

# %%
# Keep the values at given positions: ``Tensor.sparse_mask``
# ----------------------------------------------------------
#
# ``sparse_mask`` takes the elements of a dense tensor at the positions that
# a sparse tensor stores. Use it to give a gradient the same positions as
# its parameter.
pattern = torch.tensor([[1.0, 0.0], [1.0, 1.0]]).to_sparse()
x = torch.tensor([[7.0, 8.0], [9.0, 6.0]])
s = x.sparse_mask(pattern)
s.values()  # tensor([7., 9., 6.])
s.to_dense()  # tensor([[7., 0.], [9., 6.]])

# %%
# Another size: ``Tensor.sparse_resize_``, ``sparse_resize_and_clear_``
# ---------------------------------------------------------------------
#
# ``sparse_resize_`` changes the size of a COO tensor in place and keeps its
# elements. The last two arguments are the numbers of sparse and dense
# dimensions. ``sparse_resize_and_clear_`` also removes all elements.
s = torch.tensor([[5.0, 0.0], [0.0, 2.0]]).to_sparse()
s.sparse_resize_((2, 3), 2, 0).shape  # torch.Size([2, 3])
s.to_dense()  # tensor([[5., 0., 0.], [0., 2., 0.]])
s.sparse_resize_and_clear_((1, 2), 2, 0).shape  # torch.Size([1, 2])
s.to_dense()  # tensor([[0., 0.]])

# %%
# Product plus matrix, log of softmax: ``torch.sparse.addmm``
# -----------------------------------------------------------
#
# ``torch.sparse.addmm`` adds the product of a sparse and a dense matrix to
# a dense matrix. ``torch.sparse.log_softmax`` normalizes the stored
# elements of each row.
s = torch.tensor([[1.0, 0.0], [2.0, 2.0]]).to_sparse()
d = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
torch.sparse.addmm(d, s, d, beta=10.0)  # tensor([[11., 22.], [38., 52.]])
log = torch.sparse.log_softmax(s, dim=1)
log.values()  # tensor([0.0000, -0.6931, -0.6931])

# %%
# Test a gradient of your own: ``torch.sparse.as_sparse_gradcheck``
# -----------------------------------------------------------------
#
# ``gradcheck`` compares a gradient with finite differences, and by default
# it also changes elements that a sparse tensor does not store.
# ``as_sparse_gradcheck`` wraps it, and with ``masked=True`` it changes only
# stored elements. Use float64.
s = torch.tensor([[1.0, 0.0], [2.0, 3.0]], dtype=torch.float64).to_sparse()
s.requires_grad_()
d = torch.ones(2, 2, dtype=torch.float64)
gradcheck = torch.sparse.as_sparse_gradcheck(torch.autograd.gradcheck)
with torch.sparse.check_sparse_tensor_invariants():
    gradcheck(lambda s: torch.sparse.mm(s, d), s, masked=True)  # True
