"""
Errors of cross entropy
=======================

Find out why the loss of a classifier raises an error, is nan or negative,
or does not fall.
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
# ``nn.CrossEntropyLoss`` applies softmax itself, so with a softmax layer it
# is applied twice. A confident and correct prediction of 10 classes then
# still has a loss of 1.46. Let the network return logits. ``argmax`` works
# on logits, too.
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
# ``nn.NLLLoss`` expects log-probabilities. With probabilities it raises no
# error and gives a loss between -1 and 0. If the loss of a classifier is
# negative, look for this mistake. To check the input, apply ``exp``; each
# row should sum to 1.
probability = torch.tensor([[0.5, 0.25, 0.25]])
target = torch.tensor([0])
F.nll_loss(probability, target)  # tensor(-0.5000)
F.nll_loss(probability.log(), target)  # tensor(0.6931)

# %%
# Warning: ``nn.NLLLoss2d`` has been deprecated
# ---------------------------------------------
#
# Use ``nn.NLLLoss`` instead. It takes images of shape (N, C, H, W) and
# gives the same result.
log_p = torch.randn(2, 5, 4, 4).log_softmax(dim=1)
target = torch.randint(5, (2, 4, 4))
old = nn.NLLLoss2d()  # FutureWarning: Please use `NLLLoss` instead
torch.allclose(old(log_p, target), nn.NLLLoss()(log_p, target))  # True

# %%
# Loss is nan: all targets of a batch are ignored (``ignore_index``)
# ------------------------------------------------------------------
#
# The mean divides by the number of targets that are not ignored. If a batch
# has padding only, the mean is 0/0. Use ``reduction="sum"`` and divide the
# sum by the number of targets that are not ignored, but at least by 1. You
# can also skip such a batch.
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
# Class indices must be int64; uint8 works here, too. Class probabilities
# must be floats with the shape of the logits. Indices of dtype int32 or
# float raise an error, and so do one-hot rows of integers. The messages on
# a GPU are different.
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
# With C logits the classes are 0 to C - 1. The error appears if the labels
# start at 1 or if the last layer has too few outputs. On a GPU the message
# is "device-side assert triggered", and the process cannot use the GPU
# afterwards. Run the code on the CPU to find the label.
logits = torch.zeros(3, 3, device="cpu")
labels = torch.tensor([1, 2, 3], device="cpu")
with suppress(IndexError):
    F.cross_entropy(logits, labels)  # IndexError: Target 3 is out of bounds
F.cross_entropy(logits, labels - 1)  # tensor(1.0986)

# %%
# Error: Target 255 is out of bounds (``ignore_index=255``)
# ---------------------------------------------------------
#
# Segmentation masks often use 255 for pixels without a label, and the loss
# takes it for class 255. Pass ``ignore_index=255``, and leave these pixels
# out of the metrics, too. Resize a mask with ``"nearest"``, so that no new
# values appear.
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
# The labels have shape (N, 1) instead of (N,), for example because they
# come from ``frame[["label"]]`` of a data frame. Remove the dimension with
# ``squeeze(1)``. Pass the 1, so that a batch of one sample keeps its batch
# dimension.
logits = torch.zeros(2, 3)
target = torch.tensor([[0], [2]])
with suppress(RuntimeError):
    F.cross_entropy(logits, target)  # RuntimeError: 0D or 1D target tensor
F.cross_entropy(logits, target.squeeze(1))  # tensor(1.0986)

# %%
# Error: only batches of spatial targets supported (3D tensors)
# -------------------------------------------------------------
#
# For logits of shape (N, C, H, W), the class indices have shape (N, H, W).
# If the mask has shape (N, 1, H, W), remove the channel with
# ``squeeze(1)``. Convert an integer one-hot mask to indices with
# ``argmax(1)``, or to floats with ``float()``.
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
# A sequence model returns logits of shape (N, L, C), but the loss expects
# the classes in dimension 1. The message asks for targets of another shape,
# but your targets are right. Transpose the logits, or flatten the batch and
# the positions into one dimension.
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
# Class weights from NumPy are float64, but the logits are float32. Convert
# the weights to the dtype of the logits, here with ``float()``.
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
# The logits of a single sample have one dimension, so there is no dimension
# 1. ``dim=-1`` works for a single sample and for a batch.
# ``F.cross_entropy`` also takes a 1-D input with a 0-D target.
logits = torch.tensor([1.0, 2.0, 3.0])
with suppress(IndexError):
    F.log_softmax(logits, dim=1)  # IndexError: Dimension out of range
log_p = F.log_softmax(logits, dim=-1)
log_p.exp().sum()  # tensor(1.)
-log_p[2]  # tensor(0.4076)
F.cross_entropy(logits, torch.tensor(2))  # tensor(0.4076)
