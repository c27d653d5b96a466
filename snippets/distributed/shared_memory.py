"""
Memory shared between processes
===============================

Send tensors to another process, let several processes read or train the
same tensors, and learn which changes the other processes see.
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
# A forked process gets its own copy of an ordinary tensor.
# ``share_memory_`` moves a CPU tensor into memory that both processes use,
# so the parent sees the change. Change the values in place: if you assign a
# new tensor to the name, the parent does not see it.
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
# (Hogwild). Gradients are not shared, so each process has its own gradients
# and its own optimizer. Both processes here fit y = 2 x, and the parent
# reads the trained weight.
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
# between. With a lock around it, the processes take turns.
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
# The queue moves a tensor to shared memory if needed and sends a handle to
# it. The receiver therefore sees later changes by the sender. Send a
# ``clone`` if the sender goes on writing. Call ``join`` after ``get``,
# because the sender must live until the receiver has taken the tensor.
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
# To send a whole module, the other process must be able to import its class
# and its hooks. A state dictionary holds only tensors and names, so build
# the model in the receiver and load the dictionary. Send a ``clone`` of the
# tensors if the receiver should not see later changes.
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
# A result that requires a gradient cannot be sent to another process,
# because its graph stays behind. Send ``x.detach()``, or compute under
# ``torch.no_grad``. The other process computes its own gradients.
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
# A program sets its start method once, and a library that was imported
# first has often done so. Use ``get_context`` to get a context of your own,
# which leaves the setting of the program unchanged. ``force=True`` replaces
# the setting.
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
# Share one large array with all processes: ``torch.from_numpy``
# --------------------------------------------------------------
#
# A pickled array is copied for each spawned process. Put the array into a
# shared tensor once instead. A spawned process then gets a handle of less
# than 1000 bytes, and ``numpy`` turns the tensor into an array that uses
# the same memory.
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
# A tensor that uses a file as its memory can be larger than the memory of
# the machine. With ``shared=True``, a change reaches the file and all
# processes that have opened it, regardless of how they were started.
with tempfile.TemporaryDirectory() as folder:
    path = f"{folder}/numbers"
    options = dict(size=4, dtype=torch.float32, shared=True, device="cpu")
    writer = torch.from_file(path, **options).fill_(1.5)
    reader = torch.from_file(path, **options)
    writer[0] = 8.0
    reader  # tensor([8.0000, 1.5000, 1.5000, 1.5000])
    np.fromfile(path, dtype=np.float32).tolist()  # [8.0, 1.5, 1.5, 1.5]
    del writer, reader
