"""
Batches of your own
===================

Resume in the middle of an epoch, mix datasets, balance each batch, and
sample by weight on several GPUs.
"""
import random
from contextlib import suppress

import torch
from torch.utils.data import (
    ConcatDataset,
    DataLoader,
    Dataset,
    RandomSampler,
    Sampler,
    TensorDataset,
    WeightedRandomSampler,
)


# %%
# Resume in the middle of an epoch: skip samples without loading them
# -------------------------------------------------------------------
#
# Create the order of an epoch from a seed and the number of the epoch.
# Store this number and the number of finished batches in the checkpoint.
# After a restart, pass the rest of the order as ``sampler``, and the
# samples before it are not read. ``StatefulDataLoader`` of the package
# torchdata can store the position for you.
def order(epoch):
    generator = torch.Generator("cpu").manual_seed(1000 + epoch)
    return torch.randperm(20, generator=generator, device="cpu").tolist()


def batches(sampler):
    loader = DataLoader(range(20), batch_size=4, sampler=sampler)
    return [batch.tolist() for batch in loader]


done = 3
whole = batches(order(epoch=2))
rest = batches(order(epoch=2)[done * 4 :])
len(whole), len(rest)  # (5, 2)
rest == whole[done:]  # True
order(epoch=2) == order(epoch=3)  # False


# %%
# ``DataLoader(generator=...)`` does not seed a sampler that you pass
# -------------------------------------------------------------------
#
# A sampler draws from its own generator. The loader uses its generator for
# the sampler that it creates for ``shuffle=True``, and for the seeds of the
# workers. Pass the seeded generator to ``RandomSampler`` or
# ``WeightedRandomSampler`` itself.
def run(seed, inside):
    generator = torch.Generator("cpu").manual_seed(seed)
    own = generator if inside else None
    sampler = RandomSampler(range(100), generator=own)
    loader = DataLoader(range(100), sampler=sampler, generator=generator)
    return [batch.item() for batch in loader]


with torch.device("cpu"):
    run(0, inside=False) == run(0, inside=False)  # False
    run(0, inside=True) == run(0, inside=True)  # True


# %%
# ``WeightedRandomSampler`` on several GPUs: a share of one draw
# --------------------------------------------------------------
#
# A loader takes one sampler, so you cannot pass both ``DistributedSampler``
# and ``WeightedRandomSampler``. Let each process draw the same indices from
# a common seed and keep its share of them, here every second one. Set
# ``epoch`` before each epoch.
class WeightedShare(Sampler):
    def __init__(self, weights, rank, ranks):
        self.weights, self.rank, self.ranks = weights, rank, ranks
        self.epoch = 0

    def __iter__(self):
        generator = torch.Generator("cpu").manual_seed(self.epoch)
        total = len(self) * self.ranks
        drawn = torch.multinomial(
            self.weights, total, replacement=True, generator=generator
        )
        return iter(drawn[self.rank :: self.ranks].tolist())

    def __len__(self):
        return len(self.weights) // self.ranks


labels = torch.tensor([0] * 1800 + [1] * 200, device="cpu")
weights = 1 / labels.bincount()[labels]
shares = [list(WeightedShare(weights, rank, 2)) for rank in range(2)]
[len(share) for share in shares]  # [1000, 1000]
shares[0] == shares[1]  # False
rare = labels[torch.tensor(shares, device="cpu")].float().mean(dim=1)
0.4 < rare.min() and rare.max() < 0.6  # tensor(True)


# %%
# Same number of each class in a batch: P classes times K samples
# ---------------------------------------------------------------
#
# Losses that compare samples, such as the triplet loss, need several
# samples of each class in a batch. Shuffle the indices of each class, and
# put K of each class into a batch. Pass the sampler as ``batch_sampler``.
class EachClass(Sampler):
    def __init__(self, labels, k):
        self.groups = [
            (labels == label).nonzero().flatten().tolist()
            for label in labels.unique()
        ]
        self.k = k

    def __iter__(self):
        groups = [random.sample(group, len(group)) for group in self.groups]
        for i in range(len(self)):
            part = slice(i * self.k, (i + 1) * self.k)
            yield [number for group in groups for number in group[part]]

    def __len__(self):
        return min(map(len, self.groups)) // self.k


labels = torch.tensor([0] * 50 + [1] * 8 + [2] * 9)
loader = DataLoader(
    TensorDataset(labels), batch_sampler=EachClass(labels, k=4)
)
[batch.bincount().tolist() for (batch,) in loader]  # [[4, 4, 4], [4, 4, 4]]

# %%
# Mix two datasets in a fixed ratio: ``ConcatDataset`` with weights
# -----------------------------------------------------------------
#
# The weight of a sample is the share that you want for its dataset, divided
# by the size of that dataset. Here the small dataset holds one sample in a
# hundred and provides a quarter of the draws. ``num_samples`` is the length
# of an epoch.
large, small = range(990), range(10_000, 10_010)
both = ConcatDataset([large, small])
weights = [0.75 / 990] * 990 + [0.25 / 10] * 10
sampler = WeightedRandomSampler(weights, num_samples=4000)
loader = DataLoader(both, batch_size=40, sampler=sampler)
drawn = torch.cat(list(loader))
share = (drawn >= 10_000).float().mean()
0.2 < share < 0.3  # tensor(True)


# %%
# Two loaders at once: ``zip`` ends with the shorter one
# ------------------------------------------------------
#
# ``zip`` stops when one of the loaders has no more batches. To use all
# batches of the longer loader, start the shorter one again with a
# generator. If the loader shuffles, it shuffles again each time.
def forever(loader):
    while True:
        yield from loader


labelled = DataLoader(range(4), batch_size=2)
unlabelled = DataLoader(range(100, 110), batch_size=2)
len(list(zip(labelled, unlabelled)))  # 2
pairs = list(zip(forever(labelled), unlabelled))
len(pairs)  # 5
[first.tolist() for first, _ in pairs][:3]  # [[0, 1], [2, 3], [0, 1]]


# %%
# Each batch from one dataset: tasks or sizes that do not mix
# -----------------------------------------------------------
#
# In a ``ConcatDataset``, the indices of the second dataset begin where the
# first ends. Cut each range of indices into batches, and shuffle the
# batches. The samples of a batch then come from one dataset, so they have
# the same size or belong to the same task.
class OneDataset(Sampler):
    def __init__(self, data, size):
        starts = [0, *data.cumulative_sizes]
        self.batches = [
            list(range(i, min(i + size, end)))
            for start, end in zip(starts, data.cumulative_sizes)
            for i in range(start, end, size)
        ]

    def __iter__(self):
        return iter(random.sample(self.batches, len(self.batches)))

    def __len__(self):
        return len(self.batches)


data = ConcatDataset([[torch.zeros(3)] * 5, [torch.zeros(7)] * 2])
loader = DataLoader(data, batch_sampler=OneDataset(data, size=2))
shapes = sorted(tuple(batch.shape) for batch in loader)
shapes  # [(1, 3), (2, 3), (2, 3), (2, 7)]


# %%
# Shuffle in blocks: large files that are slow to read at random
# --------------------------------------------------------------
#
# Reading an HDF5 file or a memory-mapped file is fastest in order. Shuffle
# blocks of neighbouring samples, and then the samples within a block. A
# batch then comes from one part of the file, so make the blocks much larger
# than a batch.
class InBlocks(Sampler):
    def __init__(self, samples, block):
        self.samples, self.block = samples, block

    def __iter__(self):
        starts = range(0, self.samples, self.block)
        for start in random.sample(starts, len(starts)):
            block = range(start, min(start + self.block, self.samples))
            yield from random.sample(block, len(block))

    def __len__(self):
        return self.samples


drawn = list(InBlocks(100, block=25))
sorted(drawn) == list(range(100))  # True
[len({n // 25 for n in drawn[i : i + 25]}) for i in (0, 25)]  # [1, 1]

# %%
# Error: too many indices for tensor (a sampler must yield indices)
# -----------------------------------------------------------------
#
# The loader calls ``dataset[...]`` with what the sampler yields. If the
# sampler yields a sample or a tuple of numbers, the tensor is indexed in
# more dimensions than it has. Yield one index per sample. To yield a list
# for each batch, pass the sampler as ``batch_sampler``.
data = TensorDataset(torch.arange(8).reshape(4, 2))
with suppress(IndexError):
    next(
        iter(DataLoader(data, sampler=[(0, 1, 1)]))
    )  # IndexError: too many indices for tensor of dimension 2
(one,) = next(iter(DataLoader(data, sampler=[3])))
one  # tensor([[6, 7]])
(two,) = next(iter(DataLoader(data, batch_sampler=[[0, 3]])))
two  # tensor([[0, 1], [6, 7]])


# %%
# A change of the dataset is not seen with ``persistent_workers=True``
# --------------------------------------------------------------------
#
# A persistent worker keeps the copy of the dataset that it started with. If
# you change an attribute of the dataset between epochs, such as the
# difficulty of its samples, the worker does not see the change. Keep such a
# value in a tensor in shared memory, or let the workers start again in each
# epoch.
class Stage(Dataset):
    def __init__(self):
        self.plain = 0
        self.shared = torch.zeros((), device="cpu").share_memory_()

    def __len__(self):
        return 1

    def __getitem__(self, index):
        return torch.tensor([self.plain, self.shared.item()], device="cpu")


data = Stage()
kept = DataLoader(
    data,
    num_workers=1,
    persistent_workers=True,
    multiprocessing_context="fork",
)
next(iter(kept)).tolist()  # [[0.0, 0.0]]
data.plain = 1
data.shared.fill_(1)
next(iter(kept)).tolist()  # [[0.0, 1.0]]
del kept
