"""
NumPy you need first
====================

The array operations that PyTorch programs use often, each side by side with
its PyTorch form.
"""
from contextlib import suppress

import numpy as np
import torch

# %%
# Make an array and a tensor: ``np.array``, ``torch.tensor``
# ----------------------------------------------------------
#
# Both functions take nested lists of numbers, and both results have a shape
# and a dtype. From Python floats, NumPy creates float64, and PyTorch
# creates float32.
array = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
tensor = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
(array.shape, array.ndim, array.size)  # ((2, 3), 2, 6)
(tensor.shape, tensor.ndim, tensor.numel())  # (torch.Size([2, 3]), 2, 6)
array.dtype.name  # 'float64'
tensor.dtype  # torch.float32
np.array([1, 2]).dtype.name  # 'int64'
torch.tensor([1, 2]).dtype  # torch.int64

# %%
# Zeros and ranges: ``np.zeros``, ``torch.zeros``, ``torch.arange``
# -----------------------------------------------------------------
#
# These functions have the same names in NumPy and PyTorch. NumPy takes the
# shape as a tuple. PyTorch takes a tuple or separate numbers.
np.zeros((2, 3))  # array([[0., 0., 0.], [0., 0., 0.]])
torch.zeros(2, 3)  # tensor([[0., 0., 0.], [0., 0., 0.]])
np.arange(0, 10, 3)  # array([0, 3, 6, 9])
torch.arange(0, 10, 3)  # tensor([0, 3, 6, 9])
np.linspace(0, 1, 5)  # array([0.00, 0.25, 0.50, 0.75, 1.00])
torch.linspace(0, 1, 5)  # tensor([0.0000, 0.2500, 0.5000, 0.7500, 1.0000])
with suppress(TypeError):
    np.zeros(2, 3)  # TypeError: Cannot interpret '3' as a data type

# %%
# Compute with all elements at once, without a loop
# -------------------------------------------------
#
# Operators and functions work on each element, so most code needs no loop.
# ``*`` multiplies element by element, and ``@`` is the matrix product.
array = np.array([[1.0, 2.0], [3.0, 4.0]])
tensor = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
array * 10 + 1  # array([[11., 21.], [31., 41.]])
tensor * 10 + 1  # tensor([[11., 21.], [31., 41.]])
array * array  # array([[1., 4.], [9., 16.]])
tensor * tensor  # tensor([[1., 4.], [9., 16.]])
array @ array  # array([[7., 10.], [15., 22.]])
tensor @ tensor  # tensor([[7., 10.], [15., 22.]])
np.sqrt(array * array)  # array([[1., 2.], [3., 4.]])
torch.sqrt(tensor * tensor)  # tensor([[1., 2.], [3., 4.]])

# %%
# A row plus a column: broadcasting
# ---------------------------------
#
# Shapes are compared from the right, and a size of 1 is stretched to the
# other size. If two sizes differ and neither is 1, an error is raised. The
# rule is the same in both libraries.
row = np.array([1, 2, 3])
column = np.array([[10], [20]])
row + column  # array([[11, 12, 13], [21, 22, 23]])
torch.tensor(row) + torch.tensor(column)  # shape (2, 3), dtype int64
np.ones((4, 3)) + np.ones(3)  # shape (4, 3)
(torch.ones(4, 3) + torch.ones(3)).shape  # torch.Size([4, 3])
with suppress(ValueError):
    np.ones((4, 3)) + np.ones(4)  # ValueError: could not be broadcast
with suppress(RuntimeError):
    torch.ones(4, 3) + torch.ones(4)  # RuntimeError: size of tensor a

# %%
# Pick rows, columns and parts: indexing and slicing
# --------------------------------------------------
#
# An index picks one position, and a slice ``start:stop`` picks a range
# without ``stop``. A bare ``:`` picks all positions. A list of positions
# picks the rows in the order of the list.
array = np.arange(12).reshape(3, 4)
tensor = torch.arange(12).reshape(3, 4)
array[1, 2]  # np.int64(6)
tensor[1, 2]  # tensor(6)
array[:, 0]  # array([0, 4, 8])
tensor[:, 0]  # tensor([0, 4, 8])
array[0, 1:3]  # array([1, 2])
tensor[0, 1:3]  # tensor([1, 2])
array[[2, 0], -1]  # array([11, 3])
tensor[[2, 0], -1]  # tensor([11, 3])

# %%
# Select elements by a condition: boolean mask, ``where``
# -------------------------------------------------------
#
# A comparison gives an array of booleans. As an index, it picks the
# elements where it is True. In ``where`` it chooses between two values.
array = np.array([-2, 5, 0, 3])
tensor = torch.tensor([-2, 5, 0, 3])
array > 0  # array([False, True, False, True])
tensor > 0  # tensor([False, True, False, True])
array[array > 0]  # array([5, 3])
tensor[tensor > 0]  # tensor([5, 3])
np.where(array > 0, array, 0)  # array([0, 5, 0, 3])
torch.where(tensor > 0, tensor, 0)  # tensor([0, 5, 0, 3])
array[(array > 0) & (array < 4)]  # array([3])
tensor[(tensor > 0) & (tensor < 4)]  # tensor([3])

# %%
# Sum along rows or columns: ``axis`` is ``dim``
# ----------------------------------------------
#
# The dimension that you name disappears: ``axis=0`` adds the rows together.
# PyTorch uses the names ``dim`` and ``keepdim`` for NumPy's ``axis`` and
# ``keepdims``.
array = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
tensor = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
array.sum(axis=0)  # array([5., 7., 9.])
tensor.sum(dim=0)  # tensor([5., 7., 9.])
array.mean(axis=1, keepdims=True)  # array([[2.], [5.]])
tensor.mean(dim=1, keepdim=True)  # tensor([[2.], [5.]])
array.max(axis=1)  # array([3., 6.])
values, positions = tensor.max(dim=1)
values  # tensor([3., 6.])
(positions, array.argmax(axis=1).tolist())  # (tensor([2, 2]), [2, 2])

# %%
# Change the shape: ``reshape``, ``T``, a new dimension
# -----------------------------------------------------
#
# ``reshape`` keeps the order of the elements, and PyTorch and NumPy compute
# the size for -1. ``T`` swaps rows and columns. ``None`` as an index adds a
# dimension of size 1.
array = np.arange(6)
tensor = torch.arange(6)
array.reshape(2, -1)  # array([[0, 1, 2], [3, 4, 5]])
tensor.reshape(2, -1)  # tensor([[0, 1, 2], [3, 4, 5]])
array.reshape(2, 3).T  # array([[0, 3], [1, 4], [2, 5]])
tensor.reshape(2, 3).T  # tensor([[0, 3], [1, 4], [2, 5]])
array[:, None].shape  # (6, 1)
tensor[:, None].shape  # torch.Size([6, 1])
np.expand_dims(array, 0).shape  # (1, 6)
tensor.unsqueeze(0).shape  # torch.Size([1, 6])

# %%
# Put arrays together: ``np.concatenate``, ``np.stack``
# -----------------------------------------------------
#
# ``torch.cat`` and ``torch.concatenate`` are two names for one function.
# ``stack`` has the same name in both libraries and adds a dimension. Both
# functions take a list.
a, b = np.array([1, 2]), np.array([3, 4])
s, t = torch.tensor(a), torch.tensor(b)
np.concatenate([a, b])  # array([1, 2, 3, 4])
torch.cat([s, t])  # tensor([1, 2, 3, 4])
torch.concatenate([s, t], axis=0)  # tensor([1, 2, 3, 4])
np.stack([a, b])  # array([[1, 2], [3, 4]])
torch.stack([s, t])  # tensor([[1, 2], [3, 4]])

# %%
# A slice is a view: change it and the original changes
# -----------------------------------------------------
#
# A slice shares memory with its array, and the same holds for tensors. A
# list of positions or a mask makes a copy. If the original should not
# change, use ``copy`` in NumPy and ``clone`` in PyTorch.
array, tensor = np.zeros(4), torch.zeros(4)
array[:2][:] = 1
tensor[:2].fill_(1)
array  # array([1., 1., 0., 0.])
tensor  # tensor([1., 1., 0., 0.])
array[[0, 1]][:] = 5
tensor[[0, 1]].fill_(5)
array  # array([1., 1., 0., 0.])
tensor  # tensor([1., 1., 0., 0.])
array[:2].copy()[:] = 7
tensor[:2].clone().fill_(7)
(array.max(), tensor.max().item())  # (np.float64(1.0), 1.0)

# %%
# Random numbers: ``np.random.default_rng``, ``torch.Generator``
# --------------------------------------------------------------
#
# A generator with the same seed gives the same numbers again, but NumPy and
# PyTorch give different numbers for the same seed. In NumPy, draw with a
# method of the generator. In PyTorch, pass the generator as an argument.
rng = np.random.default_rng(0)
array = rng.normal(size=(2, 3))
again = np.random.default_rng(0).normal(size=(2, 3))
np.array_equal(array, again)  # True
generator = torch.Generator(device="cpu").manual_seed(0)
tensor = torch.randn(2, 3, generator=generator, device="cpu")
generator.manual_seed(0)
again = torch.randn(2, 3, generator=generator, device="cpu")
torch.equal(tensor, again)  # True
np.allclose(tensor.numpy(), array)  # False

# %%
# Same name, different meaning: ``repeat``, ``size``, mixed dtypes
# ----------------------------------------------------------------
#
# ``Tensor.repeat`` corresponds to ``np.tile``, and
# ``torch.repeat_interleave`` to ``np.repeat``. The mean of integers is
# float64 in NumPy and raises an error in PyTorch. int64 times float32 gives
# float64 in NumPy and float32 in PyTorch.
array, tensor = np.array([1, 2]), torch.tensor([1, 2])
np.tile(array, 2)  # array([1, 2, 1, 2])
tensor.repeat(2)  # tensor([1, 2, 1, 2])
np.repeat(array, 2)  # array([1, 1, 2, 2])
tensor.repeat_interleave(2)  # tensor([1, 1, 2, 2])
array.mean()  # np.float64(1.5)
with suppress(RuntimeError):
    tensor.mean()  # RuntimeError: must be either a floating point
(array * np.ones(2, dtype=np.float32)).dtype.name  # 'float64'
(tensor * torch.ones(2)).dtype  # torch.float32
(array.size, tensor.size())  # (2, torch.Size([2]))
