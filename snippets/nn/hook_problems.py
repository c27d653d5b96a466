"""
Hooks in practice
=================

Record, change or block what passes through the layers of a model that you
did not write, and avoid the traps of hooks.
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
# What a forward hook returns takes the place of the output; ``None`` leaves
# it. This sets single channels to 0 or adds a vector to the features of a
# model that you did not write.
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
# A hook gets the module and no name, so ``partial`` puts the name in front.
# A ``lambda`` in a loop would see the last name in every call. Hook the
# layers without children, or blocks appear beside their parts.
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
# A cell of a notebook that runs again registers the hook again, and both
# are called. Keep the handle and call ``remove()``. A ``with`` statement
# removes the hook by itself, also after an error.
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
# An output that is kept holds its graph, and with it the activations of all
# layers before. Keep ``output.detach()``, on a GPU ``.cpu()`` as well, or
# compute a number at once and keep that.
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
# ``nn.LSTM`` and ``nn.MultiheadAttention`` return a tuple, and a hook gets
# it as it is. Take the part that you need. Keyword arguments of the call
# reach a hook that is registered with ``with_kwargs=True``.
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
# ``register_full_backward_hook`` wraps input and output of a layer, and an
# ``inplace=True`` after it would change the wrapped tensor. Set ``inplace``
# to False in all layers, or put the hook on the tensor with
# ``Tensor.register_hook``.
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
# Hooks belong to modules. A function in ``forward`` has none: use the layer
# ``nn.ReLU()`` in its place, or an ``nn.Identity()`` behind the operation
# that does nothing but carry the hook.
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
