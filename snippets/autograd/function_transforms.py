"""
Function transforms
===================

Turn a function into its gradient, its batched form or its Jacobian with
``torch.func``.
"""
from contextlib import suppress

import torch
import torch.nn.functional as F
from torch import nn
from torch.func import functional_call

# %%
# The gradient as a function: ``torch.func.grad``
# -----------------------------------------------
#
# Takes a function with a scalar result and returns the function that
# computes its gradient; no tensor needs ``requires_grad``. Applying it
# again gives the next derivative. ``argnums`` says by which arguments.
def f(x, y):
    return x**3 * y


x, y = torch.tensor(3.0), torch.tensor(5.0)
torch.func.grad(f)(x, y)  # tensor(135.)
torch.func.grad(torch.func.grad(f))(x, y)  # tensor(90.)
torch.func.grad(f, argnums=(0, 1))(x, y)  # (tensor(135.), tensor(27.))

# %%
# Gradient, loss and outputs together: ``torch.func.grad_and_value``
# ------------------------------------------------------------------
#
# Returns the gradient first and then the value, from one pass. With
# ``has_aux=True`` the function returns a pair, and its second part, such
# as predictions, is handed through without a derivative.
def loss(w, x):
    prediction = w * x
    return (prediction**2).sum(), prediction


w, x = torch.tensor(3.0), torch.tensor([1.0, 3.0])
gradient = torch.func.grad_and_value(loss, has_aux=True)
grad, (value, prediction) = gradient(w, x)
grad  # tensor(60.)
value  # tensor(90.)
prediction  # tensor([3., 9.])

# %%
# Call a module with other parameters: ``torch.func.functional_call``
# -------------------------------------------------------------------
#
# Makes a module a function of its parameters, which transforms need. The
# dictionary may hold buffers too; what is left out is taken from the
# module. Its parameters stay as they are; its own buffers are still
# written, as by batch norm while training.
net = nn.Linear(3, 2)
x = torch.rand(4, 3)
zeros = {name: torch.zeros_like(p) for name, p in net.named_parameters()}
functional_call(net, zeros, (x,)).unique().tolist()  # [0.0]


def loss(params):
    return functional_call(net, params, (x,)).sum()


params = dict(net.named_parameters())
grads = torch.func.grad(loss)(params)
torch.allclose(grads["weight"], x.sum(0).expand(2, 3))  # True
grads["bias"]  # tensor([4., 4.])
net.bias.grad is None  # True
norm = nn.BatchNorm1d(3)
out = functional_call(norm, dict(norm.named_parameters()), (x + 1,))
(norm.running_mean > 0).all()  # tensor(True)

# %%
# Write it for one sample, run it on a batch: ``torch.func.vmap``
# ---------------------------------------------------------------
#
# The function sees one element of dimension 0, and its operations are run
# on the whole batch at once. ``in_dims`` says which dimension to map over,
# ``None`` for an argument that all share; ``out_dims`` where it goes.
# ``torch.vmap`` is the same function.
A = torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
v = torch.tensor([10.0, 1.0])
rows = torch.func.vmap(torch.dot, in_dims=(0, None))
rows(A, v)  # tensor([12., 34., 56.])
columns = torch.vmap(torch.dot, in_dims=(1, 1))
columns(A, A)  # tensor([35., 56.])
outer = torch.vmap(torch.mul, in_dims=(0, None), out_dims=1)
outer(v, torch.tensor([1.0, 2.0]))  # tensor([[10., 1.], [20., 2.]])

# %%
# Per-sample gradients: ``vmap`` of ``grad``
# ------------------------------------------
#
# ``backward`` gives one gradient for the whole batch, here the mean. For
# the gradient of each sample, as differential privacy or gradient
# statistics need it, map the gradient over the samples while the parameters
# are shared. ``chunk_size`` of ``vmap`` limits the memory.
def loss(params, x, target):
    logits = functional_call(net, params, (x.unsqueeze(0),))
    return F.cross_entropy(logits, target.unsqueeze(0))


net = nn.Linear(4, 3).double()
params = {name: p.detach() for name, p in net.named_parameters()}
x = torch.rand(5, 4, dtype=torch.float64)
targets = torch.tensor([0, 2, 1, 1, 0])
each = torch.vmap(torch.func.grad(loss), in_dims=(None, 0, 0))
grads = each(params, x, targets)
grads["weight"]  # shape (5, 3, 4)
F.cross_entropy(net(x), targets).backward()
torch.allclose(grads["weight"].mean(0), net.weight.grad)  # True

# %%
# Jacobian: ``torch.func.jacrev`` or ``torch.func.jacfwd``
# --------------------------------------------------------
#
# The same matrix in two ways. ``jacrev`` costs one backward pass for each
# output: choose it for many inputs and few outputs. ``jacfwd`` costs one
# forward pass for each input, for the opposite case.
def f(x):
    return torch.stack([x.prod(), x.square().sum()])


x = torch.tensor([1.0, 2.0, 3.0])
torch.func.jacrev(f)(x)  # tensor([[6., 3., 2.], [2., 4., 6.]])
same = torch.func.jacfwd(f)(x)
torch.allclose(same, torch.func.jacrev(f)(x))  # True

# %%
# Hessian of a batch of points: ``torch.func.hessian``
# ----------------------------------------------------
#
# Forward over reverse mode: ``jacfwd(jacrev(f))``. Unlike
# ``torch.autograd.functional.hessian`` it composes with the other
# transforms, so one matrix for each point of a batch is one ``vmap``.
def f(x):
    return x[0] ** 3 + x[0] * x[1]


points = torch.tensor([[1.0, 0.0], [2.0, 5.0]])
torch.func.hessian(f)(points[1])  # tensor([[12.,  1.], [ 1.,  0.]])
all_points = torch.vmap(torch.func.hessian(f))(points)
all_points[:, 0, 0]  # tensor([ 6., 12.])
same = torch.func.jacfwd(torch.func.jacrev(f))
same(points[0])  # tensor([[6., 1.], [1., 0.]])

# %%
# Products with the Jacobian: ``torch.func.vjp``, ``torch.func.jvp``
# ------------------------------------------------------------------
#
# ``vjp`` returns the output and a function to which you hand weights for
# the outputs, as often as you like. ``jvp`` takes inputs and directions as
# tuples and returns the output and its change along the directions. A
# Hessian times a vector is the ``jvp`` of the gradient.
x = torch.tensor([1.0, 2.0])
v = torch.tensor([1.0, 10.0])
output, pull_back = torch.func.vjp(torch.square, x)
pull_back(v)  # (tensor([ 2., 40.]),)
pull_back(2 * v)  # (tensor([ 4., 80.]),)
torch.func.jvp(torch.square, (x,), (v,))[1]  # tensor([ 2., 40.])
grad = torch.func.grad(lambda x: x.pow(3).sum())
torch.func.jvp(grad, (x,), (v,))[1]  # tensor([  6., 120.])

# %%
# Many directions at one point: ``torch.func.linearize``
# ------------------------------------------------------
#
# Runs the function once and returns the output and its linear
# approximation, to be called with any direction. It saves the forward work
# of repeated ``jvp`` calls, at the price of memory for one graph. The
# warning comes from how it traces itself, whatever the function.
#
# .. glance:: along(torch.tensor([1.0, 1.0]))
x = torch.tensor([1.0, 4.0])
pair = torch.func.linearize(torch.sqrt, x)  # UserWarning: get_attr Node
output, along = pair
output  # tensor([1., 2.])
along(torch.tensor([1.0, 1.0]))  # tensor([0.5000, 0.2500])
directions = torch.eye(2)
torch.vmap(along)(directions)  # tensor([[0.5000, 0.], [0., 0.2500]])

# %%
# Run several models at once: ``torch.func.stack_module_state``
# -------------------------------------------------------------
#
# Models of one structure become one set of parameters with a dimension
# more, and ``vmap`` runs the ensemble as one batched computation. The
# stacked parameters are new leaves: give these to the optimizer.
nets = [nn.Linear(3, 2) for _ in range(5)]
params, buffers = torch.func.stack_module_state(nets)
params["weight"]  # shape (5, 2, 3), is_leaf True
x = torch.rand(7, 3)


def run(params, buffers):
    return functional_call(nets[0], (params, buffers), (x,))


outputs = torch.vmap(run)(params, buffers)
one_by_one = torch.stack([net(x) for net in nets])
torch.allclose(outputs, one_by_one, atol=1e-6)  # True

# %%
# Remove in-place operations: ``torch.func.functionalize``
# --------------------------------------------------------
#
# Returns a function that computes the same and uses no mutation inside,
# for compilers and exporters that cannot express it. With
# ``remove="mutations_and_views"`` views become copies as well. Trace both
# to see the operations.
from torch.fx.experimental.proxy_tensor import make_fx


def f(x):
    y = x.clone()
    y.mul_(x)
    return y


x = torch.tensor([1.0, 2.0])
torch.func.functionalize(f)(x)  # tensor([1., 4.])
"mul_" in make_fx(f)(x).code  # True
"mul_" in make_fx(torch.func.functionalize(f))(x).code  # False

# %%
# Random numbers under ``vmap``: the ``randomness`` argument
# ----------------------------------------------------------
#
# A random operation inside is an error until you say whether each element
# of the batch draws its own numbers or all share one draw.
def noisy(x):
    return x + torch.rand(3)


x = torch.zeros(4, 3)
with suppress(RuntimeError):
    torch.vmap(noisy)(x)  # RuntimeError: called random operation
same = torch.vmap(noisy, randomness="same")(x)
(same == same[0]).all()  # tensor(True)
own = torch.vmap(noisy, randomness="different")(x)
(own == own[0]).all()  # tensor(False)

# %%
# Error: data-dependent control flow (``torch.func.vmap``)
# --------------------------------------------------------
#
# The function runs once for the whole batch, so it cannot branch on the
# value of an element: choose with ``torch.where``. While looking for a
# mistake, ``torch.func.debug_unwrap`` shows the batch behind a sample.
def absolute(x):
    return x if x > 0 else -x


x = torch.tensor([-2.0, 3.0])
with suppress(RuntimeError):
    torch.vmap(absolute)(x)  # RuntimeError: data-dependent control flow
seen = []


def working(x):
    seen.append(torch.func.debug_unwrap(x))
    return torch.where(x > 0, x, -x)


torch.vmap(working)(x)  # tensor([2., 3.])
seen[0]  # tensor([-2.,  3.])

# %%
# Error: batch norm under ``vmap`` (``replace_all_batch_norm_modules_``)
# ----------------------------------------------------------------------
#
# Batch normalization writes its running statistics in place, and a mapped
# function cannot write into a tensor that is not mapped.
# ``torch.func.replace_all_batch_norm_modules_`` switches the statistics off
# in all such layers; a model that is trained for single samples is better
# served by ``nn.GroupNorm``.
net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
x = torch.rand(5, 6, 3)
params = dict(net.named_parameters())
run = torch.vmap(lambda x: functional_call(net, params, (x,)))
with suppress(RuntimeError):
    run(x)  # RuntimeError: Batch norm got a batched tensor
torch.func.replace_all_batch_norm_modules_(net)
net[1].running_mean is None  # True
run(x)  # shape (5, 6, 4)
