"""
Several machines: the same torchrun command on each
===================================================

To train on several machines, run the same ``torchrun`` command on each of
them. ``--rdzv-endpoint`` names the place where the machines meet. On this
page, two ``torchrun`` commands on one machine stand for two machines. Each
of them starts one process, and the two processes train one model. The
losses agree to 1e-3 with those of a single process that has the whole
batch.
"""
import inspect
import json
import os
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

# %%
# Data: a file that each machine can read
# ---------------------------------------
#
# The training set has 1,280 images of handwritten digits and the test set
# 517. Real machines read the file from a shared file system, or each of
# them has a copy.
folder = tempfile.TemporaryDirectory()
home = Path(folder.name)
digits = load_digits()
order = torch.randperm(
    1797, device="cpu", generator=torch.Generator("cpu").manual_seed(0)
)
images = torch.tensor(digits.data, dtype=torch.float32, device="cpu") / 16
images = images[order]
labels = torch.tensor(digits.target, device="cpu")[order]
torch.save((images, labels), home / "digits.pt")


# %%
# The loop: each rank takes its part of the batch
# -----------------------------------------------
#
# A rank is the number of a process over all machines. Each step takes the
# next 128 images, and each rank takes every ``size``-th image of them,
# beginning at its own number. With ``size`` 1 the same loop is the training
# of a single process.
def build():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))


def fit(net, images, labels, rank, size):
    optimizer = torch.optim.AdamW(net.parameters(), lr=5e-3)
    losses = []
    for _ in range(5):
        for start in range(0, 1280, 128):
            mine = slice(start + rank, start + 128, size)
            optimizer.zero_grad()
            loss = F.cross_entropy(net(images[mine]), labels[mine])
            loss.backward()
            optimizer.step()
            mean = loss.detach() / size
            if size > 1:
                dist.all_reduce(mean)
            losses.append(mean.item())
    return losses


# %%
# The variables of a process: ``GROUP_RANK``, ``LOCAL_RANK``, ``RANK``
# --------------------------------------------------------------------
#
# ``torchrun`` sets these environment variables. ``GROUP_RANK`` is the
# number of the machine, ``LOCAL_RANK`` the number of the process on its
# machine, and ``RANK`` its number over all machines. Choose the GPU by
# ``LOCAL_RANK``, because ``RANK`` 1 is the first process of the second
# machine here. On GPUs, use the backend ``"nccl"``.
def main(home):
    dist.init_process_group("gloo")
    rank, size = dist.get_rank(), dist.get_world_size()
    images, labels = torch.load(home / "digits.pt")
    model = build()
    net = DistributedDataParallel(model)
    losses = fit(net, images, labels, rank, size)
    names = ("GROUP_RANK", "LOCAL_RANK", "RANK", "WORLD_SIZE")
    log = {name: int(os.environ[name]) for name in names}
    (home / f"{rank}.json").write_text(json.dumps(log | {"losses": losses}))
    if rank == 0:
        torch.save(model.state_dict(), home / "model.pt")
    dist.barrier()
    del net
    dist.destroy_process_group()


# %%
# The command that each machine runs
# ----------------------------------
#
# ``--rdzv-endpoint`` is usually ``HOST:29400``, where HOST is one of the
# machines, which then opens that port. Here the page itself opens the port,
# and ``is_host=0`` tells both commands to connect to it. Real machines need
# neither ``--rdzv-conf`` nor ``--local-addr``. ``--rdzv-id`` is a name for
# the whole job, and ``--nproc-per-node`` is the number of GPUs of a
# machine.
imports = """
import json, os, sys
from pathlib import Path
import torch
import torch.distributed as dist
from torch import nn
from torch.nn import functional as F
from torch.nn.parallel import DistributedDataParallel
"""
parts = [inspect.getsource(one) for one in (build, fit, main)]
call = "main(Path(sys.argv[1]))"
(home / "train.py").write_text("\n\n".join([imports, *parts, call]))
meeting = dist.TCPStore(
    "localhost", 0, is_master=True, wait_for_workers=False
)
command = [
    *[sys.executable, "-m", "torch.distributed.run"],
    *["--nnodes=2", "--nproc-per-node=1", "--rdzv-id=digits"],
    *["--rdzv-backend=c10d", f"--rdzv-endpoint=localhost:{meeting.port}"],
    *["--rdzv-conf=is_host=0", "--local-addr=localhost"],
    *[str(home / "train.py"), str(home)],
]

# %%
# Start the command on two machines
# ---------------------------------
#
# The first ``torchrun`` waits for the second. If the second does not start,
# the first ends after ten minutes with ``RendezvousTimeoutError``.
# :doc:`/reference/distributed/launching` explains this and other messages.
# Under SLURM, ``srun --ntasks-per-node=1`` starts the command on each
# machine.
logs = [open(home / f"machine-{i}.log", "w") for i in (0, 1)]
machines = [
    subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
    for log in logs
]
try:
    codes = [machine.wait(timeout=240) for machine in machines]
finally:
    for machine, log in zip(machines, logs, strict=True):
        machine.kill()
        machine.wait()
        log.close()
said = "\n".join((home / f"machine-{i}.log").read_text() for i in (0, 1))
assert codes == [0, 0], said
codes  # [0, 0]

# %%
# Two ranks on two machines
# -------------------------
#
# ``torchrun`` numbers the machines by itself, so rank 0 need not be on the
# machine of the endpoint. If it must be there, use the static rendezvous,
# which takes ``--node-rank`` and ``--master-addr``.
files = [home / f"{rank}.json" for rank in range(2)]
found = [json.loads(file.read_text()) for file in files]
[one["GROUP_RANK"] for one in found]  # [0, 1]
[one["LOCAL_RANK"] for one in found]  # [0, 0]
[one["RANK"] for one in found]  # [0, 1]
{one["WORLD_SIZE"] for one in found}  # {2}

# %%
# Compare the losses with those of one process
# --------------------------------------------
#
# One process trains on the whole batches. Its losses agree with those of
# the two machines to 1e-3. They need not be exactly equal, because the mean
# of two means is summed in another order and can be rounded differently.
with torch.device("cpu"):
    whole = fit(build(), images, labels, 0, 1)
losses = torch.tensor([whole, found[0]["losses"]])
gap = (losses[0] - losses[1]).abs().max().item()
gap < 1e-3  # True
found[1]["losses"] == found[0]["losses"]  # True

# %%
# The result: the same losses, and more than 90 % accuracy
# --------------------------------------------------------
#
# The figure shows the loss of each step, as a broad line for one process
# and as a thin line for two machines. The model that rank 0 saved reaches
# more than 90 % accuracy on the test set.
with torch.device("cpu"), torch.inference_mode():
    model = build()
    model.load_state_dict(torch.load(home / "model.pt"))
    model.eval()
    hits = model(images[1280:]).argmax(dim=1) == labels[1280:]
accuracy = hits.float().mean().item()
folder.cleanup()
figure, ax = plt.subplots(figsize=(8, 3.4))
ax.semilogy(whole, color="C0", linewidth=6, alpha=0.4, label="1 process")
ax.semilogy(losses[1].tolist(), color="C1", label="2 machines")
ax.set(xlabel="step", ylabel="cross_entropy")
ax.legend()
figure.tight_layout()
print(f"{accuracy=:.3f} {gap=:.1e}")
assert gap < 1e-3
assert 0.9 < accuracy <= 1.0, accuracy
