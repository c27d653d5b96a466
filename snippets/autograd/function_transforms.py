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
# ``torch.func.grad`` takes a function with a scalar result and returns a
# function that computes its gradient. The tensors do not need
# ``requires_grad``. Apply it twice for the second derivative. ``argnums``
# says for which arguments to compute the gradient.
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
# ``torch.func.grad_and_value`` computes the gradient and the loss at once
# and returns the gradient first. With ``has_aux=True`` your function
# returns a pair of the loss and something else, such as the predictions.
# You get this second part back as it is.
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
# ``functional_call`` makes a module a function of its parameters, which the
# transforms need. You can pass buffers, too, and the module supplies what
# you leave out. The call does not change the module's own parameters.
# Buffers that you leave out are still updated, such as the running mean of
# batch normalization.
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
# You write the function for one sample, and ``vmap`` runs its operations on
# the whole batch at once. ``in_dims`` names the batch dimension of each
# argument, with ``None`` for an argument that all samples share.
# ``out_dims`` sets the batch dimension of the result. ``torch.vmap`` is the
# same function.
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
# ``backward`` gives one gradient for the whole batch, which is the mean
# here. Differential privacy and gradient statistics need the gradient of
# each sample. Apply ``vmap`` to ``torch.func.grad``, with shared
# parameters. If this needs too much memory, set ``chunk_size`` in ``vmap``.
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
# Both functions give the same matrix. The cost of ``jacrev`` grows with the
# number of outputs, so use it for many inputs and few outputs. The cost of
# ``jacfwd`` grows with the number of inputs, so use it for few inputs and
# many outputs.
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
# ``torch.func.hessian(f)`` is ``jacfwd(jacrev(f))``. You can combine it
# with the other transforms. With ``vmap`` you get one Hessian for each
# point of a batch.
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
# ``vjp`` returns the output and a function. You call this function with one
# weight for each output, and you can call it several times. ``jvp`` takes
# the inputs and the directions as tuples, and returns the output and its
# change along the directions. To multiply a Hessian by a vector, take the
# ``jvp`` of the gradient.
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
# ``linearize`` runs the function once and returns the output and a linear
# approximation, which you can call with many directions. ``jvp`` would run
# the function again for each direction. ``linearize`` does not, but it
# keeps a graph in memory. Ignore the warning, which ``linearize`` itself
# causes.
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
# ``stack_module_state`` stacks the parameters of models with the same
# structure along a new first dimension. ``vmap`` then runs all the models
# as one batched computation. The stacked parameters are new leaves, so give
# these to the optimizer.
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
# ``functionalize`` returns a function with the same result but without
# in-place operations. Some compilers and exporters need such a function.
# With ``remove="mutations_and_views"`` it also replaces views by copies.
# The last lines trace both functions and look for ``mul_``.
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
# By default, a random operation under ``vmap`` raises an error.
# ``randomness="same"`` gives all samples the same random numbers.
# ``randomness="different"`` draws new numbers for each sample.
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
# The function runs once for the whole batch, so ``if`` cannot depend on the
# value of a single sample. Use ``torch.where`` instead. When you debug such
# a function, ``torch.func.debug_unwrap`` shows the whole batch.
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
# Batch normalization updates its running statistics in place, but under
# ``vmap`` a function cannot write into a tensor without the batch
# dimension. ``torch.func.replace_all_batch_norm_modules_`` turns the
# running statistics off. If you need gradients of single samples,
# ``nn.GroupNorm`` is the better choice.
net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
x = torch.rand(5, 6, 3)
params = dict(net.named_parameters())
run = torch.vmap(lambda x: functional_call(net, params, (x,)))
with suppress(RuntimeError):
    run(x)  # RuntimeError: Batch norm got a batched tensor
torch.func.replace_all_batch_norm_modules_(net)
net[1].running_mean is None  # True
run(x)  # shape (5, 6, 4)
