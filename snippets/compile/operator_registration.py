"""
Registering operators
=====================

Add an operator to PyTorch piece by piece: its signature, its code for each
device, and what it does under vmap, autocast and modes.
"""
import warnings
from contextlib import suppress

import torch
from torch import Tensor
from torch._dynamo import config
from torch._dynamo.testing import AotEagerAndRecordGraphs
from torch.library import _scoped_library
from torch.utils._python_dispatch import TorchDispatchMode

# %%
# Declare an operator, then add its code: ``define`` and ``impl``
# ---------------------------------------------------------------
#
# ``torch.library.define`` needs the name and the signature of the operator.
# ``torch.library.impl`` adds the code for one kind of device, and a call
# before that raises an error. For most operators,
# ``torch.library.custom_op`` does both steps at once and is easier.
# ``_scoped_library`` removes the operator at the end of the block.
x = torch.tensor([1.0, 2.0], device="cpu")
signature = "(Tensor x, int n=1) -> Tensor"
with _scoped_library("sheet", "FRAGMENT") as lib:
    torch.library.define("sheet::plus", signature, lib=lib)
    with suppress(NotImplementedError):
        torch.ops.sheet.plus(
            x
        )  # NotImplementedError: Could not run 'sheet::plus' with arguments

    @torch.library.impl("sheet::plus", "cpu", lib=lib)
    def plus(x, n=1):
        return x + n

    torch.ops.sheet.plus(x)  # tensor([2., 3.])
    torch.ops.sheet.plus(x, n=3)  # tensor([4., 5.])

# %%
# The same with an object: ``torch.library.Library``
# --------------------------------------------------
#
# A ``Library`` owns the operators that you define with it, so keep it in a
# variable. ``"FRAGMENT"`` adds to a namespace that may have other owners.
# The key ``CompositeExplicitAutograd`` stands for all devices. A name can
# be defined once.
lib = torch.library.Library("sheet_library", "FRAGMENT")
lib.define("minus(Tensor x, int n=1) -> Tensor")
lib.impl("minus", lambda x, n=1: x - n, "CompositeExplicitAutograd")
with suppress(RuntimeError):
    lib.define(
        "minus(Tensor x) -> Tensor"
    )  # RuntimeError: Tried to register an operator
x = torch.tensor([1.0, 2.0])
minus = torch.ops.sheet_library.minus
minus(x), minus(x, 3)  # (tensor([0., 1.]), tensor([-2., -1.]))
str(minus.default._schema)[15:]  # 'minus(Tensor x, int n=1) -> Tensor'
lib._destroy()
hasattr(torch.ops.sheet_library, "minus")  # False

# %%
# Error: '_OpNamespace' object has no attribute (``torch.ops``)
# -------------------------------------------------------------
#
# ``torch.ops`` holds the operators by namespace and name. An operator is
# there after the module that registers it has been imported. Import this
# module first, and check the spelling of the name.
relu = torch.ops.aten.relu
relu(torch.tensor([-1.0, 2.0]))  # tensor([0., 2.])
with suppress(AttributeError):
    torch.ops.sheet_absent.nms  # AttributeError: '_OpNamespace'
with _scoped_library("sheet_absent", "FRAGMENT") as lib:
    lib.define("nms(Tensor boxes) -> Tensor")
    str(torch.ops.sheet_absent.nms)  # 'sheet_absent.nms'


# %%
# Make an operator work with ``torch.vmap``: ``register_vmap``
# ------------------------------------------------------------
#
# ``torch.vmap`` does not look into a custom operator and calls it once for
# each sample, which is slow. The rule that you register runs the operator
# once for all samples. ``in_dims`` says which dimension of the input counts
# the samples. The rule returns the result and the position of this
# dimension in it.
@torch.library.custom_op("sheet::order", mutates_args=())
def order(x: Tensor) -> Tensor:
    calls.append(x.dim())
    return x.argsort(dim=-1)


calls = []
x = torch.tensor([[3.0, 1.0], [2.0, 5.0], [4.0, 3.0]])
with warnings.catch_warnings(action="ignore"):
    slow = torch.vmap(order, in_dims=1)(x)
calls  # [1, 1]


@order.register_vmap
def _(info, in_dims, x):
    (dim,) = in_dims
    return order(x.movedim(dim, 0)), 0


torch.vmap(order, in_dims=1)(x)  # tensor([[1, 0, 2], [0, 2, 1]])
calls, slow[1]  # ([1, 1, 2], tensor([0, 2, 1]))


# %%
# Choose the dtype under autocast: ``register_autocast``
# ------------------------------------------------------
#
# Under ``torch.autocast``, a custom operator gets its inputs as they are.
# After ``register_autocast``, float32 inputs are converted to the dtype
# that you name. Name bfloat16 if the operator is fast with it, or float32
# if it needs the precision.
@torch.library.custom_op("sheet::triple", mutates_args=())
def triple(x: Tensor) -> Tensor:
    return x * 3


device = torch.get_default_device().type
x = torch.tensor([1.0, 2.0])
with torch.autocast(device, torch.bfloat16):
    triple(x).dtype  # torch.float32
triple.register_autocast(device, torch.bfloat16)
with torch.autocast(device, torch.bfloat16):
    triple(x)  # tensor([3., 6.], dtype=torch.bfloat16)
triple(x)  # tensor([3., 6.])


# %%
# What an operator does under a mode: ``register_torch_dispatch``
# ---------------------------------------------------------------
#
# A ``TorchDispatchMode`` sees the operators that run inside its block. A
# rule says what one mode does with one operator. It stands beside the
# operator, so the class of the mode does not have to know the operator.
class Cost(TorchDispatchMode):
    total = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.total += 1
        return func(*args, **(kwargs or {}))


@torch.library.custom_op("sheet::expensive", mutates_args=())
def expensive(x: Tensor) -> Tensor:
    return x.exp()


@expensive.register_torch_dispatch(Cost)
def _(mode, func, types, args, kwargs):
    mode.total += 100
    return func(*args, **kwargs)


x = torch.zeros(2)
with Cost() as cost:
    y = expensive(x)
    z = torch.add(y, 1)
cost.total  # 101
z  # tensor([2., 2.])


# %%
# A result whose size depends on the values: ``torch.library.get_ctx``
# --------------------------------------------------------------------
#
# The fake function of an operator describes its result without values. If
# the size is not known without them, ``get_ctx().new_dynamic_size()`` makes
# a symbol for it. ``torch.compile`` needs the option
# ``capture_dynamic_output_shape_ops`` for such an operator.
@torch.library.custom_op("sheet::positive", mutates_args=())
def positive(x: Tensor) -> Tensor:
    return x[x > 0]


@positive.register_fake
def _(x):
    size = torch.library.get_ctx().new_dynamic_size()
    return x.new_empty(size)


def total(x):
    return positive(x).sum()


compiled = torch.compile(total, backend="eager", fullgraph=True)
with config.patch(capture_dynamic_output_shape_ops=True):
    compiled(torch.tensor([-1.0, 2.0, 3.0]))  # tensor(5.)
    compiled(torch.tensor([4.0, -2.0, -3.0]))  # tensor(4.)


# %%
# An operator that the compiler looks into: ``torch.library.triton_op``
# ---------------------------------------------------------------------
#
# The compiler keeps a ``custom_op`` as one step. It looks into a
# ``triton_op`` and can fuse what is inside with its neighbours. This is
# made for kernels in the language Triton, which you call through
# ``torch.library.wrap_triton`` on a GPU. PyTorch operations inside are
# allowed, too.
@torch.library.triton_op("sheet::open", mutates_args=())
def opened(x: Tensor) -> Tensor:
    return x.sin() * 2


@torch.library.custom_op("sheet::closed", mutates_args=())
def closed(x: Tensor) -> Tensor:
    return x.sin() * 2


closed.register_fake(torch.empty_like)
steps = {}
x = torch.tensor([0.0, 1.0])
for name, operator in {"open": opened, "closed": closed}.items():
    record = AotEagerAndRecordGraphs()
    compiled = torch.compile(operator, backend=record, fullgraph=True)
    torch.equal(compiled(x), 2 * x.sin())  # True
    nodes = record.fw_graphs[0].graph.nodes
    steps[name] = [str(node.target) for node in nodes][1:-1]
steps["open"]  # ['aten.sin.default', 'aten.mul.Tensor']
steps["closed"]  # ['sheet.closed.default']


# %%
# Replace the code of an operator of PyTorch: ``get_kernel``
# ----------------------------------------------------------
#
# A library of the kind ``"IMPL"`` gives an existing operator other code for
# one device. ``torch.library.get_kernel`` returns the code that is there,
# so that your function can call it. The change applies to the whole
# program, so undo it, or use a ``TorchDispatchMode`` instead.
x = torch.tensor([1.0, -2.0], device="cpu")
old = torch.library.get_kernel("aten::neg", "CPU")


def neg(keys, x):
    counted.append(1)
    return old.call_boxed(keys, x)


counted = []
with warnings.catch_warnings(action="ignore"):
    with _scoped_library("aten", "IMPL") as lib:
        lib.impl("neg", neg, "CPU", with_keyset=True)
        y = -x
x = -y
y, x  # (tensor([-1.,  2.]), tensor([ 1., -2.]))
len(counted)  # 1

# %%
# Skip a step before the operator: ``torch.library.fallthrough_kernel``
# ---------------------------------------------------------------------
#
# PyTorch prepares the inputs of an operator in steps, which are called
# dispatch keys. For example, ``conj`` of a complex tensor sets a flag, and
# the key ``Conjugate`` computes the values before an operator needs them.
# ``fallthrough_kernel`` skips a key, so the operator here gets the tensor
# with its flag.
z = torch.tensor([1 + 2j]).conj()
flags = []
with _scoped_library("sheet_keys", "FRAGMENT") as lib:
    lib.define("look(Tensor x) -> Tensor")

    def look(x):
        flags.append(x.is_conj())
        return x.clone()

    lib.impl("look", look, "CompositeExplicitAutograd")
    y = torch.ops.sheet_keys.look(z)
    skip = torch.library.fallthrough_kernel
    lib.impl("look", skip, "Conjugate")
    torch.ops.sheet_keys.look(z)
flags  # [False, True]
y  # tensor([1.-2.j])
