"""
Checkpoints
===========

Save what you need to resume a training run, and load files that others
saved.
"""
import argparse
import copy
import io
import pickle
from contextlib import suppress

import numpy as np
import torch
from torch import nn

# %%
# Loss jumps after resuming: save optimizer and scheduler, too
# ------------------------------------------------------------
#
# Save the state of each part that has one: model, optimizer, scheduler,
# ``GradScaler`` and random generators. Save the epoch number as well. If
# the state of the optimizer is missing, the momentum starts from zero. The
# next step here is then 0.1 instead of 0.19.
#
# .. glance:: resume(checkpoint)
def one_step(net, optimizer):
    optimizer.zero_grad()
    net(torch.ones(1, 1)).sum().backward()
    optimizer.step()


def make():
    net = nn.Linear(1, 1, bias=False)
    return net, torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)


def resume(checkpoint):
    net, optimizer = make()
    net.load_state_dict(checkpoint["model"])
    if "optimizer" in checkpoint:
        optimizer.load_state_dict(checkpoint["optimizer"])
    one_step(net, optimizer)
    return round((checkpoint["model"]["weight"] - net.weight).item(), 3)


net, optimizer = make()
one_step(net, optimizer)
checkpoint = {"model": net.state_dict(), "epoch": 1}
resume(checkpoint)  # 0.1
checkpoint["optimizer"] = optimizer.state_dict()
resume(checkpoint)  # 0.19

# %%
# Checkpoint size: Adam adds twice the weights to the file
# --------------------------------------------------------
#
# ``torch.optim.Adam`` keeps two numbers for each weight. A file with the
# optimizer is therefore about three times as large as a file with the
# weights alone. If you need a model only for inference, save
# ``net.state_dict()`` alone.
net = nn.Linear(1000, 1000, bias=False)
optimizer = torch.optim.Adam(net.parameters())
net(torch.ones(1, 1000)).sum().backward()
optimizer.step()


def size(state):
    torch.save(state, file := io.BytesIO())
    return file.tell()


both = {"model": net.state_dict(), "optimizer": optimizer.state_dict()}
round(size(both) / size(net.state_dict()), 2)  # 3.0
4_000_000 < size(net.state_dict()) < 4_010_000  # True

# %%
# Resume on a GPU: move the model, then load the optimizer
# --------------------------------------------------------
#
# ``Optimizer.load_state_dict`` moves the state to the device where each
# parameter is at that time. If the model moves to a GPU later, the state
# stays behind, and ``step`` raises "Tensors of the same index must be on
# the same device". With ``foreach=False`` the message is "Expected all
# tensors to be on the same device". Here a change of dtype stands for the
# change of device.
#
# .. glance:: resume(move_first=True)
net = nn.Linear(2, 1)
optimizer = torch.optim.Adam(net.parameters())
net(torch.ones(1, 2)).sum().backward()
optimizer.step()
saved = copy.deepcopy(optimizer.state_dict())


def resume(move_first):
    net = nn.Linear(2, 1)
    net = net.double() if move_first else net
    optimizer = torch.optim.Adam(net.parameters())
    optimizer.load_state_dict(saved)
    net.double()
    return optimizer.state[net.weight]["exp_avg"].dtype


resume(move_first=True)  # torch.float64
resume(move_first=False)  # torch.float32

# %%
# Go back after a trial: ``copy.deepcopy`` of both state dicts
# ------------------------------------------------------------
#
# A learning rate finder raises the learning rate until the loss explodes,
# which ruins the weights and the state of the optimizer. Copy both state
# dicts before the trial and load them afterwards. Without
# ``copy.deepcopy``, the saved tensors would change together with the model.
net = nn.Linear(2, 1)
optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
start = copy.deepcopy((net.state_dict(), optimizer.state_dict()))
for power in range(20):
    optimizer.param_groups[0]["lr"] = 10.0**power
    optimizer.zero_grad()
    net(torch.ones(1, 2)).square().sum().backward()
    optimizer.step()
net.weight.isfinite().any()  # tensor(False)
net.load_state_dict(start[0])
optimizer.load_state_dict(start[1])
net.weight.abs().max() < 1  # tensor(True)
optimizer.param_groups[0]["lr"], len(optimizer.state)  # (0.1, 0)

# %%
# Error: 'OrderedDict' object has no attribute 'eval'
# ---------------------------------------------------
#
# The file holds a state dict, which is a dictionary of tensors and not a
# model. Create the model from its class and load the tensors with
# ``load_state_dict``.
file = io.BytesIO()
torch.save(nn.Linear(2, 1).state_dict(), file)
file.seek(0)
state = torch.load(file)
with suppress(AttributeError):
    state.eval()  # AttributeError: 'collections.OrderedDict' object has no
list(state)  # ['weight', 'bias']
net = nn.Linear(2, 1)
net.load_state_dict(state)
net.eval().training  # False

# %%
# Error: can't get attribute 'Net' on module '__main__' (``torch.load``)
# ----------------------------------------------------------------------
#
# If you save a whole model, the file holds the names of its class and of
# the Python module, but not their code. The script that loads it must have
# the class under these names. If the class was imported, the message may be
# "No module named 'models'". Load the file where the class exists, and save
# the state dict from there.
class Net(nn.Linear):
    pass


file = io.BytesIO()
torch.save(Net(2, 1), file)
kept = Net
del Net
with suppress(AttributeError):
    file.seek(0)
    torch.load(
        file, weights_only=False
    )  # AttributeError: Can't get attribute 'Net'
Net = kept
file.seek(0)
state = torch.load(file, weights_only=False).state_dict()
list(state)  # ['weight', 'bias']

# %%
# Error: invalid load key '<' or 'v': the file holds no weights
# -------------------------------------------------------------
#
# The key is the first character of the file. ``<`` begins a web page, often
# a login page or a warning in place of the download. ``v`` begins "version
# https://git-lfs", a pointer that ``git lfs pull`` replaces with the real
# file. By default, ``torch.load`` says "Unsupported operand" with the
# number of the character, 60 or 118.
page = io.BytesIO(b"<!DOCTYPE html><title>Sign in</title>")
with suppress(pickle.UnpicklingError):
    torch.load(
        page, weights_only=False
    )  # UnpicklingError: invalid load key, '<'
pointer = io.BytesIO(b"version https://git-lfs.github.com/spec/v1")
with suppress(pickle.UnpicklingError):
    torch.load(
        pointer, weights_only=False
    )  # UnpicklingError: invalid load key, 'v'
pointer.seek(0)
with suppress(pickle.UnpicklingError):
    torch.load(pointer)  # UnpicklingError: Unsupported operand 118
chr(60), chr(118)  # ('<', 'v')

# %%
# Error: unsupported global: GLOBAL argparse.Namespace (``torch.load``)
# ---------------------------------------------------------------------
#
# The options from ``argparse`` are an object of the class ``Namespace``,
# which ``torch.load`` does not accept by default. Save ``vars(args)``
# instead, which is a dictionary. If you have such a file and trust it,
# allow the class with ``torch.serialization.safe_globals``.
args = argparse.Namespace(lr=0.1)
file = io.BytesIO()
torch.save({"args": args}, file)
file.seek(0)
with suppress(pickle.UnpicklingError):
    torch.load(file)  # UnpicklingError: GLOBAL argparse.Namespace was not
file.seek(0)
with torch.serialization.safe_globals([argparse.Namespace]):
    torch.load(file)["args"].lr  # 0.1
file = io.BytesIO()
torch.save({"args": vars(args)}, file)
file.seek(0)
torch.load(file)["args"]  # {'lr': 0.1}

# %%
# Error: unsupported global: numpy scalar (``torch.load``)
# --------------------------------------------------------
#
# A metric that NumPy or scikit-learn computes is often a NumPy number.
# Convert it with ``float`` before you save it. If you trust an old file,
# read it with ``weights_only=False`` and save it again.
file = io.BytesIO()
torch.save({"accuracy": np.float64(0.5)}, file)
file.seek(0)
with suppress(pickle.UnpicklingError):
    torch.load(file)  # UnpicklingError: GLOBAL numpy...scalar was not
file.seek(0)
old = torch.load(file, weights_only=False)
file = io.BytesIO()
torch.save({name: float(value) for name, value in old.items()}, file)
file.seek(0)
torch.load(file)  # {'accuracy': 0.5}

# %%
# Error: attempting to deserialize object on a CUDA device
# --------------------------------------------------------
#
# The tensors were saved on a GPU, and ``torch.load`` puts each tensor back
# on its device. This fails if the machine does not have that GPU, here
# number 63. Load the file with ``map_location="cpu"``. If the machine does
# have a GPU, PyTorch may be a build for the CPU: see
# :doc:`/reference/setup/installation`.
file = io.BytesIO()
torch.save(nn.Linear(2, 1).state_dict(), file)
file.seek(0)
with suppress(RuntimeError):
    torch.load(
        file, map_location="cuda:63"
    )  # RuntimeError: Attempting to deserialize object on
file.seek(0)
state = torch.load(file, map_location="cpu")
state["weight"].device.type  # 'cpu'

# %%
# Error: failed finding central directory (``torch.load``)
# --------------------------------------------------------
#
# "PytorchStreamReader failed reading zip archive" means that the end of the
# file is missing. The download was interrupted, the disk was full, or the
# process ended while it was writing. Delete the file, also from
# ``~/.cache/torch/hub/checkpoints``, and download it again. Save your own
# files under a temporary name and rename them when they are complete.
file = io.BytesIO()
torch.save({"weight": torch.ones(3)}, file)
whole = file.getvalue()
with suppress(RuntimeError):
    torch.load(
        io.BytesIO(whole[:-50])
    )  # RuntimeError: PytorchStreamReader failed reading zip archive
with suppress(EOFError):
    torch.load(io.BytesIO())  # EOFError
torch.load(io.BytesIO(whole))["weight"]  # tensor([1., 1., 1.])

# %%
# KeyError: 'state_dict': look at the keys of the file
# ----------------------------------------------------
#
# Some projects store the weights under a key such as "model", and others
# store the state dict alone. Print the keys before you choose one. If the
# keys are names of layers, the file is the state dict itself.
net = nn.Linear(2, 1)
file = io.BytesIO()
torch.save(net.state_dict(), file)
file.seek(0)
checkpoint = torch.load(file)
with suppress(KeyError):
    net.load_state_dict(checkpoint["state_dict"])  # KeyError: 'state_dict'
list(checkpoint)  # ['weight', 'bias']
usual = ("state_dict", "model_state_dict", "model", "net")
name = next((name for name in usual if name in checkpoint), None)
state = checkpoint if name is None else checkpoint[name]
len(net.load_state_dict(state).missing_keys)  # 0
