"""
Special functions
=================

Call SciPy's special functions on tensors: gamma, Bessel and error
functions, and families of polynomials.
"""
from contextlib import suppress

import matplotlib.pyplot as plt
import scipy.special
import torch

# %%
# The names of SciPy: ``torch.special.erf``, ``expit``, ``sinc``, ``round``
# -------------------------------------------------------------------------
#
# ``torch.special`` uses the names of ``scipy.special``. Many of its
# functions are also in ``torch``, some of them under another name, and both
# give the same result. For what they are good for, see
# :doc:`/reference/math/exponentials_and_logarithms`.
x = torch.tensor([0.25, 0.75])
torch.special.expit(x)  # tensor([0.5622, 0.6792])
torch.equal(torch.special.expit(x), torch.sigmoid(x))  # True
torch.equal(torch.special.logit(x), torch.logit(x))  # True
torch.equal(torch.special.erf(x), torch.erf(x))  # True
torch.equal(torch.special.erfc(x), torch.erfc(x))  # True
torch.equal(torch.special.erfinv(x), torch.erfinv(x))  # True
torch.equal(torch.special.exp2(x), torch.exp2(x))  # True
torch.equal(torch.special.expm1(x), torch.expm1(x))  # True
torch.equal(torch.special.log1p(x), torch.log1p(x))  # True
torch.equal(torch.special.xlogy(x, x), torch.xlogy(x, x))  # True
torch.equal(torch.special.sinc(x), torch.sinc(x))  # True
torch.special.round(x, decimals=1)  # tensor([0.2000, 0.8000])
torch.special.xlog1py(x, -x)  # tensor([-0.0719, -1.0397])
x * torch.log1p(-x)  # tensor([-0.0719, -1.0397])

# %%
# Along a dimension: ``torch.special.softmax``, ``logsumexp``
# -----------------------------------------------------------
#
# These are ``torch.softmax``, ``torch.log_softmax`` and
# ``torch.logsumexp``. SciPy takes all elements together by default. PyTorch
# needs ``dim``, which SciPy calls ``axis``.
x = torch.tensor([[0.0, 0.0], [100.0, 101.0]])
torch.special.softmax(x, dim=1)[1]  # tensor([0.2689, 0.7311])
torch.special.log_softmax(x, dim=1)[1]  # tensor([-1.3133, -0.3133])
torch.special.logsumexp(x, dim=1)  # tensor([  0.6931, 101.3133])
expected = scipy.special.softmax(x.cpu().numpy(), axis=1)
p = torch.special.softmax(x, dim=1)
torch.allclose(p, torch.tensor(expected))  # True
with suppress(TypeError):
    torch.special.softmax(x)  # TypeError: missing 1 required positional

# %%
# Factorials and binomial coefficients: ``torch.special.gammaln``
# ---------------------------------------------------------------
#
# The gamma function continues the factorial: its value at n + 1 is
# :math:`n!`. It soon grows too large for a float, so
# ``torch.special.gammaln`` returns its logarithm, as ``torch.lgamma`` does.
# ``torch.special.multigammaln`` is the same for the gamma function of
# several dimensions, which occurs in the Wishart distribution.
n, k = torch.tensor(5.0), torch.tensor(2.0)
torch.special.gammaln(n + 1).exp()  # tensor(120.0000)
n_log, k_log = torch.special.gammaln(n + 1), torch.special.gammaln(k + 1)
rest_log = torch.special.gammaln(n - k + 1)
(n_log - k_log - rest_log).exp()  # tensor(10.0000)
large = torch.special.gammaln(torch.tensor(1001.0))
large  # tensor(5912.1279)
large.exp()  # tensor(inf)
sum_of_logs = torch.arange(1, 1001).double().log().sum()
sum_of_logs  # tensor(5912.1282, dtype=torch.float64)
half_log = torch.tensor(torch.pi).log() / 2
two = torch.special.gammaln(n) + torch.special.gammaln(n - 0.5) + half_log
torch.allclose(torch.special.multigammaln(n, 2), two)  # True

# %%
# Waiting times: ``torch.special.gammainc``, ``gammaincc``
# --------------------------------------------------------
#
# Events happen once per minute on average, independently of each other.
# ``torch.special.gammainc(k, x)`` is the probability that the kth event
# happens within x minutes, and ``torch.special.gammaincc`` is the
# probability that it happens later. These are the incomplete gamma
# functions, which ``torch`` calls ``torch.igamma`` and ``torch.igammac``.
x = torch.tensor([0.5, 2.0])
first = torch.special.gammainc(torch.tensor(1.0), x)
first  # tensor([0.3935, 0.8647])
torch.allclose(first, 1 - torch.exp(-x))  # True
second = torch.special.gammaincc(torch.tensor(2.0), x)
second  # tensor([0.9098, 0.4060])
torch.allclose(second, (1 + x) * torch.exp(-x))  # True

# %%
# Derivatives of ``gammaln``: ``torch.special.psi``, ``polygamma``, ``zeta``
# --------------------------------------------------------------------------
#
# ``torch.special.digamma``, also called ``psi``, is the derivative of
# ``torch.special.gammaln``. ``torch.special.polygamma(n, x)`` is the nth
# derivative of ``digamma``. ``torch.special.zeta(s, q)`` adds up :math:`(q
# + k)^{-s}` for k = 0, 1, 2 and so on, and has no gradient with respect to
# ``s``. With q = 1, it is the zeta function of Riemann.
x = torch.tensor([1.0, 2.5], requires_grad=True)
torch.special.gammaln(x).sum().backward()
torch.allclose(torch.special.digamma(x), x.grad)  # True
torch.equal(torch.special.psi(x), torch.special.digamma(x))  # True
torch.special.psi(torch.tensor(1.0))  # tensor(-0.5772)
second = torch.special.polygamma(1, x.detach())
torch.allclose(second, torch.special.zeta(2.0, x.detach()))  # True
torch.special.zeta(2.0, torch.tensor(1.0))  # tensor(1.6449)
torch.pi**2 / 6  # 1.6449
terms = 1 / (torch.arange(100) + 2.5) ** 5
torch.special.zeta(5.0, torch.tensor(2.5))  # tensor(0.0131)
terms.sum()  # tensor(0.0131)
s = torch.tensor(5.0, requires_grad=True)
with suppress(NotImplementedError):
    torch.special.zeta(
        s, 2.5
    ).backward()  # NotImplementedError: the derivative for 'zeta'

# %%
# Far from the mean: ``torch.special.log_ndtr``, ``erfcx``
# --------------------------------------------------------
#
# ``torch.special.ndtr`` is the probability that a standard normal variable
# is less than x. Far below the mean it underflows to 0, and its logarithm
# is then minus infinity. ``torch.special.log_ndtr`` computes the logarithm
# without this loss. ``torch.special.erfcx`` is ``erfc`` times
# :math:`e^{x^2}`, and it does not underflow here.
far = torch.tensor([-1.0, -20.0])
torch.special.ndtr(far)  # tensor([0.1587, 0.0000])
torch.special.ndtr(far).log()  # tensor([-1.8410, -inf])
torch.special.log_ndtr(far)  # tensor([-1.8410, -203.9172])
float(scipy.special.log_ndtr(-20.0))  # -203.9172
torch.special.ndtri(torch.special.ndtr(far[0]))  # tensor(-1.0000)
x = torch.tensor([1.0, 20.0])
torch.special.erfc(x)  # tensor([0.1573, 0.0000])
torch.special.erfcx(x)  # tensor([0.4276, 0.0282])
(x**2).exp() * torch.special.erfc(x)  # tensor([0.4276, nan])
1 / (20 * torch.pi**0.5)  # 0.0282

# %%
# Bessel functions J and Y: ``torch.special.bessel_j0``, ``bessel_y1``
# --------------------------------------------------------------------
#
# Bessel functions describe waves on a round membrane, such as a drum. In
# the figure, J is solid and Y is dashed; Y goes to minus infinity at 0.
# ``torch.special`` has the orders 0 and 1. The card computes order 2 from
# them.
x = torch.linspace(0.1, 20, 400)
j0, j1 = torch.special.bessel_j0(x), torch.special.bessel_j1(x)
y0, y1 = torch.special.bessel_y0(x), torch.special.bessel_y1(x)
torch.special.bessel_j0(torch.tensor([0.0, 2.4048]))  # tensor([1., 0.0000])
expected = 2 / (torch.pi * x)
torch.allclose(j1 * y0 - j0 * y1, expected, atol=1e-5)  # True
j2 = 2 / x * j1 - j0
expected = torch.tensor(scipy.special.jv(2, x.cpu().numpy()))
torch.allclose(j2, expected, atol=1e-4)  # True
figure, ax = plt.subplots(figsize=(6.4, 3))
ax.plot(x.cpu(), j0.cpu(), "C0", label="bessel_j0")
ax.plot(x.cpu(), j1.cpu(), "C1", label="bessel_j1")
ax.plot(x.cpu(), y0.cpu(), "C0--", label="bessel_y0")
ax.plot(x.cpu(), y1.cpu(), "C1--", label="bessel_y1")
ax.set(ylim=(-1.1, 1.1))
ax.legend(ncols=2)
figure.tight_layout()

# %%
# Modified Bessel functions: ``torch.special.i0e``, ``modified_bessel_k0``
# ------------------------------------------------------------------------
#
# The modified Bessel function I grows like :math:`e^x`, and K falls like
# :math:`e^{-x}`. For a large x, I overflows and K underflows. The scaled
# forms ``i0e``, ``i1e``, ``scaled_modified_bessel_k0`` and
# ``scaled_modified_bessel_k1`` leave these factors out. :math:`I_0 K_1 +
# I_1 K_0` is equal to 1/x, and only the scaled forms get this for x = 200.
x = torch.tensor([2.0, 200.0])
i0 = torch.special.modified_bessel_i0(x)
i1 = torch.special.modified_bessel_i1(x)
k0 = torch.special.modified_bessel_k0(x)
k1 = torch.special.modified_bessel_k1(x)
i0 * k1 + i1 * k0  # tensor([0.5000, nan])
i0e, i1e = torch.special.i0e(x), torch.special.i1e(x)
k0e = torch.special.scaled_modified_bessel_k0(x)
k1e = torch.special.scaled_modified_bessel_k1(x)
i0e * k1e + i1e * k0e  # tensor([0.5000, 0.0050])
torch.allclose(torch.special.i0(x), i0)  # True
torch.allclose(torch.special.i1(x), i1)  # True
torch.allclose(k0e[0], x[0].exp() * k0[0])  # True

# %%
# Airy and spherical Bessel function: ``torch.special.airy_ai``
# -------------------------------------------------------------
#
# ``torch.special.airy_ai`` solves the equation :math:`y'' = x y`, which
# occurs in optics and in quantum mechanics.
# ``torch.special.spherical_bessel_j0`` is ``sin(x) / x``, and 1 at 0.
# ``torch.special.sinc`` gives the same if you divide x by pi first.
x = torch.tensor([-2.0, 0.0, 1.0], dtype=torch.float64)
y = torch.special.airy_ai(x)
y.float()  # tensor([0.2274, 0.3550, 0.1353])
left = torch.special.airy_ai(x - 1e-3)
right = torch.special.airy_ai(x + 1e-3)
second_derivative = (left - 2 * y + right) / 1e-3**2
torch.allclose(second_derivative, x * y, atol=1e-6)  # True
sphere = torch.special.spherical_bessel_j0(x)
torch.allclose(sphere, torch.special.sinc(x / torch.pi))  # True

# %%
# Chebyshev polynomials: ``torch.special.chebyshev_polynomial_t``
# ---------------------------------------------------------------
#
# Sums of Chebyshev polynomials approximate functions between -1 and 1. The
# four kinds T, U, V and W begin with 1, differ in degree 1 and obey
# :math:`p_{n+1} = 2 x p_n - p_{n-1}`. For T, this means :math:`T_n(\cos
# \theta) = \cos n \theta`. The shifted polynomials are for x between 0 and
# 1.
angle = torch.tensor([0.3, 1.0, 2.0])
x = torch.cos(angle)
t5 = torch.special.chebyshev_polynomial_t(x, 5)
torch.allclose(t5, torch.cos(5 * angle), atol=1e-5)  # True
s = torch.special
for polynomial, shifted, first in [
    (s.chebyshev_polynomial_t, s.shifted_chebyshev_polynomial_t, x),
    (s.chebyshev_polynomial_u, s.shifted_chebyshev_polynomial_u, 2 * x),
    (s.chebyshev_polynomial_v, s.shifted_chebyshev_polynomial_v, 2 * x - 1),
    (s.chebyshev_polynomial_w, s.shifted_chebyshev_polynomial_w, 2 * x + 1),
]:
    second = 2 * x * first - 1
    third = 2 * x * second - first
    torch.allclose(polynomial(x, 3), third, atol=1e-5)  # True
    torch.allclose(shifted((x + 1) / 2, 3), third, atol=1e-5)  # True

# %%
# Hermite, Laguerre, Legendre: ``torch.special.legendre_polynomial_p``
# --------------------------------------------------------------------
#
# The second argument is the degree. Each family has its own recurrence,
# which computes a polynomial from the two of lower degree. There are two
# Hermite families: physics uses ``hermite_polynomial_h``, and probability
# uses ``hermite_polynomial_he``.
x = torch.tensor([-0.5, 0.25, 2.0])
h = torch.special.hermite_polynomial_h
torch.allclose(h(x, 2), 4 * x**2 - 2)  # True
torch.allclose(h(x, 3), 2 * x * h(x, 2) - 4 * h(x, 1))  # True
he = torch.special.hermite_polynomial_he
torch.allclose(he(x, 2), x**2 - 1)  # True
torch.allclose(he(x, 3), x * he(x, 2) - 2 * he(x, 1))  # True
p = torch.special.legendre_polynomial_p
torch.allclose(p(x, 2), (3 * x**2 - 1) / 2)  # True
torch.allclose(3 * p(x, 3), 5 * x * p(x, 2) - 2 * p(x, 1))  # True
laguerre = torch.special.laguerre_polynomial_l
torch.allclose(laguerre(x, 2), x**2 / 2 - 2 * x + 1)  # True
third = (5 - x) * laguerre(x, 2) - 2 * laguerre(x, 1)
torch.allclose(3 * laguerre(x, 3), third)  # True

# %%
# No gradient: ``torch.special.bessel_j0``, ``airy_ai`` and the polynomials
# -------------------------------------------------------------------------
#
# The functions with ``bessel`` or ``polynomial`` in their name, and
# ``airy_ai``, return a tensor that is cut off from the graph, without an
# error. ``torch.special.i0`` has a gradient. If you know the derivative,
# write a ``torch.autograd.Function``, as here with :math:`J_0' = -J_1`.
x = torch.tensor([0.5, 2.0], dtype=torch.float64, requires_grad=True)
for name in dir(torch.special):
    if "bessel" in name:
        getattr(torch.special, name)(x).requires_grad  # False
    if "polynomial" in name:
        getattr(torch.special, name)(x, 3).requires_grad  # False
torch.special.airy_ai(x).requires_grad  # False
torch.special.i0(x).requires_grad  # True


class BesselJ0(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return torch.special.bessel_j0(x)

    @staticmethod
    def backward(ctx, gradient):
        return -torch.special.bessel_j1(ctx.saved_tensors[0]) * gradient


torch.autograd.gradcheck(BesselJ0.apply, x)  # True
