"""
Creating
========

Create tensors from lists and arrays, from a rule, or with the shape of
another tensor.
"""
from contextlib import suppress

import numpy as np
import torch

# %%
# From lists of numbers: ``torch.tensor``
# ---------------------------------------
#
# The nesting of the list determines the dimensions, and the numbers
# determine the dtype. Python integers become int64. If one of the numbers
# is a float, all of them become float32 by default. Pass ``dtype`` to
# choose another type; an integer dtype truncates decimals without a
# warning.
torch.tensor([[1, 2, 3], [4, 5, 6]]).shape  # torch.Size([2, 3])
torch.tensor([1, 2]).dtype  # torch.int64
torch.tensor([1, 2.5])  # tensor([1.0000, 2.5000])
torch.tensor([1, 2], dtype=torch.float32)  # tensor([1., 2.])
torch.tensor([1.5, 2.9], dtype=torch.int64)  # tensor([1, 2])
torch.tensor([True, False]).dtype  # torch.bool
torch.tensor(3.5).shape  # torch.Size([])

# %%
# From a NumPy array: ``torch.from_numpy``, ``torch.as_tensor``
# -------------------------------------------------------------
#
# On the CPU, ``torch.from_numpy`` and ``torch.as_tensor`` share the memory
# of the array, so a change of the array also changes the tensor.
# ``torch.tensor`` copies the data. All three keep the dtype of the array,
# which is float64 by default in NumPy.
array = np.array([1.0, 2.0, 3.0])
shared = torch.from_numpy(array)
also_shared = torch.as_tensor(array, device="cpu")
copied = torch.tensor(array)
array[0] = 10
shared  # tensor([10., 2., 3.], dtype=torch.float64)
also_shared  # tensor([10., 2., 3.], dtype=torch.float64)
copied  # tensor([1., 2., 3.], dtype=torch.float64)

# %%
# One value everywhere: ``torch.zeros``, ``ones``, ``full``, ``empty``
# --------------------------------------------------------------------
#
# ``torch.full`` takes its dtype from the value. The others create float32
# tensors by default. ``torch.empty`` and ``torch.empty_strided`` allocate
# memory without filling it, so use them only if your code writes each
# element before it reads it.
torch.zeros(2, 3)  # tensor([[0., 0., 0.], [0., 0., 0.]])
torch.ones(2, dtype=torch.int64)  # tensor([1, 1])
torch.full((2, 2), 7)  # tensor([[7, 7], [7, 7]])
torch.full((2,), 7.5)  # tensor([7.5000, 7.5000])
torch.zeros(2).fill_(9)  # tensor([9., 9.])
torch.empty(2, 3)  # shape (2, 3), dtype float32, stride (3, 1)
torch.empty_strided((2, 3), (1, 2))  # shape (2, 3), stride (1, 2)

# %%
# Identity and diagonal matrices: ``torch.eye``, ``torch.diag``
# -------------------------------------------------------------
#
# ``torch.diag`` works in both directions. It turns a vector into a matrix
# with this vector on the diagonal, and it extracts the diagonal of a
# matrix. It is also available as a method.
#
# .. tensors:: v, torch.diag(v), torch.diag(v[:2], diagonal=1)
v = torch.tensor([1, 2, 3])
torch.diag(v)  # tensor([[1, 0, 0], [0, 2, 0], [0, 0, 3]])
torch.diag(v[:2], diagonal=1)  # tensor([[0, 1, 0], [0, 0, 2], [0, 0, 0]])
torch.eye(3)  # tensor([[1., 0., 0.], [0., 1., 0.], [0., 0., 1.]])
torch.tensor([[1, 2], [3, 4]]).diag()  # tensor([1, 4])

# %%
# Evenly spaced: ``torch.arange``, ``linspace``, ``logspace``
# -----------------------------------------------------------
#
# ``torch.arange`` takes a step and excludes the end. ``torch.linspace``
# takes the number of values and includes the end. ``torch.logspace`` takes
# exponents, with base 10 by default. Before PyTorch 2.14, ``torch.arange``
# with an integer ``dtype`` truncated an end such as 2.5.
torch.arange(5)  # tensor([0, 1, 2, 3, 4])
torch.arange(0, 10, 2)  # tensor([0, 2, 4, 6, 8])
torch.arange(3, 0, -1)  # tensor([3, 2, 1])
whole = torch.arange(0, 2.5, dtype=torch.int64)
whole  # tensor([0, 1, 2]) since 2.14, tensor([0, 1]) before
torch.linspace(0, 1, 5)  # tensor([0.00, 0.25, 0.50, 0.75, 1.00])
torch.logspace(0, 2, 3)  # tensor([1., 10., 100.])
torch.logspace(0, 3, 4, base=2)  # tensor([1., 2., 4., 8.])

# %%
# Shape and dtype of another: ``torch.zeros_like``, ``Tensor.new_zeros``
# ----------------------------------------------------------------------
#
# The ``*_like`` functions copy shape, dtype and device from a tensor. The
# ``new_*`` methods copy dtype and device, and you pass the shape or the
# values. Use them instead of ``torch.zeros(...)``, and the code keeps
# working when the model moves to a GPU or changes its dtype.
x = torch.tensor([1, 2], dtype=torch.float64)
torch.zeros_like(x)  # tensor([0., 0.], dtype=torch.float64)
torch.ones_like(x, dtype=torch.int64)  # tensor([1, 1])
torch.full_like(x, 0.5)  # tensor([0.5, 0.5], dtype=torch.float64)
torch.empty_like(x)  # shape (2,), dtype float64
x.new_zeros(3)  # tensor([0., 0., 0.], dtype=torch.float64)
x.new_full((3,), 9)  # tensor([9., 9., 9.], dtype=torch.float64)
x.new_tensor([1, 2])  # tensor([1., 2.], dtype=torch.float64)
x.new_ones(2, 3).device == x.new_empty(2, 3).device == x.device  # True

# %%
# ``torch.arange`` with a float step: one number too many
# -------------------------------------------------------
#
# ``torch.arange`` excludes the end, but here 1.3 is included. The number of
# values is ``(end - start) / step`` rounded up, and a rounding error makes
# this quotient slightly larger than 3. Set the number of values with
# ``torch.linspace``, or scale a range of integers.
torch.arange(1, 1.3, 0.1)  # tensor([1.0000, 1.1000, 1.2000, 1.3000])
(1.3 - 1) / 0.1 > 3  # True
torch.linspace(1, 1.2, 3)  # tensor([1.0000, 1.1000, 1.2000])
torch.arange(10, 13) / 10  # tensor([1.0000, 1.1000, 1.2000])

# %%
# Copy a tensor: ``clone().detach()``, not ``torch.tensor(t)``
# ------------------------------------------------------------
#
# ``Tensor.clone`` copies the data and stays in the computation graph.
# ``Tensor.detach`` leaves the graph and shares the memory.
# ``torch.tensor(t)`` copies and detaches at once, but it gives a warning
# that recommends ``clone`` and ``detach``.
t = torch.tensor([1.0, 2.0], requires_grad=True)
torch.tensor(t)  # UserWarning: recommended to use sourceTensor.detach()
copy = t.clone().detach()
copy[0] = 9
copy  # tensor([9., 2.])
t  # tensor([1., 2.], requires_grad=True)
t.clone()  # tensor([1., 2.], grad_fn=<CloneBackward0>)
t.detach().data_ptr() == t.data_ptr()  # True

# %%
# ``torch.Tensor(2, 3)`` is not ``torch.tensor([2, 3])``
# ------------------------------------------------------
#
# The class ``torch.Tensor`` takes integers as sizes and returns memory that
# is not initialized. A list gives a tensor of the type of the class:
# ``torch.FloatTensor`` converts integers to floats, and
# ``torch.LongTensor`` truncates decimals. ``torch.Tensor`` also ignores the
# default device. Use ``torch.tensor`` with a ``dtype`` instead.
torch.Tensor(2, 3)  # shape (2, 3), dtype float32
torch.Tensor([2, 3])  # tensor([2., 3.])
torch.tensor([2, 3])  # tensor([2, 3])
torch.FloatTensor([2, 3])  # tensor([2., 3.])
torch.LongTensor([2.9, 3.9])  # tensor([2, 3])
with torch.device("meta"):
    torch.Tensor(2, 3).device.type  # 'cpu'
    torch.zeros(2, 3).device.type  # 'meta'

# %%
# Error: expected sequence of length 2 (``torch.tensor``)
# -------------------------------------------------------
#
# ``torch.tensor`` needs rows of the same length. Keep a list of tensors, or
# pad the short rows with ``nn.utils.rnn.pad_sequence``.
rows = [[1, 2], [3]]
with suppress(ValueError):
    torch.tensor(rows)  # ValueError: expected sequence of length 2
tensors = [torch.tensor(row) for row in rows]
padded = torch.nn.utils.rnn.pad_sequence(tensors, batch_first=True)
padded  # tensor([[1, 2], [3, 0]])

# %%
# Error: only one element tensors can be converted to Python scalars
# ------------------------------------------------------------------
#
# ``torch.tensor`` accepts a list of numbers or of tensors with one element
# each. To turn a list of larger tensors into one tensor, use
# ``torch.stack``, or ``torch.cat`` to join them along a dimension they
# already have. ``float`` of a tensor with several elements raises the same
# error.
rows = [torch.ones(2), torch.zeros(2)]
with suppress(ValueError):
    torch.tensor(rows)  # ValueError: only one element tensors can be
torch.stack(rows)  # tensor([[1., 1.], [0., 0.]])
torch.cat(rows)  # tensor([1., 1., 0., 0.])
with suppress(ValueError):
    float(rows[0])  # ValueError: only one element tensors can be
torch.tensor([torch.tensor(1.0), torch.tensor(2.0)])  # tensor([1., 2.])
