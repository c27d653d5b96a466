"""
Devices and memory
==================

Move tensors and modules to a GPU, measure how much memory they take there,
and free it. Each card also runs on a machine without a GPU.
"""
import os
import signal
import subprocess
import sys

import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode

# %%
# Move to the GPU: ``Tensor.cuda``, ``nn.Module.cuda``, ``to``
# ------------------------------------------------------------
#
# Prefer ``to(device)`` to ``cuda()``, because it also works for other
# devices. A module is moved in place. For a tensor, the call returns a
# moved copy, so assign the result.
gpu = torch.cuda.is_available()
device = torch.device("cuda" if gpu else "cpu")
net = nn.Linear(3, 2)
x = torch.ones(4, 3, device="cpu")
if gpu:
    net.cuda()
    moved = x.cuda()
else:
    net.to(device)
    moved = x.to(device)
x.device.type  # 'cpu'
moved.device.type == device.type  # True
moved.is_cuda == gpu  # True
net.weight.device == moved.device  # True
net(moved).device == moved.device  # True

# %%
# Work on one of several GPUs: ``torch.cuda.set_device``
# ------------------------------------------------------
#
# "cuda" without a number means the current GPU, which is number 0 at first.
# Use ``torch.accelerator.device_index`` to change it for a few lines. The
# environment variable ``CUDA_VISIBLE_DEVICES`` chooses the GPUs that a
# program sees: "0,2" shows only these two, and an empty string hides all
# GPUs.
count = torch.cuda.device_count()
for index in reversed(range(count)):
    torch.cuda.set_device(index)
[torch.cuda.current_device() for _ in range(count)] == [0] * count  # True
last = count - 1 if count else None
with torch.accelerator.device_index(last):
    x = torch.zeros(2, device="cuda" if count else "cpu")
x.get_device() == (count - 1)  # True

# %%
# Name and size of a GPU: ``get_device_name``, ``mem_get_info``
# -------------------------------------------------------------
#
# ``torch.cuda.get_device_properties`` returns the name, the memory in bytes
# and the compute capability. ``torch.cuda.mem_get_info`` asks the driver
# for the free and the total memory in bytes. Memory that other programs use
# does not count as free.
count = torch.cuda.device_count()
gpus = [torch.cuda.get_device_properties(i) for i in range(count)]
names = [torch.cuda.get_device_name(i) for i in range(count)]
[gpu.name for gpu in gpus] == names  # True
memory = [torch.cuda.mem_get_info(i) for i in range(count)]
[free <= total for free, total in memory] == [True] * count  # True
for gpu, (free, total) in zip(gpus, memory, strict=True):
    print(gpu.name, f"{free / 2**30:.1f} of {total / 2**30:.1f} GiB free")
found = [torch.cuda.get_device_capability(i) for i in range(count)]
[(gpu.major, gpu.minor) for gpu in gpus] == found  # True

# %%
# Bytes of a tensor and of a model: ``Tensor.nbytes``
# ---------------------------------------------------
#
# The size of a tensor is its number of elements times the bytes of one
# element. For a model, count the parameters and the buffers. With Adam,
# each parameter also has a gradient and two averages, which makes four
# times its bytes in all. The activations come on top.
x = torch.zeros(100, 1000)
x.nbytes  # 400000
x.half().nbytes  # 200000
net = nn.Sequential(nn.Linear(100, 50), nn.BatchNorm1d(50))
sum(p.nbytes for p in net.parameters())  # 20600
sum(b.nbytes for b in net.buffers())  # 408
optimizer = torch.optim.Adam(net.parameters())
net(torch.ones(2, 100)).sum().backward()
optimizer.step()
held = [t for state in optimizer.state.values() for t in state.values()]
sum(t.nbytes for t in held if t.dim() > 0)  # 41200
sum(p.grad.nbytes for p in net.parameters())  # 20600

# %%
# Memory of the GPU now: ``torch.cuda.memory_allocated``
# ------------------------------------------------------
#
# The function returns how many bytes the existing tensors of this process
# use. PyTorch allocates GPU memory in multiples of 512 bytes, so a tensor
# with one number takes 512 bytes. ``torch.accelerator.memory_allocated``
# also works for other makes of GPUs.
gpu = torch.cuda.is_available()
device = "cuda" if gpu else "cpu"
start = torch.cuda.memory_allocated()
x = torch.ones(1000, device=device)
torch.cuda.memory_allocated() - start == 4096 * gpu  # True
y = torch.ones(1, device=device)
torch.cuda.memory_allocated() - start == (4096 + 512) * gpu  # True
view = x[:10]
del x, y
torch.cuda.memory_allocated() - start == 4096 * gpu  # True
del view
torch.cuda.memory_allocated() == start  # True
torch.accelerator.memory_allocated() == start  # True

# %%
# Highest use of memory: ``torch.cuda.max_memory_allocated``
# ----------------------------------------------------------
#
# The peak decides whether a step fits into memory. It includes intermediate
# results that were freed since. ``torch.cuda.reset_peak_memory_stats``
# starts the count again, for example before each step.
gpu = torch.cuda.is_available()
x = torch.ones(2**20, device="cuda" if gpu else "cpu")
if gpu:
    torch.cuda.reset_peak_memory_stats()
start = torch.cuda.memory_allocated()
torch.cuda.max_memory_allocated() == start  # True
y = (x + 1) * 2
torch.cuda.memory_allocated() - start == y.nbytes * gpu  # True
torch.cuda.max_memory_allocated() - start == 2 * y.nbytes * gpu  # True

# %%
# Memory that PyTorch keeps: ``memory_reserved``, ``empty_cache``
# ---------------------------------------------------------------
#
# PyTorch keeps the memory of a deleted tensor for later tensors. Therefore
# ``nvidia-smi`` shows more than the tensors use. ``torch.cuda.empty_cache``
# returns unused blocks to the driver, so that other programs can use them.
# It does not free any tensor.
gpu = torch.cuda.is_available()


def unused():
    return torch.cuda.memory_reserved() - torch.cuda.memory_allocated()


x = torch.ones(2**23, device="cuda" if gpu else "cpu")
size, held = x.nbytes, torch.cuda.memory_allocated()
torch.cuda.empty_cache()
torch.cuda.memory_allocated() == held  # True
del x
kept = unused()
kept >= size * gpu  # True
torch.cuda.empty_cache()
unused() <= kept - size * gpu  # True

# %%
# Report on the memory: ``torch.cuda.memory_summary``
# ---------------------------------------------------
#
# ``memory_summary`` returns a table that you can print when memory runs
# out. ``torch.cuda.memory_stats`` returns such numbers as a dictionary, for
# a log. The dictionary is empty until CUDA is used for the first time.
gpu = torch.cuda.is_available()
x = torch.ones(1000, device="cuda" if gpu else "cpu")
report = torch.cuda.memory_summary(abbreviated=True) if gpu else ""
print(report)
("Allocated memory" in report) == gpu  # True
stats = torch.cuda.memory_stats()
(len(stats) > 0) == gpu  # True
held = stats.get("allocated_bytes.all.current", 0)
held == torch.cuda.memory_allocated()  # True
stats.get("num_ooms", 0) >= 0  # True

# %%
# Error: CUDA out of memory (``torch.OutOfMemoryError``)
# ------------------------------------------------------
#
# PyTorch raises this ``RuntimeError`` when a tensor does not fit into the
# memory of the GPU. Handle it after the ``except`` block, because until
# then the error keeps the failed frames and their tensors alive. On the CPU
# the message has a different text.
gpu = torch.cuda.is_available()
device = "cuda" if gpu else "cpu"
kind, message = None, ""
try:
    torch.empty(2**58, dtype=torch.uint8, device=device)
except RuntimeError as error:
    kind, message = type(error), str(error)
(kind is torch.OutOfMemoryError) == gpu  # True
("CUDA out of memory. Tried to allocate" in message) == gpu  # True
issubclass(torch.OutOfMemoryError, RuntimeError)  # True
torch.cuda.OutOfMemoryError is torch.OutOfMemoryError  # True

# %%
# Memory of a model that does not fit: ``FakeTensorMode``
# -------------------------------------------------------
#
# In this mode, tensors have a shape, a dtype and a device, but they use no
# memory. The machine does not need to have that device. Add up ``nbytes``
# before you rent a GPU.
with FakeTensorMode():
    net = nn.Linear(100_000, 100_000, device="cuda")
    x = torch.ones(8, 100_000, device="cuda")
    y = net(x)
y.shape  # torch.Size([8, 100000])
y.device.type  # 'cuda'
sum(p.nbytes for p in net.parameters())  # 40000400000

# %%
# Memory is in use after the program was killed: a child process lives on
# -----------------------------------------------------------------------
#
# The memory of a GPU is free again when each process that uses it has
# ended. If you kill a program, a process that it started may go on, here
# ``sleep`` in place of a worker. ``nvidia-smi`` or ``fuser -v
# /dev/nvidia*`` shows its number. End it by this number.
code = """
import subprocess, time
print(subprocess.Popen(["sleep", "60"]).pid, flush=True)
time.sleep(60)
"""
command = [sys.executable, "-c", code]
program = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
child = int(program.stdout.readline())
program.kill()
program.wait() < 0  # True
os.kill(child, 0) is None  # True
os.kill(child, signal.SIGKILL)
program.stdout.close()
