"""
Several processes: hangs, ports, unused parameters
==================================================

Training with several processes hangs if one process does not make a call
that the others make. While you search, give the process group a short
``timeout``, so that the hang becomes an error. With the backend gloo,
``monitored_barrier`` names the missing process. Other messages come from a
port in use, from parameters without a gradient, and from keys that begin
with ``module.``. This page repairs each of these errors, and at the end two
processes train one model.

* Does the program hang?

  * Does it hang at the start? See *Hangs at init_process_group: a process
    is missing*.
  * Does it hang during training? See *Hangs at a collective: one rank does
    not call it*.

* Is there an error?

  * "address already in use"? See *The port is already in use*.
  * "Expected to have finished reduction in the prior iteration"? See
    *Expected to have finished reduction: name the unused parameters*.
  * "Missing key(s) in state_dict", with ``module.``? See *Keys that begin
    with module.: save the model inside*.
  * Does the message mention NCCL? See *NCCL errors: what they mean*.
  * "RendezvousConnectionError", "ChildFailedError", "LOCAL_RANK"? See
    :doc:`/reference/distributed/launching`.
  * "marked as ready twice", "device_ids"? See
    :doc:`/reference/distributed/wrapped_models`.

* Does each epoch have the same order? See *The same order in every epoch*.
"""
import tempfile
from contextlib import suppress
from datetime import timedelta

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
import torch.nn.functional as F
from torch import nn
from torch.nn.parallel import DistributedDataParallel as DDP
from torch.utils.data import DataLoader, DistributedSampler, TensorDataset


# %%
# Two processes, started from here
# --------------------------------
#
# ``run`` starts a function in two processes and waits for both. Each
# process joins a group with the backend gloo, which needs no GPU. Start
# your own training with ``torchrun`` instead, as in
# :doc:`/gallery/scale/torchrun_training`; the code inside the processes
# stays the same.
def join(rank, store, function):
    dist.init_process_group("gloo", store=store, rank=rank, world_size=2)
    function(rank, store)
    dist.destroy_process_group()


def run(function):
    with tempfile.TemporaryDirectory() as folder:
        store = dist.FileStore(f"{folder}/store", 2)
        mp.start_processes(join, (store, function), 2, start_method="fork")


# %%
# Hangs at a collective: one rank does not call it
# ------------------------------------------------
#
# A collective is a call that each process of the group has to make, and a
# rank is the number of a process. Here rank 0 calls ``all_reduce``, but
# rank 1 does not. By default, rank 0 waits ten minutes with NCCL, the
# backend for GPUs, and thirty minutes with gloo. A group with a timeout of
# one second turns the hang into an error. With gloo, ``monitored_barrier``
# raises an error that names the missing rank.
def skips(rank, store):
    limit = timedelta(seconds=1)
    short, other = dist.new_group(timeout=limit), dist.new_group()
    if rank == 0:
        with suppress(RuntimeError):
            dist.all_reduce(
                torch.tensor(1.0), group=short
            )  # RuntimeError: Timed out waiting 1000ms
        with suppress(RuntimeError):
            dist.monitored_barrier(
                other, limit
            )  # RuntimeError: Rank 1 failed to pass monitoredBarrier
        store.set("done", "")
    store.wait(["done"])


run(skips)


# %%
# The fix: each rank makes the same calls, in the same order
# ----------------------------------------------------------
#
# Do not call collectives inside ``if rank == 0:`` or in branches that
# depend on the data, and do not let one rank leave the loop early with
# ``break``. If one rank makes a decision, it has to tell the others. Here
# one rank finds nan, and ``all_reduce`` tells both ranks to stop.
def agrees(rank, store):
    loss = torch.tensor(float("nan") if rank == 1 else 1.0)
    stop = (~loss.isfinite()).float()
    dist.all_reduce(stop, op=dist.ReduceOp.MAX)
    stop  # tensor(1.)
    dist.barrier()


run(agrees)

# %%
# Hangs at ``init_process_group``: a process is missing
# -----------------------------------------------------
#
# ``init_process_group`` waits until ``WORLD_SIZE`` processes have joined.
# It hangs if one process died during import, if ``WORLD_SIZE`` is too
# large, or if ``MASTER_ADDR`` and ``MASTER_PORT`` differ between machines
# or are blocked by a firewall. "Waiting in store based barrier" with a
# ``worker_count`` below ``world_size`` has the same causes. Print these
# variables in each process, and pass ``timeout=`` to get the message early.
with suppress(dist.DistStoreError):
    dist.TCPStore(
        "localhost",
        0,
        world_size=2,
        is_master=True,
        timeout=timedelta(seconds=1),
    )  # DistStoreError: 1/2 clients joined

# %%
# The port is already in use
# --------------------------
#
# "The server socket has failed to listen ... EADDRINUSE" means that another
# process uses the port, often another training or the rest of a crashed
# one. The default port is 29500. End that process, whose number ``ss
# -ltnp`` shows, or start your training with ``torchrun --standalone``,
# which takes a free port. Here port 0 stands for a free port.
hub = dist.TCPStore("localhost", 0, is_master=True, wait_for_workers=False)
with suppress(dist.DistNetworkError):
    dist.TCPStore(
        "localhost", hub.port, is_master=True
    )  # DistNetworkError: The server socket has failed to listen on any
free = dist.TCPStore("localhost", 0, is_master=True, wait_for_workers=False)
free.port != hub.port  # True


# %%
# Expected to have finished reduction: name the unused parameters
# ---------------------------------------------------------------
#
# ``DistributedDataParallel`` averages the gradients of the processes, so it
# waits for the gradient of each parameter. A layer gets no gradient if
# ``forward`` or the loss does not use it, and then the second step fails.
# After ``backward``, look for the parameters whose gradient is None. With
# the environment variable ``TORCH_DISTRIBUTED_DEBUG=DETAIL`` the message
# contains their names.
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Linear(4, 8)
        self.head = nn.Linear(8, 1)
        self.spare = nn.Linear(8, 1)

    def forward(self, x):
        return self.head(self.body(x).relu())


def unused(rank, store):
    model, x = DDP(Net()), torch.ones(2, 4)
    model(x).sum().backward()
    named = model.module.named_parameters()
    idle = [name for name, p in named if p.grad is None]
    idle  # ['spare.weight', 'spare.bias']
    with suppress(RuntimeError):
        model(x)  # RuntimeError: Expected to have finished reduction
    dist.barrier()
    del model


run(unused)


# %%
# The fix: freeze or remove the layer, or look for it in each step
# ----------------------------------------------------------------
#
# Remove the layer, or freeze it before you wrap the model. If different
# parts are unused in different steps, pass ``find_unused_parameters=True``.
# The wrapper then searches the graph in each step.
def repaired(rank, store):
    net, x = Net(), torch.ones(2, 4)
    net.spare.requires_grad_(False)
    model = DDP(net)
    for _ in range(3):
        model(x).sum().backward()
    net.head.bias.grad  # tensor([6.])
    searching = DDP(Net(), find_unused_parameters=True)
    for _ in range(3):
        searching(x).sum().backward()
    searching.module.head.bias.grad  # tensor([6.])
    dist.barrier()
    del model, searching


run(repaired)


# %%
# Keys that begin with ``module.``: save the model inside
# -------------------------------------------------------
#
# The wrapper holds the model as ``module``, so its keys begin with
# ``module.``. Save ``model.module.state_dict()`` on rank 0 instead. For a
# file that already has the prefix, see :doc:`keys_do_not_match`.
def saves(rank, store):
    model = DDP(nn.Linear(4, 1))
    list(model.state_dict())  # ['module.weight', 'module.bias']
    list(model.module.state_dict())  # ['weight', 'bias']
    dist.barrier()
    del model


run(saves)

# %%
# The same order in every epoch
# -----------------------------
#
# ``DistributedSampler`` shuffles by its seed and its epoch, and the epoch
# stays 0 by default. Call ``set_epoch`` before each epoch to get another
# order.
sampler = DistributedSampler(range(60), num_replicas=2, rank=0)
orders = [list(sampler) for _ in range(2)]
orders[0] == orders[1]  # True
sampler.set_epoch(1)
list(sampler) == orders[0]  # False

# %%
# NCCL errors: what they mean
# ---------------------------
#
# Read the first error of the rank that failed first, because the other
# ranks often just report a lost connection. Set ``NCCL_DEBUG=INFO`` to see
# what NCCL did before the error. ``advice`` lists parts of common messages
# and what to try.
advice = {
    "Duplicate GPU detected": "torch.cuda.set_device(LOCAL_RANK)",
    "Watchdog caught collective operation timeout": "a rank is missing",
    "unhandled system error": "NCCL_DEBUG=INFO; the network interface",
    "unhandled cuda error": "the error before it, often out of memory",
    "no GPUs found": "backend gloo, or a build with CUDA",
    "doesn't have NCCL built in": "backend gloo",
    "devices used by this process are currently unknown": "set_device",
    "invalid device ordinal": "LOCAL_RANK; no more processes than GPUs",
    "communicator was aborted": "another rank failed: read its error",
}


def explain(message):
    return [advice[text] for text in advice if text in message]


message = "Duplicate GPU detected : rank 1 and rank 0 both on device 3f000"
explain(message)  # ['torch.cuda.set_device(LOCAL_RANK)']


# %%
# The result: two processes train one model
# -----------------------------------------
#
# The repaired loop trains a linear model on two processes, with a new order
# in each epoch. Afterwards both ranks have the same weights, and the loss
# is below 0.01.
def train(rank, store):
    torch.manual_seed(0)
    x = torch.rand(64, 4)
    y = x @ torch.tensor([[1.0], [-2.0], [3.0], [0.5]])
    data = TensorDataset(x, y)
    sampler = DistributedSampler(data)
    loader = DataLoader(data, batch_size=8, sampler=sampler)
    model = DDP(nn.Linear(4, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.3)
    for epoch in range(60):
        sampler.set_epoch(epoch)
        for inputs, targets in loader:
            optimizer.zero_grad()
            F.mse_loss(model(inputs), targets).backward()
            optimizer.step()
    weights = [torch.empty(1, 4) for _ in range(2)]
    dist.all_gather(weights, model.module.weight.detach())
    loss = F.mse_loss(model.module(x), y).item()
    assert torch.equal(weights[0], weights[1])
    assert loss < 0.01, loss
    del model


run(train)
