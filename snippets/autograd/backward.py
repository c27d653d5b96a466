"""
Gradients with backward
=======================

PyTorch records the operations on tensors that require gradients, and
``backward`` computes the derivatives of the result from this record.
"""
from contextlib import suppress

import torch

# %%
# Gradient of a loss: ``requires_grad``, ``Tensor.backward``
# ----------------------------------------------------------
#
# PyTorch records the operations on a tensor with ``requires_grad=True``.
# ``backward`` follows this record from the result back to its inputs.
# Afterwards ``w.grad`` holds :math:`\partial \mathrm{loss} / \partial w`,
# in the shape of ``w``.
#
# .. glance:: w.grad  # tensor([ 8.,  0., 36.])
x = torch.tensor([1.0, 2.0, 3.0])
w = torch.tensor([4.0, 0.0, 2.0], requires_grad=True)
loss = ((w * x) ** 2).sum()
w.grad is None  # True
loss.backward()
w.grad  # tensor([ 8.,  0., 36.])
torch.equal(w.grad, (2 * w * x**2).detach())  # True
x.grad is None  # True

# %%
# Is it recorded? ``requires_grad`` and ``grad_fn`` of a result
# -------------------------------------------------------------
#
# If one input requires gradients, the result requires them, too.
# ``Tensor.grad_fn`` is the operation that made the result, and it is
# ``None`` for a tensor that you created. The results of comparisons and of
# conversions to integers do not require gradients, because they have no
# derivative.
x = torch.tensor([3.0])
w = torch.tensor([2.0], requires_grad=True)
w * x + 1  # tensor([7.], grad_fn=<AddBackward0>)
(w.requires_grad, x.requires_grad)  # (True, False)
(w * x).requires_grad  # True
w.grad_fn is None  # True
(x * x).grad_fn is None  # True
(w > 1).requires_grad  # False
w.long().requires_grad  # False
w.round().requires_grad  # True

# %%
# Turn gradients on later: ``Tensor.requires_grad_``
# --------------------------------------------------
#
# Use ``requires_grad_`` for a tensor that already exists, such as an input
# whose gradient you want or a weight that was frozen. Results that were
# computed before the call are not recorded. You can also assign to the
# attribute ``requires_grad``.
x = torch.tensor([3.0])
before = x**2
x.requires_grad_()  # tensor([3.], requires_grad=True)
after = x**2
(before.requires_grad, after.requires_grad)  # (False, True)
x.requires_grad = False
x.requires_grad  # False

# %%
# Gradients as a return value: ``torch.autograd.grad``
# ----------------------------------------------------
#
# The function returns a tuple with one gradient for each input and does not
# change ``.grad``. Use it if you want to compute with the gradients. Use
# ``backward`` for training, because optimizers read ``.grad``. Since 2.13
# you can pass a dictionary of inputs and get a dictionary of gradients.
w = torch.tensor([3.0, 4.0], requires_grad=True)
b = torch.tensor(5.0, requires_grad=True)
loss = (w.prod() + b) * 2
torch.autograd.grad(loss, [w, b])  # (tensor([8., 6.]), tensor(2.))
w.grad is None  # True
named = {"b": b}
loss = w.prod() + 2 * b
with suppress(RuntimeError):
    torch.autograd.grad(
        loss, named
    )  # {'b': tensor(2.)} since 2.13, RuntimeError: but got str before

# %%
# Fill only some ``.grad``: ``backward(inputs=...)``
# --------------------------------------------------
#
# ``backward`` writes gradients to the tensors in ``inputs`` and leaves the
# ``.grad`` of the others alone. This helps when a loss should not train a
# part of the model. For example, the generator's loss should not train the
# discriminator.
generator = torch.tensor(2.0, requires_grad=True)
discriminator = torch.tensor(3.0, requires_grad=True)
loss = generator**2 * discriminator
loss.backward(inputs=[generator])
generator.grad  # tensor(12.)
discriminator.grad is None  # True

# %%
# Backward from a vector: the ``gradient`` argument
# -------------------------------------------------
#
# If the result has several elements, pass a tensor :math:`v` with one
# weight for each. You get :math:`v^\top J`, the gradient of the weighted
# sum, and not the Jacobian :math:`J`. In ``torch.autograd.grad`` the
# argument is called ``grad_outputs``.
x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
v = torch.tensor([1.0, 10.0, 100.0])
(x**2).backward(gradient=v)
x.grad  # tensor([  2.,  40., 600.])
torch.autograd.grad((v * x**2).sum(), x)  # (tensor([  2.,  40., 600.]),)
torch.autograd.grad(x**2, x, grad_outputs=v)  # (tensor([2., 40., 600.]),)

# %%
# Several losses, one backward: ``torch.autograd.backward``
# ---------------------------------------------------------
#
# The gradient of a sum is the sum of the gradients, so add the losses and
# call ``backward`` once. Multiply a loss by a weight if it should count
# more. ``torch.autograd.backward`` takes the losses without adding them and
# gives the same gradients. Calling ``backward`` on each loss fails here,
# because the losses share a part of the graph and the first call frees it.
def losses(w):
    shared = w**2
    return 3 * shared, shared + w


w, u = (torch.tensor(2.0, requires_grad=True) for _ in range(2))
first, second = losses(w)
first.backward()
with suppress(RuntimeError):
    second.backward()  # RuntimeError: Trying to backward through the graph
w.grad = None
first, second = losses(w)
(first + second).backward()
w.grad  # tensor(17.)
torch.autograd.backward(losses(u))
u.grad  # tensor(17.)

# %%
# Why is ``.grad`` None? ``Tensor.is_leaf`` and what was used
# -----------------------------------------------------------
#
# A leaf gets a gradient if it requires one and the loss depends on it. If
# you scale a weight or move it to another device after
# ``requires_grad=True``, you get a result and not a leaf. ``detach``,
# ``item`` and ``no_grad`` cut a tensor off from the loss. By default,
# ``zero_grad`` sets ``.grad`` to ``None`` again.
w = torch.ones(2, requires_grad=True) * 0.1
w.sum().backward()
w.grad  # UserWarning: .grad attribute of a Tensor that is not a leaf
w.is_leaf  # False
w = (torch.ones(2) * 0.1).requires_grad_()
cut = torch.ones(2, requires_grad=True)
unused = torch.ones(2, requires_grad=True)
(3 * w + cut.detach()).sum().backward()
w.grad  # tensor([3., 3.])
(cut.grad, unused.grad)  # (None, None)

# %%
# Error: grad can be created only for scalar outputs (``backward``)
# -----------------------------------------------------------------
#
# ``backward`` without an argument needs a result with one element. Reduce
# the result with ``mean`` or ``sum``, or pass weights as ``gradient``. A
# loss with ``reduction="none"`` is a common cause of this error.
w = torch.tensor([1.0, 2.0], requires_grad=True)
errors = (w - 3) ** 2
with suppress(RuntimeError):
    errors.backward()  # RuntimeError: only for scalar outputs
errors.mean().backward()
w.grad  # tensor([-2., -1.])

# %%
# Error: backward through the graph a second time (``retain_graph``)
# ------------------------------------------------------------------
#
# The first call frees the tensors that the graph has saved. In a training
# loop, compute the loss again in each step and detach a state that you
# carry from step to step. Add losses that share a part of the graph. If you
# really need two calls on one graph, use ``retain_graph=True``; the
# gradients of the two calls add up.
w = torch.tensor(3.0, requires_grad=True)
loss = w**2
loss.backward()
with suppress(RuntimeError):
    loss.backward()  # RuntimeError: Trying to backward through the graph
w.grad = None
loss = w**2
loss.backward(retain_graph=True)
loss.backward()
w.grad  # tensor(12.)

# %%
# Error: element 0 of tensors does not require grad (``backward``)
# ----------------------------------------------------------------
#
# The loss has no computation graph. Either no input requires gradients, or
# the graph was cut off. Common causes are ``detach``, ``item``,
# ``no_grad``, NumPy, ``argmax``, and a new ``torch.tensor(...)`` made from
# the value.
w = torch.tensor([2.0, 3.0], requires_grad=True)
loss = torch.tensor(w.sum().item())
with suppress(RuntimeError):
    loss.backward()  # RuntimeError: does not require grad
with suppress(RuntimeError):
    w.argmax().backward()  # RuntimeError: does not have a grad_fn
w.sum().backward()
w.grad  # tensor([1., 1.])

# %%
# Error: only floating point can require gradients (``requires_grad_``)
# ---------------------------------------------------------------------
#
# An integer cannot change by a small amount, so it has no derivative.
# ``torch.tensor(3)`` has the dtype int64. Write ``3.0``, or convert the
# tensor with ``Tensor.float`` first.
with suppress(RuntimeError):
    torch.tensor(3, requires_grad=True)  # RuntimeError: Only Tensors of
counts = torch.tensor([1, 2])
with suppress(RuntimeError):
    counts.requires_grad_()  # RuntimeError: only Tensors of floating point
counts.float().requires_grad_()  # tensor([1., 2.], requires_grad=True)

# %%
# ``torch.autograd.Variable`` today
# ---------------------------------
#
# Code from before PyTorch 0.4 wraps tensors in a ``Variable``. Tensors can
# hold gradients themselves today, so leave the wrapper out. It still runs
# and returns a plain tensor. ``volatile=True`` gives a warning; use
# ``torch.no_grad`` instead.
from torch.autograd import Variable

x = torch.tensor([1.0])
old = Variable(x, requires_grad=True)
type(old)  # torch.Tensor
new = x.clone().requires_grad_()
torch.equal(old, new)  # True
Variable(x, volatile=True)  # UserWarning: volatile was removed
