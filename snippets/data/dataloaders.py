"""
Data loaders
============

Draw batches from a dataset, in order or shuffled, epoch after epoch.
"""
from contextlib import suppress
from itertools import cycle, islice

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import (
    BatchSampler,
    DataLoader,
    SequentialSampler,
    TensorDataset,
)

# %%
# Batches of a dataset: ``DataLoader`` with ``batch_size``
# --------------------------------------------------------
#
# One pass over the loader is one epoch. A batch has the structure of a
# sample, with one dimension more in front of every tensor. The last batch
# is short where the size does not divide.
inputs = torch.arange(10.0).reshape(5, 2)
targets = torch.tensor([0, 1, 0, 1, 1])
loader = DataLoader(TensorDataset(inputs, targets), batch_size=2)
len(loader)  # 3
x, y = next(iter(loader))
x  # tensor([[0., 1.], [2., 3.]])
y  # tensor([0, 1])
[len(x) for x, y in loader]  # [2, 2, 1]

# %%
# Shuffle anew in every epoch: ``DataLoader(shuffle=True)``
# ---------------------------------------------------------
#
# For training; validation data stay in order. Inputs and targets keep
# together, since whole samples are drawn. The generator must be on the
# default device: give one where that is not the CPU.
inputs = torch.arange(100)
generator = torch.Generator(torch.get_default_device())
dataset = TensorDataset(inputs, inputs**2)
loader = DataLoader(
    dataset, batch_size=100, shuffle=True, generator=generator
)
(first, squares), (second, _) = next(iter(loader)), next(iter(loader))
torch.equal(first.sort().values, inputs)  # True
torch.equal(first, second)  # False
torch.equal(squares, first**2)  # True

# %%
# Same order in every run: ``DataLoader(generator=...)``
# ------------------------------------------------------
#
# Seed a generator and give it to the loader: draws elsewhere in the
# program then cannot change the order. It moves on from epoch to epoch, so
# the epochs of one run still differ.
#
# .. glance:: run == two_epochs(0)
def two_epochs(seed):
    generator = torch.Generator(torch.get_default_device())
    generator.manual_seed(seed)
    loader = DataLoader(range(50), shuffle=True, generator=generator)
    return [[batch.item() for batch in loader] for _ in range(2)]


torch.randn(3)  # shape (3,)
run = two_epochs(0)
run == two_epochs(0)  # True
run == two_epochs(1)  # False
run[0] == run[1]  # False

# %%
# Leave out the short last batch: ``DataLoader(drop_last=True)``
# --------------------------------------------------------------
#
# For training where a batch of one sample does harm, as in
# ``nn.BatchNorm1d``, or where compiled code wants one shape. With shuffling
# other samples are left out each time. Keep it off for validation: those
# samples would never count.
loader = DataLoader(range(7), batch_size=3, drop_last=True)
len(loader)  # 2
[batch.tolist() for batch in loader]  # [[0, 1, 2], [3, 4, 5]]
norm = nn.BatchNorm1d(4)
with suppress(ValueError):
    norm(torch.randn(1, 4))  # ValueError: more than 1 value per channel

# %%
# Number of batches, number of samples: ``len(loader)``
# -----------------------------------------------------
#
# ``len(loader)`` counts batches, ``len(loader.dataset)`` samples. A
# scheduler that steps after each batch wants the first, an average over
# all samples the second.
n = 1000
for size in [1, 7, 32, 2000]:
    loader = DataLoader(range(n), batch_size=size)
    len(loader.dataset)  # 1000
    len(loader) == (n + size - 1) // size  # True
    whole = DataLoader(range(n), batch_size=size, drop_last=True)
    len(whole) == n // size  # True

# %%
# Average loss over an epoch with a short last batch (``DataLoader``)
# -------------------------------------------------------------------
#
# The mean of batch means counts the samples of a short batch too much.
# Weigh each mean by the size of its batch and divide by the number of
# samples.
#
# .. glance:: total / len(loader.dataset)
targets = torch.tensor([0.0, 0.0, 0.0, 0.0, 10.0])
loader = DataLoader(TensorDataset(targets), batch_size=4)
total, means = 0.0, []
for (batch,) in loader:
    loss = F.l1_loss(torch.zeros_like(batch), batch)
    means.append(loss.item())
    total += loss.item() * len(batch)
sum(means) / len(means)  # 5.0
total / len(loader.dataset)  # 2.0

# %%
# No batching: ``DataLoader(batch_size=None)``
# --------------------------------------------
#
# Gives the samples one by one, arrays as tensors, for a dataset that makes
# whole batches itself. ``batch_size=1`` is something else: it adds a
# dimension.
#
# .. glance:: [tuple(batch.shape) for batch in loader]
batches = [torch.zeros(8, 3), torch.zeros(5, 3)]
loader = DataLoader(batches, batch_size=None)
[tuple(batch.shape) for batch in loader]  # [(8, 3), (5, 3)]
next(iter(DataLoader(batches, batch_size=1)))  # shape (1, 8, 3)

# %%
# Slice tensors in one go: ``DataLoader`` with a ``BatchSampler``
# ---------------------------------------------------------------
#
# A loader takes samples one by one and stacks them, which is slow for data
# that lie in memory. As ``sampler``, a batch sampler hands lists of
# numbers to the dataset, which indexes once for the whole batch.
dataset = TensorDataset(torch.arange(5) * 10)
batches = BatchSampler(SequentialSampler(dataset), 2, drop_last=False)
loader = DataLoader(dataset, sampler=batches, batch_size=None)
[batch.tolist() for (batch,) in loader]  # [[0, 10], [20, 30], [40]]

# %%
# Iterate forever over a ``DataLoader``
# -------------------------------------
#
# For training by steps rather than epochs. ``itertools.cycle`` keeps every
# batch of the first epoch in memory and repeats that one order; a generator
# that starts the loader again shuffles again.
def forever(loader):
    while True:
        yield from loader


generator = torch.Generator(torch.get_default_device())
loader = DataLoader(range(50), shuffle=True, generator=generator)
steps = [batch.item() for batch in islice(forever(loader), 100)]
sorted(steps[:50]) == sorted(steps[50:])  # True
steps[:50] == steps[50:]  # False
kept = [batch.item() for batch in islice(cycle(loader), 100)]
kept[:50] == kept[50:]  # True

# %%
# Faster copies to the GPU: ``DataLoader(pin_memory=True)``
# ---------------------------------------------------------
#
# Puts batches of CPU tensors into page-locked memory, from which
# ``non_blocking=True`` copies while the program goes on. Without an
# accelerator it does nothing but warn, so ask first. "cannot pin
# 'torch.cuda.FloatTensor' only dense CPU tensors can be pinned" means that
# the dataset returns tensors of the GPU: return them on the CPU.
device = torch.get_default_device()
dataset = TensorDataset(torch.arange(4.0, device="cpu"))
gpu = torch.cuda.is_available()
for (x,) in DataLoader(dataset, batch_size=2, pin_memory=gpu):
    moved = x.to(device, non_blocking=True)
x.is_pinned() == gpu  # True
moved  # tensor([2., 3.])

# %%
# Same batch again: ``next(iter(loader))``; a loader is not subscriptable
# -----------------------------------------------------------------------
#
# Each ``iter(loader)`` starts a new epoch: without shuffling
# ``next(iter(loader))`` is the first batch each time. Keep the iterator, or
# write ``for``. A loader has no index: ask its dataset for one sample, and
# ``islice`` for the first batches.
loader = DataLoader(range(6), batch_size=2)
[next(iter(loader)).tolist() for _ in range(3)]  # [[0, 1], [0, 1], [0, 1]]
batches = iter(loader)
[next(batches).tolist() for _ in range(3)]  # [[0, 1], [2, 3], [4, 5]]
with suppress(TypeError):
    next(loader)  # TypeError: 'DataLoader' object is not an iterator
with suppress(TypeError):
    loader[0]  # TypeError: 'DataLoader' object is not subscriptable
loader.dataset[0]  # 0
[batch.tolist() for batch in islice(loader, 2)]  # [[0, 1], [2, 3]]

# %%
# Error: sampler option is mutually exclusive (``DataLoader``)
# ------------------------------------------------------------
#
# Only one may decide on the order: ``shuffle``, ``sampler`` or
# ``batch_sampler``; the last also decides on ``batch_size`` and
# ``drop_last``. To shuffle with a sampler, choose one that is random.
order = SequentialSampler(range(4))
with suppress(ValueError):
    DataLoader(
        range(4), shuffle=True, sampler=order
    )  # ValueError: sampler option is mutually exclusive with shuffle
batches = BatchSampler(order, 2, drop_last=False)
with suppress(ValueError):
    DataLoader(
        range(4), batch_size=2, batch_sampler=batches
    )  # ValueError: batch_sampler option is mutually exclusive
loader = DataLoader(range(4), batch_sampler=batches)
[batch.tolist() for batch in loader]  # [[0, 1], [2, 3]]

# %%
# Error: num_samples should be a positive integer (``DataLoader``)
# ----------------------------------------------------------------
#
# A dataset with no samples cannot be shuffled: most often a folder was
# not found or a filter let nothing through. Without ``shuffle`` the loop
# just does nothing, and an average after it divides by zero.
with suppress(ValueError):
    DataLoader(
        [], shuffle=True
    )  # ValueError: num_samples should be a positive integer value, but got
len(list(DataLoader([])))  # 0
