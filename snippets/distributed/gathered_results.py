"""
Results of all ranks
====================

Collect the metrics, predictions and objects of all processes, and choose
the backend that sends them.
"""
import tempfile
from contextlib import suppress

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
import torch.nn.functional as F
from torch import nn
from torch.nn.parallel import DistributedDataParallel as DDP
from torch.utils.data import DistributedSampler

# %%
# Collect objects on rank 0: ``torch.distributed.gather_object``
# --------------------------------------------------------------
#
# Rank 0 passes a list with one place for each rank, and the other ranks
# pass None. Only rank 0 receives the objects, so only rank 0 needs the
# memory. The objects are pickled. Use it for lists of predictions or names
# at the end of a validation.
#
# .. glance:: found  # [['a0'], ['a1', 'b1']]
def work(rank, store):
    dist.init_process_group("gloo", store=store, rank=rank, world_size=2)
    mine = ["a0"] if rank == 0 else ["a1", "b1"]
    found = [None, None] if rank == 0 else None
    dist.gather_object(mine, found, dst=0)
    if rank == 0:
        found  # [['a0'], ['a1', 'b1']]
        [name for part in found for name in part]  # ['a0', 'a1', 'b1']
    dist.barrier()
    dist.destroy_process_group()


with tempfile.TemporaryDirectory() as folder:
    store = dist.FileStore(f"{folder}/store", 2)
    mp.start_processes(work, (store,), 2, start_method="fork")

# %%
# Hand objects out: ``torch.distributed.scatter_object_list``
# -----------------------------------------------------------
#
# Rank 0 has a list with one entry for each rank, such as jobs, files or
# settings. Each rank passes a list of length 1, and its entry is written
# there.
def work(rank, store):
    dist.init_process_group("gloo", store=store, rank=rank, world_size=2)
    jobs = [{"lr": 0.1}, {"lr": 0.01}] if rank == 0 else None
    mine = [None]
    dist.scatter_object_list(mine, jobs, src=0)
    if rank == 0:
        mine  # [{'lr': 0.1}]
    else:
        mine  # [{'lr': 0.01}]
    dist.barrier()
    dist.destroy_process_group()


with tempfile.TemporaryDirectory() as folder:
    store = dist.FileStore(f"{folder}/store", 2)
    mp.start_processes(work, (store,), 2, start_method="fork")

# %%
# Tensors of different lengths: pad them before ``all_gather``
# ------------------------------------------------------------
#
# ``all_gather`` expects the same shape on each rank. With different shapes
# it can hang or mix up the values. Exchange the lengths first, pad to the
# longest length, and cut off the padding afterwards.
def work(rank, store):
    dist.init_process_group("gloo", store=store, rank=rank, world_size=2)
    mine = torch.arange(2 + 2 * rank)
    lengths = [torch.empty(1, dtype=torch.int64) for _ in range(2)]
    dist.all_gather(lengths, torch.tensor([len(mine)]))
    longest = max(lengths).item()
    padded = F.pad(mine, (0, longest - len(mine)))
    parts = [torch.empty_like(padded) for _ in range(2)]
    dist.all_gather(parts, padded)
    both = zip(parts, lengths, strict=True)
    torch.cat([part[:n] for part, n in both])  # tensor([0, 1, 0, 1, 2, 3])
    dist.destroy_process_group()


with tempfile.TemporaryDirectory() as folder:
    store = dist.FileStore(f"{folder}/store", 2)
    mp.start_processes(work, (store,), 2, start_method="fork")

# %%
# Average a metric over ranks: sum the counts, then divide
# --------------------------------------------------------
#
# Rank 0 got 1 of 2 samples right, and rank 1 got 6 of 6. The mean of the
# two accuracies is 0.75, although 7 of 8 samples are right. Sum the hits
# and the samples with one ``all_reduce``, and divide afterwards.
def work(rank, store):
    dist.init_process_group("gloo", store=store, rank=rank, world_size=2)
    hits, samples = [(1.0, 2.0), (6.0, 6.0)][rank]
    mean = torch.tensor(hits / samples)
    dist.all_reduce(mean)
    mean / 2  # tensor(0.7500)
    counts = torch.tensor([hits, samples])
    dist.all_reduce(counts)
    counts[0] / counts[1]  # tensor(0.8750)
    dist.destroy_process_group()


with tempfile.TemporaryDirectory() as folder:
    store = dist.FileStore(f"{folder}/store", 2)
    mp.start_processes(work, (store,), 2, start_method="fork")

# %%
# Predictions in the order of the dataset: gather the indices, too
# ----------------------------------------------------------------
#
# ``DistributedSampler`` gives the samples to the ranks in turn and repeats
# the first ones if they cannot be divided evenly. Gather each prediction
# with its index, and write it to the position of that index. The
# predictions then have the order of the dataset, and a repeated sample
# counts once.
def work(rank, store):
    dist.init_process_group("gloo", store=store, rank=rank, world_size=2)
    indices = list(DistributedSampler(range(5), shuffle=False))
    mine = torch.tensor([[i, i * i] for i in indices])
    parts = [torch.empty_like(mine) for _ in range(2)]
    dist.all_gather(parts, mine)
    index, prediction = torch.cat(parts).T
    len(index)  # 6
    ordered = torch.empty(5, dtype=torch.int64)
    ordered[index] = prediction
    ordered  # tensor([ 0,  1,  4,  9, 16])
    dist.destroy_process_group()


with tempfile.TemporaryDirectory() as folder:
    store = dist.FileStore(f"{folder}/store", 2)
    mp.start_processes(work, (store,), 2, start_method="fork")

# %%
# Validate on rank 0 alone: call ``model.module``
# -----------------------------------------------
#
# Before a forward pass, ``DistributedDataParallel`` can synchronize
# buffers, such as those of batch normalization. If only one rank calls the
# wrapper, it may wait for the others. ``model.module`` is the model inside,
# which does not communicate. The other ranks wait at the barrier.
def work(rank, store):
    dist.init_process_group("gloo", store=store, rank=rank, world_size=2)
    model = DDP(nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2)))
    if rank == 0:
        inside = model.module.eval()
        with torch.inference_mode():
            inside(torch.rand(5, 3))  # shape (5, 2)
    dist.barrier()
    model.train()
    model(torch.rand(4, 3)).square().mean().backward()
    dist.barrier()
    del model
    dist.destroy_process_group()


with tempfile.TemporaryDirectory() as folder:
    store = dist.FileStore(f"{folder}/store", 2)
    mp.start_processes(work, (store,), 2, start_method="fork")

# %%
# ``all_gather_object`` out of memory: a second group with gloo
# -------------------------------------------------------------
#
# NCCL sends objects through GPU memory, and each rank receives the objects
# of all ranks. Send numbers instead of images, move tensors to the CPU
# first, or gather over a second group with gloo. ``gather_object`` fills
# only the memory of rank 0.
def work(rank, store):
    dist.init_process_group("gloo", store=store, rank=rank, world_size=2)
    through_cpu = dist.new_group(backend="gloo")
    mine = {"scores": torch.tensor([0.5 + rank]).cpu()}
    found = [None, None] if rank == 0 else None
    dist.gather_object(mine, found, dst=0, group=through_cpu)
    if rank == 0:
        torch.cat([one["scores"] for one in found])  # tensor([0.5, 1.5])
    dist.barrier()
    dist.destroy_process_group()


with tempfile.TemporaryDirectory() as folder:
    store = dist.FileStore(f"{folder}/store", 2)
    mp.start_processes(work, (store,), 2, start_method="fork")

# %%
# Lists of tensors for each rank: ``torch.distributed.all_to_all``
# ----------------------------------------------------------------
#
# Tensor j of the list goes to rank j. gloo supports this since 2.12. For
# older releases, and for tensors of different sizes with gloo, use
# ``all_to_all_single`` on one tensor and give the sizes of its parts.
def work(rank, store):
    dist.init_process_group("gloo", store=store, rank=rank, world_size=2)
    outputs = [torch.empty(1, dtype=torch.int64) for _ in range(2)]
    with suppress(RuntimeError):
        dist.all_to_all(
            outputs, list(torch.tensor([[rank], [10 + rank]]))
        )  # None since 2.12, RuntimeError: does not support before
    parts = torch.tensor([rank, 10 + rank, 10 + rank])
    got = torch.empty(2 + 2 * rank, dtype=torch.int64)
    dist.all_to_all_single(got, parts, [1 + rank] * 2, [1, 2])
    if rank == 0:
        got  # tensor([0, 1])
    else:
        got  # tensor([10, 10, 11, 11])
    dist.destroy_process_group()


with tempfile.TemporaryDirectory() as folder:
    store = dist.FileStore(f"{folder}/store", 2)
    mp.start_processes(work, (store,), 2, start_method="fork")

# %%
# Choose gloo or NCCL: ``get_default_backend_for_device``
# -------------------------------------------------------
#
# Use NCCL for NVIDIA GPUs, and gloo for the CPU and on Windows.
# ``torch.distributed.get_default_backend_for_device`` names the usual
# backend of a device, and ``torch.distributed.is_nccl_available`` tells
# whether this build contains NCCL. If you give no backend,
# ``init_process_group`` chooses one for CPU tensors and one for GPU
# tensors.
#
# .. glance:: dist.get_default_backend_for_device("cpu")  # 'gloo'
dist.is_gloo_available()  # True
dist.get_default_backend_for_device("cpu")  # 'gloo'
dist.get_default_backend_for_device("cuda")  # 'nccl'
usable = torch.cuda.is_available() and dist.is_nccl_available()
backend = "nccl" if usable else "gloo"
dist.is_backend_available(backend)  # True
dist.init_process_group(store=dist.HashStore(), rank=0, world_size=1)
x = torch.ones(1, device="cpu")
dist.all_reduce(x)
x  # tensor([1.])
dist.destroy_process_group()

# %%
# Error: Distributed package doesn't have NCCL built in
# -----------------------------------------------------
#
# Builds for Windows, macOS and the CPU have no NCCL. Pass ``"gloo"`` to
# ``init_process_group``, or leave the backend out. If you have an NVIDIA
# GPU under Linux, install a build with CUDA. Here the same message names
# MPI, because PyTorch was not compiled with it.
dist.is_mpi_available()  # False
with suppress(RuntimeError):
    dist.init_process_group(
        "mpi"
    )  # RuntimeError: Distributed package doesn't have ... built in
dist.is_initialized()  # False
alone = dict(store=dist.HashStore(), rank=0, world_size=1)
dist.init_process_group("gloo", **alone)
dist.get_backend()  # 'gloo'
dist.destroy_process_group()

# %%
# Each line is printed once for every process: print on rank 0
# ------------------------------------------------------------
#
# Every process runs the whole script, including its prints, progress bars
# and experiment trackers. ``is_main`` asks for the rank and also returns
# True if there is no group. Run what needs a collective on all ranks, and
# print the result on one.
def is_main():
    return not dist.is_initialized() or dist.get_rank() == 0


def work(rank, store):
    is_main()  # True
    dist.init_process_group("gloo", store=store, rank=rank, world_size=2)
    loss = torch.tensor(0.25 + rank)
    dist.reduce(loss, dst=0)
    if is_main():
        f"loss {loss.item() / 2:.2f}"  # 'loss 0.75'
    is_main() == (rank == 0)  # True
    dist.destroy_process_group()


with tempfile.TemporaryDirectory() as folder:
    store = dist.FileStore(f"{folder}/store", 2)
    mp.start_processes(work, (store,), 2, start_method="fork")

# %%
# One GPU is idle and the others are at 100 %: they wait for it
# -------------------------------------------------------------
#
# A GPU also shows 100 % while NCCL waits, so look at the idle rank: its
# loader, its disk, or a longer batch. A step takes as long as its slowest
# rank. Here two blocks of sorted texts give the ranks 1088 and 76 tokens.
# If the ranks take the sorted texts in turn, they have 622 and 542 tokens.
lengths = torch.tensor([512, 480, 64, 32, 30, 20, 16, 10])
blocks = lengths.reshape(2, 4).sum(dim=1)
blocks  # tensor([1088,   76])
dealt = lengths.reshape(4, 2).sum(dim=0)
dealt  # tensor([622, 542])
(blocks.max() / dealt.max()).item() > 1.7  # True
