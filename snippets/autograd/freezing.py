"""
Freezing parameters
===================

Keep some parameters of a model fixed while the rest is trained, as in
fine-tuning.
"""
from contextlib import suppress

import torch
from torch import nn

# %%
# Freeze a layer: ``nn.Module.requires_grad_``
# --------------------------------------------
#
# ``requires_grad_(False)`` freezes the parameters of the module and of its
# submodules, so they get no gradient. Freezing the first layers saves the
# most time, because ``backward`` can stop before them.
net = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
net[0].requires_grad_(False)
[p.requires_grad for p in net.parameters()]  # [False, False, True, True]
net(torch.rand(5, 3)).sum().backward()
net[0].weight.grad is None  # True
net[2].bias.grad  # tensor([5., 5.])

# %%
# Train only a new head
# ---------------------
#
# Freeze the whole network and then replace the last layer, the head,
# because new parameters require gradients. Give the optimizer the
# parameters that are left to train. You can also give it all parameters,
# because it skips those whose ``.grad`` is ``None``.
net = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 10))
net.requires_grad_(False)
net[2] = nn.Linear(16, 3)
trainable = [p for p in net.parameters() if p.requires_grad]
optimizer = torch.optim.Adam(trainable, lr=0.01)
body, head = net[0].weight.clone(), net[2].weight.detach().clone()
net(torch.rand(4, 8)).square().mean().backward()
optimizer.step()
torch.equal(net[0].weight, body)  # True
torch.equal(net[2].weight, head)  # False
everything = torch.optim.AdamW(net.parameters(), weight_decay=0.5)
everything.step()
torch.equal(net[0].weight, body)  # True

# %%
# Freeze by name: ``named_parameters``
# ------------------------------------
#
# Choose parameters by name if they do not form a module, such as all
# biases. List or count the trainable parameters afterwards. A misspelled
# name raises no error and freezes nothing.
net = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
for name, parameter in net.named_parameters():
    parameter.requires_grad = name.endswith("bias")
left = [name for name, p in net.named_parameters() if p.requires_grad]
left  # ['0.bias', '2.bias']
sum(p.numel() for p in net.parameters() if p.requires_grad)  # 6
sum(p.numel() for p in net.parameters())  # 26

# %%
# Gradients still pass through a frozen layer
# -------------------------------------------
#
# Layers before a frozen layer still get gradients through it. A learned
# prompt or an adapter is trained in this way. Under ``torch.no_grad`` the
# layers before it get no gradient.
before, frozen = nn.Linear(3, 4), nn.Linear(4, 2)
frozen.requires_grad_(False)
frozen(before(torch.rand(5, 3))).sum().backward()
frozen.weight.grad is None  # True
torch.allclose(before.bias.grad, 5 * frozen.weight.sum(0))  # True
with torch.no_grad():
    hidden = before(torch.rand(5, 3))
frozen(hidden).requires_grad  # False

# %%
# Use a fixed feature extractor: ``no_grad`` or ``detach``
# --------------------------------------------------------
#
# If only the last layer (the head) is trained, run the layers before it
# (the body) under ``torch.no_grad``. Like freezing, this saves time and
# memory, but it leaves ``requires_grad`` of the parameters unchanged.
# ``body(x).detach()`` gives the same features, but it builds the graph
# first.
body, head = nn.Linear(3, 4), nn.Linear(4, 2)
x = torch.rand(5, 3)
with torch.no_grad():
    features = body(x)
head(features).sum().backward()
(body.weight.grad is None, body.weight.requires_grad)  # (True, True)
torch.allclose(head.weight.grad, features.sum(0).expand(2, 4))  # True
torch.allclose(body(x).detach(), features)  # True
body.requires_grad_(False)(x).grad_fn is None  # True

# %%
# A frozen weight still changes: its old ``.grad`` is not ``None``
# ----------------------------------------------------------------
#
# The optimizer looks at ``.grad`` and not at ``requires_grad``. If a
# gradient is left from before the freezing, even one of zeros, then
# momentum, Adam and weight decay still change the weight. Set the gradient
# to ``None``, as ``zero_grad`` does by default.
def move(kind, clear, **options):
    w = nn.Parameter(torch.tensor([1.0]))
    optimizer = kind([w], lr=0.1, **options)
    (3 * w).backward()
    optimizer.step()
    w.requires_grad_(False)
    optimizer.zero_grad(set_to_none=clear)
    frozen = w.clone()
    optimizer.step()
    return not torch.equal(w, frozen)


move(torch.optim.Adam, clear=False)  # True
move(torch.optim.SGD, clear=False, momentum=0.9)  # True
move(torch.optim.SGD, clear=False, weight_decay=0.1)  # True
move(torch.optim.SGD, clear=False)  # False
move(torch.optim.Adam, clear=True)  # False

# %%
# Freeze batch normalization: ``eval`` and ``requires_grad_``
# -----------------------------------------------------------
#
# The running mean and variance are buffers and not parameters. In training
# mode each batch updates them, even if the parameters are frozen. Call
# ``eval`` on the layer to stop the updates. ``net.train()`` turns them on
# again, so call ``eval`` again after each ``net.train()``.
norm = nn.BatchNorm1d(2).requires_grad_(False)
x = torch.full((4, 2), 10.0)
norm(x).requires_grad  # False
norm.running_mean  # tensor([1., 1.])
net = nn.Sequential(nn.Linear(2, 2), norm).train()
for module in net.modules():
    if isinstance(module, nn.BatchNorm1d):
        module.eval()
net(x)  # shape (4, 2), requires_grad True
norm.running_mean  # tensor([1., 1.])

# %%
# Keep batch normalization frozen when ``net.train()`` is called
# --------------------------------------------------------------
#
# ``net.train()`` sets all submodules to training mode, including dropout
# and batch normalization in the frozen part. Override ``train`` in your
# module and call ``eval`` on the frozen part there.
class Tuned(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
        self.body.requires_grad_(False)
        self.head = nn.Linear(4, 2)

    def train(self, mode=True):
        super().train(mode)
        self.body.eval()
        return self


net = Tuned().train()
(net.head.training, net.body[1].training)  # (True, False)
net.eval().body[1].training  # False

# %%
# Unfreeze later: ``add_param_group``
# -----------------------------------
#
# If the optimizer was created without some parameters, setting
# ``requires_grad`` does not train them. Add them as a new parameter group,
# usually with a smaller learning rate.
#
# .. glance:: torch.allclose(body.bias, before - 0.01 * body.bias.grad)
body, head = nn.Linear(3, 4).requires_grad_(False), nn.Linear(4, 2)
optimizer = torch.optim.SGD(head.parameters(), lr=0.1)
body.requires_grad_(True)
before = body.bias.detach().clone()
head(body(torch.rand(5, 3))).sum().backward()
optimizer.step()
torch.equal(body.bias, before)  # True
optimizer.add_param_group({"params": body.parameters(), "lr": 0.01})
optimizer.step()
torch.allclose(body.bias, before - 0.01 * body.bias.grad)  # True

# %%
# Error: "net.freeze()" does not exist
# ------------------------------------
#
# A module has no method ``freeze``. Assigning ``net.requires_grad = False``
# raises no error, but it only creates a new attribute and leaves the
# parameters unchanged. Call the method ``requires_grad_``, with the
# underscore.
net = nn.Linear(3, 2)
with suppress(AttributeError):
    net.freeze()  # AttributeError: object has no attribute 'freeze'
net.requires_grad = False
net.weight.requires_grad  # True
net = nn.Linear(3, 2).requires_grad_(False)
net.weight.requires_grad  # False

# %%
# Error: you can only change flags of leaf variables (``requires_grad``)
# ----------------------------------------------------------------------
#
# You can set ``requires_grad`` to ``False`` for a leaf, but not for a
# result computed from a tensor that requires a gradient. Use ``detach`` for
# a result. You can freeze a weight even after the forward pass has used it,
# and ``backward`` then gives it no gradient.
w = nn.Parameter(torch.tensor([2.0]))
hidden = 3 * w
with suppress(RuntimeError):
    hidden.requires_grad = False  # RuntimeError: flags of leaf variables
hidden.detach().requires_grad  # False
w.requires_grad = False
hidden.backward()
w.grad is None  # True
(3 * w).requires_grad  # False
