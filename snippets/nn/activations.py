"""
Activations
===========

Bend the output of a layer: rectifiers, smooth ones, saturating ones and
shrinkage.

.. which::

   - ``nn.ReLU``, ``F.relu``: the default between linear and convolutional
     layers
   - ``nn.LeakyReLU``, ``F.leaky_relu``: units must not die; a fixed slope
     below zero
   - ``nn.PReLU``, ``F.prelu``: the slope below zero is to be learned
   - ``nn.RReLU``, ``F.rrelu``: the slope below zero is drawn anew, as
     regularization
   - ``nn.ReLU6``, ``F.relu6``: outputs must not exceed 6, for low precision
   - ``nn.ELU``, ``nn.CELU``: negative outputs that level off, means nearer
     to 0
   - ``nn.SELU``, ``F.selu``: deep plain networks without normalization
     layers
   - ``nn.GELU``, ``F.gelu``: transformers
   - ``nn.SiLU``, ``nn.Mish``: deep convolutional networks, gated
     feed-forward layers
   - ``nn.Hardswish``, ``nn.Hardsigmoid``: phones, where exponentials are
     dear
   - ``nn.Sigmoid``, ``F.sigmoid``: gates, and probabilities at prediction
     time
   - ``nn.Tanh``, ``nn.Softsign``: states and outputs between -1 and 1
   - ``nn.Hardtanh``, ``F.hardtanh``: hard limits of your choice
   - ``nn.Softplus``, ``F.softplus``: outputs that must be positive, such as
     a deviation
   - ``nn.LogSigmoid``, ``F.logsigmoid``: log probabilities in a loss
   - ``nn.Softshrink``, ``nn.Hardshrink``: sparse codes; small values become
     0
   - ``nn.Tanhshrink``, ``nn.Threshold``: seldom wanted; a cubic dip and a
     cut
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
# Here are those that act on each element alone: solid is the function,
# dashed its derivative. Rectifiers come first, then the smooth, the
# saturating and the shrinking ones. Most slopes stay within 0 and 1; the
# list holds those that are steeper somewhere.
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
# :math:`\max(0, x)`. The derivative is 0 below and 1 above; at 0 PyTorch
# takes 0. Layer, function and ``torch.Tensor.relu`` are the same;
# ``nn.ReLU(inplace=True)``, ``F.relu_`` and ``Tensor.relu_`` overwrite
# their input.
x = torch.tensor([-2.0, 0.0, 3.0], requires_grad=True)
F.relu(x).sum().backward()
x.grad  # tensor([0., 0., 1.])
z = torch.tensor([-2.0, 0.0, 3.0])
z.relu()  # tensor([0., 0., 3.])
torch.equal(torch.relu(z), nn.ReLU()(z))  # True
torch.equal(torch.relu(z), z.clamp(min=0))  # True
nn.ReLU(inplace=True)(z) is z  # True
z  # tensor([0., 0., 3.])

# %%
# A slope below zero: ``nn.LeakyReLU``, ``nn.PReLU``, ``nn.RReLU``
# ----------------------------------------------------------------
#
# ``nn.LeakyReLU`` keeps a fixed slope (0.01), ``nn.PReLU`` learns one (from
# 0.25) or one per channel, ``nn.RReLU`` draws one per element in training
# and takes the middle of its range in evaluation. ``F.rrelu`` does not know
# the mode: it takes the middle unless ``training=True``.
x = torch.tensor([-10.0, 10.0])
nn.LeakyReLU(0.2)(x)  # tensor([-2., 10.])
nn.PReLU()(x).detach()  # tensor([-2.5000, 10.0000])
nn.PReLU(num_parameters=64).weight.shape  # torch.Size([64])
F.prelu(x, torch.tensor([0.5]))  # tensor([-5., 10.])
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
# Where the input of a ReLU is negative for all of the data, nothing flows
# back, so the unit seldom recovers; one large step of the bias is enough. A
# leak keeps a gradient. To find such units, count outputs that stay 0 over
# many batches.
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
# ``nn.ReLU6`` cuts at 0 and 6, ``nn.Hardtanh`` at -1 and 1 or where you
# say; both give the values of ``torch.clamp``, and no gradient outside or
# at the limits. ``F.relu6`` and ``F.hardtanh`` are the functions,
# ``F.hardtanh_`` works in place.
x = torch.tensor([-3.0, 0.5, 4.0, 9.0])
nn.ReLU6()(x)  # tensor([0.0000, 0.5000, 4.0000, 6.0000])
torch.equal(F.relu6(x), x.clamp(0, 6))  # True
nn.Hardtanh()(x)  # tensor([-1.0000, 0.5000, 1.0000, 1.0000])
F.hardtanh_(x, min_val=-2, max_val=5)
x  # tensor([-2.0000, 0.5000, 4.0000, 5.0000])
x = torch.tensor([0.0, 3.0, 6.0, 7.0], requires_grad=True)
F.relu6(x).sum().backward()
x.grad  # tensor([0., 1., 0., 0.])

# %%
# Exponential below zero: ``nn.ELU``, ``nn.CELU``, ``nn.SELU``
# ------------------------------------------------------------
#
# All level off below zero: ELU is :math:`\alpha (e^x - 1)` there, with a
# kink at 0 unless :math:`\alpha = 1`; CELU is
# :math:`\alpha (e^{x/\alpha} - 1)`, without one. SELU is an ELU with two
# fixed numbers and a factor on both sides. ``F.elu_``, ``F.celu_`` and
# ``F.selu_`` work in place.
x = torch.tensor([-2.0, -1.0, 3.0])
negative, positive = x.clamp(max=0), x.clamp(min=0)
elu = positive + 2 * (negative.exp() - 1)
celu = positive + 2 * ((negative / 2).exp() - 1)
selu = 1.0507009873554805 * F.elu(x, alpha=1.6732632423543772)
torch.allclose(nn.ELU(alpha=2.0)(x), elu)  # True
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
# With weights of variance 1/fan_in, SELU pulls mean and deviation back to 0
# and 1 in every layer; with ELU or ReLU the signal fades. It needs
# ``nn.init.kaiming_normal_`` with ``nonlinearity="linear"``, and
# ``nn.AlphaDropout`` in the place of dropout.
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
# :math:`x \, \Phi(x)`, with the distribution function of the normal.
# ``approximate="tanh"`` is what GPT-2 and Google's later BERT code used:
# use the same form as the weights were trained with, as the two differ a
# little.
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
# SiLU, also called swish, is :math:`x \, \sigma(x)`; Mish is
# :math:`x \tanh(\mathrm{softplus}(x))`. Both fall to a minimum near -1.2
# and go back to 0, and the slope at 0 is 0.5 and 0.6. ``F.silu`` and
# ``F.mish`` are the functions; ``inplace=True`` overwrites.
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
# Without exponentials: Hardsigmoid is ``relu6(x + 3) / 6``, Hardswish is x
# times that, as in MobileNetV3. Outside of -3 to 3 they are exactly 0 and
# 1, or 0 and x. ``F.hardswish`` and ``F.hardsigmoid`` are the functions.
x = torch.tensor([-3.0, 0.0, 1.5, 3.0, 8.0])
nn.Hardsigmoid()(x)  # tensor([0.0000, 0.5000, 0.7500, 1.0000, 1.0000])
nn.Hardswish()(x)  # tensor([0.0000, 0.0000, 1.1250, 3.0000, 8.0000])
torch.allclose(F.hardsigmoid(x), F.relu6(x + 3) / 6)  # True
torch.allclose(F.hardswish(x), x * F.relu6(x + 3) / 6)  # True

# %%
# Squash to a range: ``nn.Sigmoid``, ``nn.Tanh``, ``nn.Softsign``
# ---------------------------------------------------------------
#
# Sigmoid goes from 0 to 1, tanh from -1 to 1: :math:`\tanh x = 2\sigma(2x)
# - 1`. Softsign, :math:`x / (1 + |x|)`, nears the same limits slowly, so
# that its gradient lasts longer. ``torch.sigmoid``, ``F.sigmoid``,
# ``Tensor.sigmoid`` and in place ``Tensor.sigmoid_`` are one; so for tanh.
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
# derivative :math:`\sigma(\beta x)`; where :math:`\beta x` is above
# ``threshold``, 20, it returns x itself. LogSigmoid is minus the softplus
# of -x. The logarithm of a sigmoid underflows to minus infinity where
# LogSigmoid stays exact.
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
# Between -lambda and lambda both give 0; outside, Hardshrink keeps the
# value and Softshrink moves it towards 0, which is the proximal step of an
# L1 penalty. ``F.softshrink`` and ``F.hardshrink`` are the functions;
# ``torch.hardshrink`` and ``Tensor.hardshrink`` do the same.
x = torch.tensor([-3.0, 0.5, 1.0, 4.0])
nn.Softshrink(lambd=1.0)(x)  # tensor([-2., 0., 0., 3.])
nn.Hardshrink(lambd=1.0)(x)  # tensor([-3., 0., 0., 4.])
by_hand = x.sign() * F.relu(x.abs() - 1)
torch.equal(F.softshrink(x, 1.0), by_hand)  # True
torch.equal(F.hardshrink(x, 1.0), x * (x.abs() > 1))  # True

# %%
# Any cut, a soft dip: ``nn.Threshold``, ``nn.Tanhshrink``
# --------------------------------------------------------
#
# ``nn.Threshold`` keeps what is above the threshold and puts a constant in
# the place of the rest: with 0 and 0 it is ReLU. ``F.threshold_`` works in
# place. Tanhshrink is :math:`x - \tanh x`, about :math:`x^3/3` near 0.
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
# An in-place activation overwrites what the operation before it may need
# for its gradient: sigmoid, tanh and exp keep their output. After a layer
# that keeps its input, such as a linear one, a convolution or a norm, it is
# safe if nothing else reads that output; otherwise leave ``inplace`` out.
x = torch.tensor([1.0, 2.0], requires_grad=True)
y = nn.ReLU(inplace=True)(x.exp())
with suppress(RuntimeError):
    y.sum().backward()  # RuntimeError: modified by an inplace operation
nn.ReLU()(x.exp()).sum().backward()
torch.allclose(x.grad, x.exp())  # True
with suppress(RuntimeError):
    F.relu_(x)  # RuntimeError: leaf Variable that requires grad
