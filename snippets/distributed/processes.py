"""
Processes and groups
====================

Start several processes, let them find each other, and know what they say
when one of them is missing.
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
# ``"fork"`` copies this process, so the card runs in a script and in a
# notebook; Windows has no fork. Start a training program with ``torchrun``,
# see below.
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
# A process changes its own copy of a list or a model. Neither the other
# process nor the one that started it sees the change. What the others
# should know must be sent, here with
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
# Forked processes begin with the generator state of their parent, so they
# draw the same noise. Processes that ``torchrun`` starts do so if each of
# them sets the same seed. Add the rank to the seed for what should differ.
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
# A process leaves the barrier when all have reached it. So rank 0 can
# download or unpack the data while the others wait. Every rank must call
# ``barrier``: one that stands inside the ``if`` would wait for the rest.
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
# ``torchrun --nproc-per-node=2 train.py`` starts the script twice with
# these variables set, and ``init_process_group`` reads them. Here the
# parent keeps the store, as ``torchrun`` does;
# ``TORCHELASTIC_USE_AGENT_STORE`` tells rank 0 not to open its own.
# ``LOCAL_RANK`` counts the processes of one machine: choose the GPU by it.
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
# Leave notes for other processes: ``torch.distributed.TCPStore``
# ---------------------------------------------------------------
#
# One process serves the store and the others connect to its port. ``set``
# writes a key, ``get`` reads it, ``add`` counts, and ``wait`` raises an
# error if a key does not come in time. The process group finds its members
# through such a store.
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
# An ``all_reduce`` waits until every rank has called it. If one took
# another branch, the others wait until the group's ``timeout`` has passed.
# With gloo, ``monitored_barrier`` names on rank 0 the rank that did not
# come.
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
# Another process has ended while this one waits for it. This error is a
# consequence: look for the first error in the output of the other ranks.
# Here rank 1 returns before it sends.
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
# Each process calls ``init_process_group`` once, before it builds a
# distributed model. Without ``rank``, ``world_size`` and a store it reads
# the variables of ``torchrun``, which are missing in a plain ``python
# train.py``. After ``destroy_process_group`` a new group may be made.
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
# "The server socket has failed to listen ... EADDRINUSE": something already
# listens on the port, often a second training on the same machine, or what
# is left of one that crashed. End that process or choose
# another port, for example with ``torchrun --standalone``, which takes a
# free one.
hub = dist.TCPStore("localhost", 0, is_master=True, wait_for_workers=False)
with suppress(dist.DistNetworkError):
    dist.TCPStore(
        "localhost", hub.port, is_master=True
    )  # DistNetworkError: The server socket has failed to listen on any

# %%
# Error: ``ProcessRaisedException`` and ``ProcessExitedException``
# ----------------------------------------------------------------
#
# If a process raises, ``start_processes`` and ``spawn`` raise an error with
# its traceback: read the last lines. If a signal ended the process, there
# is no traceback. A SIGKILL that you did not send often means that memory
# ran out.
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
# ``spawn`` starts new interpreters, which import your script. So the
# function must stand at the top level of a file, and the call under
# ``if __name__ == "__main__":``. In a notebook put the function into a file
# and import it.
with suppress(pickle.PicklingError):
    mp.spawn(lambda rank: None)  # PicklingError: Can't pickle
mp.start_processes(
    lambda rank: None, start_method="fork"
)  # None
