"""
Tables of methods
=================

One line and one value for each of the less common methods. The cards use
``clone`` so that each line starts from the same numbers.
"""
import torch

# %%
# Sign and rounding: ``x.abs_()``, ``x.sgn()``, ``x.fix()``
# ---------------------------------------------------------
#
# ``absolute`` is another name of ``abs``, ``negative`` of ``neg``, and
# ``fix`` of ``trunc``. For a complex number, ``sgn`` returns its direction,
# a number of length 1.
x = torch.tensor([-2.5, 0.4])
x.clone().abs_()  # tensor([2.5000, 0.4000])
x.absolute()  # tensor([2.5000, 0.4000])
x.clone().absolute_()  # tensor([2.5000, 0.4000])
x.neg()  # tensor([2.5000, -0.4000])
x.clone().neg_()  # tensor([2.5000, -0.4000])
x.negative()  # tensor([2.5000, -0.4000])
x.clone().negative_()  # tensor([2.5000, -0.4000])
x.positive()  # tensor([-2.5000, 0.4000])
x.clone().sign_()  # tensor([-1., 1.])
x.sgn()  # tensor([-1., 1.])
x.clone().sgn_()  # tensor([-1., 1.])
x.clone().ceil_()  # tensor([-2., 1.])
x.clone().floor_()  # tensor([-3., 0.])
x.clone().round_()  # tensor([-2., 0.])
x.clone().trunc_()  # tensor([-2., 0.])
x.fix()  # tensor([-2., 0.])
x.clone().fix_()  # tensor([-2., 0.])
x.clone().frac_()  # tensor([-0.5000, 0.4000])
torch.tensor([3 + 4j]).sgn()  # tensor([0.6000+0.8000j])

# %%
# Powers and logarithms: ``x.exp2()``, ``x.rsqrt_()``, ``x.logit_()``
# -------------------------------------------------------------------
#
# ``rsqrt`` is one over the square root. ``expm1`` is ``exp(x) - 1``, and
# ``log1p`` is ``log(1 + x)``. ``logit`` is the inverse of ``sigmoid``.
x = torch.tensor([0.5, 2.0])
x.clone().exp_()  # tensor([1.6487, 7.3891])
x.exp2()  # tensor([1.4142, 4.0000])
x.clone().exp2_()  # tensor([1.4142, 4.0000])
x.expm1()  # tensor([0.6487, 6.3891])
x.clone().expm1_()  # tensor([0.6487, 6.3891])
x.clone().log_()  # tensor([-0.6931, 0.6931])
x.clone().log2_()  # tensor([-1., 1.])
x.clone().log10_()  # tensor([-0.3010, 0.3010])
x.clone().log1p_()  # tensor([0.4055, 1.0986])
x.clone().square_()  # tensor([0.2500, 4.0000])
x.clone().pow_(3)  # tensor([0.1250, 8.0000])
x.clone().rsqrt_()  # tensor([1.4142, 0.7071])
x.reciprocal()  # tensor([2.0000, 0.5000])
x.clone().reciprocal_()  # tensor([2.0000, 0.5000])
x.clone().sigmoid_()  # tensor([0.6225, 0.8808])
(x / 4).logit_()  # tensor([-1.9459, 0.0000])
x.sinc()  # tensor([6.3662e-01, 2.7828e-08])
x.clone().sinc_()  # tensor([6.3662e-01, 2.7828e-08])

# %%
# Trigonometry: ``x.tan()``, ``x.asin()``, ``x.deg2rad_()``
# ---------------------------------------------------------
#
# Angles are in radians. ``deg2rad`` converts degrees to radians, and
# ``rad2deg`` converts them back.
x = torch.tensor([0.5, 1.0])
x.clone().sin_()  # tensor([0.4794, 0.8415])
x.clone().cos_()  # tensor([0.8776, 0.5403])
x.tan()  # tensor([0.5463, 1.5574])
x.clone().tan_()  # tensor([0.5463, 1.5574])
torch.sinh(x)  # tensor([0.5211, 1.1752])
x.clone().sinh_()  # tensor([0.5211, 1.1752])
x.clone().cosh_()  # tensor([1.1276, 1.5431])
x.asin()  # tensor([0.5236, 1.5708])
x.clone().asin_()  # tensor([0.5236, 1.5708])
x.clone().acos_()  # tensor([1.0472, 0.0000])
x.atan()  # tensor([0.4636, 0.7854])
x.clone().atan_()  # tensor([0.4636, 0.7854])
x.asinh()  # tensor([0.4812, 0.8814])
x.clone().asinh_()  # tensor([0.4812, 0.8814])
(x / 2).atanh()  # tensor([0.2554, 0.5493])
(x / 2).atanh_()  # tensor([0.2554, 0.5493])
torch.tensor([180.0]).deg2rad_()  # tensor([3.1416])
torch.tensor([torch.pi]).rad2deg_()  # tensor([180.])

# %%
# Long names of inverse functions: ``x.arcsin()``, ``y.arctan2(x)``
# -----------------------------------------------------------------
#
# Each name that starts with ``arc`` has a short form, such as ``asin``.
# ``y.atan2(x)`` is the angle of the point (x, y).
x = torch.tensor([0.25, 0.5])
x.arcsin()  # tensor([0.2527, 0.5236])
x.clone().arcsin_()  # tensor([0.2527, 0.5236])
x.arccos()  # tensor([1.3181, 1.0472])
x.clone().arccos_()  # tensor([1.3181, 1.0472])
x.arctan()  # tensor([0.2450, 0.4636])
x.clone().arctan_()  # tensor([0.2450, 0.4636])
x.arcsinh()  # tensor([0.2475, 0.4812])
x.clone().arcsinh_()  # tensor([0.2475, 0.4812])
x.arctanh()  # tensor([0.2554, 0.5493])
x.clone().arctanh_()  # tensor([0.2554, 0.5493])
y = torch.tensor([1.0, -1.0])
y.clone().atan2_(x)  # tensor([1.32582, -1.10715])
y.arctan2(x)  # tensor([1.32582, -1.10715])
y.clone().arctan2_(x)  # tensor([1.32582, -1.10715])

# %%
# Special functions: ``x.erf()``, ``a.igamma(x)``, ``a.xlogy(x)``
# ---------------------------------------------------------------
#
# ``erf`` and ``erfc`` add up to 1, and so do ``igamma`` and ``igammac``.
# ``a.xlogy(x)`` is ``a * log(x)``.
x = torch.tensor([0.5, 2.0])
x.erf()  # tensor([0.5205, 0.9953])
x.clone().erf_()  # tensor([0.5205, 0.9953])
x.erfc()  # tensor([0.4795, 0.0047])
x.clone().erfc_()  # tensor([0.4795, 0.0047])
(x / 4).erfinv()  # tensor([0.1112, 0.4769])
(x / 4).erfinv_()  # tensor([0.1112, 0.4769])
x.clone().lgamma_()  # tensor([0.5724, 0.0000])
x.clone().digamma_()  # tensor([-1.9635, 0.4228])
x.clone().i0_()  # tensor([1.0635, 2.2796])
a = torch.tensor([1.0, 3.0])
a.igamma(x)  # tensor([0.3935, 0.3233])
a.clone().igamma_(x)  # tensor([0.3935, 0.3233])
a.igammac(x)  # tensor([0.6065, 0.6767])
a.clone().igammac_(x)  # tensor([0.6065, 0.6767])
a.xlogy(x)  # tensor([-0.6931, 2.0794])
a.clone().xlogy_(x)  # tensor([-0.6931, 2.0794])

# %%
# Arithmetic: ``a.sub_(b)``, ``a.divide(b)``, ``a.remainder(b)``
# --------------------------------------------------------------
#
# The result of ``remainder`` has the sign of the divisor, as with ``%`` in
# Python. The result of ``fmod`` has the sign of the dividend.
# ``float_power`` computes in float64.
a, b = torch.tensor([7.0, -6.0]), torch.tensor([2.0, 4.0])
a.clone().sub_(b)  # tensor([5., -10.])
a.subtract(b)  # tensor([5., -10.])
a.clone().subtract_(b)  # tensor([5., -10.])
a.clone().multiply_(b)  # tensor([14., -24.])
a.clone().div_(b)  # tensor([3.5000, -1.5000])
a.divide(b)  # tensor([3.5000, -1.5000])
a.clone().divide_(b)  # tensor([3.5000, -1.5000])
torch.true_divide(a, b)  # tensor([3.5000, -1.5000])
a.clone().true_divide_(b)  # tensor([3.5000, -1.5000])
a.floor_divide(b)  # tensor([3., -2.])
a.clone().floor_divide_(b)  # tensor([3., -2.])
a.clone().fmod_(b)  # tensor([1., -2.])
a.remainder(b)  # tensor([1., 2.])
a.clone().remainder_(b)  # tensor([1., 2.])
b.float_power(a)  # tensor([1.2800e+02, 2.4414e-04], dtype=torch.float64)
b.clone().copysign_(a)  # tensor([2., -4.])

# %%
# Two or three tensors: ``x.addcmul(a, b)``, ``a.hypot(b)``
# ---------------------------------------------------------
#
# ``hypot`` is the length of the long side of a right triangle.
# ``heaviside`` is 0 for negative numbers, and at 0 it takes the value of
# its argument. ``nextafter`` goes to the next number that the dtype can
# hold, here one step of 2 to the power of -23.
x, a, b = torch.ones(2), torch.tensor([3.0, 4.0]), torch.tensor([1.0, 8.0])
x.addcmul(a, b, value=0.5)  # tensor([2.5000, 17.0000])
x.clone().addcmul_(a, b, value=0.5)  # tensor([2.5000, 17.0000])
x.addcdiv(a, b, value=0.5)  # tensor([2.5000, 1.2500])
a.maximum(b)  # tensor([3., 8.])
a.minimum(b)  # tensor([1., 4.])
a.logaddexp(b)  # tensor([3.1269, 8.0182])
a.logaddexp2(b)  # tensor([3.3219, 8.0875])
a.hypot(b)  # tensor([3.1623, 8.9443])
a.clone().hypot_(b)  # tensor([3.1623, 8.9443])
sign = torch.tensor([-1.0, 0.0])
sign.heaviside(b)  # tensor([0., 8.])
sign.clone().heaviside_(b)  # tensor([0., 8.])
(x.nextafter(a) - x) * 2**23  # tensor([1., 1.])
(x.clone().nextafter_(a) - x) * 2**23  # tensor([1., 1.])

# %%
# Comparisons: ``a.eq(b)``, ``a.greater_equal_(b)``
# -------------------------------------------------
#
# Each comparison returns a tensor of bools. The in-place form keeps the
# dtype of ``a``, so it writes 1 and 0.
a, b = torch.tensor([1, 2, 3]), torch.tensor([3, 2, 1])
a.eq(b)  # tensor([False, True, False])
a.clone().eq_(b)  # tensor([0, 1, 0])
a.ne(b)  # tensor([True, False, True])
a.clone().ne_(b)  # tensor([1, 0, 1])
a.not_equal(b)  # tensor([True, False, True])
a.clone().not_equal_(b)  # tensor([1, 0, 1])
a.ge(b)  # tensor([False, True, True])
a.clone().ge_(b)  # tensor([0, 1, 1])
a.greater_equal(b)  # tensor([False, True, True])
a.clone().greater_equal_(b)  # tensor([0, 1, 1])
a.gt(b)  # tensor([False, False, True])
a.greater(b)  # tensor([False, False, True])
a.clone().greater_(b)  # tensor([0, 0, 1])
a.le(b)  # tensor([True, True, False])
a.clone().le_(b)  # tensor([1, 1, 0])
a.less(b)  # tensor([True, False, False])
a.clone().less_(b)  # tensor([1, 0, 0])
a.less_equal(b)  # tensor([True, True, False])
a.clone().less_equal_(b)  # tensor([1, 1, 0])

# %%
# Bits, divisors, logic: ``a.bitwise_xor(b)``, ``a.gcd(b)``
# ---------------------------------------------------------
#
# ``gcd`` is the greatest common divisor, and ``lcm`` the least common
# multiple. The logical methods treat a number that is not 0 as true.
a, b = torch.tensor([12, 4]), torch.tensor([10, 1])
a.clone().bitwise_and_(b)  # tensor([8, 0])
a.bitwise_or(b)  # tensor([14, 5])
a.clone().bitwise_or_(b)  # tensor([14, 5])
a.bitwise_xor(b)  # tensor([6, 5])
a.clone().bitwise_xor_(b)  # tensor([6, 5])
a.bitwise_left_shift(b)  # tensor([12288, 8])
a.bitwise_right_shift(b)  # tensor([0, 2])
a.clone().bitwise_right_shift_(b)  # tensor([0, 2])
a.gcd(b)  # tensor([2, 1])
a.clone().gcd_(b)  # tensor([2, 1])
a.lcm(b)  # tensor([60, 4])
a.clone().lcm_(b)  # tensor([60, 4])
a.clone().logical_and_(b)  # tensor([1, 1])
a.logical_or(b)  # tensor([True, True])
a.clone().logical_or_(b)  # tensor([1, 1])
a.logical_xor(b)  # tensor([False, False])
a.clone().logical_xor_(b)  # tensor([0, 0])

# %%
# Flip, swap and split: ``x.fliplr()``, ``x.swapdims(0, 1)``
# ----------------------------------------------------------
#
# ``swapdims`` and ``swapaxes`` are other names of ``transpose``, and
# ``concat`` is another name of ``cat``. ``vsplit`` cuts along the first
# dimension, and ``dsplit`` along the third.
x = torch.tensor([[1, 2], [3, 4]])
x.fliplr()  # tensor([[2, 1], [4, 3]])
x.flipud()  # tensor([[3, 4], [1, 2]])
torch.flipud(x)  # tensor([[3, 4], [1, 2]])
x.swapdims(0, 1)  # tensor([[1, 3], [2, 4]])
torch.swapdims(x, 0, 1)  # tensor([[1, 3], [2, 4]])
torch.swapaxes(x, 0, 1)  # tensor([[1, 3], [2, 4]])
torch.concat([x, x])  # tensor([[1, 2], [3, 4], [1, 2], [3, 4]])
a, b = x.vsplit(2)
a, b  # (tensor([[1, 2]]), tensor([[3, 4]]))
c, d = x.reshape(1, 2, 2).dsplit(2)
c, d  # (tensor([[[1], [3]]]), tensor([[[2], [4]]]))

# %%
# Infinity, real numbers, conversions: ``x.isposinf()``, ``i.char()``
# -------------------------------------------------------------------
#
# ``char`` converts to int8, and a number that does not fit wraps around.
# ``cfloat`` converts to complex64, and ``cdouble`` to complex128.
x = torch.tensor([0.0, -torch.inf, torch.inf])
x.isposinf()  # tensor([False, False, True])
x.isneginf()  # tensor([False, True, False])
torch.tensor([1 + 0j, 1j]).isreal()  # tensor([True, False])
i = torch.tensor([1, 200])
i.char()  # tensor([1, -56], dtype=torch.int8)
i.cfloat()  # tensor([1.+0.j, 200.+0.j])
i.cdouble()  # tensor([1.+0.j, 200.+0.j], dtype=torch.complex128)
