"""
Phones and edge devices: ``ExecuTorch`` in place of PyTorch Mobile
==================================================================

``ExecuTorch`` turns an exported program, the graph of a model with its
weights, into a ``.pte`` file, which a small runtime executes on a phone or
a microcontroller. This page exports a convolutional network for XNNPACK, a
library of fast operators for CPUs, and runs the file with the runtime. The
outputs agree with those of PyTorch within a tolerance of 1e-3, and the file
is less than twice as large as the weights.
"""
import tempfile
import warnings
from contextlib import suppress
from importlib import metadata
from pathlib import Path

import executorch
import matplotlib.pyplot as plt
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional as F
from torch.utils.mobile_optimizer import optimize_for_mobile

with warnings.catch_warnings(action="ignore"):
    from executorch.backends.xnnpack.partition.xnnpack_partitioner import (
        XnnpackPartitioner,
    )
    from executorch.exir import to_edge_transform_and_lower
    from executorch.runtime import Runtime

# %%
# Train a convolutional network
# -----------------------------
#
# The input of the network is an image of 8 by 8 pixels. After the training,
# the model moves to the CPU and is switched to ``eval()``, because it is
# exported in this state.
torch.manual_seed(0)
data = load_digits()
images = torch.tensor(data.images, dtype=torch.float32)[:, None] / 16
labels = torch.tensor(data.target)
order = torch.randperm(len(images))
train_rows, test_rows = order[:1200], order[1200:]
model = nn.Sequential(
    nn.Conv2d(1, 16, kernel_size=3, padding=1), nn.BatchNorm2d(16),
    nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(16, 32, kernel_size=3, padding=1), nn.ReLU(),
    nn.Flatten(), nn.Linear(32 * 4 * 4, 10),
)
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
for _ in range(6):
    for rows in train_rows.split(64):
        optimizer.zero_grad()
        F.cross_entropy(model(images[rows]), labels[rows]).backward()
        optimizer.step()
model = model.cpu().eval()
test_images = images[test_rows].cpu()
test_labels = labels[test_rows].cpu()
print("executorch", metadata.version(executorch.__name__))

# %%
# Export: ``torch.export``, then ``to_edge_transform_and_lower``
# --------------------------------------------------------------
#
# The partitioner finds the parts of the graph that XNNPACK can compute and
# hands them over. The rest runs with the portable operators of the runtime.
# Here one part is handed over, and it contains all operators of the
# network. Batch normalization is folded into the convolution before it.
example = (test_images[:1],)
program = torch.export.export(model, example)


def lower(partitioner):
    with warnings.catch_warnings(action="ignore"):
        edge = to_edge_transform_and_lower(
            torch.export.export(model, example), partitioner=partitioner
        )
        names = [
            str(node.target)
            for node in edge.exported_program().graph.nodes
            if node.op == "call_function"
        ]
        return edge.to_executorch().buffer, names


xnnpack, names = lower([XnnpackPartitioner()])
sum("executorch_call_delegate" in name for name in names)  # 1
sum("aten" in name for name in names)  # 0

# %%
# Without a partitioner: portable operators
# -----------------------------------------
#
# Without a partitioner, both convolutions stay in the graph, and the
# runtime computes them with its portable operators. Use such a file where
# XNNPACK is not available.
portable, portable_names = lower([])
sum("convolution" in name for name in portable_names)  # 2


# %%
# Run the file with the runtime
# -----------------------------
#
# ``Runtime`` calls the C++ runtime from Python. It loads a program and then
# one of its methods. Each input must have the size of the example input,
# which is one image here.
def run(content, inputs):
    program = Runtime.get().load_program(content)
    method = program.load_method("forward")
    rows = [method.execute([one[None]])[0].clone() for one in inputs]
    return torch.cat(rows)


with torch.inference_mode():
    own = model(test_images)
outputs = {"XNNPACK": run(xnnpack, test_images)}
outputs["portable"] = run(portable, test_images[:50])
for output in outputs.values():
    torch.allclose(output, own[: len(output)], rtol=1e-3, atol=1e-3)  # True
outputs["XNNPACK"].shape  # torch.Size([597, 10])

# %%
# The file on a phone
# -------------------
#
# Write the bytes to a file and ship it with your application. On Android
# and iOS, the ``ExecuTorch`` libraries load the file. The letters ET12 near
# its beginning identify the format.
with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "digits.pte"
    path.write_bytes(xnnpack)
    loaded = Runtime.get().load_program(path)
    sorted(loaded.method_names)  # ['forward']
xnnpack[4:8]  # b'ET12'

# %%
# Old advice: ``optimize_for_mobile`` and ``.ptl`` files
# ------------------------------------------------------
#
# PyTorch Mobile ran TorchScript in a Lite Interpreter, and both now warn
# that they are deprecated. ``optimize_for_mobile`` raises an error here,
# because this package of PyTorch is built without the part that it needs.
# Replace ``torch.jit.trace`` with ``torch.export.export``, and the
# remaining calls with the steps above.
with warnings.catch_warnings(record=True) as heard:
    warnings.simplefilter("always")
    traced = torch.jit.trace(model, example)
    with tempfile.TemporaryDirectory() as folder:
        old_path = Path(folder) / "digits.ptl"
        traced._save_for_lite_interpreter(str(old_path))
        old_size = old_path.stat().st_size
texts = [str(warning.message) for warning in heard]
any("`torch.jit.trace` is deprecated" in text for text in texts)  # True
any("switching to ExecuTorch" in text for text in texts)  # True
with suppress(RuntimeError), warnings.catch_warnings(action="ignore"):
    optimize_for_mobile(traced)  # RuntimeError: only available with XNNPACK

# %%
# The result: the accuracy of PyTorch, and the sizes of the files
# ---------------------------------------------------------------
#
# The runtime reaches more than 93 % accuracy on the test set, like PyTorch.
# The file with XNNPACK is less than twice as large as the weights. The bars
# show the sizes of the weights (grey) and of the files.
accuracy = {
    "PyTorch": (own.argmax(dim=1) == test_labels).double().mean().item()
}
right_answers = outputs["XNNPACK"].argmax(dim=1) == test_labels
accuracy["ExecuTorch"] = right_answers.double().mean().item()
weights = sum(4 * p.numel() for p in model.parameters())
sizes = {"weights": weights, ".pte, XNNPACK": len(xnnpack)}
sizes |= {".pte, portable": len(portable), ".ptl": old_size}
print(accuracy, sizes)
assert 0.93 < accuracy["ExecuTorch"] <= 1.0, accuracy
assert abs(accuracy["ExecuTorch"] - accuracy["PyTorch"]) < 0.005, accuracy
assert 0.9 * weights < len(xnnpack) < 2 * weights, sizes

figure, ax = plt.subplots(figsize=(9, 3))
bars = ax.barh(list(sizes), [size / 1000 for size in sizes.values()])
bars[0].set_color("grey")
ax.bar_label(bars, fmt="%.1f kB", color="grey", padding=4)
ax.set(xlabel="kB")
ax.invert_yaxis()
ax.margins(x=0.15)
figure.tight_layout()
