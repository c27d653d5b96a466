"""
State dicts and buffers
=======================

Save and load the parameters and buffers of a module, and solve the errors
that loading raises.
"""
import io
import pickle
from contextlib import suppress

import torch
from torch import nn

# %%
# ``parameters()`` or ``state_dict()``: what each holds
# -----------------------------------------------------
#
# ``parameters`` gives the learned tensors, which you pass to the optimizer.
# ``state_dict`` is what you save: it gives the parameters and the buffers
# by name. A buffer is a tensor that is not learned, such as a running mean.
# The tensors of the state dict are detached and share memory with the
# module.
norm = nn.BatchNorm1d(2)
[name for name, _ in norm.named_parameters()]  # ['weight', 'bias']
list(norm.state_dict())[:3]  # ['weight', 'bias', 'running_mean']
norm.state_dict()["running_var"]  # tensor([1., 1.])
norm.state_dict()["num_batches_tracked"]  # tensor(0)
norm.weight.requires_grad  # True
norm.state_dict()["weight"].requires_grad  # False

# %%
# State that is not learned: ``nn.Module.register_buffer``
# --------------------------------------------------------
#
# A buffer is moved and saved together with the module, but it is not a
# parameter. With ``persistent=False`` it is not saved, which suits values
# that you can compute again. Assigning an ``nn.Buffer`` to an attribute
# also registers a buffer.
module = nn.Module()
module.register_buffer("mean", torch.tensor([1.0, 2.0]))
module.register_buffer("mask", torch.ones(2), persistent=False)
module.steps = nn.Buffer(torch.tensor(0))
[name for name, _ in module.named_buffers()]  # ['mean', 'mask', 'steps']
list(module.state_dict())  # ['mean', 'steps']
len(list(module.parameters()))  # 0
module.double().mean.dtype  # torch.float64
module.get_buffer("steps")  # tensor(0)
[b.numel() for b in module.buffers()]  # [2, 2, 1]

# %%
# Save and load a model: ``torch.save``, ``load_state_dict``
# ----------------------------------------------------------
#
# Save the state dict. Later, create the model from its code and load the
# state dict into it. By default ``torch.load`` uses ``weights_only=True``
# and reads tensors, numbers, strings and plain containers. Here
# ``io.BytesIO`` takes the place of the file.
net = nn.Linear(3, 2)
file = io.BytesIO()
torch.save(net.state_dict(), file)
file.seek(0)
state = torch.load(file, weights_only=True)
twin = nn.Linear(3, 2)
twin.load_state_dict(state)
torch.equal(twin.weight, net.weight)  # True
twin.weight is net.weight  # False

# %%
# Save a whole model: weights only load failed
# --------------------------------------------
#
# ``torch.save`` stores a module as a pickle that refers to its class by
# name, so the file depends on your code. By default ``torch.load`` raises
# an error for such a file. ``weights_only=False`` loads it, but it may run
# code from the file, so use it only for files that you trust.
net = nn.Linear(3, 2)
file = io.BytesIO()
torch.save(net, file)
file.seek(0)
with suppress(pickle.UnpicklingError):
    torch.load(file)  # UnpicklingError: Weights only load failed
file.seek(0)
torch.load(file, weights_only=False)  # type Linear

# %%
# Keep the best weights: ``state_dict`` is no copy
# ------------------------------------------------
#
# The tensors in the state dict share memory with the module, so they change
# when the training continues. Clone each tensor, or use ``copy.deepcopy``.
net = nn.Linear(1, 1)
nn.init.constant_(net.weight, 1.0)
best = net.state_dict()
kept = {name: x.clone() for name, x in net.state_dict().items()}
nn.init.constant_(net.weight, 9.0)
best["weight"]  # tensor([[9.]])
kept["weight"]  # tensor([[1.]])
net.load_state_dict(kept)
net.weight.item()  # 1.0

# %%
# Load part of a model: ``load_state_dict(strict=False)``
# -------------------------------------------------------
#
# With ``strict=False`` the tensors whose names match are loaded, and the
# other names are returned in two lists. Look at both lists, because with a
# misspelled prefix nothing is loaded and no error is raised. The shapes
# must still match.
old = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 5))
new = nn.Sequential(nn.Linear(2, 3))
new.head = nn.Linear(3, 7)
result = new.load_state_dict(old.state_dict(), strict=False)
result.missing_keys  # ['head.weight', 'head.bias']
result.unexpected_keys  # ['1.weight', '1.bias']
torch.equal(new[0].weight, old[0].weight)  # True

# %%
# Remove the prefix "module." from a state dict
# ---------------------------------------------
#
# ``nn.DataParallel`` and ``DistributedDataParallel`` keep the model in a
# submodule ``module``, which adds this prefix to the names.
# ``torch.compile`` adds ``_orig_mod.``.
# ``torch.nn.modules.utils.consume_prefix_in_state_dict_if_present`` removes
# a prefix in place.
#
# .. glance:: list(plain)
net = nn.Linear(2, 1)
wrapper = nn.Module()
wrapper.module = net
state = wrapper.state_dict()
list(state)  # ['module.weight', 'module.bias']
nn.modules.utils.consume_prefix_in_state_dict_if_present(state, "module.")
list(state)  # ['weight', 'bias']
renamed = {"module." + name: x for name, x in state.items()}
plain = {name.removeprefix("module."): x for name, x in renamed.items()}
list(plain)  # ['weight', 'bias']

# %%
# Load without copying: ``load_state_dict(assign=True)``
# ------------------------------------------------------
#
# By default the values are copied into the existing parameters, which keep
# their dtype and device. With ``assign=True`` the loaded tensors replace
# the parameters. A module on the meta device needs this, because its
# parameters have no memory to copy into. Create the optimizer afterwards,
# and tie shared weights again.
#
# .. glance:: net.weight.dtype  # torch.float64
state = {"weight": torch.ones(1, 2, dtype=torch.float64)}
net = nn.Linear(2, 1, bias=False)
net.load_state_dict(state)
net.weight.dtype  # torch.float32
net.load_state_dict(state, assign=True)
net.weight.dtype  # torch.float64
net = nn.Linear(2, 1, bias=False, device="meta")
net.load_state_dict(state)  # UserWarning: copying from a non-meta parameter
net.load_state_dict(state, assign=True)
net.weight.tolist()  # [[1.0, 1.0]]
tied = nn.Sequential(nn.Embedding(3, 2), nn.Linear(2, 3, bias=False))
tied[1].weight = tied[0].weight
tied.load_state_dict(tied.state_dict(), assign=True)
tied[1].weight is tied[0].weight  # False
tied[1].weight = tied[0].weight

# %%
# Save more than tensors: ``get_extra_state``, ``set_extra_state``
# ----------------------------------------------------------------
#
# The value that ``get_extra_state`` returns is stored in the state dict
# under ``_extra_state``. On loading it is passed to ``set_extra_state``.
# Use plain Python types, so that ``torch.load`` accepts the file by
# default.
class Tokenizer(nn.Module):
    def __init__(self, words=()):
        super().__init__()
        self.words = list(words)

    def get_extra_state(self):
        return self.words

    def set_extra_state(self, state):
        self.words = state


state = Tokenizer(["a", "b"]).state_dict()
state["_extra_state"]  # ['a', 'b']
fresh = Tokenizer()
fresh.load_state_dict(state)
fresh.words  # ['a', 'b']

# %%
# Rename keys while loading: ``register_load_state_dict_pre_hook``
# ----------------------------------------------------------------
#
# A hook set with ``register_load_state_dict_pre_hook`` changes the dict
# before the module reads it, so you can still load old files. A hook set
# with ``register_load_state_dict_post_hook`` receives the missing and
# unexpected keys. ``register_state_dict_pre_hook`` and
# ``register_state_dict_post_hook`` add hooks that run before and after
# ``state_dict()``.
def rename(module, state, prefix, *_):
    if prefix + "kernel" in state:
        state[prefix + "weight"] = state.pop(prefix + "kernel")


def report(module, incompatible):
    seen.extend(incompatible.missing_keys)


seen = []
net = nn.Linear(2, 1)
net.register_load_state_dict_pre_hook(rename)
net.register_load_state_dict_post_hook(report)
net.load_state_dict({"kernel": torch.ones(1, 2)}, strict=False)
net.weight.tolist(), seen  # ([[1.0, 1.0]], ['bias'])
net.register_state_dict_pre_hook(lambda *_: seen.append("saving"))
net.register_state_dict_post_hook(lambda m, sd, *_: sd.update(version=2))
list(net.state_dict())  # ['weight', 'bias', 'version']
seen  # ['bias', 'saving']

# %%
# Error(s) in loading state_dict: missing and unexpected keys
# -----------------------------------------------------------
#
# By default the state dict must have exactly the names of the module.
# Compare the two sets of keys. The usual causes are a common prefix and
# another version of the class.
net = nn.Linear(2, 1)
with suppress(RuntimeError):
    net.load_state_dict({})  # RuntimeError: Missing key(s) in state_dict
state = net.state_dict()
state["scale"] = torch.ones(1)
with suppress(RuntimeError):
    net.load_state_dict(state)  # RuntimeError: Unexpected key(s)
state.keys() - net.state_dict().keys()  # {'scale'}

# %%
# Error: size mismatch for weight (``load_state_dict``)
# -----------------------------------------------------
#
# ``strict=False`` does not accept different shapes. Remove the entries
# whose shape differs, for example an output layer for another number of
# classes, and load the others.
net = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 10))
state = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 5)).state_dict()
with suppress(RuntimeError):
    net.load_state_dict(state, strict=False)  # RuntimeError: size mismatch
now = net.state_dict()
fits = {k: x for k, x in state.items() if x.shape == now[k].shape}
list(fits)  # ['0.weight', '0.bias']
net.load_state_dict(fits, strict=False).unexpected_keys  # []
