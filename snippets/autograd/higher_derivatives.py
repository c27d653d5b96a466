"""
Higher derivatives
==================

Differentiate a gradient again, and compute Jacobians, Hessians and their
products with vectors.
"""
from contextlib import suppress

import torch
import torch.autograd.forward_ad as fwAD
import torch.nn.functional as F
from torch import nn
from torch.autograd.functional import hessian, hvp, jacobian, jvp, vhp, vjp

# %%
# Second derivative: ``torch.autograd.grad`` with ``create_graph``
# ----------------------------------------------------------------
#
# ``create_graph=True`` records how the gradient is computed, so you can
# differentiate it again. By default the gradient is a plain tensor without
# a graph. To differentiate at many points at once, sum the results first.
# This works because each result depends on its own point only.
x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
y = x**4
(dy,) = torch.autograd.grad(y.sum(), x, create_graph=True)
dy.detach()  # tensor([  4.,  32., 108.])
(ddy,) = torch.autograd.grad(dy.sum(), x, create_graph=True)
ddy.detach()  # tensor([ 12.,  48., 108.])
torch.autograd.grad(ddy.sum(), x)  # (tensor([24., 48., 72.]),)

# %%
# Any order in a loop: derivatives of ``torch.sin``
# -------------------------------------------------
#
# Each call of ``grad`` differentiates once more. The graph becomes longer
# each time, so high orders are expensive. The check uses the fact that the
# :math:`n`-th derivative of :math:`\sin x` is :math:`\sin(x + n \pi / 2)`.
x = torch.linspace(0, 6, 50, dtype=torch.float64, requires_grad=True)
y = x.sin()
for order in range(1, 5):
    (y,) = torch.autograd.grad(y.sum(), x, create_graph=True)
    torch.allclose(y, (x + order * torch.pi / 2).sin())  # True

# %%
# Jacobian of a function: ``torch.autograd.functional.jacobian``
# --------------------------------------------------------------
#
# Row :math:`i` holds the derivatives of output :math:`i`. By default
# ``jacobian`` runs one backward pass for each output, and
# ``vectorize=True`` runs them as one batch. For a function with few inputs,
# add ``strategy="forward-mode"``, which works input by input.
def polar(p):
    r, angle = p
    return torch.stack([r * angle.cos(), r * angle.sin()])


p = torch.tensor([2.0, 0.5])
r, c, s = p[0], p[1].cos(), p[1].sin()
by_hand = torch.stack([c, -r * s, s, r * c]).view(2, 2)
torch.allclose(jacobian(polar, p), by_hand)  # True
forward = jacobian(polar, p, vectorize=True, strategy="forward-mode")
torch.allclose(forward, by_hand)  # True

# %%
# Hessian of a function: ``torch.autograd.functional.hessian``
# ------------------------------------------------------------
#
# The Hessian is the matrix of all second derivatives of a scalar function.
# For :math:`n` inputs it has :math:`n^2` elements. If there are many
# inputs, compute products with vectors by ``hvp`` instead.
def f(x):
    return x[0] ** 2 * x[1] + x[1] ** 3


x = torch.tensor([3.0, 2.0])
hessian(f, x)  # tensor([[ 4.,  6.], [ 6., 12.]])
a, b = x.tolist()
[[2 * b, 2 * a], [2 * a, 6 * b]]  # [[4.0, 6.0], [6.0, 12.0]]

# %%
# Jacobian and Hessian with several inputs
# ----------------------------------------
#
# For a tuple of inputs, ``jacobian`` returns one block for each input.
# ``hessian`` returns a tuple of tuples, and its block :math:`(i, j)` holds
# the derivatives with respect to input :math:`i` and input :math:`j`. If an
# output does not depend on an input, the derivative is zero; with
# ``strict=True`` this raises an error.
def f(x, y):
    return (x**2).sum() * y


x, y = torch.tensor([1.0, 2.0]), torch.tensor(3.0)
jacobian(f, (x, y))  # (tensor([ 6., 12.]), tensor(5.))
(xx, xy), (yx, yy) = hessian(f, (x, y))
xx  # tensor([[6., 0.], [0., 6.]])
xy  # tensor([2., 4.])
torch.equal(xy, yx)  # True
yy  # tensor(0.)

# %%
# Products with the Jacobian: ``vjp`` and ``jvp``
# -----------------------------------------------
#
# ``vjp`` computes :math:`v^\top J` with one weight for each output, as
# ``backward`` does. ``jvp`` computes :math:`J v`, the change of the outputs
# when the inputs move along :math:`v`. Both return the output of the
# function first. Neither of them builds the matrix :math:`J`.
A = torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])


def f(x):
    return A @ x**2


x = torch.tensor([1.0, 0.5])
J = A * 2 * x
v = torch.tensor([1.0, 10.0, 100.0])
output, product = vjp(f, x, v)
torch.allclose(product, v @ J)  # True
u = torch.tensor([1.0, -2.0])
output, product = jvp(f, x, u)
torch.allclose(product, J @ u)  # True
torch.allclose(output, f(x))  # True

# %%
# Products with the Hessian: ``hvp`` and ``vhp``
# ----------------------------------------------
#
# ``hvp`` and ``vhp`` multiply the Hessian by a vector without storing the
# matrix. The product is the curvature along this direction. The Hessian
# here is symmetric, so both give the same result. Prefer ``vhp``, because
# ``hvp`` needs one more backward pass.
def f(x):
    return x.pow(3).sum() + x.prod()


x = torch.tensor([1.0, 2.0, 3.0])
v = torch.tensor([1.0, 0.0, -1.0])
value, product = hvp(f, x, v)
value  # tensor(42.)
product  # tensor([  4.,   2., -16.])
torch.allclose(vhp(f, x, v)[1], product)  # True
torch.allclose(hessian(f, x) @ v, product)  # True

# %%
# Hessian-vector product of a model's loss: two calls of ``grad``
# ---------------------------------------------------------------
#
# The parameters of a module are not an argument of its loss, so ``hvp``
# does not fit. Compute the gradient with ``create_graph=True``, multiply it
# by the vector, and compute the gradient of the sum. The loss here is
# quadratic, and its Hessian is :math:`2 X^\top X / N`.
net = nn.Linear(3, 1, bias=False).double()
x = torch.rand(5, 3, dtype=torch.float64)
y = torch.rand(5, 1, dtype=torch.float64)
v = torch.tensor([[1.0, -2.0, 3.0]], dtype=torch.float64)
loss = F.mse_loss(net(x), y)
(grad,) = torch.autograd.grad(loss, net.weight, create_graph=True)
(product,) = torch.autograd.grad((grad * v).sum(), net.weight)
torch.allclose(product, v @ (2 * x.T @ x / 5))  # True

# %%
# Gradient penalty: a loss that contains a gradient
# -------------------------------------------------
#
# The critic of a Wasserstein GAN is trained so that its gradient with
# respect to the input has norm 1. With ``create_graph=True`` the penalty is
# part of the graph, and ``backward`` reaches the weights through it. For
# the linear critic here, this gradient is the weight itself.
critic = nn.Linear(2, 1)
with torch.no_grad():
    critic.weight.copy_(torch.tensor([[3.0, 4.0]]))
x = torch.rand(6, 2, requires_grad=True)
(grad,) = torch.autograd.grad(critic(x).sum(), x, create_graph=True)
penalty = ((grad.norm(dim=1) - 1) ** 2).mean()
penalty.item()  # 16.0000
penalty.backward()
critic.weight.grad  # tensor([[4.8000, 6.4000]])

# %%
# Derivatives along with the values: ``torch.autograd.forward_ad``
# ----------------------------------------------------------------
#
# A dual tensor holds a value and a direction :math:`v`, and the computation
# returns the output together with :math:`J v`. This needs no graph and
# suits functions with few inputs and many outputs. ``enter_dual_level`` and
# ``exit_dual_level`` do the same as ``dual_level`` without a block. The
# first use may give a warning about ``torch.jit.script``, which you can
# ignore.
x = torch.tensor([1.0, 2.0])
direction = torch.tensor([1.0, 10.0])
with fwAD.dual_level():
    y = fwAD.make_dual(x, direction) ** 3
    pair = fwAD.unpack_dual(y)
    pair.tangent  # tensor([  3., 120.])
    pair.primal  # tensor([1., 8.])
    isinstance(pair, fwAD.UnpackedDualTensor)  # True
fwAD.enter_dual_level()
fwAD.unpack_dual(x).tangent is None  # True
fwAD.exit_dual_level()
jvp(lambda x: x**3, x, direction)[1]  # tensor([  3., 120.])

# %%
# Second derivative of ``relu`` is zero
# -------------------------------------
#
# ``relu`` is piecewise linear, so its second derivative is 0. A loss that
# needs second derivatives, such as the residual of a differential equation,
# learns nothing from them. Use a smooth activation such as ``tanh`` or
# ``softplus``.
x = torch.tensor([-1.0, 2.0])
hessian(lambda x: F.relu(x).sum(), x)  # tensor([[0., 0.], [0., 0.]])
smooth = hessian(lambda x: F.softplus(x).sum(), x)
s = torch.sigmoid(x)
torch.allclose(smooth, torch.diag(s * (1 - s)))  # True

# %%
# Error: the derivative for '_cdist_backward' is not implemented
# --------------------------------------------------------------
#
# Some operations have a gradient that cannot be differentiated again. The
# second derivative is available for ``F.grid_sample`` since 2.12 and for
# ``torch.cdist`` since 2.14.
x = torch.tensor([[3.0, 4.0]], requires_grad=True)
length = torch.cdist(x, torch.zeros(1, 2))
(grad,) = torch.autograd.grad(length, x, create_graph=True)
with suppress(NotImplementedError):
    torch.autograd.grad(
        grad[0, 0], x
    )  # len 1 since 2.14, NotImplementedError: not implemented before
image = torch.tensor([[[[0.0, 1.0], [2.0, 4.0]]]])
grid = torch.zeros(1, 1, 1, 2, requires_grad=True)
y = F.grid_sample(image, grid, align_corners=False)
(grad,) = torch.autograd.grad(y, grid, create_graph=True)
with suppress(RuntimeError):
    torch.autograd.grad(
        grad.sum(), grid
    )  # len 1 since 2.12, RuntimeError: is not implemented before

# %%
# Error: the gradient does not require grad (``create_graph``)
# ------------------------------------------------------------
#
# Pass ``create_graph=True`` to the first call, so that its gradient has a
# graph. ``backward(create_graph=True)`` works, too, but it gives a warning.
# It creates a reference cycle between ``x`` and ``x.grad``, which keeps
# memory in use, so prefer ``torch.autograd.grad``.
x = torch.tensor(3.0, requires_grad=True)
(first,) = torch.autograd.grad(x**3, x)
with suppress(RuntimeError):
    torch.autograd.grad(first, x)  # RuntimeError: does not require grad
(first,) = torch.autograd.grad(x**3, x, create_graph=True)
torch.autograd.grad(first, x)  # (tensor(18.),)
(x**3).backward(create_graph=True)  # UserWarning: create a reference cycle
x.grad = None
