"""
Finding bad gradients
=====================

Find out why a gradient is ``nan``, infinite or missing, and what the errors
of ``backward`` mean.
"""
import threading
import warnings
from contextlib import suppress

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint, checkpoint_sequential

# %%
# Find the operation that made ``nan``: ``torch.autograd.detect_anomaly``
# -----------------------------------------------------------------------
#
# With anomaly detection, ``backward`` raises an error at the first
# operation whose gradient is ``nan``. A warning shows the line of the
# forward pass that called this operation. Use it for debugging, because it
# slows training down a lot. ``check_nan=False`` skips the check for ``nan``
# and still shows the line for other errors.
#
# .. glance:: loss.backward()
x = torch.tensor([0.0, 4.0], requires_grad=True)
loss = (x.sqrt() * x).sum()
loss.backward()
x.grad  # tensor([nan, 3.])
anomaly = torch.autograd.detect_anomaly()  # UserWarning: for debugging
with anomaly, warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    loss = (x.sqrt() * x).sum()
    with suppress(RuntimeError):
        loss.backward()  # RuntimeError: 'SqrtBackward0' returned nan values
"Traceback of forward call" in str(caught[0].message)  # True

# %%
# Anomaly mode for a whole run: ``torch.autograd.set_detect_anomaly``
# -------------------------------------------------------------------
#
# ``set_detect_anomaly`` takes a bool and works as a function or in a
# ``with`` statement. ``torch.is_anomaly_enabled`` and
# ``torch.is_anomaly_check_nan_enabled`` tell the state. Unlike
# ``detect_anomaly`` it gives no warning when it is turned on. Remember to
# turn it off, because it slows each step down.
with torch.autograd.set_detect_anomaly(True, check_nan=False):
    torch.is_anomaly_enabled()  # True
    torch.is_anomaly_check_nan_enabled()  # False
torch.is_anomaly_enabled()  # False
torch.autograd.set_detect_anomaly(False)

# %%
# Infinite or ``nan`` gradient at 0: ``sqrt``, ``log``, hand-written norm
# -----------------------------------------------------------------------
#
# The derivative of the square root at 0 is infinite. The chain rule
# multiplies it by the derivative of ``x**2``, which is 0, and the product
# is ``nan``. Add a small number inside the root; a number that is added
# after the root does not help. ``torch.linalg.vector_norm`` has the
# gradient 0 at 0.
def gradient(f, value):
    x = torch.tensor([value], requires_grad=True)
    return torch.autograd.grad(f(x).sum(), x)[0]


gradient(torch.sqrt, 0.0)  # tensor([inf])
gradient(torch.log, 0.0)  # tensor([inf])
gradient(lambda x: (x**2).sqrt(), 0.0)  # tensor([nan])
gradient(lambda x: (x**2 + 1e-8).sqrt(), 0.0)  # tensor([0.])
gradient(lambda x: (x**2).sqrt() + 1e-8, 0.0)  # tensor([nan])
gradient(torch.linalg.vector_norm, 0.0)  # tensor([0.])

# %%
# ``torch.where`` does not stop a ``nan`` gradient
# ------------------------------------------------
#
# Both branches are computed, and both get a gradient. The branch that was
# not chosen gets 0, and 0 times its infinite derivative is ``nan``. Replace
# the input before the operation and not the result after it.
#
# .. glance:: torch.autograd.grad(y.sum(), x)
x = torch.tensor([0.0, 4.0], requires_grad=True)
y = torch.where(x > 0, x.sqrt(), 0.0)
y.detach()  # tensor([0., 2.])
torch.autograd.grad(y.sum(), x)  # (tensor([nan, 0.2500]),)
safe = torch.where(x > 0, x, 1.0)
y = torch.where(x > 0, safe.sqrt(), 0.0)
y.detach()  # tensor([0., 2.])
torch.autograd.grad(y.sum(), x)  # (tensor([0.0000, 0.2500]),)

# %%
# Which parameters have bad gradients?
# ------------------------------------
#
# After ``backward``, go through ``named_parameters`` and look at each
# gradient. A gradient is ``None`` if the parameter is not part of the
# loss's graph. For example, ``forward`` does not call the layer, or
# ``detach`` cuts it off.
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.used = nn.Linear(2, 1)
        self.forgotten = nn.Linear(2, 1)

    def forward(self, x):
        return self.used(x)


net = Net()
net(torch.tensor([[1.0, float("inf")]])).sum().backward()
grads = {name: p.grad for name, p in net.named_parameters()}
none = [name for name, g in grads.items() if g is None]
none  # ['forgotten.weight', 'forgotten.bias']
rest = [name for name, g in grads.items() if name not in none]
bad = [name for name in rest if not grads[name].isfinite().all()]
bad  # ['used.weight']

# %%
# ``loss.requires_grad = True``: no error, but the model does not learn
# ---------------------------------------------------------------------
#
# A loss without ``grad_fn`` has lost its graph. With the assignment
# ``backward`` runs, but no weight gets a gradient, because the loss is now
# a leaf. Remove the line and find what cut the graph. Common causes are
# ``detach``, ``item``, NumPy, ``argmax`` and ``torch.no_grad``.
model, x = nn.Linear(2, 1), torch.ones(4, 2)
loss = model(x).detach().square().mean()
loss.requires_grad = True
loss.backward()
(loss.grad_fn, model.weight.grad)  # (None, None)
loss = model(x).square().mean()
loss.backward()
loss.grad_fn is None  # False
model.weight.grad is None  # False

# %%
# Error: appears to not have been used in the graph (``allow_unused``)
# --------------------------------------------------------------------
#
# ``torch.autograd.grad`` raises an error for an input on which the result
# does not depend. Often the input is a slice or a converted copy that was
# made after the forward pass. If the input may be unused,
# ``allow_unused=True`` gives ``None`` for it, and
# ``materialize_grads=True`` gives zeros.
a = torch.tensor(2.0, requires_grad=True)
b = torch.tensor(3.0, requires_grad=True)
y = a**2
with suppress(RuntimeError):
    torch.autograd.grad(
        y, [a, b]
    )  # RuntimeError: at index 1 since 2.13, RuntimeError: One of before
y = a**2
torch.autograd.grad(y, [a, b], allow_unused=True)  # (tensor(4.), None)
y = a**2
zeros = torch.autograd.grad(y, [a, b], materialize_grads=True)
zeros  # (tensor(4.), tensor(0.))

# %%
# Error: modified by an inplace operation (version counter)
# ---------------------------------------------------------
#
# Each in-place change increases the version of a tensor. ``backward``
# raises an error if the version has changed since the tensor was saved. Use
# the operation without the underscore instead. An ``optimizer.step()``
# between the forward pass and ``backward`` can cause this error, too.
x = torch.tensor([1.0, 2.0], requires_grad=True)
y = x.exp()
y.add_(1)
y._version  # 1
with suppress(RuntimeError):
    y.sum().backward()  # RuntimeError: modified by an inplace operation
(x.exp() + 1).sum().backward()
torch.allclose(x.grad, x.exp().detach())  # True

# %%
# Allow in-place changes: ``allow_mutation_on_saved_tensors``
# -----------------------------------------------------------
#
# Inside this block, a saved tensor is cloned before it is changed in place,
# which costs memory. ``torch.autograd.graph.increment_version`` is for the
# opposite case: call it after a change that PyTorch cannot see, such as a
# change by C++ or CUDA code of your own. ``backward`` then raises the
# error.
x = torch.tensor([1.0, 2.0], requires_grad=True)
with torch.autograd.graph.allow_mutation_on_saved_tensors():
    y = x.exp()
    y.add_(1)
    y.sum().backward()
torch.allclose(x.grad, x.exp().detach())  # True
y = x.exp()
torch.autograd.graph.increment_version(y)
with suppress(RuntimeError):
    y.sum().backward()  # RuntimeError: modified by an inplace operation

# %%
# Error: a leaf Variable that requires grad in an in-place operation
# ------------------------------------------------------------------
#
# Autograd would have to give a gradient to a value that no longer exists,
# so it raises an error. Update a weight under ``torch.no_grad``. If you
# want to compute with a changed value, change a clone.
w = torch.zeros(3, requires_grad=True)
with suppress(RuntimeError):
    w[0] = 5.0  # RuntimeError: a view of a leaf Variable that requires grad
with suppress(RuntimeError):
    w -= 0.5  # RuntimeError: a leaf Variable that requires grad
with torch.no_grad():
    w -= 0.5
w  # tensor([-0.5000, -0.5000, -0.5000], requires_grad=True)
changed = w.clone()
changed[0] = 5.0
changed.sum().backward()
w.grad  # tensor([0., 1., 1.])

# %%
# Less memory, same gradients: ``torch.utils.checkpoint.checkpoint``
# ------------------------------------------------------------------
#
# ``checkpoint`` saves the inputs of the block and runs the block again
# during ``backward``, with the same random numbers. Pass
# ``use_reentrant=False``. The reentrant variant gives no gradients if no
# input requires them, and it does not work with ``torch.autograd.grad``.
# ``checkpoint_sequential`` cuts an ``nn.Sequential`` into segments.
block = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.5), nn.Linear(8, 1))
calls = []
block.register_forward_pre_hook(lambda *_: calls.append(1))
x = torch.rand(6, 4)
torch.manual_seed(0)
plain = torch.autograd.grad(block(x).sum(), block[0].weight)[0]
torch.manual_seed(0)
loss = checkpoint(block, x, use_reentrant=False).sum()
len(calls)  # 2
loss.backward()
len(calls)  # 3
torch.allclose(block[0].weight.grad, plain)  # True
torch.manual_seed(0)
loss = checkpoint_sequential(block, 2, x, use_reentrant=False).sum()
again = torch.autograd.grad(loss, block[0].weight)[0]
torch.allclose(again, plain)  # True

# %%
# Settings of the backward engine: ``set_multithreading_enabled``
# ---------------------------------------------------------------
#
# With an accelerator ``backward`` runs on other threads, where a debugger
# may not stop and thread-local variables have other values.
# ``torch.autograd.set_multithreading_enabled(False)`` keeps it on the
# calling thread. ``torch.autograd.enforce_grad_layout_policy`` with
# ``False`` lets a gradient have other strides than its parameter. For CUDA
# streams,
# ``torch.autograd.graph.set_warn_on_accumulate_grad_stream_mismatch``
# controls a warning and
# ``torch.autograd.graph.set_override_stale_capture_stream`` lets autograd
# replace stale streams during graph capture.
threads = set()
w = torch.ones(2, requires_grad=True)
y = w * 3
y.register_hook(lambda grad: threads.add(threading.get_ident()))
with torch.autograd.set_multithreading_enabled(False):
    torch.autograd.is_multithreading_enabled()  # False
    y.sum().backward()
threads == {threading.get_ident()}  # True
torch.autograd.is_multithreading_enabled()  # True
