"""
Attributes
==========

Ask a tensor what it is: its shape, its dtype, its place in memory.
"""
from contextlib import suppress

import numpy as np
import torch

# %%
# Shape and size: ``Tensor.shape``, ``size``, ``ndim``, ``numel``
# ---------------------------------------------------------------
#
# ``x.shape`` and ``x.size()`` are the same ``torch.Size``, a tuple.
# ``ndim`` and ``dim()`` count the dimensions, ``numel()`` and
# ``nelement()`` the elements; ``len`` is only the first size.
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
# Type and place: ``Tensor.dtype``, ``device``, ``requires_grad``
# ---------------------------------------------------------------
#
# ``dtype`` says what the numbers are, ``device`` where they are. Autograd
# follows tensors with ``requires_grad``, which only floating point and
# complex ones can have.
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
# ``nbytes`` is ``element_size()`` times ``numel()``. A slice is small by
# this count but keeps the memory it was cut from; a ``clone()`` has only
# its own.
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
# A stride says how many elements to go on in memory for one step along a
# dimension. A transpose swaps the strides and moves nothing: rows no longer
# lie together, so the tensor is not contiguous.
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
# ``item`` takes the only element out, ``tolist`` all of them, as Python
# numbers without gradient. On a GPU both wait until the result is there.
# The other way, a list of tensors becomes one tensor with ``torch.stack``.
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
# Both accept subclasses such as parameters; arrays and lists are no
# tensors. ``isinstance`` can test for several types at once.
torch.is_tensor(torch.tensor(1))  # True
torch.is_tensor(np.array(1))  # False
torch.is_tensor([1, 2])  # False
torch.is_tensor(torch.nn.Parameter(torch.zeros(2)))  # True
isinstance(np.array(1), (torch.Tensor, np.ndarray))  # True

# %%
# Change dtype or device: ``Tensor.to``
# -------------------------------------
#
# ``to`` takes a dtype, a device, both, or a tensor to take them from. It is
# not in place, so keep the result; where nothing changes it returns the
# tensor itself, unless ``copy=True``. ``Tensor.cpu`` and ``Tensor.cuda``
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
# A ``torch.device`` equals no string, and no error says so. Compare its
# ``type``, or compare devices. The same goes for a dtype and its name.
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
# Moving is a method of the tensor or layer that moves; ``torch.cuda`` is a
# Python module of functions about GPUs. Attributes take no parentheses.
x = torch.ones(2)
with suppress(AttributeError):
    torch.to("cpu")  # AttributeError: module 'torch' has no attribute 'to'
with suppress(TypeError):
    torch.cuda()  # TypeError: 'module' object is not callable
with suppress(TypeError):
    x.shape()  # TypeError: 'torch.Size' object is not callable
x.to("cpu").device.type  # 'cpu'
torch.cuda.is_available() == (torch.cuda.device_count() > 0)  # True
