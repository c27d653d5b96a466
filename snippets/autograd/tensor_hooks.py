"""
Hooks on tensors
================

Look at a gradient or change it while ``backward`` runs.
"""
from contextlib import suppress

import torch
from torch import nn
from torch.autograd.graph import register_multi_grad_hook

# %%
# See the gradient of any tensor: ``Tensor.register_hook``
# --------------------------------------------------------
#
# ``backward`` calls the hook as soon as the gradient of the tensor is
# complete. This also works for intermediate results, whose ``.grad`` is not
# kept. If the hook returns ``None``, the gradient does not change.
seen = []
w = torch.tensor([1.0, 2.0], requires_grad=True)
hidden = w * 10
hidden.register_hook(seen.append)
(hidden**2).sum().backward()
seen[0]  # tensor([20., 40.])
w.grad  # tensor([200., 400.])

# %%
# Scale or clip a gradient during ``backward``
# --------------------------------------------
#
# If a hook returns a tensor, it replaces the gradient, and ``backward``
# goes on with it. Several hooks run in the order in which they were added.
# Return a new tensor and do not change the argument in place.
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
# In domain-adversarial training a classifier learns to tell the domains
# apart, for example photos and drawings. The layers before it learn
# features that confuse the classifier, because the hook reverses the sign
# of their gradient. The forward pass does not change.
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
# A hook on a parameter stays in place for all steps. The hook here sets the
# gradient of the first embedding to 0, so only the other embeddings are
# trained. Weight decay and the momentum of earlier steps would still change
# the first one.
embedding = nn.Embedding(3, 2)
mask = torch.tensor([[0.0], [1.0], [1.0]])
embedding.weight.register_hook(lambda grad: grad * mask)
embedding(torch.tensor([0, 1, 1])).sum().backward()
embedding.weight.grad  # tensor([[0., 0.], [2., 2.], [0., 0.]])

# %%
# Remove a hook: ``handle.remove``
# --------------------------------
#
# ``register_hook`` returns a handle, and ``handle.remove()`` removes the
# hook. A hook on a parameter stays until you remove it, and each call adds
# another one. A hook on an intermediate result disappears with the graph.
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
# ``retain_grad`` keeps the gradient in ``.grad``, so you can read it later.
# A hook runs during ``backward`` and can change the gradient. With
# ``retain_grad`` and a hook, ``.grad`` holds the gradient after the hook,
# in whichever order you call them.
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
# A hook from ``register_hook`` gets the gradient of this ``backward`` call.
# A post-accumulate hook runs after ``.grad`` is updated and gets the tensor
# itself, so it sees the sum so far. It works for leaves and must return
# ``None``.
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
# Create one optimizer for each parameter. The hook updates the parameter as
# soon as its gradient is complete, and then frees the gradient. So the
# gradients are not all in memory at the same time, and you cannot clip by
# their total norm.
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
# Wait for several gradients: ``register_multi_grad_hook``
# --------------------------------------------------------
#
# By default the hook is called once, with a list of the gradients of all
# the tensors. The list has ``None`` for a tensor that this ``backward``
# does not reach. With ``mode="any"`` the hook is called once with the
# gradient that is computed first.
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
# You can also register hooks on a node of the graph. The prehook gets the
# gradients of the node's outputs, and the hook gets the gradients of the
# node's inputs and outputs, as tuples. A hook on a tensor belongs to the
# value that the tensor has at that time. After an in-place change it still
# gets the gradient of the old value.
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
# A feature map has no gradient if the model is frozen and the input does
# not require gradients, or if the forward pass runs under
# ``torch.no_grad``. For a frozen model call ``requires_grad_`` on the
# input, as for Grad-CAM. ``eval()`` does not matter here. For
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
