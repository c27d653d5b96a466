"""
Extremes and quantiles
======================

Find the largest and smallest elements and their indices, the median, the
mode and quantiles.
"""
from contextlib import suppress

import torch

# %%
# Largest and smallest value: three forms of ``torch.max``
# --------------------------------------------------------
#
# ``x.max()`` returns one value, and ``x.max(dim)`` returns values and
# indices. ``torch.max(x, y)`` compares two tensors element by element; the
# name ``torch.maximum`` says this more clearly. ``torch.min`` has the same
# three forms.
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
# ``amax`` and ``amin`` return only the values and accept several
# dimensions, while ``max`` accepts one. ``aminmax`` returns the minimum and
# the maximum in one call. Use it to scale values to the range from 0 to 1.
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
# Index of the largest element: ``torch.argmax``, ``argmin``
# ----------------------------------------------------------
#
# Without ``dim`` the index refers to the flattened tensor, and
# ``torch.unravel_index`` converts it into row and column. If several values
# are equal, the index is that of the first. A classifier predicts the class
# with ``argmax`` along the class dimension.
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
# ``torch.topk`` returns values and indices, the largest first.
# ``largest=False`` returns the smallest. Use it to compute top-k accuracy,
# or to keep only the most likely tokens before you sample.
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
# For an even number of elements, ``median`` returns the lower of the two
# middle values, while NumPy and ``quantile(0.5)`` return their mean.
# ``mode`` is the most frequent value, or the smallest of them. ``kthvalue``
# counts from 1, beginning with the smallest. With ``dim`` all three return
# indices, too.
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
# ``q`` is a number from 0 to 1. Several of them, given as a tensor, form
# the first dimension of the result. By default the result is interpolated
# between two elements. ``interpolation`` can also be ``"lower"``,
# ``"higher"``, ``"nearest"`` or ``"midpoint"``.
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
# If the input contains nan, ``max``, ``min`` and ``median`` return nan, and
# ``topk`` puts it first. ``nanmedian`` and ``nanquantile`` ignore nan. To
# ignore it in a maximum, replace it by ``-inf``. ``torch.fmax`` and
# ``torch.fmin`` of two tensors return the number if the other element is
# nan.
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
# ``x.amax(dim)`` and ``x.max()`` divide the gradient equally among equal
# maxima. ``x.max(dim)`` gives the whole gradient to the element whose index
# it returns. Equal values are common after a ReLU, which sets many elements
# to 0.
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
# Many reductions write their result into ``out``, or into a pair of tensors
# if they return a pair. In a loop this saves memory allocations. A tensor
# of the wrong shape is resized here with a warning. ``amax`` raises an
# error if the dtype differs from that of the input.
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
# ``x.max(dim=1)`` returns a named tuple of values and indices, which has no
# tensor methods. Some arithmetic with it raises an error, and some treats
# it as a tuple, so ``2 *`` repeats it. Take ``.values`` or ``.indices``,
# unpack the tuple, or call ``amax`` or ``argmax``.
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
# There are fewer than ``k`` elements along ``dim``, which is the last
# dimension by default. This happens if you ask for the top 5 of a model
# with two classes, so pass ``min(5, classes)``. An empty tensor has no
# maximum, and ``argmax`` does not accept booleans.
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
# Before 2.14, ``torch.quantile`` accepts at most 16 million elements. Use
# ``kthvalue`` in these versions; with so many elements, interpolation makes
# little difference. The quantile of a random sample is a good estimate,
# too.
x = torch.arange(2.0**24 + 1)
with suppress(RuntimeError):
    x.quantile(
        0.5
    )  # tensor(8388608.) since 2.14, RuntimeError: is too large before
k = 1 + round(0.5 * (len(x) - 1))
x.kthvalue(k).values  # tensor(8388608.)
