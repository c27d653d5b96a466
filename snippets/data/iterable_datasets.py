"""
Iterable datasets
=================

Read samples as they come, from streams and files too large for an index.
"""
import random
import tarfile
import tempfile
from contextlib import suppress
from itertools import groupby, islice
from pathlib import Path

import torch
from torch.utils.data import (
    ChainDataset,
    ConcatDataset,
    DataLoader,
    IterableDataset,
    get_worker_info,
)

# %%
# Samples from a stream: ``IterableDataset``
# ------------------------------------------
#
# Define ``__iter__`` where samples can only be read one after the other. A
# sample has no number, so the loader cannot shuffle, sample or split by
# index: use a map-style dataset where you can.
class Countdown(IterableDataset):
    def __init__(self, start):
        self.start = start

    def __iter__(self):
        yield from range(self.start, 0, -1)


loader = DataLoader(Countdown(5), batch_size=2)
[batch.tolist() for batch in loader]  # [[5, 4], [3, 2], [1]]
with suppress(NotImplementedError):
    Countdown(5)[0]  # NotImplementedError: should implement __getitem__

# %%
# Large text file line by line (``IterableDataset``)
# --------------------------------------------------
#
# Open the file in ``__iter__``, not in ``__init__``: each epoch starts at
# the top, and each worker has a file of its own. Memory holds one line.
class Lines(IterableDataset):
    def __init__(self, path):
        self.path = path

    def __iter__(self):
        with self.path.open() as file:
            for line in file:
                yield float(line)


with tempfile.TemporaryDirectory() as folder:
    path = Path(folder, "values.txt")
    path.write_text("0.5\n1.5\n2.5\n")
    loader = DataLoader(Lines(path), batch_size=2)
    epochs = [[b.tolist() for b in loader] for _ in range(2)]
epochs[0]  # [[0.5, 1.5], [2.5]]
epochs[1] == epochs[0]  # True

# %%
# One stream after the other: ``ChainDataset``, ``+``
# ---------------------------------------------------
#
# What ``torch.utils.data.ConcatDataset`` is for numbered samples. The
# second stream is opened when the first has ended. Both refuse the other
# kind of dataset.
class Stream(IterableDataset):
    def __init__(self, *values):
        self.values = values

    def __iter__(self):
        yield from self.values


chain = ChainDataset([Stream(1, 2, 3), Stream(10, 20)])
list(chain)  # [1, 2, 3, 10, 20]
list(Stream(4) + Stream(5))  # [4, 5]
numbered = ChainDataset([[1, 2]])
with suppress(AssertionError):
    list(numbered)  # AssertionError: only supports IterableDataset
with suppress(AssertionError):
    ConcatDataset([Stream(1)])  # AssertionError: does not support

# %%
# Every sample comes twice with two workers (``IterableDataset``)
# ---------------------------------------------------------------
#
# Each worker process gets a copy of the dataset and reads all of it. With
# ``num_workers=2`` an epoch is twice as long, here in silence. Split the
# stream in ``__iter__``. (``"fork"`` spares these cards a main guard; a
# script with one can leave it out.)
#
# .. glance:: sorted(read(2))
class Stream(IterableDataset):
    def __iter__(self):
        yield from torch.arange(3, device="cpu")


def read(num_workers):
    fork = "fork" if num_workers else None
    loader = DataLoader(
        Stream(),
        batch_size=None,
        num_workers=num_workers,
        multiprocessing_context=fork,
    )
    return [sample.item() for sample in loader]


read(0)  # [0, 1, 2]
sorted(read(2))  # [0, 0, 1, 1, 2, 2]

# %%
# Share a stream among workers: ``get_worker_info``
# -------------------------------------------------
#
# In a worker it tells ``id`` and ``num_workers``; in the main process it
# is ``None``. Take every ``num_workers``-th sample from ``id`` on, or give
# each worker files of its own, which saves reading what it skips.
#
# .. glance:: sorted(sample.item() for sample in loader)
class Sharded(IterableDataset):
    def __iter__(self):
        info = get_worker_info()
        first, step = (info.id, info.num_workers) if info else (0, 1)
        yield from islice(torch.arange(5, device="cpu"), first, None, step)


get_worker_info()  # None
loader = DataLoader(
    Sharded(),
    batch_size=None,
    num_workers=2,
    multiprocessing_context="fork",
)
sorted(sample.item() for sample in loader)  # [0, 1, 2, 3, 4]
[sample.item() for sample in Sharded()]  # [0, 1, 2, 3, 4]

# %%
# Batches of a sharded stream: short ones from every worker
# ---------------------------------------------------------
#
# Each worker fills batches from its own share, so each ends with a short
# one, and ``drop_last=True`` drops one per worker. Where that matters, form
# the batches in ``__iter__``, share out whole ones and say
# ``batch_size=None``.
class Sharded(IterableDataset):
    def __iter__(self):
        info = get_worker_info()
        samples = torch.arange(10, device="cpu")
        yield from samples[info.id :: info.num_workers]


loader = DataLoader(
    Sharded(), batch_size=4, num_workers=2, multiprocessing_context="fork"
)
sizes = [len(batch) for batch in loader]
sorted(sizes)  # [1, 1, 4, 4]


class Batched(IterableDataset):
    def __iter__(self):
        info = get_worker_info()
        batches = torch.arange(10, device="cpu").split(4)
        yield from batches[info.id :: info.num_workers]


loader = DataLoader(
    Batched(), None, num_workers=2, multiprocessing_context="fork"
)
sorted(len(batch) for batch in loader)  # [2, 4, 4]

# %%
# Shuffle a stream with a buffer (``IterableDataset``)
# ----------------------------------------------------
#
# Keep some samples back and give out one of them at random each time. A
# sample cannot come more than the size of the buffer too early, so shuffle
# the files on disk too if they are sorted by class.
class Shuffled(IterableDataset):
    def __init__(self, samples, size):
        self.samples, self.size = samples, size

    def __iter__(self):
        buffer = []
        for sample in self.samples:
            buffer.append(sample)
            if len(buffer) == self.size:
                yield buffer.pop(random.randrange(self.size))
        random.shuffle(buffer)
        yield from buffer


order = list(Shuffled(range(100), 10))
order == sorted(order)  # False
sorted(order) == list(range(100))  # True
max(value - i for i, value in enumerate(order)) <= 9  # True

# %%
# Empty after the first epoch: a generator kept in the dataset
# ------------------------------------------------------------
#
# A generator runs once. If ``__iter__`` returns the same one each time, the
# second epoch has no batches and no error. Make it again in ``__iter__``.
class Once(IterableDataset):
    def __init__(self):
        self.samples = (i for i in range(3))

    def __iter__(self):
        return self.samples


class Always(Once):
    def __iter__(self):
        return (i for i in range(3))


once, always = DataLoader(Once()), DataLoader(Always())
[len(list(once)) for epoch in range(3)]  # [3, 0, 0]
[len(list(always)) for epoch in range(3)]  # [3, 3, 3]

# %%
# Samples from a tar file, read in order (WebDataset): ``tarfile``
# ----------------------------------------------------------------
#
# One large file is read faster than many small ones, above all over a
# network. The files of one sample lie side by side and share a name up to
# the first dot, such as ``001.png`` and ``001.json``. Give each worker tar
# files of its own, or use the package webdataset.
def stem(member):
    return member.name.split(".")[0]


class Tar(IterableDataset):
    def __init__(self, path):
        self.path = path

    def __iter__(self):
        with tarfile.open(self.path) as archive:
            for name, files in groupby(archive, stem):
                yield {
                    f.name[len(name) + 1 :]: archive.extractfile(f).read()
                    for f in files
                }


with tempfile.TemporaryDirectory() as folder:
    path = Path(folder, "data.tar")
    with tarfile.open(path, "w") as archive:
        for name in ["1.txt", "1.cls", "2.txt", "2.cls"]:
            Path(folder, name).write_text(name.upper())
            archive.add(Path(folder, name), arcname=name)
    first, second = Tar(path)
second  # {'txt': b'2.TXT', 'cls': b'2.CLS'}

# %%
# Error: expected unspecified shuffle option (``IterableDataset``)
# ----------------------------------------------------------------
#
# A loader can neither shuffle a stream nor apply a sampler to it: both
# choose numbers. Shuffle in ``__iter__``.
class Stream(IterableDataset):
    def __iter__(self):
        return iter(random.sample(range(5), 5))


stream = Stream()
with suppress(ValueError):
    DataLoader(
        stream, shuffle=True
    )  # ValueError: expected unspecified shuffle option, but got
with suppress(ValueError):
    DataLoader(stream, sampler=[0, 1])  # ValueError: unspecified sampler
sorted(batch.item() for batch in DataLoader(stream))  # [0, 1, 2, 3, 4]

# %%
# Error: object of type ... has no len() (``IterableDataset``)
# ------------------------------------------------------------
#
# A stream need not know its length, so ``len(loader)`` fails too. Define
# ``__len__`` if you know it; once asked for its ``len``, the loader warns
# where more samples come than were promised. To train for a number of
# steps, cut with ``islice``.
class Stream(IterableDataset):
    def __iter__(self):
        return iter(range(10))


class Sized(Stream):
    def __len__(self):
        return 10


loader = DataLoader(Stream(), batch_size=4)
with suppress(TypeError):
    len(loader)  # TypeError: object of type 'Stream' has no len()
len(DataLoader(Sized(), batch_size=4))  # 3
[batch.tolist() for batch in islice(loader, 1)]  # [[0, 1, 2, 3]]
