"""
Tensor subclasses and modes
===========================

Give a tensor your own type, and decide what PyTorch functions do with it.
A mode does the same for all calls inside a ``with`` block.
"""
from collections import Counter
from contextlib import suppress

import torch
from torch import nn
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map


# %%
# A tensor with a type of your own: ``Tensor.as_subclass``
# --------------------------------------------------------
#
# ``as_subclass`` returns a tensor of your class that shares the memory of
# the old one. Results of operations have this class, too, so your methods
# stay available. ``isinstance`` tells two kinds of tensors apart.
class Length(torch.Tensor):
    def in_inches(self):
        return self / 2.54


plain = torch.tensor([2.54, 5.08])
length = plain.as_subclass(Length)
total = length.sum()
total.in_inches().item()  # 3.0000
isinstance(total, Length), isinstance(plain, Length)  # (True, False)
length.mul_(10)
plain  # tensor([25.4000, 50.8000])


# %%
# Keep an attribute: ``__torch_function__``
# -----------------------------------------
#
# An operation makes a new tensor, and attributes of the old one are lost.
# PyTorch calls ``__torch_function__`` in place of a function that gets your
# class. ``func`` is this function, and the call through ``super()`` does
# its work. Copy the attribute to the result.
class Named(torch.Tensor):
    pass


class Labeled(torch.Tensor):
    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        result = super().__torch_function__(func, types, args, kwargs)
        if isinstance(result, cls) and isinstance(args[0], cls):
            result.label = vars(args[0]).get("label")
        return result


named = torch.ones(2).as_subclass(Named)
named.label = "weight"
hasattr(named + 1, "label")  # False
labeled = torch.ones(2).as_subclass(Labeled)
labeled.label = "weight"
(labeled + 1).label  # 'weight'
labeled.sum().label  # 'weight'


# %%
# PyTorch functions for a class that is no tensor: ``__torch_function__``
# -----------------------------------------------------------------------
#
# Your class does not have to be a subclass of ``torch.Tensor``. This matrix
# stores its diagonal and computes a product without the zeros. For other
# functions it returns ``NotImplemented``, and PyTorch raises an error.
# ``torch.overrides.is_tensor_like`` tells whether an object is a tensor or
# has ``__torch_function__``.
class Diagonal:
    def __init__(self, values):
        self.values = values

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        if func is torch.matmul:
            return args[0].values.unsqueeze(1) * args[1]
        return NotImplemented


d = Diagonal(torch.tensor([2.0, 3.0]))
x = torch.randn(2, 4)
torch.allclose(torch.matmul(d, x), d.values.diag() @ x)  # True
with suppress(TypeError):
    torch.mean(d)  # TypeError: Multiple dispatch failed for 'torch.mean'
torch.overrides.is_tensor_like(d)  # True
torch.overrides.is_tensor_like([2.0, 3.0])  # False


# %%
# Your own function, open to subclasses: ``handle_torch_function``
# ----------------------------------------------------------------
#
# PyTorch passes its own functions to ``__torch_function__``. Begin your
# function with these two lines to do the same.
# ``torch.overrides.has_torch_function`` is True if an argument has its own
# ``__torch_function__``. ``torch.overrides.handle_torch_function`` then
# calls it.
def double(x):
    if torch.overrides.has_torch_function((x,)):
        return torch.overrides.handle_torch_function(double, (x,), x)
    return x * 2


class Word:
    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        return f"{func.__name__} of a word"


double(torch.tensor([1.0, 2.0]))  # tensor([2., 4.])
double(Word())  # 'double of a word'
torch.overrides.has_torch_function((torch.ones(2), 3))  # False


# %%
# The same as a decorator: ``torch.overrides.wrap_torch_function``
# ----------------------------------------------------------------
#
# The decorator needs a function that picks the arguments to look at. It
# gets the same arguments as your function.
def pick(x, factor):
    return (x,)


@torch.overrides.wrap_torch_function(pick)
def scale(x, factor):
    return x * factor


class Word:
    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        return f"{func.__name__} by {args[1]}"


scale(torch.tensor([1.0, 2.0]), 3)  # tensor([3., 6.])
scale(Word(), 3)  # 'scale by 3'


# %%
# Count or change all calls in a block: ``TorchFunctionMode``
# -----------------------------------------------------------
#
# A mode sees the PyTorch functions that are called inside its ``with``
# block, whatever the class of the tensors. It also sees functions without a
# tensor argument, such as ``torch.zeros``. ``torch.overrides.resolve_name``
# gives the full name of a function.
class Log(TorchFunctionMode):
    def __torch_function__(self, func, types, args=(), kwargs=None):
        calls.append(torch.overrides.resolve_name(func))
        if func is torch.zeros:
            func = torch.ones
        return func(*args, **(kwargs or {}))


calls = []
with Log():
    x = torch.zeros(2)
    y = x + 1
    s = y.sum()
s  # tensor(4.)
calls  # ['torch.zeros', 'torch.Tensor.add', 'torch.Tensor.sum']


# %%
# See what runs below autograd: ``TorchDispatchMode``
# ---------------------------------------------------
#
# A ``TorchDispatchMode`` sees the operators that PyTorch executes in the
# end, and also those of ``backward``. One call may be several of them:
# ``linear`` is a transposition and a matrix product here. Use the mode to
# count operators or to log them.
class Count(TorchDispatchMode):
    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        counts[func._schema.name] += 1
        return func(*args, **(kwargs or {}))


counts = Counter()
x, w = torch.randn(2, 3), torch.randn(4, 3, requires_grad=True)
with Count():
    y = nn.functional.linear(x, w)
dict(counts)  # {'aten::t': 1, 'aten::mm': 1}
counts.clear()
with Count():
    y.sum().backward()
counts["aten::mm"]  # 1


# %%
# Store something else than numbers: a wrapper subclass
# -----------------------------------------------------
#
# ``Tensor._make_wrapper_subclass`` makes a wrapper, which has the shape and
# dtype of a tensor, but holds its data in other tensors.
# ``__torch_dispatch__`` gets the operators and says how to compute them,
# here with one byte per number, which becomes a float when it is used.
# Quantized weights can be stored like this.
class Bytes(torch.Tensor):
    @staticmethod
    def __new__(cls, data, scale):
        return torch.Tensor._make_wrapper_subclass(
            cls, data.shape, dtype=torch.float32, device=data.device
        )

    def __init__(self, data, scale):
        self.stored, self.scale = data, scale

    def to_floats(self):
        return self.stored.float() * self.scale

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        def unwrap(x):
            return x.to_floats() if isinstance(x, cls) else x

        return func(*tree_map(unwrap, args), **(kwargs or {}))


w = Bytes(torch.tensor([-100, 20, 4], dtype=torch.int8), scale=0.5)
w.shape, w.dtype  # (torch.Size([3]), torch.float32)
w + 1  # tensor([-49., 11., 3.])
torch.dot(w, torch.tensor([0.0, 1.0, 1.0]))  # tensor(12.)
w.stored.nbytes  # 3


# %%
# Error: maximum recursion depth exceeded (``__torch_function__``)
# ----------------------------------------------------------------
#
# ``__torch_function__`` calls ``func`` with your class, which calls
# ``__torch_function__`` again. Go through ``super().__torch_function__``,
# or call ``func`` inside ``torch._C.DisableTorchFunctionSubclass``. The
# second way returns a plain tensor.
class Endless(torch.Tensor):
    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        return func(*args, **(kwargs or {}))


class Plain(torch.Tensor):
    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        with torch._C.DisableTorchFunctionSubclass():
            return func(*args, **(kwargs or {}))


x = torch.tensor([1.0])
with suppress(RecursionError):
    x.as_subclass(Endless) + 1  # RecursionError: maximum recursion depth
y = x.as_subclass(Plain) + 1
y, type(y) is torch.Tensor  # (tensor([2.]), True)

# %%
# Which functions can be overridden: ``get_overridable_functions``
# ----------------------------------------------------------------
#
# ``torch.overrides.get_overridable_functions`` lists, for each module, the
# functions that call ``__torch_function__``. ``torch.ones`` gets no tensor
# and is on the list of ignored functions.
# ``torch.overrides.get_testing_overrides`` gives, for a function, another
# one with the same arguments. ``is_tensor_method_or_property`` tells the
# methods of ``torch.Tensor`` from functions.
found = torch.overrides.get_overridable_functions()
torch.add in found[torch], torch.ones in found[torch]  # (True, False)
torch.ones in torch.overrides.get_ignored_functions()  # True
dummy = torch.overrides.get_testing_overrides()[torch.add]
dummy.__code__.co_varnames  # ('input', 'other', 'out')
is_method = torch.overrides.is_tensor_method_or_property
is_method(torch.Tensor.add), is_method(torch.add)  # (True, False)
is_method(torch.Tensor.shape.__get__)  # True


# %%
# Autograd inside ``__torch_dispatch__``: ``enable_reentrant_dispatch``
# ---------------------------------------------------------------------
#
# ``__torch_dispatch__`` runs below autograd, so operations in it record no
# graph for a gradient. Inside
# ``torch.overrides.enable_reentrant_dispatch`` they do, and you can
# differentiate a part of your computation there.
class Inside(torch.Tensor):
    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        x = torch.tensor(3.0, requires_grad=True)
        recorded.append((x * x).requires_grad)
        with torch.overrides.enable_reentrant_dispatch():
            square = x * x
            recorded.append(square.requires_grad)
            return torch.autograd.grad(square, x)[0]


recorded = []
y = torch.ones(()).as_subclass(Inside) + 1
y  # tensor(6.)
recorded  # [False, True]


# %%
# Decide what is loaded: ``Tensor.module_load``
# ---------------------------------------------
#
# By default, ``load_state_dict`` copies numbers into the parameters that
# are there. After
# ``torch.__future__.set_swap_module_params_on_conversion(True)``, it calls
# ``module_load`` of the parameter and puts the result in its place. A
# subclass can convert the numbers, here to integers.
class Rounded(torch.Tensor):
    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        if func is torch.Tensor.module_load:
            _, loaded = args
            return loaded.round().as_subclass(cls)
        return super().__torch_function__(func, types, args, kwargs)


layer = nn.Linear(2, 1, bias=False)
layer.weight = nn.Parameter(torch.zeros(1, 2).as_subclass(Rounded))
saved = {"weight": torch.tensor([[1.2, 2.7]])}
options = torch.__future__
before = options.get_swap_module_params_on_conversion()
before  # False
layer.load_state_dict(saved)
layer.weight.tolist()  # [[1.2000, 2.7000]]
options.set_swap_module_params_on_conversion(True)
layer.load_state_dict(saved)
options.set_swap_module_params_on_conversion(before)
layer.weight.tolist()  # [[1.0, 3.0]]
