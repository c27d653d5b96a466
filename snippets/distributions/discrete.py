"""
Discrete distributions
======================

Draw whole numbers and classes, and compute the probability of each value.

.. which::

   - ``Binomial``: the number of successes in a fixed number of trials
   - ``Poisson``: the number of events in a period of time
   - ``NegativeBinomial``: counts that vary more than Poisson counts
   - ``Geometric``: the number of failures before the first success
   - ``OneHotCategorical``: one of k classes, as a one-hot vector
   - ``OneHotCategoricalStraightThrough``: one-hot vectors that pass a
     gradient on
   - ``RelaxedBernoulli``: a number near 0 or 1 that passes a gradient on
   - ``RelaxedOneHotCategorical``: nearly one-hot vectors that pass a
     gradient on
"""
import math
from contextlib import suppress

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from scipy import stats
from torch import distributions

# %%
# Four distributions of counts with the same mean, drawn as bars
# --------------------------------------------------------------
#
# All four have the mean 3, which the dashed line shows. The variance
# differs, and it tells you which distribution fits your counts. The
# variance of a binomial distribution is below its mean, and that of a
# Poisson distribution is equal to it. The other two have a variance above
# the mean.
counts = {
    "Binomial": distributions.Binomial(total_count=15, probs=0.2),
    "Poisson": distributions.Poisson(rate=3.0),
    "NegativeBinomial": distributions.NegativeBinomial(3, probs=0.5),
    "Geometric": distributions.Geometric(probs=0.25),
}
k = torch.arange(16.0)
options = {"figsize": (8, 4.6), "sharex": True, "sharey": True}
figure, axes = plt.subplots(2, 2, **options)
for ax, (name, family) in zip(axes.flat, counts.items(), strict=True):
    ax.bar(range(16), family.log_prob(k).exp().tolist())
    ax.axvline(family.mean.item(), color="C1", linestyle="--")
    ax.set(title=name, xticks=range(0, 16, 3))
figure.tight_layout()
[family.mean.item() for family in counts.values()]  # [3.0, 3.0, 3.0, 3.0]
v = [family.variance for family in counts.values()]
torch.stack(v)  # tensor([2.4000, 3.0000, 6.0000, 12.0000])

# %%
# Successes in n trials: ``torch.distributions.Binomial``
# -------------------------------------------------------
#
# A sample is the number of successes in ``total_count`` independent trials,
# each of which succeeds with probability ``probs``. ``log_prob`` is the
# logarithm of the probability of a value, and ``mode`` is the most likely
# value. The code checks the probability against the formula, and the
# entropy, a measure of uncertainty, against SciPy. With a single trial the
# distribution is ``Bernoulli``.
shots = distributions.Binomial(total_count=10, probs=0.3)
shots.log_prob(torch.tensor(4.0)).exp()  # tensor(0.2001)
math.comb(10, 4) * 0.3**4 * 0.7**6  # 0.2001
shots.mean  # tensor(3.0000)
shots.variance  # tensor(2.1000)
shots.mode  # tensor(3.)
shots.entropy()  # tensor(1.7791)
float(stats.binom(10, 0.3).entropy())  # 1.7791
draws = shots.sample((50_000,))
torch.allclose(draws.mean(), shots.mean, atol=0.05)  # True
torch.allclose(draws.std(), shots.stddev, atol=0.05)  # True
once = distributions.Bernoulli(probs=0.3)
once.mean, once.variance  # (tensor(0.3000), tensor(0.2100))
once.mode, once.entropy()  # (tensor(0.), tensor(0.6109))
distributions.Binomial(1, probs=0.3).entropy()  # tensor(0.6109)
players = distributions.Binomial(10, logits=torch.tensor([0.0, 9.0]))
players.mean  # tensor([5.0000, 9.9988])

# %%
# Events at a known rate: ``torch.distributions.Poisson``
# -------------------------------------------------------
#
# A sample is the number of independent events in a period of time, such as
# visitors per hour. The mean and the variance are both equal to ``rate``.
# To train a network that predicts the rate, use ``F.poisson_nll_loss``,
# which has the same gradient as ``-log_prob``.
visitors = distributions.Poisson(rate=4.0)
visitors.log_prob(torch.tensor(2.0)).exp()  # tensor(0.1465)
4.0**2 * math.exp(-4.0) / math.factorial(2)  # 0.1465
visitors.mean, visitors.variance  # (tensor(4.), tensor(4.))
visitors.stddev  # tensor(2.)
distributions.Poisson(4.5).mode  # tensor(4.)
draws = visitors.sample((50_000,))
torch.allclose(draws.var(), draws.mean(), atol=0.2)  # True
rate = torch.tensor(4.0, requires_grad=True)
count = torch.tensor(2.0)
nll = -distributions.Poisson(rate).log_prob(count)
loss = F.poisson_nll_loss(rate, count, log_input=False)
torch.autograd.grad(nll, rate)[0]  # tensor(0.5000)
torch.autograd.grad(loss, rate)[0]  # tensor(0.5000)

# %%
# Counts that vary more: ``torch.distributions.NegativeBinomial``
# ---------------------------------------------------------------
#
# A negative binomial distribution is a Poisson distribution whose rate is
# itself drawn from a gamma distribution, so its variance is larger than its
# mean. To choose the mean, pass the logarithm of ``mean / total_count`` as
# ``logits``. The larger ``total_count``, the closer the variance is to the
# mean. SciPy's ``nbinom`` expects ``1 - probs``.
visits = distributions.NegativeBinomial(total_count=5, probs=0.25)
visits.log_prob(torch.tensor(2.0)).exp()  # tensor(0.2225)
float(stats.nbinom(5, 1 - 0.25).pmf(2))  # 0.2225
float(stats.nbinom(5, 0.25).pmf(2))  # 0.0082
visits.mean  # tensor(1.6667)
visits.mode  # tensor(1.)
mean, r = torch.tensor(20.0), 5.0
fitted = distributions.NegativeBinomial(r, logits=(mean / r).log())
fitted.mean  # tensor(20.0000)
fitted.variance  # tensor(100.0000)
mean + mean**2 / r  # tensor(100.)
rates = distributions.Gamma(r, r / mean).sample((50_000,))
counts = distributions.Poisson(rates).sample()
torch.allclose(counts.mean(), fitted.mean, atol=0.5)  # True
torch.allclose(counts.var(), fitted.variance, atol=8)  # True
drawn = fitted.sample((50_000,))
torch.allclose(drawn.var(), fitted.variance, atol=8)  # True

# %%
# Failures before the first success: ``torch.distributions.Geometric``
# --------------------------------------------------------------------
#
# The first success may come at once, so the samples begin at 0. SciPy's
# ``geom`` counts the successful trial too and begins at 1. The geometric
# distribution is a negative binomial distribution with ``total_count=1``,
# in which failures and successes have changed places.
tries = distributions.Geometric(probs=0.25)
k = torch.tensor([0.0, 1.0, 2.0])
tries.log_prob(k).exp()  # tensor([0.2500, 0.1875, 0.1406])
[0.75**n * 0.25 for n in range(3)]  # [0.25, 0.1875, 0.1406]
stats.geom(0.25).pmf([1, 2, 3]).tolist()  # [0.25, 0.1875, 0.1406]
tries.mean  # tensor(3.)
float(stats.geom(0.25).mean())  # 4.0
tries.variance, tries.mode  # (tensor(12.), tensor(0.))
tries.entropy()  # tensor(2.2493)
float(stats.geom(0.25).entropy())  # 2.2493
same = distributions.NegativeBinomial(1, probs=0.75)
torch.allclose(same.log_prob(k), tries.log_prob(k))  # True
draws = tries.sample((50_000,))
draws.min()  # tensor(0.)
torch.allclose(draws.mean(), tries.mean, atol=0.15)  # True

# %%
# A class as a one-hot vector: ``torch.distributions.OneHotCategorical``
# ----------------------------------------------------------------------
#
# Use ``OneHotCategorical`` if the next step needs a vector and not a class
# index. ``log_prob`` then expects a vector, too, and an index raises an
# error. The mean is the vector of probabilities, and the mode is the most
# likely class. A class index has no mean, so ``Categorical`` returns nan.
p = torch.tensor([0.2, 0.5, 0.3])
vectors = distributions.OneHotCategorical(probs=p)
vectors.sample().sort().values  # tensor([0., 0., 1.])
vectors.log_prob(torch.tensor([0.0, 0.0, 1.0])).exp()  # tensor(0.3000)
classes = distributions.Categorical(probs=p)
classes.log_prob(torch.tensor(2)).exp()  # tensor(0.3000)
vectors.mean  # tensor([0.2000, 0.5000, 0.3000])
vectors.variance  # tensor([0.1600, 0.2500, 0.2100])
vectors.mode  # tensor([0., 1., 0.])
classes.mode  # tensor(1)
classes.mean, classes.variance  # (tensor(nan), tensor(nan))
vectors.entropy()  # tensor(1.0297)
draws = vectors.sample((50_000,))
torch.allclose(draws.mean(dim=0), p, atol=0.02)  # True
with suppress(ValueError):
    vectors.log_prob(torch.tensor(2))  # ValueError: The right-most size of

# %%
# One-hot draws with a gradient: ``OneHotCategoricalStraightThrough``
# -------------------------------------------------------------------
#
# A discrete draw does not change smoothly with the probabilities, so
# ``OneHotCategorical`` has no ``rsample``. The straight-through form has
# one. It returns a one-hot vector, and ``backward`` computes the gradient
# as if this vector were the probabilities. If the draw goes into a linear
# function, as here, this is the gradient of the expected value.
logits = torch.tensor([0.0, 1.0, 2.0], requires_grad=True)
hard = distributions.OneHotCategorical(logits=logits)
hard.has_rsample  # False
with suppress(NotImplementedError):
    hard.rsample()  # NotImplementedError
through = distributions.OneHotCategoricalStraightThrough(logits=logits)
through.has_rsample  # True
draw = through.rsample()
draw.detach().sort().values  # tensor([0., 0., 1.])
through.sample().requires_grad  # False
reward = torch.tensor([10.0, 20.0, 40.0])
(draw @ reward).backward()
expected = logits.softmax(dim=0) @ reward
(exact,) = torch.autograd.grad(expected, logits)
torch.allclose(logits.grad, exact)  # True

# %%
# A soft yes or no with a gradient: ``RelaxedBernoulli``
# ------------------------------------------------------
#
# A sample lies between 0 and 1, and ``rsample`` passes a gradient on to the
# probability. The lower the temperature, the closer the samples are to 0
# and 1. The probability of a sample above 0.5 is ``probs``. Pass the
# temperature as a tensor, because ``log_prob`` fails with a Python number.
logits = torch.tensor(1.0, requires_grad=True)
soft = distributions.RelaxedBernoulli(torch.tensor(0.5), logits=logits)
x = soft.rsample()
x.backward()
slope = (x * (1 - x) / soft.temperature).detach()
torch.allclose(logits.grad, slope, atol=1e-5)  # True
share = (soft.sample((50_000,)) > 0.5).float().mean()
torch.allclose(share, soft.probs, atol=0.02)  # True
cold = distributions.RelaxedBernoulli(torch.tensor(0.01), logits=1.0)
draws = cold.sample((50_000,))
((draws < 0.01) | (draws > 0.99)).float().mean() > 0.95  # tensor(True)
soft.log_prob(torch.tensor(0.3)).detach()  # tensor(-0.9877)
a, b = math.exp(1.0) / 0.3**0.5, 1 / 0.7**0.5
math.log(0.5 * a * b / (0.3 * 0.7 * (a + b) ** 2))  # -0.9877
bad = distributions.RelaxedBernoulli(0.5, logits=1.0)
with suppress(AttributeError):
    bad.log_prob(x)  # AttributeError: 'float' object has no attribute 'log'

# %%
# A soft class with a gradient: ``RelaxedOneHotCategorical``
# ----------------------------------------------------------
#
# A sample is a vector of numbers that add up to 1, and its largest number
# is at class i with probability ``probs[i]``. This is the Concrete or
# Gumbel-softmax distribution. ``F.gumbel_softmax`` draws from it, too; use
# the class if you need ``log_prob``. With two classes, a sample holds x and
# 1 - x, and x has a ``RelaxedBernoulli`` distribution.
logits = torch.tensor([0.0, 1.0, 2.0], requires_grad=True)
t = torch.tensor(0.5)
soft = distributions.RelaxedOneHotCategorical(t, logits=logits)
x = soft.rsample((50_000,))
x.requires_grad  # True
torch.allclose(x.sum(dim=-1), torch.ones(50_000))  # True
shares = x.argmax(dim=-1).bincount() / 50_000
torch.allclose(shares, soft.probs, atol=0.02)  # True
same = F.gumbel_softmax(logits.expand(50_000, 3), tau=0.5)
torch.allclose(x.mean(dim=0), same.mean(dim=0), atol=0.02)  # True
two = torch.tensor([1.0, 0.0])
pair = distributions.RelaxedOneHotCategorical(t, logits=two)
pair.log_prob(torch.tensor([0.3, 0.7]))  # tensor(-0.9877)
one = distributions.RelaxedBernoulli(t, logits=torch.tensor(1.0))
one.log_prob(torch.tensor(0.3))  # tensor(-0.9877)

# %%
# Shape of a draw: ``sample_shape``, ``batch_shape``, ``event_shape``
# -------------------------------------------------------------------
#
# ``batch_shape`` is the shape of the parameters, with one distribution for
# each element. ``event_shape`` is the shape of a single draw, such as a
# one-hot vector. The argument of ``sample`` says how many draws you want,
# and its sizes come first. ``log_prob`` returns one number for each draw.
counts = distributions.Poisson(torch.tensor([1.0, 5.0, 9.0]))
counts.batch_shape, counts.event_shape  # (torch.Size([3]), torch.Size([]))
counts.sample((4, 2)).shape  # torch.Size([4, 2, 3])
counts.log_prob(torch.tensor(0.0))  # tensor([-1., -5., -9.])
rows = distributions.OneHotCategorical(torch.ones(2, 6))
rows.batch_shape, rows.event_shape  # (torch.Size([2]), torch.Size([6]))
draws = rows.sample((4,))  # shape (4, 2, 6)
rows.log_prob(draws).shape  # torch.Size([4, 2])
wide = distributions.Poisson(5.0).expand((2, 2))
wide.mean  # tensor([[5., 5.], [5., 5.]])
with suppress(ValueError):
    counts.log_prob(torch.ones(2))  # ValueError: Value is not broadcastable
with suppress(TypeError):
    counts.sample(4)  # TypeError: 'int' object is not iterable

# %%
# All values and exact sums: ``enumerate_support``, ``perplexity``
# ----------------------------------------------------------------
#
# If a distribution has finitely many values, ``enumerate_support`` lists
# them, so you can compute an expected value as a sum instead of an average
# over draws. Entropy measures how uncertain a draw is. ``perplexity`` is
# :math:`e^{\text{entropy}}`, which is k for k equally likely classes. The
# values of a Poisson distribution have no end, so it has no list.
heads = distributions.Binomial(total_count=3, probs=0.5)
k = heads.enumerate_support()  # tensor([0., 1., 2., 3.])
p = heads.log_prob(k).exp()  # tensor([0.1250, 0.3750, 0.3750, 0.1250])
(p * k**2).sum()  # tensor(3.0000)
heads.variance + heads.mean**2  # tensor(3.0000)
torch.allclose(heads.entropy(), -(p * p.log()).sum())  # True
die = distributions.Categorical(probs=torch.ones(6))
die.perplexity()  # tensor(6.0000)
coins = distributions.Bernoulli(probs=torch.tensor([0.5, 1.0]))
coins.perplexity()  # tensor([2.0000, 1.0000])
coins.enumerate_support()  # tensor([[0., 0.], [1., 1.]])
distributions.Poisson.has_enumerate_support  # False
with suppress(NotImplementedError):
    distributions.Poisson(4.0).enumerate_support()  # NotImplementedError

# %%
# Error: expected value argument to be within the support (``log_prob``)
# ----------------------------------------------------------------------
#
# ``log_prob`` takes a tensor with values that the distribution can give.
# ``support.check`` tells which values these are. Pass either ``probs`` or
# ``logits``. If the message names the parameter ``probs``, a probability is
# below 0 or above 1, often because logits were passed as ``probs``.
goals = distributions.Binomial(total_count=10, probs=0.3)
values = torch.tensor([-1.0, 2.0, 2.5, 11.0])
goals.support.check(values)  # tensor([False, True, False, False])
with suppress(ValueError):
    goals.log_prob(values)  # ValueError: Expected value argument
with suppress(ValueError):
    goals.log_prob(2)  # ValueError: The value argument to log_prob must be
with suppress(ValueError):
    distributions.Bernoulli(2.0)  # ValueError: Expected parameter probs
with suppress(ValueError):
    distributions.Binomial(10)  # ValueError: Either `probs` or `logits`
distributions.Bernoulli(logits=2.0).probs  # tensor(0.8808)
