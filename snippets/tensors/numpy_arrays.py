"""
NumPy arrays
============

Convert NumPy arrays to tensors and back, and know when the two share
memory.
"""
import warnings
from contextlib import suppress

import numpy as np
import torch

# %%
# Share memory both ways: ``torch.from_numpy``, ``Tensor.numpy``
# --------------------------------------------------------------
#
# Neither function copies. The array and the tensor share the same memory,
# so an in-place change of one also changes the other. This is true for
# tensors on the CPU. For a tensor on a GPU, ``x.cpu().numpy()`` makes a
# copy.
array = np.array([1.0, 2.0, 3.0])
tensor = torch.from_numpy(array)
back = tensor.numpy()
tensor.mul_(10)
array  # array([10., 20., 30.])
array[0] = -1
tensor  # tensor([-1., 20., 30.], dtype=torch.float64)
back  # array([-1., 20., 30.])

# %%
# Copy or share: ``torch.tensor``, ``as_tensor``, ``asarray``
# -----------------------------------------------------------
#
# ``torch.tensor`` copies. ``as_tensor`` and ``asarray`` share memory if
# dtype and device stay the same. In the other direction, ``np.asarray``
# shares memory and ``clone().numpy()`` copies. Since PyTorch 2.12,
# ``torch.asarray`` of a tensor that requires a gradient keeps the graph.
array = np.array([1, 2, 3])
torch.tensor(array).data_ptr() == array.ctypes.data  # False
shared = torch.as_tensor(array, device="cpu")
shared.data_ptr() == array.ctypes.data  # True
floats = torch.as_tensor(array, dtype=torch.float32, device="cpu")
floats.data_ptr() == array.ctypes.data  # False
copied = torch.asarray(array, copy=True)
copied.data_ptr() == array.ctypes.data  # False
np.shares_memory(np.asarray(shared), array)  # True
np.shares_memory(shared.clone().numpy(), array)  # False
w = torch.ones(2, requires_grad=True)
with warnings.catch_warnings(action="ignore"):
    same = torch.asarray(w)
same.requires_grad  # True since 2.12, False before

# %%
# Share memory with other array libraries: ``torch.from_dlpack``
# --------------------------------------------------------------
#
# DLPack is an exchange format of NumPy, CuPy, JAX and other libraries. It
# shares memory instead of copying, also on a GPU. Here a change of the
# tensor changes the NumPy array.
array = np.array([1, 2, 3])
tensor = torch.from_dlpack(array)
tensor[0] = 9
array  # array([9, 2, 3])
np.from_dlpack(tensor)  # array([9, 2, 3])

# %%
# NumPy arrays become float64 tensors: convert with ``Tensor.float``
# ------------------------------------------------------------------
#
# For floats, the default dtype of NumPy is float64 and that of PyTorch is
# float32. ``torch.from_numpy`` keeps the dtype of the array. Convert to
# float32 once, where the data enters your program, because layers with
# float32 weights raise an error for float64 inputs.
array = np.linspace(0, 1, 3)
tensor = torch.from_numpy(array)
tensor.dtype  # torch.float64
tensor.float()  # tensor([0.0000, 0.5000, 1.0000])
torch.from_numpy(array.astype(np.float32)).dtype  # torch.float32
torch.tensor(array, dtype=torch.float32).dtype  # torch.float32
torch.tensor([0.5], device="cpu").numpy().dtype.name  # 'float32'

# %%
# NumPy habits that differ: ``std``, ``size``, ``astype``, ``transpose``
# ----------------------------------------------------------------------
#
# ``Tensor.std`` divides by n - 1, and ``std`` of NumPy divides by n.
# ``array.size`` is the number of elements, which is ``numel()`` for a
# tensor. Instead of ``astype`` use ``to``, instead of ``axis`` use ``dim``.
# In NumPy, ``transpose`` reorders all dimensions, as ``permute`` does;
# ``Tensor.transpose`` swaps only two.
array = np.array([[0.0, 2.0, 4.0], [6.0, 8.0, 10.0]])
tensor = torch.tensor(array)
array.std()  # np.float64(3.4157)
tensor.std()  # tensor(3.7417, dtype=torch.float64)
tensor.std(correction=0)  # tensor(3.4157, dtype=torch.float64)
array.size, tensor.numel()  # (6, 6)
array.astype("int64").dtype.name  # 'int64'
tensor.to(torch.int64).dtype  # torch.int64
array.transpose(1, 0).shape  # (3, 2)
tensor.permute(1, 0).shape  # torch.Size([3, 2])
array.sum(axis=0)  # array([6., 10., 14.])
tensor.sum(dim=0)  # tensor([6., 10., 14.], dtype=torch.float64)

# %%
# NumPy arrays have no gradients, tensors hold no text
# ----------------------------------------------------
#
# A NumPy array can hold text and Python objects, but a tensor cannot, so
# the conversion raises an error. Give each distinct value a number, for
# example with ``np.unique``, and convert the numbers. A table with a text
# column often becomes an array of objects, which raises the same error.
tensor = torch.ones(2, requires_grad=True)
tensor.sum().backward()
tensor.grad  # tensor([1., 1.])
array = np.array(["cat", "dog", "cat"])
hasattr(array, "grad")  # False
with suppress(TypeError):
    torch.tensor(array)  # TypeError: can't convert np.ndarray
with suppress(TypeError):
    torch.tensor(array.astype(object))  # TypeError: of type numpy.object_
names, codes = np.unique(array, return_inverse=True)
torch.tensor(codes)  # tensor([0, 1, 0])

# %%
# pandas to tensor: ``DataFrame.to_numpy``
# ----------------------------------------
#
# ``to_numpy`` converts the columns of a table to one array with a common
# dtype. It can share the memory of the table if all columns have the same
# dtype, but ``torch.tensor`` then makes a copy. Note the names: pandas has
# ``.to_numpy()``, tensors have ``.numpy()``.
import pandas as pd

frame = pd.DataFrame({"width": [1.0, 2.0], "height": [3.0, 4.0]})
np.shares_memory(frame.to_numpy(), frame.to_numpy())  # True
mixed = pd.DataFrame({"width": [1.0, 2.0], "count": [3, 4]})
np.shares_memory(mixed.to_numpy(), mixed.to_numpy())  # False
mixed.to_numpy().dtype.name  # 'float64'
x = torch.tensor(frame.to_numpy(), dtype=torch.float32)
x  # tensor([[1., 3.], [2., 4.]])
frame["depth"] = [5.0, 6.0]
np.shares_memory(frame.to_numpy(), frame.to_numpy())  # False

# %%
# Error: can't call numpy() on tensor that requires grad
# ------------------------------------------------------
#
# Autograd cannot track what NumPy computes, so ``numpy()`` raises an error
# for a tensor that requires a gradient. Call ``detach`` first to take the
# numbers out of the graph. ``numpy(force=True)`` detaches the tensor and
# moves it to the CPU.
x = torch.tensor([1.0, 2.0], requires_grad=True, device="cpu")
y = x * 3
with suppress(RuntimeError):
    y.numpy()  # RuntimeError: Can't call numpy() on Tensor
y.detach().cpu().numpy()  # array([3., 6.], dtype=float32)
y.numpy(force=True)  # array([3., 6.], dtype=float32)

# %%
# Error: at least one stride is negative (``torch.from_numpy``)
# -------------------------------------------------------------
#
# NumPy does not copy an array to reverse it, but reads it backwards. This
# is a negative stride, which tensors do not support. The error often comes
# from ``image[:, :, ::-1]``, which turns BGR into RGB. Copy the array
# first, or reverse the tensor with ``flip``.
array = np.array([1, 2, 3])
with suppress(ValueError):
    torch.from_numpy(array[::-1])  # ValueError: one stride ... is negative
torch.from_numpy(array[::-1].copy())  # tensor([3, 2, 1])
torch.from_numpy(array).flip(0)  # tensor([3, 2, 1])

# %%
# Warning: the given NumPy array is not writable
# ----------------------------------------------
#
# PyTorch does not support read-only tensors, so writing to a tensor that
# shares a read-only array is undefined behaviour. You can get such arrays
# from broadcast views, from memory maps opened with ``"r"`` and from
# pandas. Copy them with ``torch.tensor``.
array = np.array([1.0, 2.0])
array.flags.writeable = False
torch.from_numpy(array)  # UserWarning: NumPy array is not writable
tensor = torch.tensor(array)
tensor[0] = 9
array  # array([1., 2.])
