"""
Recompilation
=============

A compiled function is compiled again for inputs that do not fit. See what
causes it, and keep the number of compilations small.
"""
from contextlib import redirect_stderr, suppress
from io import StringIO

import torch
from torch import nn
from torch._dynamo import config, exc
from torch._dynamo.testing import CompileCounter

# %%
# Warning: hit config.recompile_limit (8), and what happens then
# --------------------------------------------------------------
#
# One function is compiled at most ``recompile_limit`` times, 8 by default.
# After that it runs without the compiler, and a line in the log says
# "torch._dynamo hit config.recompile_limit (8)". Remove the cause, or raise
# ``torch._dynamo.config.recompile_limit`` if there are a few more kinds of
# input.
counter = CompileCounter()
compiled = torch.compile(lambda x: x * 2, backend=counter, dynamic=False)
counts = []
with redirect_stderr(StringIO()):
    for size in range(2, 13):
        compiled(torch.ones(size))
        counts.append(counter.frame_count)
config.recompile_limit  # 8
counts  # [1, 2, 3, 4, 5, 6, 7, 8, 8, 8, 8]

# %%
# Error: FailOnRecompileLimitHit, Hard failure due to fullgraph=True
# ------------------------------------------------------------------
#
# With ``fullgraph=True`` there is no way back to plain Python, so the limit
# is an error. Here each size is compiled for itself; with the default
# ``dynamic=None`` the second graph holds for the sizes after it.
fixed = torch.compile(
    lambda x: x * 2, backend="eager", fullgraph=True, dynamic=False
)
for size in range(2, 10):
    fixed(torch.ones(size))
with redirect_stderr(StringIO()), suppress(exc.FailOnRecompileLimitHit):
    fixed(
        torch.ones(10)
    )  # FailOnRecompileLimitHit: Hard failure due to fullgraph=True
free = torch.compile(lambda x: x * 2, backend="eager", fullgraph=True)
[free(torch.ones(size)).shape[0] for size in range(2, 5)]  # [2, 3, 4]

# %%
# Why is it compiled again: ``TORCH_LOGS=recompiles``
# ---------------------------------------------------
#
# The environment variable ``TORCH_LOGS=recompiles`` prints the guard that
# failed at each recompilation. With ``error_on_recompile`` the first one
# is an error that names the guard: use it in a test.
compiled = torch.compile(lambda x: x * 2, backend="eager")
compiled(torch.ones(3))  # tensor([2., 2., 2.])
with config.patch(error_on_recompile=True), suppress(exc.RecompileError):
    compiled(torch.ones(3).double())  # RecompileError: Recompiling function


# %%
# A number, a string or a list as an argument: pass a tensor
# ----------------------------------------------------------
#
# A second value of a number makes it variable, so the second graph holds
# for the values after it. Each string and each length of a list is
# compiled. A tensor of the same shape needs one graph, whatever its value.
def counts(function, arguments):
    torch.compiler.reset()
    counter, found = CompileCounter(), []
    compiled = torch.compile(function, backend=counter)
    for argument in arguments:
        compiled(torch.ones(3), argument)
        found.append(counter.frame_count)
    return found


counts(lambda x, n: x * n, [2, 3, 4, 5])  # [1, 2, 2, 2]
counts(lambda x, n: x * len(n), ["a", "ab", "abc", "abcd"])  # [1, 2, 3, 4]
parts = [[torch.ones(3)] * n for n in (2, 3, 4, 5)]
counts(lambda x, n: x + sum(n), parts)  # [1, 2, 3, 4]
whole = [torch.tensor(float(n)) for n in (2, 3, 4, 5)]
counts(lambda x, n: x * n, whole)  # [1, 1, 1, 1]


# %%
# A counter in the model compiles in each step: use a buffer
# ----------------------------------------------------------
#
# An integer attribute of a module is a constant of the graph, so
# ``self.step += 1`` needs a new graph in each call. A buffer is an input of
# the graph. Change it in place.
class Attribute(nn.Module):
    step = 0

    def forward(self, x):
        self.step += 1
        return x * self.step


class Buffer(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("step", torch.tensor(0))

    def forward(self, x):
        self.step.add_(1)
        return x * self.step


found, x = [], torch.ones(1)
for model in (Attribute(), Buffer()):
    counter = CompileCounter()
    model(x)
    compiled = torch.compile(model, backend=counter)
    outputs = [compiled(x) for _ in range(4)]
    found.append((counter.frame_count, outputs[-1].item()))
found  # [(4, 5.0), (1, 5.0)]

# %%
# ``train()``, ``eval()`` and ``no_grad`` have a graph each
# ---------------------------------------------------------
#
# A graph holds for one mode of the model and for one gradient mode. Going
# back to a mode costs nothing. Call the model once in each mode that you
# will use before you measure.
model = nn.Sequential(nn.Linear(3, 3), nn.Dropout())
counter, counts, x = CompileCounter(), [], torch.ones(2, 3)
compiled = torch.compile(model, backend=counter)
for training in (True, False, True, False):
    model.train(training)
    compiled(x)
    counts.append(counter.frame_count)
counts  # [1, 2, 2, 2]
with torch.no_grad():
    compiled(x)
counter.frame_count  # 3


# %%
# Sequences of many lengths: pad to a few lengths
# -----------------------------------------------
#
# Some modes, such as CUDA graphs, work with fixed sizes: pad each batch to
# the next multiple, so that few sizes remain. Elsewhere
# ``torch._dynamo.mark_dynamic`` needs one graph. In a ``DataLoader``,
# ``drop_last=True`` avoids a smaller last batch.
def pad(batch, multiple):
    extra = -batch.shape[1] % multiple
    return nn.functional.pad(batch, (0, extra))


lengths, graphs = [5, 9, 12, 15, 3, 16, 7, 11], {}
for multiple in (1, 8):
    torch.compiler.reset()
    counter = CompileCounter()
    compiled = torch.compile(
        lambda x: x.cumsum(dim=1), backend=counter, dynamic=False
    )
    for length in lengths:
        compiled(pad(torch.ones(4, length), multiple))
    graphs[multiple] = counter.frame_count
graphs  # {1: 8, 8: 2}
pad(torch.ones(4, 9), 8).shape  # torch.Size([4, 16])

# %%
# Sizes 0 and 1 are compiled for themselves
# -----------------------------------------
#
# A size of 0 or 1 becomes a constant of the graph, because 1 broadcasts.
# So a batch of one sample costs a graph of its own. Warm a service up with
# a batch of 1 and with a larger one.
counter = CompileCounter()
compiled, counts = torch.compile(lambda x: x * 2, backend=counter), []
for size in (1, 4, 6, 9, 1):
    compiled(torch.ones(size, 3))
    counts.append(counter.frame_count)
counts  # [1, 2, 2, 2, 2]
