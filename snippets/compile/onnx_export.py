"""
ONNX
====

Export a model to an ONNX file, and run the file with ONNX Runtime.
"""
import tempfile
import warnings
from contextlib import redirect_stderr, redirect_stdout, suppress
from io import StringIO
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from onnxscript import opset18
from torch import nn

# %%
# Export a model to ONNX: ``torch.onnx.export``
# ---------------------------------------------
#
# Pass the model, a tuple of example inputs and a path. With
# ``dynamo=True``, the default since 2.9, the model is first exported with
# ``torch.export``. Call ``eval()`` before, because a model in training mode
# is exported with dropout.
model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2)).eval()
with tempfile.TemporaryDirectory() as folder, redirect_stdout(StringIO()):
    path = Path(folder) / "model.onnx"
    torch.onnx.export(model, (torch.rand(3, 4),), path, dynamo=True)
    graph = onnx.load(path).graph
[node.op_type for node in graph.node]  # ['Gemm', 'Relu', 'Gemm']
sorted(one.name for one in graph.initializer)[:2]  # ['0.bias', '0.weight']
layer, x = nn.Dropout(), torch.rand(2)
with redirect_stdout(StringIO()):
    torch.onnx.export(layer, (x,))  # UserWarning: in training mode

# %%
# Run the file: ``onnxruntime.InferenceSession``
# ----------------------------------------------
#
# A session takes and returns NumPy arrays. The first argument of ``run``
# lists the outputs that you want, and None means all of them. Compare with
# a tolerance, because ONNX Runtime uses other kernels than PyTorch.
model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2)).eval()
x = torch.rand(3, 4)
with redirect_stdout(StringIO()):
    program = torch.onnx.export(model, (x,), dynamo=True)
session = onnxruntime.InferenceSession(
    program.model_proto.SerializeToString(),
    providers=["CPUExecutionProvider"],
)
name = session.get_inputs()[0].name
(output,) = session.run(None, {name: x.cpu().numpy()})
expected = model(x).detach().cpu().numpy()
np.allclose(output, expected, rtol=1e-4, atol=1e-5)  # True

# %%
# Let the batch size vary: ``dynamic_shapes``
# -------------------------------------------
#
# Without ``dynamic_shapes`` the file accepts only the size of the example,
# and for another size ONNX Runtime says "Got invalid dimensions for input".
# The tuple has one dictionary for each input. The dictionary gives a
# dimension a name of your choice. Use an example with at least 2 samples,
# because a size of 1 becomes a constant.
model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2)).eval()
sessions = {}
x = torch.rand(3, 4)
for name, shapes in [("fixed", None), ("dynamic", ({0: "batch"},))]:
    with redirect_stdout(StringIO()):
        program = torch.onnx.export(model, (x,), dynamic_shapes=shapes)
    file = program.model_proto.SerializeToString()
    sessions[name] = onnxruntime.InferenceSession(file)
sessions["fixed"].get_inputs()[0].shape  # [3, 4]
sessions["dynamic"].get_inputs()[0].shape  # ['batch', 4]
same = []
for size in (1, 2, 7, 64):
    x = torch.rand(size, 4)
    feed = {"input": x.cpu().numpy()}
    (output,) = sessions["dynamic"].run(None, feed)
    same += [np.allclose(output, model(x).detach().cpu(), atol=1e-4)]
same  # [True, True, True, True]
with suppress(Exception):
    sessions["fixed"].run(None, feed)  # InvalidArgument: Got invalid

# %%
# Name the inputs and outputs: ``input_names``, ``output_names``
# --------------------------------------------------------------
#
# Whoever runs the file needs the names of its inputs and outputs. By
# default an input has its name in ``forward``. A missing input raises an
# error with its name.
class Scale(nn.Module):
    def forward(self, x, factor):
        return x * factor


inputs = torch.ones(2), torch.tensor(3.0)
with redirect_stdout(StringIO()):
    program = torch.onnx.export(
        Scale().eval(), inputs,
        input_names=["signal", "gain"], output_names=["louder"],
    )
session = onnxruntime.InferenceSession(
    program.model_proto.SerializeToString()
)
[given.name for given in session.get_inputs()]  # ['signal', 'gain']
session.get_inputs()[0].type  # 'tensor(float)'
feed = {"signal": np.ones(2, np.float32), "gain": np.array(3, np.float32)}
session.run(["louder"], feed)[0].tolist()  # [3.0, 3.0]
with suppress(ValueError):
    del feed["gain"]
    session.run(None, feed)  # ValueError: Required inputs (['gain'])

# %%
# Check a file: ``onnx.checker.check_model``
# ------------------------------------------
#
# The checker tests whether the file conforms to the ONNX standard. It does
# not test the numbers, so compare the outputs as well. Here a node is
# broken on purpose.
with redirect_stdout(StringIO()):
    program = torch.onnx.export(nn.ReLU().eval(), (torch.rand(3),))
file = program.model_proto
onnx.checker.check_model(file)
file.graph.node[0].op_type  # 'Relu'
file.graph.node[0].op_type = "Rectify"
with suppress(onnx.checker.ValidationError):
    onnx.checker.check_model(file)  # ValidationError: No Op registered

# %%
# Weights in the file or beside it: ``external_data``
# ---------------------------------------------------
#
# By default the weights go into a second file, ``model.onnx.data``. Move
# both files together. With ``external_data=False`` there is one file. Keep
# the default if the weights have 2 GB or more.
model = nn.Linear(64, 64).eval()
sizes = {}
for external in (True, False):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        with redirect_stdout(StringIO()):
            torch.onnx.export(
                model, (torch.rand(2, 64),), path, external_data=external
            )
        names = sorted(file.name for file in Path(folder).iterdir())
        sizes[external] = names, path.stat().st_size > 64 * 64 * 4
sizes[True]  # (['model.onnx', 'model.onnx.data'], False)
sizes[False]  # (['model.onnx'], True)

# %%
# Threads of a session: ``onnxruntime.SessionOptions``
# ----------------------------------------------------
#
# ``intra_op_num_threads`` is the number of threads with which a session
# computes one operator. Use 1 if a service runs several requests at the
# same time.
options = onnxruntime.SessionOptions()
options.intra_op_num_threads  # 0
options.intra_op_num_threads = 1
with redirect_stdout(StringIO()):
    program = torch.onnx.export(nn.ReLU().eval(), (torch.rand(3),))
session = onnxruntime.InferenceSession(
    program.model_proto.SerializeToString(), options
)
session.get_session_options().intra_op_num_threads  # 1
session.get_providers()[-1]  # 'CPUExecutionProvider'
x = np.array([-1, 0, 2], np.float32)
session.run(None, {"input": x})[0].tolist()  # [0.0, 0.0, 2.0]

# %%
# onnxruntime uses the CPU and not the GPU: ``get_available_providers``
# ---------------------------------------------------------------------
#
# The package ``onnxruntime-gpu`` contains ``CUDAExecutionProvider``. If
# ``onnxruntime`` is installed beside it, the CPU package wins. Remove both,
# and install only the ``onnxruntime-gpu`` for your CUDA version. A session
# skips a missing provider with a warning, and ``get_providers`` shows which
# ones it uses.
available = onnxruntime.get_available_providers()
"CPUExecutionProvider" in available  # True
wanted = ["CUDAExecutionProvider", "CPUExecutionProvider"]
wanted = [name for name in wanted if name in available]
with redirect_stdout(StringIO()):
    program = torch.onnx.export(nn.ReLU().eval(), (torch.rand(3),))
file = program.model_proto.SerializeToString()
session = onnxruntime.InferenceSession(file, providers=wanted)
session.get_providers()[-1]  # 'CPUExecutionProvider'
missing = ["QNNExecutionProvider", "CPUExecutionProvider"]
session = onnxruntime.InferenceSession(
    file, providers=missing
)  # UserWarning: is not in available provider names
session.get_providers()  # ['CPUExecutionProvider']

# %%
# Error: no ONNX function for an operator, ``custom_translation_table``
# ---------------------------------------------------------------------
#
# Some operators of PyTorch have no translation to ONNX. Write the model
# with other operators, or write a translation in ONNX Script. Here the
# first two terms of the series replace the Bessel function.
class Bessel(nn.Module):
    def forward(self, x):
        return torch.special.bessel_j0(x)


model, x = Bessel().eval(), torch.tensor([-1.0, 0.0, 2.0])
with redirect_stdout(StringIO()), suppress(torch.onnx.OnnxExporterError):
    torch.onnx.export(model, (x,))  # ConversionError: Failed to convert


def series(x):
    square = opset18.Mul(x, x)
    quarter = opset18.Mul(square, opset18.Constant(value_float=-0.25))
    return opset18.Add(opset18.Constant(value_float=1.0), quarter)


table = {torch.ops.aten.special_bessel_j0.default: series}
with redirect_stdout(StringIO()):
    program = torch.onnx.export(
        model, (x,), custom_translation_table=table
    )
session = onnxruntime.InferenceSession(
    program.model_proto.SerializeToString()
)
session.run(None, {"x": x.cpu().numpy()})[0].tolist()  # [0.75, 1.0, 0.0]

# %%
# The version of the operators: ``opset_version``
# -----------------------------------------------
#
# The default version is 18 or newer. Do not copy an old number, such as the
# 11 of many examples. Leave the argument out, or pass the highest number
# that your runtime supports.
with redirect_stdout(StringIO()):
    program = torch.onnx.export(nn.ReLU().eval(), (torch.rand(3),))
default = program.model_proto.opset_import[0].version
default >= 18  # True
with redirect_stdout(StringIO()):
    program = torch.onnx.export(
        nn.ReLU().eval(), (torch.rand(3),), opset_version=21
    )
program.model_proto.opset_import[0].version  # 21

# %%
# Old advice: ``dynamic_axes``
# ----------------------------
#
# ``dynamic_axes`` belongs to the old exporter. It is still converted to
# ``dynamic_shapes``, with a warning. In ``dynamic_shapes`` the keys are the
# argument names of ``forward``, not the names in ``input_names``.
model = nn.Linear(4, 2).eval()
axes = {"x": {0: "batch"}}
with warnings.catch_warnings(record=True) as heard:
    warnings.simplefilter("always")
    with redirect_stdout(StringIO()):
        program = torch.onnx.export(
            model, (torch.rand(3, 4),), input_names=["x"], dynamic_axes=axes
        )
texts = [str(warning.message) for warning in heard]
any("'dynamic_axes' is not recommended" in text for text in texts)  # True
session = onnxruntime.InferenceSession(
    program.model_proto.SerializeToString()
)
session.get_inputs()[0].shape  # ['batch', 4]

# %%
# Old advice: the exporter of TorchScript, ``dynamo=False``
# ---------------------------------------------------------
#
# The old exporter still runs, with a warning. It traces the model, so it
# keeps one side of a branch: the side that the example took. The new
# exporter raises an error for such a branch.
class Flip(nn.Module):
    def forward(self, x):
        return x if x.sum() > 0 else -x


flip, x = Flip().eval(), torch.ones(2)
with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "flip.onnx"
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        torch.onnx.export(flip, (x,), path, dynamo=False)
    session = onnxruntime.InferenceSession(path)
texts = [str(one.message) for one in heard]
any("legacy TorchScript-based" in text for text in texts)  # True
minus = np.array([-1, -1], np.float32)
flip(torch.tensor(minus))  # tensor([1., 1.])
name = session.get_inputs()[0].name
session.run(None, {name: minus})[0].tolist()  # [-1.0, -1.0]
quiet = StringIO()
with redirect_stdout(quiet), redirect_stderr(quiet):
    with suppress(torch.onnx.OnnxExporterError):
        torch.onnx.export(flip, (x,))  # TorchExportError: Failed to export
