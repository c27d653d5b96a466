"""
Collectives
===========

Send tensors and objects between the processes of a group. The cards show
what each rank holds afterwards.
"""
import tempfile
from contextlib import suppress

import torch
import torch.distributed as dist
import torch.multiprocessing as mp

# %%
# Copy from one rank to all: ``torch.distributed.broadcast``
# ----------------------------------------------------------
#
# Rank ``src`` sends its tensor. The other ranks receive it into a tensor of
# the same shape and dtype, whose values are overwritten. Use it for weights
# that only one rank has loaded.
def work(rank, store):
    dist.init_process_group("gloo", store=store, rank=rank, world_size=2)
    x = torch.tensor([1.0, 2.0]) if rank == 0 else torch.zeros(2)
    dist.broadcast(x, src=0)
    x  # tensor([1., 2.])
    dist.destroy_process_group()


with tempfile.TemporaryDirectory() as folder:
    store = dist.FileStore(f"{folder}/store", 2)
    mp.start_processes(work, (store,), 2, start_method="fork")

# %%
# Sum over all ranks: ``torch.distributed.all_reduce``
# ----------------------------------------------------
#
# The tensor is changed in place on every rank. ``op`` may also be ``MAX``,
# ``MIN`` or ``PRODUCT``. For a mean, divide the sum by the world size.
#
# .. glance:: total  # tensor([ 4., 11.])
def work(rank, store):
    dist.init_process_group("gloo", store=store, rank=rank, world_size=2)
    mine = torch.tensor([[1.0, 5.0], [3.0, 6.0]])[rank]
    total, largest = mine.clone(), mine.clone()
    dist.all_reduce(total)
    total  # tensor([ 4., 11.])
    total / dist.get_world_size()  # tensor([2.0000, 5.5000])
    dist.all_reduce(largest, op=dist.ReduceOp.MAX)
    largest  # tensor([3., 6.])
    dist.destroy_process_group()


with tempfile.TemporaryDirectory() as folder:
    store = dist.FileStore(f"{folder}/store", 2)
    mp.start_processes(work, (store,), 2, start_method="fork")

# %%
# Sum on one rank: ``torch.distributed.reduce``
# ---------------------------------------------
#
# Rank ``dst`` gets the sum. The values on the other ranks are undefined, so
# do not read them there. Use it for a number that one rank logs.
def work(rank, store):
    dist.init_process_group("gloo", store=store, rank=rank, world_size=2)
    correct = torch.tensor([40 + rank])
    dist.reduce(correct, dst=0)
    if rank == 0:
        correct  # tensor([81])
    dist.destroy_process_group()


with tempfile.TemporaryDirectory() as folder:
    store = dist.FileStore(f"{folder}/store", 2)
    mp.start_processes(work, (store,), 2, start_method="fork")

# %%
# Collect on all ranks: ``torch.distributed.all_gather``
# ------------------------------------------------------
#
# Every rank gets the tensors of all ranks, in the order of the ranks. They
# arrive in a list that you provide. ``all_gather_into_tensor`` joins them
# in one tensor. Since 2.13 its name is ``all_gather_single``.
def work(rank, store):
    dist.init_process_group("gloo", store=store, rank=rank, world_size=2)
    mine = torch.tensor([rank, 10 * rank])
    parts = [torch.empty_like(mine) for _ in range(2)]
    dist.all_gather(parts, mine)
    torch.stack(parts)  # tensor([[ 0,  0], [ 1, 10]])
    joined = torch.empty(4, dtype=mine.dtype)
    dist.all_gather_into_tensor(
        joined, mine
    )  # FutureWarning: is deprecated since 2.13, None before
    joined  # tensor([ 0,  0,  1, 10])
    dist.destroy_process_group()


with tempfile.TemporaryDirectory() as folder:
    store = dist.FileStore(f"{folder}/store", 2)
    mp.start_processes(work, (store,), 2, start_method="fork")

# %%
# Hand out and collect: ``torch.distributed.scatter``, ``gather``
# ---------------------------------------------------------------
#
# ``scatter`` sends the i-th tensor of a list to rank i. ``gather`` collects
# one tensor from each rank into a list. The list is given on rank ``src``
# or ``dst`` and is None on the others.
def work(rank, store):
    dist.init_process_group("gloo", store=store, rank=rank, world_size=2)
    parts = list(torch.tensor([[1, 2], [3, 4]])) if rank == 0 else None
    mine = torch.empty(2, dtype=torch.int64)
    dist.scatter(mine, parts, src=0)
    mine.tolist() == [2 * rank + 1, 2 * rank + 2]  # True
    sums = [torch.empty(1, dtype=torch.int64) for _ in range(2)]
    dist.gather(mine.sum(0, True), None if rank else sums, dst=0)
    if rank == 0:
        torch.cat(sums)  # tensor([3, 7])
    dist.destroy_process_group()


with tempfile.TemporaryDirectory() as folder:
    store = dist.FileStore(f"{folder}/store", 2)
    mp.start_processes(work, (store,), 2, start_method="fork")

# %%
# Sum, and keep one part: ``torch.distributed.reduce_scatter_tensor``
# -------------------------------------------------------------------
#
# The tensors are summed, and rank i keeps the i-th part of the sum. All
# parts together are the result of ``all_reduce``. Since 2.13 the name is
# ``reduce_scatter_single``.
def work(rank, store):
    dist.init_process_group("gloo", store=store, rank=rank, world_size=2)
    gradient = torch.tensor([1.0, 2.0, 3.0, 4.0]) * (1 + rank)
    mine = torch.empty(2)
    dist.reduce_scatter_tensor(
        mine, gradient
    )  # FutureWarning: is deprecated since 2.13, None before
    if rank == 0:
        mine  # tensor([3., 6.])
    else:
        mine  # tensor([ 9., 12.])
    dist.destroy_process_group()


with tempfile.TemporaryDirectory() as folder:
    store = dist.FileStore(f"{folder}/store", 2)
    mp.start_processes(work, (store,), 2, start_method="fork")

# %%
# A different part for each rank: ``all_to_all_single``
# -----------------------------------------------------
#
# Rank i sends the j-th part of its tensor to rank j. If you think of the
# tensors as rows of a matrix, each rank ends up with a row of the
# transpose. Use it to send tokens to the ranks of their experts, and give
# the split sizes if the parts differ in size.
def work(rank, store):
    dist.init_process_group("gloo", store=store, rank=rank, world_size=2)
    x = torch.tensor([[1, 2], [3, 4]])[rank]
    y = torch.empty_like(x)
    dist.all_to_all_single(y, x)
    if rank == 0:
        y  # tensor([1, 3])
    else:
        y  # tensor([2, 4])
    dist.destroy_process_group()


with tempfile.TemporaryDirectory() as folder:
    store = dist.FileStore(f"{folder}/store", 2)
    mp.start_processes(work, (store,), 2, start_method="fork")

# %%
# From one rank to another: ``torch.distributed.send``, ``recv``
# --------------------------------------------------------------
#
# ``recv`` waits for the tensor and writes it in place. If both ranks begin
# with ``send``, each can wait for the other. To exchange tensors, use
# ``isend`` and ``irecv``, which return at once, and call ``wait`` on the
# results.
def work(rank, store):
    dist.init_process_group("gloo", store=store, rank=rank, world_size=2)
    x = torch.tensor([7.0]) if rank == 0 else torch.zeros(1)
    if rank == 0:
        dist.send(x, dst=1)
    else:
        dist.recv(x, src=0)
    x  # tensor([7.])
    mine, theirs = torch.tensor([float(rank)]), torch.empty(1)
    works = [dist.isend(mine, 1 - rank), dist.irecv(theirs, 1 - rank)]
    for one in works:
        one.wait()
    mine + theirs  # tensor([1.])


with tempfile.TemporaryDirectory() as folder:
    store = dist.FileStore(f"{folder}/store", 2)
    mp.start_processes(work, (store,), 2, start_method="fork")

# %%
# Send objects that are not tensors: ``all_gather_object``
# --------------------------------------------------------
#
# These functions pickle what they send, so they accept dictionaries and
# strings. ``broadcast_object_list`` changes the list in place. Receive
# objects only from ranks that you trust, because unpickling can run code.
def work(rank, store):
    dist.init_process_group("gloo", store=store, rank=rank, world_size=2)
    found = [None, None]
    dist.all_gather_object(found, {"rank": rank, "names": "ab"[rank]})
    found[1]  # {'rank': 1, 'names': 'b'}
    plan = ["run-3", {"lr": 0.1}] if rank == 0 else [None, None]
    dist.broadcast_object_list(plan, src=0)
    plan  # ['run-3', {'lr': 0.1}]
    dist.destroy_process_group()


with tempfile.TemporaryDirectory() as folder:
    store = dist.FileStore(f"{folder}/store", 2)
    mp.start_processes(work, (store,), 2, start_method="fork")

# %%
# Only some of the ranks: ``torch.distributed.new_group``
# -------------------------------------------------------
#
# By default every rank must call ``new_group``, even a rank outside the
# group. A collective with ``group=`` waits only for the members of the
# group. Here ranks 0 and 2 sum their values, and rank 1 keeps its value.
def work(rank, store):
    dist.init_process_group("gloo", store=store, rank=rank, world_size=3)
    even = dist.new_group([0, 2])
    x = torch.tensor([10 + rank])
    if rank != 1:
        dist.all_reduce(x, group=even)
        x  # tensor([22])
        dist.get_process_group_ranks(even)  # [0, 2]
        dist.get_rank(even) == rank // 2  # True
    else:
        x  # tensor([11])
    dist.destroy_process_group()


with tempfile.TemporaryDirectory() as folder:
    store = dist.FileStore(f"{folder}/store", 3)
    mp.start_processes(work, (store,), 3, start_method="fork")

# %%
# Compute while tensors travel: ``async_op=True``
# -----------------------------------------------
#
# The call returns a ``Work`` object. Do not read or change the tensor
# before its ``wait`` returns. The computation in between can overlap with
# the communication.
def work(rank, store):
    dist.init_process_group("gloo", store=store, rank=rank, world_size=2)
    x = torch.full((3,), 1.0 + rank)
    handle = dist.all_reduce(x, async_op=True)
    other = torch.arange(3).square().sum()
    handle.wait()  # True
    x  # tensor([3., 3., 3.])
    other  # tensor(5)
    dist.destroy_process_group()


with tempfile.TemporaryDirectory() as folder:
    store = dist.FileStore(f"{folder}/store", 2)
    mp.start_processes(work, (store,), 2, start_method="fork")

# %%
# Error: no backend type associated with device type
# --------------------------------------------------
#
# NCCL sends tensors on a GPU, so a group with NCCL alone has no backend for
# a CPU tensor. Move the tensor to the GPU, or give a backend for each
# device, as in ``"cpu:gloo,cuda:nccl"``. The first group in this card has a
# backend for ``xpu`` and none for the CPU.
alone = dict(store=dist.HashStore(), rank=0, world_size=1)
dist.init_process_group("xpu:gloo", **alone)
x = torch.ones(1, device="cpu")
with suppress(RuntimeError):
    dist.all_reduce(x)  # RuntimeError: No backend type associated with
dist.destroy_process_group()
dist.init_process_group("cpu:gloo", **alone)
dist.all_reduce(x)
x  # tensor([1.])
dist.destroy_process_group()
