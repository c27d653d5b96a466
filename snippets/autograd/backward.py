"""
Gradients with backward
=======================

Record what was computed, then ask how the result changes with each input.
"""
from contextlib import suppress

import torch

# %%
# Gradient of a loss: ``requires_grad``, ``Tensor.backward``
# ----------------------------------------------------------
#
# Operations on a tensor with ``requires_grad=True`` are recorded, and
# ``backward`` walks the record from the result to its inputs. Afterwards
# ``w.grad`` holds :math:`\partial \mathrm{loss} / \partial w`; it has the
# shape of ``w``.
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
# One input that requires gradients is enough for the result to require
# them. ``Tensor.grad_fn`` is the step that made the result; tensors that
# you created have none. Comparisons and conversions to integers end the
# record, since their results have no derivative.
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
# For a tensor that exists: an input whose gradient you want, or a weight
# that was frozen. What was computed before the call is not recorded. The
# attribute may be assigned as well.
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
# Returns a tuple with one gradient for each input and leaves every
# ``.grad`` as it is, so nothing adds up and nothing needs zeroing. Choose
# it for gradients that you compute with; ``backward`` fills the ``.grad``
# that optimizers read. From a dictionary of inputs it makes a dictionary of
# gradients since 2.13.
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
# The gradient goes to the tensors that are listed, and the others keep
# what they have. Useful where one loss must not touch a part of the model,
# as the generator's loss must not touch the discriminator.
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
# A result with several elements needs a weight :math:`v` for each. What
# comes back is :math:`v^\top J`, the gradient of the weighted sum and never
# the Jacobian :math:`J` itself. ``torch.autograd.grad`` calls the argument
# ``grad_outputs``.
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
# Gradients of a sum are sums of gradients: add the losses, with weights if
# one should count for more, and call ``backward`` once. The function
# ``torch.autograd.backward`` takes a list and does the same without the
# addition. Two calls of ``loss.backward()`` fail where the losses share a
# part of the graph, because the first call frees it.
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
# Leaves that the loss depends on get a gradient. A weight that is scaled
# or moved as it is made is a result and no leaf; ``detach``, ``item`` and
# ``no_grad`` on the way cut a tensor off. After ``zero_grad`` it is None
# again.
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
# Of several numbers there is no one gradient. Reduce to one with ``mean``
# or ``sum``: a loss with ``reduction="none"`` is the usual cause. Or pass
# weights as ``gradient``.
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
# The first call frees what the graph had saved. In a training loop compute
# the loss again for each step, detach a state that is carried from step to
# step, and add losses that share a part of the graph. ``retain_graph=True``
# is for two calls on one graph; their gradients add up.
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
# Nothing that led to the loss was recorded. Either no input requires
# gradients, or the record was cut by ``detach``, ``item``, ``no_grad``,
# NumPy, ``argmax`` or a new ``torch.tensor(...)`` around the value.
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
# A derivative asks for small changes, which integers do not have. Without
# a decimal point ``torch.tensor`` makes int64: write ``3.0`` or convert
# with ``Tensor.float`` before.
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
# Old code wraps every tensor in a ``Variable``. Tensors carry gradients
# themselves since 0.4, so leave the wrapper out: it still runs and returns
# a plain tensor. ``volatile=True`` does nothing but warn: ``torch.no_grad``
# took its place.
from torch.autograd import Variable

x = torch.tensor([1.0])
old = Variable(x, requires_grad=True)
type(old)  # torch.Tensor
new = x.clone().requires_grad_()
torch.equal(old, new)  # True
Variable(x, volatile=True)  # UserWarning: volatile was removed
