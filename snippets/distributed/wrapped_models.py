"""
Wrapped models and launching
============================

What changes when you wrap a model for several GPUs or start a script with a
launcher, and how to fix the errors that follow.
"""
import argparse
import os
import tempfile
from contextlib import redirect_stderr, suppress
from io import StringIO

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
import torch.nn.functional as F
from torch import nn
from torch.nn.parallel import DistributedDataParallel as DDP
from torch.utils.checkpoint import checkpoint

# %%
# Error: 'DataParallel' object has no attribute (use ``model.module``)
# --------------------------------------------------------------------
#
# ``nn.DataParallel`` and ``DistributedDataParallel`` are modules that hold
# your model as ``module`` and pass on only ``forward``. Reach other methods
# and attributes through ``model.module``. Put what should run on several
# GPUs into ``forward``.
class Net(nn.Linear):
    def get_criterion(self):
        return nn.MSELoss()


model = nn.DataParallel(Net(2, 1))
with suppress(AttributeError):
    model.get_criterion()  # AttributeError: 'DataParallel' object has no
model.module.get_criterion()  # type MSELoss
plain = getattr(model, "module", model)
plain.in_features  # 2

# %%
# Warning: Was asked to gather along dimension 0, but all were scalars
# --------------------------------------------------------------------
#
# If ``forward`` returns a scalar loss under ``nn.DataParallel``, each GPU
# gives one loss, and the wrapper returns them as a vector. Call ``mean``
# before ``backward``. This card computes by hand what two GPUs would give.
# ``DistributedDataParallel`` does not gather outputs.
net, x, y = nn.Linear(3, 1), torch.rand(8, 3), torch.rand(8, 1)
parts = zip(x.chunk(2), y.chunk(2), strict=True)
gathered = torch.stack([F.mse_loss(net(a), b) for a, b in parts])
gathered.shape  # torch.Size([2])
with suppress(RuntimeError):
    gathered.backward()  # RuntimeError: only for scalar outputs
loss = gathered.mean()
torch.allclose(loss, F.mse_loss(net(x), y))  # True
loss.backward()

# %%
# Error on several GPUs only: Expected more than 1 value per channel
# ------------------------------------------------------------------
#
# ``nn.DataParallel`` cuts the batch as ``chunk`` does. On 4 GPUs, a last
# batch of 5 samples is cut into parts of 2, 2 and 1, and ``nn.BatchNorm1d``
# cannot train on 1 sample. Use ``drop_last=True`` and a batch size that
# gives each GPU the same number of samples, at least 2.
batch, norm = torch.rand(5, 3), nn.BatchNorm1d(3)
[len(part) for part in batch.chunk(4)]  # [2, 2, 1]
*others, last = batch.chunk(4)
with suppress(ValueError):
    norm(last)  # ValueError: Expected more than 1 value per channel
[len(part) for part in torch.rand(8, 3).chunk(4)]  # [2, 2, 2, 2]

# %%
# ``nn.DataParallel`` fills the first GPU: it gathers the outputs there
# ---------------------------------------------------------------------
#
# The first GPU collects the outputs of all GPUs and computes the loss and
# its gradient. If ``forward`` returns the loss, the first GPU collects only
# one number from each GPU. ``DistributedDataParallel`` keeps the outputs
# where they are, so prefer it, with one process for each GPU.
logits = torch.zeros(32, 10, 64, 64)
logits.nbytes  # 5242880
target = torch.zeros(32, 64, 64, dtype=torch.int64)
parts = zip(logits.chunk(4), target.chunk(4), strict=True)
losses = torch.stack([F.cross_entropy(a, b) for a, b in parts])
losses.nbytes  # 16

# %%
# Two forward passes before ``backward``: batch norm in a wrapped GAN
# -------------------------------------------------------------------
#
# Before each forward pass, ``DistributedDataParallel`` copies the buffers
# of rank 0, the first process, to the other processes. Before 2.12 this
# overwrote values that the first pass had saved, and ``backward`` raised an
# error. In older releases, put real and fake samples into one batch, or
# pass ``broadcast_buffers=False``.
def work(rank, store):
    dist.init_process_group("gloo", store=store, rank=rank, world_size=2)
    model = DDP(nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2)))
    real, fake = torch.rand(4, 2), torch.rand(4, 2)
    d = model(real).sum() - model(fake).sum()
    with suppress(RuntimeError):
        d.backward()  # None since 2.12, RuntimeError: been modified before
    real_score, fake_score = model(torch.cat([real, fake])).chunk(2)
    (real_score - fake_score).sum().backward()
    dist.barrier()
    del model
    dist.destroy_process_group()


with tempfile.TemporaryDirectory() as folder:
    store = dist.FileStore(f"{folder}/store", 2)
    mp.start_processes(work, (store,), 2, start_method="fork")

# %%
# Less accurate with several GPUs: the batch size and the learning rate
# ---------------------------------------------------------------------
#
# ``batch_size`` is the size on each process. Two processes with 4 samples
# each take the same step as one process with 8. An epoch then has half as
# many steps as with one process and 4 samples. Divide the batch size by the
# number of processes, or use a larger learning rate and increase it slowly
# at the start (warm-up).
def work(rank, store):
    dist.init_process_group("gloo", store=store, rank=rank, world_size=2)
    model, x = DDP(nn.Linear(3, 1)), torch.rand(8, 3)
    model(x[4 * rank :][:4]).square().mean().backward()
    alone = nn.Linear(3, 1)
    alone.load_state_dict(model.module.state_dict())
    alone(x).square().mean().backward()
    grad = model.module.weight.grad
    torch.allclose(grad, alone.weight.grad, atol=1e-5)  # True
    del model
    dist.destroy_process_group()


with tempfile.TemporaryDirectory() as folder:
    store = dist.FileStore(f"{folder}/store", 2)
    mp.start_processes(work, (store,), 2, start_method="fork")

# %%
# Error: unrecognized arguments: --local-rank=0
# ---------------------------------------------
#
# ``torch.distributed.launch`` adds this argument to your script, with a
# hyphen since 2.0. Start the script with ``torchrun``, which adds no
# argument, and read the environment variable ``LOCAL_RANK``. If the script
# should work with both launchers, declare the argument in both spellings.
old = argparse.ArgumentParser(prog="train.py")
old.add_argument("--local_rank", type=int)
screen = StringIO()
with redirect_stderr(screen), suppress(SystemExit):
    old.parse_args(["--local-rank=0"])  # SystemExit: 2
error = screen.getvalue().splitlines()[-1]
error  # 'train.py: error: unrecognized arguments: --local-rank=0'
new = argparse.ArgumentParser()
new.add_argument("--local-rank", "--local_rank", type=int, default=0)
new.parse_args(["--local-rank=1"]).local_rank  # 1
new.parse_args([]).local_rank  # 0

# %%
# Error: expected to mark a variable ready only once (checkpointing)
# ------------------------------------------------------------------
#
# ``checkpoint`` saves memory by computing a part of the model again in
# ``backward``. With ``use_reentrant=True`` this part has a backward pass of
# its own, and a wrapper with ``find_unused_parameters=True`` counts the
# gradients of the part twice. Pass ``use_reentrant=False``. In
# ``transformers``, pass it in ``gradient_checkpointing_kwargs``.
class Deep(nn.ModuleDict):
    def forward(self, x):
        return checkpoint(self["used"], x, use_reentrant=self.reentrant)


def work(rank, store):
    dist.init_process_group("gloo", store=store, rank=rank, world_size=2)
    net = Deep({"used": nn.Linear(2, 2), "unused": nn.Linear(2, 2)})
    x = torch.ones(3, 2, requires_grad=True)
    net.reentrant = True
    model = DDP(net, find_unused_parameters=True)
    loss = model(x).sum()
    with suppress(RuntimeError):
        loss.backward()  # RuntimeError: Expected to mark a variable
    net.zero_grad()
    net.reentrant = False
    model = DDP(net, find_unused_parameters=True)
    model(x).sum().backward()
    net["used"].bias.grad  # tensor([3., 3.])


with tempfile.TemporaryDirectory() as folder:
    store = dist.FileStore(f"{folder}/store", 2)
    mp.start_processes(work, (store,), 2, start_method="fork")

# %%
# A loss that only some batches have: add zero times the output
# -------------------------------------------------------------
#
# The model predicts a label and a box, but only the batch of process 0
# (rank 0) has a target for the box. If process 1 leaves out the loss of the
# box, the layer ``box`` gets no gradient there, and the training hangs or
# fails in the next step. ``0 * box.sum()`` keeps this layer in the graph,
# so both processes communicate gradients of the same parameters.
class Heads(nn.ModuleDict):
    def forward(self, x):
        return self["label"](x), self["box"](x)


def work(rank, store):
    dist.init_process_group("gloo", store=store, rank=rank, world_size=2)
    net = Heads({"label": nn.Linear(2, 1), "box": nn.Linear(2, 1)})
    model, x = DDP(net), torch.ones(1, 2)
    for _ in range(2):
        model.zero_grad()
        label, box = model(x)
        second = box.sum() if rank == 0 else 0 * box.sum()
        (label.sum() + second).backward()
    net["box"].weight.grad  # tensor([[0.5000, 0.5000]])
    dist.barrier()
    del model
    dist.destroy_process_group()


with tempfile.TemporaryDirectory() as folder:
    store = dist.FileStore(f"{folder}/store", 2)
    mp.start_processes(work, (store,), 2, start_method="fork")

# %%
# Error: ``device_ids`` and ``output_device`` arguments only work with
# --------------------------------------------------------------------
#
# The error comes if you pass ``device_ids`` to ``DistributedDataParallel``
# and the model is on the CPU or on several GPUs. Move the model to its GPU
# first. If it should stay on the CPU or on several GPUs, leave
# ``device_ids`` out.
alone = dict(store=dist.HashStore(), rank=0, world_size=1)
dist.init_process_group("gloo", **alone)
net = nn.Linear(2, 1, device="cpu")
with suppress(ValueError):
    DDP(
        net, device_ids=[0]
    )  # ValueError: device_ids and output_device arguments only work
model = DDP(net)
model.device_ids  # None
del model
dist.destroy_process_group()

# %%
# Error: not needed when a module has no parameter with a gradient
# ----------------------------------------------------------------
#
# ``DistributedDataParallel`` raises an error for a model that is completely
# frozen, such as a teacher or a feature extractor. Use such a model without
# the wrapper, because it has no gradients to communicate.
alone = dict(store=dist.HashStore(), rank=0, world_size=1)
dist.init_process_group("gloo", **alone)
teacher = nn.Linear(2, 1, device="cpu").requires_grad_(False)
with suppress(RuntimeError):
    DDP(teacher)  # RuntimeError: DistributedDataParallel is not needed when
teacher.eval()(torch.ones(1, 2, device="cpu")).requires_grad  # False
dist.destroy_process_group()

# %%
# ``device_map="auto"`` under torchrun: one copy for each process
# ---------------------------------------------------------------
#
# ``device_map="auto"`` of ``transformers`` spreads the layers of one copy
# over all GPUs, as this card does by hand. ``accelerate`` refuses to train
# such a model "in any distributed mode". Start it with ``python`` in one
# process, or load a whole copy on the GPU of each process with
# ``device_map={"": local_rank}``.
gpus = torch.accelerator.device_count()
devices = list(range(gpus)) or ["cpu"]
layers = nn.Sequential(nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 1))
layers[0].to(devices[0])
layers[2].to(devices[-1])
x = torch.rand(2, 3)
for layer in layers:
    device = next(layer.parameters(), x).device
    x = layer(x.to(device))
x.shape  # torch.Size([2, 1])
local_rank = int(os.environ.get("LOCAL_RANK", 0))
whole = {"": local_rank}
whole  # {'': 0}
