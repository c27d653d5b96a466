"""
From Keras and TensorFlow
=========================

Find the PyTorch form of a Keras layer, copy its weights, and learn which
defaults differ. Keras itself is not used here; its layers are written out
by hand.
"""
from contextlib import suppress

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

# %%
# Dense is ``nn.Linear``: transpose the kernel
# --------------------------------------------
#
# ``Dense(3, activation="relu")`` becomes two layers in PyTorch, and
# ``nn.Linear`` also needs the number of inputs. Keras stores the kernel as
# (inputs, units), and PyTorch stores the weight as (units, inputs), so
# transpose it.
kernel = np.random.default_rng(0).normal(size=(4, 3)).astype("float32")
bias = np.array([0.1, 0.2, 0.3], dtype="float32")
layer = nn.Linear(4, 3)
with torch.no_grad():
    layer.weight.copy_(torch.from_numpy(kernel.T))
    layer.bias.copy_(torch.from_numpy(bias))
net = nn.Sequential(layer, nn.ReLU())
x = np.ones((2, 4), dtype="float32")
expected = np.maximum(x @ kernel + bias, 0)
output = net(torch.tensor(x)).detach().cpu().numpy()
np.allclose(output, expected, atol=1e-5)  # True

# %%
# Conv2D kernels: from (h, w, in, out) to ``nn.Conv2d``
# -----------------------------------------------------
#
# Permute the kernel with ``permute(3, 2, 0, 1)``. Images in Keras have the
# channels last, so permute them as well. A kernel of ``DepthwiseConv2D``
# has shape (h, w, in, multiplier) and belongs in a convolution with
# ``groups`` set to the number of input channels.
kernel = torch.randn(3, 3, 2, 5)
images = torch.randn(1, 8, 8, 2)
conv = nn.Conv2d(2, 5, 3)
with torch.no_grad():
    conv.weight.copy_(kernel.permute(3, 2, 0, 1))
output = conv(images.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
output.shape  # torch.Size([1, 6, 6, 5])
corner = torch.einsum("hwi,hwio->o", images[0, :3, :3], kernel) + conv.bias
torch.allclose(output[0, 0, 0], corner, atol=1e-4)  # True
kernel = torch.randn(3, 3, 2, 4)
depthwise = nn.Conv2d(2, 8, 3, groups=2)
weight = kernel.permute(2, 3, 0, 1).reshape(8, 1, 3, 3)
depthwise.weight.shape == weight.shape  # True

# %%
# Flatten gives another order: ``permute`` before ``nn.Flatten``
# --------------------------------------------------------------
#
# Keras flattens images in the order (height, width, channels), and PyTorch
# in the order (channels, height, width). If you copy the kernel of a Dense
# layer after Flatten, there is no error, but the outputs are wrong. Permute
# the dimensions before you flatten, or reorder the columns of the weight
# once.
maps = torch.arange(8.0).view(1, 2, 2, 2)
maps.flatten(1)  # tensor([[0., 1., 2., 3., 4., 5., 6., 7.]])
last = maps.permute(0, 2, 3, 1).flatten(1)
last  # tensor([[0., 4., 1., 5., 2., 6., 3., 7.]])
weight = torch.randn(3, 8)
columns = weight.view(3, 2, 2, 2).permute(0, 3, 1, 2).flatten(1)
same = F.linear(maps.flatten(1), columns)
torch.allclose(same, F.linear(last, weight), atol=1e-4)  # True

# %%
# padding="same" with strides=2: ``F.pad`` at the end
# ---------------------------------------------------
#
# ``nn.Conv2d(padding="same")`` raises an error for a stride above 1.
# ``padding=1`` pads both sides. If the number of zeros is odd, TensorFlow
# puts one more at the end, so the outputs are shifted. Compute the padding
# as TensorFlow does and use ``F.pad``.
def pad_same(x, kernel, stride):
    pads = []
    for size in x.shape[:1:-1]:
        total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
        pads += [total // 2, total - total // 2]
    return F.pad(x, pads)


x = torch.arange(1.0, 5.0).view(1, 1, 1, 4).expand(1, 1, 4, 4)
pad_same(x, 3, 2)[0, 0, 0]  # tensor([1., 2., 3., 4., 0.])
kernel = torch.ones(1, 1, 1, 3)
F.conv2d(pad_same(x, 3, 2), kernel, stride=2)[0, 0, 0]  # tensor([6., 7.])
F.conv2d(x, kernel, stride=2, padding=(0, 1))[0, 0, 0]  # tensor([3., 9.])
with suppress(ValueError):
    nn.Conv2d(
        1, 1, 3, stride=2, padding="same"
    )  # ValueError: padding='same' is not supported for strided

# %%
# BatchNormalization: ``momentum`` is the other way round, and ``eps``
# --------------------------------------------------------------------
#
# In Keras, ``momentum=0.99`` is the share of the old mean that is kept. In
# PyTorch, ``momentum`` is the share of the new mean, so write 0.01. The
# default ``epsilon`` is 0.001 in Keras and 0.00001 in PyTorch. Keras stores
# the weights in the order gamma, beta, moving mean and moving variance.
norm = nn.BatchNorm2d(2, momentum=1 - 0.99, eps=1e-3)
x = torch.full((1, 2, 2, 2), 100.0)
norm(x).shape  # torch.Size([1, 2, 2, 2])
norm.running_mean  # tensor([1.0000, 1.0000])
names = ["weight", "bias", "running_mean", "running_var"]
values = [torch.tensor([1.0, 2.0])] * 4
norm.load_state_dict(dict(zip(names, values)), strict=False)
y = norm.eval()(x)[0, :, 0, 0]
by_hand = [(100 - m) / (m + 1e-3) ** 0.5 * m + m for m in (1.0, 2.0)]
torch.allclose(y, torch.tensor(by_hand), rtol=1e-4)  # True
nn.BatchNorm2d(2).momentum, nn.BatchNorm2d(2).eps  # (0.1, 1e-05)

# %%
# LSTM: the same order of the gates, one bias in place of two
# -----------------------------------------------------------
#
# Keras and PyTorch order the gates in the same way: input, forget, cell,
# output. Transpose the two kernels. Keras has one bias, so copy it to
# ``bias_ih_l0`` and set ``bias_hh_l0`` to 0.
kernel, recurrent = torch.randn(3, 8), torch.randn(2, 8)
bias = torch.randn(8)
lstm = nn.LSTM(3, 2, batch_first=True)
with torch.no_grad():
    lstm.weight_ih_l0.copy_(kernel.T)
    lstm.weight_hh_l0.copy_(recurrent.T)
    lstm.bias_ih_l0.copy_(bias)
    lstm.bias_hh_l0.zero_()
x = torch.randn(4, 5, 3)
h = c = torch.zeros(4, 2)
for step in x.unbind(dim=1):
    i, f, g, o = (step @ kernel + h @ recurrent + bias).chunk(4, dim=1)
    c = f.sigmoid() * c + i.sigmoid() * g.tanh()
    h = o.sigmoid() * c.tanh()
torch.allclose(lstm(x)[0][:, -1], h, atol=1e-5)  # True

# %%
# return_sequences and return_state: ``output``, ``h_n`` and ``c_n``
# ------------------------------------------------------------------
#
# ``nn.LSTM`` returns the sequence and the states in each call. ``output``
# corresponds to ``return_sequences=True``, and its last step to the default
# output of Keras. For ``Bidirectional``, concatenate the last states of
# both directions.
lstm = nn.LSTM(3, 4, batch_first=True)
output, (h_n, c_n) = lstm(torch.randn(2, 7, 3))
output.shape  # torch.Size([2, 7, 4])
output[:, -1].shape  # torch.Size([2, 4])
torch.allclose(output[:, -1], h_n[-1], atol=1e-6)  # True
both = nn.LSTM(3, 4, batch_first=True, bidirectional=True)
output, (h_n, c_n) = both(torch.randn(2, 7, 3))
last = torch.cat([h_n[-2], h_n[-1]], dim=1)  # shape (2, 8)
torch.allclose(last[:, 4:], output[:, 0, 4:], atol=1e-6)  # True

# %%
# GRU: Keras orders update, reset, candidate; ``nn.GRU`` reset first
# ------------------------------------------------------------------
#
# Exchange the first two thirds of each kernel and bias. With
# ``reset_after=True``, which is the default of Keras 3, Keras uses the same
# formula as PyTorch. The bias of Keras then has two rows, one for the input
# and one for the state.
def exchange(keras):
    update, reset, candidate = keras.chunk(3, dim=-1)
    return torch.cat([reset, update, candidate], dim=-1).T


kernel, recurrent = torch.randn(3, 6), torch.randn(2, 6)
bias = torch.ones(2, 6)
gru = nn.GRU(3, 2, batch_first=True)
state = {"weight_ih_l0": exchange(kernel)}
state["weight_hh_l0"] = exchange(recurrent)
state["bias_ih_l0"] = exchange(bias[:1]).flatten()
state["bias_hh_l0"] = exchange(bias[1:]).flatten()
gru.load_state_dict(state)
x, h = torch.randn(4, 1, 3), torch.randn(1, 4, 2)
a = (x[:, 0] @ kernel + bias[0]).chunk(3, dim=1)
b = (h[0] @ recurrent + bias[1]).chunk(3, dim=1)
z, r = (a[0] + b[0]).sigmoid(), (a[1] + b[1]).sigmoid()
by_hand = z * h[0] + (1 - z) * (a[2] + r * b[2]).tanh()
torch.allclose(gru(x, h)[0][:, 0], by_hand, atol=1e-5)  # True

# %%
# sparse_categorical_crossentropy is ``F.cross_entropy``: no softmax
# ------------------------------------------------------------------
#
# ``F.cross_entropy`` takes logits, as Keras does with ``from_logits=True``,
# so leave out the softmax of the last layer. The targets are class indices,
# or one-hot rows as floats. For ``binary_crossentropy`` with logits, use
# ``F.binary_cross_entropy_with_logits``.
logits, target = torch.tensor([[2.0, 0.0, 1.0]]), torch.tensor([0])
by_hand = -logits.softmax(dim=1)[0, 0].log()
loss = F.cross_entropy(logits, target)
torch.allclose(loss, by_hand)  # True
one_hot = F.one_hot(target, 3).float()
torch.allclose(F.cross_entropy(logits, one_hot), loss)  # True
twice = F.cross_entropy(logits.softmax(dim=1), target)
twice > loss  # tensor(True)

# %%
# Initial weights as in Keras: Glorot uniform and a bias of 0
# -----------------------------------------------------------
#
# ``nn.Linear`` and ``nn.Conv2d`` draw weights and biases between :math:`\pm
# 1 / \sqrt{n}`, where n is the number of inputs. Keras draws Glorot uniform
# weights and sets biases to 0. In its recurrent layers, the recurrent
# weights are orthogonal and the bias of the forget gate is 1.
layer = nn.Linear(100, 50)
layer.bias.abs().max() <= 0.1  # tensor(True)


def like_keras(module):
    if isinstance(module, (nn.Linear, nn.Conv2d)):
        nn.init.xavier_uniform_(module.weight)
        nn.init.zeros_(module.bias)


net = nn.Sequential(layer, nn.ReLU()).apply(like_keras)
bound = (6 / (100 + 50)) ** 0.5
0.9 * bound < net[0].weight.abs().max() <= bound  # tensor(True)
net[0].bias.count_nonzero()  # tensor(0)

# %%
# compile, fit, evaluate, predict: write the loop
# -----------------------------------------------
#
# PyTorch has no ``fit``, so you write the training loop. Each step computes
# the loss, clears the old gradients, calls ``backward`` and updates the
# parameters; this also replaces ``tf.GradientTape``. For ``evaluate`` and
# ``predict``, run a forward pass in ``eval()`` and ``torch.no_grad()``.
net = nn.Linear(2, 1)
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
x = torch.tensor([[0.0, 1.0], [1.0, 0.0], [1.0, 1.0], [0.0, 0.0]])
y = x.sum(dim=1, keepdim=True)
losses = []
for _ in range(200):
    net.train()
    loss = F.mse_loss(net(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
net.eval()
with torch.no_grad():
    prediction = net(x)
losses[-1] < 0.01  # True
prediction.requires_grad  # False

# %%
# Defaults that differ: LeakyReLU, LayerNormalization, Embedding, Adam
# --------------------------------------------------------------------
#
# The arguments shown here are the defaults of Keras. Without them, PyTorch
# uses its own defaults. ``Embedding(mask_zero=True)`` has no counterpart in
# PyTorch. ``padding_idx`` keeps one vector at 0, and you pass a mask to the
# layers that need it.
x = torch.tensor([-1.0])
nn.LeakyReLU(0.3)(x)  # tensor([-0.3000])
nn.LeakyReLU()(x)  # tensor([-0.0100])
nn.LayerNorm(4, eps=1e-3).eps, nn.LayerNorm(4).eps  # (0.001, 1e-05)
net = nn.Embedding(1000, 8)
net.weight.abs().max() > 1  # tensor(True)
nn.init.uniform_(net.weight, -0.05, 0.05)
net.weight.abs().max() <= 0.05  # tensor(True)
adam = torch.optim.Adam(net.parameters(), eps=1e-7)
adam.defaults["lr"], adam.defaults["eps"]  # (0.001, 1e-07)
torch.optim.Adam(net.parameters()).defaults["eps"]  # 1e-08
torch.optim.RMSprop(net.parameters()).defaults["lr"]  # 0.01
