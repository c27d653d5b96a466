"""
torch.compile fails or is slow: find the part that is at fault
==============================================================

Try the backends ``"eager"``, ``"aot_eager"`` and ``"inductor"`` in this
order. The first one that fails shows which part is at fault. If nothing
fails but the program is slow, count the graphs and the compilations.
``TORCH_COMPILE_DISABLE=1`` switches the compiler off without a change to
the code. The model on this page is split into several graphs by a graph
break, a line that the compiler cannot put into a graph. It is also compiled
again from call to call. After the repair, one graph and one compilation are
enough.

* A long traceback from ``torch._dynamo`` or ``torch._inductor``? See *Which
  part fails: three backends in turn*.
* "BackendCompilerFailed: backend='inductor' raised"? See
  *BackendCompilerFailed: the cause follows in the message*.
* Must the program keep running? See *Go on without the compiler*.
* Slow, or slower than before? See *Slow: count graphs and compilations*.
* Slow at the start? See *Slow at the first call: how long it compiled*.
* Results that differ from eager mode? See *Different results: compare with
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
# ``"eager"`` captures the operations as a graph and runs this graph without
# compiling it. An error there comes from your code or from the capture.
# ``"aot_eager"`` captures the backward pass as well. If only ``"inductor"``
# fails, the fault is in the step that generates the fast code (the
# kernels), so update PyTorch and Triton, and report the bug.
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
# ``BackendCompilerFailed`` wraps another error. Its message begins with
# "backend='inductor' raised" and then names the cause, such as a missing
# compiler, a missing Triton or too little memory. Search for that cause.
# The backend in this example fails on purpose.


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
# The environment variable ``TORCH_COMPILE_DISABLE=1`` switches the compiler
# off. ``torch.compiler.disable`` excludes a single function. With
# ``suppress_errors``, a function that cannot be compiled runs in eager
# mode, that is, as ordinary Python. Use this setting only for a while,
# because it hides the errors of the compiler.
torch.compiler.reset()
with redirect_stderr(StringIO()), config.patch(suppress_errors=True):
    saved = torch.compile(torch.sin, backend=broken)(x)
torch.equal(saved, x.sin())  # True


# %%
# Slow: count graphs and compilations
# -----------------------------------
#
# ``counters`` holds the number of graphs and the reasons for the graph
# breaks. If the number of graphs grows from call to call, the model is
# compiled again. This model has both problems: it reads a number with
# ``item()``, and it counts its calls in an attribute.
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
# ``compile_times`` lists the parts of the compilation and the seconds that
# each of them took. To save time, compile the block that repeats instead of
# the whole model, and keep the cache of inductor between runs. See
# :doc:`/reference/compile/surprises`.
table = compile_times()
"_compile" in table  # True
print(table.splitlines()[0])

# %%
# Different results: compare with float64
# ---------------------------------------
#
# The compiler joins (fuses) several operations into one kernel, which
# rounds at other places than the separate operations do. Compute the result
# once in float64 as a reference. If the compiled result is about as close
# to the reference as the eager result, both are fine. If the error is
# larger even with ``"aot_eager"``, look for a bug, or for dropout that
# draws other random numbers.


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
# The result: one graph, one compilation
# --------------------------------------
#
# In the repaired model, the maximum stays a tensor and the counter is a
# buffer. ``mark_dynamic`` marks the batch size as variable, so batches of
# four sizes need only one graph.
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
