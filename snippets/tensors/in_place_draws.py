"""
Random numbers and shapes in place
==================================

Overwrite a tensor with random numbers, or change its shape in place.
"""
from contextlib import suppress

import torch

# %%
# Random integers: ``Tensor.random_``
# -----------------------------------
#
# ``random_(10)`` draws integers from 0 to 9, and ``random_(5, 8)`` from 5
# to 7. All numbers have the same probability. The dtype of the tensor does
# not change.
x = torch.empty(100_000).random_(10)
x.unique()  # tensor([0., 1., 2., 3., 4., 5., 6., 7., 8., 9.])
(x.mean() - 4.5).abs() < 0.06  # tensor(True)
counts = x.long().bincount()
(counts - 10_000).abs().max() < 700  # tensor(True)
codes = torch.empty(1000, dtype=torch.uint8).random_(5, 8)
codes.unique()  # tensor([5, 6, 7], dtype=torch.uint8)

# %%
# Waiting times: ``Tensor.exponential_``
# --------------------------------------
#
# ``lambd`` is the rate :math:`\lambda` of the exponential distribution. The
# mean and the standard deviation are both :math:`1 / \lambda`. NumPy's
# ``exponential`` takes the mean instead of the rate.
x = torch.empty(100_000).exponential_(lambd=4)
(x.mean() - 1 / 4).abs() < 0.006  # tensor(True)
(x.std() - 1 / 4).abs() < 0.01  # tensor(True)
below = (x < 0.5).double().mean()
(below - (1 - torch.e ** (-4 * 0.5))).abs() < 0.01  # tensor(True)
x.min() >= 0  # tensor(True)

# %%
# Tries until success: ``Tensor.geometric_``
# ------------------------------------------
#
# If each try succeeds with probability ``p``, ``geometric_`` draws the
# number of tries *up to and including* the first success. The smallest
# number is 1, and the mean is :math:`1 / p`.
# ``torch.distributions.Geometric`` counts only the failures before the
# success.
x = torch.empty(100_000).geometric_(0.25)
x.min()  # tensor(1.)
(x.mean() - 4).abs() < 0.07  # tensor(True)
((x == 1).double().mean() - 0.25).abs() < 0.01  # tensor(True)
failures = torch.distributions.Geometric(0.25)
failures.mean  # tensor(3.)

# %%
# Log-normal numbers: ``Tensor.log_normal_``
# ------------------------------------------
#
# ``mean`` and ``std`` are the mean :math:`\mu` and the standard deviation
# :math:`\sigma` of the *logarithm* of the numbers. The numbers themselves
# have the mean :math:`e^{\mu + \sigma^2 / 2}`.
x = torch.empty(100_000, dtype=torch.float64)
x.log_normal_(mean=2, std=0.5)
(x.log().mean() - 2).abs() < 0.01  # tensor(True)
(x.log().std() - 0.5).abs() < 0.01  # tensor(True)
mean = torch.tensor(2 + 0.5**2 / 2, dtype=torch.float64).exp()
mean  # tensor(8.3729, dtype=torch.float64)
(x.mean() - mean).abs() < 0.1  # tensor(True)

# %%
# Heavy tails without a mean: ``Tensor.cauchy_``
# ----------------------------------------------
#
# Half of the numbers are within ``sigma`` of ``median``. The tails are so
# heavy that the Cauchy distribution has no mean, and an average does not
# settle with more samples. Use the median instead.
x = torch.empty(100_000).cauchy_(median=3, sigma=2)
(x.median() - 3).abs() < 0.07  # tensor(True)
within = ((x - 3).abs() < 2).double().mean()
(within - 0.5).abs() < 0.01  # tensor(True)
x.abs().max() > 1000  # tensor(True)

# %%
# Counts with given rates: ``torch.poisson``
# ------------------------------------------
#
# ``torch.poisson`` takes a tensor of rates and returns one count for each
# rate, as floats. Mean and variance are both equal to the rate. The
# function has no in-place form.
rates = torch.tensor([2.0, 20.0])
counts = torch.poisson(rates.expand(100_000, 2))
counts.dtype  # torch.float32
torch.equal(counts, counts.floor())  # True
(counts.mean(dim=0) / rates - 1).abs().max() < 0.02  # tensor(True)
(counts.var(dim=0) / rates - 1).abs().max() < 0.04  # tensor(True)

# %%
# Change a matrix in place: ``fill_diagonal_``, ``tril_``, ``triu_``
# ------------------------------------------------------------------
#
# ``tril_`` keeps the lower triangle, ``triu_`` keeps the upper one, and the
# rest becomes zero. ``fill_diagonal_`` writes one number to the diagonal.
# With ``wrap=True``, the diagonal of a tall matrix starts again after a gap
# of one row.
x = torch.tensor([[1, 2], [3, 4]])
x.clone().tril_()  # tensor([[1, 0], [3, 4]])
x.clone().triu_(diagonal=1)  # tensor([[0, 2], [0, 0]])
x.fill_diagonal_(0)  # tensor([[0, 2], [3, 0]])
tall = torch.zeros(5, 2).fill_diagonal_(1, wrap=True)
tall[:, 0]  # tensor([1., 0., 0., 1., 0.])

# %%
# Transpose, squeeze in place: ``transpose_``, ``squeeze_``, ``unsqueeze_``
# -------------------------------------------------------------------------
#
# These methods change the shape and the strides of the tensor and move no
# data. Other views of the same data keep their shape. ``swapaxes_`` and
# ``swapdims_`` are other names for ``transpose_``, and ``t_`` transposes a
# matrix.
x = torch.arange(6).reshape(2, 3)
view, address = x[:], x.data_ptr()
x.transpose_(0, 1)  # tensor([[0, 3], [1, 4], [2, 5]])
x.t_().shape  # torch.Size([2, 3])
x.swapaxes_(0, 1).swapdims_(0, 1).shape  # torch.Size([2, 3])
x.unsqueeze_(0).shape  # torch.Size([1, 2, 3])
x.squeeze_(0).shape  # torch.Size([2, 3])
x.as_strided_((3,), (2,))  # tensor([0, 2, 4])
x.data_ptr() == address  # True
view.shape  # torch.Size([2, 3])

# %%
# Change the size or the memory: ``Tensor.resize_``, ``Tensor.set_``
# ------------------------------------------------------------------
#
# ``resize_`` keeps the elements in memory order, and the elements that it
# adds are not initialized. It is meant for buffers that are passed as
# ``out=``; use ``reshape`` to change a shape. ``set_`` makes a tensor share
# the memory of another one.
x = torch.arange(6)
x.resize_(2, 2)  # tensor([[0, 1], [2, 3]])
x.resize_(3, 4)[0]  # tensor([0, 1, 2, 3])
x.resize_as_(torch.zeros(1, 2))  # tensor([[0, 1]])
y = torch.tensor([7, 8, 9])
x.set_(y)  # tensor([7, 8, 9])
x.is_set_to(y)  # True
x[0] = 0
y  # tensor([0, 8, 9])

# %%
# Error: cannot resize variables that require grad (``resize_``)
# --------------------------------------------------------------
#
# A tensor that requires a gradient cannot be resized in place. Use
# ``reshape`` to get another shape. To overwrite it with random numbers, use
# ``torch.no_grad``.
weight = torch.ones(2, 3, requires_grad=True)
with suppress(RuntimeError):
    weight.resize_(6)  # RuntimeError: cannot resize variables
with suppress(RuntimeError):
    weight.exponential_()  # RuntimeError: a leaf Variable
weight.reshape(6).shape  # torch.Size([6])
with torch.no_grad():
    weight.exponential_()
(weight != 1).all()  # tensor(True)
