"""
Load weights: ``map_location``, ``strict=False``, ``weights_only``
==================================================================

A file of weights may come from another device, from a wrapped model, from a
model with another output layer, or from an unknown source. This page shows
how to load the weights in each case. It measures the accuracy of the model
to check whether the weights were loaded. If all weights were loaded, the
accuracy equals that of the saved model. If none were loaded, the model only
guesses, even though loading gave no error.
"""
import os
import pickle
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional as F

# %%
# A model worth saving
# --------------------
#
# A small network is trained on handwritten digits in 300 steps, each on the
# whole training set. The last 540 images are the test set. For a loop with
# loaders, see :doc:`training_loop`.
device = torch.get_default_device()
digits = load_digits()
images = torch.tensor(digits.data, dtype=torch.float32, device=device) / 16
labels = torch.tensor(digits.target, device=device)


class Net(nn.Module):
    def __init__(self, classes=10):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(64, 64), nn.ReLU())
        self.head = nn.Linear(64, classes)

    def forward(self, x):
        return self.head(self.body(x))


def fit(model, targets, parameters, steps):
    optimizer = torch.optim.AdamW(parameters, lr=1e-2)
    for _ in range(steps):
        optimizer.zero_grad()
        logits = model(images[:1257])
        F.cross_entropy(logits, targets[:1257]).backward()
        optimizer.step()


torch.manual_seed(0)
model = Net()
fit(model, labels, model.parameters(), steps=300)

# %%
# Save the ``state_dict``, measure the model
# ------------------------------------------
#
# The file holds names and tensors, but no code. The accuracy of each loaded
# model is compared with the accuracy of the model that was saved.
@torch.inference_mode()
def accuracy(model, targets=labels):
    model.eval()
    right = model(images[1257:]).argmax(dim=1) == targets[1257:]
    return right.float().mean().item()


folder = tempfile.TemporaryDirectory()
home = Path(folder.name)
torch.save(model.state_dict(), home / "net.pt")
reached = {"saved": accuracy(model)}
list(model.state_dict())[:2]  # ['body.0.weight', 'body.0.bias']
list(model.state_dict())[2:]  # ['head.weight', 'head.bias']

# %%
# To another device: ``map_location``
# -----------------------------------
#
# The file stores the device of each tensor. Without ``map_location``, a
# file that was saved from a GPU raises an error on a machine without one.
# ``map_location="cpu"`` avoids this, and ``load_state_dict`` then copies
# the values to the device of the model.
state = torch.load(home / "net.pt", map_location="cpu", weights_only=True)
{tensor.device.type for tensor in state.values()}  # {'cpu'}
loaded = Net().to(device)
loaded.load_state_dict(state)
loaded.head.weight.device == model.head.weight.device  # True
torch.equal(loaded.head.weight, model.head.weight)  # True
reached["loaded"] = accuracy(loaded)
reached["loaded"] == reached["saved"]  # True

# %%
# Missing key(s) in state_dict: the prefix ``module.``
# ----------------------------------------------------
#
# A wrapper such as ``nn.DataParallel`` holds the model as ``module``, so
# the keys begin with this name. With ``strict=True``, the default, this
# raises an error. ``strict=False`` loads only what fits. Here no key fits,
# so the model only guesses; check the return value, which lists the missing
# and the unexpected keys.
state = {f"module.{name}": tensor for name, tensor in state.items()}
torch.manual_seed(1)
silent = Net()
with suppress(RuntimeError):
    silent.load_state_dict(state)  # RuntimeError: Missing key(s) in
result = silent.load_state_dict(state, strict=False)
len(result.missing_keys), len(result.unexpected_keys)  # (4, 4)
reached["strict=False"] = accuracy(silent)
reached["strict=False"] < 0.35  # True

# %%
# Remove the prefix
# -----------------
#
# ``consume_prefix_in_state_dict_if_present`` changes the dictionary in
# place. The keys of a model returned by ``torch.compile`` have the prefix
# ``_orig_mod.``, which you can remove in the same way. It is better to save
# without a prefix: call ``state_dict()`` of ``wrapper.module`` or, after
# ``torch.compile``, of the original model.
consume = nn.modules.utils.consume_prefix_in_state_dict_if_present
consume(state, "module.")
list(state)[:2]  # ['body.0.weight', 'body.0.bias']
unwrapped = Net()
unwrapped.load_state_dict(state)
reached["prefix"] = accuracy(unwrapped)
reached["prefix"] == reached["saved"]  # True

# %%
# size mismatch: a head for other classes
# ---------------------------------------
#
# The new model has two classes, even and odd. ``strict=False`` allows
# missing keys but not different shapes, so remove the tensors whose shapes
# do not fit. The body is then loaded. The new head is trained for 200
# steps, and the body stays as it is.
torch.manual_seed(2)
parity = Net(classes=2)
with suppress(RuntimeError):
    parity.load_state_dict(
        state, strict=False
    )  # RuntimeError: size mismatch for head.weight
own = parity.state_dict()
fitting = {n: t for n, t in state.items() if t.shape == own[n].shape}
result = parity.load_state_dict(fitting, strict=False)
result.missing_keys  # ['head.weight', 'head.bias']
result.unexpected_keys  # []
fit(parity, labels % 2, parity.head.parameters(), steps=200)
torch.equal(parity.body[0].weight, model.body[0].weight)  # True
reached["new head"] = accuracy(parity, labels % 2)

# %%
# A whole model in a file: Weights only load failed
# -------------------------------------------------
#
# ``torch.save(model)`` pickles the whole object. The file refers to its
# classes by name, so whoever loads it needs the same classes in the same
# place. Since PyTorch 2.6, ``torch.load`` refuses such a file by default.
# The last lines list the names that it refuses, without running anything
# from the file.
file = home / "whole.pt"
torch.save(model, file)
with suppress(pickle.UnpicklingError):
    torch.load(file)  # UnpicklingError: Weights only load failed
with suppress(pickle.UnpicklingError):
    torch.load(file)  # UnpicklingError: GLOBAL __main__.Net was not
unsafe = torch.serialization.get_unsafe_globals_in_checkpoint
sorted(unsafe(file))[0]  # '__main__.Net'
unsafe(home / "net.pt")  # []

# %%
# What a pickle from a stranger can do
# ------------------------------------
#
# Loading a pickle file can call functions. ``__reduce__`` names a function
# and its arguments, and loading calls it. Here the function creates a
# folder, but it could also delete your files. By default ``torch.load``
# refuses before the call; with ``weights_only=False`` it makes the call.
class Stowaway:
    def __reduce__(self):
        return os.mkdir, (str(home / "made while loading"),)


gift = home / "gift.pt"
torch.save({"weight": torch.ones(2), "note": Stowaway()}, gift)
with suppress(pickle.UnpicklingError):
    torch.load(gift)  # UnpicklingError: Weights only load failed
(home / "made while loading").exists()  # False
torch.load(gift, weights_only=False)["weight"].tolist()  # [1.0, 1.0]
(home / "made while loading").exists()  # True

# %%
# Allow a class of your own: ``safe_globals``
# -------------------------------------------
#
# If a file holds an object of a class that you trust, allow this class.
# ``torch.serialization.add_safe_globals`` allows it for the whole process,
# and ``safe_globals`` within a ``with`` block. If you save a dictionary
# instead of the object, you need neither.
@dataclass
class Config:
    width: int


file = home / "config.pt"
torch.save({"config": Config(64)}, file)
with suppress(pickle.UnpicklingError):
    torch.load(file)  # UnpicklingError: Unsupported global: GLOBAL __main__
with torch.serialization.safe_globals([Config]):
    torch.load(file)["config"].width  # 64
torch.serialization.add_safe_globals([Config])
torch.load(file)["config"].width  # 64
torch.serialization.clear_safe_globals()
torch.serialization.get_safe_globals()  # []

# %%
# A large file: ``mmap=True`` and ``assign=True``
# -----------------------------------------------
#
# ``mmap=True`` maps the file into memory, and a part is read when it is
# used. A model on the meta device has shapes but no memory, and
# ``assign=True`` puts the loaded tensors into it without a second copy.
# Changes to these tensors stay in memory, and the file keeps its values.
mapped = torch.load(home / "net.pt", map_location="cpu", mmap=True)
with torch.device("meta"):
    large = Net()
large.load_state_dict(mapped, assign=True)
large.head.weight.data_ptr() == mapped["head.weight"].data_ptr()  # True
reached["mmap"] = accuracy(large.to(device))
mapped["head.weight"].zero_()
again = torch.load(home / "net.pt", map_location="cpu")
again["head.weight"].any().item()  # True
folder.cleanup()

# %%
# The result: the accuracy shows what was loaded
# ----------------------------------------------
#
# The loaded models are as accurate as the saved one, except for the model
# that ``strict=False`` left untrained. The dotted line marks guessing among
# ten classes. The new head for even and odd has another task, where
# guessing reaches 50 %.
for name, value in reached.items():
    print(f"{name:13}{value:.3f}")
same = [reached[name] for name in ("saved", "loaded", "prefix", "mmap")]
assert min(same) > 0.88 and max(same) - min(same) < 0.005, same
assert 0.85 < reached["new head"] <= 1.0
assert reached["strict=False"] < 0.35

figure, axes = plt.subplots(figsize=(8, 3.6))
colors = ["C5" if name == "strict=False" else "C0" for name in reached]
colors[list(reached).index("new head")] = "C2"
bars = axes.bar(list(reached), list(reached.values()), color=colors)
axes.bar_label(bars, fmt="%.2f")
axes.axhline(0.1, linestyle=":", color="C1")
axes.set(ylabel="accuracy (test)", ylim=(0, 1.1))
figure.tight_layout()
