"""
Worker processes
================

Load batches in the background with worker processes. Each worker has its
own copy of the dataset.
"""
import multiprocessing
import os
import pickle
import random
from contextlib import suppress
from functools import partial

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, get_worker_info

# %%
# Workers are processes, not threads: ``DataLoader(num_workers=2)``
# -----------------------------------------------------------------
#
# Each worker is a process with a copy of the dataset. On Linux it is
# forked, as a copy of the program, or from Python 3.14 on started by a
# small helper process (forkserver). On macOS and Windows it is spawned as a
# new Python process. The cards on this page use ``"fork"``, which works
# without ``if __name__ == "__main__":`` and does not exist on Windows.
#
# .. glance:: len(set(pids))
class Pid(Dataset):
    def __len__(self):
        return 4

    def __getitem__(self, index):
        return torch.tensor(os.getpid(), device="cpu")


loader = DataLoader(Pid(), num_workers=2, multiprocessing_context="fork")
pids = [batch.item() for batch in loader]
len(set(pids))  # 2
os.getpid() in pids  # False
{batch.item() for batch in DataLoader(Pid())} == {os.getpid()}  # True

# %%
# Changes made in a worker are lost: counters and caches in a dataset
# -------------------------------------------------------------------
#
# A worker changes its own copy of the dataset, and the copy is lost when
# the worker ends. A list or dictionary that ``__getitem__`` fills therefore
# stays empty in the main process. Tensors are an exception if
# ``share_memory_`` was called or the workers are not forked, because all
# processes then see an in-place change. Return the values that you need
# with the sample, or fill the cache in ``__init__``.
class Counting(Dataset):
    seen = 0

    def __len__(self):
        return 3

    def __getitem__(self, index):
        self.seen += 1
        return torch.tensor(self.seen, device="cpu")


dataset = Counting()
loader = DataLoader(dataset, num_workers=1, multiprocessing_context="fork")
[batch.item() for batch in loader]  # [1, 2, 3]
[batch.item() for batch in loader]  # [1, 2, 3]
dataset.seen  # 0

# %%
# Seeds in workers: ``torch.initial_seed``, ``random``, NumPy
# -----------------------------------------------------------
#
# A worker seeds PyTorch and ``random`` with a base seed plus its ``id``,
# and ``np.random`` with a hash of the two. The draws therefore differ
# between workers and between epochs. The base seed comes from the
# ``generator`` of the loader, so seed this generator to repeat a run.
class Draws(Dataset):
    def __len__(self):
        return 2

    def __getitem__(self, index):
        draws = [torch.initial_seed() % 2**31, random.random()]
        draws.append(np.random.rand())
        return torch.tensor(draws, device="cpu", dtype=torch.float64)


def run(seed):
    generator = torch.Generator(torch.get_default_device())
    generator.manual_seed(seed)
    fork = dict(num_workers=2, multiprocessing_context="fork")
    return torch.cat(list(DataLoader(Draws(), generator=generator, **fork)))


a = run(0)
(a[0] != a[1]).all()  # tensor(True)
torch.equal(a, run(0))  # True

# %%
# Same random numbers in every worker: ``default_rng`` in ``__init__``
# --------------------------------------------------------------------
#
# PyTorch does not seed a generator that the dataset holds. It is copied to
# each worker, so all workers draw the same numbers. Create the generator
# again in ``worker_init_fn``, with the seed from
# ``torch.utils.data.get_worker_info``.
class Noise(Dataset):
    def __init__(self):
        self.rng = np.random.default_rng(0)

    def __len__(self):
        return 2

    def __getitem__(self, index):
        return torch.tensor(self.rng.random(), device="cpu")


def reseed(worker_id):
    info = get_worker_info()
    info.dataset.rng = np.random.default_rng(info.seed)


load = partial(DataLoader, num_workers=2, multiprocessing_context="fork")
first, second = load(Noise())
torch.equal(first, second)  # True
first, second = load(Noise(), worker_init_fn=reseed)
torch.equal(first, second)  # False

# %%
# Keep workers from epoch to epoch: ``persistent_workers=True``
# -------------------------------------------------------------
#
# By default each epoch starts new processes. This can take seconds if they
# are spawned or if the dataset is large. Persistent workers live as long as
# the iterator of the loader, and they keep what they have cached.
#
# .. glance:: next(iter(loader)).equal(next(iter(loader)))  # True
class Pid(Dataset):
    def __len__(self):
        return 1

    def __getitem__(self, index):
        return torch.tensor(os.getpid(), device="cpu")


load = partial(DataLoader, num_workers=1, multiprocessing_context="fork")
loader = load(Pid())
next(iter(loader)).equal(next(iter(loader)))  # False
loader = load(Pid(), persistent_workers=True)
next(iter(loader)).equal(next(iter(loader)))  # True
del loader

# %%
# Batches loaded ahead: ``DataLoader(prefetch_factor=...)``
# ---------------------------------------------------------
#
# By default each worker prepares up to 2 batches ahead. Memory then holds
# up to ``num_workers * prefetch_factor`` batches. Raise the factor if
# loading times vary a lot. A slow batch delays the batches after it, except
# with ``in_order=False``.
DataLoader(range(4), num_workers=2).prefetch_factor  # 2
DataLoader(range(4)).prefetch_factor is None  # True
with suppress(ValueError):
    DataLoader(
        range(4), prefetch_factor=4
    )  # ValueError: prefetch_factor option could only be specified
with suppress(ValueError):
    DataLoader(
        range(4), persistent_workers=True
    )  # ValueError: persistent_workers option needs num_workers > 0

# %%
# Error: can't pickle local object, lambda (spawned workers)
# ----------------------------------------------------------
#
# Workers that are not forked receive the dataset, ``collate_fn`` and
# ``worker_init_fn`` through pickle. Pickle raises an error for lambdas,
# open files, and classes or functions defined inside a function. It accepts
# functions of a module and ``functools.partial``.
with suppress(pickle.PicklingError):
    pickle.dumps(
        lambda batch: torch.stack(batch)
    )  # PicklingError: Can't pickle
with suppress(TypeError), open(os.devnull) as file:
    pickle.dumps(file)  # TypeError: cannot pickle
collate = partial(torch.stack, dim=1)
copy = pickle.loads(pickle.dumps(collate))
copy([torch.tensor([1, 2]), torch.tensor([3, 4])])[0]  # tensor([1, 3])

# %%
# Error: "An attempt has been made to start a new process"
# --------------------------------------------------------
#
# A spawned worker imports your script and would start workers itself, as
# :doc:`/gallery/help/data_workers` shows. Put the code that runs under ``if
# __name__ == "__main__":``, and leave definitions and imports outside. In a
# notebook, keep the dataset class in a ``.py`` file. Otherwise the worker
# fails with "Can't get attribute".
class Doubles(Dataset):
    def __len__(self):
        return 3

    def __getitem__(self, index):
        return 2 * torch.tensor(index, device="cpu")


def main():
    loader = DataLoader(
        Doubles(), num_workers=1, multiprocessing_context="fork"
    )
    return [batch.item() for batch in loader]


if __name__ == "__main__":
    main()  # [0, 2, 4]

# %%
# Error: "Caught ... in DataLoader worker process 0"
# --------------------------------------------------
#
# An error in ``__getitem__`` is raised again in the main process. Its
# message contains the traceback of the worker, so read the last lines. The
# error keeps its type, or becomes a ``RuntimeError`` if the type cannot be
# created from one text. To debug with breakpoints, set ``num_workers=0``.
class Broken(Dataset):
    def __len__(self):
        return 1

    def __getitem__(self, index):
        return {"a.png": 0}["b.png"]


loader = DataLoader(Broken(), num_workers=1, multiprocessing_context="fork")
with suppress(KeyError):
    next(iter(loader))  # KeyError: Caught KeyError in DataLoader worker
with suppress(KeyError):
    next(iter(DataLoader(Broken())))  # KeyError: 'b.png'

# %%
# Error: "DataLoader timed out after 1 seconds" (``timeout``)
# -----------------------------------------------------------
#
# By default the loop waits for a batch without a limit, so a worker that
# hangs stops the program without a message. With ``timeout`` you get an
# error instead. Choose a time much longer than the slowest batch takes. The
# worker here hangs until ``wake`` is set, which happens after the error.
class Stuck(Dataset):
    def __len__(self):
        return 1

    def __getitem__(self, index):
        wake.wait()
        return torch.tensor(index, device="cpu")


wake = multiprocessing.get_context("fork").Event()
batches = iter(
    DataLoader(
        Stuck(), num_workers=1, timeout=1, multiprocessing_context="fork"
    )
)
with suppress(RuntimeError):
    next(batches)  # RuntimeError: DataLoader timed out after 1 seconds
wake.set()
del batches

# %%
# Error: "DataLoader worker exited unexpectedly", "killed by signal"
# ------------------------------------------------------------------
#
# The cause of the error says how the worker ended. "Killed" often means
# that the machine ran out of memory. "Bus error" means that the shared
# memory ``/dev/shm`` was full, so give Docker ``--shm-size=8g`` or use
# fewer workers. For "exit code 1", run with ``num_workers=0`` and read the
# traceback; :doc:`/gallery/help/data_workers` shows each case.
class Ends(Dataset):
    def __len__(self):
        return 1

    def __getitem__(self, index):
        os._exit(1)


def cause(loader):
    try:
        next(iter(loader))
    except RuntimeError as error:
        raise error.__cause__ from None


loader = DataLoader(Ends(), num_workers=1, multiprocessing_context="fork")
with suppress(RuntimeError):
    next(
        iter(loader)
    )  # RuntimeError: DataLoader worker (pid(s) ...) exited unexpectedly
with suppress(RuntimeError):
    cause(loader)  # RuntimeError: exited unexpectedly with exit code 1

# %%
# Warning: This DataLoader will create ... worker processes in total
# ------------------------------------------------------------------
#
# ``num_workers`` is larger than the number of processor cores that this
# process may use. The extra workers wait for a core, and each of them takes
# memory. Start with the number of cores, and use fewer workers as long as
# the speed stays the same.
DataLoader(
    range(4), num_workers=10_000
)  # UserWarning: This DataLoader will create 10000 worker processes in
cores = len(os.sched_getaffinity(0))
loader = DataLoader(range(4), num_workers=min(4, cores))
1 <= loader.num_workers <= 4  # True
