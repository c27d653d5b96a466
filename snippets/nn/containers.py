"""
Containers
==========

Keep layers and parameters in a list or by name, so that the module
registers them.
"""
import copy
from collections import OrderedDict
from contextlib import suppress

import torch
from torch import nn

# %%
# Layers one after the other: ``nn.Sequential``
# ---------------------------------------------
#
# Each layer gets the output of the layer before. An index returns one
# layer. A slice returns another ``nn.Sequential`` that holds the same
# layers, not copies.
net = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))
x = torch.ones(5, 4)
torch.allclose(net(x), net[2](net[1](net[0](x))))  # True
len(net)  # 3
net[-1].out_features  # 2
net[:2](x)  # shape (5, 3)
net[:2][0] is net[0]  # True

# %%
# Named layers: ``nn.Sequential`` with an ``OrderedDict``
# -------------------------------------------------------
#
# The names replace the numbers in attributes and in the state dict. If you
# add a layer in the middle later, the names of the layers after it stay the
# same.
net = nn.Sequential(
    OrderedDict(fc=nn.Linear(4, 3), act=nn.ReLU(), out=nn.Linear(3, 2))
)
net.out is net[2]  # True
list(net.state_dict())[:2]  # ['fc.weight', 'fc.bias']
del net.act
list(dict(net.named_children()))  # ['fc', 'out']

# %%
# Add and remove layers: ``append``, ``insert``, ``extend``, ``pop``
# ------------------------------------------------------------------
#
# These methods change the network in place and number the layers again,
# also in the state dict. If you named the layers yourself, ``pop`` and
# ``+`` replace the names with numbers, and ``insert`` fails except at the
# end. ``+`` joins two networks and ``*`` repeats one. The result contains
# the same layers and not copies, so the weights are shared.
net = nn.Sequential(nn.Linear(4, 3))
net.append(nn.Linear(3, 2))
net.insert(1, nn.ReLU())
net.extend([nn.Dropout(), nn.Tanh()])
net.pop(3)  # type Dropout
[type(layer).__name__ for layer in net[1:]]  # ['ReLU', 'Linear', 'Tanh']
longer = net + nn.Sequential(nn.Identity())
len(longer), longer[0] is net[0]  # (5, True)
twice = nn.Sequential(nn.Linear(3, 3)) * 2
twice[0] is twice[1]  # True
named = nn.Sequential(OrderedDict(fc=nn.Linear(4, 3), act=nn.ReLU()))
with suppress(KeyError):
    named.insert(0, nn.Flatten())  # KeyError: '1'
named.pop(1)  # type ReLU
list(named.state_dict())  # ['0.weight', '0.bias']

# %%
# List of layers: ``nn.ModuleList``
# ---------------------------------
#
# ``nn.ModuleList`` registers its layers, and your ``forward`` decides how
# to call them. Use it for skip connections or for a choice between
# branches. It has the list methods ``append``, ``extend``, ``insert`` and
# ``pop``, but no others such as ``remove``.
class Residual(nn.Module):
    def __init__(self, depth):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(4, 4) for _ in range(depth))

    def forward(self, x):
        for layer in self.layers:
            x = x + layer(x)
        return x


net = Residual(depth=3)
net(torch.ones(5, 4))  # shape (5, 4)
len(list(net.parameters()))  # 6
net.layers.append(nn.Linear(4, 4))
list(net.state_dict())[-1]  # 'layers.3.bias'

# %%
# Layers by name: ``nn.ModuleDict``
# ---------------------------------
#
# Use ``nn.ModuleDict`` to choose a layer by its key, for example one head
# for each task or one branch for each kind of input. The keys are strings
# and become part of the parameter names. A key must not contain a dot, and
# it must not be the name of a method.
heads = nn.ModuleDict({"cats": nn.Linear(3, 2), "dogs": nn.Linear(3, 5)})
heads["dogs"](torch.ones(1, 3))  # shape (1, 5)
"birds" in heads  # False
list(heads.keys())  # ['cats', 'dogs']
heads.update({"birds": nn.Linear(3, 7)})
[head.out_features for name, head in heads.items()]  # [2, 5, 7]
heads.pop("cats")  # type Linear
with suppress(KeyError):
    heads["keys"] = nn.ReLU()  # KeyError: already exists

# %%
# List of parameters: ``nn.ParameterList``
# ----------------------------------------
#
# Tensors that you put into the list become parameters. Use it for weights
# that do not belong to a layer. Layers belong in an ``nn.ModuleList``.
scales = nn.ParameterList([torch.ones(2), torch.zeros(3)])
scales.append(torch.ones(()))
scales[1] = torch.ones(4)
type(scales[0]) is nn.Parameter  # True
[tuple(p.shape) for p in scales.parameters()]  # [(2,), (4,), ()]
list(scales.state_dict())  # ['0', '1', '2']

# %%
# Parameters by name: ``nn.ParameterDict``
# ----------------------------------------
#
# Tensors that you put into this dictionary become parameters of the module.
# It has the usual methods of a dict, ``|`` included.
gains = nn.ParameterDict({"left": torch.ones(2)})
gains["right"] = torch.zeros(3)
gains.setdefault("mid", torch.ones(()))  # type Parameter
list(gains.keys())  # ['left', 'right', 'mid']
type(gains["left"]) is nn.Parameter  # True
gains.get("none") is None  # True
merged = gains | nn.ParameterDict({"top": torch.ones(1)})
len(merged)  # 4

# %%
# Layers missing from ``parameters()``: a plain list hides them
# -------------------------------------------------------------
#
# A Python list or dict of layers is an ordinary attribute. The layers work
# in ``forward``, but ``parameters()`` does not list them, so the optimizer
# does not train them. ``to`` does not move them, and the state dict does
# not save them.
class Hidden(nn.Module):
    def __init__(self, container):
        super().__init__()
        self.layers = container([nn.Linear(4, 4), nn.Linear(4, 2)])


plain, right = Hidden(list), Hidden(nn.ModuleList)
len(list(plain.parameters())), len(plain.state_dict())  # (0, 0)
len(list(right.parameters())), len(right.state_dict())  # (4, 4)
plain.double().layers[0].weight.dtype  # torch.float32
right.double().layers[0].weight.dtype  # torch.float64

# %%
# Error: forward() takes 2 positional arguments but 3 were given
# --------------------------------------------------------------
#
# ``nn.Sequential`` takes one input. For two inputs, write a module whose
# ``forward`` takes both.
class Add(nn.Module):
    def forward(self, a, b):
        return a + b


a, b = torch.ones(2), torch.ones(2)
with suppress(TypeError):
    nn.Sequential(Add())(a, b)  # TypeError: takes 2 positional arguments
Add()(a, b)  # tensor([2., 2.])

# %%
# Error: linear(): argument 'input' must be Tensor, not tuple
# -----------------------------------------------------------
#
# ``nn.LSTM``, ``nn.GRU`` and ``nn.MultiheadAttention`` return a tuple, and
# ``nn.Sequential`` passes it to the next layer unchanged. Write a module
# that picks the part you need.
class Last(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(3, 4, batch_first=True)
        self.head = nn.Linear(4, 1)

    def forward(self, x):
        output, _ = self.lstm(x)
        return self.head(output[:, -1])


x = torch.ones(2, 5, 3)
wrong = nn.Sequential(nn.LSTM(3, 4), nn.Linear(4, 1))
with suppress(TypeError):
    wrong(x)  # TypeError: linear(): argument 'input' (position 1) must be
Last()(x).shape  # torch.Size([2, 1])

# %%
# A second network, not a second name: ``copy.deepcopy``
# ------------------------------------------------------
#
# ``target = policy`` gives the same module a second name, so ``target``
# changes with each training step. If the second network has to stay as it
# is, or to follow slowly, copy the module and freeze the copy.
# ``load_state_dict`` makes the copy equal to the original again. ``lerp_``
# moves the copy part of the way towards it (a soft update).
policy = nn.Linear(2, 1)
alias, target = policy, copy.deepcopy(policy).requires_grad_(False)
with torch.no_grad():
    policy.weight += 1
alias.weight is policy.weight  # True
torch.equal(target.weight, policy.weight)  # False
before = target.weight.clone()
for old, new in zip(target.parameters(), policy.parameters(), strict=True):
    old.lerp_(new, 0.1)
torch.allclose(target.weight, before + 0.1)  # True
target.load_state_dict(policy.state_dict())
torch.equal(target.weight, policy.weight)  # True

# %%
# Error: Module [ModuleList] is missing the required "forward"
# ------------------------------------------------------------
#
# ``nn.ModuleList`` and ``nn.ModuleDict`` hold layers but have no
# ``forward``. Call their elements, or put them into an ``nn.Sequential``.
layers = nn.ModuleList([nn.Linear(4, 3), nn.ReLU()])
x = torch.ones(5, 4)
with suppress(NotImplementedError):
    layers(x)  # NotImplementedError: missing the required "forward"
nn.Sequential(*layers)(x)  # shape (5, 3)
