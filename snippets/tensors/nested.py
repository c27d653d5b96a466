"""
Nested tensors
==============

Store sequences of different lengths in one tensor, without padding.
"""
from contextlib import suppress

import torch
import torch.nn.functional as F
from torch import nn

# %%
# Sequences of different lengths: ``torch.nested.nested_tensor``
# --------------------------------------------------------------
#
# The layout ``torch.jagged`` stores the rows of all sequences one after
# another, and ``offsets`` says where each sequence begins. The varying
# length has no fixed size, but the other dimensions do. Pass
# ``layout=torch.jagged``, because the default is an older kind of nested
# tensor.
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
# Some layers do not accept nested tensors, for example convolutions and
# recurrent layers. Convert the tensor with ``to_padded_tensor`` for them.
# To go back, select the real positions with a mask and pass them to
# ``nested_tensor_from_jagged`` with the offsets.
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
# Layers that work on each position separately, such as ``nn.Linear``,
# accept a nested tensor. A mean over the varying dimension divides by the
# length of each sequence, so no padding distorts it.
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
# A nested tensor of the older kind has no ``shape``, and ``len`` fails;
# ``size(0)`` works. Create the tensor with ``layout=torch.jagged`` instead.
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
# Two jagged tensors that were created separately cannot be added, even if
# their lengths are equal, because PyTorch treats their lengths as
# different. Create the second tensor with the offsets of the first tensor.
# Here ``F.relu(x)`` shares the offsets of ``x``, so the two can be added.
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
# Some operations do not support nested tensors. If the operation works on
# each position separately, run it on ``values()`` and build a nested tensor
# from the result and the offsets. Otherwise use the padded tensor, or a
# loop over ``unbind``.
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
