"""
In-place operations
===================

Change a tensor instead of creating a new one, and know which other tensors
change with it.
"""
from contextlib import suppress

import torch

# %%
# Change a tensor itself: methods with a trailing underscore
# ----------------------------------------------------------
#
# Most elementwise methods have a form that ends in ``_``. It writes the
# result into the tensor and returns that tensor. ``Tensor.fill_`` and
# ``Tensor.zero_`` set all elements, and ``Tensor.copy_`` copies the
# elements of another tensor.
#
# .. glance:: x.add_(1).mul_(10)
x = torch.tensor([1.0, 4.0, 9.0])
x.sqrt()  # tensor([1., 2., 3.])
x  # tensor([1., 4., 9.])
x.sqrt_() is x  # True
x.add_(1).mul_(10)  # tensor([20., 30., 40.])
x  # tensor([20., 30., 40.])
x.copy_(torch.tensor([7.0, 8.0, 9.0]))  # tensor([7., 8., 9.])
x.fill_(5)  # tensor([5., 5., 5.])
x.zero_()  # tensor([0., 0., 0.])

# %%
# ``x += 1`` or ``x = x + 1``
# ---------------------------
#
# ``x += 1`` changes the tensor itself, and every name that refers to this
# tensor shows the change. ``x = x + 1`` creates a new tensor and leaves the
# old one as it is. A function that uses ``+=`` on its argument therefore
# changes the caller's tensor.
def in_place(t):
    t += 1


def out_of_place(t):
    t = t + 1
    return t


x = torch.tensor([1, 2])
out_of_place(x)  # tensor([2, 3])
x  # tensor([1, 2])
in_place(x)
x  # tensor([2, 3])

# %%
# Overwrite the values: ``x[:] = y`` or ``x = y``
# -----------------------------------------------
#
# ``x[:] = y`` writes the values into the memory of ``x``, as ``x.copy_(y)``
# does. It broadcasts ``y`` and keeps the dtype of ``x``. ``x = y`` copies
# no values. The name ``x`` now refers to the same tensor as ``y``, so a
# change to one shows in the other.
x = torch.zeros(2, 2, dtype=torch.int64)
other = x
y = torch.tensor([1.9, 2.9])
x[:] = y
other  # tensor([[1, 2], [1, 2]])
x[0, 1] = 7
other  # tensor([[1, 7], [1, 2]])
x = y
x[0] = 5
y  # tensor([5.0000, 2.9000])
other  # tensor([[1, 7], [1, 2]])

# %%
# In-place changes show in every view: ``Tensor.clone``
# -----------------------------------------------------
#
# Slices, ``x.T``, ``view`` and ``x.detach()`` share memory with ``x``, so
# an in-place change to one shows in the others. Call ``Tensor.clone`` first
# if you need an independent copy. Indexing with a list or a mask already
# returns a copy.
x = torch.tensor([[1, 2], [3, 4]])
row, flat, own = x[0], x.view(-1), x[0].clone()
row.mul_(10)  # tensor([10, 20])
x  # tensor([[10, 20], [ 3,  4]])
flat  # tensor([10, 20,  3,  4])
own  # tensor([1, 2])
x[[0]].zero_()  # tensor([[0, 0]])
x[0]  # tensor([10, 20])

# %%
# Write the result into a tensor you have: ``out=``
# -------------------------------------------------
#
# Many functions can write their result into a tensor that you pass as
# ``out=``. In a loop this saves memory allocations. The dtype must be able
# to hold the result. A tensor of the wrong shape is resized here with a
# warning, and tensors that require gradients raise an error.
a = torch.tensor([1.0, 2.0])
buffer = torch.empty(2)
torch.mul(a, 3, out=buffer) is buffer  # True
buffer  # tensor([3., 6.])
with suppress(RuntimeError):
    torch.mul(a, 3, out=torch.empty(2).int())  # RuntimeError: can't be cast
torch.add(a, 1, out=torch.empty(5))  # UserWarning: was resized
weight = torch.ones(2, requires_grad=True)
with suppress(RuntimeError):
    torch.mul(weight, 3, out=buffer)  # RuntimeError: don't support

# %%
# Apply a Python function to each element: ``Tensor.apply_``
# ----------------------------------------------------------
#
# ``Tensor.apply_`` calls the function with each element. ``Tensor.map_``
# calls it with pairs of elements from two tensors. Both are slow, work only
# on the CPU and are not supported by autograd. Use them for a few values,
# and tensor operations for everything else.
x = torch.tensor([1, 5, 12], device="cpu")
x.apply_(lambda value: len(str(value)))  # tensor([1, 1, 2])
y = torch.tensor([2, 2, 2], device="cpu")
y.map_(x, lambda left, right: left**right)  # tensor([2, 2, 4])

# %%
# Change a weight by hand: ``torch.no_grad`` instead of ``.data``
# ---------------------------------------------------------------
#
# Autograd does not notice a change through ``weight.data``. If it happens
# between the forward and the backward pass, the gradient is wrong and no
# error appears: here the gradient is 4, but the derivative at 3 is 6. Under
# ``torch.no_grad`` autograd notices the change, and ``backward`` raises an
# error.
weight = torch.tensor([3.0], requires_grad=True)
loss = (weight**2).sum()
weight.data[:] -= 1
loss.backward()
weight.grad  # tensor([4.])
loss = (weight**2).sum()
with torch.no_grad():
    weight -= 1
weight  # tensor([1.], requires_grad=True)
with suppress(RuntimeError):
    loss.backward()  # RuntimeError: modified by an inplace operation

# %%
# Error: a leaf Variable that requires grad ... in-place operation
# ----------------------------------------------------------------
#
# While autograd records, a leaf tensor that requires gradients, such as a
# parameter, cannot be changed in place. To update a parameter, use
# ``torch.no_grad``. In a forward pass, compute a new tensor and change that
# one.
weight = torch.tensor([1.0, 2.0], requires_grad=True)
with suppress(RuntimeError):
    weight += 1  # RuntimeError: a leaf Variable that requires grad
with suppress(RuntimeError):
    weight[0] = 0  # RuntimeError: a leaf Variable ... in-place operation
with torch.no_grad():
    weight += 1
weight  # tensor([2., 3.], requires_grad=True)
hidden = weight * 1
hidden[0] = 0
hidden.sum().backward()
weight.grad  # tensor([0., 1.])

# %%
# Error: needed for gradient computation ... inplace operation
# ------------------------------------------------------------
#
# The backward pass of ``exp`` needs the result of ``exp``, but ``add_`` has
# overwritten it. ``sin`` saves its input instead, so its result may be
# changed. Autograd finds such changes by the counter ``_version`` of each
# tensor. Replace the in-place operation that follows the operation named in
# the message, here ``add_``.
x = torch.tensor([0.0, 1.0], requires_grad=True)
y = x.exp()
y.add_(1)._version  # 1
with suppress(RuntimeError):
    y.sum().backward()  # RuntimeError: modified by an inplace operation
y = x.exp()
y = y + 1
y.sum().backward()
x.grad  # tensor([1.0000, 2.7183])
x.sin().add_(1).sum().backward()
x.grad  # tensor([2.0000, 3.2586])

# %%
# Error: doesn't match the broadcast shape (``+=``)
# -------------------------------------------------
#
# In-place arithmetic keeps the shape and the dtype of the tensor on the
# left. The tensor on the right may be broadcast to this shape, but not the
# other way round. If the result has a larger shape or a higher kind of
# dtype, create a new tensor.
x = torch.tensor([3, 5])
column = torch.tensor([[10], [20]])
with suppress(RuntimeError):
    x += column  # RuntimeError: doesn't match the broadcast shape
x + column  # tensor([[13, 15], [23, 25]])
with suppress(RuntimeError):
    x /= 2  # RuntimeError: result type Float can't be cast
x / 2  # tensor([1.5000, 2.5000])
x //= 2
x  # tensor([1, 2])

# %%
# Error: more than one element ... a single memory location
# ---------------------------------------------------------
#
# ``Tensor.expand`` repeats elements without copying them, so several
# elements share one place in memory. Most in-place operations raise an
# error on such a tensor. An assignment to one row is not checked and
# changes every row here. Call ``clone`` first, or use ``Tensor.repeat``.
grid = torch.tensor([1, 2]).expand(3, 2)
with suppress(RuntimeError):
    grid.add_(1)  # RuntimeError: single memory location
grid.clone().add_(1)  # tensor([[2, 3], [2, 3], [2, 3]])
grid[0] = 7
grid  # tensor([[7, 7], [7, 7], [7, 7]])
