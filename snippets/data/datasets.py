"""
Datasets
========

Give a number to each sample, so that loaders and splits can ask for it.
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
# Two methods make a map-style dataset: how many samples there are, and
# sample number ``index``. Do the work of one sample in ``__getitem__``;
# batches, order and workers are the loader's business.
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
# Dataset from tensors you have: ``TensorDataset``
# ------------------------------------------------
#
# Cuts all tensors along their first dimension; a sample is always a tuple,
# of one element even where there is one tensor. It copies nothing: a
# change of the tensor is a change of the dataset.
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
# A loader asks only for ``len()`` and ``[index]``, so a list of samples is
# a map-style dataset already. Write a class where samples are made on
# demand: files to open, transforms to draw.
samples = [(0.5, 1), (1.5, 0), (2.5, 1)]
values, targets = next(iter(DataLoader(samples, batch_size=3)))
values  # tensor([0.5, 1.5, 2.5], dtype=torch.float64)
targets  # tensor([1, 0, 1])

# %%
# One dataset after the other: ``ConcatDataset``, ``+``
# -----------------------------------------------------
#
# More samples of one kind: numbers go on where the dataset before ends.
# ``a + b`` does the same. ``cumulative_sizes`` tells where each part ends,
# for samples that must be traced back.
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
# Sample ``i`` holds sample ``i`` of every part: images from one dataset,
# captions from another. Positional parts give tuples, named parts give
# dicts. For parts that are all tensors, ``torch.utils.data.TensorDataset``
# is the same.
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
# Takes a dataset and the numbers of the samples to keep, in any order. It
# is a view: the samples stay in the dataset, which it keeps as
# ``.dataset``. A small one makes a quick test of a training loop.
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
# Deals the shuffled numbers into ``torch.utils.data.Subset`` parts that
# share no sample. Give sizes, or fractions that add up to 1. A seeded
# ``generator`` on the default device deals alike in every run.
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
# Where one request for many samples is cheaper than many requests, as with
# a database, define ``__getitems__`` too: the loader hands it all numbers
# of the batch. It returns a list of samples, which is then collated.
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
# All tensors must have the same size along dimension 0. Most often one
# holds its samples in another dimension. ``torch.utils.data.StackDataset``
# says ``ValueError`` instead.
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
# Sizes must use up every sample, and sizes by ``int(0.8 * n)`` for each
# part lose samples to rounding: give fractions, whose rest goes to the
# first parts. Fractions whose sum is above 1 by rounding, as twenty times
# 0.05, are taken for sizes. Give whole numbers then, here from ``divmod``.
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
# A plain ``for`` ignores ``__len__`` of such a class: it counts up until
# ``__getitem__`` raises ``IndexError``. Computed samples never do, so the
# loop does not end. Define ``__iter__`` or loop over ``range(len(...))``;
# a loader stops by itself.
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
# The words come from what holds the samples, or from the list of numbers
# in a ``Subset``; a number in that list which the dataset lacks shows only
# when it is asked for. The first position is 0, the last ``len() - 1``.
dataset = TensorDataset(torch.arange(5))
with suppress(IndexError):
    dataset[5]  # IndexError: index 5 is out of bounds
part = Subset(dataset, [0, 9])
with suppress(IndexError):
    part[2]  # IndexError: list index out of range
with suppress(IndexError):
    part[1]  # IndexError: index 9 is out of bounds
dataset[len(dataset) - 1]  # (tensor(4),)
