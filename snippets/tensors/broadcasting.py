"""
Broadcasting
============

Combine tensors of different shapes without copying either.
"""
from contextlib import suppress

import torch

# %%
# The rule: align shapes from the right, ``torch.broadcast_shapes``
# -----------------------------------------------------------------
#
# Two sizes fit if they are equal or one of them is 1; a missing dimension
# counts as 1. ``torch.broadcast_shapes`` answers without any data.
torch.broadcast_shapes((5, 3), (3,))  # torch.Size([5, 3])
torch.broadcast_shapes((5, 1), (1, 4))  # torch.Size([5, 4])
torch.broadcast_shapes((8, 1, 6), (7, 1))  # torch.Size([8, 7, 6])
with suppress(RuntimeError):
    torch.broadcast_shapes((5, 3), (5,))  # RuntimeError: Shape mismatch

# %%
# A row and a column make a table
# -------------------------------
#
# The column is stretched along dimension 1 and the row along dimension 0, so
# that every pair meets once: an outer sum.
#
# .. tensors:: column, row, column + row
#    :style: broadcast
column = torch.tensor([[0], [10], [20]])
row = torch.tensor([1, 2, 3])
column + row  # tensor([[1, 2, 3], [11, 12, 13], [21, 22, 23]])
(column + row).shape  # torch.Size([3, 3])
