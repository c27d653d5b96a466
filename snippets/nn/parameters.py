"""
Parameters
==========

List, count, share and freeze what a module learns.
"""
import copy
from contextlib import suppress

import torch
from torch import nn

# %%
# A tensor that is trained: ``nn.Parameter``
# ------------------------------------------
#
# A tensor that a module registers as soon as it is set as an attribute. By
# default it requires a gradient, and it is a leaf even when made under
# ``torch.no_grad``.
#
# .. glance:: layer.factor.requires_grad, layer.factor.is_leaf
class Scale(nn.Module):
    def __init__(self):
        super().__init__()
        self.factor = nn.Parameter(torch.tensor([2.0, 3.0]))


layer = Scale()
layer.factor.requires_grad, layer.factor.is_leaf  # (True, True)
isinstance(layer.factor, torch.Tensor)  # True
[name for name, _ in layer.named_parameters()]  # ['factor']
nn.Parameter(torch.ones(2), requires_grad=False).requires_grad  # False

# %%
# ``parameters``, ``children``, ``modules``: the six iterators
# ------------------------------------------------------------
#
# ``children`` goes one level down, ``modules`` all levels and starts with
# the module itself, under the empty name. ``parameters`` gives tensors, of
# all levels unless ``recurse=False``. The ``named_`` forms add the path.
def kind(modules):
    return [type(module).__name__ for module in modules]


def names(pairs):
    return [name for name, _ in pairs]


net = nn.Sequential(nn.Sequential(nn.Linear(3, 2)), nn.ReLU())
kind(net.children())  # ['Sequential', 'ReLU']
kind(net.modules())  # ['Sequential', 'Sequential', 'Linear', 'ReLU']
[tuple(p.shape) for p in net.parameters()]  # [(2, 3), (2,)]
names(net.named_children())  # ['0', '1']
names(net.named_modules())  # ['', '0', '0.0', '1']
names(net.named_parameters())  # ['0.0.weight', '0.0.bias']
names(net.named_parameters(recurse=False))  # []

# %%
# Trainable parameters only: filter ``parameters()``
# --------------------------------------------------
#
# ``parameters()`` yields all parameters, frozen ones too, whatever you may
# read. Count with the filtered list; the optimizer may have it.
#
# .. glance:: len(trainable)
net = nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 2))
net[0].requires_grad_(False)
len(list(net.parameters()))  # 4
trainable = [p for p in net.parameters() if p.requires_grad]
len(trainable)  # 2
trainable[0] is net[1].weight  # True

# %%
# First layer of a network: ``children()`` is an iterator
# -------------------------------------------------------
#
# ``children()`` does not return the first submodule: it iterates over the
# direct ones. Take the first with ``next``; a generator has no index.
net = nn.Sequential(nn.Linear(4, 3), nn.ReLU())
with suppress(TypeError):
    net.children()[0]  # TypeError: 'generator' object is not subscriptable
next(net.children()) is net[0]  # True
len(list(net.children()))  # 2

# %%
# Count the parameters of a model: ``Tensor.numel``
# -------------------------------------------------
#
# Add up the elements. A shared parameter comes once, and buffers such as
# the running mean of a batch norm are not counted.
net = nn.Sequential(nn.Linear(10, 5), nn.BatchNorm1d(5), nn.Linear(5, 2))
sum(p.numel() for p in net.parameters())  # 77
(10 * 5 + 5) + (5 + 5) + (5 * 2 + 2)  # 77
net[0].requires_grad_(False)
sum(p.numel() for p in net.parameters() if p.requires_grad)  # 22
sum(p.numel() * p.element_size() for p in net.parameters())  # 308

# %%
# Freeze layers: ``nn.Module.requires_grad_``
# -------------------------------------------
#
# It sets the flag of every parameter below and returns the module. There is
# no ``freeze`` method. Layers after a frozen one still train, and gradients
# pass through it to the layers before.
net = nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 2), nn.Linear(2, 1))
with suppress(AttributeError):
    net.freeze()  # AttributeError: no attribute 'freeze'
net[1].requires_grad_(False) is net[1]  # True
net(torch.ones(1, 4)).sum().backward()
[layer.weight.grad is None for layer in net]  # [False, True, False]

# %%
# One parameter by name: ``nn.Module.get_parameter``
# --------------------------------------------------
#
# The path has dots, as in ``named_parameters``. A dict of all of them does
# for a look-up of many.
net = nn.Sequential(nn.Linear(4, 3), nn.ReLU())
net.get_parameter("0.weight") is net[0].weight  # True
dict(net.named_parameters())["0.bias"] is net[0].bias  # True
with suppress(AttributeError):
    net.get_parameter("1.weight")  # AttributeError: no attribute `weight`

# %%
# Parameter that may be absent: ``nn.Module.register_parameter``
# --------------------------------------------------------------
#
# Registers under a computed name. With ``None`` the attribute exists, but
# iterators and state dict leave it out: this is how ``bias=False`` is made.
module = nn.Module()
module.register_parameter("gain", nn.Parameter(torch.ones(2)))
module.register_parameter("bias", None)
[name for name, _ in module.named_parameters()]  # ['gain']
module.bias is None  # True
nn.Linear(3, 2, bias=False).bias is None  # True
with suppress(TypeError):
    module.register_parameter("w", torch.eye(2))  # TypeError: cannot assign

# %%
# All parameters as one vector: ``parameters_to_vector``
# ------------------------------------------------------
#
# Both are in ``torch.nn.utils``: ``torch.nn.utils.parameters_to_vector``
# concatenates, ``torch.nn.utils.vector_to_parameters`` makes the parameters
# views of such a vector, in the same order, so both share memory. Useful
# for norms, averages and line searches.
net = nn.Linear(2, 1)
vector = torch.tensor([1.0, 2.0, 3.0])
nn.utils.vector_to_parameters(vector, net.parameters())
net.weight.tolist(), net.bias.tolist()  # ([[1.0, 2.0]], [3.0])
back = nn.utils.parameters_to_vector(net.parameters())
torch.equal(back, vector)  # True
vector[2] = 9.0
net.bias.item()  # 9.0

# %%
# Tied weights: share a parameter between layers
# ----------------------------------------------
#
# Set one layer's weight to the other's. The parameter is listed once, gets
# the sum of both gradients, and stays shared through ``deepcopy``; pass
# ``remove_duplicate=False`` to see both names.
net = nn.Sequential(nn.Embedding(5, 3), nn.Linear(3, 5, bias=False))
net[1].weight = net[0].weight
[name for name, _ in net.named_parameters()]  # ['0.weight']
pairs = net.named_parameters(remove_duplicate=False)
[name for name, _ in pairs]  # ['0.weight', '1.weight']
twin = copy.deepcopy(net)
twin[1].weight is twin[0].weight  # True

# %%
# Parameter missing from ``parameters()``: a plain tensor
# -------------------------------------------------------
#
# A tensor attribute is not registered, even with ``requires_grad=True``: no
# optimizer sees it, ``to`` does not move it and it is not saved. Wrap it in
# ``nn.Parameter``. The result of an operation on a parameter is plain
# again.
module = nn.Module()
module.plain = torch.ones(2, requires_grad=True)
module.wrapped = nn.Parameter(torch.ones(2))
module.product = 2 * nn.Parameter(torch.ones(2))
[name for name, _ in module.named_parameters()]  # ['wrapped']
module.double().plain.dtype  # torch.float32

# %%
# Error: cannot assign 'torch.FloatTensor' as parameter
# -----------------------------------------------------
#
# A registered name takes a parameter or ``None``. Store what ``forward``
# computes from it, such as a softmax, in a local variable. To change values
# and keep the parameter that the optimizer holds, write into it with
# ``copy_``.
layer = nn.Linear(2, 1)
weight = layer.weight
new = torch.tensor([[1.0, 2.0]])
with suppress(TypeError):
    layer.weight = new  # TypeError: cannot assign
share = layer.weight.softmax(dim=1)
share.detach().sum()  # tensor(1.0000)
with torch.no_grad():
    layer.weight.copy_(new)
layer.weight is weight, weight.tolist()  # (True, [[1.0, 2.0]])
