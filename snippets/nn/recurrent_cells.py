"""
Recurrent cells
===============

Take one step at a time, so that you can act between the steps.
"""
from contextlib import suppress

import torch
import torch.nn.functional as F
from torch import nn

# %%
# One step of a plain RNN: ``nn.RNNCell`` against its formula
# -----------------------------------------------------------
#
# :math:`h' = \tanh(W_{ih} x + b_{ih} + W_{hh} h + b_{hh})`, or ReLU in the
# place of tanh with ``nonlinearity="relu"``. A cell returns the new state
# and nothing else; without a state it starts from zeros.
cell = nn.RNNCell(3, 4)
x, h = torch.randn(2, 3), torch.randn(2, 4)
total = F.linear(x, cell.weight_ih, cell.bias_ih)
total = total + F.linear(h, cell.weight_hh, cell.bias_hh)
torch.allclose(cell(x, h), total.tanh(), atol=1e-5)  # True
torch.allclose(cell(x), cell(x, torch.zeros(2, 4)))  # True
cell.nonlinearity = "relu"
torch.allclose(cell(x, h), total.relu(), atol=1e-5)  # True

# %%
# One step of an LSTM: ``nn.LSTMCell`` against its formula
# --------------------------------------------------------
#
# Takes and returns the pair (h, c). The four blocks of rows are the input
# gate, the forget gate, the candidate and the output gate, in that order.
cell = nn.LSTMCell(3, 4)
x, h, c = torch.randn(2, 3), torch.randn(2, 4), torch.randn(2, 4)
gates = F.linear(x, cell.weight_ih, cell.bias_ih)
gates = gates + F.linear(h, cell.weight_hh, cell.bias_hh)
i, f, g, o = gates.chunk(4, dim=1)
new_c = f.sigmoid() * c + i.sigmoid() * g.tanh()
new_h = o.sigmoid() * new_c.tanh()
by_cell = cell(x, (h, c))
torch.allclose(by_cell[0], new_h, atol=1e-5)  # True
torch.allclose(by_cell[1], new_c, atol=1e-5)  # True

# %%
# One step of a GRU: ``nn.GRUCell`` against its formula
# -----------------------------------------------------
#
# Three blocks: reset gate, update gate, candidate. Two details differ from
# many a textbook: the reset gate acts after the matrix product, and an
# update gate of 1 keeps the old state.
cell = nn.GRUCell(3, 4)
x, h = torch.randn(2, 3), torch.randn(2, 4)
from_x = F.linear(x, cell.weight_ih, cell.bias_ih).chunk(3, dim=1)
from_h = F.linear(h, cell.weight_hh, cell.bias_hh).chunk(3, dim=1)
reset = (from_x[0] + from_h[0]).sigmoid()
update = (from_x[1] + from_h[1]).sigmoid()
candidate = (from_x[2] + reset * from_h[2]).tanh()
by_hand = (1 - update) * candidate + update * h
torch.allclose(cell(x, h), by_hand, atol=1e-5)  # True

# %%
# A loop over cells equals the layer
# ----------------------------------
#
# The parameters are those of the layer less the suffix ``_l0``. The layer
# is the faster one, above all on a GPU; write the loop where the next input
# depends on the output before.
gru = nn.GRU(3, 4, dtype=torch.float64)
cell = nn.GRUCell(3, 4, dtype=torch.float64)
weights = gru.state_dict().items()
cell.load_state_dict({k.removesuffix("_l0"): v for k, v in weights})
x = torch.randn(6, 2, 3, dtype=torch.float64)
h, states = None, []
for x_t in x:
    h = cell(x_t, h)
    states.append(h)
torch.allclose(torch.stack(states), gru(x)[0])  # True

# %%
# Feed the output back in, generate a sequence with ``nn.LSTMCell``
# -----------------------------------------------------------------
#
# Each step reads what the step before predicted, which no layer can do in
# one call. Here a decoder emits one token at a time, starting from token 0.
embed, cell, head = nn.Embedding(9, 8), nn.LSTMCell(8, 16), nn.Linear(16, 9)
token = torch.zeros(2, dtype=torch.long)
state, tokens = None, []
with torch.no_grad():
    for _ in range(5):
        state = cell(embed(token), state)
        token = head(state[0]).argmax(dim=-1)
        tokens.append(token)
torch.stack(tokens, dim=1)  # shape (2, 5), dtype int64

# %%
# Keep the state where a sequence has ended
# -----------------------------------------
#
# In a padded batch the short sequences stop early. Take the new state only
# where the step is valid, and the final state is that of the last valid
# step.
cell = nn.GRUCell(3, 4)
x = torch.randn(2, 5, 3)
lengths = torch.tensor([5, 2])
h = torch.zeros(2, 4)
for t in range(5):
    valid = (t < lengths).unsqueeze(1)
    h = torch.where(valid, cell(x[:, t], h), h)
short = cell(x[1:, 1], cell(x[1:, 0]))
torch.allclose(h[1:], short, atol=1e-5)  # True

# %%
# Sizes and inputs of cells: ``nn.RNNCellBase``
# ---------------------------------------------
#
# The common base holds the sizes and weights; ``nn.RNNBase`` is that of the
# layers. Input is (N, features) or (features). There are no ``num_layers``,
# ``bidirectional`` or ``dropout``: you write those.
cell = nn.GRUCell(3, 4, bias=False)
isinstance(cell, nn.RNNCellBase)  # True
isinstance(nn.GRU(3, 4), nn.RNNCellBase)  # False
[name for name, _ in cell.named_parameters()]  # ['weight_ih', 'weight_hh']
cell.weight_ih.shape  # torch.Size([12, 3])
cell(torch.randn(3)).shape  # torch.Size([4])
with suppress(TypeError):
    nn.GRUCell(3, 4, num_layers=2)  # TypeError: unexpected keyword argument

# %%
# Error: input has inconsistent input_size (``nn.GRUCell``)
# ---------------------------------------------------------
#
# A cell reads one step, so a sequence has one dimension too many: index
# the time, or take the layer. An LSTM cell wants its two states as a tuple.
x = torch.randn(2, 7, 3)
cell = nn.GRUCell(3, 4)
with suppress(ValueError):
    cell(x)  # ValueError: Expected input to be 1D or 2D, got 3D
with suppress(RuntimeError):
    cell(x[0].T)  # RuntimeError: input has inconsistent input_size
cell(x[:, 0]).shape  # torch.Size([2, 4])
h = c = torch.zeros(2, 4)
with suppress(TypeError):
    nn.LSTMCell(3, 4)(x[:, 0], h)  # TypeError: must be tuple of Tensors
nn.LSTMCell(3, 4)(x[:, 0], (h, c))[0].shape  # torch.Size([2, 4])
