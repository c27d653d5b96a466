"""
Hooks in practice
=================

A hook is a function that PyTorch calls when a layer has computed its output
or a gradient. Use hooks to record, change or block the outputs of layers in
a model that you did not write.
"""
from contextlib import suppress
from functools import partial

import torch
import torch.nn.functional as F
from torch import nn

# %%
# Change the output of a layer: return it from the hook
# -----------------------------------------------------
#
# If a forward hook returns a value, this value replaces the output of the
# layer. If it returns ``None``, the output stays. Here the hook sets one
# channel to 0; in the same way you can add a vector to the features.
net = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))


def block(module, args, output):
    mask = torch.ones(4)
    mask[0] = 0.0
    return output * mask


x = torch.randn(5, 3)
before = net(x)
handle = net[1].register_forward_hook(block)
features = net[1](net[0](x))
features[:, 0].count_nonzero()  # tensor(0)
handle.remove()
torch.equal(net(x), before)  # True

# %%
# Outputs of all layers by name: ``named_modules`` and ``partial``
# ----------------------------------------------------------------
#
# A hook gets the module but not its name, so ``partial`` adds the name as
# the first argument. A ``lambda`` in a loop would see the last name in
# every call. Add hooks only to modules without children. Otherwise the
# result lists a block and then also each of its parts.
def keep(name, module, args, output):
    shapes[name] = tuple(output.shape)


tail = nn.Sequential(nn.ReLU(), nn.Flatten())
net = nn.Sequential(nn.Conv2d(3, 4, 3), tail)
shapes, handles = {}, []
for name, module in net.named_modules():
    if not list(module.children()):
        hook = partial(keep, name)
        handles.append(module.register_forward_hook(hook))
net(torch.zeros(2, 3, 6, 6)).shape  # torch.Size([2, 64])
for handle in handles:
    handle.remove()
list(shapes)  # ['0', '1.0', '1.1']
shapes["1.0"]  # (2, 4, 4, 4)

# %%
# Each call stores twice: the hook was registered twice
# -----------------------------------------------------
#
# If you run a notebook cell again, it registers the hook again, and then
# both hooks are called. Keep the handle and call ``remove()``. A ``with``
# statement removes the hook for you, also after an error.
layer, calls = nn.ReLU(), []
for _ in range(2):
    handle = layer.register_forward_hook(lambda *_: calls.append(1))
layer(torch.ones(1))  # tensor([1.])
len(calls)  # 2
layer._forward_hooks.clear()
with layer.register_forward_hook(lambda *_: calls.append(1)):
    layer(torch.ones(1))  # tensor([1.])
layer(torch.ones(1))  # tensor([1.])
len(calls)  # 3

# %%
# Memory grows with each batch: ``detach()`` what a hook keeps
# ------------------------------------------------------------
#
# If a hook keeps an output, its computation graph stays in memory. Until a
# backward pass, the graph also holds the activations that the earlier
# layers saved. Keep ``output.detach()`` instead. On a GPU, also call
# ``.cpu()``, or compute the number you need at once and keep only that.
net, kept = nn.Sequential(nn.Linear(3, 3), nn.ReLU()), []
handle = net[1].register_forward_hook(lambda m, a, y: kept.append(y))
net(torch.ones(1, 3)).shape  # torch.Size([1, 3])
kept[0].grad_fn is None  # False
handle.remove()
net[1].register_forward_hook(lambda m, a, y: kept.append(y.detach()))
net(torch.ones(1, 3)).shape  # torch.Size([1, 3])
kept[1].grad_fn is None  # True

# %%
# Error in a hook: 'tuple' object has no attribute 'detach'
# ---------------------------------------------------------
#
# ``nn.LSTM`` and ``nn.MultiheadAttention`` return a tuple, and the hook
# gets this tuple. Pick the part that you need. If the hook also needs
# keyword arguments of the call, register it with ``with_kwargs=True``.
lstm, kept = nn.LSTM(3, 4, batch_first=True), []
handle = lstm.register_forward_hook(lambda m, a, y: kept.append(y.detach()))
x = torch.randn(2, 5, 3)
with suppress(AttributeError):
    lstm(x)  # AttributeError: 'tuple' object has no attribute 'detach'
handle.remove()
lstm.register_forward_hook(lambda m, a, y: kept.append(y[0].detach()))
lstm(x)[0].shape  # torch.Size([2, 5, 4])
kept[0].shape  # torch.Size([2, 5, 4])

# %%
# Error: Output 0 of BackwardHookFunction is a view and is being modified
# -----------------------------------------------------------------------
#
# ``register_full_backward_hook`` wraps the input and the output of a layer,
# and a following layer with ``inplace=True`` must not change the wrapped
# tensor. Set ``inplace`` to False in these layers. Alternatively, register
# the hook on the tensor with ``Tensor.register_hook``.
net = nn.Sequential(nn.Linear(3, 3), nn.ReLU(inplace=True))
handle = net[0].register_full_backward_hook(lambda m, gi, go: None)
x = torch.ones(1, 3, requires_grad=True)
with suppress(RuntimeError):
    net(
        x
    )  # RuntimeError: is a view and is being modified inplace
net[1].inplace = False
net(x).sum().backward()
net[0].weight.grad.shape  # torch.Size([3, 3])

# %%
# Hook for ``F.relu``, ``torch.cat`` or ``+``: make it a module
# -------------------------------------------------------------
#
# Forward hooks belong to modules, so you cannot register one on a function
# in ``forward``. Use the layer ``nn.ReLU()`` instead of ``F.relu``. For
# other operations, pass the result through an ``nn.Identity()`` and
# register the hook there.
class Sum(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(2, 2), nn.Linear(2, 2)
        self.total = nn.Identity()

    def forward(self, x):
        return F.relu(self.total(self.a(x) + self.b(x)))


net, kept = Sum(), []
net.total.register_forward_hook(lambda m, a, y: kept.append(y.detach()))
x = torch.randn(3, 2)
net(x).shape  # torch.Size([3, 2])
torch.allclose(kept[0], net.a(x) + net.b(x))  # True
