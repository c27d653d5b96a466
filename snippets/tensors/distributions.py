"""
Distributions
=============

Sample from a probability distribution and ask how likely a value is.
"""
import math
from contextlib import suppress

import torch
from torch import distributions

# %%
# Sample and score: ``torch.distributions.Normal``
# ------------------------------------------------
#
# A distribution is an object: ``sample`` draws, ``log_prob`` gives the
# logarithm of the density at a value, here checked against the formula.
# Parameters that are tensors make one distribution for each element.
mean, std = 1.0, 2.0
normal = distributions.Normal(mean, std)
normal.sample((1000,))  # shape (1000,), dtype float32
value = torch.tensor(4.0)
normal.log_prob(value)  # tensor(-2.7371)
z = (4.0 - mean) / std
-(z**2) / 2 - math.log(std * math.sqrt(2 * math.pi))  # -2.7371
pair = distributions.Normal(torch.tensor([0.0, 9.0]), torch.ones(2))
pair.sample((5,)).shape  # torch.Size([5, 2])
pair.log_prob(torch.tensor([1.0, 9.0]))  # tensor([-1.4189, -0.9189])

# %%
# Pick one of k classes: ``torch.distributions.Categorical``
# ----------------------------------------------------------
#
# Its samples are class indices, its ``log_prob`` is the logarithm of the
# probability of a class: the negative cross entropy of the logits. The
# probabilities are scaled to add up to 1.
classes = distributions.Categorical(probs=torch.tensor([1.0, 2.0, 1.0]))
classes.probs  # tensor([0.2500, 0.5000, 0.2500])
classes.sample((4,))  # shape (4,), dtype int64
classes.log_prob(torch.tensor(1)).exp()  # tensor(0.5000)
classes.entropy()  # tensor(1.0397)
logits, target = torch.tensor([1.0, 3.0, 2.0]), torch.tensor(1)
distributions.Categorical(logits=logits).log_prob(target)  # tensor(-0.4076)
torch.nn.functional.cross_entropy(logits, target)  # tensor(0.4076)

# %%
# Scores taken for probabilities: ``probs`` against ``logits``
# ------------------------------------------------------------
#
# ``probs`` are weights, divided by their sum; ``logits`` are what a network
# gives, any real numbers, and go through a softmax. Scores passed without a
# name are taken as ``probs``, and positive ones raise no error.
scores = torch.tensor([0.0, 1.0, 3.0])
distributions.Categorical(scores).probs  # tensor([0.0000, 0.2500, 0.7500])
chosen = distributions.Categorical(logits=scores)
chosen.probs  # tensor([0.0420, 0.1142, 0.8438])
scores.softmax(dim=0)  # tensor([0.0420, 0.1142, 0.8438])
with suppress(ValueError):
    distributions.Categorical(scores - 1)  # ValueError: constraint Simplex

# %%
# Yes or no: ``torch.distributions.Bernoulli``
# --------------------------------------------
#
# One probability for each element. A network that ends in one number per
# question gives ``logits``, which go through a sigmoid; ``log_prob`` is
# then the negative of binary cross entropy.
coin = distributions.Bernoulli(probs=0.3)
coin.log_prob(torch.tensor([0.0, 1.0])).exp()  # tensor([0.7000, 0.3000])
logits = torch.tensor([-2.0, 0.0, 2.0])
answers = distributions.Bernoulli(logits=logits)
answers.probs  # tensor([0.1192, 0.5000, 0.8808])
answers.sample()  # shape (3,), dtype float32
torch.equal(answers.probs, logits.sigmoid())  # True

# %%
# Counts of n draws: ``torch.distributions.Multinomial``
# ------------------------------------------------------
#
# A sample says how often each outcome came in ``total_count`` draws; the
# single draws, as indices, come from ``torch.multinomial``. Here
# ``log_prob`` is checked against the formula: the number of orders times
# the probability of one of them.
probs = torch.tensor([0.2, 0.5, 0.3])
counts = distributions.Multinomial(total_count=10, probs=probs)
counts.sample().sum()  # tensor(10.)
counts.mean  # tensor([2., 5., 3.])
counts.log_prob(torch.tensor([2.0, 5.0, 3.0])).exp()  # tensor(0.0851)
orders = math.factorial(10) // (2 * 120 * 6)  # 2520
orders * 0.2**2 * 0.5**5 * 0.3**3  # 0.0851

# %%
# Gradients through a sample: ``rsample`` against ``sample``
# ----------------------------------------------------------
#
# ``rsample`` writes the draw as mean + std * noise, so that gradients reach
# the parameters; ``sample`` is cut from the graph. The gradient of the mean
# is 1 for each draw, whatever was drawn. Variational autoencoders need
# this.
mean = torch.tensor(0.0, requires_grad=True)
std = torch.tensor(1.0, requires_grad=True)
normal = distributions.Normal(mean, std)
normal.sample((5,)).requires_grad  # False
draws = normal.rsample((5,))
draws.sum().backward()
mean.grad  # tensor(5.)
torch.allclose(std.grad, draws.sum(), atol=1e-5)  # True

# %%
# Classes have no ``rsample``: weigh ``log_prob`` with the reward
# ---------------------------------------------------------------
#
# A class index cannot move a little, so ``rsample`` does not exist for it.
# Sample, then let gradients flow through ``log_prob``: the score function
# estimator, known as REINFORCE.
logits = torch.zeros(2, requires_grad=True)
policy = distributions.Categorical(logits=logits)
policy.has_rsample  # False
action, reward = torch.tensor(1), 3.0
(-policy.log_prob(action) * reward).backward()
logits.grad  # tensor([1.5000, -1.5000])

# %%
# Compare two distributions: ``torch.distributions.kl_divergence``
# ----------------------------------------------------------------
#
# The divergence from the first to the second, checked against the formula.
# It is not symmetric. A pair of families for which PyTorch has no formula
# raises NotImplementedError.
p = distributions.Normal(1.0, 1.0)
q = distributions.Normal(0.0, 2.0)
distributions.kl_divergence(p, q)  # tensor(0.4431)
math.log(2.0) + (1.0**2 + 1.0**2) / (2 * 2.0**2) - 0.5  # 0.4431
distributions.kl_divergence(q, p)  # tensor(1.3069)
distributions.kl_divergence(p, p)  # tensor(0.)
u = distributions.Uniform(0.0, 1.0)
c = distributions.Cauchy(0.0, 1.0)
with suppress(NotImplementedError):
    distributions.kl_divergence(c, u)  # NotImplementedError: No KL(p || q)

# %%
# Error: expected parameter scale to satisfy the constraint
# ---------------------------------------------------------
#
# By default parameters and values are checked, until ``torch.compile`` is
# called for the first time: it switches these checks off for the process.
# A scale that a network computes must be made positive first;
# ``validate_args=False`` hides the error, here as NaN, elsewhere as a
# number that means nothing.
raw, zero = torch.tensor(-1.0), torch.tensor(0.0)
with suppress(ValueError):
    distributions.Normal(0.0, raw)  # ValueError: Expected parameter scale
unchecked = distributions.Normal(zero, raw, validate_args=False)
unchecked.log_prob(zero)  # tensor(nan)
scale = torch.nn.functional.softplus(raw)  # tensor(0.3133)
distributions.Normal(0.0, scale).log_prob(zero)  # tensor(0.2418)
coin = distributions.Bernoulli(0.3)
with suppress(ValueError):
    coin.log_prob(raw)  # ValueError: within the support
unchecked = distributions.Bernoulli(0.3, validate_args=False)
unchecked.log_prob(raw)  # tensor(0.4906)
torch.compile(torch.sin, backend="eager")  # type function
distributions.Normal(zero, raw).log_prob(zero)  # tensor(nan)
distributions.Distribution.set_default_validate_args(True)
with suppress(ValueError):
    distributions.Normal(zero, raw)  # ValueError: Expected parameter scale
