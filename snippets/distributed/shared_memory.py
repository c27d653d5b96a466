"""
Memory shared between processes
===============================

Send tensors to another process, let several processes read or train the
same ones, and know which changes the others see.
"""
import pickle
import tempfile
from contextlib import suppress
from multiprocessing.reduction import ForkingPickler

import numpy as np
import torch
import torch.multiprocessing as mp
from torch import nn

# %%
# Let a process change your tensor: ``Tensor.share_memory_``
# ----------------------------------------------------------
#
# A forked process gets a copy of each ordinary tensor. ``share_memory_``
# moves a CPU tensor into memory that both see, and the change arrives in
# the parent. Assigning a new tensor to the name changes nothing.
def fill(rank, ordinary, shared):
    ordinary[rank] = 7.0
    shared[rank] = 7.0


ordinary = torch.zeros(2, device="cpu")
shared = torch.zeros(2, device="cpu").share_memory_()
mp.start_processes(fill, (ordinary, shared), 2, start_method="fork")
ordinary  # tensor([0., 0.])
shared  # tensor([7., 7.])
shared.is_shared()  # True

# %%
# Train one model in several processes: ``nn.Module.share_memory``
# ----------------------------------------------------------------
#
# The processes update the same weights without waiting for each other
# (Hogwild). Gradients are not shared: each process makes its own, and an
# optimizer of its own. Both processes here fit y = 2 x, and the parent
# finds the trained weight.
def train(rank, net):
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    x = torch.tensor([[1.0], [-1.0]], device="cpu")
    for _ in range(200):
        optimizer.zero_grad()
        (net(x) - 2 * x).square().mean().backward()
        optimizer.step()


net = nn.Linear(1, 1, bias=False, device="cpu").share_memory()
mp.start_processes(train, (net,), 2, start_method="fork")
net.weight.grad is None  # True
abs(net.weight.item() - 2) < 0.01  # True

# %%
# Lost updates: ``+=`` from several processes needs a lock
# --------------------------------------------------------
#
# ``counter += 1`` reads, adds and writes, and another process can write in
# between. A lock around it lets one process after the other do so.
def count(rank, counter, lock):
    for _ in range(100):
        with lock:
            counter += 1


counter = torch.zeros(1, dtype=torch.int64, device="cpu").share_memory_()
lock = mp.get_context("fork").Lock()
mp.start_processes(count, (counter, lock), 2, start_method="fork")
counter  # tensor([200])

# %%
# Send tensors through a queue: ``torch.multiprocessing.Queue``
# -------------------------------------------------------------
#
# A queue of ``torch.multiprocessing`` sends a handle to shared memory, to
# which it moves a tensor that lies elsewhere. So the receiver sees later
# changes of the sender: send a ``clone`` if it goes on to write. The sender
# must live until the receiver has taken the tensor: call ``join`` after
# ``get``.
def sender(queue, done):
    x = torch.zeros(2, device="cpu").share_memory_()
    queue.put(x)
    queue.put(x.clone())
    x += 5
    queue.put("changed")
    done.wait()


context = mp.get_context("fork")
queue, done = context.Queue(), context.Event()
process = context.Process(target=sender, args=(queue, done))
process.start()
handle, copied, note = queue.get(), queue.get(), queue.get()
done.set()
process.join()
note  # 'changed'
handle  # tensor([5., 5.])
copied  # tensor([0., 0.])
process.exitcode  # 0

# %%
# A model through a queue: send its ``state_dict``
# ------------------------------------------------
#
# A module that is sent must be importable in the other process, with its
# hooks and its loaders. The state dictionary holds tensors and names, and
# the receiver builds the model and loads it. Send a ``clone`` of what the
# other process should not follow.
def trainer(queue, done):
    net = nn.Linear(2, 1, device="cpu")
    nn.init.constant_(net.weight, 3.0)
    queue.put({k: v.clone() for k, v in net.state_dict().items()})
    done.wait()


context = mp.get_context("fork")
queue, done = context.Queue(), context.Event()
process = context.Process(target=trainer, args=(queue, done))
process.start()
net = nn.Linear(2, 1, device="cpu")
net.load_state_dict(queue.get())
done.set()
process.join()
net.weight.detach()  # tensor([[3., 3.]])

# %%
# Error: cowardly refusing to serialize non-leaf tensor
# -----------------------------------------------------
#
# A result that requires a gradient cannot go to another process, since its
# graph stays behind. Send ``x.detach()``, or compute under
# ``torch.no_grad``. A process of its own computes its own gradients.
x = torch.ones(2, device="cpu", requires_grad=True) * 2
queue = mp.get_context("fork").SimpleQueue()
with suppress(RuntimeError):
    queue.put(x)  # RuntimeError: Cowardly refusing to serialize non-leaf
queue.put(x.detach())
queue.get()  # tensor([2., 2.])

# %%
# Error: context has already been set (``set_start_method``)
# ----------------------------------------------------------
#
# The start method of a program is set once, often by a library that was
# imported first. Take a context of your own with ``get_context``, which
# changes nothing for others. ``force=True`` replaces what was set.
def child(rank):
    mp.set_start_method("spawn", force=True)
    with suppress(RuntimeError):
        mp.set_start_method(
            "fork"
        )  # RuntimeError: context has already been set
    mp.get_context("fork").get_start_method()  # 'fork'
    mp.get_start_method()  # 'spawn'


mp.start_processes(child, nprocs=1, start_method="fork")

# %%
# One large array for all processes: ``torch.from_numpy``, shared
# ---------------------------------------------------------------
#
# Pickled arrays are copied for each spawned process. Put the array into a
# shared tensor once. A spawned process then gets a handle of less than 1000
# bytes, and ``numpy`` gives it back as an array that uses the same memory.
array = np.arange(1_000_000, dtype=np.float32)
len(pickle.dumps(array)) > 4_000_000  # True
shared = torch.from_numpy(array).share_memory_()
handle = ForkingPickler.dumps(shared)
len(handle) < 1000  # True
shared.numpy()[:3].tolist()  # [0.0, 1.0, 2.0]

# %%
# A file as shared memory: ``torch.from_file(shared=True)``
# ---------------------------------------------------------
#
# A tensor on a file can be larger than the memory of the machine. With
# ``shared=True`` a change reaches the file and all processes that have
# opened it, whichever way they were started.
with tempfile.TemporaryDirectory() as folder:
    path = f"{folder}/numbers"
    options = dict(size=4, dtype=torch.float32, shared=True, device="cpu")
    writer = torch.from_file(path, **options).fill_(1.5)
    reader = torch.from_file(path, **options)
    writer[0] = 8.0
    reader  # tensor([8.0000, 1.5000, 1.5000, 1.5000])
    np.fromfile(path, dtype=np.float32).tolist()  # [8.0, 1.5, 1.5, 1.5]
    del writer, reader
