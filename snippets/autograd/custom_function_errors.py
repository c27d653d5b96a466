"""
Errors of custom functions
==========================

Find out why a ``torch.autograd.Function`` raises an error, gets no gradient
or returns a wrong one, and why a backward hook is not called.
"""
from contextlib import suppress

import torch
from torch import nn
from torch.autograd import Function, gradcheck

# %%
# Error: returned an invalid gradient ... expected shape compatible with
# ----------------------------------------------------------------------
#
# ``backward`` must return the gradient of an input in the shape of that
# input. If ``forward`` changes the shape, for example with ``flatten`` or a
# slice, ``backward`` has to change it back.
class Total(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.shape = x.shape
        return x.flatten()[:2] * 3

    @staticmethod
    def backward(ctx, grad):
        if not pad:
            return grad * 3
        out = grad.new_zeros(ctx.shape)
        out.view(-1)[:2] = grad * 3
        return out


x = torch.ones(2, 3, requires_grad=True)
pad = False
y = Total.apply(x).sum()
with suppress(RuntimeError):
    y.backward()  # RuntimeError: returned an invalid gradient at index 0
pad = True
torch.autograd.grad(Total.apply(x).sum(), x)[0]  # shape (2, 3)

# %%
# A gradient with an extra dimension is summed without an error
# -------------------------------------------------------------
#
# If the input could be broadcast to the shape of its gradient, autograd
# sums the gradient to the shape of the input. An extra dimension therefore
# raises no error, and the gradient here is twice as large as it should be.
# ``gradcheck`` finds the mistake.
class Wrong(Function):
    @staticmethod
    def forward(ctx, x):
        return x * 2

    @staticmethod
    def backward(ctx, grad):
        return torch.stack([grad * 2, grad * 2])


x = torch.ones(3, dtype=torch.float64, requires_grad=True)
torch.autograd.grad(Wrong.apply(x).sum(), x)[0].tolist()  # [4.0, 4.0, 4.0]
with suppress(RuntimeError):
    gradcheck(Wrong.apply, x)  # GradcheckError: Jacobian mismatch

# %%
# Jacobian mismatch with ``float32``: ``gradcheck`` needs ``float64``
# -------------------------------------------------------------------
#
# ``gradcheck`` changes the inputs by 1e-6, and float32 is not precise
# enough for such a small step. A warning says so. Convert the inputs and
# the module with ``double``. The check can also fail near a point without a
# derivative, such as 0 for ``relu``.
x = torch.tensor([0.5, 0.8], requires_grad=True)
single = gradcheck(
    torch.exp, x, raise_exception=False
)  # UserWarning: is not a double precision floating point
single  # False
double = x.detach().double().requires_grad_()
gradcheck(torch.exp, double)  # True
layer = nn.Linear(2, 1).double()
gradcheck(layer, double)  # True

# %%
# No gradient for tensors in a list: pass them as arguments
# ---------------------------------------------------------
#
# ``apply`` looks for tensors among its arguments, but not inside lists and
# dictionaries. Unpack the list with ``*``.
class Sum(Function):
    @staticmethod
    def forward(ctx, *tensors):
        ctx.count = len(tensors)
        if isinstance(tensors[0], list):
            tensors = tensors[0]
        return sum(tensors)

    @staticmethod
    def backward(ctx, grad):
        return (grad,) * ctx.count


pair = [torch.ones(2, requires_grad=True), torch.ones(2)]
Sum.apply(pair).requires_grad  # False
Sum.apply(*pair).requires_grad  # True
Sum.apply(*pair).sum().backward()
pair[0].grad  # tensor([1., 1.])

# %%
# ``backward`` is never called: no input requires a gradient
# ----------------------------------------------------------
#
# The function becomes part of the graph if an input requires a gradient and
# recording is on. Call ``apply`` and not ``forward``, because a direct call
# of ``forward`` leaves the function out of the graph. Integer results have
# no gradient.
class Double(Function):
    @staticmethod
    def forward(ctx, x):
        return x * 2

    @staticmethod
    def backward(ctx, grad):
        return grad * 2


leaf = torch.ones(2, requires_grad=True)
Double.apply(leaf.detach()).requires_grad  # False
with torch.no_grad():
    Double.apply(leaf).requires_grad  # False
Double.apply(leaf).requires_grad  # True
Double.apply(leaf)  # grad_fn DoubleBackward

# %%
# A module's backward hook is not called: what it needs
# -----------------------------------------------------
#
# A hook from ``register_full_backward_hook`` runs when a gradient flows
# through the output of the module. It does not run if the module was called
# under ``no_grad`` or if the loss does not use its output. It does not run
# either if you call ``module.forward(x)`` instead of ``module(x)``.
def hook(module, grad_input, grad_output):
    seen.append(grad_output[0].shape)


seen = []
layer = nn.Linear(2, 1)
handle = layer.register_full_backward_hook(hook)
x = torch.ones(3, 2, requires_grad=True)
layer.forward(x).sum().backward()
len(seen)  # 0
with torch.no_grad():
    layer(x).requires_grad  # False
layer(x).sum().backward()
seen  # [torch.Size([3, 1])]
