"""
Softmax and gating
==================

Turn logits into probabilities with softmax, and multiply one half of the
features by a gate, a number between 0 and 1, that the other half computes.
"""
from contextlib import suppress

import torch
import torch.nn.functional as F
from torch import nn

# %%
# Logits to probabilities: ``nn.Softmax``, ``F.softmax``
# ------------------------------------------------------
#
# Softmax computes :math:`e^{x_i} / \sum_j e^{x_j}` along ``dim``, so the
# results along ``dim`` add up to 1. ``torch.softmax`` and the tensor method
# give the same. Do not apply softmax before ``nn.CrossEntropyLoss``,
# because this loss expects logits.
logits = torch.tensor([[0.0, 2.0, 1.0], [5.0, 5.0, 5.0]])
p = F.softmax(logits, dim=1)
p[0]  # tensor([0.0900, 0.6652, 0.2447])
p[1]  # tensor([0.3333, 0.3333, 0.3333])
p.sum(dim=1)  # tensor([1.0000, 1.0000])
by_hand = logits.exp() / logits.exp().sum(dim=1, keepdim=True)
torch.allclose(p, by_hand)  # True
torch.allclose(nn.Softmax(dim=1)(logits), torch.softmax(logits, 1))  # True
logits.softmax(dim=1).argmax(dim=1)[0]  # tensor(1)

# %%
# Log probabilities without underflow: ``F.log_softmax``
# ------------------------------------------------------
#
# A very small probability is rounded to 0, and its logarithm is minus
# infinity. Log softmax works with differences of logits instead and stays
# accurate. ``nn.LogSoftmax``, ``torch.log_softmax`` and the tensor method
# compute the same.
logits = torch.tensor([0.0, 200.0], requires_grad=True)
logits.softmax(0).log().tolist()  # [-inf, 0.0]
logits.log_softmax(0).tolist()  # [-200.0, 0.0]
F.log_softmax(logits, dim=0)[0].backward()
logits.grad.tolist()  # [1.0, -1.0]
x = torch.randn(4, 3)
by_hand = x - x.logsumexp(dim=1, keepdim=True)
torch.allclose(nn.LogSoftmax(dim=1)(x), by_hand, atol=1e-6)  # True
torch.allclose(torch.log_softmax(x, 1), by_hand, atol=1e-6)  # True

# %%
# Why softmax does not overflow: subtract the maximum
# ---------------------------------------------------
#
# Softmax does not change if you add a constant to all logits. It therefore
# subtracts the maximum before it takes exponentials. If you write the
# formula without this step, a logit above about 88.7 gives nan in float32.
#
# .. glance:: moved / moved.sum()
logits = torch.tensor([1000.0, 1001.0])
logits.exp() / logits.exp().sum()  # tensor([nan, nan])
logits.softmax(dim=0)  # tensor([0.2689, 0.7311])
moved = (logits - logits.max()).exp()
moved / moved.sum()  # tensor([0.2689, 0.7311])
torch.tensor([0.0, 1.0]).softmax(dim=0)  # tensor([0.2689, 0.7311])

# %%
# Sharper or flatter probabilities: softmax with a temperature
# ------------------------------------------------------------
#
# Divide the logits by a temperature T. A value below 1 makes the largest
# probability larger, and a value above 1 brings the probabilities closer
# together. As T goes to 0, the largest logit gets all of the probability;
# as T goes to infinity, all classes get the same probability. The order of
# the classes stays the same.
logits = torch.tensor([1.0, 2.0, 3.0])
(logits / 0.1).softmax(0)  # tensor([0.0000, 0.0000, 1.0000])
(logits / 1.0).softmax(0)  # tensor([0.0900, 0.2447, 0.6652])
(logits / 10.0).softmax(0)  # tensor([0.3006, 0.3322, 0.3672])

# %%
# Probabilities per pixel: ``nn.Softmax2d``, and which ``dim``
# ------------------------------------------------------------
#
# ``nn.Softmax2d`` applies softmax over the channels of an input of shape
# (N, C, H, W), as ``dim=1`` does. Each pixel gets a distribution over the
# classes. With ``dim=-1`` the softmax runs over the columns of the image,
# and no error is raised.
logits = torch.randn(2, 5, 4, 4)
p = nn.Softmax2d()(logits)
torch.allclose(p, logits.softmax(dim=1))  # True
torch.allclose(p.sum(dim=1), torch.ones(2, 4, 4))  # True
wrong = logits.softmax(dim=-1)
torch.allclose(wrong.sum(dim=-1), torch.ones(2, 5, 4))  # True
torch.allclose(wrong, p)  # False

# %%
# Give the smallest value the largest weight: ``nn.Softmin``, ``F.softmin``
# -------------------------------------------------------------------------
#
# ``nn.Softmin`` and ``F.softmin`` are softmax of the negated input. Use
# them for distances and costs, where small values are good.
distances = torch.tensor([1.0, 2.0, 4.0])
F.softmin(distances, dim=0)  # tensor([0.7054, 0.2595, 0.0351])
by_hand = (-distances).softmax(dim=0)
torch.allclose(nn.Softmin(dim=0)(distances), by_hand)  # True

# %%
# Draw a class with a gradient: ``F.gumbel_softmax``
# --------------------------------------------------
#
# ``F.gumbel_softmax`` adds Gumbel noise to the logits and takes the softmax
# with temperature ``tau``. With ``hard=True`` the result is one-hot, but
# ``backward`` computes the gradient as if it were still the softmax. Each
# class is drawn with its softmax probability. A draw with
# ``torch.multinomial`` has no gradient.
logits = torch.tensor([0.0, 1.0, 2.0], requires_grad=True)
draws = F.gumbel_softmax(logits.expand(50_000, 3), tau=0.5, hard=True)
draws.detach()[0].round().sort().values  # tensor([0., 0., 1.])
torch.allclose(draws.mean(dim=0), logits.softmax(0), atol=0.02)  # True
flat = F.gumbel_softmax(logits, tau=1000)
torch.allclose(flat, torch.full((3,), 1 / 3), atol=0.02)  # True
(draws[:, 2].mean()).backward()
(logits.grad != 0).tolist()  # [True, True, True]

# %%
# Gate one half with the other: ``nn.GLU``, ``F.glu``
# ---------------------------------------------------
#
# A GLU (gated linear unit) splits the last dimension into two halves a and
# b. With the sigmoid σ it returns :math:`a \, \sigma(b)`. The output has
# half as many features, so the layer before must produce twice as many as
# you want. An odd size raises an error.
x = torch.tensor([3.0, 4.0, 0.0, -100.0])
nn.GLU()(x)  # tensor([1.5000, 0.0000])
a, b = torch.randn(2, 6).chunk(2, dim=-1)
torch.allclose(F.glu(torch.cat([a, b], dim=-1)), a * b.sigmoid())  # True
nn.Sequential(nn.Linear(5, 16), nn.GLU())(torch.rand(2, 5))  # shape (2, 8)
with suppress(RuntimeError):
    F.glu(torch.rand(2, 5))  # RuntimeError: Halving dimension must be even

# %%
# SwiGLU, the feed-forward block of language models, by hand
# ----------------------------------------------------------
#
# SwiGLU is a GLU with ``F.silu`` in place of the sigmoid, and PyTorch has
# no layer for it. It has three matrices, where a plain feed-forward block
# has two. With a hidden size of 8/3 times the width instead of 4 times, the
# number of parameters is the same.
class SwiGLU(nn.Module):
    def __init__(self, width, hidden):
        super().__init__()
        self.gate = nn.Linear(width, hidden, bias=False)
        self.up = nn.Linear(width, hidden, bias=False)
        self.down = nn.Linear(hidden, width, bias=False)

    def forward(self, x):
        return self.down(F.silu(self.gate(x)) * self.up(x))


block = SwiGLU(12, 32)
block(torch.rand(2, 7, 12))  # shape (2, 7, 12)
sum(p.numel() for p in block.parameters())  # 1152
2 * 12 * (4 * 12)  # 1152
hasattr(nn, "SwiGLU")  # False

# %%
# Softmax over very many classes: ``nn.AdaptiveLogSoftmaxWithLoss``
# -----------------------------------------------------------------
#
# This layer is for large vocabularies that are sorted by frequency.
# ``cutoffs`` cuts the classes into groups. The most frequent group uses all
# features, and each further group uses ``div_value`` times fewer. The layer
# contains the output layer of the network and returns the log probability
# of each target and the mean loss.
layer = nn.AdaptiveLogSoftmaxWithLoss(64, 1000, cutoffs=[50, 200])
x = torch.randn(8, 64)
targets = torch.tensor([0, 3, 49, 50, 199, 200, 500, 999])
output, loss = layer(x, targets)
log_p = layer.log_prob(x)  # shape (8, 1000)
torch.allclose(log_p.exp().sum(dim=1), torch.ones(8))  # True
torch.allclose(output, log_p[torch.arange(8), targets])  # True
torch.allclose(loss, F.nll_loss(log_p, targets))  # True
torch.equal(layer.predict(x), log_p.argmax(dim=1))  # True
sum(p.numel() for p in layer.parameters())  # 10208
64 * 1000  # 64000

# %%
# One sample has no ``dim=1``: ``F.log_softmax``
# ----------------------------------------------
#
# Code for a batch often uses ``dim=1``, but a single sample has no
# dimension 1. ``dim=-1`` selects the classes in both cases. An integer
# tensor raises an error, so call ``.float()`` or pass ``dtype``.
logits = torch.tensor([1.0, 2.0, 3.0])
with suppress(IndexError):
    F.log_softmax(logits, dim=1)  # IndexError: Dimension out of range
F.log_softmax(logits, dim=-1)  # tensor([-2.4076, -1.4076, -0.4076])
F.log_softmax(logits.expand(2, 3), dim=-1).shape  # torch.Size([2, 3])
scores = torch.tensor([1, 2])
with suppress(NotImplementedError):
    scores.softmax(dim=0)  # NotImplementedError: not implemented for 'Long'
scores.softmax(dim=0, dtype=torch.float32)  # tensor([0.2689, 0.7311])

# %%
# Warning: implicit dimension choice for softmax (``nn.Softmax``)
# ---------------------------------------------------------------
#
# If you do not pass ``dim``, PyTorch chooses dimension 1 for 2-D and 4-D
# inputs, but dimension 0 for 1-D and 3-D inputs. A batch of sequences is
# then normalized over the batch. Always pass ``dim``.
x = torch.randn(2, 4, 3)
p = nn.Softmax()(x)  # UserWarning: Implicit dimension choice for softmax
with suppress(TypeError):
    nn.Softmax(
        dim="1"
    )  # TypeError: dim must be an int since 2.14, type Softmax before
torch.allclose(p, x.softmax(dim=0))  # True
p = F.softmin(x[0])  # UserWarning: Implicit dimension choice for softmin
torch.allclose(p, F.softmin(x[0], dim=1))  # True
