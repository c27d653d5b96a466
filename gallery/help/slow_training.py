"""
Slow training: measure loader and model apart, then change one
==============================================================

Measure how long the loop waits for the next batch and how long the step
takes; change the larger of the two. Here a dataset reads 640 digits in each
epoch, one at a time. Reading once, transforms of whole batches and larger
batches leave no read, 5 steps instead of 80, and less than a tenth of the
operations. The model still reaches more than 85 % accuracy on unseen
digits.

* Does the loop wait for data?

  * Is it not known? See *Two clocks: waiting for data, and the step*.
  * Is reading slow? See *Slow reading: keep it in memory*, and *Slow
    reading: workers read ahead*.
  * Are transforms slow? See *Transforms of one sample at a time*.
  * Is all data in memory already? See *Data in memory: index batches,
    collate nothing*.

* Does the step take the time?

  * Are batches small? See *Batches that are too small*.
  * Does it take longer with each step? See *Each step is slower than the
    last: the graph grows*.
  * Is utilization low although the memory is full? See *Low GPU
    utilization: memory in use is not work done*.
  * Is a GPU busy for a part of the time only? See *.item() in each step*.
  * Neither of the two? See :doc:`/gallery/training/profiling` for the
    slowest operations and :doc:`/gallery/techniques/compiling` for faster
    ones.
"""
import os
import time

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn
from torch.profiler import ProfilerActivity, profile
from torch.utils.data import DataLoader, Dataset, TensorDataset

# %%
# A dataset that is slow to read
# ------------------------------
#
# Each digit waits for one millisecond, which stands for a file on a slow
# disk, and is scaled by itself. ``reads`` counts them. Everything stays on
# the CPU, as files do; batches go to the device in the loop.
torch.manual_seed(0)
device = torch.get_default_device()
digits = load_digits()
images = torch.tensor(digits.data, dtype=torch.float32, device="cpu")
labels = torch.tensor(digits.target, device="cpu")
order = torch.randperm(1797).cpu()
train_rows, test_rows = order[:640], order[640:]


class SlowDigits(Dataset):
    def __init__(self, rows):
        self.rows, self.reads = rows.tolist(), 0

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, index):
        self.reads += 1
        time.sleep(0.001)
        row = self.rows[index]
        return images[row] / 16, labels[row]


# %%
# Two clocks: waiting for data, and the step
# ------------------------------------------
#
# A GPU works on while Python goes on: without ``synchronize`` the clock
# reads when work was handed over, not when it was done. Wait only while
# you measure. The first epoch is not measured anywhere: it also loads
# libraries. Times change with the machine and its load, so they are
# printed. ``operations`` counts what PyTorch runs, which does not change.
def now():
    if device.type != "cpu":
        torch.accelerator.synchronize()
    return time.perf_counter()


def epoch(model, optimizer, loader):
    waiting, working, start = 0.0, 0.0, now()
    for inputs, targets in loader:
        loaded = now()
        inputs, targets = inputs.to(device), targets.to(device)
        optimizer.zero_grad()
        F.cross_entropy(model(inputs), targets).backward()
        optimizer.step()
        done = now()
        waiting, working = waiting + loaded - start, working + done - loaded
        start = done
    return waiting, working


def operations(function):
    activities = [ProfilerActivity.CPU]
    with profile(activities=activities, acc_events=True) as prof:
        function()
    averages = prof.key_averages()
    return sum(e.count for e in averages if e.key.startswith("aten::"))


# %%
# The slow epoch
# --------------
#
# Compare the two times that are printed: while the model waits, a faster
# GPU, ``autocast`` or ``torch.compile`` cannot help. One epoch reads each
# of the 640 digits once and takes 80 steps.
def make_model():
    model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
    return model, torch.optim.Adam(model.parameters(), lr=0.01)


def make_loader(dataset, batch_size=8, **options):
    generator = torch.Generator(device=device).manual_seed(0)
    return DataLoader(
        dataset, batch_size, shuffle=True, generator=generator, **options
    )


quick = TensorDataset(images[train_rows] / 16, labels[train_rows])
epoch(*make_model(), make_loader(quick))
disk = SlowDigits(train_rows)
slow_loader = make_loader(disk)
slow = epoch(*make_model(), slow_loader)
print("waiting={:.3f} working={:.3f}".format(*slow))
disk.reads, len(slow_loader)  # (640, 80)

# %%
# Slow reading: keep it in memory
# -------------------------------
#
# What fits into memory is read once, and no epoch reads again. A cache in
# ``__getitem__`` of a dataset that workers copy is filled in each of them
# and lost when they end; read before the loader is made, or store the
# prepared tensors in one file.
disk = SlowDigits(train_rows)
samples = [disk[i] for i in range(len(disk))]
inputs = torch.stack([image for image, _ in samples])
targets = torch.stack([label for _, label in samples])
cached = TensorDataset(inputs, targets)
disk.reads  # 640
in_memory = epoch(*make_model(), make_loader(cached))
print("waiting={:.3f} working={:.3f}".format(*in_memory))
disk.reads  # 640
torch.equal(cached[7][0], disk[7][0])  # True

# %%
# Slow reading: workers read ahead
# --------------------------------
#
# Workers are processes that prepare the next batches while the model works
# on this one. Two of them can wait for the disk at the same time. Here they
# read everything: the dataset of the main process counts no read. Workers
# cost a start in each epoch, unless ``persistent_workers=True``, and bring
# nothing where reading is fast. Start with the number of CPU cores and
# measure. ``"fork"`` needs no main guard and does not exist on Windows:
# :doc:`/reference/data/worker_processes`.
disk = SlowDigits(train_rows)
workers = make_loader(
    disk,
    num_workers=2,
    multiprocessing_context="fork",
    persistent_workers=True,
)
epoch(*make_model(), workers)
with_workers = epoch(*make_model(), workers)
del workers
print("waiting={:.3f} working={:.3f}".format(*with_workers))
disk.reads  # 0

# %%
# Transforms of one sample at a time
# ----------------------------------
#
# Each call of an operation costs a few microseconds of Python, for one
# sample as for a thousand. Scale whole tables before training: the numbers
# are the same, and there is one call where there were 1,797. Augment whole
# batches with an operation that draws for each sample; most transforms of
# ``torchvision.transforms.v2`` draw once for the batch.
def normalize(x):
    return (x / 16 - 0.3) / 0.4


def normalize_each():
    return torch.stack([normalize(image) for image in images])


torch.allclose(normalize_each(), normalize(images))  # True
one_by_one = operations(normalize_each)
at_once = operations(lambda: normalize(images))
print(f"{one_by_one} operations one by one, {at_once} at once")
one_by_one > 1000 * at_once  # True

# %%
# Data in memory: index batches, collate nothing
# ----------------------------------------------
#
# ``DataLoader`` fetches sample by sample and stacks them. For tensors in
# memory one index with all rows of a batch does the work of both; put the
# tensors on the GPU first if they fit. ``Batches`` is all that is needed,
# and makes its batches with less than a tenth of the operations.
class Batches:
    def __init__(self, *tensors, batch_size):
        self.tensors, self.batch_size = tensors, batch_size

    def __iter__(self):
        rows = torch.randperm(len(self.tensors[0])).to(device)
        for part in rows.split(self.batch_size):
            yield tuple(tensor[part] for tensor in self.tensors)


on_device = inputs.to(device), targets.to(device)
indexed = epoch(*make_model(), Batches(*on_device, batch_size=8))
large_loader = make_loader(cached, batch_size=256)
large = Batches(*on_device, batch_size=256)
many = operations(lambda: list(large_loader))
few = operations(lambda: list(large))
print(f"{many} operations with DataLoader, {few} without")
many > 10 * few  # True

# %%
# Batches that are too small
# --------------------------
#
# The same samples in 80 steps of 8 and in 5 steps of 128: each step pays
# for Python and for the optimizer once. A step runs about as many
# operations for 128 samples as for 8, so the epoch runs less than a tenth
# of them. Larger batches mean fewer updates: raise the learning rate or the
# number of epochs, and look at memory (:doc:`out_of_memory`).
medium = Batches(*on_device, batch_size=128)
epoch(*make_model(), medium)
by_128 = epoch(*make_model(), medium)
sum(1 for _ in medium)  # 5
of_8 = operations(
    lambda: epoch(*make_model(), Batches(*on_device, batch_size=8))
)
of_128 = operations(lambda: epoch(*make_model(), medium))
print(f"operations: {of_8} in small steps, {of_128} in large ones")
of_8 > 10 * of_128  # True

# %%
# ``.item()`` in each step
# ------------------------
#
# ``item()``, ``float(loss)``, ``print(loss)`` and ``.cpu()`` make Python
# wait until a GPU has done all its work, and then the GPU waits for Python.
# Sum detached losses, ask once per epoch: the same number. On a CPU there
# is nothing to wait for and no time to win.
losses = torch.rand(50, dtype=torch.float64)
asked_each_step, summed = 0.0, torch.zeros((), dtype=torch.float64)
for loss in losses:
    asked_each_step += loss.item()
    summed += loss
abs(asked_each_step - summed.item()) < 1e-9  # True

# %%
# Each step is slower than the last: the graph grows
# --------------------------------------------------
#
# A state that goes from step to step keeps the graph of all steps, and
# ``backward`` walks through all of it. Here ``nodes`` counts the operations
# behind a tensor. ``detach`` the state between steps. A sum of losses and a
# list of outputs grow in the same way: :doc:`out_of_memory`. If the graph
# does not grow, look for a list, a plot or hooks that do.
def nodes(tensor):
    seen, todo = set(), [tensor.grad_fn]
    while todo:
        node = todo.pop()
        if node is not None and node not in seen:
            seen.add(node)
            todo += [following for following, _ in node.next_functions]
    return len(seen)


def count_nodes(keep_graph):
    cell, state, counts = nn.RNNCell(4, 8), torch.zeros(2, 8), []
    for _ in range(4):
        state = cell(torch.rand(2, 4), state)
        counts.append(nodes(state))
        if not keep_graph:
            state = state.detach()
    return counts


growing, constant = count_nodes(True), count_nodes(False)
print(growing, constant)
growing[3] > growing[2] > growing[1] > growing[0]  # True
len(set(constant))  # 1

# %%
# Low GPU utilization: memory in use is not work done
# ---------------------------------------------------
#
# ``nvidia-smi`` shows how much of the time some kernel ran. The memory that
# is taken says nothing about it. A low or jumping number means that the GPU
# waits for data or for Python. One CPU core at 100 % means that one process
# prepares all batches: add workers, up to the number of cores, and measure,
# since more workers than cores are slower. In the Windows Task Manager
# choose the graph "Cuda"; "3D" does not show this work.
cores = os.cpu_count() or 1
print(f"{cores} cores: begin with num_workers={min(4, cores)}")

# %%
# What was reached: an epoch with a tenth of the operations
# ---------------------------------------------------------
#
# Fast input and batches of 128 run 16 epochs, with as many samples as
# before in each. The model reaches more than 85 % accuracy on unseen
# digits. The slow epoch runs more than ten times as many operations as the
# fast one, and reads 640 times besides. The bars show the times that were
# measured when this page was built.
model, optimizer = make_model()
for _ in range(16):
    fast = epoch(model, optimizer, medium)
with torch.inference_mode():
    logits = model(images[test_rows].to(device) / 16)
right = logits.argmax(dim=1) == labels[test_rows].to(device)
accuracy = right.float().mean().item()
print(f"{accuracy=:.3f} {sum(slow)=:.3f} s {sum(fast)=:.4f} s")
assert 0.85 < accuracy <= 1.0, accuracy
slow_count = operations(lambda: epoch(*make_model(), slow_loader))
print(f"{slow_count} operations before, {of_128} after")
assert slow_count > 10 * of_128

bars = {
    "read each time": slow,
    "num_workers=2": with_workers,
    "in memory": in_memory,
    "indexed batches": indexed,
    "batch_size=128": by_128,
}
figure, ax = plt.subplots(figsize=(9, 3.8))
waiting, working = zip(*bars.values(), strict=True)
ax.barh(list(bars), waiting, label="DataLoader")
ax.barh(list(bars), working, left=waiting, label="model")
ax.set_xlabel("s / epoch")
ax.invert_yaxis()
ax.legend(loc="lower right")
figure.tight_layout()
