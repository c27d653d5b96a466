"""
Errors of cross entropy
=======================

Find what is wrong with the loss of a classifier, error message or not.
"""
from contextlib import suppress

import torch
import torch.nn.functional as F
from torch import nn

# %%
# Softmax before ``nn.CrossEntropyLoss``: no error, a worse loss
# --------------------------------------------------------------
#
# The loss applies softmax itself. Given probabilities it applies it twice:
# a sure and right prediction of 10 classes still costs 1.46, and gradients
# shrink. End the network in logits; ``argmax`` needs no softmax either.
#
# .. glance:: F.cross_entropy(logits.softmax(dim=1), target)
logits = torch.zeros(1, 10)
logits[0, 3] = 50.0
target = torch.tensor([3])
F.cross_entropy(logits, target)  # tensor(0.)
F.cross_entropy(logits.softmax(dim=1), target)  # tensor(1.4612)
torch.tensor(1 + 9 / torch.e).log()  # tensor(1.4612)
logits.argmax(dim=1)  # tensor([3])

# %%
# Probabilities given to ``nn.NLLLoss``: a negative loss
# ------------------------------------------------------
#
# It expects log-probabilities, which are never above 0; probabilities give
# a loss between -1 and 0 without an error. A negative loss of a classifier
# is the sign. The exponential of the right input sums to 1.
probability = torch.tensor([[0.5, 0.25, 0.25]])
target = torch.tensor([0])
F.nll_loss(probability, target)  # tensor(-0.5000)
F.nll_loss(probability.log(), target)  # tensor(0.6931)

# %%
# Warning: ``nn.NLLLoss2d`` has been deprecated
# ---------------------------------------------
#
# ``nn.NLLLoss`` takes images (N, C, H, W) itself, and computes the same.
log_p = torch.randn(2, 5, 4, 4).log_softmax(dim=1)
target = torch.randint(5, (2, 4, 4))
old = nn.NLLLoss2d()  # FutureWarning: Please use `NLLLoss` instead
torch.allclose(old(log_p, target), nn.NLLLoss()(log_p, target))  # True

# %%
# Error: expected Long but found Int, or Float (``F.cross_entropy``)
# ------------------------------------------------------------------
#
# Class indices are int64 or uint8, class probabilities are floats of the
# shape of the logits. Indices as int32 or float, and one-hot rows of
# integers, are errors. A GPU has its own words, hence the CPU.
logits = torch.zeros(2, 3, device="cpu")
target = torch.tensor([0, 2], dtype=torch.int32, device="cpu")
with suppress(RuntimeError):
    F.cross_entropy(
        logits, target
    )  # RuntimeError: got Int since 2.12, RuntimeError: found Int before
half = target.half()
with suppress(RuntimeError):
    F.cross_entropy(
        logits, half
    )  # RuntimeError: got Half since 2.12, RuntimeError: found Half before
one_hot = torch.tensor([[1, 0, 0], [0, 0, 1]], device="cpu")
with suppress(RuntimeError):
    F.cross_entropy(logits, one_hot)  # RuntimeError: got Long
F.cross_entropy(logits, target.long())  # tensor(1.0986)
F.cross_entropy(logits, target.to(torch.uint8))  # tensor(1.0986)
F.cross_entropy(logits, one_hot.float())  # tensor(1.0986)

# %%
# Error: target is out of bounds (``F.cross_entropy``)
# ----------------------------------------------------
#
# C logits know the classes 0 to C - 1. Labels that count from 1, or too few
# outputs of the last layer, end here. On a GPU it is "device-side assert
# triggered" and the process can use the GPU no more, so find it on the CPU,
# as here.
logits = torch.zeros(3, 3, device="cpu")
labels = torch.tensor([1, 2, 3], device="cpu")
with suppress(IndexError):
    F.cross_entropy(logits, labels)  # IndexError: Target 3 is out of bounds
F.cross_entropy(logits, labels - 1)  # tensor(1.0986)

# %%
# Error: multi-target not supported (``F.cross_entropy``)
# -------------------------------------------------------
#
# A column (N, 1) of labels, as ``frame[["label"]]`` of a data frame gives
# it, has one dimension too many. Squeeze it, naming the dimension so that a
# batch of 1 stays a batch.
logits = torch.zeros(2, 3)
target = torch.tensor([[0], [2]])
with suppress(RuntimeError):
    F.cross_entropy(logits, target)  # RuntimeError: multi-target not
F.cross_entropy(logits, target.squeeze(1))  # tensor(1.0986)

# %%
# Error: dimension out of range (``F.log_softmax``)
# -------------------------------------------------
#
# The logits of one sample are 1-D and have no dimension 1; the last one,
# ``dim=-1``, is right for one sample and for a batch. ``F.cross_entropy``
# takes a 1-D input with a 0-D target as it is.
logits = torch.tensor([1.0, 2.0, 3.0])
with suppress(IndexError):
    F.log_softmax(logits, dim=1)  # IndexError: Dimension out of range
log_p = F.log_softmax(logits, dim=-1)
log_p.exp().sum()  # tensor(1.)
-log_p[2]  # tensor(0.4076)
F.cross_entropy(logits, torch.tensor(2))  # tensor(0.4076)
