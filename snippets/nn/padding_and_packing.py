"""
Padding and packing
===================

Put sequences of unequal length into one batch, and leave out the filling.
"""
from contextlib import suppress

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.rnn import (
    PackedSequence,
    invert_permutation,
    pack_padded_sequence,
    pack_sequence,
    pad_packed_sequence,
    pad_sequence,
    unpack_sequence,
    unpad_sequence,
)

# %%
# Pad sequences to one length: ``pad_sequence``
# ---------------------------------------------
#
# Fills up to the longest; without ``batch_first=True`` time comes first. A
# ``padding_value`` that is no valid token can be told from data, and
# ``padding_side="left"`` is what text generation wants. Keep the lengths.
#
# .. tensors:: a, b, pad_sequence([a, b], batch_first=True)
a, b = torch.tensor([5, 6, 7]), torch.tensor([8])
pad_sequence([a, b], batch_first=True)  # tensor([[5, 6, 7], [8, 0, 0]])
pad_sequence([a, b])  # tensor([[5, 8], [6, 0], [7, 0]])
left = pad_sequence([a, b], True, padding_value=-1, padding_side="left")
left  # tensor([[5, 6, 7], [-1, -1, 8]])

# %%
# Back to a list without the filling: ``unpad_sequence``
# ------------------------------------------------------
#
# The inverse of ``pad_sequence`` that fills on the right: it cuts each row
# at its length, which you must have kept. Say ``batch_first`` as you did
# before.
sequences = [torch.tensor([5, 6, 7]), torch.tensor([8])]
lengths = torch.tensor([len(s) for s in sequences])
padded = pad_sequence(sequences, batch_first=True)
restored = unpad_sequence(padded, lengths, batch_first=True)
[s.tolist() for s in restored]  # [[5, 6, 7], [8]]
left = pad_sequence(sequences, batch_first=True, padding_side="left")
unpad_sequence(left, lengths, batch_first=True)[1]  # tensor([0])

# %%
# Mean over valid steps only: a mask from the lengths
# ---------------------------------------------------
#
# Filling counts in ``mean``, ``max`` and softmax. Compare the positions
# with the lengths to get a mask, sum what is valid and divide by the
# lengths; for a maximum fill with minus infinity.
#
# .. tensors:: x, mask, x * mask
# .. glance:: (x * mask).sum(dim=1) / lengths
x = torch.tensor([[-2.0, -4.0, -6.0], [-8.0, 0.0, 0.0]])
lengths = torch.tensor([3, 1])
x.mean(dim=1)  # tensor([-4.0000, -2.6667])
mask = torch.arange(3) < lengths.unsqueeze(1)
mask  # tensor([[True, True, True], [True, False, False]])
(x * mask).sum(dim=1) / lengths  # tensor([-4., -8.])
x.amax(dim=1)  # tensor([-2., 0.])
x.masked_fill(~mask, -torch.inf).amax(dim=1)  # tensor([-2., -8.])

# %%
# Pack a padded batch: ``pack_padded_sequence``
# ---------------------------------------------
#
# A ``nn.utils.rnn.PackedSequence`` lines up all first steps, then all
# second steps: ``batch_sizes`` tells how many sequences are still running.
# Recurrent layers take it and skip the filling.
padded = torch.tensor([[1, 2, 3], [4, 5, 0], [6, 0, 0]])
packed = pack_padded_sequence(padded, [3, 2, 1], batch_first=True)
packed.data  # tensor([1, 4, 6, 2, 5, 3])
packed.batch_sizes  # tensor([3, 2, 1])
isinstance(packed, PackedSequence)  # True

# %%
# Pack and unpack a list: ``pack_sequence``, ``unpack_sequence``
# --------------------------------------------------------------
#
# Short for padding and packing, and back to a list. Longest first, or
# ``enforce_sorted=False``, which sorts and remembers the order.
sequences = [torch.tensor([4, 5]), torch.tensor([1, 2, 3])]
packed = pack_sequence(sequences, enforce_sorted=False)
packed.data  # tensor([1, 4, 2, 5, 3])
packed.sorted_indices  # tensor([1, 0])
[s.tolist() for s in unpack_sequence(packed)]  # [[4, 5], [1, 2, 3]]

# %%
# From packed to padded: ``pad_packed_sequence``
# ----------------------------------------------
#
# The result is the padded batch in your order, and the lengths on the CPU.
# ``batch_first`` is an argument of its own here: without it time comes
# first, whatever the layer was told. The batch is padded to its longest
# sequence, which may be shorter than your input; ``total_length`` gives
# another length.
sequences = [torch.tensor([4, 5]), torch.tensor([1, 2, 3])]
packed = pack_sequence(sequences, enforce_sorted=False)
padded, lengths = pad_packed_sequence(packed, batch_first=True)
padded  # tensor([[4, 5, 0], [1, 2, 3]])
lengths  # tensor([2, 3])
pad_packed_sequence(packed)[0].shape  # torch.Size([3, 2])
wide, _ = pad_packed_sequence(packed, True, -1, total_length=4)
wide  # tensor([[4, 5, -1, -1], [1, 2, 3, -1]])

# %%
# Packed equals each sequence alone: ``nn.LSTM`` on packed input
# --------------------------------------------------------------
#
# On a padded batch a layer reads on into the filling, and the backward
# direction even starts there. Packed, every sequence gets what it would get
# alone, and ``h_n`` is the state after its last valid step.
lstm = nn.LSTM(3, 4, batch_first=True, bidirectional=True).double()
x = torch.randn(2, 5, 3, dtype=torch.float64)
alone, (h_alone, _) = lstm(x[1:, :2])
packed = pack_padded_sequence(x, [5, 2], batch_first=True)
output, (h_n, _) = lstm(packed)
output, lengths = pad_packed_sequence(output, batch_first=True)
torch.allclose(output[1:, :2], alone)  # True
torch.allclose(h_n[:, 1:], h_alone)  # True
torch.allclose(lstm(x)[0][1:, :2], alone)  # False
output[1, 2:].abs().sum().item()  # 0.0

# %%
# The last valid output of a padded batch
# ---------------------------------------
#
# ``output[:, -1]`` is filling for all but the longest. Index each row at
# its length less one; after packing that is ``h_n`` of a layer that runs in
# one direction.
gru = nn.GRU(3, 4, batch_first=True, dtype=torch.float64)
x = torch.randn(3, 6, 3, dtype=torch.float64)
lengths = [6, 4, 1]
packed = pack_padded_sequence(x, lengths, batch_first=True)
output, h_n = gru(packed)
output, _ = pad_packed_sequence(output, batch_first=True)
last = output[torch.arange(3), torch.tensor(lengths) - 1]
torch.allclose(last, h_n[-1])  # True
output[1:, -1].abs().sum().item()  # 0.0

# %%
# A loss without filling: work on ``PackedSequence.data``
# -------------------------------------------------------
#
# ``data`` holds valid steps only, so a linear layer and a loss on it need
# no mask. Pack the targets in the same way. On padded targets
# ``ignore_index`` does the same.
logits = torch.randn(2, 3, 5)
targets = torch.tensor([[1, 2, 3], [4, -100, -100]])
lengths = [3, 1]
a = pack_padded_sequence(logits, lengths, batch_first=True)
b = pack_padded_sequence(targets, lengths, batch_first=True)
b.data  # tensor([1, 4, 2, 3])
loss = F.cross_entropy(logits.flatten(0, 1), targets.flatten())
torch.allclose(F.cross_entropy(a.data, b.data), loss)  # True

# %%
# Undo a sort: ``invert_permutation``
# -----------------------------------
#
# Turns the indices of a sort into those that put things back, as
# ``unsorted_indices`` of a packed sequence does for you. It is the argsort
# of a permutation, in linear time.
#
# .. glance:: lengths[order][back]
lengths = torch.tensor([2, 5, 3])
order = lengths.argsort(descending=True)
order  # tensor([1, 2, 0])
back = invert_permutation(order)
back  # tensor([2, 0, 1])
lengths[order][back]  # tensor([2, 5, 3])
torch.equal(back, order.argsort())  # True

# %%
# Error: lengths must be sorted in decreasing order, on the CPU
# -------------------------------------------------------------
#
# ``enforce_sorted=True`` is the default and only ONNX export needs it.
# Lengths belong on the CPU even when the batch is on a GPU: pass a list or
# ``lengths.cpu()``. A device without data stands for the GPU here.
x = torch.randn(2, 5, 3)
with suppress(RuntimeError):
    pack_padded_sequence(x, [2, 5], True)  # RuntimeError: must be sorted
packed = pack_padded_sequence(x, [2, 5], True, enforce_sorted=False)
packed.batch_sizes  # tensor([2, 2, 1, 1, 1])
lengths = torch.tensor([5, 2], device="meta")
with suppress(RuntimeError):
    pack_padded_sequence(x, lengths, True)  # RuntimeError: 1D CPU int64
with suppress(RuntimeError):
    pack_padded_sequence(x, [5, 0], True)  # RuntimeError: greater than 0
