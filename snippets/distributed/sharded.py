"""
Sharded models
==============

Keep only a part of each parameter on each process. The cards show meshes,
distributed tensors, FSDP, tensor parallelism and checkpoints that another
number of processes can read.
"""
import copy
import os
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
from torch.distributed.fsdp import MixedPrecisionPolicy, fully_shard
from torch.distributed.tensor import DTensor, Partial, Replicate, Shard
from torch.distributed.tensor import distribute_tensor
from torch.distributed.tensor.parallel import ColwiseParallel
from torch.distributed.tensor.parallel import RowwiseParallel
from torch.distributed.tensor.parallel import parallelize_module
from torch.nn.parallel import DistributedDataParallel as DDP

# %%
# Name the processes: ``torch.distributed.init_device_mesh``
# ----------------------------------------------------------
#
# A mesh arranges the ranks in a grid and names the dimensions. Each
# dimension gives a process group. Here two ranks use the same data and
# split a model, so the mesh has shape (1, 2).
def work(rank, store):
    dist.init_process_group("gloo", store=store, rank=rank, world_size=2)
    mesh = init_device_mesh("cpu", (1, 2), mesh_dim_names=("data", "model"))
    mesh.shape  # (1, 2)
    list(mesh.get_coordinate()) == [0, rank]  # True
    mesh["model"].size()  # 2
    group = mesh.get_group("model")
    dist.get_process_group_ranks(group)  # [0, 1]
    dist.barrier()
    dist.destroy_process_group()


with tempfile.TemporaryDirectory() as folder:
    store = dist.FileStore(f"{folder}/store", 2)
    mp.start_processes(work, (store,), 2, start_method="fork")

# %%
# One tensor on two ranks: ``torch.distributed.tensor.DTensor``
# -------------------------------------------------------------
#
# ``distribute_tensor`` with ``Shard`` cuts a tensor along a dimension.
# ``shape`` is the shape of the whole tensor, ``to_local`` gives the part of
# this rank, and ``full_tensor`` collects the parts. With ``Replicate``,
# each rank holds the whole tensor.
def work(rank, store):
    dist.init_process_group("gloo", store=store, rank=rank, world_size=2)
    mesh = init_device_mesh("cpu", (2,))
    rows = distribute_tensor(torch.eye(2), mesh, [Shard(0)])
    rows.shape  # torch.Size([2, 2])
    if rank == 0:
        rows.to_local()  # tensor([[1., 0.]])
    else:
        rows.to_local()  # tensor([[0., 1.]])
    rows.full_tensor()  # tensor([[1., 0.], [0., 1.]])
    copies = rows.redistribute(mesh, [Replicate()])
    copies.to_local().shape  # torch.Size([2, 2])
    dist.destroy_process_group()


with tempfile.TemporaryDirectory() as folder:
    store = dist.FileStore(f"{folder}/store", 2)
    mp.start_processes(work, (store,), 2, start_method="fork")

# %%
# Partial sums on each rank: ``torch.distributed.tensor.Partial``
# ---------------------------------------------------------------
#
# If a matrix product sums over a dimension that is cut, each rank computes
# only one part of the sum. The result is marked ``Partial``.
# ``redistribute`` to ``Replicate`` adds the parts up, as an all-reduce
# does.
def work(rank, store):
    dist.init_process_group("gloo", store=store, rank=rank, world_size=2)
    mesh = init_device_mesh("cpu", (2,))
    a = distribute_tensor(torch.ones(1, 4), mesh, [Shard(1)])
    b = distribute_tensor(torch.ones(4, 1), mesh, [Shard(0)])
    product = a @ b
    product.placements == (Partial(),)  # True
    product.to_local()  # tensor([[2.]])
    product.redistribute(mesh, [Replicate()]).to_local()  # tensor([[4.]])
    product.full_tensor()  # tensor([[4.]])
    dist.destroy_process_group()


with tempfile.TemporaryDirectory() as folder:
    store = dist.FileStore(f"{folder}/store", 2)
    mp.start_processes(work, (store,), 2, start_method="fork")

# %%
# Shard a model: ``torch.distributed.fsdp.fully_shard``
# -----------------------------------------------------
#
# ``fully_shard`` cuts each parameter along its first dimension, so each
# rank holds 4 of the 8 rows of ``net[0].weight``. Call it first on the
# inner layers and then on the model. Create the optimizer afterwards.
#
# .. glance:: net[0].weight.to_local().shape  # torch.Size([4, 3])
def work(rank, store):
    dist.init_process_group("gloo", store=store, rank=rank, world_size=2)
    mesh = init_device_mesh("cpu", (2,))
    net = nn.Sequential(nn.Linear(3, 8), nn.Linear(8, 1))
    for layer in net:
        fully_shard(layer, mesh=mesh)
    fully_shard(net, mesh=mesh)
    net[0].weight.shape  # torch.Size([8, 3])
    net[0].weight.to_local().shape  # torch.Size([4, 3])
    isinstance(net[0].weight, DTensor)  # True
    net(torch.rand(5, 3)).shape  # torch.Size([5, 1])
    dist.destroy_process_group()


with tempfile.TemporaryDirectory() as folder:
    store = dist.FileStore(f"{folder}/store", 2)
    mp.start_processes(work, (store,), 2, start_method="fork")

# %%
# The same weights as one process: ``fully_shard``
# ------------------------------------------------
#
# The training loop stays the same. Each rank takes its part of the batch,
# and the gradients are averaged. After three steps the weights agree to
# 1e-4 with those of one process that used the whole batch.
def train(net, x, y):
    optimizer = torch.optim.AdamW(net.parameters(), lr=0.1)
    for _ in range(3):
        F.mse_loss(net(x), y).backward()
        optimizer.step()
        optimizer.zero_grad()


def work(rank, store):
    dist.init_process_group("gloo", store=store, rank=rank, world_size=2)
    net, x, y = nn.Linear(3, 4), torch.rand(8, 3), torch.rand(8, 4)
    alone = copy.deepcopy(net)
    fully_shard(net, mesh=init_device_mesh("cpu", (2,)))
    train(alone, x, y)
    train(net, x[rank::2], y[rank::2])
    weight = net.weight.full_tensor()
    torch.allclose(weight, alone.weight, atol=1e-4)  # True


with tempfile.TemporaryDirectory() as folder:
    store = dist.FileStore(f"{folder}/store", 2)
    mp.start_processes(work, (store,), 2, start_method="fork")

# %%
# Bytes on each rank: ``DistributedDataParallel`` and ``fully_shard``
# -------------------------------------------------------------------
#
# With Adam, a float32 parameter takes 4 bytes for its value, 4 for its
# gradient and 8 for two moments. ``DistributedDataParallel`` holds all of
# it on every rank. ``fully_shard`` divides it by the number of ranks, if
# the first dimension can be divided evenly. The buckets of
# ``DistributedDataParallel`` need more memory and are not counted here.
def bytes_of(net):
    adam = torch.optim.Adam(net.parameters())
    net(torch.ones(1, 64)).sum().backward()
    adam.step()
    found = [(p, p.grad) for p in net.parameters()]
    found += [(s["exp_avg"], s["exp_avg_sq"]) for s in adam.state.values()]
    held = [getattr(t, "_local_tensor", t) for two in found for t in two]
    return sum(t.nbytes for t in held)


def work(rank, store):
    dist.init_process_group("gloo", store=store, rank=rank, world_size=2)
    net, mesh = nn.Linear(64, 32, bias=False), init_device_mesh("cpu", (2,))
    bytes_of(DDP(copy.deepcopy(net))) == 16 * 64 * 32  # True
    bytes_of(fully_shard(net, mesh=mesh)) == 16 * 64 * 32 // 2  # True


with tempfile.TemporaryDirectory() as folder:
    store = dist.FileStore(f"{folder}/store", 2)
    mp.start_processes(work, (store,), 2, start_method="fork")

# %%
# Compute in bfloat16, keep float32: ``fully_shard(mp_policy=...)``
# -----------------------------------------------------------------
#
# The parameters are collected in ``param_dtype``, and the layers compute in
# it. The part that each rank keeps and the optimizer updates stays float32.
# ``reduce_dtype`` is the dtype in which gradients are summed.
def work(rank, store):
    dist.init_process_group("gloo", store=store, rank=rank, world_size=2)
    policy = MixedPrecisionPolicy(
        param_dtype=torch.bfloat16, reduce_dtype=torch.float32
    )
    net = nn.Linear(3, 4)
    fully_shard(net, mesh=init_device_mesh("cpu", (2,)), mp_policy=policy)
    y = net(torch.rand(2, 3))
    y.dtype  # torch.bfloat16
    y.sum().backward()
    net.weight.dtype  # torch.float32
    net.weight.grad.dtype  # torch.float32
    dist.destroy_process_group()


with tempfile.TemporaryDirectory() as folder:
    store = dist.FileStore(f"{folder}/store", 2)
    mp.start_processes(work, (store,), 2, start_method="fork")

# %%
# Split the layers: ``torch.distributed.tensor.parallel``
# -------------------------------------------------------
#
# ``ColwiseParallel`` gives each rank a part of a layer's outputs, and
# ``RowwiseParallel`` a part of the next layer's inputs. The activations in
# between stay on their rank, and one sum over the ranks follows at the end.
# Every rank gets the same batch here.
def work(rank, store):
    dist.init_process_group("gloo", store=store, rank=rank, world_size=2)
    mesh = init_device_mesh("cpu", (2,))
    net = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 2))
    alone, x = copy.deepcopy(net), torch.rand(5, 3)
    plan = {"0": ColwiseParallel(), "2": RowwiseParallel()}
    parallelize_module(net, mesh, plan)
    net[0].weight.to_local().shape  # torch.Size([4, 3])
    net[2].weight.to_local().shape  # torch.Size([2, 4])
    torch.allclose(net(x), alone(x), atol=1e-6)  # True
    dist.destroy_process_group()


with tempfile.TemporaryDirectory() as folder:
    store = dist.FileStore(f"{folder}/store", 2)
    mp.start_processes(work, (store,), 2, start_method="fork")

# %%
# Save on two ranks, load on one: ``torch.distributed.checkpoint``
# ----------------------------------------------------------------
#
# Each rank writes its parts into the folder. ``load`` takes a dictionary of
# tensors and fills them in place. Here one process with an ordinary model
# reads the checkpoint of two.
def work(rank, store):
    dist.init_process_group("gloo", store=store, rank=rank, world_size=2)
    net = nn.Linear(3, 4)
    nn.init.constant_(net.weight, 7.0)
    fully_shard(net, mesh=init_device_mesh("cpu", (2,)))
    dcp.save({"net": net.state_dict()}, checkpoint_id=f"{folder}/saved")
    dist.destroy_process_group()


with tempfile.TemporaryDirectory() as folder:
    store = dist.FileStore(f"{folder}/store", 2)
    mp.start_processes(work, (store,), 2, start_method="fork")
    len([n for n in os.listdir(f"{folder}/saved") if "distcp" in n])  # 2
    net = nn.Linear(3, 4)
    dcp.load(
        {"net": net.state_dict()}, checkpoint_id=f"{folder}/saved"
    )  # UserWarning: assuming the intent is to load in a single process
(net.weight == 7).all()  # tensor(True)

# %%
# A whole ``state_dict`` on rank 0: ``get_model_state_dict``
# ----------------------------------------------------------
#
# With ``full_state_dict`` and ``cpu_offload``, rank 0 gets ordinary tensors
# of the whole model, ready for ``torch.save``, and the other ranks get an
# empty dictionary. Call it on all ranks, because it collects their parts.
def work(rank, store):
    dist.init_process_group("gloo", store=store, rank=rank, world_size=2)
    net = fully_shard(nn.Linear(3, 4), mesh=init_device_mesh("cpu", (2,)))
    options = dsd.StateDictOptions(full_state_dict=True, cpu_offload=True)
    state = dsd.get_model_state_dict(net, options=options)
    if rank == 0:
        [list(t.shape) for t in state.values()]  # [[4, 3], [4]]
    else:
        state  # {}
    dist.destroy_process_group()


with tempfile.TemporaryDirectory() as folder:
    store = dist.FileStore(f"{folder}/store", 2)
    mp.start_processes(work, (store,), 2, start_method="fork")

# %%
# Error: got mixed ``torch.Tensor`` and ``DTensor``
# -------------------------------------------------
#
# The operation got a distributed tensor and an ordinary one, and PyTorch
# does not know how the ordinary one is distributed. Distribute it as well,
# or use ``to_local`` on the other tensor.
def work(rank, store):
    dist.init_process_group("gloo", store=store, rank=rank, world_size=2)
    mesh = init_device_mesh("cpu", (2,))
    plain = torch.ones(2)
    rows = distribute_tensor(plain, mesh, [Shard(0)])
    with suppress(RuntimeError):
        rows + plain  # RuntimeError: got mixed torch.Tensor and DTensor
    same = distribute_tensor(plain, mesh, [Replicate()])
    (rows + same).full_tensor()  # tensor([2., 2.])
    dist.destroy_process_group()


with tempfile.TemporaryDirectory() as folder:
    store = dist.FileStore(f"{folder}/store", 2)
    mp.start_processes(work, (store,), 2, start_method="fork")
