"""
Missing key(s) in state_dict: keys and sizes that do not match
==============================================================

``load_state_dict`` lists the keys that the model expects and the file lacks
(missing), and the keys that only the file has (unexpected). Compare the two
lists. A prefix ``module.`` comes from a wrapper, ``_orig_mod.`` comes from
``torch.compile``, and other names come from changed code. The files on this
page fail to load at first. After the repair, they give the accuracy they
were saved with. Only a new output layer must be trained.

* Does no key match?

  * Is there a prefix ``module.``? See *Prefix module.: saved on several
    GPUs*.
  * Is there a prefix ``_orig_mod.``? See *Prefix _orig_mod.: saved after
    torch.compile*.
  * Are the keys of the file ``model``, ``optimizer`` or ``epoch``? See *The
    file is a checkpoint, not a state dict*.

* Do some keys differ?

  * Were layers renamed or moved? See *Renamed layers: rename the keys of
    the file*.
  * Is it a size mismatch of the last layer? See *Size mismatch for the
    head: load the rest*.

* Is there no error, but the model is bad? See *strict=False hides that
  nothing was loaded*.

* Does ``torch.load`` itself fail with a message about CUDA? See *A file
  from a GPU: map_location*.
"""
import tempfile
from contextlib import suppress
from copy import deepcopy
from pathlib import Path

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn
from torch.nn.modules.utils import consume_prefix_in_state_dict_if_present

# %%
# A trained model, and its weights in a file
# ------------------------------------------
#
# A small network classifies handwritten digits. Its state dict is saved to
# a file in a temporary folder and loaded again, as in real work. More on
# saving and loading is in :doc:`/gallery/training/loading_weights`.
torch.manual_seed(0)
device = torch.get_default_device()
digits = load_digits()
order = torch.randperm(1797)
x = torch.tensor(digits.data, dtype=torch.float32, device=device)[order]
x, y = x / 16, torch.tensor(digits.target, device=device)[order]


class Net(nn.Module):
    def __init__(self, classes=10):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(64, 64), nn.ReLU())
        self.head = nn.Linear(64, classes)

    def forward(self, x):
        return self.head(self.body(x))


@torch.inference_mode()
def accuracy(model):
    answers = model.eval()(x[1400:]).argmax(dim=1)
    return (answers == y[1400:]).float().mean().item()


# %%
# Train, save and read
# --------------------
#
# ``through_file`` writes a state dict with ``torch.save`` and reads it with
# ``weights_only=True``. ``loaded`` collects the repaired models for the
# comparison at the end.
def train(model, steps=150):
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(steps):
        rows = torch.randint(1400, (128,))
        optimizer.zero_grad()
        F.cross_entropy(model(x[rows]), y[rows]).backward()
        optimizer.step()
    return model


def through_file(state, map_location=device):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "weights.pt"
        torch.save(state, path)
        return torch.load(
            path, map_location=map_location, weights_only=True
        )


trained = train(Net())
saved_accuracy = accuracy(trained)
loaded = {}
list(trained.state_dict())[:2]  # ['body.0.weight', 'body.0.bias']
list(trained.state_dict())[2:]  # ['head.weight', 'head.bias']

# %%
# Read the error: ``Missing key(s)`` and ``Unexpected key(s)``
# ------------------------------------------------------------
#
# Missing keys are in the model but not in the file. Unexpected keys are in
# the file but not in the model. ``compare`` returns the missing and the
# unexpected names as two lists, so your code can test them.
def compare(model, state):
    wanted, given = set(model.state_dict()), set(state)
    return sorted(wanted - given), sorted(given - wanted)


state = through_file(trained.state_dict())
compare(Net(), state)  # ([], [])
Net().load_state_dict(state)
del state["head.bias"]
state["extra"] = torch.zeros(1)
missing, unexpected = compare(Net(), state)
missing, unexpected  # (['head.bias'], ['extra'])
with suppress(RuntimeError):
    Net().load_state_dict(state)  # RuntimeError: Missing key(s) in

# %%
# Prefix module.: saved on several GPUs
# -------------------------------------
#
# ``nn.DataParallel`` and ``DistributedDataParallel`` hold the model as
# their submodule ``module``, so every key gets that prefix. Remove it in
# place, or better, save ``wrapper.module.state_dict()``. In new code use
# ``DistributedDataParallel``, even on one machine, because it runs one
# process for each GPU and does not copy the model in each step. The wrapper
# may move its model to a GPU, so a copy is wrapped here.
wrapper = nn.DataParallel(deepcopy(trained))
state = through_file(wrapper.state_dict())
list(state)[2:]  # ['module.head.weight', 'module.head.bias']
with suppress(RuntimeError):
    Net().load_state_dict(state)  # RuntimeError: Unexpected key(s) in
consume_prefix_in_state_dict_if_present(state, "module.")
loaded["module."] = Net()
loaded["module."].load_state_dict(state)
list(wrapper.module.state_dict())[2:]  # ['head.weight', 'head.bias']

# %%
# The reverse: the model is wrapped and the file is not
# -----------------------------------------------------
#
# Load the weights before you wrap the model, or load them into
# ``wrapper.module``. You can also add the prefix ``module.`` to the keys,
# but then the next reader of the file has the same problem.
state = through_file(trained.state_dict())
wrapper = nn.DataParallel(Net())
with suppress(RuntimeError):
    wrapper.load_state_dict(
        state
    )  # RuntimeError: Missing key(s) in state_dict: "module.body.0.weight"
wrapper.module.load_state_dict(state)
loaded["into wrapper"] = wrapper.module.to(device)

# %%
# Prefix _orig_mod.: saved after torch.compile
# --------------------------------------------
#
# ``torch.compile(model)`` returns a wrapper, too. Save the state dict of
# the original model, or use ``model.compile()``, which compiles in place
# and leaves the keys as they are. A file can have both prefixes, in either
# order, and ``plain_keys`` removes both. ``backend="eager"`` is used here
# to save time.
def plain_keys(state, prefixes=("module.", "_orig_mod.")):
    plain = {}
    for key, value in state.items():
        for prefix in prefixes * 2:
            key = key.removeprefix(prefix)
        plain[key] = value
    return plain


compiled = torch.compile(deepcopy(trained), backend="eager")
state = through_file(compiled.state_dict())
list(state)[2:]  # ['_orig_mod.head.weight', '_orig_mod.head.bias']
both = nn.DataParallel(compiled).state_dict()
list(both)[3]  # 'module._orig_mod.head.bias'
list(plain_keys(both)) == list(trained.state_dict())  # True
loaded["_orig_mod."] = Net()
loaded["_orig_mod."].load_state_dict(plain_keys(state))

# %%
# The file is a checkpoint, not a state dict
# ------------------------------------------
#
# Many files hold the state dict together with other things. The unexpected
# keys show this, because they are not names of layers. Look at the keys of
# the loaded object first.
checkpoint = {"model": trained.state_dict(), "epoch": 7}
file = through_file(checkpoint)
list(file)  # ['model', 'epoch']
with suppress(RuntimeError):
    Net().load_state_dict(
        file
    )  # RuntimeError: Unexpected key(s) in state_dict: "model", "epoch"
Net().load_state_dict(file["model"])

# %%
# Renamed layers: rename the keys of the file
# -------------------------------------------
#
# The file comes from older code, in which the layers were called
# ``features`` and ``classifier``. Write the old and the new names into a
# dictionary. A wrong pair raises an error only if the sizes differ, so two
# layers of the same size can change places unnoticed. Keys that are not in
# the dictionary stay as they are.
def rename(state, names):
    new = {}
    for key, value in state.items():
        for old, name in names.items():
            if key.startswith(old + "."):
                key = name + key.removeprefix(old)
        new[key] = value
    return new


older = rename(
    trained.state_dict(), {"body": "features", "head": "classifier"}
)
state = through_file(older)
list(state)[1:3]  # ['features.0.bias', 'classifier.weight']
state = rename(state, {"features": "body", "classifier": "head"})
compare(Net(), state)  # ([], [])
loaded["renamed"] = Net()
loaded["renamed"].load_state_dict(state)

# %%
# Size mismatch for the head: load the rest
# -----------------------------------------
#
# The new task has five classes. The names agree but the sizes do not, and
# ``strict=False`` does not help. Load only the keys whose shapes agree, and
# check that nothing but the head is missing. The head must be trained.
state = through_file(trained.state_dict())
five = Net(classes=5)
with suppress(RuntimeError):
    five.load_state_dict(
        state, strict=False
    )  # RuntimeError: size mismatch for head.weight: copying a param
shapes = {name: value.shape for name, value in five.state_dict().items()}
fitting = {n: v for n, v in state.items() if shapes.get(n) == v.shape}
result = five.load_state_dict(fitting, strict=False)
result.missing_keys  # ['head.weight', 'head.bias']
result.unexpected_keys  # []
torch.equal(five.body[0].weight, trained.body[0].weight)  # True

# %%
# ``strict=False`` hides that nothing was loaded
# ----------------------------------------------
#
# A model is trained with ``nn.DataParallel`` and tested without it. Because
# of the prefix, no name agrees. ``strict=False`` turns the error into a
# return value that is easy to overlook, and the model keeps its random
# weights, so it gives random predictions and no loading error. The same
# happens if you keep only the keys that the model has, too, and ``update``
# the state dict of the model with them, because no key is left. Check
# ``missing_keys`` and ``unexpected_keys`` of the return value, and count
# the keys that agree.
wrapper = nn.DataParallel(deepcopy(trained))
state = through_file(wrapper.state_dict())
untouched = Net()
result = untouched.load_state_dict(state, strict=False)
len(result.missing_keys), len(result.unexpected_keys)  # (4, 4)
chance = accuracy(untouched)
chance < 0.3  # True
own = untouched.state_dict()
known = {name: value for name, value in state.items() if name in own}
len(known)  # 0
own.update(known)
untouched.load_state_dict(own).missing_keys  # []
accuracy(untouched) == chance  # True

# %%
# A file from a GPU: ``map_location``
# -----------------------------------
#
# Tensors are loaded to the device they were saved on. If that device does
# not exist, ``torch.load`` raises an error. Here ``cuda:63`` stands for
# such a device. ``map_location`` chooses another device. ``"cpu"`` works on
# every machine, and ``load_state_dict`` then copies the values to the
# device of the model.
missing_gpu = "cuda:63"
with suppress(RuntimeError):
    through_file(
        trained.state_dict(), map_location=missing_gpu
    )  # RuntimeError: Attempting to deserialize object on ... map_location
state = through_file(trained.state_dict(), map_location="cpu")
{value.device.type for value in state.values()}  # {'cpu'}
loaded["map_location"] = Net()
loaded["map_location"].load_state_dict(state)
loaded["map_location"].head.weight.device.type == device.type  # True

# %%
# The result: each repaired file gives the accuracy from before
# -------------------------------------------------------------
#
# Names that agree do not prove that the model is the right one. The proof
# is the accuracy that the model had when it was saved. Each repaired file
# gives it again, and the model loaded with ``strict=False`` is about as
# good as chance.
found = {name: accuracy(model) for name, model in loaded.items()}
found["strict=False"] = chance
print(f"{saved_accuracy=:.3f}")
for name, value in found.items():
    print(f"{name:14}{value:.3f}")
assert 0.93 < saved_accuracy <= 1.0, saved_accuracy
for name in loaded:
    assert found[name] == saved_accuracy, name
assert chance < 0.3, chance

figure, ax = plt.subplots(figsize=(9, 3.6))
colors = ["C0"] * len(loaded) + ["C1"]
bars = ax.barh(list(found), list(found.values()), color=colors)
ax.bar_label(bars, fmt="%.2f", padding=6)
ax.axvline(saved_accuracy, linestyle=":", color="grey")
ax.set(xlabel="accuracy", xlim=(0, 1.12))
ax.invert_yaxis()
figure.tight_layout()
