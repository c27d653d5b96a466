"""
Running sums, differences, integrals
====================================

Compute cumulative sums and products, differences of neighbours, and
integrals and derivatives of sampled functions.
"""
import math
from contextlib import suppress

import torch

# %%
# Running total: ``torch.cumsum``
# -------------------------------
#
# Element i of the result is the sum of the elements up to and including i.
# ``dim`` is required. The result for integers and booleans is int64. The
# in-place ``cumsum_`` keeps the dtype of the tensor, so a small integer
# dtype can wrap around.
x = torch.tensor([[1, 2, 3], [10, 20, 30]])
torch.cumsum(x, dim=1)  # tensor([[1, 3, 6], [10, 30, 60]])
x.cumsum(dim=0)  # tensor([[1, 2, 3], [11, 22, 33]])
mask = torch.tensor([True, False, True, True])
mask.cumsum(dim=0)  # tensor([1, 1, 2, 3])
small = torch.tensor([200, 100], dtype=torch.uint8)
small.cumsum(dim=0)  # tensor([200, 300])
small.cumsum_(dim=0)  # tensor([200, 44], dtype=torch.uint8)
with suppress(TypeError):
    x.cumsum()  # TypeError: missing 1 since 2.13, TypeError: int dim before

# %%
# Exclusive cumulative sum: shift a ``cumsum``
# --------------------------------------------
#
# Subtract the elements from their ``cumsum``, or put a zero in front of it.
# The result tells where each sequence starts if sequences are stored one
# after the other. The sum of a range is the difference of two such sums.
lengths = torch.tensor([3, 1, 4])
lengths.cumsum(dim=0) - lengths  # tensor([0, 3, 4])
bounds = torch.nn.functional.pad(lengths.cumsum(dim=0), (1, 0))
bounds  # tensor([0, 3, 4, 8])
x = torch.tensor([5, 1, 1, 7, 2, 2, 2, 3])
total = torch.nn.functional.pad(x.cumsum(dim=0), (1, 0))
total[bounds[1:]] - total[bounds[:-1]]  # tensor([7, 7, 9])

# %%
# Sum from the end: ``flip``, ``cumsum``, ``flip``
# ------------------------------------------------
#
# The returns in reinforcement learning are sums over all later rewards. If
# rewards are discounted, use a loop from the end. The version with
# ``cumsum`` divides by powers of the discount, which become very small in
# long sequences.
rewards = torch.tensor([1.0, 2.0, 4.0])
rewards.flip(0).cumsum(dim=0).flip(0)  # tensor([7., 6., 4.])
returns, running = torch.empty(3), 0.0
for i in reversed(range(3)):
    running = rewards[i] + 0.5 * running
    returns[i] = running
returns  # tensor([3., 4., 4.])
weights = 0.5 ** torch.arange(3)
discounted = (rewards * weights).flip(0).cumsum(dim=0).flip(0)
discounted / weights  # tensor([3., 4., 4.])

# %%
# Running product, maximum, minimum: ``torch.cumprod``, ``cummax``
# ----------------------------------------------------------------
#
# ``cummax`` and ``cummin`` return the values and their indices. With
# ``cummax`` you can compute the largest drop of a price from its peak. The
# ``cumprod`` of 1 minus a hazard rate is a survival curve.
x = torch.tensor([2, 1, 5, 3])
torch.cumprod(x, dim=0)  # tensor([2, 2, 10, 30])
torch.cummax(x, dim=0).values  # tensor([2, 2, 5, 5])
x.cummax(dim=0).indices  # tensor([0, 0, 2, 2])
values, indices = torch.cummin(x, dim=0)
values, indices  # (tensor([2, 1, 1, 1]), tensor([0, 1, 1, 1]))
torch.equal(x.cummin(dim=0).values, -(-x).cummax(dim=0).values)  # True
price = torch.tensor([10.0, 20.0, 15.0, 12.0])
(price / price.cummax(dim=0).values).min()  # tensor(0.6000)
survival = 1 - torch.tensor([0.5, 0.25, 0.0])
survival.cumprod_(dim=0)  # tensor([0.5000, 0.3750, 0.3750])

# %%
# Running sum in log space: ``torch.logcumsumexp``
# ------------------------------------------------
#
# ``torch.logcumsumexp`` computes ``x.exp().cumsum(dim).log()`` without
# overflow. Its last element is the ``logsumexp``. If you subtract the last
# element, you get the logarithm of the cumulative distribution of a
# softmax.
x = torch.tensor([1000.0, 1000.0, 1001.0], dtype=torch.float64)
x.exp().cumsum(dim=0).log().isinf().all()  # tensor(True)
total = torch.logcumsumexp(x, dim=0)
total - 1000  # tensor([0.0000, 0.6931, 1.5514], dtype=torch.float64)
math.log(2), math.log(2 + math.e)  # (0.6931, 1.5514)
torch.allclose(total[-1], x.logsumexp(dim=0))  # True
cdf = x.softmax(dim=0).cumsum(dim=0)
torch.allclose((total - total[-1]).exp(), cdf)  # True
torch.equal(x.logcumsumexp(dim=0), total)  # True

# %%
# Differences of neighbours, undo ``cumsum``: ``torch.diff``
# ----------------------------------------------------------
#
# The result has one element less than the input. By default the differences
# are taken along the last dimension. With a zero in ``prepend``, ``diff``
# undoes ``cumsum``, and ``n`` takes differences repeatedly. For booleans it
# marks where the values change.
x = torch.tensor([1, 4, 9, 16])
torch.diff(x)  # tensor([3, 5, 7])
x.diff(n=2)  # tensor([2, 2])
start = torch.tensor([0])
x.cumsum(dim=0).diff(prepend=start)  # tensor([1, 4, 9, 16])
torch.equal(torch.cat([start, x]).diff().cumsum(dim=0), x)  # True
torch.stack([x, 10 * x]).diff(dim=0)  # tensor([[9, 36, 81, 144]])
speech = torch.tensor([False, True, True, False])
speech.diff()  # tensor([True, False, True])

# %%
# Integrate samples: ``torch.trapezoid``
# --------------------------------------
#
# ``torch.trapezoid`` applies the trapezoidal rule. Pass the positions ``x``
# as the second argument, or ``dx`` if the samples are evenly spaced.
# ``torch.cumulative_trapezoid`` returns the integral up to each sample
# except the first. ``torch.trapz`` is an older name.
x = torch.tensor([0.0, 1.0, 3.0])
y = torch.tensor([0.0, 2.0, 6.0])
torch.trapezoid(y, x)  # tensor(9.)
(y.diff() / 2 + y[:-1]) @ x.diff()  # tensor(9.)
torch.trapezoid(y, dx=0.5)  # tensor(2.5000)
torch.trapz(y, x)  # tensor(9.)
torch.cumulative_trapezoid(y, x)  # tensor([1., 9.])
t = torch.linspace(0, math.pi, 1001, dtype=torch.float64)
area = torch.trapezoid(t.sin(), t)
abs(area.item() - 2) < 1e-5  # True

# %%
# Differentiate samples: ``torch.gradient``
# -----------------------------------------
#
# ``torch.gradient`` uses central differences inside and one-sided
# differences at the ends. With ``edge_order=2`` the ends are exact for a
# parabola, too. The result is a tuple with one tensor for each dimension.
# For the derivative of a function that PyTorch computes, use
# ``torch.autograd.grad`` instead.
y = torch.tensor([0.0, 1.0, 4.0, 9.0])
torch.gradient(y)  # (tensor([1., 2., 4., 5.]),)
torch.gradient(y, edge_order=2)[0]  # tensor([0., 2., 4., 6.])
torch.gradient(y, spacing=0.5)[0]  # tensor([2., 4., 8., 10.])
x = torch.tensor([0.0, 1.0, 3.0, 4.0])
slopes = torch.gradient(x**2, spacing=(x,))[0]
slopes  # tensor([1.0000, 2.0000, 6.0000, 7.0000])
image = torch.tensor([[1.0, 2.0, 3.0], [5.0, 6.0, 7.0]])
down, right = torch.gradient(image)
down[0], right[0]  # (tensor([4., 4., 4.]), tensor([1., 1., 1.]))
with suppress(RuntimeError):
    torch.gradient(y[:1])  # RuntimeError: at least edge_order+1

# %%
# Long running sums lose digits: ``cumsum`` in float64
# ----------------------------------------------------
#
# A float32 has 24 significant bits, so from 16777216 upwards adding 1 may
# change nothing. Count with integers, or pass ``dtype=torch.float64``, so
# that the sum is computed in float64. Convert the result back at the end.
x = torch.tensor([2.0**24, 1.0, 1.0])
x.cumsum(dim=0)[:2] - 2**24  # tensor([0., 0.])
wide = x.cumsum(dim=0, dtype=torch.float64)
wide - 2**24  # tensor([0., 1., 2.], dtype=torch.float64)
wide.float() - 2**24  # tensor([0., 0., 2.])

# %%
# Error: modified by an inplace operation (``Tensor.cumsum_``)
# ------------------------------------------------------------
#
# ``exp`` keeps its result for the backward pass, and ``cumsum_`` overwrites
# it, so ``backward`` raises an error. Use the forms without an underscore
# if you need gradients.
x = torch.tensor([2.0, 3.0], requires_grad=True)
y = x.exp()
y.cumsum_(dim=0)  # shape (2,)
with suppress(RuntimeError):
    y.sum().backward()  # RuntimeError: modified by an inplace operation
x.cumprod(dim=0).sum().backward()
x.grad  # tensor([4., 2.])
