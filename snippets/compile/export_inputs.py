"""
Inputs of an export
===================

Export models that take dataclasses, numbers and keyword arguments, declare
which sizes vary, and call the exported program correctly.
"""
from contextlib import suppress
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.export.passes import move_to_device_pass

# %%
# A dataclass as an input: ``torch.export.register_dataclass``
# ------------------------------------------------------------
#
# ``torch.export.export`` accepts tensors, numbers, and containers of them
# such as lists and dictionaries. Register a dataclass once before the
# export. Its tensors then become inputs of the graph, and you call the
# exported program with the dataclass.
@dataclass
class Batch:
    values: Tensor
    mask: Tensor


class Total(nn.Module):
    def forward(self, batch):
        return (batch.values * batch.mask).sum(dim=1)


batch = Batch(torch.ones(2, 3), torch.tensor([[1.0, 1, 0], [1, 0, 0]]))
with suppress(ValueError):
    torch.export.export(
        Total(), (batch,)
    )  # ValueError: Unsupported input type
torch.export.register_dataclass(Batch)
program = torch.export.export(Total(), (batch,))
program.module()(batch)  # tensor([2., 1.])
program.graph_signature.user_inputs  # ('batch_values', 'batch_mask')

# %%
# Say for a tensor which sizes vary: ``torch.export.ShapesCollection``
# --------------------------------------------------------------------
#
# ``dynamic_shapes`` repeats the structure of the inputs, which is tedious
# if they are nested. You can fill a ``ShapesCollection`` tensor by tensor
# instead. Index it with the tensors of the example.
class Weighted(nn.Module):
    def forward(self, inputs):
        return inputs["x"] * inputs["pair"][0] + inputs["pair"][1]


x, weight, shift = torch.ones(3, 2), torch.ones(3, 1), torch.ones(1)
inputs = {"x": x, "pair": (weight, shift)}
count = torch.export.Dim("count")
shapes = torch.export.ShapesCollection()
shapes[x] = {0: count}
shapes[weight] = {0: count}
program = torch.export.export(
    Weighted(), (inputs,), dynamic_shapes=shapes
)
more = {"x": torch.ones(5, 2), "pair": (torch.ones(5, 1), shift)}
program.module()(more).shape  # torch.Size([5, 2])

# %%
# Sizes from more examples: ``torch.export.AdditionalInputs``
# -----------------------------------------------------------
#
# Add a few more inputs. Each size that differs between them becomes
# variable. ``verify`` runs an exported program with these inputs and raises
# an error if one of them does not fit.
model, more = nn.Linear(4, 2), torch.export.AdditionalInputs()
more.add((torch.ones(5, 4),))
more.add((torch.ones(9, 4),))
program = torch.export.export(
    model, (torch.ones(3, 4),), dynamic_shapes=more
)
program.module()(torch.ones(7, 4)).shape  # torch.Size([7, 2])
more.verify(program)
fixed = torch.export.export(model, (torch.ones(3, 4),))
with suppress(RuntimeError):
    more.verify(fixed)  # RuntimeError: Expected input at *args[0].shape[0]


# %%
# A number as an argument is fixed: Guard failed: n == 3
# ------------------------------------------------------
#
# An ``int`` of the example becomes a constant, and another value raises an
# error. Mark it as ``Dim.DYNAMIC``, or pass a tensor. The third argument of
# ``torch.export.export`` holds the keyword arguments.
class Repeat(nn.Module):
    def forward(self, x, n):
        return x * n


x, dynamic = torch.ones(2), torch.export.Dim.DYNAMIC
fixed = torch.export.export(Repeat(), (x,), {"n": 3}).module()
fixed(x, n=3)  # tensor([3., 3.])
with suppress(AssertionError):
    fixed(x, n=4)  # AssertionError: Guard failed: n == 3
free = torch.export.export(
    Repeat(), (x,), {"n": 3}, dynamic_shapes={"x": None, "n": dynamic}
).module()
free(x, n=4)  # tensor([4., 4.])


# %%
# Error: kwarg keyword mismatch (call it as the example was given)
# ----------------------------------------------------------------
#
# Call the exported program with the same positional and keyword arguments
# as in the example. A default value of ``forward`` becomes part of the
# graph. Too many positional arguments raise "Trying to flatten user
# inputs".
class Scale(nn.Module):
    def forward(self, x, factor=2.0):
        return x * factor


x = torch.ones(2)
named = torch.export.export(
    Scale(), (x,), {"factor": torch.tensor(3.0)}
).module()
with suppress(ValueError):
    named(x)  # ValueError: Ran into a kwarg keyword mismatch
named(x, factor=torch.tensor(5.0))  # tensor([5., 5.])
default = torch.export.export(Scale(), (x,)).module()
with suppress(ValueError):
    default(x, 4.0)  # ValueError: Trying to flatten user inputs
default(x)  # tensor([2., 2.])

# %%
# Error: Expecting ``args`` to be a tuple of example positional inputs
# --------------------------------------------------------------------
#
# The example inputs are a tuple. For a single input, write ``(x,)`` with a
# comma. The keys of ``dynamic_shapes`` are the argument names of
# ``forward``, and each argument needs a key.
model, x = nn.Linear(4, 2), torch.ones(3, 4)
UserError = torch._dynamo.exc.UserError
with suppress(UserError):
    torch.export.export(
        model, x
    )  # UserError: Expecting `args` to be a tuple
with suppress(UserError):
    torch.export.export(
        model, (x,), dynamic_shapes={"x": None}
    )  # UserError: its top-level keys must be the arg names ['input']
program = torch.export.export(model, (x,), dynamic_shapes={"input": None})
program.module()(x).shape  # torch.Size([3, 2])


# %%
# Error: your code specialized it to be a constant (a number in ``forward``)
# --------------------------------------------------------------------------
#
# The code of the model contains the batch size of the example, here the 4
# in ``reshape``. Take the sizes from the input, or write -1 for the size
# that varies.
class Fixed(nn.Module):
    def forward(self, x):
        return x.reshape(4, -1) + torch.zeros(4, 6)


class Free(nn.Module):
    def forward(self, x):
        return x.reshape(x.shape[0], -1) + torch.zeros(6)


x, batch = torch.ones(4, 2, 3), torch.export.Dim("batch")
with suppress(torch._dynamo.exc.UserError):
    torch.export.export(
        Fixed(), (x,), dynamic_shapes=({0: batch},)
    )  # UserError: your code specialized it to be a constant (4)
program = torch.export.export(Free(), (x,), dynamic_shapes=({0: batch},))
program.module()(torch.ones(7, 2, 3)).shape  # torch.Size([7, 6])


# %%
# Run on another device: ``move_to_device_pass``
# ----------------------------------------------
#
# ``module().to(device)`` moves the weights, but a tensor that the graph
# creates, here with ``torch.zeros``, stays on its old device. Move the
# program with ``move_to_device_pass`` before you call ``module()``, or
# export the model on the device where it will run. The device ``meta``
# stands for a GPU here.
class Shift(nn.Module):
    def forward(self, x):
        return x + torch.zeros(2, device=x.device)


program = torch.export.export(Shift(), (torch.ones(2, device="cpu"),))


def devices(program):
    nodes = program.graph.nodes
    return [str(n.kwargs["device"]) for n in nodes if "device" in n.kwargs]


devices(program)  # ['cpu']
moved = move_to_device_pass(program, "meta")
devices(moved)  # ['meta']
moved.module()(torch.ones(2, device="meta")).device.type  # 'meta'

# %%
# Error: Calling eval() is not supported yet (export after ``eval()``)
# --------------------------------------------------------------------
#
# The mode of the model is part of the graph, so a model in training mode is
# exported with dropout. Call ``eval()`` before the export. The exported
# module cannot change its mode.
model, x = nn.Dropout(0.5), torch.ones(1000)
trained = torch.export.export(model, (x,)).module()
with suppress(NotImplementedError):
    trained.eval()  # NotImplementedError: Calling eval() is not supported
(trained(x) == 0).any()  # tensor(True)
program = torch.export.export(model.eval(), (x,))
torch.equal(program.module()(x), x)  # True
