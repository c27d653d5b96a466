"""
Recipes without a loop
======================

Split, filter, interleave, map and scale tensors in one or two lines,
without a Python loop.
"""
import torch
import torch.nn.functional as F

# %%
# Remove rows with NaN: ``isnan`` and ``any``
# -------------------------------------------
#
# The mask ``keep`` has one boolean for each row. Index the targets with the
# same mask, so that inputs and targets still match.
x = torch.tensor([[1.0, 2.0], [float("nan"), 3.0], [4.0, 5.0]])
y = torch.tensor([0, 1, 2])
keep = ~x.isnan().any(dim=1)
x[keep]  # tensor([[1., 2.], [4., 5.]])
y[keep]  # tensor([0, 2])
x.isfinite().all(dim=1)  # tensor([True, False, True])

# %%
# Split by a condition, turn a mask into indices: ``x[mask]``, ``nonzero``
# ------------------------------------------------------------------------
#
# Index with a mask and with its inverse to split a tensor into two parts.
# ``nonzero`` turns the mask into indices. To get the mask back, set these
# indices of a tensor of False to True.
x = torch.tensor([5, -1, 7, -3])
mask = x > 0
x[mask], x[~mask]  # (tensor([5, 7]), tensor([-1, -3]))
index = mask.nonzero().flatten()
index  # tensor([0, 2])
back = torch.zeros(4, dtype=torch.bool)
back[index] = True
torch.equal(back, mask)  # True

# %%
# Interleave two tensors: ``torch.stack`` and ``flatten``
# -------------------------------------------------------
#
# ``torch.stack`` with ``dim=1`` puts the elements of both tensors side by
# side, and ``flatten`` reads them in turn. Slices with step 2 separate them
# again.
a, b = torch.tensor([1, 2, 3]), torch.tensor([10, 20, 30])
mixed = torch.stack([a, b], dim=1).flatten()
mixed  # tensor([1, 10, 2, 20, 3, 30])
mixed[::2], mixed[1::2]  # (tensor([1, 2, 3]), tensor([10, 20, 30]))
rows = torch.stack([torch.zeros(2, 3), torch.ones(2, 3)], dim=1)
rows.flatten(0, 1)[:, 0]  # tensor([0., 1., 0., 1.])

# %%
# Differences of all pairs, and of neighbours: ``x[:, None] - x``, ``diff``
# -------------------------------------------------------------------------
#
# ``x[:, None] - x`` is a table with the differences of all pairs. For
# points, pair the rows and leave the last dimension, which holds the
# coordinates, as it is. ``torch.diff`` subtracts each element from the next
# one.
x = torch.tensor([1, 4, 9])
x[:, None] - x  # tensor([[0, -3, -8], [3, 0, -5], [8, 5, 0]])
points = torch.tensor([[0.0, 0.0], [3.0, 4.0]])
offsets = points[:, None, :] - points[None, :, :]
offsets.norm(dim=-1)  # tensor([[0., 5.], [5., 0.]])
torch.diff(x)  # tensor([3, 5])
x[1:] - x[:-1]  # tensor([3, 5])

# %%
# Replace values by a dictionary: a lookup table, ``searchsorted``
# ----------------------------------------------------------------
#
# If the keys are small integers, put the new values into a table and index
# it with the keys. Otherwise sort the keys and find them with
# ``torch.searchsorted``. If you only want classes numbered from 0, use
# ``unique`` with ``return_inverse=True``.
labels = torch.tensor([7, 3, 7, 20])
new = {3: 0, 7: 1, 20: 2}
table = torch.full((21,), -1)
table[list(new)] = torch.tensor(list(new.values()))
table[labels]  # tensor([1, 0, 1, 2])
keys = torch.tensor(sorted(new))
place = torch.searchsorted(keys, labels)
torch.tensor([new[k] for k in sorted(new)])[place]  # tensor([1, 0, 1, 2])
labels.unique(return_inverse=True)[1]  # tensor([1, 0, 1, 2])

# %%
# Masked mean and weighted mean: sum and divide
# ---------------------------------------------
#
# Multiply by the mask or by the weights, sum, and divide by the sum of the
# mask or of the weights. A row can have no valid element, so limit the
# divisor with ``clamp(min=1)``.
x = torch.tensor([[1.0, 3.0, 100.0], [5.0, 7.0, 9.0]])
mask = torch.tensor([[1.0, 1.0, 0.0], [0.0, 0.0, 0.0]])
total = (x * mask).sum(dim=1)
total / mask.sum(dim=1).clamp(min=1)  # tensor([2., 0.])
weight = torch.tensor([3.0, 1.0, 0.0])
(x * weight).sum(dim=1) / weight.sum()  # tensor([1.5000, 5.5000])

# %%
# Scale each row or channel to 0-1, rows that sum to 1: ``amin``, ``amax``
# ------------------------------------------------------------------------
#
# ``keepdim=True`` keeps the reduced dimension, so the result broadcasts
# against ``x``. In a constant row or channel, the maximum minus the minimum
# is 0, so limit the divisor with ``clamp``.
x = torch.tensor([[2.0, 4.0, 6.0], [5.0, 5.0, 5.0]])
low, high = x.amin(dim=1, keepdim=True), x.amax(dim=1, keepdim=True)
scaled = (x - low) / (high - low).clamp(min=1e-8)
scaled  # tensor([[0.0, 0.5, 1.0], [0.0, 0.0, 0.0]])
images = torch.rand(2, 3, 4, 4)
images.amin(dim=(2, 3), keepdim=True).shape  # torch.Size([2, 3, 1, 1])
shares = x / x.sum(dim=1, keepdim=True)
shares.sum(dim=1)  # tensor([1., 1.])

# %%
# Moving average along time: ``unfold`` or ``F.avg_pool1d``
# ---------------------------------------------------------
#
# ``unfold`` returns overlapping windows without a copy, and you can reduce
# them with ``mean``, ``amax`` and other functions. ``F.avg_pool1d`` with
# ``stride=1`` gives the same mean, but its input needs a channel dimension.
x = torch.tensor([1.0, 2.0, 6.0, 4.0])
x.unfold(0, 2, 1).mean(dim=1)  # tensor([1.5000, 4.0000, 5.0000])
x.unfold(0, 2, 1).amax(dim=1)  # tensor([2., 6., 6.])
F.avg_pool1d(x[None], 2, stride=1)  # tensor([[1.5000, 4.0000, 5.0000]])

# %%
# Pad or cut to a fixed length: ``F.pad`` and a slice
# ---------------------------------------------------
#
# Cut the tensor with a slice first, and then pad the missing elements. A
# negative number in ``F.pad`` cuts off elements, so a single call can both
# cut and pad.
def fit(x, length):
    return F.pad(x[:length], (0, length - len(x[:length])))


short, long = torch.tensor([1, 2]), torch.tensor([1, 2, 3, 4, 5])
fit(short, 4)  # tensor([1, 2, 0, 0])
fit(long, 4)  # tensor([1, 2, 3, 4])
F.pad(long, (0, 4 - len(long)))  # tensor([1, 2, 3, 4])

# %%
# One-hot to class index and back: ``argmax``, ``F.one_hot``
# ----------------------------------------------------------
#
# ``argmax`` along the class dimension is the inverse of ``F.one_hot``.
# ``F.one_hot`` puts the classes into the last dimension. For an image, move
# them to the front with ``permute``.
index = torch.tensor([2, 0])
hot = F.one_hot(index, num_classes=3)
hot  # tensor([[0, 0, 1], [1, 0, 0]])
hot.argmax(dim=1)  # tensor([2, 0])
masks = F.one_hot(torch.tensor([[0, 1]]), 3).permute(2, 0, 1)
masks.shape  # torch.Size([3, 1, 2])
masks.argmax(dim=0)  # tensor([[0, 1]])
