"""
Dtypes
======

Choose the dtype of a tensor, convert between dtypes, and know which dtype a
result has.
"""
from contextlib import suppress

import torch

# %%
# Convert: ``float``, ``double``, ``half``, ``int``, ``long``, ``bool``
# ---------------------------------------------------------------------
#
# Each method is named after the dtype it converts to, and ``to`` and
# ``type`` take a dtype as argument. Floats are truncated towards zero, not
# rounded, when they become integers. With ``bool``, nonzero numbers become
# True. ``type`` with an old class such as ``torch.FloatTensor`` also moves
# the tensor to the CPU.
x = torch.tensor([-1.7, 0.0, 2.5])
x.int()  # tensor([-1, 0, 2], dtype=torch.int32)
x.long()  # tensor([-1, 0, 2])
x.bool()  # tensor([True, False, True])
x.half().dtype  # torch.float16
x.double().float().dtype  # torch.float32
x.to(torch.int8)  # tensor([-1, 0, 2], dtype=torch.int8)
x.type(torch.int16)  # tensor([-1, 0, 2], dtype=torch.int16)
x.type(torch.FloatTensor).device.type  # 'cpu'
x.round().long()  # tensor([-2, 0, 2])

# %%
# PyTorch and NumPy names side by side: ``torch.dtype``
# -----------------------------------------------------
#
# The dtypes of this list have the same names in PyTorch and NumPy. NumPy
# has no ``bfloat16``. ``torch.half``, ``torch.float``, ``torch.double``,
# ``torch.short``, ``torch.int`` and ``torch.long`` are other names for
# dtypes with a number in their name.
for dtype in [
    torch.float16, torch.float32, torch.float64, torch.bool,
    torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64,
    torch.complex64, torch.complex128,
]:
    array = torch.zeros(1, dtype=dtype, device="cpu").numpy()
    str(dtype) == f"torch.{array.dtype}"  # True
torch.half, torch.float  # (torch.float16, torch.float32)
torch.double, torch.short  # (torch.float64, torch.int16)
torch.int, torch.long  # (torch.int32, torch.int64)
brain = torch.zeros(1, dtype=torch.bfloat16, device="cpu")
with suppress(TypeError):
    brain.numpy()  # TypeError: unsupported ScalarType BFloat16

# %%
# Range and precision: ``torch.finfo``, ``torch.iinfo``
# -----------------------------------------------------
#
# The largest float16 number is 65504, and 70000 becomes infinity. bfloat16
# has about the range of float32, but only two to three significant digits.
# ``eps`` is the distance from 1 to the next larger number.
torch.finfo(torch.float16).max  # 65504.0
torch.finfo(torch.bfloat16).max  # 3.3895e+38
torch.finfo(torch.float16).eps  # 0.0009765625
torch.finfo(torch.bfloat16).eps  # 0.0078125
torch.iinfo(torch.int8).min  # -128
x = torch.tensor([2049.0, 70000.0])
x.half().tolist()  # [2048.0, inf]
x.bfloat16().tolist()  # [2048.0, 70144.0]

# %%
# Type promotion, the dtype of a mixed result: ``torch.result_type``
# ------------------------------------------------------------------
#
# The result has the higher kind of the two, in the order bool, integer,
# float, complex. Within one kind, a Python number or a 0-d tensor does not
# change the dtype of a tensor that has dimensions. ``torch.promote_types``
# takes two dtypes instead of two tensors.
counts = torch.tensor([1, 2])
counts + 0.5  # tensor([1.5000, 2.5000])
torch.result_type(counts, 0.5)  # torch.float32
x = torch.tensor([1.0])
torch.result_type(x, torch.tensor(1.0).double())  # torch.float32
torch.result_type(x, torch.tensor([1.0]).double())  # torch.float64
torch.promote_types(torch.uint8, torch.int8)  # torch.int16
torch.promote_types(torch.int64, torch.float16)  # torch.float16
torch.promote_types(torch.float16, torch.bfloat16)  # torch.float32
mixed = torch.result_type(x.bfloat16(), 1j)
mixed  # torch.bcomplex32 since 2.14, torch.complex64 before

# %%
# Integer arithmetic: division, overflow, ``mean``
# ------------------------------------------------
#
# ``/`` gives floats, and ``//`` rounds down. Results that do not fit into
# the dtype wrap around without a warning, so convert uint8 images to a
# larger dtype first. ``sum`` of integers gives int64 by default. ``mean``
# needs floats.
a = torch.tensor([7, -7])
a / 2  # tensor([3.5000, -3.5000])
a // 2  # tensor([3, -4])
torch.div(a, 2, rounding_mode="trunc")  # tensor([3, -3])
pixel = torch.tensor([250, 5], dtype=torch.uint8)
pixel + 10  # tensor([4, 15], dtype=torch.uint8)
pixel.int() + 10  # tensor([260, 15], dtype=torch.int32)
pixel.sum()  # tensor(255)
with suppress(RuntimeError):
    a.mean()  # RuntimeError: must be either a floating point or complex

# %%
# Complex numbers: ``torch.complex64``
# ------------------------------------
#
# Each element of ``complex64`` consists of two float32 numbers, and
# ``torch.view_as_real`` shows them as a last dimension of size 2.
# Converting to a real dtype drops the imaginary part, with a warning the
# first time. Use ``real`` or ``abs`` to say which number you want.
z = torch.tensor([3 + 4j])
z.dtype  # torch.complex64
z.real  # tensor([3.])
z.abs()  # tensor([5.])
z.conj()  # tensor([3.-4.j])
torch.view_as_real(z)  # tensor([[3., 4.]])
z.float()  # UserWarning: Casting complex values to real discards

# %%
# Compare across dtypes: ``y_hat.type(y.dtype) == y``
# ---------------------------------------------------
#
# ``==`` promotes both sides to a common dtype, so you need not convert
# integers and floats before you compare them. ``y_hat.type(y.dtype) == y``
# truncates the decimals first. This is right for class indices stored as
# floats, but here it makes 1.9 equal to 1. The same decimal number in
# float32 and float64 is not equal, because the two are rounded differently.
y = torch.tensor([1, 0, 2])
torch.tensor([1.0, 0.0, 3.0]) == y  # tensor([True, True, False])
y_hat = torch.tensor([1.9, 0.4, 3.0])
y_hat == y  # tensor([False, False, False])
y_hat.type(y.dtype) == y  # tensor([True, True, False])
single, double = torch.tensor(0.1), torch.tensor(0.1, dtype=torch.float64)
single == double  # tensor(False)
single == double.float()  # tensor(True)

# %%
# Change the default dtype: ``torch.set_default_dtype``
# -----------------------------------------------------
#
# The default dtype is used for Python floats and by functions such as
# ``torch.zeros``. The setting is global, so set it at the start of a
# program, or restore it afterwards.
#
# .. glance:: torch.tensor([0.5]).dtype
torch.get_default_dtype()  # torch.float32
torch.set_default_dtype(torch.float64)
torch.tensor([0.5]).dtype  # torch.float64
torch.zeros(2).dtype  # torch.float64
torch.tensor([1]) / 2  # tensor([0.5000], dtype=torch.float64)
torch.set_default_dtype(torch.float32)
torch.tensor([0.5]).dtype  # torch.float32

# %%
# Error: result type Float can't be cast to Long (in-place operations)
# --------------------------------------------------------------------
#
# ``+=`` cannot change the dtype of its tensor, so adding 0.5 to integers in
# place raises an error. Assigning a float to an element raises no error,
# but it truncates the decimals.
counts = torch.tensor([1, 2])
with suppress(RuntimeError):
    counts += 0.5  # RuntimeError: result type Float can't be cast to
counts + 0.5  # tensor([1.5000, 2.5000])
counts[0] = 9.9
counts  # tensor([9, 2])

# %%
# Error: must have the same dtype (matrix products and layers)
# ------------------------------------------------------------
#
# Matrix products do not promote dtypes. The float64 tensor usually comes
# from NumPy, so convert the data with ``float`` and leave the model as it
# is. The wording of the error depends on the operation and on the device,
# so the batched product here runs on the CPU.
data = torch.ones(4, 3, dtype=torch.float64)
layer = torch.nn.Linear(3, 2)
with suppress(RuntimeError):
    layer(data)  # RuntimeError: must have the same dtype
with suppress(RuntimeError):
    data @ torch.ones(3, 2)  # RuntimeError: to have the same dtype
batch, other = data[None].cpu(), torch.ones(1, 3, 2, device="cpu")
with suppress(RuntimeError):
    batch @ other  # RuntimeError: expected scalar type Double but found
layer(data.float())  # shape (4, 2), dtype float32

# %%
# Error: not implemented for 'Half' (float16 on the CPU)
# ------------------------------------------------------
#
# Some operations, such as ``torch.cdist``, do not support float16 on the
# CPU. ``nn.LayerNorm`` supports it now, but not in old releases. Compute in
# float32 on the CPU, or move the model to a GPU. A float16 layer also needs
# a float16 input.
half = torch.ones(2, 2, dtype=torch.float16, device="cpu")
with suppress(NotImplementedError):
    torch.cdist(half, half)  # NotImplementedError: not implemented for
torch.cdist(half.float(), half.float()).dtype  # torch.float32
layer = torch.nn.LayerNorm(2, dtype=torch.float16, device="cpu")
layer(half).dtype  # torch.float16
with suppress(RuntimeError):
    layer(half.float())  # RuntimeError: mixed dtype (CPU): expect parameter
layer.float()(half.float()).dtype  # torch.float32
