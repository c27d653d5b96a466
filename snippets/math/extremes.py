"""
Extremes and quantiles
======================

Find the largest and smallest elements, where they are, and the values in
between: median, mode, quantiles.
"""
from contextlib import suppress

import torch

# %%
# Largest and smallest value: three forms of ``torch.max``
# --------------------------------------------------------
#
# ``x.max()`` is one value; ``x.max(dim)`` a pair of values and indices;
# ``torch.max(x, y)`` the larger of two tensors at each place, for which
# ``torch.maximum`` says it better. ``torch.min`` has the same forms.
x = torch.tensor([[3, 9, 4], [8, 1, 7]])
x.max()  # tensor(9)
values, indices = x.max(dim=1)
values, indices  # (tensor([9, 8]), tensor([1, 0]))
torch.max(x, dim=0).values  # tensor([8, 9, 7])
torch.min(x, dim=1, keepdim=True).indices  # tensor([[0], [1]])
x.min(dim=0).values  # tensor([3, 1, 4])
torch.max(x[0], x[1])  # tensor([8, 9, 7])
torch.maximum(x[0], torch.tensor(5))  # tensor([5, 9, 5])
torch.min(x[0], x[1]).equal(torch.minimum(x[0], x[1]))  # True

# %%
# Values without indices: ``torch.amax``, ``amin``, ``aminmax``
# -------------------------------------------------------------
#
# ``amax`` and ``amin`` return a tensor, not a pair, and take several
# dimensions; ``max`` takes one. ``aminmax`` gets both in one pass, as for
# scaling to the range 0 to 1.
x = torch.tensor([[[3.0, 9.0], [4.0, 5.0]], [[8.0, 1.0], [7.0, 2.0]]])
torch.amax(x, dim=(1, 2))  # tensor([9., 8.])
x.amin(dim=(1, 2))  # tensor([3., 1.])
with suppress(TypeError):
    x.max(dim=(1, 2))  # TypeError: invalid combination of arguments
low, high = torch.aminmax(x)
low, high  # (tensor(1.), tensor(9.))
x.aminmax(dim=2).max  # tensor([[9., 5.], [8., 7.]])
gap = torch.sub(*torch.aminmax(x.clone().requires_grad_()))
with suppress(RuntimeError):
    gap.backward()  # None since 2.12, RuntimeError: not implemented before
scaled = (x - low) / (high - low)
scaled[1, 0]  # tensor([0.8750, 0.0000])
torch.amin(x) == x.min()  # tensor(True)

# %%
# Where the largest is: ``torch.argmax``, ``argmin``
# --------------------------------------------------
#
# Without ``dim`` the index counts in the flattened tensor;
# ``torch.unravel_index`` makes it a row and a column. Of equal values the
# first is named. A prediction is the ``argmax`` over the classes.
logits = torch.tensor([[0.2, 2.5, 0.1], [1.5, 0.3, 0.9]])
logits.argmax(dim=1)  # tensor([1, 0])
torch.argmin(logits, dim=1)  # tensor([2, 1])
flat = torch.argmax(logits)
flat  # tensor(1)
torch.unravel_index(logits.argmin(), logits.shape)  # (tensor(0), tensor(2))
best = logits.argmax(dim=1, keepdim=True)
logits.gather(1, best)  # tensor([[2.5000], [1.5000]])
torch.tensor([7, 9, 9]).argmax()  # tensor(1)
logits.softmax(dim=1).argmax(dim=1)  # tensor([1, 0])

# %%
# The k largest: ``torch.topk``
# -----------------------------
#
# Values and indices, largest first; ``largest=False`` takes the smallest.
# Cheaper than a sort, and the way to top-5 accuracy and to cutting a
# distribution down to its likeliest tokens.
#
# .. glance:: values, indices
logits = torch.tensor([[4.0, 1.0, 9.0, 3.0], [2.0, 8.0, 5.0, 7.0]])
values, indices = torch.topk(logits, 2)
values, indices  # (tensor([[9., 4.], [8., 7.]]), tensor([[2, 0], [1, 3]]))
logits.topk(1, largest=False).indices  # tensor([[1], [0]])
targets = torch.tensor([0, 0])
(indices == targets[:, None]).any(dim=1)  # tensor([True, False])
kept = torch.full_like(logits, -torch.inf).scatter(1, indices, values)
kept[0]  # tensor([4., -inf, 9., -inf])
kept.softmax(dim=1).count_nonzero(dim=1)  # tensor([2, 2])

# %%
# Median, mode, k-th smallest: ``torch.median``, ``kthvalue``
# -----------------------------------------------------------
#
# Of an even count ``median`` is the lower of the two in the middle, NumPy's
# their mean: ``quantile(0.5)`` is that. ``mode`` is the most frequent
# value, the smallest of several; ``kthvalue`` counts from 1 and from below.
# With a ``dim`` they return indices too; without, ``median`` takes all
# elements and the others the last dimension.
x = torch.tensor([[1.0, 2.0, 10.0, 4.0], [5.0, 3.0, 5.0, 3.0]])
torch.median(x[0])  # tensor(2.)
x[0].quantile(0.5)  # tensor(3.)
x.median(dim=1).values  # tensor([2., 3.])
torch.kthvalue(x, 2).values  # tensor([2., 3.])
x.kthvalue(4).values  # tensor([10., 5.])
torch.mode(x).values  # tensor([1., 3.])
x.mode(dim=0).values  # tensor([1., 2., 5., 3.])

# %%
# Quantiles and percentiles: ``torch.quantile``
# ---------------------------------------------
#
# ``q`` runs from 0 to 1; several of them make a new first dimension.
# Between two elements it interpolates, unless ``interpolation`` asks for
# ``"lower"``, ``"higher"``, ``"nearest"`` or ``"midpoint"``.
x = torch.tensor([10.0, 50.0, 20.0, 40.0, 30.0])
torch.quantile(x, 0.25)  # tensor(20.)
x.quantile(torch.tensor([0.0, 0.9]))  # tensor([10.0000, 46.0000])
x.quantile(0.9, interpolation="lower")  # tensor(40.)
x.quantile(0.9, interpolation="midpoint")  # tensor(45.)
quartiles = torch.tensor([0.25, 0.75])
batch = torch.stack([x, 2 * x])
batch.quantile(quartiles, dim=1)  # tensor([[20., 40.], [40., 80.]])
with suppress(RuntimeError):
    x.long().quantile(0.5)  # RuntimeError: must be either float or double

# %%
# Leave NaN out: ``torch.nanmedian``, ``nanquantile``, ``fmax``
# -------------------------------------------------------------
#
# A NaN wins every ``max``, ``min`` and ``median``, and ``topk`` unless
# ``largest=False``; the index is that of the NaN. For the maximum put
# ``-inf`` in its place; ``torch.fmax`` and ``torch.fmin`` prefer the number
# of two.
x = torch.tensor([3.0, float("nan"), 1.0, 2.0])
x.max(), x.argmin()  # (tensor(nan), tensor(1))
x.median(), x.topk(1).values  # (tensor(nan), tensor([nan]))
x.topk(1, largest=False).values  # tensor([1.])
torch.nanmedian(x)  # tensor(2.)
x.nanmedian(dim=0).indices  # tensor(3)
torch.nanquantile(x, 0.75) == x.nanquantile(0.75)  # tensor(True)
x.nanquantile(0.75)  # tensor(2.5000)
(-x).nan_to_num(nan=-torch.inf).max()  # tensor(-1.)
x.fmax(torch.zeros(4))  # tensor([3., 0., 1., 2.])
x.fmin(torch.ones(4))  # tensor([1., 1., 1., 1.])
torch.maximum(x, torch.zeros(4))  # tensor([3., nan, 1., 2.])

# %%
# Gradient of equal maxima: ``amax`` against ``max(dim)``
# -------------------------------------------------------
#
# ``x.amax(dim)`` and ``x.max()`` share the gradient among equal values,
# ``x.max(dim)`` gives all of it to the one whose index it names. After a
# ReLU ties at 0 are common.
x = torch.tensor([[2.0, 5.0, 5.0], [7.0, 7.0, 1.0]], requires_grad=True)
x.amax(dim=1).sum().backward()
x.grad  # tensor([[0.0, 0.5, 0.5], [0.5, 0.5, 0.0]])
x.grad = None
x.max(dim=1).values.sum().backward()
x.grad.sort().values  # tensor([[0., 0., 1.], [0., 0., 1.]])
x.grad = None
x.max().backward()
x.grad  # tensor([[0.0, 0.0, 0.0], [0.5, 0.5, 0.0]])

# %%
# Write the result into tensors you have: ``out=``
# ------------------------------------------------
#
# Most reductions take ``out``; those that return a pair take a pair. It
# saves the allocation inside a loop. A wrong shape is resized with a
# warning, a dtype that does not fit is an error (``amax`` takes its own
# alone), and autograd does not go through.
x = torch.tensor([[3.0, 9.0], [8.0, 1.0]])
values, indices = torch.empty(2), torch.empty(2, dtype=torch.long)
torch.max(x, dim=1, out=(values, indices)).values is values  # True
values, indices  # (tensor([9., 8.]), tensor([1, 0]))
torch.amin(x, dim=1, out=values) is values  # True
values  # tensor([3., 1.])
with suppress(RuntimeError):
    torch.amax(x, dim=1, out=indices)  # RuntimeError: dtype for input
wide = torch.empty(2, dtype=torch.float64)
torch.sum(x, dim=1, out=wide)  # tensor([12., 9.], dtype=torch.float64)
wrong = torch.empty(3)
result = torch.amax(x, dim=1, out=wrong)  # UserWarning: was resized

# %%
# Error: unsupported operand type (``max(dim)`` returns a pair)
# -------------------------------------------------------------
#
# ``x.max(dim=1)`` is a named tuple of values and indices, without the
# methods of a tensor. Some arithmetic with it fails, and some does what
# tuples do: ``2 *`` repeats it. Take ``.values`` or ``.indices``, unpack
# it, or call ``amax`` or ``argmax``.
logits = torch.tensor([[0.0, 2.5], [1.5, 0.5]])
targets = torch.tensor([1, 1])
with suppress(TypeError):
    logits - logits.max(dim=1)  # TypeError: unsupported operand type
len(2 * logits.max(dim=1))  # 4
top = logits.amax(dim=1, keepdim=True)
logits - top  # tensor([[-2.5, 0.0], [0.0, -1.0]])
with suppress(AttributeError):
    logits.max(dim=1).float()  # AttributeError: has no attribute 'float'
_, predicted = logits.max(dim=1)
(predicted == targets).float().mean()  # tensor(0.5000)
(logits.max(dim=1).indices == targets).sum()  # tensor(1)

# %%
# Error: selected index k out of range (``torch.topk``)
# -----------------------------------------------------
#
# There are fewer than ``k`` elements along ``dim``, by default the last.
# Top-5 of a two-class model meets it: ask for ``min(5, classes)``. An empty
# tensor has no maximum.
logits = torch.tensor([[0.2, 2.5], [1.5, 0.3]])
with suppress(RuntimeError):
    logits.topk(5)  # RuntimeError: selected index k out of range
logits.topk(min(5, logits.size(1))).indices  # tensor([[1, 0], [0, 1]])
with suppress(RuntimeError):
    logits.kthvalue(3)  # RuntimeError: selected number k out of range
with suppress(RuntimeError):
    logits[:0].max()  # RuntimeError: Expected reduction dim to be specified
with suppress(RuntimeError):
    (logits > 1).argmax(dim=1)  # RuntimeError: does not support bool
(logits > 1).int().argmax(dim=1)  # tensor([1, 0])

# %%
# Error: quantile() input tensor is too large
# -------------------------------------------
#
# Before 2.14 ``torch.quantile`` takes at most 16 million elements. The k-th
# smallest element is not limited in this way, and so many elements need no
# interpolation between neighbours. A random sample is an estimate.
x = torch.arange(2.0**24 + 1)
with suppress(RuntimeError):
    x.quantile(
        0.5
    )  # tensor(8388608.) since 2.14, RuntimeError: is too large before
k = 1 + round(0.5 * (len(x) - 1))
x.kthvalue(k).values  # tensor(8388608.)
