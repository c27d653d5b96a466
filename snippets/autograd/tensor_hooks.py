"""
Hooks on tensors
================

Look at a gradient, or change it, while ``backward`` is on its way.
"""
from contextlib import suppress

import torch
from torch import nn
from torch.autograd.graph import register_multi_grad_hook

# %%
# See the gradient of any tensor: ``Tensor.register_hook``
# --------------------------------------------------------
#
# The function is called with the gradient as soon as it is complete, for
# intermediate results as well, which keep no ``.grad``. A hook that
# returns nothing only looks.
seen = []
w = torch.tensor([1.0, 2.0], requires_grad=True)
hidden = w * 10
hidden.register_hook(seen.append)
(hidden**2).sum().backward()
seen[0]  # tensor([20., 40.])
w.grad  # tensor([200., 400.])

# %%
# Scale or clip a gradient on the way
# -----------------------------------
#
# What the hook returns replaces the gradient, for everything before that
# tensor. Several hooks run in the order in which they were added. Return a
# new tensor and do not change the argument in place.
w = torch.tensor([1.0, 2.0], requires_grad=True)
hidden = w * 10
hidden.register_hook(lambda grad: grad / 2)
hidden.register_hook(lambda grad: grad.clamp(max=15))
(hidden**2).sum().backward()
w.grad  # tensor([100., 150.])

# %%
# Reverse a gradient for adversarial training
# -------------------------------------------
#
# The classifier of domains learns to tell them apart while the features
# before it learn to confuse it: their gradient is turned round at the
# border. The values going forward are not touched.
features = nn.Linear(3, 2)
classifier = nn.Linear(2, 1)
x = torch.rand(4, 3)
score = classifier(features(x)).sum()
plain = torch.autograd.grad(score, features.weight)[0]
hidden = features(x)
hidden.register_hook(torch.neg)
classifier(hidden).sum().backward()
torch.allclose(features.weight.grad, -plain)  # True
torch.allclose(classifier.weight.grad, hidden.sum(0))  # True

# %%
# Train only some rows: mask a gradient with a hook
# -------------------------------------------------
#
# A hook on a parameter stays for all steps, so one line keeps chosen
# embeddings as they are while the rest is trained. Weight decay and the
# momentum of earlier steps would still move them.
embedding = nn.Embedding(3, 2)
mask = torch.tensor([[0.0], [1.0], [1.0]])
embedding.weight.register_hook(lambda grad: grad * mask)
embedding(torch.tensor([0, 1, 1])).sum().backward()
embedding.weight.grad  # tensor([[0., 0.], [2., 2.], [0., 0.]])

# %%
# Remove a hook: ``handle.remove``
# --------------------------------
#
# ``register_hook`` returns a handle. On an intermediate result the hook
# goes with the graph; on a parameter it stays until it is removed, and each
# registration adds one more.
w = torch.tensor(1.0, requires_grad=True)
handle = w.register_hook(lambda grad: 2 * grad)
w.register_hook(lambda grad: 5 * grad)
(3 * w).backward()
w.grad  # tensor(30.)
w.grad = None
handle.remove()
(3 * w).backward()
w.grad  # tensor(15.)

# %%
# Hook or ``retain_grad``?
# ------------------------
#
# ``retain_grad`` keeps the gradient as ``.grad`` for later; a hook is
# called at once and may change it. Together, ``.grad`` holds what the
# hooks made of it, whichever was called first.
w = torch.tensor([1.0, 2.0], requires_grad=True)
hidden = w * 10
hidden.retain_grad()
hidden.register_hook(lambda grad: grad + 1)
hidden.sum().backward()
hidden.grad  # tensor([2., 2.])

# %%
# After ``.grad`` is written: ``register_post_accumulate_grad_hook``
# ------------------------------------------------------------------
#
# For leaves only. A usual hook sees what this one ``backward`` brings; this
# one is called with the tensor itself when ``.grad`` holds the sum so far.
# It must return ``None``, else ``backward`` fails.
#
# .. glance:: total
new, total = [], []
w = torch.tensor(1.0, requires_grad=True)
w.register_hook(lambda grad: new.append(grad.item()))
w.register_post_accumulate_grad_hook(lambda w: total.append(w.grad.item()))
(3 * w).backward()
(4 * w).backward()
new  # [3.0, 4.0]
total  # [3.0, 7.0]
w.register_post_accumulate_grad_hook(lambda w: w.grad / 2)
with suppress(RuntimeError):
    (3 * w).backward()  # RuntimeError: hooks should return None

# %%
# Update weights during ``backward`` to save memory
# -------------------------------------------------
#
# One optimizer per parameter, stepping as soon as that gradient is there
# and dropping it at once: never are all gradients in memory. Clipping by
# the norm over all of them is then impossible.
net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
steps = {p: torch.optim.SGD([p], lr=0.1) for p in net.parameters()}


def update(parameter):
    steps[parameter].step()
    steps[parameter].zero_grad()


for parameter in net.parameters():
    parameter.register_post_accumulate_grad_hook(update)
before = net[2].bias.item()
net(torch.rand(5, 3)).mean().backward()
all(p.grad is None for p in net.parameters())  # True
round(before - net[2].bias.item(), 4)  # 0.1000

# %%
# When several gradients are there: ``register_multi_grad_hook``
# --------------------------------------------------------------
#
# With ``mode="all"``, the default, it is called once with the gradients of
# all listed tensors, ``None`` for one that this ``backward`` does not
# reach. With ``mode="any"`` it is called once with the first.
calls, first = [], []
a, b, c = (torch.tensor(float(i), requires_grad=True) for i in (2, 3, 4))
every = register_multi_grad_hook([a, b, c], calls.append)
some = register_multi_grad_hook([a, b], first.append, mode="any")
(a * b).backward()
calls  # [[tensor(3.), tensor(2.), None]]
first in ([3], [2])  # True
every.remove()

# %%
# Hooks on a node: ``grad_fn.register_hook``, ``register_prehook``
# ----------------------------------------------------------------
#
# A node of the graph takes hooks too: the prehook sees the gradients of its
# outputs, the other those of its inputs and of its outputs, always as
# tuples. A hook of a tensor belongs to the value it had then: after a
# change in place it still sees the gradient of the old one.
seen = {}
w = torch.tensor(3.0, requires_grad=True)
y = w**2
y.grad_fn.register_prehook(lambda outputs: seen.update(before=outputs))
y.grad_fn.register_hook(lambda inputs, outputs: seen.update(after=inputs))
(10 * y).backward()
seen["before"]  # (tensor(10.),)
seen["after"]  # (tensor(60.),)
old = []
y = w * 2
y.register_hook(old.append)
y.mul_(10).backward()
old  # [tensor(10.)]

# %%
# Error: cannot register a hook on a tensor that doesn't require gradient
# -----------------------------------------------------------------------
#
# Feature maps for Grad-CAM get no gradient if the forward pass ran under
# ``torch.no_grad``, or if the model is frozen and the input needs none.
# Call ``requires_grad_`` on the input; ``eval()`` is no obstacle. For
# ``register_post_accumulate_grad_hook`` the tensor must be a leaf.
model, seen = nn.Conv2d(1, 2, 3).requires_grad_(False).eval(), []
x = torch.ones(1, 1, 4, 4)
with suppress(RuntimeError):
    model(x).register_hook(print)  # RuntimeError: cannot register a hook
features = model(x.requires_grad_())
features.register_hook(seen.append)  # type RemovableHandle
features.sum().backward()
seen[0].shape  # torch.Size([1, 2, 2, 2])
y = x * 2
with suppress(RuntimeError):
    y.register_post_accumulate_grad_hook(print)  # RuntimeError: non-leaf
