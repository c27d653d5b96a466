"""
Slow training: measure loader and model apart, then change one
==============================================================

Measure how long the loop waits for the next batch and how long a step
takes, and improve the slower of the two. On this page a dataset reads 640
images in each epoch, one at a time. After the changes, an epoch reads
nothing and takes 5 steps instead of 80, with less than a tenth of the
operations. The model still reaches more than 85 % accuracy on the test set.

* Does the loop wait for data?

  * Do you not know yet? See *Measure two times: waiting for data, and the
    step*.
  * Is reading slow? See *Slow reading: keep the data in memory*, and *Slow
    reading: workers read ahead*.
  * Does the loop pause every ``num_workers`` batches? See *Every 10th batch
    is slow with num_workers=10: loading is the bottleneck*.
  * Are transforms slow? See *Transforms of one sample at a time*.
  * Is all data in memory already? See *Data in memory: index whole
    batches*.

* Does the step take most of the time?

  * Are batches small? See *Batches that are too small*.
  * Is the GPU (cuda, mps) slower than the CPU? See *A small model is slower
    on the GPU (cuda, mps) than on the CPU*.
  * Does it take longer with each step? See *Each step is slower than the
    last: the graph grows*.
  * Is utilization low although the memory is full? See *Low GPU
    utilization: memory in use is not work done*.
  * Is the GPU busy for only part of the time? See *.item() in each step*.
  * Is it neither of the two? Find the slowest operations with
    :doc:`/gallery/training/profiling`, and make them faster with
    :doc:`/gallery/techniques/compiling`.
"""
import os
import time

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn
from torch.profiler import ProfilerActivity, profile
from torch.utils.data import (
    DataLoader,
    Dataset,
    TensorDataset,
    get_worker_info,
)
from torch.utils.flop_counter import FlopCounterMode

# %%
# A dataset that is slow to read
# ------------------------------
#
# Reading an image takes one millisecond here, like a file on a slow disk,
# and each image is scaled separately. ``reads`` counts the images that were
# read. The data stays on the CPU, and the loop moves each batch to the
# device.
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
# Measure two times: waiting for data, and the step
# -------------------------------------------------
#
# A GPU works while Python continues, so without ``synchronize`` you measure
# when work was submitted, not when it was finished. Synchronize only while
# you measure, and leave out the first epoch, which also loads libraries.
# Times depend on the machine and its load, so this page just prints them.
# ``operations`` counts the operations that PyTorch runs, and this page
# compares these counts.
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
# Compare the two printed times. A faster GPU, ``autocast`` or
# ``torch.compile`` does not shorten the time that the model waits for data.
# One epoch reads each of the 640 images once and takes 80 steps.
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
# Slow reading: keep the data in memory
# -------------------------------------
#
# If the data fits into memory, read it once before you create the loader.
# The epochs then read nothing. A list or dictionary that ``__getitem__``
# fills does not help as much with workers, because each worker fills its
# own copy, which is lost when the worker ends. You can also store the
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
# on the current one. They do all the reading, so the dataset of the main
# process counts no reads. Workers start again in each epoch unless you pass
# ``persistent_workers=True``, so they do not pay off if reading is fast.
# Start with the number of CPU cores and measure; ``"fork"``, which Windows
# does not have, and the other start methods are in
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
# Every 10th batch is slow with num_workers=10: loading is the bottleneck
# -----------------------------------------------------------------------
#
# Each worker loads whole batches, and the workers take turns: worker 0
# loads the first and the third batch here. With 10 workers, 10 batches are
# ready at about the same time and come instantly, and then the loop waits
# for the next 10. A pause at every ``num_workers``-th batch means that
# loading is slower than training. Make ``__getitem__`` cheaper, or use
# faster storage or more workers. ``waits`` computes the pauses if loading a
# batch takes 8 seconds and a step takes 1.
class WhichWorker(Dataset):
    def __len__(self):
        return 8

    def __getitem__(self, index):
        return torch.tensor(get_worker_info().id, device="cpu")


workers = DataLoader(
    WhichWorker(), 2, num_workers=2, multiprocessing_context="fork"
)
[batch.tolist() for batch in workers]  # [[0, 0], [1, 1], [0, 0], [1, 1]]


def waits(loading, step, num_workers):
    clock, pauses = 0, []
    for batch in range(9):
        ready = (batch // num_workers + 1) * loading
        pauses.append(max(0, ready - clock))
        clock = max(clock, ready) + step
    return pauses


waits(loading=8, step=1, num_workers=4)  # [8, 0, 0, 0, 4, 0, 0, 0, 4]
waits(loading=8, step=1, num_workers=8)  # [8, 0, 0, 0, 0, 0, 0, 0, 0]
waits(loading=4, step=1, num_workers=4)  # [4, 0, 0, 0, 0, 0, 0, 0, 0]

# %%
# Transforms of one sample at a time
# ----------------------------------
#
# Each call of an operation costs some time in Python, no matter how many
# samples it gets. Normalize all data at once before training. The result is
# the same, with one call instead of 1,797. To augment whole batches, use an
# operation that draws a random number for each sample; most transforms of
# ``torchvision.transforms.v2`` draw once for the whole batch.
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
# Data in memory: index whole batches
# -----------------------------------
#
# ``DataLoader`` fetches the samples one by one and stacks them. If the
# tensors are in memory, ``Batches`` picks all rows of a batch with one
# index, which takes less than a tenth of the operations. Move the tensors
# to the GPU first if they fit.
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
# An epoch takes 80 steps with a batch size of 8, and 5 steps with a batch
# size of 128. A step runs about the same number of operations for 128
# samples as for 8, so the epoch runs less than a tenth of the operations.
# Larger batches mean fewer updates, so raise the learning rate or the
# number of epochs. Larger batches also need more memory; see
# :doc:`out_of_memory`.
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
# A small model is slower on the GPU (cuda, mps) than on the CPU
# --------------------------------------------------------------
#
# Each operation on a GPU has a fixed cost, because Python starts a kernel,
# the code of this operation on the GPU. The two networks here run the same
# number of operations, but those of the wide network compute 256 times as
# much. If a small model or a small batch is slower with ``mps`` or ``cuda``
# than on the CPU of your MacBook or PC, try larger batches, avoid
# ``item()`` and ``cpu()`` in the loop, or stay on the CPU. Measure after a
# warm-up, and call ``torch.mps.synchronize`` or ``torch.cuda.synchronize``
# before you read the clock.
def cost(width):
    net = nn.Sequential(nn.Linear(width, width), nn.ReLU())
    rows = torch.rand(8, width)
    with FlopCounterMode(display=False) as counter:
        net(rows)
    count = operations(lambda: net(rows))
    start = now()
    for _ in range(20):
        net(rows)
    return count, counter.get_total_flops(), (now() - start) / 20


small, wide = cost(64), cost(1024)
small[0] == wide[0]  # True
wide[1] / small[1]  # 256.0
print(f"{small[2]:.1e} s and {wide[2]:.1e} s for a call on {device.type}")

# %%
# ``.item()`` in each step
# ------------------------
#
# ``item()``, ``float(loss)``, ``print(loss)`` and ``.cpu()`` make Python
# wait until the GPU has finished its work, and then the GPU waits for
# Python. Add up detached losses and call ``item()`` once per epoch, which
# gives the same number. On a CPU there is nothing to wait for, so this
# saves no time.
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
# A state that is passed from step to step keeps the graph of all earlier
# steps, and ``backward`` has to go through it. ``nodes`` counts the
# operations in the graph of a tensor. Call ``detach`` on the state between
# steps; a sum of losses and a list of outputs grow in the same way, see
# :doc:`out_of_memory`. If the graph does not grow, look for a list or a
# plot that grows, or for hooks that are added in each step.
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
# The utilization in ``nvidia-smi`` is the share of time in which a kernel
# ran, whatever the memory in use. A low or jumping number usually means
# that the GPU waits for data or for Python. If one CPU core is at 100 %,
# one process may be preparing all batches, so add workers up to the number
# of cores and measure. In the Windows Task Manager choose the graph "Cuda",
# because "3D" does not show this work.
cores = os.cpu_count() or 1
print(f"{cores} cores: begin with num_workers={min(4, cores)}")

# %%
# The result: an epoch with less than a tenth of the operations
# -------------------------------------------------------------
#
# With data in memory and batches of 128, the model trains for 16 epochs and
# reaches more than 85 % accuracy on the test set. The slow epoch runs more
# than ten times as many operations as the fast one and also reads 640
# images. The bars show the times that were measured when this page was
# built.
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
