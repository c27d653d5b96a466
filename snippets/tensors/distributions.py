"""
Distributions
=============

Sample from a probability distribution and compute how likely a value is.
"""
import math
from contextlib import suppress

import torch
from torch import distributions

# %%
# Sample and get log-probabilities: ``torch.distributions.Normal``
# ----------------------------------------------------------------
#
# A distribution is an object. ``sample`` draws from it, and ``log_prob``
# gives the logarithm of the density at a value. The code checks
# ``log_prob`` against the formula. If the parameters are tensors, there is
# one distribution for each element.
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
# The samples are class indices. ``log_prob`` is the logarithm of the
# probability of a class, which equals the negative cross-entropy of the
# logits. ``probs`` are scaled so that they add up to 1.
classes = distributions.Categorical(probs=torch.tensor([1.0, 2.0, 1.0]))
classes.probs  # tensor([0.2500, 0.5000, 0.2500])
classes.sample((4,))  # shape (4,), dtype int64
classes.log_prob(torch.tensor(1)).exp()  # tensor(0.5000)
classes.entropy()  # tensor(1.0397)
logits, target = torch.tensor([1.0, 3.0, 2.0]), torch.tensor(1)
distributions.Categorical(logits=logits).log_prob(target)  # tensor(-0.4076)
torch.nn.functional.cross_entropy(logits, target)  # tensor(0.4076)

# %%
# Trap: logits passed to ``Categorical`` as ``probs``
# ---------------------------------------------------
#
# The first argument of ``Categorical`` is ``probs``, weights that are
# divided by their sum. The outputs of a network are usually logits, which
# need a softmax, so pass them as ``logits=``. If you forget the name,
# positive numbers give wrong probabilities without an error, and negative
# numbers raise an error.
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
# ``Bernoulli`` has one probability for each element. If the outputs of a
# network are logits, pass them as ``logits``; they go through a sigmoid.
# The samples are 0 or 1, as floats.
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
# A sample counts how often each outcome occurred in ``total_count`` draws.
# To get the individual draws as indices, use ``torch.multinomial``. The
# code checks ``log_prob`` against the formula, which multiplies the number
# of possible orders by the probability of one order.
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
# ``rsample`` computes the draw as mean + std * noise, so gradients reach
# the parameters (the reparameterization trick). The result of ``sample`` is
# detached from the graph. Each draw contains the mean once, so it adds 1 to
# the gradient of the mean. Variational autoencoders are trained in this
# way.
mean = torch.tensor(0.0, requires_grad=True)
std = torch.tensor(1.0, requires_grad=True)
normal = distributions.Normal(mean, std)
normal.sample((5,)).requires_grad  # False
draws = normal.rsample((5,))
draws.sum().backward()
mean.grad  # tensor(5.)
torch.allclose(std.grad, draws.sum(), atol=1e-5)  # True

# %%
# No ``rsample`` for classes: use ``log_prob`` (REINFORCE)
# --------------------------------------------------------
#
# A class index is discrete, so no gradient can flow through it and
# ``Categorical`` has no ``rsample``. Instead, multiply the ``log_prob`` of
# the sampled class by its reward, and the gradient reaches the logits. This
# is the score function estimator, known as REINFORCE.
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
# ``kl_divergence(p, q)`` computes the Kullback-Leibler divergence, here
# checked against the formula. It is not symmetric. If PyTorch has no
# formula for the two families, it raises NotImplementedError.
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
# By default, distributions check their parameters and values. If a network
# computes the scale, make it positive first, for example with ``softplus``.
# ``validate_args=False`` does not solve the problem, because the results
# are then NaN or meaningless. The first call of ``torch.compile`` also
# switches the checks off; ``set_default_validate_args(True)`` switches them
# on again.
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
