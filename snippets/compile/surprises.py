"""
Surprises of torch.compile
==========================

Slow first calls, slightly other numbers, checks that are off, and messages
about Triton and CUDA graphs.
"""
from contextlib import suppress

import torch
from torch import nn
from torch._dynamo.testing import CompileCounter
from torch._inductor import config, exc
from torch.distributions import Distribution, Normal

# %%
# ``torch.distributions`` no longer checks its arguments after compiling
# ----------------------------------------------------------------------
#
# The first ``torch.compile`` of a process, even for another function,
# switches off the checks of ``torch.distributions``. Then nan passes
# without an error. ``set_default_validate_args(True)`` after it switches
# them on again, and ``validate_args=True`` does so for one distribution.
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
# ``torch.compile`` compiles at the first call, once for each kind of input,
# and again in a new process, where generated code is taken from a cache on
# disk if the folder in ``TORCHINDUCTOR_CACHE_DIR`` is still there. Call the
# model once with real shapes before you measure or serve. Compile the block
# that repeats, so that all its copies share one compilation.
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
    counter.frame_count  # 1
    net(x)  # shape (2, 4)
    counter.frame_count  # 1

# %%
# Compiled and eager results differ in bfloat16
# ---------------------------------------------
#
# Eager mode rounds to bfloat16 after each operation. Inductor fuses the
# operations and keeps what lies between them in float32, as the line with
# ``float`` does by hand; one rounding at the end is nearer to float64.
# ``backend="aot_eager"`` gives the numbers of eager mode: use it to see
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
# For a GPU, inductor writes Triton code, and the wheel of ``triton`` is for
# Linux. On Windows install ``triton-windows`` in the version for your
# PyTorch, or use WSL2. To go on without compiling, set the environment
# variable ``TORCH_COMPILE_DISABLE=1`` or choose ``backend="eager"``.
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
# start of each step. The function below has such a memory of its own; on a
# GPU the last lines use CUDA graphs.
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
    torch.compiler.cudagraph_mark_step_begin()
    outputs += [double(torch.full((1,), value)).clone()]
torch.cat(outputs)  # tensor([ 2., 10.])
