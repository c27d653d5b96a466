"""
Train with torchrun: two processes and the losses of one
========================================================

A training script needs a few changes before it can use several processes: a
process group, a sampler that divides the data, ``DistributedDataParallel``
around the model, and metrics that are summed over the processes. On this
page, ``torchrun`` starts such a script with two processes on the CPU. Their
losses agree to 1e-3, and their weights to 1e-2, with those of one process
that has the whole batch.
"""
import inspect
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import torch
import torch.distributed as dist
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional as F
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, TensorDataset
from torch.utils.data.distributed import DistributedSampler

# %%
# Data: a file that every process reads
# -------------------------------------
#
# The training set has 1,280 images of handwritten digits and the test set
# 517. Each process that ``torchrun`` starts is a new Python process, which
# reads the images from a file.
folder = tempfile.TemporaryDirectory()
home = Path(folder.name)
digits = load_digits()
order = torch.randperm(
    1797, device="cpu", generator=torch.Generator("cpu").manual_seed(0)
)
images = torch.tensor(digits.data, dtype=torch.float32, device="cpu") / 16
labels = torch.tensor(digits.target, device="cpu")
torch.save((images[order], labels[order]), home / "digits.pt")
EPOCHS, BATCH = 6, 128

# %%
# Join the process group, if there is one
# ---------------------------------------
#
# ``torchrun`` sets environment variables such as ``RANK``, the number of
# the process, and ``torch.distributed.init_process_group`` reads its
# settings from them. If you start the script with plain ``python``, it runs
# as a single process. On GPUs, use the backend ``"nccl"`` and give each
# process the GPU of its ``LOCAL_RANK``.


def join():
    if not dist.is_torchelastic_launched():
        return 0, 1
    dist.init_process_group("gloo")
    return dist.get_rank(), dist.get_world_size()


# %%
# Divide each batch: ``DistributedSampler``
# -----------------------------------------
#
# ``torch.utils.data.DistributedSampler`` shuffles the samples in the same
# order on all ranks, because the order depends on the seed and the epoch.
# Each of the two ranks takes every second index. ``BATCH`` is the size of
# the whole batch, so each rank loads its part of it.


def load(home, rank, size):
    images, labels = torch.load(home / "digits.pt")
    train_set = TensorDataset(images[:1280], labels[:1280])
    mine = slice(1280 + rank, None, size)
    test_set = TensorDataset(images[mine], labels[mine])
    sampler = DistributedSampler(train_set, size, rank, seed=1)
    loader = DataLoader(train_set, BATCH // size, sampler=sampler)
    return loader, DataLoader(test_set, 256)


# %%
# Sum the counts of all ranks: ``dist.all_reduce``
# ------------------------------------------------
#
# Each rank counts the hits on its own part of the test set. The parts have
# 259 and 258 images, so the counts are added up before they are divided.


def evaluate(model, loader, size):
    model.eval()
    found = torch.zeros(2)
    with torch.inference_mode():
        for x, y in loader:
            hits = (model(x).argmax(dim=1) == y).sum()
            found += torch.stack([hits, torch.tensor(len(y))])
    model.train()
    if size > 1:
        dist.all_reduce(found)
    return (found[0] / found[1]).item()


# %%
# The training loop, with one rank that writes the files
# ------------------------------------------------------
#
# ``set_epoch`` gives each epoch a new order. The loss of a step is the mean
# over the ranks, whose parts have the same size. Only rank 0 writes the
# results. It saves the model without the wrapper, so that the file fits a
# plain model.


def train(home, name):
    rank, size = join()
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
    net = DistributedDataParallel(model) if size > 1 else model
    optimizer = torch.optim.AdamW(net.parameters(), lr=5e-3)
    loader, test_loader = load(home, rank, size)
    log = {"ranks": size, "share": 0, "losses": [], "accuracy": []}
    for epoch in range(EPOCHS):
        loader.sampler.set_epoch(epoch)
        for x, y in loader:
            optimizer.zero_grad()
            loss = F.cross_entropy(net(x), y)
            loss.backward()
            optimizer.step()
            mean = loss.detach() / size
            if size > 1:
                dist.all_reduce(mean)
            log["losses"].append(mean.item())
        log["share"] = len(loader.sampler)
        log["accuracy"].append(evaluate(net, test_loader, size))
    print(f"rank {rank} of {size}\n", end="", flush=True)
    if rank == 0:
        torch.save(model.state_dict(), home / f"{name}.pt")
        (home / f"{name}.json").write_text(json.dumps(log))
    del net
    if size > 1:
        dist.destroy_process_group()


# %%
# Write the script from these functions
# -------------------------------------
#
# ``inspect.getsource`` returns the source code of the functions, word for
# word. The script also needs the imports and one call of ``train``.
imports = f"""
import json, sys
from pathlib import Path
import torch
import torch.distributed as dist
from torch import nn
from torch.nn import functional as F
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, TensorDataset
from torch.utils.data.distributed import DistributedSampler
EPOCHS, BATCH = {EPOCHS}, {BATCH}
"""
parts = [inspect.getsource(one) for one in (join, load, evaluate, train)]
main = "train(Path(sys.argv[1]), sys.argv[2])"
(home / "train.py").write_text("\n\n".join([imports, *parts, main]))


# %%
# Run it with ``python`` and with ``torchrun``
# --------------------------------------------
#
# ``torchrun`` is short for ``python -m torch.distributed.run``.
# ``--standalone`` is for a single machine and takes a free port. With
# several processes, ``torchrun`` gives each of them one thread, unless
# ``OMP_NUM_THREADS`` is set.
def run(*launcher, name):
    command = [sys.executable, *launcher, str(home / "train.py")]
    done = subprocess.run(
        [*command, str(home), name], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    said = sorted(line for line in done.stdout.splitlines() if line)
    return said, json.loads((home / f"{name}.json").read_text())


torchrun = ["-m", "torch.distributed.run", "--standalone"]
said, one = run(name="one")
said  # ['rank 0 of 1']
said, two = run(*torchrun, "--nproc-per-node=2", name="two")
said  # ['rank 0 of 2', 'rank 1 of 2']

# %%
# Two processes take the same steps as one
# ----------------------------------------
#
# Each rank got half of the samples in each epoch. The losses of all 60
# steps agree to 1e-3, and the weights to 1e-2. They need not be exactly
# equal, because the mean of two means is summed in another order and can be
# rounded differently.
one["share"], two["share"]  # (1280, 640)
len(one["losses"]), len(two["losses"])  # (60, 60)
losses = torch.tensor([one["losses"], two["losses"]])
gap = (losses[0] - losses[1]).abs().max().item()
gap < 1e-3  # True
weights = [torch.load(home / f"{name}.pt") for name in ("one", "two")]
[list(state) == list(weights[0]) for state in weights]  # [True, True]
pairs = zip(weights[0].values(), weights[1].values(), strict=True)
max((a - b).abs().max().item() for a, b in pairs) < 1e-2  # True
folder.cleanup()

# %%
# The result: the same losses, and more than 90 % accuracy
# --------------------------------------------------------
#
# Left: the loss of each step. The broad line shows one process and the thin
# line two processes. Right: the accuracy on the test set, computed from
# counts that are summed over the ranks.
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6))
left.semilogy(one["losses"], color="C0", linewidth=6, alpha=0.4, label="1")
left.semilogy(two["losses"], color="C1", label="2")
right.plot(one["accuracy"], color="C0", linewidth=6, alpha=0.4, label="1")
right.plot(two["accuracy"], "o-", color="C1", label="2")
left.set(xlabel="step", ylabel="cross_entropy")
right.set(xlabel="epoch", ylabel="accuracy")
left.legend(title="processes")
figure.tight_layout()
accuracy = two["accuracy"][-1]
print(f"{accuracy=:.3f} {gap=:.1e}")
assert gap < 1e-3
assert 0.9 < accuracy <= 1.0, accuracy
