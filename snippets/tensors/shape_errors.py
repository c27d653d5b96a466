"""
Errors about shapes and indices
===============================

Read the sizes in the message, and find the tensor, list or number that does
not fit.
"""
from contextlib import suppress

import numpy as np
import torch

# %%
# Error: The expanded size of the tensor must match the existing size
# -------------------------------------------------------------------
#
# ``expand`` and an assignment repeat dimensions of size 1 and no others.
# The sizes are compared from the right. Insert a dimension with ``None``
# where the tensor should repeat.
x = torch.tensor([1, 2, 3])
with suppress(RuntimeError):
    x.expand(3, 4)  # RuntimeError: The expanded size of the tensor (4) must
x[:, None].expand(3, 4)[:, 0]  # tensor([1, 2, 3])
x.expand(4, 3)[0]  # tensor([1, 2, 3])
with suppress(RuntimeError):
    x[:, None].expand(3)  # RuntimeError: the number of sizes provided (1)

# %%
# Error: shape mismatch: value tensor cannot be broadcast (``x[i] = y``)
# ----------------------------------------------------------------------
#
# The value must fit the part that it is assigned to, or broadcast to it.
# Print the shape of ``x[i]`` and of the value. A plain slice has a message
# of its own.
x = torch.zeros(3, 4)
rows = torch.tensor([0, 2])
value = torch.tensor([1.0, 2.0, 3.0])
with suppress(RuntimeError):
    x[rows] = value  # RuntimeError: shape mismatch: value tensor of shape
with suppress(RuntimeError):
    x[:2] = value  # RuntimeError: The expanded size of the tensor (4) must
x[rows].shape  # torch.Size([2, 4])
x[rows, :3] = value
x[2]  # tensor([1., 2., 3., 0.])

# %%
# Error: indexing tensors could not be broadcast together
# -------------------------------------------------------
#
# Two index tensors are read in pairs, so they need one length. For each row
# with each column give the rows a second dimension.
x = torch.arange(12).view(3, 4)
rows, columns = torch.tensor([0, 2]), torch.tensor([1, 2, 3])
with suppress(IndexError):
    x[rows, columns]  # IndexError: indexing tensors could not be broadcast
x[rows[:, None], columns]  # tensor([[1, 2, 3], [9, 10, 11]])
x[rows, columns[:2]]  # tensor([1, 10])

# %%
# Error: too many indices for tensor of dimension 2
# -------------------------------------------------
#
# There are more indices than dimensions. A ``squeeze`` or an index before
# may have removed one, or a batch dimension is missing. ``ndim`` tells.
image = torch.zeros(4, 5)
with suppress(IndexError):
    image[0, :, :]  # IndexError: too many indices for tensor of dimension 2
image.ndim  # 2
image[None][0, :, :].shape  # torch.Size([4, 5])
number = torch.tensor(3.0)
with suppress(IndexError):
    number[0]  # IndexError: invalid index of a 0-dim tensor
number.item()  # 3.0

# %%
# Error: only integer tensors of a single element (``range``, list index)
# -----------------------------------------------------------------------
#
# Python wants one whole number where a list is indexed or a range is made.
# A float tensor and a tensor of several elements are refused. Take ``int``
# of it, or index a tensor instead of a list.
names = ["cat", "dog", "cow"]
picks = torch.tensor([2, 0])
with suppress(TypeError):
    names[picks]  # TypeError: only integer tensors of a single element can
with suppress(TypeError):
    range(torch.tensor(2.0))  # TypeError: only integer tensors of a single
[names[i] for i in picks.tolist()]  # ['cow', 'cat']
len(range(int(torch.tensor(2.0))))  # 2

# %%
# Error: len() of a 0-d tensor, iteration over a 0-d tensor
# ---------------------------------------------------------
#
# The tensor is a single number without a dimension, such as a loss, or what
# ``squeeze`` left of a batch of one. ``item`` gives the number, and
# ``torch.atleast_1d`` gives it a dimension.
loss = torch.tensor(2.5)
with suppress(TypeError):
    len(loss)  # TypeError: len() of a 0-d tensor
with suppress(TypeError):
    list(loss)  # TypeError: iteration over a 0-d tensor
loss.item()  # 2.5
torch.atleast_1d(loss)  # tensor([2.5000])
torch.ones(1, 1).squeeze(1).shape  # torch.Size([1])

# %%
# Error: expected Tensor as element 0 in argument 0 (``cat``, ``stack``)
# ----------------------------------------------------------------------
#
# ``torch.cat`` and ``torch.stack`` want a list of tensors, and each element
# must be one. Lists of numbers and arrays are converted with
# ``torch.as_tensor`` first. Tensors without a list around them raise
# another error.
a, b = torch.tensor([1]), torch.tensor([2])
with suppress(TypeError):
    torch.stack([[1, 2], [3, 4]])  # TypeError: expected Tensor as element 0
with suppress(TypeError):
    torch.cat(a)  # TypeError: must be tuple of Tensors, not Tensor
rows = [torch.as_tensor(row) for row in [[1, 2], [3, 4]]]
torch.stack(rows)  # tensor([[1, 2], [3, 4]])
torch.cat([a, b])  # tensor([1, 2])

# %%
# Error: start + length exceeds dimension size (``narrow``)
# ---------------------------------------------------------
#
# ``narrow`` and functions that use it want a range inside the tensor. A
# slice is cut at the end without an error, which can hide a wrong length.
x = torch.arange(5)
with suppress(RuntimeError):
    x.narrow(0, 3, 4)  # RuntimeError: start (3) + length (4) exceeds
x[3:7]  # tensor([3, 4])
x.narrow(0, 3, min(4, len(x) - 3))  # tensor([3, 4])

# %%
# Error: bound inconsistent with step sign (``torch.arange``)
# -----------------------------------------------------------
#
# The end lies on the wrong side of the start. Counting down needs a
# negative step. With lengths that can be 0 use ``max``.
with suppress(RuntimeError):
    torch.arange(5, 2)  # RuntimeError: upper bound and lower bound
torch.arange(5, 2, -1)  # tensor([5, 4, 3])
torch.arange(2, max(2, 1)).shape  # torch.Size([0])

# %%
# Error: 'list', 'tuple' or 'numpy.ndarray' object has no attribute
# -----------------------------------------------------------------
#
# The object is no tensor. A function with several results returns a tuple,
# a batch can be a list, and NumPy's arrays have other methods. Print
# ``type`` of it, then take the part or convert it.
values = torch.ones(2, 3).max(dim=1)
with suppress(AttributeError):
    values.shape  # AttributeError: object has no attribute 'shape'
values[0].shape  # torch.Size([2])
parts = [torch.ones(2), torch.zeros(2)]
with suppress(AttributeError):
    parts.view(-1)  # AttributeError: 'list' object has no attribute 'view'
torch.stack(parts).view(-1)  # tensor([1., 1., 0., 0.])
array = np.ones(2, dtype=np.float32)
with suppress(AttributeError):
    array.unsqueeze(0)  # AttributeError: 'numpy.ndarray' object has no
torch.from_numpy(array).unsqueeze(0).shape  # torch.Size([1, 2])

# %%
# Tensors as keys of a dict or in a set: use ``item`` or ``tolist``
# -----------------------------------------------------------------
#
# A tensor is hashed by its identity, so an equal tensor does not find the
# entry. A set keeps equal tensors apart. Use Python numbers or tuples.
one, same = torch.tensor(1), torch.tensor(1)
names = {one: "cat"}
names.get(same)  # None
len({one, same})  # 2
names = {one.item(): "cat"}
names[same.item()]  # 'cat'
pair = torch.tensor([1, 2])
{tuple(pair.tolist()): "edge"}  # {(1, 2): 'edge'}

# %%
# Error: 'Tensor' object is not callable, 'torch.Size', 'int'
# -----------------------------------------------------------
#
# There are parentheses after something that is no function. ``shape`` takes
# square brackets, and ``size`` is the method with parentheses. A variable
# that has the name of a function hides it.
x = torch.ones(2, 3)
with suppress(TypeError):
    x.shape(0)  # TypeError: 'torch.Size' object is not callable
with suppress(TypeError):
    x(0)  # TypeError: 'Tensor' object is not callable
with suppress(TypeError):
    x.ndim()  # TypeError: 'int' object is not callable
x.shape[0], x.size(0), x[0].sum()  # (2, 2, tensor(3.))
