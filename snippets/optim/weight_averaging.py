"""
Averaging weights
=================

This page keeps a mean of the weights during training. The averaged model
often predicts better.
"""
from contextlib import suppress

import torch
from torch import nn
from torch.optim import swa_utils
from torch.optim.swa_utils import SWALR, AveragedModel, update_bn

# %%
# Mean of the weights: ``torch.optim.swa_utils.AveragedModel``
# ------------------------------------------------------------
#
# ``AveragedModel`` is a copy of the model, and ``update_parameters``
# changes it. By default it holds the plain mean of all calls, which is
# called stochastic weight averaging. Start it late in training and update
# it once per epoch. Train ``model``, and evaluate the average.
model = nn.Linear(1, 1, bias=False)
averaged = AveragedModel(model)
for value in [2.0, 4.0, 9.0]:
    nn.init.constant_(model.weight, value)
    averaged.update_parameters(model)
averaged.module.weight.item()  # 5.0
averaged.n_averaged.item()  # 3
averaged(torch.ones(1, 1)).item()  # 5.0
model.weight.item()  # 9.0

# %%
# Exponential moving average: ``get_ema_multi_avg_fn``
# ----------------------------------------------------
#
# The first call copies the model. Each later call keeps the share ``decay``
# of the average and takes the rest from the model. Call
# ``update_parameters`` after every optimizer step; about the last :math:`1
# / (1 - \mathrm{decay})` steps then count.
model = nn.Linear(1, 1, bias=False)
ema_fn = swa_utils.get_ema_multi_avg_fn(decay=0.75)
ema = AveragedModel(model, multi_avg_fn=ema_fn)
by_hand = []
for value in [2.0, 4.0, 8.0]:
    nn.init.constant_(model.weight, value)
    ema.update_parameters(model)
    last = by_hand[-1] if by_hand else value
    by_hand.append(0.75 * last + 0.25 * value)
by_hand  # [2.0, 2.5, 3.875]
ema.module.weight.item()  # 3.875

# %%
# A moving average that stays near the start: ``decay=0.9999``
# ------------------------------------------------------------
#
# After ``n`` updates the start still has the weight
# :math:`\mathrm{decay}^{n-1}`. Use a smaller ``decay`` for a short
# training, for example 0.99 for 500 steps.
model = nn.Linear(1, 1, bias=False)
averages = {}
for decay in [0.9999, 0.99]:
    ema_fn = swa_utils.get_ema_multi_avg_fn(decay)
    averages[decay] = AveragedModel(model, multi_avg_fn=ema_fn)
    nn.init.zeros_(model.weight)
    averages[decay].update_parameters(model)
    nn.init.ones_(model.weight)
    for _ in range(499):
        averages[decay].update_parameters(model)
averages[0.9999].module.weight.item()  # 0.0487
averages[0.99].module.weight.item()  # 0.9934
1 - 0.9999**499, 1 - 0.99**499  # (0.0487, 0.9934)

# %%
# One tensor or all at once: ``avg_fn`` and ``multi_avg_fn``
# ----------------------------------------------------------
#
# ``get_ema_avg_fn`` and ``get_swa_avg_fn`` return a function. It takes an
# averaged tensor, a new tensor and the number of calls so far, and it
# returns the new average. The functions for ``multi_avg_fn`` take lists of
# tensors and write the result in place. You can write your own function in
# either form.
old, new, n = torch.tensor([2.0]), torch.tensor([5.0]), torch.tensor(2)
swa_utils.get_swa_avg_fn()(old, new, n)  # tensor([3.])
old + (new - old) / (n + 1)  # tensor([3.])
swa_utils.get_ema_avg_fn(decay=0.5)(old, new, n)  # tensor([3.5000])
swa_utils.get_swa_multi_avg_fn()([old], [new], n)  # None
old  # tensor([3.])
with suppress(AssertionError):
    AveragedModel(
        nn.Linear(1, 1), avg_fn=max, multi_avg_fn=max
    )  # AssertionError: Only one of avg_fn and multi_avg_fn

# %%
# Batch norm of the average: ``torch.optim.swa_utils.update_bn``
# --------------------------------------------------------------
#
# The running statistics of the copy do not fit the averaged weights.
# ``update_bn`` runs the averaged model on the loader and replaces the
# statistics by the mean over its batches. If a batch is a tuple, it uses
# the first entry.
#
# .. glance:: averaged.module[0].running_mean  # tensor([4.5000])
model = nn.Sequential(nn.BatchNorm1d(1))
averaged = AveragedModel(model)
loader = [torch.tensor([[1.0], [3.0]]), torch.tensor([[6.0], [8.0]])]
averaged.module[0].running_mean  # tensor([0.])
update_bn(loader, averaged)
averaged.module[0].running_mean  # tensor([4.5000])
averaged.module[0].running_var  # tensor([2.])

# %%
# Average buffers, too: ``AveragedModel(use_buffers=True)``
# ---------------------------------------------------------
#
# By default only the parameters are averaged, and the buffers are copied
# from the model at each update. With ``use_buffers=True`` the running
# statistics are averaged, too. With a moving average you then do not need
# ``update_bn``.
#
# .. glance:: mean.module.running_mean
model = nn.BatchNorm1d(1)
copied = AveragedModel(model)
mean = AveragedModel(model, use_buffers=True)
for value in [2.0, 4.0]:
    model.running_mean.fill_(value)
    copied.update_parameters(model)
    mean.update_parameters(model)
copied.module.running_mean  # tensor([4.])
mean.module.running_mean  # tensor([3.])

# %%
# Learning rate for averaging: ``torch.optim.swa_utils.SWALR``
# ------------------------------------------------------------
#
# ``SWALR`` changes the rate to ``swa_lr`` in ``anneal_epochs`` steps, along
# a cosine or a line, and then keeps it constant. Choose a rate that keeps
# the weights moving, because otherwise there is little to average.
weight = torch.zeros(1, requires_grad=True)
optimizer = torch.optim.SGD([weight], lr=0.5)
scheduler = SWALR(
    optimizer, swa_lr=0.1, anneal_epochs=4, anneal_strategy="linear"
)
rates = []
for _ in range(6):
    rates.append(round(optimizer.param_groups[0]["lr"], 4))
    optimizer.step()
    scheduler.step()
rates  # [0.5, 0.4, 0.3, 0.2, 0.1, 0.1]

# %%
# A training loop with a moving average of the weights
# ----------------------------------------------------
#
# Update the average after the optimizer step. The average itself is not
# trained: no gradient reaches it, and the optimizer does not know it. It
# starts as a copy, so create it after you have moved the model to its
# device.
model = nn.Linear(3, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
ema_fn = swa_utils.get_ema_multi_avg_fn(decay=0.9)
ema = AveragedModel(model, multi_avg_fn=ema_fn)
x = torch.randn(256, 3)
y = x.sum(dim=1, keepdim=True)
for _ in range(500):
    loss = nn.functional.mse_loss(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    ema.update_parameters(model)
ema.eval()
with torch.no_grad():
    nn.functional.mse_loss(ema(x), y) < 1e-3  # tensor(True)

# %%
# Save the averaged weights: the prefix ``module.``
# -------------------------------------------------
#
# The averaged model is a module with the model inside, so its keys have a
# prefix, and ``n_averaged`` is added. Save ``averaged.module`` to load it
# into the plain model. Save the whole averaged model if you want to
# continue averaging.
model = nn.Linear(2, 1)
averaged = AveragedModel(model)
state = averaged.state_dict()
list(state)  # ['n_averaged', 'module.weight', 'module.bias']
with suppress(RuntimeError):
    model.load_state_dict(state)  # RuntimeError: Missing key(s) in
plain = nn.Linear(2, 1)
plain.load_state_dict(averaged.module.state_dict())
torch.equal(plain.weight, model.weight)  # True

# %%
# Average the weights of several models: integers are not averaged
# ----------------------------------------------------------------
#
# Batch normalization counts its batches in the integer
# ``num_batches_tracked``. Writing a fraction into it in place raises an
# error. Average only the floating-point entries, as in federated learning,
# and take the others from one of the models.
models = [nn.BatchNorm1d(2) for _ in range(3)]
for model, value in zip(models, [1.0, 2.0, 6.0]):
    nn.init.constant_(model.weight, value)
states = [model.state_dict() for model in models]
count = states[0]["num_batches_tracked"]
with suppress(RuntimeError):
    count += 0.5  # RuntimeError: result type Float can't be cast
mean = dict(states[0])
for name, value in mean.items():
    if value.is_floating_point():
        mean[name] = torch.stack([s[name] for s in states]).mean(dim=0)
average = nn.BatchNorm1d(2)
average.load_state_dict(mean)
average.weight.tolist()  # [3.0, 3.0]
average.num_batches_tracked  # tensor(0)
