"""
Train sharded models
====================

Clip and accumulate gradients, load and save with ``fully_shard``, and run
the layers of a model as a pipeline.
"""
import copy
import tempfile
from contextlib import suppress

import torch
import torch.distributed as dist
import torch.distributed.checkpoint as dcp
import torch.multiprocessing as mp
import torch.nn.functional as F
from torch import nn
from torch.distributed.checkpoint import state_dict as dsd
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.fsdp import register_fsdp_forward_method
from torch.distributed.pipelining import PipelineStage, ScheduleGPipe
from torch.distributed.tensor import DTensor

# %%
# Clip gradients with FSDP: ``nn.utils.clip_grad_norm_``
# ------------------------------------------------------
#
# With ``fully_shard``, use the usual function. It returns the norm over the
# whole model, and ``full_tensor`` turns the norm into an ordinary tensor.
# The method ``clip_grad_norm_`` belongs to the older
# ``FullyShardedDataParallel``.
def work(rank, store):
    dist.init_process_group("gloo", store=store, rank=rank, world_size=2)
    net, x = nn.Linear(3, 4), torch.rand(8, 3)
    alone = copy.deepcopy(net)
    fully_shard(net, mesh=init_device_mesh("cpu", (2,)))
    alone(x).square().mean().backward()
    net(x).square().mean().backward()
    right = nn.utils.clip_grad_norm_(alone.parameters(), 0.1)
    norm = nn.utils.clip_grad_norm_(net.parameters(), 0.1)
    isinstance(norm, DTensor)  # True
    torch.allclose(norm.full_tensor(), right, atol=1e-6)  # True
    grad = net.weight.grad.full_tensor()
    torch.allclose(grad, alone.weight.grad, atol=1e-6)  # True
    dist.destroy_process_group()


with tempfile.TemporaryDirectory() as folder:
    store = dist.FileStore(f"{folder}/store", 2)
    mp.start_processes(work, (store,), 2, start_method="fork")

# %%
# The weights do not change: make the optimizer after ``fully_shard``
# -------------------------------------------------------------------
#
# ``fully_shard`` replaces the parameters. An optimizer that was created
# before holds the old ones, which get no gradient, so its ``step`` changes
# nothing. Shard the model first, then create the optimizer.
def work(rank, store):
    dist.init_process_group("gloo", store=store, rank=rank, world_size=2)
    net = nn.Linear(3, 4)
    early = torch.optim.SGD(net.parameters(), lr=0.5)
    fully_shard(net, mesh=init_device_mesh("cpu", (2,)))
    late = torch.optim.SGD(net.parameters(), lr=0.5)
    before = net.weight.full_tensor()
    net(torch.ones(2, 3)).sum().backward()
    early.step()
    torch.equal(net.weight.full_tensor(), before)  # True
    late.step()
    torch.equal(net.weight.full_tensor(), before)  # False
    dist.destroy_process_group()


with tempfile.TemporaryDirectory() as folder:
    store = dist.FileStore(f"{folder}/store", 2)
    mp.start_processes(work, (store,), 2, start_method="fork")

# %%
# Load a whole checkpoint on rank 0 alone: ``broadcast_from_rank0``
# -----------------------------------------------------------------
#
# If each rank loads the whole file, the machine needs memory for one copy
# per process. Load it on rank 0 and pass an empty dictionary on the other
# ranks. ``set_model_state_dict`` sends each rank its part.
def work(rank, store):
    dist.init_process_group("gloo", store=store, rank=rank, world_size=2)
    net = fully_shard(nn.Linear(3, 4), mesh=init_device_mesh("cpu", (2,)))
    whole = {"weight": torch.full((4, 3), 7.0), "bias": torch.zeros(4)}
    options = dsd.StateDictOptions(
        full_state_dict=True, broadcast_from_rank0=True
    )
    state = whole if rank == 0 else {}
    dsd.set_model_state_dict(net, state, options=options)
    net.weight.to_local()[0].tolist()  # [7.0, 7.0, 7.0]
    dist.barrier()
    dist.destroy_process_group()


with tempfile.TemporaryDirectory() as folder:
    store = dist.FileStore(f"{folder}/store", 2)
    mp.start_processes(work, (store,), 2, start_method="fork")

# %%
# A model too large for one process: build it on ``meta``, then shard
# -------------------------------------------------------------------
#
# On the device ``meta``, a model takes no memory. Shard it there, allocate
# the parts with ``to_empty``, and fill them from a checkpoint.
def work(rank, store):
    dist.init_process_group("gloo", store=store, rank=rank, world_size=2)
    with torch.device("meta"):
        net = nn.Linear(3, 4)
    fully_shard(net, mesh=init_device_mesh("cpu", (2,)))
    net.weight.to_local().device.type  # 'meta'
    net.to_empty(device="cpu")
    whole = {"weight": torch.full((4, 3), 7.0), "bias": torch.zeros(4)}
    options = dsd.StateDictOptions(full_state_dict=True)
    dsd.set_model_state_dict(net, whole, options=options)
    net.weight.to_local().shape  # torch.Size([2, 3])
    net.weight.full_tensor()[0].tolist()  # [7.0, 7.0, 7.0]
    dist.destroy_process_group()


with tempfile.TemporaryDirectory() as folder:
    store = dist.FileStore(f"{folder}/store", 2)
    mp.start_processes(work, (store,), 2, start_method="fork")

# %%
# Accumulate with FSDP: ``set_requires_gradient_sync(False)``
# -----------------------------------------------------------
#
# With ``False``, the gradients stay on their rank, as in ``no_sync``. Set
# it to ``True`` for the last small batch. Here the inputs 1 and 3 are on
# rank 0, 2 and 4 on rank 1. The gradient is the mean of the two sums.
def work(rank, store):
    dist.init_process_group("gloo", store=store, rank=rank, world_size=2)
    net = nn.Linear(1, 2, bias=False)
    fully_shard(net, mesh=init_device_mesh("cpu", (2,)))
    batches = torch.tensor([[1.0, 3.0], [2.0, 4.0]])[rank]
    for i, value in enumerate(batches):
        net.set_requires_gradient_sync(i == 1)
        net(value.reshape(1, 1)).sum().backward()
    net.weight.grad.full_tensor()  # tensor([[5.], [5.]])
    dist.destroy_process_group()


with tempfile.TemporaryDirectory() as folder:
    store = dist.FileStore(f"{folder}/store", 2)
    mp.start_processes(work, (store,), 2, start_method="fork")

# %%
# Call a method other than ``forward``: ``register_fsdp_forward_method``
# ----------------------------------------------------------------------
#
# ``fully_shard`` collects the whole parameters when ``forward`` is called.
# If you call another method, such as ``encode`` or ``generate``, it finds
# shards, and the product with an ordinary tensor raises "got mixed
# torch.Tensor and DTensor". Register the method once, after
# ``fully_shard``.
class Net(nn.Linear):
    def encode(self, x):
        return F.linear(x, self.weight, self.bias)


def work(rank, store):
    dist.init_process_group("gloo", store=store, rank=rank, world_size=2)
    net, x = Net(3, 4), torch.rand(2, 3)
    right = net.encode(x)
    fully_shard(net, mesh=init_device_mesh("cpu", (2,)))
    with suppress(RuntimeError):
        net.encode(x)  # RuntimeError: got mixed torch.Tensor and DTensor
    register_fsdp_forward_method(net, "encode")
    torch.allclose(net.encode(x), right, atol=1e-6)  # True
    dist.barrier()
    dist.destroy_process_group()


with tempfile.TemporaryDirectory() as folder:
    store = dist.FileStore(f"{folder}/store", 2)
    mp.start_processes(work, (store,), 2, start_method="fork")

# %%
# Save and resume with the optimizer: ``get_state_dict``, ``set_state_dict``
# --------------------------------------------------------------------------
#
# ``torch.distributed.checkpoint.state_dict.get_state_dict`` stores the
# state of the optimizer under the names of the parameters, so another
# number of ranks can read it. Fill the dictionaries with ``load``, and pass
# them to ``set_state_dict``.
def states(pair):
    names = ("model_state_dict", "optim_state_dict")
    return dict(zip(names, dsd.get_state_dict(*pair), strict=True))


def work(rank, store):
    dist.init_process_group("gloo", store=store, rank=rank, world_size=2)
    mesh = init_device_mesh("cpu", (2,))
    nets = [fully_shard(nn.Linear(3, 4), mesh=mesh) for _ in range(2)]
    pairs = [(net, torch.optim.Adam(net.parameters())) for net in nets]
    nets[0](torch.ones(2, 3)).sum().backward()
    pairs[0][1].step()
    dcp.save(states(pairs[0]), checkpoint_id=f"{folder}/saved")
    loaded = states(pairs[1])
    dcp.load(loaded, checkpoint_id=f"{folder}/saved")
    dsd.set_state_dict(*pairs[1], **loaded)
    torch.equal(*[net.weight.full_tensor() for net in nets])  # True
    moment = pairs[1][1].state[nets[1].weight]["exp_avg"]
    moment.full_tensor()[0]  # tensor([0.2000, 0.2000, 0.2000])


with tempfile.TemporaryDirectory() as folder:
    store = dist.FileStore(f"{folder}/store", 2)
    mp.start_processes(work, (store,), 2, start_method="fork")

# %%
# Pipeline: ``torch.distributed.pipelining.ScheduleGPipe``
# --------------------------------------------------------
#
# Each rank holds some of the layers and an optimizer for them. ``step``
# cuts the batch into parts and runs the forward and backward passes. The
# first rank passes the inputs, and the last rank passes the targets and
# gets the losses. The gradient agrees with that of one process.
def work(rank, store):
    dist.init_process_group("gloo", store=store, rank=rank, world_size=2)
    whole = nn.Sequential(nn.Linear(3, 5), nn.Linear(5, 1))
    part = copy.deepcopy(whole[rank])
    x, y = torch.rand(8, 3), torch.rand(8, 1)
    F.mse_loss(whole(x), y).backward()
    stage = PipelineStage(part, rank, 2, torch.device("cpu"))
    pipeline = ScheduleGPipe(stage, n_microbatches=4, loss_fn=F.mse_loss)
    losses = []
    if rank == 0:
        pipeline.step(x)
    else:
        pipeline.step(target=y, losses=losses)
        len(losses)  # 4
    grad = whole[rank].weight.grad
    torch.allclose(part.weight.grad, grad, atol=1e-5)  # True
    dist.barrier()


with tempfile.TemporaryDirectory() as folder:
    store = dist.FileStore(f"{folder}/store", 2)
    mp.start_processes(work, (store,), 2, start_method="fork")
