"""
Expected all tensors to be on the same device
=============================================

The error message names two devices, because one tensor was not moved. Print
the device of each parameter, buffer and input to find it. Usually it is a
tensor made in ``forward``, a plain attribute, a layer in a list, or the
batch. A "device-side assert" has another cause, often a wrong index, and
the same code on the CPU gives a clearer message. The models on this page
fail first and then work on the device that they are moved to.

On this page the device ``meta``, which every machine has, stands for the
GPU. Its message reads "Tensor on device cpu is not on the expected device
meta!". On a GPU it is "Expected all tensors to be on the same device, but
found at least two devices, cuda:0 and cpu!".

* Is it "Expected all tensors to be on the same device"?

  * Are you not sure which tensor it is? See *Print the device of every
    tensor*.
  * Is it a tensor in ``self``? See *A tensor in self: register_buffer*.
  * Is it a layer? See *A layer in a list, or made in forward*.
  * Is it made in ``forward``? See *A tensor made in forward*.
  * Is it the batch or the state of the optimizer? See *The batch, and the
    optimizer*.

* "can't convert cuda:0 device type tensor to numpy"? See *NumPy and
  Matplotlib need tensors on the CPU*.

* "Attempting to deserialize object on a CUDA device"? See *torch.load on a
  machine without CUDA*.

* "device-side assert triggered" or "illegal memory access"? See *CUDA
  error: device-side assert triggered*.

* "Cannot convert a MPS Tensor to float64"? See *A Mac: float64 does not
  exist on MPS*.

* "Placeholder storage has not been allocated on MPS device", "is not
  currently implemented for the MPS device" or "MPS backend out of memory"?
  See *A Mac: Placeholder storage, missing operators, MPS backend out of
  memory*.
"""
import tempfile
from contextlib import suppress
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

# %%
# Print the device of every tensor
# --------------------------------
#
# ``devices`` lists the devices of the parameters, the buffers and the plain
# tensor attributes of a model, and also those of layers in a plain list.
# Look for the tensor whose device differs from the rest.
gpu = "meta"


def devices(module, prefix=""):
    found = {n: t.device.type for n, t in module.state_dict().items()}
    for name, value in vars(module).items():
        if isinstance(value, torch.Tensor):
            found[name] = value.device.type
        if isinstance(value, list):
            for i, item in enumerate(value):
                if isinstance(item, nn.Module):
                    for key, kind in devices(item).items():
                        found[f"{name}[{i}].{key}"] = kind
    return found


# %%
# A tensor in ``self``: ``register_buffer``
# -----------------------------------------
#
# ``to`` moves parameters, buffers and submodules. A plain tensor attribute
# stays on the device where it was created. Register it as a buffer, so that
# ``to`` moves it. It is then also saved in the state dict, unless you pass
# ``persistent=False``.
class Scaled(nn.Module):
    def __init__(self, register):
        super().__init__()
        self.layer = nn.Linear(3, 2, device="cpu")
        scale = torch.ones(2, device="cpu")
        if register:
            self.register_buffer("scale", scale)
        else:
            self.scale = scale

    def forward(self, x):
        return self.layer(x) * self.scale


x = torch.ones(4, 3, device=gpu)
plain = Scaled(register=False).to(gpu)
with suppress(RuntimeError):
    plain(x)  # RuntimeError: Tensor on device cpu is not on the expected
devices(plain)["layer.weight"], devices(plain)["scale"]  # ('meta', 'cpu')
buffered = Scaled(register=True).to(gpu)
buffered(x).device.type  # 'meta'


# %%
# A layer in a list, or made in ``forward``
# -----------------------------------------
#
# A module does not register layers in a plain list, so ``to`` does not move
# them and an optimizer does not get their parameters. A layer made in
# ``forward`` is new in each call, with the same problems. Create the layers
# in ``__init__``, and put several layers into an ``nn.ModuleList``.
class Listed(nn.Module):
    def __init__(self, container):
        super().__init__()
        self.layers = container([nn.Linear(3, 3, device="cpu")])

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x


hidden = Listed(list).to(gpu)
with suppress(RuntimeError):
    hidden(x)  # RuntimeError: Tensor on device cpu is not on the expected
devices(hidden)["layers[0].weight"]  # 'cpu'
len(list(hidden.parameters()))  # 0
seen = Listed(nn.ModuleList).to(gpu)
seen(x).device.type  # 'meta'
len(list(seen.parameters()))  # 2


# %%
# A tensor made in ``forward``
# ----------------------------
#
# ``torch.zeros`` creates its tensor on the CPU by default. Take the device
# from the input instead, with ``device=x.device`` or ``torch.zeros_like``.
def forward(x, noise):
    return x + noise


with suppress(RuntimeError):
    forward(
        x, torch.zeros(4, 3, device="cpu")
    )  # RuntimeError: Tensor on device cpu is not on the expected
forward(x, torch.zeros(4, 3, device=x.device)).device.type  # 'meta'
forward(x, torch.zeros_like(x)).device.type  # 'meta'

# %%
# The batch, and the optimizer
# ----------------------------
#
# ``to`` moves a module in place, but for a tensor it returns a moved copy,
# so assign the result. Move each batch inside the training loop. Move the
# model before you create the optimizer. ``load_state_dict`` of an optimizer
# puts its state on the device of the parameters.
batch = torch.ones(4, 3, device="cpu")
batch.to(gpu)
batch.device.type  # 'cpu'
batch = batch.to(gpu)
batch.device.type  # 'meta'
seen(batch).device.type  # 'meta'

# %%
# NumPy and Matplotlib need tensors on the CPU
# --------------------------------------------
#
# NumPy cannot read a tensor on the GPU, so ``np.mean`` of a list of losses
# raises an error there. Use PyTorch functions for losses, which also keeps
# the gradient. For plots and metrics, write ``x.detach().cpu().numpy()``.
losses = [torch.tensor(1.0, requires_grad=True) * i for i in range(3)]
with suppress(TypeError):
    losses[0].detach().to(
        gpu
    ).numpy()  # TypeError: can't convert meta device type tensor to numpy
total = torch.stack(losses).sum()
total.item(), total.requires_grad  # (3.0, True)
total.detach().cpu().numpy().item()  # 3.0

# %%
# ``torch.load`` on a machine without CUDA
# ----------------------------------------
#
# A file stores the device of each tensor, and ``torch.load`` fails if this
# device is missing. Here GPU number 63 stands for the missing device. With
# ``map_location="cpu"`` the file loads on every machine. More about loading
# files is in :doc:`keys_do_not_match`.
with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "weights.pt"
    torch.save(nn.Linear(3, 2).state_dict(), path)
    with suppress(RuntimeError):
        torch.load(
            path, map_location="cuda:63"
        )  # RuntimeError: Attempting to deserialize object on
    state = torch.load(path, map_location="cpu")
state["weight"].device.type  # 'cpu'

# %%
# CUDA error: device-side assert triggered
# ----------------------------------------
#
# Usually a label is not below the number of classes, and the message
# contains "t >= 0 && t < n_classes". It can also be an index that is not
# below ``num_embeddings``. The line in the traceback is often the wrong
# one, because the GPU runs behind the program. Run the same batch on the
# CPU, where the error is raised at the right line, or set
# ``CUDA_LAUNCH_BLOCKING=1``. Start a new process after the assert.
logits = torch.zeros(1, 3, 2, 2, device="cpu")
mask = torch.tensor([[[0, 1], [2, 255]]], device="cpu")
with suppress(IndexError):
    F.cross_entropy(logits, mask)  # IndexError: Target 255 is out of bounds
mask.unique()  # tensor([0, 1, 2, 255])
F.cross_entropy(logits, mask, ignore_index=255)  # tensor(1.0986)
table = nn.Embedding(10, 3, device="cpu")
ids = torch.tensor([4, 10], device="cpu")
with suppress(IndexError):
    table(ids)  # IndexError: index out of range in self
ids.min().item() >= 0, ids.max().item() < 10  # (True, False)

# %%
# CUDA error: an illegal memory access was encountered
# ----------------------------------------------------
#
# A kernel, the code of an operation on the GPU, used memory outside its
# range. The cause can be an extension compiled for another PyTorch version,
# an index that a custom kernel does not check, or a fault in a library or
# in the GPU. Find the operation with ``CUDA_LAUNCH_BLOCKING=1`` or with the
# program ``compute-sanitizer``. Check indices before the call, rebuild
# extensions, and update PyTorch and the driver.
def check(index, size):
    low, high = index.min().item(), index.max().item()
    if low < 0 or high >= size:
        raise IndexError(f"{low} to {high} with size {size}")


check(torch.tensor([0, 9]), 10)
with suppress(IndexError):
    check(torch.tensor([0, 10]), 10)  # IndexError: 0 to 10 with size 10

# %%
# A Mac: float64 does not exist on MPS
# ------------------------------------
#
# MPS is the device for the GPU of a Mac. A NumPy array of floats is float64
# by default, and ``from_numpy`` keeps this dtype. To avoid "Cannot convert
# a MPS Tensor to float64 dtype", convert to float32 when you move the data.
# ``PYTORCH_ENABLE_MPS_FALLBACK`` does not help here.
array = np.array([0.5, 1.5])
torch.from_numpy(array).dtype  # torch.float64
target = "mps" if torch.backends.mps.is_available() else "cpu"
x = torch.as_tensor(array, dtype=torch.float32, device=target)
x.cpu()  # tensor([0.5000, 1.5000])

# %%
# A Mac: Placeholder storage, missing operators, MPS backend out of memory
# ------------------------------------------------------------------------
#
# "Placeholder storage has not been allocated on MPS device!" means that the
# model is on ``mps`` and the input is on the CPU, so move the input to
# ``mps`` as well. For an operator that "is not currently implemented for
# the MPS device", set the environment variable
# ``PYTORCH_ENABLE_MPS_FALLBACK=1`` before you start Python: the operator
# then runs on the CPU. For "MPS backend out of memory", use smaller
# batches, because the GPU of a Mac shares the memory of the machine.
# ``PYTORCH_MPS_HIGH_WATERMARK_RATIO=0.0`` removes the limit, and the system
# may then become unstable.
layer, batch = nn.Linear(2, 1, device=gpu), torch.ones(3, 2, device="cpu")
with suppress(RuntimeError):
    layer(batch)  # RuntimeError: is not on the expected device
layer(batch.to(gpu)).shape  # torch.Size([3, 1])
layer = nn.Linear(2, 1, device=target)
layer(batch.to(target)).shape  # torch.Size([3, 1])

# %%
# The result: all tensors of a model on one device
# ------------------------------------------------
#
# The repaired models have all their tensors on ``meta``, the device that
# they were moved to. In the failing models, tensors are still on the CPU.
# Put a check like this after ``model.to(device)``.
for model in (plain, buffered, hidden, seen):
    print(type(model).__name__, devices(model))
assert set(devices(plain).values()) == {"meta", "cpu"}
assert set(devices(buffered).values()) == {"meta"}
assert set(devices(hidden).values()) == {"cpu"}
assert set(devices(seen).values()) == {"meta"}
