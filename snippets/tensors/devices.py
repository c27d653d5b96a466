"""
Devices
=======

Choose the CPU or a GPU, move tensors and models, keep them together.
"""
from contextlib import suppress

import numpy as np
import torch
from torch import nn

# %%
# Is there a GPU: ``torch.cuda.is_available``, ``device_count``
# -------------------------------------------------------------
#
# ``is_available`` asks whether a GPU can be used now, where
# ``torch.version.cuda`` only says what PyTorch was built for. Making a
# ``torch.device`` asks nobody: whether "cuda:1" exists shows when a tensor
# goes there.
count = torch.cuda.device_count()
torch.cuda.is_available() == (count > 0)  # True
names = [torch.cuda.get_device_name(i) for i in range(count)]
built = torch.version.cuda or torch.version.hip
torch.backends.cuda.is_built() == (built is not None)  # True
gpu = torch.device("cuda", 1)
(gpu.type, gpu.index)  # ('cuda', 1)
gpu == torch.device("cuda:1")  # True

# %%
# Choose the device once: ``torch.accelerator.current_accelerator``
# -----------------------------------------------------------------
#
# One line for NVIDIA, AMD, Apple and Intel alike; ask for
# ``check_available``, or it names what PyTorch was built for, present or
# not. Code below this line says ``device`` and never "cuda".
device = torch.accelerator.current_accelerator(check_available=True)
(device is None) == (not torch.accelerator.is_available())  # True
device = device or torch.device("cpu")
torch.ones(2, device=device).device.type == device.type  # True
old = "cuda" if torch.cuda.is_available() else "cpu"
torch.ones(2, device=old).device.type == old  # True

# %%
# Move model and batch: ``nn.Module.to``, ``Tensor.to``
# -----------------------------------------------------
#
# A module moves itself and returns itself. A tensor does not move: ``to``
# returns another one, and to drop that is no error until the layer meets
# the old one. Between CPU and GPU parameters stay the same objects, so an
# optimizer made before still knows them.
net = nn.Linear(3, 2)
weight = net.weight
net.to("cpu", torch.float64) is net  # True
net.weight is weight  # True
weight.dtype  # torch.float64
x = torch.ones(4, 3, dtype=torch.float64, device="cpu")
x.to("meta").device.type  # 'meta'
x.device.type  # 'cpu'
device = next(net.parameters()).device
x = x.to(device)
net(x).device == device  # True

# %%
# Error: 'list' object has no attribute 'to' (move a batch)
# ---------------------------------------------------------
#
# A ``torch.utils.data.DataLoader`` yields what its samples are: a list of
# tensors, or a dict. Move the parts.
device = torch.device("cpu")
batch = [torch.ones(4, 3), torch.zeros(4)]
with suppress(AttributeError):
    batch.to(device)  # AttributeError: 'list' object has no attribute 'to'
inputs, targets = (part.to(device) for part in batch)
inputs.device == targets.device == device  # True
batch = {"inputs": torch.ones(4, 3), "targets": torch.zeros(4)}
batch = {name: part.to(device) for name, part in batch.items()}
{part.device.type for part in batch.values()} == {"cpu"}  # True

# %%
# Error: expected all tensors to be on the same device
# ----------------------------------------------------
#
# On a GPU it goes on "but found at least two devices, cuda:0 and cpu!" or,
# from a layer, "but got mat1 is on cpu, different from other tensors on
# cuda:0". The device ``meta``, which holds shapes and no values, stands for
# the other one here and has its own words. Print the devices of the model
# and of what enters it, then move what was forgotten.
net = nn.Linear(3, 2, device="meta")
x = torch.ones(4, 3)
with suppress(RuntimeError):
    net(x)  # RuntimeError: is not on the expected device
{p.device.type for p in net.parameters()} == {x.device.type}  # False
net(x.to("meta")).device.type  # 'meta'
with suppress(RuntimeError):
    x + x.to("meta")  # RuntimeError: is not on the expected device

# %%
# A new tensor beside another: ``zeros_like``, ``device=x.device``
# ----------------------------------------------------------------
#
# ``torch.zeros(3)`` inside of a model lies on the default device, the CPU,
# even when the model and its input are on a GPU. Take the device from what
# is there; ``zeros_like``, ``new_zeros`` and ``new_tensor`` take the dtype,
# too.
x = torch.ones(2, 3, dtype=torch.float64, device="meta")
torch.zeros(3).device == x.device  # False
noise = torch.randn_like(x)
(noise.device.type, noise.dtype)  # ('meta', torch.float64)
x.new_zeros(3).device.type  # 'meta'
x.new_tensor([1, 2]).dtype  # torch.float64
positions = torch.arange(x.shape[1], device=x.device)
(positions.device.type, positions.dtype)  # ('meta', torch.int64)

# %%
# What ``nn.Module.to`` leaves behind: ``register_buffer``
# --------------------------------------------------------
#
# Parameters, buffers and submodules move. A tensor that is a plain
# attribute stays, and so does one in a list: a forward on the GPU may find
# two devices.
class Standardize(nn.Module):
    def __init__(self):
        super().__init__()
        self.mean = torch.zeros(3)
        self.register_buffer("std", torch.ones(3))

    def forward(self, x):
        return (x - self.mean) / self.std

net = Standardize().to("meta")
net.std.device.type  # 'meta'
net.mean.device.type == "meta"  # False
with suppress(RuntimeError):
    net(torch.ones(4, 3, device="meta"))  # RuntimeError: is not on the

# %%
# Default device: ``torch.set_default_device``, ``with torch.device``
# -------------------------------------------------------------------
#
# Most functions that make tensors, and layers, follow it; the context is
# for a block, the setter for all that its thread runs later.
# ``torch.from_numpy`` shares the memory of the array and therefore stays on
# the CPU.
before = torch.get_default_device()
with torch.device("meta"):
    torch.zeros(2).device.type  # 'meta'
    nn.Linear(3, 2).weight.device.type  # 'meta'
    torch.as_tensor(np.ones(2)).device.type  # 'meta'
    torch.from_numpy(np.ones(2)).device.type  # 'cpu'
torch.set_default_device("meta")
torch.ones(2).device.type  # 'meta'
torch.set_default_device(before)
torch.ones(2).device == before  # True

# %%
# Error: can't convert device type tensor to numpy (``Tensor.cpu``)
# -----------------------------------------------------------------
#
# NumPy, pandas and Matplotlib read the memory of the CPU. ``detach`` lets
# go of the gradient, ``cpu`` copies from the GPU, and where the tensor lies
# on the CPU both cost nothing: write both. ``item`` and ``tolist`` copy by
# themselves.
x = torch.ones(2, device="meta")
with suppress(TypeError):
    x.numpy()  # TypeError: can't convert meta device type tensor to numpy
y = torch.tensor([1.0, 2.0], requires_grad=True)
y.detach().cpu().numpy()  # array([1., 2.], dtype=float32)
y.sum().item()  # 3.0
y.tolist()  # [1.0, 2.0]
z = torch.ones(2, device="cpu")
z.cpu() is z  # True

# %%
# Indices should be either on cpu or on the same device: move the index
# ---------------------------------------------------------------------
#
# A tensor on the CPU cannot be indexed with a tensor on a GPU: "indices
# should be either on cpu or on the same device as the indexed tensor
# (cpu)". Move the index to the device of the tensor, or the tensor to that
# of the index. An index on the CPU fits both.
table = torch.arange(10, 15, device="cpu")
index = torch.tensor([3, 1])
table[index.to(table.device)]  # tensor([13, 11])
table.to(index.device)[index]  # tensor([13, 11])
values = torch.arange(10, 15)
values[torch.tensor([3, 1], device="cpu")]  # tensor([13, 11])
