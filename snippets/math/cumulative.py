"""
Running sums, differences, integrals
====================================

Accumulate along a dimension, undo it, and integrate or differentiate
samples of a function.
"""
import math
from contextlib import suppress

import torch

# %%
# Running total: ``torch.cumsum``
# -------------------------------
#
# Element i is the sum of all up to and including i. ``dim`` has to be
# named, whatever the shape. Integers and booleans come out as int64;
# ``cumsum_`` keeps the dtype of the tensor, and small ones wrap around.
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
# Sum up to but not including: shift a ``cumsum``
# -----------------------------------------------
#
# Subtract the element itself, or put a zero in front and cut the last one
# off. Offsets of sequences packed one after the other are such sums, and a
# range of sums is a difference of two.
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
# Returns of reinforcement learning add what is still to come. With a
# discount, a loop from the end is as long and does not lose digits to large
# powers.
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
# ``cummax`` and ``cummin`` return the values and where they were found.
# ``cumprod`` of 1 minus a hazard is a survival curve, as the transmittance
# in volume rendering.
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
# ``x.exp().cumsum(dim).log()`` without overflow: the cumulative
# distribution of a softmax, in logarithms. The last element is the
# ``logsumexp``.
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
# One element fewer than before, by default along the last dimension. With
# ``prepend`` of a zero it is the inverse of ``cumsum``; ``n`` repeats it.
# Of booleans it marks where they change.
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
# The trapezoidal rule, with ``dx`` for even spacing or the places ``x`` as
# second argument. ``torch.trapz`` is the older name.
# ``torch.cumulative_trapezoid`` gives the integral up to each sample but
# the first.
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
# Central differences inside, one-sided ones at the ends, which are exact
# for straight lines, or for parabolas with ``edge_order=2``. It returns a
# tuple, one tensor for each dimension. This is no autograd: for a function
# that PyTorch computes use ``torch.autograd.grad``.
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
# Float32 has 24 bits: from 16777216 on, a total no longer shows every 1.
# Count in integers, or name ``dtype=torch.float64``, which also adds up in
# it, and convert back at the end.
x = torch.tensor([2.0**24, 1.0, 1.0])
x.cumsum(dim=0)[:2] - 2**24  # tensor([0., 0.])
wide = x.cumsum(dim=0, dtype=torch.float64)
wide - 2**24  # tensor([0., 1., 2.], dtype=torch.float64)
wide.float() - 2**24  # tensor([0., 0., 2.])

# %%
# Error: modified by an inplace operation (``Tensor.cumsum_``)
# ------------------------------------------------------------
#
# ``cumprod`` and ``exp`` keep numbers for the backward pass; overwriting
# them is an error, raised in ``backward``. Write the form without
# underscore wherever gradients flow.
x = torch.tensor([2.0, 3.0], requires_grad=True)
y = x.exp()
y.cumsum_(dim=0)  # shape (2,)
with suppress(RuntimeError):
    y.sum().backward()  # RuntimeError: modified by an inplace operation
x.cumprod(dim=0).sum().backward()
x.grad  # tensor([4., 2.])
