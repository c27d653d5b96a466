"""
Memory layout
=============

How the elements of a tensor are stored in memory: strides, storage, memory
formats.
"""
from contextlib import suppress

import torch

# %%
# What strides are: ``x.stride()``
# --------------------------------
#
# The elements of a tensor are stored as one long row of numbers. The stride
# of a dimension is the number of elements to skip to get to the next index.
# Element ``[i, j]`` is at position ``i * stride(0) + j * stride(1)``.
#
# .. tensors:: x, x.T
#    :style: strides
x = torch.tensor([[10, 11, 12], [20, 21, 22]])
x.stride()  # (3, 1)
x.T.stride()  # (1, 3)
i, j = 1, 2
memory = x.flatten()
memory[i * x.stride(0) + j * x.stride(1)]  # tensor(22)
torch.zeros(2, 3, 4).stride()  # (12, 4, 1)

# %%
# When a transpose is not contiguous: ``is_contiguous``
# -----------------------------------------------------
#
# A tensor is contiguous if its elements, read row by row, are next to each
# other in memory. A transpose swaps the strides and moves no data, so the
# result is usually not contiguous; ``contiguous()`` makes a contiguous
# copy. The slice ``x[:1]`` is a whole row, so it stays contiguous, and its
# transpose does as well.
x = torch.tensor([[1, 2, 3], [4, 5, 6]])
x.T.is_contiguous()  # False
x.is_contiguous()  # True
x.T.data_ptr() == x.data_ptr()  # True
x.T.contiguous().stride()  # (2, 1)
x.T.contiguous().data_ptr() == x.data_ptr()  # False
x[:, :2].is_contiguous()  # False
x[:1].is_contiguous()  # True
x[:1].T.is_contiguous()  # True
torch.zeros(2, 3, 1).transpose(0, 2).is_contiguous()  # False

# %%
# A slice keeps the whole storage: ``untyped_storage``
# ----------------------------------------------------
#
# A slice starts at ``storage_offset`` in the storage of its tensor and
# keeps the whole storage in memory. ``torch.save`` of the slice also writes
# the whole storage to the file. ``clone`` copies only the elements of the
# slice.
import io
x = torch.arange(1000, dtype=torch.float32)
piece = x[10:13]
piece  # tensor([10., 11., 12.])
piece.storage_offset()  # 10
piece.numel() * piece.element_size()  # 12
piece.untyped_storage().nbytes()  # 4000
piece.clone().untyped_storage().nbytes()  # 12
file = io.BytesIO()
torch.save(piece, file)
file.tell() > 4000  # True

# %%
# Sliding windows without a copy: ``unfold``, ``torch.as_strided``
# ----------------------------------------------------------------
#
# ``unfold(dim, size, step)`` returns overlapping windows as a view.
# ``as_strided`` can make the same windows from any shape and strides that
# you pass. It only checks the end of the storage, so it can read elements
# outside of a slice.
#
# .. tensors:: x, x.unfold(0, 3, 1)
x = torch.tensor([1, 2, 3, 4, 5])
x.unfold(0, 3, 1)  # tensor([[1, 2, 3], [2, 3, 4], [3, 4, 5]])
x.unfold(0, 3, 1).stride()  # (1, 1)
x.unfold(0, 3, 2)  # tensor([[1, 2, 3], [3, 4, 5]])
x.as_strided((3, 3), (1, 1))  # tensor([[1, 2, 3], [2, 3, 4], [3, 4, 5]])
torch.as_strided(x[:2], (4,), (1,))  # tensor([1, 2, 3, 4])
with suppress(RuntimeError):
    x.as_strided((4, 3), (1, 1))  # RuntimeError: out of bounds for storage

# %%
# Channels last: ``memory_format=torch.channels_last``
# ----------------------------------------------------
#
# The shape stays ``(N, C, H, W)``, but in memory the channels of a pixel
# are next to each other. Convolutions on a GPU are often faster with this
# format. Unlike ``permute``, it does not change the order of the
# dimensions.
x = torch.arange(8).view(1, 2, 2, 2)
y = x.to(memory_format=torch.channels_last)
y.shape  # torch.Size([1, 2, 2, 2])
torch.equal(x, y)  # True
x.stride()  # (8, 4, 2, 1)
y.stride()  # (8, 1, 4, 2)
y.is_contiguous()  # False
y.is_contiguous(memory_format=torch.channels_last)  # True

# %%
# Layouts: ``torch.strided``, ``torch.sparse_coo``, ``torch.sparse_csr``
# ----------------------------------------------------------------------
#
# ``Tensor.layout`` tells how the elements are stored. A strided tensor
# stores all elements. The sparse layouts store the nonzero values and their
# positions. COO stores a row and a column for each value, and CSR stores a
# column for each value and the start of each row.
x = torch.tensor([[0, 5, 0], [7, 0, 8]])
x.layout  # torch.strided
isinstance(torch.strided, torch.layout)  # True
pairs = x.to_sparse(layout=torch.sparse_coo)
pairs.layout  # torch.sparse_coo
pairs.indices()  # tensor([[0, 1, 1], [1, 0, 2]])
pairs.values()  # tensor([5, 7, 8])
rows = x.to_sparse(layout=torch.sparse_csr)  # UserWarning: in beta state
rows.layout  # torch.sparse_csr
rows.crow_indices()  # tensor([0, 1, 3])
rows.col_indices()  # tensor([1, 0, 2])
torch.equal(rows.to_dense(), x)  # True

# %%
# Strides count elements: ``x.stride()`` beside NumPy's ``strides``
# -----------------------------------------------------------------
#
# NumPy counts strides in bytes, and PyTorch counts them in elements. Divide
# NumPy's strides by ``element_size()`` to get the strides of PyTorch.
import numpy as np
x = torch.zeros(2, 3, dtype=torch.float64, device="cpu")
x.stride()  # (3, 1)
x.numpy().strides  # (24, 8)
x.element_size()  # 8
np.zeros((2, 3)).T.strides  # (8, 24)
x.T.numpy().strides  # (8, 24)
