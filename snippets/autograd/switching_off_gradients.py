"""
Switching off gradients
=======================

Compute without a record, or cut one tensor off the graph.
"""
from contextlib import suppress
from copy import deepcopy

import torch
from torch import nn

# %%
# Which one do I need? ``no_grad``, ``inference_mode``, ``detach``
# ----------------------------------------------------------------
#
# ``torch.no_grad`` for steps of training that need no record, such as
# validation or changing weights; ``torch.inference_mode`` where nothing
# ever goes back into training; ``Tensor.detach`` for one tensor while the
# rest is recorded. None of them changes what ``Dropout`` and batch
# normalization do: that is ``net.eval()``.
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
# Results do not require gradients, whatever goes in, and no intermediate
# tensor is kept for a way back. The tensors themselves stay as they are.
# Factories obey their own ``requires_grad=True`` inside.
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
# The innermost of them decides, so recording can be turned on again: for
# an attack or a saliency map inside an evaluation loop. It does not help
# inside ``inference_mode``.
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
# Takes a bool, so one block serves training and validation. Called without
# ``with`` it stays in force until the next call. Each thread has its own
# state.
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
# These context managers are decorators too, and leave the mode as it was
# when the function returns. ``no_grad`` and ``inference_mode`` work with or
# without the parentheses.
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
# Ask for the mode: ``torch.is_grad_enabled``, ``is_inference``
# -------------------------------------------------------------
#
# ``torch.is_inference_mode_enabled`` is for the mode and
# ``torch.is_inference`` for a tensor that was made under it, long after the
# block has ended.
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
# The result has the same memory and no history: what is computed from it
# sends no gradient back, which is how targets are held fixed. Changing it
# in place changes the original, so clone before you do.
# ``torch.detach_copy`` copies but does not cut: its result still requires
# gradients.
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
# A hidden state that comes from the step before holds that step's graph,
# and ``backward`` would go through it again. ``detach_`` turns the tensor
# itself into a leaf, ``state = state.detach()`` makes a new one.
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
# A leaf that requires gradients may not be changed in place while
# recording. Write ``with torch.no_grad()`` around it. Old code goes through
# ``.data`` instead, which also skips the checks that find a value that was
# overwritten too early.
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
# Both share memory with the tensor. A change through ``detach()`` is
# counted, and ``backward`` refuses to use the value that was overwritten;
# a change through ``.data`` is not, and the gradient is wrong without a
# word.
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
# What was made in ``inference_mode`` can be neither saved for ``backward``
# nor changed in place outside, because nothing counts its changes. Clone it
# outside the block, or use ``torch.no_grad``.
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
# A module that keeps a result of its forward pass, such as a feature map,
# keeps a part of the graph, and ``copy.deepcopy`` refuses it. Store the
# result detached, or set the attribute to ``None`` before you copy, as for
# a moving average of the weights.
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
