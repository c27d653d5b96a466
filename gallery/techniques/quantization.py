"""
Quantization to int8 with torchao: weight-only, dynamic, static (pt2e)
======================================================================

int8 stores each weight in one byte instead of four. ``quantize_`` changes
the linear layers in one line. The flow pt2e (PyTorch 2 export) also
quantizes convolutions. It measures the ranges of the activations on data
beforehand. Each of the three int8 files is less than a third of the float32
file, and the test accuracy changes by less than 1 percentage point.
"""
import io
import warnings
from contextlib import suppress
from copy import deepcopy

import matplotlib.pyplot as plt
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset, random_split
from torchao.quantization import (
    Int8DynamicActivationInt8WeightConfig,
    Int8WeightOnlyConfig,
    quantize_,
)
from torchao.quantization.pt2e.quantize_pt2e import (
    convert_pt2e,
    prepare_pt2e,
)
from torchao.quantization.pt2e.quantizer.x86_inductor_quantizer import (
    X86InductorQuantizer,
    get_default_x86_inductor_quantization_config,
)

# %%
# A network in float32
# --------------------
#
# Quantize a network after training, and in evaluation mode.
torch.manual_seed(0)
device = torch.get_default_device()
generator = torch.Generator(device=device).manual_seed(0)
digits = load_digits()
images = torch.tensor(digits.images, dtype=torch.float32, device=device)
labels = torch.tensor(digits.target, device=device)
train_set, test_set = random_split(
    TensorDataset(images[:, None] / 16, labels), [0.7, 0.3], generator
)
train_loader = DataLoader(
    train_set, batch_size=64, shuffle=True, generator=generator
)
model = nn.Sequential(
    nn.Conv2d(1, 16, kernel_size=3, padding=1),
    nn.BatchNorm2d(16),
    nn.ReLU(),
    nn.MaxPool2d(2),
    nn.Conv2d(16, 32, kernel_size=3, padding=1),
    nn.ReLU(),
    nn.Flatten(),
    nn.Linear(32 * 4 * 4, 128),
    nn.ReLU(),
    nn.Linear(128, 10),
)


# %%
# Train it, and measure the accuracy and the file size
# ----------------------------------------------------
#
# The file size is that of the state dict, saved with ``torch.save``.
@torch.inference_mode()
def evaluate(model):
    inputs, targets = test_set[:]
    right = model(inputs).argmax(dim=1) == targets
    return right.float().mean().item()


def file_size(state_dict):
    buffer = io.BytesIO()
    torch.save(state_dict, buffer)
    return buffer.tell()


optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
for _ in range(8):
    for inputs, targets in train_loader:
        optimizer.zero_grad()
        F.cross_entropy(model(inputs), targets).backward()
        optimizer.step()
model.eval()
accuracy = {"float32": evaluate(model)}
size = {"float32": file_size(model.state_dict())}

# %%
# Compute the scale and the zero point by hand
# --------------------------------------------
#
# The range from -0.5 to 2.05 is divided into 255 steps. The scale is the
# size of a step, and the zero point is the integer that stands for 0.
# Values inside the range are off by at most half a step. The value 3.0 lies
# outside and is clamped to 2.05.
values = torch.tensor([-0.5, 0.0, 0.123, 1.0, 2.05, 3.0])
scale = (2.05 - -0.5) / 255
zero_point = round(0.5 / scale)
scale, zero_point  # (0.0100, 50)
numbers = (values / scale + zero_point).round().clamp(0, 255)
numbers.to(torch.uint8).tolist()  # [0, 50, 62, 150, 255, 255]
restored = (numbers - zero_point) * scale
restored  # tensor([-0.5000, 0.0000, 0.1200, 1.0000, 2.0500, 2.0500])
library = torch.fake_quantize_per_tensor_affine(
    values, scale, zero_point, quant_min=0, quant_max=255
)
torch.allclose(restored, library)  # True

# %%
# Weight-only: ``quantize_`` with one scale for each row
# ------------------------------------------------------
#
# Weights lie around zero, so the zero point is 0, and each row has its own
# scale. ``quantize_`` works in place and by default changes the linear
# layers. Use ``filter_fn`` to choose among them.
# ``set_inductor_config=False`` leaves the global settings of
# ``torch.compile`` unchanged.
weight_only = deepcopy(model)
quantize_(weight_only, Int8WeightOnlyConfig(set_inductor_config=False))
weight = weight_only[7].weight
type(weight).__name__  # 'Int8Tensor'
weight.qdata  # shape (128, 512), dtype int8
weight.scale  # shape (128, 1), dtype float32
weight_only[0].weight.dtype  # torch.float32
by_hand = (model[7].weight / weight.scale).round().clamp(-128, 127)
bool((by_hand - weight.qdata).abs().max() <= 1)  # True
error = (model[7].weight - weight.dequantize()).abs() / weight.scale
bool(error.max() < 1.01)  # True

# %%
# Save int8 weights and load them: ``assign=True``
# ------------------------------------------------
#
# To load these weights into the float model, pass ``assign=True``. It
# replaces the tensors of the model instead of copying values into them.
buffer = io.BytesIO()
torch.save(weight_only.state_dict(), buffer)
buffer.seek(0)
loaded = deepcopy(model)
state_dict = torch.load(buffer, weights_only=True)
loaded.load_state_dict(state_dict, assign=True)
type(loaded[7].weight).__name__  # 'Int8Tensor'
inputs, _ = test_set[:]
with torch.inference_mode():
    same = torch.equal(loaded(inputs), weight_only(inputs))
same  # True

# %%
# Dynamic quantization: int8 activations as well
# ----------------------------------------------
#
# The range of each input row is measured while the model runs, and the
# matrix products are computed with integers.
dynamic = deepcopy(model)
config = Int8DynamicActivationInt8WeightConfig(set_inductor_config=False)
quantize_(dynamic, config)
for name, int8_model in (("weight-only", loaded), ("dynamic", dynamic)):
    accuracy[name] = evaluate(int8_model)
    size[name] = file_size(int8_model.state_dict())


# %%
# Static (pt2e): export, calibrate, convert
# -----------------------------------------
#
# ``prepare_pt2e`` folds batch normalization into the convolution and puts
# observers into the exported graph. In one pass over training images, the
# observers record the ranges of the activations. ``convert_pt2e`` writes
# the scales into the graph. ``strict=True`` exports the graph in the form
# that the quantizer expects. The float weights stay in the state dict
# although the graph does not read them, so the code saves only what the
# graph reads.
def quantize_static(model, calibration):
    batch = torch.export.Dim("batch")
    exported = torch.export.export(
        model, (calibration,), dynamic_shapes=({0: batch},), strict=True
    )
    quantizer = X86InductorQuantizer()
    quantizer.set_global(get_default_x86_inductor_quantization_config())
    prepared = prepare_pt2e(exported.module(), quantizer)
    with torch.no_grad():
        prepared(calibration)
    return convert_pt2e(prepared)


static = quantize_static(model, train_set[:256][0])
operations = [str(node.target) for node in static.graph.nodes]
sum("dequantize_per_channel" in name for name in operations)  # 4
sum("batch_norm" in name for name in operations)  # 0
read = {node.target for node in static.graph.nodes if node.op == "get_attr"}
state_dict = static.state_dict()
saved = {name: state_dict[name] for name in read & set(state_dict)}
accuracy["static"] = evaluate(static)
size["static"] = file_size(saved)
file_size(state_dict) > size["float32"]  # True

# %%
# Calibrate with data like those of inference
# -------------------------------------------
#
# After calibration on images a twentieth as bright, the ranges of the
# activations are too small, and many values are clamped. There is no
# warning, so measure the accuracy after quantizing. Run directly, this
# graph computes with the restored floats. For integer kernels, turn on
# ``torch._inductor.config.freezing`` and use ``torch.compile`` under
# ``no_grad``.
dark = quantize_static(model, train_set[:256][0] / 20)
accuracy_dark = evaluate(dark)
accuracy_dark < accuracy["static"] - 0.1  # True


# %%
# How few bits are enough?
# ------------------------
#
# ``torch.fake_quantize_per_channel_affine`` rounds the weights but keeps
# them in float, so you can try different numbers of bits. The code compares
# one scale for each row (or filter) with one scale for the whole tensor.
def round_weights(model, bits, per_row):
    rounded, high = deepcopy(model), 2 ** (bits - 1) - 1
    for module in rounded:
        if not isinstance(module, (nn.Linear, nn.Conv2d)):
            continue
        weight = module.weight.detach()
        rows = weight.flatten(1).abs().amax(dim=1)
        scale = (rows if per_row else rows.max().expand(len(rows))) / high
        zeros = torch.zeros(len(rows), dtype=torch.int32, device=device)
        module.weight.data = torch.fake_quantize_per_channel_affine(
            weight, scale, zeros, 0, -high, high
        )
    return rounded


bits = [2, 3, 4, 5, 6, 7, 8]
by_bits = {
    kind: [evaluate(round_weights(model, n, kind == "row")) for n in bits]
    for kind in ("row", "tensor")
}

# %%
# Old advice: ``torch.quantization.quantize_dynamic``
# ---------------------------------------------------
#
# The eager API still runs here on the CPU. It warns that it will be removed
# in 2.10, a release that is already out. The quantized tensors that it
# creates are deprecated, too, and the filter hides their warning. For new
# code use ``quantize_`` as above.
api = torch.ao.quantization
torch.quantization.quantize_dynamic is api.quantize_dynamic  # True
torch.quantize_per_tensor(
    values.cpu(), 0.01, 50, torch.quint8
)  # UserWarning: are deprecated since 2.13, dtype quint8 before
warnings.filterwarnings("ignore", "torch.quantize_per_tensor")
with torch.device("cpu"):
    net, x = deepcopy(model).cpu(), inputs.cpu()
    old = api.quantize_dynamic(net)  # DeprecationWarning: removed in 2.10
    agree = old(x).argmax(dim=1) == net(x).argmax(dim=1)
bool(agree.float().mean() > 0.98)  # True

# %%
# Old advice: ``prepare`` and ``convert`` on an unchanged model
# -------------------------------------------------------------
#
# Eager static quantization needs ``QuantStub`` and ``DeQuantStub`` in the
# model. Without them the conversion succeeds, but the first call raises an
# error, because a quantized kernel gets a float tensor. pt2e needs no
# change of the model. The filter hides a warning of the old observers.
warnings.filterwarnings("ignore", "Please use quant_min")
with torch.device("cpu"):
    net.qconfig = api.get_default_qconfig()
    prepared = api.prepare(net)  # DeprecationWarning: removed in 2.10
    prepared(x)
    old = api.convert(prepared)  # DeprecationWarning: removed in 2.10
    with suppress(NotImplementedError):
        old(x)  # NotImplementedError: Could not run 'quantized::conv2d

# %%
# What was reached
# ----------------
#
# Left: the file sizes. Each int8 file is less than a third of the float32
# file, and the test accuracy changes by less than 1 percentage point.
# Right: the test accuracy by the number of bits, with float32 as a dotted
# line. With two bits and one scale for each tensor, it drops by more than 5
# percentage points.
print({name: f"{value:.3f}" for name, value in accuracy.items()})
print(size)
print(f"{accuracy_dark=:.3f}")
assert accuracy["float32"] > 0.95, accuracy
for name in ("weight-only", "dynamic", "static"):
    assert abs(accuracy[name] - accuracy["float32"]) < 0.01, accuracy
    assert size["float32"] / 5 < size[name] < size["float32"] / 3, size
for kind in ("row", "tensor"):
    assert abs(by_bits[kind][-1] - accuracy["float32"]) < 0.01, by_bits
assert by_bits["tensor"][0] < accuracy["float32"] - 0.05, by_bits

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6))
names = "float32", "Int8\nWeightOnly", "Int8Dynamic\nActivation", "pt2e"
left.bar(names, [count / 1000 for count in size.values()])
left.tick_params("x", labelsize=9)
left.set(ylabel="kB")
right.plot(bits, by_bits["row"], "o-", label="PerRow")
right.plot(bits, by_bits["tensor"], "s--", label="PerTensor")
right.axhline(accuracy["float32"], linestyle=":", color="grey")
right.set(xlabel="bits", ylabel="accuracy (test)", ylim=(0, 1.05))
right.legend()
figure.tight_layout()
