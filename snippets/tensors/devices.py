"""
Devices
=======

Choose the CPU or a GPU, move tensors and models there, and keep them on the
same device.
"""
from contextlib import suppress

import numpy as np
import torch
from torch import nn

# %%
# Is there a GPU: ``torch.cuda.is_available``, ``device_count``
# -------------------------------------------------------------
#
# ``is_available`` tells whether PyTorch can use a GPU now.
# ``torch.version.cuda`` only tells for which CUDA version PyTorch was
# built. Creating a ``torch.device`` does not check that the device exists.
# If the device does not exist, you get the error when you move a tensor to
# it.
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
# The same line works for NVIDIA, AMD, Apple and Intel GPUs. Pass
# ``check_available=True``; otherwise the function returns the device type
# that PyTorch was built for, even if the machine has no such device. The
# rest of your code can use ``device`` instead of "cuda".
device = torch.accelerator.current_accelerator(check_available=True)
(device is None) == (not torch.accelerator.is_available())  # True
device = device or torch.device("cpu")
torch.ones(2, device=device).device.type == device.type  # True
old = "cuda" if torch.cuda.is_available() else "cpu"
torch.ones(2, device=old).device.type == old  # True

# %%
# Move a model and a batch to a device: ``nn.Module.to``, ``Tensor.to``
# ---------------------------------------------------------------------
#
# ``nn.Module.to`` changes the module itself and returns it. ``Tensor.to``
# leaves the tensor where it is and returns the moved one, so write ``x =
# x.to(device)``. If you forget this, the error comes later, when a layer
# gets the old tensor. The parameters stay the same objects here, so an
# optimizer that was created before the move can still update them.
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
# A ``torch.utils.data.DataLoader`` yields batches that are lists of tensors
# or dicts, depending on the samples. Lists and dicts have no ``to``, so
# move the tensors in them one by one.
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
# With a GPU, the message goes on "but found at least two devices, cuda:0
# and cpu!". From a layer it can be "but got mat1 is on cpu, different from
# other tensors on cuda:0". The code below uses the device ``meta`` in place
# of a GPU, so its message differs. Print the devices of the model and of
# its input, and move the one that is on the wrong device.
net = nn.Linear(3, 2, device="meta")
x = torch.ones(4, 3)
with suppress(RuntimeError):
    net(x)  # RuntimeError: is not on the expected device
{p.device.type for p in net.parameters()} == {x.device.type}  # False
net(x.to("meta")).device.type  # 'meta'
with suppress(RuntimeError):
    x + x.to("meta")  # RuntimeError: is not on the expected device

# %%
# Create a tensor on the same device: ``zeros_like``, ``device=x.device``
# -----------------------------------------------------------------------
#
# If you write ``torch.zeros(3)`` in a model, the tensor is created on the
# default device, even when the model and its input are on a GPU. Pass the
# device of an existing tensor. ``zeros_like``, ``new_zeros`` and
# ``new_tensor`` take its device and its dtype.
x = torch.ones(2, 3, dtype=torch.float64, device="meta")
torch.zeros(3).device == x.device  # False
noise = torch.randn_like(x)
(noise.device.type, noise.dtype)  # ('meta', torch.float64)
x.new_zeros(3).device.type  # 'meta'
x.new_tensor([1, 2]).dtype  # torch.float64
positions = torch.arange(x.shape[1], device=x.device)
(positions.device.type, positions.dtype)  # ('meta', torch.int64)

# %%
# ``nn.Module.to`` does not move plain tensors: ``register_buffer``
# -----------------------------------------------------------------
#
# ``nn.Module.to`` moves parameters, buffers and submodules. A tensor that
# is a plain attribute stays where it is, so ``forward`` gets tensors on two
# devices. Register such a tensor with ``register_buffer``.
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
# Layers and most functions that create tensors use the default device.
# ``with torch.device`` sets it for a block, and
# ``torch.set_default_device`` for everything that the current thread runs
# later. ``torch.from_numpy`` stays on the CPU, because it shares the memory
# of the array.
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
# NumPy, pandas and Matplotlib need data in CPU memory. ``detach`` removes
# the gradient, and ``cpu`` copies the tensor from the GPU. Write both calls
# in any case, because they copy nothing if the tensor is already on the
# CPU. ``item`` and ``tolist`` work without these calls.
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
# A tensor on the CPU cannot be indexed with a vector of indices on a GPU.
# The error is "indices should be either on cpu or on the same device as the
# indexed tensor (cpu)". Move the index to the device of the tensor, or the
# tensor to the device of the index. An index on the CPU also works for a
# tensor on a GPU.
table = torch.arange(10, 15, device="cpu")
index = torch.tensor([3, 1])
table[index.to(table.device)]  # tensor([13, 11])
table.to(index.device)[index]  # tensor([13, 11])
values = torch.arange(10, 15)
values[torch.tensor([3, 1], device="cpu")]  # tensor([13, 11])
