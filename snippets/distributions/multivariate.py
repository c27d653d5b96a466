"""
Multivariate distributions
==========================

Draw vectors and matrices whose entries depend on each other, such as
correlated features, proportions or random covariance matrices.

.. which::

   - ``MultivariateNormal``: a vector with correlated entries
   - ``LowRankMultivariateNormal``: the same for many entries, few causes
   - ``Independent``: a vector whose entries do not influence each other
   - ``MixtureSameFamily``: values that come from several groups
   - ``Dirichlet``, ``LogisticNormal``: proportions that add up to 1
   - ``Wishart``: a random covariance or precision matrix
   - ``LKJCholesky``: a random correlation matrix
"""
from contextlib import suppress

import matplotlib.pyplot as plt
import torch
from scipy import stats
from torch import distributions

# %%
# Correlated values: ``torch.distributions.MultivariateNormal``
# -------------------------------------------------------------
#
# One draw is a vector. The covariance matrix has the variances on its
# diagonal. Its other entries say how strongly two entries of the vector
# vary together. ``log_prob`` returns one number for a whole vector, here
# checked against SciPy and the formula.
mean = torch.tensor([1.0, -1.0])
cov = torch.tensor([[2.0, 0.6], [0.6, 0.5]])
normal = distributions.MultivariateNormal(mean, cov)
value = torch.tensor([2.0, 0.0])
normal.log_prob(value)  # tensor(-2.6304)
known = stats.multivariate_normal([1, -1], [[2, 0.6], [0.6, 0.5]])
known.logpdf([2, 0]).item()  # -2.6304
z = value - mean
distance = z @ cov.inverse() @ z
-(distance + (2 * torch.pi * cov).logdet()) / 2  # tensor(-2.6304)
draws = normal.sample((20000,))
draws.shape  # torch.Size([20000, 2])
(draws.T.cov() - cov).abs().max() < 0.15  # tensor(True)

# %%
# Pass ``covariance_matrix``, ``precision_matrix`` or ``scale_tril``
# ------------------------------------------------------------------
#
# The precision matrix is the inverse of the covariance. ``scale_tril`` is
# the Cholesky factor of the covariance: a lower triangular matrix L with
# a positive diagonal and :math:`L L^T` equal to the covariance. Let a
# network compute ``scale_tril``, because the distribution then needs no
# factorization.
mean, value = torch.tensor([1.0, -1.0]), torch.tensor([2.0, 0.0])
tril = torch.tensor([[2.0, 0.0], [0.5, 1.0]])
cov = tril @ tril.T  # tensor([[4.0000, 1.0000], [1.0000, 1.2500]])
a = distributions.MultivariateNormal(mean, covariance_matrix=cov)
b = distributions.MultivariateNormal(mean, precision_matrix=cov.inverse())
c = distributions.MultivariateNormal(mean, scale_tril=tril)
a.log_prob(value)  # tensor(-2.9373)
b.log_prob(value)  # tensor(-2.9373)
c.log_prob(value)  # tensor(-2.9373)
a.scale_tril  # tensor([[2.0000, 0.0000], [0.5000, 1.0000]])
c.precision_matrix  # tensor([[0.3125, -0.2500], [-0.2500, 1.0000]])
with suppress(ValueError):
    distributions.MultivariateNormal(
        mean, cov, scale_tril=tril
    )  # ValueError: Exactly one of covariance_matrix

# %%
# Draws of ``MultivariateNormal``, ``MixtureSameFamily``, ``Dirichlet``
# ---------------------------------------------------------------------
#
# Each point is a draw. Left: a positive correlation stretches the cloud
# along a rising line. Middle: a mixture has one cloud for each component.
# Right: two of three proportions are positive and have a sum below 1, so
# the points stay within a triangle.
tilt = torch.tensor([[1.0, 0.8], [0.8, 1.0]])
tilted = distributions.MultivariateNormal(torch.zeros(2), tilt)
centers = torch.tensor([[-2.0, 1.0], [2.0, -1.0]])
groups = distributions.MixtureSameFamily(
    distributions.Categorical(torch.tensor([0.3, 0.7])),
    distributions.MultivariateNormal(centers, torch.eye(2) * 0.4),
)
shares = distributions.Dirichlet(torch.tensor([2.0, 3.0, 4.0]))
figure, axes = plt.subplots(1, 3, figsize=(9, 3.2))
draws = {}
for ax, law in zip(axes, [tilted, groups, shares]):
    draws[law] = law.sample((1000,))[:, :2]
    ax.scatter(*draws[law].T.cpu(), s=5, alpha=0.5)
    ax.set_title(type(law).__name__, fontsize=10)
figure.tight_layout()
(draws[tilted].T.corrcoef()[0, 1] - 0.8).abs() < 0.06  # tensor(True)
left = (draws[groups][:, 0] < 0).float().mean()
(left - 0.3).abs() < 0.08  # tensor(True)
draws[shares].sum(dim=1).max() < 1  # tensor(True)

# %%
# Error: expected parameter covariance_matrix to be PositiveDefinite()
# --------------------------------------------------------------------
#
# A covariance matrix must be symmetric and positive definite, which means
# that each weighted sum of the entries has a positive variance. This
# fails if one column of the data is a multiple of another, or if there
# are fewer samples than columns. Add a small number to the diagonal.
# ``validate_args=False`` moves the error to the Cholesky factorization.
x = torch.tensor([[1.0, 2.0], [2.0, 4.0], [3.0, 6.0]])
mean, cov = x.mean(0), x.T.cov()
with suppress(ValueError):
    distributions.MultivariateNormal(
        mean, cov
    )  # ValueError: Expected parameter covariance_matrix
with suppress(torch.linalg.LinAlgError):
    distributions.MultivariateNormal(
        mean, cov, validate_args=False
    )  # LinAlgError: linalg.cholesky: The factorization could not
wider = distributions.MultivariateNormal(mean, cov + 1e-3 * torch.eye(2))
wider.variance - cov.diag()  # tensor([0.0010, 0.0010])
with suppress(ValueError):
    distributions.MultivariateNormal(
        mean, torch.tensor([[2.0, 0.6], [0.5, 2.0]])
    )  # ValueError: to satisfy the constraint PositiveDefinite()
with suppress(ValueError):
    distributions.MultivariateNormal(
        mean, scale_tril=torch.tensor([[2.0, 0.6], [0.6, 2.0]])
    )  # ValueError: Expected parameter scale_tril

# %%
# Many entries, few causes: ``LowRankMultivariateNormal``
# -------------------------------------------------------
#
# The covariance is :math:`W W^T + D`. A few causes act on the entries
# with the weights W, and each entry has noise of its own with the
# variances D. The class takes W as ``cov_factor`` and the diagonal of D
# as ``cov_diag``. Use it if a full covariance matrix would be too large.
W = torch.tensor([[1.0], [2.0], [0.0]])
noise = torch.tensor([0.5, 0.5, 2.0])
low_rank = distributions.LowRankMultivariateNormal(torch.zeros(3), W, noise)
cov = low_rank.covariance_matrix
cov[0]  # tensor([1.5000, 2.0000, 0.0000])
cov[1]  # tensor([2.0000, 4.5000, 0.0000])
torch.allclose(cov, W @ W.T + noise.diag())  # True
value = torch.tensor([1.0, 2.0, 3.0])
low_rank.log_prob(value)  # tensor(-6.3137)
full = distributions.MultivariateNormal(torch.zeros(3), cov)
full.log_prob(value)  # tensor(-6.3137)

# %%
# Treat the last dimension as one vector: ``Independent``
# -------------------------------------------------------
#
# ``Normal`` returns a log probability for each element.
# ``Independent(normal, 1)`` adds them up along the last dimension, so a row
# of a batch counts as one value. Use it for a policy with several actions
# or for the latent vector of a variational autoencoder. The values are
# those of a ``MultivariateNormal`` with a diagonal covariance.
mean = torch.tensor([[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]])
each = distributions.Normal(mean, 2.0)
rows = distributions.Independent(each, 1)
value = mean + torch.tensor([[0.0], [2.0]])
each.log_prob(value)[1]  # tensor([-2.1121, -2.1121, -2.1121])
rows.log_prob(value)  # tensor([-4.8362, -6.3362])
diagonal = distributions.MultivariateNormal(mean, 4.0 * torch.eye(3))
diagonal.log_prob(value)  # tensor([-4.8362, -6.3362])
rows.batch_shape, rows.event_shape  # (torch.Size([2]), torch.Size([3]))
with suppress(ValueError):
    distributions.Independent(
        each, 3
    )  # ValueError: Expected reinterpreted_batch_ndims

# %%
# Several groups: ``torch.distributions.MixtureSameFamily``
# ---------------------------------------------------------
#
# A ``Categorical`` chooses a component, and the value is drawn from it. The
# density is the sum of the densities of the components, each multiplied by
# its weight. By Bayes' rule, the share of a component in this sum is the
# probability that it produced the value.
weights = torch.tensor([0.25, 0.75])
parts = distributions.Normal(torch.tensor([-2.0, 2.0]), torch.ones(2))
chosen = distributions.Categorical(weights)
mixture = distributions.MixtureSameFamily(chosen, parts)
mixture.mean  # tensor(1.)
mixture.variance  # tensor(4.)
value = torch.tensor(0.5)
density = mixture.log_prob(value).exp()  # tensor(0.1015)
known = stats.norm([-2, 2]).pdf(0.5)
(0.25 * known[0] + 0.75 * known[1]).item()  # 0.1015
mixture.cdf(value)  # tensor(0.2986)
shares = weights * parts.log_prob(value).exp() / density
shares  # tensor([0.0432, 0.9568])
with suppress(ValueError):
    distributions.MixtureSameFamily(
        distributions.Categorical(torch.ones(3)), parts
    )  # ValueError: `mixture_distribution component` (3) does not equal

# %%
# Fit a Gaussian mixture with gradients: ``MixtureSameFamily``
# ------------------------------------------------------------
#
# A mixture has no ``rsample``, because the choice of a component is
# discrete. You can still minimize the mean of ``-log_prob``, which has
# gradients. The last dimension of ``batch_shape`` counts the components.
# If each component is a vector, use ``MultivariateNormal`` or
# ``Independent``.
data = torch.cat([torch.randn(300, 2) - 2, torch.randn(100, 2) + 2])
logits = torch.zeros(2, requires_grad=True)
means = torch.tensor([[-1.0, 0.0], [1.0, 0.0]], requires_grad=True)


def mixture():
    parts = distributions.Independent(distributions.Normal(means, 1.0), 1)
    chosen = distributions.Categorical(logits=logits)
    return distributions.MixtureSameFamily(chosen, parts)


optimizer = torch.optim.Adam([logits, means], lr=0.1)
for _ in range(150):
    optimizer.zero_grad()
    loss = -mixture().log_prob(data).mean()
    loss.backward()
    optimizer.step()
target = torch.tensor([[-2.0, -2.0], [2.0, 2.0]])
(means.detach() - target).abs().max() < 0.5  # tensor(True)
(logits.softmax(0)[0] - 0.75).abs() < 0.05  # tensor(True)
mixture().has_rsample  # False

# %%
# Random proportions: ``torch.distributions.Dirichlet``
# -----------------------------------------------------
#
# A draw is a vector of positive numbers that add up to 1, such as class
# probabilities. Its mean is the concentration divided by its sum, and a
# larger sum keeps the draws closer to the mean. To learn from counts of
# classes, add them to the concentration. The result is the posterior, the
# distribution after you have seen the data.
prior = distributions.Dirichlet(torch.tensor([2.0, 3.0, 5.0]))
prior.mean  # tensor([0.2000, 0.3000, 0.5000])
share = torch.tensor([0.2, 0.3, 0.5])
prior.log_prob(share)  # tensor(2.1407)
stats.dirichlet([2, 3, 5]).logpdf([0.2, 0.3, 0.5]).item()  # 2.1407
counts = torch.tensor([8.0, 2.0, 0.0])
posterior = distributions.Dirichlet(prior.concentration + counts)
posterior.mean  # tensor([0.5000, 0.2500, 0.2500])
prior.stddev[0], posterior.stddev[0]  # (tensor(0.1206), tensor(0.1091))
torch.allclose(prior.sample((5,)).sum(-1), torch.ones(5))  # True
with suppress(ValueError):
    prior.log_prob(share / 2)  # ValueError: within the support (Simplex())

# %%
# Random proportions from normal values: ``LogisticNormal``
# ---------------------------------------------------------
#
# ``LogisticNormal`` turns k normal values into k + 1 proportions. It breaks
# pieces off a stick of length 1: the sigmoid of a value is the part of the
# rest that the next piece takes. Zeros give equal pieces. The density is
# that of the normal values divided by the product of the proportions.
law = distributions.LogisticNormal(torch.zeros(2), torch.ones(2))
law.sample().sum()  # tensor(1.0000)
(stick,) = law.transforms
stick(torch.zeros(2))  # tensor([0.3333, 0.3333, 0.3333])
z = torch.tensor([1.0, -0.6])
value = stick(z)
value  # tensor([0.5761, 0.1502, 0.2737])
a, b = (z - torch.tensor([2.0, 1.0]).log()).sigmoid()
pieces = torch.stack([a, (1 - a) * b, (1 - a) * (1 - b)])
pieces  # tensor([0.5761, 0.1502, 0.2737])
law.log_prob(value)  # tensor(1.2251)
by_hand = distributions.Normal(0.0, 1.0).log_prob(z).sum()
by_hand - value.log().sum()  # tensor(1.2251)
with suppress(NotImplementedError):
    law.mean  # NotImplementedError

# %%
# Random covariance matrices: ``torch.distributions.Wishart``
# -----------------------------------------------------------
#
# If you draw ``df`` vectors x from a normal with mean 0 and covariance V,
# the sum of the matrices :math:`x x^T` has a Wishart distribution. Its
# mean is ``df`` times V, so divide by ``df`` for a given mean. ``df``
# must be greater than the number of rows minus 1. ``sample`` warns about
# singular draws even if no draw is singular, so you can ignore this
# warning.
V = torch.tensor([[2.0, 0.6], [0.6, 0.5]])
wishart = distributions.Wishart(torch.tensor(5.0), covariance_matrix=V)
wishart.mean  # tensor([[10.0000, 3.0000], [3.0000, 2.5000]])
value = torch.tensor([[8.0, 2.0], [2.0, 3.0]])
wishart.log_prob(value)  # tensor(-6.1488)
known = stats.wishart(5, [[2, 0.6], [0.6, 0.5]])
known.logpdf([[8, 2], [2, 3]]).item()  # -6.1488
normal = distributions.MultivariateNormal(torch.zeros(2), V)
vectors = normal.sample((5000, 5))
sums = vectors.mT @ vectors
(sums.mean(0) - wishart.mean).abs().max() < 0.6  # tensor(True)
draws = wishart.sample((5000,))  # UserWarning: Singular sample detected
(draws.mean(0) - wishart.mean).abs().max() < 0.6  # tensor(True)
torch.linalg.eigvalsh(draws).min() > 0  # tensor(True)
with suppress(ValueError):
    distributions.Wishart(
        torch.tensor(1.0), V
    )  # ValueError: Value of df=1.0 expected to be greater than ndim - 1

# %%
# Random correlation matrices: ``torch.distributions.LKJCholesky``
# ----------------------------------------------------------------
#
# A draw is the Cholesky factor L of a correlation matrix, so the diagonal
# of :math:`L L^T` is 1. Multiply the rows of L by standard deviations to
# get a ``scale_tril``. By default, the concentration is 1, and all
# correlation matrices are equally likely. A larger concentration draws
# correlations closer to 0.
lkj = distributions.LKJCholesky(3)
L = lkj.sample()
(L @ L.T).diag()  # tensor([1.0000, 1.0000, 1.0000])
std = torch.tensor([1.0, 2.0, 0.5])
scaled = std[:, None] * L
normal = distributions.MultivariateNormal(torch.zeros(3), scale_tril=scaled)
normal.stddev  # tensor([1.0000, 2.0000, 0.5000])
pair = torch.tensor([[1.0, 0.0], [0.6, 0.8]])
distributions.LKJCholesky(2).log_prob(pair).exp()  # tensor(0.5000)
narrow = distributions.LKJCholesky(2, concentration=3.0)
narrow.log_prob(pair).exp()  # tensor(0.3840)
15 / 16 * (1 - 0.6**2) ** 2  # 0.3840
for concentration in (1.0, 12.0):
    r = distributions.LKJCholesky(2, concentration).sample((5000,))[:, 1, 0]
    expected = (2 * concentration + 1) ** -0.5
    (r.std() / expected - 1).abs() < 0.06  # tensor(True)
with suppress(ValueError):
    lkj.log_prob(2 * L)  # ValueError: within the support (CorrCholesky())
