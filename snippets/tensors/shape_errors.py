"""
Errors about shapes and indices
===============================

Read the sizes in the error message, and find the tensor, list or number
that does not fit.
"""
from contextlib import suppress

import numpy as np
import torch

# %%
# Error: The expanded size of the tensor must match the existing size
# -------------------------------------------------------------------
#
# ``expand`` can repeat dimensions of size 1 and add dimensions on the left.
# The sizes are compared from the right. Insert a dimension with ``None``
# where the tensor should be repeated.
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
# The value must have the shape of the part that it is assigned to, or
# broadcast to this shape. Print the shapes of ``x[i]`` and of the value. An
# assignment to a slice has another message.
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
# Two index tensors are combined in pairs, so they must have the same
# length. To select all combinations of rows and columns, give the row
# indices a second dimension with ``[:, None]``.
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
# There are more indices than dimensions. Perhaps the batch dimension is
# missing, or an earlier ``squeeze`` or index removed a dimension. Check
# ``ndim``.
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
# Indexing a list and calling ``range`` need a single integer. A float
# tensor and a tensor with several elements raise this error. Convert one
# element with ``int`` and several with ``x.long().tolist()``, or index a
# tensor with ``x.long()`` instead of a list.
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
# The tensor has no dimension, for example because it is a loss, or because
# ``squeeze`` removed all dimensions of a batch of one. ``item`` returns the
# number. ``torch.atleast_1d`` adds a dimension. ``squeeze(1)`` keeps the
# batch dimension.
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
# ``torch.cat`` and ``torch.stack`` need a list or tuple of tensors. Convert
# lists of numbers and arrays with ``torch.as_tensor`` first. A tensor
# without a list around it raises another error.
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
# For ``narrow``, the range must lie inside the tensor. A slice that goes
# beyond the end is shortened and raises no error, which can hide a wrong
# length.
x = torch.arange(5)
with suppress(RuntimeError):
    x.narrow(0, 3, 4)  # RuntimeError: start (3) + length (4) exceeds
x[3:7]  # tensor([3, 4])
x.narrow(0, 3, min(4, len(x) - 3))  # tensor([3, 4])

# %%
# Error: bound inconsistent with step sign (``torch.arange``)
# -----------------------------------------------------------
#
# The end of the range is smaller than its start, but the step is positive.
# Pass a negative step to count down. If the range may be empty, limit the
# end with ``max``.
with suppress(RuntimeError):
    torch.arange(5, 2)  # RuntimeError: upper bound and lower bound
torch.arange(5, 2, -1)  # tensor([5, 4, 3])
torch.arange(2, max(2, 1)).shape  # torch.Size([0])

# %%
# Error: 'list', 'tuple' or 'numpy.ndarray' object has no attribute
# -----------------------------------------------------------------
#
# The object is not a tensor. It may be the result of a function such as
# ``max`` with ``dim``, which returns a tuple, or a list of tensors, or a
# NumPy array. Print its ``type``. Then take one element of the tuple, stack
# the list, or convert the array.
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
# The hash of a tensor depends on the object and not on its values. So an
# equal tensor does not find the entry of a dict, and a set can hold several
# equal tensors. Use Python numbers or tuples instead.
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
# The parentheses follow something that is not a function. Use square
# brackets for ``shape``, or the method ``size()``. Also check whether a
# variable has the same name as a function that you call.
x = torch.ones(2, 3)
with suppress(TypeError):
    x.shape(0)  # TypeError: 'torch.Size' object is not callable
with suppress(TypeError):
    x(0)  # TypeError: 'Tensor' object is not callable
with suppress(TypeError):
    x.ndim()  # TypeError: 'int' object is not callable
x.shape[0], x.size(0), x[0].sum()  # (2, 2, tensor(3.))
