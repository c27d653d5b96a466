"""
Surprises of torch.compile
==========================

Slow first calls, slightly other numbers, checks that are off, and messages
about Triton and CUDA graphs.
"""
from contextlib import suppress

import torch
from torch._dynamo.testing import CompileCounter
from torch._inductor import config, exc
from torch.distributions import Distribution, Normal

# %%
# The first call takes a minute, again after each restart
# -------------------------------------------------------
#
# ``torch.compile`` compiles at the first call, once for each kind of input.
# A new process starts again; generated code is taken from a cache on disk
# if the folder in ``TORCHINDUCTOR_CACHE_DIR`` is still there. Call the
# model once with real shapes before you measure or serve. Compile the
# block that repeats instead of the whole model: six calls share one graph
# here.
counter = CompileCounter()


def block(x, scale):
    return x * scale + 1


compiled = torch.compile(block, backend=counter)
counter.frame_count  # 0
x = torch.rand(2, 4)
for scale in torch.rand(6, 4):
    x = compiled(x, scale)
counter.frame_count  # 1
x.shape  # torch.Size([2, 4])

# %%
# Compiled and eager results differ in bfloat16
# ---------------------------------------------
#
# Eager mode rounds to bfloat16 after each operation. Inductor fuses the
# operations and keeps what lies between them in float32, as the line with
# ``float`` does by hand. So the two differ, and one rounding at the end is
# nearer to float64. Compare both with a float64 reference.
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
# ``torch.distributions`` no longer checks its arguments after compiling
# ----------------------------------------------------------------------
#
# A call of ``torch.compile``, even for another function, switches off the
# checks of ``torch.distributions`` in the whole process. Then nan passes
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
# Error: Cannot find a working triton installation (``TritonMissing``)
# --------------------------------------------------------------------
#
# For a GPU, inductor writes Triton code, and the wheel of ``triton`` is for
# Linux. On Windows install ``triton-windows`` in the version for your
# PyTorch, or use WSL2. To go on without compiling, set the environment
# variable ``TORCH_COMPILE_DISABLE=1`` or choose ``backend="eager"``. The
# error is raised by hand here.
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
    if gpu:
        torch.compiler.cudagraph_mark_step_begin()
    outputs += [double(torch.full((1,), value)).clone()]
torch.cat(outputs)  # tensor([ 2., 10.])
