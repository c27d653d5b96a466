"""
Exponentials and logarithms
===========================

Exponentials, logarithms, roots, and the special functions built on them.
"""
import matplotlib.pyplot as plt
import torch

# %%
# Exponential and logarithm: ``torch.exp``, ``torch.log``
# -------------------------------------------------------
#
# ``torch.exp`` and ``torch.log`` use the base e. ``torch.exp2``,
# ``torch.log2`` and ``torch.log10`` have their base in the name, and for
# another base you divide two logarithms. Integers become floats. The
# logarithm of 0 is -inf and that of a negative number is nan, without an
# error.
torch.exp(torch.tensor([0, 1]))  # tensor([1.0000, 2.7183])
torch.log(torch.tensor([1.0, 0.0, -1.0]))  # tensor([0., -inf, nan])
torch.exp2(torch.tensor([3.0, -1.0]))  # tensor([8.0000, 0.5000])
torch.log2(torch.tensor([8.0, 0.5]))  # tensor([3.0000, -1.0000])
torch.log10(torch.tensor([1000, 1]))  # tensor([3.0000, 0.0000])
x = torch.tensor([9.0, 81.0])
x.log() / torch.tensor(3.0).log()  # tensor([2.0000, 4.0000])

# %%
# ``torch.exp``, ``log``, ``sqrt``, ``sigmoid`` and ``erf`` as curves
# -------------------------------------------------------------------
#
# Left: ``exp`` and ``log`` are mirror images of each other in the dotted
# diagonal. ``log`` and ``sqrt`` are nan for negative numbers, and nan is
# not drawn. Right: ``sigmoid`` lies between 0 and 1, and ``erf`` between -1
# and 1. ``erfc`` is ``1 - erf``.
x = torch.linspace(-4, 4, 801)
figure, (left, right) = plt.subplots(1, 2, figsize=(8, 3.4))
for color, name in enumerate(["exp", "log", "sqrt"]):
    y = getattr(torch, name)(x)
    left.plot(x.cpu(), y.cpu(), f"C{color}", label=name)
left.plot([-3, 4], [-3, 4], ":", color="C3")
left.set(xlim=(-4, 4), ylim=(-3, 4), aspect="equal")
for color, name in enumerate(["sigmoid", "erf", "erfc"]):
    y = getattr(torch, name)(x)
    right.plot(x.cpu(), y.cpu(), f"C{color}", label=name)
left.legend()
right.legend()
figure.tight_layout()
torch.allclose(x.sigmoid() + (-x).sigmoid(), torch.ones(801))  # True

# %%
# Near zero: ``torch.expm1``, ``torch.log1p``
# -------------------------------------------
#
# If ``x`` is very small, ``1 + x`` rounds to 1, so ``exp(x) - 1`` and
# ``log(1 + x)`` lose all digits. ``torch.expm1`` and ``torch.log1p``
# compute the same values without this loss. Use ``torch.log1p`` also to
# compress counts, because it is 0 for a count of 0.
x = torch.tensor([1e-9])
torch.exp(x) - 1  # tensor([0.])
torch.log(1 + x)  # tensor([0.])
torch.allclose(torch.expm1(x), x, atol=0)  # True
torch.allclose(torch.log1p(x), x, atol=0)  # True
torch.log1p(torch.tensor([0, 9, 99]))  # tensor([0.0000, 2.3026, 4.6052])

# %%
# Add probabilities given as logarithms: ``torch.logaddexp``
# ----------------------------------------------------------
#
# ``torch.logaddexp`` computes :math:`\log(e^a + e^b)`. If you compute this
# with ``exp`` and ``log``, the exponentials of small numbers underflow to
# 0. ``torch.logaddexp2`` uses base 2. To add up a whole dimension, use
# ``torch.logsumexp``.
a = torch.tensor([-1000.0])
b = torch.tensor([-1000.0])
torch.log(a.exp() + b.exp())  # tensor([-inf])
torch.logaddexp(a, b)  # tensor([-999.3068])
torch.logaddexp2(a, b)  # tensor([-999.])
p, q = torch.tensor(0.2), torch.tensor(0.3)
torch.logaddexp(p.log(), q.log()).exp()  # tensor(0.5000)

# %%
# Entropy without nan at zero: ``torch.xlogy``
# --------------------------------------------
#
# ``torch.xlogy`` computes ``x * log(y)``, and its result is 0 if ``x`` is
# 0. A plain product gives nan there, which makes the entropy nan. The
# gradient of ``torch.xlogy(p, p)`` at 0 is still nan, so for a loss use
# ``F.log_softmax``. ``torch.special.xlog1py`` computes ``x * log(1 + y)``,
# and ``torch.special.entr`` computes ``-x * log(x)``.
p = torch.tensor([0.5, 0.5, 0.0])
-(p * p.log()).sum()  # tensor(nan)
-torch.xlogy(p, p).sum()  # tensor(0.6931)
torch.special.entr(p).sum()  # tensor(0.6931)
torch.special.xlog1py(p, -p).sum()  # tensor(-0.6931)
zero = torch.tensor(0.0, requires_grad=True)
torch.autograd.grad(torch.xlogy(zero, zero), zero)  # (tensor(nan),)

# %%
# Roots: ``torch.sqrt``, ``torch.rsqrt``
# --------------------------------------
#
# ``torch.rsqrt`` computes ``1 / sqrt(x)``. The derivative of ``sqrt`` at 0
# is infinite, so the gradient here becomes nan. If you write a distance or
# a standard deviation with ``sqrt``, add a small number under the root. The
# gradient of ``torch.std`` is 0 for the equal values here.
torch.sqrt(torch.tensor([4, 0, -1]))  # tensor([2., 0., nan])
torch.rsqrt(torch.tensor([4.0, 0.0]))  # tensor([0.5000, inf])
x = torch.tensor([0.0, 4.0], requires_grad=True)
(x**2).sqrt().sum().backward()
x.grad  # tensor([nan, 1.])
x.grad = None
(x**2 + 1e-8).sqrt().sum().backward()
x.grad  # tensor([0.0000, 1.0000])
equal = torch.ones(2, requires_grad=True)
equal.std().backward()
equal.grad  # tensor([0., 0.])

# %%
# Powers in double precision: ``torch.float_power``
# -------------------------------------------------
#
# ``torch.float_power`` works like ``torch.pow``, but computes and returns
# float64, or complex128 for complex input. Integers may therefore have
# negative exponents, and their large powers do not wrap around.
x = torch.tensor([2, 10])
torch.float_power(x, -1)  # tensor([0.5000, 0.1000], dtype=torch.float64)
torch.pow(torch.tensor(10), 19).item()  # -8446744073709551616
torch.float_power(torch.tensor(10), 19).item()  # 1.0000e+19

# %%
# Probabilities and logits: ``torch.sigmoid``, ``torch.logit``
# ------------------------------------------------------------
#
# ``torch.sigmoid`` maps a number to a value between 0 and 1.
# ``torch.logit`` is its inverse, :math:`\log(p / (1 - p))`. It is infinite
# for 0 and 1, unless ``eps`` moves these values away from the ends first.
# ``torch.special.expit`` is SciPy's name for the sigmoid.
x = torch.tensor([-2.0, 0.0, 3.0])
torch.sigmoid(x)  # tensor([0.1192, 0.5000, 0.9526])
torch.allclose(torch.sigmoid(x), 1 / (1 + torch.exp(-x)))  # True
torch.allclose(torch.logit(torch.sigmoid(x)), x, atol=1e-6)  # True
torch.allclose(torch.special.expit(x), x.sigmoid())  # True
p = torch.tensor([0.0, 0.5, 1.0])
torch.logit(p)  # tensor([-inf, 0., inf])
torch.logit(p, eps=0.1)  # tensor([-2.1972, 0.0000, 2.1972])

# %%
# Normal distribution function: ``torch.erf``, ``erfc``, ``erfinv``
# -----------------------------------------------------------------
#
# ``torch.erf`` is the error function, and ``torch.erfinv`` is its inverse.
# ``torch.erfc`` computes ``1 - erf(x)`` and keeps its digits for a large
# ``x``, where ``erf`` rounds to 1. ``torch.special.ndtr`` is the
# distribution function (CDF) of the standard normal distribution, and
# ``torch.special.ndtri`` is its inverse.
z = torch.tensor([0.0, 1.0, 1.96])
(1 + torch.erf(z / 2**0.5)) / 2  # tensor([0.5000, 0.8413, 0.9750])
torch.special.ndtr(z)  # tensor([0.5000, 0.8413, 0.9750])
p = torch.tensor([0.5, 0.975])
2**0.5 * torch.erfinv(2 * p - 1)  # tensor([0.0000, 1.9600])
torch.special.ndtri(p)  # tensor([0.0000, 1.9600])
far = torch.tensor(6.0)
1 - torch.erf(far)  # tensor(0.)
torch.erfc(far) > 2e-17  # tensor(True)

# %%
# Factorials: ``torch.lgamma``, ``digamma``, ``polygamma``, ``mvlgamma``
# ----------------------------------------------------------------------
#
# ``torch.lgamma`` is the logarithm of the gamma function, and ``lgamma(n +
# 1)`` is :math:`\log n!`. ``torch.digamma`` is the derivative of
# ``torch.lgamma``, and ``torch.polygamma(n, x)`` is the nth derivative of
# ``torch.digamma``. ``torch.mvlgamma(x, p)`` is the logarithm of the
# multivariate gamma function.
n = torch.tensor([3.0, 4.0, 5.0], requires_grad=True)
log_factorial = torch.lgamma(n + 1)
log_factorial.exp().detach()  # tensor([6.0000, 24.0000, 120.0000])
log_factorial.sum().backward()
torch.allclose(n.grad, torch.digamma(n + 1))  # True
torch.polygamma(1, torch.tensor(1.0))  # tensor(1.6449)
torch.pi**2 / 6  # 1.6449
x = n.detach()
by_hand = x.lgamma() + (x - 0.5).lgamma() + torch.tensor(torch.pi).log() / 2
torch.allclose(torch.mvlgamma(x, 2), by_hand)  # True

# %%
# Poisson and chi-squared tails: ``torch.igamma``, ``torch.igammac``
# ------------------------------------------------------------------
#
# ``torch.igamma`` and ``torch.igammac`` are the lower and the upper
# incomplete gamma function. They are normalized, so their sum is 1.
# ``igammac(k, rate)`` is the probability of fewer than k Poisson events.
# ``igammac(n / 2, x / 2)`` is the probability that a chi-squared variable
# with n degrees of freedom exceeds x.
k, rate = torch.tensor(3.0), torch.tensor(2.0)
torch.igammac(k, rate)  # tensor(0.6767)
counts = torch.arange(3.0)
log_p = torch.xlogy(counts, rate) - rate - torch.lgamma(counts + 1)
log_p.exp().sum()  # tensor(0.6767)
torch.igamma(k, rate) + torch.igammac(k, rate)  # tensor(1.0000)
n, x = torch.tensor(1.0), torch.tensor(1.96**2)
torch.igammac(n / 2, x / 2)  # tensor(0.0500)

# %%
# Bessel functions: ``torch.i0``, ``torch.special.bessel_j0``
# -----------------------------------------------------------
#
# ``torch.i0`` is the modified Bessel function of order 0, from which the
# Kaiser window is computed. ``torch.special.i1`` has order 1. Both overflow
# for large numbers, so ``torch.special.i0e`` multiplies the result by
# ``exp(-abs(x))``. ``torch.special`` also has the Bessel functions J, Y and
# K of orders 0 and 1.
x = torch.tensor([0.0, 1.0, 100.0])
torch.i0(x)  # tensor([1.0000, 1.2661, inf])
torch.special.i0e(x)  # tensor([1.0000, 0.4658, 0.0399])
torch.special.i1(x[:2])  # tensor([0.0000, 0.5652])
torch.special.bessel_j0(torch.tensor(2.4048)).abs() < 1e-4  # tensor(True)
t = torch.linspace(-1, 1, 5)
window = torch.i0(8 * (1 - t**2).sqrt()) / torch.i0(torch.tensor(8.0))
kaiser = torch.kaiser_window(5, periodic=False, beta=8.0)
torch.allclose(window, kaiser, atol=1e-6)  # True

# %%
# Mantissa and exponent: ``torch.frexp``, ``torch.ldexp``
# -------------------------------------------------------
#
# ``torch.frexp`` splits a float into a mantissa and an exponent of two. The
# absolute value of the mantissa is at least 0.5 and below 1 for finite
# numbers other than 0. ``torch.ldexp`` puts the two together again. Before
# 2.14, the gradient was 0 for a negative exponent.
x = torch.tensor([6.0, -0.25])
mantissa, exponent = torch.frexp(x)
mantissa  # tensor([ 0.7500, -0.5000])
exponent  # tensor([ 3, -1], dtype=torch.int32)
torch.ldexp(mantissa, exponent)  # tensor([ 6.0000, -0.2500])
one = torch.tensor(1.0, requires_grad=True)
torch.ldexp(one, exponent[1]).backward()
one.grad  # tensor(0.5000) since 2.14, tensor(0.) before

# %%
# ``torch.exp`` overflows to inf: subtract the maximum
# ----------------------------------------------------
#
# The largest float32 is about ``exp(88.7)``, and the largest float16 is
# about ``exp(11.1)``. Larger results become inf, and inf / inf is nan.
# Subtract the maximum first, as ``torch.softmax`` does, or compute with
# logarithms.
x = torch.tensor([88.0, 89.0])
x.exp().isinf()  # tensor([False,  True])
torch.tensor([11.0, 12.0]).half().exp().isinf()  # tensor([False,  True])
x.exp() / x.exp().sum()  # tensor([0., nan])
shifted = (x - x.max()).exp()
shifted / shifted.sum()  # tensor([0.2689, 0.7311])
torch.softmax(x, dim=0)  # tensor([0.2689, 0.7311])
