"""
Errors of function transforms
=============================

Rewrite a function so that ``torch.vmap``, ``torch.func.grad`` and
``torch.func.jacrev`` take it, and limit the memory of a Jacobian.
"""
from contextlib import suppress

import torch
from torch import nn
from torch.func import functional_call
from torch.utils.checkpoint import checkpoint

# %%
# Error: It looks like you're calling .item() on a tensor (``vmap``)
# ------------------------------------------------------------------
#
# Under ``vmap`` an element of the batch has no Python number. The bounds of
# a slice, ``float(x)`` and ``torch.arange(n)`` ask for one, although the
# word ``item`` stands nowhere in the code. Index with positions whose
# number is fixed instead of slicing.
x = torch.arange(10.0)
starts = torch.tensor([0, 3])
slices = torch.vmap(lambda i: x[i : i + 2])
with suppress(RuntimeError):
    slices(starts)  # RuntimeError: It looks like you're calling .item() on
windows = torch.vmap(lambda i: x[i + torch.arange(2)])
windows(starts)  # tensor([[0., 1.], [3., 4.]])
lengths = torch.vmap(lambda n: torch.where(torch.arange(4) < n, 1, 0))
lengths(starts)  # tensor([[0, 0, 0, 0], [1, 1, 1, 0]])

# %%
# A matrix out of elements: ``torch.stack``, not ``torch.tensor``
# ---------------------------------------------------------------
#
# ``torch.tensor`` reads numbers, which fails under ``vmap``; outside of it
# the result has no gradient. ``torch.stack`` keeps both. Here each vector
# becomes the matrix of its cross product.
def by_numbers(w):
    return torch.tensor([[0.0, -w[2]], [w[2], 0.0]])


def cross(w):
    x, y, z = w
    o = torch.zeros_like(x)
    return torch.stack([o, o - z, y, z, o, o - x, o - y, x, o]).view(3, 3)


w = torch.tensor([[1.0, 2.0, 3.0], [0.0, 0.0, 1.0]])
with suppress(RuntimeError):
    torch.vmap(by_numbers)(w)  # RuntimeError: It looks like you're calling
torch.vmap(cross)(w)[1, :2]  # tensor([[0., -1., 0.], [1., 0., 0.]])
leaf = torch.ones(3, requires_grad=True)
cross(leaf).requires_grad  # True
torch.tensor([leaf[0].item(), 0.0]).requires_grad  # False

# %%
# Error: operators that can output dynamic shape (``x[mask]`` in ``vmap``)
# ------------------------------------------------------------------------
#
# The rows of a batch would get results of different lengths, which do not
# fit into one tensor. ``x[mask]``, ``nonzero`` and ``unique`` raise this.
# Keep the shape and give unwanted elements a neutral value.
rows = torch.tensor([[1.0, -2.0], [3.0, 4.0]])
picked = torch.vmap(lambda row: row[row > 0].sum())
with suppress(RuntimeError):
    picked(rows)  # RuntimeError: We do not support batching operators that
places = torch.vmap(torch.nonzero)
with suppress(RuntimeError):
    places(rows)  # RuntimeError: We do not support batching operators that
masked = torch.vmap(lambda row: torch.where(row > 0, row, 0.0).sum())
masked(rows)  # tensor([1., 7.])

# %%
# Error: vmap: inplace arithmetic is not possible
# -----------------------------------------------
#
# A tensor that is made inside the function has no batch dimension, so
# values of the batch cannot be written into it. Make it from an argument,
# as ``zeros_like`` and ``new_zeros`` do, or build the result at once.
def into_new(row):
    out = torch.zeros(2)
    out[0] = row[1]
    return out


def into_like(row):
    out = torch.zeros_like(row)
    out[0] = row[1]
    return out


rows = torch.tensor([[1.0, -2.0], [3.0, 4.0]])
run = torch.vmap(into_new)
with suppress(RuntimeError):
    run(rows)  # RuntimeError: vmap: inplace arithmetic(self, *extra_args)
torch.vmap(into_like)(rows)  # tensor([[-2., 0.], [4., 0.]])

# %%
# Error: Got in_dim=0 for an input (``in_dims`` of ``vmap``)
# ----------------------------------------------------------
#
# By default each argument is mapped over its dimension 0. A number and a
# tensor that all samples share need ``None`` in ``in_dims``. The function
# must return tensors.
x = torch.tensor([1.0, 2.0])
scale = torch.vmap(lambda x, factor: x * factor)
with suppress(ValueError):
    scale(x, 3)  # ValueError: Got in_dim=0 for an input but the input is of
scale = torch.vmap(lambda x, factor: x * factor, in_dims=(0, None))
scale(x, 3)  # tensor([3., 6.])
dots = torch.vmap(torch.dot)
with suppress(ValueError):
    dots(torch.ones(3, 2), torch.ones(4, 2))  # ValueError: the same size in
names = torch.vmap(lambda x: "positive")
with suppress(ValueError):
    names(x)  # ValueError: must only return Tensors, got type

# %%
# Error: Expected ``f(*args)`` to return a scalar (``torch.func.grad``)
# ---------------------------------------------------------------------
#
# A gradient belongs to one number. Sum the outputs, or ask for the Jacobian
# with ``torch.func.jacrev``. If the function returns more than the loss,
# say ``has_aux=True``.
x = torch.tensor([1.0, 2.0])
gradient = torch.func.grad(torch.square)
with suppress(RuntimeError):
    gradient(x)  # RuntimeError: Expected f(*args) to return a scalar
torch.func.grad(lambda x: x.square().sum())(x)  # tensor([2., 4.])
torch.func.jacrev(torch.square)(x)  # tensor([[2., 0.], [0., 4.]])
pair = torch.func.grad(lambda x: (x.square().sum(), x + 1))
with suppress(RuntimeError):
    pair(x)  # RuntimeError: to return a Tensor, got <class 'tuple'>
pair = torch.func.grad(lambda x: (x.square().sum(), x + 1), has_aux=True)
pair(x)  # (tensor([2., 4.]), tensor([2., 3.]))

# %%
# All gradients are zero: the function ignores its parameters
# -----------------------------------------------------------
#
# ``torch.func.grad`` differentiates by the argument of the function. A
# module that is called directly uses its own parameters, so the argument
# has no effect and its gradient is zero. Call it with ``functional_call``.
net = nn.Linear(2, 1)
params = dict(net.named_parameters())
x = torch.tensor([3.0, 5.0])
grads = torch.func.grad(lambda params: net(x).sum())(params)
grads["weight"]  # tensor([[0., 0.]])
by_call = torch.func.grad(lambda p: functional_call(net, p, (x,)).sum())
by_call(params)["weight"]  # tensor([[3., 5.]])

# %%
# Error: backward() called inside a functorch transform
# -----------------------------------------------------
#
# Inside of ``torch.func.grad``, ``vmap`` and their like ``backward`` is not
# available. Nest ``torch.func.grad`` for an inner gradient, here the one of
# a step of gradient descent.
def step(w):
    loss = (w**2).sum()
    loss.backward()
    return loss


def loss_after_step(w):
    w = w - 0.25 * torch.func.grad(lambda w: (w**2).sum())(w)
    return (w**2).sum()


w = torch.tensor([2.0, 4.0])
outer = torch.func.grad(step)
with suppress(RuntimeError):
    outer(w)  # RuntimeError: backward() called inside a functorch transform
torch.func.grad(loss_after_step)(w)  # tensor([1., 2.])

# %%
# Error: don't yet support saved tensor hooks (``torch.func``)
# ------------------------------------------------------------
#
# Gradient checkpointing and other hooks on saved tensors do not work inside
# of ``torch.func.grad``, ``vjp``, ``jacrev`` and ``hessian``. Leave the
# checkpoint out there and limit the memory with ``chunk_size``, or use
# ``torch.autograd.grad``.
def f(x):
    return checkpoint(torch.square, x, use_reentrant=False).sum()


x = torch.tensor([1.0, 2.0], requires_grad=True)
gradient = torch.func.grad(f)
with suppress(RuntimeError):
    gradient(x)  # RuntimeError: don't yet support saved tensor hooks
torch.autograd.grad(f(x), x)  # (tensor([2., 4.]),)

# %%
# Error: it must override the setup_context staticmethod
# ------------------------------------------------------
#
# A custom ``torch.autograd.Function`` whose ``forward`` takes ``ctx`` does
# not work with ``torch.func``. Move the saving into ``setup_context``. If
# the function is from a package, use ``torch.autograd`` with it.
class Old(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return 2 * x

    @staticmethod
    def backward(ctx, grad_output):
        return 2 * grad_output


class New(Old):
    @staticmethod
    def forward(x):
        return 2 * x

    @staticmethod
    def setup_context(ctx, inputs, output):
        pass


x = torch.tensor(3.0)
gradient = torch.func.grad(Old.apply)
with suppress(RuntimeError):
    gradient(x)  # RuntimeError: In order to use an autograd.Function with
torch.func.grad(New.apply)(x)  # tensor(2.)

# %%
# A Jacobian with less memory: ``jacrev(chunk_size=...)``, one row, ``vjp``
# -------------------------------------------------------------------------
#
# By default ``torch.func.jacrev`` computes all rows at once, which can run
# out of memory. ``chunk_size`` says how many rows are computed together, as
# in ``vmap``. One row, or a sum of rows, is a single ``torch.func.vjp``.
x = torch.arange(1.0, 5.0)
full = torch.func.jacrev(torch.square)(x)
full.diagonal()  # tensor([2., 4., 6., 8.])
half = torch.func.jacrev(torch.square, chunk_size=2)(x)
torch.equal(half, full)  # True
output, pull_back = torch.func.vjp(torch.square, x)
pull_back(torch.tensor([0.0, 0.0, 1.0, 0.0]))  # (tensor([0., 0., 6., 0.]),)
norms = torch.vmap(torch.linalg.vector_norm, chunk_size=2)
norms(full)  # tensor([2., 4., 6., 8.])

# %%
# Error: all models to be of the same class (``stack_module_state``)
# ------------------------------------------------------------------
#
# An ensemble is stacked parameter by parameter. The models need one class,
# one training mode and parameters of equal shape. Run models that differ
# in a loop.
stack = torch.func.stack_module_state
with suppress(RuntimeError):
    stack([nn.Linear(2, 3), nn.ReLU()])  # RuntimeError: of the same class
with suppress(RuntimeError):
    stack([nn.ReLU(), nn.ReLU().eval()])  # RuntimeError: training/eval mode
with suppress(RuntimeError):
    stack([nn.Linear(2, 3), nn.Linear(2, 4)])  # RuntimeError: equal size
params, buffers = stack([nn.Linear(2, 3), nn.Linear(2, 3)])
params["weight"].shape  # torch.Size([2, 3, 2])
