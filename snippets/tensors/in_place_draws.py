"""
Random numbers and shapes in place
==================================

Overwrite a tensor with random numbers, or change its shape under its name.
"""
from contextlib import suppress

import torch

# %%
# Random integers: ``Tensor.random_``
# -----------------------------------
#
# ``random_(10)`` draws from 0 to 9, ``random_(5, 8)`` from 5 to 7, each
# number equally often; the dtype of the tensor stays. Without arguments it
# draws from 0 to the largest whole number the dtype can count to.
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
# ``lambd`` is the rate :math:`\lambda`, so the mean is
# :math:`1 / \lambda`, and so is the standard deviation. NumPy's
# ``exponential`` takes the mean instead.
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
# With probability ``p`` each, the number of tries *up to and including* the
# first success: it starts at 1 and has mean :math:`1 / p`.
# ``torch.distributions.Geometric`` counts the failures before it.
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
# ``mean`` and ``std`` are those of the *logarithm*. The numbers themselves
# have the median :math:`e^{\mu}` and the larger mean
# :math:`e^{\mu + \sigma^2 / 2}`.
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
# Half of the numbers lie within ``sigma`` of ``median``, but the tails are
# so heavy that an average of them never settles. Look at the median.
x = torch.empty(100_000).cauchy_(median=3, sigma=2)
(x.median() - 3).abs() < 0.07  # tensor(True)
within = ((x - 3).abs() < 2).double().mean()
(within - 0.5).abs() < 0.01  # tensor(True)
x.abs().max() > 1000  # tensor(True)

# %%
# Counts with given rates: ``torch.poisson``
# ------------------------------------------
#
# It has no in-place form: the tensor holds the rates, one for each element,
# and a tensor of counts as floats comes back. Mean and variance are both
# the rate.
rates = torch.tensor([2.0, 20.0])
counts = torch.poisson(rates.expand(100_000, 2))
counts.dtype  # torch.float32
torch.equal(counts, counts.floor())  # True
(counts.mean(dim=0) / rates - 1).abs().max() < 0.02  # tensor(True)
(counts.var(dim=0) / rates - 1).abs().max() < 0.04  # tensor(True)

# %%
# Write into a matrix: ``fill_diagonal_``, ``tril_``, ``triu_``
# -------------------------------------------------------------
#
# ``tril_`` and ``triu_`` set the other triangle to zero; ``fill_diagonal_``
# writes one number. With ``wrap=True`` the diagonal of a tall matrix starts
# again after a gap of one row.
x = torch.tensor([[1, 2], [3, 4]])
x.clone().tril_()  # tensor([[1, 0], [3, 4]])
x.clone().triu_(diagonal=1)  # tensor([[0, 2], [0, 0]])
x.fill_diagonal_(0)  # tensor([[0, 2], [3, 0]])
tall = torch.zeros(5, 2).fill_diagonal_(1, wrap=True)
tall[:, 0]  # tensor([1., 0., 0., 1., 0.])

# %%
# Turn a tensor itself: ``transpose_``, ``squeeze_``, ``unsqueeze_``
# ------------------------------------------------------------------
#
# No element moves: only shape and strides of this tensor change, and other
# views keep theirs. ``t_``, ``swapaxes_`` and ``swapdims_`` are
# ``transpose_`` too.
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
# Another size or memory: ``Tensor.resize_``, ``Tensor.set_``
# -----------------------------------------------------------
#
# ``resize_`` keeps the elements in memory order, and what it adds is
# whatever was there: it is no ``reshape``, but for buffers given as
# ``out=``. ``set_`` lets a tensor look at the memory of another one.
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
# A weight that is trained neither changes its size in place nor is
# overwritten outside of ``torch.no_grad``. Use ``reshape`` for another
# shape, and draw numbers under ``no_grad``.
weight = torch.ones(2, 3, requires_grad=True)
with suppress(RuntimeError):
    weight.resize_(6)  # RuntimeError: cannot resize variables
with suppress(RuntimeError):
    weight.exponential_()  # RuntimeError: a leaf Variable
weight.reshape(6).shape  # torch.Size([6])
with torch.no_grad():
    weight.exponential_()
(weight != 1).all()  # tensor(True)
