"""
Quantized layers
================

See what int8 weights save and what they do not, and solve the errors that
quantized layers and tensors raise. The whole workflow is in
:doc:`/gallery/techniques/quantization`.
"""
import warnings
from contextlib import suppress

import torch
from torch import nn

# %%
# Slower after int8 quantization: weight-only without a fused kernel
# ------------------------------------------------------------------
#
# If only the weights are int8, each call converts them back to floats and
# multiplies floats. The weights need a quarter of the memory, but the
# amount of arithmetic stays the same. For more speed, use a fused kernel,
# which converts and multiplies in one step, such as torchao with
# ``torch.compile``. If arithmetic is the bottleneck, quantize the
# activations to int8 as well.
weight, x = torch.randn(64, 256), torch.randn(8, 256)
scale = weight.abs().amax(dim=1, keepdim=True) / 127
stored = (weight / scale).round().to(torch.int8)
weight.nbytes, stored.nbytes  # (65536, 16384)
floats = stored.float() * scale
floats.dtype  # torch.float32
(weight - floats).abs().max() <= scale.max() / 2 + 1e-6  # tensor(True)
error = (x @ floats.T - x @ weight.T).norm() / (x @ weight.T).norm()
error < 0.02  # tensor(True)

# %%
# ``quantize_dynamic`` leaves ``nn.Conv2d`` in float32
# ----------------------------------------------------
#
# Dynamic quantization supports ``nn.Linear``, ``nn.LSTM``, ``nn.GRU`` and
# the recurrent cells, and embeddings that have their own quantization
# settings (``qconfig``). It skips a convolution without a warning, even if
# you name ``nn.Conv2d`` in the call. For convolutions, use static
# quantization (pt2e), which first measures the activations on sample data.
net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(72, 2))
net = net.cpu()
kinds = {nn.Conv2d, nn.Linear}
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    small = torch.ao.quantization.quantize_dynamic(net, kinds)
type(small[0]) is nn.Conv2d  # True
small[0].weight.dtype  # torch.float32
small[2].weight().dtype  # torch.qint8
small[2]  # type Linear
type(small[2]) is nn.Linear  # False

# %%
# Error: Could not run 'aten::...' with the 'QuantizedCPU' backend
# ----------------------------------------------------------------
#
# An operation that was not converted gets a quantized tensor. This
# operation may be a layer without a ``qconfig``, a layer that was converted
# in training mode, or a plain function such as ``+``. Call ``dequantize``
# first, or place a ``DeQuantStub`` in the model. For a sum, use
# ``torch.ao.nn.quantized.FloatFunctional``.
x = torch.rand(1, 3, 8, 8, device="cpu")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    q = torch.quantize_per_tensor(x, 1 / 255, 0, torch.quint8)
with warnings.catch_warnings(), suppress(NotImplementedError):
    warnings.simplefilter("ignore")
    q + q  # NotImplementedError: Could not run 'aten::add.out'
conv = nn.Conv2d(3, 4, 3, bias=False, device="cpu")
with suppress(NotImplementedError):
    conv(q)  # NotImplementedError: from the 'QuantizedCPU' backend
conv(q.dequantize()).shape  # torch.Size([1, 4, 6, 6])
(q.dequantize() - x).abs().max() <= 0.5 / 255 + 1e-6  # tensor(True)

# %%
# Slow on x86: ``torch.backends.quantized.engine`` is ``qnnpack``
# ---------------------------------------------------------------
#
# The engine ``qnnpack`` is written for ARM processors. On x86, choose
# ``"x86"``, ``"onednn"`` or ``"fbgemm"`` before you convert the model. Your
# build of PyTorch must support the engine, otherwise the assignment raises
# an error.
quantized = torch.backends.quantized
before = quantized.engine
before in quantized.supported_engines  # True
chosen = "x86" if "x86" in quantized.supported_engines else before
quantized.engine = chosen
quantized.engine == chosen  # True
quantized.engine = before
with suppress(RuntimeError):
    quantized.engine = "thumbgemm"  # RuntimeError: not a valid value

# %%
# A qint8 tensor: ``torch.quantize_per_tensor``, ``int_repr``, ``q_scale``
# ------------------------------------------------------------------------
#
# A quantized tensor holds integers, a scale and a zero point. ``int_repr``
# gives the integers, and ``dequantize`` gives the floats ``(integer -
# zero_point) * scale``. A value outside the int8 range becomes the nearest
# integer of the range, here 127. ``qint8`` is deprecated, so new code
# should keep an int8 tensor and its scale, as torchao does.
x = torch.tensor([-1.0, 0.0, 0.504, 2.0], device="cpu")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    q = torch.quantize_per_tensor(
        x, scale=0.01, zero_point=0, dtype=torch.qint8
    )
q.dtype, q.element_size()  # (torch.qint8, 1)
q.int_repr().tolist()  # [-100, 0, 50, 127]
q.q_scale(), q.q_zero_point()  # (0.01, 0)
q.dequantize()  # tensor([-1.0000, 0.0000, 0.5000, 1.2700])
integers = q.int_repr()
torch.equal((integers - 0) * 0.01, q.dequantize())  # True

# %%
# Accuracy drops after int8: a scale for each row, ``quantize_per_channel``
# -------------------------------------------------------------------------
#
# With one scale for the whole tensor, a row of large weights leaves few
# integers for the other rows. With one scale for each output channel, each
# row uses the full range. Outliers in the activations cause the same
# problem, so calibrate with real data.
weight = torch.tensor([[0.01, -0.02], [5.0, -10.0]])


def round_trip(weight, scale):
    return (weight / scale).round().clamp(-128, 127) * scale


one = weight.abs().max() / 127
each = weight.abs().amax(dim=1, keepdim=True) / 127
round_trip(weight, one)[0]  # tensor([0., -0.])
row = round_trip(weight, each)[0]
(row - weight[0]).abs().max() < 1e-4  # tensor(True)
axis = torch.zeros(2, dtype=torch.int64, device="cpu")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    q = torch.quantize_per_channel(
        weight.cpu(), each.flatten().cpu(), axis, 0, torch.qint8
    )
q.int_repr().tolist()  # [[64, -127], [64, -127]]

# %%
# Error: Could not run 'quantized::linear' with the 'CPU' backend
# ---------------------------------------------------------------
#
# A layer of a statically quantized model got a float tensor. Before you
# call ``prepare``, put a ``QuantStub``, which quantizes the input, before
# the first quantized layer, and a ``DeQuantStub``, which gives floats
# again, after the last one. The same error from ``quantized::conv2d`` has
# the same cause. With torchao or pt2e you need no stubs.
tools = torch.ao.quantization
stubs = tools.QuantStub(), nn.Linear(2, 2), tools.DeQuantStub()
models = []
for parts in ([nn.Linear(2, 2)], stubs):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = nn.Sequential(*parts).cpu().eval()
        model.qconfig = tools.get_default_qconfig("x86")
        model = tools.prepare(model)
        model(torch.rand(8, 2, device="cpu"))
        models.append(tools.convert(model))
x = torch.rand(1, 2, device="cpu")
with suppress(NotImplementedError):
    models[0](x)  # NotImplementedError: Could not run 'quantized::linear'
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    models[1](x).dtype  # torch.float32

# %%
# Run a quantized model on the GPU: 'quantized::linear_dynamic', 'CUDA'
# ---------------------------------------------------------------------
#
# The int8 kernels of ``torch.ao.quantization`` are made for the CPU. On a
# GPU you get the error "Could not run 'quantized::linear_dynamic' with
# arguments from the 'CUDA' backend". Keep such a model on the CPU. For a
# GPU, quantize the model with torchao and compile it.
name = "quantized::linear_dynamic"
has = torch._C._dispatch_has_kernel_for_dispatch_key
has(name, "CPU"), has(name, "CUDA")  # (True, False)
left = torch.ones(32, 16, dtype=torch.int8, device="cpu")
product = torch._int_mm(left, left.T.contiguous())
product.dtype, product[0, 0].item()  # (torch.int32, 16)

# %%
# Save and load a quantized model: quantize first, then ``load_state_dict``
# -------------------------------------------------------------------------
#
# The state dict of a model from ``quantize_dynamic`` has different keys, so
# you cannot load it into the float model. Build the float model, quantize
# it in the same way, and then load the state dict. If you save the whole
# model instead, another version may fail to load it with
# "'LinearPackedParams' object has no attribute".
def build(seed):
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Linear(4, 2)).cpu()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.ao.quantization.quantize_dynamic(model, {nn.Linear})


with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    saved, other = build(0), build(1)
    state = saved.state_dict()
    float_model = nn.Sequential(nn.Linear(4, 2)).cpu()
    with suppress(RuntimeError):
        float_model.load_state_dict(state)  # RuntimeError: Missing key(s)
    x = torch.ones(1, 4, device="cpu")
    torch.equal(other(x), saved(x))  # False
    other.load_state_dict(state)
    torch.equal(other(x), saved(x))  # True

# %%
# float8: range, rounding and arithmetic of ``torch.float8_e4m3fn``
# -----------------------------------------------------------------
#
# ``torch.float8_e4m3fn`` has 4 bits for the exponent and 3 for the
# fraction, and its largest value is 448. Scale the values into this range
# before you convert them. Addition raises an error, so convert to bfloat16
# before you compute. ``torch._scaled_mm`` multiplies float8 matrices, and
# on CUDA it needs compute capability 8.9 or higher.
torch.finfo(torch.float8_e4m3fn).max  # 448.0
x = torch.tensor([0.1, 1.0, 300.0])
stored = x.to(torch.float8_e4m3fn)
stored.nbytes, x.nbytes  # (3, 12)
stored.float()  # tensor([0.1016, 1.0000, 288.0000])
scale = x.abs().max() / 448
error = ((x / scale).to(torch.float8_e4m3fn).float() * scale - x).abs()
(error / x).max() < 0.07  # tensor(True)
square = torch.ones(16, 16, device="cpu").to(torch.float8_e4m3fn)
with suppress(NotImplementedError):
    (
        square + square
    )  # NotImplementedError: not implemented for 'Float8_e4m3fn'
(square.bfloat16() @ square.bfloat16())[0, 0].item()  # 16.0

# %%
# Int8 by hand: divide by a scale, ``Tensor.to(torch.int8)`` alone cuts off
# -------------------------------------------------------------------------
#
# Weights are mostly between -1 and 1, so a plain conversion to int8 makes
# them 0, and the model returns nonsense. Divide by a scale that spreads
# them over -127 to 127, round, and keep the scale. Multiply by it before
# use.
w = torch.tensor([[0.3, -0.7, 0.05], [2.0, -1.27, 0.4]])
w.to(torch.int8)  # tensor([[0, 0, 0], [2, -1, 0]], dtype=torch.int8)
scale = w.abs().amax(dim=1, keepdim=True) / 127
q = (w / scale).round().to(torch.int8)
q[0]  # tensor([54, -127, 9], dtype=torch.int8)
back = q * scale
bool(((back - w).abs() <= scale / 2 + 1e-6).all())  # True
q.element_size(), w.element_size()  # (1, 4)
