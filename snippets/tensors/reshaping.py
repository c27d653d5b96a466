"""
Reshaping
=========

Change the shape of a tensor, and know whether its elements were copied.
"""
from contextlib import suppress

import torch

# %%
# Change the shape: ``torch.reshape``
# -----------------------------------
#
# ``reshape`` reads the elements row by row and fills the new shape row by
# row. The number of elements must stay the same. One size can be ``-1``,
# and PyTorch computes it from the others. ``reshape(-1)`` gives a 1-D
# tensor, and ``reshape(1, -1)`` gives a matrix with one row.
#
# .. tensors:: x, x.reshape(2, 3), x.reshape(3, 2)
x = torch.arange(6)
x.reshape(2, 3)  # tensor([[0, 1, 2], [3, 4, 5]])
torch.reshape(x, (3, 2))  # tensor([[0, 1], [2, 3], [4, 5]])
x.reshape(2, -1).shape  # torch.Size([2, 3])
x.reshape(1, -1)  # tensor([[0, 1, 2, 3, 4, 5]])
x.reshape(2, 3).reshape(-1)  # tensor([0, 1, 2, 3, 4, 5])

# %%
# Change the shape without copying: ``view``
# ------------------------------------------
#
# A view shares memory with the original tensor, so writing to one of them
# changes the other. ``view_as`` and ``reshape_as`` use the shape of another
# tensor.
x = torch.zeros(4)
grid = x.view(2, 2)
grid[0, 1] = 7
x  # tensor([0., 7., 0., 0.])
x.view(-1, 2)  # tensor([[0., 7.], [0., 0.]])
x.view_as(torch.empty(4, 1)).shape  # torch.Size([4, 1])
x.reshape_as(torch.empty(2, 2)).shape  # torch.Size([2, 2])

# %%
# Choose: ``view`` vs ``reshape``
# -------------------------------
#
# ``view`` shares memory or raises an error. ``reshape`` shares memory if
# possible and copies otherwise, without telling you. Use ``view`` if you
# want to write to the original tensor, and ``reshape`` if only the values
# matter.
x = torch.arange(6).view(2, 3)
x.reshape(3, 2).data_ptr() == x.data_ptr()  # True
x.T.reshape(3, 1, 2).data_ptr() == x.data_ptr()  # True
x.T.reshape(6).data_ptr() == x.data_ptr()  # False
with suppress(RuntimeError):
    x.T.view(6)  # RuntimeError: view size is not compatible
x.T.reshape(6)[0] = 100
x[0, 0]  # tensor(0)

# %%
# View or copy? Compare ``untyped_storage``
# -----------------------------------------
#
# A view can start in the middle of the memory, so ``data_ptr`` can differ
# even if the memory is shared. Compare the ``data_ptr`` of
# ``untyped_storage()`` instead. ``view`` also works on some tensors that
# are not contiguous, such as a column.
x = torch.arange(6).view(2, 3)
row, copy = x[1], x[1].clone()
row.data_ptr() == x.data_ptr()  # False
start = x.untyped_storage().data_ptr()
row.untyped_storage().data_ptr() == start  # True
copy.untyped_storage().data_ptr() == start  # False
column = x[:, 1]
column.is_contiguous()  # False
column.view(2, 1)  # tensor([[1], [4]])

# %%
# Merge dimensions: ``torch.flatten``, ``ravel``
# ----------------------------------------------
#
# ``flatten`` merges all dimensions by default, and ``start_dim=1`` keeps
# the batch dimension. ``ravel`` is NumPy's name for flattening everything.
# The result can be a view, and writing to it then changes ``x``.
x = torch.tensor([[[1, 2], [3, 4]], [[5, 6], [7, 8]]])
torch.flatten(x)  # tensor([1, 2, 3, 4, 5, 6, 7, 8])
x.flatten(start_dim=1)  # tensor([[1, 2, 3, 4], [5, 6, 7, 8]])
x.flatten(0, 1)  # tensor([[1, 2], [3, 4], [5, 6], [7, 8]])
x.ravel()[0] = 100
x[0, 0, 0]  # tensor(100)

# %%
# Split one dimension into two: ``unflatten``
# -------------------------------------------
#
# ``unflatten`` is the reverse of ``flatten``. You pass only the dimension
# to split and its new sizes, and one size can be ``-1``. Use it to split a
# feature dimension into attention heads.
x = torch.arange(12).view(2, 6)
x.unflatten(1, (3, 2))[0]  # tensor([[0, 1], [2, 3], [4, 5]])
tokens = torch.zeros(8, 10, 512)
heads = tokens.unflatten(-1, (4, -1))
heads.shape  # torch.Size([8, 10, 4, 128])
heads.flatten(-2).shape  # torch.Size([8, 10, 512])

# %%
# Read the same bytes as another dtype: ``view(dtype)``
# -----------------------------------------------------
#
# ``view(dtype)`` copies nothing and converts nothing; it reads the same
# bytes as another dtype. With a smaller dtype, the last dimension gets
# longer. With a larger dtype, it gets shorter, and its bytes must fill
# whole elements. To convert the values, use ``Tensor.to``.
x = torch.tensor([1, 256, 513], dtype=torch.int16)
x.view(torch.uint8)  # tensor([1, 0, 0, 1, 1, 2], dtype=torch.uint8)
x.to(torch.uint8)  # tensor([1, 0, 1], dtype=torch.uint8)
with suppress(RuntimeError):
    x.view(torch.int32)  # RuntimeError: must be divisible by 2
z = torch.tensor([1 + 2j, 3 + 4j])
torch.view_as_real(z)  # tensor([[1., 2.], [3., 4.]])

# %%
# ``reshape`` is not a transpose
# ------------------------------
#
# Both turn the shape ``(2, 3)`` into ``(3, 2)``. But ``reshape`` keeps the
# elements in order, so rows and columns get mixed up, and no error is
# raised because the shape is right. To swap dimensions, use a transpose or
# ``permute``.
#
# .. tensors:: x, x.reshape(3, 2), x.T
x = torch.tensor([[1, 2, 3], [4, 5, 6]])
x.reshape(3, 2)  # tensor([[1, 2], [3, 4], [5, 6]])
x.T  # tensor([[1, 4], [2, 5], [3, 6]])

# %%
# Error: view size is not compatible with size and stride (``view``)
# ------------------------------------------------------------------
#
# After a transpose, the elements are often not evenly spaced in memory for
# the new shape, and ``view`` fails. Use ``reshape``, which copies if
# necessary, or call ``contiguous()`` before ``view``. ``contiguous()``
# returns the tensor itself if it is already contiguous.
x = torch.arange(6).view(2, 3)
with suppress(RuntimeError):
    x.T.view(6)  # RuntimeError: view size is not compatible with input
x.T.is_contiguous()  # False
x.T.contiguous().view(6)  # tensor([0, 3, 1, 4, 2, 5])
x.T.reshape(6)  # tensor([0, 3, 1, 4, 2, 5])
x.contiguous() is x  # True

# %%
# Error: shape '[5, 2]' is invalid for input of size 12
# -----------------------------------------------------
#
# The product of the sizes must equal the number of elements. In a network,
# the cause is often a fixed batch size when the last batch is smaller, or a
# wrong size after the convolutions. Use ``flatten(1)`` or ``-1`` instead of
# a fixed number.
x = torch.arange(12)
with suppress(RuntimeError):
    x.reshape(5, 2)  # RuntimeError: shape '[5, 2]' is invalid for input
with suppress(RuntimeError):
    x.view(5, -1)  # RuntimeError: '[5, -1]' is invalid for input of size 12
with suppress(RuntimeError):
    x.view(-1, -1)  # RuntimeError: only one dimension can be inferred
x.view(6, -1).shape  # torch.Size([6, 2])
last = torch.zeros(5, 3, 4, 4)
with suppress(RuntimeError):
    last.view(8, 48)  # RuntimeError: is invalid for input of size 240
last.flatten(1).shape  # torch.Size([5, 48])
