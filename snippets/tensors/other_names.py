"""
One operation, two names
========================

Several operations have more than one name. This page says which names mean
the same, and which one to use.
"""
from contextlib import suppress

import torch

# %%
# ``torch.concat``, ``torch.concatenate`` and ``torch.row_stack``
# ---------------------------------------------------------------
#
# ``torch.concat`` and ``torch.concatenate`` are other names for
# ``torch.cat``, and ``torch.row_stack`` is another name for
# ``torch.vstack``. Use ``cat`` and ``vstack``, which are more common.
pair = [torch.tensor([1, 2]), torch.tensor([3, 4])]
for name in ["concat", "concatenate"]:
    torch.equal(getattr(torch, name)(pair), torch.cat(pair))  # True
torch.equal(torch.row_stack(pair), torch.vstack(pair))  # True
torch.cat(pair)  # tensor([1, 2, 3, 4])
torch.row_stack(pair)  # tensor([[1, 2], [3, 4]])

# %%
# ``swapaxes``, ``swapdims`` and ``moveaxis``: NumPy's axes
# ---------------------------------------------------------
#
# ``torch.swapaxes`` and ``torch.swapdims`` do the same as
# ``torch.transpose``, and ``torch.moveaxis`` does the same as
# ``torch.movedim``. Prefer ``transpose`` and ``movedim``, because PyTorch
# usually says ``dim`` where NumPy says axis.
x = torch.arange(24).reshape(2, 3, 4)
for name in ["swapaxes", "swapdims"]:
    swapped = getattr(torch, name)(x, 0, 2)
    torch.equal(swapped, x.transpose(0, 2))  # True
    torch.equal(getattr(x, name)(0, 2), swapped)  # True
    torch.equal(getattr(x.clone(), f"{name}_")(0, 2), swapped)  # True
moved = torch.moveaxis(x, 0, -1)  # shape (3, 4, 2)
torch.equal(moved, torch.movedim(x, 0, -1))  # True
torch.equal(moved, x.moveaxis(0, -1))  # True

# %%
# ``torch.adjoint`` is ``mH``, ``torch.t`` is ``T``
# -------------------------------------------------
#
# ``torch.adjoint`` swaps the last two dimensions and takes the complex
# conjugate. For real matrices, this is the same as ``mT``. ``torch.t``
# accepts at most two dimensions, so use ``mT`` for a batch of matrices.
z = torch.tensor([[1 + 2j, 3j], [4 + 0j, 5 - 1j]])
torch.equal(torch.adjoint(z), z.mH)  # True
torch.equal(z.adjoint(), z.conj().transpose(-2, -1))  # True
torch.equal(torch.t(z), z.T)  # True
torch.t(torch.tensor([1, 2]))  # tensor([1, 2])
with suppress(RuntimeError):
    torch.t(torch.ones(2, 3, 4))  # RuntimeError: expects a tensor with <= 2
torch.ones(2, 3, 4).mT.shape  # torch.Size([2, 4, 3])

# %%
# ``torch.ravel`` is ``torch.flatten`` without arguments
# ------------------------------------------------------
#
# ``ravel`` and ``flatten`` give the same values. ``ravel`` copies a tensor
# that is not contiguous, and ``flatten`` copies only if no view is
# possible. Prefer ``flatten``, because it can keep the batch dimension, as
# layers need it.
x = torch.arange(6).reshape(2, 3)
torch.equal(torch.ravel(x), torch.flatten(x))  # True
torch.ravel(x).data_ptr() == x.data_ptr()  # True
torch.ravel(x.T)  # tensor([0, 3, 1, 4, 2, 5])
torch.ravel(x.T).data_ptr() == x.data_ptr()  # False
column = x[:, 1]
torch.ravel(column).data_ptr() == column.data_ptr()  # False
torch.flatten(column).data_ptr() == column.data_ptr()  # True
torch.ones(8, 3, 5).flatten(start_dim=1).shape  # torch.Size([8, 15])
with suppress(TypeError):
    x.ravel(1)  # TypeError: ravel() takes no arguments

# %%
# How many dimensions, how many elements: ``ndimension``, ``nelement``
# --------------------------------------------------------------------
#
# ``x.ndim``, ``x.dim()`` and ``x.ndimension()`` give the number of
# dimensions. ``torch.numel(x)``, ``x.numel()`` and ``x.nelement()`` give
# the number of elements. Use ``ndim`` and ``numel()``. ``len(x)`` gives the
# size of dimension 0.
x = torch.zeros(2, 3, 4)
x.ndim, x.dim(), x.ndimension()  # (3, 3, 3)
torch.numel(x), x.numel(), x.nelement()  # (24, 24, 24)
x.shape.numel()  # 24
len(x)  # 2

# %%
# ``torch.clip`` is ``torch.clamp``
# ---------------------------------
#
# ``clip`` is NumPy's name for ``clamp``. Both can have numbers or tensors
# as bounds, and both have an in-place form. ``clamp`` is more common in
# PyTorch code.
x = torch.tensor([-3.0, 0.5, 7.0])
torch.clip(x, -1, 1)  # tensor([-1.0000, 0.5000, 1.0000])
torch.equal(x.clip(-1, 1), x.clamp(-1, 1))  # True
torch.equal(x.clone().clip_(max=1), x.clone().clamp_(max=1))  # True
low = torch.tensor([-5.0, 1.0, 0.0])
x.clip(min=low)  # tensor([-3., 1., 7.])

# %%
# Casts by C names: ``Tensor.byte``, ``char``, ``short``
# ------------------------------------------------------
#
# Each of these methods does the same as ``x.to(dtype)`` with one dtype.
# ``to`` is clearer, because the name of the dtype contains the number of
# bits. Note that ``char`` is signed and ``byte`` is unsigned. ``chalf``
# gives a warning, because its dtype is experimental.
x = torch.tensor([0.0, 1.0, 2.0])
names = {"byte": torch.uint8, "char": torch.int8, "short": torch.int16}
names |= {"int": torch.int32, "long": torch.int64, "bool": torch.bool}
names |= {"half": torch.float16, "bfloat16": torch.bfloat16}
names |= {"float": torch.float32, "double": torch.float64}
names |= {"cfloat": torch.complex64, "cdouble": torch.complex128}
for name, dtype in names.items():
    getattr(x, name)().dtype == dtype  # True
    torch.equal(getattr(x, name)(), x.to(dtype))  # True
half = x.chalf()  # UserWarning: ComplexHalf support is experimental
half.dtype  # torch.complex32

# %%
# ``x.type_as(y)``, ``x.to(y.dtype)`` and ``x.to(y)``
# ---------------------------------------------------
#
# ``x.type_as(y)`` converts to the dtype and the kind of device of ``y``.
# Use ``x.to(y)`` if you want the dtype and the device of ``y``. Use
# ``x.to(y.dtype)`` if the tensor should stay on its device.
x, y = torch.tensor([1, 2]), torch.tensor([0.5], dtype=torch.float64)
x.type_as(y)  # tensor([1., 2.], dtype=torch.float64)
torch.equal(x.type_as(y), x.to(y))  # True
torch.equal(x.to(y.dtype), x.type(y.type()))  # True
x.type_as(x) is x  # True

# %%
# ``torch.broadcast_to`` is ``Tensor.expand``
# -------------------------------------------
#
# ``broadcast_to`` and ``expand`` return a view that repeats elements
# without copying them. ``broadcast_to`` is a function and a method, and the
# function takes the shape as one tuple. ``expand`` is only a method and
# also takes separate sizes.
x = torch.tensor([1, 2])
wide = torch.broadcast_to(x, (3, 2))
wide  # tensor([[1, 2], [1, 2], [1, 2]])
torch.equal(x.broadcast_to((3, 2)), x.expand(3, 2))  # True
torch.equal(wide, x.expand_as(torch.zeros(3, 2)))  # True
wide.stride()  # (0, 1)

# %%
# Named dimensions are gone: ``names=`` of ``torch.zeros``
# --------------------------------------------------------
#
# Named dimensions were an experimental feature and were removed in PyTorch
# 2.13, together with the method ``rename``. To work with names, use
# ``torch.einsum`` or ``torch.func.rearrange``, where you name the
# dimensions in each call.
names = {"names": ("N", "C")}
with suppress(TypeError):
    torch.zeros(
        2, 3, **names
    )  # TypeError: unexpected since 2.13, UserWarning: Named tensors before
hasattr(torch.zeros(2), "rename")  # False since 2.13, True before
torch.einsum("nc->c", torch.ones(2, 3))  # tensor([2., 2., 2.])

# %%
# ``torch.range`` includes its end: write ``torch.arange``
# --------------------------------------------------------
#
# ``torch.range`` is deprecated because it includes its end, unlike
# ``range`` in Python. It also returns floats for integers. ``torch.arange``
# excludes the end and keeps integers.
torch.range(0, 3)  # UserWarning: torch.range is deprecated
torch.arange(0, 4)  # tensor([0, 1, 2, 3])
torch.arange(0, 4).float()  # tensor([0., 1., 2., 3.])

# %%
# Methods that are not functions: "torch.view", "torch.expand"
# ------------------------------------------------------------
#
# Some operations, such as ``Tensor.view``, exist only as a method. There is
# often a function with another name that does the same, such as
# ``torch.reshape`` for ``Tensor.view`` and ``torch.tile`` for
# ``Tensor.repeat``.
x = torch.arange(4)
for name in "view expand repeat to contiguous type_as".split():
    hasattr(torch, name), hasattr(x, name)  # (False, True)
with suppress(AttributeError):
    torch.view(x, (2, 2))  # AttributeError: has no attribute 'view'
torch.reshape(x, (2, 2))  # tensor([[0, 1], [2, 3]])
torch.tile(x, (2,))  # tensor([0, 1, 2, 3, 0, 1, 2, 3])
