"""
Recurrent cells
===============

A recurrent cell computes one time step, so you can run your own code
between the steps.
"""
from contextlib import suppress

import torch
import torch.nn.functional as F
from torch import nn

# %%
# One step of a plain RNN: ``nn.RNNCell`` against its formula
# -----------------------------------------------------------
#
# The cell computes
# :math:`h' = \tanh(W_{ih} x + b_{ih} + W_{hh} h + b_{hh})`. With
# ``nonlinearity="relu"`` it uses ReLU instead of tanh. It returns only the
# new state. If you pass no state, it starts from zeros.
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
# ``nn.LSTMCell`` takes the pair (h, c) and returns the new pair. The rows
# of its weights form four blocks: the input gate, the forget gate, the
# candidate for the new cell state and the output gate, in that order.
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
# The rows of the weights form three blocks: the reset gate, the update gate
# and the candidate. Two details differ from many textbooks. The reset gate
# is applied after the matrix product, and an update gate of 1 keeps the old
# state.
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
# A loop over ``nn.GRUCell`` gives the same result as ``nn.GRU``
# --------------------------------------------------------------
#
# The parameters of the cell have the names of the layer without the suffix
# ``_l0``. The layer is faster, above all on a GPU. Write the loop when the
# next input depends on the previous output.
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
# Each step reads the prediction of the step before, so a single call of
# ``nn.LSTM`` does not work here. The decoder generates one token at a time
# and starts from token 0.
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
# Keep the state after the end of a sequence: ``torch.where``
# -----------------------------------------------------------
#
# In a padded batch, short sequences end early. Take the new state only for
# the sequences whose step is valid. The final state is then the state after
# the last valid step of each sequence.
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
# ``nn.RNNCellBase`` is the base class of the cells, and ``nn.RNNBase`` is
# the base class of the layers. The input of a cell has shape (N, features),
# or (features) for one sample. Cells have no ``num_layers``,
# ``bidirectional`` or ``dropout``, so you write these yourself.
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
# A cell reads one time step, so a batch of sequences has one dimension too
# many. Select one step by its index, or use the layer. ``nn.LSTMCell``
# takes its two states as a tuple.
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
