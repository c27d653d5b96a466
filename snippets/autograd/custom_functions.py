"""
Custom autograd functions
=========================

Write the backward pass of an operation yourself, and prove it right.
"""
from contextlib import suppress

import torch
from torch.autograd import Function, gradcheck, gradgradcheck
from torch.autograd.function import once_differentiable

# %%
# Own forward and backward: ``torch.autograd.Function``
# -----------------------------------------------------
#
# Two static methods: ``forward`` computes, and ``backward`` gets the
# gradient by the output and returns the one by the input. Call it by
# ``apply``; the ``ctx`` that both see is the node in the graph. Worth it
# where autograd would be slow or unstable, or has nothing to go by, as for
# code outside PyTorch; plain operations bring their own gradient.
class Cube(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        return grad_output * 3 * x**2


x = torch.tensor([1.0, 2.0], requires_grad=True)
y = Cube.apply(x)
y.grad_fn.name()  # 'CubeBackward'
isinstance(y.grad_fn, torch.autograd.function.BackwardCFunction)  # True
y.sum().backward()
x.grad  # tensor([ 3., 12.])
with suppress(TypeError):
    Cube.apply(
        x=x
    )  # shape (2,) since 2.13, TypeError: takes no keyword arguments before

# %%
# Check a backward pass: ``torch.autograd.gradcheck``
# ---------------------------------------------------
#
# Compares with finite differences and needs float64. ``gradgradcheck`` does
# it for the second derivative: ``backward`` must then be made of recorded
# operations. Check at points away from kinks, where differences mislead.
class Softplus(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.clamp(min=0) + (-x.abs()).exp().log1p()

    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        return grad_output * x.sigmoid()


x = torch.randn(6, dtype=torch.float64, requires_grad=True)
gradcheck(Softplus.apply, x)  # True
gradgradcheck(Softplus.apply, x)  # True
Softplus.apply(torch.tensor([800.0, -800.0]))  # tensor([800., 0.])

# %%
# A wrong backward caught by ``gradcheck``
# ----------------------------------------
#
# Training with a wrong gradient often still goes down, only worse.
# ``gradcheck`` names the input and shows both Jacobians; with
# ``raise_exception=False`` it returns ``False`` instead.
class Square(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**2

    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        return grad_output * x


x = torch.tensor([1.5, 2.0], dtype=torch.float64, requires_grad=True)
with suppress(RuntimeError):
    gradcheck(Square.apply, x)  # GradcheckError: Jacobian mismatch
gradcheck(Square.apply, x, raise_exception=False)  # False
gradcheck(torch.square, x)  # True

# %%
# Straight-through estimator: a gradient for ``round``
# ----------------------------------------------------
#
# Rounding has derivative 0 almost everywhere, so nothing before it learns.
# The estimator rounds on the way forward and passes the gradient on as if
# it had not. Adding a detached difference does the same without a class.
#
# .. glance:: torch.autograd.grad(Round.apply(x).sum(), x)
class Round(Function):
    @staticmethod
    def forward(ctx, x):
        return x.round()

    @staticmethod
    def backward(ctx, grad_output):
        return grad_output


x = torch.tensor([0.2, 1.7], requires_grad=True)
torch.autograd.grad(x.round().sum(), x)  # (tensor([0., 0.]),)
Round.apply(x).detach()  # tensor([0., 2.])
torch.autograd.grad(Round.apply(x).sum(), x)  # (tensor([1., 1.]),)
short = x + (x.round() - x).detach()
torch.autograd.grad(short.sum(), x)  # (tensor([1., 1.]),)

# %%
# Several inputs: ``ctx.needs_input_grad`` and ``None``
# -----------------------------------------------------
#
# ``backward`` returns one value for each argument of ``forward``: ``None``
# for what is no tensor or needs no gradient. ``ctx.needs_input_grad`` tells
# which are asked for, so that work can be skipped. Numbers go on ``ctx`` as
# attributes, tensors only by ``save_for_backward``.
class Scale(Function):
    @staticmethod
    def forward(ctx, x, w, factor):
        ctx.save_for_backward(x, w)
        ctx.factor = factor
        return factor * x * w

    @staticmethod
    def backward(ctx, grad):
        x, w = ctx.saved_tensors
        asked.append(ctx.needs_input_grad)
        grad_x = grad * w * ctx.factor if ctx.needs_input_grad[0] else None
        return grad_x, grad * x * ctx.factor, None


asked = []
x, w = torch.tensor(2.0), torch.tensor(5.0, requires_grad=True)
torch.autograd.grad(Scale.apply(x, w, 10), w)  # (tensor(20.),)
asked  # [(False, True, False)]

# %%
# Fit for ``torch.func``: ``setup_context``
# -----------------------------------------
#
# With ``forward`` free of ``ctx`` and the saving in ``setup_context``, the
# function works under ``torch.func.grad`` and, if it consists of PyTorch
# operations and sets ``generate_vmap_rule``, under ``vmap``. A static
# method ``vmap`` gives a rule of your own instead.
class Cube(Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(x):
        return x**3

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx, grad_output):
        return grad_output * 3 * ctx.saved_tensors[0] ** 2


x = torch.tensor([1.0, 2.0])
torch.vmap(torch.func.grad(Cube.apply))(x)  # tensor([ 3., 12.])

# %%
# An output without gradient: ``ctx.mark_non_differentiable``
# -----------------------------------------------------------
#
# For indices, masks and counts that are returned beside the result: they
# then do not require gradients. ``backward`` still gets an argument for
# each output, zeros for those; after ``ctx.set_materialize_grads(False)``
# it gets ``None`` for outputs that were not used. In which dtype the
# gradient of an output arrives is set by
# ``torch.autograd.function.FunctionCtx.set_output_grad_dtype``.
class Largest(Function):
    @staticmethod
    def forward(ctx, x):
        value, index = x.max(dim=0)
        ctx.mark_non_differentiable(index)
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(index)
        return value, index

    @staticmethod
    def backward(ctx, grad_value, grad_index):
        (index,) = ctx.saved_tensors
        return grad_value * torch.eye(3)[index]


x = torch.tensor([1.0, 7.0, 4.0], requires_grad=True)
value, index = Largest.apply(x)
(value.requires_grad, index.requires_grad)  # (True, False)
torch.autograd.grad(value, x)  # (tensor([0., 1., 0.]),)

# %%
# Forbid a second derivative: ``once_differentiable``
# ---------------------------------------------------
#
# If ``backward`` leaves PyTorch, by NumPy for example, its operations are
# not recorded and a second derivative can be wrong without a word. The
# decorator makes it an error.
class Sine(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.sin()

    @staticmethod
    @once_differentiable
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        return grad_output * x.cos()


x = torch.tensor(0.0, requires_grad=True)
y = Sine.apply(x).exp()
(first,) = torch.autograd.grad(y, x, create_graph=True)
first.detach()  # tensor(1.)
with suppress(RuntimeError):
    first.backward()  # RuntimeError: trying to differentiate twice

# %%
# An operation in place: ``ctx.mark_dirty``
# -----------------------------------------
#
# Tell autograd which input was overwritten and return that very tensor, or
# the graph does not notice the change. A leaf that requires gradients
# cannot be overwritten.
class Double(Function):
    @staticmethod
    def forward(ctx, x):
        x.mul_(2)
        ctx.mark_dirty(x)
        return x

    @staticmethod
    def backward(ctx, grad_output):
        return 2 * grad_output


w = torch.tensor([3.0], requires_grad=True)
x = w + 1
Double.apply(x) is x  # True
x.grad_fn.name()  # 'DoubleBackward'
x.backward()
w.grad  # tensor([2.])

# %%
# Forward mode for a custom function: the ``jvp`` method
# ------------------------------------------------------
#
# ``jvp`` gets the direction of each input and returns that of the output;
# tensors for it are kept by ``ctx.save_for_forward``. ``gradcheck`` tests
# it with ``check_forward_ad=True``.
class Cube(Function):
    @staticmethod
    def forward(x):
        return x**3

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(*inputs)
        ctx.save_for_forward(*inputs)

    @staticmethod
    def backward(ctx, grad_output):
        return grad_output * 3 * ctx.saved_tensors[0] ** 2

    @staticmethod
    def jvp(ctx, direction):
        return direction * 3 * ctx.saved_tensors[0] ** 2


wrong = {"jvp": staticmethod(lambda ctx, direction: direction)}
x = torch.randn(4, dtype=torch.float64, requires_grad=True)
gradcheck(Cube.apply, x, check_forward_ad=True)  # True
f = type("Wrong", (Cube,), wrong).apply
with suppress(RuntimeError):
    gradcheck(f, x, check_forward_ad=True)  # GradcheckError: forward mode

# %%
# Error: returned an incorrect number of gradients (``Function``)
# ---------------------------------------------------------------
#
# One value too few or too many in ``backward``. Count the arguments of
# ``forward`` without ``ctx``, and return ``None`` for those that are no
# tensors.
class Power(Function):
    @staticmethod
    def forward(ctx, x, n):
        ctx.save_for_backward(x)
        ctx.n = n
        return x**n

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        by_x = grad * ctx.n * x ** (ctx.n - 1)
        return (by_x, None) if complete else by_x


x = torch.tensor(3.0, requires_grad=True)
complete = False
with suppress(RuntimeError):
    Power.apply(x, 2).backward()  # RuntimeError: incorrect number
complete = True
torch.autograd.grad(Power.apply(x, 2), x)  # (tensor(6.),)

# %%
# Error: Legacy autograd function with non-static forward (``apply``)
# -------------------------------------------------------------------
#
# Old code makes an instance and calls it. A function is never instantiated:
# the state is on ``ctx``, an object of the class
# ``torch.autograd.function.FunctionCtx``, and the call is ``apply``.
# Of the same age are ``torch.autograd.function.InplaceFunction`` and
# ``torch.autograd.NestedIOFunction``.
class Negate(Function):
    @staticmethod
    def forward(ctx, x):
        return -x

    @staticmethod
    def backward(ctx, grad_output):
        return -grad_output


x = torch.tensor(3.0, requires_grad=True)
old = Negate()  # DeprecationWarning: should not be instantiated
with suppress(RuntimeError):
    old(x)  # RuntimeError: Legacy autograd function with non-static forward
torch.autograd.grad(Negate.apply(x), x)  # (tensor(-1.),)
