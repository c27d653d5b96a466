"""
Recompilation
=============

``torch.compile`` turns a function into a graph of operations for one kind
of input. If an input fits no existing graph, it compiles again. This page
shows what causes it and how to keep the number of compilations small.
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
# A function is compiled at most ``recompile_limit`` times, which is 8 by
# default. After that, inputs that fit none of these graphs run without the
# compiler, and the log says "torch._dynamo hit config.recompile_limit (8)".
# Remove the cause. If there are only a few more kinds of input, you can
# raise ``torch._dynamo.config.recompile_limit``.
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
# Beyond the limit, PyTorch runs a function without the compiler.
# ``fullgraph=True`` forbids this and raises an error. Here
# ``dynamic=False`` causes a compilation for each size. Use the default
# ``dynamic=None`` instead, because the graph for the second size then also
# works for later sizes.
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
# With the environment variable ``TORCH_LOGS=recompiles``, each
# recompilation prints the guard that failed, which is a condition that the
# input did not fulfil, such as its dtype. With ``error_on_recompile`` the
# first recompilation raises an error that names the guard. This is useful
# in a test.
compiled = torch.compile(lambda x: x * 2, backend="eager")
compiled(torch.ones(3))  # tensor([2., 2., 2.])
with config.patch(error_on_recompile=True), suppress(exc.RecompileError):
    compiled(torch.ones(3).double())  # RecompileError: Recompiling function


# %%
# A number, a string or a list as an argument: pass a tensor
# ----------------------------------------------------------
#
# When you pass a second number, the compiler makes a graph in which the
# number can vary, so this graph also works for later numbers. Each new
# string and each new length of a list causes another compilation. A tensor
# of the same shape needs one graph, whatever its value.
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
# A counter in the model causes a recompilation in each step: use a buffer
# ------------------------------------------------------------------------
#
# An integer attribute of a module is a constant of the graph, so
# ``self.step += 1`` needs a new graph in each call. A buffer is an input of
# the graph. Keep the counter in a buffer and change it in place.
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
# ``train()``, ``eval()`` and ``no_grad`` are compiled separately
# ---------------------------------------------------------------
#
# A graph works for one setting: training or evaluation, and gradients on or
# off. Going back to an earlier setting does not compile again. Before you
# measure, call the model once in each setting that you will use.
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
# With CUDA graphs (``mode="reduce-overhead"``), each new size needs its own
# recording. Pad each batch with zeros to the next multiple of a number such
# as 8, so that few lengths remain. Without CUDA graphs, you can call
# ``torch._dynamo.mark_dynamic(batch, 1)`` instead, and one graph works for
# many lengths. In a ``DataLoader``, ``drop_last=True`` avoids a smaller
# last batch.
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
# Sizes 0 and 1 are compiled separately
# -------------------------------------
#
# If a dimension has size 0 or 1, the compiler fixes this size in the graph,
# because a dimension of size 1 broadcasts and one of size 0 is empty. A
# batch of one sample therefore needs its own graph. When you warm up a
# service, use a batch of 1 and a larger one.
counter = CompileCounter()
compiled, counts = torch.compile(lambda x: x * 2, backend=counter), []
for size in (1, 4, 6, 9, 1):
    compiled(torch.ones(size, 3))
    counts.append(counter.frame_count)
counts  # [1, 2, 2, 2, 2]
