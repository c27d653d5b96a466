"""
Losses over many classes
========================

Save memory or time if there are very many classes, such as the tokens of a
language model.
"""
from contextlib import suppress

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.checkpoint import checkpoint

# %%
# How much memory the logits of a language model take
# ---------------------------------------------------
#
# The logits have one number for each token of the batch and each entry of
# the vocabulary. Here they take 3.9 GiB, much more than the 0.24 GiB of the
# last layer's weight. Cross entropy saves as much again for the backward
# pass. The tensors are on the meta device, so no memory is allocated.
with torch.device("meta"):
    hidden = torch.empty(8, 2048, 1024, dtype=torch.bfloat16)
    head = nn.Linear(1024, 128_256, bias=False, dtype=torch.bfloat16)
logits = head(hidden)
logits.shape  # torch.Size([8, 2048, 128256])
logits.nbytes / 2**30  # 3.9140625
head.weight.nbytes / 2**30  # 0.24462890625

# %%
# Last layer and loss in one: ``F.linear_cross_entropy``
# ------------------------------------------------------
#
# ``F.linear_cross_entropy`` gives the same loss as a linear layer followed
# by cross entropy. With ``nn.LinearCrossEntropyOptions`` it processes the
# rows in chunks, so it does not need the logits of all rows at the same
# time. ``nn.LinearCrossEntropyLoss`` is a module that holds the weight.
#
# .. since:: 2.13
hidden, weight = torch.randn(6, 4), torch.randn(10, 4)
target = torch.randint(10, (6,))
two_calls = F.cross_entropy(F.linear(hidden, weight), target)
loss = F.linear_cross_entropy(hidden, weight, target)
torch.allclose(loss, two_calls, atol=1e-5)  # True
options = nn.LinearCrossEntropyOptions(batch_chunk_size=2)
loss = F.linear_cross_entropy(hidden, weight, target, options=options)
torch.allclose(loss, two_calls, atol=1e-5)  # True
layer = nn.LinearCrossEntropyLoss(in_features=4, num_classes=10)
layer.linear.weight.shape  # torch.Size([10, 4])

# %%
# Cross entropy in chunks, by ``checkpoint``
# ------------------------------------------
#
# Compute the logits and the loss of a few rows at a time. ``checkpoint``
# does not keep the logits and computes them again in the backward pass, so
# memory holds the logits of one chunk at a time. Add up sums and divide
# once at the end. The loss and the gradient are the same as without chunks.
def chunk_loss(hidden, weight, target):
    return F.cross_entropy(hidden @ weight.T, target, reduction="sum")


hidden, target = torch.randn(6, 4).double(), torch.randint(10, (6,))
weight = torch.randn(10, 4).double().requires_grad_()
loss = 0.0
for h, t in zip(hidden.split(2), target.split(2)):
    loss = loss + checkpoint(chunk_loss, h, weight, t, use_reentrant=False)
loss = loss / 6
whole = F.cross_entropy(hidden @ weight.T, target)
torch.allclose(loss, whole)  # True
(a,) = torch.autograd.grad(loss, weight)
(b,) = torch.autograd.grad(whole, weight)
torch.allclose(a, b)  # True

# %%
# Frequent classes first: ``nn.AdaptiveLogSoftmaxWithLoss``
# ---------------------------------------------------------
#
# ``nn.AdaptiveLogSoftmaxWithLoss`` is the last layer and the loss in one.
# The classes must be sorted by frequency, and ``cutoffs`` divides them into
# clusters. Rare clusters have smaller layers, so there are fewer parameters
# than in a linear layer. The layer returns the log-probability of each
# target and the loss, which is minus the mean of these log-probabilities.
adaptive = nn.AdaptiveLogSoftmaxWithLoss(16, 1000, cutoffs=[50, 200])
hidden = torch.randn(5, 16)
target = torch.tensor([3, 999, 120, 7, 49])
output, loss = adaptive(hidden, target)
torch.allclose(loss, -output.mean())  # True
log_p = adaptive.log_prob(hidden)
log_p.shape  # torch.Size([5, 1000])
torch.allclose(loss, F.nll_loss(log_p, target), atol=1e-5)  # True
best = adaptive.predict(hidden)
torch.equal(best, log_p.argmax(dim=1))  # True
sum(p.numel() for p in adaptive.parameters())  # 2312
16 * 1000  # 16000

# %%
# Perplexity from ``F.cross_entropy``
# -----------------------------------
#
# Perplexity is the exponential of the mean loss per token. If a model gives
# k tokens the same probability, its perplexity is k. Average the losses of
# all tokens before the exponential, and do not average the perplexities of
# batches. To get the loss in bits, divide it by ``log(2)``.
logits = torch.zeros(4, 50)
target = torch.tensor([3, 1, 4, 1])
F.cross_entropy(logits, target).exp()  # tensor(50.0000)
losses = torch.tensor([1.0, 3.0])
losses.mean().exp()  # tensor(7.3891)
losses.exp().mean()  # tensor(11.4019)
nats = F.cross_entropy(torch.zeros(4, 8), target)
nats / torch.tensor(2.0).log()  # tensor(3.0000)

# %%
# Log-probability of each token: ``gather`` with labels of -100
# -------------------------------------------------------------
#
# To score a text, for example in training on preferred answers (DPO), add
# the log-probabilities of its tokens. ``gather`` does not know
# ``ignore_index`` and raises an error for -100. Replace these labels with 0
# first, and set their positions to 0 afterwards. ``F.cross_entropy`` with
# ``reduction="none"`` gives the same numbers with the opposite sign.
logits = torch.tensor([[[2.0, 0, 0], [0, 1, 0], [0, 0, 3]]], device="cpu")
labels = torch.tensor([[0, 2, -100]], device="cpu")
log_p = logits.log_softmax(dim=-1)
with suppress(RuntimeError):
    log_p.gather(
        -1, labels.unsqueeze(-1)
    )  # RuntimeError: index -100 is out of bounds for dimension 2
real = labels != -100
index = labels.masked_fill(~real, 0).unsqueeze(-1)
each = log_p.gather(-1, index).squeeze(-1) * real
each  # tensor([[-0.2395, -1.5514, 0.0000]])
each.sum(dim=1)  # tensor([-1.7910])
loss = F.cross_entropy(logits[0], labels[0], reduction="none")
torch.allclose(each[0], -loss)  # True
