"""
Constraints and custom distributions
====================================

Check which values are valid, keep trained parameters valid, and write a
distribution of your own with its KL divergence.

.. which::

   - ``constraints.interval``, ``constraints.positive``: ranges of numbers
   - ``constraints.integer_interval``: counts and classes
   - ``constraints.simplex``, ``constraints.positive_definite``: vectors
     and matrices
   - ``constraints.stack``, ``constraints.cat``: one rule for each column
   - ``transform_to``, ``biject_to``: from any numbers to valid ones
   - ``ConstraintRegistry``: a choice of transforms of your own
   - ``register_kl``: a formula for ``kl_divergence``
"""
from contextlib import suppress

import torch
from scipy import stats
from torch import distributions
from torch.distributions import constraint_registry, constraints, transforms

# %%
# Which values are valid: ``arg_constraints``, ``support``
# --------------------------------------------------------
#
# A constraint is a rule for values, and ``check`` tells which values follow
# it. ``arg_constraints`` has a rule for each parameter of a distribution.
# ``support`` is the rule for what it can draw. A distribution checks both
# by default and raises an error.
gamma = distributions.Gamma(torch.tensor(2.0), torch.tensor(1.0))
sorted(gamma.arg_constraints)  # ['concentration', 'rate']
rule = gamma.arg_constraints["rate"]
str(rule)  # 'GreaterThan(lower_bound=0.0)'
rule.check(torch.tensor([-1.0, 0.0, 1.0]))  # tensor([False, False, True])
x = torch.tensor([-1.0, 0.0, 1.0])
gamma.support.check(x)  # tensor([False, True, True])
with suppress(ValueError):
    gamma.log_prob(x)  # ValueError: Expected value argument
gamma.log_prob(x[1:])[1]  # tensor(-1.0000)

# %%
# Ranges: ``constraints.interval``, ``greater_than``, ``less_than``
# -----------------------------------------------------------------
#
# The names say whether the bounds belong to the range. ``interval``
# contains both bounds, and ``half_open_interval`` contains the lower one.
# ``positive`` leaves out 0, and ``nonnegative`` contains it. ``real``
# allows each number, but not nan.
x = torch.tensor([-1.0, 0.0, 1.0, 2.0])
closed = constraints.interval(0.0, 1.0)
closed.check(x)  # tensor([False, True, True, False])
half_open = constraints.half_open_interval(0.0, 1.0)
half_open.check(x)  # tensor([False, True, False, False])
constraints.unit_interval.check(x)  # tensor([False, True, True, False])
above = constraints.greater_than(1.0)
above.check(x)  # tensor([False, False, False, True])
from_one = constraints.greater_than_eq(1.0)
from_one.check(x)  # tensor([False, False, True, True])
constraints.less_than(1.0).check(x)  # tensor([True, True, False, False])
constraints.positive.check(x)  # tensor([False, False, True, True])
constraints.nonnegative.check(x)  # tensor([False, True, True, True])
odd = torch.tensor([-1.0, float("nan")])
constraints.real.check(odd)  # tensor([True, False])

# %%
# Counts and classes: ``constraints.integer_interval``, ``one_hot``
# -----------------------------------------------------------------
#
# The rules for counts want whole numbers, which may be floats.
# ``integer_interval`` contains both bounds. ``one_hot`` and ``multinomial``
# judge a whole row. ``one_hot`` wants one element of 1 and zeros elsewhere,
# and ``multinomial`` wants counts with at most the given sum.
x = torch.tensor([0.0, 1.0, 1.5, 3.0, -2.0])
counts = constraints.integer_interval(0, 2)
counts.check(x)  # tensor([True, True, False, False, False])
whole = constraints.nonnegative_integer
whole.check(x)  # tensor([True, True, False, True, False])
positive = constraints.positive_integer
positive.check(x)  # tensor([False, True, False, True, False])
constraints.boolean.check(x)  # tensor([True, True, False, False, False])
rows = torch.tensor([[0.0, 1.0, 0.0], [1.0, 1.0, 0.0], [2.0, 2.0, 1.0]])
constraints.one_hot.check(rows)  # tensor([True, False, False])
constraints.multinomial(4).check(rows)  # tensor([True, True, False])

# %%
# Vectors and matrices: ``constraints.simplex``, ``positive_definite``
# --------------------------------------------------------------------
#
# These rules give one answer for a whole vector or matrix. A vector in the
# simplex has no negative numbers and the sum 1. A positive definite matrix
# is symmetric with positive eigenvalues, and a Cholesky factor is lower
# triangular with a positive diagonal. If one matrix of a batch is not
# symmetric, ``positive_definite`` does not look at the eigenvalues of the
# others, so check the symmetric matrices alone.
shares = torch.tensor([[0.2, 0.8], [0.2, 0.7], [-0.2, 1.2]])
constraints.simplex.check(shares)  # tensor([True, False, False])
constraints.real_vector.check(shares)  # tensor([True, True, True])
a = torch.tensor([[1.0, 0.0], [0.6, 0.8]])
m = torch.stack([a, a @ a.T, torch.zeros(2, 2), -torch.eye(2)])
constraints.square.check(m)  # tensor([True, True, True, True])
constraints.symmetric.check(m)  # tensor([False, True, True, True])
definite = constraints.positive_definite
definite.check(m)  # tensor([False, True, True, True])
definite.check(m[1:])  # tensor([True, False, False])
semi = constraints.positive_semidefinite
semi.check(m[1:])  # tensor([True, True, False])
triangular = constraints.lower_triangular
triangular.check(m)  # tensor([True, False, True, True])
factor = constraints.lower_cholesky
factor.check(m)  # tensor([True, False, False, False])
constraints.corr_cholesky.check(a)  # tensor(True)
constraints.corr_cholesky.check(2 * a)  # tensor(False)

# %%
# One rule for each column: ``constraints.stack``, ``cat``, ``independent``
# -------------------------------------------------------------------------
#
# ``stack`` takes one rule for each index of a dimension. ``cat`` takes one
# rule for each piece with the given ``lengths``. ``independent`` turns the
# answers for single elements into one answer for a row, which is True if
# all of them are.
x = torch.tensor([[-1.0, 0.5, 3.0], [1.0, 2.0, -4.0]])
each = constraints.stack(
    [constraints.real, constraints.unit_interval, constraints.positive],
    dim=-1,
)
each.check(x).tolist()  # [[True, True, True], [True, False, False]]
pieces = constraints.cat(
    [constraints.positive, constraints.real], dim=-1, lengths=[1, 2]
)
pieces.check(x).tolist()  # [[False, True, True], [True, True, True]]
rows = constraints.independent(pieces, 1)
rows.check(x)  # tensor([False, True])
pieces.event_dim, rows.event_dim  # (0, 1)

# %%
# Train a parameter that must stay valid: ``transform_to``
# --------------------------------------------------------
#
# An optimizer may push a scale below 0. ``transform_to`` returns a
# transform from any number to a valid one, so train the number before the
# transform, which may take any value. Take the constraint from
# ``arg_constraints``, and start from ``inv`` of a valid value. The code
# finds the standard deviation of the data.
data = torch.tensor([1.0, 2.0, 4.0, 5.0])
rules = distributions.Normal.arg_constraints
to_scale = distributions.transform_to(rules["scale"])
free = to_scale.inv(torch.tensor(0.5)).requires_grad_()
free.detach()  # tensor(-0.6931)
optimizer = torch.optim.Adam([free], lr=0.05)
for _ in range(300):
    optimizer.zero_grad()
    scale = to_scale(free)
    loss = -distributions.Normal(data.mean(), scale).log_prob(data).mean()
    loss.backward()
    optimizer.step()
torch.allclose(to_scale(free), data.std(correction=0), atol=0.01)  # True
bounded = distributions.transform_to(constraints.interval(2.0, 6.0))
bounded(torch.tensor([-9.0, 0.0, 9.0]))  # tensor([2.0005, 4.0000, 5.9995])

# %%
# ``transform_to`` to optimize, ``biject_to`` to sample
# -----------------------------------------------------
#
# ``biject_to`` returns a transform that can be inverted and that tells how
# it changes a density. A sampler, such as Hamiltonian Monte Carlo, needs
# this. ``transform_to`` may return a transform that is easier to train but
# does not tell this, such as a softmax for proportions. ``biject_to`` has
# no transform for positive definite matrices, and ``transform_to`` has none
# for booleans.
x = torch.tensor([1.0, 2.0])
train = distributions.transform_to(constraints.simplex)
train(x), x.softmax(0)[1]  # (tensor([0.2689, 0.7311]), tensor(0.7311))
sample = distributions.biject_to(constraints.simplex)
y = sample(x)
y  # tensor([0.5761, 0.3734, 0.0505])
sample.log_abs_det_jacobian(x, y)  # tensor(-4.5219)
train.bijective, sample.bijective  # (False, True)
matrix = distributions.transform_to(constraints.positive_definite)
m = matrix(torch.randn(3, 3))
constraints.positive_definite.check(m)  # tensor(True)
with suppress(NotImplementedError):
    distributions.biject_to(
        constraints.positive_definite
    )  # NotImplementedError: Cannot transform _PositiveDefinite constraints
with suppress(NotImplementedError):
    distributions.transform_to(
        constraints.boolean
    )  # NotImplementedError: Cannot transform _Boolean constraints

# %%
# Error: cannot determine validity of dependent constraint
# --------------------------------------------------------
#
# The bounds of a uniform distribution are its parameters, so the class
# alone does not know the support. Its constraint is then ``dependent``, and
# ``check`` raises an error. Ask an object instead of the class. The support
# of a mixture holds only the values that all components can give, so a
# mixture of uniforms rejects values that only one component can give.
x = torch.tensor([0.5, 2.0, 4.0])
of_class = distributions.Uniform.support
constraints.is_dependent(of_class)  # True
with suppress(ValueError):
    of_class.check(x)  # ValueError: Cannot determine validity
with suppress(ValueError):
    constraints.dependent.check(x)  # ValueError: Cannot determine validity
of_object = distributions.Uniform(0.0, torch.tensor(3.0)).support
constraints.is_dependent(of_object)  # False
of_object.check(x)  # tensor([True, True, False])
mixture = distributions.MixtureSameFamily(
    distributions.Categorical(torch.ones(2)),
    distributions.Uniform(torch.zeros(2), torch.tensor([1.0, 3.0])),
)
mixture.support  # type MixtureSameFamilyConstraint
mixture.support.check(x)  # tensor([True, False, False])

# %%
# Write your own distribution: a subclass of ``Distribution``
# -----------------------------------------------------------
#
# Define ``arg_constraints``, ``support``, ``rsample`` and ``log_prob``.
# ``support`` is a ``constraints.dependent_property`` if it depends on a
# parameter. The checks and ``sample`` come with the base class. Between 0
# and ``high``, the density of the example is a rising straight line, which
# SciPy knows as a power law.


class Ramp(distributions.Distribution):
    arg_constraints = {"high": constraints.positive}

    def __init__(self, high, validate_args=None):
        self.high = high
        super().__init__(high.shape, validate_args=validate_args)

    @constraints.dependent_property(is_discrete=False, event_dim=0)
    def support(self):
        return constraints.interval(0.0, self.high)

    def rsample(self, shape=()):
        return self.high * torch.rand(self._extended_shape(shape)).sqrt()

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        return (2 * value / self.high**2).log()


ramp = Ramp(torch.tensor(3.0))
ramp.log_prob(torch.tensor(2.0))  # tensor(-0.8109)
stats.powerlaw(2, scale=3).logpdf(2).item()  # -0.8109
(ramp.sample((20000,)).mean() - 2).abs() < 0.04  # tensor(True)
with suppress(ValueError):
    ramp.log_prob(torch.tensor(4.0))  # ValueError: within the support

# %%
# Choose other transforms: ``ConstraintRegistry``
# -----------------------------------------------
#
# ``transform_to`` and ``biject_to`` are registries: each holds a function
# for each kind of constraint, and the function returns a transform.
# ``transform_to`` makes numbers positive with ``exp``. If you prefer
# softplus, fill a registry of your own, because a change to
# ``transform_to`` affects the whole program. ``register`` stores one
# function for the whole kind, so the function must read the bound from the
# constraint that it gets.
soft = constraint_registry.ConstraintRegistry()


@soft.register(constraints.positive)
def softplus_above(constraint):
    shift = transforms.AffineTransform(constraint.lower_bound, 1.0)
    steps = [transforms.SoftplusTransform(), shift]
    return transforms.ComposeTransform(steps)


x = torch.tensor([0.0, 3.0])
soft(constraints.positive)(x)  # tensor([0.6931, 3.0486])
exp = distributions.transform_to(constraints.positive)
exp(x)  # tensor([1.0000, 20.0855])
soft(constraints.greater_than(5.0))(x)  # tensor([5.6931, 8.0486])
with suppress(NotImplementedError):
    soft(constraints.real)  # NotImplementedError: Cannot transform _Real

# %%
# Error: no KL(p || q) is implemented for p type Independent
# ----------------------------------------------------------
#
# ``kl_divergence`` looks for a formula for the two classes. Wrap both
# distributions in ``Independent``, or neither of them. If there is no
# formula, draw from p and average the difference of the log probabilities.
# Take many draws, because the estimate is noisy.
p = distributions.Normal(torch.zeros(3), 1.0)
q = distributions.Normal(torch.ones(3), 1.0)
rows = distributions.Independent(p, 1)
with suppress(NotImplementedError):
    distributions.kl_divergence(rows, q)  # NotImplementedError: No KL
wrapped = distributions.Independent(q, 1)
distributions.kl_divergence(rows, wrapped)  # tensor(1.5000)
distributions.kl_divergence(p, q)  # tensor([0.5000, 0.5000, 0.5000])
heavy = distributions.StudentT(torch.tensor(4.0))
normal = distributions.Normal(torch.tensor(0.0), 1.0)
with suppress(NotImplementedError):
    distributions.kl_divergence(normal, heavy)  # NotImplementedError: No KL
x = normal.sample((20000,))
estimate = (normal.log_prob(x) - heavy.log_prob(x)).mean()
grid = torch.linspace(-9.0, 9.0, 2001)
ratio = normal.log_prob(grid) - heavy.log_prob(grid)
exact = torch.trapezoid(normal.log_prob(grid).exp() * ratio, grid)
exact  # tensor(0.0463)
(estimate - exact).abs() < 0.02  # tensor(True)

# %%
# Add a formula for ``kl_divergence``: ``register_kl``
# ----------------------------------------------------
#
# Decorate a function of p and q with the two classes. ``kl_divergence``
# then finds it for these classes and their subclasses. Here the classes are
# subclasses of ``Exponential``, so that the formula of PyTorch remains as
# it is. The code checks the result against this formula.


class Waiting(distributions.Exponential):
    pass


calls = []


@distributions.register_kl(Waiting, Waiting)
def kl_waiting(p, q):
    calls.append((p, q))
    ratio = q.rate / p.rate
    return ratio - 1 - ratio.log()


p, q = Waiting(torch.tensor(2.0)), Waiting(torch.tensor(3.0))
distributions.kl_divergence(p, q)  # tensor(0.0945)
len(calls)  # 1
known = distributions.Exponential(torch.tensor(3.0))
distributions.kl_divergence(p, known)  # tensor(0.0945)
len(calls)  # 1
