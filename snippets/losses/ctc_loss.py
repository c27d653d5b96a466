"""
CTC loss
========

Train on sequences when you know the order of the labels but not at which
time steps they occur, as in speech recognition.
"""
import itertools
from contextlib import suppress

import torch
import torch.nn.functional as F
from torch import nn

# %%
# Sequence without alignment: ``nn.CTCLoss``, ``F.ctc_loss``
# ----------------------------------------------------------
#
# Pass log-probabilities of shape (T, N, C), with time first, and targets of
# shape (N, S). Also pass the length of each input in time steps and of each
# target in labels. One class is the blank, which means "no label" and does
# not occur in the targets. By default this is class 0, so the labels start
# at 1.
T, N, C, S = 50, 4, 20, 12
log_p = torch.randn(T, N, C).log_softmax(dim=2)
targets = torch.randint(1, C, (N, S))
input_lengths = torch.tensor([50, 50, 45, 40])
target_lengths = torch.tensor([12, 10, 8, 5])
loss = nn.CTCLoss()(log_p, targets, input_lengths, target_lengths)
loss.shape  # torch.Size([])
same = F.ctc_loss(log_p, targets, input_lengths, target_lengths)
torch.allclose(loss, same)  # True

# %%
# What ``F.ctc_loss`` sums: all paths that read as the target
# -----------------------------------------------------------
#
# A path assigns one class to each time step. To read a path, merge repeated
# classes and then drop the blanks. The loss is :math:`-\log` of the total
# probability of the paths that read as the target. Here these are 5 of the
# 27 paths.
def read(path):
    return [label for label, _ in itertools.groupby(path) if label != 0]


log_p = torch.randn(3, 1, 3).log_softmax(dim=2)
every = itertools.product(range(3), repeat=3)
paths = [path for path in every if read(path) == [1, 2]]
paths  # [(0, 1, 2), (1, 0, 2), (1, 1, 2), (1, 2, 0), (1, 2, 2)]
path_log_p = [log_p[range(3), 0, path].sum() for path in paths]
by_hand = -torch.stack(path_log_p).logsumexp(dim=0)
length = torch.tensor([3]), torch.tensor([2])
loss = F.ctc_loss(log_p, torch.tensor([[1, 2]]), *length, reduction="sum")
torch.allclose(loss, by_hand, atol=1e-5)  # True

# %%
# What the mean of ``nn.CTCLoss`` divides by: ``reduction=``
# ----------------------------------------------------------
#
# ``"mean"`` divides the loss of each sequence by its target length and then
# averages over the batch, so long sequences do not count more. ``"none"``
# returns the negative log-likelihood of each sequence, and ``"sum"`` adds
# these up. Neither divides by the length.
log_p = torch.randn(10, 2, 5).log_softmax(dim=2)
targets = torch.tensor([[1, 2, 3, 4], [2, 1, 0, 0]])
lengths = torch.tensor([10, 10]), torch.tensor([4, 2])
each = F.ctc_loss(log_p, targets, *lengths, reduction="none")
each.shape  # torch.Size([2])
mean = F.ctc_loss(log_p, targets, *lengths)
torch.allclose(mean, (each / torch.tensor([4.0, 2.0])).mean())  # True
total = F.ctc_loss(log_p, targets, *lengths, reduction="sum")
torch.allclose(total, each.sum())  # True

# %%
# Padded or joined targets for ``nn.CTCLoss``
# -------------------------------------------
#
# The targets can be padded to shape (N, S). The padding value does not
# matter, because the lengths say which labels count. The targets can also
# be one 1-D tensor with all labels one after the other, without padding.
log_p = torch.randn(10, 2, 5).log_softmax(dim=2)
input_lengths = torch.tensor([10, 10])
target_lengths = torch.tensor([4, 2])
padded = torch.tensor([[1, 2, 3, 4], [2, 1, 0, 0]])
joined = torch.tensor([1, 2, 3, 4, 2, 1])
criterion = nn.CTCLoss()
a = criterion(log_p, padded, input_lengths, target_lengths)
b = criterion(log_p, joined, input_lengths, target_lengths)
torch.allclose(a, b)  # True

# %%
# Which class is the blank: ``nn.CTCLoss(blank=...)``
# ---------------------------------------------------
#
# You can use any class as the blank, if training and decoding use the same
# one. If you move the blank from class 0 to the end, each label becomes
# smaller by one.
log_p = torch.randn(10, 1, 5).log_softmax(dim=2)
lengths = torch.tensor([10]), torch.tensor([3])
first = nn.CTCLoss(blank=0)(log_p, torch.tensor([[1, 2, 4]]), *lengths)
moved = log_p.roll(-1, dims=2)
last = nn.CTCLoss(blank=4)(moved, torch.tensor([[0, 1, 3]]), *lengths)
torch.allclose(first, last)  # True

# %%
# Read the prediction: greedy CTC decoding
# ----------------------------------------
#
# Take the best class of each time step, merge repeats with
# ``torch.unique_consecutive``, and then drop the blanks. Keep this order.
# If you drop the blanks first, two equal labels with a blank between them
# become one.
best = torch.tensor([0, 3, 3, 0, 3, 1, 1, 0, 0, 2])
log_p = F.one_hot(best, 4).float().log_softmax(dim=1)
path = log_p.argmax(dim=1)
merged = torch.unique_consecutive(path)
merged  # tensor([0, 3, 0, 3, 1, 0, 2])
merged[merged != 0]  # tensor([3, 3, 1, 2])
torch.unique_consecutive(path[path != 0])  # tensor([3, 1, 2])

# %%
# Infinite loss: target too long (``nn.CTCLoss(zero_infinity=True)``)
# -------------------------------------------------------------------
#
# A target needs one time step per label, and one more for the blank between
# two equal labels. With fewer time steps the loss is infinite and the
# gradient is NaN. Check the input lengths first, because they must be
# divided by the stride of the network. ``zero_infinity=True`` sets such
# losses and gradients to 0.
log_p = torch.zeros(3, 1, 4).log_softmax(dim=2)
lengths = torch.tensor([3]), torch.tensor([3])
F.ctc_loss(log_p, torch.tensor([[1, 2, 3]]), *lengths)  # tensor(1.3863)
double = torch.tensor([[1, 1, 3]])
F.ctc_loss(log_p, double, *lengths)  # tensor(inf)
nn.CTCLoss(zero_infinity=True)(log_p, double, *lengths)  # tensor(0.)

# %%
# Error: expected input_lengths to have value at most (``nn.CTCLoss``)
# --------------------------------------------------------------------
#
# The first dimension of the input is time. If the network returns (N, T,
# C), transpose it. The example runs on the CPU, because a GPU does not
# always check the lengths.
output = torch.randn(2, 10, 5, device="cpu").log_softmax(dim=2)
targets = torch.tensor([[1, 2], [3, 4]], device="cpu")
lengths = (10, 10), (2, 2)
with suppress(RuntimeError):
    F.ctc_loss(output, targets, *lengths)  # RuntimeError: input_lengths
loss = F.ctc_loss(output.transpose(0, 1), targets, *lengths)
loss > 0  # tensor(True)

# %%
# Logits or probabilities given to ``F.ctc_loss``: a wrong loss
# -------------------------------------------------------------
#
# ``F.ctc_loss`` does not check its input. With logits or probabilities the
# loss is wrong and can be negative. Apply ``log_softmax`` over the classes
# first. If the correct path is certain, the loss is then 0.
logits = torch.tensor([[[0.0, 40.0]], [[40.0, 0.0]]])
target = torch.tensor([[1]])
lengths = torch.tensor([2]), torch.tensor([1])
F.ctc_loss(logits, target, *lengths)  # tensor(-80.)
F.ctc_loss(logits.softmax(dim=2), target, *lengths)  # tensor(-2.4076)
F.ctc_loss(logits.log_softmax(dim=2), target, *lengths)  # tensor(0.)
