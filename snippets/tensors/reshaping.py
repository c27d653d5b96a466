"""
Reshaping
=========

Give the same elements another shape, and know whether they were copied.
"""
from contextlib import suppress

import torch

# %%
# Change the shape: ``torch.reshape``
# -----------------------------------
#
# Elements are read row by row and laid out row by row; their number must
# stay. One size may be ``-1`` and is computed from the others.
# ``reshape(-1)`` gives 1-D, but ``reshape(1, -1)`` is a matrix of one row.
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
# A view always shares memory with the tensor it comes from: what is written
# through one shows in the other. ``view_as`` and ``reshape_as`` take the
# shape of another tensor.
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
# ``view`` shares memory or raises; ``reshape`` shares where it can and
# copies where it must, without telling. Take ``view`` to write through the
# result or to hear of a copy, ``reshape`` if only the values count.
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
# A view may begin in the middle, so ``data_ptr`` differs though the memory
# is shared: compare where the storage begins. Nor need a tensor be
# contiguous to have a view: a column has one, its elements lie evenly.
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
# ``start_dim=1`` keeps the batch, as ``nn.Flatten`` does by default.
# ``ravel`` is ``flatten`` of everything under NumPy's name. ``flatten``
# returns a view where it can, ``ravel`` where ``x`` is contiguous: writing
# into it changes ``x``.
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
# The reverse of ``flatten``: other dimensions need not be named, and one
# size may be ``-1``. So a feature dimension becomes attention heads.
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
# Nothing is converted or copied, the bits are read anew: a narrower dtype
# makes the last dimension longer, a wider one must come out even. To
# convert values, use ``Tensor.to``.
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
# Both turn ``(2, 3)`` into ``(3, 2)``, but ``reshape`` keeps the order of
# the elements and so mixes rows and columns. The shapes are right and no
# error tells; to swap dimensions, transpose or permute.
#
# .. tensors:: x, x.reshape(3, 2), x.T
x = torch.tensor([[1, 2, 3], [4, 5, 6]])
x.reshape(3, 2)  # tensor([[1, 2], [3, 4], [5, 6]])
x.T  # tensor([[1, 4], [2, 5], [3, 6]])

# %%
# Error: view size is not compatible with size and stride (``view``)
# ------------------------------------------------------------------
#
# After a transpose, permute or column slice, neighbours in the wanted shape
# do not lie evenly in memory. ``reshape`` copies if need be;
# ``contiguous()`` copies now, and is free where nothing has to be done.
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
# The sizes must multiply to the number of elements. In a network this is
# most often a fixed batch size that meets a shorter last batch, or a wrong
# guess of what the convolutions leave: let ``-1`` and ``flatten`` count.
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
