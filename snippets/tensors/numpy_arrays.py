"""
NumPy arrays
============

Go from ndarray to Tensor and back, and know which of them share memory.
"""
import warnings
from contextlib import suppress

import numpy as np
import torch

# %%
# Share memory both ways: ``torch.from_numpy``, ``Tensor.numpy``
# --------------------------------------------------------------
#
# Neither copies: array and tensor are two views of the same numbers, and a
# change in place of one is seen in the other. This holds for tensors on the
# CPU; from a GPU, ``x.cpu().numpy()`` copies.
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
# ``torch.tensor`` always copies; ``as_tensor`` and ``asarray`` share while
# dtype and device stay the same. From tensor to array, ``np.asarray``
# shares and ``clone().numpy()`` copies. Since 2.12 ``torch.asarray`` of a
# tensor keeps its graph, with a warning.
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
# Any array library: ``torch.from_dlpack``
# ----------------------------------------
#
# DLPack is the exchange format of NumPy, CuPy, JAX and others; it shares
# memory, on a GPU as well. With NumPy it does what ``from_numpy`` does, but
# does not warn of a read-only array.
array = np.array([1, 2, 3])
tensor = torch.from_dlpack(array)
tensor[0] = 9
array  # array([9, 2, 3])
np.from_dlpack(tensor)  # array([9, 2, 3])

# %%
# float64 comes along: convert with ``Tensor.float``
# --------------------------------------------------
#
# NumPy makes float64 where PyTorch makes float32, and the dtype survives
# the crossing. Convert once, where data enters: layers refuse float64, and
# a mixed sum becomes float64 throughout.
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
# ``Tensor.std`` divides by n - 1, NumPy's by n. ``size`` is a method and
# gives the shape; ``astype`` and ``copy`` are ``to`` and ``clone``;
# ``transpose`` swaps two dimensions, ``permute`` orders all.
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
# Arrays lack gradients and GPUs, tensors lack text and objects
# -------------------------------------------------------------
#
# An array holds text, dates and Python objects, which no tensor can: give
# each distinct value a number, then convert. A table with one text column
# becomes an array of objects, which fails in the same way.
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
# Columns of one dtype can come without a copy, columns of several are
# copied into one that fits all. ``torch.tensor`` copies in any case. The
# words are alike: ``.numpy()`` belongs to tensors, ``.to_numpy()`` to
# pandas.
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
# NumPy would work on behind autograd's back. ``detach`` says that the
# numbers leave the graph; ``force=True`` does that and the move to the CPU.
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
# NumPy reverses by a negative stride, which tensors do not have. This often
# comes from ``image[:, :, ::-1]``, which turns BGR into RGB. Copy first, or
# reverse with ``torch.flip``.
array = np.array([1, 2, 3])
with suppress(ValueError):
    torch.from_numpy(array[::-1])  # ValueError: one stride ... is negative
torch.from_numpy(array[::-1].copy())  # tensor([3, 2, 1])
torch.from_numpy(array).flip(0)  # tensor([3, 2, 1])

# %%
# Warning: the given NumPy array is not writable
# ----------------------------------------------
#
# A tensor knows no read-only memory, so writing to one over such an array
# is undefined. Broadcast views, memory maps opened with ``"r"`` and pandas
# hand out such arrays. Copy them.
array = np.array([1.0, 2.0])
array.flags.writeable = False
torch.from_numpy(array)  # UserWarning: NumPy array is not writable
tensor = torch.tensor(array)
tensor[0] = 9
array  # array([1., 2.])
