"""
Data parallel training
======================

Train one model on several processes, each with its own part of the batch.
"""
import copy
import tempfile
from contextlib import suppress
from itertools import islice

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
import torch.nn.functional as F
from torch import nn
from torch.distributed.algorithms.join import Join
from torch.nn.parallel import DistributedDataParallel as DDP
from torch.utils.data import DataLoader, DistributedSampler
from torch.utils.data import IterableDataset, get_worker_info

# %%
# The gradient of the whole batch: ``nn.parallel.DistributedDataParallel``
# ------------------------------------------------------------------------
#
# Both processes draw the same ``x`` and ``y``, and each computes the loss
# on its half. ``backward`` averages the gradients over the ranks. The
# halves have the same size, so the average is the gradient that one process
# computes on the whole batch. Delete the wrapper before you destroy the
# group, because before 2.14 the process may otherwise hang at exit.
#
# .. glance:: torch.allclose(net.weight.grad, alone.weight.grad)  # True
def work(rank, store):
    dist.init_process_group("gloo", store=store, rank=rank, world_size=2)
    net = nn.Linear(3, 1)
    alone, model = copy.deepcopy(net), DDP(net)
    x, y = torch.rand(8, 3), torch.rand(8, 1)
    whole = F.mse_loss(alone(x), y)
    whole.backward()
    loss = F.mse_loss(model(x[rank::2]), y[rank::2])
    loss.backward()
    torch.allclose(net.weight.grad, alone.weight.grad)  # True
    logged = loss.detach().clone()
    dist.all_reduce(logged)
    torch.allclose(logged / 2, whole)  # True
    del model
    dist.destroy_process_group()


with tempfile.TemporaryDirectory() as folder:
    store = dist.FileStore(f"{folder}/store", 2)
    mp.start_processes(work, (store,), 2, start_method="fork")

# %%
# Every rank starts with the weights of rank 0: ``DistributedDataParallel``
# -------------------------------------------------------------------------
#
# When you create the wrapper, it copies the weights of rank 0 to the other
# ranks. The seeds of the ranks may differ, and it is enough if rank 0 loads
# a checkpoint. Do not change the weights by hand afterwards.
def work(rank, store):
    dist.init_process_group("gloo", store=store, rank=rank, world_size=2)
    net = nn.Linear(2, 1, bias=False)
    nn.init.constant_(net.weight, 5.0 + rank)
    model = DDP(net)
    net.weight.detach()  # tensor([[5., 5.]])
    model.module is net  # True
    del model
    dist.destroy_process_group()


with tempfile.TemporaryDirectory() as folder:
    store = dist.FileStore(f"{folder}/store", 2)
    mp.start_processes(work, (store,), 2, start_method="fork")

# %%
# Gradients are averaged, not summed
# ----------------------------------
#
# The gradient is 2 on rank 0 and 4 on rank 1, and both ranks end with 3. If
# the loss is a sum over samples, multiply it by the world size. If the
# ranks have different numbers of samples, the average of their means
# differs from the mean over all samples.
def work(rank, store):
    dist.init_process_group("gloo", store=store, rank=rank, world_size=2)
    model = DDP(nn.Linear(1, 1, bias=False))
    x = torch.tensor([[2.0], [4.0]])[rank]
    model(x).sum().backward()
    model.module.weight.grad  # tensor([[3.]])
    del model
    dist.destroy_process_group()


with tempfile.TemporaryDirectory() as folder:
    store = dist.FileStore(f"{folder}/store", 2)
    mp.start_processes(work, (store,), 2, start_method="fork")

# %%
# Different samples for each rank: ``torch.utils.data.DistributedSampler``
# ------------------------------------------------------------------------
#
# The sampler distributes the indices over the ranks, so that each loader
# reads its own share. Call ``set_epoch`` before each epoch, or the order is
# the same in all epochs. Inside a process group, leave out ``num_replicas``
# and ``rank``.
#
# .. glance:: [list(one) for one in plain]  # [[0, 2, 4], [1, 3, 5]]
deal = [dict(num_replicas=2, rank=rank) for rank in range(2)]
plain = [DistributedSampler(range(6), shuffle=False, **d) for d in deal]
[list(one) for one in plain]  # [[0, 2, 4], [1, 3, 5]]
mixed = [DistributedSampler(range(60), **d) for d in deal]
both = [list(one) for one in mixed]
sorted(both[0] + both[1]) == list(range(60))  # True
list(mixed[0]) == both[0]  # True
mixed[0].set_epoch(1)
list(mixed[0]) == both[0]  # False
loader = DataLoader(range(6), batch_size=3, sampler=plain[1])
next(iter(loader))  # tensor([1, 3, 5])

# %%
# Samples that count twice: ``DistributedSampler(drop_last=False)``
# -----------------------------------------------------------------
#
# All ranks get the same number of samples. If the dataset cannot be divided
# evenly, the first samples are repeated, and a metric summed over the ranks
# counts them twice. ``drop_last=True`` leaves samples out instead. For an
# exact evaluation, distribute the indices yourself.
def deal(rank, **kwargs):
    data = range(5)
    return list(DistributedSampler(data, 2, rank, shuffle=False, **kwargs))


[deal(rank) for rank in (0, 1)]  # [[0, 2, 4], [1, 3, 0]]
[deal(rank, drop_last=True) for rank in (0, 1)]  # [[0, 2], [1, 3]]
[list(range(5))[rank::2] for rank in (0, 1)]  # [[0, 2, 4], [1, 3]]

# %%
# Every rank reads the same samples: share an ``IterableDataset``
# ---------------------------------------------------------------
#
# An ``IterableDataset`` has no sampler that could divide it, so each rank
# and each worker reads the whole stream. Number the readers over all ranks
# and workers, and let each take its own samples. Pass ``rank`` and ``size``
# to the dataset, because a worker process has no process group.
class Stream(IterableDataset):
    def __init__(self, rank, size):
        self.rank, self.size = rank, size

    def __iter__(self):
        worker = get_worker_info()
        workers = worker.num_workers if worker else 1
        reader = self.rank * workers + (worker.id if worker else 0)
        return islice(range(8), reader, None, self.size * workers)


[list(Stream(rank, 2)) for rank in (0, 1)]  # [[0, 2, 4, 6], [1, 3, 5, 7]]
streams = [Stream(rank, 2) for rank in (0, 1)]
loaders = [DataLoader(one, None, num_workers=2) for one in streams]
[sorted(one) for one in loaders]  # [[0, 1, 4, 5], [2, 3, 6, 7]]

# %%
# Accumulate without communication: ``DistributedDataParallel.no_sync``
# ---------------------------------------------------------------------
#
# Inside ``no_sync``, a backward pass adds only to the gradients of its own
# rank. Put the forward pass inside, too. The first backward pass outside
# averages everything that was accumulated. Leave the last small batch
# before the step outside, or the ranks take different steps.
def work(rank, store):
    dist.init_process_group("gloo", store=store, rank=rank, world_size=2)
    model = DDP(nn.Linear(1, 1, bias=False))
    weight = model.module.weight
    x = torch.tensor([[2.0], [4.0]])[rank]
    with model.no_sync():
        model(x).sum().backward()
    weight.grad.item() == x.item()  # True
    model(x).sum().backward()
    weight.grad  # tensor([[6.]])
    del model
    dist.destroy_process_group()


with tempfile.TemporaryDirectory() as folder:
    store = dist.FileStore(f"{folder}/store", 2)
    mp.start_processes(work, (store,), 2, start_method="fork")

# %%
# Ranks with different numbers of batches: ``Join``
# -------------------------------------------------
#
# If one rank has no more batches, the others wait for it in ``backward``.
# With ``Join``, this rank takes part with zeros until all ranks are done.
# Here rank 0 has one batch and rank 1 has three. The last two gradients of
# rank 1 are divided by 2 as well.
def work(rank, store):
    dist.init_process_group("gloo", store=store, rank=rank, world_size=2)
    model = DDP(nn.Linear(1, 1, bias=False))
    steps = 0
    with Join([model]):
        for _ in range(1 + 2 * rank):
            model.zero_grad()
            model(torch.tensor([4.0])).sum().backward()
            steps += 1
    steps == 1 + 2 * rank  # True
    if rank == 1:
        model.module.weight.grad  # tensor([[2.]])


with tempfile.TemporaryDirectory() as folder:
    store = dist.FileStore(f"{folder}/store", 2)
    mp.start_processes(work, (store,), 2, start_method="fork")

# %%
# Statistics over all ranks: ``nn.SyncBatchNorm``
# -----------------------------------------------
#
# Batch normalization in ``DistributedDataParallel`` uses the mean and
# variance of the local batch. To use the statistics of all ranks, replace
# the layers with ``convert_sync_batchnorm`` before you wrap the model. The
# new layers raise an error for a CPU tensor in training mode. In evaluation
# mode they do not communicate, so one rank may validate alone, with the
# model inside the wrapper.
def work(rank, store):
    dist.init_process_group("gloo", store=store, rank=rank, world_size=2)
    net = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    net = nn.SyncBatchNorm.convert_sync_batchnorm(net)
    net[1]  # type SyncBatchNorm
    x = torch.rand(4, 2)
    with suppress(ValueError):
        net(x)  # ValueError: SyncBatchNorm expected input tensor to be on
    if rank == 0:
        net.eval()(x)  # shape (4, 3)
    dist.barrier()
    dist.destroy_process_group()


with tempfile.TemporaryDirectory() as folder:
    store = dist.FileStore(f"{folder}/store", 2)
    mp.start_processes(work, (store,), 2, start_method="fork")

# %%
# Error: expected to have finished reduction in the prior iteration
# -----------------------------------------------------------------
#
# A parameter got no gradient, so its average was never completed, and the
# next forward pass raises this error. It is best to remove layers that are
# never used. ``find_unused_parameters=True`` looks for such parameters in
# each step, which costs time. Leave it out again if PyTorch warns that it
# "did not find any unused parameters".
class Net(nn.ModuleDict):
    def forward(self, x):
        return self["used"](x)


def work(rank, store):
    dist.init_process_group("gloo", store=store, rank=rank, world_size=2)
    net = Net({"used": nn.Linear(2, 1), "unused": nn.Linear(2, 1)})
    model, x = DDP(net), torch.ones(1, 2)
    model(x).sum().backward()
    with suppress(RuntimeError):
        model(x)  # RuntimeError: Expected to have finished reduction
    net.zero_grad()
    model = DDP(net, find_unused_parameters=True)
    for _ in range(2):
        model(x).sum().backward()
    net["used"].weight.grad  # tensor([[2., 2.]])


with tempfile.TemporaryDirectory() as folder:
    store = dist.FileStore(f"{folder}/store", 2)
    mp.start_processes(work, (store,), 2, start_method="fork")

# %%
# Keys that begin with ``module.``: ``Module.state_dict`` of a wrapper
# --------------------------------------------------------------------
#
# The keys of the wrapper begin with ``module.``, so the model alone does
# not accept them. Save ``model.module.state_dict()`` on rank 0 instead. If
# a file already has the prefix, remove it with
# ``consume_prefix_in_state_dict_if_present``. The wrapper in this card is
# ``nn.DataParallel``, which adds the same prefix.
net = nn.Linear(2, 1, bias=False)
wrapped = nn.DataParallel(net)
state = wrapped.state_dict()
list(state)  # ['module.weight']
with suppress(RuntimeError):
    net.load_state_dict(state)  # RuntimeError: Missing key(s) in state_dict
list(wrapped.module.state_dict())  # ['weight']
clean = nn.modules.utils.consume_prefix_in_state_dict_if_present
clean(state, "module.")
net.load_state_dict(state)
list(state)  # ['weight']

# %%
# Old advice: ``nn.DataParallel`` on one machine
# ----------------------------------------------
#
# ``nn.DataParallel`` uses one process for all GPUs and copies the model to
# them at every call. Move the model to the first of the GPUs before.
# Without a GPU the wrapper only calls the model. Use
# ``DistributedDataParallel`` on one machine, too, because each process then
# keeps its own copy.
net, x = nn.Linear(2, 1), torch.rand(4, 2)
wrapped = nn.DataParallel(net)
torch.allclose(wrapped(x), net(x))  # True
wrapped.module is net  # True
gpus = torch.accelerator.device_count()
wrapped.device_ids == list(range(gpus))  # True
