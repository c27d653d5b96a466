"""
Controlling the compiler
========================

These options decide what ``torch.compile`` compiles, when it compiles
again, and with which backend. Most cards use a backend that runs the
captured graph as it is.
"""
from contextlib import suppress

import torch
from torch import nn
from torch._dynamo.testing import CompileCounter

# %%
# Write a backend of your own: ``torch.compile(backend=...)``
# -----------------------------------------------------------
#
# A backend is a function that receives the captured graph and example
# inputs and returns a callable. This one counts the operators and returns
# the graph unchanged. The compiler calls the backend when you call the
# compiled function for the first time.
graphs = []


def counting(graph_module, example_inputs):
    nodes = graph_module.graph.nodes
    graphs.append(sum(node.op == "call_function" for node in nodes))
    return graph_module.forward


compiled = torch.compile(lambda x: (x + 1) * x, backend=counting)
graphs  # []
compiled(torch.tensor([2.0, 3.0]))  # tensor([6., 12.])
graphs  # [2]

# %%
# The names of the backends: ``torch.compiler.list_backends``
# -----------------------------------------------------------
#
# The default is ``inductor``. Two debugging backends help you find the part
# that causes an error: ``"eager"`` captures the graph and runs it as it is,
# and ``"aot_eager"`` also captures the backward pass. An unknown name
# raises an error.
"inductor" in torch.compiler.list_backends()  # True
debugging = torch.compiler.list_backends(exclude_tags=())
"eager" in debugging, "aot_eager" in debugging  # (True, True)
with suppress(torch._dynamo.exc.InvalidBackend):
    torch.compile(abs, backend="indoctor")  # InvalidBackend: 'indoctor'

# %%
# Keep a function out of the graph: ``torch.compiler.disable``
# ------------------------------------------------------------
#
# A function with ``torch.compiler.disable`` runs as plain Python. The graph
# breaks around it, so this card has two graphs. Use it for code that cannot
# be compiled, such as logging. With ``fullgraph=True`` the break raises an
# error.
counter, seen = CompileCounter(), []


@torch.compiler.disable(reason="writes a log")
def log(x):
    seen.append(x.tolist())


def f(x):
    x = x + 1
    log(x)
    return x * 2


x = torch.tensor([1.0])
with suppress(torch._dynamo.exc.Unsupported):
    torch.compile(f, fullgraph=True)(x)  # Unsupported: Skip calling
torch.compile(f, backend=counter)(x)  # tensor([4.])
counter.frame_count, seen  # (2, [[2.0]])

# %%
# Ask whether code is being compiled: ``torch.compiler.is_compiling``
# -------------------------------------------------------------------
#
# ``is_compiling`` is True while ``torch.compile`` or ``torch.export``
# captures a graph. ``is_exporting`` is True only for ``torch.export``. The
# graph keeps the branch that is taken during the capture.
class Which(nn.Module):
    def forward(self, x):
        if torch.compiler.is_exporting():
            return x + 2
        if torch.compiler.is_compiling():
            return x + 1
        return x


model, x = Which(), torch.zeros(1)
model(x)  # tensor([0.])
torch.compile(model, backend="eager")(
    x
)  # tensor([1.]) since 2.12, tensor([2.]) before
torch.export.export(model, (x,)).module()(x)  # tensor([2.])

# %%
# Count recompilations
# --------------------
#
# The compiler uses a graph for inputs that meet its guards. Here the second
# graph also works for later sizes, and a new dtype needs a third one.
# ``CompileCounter`` is a backend that counts how often it is called.
counter = CompileCounter()
compiled = torch.compile(lambda x: x * 2, backend=counter)
sizes = []
for size in (3, 4, 5, 6):
    compiled(torch.ones(size))
    sizes.append(counter.frame_count)
sizes  # [1, 2, 2, 2]
compiled(torch.ones(3, dtype=torch.float64))
counter.frame_count  # 3
compiled(torch.ones(3))
counter.frame_count  # 3

# %%
# Make a size variable from the start: ``torch._dynamo.mark_dynamic``
# -------------------------------------------------------------------
#
# ``mark_dynamic`` tells the compiler which dimension of a tensor varies, so
# the first graph already works for other sizes.
# ``torch.compile(dynamic=True)`` treats every size above 1 as variable.
# With ``dynamic=False`` each size is compiled separately, up to the limit
# of eight.
def count(sizes, mark=False, dynamic=None):
    counter = CompileCounter()
    compiled = torch.compile(
        lambda x: x * 2, backend=counter, dynamic=dynamic
    )
    for size in sizes:
        x = torch.ones(size, 3)
        if mark:
            torch._dynamo.mark_dynamic(x, 0)
        compiled(x)
    return counter.frame_count


count([4, 5, 6])  # 2
count([4, 5, 6], mark=True)  # 1
count([1, 4, 5, 6], dynamic=True)  # 2
count([4, 5, 6], dynamic=False)  # 3

# %%
# Forbid or skip compilation for a while: ``torch.compiler.set_stance``
# ---------------------------------------------------------------------
#
# ``"force_eager"`` runs plain Python, for example for debugging. If no
# compiled graph fits the input, ``"fail_on_recompile"`` raises an error,
# and ``"eager_on_recompile"`` runs plain Python. Use them in a service
# after its warm-up.
counter = CompileCounter()
compiled = torch.compile(lambda x: x * 2, backend=counter)
with torch.compiler.set_stance("force_eager"):
    compiled(torch.ones(3))
counter.frame_count  # 0
compiled(torch.ones(3))
counter.frame_count  # 1
with torch.compiler.set_stance("eager_on_recompile"):
    compiled(torch.ones(5))
counter.frame_count  # 1
with torch.compiler.set_stance("fail_on_recompile"):
    with suppress(RuntimeError):
        compiled(torch.ones(5))  # RuntimeError: Detected recompile
counter.frame_count  # 1

# %%
# Forget all that was compiled: ``torch.compiler.reset``
# ------------------------------------------------------
#
# After ``torch.compiler.reset`` the next call compiles again. Use it
# between tests or measurements that should not share compiled graphs.
counter = CompileCounter()
compiled = torch.compile(lambda x: x * 2, backend=counter)
for _ in range(3):
    compiled(torch.ones(2))
counter.frame_count  # 1
torch.compiler.reset()
compiled(torch.ones(2))
counter.frame_count  # 2

# %%
# A result that stays the same: ``torch.compiler.assume_constant_result``
# -----------------------------------------------------------------------
#
# The compiler calls the function once, during the compilation, and stores
# its result in the graph. Use this only for a result that does not change,
# because the graph does not notice a later change.
scale = {"value": 2.0}


@torch.compiler.assume_constant_result
def read():
    return scale["value"]


compiled = torch.compile(lambda x: x * read(), backend="eager")
compiled(torch.ones(1))  # tensor([2.])
scale["value"] = 5.0
compiled(torch.ones(1))  # tensor([2.])

# %%
# One node for a function: ``torch.compiler.allow_in_graph``
# ----------------------------------------------------------
#
# Dynamo, the first stage of the compiler, does not look into the function.
# The function becomes one node of its graph, and there is no break with
# ``fullgraph=True``. Dynamo does not check whether such a function can be
# captured. The default backend still traces through it, so write a custom
# operator for a black box.
nodes = []


def listing(graph_module, example_inputs):
    found = graph_module.graph.nodes
    nodes.extend(n.target for n in found if n.op == "call_function")
    return graph_module.forward


@torch.compiler.allow_in_graph
def opaque(x):
    return x.cumsum(dim=0) + 1


def f(x):
    return opaque(x * 2)


compiled = torch.compile(f, backend=listing, fullgraph=True)
compiled(torch.tensor([1.0, 2.0]))  # tensor([3., 7.])
len(nodes)  # 2
nodes[1] is opaque  # True
