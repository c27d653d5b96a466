"""
Several machines: the same torchrun command on each
===================================================

For a training on several machines each of them runs the same ``torchrun``
command, and ``--rdzv-endpoint`` names a place where they meet. Below two
``torchrun`` on this machine stand for two machines. Each starts one
process, and the two train one model. The losses agree to 1e-3 with those of
one process that has the whole batch.
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
# Real machines read from a shared file system, or each has a copy. 1,280
# digits are for training and 517 for the test.
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
# Each step takes the next 128 digits, and rank r every ``size``-th of them.
# With ``size`` 1 the same loop is the training of one process.
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
# What each process knows: ``GROUP_RANK``, ``LOCAL_RANK``, ``RANK``
# -----------------------------------------------------------------
#
# ``torchrun`` sets these variables. ``GROUP_RANK`` is the number of the
# machine, ``LOCAL_RANK`` counts on one machine, and ``RANK`` over all.
# Choose the GPU by ``LOCAL_RANK``: here ``RANK`` 1 is the first process of
# the second machine. On GPUs the backend is ``"nccl"``.
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
# ``--rdzv-endpoint`` is usually ``HOST:29400`` with the name of one of the
# machines, which then opens that port. Here the page itself holds the
# meeting point, on a port that was free, and ``is_host=0`` tells both to
# connect to it. Real machines need neither ``--rdzv-conf`` nor
# ``--local-addr``. ``--rdzv-id`` is one name for the whole job, and
# ``--nproc-per-node`` is the number of GPUs of a machine.
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
# Two machines
# ------------
#
# The first ``torchrun`` waits for the second. If one does not come, the
# other ends after ten minutes with ``RendezvousTimeoutError``; see
# :doc:`/reference/distributed/launching` for this and for other messages.
# Under SLURM ``srun --ntasks-per-node=1`` starts the command on each
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
# The machines are numbered as they come. So do not count on rank 0 being on
# the machine of the endpoint; where it must be, use ``--node-rank`` with
# ``--master-addr``, which is the static rendezvous.
files = [home / f"{rank}.json" for rank in range(2)]
found = [json.loads(file.read_text()) for file in files]
[one["GROUP_RANK"] for one in found]  # [0, 1]
[one["LOCAL_RANK"] for one in found]  # [0, 0]
[one["RANK"] for one in found]  # [0, 1]
{one["WORLD_SIZE"] for one in found}  # {2}

# %%
# The losses of one process
# -------------------------
#
# One process trains on the whole batches. The mean of two means is summed
# in another order, so it can be rounded differently.
with torch.device("cpu"):
    whole = fit(build(), images, labels, 0, 1)
losses = torch.tensor([whole, found[0]["losses"]])
gap = (losses[0] - losses[1]).abs().max().item()
gap < 1e-3  # True
found[1]["losses"] == found[0]["losses"]  # True

# %%
# What was reached
# ----------------
#
# The loss of each step, with one process as a broad line and with two
# machines as a thin one. The accuracy on the test set is
# that of the model that rank 0 has saved.
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
