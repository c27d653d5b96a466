"""
Export
======

``torch.export`` turns a model into a graph that runs without the Python
class of the model, and it saves the graph to a file.
"""
import tempfile
import warnings
from contextlib import redirect_stderr, suppress
from io import StringIO
from pathlib import Path

import torch
from torch import nn

# %%
# Export a model as one graph: ``torch.export.export``
# ----------------------------------------------------
#
# ``torch.export.export`` runs the model once with example inputs and
# records the operators in an ``ExportedProgram``. You call its ``module()``
# like the model, and it does not need the source code of the model. By
# default, an input of another shape raises an error.
model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2)).eval()
x = torch.rand(3, 4)
program = torch.export.export(model, (x,))
program  # type ExportedProgram
exported = program.module()
torch.allclose(exported(x), model(x))  # True
with suppress(AssertionError):
    exported(torch.rand(5, 4))  # AssertionError: Guard failed

# %%
# What an ``ExportedProgram`` holds: graph, signature, weights
# ------------------------------------------------------------
#
# The graph consists of operators of the ATen library. The weights are
# inputs of the graph, and ``graph_signature`` tells what each input is.
# ``state_dict`` holds the weights under the names that they have in the
# model.
model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.BatchNorm1d(8)).eval()
program = torch.export.export(model, (torch.rand(3, 4),))
nodes = [n for n in program.graph.nodes if n.op == "call_function"]
str(nodes[0].target)  # 'aten.linear.default'
str(nodes[1].target)  # 'aten.relu.default'
program.graph_signature.user_inputs  # ('input',)
program.graph_signature.parameters[:2]  # ('0.weight', '0.bias')
program.graph_signature.buffers[0]  # '2.running_mean'
torch.equal(program.state_dict["0.weight"], model[0].weight)  # True

# %%
# Let the batch size vary: ``dynamic_shapes`` and ``torch.export.Dim``
# --------------------------------------------------------------------
#
# Without ``dynamic_shapes``, each size is fixed to the size of the example.
# Pass a ``torch.export.Dim`` for each dimension that may vary. The key is
# the number of the dimension. The exported program checks the limits
# ``min`` and ``max`` in each call.
model = nn.Linear(4, 2)
batch = torch.export.Dim("batch", max=64)
program = torch.export.export(
    model, (torch.rand(3, 4),), dynamic_shapes=({0: batch},)
)
exported = program.module()
x = torch.rand(64, 4)
torch.allclose(exported(x), model(x))  # True
exported(x[:1]).shape  # torch.Size([1, 2])
with suppress(AssertionError):
    exported(torch.rand(65, 4))  # AssertionError: Guard failed

# %%
# An example batch of 1 becomes a constant: ``Dim.AUTO``, ``Dim.DYNAMIC``
# -----------------------------------------------------------------------
#
# A size of 1 in the example becomes a constant, because a size of 1
# broadcasts. ``Dim.AUTO`` accepts this silently, and the program then
# raises an error for other batch sizes. ``Dim.DYNAMIC`` and a named ``Dim``
# raise an error during the export. Export with a batch of at least 2.
model = nn.Linear(4, 2)
auto, dynamic = torch.export.Dim.AUTO, torch.export.Dim.DYNAMIC
one = torch.export.export(
    model, (torch.rand(1, 4),), dynamic_shapes=({0: auto},)
)
with suppress(AssertionError):
    one.module()(torch.rand(3, 4))  # AssertionError: Guard failed
two = torch.export.export(
    model, (torch.rand(2, 4),), dynamic_shapes=({0: auto},)
)
two.module()(torch.rand(3, 4)).shape  # torch.Size([3, 2])
with suppress(ValueError):
    torch.export.export(
        model, (torch.rand(1, 4),), dynamic_shapes=({0: dynamic},)
    )  # ValueError: specialized due to hint of 1
named = torch.export.Dim("batch")
with suppress(torch._dynamo.exc.UserError):
    torch.export.export(
        model, (torch.rand(1, 4),), dynamic_shapes=({0: named},)
    )  # UserError: Constraints violated (batch)

# %%
# Several inputs with one size in common: names in ``dynamic_shapes``
# -------------------------------------------------------------------
#
# The keys of the dictionary are the argument names of ``forward``. If you
# use the same ``Dim`` in two inputs, the two sizes must agree. None keeps
# the shape of an input fixed.
class Score(nn.Module):
    def forward(self, query, key, scale):
        return (query * key).sum(dim=1) * scale


batch = torch.export.Dim("batch")
inputs = torch.rand(3, 4), torch.rand(3, 4), torch.tensor(2.0)
shapes = {"query": {0: batch}, "key": {0: batch}, "scale": None}
program = torch.export.export(Score(), inputs, dynamic_shapes=shapes)
query, key = torch.rand(7, 4), torch.rand(7, 4)
score = program.module()(query, key, torch.tensor(0.5))
torch.allclose(score, (query * key).sum(dim=1) / 2)  # True
exported, key = program.module(), torch.rand(6, 4)
with suppress(AssertionError):
    exported(query, key, inputs[2])  # AssertionError: Guard failed

# %%
# Save and load: ``torch.export.save`` and ``torch.export.load``
# --------------------------------------------------------------
#
# The file holds the graph and the weights, and its name ends in ``.pt2`` by
# convention. A process that loads it does not need the class of the model.
# Here the class is deleted before the file is read.
class Doubling(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(2.0))

    def forward(self, x):
        return self.scale * x


program = torch.export.export(Doubling(), (torch.ones(3),))
with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "doubling.pt2"
    torch.export.save(program, path)
    del Doubling, program
    with warnings.catch_warnings(action="ignore"):
        loaded = torch.export.load(path)
x = torch.tensor([1.0, 2.0, 3.0])
loaded.module()(x).detach()  # tensor([2., 4., 6.])
list(loaded.state_dict)  # ['scale']

# %%
# Error: could not guard on data-dependent expression (``torch.export``)
# ----------------------------------------------------------------------
#
# The ``if`` depends on the value of a tensor. This value is known when the
# graph runs, but not during the export. If both branches can be computed,
# use ``torch.where``.
class Clip(nn.Module):
    def forward(self, x):
        if x.norm() > 1:
            return x / x.norm()
        return x


class Where(nn.Module):
    def forward(self, x):
        norm = x.norm()
        return torch.where(norm > 1, x / norm, x)


x = torch.tensor([3.0, 4.0])
try:
    with redirect_stderr(StringIO()):
        torch.export.export(Clip(), (x,))
except RuntimeError as error:
    message = str(error)
message.split(" Eq(")[0]  # 'Could not guard on data-dependent expression'
program = torch.export.export(Where(), (x,))
program.module()(x)  # tensor([0.6000, 0.8000])
program.module()(x / 10)  # tensor([0.3000, 0.4000])

# %%
# Keep both branches in the graph: ``torch.cond``
# -----------------------------------------------
#
# ``torch.cond`` takes a condition, two functions and their arguments. Both
# branches are exported, and each call computes one of them. Write both
# functions so that they return tensors of the same shape and dtype and do
# not change their inputs.
class Clip(nn.Module):
    def forward(self, x):
        return torch.cond(x @ x > 1, shorten, keep, (x,))


def shorten(x):
    return x / (x @ x) ** 0.5


def keep(x):
    return x * 1


x = torch.tensor([3.0, 4.0])
Clip()(x)  # tensor([0.6000, 0.8000])
program = torch.export.export(Clip(), (x,))
program.module()(x)  # tensor([0.6000, 0.8000])
program.module()(x / 10)  # tensor([0.3000, 0.4000])
any("cond" in str(node.target) for node in program.graph.nodes)  # True

# %%
# A number taken from a tensor: ``item()`` and ``torch._check``
# -------------------------------------------------------------
#
# During the export, the number that ``item()`` takes from a tensor is
# unknown. ``torch._check`` states a condition for this number. The exported
# program checks the condition in each call.
class First(nn.Module):
    def forward(self, x, count):
        n = count.item()
        torch._check(n >= 0)
        torch._check(n <= x.shape[0])
        return x[:n].sum()


x = torch.arange(5.0)
program = torch.export.export(First(), (x, torch.tensor(3)))
first = program.module()
first(x, torch.tensor(3))  # tensor(3.)
first(x, torch.tensor(5))  # tensor(10.)
with suppress(RuntimeError):
    first(x, torch.tensor(6))  # RuntimeError: Runtime assertion failed

# %%
# See what stands in the way: ``torch.export.draft_export``
# ---------------------------------------------------------
#
# ``draft_export`` continues where ``torch.export.export`` stops, and it
# reports the problems that it met. The program follows the path of the
# example. Use it to find problems, not for predictions.
class Clip(nn.Module):
    def forward(self, x):
        if x.norm() > 1:
            return x / x.norm()
        return x


x = torch.tensor([3.0, 4.0])
draft = torch.export.draft_export(Clip(), (x,))
clip = draft.module()
clip(x)  # tensor([0.6000, 0.8000])
report = draft._report
report.successful()  # False
report.failures[0].failure_type.name  # 'DATA_DEPENDENT_ERROR'
with suppress(RuntimeError):
    clip(x / 9)  # RuntimeError: Runtime assertion since 2.12, ndim 1 before

# %%
# Fewer kinds of operators: ``run_decompositions``
# ------------------------------------------------
#
# ``run_decompositions`` rewrites the graph with a smaller set of ATen
# operators; here ``addmm`` replaces ``linear``. It returns a new program,
# whose outputs agree with those of the model.
model = nn.Sequential(nn.Linear(4, 2), nn.Softmax(dim=1))
x = torch.rand(3, 4)
program = torch.export.export(model, (x,))
core = program.run_decompositions()
names = [str(node.target) for node in core.graph.nodes]
"aten.linear.default" in names  # False
"aten.addmm.default" in names  # True
torch.allclose(core.module()(x), model(x))  # True

# %%
# Get modules back: ``torch.export.unflatten``
# --------------------------------------------
#
# The result of ``module()`` has one flat graph. ``torch.export.unflatten``
# restores the tree of submodules, so that you can call or replace one of
# them. Here the activation is replaced.
model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
x = torch.rand(3, 4)
tree = torch.export.unflatten(torch.export.export(model, (x,)))
torch.allclose(tree(x), model(x))  # True
[name for name, _ in tree.named_children()]  # ['0', '1', '2']
setattr(tree, "1", nn.Tanh())
model[1] = nn.Tanh()
torch.allclose(tree(x), model(x))  # True
