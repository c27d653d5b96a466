"""
Errors about dtypes
===================

Find out which dtype causes the error, and convert the right tensor.
"""
from contextlib import suppress

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

# %%
# Error: not implemented for 'Long' (softmax, losses, ``randn_like``)
# -------------------------------------------------------------------
#
# The operation needs floats, but the tensor holds integers. 'Long' is
# another name for int64. Convert the tensor with ``x.float()``. If you
# create it from a list, it is enough to write one of the numbers with a
# decimal point.
x = torch.tensor([1, 2, 3])
with suppress(NotImplementedError):
    x.softmax(dim=0)  # NotImplementedError: not implemented for 'Long'
with suppress(NotImplementedError):
    F.mse_loss(x, x)  # NotImplementedError: not implemented for 'Long'
with suppress(NotImplementedError):
    torch.randn_like(x)  # NotImplementedError: not implemented for 'Long'
x.float().softmax(dim=0)  # tensor([0.0900, 0.2447, 0.6652])
torch.tensor([1.0, 2, 3]).dtype  # torch.float32

# %%
# Difference of two ``uint8`` images: 251 instead of -5
# -----------------------------------------------------
#
# ``uint8`` has no negative numbers, so 5 - 10 wraps around to 251. Convert
# one image to a signed dtype first. Then ``abs`` and the mean of the
# difference are right, too.
a = torch.tensor([5, 200], dtype=torch.uint8)
b = torch.tensor([10, 100], dtype=torch.uint8)
a - b  # tensor([251, 100], dtype=torch.uint8)
a.short() - b  # tensor([-5, 100], dtype=torch.int16)
(a.short() - b).abs()  # tensor([5, 100], dtype=torch.int16)
(a.float() - b).abs().mean()  # tensor(52.5000)

# %%
# 16-bit images: ``torch.uint16`` has few operations
# --------------------------------------------------
#
# A depth map of ``np.uint16`` becomes a ``torch.uint16`` tensor, which does
# not support operations such as ``+`` and ``>``. Convert it to ``int32`` or
# to float; ``int16`` is too small, because it ends at 32767. Before PyTorch
# 2.3, the conversion itself fails with "can't convert np.ndarray of type
# numpy.uint16".
depth = np.array([1, 60000], dtype=np.uint16)
x = torch.from_numpy(depth)
x.dtype  # torch.uint16
with suppress(NotImplementedError):
    x + x  # NotImplementedError: not implemented for 'UInt16'
with suppress(NotImplementedError):
    x > 5  # NotImplementedError: not implemented for 'UInt16'
x.int() + x.int()  # tensor([2, 120000], dtype=torch.int32)
(x.float() / 65535)[1]  # tensor(0.9155)
torch.from_numpy(depth.astype(np.int32)).dtype  # torch.int32

# %%
# Error: Got unsupported ScalarType BFloat16 (``Tensor.numpy``)
# -------------------------------------------------------------
#
# NumPy has no ``bfloat16``, which many Hugging Face models use. Convert the
# tensor to ``float32`` first; the values do not change.
embedding = torch.tensor([1.5, 2.0], dtype=torch.bfloat16, device="cpu")
with suppress(TypeError):
    embedding.numpy()  # TypeError: Got unsupported ScalarType BFloat16
with suppress(TypeError):
    np.asarray(embedding)  # TypeError: Got unsupported ScalarType BFloat16
embedding.float().numpy()  # array([1.5, 2.], dtype=float32)
embedding.tolist()  # [1.5, 2.0]

# %%
# Error: Subtraction with a bool tensor is not supported (``1 - mask``)
# ---------------------------------------------------------------------
#
# Invert a mask with ``~``. To compute with a mask, convert it to numbers
# first. To find where two masks differ, use ``^`` or ``!=``.
mask = torch.tensor([True, False])
errors = []
for compute in [lambda: 1 - mask, lambda: mask - mask, lambda: -mask]:
    try:
        compute()
    except RuntimeError as error:
        errors.append(str(error))
errors[0][:49]  # 'Subtraction, the `-` operator, with a bool tensor'
errors[1][:52]  # 'Subtraction, the `-` operator, with two bool tensors'
errors[2][:44]  # 'Negation, the `-` operator, on a bool tensor'
~mask  # tensor([False, True])
1 - mask.float()  # tensor([0., 1.])
mask ^ ~mask  # tensor([True, True])

# %%
# Error: bitwise operators on floats (``&``, ``~`` of a float mask)
# -----------------------------------------------------------------
#
# ``&``, ``|`` and ``~`` work on booleans and integers, not on floats.
# Convert a float mask with ``mask.bool()`` first. The same error appears if
# you forget the parentheses around a comparison, as in ``mask & x > 1``.
mask = torch.tensor([1.0, 0.0])
x = torch.tensor([0.5, 2.0])
with suppress(NotImplementedError):
    mask & (x > 1)  # NotImplementedError: not implemented for 'Float'
with suppress(TypeError):
    ~mask  # TypeError: only implemented on integer and Boolean-type tensors
mask.bool() & (x < 1)  # tensor([True, False])

# %%
# Error: index tensors of the wrong dtype (``gather``, ``F.one_hot``)
# -------------------------------------------------------------------
#
# Indexing and ``gather`` do not accept float indices, and ``F.one_hot``
# does not accept ``int32``. A division gives float indices, and NumPy
# arrays sometimes hold ``int32``. Convert the indices to ``int64`` with
# ``.long()``.
x = torch.tensor([10, 20, 30])
place = torch.tensor([1.0])
with suppress(RuntimeError):
    x.gather(0, place)  # RuntimeError: gather(): Expected dtype
with suppress(IndexError):
    x[place]  # IndexError: tensors used as indices must be long, int
small = torch.tensor([1], dtype=torch.int32)
with suppress(RuntimeError):
    F.one_hot(small)  # RuntimeError: one_hot is only applicable to index
x[place.long()]  # tensor([20])
F.one_hot(small.long())  # tensor([[0, 1]])

# %%
# Error: Could not infer dtype of NoneType, too many dimensions 'str'
# -------------------------------------------------------------------
#
# ``torch.tensor`` accepts numbers, and raises these errors for ``None``,
# for strings and for images in a list. Replace a missing value with NaN,
# give each word a number, and convert strings that contain numbers with
# Python's ``float``. Make an array of each image, and stack the arrays.
with suppress(RuntimeError):
    torch.tensor([None])  # RuntimeError: Could not infer dtype of NoneType
torch.tensor([1.0, float("nan")]).isnan()  # tensor([False, True])
with suppress(ValueError):
    torch.tensor(["cat", "dog"])  # ValueError: too many dimensions 'str'
number = {"cat": 0, "dog": 1}
torch.tensor([number[word] for word in ["dog", "cat"]])  # tensor([1, 0])
torch.tensor([float(text) for text in ["0.5", "2"]])  # tensor([0.5, 2.0])
images = [Image.new("L", (3, 2)), Image.new("L", (3, 2))]
with suppress(RuntimeError):
    torch.tensor(images)  # RuntimeError: Could not infer dtype of Image
torch.from_numpy(np.stack(images)).shape  # torch.Size([2, 2, 3])

# %%
# Error: byte order different from the native byte order
# ------------------------------------------------------
#
# Some file formats, such as FITS images, store big-endian numbers. Convert
# the array with ``astype`` to a dtype with the native byte order.
array = np.array([1.5, 2.0], dtype=">f4")
with suppress(ValueError):
    torch.from_numpy(array)  # ValueError: given numpy array has byte order
torch.from_numpy(array.astype(np.float32))  # tensor([1.5000, 2.0000])

# %%
# Warning: a list of numpy.ndarrays is extremely slow
# ---------------------------------------------------
#
# ``torch.tensor`` is slow for a list of arrays. Join them into one array
# with ``np.stack`` first. If you have a list of tensors, use
# ``torch.stack``.
arrays = [np.zeros(2), np.ones(2)]
torch.tensor(arrays).shape  # UserWarning: Creating a tensor from a list of
torch.from_numpy(np.stack(arrays)).shape  # torch.Size([2, 2])
torch.stack([torch.zeros(2), torch.ones(2)]).shape  # torch.Size([2, 2])

# %%
# Wrong large integers in ``float32``, infinite sums in ``float16``
# -----------------------------------------------------------------
#
# ``float32`` represents integers exactly up to 2**24, so do not use it for
# identifiers and timestamps. The largest ``float16`` number is 65504, and a
# sum of squares soon exceeds it. For such a sum, pass
# ``dtype=torch.float32`` to ``sum``, or convert the tensor with
# ``x.float()`` first.
numbers = torch.tensor([2**24, 2**24 + 1])
numbers.float().long()  # tensor([16777216, 16777216])
numbers.double().long()  # tensor([16777216, 16777217])
x = torch.full((4,), 200.0, dtype=torch.float16)
x.square().sum()  # tensor(inf, dtype=torch.float16)
x.square().sum(dtype=torch.float32)  # tensor(160000.)
