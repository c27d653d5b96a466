"""
Functions, methods, in-place forms
==================================

Many operations can be written as a function, as a method and as an in-place
method, and some have several names.
"""
from contextlib import suppress

import torch

# %%
# Function or method: ``torch.sin(x)`` and ``x.sin()``
# ----------------------------------------------------
#
# Many functions whose first argument is a tensor are also methods of the
# tensor and return the same result. Method calls can be chained, and the
# chain reads from left to right.
x = torch.tensor([0.25, 0.5])
torch.equal(torch.sin(x), x.sin())  # True
x.square().sum().sqrt()  # tensor(0.5590)
x.add(x, alpha=2)  # tensor([0.7500, 1.5000])
torch.add(x, x, alpha=2)  # tensor([0.7500, 1.5000])

# %%
# In place: a trailing underscore, ``x.sin_()``
# ---------------------------------------------
#
# A method whose name ends in an underscore writes the result into the
# tensor and returns that tensor. Most methods that compute element by
# element have such a form. ``positive`` has none.
x = torch.tensor([0.25, 0.5])
y = x.clone()
y.sqrt_() is y  # True
y  # tensor([0.5000, 0.7071])
y.clamp_(max=0.6).mul_(10)  # tensor([5., 6.])
y  # tensor([5., 6.])
hasattr(x, "positive_")  # False

# %%
# Long and short names: ``torch.arcsin`` is ``torch.asin``
# --------------------------------------------------------
#
# The inverse functions have a short name and a long name as in NumPy. The
# same holds for the methods and the in-place methods.
x = torch.tensor([0.25, 0.5])
torch.equal(torch.asin(x), torch.arcsin(x))  # True
torch.equal(torch.acos(x), torch.arccos(x))  # True
torch.equal(torch.atan(x), torch.arctan(x))  # True
torch.equal(torch.asinh(x), torch.arcsinh(x))  # True
torch.equal(torch.atanh(x), torch.arctanh(x))  # True
torch.equal(torch.acosh(x + 1), torch.arccosh(x + 1))  # True
(x + 1).acosh()  # tensor([0.6931, 0.9624])
(x + 1).arccosh()  # tensor([0.6931, 0.9624])
(x + 1).acosh_()  # tensor([0.6931, 0.9624])
(x + 1).arccosh_()  # tensor([0.6931, 0.9624])

# %%
# Two operands: ``torch.sub(a, b)``, ``a.sub(b)``, ``a.sub_(b)``
# --------------------------------------------------------------
#
# The tensor in front of the dot is the first operand, so ``a.sub(b)`` is
# ``a - b``. ``Tensor.subtract``, ``multiply`` and ``divide`` are longer
# names of ``sub``, ``mul`` and ``div``. ``true_divide`` is ``div`` without
# ``rounding_mode``.
a, b = torch.tensor([7.0, 6.0]), torch.tensor([2.0, 4.0])
a.sub(b)  # tensor([5., 2.])
torch.sub(a, b)  # tensor([5., 2.])
torch.sub(b, a)  # tensor([-5., -2.])
a.mul(b), a.multiply(b)  # (tensor([14., 24.]), tensor([14., 24.]))
torch.multiply(a, b)  # tensor([14., 24.])
torch.true_divide(a, b)  # tensor([3.5000, 1.5000])
a.div(b, rounding_mode="floor")  # tensor([3., 1.])
a.double().float_power_(b)  # tensor([49., 1296.], dtype=torch.float64)
a.sub_(b)  # tensor([5., 2.])
a  # tensor([5., 2.])

# %%
# Two operands, no in-place form: ``a.maximum(b)``
# ------------------------------------------------
#
# Some operations have a method but no in-place method. Assign the result to
# a name, or write it into a tensor with ``out=``.
a, b = torch.tensor([1.0, 6.0]), torch.tensor([2.0, 4.0])
a.maximum(b)  # tensor([2., 6.])
a.fmin(b)  # tensor([1., 4.])
with suppress(AttributeError):
    a.maximum_(b)  # AttributeError: no attribute 'maximum_'
torch.maximum(a, b, out=a)  # tensor([2., 6.])
a  # tensor([2., 6.])

# %%
# Comparisons: ``a.lt(b)``, ``a.less(b)``, ``a.lt_(b)``
# -----------------------------------------------------
#
# Five of the six comparisons have a short and a long name; ``eq`` has only
# one. The in-place methods keep the dtype of the tensor, so they write true
# and false as 1 and 0.
a, b = torch.tensor([1.0, 4.0]), torch.tensor([2.0, 4.0])
a.lt(b)  # tensor([True, False])
a.clone().lt_(b)  # tensor([1., 0.])
torch.less(a, b)  # tensor([True, False])
torch.less_equal(a, b)  # tensor([True, True])
torch.greater(a, b)  # tensor([False, False])
torch.greater_equal(a, b)  # tensor([False, True])
torch.not_equal(a, b)  # tensor([True, False])
a.clone().gt_(b)  # tensor([0., 0.])

# %%
# Bitwise and logical: ``a.bitwise_and(b)``, ``a.logical_and_(b)``
# ----------------------------------------------------------------
#
# The operators ``&``, ``|``, ``^``, ``~``, ``<<`` and ``>>`` call the
# bitwise functions. The logical functions take other dtypes, too, and treat
# every element that is not 0 as true.
a, b = torch.tensor([6, 4]), torch.tensor([2, 1])
a.bitwise_and(b)  # tensor([2, 0])
a.logical_and(b)  # tensor([True, True])
torch.equal(a.bitwise_and(b), a & b)  # True
a.clone().bitwise_left_shift_(b)  # tensor([24, 8])
a << b  # tensor([24, 8])
a.bitwise_not()  # tensor([-7, -5])
a.clone().bitwise_not_()  # tensor([-7, -5])
a.clone().logical_not_()  # tensor([0, 0])

# %%
# In-place matrix products: ``x.addmm_(a, b)``
# --------------------------------------------
#
# ``x.addmm_(a, b)`` adds the product of the matrices ``a`` and ``b`` to
# ``x``. ``beta`` scales ``x``, and ``alpha`` scales the product. ``addmv_``
# multiplies a matrix and a vector, and ``addr_`` two vectors. ``baddbmm_``
# multiplies the matrices of two batches, and ``addbmm_`` sums these
# products.
a = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
v = torch.tensor([1.0, 1.0])
torch.zeros(2, 2).addmm_(a, a)  # tensor([[7., 10.], [15., 22.]])
torch.zeros(2).addmv_(a, v)  # tensor([3., 7.])
v.addmv(a, v)  # tensor([4., 8.])
torch.zeros(2, 2).addr_(v, v, alpha=2)  # tensor([[2., 2.], [2., 2.]])
a.addr(v, v)  # tensor([[2., 3.], [4., 5.]])
batch = torch.stack([a, a])
products = torch.zeros(2, 2, 2).baddbmm_(batch, batch)
torch.equal(products, batch @ batch)  # True
total = torch.zeros(2, 2).addbmm_(batch, batch)
torch.equal(total, products.sum(dim=0))  # True
a.addbmm(batch, batch)  # tensor([[15., 22.], [33., 48.]])
torch.equal(batch.baddbmm(batch, batch, beta=0), products)  # True

# %%
# Three operands: ``torch.addcmul``, ``addcdiv``, ``lerp``
# --------------------------------------------------------
#
# ``torch.addcmul`` adds ``value`` times the product of two tensors to the
# first one, and ``torch.addcdiv`` adds ``value`` times their quotient.
# ``torch.lerp`` interpolates between two tensors. Optimizers use the
# in-place forms.
x, a = torch.tensor([10.0, 20.0]), torch.tensor([3.0, 4.0])
b = torch.tensor([1.0, 2.0])
torch.addcmul(x, a, b, value=0.5)  # tensor([11.5, 24.])
torch.addcdiv(x, a, b, value=0.5)  # tensor([11.5, 21.])
torch.lerp(x, a, 0.25)  # tensor([8.2500, 16.0000])
x.clone().addcdiv_(a, b, value=0.5)  # tensor([11.5, 21.])
x.lerp(a, 0.25)  # tensor([8.2500, 16.0000])
x.lerp_(a, 0.25)  # tensor([8.2500, 16.0000])

# %%
# Test a tensor: ``isclose``, ``isreal``, ``signbit``, ``is_signed``
# ------------------------------------------------------------------
#
# The functions without an underscore in their name test each element.
# ``is_complex``, ``is_floating_point`` and ``is_signed`` test the dtype and
# return one Python bool. ``signbit`` is true for ``-0.0``, and ``x < 0`` is
# not.
x = torch.tensor([-torch.inf, -0.0, 1.0, torch.inf, torch.nan])
x.isinf()  # tensor([True, False, False, True, False])
x.isnan()  # tensor([False, False, False, False, True])
torch.isfinite(x)  # tensor([False, True, True, False, False])
torch.isreal(x[1:3])  # tensor([True, True])
x[:3].signbit()  # tensor([True, True, False])
x[:3] < 0  # tensor([True, False, False])
x[1:3].isclose(torch.tensor([1e-9, 1.1]))  # tensor([True, False])
x.is_complex(), x.is_floating_point(), x.is_signed()  # (False, True, True)
torch.is_complex(x), torch.is_signed(x.byte())  # (False, False)

# %%
# An exponent or order: ``ldexp``, ``frexp``, ``polygamma``, ``mvlgamma``
# -----------------------------------------------------------------------
#
# ``frexp`` splits a number into a mantissa and an exponent of two, and
# ``ldexp`` puts them together again. The function ``torch.polygamma(1, x)``
# takes the order first, and the method takes it as its argument:
# ``x.polygamma(1)``.
x = torch.tensor([3.0, 10.0])
mantissa, exponent = x.frexp()
mantissa  # tensor([0.7500, 0.6250])
exponent  # tensor([2, 4], dtype=torch.int32)
torch.equal(mantissa.ldexp(exponent), x)  # True
torch.equal(mantissa.ldexp_(exponent), x)  # True
torch.equal(torch.polygamma(1, x), x.polygamma(1))  # True
torch.equal(x.clone().polygamma_(1), x.polygamma(1))  # True
torch.allclose(x.polygamma(0), x.digamma())  # True
torch.allclose(x.mvlgamma(1), x.lgamma())  # True
torch.equal(x.clone().mvlgamma_(2), torch.mvlgamma(x, 2))  # True
torch.equal(x.acosh(), torch.acosh(x))  # True

# %%
# Lazy conjugates: ``conj``, ``conj_physical``, ``resolve_conj``
# --------------------------------------------------------------
#
# ``conj`` returns a view that is only marked as conjugated.
# ``conj_physical`` computes the conjugate at once, and ``resolve_conj``
# computes it for a marked tensor. The imaginary part of a marked tensor is
# a view that is marked as negative. ``resolve_neg`` computes its values.
z = torch.tensor([1 + 2j, 3 - 4j])
z.conj().is_conj(), z.conj_physical().is_conj()  # (True, False)
torch.equal(z.conj().resolve_conj(), torch.conj_physical(z))  # True
torch.equal(z.clone().conj_physical_(), z.conj())  # True
minus = z.conj().imag
minus.is_neg(), minus.resolve_neg().is_neg()  # (True, False)
minus.resolve_neg()  # tensor([-2., 4.])
minus.data_ptr() == z.imag.data_ptr()  # True
