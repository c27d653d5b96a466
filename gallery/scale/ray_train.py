"""
Train with Ray Train: ``TorchTrainer`` and two workers
======================================================

``TorchTrainer`` starts the processes of a distributed training, joins them
to a process group and keeps what they report. In the training function
``prepare_model`` wraps the model in ``DistributedDataParallel``, and
``prepare_data_loader`` divides the data. Below two workers train on this
machine. The losses agree to 1e-3 with those of one process that has the
whole batch.
"""
import inspect
import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import matplotlib.pyplot as plt
import psutil
import pyarrow
import ray
import torch
import torch.distributed as dist
from ray.train import (
    Checkpoint,
    CheckpointConfig,
    RunConfig,
    ScalingConfig,
    get_context,
    report,
)
from ray.train.torch import TorchTrainer, prepare_data_loader, prepare_model
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset
from torch.utils.data.distributed import DistributedSampler


# %%
# Data and weights: files that each worker can read
# -------------------------------------------------
#
# 1,280 digits are for training and 517 for the test. The file also holds
# the first weights, so that both trainings below begin alike.
def build():
    return nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))


print(f"ray {ray.__version__}, pyarrow {pyarrow.__version__}")
folder = tempfile.TemporaryDirectory()
home = Path(folder.name).resolve()
digits = load_digits()
order = torch.randperm(
    1797, device="cpu", generator=torch.Generator("cpu").manual_seed(0)
)
images = torch.tensor(digits.data, dtype=torch.float32, device="cpu") / 16
labels = torch.tensor(digits.target, device="cpu")
images, labels = images[order], labels[order]
train_set = TensorDataset(images[:1280], labels[:1280])
torch.manual_seed(0)
with torch.device("cpu"):
    start = build().state_dict()
torch.save((images[:1280], labels[:1280], start), home / "start.pt")
EPOCHS, BATCH = 6, 128


# %%
# One epoch, in plain PyTorch
# ---------------------------
#
# The loop knows nothing of Ray. ``set_epoch`` gives each epoch another
# order. The loss of a step is the mean over the workers.
def run_epoch(net, optimizer, loader, epoch, size):
    loader.sampler.set_epoch(epoch)
    losses = []
    for x, y in loader:
        optimizer.zero_grad()
        loss = F.cross_entropy(net(x), y)
        loss.backward()
        optimizer.step()
        mean = loss.detach() / size
        if size > 1:
            dist.all_reduce(mean)
        losses.append(mean.item())
    return losses


# %%
# What each worker does: ``prepare_model``, ``prepare_data_loader``
# -----------------------------------------------------------------
#
# ``prepare_data_loader`` gives the loader a ``DistributedSampler`` that
# shuffles if the loader does. ``BATCH`` is the size of the whole batch, so
# each worker divides it by the number of workers. On a GPU,
# ``prepare_model`` and ``prepare_data_loader`` also move the model and the
# batches there. What ``train`` returns on rank 0, the first worker, is part
# of the result.
def train(config):
    context = get_context()
    rank, size = context.get_world_rank(), context.get_world_size()
    home = Path(config["home"])
    images, labels, start = torch.load(home / "start.pt")
    model = build()
    model.load_state_dict(start)
    net = prepare_model(model)
    optimizer = torch.optim.AdamW(net.parameters(), lr=5e-3)
    train_set = TensorDataset(images, labels)
    loader = DataLoader(train_set, config["batch"] // size, shuffle=True)
    loader = prepare_data_loader(loader)
    history = []
    for epoch in range(config["epochs"]):
        losses = run_epoch(net, optimizer, loader, epoch, size)
        history += losses
        keep(model, {"epoch": epoch, "loss": sum(losses) / len(losses)})
    told = {"rank": rank, "share": len(loader.sampler), "pid": os.getpid()}
    told["class"] = type(net).__name__
    (home / f"{rank}.json").write_text(json.dumps(told))
    return history


# %%
# Metrics and a checkpoint: ``ray.train.report``
# ----------------------------------------------
#
# Each worker calls ``report``, and each call waits for the others. A
# checkpoint is a folder. Here rank 0 passes one to ``report``, with the
# weights of the model without the wrapper. Ray copies it to the storage.
def keep(model, metrics):
    with tempfile.TemporaryDirectory() as place:
        checkpoint = None
        if get_context().get_world_rank() == 0:
            torch.save(model.state_dict(), Path(place) / "model.pt")
            checkpoint = Checkpoint.from_directory(place)
        report(metrics, checkpoint=checkpoint)


# %%
# The trainer: ``TorchTrainer``
# -----------------------------
#
# ``ScalingConfig`` says how many workers there are; with ``use_gpu=True``
# each has a GPU. ``storage_path`` is the folder for the checkpoints. If you
# use several machines, all of them must be able to reach it.
# ``num_to_keep`` is the number of checkpoints that stay. On a cluster,
# ``ray.init()`` without arguments joins the cluster. ``address="local"``
# starts Ray on this machine, with its files in ``home``.
def main(home, epochs, batch):
    ray.init(
        address="local", num_cpus=2, include_dashboard=False,
        log_to_driver=False, object_store_memory=100_000_000,
        _node_ip_address="127.0.0.1", _temp_dir=home,
    )
    trainer = TorchTrainer(
        train,
        train_loop_config={"home": home, "epochs": epochs, "batch": batch},
        scaling_config=ScalingConfig(num_workers=2),
        run_config=RunConfig(
            name="digits", storage_path=f"{home}/storage",
            checkpoint_config=CheckpointConfig(num_to_keep=2),
        ),
    )
    result = trainer.fit()
    told = {
        "metrics": result.metrics, "losses": result.return_value,
        "checkpoint": result.checkpoint.path,
        "kept": [told["epoch"] for _, told in result.best_checkpoints],
    }
    Path(home, "result.json").write_text(json.dumps(told))
    ray.shutdown()


# %%
# Run it as a script
# ------------------
#
# The functions above make the script. ``RAY_USAGE_STATS_ENABLED=0`` sends
# no statistics about the use of Ray. ``RAY_AUTH_TOKEN`` is the key of this
# run, so that Ray keeps none in a file. The other variables suit a short
# run on a busy machine. If the script fails or takes too long, this page
# stops with an error that shows its log. At the end no process of Ray is
# left.
imports = """
import json, os, sys, tempfile
from pathlib import Path
import ray
import torch
import torch.distributed as dist
from ray.train import (Checkpoint, CheckpointConfig, RunConfig,
                       ScalingConfig, get_context, report)
from ray.train.torch import TorchTrainer, prepare_data_loader, prepare_model
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset
"""
functions = (build, run_epoch, train, keep, main)
parts = [inspect.getsource(one) for one in functions]
call = f"main(sys.argv[1], {EPOCHS}, {BATCH})"
(home / "train.py").write_text("\n\n".join([imports, *parts, call]))
variables = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_AUTH_TOKEN": secrets.token_hex(32),
    "RAY_TRAIN_HEALTH_CHECK_INTERVAL_S": "0.2",
    "RAY_TRAIN_ENABLE_PREEMPTION_WATCHER": "0",
    "RAY_TRAIN_WORKER_GROUP_START_TIMEOUT_S": "240",
}


def running():
    every = psutil.process_iter(["cwd"])
    return [one for one in every if str(home) in str(one.info["cwd"])]


def left_after(limit):
    deadline = time.monotonic() + limit
    while running() and time.monotonic() < deadline:
        time.sleep(0.05)
    return running()


def run(command, limit=240.0):
    with open(home / "log.txt", "w") as log:
        process = subprocess.Popen(
            command, cwd=home, env=os.environ | variables,
            stdout=log, stderr=subprocess.STDOUT,
        )
    try:
        code = process.wait(timeout=limit)
    except subprocess.TimeoutExpired as error:
        raise RuntimeError(f"{error}: {tail()}") from error
    finally:
        process.kill()
        process.wait()
        for one in left_after(30.0):
            one.kill()
        left_after(30.0)
    if code:
        raise RuntimeError(f"the script ended with {code}: {tail()}")


def tail():
    return (home / "log.txt").read_text()[-4000:]


run([sys.executable, "train.py", str(home)])
running()  # []

# %%
# What the workers did, and what the result holds
# -----------------------------------------------
#
# Each worker had a half of every epoch, in a process of its own. The
# metrics of the result are the last ones that rank 0 has reported, and the
# last two checkpoints are kept.
files = [home / f"{rank}.json" for rank in range(2)]
workers = [json.loads(file.read_text()) for file in files]
workers[0]["class"], workers[0]["share"]  # ('DistributedDataParallel', 640)
workers[1]["class"], workers[1]["share"]  # ('DistributedDataParallel', 640)
workers[0]["pid"] != workers[1]["pid"]  # True
result = json.loads((home / "result.json").read_text())
result["metrics"]["epoch"], result["kept"]  # (5, [4, 5])
len(result["losses"])  # 60

# %%
# The losses of one process
# -------------------------
#
# A ``DistributedSampler`` for one process gives the whole batches in the
# same order. The mean of two means is summed in another order, so it can be
# rounded differently.
whole = []
with torch.device("cpu"):
    model = build()
    model.load_state_dict(start)
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    sampler = DistributedSampler(train_set, num_replicas=1, rank=0)
    loader = DataLoader(train_set, BATCH, sampler=sampler)
    for epoch in range(EPOCHS):
        whole += run_epoch(model, optimizer, loader, epoch, 1)
losses = torch.tensor([whole, result["losses"]])
gap = (losses[0] - losses[1]).abs().max().item()
gap < 1e-3  # True

# %%
# Load the checkpoint
# -------------------
#
# The checkpoint is a folder with the file that rank 0 has put there. It
# fits a plain model, and the weights agree to 1e-2 with those of the one
# process.
checkpoint = Checkpoint.from_directory(result["checkpoint"])
loaded = build().cpu()
with checkpoint.as_directory() as place:
    loaded.load_state_dict(torch.load(Path(place) / "model.pt"))
pairs = zip(model.parameters(), loaded.parameters(), strict=True)
max((a - b).abs().max().item() for a, b in pairs) < 1e-2  # True
folder.cleanup()

# %%
# The result: the losses of two workers and of one process agree
# --------------------------------------------------------------
#
# The figure shows the loss of each step. The broad line belongs to one
# process, and the thin line to the two workers. The accuracy on the test
# set is that of the checkpoint.
loaded.eval()
with torch.inference_mode():
    hits = loaded(images[1280:]).argmax(dim=1) == labels[1280:]
accuracy = hits.float().mean().item()
figure, ax = plt.subplots(figsize=(8, 3.4))
ax.semilogy(whole, color="C0", linewidth=6, alpha=0.4, label="1 process")
ax.semilogy(result["losses"], color="C1", label="2 workers")
ax.set(xlabel="step", ylabel="cross_entropy")
ax.legend()
figure.tight_layout()
print(f"{accuracy=:.3f} {gap=:.1e}")
assert gap < 1e-3
assert 0.9 < accuracy <= 1.0, accuracy
