"""
Attributes
==========

Find out the shape of a tensor, its dtype, its device and how it is stored
in memory.
"""
from contextlib import suppress

import numpy as np
import torch

# %%
# Shape and size: ``Tensor.shape``, ``size``, ``ndim``, ``numel``
# ---------------------------------------------------------------
#
# ``x.shape`` and ``x.size()`` both return the shape as a ``torch.Size``,
# which is a tuple. ``ndim`` and ``dim()`` give the number of dimensions,
# ``numel()`` and ``nelement()`` the number of elements. ``len`` gives the
# size of dimension 0.
x = torch.zeros(2, 3, 4)
x.shape  # torch.Size([2, 3, 4])
x.size() == x.shape == (2, 3, 4)  # True
x.size(-1)  # 4
x.ndim  # 3
x.dim()  # 3
x.numel()  # 24
x.nelement()  # 24
len(x)  # 2

# %%
# Type, device and gradient: ``Tensor.dtype``, ``device``, ``requires_grad``
# --------------------------------------------------------------------------
#
# ``dtype`` is the type of the elements, and ``device`` is where they are
# stored. Autograd tracks a tensor if ``requires_grad`` is True. Tensors of
# integers cannot require a gradient.
x = torch.tensor([1.0, 2.0], device="cpu")
x.dtype  # torch.float32
x.device.type  # 'cpu'
x.requires_grad  # False
x.requires_grad_()  # tensor([1., 2.], requires_grad=True)
x.is_floating_point()  # True
with suppress(RuntimeError):
    torch.tensor([1, 2]).requires_grad_()  # RuntimeError: floating point

# %%
# Memory of a tensor: ``Tensor.element_size``, ``Tensor.nbytes``
# --------------------------------------------------------------
#
# ``nbytes`` is ``element_size()`` times ``numel()``. A slice has a small
# ``nbytes``, but it keeps the whole storage of the original tensor in
# memory. A ``clone()`` of the slice has a small storage of its own.
x = torch.zeros(1000, 1000)
x.element_size()  # 4
x.nbytes  # 4000000
x.half().nbytes  # 2000000
row = x[0]
row.nbytes  # 4000
row.untyped_storage().nbytes()  # 4000000
row.clone().untyped_storage().nbytes()  # 4000

# %%
# Layout in memory: ``Tensor.stride``, ``Tensor.is_contiguous``
# -------------------------------------------------------------
#
# The stride of a dimension is the distance in memory, counted in elements,
# from one index to the next. A transpose swaps the strides and moves no
# data. The elements of a row are then no longer next to each other, so the
# tensor is not contiguous.
#
# .. tensors:: x, x.T
#    :style: strides
x = torch.arange(6).reshape(2, 3)
x.stride()  # (3, 1)
x.is_contiguous()  # True
x.T.stride()  # (1, 3)
x.T.is_contiguous()  # False
x.T.data_ptr() == x.data_ptr()  # True
x[:, 1].stride()  # (3,)

# %%
# Tensor to Python numbers: ``Tensor.item``, ``Tensor.tolist``
# ------------------------------------------------------------
#
# ``item`` returns the element of a one-element tensor as a Python number,
# and ``tolist`` returns all elements as nested lists. The numbers carry no
# gradient. On a GPU, both calls wait until the result is computed. To go
# the other way, ``torch.stack`` turns a list of tensors into one tensor.
loss = torch.tensor(0.25, requires_grad=True)
loss.item()  # 0.25
torch.tensor([[7]]).item()  # 7
torch.tensor([[1, 2], [3, 4]]).tolist()  # [[1, 2], [3, 4]]
torch.tensor(0.1).item()  # 0.10000000149011612
with suppress(RuntimeError):
    torch.zeros(3).item()  # RuntimeError: cannot be converted to Scalar
with suppress(ValueError):
    float(torch.zeros(3))  # ValueError: only one element tensors can be
torch.stack([loss.detach(), torch.tensor(0.5)])  # tensor([0.2500, 0.5000])

# %%
# Is it a tensor: ``torch.is_tensor``, ``isinstance``
# ---------------------------------------------------
#
# Both tests also accept subclasses, such as parameters. NumPy arrays and
# lists are not tensors. ``isinstance`` can test for several types at once.
torch.is_tensor(torch.tensor(1))  # True
torch.is_tensor(np.array(1))  # False
torch.is_tensor([1, 2])  # False
torch.is_tensor(torch.nn.Parameter(torch.zeros(2)))  # True
isinstance(np.array(1), (torch.Tensor, np.ndarray))  # True

# %%
# Change dtype or device: ``Tensor.to``
# -------------------------------------
#
# Pass ``to`` a dtype, a device or both, or another tensor that has the
# dtype and the device you want. It does not change the tensor in place, so
# assign the result. If nothing has to change, ``to`` returns the same
# tensor; ``copy=True`` forces a copy. ``Tensor.cpu`` and ``Tensor.cuda``
# are short forms.
x = torch.tensor([1.5, 2.5])
x.to(torch.int64)  # tensor([1, 2])
x.dtype  # torch.float32
x.to(torch.float32) is x  # True
x.to(torch.float32, copy=True) is x  # False
target = torch.zeros(1, dtype=torch.float64, device="cpu")
x.to(target)  # tensor([1.5000, 2.5000], dtype=torch.float64)
x.cpu().device == target.device  # True

# %%
# ``x.device == "cpu"`` is never true
# -----------------------------------
#
# Comparing a ``torch.device`` with a string gives False and raises no
# error. Compare the ``type`` of the device, or compare it with another
# ``torch.device``. A dtype does not equal its name either.
x = torch.zeros(2, device="cpu")
x.device == "cpu"  # False
x.device.type == "cpu"  # True
x.device == torch.device("cpu")  # True
x.dtype == "float32"  # False
x.dtype == torch.float32  # True

# %%
# Names that do not exist: "torch.to(device)", "torch.cuda()"
# -----------------------------------------------------------
#
# ``to`` is a method of tensors and layers, not a function of ``torch``.
# ``torch.cuda`` is a Python module with functions for GPUs, so it cannot be
# called. ``x.shape`` is an attribute and takes no parentheses.
x = torch.ones(2)
with suppress(AttributeError):
    torch.to("cpu")  # AttributeError: module 'torch' has no attribute 'to'
with suppress(TypeError):
    torch.cuda()  # TypeError: 'module' object is not callable
with suppress(TypeError):
    x.shape()  # TypeError: 'torch.Size' object is not callable
x.to("cpu").device.type  # 'cpu'
torch.cuda.is_available() == (torch.cuda.device_count() > 0)  # True

# %%
# On the CPU or on a GPU? ``Tensor.is_cpu``, ``is_cuda``, ``get_device``
# ----------------------------------------------------------------------
#
# ``get_device`` returns the number of the GPU that holds the tensor, and -1
# for a tensor on the CPU. A tensor on the ``meta`` device has a shape and a
# dtype, but no values.
x = torch.zeros(2, device="cpu")
x.is_cpu, x.is_cuda, x.is_meta  # (True, False, False)
x.get_device()  # -1
torch.get_device(x)  # -1
shape = torch.zeros(2, device="meta")
shape.is_cpu, shape.is_meta  # (False, True)

# %%
# Ask for the type of a setting: ``torch.dtype``, ``torch.Size``
# --------------------------------------------------------------
#
# Use these classes with ``isinstance`` and in annotations. ``can_cast``
# says whether an operation may write values of the first dtype into a
# tensor of the second one.
x = torch.zeros(2, 3)
isinstance(x.dtype, torch.dtype)  # True
isinstance(x.shape, torch.Size)  # True
isinstance(x.layout, torch.layout)  # True
isinstance(torch.channels_last, torch.memory_format)  # True
torch.Size([2, 3]).numel()  # 6
torch.can_cast(torch.int64, torch.float32)  # True
torch.can_cast(torch.float32, torch.int64)  # False

# %%
# Compare two tensors without their values: ``Tensor.is_same_size``
# -----------------------------------------------------------------
#
# ``is_same_size`` compares the shapes. ``is_nonzero`` returns the truth
# value of a tensor with one element, as ``bool`` does. ``itemsize`` is the
# number of bytes of one element.
x, y = torch.zeros(2, 3), torch.ones(2, 3)
x.is_same_size(y)  # True
torch.is_same_size(x, y.T)  # False
y[0, 0].is_nonzero(), bool(y[0, 0])  # (True, True)
x[0, 0].is_nonzero()  # False
x.itemsize, x.double().itemsize  # (4, 8)
with suppress(RuntimeError):
    x.is_nonzero()  # RuntimeError: more than one value is ambiguous
