"""
Data loaders
============

Load batches from a dataset, in order or shuffled, for one epoch after
another.
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
# One pass over the loader is an epoch. A batch has the same structure as a
# sample, and each tensor has one more dimension in front. The last batch is
# shorter if the batch size does not divide the number of samples.
inputs = torch.arange(10.0).reshape(5, 2)
targets = torch.tensor([0, 1, 0, 1, 1])
loader = DataLoader(TensorDataset(inputs, targets), batch_size=2)
len(loader)  # 3
x, y = next(iter(loader))
x  # tensor([[0., 1.], [2., 3.]])
y  # tensor([0, 1])
[len(x) for x, y in loader]  # [2, 2, 1]

# %%
# Shuffle in every epoch: ``DataLoader(shuffle=True)``
# ----------------------------------------------------
#
# Shuffle the training set, and leave the validation set in order. The
# loader shuffles whole samples, so each input stays with its target. The
# generator must be on the default device. Pass one if this device is not
# the CPU.
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
# Pass a seeded generator to the loader. Random draws elsewhere in the
# program then have no influence on the order. The state of the generator
# advances from epoch to epoch, so the epochs of one run still differ.
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
# Use ``drop_last=True`` in training if a batch of one sample raises an
# error, as with ``nn.BatchNorm1d``, or if compiled code needs a fixed
# shape. With shuffling, each epoch leaves out other samples. Do not use it
# for validation, because some samples would never be counted.
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
# ``len(loader)`` is the number of batches, and ``len(loader.dataset)`` is
# the number of samples. Use the first for a scheduler that steps after each
# batch, and the second for an average over all samples.
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
# The mean of the batch means gives too much weight to the samples of a
# short batch. Multiply each batch mean by the size of its batch, and divide
# the sum by the number of samples.
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
# With ``batch_size=None`` the loader returns the samples one by one and
# does not batch them. Use it for a dataset that returns whole batches.
# ``batch_size=1`` is different, because it adds a dimension.
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
# By default a loader fetches samples one by one and stacks them, which is
# slow for data in memory. Pass a batch sampler as ``sampler``, together
# with ``batch_size=None``. The dataset then gets a list of indices and is
# indexed once for the whole batch.
dataset = TensorDataset(torch.arange(5) * 10)
batches = BatchSampler(SequentialSampler(dataset), 2, drop_last=False)
loader = DataLoader(dataset, sampler=batches, batch_size=None)
[batch.tolist() for (batch,) in loader]  # [[0, 10], [20, 30], [40]]

# %%
# Iterate forever over a ``DataLoader``
# -------------------------------------
#
# To train for a number of steps instead of epochs, iterate over the loader
# without an end. ``itertools.cycle`` keeps all batches of the first epoch
# in memory and repeats them in the same order. A generator that loops over
# the loader again shuffles again.
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
# ``pin_memory=True`` puts the batches into page-locked memory, which always
# stays in RAM. From there, ``non_blocking=True`` copies to the GPU while
# the program continues. Without an accelerator, ``pin_memory`` has no
# effect and gives a warning, so check first. If the error says "cannot pin
# 'torch.cuda.FloatTensor' only dense CPU tensors can be pinned", the
# dataset returns tensors on the GPU and should return them on the CPU.
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
# Each ``iter(loader)`` starts a new epoch, so without shuffling
# ``next(iter(loader))`` returns the first batch each time. Keep the
# iterator, or write a ``for`` loop. A loader cannot be indexed. Index its
# dataset to get one sample, and use ``islice`` to get the first batches.
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
# One argument can decide the order: ``shuffle``, ``sampler`` or
# ``batch_sampler``. ``batch_sampler`` also decides ``batch_size`` and
# ``drop_last``. To shuffle with a sampler, choose a random one.
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
# An empty dataset cannot be shuffled. Often the cause is a folder that was
# not found, or a filter that removed every sample. Without ``shuffle`` the
# loop does nothing, and an average after it divides by zero.
with suppress(ValueError):
    DataLoader(
        [], shuffle=True
    )  # ValueError: num_samples should be a positive integer value, but got
len(list(DataLoader([])))  # 0
