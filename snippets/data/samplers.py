"""
Samplers
========

Choose which samples come in which order, and how they form batches.

.. which::

   - ``SequentialSampler``: samples in the order of the dataset
   - ``RandomSampler``: shuffled, or drawn with replacement
   - ``SubsetRandomSampler``: the samples of the given indices, shuffled
   - ``WeightedRandomSampler``: some samples more often than others
   - ``BatchSampler``: lists of indices, one list for each batch
   - ``DistributedSampler``: a share of the samples for each process
   - ``Sampler``: your own order, such as similar lengths together
"""
import random
from contextlib import suppress

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch.utils.data import (
    BatchSampler,
    DataLoader,
    DistributedSampler,
    RandomSampler,
    Sampler,
    SequentialSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
)

# %%
# Samples in order: ``SequentialSampler``
# ---------------------------------------
#
# A loader uses this sampler if you do not pass ``shuffle=True``. A sampler
# yields indices, not samples. Pass it to the loader as ``sampler=``.
sampler = SequentialSampler(["a", "b", "c"])
list(sampler)  # [0, 1, 2]
type(DataLoader([1, 2]).sampler) is SequentialSampler  # True

# %%
# Samples shuffled: ``RandomSampler``
# -----------------------------------
#
# ``shuffle=True`` uses this sampler: every index appears once, in a new
# order in each epoch. ``num_samples`` makes an epoch shorter or longer. If
# it is larger than the dataset, the sampler goes through all samples in one
# random order, and then in another.
generator = torch.Generator(torch.get_default_device())
data = range(10)
every = RandomSampler(data, generator=generator)
sorted(every) == list(data)  # True
short = RandomSampler(data, num_samples=3, generator=generator)
len(set(short))  # 3
long = RandomSampler(data, num_samples=25, generator=generator)
counts = torch.tensor(list(long)).bincount()
counts.sum()  # tensor(25)
counts.min(), counts.max()  # (tensor(2), tensor(3))

# %%
# Draw samples with replacement: ``RandomSampler(replacement=True)``
# ------------------------------------------------------------------
#
# A bootstrap sample draws n times from n samples. About :math:`1/e`, or 37
# percent, of the samples are left out, and others appear several times.
generator = torch.Generator(torch.get_default_device())
n = 100_000
sampler = RandomSampler(range(n), replacement=True, generator=generator)
drawn = torch.tensor(list(sampler))
len(drawn)  # 100000
left_out = 1 - drawn.unique().numel() / n
abs(left_out - 0.368) < 0.01  # True

# %%
# Select samples and shuffle them: ``SubsetRandomSampler``
# --------------------------------------------------------
#
# Use this sampler to train on a part of a dataset. For validation in order,
# pass a plain list as ``sampler``, or use a ``torch.utils.data.Subset``.
# With a sampler, ``len(loader.dataset)`` still counts all samples.
data = range(100, 106)
generator = torch.Generator(torch.get_default_device())
sampler = SubsetRandomSampler([0, 2, 4], generator=generator)
train = DataLoader(data, sampler=sampler)
sorted(batch.item() for batch in train)  # [100, 102, 104]
[batch.item() for batch in DataLoader(data, sampler=[5, 1])]  # [105, 101]
len(train), len(train.dataset)  # (3, 6)

# %%
# Some samples more often: ``WeightedRandomSampler``
# --------------------------------------------------
#
# Pass one weight for each sample, not for each class. The weights need not
# add up to 1. By default the sampler draws with replacement, so a sample of
# weight 3 comes three times as often as one of weight 1.
weights = [1.0, 3.0, 0.0, 4.0]
sampler = WeightedRandomSampler(weights, num_samples=80_000)
shares = torch.tensor(list(sampler)).bincount() / 80_000
expected = torch.tensor([0.125, 0.375, 0.0, 0.5])
torch.allclose(shares, expected, atol=0.012)  # True
once = WeightedRandomSampler(weights, 3, replacement=False)
sorted(once)  # [0, 1, 3]

# %%
# What each sampler draws, as a histogram (``WeightedRandomSampler``)
# -------------------------------------------------------------------
#
# Each sampler draws 1000 times from 10 samples. Without replacement each
# sample comes exactly 100 times, and with replacement about 100 times. With
# weights, the counts are in proportion to the weights.
generator = torch.Generator(torch.get_default_device())
data, how = range(10), dict(num_samples=1000, generator=generator)
samplers = {
    "RandomSampler": RandomSampler(data, **how),
    "replacement=True": RandomSampler(data, replacement=True, **how),
    "WeightedRandomSampler": WeightedRandomSampler(range(10), **how),
}
figure, axes = plt.subplots(1, 3, figsize=(9, 2.6), sharey=True)
counts = [np.bincount(list(s)) for s in samplers.values()]
for ax, name, count in zip(axes, samplers, counts):
    ax.bar(data, count)
    ax.set_title(name)
    ax.set_xticks(data)
counts[2][0].item(), counts[2].sum().item()  # (0, 1000)
[bool((count == 100).all()) for count in counts]  # [True, False, False]
figure.tight_layout()

# %%
# Group indices into batches: ``BatchSampler``
# --------------------------------------------
#
# ``BatchSampler`` wraps a sampler and yields lists of indices, one for each
# batch. A loader creates one from ``batch_size`` and ``drop_last``. If your
# batches differ in size or content, pass your own as ``batch_sampler=``.
batches = BatchSampler(SequentialSampler(range(5)), 2, drop_last=False)
list(batches)  # [[0, 1], [2, 3], [4]]
len(BatchSampler(range(5), 2, drop_last=True))  # 2
own = [[0, 1, 2], [4]]
loader = DataLoader(range(10, 15), batch_sampler=own)
[batch.tolist() for batch in loader]  # [[10, 11, 12], [14]]

# %%
# One share for each GPU process: ``DistributedSampler``
# ------------------------------------------------------
#
# ``torch.utils.data.distributed.DistributedSampler`` gives each process
# other samples. To make all shares equally long it repeats the first
# samples, or cuts the last ones with ``drop_last=True``. By default the
# number of processes and the rank (the number of this process) come from
# the process group.
shares = [
    DistributedSampler(range(5), num_replicas=2, rank=rank, shuffle=False)
    for rank in range(2)
]
[list(share) for share in shares]  # [[0, 2, 4], [1, 3, 0]]
with suppress(ValueError):
    DistributedSampler(
        range(5)
    )  # ValueError: Default process group has not been initialized

# %%
# Same shuffle in every epoch: ``DistributedSampler.set_epoch``
# -------------------------------------------------------------
#
# All processes must shuffle in the same way, so the order depends on the
# seed and the epoch. Call
# ``torch.utils.data.distributed.DistributedSampler.set_epoch`` before each
# epoch, otherwise the order stays the same. The sampler draws on the CPU.
# If another device is the default, iterate under ``torch.device("cpu")``.
sampler = DistributedSampler(range(50), num_replicas=2, rank=0)
with torch.device("cpu"):
    first, second = list(sampler), list(sampler)
    sampler.set_epoch(1)
    third = list(sampler)
first == second  # True
first == third  # False

# %%
# Your own order: subclass ``Sampler``
# ------------------------------------
#
# ``__iter__`` yields the indices, and ``__len__`` makes ``len(loader)``
# work. If the order is random, draw it in ``__iter__``, so that the epochs
# differ. The sampler here yields each sample that a mask selects twice.
class Twice(Sampler):
    def __init__(self, mask):
        self.numbers = mask.nonzero().flatten().tolist()

    def __iter__(self):
        for number in self.numbers:
            yield from (number, number)

    def __len__(self):
        return 2 * len(self.numbers)


sampler = Twice(torch.tensor([True, False, True]))
list(sampler)  # [0, 0, 2, 2]
len(DataLoader(range(3), sampler=sampler))  # 4

# %%
# Sequences of similar length together: a bucketing ``Sampler``
# -------------------------------------------------------------
#
# Sort the samples by length, cut them into batches, and shuffle the
# batches. This needs little padding and still gives another order in each
# epoch. The sampler yields batches, so pass it as ``batch_sampler=``.
# ``padding`` counts the padding, with each sequence padded to the longest
# in its batch.
class ByLength(Sampler):
    def __init__(self, lengths, size):
        order = sorted(range(len(lengths)), key=lengths.__getitem__)
        self.batches = list(BatchSampler(order, size, drop_last=False))

    def __iter__(self):
        return iter(random.sample(self.batches, len(self.batches)))

    def __len__(self):
        return len(self.batches)


def padding(batches):
    groups = [[lengths[i] for i in batch] for batch in batches]
    return sum(max(g) * len(g) - sum(g) for g in groups)


lengths = [9, 2, 8, 1, 7, 3]
sorted(ByLength(lengths, 2))  # [[2, 0], [3, 1], [5, 4]]
len(DataLoader(lengths, batch_sampler=ByLength(lengths, 2)))  # 3
padding(ByLength(lengths, 2))  # 6
padding([[0, 1], [2, 3], [4, 5]])  # 18

# %%
# Sampler for a ``Subset``: positions count within the subset
# -----------------------------------------------------------
#
# A sampler yields positions in the dataset that the loader gets. For a
# ``Subset`` these are positions within the subset, so weights computed for
# the whole dataset belong to the wrong samples. Select the weights with the
# indices of the subset.
weights = torch.tensor([0.0, 0.0, 1.0, 5.0])
part = torch.utils.data.Subset(["a", "b", "c", "d"], [3, 0])
loader = DataLoader(part, sampler=WeightedRandomSampler(weights, 1))
with suppress(IndexError):
    next(iter(loader))  # IndexError: list index out of range
right = WeightedRandomSampler(weights[part.indices], 4)
list(DataLoader(part, sampler=right))  # [['d'], ['d'], ['d'], ['d']]
