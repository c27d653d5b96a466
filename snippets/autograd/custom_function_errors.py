"""
Errors of custom functions
==========================

Find out why ``torch.autograd.Function`` raises an error, learns nothing or
sums a gradient, and why a hook is not called.
"""
from contextlib import suppress

import torch
from torch import nn
from torch.autograd import Function, gradcheck

# %%
# Error: returned an invalid gradient ... expected shape compatible with
# ----------------------------------------------------------------------
#
# The gradient for an input must have the shape of that input. A function
# that flattens or sums in ``forward`` must undo it in ``backward``.
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
# Autograd reduces a gradient that could come from broadcasting. So a
# ``backward`` that forgets to sum over the batch still works by chance, and
# one with a wrong dimension gives a wrong number. ``gradcheck`` finds it.
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
# Finite differences with a step of 1e-6 drown in the rounding of float32,
# as the warning says. Convert the inputs and the module with ``double``.
# Numbers near a kink, as of ``relu`` at 0, fail as well.
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
# ``apply`` looks for tensors among its arguments and not inside of lists
# and dicts. Unpack the list with ``*``.
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
# The function joins the graph only if an input requires a gradient and
# gradients are recorded. Calling ``forward`` directly leaves it out of the
# graph too: call ``apply``. A result of whole numbers has no gradient.
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
# ``register_full_backward_hook`` fires when gradients flow through the
# outputs of the module. It stays silent if the module runs under
# ``no_grad``, if its output is not used, or if a submodule is called by
# another way than ``module(x)``, such as ``module.forward(x)``.
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
