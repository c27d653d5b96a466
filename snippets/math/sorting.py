"""
Sorting, searching, unique values
=================================

Sort tensors, search in sorted sequences, put numbers into bins, and find
unique values.
"""
from contextlib import suppress

import numpy as np
import torch

# %%
# Sort values and get their places: ``torch.sort``
# ------------------------------------------------
#
# ``torch.sort`` returns the sorted values and the index that each value had
# before. It sorts along the last dimension by default, so each row is
# sorted on its own. ``torch.msort`` sorts along dimension 0 and returns
# only the values.
x = torch.tensor([[3, 1, 2], [9, 8, 7]])
values, indices = torch.sort(x)
values  # tensor([[1, 2, 3], [7, 8, 9]])
indices  # tensor([[1, 2, 0], [2, 1, 0]])
torch.equal(x.gather(1, indices), values)  # True
x.sort(descending=True).values  # tensor([[3, 2, 1], [9, 8, 7]])
columns = torch.tensor([[3, 1], [2, 5]])
columns.sort(dim=0).values  # tensor([[2, 1], [3, 5]])
torch.msort(columns).equal(columns.msort())  # True
columns.msort()  # tensor([[2, 1], [3, 5]])

# %%
# Indices that sort a tensor, stable sort: ``torch.argsort``
# ----------------------------------------------------------
#
# ``argsort`` returns the indices of ``sort``. With ``stable=True`` equal
# elements keep their order, and you need this to sort by two keys. Without
# it their order is not guaranteed.
x = torch.tensor([30, 10, 20])
torch.argsort(x)  # tensor([1, 2, 0])
x.argsort(descending=True)  # tensor([0, 2, 1])
x[x.argsort()]  # tensor([10, 20, 30])
grades = torch.tensor([2, 1, 2, 1])
grades.argsort(stable=True)  # tensor([1, 3, 0, 2])
down = torch.argsort(grades, stable=True, descending=True)
down  # tensor([0, 2, 1, 3])
grades.sort(stable=True).indices  # tensor([1, 3, 0, 2])
grades.argsort(stable=True).flip(0)  # tensor([2, 0, 3, 1])

# %%
# Sort the rows of a matrix by a column
# -------------------------------------
#
# Call ``argsort`` on the column and index the rows with the result. To sort
# by two keys, sort by the less important one first, then by the more
# important one with ``stable=True``. The same indices can reorder several
# tensors, such as boxes by their scores.
rows = torch.tensor([[2, 30], [1, 20], [2, 10]])
rows[rows[:, 1].argsort()]  # tensor([[2, 10], [1, 20], [2, 30]])
by_second = rows[rows[:, 1].argsort()]
by_both = by_second[by_second[:, 0].argsort(stable=True)]
by_both  # tensor([[1, 20], [2, 10], [2, 30]])
rows.sort(dim=0).values  # tensor([[1, 10], [2, 20], [2, 30]])
scores = torch.tensor([0.2, 0.9, 0.5])
boxes = torch.tensor([[0, 1], [2, 3], [4, 5]])
boxes[scores.argsort(descending=True)]  # tensor([[2, 3], [4, 5], [0, 1]])

# %%
# Rank of each element, undo a sort: ``argsort`` twice
# ----------------------------------------------------
#
# The first ``argsort`` gives the element for each position, and the second
# gives the position of each element, which is its rank. Index the sorted
# values with the ranks to restore the original order. Equal elements get
# different ranks, but the inverse of ``unique`` gives them the same one.
x = torch.tensor([30, 10, 20])
order = x.argsort()
rank = order.argsort()
rank  # tensor([2, 0, 1])
x[order][rank]  # tensor([30, 10, 20])
scattered = torch.empty_like(order)
scattered[order] = torch.arange(3)
torch.equal(scattered, rank)  # True
tied = torch.tensor([5, 9, 5])
tied.argsort(stable=True).argsort()  # tensor([0, 2, 1])
tied.unique(return_inverse=True)[1]  # tensor([0, 1, 0])

# %%
# No gradient through ``argsort``: a soft rank with ``torch.sigmoid``
# -------------------------------------------------------------------
#
# ``argsort`` returns integers, so a loss of ranks or of a sort order sends
# no gradient to the model. ``sort`` passes a gradient to its values. A
# sigmoid of each pairwise difference counts the smaller elements smoothly,
# and its sum is a rank with a gradient. A lower temperature brings it
# closer to the true rank.
x = torch.tensor([3.0, 1.0, 2.0], requires_grad=True)
rank = x.argsort().argsort()
rank  # tensor([2, 0, 1])
rank.requires_grad, x.sort().values.requires_grad  # (False, True)


def soft_rank(x, temperature):
    differences = x.unsqueeze(1) - x
    return (differences / temperature).sigmoid().sum(dim=1) - 0.5


soft_rank(x, 1.0).detach()  # tensor([1.6119, 0.3881, 1.0000])
soft_rank(x, 0.01).detach()  # tensor([2., 0., 1.])
wanted = torch.tensor([0.0, 1.0, 2.0])
(soft_rank(x, 1.0) - wanted).square().sum().backward()
x.grad.sign()  # tensor([1., -1., -1.])

# %%
# Insertion index in a sorted sequence: ``torch.searchsorted``
# ------------------------------------------------------------
#
# ``torch.searchsorted`` returns the index at which a value would be
# inserted. This is the number of elements that are smaller than the value,
# or not greater with ``right=True``. The first argument must be sorted, or
# the result is wrong without an error. If it is not, pass the indices of
# ``argsort`` as ``sorter``.
edges = torch.tensor([10, 20, 30])
values = torch.tensor([5, 20, 25, 99])
torch.searchsorted(edges, values)  # tensor([0, 1, 2, 3])
torch.searchsorted(edges, values, right=True)  # tensor([0, 2, 2, 3])
(edges < values[:, None]).sum(dim=1)  # tensor([0, 1, 2, 3])
torch.searchsorted(edges, 15).item()  # 1
rows = torch.tensor([[10, 20], [1, 2]])
torch.searchsorted(rows, torch.tensor([[15], [15]]))  # tensor([[1], [2]])
mixed = torch.tensor([30, 10, 20])
torch.searchsorted(mixed, torch.tensor(15)).item()  # 2
sorter = mixed.argsort()
torch.searchsorted(mixed, 15, sorter=sorter).item()  # 1

# %%
# Put numbers into bins: ``torch.bucketize``
# ------------------------------------------
#
# ``torch.bucketize`` is ``torch.searchsorted`` with the arguments swapped,
# for one sorted row of edges. ``right=True`` puts a value that is equal to
# an edge into the bin above it. Note that ``np.digitize`` does this with
# ``right=False``.
ages = torch.tensor([[3, 18], [40, 65]])
edges = torch.tensor([18, 65])
torch.bucketize(ages, edges)  # tensor([[0, 0], [1, 1]])
torch.bucketize(ages, edges, right=True)  # tensor([[0, 1], [1, 2]])
same = torch.searchsorted(edges, ages)
torch.equal(torch.bucketize(ages, edges), same)  # True
np.digitize([3, 18, 40, 65], [18, 65]).tolist()  # [0, 1, 1, 2]

# %%
# Unique values and their counts: ``torch.unique``
# ------------------------------------------------
#
# ``torch.unique`` returns a sorted 1-D tensor. ``return_inverse`` adds the
# index of each element in it, which turns arbitrary labels into numbers
# from 0. ``return_counts`` adds how often each value occurs. With ``dim``
# whole rows or columns are compared.
x = torch.tensor([[40, 10], [10, 70]])
torch.unique(x)  # tensor([10, 40, 70])
values, inverse, counts = x.unique(return_inverse=True, return_counts=True)
inverse  # tensor([[1, 0], [0, 2]])
counts  # tensor([2, 1, 1])
torch.equal(values[inverse], x)  # True
values[counts.argmax()]  # tensor(10)
rows = torch.tensor([[1, 2], [0, 5], [1, 2]])
rows.unique(dim=0)  # tensor([[0, 5], [1, 2]])
nan = torch.tensor([float("nan"), float("nan")])
nan.unique()  # tensor([nan, nan])

# %%
# Collapse runs of equal elements: ``torch.unique_consecutive``
# -------------------------------------------------------------
#
# ``torch.unique_consecutive`` removes an element if it equals the one
# before it. A value that comes back later stays. With the counts you get a
# run-length encoding, which ``torch.repeat_interleave`` decodes. CTC
# decoding begins with this step.
x = torch.tensor([7, 7, 3, 3, 3, 7])
torch.unique_consecutive(x)  # tensor([7, 3, 7])
values, counts = x.unique_consecutive(return_counts=True)
counts  # tensor([2, 3, 1])
torch.equal(values.repeat_interleave(counts), x)  # True
x.unique_consecutive(return_inverse=True)[1]  # tensor([0, 0, 1, 1, 1, 2])
rows = torch.tensor([[1, 2], [1, 2], [0, 5]])
rows.unique_consecutive(dim=0)  # tensor([[1, 2], [0, 5]])
blank, path = 0, torch.tensor([0, 3, 3, 0, 3, 5, 5])
merged = path.unique_consecutive()
merged[merged != blank]  # tensor([3, 3, 5])

# %%
# Which elements are in a set: ``torch.isin``
# -------------------------------------------
#
# ``torch.isin`` returns one boolean for each element of the first argument,
# and ``invert=True`` inverts it. Index with this mask to get the
# intersection and the difference of two sets. For the union, use ``cat``
# and ``unique``.
x = torch.tensor([[5, 2], [9, 2]])
allowed = torch.tensor([2, 9, 11])
torch.isin(x, allowed)  # tensor([[False, True], [True, True]])
torch.isin(x, allowed, invert=True).nonzero()  # tensor([[0, 0]])
(x[..., None] == allowed).any(dim=-1)[0]  # tensor([False, True])
a, b = torch.tensor([1, 3, 5]), torch.tensor([3, 4, 5])
a[torch.isin(a, b)]  # tensor([3, 5])
a[torch.isin(a, b, invert=True)]  # tensor([1])
torch.cat([a, b]).unique()  # tensor([1, 3, 4, 5])

# %%
# Sort a dict or a list by tensor values: ``sorted`` with ``item``
# ----------------------------------------------------------------
#
# Python's ``sorted`` can sort names by their values. Convert each 0-D
# tensor to a number with ``item`` first, because comparisons of tensors are
# slow, above all on a GPU. If there are many values, stack them and call
# ``argsort`` once.
losses = dict(zip("bca", torch.tensor([0.5, 0.25, 1.0])))
sorted(losses, key=lambda name: losses[name].item())  # ['c', 'b', 'a']
min(losses, key=losses.get)  # 'c'
dict(sorted(losses.items()))["a"]  # tensor(1.)
list(dict(sorted(losses.items())))  # ['a', 'b', 'c']
names = list(losses)
order = torch.stack(list(losses.values())).argsort()
[names[i] for i in order.tolist()]  # ['c', 'b', 'a']

# %%
# NaN sorts last, and first when descending (``torch.sort``)
# ----------------------------------------------------------
#
# ``torch.sort`` treats nan as the largest number, so it comes first in
# descending order. Remove or replace nan before you sort. Complex numbers
# have no order, so sort them by ``abs``.
x = torch.tensor([2.0, float("nan"), -1.0])
x.sort().values  # tensor([-1., 2., nan])
x.sort(descending=True).values  # tensor([nan, 2., -1.])
x.nan_to_num(nan=-torch.inf).argsort(descending=True)  # tensor([0, 2, 1])
x[~x.isnan()].sort(descending=True).values  # tensor([2., -1.])
z = torch.tensor([3 + 4j, 1j], device="cpu")
with suppress(RuntimeError):
    z.sort()  # RuntimeError: does not support complex dtypes
z[z.abs().argsort()]  # tensor([0.+1.j, 3.+4.j])
