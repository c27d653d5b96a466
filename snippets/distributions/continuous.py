"""
Continuous distributions
========================

Draw real numbers, numbers between 0 and 1, and angles, and compute their
densities.

.. which::

   - ``Uniform``: each number between two bounds is equally likely
   - ``Laplace``: errors with some outliers; its loss is the absolute error
   - ``StudentT``: errors with outliers; one parameter sets how many
   - ``Cauchy``: errors so wide that they have no mean
   - ``Gumbel``: the largest of many numbers, and noise that turns logits
     into draws
   - ``VonMises``: angles
   - ``Beta``: a probability that is itself uncertain
   - ``Kumaraswamy``: like ``Beta``, with a simple formula for its quantiles
   - ``ContinuousBernoulli``: gray values between 0 and 1
"""
import math
from contextlib import suppress

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from scipy import special, stats
from torch import distributions

# %%
# Densities on the real line and between 0 and 1, as curves
# ---------------------------------------------------------
#
# A density is high where draws are frequent, and the area under it is 1.
# Each panel shows two settings of the parameters, which the code lists: the
# first is solid, the second dashed. The code computes the area inside each
# panel. Two families have more than a tenth of their area outside, so draws
# far from the center are frequent.
line = {
    "Normal": [(0, 1), (1, 0.5)], "Laplace": [(0, 1), (1, 0.5)],
    "Cauchy": [(0, 1), (1, 0.5)], "StudentT": [(1,), (9,)],
    "Gumbel": [(0, 1), (1, 0.5)], "VonMises": [(0, 1), (1, 8)],
}
unit = {"Beta": [(2, 5), (0.5, 0.5)], "Kumaraswamy": [(2, 5), (0.5, 0.5)]}
unit["ContinuousBernoulli"] = [(0.2,), (0.7,)]
grids = torch.linspace(-3.14, 3.14, 501), torch.linspace(0.001, 0.999, 501)
figure, axes = plt.subplots(3, 3, figsize=(9, 7), layout="constrained")
wide = []
for ax, (name, settings) in zip(axes.flat, (line | unit).items()):
    x = grids[name in unit]
    for style, arguments in zip(["-", "--"], settings, strict=True):
        family = getattr(distributions, name)(*arguments)
        density = family.log_prob(x).exp()
        ax.plot(x.tolist(), density.tolist(), style)
        if torch.trapezoid(density, x) < 0.9:
            wide.append(name)
    ax.set_title(name)
wide  # ['Cauchy', 'Cauchy', 'StudentT']

# %%
# Probability of a range and quantiles: ``cdf``, ``icdf``
# -------------------------------------------------------
#
# ``cdf(x)`` is the probability of a draw of at most x, so a difference of
# two values gives the probability of a range. ``icdf`` is its inverse and
# returns quantiles. To draw inside a range, draw uniform numbers between
# the two values of ``cdf`` and pass them to ``icdf``. PyTorch has no
# ``cdf`` for ``StudentT``.
height = distributions.Normal(170.0, 8.0)
low, high = height.cdf(torch.tensor([162.0, 178.0]))
high - low  # tensor(0.6827)
height.icdf(torch.tensor(0.975))  # tensor(185.6797)
170 + 1.96 * 8  # 185.68
u = distributions.Uniform(low, high).sample((10_000,))
inside = height.icdf(u)
((inside > 161.99) & (inside < 178.01)).all()  # tensor(True)
truncated = stats.truncnorm(-1, 1, 170, 8)
abs(inside.std().item() - truncated.std().item()) < 0.2  # True
height.entropy()  # tensor(3.4984)
float(stats.norm(170, 8).entropy())  # 3.4984
with suppress(NotImplementedError):
    distributions.StudentT(4.0).cdf(u)  # NotImplementedError

# %%
# Location and scale: ``loc``, ``scale``, ``mode``, ``stddev``
# ------------------------------------------------------------
#
# In many families a draw is ``loc + scale * noise``. ``loc`` moves the
# curve and ``scale`` stretches it, so ``rsample`` adds 1 to the gradient of
# ``loc``. ``scale`` is the standard deviation of a normal distribution, but
# not that of the others. Read ``stddev`` if you need it.
loc = torch.tensor(2.0, requires_grad=True)
normal = distributions.Normal(loc, scale=3.0)
laplace = distributions.Laplace(loc, scale=3.0)
student = distributions.StudentT(4.0, loc, scale=3.0)
cauchy = distributions.Cauchy(loc, scale=3.0)
[d.mean.item() for d in (normal, laplace, student)]  # [2.0, 2.0, 2.0]
[d.mode.item() for d in (normal, laplace, student)]  # [2.0, 2.0, 2.0]
normal.stddev.item(), normal.variance.item()  # (3.0, 9.0)
laplace.stddev.item(), 3 * 2**0.5  # (4.2426, 4.2426)
student.stddev.item(), 3 * (4 / (4 - 2)) ** 0.5  # (4.2426, 4.2426)
cauchy.mode.item(), cauchy.stddev.item()  # (2.0, inf)
cauchy.entropy().item(), math.log(4 * math.pi * 3)  # (3.6296, 3.6296)
total = normal.rsample() + laplace.rsample()
total += student.rsample() + cauchy.rsample()
total.backward()
loc.grad  # tensor(4.)

# %%
# Equally likely between two bounds: ``torch.distributions.Uniform``
# ------------------------------------------------------------------
#
# The density is 1 divided by the width. The upper bound is excluded: its
# density is 0 and its ``log_prob`` is minus infinity. A value outside
# raises an error. A draw is ``low + (high - low) * u`` with u between 0 and
# 1, so ``rsample`` passes a gradient on to both bounds.
low = torch.tensor(2.0, requires_grad=True)
wait = distributions.Uniform(low, 6.0)
wait.log_prob(torch.tensor(5.0)).exp().item()  # 0.2500
wait.log_prob(torch.tensor(6.0)).item()  # -inf
wait.mean.item(), wait.variance.item()  # (4.0, 1.3333)
(6 - 2) ** 2 / 12  # 1.3333
torch.allclose(wait.stddev**2, wait.variance)  # True
wait.cdf(torch.tensor(3.0)).item()  # 0.25
wait.icdf(torch.tensor(0.25)).item()  # 3.0
wait.entropy().exp().item()  # 4.0000
draw = wait.rsample()
draw.backward()
torch.allclose(low.grad, (6 - draw.detach()) / 4)  # True
with suppress(ValueError):
    wait.log_prob(torch.tensor(7.0))  # ValueError: Expected value argument

# %%
# Errors with outliers: ``Laplace``, ``StudentT``, ``Cauchy``
# -----------------------------------------------------------
#
# The first three claims are the probabilities of a draw that is more than 3
# from the center. ``StudentT`` is ``Cauchy`` for ``df=1`` and nearly normal
# for a large ``df``. A Cauchy distribution has no mean, and PyTorch returns
# nan. ``-log_prob`` of ``Laplace`` is the absolute error plus a constant,
# so a maximum likelihood fit minimizes the absolute error.
x = torch.tensor(3.0)
2 * distributions.Normal(0.0, 1.0).cdf(-x)  # tensor(0.0027)
laplace = distributions.Laplace(0.0, 1.0)
2 * laplace.cdf(-x)  # tensor(0.0498)
cauchy = distributions.Cauchy(0.0, 1.0)
2 * cauchy.cdf(-x)  # tensor(0.2048)
cauchy.mean, cauchy.variance  # (tensor(nan), tensor(inf))
grid = torch.linspace(-2, 2, 41)
one = distributions.StudentT(df=1.0).log_prob(grid)
torch.allclose(one, cauchy.log_prob(grid), atol=1e-5)  # True
large = distributions.StudentT(df=1000.0).log_prob(grid)
normal = distributions.Normal(0.0, 1.0).log_prob(grid)
torch.allclose(large, normal, atol=0.01)  # True
three = distributions.StudentT(df=3.0)
three.variance, three.entropy()  # (tensor(3.), tensor(1.7735))
float(stats.t(3).entropy())  # 1.7735
-laplace.log_prob(x) - math.log(2.0)  # tensor(3.0000)
laplace.variance, laplace.entropy()  # (tensor(2.), tensor(1.6931))
cauchy.icdf(torch.tensor(0.75))  # tensor(1.0000)

# %%
# Noise that turns logits into draws: ``torch.distributions.Gumbel``
# ------------------------------------------------------------------
#
# Add Gumbel noise to logits and take the class with the largest sum. Each
# class is then drawn with its softmax probability (the Gumbel-max trick).
# The distribution itself often describes the largest of many numbers, such
# as the highest water level of a year.
logits = torch.tensor([0.0, 1.0, 2.0])
gumbel = distributions.Gumbel(0.0, 1.0)
noisy = logits + gumbel.sample((50_000, 3))
shares = noisy.argmax(dim=1).bincount() / 50_000
torch.allclose(shares, logits.softmax(dim=0), atol=0.02)  # True
gumbel.cdf(torch.tensor(1.0))  # tensor(0.6922)
math.exp(-math.exp(-1.0))  # 0.6922
gumbel.log_prob(torch.tensor(1.0))  # tensor(-1.3679)
float(stats.gumbel_r.logpdf(1.0))  # -1.3679
gumbel.mean  # tensor(0.5772)
gumbel.variance  # tensor(1.6449)
math.pi**2 / 6  # 1.6449
gumbel.mode, gumbel.entropy()  # (tensor(0.), tensor(1.5772))
draws = gumbel.rsample((50_000,))
torch.allclose(draws.std(), gumbel.stddev, atol=0.05)  # True

# %%
# Angles: ``torch.distributions.VonMises``
# ----------------------------------------
#
# The von Mises distribution is the normal distribution of the circle. Its
# angles are in radians, from -π to π, and a larger ``concentration``
# brings them closer to ``loc``. ``variance`` is the circular variance, 1
# minus the mean of the cosine. Average angles through their sine and
# cosine, because an angle just below π and one just above -π are close.
wind = distributions.VonMises(loc=3.0, concentration=2.0)
wind.log_prob(torch.tensor(2.5))  # tensor(-0.9067)
2 * math.cos(0.5) - math.log(2 * math.pi * special.i0(2.0))  # -0.9067
wind.log_prob(torch.tensor(2.5 - 2 * math.pi))  # tensor(-0.9067)
wind.mean, wind.mode  # (tensor(3.), tensor(3.))
wind.variance  # tensor(0.3022)
float(1 - special.i1(2.0) / special.i0(2.0))  # 0.3022
angles = wind.sample((50_000,))
angles.abs().max() < 3.1416  # tensor(True)
spread = 1 - (angles - 3.0).cos().mean()
torch.allclose(spread, wind.variance, atol=0.02)  # True
center = torch.atan2(angles.sin().mean(), angles.cos().mean())
torch.allclose(center, wind.mean, atol=0.05)  # True
angles.mean() < 2  # tensor(True)
with suppress(NotImplementedError):
    wind.rsample()  # NotImplementedError

# %%
# An uncertain probability: ``torch.distributions.Beta``
# ------------------------------------------------------
#
# A sample is a number between 0 and 1, such as the unknown success rate of
# an advertisement. ``Beta(1, 1)`` is uniform and says that nothing is known
# yet. After 7 successes and 3 failures, add them to the parameters: the
# result is the distribution of the rate given these data (Bayes' rule).
before = distributions.Beta(1.0, 1.0)
before.log_prob(torch.tensor([0.1, 0.9]))  # tensor([0.0000, 0.0000])
after = distributions.Beta(1.0 + 7, 1.0 + 3)
rate = torch.linspace(0.05, 0.95, 7)
likelihood = distributions.Binomial(10, rate).log_prob(torch.tensor(7.0))
gap = before.log_prob(rate) + likelihood - after.log_prob(rate)
torch.allclose(gap, gap[0], atol=1e-4)  # True
after.mean  # tensor(0.6667)
(1 + 7) / (1 + 7 + 1 + 3)  # 0.6667
after.mode  # tensor(0.7000)
after.variance, after.entropy()  # (tensor(0.0171), tensor(-0.6366))
after.log_prob(torch.tensor(0.5))  # tensor(0.2539)
float(stats.beta(8, 4).logpdf(0.5))  # 0.2539
better = (after.sample((50_000,)) > 0.5).float().mean()
abs(better.item() - stats.beta(8, 4).sf(0.5).item()) < 0.02  # True

# %%
# Quantiles between 0 and 1: ``torch.distributions.Kumaraswamy``
# --------------------------------------------------------------
#
# This distribution has nearly the same shapes as ``Beta``, but its ``cdf``
# and ``icdf`` are short formulas. ``Beta`` has neither in PyTorch.
# ``rsample`` passes a uniform number through ``icdf``, so gradients reach
# both parameters. ``mode`` returns nan here, so compute it by hand.
rates = distributions.Kumaraswamy(2.0, 5.0)
x = torch.tensor(0.4)
rates.cdf(x)  # tensor(0.5818)
1 - (1 - 0.4**2) ** 5  # 0.5818
rates.icdf(rates.cdf(x))  # tensor(0.4000)
rates.log_prob(x).exp()  # tensor(1.9915)
2 * 5 * 0.4 * (1 - 0.4**2) ** 4  # 1.9915
rates.mean  # tensor(0.3694)
float(5 * special.beta(1 + 1 / 2, 5))  # 0.3694
rates.variance, rates.entropy()  # (tensor(0.0302), tensor(-0.3609))
draws = rates.rsample((50_000,))
torch.allclose(draws.mean(), rates.mean, atol=0.01)  # True
rates.mode  # tensor(nan)
((2 - 1) / (2 * 5 - 1)) ** (1 / 2)  # 0.3333
with suppress(NotImplementedError):
    distributions.Beta(2.0, 5.0).cdf(x)  # NotImplementedError

# %%
# Gray values between 0 and 1: ``ContinuousBernoulli``
# ----------------------------------------------------
#
# Variational autoencoders are often trained with ``F.binary_cross_entropy``
# on gray values between 0 and 1. This loss is then not the ``-log_prob`` of
# a density, because the area under the curve is not 1.
# ``ContinuousBernoulli`` adds the missing constant, which depends on
# ``probs``.
p, x = torch.tensor(0.2), torch.tensor(0.7)
gray = distributions.ContinuousBernoulli(probs=p)
loss = F.binary_cross_entropy(p, x)
missing = math.log(2 * math.atanh(1 - 2 * 0.2) / (1 - 2 * 0.2))
missing - loss  # tensor(-0.3561)
gray.log_prob(x)  # tensor(-0.3561)
grid = torch.linspace(0, 1, 1001)
losses = F.binary_cross_entropy(p.expand(1001), grid, reduction="none")
torch.trapezoid((-losses).exp(), grid)  # tensor(0.4328)
torch.trapezoid(gray.log_prob(grid).exp(), grid)  # tensor(1.0000)
gray.mean  # tensor(0.3880)
0.2 / (2 * 0.2 - 1) + 1 / (2 * math.atanh(1 - 2 * 0.2))  # 0.3880
torch.allclose(gray.sample((50_000,)).mean(), gray.mean, atol=0.01)  # True
gray.stddev, gray.entropy()  # (tensor(0.2755), tensor(-0.0764))
gray.cdf(torch.tensor(0.3))  # tensor(0.4537)
gray.icdf(gray.cdf(torch.tensor(0.3)))  # tensor(0.3000)
