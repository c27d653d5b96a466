"""
Switching off gradients
=======================

Compute without gradients, for validation and inference, or detach a single
tensor from the graph.
"""
from contextlib import suppress
from copy import deepcopy

import torch
from torch import nn

# %%
# Which one do I need? ``no_grad``, ``inference_mode``, ``detach``
# ----------------------------------------------------------------
#
# Use ``torch.no_grad`` for steps of the training that need no gradients,
# such as validation. Use ``torch.inference_mode`` if the results never go
# back into training. Use ``Tensor.detach`` for one tensor while the rest is
# recorded. None of the three changes how dropout and batch normalization
# work; call ``net.eval()`` for that.
net = nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.5))
x = torch.ones(1, 2)
with torch.no_grad():
    net(x).requires_grad  # False
with torch.inference_mode():
    net(x).requires_grad  # False
net(x).detach().requires_grad  # False
net(x).requires_grad  # True
net.training  # True

# %%
# Compute without recording: ``torch.no_grad``
# --------------------------------------------
#
# Inside the block, results do not require gradients, even if their inputs
# do. Nothing is saved for ``backward``, which takes less memory. Existing
# tensors do not change, and you can still create a tensor with
# ``requires_grad=True``.
w = torch.tensor([2.0], requires_grad=True)
with torch.no_grad():
    y = w * 3
    v = torch.ones(1, requires_grad=True)
y  # tensor([6.])
y.grad_fn is None  # True
(w.requires_grad, v.requires_grad)  # (True, True)
w * 3  # tensor([6.], grad_fn=<MulBackward0>)

# %%
# Record inside ``no_grad`` with ``torch.enable_grad``
# ----------------------------------------------------
#
# The innermost block decides, so ``torch.enable_grad`` turns recording on
# again inside ``no_grad``. Use it for a saliency map or an adversarial
# attack in an evaluation loop. It has no effect inside ``inference_mode``.
#
# .. glance:: w.grad
w = torch.tensor([2.0], requires_grad=True)
with torch.no_grad():
    (w * 3).requires_grad  # False
    with torch.enable_grad():
        loss = (w**2).sum()
loss.backward()
w.grad  # tensor([4.])
with torch.inference_mode(), torch.enable_grad():
    (w * 3).requires_grad  # False

# %%
# Switch by a flag: ``torch.set_grad_enabled``
# --------------------------------------------
#
# ``torch.set_grad_enabled`` takes a bool, so training and validation can
# share one block. If you call it without ``with``, it stays in effect until
# the next call. Each thread has its own setting.
w = torch.tensor([2.0], requires_grad=True)
for train in (True, False):
    with torch.set_grad_enabled(train):
        (w * 3).requires_grad == train  # True
torch.set_grad_enabled(False)
(w * 3).requires_grad  # False
torch.set_grad_enabled(True)
(w * 3).requires_grad  # True

# %%
# A whole function without gradients: ``@torch.no_grad()``
# --------------------------------------------------------
#
# ``torch.no_grad`` and ``torch.inference_mode`` are also decorators. When
# the function returns, the previous mode is restored. ``no_grad`` and
# ``inference_mode`` work with or without parentheses.
@torch.no_grad()
def predict(net, x):
    return net(x).argmax(dim=1), torch.is_grad_enabled()


@torch.inference_mode
def scores(net, x):
    return net(x)


net = nn.Linear(2, 3)
classes, recording = predict(net, torch.rand(4, 2))
classes  # shape (4,), dtype int64
recording  # False
scores(net, torch.rand(4, 2)).requires_grad  # False
torch.is_grad_enabled()  # True

# %%
# Query the mode: ``torch.is_grad_enabled``, ``is_inference``
# -----------------------------------------------------------
#
# ``torch.is_grad_enabled`` and ``torch.is_inference_mode_enabled`` tell the
# current mode. ``torch.is_inference`` tells whether a tensor was created in
# inference mode, even after the block has ended.
with torch.no_grad():
    torch.is_grad_enabled()  # False
    torch.is_inference_mode_enabled()  # False
with torch.inference_mode():
    x = torch.ones(2)
    torch.is_inference_mode_enabled()  # True
    torch.is_grad_enabled()  # False
(x.is_inference(), torch.is_inference(torch.ones(2)))  # (True, False)

# %%
# Cut one tensor off the graph: ``Tensor.detach``
# -----------------------------------------------
#
# The result shares memory with the tensor but has no history, so no
# gradient flows back through it. The loss then does not move its target.
# Clone the result before you change it in place, because the change would
# also affect the original. ``torch.detach_copy`` makes a copy, but its
# result still requires gradients.
w = torch.tensor([3.0], requires_grad=True)
target = (w * 2).detach()
loss = (w * 5 - target) ** 2
loss.backward()
w.grad  # tensor([90.])
w.detach().data_ptr() == w.data_ptr()  # True
torch.detach_copy(w).data_ptr() == w.data_ptr()  # False
torch.detach_copy(w).requires_grad  # True
w.detach().clone().zero_()  # tensor([0.])
w  # tensor([3.], requires_grad=True)

# %%
# Carry a state from step to step: ``Tensor.detach_``
# ---------------------------------------------------
#
# A hidden state from the previous step still belongs to the graph of that
# step, so ``backward`` would go through this graph again. ``detach_`` turns
# the tensor itself into a leaf. ``state = state.detach()`` creates a new
# tensor instead.
w = torch.tensor(2.0, requires_grad=True)
state = torch.tensor(1.0)
for _ in range(3):
    state = state * w
    state.backward()
    state.detach_()
state.is_leaf  # True
w.grad  # tensor(7.)
w.grad == 1 + 2 + 4  # tensor(True)

# %%
# Change a weight by hand: under ``no_grad``, not ``weight.data``
# ---------------------------------------------------------------
#
# While operations are recorded, changing a leaf that requires gradients in
# place raises an error. Change it inside ``with torch.no_grad()``. Old code
# changes ``weight.data`` instead. PyTorch then does not check whether
# ``backward`` still needs the old value.
weight = torch.tensor([1.0, 2.0], requires_grad=True)
with suppress(RuntimeError):
    weight -= 0.5  # RuntimeError: a leaf Variable that requires grad
with torch.no_grad():
    weight -= 0.5
weight  # tensor([0.5000, 1.5000], requires_grad=True)
weight.data[:] -= 0.5
weight  # tensor([0., 1.], requires_grad=True)

# %%
# ``Tensor.data`` hides a mistake that ``detach`` reports
# -------------------------------------------------------
#
# ``detach()`` and ``.data`` give a tensor that shares memory with the
# original. Autograd notices a change through ``detach()``, and ``backward``
# raises an error because the saved value was overwritten. It does not
# notice a change through ``.data``. The gradient is then wrong without a
# warning.
x = torch.tensor([0.0, 1.0], requires_grad=True)
y = x.exp()
y.data.zero_()  # tensor([0., 0.])
y.sum().backward()
x.grad  # tensor([0., 0.])
y = x.exp()
y.detach().zero_()  # tensor([0., 0.])
with suppress(RuntimeError):
    y.sum().backward()  # RuntimeError: modified by an inplace operation
torch.autograd.grad(x.exp().sum(), x)  # (tensor([1.0000, 2.7183]),)

# %%
# Error: Inference tensors cannot be saved (``inference_mode``)
# -------------------------------------------------------------
#
# A tensor that was created in ``inference_mode`` has no version counter.
# Outside the block it cannot be saved for ``backward`` or changed in place.
# Clone it outside the block, or use ``torch.no_grad`` instead.
with torch.inference_mode():
    features = torch.ones(2)
w = torch.tensor([2.0, 3.0], requires_grad=True)
with suppress(RuntimeError):
    w * features  # RuntimeError: cannot be saved for backward
w + features  # tensor([3., 4.], grad_fn=<AddBackward0>)
w * features.clone()  # tensor([2., 3.], grad_fn=<MulBackward0>)
with suppress(RuntimeError):
    features.requires_grad_()  # RuntimeError: inference tensor
with suppress(RuntimeError):
    features.add_(1)  # RuntimeError: Inplace update to inference tensor

# %%
# Error: Only Tensors created explicitly by the user (``deepcopy``)
# -----------------------------------------------------------------
#
# ``copy.deepcopy`` cannot copy a tensor that is the result of recorded
# operations. A module has such a tensor if it stores a feature map in the
# forward pass. Store the result of ``detach``, or set the attribute to
# ``None`` before you copy the module.
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(2, 2)

    def forward(self, x):
        self.features = self.layer(x)
        return self.features


net = Net()
net(torch.ones(1, 2))  # shape (1, 2)
with suppress(RuntimeError):
    deepcopy(net)  # RuntimeError: Only Tensors created explicitly by the
net.features = net.features.detach()
torch.equal(deepcopy(net).layer.weight, net.layer.weight)  # True
