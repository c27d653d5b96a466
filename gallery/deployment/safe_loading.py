"""
Load weights safely: ``weights_only=True``, ``safetensors``
===========================================================

A pickle file can run code when it is loaded. By default, ``torch.load``
refuses such files and loads plain weights. This page uses a harmless pickle
to show what a file can do, and looks into a file before it is loaded. It
also introduces ``safetensors``, a format that holds arrays and no code.
"""
import hashlib
import json
import pickle
import shutil
import tempfile
from contextlib import suppress
from importlib import metadata
from pathlib import Path

import matplotlib.pyplot as plt
import safetensors
import torch
from safetensors.torch import load_file, load_model, save_file, save_model
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional as F

# %%
# Train a model, to save and load it below
# ----------------------------------------
#
# The accuracy on the test set is measured here, and again after each way of
# saving and loading.
torch.manual_seed(0)
data = load_digits()
pixels = torch.tensor(data.data, dtype=torch.float32) / 16
labels = torch.tensor(data.target)
order = torch.randperm(len(pixels))
train_rows, test_rows = order[:1200], order[1200:]


def network():
    return nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 10))


model = network()
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
for _ in range(20):
    for rows in train_rows.split(64):
        optimizer.zero_grad()
        F.cross_entropy(model(pixels[rows]), labels[rows]).backward()
        optimizer.step()


@torch.inference_mode()
def accuracy(model):
    right = model(pixels[test_rows]).argmax(dim=1) == labels[test_rows]
    return right.float().mean().item()


device = torch.get_default_device()
temporary = tempfile.TemporaryDirectory()
folder = Path(temporary.name)
reached = {"trained": accuracy(model)}
print("safetensors", metadata.version(safetensors.__name__))

# %%
# Save and load a ``state_dict``: ``torch.load(weights_only=True)``
# -----------------------------------------------------------------
#
# The ``state_dict`` of this model holds a tensor for each name.
# ``weights_only=True`` is the default. If you write it out, readers of your
# code see that you rely on it. ``load_state_dict`` checks the names and the
# shapes.
torch.save(model.state_dict(), folder / "weights.pt")
weights = torch.load(
    folder / "weights.pt", map_location=device, weights_only=True
)
loaded = network()
loaded.load_state_dict(weights)
reached["state_dict"] = accuracy(loaded)

# %%
# What a pickle can do when it is loaded
# --------------------------------------
#
# A pickle can name a function and its arguments, and the function is called
# while the file is read. The function here copies a file within a temporary
# folder, but it could also send your files away. With
# ``weights_only=False``, the copy exists when ``torch.load`` returns.
# ``pickle.loads`` behaves in the same way.
copied = folder / "copied.pt"


class Surprise:
    def __reduce__(self):
        return shutil.copy, (str(folder / "weights.pt"), str(copied))


surprise = folder / "surprise.pt"
torch.save({"weights": Surprise()}, surprise)
copied.exists()  # False
loaded = torch.load(surprise, weights_only=False)
loaded["weights"] == str(copied)  # True
copied.exists()  # True
copied.unlink()
pickle.loads(pickle.dumps(Surprise())) == str(copied)  # True
copied.exists()  # True
copied.unlink()

# %%
# ``torch.load`` refuses such a file by default
# ---------------------------------------------
#
# The error names the function that the file would call. The message also
# suggests ``weights_only=False``. Follow this advice only if you trust the
# source of the file.
with suppress(pickle.UnpicklingError):
    torch.load(surprise)  # pickle.UnpicklingError: GLOBAL shutil.copy
copied.exists()  # False

# %%
# ``torch.load`` also refuses a whole model
# -----------------------------------------
#
# ``torch.save(model)`` pickles the model as an object of its classes, and
# ``torch.load`` refuses the file by default. Save the ``state_dict``
# instead. If you trust the source of an old file, allow its classes with
# ``torch.serialization.safe_globals``. The list must contain each class
# that is refused.
path = folder / "model.pt"
torch.save(model, path)
with suppress(pickle.UnpicklingError):
    torch.load(path)  # pickle.UnpicklingError: Unsupported global: GLOBAL
classes = [nn.Sequential, nn.Linear, nn.ReLU]
with torch.serialization.safe_globals(classes):
    whole = torch.load(path, map_location=device)
reached["whole model"] = accuracy(whole)

# %%
# Look into a file without loading it: ``get_unsafe_globals_in_checkpoint``
# -------------------------------------------------------------------------
#
# The function lists the names that the file would import and that are not
# allowed by default. It does not run the code in the file. If the list is
# empty, ``weights_only=True`` finds no name to refuse.
look = torch.serialization.get_unsafe_globals_in_checkpoint
look(folder / "weights.pt")  # []
look(surprise)  # ['shutil.copy']
"torch.nn.modules.linear.Linear" in look(folder / "model.pt")  # True
copied.exists()  # False

# %%
# ``safetensors``: a format with arrays and no code
# -------------------------------------------------
#
# The file begins with a header in JSON, which gives the dtype, shape and
# position of each tensor. The bytes of the tensors follow. ``load_file``
# reads the file without pickle, and it refuses the pickle file from above.
save_file(model.state_dict(), folder / "weights.safetensors")
content = (folder / "weights.safetensors").read_bytes()
length = int.from_bytes(content[:8], "little")
header = json.loads(content[8 : 8 + length])
header["2.bias"]["dtype"], header["2.bias"]["shape"]  # ('F32', [10])
weights = load_file(folder / "weights.safetensors", device=str(device))
loaded = network()
loaded.load_state_dict(weights)
reached["safetensors"] = accuracy(loaded)
with suppress(safetensors.SafetensorError):
    load_file(surprise)  # SafetensorError: header too large
copied.exists()  # False


# %%
# Tied weights: ``save_model`` and ``load_model``
# -----------------------------------------------
#
# ``save_file`` raises an error if two names share the same memory, because
# the file would hold the weights twice. ``save_model`` writes them once,
# and ``load_model`` ties them again.
def tied_network():
    embed, out = nn.Embedding(10, 4), nn.Linear(4, 10, bias=False)
    out.weight = embed.weight
    return nn.ModuleDict({"embed": embed, "out": out})


tied, other = tied_network(), tied_network()
file = str(folder / "tied.safetensors")
with suppress(RuntimeError):
    save_file(tied.state_dict(), file)  # RuntimeError: tensors share memory
save_model(tied, file)
load_model(other, file)
torch.equal(other["embed"].weight, tied["embed"].weight)  # True
other["embed"].weight is other["out"].weight  # True

# %%
# Check that you have the right file: compare its SHA-256
# -------------------------------------------------------
#
# A format without code does not tell you who wrote the numbers. A file with
# one changed byte loads without an error, and one of its tensors is
# different. Publish the hash in another place than the file, and compare it
# before you load the file.
path = folder / "weights.safetensors"
published = hashlib.sha256(path.read_bytes()).hexdigest()
changed = bytearray(path.read_bytes())
changed[-1] ^= 0x80
path.write_bytes(changed)
altered = load_file(path)
same = [
    torch.equal(altered[name].cpu(), tensor.cpu())
    for name, tensor in model.state_dict().items()
]
same.count(False)  # 1
hashlib.sha256(path.read_bytes()).hexdigest() == published  # False

# %%
# The result: the same accuracy for each way of saving
# ----------------------------------------------------
#
# Each way of saving and loading gives the same accuracy, above 93 %. The
# ways differ in what a file may do when it is loaded. The bars show the
# sizes of the files, which are all less than 20 % larger than the weights.
names = "weights.pt", "model.pt", "weights.safetensors"
sizes = {name: (folder / name).stat().st_size for name in names}
temporary.cleanup()
print(reached)
print(sizes)
assert 0.93 < reached["trained"] <= 1.0, reached
assert len(set(reached.values())) == 1 and len(reached) == 4, reached
raw = sum(4 * tensor.numel() for tensor in model.parameters())
assert all(raw < size < 1.2 * raw for size in sizes.values()), sizes

figure, ax = plt.subplots(figsize=(9, 3))
bars = ax.barh(list(sizes), [size / 1000 for size in sizes.values()])
bars[1].set_color("C3")
ax.bar_label(bars, fmt="%.1f kB", color="grey", padding=4)
ax.set(xlabel="kB")
ax.invert_yaxis()
ax.margins(x=0.15)
figure.tight_layout()
