"""
Train a sharded model with FSDP: half the bytes on each process
===============================================================

FSDP (fully sharded data parallel) trains a model that is split between
processes. ``fully_shard`` splits each parameter, and with it the gradients
and the state of the optimizer. On this page, two processes train a network
on handwritten digits, first with two copies of the model and then with
shards. The losses agree to 0.01, and each process holds half as many bytes.
At the end, one process loads the weights that two processes trained.
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
import torch.distributed.checkpoint as dcp
from sklearn.datasets import load_digits
from torch import nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.nn import functional as F
from torch.nn.parallel import DistributedDataParallel

# %%
# Data and model
# --------------
#
# The training set has 1,280 images of handwritten digits and the test set
# 517. The network has four hidden layers of 256 units.
folder = tempfile.TemporaryDirectory()
home = Path(folder.name)
digits = load_digits()
order = torch.randperm(
    1797, device="cpu", generator=torch.Generator("cpu").manual_seed(0)
)
images = torch.tensor(digits.data, dtype=torch.float32, device="cpu") / 16
images = images[order]
labels = torch.tensor(digits.target, device="cpu")[order]
torch.save((images[:1280], labels[:1280]), home / "digits.pt")


def build():
    torch.manual_seed(0)
    layers = [nn.Linear(64, 256), nn.ReLU()]
    for _ in range(3):
        layers += [nn.Linear(256, 256), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(256, 10))


sum(p.numel() for p in build().parameters())  # 216586


# %%
# Copies or shards: ``DistributedDataParallel`` or ``fully_shard``
# ----------------------------------------------------------------
#
# ``DistributedDataParallel`` keeps the whole model on each rank, that is,
# in each process. For FSDP, call ``fully_shard`` for each layer first, and
# then for the model that contains the layers.
def distribute(model, way):
    if way == "copies":
        return DistributedDataParallel(model)
    mesh = init_device_mesh("cpu", (dist.get_world_size(),))
    for layer in model:
        if isinstance(layer, nn.Linear):
            fully_shard(layer, mesh=mesh)
    return fully_shard(model, mesh=mesh)


# %%
# Count the bytes that a rank holds
# ---------------------------------
#
# ``to_local`` returns the part of a distributed tensor that this rank
# holds. The step counter of the optimizer is not counted.
def local_bytes(tensors):
    local = [getattr(t, "to_local", lambda t=t: t)() for t in tensors]
    return sum(t.numel() * t.element_size() for t in local)


def count(net, optimizer):
    parameters = list(net.parameters())
    moments = [
        tensor
        for state in optimizer.state.values()
        for name, tensor in state.items()
        if name != "step"
    ]
    return {
        "parameters": local_bytes(parameters),
        "gradients": local_bytes(p.grad for p in parameters),
        "optimizer": local_bytes(moments),
    }


# %%
# One loop for both
# -----------------
#
# Each step takes the next 128 images, and each rank takes every second one
# of them. ``clip_grad_norm_`` computes one norm for the whole model,
# whether it is sharded or not. Both ranks save the sharded model together,
# into one folder.
def train(home, way):
    dist.init_process_group("gloo")
    rank, size = dist.get_rank(), dist.get_world_size()
    model = build()
    net = distribute(model, way)
    optimizer = torch.optim.AdamW(net.parameters(), lr=2e-3)
    images, labels = torch.load(home / "digits.pt")
    losses = []
    for _ in range(4):
        for start in range(0, 1280, 128):
            mine = slice(start + rank, start + 128, size)
            optimizer.zero_grad()
            loss = F.cross_entropy(net(images[mine]), labels[mine])
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimizer.step()
            mean = loss.detach() / size
            dist.all_reduce(mean)
            losses.append(mean.item())
    log = {"losses": losses, "bytes": count(net, optimizer)}
    (home / f"{way}-{rank}.json").write_text(json.dumps(log))
    if way == "shards":
        state = {"model": model.state_dict()}
        dcp.save(state, checkpoint_id=home / "saved")
        del state
    del net, model, optimizer
    dist.barrier()
    dist.destroy_process_group()


# %%
# Run the script twice with ``torchrun``
# --------------------------------------
#
# The script consists of the functions above, word for word. Each run starts
# two processes and writes one file for each rank.
imports = """
import json, sys
from pathlib import Path
import torch
import torch.distributed as dist
import torch.distributed.checkpoint as dcp
from torch import nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.nn import functional as F
from torch.nn.parallel import DistributedDataParallel
"""
parts = (build, distribute, local_bytes, count, train)
main = "train(Path(sys.argv[1]), sys.argv[2])"
sources = [inspect.getsource(part) for part in parts]
(home / "train.py").write_text("\n\n".join([imports, *sources, main]))


def run(way):
    torchrun = ["-m", "torch.distributed.run", "--standalone"]
    script = ["--nproc-per-node=2", home / "train.py", home, way]
    command = list(map(str, [sys.executable, *torchrun, *script]))
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    logs = [home / f"{way}-{rank}.json" for rank in (0, 1)]
    return [json.loads(log.read_text()) for log in logs]


copies, shards = run("copies"), run("shards")

# %%
# The losses of copies and shards agree
# -------------------------------------
#
# Both ranks log the same mean loss of each step. The losses of the copies
# and of the shards agree to 0.01.
len(shards[0]["losses"])  # 40
shards[0]["losses"] == shards[1]["losses"]  # True
losses = torch.tensor([copies[0]["losses"], shards[0]["losses"]])
gap = (losses[0] - losses[1]).abs().max().item()
gap < 1e-2  # True

# %%
# A rank with shards holds half the bytes
# ---------------------------------------
#
# A copy holds 216,586 numbers of 4 bytes: once as parameters, once as
# gradients, and twice as the running averages (moments) of AdamW. The first
# dimension of each parameter is even, so each rank holds exactly half. The
# activations are not counted, and neither are the parameters that a rank
# collects while a layer runs.
copies[0]["bytes"]["parameters"]  # 866344
copies[0]["bytes"]["optimizer"]  # 1732688
shards[0]["bytes"]["parameters"]  # 433172
shards[0]["bytes"]["gradients"]  # 433172
shards[0]["bytes"]["optimizer"]  # 866344
shards[1]["bytes"] == shards[0]["bytes"]  # True

# %%
# One process loads what two processes saved
# ------------------------------------------
#
# ``torch.distributed.checkpoint.load`` fills the tensors of the state dict
# of a plain model. The accuracy on the test set shows that the weights are
# the trained ones.
model = build().cpu()
state = model.state_dict()
dcp.load(
    {"model": state}, checkpoint_id=home / "saved"
)  # UserWarning: assuming the intent is to load in a single process
model.load_state_dict(state)
model.eval()
with torch.inference_mode():
    hits = model(images[1280:]).argmax(dim=1) == labels[1280:]
accuracy = hits.float().mean().item()
folder.cleanup()

# %%
# The result: the same losses with half the bytes per rank
# --------------------------------------------------------
#
# Left: the loss of each step. The broad line shows the copies and the thin
# line the shards. Right: the megabytes that each rank holds.
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6))
left.semilogy(losses[0], color="C0", linewidth=6, alpha=0.4, label="copies")
left.semilogy(losses[1], color="C1", label="shards")
left.set(xlabel="step", ylabel="cross_entropy")
left.legend()
bottom = [0.0, 0.0]
for name in ("parameters", "gradients", "optimizer"):
    held = [way[0]["bytes"][name] / 1e6 for way in (copies, shards)]
    right.bar(["copies", "shards"], held, bottom=bottom, label=name)
    bottom = [low + more for low, more in zip(bottom, held, strict=True)]
right.set(ylabel="MB")
right.legend()
figure.tight_layout()
print(f"{accuracy=:.3f} {gap=:.1e}")
assert gap < 1e-2
assert bottom[1] == bottom[0] / 2
assert 0.88 < accuracy <= 1.0, accuracy
