"""
Recurrent layers
================

Read a sequence step by step, with a state that is carried along.
"""
from contextlib import suppress

import torch
import torch.nn.functional as F
from torch import nn

# %%
# Read a batch of sequences: ``nn.LSTM``, ``output`` and ``h_n``
# --------------------------------------------------------------
#
# ``output`` holds the state of the last layer after every step, ``h_n`` the
# state of every layer after the last step; ``c_n`` is the memory cell that
# only an LSTM has. Even with ``batch_first=True`` the states stay
# (layers, N, features). One sequence alone may come without a batch.
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
# A plain RNN has one set of weights and forgets soon; a GRU adds two gates,
# an LSTM three and a second state, which costs 3 and 4 times the weights.
# RNN and GRU return one state, the LSTM a pair: unpack accordingly.
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
# The batch comes second: ``batch_first`` forgotten
# -------------------------------------------------
#
# By default inputs are (L, N, features). A batch of shape (N, L, features)
# runs without an error, but the layer then walks along the batch: samples
# see each other. Changing one sample must not change the next.
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
# The rows of ``weight_ih_l0`` and ``weight_hh_l0`` hold four blocks: input
# gate, forget gate, candidate, output gate. The cell keeps :math:`f` of
# itself and takes :math:`i` of the candidate. For the GRU and the plain RNN
# see ``nn.GRUCell`` and ``nn.RNNCell``.
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
# ``ih`` maps the input, ``hh`` the state, ``l0`` is the layer, and
# ``_reverse`` marks the other direction. All share the base class
# ``nn.RNNBase``. Every weight and bias starts uniform within
# :math:`\pm 1/\sqrt{\text{hidden}}`.
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
# The second layer reads the outputs of the first. ``output`` shows the last
# layer only; ``h_n[0]`` belongs to the first layer, ``h_n[-1]`` to the
# last. ``dropout`` acts between layers, in training only.
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
# ``output`` has both directions side by side. At the last step the
# backward half has read one step only: to sum up a sequence, join
# ``h_n[-2]`` and ``h_n[-1]``, and do not take ``output[:, -1]``.
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
# Each state h is mapped to ``proj_size`` features by ``weight_hr_l0``
# before it is given out and fed back; the cell c keeps its full width.
# Only the LSTM has it.
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
# Give the state back as the second argument and two pieces equal the whole.
# Without it the state starts at zero. Between training steps detach it,
# else the next ``backward()`` runs into the graph that was freed.
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
# Remember longer from the start: bias of the forget gate
# -------------------------------------------------------
#
# With a bias near 0 the forget gate halves the cell at every step. Set its
# block, the second quarter, to 1 in one of the two biases, which are added,
# and to 0 in the other. Change values in place: weights then stay in the
# one block that cuDNN wants; after other changes ``flatten_parameters()``
# restores it.
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
# Dropout follows every layer but the last, so with one layer there is none
# at all. Apply ``nn.Dropout`` to the output instead.
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
# The last dimension holds the features, also where there is only one: add
# it with ``unsqueeze(-1)``. The batch is dimension 1 of a state, whatever
# ``batch_first`` says.
series = torch.randn(2, 7)
gru = nn.GRU(1, 5, batch_first=True)
with suppress(RuntimeError):
    gru(series)  # RuntimeError: input.size(-1) must be equal to input_size
x = series.unsqueeze(-1)
gru(x)[0].shape  # torch.Size([2, 7, 5])
with suppress(RuntimeError):
    gru(x, torch.zeros(2, 1, 5))  # RuntimeError: Expected hidden size
gru(x, torch.zeros(1, 2, 5))[1].shape  # torch.Size([1, 2, 5])
