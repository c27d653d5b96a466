"""
Faster and equal on several GPUs
================================

Choose a kind of parallelism, keep the ranks consistent, and find out why
two GPUs are no faster than one.
"""
import os
import tempfile

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import nn
from torch.distributed.algorithms.ddp_comm_hooks import default_hooks
from torch.distributed.optim import ZeroRedundancyOptimizer
from torch.nn.parallel import DistributedDataParallel as DDP
from torch.optim.lr_scheduler import OneCycleLR, ReduceLROnPlateau
from torch.utils.data import DataLoader, DistributedSampler, random_split

# %%
# DDP, FSDP, tensor or pipeline parallel: which one?
# --------------------------------------------------
#
# Training with Adam in float32 needs 16 bytes for each parameter, plus the
# activations. If that fits on one GPU, use ``DistributedDataParallel``. If
# not, ``fully_shard`` divides it by the number of GPUs. Tensor parallelism
# splits single layers and suits fast links within a machine, and a pipeline
# splits the model between layers.
def gigabytes(parameters, ranks=1):
    return 16 * parameters / ranks / 1e9


gigabytes(1e9)  # 16.0
gigabytes(7e9)  # 112.0
gigabytes(7e9, ranks=8)  # 14.0

# %%
# Which GPUs: ``CUDA_VISIBLE_DEVICES`` and ``LOCAL_RANK``
# -------------------------------------------------------
#
# ``CUDA_VISIBLE_DEVICES=2,3 torchrun --nproc-per-node=2 train.py`` uses
# GPUs 2 and 3, and the processes see them as ``cuda:0`` and ``cuda:1``. Use
# ``LOCAL_RANK`` as the index in both processes. A fixed ``cuda:2`` in the
# script raises "invalid device ordinal".
visible = "2,3".split(",")
dict(enumerate(visible))  # {0: '2', 1: '3'}
local_rank = int(os.environ.get("LOCAL_RANK", 0))
visible[local_rank]  # '2'

# %%
# Two GPUs are no faster than one: count steps, workers and threads
# -----------------------------------------------------------------
#
# If each of two GPUs keeps the old ``batch_size``, an epoch has half as
# many steps. With half the batch size it has as many steps as before, and
# each step may be too small to keep a GPU busy. ``num_workers`` counts for
# each process, so 2 ranks with 8 workers start 16 processes.
data = range(6400)
alone = DataLoader(data, batch_size=64)
shares = [DistributedSampler(data, 2, rank) for rank in (0, 1)]
both = [DataLoader(data, batch_size=64, sampler=one) for one in shares]
len(alone), len(both[0])  # (100, 50)
small = [DataLoader(data, batch_size=32, sampler=one) for one in shares]
len(small[0])  # 100
ranks, num_workers = 2, 8
ranks * num_workers  # 16

# %%
# "Setting OMP_NUM_THREADS environment variable for each process to be 1"
# -----------------------------------------------------------------------
#
# ``torchrun`` prints this when it starts several processes, because each
# would otherwise use all cores. If the GPUs do the work, one thread is
# mostly enough. If the CPU computes, give each process its share of the
# cores, with ``OMP_NUM_THREADS=4 torchrun ...`` or in the script.
def share(cores, processes):
    return max(1, cores // processes)


share(32, 8)  # 4
share(4, 8)  # 1
before = torch.get_num_threads()
torch.set_num_threads(share(4, 2))
torch.get_num_threads()  # 2
torch.set_num_threads(before)

# %%
# The schedule ends too late: ``len(loader)`` is the length on one rank
# ---------------------------------------------------------------------
#
# Each rank runs only its share of the steps, and its scheduler counts only
# these. Compute the total from the length of the loader with the
# ``DistributedSampler``. If you use the length of the dataset, the schedule
# is only half done when training on two ranks ends.
shares = [DistributedSampler(range(640), 2, rank) for rank in (0, 1)]
loader = DataLoader(range(640), batch_size=64, sampler=shares[0])
len(loader)  # 5
640 // 64  # 10
net = nn.Linear(2, 1)
sgd = torch.optim.SGD(net.parameters(), lr=0.1)
schedule = OneCycleLR(sgd, max_lr=0.1, total_steps=3 * len(loader))
for _ in range(3 * len(loader) - 1):
    sgd.step()
    schedule.step()
sgd.param_groups[0]["lr"] < 1e-5  # True

# %%
# Learning rates differ between ranks: ``ReduceLROnPlateau``
# ----------------------------------------------------------
#
# Each rank has its own scheduler. If it gets the loss of the local samples,
# one rank may lower the learning rate while another does not, and the
# weights drift apart. Give all ranks the mean from ``all_reduce``. Do the
# same for early stopping and for choosing the best epoch.
def work(rank, store):
    dist.init_process_group("gloo", store=store, rank=rank, world_size=2)
    weights = [nn.Linear(1, 1).parameters() for _ in range(2)]
    sgds = [torch.optim.SGD(weight, 0.1) for weight in weights]
    own, shared = [ReduceLROnPlateau(sgd, patience=0) for sgd in sgds]
    for epoch in range(2):
        loss = torch.tensor([[1.0, 0.5], [1.0, 1.2]])[rank, epoch]
        own.step(loss)
        dist.all_reduce(loss)
        shared.step(loss / 2)
    rates = [sgd.param_groups[0]["lr"] for sgd in sgds]
    rates[1]  # 0.1
    (rates[0] == 0.1) == (rank == 0)  # True
    dist.destroy_process_group()


with tempfile.TemporaryDirectory() as folder:
    store = dist.FileStore(f"{folder}/store", 2)
    mp.start_processes(work, (store,), 2, start_method="fork")

# %%
# A different split on each rank: give ``random_split`` one seed
# --------------------------------------------------------------
#
# If each process splits the data with its own seed, a sample can be in the
# training set of one rank and in the validation set of another. Give
# ``random_split`` a generator with the same seed on all ranks.
def split(seed):
    generator = torch.Generator("cpu").manual_seed(seed)
    train, valid = random_split(range(100), [80, 20], generator)
    return set(train.indices), set(valid.indices)


(train, _), (_, other_valid) = split(seed=0), split(seed=1)
len(train & other_valid) > 0  # True
(train, _), (_, same_valid) = split(seed=0), split(seed=0)
len(train & same_valid)  # 0

# %%
# Do all ranks hold the same weights? Compare the sums of the weights
# -------------------------------------------------------------------
#
# Weights drift apart if a rank changes them by hand, skips a step or uses
# another learning rate, because ``DistributedDataParallel`` averages only
# the gradients. Gather one number from each rank after some steps and
# compare. In this card the weights of rank 1 were changed.
def agree(net):
    flat = nn.utils.parameters_to_vector(net.parameters()).detach()
    mine = flat.double().sum().reshape(1)
    sums = [torch.empty_like(mine) for _ in range(dist.get_world_size())]
    dist.all_gather(sums, mine)
    return all(torch.equal(one, sums[0]) for one in sums)


def work(rank, store):
    dist.init_process_group("gloo", store=store, rank=rank, world_size=2)
    model = DDP(nn.Linear(2, 1))
    agree(model.module)  # True
    if rank == 1:
        nn.init.ones_(model.module.weight)
    agree(model.module)  # False
    del model
    dist.destroy_process_group()


with tempfile.TemporaryDirectory() as folder:
    store = dist.FileStore(f"{folder}/store", 2)
    mp.start_processes(work, (store,), 2, start_method="fork")

# %%
# Send gradients in float16: ``register_comm_hook``
# -------------------------------------------------
#
# The hook sends half as many bytes. Afterwards the gradients are float32
# again, but with fewer digits. It helps if the network is slow, such as
# between machines.
def work(rank, store):
    dist.init_process_group("gloo", store=store, rank=rank, world_size=2)
    model = DDP(nn.Linear(1, 1, bias=False))
    model.register_comm_hook(None, default_hooks.fp16_compress_hook)
    x = torch.tensor([[1.0], [2.0]])[rank] + 2**-14
    model(x).sum().backward()
    grad = model.module.weight.grad
    grad.dtype  # torch.float32
    grad  # tensor([[1.5000]])
    (grad == 1.5 + 2**-14).item()  # False
    del model
    dist.destroy_process_group()


with tempfile.TemporaryDirectory() as folder:
    store = dist.FileStore(f"{folder}/store", 2)
    mp.start_processes(work, (store,), 2, start_method="fork")

# %%
# Divide the optimizer's state: ``ZeroRedundancyOptimizer``
# ---------------------------------------------------------
#
# With ``torch.distributed.optim.ZeroRedundancyOptimizer`` (ZeRO stage 1),
# each rank keeps the moments of only some parameters. It updates these and
# sends them to all ranks. The model stays a ``DistributedDataParallel``.
# Use ``fully_shard`` to divide the parameters and the gradients, too.
def work(rank, store):
    dist.init_process_group("gloo", store=store, rank=rank, world_size=2)
    model = DDP(nn.Sequential(*[nn.Linear(3, 3, False) for _ in range(4)]))
    optimizer = ZeroRedundancyOptimizer(
        model.parameters(), optimizer_class=torch.optim.Adam, lr=0.1
    )
    model(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    len(optimizer.optim.state)  # 2
    weights = [torch.empty(3, 3) for _ in range(2)]
    dist.all_gather(weights, model.module[3].weight.detach())
    torch.equal(*weights)  # True
    dist.barrier()
    del model
    dist.destroy_process_group()


with tempfile.TemporaryDirectory() as folder:
    store = dist.FileStore(f"{folder}/store", 2)
    mp.start_processes(work, (store,), 2, start_method="fork")
