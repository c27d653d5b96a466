"""
In-place operations
===================

Change a tensor instead of making a new one, and know who else sees it.
"""
from contextlib import suppress

import torch

# %%
# Change a tensor itself: methods with a trailing underscore
# ----------------------------------------------------------
#
# Nearly every elementwise method has a form ending in ``_`` that writes
# into the tensor and returns it. ``Tensor.fill_`` and ``Tensor.zero_`` set
# all elements, ``Tensor.copy_`` takes those of another tensor.
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
# ``+=`` changes the tensor, and so all names that mean the same tensor see
# it; ``x = x + 1`` makes a new tensor and leaves the others alone. This
# decides whether a function changes what its caller passed in.
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
# ``x[:] = y``, like ``x.copy_(y)``, writes into the memory of ``x``,
# broadcasts and keeps the dtype of ``x``. ``x = y`` writes nothing: the
# name now means the other tensor, and both names change together.
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
# Slices, ``x.T``, ``view`` and ``x.detach()`` share memory with ``x``. A
# change to one is a change to all. ``Tensor.clone`` before the change makes
# a tensor of its own; indexing with a list or mask copies.
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
# Most functions take ``out=``, which saves the allocation in a loop. The
# dtype must be able to hold the result, and a wrong shape is changed with
# a warning. Autograd does not follow ``out=``.
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
# Any Python function on each element: ``Tensor.apply_``
# ------------------------------------------------------
#
# ``apply_`` calls the function once per element, ``map_`` with the
# elements of a second tensor beside it. Both work on the CPU alone, are
# slow and unknown to autograd: fit for a table of a few values, else write
# the formula with tensor operations.
x = torch.tensor([1, 5, 12], device="cpu")
x.apply_(lambda value: len(str(value)))  # tensor([1, 1, 2])
y = torch.tensor([2, 2, 2], device="cpu")
y.map_(x, lambda left, right: left**right)  # tensor([2, 2, 4])

# %%
# Change a weight by hand: ``torch.no_grad`` instead of ``.data``
# ---------------------------------------------------------------
#
# ``weight.data[:] -= ...`` still works, but hides the change from autograd:
# a change between forward and backward gives a wrong gradient (here 4,
# where the slope at 3 is 6) and no error. Under ``torch.no_grad`` the
# change is counted, and backward refuses.
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
# Autograd cannot record that a parameter overwrites itself. For an update
# use ``torch.no_grad``; in a forward pass work on a new tensor instead.
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
# Backward of ``exp`` needs the result of ``exp``, and it was overwritten;
# ``sin`` saves its input, so its result is free. Each tensor counts its
# changes in ``_version``, which is how backward notices. Take the form
# without underscore, at least for the operation after the one the message
# names.
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
# Arithmetic in place keeps shape and dtype: the right side may be broadcast
# to the left one, but not the other way. If the result is larger or of a
# higher kind, make a new tensor.
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
# A tensor made by ``Tensor.expand`` repeats elements without storing them,
# so most in-place operations refuse it. ``fill_`` and a write to one row
# are not checked and change every row. ``clone`` it, or use
# ``Tensor.repeat``.
grid = torch.tensor([1, 2]).expand(3, 2)
with suppress(RuntimeError):
    grid.add_(1)  # RuntimeError: single memory location
grid.clone().add_(1)  # tensor([[2, 3], [2, 3], [2, 3]])
grid[0] = 7
grid  # tensor([[7, 7], [7, 7], [7, 7]])
