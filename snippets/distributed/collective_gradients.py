"""
Gradients through collectives
=============================

Compute a loss from the tensors of all ranks, and let the gradient find its
way back to each of them.
"""
import copy
import tempfile

import torch
import torch.distributed as dist
import torch.distributed._functional_collectives as funcol
import torch.multiprocessing as mp
import torch.nn.functional as F
from torch import nn
from torch.distributed.nn.functional import all_gather, all_reduce
from torch.distributed.nn.functional import all_to_all_single
from torch.nn.parallel import DistributedDataParallel as DDP

# %%
# No gradient after ``torch.distributed.all_gather``
# --------------------------------------------------
#
# The collectives of ``torch.distributed`` copy numbers, and autograd does
# not record them: the parts have no ``grad_fn``. The old remedy puts the
# rank's own tensor back into the list. Its gradient then lacks what the
# losses of other ranks would add.
def work(rank, store):
    dist.init_process_group("gloo", store=store, rank=rank, world_size=2)
    mine = torch.tensor([1.0 + rank], requires_grad=True)
    parts = [torch.zeros(1) for _ in range(2)]
    dist.all_gather(parts, mine.detach())
    [part.requires_grad for part in parts]  # [False, False]
    parts[rank] = mine
    loss = (rank + 1) * torch.cat(parts).sum()
    loss.backward()
    mine.grad.item() == rank + 1  # True
    dist.destroy_process_group()


with tempfile.TemporaryDirectory() as folder:
    store = dist.FileStore(f"{folder}/store", 2)
    mp.start_processes(work, (store,), 2, start_method="fork")

# %%
# Collect with gradients: ``torch.distributed.nn.functional.all_gather``
# ----------------------------------------------------------------------
#
# It returns the tensors of all ranks, and ``backward`` sends each gradient
# to the rank that the tensor came from. There the gradients of all losses
# add up: here 1 from rank 0 and 2 from rank 1. Since 2.12 it warns, and the
# new name is in a private module; the next card writes the function out.
def work(rank, store):
    dist.init_process_group("gloo", store=store, rank=rank, world_size=2)
    mine = torch.tensor([1.0 + rank], requires_grad=True)
    parts = all_gather(
        mine
    )  # FutureWarning: is deprecated since 2.12, type tuple before
    torch.cat(parts).detach()  # tensor([1., 2.])
    loss = (rank + 1) * torch.cat(parts).sum()
    loss.backward()
    mine.grad  # tensor([3.])
    dist.destroy_process_group()


with tempfile.TemporaryDirectory() as folder:
    store = dist.FileStore(f"{folder}/store", 2)
    mp.start_processes(work, (store,), 2, start_method="fork")

# %%
# A gathering function of your own: sum the gradients in ``backward``
# -------------------------------------------------------------------
#
# A ``torch.autograd.Function`` that returns the gradient of its own part
# forgets the losses of the other ranks. With equal losses and
# ``DistributedDataParallel`` the result is then too small by the world
# size. ``backward`` must add up the gradients of all ranks first.
class Gather(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        parts = [torch.zeros_like(x) for _ in range(2)]
        dist.all_gather(parts, x)
        return torch.stack(parts)

    @staticmethod
    def backward(ctx, grad):
        total = grad.contiguous()
        dist.all_reduce(total)
        return total[dist.get_rank()]


def work(rank, store):
    dist.init_process_group("gloo", store=store, rank=rank, world_size=2)
    mine = torch.tensor([1.0 + rank], requires_grad=True)
    ((rank + 1) * Gather.apply(mine).sum()).backward()
    mine.grad  # tensor([3.])
    dist.destroy_process_group()


with tempfile.TemporaryDirectory() as folder:
    store = dist.FileStore(f"{folder}/store", 2)
    mp.start_processes(work, (store,), 2, start_method="fork")

# %%
# Contrastive loss over all ranks: the gradient of one large batch
# ----------------------------------------------------------------
#
# Each rank embeds its half of the pairs, collects all embeddings and
# computes the loss of the whole batch. ``backward`` adds up the gradients
# of two equal losses, and ``DistributedDataParallel`` divides by 2: what
# remains is the gradient that one process computes.
#
# .. glance:: torch.allclose(net.weight.grad, alone.weight.grad, atol=1e-5)
def contrast(a, b):
    return F.cross_entropy(a @ b.T, torch.arange(len(a)))


def work(rank, store):
    dist.init_process_group("gloo", store=store, rank=rank, world_size=2)
    net = nn.Linear(5, 4, bias=False)
    alone, model = copy.deepcopy(net), DDP(net)
    x, y = torch.rand(2, 8, 5)
    contrast(alone(x), alone(y)).backward()
    mine = model(torch.stack([x, y])[:, 4 * rank :][:, :4])
    parts = all_gather(
        mine
    )  # FutureWarning: is deprecated since 2.12, type tuple before
    contrast(*torch.cat(parts, dim=1)).backward()
    torch.allclose(net.weight.grad, alone.weight.grad, atol=1e-5)  # True
    dist.barrier()
    del model
    dist.destroy_process_group()


with tempfile.TemporaryDirectory() as folder:
    store = dist.FileStore(f"{folder}/store", 2)
    mp.start_processes(work, (store,), 2, start_method="fork")

# %%
# Sum with gradients: ``torch.distributed.nn.functional.all_reduce``
# ------------------------------------------------------------------
#
# The sum is a new tensor, and ``mine`` keeps its value. Each rank's loss
# depends on ``mine`` through the sum, so its gradient is the sum of their
# gradients: 4 from each of two ranks. Use it for statistics of the whole
# batch inside a model.
#
# .. glance:: mine.grad  # tensor([8.])
def work(rank, store):
    dist.init_process_group("gloo", store=store, rank=rank, world_size=2)
    mine = torch.tensor([0.5 + rank], requires_grad=True)
    total = all_reduce(
        mine
    )  # FutureWarning: is deprecated since 2.12, shape (1,) before
    total.detach()  # tensor([2.])
    total.square().sum().backward()
    mine.grad  # tensor([8.])
    dist.destroy_process_group()


with tempfile.TemporaryDirectory() as folder:
    store = dist.FileStore(f"{folder}/store", 2)
    mp.start_processes(work, (store,), 2, start_method="fork")

# %%
# Tokens to experts and back: ``all_to_all_single`` with gradients
# ----------------------------------------------------------------
#
# ``torch.distributed.nn.functional.all_to_all_single`` sends part j of the
# input to rank j. The expert of each rank multiplies by its number plus 1.
# The second call brings the results home, and the gradient takes the same
# way back.
def work(rank, store):
    dist.init_process_group("gloo", store=store, rank=rank, world_size=2)
    tokens = torch.tensor([1.0, 10.0], requires_grad=True)
    arrived = all_to_all_single(
        torch.empty(2), tokens
    )  # FutureWarning: is deprecated since 2.12, shape (2,) before
    home = all_to_all_single(
        torch.empty(2), (rank + 1) * arrived
    )  # FutureWarning: is deprecated since 2.12, shape (2,) before
    home.detach()  # tensor([ 1., 20.])
    home.sum().backward()
    tokens.grad  # tensor([1., 2.])
    dist.destroy_process_group()


with tempfile.TemporaryDirectory() as folder:
    store = dist.FileStore(f"{folder}/store", 2)
    mp.start_processes(work, (store,), 2, start_method="fork")

# %%
# Collectives that return a tensor: ``_functional_collectives``
# -------------------------------------------------------------
#
# ``torch.distributed._functional_collectives`` has the collectives that
# ``DTensor`` and ``torch.compile`` use. They change no argument, and those
# whose names end with ``autograd`` have a gradient. The module is private,
# and 2.13 has renamed some of its functions.
def work(rank, store):
    dist.init_process_group("gloo", store=store, rank=rank, world_size=2)
    mine, group = torch.tensor([1.0 + rank]), dist.group.WORLD
    total = funcol.all_reduce(mine, "sum", group)
    funcol.wait_tensor(total)  # tensor([3.])
    mine.item() == rank + 1  # True
    x = mine.clone().requires_grad_()
    name = "all_gather_single_autograd"
    gather = getattr(funcol, name, funcol.all_gather_tensor_autograd)
    joined = gather(x, 0, group)
    (joined * (rank + 1)).sum().backward()
    x.grad  # tensor([3.])
    dist.destroy_process_group()


with tempfile.TemporaryDirectory() as folder:
    store = dist.FileStore(f"{folder}/store", 2)
    mp.start_processes(work, (store,), 2, start_method="fork")
