"""
Custom autograd functions
=========================

Write the backward pass of an operation yourself, and check that it is
correct.
"""
from contextlib import suppress

import torch
from torch.autograd import Function, gradcheck, gradgradcheck
from torch.autograd.function import once_differentiable

# %%
# Write forward and backward yourself: ``torch.autograd.Function``
# ----------------------------------------------------------------
#
# Define two static methods and call the function with ``apply``.
# ``forward`` computes the result. ``backward`` gets the gradient with
# respect to the output and returns the gradient with respect to the input.
# Write such a function if the gradient of autograd is slow or unstable, or
# if the code runs outside PyTorch.
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
# ``gradcheck`` compares the gradient with finite differences; use float64
# for it. ``gradgradcheck`` checks the second derivative, so ``backward``
# must consist of operations that autograd can record. Stay away from points
# without a derivative, because finite differences are wrong there.
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
# With a wrong gradient the loss often still falls, so the mistake is easy
# to miss. ``gradcheck`` raises an error that names the input and shows both
# Jacobians. With ``raise_exception=False`` it returns ``False`` instead.
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
# The derivative of rounding is 0 almost everywhere, so the layers before it
# do not learn. A straight-through estimator rounds in the forward pass and
# passes the gradient on unchanged in the backward pass. You can do the same
# without a class by adding the detached rounding difference.
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
# ``backward`` returns one value for each argument of ``forward``. Return
# ``None`` for an argument that is not a tensor or needs no gradient.
# ``ctx.needs_input_grad`` tells which gradients are needed, so you can skip
# the others. Save tensors with ``save_for_backward`` and other values as
# attributes of ``ctx``.
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
# Make a custom function work with ``torch.func``: ``setup_context``
# ------------------------------------------------------------------
#
# Leave ``ctx`` out of ``forward`` and save tensors in ``setup_context``.
# The function then works with ``torch.func.grad``. For ``vmap``, set
# ``generate_vmap_rule = True`` if the function consists of PyTorch
# operations. Otherwise write your own rule as a static method ``vmap``.
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
# Mark indices, masks and counts, so that these outputs do not require
# gradients. ``backward`` still gets one argument for each output. After
# ``ctx.set_materialize_grads(False)`` an output that was not used gives
# ``None`` instead of zeros.
# ``torch.autograd.function.FunctionCtx.set_output_grad_dtype`` sets the
# dtype in which ``backward`` gets the gradient of an output.
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
# If ``backward`` uses code outside PyTorch, such as NumPy, autograd does
# not record it. A second derivative can then be wrong without any warning.
# With the decorator ``once_differentiable``, a second derivative raises an
# error.
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
# A custom in-place operation: ``ctx.mark_dirty``
# -----------------------------------------------
#
# Call ``ctx.mark_dirty`` with the input that ``forward`` overwrites, and
# return the same tensor. Autograd then adds your function to the history of
# this tensor. Do not overwrite a leaf that requires gradients.
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
# ``jvp`` gets a direction for each input and returns the direction of the
# output. Save the tensors that it needs with ``ctx.save_for_forward``.
# ``gradcheck`` with ``check_forward_ad=True`` tests the method.
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
# ``backward`` returned too few or too many values. It must return one value
# for each argument of ``forward`` after ``ctx``. Return ``None`` for an
# argument that is not a tensor.
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
# Old code creates an instance of the function and calls it. Call the class
# method ``apply`` instead, and keep the state on ``ctx``, an object of the
# class ``torch.autograd.function.FunctionCtx``.
# ``torch.autograd.function.InplaceFunction`` and
# ``torch.autograd.NestedIOFunction`` come from the same old interface.
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
