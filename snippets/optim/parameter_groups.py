"""
Parameter groups
================

Parameter groups give the parts of a model their own learning rate and
weight decay.
"""
from contextlib import suppress
from copy import deepcopy

import torch
from torch import nn

# %%
# A learning rate per layer: parameter groups
# -------------------------------------------
#
# Pass a list of dictionaries. An option that a group does not name is taken
# from the keyword arguments. The usual case is fine-tuning, with a small
# learning rate for the pretrained part and a larger one for the new head.
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
# Each parameter group has its own learning rate, and the optimizer itself
# has no ``lr``. ``optimizer.defaults`` holds the value that you passed at
# the start. It does not change when a scheduler changes the rate.
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
# Write the new rate into each group. The next ``step`` uses it, and the
# running averages stay; a new optimizer would lose them. Setting
# ``optimizer.lr`` only creates an attribute that the optimizer does not
# read.
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
# Make one group per layer, and divide the learning rate by a constant at
# each layer towards the input. The lower layers are more general and need
# less change. A scheduler that multiplies the rates keeps their ratios.
# ``CyclicLR`` and ``OneCycleLR`` set the same rate for all groups unless
# you pass a list with one rate per group.
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
# Weight decay is meant for matrices and convolution kernels. Split the
# parameters by ``p.ndim``, because biases and the scales of most
# normalization layers are 1-D. A layer norm over several dimensions is an
# exception. Embeddings are 2-D; split them by name if you do not want to
# decay them.
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
# Freeze the parameters first, and then pass the parameters that still
# require a gradient. A parameter that you freeze later keeps its last
# ``.grad``, and the optimizer still changes it. Clear its gradient with
# ``zero_grad`` or set it to ``None``.
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
# You do not need ``filter(lambda p: p.requires_grad, model.parameters())``.
# A frozen parameter has no gradient, so the optimizer skips it: it applies
# no weight decay and keeps no state. If you freeze a parameter that already
# has a gradient, clear the gradient.
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
# ``add_param_group`` adds parameters with their own settings and keeps the
# state of the others. It does not change ``requires_grad``. Create the
# scheduler after you have added the last group, because it reads the base
# learning rates when it is created.
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
# If you pass ``model.named_parameters()``, each group has ``param_names``,
# also in the state dict. You can see which parameters are trained, and you
# can form groups by name. The names are only for reading, and loading a
# state dict still goes by order.
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
# Inside the block, the optimizer updates the tensors that you give, with
# the state that you give. After the block, it has its own parameters and
# state again. The optimizer must have made at least one step before.
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
# ``model.parameters()`` includes the parameters of the head. Take them out
# by ``id``, because ``==`` compares the elements of tensors.
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
# A state dict fits an optimizer that has the same groups in the same order.
# If the model has changed, load only the part that still fits, or start
# without the old state.
layer = nn.Linear(2, 1)
one = torch.optim.SGD([layer.weight], lr=0.1)
both = torch.optim.SGD(layer.parameters(), lr=0.1)
with suppress(ValueError):
    both.load_state_dict(one.state_dict())  # ValueError: doesn't match
groups = [{"params": [layer.weight]}, {"params": [layer.bias]}]
split = torch.optim.SGD(groups, lr=0.1)
with suppress(ValueError):
    both.load_state_dict(split.state_dict())  # ValueError: different number
