"""
A process dies: torchrun restarts all, and training resumes
===========================================================

The more machines take part in a training, the more often one of them fails.
With ``--max-restarts``, ``torchrun`` then ends the other processes and
starts all of them again. The script must save checkpoints and begin from
the latest one. On this page, one of two processes is killed in the middle
of an epoch. The losses after the restart agree with those of an
uninterrupted run.
"""
import inspect
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import torch
import torch.distributed as dist
from sklearn.datasets import load_digits
from torch import nn
from torch.multiprocessing import start_processes
from torch.nn import functional as F
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, TensorDataset
from torch.utils.data.distributed import DistributedSampler

# %%
# Data: a file that every process reads
# -------------------------------------
#
# The file holds 1,280 images of handwritten digits, in an order that is
# drawn once.
folder = tempfile.TemporaryDirectory()
home = Path(folder.name)
digits = load_digits()
order = torch.randperm(
    1797, device="cpu", generator=torch.Generator("cpu").manual_seed(0)
)
images = torch.tensor(digits.data, dtype=torch.float32, device="cpu") / 16
images, labels = images[order], torch.tensor(
    digits.target, device="cpu"
)[order]
torch.save((images[:1280], labels[:1280]), home / "digits.pt")
EPOCHS = 6


# %%
# Save on one rank, load on all
# -----------------------------
#
# A rank is the number of a process. Rank 0 writes to a second file first
# and then replaces the checkpoint with it, so the checkpoint is complete
# even if a process dies. All ranks read it at the start, if it exists. The
# order of the samples depends on the seed and the epoch, so the sampler has
# no state to save.
def save(home, model, optimizer, epoch, losses):
    state = {"epoch": epoch, "losses": losses}
    state["model"] = model.state_dict()
    state["optimizer"] = optimizer.state_dict()
    torch.save(state, home / "checkpoint.part")
    os.replace(home / "checkpoint.part", home / "checkpoint.pt")


def restore(home, model, optimizer):
    if not (home / "checkpoint.pt").exists():
        return 0, []
    state = torch.load(home / "checkpoint.pt")
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    return state["epoch"], state["losses"]


# %%
# The loop, with a place where a process can die
# ----------------------------------------------
#
# ``torchrun`` counts the restarts in ``TORCHELASTIC_RESTART_COUNT``. If
# ``crash_at`` is the number of a step, rank 1 sends itself SIGKILL in that
# step of the first attempt. Rank 0 waits for rank 1 in ``backward``. Then
# rank 0 fails as well, or ``torchrun`` ends it.
def train(home, crash_at):
    dist.init_process_group("gloo")
    rank = dist.get_rank()
    attempt = int(os.environ["TORCHELASTIC_RESTART_COUNT"])
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    epoch, losses = restore(home, model, optimizer)
    net = DistributedDataParallel(model)
    dataset = TensorDataset(*torch.load(home / "digits.pt"))
    sampler = DistributedSampler(dataset, seed=1)
    loader = DataLoader(dataset, 64, sampler=sampler)
    with open(home / f"starts-{rank}.txt", "a") as file:
        file.write(f"{attempt} {epoch}\n")
    while epoch < EPOCHS:
        sampler.set_epoch(epoch)
        for x, y in loader:
            if rank == 1 and attempt == 0 and len(losses) == crash_at:
                os.kill(os.getpid(), signal.SIGKILL)
            optimizer.zero_grad()
            loss = F.cross_entropy(net(x), y)
            loss.backward()
            optimizer.step()
            mean = loss.detach() / 2
            dist.all_reduce(mean)
            losses.append(mean.item())
        epoch += 1
        if rank == 0:
            save(home, model, optimizer, epoch, losses)
        dist.barrier()
    del net
    dist.destroy_process_group()


# %%
# For comparison: a run without interruption
# ------------------------------------------
#
# Two forks of this process get the variables that ``torchrun`` would set.
# They use one thread each, because a forked process can block when it uses
# threads that its parent has used before. No step has the number -1, so no
# process dies.
def undisturbed(rank):
    os.environ.update(RANK=str(rank), WORLD_SIZE="2")
    os.environ.update(MASTER_ADDR="localhost", MASTER_PORT=str(hub.port))
    os.environ.update(TORCHELASTIC_USE_AGENT_STORE="True")
    os.environ.update(TORCHELASTIC_RESTART_COUNT="0")
    torch.set_num_threads(1)
    train(home, crash_at=-1)


hub = dist.TCPStore("localhost", 0, is_master=True, wait_for_workers=False)
start_processes(undisturbed, nprocs=2, start_method="fork")
whole = torch.load(home / "checkpoint.pt")["losses"]
len(whole)  # 60
for path in [home / "checkpoint.pt", *home.glob("starts-*")]:
    path.unlink()

# %%
# The script, and the options of ``torchrun``
# -------------------------------------------
#
# ``--max-restarts=1`` allows one restart of all processes. By default there
# is no restart. The environment variable gives each attempt its own store,
# in which the processes find each other. Otherwise a new process may find
# the address of a process that is gone, and gloo reports that the
# connection was refused.
imports = f"""
import os, signal, sys
from pathlib import Path
import torch
import torch.distributed as dist
from torch import nn
from torch.nn import functional as F
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, TensorDataset
from torch.utils.data.distributed import DistributedSampler
EPOCHS = {EPOCHS}
"""
parts = [inspect.getsource(one) for one in (save, restore, train)]
main = "train(Path(sys.argv[1]), int(sys.argv[2]))"
(home / "train.py").write_text("\n\n".join([imports, *parts, main]))
launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
options = ["--nproc-per-node=2", "--max-restarts=1"]
own_store = {"TORCH_DISABLE_SHARE_RDZV_TCP_STORE": "1"}

# %%
# A run in which rank 1 dies in the fourth epoch
# ----------------------------------------------
#
# The checkpoint holds three epochs when rank 1 is killed in step 35. Both
# ranks start a second time and begin with epoch 3. ``torchrun`` reports the
# exit code of the process that died. Its own exit code is 0, because the
# second attempt succeeded.
done = subprocess.run(
    [*launcher, *options, str(home / "train.py"), str(home), "35"],
    env=os.environ | own_store,
    capture_output=True,
    text=True,
)
done.returncode  # 0
starts = [(home / f"starts-{rank}.txt").read_text() for rank in (0, 1)]
resumed = torch.load(home / "checkpoint.pt")["losses"]
starts  # ['0 0\n1 3\n', '0 0\n1 3\n']
"exitcode: -9" in done.stderr  # True

# %%
# The losses of both runs agree
# -----------------------------
#
# The steps after the checkpoint were lost, and the second attempt computed
# them again.
len(resumed)  # 60
torch.allclose(torch.tensor(resumed), torch.tensor(whole))  # True
folder.cleanup()

# %%
# The result: the resumed run follows the uninterrupted one
# ---------------------------------------------------------
#
# The broad line shows the loss of each step without interruption, and the
# thin line the loss after the restart. The dotted line marks the step in
# which rank 1 was killed.
figure, ax = plt.subplots(figsize=(8, 3.4))
ax.semilogy(whole, color="C0", linewidth=6, alpha=0.4, label="whole")
ax.semilogy(range(30, 60), resumed[30:], color="C1", label="resumed")
ax.axvline(35, color="C5", linestyle=":", label="SIGKILL")
ax.set(xlabel="step", ylabel="cross_entropy")
ax.legend()
figure.tight_layout()
gap = (torch.tensor(resumed) - torch.tensor(whole)).abs().max().item()
print(f"{gap=:.1e} {whole[-1]=:.3f}")
assert gap < 1e-4
assert whole[-1] < 0.5 * whole[0]
