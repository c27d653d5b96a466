"""
Creating
========

Make tensors from numbers you have, from a rule, or in the shape of another.
"""
from contextlib import suppress

import numpy as np
import torch

# %%
# From lists of numbers: ``torch.tensor``
# ---------------------------------------
#
# Nesting gives the dimensions, the numbers give the dtype: whole numbers
# become int64, one decimal point makes all of them float32. Pass ``dtype``
# for another one; an integer dtype cuts decimals off without a word.
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
# ``torch.from_numpy`` and, on the CPU, ``torch.as_tensor`` use the array's
# own memory: a change on one side is seen on the other. ``torch.tensor``
# always copies. All three keep the dtype, and NumPy's default is float64.
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
# ``torch.full`` takes its dtype from the value, the others make float32.
# ``torch.empty`` and ``torch.empty_strided`` only reserve memory: use them
# when every element is written before it is read.
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
# ``torch.diag`` works in both directions: a vector becomes the diagonal of
# a new matrix, and of a matrix the diagonal is taken out. It is also a
# method.
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
# ``torch.arange`` fixes the step and leaves out the end; ``torch.linspace``
# fixes how many and includes the end. ``torch.logspace`` is given
# exponents, by default those of 10. An end with a fraction was cut to the
# integer ``dtype`` before 2.14.
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
# ``*_like`` takes shape, dtype and device from a tensor, ``new_*`` takes
# dtype and device and is told the shape. Code that uses them in place of
# ``torch.zeros(...)`` works on every device and in every precision.
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
# The end is left out, but how many numbers come is ``(end - start) / step``
# rounded up, and that quotient can come out too large: 1.3 is in. Say how
# many numbers you want with ``torch.linspace``, or scale a range of whole
# numbers.
torch.arange(1, 1.3, 0.1)  # tensor([1.0000, 1.1000, 1.2000, 1.3000])
(1.3 - 1) / 0.1 > 3  # True
torch.linspace(1, 1.2, 3)  # tensor([1.0000, 1.1000, 1.2000])
torch.arange(10, 13) / 10  # tensor([1.0000, 1.1000, 1.2000])

# %%
# Copy a tensor: ``clone().detach()``, not ``torch.tensor(t)``
# ------------------------------------------------------------
#
# ``torch.tensor`` of a tensor copies, leaves the graph, and warns, since it
# is not clear that both were meant. ``Tensor.clone`` copies and stays in
# the graph; ``Tensor.detach`` leaves it and shares the memory.
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
# The class reads whole numbers as sizes and hands out memory nobody filled.
# It and its relatives ``torch.FloatTensor`` and ``torch.LongTensor`` ignore
# the type of the numbers and stay on the CPU, whatever the default device.
# Write ``torch.tensor`` with a ``dtype``.
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
# Rows of a tensor have one length. Keep a list of tensors, or fill up the
# short rows with ``nn.utils.rnn.pad_sequence``.
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
# ``torch.tensor`` of a list wants numbers, or tensors of one element each.
# Turn a list of larger tensors into one tensor with ``torch.stack``, or
# join them with ``torch.cat``. ``float`` of such a tensor raises the same
# error.
rows = [torch.ones(2), torch.zeros(2)]
with suppress(ValueError):
    torch.tensor(rows)  # ValueError: only one element tensors can be
torch.stack(rows)  # tensor([[1., 1.], [0., 0.]])
torch.cat(rows)  # tensor([1., 1., 0., 0.])
with suppress(ValueError):
    float(rows[0])  # ValueError: only one element tensors can be
torch.tensor([torch.tensor(1.0), torch.tensor(2.0)])  # tensor([1., 2.])
