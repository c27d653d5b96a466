"""
Launching on GPUs and machines
==============================

Give each process its own GPU, connect several machines, and read the errors
that the launcher prints when this fails.
"""
import os
import signal
import tempfile
from contextlib import suppress
from datetime import timedelta

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch.distributed.elastic.multiprocessing.errors import (
    ChildFailedError,
    ProcessFailure,
)
from torch.distributed.elastic.rendezvous import (
    RendezvousConnectionError,
    RendezvousParameters,
    RendezvousTimeoutError,
)
from torch.distributed.elastic.rendezvous import c10d_rendezvous_backend
from torch.distributed.elastic.rendezvous.dynamic_rendezvous import (
    create_handler,
)

# %%
# Error: ``KeyError: 'LOCAL_RANK'``
# ---------------------------------
#
# ``torchrun`` sets this variable, and a plain ``python train.py`` does not.
# Start the script with ``torchrun --standalone --nproc-per-node=1
# train.py``, or give a default value so that the script runs both ways.
os.environ.pop("LOCAL_RANK", None)
with suppress(KeyError):
    int(os.environ["LOCAL_RANK"])  # KeyError: 'LOCAL_RANK'
int(os.environ.get("LOCAL_RANK", 0))  # 0
int(os.environ.get("WORLD_SIZE", 1)) > 1  # False

# %%
# One GPU for each process: ``torch.cuda.set_device(local_rank)``
# ---------------------------------------------------------------
#
# A process that does not choose a GPU uses GPU 0. NCCL then reports a
# duplicate GPU, or that a ``barrier`` guesses its device. Set the device
# before ``init_process_group``, with ``torch.accelerator`` also for other
# makes than NVIDIA. Use ``LOCAL_RANK``, because ``RANK`` is too large on
# the second machine.
def device_of(local_rank):
    if not torch.accelerator.is_available():
        return torch.device("cpu")
    torch.accelerator.set_device_index(local_rank)
    return torch.device(local_rank)


def place(rank, gpus_of_each_machine):
    return divmod(rank, gpus_of_each_machine)


device_of(0)  # type device
[place(rank, 4) for rank in (0, 3, 4)]  # [(0, 0), (0, 3), (1, 0)]

# %%
# Every rank takes memory of GPU 0: ``torch.load(map_location="cpu")``
# --------------------------------------------------------------------
#
# A checkpoint stores the device of its tensors, which is ``cuda:0`` if rank
# 0 has saved it. Without ``map_location``, all ranks load it to that GPU,
# and ``nvidia-smi`` shows each process on GPU 0 as well. Load it to the
# CPU. ``load_state_dict`` then copies the values to the device of the
# model.
net = torch.nn.Linear(2, 1)
with tempfile.TemporaryDirectory() as folder:
    torch.save(net.state_dict(), f"{folder}/net.pt")
    state = torch.load(f"{folder}/net.pt", map_location="cpu")
state["weight"].device.type  # 'cpu'
net.load_state_dict(state)
torch.equal(net.weight.cpu(), state["weight"])  # True

# %%
# Corrupted checkpoint after training on several GPUs: one rank writes
# --------------------------------------------------------------------
#
# If all ranks write to the same path at the same time, the contents of the
# file can get mixed up. Let only rank 0 write, to a temporary name, and
# rename the file when it is complete. The barrier keeps the other ranks
# from reading too early.
def work(rank, store):
    dist.init_process_group("gloo", store=store, rank=rank, world_size=2)
    path, state = f"{folder}/last.pt", {"epoch": 3}
    if rank == 0:
        torch.save(state, f"{path}.part")
        os.replace(f"{path}.part", path)
    dist.barrier()
    torch.load(path)  # {'epoch': 3}
    dist.destroy_process_group()


with tempfile.TemporaryDirectory() as folder:
    store = dist.FileStore(f"{folder}/store", 2)
    mp.start_processes(work, (store,), 2, start_method="fork")

# %%
# Longer timeout: rank 0 prepares data while the others wait
# ----------------------------------------------------------
#
# With NCCL, a wait of more than ten minutes ends in a watchdog timeout by
# default. Prepare the data in a separate program, or pass a longer
# ``timeout`` to ``init_process_group``. Do not use it to hide a hang,
# because a missing rank is then found later.
#
# .. glance:: dist.default_pg_timeout.total_seconds()  # 1800.0
def work(rank, store):
    wait = timedelta(hours=2)
    alone = dict(store=store, rank=rank, world_size=2)
    dist.init_process_group("gloo", timeout=wait, **alone)
    if rank == 0:
        torch.save(torch.arange(3), f"{folder}/tokens.pt")
    dist.barrier()
    torch.load(f"{folder}/tokens.pt")  # tensor([0, 1, 2])
    dist.destroy_process_group()


dist.default_pg_timeout.total_seconds()  # 1800.0
with tempfile.TemporaryDirectory() as folder:
    store = dist.FileStore(f"{folder}/store", 2)
    mp.start_processes(work, (store,), 2, start_method="fork")

# %%
# Warning: ``destroy_process_group()`` was not called before program exit
# -----------------------------------------------------------------------
#
# NCCL warns that resources can leak. Put the training in a function and
# destroy the group in ``finally``, so that this also happens after an
# error.
def main():
    one = dict(store=dist.HashStore(), rank=0, world_size=1)
    dist.init_process_group("gloo", **one)
    try:
        raise ValueError("a mistake in the training")
    finally:
        dist.destroy_process_group()


with suppress(ValueError):
    main()  # ValueError: a mistake in the training
dist.is_initialized()  # False

# %%
# Start from SLURM without torchrun: ``SLURM_PROCID``, ``SLURM_LOCALID``
# ----------------------------------------------------------------------
#
# ``srun --ntasks-per-node=4 python train.py`` starts four processes on each
# machine, and SLURM numbers them in its own variables. Translate these
# before you call ``init_process_group``. For ``MASTER_ADDR``, take the
# first host that ``scontrol show hostnames`` prints, and export it in the
# job script.
def from_slurm(slurm):
    return {
        "RANK": slurm["SLURM_PROCID"],
        "LOCAL_RANK": slurm["SLURM_LOCALID"],
        "WORLD_SIZE": slurm["SLURM_NTASKS"],
        "MASTER_PORT": str(20000 + int(slurm["SLURM_JOB_ID"]) % 20000),
    }


job = {"SLURM_PROCID": "5", "SLURM_LOCALID": "1", "SLURM_NTASKS": "8"}
found = from_slurm(job | {"SLURM_JOB_ID": "7099018"})
found["RANK"], found["LOCAL_RANK"]  # ('5', '1')
found["MASTER_PORT"]  # '39018'

# %%
# Several machines: the command for ``torchrun`` on each
# ------------------------------------------------------
#
# Run the same command on each machine. ``--rdzv-endpoint`` names one of the
# machines and a free port that the others can reach, and ``--rdzv-id``
# names the job. Under SLURM, start one ``torchrun`` on each machine with
# ``srun --ntasks-per-node=1``. See :doc:`/gallery/scale/several_machines`.
def command(machines, processes, host, job):
    return (
        f"torchrun --nnodes={machines} --nproc-per-node={processes}"
        f" --rdzv-backend=c10d --rdzv-endpoint={host}:29400"
        f" --rdzv-id={job} train.py"
    )


line = command(2, 4, "node01", "run7")
line.split()[1:3]  # ['--nnodes=2', '--nproc-per-node=4']
line.split()[4]  # '--rdzv-endpoint=node01:29400'

# %%
# Error: RendezvousConnectionError, the connection to the store failed
# --------------------------------------------------------------------
#
# This error means that nothing answers at ``--rdzv-endpoint``. Check that
# the machine is running, that all machines write its name in the same way,
# and that the firewall lets the port through. ``nc -vz node01 29400`` tests
# the connection. In this card no program listens on the port.
free = dist.TCPStore("localhost", 0, is_master=True, wait_for_workers=False)
endpoint = f"localhost:{free.port}"
del free
asked = dict(is_host="false", read_timeout="1")
params = RendezvousParameters("c10d", endpoint, "run7", 1, 1, **asked)
with suppress(RendezvousConnectionError):
    c10d_rendezvous_backend.create_backend(
        params
    )  # RendezvousConnectionError: The connection to the C10d store

# %%
# Error: RendezvousTimeoutError: fewer machines came than ``--nnodes``
# --------------------------------------------------------------------
#
# ``torchrun`` waits until ``--nnodes`` machines have joined, by default for
# up to ten minutes. Look for a machine that did not start, or that uses a
# different ``--rdzv-id``, port or number of machines.
# ``--rdzv-conf=join_timeout=60`` shortens the wait.
limits = dict(is_host="true", join_timeout="1")
two = RendezvousParameters("c10d", "localhost:0", "run7", 2, 2, **limits)
backend, store = c10d_rendezvous_backend.create_backend(two)
handler = create_handler(store, backend, two)
with suppress(RendezvousTimeoutError):
    handler.next_rendezvous()  # RendezvousTimeoutError

# %%
# Error: unable to find address for the interface (GLOO_SOCKET_IFNAME)
# --------------------------------------------------------------------
#
# ``GLOO_SOCKET_IFNAME`` and ``NCCL_SOCKET_IFNAME`` choose the network
# interface, and ``ip addr`` lists the names. If the names differ between
# machines, set the variable on each machine. NCCL also takes a list, such
# as ``eno1,eth0``. The interface ``lo`` connects only processes on the same
# machine.
alone = dict(store=dist.HashStore(), rank=0, world_size=1)
os.environ["GLOO_SOCKET_IFNAME"] = "eth99"
with suppress(RuntimeError):
    dist.init_process_group(
        "gloo", **alone
    )  # RuntimeError: Unable to find address for
del os.environ["GLOO_SOCKET_IFNAME"]

# %%
# Error: ChildFailedError, exitcode -9, no traceback (torchrun)
# -------------------------------------------------------------
#
# ``torchrun`` reports how the first failed process ended. Exit code 1 is a
# Python error, and its traceback is further up in the output. A negative
# code is a signal: -9 is SIGKILL, which the system often sends when memory
# runs out, and -11 is a crash in compiled code. The report in this card is
# made by hand.
report = ProcessFailure(
    local_rank=0, pid=14750, exitcode=-9, error_file="<N/A>"
)
with suppress(ChildFailedError):
    raise ChildFailedError(
        "train.py", {0: report}
    )  # ChildFailedError: exitcode : -9
signal.Signals(9).name, signal.Signals(11).name  # ('SIGKILL', 'SIGSEGV')
