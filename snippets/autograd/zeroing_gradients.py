"""
Zeroing gradients
=================

Gradients of several backward calls add up until you clear them.
"""
import torch
import torch.nn.functional as F
from torch import nn

# %%
# Gradients add up over ``backward`` calls
# ----------------------------------------
#
# ``backward`` adds to ``.grad`` and never replaces it. That is wanted when
# several losses or small batches make one step, and a mistake when the
# next step begins without clearing.
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
# Once per step, anywhere but between ``backward`` and ``step``. The
# optimizer clears the parameters that it holds, ``nn.Module.zero_grad`` all
# of the module: they differ when the optimizer has only a part.
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
# By default the gradients become ``None``, which frees their memory, and
# optimizers skip such parameters. With ``set_to_none=False`` they stay as
# zeros, and an optimizer with momentum or weight decay then moves weights
# that took no part in the loss.
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
# Assigning ``None`` drops the tensor, and the next ``backward`` makes a
# new one. ``zero_`` overwrites it, so every other name for it sees the
# zeros, and it fails before the first ``backward`` as there is none.
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
# No error: each step goes along the sum of all gradients so far. On a
# parabola plain descent halves the distance to the minimum each time,
# while the sum keeps pushing past it.
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
# If a batch does not fit into memory, call ``backward`` for parts of it
# and ``step`` once. Divide a mean by the number of parts, if each part has
# as many samples, or as many tokens where padding is left out of the loss.
# Layers that look at the whole batch, as batch normalization does, still
# see the part alone.
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
# Dividing the mean of each part by the number of parts gives samples in
# the short last part too much weight. Sum instead, and divide by the
# number of all samples.
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
# Both leave the same gradients. Calling twice frees the graph of the first
# loss before the second is computed, so it needs less memory, but only
# where the two share no part of the graph.
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
# ``.grad`` is a plain tensor that holds what ``backward`` has added so far.
# It does not follow the weights, and ``clone``, ``detach`` or a conversion
# makes a tensor without it; ``net.to`` takes it along. Its dtype is that of
# the leaf, unless ``Tensor.grad_dtype`` says otherwise.
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
