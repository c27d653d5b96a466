"""
Recurrent layers
================

Recurrent layers read a sequence step by step and pass a state from each
step to the next.
"""
from contextlib import suppress

import torch
import torch.nn.functional as F
from torch import nn

# %%
# Read a batch of sequences: ``nn.LSTM``, ``output`` and ``h_n``
# --------------------------------------------------------------
#
# ``output`` holds the state of the last layer after each step, and ``h_n``
# holds the state of each layer after the last step. An LSTM also returns
# its cell state ``c_n``. The states have shape (layers, N, features), even
# with ``batch_first=True``. A single sequence may come without a batch
# dimension.
lstm = nn.LSTM(input_size=3, hidden_size=5, batch_first=True)
x = torch.randn(2, 7, 3)
output, (h_n, c_n) = lstm(x)
output.shape  # torch.Size([2, 7, 5])
h_n.shape  # torch.Size([1, 2, 5])
c_n.shape  # torch.Size([1, 2, 5])
torch.allclose(output[:, -1], h_n[0])  # True
lstm(x[0])[0].shape  # torch.Size([7, 5])

# %%
# Choose between ``nn.RNN``, ``nn.GRU`` and ``nn.LSTM``
# -----------------------------------------------------
#
# A gate is a factor between 0 and 1 that the layer computes. A GRU adds two
# gates to a plain RNN and has 3 times its weights. An LSTM adds three gates
# and a cell state, and has 4 times the weights. An RNN and a GRU return one
# state, and an LSTM returns a pair.
#
# .. glance:: count(gru) == 3 * count(rnn)
def count(layer):
    return sum(p.numel() for p in layer.parameters())


rnn, gru, lstm = nn.RNN(3, 5), nn.GRU(3, 5), nn.LSTM(3, 5)
count(rnn)  # 50
count(gru) == 3 * count(rnn)  # True
count(lstm) == 4 * count(rnn)  # True
x = torch.randn(7, 2, 3)
rnn(x)[1].shape  # torch.Size([1, 2, 5])
gru(x)[1].shape  # torch.Size([1, 2, 5])
len(lstm(x)[1])  # 2
(nn.RNN(3, 5, nonlinearity="relu")(x)[0] >= 0).all()  # tensor(True)

# %%
# Samples of a batch influence each other: forgotten ``batch_first``
# ------------------------------------------------------------------
#
# By default a recurrent layer expects inputs of shape (L, N, features). A
# batch of shape (N, L, features) raises no error, but the layer then treats
# the batch as time, and each sample influences the next. To check your
# model, change one sample and see whether the other outputs stay the same.
x = torch.randn(4, 6, 3)
changed = x.clone()
changed[0] = 9.0
wrong = nn.GRU(3, 5)
torch.allclose(wrong(x)[0][1:], wrong(changed)[0][1:])  # False
right = nn.GRU(3, 5, batch_first=True)
torch.allclose(right(x)[0][1:], right(changed)[0][1:])  # True

# %%
# What an LSTM computes: ``nn.LSTM`` against its formula
# ------------------------------------------------------
#
# The rows of ``weight_ih_l0`` and ``weight_hh_l0`` form four blocks: input
# gate, forget gate, candidate and output gate. The new cell state is
# :math:`f` times the old one plus :math:`i` times the candidate. The cards
# of ``nn.GRUCell`` and ``nn.RNNCell`` show the formulas of the GRU and the
# plain RNN.
lstm = nn.LSTM(3, 4, dtype=torch.float64)
x = torch.randn(6, 2, 3, dtype=torch.float64)
h = c = torch.zeros(2, 4, dtype=torch.float64)
for x_t in x:
    gates = F.linear(x_t, lstm.weight_ih_l0, lstm.bias_ih_l0)
    gates = gates + F.linear(h, lstm.weight_hh_l0, lstm.bias_hh_l0)
    i, f, g, o = gates.chunk(4, dim=1)
    c = f.sigmoid() * c + i.sigmoid() * g.tanh()
    h = o.sigmoid() * c.tanh()
output, (h_n, c_n) = lstm(x)
torch.allclose(h_n[0], h)  # True
torch.allclose(c_n[0], c)  # True

# %%
# Names and shapes of the weights: ``weight_ih_l0``
# -------------------------------------------------
#
# In a name, ``ih`` stands for the weights of the input and ``hh`` for those
# of the state. ``l0`` is the number of the layer, and ``_reverse`` marks
# the backward direction. The weights and biases start with uniform random
# values between :math:`\pm 1/\sqrt{\text{hidden}}`. The recurrent layers
# share the base class ``nn.RNNBase``.
lstm = nn.LSTM(3, 4, num_layers=2, bidirectional=True)
shapes = {name: tuple(p.shape) for name, p in lstm.named_parameters()}
shapes["weight_ih_l0"]  # (16, 3)
shapes["weight_hh_l0"]  # (16, 4)
shapes["bias_hh_l0"]  # (16,)
shapes["weight_ih_l1"]  # (16, 8)
shapes["weight_hh_l1_reverse"]  # (16, 4)
all(p.abs().max() <= 0.5 for p in lstm.parameters())  # True
isinstance(lstm, nn.RNNBase)  # True
len(lstm.all_weights)  # 4

# %%
# Stacked layers: ``num_layers``, and which state is which
# --------------------------------------------------------
#
# The second layer reads the outputs of the first. ``output`` contains the
# states of the last layer only. ``h_n[0]`` belongs to the first layer and
# ``h_n[-1]`` to the last. ``dropout`` acts between the layers and only in
# training mode.
gru = nn.GRU(3, 5, num_layers=2, dropout=0.5, dtype=torch.float64).eval()
first, second = nn.GRU(3, 5).double(), nn.GRU(5, 5).double()
for layer, suffix in ((first, "_l0"), (second, "_l1")):
    for name, p in gru.state_dict().items():
        if name.endswith(suffix):
            layer.state_dict()[name.replace("l1", "l0")].copy_(p)
x = torch.randn(7, 2, 3, dtype=torch.float64)
output, h_n = gru(x)
torch.allclose(output, second(first(x)[0])[0])  # True
torch.allclose(h_n[0], first(x)[0][-1])  # True
torch.allclose(h_n[-1], output[-1])  # True
torch.allclose(gru.train()(x)[0], output)  # False

# %%
# Both directions: ``bidirectional=True``, and the right last state
# -----------------------------------------------------------------
#
# ``output`` has the features of both directions side by side. At the last
# position, the backward direction has read only one step. To summarize a
# sequence, join ``h_n[-2]`` and ``h_n[-1]`` instead of using ``output[:,
# -1]``.
gru = nn.GRU(3, 5, batch_first=True, bidirectional=True)
x = torch.randn(2, 7, 3)
output, h_n = gru(x)
output.shape  # torch.Size([2, 7, 10])
h_n.shape  # torch.Size([2, 2, 5])
torch.allclose(h_n[0], output[:, -1, :5])  # True
torch.allclose(h_n[1], output[:, 0, 5:])  # True
changed = x.clone()
changed[:, :-1] = 9.0
last = gru(changed)[0][:, -1]
torch.allclose(last[:, 5:], output[:, -1, 5:])  # True
summary = torch.cat([h_n[-2], h_n[-1]], dim=1)  # shape (2, 10)

# %%
# A narrow output from a wide LSTM: ``proj_size``
# -----------------------------------------------
#
# With ``proj_size``, ``weight_hr_l0`` maps each state h to fewer features
# before the layer returns it and passes it to the next step. The cell state
# c keeps its full width. ``nn.GRU`` does not support ``proj_size``.
lstm = nn.LSTM(3, 8, proj_size=2, dtype=torch.float64)
x = torch.randn(7, 4, 3, dtype=torch.float64)
output, (h_n, c_n) = lstm(x)
output.shape  # torch.Size([7, 4, 2])
h_n.shape  # torch.Size([1, 4, 2])
c_n.shape  # torch.Size([1, 4, 8])
lstm.weight_hr_l0.shape  # torch.Size([2, 8])
lstm.weight_hh_l0.shape  # torch.Size([32, 2])
with suppress(ValueError):
    nn.GRU(3, 8, proj_size=2)  # ValueError: only supported for LSTM

# %%
# Go on where the last batch ended: pass the hidden state
# -------------------------------------------------------
#
# Pass the returned state as the second argument, and two pieces of a
# sequence give the same output as the whole. Without this argument, the
# state starts at zero. Detach the state between training steps, because
# ``backward()`` raises an error when it reaches the graph that was freed.
lstm = nn.LSTM(3, 5, dtype=torch.float64)
x = torch.randn(10, 2, 3, dtype=torch.float64)
whole, _ = lstm(x)
start, state = lstm(x[:6])
end, _ = lstm(x[6:], state)
torch.allclose(torch.cat([start, end]), whole)  # True
torch.allclose(lstm(x[6:])[0], end)  # False
start.sum().backward()
with suppress(RuntimeError):
    end.sum().backward()  # RuntimeError: through the graph a second time
state = tuple(s.detach() for s in state)
lstm(x[6:], state)[0].sum().backward()

# %%
# Make an LSTM remember longer from the start: forget gate bias
# -------------------------------------------------------------
#
# With a bias near 0, the forget gate is near 0.5, so the cell state is
# about halved at each step. The layer adds the two biases ``bias_ih_l0``
# and ``bias_hh_l0``. Their second quarter belongs to the forget gate: set
# one bias to 1 there and the other to 0. Change the values in place;
# otherwise call ``flatten_parameters()`` afterwards, because cuDNN needs
# the weights in one block of memory.
lstm = nn.LSTM(3, 5)
hidden = lstm.hidden_size
with torch.no_grad():
    lstm.bias_ih_l0[hidden : 2 * hidden] = 1.0
    lstm.bias_hh_l0[hidden : 2 * hidden] = 0.0
lstm.flatten_parameters()
total = (lstm.bias_ih_l0 + lstm.bias_hh_l0).detach()
total.chunk(4)[1]  # tensor([1., 1., 1., 1., 1.])
torch.tensor([0.0, 1.0]).sigmoid()  # tensor([0.5000, 0.7311])

# %%
# Warning: dropout expects num_layers greater than 1 (``nn.LSTM``)
# ----------------------------------------------------------------
#
# The dropout is applied after each layer except the last, so with one layer
# there is no dropout at all. Apply ``nn.Dropout`` to the output instead.
lstm = nn.LSTM(
    3, 5, dropout=0.5
)  # UserWarning: dropout option adds dropout after all but last recurrent
x = torch.randn(7, 2, 3)
torch.allclose(lstm(x)[0], lstm.eval()(x)[0])  # True
dropped = nn.Dropout(0.5)(lstm(x)[0])
(dropped == 0).any()  # tensor(True)

# %%
# Error: input.size(-1) must be equal to input_size (``nn.LSTM``)
# ---------------------------------------------------------------
#
# The last dimension of the input must hold the features. If there is only
# one feature, add the dimension with ``unsqueeze(-1)``. In a hidden state
# the batch is dimension 1, whether or not ``batch_first`` is set.
series = torch.randn(2, 7)
gru = nn.GRU(1, 5, batch_first=True)
with suppress(RuntimeError):
    gru(series)  # RuntimeError: input.size(-1) must be equal to input_size
x = series.unsqueeze(-1)
gru(x)[0].shape  # torch.Size([2, 7, 5])
with suppress(RuntimeError):
    gru(x, torch.zeros(2, 1, 5))  # RuntimeError: Expected hidden size
gru(x, torch.zeros(1, 2, 5))[1].shape  # torch.Size([1, 2, 5])
