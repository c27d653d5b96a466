"""
Padding and packing
===================

Put sequences of different lengths into one batch, and leave the padding out
of recurrent layers, means and losses.
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
# ``pad_sequence`` pads each sequence to the length of the longest. By
# default time is the first dimension; pass ``batch_first=True`` to change
# that. Choose a ``padding_value`` that is no valid token, and
# ``padding_side="left"`` for text generation. Keep the lengths, because you
# need them later.
#
# .. tensors:: a, b, pad_sequence([a, b], batch_first=True)
a, b = torch.tensor([5, 6, 7]), torch.tensor([8])
pad_sequence([a, b], batch_first=True)  # tensor([[5, 6, 7], [8, 0, 0]])
pad_sequence([a, b])  # tensor([[5, 8], [6, 0], [7, 0]])
left = pad_sequence([a, b], True, padding_value=-1, padding_side="left")
left  # tensor([[5, 6, 7], [-1, -1, 8]])

# %%
# Remove the padding again: ``unpad_sequence``
# --------------------------------------------
#
# ``unpad_sequence`` reverses ``pad_sequence`` if the padding is on the
# right. It cuts each row to its length, so you need the lengths. Pass the
# same ``batch_first`` as before. With padding on the left, the result is
# wrong, as the last line shows.
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
# ``mean``, ``max`` and softmax treat padding like any other value. Compare
# the positions with the lengths to get a mask. For a mean, sum the valid
# values and divide by the lengths. For a maximum, replace the padding with
# minus infinity first.
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
# A ``nn.utils.rnn.PackedSequence`` stores the first steps of all sequences,
# then all second steps, and so on. ``batch_sizes`` says how many sequences
# have a value at each step. Recurrent layers accept a packed sequence and
# skip the padding.
padded = torch.tensor([[1, 2, 3], [4, 5, 0], [6, 0, 0]])
packed = pack_padded_sequence(padded, [3, 2, 1], batch_first=True)
packed.data  # tensor([1, 4, 6, 2, 5, 3])
packed.batch_sizes  # tensor([3, 2, 1])
isinstance(packed, PackedSequence)  # True

# %%
# Pack and unpack a list: ``pack_sequence``, ``unpack_sequence``
# --------------------------------------------------------------
#
# ``pack_sequence`` packs a list of sequences directly, and
# ``unpack_sequence`` turns the result back into a list. By default the
# longest sequence must come first. With ``enforce_sorted=False`` the
# function sorts the sequences and remembers their order.
sequences = [torch.tensor([4, 5]), torch.tensor([1, 2, 3])]
packed = pack_sequence(sequences, enforce_sorted=False)
packed.data  # tensor([1, 4, 2, 5, 3])
packed.sorted_indices  # tensor([1, 0])
[s.tolist() for s in unpack_sequence(packed)]  # [[4, 5], [1, 2, 3]]

# %%
# From packed to padded: ``pad_packed_sequence``
# ----------------------------------------------
#
# The function returns the padded batch in the original order, and the
# lengths on the CPU. Pass ``batch_first=True`` here too if your layer has
# it, because by default time is the first dimension. The batch is padded to
# its longest sequence, and ``total_length`` sets a larger length.
sequences = [torch.tensor([4, 5]), torch.tensor([1, 2, 3])]
packed = pack_sequence(sequences, enforce_sorted=False)
padded, lengths = pad_packed_sequence(packed, batch_first=True)
padded  # tensor([[4, 5, 0], [1, 2, 3]])
lengths  # tensor([2, 3])
pad_packed_sequence(packed)[0].shape  # torch.Size([3, 2])
wide, _ = pad_packed_sequence(packed, True, -1, total_length=4)
wide  # tensor([[4, 5, -1, -1], [1, 2, 3, -1]])

# %%
# Packing gives the same result as each sequence alone: ``nn.LSTM``
# -----------------------------------------------------------------
#
# On a padded batch, a recurrent layer also reads the padding, and its
# backward direction even starts in the padding. On a packed batch, each
# sequence gets the same result as if it were alone. ``h_n`` then holds the
# state after the last valid step of each sequence.
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
# ``output[:, -1]`` is padding for each sequence that is shorter than the
# longest. Index each row at its length minus one instead. If the input was
# packed and the layer runs in one direction, ``h_n`` holds the same values.
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
# Compute a loss without the padding: ``PackedSequence.data``
# -----------------------------------------------------------
#
# ``data`` of a packed sequence contains the valid steps only. A linear
# layer or a loss that takes ``data`` needs no mask. Pack the targets in the
# same way. For padded targets, the ``ignore_index`` of the loss gives the
# same result.
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
# ``invert_permutation`` takes the indices of a sort and returns the indices
# that restore the original order. The result equals the argsort of the
# permutation, but takes only linear time. A packed sequence stores these
# indices as ``unsorted_indices``.
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
# By default ``enforce_sorted`` is True, but this is only needed to export a
# model to the ONNX format. The lengths must be on the CPU even if the batch
# is on a GPU, so pass a list or ``lengths.cpu()``. Here the meta device
# takes the place of the GPU. A length of 0 raises an error, too.
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
