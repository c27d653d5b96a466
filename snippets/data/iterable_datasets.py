"""
Iterable datasets
=================

Read samples one after the other, from streams and from files that are too
large for an index.
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
# Define ``__iter__`` if the samples can only be read one after the other.
# Such samples have no index, so the loader cannot shuffle them or use a
# sampler. If you can, use a dataset with an index instead (map-style).
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
# Open the file in ``__iter__``, not in ``__init__``. Each epoch then starts
# at the first line, and each worker opens a file of its own. The lines are
# read one at a time, so the file need not fit into memory.
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
# ``ChainDataset`` joins streams, as ``torch.utils.data.ConcatDataset``
# joins map-style datasets. The samples of the second stream follow those of
# the first. Each of the two classes raises an error for the other kind of
# dataset.
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
# ``num_workers=2`` every sample appears twice, here without a warning.
# Divide the stream in ``__iter__``. (The cards use ``"fork"`` because it
# works without ``if __name__ == "__main__":``; a script that has this line
# can leave it out.)
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
# In a worker, ``get_worker_info`` returns an object with ``id`` and
# ``num_workers``. In the main process it returns ``None``. Let each worker
# take every ``num_workers``-th sample from ``id`` on. Or give each worker
# its own files, so that no worker reads samples and then skips them.
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
# Each worker forms batches from its own share of the samples, so each can
# end with a short batch. ``drop_last=True`` would drop one batch per
# worker. To avoid this, form the batches in ``__iter__``, give each worker
# whole batches, and pass ``batch_size=None``.
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
# Keep a buffer of samples, and yield a random one of them each time. A
# sample cannot move forward by more than the size of the buffer. If the
# files are sorted by class, shuffle them on disk as well.
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
# A generator can be read once. If ``__iter__`` returns the same generator
# each time, the second epoch has no batches and raises no error. Create a
# new generator in ``__iter__``.
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
# One large file reads faster than many small files, above all over a
# network. The files of a sample lie next to each other and share their name
# up to the first dot, such as ``001.png`` and ``001.json``. Give each
# worker its own tar files, or use the package webdataset.
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
# A loader shuffles by index, and a sampler chooses indices, so neither
# works with a stream. Shuffle in ``__iter__`` instead.
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
# A stream may not know its length, and then ``len(loader)`` raises an
# error. Define ``__len__`` if you know the length. If you have called
# ``len(loader)`` and more samples arrive than this length, the loader
# warns. To train for a number of steps, cut the stream with ``islice``.
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
