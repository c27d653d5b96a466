"""
Modules
=======

Write your own layers and networks, convert them to another dtype or device,
and look at their submodules, outputs and gradients.
"""
from contextlib import suppress

import torch
from torch import nn

# %%
# Write a network of your own: ``nn.Module``
# ------------------------------------------
#
# ``__init__`` creates the layers, and ``forward`` computes the output from
# the input. If you assign a layer or an ``nn.Parameter`` to an attribute,
# the module registers it. A registered layer is trained, moved and saved
# together with the module.
class Net(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.inner = nn.Linear(4, hidden)
        self.outer = nn.Linear(hidden, 2)

    def forward(self, x):
        return self.outer(torch.relu(self.inner(x)))


net = Net(hidden=8)
net(torch.ones(5, 4))  # shape (5, 2)
[name for name, _ in net.named_children()]  # ['inner', 'outer']

# %%
# Call the module itself: ``nn.Module.forward`` skips the hooks
# -------------------------------------------------------------
#
# A hook is a function that the module calls before or after ``forward``.
# ``net(x)`` runs ``forward`` together with the hooks, and after
# ``nn.Module.compile`` it runs the compiled code. ``net.forward(x)`` skips
# the hooks and the compiled code. Features that are built from hooks, such
# as pruning, then have no effect.
#
# .. glance:: layer(x)
layer = nn.ReLU()
calls = []
layer.register_forward_hook(lambda *_: calls.append("hook"))
x = torch.tensor([-1.0, 2.0])
layer.forward(x)  # tensor([0., 2.])
calls  # []
layer(x)  # tensor([0., 2.])
calls  # ['hook']

# %%
# A module inside a module: ``get_submodule``, ``set_submodule``
# --------------------------------------------------------------
#
# The name of a nested module is a path with dots. ``get_submodule`` returns
# the module with this name. ``set_submodule`` replaces it, for example to
# give a pretrained network another output layer.
body = nn.Sequential(nn.Linear(4, 3), nn.ReLU())
net = nn.Sequential()
net.body = body
net.head = nn.Linear(3, 10)
net.get_submodule("body.1")  # type ReLU
net.set_submodule("head", nn.Linear(3, 2))
net(torch.ones(1, 4))  # shape (1, 2)
with suppress(AttributeError):
    net.get_submodule("body.2")  # AttributeError: no attribute `2`

# %%
# Add a module under a computed name: ``nn.Module.add_module``
# ------------------------------------------------------------
#
# ``register_module`` is another name for ``add_module``, and ``setattr``
# registers a module as well. The name must contain no dots and must not be
# the name of another attribute, such as ``train``. If a module with this
# name exists, it is replaced.
net = nn.Module()
for i in range(2):
    net.add_module(f"block{i}", nn.Linear(3, 3))
net.register_module("head", nn.Linear(3, 1))
[name for name, _ in net.named_children()]  # ['block0', 'block1', 'head']
with suppress(KeyError):
    net.add_module("a.b", nn.ReLU())  # KeyError: can\'t contain "."
with suppress(KeyError):
    net.add_module("train", nn.ReLU())  # KeyError: already exists
net.add_module("head", nn.ReLU())
net.head  # type ReLU

# %%
# Print a module: ``nn.Module.extra_repr``
# ----------------------------------------
#
# ``print(net)`` lists the submodules in the order in which they were
# assigned, which may differ from the order in which they are called.
# Override ``extra_repr`` to choose the text between the parentheses.
class Scale(nn.Module):
    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def extra_repr(self):
        return f"factor={self.factor}"


repr(Scale(3))  # 'Scale(factor=3)'
net = nn.Sequential(Scale(3), nn.ReLU())
repr(net)  # 'Sequential(\n  (0): Scale(factor=3)\n  (1): ReLU()\n)'

# %%
# Apply a function to every submodule: ``nn.Module.apply``
# --------------------------------------------------------
#
# ``apply`` calls the function with each submodule, and with the module
# itself last. A submodule comes before the module that contains it. The
# return value is ignored, so the function should change the module that it
# is given.
def zero_bias(module):
    order.append(type(module).__name__)
    if isinstance(module, nn.Linear):
        nn.init.zeros_(module.bias)


order = []
net = nn.Sequential(nn.Linear(3, 2), nn.ReLU())
net.apply(zero_bias) is net  # True
order  # ['Linear', 'ReLU', 'Sequential']
net[0].bias.tolist()  # [0.0, 0.0]

# %%
# Change the dtype of a module: ``nn.Module.to``, ``double``, ``half``
# --------------------------------------------------------------------
#
# These methods convert the module in place and return the module itself,
# unlike ``Tensor.to``. ``float``, ``double``, ``half`` and ``bfloat16``
# leave integer buffers unchanged. ``type`` converts integer buffers, too.
layer = nn.BatchNorm1d(3)
layer.double() is layer  # True
layer.weight.dtype  # torch.float64
layer.num_batches_tracked.dtype  # torch.int64
layer.half().weight.dtype  # torch.float16
layer.bfloat16().weight.dtype  # torch.bfloat16
layer.float().weight.dtype  # torch.float32
layer.to(torch.float64).weight.dtype  # torch.float64
layer.type(torch.float16).num_batches_tracked.dtype  # torch.float16

# %%
# Methods that reach all parameters: ``zero_grad``, ``share_memory``
# ------------------------------------------------------------------
#
# ``nn.Module.zero_grad`` clears the gradients of all parameters of the
# module, including those that no optimizer holds.
# ``nn.Module.share_memory`` moves the tensors to shared memory, so several
# processes can train the same model. It changes nothing for tensors on a
# GPU.
net = nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 2)).cpu()
net(torch.ones(1, 4, device="cpu")).sum().backward()
any(p.grad is None for p in net.parameters())  # False
net.zero_grad()
all(p.grad is None for p in net.parameters())  # True
net[0].weight.is_shared()  # False
net.share_memory() is net  # True
net[0].weight.is_shared()  # True

# %%
# Device of a module: ``nn.Module.to``, ``cpu``, ``cuda``, ``to_empty``
# ---------------------------------------------------------------------
#
# A module has no ``device`` attribute, because its parameters may lie on
# different devices. Ask one of the parameters instead. On the meta device,
# tensors have a shape but no values, so such a module needs ``to_empty``,
# which copies no values. ``nn.Module.cuda``, ``nn.Module.xpu``,
# ``nn.Module.mtia`` and ``nn.Module.ipu`` move a module to the device in
# their name.
net = nn.Linear(4, 2, device="meta")
with suppress(AttributeError):
    net.device  # AttributeError: 'Linear' object has no attribute 'device'
next(net.parameters()).device.type  # 'meta'
with suppress(NotImplementedError):
    net.to("cpu")  # NotImplementedError: Cannot copy out of meta tensor
net.to_empty(device="cpu").weight.device.type  # 'cpu'
net.cpu() is net  # True

# %%
# Get the output of an inner layer: ``register_forward_hook``
# -----------------------------------------------------------
#
# The hook runs after the ``forward`` of the layer and receives its output.
# If the hook returns a value, this value replaces the output. Detach the
# tensors that you keep, and remove the hook when you no longer need it.
def keep(module, args, output):
    features.append(output.detach())


features = []
net = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))
handle = net[1].register_forward_hook(keep)
x = torch.ones(5, 4)
net(x)  # shape (5, 2)
torch.allclose(features[0], torch.relu(net[0](x)))  # True
handle.remove()
net(x)  # shape (5, 2)
len(features)  # 1

# %%
# Change a layer's input: ``register_forward_pre_hook``
# -----------------------------------------------------
#
# The hook runs before ``forward`` and may return new arguments. By default
# it receives the positional arguments. Register it with
# ``with_kwargs=True`` to get the keyword arguments as well.
layer = nn.ReLU()
layer.register_forward_pre_hook(lambda module, args: (args[0] - 1,))
layer(torch.tensor([0.0, 1.0, 3.0]))  # tensor([0., 0., 2.])
seen, plain = [], nn.ReLU()
plain.register_forward_pre_hook(
    lambda module, args, kwargs: seen.append((len(args), list(kwargs))),
    with_kwargs=True,
)
plain(input=torch.ones(2))  # tensor([1., 1.])
seen  # [(0, ['input'])]

# %%
# Gradients at a layer: ``register_full_backward_hook``
# -----------------------------------------------------
#
# The hook receives the gradients with respect to the inputs and outputs of
# the module. A hook set with ``register_full_backward_pre_hook`` runs
# earlier and receives only the gradient with respect to the outputs. Here
# the second layer multiplies by 3, so the gradient is 1 at its output and 3
# at its input.
def look(module, grad_input, grad_output):
    seen["in"], seen["out"] = grad_input[0].item(), grad_output[0].item()


seen = {}
net = nn.Sequential(*[nn.Linear(1, 1, bias=False) for _ in range(2)])
nn.init.constant_(net[0].weight, 2)
nn.init.constant_(net[1].weight, 3)
net[1].register_full_backward_hook(look)
net[1].register_full_backward_pre_hook(
    lambda module, grad_output: seen.update(first=grad_output[0].item())
)
net(torch.ones(1, 1)).sum().backward()
seen  # {'first': 1.0, 'in': 3.0, 'out': 1.0}
net[0].register_full_backward_pre_hook(lambda module, grad_output: None)
loss = net(torch.ones(1, 1)).sum()
loss.backward()  # None since 2.14, UserWarning: hook is firing before

# %%
# Old hook that sees the wrong gradient: ``register_backward_hook``
# -----------------------------------------------------------------
#
# The old hook gives the gradient with respect to the input of the last
# operation of ``forward``, here 3, and raises a warning. The full hook
# gives the gradient with respect to the input of the module, here 6.
class Six(nn.Module):
    def forward(self, x):
        return (x * 2) * 3


def keep(module, grad_input, grad_output):
    grads.append(grad_input[0].item())


grads = []
old, new = Six(), Six()
old.register_backward_hook(keep)
new.register_full_backward_hook(keep)
x = torch.ones((), requires_grad=True)
y = old(x)  # FutureWarning: Using a non-full backward hook
y.backward()
new(x).backward()
grads  # [3.0, 6.0]

# %%
# Error: cannot assign module before Module.__init__() call
# ---------------------------------------------------------
#
# Call ``super().__init__()`` before you assign the first layer or
# parameter. This call creates the dicts in which the module registers
# layers and parameters.
class Forgotten(nn.Module):
    def __init__(self):
        self.fc = nn.Linear(4, 2)


class Right(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 2)


with suppress(AttributeError):
    Forgotten()  # AttributeError: cannot assign module before
len(list(Right().parameters()))  # 2

# %%
# Old form: ``super(Net, self).__init__()``
# -----------------------------------------
#
# The arguments date from Python 2, and ``super()`` does the same without
# them. They repeat the name of the class. If you copy or rename the class
# and forget this place, the name is wrong and the constructor raises an
# error.
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 2)


class Copied(nn.Module):
    def __init__(self):
        super(Net, self).__init__()
        self.fc = nn.Linear(4, 2)


with suppress(TypeError):
    Copied()  # TypeError: instance or subtype of type
Net()  # type Net

# %%
# Error: module is missing the required "forward" function
# --------------------------------------------------------
#
# The module looks up ``forward`` by its name. If you misspell the name, or
# indent the method into ``__init__``, the error appears at the first call.
class Misspelt(nn.Module):
    def foward(self, x):
        return x


with suppress(NotImplementedError):
    Misspelt()(1)  # NotImplementedError: missing the required "forward"
