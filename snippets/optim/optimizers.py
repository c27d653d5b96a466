"""
Optimizers
==========

An optimizer changes the parameters of a model so that the loss gets
smaller. This page shows the training step, the state of an optimizer, its
hooks and its options.

.. which::

   - ``torch.optim.SGD``: vision models; few settings, momentum is usually
     0.9
   - ``torch.optim.AdamW``: first choice for transformers and most other
     models
   - ``torch.optim.Adam``: the same as AdamW if you use no weight decay
   - ``torch.optim.NAdam``: Adam with Nesterov momentum
   - ``torch.optim.RAdam``: Adam that needs no warm-up
   - ``torch.optim.Adamax``: Adam scaled by a decaying maximum of the
     gradients
   - ``torch.optim.SparseAdam``: embeddings with ``sparse=True``
   - ``torch.optim.RMSprop``: recurrent networks and reinforcement learning
   - ``torch.optim.Adagrad``: rare features; the effective rate only falls
   - ``torch.optim.Adadelta``: steps in the unit of the parameter
   - ``torch.optim.Rprop``: full batches; uses only the sign of the gradient
   - ``torch.optim.ASGD``: SGD that also averages the parameters over the
     steps
   - ``torch.optim.Adafactor``: large matrices with little optimizer memory
   - ``torch.optim.Muon``: weight matrices of hidden layers; 2-D parameters
     only
   - ``torch.optim.LBFGS``: few parameters, full batches, a smooth loss
"""
from contextlib import suppress

import torch
from torch import nn

# %%
# One training step: ``zero_grad``, ``backward``, ``step``
# --------------------------------------------------------
#
# ``zero_grad`` clears the old gradients, ``backward`` computes new ones in
# ``.grad``, and ``step`` uses ``.grad`` to update the parameters. You may
# also call ``zero_grad`` last, after ``step``, but not between ``backward``
# and ``step``.
w = torch.tensor(0.0, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.25)
path = []
for _ in range(4):
    loss = (w - 3) ** 2
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    path.append(w.item())
path  # [1.5, 2.25, 2.625, 2.8125]

# %%
# Loss explodes or stalls: ``optimizer.zero_grad`` was forgotten
# --------------------------------------------------------------
#
# ``backward`` adds to ``.grad``. Without ``zero_grad``, each step uses the
# sum of all gradients so far. ``zero_grad`` sets ``.grad`` to ``None``, and
# ``step`` skips parameters without a gradient. With ``set_to_none=False``
# the gradient becomes zero instead, and momentum and weight decay still
# change the parameter.
w = torch.tensor(1.0, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.5, weight_decay=1.0)
(3 * w).backward()
(3 * w).backward()
w.grad  # tensor(6.)
optimizer.zero_grad()
w.grad is None  # True
optimizer.step()
w.item()  # 1.0
(3 * w).backward()
optimizer.zero_grad(set_to_none=False)
w.grad  # tensor(0.)
optimizer.step()
w.item()  # 0.5

# %%
# Update weights by hand: ``torch.no_grad``, not ``weight.data``
# --------------------------------------------------------------
#
# Plain gradient descent needs no optimizer. Write ``w -= lr * w.grad``
# under ``torch.no_grad``; without it, PyTorch raises an error. Do not write
# to ``weight.data``, because autograd does not notice the change, and a
# backward pass that still needs the old value computes a wrong gradient.
# Under ``torch.no_grad``, PyTorch reports the same mistake as an error.
#
# .. glance:: w.item()
w = torch.tensor(3.0, requires_grad=True)
loss = w**2
w.data -= 1
loss.backward()
w.grad  # tensor(4.)
loss = w**2
with torch.no_grad():
    w -= 1
with suppress(RuntimeError):
    loss.backward()  # RuntimeError: modified by an inplace operation
w.grad = None
(w**2).backward()
with suppress(RuntimeError):
    w -= 0.25 * w.grad  # RuntimeError: a leaf Variable that requires grad
with torch.no_grad():
    w -= 0.25 * w.grad
w.item()  # 0.5

# %%
# Save and resume: ``optimizer.state_dict``, ``load_state_dict``
# --------------------------------------------------------------
#
# ``optimizer.state`` holds the momentum and the running averages, one
# dictionary per parameter. If you save only the model, they are lost. The
# state dict refers to the parameters by number, so create the new optimizer
# with the same parameters in the same order.
w = torch.tensor(4.0, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.5, momentum=0.5)
(2 * w).backward()
optimizer.step()
optimizer.state[w]  # {'momentum_buffer': tensor(2.)}
saved = optimizer.state_dict()
saved["state"]  # {0: {'momentum_buffer': tensor(2.)}}
saved["param_groups"][0]["params"]  # [0]
copy = w.detach().clone().requires_grad_()
resumed = torch.optim.SGD([copy], lr=0.1)
resumed.load_state_dict(saved)
resumed.param_groups[0]["lr"]  # 0.5
resumed.state[copy]  # {'momentum_buffer': tensor(2.)}

# %%
# Gradient ascent: ``maximize=True``
# ----------------------------------
#
# Use ``maximize=True`` to maximize a reward or a likelihood. The step goes
# up the gradient, as if you had negated the loss. ``Muon`` does not have
# this option, and ``LBFGS`` has it only since 2.14. Without the option,
# negate the loss.
up = torch.tensor(0.0, requires_grad=True)
ascent = torch.optim.SGD([up], lr=0.5, maximize=True)
reward = 5 - (up - 3) ** 2
reward.backward()
ascent.step()
up.item()  # 3.0
with suppress(TypeError):
    torch.optim.Muon([up], maximize=True)  # TypeError: unexpected keyword
with suppress(TypeError):
    torch.optim.LBFGS(
        [up], maximize=True
    )  # type LBFGS since 2.14, TypeError: unexpected keyword before

# %%
# Faster step: ``foreach=True``, ``fused=True``
# ---------------------------------------------
#
# ``foreach=True`` and ``fused=True`` change the loop over the parameters
# and not the formula. ``foreach`` computes each operation for all
# parameters at once and is the default on CUDA. ``fused`` does the whole
# step in one kernel; ``Adam``, ``AdamW``, ``SGD`` and ``Adagrad`` support
# it. You cannot use both at once.
ends = []
for options in {"foreach": False}, {"foreach": True}, {"fused": True}:
    w = torch.tensor([1.0, -2.0], requires_grad=True)
    optimizer = torch.optim.AdamW([w], lr=0.1, **options)
    (w**3).sum().backward()
    optimizer.step()
    ends.append(w.detach())
torch.allclose(ends[0], ends[1])  # True
torch.allclose(ends[0], ends[2])  # True
both = {"foreach": True, "fused": True}
with suppress(RuntimeError):
    torch.optim.Adam([w], **both)  # RuntimeError: cannot be `True` together

# %%
# Loss inside the step: ``optimizer.step(closure)``
# -------------------------------------------------
#
# A closure clears the gradients, computes the loss, calls ``backward`` and
# returns the loss. ``step`` calls the closure and returns its loss, which
# is the value before the update. ``LBFGS`` requires a closure, because it
# may call it several times in one step.
w = torch.tensor(1.0, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.25)


def closure():
    optimizer.zero_grad()
    loss = w**2
    loss.backward()
    return loss


optimizer.step(closure).item()  # 1.0
optimizer.step(closure).item()  # 0.25

# %%
# Write an optimizer: subclass ``torch.optim.Optimizer``
# ------------------------------------------------------
#
# Pass the parameters and a dictionary of default options to the base class,
# and write the method ``step``. Parameter groups, ``zero_grad``, state
# dicts and schedulers then work. The optimizer of this card moves each
# weight by ``lr`` against the sign of its gradient.
class SignSGD(torch.optim.Optimizer):
    def __init__(self, params, lr):
        super().__init__(params, {"lr": lr})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    p -= group["lr"] * p.grad.sign()


w = torch.tensor([1.0, -2.0, 0.0], requires_grad=True)
optimizer = SignSGD([w], lr=0.25)
(w**2).sum().backward()
optimizer.step()
w.detach()  # tensor([ 0.7500, -1.7500,  0.0000])

# %%
# Run code at each step: ``optimizer.register_step_post_hook``
# ------------------------------------------------------------
#
# A post hook runs after the update and can change the parameters, for
# example to keep them in a range. Here it keeps them from being negative. A
# hook of ``torch.optim.Optimizer.register_step_pre_hook`` runs before the
# update, when the gradients are ready. Both methods return a handle, and
# its ``remove`` takes the hook away.
w = torch.tensor([1.0, 3.0], requires_grad=True)
optimizer = torch.optim.SGD([w], lr=1.0)


def keep_positive(optimizer, args, kwargs):
    with torch.no_grad():
        w.clamp_(min=0)


handle = optimizer.register_step_post_hook(keep_positive)
(2 * w).sum().backward()
optimizer.step()
w.detach()  # tensor([0., 1.])
handle.remove()
optimizer.step()
w.detach()  # tensor([-2., -1.])

# %%
# Change what is saved: ``register_state_dict_post_hook``
# -------------------------------------------------------
#
# The post hook receives the finished state dict and may return another one.
# When you load, a hook of
# ``torch.optim.Optimizer.register_load_state_dict_pre_hook`` receives the
# dictionary first and may also replace it. The hooks of
# ``torch.optim.Optimizer.register_state_dict_pre_hook`` and
# ``torch.optim.Optimizer.register_load_state_dict_post_hook`` receive only
# the optimizer.
w = torch.zeros(1, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.5)
optimizer.register_state_dict_post_hook(
    lambda optimizer, saved: {**saved, "version": 2}
)
optimizer.register_load_state_dict_pre_hook(
    lambda optimizer, saved: {k: saved[k] for k in saved if k != "version"}
)
saved = optimizer.state_dict()
sorted(saved)  # ['param_groups', 'state', 'version']
optimizer.load_state_dict(saved)

# %%
# Error: optimizer got an empty parameter list
# --------------------------------------------
#
# Layers in a Python list or dictionary are not registered, so use
# ``nn.ModuleList`` or ``nn.ModuleDict``. ``model.parameters()`` is a
# generator and is empty after you have read it once. Make a list if you
# need the parameters twice.
model = nn.Module()
model.layers = [nn.Linear(2, 2), nn.Linear(2, 1)]
found = list(model.parameters())
with suppress(ValueError):
    torch.optim.SGD(found)  # ValueError: optimizer got an empty
model.layers = nn.ModuleList(model.layers)
len(torch.optim.SGD(model.parameters()).param_groups[0]["params"])  # 4
model = nn.Linear(2, 1)
parameters = model.parameters()
count = sum(p.numel() for p in parameters)  # 3
with suppress(ValueError):
    torch.optim.SGD(parameters)  # ValueError: optimizer got an empty
parameters = list(model.parameters())
len(torch.optim.SGD(parameters).param_groups[0]["params"])  # 2
with suppress(TypeError):
    torch.optim.SGD(model.weight)  # TypeError: should be an iterable

# %%
# Error: can't optimize a non-leaf Tensor
# ---------------------------------------
#
# If autograd records an operation, the result is not a leaf, and its
# gradient flows on to the tensors it was computed from. Compute, convert
# and move a tensor first, and call ``requires_grad_`` last. This also
# applies to an image that you optimize. To make a leaf from a result, use
# ``detach`` or wrap it in ``nn.Parameter``.
w = 0.1 * torch.ones(3, requires_grad=True)
w.is_leaf  # False
with suppress(ValueError):
    torch.optim.SGD([w])  # ValueError: can't optimize a non-leaf Tensor
w = (0.1 * torch.ones(3)).requires_grad_()
w.is_leaf  # True
len(torch.optim.SGD([w]).param_groups)  # 1
image = torch.rand(3, 8, 8, requires_grad=True) * 0.5
image.detach().clone().requires_grad_().is_leaf  # True
vectors = nn.Parameter(torch.rand(5, 3).double().float())
vectors.is_leaf  # True

# %%
# Layer does not learn: it was replaced after the optimizer was created
# ---------------------------------------------------------------------
#
# An optimizer holds the tensors that it was given, not the model. If you
# replace a layer afterwards, the optimizer does not update the new one, and
# PyTorch gives no warning. Change the model first and create the optimizer
# afterwards, or add the new parameters as a group.
model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
model[1] = nn.Linear(2, 5)
before = model[1].weight.clone()
model(torch.ones(4, 2)).sum().backward()
optimizer.step()
torch.equal(model[1].weight, before)  # True
optimizer.add_param_group({"params": model[1].parameters()})
optimizer.step()
torch.equal(model[1].weight, before)  # False
