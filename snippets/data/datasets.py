"""
Datasets
========

Write datasets that return one sample for each index. Join datasets, select
some of their samples, and split them into training and validation sets.
"""
from contextlib import suppress

import torch
from torch.utils.data import (
    ConcatDataset,
    DataLoader,
    Dataset,
    StackDataset,
    Subset,
    TensorDataset,
    random_split,
)

# %%
# Write your own dataset: ``Dataset`` with ``__len__``, ``__getitem__``
# ---------------------------------------------------------------------
#
# A map-style dataset needs two methods: ``__len__`` returns the number of
# samples, and ``__getitem__`` returns the sample at ``index``. Load and
# transform a single sample in ``__getitem__``. The loader takes care of
# batches, order and workers.
class Squares(Dataset):
    def __len__(self):
        return 4

    def __getitem__(self, index):
        return torch.tensor(index), torch.tensor(index**2)


dataset = Squares()
dataset[3]  # (tensor(3), tensor(9))
inputs, targets = next(iter(DataLoader(dataset, batch_size=4)))
targets  # tensor([0, 1, 4, 9])

# %%
# Dataset from existing tensors: ``TensorDataset``
# ------------------------------------------------
#
# ``TensorDataset`` indexes its tensors along the first dimension. A sample
# is a tuple, even if there is a single tensor. The dataset does not copy
# the tensors, so a change of a tensor also changes the dataset.
inputs = torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
targets = torch.tensor([0, 1, 0])
dataset = TensorDataset(inputs, targets)
len(dataset)  # 3
dataset[1]  # (tensor([3., 4.]), tensor(1))
targets[1] = 7
dataset[1]  # (tensor([3., 4.]), tensor(7))
TensorDataset(targets)[0]  # (tensor(0),)

# %%
# Dataset from a list, no class needed (``DataLoader``)
# -----------------------------------------------------
#
# A loader uses ``len()`` and ``[index]``, so a list of samples works as a
# map-style dataset. Write a class if samples are created on demand, for
# example if they are read from files or transformed at random.
samples = [(0.5, 1), (1.5, 0), (2.5, 1)]
values, targets = next(iter(DataLoader(samples, batch_size=3)))
values  # tensor([0.5, 1.5, 2.5], dtype=torch.float64)
targets  # tensor([1, 0, 1])

# %%
# One dataset after the other: ``ConcatDataset``, ``+``
# -----------------------------------------------------
#
# ``ConcatDataset`` joins samples of the same kind: the indices of the
# second dataset continue where the first one ends. ``a + b`` does the same.
# ``cumulative_sizes`` shows where each part ends, so you can find out which
# part a sample comes from.
a = TensorDataset(torch.tensor([10, 11, 12]))
b = TensorDataset(torch.tensor([20, 21]))
both = ConcatDataset([a, b])
len(both)  # 5
both[3]  # (tensor(20),)
both[-1]  # (tensor(21),)
both.cumulative_sizes  # [3, 5]
isinstance(a + b, ConcatDataset)  # True

# %%
# Datasets side by side: ``StackDataset``
# ---------------------------------------
#
# Sample ``i`` combines sample ``i`` of every part, for example an image
# from one dataset and its caption from another. Positional parts give
# tuples, and named parts give dicts. If all parts are tensors, you can also
# use ``torch.utils.data.TensorDataset``.
images = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
captions = ["a cat", "a dog"]
StackDataset(images, captions)[1]  # (tensor([3., 4.]), 'a dog')
named = StackDataset(image=images, caption=captions)
named[1]  # {'image': tensor([3., 4.]), 'caption': 'a dog'}
batch = next(iter(DataLoader(named, batch_size=2)))
batch["caption"]  # ['a cat', 'a dog']

# %%
# Some samples of a dataset: ``Subset``
# -------------------------------------
#
# ``Subset`` takes a dataset and the indices of the samples to keep, in any
# order. It does not copy the samples, and it keeps the original dataset as
# ``.dataset``. Use a small subset to test a training loop quickly.
dataset = TensorDataset(torch.tensor([10, 11, 12, 13, 14]))
subset = Subset(dataset, [4, 0, 2])
[value.item() for (value,) in subset]  # [14, 10, 12]
subset.indices  # [4, 0, 2]
subset.dataset is dataset  # True
len(Subset(dataset, range(2)))  # 2

# %%
# Train and validation parts at random: ``random_split``
# ------------------------------------------------------
#
# ``random_split`` shuffles the indices and divides them into
# ``torch.utils.data.Subset`` parts that share no sample. Pass sizes, or
# fractions that add up to 1. With a seeded ``generator`` on the default
# device, each run gives the same split.
dataset = TensorDataset(torch.arange(10))
generator = torch.Generator(torch.get_default_device()).manual_seed(0)
train, val = random_split(dataset, [0.8, 0.2], generator=generator)
len(train), len(val)  # (8, 2)
sorted(train.indices + val.indices) == list(range(10))  # True
generator.manual_seed(0)
again, _ = random_split(dataset, [8, 2], generator=generator)
again.indices == train.indices  # True

# %%
# Fetch a whole batch at once: ``__getitems__``
# ---------------------------------------------
#
# Define ``__getitems__`` if one request for many samples is cheaper than
# many requests, as with a database. The loader then calls this method with
# all indices of a batch at once. The method returns a list of samples,
# which the loader collates.
class Rows(Dataset):
    calls = 0

    def __len__(self):
        return 6

    def __getitems__(self, indices):
        self.calls += 1
        return [index * 10 for index in indices]


dataset = Rows()
[batch.tolist() for batch in DataLoader(dataset, batch_size=4)]
dataset.calls  # 2
next(iter(DataLoader(dataset, batch_size=4)))  # tensor([0, 10, 20, 30])

# %%
# Error: size mismatch between tensors (``TensorDataset``)
# --------------------------------------------------------
#
# All tensors must have the same size along dimension 0. Often one of them
# holds its samples along another dimension, as ``inputs`` does here.
# ``torch.utils.data.StackDataset`` raises a ``ValueError`` instead.
inputs = torch.zeros(3, 100)
targets = torch.zeros(100)
with suppress(AssertionError):
    TensorDataset(inputs, targets)  # AssertionError: Size mismatch
with suppress(ValueError):
    StackDataset(inputs, targets)  # ValueError: Size mismatch
len(TensorDataset(inputs.T, targets))  # 100

# %%
# Error: sum of input lengths does not equal (``random_split``)
# -------------------------------------------------------------
#
# The sizes must add up to the number of samples. If you compute each size
# with ``int(0.8 * n)``, rounding can lose samples, so pass fractions: the
# samples that remain go to the first parts. If rounding brings the sum of
# the fractions above 1, as for twenty times 0.05, they are taken for sizes.
# Pass integers then, here computed with ``divmod``.
dataset = TensorDataset(torch.arange(11))
generator = torch.Generator(torch.get_default_device())
with suppress(ValueError):
    random_split(
        dataset, [8, 2]
    )  # ValueError: Sum of input lengths does not equal the length
parts = random_split(dataset, [0.8, 0.2], generator=generator)
[len(part) for part in parts]  # [9, 2]
sum([0.05] * 20) > 1  # True
with suppress(ValueError):
    random_split(range(45), [0.05] * 20)  # ValueError: Sum of input lengths
size, rest = divmod(45, 20)
sizes = [size + (i < rest) for i in range(20)]
sum(sizes), sizes[4:6]  # (45, [3, 2])
len(random_split(range(45), sizes, generator=generator))  # 20

# %%
# Endless loop over a dataset: ``__getitem__`` without ``IndexError``
# -------------------------------------------------------------------
#
# If a dataset has no ``__iter__``, a plain ``for`` loop ignores its
# ``__len__``. The loop counts up until ``__getitem__`` raises
# ``IndexError``, which does not happen if the samples are computed. Define
# ``__iter__``, or loop over ``range(len(...))``. A ``DataLoader`` stops at
# the right place.
class Doubles(Dataset):
    def __len__(self):
        return 3

    def __getitem__(self, index):
        return 2 * index


dataset = Doubles()
endless = [value for _, value in zip(range(50), dataset)]
len(dataset), len(endless)  # (3, 50)
[dataset[index] for index in range(len(dataset))]  # [0, 2, 4]
[batch.item() for batch in DataLoader(dataset)]  # [0, 2, 4]

# %%
# Error: index 5 is out of bounds (``TensorDataset``, ``Subset``)
# ---------------------------------------------------------------
#
# The message comes from the object that holds the samples, or from the list
# of indices in a ``Subset``. If this list has an index that is missing in
# the dataset, the error is raised when you ask for that sample. The first
# position is 0, the last ``len() - 1``.
dataset = TensorDataset(torch.arange(5))
with suppress(IndexError):
    dataset[5]  # IndexError: index 5 is out of bounds
part = Subset(dataset, [0, 9])
with suppress(IndexError):
    part[2]  # IndexError: list index out of range
with suppress(IndexError):
    part[1]  # IndexError: index 9 is out of bounds
dataset[len(dataset) - 1]  # (tensor(4),)
