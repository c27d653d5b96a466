"""
Gradient clipping
=================

Clip gradients, that is, limit their size, before the optimizer uses them.
Without this, exploding gradients can make the training fail.
"""
from contextlib import suppress

import matplotlib.pyplot as plt
import torch
from torch import nn
from torch.nn.utils import clip_grad_norm_, clip_grad_value_

# %%
# Clip by norm: ``nn.utils.clip_grad_norm_``
# ------------------------------------------
#
# The function computes the norm of all gradients together, as if they were
# one long vector. If the norm is larger than ``max_norm``, it multiplies
# all gradients by the same factor, so the direction does not change.
# Otherwise it leaves them unchanged. This is the usual way for recurrent
# networks and transformers.
w = nn.Parameter(torch.zeros(2))
b = nn.Parameter(torch.zeros(1))
w.grad, b.grad = torch.tensor([2.0, 3.0]), torch.tensor([6.0])
clip_grad_norm_([w, b], max_norm=14.0)  # tensor(7.)
w.grad  # tensor([2., 3.])
clip_grad_norm_([w, b], max_norm=3.5)  # tensor(7.)
w.grad  # tensor([1.0000, 1.5000])
b.grad  # tensor([3.0000])

# %%
# Clip by value: ``nn.utils.clip_grad_value_``
# --------------------------------------------
#
# Each element is limited to ``[-clip_value, clip_value]`` on its own. Large
# elements shrink and small ones do not, so the direction of the gradient
# changes. The function returns ``None``.
w = nn.Parameter(torch.zeros(3))
w.grad = torch.tensor([0.5, -8.0, 2.0])
clip_grad_value_([w], clip_value=2.0) is None  # True
w.grad  # tensor([ 0.5000, -2.0000,  2.0000])

# %%
# Norm or value: which keeps the direction?
# -----------------------------------------
#
# The dotted line is the gradient (4, 1) before clipping, and the solid line
# is the gradient after it. The dashed line is the limit of 2, for the norm
# on the left and for each element on the right. Clipping by norm keeps the
# direction, and clipping by value changes it.
figure, axes = plt.subplots(1, 2, figsize=(8, 2.8), sharey=True)
angle = torch.linspace(-0.15, 1.72, 50, device="cpu")
circle = (2 * angle.cos(), 2 * angle.sin())
square = ([2, 2, -0.3], [-0.3, 2, 2])
ways = [(clip_grad_norm_, circle), (clip_grad_value_, square)]
slopes = []
for ax, (clip, limit) in zip(axes, ways):
    w = nn.Parameter(torch.zeros(2))
    w.grad = torch.tensor([4.0, 1.0])
    ax.plot([0, 4], [0, 1], "C0:o", lw=2)
    clip([w], 2.0)
    x, y = w.grad.tolist()
    slopes.append(round(y / x, 2))
    ax.plot([0, x], [0, y], "C1-o", lw=3)
    ax.plot(*limit, "C2--")
    ax.set(title=clip.__name__, aspect="equal")
figure.tight_layout()
slopes  # [0.25, 0.5]

# %%
# Where in the loop: after ``backward``, before ``step``
# ------------------------------------------------------
#
# Before ``backward`` there are no gradients yet. ``clip_grad_norm_`` then
# clips nothing and returns 0 without an error. After ``step`` it is too
# late, because the optimizer has already used the gradients.
#
# .. glance:: # tensor(692.8203)
net = nn.Linear(2, 1)
optimizer = torch.optim.SGD(net.parameters(), lr=0.5)
loss = (100 * net(torch.ones(4, 2))).sum()
before = net.weight.detach().clone()
clip_grad_norm_(net.parameters(), max_norm=1.0)  # tensor(0.)
loss.backward()
clip_grad_norm_(net.parameters(), max_norm=1.0)  # tensor(692.8203)
optimizer.step()
before - net.weight.detach()  # tensor([[0.2887, 0.2887]])

# %%
# The norm that is returned: before clipping, over all parameters
# ---------------------------------------------------------------
#
# ``clip_grad_norm_`` returns the norm before clipping, computed over the
# gradients of all parameters. Log this norm to see how often you clip and
# to choose ``max_norm``. The gradients are multiplied by ``max_norm / (norm
# + 1e-6)`` if this factor is below 1.
net = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
(1000 * net(torch.rand(8, 3))).square().mean().backward()
grads = [p.grad.clone() for p in net.parameters()]
by_hand = torch.cat([g.flatten() for g in grads]).norm()
norm = clip_grad_norm_(net.parameters(), max_norm=1.0)
torch.allclose(norm, by_hand)  # True
factor = 1.0 / (norm + 1e-6)
torch.allclose(net[2].weight.grad, factor * grads[2])  # True
clip_grad_norm_(net.parameters(), max_norm=1.0) <= 1.0001  # tensor(True)

# %%
# Measure the gradient norm without clipping: ``nn.utils.get_total_norm``
# -----------------------------------------------------------------------
#
# ``get_total_norm`` takes the gradients, not the parameters, and does not
# change them. ``nn.utils.clip_grads_with_norm_`` then clips with a norm
# that you pass. Together they do the work of ``clip_grad_norm_``. Use the
# two functions if you want to combine the norms of several processes before
# you clip.
w = nn.Parameter(torch.zeros(2))
w.grad = torch.tensor([3.0, 4.0])
norm = torch.nn.utils.get_total_norm([w.grad])
norm  # tensor(5.)
torch.nn.utils.clip_grads_with_norm_([w], max_norm=2.5, total_norm=norm)
w.grad  # tensor([1.5000, 2.0000])

# %%
# Limit the largest element: ``norm_type=inf``
# --------------------------------------------
#
# With ``norm_type=inf`` the norm is the largest absolute value. If it is
# above ``max_norm``, all elements shrink by the same factor, so that the
# largest has the size ``max_norm``. Unlike ``clip_grad_value_``, this keeps
# the direction.
w = nn.Parameter(torch.zeros(3))
w.grad = torch.tensor([1.0, -8.0, 2.0])
clip_grad_norm_([w], max_norm=4.0, norm_type=float("inf"))  # tensor(8.)
w.grad  # tensor([ 0.5000, -4.0000,  1.0000])

# %%
# Clipping with mixed precision: ``scaler.unscale_`` first
# --------------------------------------------------------
#
# ``scaler.scale`` multiplies the loss and therefore all gradients by a
# factor, here 1024. ``scaler.unscale_`` divides the gradients by this
# factor. If you clip before that, the gradients end up far too small.
# ``scaler.step`` does not divide them again.
w = nn.Parameter(torch.tensor([3.0, 4.0]))
optimizer = torch.optim.SGD([w], lr=1.0)
device = torch.get_default_device().type
scaler = torch.amp.GradScaler(device, init_scale=1024.0)
scaler.scale((w**2).sum()).backward()
w.grad  # tensor([6144., 8192.])
scaler.unscale_(optimizer)
clip_grad_norm_([w], max_norm=5.0)  # tensor(10.)
scaler.step(optimizer)
scaler.update()
w.detach()  # tensor([0.0000, 0.0000])

# %%
# Clipping does not remove ``nan``: ``error_if_nonfinite``
# --------------------------------------------------------
#
# One ``nan`` makes the norm ``nan``, and clipping then sets all the
# gradients to ``nan``. One ``inf`` sets the other gradients to 0. With
# ``error_if_nonfinite=True`` the function raises an error instead. Skip
# such a step, or look for the cause.
w = nn.Parameter(torch.zeros(2))
w.grad = torch.tensor([1.0, float("nan")])
with suppress(RuntimeError):
    clip_grad_norm_(
        [w], max_norm=1.0, error_if_nonfinite=True
    )  # RuntimeError: non-finite, so it cannot be clipped
w.grad  # tensor([1., nan])
clip_grad_norm_([w], 1.0)  # tensor(nan)
w.grad  # tensor([nan, nan])
w.grad = torch.tensor([1.0, float("inf")])
clip_grad_norm_([w], 1.0)  # tensor(inf)
w.grad  # tensor([0., nan])

# %%
# ``clip_grad_norm`` without the underscore
# -----------------------------------------
#
# The name without the underscore is deprecated. ``clip_grad_norm_`` does
# the same. Both change the gradients in place.
w = nn.Parameter(torch.zeros(2))
w.grad = torch.tensor([3.0, 4.0])
old = torch.nn.utils.clip_grad_norm
old([w], 10.0)  # FutureWarning: deprecated in favor of ... clip_grad_norm_
clip_grad_norm_([w], 10.0)  # tensor(5.)
