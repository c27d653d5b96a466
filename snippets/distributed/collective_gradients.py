"""
Gradients through collectives
=============================

Compute a loss from the tensors of all ranks, and send the gradient back to
each rank.
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
# The collectives of ``torch.distributed`` copy values without autograd, so
# the collected parts do not require a gradient. A common workaround puts
# the rank's own tensor back into the list. Its gradient then lacks the part
# that comes from the losses of the other ranks.
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
# This function returns the tensors of all ranks. ``backward`` sends each
# gradient to the rank that the tensor came from and sums them there, here 1
# from rank 0 and 2 from rank 1. It is deprecated since 2.12, and its
# replacement is in a private module. The next card shows how to write such
# a function yourself.
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
# A ``torch.autograd.Function`` must sum the gradients of all ranks in
# ``backward``. If it returns only the gradient of its own rank, the losses
# of the other ranks are ignored. With equal losses and
# ``DistributedDataParallel``, the final gradient is then too small by a
# factor of the world size.
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
# of two equal losses, and ``DistributedDataParallel`` divides by 2. The
# result is the gradient that one process computes on the whole batch.
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
# The sum is a new tensor, and ``mine`` keeps its value. The loss of each
# rank depends on ``mine`` through the sum, so the gradient of ``mine`` adds
# up 4 from each of the two ranks. Use it for statistics of the whole batch
# inside a model.
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
# input to rank j. Here the expert on each rank multiplies by the rank plus
# 1. The second call sends the results back, and the gradients return to the
# tokens in the same way.
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
# ``torch.distributed._functional_collectives`` contains the collectives
# that ``DTensor`` and ``torch.compile`` use. They return a new tensor and
# leave their argument unchanged. Functions whose names end with
# ``autograd`` also pass the gradient back. The module is private, and 2.13
# has renamed some of its functions.
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
