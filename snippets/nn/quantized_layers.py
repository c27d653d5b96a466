"""
Quantized layers
================

What int8 weights save and what they do not, and the messages of layers that
meet quantized tensors. The whole path is in
:doc:`/gallery/techniques/quantization`.
"""
import warnings
from contextlib import suppress

import torch
from torch import nn

# %%
# Slower after int8 quantization: weight-only saves memory, not time
# ------------------------------------------------------------------
#
# With int8 weights alone, each call turns the weight back into floats and
# then multiplies floats. The file and the memory are a quarter of their
# size, and the arithmetic stays. For speed the activations must be int8,
# too, with a fused kernel, as in torchao with ``torch.compile`` or in ONNX
# Runtime.
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
# Dynamic quantization knows ``nn.Linear``, recurrent layers and embeddings.
# It skips a convolution without a warning, even where you name it. For
# convolutions use static quantization (pt2e), which calibrates.
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
# A layer that was not converted gets a quantized tensor: it had no
# ``qconfig``, was converted in training mode, or is a plain function such
# as ``+``. Call ``dequantize`` before it, in a model through
# ``DeQuantStub``. For a sum use ``torch.ao.nn.quantized.FloatFunctional``.
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
# ``qnnpack`` is written for ARM. On x86 choose ``"x86"``, ``"onednn"`` or
# ``"fbgemm"`` before the model is converted. The engine must be one that
# this build supports.
quantized = torch.backends.quantized
before = quantized.engine
before in quantized.supported_engines  # True
chosen = "x86" if "x86" in quantized.supported_engines else before
quantized.engine = chosen
quantized.engine == chosen  # True
quantized.engine = before
with suppress(RuntimeError):
    quantized.engine = "thumbgemm"  # RuntimeError: not a valid value
