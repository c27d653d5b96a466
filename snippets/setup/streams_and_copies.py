"""
Waiting, copies and streams
===========================

A GPU works on its own while the program continues. Learn when to wait for
it, how to copy in the background, and how to configure cuDNN.
"""
import time

import torch
from torch.utils.data import DataLoader

# %%
# Wait for the GPU: ``torch.cuda.synchronize``
# --------------------------------------------
#
# A call on a GPU returns as soon as the work is queued. Wait for the GPU
# before you read the clock, or you measure only the queueing.
# ``torch.accelerator.synchronize`` also works for other GPUs, and
# ``Tensor.item`` waits by itself.
gpu = torch.cuda.is_available()
x = torch.ones(500, 500, device="cuda" if gpu else "cpu")
start = time.perf_counter()
y = x @ x
if gpu:
    torch.cuda.synchronize()
seconds = time.perf_counter() - start
seconds >= 0  # True
y[0, 0].item()  # 500.0
if torch.accelerator.is_available():
    torch.accelerator.synchronize()

# %%
# The same code for CPU and GPU: ``torch.get_device_module``
# ----------------------------------------------------------
#
# The function returns the module of a device, such as ``torch.cuda`` or
# ``torch.cpu``. Both have ``synchronize``, ``Stream`` and ``Event``, so
# code that uses them runs with and without a GPU. On the CPU they do
# nothing.
torch.get_device_module("cpu") is torch.cpu  # True
torch.get_device_module("cuda:0") is torch.cuda  # True
device = "cuda" if torch.cuda.is_available() else "cpu"
module = torch.get_device_module(device)
module.synchronize()
module.device_count() >= 1  # True
event = module.Event()
event.record()
event.synchronize()
event.query()  # True

# %%
# Memory for fast copies: ``Tensor.pin_memory``, ``is_pinned``
# ------------------------------------------------------------
#
# Pinned memory stays in one place, so a GPU can read it while the program
# continues. ``pin_memory()`` copies a tensor there, and ``pin_memory=True``
# creates one there. Both need a GPU, so check first whether there is one.
gpu = torch.cuda.is_available()
x = torch.arange(4.0, device="cpu")
pinned = x.pin_memory() if gpu else x.clone()
(x.is_pinned(), pinned.is_pinned()) == (False, gpu)  # True
pinned.data_ptr() == x.data_ptr()  # False
torch.equal(pinned, x)  # True
new = torch.zeros(4, pin_memory=gpu, device="cpu")
new.is_pinned() == gpu  # True

# %%
# ``x.pin_memory().to(device)`` is slower than ``x.to(device)``
# -------------------------------------------------------------
#
# ``pin_memory`` copies the tensor on the CPU and waits until that is done,
# so the two calls copy each batch twice, and ``non_blocking=True`` cannot
# hide the first copy. Let ``DataLoader(pin_memory=True)`` pin the next
# batches in a thread while the model works.
gpu = torch.cuda.is_available()
device = "cuda" if gpu else "cpu"
x = torch.arange(6.0, device="cpu")
pinned = x.pin_memory() if gpu else x.clone()
x[0] = 9.0
pinned[0].item()  # 0.0
pinned.to(device, non_blocking=True)[0].item()  # 0.0
loader = DataLoader(x, batch_size=3, pin_memory=gpu)
first, second = loader
first.is_pinned() == gpu  # True
first.to(device, non_blocking=True)[0].item()  # 9.0

# %%
# Copy in the background: ``Tensor.to(non_blocking=True)``
# --------------------------------------------------------
#
# A copy from pinned memory to a GPU returns before it is done. Later work
# in the same stream waits for it. If you copy back to the CPU in this way,
# wait with an event or with ``synchronize`` before you read the values.
gpu = torch.cuda.is_available()
device = "cuda" if gpu else "cpu"
module = torch.get_device_module(device)
x = torch.ones(1000, pin_memory=gpu, device="cpu")
moved = x.to(device, non_blocking=True)
(moved * 2).sum()  # tensor(2000.)
back = torch.empty(1000, pin_memory=gpu, device="cpu")
back.copy_(moved * 3, non_blocking=True)
copied = module.Event()
copied.record()
copied.synchronize()
back.sum()  # tensor(3000.)

# %%
# Two queues on one GPU: ``torch.cuda.Stream``
# --------------------------------------------
#
# Work inside ``with torch.cuda.stream(side)`` goes into a second queue, and
# the two queues may run at the same time. PyTorch does not order them. Call
# ``wait_stream`` wherever one queue needs a result of the other.
# ``Tensor.record_stream`` keeps the memory of a tensor until the other
# queue is done with it.
gpu = torch.cuda.is_available()
device = "cuda" if gpu else "cpu"
module = torch.get_device_module(device)
main, side = module.current_stream(), module.Stream()
x = torch.ones(300, 300, device=device)
side.wait_stream(main)
with module.stream(side):
    inside = module.current_stream()
    y = x @ x
if gpu:
    x.record_stream(side)
main.wait_stream(side)
(inside == side, inside == main)  # (True, False)
y.sum()  # tensor(27000000.)
module.current_stream() == main  # True

# %%
# Measure on the GPU: ``torch.cuda.Event(enable_timing=True)``
# ------------------------------------------------------------
#
# Record two events in the queue, and the GPU measures the time between them
# in milliseconds. Wait for the second event before you ask for
# ``elapsed_time``. Without a GPU, read the clock of the CPU.
gpu = torch.cuda.is_available()
x = torch.ones(500, 500, device="cuda" if gpu else "cpu")
if gpu:
    begin, end = [torch.cuda.Event(enable_timing=True) for _ in range(2)]
    begin.record()
    y = x @ x
    end.record()
    end.synchronize()
    milliseconds = begin.elapsed_time(end)
else:
    start = time.perf_counter()
    y = x @ x
    milliseconds = (time.perf_counter() - start) * 1e3
milliseconds >= 0  # True
y[0, 0]  # tensor(500.)

# %%
# cuDNN: ``torch.backends.cudnn.version``, ``benchmark``, ``deterministic``
# -------------------------------------------------------------------------
#
# With ``benchmark``, cuDNN times several kernels and uses the fastest. With
# ``deterministic``, it uses one that gives the same result each time.
# ``flags`` sets both for a block. Also pass ``enabled=True``, because the
# default of ``flags`` switches cuDNN off.
cudnn = torch.backends.cudnn
isinstance(cudnn.version(), int) == cudnn.is_available()  # True
before = (cudnn.enabled, cudnn.benchmark, cudnn.deterministic)
with cudnn.flags(enabled=True, benchmark=True, deterministic=True):
    (cudnn.enabled, cudnn.benchmark)  # (True, True)
    cudnn.deterministic  # True
with cudnn.flags(benchmark=True):
    (cudnn.enabled, cudnn.benchmark)  # (False, True)
(cudnn.enabled, cudnn.benchmark, cudnn.deterministic) == before  # True
cudnn.benchmark = True
cudnn.benchmark  # True
cudnn.benchmark = before[1]

# %%
# Seed every GPU: ``torch.cuda.manual_seed_all``
# ----------------------------------------------
#
# ``torch.manual_seed`` seeds the CPU and every GPU, so usually you need
# only this call. ``manual_seed_all`` seeds the GPUs and not the CPU.
# Without a GPU it has no effect and raises no error.
gpu = torch.cuda.is_available()
device = "cuda" if gpu else "cpu"
torch.manual_seed(3)
first = torch.rand(3, device=device)
torch.cuda.manual_seed_all(3)
torch.equal(torch.rand(3, device=device), first) == gpu  # True
torch.manual_seed(3)
torch.equal(torch.rand(3, device=device), first)  # True
states = torch.cuda.get_rng_state_all()
len(states) == torch.cuda.device_count()  # True
