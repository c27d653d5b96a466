"""
Optimizers
==========

Change parameters so that a loss gets smaller, with the optimizer's state,
hooks and options.

.. which::

   - ``torch.optim.SGD``: vision models; few settings, momentum usually 0.9
   - ``torch.optim.AdamW``: first choice for transformers and most others
   - ``torch.optim.Adam``: as AdamW, where there is no weight decay
   - ``torch.optim.NAdam``: Adam with Nesterov's look ahead
   - ``torch.optim.RAdam``: Adam that needs no warm-up
   - ``torch.optim.Adamax``: Adam scaled by the largest gradient seen
   - ``torch.optim.SparseAdam``: embeddings with ``sparse=True``
   - ``torch.optim.RMSprop``: recurrent networks and reinforcement learning
   - ``torch.optim.Adagrad``: rare features; the rate only ever falls
   - ``torch.optim.Adadelta``: steps in the unit of the parameter
   - ``torch.optim.Rprop``: full batches; only the sign of the gradient
   - ``torch.optim.ASGD``: SGD that also keeps an average of its iterates
   - ``torch.optim.Adafactor``: large matrices with little optimizer memory
   - ``torch.optim.Muon``: weight matrices of hidden layers, and only these
   - ``torch.optim.LBFGS``: few parameters, full batches, smooth loss
"""
from contextlib import suppress

import torch
from torch import nn

# %%
# One training step: ``zero_grad``, ``backward``, ``step``
# --------------------------------------------------------
#
# ``zero_grad`` drops the old gradients, ``backward`` writes new ones to
# ``.grad``, and ``step`` changes the parameters by what is in ``.grad``.
# ``zero_grad`` may also come last, after ``step``, but not between.
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
# ``backward`` adds to ``.grad``, so each step also takes all the earlier
# gradients. ``zero_grad`` sets ``.grad`` to ``None``, and a parameter
# without gradient is skipped by ``step``. With ``set_to_none=False`` it is
# zero, and then momentum and weight decay still move the parameter.
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
# Plain gradient descent needs no optimizer: write ``w -= lr * w.grad``
# under ``torch.no_grad``, without which it is an error. Do not write to
# ``weight.data``: autograd does not see it, and a backward pass that still
# needs the old value gives a wrong gradient. Under ``torch.no_grad`` the
# same mistake is an error.
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
# Momentum and running averages are in ``optimizer.state``, one dictionary
# per parameter; they start from nothing if only the model is saved. The
# state dict numbers the parameters: build the new optimizer over the same
# ones in the same order.
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
# For rewards and likelihoods: the step goes up the gradient, as if the loss
# were negated. ``Muon`` does not have it, nor ``LBFGS`` before 2.14: negate
# the loss there.
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
# The same formula in another loop: one tensor at a time, all tensors of a
# list per operation (``foreach``, the default on CUDA), or one kernel for
# the whole step (``fused``, in ``Adam``, ``AdamW``, ``SGD``, ``Adagrad``).
# Both at once is an error.
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
# A closure zeroes the gradients, computes the loss, calls ``backward`` and
# returns the loss; ``step`` calls it and returns the same loss, from before
# the update. Only ``LBFGS`` must have one, as it may call it many times.
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
# Pass the parameters and a dictionary of defaults up, and write
# ``torch.optim.Optimizer.step``.
# Groups, ``zero_grad``, state dicts and schedulers then work. This one
# moves each weight by ``lr`` against the sign of its gradient.
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
# A post hook sees the parameters after the update: keep them in a range,
# here not negative. ``torch.optim.Optimizer.register_step_pre_hook``
# runs before it, with the gradients ready. Both return a handle whose
# ``remove`` ends it.
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
# The post hook gets the finished state dict and may return another one.
# On the way back,
# ``torch.optim.Optimizer.register_load_state_dict_pre_hook`` sees the
# dictionary before it is loaded; the hooks
# ``torch.optim.Optimizer.register_state_dict_pre_hook`` and
# ``torch.optim.Optimizer.register_load_state_dict_post_hook`` get only
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
# Layers kept in a Python list or dictionary are not registered: use
# ``nn.ModuleList`` or ``nn.ModuleDict``. ``model.parameters()`` is a
# generator: once read, nothing is left, so make a list if you need it
# twice.
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
# The result of an operation is not a parameter: its gradient flows on to
# what it was made from. Compute, convert and move the tensor first, and ask
# for gradients last, also for an image that you optimize. Make a leaf of a
# result with ``detach``, or wrap it in ``nn.Parameter``.
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
# Layer does not learn: the optimizer was made before it was replaced
# -------------------------------------------------------------------
#
# An optimizer holds the tensors it was given, not the model. A head that is
# replaced afterwards is never updated, and nothing warns. Change the model
# first, then build the optimizer, or add the new parameters as a group.
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
