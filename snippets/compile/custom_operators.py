"""
Custom operators
================

Register a function as an operator that the compiler does not look into,
with its own gradient and kernels, and find out why an extension does not
build.
"""
import os
from contextlib import suppress
from unittest.mock import patch

import torch
from torch import Tensor
from torch.utils import cpp_extension

# %%
# Turn a Python function into an operator: ``torch.library.custom_op``
# --------------------------------------------------------------------
#
# Choose a namespace for the name of the operator; the type annotations
# become its schema. The function may call other libraries, such as NumPy
# here, because the compiler does not look into it. ``register_fake``
# describes the shape and dtype of the result without its values.
@torch.library.custom_op("sheet::cube", mutates_args=())
def cube(x: Tensor) -> Tensor:
    array = x.detach().cpu().numpy()
    return torch.from_numpy(array**3).to(x.device)


@cube.register_fake
def _(x):
    return torch.empty_like(x)


x = torch.tensor([1.0, 2.0])
cube(x)  # tensor([1., 8.])
torch.ops.sheet.cube(x)  # tensor([1., 8.])
compiled = torch.compile(
    lambda x: cube(x) + 1, backend="eager", fullgraph=True
)
compiled(x)  # tensor([2., 9.])


# %%
# Error: There was no fake impl registered (``register_fake``)
# ------------------------------------------------------------
#
# ``torch.compile``, ``torch.export`` and the device ``meta`` run an
# operator without values. For this they need a function that returns an
# empty tensor of the right shape, dtype and device.
@torch.library.custom_op("sheet::twice", mutates_args=())
def twice(x: Tensor) -> Tensor:
    return x * 2


x = torch.ones(2, 3, device="meta")
with suppress(RuntimeError):
    twice(x)  # RuntimeError: There was no fake impl registered


@twice.register_fake
def _(x):
    return torch.empty_like(x)


twice(x).shape  # torch.Size([2, 3])


# %%
# A gradient: ``register_autograd``
# ---------------------------------
#
# Autograd does not look into the function, so ``backward`` raises an error
# until you register a formula. ``setup_context`` saves the values that the
# formula needs. ``backward`` returns one gradient for each input.
@torch.library.custom_op("sheet::square", mutates_args=())
def square(x: Tensor) -> Tensor:
    return x * x


x = torch.tensor([1.0, 3.0], requires_grad=True)
with suppress(RuntimeError):
    square(x).sum().backward()  # RuntimeError: Trying to backward through


def setup_context(ctx, inputs, output):
    (x,) = inputs
    ctx.save_for_backward(x)


def backward(ctx, grad):
    (x,) = ctx.saved_tensors
    return 2 * x * grad


square.register_autograd(backward, setup_context=setup_context)
square(x).sum().backward()
x.grad  # tensor([2., 6.])


# %%
# An operator that changes its input: ``mutates_args``
# ----------------------------------------------------
#
# List each argument that the operator changes in place. Otherwise the
# compiler may reorder the call or drop it. The operator of this card
# returns None.
@torch.library.custom_op("sheet::increase", mutates_args={"x"})
def increase(x: Tensor, by: float) -> None:
    x += by


def run(x):
    increase(x, 1.0)
    return x * 2


x = torch.tensor([1.0, 2.0])
torch.compile(run, backend="eager", fullgraph=True)(x)  # tensor([4., 6.])
x  # tensor([2., 3.])


# %%
# Error: The output of this custom operator must not also be an input
# -------------------------------------------------------------------
#
# The result must be a new tensor, neither an input nor a view of an input.
# Return a ``clone()`` of it.
@torch.library.custom_op("sheet::first", mutates_args=())
def first(x: Tensor) -> Tensor:
    return x[:1]


@torch.library.custom_op("sheet::first_copy", mutates_args=())
def first_copy(x: Tensor) -> Tensor:
    return x[:1].clone()


x = torch.tensor([1.0, 2.0])
with suppress(RuntimeError):
    first(x)  # RuntimeError: The output of this custom operator
first_copy(x)  # tensor([1.])


# %%
# Error: Parameter x must have a type annotation (``infer_schema``)
# -----------------------------------------------------------------
#
# The schema comes from the type annotations. You can use ``Tensor``,
# ``int``, ``float``, ``bool``, ``str``, ``Optional``, and lists of these
# except strings. ``torch.library.infer_schema`` shows the schema of a
# function.
def scaled(x, factor: float = 2.0) -> Tensor:
    return x * factor


with suppress(ValueError):
    torch.library.custom_op(
        "sheet::scaled", scaled, mutates_args=()
    )  # ValueError: Parameter x must have a type annotation
scaled.__annotations__["x"] = Tensor
schema = torch.library.infer_schema(scaled, mutates_args=())
schema  # '(Tensor x, float factor=2.0) -> Tensor'


# %%
# Test an operator: ``torch.library.opcheck``
# -------------------------------------------
#
# ``opcheck`` tests whether the operator agrees with its schema, its fake
# function and its gradient, for the inputs that you pass. The operator
# ``hidden`` changes its input without declaring it.
@torch.library.custom_op("sheet::hidden", mutates_args=())
def hidden(x: Tensor) -> Tensor:
    return x.add_(1).clone()


@hidden.register_fake
def _(x):
    return torch.empty_like(x)


@torch.library.custom_op("sheet::open", mutates_args={"x"})
def opened(x: Tensor) -> Tensor:
    return x.add_(1).clone()


@opened.register_fake
def _(x):
    return torch.empty_like(x)


with suppress(Exception):
    torch.library.opcheck(
        hidden, (torch.ones(2),)
    )  # OpCheckError: Argument x is not defined as mutable but was mutated
result = torch.library.opcheck(opened, (torch.ones(2),))
result["test_schema"], result["test_faketensor"]  # ('SUCCESS', 'SUCCESS')


# %%
# A kernel for another device: ``register_kernel``
# ------------------------------------------------
#
# ``device_types`` lists the devices of the first function. A function that
# you register for another device is used there instead. Both functions give
# the same numbers here, and ``notes`` shows which one ran.
notes = []


@torch.library.custom_op(
    "sheet::halve", mutates_args=(), device_types="cpu"
)
def halve(x: Tensor) -> Tensor:
    notes.append("CPU")
    return x / 2


@halve.register_kernel("mps")
def _(x):
    notes.append("MPS")
    return x * 0.5


halve(torch.tensor([1.0, 3.0], device="cpu"))  # tensor([0.5000, 1.5000])
notes  # ['CPU']

# %%
# Error: Ninja is required to load C++ extensions
# -----------------------------------------------
#
# ``cpp_extension.load`` builds with the program ``ninja``, which must be in
# ``PATH``. Install it with ``python -m pip install ninja`` for the Python
# that you run, and put the ``bin`` folder of this environment into
# ``PATH``. If a log ends with "ninja: build stopped", the error of the
# compiler is further up.
with patch.dict(os.environ, {"PATH": os.devnull}):
    cpp_extension.is_ninja_available()  # False
    with suppress(RuntimeError):
        cpp_extension.verify_ninja_availability()  # RuntimeError: Ninja is

# %%
# Error: CUDA_HOME environment variable is not set, CUDA mismatches
# -----------------------------------------------------------------
#
# PyTorch ships the CUDA libraries, but not the compiler ``nvcc``. To build
# a CUDA extension, install a CUDA toolkit with the major version of
# ``torch.version.cuda``, and set ``CUDA_HOME`` to its folder. Another major
# version raises "The detected CUDA version (12.3) mismatches".
with patch.object(cpp_extension, "CUDA_HOME", None), suppress(OSError):
    cpp_extension.CUDAExtension(
        "fast", ["fast.cu"]
    )  # OSError: CUDA_HOME environment variable is not set
message = cpp_extension.CUDA_MISMATCH_MESSAGE % ("12.3", "11.8")
message[:34]  # 'The detected CUDA version (12.3) m'
cpp_extension.CppExtension("plain", ["plain.cpp"])  # type Extension

# %%
# Error: undefined symbol, Could not load this library (``load_library``)
# -----------------------------------------------------------------------
#
# "undefined symbol" usually means that the extension was built for another
# version of PyTorch. Remove its build folder and build it again after each
# upgrade. Import ``torch`` before a pybind module. ``load_library`` loads
# operators from a file, and the message of the system says what is missing.
with suppress(OSError):
    torch.ops.load_library(
        "missing/operators.so"
    )  # OSError: Could not load this library
torch._C._GLIBCXX_USE_CXX11_ABI  # True
