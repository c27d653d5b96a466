"""
Python you need first
=====================

Classes, calls, generators, context managers and unpacking, each with the
place where PyTorch uses it.
"""
from contextlib import contextmanager, suppress
from functools import partial

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

# %%
# A class and its objects: ``__init__``, ``self``
# -----------------------------------------------
#
# ``__init__`` runs when an object is created and stores values in it.
# ``self`` is that object, so each object has its own values. A layer such
# as ``nn.Linear`` is a class, too.
class Counter:
    def __init__(self, start=0):
        self.value = start

    def add(self, step):
        self.value = self.value + step
        return self.value


first, second = Counter(), Counter(start=10)
first.add(2)  # 2
first.add(2)  # 4
second.value  # 10
layer = nn.Linear(3, 2)
layer.in_features  # 3
isinstance(layer, nn.Module)  # True

# %%
# Inherit from another class: ``super().__init__()``
# --------------------------------------------------
#
# A class inherits the methods of the class in parentheses. A network
# inherits from ``nn.Module``, and its ``__init__`` first calls the
# ``__init__`` of ``nn.Module``. Without this call, assigning the first
# layer raises an error.
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, 2)


class Forgot(nn.Module):
    def __init__(self):
        self.layer = nn.Linear(3, 2)


Net.__mro__[1] is nn.Module  # True
sum(p.numel() for p in Net().parameters())  # 8
with suppress(AttributeError):
    Forgot()  # AttributeError: cannot assign module before

# %%
# Call an object like a function: ``__call__``
# --------------------------------------------
#
# ``net(x)`` runs the method ``__call__`` of the object. In ``nn.Module``,
# this method runs ``forward``, so define ``forward`` and call ``net(x)``.
class Scale:
    def __init__(self, factor):
        self.factor = factor

    def __call__(self, x):
        return self.factor * x


class ScaleModule(nn.Module):
    def forward(self, x):
        return 3 * x


Scale(3)(torch.tensor([1, 2]))  # tensor([3, 6])
net = ScaleModule()
net(torch.tensor([1, 2]))  # tensor([3, 6])
callable(net)  # True

# %%
# Length and index for your own class: ``__len__``, ``__getitem__``
# -----------------------------------------------------------------
#
# ``len(data)`` calls ``__len__``, and ``data[i]`` calls ``__getitem__``. A
# ``torch.utils.data.Dataset`` defines these two methods, and a
# ``DataLoader`` uses them to build batches.
class Squares(Dataset):
    def __len__(self):
        return 5

    def __getitem__(self, index):
        return index, index**2


data = Squares()
len(data)  # 5
data[3]  # (3, 9)
x, y = next(iter(DataLoader(data, batch_size=3)))
(x, y)  # (tensor([0, 1, 2]), tensor([0, 1, 4]))

# %%
# One value after another: ``for``, ``iter``, ``next``, ``yield``
# ---------------------------------------------------------------
#
# A function with ``yield`` returns a generator, which computes each value
# when it is asked for. You can read a generator only once.
# ``nn.Module.parameters`` returns a generator, so a second loop over the
# same one finds nothing.
def countdown(start):
    for step in range(start):
        yield start - step


steps = countdown(3)
next(steps)  # 3
list(steps)  # [2, 1]
list(steps)  # []
parameters = nn.Linear(3, 2).parameters()
len(list(parameters))  # 2
len(list(parameters))  # 0

# %%
# Run code around a block: ``with``, context managers
# ---------------------------------------------------
#
# ``with`` runs code at the start and at the end of a block, even after an
# error. ``torch.no_grad`` is such a context manager. Write your own with
# ``yield``: the code before it runs first, and the code in ``finally`` runs
# last.
@contextmanager
def logged(log):
    log.append("begin")
    try:
        yield
    finally:
        log.append("end")


log = []
with logged(log), torch.no_grad():
    log.append("body")
    torch.is_grad_enabled()  # False
torch.is_grad_enabled()  # True
log  # ['begin', 'body', 'end']
with suppress(ZeroDivisionError), logged(log):
    1 / 0  # ZeroDivisionError: division by zero
log[3:]  # ['begin', 'end']

# %%
# Wrap a function: decorators, ``@torch.no_grad()``
# -------------------------------------------------
#
# ``@twice`` above a function replaces it by ``twice(function)``. With
# ``@torch.no_grad()``, each call of the function runs without recording
# gradients.
def twice(function):
    def both(x):
        return function(function(x))

    return both


@twice
def add_one(x):
    return x + 1


@torch.no_grad()
def predict(net, x):
    return net(x)


add_one(5)  # 7
predict(nn.Linear(3, 2), torch.ones(1, 3)).requires_grad  # False

# %%
# Lists and dicts in one line: comprehensions
# -------------------------------------------
#
# ``[f(x) for x in xs if test(x)]`` creates a list, and braces with keys and
# values create a dict. A dict is handy with ``named_parameters``.
# Parentheses create a generator, as in ``sum(...)``.
net = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
[n**2 for n in range(5) if n % 2 == 0]  # [0, 4, 16]
shapes = {name: tuple(p.shape) for name, p in net.named_parameters()}
shapes["0.weight"]  # (4, 3)
list(shapes)  # ['0.weight', '0.bias', '2.weight', '2.bias']
sum(p.numel() for p in net.parameters())  # 26
[type(m).__name__ for m in net]  # ['Linear', 'ReLU', 'Linear']

# %%
# Unpack and spread: ``a, b = pair``, ``*layers``
# -----------------------------------------------
#
# A tuple or a tensor on the right is unpacked into the names on the left. A
# star spreads a list into separate arguments, which ``nn.Sequential``
# expects. ``zip`` walks through two sequences at once, and ``enumerate``
# counts the elements.
inputs, targets = torch.tensor([[1, 2, 3], [4, 5, 6]])
targets  # tensor([4, 5, 6])
first, *rest = [10, 20, 30]
rest  # [20, 30]
layers = [nn.Linear(3, 3) for _ in range(4)]
len(nn.Sequential(*layers))  # 4
height, width = torch.zeros(5, 7).shape
(height, width) == torch.Size([5, 7])  # True
[i * t.item() for i, t in enumerate(targets)]  # [0, 5, 12]
[(a * b).item() for a, b in zip(inputs, targets)]  # [4, 10, 18]

# %%
# Any number of arguments: ``*args``, ``**kwargs``
# ------------------------------------------------
#
# ``*args`` collects the arguments that are passed by position, and
# ``**kwargs`` those passed by name. The same stars pass them on to another
# call. In this way a dict of settings becomes the arguments of an
# optimizer.
class Wrapper(nn.Module):
    def __init__(self, kind, *args, **kwargs):
        super().__init__()
        self.inner = kind(*args, **kwargs)

    def forward(self, x):
        return self.inner(x)


net = Wrapper(nn.Linear, 3, 2, bias=False)
net.inner.bias is None  # True
settings = {"lr": 0.1, "momentum": 0.9}
optimizer = torch.optim.SGD(net.parameters(), **settings)
optimizer.param_groups[0]["momentum"]  # 0.9
net(torch.ones(4, 3))  # shape (4, 2)

# %%
# Functions as values: ``lambda``, ``functools.partial``
# ------------------------------------------------------
#
# You can store a function and pass it on as an argument. ``lambda`` writes
# a short function in place, and ``partial`` fixes some of the arguments.
conv = partial(nn.Conv2d, kernel_size=3, padding=1)
conv(3, 8).kernel_size  # (3, 3)
optimizer = torch.optim.SGD([torch.zeros(1)], lr=1.0)
halve = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda n: 0.5**n)
optimizer.step()
halve.step()
halve.get_last_lr()  # [0.5]
sorted([3, -1, 2], key=abs)  # [-1, 2, 3]

# %%
# Two names for one object: ``b = a`` does not copy
# -------------------------------------------------
#
# ``b = a`` gives the same object a second name. ``+=`` and methods that end
# in ``_`` change the tensor under both names, and ``b = b + 1`` creates a
# new one. A list times a number repeats the same object, so use a
# comprehension to create several layers.
a = torch.tensor([1, 2])
b = a
b += 10
b.add_(1)
a  # tensor([12, 13])
b = b + 10
a  # tensor([12, 13])
c = a.clone()
c.zero_()
a  # tensor([12, 13])
shared = nn.Sequential(*[nn.Linear(3, 3)] * 2)
len(list(shared.parameters()))  # 2
apart = nn.Sequential(*[nn.Linear(3, 3) for _ in range(2)])
len(list(apart.parameters()))  # 4
