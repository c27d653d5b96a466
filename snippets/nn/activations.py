"""
Activations
===========

Apply a non-linear function to the output of a layer: ReLU and its variants,
smooth functions, saturating functions (which level off), and shrinking
functions.

.. which::

   - ``nn.ReLU``, ``F.relu``: the default between linear and convolutional
     layers
   - ``nn.LeakyReLU``, ``F.leaky_relu``: a small fixed slope below zero, so
     that units do not die
   - ``nn.PReLU``, ``F.prelu``: a slope below zero that is learned
   - ``nn.RReLU``, ``F.rrelu``: a random slope below zero in training, as
     regularization
   - ``nn.ReLU6``, ``F.relu6``: outputs of at most 6, for low precision
   - ``nn.ELU``, ``nn.CELU``: negative outputs that level off, so that the
     mean is nearer to 0
   - ``nn.SELU``, ``F.selu``: deep plain networks without normalization
     layers
   - ``nn.GELU``, ``F.gelu``: transformers
   - ``nn.SiLU``, ``nn.Mish``: deep convolutional networks, gated
     feed-forward layers
   - ``nn.Hardswish``, ``nn.Hardsigmoid``: mobile devices, where
     exponentials are expensive
   - ``nn.Sigmoid``, ``F.sigmoid``: gates, and probabilities at prediction
     time
   - ``nn.Tanh``, ``nn.Softsign``: states and outputs between -1 and 1
   - ``nn.Hardtanh``, ``F.hardtanh``: hard limits of your choice
   - ``nn.Softplus``, ``F.softplus``: outputs that must be positive, such as
     a standard deviation
   - ``nn.LogSigmoid``, ``F.logsigmoid``: log probabilities in a loss
   - ``nn.Softshrink``, ``nn.Hardshrink``: sparse codes; small values become
     0
   - ``nn.Tanhshrink``, ``nn.Threshold``: rarely needed; x - tanh(x), and a
     cut at a threshold
"""
from contextlib import suppress

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from torch import nn

# %%
# All activation functions in one figure, with derivatives
# --------------------------------------------------------
#
# Each panel shows an elementwise function (solid) and its derivative
# (dashed). ReLU and its variants come first, followed by smooth, saturating
# and shrinking functions. The slope of most functions is at most 1. The
# list ``steep`` names the functions whose slope is above 1 somewhere.
layers = [nn.ReLU(), nn.ReLU6(), nn.LeakyReLU(0.1), nn.PReLU()]
layers += [nn.RReLU(0.1, 0.5), nn.ELU(), nn.CELU(2.0), nn.SELU(), nn.GELU()]
layers += [nn.GELU("tanh"), nn.SiLU(), nn.Mish(), nn.Hardswish()]
layers += [nn.Softplus(), nn.LogSigmoid(), nn.Sigmoid(), nn.Hardsigmoid()]
layers += [nn.Tanh(), nn.Hardtanh(), nn.Softsign(), nn.Tanhshrink()]
layers += [nn.Softshrink(), nn.Hardshrink(), nn.Threshold(1.0, -1.0)]
x = (torch.arange(-160, 161) / 20).requires_grad_()
steep = []
figure, axes = plt.subplots(6, 4, figsize=(9, 10.5), sharex=True)
for layer, ax in zip(layers, axes.flat):
    y = layer.eval()(x)
    (slope,) = torch.autograd.grad(y.sum(), x)
    ax.plot(x.detach().cpu(), y.detach().cpu())
    ax.plot(x.detach().cpu(), slope.cpu(), "--")
    name = type(layer).__name__ + " tanh" * ("'tanh'" in str(layer))
    ax.set_title(name, fontsize=10)
    if slope.max() > 1.001:
        steep.append(name)
figure.tight_layout()
steep  # ['SELU', 'GELU', 'GELU tanh', 'SiLU', 'Mish', 'Hardswish']

# %%
# Zero below zero: ``nn.ReLU``, ``F.relu``, ``torch.relu``
# --------------------------------------------------------
#
# ReLU computes :math:`\max(0, x)`. Its derivative is 1 for positive inputs
# and 0 for all others, including 0 itself. The layer, the function and
# ``torch.Tensor.relu`` give the same result. ``nn.ReLU(inplace=True)``,
# ``F.relu_`` and ``Tensor.relu_`` overwrite their input.
x = torch.tensor([-2.0, 0.0, 3.0], requires_grad=True)
F.relu(x).sum().backward()
x.grad  # tensor([0., 0., 1.])
z = torch.tensor([-2.0, 0.0, 3.0])
z.relu()  # tensor([0., 0., 3.])
torch.equal(torch.relu(z), nn.ReLU()(z))  # True
torch.equal(torch.relu(z), z.clamp(min=0))  # True
nn.ReLU(inplace=True)(z) is z  # True
z  # tensor([0., 0., 3.])
torch.tensor([-1.0, 2.0]).relu_()  # tensor([0., 2.])

# %%
# A slope below zero: ``nn.LeakyReLU``, ``nn.PReLU``, ``nn.RReLU``
# ----------------------------------------------------------------
#
# ``nn.LeakyReLU`` has a fixed slope, 0.01 by default. ``nn.PReLU`` learns
# one slope, or one per channel, starting from 0.25. In training
# ``nn.RReLU`` draws a slope for each element, and in evaluation it uses the
# middle of its range. ``F.rrelu`` does not know the mode and uses the
# middle by default; pass ``training=True`` for random slopes.
x = torch.tensor([-10.0, 10.0])
nn.LeakyReLU(0.2)(x)  # tensor([-2., 10.])
nn.PReLU()(x).detach()  # tensor([-2.5000, 10.0000])
nn.PReLU(num_parameters=64).weight.shape  # torch.Size([64])
F.prelu(x, torch.tensor([0.5]))  # tensor([-5., 10.])
x.prelu(torch.tensor([0.5]))  # tensor([-5., 10.])
drawn = F.rrelu(torch.full((9999,), -1.0), 0.1, 0.3, training=True)
((drawn >= -0.3) & (drawn <= -0.1)).all()  # tensor(True)
abs(drawn.mean().item() + 0.2) < 0.01  # True
abs(drawn.std().item() - 0.2 / 12**0.5) < 0.003  # True
nn.RReLU(0.1, 0.3).eval()(x)  # tensor([-2., 10.])
F.rrelu_(x, 0.1, 0.5)  # tensor([-3., 10.])
F.leaky_relu_(x, 0.5)  # tensor([-1.5000, 10.0000])

# %%
# Dead ReLU: a unit whose gradient is always zero
# -----------------------------------------------
#
# If the input of a ReLU is negative for all of the data, its gradient is
# zero, and the weights of the layer before it no longer change for this
# unit. One large step of the bias can cause this. A leaky ReLU keeps a
# gradient. To find dead units, look for outputs that stay 0 over many
# batches.
x = torch.randn(1000, 4)
layer = nn.Linear(4, 3)
with torch.no_grad():
    layer.weight.uniform_(-0.5, 0.5)
    layer.bias.copy_(torch.tensor([-50.0, 0.0, 50.0]))
F.relu(layer(x)).sum().backward()
layer.weight.grad[0]  # tensor([0., 0., 0., 0.])
layer.bias.grad[[0, 2]]  # tensor([0., 1000.])
(F.relu(layer(x)) == 0).all(dim=0)  # tensor([True, False, False])
layer.zero_grad()
F.leaky_relu(layer(x), 0.5).sum().backward()
layer.bias.grad[[0, 2]]  # tensor([500., 1000.])

# %%
# Clip to a range: ``nn.ReLU6``, ``nn.Hardtanh``
# ----------------------------------------------
#
# ``nn.ReLU6`` clips at 0 and 6. ``nn.Hardtanh`` clips at -1 and 1 by
# default, or at ``min_val`` and ``max_val``. Both give the same values as
# ``torch.clamp``, and their gradient is 0 outside the range and at its
# limits. The functions are ``F.relu6`` and ``F.hardtanh``; ``F.hardtanh_``
# works in place.
x = torch.tensor([-3.0, 0.5, 4.0, 9.0])
nn.ReLU6()(x)  # tensor([0.0000, 0.5000, 4.0000, 6.0000])
torch.equal(F.relu6(x), x.clamp(0, 6))  # True
nn.Hardtanh()(x)  # tensor([-1.0000, 0.5000, 1.0000, 1.0000])
F.hardtanh(x)  # tensor([-1.0000, 0.5000, 1.0000, 1.0000])
F.hardtanh_(x, min_val=-2, max_val=5)
x  # tensor([-2.0000, 0.5000, 4.0000, 5.0000])
x = torch.tensor([0.0, 3.0, 6.0, 7.0], requires_grad=True)
F.relu6(x).sum().backward()
x.grad  # tensor([0., 1., 0., 0.])

# %%
# Exponential below zero: ``nn.ELU``, ``nn.CELU``, ``nn.SELU``
# ------------------------------------------------------------
#
# Below zero, ELU is :math:`\alpha (e^x - 1)`, which has a kink at 0 unless
# :math:`\alpha = 1`. CELU is :math:`\alpha (e^{x/\alpha} - 1)` below zero
# and has no kink. SELU is an ELU with a fixed :math:`\alpha`, multiplied by
# a fixed factor below and above 0. ``F.elu_``, ``F.celu_`` and ``F.selu_``
# work in place.
x = torch.tensor([-2.0, -1.0, 3.0])
negative, positive = x.clamp(max=0), x.clamp(min=0)
elu = positive + 2 * (negative.exp() - 1)
celu = positive + 2 * ((negative / 2).exp() - 1)
selu = 1.0507009873554805 * F.elu(x, alpha=1.6732632423543772)
torch.allclose(nn.ELU(alpha=2.0)(x), elu)  # True
torch.allclose(F.elu_(x.clone(), alpha=2.0), elu)  # True
torch.allclose(nn.CELU(alpha=2.0)(x), celu)  # True
torch.allclose(nn.SELU()(x), selu)  # True
zero = torch.tensor(-1e-6, requires_grad=True)
torch.autograd.grad(F.elu(zero, 2.0), zero)[0]  # tensor(2.0000)
torch.autograd.grad(F.celu(zero, 2.0), zero)[0]  # tensor(1.0000)
torch.autograd.grad(F.selu(zero), zero)[0]  # tensor(1.7581)

# %%
# Deep networks that normalize themselves: ``nn.SELU``
# ----------------------------------------------------
#
# If the weights have variance 1/fan_in, where fan_in is the number of
# inputs, SELU pulls the mean and the standard deviation back towards 0 and
# 1 in every layer. In the example of 20 layers, the values shrink towards 0
# with ELU or ReLU. Initialize the weights with ``nn.init.kaiming_normal_``
# and ``nonlinearity="linear"``, and use ``nn.AlphaDropout`` instead of
# dropout.
def deviation(activation, depth=20):
    x = torch.randn(300, 300)
    for _ in range(depth):
        weight = torch.empty(300, 300)
        nn.init.kaiming_normal_(weight, nonlinearity="linear")
        x = activation(F.linear(x, weight))
    return x.std().item()


0.8 < deviation(F.selu) < 1.2  # True
deviation(F.elu) < 0.5  # True
deviation(F.relu) < 0.01  # True

# %%
# The activation of transformers: ``nn.GELU``, ``F.gelu``
# -------------------------------------------------------
#
# GELU is :math:`x \, \Phi(x)`, where :math:`\Phi` is the distribution
# function of the standard normal distribution. GPT-2 and Google's later
# BERT code used the approximation ``approximate="tanh"``. The two forms
# differ a little, so use the one with which the weights were trained.
x = torch.linspace(-4, 4, 201)
normal = torch.distributions.Normal(0.0, 1.0)
torch.allclose(nn.GELU()(x), x * normal.cdf(x), atol=1e-6)  # True
inner = (2 / torch.pi) ** 0.5 * (x + 0.044715 * x**3)
by_tanh = x / 2 * (1 + inner.tanh())
approximate = F.gelu(x, approximate="tanh")
torch.allclose(approximate, by_tanh, atol=1e-6)  # True
1e-4 < (F.gelu(x) - approximate).abs().max().item() < 1e-3  # True

# %%
# Smooth, with a dip below zero: ``nn.SiLU``, ``nn.Mish``
# -------------------------------------------------------
#
# SiLU, also called swish, is :math:`x \, \sigma(x)`, and Mish is
# :math:`x \tanh(\mathrm{softplus}(x))`. Both dip below zero, to about -0.28
# and -0.31. The slope at 0 is 0.5 for SiLU and 0.6 for Mish. With
# ``inplace=True`` they overwrite the input.
x = torch.linspace(-6, 6, 2001)
torch.allclose(nn.SiLU()(x), x * x.sigmoid(), atol=1e-6)  # True
torch.allclose(nn.Mish()(x), x * F.softplus(x).tanh(), atol=1e-6)  # True
F.silu(x).min()  # tensor(-0.2785)
F.mish(x).min()  # tensor(-0.3088)
zero = torch.zeros((), requires_grad=True)
torch.autograd.grad(F.silu(zero), zero)[0]  # tensor(0.5000)
torch.autograd.grad(F.mish(zero), zero)[0]  # tensor(0.6000)

# %%
# Cheap on phones: ``nn.Hardswish``, ``nn.Hardsigmoid``
# -----------------------------------------------------
#
# These two functions need no exponentials and are used in MobileNetV3.
# Hardsigmoid is ``relu6(x + 3) / 6``, and Hardswish is x times Hardsigmoid.
# Below -3 both are exactly 0. Above 3, Hardsigmoid is exactly 1 and
# Hardswish is x.
x = torch.tensor([-3.0, 0.0, 1.5, 3.0, 8.0])
nn.Hardsigmoid()(x)  # tensor([0.0000, 0.5000, 0.7500, 1.0000, 1.0000])
nn.Hardswish()(x)  # tensor([0.0000, 0.0000, 1.1250, 3.0000, 8.0000])
torch.allclose(F.hardsigmoid(x), F.relu6(x + 3) / 6)  # True
torch.allclose(F.hardswish(x), x * F.relu6(x + 3) / 6)  # True

# %%
# Squash to a range: ``nn.Sigmoid``, ``nn.Tanh``, ``nn.Softsign``
# ---------------------------------------------------------------
#
# Sigmoid maps its input to values from 0 to 1, and tanh from -1 to 1, with
# :math:`\tanh x = 2\sigma(2x) - 1`. Softsign, :math:`x / (1 + |x|)`, has
# the same limits as tanh but approaches them more slowly, so its gradient
# stays larger for large inputs. ``torch.sigmoid``, ``F.sigmoid``,
# ``Tensor.sigmoid`` and the in-place ``Tensor.sigmoid_`` compute the same,
# and tanh has the same four forms.
x = torch.tensor([0.0, 10.0], requires_grad=True)
functions = torch.sigmoid, torch.tanh, F.softsign
slopes = [torch.autograd.grad(f(x).sum(), x)[0] for f in functions]
torch.stack(slopes)[:, 0]  # tensor([0.2500, 1.0000, 1.0000])
[slope[1].item() > 1e-4 for slope in slopes]  # [False, False, True]
z = torch.tensor([-1.0, 0.5, 3.0])
torch.allclose(nn.Tanh()(z), 2 * nn.Sigmoid()(2 * z) - 1)  # True
nn.Softsign()(z)  # tensor([-0.5000, 0.3333, 0.7500])
torch.allclose(F.sigmoid(z), z.sigmoid())  # True
torch.allclose(F.tanh(z), z.clone().tanh_())  # True

# %%
# Positive output, log probability: ``nn.Softplus``, ``nn.LogSigmoid``
# --------------------------------------------------------------------
#
# Softplus, :math:`\log(1 + e^{\beta x}) / \beta`, is a smooth ReLU with
# derivative :math:`\sigma(\beta x)`. If :math:`\beta x` is above
# ``threshold``, 20 by default, it returns x itself. LogSigmoid is minus the
# softplus of -x. It is accurate at -200, where the logarithm of the sigmoid
# underflows to minus infinity.
x = torch.tensor([-200.0, 0.0, 2.0, 30.0])
nn.Softplus()(x)  # tensor([0.0000, 0.6931, 2.1269, 30.0000])
F.softplus(x, beta=2.0)[1:3]  # tensor([0.3466, 2.0091])
nn.LogSigmoid()(x)[:3]  # tensor([-200.0000, -0.6931, -0.1269])
torch.allclose(F.logsigmoid(x), -F.softplus(-x))  # True
x.sigmoid().log()[0]  # tensor(-inf)
F.softplus(x.requires_grad_(), beta=2.0).sum().backward()
torch.allclose(x.grad, (2 * x).sigmoid())  # True

# %%
# Small values to zero: ``nn.Softshrink``, ``nn.Hardshrink``
# ----------------------------------------------------------
#
# Both functions give 0 from ``-lambd`` to ``lambd``. Outside this range,
# Hardshrink keeps the value and Softshrink moves it towards 0 by ``lambd``.
# ``torch.hardshrink`` and ``Tensor.hardshrink`` do the same as
# ``F.hardshrink``.
x = torch.tensor([-3.0, 0.5, 1.0, 4.0])
nn.Softshrink(lambd=1.0)(x)  # tensor([-2., 0., 0., 3.])
nn.Hardshrink(lambd=1.0)(x)  # tensor([-3., 0., 0., 4.])
x.hardshrink(1.0)  # tensor([-3., 0., 0., 4.])
torch.hardshrink(x, lambd=1.0)  # tensor([-3., 0., 0., 4.])
by_hand = x.sign() * F.relu(x.abs() - 1)
torch.equal(F.softshrink(x, 1.0), by_hand)  # True
torch.equal(F.hardshrink(x, 1.0), x * (x.abs() > 1))  # True

# %%
# Cut at a threshold, shrink near 0: ``nn.Threshold``, ``nn.Tanhshrink``
# ----------------------------------------------------------------------
#
# ``nn.Threshold`` keeps the values above the threshold and replaces the
# others with a constant. If both numbers are 0, it is ReLU.
# ``F.threshold_`` works in place. Tanhshrink is :math:`x - \tanh x`, which
# is about :math:`x^3/3` near 0.
x = torch.tensor([-2.0, 0.5, 1.0, 3.0])
nn.Threshold(1.0, 9.0)(x)  # tensor([9., 9., 9., 3.])
torch.equal(F.threshold(x, 0, 0), F.relu(x))  # True
torch.allclose(nn.Tanhshrink()(x), x - x.tanh())  # True
F.tanhshrink(torch.tensor(0.3))  # tensor(0.0087)
F.threshold_(x, 2.0, -1.0)
x  # tensor([-1., -1., -1., 3.])

# %%
# Error: modified by an inplace operation (``inplace=True``)
# ----------------------------------------------------------
#
# An in-place activation overwrites the output of the operation before it.
# Sigmoid, tanh and exp need their output to compute the gradient, so
# ``backward`` fails if an in-place activation follows them. After a linear
# layer, a convolution or a normalization, ``inplace=True`` is safe if
# nothing else uses that output. Otherwise leave it out.
x = torch.tensor([1.0, 2.0], requires_grad=True)
y = nn.ReLU(inplace=True)(x.exp())
with suppress(RuntimeError):
    y.sum().backward()  # RuntimeError: modified by an inplace operation
nn.ReLU()(x.exp()).sum().backward()
torch.allclose(x.grad, x.exp())  # True
with suppress(RuntimeError):
    F.relu_(x)  # RuntimeError: leaf Variable that requires grad
