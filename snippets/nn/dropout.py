"""
Dropout
=======

Set random activations to zero during training to reduce overfitting. In
evaluation, dropout does nothing.
"""
from contextlib import suppress

import torch
import torch.nn.functional as F
from torch import nn

# %%
# Drop and rescale: ``nn.Dropout``
# --------------------------------
#
# Each element becomes zero with probability ``p``. The others are divided
# by :math:`1 - p`, which keeps the mean, so evaluation needs no correction.
# ``p`` is the share of elements that are dropped, not the share that stays.
layer = nn.Dropout(p=0.2)
x = torch.ones(200_000)
y = layer(x)
y.unique()  # tensor([0.0000, 1.2500])
dropped = (y == 0).double().mean().item()
abs(dropped - 0.2) < 0.01  # True
abs(y.double().mean().item() - 1) < 0.01  # True
mask = layer(x) != 0
torch.equal(mask, y != 0)  # False

# %%
# ``torch.no_grad`` does not turn dropout off: ``eval`` does
# ----------------------------------------------------------
#
# After ``eval()``, dropout returns its input unchanged. ``torch.no_grad()``
# does not have this effect. If your predictions change from call to call,
# check that you have called ``eval()``.
model = nn.Sequential(nn.Dropout(0.5), nn.Flatten())
x = torch.ones(10, 100)
with torch.no_grad():
    torch.equal(model(x), model(x))  # False
model.eval()
torch.equal(model(x), x)  # True
model.train()
(model(x) == 0).any()  # tensor(True)

# %%
# ``F.dropout`` stays on in evaluation: pass ``training``
# -------------------------------------------------------
#
# The function does not know about ``model.eval()``, because its argument
# ``training`` is ``True`` by default. In a module, pass ``self.training``
# or use the layer ``nn.Dropout``. ``torch.dropout`` has no default values.
class Net(nn.Module):
    def forward(self, x):
        wrong = F.dropout(x, 0.5)
        right = F.dropout(x, 0.5, training=self.training)
        return wrong, right


x = torch.ones(1000)
wrong, right = Net().eval()(x)
torch.equal(wrong, x), torch.equal(right, x)  # (False, True)
torch.equal(torch.dropout(x, 0.5, train=False), x)  # True

# %%
# Drop whole channels: ``nn.Dropout2d``
# -------------------------------------
#
# Neighbouring pixels are so similar that dropping single pixels has little
# effect. These layers drop a whole channel of a sample instead.
# ``nn.Dropout1d`` takes (N, C, L), ``nn.Dropout2d`` takes (N, C, H, W) and
# ``nn.Dropout3d`` takes (N, C, D, H, W). The functions are ``F.dropout1d``,
# ``F.dropout2d`` and ``F.dropout3d``.
def is_whole(y):
    return bool(((y == 0).all(-1) | (y == 2).all(-1)).all())


x = torch.ones(50, 40, 6)
is_whole(nn.Dropout1d(0.5)(x))  # True
is_whole(nn.Dropout2d(0.5)(x.reshape(50, 40, 2, 3)).flatten(2))  # True
is_whole(nn.Dropout3d(0.5)(x.reshape(50, 40, 1, 2, 3)).flatten(2))  # True
is_whole(nn.Dropout(0.5)(x))  # False
kept = F.dropout1d(x, 0.5)[:, :, 0] != 0
kept.sum(1).unique().numel() > 1  # True
is_whole(F.dropout2d(x[..., None], 0.5).flatten(2))  # True
is_whole(F.dropout3d(x[..., None, None], 0.5).flatten(2))  # True

# %%
# Dropout for SELU networks: ``nn.AlphaDropout``
# ----------------------------------------------
#
# SELU keeps activations near mean 0 and variance 1, and plain dropout would
# change the variance. ``nn.AlphaDropout`` sets dropped elements to the
# lowest value of SELU and corrects the result with a scale and a shift. In
# networks without SELU, use ``nn.Dropout``.
z = torch.randn(400_000)
y = nn.AlphaDropout(p=0.3)(z).double()
abs(y.mean().item()) < 0.02, abs(y.var().item() - 1) < 0.03  # (True, True)
abs(nn.Dropout(p=0.3)(z).var().item() - 1 / 0.7) < 0.05  # True
lowest = F.selu(torch.tensor(-100.0)).item()
scale = (0.7 + lowest**2 * 0.7 * 0.3) ** -0.5
shift = -scale * lowest * 0.3
expected = torch.tensor([scale * lowest, scale]) + shift
seen = F.alpha_dropout(torch.ones(1000), 0.3, training=True).unique()
torch.allclose(seen, expected, atol=1e-4)  # True

# %%
# Alpha dropout of whole channels: ``nn.FeatureAlphaDropout``
# -----------------------------------------------------------
#
# ``nn.FeatureAlphaDropout`` applies alpha dropout to whole channels, as
# ``nn.Dropout2d`` does for plain dropout. By default, the functions
# ``F.alpha_dropout`` and ``F.feature_alpha_dropout`` return their input;
# pass ``training=True`` to turn them on. ``F.dropout`` is on by default.
x = torch.ones(50, 40, 2, 3)
y = nn.FeatureAlphaDropout(0.5)(x)
y.unique().numel()  # 2
torch.equal(y, y[..., :1, :1].expand_as(y))  # True
torch.equal(F.feature_alpha_dropout(x, 0.5), x)  # True
torch.equal(F.alpha_dropout(x, 0.5), x)  # True
z = F.feature_alpha_dropout(x, 0.5, training=True)
torch.equal(z, x)  # False
torch.equal(F.dropout(x, 0.5), x)  # False

# %%
# Drop weights: DropConnect with ``F.dropout``
# --------------------------------------------
#
# PyTorch has no layer for DropConnect, so apply ``F.dropout`` to the
# weight. All samples of the batch then lose the same connections. In
# evaluation, the layer uses the whole weight.
class DropConnect(nn.Linear):
    def forward(self, x):
        weight = F.dropout(self.weight, 0.5, training=self.training)
        return F.linear(x, weight, self.bias)


layer = DropConnect(64, 64, bias=False)
x = torch.eye(64)
dropped = layer(x).T
share = (dropped == 0).double().mean().item()
0.4 < share < 0.6  # True
kept = dropped != 0
torch.allclose(dropped[kept], 2 * layer.weight[kept])  # True
torch.allclose(layer.eval()(x).T, layer.weight)  # True

# %%
# Drop the branch of a residual block: stochastic depth
# -----------------------------------------------------
#
# A residual block adds the output of a branch to its input. Stochastic
# depth drops the whole branch for some samples. Here dropout acts on a
# single 1 for each sample, and broadcasting multiplies the sample by the
# result. ``torchvision.ops.stochastic_depth`` does this in its mode
# ``"row"``.
def drop_path(x, p, training):
    ones = x.new_ones(x.shape[0], *[1] * (x.ndim - 1))
    return x * F.dropout(ones, p, training=training)


x = torch.ones(1000, 8, 4)
y = drop_path(x, 0.25, training=True)
samples = y.flatten(1)
torch.equal(samples.amax(1), samples.amin(1))  # True
samples.amax(1).unique()  # tensor([0.0000, 1.3333])
torch.equal(drop_path(x, 0.25, training=False), x)  # True

# %%
# Uncertainty from dropout: Monte Carlo dropout
# ---------------------------------------------
#
# Put the model in ``eval()``, switch only the dropout layers to ``train()``
# and predict many times. The mean is the prediction, and the standard
# deviation measures the uncertainty. Do not put the whole model in
# ``train()``, because batch normalization would then use and store the
# statistics of the test data.
model = nn.Sequential(nn.BatchNorm1d(4), nn.Dropout(0.5), nn.Linear(4, 1))
model.eval()
for module in model.modules():
    if isinstance(module, nn.Dropout):
        module.train()
with torch.no_grad():
    x = torch.ones(2, 4)
    draws = torch.stack([model(x) for _ in range(200)])
draws.mean(0)  # shape (2, 1)
(draws.std(0) > 0).all()  # tensor(True)
model[0].num_batches_tracked  # tensor(0)

# %%
# Save memory: ``nn.Dropout(inplace=True)``
# -----------------------------------------
#
# ``inplace=True`` overwrites the input. If a residual connection uses the
# same tensor, it gets the changed values. ``backward`` raises an error if
# the operation before needs its output for the gradient, such as ``exp``.
x = torch.ones(100)
y = nn.Dropout(0.5, inplace=True)(x)
y is x, (x == 0).any().item()  # (True, True)
x = torch.ones(100, requires_grad=True)
h = x.exp()
F.dropout(h, 0.5, inplace=True)  # shape (100,)
with suppress(RuntimeError):
    h.sum().backward()  # RuntimeError: modified by an inplace operation
F.dropout(x.exp(), 0.5).sum().backward()

# %%
# Warning: received a 3D input to dropout2d (``nn.Dropout2d``)
# ------------------------------------------------------------
#
# ``nn.Dropout2d`` takes a 3-D input for (N, C, L), not for one image (C, H,
# W), and works like ``nn.Dropout1d``. For sequences, use ``nn.Dropout1d``.
# If their shape is (N, L, C), transpose them first; otherwise whole time
# steps are dropped.
x = torch.ones(8, 20, 16)
nn.Dropout2d(0.5)(x)  # UserWarning: Received a 3D input
y = nn.Dropout1d(0.5)(x.mT).mT
torch.equal(y, y[:, :1].expand_as(y))  # True
steps = nn.Dropout1d(0.5)(x)
torch.equal(steps, steps[:, :, :1].expand_as(steps))  # True

# %%
# Error: dropout probability has to be between 0 and 1
# ----------------------------------------------------
#
# ``p`` is a share between 0 and 1, not a percentage. With 0 nothing is
# dropped. With 1 the result is all zeros, without a division by zero.
with suppress(ValueError):
    nn.Dropout(50)  # ValueError: has to be between 0 and 1, but got 50
x = torch.tensor([1.0, 2.0])
F.dropout(x, 0.0)  # tensor([1., 2.])
F.dropout(x, 1.0)  # tensor([0., 0.])
