"""
Reproducibility: seeds, deterministic algorithms, equal losses
==============================================================

Seed ``random``, NumPy and PyTorch, give the loader a generator of its own,
and ask for deterministic algorithms: two runs then give the same losses to
the last bit. One draw more in between, or one generator without a seed, and
they part; other devices, versions of PyTorch and numbers of threads can
part them as well.
"""
import os
import random
from contextlib import contextmanager, suppress

import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, Dataset

# %%
# Seed everything
# ---------------
#
# There are three global generators, and ``torch.manual_seed`` seeds those
# of all devices. None of them reaches a generator that code makes for
# itself: ``np.random.default_rng()`` without a seed asks the system.
device = torch.get_default_device()


def seed_everything(seed):
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def draws():
    seed_everything(0)
    return random.random(), np.random.rand(), torch.rand(()).item()


draws() == draws()  # True
seed_everything(0)
first = np.random.default_rng().random()
seed_everything(0)
first == np.random.default_rng().random()  # False
first = np.random.default_rng(0).random()
first == np.random.default_rng(0).random()  # True

# %%
# Data that draws: an augmentation with NumPy and ``random``
# ----------------------------------------------------------
#
# The digits are shifted sideways by at most a pixel and made noisy each
# time they are read. Every fourth one is kept for the test, and is read as
# it is.
digits = load_digits()
pictures = (digits.images / 16).astype(np.float32)
test_images = torch.tensor(pictures[::4], device=device).unsqueeze(1)
test_labels = torch.tensor(digits.target[::4], device=device)
kept = np.arange(len(pictures)) % 4 != 0


class NoisyDigits(Dataset):
    def __init__(self):
        self.images, self.labels = pictures[kept], digits.target[kept]

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        image = np.roll(self.images[index], random.choice([-1, 0, 1]), 1)
        noise = np.random.normal(0, 0.1, image.shape)
        image = torch.tensor(image + noise, dtype=torch.float32)
        return image.unsqueeze(0), int(self.labels[index])


seed_everything(0)
first, _ = NoisyDigits()[0]
seed_everything(0)
second, _ = NoisyDigits()[0]
torch.equal(first, second)  # True

# %%
# Deterministic algorithms, and everything put back afterwards
# ------------------------------------------------------------
#
# The mode takes a deterministic kernel where there is one, and raises an
# error where there is none. ``cudnn.benchmark`` times kernels and may
# choose another one in another run. cuBLAS reads its variable when it
# starts: in a script, set it in the shell or before the first line of work.
@contextmanager
def deterministic(warn_only=False):
    before = torch.get_deterministic_debug_mode()
    benchmark = torch.backends.cudnn.benchmark
    workspace = os.environ.pop("CUBLAS_WORKSPACE_CONFIG", None)
    os.environ["CUBLAS_WORKSPACE_CONFIG"] = workspace or ":4096:8"
    torch.use_deterministic_algorithms(True, warn_only=warn_only)
    torch.backends.cudnn.benchmark = False
    try:
        yield
    finally:
        torch.set_deterministic_debug_mode(before)
        torch.backends.cudnn.benchmark = benchmark
        if workspace is None:
            del os.environ["CUBLAS_WORKSPACE_CONFIG"]


with deterministic():
    torch.are_deterministic_algorithms_enabled()  # True
torch.are_deterministic_algorithms_enabled()  # False

# %%
# A run from its seed
# -------------------
#
# Weights and dropout draw from the global generator of the device, the
# loader shuffles by its own, and ``between`` is called once an epoch, where
# others put their plots and prints. Losses are collected as they are.
def run(seed, epochs=3, between=None):
    seed_everything(seed)
    generator = torch.Generator(device=device).manual_seed(seed)
    loader = DataLoader(
        NoisyDigits(), batch_size=64, shuffle=True, generator=generator
    )
    model = nn.Sequential(
        nn.Conv2d(1, 16, kernel_size=3), nn.ReLU(), nn.Flatten()
    )
    model.extend([nn.Dropout(0.2), nn.Linear(16 * 6 * 6, 10)])
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    losses = []
    for _ in range(epochs):
        for inputs, targets in loader:
            inputs, targets = inputs.to(device), targets.to(device)
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(inputs), targets)
            loss.backward()
            optimizer.step()
            losses.append(loss.detach())
        if between:
            between()
    return torch.stack(losses).tolist(), accuracy_of(model)


# %%
# Two runs, equal to the last bit
# -------------------------------
#
# ``==`` on lists of floats asks for the same bits. Another seed gives other
# losses from the first batch on.
@torch.inference_mode()
def accuracy_of(model):
    predictions = model.eval()(test_images).argmax(dim=1)
    return (predictions == test_labels).float().mean().item()


with deterministic():
    losses, accuracy = run(seed=0)
    again, accuracy_again = run(seed=0)
    other, _ = run(seed=1)
losses == again  # True
accuracy == accuracy_again  # True
losses[0] == other[0]  # False

# %%
# One draw in between, and the runs part
# --------------------------------------
#
# A random picture to look at, a second model, one more layer with dropout:
# each takes numbers from the global generator, and all that follows gets
# others. The first epoch is the same, the second is not.
# ``torch.random.fork_rng`` puts the generator back where it was.
def look():
    torch.rand(1, device=device)


def look_apart():
    with torch.random.fork_rng():
        look()


with deterministic():
    parted, _ = run(seed=0, between=look)
    unharmed, _ = run(seed=0, between=look_apart)
epoch = len(losses) // 3
parted[:epoch] == losses[:epoch]  # True
parted[epoch:] == losses[epoch:]  # False
unharmed == losses  # True

# %%
# Worker processes are seeded by the generator of the loader
# ----------------------------------------------------------
#
# A worker seeds ``random``, NumPy and PyTorch for itself, from a number
# that the loader draws from its generator. What the workers draw then
# depends on how many there are. A generator that a dataset holds is copied
# into each of them: see :doc:`/reference/data/worker_processes`.
class Noise(Dataset):
    def __len__(self):
        return 4

    def __getitem__(self, index):
        return random.random() + np.random.rand()


def noise(seed, workers):
    generator = torch.Generator(device=device).manual_seed(seed)
    loader = DataLoader(
        Noise(),
        collate_fn=list,
        generator=generator,
        num_workers=workers,
        multiprocessing_context="fork",
    )
    return list(loader)


noise(0, workers=2) == noise(0, workers=2)  # True
noise(0, workers=2) == noise(1, workers=2)  # False
noise(0, workers=2) == noise(0, workers=1)  # False

# %%
# What has no deterministic form raises
# -------------------------------------
#
# ``put_`` with an index twice keeps whichever value comes last, and which
# one that is may differ. ``warn_only=True`` turns errors into warnings: use
# it to list what a model needs. Memory from ``torch.empty`` is filled in
# this mode, so that what was forgotten in it shows as ``nan``.
place, values = torch.tensor([0, 0]), torch.tensor([1.0, 2.0])
with deterministic(), suppress(RuntimeError):
    torch.zeros(3).put_(place, values)  # RuntimeError: put_ does not have
with deterministic(warn_only=True):
    torch.zeros(3).put_(place, values)  # UserWarning: put_ does not have
    torch.empty(2)  # tensor([nan, nan])

# %%
# Why the order matters: sums of floats
# -------------------------------------
#
# Floats are rounded after each addition, so another order is another sum.
# Kernels with atomic additions on a GPU add in whatever order the threads
# arrive; another number of threads, another device or another version of
# PyTorch may split the sum in other places. No seed changes that: compare
# such runs with a tolerance.
big, small = torch.tensor(1e8), torch.tensor(1.0)
(big + small) - big  # tensor(0.)
(big - big) + small  # tensor(1.)

tenths = torch.full((1_000_000,), 0.1)
one_by_one = np.add.accumulate(tenths.cpu().numpy())[-1]
print(f"{tenths.sum().item():.1f} {one_by_one:.1f}")
abs(tenths.sum().item() - 100_000) < 1  # True
100_900 < float(one_by_one) < 101_000  # True

# %%
# What was reached: the same run twice, and what a seed is worth
# --------------------------------------------------------------
#
# A seed makes a run repeatable, and its result remains one draw. Three
# other seeds show how far draws lie apart: report several, and do not
# choose among them. On the left is the difference from the first run at
# each step, zero for the repetition.
with deterministic():
    accuracies = [accuracy] + [run(seed)[1] for seed in range(1, 4)]
print([f"{value:.3f}" for value in accuracies])
assert losses == again == unharmed and losses != parted
assert len(set(losses)) > 40 and losses[-1] < losses[0]
assert all(0.8 < value <= 1.0 for value in accuracies), accuracies

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6))
for name, values, style in (
    ("one draw more", parted, "-"),
    ("other seed", other, ":"),
    ("same seed", again, "--"),
):
    pairs = zip(values, losses, strict=True)
    left.plot([abs(a - b) for a, b in pairs], style, label=name)
left.set_yscale("symlog", linthresh=1e-4)
left.set(xlabel="step", ylabel="|loss difference|", ylim=(-2e-5, 20))
left.legend(loc="upper left", ncols=2, fontsize="small")
right.plot(range(4), accuracies, "o")
right.axhline(np.mean(accuracies), linestyle="--", color="C1", label="mean")
right.set(xlabel="seed", ylabel="test accuracy", xticks=range(4))
right.legend()
figure.tight_layout()
