"""
Comparison
==========

Compare tensors element by element, test with ``all`` and ``any``, and check
whether floats are close.
"""
from contextlib import suppress

import torch

# %%
# Compare each element: ``torch.eq``, ``lt``, ``gt``, ``ge``
# ----------------------------------------------------------
#
# The comparison operators and these functions broadcast their operands and
# return a boolean tensor. ``torch.not_equal``, ``torch.less``,
# ``torch.less_equal``, ``torch.greater`` and ``torch.greater_equal`` are
# longer names. The in-place methods keep the dtype of the tensor and write
# 0 and 1.
x = torch.tensor([1, 2, 3])
x == 2  # tensor([False,  True, False])
torch.ne(x, 2)  # tensor([ True, False,  True])
torch.lt(x, 2)  # tensor([ True, False, False])
torch.le(x, 2)  # tensor([ True,  True, False])
torch.gt(x, 2)  # tensor([False, False,  True])
torch.ge(x, 2)  # tensor([False,  True,  True])
torch.equal(torch.eq(x, 2), x == 2)  # True
torch.equal(torch.not_equal(x, 2), torch.ne(x, 2))  # True
torch.equal(torch.less(x, 2), torch.lt(x, 2))  # True
torch.equal(torch.less_equal(x, 2), torch.le(x, 2))  # True
torch.equal(torch.greater(x, 2), torch.gt(x, 2))  # True
torch.equal(torch.greater_equal(x, 2), torch.ge(x, 2))  # True
x.gt_(2)  # tensor([0, 0, 1])

# %%
# Are two tensors the same? ``torch.equal`` or ``==``
# ---------------------------------------------------
#
# ``torch.equal`` compares shape and values and returns one Python bool.
# ``==`` broadcasts first, so ``(a == b).all()`` can be true for tensors of
# different shapes. nan is not equal to nan, so ``torch.equal`` is False for
# tensors with nan.
a = torch.tensor([1, 1])
b = torch.tensor([[1, 1], [1, 1]])
torch.equal(a, a.clone())  # True
torch.equal(a, b)  # False
(a == b).all()  # tensor(True)
missing = torch.tensor([torch.nan])
torch.equal(missing, missing.clone())  # False

# %%
# Floats equal up to rounding: ``torch.allclose``, ``torch.isclose``
# ------------------------------------------------------------------
#
# ``torch.isclose`` tests ``abs(a - b) <= atol + rtol * abs(b)`` for each
# element, and ``torch.allclose`` returns one bool for all of them. Near
# zero ``atol`` decides, and its default of 1e-8 is small. nan is close to
# nan only with ``equal_nan=True``.
a = torch.tensor([100.0, 0.0])
b = torch.tensor([100.0005, 1e-7])
torch.isclose(a, b)  # tensor([ True, False])
torch.allclose(a, b)  # False
torch.allclose(a, b, atol=1e-6)  # True
rtol, atol = 1e-5, 1e-8
by_hand = (a - b).abs() <= atol + rtol * b.abs()
torch.equal(torch.isclose(a, b), by_hand)  # True
missing = torch.tensor([torch.nan])
torch.allclose(missing, missing)  # False
torch.allclose(missing, missing, equal_nan=True)  # True

# %%
# Compare in a test: ``torch.testing.assert_close``
# -------------------------------------------------
#
# ``assert_close`` raises an ``AssertionError`` that reports how many
# elements differ and by how much. It also checks the shape and the dtype,
# and it compares lists of tensors. The default tolerances depend on the
# dtype, and ``rtol=0, atol=0`` demands equal values.
actual = torch.tensor([1.0, 2.0, 3.0])
expected = torch.tensor([1.0, 2.5, 3.0])
wide = actual.double()
with suppress(AssertionError):
    torch.testing.assert_close(actual, expected)  # AssertionError: 1 / 3
torch.testing.assert_close(actual, actual + 1e-6)
torch.testing.assert_close(actual, expected, rtol=0, atol=0.5)
with suppress(AssertionError):
    torch.testing.assert_close(actual, wide)  # AssertionError: do not match
torch.testing.assert_close([actual], [wide], check_dtype=False)

# %%
# Not a number or infinite: ``torch.isnan``, ``isinf``, ``isfinite``
# ------------------------------------------------------------------
#
# ``torch.isfinite`` is False for nan and for both infinities, so use it to
# check a loss or gradients before an optimizer step. ``torch.isposinf`` and
# ``torch.isneginf`` find one of the two infinities.
x = torch.tensor([1.0, torch.nan, torch.inf, -torch.inf])
torch.isnan(x)  # tensor([False,  True, False, False])
torch.isinf(x)  # tensor([False, False,  True,  True])
torch.isfinite(x)  # tensor([ True, False, False, False])
torch.isposinf(x)  # tensor([False, False,  True, False])
torch.isneginf(x)  # tensor([False, False, False,  True])
x[x.isfinite()]  # tensor([1.])

# %%
# ``x == nan`` is never true
# --------------------------
#
# nan is not equal to any number, not even to itself. Comparisons with ``<``
# and ``>=`` are False for nan, too. Use ``torch.isnan`` to find it; ``x !=
# x`` gives the same mask.
x = torch.tensor([1.0, torch.nan])
x == torch.nan  # tensor([False, False])
x != x  # tensor([False,  True])
torch.isnan(x)  # tensor([False,  True])
(x < 2) | (x >= 2)  # tensor([ True, False])

# %%
# Are all or any elements true? ``torch.all``, ``torch.any``
# ----------------------------------------------------------
#
# ``torch.all`` and ``torch.any`` test the whole tensor, or one or several
# dimensions given as ``dim``. A number counts as true if it is not 0. For
# an empty tensor ``all`` returns True and ``any`` returns False.
x = torch.tensor([[1, 0], [2, 3]])
torch.all(x > 0)  # tensor(False)
torch.any(x > 2)  # tensor(True)
x.all(dim=1)  # tensor([False,  True])
(x > 1).any(dim=0, keepdim=True)  # tensor([[True, True]])
(x > 2)[None].any(dim=(0, 2))  # tensor([False,  True])
empty = torch.tensor([])
empty.all(), empty.any()  # (tensor(True), tensor(False))

# %%
# Larger or smaller of two: ``torch.maximum``, ``torch.fmax``
# -----------------------------------------------------------
#
# If one of two elements is nan, ``torch.maximum`` and ``torch.minimum``
# return nan, and ``torch.fmax`` and ``torch.fmin`` return the other
# element. ``torch.max`` of two tensors is ``torch.maximum``. To compare
# with a number, use ``torch.clamp``. If both elements are equal, each gets
# half of the gradient.
a = torch.tensor([1.0, 5.0, torch.nan])
b = torch.tensor([4.0, 2.0, 3.0])
torch.maximum(a, b)  # tensor([4., 5., nan])
torch.minimum(a, b)  # tensor([1., 2., nan])
torch.fmax(a, b)  # tensor([4., 5., 3.])
torch.fmin(a, b)  # tensor([1., 2., 3.])
torch.max(a, b)  # tensor([4., 5., nan])
with suppress(TypeError):
    torch.maximum(a, 3)  # TypeError: must be Tensor, not int
a.clamp(min=3)  # tensor([3., 5., nan])
even = torch.tensor(2.0, requires_grad=True)
torch.autograd.grad(torch.maximum(even, b[1]), even)  # (tensor(0.5000),)
torch.fmax(even, b[1]).backward()
even.grad  # tensor(0.5000) since 2.14, tensor(1.) before

# %%
# Is each element in a list? ``torch.isin``
# -----------------------------------------
#
# ``torch.isin`` returns a mask in the shape of the first argument and
# replaces a chain of ``==`` and ``|``. ``invert=True`` inverts the mask.
# Python's ``in`` is different: it tells whether any element of the tensor
# equals the number.
labels = torch.tensor([[3, 7], [0, 3]])
known = torch.tensor([0, 3])
torch.isin(labels, known)  # tensor([[True, False], [True, True]])
torch.isin(labels, 3, invert=True)  # tensor([[False, True], [True, False]])
7 in labels  # True

# %%
# Between two numbers: ``0 < x < 1`` is an error
# ----------------------------------------------
#
# Python evaluates ``0 < x < 1`` as two comparisons joined by ``and``, and
# ``and`` needs a single truth value. Join the two comparisons with ``&``
# instead.
x = torch.tensor([-0.5, 0.5, 1.5])
with suppress(RuntimeError):
    0 < x < 1  # RuntimeError: Boolean value of Tensor with more than one
(0 < x) & (x < 1)  # tensor([False,  True, False])

# %%
# Do not compare floats with ``==``
# ---------------------------------
#
# 0.1 has no exact binary form, so float32 and float64 store different
# numbers for it. A sum is rounded again. Use ``torch.isclose`` to compare
# floats.
x = torch.tensor([0.1, 0.7])
y = x.double()
y == torch.tensor([0.1, 0.7], dtype=torch.float64)  # tensor([False, False])
steps = torch.tensor([0.1, 0.2], dtype=torch.float64)
steps.sum() == 0.3  # tensor(False)
torch.isclose(steps.sum(), torch.tensor(0.3).double())  # tensor(True)

# %%
# Error: Float did not match Double (``torch.allclose``)
# ------------------------------------------------------
#
# Unlike ``==``, ``torch.allclose`` needs two tensors of the same dtype. The
# error is common if the result is float32 and the reference values come
# from NumPy as float64. Convert the reference to the dtype of the result.
result = torch.tensor([0.1])
reference = torch.tensor([0.1], dtype=torch.float64)
with suppress(RuntimeError):
    torch.allclose(result, reference)  # RuntimeError: Float did not match
torch.allclose(result, reference.to(result.dtype))  # True
