"""
Two runs differ with the same seed: find the first difference
=============================================================

Keep the loss of each step, and look at the first step at which two runs
differ. Different at the first step: weights or data. Different after the
first epoch: something else drew random numbers in between, often the
validation loop. Different in the last digits: another order of sums. Each
case is made here and repaired, and at the end two runs are equal to the
last bit.

* Is the first loss different?

  * Are the weights different? See *First question: are the weights equal?*
  * Is the first batch different? See *Second question: is the first batch
    equal?*
  * Do the classes have other numbers? See *The order of a set differs from
    process to process*.

* Is the first epoch equal and the second not? See *Validation changes the
  training: each loader draws a number*.

* Does it depend on ``num_workers``? See *Other workers, other draws*.

* Are the losses equal to six digits? See *The last digits differ: another
  order of sums*.

* Is there an error about ``CUBLAS_WORKSPACE_CONFIG``, or one that says
  "does not have a deterministic implementation"? See *Errors of
  deterministic mode: CUBLAS_WORKSPACE_CONFIG*.
"""
import os
import random
import subprocess
import sys
from contextlib import suppress
from functools import partial

import matplotlib.pyplot as plt
import numpy as np
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, Dataset, TensorDataset

# %%
# Digits, and a run that returns all losses
# -----------------------------------------
#
# ``seed`` fixes Python, NumPy and PyTorch. ``validate`` is called after
# each epoch. Dropout draws from the global generator of the device, and so
# does a loader without a generator of its own.
device = torch.get_default_device()
digits = load_digits()
x = torch.tensor(digits.data, dtype=torch.float32, device=device) / 16
y = torch.tensor(digits.target, device=device)
train_set = TensorDataset(x[:1200], y[:1200])
val_set = TensorDataset(x[1200:], y[1200:])


def seed_everything(seed):
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def make_loader(seed=None, dataset=train_set):
    generator = torch.Generator(device)
    if seed is not None:
        generator.manual_seed(seed)
    return DataLoader(
        dataset, batch_size=100, shuffle=True, generator=generator
    )


def run(seed, loader, validate=None, epochs=3):
    seed_everything(seed)
    model = nn.Sequential(
        nn.Linear(64, 64), nn.ReLU(), nn.Dropout(0.2), nn.Linear(64, 10)
    )
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    losses = []
    for _ in range(epochs):
        model.train()
        for inputs, targets in loader:
            optimizer.zero_grad()
            loss = F.cross_entropy(model(inputs), targets)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        if validate is not None:
            validate(model.eval())
    return losses


# %%
# Find the first step that differs
# --------------------------------
#
# Losses are compared with ``==``, bit by bit. Two runs of 36 steps, each
# with a new loader of the same seed, do not differ at all.
def first_difference(losses, others):
    pairs = enumerate(zip(losses, others, strict=True))
    return next((step for step, (a, b) in pairs if a != b), None)


reference = run(0, make_loader(0))
len(reference)  # 36
first_difference(reference, run(0, make_loader(0))) is None  # True

# %%
# First question: are the weights equal?
# --------------------------------------
#
# Compare the weights before the first step. They differ if the seed comes
# after the model, or if one more layer or one more draw stands before them.
# Seed at the start, and again right before the model.
def weights(seed, before=None):
    seed_everything(seed)
    if before is not None:
        before()
    return nn.Linear(64, 10).weight


torch.equal(weights(0), weights(0))  # True
extra_layer = partial(nn.Linear, 2, 2)
torch.equal(weights(0), weights(0, before=extra_layer))  # False

# %%
# Second question: is the first batch equal?
# ------------------------------------------
#
# The loader shuffles by the global generator, unless it has one of its own.
# A loader without a seed therefore depends on all draws before it. Give
# it a seeded generator. The generator moves on: a loader that was used once
# has another order in the next run.
first_difference(reference, run(0, make_loader()))  # 0
used = make_loader(0)
run(0, used)[0] == reference[0]  # True
first_difference(reference, run(0, used))  # 0

# %%
# The order of a set differs from process to process
# --------------------------------------------------
#
# Python hashes strings with a number that is new in each process, so the
# order of a set of strings changes, and with it the number of each class.
# Sort: ``sorted(set(names))``. Sort lists of files, too, since
# ``os.listdir`` and ``glob`` have no fixed order.
program = "print(list({'cat', 'dog', 'bird', 'fish', 'cow', 'owl'}))"


def order_in_process(hash_seed, program=program):
    return subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONHASHSEED": str(hash_seed)},
        capture_output=True,
        text=True,
    ).stdout


len({order_in_process(number) for number in range(8)}) > 1  # True
in_order = program.replace("list(", "sorted(")
len({order_in_process(number, in_order) for number in range(8)})  # 1


# %%
# Validation changes the training: each loader draws a number
# -----------------------------------------------------------
#
# A pass over a loader takes one number from the global generator, as a seed
# for its workers, even without ``shuffle`` and without workers. A
# validation loop therefore changes the dropout masks of the next epoch:
# the first 12 steps are equal, the 13th is not. Neither run is wrong. Give
# the validation loader a generator of its own, and training no longer
# depends on it. ``torch.random.fork_rng`` does the same for a block.
def validate(model, loader):
    with torch.inference_mode():
        for inputs, targets in loader:
            F.cross_entropy(model(inputs), targets).item()


shared = DataLoader(val_set, batch_size=100)
own = make_loader(1, val_set)
disturbed = run(0, make_loader(0), partial(validate, loader=shared))
first_difference(reference, disturbed)  # 12
quiet = run(0, make_loader(0), partial(validate, loader=own))
first_difference(reference, quiet) is None  # True


def validate_apart(model):
    with torch.random.fork_rng():
        validate(model, shared)


apart = run(0, make_loader(0), validate_apart)
first_difference(reference, apart) is None  # True


# %%
# Other workers, other draws
# --------------------------
#
# Each worker has seeds of its own, so the same sample gets another
# augmentation with another number of workers. Keep ``num_workers`` when you
# compare runs, or seed a generator with the epoch and the number of the
# sample.
class Noisy(Dataset):
    def __init__(self, per_sample):
        self.per_sample = per_sample

    def __len__(self):
        return 4

    def __getitem__(self, index):
        if self.per_sample:
            return np.random.default_rng(index).random()
        return random.random()


def noise(workers, per_sample):
    loader = DataLoader(
        Noisy(per_sample),
        collate_fn=list,
        generator=torch.Generator(device).manual_seed(0),
        num_workers=workers,
        multiprocessing_context="fork",
    )
    return list(loader)


noise(1, per_sample=False) == noise(1, per_sample=False)  # True
noise(1, per_sample=False) == noise(2, per_sample=False)  # False
noise(1, per_sample=True) == noise(2, per_sample=True)  # True

# %%
# The last digits differ: another order of sums
# ---------------------------------------------
#
# A sum of floats is rounded after each addition, so another order gives
# other last digits. The order depends on the batch size, the number of
# threads, the device and the version. No seed changes that: compare with a
# tolerance, as ``torch.allclose`` does.
numbers = torch.rand(100_000)
at_once, in_parts = numbers.sum(), torch.stack(
    [part.sum() for part in numbers.split(7)]
).sum()
print(at_once.item(), in_parts.item())
torch.allclose(at_once, in_parts, rtol=1e-5)  # True
big, one = torch.tensor(1e8), torch.tensor(1.0)
(big + one) - big == (big - big) + one  # tensor(False)

# %%
# Errors of deterministic mode: CUBLAS_WORKSPACE_CONFIG
# -----------------------------------------------------
#
# ``torch.use_deterministic_algorithms(True)`` takes repeatable kernels and
# raises an error where there is none; ``warn_only=True`` warns instead. For
# matrix products on CUDA set ``CUBLAS_WORKSPACE_CONFIG=:4096:8`` in the
# shell, before the program starts. Set ``torch.backends.cudnn.benchmark``
# to False, which it is by default. All modes are in
# :doc:`/gallery/training/reproducibility`.
place, values = torch.tensor([0, 0]), torch.tensor([1.0, 2.0])
torch.use_deterministic_algorithms(True)
with suppress(RuntimeError):
    torch.zeros(3).put_(
        place, values
    )  # RuntimeError: put_ does not have a deterministic implementation
torch.use_deterministic_algorithms(True, warn_only=True)
torch.zeros(3).put_(place, values)  # UserWarning: put_ does not have
torch.use_deterministic_algorithms(False)
torch.backends.cudnn.benchmark  # False

# %%
# What was reached: equal to the last bit, with validation
# --------------------------------------------------------
#
# The line of the repaired run lies at zero. The run that shares its
# generator with the validation loop leaves it after the first epoch, and
# another seed differs at once.
again = run(0, make_loader(0), partial(validate, loader=own))
other = run(1, make_loader(1))
assert again == quiet == reference
assert disturbed[:12] == reference[:12] and disturbed != reference
assert reference[-1] < reference[0] / 2

figure, ax = plt.subplots(figsize=(8, 3.4))
for name, losses in (
    ("seed=1", other),
    ("validation, shared generator", disturbed),
    ("validation, own generator", again),
):
    pairs = zip(losses, reference, strict=True)
    ax.plot([abs(a - b) for a, b in pairs], label=name)
ax.set_yscale("symlog", linthresh=1e-3)
ax.set(xlabel="step", ylabel="|loss difference|", ylim=(-2e-4, 2))
ax.legend(loc="upper left")
figure.tight_layout()
