"""
Gathering and scattering
========================

Pick elements by index, and write them back the same way.
"""
from contextlib import suppress

import torch

# %%
# Pick whole rows or columns: ``torch.index_select``
# --------------------------------------------------
#
# One 1-D index along one dimension; it may repeat and reorder. The same as
# ``x[:, index]``, with the dimension as an argument, but no negative
# numbers. The result is a copy.
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
# the index. With ``dim=1``, ``result[i, j]`` is ``x[i, index[i, j]]``. This
# is how a loss takes from each sample the score of its own class.
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
# One choice for all rows: ``index_select``. A choice of its own for each
# row: ``gather``. It reads only as many rows as the index has, silently;
# ``torch.take_along_dim`` does the same but broadcasts the index.
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
# ``take`` counts through the rows as if ``x`` were 1-D and keeps the shape
# of the index. ``argmax`` without ``dim`` gives such a position.
# ``Tensor.put_`` writes where ``take`` reads.
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
# The reverse of ``gather``: with ``dim=1``, ``src[i, j]`` goes to
# ``[i, index[i, j]]``. ``scatter_`` writes into the tensor itself. A number
# as source gives one-hot rows, as ``F.one_hot`` does.
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
# Where an index repeats, ``scatter`` keeps any one of the values;
# ``scatter_add`` adds them up. With 1-D data and group numbers that is a
# sum per group; ``index_add`` does it with whole rows.
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
# What stands in the tensor before takes part, as here the 0 in the maximum
# of negative numbers; ``include_self=False`` leaves it out.
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
# The index names rows, or columns with ``dim=1``. Both leave ``x`` alone;
# with an underscore, ``index_copy_``, they write into it, as ``x[index] =``
# does.
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
# The index holds integers, has as many dimensions as the input, and is no
# longer than it but along ``dim``. Convert floats with ``Tensor.long``:
# int64 is what each release takes. An index beyond the end is reported well
# on the CPU only; on CUDA an assert in the kernel ends all further work.
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
# Error: expected ``self.dtype`` to be equal to ``src.dtype``
# -----------------------------------------------------------
#
# ``scatter`` does not promote dtypes: convert the source. The source must
# also be at least as large as the index; a number always fits.
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
