"""
TorchScript
===========

This page helps you understand old code with ``torch.jit``. It shows what
tracing and scripting do, what their messages mean, and what replaces them.
"""
import tempfile
import warnings
from contextlib import suppress
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn


# %%
# ``torch.jit.trace`` or ``torch.jit.script``: what is the difference
# -------------------------------------------------------------------
#
# ``trace`` runs the model once and records the operations, so it keeps one
# side of an ``if``. ``script`` compiles the source code and keeps both
# sides. Both are deprecated. Use ``torch.export.export`` for files and
# ``torch.compile`` for speed.
class Positive(nn.Module):
    def forward(self, x):
        if x.sum() > 0:
            return x
        return -x


model, plus, minus = Positive(), torch.ones(2), -torch.ones(2)
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    traced = torch.jit.trace(model, plus)
    scripted = torch.jit.script(model)
model(minus)  # tensor([1., 1.])
traced(minus)  # tensor([-1., -1.])
scripted(minus)  # tensor([1., 1.])


# %%
# TracerWarning: Converting a tensor to a Python boolean, the trace
# -----------------------------------------------------------------
#
# The trace depends on the value of a tensor, for example in an ``if``, in
# ``int(x)`` or in a loop. It keeps the side that the example took for all
# later inputs. Use ``torch.where`` instead. If the test is an assertion
# that holds for each input, you can ignore the warning.
class Clamp(nn.Module):
    def forward(self, x):
        if x.max() > 1:
            return x / x.max()
        return x


class Where(nn.Module):
    def forward(self, x):
        top = x.max()
        return torch.where(top > 1, x / top, x)


small, large = torch.tensor([0.5]), torch.tensor([4.0])
heard = []
for model in (Clamp(), Where()):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        traced = torch.jit.trace(model, small)
    texts = [str(one.message) for one in caught]
    heard.append(any("trace to be incorrect" in text for text in texts))
heard  # [True, False]
traced(large)  # tensor([1.])


# %%
# Trace had nondeterministic nodes, Graphs differed across invocations
# --------------------------------------------------------------------
#
# ``torch.jit.trace`` runs the model again and compares. Random numbers, as
# of dropout, give a warning: call ``eval()`` first. Python code that takes
# another way at the next call is an error.
layer, x = nn.Dropout(), torch.ones(100)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    torch.jit.trace(layer, x)
texts = " ".join(str(one.message) for one in caught)
"Trace had nondeterministic nodes" in texts  # True
calls = []


def changing(x):
    calls.append(1)
    return x + 1 if len(calls) % 2 else x * 2


with warnings.catch_warnings(action="ignore"):
    torch.jit.trace(layer.eval(), x)(x).equal(x)  # True
    with suppress(torch.jit.TracingCheckError):
        torch.jit.trace(changing, x)  # TracingCheckError: Graphs differed

# %%
# Error: Expected a value of type 'Tensor (inferred)' (annotate arguments)
# ------------------------------------------------------------------------
#
# ``torch.jit.script`` treats an argument without an annotation as a tensor.
# Annotate numbers, strings, lists and ``Optional``.
def repeat(x, count):
    return x * count


def annotated(x, count: int):
    return x * count


with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    guessed = torch.jit.script(repeat)
    typed = torch.jit.script(annotated)
x = torch.ones(2)
with suppress(RuntimeError):
    guessed(
        x, 3
    )  # RuntimeError: Expected a value of type 'Tensor (inferred)'
typed(x, 3)  # tensor([3., 3.])


# %%
# Error: instead found type 'Optional[Tensor]' (``torch.jit.script``)
# -------------------------------------------------------------------
#
# ``torch.jit.script`` understands the test ``is not None`` for a local
# variable, but not for an attribute. Assign the attribute to a local
# variable before the test.
class Attribute(nn.Module):
    shift: Tensor | None

    def __init__(self):
        super().__init__()
        self.shift = torch.ones(2)

    def forward(self, x):
        return x + self.shift if self.shift is not None else x


class Local(Attribute):
    def forward(self, x):
        shift = self.shift
        if shift is not None:
            return x + shift
        return x


with warnings.catch_warnings(action="ignore"):
    with suppress(RuntimeError):
        torch.jit.script(
            Attribute()
        )  # RuntimeError: but instead found type 'Optional[Tensor]'
    scripted = torch.jit.script(Local())
scripted(torch.ones(2))  # tensor([2., 2.])

# %%
# Error: PytorchStreamReader failed (``torch.jit.load``)
# ------------------------------------------------------
#
# ``torch.jit.load`` reads files that ``ScriptModule.save`` has written; in
# C++ it is ``torch::jit::load``. A file of ``torch.save`` with a state dict
# holds weights and no code, and a C++ program then prints "error loading
# the model". Load the weights into the model in Python, and write a file
# for C++ from there.
with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
    warnings.simplefilter("ignore")
    weights = Path(folder) / "weights.pt"
    program = Path(folder) / "model.pt"
    torch.save(nn.Linear(2, 2).state_dict(), weights)
    with suppress(RuntimeError):
        torch.jit.load(weights)  # RuntimeError: PytorchStreamReader failed
    torch.jit.script(nn.Linear(2, 2)).save(program)
    loaded = torch.jit.load(program)
loaded(torch.ones(1, 2)).shape  # torch.Size([1, 2])


# %%
# C++ error: Expected Tensor but got Tuple (``toTuple``)
# ------------------------------------------------------
#
# In C++, ``module.forward(inputs)`` returns an ``IValue``. If the Python
# ``forward`` returns several tensors, this value is a tuple, so write
# ``output.toTuple()->elements()[0].toTensor()``. Use ``toList`` for a list
# and ``toGenericDict`` for a dictionary. The graph shows the type before
# you write C++.
class Pair(nn.Module):
    def forward(self, x):
        return x + 1, x * 2


class One(nn.Module):
    def forward(self, x):
        return x + 1


kinds = []
for model in (Pair(), One()):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        traced = torch.jit.trace(model, torch.ones(2))
    kinds.append(next(traced.graph.outputs()).type().kind())
kinds  # ['TupleType', 'TensorType']

# %%
# Different output in C++ (libtorch) and Python: compare the inputs
# -----------------------------------------------------------------
#
# For the same input a traced model gives the same probabilities in C++. So
# compare the inputs first: save the tensor with ``torch.save`` and read it
# in C++ with ``torch::pickle_load``. ``cv::imread`` gives BGR where PIL
# gives RGB, ``cv::resize`` shrinks without the antialiasing of PIL, and the
# scale and the normalization must be the same.
model = nn.Sequential(nn.Conv2d(3, 2, 3), nn.Flatten(), nn.Softmax(1))
rgb = torch.rand(1, 3, 3, 3)
with warnings.catch_warnings(action="ignore"):
    traced = torch.jit.trace(model.eval(), rgb)
torch.allclose(traced(rgb), model(rgb))  # True
bgr = rgb.flip(1)
torch.allclose(traced(bgr), model(rgb))  # False
torch.allclose(traced(255 * rgb), model(rgb))  # False
row = torch.tensor([[[[0.0, 0.0, 0.0, 8.0, 0.0, 0.0, 0.0, 0.0]]]])
half = dict(size=(1, 2), mode="bilinear")
F.interpolate(row, **half)  # tensor([[[[0., 0.]]]])
F.interpolate(row, antialias=True, **half)  # tensor([[[[1.4286, 0.8571]]]])

# %%
# Wrong values from ``torch::from_blob``: ``permute`` and ``clone``
# -----------------------------------------------------------------
#
# ``from_blob`` takes the memory of a ``cv::Mat`` as it lies there, with the
# channels of a pixel side by side, and does not copy it. Give it the shape
# {H, W, 3} and ``torch::kByte``, then call ``permute({2, 0, 1})``. Call
# ``clone()`` before the image changes or is freed, as here with
# ``torch.frombuffer``, which does the same in Python.
pixels = bytearray([10, 20, 30, 11, 21, 31, 12, 22, 32, 13, 23, 33])
blob = torch.frombuffer(pixels, dtype=torch.uint8)
image = blob.reshape(2, 2, 3).permute(2, 0, 1)
image[0].tolist()  # [[10, 11], [12, 13]]
blob.reshape(3, 2, 2)[0].tolist()  # [[10, 20], [30, 11]]
kept = image.clone()
pixels[0] = 99
image[0, 0, 0].item(), kept[0, 0, 0].item()  # (99, 10)

# %%
# libtorch is slow at first, or slower than Python
# ------------------------------------------------
#
# A TorchScript model optimizes itself during the first two or three calls,
# and a GPU starts at the first call. Warm up before you measure. In C++,
# use ``c10::InferenceMode`` and a Release build, and move the model and the
# inputs to the same device. ``torch.jit.freeze`` turns the weights into
# constants.
model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2)).eval()
x = torch.rand(1, 1, 5, 5)
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    scripted = torch.jit.script(model)
    frozen = torch.jit.freeze(scripted)
len(list(scripted.parameters())), len(list(frozen.parameters()))  # (4, 0)
outputs = [frozen(x) for _ in range(3)]
same = [torch.allclose(y, model(x), atol=1e-5) for y in outputs]
same  # [True, True, True]


# %%
# libtorch memory grows with each call: ``c10::InferenceMode``
# ------------------------------------------------------------
#
# ``eval()`` does not switch gradients off. An output that the program keeps
# then also keeps the graph behind it, with the activations of the call. In
# C++ write ``c10::InferenceMode guard;`` before ``module.forward``.
model = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 1)).eval()
x = torch.ones(2, 4)
with warnings.catch_warnings(action="ignore"):
    traced = torch.jit.trace(model, x)
outputs = [traced(x) for _ in range(3)]
[y.requires_grad for y in outputs]  # [True, True, True]
with torch.inference_mode():
    outputs = [traced(x) for _ in range(3)]
[y.grad_fn for y in outputs]  # [None, None, None]

# %%
# From TorchScript to ``torch.export`` and AOTInductor
# ----------------------------------------------------
#
# To run faster in Python, use ``torch.compile``. For a file that does not
# need the class of the model, use ``torch.export.save``. For C++, use
# ``torch._inductor.aoti_compile_and_package``. An exported program keeps
# the type of the output, here a dictionary.
class Scores(nn.Module):
    def forward(self, x):
        return {"logits": x * 2, "best": x.argmax(dim=1)}


x = torch.tensor([[1.0, 3.0], [5.0, 2.0]])
program = torch.export.export(Scores(), (x,))
with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "scores.pt2"
    torch.export.save(program, path)
    loaded = torch.export.load(path).module()
loaded(x)["best"]  # tensor([1, 0])
sorted(loaded(x))  # ['best', 'logits']
with warnings.catch_warnings(), suppress(RuntimeError):
    warnings.simplefilter("ignore")
    torch.jit.trace(
        Scores(), x
    )  # RuntimeError: Encountering a dict at the output of the tracer
