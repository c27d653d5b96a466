"""
Counting, histograms, correlation
=================================

Count labels, spread numbers over bins, and measure how columns vary
together.
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
# Element i of the result is how often i occurs, for integers from 0 up.
# ``minlength`` sets the number of classes, so that those that do not occur
# count too. For labels with large gaps use ``unique``.
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
# Each element adds its weight instead of 1. The weights are numbers: rows
# of features need ``index_add``, and so do gradients, which ``bincount``
# lacks.
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
# A pair of class numbers becomes one number, ``target * classes +
# prediction``; counting those and reshaping gives rows of true and columns
# of predicted classes. The diagonal is what was right.
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
# Counts over even bins: ``torch.histc``
# --------------------------------------
#
# ``bins`` intervals from ``min`` to ``max``; the last one includes its
# upper end, and what lies outside is left out. With both ends 0, the
# default, they are those of the data. Counts come in the dtype of the data,
# without the edges.
x = torch.tensor([0.5, 1.0, 1.5, 3.0, 4.0, 9.0])
torch.histc(x, bins=3, min=1, max=4)  # tensor([2., 0., 2.])
x.histc(bins=2)  # tensor([5., 1.])
x.double().histc(bins=2).dtype  # torch.float64
edges = torch.linspace(1, 4, 4)
inside = x[(x >= 1) & (x <= 4)]
bins = torch.bucketize(inside, edges, right=True).clamp_max(3) - 1
bins.bincount(minlength=3)  # tensor([2, 0, 2])

# %%
# Counts over bins of your own, density: ``torch.histogram``
# ----------------------------------------------------------
#
# Takes a number of bins or the edges, weights, and ``density=True``, which
# makes the area 1; returns the edges as well. Floats alone, and on the CPU
# alone: on a GPU use ``bucketize`` and ``bincount``, or ``histc``.
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
# Counts in two or more dimensions: ``torch.histogramdd``
# -------------------------------------------------------
#
# Rows are points and columns coordinates; the result has one dimension for
# each column. ``range`` lists lower and upper end for each in turn. CPU
# alone, as ``torch.histogram``.
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
# Counting in PyTorch and drawing the counts leaves only a few numbers to
# move to the plot. With ``density=True`` the steps follow the density of
# the distribution, here the standard normal.
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
# How columns vary together: ``torch.cov``
# ----------------------------------------
#
# Rows are variables and columns observations, as in NumPy: pass ``X.T`` for
# a table of samples. Divided by n - 1 unless ``correction=0``. ``fweights``
# says how often each observation counts, ``aweights`` how much.
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
# The covariance divided by both standard deviations, from -1 to 1. Rows are
# variables here too. A constant variable has no deviation and gives NaN, or
# by rounding a number that means nothing.
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
# Flatten maps of labels, convert floats, and take out marks such as -100
# for "ignore" before counting. Shown on the CPU, as are integers in
# ``histc``, which only a GPU takes.
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
