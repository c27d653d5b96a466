"""
Export fails: torch.export and ONNX
===================================

ONNX is a file format for models, and ONNX Runtime runs such files without
PyTorch. Export with an example batch of two or more samples, and use
``dynamic_shapes`` to say which sizes may vary. Replace an ``if`` on the
value of a tensor by ``torch.where``, and replace an operator that has no
ONNX form by other operators. Call ``eval()`` before the export and before
you compare. This page shows the error for each of these mistakes. In ONNX
Runtime, the repaired model gives the same results as in PyTorch for batches
of four sizes.

* "Constraints violated (batch)" or a batch of 1? See *Constraints violated:
  an example batch of 1*.
* "Got invalid dimensions for input" or "Guard failed"? See *The file takes
  one batch size: dynamic_shapes*.
* "Could not guard on data-dependent expression"? See *An if on the value of
  a tensor*.
* "Failed to convert the exported program" or "Exporting the operator ... is
  not supported"? See *An operator that has no ONNX form*.
* "ONNX export of operator adaptive_avg_pool2d"? See *adaptive_avg_pool2d:
  output size is not factor of input size*.
* "No module named 'onnxscript'"? See *The package onnxscript is missing*.
* ``dynamic_axes``, ``dynamo=False``, an old ``opset_version``? See *Old
  arguments such as dynamic_axes*.
* Results that differ from PyTorch? See *Different results: the model was in
  training mode*.
"""
import subprocess
import sys
import warnings
from contextlib import redirect_stderr, redirect_stdout, suppress
from io import BytesIO, StringIO

import numpy as np
import onnxruntime
import torch
from torch import nn

# %%
# Two helpers: export quietly, run with ONNX Runtime
# --------------------------------------------------
#
# The exporter prints its progress, which ``to_onnx`` hides. ``run`` passes
# an array to the first input of the file and returns the first output.
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
# The export treats a size of 1 in the example as a constant, because 1
# broadcasts. ``Dim`` marks a size that may vary, so this example raises an
# error. With ``Dim.AUTO`` there is no error, but the exported program
# refuses other batch sizes. Use 2 samples or more in the example.
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
# Without ``dynamic_shapes``, each size of the example is fixed. For a batch
# of a different size, the program of ``torch.export`` raises "Guard failed"
# and ONNX Runtime raises "Got invalid dimensions for input". For each
# input, pass a dictionary with the dimensions that may vary.
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
# During the export the values of the input are not known, so the graph
# cannot choose a branch by them. Compute both results and choose with
# ``torch.where``. If that costs too much, use ``torch.cond``. An ``if`` on
# fixed sizes or on ``self.training`` is harmless.
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
# ``cummax`` has no ONNX form. The exporter reports "Failed to convert the
# exported program", and the old exporter reports "Exporting the operator
# 'aten::cummax' to ONNX opset version ... is not supported". Write the
# operation with other operators, or pass a translation in
# ``custom_translation_table``, see :doc:`/reference/compile/onnx_export`.
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
# adaptive_avg_pool2d: output size is not factor of input size
# ------------------------------------------------------------
#
# The old exporter turns adaptive pooling into pooling with one window size,
# so the output size must divide the size of the input. If it does not, the
# message is "Unsupported: ONNX export of operator adaptive_avg_pool2d". Use
# the new exporter, ``dynamo=True``, or an input size that fits, such as 9
# for 3 windows. ``nn.Upsample`` or ``F.interpolate`` before the pooling
# also makes the size fit, but changes the values a little.
def by_old_exporter(model, x):
    file = BytesIO()
    with warnings.catch_warnings(action="ignore"):
        torch.onnx.export(model, (x,), file, dynamo=False)
    return file.getvalue()


pool, odd = nn.AdaptiveAvgPool2d(3).eval(), torch.rand(1, 2, 8, 8)
with suppress(torch.onnx.OnnxExporterError):
    by_old_exporter(
        pool, odd
    )  # SymbolicValueError: Unsupported: ONNX export of operator
expected = pool(odd).cpu()
np.allclose(run(to_onnx(pool, odd), odd), expected, atol=1e-6)  # True
fits = torch.rand(1, 2, 9, 9)
file = by_old_exporter(pool, fits)
np.allclose(run(file, fits), pool(fits).cpu(), atol=1e-6)  # True
resized = nn.Sequential(nn.Upsample(size=(9, 9), mode="bilinear"), pool)
run(by_old_exporter(resized, odd), odd).shape  # (1, 2, 3, 3)

# %%
# The package ``onnxscript`` is missing
# -------------------------------------
#
# Since 2.9, ``torch.onnx.export`` uses ``torch.export`` by default. It
# needs the packages ``onnx`` and ``onnxscript``, which PyTorch does not
# install, so run ``pip install onnx onnxscript``. The process below hides
# the second package.
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
# Old arguments such as ``dynamic_axes``
# --------------------------------------
#
# ``dynamic_axes`` belongs to the old exporter, so write ``dynamic_shapes``.
# ``opset_version`` is the version of the ONNX operators. Leave it out,
# because the new exporter writes version 18 or later, and a number such as
# 11 is older. ``dynamo=False`` starts the old exporter. It records the
# branch that the example takes and drops the other one without an error.
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
# Different results: the model was in training mode
# -------------------------------------------------
#
# Dropout and batch normalization behave differently in training mode. Call
# ``eval()`` before the export and before you compare. Pass the same array
# to both models, and compare with a tolerance, such as 1e-5 in float32. If
# the difference is larger, check the preprocessing, and check whether one
# of the models uses float16.
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
# The result: one file for batches of four sizes
# ----------------------------------------------
#
# The model has a variable batch size, a choice by value and a running
# maximum. Its ONNX file agrees with PyTorch for each of the four batch
# sizes.
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
