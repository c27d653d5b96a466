"""
Distributions of positive numbers
=================================

Waiting times, sizes, scales and other numbers that are not negative.

.. which::

   - ``Exponential``: the waiting time until an event, at a constant rate
   - ``Gamma``: the waiting time until several events; a flexible shape
   - ``Chi2``: a sum of squared standard normal numbers
   - ``FisherSnedecor``: the ratio of two variances, as in an F-test
   - ``HalfNormal``: the absolute value of a normal number
   - ``HalfCauchy``: the same of a Cauchy number; prior of a scale
   - ``InverseGamma``: 1 divided by a gamma number; prior of a variance
   - ``LogNormal``: products of many factors, such as incomes
   - ``Weibull``: lifetimes with a failure rate that falls or rises
   - ``Pareto``: sizes of which a few are huge, from a minimum on
   - ``GeneralizedPareto``: by how much extreme values exceed a threshold
"""
import math
from contextlib import suppress

import matplotlib.pyplot as plt
import torch
from scipy import stats
from torch import distributions

# %%
# Densities of positive numbers, as curves
# ----------------------------------------
#
# Each panel shows two settings of the parameters, which the code lists: the
# first is solid, the second dashed. Some densities begin at 0, some at a
# finite height, and some rise without a limit at the left end. The list
# names the families that have an infinite mean for at least one of the two
# settings.
settings = {
    "Exponential": [(0.5,), (1.5,)], "Gamma": [(2, 2), (5, 2)],
    "Chi2": [(1,), (3,)], "FisherSnedecor": [(2, 4), (20, 20)],
    "HalfNormal": [(1,), (2,)], "HalfCauchy": [(1,), (2,)],
    "InverseGamma": [(1, 1), (3, 3)], "LogNormal": [(0, 0.5), (0, 1.5)],
    "Weibull": [(1, 0.8), (2, 3)], "Pareto": [(1, 1), (1, 3)],
    "GeneralizedPareto": [(0, 1, 0.8), (0, 1, 0)],
}
x, far = torch.linspace(0.02, 5, 500), set()
figure, axes = plt.subplots(4, 3, figsize=(9, 9), layout="constrained")
axes[3, 2].axis("off")
for ax, (name, pair) in zip(axes.flat, settings.items()):
    for style, arguments in zip(["-", "--"], pair, strict=True):
        family = getattr(distributions, name)(*arguments)
        inside = x[family.support.check(x)]
        density = family.log_prob(inside).exp()
        ax.plot(inside.tolist(), density.tolist(), style)
        far |= {name} if family.mean.isinf() else set()
    ax.set_title(name)
sorted(far)  # ['HalfCauchy', 'InverseGamma', 'Pareto']

# %%
# Waiting times: ``torch.distributions.Exponential``, ``Gamma``
# -------------------------------------------------------------
#
# If ``rate`` events happen per unit of time, ``Exponential`` is the waiting
# time until the next event. ``Gamma(k, rate)`` is the waiting time until
# the k-th event, so it is a sum of k exponential numbers. SciPy takes the
# scale instead, which is ``1 / rate``.
wait = distributions.Exponential(rate=2.0)
wait.mean, wait.stddev  # (tensor(0.5000), tensor(0.5000))
wait.variance, wait.mode  # (tensor(0.2500), tensor(0.))
wait.cdf(torch.tensor(1.0))  # tensor(0.8647)
1 - math.exp(-2.0 * 1.0)  # 0.8647
wait.icdf(torch.tensor(0.5))  # tensor(0.3466)
math.log(2.0) / 2.0  # 0.3466
third = distributions.Gamma(concentration=3.0, rate=2.0)
third.log_prob(torch.tensor(1.0))  # tensor(-0.6137)
float(stats.gamma(3, scale=1 / 2.0).logpdf(1.0))  # -0.6137
third.mean, third.variance  # (tensor(1.5000), tensor(0.7500))
third.mode, third.entropy()  # (tensor(1.), tensor(1.1544))
third.cdf(torch.tensor(1.0))  # tensor(0.3233)
sums = wait.sample((50_000, 3)).sum(dim=1)
abs((sums <= 1).float().mean() - 0.3233) < 0.02  # tensor(True)
first = distributions.Gamma(1.0, 2.0)
torch.allclose(first.log_prob(sums), wait.log_prob(sums), atol=1e-4)  # True
wait.entropy(), first.entropy()  # (tensor(0.3069), tensor(0.3069))

# %%
# Gradients through a gamma draw: ``rsample``
# -------------------------------------------
#
# The mean is ``concentration / rate``, so its derivatives are ``1 / rate``
# and ``-concentration / rate**2``. The code averages the gradients of
# 50,000 draws and comes close to both. ``sample`` draws from the same
# distribution without a gradient. ``Beta`` and ``StudentT`` have
# ``rsample``, too.
concentration = torch.tensor(3.0, requires_grad=True)
rate = torch.tensor(2.0, requires_grad=True)
gamma = distributions.Gamma(concentration, rate)
gamma.sample().requires_grad  # False
gamma.rsample((50_000,)).mean().backward()
torch.allclose(concentration.grad, 1 / rate, atol=0.02)  # True
slope = -concentration / rate**2
slope.item()  # -0.75
torch.allclose(rate.grad, slope, atol=0.03)  # True
distributions.Beta(concentration, rate).rsample().requires_grad  # True
distributions.StudentT(concentration).rsample().requires_grad  # True

# %%
# Sums of squares: ``torch.distributions.Chi2``, ``FisherSnedecor``
# -----------------------------------------------------------------
#
# ``Chi2(df)`` is the distribution of the sum of ``df`` squared standard
# normal numbers. 1 minus ``cdf`` is the p-value of a chi-squared test, the
# probability of a sum above the observed one if chance alone is at work.
# ``FisherSnedecor`` is the F distribution, the ratio of two such sums, each
# divided by its ``df``. It has no ``cdf``, so take SciPy's ``sf`` for the
# p-value.
chi2 = distributions.Chi2(df=3.0)
1 - chi2.cdf(torch.tensor(7.815))  # tensor(0.0500)
squares = torch.randn(50_000, 3).square().sum(dim=1)
abs((squares > 7.815).float().mean() - 0.05) < 0.01  # tensor(True)
chi2.mean, chi2.variance, chi2.df  # (tensor(3.), tensor(6.), tensor(3.))
chi2.concentration, chi2.rate  # (tensor(1.5000), tensor(0.5000))
ratio = distributions.FisherSnedecor(df1=5.0, df2=8.0)
ratio.log_prob(torch.tensor(2.0)).exp()  # tensor(0.1620)
float(stats.f(5, 8).pdf(2.0))  # 0.1620
ratio.mean, ratio.mode  # (tensor(1.3333), tensor(0.4800))
8 / (8 - 2)  # 1.3333
ratio.variance  # tensor(1.9556)
above = distributions.Chi2(5.0).sample((50_000,)) / 5
below = distributions.Chi2(8.0).sample((50_000,)) / 8
share = (above / below > 3.687).float().mean()
torch.allclose(share, torch.tensor(0.05), atol=0.01)  # True
drawn = (ratio.rsample((50_000,)) > 3.687).float().mean()
torch.allclose(drawn, torch.tensor(0.05), atol=0.01)  # True
float(stats.f(5, 8).sf(3.687))  # 0.0500

# %%
# A size without a sign: ``HalfNormal``, ``HalfCauchy``
# -----------------------------------------------------
#
# A half-normal number is the absolute value of a normal number with mean 0,
# so its density is twice as high. In a Bayesian model, both are priors of a
# standard deviation: they say how large it may be before you see data.
# ``HalfCauchy`` gives large values more probability, and its mean is
# infinite.
half = distributions.HalfNormal(scale=2.0)
normal = distributions.Normal(0.0, 2.0)
x = torch.tensor(3.0)
half.log_prob(x).exp()  # tensor(0.1295)
2 * normal.log_prob(x).exp()  # tensor(0.1295)
half.cdf(x)  # tensor(0.8664)
normal.cdf(x) - normal.cdf(-x)  # tensor(0.8664)
half.mean, half.variance  # (tensor(1.5958), tensor(1.4535))
torch.allclose(half.sample((50_000,)).mean(), half.mean, atol=0.05)  # True
half.icdf(torch.tensor(0.5))  # tensor(1.3490)
half.mode, half.entropy()  # (tensor(0.), tensor(1.4189))
wide = distributions.HalfCauchy(scale=2.0)
wide.log_prob(x).exp()  # tensor(0.0979)
float(stats.halfcauchy(scale=2).pdf(3.0))  # 0.0979
1 - wide.cdf(torch.tensor(20.0))  # tensor(0.0635)
1 - half.cdf(torch.tensor(20.0))  # tensor(0.)
wide.mean, wide.variance  # (tensor(inf), tensor(inf))
wide.mode  # tensor(0.)
wide.icdf(torch.tensor(0.5))  # tensor(2.0000)
wide.entropy()  # tensor(2.5310)

# %%
# Prior of a variance: ``torch.distributions.InverseGamma``
# ---------------------------------------------------------
#
# If X has a gamma distribution, 1 / X has an inverse gamma distribution
# with the same parameters. After you see n normal numbers with a known
# mean, add n / 2 to ``concentration`` and half the sum of their squared
# distances from the mean to ``rate``. The result is the distribution of
# the variance given these numbers (Bayes' rule).
prior = distributions.InverseGamma(concentration=3.0, rate=2.0)
x = torch.tensor(0.5)
prior.log_prob(x)  # tensor(0.1589)
gamma = distributions.Gamma(3.0, 2.0)
gamma.log_prob(1 / x) - 2 * x.log()  # tensor(0.1589)
prior.mean, prior.variance  # (tensor(1.), tensor(1.))
prior.mode, prior.entropy()  # (tensor(0.5000), tensor(0.6952))
draws = prior.sample((50_000,))
torch.allclose(draws.mean(), prior.mean, atol=0.06)  # True
data = torch.tensor([1.0, -2.0, 3.0])
n, squares = len(data), data.square().sum()
after = distributions.InverseGamma(3.0 + n / 2, 2.0 + squares / 2)
variances = torch.tensor([0.5, 1.0, 2.0, 4.0])
errors = distributions.Normal(0.0, variances.sqrt()[:, None])
likelihood = errors.log_prob(data).sum(dim=1)
bayes = prior.log_prob(variances) + likelihood
gap = bayes - after.log_prob(variances)
torch.allclose(gap, gap[0], atol=1e-4)  # True

# %%
# Products of many factors: ``torch.distributions.LogNormal``
# -----------------------------------------------------------
#
# The logarithm of a log-normal number is normal. ``loc`` and ``scale`` are
# the mean and the standard deviation of the logarithm, not of the number.
# The median is :math:`e^{\mu}`, where :math:`\mu` is ``loc``. The mean is
# larger, because it is pulled up by a few very large draws.
income = distributions.LogNormal(loc=1.0, scale=0.5)
income.icdf(torch.tensor(0.5))  # tensor(2.7183)
income.mean  # tensor(3.0802)
math.exp(1.0 + 0.5**2 / 2)  # 3.0802
income.mode  # tensor(2.1170)
math.exp(1.0 - 0.5**2)  # 2.1170
draws = income.sample((50_000,))
torch.allclose(draws.log().std(), torch.tensor(0.5), atol=0.02)  # True
torch.allclose(draws.std(), income.stddev, atol=0.1)  # True
income.variance  # tensor(2.6948)
x = torch.tensor(2.0)
income.log_prob(x)  # tensor(-1.1073)
normal = distributions.Normal(1.0, 0.5)
normal.log_prob(x.log()) - x.log()  # tensor(-1.1073)
income.cdf(x)  # tensor(0.2697)
normal.cdf(x.log())  # tensor(0.2697)
income.entropy()  # tensor(1.7258)

# %%
# Lifetimes: ``torch.distributions.Weibull``
# ------------------------------------------
#
# The failure rate is the density divided by the probability of lasting that
# long. It falls over time if ``concentration`` is below 1, and rises if it
# is above 1, as with things that wear out. With 1 it is constant, and the
# distribution is exponential. SciPy calls the family ``weibull_min``.
def failure_rate(concentration):
    life = distributions.Weibull(2.0, concentration)
    t = torch.tensor([1.0, 4.0])
    return life.log_prob(t).exp() / (1 - life.cdf(t))


failure_rate(0.5)  # tensor([0.3536, 0.1768])
failure_rate(1.0)  # tensor([0.5000, 0.5000])
failure_rate(1.5)  # tensor([0.5303, 1.0607])
life = distributions.Weibull(scale=2.0, concentration=3.0)
life.log_prob(torch.tensor(1.0))  # tensor(-1.1058)
float(stats.weibull_min(3, scale=2).logpdf(1.0))  # -1.1058
life.mean, life.variance  # (tensor(1.7860), tensor(0.4213))
2 * math.gamma(1 + 1 / 3)  # 1.7860
life.mode, life.entropy()  # (tensor(1.7472), tensor(0.9793))
life.icdf(torch.tensor(0.5))  # tensor(1.7700)
torch.allclose(life.sample((50_000,)).mean(), life.mean, atol=0.03)  # True

# %%
# A few huge values: ``torch.distributions.Pareto``
# -------------------------------------------------
#
# The smallest value is ``scale``, and the probability of a draw above x is
# ``(scale / x) ** alpha``. Twice the size is :math:`2^\alpha` times rarer.
# For ``alpha=1`` the mean is infinite, and for ``alpha=2`` the variance is.
size = distributions.Pareto(scale=1.0, alpha=3.0)
1 - size.cdf(torch.tensor([2.0, 4.0]))  # tensor([0.1250, 0.0156])
[(1 / 2) ** 3, (1 / 4) ** 3]  # [0.125, 0.015625]
size.icdf(torch.tensor(0.875))  # tensor(2.0000)
size.log_prob(torch.tensor(2.0))  # tensor(-1.6740)
float(stats.pareto(3).logpdf(2.0))  # -1.6740
size.mean, size.variance  # (tensor(1.5000), tensor(0.7500))
size.mode, size.entropy()  # (tensor(1.), tensor(0.2347))
distributions.Pareto(1.0, alpha=1.0).mean  # tensor(inf)
distributions.Pareto(1.0, alpha=2.0).variance  # tensor(inf)
draws = size.sample((50_000,))
draws.min() >= 1  # tensor(True)
abs((draws > 2).float().mean() - 0.125) < 0.01  # tensor(True)
with suppress(ValueError):
    size.log_prob(torch.tensor(0.5))  # ValueError: Expected value argument

# %%
# Above a threshold: ``torch.distributions.GeneralizedPareto``
# ------------------------------------------------------------
#
# This distribution describes by how much extreme values exceed a high
# threshold. A positive ``concentration`` gives a heavy tail, 0 an
# exponential distribution, and a negative one an upper end, which
# ``support`` shows. SciPy calls the family ``genpareto``.
excess = distributions.GeneralizedPareto(0.0, scale=1.0, concentration=0.2)
x = torch.tensor(3.0)
excess.log_prob(x)  # tensor(-2.8200)
float(stats.genpareto(0.2).logpdf(3.0))  # -2.8200
excess.cdf(x)  # tensor(0.9046)
1 - (1 + 0.2 * 3) ** (-1 / 0.2)  # 0.9046
excess.icdf(torch.tensor(0.99))  # tensor(7.5594)
excess.mean, excess.variance  # (tensor(1.2500), tensor(2.6042))
excess.mode, excess.entropy()  # (tensor(0.), tensor(1.2000))
drawn = excess.rsample((50_000,))
torch.allclose(drawn.mean(), excess.mean, atol=0.06)  # True
zero = distributions.GeneralizedPareto(0.0, 1.0, 0.0)
zero.cdf(x)  # tensor(0.9502)
distributions.Exponential(1.0).cdf(x)  # tensor(0.9502)
ends = distributions.GeneralizedPareto(0.0, 1.0, -0.5)
ends.support.upper_bound  # tensor(2.)
ends.cdf(torch.tensor([1.0, 2.0]))  # tensor([0.7500, 1.0000])

# %%
# Fit a distribution to data: minimize ``-log_prob``
# --------------------------------------------------
#
# Maximum likelihood chooses the parameters that make the data most
# probable. Train the logarithms of the parameters, so that the parameters
# stay positive after each step. The result agrees with SciPy's ``fit``.
# The data were drawn with the parameters 3 and 2, and 500 numbers come
# close to them.
numbers = stats.gamma(3, scale=1 / 2).rvs(500, random_state=0)
data = torch.tensor(numbers, dtype=torch.float32)
logs = torch.zeros(2, requires_grad=True)
optimizer = torch.optim.Adam([logs], lr=0.05)
for _ in range(300):
    concentration, rate = logs.exp()
    loss = -distributions.Gamma(concentration, rate).log_prob(data).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
fitted = logs.detach().exp()
shape, _, scale = stats.gamma.fit(numbers, floc=0)
abs(fitted - torch.tensor([shape, 1 / scale])).max() < 0.01  # tensor(True)
abs(fitted - torch.tensor([3.0, 2.0])).max() < 0.2  # tensor(True)
