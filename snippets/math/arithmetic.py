"""
Arithmetic
==========

Add, multiply, divide and raise to powers, element by element.
"""
from contextlib import suppress

import torch

# %%
# Four operations: ``torch.add``, ``sub``, ``mul``, ``div``
# ---------------------------------------------------------
#
# Each operator is also a function and a method, so ``x * y``,
# ``torch.mul(x, y)`` and ``x.mul(y)`` give the same result. ``*``
# multiplies element by element and is not the matrix product ``@``.
# ``torch.subtract``, ``torch.multiply``, ``torch.divide`` and
# ``torch.true_divide`` are other names. Dividing integers gives floats.
x = torch.tensor([6, 8])
y = torch.tensor([2, 5])
x + y  # tensor([ 8, 13])
x - y  # tensor([4, 3])
x * y  # tensor([12, 40])
x / y  # tensor([3.0000, 1.6000])
torch.equal(torch.add(x, y), x.add(y))  # True
torch.equal(torch.subtract(x, y), torch.sub(x, y))  # True
torch.equal(torch.multiply(x, y), torch.mul(x, y))  # True
torch.equal(torch.divide(x, y), torch.div(x, y))  # True
torch.equal(x.true_divide(y), x.div(y))  # True

# %%
# Add a multiple in one call: ``alpha=`` of ``torch.add``
# -------------------------------------------------------
#
# ``torch.add`` computes ``input + alpha * other``, and ``torch.sub``
# computes ``input - alpha * other``. ``torch.rsub`` swaps the two operands
# of a subtraction, so ``torch.rsub(x, 1)`` is ``1 - x``.
x = torch.tensor([1.0, 2.0])
gradient = torch.tensor([10.0, 20.0])
torch.add(x, gradient, alpha=3)  # tensor([31., 62.])
x.sub(gradient, alpha=0.5)  # tensor([-4., -8.])
1 - x  # tensor([ 0., -1.])
torch.rsub(x, 1)  # tensor([ 0., -1.])

# %%
# Integer division: ``torch.floor_divide``, ``rounding_mode=``
# ------------------------------------------------------------
#
# ``//`` and ``torch.floor_divide`` round the quotient down, as in Python.
# ``torch.div`` with ``rounding_mode="trunc"`` rounds towards zero, as in C.
# The results differ if the quotient is negative and not a whole number.
# Integers stay integers.
x = torch.tensor([7, -7])
x // 2  # tensor([ 3, -4])
torch.floor_divide(x, 2)  # tensor([ 3, -4])
torch.div(x, 2, rounding_mode="floor")  # tensor([ 3, -4])
torch.div(x, 2, rounding_mode="trunc")  # tensor([ 3, -3])
x / 2  # tensor([ 3.5000, -3.5000])

# %%
# Modulo: ``torch.remainder`` or ``torch.fmod``
# ---------------------------------------------
#
# ``%`` is ``torch.remainder``. Its result has the sign of the divisor, as
# in Python, which is what you want for wrapping indices and angles. The
# result of ``torch.fmod`` has the sign of the dividend, as in C. The first
# matches a quotient that is rounded down, the second one that is rounded
# towards zero.
x = torch.tensor([7, -7])
x % 3  # tensor([1, 2])
torch.remainder(x, -3)  # tensor([-2, -1])
torch.fmod(x, 3)  # tensor([ 1, -1])
x.fmod(-3)  # tensor([ 1, -1])
torch.equal(x % 3, x - 3 * (x // 3))  # True
truncated = x.div(3, rounding_mode="trunc")
torch.equal(x.fmod(3), x - 3 * truncated)  # True

# %%
# Powers: ``torch.pow``, ``torch.square``, ``torch.reciprocal``
# -------------------------------------------------------------
#
# ``x**2``, ``x.pow(2)`` and ``x.square()`` give the same result. The base,
# the exponent or both may be tensors. ``torch.reciprocal`` computes ``1 /
# x``, and its result is a float for integers, too. A negative base with a
# fractional exponent gives nan, so you cannot take the cube root of -8 this
# way.
x = torch.tensor([1, 2, 3])
x**2  # tensor([1, 4, 9])
x.pow(x)  # tensor([ 1,  4, 27])
torch.pow(2, x)  # tensor([2, 4, 8])
torch.square(x)  # tensor([1, 4, 9])
torch.reciprocal(x)  # tensor([1.0000, 0.5000, 0.3333])
torch.tensor(-8.0) ** (1 / 3)  # tensor(nan)
with suppress(RuntimeError):
    x**-1  # RuntimeError: Integers to negative integer powers

# %%
# Sign and absolute value: ``torch.neg``, ``torch.abs``, ``torch.positive``
# -------------------------------------------------------------------------
#
# The operators ``-x``, ``abs(x)`` and ``+x`` call these functions.
# ``torch.negative`` and ``torch.absolute`` are other names. The smallest
# integer of a signed dtype, such as -128 in int8, has no positive
# counterpart, so its absolute value is still negative. To invert a boolean
# mask, write ``~mask``.
x = torch.tensor([-2.0, 3.0])
-x  # tensor([ 2., -3.])
torch.abs(x)  # tensor([2., 3.])
torch.equal(torch.negative(x), torch.neg(x))  # True
torch.equal(torch.absolute(x), abs(x))  # True
torch.positive(x) is x  # True
torch.tensor([-128], dtype=torch.int8).abs().item()  # -128
mask = torch.tensor([True, False])
~mask  # tensor([False,  True])

# %%
# Add a product or quotient: ``torch.addcmul``, ``torch.addcdiv``
# ---------------------------------------------------------------
#
# ``torch.addcmul`` computes ``input + value * a * b``, and
# ``torch.addcdiv`` computes ``input + value * a / b``. Optimizers such as
# Adam use the in-place forms to update the weights. If ``a`` and ``b`` are
# both integer tensors, ``torch.addcdiv`` raises an error.
x = torch.tensor([1.0, 2.0])
a = torch.tensor([6.0, 8.0])
b = torch.tensor([2.0, 4.0])
torch.addcmul(x, a, b, value=10)  # tensor([121., 322.])
torch.addcdiv(x, a, b, value=10)  # tensor([31., 22.])
x.addcdiv_(a, b, value=-1)  # tensor([-2.,  0.])
counts = torch.tensor([1, 2])
with suppress(RuntimeError):
    torch.addcdiv(counts, counts, counts)  # RuntimeError: no longer

# %%
# Interpolate and running averages: ``torch.lerp``
# ------------------------------------------------
#
# ``torch.lerp`` computes ``start + weight * (end - start)``. A weight of 0
# gives the start and 1 gives the end. A weight below 0 or above 1
# extrapolates. Call ``lerp_`` with a small weight after each training step
# to keep an exponential moving average (EMA) of the parameters.
start = torch.tensor([0.0, 10.0])
end = torch.tensor([4.0, 30.0])
torch.lerp(start, end, 0.25)  # tensor([ 1., 15.])
torch.lerp(start, end, torch.tensor([0.5, 2.0]))  # tensor([ 2., 50.])
average = torch.zeros(1)
for _ in range(3):
    average.lerp_(torch.ones(1), 0.5)
average  # tensor([0.8750])

# %%
# A tensor and a Python number: what dtype comes out?
# ---------------------------------------------------
#
# The kinds of dtypes are ordered: bool, integer, float, complex. A Python
# number changes the dtype of a tensor only if its kind is higher, so ``*
# 2.0`` keeps float16 but turns integers into the default float dtype. A
# tensor without dimensions counts like a Python number if the other tensor
# has dimensions. ``torch.result_type`` returns the dtype without computing
# anything.
half = torch.ones(2, dtype=torch.float16)
(half * 2.5).dtype  # torch.float16
double = torch.tensor(2.5, dtype=torch.float64)
(half * double).dtype  # torch.float16
(half * double[None]).dtype  # torch.float64
(half[0] * double).dtype  # torch.float64
counts = torch.tensor([1, 2], dtype=torch.uint8)
counts * 2  # tensor([2, 4], dtype=torch.uint8)
counts * 2.0  # tensor([2., 4.])
torch.result_type(counts, 2j)  # torch.complex64
True + torch.tensor([True])  # tensor([True])

# %%
# Integer overflow wraps around without an error
# ----------------------------------------------
#
# Sums and differences of uint8 images can be wrong without a warning: here
# 10 - 20 gives 246. The Python number 300 does not fit into uint8 and is
# wrapped before it is added. Convert the images to float or to a wider
# integer dtype first.
a = torch.tensor([10, 250], dtype=torch.uint8)
b = torch.tensor([20, 10], dtype=torch.uint8)
a - b  # tensor([246, 240], dtype=torch.uint8)
a + b  # tensor([30, 4], dtype=torch.uint8)
a + 300  # tensor([54, 38], dtype=torch.uint8)
a.float() - b  # tensor([-10., 240.])
a.int() + b  # tensor([ 30, 260], dtype=torch.int32)

# %%
# Error: ZeroDivisionError in integer division (``//``, ``%``)
# ------------------------------------------------------------
#
# Integer ``//`` and ``%`` with a divisor of 0 raise an error on the CPU. A
# GPU returns some number instead, so the code here sets the device.
# Floating-point division gives inf or nan. Keep the divisor above 0 with
# ``clamp``, or divide with ``/``.
x = torch.tensor([5, 6], device="cpu")
y = torch.tensor([2, 0], device="cpu")
with suppress(RuntimeError):
    x // y  # RuntimeError: ZeroDivisionError
with suppress(RuntimeError):
    x % y  # RuntimeError: ZeroDivisionError
x // y.clamp(min=1)  # tensor([2, 6])
x / y  # tensor([2.5000, inf])
torch.tensor(0.0) / 0  # tensor(nan)
