"""
Devices and memory
==================

Move tensors and modules to a GPU, see how much memory they take there, and
give it back. Each card also runs on a machine without a GPU.
"""
import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode

# %%
# Move to the GPU: ``Tensor.cuda``, ``nn.Module.cuda``, ``to``
# ------------------------------------------------------------
#
# ``to(device)`` also works for other devices, so prefer it to ``cuda()``. A
# module is moved in place. A tensor stays where it is and the call returns
# the moved one, so assign the result.
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
# "cuda" without a number means the current GPU, at first number 0. Use
# ``torch.accelerator.device_index`` to change it for a few lines. The
# environment variable ``CUDA_VISIBLE_DEVICES`` chooses GPUs from outside:
# "0,2" hides all but two, and an empty text hides all.
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
# ``torch.cuda.get_device_properties`` holds the name, the memory in bytes
# and the compute capability. ``torch.cuda.mem_get_info`` asks the driver
# how many bytes are free and how many there are. What other programs hold
# is not free.
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
# A tensor takes its number of elements times the bytes of one element.
# Count the parameters and the buffers of a model. With Adam each parameter
# also has a gradient and two averages, four times its bytes in all, and
# activations come on top.
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
# The counter says how many bytes the living tensors of this process hold.
# PyTorch gives them out in blocks of 512 bytes, so a tensor of one number
# takes 512. ``torch.accelerator.memory_allocated`` is its form for GPUs of
# other makes as well.
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
# The peak decides whether a step fits, and it counts intermediate results
# that are gone by now. ``torch.cuda.reset_peak_memory_stats`` lets the
# count begin again, for instance before each step.
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
# Memory of a deleted tensor stays with PyTorch, which gives it to the next
# one. Therefore ``nvidia-smi`` shows more than the tensors hold.
# ``torch.cuda.empty_cache`` returns unused blocks to the driver, for other
# programs, and frees no tensor.
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
# ``memory_summary`` is a table to print when memory runs out.
# ``torch.cuda.memory_stats`` has the same numbers as a dictionary, for a
# log. It is empty until CUDA is used for the first time.
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
# It is a ``RuntimeError``, raised where a tensor does not fit. Handle it
# after the ``except`` block, because the error holds on to the frames that
# failed, and to their tensors. On the CPU the message has other words.
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
# Inside this mode tensors have a shape, a dtype and a device, and no memory
# behind them. The device may be one that this machine lacks. Add up
# ``nbytes`` before you rent a GPU.
with FakeTensorMode():
    net = nn.Linear(100_000, 100_000, device="cuda")
    x = torch.ones(8, 100_000, device="cuda")
    y = net(x)
y.shape  # torch.Size([8, 100000])
y.device.type  # 'cuda'
sum(p.nbytes for p in net.parameters())  # 40000400000
