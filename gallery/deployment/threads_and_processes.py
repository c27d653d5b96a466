"""
PyTorch in a web service: threads, processes and memory that grows
==================================================================

This page shows common mistakes of services that use PyTorch, and how to
avoid them. Decorate each function that answers requests with
``torch.inference_mode``, because switching gradients off affects only the
thread in which it is done. Limit the threads of each process with
``torch.set_num_threads``, and answer requests in a fixed thread pool. Load
the model in the worker process. Return Python numbers instead of tensors,
because a tensor can keep its computation graph in memory. The examples run
without a server; for the servers see :doc:`flask_service` and
:doc:`fastapi_service`.
"""
import multiprocessing
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

# %%
# Train a small model that classifies handwritten digits
# ------------------------------------------------------
torch.manual_seed(0)
device = torch.get_default_device()
digits = load_digits()
x = torch.tensor(digits.data, dtype=torch.float32, device=device) / 16
y = torch.tensor(digits.target, device=device)
model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
for _ in range(200):
    optimizer.zero_grad()
    F.cross_entropy(model(x[:1200]), y[:1200]).backward()
    optimizer.step()
model.eval()


# %%
# Gradients are on again in each thread: ``set_grad_enabled``
# -----------------------------------------------------------
#
# ``torch.set_grad_enabled(False)`` in the main program has no effect in the
# threads that answer requests. For each result, these threads record a
# computation graph, which is needed only for gradients. If the results are
# kept, their graphs are kept as well, and the memory grows. Put
# ``torch.inference_mode`` on the function that the thread calls.
def in_thread(function, *args):
    with ThreadPoolExecutor(max_workers=1) as pool:
        return pool.submit(function, *args).result()


def logits(rows):
    return model(rows)


@torch.inference_mode()
def handler(rows):
    return model(rows).argmax(dim=1).tolist()


torch.set_grad_enabled(False)
logits(x[:2]).requires_grad  # False
in_thread(logits, x[:2]).requires_grad  # True
in_thread(torch.is_grad_enabled)  # True
torch.set_grad_enabled(True)
in_thread(handler, x[:2])  # [0, 1]


# %%
# A new thread for each request: use a fixed pool
# -----------------------------------------------
#
# Each thread that computes can get its own helper threads and buffers, and
# they may remain after the thread ends. If each request starts a new
# thread, the memory can therefore grow with the number of requests. A pool
# has a fixed number of threads, here 4 for 100 requests. The other requests
# wait.
def who(index):
    handler(x[index : index + 1])
    return threading.get_ident()


with ThreadPoolExecutor(max_workers=4) as pool:
    used = set(pool.map(who, range(100)))
len(used) <= 4  # True
tasks = Path("/proc/self/task")
if tasks.exists():
    print(len(list(tasks.iterdir())), "threads of this process on Linux")


# %%
# Cores that are all busy: ``torch.set_num_threads`` per process
# --------------------------------------------------------------
#
# By default, one operation can use a thread for each core. Four processes
# on eight cores can then have 32 threads, and each process gets slower.
# Keep the number of processes times the number of threads at or below the
# number of cores. Call ``torch.set_num_threads`` at the start of each
# process, or set ``OMP_NUM_THREADS`` before the process starts.
def threads_in_process(number, out):
    if number is not None:
        torch.set_num_threads(number)
    out.put(torch.get_num_threads())


fork = multiprocessing.get_context("fork")


def ask(number):
    out = fork.SimpleQueue()
    process = fork.Process(target=threads_in_process, args=(number, out))
    process.start()
    answer = out.get()
    process.join()
    return answer


ask(1)  # 1
ask(None) == torch.get_num_threads()  # True


# %%
# Load in the worker: Cannot re-initialize CUDA in forked subprocess
# ------------------------------------------------------------------
#
# ``gunicorn`` is a server that forks its workers, so each worker starts as
# a copy of the main process. If the model is on the GPU before the fork,
# for example because of ``--preload``, a worker fails with this error. Load
# the model in the worker: leave out ``--preload``, or use the hook
# ``post_fork`` or the ``lifespan`` of FastAPI. Changing the start method of
# ``multiprocessing`` does not help, because ``gunicorn`` forks by itself.
# Without a GPU, the code below shows no error.
gpu = torch.cuda.is_available()
if gpu:
    torch.ones(1, device="cuda")


def touch_gpu(out):
    try:
        if gpu:
            torch.ones(1, device="cuda")
        out.put("")
    except RuntimeError as error:
        out.put(str(error))


def message_of_child():
    out = fork.SimpleQueue()
    process = fork.Process(target=touch_gpu, args=(out,))
    process.start()
    answer = out.get()
    process.join()
    return answer


("re-initialize CUDA in forked" in message_of_child()) == gpu  # True

# %%
# The result: 200 requests in four threads
# ----------------------------------------
#
# Four threads answer 200 requests. The results agree with one call on all
# 200 rows. Each result is a plain Python number, so no graph is kept.
with ThreadPoolExecutor(max_workers=4) as pool:
    rows = [x[index : index + 1] for index in range(1200, 1400)]
    answers = [answer for [answer] in pool.map(handler, rows)]
right = (torch.tensor(answers) == y[1200:1400]).float().mean().item()
print(f"accuracy={right:.3f}")
assert answers == handler(x[1200:1400])
assert {type(answer) for answer in answers} == {int}
assert 0.85 < right <= 1.0, right
