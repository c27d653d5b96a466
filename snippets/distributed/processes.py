"""
Processes and groups
====================

Start several processes, connect them in a group, and read the errors that
appear when one of them is missing.
"""
import os
import pickle
import signal
import tempfile
from contextlib import suppress
from datetime import timedelta

import torch
import torch.distributed as dist
import torch.multiprocessing as mp

# %%
# Start two processes: ``torch.distributed.init_process_group``
# -------------------------------------------------------------
#
# ``start_processes`` runs ``work`` in two processes and waits for both.
# ``"fork"`` copies the current process, so the card runs in a script and in
# a notebook, but not on Windows. Start a training program with ``torchrun``
# instead, as shown further down.
#
# .. glance:: total  # tensor([3])
def work(rank, store):
    dist.init_process_group("gloo", store=store, rank=rank, world_size=2)
    dist.get_world_size()  # 2
    dist.get_rank() == rank  # True
    total = torch.tensor([rank + 1])
    dist.all_reduce(total)
    total  # tensor([3])
    dist.destroy_process_group()


with tempfile.TemporaryDirectory() as folder:
    store = dist.FileStore(f"{folder}/store", 2)
    mp.start_processes(work, (store,), 2, start_method="fork")
dist.is_initialized()  # False

# %%
# Each process has its own variables: ``all_gather_object``
# ---------------------------------------------------------
#
# Each process changes its own copy of a list. Neither the other process nor
# the parent sees the change. To share a value, send it, here with
# ``torch.distributed.all_gather_object``.
def work(rank, store):
    dist.init_process_group("gloo", store=store, rank=rank, world_size=2)
    losses.append(0.5 + rank)
    len(losses)  # 1
    everyone = [None, None]
    dist.all_gather_object(everyone, losses)
    everyone  # [[0.5], [1.5]]
    dist.destroy_process_group()


losses = []
with tempfile.TemporaryDirectory() as folder:
    store = dist.FileStore(f"{folder}/store", 2)
    mp.start_processes(work, (store,), 2, start_method="fork")
losses  # []

# %%
# Same random numbers in every process: ``torch.manual_seed`` by rank
# -------------------------------------------------------------------
#
# Forked processes start with the generator state of their parent, so they
# draw the same numbers. Processes started by ``torchrun`` do the same if
# each of them sets the same seed. Add the rank to the seed if the processes
# should draw different numbers.
def work(rank, store):
    dist.init_process_group("gloo", store=store, rank=rank, world_size=2)
    draws = [None, None]
    dist.all_gather_object(draws, torch.rand(1).item())
    draws[0] == draws[1]  # True
    torch.manual_seed(7 + rank)
    dist.all_gather_object(draws, torch.rand(1).item())
    draws[0] == draws[1]  # False
    dist.destroy_process_group()


with tempfile.TemporaryDirectory() as folder:
    store = dist.FileStore(f"{folder}/store", 2)
    mp.start_processes(work, (store,), 2, start_method="fork")

# %%
# Do one thing first on rank 0: ``torch.distributed.barrier``
# -----------------------------------------------------------
#
# A process waits at the barrier until all processes have reached it. Rank 0
# can therefore download or unpack the data while the others wait. Call
# ``barrier`` on every rank: inside the ``if``, rank 0 would wait for the
# others.
#
# .. glance:: os.path.exists(path)  # True
def work(rank, store):
    dist.init_process_group("gloo", store=store, rank=rank, world_size=2)
    path = f"{folder}/data.pt"
    if rank == 0:
        torch.save(torch.arange(3), path)
    dist.barrier()
    os.path.exists(path)  # True
    torch.load(path)  # tensor([0, 1, 2])
    dist.destroy_process_group()


with tempfile.TemporaryDirectory() as folder:
    store = dist.FileStore(f"{folder}/store", 2)
    mp.start_processes(work, (store,), 2, start_method="fork")

# %%
# What ``torchrun`` tells each process: ``RANK``, ``MASTER_ADDR``, ...
# --------------------------------------------------------------------
#
# ``torchrun --nproc-per-node=2 train.py`` starts the script twice and sets
# these variables, which ``init_process_group`` reads. Use ``LOCAL_RANK``,
# the number of the process on its machine, to choose the GPU. In this card
# the parent keeps the store, as ``torchrun`` does.
# ``TORCHELASTIC_USE_AGENT_STORE`` tells rank 0 not to open its own.
def work(rank):
    os.environ.update(RANK=str(rank), WORLD_SIZE="2", LOCAL_RANK=str(rank))
    os.environ.update(MASTER_ADDR="localhost", MASTER_PORT=str(hub.port))
    os.environ.update(TORCHELASTIC_USE_AGENT_STORE="True")
    dist.init_process_group("gloo")
    dist.get_rank() == rank  # True
    dist.get_node_local_rank() == rank  # True
    dist.get_world_size()  # 2
    dist.barrier()
    dist.destroy_process_group()


hub = dist.TCPStore("localhost", 0, is_master=True, wait_for_workers=False)
mp.start_processes(work, nprocs=2, start_method="fork")

# %%
# Share keys and values between processes: ``torch.distributed.TCPStore``
# -----------------------------------------------------------------------
#
# One process serves the store, and the others connect to its port. ``set``
# writes a key, ``get`` reads it, and ``add`` counts. ``wait`` raises an
# error if the key does not appear in time. A process group finds its
# members through such a store.
#
# .. glance:: client.get("epoch")  # b'3'
hub = dist.TCPStore("localhost", 0, is_master=True, wait_for_workers=False)
client = dist.TCPStore("localhost", hub.port, is_master=False)
hub.set("epoch", "3")
client.get("epoch")  # b'3'
client.add("arrived", 1)  # 1
hub.add("arrived", 1)  # 2
client.check(["epoch", "loss"])  # False
with suppress(dist.DistStoreError):
    client.wait(
        ["loss"], timedelta(seconds=1)
    )  # DistStoreError: wait timeout after 1000ms

# %%
# Which rank is missing? ``torch.distributed.monitored_barrier``
# --------------------------------------------------------------
#
# An ``all_reduce`` waits until every rank has called it. If one rank takes
# another branch, the others wait until the ``timeout`` of the group has
# passed. With gloo, ``monitored_barrier`` tells rank 0 which rank did not
# arrive.
def work(rank, store):
    dist.init_process_group("gloo", store=store, rank=rank, world_size=2)
    limit = timedelta(seconds=1)
    if rank == 0:
        with suppress(RuntimeError):
            dist.monitored_barrier(
                timeout=limit
            )  # RuntimeError: Rank 1 failed to pass monitoredBarrier
        store.set("rank 0 gave up", "")
    store.wait(["rank 0 gave up"])


with tempfile.TemporaryDirectory() as folder:
    store = dist.FileStore(f"{folder}/store", 2)
    mp.start_processes(work, (store,), 2, start_method="fork")

# %%
# Error: connection closed by peer, connection reset by peer
# ----------------------------------------------------------
#
# Another process has ended while this one was waiting for it. The error is
# only a consequence, so look for the first error in the output of the other
# ranks. Here rank 1 returns before it sends.
def work(rank, store):
    dist.init_process_group("gloo", store=store, rank=rank, world_size=2)
    dist.barrier()
    if rank == 1:
        return
    with suppress(RuntimeError):
        dist.recv(
            torch.empty(1), src=1
        )  # RuntimeError: Connection ... by peer


with tempfile.TemporaryDirectory() as folder:
    store = dist.FileStore(f"{folder}/store", 2)
    mp.start_processes(work, (store,), 2, start_method="fork")

# %%
# Error: default process group has not been initialized
# -----------------------------------------------------
#
# Call ``init_process_group`` once in each process, before you build a
# distributed model. Without ``rank``, ``world_size`` and a store, it reads
# the variables of ``torchrun``, which are missing in a plain ``python
# train.py``. After ``destroy_process_group`` you may create a new group.
with suppress(ValueError):
    dist.get_rank()  # ValueError: process group has not been initialized
with suppress(ValueError):
    dist.init_process_group(
        "gloo"
    )  # ValueError: environment variable RANK expected, but not set
one = dict(store=dist.HashStore(), rank=0, world_size=1)
dist.init_process_group("gloo", **one)
with suppress(ValueError):
    dist.init_process_group(
        "gloo", **one
    )  # ValueError: initialize the default process group twice
dist.destroy_process_group()
dist.is_initialized()  # False

# %%
# Error: address already in use (``MASTER_PORT``)
# -----------------------------------------------
#
# "The server socket has failed to listen ... EADDRINUSE" means that another
# program already uses the port, often a second training on the same machine
# or a process left over from a crash. End that process or choose another
# port. ``torchrun --standalone`` takes a free port.
hub = dist.TCPStore("localhost", 0, is_master=True, wait_for_workers=False)
with suppress(dist.DistNetworkError):
    dist.TCPStore(
        "localhost", hub.port, is_master=True
    )  # DistNetworkError: The server socket has failed to listen on any

# %%
# Error: ``ProcessRaisedException`` and ``ProcessExitedException``
# ----------------------------------------------------------------
#
# If a process raises an error, ``start_processes`` and ``spawn`` raise one
# that contains its traceback. Read the last lines. If a signal ended the
# process, there is no traceback. A SIGKILL that you did not send often
# means that memory ran out.
def divide(rank):
    return 1 / rank


def die(rank):
    os.kill(os.getpid(), signal.SIGKILL)


with suppress(mp.ProcessRaisedException):
    mp.start_processes(
        divide, start_method="fork"
    )  # ProcessRaisedException: ... ZeroDivisionError: division by zero
with suppress(mp.ProcessExitedException):
    mp.start_processes(
        die, start_method="fork"
    )  # ProcessExitedException: process 0 terminated with signal SIGKILL

# %%
# Error: can't pickle a function (``torch.multiprocessing.spawn``)
# ----------------------------------------------------------------
#
# ``spawn`` starts new interpreters, which import your script. Define the
# function at the top level of a file, and put the call under ``if __name__
# == "__main__":``. In a notebook, write the function into a file and import
# it.
with suppress(pickle.PicklingError):
    mp.spawn(lambda rank: None)  # PicklingError: Can't pickle
mp.start_processes(
    lambda rank: None, start_method="fork"
)  # None
