"""
Transforms of distributions
===========================

Send the draws of a distribution through an invertible function, and get a
new distribution with its density.

.. which::

   - ``AffineTransform``: shift and scale
   - ``ExpTransform``, ``SoftplusTransform``: make positive
   - ``SigmoidTransform``, ``TanhTransform``: keep within two bounds
   - ``PowerTransform``, ``AbsTransform``: powers and absolute values
   - ``ComposeTransform``: one transform after another
   - ``CatTransform``, ``StackTransform``: another transform for each column
   - ``IndependentTransform``, ``ReshapeTransform``: rows and shapes
   - ``StickBreakingTransform``, ``SoftmaxTransform``: make proportions
   - ``LowerCholeskyTransform``, ``PositiveDefiniteTransform``: make a
     covariance
   - ``CorrCholeskyTransform``: make a correlation matrix
   - ``CumulativeDistributionTransform``: apply a ``cdf``
"""
from contextlib import suppress

import matplotlib.pyplot as plt
import torch
from scipy import stats
from torch import distributions
from torch.distributions import constraints, transforms

# %%
# A new distribution from an old one: ``TransformedDistribution``
# ---------------------------------------------------------------
#
# The draws of the base distribution go through the transform. ``log_prob``
# goes back to the point x of the base and subtracts the logarithm of the
# slope there, because a steep function spreads the draws over a wider
# range. The exponential of a normal is known as log-normal, so PyTorch and
# SciPy can check the result.
base = distributions.Normal(0.5, 0.8)
law = distributions.TransformedDistribution(base, transforms.ExpTransform())
y = torch.tensor(2.0)
law.log_prob(y)  # tensor(-1.4181)
x, slope = y.log(), y
base.log_prob(x) - slope.log()  # tensor(-1.4181)
distributions.LogNormal(0.5, 0.8).log_prob(y)  # tensor(-1.4181)
median = law.icdf(torch.tensor(0.5))  # tensor(1.6487)
stats.lognorm(0.8, scale=median.item()).logpdf(2).item()  # -1.4181
law.sample((1000,)).min() > 0  # tensor(True)
with suppress(ValueError):
    law.log_prob(-y)  # ValueError: within the support (GreaterThan

# %%
# ``Exp``, ``Softplus``, ``Sigmoid``, ``TanhTransform`` of a normal, drawn
# ------------------------------------------------------------------------
#
# The dashed line is the density of the base, and the filled curve is the
# density of its draws after the transform. ``ExpTransform`` has a long tail
# on the right. ``SoftplusTransform`` also makes numbers positive, but large
# ones stay almost the same. The code checks that the area below each
# curve is 1.
base = distributions.Normal(0.0, 1.0)
cases = [(transforms.ExpTransform(), 0.0, 12.0),
         (transforms.SoftplusTransform(), 0.0, 5.0),
         (transforms.SigmoidTransform(), 0.0, 1.0),
         (transforms.TanhTransform(), -1.0, 1.0)]
figure, axes = plt.subplots(2, 2, figsize=(9, 5))
areas = []
for ax, (transform, low, high) in zip(axes.flat, cases):
    law = distributions.TransformedDistribution(base, transform)
    y = torch.linspace(low, high, 4002)[1:-1]
    density = law.log_prob(y).exp()
    areas.append(torch.trapezoid(density, y))
    ax.fill_between(y.cpu(), density.cpu(), alpha=0.5)
    x = torch.linspace(-3.0, 3.0, 200)
    ax.plot(x.cpu(), base.log_prob(x).exp().cpu(), "C1--")
    ax.set(xlim=(-3, 5), title=type(transform).__name__)
figure.tight_layout()
(torch.stack(areas) - 1).abs() < 0.01  # tensor([True, True, True, True])

# %%
# Call, invert and get the slope: ``AffineTransform``
# ---------------------------------------------------
#
# Call a transform to apply it. ``inv`` is the inverse transform.
# ``log_abs_det_jacobian(x, y)`` is the logarithm of the absolute slope at
# x, where y is the result for x. The loop compares some transforms with
# the function that they are named after, and their slope with autograd.
affine = transforms.AffineTransform(loc=1.0, scale=-2.0)
x = torch.tensor([0.5, 1.5])
y = affine(x)  # tensor([0., -2.])
affine.inv(y)  # tensor([0.5000, 1.5000])
affine.log_abs_det_jacobian(x, y)  # tensor([0.6931, 0.6931])
torch.tensor(-2.0).abs().log()  # tensor(0.6931)
for transform, function in [
    (transforms.ExpTransform(), torch.exp),
    (transforms.SoftplusTransform(), torch.nn.functional.softplus),
    (transforms.SigmoidTransform(), torch.sigmoid),
    (transforms.TanhTransform(), torch.tanh),
]:
    y = transform(x)
    torch.allclose(y, function(x))  # True
    torch.allclose(transform.inv(y), x, atol=1e-4)  # True
    slope = torch.func.vmap(torch.func.grad(function))(x)
    log_slope = transform.log_abs_det_jacobian(x, y)
    torch.allclose(log_slope, slope.log(), atol=1e-5)  # True

# %%
# nan in ``log_prob`` of a tanh policy: ``TanhTransform(cache_size=1)``
# ---------------------------------------------------------------------
#
# A policy with actions between -1 and 1 sends a normal through tanh, as in
# soft actor-critic (SAC). For large numbers tanh is rounded to 1, and the
# inverse of 1 is infinite. With ``cache_size=1`` the transform keeps the
# last input beside its output, so ``log_prob`` of the last draw needs no
# inverse. This helps for the same tensor, but not for a copy.
#
# .. glance:: law.log_prob(action).isfinite()
normal = distributions.Normal(torch.tensor(20.0), 1.0)
tanh = transforms.TanhTransform()
law = distributions.TransformedDistribution(normal, tanh)
action = law.rsample()  # tensor(1.)
tanh.inv(action)  # tensor(inf)
law.log_prob(action)  # tensor(nan)
tanh = transforms.TanhTransform(cache_size=1)
law = distributions.TransformedDistribution(normal, tanh)
action = law.rsample()  # tensor(1.)
law.log_prob(action).isfinite()  # tensor(True)
x = tanh.inv(action)
by_hand = normal.log_prob(x) - torch.log(4 * torch.exp(-2 * x))
torch.allclose(law.log_prob(action), by_hand)  # True
law.log_prob(action.clone())  # tensor(nan)

# %%
# Powers and absolute values: ``PowerTransform``, ``AbsTransform``
# ----------------------------------------------------------------
#
# ``PowerTransform`` raises positive numbers to a power. The square root of
# an exponential distribution is a Weibull distribution. ``AbsTransform``
# sends two numbers to the same result, so it has no inverse, and the new
# distribution can draw but has no ``log_prob``. Use ``HalfNormal`` for the
# absolute value of a normal.
root = transforms.PowerTransform(torch.tensor(0.5))
root(torch.tensor([4.0, 9.0]))  # tensor([2.0000, 3.0000])
law = distributions.TransformedDistribution(
    distributions.Exponential(torch.tensor(1.0)), root
)
y = torch.tensor(1.5)
law.log_prob(y)  # tensor(-1.1514)
stats.weibull_min(2).logpdf(1.5).item()  # -1.1514
absolute = transforms.AbsTransform()
absolute(torch.tensor([-2.0, 3.0]))  # tensor([2., 3.])
absolute.bijective  # False
normal = distributions.Normal(torch.tensor(0.0), 1.0)
law = distributions.TransformedDistribution(normal, absolute)
law.sample((1000,)).min() >= 0  # tensor(True)
with suppress(NotImplementedError):
    law.log_prob(y)  # NotImplementedError
distributions.HalfNormal(1.0).log_prob(y)  # tensor(-1.3508)
(2 * normal.log_prob(y).exp()).log()  # tensor(-1.3508)

# %%
# Several steps in order: ``ComposeTransform``, ``inv``
# -----------------------------------------------------
#
# A list of transforms is applied from left to right, and the logarithms
# of the slopes add up. ``ComposeTransform`` makes one transform of the
# list. The inverse of a sigmoid, followed by a scale and a shift, turns
# uniform draws into a logistic distribution.
steps = [transforms.SigmoidTransform().inv,
         transforms.AffineTransform(loc=1.0, scale=2.0)]
uniform = distributions.Uniform(torch.tensor(0.0), 1.0)
law = distributions.TransformedDistribution(uniform, steps)
law.log_prob(torch.tensor(4.0))  # tensor(-2.5960)
stats.logistic(1, 2).logpdf(4).item()  # -2.5960
chain = transforms.ComposeTransform(steps)
x = torch.tensor(0.8)
y = chain(x)  # tensor(3.7726)
1 + 2 * torch.log(torch.tensor(0.8 / 0.2))  # tensor(3.7726)
chain.inv(y)  # tensor(0.8000)
chain.log_abs_det_jacobian(x, y)  # tensor(2.5257)
torch.log(torch.tensor(2 / (0.8 * 0.2)))  # tensor(2.5257)

# %%
# A transform for each column: ``CatTransform``, ``StackTransform``
# -----------------------------------------------------------------
#
# ``CatTransform`` cuts a dimension into pieces with the given ``lengths``
# and applies a transform to each piece. ``StackTransform`` applies one
# transform to each index of the dimension. Use them if one network computes
# several parameters, such as a positive scale beside two means.
exp = transforms.ExpTransform()
tens = transforms.AffineTransform(0.0, 10.0)
x = torch.tensor([[0.0, 1.0, 2.0], [1.0, 3.0, 4.0]])
cat = transforms.CatTransform([exp, tens], dim=-1, lengths=[1, 2])
y = cat(x)
y[0]  # tensor([1., 10., 20.])
y[1]  # tensor([2.7183, 30.0000, 40.0000])
torch.allclose(cat.inv(y), x)  # True
cat.log_abs_det_jacobian(x, y)[1]  # tensor([1.0000, 2.3026, 2.3026])
stack = transforms.StackTransform([exp, tens, exp], dim=-1)
stack(x)[0]  # tensor([1.0000, 10.0000, 7.3891])
with suppress(AssertionError):
    transforms.CatTransform([exp, tens], dim=-1, lengths=[1, 1])(
        x
    )  # AssertionError: x.size(-1) = 3 must equal length 2

# %%
# Rows as one value: ``IndependentTransform``, ``ReshapeTransform``
# -----------------------------------------------------------------
#
# An elementwise transform has one slope for each element.
# ``IndependentTransform(transform, 1)`` adds their logarithms along the
# last dimension, as ``Independent`` does with ``log_prob``.
# ``ReshapeTransform`` changes the shape of one value and leaves the density
# as it is.
exp = transforms.ExpTransform()
x = torch.tensor([[0.0, 1.0], [2.0, 3.0]])
exp.log_abs_det_jacobian(x, exp(x))  # tensor([[0., 1.], [2., 3.]])
rows = transforms.IndependentTransform(exp, 1)
torch.equal(rows(x), exp(x))  # True
rows.log_abs_det_jacobian(x, rows(x))  # tensor([1., 5.])
reshape = transforms.ReshapeTransform((4,), (2, 2))
reshape(torch.tensor([0.0, 1.0, 2.0, 3.0]))  # tensor([[0., 1.], [2., 3.]])
reshape.inv(x)  # tensor([0., 1., 2., 3.])
reshape.log_abs_det_jacobian(reshape.inv(x), x)  # tensor(0.)
normal = distributions.Normal(torch.zeros(4), 1.0)
vector = distributions.Independent(normal, 1)
matrix = distributions.TransformedDistribution(vector, reshape)
matrix.event_shape  # torch.Size([2, 2])
matrix.log_prob(x)  # tensor(-10.6758)
vector.log_prob(x.flatten())  # tensor(-10.6758)

# %%
# Proportions: ``StickBreakingTransform``, ``SoftmaxTransform``
# -------------------------------------------------------------
#
# Both turn numbers into positive proportions with the sum 1.
# ``StickBreakingTransform`` makes k + 1 proportions of k numbers and can
# be inverted, so it has a density. For vectors, the slope is the
# determinant of the Jacobian, the matrix of all derivatives. Softmax
# gives the same result if you add 1 to all numbers, so it has no inverse
# and no density.
x = torch.tensor([0.5, -1.0])
stick = transforms.StickBreakingTransform()
y = stick(x)
y  # tensor([0.4519, 0.1474, 0.4007])
y.sum()  # tensor(1.0000)
stick.inv(y)  # tensor([0.5000, -1.0000])
stick.log_abs_det_jacobian(x, y)  # tensor(-3.6234)
jacobian = torch.func.jacrev(stick)(x)
jacobian[:2].logdet()  # tensor(-3.6234)
softmax = transforms.SoftmaxTransform()
softmax(x)  # tensor([0.8176, 0.1824])
softmax(x + 1)  # tensor([0.8176, 0.1824])
softmax.bijective, stick.bijective  # (False, True)
with suppress(NotImplementedError):
    softmax.log_abs_det_jacobian(x, softmax(x))  # NotImplementedError

# %%
# Valid matrices: ``LowerCholeskyTransform``, ``CorrCholeskyTransform``
# ---------------------------------------------------------------------
#
# A covariance must be positive definite, but the outputs of a network may
# be any numbers. ``LowerCholeskyTransform`` keeps the numbers below the
# diagonal and takes the exponential of the diagonal, which gives a
# ``scale_tril``. ``PositiveDefiniteTransform`` multiplies this matrix by
# its transpose. ``CorrCholeskyTransform`` makes the Cholesky factor of a
# correlation matrix from a vector.
x = torch.tensor([[0.0, 9.0], [2.0, 1.0]])
L = transforms.LowerCholeskyTransform()(x)
L  # tensor([[1.0000, 0.0000], [2.0000, 2.7183]])
cov = transforms.PositiveDefiniteTransform()(x)
cov  # tensor([[1.0000, 2.0000], [2.0000, 11.3891]])
torch.allclose(cov, L @ L.T)  # True
original = transforms.PositiveDefiniteTransform().inv(cov)
original[1]  # tensor([2.0000, 1.0000])
corr = transforms.CorrCholeskyTransform()
v = torch.tensor([0.5, -0.3, 1.0])
R = corr(v)
(R @ R.T).diag()  # tensor([1.0000, 1.0000, 1.0000])
(R @ R.T)[1, 0], v[0].tanh()  # (tensor(0.4621), tensor(0.4621))
corr.inv(R)  # tensor([0.5000, -0.3000, 1.0000])
with suppress(ValueError):
    corr(v[:2])  # ValueError: The size of last dimension is 2

# %%
# Correlated draws of any kind: ``CumulativeDistributionTransform``
# -----------------------------------------------------------------
#
# This transform applies the cumulative distribution function (``cdf``),
# which turns draws into uniform numbers. Its inverse turns uniform numbers
# into draws. Both steps together give a correlated normal another
# distribution for each entry; this is called a Gaussian copula.
normal = distributions.Normal(torch.tensor(0.0), 1.0)
to_uniform = transforms.CumulativeDistributionTransform(normal)
x = torch.tensor([-1.96, 0.0, 1.96])
to_uniform(x)  # tensor([0.0250, 0.5000, 0.9750])
waiting = distributions.Exponential(torch.tensor(2.0))
to_waiting = transforms.CumulativeDistributionTransform(waiting).inv
steps = [to_uniform, to_waiting]
law = distributions.TransformedDistribution(normal, steps)
law.log_prob(torch.tensor(0.7))  # tensor(-0.7069)
waiting.log_prob(torch.tensor(0.7))  # tensor(-0.7069)
cov = torch.tensor([[1.0, 0.8], [0.8, 1.0]])
pair = distributions.MultivariateNormal(torch.zeros(2), cov)
draws = distributions.TransformedDistribution(pair, steps).sample((20000,))
(draws.mean(0) - 0.5).abs() < 0.03  # tensor([True, True])
draws.T.corrcoef()[0, 1] > 0.7  # tensor(True)

# %%
# Write your own transform: a subclass of ``Transform``
# -----------------------------------------------------
#
# Define ``_call``, ``_inverse`` and ``log_abs_det_jacobian``, and say which
# values go in (``domain``) and come out (``codomain``). ``bijective`` says
# that there is an inverse, and ``sign = 1`` that the function increases,
# which ``cdf`` needs. A normal after sinh is the Johnson SU distribution,
# so SciPy can check the class.


class Sinh(transforms.Transform):
    domain = constraints.real
    codomain = constraints.real
    bijective = True
    sign = 1

    def _call(self, x):
        return x.sinh()

    def _inverse(self, y):
        return y.asinh()

    def log_abs_det_jacobian(self, x, y):
        return x.cosh().log()


normal = distributions.Normal(torch.tensor(0.0), 1.0)
law = distributions.TransformedDistribution(normal, Sinh())
law.log_prob(torch.tensor(2.0))  # tensor(-2.7657)
stats.johnsonsu(0, 1).logpdf(2).item()  # -2.7657
law.cdf(torch.tensor(2.0))  # tensor(0.9256)
stats.johnsonsu(0, 1).cdf(2).item()  # 0.9256
