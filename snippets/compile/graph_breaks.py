"""
Graph breaks
============

A graph break splits a compiled function into several graphs. This page
shows how to find the breaks and how to write the function so that it stays
one graph.
"""
from contextlib import redirect_stderr, redirect_stdout, suppress
from io import StringIO

import numpy as np
import torch
from torch._dynamo import config, exc
from torch._dynamo.testing import CompileCounter

# %%
# Where does the graph break, and why: ``torch._dynamo.explain``
# --------------------------------------------------------------
#
# ``explain`` runs the function and reports the number of graphs and the
# reason for each break. The environment variable
# ``TORCH_LOGS=graph_breaks`` prints the same reasons with the line of code
# while your program runs.
def scale(x):
    total = x.sum().item()
    return x / total


x = torch.tensor([1.0, 3.0])
with redirect_stderr(StringIO()):
    report = torch._dynamo.explain(scale)(x)
report.graph_count, report.graph_break_count  # (2, 1)
reason = report.break_reasons[0].reason
reason.split(" call")[0]  # 'Unsupported Tensor.item()'


# %%
# ``item()`` breaks the graph: keep the number in a tensor
# --------------------------------------------------------
#
# ``item`` passes the value to Python, so by default the graph ends there.
# Compute with the tensor instead. If you need the number, set
# ``torch._dynamo.config.capture_scalar_outputs``.
def count(function, *inputs):
    torch.compiler.reset()
    counter = CompileCounter()
    with redirect_stderr(StringIO()):
        torch.compile(function, backend=counter)(*inputs)
    return counter.frame_count


x = torch.tensor([1.0, 3.0])
count(lambda x: x / x.sum().item(), x)  # 2
count(lambda x: x / x.sum(), x)  # 1
with config.patch(capture_scalar_outputs=True):
    count(lambda x: x / x.sum().item(), x)  # 1


# %%
# A boolean mask ``x[mask]`` breaks the graph: ``torch.where``
# ------------------------------------------------------------
#
# The size of ``x[mask]`` and of ``nonzero`` depends on the values of the
# tensor. ``torch.where`` keeps the shape, so the graph does not break. If
# you need the shorter result, set
# ``torch._dynamo.config.capture_dynamic_output_shape_ops``.
def count(function, *inputs):
    torch.compiler.reset()
    counter = CompileCounter()
    torch.compile(function, backend=counter)(*inputs)
    return counter.frame_count


x = torch.tensor([1.0, -3.0])
count(lambda x: (x[x > 0] * 2).sum(), x)  # 2
count(lambda x: (torch.where(x > 0, x, 0) * 2).sum(), x)  # 1
with config.patch(capture_dynamic_output_shape_ops=True):
    count(lambda x: (x[x > 0] * 2).sum(), x)  # 1


# %%
# Error: Data-dependent branching (``if`` on a tensor, ``fullgraph=True``)
# ------------------------------------------------------------------------
#
# The values of a tensor are unknown while the graph is captured. An ``if``
# on such a value breaks the graph, and with ``fullgraph=True`` it raises an
# error. Choose with ``torch.where``, or keep both branches with
# ``torch.cond``. An ``if`` on a shape does not break the graph.
def branch(x):
    if x.sum() > 0:
        return x
    return -x


def chosen(x):
    return torch.where(x.sum() > 0, x, -x)


x = torch.tensor([1.0, -3.0])
with suppress(exc.Unsupported):
    torch.compile(
        branch, backend="eager", fullgraph=True
    )(x)  # Unsupported: Data-dependent branching
compiled = torch.compile(chosen, backend="eager", fullgraph=True)
compiled(x)  # tensor([-1., 3.])
branch(x)  # tensor([-1., 3.])


# %%
# Error: Failed to trace builtin operator ``print`` (``fullgraph=True``)
# ----------------------------------------------------------------------
#
# ``print`` needs the values, so the graph breaks there, and
# ``fullgraph=True`` raises an error. Remove the call. If you add ``print``
# to ``torch._dynamo.config.reorderable_logging_functions``, the text is
# printed after the graph has run.
def debug(x):
    print(x)
    return x * 2


x = torch.tensor([1.0, 3.0])
with suppress(exc.Unsupported):
    torch.compile(
        debug, backend="eager", fullgraph=True
    )(x)  # Unsupported: Failed to trace builtin operator
printed = StringIO()
with redirect_stdout(printed):
    with config.patch(reorderable_logging_functions={print}):
        torch.compile(debug, backend="eager", fullgraph=True)(x)
printed.getvalue()[:10]  # 'tensor([1.'


# %%
# Error: Unsupported Tensor.backward() call (compile the forward pass)
# --------------------------------------------------------------------
#
# Compile the model or the loss function, and call ``backward`` outside the
# compiled function. The backward pass of the compiled part is then
# compiled, too. If you compile a whole training step, the graph breaks at
# ``backward``.
def loss(weight, x):
    return (weight * x).square().sum()


def step(weight, x):
    loss(weight, x).backward()
    return weight.grad


weight = torch.tensor([1.0, 2.0], requires_grad=True)
x = torch.tensor([1.0, 3.0])
with suppress(exc.Unsupported):
    torch.compile(
        step, backend="eager", fullgraph=True
    )(weight, x)  # Unsupported: Unsupported Tensor.backward() call
whole = torch.compile(loss, backend="aot_eager", fullgraph=True)
whole(weight, x).backward()
weight.grad  # tensor([ 2., 36.])


# %%
# NumPy code inside a compiled function
# -------------------------------------
#
# The compiler turns NumPy calls on the data of a tensor into tensor
# operations. They run inside the graph, so ``fullgraph=True`` raises no
# error.
def shifted(x):
    array = np.maximum(x.numpy() * 2, 3)
    return torch.from_numpy(array) + 1


counter = CompileCounter()
x = torch.tensor([1.0, 3.0], device="cpu")
compiled = torch.compile(shifted, backend=counter, fullgraph=True)
compiled(x)  # tensor([4., 7.])
counter.op_count >= 2  # True
