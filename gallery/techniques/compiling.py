"""
``torch.compile``: same values, first call slow, graph breaks, recompiles
=========================================================================

``torch.compile`` compiles a function or model at its first call into
kernels, the fast code that runs on the device. This page compares values
and gradients with plain PyTorch, times the first call and later calls, and
counts the operators that they run. It also shows how to avoid graph breaks,
which split the compiled code into several parts, and recompilation, which
repeats the work of the compiler.
"""
import io
import os
import shutil
import sys
import sysconfig
import time
import warnings
from contextlib import redirect_stderr
from copy import deepcopy
from pathlib import Path
from statistics import median

import matplotlib.pyplot as plt
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional as F
from torch.profiler import ProfilerActivity, profile
from torch.utils.cpp_extension import get_cxx_compiler
from torch.utils.data import DataLoader, TensorDataset, random_split

# %%
# Find out which backend can run here
# -----------------------------------
#
# The default backend, Inductor, writes C++ or Triton code and needs a C++
# compiler and the Python headers. If they are missing, this page uses
# ``"aot_eager"``, which captures the same graph and runs it with plain
# PyTorch, without the gain in speed. The filter hides a warning of torch
# 2.11 about its own code, which appears when Inductor is loaded.
torch.manual_seed(0)
device = torch.get_default_device()
header = Path(sysconfig.get_path("include")) / "Python.h"
can_build = bool(shutil.which(get_cxx_compiler())) and header.exists()
backend = "inductor" if can_build else "aot_eager"
warnings.filterwarnings("ignore", "`torch.jit.script_method`")
recursion_limit = sys.getrecursionlimit()
print(f"{backend=}")


# %%
# Compile a function: the values are the same
# -------------------------------------------
#
# ``torch.compile`` itself compiles nothing yet, because the first call does
# the work. A compiled kernel joins several operations (they are fused) and
# rounds in different places, so compare with a tolerance. A backend is a
# function that gets the captured graph. The backend ``counting`` notes how
# many operators the graph holds and passes it on.
def gate(x):
    u = x + x * x * x / 4
    return x * (1 + u / (1 + abs(u))) / 2


def counting(graph_module, example_inputs):
    nodes = graph_module.graph.nodes
    captured.append(sum(node.op == "call_function" for node in nodes))
    return compiler(graph_module, example_inputs)


captured, compiler = [], torch._dynamo.lookup_backend(backend)
x = torch.randn(2048, 2048)
compiled_gate = torch.compile(gate, backend=counting)
captured  # []
start = time.perf_counter()
first_output = compiled_gate(x)
first_output[0, 0].item()
first_call = time.perf_counter() - start
captured  # [10] since 2.13, [9] before
torch.allclose(first_output, gate(x), rtol=1e-4, atol=1e-4)  # True


# %%
# Time the first call, later calls and plain PyTorch
# --------------------------------------------------
#
# ``item()`` waits for the GPU, and the median is not affected by a single
# slow run. The profiler counts the operators that one call runs. Plain
# PyTorch runs each of them and writes a tensor each time. With Inductor a
# call runs none of them, because its own kernel does the work, and later
# calls do not compile again.
def measure(function, repeats=9):
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        function(x)[0, 0].item()
        times.append(time.perf_counter() - start)
    return median(times)


seconds = {"first call": first_call, "compiled": measure(compiled_gate)}
seconds["eager"] = measure(gate)
print({name: f"{value * 1000:.1f} ms" for name, value in seconds.items()})
saved = seconds["eager"] - seconds["compiled"]
if saved > 0:
    print(f"calls until it pays: {first_call / saved:.0f}")
captured  # [10] since 2.13, [9] before


def operators(function):
    names = {"aten::add", "aten::mul", "aten::div", "aten::abs"}
    activities = [ProfilerActivity.CPU]
    with profile(activities=activities, acc_events=True) as prof:
        function(x)
    return sum(e.count for e in prof.key_averages() if e.key in names)


ran = {"compiled": operators(compiled_gate), "eager": operators(gate)}
print(ran)
ran["eager"] >= captured[0]  # True
ran["compiled"] == 0 or backend != "inductor"  # True

# %%
# Compile a model: the gradients are the same, too
# ------------------------------------------------
#
# The graph of the backward pass is captured as well, and ``"aot_eager"`` is
# enough to check this. In float64, the gradients agree within a relative
# tolerance of 1e-9.
digits = load_digits()
inputs = torch.tensor(digits.data, dtype=torch.float32, device=device)
targets = torch.tensor(digits.target, device=device)
inputs = inputs / 16
model = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 10))
plain, twin = deepcopy(model).double(), deepcopy(model).double()
compiled_twin = torch.compile(twin, backend="aot_eager")
for candidate in (plain, compiled_twin):
    logits = candidate(inputs[:64].double())
    F.cross_entropy(logits, targets[:64]).backward()
[
    torch.allclose(p.grad, q.grad, rtol=1e-9, atol=1e-12)
    for p, q in zip(plain.parameters(), twin.parameters(), strict=True)
]  # [True, True, True, True]

# %%
# Names in the ``state_dict``, and training
# -----------------------------------------
#
# ``torch.compile(model)`` wraps the model and puts ``_orig_mod`` before
# each name in the state dict. Such a checkpoint does not load into the
# plain model. Save the state dict of the original model, or compile in
# place with ``model.compile()``.
next(iter(compiled_twin.state_dict()))  # '_orig_mod.0.weight'
model.compile(backend="aot_eager")
next(iter(model.state_dict()))  # '0.weight'
generator = torch.Generator(device=device).manual_seed(0)
train_set, test_set = random_split(
    TensorDataset(inputs, targets), [0.7, 0.3], generator=generator
)
loader = DataLoader(
    train_set, batch_size=64, shuffle=True, generator=generator
)
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
for _ in range(10):
    for batch_inputs, batch_targets in loader:
        optimizer.zero_grad()
        F.cross_entropy(model(batch_inputs), batch_targets).backward()
        optimizer.step()


# %%
# Find a graph break with ``torch._dynamo.explain``
# -------------------------------------------------
#
# A Python ``if`` on the value of a tensor breaks the graph, because the
# value is known only after the graph has run. Dynamo, the part of
# ``torch.compile`` that captures graphs, turns the code before and after
# the ``if`` into two graphs, and Python decides in between. The reason that
# ``explain`` gives, ``generic_jump TensorVariable()``, stands for this
# ``if``. Calls such as ``print`` and ``float(tensor)`` usually break the
# graph as well.
def clip(vector):
    norm = (vector @ vector) ** 0.5
    if norm > 1:
        return vector / norm
    return vector


long, short = torch.tensor([3.0, 4.0]), torch.tensor([0.3, 0.4])
clip(long)  # tensor([0.6000, 0.8000])
explained = torch._dynamo.explain(clip)(long)
explained.graph_count, explained.graph_break_count  # (2, 1)
print(explained.break_reasons[0].reason)

# %%
# ``fullgraph=True`` turns a graph break into an error
# ----------------------------------------------------
#
# By default, most graph breaks cost time without a message. With
# ``fullgraph=True`` this ``if`` raises an error. The message names the
# cause and shows the line of code.
try:
    torch.compile(clip, backend="eager", fullgraph=True)(long)
except RuntimeError as error:
    kind, message = type(error).__name__, str(error)
kind  # 'Unsupported'
message.splitlines()[0]  # 'Data-dependent branching'
"if norm > 1:" in message  # True

# %%
# Avoid the graph break with ``torch.where``
# ------------------------------------------
#
# Both branches are computed, and ``torch.where`` chooses between them for
# each element. The function is then one graph without a break. It gives the
# same values for a long and a short vector.
where = torch.where


def clip_by_where(vector):
    norm = (vector @ vector) ** 0.5
    return where(norm > 1, vector / norm, vector)


explained = torch._dynamo.explain(clip_by_where)(long)
explained.graph_count, explained.graph_break_count  # (1, 0)
whole = torch.compile(clip_by_where, backend="eager", fullgraph=True)
whole(long)  # tensor([0.6000, 0.8000])
torch.equal(whole(short), clip(short))  # True


# %%
# Recompilation on new shapes, and ``dynamic=True``
# -------------------------------------------------
#
# The backend here counts the graphs that it gets. By default, a second
# length leads to a second graph, which also serves later lengths. With
# ``dynamic=True`` the first graph serves all lengths of this example.
# ``dynamic=False`` compiles a graph for each length, and by default stops
# compiling after eight of them.
def count_compiles(dynamic):
    graphs, counts = [], []

    def counting_backend(graph_module, example_inputs):
        graphs.append(graph_module)
        return graph_module.forward

    torch._dynamo.reset()
    counted = torch.compile(gate, backend=counting_backend, dynamic=dynamic)
    for length in (3, 3, 4, 5, 6):
        counted(torch.ones(length))
        counts.append(len(graphs))
    return counts


count_compiles(dynamic=None)  # [1, 1, 2, 2, 2]
count_compiles(dynamic=True)  # [1, 1, 1, 1, 1]
count_compiles(dynamic=False)  # [1, 1, 2, 3, 4]

# %%
# Old advice: ``torch.jit.trace``
# -------------------------------
#
# TorchScript is deprecated, and ``trace`` gives a warning. It also loses
# the branch, because it keeps only the path that its example input takes,
# here a short vector. The traced function does not clip a long vector, and
# ``torch.compile`` does.
with warnings.catch_warnings(record=True) as heard:
    warnings.simplefilter("always")
    traced = torch.jit.trace(clip, short)
kind = heard[0].category.__name__
kind  # 'FutureWarning' since 2.14, 'DeprecationWarning' before
texts = [str(warning.message) for warning in heard]
texts[0].split(". ")[0]  # '`torch.jit.trace` is deprecated'
texts[0].split(". ")[1][:33]  # 'Please switch to `torch.compile` '
any("trace to be incorrect" in text for text in texts)  # True
traced(long)  # tensor([3., 4.])
torch.compile(clip, backend="eager")(long)  # tensor([0.6000, 0.8000])

# %%
# Old advice: ``torch.jit.script``, and ``torch.export`` instead
# --------------------------------------------------------------
#
# ``torch.jit.script`` is deprecated as well. Use ``torch.export.export`` to
# run a model without its Python source. It captures one whole graph, and a
# branch on values raises an error instead of being lost. The output before
# the error is hidden here.
with warnings.catch_warnings(record=True) as heard:
    warnings.simplefilter("always")
    torch.jit.script(nn.ReLU())
str(heard[0].message).split(". ")[0]  # '`torch.jit.script` is deprecated'


class Clip(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, vector):
        return self.function(vector)


exported = torch.export.export(Clip(clip_by_where), (short,))
exported.module()(long)  # tensor([0.6000, 0.8000])
try:
    with redirect_stderr(io.StringIO()):
        torch.export.export(Clip(clip), (short,))
except RuntimeError as error:
    message = str(error)
"Could not guard on data-dependent expression" in message  # True

# %%
# What was reached
# ----------------
#
# The compiled model reaches more than 92 % accuracy on the test set, and
# plain PyTorch with the same weights gives the same logits. ``gate`` was
# compiled once, and with Inductor a later call runs none of its operators.
# The bars show the times that were measured when this page was built.
# Inductor leaves a higher recursion limit and an environment variable
# behind, and the code undoes both.
test_inputs, test_targets = test_set[:]
plain = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 10))
plain.load_state_dict(model.state_dict())
with torch.inference_mode():
    logits = model(test_inputs)
    same = torch.allclose(logits, plain(test_inputs), atol=1e-3)
accuracy = (logits.argmax(dim=1) == test_targets).float().mean().item()
print(f"{backend=} {accuracy=:.3f}")
assert same and 0.92 < accuracy <= 1.0, accuracy
assert captured in ([9], [10])
if backend == "inductor":
    assert ran["compiled"] == 0 < 10 <= ran["eager"], ran
torch._dynamo.reset()
sys.setrecursionlimit(recursion_limit)
os.environ.pop("_TORCHINDUCTOR_PYOBJECT_TENSOR_DATA_PTR", None)

figure, ax = plt.subplots(figsize=(9, 3.6))
bars = ax.barh(list(seconds), [1000 * s for s in seconds.values()])
ax.bar_label(bars, fmt="%.1f ms", color="grey", padding=4)
ax.set(xscale="log", xlabel="ms", title=f"{backend=}")
ax.margins(x=0.15)
figure.tight_layout()
