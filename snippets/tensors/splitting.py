"""
Splitting
=========

Cut a tensor into pieces along one dimension, by their size or by their
number.
"""
from contextlib import suppress

import torch

# %%
# Pieces of a given length: ``torch.split``
# -----------------------------------------
#
# The number that you pass is the length of each piece, not the number of
# pieces. The last piece is shorter if the length does not divide the size.
# The result is a tuple.
#
# .. tensors:: x, x.split(2)[0], x.split(2)[1], x.split(2)[2]
x = torch.tensor([1, 2, 3, 4, 5])
torch.split(x, 2)  # (tensor([1, 2]), tensor([3, 4]), tensor([5]))
table = torch.tensor([[1, 2, 3, 4], [5, 6, 7, 8]])
left, right = table.split(2, dim=1)
left  # tensor([[1, 2], [5, 6]])
right  # tensor([[3, 4], [7, 8]])

# %%
# Pieces of given sizes: ``split`` with a list
# --------------------------------------------
#
# The sizes must add up to the size of the dimension. Use such a list to
# separate the features from the label, or to undo a concatenation.
torch.tensor([1, 2, 3]).split([1, 2])  # (tensor([1]), tensor([2, 3]))
table = torch.tensor([[1, 2, 3, 0], [4, 5, 6, 1]])
features, label = table.split([3, 1], dim=1)
features  # tensor([[1, 2, 3], [4, 5, 6]])
label  # tensor([[0], [1]])
with suppress(RuntimeError):
    table.split([2, 1], dim=1)  # RuntimeError: to sum exactly to 4

# %%
# A given number of pieces: ``torch.chunk``
# -----------------------------------------
#
# ``chunk`` takes the number of pieces, but ``split`` takes their length.
# ``chunk`` is often used to separate query, key and value, if one linear
# layer computes all three.
x = torch.tensor([1, 2, 3, 4, 5, 6])
torch.chunk(x, 2)  # (tensor([1, 2, 3]), tensor([4, 5, 6]))
x.split(2)  # (tensor([1, 2]), tensor([3, 4]), tensor([5, 6]))
qkv = torch.zeros(8, 10, 3 * 64)
query, key, value = qkv.chunk(3, dim=-1)
query.shape  # torch.Size([8, 10, 64])

# %%
# ``chunk`` may give fewer pieces: ``torch.tensor_split``
# -------------------------------------------------------
#
# ``chunk`` rounds the length of the pieces up, so 4 chunks of 6 elements
# become 3 pieces of length 2. ``tensor_split`` returns the number of pieces
# that you ask for. Their lengths differ by at most one.
x = torch.tensor([1, 2, 3, 4, 5, 6])
x.chunk(4)  # (tensor([1, 2]), tensor([3, 4]), tensor([5, 6]))
pieces = torch.tensor_split(x, 4)
pieces  # (tensor([1, 2]), tensor([3, 4]), tensor([5]), tensor([6]))
len(torch.tensor_split(torch.arange(2), 3))  # 3

# %%
# Cut at given positions: ``tensor_split`` with a list
# ----------------------------------------------------
#
# For ``tensor_split``, a list contains the positions of the cuts, as in
# NumPy. For ``split``, it contains the lengths. A position beyond the end
# gives an empty piece and raises no error.
x = torch.tensor([10, 11, 12, 13, 14])
x.tensor_split([1, 3])  # (tensor([10]), tensor([11, 12]), tensor([13, 14]))
x.split([1, 2, 2])  # (tensor([10]), tensor([11, 12]), tensor([13, 14]))
x.tensor_split([4, 9])[2].numel()  # 0

# %%
# One tensor for each row or column: ``torch.unbind``
# ---------------------------------------------------
#
# ``torch.unbind`` is the reverse of ``torch.stack``. It returns one tensor
# for each index of the dimension, and these tensors no longer have this
# dimension. Iterating over a tensor does the same along dimension 0.
#
# .. tensors:: x, x.unbind(0)[0], x.unbind(0)[1]
x = torch.tensor([[1, 2, 3], [4, 5, 6]])
torch.unbind(x)  # (tensor([1, 2, 3]), tensor([4, 5, 6]))
x.unbind(dim=1)  # (tensor([1, 4]), tensor([2, 5]), tensor([3, 6]))
first, second = x
second  # tensor([4, 5, 6])
torch.equal(torch.stack(x.unbind(1), dim=1), x)  # True

# %%
# Split columns, rows or depth: ``torch.hsplit``, ``vsplit``, ``dsplit``
# ----------------------------------------------------------------------
#
# The letters h, v and d mean horizontal, vertical and depth, as in NumPy.
# ``vsplit`` splits along dimension 0, ``hsplit`` along dimension 1 and
# ``dsplit`` along dimension 2. If you pass a number, it must divide the
# size. If you pass a list, it contains positions, as in ``tensor_split``.
x = torch.tensor([[1, 2, 3], [4, 5, 6]])
torch.vsplit(x, 2)  # (tensor([[1, 2, 3]]), tensor([[4, 5, 6]]))
left, right = torch.hsplit(x, [1])
left  # tensor([[1], [4]])
right  # tensor([[2, 3], [5, 6]])
len(torch.dsplit(torch.zeros(2, 2, 6), 3))  # 3
with suppress(RuntimeError):
    torch.hsplit(x, 2)  # RuntimeError: dimension 3 is not divisible by

# %%
# Writing to a piece changes the whole tensor
# -------------------------------------------
#
# ``split`` returns views of the tensor. ``clone`` a piece before you change
# it. A clone also needs less memory, because a view keeps the storage of
# the whole tensor.
x = torch.tensor([1, 2, 3, 4])
first, second = x.split(2)
first.zero_()
x  # tensor([0, 0, 3, 4])
second.clone().zero_()
x  # tensor([0, 0, 3, 4])
second.untyped_storage().nbytes()  # 32
second.clone().untyped_storage().nbytes()  # 16

# %%
# Error: this view is the output of a function that returns multiple views
# ------------------------------------------------------------------------
#
# Autograd cannot track a write to the pieces that ``split``, ``chunk`` or
# ``unbind`` return, so it raises an error. Compute a new piece and join the
# pieces with ``torch.cat``. If the tensor is the result of a computation,
# like ``x`` here, you can also write to a slice of it, or to the pieces
# that ``tensor_split`` returns. Write to a trainable parameter inside
# ``with torch.no_grad():``.
weight = torch.tensor([1.0, 2.0, 3.0, 4.0], requires_grad=True)
x = weight * 1
first, second = x.chunk(2)
with suppress(RuntimeError):
    first *= 10  # RuntimeError: is a view and is being modified inplace
torch.cat([first * 10, second]).detach()  # tensor([10., 20., 3., 4.])
x[:2] *= 10
x.detach()  # tensor([10., 20., 3., 4.])
first, second = x.tensor_split(2)
second *= 10
x.detach()  # tensor([10., 20., 30., 40.])
with suppress(RuntimeError):
    weight[:2] *= 10  # RuntimeError: a view of a leaf Variable

# %%
# Error: too many values to unpack
# --------------------------------
#
# There are more pieces than variables, often because you passed the number
# of pieces to ``split``. Use ``chunk`` or ``tensor_split`` to get a given
# number of pieces.
x = torch.tensor([1, 2, 3, 4, 5, 6])
with suppress(ValueError):
    a, b = x.split(2)  # ValueError: too many values to unpack
a, b = x.chunk(2)  # (tensor([1, 2, 3]), tensor([4, 5, 6]))
with suppress(ValueError):
    a, b, c, d = x.chunk(4)  # ValueError: not enough values to unpack
a, b, c, d = x.tensor_split(4)
d  # tensor([6])
