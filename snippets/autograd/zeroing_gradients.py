"""
Zeroing gradients
=================

Gradients of several ``backward`` calls add up until you clear them, by
mistake or on purpose.
"""
from contextlib import suppress

import torch
import torch.nn.functional as F
from torch import nn

# %%
# Gradients add up over ``backward`` calls
# ----------------------------------------
#
# ``backward`` adds the new gradient to ``.grad`` and does not replace it.
# This is useful if several losses or small batches belong to one step. It
# is a mistake if the next step begins with the old gradients.
#
# .. glance:: w.grad  # tensor([ 6., 10.])
w = torch.tensor([1.0, 2.0], requires_grad=True)
x = torch.tensor([3.0, 5.0])
(w * x).sum().backward()
w.grad  # tensor([3., 5.])
(w * x).sum().backward()
w.grad  # tensor([ 6., 10.])
w.grad = None
(w * x).sum().backward()
w.grad  # tensor([3., 5.])

# %%
# Clear the gradients in a training loop: ``optimizer.zero_grad``
# ---------------------------------------------------------------
#
# Call ``zero_grad`` once per step, but not between ``backward`` and
# ``step``. ``optimizer.zero_grad`` clears the gradients of the parameters
# that the optimizer holds. ``nn.Module.zero_grad`` clears the gradients of
# the whole module. The two methods differ here, because the optimizer holds
# just the weight.
#
# .. glance:: net.weight.grad is None
net = nn.Linear(2, 1)
optimizer = torch.optim.SGD([net.weight], lr=0.1)
net(torch.ones(4, 2)).sum().backward()
net.weight.grad  # tensor([[4., 4.]])
optimizer.step()
optimizer.zero_grad()
net.weight.grad is None  # True
net.bias.grad  # tensor([4.])
net.zero_grad()
net.bias.grad is None  # True

# %%
# None or zeros: ``zero_grad(set_to_none=...)``
# ---------------------------------------------
#
# By default the gradients become ``None``. This frees their memory, and
# optimizers skip such parameters. With ``set_to_none=False``, existing
# gradients are filled with zeros. An optimizer with momentum or weight
# decay then changes such a weight even if the next loss does not use it.
w = nn.Parameter(torch.tensor([2.0]))
optimizer = torch.optim.SGD([w], lr=0.1, weight_decay=0.5)
w.grad = torch.ones(1)
optimizer.zero_grad()
w.grad is None  # True
optimizer.step()
w.detach()  # tensor([2.])
w.grad = torch.ones(1)
optimizer.zero_grad(set_to_none=False)
w.grad  # tensor([0.])
optimizer.step()
w.detach()  # tensor([1.9000])

# %%
# Clear one tensor: ``grad = None`` or ``grad.zero_``
# ---------------------------------------------------
#
# If you assign ``None``, the next ``backward`` creates a new gradient
# tensor, and ``kept`` still holds the old values. ``zero_`` overwrites the
# tensor in place, so ``kept`` is 0, too. Before the first ``backward`` the
# gradient is ``None`` and has no ``zero_``.
w = torch.tensor([1.0], requires_grad=True)
(5 * w).backward()
kept = w.grad
w.grad = None
kept  # tensor([5.])
(7 * w).backward()
kept = w.grad
w.grad.zero_()  # tensor([0.])
kept  # tensor([0.])

# %%
# Forgotten ``zero_grad``: what goes wrong
# ----------------------------------------
#
# There is no error, but each step uses the sum of all gradients so far. On
# this parabola, correct gradient descent halves the distance to the minimum
# in each step. With the summed gradients the steps go past the minimum and
# away from it.
def descend(clear):
    w = torch.tensor(8.0, requires_grad=True)
    seen = []
    for _ in range(4):
        if clear:
            w.grad = None
        (w**2 / 2).backward()
        with torch.no_grad():
            w -= 0.5 * w.grad
        seen.append(w.item())
    return seen


descend(clear=True)  # [4.0, 2.0, 1.0, 0.5]
descend(clear=False)  # [4.0, -2.0, -7.0, -8.5]

# %%
# Gradient accumulation: a large batch in small parts
# ---------------------------------------------------
#
# If a batch does not fit into memory, call ``backward`` for small parts of
# it and then ``step`` once. If the parts have the same size, divide the
# mean loss of each part by the number of parts. For token losses that
# ignore padding, the parts need equally many tokens. Batch normalization
# still sees each part alone.
net = nn.Linear(3, 1)
x, y = torch.rand(8, 3), torch.rand(8, 1)
F.mse_loss(net(x), y).backward()
whole = net.weight.grad
net.zero_grad()
for x_part, y_part in zip(x.split(2), y.split(2)):
    loss = F.mse_loss(net(x_part), y_part)
    (loss / 4).backward()
torch.allclose(net.weight.grad, whole, atol=1e-6)  # True

# %%
# Accumulate over parts of unequal size
# -------------------------------------
#
# If you divide the mean of each part by the number of parts, the samples in
# a smaller part count too much. Use the sum of each part instead and divide
# it by the total number of samples.
w = torch.tensor(1.0, requires_grad=True)
x = torch.tensor([1.0, 2.0, 3.0, 4.0, 20.0])
(w * x).mean().backward()
w.grad  # tensor(6.)
w.grad = None
for part in x.split(2):
    ((w * part).sum() / len(x)).backward()
w.grad  # tensor(6.0000)
w.grad = None
for part in x.split(2):
    ((w * part).mean() / 3).backward()
w.grad  # tensor(8.3333)

# %%
# Two losses on one model: sum them or call ``backward`` twice
# ------------------------------------------------------------
#
# Both ways give the same gradients. With two calls, the graph of the first
# loss is freed before the second loss is computed, which saves memory. If
# the losses share a part of the graph, add them instead.
net = nn.Linear(3, 2)
a, b = torch.rand(4, 3), torch.rand(4, 3)
(net(a).sum() + net(b).square().sum()).backward()
together = net.weight.grad
net.zero_grad()
net(a).sum().backward()
net(b).square().sum().backward()
torch.allclose(net.weight.grad, together, atol=1e-6)  # True

# %%
# ``.grad`` after the weights changed
# -----------------------------------
#
# ``.grad`` is a plain tensor that holds the gradients so far, and it does
# not change when the weights change. ``detach``, ``clone`` and conversions
# give a tensor without it, but ``net.to`` converts the gradients, too. By
# default ``.grad`` has the dtype of the leaf, and ``Tensor.grad_dtype`` can
# set another one.
w = torch.tensor([3.0], requires_grad=True)
(w**2).backward()
with torch.no_grad():
    w.fill_(100.0)
w.grad  # tensor([6.])
w.grad.requires_grad  # False
w.detach().clone().grad is None  # True
half = w.detach().half().requires_grad_()
half.float().sum().backward()
half.grad  # tensor([1.], dtype=torch.float16)
net = nn.Linear(1, 1)
net(torch.ones(1)).backward()
net.to(torch.float64).bias.grad  # tensor([1.], dtype=torch.float64)

# %%
# Error: Can't detach views in-place (a ``.grad`` that is part of a graph)
# ------------------------------------------------------------------------
#
# ``zero_grad(set_to_none=False)`` detaches each gradient in place. If you
# have assigned a slice or a reshaped result that autograd recorded, this
# raises an error. Change gradients under ``torch.no_grad`` or assign
# ``detach().clone()``, and leave ``set_to_none`` out.
w = torch.ones(2, requires_grad=True)
factor = torch.tensor([[2.0, 3.0]], requires_grad=True)
w.grad = (factor * 1).view(2)
optimizer = torch.optim.SGD([w], lr=0.1)
with suppress(RuntimeError):
    optimizer.zero_grad(
        set_to_none=False
    )  # RuntimeError: Can't detach views
w.grad = (factor * 1).view(2).detach().clone()
optimizer.zero_grad(set_to_none=False)
w.grad  # tensor([0., 0.])
