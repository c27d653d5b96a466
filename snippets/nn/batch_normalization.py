"""
Batch normalization
===================

Normalize each channel with the mean and variance of the batch. For
evaluation, the layer keeps running values, which are averages over the
batches.
"""
from contextlib import suppress

import torch
import torch.nn.functional as F
from torch import nn

# %%
# Normalize over the batch: ``nn.BatchNorm1d``
# --------------------------------------------
#
# In training, each feature is normalized with the mean and the variance of
# this batch. The variance divides by n. The result is multiplied by
# ``weight`` and shifted by ``bias``, which are learned and start from 1 and
# 0.
x = torch.randn(16, 3, dtype=torch.float64) * 5 + 2
layer = nn.BatchNorm1d(3, dtype=torch.float64)
layer.weight.data = torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64)
var, mean = torch.var_mean(x, 0, correction=0)
by_hand = (x - mean) / torch.sqrt(var + layer.eps)
torch.allclose(layer(x), by_hand * layer.weight + layer.bias)  # True
y = F.batch_norm(x, None, None, training=True)
torch.allclose(y, by_hand)  # True

# %%
# Images and volumes: ``nn.BatchNorm2d``, ``nn.BatchNorm3d``
# ----------------------------------------------------------
#
# Each channel has one mean, taken over the batch and all pixels. The
# classes compute the same but check the shape: ``nn.BatchNorm1d`` takes (N,
# C) or (N, C, L), ``nn.BatchNorm2d`` takes (N, C, H, W) and
# ``nn.BatchNorm3d`` takes (N, C, D, H, W). Use ``bias=False`` in the
# convolution before, because the layer subtracts the mean and the bias with
# it.
x = torch.randn(8, 3, 4, 6, dtype=torch.float64)
layer = nn.BatchNorm2d(3, dtype=torch.float64)
var, mean = torch.var_mean(x, (0, 2, 3), correction=0, keepdim=True)
torch.allclose(layer(x), (x - mean) / (var + 1e-5).sqrt())  # True
torch.allclose(layer(x + 7), layer(x))  # True
flat = nn.BatchNorm1d(3, dtype=torch.float64)(x.flatten(2))
torch.allclose(flat, layer(x).flatten(2))  # True
deep = nn.BatchNorm3d(3, dtype=torch.float64)(x.unsqueeze(2))
torch.allclose(deep.squeeze(2), layer(x))  # True
with suppress(ValueError):
    layer(x[0])  # ValueError: expected 4D input (got 3D input)

# %%
# Running mean and variance: ``momentum`` of ``nn.BatchNorm1d``
# -------------------------------------------------------------
#
# In training, each batch moves the running values by ``momentum``. The
# default of 0.1 is the weight of the **new** batch, whereas in optimizers
# and in TensorFlow momentum is the weight of the old value. The running
# variance divides by n - 1, and the variance that normalizes the batch
# divides by n.
#
# .. glance:: layer.running_mean  # tensor([1.2000])
layer = nn.BatchNorm1d(1, momentum=0.1)
layer.running_mean, layer.running_var  # (tensor([0.]), tensor([1.]))
x = torch.tensor([[10.0], [14.0]])
layer(x)  # shape (2, 1)
x.var(correction=0), x.var(correction=1)  # (tensor(4.), tensor(8.))
layer.running_mean  # tensor([1.2000])
layer.running_var  # tensor([1.7000])
layer.num_batches_tracked  # tensor(1)
quick = nn.BatchNorm1d(1, momentum=0.25)
quick(x)  # shape (2, 1)
quick.running_mean, quick.running_var  # (tensor([3.]), tensor([2.75]))

# %%
# Predictions depend on the batch: batch normalization in ``train()``
# -------------------------------------------------------------------
#
# In evaluation, the layer uses the running values and does not change them,
# so a sample gets the same output in any batch. Without ``eval()``, a
# prediction depends on the other samples of the batch. Each call also
# changes the running values, even under ``torch.no_grad``.
#
# .. glance:: torch.allclose(layer(x[:2])[0], layer(x)[0])
x = torch.tensor([[2.0], [4.0], [9.0]])
layer = nn.BatchNorm1d(1)
layer(x)  # shape (3, 1)
torch.allclose(layer(x[:2])[0], layer(x)[0])  # False
layer.eval()
torch.allclose(layer(x[:2])[0], layer(x)[0])  # True
expected = (x - layer.running_mean) / (layer.running_var + 1e-5).sqrt()
torch.allclose(layer(x), expected)  # True
layer.train()
before = layer.running_mean.clone()
with torch.no_grad():
    layer(x + 50)  # shape (3, 1)
torch.equal(layer.running_mean, before)  # False

# %%
# Average over all batches: ``momentum=None``
# -------------------------------------------
#
# With ``momentum=None``, the running values are the plain mean over all
# batches since ``reset_running_stats()``. If you average the weights of
# several models, recompute the running values of the result in this way.
# ``update_bn`` in ``torch.optim.swa_utils`` does this for you.
#
# .. glance:: layer.running_mean
layer = nn.BatchNorm1d(1, momentum=None)
for batch in [[[1.0], [3.0]], [[5.0], [7.0]], [[4.0], [10.0]]]:
    layer(torch.tensor(batch))  # shape (2, 1)
layer.running_mean  # tensor([5.])
layer.running_var  # tensor([7.3333])
layer.reset_running_stats()
layer.running_mean, layer.running_var  # (tensor([0.]), tensor([1.]))

# %%
# No running values: ``track_running_stats=False``
# ------------------------------------------------
#
# Without running values, the layer uses the batch in evaluation as well, so
# a prediction depends on the rest of its batch. ``affine=False`` does
# something else: the layer then has no weight and no bias to learn.
layer = nn.BatchNorm1d(2, track_running_stats=False).eval()
x = torch.tensor([[1.0, 2.0], [3.0, 6.0]])
layer(x).detach().round(decimals=2)  # tensor([[-1., -1.], [1., 1.]])
list(layer.state_dict())  # ['weight', 'bias']
plain = nn.BatchNorm1d(2, affine=False)
list(plain.state_dict())[:2]  # ['running_mean', 'running_var']
list(plain.parameters())  # []

# %%
# Frozen, yet it changes: ``requires_grad_(False)`` on batch norm
# ---------------------------------------------------------------
#
# ``requires_grad_(False)`` freezes the weight and the bias, but the running
# values still follow the new data. Call ``eval()`` on the batch norm layers
# after each ``model.train()``, because ``train()`` switches them back.
model = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
x = torch.tensor([[1.0, 2.0], [3.0, 5.0]])
model.requires_grad_(False).train()(x)  # shape (2, 2)
model[1].num_batches_tracked  # tensor(1)
for module in model.train().modules():
    if isinstance(module, nn.BatchNorm1d):
        module.eval()
model(x)  # shape (2, 2)
model[1].num_batches_tracked  # tensor(1)
model.training  # True

# %%
# Fold batch norm into the convolution: a scale and a shift
# ---------------------------------------------------------
#
# In evaluation, batch normalization is a scale and a shift. You can merge
# them into the weight and bias of the convolution, which saves one layer at
# inference. ``torch.nn.utils.fuse_conv_bn_eval`` does this for two layers
# in ``eval()``, and ``torch.nn.utils.fuse_linear_bn_eval`` does it for
# ``nn.Linear``.
conv = nn.Conv2d(3, 4, 3, bias=False, dtype=torch.float64)
norm = nn.BatchNorm2d(4, dtype=torch.float64)
x = torch.randn(8, 3, 6, 6, dtype=torch.float64) + 1
norm(conv(x))  # shape (8, 4, 4, 4)
conv.eval(), norm.eval()
scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
weight = conv.weight * scale[:, None, None, None]
bias = norm.bias - norm.running_mean * scale
torch.allclose(F.conv2d(x, weight, bias), norm(conv(x)))  # True
fused = torch.nn.utils.fuse_conv_bn_eval(conv, norm)
torch.allclose(fused(x), norm(conv(x)))  # True

# %%
# Batch statistics over all GPUs: ``nn.SyncBatchNorm``
# ----------------------------------------------------
#
# Under DistributedDataParallel, each process normalizes its own part of the
# batch. ``convert_sync_batchnorm`` replaces the batch normalizations of a
# model with layers that compute mean and variance over all processes. Call
# it before you wrap the model. Without a process group, and in evaluation,
# the new layers work like plain batch normalization.
model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
synced = nn.SyncBatchNorm.convert_sync_batchnorm(model)
type(synced[1]) is nn.SyncBatchNorm  # True
list(synced.state_dict()) == list(model.state_dict())  # True
alone = nn.SyncBatchNorm(3, dtype=torch.float64)
x = torch.randn(8, 3, 5, 5, dtype=torch.float64)
same = nn.BatchNorm2d(3, dtype=torch.float64)(x)
torch.allclose(alone(x), same)  # True

# %%
# Number of features from the first batch: ``nn.LazyBatchNorm2d``
# ---------------------------------------------------------------
#
# A lazy layer reads the number of features from the first batch and becomes
# the plain class. There are ``nn.LazyBatchNorm1d``, ``nn.LazyBatchNorm2d``
# and ``nn.LazyBatchNorm3d``, and also ``nn.LazyInstanceNorm1d``,
# ``nn.LazyInstanceNorm2d`` and ``nn.LazyInstanceNorm3d``.
norm = nn.LazyBatchNorm2d()
norm(torch.zeros(2, 5, 4, 4))  # shape (2, 5, 4, 4)
norm.num_features, type(norm) is nn.BatchNorm2d  # (5, True)
norm = nn.LazyInstanceNorm1d(affine=True)
norm(torch.zeros(2, 5, 4))  # shape (2, 5, 4)
norm.weight.shape  # torch.Size([5])
x = torch.tensor([0.0, 2.0]).view(1, 1, 1, 1, 2)
nn.LazyBatchNorm1d()(x.view(2, 1)).detach()  # tensor([[-1.0000], [1.0000]])
nn.LazyBatchNorm3d()(x).flatten().detach()  # tensor([-1.0000, 1.0000])
y = nn.LazyInstanceNorm2d()(x[0]).detach()
y.flatten()  # tensor([-1.0000, 1.0000])
y = nn.LazyInstanceNorm3d()(x).detach()
y.flatten()  # tensor([-1.0000, 1.0000])

# %%
# Error: expected more than 1 value per channel when training
# -----------------------------------------------------------
#
# A single value has no variance. Often the last batch of an epoch has only
# one sample; ``drop_last=True`` in the DataLoader leaves it out. If the
# error comes from a prediction, call ``eval()`` first. To train on batches
# of one sample, use ``nn.GroupNorm``.
layer = nn.BatchNorm1d(4)
one = torch.zeros(1, 4)
with suppress(ValueError):
    layer(one)  # ValueError: Expected more than 1 value per channel
layer.eval()(one)  # shape (1, 4)
nn.BatchNorm2d(4)(torch.zeros(1, 4, 8, 8))  # shape (1, 4, 8, 8)
nn.GroupNorm(2, 4)(one)  # shape (1, 4)

# %%
# Error: running_mean should contain 8 elements not 4 (``nn.BatchNorm2d``)
# ------------------------------------------------------------------------
#
# ``num_features`` must be the number of channels, which is the second size
# of the input. It is not the batch size or the height.
layer = nn.BatchNorm2d(4)
x = torch.zeros(2, 8, 5, 5)
with suppress(RuntimeError):
    layer(x)  # RuntimeError: should contain 8 elements not 4
nn.BatchNorm2d(x.shape[1])(x)  # shape (2, 8, 5, 5)

# %%
# Error: batch_norm does not support 3rd+ order derivatives
# ---------------------------------------------------------
#
# In training, batch normalization has a first and a second derivative.
# Before 2.14, the third derivative was wrong; now it raises an error. If
# you need the third derivative, write out the formula of the normalization.
def third(normalize):
    x = torch.tensor([[1.0], [2.0], [4.0]], dtype=torch.float64)
    y = normalize(x.requires_grad_())
    for _ in range(3):
        (y,) = torch.autograd.grad(y[0, 0], x, create_graph=True)
    return y[0].item()


def formula(x):
    var, mean = torch.var_mean(x, 0, correction=0)
    return (x - mean) / torch.sqrt(var + 1e-5)


third(formula)  # 0.1823
layer = nn.BatchNorm1d(1, dtype=torch.float64)
with suppress(RuntimeError):
    third(
        layer
    )  # RuntimeError: does not support 3rd+ since 2.14, 0.2454 before
