"""
Errors when saving and loading
==============================

Solve common problems with ``torch.save``, ``torch.load`` and
``load_state_dict``, and compare a loaded model with the one that was saved.
"""
import io
from contextlib import suppress
from copy import deepcopy

import numpy as np
import torch
from torch import nn

# %%
# Error: Expected state_dict to be dict-like, got <class 'str'>
# -------------------------------------------------------------
#
# ``load_state_dict`` takes a dictionary of tensors. If you have a path or
# an open file, call ``torch.load`` first. If you have another model, pass
# its ``state_dict()``.
net = nn.Linear(2, 1)
with suppress(TypeError):
    net.load_state_dict(
        "net.pth"
    )  # TypeError: Expected state_dict to be dict-like, got
with suppress(TypeError):
    net.load_state_dict(nn.Linear(2, 1))  # TypeError: dict-like, got <class
file = io.BytesIO()
torch.save(net.state_dict(), file)
file.seek(0)
net.load_state_dict(torch.load(file, weights_only=True)).missing_keys  # []

# %%
# Error: '_IncompatibleKeys' object has no attribute 'eval'
# ---------------------------------------------------------
#
# ``load_state_dict`` changes the model and returns two lists of keys, so do
# not assign its result to the model. ``eval()`` does return the model.
net, state = nn.Linear(2, 1), nn.Linear(2, 1).state_dict()
result = net.load_state_dict(state)
with suppress(AttributeError):
    result.eval()  # AttributeError: '_IncompatibleKeys' object has no
result.missing_keys, result.unexpected_keys  # ([], [])
torch.equal(net.weight, state["weight"])  # True
net.eval() is net  # True

# %%
# Error: Parent directory does not exist (``torch.save``)
# -------------------------------------------------------
#
# ``torch.save`` does not create folders. Create the folder first with
# ``Path(folder).mkdir(parents=True, exist_ok=True)``. A relative path
# starts at the current working folder, which may not be the folder of your
# script. If a file is not found, print ``Path(name).resolve()``.
with suppress(RuntimeError):
    torch.save(
        {}, "no_such_folder/net.pth"
    )  # RuntimeError: Parent directory no_such_folder does not exist
with suppress(FileNotFoundError):
    torch.load(
        "no_such_file.pth"
    )  # FileNotFoundError: No such file or directory

# %%
# The loaded model predicts differently: compare weights, call ``eval()``
# -----------------------------------------------------------------------
#
# If weights, buffers and inputs are equal, the outputs in ``eval()`` are
# equal as well. First check that all tensors of both state dicts agree, and
# that both models are in ``eval()``. If the validation accuracy was high
# and a test with the same images is worse, compare the input tensors: size,
# scale, normalization and order of the channels must be the same.
net = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3), nn.Dropout(0.5))
net(torch.randn(8, 3))  # shape (8, 3)
loaded = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3), nn.Dropout(0.5))
loaded.load_state_dict(net.state_dict())
state, other = net.state_dict(), loaded.state_dict()
[name for name in state if not torch.equal(state[name], other[name])]  # []
x = torch.randn(4, 3)
torch.equal(net(x), loaded(x))  # False
torch.equal(net.eval()(x), loaded.eval()(x))  # True
torch.equal(net(x), loaded(255 * x))  # False

# %%
# Two models of the same class give different outputs: copy the weights
# ---------------------------------------------------------------------
#
# Each new model draws its own random initial weights, so two models of the
# same class give different outputs for the same input. Copy the weights
# with ``load_state_dict``, or copy the whole model with ``deepcopy``.
# Setting the same seed before each construction gives equal weights, too.
# Call ``eval()`` so that dropout does not change the outputs.
def build():
    return nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.5)).eval()


first, second = build(), build()
x = torch.ones(1, 4)
torch.equal(first(x), second(x))  # False
second.load_state_dict(first.state_dict())
torch.equal(first(x), second(x))  # True
torch.equal(first(x), deepcopy(first)(x))  # True
torch.manual_seed(0)
third = build()
torch.manual_seed(0)
torch.equal(third(x), build()(x))  # True
first.train(), second.train()
torch.equal(first(x), second(x))  # False

# %%
# Unexpected key(s) such as position_ids: leave them out
# ------------------------------------------------------
#
# An older version of the class saved a buffer, which is a tensor that is
# not a parameter. The new version does not have this buffer, or does not
# save it because of ``persistent=False``. The buffer is computed and not
# learned, so remove its key. Keep ``strict=True``, so that a missing weight
# still raises an error.
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(2, 2)
        self.register_buffer("ids", torch.arange(3), persistent=False)


net = Net()
state = net.state_dict() | {"ids": torch.arange(3)}
with suppress(RuntimeError):
    net.load_state_dict(
        state
    )  # RuntimeError: Unexpected key(s) in state_dict: "ids"
state = {name: x for name, x in state.items() if name != "ids"}
net.load_state_dict(state).missing_keys  # []

# %%
# Several models in one file: a dictionary of state dicts
# -------------------------------------------------------
#
# Save an encoder and a decoder, a generator and a discriminator, or a model
# and its optimizer in one file, each under its own name. Load each part
# with its own ``load_state_dict``.
encoder, decoder = nn.Linear(4, 2), nn.Linear(2, 4)
file = io.BytesIO()
parts = {"encoder": encoder, "decoder": decoder}
torch.save({name: m.state_dict() for name, m in parts.items()}, file)
file.seek(0)
checkpoint = torch.load(file)
list(checkpoint)  # ['encoder', 'decoder']
new = nn.Linear(2, 4)
new.load_state_dict(checkpoint["decoder"])
torch.equal(new.weight, decoder.weight)  # True

# %%
# Half the file size: save float16 or bfloat16, load into float32
# ---------------------------------------------------------------
#
# Convert the float tensors of the state dict before you save it.
# ``load_state_dict`` converts them back to the dtype of the model while it
# copies. Rounding loses digits, so keep float32 in a file from which you
# resume training.
net = nn.Linear(64, 64)
half = {name: x.half() for name, x in net.state_dict().items()}
bytes_of = {x.dtype: x.nbytes for x in (net.weight, half["weight"])}
bytes_of[torch.float32], bytes_of[torch.float16]  # (16384, 8192)
new = nn.Linear(64, 64)
new.load_state_dict(half)
new.weight.dtype  # torch.float32
(new.weight - net.weight).abs().max() < 1e-4  # tensor(True)

# %%
# Weights from NumPy arrays: ``torch.from_numpy`` for each name
# -------------------------------------------------------------
#
# To turn an ``.npz`` file or a dictionary of arrays into a state dict,
# convert each array and give it the name of the parameter. Arrays from
# other libraries may need a transpose. ``load_state_dict`` checks the
# shapes.
arrays = {"w": np.ones((3, 2), dtype="float32"), "b": np.zeros(2)}
names = {"w": "weight", "b": "bias"}
state = {names[key]: torch.from_numpy(a.T) for key, a in arrays.items()}
net = nn.Linear(3, 2)
len(net.load_state_dict(state).missing_keys)  # 0
net.weight.shape, net.bias.dtype  # (torch.Size([2, 3]), torch.float32)
net(torch.ones(1, 3))  # shape (1, 2)

# %%
# Error: size mismatch in every layer (build with the sizes of the file)
# ----------------------------------------------------------------------
#
# If inner layers differ and not only the last one, the file belongs to
# another variant of the model. Dropping keys would drop most of the
# weights. Read the sizes from the tensors, and create the model with them.
def make(inputs, hidden, classes):
    first = nn.Linear(inputs, hidden)
    return nn.Sequential(first, nn.Linear(hidden, classes))


state = make(8, 32, 10).state_dict()
with suppress(RuntimeError):
    other = make(8, 48, 10)
    other.load_state_dict(state)  # RuntimeError: size mismatch for 0.weight
hidden, inputs = state["0.weight"].shape
model = make(inputs, hidden, len(state["1.bias"]))
model.load_state_dict(state).missing_keys  # []
hidden, inputs  # (32, 8)
