"""
Higher derivatives
==================

Differentiate a gradient again, and get Jacobians, Hessians and products
with them.
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
# ``create_graph=True`` records the gradient itself, so it can be
# differentiated again. Without it the gradient is a plain tensor. For many
# points at once sum first: each point depends on itself only.
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
# Each pass makes the graph longer; for high orders the cost grows fast.
# The :math:`n`-th derivative of :math:`\sin x` is
# :math:`\sin(x + n \pi / 2)`.
x = torch.linspace(0, 6, 50, dtype=torch.float64, requires_grad=True)
y = x.sin()
for order in range(1, 5):
    (y,) = torch.autograd.grad(y.sum(), x, create_graph=True)
    torch.allclose(y, (x + order * torch.pi / 2).sin())  # True

# %%
# Jacobian of a function: ``torch.autograd.functional.jacobian``
# --------------------------------------------------------------
#
# Row :math:`i` holds the derivatives of output :math:`i`. It costs one
# backward pass for each output; ``vectorize=True`` does them as one batch,
# and ``strategy="forward-mode"`` beside it goes by inputs instead, for
# functions with few inputs.
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
# The matrix of all second derivatives of a scalar function. It has
# :math:`n^2` elements for :math:`n` inputs, so it is for few of them; with
# many, take products by ``hvp``.
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
# Given a tuple, ``jacobian`` returns one block for each input and
# ``hessian`` a tuple of tuples: block :math:`(i, j)` derives by input
# :math:`i`, then :math:`j`. An output that ignores an input gets zeros, or
# an error with ``strict=True``.
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
# ``vjp`` is :math:`v^\top J`, with a weight for each output, as
# ``backward`` computes it. ``jvp`` is :math:`J v`, the change of the
# outputs when the inputs move along ``v``. Both return the output first,
# and neither builds :math:`J`.
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
# The curvature along a direction, at the price of two gradients and with
# no matrix in memory. The Hessian is symmetric, so both give the same
# numbers; ``vhp`` is cheaper, as it goes back twice, while ``hvp`` needs
# one pass more.
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
# Curvature of a model's loss: product by two gradients
# -----------------------------------------------------
#
# With parameters in a module there is no function of one tensor to pass.
# Take the gradient with ``create_graph=True``, multiply by the direction,
# and take the gradient of that. Here the loss is quadratic, with Hessian
# :math:`2 X^\top X / N`.
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
# As in the Wasserstein critic: the norm of the gradient by the input should
# be 1. ``create_graph=True`` lets ``backward`` reach the weights through
# it. For a linear critic that gradient is the weight itself.
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
# A dual tensor carries a direction through the computation, so :math:`J v`
# is there when the output is, without a graph: choose it for few inputs and
# many outputs. ``enter_dual_level`` and ``exit_dual_level`` do by hand what
# ``dual_level`` does for a block. The first use in a process may warn of
# ``torch.jit.script``, which PyTorch itself calls; ignore that.
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
# A network of ``ReLU`` is piecewise linear, so penalties on curvature or
# second derivatives in an equation give no gradient. Use a smooth
# activation such as ``tanh`` or ``softplus``.
x = torch.tensor([-1.0, 2.0])
hessian(lambda x: F.relu(x).sum(), x)  # tensor([[0., 0.], [0., 0.]])
smooth = hessian(lambda x: F.softplus(x).sum(), x)
s = torch.sigmoid(x)
torch.allclose(smooth, torch.diag(s * (1 - s)))  # True

# %%
# Error: the derivative for '_cdist_backward' is not implemented
# --------------------------------------------------------------
#
# An operation may have a gradient whose own gradient is missing. The second
# derivative came with 2.12 for ``F.grid_sample`` and with 2.14 for
# ``torch.cdist``.
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
# The first call must record. ``backward(create_graph=True)`` records too,
# but leaves a cycle between ``x`` and ``x.grad`` that keeps memory, and
# warns: use ``torch.autograd.grad``.
x = torch.tensor(3.0, requires_grad=True)
(first,) = torch.autograd.grad(x**3, x)
with suppress(RuntimeError):
    torch.autograd.grad(first, x)  # RuntimeError: does not require grad
(first,) = torch.autograd.grad(x**3, x, create_graph=True)
torch.autograd.grad(first, x)  # (tensor(18.),)
(x**3).backward(create_graph=True)  # UserWarning: create a reference cycle
x.grad = None
