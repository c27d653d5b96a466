"""
torch.compile fails or is slow: find the part that is at fault
==============================================================

Try the backends ``"eager"``, ``"aot_eager"`` and ``"inductor"`` in this
order: the first one that fails tells which part is at fault. Without an
error but slow, count graphs and compilations. ``TORCH_COMPILE_DISABLE=1``
switches the compiler off without a change of the code. A model below has a
graph break and a recompilation in each step; repaired, it has one graph and
one compilation.

* A long traceback from ``torch._dynamo`` or ``torch._inductor``? See *Which
  part fails: three backends in turn*.
* "BackendCompilerFailed: backend='inductor' raised"? See
  *BackendCompilerFailed: the cause follows in the message*.
* The program must go on? See *Go on without the compiler*.
* Slow, or slower than before? See *Slow: count graphs and compilations*.
* Slow at the start? See *Slow at the first call: how long it compiled*.
* Other numbers than in eager mode? See *Other numbers: compare with
  float64*.
* "Cannot find a working triton installation", "Compiler: cl is not found",
  CUDA graphs? See :doc:`/reference/compile/surprises`.
* "Data-dependent branching", ``item()``, ``print``? See
  :doc:`/reference/compile/graph_breaks`.
* "hit config.recompile_limit (8)"? See
  :doc:`/reference/compile/recompiling`.
"""
from contextlib import redirect_stderr, suppress
from io import StringIO

import torch
from torch import nn
from torch._dynamo import config, exc
from torch._dynamo.testing import CompileCounter
from torch._dynamo.utils import compile_times, counters
from torch.nn import functional as F

# %%
# Which part fails: three backends in turn
# ----------------------------------------
#
# ``"eager"`` captures the graph and runs it as it is: an error there comes
# from your code or from the capture. ``"aot_eager"`` captures the backward
# pass, too. If both pass and ``"inductor"`` fails, the compiler of kernels
# is at fault: update PyTorch and Triton, and report the bug.
torch.manual_seed(0)


def first_failure(function, x, backends=("eager", "aot_eager")):
    for backend in backends:
        torch.compiler.reset()
        compiled = torch.compile(function, backend=backend, fullgraph=True)
        try:
            with redirect_stderr(StringIO()):
                compiled(x)
        except Exception as error:
            return backend, type(error).__name__
    return None


def fault(x):
    if x.sum() > 0:
        return x * 2
    return x


x = torch.ones(3)
first_failure(fault, x)  # ('eager', 'Unsupported')
first_failure(torch.sin, x)  # None

# %%
# BackendCompilerFailed: the cause follows in the message
# -------------------------------------------------------
#
# This error wraps another one. Its text begins with "backend='inductor'
# raised", and the cause follows in the same line: a missing compiler, a
# missing Triton, no memory. Search for the cause. The backend here fails on
# purpose.


def broken(graph_module, example_inputs):
    raise RuntimeError("no space left on device")


with redirect_stderr(StringIO()), suppress(exc.BackendCompilerFailed):
    torch.compile(
        torch.sin, backend=broken
    )(x)  # BackendCompilerFailed: backend='broken' raised

# %%
# Go on without the compiler
# --------------------------
#
# ``TORCH_COMPILE_DISABLE=1`` in the environment switches the compiler off.
# ``torch.compiler.disable`` keeps one function out. With
# ``suppress_errors`` a function that cannot be compiled runs in eager mode:
# use it for a while only, as it hides each error.
torch.compiler.reset()
with redirect_stderr(StringIO()), config.patch(suppress_errors=True):
    saved = torch.compile(torch.sin, backend=broken)(x)
torch.equal(saved, x.sin())  # True


# %%
# Slow: count graphs and compilations
# -----------------------------------
#
# ``counters`` holds the number of graphs and the reasons of graph breaks. A
# number that grows with each step is a recompilation. This model reads a
# number with ``item()`` and counts its calls in an attribute.
class Slow(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer, self.calls = nn.Linear(4, 4), 0

    def forward(self, x):
        self.calls += 1
        scale = x.abs().max().item()
        return self.layer(x / scale) * self.calls


def graphs_after_each_call(model, sizes):
    torch.compiler.reset()
    counters.clear()
    compiled, counts = torch.compile(model, backend="eager"), []
    for size in sizes:
        with redirect_stderr(StringIO()), torch.no_grad():
            compiled(torch.rand(size, 4))
        counts.append(counters["stats"]["unique_graphs"])
    return counts


slow = Slow()
slow(torch.rand(2, 4))
counts = graphs_after_each_call(slow, [5, 5, 5, 5])
print(counts)
counts[0] >= 2, counts[3] > counts[0]  # (True, True)
len(counters["graph_break"]) >= 1  # True

# %%
# Slow at the first call: how long it compiled
# --------------------------------------------
#
# ``compile_times`` lists the parts of the compilation with their seconds.
# Compile the block that repeats instead of the whole model, and keep the
# cache of inductor between runs, see
# :doc:`/reference/compile/surprises`.
table = compile_times()
"_compile" in table  # True
print(table.splitlines()[0])

# %%
# Other numbers: compare with float64
# -----------------------------------
#
# Fused kernels round at other places. Compute once in float64: if the
# compiled result is as near to it as eager mode is, both are right. A
# larger difference with ``"aot_eager"`` is a bug, or dropout that draws
# other numbers.


def distance(result, function, *inputs):
    exact = function(*(value.double() for value in inputs))
    return (result.double() - exact).abs().max().item()


def gate(x, y):
    return F.silu(x) * y + x.exp() / (1 + y * y)


x, y = torch.rand(1000), torch.rand(1000)
torch.compiler.reset()
eager = distance(gate(x, y), gate, x, y)
compiled = torch.compile(gate, backend="aot_eager")
difference = distance(compiled(x, y), gate, x, y)
print(eager, difference)
difference < 10 * eager + 1e-6  # True


# %%
# What was reached: one graph, one compilation
# --------------------------------------------
#
# The maximum stays a tensor and the counter is a buffer. Batches of four
# sizes need one graph, because the first batch is marked as variable.
class Repaired(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 4)
        self.register_buffer("calls", torch.tensor(0))

    def forward(self, x):
        self.calls.add_(1)
        return self.layer(x / x.abs().max()) * self.calls


torch.compiler.reset()
model, twin, counter = Repaired(), Repaired(), CompileCounter()
twin.load_state_dict(model.state_dict())
model(torch.rand(2, 4)), twin(torch.rand(2, 4))
compiled = torch.compile(model, backend=counter, fullgraph=True)
errors = []
for size in (5, 9, 2, 7):
    x = torch.rand(size, 4)
    torch._dynamo.mark_dynamic(x, 0)
    with torch.no_grad():
        errors.append((compiled(x) - twin(x)).abs().max().item())
print(counter.frame_count, errors)
assert counter.frame_count == 1
assert max(errors) < 1e-5, errors
