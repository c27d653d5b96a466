"""
Counting, histograms, correlation
=================================

Count labels, compute histograms, and measure the covariance and correlation
of columns.
"""
from contextlib import suppress

import matplotlib.pyplot as plt
import numpy as np
import torch
import torch.nn.functional as F

# %%
# Count labels: ``torch.bincount``
# --------------------------------
#
# Element i of the result tells how often the integer i occurs in the input.
# Pass the number of classes as ``minlength``, so that missing classes get a
# count of 0. If the labels have large gaps, use ``unique`` instead.
labels = torch.tensor([1, 3, 1, 0, 1])
torch.bincount(labels)  # tensor([1, 3, 0, 1])
labels.bincount(minlength=5)  # tensor([1, 3, 0, 1, 0])
F.one_hot(labels, 5).sum(dim=0)  # tensor([1, 3, 0, 1, 0])
values, counts = labels.unique(return_counts=True)
values, counts  # (tensor([0, 1, 3]), tensor([1, 3, 1]))
frequency = labels.bincount() / labels.numel()
frequency  # tensor([0.2000, 0.6000, 0.0000, 0.2000])

# %%
# Sum and mean by label: ``bincount`` with ``weights``
# ----------------------------------------------------
#
# With ``weights``, each element adds its weight instead of 1. Each weight
# is a single number. To add rows of features, or if you need gradients, use
# ``index_add``, because ``bincount`` has no gradient.
labels = torch.tensor([0, 2, 0, 2])
prices = torch.tensor([1.0, 10.0, 3.0, 30.0])
total = torch.bincount(labels, weights=prices)
total  # tensor([4., 0., 40.])
total / labels.bincount().clamp_min(1)  # tensor([2., 0., 20.])
torch.zeros(3).index_add(0, labels, prices)  # tensor([4., 0., 40.])
prices.requires_grad_()
total = labels.bincount(weights=prices).sum()
with suppress(RuntimeError):
    total.backward()  # RuntimeError: bincount is not implemented
total = torch.zeros(3).index_add(0, labels, prices).sum()
total.backward()
prices.grad  # tensor([1., 1., 1., 1.])

# %%
# Confusion matrix with ``bincount``
# ----------------------------------
#
# Combine each target and prediction into one number, ``target * classes +
# prediction``. Count these numbers and reshape the result into a matrix.
# Its rows are the true classes and its columns the predicted ones. Correct
# predictions are on the diagonal.
targets = torch.tensor([0, 0, 1, 1, 1, 2])
predicted = torch.tensor([0, 1, 1, 1, 2, 1])
pairs = targets * 3 + predicted
matrix = pairs.bincount(minlength=9).view(3, 3)
matrix  # tensor([[1, 1, 0], [0, 2, 1], [0, 1, 0]])
matrix.trace() / matrix.sum()  # tensor(0.5000)
matrix.diagonal() / matrix.sum(dim=1)  # tensor([0.5000, 0.6667, 0.0000])
matrix.diagonal() / matrix.sum(dim=0)  # tensor([1.0000, 0.5000, 0.0000])
by_hand = F.one_hot(targets).float().T @ F.one_hot(predicted).float()
torch.equal(by_hand.long(), matrix)  # True

# %%
# Histogram with equal bins: ``torch.histc``
# ------------------------------------------
#
# ``torch.histc`` divides the range from ``min`` to ``max`` into equal bins
# and ignores elements outside. The last bin includes ``max``. By default
# the range is that of the data. The counts have the dtype of the data, and
# the edges are not returned.
x = torch.tensor([0.5, 1.0, 1.5, 3.0, 4.0, 9.0])
torch.histc(x, bins=3, min=1, max=4)  # tensor([2., 0., 2.])
x.histc(bins=2)  # tensor([5., 1.])
x.double().histc(bins=2).dtype  # torch.float64
edges = torch.linspace(1, 4, 4)
inside = x[(x >= 1) & (x <= 4)]
bins = torch.bucketize(inside, edges, right=True).clamp_max(3) - 1
bins.bincount(minlength=3)  # tensor([2, 0, 2])

# %%
# Histogram with your own bins, density: ``torch.histogram``
# ----------------------------------------------------------
#
# ``torch.histogram`` takes the number of bins or their edges, and it
# returns the counts and the edges. ``weight`` gives each element a weight.
# ``density=True`` scales the area to 1. It works only on the CPU, so on a
# GPU use ``histc``, or ``bucketize`` and ``bincount``.
x = torch.tensor([0.5, 1.0, 1.5, 3.0], device="cpu")
edges = torch.tensor([0.0, 1.0, 4.0], device="cpu")
torch.histogram(x, edges).hist  # tensor([1., 3.])
hist, bin_edges = x.histogram(bins=2, range=(0.0, 4.0))
hist, bin_edges  # (tensor([3., 1.]), tensor([0., 2., 4.]))
density = torch.histogram(x, edges, density=True).hist
density  # tensor([0.2500, 0.2500])
(density * edges.diff()).sum()  # tensor(1.)
torch.histogram(x, edges, weight=2 * x).hist  # tensor([1., 11.])
np.histogram(x.numpy(), edges.numpy())[0].tolist()  # [1, 3]

# %%
# Histogram in two or more dimensions: ``torch.histogramdd``
# ----------------------------------------------------------
#
# Each row of the input is a point, and each column is a coordinate. The
# result has one dimension for each column. ``range`` lists the lower and
# the upper end of each column in turn. The function works only on the CPU.
points = torch.tensor([[0.5, 0.5], [0.9, 2.5], [1.2, 2.9]], device="cpu")
hist, edges = torch.histogramdd(points, bins=[2, 3], range=[0, 2, 0, 3])
hist  # tensor([[1., 0., 1.], [0., 0., 1.]])
edges[1]  # tensor([0., 1., 2., 3.])
hist.sum(dim=1)  # tensor([2., 1.])
first = torch.histogram(points[:, 0].contiguous(), 2, range=(0.0, 2.0))
torch.equal(hist.sum(dim=1), first.hist)  # True

# %%
# Draw a histogram: ``torch.histogram`` and ``ax.stairs``
# -------------------------------------------------------
#
# Count with PyTorch and draw the counts, so that the plot needs only a few
# numbers. With ``density=True`` the histogram can be compared with the
# density of the distribution. The curve shows the standard normal
# distribution.
x = torch.randn(20_000, device="cpu")
density, edges = torch.histogram(x, 40, range=(-4.0, 4.0), density=True)
(density * edges.diff()).sum()  # tensor(1.0000)
grid = torch.linspace(-4, 4, 200, device="cpu")
normal = torch.distributions.Normal(grid.new_zeros(()), grid.new_ones(()))
bell = normal.log_prob(grid).exp()
figure, ax = plt.subplots()
ax.stairs(density, edges, fill=True, alpha=0.4, label="histogram")
ax.plot(grid, bell, color="C1", label="Normal(0, 1)")
ax.set_ylim(bottom=0)
ax.legend()
figure.tight_layout()
centres = (edges[1:] + edges[:-1]) / 2
error = density - normal.log_prob(centres).exp()
error.abs().max() < 0.08  # tensor(True)

# %%
# Covariance matrix: ``torch.cov``
# --------------------------------
#
# As in NumPy, the rows are variables and the columns are observations, so
# pass ``X.T`` if each row of X is a sample. By default the sums are divided
# by n - 1. ``fweights`` gives the number of times that each observation
# counts.
X = torch.tensor([[1.0, 2.0], [2.0, 6.0], [3.0, 4.0]])
torch.cov(X.T)  # tensor([[1., 1.], [1., 4.]])
centred = X - X.mean(dim=0)
torch.allclose(centred.T @ centred / 2, X.T.cov())  # True
torch.allclose(X.T.cov().diagonal(), X.var(dim=0))  # True
twice = torch.cov(X.T, fweights=torch.tensor([1, 2, 1]))
repeated = X.repeat_interleave(torch.tensor([1, 2, 1]), dim=0)
torch.allclose(twice, repeated.T.cov())  # True
X.cov().shape  # torch.Size([3, 3])

# %%
# Correlation of columns: ``torch.corrcoef``
# ------------------------------------------
#
# The correlation is the covariance divided by both standard deviations, and
# it lies between -1 and 1. The rows are the variables, as for
# ``torch.cov``. A constant variable has a standard deviation of 0 and gives
# nan. Because of rounding it can also give a meaningless number.
#
# .. glance:: r
X = torch.tensor([[1.0, 2.0, 7.0], [2.0, 6.0, 7.0], [3.0, 4.0, 7.0]])
r = torch.corrcoef(X[:, :2].T)
r  # tensor([[1.0000, 0.5000], [0.5000, 1.0000]])
std = X[:, :2].std(dim=0)
torch.allclose(X[:, :2].T.cov() / (std[:, None] * std), r)  # True
a, b = (X[:, :2] - X[:, :2].mean(dim=0)).unbind(dim=1)
F.cosine_similarity(a, b, dim=0)  # tensor(0.5000)
X.T.corrcoef()[2].isnan().all()  # tensor(True)

# %%
# Error: bincount only supports 1-d non-negative integral inputs
# --------------------------------------------------------------
#
# Before you count, flatten label maps, convert floats to integers, and
# remove labels such as -100 that mean "ignore". On the CPU, ``histc`` does
# not accept integers, so convert them to float.
labels = torch.tensor([[1, 0], [1, -100]], device="cpu")
with suppress(RuntimeError):
    torch.bincount(labels)  # RuntimeError: only supports 1-d non-negative
with suppress(RuntimeError):
    labels.flatten().bincount()  # RuntimeError: non-negative integral
labels[labels >= 0].bincount()  # tensor([1, 2])
with suppress(NotImplementedError):
    labels[0].float().bincount()  # NotImplementedError: not implemented
with suppress(NotImplementedError):
    labels[0].histc(2)  # NotImplementedError: not implemented for 'Long'
labels[0].float().histc(2)  # tensor([1., 1.])
