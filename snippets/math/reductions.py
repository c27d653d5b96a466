"""
Sums, means, spreads
====================

Compute sums, means, products and standard deviations of a whole tensor or
along some of its dimensions.
"""
import math
from contextlib import suppress

import numpy as np
import torch

# %%
# Sum of all, of columns, of rows: ``torch.sum``
# ----------------------------------------------
#
# ``dim`` is the dimension that disappears. ``dim=0`` adds up the rows and
# leaves one number for each column. Pass a tuple to sum over several
# dimensions. NumPy's names ``axis`` and ``keepdims`` work, too.
x = torch.tensor([[1, 2, 3], [10, 20, 30]])
torch.sum(x)  # tensor(66)
x.sum(dim=0)  # tensor([11, 22, 33])
x.sum(dim=1)  # tensor([6, 60])
x.sum(dim=-1, keepdim=True)  # tensor([[6], [60]])
x.sum(axis=1, keepdims=True)  # tensor([[6], [60]])
images = torch.ones(8, 3, 4, 5)
images.sum(dim=(2, 3)).shape  # torch.Size([8, 3])
images.sum(dim=(0, 2, 3))  # tensor([160., 160., 160.])

# %%
# Mean along a dimension: ``torch.mean``
# --------------------------------------
#
# You can take the mean over one or several dimensions. If batches differ in
# size, the average of their means is not the mean of all elements. Multiply
# each mean by the size of its batch, for example for the loss of a smaller
# last batch.
x = torch.tensor([[1.0, 2.0, 3.0], [10.0, 20.0, 30.0]])
torch.mean(x)  # tensor(11.)
x.mean(dim=0)  # tensor([5.5, 11., 16.5])
x.mean(dim=1, keepdim=True)  # tensor([[2.], [20.]])
x[None].mean(dim=(1, 2))  # tensor([11.])
batches = [torch.tensor([1.0, 2.0, 3.0]), torch.tensor([10.0])]
torch.stack([b.mean() for b in batches]).mean()  # tensor(6.)
torch.cat(batches).mean()  # tensor(4.)
sum(b.mean() * len(b) for b in batches) / 4  # tensor(4.)

# %%
# Leave NaN out: ``torch.nansum``, ``torch.nanmean``
# --------------------------------------------------
#
# If one element is nan, the sum is nan. ``nansum`` treats nan as 0, and
# ``nanmean`` divides by the number of elements that are not nan. For a row
# of nothing but nan, ``nansum`` returns 0 and ``nanmean`` returns nan.
nan = float("nan")
x = torch.tensor([[1.0, nan, 5.0], [nan, nan, nan]])
x.sum(dim=1)  # tensor([nan, nan])
torch.nansum(x, dim=1)  # tensor([6., 0.])
torch.nanmean(x, dim=1)  # tensor([3., nan])
x.nansum() / x.isnan().logical_not().sum() == x.nanmean()  # tensor(True)
x[0].nan_to_num().mean()  # tensor(2.)

# %%
# Product of elements: ``torch.prod``
# -----------------------------------
#
# ``torch.prod`` multiplies all elements, or those along one dimension. A
# product of many numbers can leave the range of float32, so add the
# logarithms instead. The product of an empty tensor is 1, and its sum is 0.
x = torch.tensor([[1, 2, 3], [4, 5, 6]])
torch.prod(x)  # tensor(720)
x.prod(dim=1)  # tensor([6, 120])
p = torch.full((100,), 0.1)
p.prod()  # tensor(0.)
p.log().sum()  # tensor(-230.2585)
torch.tensor([]).prod(), torch.tensor([]).sum()  # (tensor(1.), tensor(0.))
with suppress(TypeError):
    x.prod(dim=(0, 1))  # TypeError: invalid combination of arguments

# %%
# Standard deviation and variance: ``torch.std``, ``torch.var``
# -------------------------------------------------------------
#
# ``torch.std`` and ``torch.var`` divide by n - 1, while NumPy divides by n.
# ``correction`` is the number that is subtracted from n, and its default is
# 1. NumPy calls it ``ddof``. ``unbiased=False`` is an older way to write
# ``correction=0``.
x = torch.tensor([1.0, 2.0, 3.0, 6.0])
torch.var(x)  # tensor(4.6667)
torch.var(x, correction=0)  # tensor(3.5000)
(x - x.mean()).square().sum() / 4  # tensor(3.5000)
torch.std(x)  # tensor(2.1602)
round(float(np.std([1, 2, 3, 6])), 4)  # 1.8708
x.std(correction=0)  # tensor(1.8708)
x.std(unbiased=False)  # tensor(1.8708)
x.var(unbiased=False).sqrt()  # tensor(1.8708)
round(float(np.std([1, 2, 3, 6], ddof=1)), 4)  # 2.1602
with suppress(TypeError):
    x.std(ddof=0)  # TypeError: invalid combination of arguments

# %%
# Mean and standard deviation in one pass: ``torch.std_mean``, ``var_mean``
# -------------------------------------------------------------------------
#
# The standard deviation or the variance comes first, and the mean second.
# Use them to standardize columns. With ``keepdim=True`` both broadcast
# against the input along any dimension, so you can compute layer
# normalization by hand.
x = torch.tensor([[1.0, 10.0], [3.0, 50.0]])
std, mean = torch.std_mean(x, dim=0)
mean, std  # (tensor([2., 30.]), tensor([1.4142, 28.2843]))
(x - mean) / std  # tensor([[-0.7071, -0.7071], [0.7071, 0.7071]])
var, mean = torch.var_mean(x, dim=1, correction=0, keepdim=True)
by_hand = (x - mean) / (var + 1e-5).sqrt()
layer_norm = torch.nn.functional.layer_norm(x, (2,))
torch.allclose(by_hand, layer_norm)  # True

# %%
# Count, all, any: ``torch.count_nonzero``, ``all``, ``any``
# ----------------------------------------------------------
#
# The sum of a condition counts how often it is true, and its mean is the
# share. ``torch.all`` and ``torch.any`` test the whole tensor or one or
# several dimensions. Numbers other than 0 count as true, and so does nan.
# ``all`` of an empty tensor is true.
x = torch.tensor([[3, 0, 5], [0, 0, 7]])
torch.count_nonzero(x), (x > 4).sum()  # (tensor(3), tensor(2))
x.count_nonzero(dim=0)  # tensor([1, 0, 2])
(x > 4).float().mean(dim=0)  # tensor([0., 0., 1.])
torch.any(x > 5), torch.all(x >= 0)  # (tensor(True), tensor(True))
x.any(dim=0)  # tensor([True, False, True])
(x > 0).all(dim=1)  # tensor([False, False])
x[None].all(dim=(0, 1))  # tensor([False, False, True])
torch.tensor([]).all()  # tensor(True)
torch.tensor(float("nan")).any()  # tensor(True)

# %%
# Sum in log space: ``torch.logsumexp``
# -------------------------------------
#
# ``torch.logsumexp`` computes ``x.exp().sum().log()`` without overflow,
# because it subtracts the maximum first. If you subtract its result from
# the scores, you get ``log_softmax``. For two tensors, use
# ``torch.logaddexp``.
x = torch.tensor([[1000.0, 1000.0], [0.0, math.log(3)]])
x.exp().sum(dim=1).log()  # tensor([inf, 1.3863])
torch.logsumexp(x, dim=1)  # tensor([1000.6932, 1.3863])
m = x.amax(dim=1)
stable = m + (x - m[:, None]).exp().sum(dim=1).log()
torch.allclose(x.logsumexp(dim=1), stable)  # True
scores = x - x.logsumexp(dim=1, keepdim=True)
torch.allclose(scores, x.log_softmax(dim=1), atol=1e-3)  # True

# %%
# Sum ragged groups or to a shape: ``torch.segment_reduce``, ``sum_to_size``
# --------------------------------------------------------------------------
#
# ``torch.segment_reduce``, which is in beta, reduces consecutive groups of
# elements whose lengths you pass. ``Tensor.sum_to_size`` sums a tensor down
# to a shape that could be broadcast to its own shape. The gradient of
# broadcasting is computed in this way.
x = torch.tensor([1.0, 2.0, 10.0, 20.0, 30.0])
lengths = torch.tensor([2, 3])
torch.segment_reduce(x, "sum", lengths=lengths)  # tensor([3., 60.])
torch.segment_reduce(x, "max", lengths=lengths)  # tensor([2., 30.])
bias = torch.tensor([[1.0], [2.0]], requires_grad=True)
weights = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
(bias * weights).sum().backward()
bias.grad  # tensor([[6.], [15.]])
weights.sum_to_size(2, 1)  # tensor([[6.], [15.]])

# %%
# The dtype of a sum: ``x.sum(dtype=...)``
# ----------------------------------------
#
# Sums of integers and booleans are computed in int64, so the sum of uint8
# pixels does not wrap around. A sum of float16 stays float16 and overflows
# above 65504. Pass ``dtype=torch.float32`` to convert the elements before
# they are added.
#
# .. glance:: half.sum(dtype=torch.float32)
pixels = torch.tensor([200, 100], dtype=torch.uint8)
pixels.sum()  # tensor(300)
pixels[0] + pixels[1]  # tensor(44, dtype=torch.uint8)
torch.tensor([True, True, False]).sum()  # tensor(2)
half = torch.full((100,), 1000.0, dtype=torch.float16)
half.sum()  # tensor(inf, dtype=torch.float16)
half.sum(dtype=torch.float32)  # tensor(100000.)
pixels.sum(dtype=torch.uint8)  # tensor(44, dtype=torch.uint8)

# %%
# Error: mean(): could not infer output dtype (integers)
# ------------------------------------------------------
#
# The mean of integers or booleans is in general not an integer, so PyTorch
# needs a float dtype. Convert the tensor with ``.float()``, or pass
# ``dtype``. The error often appears when you compute an accuracy, because
# ``==`` returns booleans.
hits = torch.tensor([1, 0, 0]) == torch.tensor([1, 1, 0])
with suppress(RuntimeError):
    hits.mean()  # RuntimeError: mean(): could not infer output dtype
hits.float().mean()  # tensor(0.6667)
hits.mean(dtype=torch.float32)  # tensor(0.6667)
hits.sum() / hits.numel()  # tensor(0.6667)
with suppress(RuntimeError):
    torch.tensor([1, 2]).std()  # RuntimeError: only support floating point

# %%
# Warning: std(): degrees of freedom is <= 0; mean of nothing is nan
# ------------------------------------------------------------------
#
# ``torch.std`` divides by n - 1, so for a single number it returns nan with
# a warning. Use two or more numbers, or pass ``correction=0``. The mean of
# an empty tensor is nan without a warning, for example if a mask selects
# nothing. Divide the sum by ``clamp_min(1)`` of the count instead.
x = torch.tensor([4.0, 6.0])
x[:1].std()  # UserWarning: std(): degrees of freedom is <= 0
x[:1].std(correction=0)  # tensor(0.)
x[x > 10].mean()  # tensor(nan)
mask = x > 10
(x * mask).sum() / mask.sum().clamp_min(1)  # tensor(0.)
