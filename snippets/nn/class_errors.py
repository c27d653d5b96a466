"""
Errors of a network class
=========================

Understand the errors that Python and PyTorch raise for a network class of
your own. Typical causes are a forgotten ``self``, a layer that was created
but not called, and a list in place of a layer.
"""
from contextlib import suppress

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

# %%
# Error: 'Net' object has no attribute 'fc2' (``self`` forgotten)
# ---------------------------------------------------------------
#
# A layer becomes part of the module when you assign it to ``self``. Without
# ``self`` it is a local variable and is gone after ``__init__``. You get
# the same message if the name is spelled differently in ``forward``.
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(2, 2)
        fc2 = nn.Linear(2, 2)
        nn.init.zeros_(fc2.bias)

    def forward(self, x):
        return self.fc2(self.fc1(x))


net = Net()
with suppress(AttributeError):
    net(
        torch.ones(1, 2)
    )  # AttributeError: 'Net' object has no attribute 'fc2'
[name for name, _ in net.named_children()]  # ['fc1']
net.fc2 = nn.Linear(2, 2)
net(torch.ones(1, 2)).shape  # torch.Size([1, 2])

# %%
# Error: forward() takes 1 positional argument but 2 were given
# -------------------------------------------------------------
#
# The first argument of ``forward``, as of other methods, is ``self``.
# Python counts it, so the message gives one argument more than you passed.
# If you pass too few arguments, the message says "missing 1 required
# positional argument".
class Forgotten(nn.Module):
    def forward(x):
        return x


class Both(nn.Module):
    def forward(self, x, mask):
        return x * mask


x = torch.ones(2)
with suppress(TypeError):
    Forgotten()(
        x
    )  # TypeError: forward() takes 1 positional argument but 2 were given
with suppress(TypeError):
    Both()(
        x
    )  # TypeError: forward() missing 1 required positional argument: 'mask'
Both()(x, mask=x)  # tensor([1., 1.])

# %%
# Error: __init__() takes 1 positional argument but 2 were given
# --------------------------------------------------------------
#
# You pass more arguments than the class takes. Often the method is called
# ``_init_`` with single underscores, so Python uses ``__init__`` of
# ``nn.Module`` instead. ``nn.Sigmoid(x)`` raises the same error, because
# this class takes no arguments. Create the layer first and then call it
# with the input.
class Net(nn.Module):
    def _init_(self, size):
        super().__init__()


with suppress(TypeError):
    Net(3)  # TypeError: takes 1 positional argument but 2 were given
with suppress(TypeError):
    Net(size=3)  # TypeError: got an unexpected keyword argument 'size'
x = torch.zeros(2)
with suppress(TypeError):
    nn.Sigmoid(x)  # TypeError: takes 1 positional argument but 2 were given
nn.Sigmoid()(x)  # tensor([0.5000, 0.5000])

# %%
# Error: parameters() missing 1 required positional argument: 'self'
# ------------------------------------------------------------------
#
# The variable holds the class and not a model, because the parentheses are
# missing. Write ``net = Net()``.
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(2, 2)


net = Net
with suppress(TypeError):
    torch.optim.SGD(
        net.parameters()
    )  # TypeError: parameters() missing 1 required positional
net = Net()
len(torch.optim.SGD(net.parameters()).param_groups[0]["params"])  # 2

# %%
# Error: argument 'input' must be Tensor, not ReLU: made, not called
# ------------------------------------------------------------------
#
# ``nn.ReLU(x)`` only creates a layer, with ``x`` as its argument
# ``inplace``. The next layer then gets a module instead of a tensor. Write
# ``nn.ReLU()(x)`` or ``F.relu(x)``.
x = torch.tensor([[-1.0]])
wrong = nn.ReLU(x)
with suppress(TypeError):
    nn.Linear(1, 1)(
        wrong
    )  # TypeError: linear(): argument 'input' (position 1) must be
nn.ReLU()(x), F.relu(x)  # (tensor([[0.]]), tensor([[0.]]))

# %%
# Error: 'NoneType' object has no attribute 'shape': no return
# ------------------------------------------------------------
#
# If ``forward`` has no ``return``, it returns ``None``. This also happens
# if one branch of an ``if`` has no ``return``. A loss then says "must be
# Tensor, not NoneType".
class Net(nn.Module):
    def forward(self, x):
        F.relu(x)


output = Net()(torch.ones(1, 2))
output is None  # True
with suppress(AttributeError):
    output.shape  # AttributeError: 'NoneType' object has no attribute
with suppress(TypeError):
    F.cross_entropy(
        output, torch.tensor([0])
    )  # TypeError: (position 1) must be Tensor, not NoneType

# %%
# Error: list is not a Module subclass (``nn.Sequential``)
# --------------------------------------------------------
#
# ``nn.Sequential`` takes the layers as separate arguments, so put a star
# before a list. Each argument must be a layer: write ``nn.ReLU()``, not
# ``F.relu`` or the class ``nn.ReLU``. ``nn.ModuleList`` takes a list.
layers = [nn.Linear(2, 3), nn.ReLU()]
with suppress(TypeError):
    nn.Sequential(layers)  # TypeError: list is not a Module subclass
with suppress(TypeError):
    nn.Sequential(nn.Linear(2, 3), F.relu)  # TypeError: is not a Module
with suppress(TypeError):
    nn.Sequential(nn.Linear(2, 3), nn.ReLU)  # TypeError: is not a Module
nn.Sequential(*layers)(torch.ones(1, 2)).shape  # torch.Size([1, 3])
len(nn.ModuleList(layers))  # 2

# %%
# Error: size must be tuple of ints, but got float: use ``//``
# ------------------------------------------------------------
#
# In Python, ``/`` gives a float even if there is no remainder: 512 / 2 is
# 256.0. The sizes of layers must be integers, so divide with ``//``.
# Convert a size that comes from NumPy or from a file with ``int``.
with suppress(TypeError):
    nn.Linear(512 / 2, 10)  # TypeError: but got float
with suppress(TypeError):
    nn.LSTM(4, 8 / 2)  # TypeError: hidden_size should be of type int
nn.Linear(512 // 2, 10).in_features  # 256
nn.Linear(int(np.float64(4)), 2).in_features  # 4

# %%
# Error: argument 'input' must be Tensor, not numpy.ndarray or list
# -----------------------------------------------------------------
#
# A network takes tensors. Convert arrays and lists with ``torch.tensor``
# and pass the dtype, because arrays are often float64 and layers are
# float32. For a single sample, add the batch dimension.
net = nn.Linear(3, 2)
row = np.array([1.0, 2.0, 3.0])
with suppress(TypeError):
    net(row)  # TypeError: must be Tensor, not numpy.ndarray
with suppress(TypeError):
    net([1.0, 2.0, 3.0])  # TypeError: must be Tensor, not list
x = torch.tensor(row, dtype=torch.float32).unsqueeze(0)
net(x).shape  # torch.Size([1, 2])

# %%
# Error: 'Net' object is not subscriptable, or has no len()
# ---------------------------------------------------------
#
# ``net[0]`` works for ``nn.Sequential`` and ``nn.ModuleList``, but not for
# a class of your own. In your own class, reach a layer by its name, with
# ``get_submodule`` or through ``children``.
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(2, 3), nn.ReLU())


net = Net()
with suppress(TypeError):
    net[0]  # TypeError: 'Net' object is not subscriptable
with suppress(TypeError):
    len(net)  # TypeError: object of type 'Net' has no len()
net.body[0] is net.get_submodule("body.0")  # True
next(iter(net.children())) is net.body  # True

# %%
# A layer made in ``forward`` has new weights in each call
# --------------------------------------------------------
#
# Create layers in ``__init__``. A layer that ``forward`` creates has new
# random weights in each call, so the outputs differ from call to call.
# ``parameters()`` does not list these weights, so the optimizer does not
# train them. There is no error.
class Net(nn.Module):
    def forward(self, x):
        return nn.Linear(4, 4)(x)


net, x = Net(), torch.ones(1, 4)
torch.equal(net(x), net(x))  # False
len(list(net.parameters()))  # 0
kept = nn.Linear(4, 4)
torch.equal(kept(x), kept(x))  # True

# %%
# KeyError: module name can't contain "." / attribute already exists
# ------------------------------------------------------------------
#
# A state dict joins the names of layers with dots, so a key of
# ``nn.ModuleDict`` must not contain one. Replace the dots with another
# character. ``register_buffer`` raises KeyError if the module already has
# an attribute of that name. Delete the attribute first, or use another
# name.
with suppress(KeyError):
    nn.ModuleDict(
        {"conv.1": nn.ReLU()}
    )  # KeyError: module name can\'t contain
heads = nn.ModuleDict({"conv.1".replace(".", "_"): nn.ReLU()})
list(heads)  # ['conv_1']
net = nn.Linear(2, 2)
net.mean = 3
with suppress(KeyError):
    net.register_buffer(
        "mean", torch.ones(2)
    )  # KeyError: "attribute 'mean' already exists"
del net.mean
net.register_buffer("mean", torch.ones(2))
[name for name, _ in net.named_buffers()]  # ['mean']
