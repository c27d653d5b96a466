"""
Graphs with torch.fx
====================

Record a model as a graph of operations, read the graph and change it. This
is a way to rewrite a model whose code you do not want to edit.
"""
import operator
from contextlib import suppress

import torch
import torch.fx
import torch.nn.functional as F
from torch import nn


# %%
# Record a model as a graph: ``torch.fx.symbolic_trace``
# ------------------------------------------------------
#
# ``symbolic_trace`` runs ``forward`` with a placeholder in place of the
# tensor and records each operation. The result is a module that shares the
# parameters of the model. Its attribute ``code`` shows the operations as
# Python code.
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(3, 2)

    def forward(self, x):
        return torch.relu(self.linear(x)) + 1


model = Net()
traced = torch.fx.symbolic_trace(model)
lines = [line.split(";")[0].strip() for line in traced.code.split("\n")]
lines[4:6]  # ['linear = self.linear(x)', 'relu = torch.relu(linear)']
lines[6:8]  # ['add = relu + 1', 'return add']
x = torch.randn(4, 3)
torch.equal(traced(x), model(x))  # True
traced.linear.weight is model.linear.weight  # True


# %%
# Read a graph: ``graph.nodes``, ``node.op`` and ``node.target``
# --------------------------------------------------------------
#
# Each node of a graph is one step. ``op`` says what kind of step it is.
# ``target`` says what the step calls: a function, the name of a method or
# the name of a layer. ``args`` holds the inputs of the step, and ``users``
# holds the nodes that use its result.
def function(x, y):
    return torch.sin(x).sum() + y


graph = torch.fx.symbolic_trace(function).graph
x, y, sin, total, add, output = graph.nodes
x.op, x.name, output.op  # ('placeholder', 'x', 'output')
sin.op, sin.target is torch.sin  # ('call_function', True)
total.op, total.target  # ('call_method', 'sum')
add.target is operator.add, add.args == (total, y)  # (True, True)
list(sin.users) == [total]  # True


# %%
# Exchange an operation: ``find_nodes`` and ``recompile``
# -------------------------------------------------------
#
# ``find_nodes`` finds the nodes that call a function. Give them another
# ``target``. The module runs its old code until you call ``recompile``.
def function(x):
    return torch.relu(x) * 2


traced = torch.fx.symbolic_trace(function)
graph = traced.graph
for node in graph.find_nodes(op="call_function", target=torch.relu):
    node.target = torch.abs
x = torch.tensor([-1.0, 3.0])
traced(x)  # tensor([0., 6.])
traced.recompile()
traced(x)  # tensor([2., 6.])


# %%
# Add and remove nodes: ``inserting_after``, ``erase_node``
# ---------------------------------------------------------
#
# ``inserting_after`` sets the place of a new node.
# ``replace_all_uses_with`` gives its result to the nodes that used the old
# one. After that, the old node can be erased. ``graph.lint`` checks the
# changed graph.
def function(x):
    return torch.exp(x) + 1


traced = torch.fx.symbolic_trace(function)
x, old, _, _ = traced.graph.nodes
with suppress(RuntimeError):
    traced.graph.erase_node(old)  # RuntimeError: Tried to erase Node exp
with traced.graph.inserting_after(old):
    new = traced.graph.call_function(torch.clamp, (x,), {"min": 0.0})
old.replace_all_uses_with(new)
traced.graph.erase_node(old)
traced.graph.lint()
traced.recompile()
traced(torch.tensor([-2.0, 5.0]))  # tensor([1., 6.])

# %%
# Build a graph by hand: ``torch.fx.Graph``, ``torch.fx.GraphModule``
# -------------------------------------------------------------------
#
# Each method of ``Graph`` adds one node and returns it. ``GraphModule``
# makes a module of the graph. Its first argument holds the layers that the
# graph calls by name.
graph = torch.fx.Graph()
x = graph.placeholder("x")
hidden = graph.call_module("layer", (x,))
total = graph.call_method("sum", (hidden,), {"dim": 1})
graph.output(graph.call_function(operator.neg, (total,)))
layer = nn.Linear(3, 2)
module = torch.fx.GraphModule({"layer": layer}, graph)
x = torch.randn(4, 3)
torch.equal(module(x), -layer(x).sum(dim=1))  # True
isinstance(module, nn.Module)  # True


# %%
# See each intermediate result: ``torch.fx.Interpreter``
# ------------------------------------------------------
#
# An ``Interpreter`` runs a graph node by node. Override ``run_node`` to
# look at the result of each node, for example to find the first one that
# is nan.
class Watch(torch.fx.Interpreter):
    def run_node(self, node):
        result = super().run_node(node)
        seen[node.name] = result
        return result


seen = {}
traced = torch.fx.symbolic_trace(lambda x: (x - 1).log().sum())
y = Watch(traced).run(torch.tensor([2.0, 0.0]))
y  # tensor(nan)
list(seen)  # ['x', 'sub', 'log', 'sum_1', 'output']
seen["sub"]  # tensor([1., -1.])
seen["log"]  # tensor([0., nan])


# %%
# Rewrite each call of a function: ``torch.fx.Transformer``
# ---------------------------------------------------------
#
# A ``Transformer`` goes through a graph and builds a new one. Override
# ``call_function``, ``call_method`` or ``call_module`` to say what the new
# graph does instead. The old graph stays as it is.
class ToGelu(torch.fx.Transformer):
    def call_function(self, target, args, kwargs):
        if target is torch.relu:
            target = F.gelu
        return super().call_function(target, args, kwargs)


traced = torch.fx.symbolic_trace(lambda x: torch.relu(x) - 1)
changed = ToGelu(traced).transform()
x = torch.randn(5)
torch.equal(changed(x), F.gelu(x) - 1)  # True
torch.equal(traced(x), torch.relu(x) - 1)  # True


# %%
# Find several operations and replace them: ``torch.fx.replace_pattern``
# ----------------------------------------------------------------------
#
# The pattern and the replacement are functions with the same arguments. An
# argument of the pattern stands for any node. ``replace_pattern`` returns
# one match for each place that it has changed. The operations and the order
# of their operands must agree, so ``sigmoid(x) * x`` is not found here.
def pattern(x):
    return x * torch.sigmoid(x)


def replacement(x):
    return F.silu(x)


def model(x):
    y = x + 1
    return y * torch.sigmoid(y) + torch.sigmoid(x) * x


traced = torch.fx.symbolic_trace(model)
matches = torch.fx.replace_pattern(traced, pattern, replacement)
len(matches)  # 1
graph = traced.graph
len(graph.find_nodes(op="call_function", target=F.silu))  # 1
len(graph.find_nodes(op="call_function", target=torch.sigmoid))  # 1
x = torch.randn(5)
torch.allclose(traced(x), model(x))  # True


# %%
# Which modules are recorded as one node: ``torch.fx.Tracer``
# -----------------------------------------------------------
#
# By default, a layer of ``torch.nn`` is one node, and the ``forward`` of
# your own modules is recorded step by step. Override ``is_leaf_module`` to
# keep a module as one node.
class Block(nn.Module):
    def forward(self, x):
        return x.tanh() + 1


class KeepBlocks(torch.fx.Tracer):
    def is_leaf_module(self, module, name):
        return isinstance(module, Block) or super().is_leaf_module(
            module, name
        )


model = nn.Sequential(Block(), nn.ReLU())
graph = torch.fx.symbolic_trace(model).graph
[node.target for node in graph.nodes][1:2]  # ['tanh']
graph = KeepBlocks().trace(model)
[node.target for node in graph.nodes]  # ['input', '0', '1', 'output']
x = torch.randn(5)
module = torch.fx.GraphModule(model, graph)
torch.equal(module(x), model(x))  # True


# %%
# ``eval()`` has no effect: the graph has recorded ``self.training``
# ------------------------------------------------------------------
#
# Python values become constants of the graph. If ``forward`` passes
# ``self.training`` to ``F.dropout``, the graph keeps the value from the
# time of the trace. Use the layer ``nn.Dropout``, which is one node and
# reads the flag at each call, or call ``eval()`` before you trace.
class Drop(nn.Module):
    def forward(self, x):
        return F.dropout(x, p=0.5, training=self.training)


x = torch.ones(100)
function = torch.fx.symbolic_trace(Drop().train()).eval()
layer = torch.fx.symbolic_trace(nn.Sequential(nn.Dropout())).eval()
early = torch.fx.symbolic_trace(Drop().eval())
torch.equal(function(x), x)  # False
torch.equal(layer(x), x), torch.equal(early(x), x)  # (True, True)


# %%
# Error: traced variables cannot be used as inputs to control flow
# ----------------------------------------------------------------
#
# While PyTorch records, the argument is a ``torch.fx.Proxy``, which has no
# value. So an ``if`` cannot choose a branch, and a ``for`` does not know
# the number of rows. Compute both branches and choose with
# ``torch.where``. If the condition is an option and not a tensor, pass it
# in ``concrete_args``; the graph then contains the branch for this value.
def flip(x, positive=False):
    if positive or x.sum() > 0:
        return x
    return -x


def rows(x):
    return sum(row.sum() for row in x)


with suppress(torch.fx.proxy.TraceError):
    torch.fx.symbolic_trace(flip)  # TraceError: symbolically traced
with suppress(torch.fx.proxy.TraceError):
    torch.fx.symbolic_trace(rows)  # TraceError: Proxy object cannot be
both = torch.fx.symbolic_trace(lambda x: torch.where(x.sum() > 0, x, -x))
both(torch.tensor([-3.0, 1.0]))  # tensor([3., -1.])
option = torch.fx.symbolic_trace(flip, concrete_args={"positive": True})
option(torch.tensor([-3.0, 1.0]), True)  # tensor([-3., 1.])


# %%
# Error: 'len' is not supported in symbolic tracing: ``torch.fx.wrap``
# --------------------------------------------------------------------
#
# ``len`` must return an integer, but a ``Proxy`` has no length. Put such
# code into a function and pass its name to ``torch.fx.wrap`` at the top
# level of your file. The function becomes one node and runs when the graph
# runs, with real tensors.
def count(x):
    return len(x)


def direct(x):
    return x.sum() / len(x)


def indirect(x):
    return x.sum() / count(x)


torch.fx.wrap("count")
with suppress(RuntimeError):
    torch.fx.symbolic_trace(direct)  # RuntimeError: 'len' is not supported
traced = torch.fx.symbolic_trace(indirect)
[node.name for node in traced.graph.nodes][2]  # 'count'
traced(torch.tensor([1.0, 3.0]))  # tensor(2.)
traced(torch.tensor([1.0, 3.0, 5.0]))  # tensor(3.)
