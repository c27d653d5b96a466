"""
Hidden states
=============

Give a recurrent layer its initial state, keep the state from batch to
batch, and solve the errors that a state of the wrong shape raises.
"""
from contextlib import suppress

import torch
from torch import nn

# %%
# ``h_n`` has the batch in the second dimension: ``batch_first=True``
# -------------------------------------------------------------------
#
# ``batch_first=True`` affects the input and ``output``. The states ``h_n``
# and ``c_n`` keep the shape (layers, batch, hidden). Here ``h_n[-1]`` is
# the state of the last layer, with one row for each sample.
lstm = nn.LSTM(3, 4, num_layers=2, batch_first=True)
output, (h_n, c_n) = lstm(torch.randn(5, 7, 3))
output.shape  # torch.Size([5, 7, 4])
h_n.shape  # torch.Size([2, 5, 4])
c_n.shape  # torch.Size([2, 5, 4])
h_n[-1].shape  # torch.Size([5, 4])
torch.allclose(h_n[-1], output[:, -1], atol=1e-5)  # True
h_n.transpose(0, 1).shape  # torch.Size([5, 2, 4])

# %%
# Leave the initial state out, or build it from the input
# -------------------------------------------------------
#
# If you pass no second argument, the states start at zero and fit the size
# of each batch. If you build a state inside ``forward``, take the batch
# size, the dtype and the device from the tensor that you pass to the LSTM.
# With an embedding before the LSTM, this is the output of the embedding and
# not the integers that ``forward`` gets.
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(3, 4, batch_first=True)

    def forward(self, x):
        h_0 = x.new_zeros(1, x.shape[0], 4)
        c_0 = x.new_zeros(1, x.shape[0], 4)
        return self.lstm(x, (h_0, c_0))[0]


net = Net()
for size in (8, 3):
    x = torch.randn(size, 7, 3)
    torch.allclose(net(x), net.lstm(x)[0], atol=1e-5)  # True

# %%
# Error: Expected hidden[0] size (1, 3, 4), got [1, 8, 4]
# -------------------------------------------------------
#
# The initial state was created for another batch size. This often happens
# with the last batch of an epoch, which is smaller. Leave out the state or
# build it from ``x.shape[0]``. If you carry the state from batch to batch,
# use ``DataLoader(drop_last=True)``.
lstm = nn.LSTM(2, 4, batch_first=True)
gru = nn.GRU(2, 4, batch_first=True)
last_batch = torch.randn(3, 7, 2)
h_0 = c_0 = torch.zeros(1, 8, 4)
with suppress(RuntimeError):
    lstm(
        last_batch, (h_0, c_0)
    )  # RuntimeError: Expected hidden[0] size (1, 3, 4), got [1, 8, 4]
with suppress(RuntimeError):
    gru(
        last_batch, h_0
    )  # RuntimeError: Expected hidden size (1, 3, 4), got [1, 8, 4]
lstm(last_batch)[0].shape  # torch.Size([3, 7, 4])
size = last_batch.shape[0]
h_0 = c_0 = last_batch.new_zeros(1, size, 4)
lstm(last_batch, (h_0, c_0))[0].shape  # torch.Size([3, 7, 4])

# %%
# Error: index 1 is out of bounds for dimension 0 (one state for an LSTM)
# -----------------------------------------------------------------------
#
# ``nn.LSTM`` takes its two states as a tuple. If you pass a single tensor,
# it is split along its first dimension as if it were the pair. ``nn.GRU``
# and ``nn.RNN`` have one state and take a single tensor.
x, h_0 = torch.randn(5, 7, 2), torch.zeros(1, 5, 4)
lstm = nn.LSTM(2, 4, batch_first=True)
with suppress(IndexError):
    lstm(x, h_0)  # IndexError: index 1 is out of bounds for dimension 0
lstm(x, (h_0, torch.zeros_like(h_0)))[0].shape  # torch.Size([5, 7, 4])
two = nn.LSTM(2, 4, num_layers=2, batch_first=True)
with suppress(RuntimeError):
    two(x, torch.zeros(2, 5, 4))  # RuntimeError: For batched 3-D input
gru = nn.GRU(2, 4, batch_first=True)
gru(x, h_0)[0].shape  # torch.Size([5, 7, 4])

# %%
# Error: lstm_cell(): argument 'hx' must be tuple of Tensors, not Tensor
# ----------------------------------------------------------------------
#
# ``nn.LSTMCell`` takes the pair (h, c) and returns the new pair, so write
# ``h, c = cell(x, (h, c))``. ``nn.GRUCell`` and ``nn.RNNCell`` take a
# single tensor. If you pass a pair to ``nn.GRUCell``, the error says that a
# tuple has no attribute "dim".
x, h = torch.randn(5, 2), torch.zeros(5, 4)
cell = nn.LSTMCell(2, 4)
with suppress(TypeError):
    cell(x, h)  # TypeError: lstm_cell(): argument 'hx' (position 2) must be
h, c = cell(x, (h, torch.zeros_like(h)))
h, c = cell(x, (h, c))
h.shape, c.shape  # (torch.Size([5, 4]), torch.Size([5, 4]))
nn.GRUCell(2, 4)(x, h).shape  # torch.Size([5, 4])
with suppress(AttributeError):
    nn.GRUCell(2, 4)(x, (h, c))  # AttributeError: no attribute 'dim'

# %%
# Error: Trying to backward through the graph a second time (hidden state)
# ------------------------------------------------------------------------
#
# A state from the last batch still belongs to the graph of that batch,
# which ``backward`` has freed. Call ``detach`` on the state between
# batches; the state of an LSTM consists of two tensors. The values stay the
# same, and no gradient flows back into the earlier batch.
# ``retain_graph=True`` is no solution, because it keeps the graph of each
# batch in memory.
lstm = nn.LSTM(2, 4, batch_first=True)
output, state = lstm(torch.randn(5, 7, 2))
output.sum().backward()
output, _ = lstm(torch.randn(5, 7, 2), state)
with suppress(RuntimeError):
    output.sum().backward()  # RuntimeError: Trying to backward through
for _ in range(3):
    state = tuple(part.detach() for part in state)
    output, state = lstm(torch.randn(5, 7, 2), state)
    output.sum().backward()
state[0].shape  # torch.Size([1, 5, 4])

# %%
# Error: For batched 3-D input, hx and cx should also be 3-D
# ----------------------------------------------------------
#
# A state has shape (layers * directions, batch, hidden), even if there is
# only one layer. Add the first dimension with ``unsqueeze(0)``. For a
# single sample without a batch dimension, the states have two dimensions.
lstm = nn.LSTM(3, 4, batch_first=True)
x, h = torch.randn(5, 7, 3), torch.zeros(5, 4)
with suppress(RuntimeError):
    lstm(
        x, (h, h)
    )  # RuntimeError: For batched 3-D input, hx and cx should also be 3-D
h = h.unsqueeze(0)
lstm(x, (h, h))[0].shape  # torch.Size([5, 7, 4])
with suppress(RuntimeError):
    lstm(
        x[0], (h, h)
    )  # RuntimeError: For unbatched 2-D input, hx and cx should also be 2-D
lstm(x[0])[0].shape  # torch.Size([7, 4])

# %%
# Error: LSTM: Expected input to be 2D or 3D, got 4D instead
# ----------------------------------------------------------
#
# A recurrent layer takes an input of shape (batch, time, features), so
# merge the other dimensions. Flatten the feature maps of each step into one
# vector. If each sample has several sequences, merge them into the batch
# dimension and separate them afterwards.
lstm = nn.LSTM(12, 4, batch_first=True)
maps = torch.randn(2, 5, 3, 4)
with suppress(ValueError):
    lstm(maps)  # ValueError: Expected input to be 2D or 3D, got 4D
lstm(maps.flatten(2))[0].shape  # torch.Size([2, 5, 4])
many = torch.randn(2, 6, 5, 12)
output = lstm(many.flatten(0, 1))[0]
output.unflatten(0, (2, 6)).shape  # torch.Size([2, 6, 5, 4])

# %%
# Warning: RNN module weights are not part of single contiguous chunk
# -------------------------------------------------------------------
#
# On an NVIDIA GPU, the library cuDNN needs the weights of a layer in one
# block of memory. A copy of the layer, a parametrization or a newly
# assigned weight may break the block. The results stay correct, but each
# call needs more memory. Call ``flatten_parameters()`` in ``forward``
# before the layer, and change weights in place.
class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(3, 4, batch_first=True)

    def forward(self, x):
        self.lstm.flatten_parameters()
        return self.lstm(x)[0]


net, x = Reader(), torch.randn(2, 5, 3)
before = net(x)
with torch.no_grad():
    net.lstm.weight_ih_l0.mul_(1)
torch.allclose(net(x), before, atol=1e-6)  # True

# %%
# Learnable initial state of an LSTM: ``nn.Parameter`` and ``expand``
# -------------------------------------------------------------------
#
# By default a recurrent layer starts from zeros. To learn the initial state
# instead, use a parameter of shape (layers, 1, hidden). Expand it over the
# batch and make it contiguous, because cuDNN needs that.
class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(3, 4, batch_first=True)
        self.h_0 = nn.Parameter(torch.zeros(1, 1, 4))
        self.c_0 = nn.Parameter(torch.zeros(1, 1, 4))

    def forward(self, x):
        size = (-1, x.shape[0], -1)
        state = [s.expand(size).contiguous() for s in (self.h_0, self.c_0)]
        return self.lstm(x, tuple(state))[0]


net, x = Reader(), torch.randn(5, 7, 3)
torch.allclose(net(x), net.lstm(x)[0], atol=1e-6)  # True
net(x).sum().backward()
net.h_0.grad.shape  # torch.Size([1, 1, 4])

# %%
# Many to one, many to many: the last step or all steps
# -----------------------------------------------------
#
# To classify a sequence, pass the last state to ``nn.Linear``. To label
# each step, pass the whole ``output``. To predict several steps ahead, let
# one linear layer compute all of them from the last state.
lstm, x = nn.LSTM(3, 8, batch_first=True), torch.randn(5, 7, 3)
output, (h_n, _) = lstm(x)
nn.Linear(8, 4)(h_n[-1]).shape  # torch.Size([5, 4])
nn.Linear(8, 4)(output).shape  # torch.Size([5, 7, 4])
ahead, features = 3, 2
future = nn.Linear(8, ahead * features)(h_n[-1])
future.unflatten(1, (ahead, features)).shape  # torch.Size([5, 3, 2])

# %%
# Layers of different hidden sizes: one ``nn.LSTM`` after the other
# -----------------------------------------------------------------
#
# With ``num_layers`` all layers have the same hidden size. For different
# sizes, call one layer after the other and pass on ``output``, the first
# result. You can put a dropout module between them. ``nn.Sequential`` does
# not work here, because an LSTM returns a tuple.
first = nn.LSTM(3, 16, batch_first=True)
second = nn.LSTM(16, 4, batch_first=True)
drop = nn.Dropout(0.2)
x = torch.randn(5, 7, 3)
middle, _ = first(x)
output, (h_n, c_n) = second(drop(middle))
middle.shape  # torch.Size([5, 7, 16])
output.shape  # torch.Size([5, 7, 4])
torch.allclose(h_n[-1], output[:, -1], atol=1e-6)  # True
