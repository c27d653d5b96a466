"""
Save a checkpoint and resume after a crash: the same losses
===========================================================

To resume training as if nothing had happened, a checkpoint must hold the
model, the optimizer, the scheduler, the random states and the generator of
the loader. On this page, a training process is killed in the middle of an
epoch. After the restart, each loss is equal to the loss of the
uninterrupted run, bit for bit.
"""
import inspect
import os
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional as F
from torch.optim.lr_scheduler import CosineAnnealingLR
from torch.utils.data import DataLoader, TensorDataset

# %%
# Data: a file that both processes read
# -------------------------------------
#
# 1,257 images form the training set, and the rest are the test set. The
# training process is a new Python process, which reads the training set
# from a file.
device = torch.get_default_device()
folder = tempfile.TemporaryDirectory()
home = Path(folder.name)
digits = load_digits()
images = torch.tensor(digits.data, dtype=torch.float32, device=device) / 16
labels = torch.tensor(digits.target, device=device)
train_part = {"images": images[:1257], "labels": labels[:1257]}
torch.save(train_part, home / "digits.pt")
sorted(path.name for path in home.iterdir())  # ['digits.pt']

# %%
# Everything that has a state
# ---------------------------
#
# Each of the ``parts`` has ``state_dict`` and ``load_state_dict``. The
# generator of the loader decides the order of the samples, and dropout
# draws from the generator of the device. ``build`` creates the same objects
# in each process. The checkpoint must hold whatever changes after that.
EPOCHS, SEED = 8, 0


def build(home, device):
    torch.manual_seed(SEED)
    data = torch.load(home / "digits.pt", map_location=device)
    model = nn.Sequential(
        nn.Linear(64, 256), nn.ReLU(), nn.Dropout(0.3), nn.Linear(256, 10)
    ).to(device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    scheduler = CosineAnnealingLR(optimizer, T_max=EPOCHS)
    generator = torch.Generator(device=device).manual_seed(SEED)
    dataset = TensorDataset(data["images"], data["labels"])
    loader = DataLoader(
        dataset, batch_size=128, shuffle=True, generator=generator
    )
    parts = {"model": model, "optimizer": optimizer, "scheduler": scheduler}
    return parts, loader


# %%
# Save: write a temporary file, then ``os.replace``
# -------------------------------------------------
#
# A process can die while it writes a file. ``os.replace`` swaps the files
# in one step, so ``checkpoint.pt`` is either the old file or the complete
# new one. A GPU has a random state of its own, which is saved as well.
def random_states(device):
    states = {"cpu": torch.get_rng_state()}
    if device.type != "cpu":
        module = torch.get_device_module(device)
        states["device"] = module.get_rng_state()
    return states


def save(path, parts, loader, device, epoch, losses):
    checkpoint = {name: part.state_dict() for name, part in parts.items()}
    checkpoint["loader"] = loader.generator.get_state()
    checkpoint["random"] = random_states(device)
    checkpoint["epoch"] = epoch
    checkpoint["losses"] = losses
    torch.save(checkpoint, path.with_suffix(".part"))
    os.replace(path.with_suffix(".part"), path)


# %%
# Restore: onto the CPU, then into each part
# ------------------------------------------
#
# Random states must be on the CPU, hence ``map_location="cpu"``.
# ``load_state_dict`` then copies the weights and the optimizer state to the
# right device. The file holds tensors, numbers, lists and dictionaries,
# which ``weights_only=True`` can read. The argument ``without`` leaves one
# part out for the experiment below.
def restore(path, parts, loader, device, without=None):
    saved = torch.load(path, map_location="cpu", weights_only=True)
    for name, part in parts.items():
        if name != without:
            part.load_state_dict(saved[name])
    if without != "loader":
        loader.generator.set_state(saved["loader"])
    if without != "random":
        torch.set_rng_state(saved["random"]["cpu"])
        if "device" in saved["random"]:
            module = torch.get_device_module(device)
            module.set_rng_state(saved["random"]["device"])
    return saved["epoch"], saved["losses"]


# %%
# Train: resume if there is a checkpoint, save after every epoch
# --------------------------------------------------------------
#
# ``log`` is called after each step. An epoch that was interrupted is run
# again from its start, because a ``torch.utils.data.DataLoader`` cannot
# start in the middle of an epoch. For long epochs, the package
# ``torchdata`` has a loader that can.
def train(home, device, name="checkpoint.pt", without=None, log=None):
    parts, loader = build(home, device)
    model, optimizer, scheduler = parts.values()
    epoch, losses = 0, []
    if (home / name).exists():
        epoch, losses = restore(home / name, parts, loader, device, without)
    while epoch < EPOCHS:
        for inputs, targets in loader:
            optimizer.zero_grad()
            loss = F.cross_entropy(model(inputs), targets)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
            if log:
                log(losses)
        scheduler.step()
        epoch += 1
        if not without:
            save(home / name, parts, loader, device, epoch, losses)
    return model, losses


# %%
# The uninterrupted run
# ---------------------
#
# The run has eight epochs of ten steps. Its checkpoint holds the three
# parts, the generator of the loader, the random states, the epoch and the
# losses.
model, whole = train(home, device, name="whole.pt")
len(whole)  # 80
saved = torch.load(home / "whole.pt", map_location="cpu")
list(saved)[:3]  # ['model', 'optimizer', 'scheduler']
list(saved)[3:]  # ['loader', 'random', 'epoch', 'losses']
saved["random"]["cpu"].dtype  # torch.uint8

# %%
# Write a script from the same functions
# --------------------------------------
#
# ``inspect.getsource`` returns the source code of the functions above. The
# rest of the script calls ``train``, prints each loss and sends SIGKILL to
# itself in the fifth step of the sixth epoch.
imports = f"""
import os, signal, sys
from pathlib import Path
import torch
from torch import nn
from torch.nn import functional as F
from torch.optim.lr_scheduler import CosineAnnealingLR
from torch.utils.data import DataLoader, TensorDataset
EPOCHS, SEED = {EPOCHS}, {SEED}
"""
main = """
def log(losses):
    print(losses[-1], flush=True)
    if len(losses) == 55:
        os.kill(os.getpid(), signal.SIGKILL)
device = torch.device(sys.argv[2])
torch.set_default_device(device)
torch.set_num_threads(int(sys.argv[3]))
train(Path(sys.argv[1]), device, log=log)
print("done")
"""

# %%
# A process of its own, killed in the middle of an epoch
# ------------------------------------------------------
#
# After SIGKILL, neither ``except`` nor ``finally`` runs. Processes also end
# like this when the machine runs out of memory or the cluster takes it
# back. The process uses as many threads as the process of this page,
# because another number of threads may sum in another order and round
# differently.
functions = [build, random_states, save, restore, train]
sources = [inspect.getsource(function) for function in functions]
(home / "train.py").write_text("\n\n".join([imports, *sources, main]))
arguments = [home / "train.py", home, device, torch.get_num_threads()]
killed = subprocess.run(
    [sys.executable, *map(str, arguments)], capture_output=True, text=True
)

# %%
# What it left behind
# -------------------
#
# The exit code -9 stands for SIGKILL. The process printed 55 losses, but
# not the word at the end. The checkpoint was saved after five whole epochs
# and holds 50 losses. The other five steps are lost and will be run again.
killed.returncode  # -9
printed = [float(line) for line in killed.stdout.split()]
len(printed)  # 55
saved = torch.load(home / "checkpoint.pt", map_location="cpu")
saved["epoch"], len(saved["losses"])  # (5, 50)
saved["scheduler"]["last_epoch"]  # 5
(home / "checkpoint.part").exists()  # False

# %%
# Resume: every loss is the same
# ------------------------------
#
# The same call finds the checkpoint and continues from it. ``==`` compares
# the losses exactly, without a tolerance.
untouched = (home / "checkpoint.pt").read_bytes()
resumed_model, resumed = train(home, device)
printed == whole[:55]  # True
resumed == whole  # True
pairs = zip(model.parameters(), resumed_model.parameters(), strict=True)
all(torch.equal(one, other) for one, other in pairs)  # True

# %%
# Leave one part out, and the losses differ
# -----------------------------------------
#
# Each run starts from the same file but does not restore one part. Without
# the optimizer state, the running averages of AdamW start from zero.
# Without the scheduler state, the learning rate follows another part of its
# curve. Without the random state, dropout draws other masks, and without
# the generator of the loader, the samples come in another order.
(home / "checkpoint.pt").write_bytes(untouched)
others = {}
for without in ("optimizer", "scheduler", "random", "loader"):
    _, others[without] = train(home, device, without=without)
{losses[:50] == whole[:50] for losses in others.values()}  # {True}
{losses == whole for losses in others.values()}  # {False}

# %%
# Half a file cannot be loaded
# ----------------------------
#
# A process leaves such a file if it writes directly to the checkpoint and
# dies before the end. ``torch.load`` raises an error.
half = home / "half.pt"
half.write_bytes(untouched[: len(untouched) // 2])
with suppress(RuntimeError):
    torch.load(half)  # RuntimeError: failed finding central directory
folder.cleanup()

# %%
# The result: the complete checkpoint gives the same losses
# ---------------------------------------------------------
#
# The resumed run has exactly the losses of the uninterrupted run, and its
# accuracy on the test set is above 88 %. The runs with one part missing
# have other losses. They raise no error, so a missing part is easy to
# overlook.
resumed_model.eval()
with torch.inference_mode():
    logits = resumed_model(images[1257:])
accuracy = (logits.argmax(dim=1) == labels[1257:]).float().mean().item()
gaps = {
    name: (torch.tensor(losses) - torch.tensor(whole)).abs()
    for name, losses in others.items()
}
largest = {name: gap.max().item() for name, gap in gaps.items()}
print(f"{accuracy=:.3f}")
for name, gap in largest.items():
    print(f"no {name:10}{gap:.4f}")
assert resumed == whole and killed.returncode == -9
assert min(largest.values()) > 1e-3
assert 0.88 < accuracy <= 1.0, accuracy

# %%
# The curves of both processes
# ----------------------------
#
# Left: the uninterrupted run, the process that was killed (cross), and the
# resumed run, which has the same losses as the uninterrupted run from step
# 50 on. Right: the largest difference from the uninterrupted run so far,
# for each missing part. A line begins where the difference is no longer 0.
# Without the scheduler, this is after the sixth epoch, because the
# optimizer state still holds the learning rate of that epoch.
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.8))
left.semilogy(whole, color="C0", label="whole")
left.plot(printed, color="C1", linewidth=5, alpha=0.4, label="killed")
left.plot(54, printed[-1], "X", color="C5", markersize=12, zorder=3)
left.plot(range(50, 80), resumed[50:], "--", color="C2", label="resumed")
for (name, gap), marker in zip(gaps.items(), "ov^s", strict=True):
    worst = gap.cummax(dim=0).values.cpu()
    line = {"marker": marker, "label": f"no {name}"}
    right.semilogy(range(50, 80), worst[50:], **line)
left.set(xlabel="step", ylabel="cross_entropy")
right.set(xlabel="step", ylabel="max |Δ cross_entropy|")
left.legend()
right.legend(loc="lower right")
figure.tight_layout()
