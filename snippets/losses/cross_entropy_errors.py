"""
Errors of cross entropy
=======================

Find what is wrong with the loss of a classifier, error message or not.
"""
from contextlib import suppress

import numpy as np
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
# Loss is nan: all targets of a batch are ignored (``ignore_index``)
# ------------------------------------------------------------------
#
# The mean divides by the number of targets that count. If a batch holds
# padding alone, that is 0 / 0. Sum the loss, and divide by the number or
# by 1; or skip such a batch.
logits = torch.zeros(2, 3, requires_grad=True)
target = torch.tensor([-100, -100])
F.cross_entropy(logits, target).item()  # nan
counted = (target != -100).sum().clamp(min=1)
loss = F.cross_entropy(logits, target, reduction="sum") / counted
loss.item()  # 0.0
loss.backward()
logits.grad  # tensor([[0., 0., 0.], [0., 0., 0.]])

# %%
# Error: expected Long but found Int, or Float (``F.cross_entropy``)
# ------------------------------------------------------------------
#
# Class indices are int64 (here also uint8), probabilities are floats of the
# logits' shape. Indices as int32 or float, and one-hot rows of integers,
# are errors. A GPU has its own words, hence the CPU.
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
# Error: Target 255 is out of bounds (``ignore_index=255``)
# ---------------------------------------------------------
#
# Masks of a segmentation mark pixels without a label with 255, which the
# loss takes for class 255. Pass ``ignore_index=255``, and leave these
# pixels out of the metrics. Resize a mask with ``"nearest"``, so that no
# new value appears.
logits = torch.zeros(1, 3, 2, 2, device="cpu")
mask = torch.tensor([[[0, 1], [2, 255]]], device="cpu")
with suppress(IndexError):
    F.cross_entropy(logits, mask)  # IndexError: Target 255 is out of bounds
F.cross_entropy(logits, mask, ignore_index=255)  # tensor(1.0986)
hit = logits.argmax(dim=1) == mask
hit[mask != 255].float().mean()  # tensor(0.3333)

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
    F.cross_entropy(logits, target)  # RuntimeError: 0D or 1D target tensor
F.cross_entropy(logits, target.squeeze(1))  # tensor(1.0986)

# %%
# Error: only batches of spatial targets supported (3D tensors)
# -------------------------------------------------------------
#
# For logits (N, C, H, W) class indices have the shape (N, H, W). Drop the
# channel of a mask (N, 1, H, W) with ``squeeze(1)``. Turn a one-hot mask
# (N, C, H, W) of integers into indices with ``argmax(1)``, or into floats.
logits = torch.randn(2, 3, 4, 4)
mask = torch.randint(3, (2, 1, 4, 4))
with suppress(RuntimeError):
    F.cross_entropy(logits, mask)  # RuntimeError: only batches of spatial
loss = F.cross_entropy(logits, mask.squeeze(1))
one_hot = F.one_hot(mask.squeeze(1), 3).movedim(-1, 1)
with suppress(RuntimeError):
    F.cross_entropy(logits, one_hot)  # RuntimeError: Expected floating
torch.equal(F.cross_entropy(logits, one_hot.argmax(1)), loss)  # True
torch.allclose(F.cross_entropy(logits, one_hot.float()), loss)  # True

# %%
# Error: Expected target size (logits of shape (N, L, C))
# -------------------------------------------------------
#
# A model of sequences gives (N, L, C), but the classes must be dimension 1.
# The message asks for targets (N, C), which is not what you want. Transpose
# the logits, or join sequences and positions into one dimension.
logits = torch.randn(2, 5, 10)
target = torch.randint(10, (2, 5))
with suppress(RuntimeError):
    F.cross_entropy(logits, target)  # RuntimeError: Expected target size
loss = F.cross_entropy(logits.transpose(1, 2), target)
flat = F.cross_entropy(logits.flatten(0, 1), target.flatten())
torch.allclose(loss, flat)  # True

# %%
# Error: expected scalar type Float but found Double (class weights)
# ------------------------------------------------------------------
#
# Class weights computed with NumPy are float64, and the logits are float32.
# Convert the weights to the dtype of the logits.
counts = np.array([50.0, 30.0, 20.0])
weight = torch.from_numpy(counts.sum() / counts)
logits, target = torch.zeros(2, 3, device="cpu"), torch.tensor([0, 2]).cpu()
with suppress(RuntimeError):
    F.cross_entropy(logits, target, weight)  # RuntimeError: expected scalar
nn.CrossEntropyLoss(weight.float())(logits, target)  # tensor(1.0986)

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
