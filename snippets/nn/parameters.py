"""
Parameters
==========

List, count, share and freeze the parameters of a module.
"""
import copy
from contextlib import suppress

import torch
from torch import nn

# %%
# A tensor that is trained: ``nn.Parameter``
# ------------------------------------------
#
# A module registers an ``nn.Parameter`` as soon as you assign it to an
# attribute. By default the parameter requires a gradient, even if you
# create it under ``torch.no_grad``. It is a leaf tensor, so ``backward``
# stores its gradient in ``grad``.
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
# ``children`` yields the direct submodules, each of them once. ``modules``
# yields the submodules of all levels and starts with the module itself,
# whose name is empty. ``parameters`` yields the tensors of all levels, and
# with ``recurse=False`` only the tensors of the module itself. The
# ``named_`` forms add the path of each item.
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
# ``parameters()`` yields all parameters, including frozen ones. Filter them
# by ``requires_grad`` to count the trainable parameters. You can also pass
# the filtered list to the optimizer.
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
# ``children()`` returns a generator over the direct submodules, and you
# cannot index a generator. Use ``next`` to get the first submodule.
net = nn.Sequential(nn.Linear(4, 3), nn.ReLU())
with suppress(TypeError):
    net.children()[0]  # TypeError: 'generator' object is not subscriptable
next(net.children()) is net[0]  # True
len(list(net.children()))  # 2

# %%
# Count the parameters of a model: ``Tensor.numel``
# -------------------------------------------------
#
# Add up the number of elements of each parameter. A shared parameter is
# counted once. Buffers, such as the running mean of batch normalization,
# are not counted. The last line gives the size in bytes.
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
# ``requires_grad_(False)`` freezes all parameters of a module and returns
# the module. There is no ``freeze`` method. The layers before and after the
# frozen layer still get gradients.
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
# The name is a path with dots, as in ``named_parameters``. If you look up
# many parameters, make a dict of all of them once.
net = nn.Sequential(nn.Linear(4, 3), nn.ReLU())
net.get_parameter("0.weight") is net[0].weight  # True
dict(net.named_parameters())["0.bias"] is net[0].bias  # True
with suppress(AttributeError):
    net.get_parameter("1.weight")  # AttributeError: no attribute `weight`

# %%
# Register an optional parameter: ``nn.Module.register_parameter``
# ----------------------------------------------------------------
#
# ``register_parameter`` registers a parameter under a name that is given as
# a string. With ``None`` the attribute exists, but the iterators and the
# state dict do not include it. ``bias=False`` works in this way.
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
# ``torch.nn.utils.parameters_to_vector`` concatenates all parameters into
# one vector, for example to compute a norm or an average.
# ``torch.nn.utils.vector_to_parameters`` turns the vector back into the
# parameters. It makes the parameters views of the vector, so a change to
# the vector changes them, too.
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
# Assign the weight of one layer to the other layer. The shared parameter is
# listed once and gets the sum of both gradients. ``deepcopy`` keeps the
# sharing. Pass ``remove_duplicate=False`` to see both names.
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
# A module does not register a plain tensor, even with
# ``requires_grad=True``. ``parameters()`` does not list it, ``to`` does not
# move it, and it is not saved. Wrap the tensor in ``nn.Parameter``. The
# result of an operation on a parameter is a plain tensor again.
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
# The name of a registered parameter accepts only a parameter or ``None``.
# If ``forward`` computes something from the parameter, such as a softmax,
# store the result in a local variable. To change the values of the
# parameter that the optimizer holds, write into it with ``copy_``.
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
