"""
DataLoader workers hang, die or fill the memory: find out which, and why
========================================================================

Set ``num_workers=0`` first, so that your own process loads the data and not
a worker process. If the error stays, the fault is in the dataset or in
``collate_fn``, and the traceback shows the line. If the error goes away,
the cause lies in the way the workers are started, in what they share with
your process or in the memory that they need. This page reproduces the
failures, shows how to recognize them, and repairs them.

* Is there a message?

  * "exited unexpectedly", "is killed by signal: Killed" or "Bus error"? See
    *A worker died: exited unexpectedly, killed by signal*.
  * "WinError 1455", "Error loading ... .dll or one of its dependencies"?
    See *WinError 1455, Error loading a DLL: the paging file is too small*.
  * "received 0 items of ancdata" or "Too many open files"? See *Too many
    open files: received 0 items of ancdata*.
  * "Can't pickle" or "Can't get attribute"? See *Can't pickle local object:
    what a spawned worker is sent*.
  * "An attempt has been made to start a new process"? See *An attempt has
    been made to start a new process: no __main__ check*.
  * "Cannot re-initialize CUDA in forked subprocess" or "cannot pin"? See
    *Cannot re-initialize CUDA in forked subprocess: return CPU tensors*.

* Does the loop hang without a message? See *A worker hangs: find the line
  where it waits*.

* Does the memory grow during an epoch? See *Memory grows with each batch: a
  list of Python objects*.

* Do all workers draw the same random numbers? See *The same random numbers
  in each worker*.

* Is each epoch slow to start? See *Each epoch is slow to start: keep the
  workers*.
"""
import faulthandler
import gc
import multiprocessing
import os
import pickle
import resource
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import numpy as np
import torch
import torch.multiprocessing as mp
from torch.utils.data import (
    DataLoader,
    Dataset,
    TensorDataset,
    get_worker_info,
)


# %%
# A dataset that calls a function in each worker
# ----------------------------------------------
#
# ``act`` stands for what a real dataset does, such as opening a file,
# augmenting an image or calling a library. The loader uses ``"fork"``: each
# worker starts as a copy of your process. This was the default on Linux
# before Python 3.14.
class Calls(Dataset):
    def __init__(self, act, samples=4):
        self.act, self.samples = act, samples

    def __len__(self):
        return self.samples

    def __getitem__(self, index):
        return self.act(index)


load = partial(DataLoader, num_workers=1, multiprocessing_context="fork")
squares = Calls(lambda index: index**2)
[batch.item() for batch in load(squares)]  # [0, 1, 4, 9]

# %%
# The first test: ``num_workers=0``
# ---------------------------------
#
# Without workers the dataset runs in your own process, where a debugger can
# stop in it. With workers, the message of the same error begins with
# "Caught ... in DataLoader worker process 0". The line of the dataset that
# failed is near the end of the message.
broken = Calls({"a.png": 0}.__getitem__)
with suppress(KeyError):
    next(
        iter(load(broken))
    )  # KeyError: Caught KeyError in DataLoader worker
with suppress(KeyError):
    next(iter(DataLoader(broken)))  # KeyError: 0


# %%
# A worker died: exited unexpectedly, killed by signal
# ----------------------------------------------------
#
# The message "DataLoader worker (pid(s) ...) exited unexpectedly" says
# little. The error above it in the traceback (its ``__cause__``) names the
# signal or the exit code that ended the worker. "Killed" usually means that
# the memory of the machine is full, so use fewer workers, a smaller
# ``prefetch_factor`` and no cache in the dataset. "Bus error" usually means
# that the shared memory in ``/dev/shm`` is full. A Docker container has 64
# MB of it by default, so start the container with ``--shm-size=8g`` or
# ``--ipc=host``.
def cause(act):
    try:
        next(iter(load(Calls(act))))
    except RuntimeError as error:
        raise error.__cause__ from None


def end(how, index):
    os.kill(os.getpid(), how)


def leave(index):
    os._exit(1)


with suppress(RuntimeError):
    next(
        iter(load(Calls(leave)))
    )  # RuntimeError: DataLoader worker (pid(s) ...) exited unexpectedly
with suppress(RuntimeError):
    cause(leave)  # RuntimeError: exited unexpectedly with exit code 1
kill, bus = partial(end, signal.SIGKILL), partial(end, signal.SIGBUS)
with suppress(RuntimeError):
    cause(kill)  # RuntimeError: DataLoader worker (pid ...) is killed by
with suppress(RuntimeError):
    cause(bus)  # RuntimeError: is killed by signal: Bus error. It is


# %%
# WinError 1455, Error loading a DLL: the paging file is too small
# ----------------------------------------------------------------
#
# "OSError: [WinError 1455] The paging file is too small for this operation
# to complete. Error loading caffe2_detectron_ops_gpu.dll or one of its
# dependencies" often comes from a worker on Windows. Each worker is a new
# process that imports torch again, and Windows reserves memory for the
# libraries of each process. Use fewer workers, or ``num_workers=0``, or
# enlarge the paging file in the system settings and restart Windows. The
# child process below receives a pickled dataset, as such a worker does, and
# has to import torch to read it.
libraries = Path(torch.__file__).parent / "lib"
sizes = [file.stat().st_size for file in libraries.glob("*torch*")]
print(f"{sum(sizes) >> 20} MiB of libraries for each worker")
sum(sizes) > 50 * 2**20  # True
script = """
import pickle, sys
before = "torch" in sys.modules
pickle.load(sys.stdin.buffer)
print(before, "torch" in sys.modules)
"""
sent = pickle.dumps(TensorDataset(torch.arange(3, device="cpu")))
child = [sys.executable, "-c", script]
ran = subprocess.run(child, input=sent, capture_output=True)
ran.stdout.split()  # [b'False', b'True']

# %%
# Is ``/dev/shm`` large enough for the loader?
# --------------------------------------------
#
# On Linux, the batches from the workers lie in shared memory. Up to
# ``num_workers * prefetch_factor`` batches wait there at one time. Compare
# their size with the free space. For 4 workers and a ``prefetch_factor`` of
# 2, the last line prints the size and the free space.
batch = next(iter(DataLoader(torch.zeros(64, 3, 224, 224), batch_size=64)))
batch.nbytes  # 38535168
ahead = 4 * 2 * batch.nbytes
shared = Path("/dev/shm")
if shared.exists():
    room = os.statvfs(shared)
    print(f"{ahead >> 20} MiB of {room.f_bavail * room.f_frsize >> 20} MiB")


# %%
# A worker hangs: find the line where it waits
# --------------------------------------------
#
# A forked worker gets a copy of the memory of your process, but only one of
# its threads. A lock that another thread holds is never released in the
# copy, and a thread pool has no threads there, so the worker waits forever.
# The example uses a thread pool of Python. OpenCV has a pool as well, so
# call ``cv2.setNumThreads(0)`` before the loop. ``timeout`` turns the wait
# into an error. ``faulthandler`` writes down the line at which the worker
# waits, and ``py-spy dump --pid`` shows this line from outside.
pool = ThreadPoolExecutor(1)
pool.submit(abs, -1).result()  # 1
waits = Calls(lambda index: pool.submit(abs, index).result())
log = tempfile.NamedTemporaryFile("w+")


def watch(worker_id):
    faulthandler.dump_traceback_later(0.2, file=log)


batches = iter(load(waits, timeout=1, worker_init_fn=watch))
with suppress(RuntimeError):
    next(batches)  # RuntimeError: DataLoader timed out after 1 seconds
deadline = time.monotonic() + 60
while "__getitem__" not in Path(log.name).read_text():
    assert time.monotonic() < deadline
    time.sleep(0.1)
dump = Path(log.name).read_text()
"in result" in dump  # True
del batches
log.close()


# %%
# The fix: start the pool in the worker
# -------------------------------------
#
# ``worker_init_fn`` runs in the worker before the first sample is loaded. A
# pool, a file handle or a connection that you create there belongs to the
# worker. Another fix is ``multiprocessing_context="spawn"``, because a
# spawned worker does not inherit the memory of your process.
def new_pool(worker_id):
    global pool
    pool = ThreadPoolExecutor(1)


[batch.item() for batch in load(waits, worker_init_fn=new_pool)][-1]  # 3
pool.shutdown()


# %%
# Too many open files: received 0 items of ancdata
# ------------------------------------------------
#
# On Linux, a tensor from a worker is shared through an open file by
# default, and the file stays open as long as the tensor exists. If you
# collect the batches in a list, you reach the limit of ``ulimit -n``, which
# is lowered here. The loader then reports "Too many open files", and a
# queue of ``torch.multiprocessing`` reports "received 0 items of ancdata".
@contextmanager
def limit_open_files(more):
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest_free = os.dup(0)
    os.close(lowest_free)
    resource.setrlimit(
        resource.RLIMIT_NOFILE, (lowest_free + more, before[1])
    )
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def collect(keep):
    with limit_open_files(60):
        return [keep(batch) for batch in load(torch.arange(200))]


def send(queue, finish):
    for number in range(60):
        queue.put(torch.tensor(number, device="cpu"))
    finish.wait()


def receive():
    context = mp.get_context("fork")
    queue, finish = context.Queue(), context.Event()
    sender = context.Process(target=send, args=(queue, finish))
    sender.start()
    try:
        with limit_open_files(20):
            return [queue.get() for _ in range(60)]
    finally:
        finish.set()
        sender.join()


with suppress(RuntimeError):
    collect(lambda batch: batch)  # RuntimeError: Too many open files
with suppress(RuntimeError):
    receive()  # RuntimeError: received 0 items of ancdata

# %%
# The fix: ``clone``, or the sharing strategy ``file_system``
# -----------------------------------------------------------
#
# A clone lies in ordinary memory and needs no open file. If you do not want
# to change the loop, call
# ``torch.multiprocessing.set_sharing_strategy("file_system")`` at the start
# of the program. Tensors are then shared by name instead of through an open
# file. You can also raise the limit in the shell with ``ulimit -n 65535``.
len(collect(torch.clone))  # 200
strategy = mp.get_sharing_strategy()
mp.set_sharing_strategy("file_system")
len(collect(lambda batch: batch))  # 200
mp.set_sharing_strategy(strategy)


# %%
# Memory grows with each batch: a list of Python objects
# ------------------------------------------------------
#
# A forked worker shares the memory of the dataset with your process until
# one of the two writes to it. Python writes a reference count into each
# object that it touches, so reading a list of names copies the list, page
# by page, into each worker. A NumPy array has one reference count for all
# its names. Keep paths and labels in an array or a tensor, and large data
# in a memory-mapped file.
def private_bytes():
    report = Path("/proc/self/smaps_rollup")
    if not report.exists():
        return 0
    rows = report.read_text().splitlines()
    sizes = [row.split()[1] for row in rows if row.startswith("Private_D")]
    return sum(int(size) << 10 for size in sizes)


class Reads(Dataset):
    def __init__(self, names):
        self.names = names

    def __len__(self):
        return 2

    def __getitem__(self, index):
        if index == 1:
            for name in self.names:
                len(name)
        return private_bytes()


names = [f"images/{number:012}.png" for number in range(200_000)]
grown = {}
for kind in (list, np.array):
    first, last = load(Reads(kind(names)))
    grown[kind.__name__] = (last - first).item()
print({kind: f"{size >> 20} MiB" for kind, size in grown.items()})
len({id(name) for name in names})  # 200000
np.array(names).nbytes  # 18400000
assert grown["list"] > 2 * grown["array"] or grown["list"] == 0, grown

# %%
# Can't pickle local object: what a spawned worker is sent
# --------------------------------------------------------
#
# Windows and macOS spawn their workers, and Python 3.14 on Linux uses a
# forkserver, so the dataset, ``collate_fn`` and ``worker_init_fn`` are
# pickled. A lambda, a class or function inside a function, and an open file
# cannot be pickled. Functions of a module and ``functools.partial`` can be
# pickled. A class from a notebook cell is sent by its name alone, and the
# worker reports "AttributeError: Can't get attribute", so move the class to
# a ``.py`` file.
def goes_through(thing):
    try:
        return bool(pickle.dumps(thing))
    except (AttributeError, TypeError, pickle.PicklingError) as error:
        print(f"{type(error).__name__}: {error}")
        return False


def make_local():
    class Local(Dataset):
        pass

    return Local()


with open(os.devnull) as file:
    things = [make_local(), Calls(lambda index: index), Calls(file)]
    [goes_through(thing) for thing in things]  # [False, False, False]
goes_through(Calls(partial(max, 2)))  # True

# %%
# An attempt has been made to start a new process: no ``__main__`` check
# ----------------------------------------------------------------------
#
# A spawned worker imports your script. If the loop is at the top level of
# the script, the import reaches it and would start workers again. Put the
# loop behind ``if __name__ == "__main__":``, as the second script below
# does with a plain process in place of a worker. On Windows, your own
# process may report "BrokenPipeError: [Errno 32] Broken pipe" instead,
# because the worker has ended.
lines = [
    "import multiprocessing",
    "start = multiprocessing.get_context('spawn').Process",
    "worker = start(target=print, args=('a worker',))",
    "worker.start(); worker.join()",
]
guarded = [*lines[:3], "if __name__ == '__main__':", "    " + lines[3]]


def run(script):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "script.py")
        path.write_text("\n".join(script))
        return subprocess.run(
            [sys.executable, path], capture_output=True, text=True
        )


said = run(lines).stderr
"An attempt has been made to start a new process" in said  # True
run(lines).stdout  # ''
run(guarded).stdout  # 'a worker\n'


# %%
# Cannot re-initialize CUDA in forked subprocess: return CPU tensors
# ------------------------------------------------------------------
#
# A forked worker cannot use CUDA if your process has already used it.
# Return CPU tensors from the dataset, load files with
# ``map_location="cpu"``, and move each batch to the GPU in the loop.
# "cannot pin 'torch.cuda.FloatTensor' only dense CPU tensors can be pinned"
# has the same cause, because ``pin_memory=True`` expects batches on the
# CPU. The function below shows the two errors on a machine with a GPU.
gpu = torch.cuda.is_available()


def fails_with(text, **options):
    here = torch.ones(2, device="cuda" if gpu else "cpu")
    try:
        next(iter(DataLoader(Calls(lambda index: here + 1), **options)))
    except RuntimeError as error:
        return text in str(error)
    return False


fork = dict(num_workers=1, multiprocessing_context="fork")
fails_with("re-initialize CUDA in forked", **fork) == gpu  # True
fails_with("only dense CPU tensors", pin_memory=gpu) == gpu  # True


# %%
# The same random numbers in each worker
# --------------------------------------
#
# The loader seeds PyTorch, ``random`` and ``np.random`` in each worker, but
# not a generator that the dataset holds. Each worker gets a copy of that
# generator in the same state. Create the generator in ``worker_init_fn``
# from the seed that ``get_worker_info`` returns.
class Noise(Dataset):
    def __init__(self):
        self.rng = np.random.default_rng(0)

    def __len__(self):
        return 2

    def __getitem__(self, index):
        return self.rng.random()


def seed_dataset(worker_id):
    info = get_worker_info()
    info.dataset.rng = np.random.default_rng(info.seed)


two = partial(load, num_workers=2)
len({batch.item() for batch in two(Noise())})  # 1
seeded = two(Noise(), worker_init_fn=seed_dataset)
len({batch.item() for batch in seeded})  # 2

# %%
# Each epoch is slow to start: keep the workers
# ---------------------------------------------
#
# By default, the workers end with the epoch, and the next epoch starts new
# ones. A spawned worker then imports torch again, which takes seconds.
# ``persistent_workers=True`` keeps the processes. If the data fits into
# memory, ``num_workers=0`` is often faster, and :doc:`slow_training` shows
# how to measure it.
process = Calls(lambda index: os.getpid(), samples=1)
each = load(process)
next(iter(each)).equal(next(iter(each)))  # False
kept = load(process, persistent_workers=True)
next(iter(kept)).equal(next(iter(kept)))  # True
del kept

# %%
# The result: the failures are repaired, and no process is left
# -------------------------------------------------------------
#
# The repaired loaders return all samples, and no worker is still running.
# Cards for single options are in :doc:`/reference/data/worker_processes`.
repaired = {
    "pool": [int(b) for b in load(squares)] == [0, 1, 4, 9],
    "files": len(collect(torch.clone)) == 200,
    "pickle": goes_through(Calls(partial(max, 2))),
}
print(repaired)
assert all(repaired.values())
gc.collect()
for child in multiprocessing.active_children():
    child.join(timeout=60)
multiprocessing.active_children()  # []
