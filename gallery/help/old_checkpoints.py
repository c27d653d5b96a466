"""
Old checkpoints: load files of another version, project or machine
==================================================================

A file usually fails to load for one of four reasons. It is not a file of
weights, it contains objects that ``torch.load`` refuses, its classes have
moved, or its names or devices differ. Open it once in the right way, take
out the tensors, and save them as a plain state dict. This page builds an
old project and converts its file. The new file loads with the default
settings, and the model has the same accuracy as before.

* Does ``torch.load`` fail?

  * "invalid load key", "Unsupported operand" or "EOFError"? See *Is it a
    file of weights at all? invalid load key*.
  * "Weights only load failed"? See *Weights only load failed: what is in
    the file*.
  * "No module named" or "Can't get attribute"? See *No module named
    'models': the class has moved*.
  * "Attempting to deserialize object on a CUDA device"? See *Devices: the
    file comes from a GPU*.

* Is the loaded object not a model?

  * "'OrderedDict' object has no attribute 'eval'", or "'dict' object"? See
    *A dictionary is no model: has no attribute 'eval'*.

* Does ``load_state_dict`` fail?

  * A prefix ``module.`` or ``_orig_mod.``? See *Names: module., _orig_mod.
    and renamed layers*.
  * ``weight_g`` and ``weight_v``, or no ``num_batches_tracked``? See *What
    PyTorch converts by itself*.
"""
import argparse
import pickle
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

# %%
# An old project and its files
# ----------------------------
#
# The class is defined in the file ``models.py``, and a wrapper holds the
# model as ``module``. The project saved two files. One holds the whole
# model. The other is a checkpoint with options and a score, like those of
# many training scripts.
torch.manual_seed(0)
device = torch.get_default_device()
digits = load_digits()
x = torch.tensor(digits.data, dtype=torch.float32, device=device) / 16
y = torch.tensor(digits.target, device=device)
folder = tempfile.TemporaryDirectory()
home = Path(folder.name)
(home / "models.py").write_text('''
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(64, 64), nn.Linear(64, 10)

    def forward(self, x):
        return self.fc2(self.fc1(x).relu())
''')
sys.path.insert(0, str(home))
import models

sys.path.remove(str(home))
old = models.Net()
optimizer = torch.optim.Adam(old.parameters(), lr=0.01)
for _ in range(200):
    optimizer.zero_grad()
    F.cross_entropy(old(x[:1200]), y[:1200]).backward()
    optimizer.step()


@torch.inference_mode()
def accuracy(model):
    answers = model.eval()(x[1200:]).argmax(dim=1)
    return (answers == y[1200:]).float().mean().item()


before = accuracy(old)
wrapper = nn.Module()
wrapper.module = old
checkpoint = {
    "net": wrapper.state_dict(),
    "args": argparse.Namespace(lr=0.01),
    "best": np.float64(before),
}
torch.save(checkpoint, home / "checkpoint.pth")
torch.save(old, home / "whole.pth")

# %%
# Is it a file of weights at all? invalid load key
# ------------------------------------------------
#
# Look at the size of the file and at its first bytes. ``torch.save`` writes
# a zip archive, which begins with ``PK``; files from before PyTorch 1.6
# begin differently and still load. A file that begins with ``<`` is
# probably a web page. A file that begins with ``version`` is probably a Git
# LFS pointer, a short text in place of the real file. An empty file comes
# from an interrupted download.
(home / "page.pth").write_text("<!DOCTYPE html><title>Sign in</title>")
(home / "pointer.pth").write_text("version https://git-lfs.github.com/spec")
(home / "empty.pth").touch()
starts = {path.stem: path.read_bytes()[:2] for path in home.glob("*.pth")}
starts["checkpoint"], starts["page"]  # (b'PK', b'<!')
with suppress(pickle.UnpicklingError):
    torch.load(
        home / "page.pth", weights_only=False
    )  # UnpicklingError: invalid load key, '<'
with suppress(pickle.UnpicklingError):
    torch.load(
        home / "pointer.pth", weights_only=False
    )  # UnpicklingError: invalid load key, 'v'
with suppress(EOFError):
    torch.load(home / "empty.pth")  # EOFError

# %%
# Weights only load failed: what is in the file
# ---------------------------------------------
#
# Since PyTorch 2.6, ``torch.load`` by default accepts tensors and plain
# containers and refuses most other classes. The message names the first
# class that it refuses. ``get_unsafe_globals_in_checkpoint`` lists all such
# classes without running code from the file. ``weights_only=False`` runs
# code from the file. This is safe here, because this page wrote the file
# itself. To allow single classes instead, see
# :doc:`/reference/nn/checkpoints`.
with suppress(pickle.UnpicklingError):
    torch.load(
        home / "checkpoint.pth"
    )  # UnpicklingError: Weights only load failed. This file can still be
find = torch.serialization.get_unsafe_globals_in_checkpoint
names = find(home / "checkpoint.pth")
"argparse.Namespace" in names, "numpy.dtype" in names  # (True, True)
opened = torch.load(
    home / "checkpoint.pth", map_location="cpu", weights_only=False
)
list(opened)  # ['net', 'args', 'best']
vars(opened["args"])  # {'lr': 0.01}

# %%
# No module named 'models': the class has moved
# ---------------------------------------------
#
# The file of a whole model stores the name of the module that defines its
# class. Here ``models`` is removed, as on a machine without the old
# project. Add the folder of the old project to ``sys.path``, or enter your
# own module into ``sys.modules`` under the old name. "Can't get attribute
# 'Net' on <module '__main__'>" means that the old script itself defined the
# class, so define it in your script, too.
del sys.modules["models"]
with suppress(ModuleNotFoundError):
    torch.load(
        home / "whole.pth", weights_only=False
    )  # ModuleNotFoundError: No module named 'models'
sys.modules["models"] = sys
with suppress(AttributeError):
    torch.load(
        home / "whole.pth", weights_only=False
    )  # AttributeError: Can't get attribute 'Net' on
sys.modules["models"] = models
whole = torch.load(
    home / "whole.pth", weights_only=False, map_location=device
)
del sys.modules["models"]
accuracy(whole) == before  # True

# %%
# A dictionary is no model: has no attribute 'eval'
# -------------------------------------------------
#
# Print the keys of the loaded dictionary. If they are names of layers, it
# is a state dict. If they are other names, it is a checkpoint, and the
# state dict is one of its values.
with suppress(AttributeError):
    opened.eval()  # AttributeError: 'dict' object has no attribute 'eval'
with suppress(AttributeError):
    opened["net"].eval()  # AttributeError: 'collections.OrderedDict' object
list(opened["net"])[:2]  # ['module.fc1.weight', 'module.fc1.bias']

# %%
# Devices: the file comes from a GPU
# ----------------------------------
#
# By default, ``torch.load`` puts each tensor on the device that it was
# saved from. If this device does not exist, it raises an error; here GPU
# number 63 stands for the missing device. ``map_location="cpu"`` works on
# every machine, and ``load_state_dict`` then copies the values to the
# device of the model.
with suppress(RuntimeError):
    torch.load(
        home / "checkpoint.pth", weights_only=False, map_location="cuda:63"
    )  # RuntimeError: Attempting to deserialize object on
{tensor.device.type for tensor in opened["net"].values()}  # {'cpu'}


# %%
# Names: module., _orig_mod. and renamed layers
# ---------------------------------------------
#
# ``Today``, the class in the new code, uses other names for its layers.
# ``convert`` removes the prefixes and renames the layers.
# ``load_state_dict`` raises an error if a name is missing or left over, so
# its success shows that the conversion is complete. More cases, such as a
# size mismatch, are in :doc:`keys_do_not_match`.
class Today(nn.Module):
    def __init__(self):
        super().__init__()
        self.body, self.head = nn.Linear(64, 64), nn.Linear(64, 10)

    def forward(self, x):
        return self.head(self.body(x).relu())


def convert(state, renamed):
    new = {}
    for name, tensor in state.items():
        for prefix in ("module.", "_orig_mod."):
            name = name.removeprefix(prefix)
        layer, _, rest = name.partition(".")
        new[f"{renamed.get(layer, layer)}.{rest}"] = tensor
    return new


with suppress(RuntimeError):
    Today().load_state_dict(
        opened["net"]
    )  # RuntimeError: Missing key(s) in state_dict: "body.weight"
state = convert(opened["net"], {"fc1": "body", "fc2": "head"})
Today().load_state_dict(state)
list(state)[:2]  # ['body.weight', 'body.bias']

# %%
# What PyTorch converts by itself
# -------------------------------
#
# Some layers accept the names of older versions. The new weight norm reads
# ``weight_g`` and ``weight_v``. Batch normalization reads state dicts from
# before PyTorch 0.4.1, which have no ``num_batches_tracked``. Files in the
# format from before PyTorch 1.6 load as well.
normed = nn.utils.parametrizations.weight_norm(nn.Linear(2, 1))
g, v = torch.full((1, 1), 3.0), torch.tensor([[3.0, 4.0]])
normed.load_state_dict(
    {"bias": torch.zeros(1), "weight_g": g, "weight_v": v}
)
torch.allclose(normed.weight, torch.tensor([[1.8, 2.4]]))  # True
norm = nn.BatchNorm1d(2)
earlier = {k: v for k, v in norm.state_dict().items() if "num" not in k}
norm.load_state_dict(earlier)
torch.save(
    state, home / "format.pth", _use_new_zipfile_serialization=False
)
(home / "format.pth").read_bytes()[:2] == b"PK"  # False
list(torch.load(home / "format.pth")) == list(state)  # True

# %%
# The result: a plain file that loads with the default settings
# -------------------------------------------------------------
#
# The new file contains tensors, numbers and text. It loads without the old
# class, without extra options and without a GPU. The model has the same
# accuracy as before.
torch.save(
    {
        "model": state,
        "args": vars(opened["args"]),
        "best": float(opened["best"]),
    },
    home / "clean.pt",
)
find(home / "clean.pt")  # []
clean = torch.load(home / "clean.pt")
model = Today()
model.load_state_dict(clean["model"])
after = accuracy(model)
folder.cleanup()
print(f"{before=:.3f} {after=:.3f}")
assert 0.85 < before <= 1.0, before
assert after == before == clean["best"]
