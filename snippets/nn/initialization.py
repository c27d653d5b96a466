"""
Initialization
==============

Choose the initial values of weights and biases, so that signals and
gradients keep their size through the layers.

.. which::

   - ``nn.init.kaiming_normal_``, ``nn.init.kaiming_uniform_``: before ReLU
   - ``nn.init.xavier_uniform_``, ``nn.init.xavier_normal_``: before tanh
   - ``nn.init.orthogonal_``: recurrent weights, very deep linear stacks
   - ``nn.init.trunc_normal_``: transformers; a small standard deviation
     without outliers
   - ``nn.init.zeros_``, ``nn.init.ones_``: biases, and the scales of
     normalization layers
   - ``nn.init.constant_``: a bias of an output layer, so that the first
     predictions have the frequency of the classes
   - ``nn.init.eye_``, ``nn.init.dirac_``: start as the identity
   - ``nn.init.normal_``, ``nn.init.uniform_``: a given standard deviation
     or range
   - ``nn.init.sparse_``: few non-zero weights for each input
"""
import math
from contextlib import suppress

import matplotlib.pyplot as plt
import torch
from torch import nn

# %%
# Fill a weight: ``nn.init.normal_``, ``uniform_``, ``constant_``
# ---------------------------------------------------------------
#
# The functions of ``nn.init`` fill the tensor in place, without recording
# gradients, and return it. ``nn.init.zeros_`` and ``nn.init.ones_`` take no
# value.
layer = nn.Linear(400, 400)
nn.init.normal_(layer.weight, mean=3.0, std=0.5) is layer.weight  # True
layer.weight.requires_grad, layer.weight.is_leaf  # (True, True)
weight = layer.weight.detach()
(weight.mean() - 3).abs() < 0.01  # tensor(True)
(weight.std() - 0.5).abs() < 0.01  # tensor(True)
nn.init.uniform_(weight, a=2.0, b=4.0).min() >= 2  # tensor(True)
(weight.std() - 2 / 12**0.5).abs() < 0.01  # tensor(True)
nn.init.constant_(torch.empty(2), 0.5)  # tensor([0.5000, 0.5000])
nn.init.zeros_(torch.empty(2))  # tensor([0., 0.])
nn.init.ones_(torch.empty(2))  # tensor([1., 1.])

# %%
# Truncated normal distribution: ``nn.init.trunc_normal_``
# --------------------------------------------------------
#
# The bounds ``a`` and ``b`` are values, not multiples of ``std``. With the
# defaults of -2 and 2, a standard deviation of 0.02 cuts off nothing. Since
# 2.12, normal numbers that fall outside the bounds are drawn again. The
# same seed gives other weights than before, and bfloat16 weights no longer
# have outliers.
weight = torch.empty(400, 400)
nn.init.trunc_normal_(weight, std=0.02)  # shape (400, 400)
weight.abs().max() > 0.06  # tensor(True)
(weight.std() / 0.02 - 1).abs() < 0.02  # tensor(True)
nn.init.trunc_normal_(weight, std=0.02, a=-0.04, b=0.04)  # shape (400, 400)
weight.abs().max() <= 0.0401  # tensor(True)
(weight.std() / 0.02 - 0.8796).abs() < 0.02  # tensor(True)
x = torch.empty(4, device="cpu")
seed = torch.Generator("cpu").manual_seed
nn.init.trunc_normal_(x, a=-9, b=9, generator=seed(0))  # shape (4,)
z = torch.empty(4, device="cpu").normal_(generator=seed(0))
torch.equal(x, z)  # True since 2.12, False before
half = torch.empty(400, 400, dtype=torch.bfloat16)
nn.init.trunc_normal_(half, std=0.02)  # shape (400, 400)
half.abs().max() < 0.2  # tensor(True) since 2.12, tensor(False) before

# %%
# Before tanh: ``nn.init.xavier_uniform_``, ``xavier_normal_``
# ------------------------------------------------------------
#
# For :math:`n_{in}` inputs and :math:`n_{out}` outputs, Xavier (Glorot)
# initialization gives the weights a variance of :math:`2 / (n_{in} +
# n_{out})`, times the square of ``gain``, a factor for the activation. This
# is a compromise between keeping the variance in the forward pass and in
# the backward pass. The bounds of the uniform form are :math:`\sqrt{3}`
# standard deviations.
weight = torch.empty(300, 500)
std = 5 / 3 * math.sqrt(2 / (300 + 500))
nn.init.xavier_normal_(weight, gain=5 / 3)  # shape (300, 500)
(weight.std() / std - 1).abs() < 0.02  # tensor(True)
nn.init.xavier_uniform_(weight, gain=5 / 3)  # shape (300, 500)
(weight.std() / std - 1).abs() < 0.02  # tensor(True)
(weight.abs().max() / (3**0.5 * std) - 1).abs() < 0.01  # tensor(True)

# %%
# Before ReLU: ``nn.init.kaiming_normal_``, ``kaiming_uniform_``
# --------------------------------------------------------------
#
# In Kaiming (He) initialization, the standard deviation is
# :math:`gain / \sqrt{n}`. Here n is the number of inputs, or the number of
# outputs with ``mode="fan_out"``. ``nonlinearity`` sets the gain. The
# default, ``"leaky_relu"`` with slope ``a=0``, has the gain of ReLU.
weight = torch.empty(300, 500)
for mode, n in ("fan_in", 500), ("fan_out", 300):
    for name in "relu", "linear":
        std = nn.init.calculate_gain(name) / math.sqrt(n)
        nn.init.kaiming_normal_(weight, mode=mode, nonlinearity=name)
        (weight.std() / std - 1).abs() < 0.02  # tensor(True)
        nn.init.kaiming_uniform_(weight, mode=mode, nonlinearity=name)
        (weight.std() / std - 1).abs() < 0.02  # tensor(True)
nn.init.kaiming_normal_(weight)  # shape (300, 500)
(weight.std() / math.sqrt(2 / 500) - 1).abs() < 0.02  # tensor(True)

# %%
# Gain of an activation: ``nn.init.calculate_gain``
# -------------------------------------------------
#
# The gain is the factor that makes up for the signal that an activation
# removes. ReLU sets half of the inputs to zero, so it halves the mean
# square, and its gain is the square root of 2. ``calculate_gain`` does not
# know GELU and SiLU, so use the gain of ReLU for them.
[nn.init.calculate_gain(name) for name in ("linear", "sigmoid")]  # [1, 1]
nn.init.calculate_gain("tanh")  # 1.6667
nn.init.calculate_gain("relu")  # 1.4142
nn.init.calculate_gain("leaky_relu", 0.5) ** 2  # 1.6000
2 / (1 + 0.5**2)  # 1.6000
nn.init.calculate_gain("selu")  # 0.75
with suppress(ValueError):
    nn.init.calculate_gain("gelu")  # ValueError: Unsupported nonlinearity

# %%
# Fan-in and fan-out of a layer
# -----------------------------
#
# Fan-in is the number of inputs of a layer, and fan-out is the number of
# its outputs. PyTorch reads both from the shape (out, in) of the weight. A
# matrix for ``x @ weight`` has the opposite order, so pass its transpose.
# For a convolution, both numbers are multiplied by the area of the kernel.
conv = nn.Conv2d(32, 64, kernel_size=5)
conv.weight.shape  # torch.Size([64, 32, 5, 5])
nn.init.kaiming_normal_(conv.weight)  # shape (64, 32, 5, 5)
fan_in = 32 * 5 * 5
(conv.weight.std() / math.sqrt(2 / fan_in) - 1).abs() < 0.03  # tensor(True)
weight = torch.empty(400, 300)
nn.init.kaiming_normal_(weight.T)  # shape (300, 400)
(weight.std() / math.sqrt(2 / 400) - 1).abs() < 0.03  # tensor(True)

# %%
# Standard deviation of the signal in a deep network, by initializer
# ------------------------------------------------------------------
#
# The figure shows the standard deviation of the output of each of twenty
# layers with 256 units, with tanh on the left and ReLU on the right. If the
# weights are too small, the signal dies out. With ReLU, Xavier halves the
# mean square in each layer, and Kaiming keeps it. With tanh, the signal
# lasts with both initializers.
figure, axes = plt.subplots(1, 2, figsize=(9, 3.6), sharey=True)
inits = {
    "normal_(w, std=0.04)": lambda w: nn.init.normal_(w, std=0.04),
    "xavier_normal_(w)": nn.init.xavier_normal_,
    "kaiming_normal_(w)": nn.init.kaiming_normal_,
}
last = {}
for ax, act in zip(axes, [torch.tanh, torch.relu]):
    for (name, init), style in zip(inits.items(), [":", "--", "-"]):
        x, stds = torch.randn(512, 256), []
        for _ in range(20):
            x = act(x @ init(torch.empty(256, 256)).T)
            stds.append(x.std().item())
        ax.semilogy(range(1, 21), stds, style, label=name)
        last[act.__name__, name] = stds[-1]
    ax.set(title=f"torch.{act.__name__}", xticks=[1, 5, 10, 15, 20])
small, xavier, kaiming = (last["relu", name] for name in inits)
small < 1e-5, xavier < 0.01, kaiming > 0.08  # (True, True, True)
axes[0].legend()
figure.tight_layout()

# %%
# Orthogonal weights: ``nn.init.orthogonal_``
# -------------------------------------------
#
# The rows of the weight are perpendicular to each other and have length
# ``gain``. If there are more rows than columns, this holds for the columns
# instead. With the default gain of 1, square weights keep the length of
# their input. Dimensions after the first are flattened.
weight = nn.init.orthogonal_(torch.empty(3, 5))
torch.allclose(weight @ weight.T, torch.eye(3), atol=1e-5)  # True
weight = nn.init.orthogonal_(torch.empty(5, 3), gain=2.0)
torch.allclose(weight.T @ weight, 4 * torch.eye(3), atol=1e-5)  # True
kernel = nn.init.orthogonal_(torch.empty(4, 3, 3, 3)).flatten(1)
torch.allclose(kernel @ kernel.T, torch.eye(4), atol=1e-5)  # True

# %%
# Start as the identity: ``nn.init.eye_``, ``nn.init.dirac_``
# -----------------------------------------------------------
#
# With ``eye_``, a linear layer without a bias returns its input. ``dirac_``
# does the same for a convolution. Each output channel copies the input
# channel of the same number: the middle of this kernel is one, and all
# other weights are zero.
layer = nn.Linear(3, 3, bias=False)
nn.init.eye_(layer.weight).tolist()[1]  # [0.0, 1.0, 0.0]
x = torch.tensor([[4.0, 5.0, 6.0]])
torch.equal(layer(x), x)  # True
nn.init.dirac_(torch.empty(1, 1, 3))  # tensor([[[0., 1., 0.]]])
conv = nn.Conv2d(2, 2, 3, padding=1, bias=False)
nn.init.dirac_(conv.weight)  # shape (2, 2, 3, 3)
image = torch.arange(32.0).reshape(1, 2, 4, 4)
torch.allclose(conv(image), image, atol=1e-3)  # True

# %%
# Mostly zeros: ``nn.init.sparse_``
# ---------------------------------
#
# ``sparsity`` is the share of zeros in each column, and their positions are
# random. The other weights are normal with standard deviation ``std``, 0.01
# by default. The function works for matrices only.
weight = nn.init.sparse_(torch.empty(100, 400), sparsity=0.75, std=2.0)
(weight == 0).sum(dim=0).unique()  # tensor([75])
(weight[weight != 0].std() / 2 - 1).abs() < 0.05  # tensor(True)

# %%
# Initialize all layers of a model: ``nn.Module.apply``
# -----------------------------------------------------
#
# ``apply`` calls a function for each module. Check the type with
# ``isinstance``, so that normalization layers and embeddings keep their own
# initial values. Initialize the model before the first optimizer step and
# before you load pretrained weights.
def init_weights(module):
    if isinstance(module, (nn.Linear, nn.Conv2d)):
        nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        if module.bias is not None:
            nn.init.zeros_(module.bias)


net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Linear(8, 2))
net.apply(init_weights)  # type Sequential
net[0].bias.any(), net[2].bias.any()  # (tensor(False), tensor(False))
net[1].weight.tolist() == [1.0] * 8  # True

# %%
# What a layer starts with: ``reset_parameters``
# ----------------------------------------------
#
# ``nn.Linear`` and convolutions, but not transposed ones, draw weight and
# bias uniformly between :math:`\pm 1 / \sqrt{n_{in}}`. Their variance is
# :math:`1 / (3 n_{in})`, which is one sixth of what Kaiming initialization
# gives before a ReLU. ``reset_parameters`` draws the values again.
layer = nn.Linear(100, 2000)
(layer.weight.abs().max() - 0.1).abs() < 1e-4  # tensor(True)
(layer.bias.abs().max() - 0.1).abs() < 0.01  # tensor(True)
(layer.weight.var() * 100 - 1 / 3).abs() < 0.01  # tensor(True)
before = layer.weight.clone()
layer.reset_parameters()
torch.equal(layer.weight, before)  # False

# %%
# Skip the initialization if you load weights anyway: ``skip_init``
# -----------------------------------------------------------------
#
# ``torch.nn.utils.skip_init`` creates a layer without filling its weights.
# Their values are arbitrary until you load or set them. Pass the class and
# its arguments, which may include ``device``.
layer = nn.utils.skip_init(nn.Linear, 3, 2)
state = {"weight": torch.ones(2, 3), "bias": torch.zeros(2)}
layer.load_state_dict(state)
layer(torch.ones(1, 3)).tolist()  # [[3.0, 3.0]]

# %%
# All weights equal: every hidden unit computes the same
# ------------------------------------------------------
#
# If all weights have the same value, every hidden unit computes the same
# and gets the same gradient. The units then stay copies of each other
# during training. Random weights break this symmetry. The biases may start
# at zero.
net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
for parameter in net.parameters():
    nn.init.constant_(parameter, 0.1)
net(torch.rand(8, 3)).square().sum().backward()
grad = net[0].weight.grad
torch.allclose(grad, grad[0].expand(4, 3))  # True
grad.abs().min() > 0  # tensor(True)

# %%
# Old names without underscore: ``nn.init.normal``
# ------------------------------------------------
#
# The old names still fill the tensor in place, but they warn. The new names
# end in an underscore, which marks in-place functions in PyTorch. The other
# old names are ``uniform``, ``constant``, ``eye``, ``dirac``, ``sparse``,
# ``orthogonal``, ``xavier_normal`` and the like.
weight = torch.empty(200, 300)
nn.init.xavier_uniform(weight)  # FutureWarning: in favor of
nn.init.normal(weight, std=2.0)  # FutureWarning: `nn.init.normal_`
(weight.std() / 2 - 1).abs() < 0.03  # tensor(True)
nn.init.normal_(weight, std=2.0)  # shape (200, 300)

# %%
# Error: Fan in and fan out can not be computed
# ---------------------------------------------
#
# A bias and the weight of most normalization layers have only one
# dimension, so PyTorch cannot tell inputs and outputs apart. Skip these
# parameters by the type of the layer or by ``ndim``.
layer = nn.Linear(3, 2)
with suppress(ValueError):
    nn.init.xavier_normal_(layer.bias)  # ValueError: fewer than 2
for parameter in layer.parameters():
    if parameter.ndim > 1:
        nn.init.xavier_normal_(parameter)
    else:
        nn.init.zeros_(parameter)
layer.bias.tolist()  # [0.0, 0.0]
