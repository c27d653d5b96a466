"""
Train and eval mode
===================

Learn what ``train()`` and ``eval()`` change in a module, and what they
leave unchanged.
"""
import torch
from torch import nn

# %%
# Switch between training and evaluation: ``nn.Module.eval``
# ----------------------------------------------------------
#
# ``eval()`` is the same as ``train(False)``. It sets the flag ``training``
# of the module and of its submodules to False and returns the module.
# Layers such as dropout read this flag.
net = nn.Sequential(nn.Linear(2, 2), nn.Sequential(nn.Dropout(0.5)))
net.training, net[1][0].training  # (True, True)
net.eval() is net  # True
any(module.training for module in net.modules())  # False
net.train(True)
net[1][0].training  # True

# %%
# Dropout in training and evaluation: ``nn.Dropout``
# --------------------------------------------------
#
# In training mode, dropout sets each element to zero with probability ``p``
# and divides the others by ``1 - p``, so the mean stays about the same.
# After ``eval()`` it returns its input unchanged.
dropout = nn.Dropout(p=0.75)
y = dropout(torch.ones(100_000))
y.unique()  # tensor([0., 4.])
(y.mean() - 1).abs() < 0.05  # tensor(True)
dropout.eval()
dropout(torch.tensor([1.0, 2.0]))  # tensor([1., 2.])

# %%
# Batch norm in training and evaluation: ``nn.BatchNorm1d``
# ---------------------------------------------------------
#
# In training mode, batch normalization uses the mean and variance of the
# batch. It also keeps a running mean and a running variance, and moves both
# towards those of the batch by the fraction ``momentum``. After ``eval()``
# it uses the running mean and variance and does not update them. The result
# for one sample then no longer depends on the other samples.
norm = nn.BatchNorm1d(1, momentum=0.5, affine=False)
x = torch.tensor([[2.0], [6.0]])
norm(x)  # tensor([[-1.0000], [1.0000]])
norm.running_mean  # tensor([2.])
norm.running_var  # tensor([4.5000])
norm.eval()
norm(x) * 4.5**0.5  # tensor([[0.0000], [4.0000]])
norm.running_mean  # tensor([2.])

# %%
# Different results for the same input: ``eval()`` forgotten
# ----------------------------------------------------------
#
# In training mode, dropout gives a different result in each call, and batch
# normalization updates its statistics with each batch. Call ``eval()``
# before you predict, and ``train()`` before you continue training.
net = nn.Sequential(nn.Linear(8, 1000), nn.Dropout(0.5))
x = torch.ones(1, 8)
torch.equal(net(x), net(x))  # False
net.eval()
torch.allclose(net(x), net(x))  # True
norm = nn.BatchNorm1d(1)
before = norm.running_mean.clone()
norm(torch.tensor([[5.0], [7.0]]))  # shape (2, 1)
torch.equal(norm.running_mean, before)  # False

# %%
# ``eval()`` does not stop gradients: ``torch.no_grad``
# -----------------------------------------------------
#
# ``eval`` and ``torch.no_grad`` are independent. ``eval`` changes what the
# layers compute, and ``torch.no_grad`` turns off the recording of the
# graph. Use both for validation. To fine-tune a model with frozen batch
# normalization, use ``eval`` alone.
#
# .. glance:: net(x).requires_grad
net = nn.Sequential(nn.Linear(2, 1), nn.Dropout(0.5)).eval()
x = torch.ones(1, 2)
net(x).requires_grad  # True
net.train()
with torch.no_grad():
    net(x).requires_grad, net[1].training  # (False, True)
with torch.inference_mode():
    net.eval()(x).requires_grad  # False

# %%
# ``eval()`` does not freeze: ``requires_grad_``
# ----------------------------------------------
#
# The flags ``training`` and ``requires_grad`` do not affect each other.
# Batch normalization with frozen parameters still updates its running mean
# in training mode, because the running mean is a buffer and not a
# parameter.
norm = nn.BatchNorm1d(1).eval()
norm.weight.requires_grad  # True
norm.train().requires_grad_(False)
norm.training  # True
norm(torch.tensor([[5.0], [7.0]]))  # tensor([[-1.0000], [1.0000]])
norm.running_mean  # tensor([0.6000])

# %%
# Freeze batch norm while training: override ``nn.Module.train``
# --------------------------------------------------------------
#
# Most training loops call ``net.train()`` at the start of each epoch, which
# undoes an earlier ``eval()`` of the batch normalization layers. Override
# ``train`` so that it sets these layers to eval mode each time.
class FrozenNorms(nn.Sequential):
    def train(self, mode=True):
        super().train(mode)
        for module in self.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                module.eval()
        return self


layers = nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Dropout(0.5)
net = FrozenNorms(*layers)
[layer.training for layer in net.train()]  # [True, False, True]

# %%
# A layer of your own that reads ``self.training``
# ------------------------------------------------
#
# Functions such as ``F.dropout`` do not know the mode of your layer, so
# pass ``training=self.training``. By default ``F.dropout`` is active, also
# in eval mode.
class Noisy(nn.Module):
    def forward(self, x):
        if not self.training:
            return x
        return x + torch.randn_like(x)


class Forgetful(nn.Module):
    def forward(self, x):
        return nn.functional.dropout(x, p=0.5)


x = torch.ones(1000)
torch.equal(Noisy().train()(x), x)  # False
torch.equal(Noisy().eval()(x), x)  # True
torch.equal(Forgetful().eval()(x), x)  # False
nn.functional.dropout(x, 0.5, training=False).equal(x)  # True

# %%
# A submodule that ``eval()`` does not reach
# ------------------------------------------
#
# ``train`` and ``eval`` affect registered submodules. A layer in a plain
# Python list is not registered and keeps its mode, even though
# ``net.training`` is False. Use ``nn.ModuleList`` instead.
net = nn.Module()
net.hidden = [nn.Dropout(0.5)]
net.seen = nn.ModuleList([nn.Dropout(0.5)])
net.eval()
net.hidden[0].training  # True
net.seen[0].training  # False

# %%
# ``nan`` after ``eval()`` only: one bad batch in ``running_mean``
# ----------------------------------------------------------------
#
# In training mode, batch normalization uses the values of the batch. One
# infinite value, often from ``float16``, stays in the running values for
# ever, and ``eval()`` uses them. Look for it in the buffers and remove its
# cause. Then call ``reset_running_stats`` and run batches in training mode,
# which computes the running values again.
layer = nn.BatchNorm1d(2)
good, bad = torch.rand(8, 2), torch.tensor([[1.0, 70000.0], [2.0, 1.0]])
layer(bad.half().float())  # shape (2, 2)
layer(good).isfinite().all()  # tensor(True)
layer.eval()
layer(good).isnan().any(dim=0)  # tensor([False, True])
buffers = layer.named_buffers()
broken = [name for name, b in buffers if not b.isfinite().all()]
broken  # ['running_mean', 'running_var']
layer.reset_running_stats()
layer.train()
layer(good)  # shape (8, 2)
layer.eval()
layer(good).isfinite().all()  # tensor(True)
