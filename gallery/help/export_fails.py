"""
Export fails: torch.export and ONNX
===================================

Export with an example batch of two or more, and say with ``dynamic_shapes``
which sizes may vary. Replace an ``if`` on a tensor's value by
``torch.where``, and an operator without an ONNX form by others. Call
``eval()`` before the export and before the comparison. One model below
fails for each of these reasons; repaired, it gives the numbers of PyTorch
in ONNX Runtime for batches of four sizes.

* "Constraints violated (batch)" or a batch of 1? See *Constraints violated:
  an example batch of 1*.
* "Got invalid dimensions for input" or "Guard failed"? See *The file takes
  one batch size: dynamic_shapes*.
* "Could not guard on data-dependent expression"? See *An if on the value of
  a tensor*.
* "Failed to convert the exported program" or "Exporting the operator ... is
  not supported"? See *An operator that has no ONNX form*.
* "No module named 'onnxscript'"? See *The package onnxscript is missing*.
* ``dynamic_axes``, ``dynamo=False``, an old ``opset_version``? See *Old
  arguments*.
* Other numbers than PyTorch gives? See *Other numbers: the model was in
  training mode*.
"""
import subprocess
import sys
import warnings
from contextlib import redirect_stderr, redirect_stdout, suppress
from io import StringIO

import numpy as np
import onnxruntime
import torch
from torch import nn

# %%
# Two helpers: export in silence, run with ONNX Runtime
# -----------------------------------------------------
#
# The exporter prints its progress, which is kept out of the page. ``run``
# feeds the first input of the file and gives the first output.
torch.manual_seed(0)


def to_onnx(model, x, **options):
    with redirect_stdout(StringIO()), redirect_stderr(StringIO()):
        program = torch.onnx.export(model, (x,), **options)
    return program.model_proto.SerializeToString()


def run(file, x):
    session = onnxruntime.InferenceSession(file)
    name = session.get_inputs()[0].name
    return session.run(None, {name: x.detach().cpu().numpy()})[0]


# %%
# Constraints violated: an example batch of 1
# -------------------------------------------
#
# A size of 1 in the example is taken for a constant, because 1 broadcasts.
# With ``Dim`` the export says so; with ``Dim.AUTO`` it passes, and the
# program refuses other batches. Export with 2 samples or more.
model = nn.Linear(4, 2).eval()
batch = torch.export.Dim("batch")
with suppress(torch._dynamo.exc.UserError):
    torch.export.export(
        model, (torch.rand(1, 4),), dynamic_shapes=({0: batch},)
    )  # UserError: Constraints violated (batch)
program = torch.export.export(
    model, (torch.rand(2, 4),), dynamic_shapes=({0: batch},)
)
[program.module()(torch.rand(n, 4)).shape[0] for n in (1, 5)]  # [1, 5]

# %%
# The file takes one batch size: ``dynamic_shapes``
# -------------------------------------------------
#
# Without ``dynamic_shapes`` each size of the example is fixed.
# ``torch.export`` then says "Guard failed", and ONNX Runtime "Got invalid
# dimensions for input". A dictionary for each input says which dimension
# may vary.
fixed = torch.export.export(model, (torch.rand(2, 4),)).module()
with suppress(AssertionError):
    fixed(torch.rand(8, 4))  # AssertionError: Guard failed
file = to_onnx(model, torch.rand(2, 4))
with suppress(Exception):
    run(
        file, torch.rand(8, 4)
    )  # InvalidArgument: Got invalid dimensions for input
file = to_onnx(model, torch.rand(2, 4), dynamic_shapes=({0: "batch"},))
run(file, torch.rand(8, 4)).shape  # (8, 2)


# %%
# An ``if`` on the value of a tensor
# ----------------------------------
#
# The graph has no value to decide by: the input is known when it runs. Let
# both results be computed and choose with ``torch.where``; where that costs
# too much, use ``torch.cond``. An ``if`` on fixed sizes or
# ``self.training`` is harmless.
class Branch(nn.Module):
    def forward(self, x):
        if x.sum() > 0:
            return x
        return -x


class Where(nn.Module):
    def forward(self, x):
        return torch.where(x.sum() > 0, x, -x)


x = torch.tensor([[1.0, -3.0]])
with redirect_stderr(StringIO()), suppress(RuntimeError):
    torch.export.export(
        Branch(), (x,)
    )  # GuardOnDataDependentSymNode: Could not guard on data-dependent
program = torch.export.export(Where(), (x,))
program.module()(x)  # tensor([[-1., 3.]])
Branch()(x)  # tensor([[-1., 3.]])


# %%
# An operator that has no ONNX form
# ---------------------------------
#
# ``cummax`` has none. The exporter says "Failed to convert the exported
# program", and the old one "Exporting the operator 'aten::cummax' to ONNX
# opset version ... is not supported". Write it with other operators, or
# give a translation in ``custom_translation_table``, see
# :doc:`/reference/compile/onnx_export`.
class Highest(nn.Module):
    def forward(self, x):
        return x.cummax(dim=1).values


class HighestByHand(nn.Module):
    def forward(self, x):
        parts = [x[:, : i + 1].amax(dim=1) for i in range(x.shape[1])]
        return torch.stack(parts, dim=1)


x = torch.rand(2, 4)
with suppress(torch.onnx.OnnxExporterError):
    to_onnx(
        Highest().eval(), x
    )  # ConversionError: Failed to convert the exported program
torch.equal(HighestByHand()(x), Highest()(x))  # True
file = to_onnx(HighestByHand().eval(), x)
np.array_equal(run(file, x), Highest()(x).cpu())  # True

# %%
# The package ``onnxscript`` is missing
# -------------------------------------
#
# Since 2.9 ``torch.onnx.export`` uses ``torch.export``, and that needs the
# packages ``onnx`` and ``onnxscript``, which PyTorch does not install:
# ``pip install onnx onnxscript``. The process below cannot find the second
# one.
script = """
import sys

class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name == "onnxscript":
            raise ModuleNotFoundError(f"No module named '{name}'")

sys.meta_path.insert(0, Hidden())
import torch
torch.onnx.export(torch.nn.ReLU().eval(), (torch.rand(3),))
"""
ran = subprocess.run(
    [sys.executable, "-c", script], capture_output=True, text=True
)
error = ran.stderr.strip().splitlines()[-1]
error  # "ModuleNotFoundError: No module named 'onnxscript'"

# %%
# Old arguments
# -------------
#
# ``dynamic_axes`` belongs to the exporter before 2.9; write
# ``dynamic_shapes``. Leave ``opset_version`` out: a number such as 11 is
# below the oldest, 18, that the exporter writes itself. ``dynamo=False``
# starts the old exporter, which warns; it follows the branch that the
# example takes and drops the other one without an error.
with warnings.catch_warnings(record=True) as heard:
    warnings.simplefilter("always")
    axes = {"input": {0: "batch"}}
    file = to_onnx(
        model, x, input_names=["input"], dynamic_axes=axes
    )
texts = [str(one.message) for one in heard]
any("'dynamic_axes' is not recommended" in text for text in texts)  # True
run(file, torch.rand(8, 4)).shape  # (8, 2)

# %%
# Other numbers: the model was in training mode
# ---------------------------------------------
#
# Dropout and batch normalization compute other things in training. Call
# ``eval()`` before the export and before you compare, feed both the same
# array, and compare with a tolerance: 1e-5 is common in float32. A larger
# difference comes from other preprocessing or from float16.
net = nn.Sequential(
    nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(),
    nn.Dropout(0.5), nn.Linear(144, 2),
)
images = torch.rand(2, 3, 8, 8)
net(images * 3 + 1)  # shape (2, 2)
net.eval()
output = run(to_onnx(net, images), images)
in_eval = net(images).detach().cpu().numpy()
in_train = net.train()(images).detach().cpu().numpy()
np.allclose(output, in_eval, rtol=1e-3, atol=1e-5)  # True
np.allclose(output, in_train, rtol=1e-3, atol=1e-5)  # False


# %%
# What was reached: one file for batches of four sizes
# ----------------------------------------------------
#
# The model has a batch of a size that may vary, a choice by value, and the
# running maximum. Its file agrees with PyTorch for each size.
class Repaired(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer, self.drop = nn.Linear(4, 4), nn.Dropout(0.5)
        self.highest = HighestByHand()

    def forward(self, x):
        x = self.drop(self.layer(x))
        total = x.sum(dim=1, keepdim=True)
        return self.highest(torch.where(total > 0, x, -x))


repaired = Repaired().eval()
shapes = ({0: "batch"},)
file = to_onnx(repaired, torch.rand(2, 4), dynamic_shapes=shapes)
errors = []
for size in (1, 2, 7, 64):
    x = torch.rand(size, 4) - 0.5
    expected = repaired(x).detach().cpu().numpy()
    errors.append(float(np.abs(run(file, x) - expected).max()))
print(errors)
assert max(errors) < 1e-5, errors
