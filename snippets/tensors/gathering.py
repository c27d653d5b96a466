"""
Gathering and scattering
========================

Pick elements by index (gather), and write or add them by index (scatter).
"""
from contextlib import suppress

import torch

# %%
# Pick whole rows or columns: ``torch.index_select``
# --------------------------------------------------
#
# ``index_select`` picks rows or columns with a 1-D index, which may repeat
# and reorder them. It does the same as ``x[:, index]`` but takes the
# dimension as an argument. Negative indices are not allowed. The result is
# a copy.
#
# .. tensors:: x, x.index_select(0, index), x.index_select(1, index)
#    :style: index
x = torch.tensor([[10, 11, 12], [20, 21, 22], [30, 31, 32]])
index = torch.tensor([2, 0])
torch.index_select(x, 0, index)  # tensor([[30, 31, 32], [10, 11, 12]])
x.index_select(1, index)  # tensor([[12, 10], [22, 20], [32, 30]])
torch.equal(x.index_select(1, index), x[:, index])  # True

# %%
# Pick one element of each row: ``torch.gather``
# ----------------------------------------------
#
# The index has as many dimensions as ``x``, and the result has the shape of
# the index. With ``dim=1``, ``result[i, j]`` is ``x[i, index[i, j]]``. Use
# ``gather`` to pick from each sample the score of its target class.
#
# .. tensors:: x, index, x.gather(1, index)
#    :style: index
x = torch.tensor([[10, 11, 12], [20, 21, 22]])
index = torch.tensor([[2, 0], [1, 1]])
x.gather(1, index)  # tensor([[12, 10], [21, 21]])
target = torch.tensor([2, 1])
torch.gather(x, 1, target.unsqueeze(1))  # tensor([[12], [21]])
torch.gather(x, 0, torch.tensor([[0, 1, 0]]))  # tensor([[10, 21, 12]])

# %%
# Choose between ``index_select`` and ``gather``
# ----------------------------------------------
#
# Use ``index_select`` to pick the same positions from all rows, and
# ``gather`` to pick different positions from each row. If the index has
# fewer rows than ``x``, ``gather`` reads only these rows and gives no
# warning. ``torch.take_along_dim`` does the same as ``gather`` but
# broadcasts the index.
x = torch.tensor([[10, 30, 20], [60, 50, 40]])
x.index_select(1, torch.tensor([1]))  # tensor([[30], [50]])
best = x.argmax(dim=1, keepdim=True)
best  # tensor([[1], [0]])
x.gather(1, best)  # tensor([[30], [60]])
both = torch.tensor([[2, 0]])
x.gather(1, both)  # tensor([[20, 10]])
torch.take_along_dim(x, both, dim=1)  # tensor([[20, 10], [40, 60]])

# %%
# Pick by position in the flattened tensor: ``torch.take``
# --------------------------------------------------------
#
# ``take`` treats ``x`` as if it were flattened, row after row. The result
# has the shape of the index. ``argmax`` without ``dim`` returns such a flat
# position. ``Tensor.put_`` writes to the positions that ``take`` reads.
x = torch.tensor([[10, 60, 30], [40, 50, 20]])
torch.take(x, torch.tensor([[0], [5]]))  # tensor([[10], [20]])
x.argmax()  # tensor(1)
x.take(x.argmax())  # tensor(60)
x.put_(torch.tensor([0, 5]), torch.tensor([1, 2]))
x  # tensor([[1, 60, 30], [40, 50, 2]])

# %%
# Write one element of each row, one-hot: ``scatter``
# ---------------------------------------------------
#
# ``scatter`` is the reverse of ``gather``. With ``dim=1``, ``src[i, j]`` is
# written to ``[i, index[i, j]]``. ``scatter_`` writes into the tensor
# itself. To make one-hot rows, scatter the number 1 into zeros.
#
# .. tensors:: blank, index, src, blank.scatter(1, index, src)
blank = torch.tensor([[0, 0, 0], [0, 0, 0]])
index = torch.tensor([[2, 0], [1, 2]])
src = torch.tensor([[5, 6], [7, 8]])
blank.scatter(1, index, src)  # tensor([[6, 0, 5], [0, 7, 8]])
target = torch.tensor([2, 0])
one_hot = torch.zeros(2, 3)
one_hot.scatter_(1, target.unsqueeze(1), 1.0)
one_hot  # tensor([[0., 0., 1.], [1., 0., 0.]])

# %%
# Sum by group: ``scatter_add``, ``index_add``
# --------------------------------------------
#
# ``scatter_add`` adds up the values that have the same index. If the index
# holds group numbers, the result is the sum of each group. ``index_add``
# adds up whole rows in the same way.
group = torch.tensor([0, 2, 0, 2])
amount = torch.tensor([1.0, 10.0, 2.0, 20.0])
torch.zeros(3).scatter_add(0, group, amount)  # tensor([3., 0., 30.])
rows = torch.tensor([[1, 2], [10, 20], [3, 4], [30, 40]])
total = torch.zeros(3, 2, dtype=torch.int64).index_add(0, group, rows)
total  # tensor([[4, 6], [0, 0], [40, 60]])

# %%
# Mean or maximum by group: ``scatter_reduce``
# --------------------------------------------
#
# ``reduce`` is ``"sum"``, ``"prod"``, ``"mean"``, ``"amax"`` or ``"amin"``.
# By default, the values that are already in the tensor are included. Here
# they are zeros and the new values are negative, so the maximum of each
# group is 0. ``include_self=False`` leaves out the values that were there
# before.
group = torch.tensor([0, 0, 2])
value = torch.tensor([-1.0, -2.0, -4.0])
start = torch.zeros(3)
start.scatter_reduce(0, group, value, "sum")  # tensor([-3., 0., -4.])
start.scatter_reduce(0, group, value, "amax")  # tensor([0., 0., 0.])
highest = start.scatter_reduce(0, group, value, "amax", include_self=False)
highest  # tensor([-1., 0., -4.])
mean = start.scatter_reduce(0, group, value, "mean", include_self=False)
mean  # tensor([-1.5, 0., -4.])

# %%
# Overwrite whole rows: ``index_copy``, ``index_fill``
# ----------------------------------------------------
#
# The first argument is the dimension, and 0 stands for rows. Both methods
# return a new tensor and leave ``x`` as it is. ``index_copy_`` and
# ``index_fill_`` write into ``x`` itself, as ``x[index] =`` does.
x = torch.zeros(3, 2)
index = torch.tensor([2, 0])
x.index_fill(0, index, 9.0)  # tensor([[9., 9.], [0., 0.], [9., 9.]])
new = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
x.index_copy(0, index, new)  # tensor([[3., 4.], [0., 0.], [1., 2.]])
x[index] = new
x  # tensor([[3., 4.], [0., 0.], [1., 2.]])

# %%
# Error: index must have the same number of dimensions (``gather``)
# -----------------------------------------------------------------
#
# The index must have as many dimensions as the input. In each dimension
# except ``dim``, it must not be larger than the input. It must hold
# integers, so convert floats with ``Tensor.long``. On CUDA, an index that
# is out of bounds stops all further work on the GPU, so look for the
# mistake on the CPU.
x = torch.tensor([[10, 11, 12], [20, 21, 22]], device="cpu")
target = torch.tensor([2, 0], device="cpu")
with suppress(RuntimeError):
    x.gather(1, target)  # RuntimeError: same number of dimensions as input
index = target.unsqueeze(1)
x.gather(1, index)  # tensor([[12], [20]])
with suppress(RuntimeError):
    x.gather(1, index.float())  # RuntimeError: gather(): Expected dtype
with suppress(RuntimeError):
    x[:1].gather(1, index)  # RuntimeError: no larger than self [1, 3]
with suppress(RuntimeError):
    x.gather(1, index + 1)  # RuntimeError: index 3 is out of bounds

# %%
# Error: index 2 is out of bounds for dimension 1 with size 2 (``gather``)
# ------------------------------------------------------------------------
#
# The values of the index count along the ``dim`` that you pass to
# ``gather`` and run from 0 to ``x.size(dim) - 1``. With a size of 2, the
# index may hold 0 and 1. Check for labels that count from 1, or for a wrong
# ``dim``. ``gather`` takes no negative indices, but
# ``torch.take_along_dim`` does.
x = torch.tensor([[10, 11], [20, 21], [30, 31]], device="cpu")
labels = torch.tensor([[1], [2], [1]], device="cpu")
with suppress(RuntimeError):
    x.gather(
        1, labels
    )  # RuntimeError: index 2 is out of bounds for dimension 1 with size 2
x.size(1), labels.max().item()  # (2, 2)
x.gather(1, labels - 1)  # tensor([[10], [21], [30]])
row = torch.tensor([[2, 0]], device="cpu")
x.gather(0, row)  # tensor([[30, 11]])
last = torch.full((3, 1), -1, device="cpu")
with suppress(RuntimeError):
    x.gather(1, last)  # RuntimeError: index -1 is out of bounds
torch.take_along_dim(x, last, dim=1)  # tensor([[11], [21], [31]])

# %%
# Error: expected ``self.dtype`` to be equal to ``src.dtype``
# -----------------------------------------------------------
#
# ``scatter`` does not promote dtypes, so convert the source first. The
# source must also be at least as large as the index. If the source is a
# number, it is written to all positions of the index.
index = torch.tensor([[0], [2]])
scores = torch.zeros(2, 3)
count = torch.tensor([[5], [6]])
with suppress(RuntimeError):
    scores.scatter(1, index, count)  # RuntimeError: Expected self.dtype
src = count.to(scores.dtype)
scores.scatter(1, index, src)  # tensor([[5., 0., 0.], [0., 0., 6.]])
with suppress(RuntimeError):
    scores.scatter(1, index, src[:1])  # RuntimeError: no larger size than
scores.scatter(1, index, 9)  # tensor([[9., 0., 0.], [0., 0., 9.]])

# %%
# Error: index 3 is out of bounds (``scatter_add``): count the groups
# -------------------------------------------------------------------
#
# The target tensor needs one place for each group, so its size must be
# larger than the largest index. If the group numbers are ids with gaps,
# ``unique`` with ``return_inverse=True`` turns them into 0, 1, 2 and so on.
group = torch.tensor([0, 2, 3], device="cpu")
amount = torch.tensor([1.0, 2.0, 4.0], device="cpu")
with suppress(RuntimeError):
    amount.new_zeros(3).scatter_add(
        0, group, amount
    )  # RuntimeError: index 3 is out of bounds for dimension 0 with size 3
count = int(group.max()) + 1
total = amount.new_zeros(count).scatter_add(0, group, amount)
total  # tensor([1., 0., 2., 4.])
ids = torch.tensor([70, 500, 70], device="cpu")
names, group = ids.unique(return_inverse=True)
names, group  # (tensor([70, 500]), tensor([0, 1, 0]))
total = amount.new_zeros(len(names)).scatter_add(0, group, amount)
total  # tensor([5., 2.])
