"""
Errors of function transforms
=============================

Rewrite a function so that it works with ``torch.vmap``, ``torch.func.grad``
and ``torch.func.jacrev``, and limit the memory of a Jacobian.
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
# Under ``vmap`` you cannot convert a tensor of the batch to a Python
# number. The bounds of a slice, ``float(x)`` and ``torch.arange(n)`` need
# such a number, so they raise this error without a call of ``item``. Index
# with a fixed number of positions instead of a slice.
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
# Build a matrix from elements: ``torch.stack``, not ``torch.tensor``
# -------------------------------------------------------------------
#
# ``torch.tensor`` converts its elements to numbers. This fails under
# ``vmap``, and without ``vmap`` the result has no gradient. ``torch.stack``
# works with ``vmap`` and keeps the gradient. The example builds the
# cross-product matrix of each vector.
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
# With ``x[mask]``, ``nonzero`` and ``unique``, the length of the result
# depends on the values. Under ``vmap`` the rows would have results of
# different lengths, which do not fit into one tensor. Keep the shape and
# replace unwanted elements by a neutral value, such as 0 for a sum.
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
# A tensor from ``torch.zeros`` inside the function has no batch dimension,
# so you cannot write values of the batch into it. Create it from an
# argument with ``zeros_like`` or ``new_zeros``, or build the result with
# ``torch.stack``.
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
# By default ``vmap`` maps each argument over its dimension 0, and these
# dimensions must have the same size. Write ``None`` in ``in_dims`` for a
# number and for a tensor that all samples share. The function must return
# tensors.
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
# ``torch.func.grad`` needs a function that returns a single number. Sum the
# outputs, or compute the Jacobian with ``torch.func.jacrev``. If the
# function also returns something besides the loss, set ``has_aux=True``.
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
# ``torch.func.grad`` differentiates with respect to the argument of the
# function. If you call the module directly, it uses its own parameters, so
# the argument has no effect and its gradient is zero. Call the module with
# ``functional_call`` instead.
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
# You cannot call ``backward`` inside ``torch.func.grad``, ``vmap`` and
# similar transforms. For an inner gradient call ``torch.func.grad`` again.
# In this example the inner gradient belongs to one step of gradient
# descent.
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
# Gradient checkpointing uses hooks on saved tensors, which do not work
# inside ``torch.func.grad``, ``vjp``, ``jacrev`` and ``hessian``. Remove
# the checkpoint and limit the memory with ``chunk_size``, or use
# ``torch.autograd.grad`` instead.
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
# A custom ``torch.autograd.Function`` does not work with ``torch.func`` if
# its ``forward`` takes ``ctx``. Remove ``ctx`` from ``forward`` and save
# tensors in ``setup_context``. If the function comes from a package, use
# ``torch.autograd`` instead of ``torch.func``.
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
# A Jacobian with less memory: ``jacrev(chunk_size=...)`` or ``vjp``
# ------------------------------------------------------------------
#
# By default ``torch.func.jacrev`` computes all rows at once, which can run
# out of memory. ``chunk_size`` sets how many rows are computed together, as
# in ``vmap``. If you need one row or a sum of rows, a single call of
# ``torch.func.vjp`` is enough.
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
# ``stack_module_state`` stacks the parameters of the models one by one. The
# models must be of the same class and in the same training mode, and their
# parameters must have the same shapes. Use a loop for models that differ.
stack = torch.func.stack_module_state
with suppress(RuntimeError):
    stack([nn.Linear(2, 3), nn.ReLU()])  # RuntimeError: of the same class
with suppress(RuntimeError):
    stack([nn.ReLU(), nn.ReLU().eval()])  # RuntimeError: training/eval mode
with suppress(RuntimeError):
    stack([nn.Linear(2, 3), nn.Linear(2, 4)])  # RuntimeError: equal size
params, buffers = stack([nn.Linear(2, 3), nn.Linear(2, 3)])
params["weight"].shape  # torch.Size([2, 3, 2])
