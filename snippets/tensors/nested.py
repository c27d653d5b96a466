"""
Nested tensors
==============

Hold sequences of different lengths in one tensor, without padding.
"""
from contextlib import suppress

import torch
import torch.nn.functional as F
from torch import nn

# %%
# Sequences of different lengths: ``torch.nested.nested_tensor``
# --------------------------------------------------------------
#
# The layout ``torch.jagged`` stores all rows one after another and the
# places where a sequence begins. The length that varies is printed as a
# symbol in the shape. Without ``layout`` an older kind of nested tensor is
# made, which has fewer operations.
a, b = torch.ones(2, 4), torch.full((3, 4), 2.0)
x = torch.nested.nested_tensor([a, b], layout=torch.jagged)
x.is_nested, x.dim(), x.size(0), x.size(2)  # (True, 3, 2, 4)
x.values().shape  # torch.Size([5, 4])
x.offsets()  # tensor([0, 2, 5])
x.offsets().diff()  # tensor([2, 3])
[part.shape[0] for part in x.unbind()]  # [2, 3]
x[1].shape  # torch.Size([3, 4])

# %%
# To padding and back: ``to_padded_tensor``, ``nested_tensor_from_jagged``
# ------------------------------------------------------------------------
#
# Layers that know no nested tensors, such as convolutions and recurrent
# layers, get the padded tensor. The values and offsets make a nested tensor
# again, as do the rows under a mask.
x = torch.nested.nested_tensor(
    [torch.tensor([1.0, 2.0]), torch.tensor([3.0])], layout=torch.jagged
)
padded = x.to_padded_tensor(0.0)
padded  # tensor([[1., 2.], [3., 0.]])
lengths = x.offsets().diff()
mask = torch.arange(2) < lengths[:, None]
torch.equal(padded[mask], x.values())  # True
again = torch.nested.nested_tensor_from_jagged(padded[mask], x.offsets())
[part.tolist() for part in again.unbind()]  # [[1.0, 2.0], [3.0]]

# %%
# Layers and means over the real positions: ``nn.Linear``, ``mean``
# -----------------------------------------------------------------
#
# Layers that treat each position alone take a nested tensor. A mean over
# the varying dimension divides by the length of each sequence, so padding
# cannot enter it.
x = torch.nested.nested_tensor(
    [torch.ones(2, 4), torch.full((3, 4), 2.0)], layout=torch.jagged
)
layer = nn.Linear(4, 3)
torch.allclose(layer(x).values(), layer(x.values()))  # True
x.mean(dim=1)[:, 0]  # tensor([1., 2.])
x.sum(dim=1)[:, 0]  # tensor([2., 6.])
(2 * x).values()[:, 0]  # tensor([2., 2., 4., 4., 4.])

# %%
# Error: NestedTensorImpl doesn't support sizes (``len``, ``shape``)
# ------------------------------------------------------------------
#
# A nested tensor of the older layout has no shape. ``size(0)`` works. Make
# it with ``layout=torch.jagged``, which has a shape and a length.
parts = [torch.ones(2, 4), torch.ones(3, 4)]
old = torch.nested.nested_tensor(parts)  # UserWarning: in prototype stage
with suppress(RuntimeError):
    len(old)  # RuntimeError: NestedTensorImpl doesn't support sizes
with suppress(RuntimeError):
    old.size(1)  # RuntimeError: Given dimension 1 is irregular
old.size(0)  # 2
new = torch.nested.nested_tensor(parts, layout=torch.jagged)
len(new)  # 2

# %%
# Error: binary pointwise function with inputs of other ragged shapes
# -------------------------------------------------------------------
#
# Two nested tensors that were made apart count as different in length, even
# if their lengths are equal. Make the second one from the offsets of the
# first. Results of one tensor share its offsets.
parts = [torch.ones(2, 4), torch.ones(3, 4)]
x = torch.nested.nested_tensor(parts, layout=torch.jagged)
y = torch.nested.nested_tensor(parts, layout=torch.jagged)
with suppress(RuntimeError):
    x + y  # RuntimeError: cannot call binary pointwise function
y = torch.nested.nested_tensor_from_jagged(y.values(), x.offsets())
(x + y).values().unique()  # tensor([2.])
(x + F.relu(x)).values().unique()  # tensor([2.])

# %%
# Error: not supported for NestedTensor: compute on the values
# ------------------------------------------------------------
#
# Not each operation is written for nested tensors. One that treats each
# position alone can run on ``values``, and the offsets bring the result
# back. Others run on the padded tensor or in a loop over ``unbind``.
x = torch.nested.nested_tensor(
    [torch.tensor([[1.0], [3.0]]), torch.tensor([[4.0]])],
    layout=torch.jagged,
)
with suppress(RuntimeError):
    torch.cat([x, x])  # RuntimeError: cat(): not supported for NestedTensor
with suppress(RuntimeError):
    x.tolist()  # RuntimeError: .tolist() is not supported for tensor
out = torch.nested.nested_tensor_from_jagged(x.values() ** 2, x.offsets())
[part.flatten().tolist() for part in out.unbind()]  # [[1.0, 9.0], [16.0]]
two = [*x.unbind(), *x.unbind()]
len(torch.nested.as_nested_tensor(two, layout=torch.jagged))  # 4
[part.std(correction=0).item() for part in x.unbind()]  # [1.0, 0.0]
