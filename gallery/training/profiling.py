"""
Profiling: where the time of a training step goes
=================================================

``torch.profiler`` shows which operations a training step runs, how often
and when. ``torch.utils.benchmark.Timer`` compares the times of two
statements. On this page, the profile reveals a loop over the samples of a
batch. Rewritten for the whole batch, the step runs less than a tenth of the
operations, and the losses stay the same.
"""
import json
import time
from collections import defaultdict
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import matplotlib.pyplot as plt
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.profiler import (
    ProfilerActivity,
    profile,
    record_function,
    schedule,
)
from torch.utils.benchmark import Timer
from torch.utils.flop_counter import FlopCounterMode

# %%
# A training step that is slower than it should be
# ------------------------------------------------
#
# Each image is standardized to mean 0 and standard deviation 1 before it
# enters the network. The result is right, but the function handles one
# image at a time.
torch.manual_seed(0)
device = torch.get_default_device()
inputs, targets = load_digits(return_X_y=True)
inputs = torch.tensor(inputs, dtype=torch.float32, device=device)
targets = torch.tensor(targets, device=device)


def standardize_each(pictures):
    rows = [(row - row.mean()) / row.std() for row in pictures]
    return torch.stack(rows)


# %%
# The step, with names for its parts
# ----------------------------------
#
# ``record_function`` names the parts of the step. The profile will show
# these names.
def make_step(standardize):
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 10)
    )
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    def step(start=0):
        batch = slice(start, start + 128)
        with record_function("standardize"):
            pictures = standardize(inputs[batch])
        with record_function("forward"):
            logits = model(pictures)
            loss = nn.functional.cross_entropy(logits, targets[batch])
        with record_function("backward"):
            optimizer.zero_grad()
            loss.backward()
        with record_function("update"):
            optimizer.step()
        return loss.detach()

    return step


slow_step = make_step(standardize_each)
slow_step()  # shape (), dtype float32

# %%
# Read the clock when the device is done
# --------------------------------------
#
# A call on a GPU returns when its work is queued, so ``time.perf_counter``
# alone measures only the queueing. Synchronize before both readings, and do
# not count the first calls, which also prepare kernels and memory. Times
# depend on the machine and on what else it does. ``FlopCounterMode`` counts
# the floating-point operations of the matrix products, and their number is
# the same on each machine.
def synchronize():
    if device.type != "cpu":
        torch.accelerator.synchronize()


def seconds(function, repeats=5):
    for _ in range(2):
        function()
    synchronize()
    start = time.perf_counter()
    for _ in range(repeats):
        function()
    synchronize()
    return (time.perf_counter() - start) / repeats


small = torch.rand(256, 256)
large = torch.rand(1024, 1024)
small_seconds = seconds(lambda: small @ small)
large_seconds = seconds(lambda: large @ large)
print(f"{small_seconds * 1e3:.2f} ms, {large_seconds * 1e3:.2f} ms")


def flops(function):
    with FlopCounterMode(display=False) as counter:
        function()
    return counter.get_total_flops()


flops(lambda: small @ small)  # 33554432
2 * 256**3  # 33554432
flops(lambda: large @ large) // flops(lambda: small @ small)  # 64

# %%
# CUDA events: the clock of the GPU itself
# ----------------------------------------
#
# An event is a mark in the stream, the queue of work on the GPU. Two events
# measure the time between them on the device, including the time in which
# the device waits for Python. Synchronize before you read them. The last
# number is measured with the clock and without synchronizing, so it is only
# the time to queue the product. On a CPU nothing is printed.
if device.type == "cuda":
    start = torch.cuda.Event(enable_timing=True)
    end = torch.cuda.Event(enable_timing=True)
    start.record()
    large @ large
    end.record()
    end.synchronize()
    begun = time.perf_counter()
    large @ large
    queued = time.perf_counter() - begun
    print(f"{start.elapsed_time(end):.3f} ms, {queued * 1e3:.3f} ms")

# %%
# The table: ``torch.profiler.profile``
# -------------------------------------
#
# ``averages.table(sort_by="self_cpu_time_total")`` has many columns, and
# three of them are printed here. ``Self`` is the time of an operation
# without the operations that it calls. The last column, ``# of Calls``,
# does not depend on how busy the machine is and often tells the most. Here
# the standard deviation is computed 128 times, although the step has all
# 128 images at once.
activities = [ProfilerActivity.CPU]
if device.type == "cuda":
    activities.append(ProfilerActivity.CUDA)


def profile_step(step):
    for _ in range(3):
        step()
    with profile(activities=activities, acc_events=True) as prof:
        step()
        synchronize()
    return prof


slow_profile = profile_step(slow_step)
averages = slow_profile.key_averages()
slowest = sorted(averages, key=lambda e: -e.self_cpu_time_total)
for e in slowest[:6]:
    print(f"{e.key[:20]:20}{e.self_cpu_time_total:8.0f} us{e.count:5}")


def calls(prof):
    counts = {e.key: e.count for e in prof.key_averages()}
    return {key: n for key, n in counts.items() if key.startswith("aten")}


calls(slow_profile)["aten::std"]  # 128

# %%
# ``use_cuda=True`` is gone
# -------------------------
#
# Many pages on the web still show this argument. Use ``activities`` to
# choose what is recorded.
with suppress(TypeError):
    profile(
        use_cuda=True
    )  # TypeError: unexpected since 2.14, FutureWarning: deprecated before
with suppress(TypeError):
    torch.autograd.profiler.profile(
        use_cuda=False
    )  # TypeError: unexpected since 2.14, type profile before

# %%
# The same result for the whole batch, and a ``Timer`` to compare
# ---------------------------------------------------------------
#
# ``Timer`` warms up, waits for the device, repeats the statement for long
# enough, and gives the median. By default it uses one thread, so set
# ``num_threads`` to the number that your program uses. One mean, one
# difference and one standard deviation are enough for the batch. The loop
# runs more than 50 times as many operations.
def standardize_batch(pictures):
    mean = pictures.mean(dim=1, keepdim=True)
    return (pictures - mean) / pictures.std(dim=1, keepdim=True)


def median(statement, **names):
    timer = Timer(
        statement, globals=names, num_threads=torch.get_num_threads()
    )
    return timer.blocked_autorange(min_run_time=0.1).median


batch = inputs[:128]
one, all_ = standardize_each(batch), standardize_batch(batch)
torch.allclose(one, all_, atol=1e-5)  # True
looped = median("f(x)", f=standardize_each, x=batch)
at_once = median("f(x)", f=standardize_batch, x=batch)
print(f"{looped * 1e6:.0f} us, {at_once * 1e6:.0f} us")
looped_calls = calls(profile_step(lambda: standardize_each(batch)))
calls_at_once = calls(profile_step(lambda: standardize_batch(batch)))
parts = ["aten::mean", "aten::sub", "aten::std"]
[calls_at_once[part] for part in parts]  # [1, 1, 1]
sum(looped_calls.values()) > 50 * sum(calls_at_once.values())  # True

# %%
# Record several steps, and export a file for a trace viewer
# ----------------------------------------------------------
#
# In a long run, ``schedule`` skips some steps, warms up and records a few.
# ``export_chrome_trace`` writes a file that https://ui.perfetto.dev
# displays in a browser. Here the file is read back, and it contains the
# recorded steps.
fast_step = make_step(standardize_batch)
plan = schedule(skip_first=2, wait=1, warmup=1, active=2, repeat=1)
recorder = profile(activities=activities, schedule=plan, acc_events=True)
with recorder as prof:
    for _ in range(8):
        fast_step()
        synchronize()
        prof.step()
with TemporaryDirectory() as folder:
    path = Path(folder) / "trace.json"
    prof.export_chrome_trace(str(path))
    trace = json.loads(path.read_text())["traceEvents"]
names = [event.get("name", "") for event in trace]
sum(name.startswith("ProfilerStep#") for name in names) >= 2  # True
names.count("ProfilerStep#4") > 0  # True
names.count("ProfilerStep#3")  # 0

# %%
# From events to boxes
# --------------------
#
# An event stores when it began and ended, and which event called it. The
# number of its callers is its depth in the figure. On a GPU, the backward
# pass runs in a thread of its own, and its events have no caller. They are
# drawn below the part in which they begin.
PARTS = ["standardize", "forward", "backward", "update"]


def boxes(prof):
    events = [e for e in prof.events() if e.device_type.name == "CPU"]
    spans = {e.name: e.time_range for e in events if e.name in PARTS}
    zero = spans["standardize"].start
    stack = defaultdict(list)
    for event in events:
        start, length = event.time_range.start, event.cpu_time_total
        depth, caller = 0, event
        while caller.cpu_parent is not None:
            depth, caller = depth + 1, caller.cpu_parent
        depth += caller.name not in PARTS
        for part, span in spans.items():
            if span.start <= start < span.end:
                box = (start - zero) / 1e3, length / 1e3
                stack[part, depth].append(box)
    return stack


slow_boxes = boxes(slow_profile)
[len(slow_boxes[part, 0]) for part in PARTS]  # [1, 1, 1, 1]
len(slow_boxes["standardize", 1]) >= 4 * 128  # True

# %%
# The result: the same losses with far fewer operations
# -----------------------------------------------------
#
# Top: the step with the loop. Bottom: the step without it, on the same time
# axis, where each operation lies below its caller. Recording itself takes
# time, so compare only the shapes here, and read the times that ``Timer``
# prints. The step without the loop runs less than a tenth of the
# operations, and training with either step gives the same losses.
slow_step, fast_step = map(make_step, (standardize_each, standardize_batch))
starts = list(range(0, 1280, 128)) * 6
slow_losses = torch.stack([slow_step(start) for start in starts])
fast_losses = torch.stack([fast_step(start) for start in starts])
assert torch.allclose(slow_losses, fast_losses, atol=1e-2)
assert fast_losses[-10:].mean() < 0.6 < 2 < fast_losses[0]
before = median("step()", step=slow_step)
after = median("step()", step=fast_step)
print(f"{before * 1e3:.2f} ms before, {after * 1e3:.2f} ms after")
fast_profile = profile_step(fast_step)
slow_count = sum(calls(slow_profile).values())
fast_count = sum(calls(fast_profile).values())
print(f"{slow_count} operations before, {fast_count} after")
assert slow_count > 10 * fast_count

stacks = slow_boxes, boxes(fast_profile)
figure, rows = plt.subplots(2, 1, sharex=True, figsize=(9, 4.2))
for axes, stack in zip(rows, stacks, strict=True):
    for (part, depth), spans in stack.items():
        if depth < 4:
            colour = f"C{PARTS.index(part)}"
            axes.broken_barh(spans, (-depth, 0.9), color=colour, lw=0)
    axes.set(yticks=[])
for index, name in enumerate(PARTS):
    rows[1].plot([], linewidth=8, color=f"C{index}", label=name)
rows[1].legend(loc="lower right", ncols=2)
rows[1].set(xlabel="ms")
figure.tight_layout()
