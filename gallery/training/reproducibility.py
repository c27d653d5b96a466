"""
Reproducibility: seeds, deterministic algorithms, equal losses
==============================================================

Seed ``random``, NumPy and PyTorch, give the loader its own generator, and
turn on deterministic algorithms. On this page, two runs then give the same
losses to the last bit. One additional random draw, or one generator without
a seed, makes the runs differ. Another device, another version of PyTorch or
another number of threads can also make them differ.
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
# ``random`` and NumPy have one global generator each. PyTorch has one for
# each device, and ``torch.manual_seed`` seeds all of them. Generators that
# code creates for itself are not affected: without a seed,
# ``np.random.default_rng()`` gives different numbers each time.
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
# Random data augmentation with NumPy and ``random``
# --------------------------------------------------
#
# Each time an image is read, it is shifted sideways by at most one pixel,
# and noise is added. Every fourth image belongs to the test set and is read
# unchanged.
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
# Turn on deterministic algorithms, and restore the settings afterwards
# ---------------------------------------------------------------------
#
# ``torch.use_deterministic_algorithms`` selects a deterministic
# implementation of an operation, and raises an error if there is none.
# ``cudnn.benchmark`` measures several implementations and may choose a
# different one in the next run, so it is turned off. cuBLAS reads its
# environment variable when it starts. In a script, set the variable in the
# shell or before the first computation.
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
# One training run from a seed
# ----------------------------
#
# The weights and dropout draw from the global generator of the device, and
# the loader shuffles with its own generator. ``between`` is called after
# each epoch, where you might put plots or prints. The losses are collected
# without rounding.
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
# ``==`` compares the two lists of losses exactly. With another seed, the
# loss is different from the first batch on.
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
# One random draw in between makes the runs differ
# ------------------------------------------------
#
# Showing a random image, creating a second model or adding a dropout layer
# takes numbers from the global generator, and everything that follows gets
# different numbers. Here the two runs agree in the first epoch and differ
# in the later epochs. ``torch.random.fork_rng`` restores the state of the
# generator afterwards.
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
# The loader draws a number from its generator, and each worker seeds
# ``random``, NumPy and PyTorch from it. What the workers draw depends on
# how many workers there are. If the dataset itself holds a generator, each
# worker gets a copy of it: see :doc:`/reference/data/worker_processes`.
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
# Operations without a deterministic form raise an error
# ------------------------------------------------------
#
# If ``put_`` gets the same index twice, the value that is written last
# stays, and the order of the writes may vary. ``warn_only=True`` turns the
# errors into warnings. Use it to find such operations in a model. With
# deterministic algorithms, ``torch.empty`` fills its memory, so elements
# that you forgot to set show up as ``nan``.
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
# Floats are rounded after each addition, so another order can give another
# sum. On a GPU, some operations add numbers in the order in which their
# threads finish. Another device, another version of PyTorch or another
# number of threads may split the sum at other places. A seed does not
# change this, so compare such runs with a tolerance.
big, small = torch.tensor(1e8), torch.tensor(1.0)
(big + small) - big  # tensor(0.)
(big - big) + small  # tensor(1.)

tenths = torch.full((1_000_000,), 0.1)
one_by_one = np.add.accumulate(tenths.cpu().numpy())[-1]
print(f"{tenths.sum().item():.1f} {one_by_one:.1f}")
abs(tenths.sum().item() - 100_000) < 1  # True
100_900 < float(one_by_one) < 101_000  # True

# %%
# The result: equal runs, and the spread over seeds
# -------------------------------------------------
#
# A seed makes a run repeatable, but its result is still a single draw. Run
# several seeds and report all of them instead of choosing the best one.
# Left: the difference of the loss from the first run at each step, which is
# zero for the run with the same seed. Right: the accuracy on the test set
# for four seeds.
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
