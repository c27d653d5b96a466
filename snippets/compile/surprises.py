"""
Surprises of torch.compile
==========================

Slow calls, slightly different numbers, checks that are switched off,
missing compilers, caches, modes and CUDA graphs.
"""
import warnings
from contextlib import redirect_stderr, suppress
from io import BytesIO, StringIO

import torch
from torch import nn
from torch._dynamo.testing import CompileCounter
from torch._dynamo.utils import counters
from torch._inductor import config, cudagraph_utils, exc
from torch._inductor.utils import fresh_inductor_cache
from torch.distributions import Distribution, Normal

# %%
# ``torch.distributions`` no longer checks its arguments after compiling
# ----------------------------------------------------------------------
#
# The first ``torch.compile`` of a process switches off the checks of
# ``torch.distributions``, even if it compiles another function. A nan then
# raises no error. Call ``set_default_validate_args(True)`` afterwards to
# switch the checks on again, or pass ``validate_args=True`` for one
# distribution.
nan = torch.tensor(torch.nan)
Distribution.set_default_validate_args(True)
with suppress(ValueError):
    Normal(nan, 1.0)  # ValueError: Expected parameter loc
torch.compile(torch.sin, backend="eager")
Normal(nan, 1.0).loc  # tensor(nan)
with suppress(ValueError):
    Normal(
        nan, 1.0, validate_args=True
    )  # ValueError: Expected parameter loc
Distribution.set_default_validate_args(True)
with suppress(ValueError):
    Normal(nan, 1.0)  # ValueError: Expected parameter loc

# %%
# The first call takes a minute, again after each restart
# -------------------------------------------------------
#
# ``torch.compile`` compiles at the first call for each kind of input, and
# again in each new process. A new process can reuse the generated code if
# the cache folder ``TORCHINDUCTOR_CACHE_DIR`` still exists. Call the model
# once with real shapes before you measure or serve. If a block repeats,
# compile the block, so that its copies are not compiled one by one.
counter = CompileCounter()


class Net(nn.Module):
    def __init__(self, backend):
        super().__init__()
        self.blocks = nn.ModuleList(nn.Linear(4, 4) for _ in range(6))
        for block in self.blocks:
            block.compile(backend=backend)

    def forward(self, x):
        for block in self.blocks:
            x = block(x).relu()
        return x


net, x = Net(counter), torch.rand(2, 4)
counter.frame_count  # 0
with torch.no_grad():
    net(x)  # shape (2, 4)
    counter.frame_count  # 1 since 2.14, 0 before
    net(x)  # shape (2, 4)
    counter.frame_count  # 1 since 2.14, 0 before

# %%
# Compiled and eager results differ in bfloat16
# ---------------------------------------------
#
# Eager mode rounds to bfloat16 after each operation. Inductor fuses the
# operations, keeps intermediate values in float32 and rounds once at the
# end, which is closer to float64; the line with ``float`` imitates this.
# ``backend="aot_eager"`` gives the numbers of eager mode. Use it to see
# whether inductor is the cause.
def f(x, y):
    return (x * y + x) * y - x / 3


x = torch.randn(4096).bfloat16()
y = torch.randn(4096).bfloat16()
exact = f(x.double(), y.double())
eager = f(x, y)
fused = f(x.float(), y.float()).bfloat16()
torch.equal(eager, fused)  # False
eager_error = (eager.double() - exact).abs().mean()
fused_error = (fused.double() - exact).abs().mean()
fused_error < 0.7 * eager_error  # tensor(True)
captured = torch.compile(f, backend="aot_eager")(x, y)
torch.equal(captured, eager)  # True
config.emulate_precision_casts  # False

# %%
# Error: Cannot find a working triton installation (``TritonMissing``)
# --------------------------------------------------------------------
#
# On a GPU, inductor writes Triton code, and the official wheels of
# ``triton`` are for Linux. On Windows install the version of
# ``triton-windows`` that matches your PyTorch, or use WSL2. To continue
# without the compiler, set the environment variable
# ``TORCH_COMPILE_DISABLE=1`` or choose ``backend="eager"``.
with suppress(exc.TritonMissing):
    raise exc.TritonMissing(
        None
    )  # TritonMissing: Cannot find a working triton installation
issubclass(exc.TritonMissing, RuntimeError)  # True
compiled = torch.compile(lambda x: x.sin() + 1, backend="eager")
compiled(torch.zeros(2))  # tensor([1., 1.])

# %%
# Error: accessing tensor output of CUDAGraphs that has been overwritten
# ----------------------------------------------------------------------
#
# With ``mode="reduce-overhead"`` a GPU writes each output to the same
# memory, so the next call overwrites the last output. Clone an output that
# you keep, or call ``torch.compiler.cudagraph_mark_step_begin`` at the
# start of each step. The function ``replay`` imitates this with its own
# memory. On a GPU the last lines use CUDA graphs.
memory = torch.zeros(1)


def replay(x):
    return memory.copy_(x * 2)


kept = replay(torch.tensor([1.0]))
cloned = kept.clone()
replay(torch.tensor([5.0]))  # tensor([10.])
kept  # tensor([10.])
cloned  # tensor([2.])
gpu = torch.cuda.is_available()
options = {"mode": "reduce-overhead"} if gpu else {"backend": "eager"}
double, outputs = torch.compile(lambda x: x * 2, **options), []
for value in (1.0, 5.0):
    with warnings.catch_warnings(action="ignore"):
        torch.compiler.cudagraph_mark_step_begin()
    outputs += [double(torch.full((1,), value)).clone()]
torch.cat(outputs)  # tensor([ 2., 10.])

# %%
# Error: Compiler: cl is not found, no C++ compiler for inductor
# --------------------------------------------------------------
#
# On a CPU, inductor writes C++ and needs a compiler. On Windows install the
# C++ build tools of Visual Studio and start the program in their developer
# prompt. On Linux install ``g++``, or set ``CXX`` to another compiler. On a
# GPU, Triton needs ``gcc`` as well and otherwise says "Failed to find C
# compiler".
with suppress(RuntimeError):
    raise exc.InvalidCxxCompiler(
        "cl"
    )  # InvalidCxxCompiler: Compiler: cl is not found.
with suppress(RuntimeError):
    raise (
        exc.InvalidCxxCompiler
    )  # InvalidCxxCompiler: No working C++ compiler found
compiled = torch.compile(lambda x: x * 2, backend="aot_eager")
compiled(torch.ones(2))  # tensor([2., 2.])

# %%
# Slower than eager mode: count graphs and compilations first
# -----------------------------------------------------------
#
# Each compiled call has a fixed cost for the guards and for each graph. A
# small function, a graph break or a recompilation can therefore be slower
# than eager mode. ``counters`` shows the number of graphs. Measure only
# later calls, with the batch size that you use.
def normalize(x):
    total = x.sum().item()
    return x / total


torch.compiler.reset()
counters.clear()
compiled = torch.compile(normalize, backend="aot_eager")
with redirect_stderr(StringIO()):
    compiled(torch.ones(4))  # tensor([0.2500, 0.2500, 0.2500, 0.2500])
counters["stats"]["unique_graphs"]  # 2
sum(counters["graph_break"].values())  # 1

# %%
# The ``mode`` of ``torch.compile``: reduce-overhead, max-autotune
# ----------------------------------------------------------------
#
# ``"reduce-overhead"`` records CUDA graphs, which helps with small batches
# on a GPU. ``"max-autotune"`` tries several kernels during the compilation,
# which then takes much longer. ``torch._inductor.list_mode_options`` shows
# the options that a mode sets.
torch._inductor.list_mode_options("default")  # {}
options = torch._inductor.list_mode_options("reduce-overhead")
options  # {'triton.cudagraphs': True}
options = torch._inductor.list_mode_options("max-autotune")
options["max_autotune"]  # True
with suppress(RuntimeError):
    torch.compile(torch.sin, mode="fast")  # RuntimeError: Unrecognized mode


# %%
# skipping cudagraphs due to mutated inputs (``reduce-overhead``)
# ---------------------------------------------------------------
#
# A CUDA graph works with fixed memory. If the function writes into a tensor
# that the caller created, inductor does not use CUDA graphs for it. Return
# a new tensor, or keep the state in a buffer of the module.
# ``TORCH_LOGS=cudagraphs`` prints each reason.
def writes(state, x):
    return state.add_(x)


def returns(state, x):
    return state + x


reason = cudagraph_utils.format_default_skip_message("mutated inputs")
reason  # 'skipping cudagraphs due to mutated inputs'
found = {}
for function in (writes, returns):
    state, x = torch.zeros(2), torch.ones(2)
    version = state._version
    torch.compile(function, backend="eager")(state, x)
    found[function.__name__] = state._version > version
found  # {'writes': True, 'returns': False}

# %%
# Compile once, use on other machines: ``save_cache_artifacts``
# -------------------------------------------------------------
#
# ``torch.compiler.save_cache_artifacts`` packs the compiled code of this
# process into bytes. In a new process, call ``load_cache_artifacts`` before
# the first call of the model, which then takes its code from the cache.
# Both sides need the same PyTorch and the same kind of GPU or CPU.
def square(x):
    return x @ x


torch.compiler.reset()
x = torch.rand(4, 4)
with fresh_inductor_cache(), warnings.catch_warnings(action="ignore"):
    first = torch.compile(square)(x)
    artifacts, info = torch.compiler.save_cache_artifacts()
type(artifacts).__name__, len(artifacts) > 1000  # ('bytes', True)
torch.compiler.reset()
counters.clear()
with fresh_inductor_cache():
    torch.compiler.load_cache_artifacts(artifacts)
    second = torch.compile(square)(x)
hits = counters["aot_autograd"]["autograd_cache_hit"]
hits + counters["inductor"]["fxgraph_cache_hit"] >= 1  # True
torch.equal(first, second)  # True

# %%
# Compile a repeated block once: ``torch.compiler.nested_compile_region``
# -----------------------------------------------------------------------
#
# The decorated function becomes a region of the graph. Further calls with
# the same kind of input refer to the same region, so a deep model compiles
# faster. Without ``torch.compile`` the decorator changes nothing.
graphs = []


def keep(graph_module, example_inputs):
    graphs.append(graph_module)
    return graph_module.forward


@torch.compiler.nested_compile_region
def block(x):
    return x.sin() + 1


def deep(x):
    for _ in range(6):
        x = block(x)
    return x


x = torch.ones(3)
y = torch.compile(deep, backend=keep, fullgraph=True)(x)
torch.allclose(y, deep(x))  # True
[name for name, _ in graphs[0].named_children()]  # ['subgraph_0']
names = [str(node.target) for node in graphs[0].graph.nodes]
names.count("invoke_subgraph")  # 6

# %%
# Save a compiled model: the weights, without ``_orig_mod``
# ---------------------------------------------------------
#
# ``torch.compile(model)`` wraps the model, and the keys of its state dict
# begin with ``_orig_mod.``. Save the ``state_dict()`` of the original
# model, or compile in place with ``model.compile()``. The file contains
# weights and no compiled code. Pickling a compiled function raises an
# error.
model = nn.Linear(2, 2)
wrapped = torch.compile(model, backend="eager")
list(wrapped.state_dict())  # ['_orig_mod.weight', '_orig_mod.bias']
list(wrapped._orig_mod.state_dict())  # ['weight', 'bias']
model.compile(backend="eager")
list(model.state_dict())  # ['weight', 'bias']


def make():
    return torch.compile(lambda x: x + 1, backend="eager")


with suppress(AttributeError):
    torch.save(
        make(), BytesIO()
    )  # AttributeError: Can't pickle local object
