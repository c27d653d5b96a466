"""
Slow training: measure loader and model apart, then change one
==============================================================

Measure how long the loop waits for the next batch and how long the step
takes; change the larger of the two. Here a dataset that reads slowly takes
most of an epoch. Reading once, transforms of whole batches and larger
batches make the epoch more than three times as fast, and the model still
gets more than 85 of 100 unseen digits right.

* Does the loop wait for data?

  * Is it not known? See *Two clocks: waiting for data, and the step*.
  * Is reading slow? See *Slow reading: keep it in memory*, and *Slow
    reading: workers read ahead*.
  * Are transforms slow? See *Transforms of one sample at a time*.
  * Is all data in memory already? See *Data in memory: index batches,
    collate nothing*.

* Does the step take the time?

  * Are batches small? See *Batches that are too small*.
  * Is a GPU busy for a part of the time only? See *.item() in each step*.
  * Neither of the two? See :doc:`/gallery/training/profiling` for the
    slowest operations and :doc:`/gallery/techniques/compiling` for faster
    ones.
"""
import time

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, Dataset, TensorDataset

# %%
# A dataset that is slow to read
# ------------------------------
#
# Each digit waits for one millisecond, which stands for a file on a slow
# disk, and is scaled by itself. Everything stays on the CPU, as files do;
# batches go to the device in the loop.
torch.manual_seed(0)
device = torch.get_default_device()
digits = load_digits()
images = torch.tensor(digits.data, dtype=torch.float32, device="cpu")
labels = torch.tensor(digits.target, device="cpu")
order = torch.randperm(1797).cpu()
train_rows, test_rows = order[:640], order[640:]


class SlowDigits(Dataset):
    def __init__(self, rows):
        self.rows = rows.tolist()

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, index):
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
# libraries.
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


# %%
# The slow epoch
# --------------
#
# Much of the time the model waits, on most machines more than half. A
# faster GPU, ``autocast`` or ``torch.compile`` would change only the other
# part.
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
slow_loader = make_loader(SlowDigits(train_rows))
slow = epoch(*make_model(), slow_loader)
print("waiting={:.3f} working={:.3f}".format(*slow))
slow[0] > 0.2 * sum(slow)  # True

# %%
# Slow reading: keep it in memory
# -------------------------------
#
# What fits into memory is read once. A cache in ``__getitem__`` of a
# dataset that workers copy is filled in each of them and lost when they
# end; read before the loader is made, or store the prepared tensors in one
# file.
samples = [SlowDigits(train_rows)[i] for i in range(len(train_rows))]
inputs = torch.stack([image for image, _ in samples])
targets = torch.stack([label for _, label in samples])
cached = TensorDataset(inputs, targets)
torch.equal(cached[7][0], SlowDigits(train_rows)[7][0])  # True
in_memory = epoch(*make_model(), make_loader(cached))
slow[0] > 2 * in_memory[0]  # True

# %%
# Slow reading: workers read ahead
# --------------------------------
#
# Workers are processes that prepare the next batches while the model works
# on this one. Two of them wait for the disk at the same time. They cost a
# start in each epoch, unless ``persistent_workers=True``, and bring
# nothing where reading is fast. Start with the number of CPU cores and
# measure. ``"fork"`` needs no main guard and does not exist on Windows:
# :doc:`/reference/data/worker_processes`.
workers = make_loader(
    SlowDigits(train_rows),
    num_workers=2,
    multiprocessing_context="fork",
    persistent_workers=True,
)
epoch(*make_model(), workers)
with_workers = epoch(*make_model(), workers)
del workers
print("waiting={:.3f} working={:.3f}".format(*with_workers))
with_workers[0] < slow[0]  # True

# %%
# Transforms of one sample at a time
# ----------------------------------
#
# Each call of an operation costs the same few microseconds of Python for
# one sample and for a thousand. Scale whole tables before training: the
# numbers are the same. Augment whole batches with an operation that draws
# for each sample; most transforms of ``torchvision.transforms.v2`` draw
# once for the batch.
def normalize(x):
    return (x / 16 - 0.3) / 0.4


start = time.perf_counter()
one_by_one = torch.stack([normalize(image) for image in images])
middle = time.perf_counter()
at_once = normalize(images)
end = time.perf_counter()
torch.allclose(one_by_one, at_once)  # True
middle - start > 3 * (end - middle)  # True

# %%
# Data in memory: index batches, collate nothing
# ----------------------------------------------
#
# ``DataLoader`` fetches sample by sample and stacks them. For tensors in
# memory one index with all rows of a batch does the work of both; put the
# tensors on the GPU first if they fit. ``Batches`` is all that is needed.
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
many = sum(epoch(*make_model(), large_loader)[0] for _ in range(5))
large = Batches(*on_device, batch_size=256)
few = sum(epoch(*make_model(), large)[0] for _ in range(5))
many > 2 * few  # True

# %%
# Batches that are too small
# --------------------------
#
# The same samples in 80 steps of 8 and in 5 steps of 128: each step pays
# for Python and for the optimizer once. A step of 128 takes longer than
# one of 8, but not 16 times as long. Larger batches mean fewer updates:
# raise the learning rate or the number of epochs, and look at memory
# (:doc:`out_of_memory`).
medium = Batches(*on_device, batch_size=128)
epoch(*make_model(), medium)
by_128 = epoch(*make_model(), medium)
indexed[1] > 2 * by_128[1]  # True

# %%
# ``.item()`` in each step
# ------------------------
#
# ``item()``, ``float(loss)``, ``print(loss)`` and ``.cpu()`` make Python
# wait until a GPU has done all its work, and then the GPU waits for
# Python. Sum tensors and ask once per epoch: the number is the same. On a
# CPU there is nothing to wait for and no time to win.
losses = torch.rand(50, dtype=torch.float64)
asked_each_step, summed = 0.0, torch.zeros((), dtype=torch.float64)
for loss in losses:
    asked_each_step += loss.item()
    summed += loss
abs(asked_each_step - summed.item()) < 1e-9  # True

# %%
# What was reached: an epoch in less than a third of the time
# -----------------------------------------------------------
#
# Fast input and batches of 128 run 16 epochs, with as many samples as
# before in each. The model gets more than 85 of 100 unseen digits right,
# and an epoch takes less than a third of the slow one. Times differ
# between machines: the ratios that are asserted are far below those that
# were measured.
model, optimizer = make_model()
for _ in range(16):
    fast = epoch(model, optimizer, medium)
with torch.inference_mode():
    logits = model(images[test_rows].to(device) / 16)
right = logits.argmax(dim=1) == labels[test_rows].to(device)
accuracy = right.float().mean().item()
print(f"{accuracy=:.3f} {sum(slow)=:.3f} s {sum(fast)=:.4f} s")
assert 0.85 < accuracy <= 1.0, accuracy
assert sum(slow) > 3 * sum(fast), (slow, fast)

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
