"""
CUDA out of memory: count what takes it, then reduce it in order
================================================================

Parameters, gradients and optimizer state take a fixed amount of memory.
Activations, the results that the backward pass needs, grow with the batch
size. Graphs that are not released grow with each step. This page counts all
of this in bytes, on any device. A limit in bytes, the ``budget``, raises
the error of a full GPU without a GPU. First find the leaks. Then reduce the
memory with smaller batches, gradient accumulation, ``autocast`` and
checkpointing. At the end a network trains with a twelfth of its activation
memory.

* Does the first step fail?

  * What takes the memory? See *Four parts: parameters, gradients,
    optimizer state, activations*.
  * Is it the activations? See *First remedy: smaller batches, the same
    gradient*, *Second remedy: autocast* and *Third remedy: checkpointing*.

* Does memory use keep increasing until training fails?

  * Do you sum the loss? See *A leak: total += loss*.
  * Do the inputs have different lengths? See *Out of memory after hours:
    the longest batch decides*.
  * Is it in the validation, or do you keep outputs? See *A leak: outputs
    in a list, evaluation with a graph*.

* Does it fail when training resumes from a checkpoint? See *Out of memory
  when resuming: load to the CPU*.

* What does the message say, and can it be caught? See *The error:
  torch.OutOfMemoryError*.

* How much memory is in use? See *Measure the memory in use: counters of the
  device*.

* Does nvidia-smi show the same number after ``del`` and ``empty_cache``?
  See *Memory is not released after del: something still refers to it*.
"""
import gc
import io
import weakref
from contextlib import contextmanager, suppress
from functools import partial

import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.checkpoint import checkpoint

# %%
# Handwritten digits and a deep network
# -------------------------------------
#
# The network has six hidden layers of 256 units. With ``save_memory=True``
# it computes its blocks with ``checkpoint``, which a later card explains.
torch.manual_seed(0)
device = torch.get_default_device()
digits = load_digits()
order = torch.randperm(1797)
x = torch.tensor(digits.data, dtype=torch.float32, device=device)[order]
x, y = x / 16, torch.tensor(digits.target, device=device)[order]
x_train, y_train, x_test, y_test = x[:1280], y[:1280], x[1280:], y[1280:]


class Net(nn.Module):
    def __init__(self, save_memory=False):
        super().__init__()
        self.first, self.head = nn.Linear(64, 256), nn.Linear(256, 10)
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.Linear(256, 256), nn.GELU()) for _ in range(6)
        )
        self.save_memory = save_memory

    def forward(self, x):
        x = self.first(x)
        for block in self.blocks:
            if self.save_memory and self.training:
                x = checkpoint(block, x, use_reentrant=False)
            else:
                x = block(x)
        return self.head(x)


# %%
# Count activations: ``saved_tensors_hooks``
# ------------------------------------------
#
# Autograd calls ``pack`` with each tensor that it saves for the backward
# pass. A ``weakref.WeakSet`` shows which of them are still alive. Tensors
# that share memory are counted once, and parameters are not counted. If the
# sum exceeds the ``budget``, ``pack`` raises the error of a full GPU.
class Held:
    def __init__(self, tensor):
        self.tensor = tensor


class SavedMemory:
    def __init__(self, model, budget=float("inf")):
        own = [p.untyped_storage() for p in model.parameters()]
        self.own = {part.data_ptr() for part in own}
        self.alive, self.peak, self.budget = weakref.WeakSet(), 0, budget

    def bytes(self):
        kept = [held.tensor.untyped_storage() for held in self.alive]
        sizes = {part.data_ptr(): part.nbytes() for part in kept}
        return sum(n for at, n in sizes.items() if at not in self.own)

    def pack(self, tensor):
        held = Held(tensor.detach())
        self.alive.add(held)
        self.peak = max(self.peak, self.bytes())
        if self.peak > self.budget:
            raise torch.OutOfMemoryError("budget: out of memory")
        return held

    @contextmanager
    def watch(self):
        hooks = torch.autograd.graph.saved_tensors_hooks
        with hooks(self.pack, lambda held: held.tensor):
            yield self


# %%
# Four parts: parameters, gradients, optimizer state, activations
# ---------------------------------------------------------------
#
# Each parameter has a gradient, and Adam keeps two averages for it.
# Parameters, gradients and averages together take four times the memory of
# the parameters, whatever the batch size. The activations grow in
# proportion to the batch, and for 1,280 samples they take more memory than
# all the rest. On a GPU, libraries and the allocator need some memory as
# well.
def nbytes(tensors):
    return sum(t.nbytes for t in tensors)


model = Net()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
memory = SavedMemory(model)
with memory.watch():
    loss = F.cross_entropy(model(x_train), y_train)
    activations = memory.bytes()
    loss.backward()
optimizer.step()
parameters = nbytes(model.parameters())
gradients = nbytes(p.grad for p in model.parameters())
states = [s for kept in optimizer.state.values() for s in kept.values()]
state = nbytes(s for s in states if s.ndim > 0)
parameters  # 1655848
gradients == parameters  # True
state == 2 * parameters  # True
activations > parameters + gradients + state  # True
del loss
memory.bytes()  # 0

# %%
# The error: ``torch.OutOfMemoryError``
# -------------------------------------
#
# On a GPU the message is "CUDA out of memory. Tried to allocate ...", and
# its class is ``torch.OutOfMemoryError``, a subclass of ``RuntimeError``.
# On the CPU, a request that is too large raises a plain ``RuntimeError``,
# but often the operating system ends the process first. The budget of this
# page raises ``torch.OutOfMemoryError``.
issubclass(torch.OutOfMemoryError, RuntimeError)  # True
with suppress(RuntimeError):
    torch.empty(
        2**50, device="cpu"
    )  # RuntimeError: DefaultCPUAllocator: can't allocate memory
small = SavedMemory(model, budget=activations // 3)
with suppress(torch.OutOfMemoryError), small.watch():
    model(x_train)  # OutOfMemoryError: out of memory

# %%
# A leak: ``total += loss``
# -------------------------
#
# ``loss`` refers to its graph, so a sum of losses keeps the graphs of all
# steps. In training, ``backward`` frees the activations but not the nodes
# of the graph. In an evaluation without ``backward``, the activations stay
# as well. Add ``loss.detach()`` or ``loss.item()`` instead.
def held_after_each(steps, keep, grad=True):
    memory, total, course = SavedMemory(model), 0.0, []
    with memory.watch(), torch.set_grad_enabled(grad):
        for rows in torch.arange(1280).split(128)[:steps]:
            loss = F.cross_entropy(model(x_train[rows]), y_train[rows])
            total = total + keep(loss)
            del loss
            course.append(memory.bytes())
    return course


leaking = held_after_each(10, keep=lambda loss: loss)
detached = held_after_each(10, keep=torch.Tensor.detach)
leaking[9] > 9 * leaking[0]  # True
detached[9]  # 0

# %%
# The same leak after ``backward``: the nodes stay
# ------------------------------------------------
#
# A node of the graph stands for one operation. After ``backward``, the sum
# still refers to the nodes of all steps. Their number grows with each step,
# and a function that walks through the graph takes longer and longer.
def graph_length(tensor):
    seen, todo = set(), [tensor.grad_fn]
    while todo:
        node = todo.pop()
        if node is not None and node not in seen:
            seen.add(node)
            todo += [parent for parent, _ in node.next_functions]
    return len(seen)


total, lengths = 0.0, []
for rows in torch.arange(1280).split(128):
    loss = F.cross_entropy(model(x_train[rows]), y_train[rows])
    loss.backward()
    total += loss
    lengths.append(graph_length(total))
lengths[9] > 5 * lengths[0]  # True
graph_length(total.detach())  # 0

# %%
# A leak: outputs in a list, evaluation with a graph
# --------------------------------------------------
#
# ``outputs.append(model(batch))`` keeps one graph for each batch, and
# ``model.eval()`` does not change that. Under ``inference_mode`` no graph
# is built. If you need the outputs later, move them to the CPU with
# ``.detach().cpu()``.
model.eval()
memory = SavedMemory(model)
with memory.watch():
    outputs = [model(part) for part in x_test.split(100)]
    memory.bytes() > activations // 4  # True
    del outputs
    with torch.inference_mode():
        outputs = [model(part) for part in x_test.split(100)]
    memory.bytes()  # 0
model.train()


# %%
# Out of memory after hours: the longest batch decides
# ----------------------------------------------------
#
# With inputs of different lengths, each sample is padded to the longest one
# of its batch, and the activations grow with that length. An error after
# many hours is then no leak: nothing is left after a step, and the peak
# follows the length. Train on the longest batch first, limit the length, or
# put samples of similar length into one batch. On a GPU, print
# ``max_memory_allocated`` beside the length of the batch.
def peak_and_rest(lengths):
    memory = SavedMemory(model)
    padded = torch.rand(len(lengths), max(lengths), 64)
    with memory.watch():
        model(padded).mean().backward()
    return memory.peak, memory.bytes()


batches = [(20, 30), (30, 20), (20, 200), (20, 30)]
course = [peak_and_rest(lengths) for lengths in batches]
shortest = course[0][0]
[30 * peak / shortest for peak, _ in course]  # [30.0, 30.0, 200.0, 30.0]
[rest for _, rest in course]  # [0, 0, 0, 0]
alone = peak_and_rest([200])[0]
alone / course[2][0]  # 0.5

# %%
# Out of memory when resuming: load to the CPU
# --------------------------------------------
#
# By default, ``torch.load`` puts each tensor on the device that it was
# saved from. A checkpoint with Adam is three times as large as the
# parameters, and it would stay on the GPU beside the model and the
# optimizer. With ``map_location="cpu"`` it is loaded into the memory of the
# machine, and ``load_state_dict`` copies the values to the GPU.
file = io.BytesIO()
states = {"model": model.state_dict(), "optimizer": optimizer.state_dict()}
torch.save(states, file)
file.seek(0)
saved = torch.load(file, map_location="cpu")
averages = [
    one[name]
    for one in saved["optimizer"]["state"].values()
    for name in ("exp_avg", "exp_avg_sq")
]
loaded = [*saved["model"].values(), *averages]
nbytes(loaded) == 3 * parameters  # True
{tensor.device.type for tensor in loaded}  # {'cpu'}
model.load_state_dict(saved["model"])
optimizer.load_state_dict(saved["optimizer"])
kept = [one["exp_avg"] for one in optimizer.state.values()]
all(tensor.device.type == device.type for tensor in kept)  # True
del saved, loaded, averages

# %%
# First remedy: smaller batches, the same gradient
# ------------------------------------------------
#
# The batch of 1,280 samples is split into five parts, and the optimizer
# steps after the last one. The summed loss of each part is divided by the
# number of samples in the whole batch, so that a shorter last part has the
# right weight. Batch normalization would see one part at a time and give
# another gradient. By default, ``zero_grad`` sets gradients to ``None``
# (``set_to_none=True``), which frees their memory between steps.
def gradient(model, x, y, size, memory):
    model.zero_grad()
    with memory.watch():
        for part, wanted in zip(x.split(size), y.split(size), strict=True):
            loss = F.cross_entropy(model(part), wanted, reduction="sum")
            (loss / len(x)).backward()
    return torch.cat([p.grad.flatten() for p in model.parameters()])


double = Net().double()
whole, parts = SavedMemory(double), SavedMemory(double)
x_wide = x_train.double()
at_once = gradient(double, x_wide, y_train, 1280, whole)
in_parts = gradient(double, x_wide, y_train, 300, parts)
torch.allclose(at_once, in_parts)  # True
parts.peak < whole.peak / 3  # True

# %%
# Second remedy: ``autocast``
# ---------------------------
#
# In ``bfloat16`` an activation takes two bytes instead of four.
# ``autocast`` also keeps ``bfloat16`` copies of the weights, so you save
# less than half of the memory. In larger batches, the copies matter less.
# Parameters and optimizer state stay ``float32``.
def peak(model, size=1280, amp=False):
    memory = SavedMemory(model)
    cast = torch.autocast(device.type, dtype=torch.bfloat16, enabled=amp)
    with memory.watch(), cast:
        F.cross_entropy(model(x_train[:size]), y_train[:size]).backward()
    return memory.peak


peaks = {"batch 1280": peak(Net()), "batch 256": peak(Net(), 256)}
peaks["autocast"] = peak(Net(), amp=True)
peaks["autocast"] < 0.8 * peaks["batch 1280"]  # True

# %%
# Third remedy: checkpointing
# ---------------------------
#
# ``checkpoint`` keeps only the input of a block and computes the block
# again in the backward pass. This saves memory and costs about one more
# forward pass. The gradients stay the same. Pass ``use_reentrant=False``.
peaks["checkpoint"] = peak(Net(save_memory=True))
peaks["checkpoint"] < 0.8 * peaks["batch 1280"]  # True
peaks["all three"] = peak(Net(save_memory=True), 256, amp=True)
peaks["all three"] < peaks["batch 1280"] / 3  # True
double.save_memory = True
again = gradient(double, x_wide, y_train, 1280, SavedMemory(double))
torch.allclose(at_once, again)  # True

# %%
# Measure the memory in use: counters of the device
# -------------------------------------------------
#
# ``max_memory_allocated`` is the peak memory of all tensors on the GPU; the
# CPU has no such counter. ``nvidia-smi`` shows more, because PyTorch keeps
# freed memory for later tensors. ``empty_cache`` gives that memory to other
# programs, but it seldom prevents your own error, because PyTorch does the
# same before it raises an error. If the message says that "reserved but
# unallocated memory is large", the memory is fragmented, so set the
# environment variable ``PYTORCH_ALLOC_CONF=expandable_segments:True``
# before the program starts (``PYTORCH_CUDA_ALLOC_CONF`` in older releases).
def allocated_at_most(work):
    if device.type == "cpu":
        return None
    counters = torch.get_device_module(device)
    counters.reset_peak_memory_stats()
    work()
    return counters.max_memory_allocated()


print(allocated_at_most(partial(peak, Net())))

# %%
# Memory is not released after del: something still refers to it
# --------------------------------------------------------------
#
# ``del`` removes one name, and the memory is freed when nothing refers to
# the tensor any more. An optimizer holds the parameters, an output holds
# its graph, a notebook keeps recent results in ``Out``, and an exception
# keeps the frames that it passed through. Delete these, call
# ``gc.collect()``, and then call ``empty_cache``. Check
# ``memory_allocated``, because ``nvidia-smi`` also counts the CUDA context,
# which stays until the process ends.
net = nn.Linear(64, 10)
optimizer = torch.optim.Adam(net.parameters())
weight = weakref.ref(net.weight)
output = net(x_test)
del net
weight() is None  # False
del optimizer
weight() is None  # False
del output
gc.collect()
weight() is None  # True

# %%
# The result: training with a twelfth of the activation memory
# ------------------------------------------------------------
#
# The budget is a twelfth of the memory that one batch of 1,280 samples
# needs. ``fit`` trains in batches of 160, catches the error and halves the
# parts until they fit. It tries again after the ``except`` block, because
# inside it the exception still holds the failed graph. The accuracy on the
# test set is above 85 %.
def fit(model, budget, epochs=14):
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    size = len(x_train)
    for _ in range(epochs):
        for rows in torch.randperm(1280).split(160):
            images, targets, done = x_train[rows], y_train[rows], False
            while not done:
                memory = SavedMemory(model, budget)
                try:
                    gradient(model, images, targets, size, memory)
                    done = True
                except torch.OutOfMemoryError:
                    size //= 2
            optimizer.step()
    return size, memory.peak


budget = peaks["batch 1280"] // 12
model = Net()
size, used = fit(model, budget)
with torch.inference_mode():
    right = model.eval()(x_test).argmax(dim=1) == y_test
accuracy = right.float().mean().item()
print(f"{accuracy=:.3f} {size=} {used=} {budget=}")
assert 0.85 < accuracy <= 1.0, accuracy
assert used <= budget
assert size < 160

# %%
# Memory of each part, of each remedy and of the leak, drawn
# ----------------------------------------------------------
#
# Left: the memory of parameters, gradients and optimizer state, and the
# peak of the saved activations with each remedy. Right: the memory held
# after each of ten evaluation steps, when the loss is summed with its graph
# and when it is detached.
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.8))
mib = 2**20
fixed = {"parameters": parameters, "grad": gradients, "Adam": state}
left.bar(list(fixed), [n / mib for n in fixed.values()], color="C2")
left.bar(list(peaks), [n / mib for n in peaks.values()], color="C0")
left.tick_params(axis="x", rotation=50)
left.set_ylabel("MiB")
right.plot([n / mib for n in leaking], "o-", color="C1", label="loss")
right.plot(detached, "s--", color="C0", label="loss.detach()")
right.set(xlabel="step", ylabel="MiB")
right.legend()
figure.tight_layout()
