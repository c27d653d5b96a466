"""
Finding bad gradients
=====================

Gradients that are ``nan``, missing, or refused, and where they come from.
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
# Inside, ``backward`` stops at the first operation whose gradient is
# ``nan`` and warns with the line of the forward pass that recorded it,
# which is caught and looked at here. It costs a lot of time: for the hunt
# only. ``check_nan=False`` skips the check and keeps the line for other
# errors.
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
# Takes a bool and works as a function or with ``with``;
# ``torch.is_anomaly_enabled`` and ``torch.is_anomaly_check_nan_enabled``
# tell the state. Unlike ``detect_anomaly`` it says nothing when it is
# turned on, so a forgotten one slows every step unseen.
with torch.autograd.set_detect_anomaly(True, check_nan=False):
    torch.is_anomaly_enabled()  # True
    torch.is_anomaly_check_nan_enabled()  # False
torch.is_anomaly_enabled()  # False
torch.autograd.set_detect_anomaly(False)

# %%
# Infinite or ``nan`` gradient at 0: ``sqrt``, ``log``, a norm by hand
# --------------------------------------------------------------------
#
# The slope of the root at 0 is infinite, and infinity times a zero from
# the step before is ``nan``: a distance between equal points does that.
# Add a small number inside the root; after the root it does not help.
# ``torch.linalg.vector_norm`` defines its gradient at 0 as 0.
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
# Both branches are computed and both get a gradient; zero times the
# infinite slope of the branch that was not chosen is ``nan``. Make the
# input safe before the operation, not the result after it.
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
# After ``backward``, one line over the names. A parameter outside of the
# loss's graph has ``None`` as its gradient: ``forward`` never calls the
# layer, or it is behind a ``detach``.
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
# ``loss.requires_grad = True``: no error, and nothing learns
# -----------------------------------------------------------
#
# A loss without ``grad_fn`` has lost its graph. The assignment makes it a
# leaf: ``backward`` then runs, and no weight gets a gradient. Remove the
# line, and find what cut the graph: ``detach``, ``item``, NumPy, ``argmax``
# or ``torch.no_grad``.
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
# ``torch.autograd.grad`` refuses an input that did not lead to the result.
# Often a slice or a converted copy, made after the forward pass, is passed
# in place of the tensor that was used. If an unused input is right,
# ``allow_unused=True`` gives ``None`` for it and ``materialize_grads=True``
# zeros.
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
# Each change in place raises the tensor's version; ``backward`` compares
# with the version that was saved. Use the form without underscore, or
# change before it is used. Stepping the optimizer between forward and
# ``backward`` does it too.
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
# In this block a saved tensor is cloned when it is about to be changed, at
# the price of memory. ``torch.autograd.graph.increment_version`` is the
# opposite help: it counts a change that PyTorch cannot see, made by a
# kernel of your own.
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
# Autograd would have to give a gradient to a value that no longer exists.
# Update a weight under ``torch.no_grad``. To compute with a changed value,
# work on a copy.
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
# Saves only the inputs of the block and runs it again during
# ``backward``, random numbers included. Say ``use_reentrant=False``: the
# other kind gives no gradients if no input requires them, and fails with
# ``torch.autograd.grad``. ``checkpoint_sequential`` cuts an
# ``nn.Sequential`` into segments.
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
# Settings of the backward engine
# -------------------------------
#
# With an accelerator ``backward`` runs on threads of its own, so thread
# locals and breakpoints of yours are not seen there:
# ``torch.autograd.set_multithreading_enabled(False)`` keeps it on the
# calling thread. ``torch.autograd.enforce_grad_layout_policy``, given
# ``False``, lets a gradient keep strides that differ from those of its
# parameter. The names
# ``torch.autograd.graph.set_warn_on_accumulate_grad_stream_mismatch`` and
# ``torch.autograd.graph.set_override_stale_capture_stream`` are about CUDA:
# a warning on mixed streams, and whether a stale stream is replaced while a
# graph is captured.
threads = set()
w = torch.ones(2, requires_grad=True)
y = w * 3
y.register_hook(lambda grad: threads.add(threading.get_ident()))
with torch.autograd.set_multithreading_enabled(False):
    torch.autograd.is_multithreading_enabled()  # False
    y.sum().backward()
threads == {threading.get_ident()}  # True
torch.autograd.is_multithreading_enabled()  # True
