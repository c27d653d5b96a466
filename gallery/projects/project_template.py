"""
Project template: the files of a training project
=================================================

A training project needs few files: ``pyproject.toml``, a settings file, a
package in ``src`` and a folder of tests. This page writes such a project,
runs its tests, trains it from the command line, stops after half of the
epochs and resumes. The trained network reaches more than 90 % accuracy on
the test set, and the same code can be called from a notebook.
"""
import os
import re
import subprocess
import sys
import tempfile
import tomllib
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import matplotlib.pyplot as plt
import torch

# %%
# A folder for the project
# ------------------------
#
# This page writes each file with ``add``, so the code you read here is the
# code that runs. The folder is temporary. The first argument of ``add`` is
# the name of the file, and the second is its text. In your own project,
# save each text in a file of that name.
folder = tempfile.TemporaryDirectory()
project = Path(folder.name)


def add(name, text):
    path = project / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text.lstrip(), encoding="utf-8")


# %%
# ``pyproject.toml``: name, dependencies, command
# -----------------------------------------------
#
# This file tells ``pip`` how to install the project. ``dependencies`` lists
# the packages that the code imports. ``scripts`` defines a command for the
# training, ``digits-train``. The last table tells ``pytest`` that the
# package is in ``src`` and the tests are in ``tests``.
add("pyproject.toml", """
[build-system]
requires = ["setuptools>=77"]
build-backend = "setuptools.build_meta"

[project]
name = "digits-classifier"
version = "0.1.0"
requires-python = ">=3.11"
dependencies = ["torch", "scikit-learn"]

[project.optional-dependencies]
test = ["pytest"]

[project.scripts]
digits-train = "digits.train:main"

[tool.pytest.ini_options]
pythonpath = ["src"]
testpaths = ["tests"]
""")
add(".gitignore", """
runs/
__pycache__/
""")
described = tomllib.loads((project / "pyproject.toml").read_text())
described["project"]["scripts"]  # {'digits-train': 'digits.train:main'}

# %%
# ``config.toml`` and ``config.py``: the settings
# -----------------------------------------------
#
# ``config.toml`` holds the settings that you change between two training
# runs. The dataclass names the settings and their types. It raises an error
# for a name that it does not know, so a spelling mistake in the file is
# noticed.
SEED = 0
torch.manual_seed(SEED)
add("config.toml", f"""
hidden = 64
epochs = 12
batch_size = 64
learning_rate = 1e-2
seed = {SEED}
""")
add("src/digits/__init__.py", """
\"\"\"Classify handwritten digits.\"\"\"
""")
add("src/digits/config.py", """
import tomllib
from dataclasses import dataclass


@dataclass(frozen=True)
class Config:
    hidden: int
    epochs: int
    batch_size: int
    learning_rate: float
    seed: int


def load(path):
    return Config(**tomllib.loads(path.read_text(encoding="utf-8")))
""")

# %%
# ``data.py``: from the source to tensors
# ---------------------------------------
#
# The 1,797 images of 8 by 8 pixels come with scikit-learn. The function
# ``load`` loads and splits them, so importing the module loads no data. A
# generator on the CPU draws the split. With the same ``seed``, the test
# images are therefore the same with and without a GPU.
add("src/digits/data.py", """
import torch
from sklearn.datasets import load_digits


def load(seed):
    digits = load_digits()
    device = torch.get_default_device()
    images = torch.tensor(digits.data / 16, dtype=torch.float32)
    labels = torch.tensor(digits.target)
    rng = torch.Generator("cpu").manual_seed(seed)
    order = torch.randperm(len(labels), generator=rng, device="cpu")
    rows = order.to(device).split([1257, 270, 270])
    names = ("train", "val", "test")
    return {
        name: (images[part], labels[part])
        for name, part in zip(names, rows, strict=True)
    }
""")

# %%
# ``model.py``: the network
# -------------------------
#
# The model has its own file, because the training, the tests and programs
# that use the trained model all import it. The size of the hidden layer is
# an argument.
add("src/digits/model.py", """
from torch import nn


class Classifier(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(64, hidden),
            nn.ReLU(),
            nn.Linear(hidden, 10),
        )

    def forward(self, images):
        return self.layers(images)
""")

# %%
# ``checkpoint.py``: save everything that a resumed run needs
# -----------------------------------------------------------
#
# The checkpoint holds the weights, the state of the optimizer, the state of
# the generator that shuffles the data, the results so far and the settings.
# The number of epochs may change between two runs. If another setting has
# changed, resuming makes no sense, and ``load`` raises an error.
# :doc:`/gallery/training/save_and_resume` explains each part.
add("src/digits/checkpoint.py", """
import os
from dataclasses import asdict

import torch


def save(path, config, parts, rng, history):
    saved = {name: part.state_dict() for name, part in parts.items()}
    saved |= {"config": asdict(config), "history": history}
    saved["rng"] = rng.get_state()
    torch.save(saved, path.with_suffix(".part"))
    os.replace(path.with_suffix(".part"), path)


def load(path, config, parts, rng):
    saved = torch.load(path, map_location="cpu", weights_only=True)
    if saved["config"] | {"epochs": config.epochs} != asdict(config):
        raise ValueError(f"{path} was made with other settings")
    for name, part in parts.items():
        part.load_state_dict(saved[name])
    rng.set_state(saved["rng"])
    return saved["history"]
""")

# %%
# ``train.py``: the loop and the command line
# -------------------------------------------
#
# ``fit`` trains the model and can be called from a test or a notebook.
# ``main`` reads the command line, opens the log file and calls ``fit``. The
# device is chosen once, in ``main``: inside ``with device:``, new tensors,
# models and generators are created on that device. The rest of the package
# names no device except for the split and the checkpoint, which use the
# CPU.
add("src/digits/train.py", """
import argparse
import logging
from dataclasses import replace
from pathlib import Path

import torch
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from digits import checkpoint, config, data, model

log = logging.getLogger("digits")


def train_epoch(net, loader, optimizer):
    net.train()
    total = 0.0
    for images, labels in loader:
        optimizer.zero_grad()
        loss = F.cross_entropy(net(images), labels)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(labels)
    return total / len(loader.dataset)


@torch.inference_mode()
def accuracy(net, images, labels):
    net.eval()
    return (net(images).argmax(dim=1) == labels).float().mean().item()


def fit(settings, run):
    torch.manual_seed(settings.seed)
    run.mkdir(parents=True, exist_ok=True)
    parts = data.load(settings.seed)
    net = model.Classifier(settings.hidden)
    optimizer = torch.optim.AdamW(net.parameters(), settings.learning_rate)
    rng = torch.Generator(torch.get_default_device())
    rng.manual_seed(settings.seed)
    train_set = TensorDataset(*parts["train"])
    loader = DataLoader(
        train_set, settings.batch_size, shuffle=True, generator=rng
    )
    path, history = run / "checkpoint.pt", []
    state = {"model": net, "optimizer": optimizer}
    if path.exists():
        history = checkpoint.load(path, settings, state, rng)
        log.info("resumed after epoch %d", len(history))
    while len(history) < settings.epochs:
        loss = train_epoch(net, loader, optimizer)
        history.append((loss, accuracy(net, *parts["val"])))
        log.info("epoch %d loss %.4f val %.4f", len(history), *history[-1])
        checkpoint.save(path, settings, state, rng, history)
    return net, history


def main(arguments=None):
    parser = argparse.ArgumentParser(description="Train the classifier.")
    parser.add_argument("config", type=Path, help="settings, a TOML file")
    parser.add_argument("run", type=Path, help="folder for the results")
    parser.add_argument("--epochs", type=int, help="replaces the setting")
    parser.add_argument("--device", help="default: the accelerator, if any")
    options = parser.parse_args(arguments)
    settings = config.load(options.config)
    if options.epochs:
        settings = replace(settings, epochs=options.epochs)
    found = torch.accelerator.current_accelerator(check_available=True)
    device = torch.device(options.device or found or "cpu")
    options.run.mkdir(parents=True, exist_ok=True)
    logging.basicConfig(
        level=logging.INFO,
        format="%(asctime)s %(levelname)s %(message)s",
        handlers=[
            logging.FileHandler(options.run / "train.log"),
            logging.StreamHandler(),
        ],
    )
    log.info("%s on %s", settings, device)
    with device:
        net, _ = fit(settings, options.run)
        test = accuracy(net, *data.load(settings.seed)["test"])
    log.info("test %.4f", test)


if __name__ == "__main__":
    main()
""")

# %%
# ``tests/``: quick checks to run before each training
# ----------------------------------------------------
#
# A test is a function whose name begins with ``test_``. The five tests
# check that the parts of a split together hold all images, that the model
# gives one score for each class, and that the loss falls. They also check
# that a resumed training gives the same weights as an uninterrupted one,
# and that changed settings raise an error. ``tmp_path`` is a new folder
# that ``pytest`` creates.
add("tests/test_digits.py", """
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from digits import config, data, model, train

SETTINGS = config.load(Path(__file__).parents[1] / "config.toml")


def test_each_image_is_in_one_part():
    found = []
    for seed in (0, 1):
        parts = data.load(seed).values()
        images = torch.cat([images for images, _ in parts])
        found.append(sorted(images.tolist()))
    assert len(found[0]) == 1797
    assert found[0] == found[1]


def test_the_model_scores_ten_classes():
    assert model.Classifier(32)(torch.zeros(5, 64)).shape == (5, 10)


def test_the_loss_falls(tmp_path):
    _, history = train.fit(replace(SETTINGS, epochs=3), tmp_path)
    assert history[2][0] < history[0][0] / 2


def test_a_resumed_training_is_the_same(tmp_path):
    two = replace(SETTINGS, epochs=2)
    whole, _ = train.fit(two, tmp_path / "whole")
    train.fit(replace(SETTINGS, epochs=1), tmp_path / "resumed")
    resumed, history = train.fit(two, tmp_path / "resumed")
    assert len(history) == 2
    pairs = zip(whole.parameters(), resumed.parameters(), strict=True)
    assert all(torch.allclose(one, other) for one, other in pairs)


def test_other_settings_are_refused(tmp_path):
    train.fit(replace(SETTINGS, epochs=1), tmp_path)
    with pytest.raises(ValueError, match="other settings"):
        train.fit(replace(SETTINGS, epochs=2, hidden=32), tmp_path)
""")

# %%
# The project, file by file
# -------------------------
#
# The project has ten files. ``__init__.py`` makes the folder ``digits`` a
# package. The word ``cuda`` appears in no file, because ``main`` chooses
# the device.
files = [path for path in project.rglob("*") if path.is_file()]
names = sorted(path.relative_to(project).as_posix() for path in files)
len(names)  # 10
names[:3]  # ['.gitignore', 'config.toml', 'pyproject.toml']
names[3:5]  # ['src/digits/__init__.py', 'src/digits/checkpoint.py']
names[5:7]  # ['src/digits/config.py', 'src/digits/data.py']
names[7:9]  # ['src/digits/model.py', 'src/digits/train.py']
names[9:]  # ['tests/test_digits.py']
any("cuda" in path.read_text() for path in files)  # False

# %%
# Run a command in the project
# ----------------------------
#
# On your machine, run ``pip install --editable ".[test]"``. It installs the
# package, and later changes to the code take effect at the next start. Run
# it again after a change to ``pyproject.toml``. This page installs nothing:
# ``PYTHONPATH`` tells the new Python process where the package is, and the
# process uses as many threads as this one, so that both round in the same
# way.
def command(*arguments):
    environment = os.environ | {
        "PYTHONPATH": str(project / "src"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTEST_ADDOPTS": "-q -p no:cacheprovider",
        "OMP_NUM_THREADS": str(torch.get_num_threads()),
    }
    return subprocess.run(
        [sys.executable, "-m", *map(str, arguments)],
        cwd=project, env=environment, capture_output=True, text=True,
    )


# %%
# Test it: ``python -m pytest``
# -----------------------------
#
# The exit code 0 means that all tests passed. A continuous integration (CI)
# server, which runs the tests after each change, reads this code.
tested = command("pytest")
tested.returncode  # 0
re.search(r"\d+ passed", tested.stdout)[0]  # '5 passed'

# %%
# Train it: ``python -m digits.train config.toml runs/first``
# -----------------------------------------------------------
#
# Each training run has its own folder in ``runs``. After the installation
# above, you can write ``digits-train`` instead of ``python -m
# digits.train``. ``--epochs 6`` ends this run after six epochs.
device = torch.get_default_device()
train = "digits.train", "config.toml", "runs/first", "--device", device
half = command(*train, "--epochs", 6)
half.returncode  # 0
run = project / "runs" / "first"
made = sorted(path.name for path in run.iterdir())
made  # ['checkpoint.pt', 'train.log']
lines = (run / "train.log").read_text().splitlines()
len(lines)  # 8
"hidden=64" in lines[0], "epoch 6 loss" in lines[6]  # (True, True)

# %%
# Resume it: run the command again, without ``--epochs 6``
# --------------------------------------------------------
#
# The program finds its checkpoint and trains the remaining six epochs. The
# log file keeps the earlier lines.
whole = command(*train)
whole.returncode  # 0
lines = (run / "train.log").read_text().splitlines()
len(lines)  # 17
lines[9].endswith("resumed after epoch 6")  # True
"epoch 7 loss" in lines[10], "epoch 12 loss" in lines[15]  # (True, True)
print(lines[-1])

# %%
# Use it from Python, for example in a notebook
# ---------------------------------------------
#
# After the installation you import the package by the name of its folder,
# ``digits``, not by the name of the project, ``digits-classifier``. This
# page adds its folder to the path only for the import. ``Config`` raises an
# error for a name that it does not know, and ``fit`` raises one if the
# settings differ from those in the checkpoint.
sys.path.insert(0, str(project / "src"))
from digits import config, data
from digits import train as training

sys.path.remove(str(project / "src"))

settings = config.load(project / "config.toml")
settings.learning_rate  # 0.01
with suppress(TypeError):
    config.Config(hiden=64)  # TypeError: unexpected keyword argument
narrow = replace(settings, hidden=32)
with suppress(ValueError):
    training.fit(narrow, run)  # ValueError: made with other settings

# %%
# Twelve epochs without a break, for comparison
# ---------------------------------------------
#
# This process trains in another folder. The checkpoint holds the results of
# the resumed run. The results of the two runs agree in each epoch, so
# neither the interruption nor the command line changed the training.
net, history = training.fit(settings, project / "runs" / "notebook")
saved = torch.load(run / "checkpoint.pt", map_location="cpu")
here, there = torch.tensor(history), torch.tensor(saved["history"])
here.shape  # torch.Size([12, 2])
torch.allclose(here, there, atol=0.02)  # True

# %%
# The result: the resumed and the uninterrupted run agree
# -------------------------------------------------------
#
# The command line and this process measure the accuracy on the same test
# images. Left: the loss in each epoch. Right: the accuracy on the
# validation set, with the accuracy on the test set as a dotted horizontal
# line. The dotted vertical line marks the interruption.
test_accuracy = training.accuracy(net, *data.load(settings.seed)["test"])
logged = float(lines[-1].split()[-1])
print(f"{test_accuracy=:.3f} {logged=:.3f}")
assert 0.9 < test_accuracy <= 1.0, test_accuracy
assert abs(test_accuracy - logged) < 0.02, logged

figure, axes = plt.subplots(1, 2, figsize=(9, 3.6))
epochs = range(1, 13)
for column, axis in enumerate(axes):
    axis.plot(epochs, there[:, column].cpu(), "o-", label="resumed")
    axis.plot(epochs, here[:, column].cpu(), "--", label="whole")
    axis.axvline(6.5, linestyle=":", color="C4")
axes[0].set(xlabel="epoch", ylabel="cross_entropy", yscale="log")
axes[1].axhline(test_accuracy, linestyle=":", color="C2", label="test")
axes[1].set(xlabel="epoch", ylabel="accuracy")
axes[0].legend()
axes[1].legend()
figure.tight_layout()
folder.cleanup()
