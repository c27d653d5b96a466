"""
Parameter groups
================

Give parts of a model their own learning rate and weight decay.
"""
from contextlib import suppress
from copy import deepcopy

import torch
from torch import nn

# %%
# A learning rate per layer: parameter groups
# -------------------------------------------
#
# Pass a list of dictionaries. What a group does not name comes from the
# keyword arguments. The usual case is fine-tuning: a small rate for the
# pretrained part, a larger one for the new head.
backbone, head = nn.Linear(4, 3), nn.Linear(3, 2)
optimizer = torch.optim.SGD(
    [
        {"params": backbone.parameters(), "lr": 0.001},
        {"params": head.parameters()},
    ],
    lr=0.1,
    momentum=0.9,
)
[group["lr"] for group in optimizer.param_groups]  # [0.001, 0.1]
[group["momentum"] for group in optimizer.param_groups]  # [0.9, 0.9]
[len(group["params"]) for group in optimizer.param_groups]  # [2, 2]

# %%
# Read the learning rate: ``optimizer.param_groups[0]["lr"]``
# -----------------------------------------------------------
#
# The rate is in each group; the optimizer itself has no ``lr``.
# ``optimizer.defaults`` holds what was passed at the start and does not
# follow a scheduler.
w = torch.zeros(2, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.1)
scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.5)
optimizer.step()
scheduler.step()
optimizer.param_groups[0]["lr"]  # 0.05
scheduler.get_last_lr()  # [0.05]
optimizer.defaults["lr"]  # 0.1
with suppress(AttributeError):
    optimizer.lr  # AttributeError: has no attribute 'lr'

# %%
# Change the learning rate by hand
# --------------------------------
#
# Write to every group; the next ``step`` uses it, and running averages
# stay. A new optimizer would lose them. Setting ``optimizer.lr`` only makes
# an attribute that nobody reads.
#
# .. glance:: w.item()  # 0.25
w = torch.tensor(1.0, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.5)
optimizer.lr = 100.0
(w * 1).backward()
optimizer.step()
w.item()  # 0.5
for group in optimizer.param_groups:
    group["lr"] = group["lr"] / 2
optimizer.step()
w.item()  # 0.25

# %%
# Smaller rates for lower layers: discriminative learning rates
# -------------------------------------------------------------
#
# One group per layer, the rate divided by a constant at each layer down:
# lower layers are more general and need less change. A scheduler of factors
# keeps the ratios; ``CyclicLR`` and ``OneCycleLR`` set all groups alike
# unless you list a rate for each.
model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 2))
groups = [
    {"params": layer.parameters(), "lr": 0.5 / 2**depth}
    for depth, layer in enumerate(reversed(model))
]
optimizer = torch.optim.SGD(groups)
[group["lr"] for group in optimizer.param_groups]  # [0.5, 0.25, 0.125]
scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.5)
optimizer.step()
scheduler.step()
scheduler.get_last_lr()  # [0.25, 0.125, 0.0625]
options = {"total_steps": 9, "div_factor": 4, "cycle_momentum": False}
torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=1.0, **options)
[group["lr"] for group in optimizer.param_groups]  # [0.25, 0.25, 0.25]

# %%
# No weight decay on biases and norms
# -----------------------------------
#
# Decay is meant for matrices and kernels. Biases are 1-D, as are the scales
# of norm layers other than a layer norm over several dimensions: split by
# ``p.ndim``. Embeddings are 2-D and land with the matrices unless you split
# them by name.
model = nn.Sequential(nn.Linear(4, 3), nn.LayerNorm(3), nn.Linear(3, 2))
decay = [p for p in model.parameters() if p.ndim > 1]
rest = [p for p in model.parameters() if p.ndim <= 1]
len(decay), len(rest)  # (2, 4)
optimizer = torch.optim.AdamW(
    [
        {"params": decay, "weight_decay": 0.5},
        {"params": rest, "weight_decay": 0.0},
    ],
    lr=0.1,
)
before = model[1].weight.clone(), model[2].weight.clone()
for p in model.parameters():
    p.grad = torch.zeros_like(p)
optimizer.step()
torch.equal(model[1].weight, before[0])  # True
torch.allclose(model[2].weight, before[1] * 0.95)  # True
nn.LayerNorm([3, 4]).weight.ndim  # 2

# %%
# Optimize only trainable parameters: ``requires_grad_(False)``
# -------------------------------------------------------------
#
# Freeze first, then pass what still requires a gradient. Frozen parameters
# in the list are skipped, as their ``.grad`` is ``None``. One frozen later
# keeps its last ``.grad`` and goes on moving: set it to ``None``.
model = nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 2))
model[0].requires_grad_(False)
trainable = [p for p in model.parameters() if p.requires_grad]
optimizer = torch.optim.SGD(trainable, lr=0.1)
sum(p.numel() for p in trainable)  # 8
model(torch.ones(1, 4)).sum().backward()
model[1].requires_grad_(False)
before = model[1].bias.clone()
optimizer.step()
torch.equal(model[1].bias, before)  # False
optimizer.zero_grad()
before = model[1].bias.clone()
optimizer.step()
torch.equal(model[1].bias, before)  # True

# %%
# Frozen parameters in the optimizer: is ``filter`` needed?
# ---------------------------------------------------------
#
# ``filter(lambda p: p.requires_grad, model.parameters())`` is not needed. A
# frozen parameter has no gradient, and the optimizer skips it: weight decay
# does not act, and no state is kept. A gradient from before the freezing
# must be cleared.
model = nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 2))
model[0].requires_grad_(False)
optimizer = torch.optim.AdamW(model.parameters(), lr=0.1, weight_decay=0.5)
before = model[0].weight.clone(), model[1].weight.clone()
model(torch.ones(1, 4)).sum().backward()
optimizer.step()
torch.equal(model[0].weight, before[0])  # True
torch.equal(model[1].weight, before[1])  # False
len(optimizer.state)  # 2

# %%
# Unfreeze during training: ``optimizer.add_param_group``
# -------------------------------------------------------
#
# Adds parameters with settings of their own and keeps the state of the
# others; it does not set ``requires_grad``. Make a scheduler after the last
# group, as it reads the base rates when it is made.
model = nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 2))
model[0].requires_grad_(False)
optimizer = torch.optim.SGD(model[1].parameters(), lr=0.1)
model[0].requires_grad_(True)
optimizer.add_param_group({"params": model[0].parameters(), "lr": 0.01})
[group["lr"] for group in optimizer.param_groups]  # [0.1, 0.01]

# %%
# Names of parameters in the optimizer: ``named_parameters``
# ----------------------------------------------------------
#
# Pass ``model.named_parameters()`` and each group carries
# ``param_names``, also in the state dict: you can see what is trained, and
# write groups by name. Names are for you: loading goes by order.
model = nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 2))
optimizer = torch.optim.SGD(model.named_parameters(), lr=0.1)
names = optimizer.param_groups[0]["param_names"]
names  # ['0.weight', '0.bias', '1.weight', '1.bias']
groups = optimizer.state_dict()["param_groups"]
groups[0]["param_names"] == names  # True
biases = [item for item in model.named_parameters() if "bias" in item[0]]
group = torch.optim.SGD(biases).param_groups[0]
group["param_names"]  # ['0.bias', '1.bias']

# %%
# Lend an optimizer other tensors: ``swap_in_optimizer_params_and_state``
# -----------------------------------------------------------------------
#
# In the block the optimizer steps on the tensors and with the state that
# you give; after it, all is as before. It must have made a step of its own.
#
# .. since:: 2.13
w = torch.tensor([1.0], requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.5, momentum=0.5)
w.sum().backward()
optimizer.step()
trial = torch.tensor([4.0], requires_grad=True)
trial.grad = torch.tensor([2.0])
state = deepcopy(optimizer.state_dict())
swap = torch.optim.swap_in_optimizer_params_and_state
with swap(optimizer, {"w": trial}, state):
    optimizer.step()
trial.detach()  # tensor([2.7500])
w.detach()  # tensor([0.5000])
optimizer.param_groups[0]["params"][0] is w  # True

# %%
# Error: some parameters appear in more than one parameter group
# --------------------------------------------------------------
#
# ``model.parameters()`` holds the head as well. Filter by identity, as
# ``==`` on tensors compares elements.
model = nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 2))
head = model[1]
groups = [{"params": model.parameters()}, {"params": head.parameters()}]
with suppress(ValueError):
    torch.optim.SGD(groups)  # ValueError: more than one parameter group
taken = {id(p) for p in head.parameters()}
body = [p for p in model.parameters() if id(p) not in taken]
groups = [{"params": body}, {"params": head.parameters(), "lr": 0.1}]
len(torch.optim.SGD(groups).param_groups)  # 2

# %%
# Error: parameter group doesn't match the size of optimizer's group
# ------------------------------------------------------------------
#
# A state dict fits an optimizer with the same groups in the same order.
# After a change of the model, load only what still fits or start afresh.
layer = nn.Linear(2, 1)
one = torch.optim.SGD([layer.weight], lr=0.1)
both = torch.optim.SGD(layer.parameters(), lr=0.1)
with suppress(ValueError):
    both.load_state_dict(one.state_dict())  # ValueError: doesn't match
groups = [{"params": [layer.weight]}, {"params": [layer.bias]}]
split = torch.optim.SGD(groups, lr=0.1)
with suppress(ValueError):
    both.load_state_dict(split.state_dict())  # ValueError: different number
