"""
Two runs differ with the same seed: find the first difference
=============================================================

Record the loss of each step, and find the first step at which two runs
differ. If it is the first step, the weights or the data differ. If the
difference comes after the first epoch, something else drew random numbers,
often the validation loop. If only the last digits differ, sums were
computed in another order. This page shows and repairs each case, and at the
end two runs are equal to the last bit.

* Is the first loss different?

  * Are the weights different? See *First question: are the weights equal?*
  * Is the first batch different? See *Second question: is the first batch
    equal?*
  * Do the classes have different numbers? See *The order of a set differs
    from process to process*.

* Is the first epoch equal, but the second is not? See *Validation changes
  the training: each loader draws a number*.

* Do the results depend on ``num_workers``? See *Another number of workers
  gives other random numbers*.

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
# Handwritten digits, and a run that returns all losses
# -----------------------------------------------------
#
# ``seed_everything`` seeds Python, NumPy and PyTorch. ``run`` trains a
# model, calls ``validate`` after each epoch and returns the losses. Dropout
# draws from the global generator of the device, while each loader from
# ``make_loader`` has a generator of its own.
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


def make_loader(seed, dataset=train_set):
    generator = torch.Generator(device)
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
# ``first_difference`` compares the losses of two runs with ``==``, without
# a tolerance. Two runs of 36 steps, each with a new loader of the same
# seed, are equal.
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
# Compare the weights before the first step. They differ if one run creates
# another layer or draws another random number before the model. They also
# differ if the seed is set after the model is created. Set the seed at the
# start of the program, and again right before you create the model.
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
# The order of the samples comes from the generator of the loader, or by
# default from the global generator, which depends on all earlier draws.
# Pass a generator with a fixed seed, because another seed gives another
# order. The state of the generator changes with each use, so a loader that
# was used before gives another order in the next run.
first_difference(reference, run(0, make_loader(1)))  # 0
used = make_loader(0)
run(0, used)[0] == reference[0]  # True
first_difference(reference, run(0, used))  # 0

# %%
# The order of a set differs from process to process
# --------------------------------------------------
#
# By default, Python hashes strings with a new random number in each
# process. The order of a set of strings therefore changes. If the classes
# are numbered in this order, their numbers change, too. Use
# ``sorted(set(names))``. Sort lists of files as well, because
# ``os.listdir`` and ``glob`` do not guarantee an order.
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
# By default, each pass over a loader draws one number from the global
# generator as a seed for its workers, even without ``shuffle`` and without
# workers. The validation loop therefore changes the dropout masks of the
# next epoch: the first 12 steps are equal, and the 13th differs. Neither
# run is wrong. To make training independent of validation, give the
# validation loader a generator of its own, or run the validation under
# ``torch.random.fork_rng``.
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
# Another number of workers gives other random numbers
# ----------------------------------------------------
#
# Each worker process has its own seed, so with another number of workers
# most samples get another random augmentation. Keep ``num_workers`` the
# same when you compare runs. Or create a generator for each sample, seeded
# with the epoch and the index of the sample.
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
# A sum of floats is rounded after each addition, so another order can
# change the last digits. The order can depend on the batch size, the number
# of threads, the device and the PyTorch version, and a seed does not fix
# it. Compare such results with a tolerance, as ``torch.allclose`` does.
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
# ``torch.use_deterministic_algorithms(True)`` selects deterministic
# implementations and raises an error if an operation has none;
# ``warn_only=True`` warns instead. For matrix products on CUDA, set
# ``CUBLAS_WORKSPACE_CONFIG=:4096:8`` in the shell before the program
# starts. Keep ``torch.backends.cudnn.benchmark`` at its default, False.
# More about these settings is in :doc:`/gallery/training/reproducibility`.
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
# The result: equal to the last bit, with validation
# --------------------------------------------------
#
# The figure shows the difference of each run from the reference. For the
# repaired run it is zero at all steps. The run that shares the global
# generator with the validation loop differs after the first epoch, and the
# run with another seed differs from the first step.
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
