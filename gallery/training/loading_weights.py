"""
Load weights: ``map_location``, ``strict=False``, ``weights_only``
==================================================================

A file of weights comes from another device, from a wrapped model, with
another head, or from a stranger. Each case is loaded here and then
measured: a model that answers as before has its weights, and one that
answers at random has none, however silently the loading went.
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
# A small network learns the digits in 300 steps on whole batches; see
# :doc:`training_loop` for a loop with loaders. The last 540 digits are kept
# apart.
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
# The file holds names and tensors, no code. The accuracy on the digits kept
# apart is what a loaded model is compared with.
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
# A file remembers the device of each tensor. Without ``map_location`` a
# file from a GPU fails on a machine that has none. ``"cpu"`` works
# everywhere; ``load_state_dict`` then copies the values to where the model
# is.
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
# A wrapper such as ``nn.DataParallel`` holds the model as ``module``, and
# every key begins with that name. ``strict=True``, the default, says so.
# ``strict=False`` loads what fits, and here nothing does: no error, and a
# model at chance. Its result lists the names; look at it.
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
# place. A model compiled by ``torch.compile`` saves ``_orig_mod.``, which
# goes the same way. Better still is to save what is inside the wrapper:
# ``wrapper.module.state_dict()``.
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
# The new model tells odd from even, and has two classes. ``strict=False``
# forgives missing names and no other shapes: take out what does not fit.
# The body is then loaded, the head is new and alone is trained for 200
# steps.
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
# ``torch.save(model)`` pickles the object: the names of its classes, which
# the reader must have in the same place. Since PyTorch 2.6 ``torch.load``
# refuses by default. The list at the end says what the file would call, and
# reading it runs nothing.
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
# A pickle is a program. ``__reduce__`` names a function and its arguments,
# and loading calls it. Here it makes a folder; it could as well be any
# other call with your rights. The default refuses before anything runs;
# ``weights_only=False`` obeys.
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
# If a file holds an object of a class that you know, name the class.
# ``torch.serialization.add_safe_globals`` does so for the whole process,
# ``safe_globals`` within a ``with``. A dictionary in its place needs
# neither.
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
# ``mmap=True`` maps the file: what is used is read, when it is used. A
# model on the meta device has shapes and no memory, and ``assign=True``
# puts the loaded tensors into it, so that no second copy is made. Changes
# stay in memory; the file is not written.
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
# What was reached: accuracy tells what was loaded
# ------------------------------------------------
#
# Every loaded model answers as the saved one did, but for that which
# ``strict=False`` left as it was. The dotted line is chance among ten
# classes; the head for odd and even has another task, where chance is one
# half.
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
