"""
Mixed precision errors: No inf checks, unscale FP16 gradients, nan
==================================================================

Mixed precision with float16 has three rules. Keep the weights in float32,
run the forward pass and the loss under ``torch.amp.autocast``, and call
``scale``, ``step`` and ``update`` of the scaler in this order. Most error
messages mean that one of these rules is broken. This page shows the errors
and their repairs, and the repaired loop reaches more than 85 % accuracy on
the test set.

* Is there a message?

  * "No inf checks were recorded for this optimizer"? See *No inf checks
    were recorded: no parameter has a gradient*.
  * "Attempting to unscale FP16 gradients"? See *Attempting to unscale FP16
    gradients: the weights are float16*.
  * "unscale_() has already been called" or "_scale is None"? See *Calls of
    the scaler in the wrong order*.
  * "must have the same dtype, but got Half and Float"? See *Half and Float:
    a result leaves autocast*.
  * "value cannot be converted to type c10::Half without overflow"? See
    *-1e9 does not fit: value cannot be converted to type c10::Half*.
  * A FutureWarning about ``torch.cuda.amp``? See *Old names:
    torch.cuda.amp.GradScaler is deprecated*.

* Is the loss nan or inf with mixed precision, but fine without it? See *The
  loss is nan in float16 and finite in float32*.

* Do the weights not change? See *A bfloat16 model does not learn with a
  small learning rate*.

* Is training not faster on a CPU, or is a result float32? See *What is
  float32, and what is not: print the dtypes*.
"""
from contextlib import suppress

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

# %%
# Digits, a network, and a scaler for any device
# ----------------------------------------------
#
# The scaler, a ``GradScaler``, multiplies the loss so that small float16
# gradients do not become 0. ``autocast`` and ``GradScaler`` both take the
# type of the device, such as "cpu" or "cuda". This page uses the scaler on
# a CPU as well, so that its errors can be shown. In your own code, use a
# scaler with float16; bfloat16 does not need one.
torch.manual_seed(0)
device = torch.get_default_device()
digits = load_digits()
x = torch.tensor(digits.data, dtype=torch.float32, device=device) / 16
y = torch.tensor(digits.target, device=device)
x_train, y_train, x_test, y_test = x[:1200], y[:1200], x[1200:], y[1200:]


def make_model():
    layers = nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10)
    return nn.Sequential(*layers)


def make_scaler():
    return torch.amp.GradScaler(device.type)


def scaled_backward(model, scaler, inputs=x_train):
    with torch.amp.autocast(device.type, dtype=torch.float16):
        loss = F.cross_entropy(model(inputs), y_train)
    scaler.scale(loss).backward()


# %%
# No inf checks were recorded: no parameter has a gradient
# --------------------------------------------------------
#
# ``scaler.step`` checks the gradients of its optimizer for infinite values,
# and here it finds no gradient at all. The optimizer may hold the
# parameters of another model or of a part that the loss does not use, or
# all its parameters may be frozen. Look at ``.grad`` before the step.
model, other = make_model(), make_model()
optimizer = torch.optim.SGD(other.parameters(), lr=0.1)
scaler = make_scaler()
scaled_backward(model, scaler)
with suppress(AssertionError):
    scaler.step(optimizer)  # AssertionError: No inf checks were recorded
[p.grad is None for p in other.parameters()]  # [True, True, True, True]

optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
scaler = make_scaler()
scaled_backward(model, scaler)
scaler.step(optimizer)
scaler.update()

# %%
# Attempting to unscale FP16 gradients: the weights are float16
# -------------------------------------------------------------
#
# ``model.half()`` converts the weights to float16, and then their gradients
# are float16, too. Loading a model with ``torch_dtype=torch.float16`` has
# the same effect. The scaler raises an error for float16 gradients. Keep
# the weights in float32 with ``model.float()``; ``autocast`` makes float16
# copies where it needs them.
half = make_model().half()
optimizer = torch.optim.SGD(half.parameters(), lr=0.1)
scaler = make_scaler()
scaled_backward(half, scaler)
half[0].weight.grad.dtype  # torch.float16
with suppress(ValueError):
    scaler.step(optimizer)  # ValueError: Attempting to unscale FP16

model = half.float()
model.zero_grad()
scaler = make_scaler()
scaled_backward(model, scaler)
model[0].weight.grad.dtype  # torch.float32
scaler.step(optimizer)

# %%
# Calls of the scaler in the wrong order
# --------------------------------------
#
# Call ``scale(loss).backward()``, then ``unscale_`` if you clip gradients,
# then ``step``, then ``update``. It is an error to call ``unscale_`` or
# ``step`` twice before ``update``, ``step`` before ``scale``, or ``update``
# without ``step``. Clip after ``unscale_``, because before it the gradients
# are multiplied by the scale, here 65,536. If you accumulate the gradients
# of several batches, call ``step`` and ``update`` after the last of them.
scaler = make_scaler()
with suppress(AssertionError):
    scaler.step(
        optimizer
    )  # AssertionError: Attempted step but _scale is None
optimizer.zero_grad()
scaled_backward(model, scaler)
norm_scaled = nn.utils.get_total_norm([p.grad for p in model.parameters()])
scaler.unscale_(optimizer)
norm = nn.utils.clip_grad_norm_(model.parameters(), max_norm=1.0)
torch.allclose(norm_scaled / norm, torch.tensor(65536.0), rtol=1e-3)  # True
with suppress(RuntimeError):
    scaler.unscale_(optimizer)  # RuntimeError: unscale_() has already been
scaler.step(optimizer)
with suppress(RuntimeError):
    scaler.step(optimizer)  # RuntimeError: step() has already been called
scaler.update()
optimizer.zero_grad()
scaled_backward(model, scaler)
with suppress(AssertionError):
    scaler.update()  # AssertionError: No inf checks were recorded prior to

# %%
# Half and Float: a result leaves autocast
# ----------------------------------------
#
# A result computed under ``autocast`` may be float16 or bfloat16, and it
# keeps this dtype outside the block. A layer outside the block has float32
# weights, so the dtypes do not match. In the error message, "Half" stands
# for float16 and "Float" for float32. Extend the block, or convert the
# result with ``float``. NumPy has no bfloat16, so convert before
# ``numpy()``, too.
head = nn.Linear(10, 2)
with torch.amp.autocast(device.type, dtype=torch.bfloat16):
    features = model(x_test)
features.dtype  # torch.bfloat16
with suppress(RuntimeError):
    head(features)  # RuntimeError: must have the same dtype, but got
head(features.float()).dtype  # torch.float32
with suppress(TypeError):
    features.detach().cpu().numpy()  # TypeError: unsupported ScalarType
features.detach().float().cpu().numpy().dtype.name  # 'float32'

# %%
# BCELoss is "unsafe to autocast": BCEWithLogitsLoss
# --------------------------------------------------
#
# On CUDA, ``nn.BCELoss`` and ``F.binary_cross_entropy`` under ``autocast``
# raise an error that says "are unsafe to autocast". Remove the sigmoid from
# the model and use ``nn.BCEWithLogitsLoss``, which computes in ``float32``
# here. If the model has to return probabilities, compute the loss outside
# ``autocast`` and call ``float()`` on the probabilities first.
logits = torch.tensor([2.0, -1.0]).half()
yes = torch.tensor([1.0, 0.0])
with torch.autocast(device.type, dtype=torch.float16):
    loss = nn.BCEWithLogitsLoss()(logits, yes)
loss.dtype  # torch.float32
probability = logits.float().sigmoid()
torch.allclose(nn.BCELoss()(probability, yes), loss)  # True

# %%
# -1e9 does not fit: value cannot be converted to type c10::Half
# --------------------------------------------------------------
#
# The largest float16 number is 65,504, so filling an attention mask with
# -1e9 raises an error. Fill with ``float("-inf")``, or with the lowest
# number of the dtype, which ``torch.finfo`` gives. bfloat16 can hold -1e9.
scores = torch.zeros(2, 3, dtype=torch.float16)
hidden = torch.tensor([[False, False, True], [False, True, True]])
with suppress(RuntimeError):
    scores.masked_fill(
        hidden, -1e9
    )  # RuntimeError: value cannot be converted to type c10::Half without
masked = scores.masked_fill(hidden, float("-inf"))
masked.softmax(dim=1)[1].tolist()  # [1.0, 0.0, 0.0]
lowest = torch.finfo(scores.dtype).min
torch.equal(scores.masked_fill(hidden, lowest).softmax(dim=1),
            masked.softmax(dim=1))  # True

# %%
# The loss is nan in float16 and finite in float32
# ------------------------------------------------
#
# In float16, a square, a sum or an exponential above 65,504 becomes
# infinite, and the difference of two infinities is nan. bfloat16 has about
# the range of float32. If you have to use float16, compute this part in
# float32: switch ``autocast`` off for it and convert its inputs. Other
# causes of nan are in :doc:`loss_is_nan`.
wide = nn.Linear(64, 64)
nn.init.constant_(wide.weight, 8.0)
found = {}
for dtype in (torch.float16, torch.bfloat16):
    with torch.amp.autocast(device.type, dtype=dtype):
        hidden = wide(x_test)
        found[dtype] = (hidden @ hidden.mT).isfinite().all().item()
found[torch.float16], found[torch.bfloat16]  # (False, True)
with torch.amp.autocast(device.type, dtype=torch.float16):
    hidden = wide(x_test)
    with torch.amp.autocast(device.type, enabled=False):
        products = hidden.float() @ hidden.float().mT
products.dtype, products.isfinite().all().item()  # (torch.float32, True)

# %%
# A bfloat16 model does not learn with a small learning rate
# ----------------------------------------------------------
#
# bfloat16 keeps two to three decimal digits. Just below 1, its numbers are
# about 0.004 apart, so rounding undoes a step of 0.001. Under ``autocast``
# the weights stay float32, and small steps change them.
for dtype in (torch.float32, torch.bfloat16):
    weight = torch.ones(1, dtype=dtype, requires_grad=True)
    optimizer = torch.optim.SGD([weight], lr=1e-3)
    for _ in range(100):
        weight.grad = torch.ones_like(weight)
        optimizer.step()
    found[dtype] = round(weight.item(), 3)
found[torch.float32], found[torch.bfloat16]  # (0.9, 1.0)

# %%
# What is float32, and what is not: print the dtypes
# --------------------------------------------------
#
# Under ``autocast``, a linear layer computes in 16 bits and cross-entropy
# in float32, and the weights keep their dtype. The rules differ between CPU
# and CUDA, so print the dtypes of your own results. On a CPU the default
# dtype is bfloat16. Measure the time as well, because a processor without
# hardware for 16-bit numbers gains nothing.
with torch.amp.autocast(device.type):
    logits = model(x_test)
    results = {
        "model[0].weight": model[0].weight,
        "logits": logits,
        "cross_entropy": F.cross_entropy(logits, y_test),
        "mse_loss": F.mse_loss(logits, logits),
        "embedding": F.embedding(y_test[:2], model[2].weight),
    }
for name, result in results.items():
    print(f"{name:16}{result.dtype}")
logits.dtype == torch.get_autocast_dtype(device.type)  # True
torch.get_autocast_dtype("cpu")  # torch.bfloat16
results["cross_entropy"].dtype  # torch.float32
results["model[0].weight"].dtype  # torch.float32

# %%
# Old names: torch.cuda.amp.GradScaler is deprecated
# --------------------------------------------------
#
# Write ``torch.amp.GradScaler("cuda")`` and ``torch.amp.autocast("cuda")``
# instead. The other arguments stay the same.
torch.cuda.amp.GradScaler(
    enabled=False
)  # FutureWarning: `torch.cuda.amp.GradScaler(args...)` is deprecated
torch.cuda.amp.autocast(
    enabled=False
)  # FutureWarning: `torch.cuda.amp.autocast(args...)` is deprecated

# %%
# The result: a training loop with all calls in order
# ---------------------------------------------------
#
# The forward pass and the loss run under ``autocast``. Then come ``scale``,
# ``unscale_``, gradient clipping, ``step`` and ``update``. The loop trains
# and tests in float16, on a CPU as well. More about each part is in
# :doc:`/gallery/training/mixed_precision`.
torch.manual_seed(0)
model = make_model()
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
scaler = make_scaler()
for _ in range(10):
    for rows in torch.randperm(1200).split(64):
        optimizer.zero_grad()
        with torch.amp.autocast(device.type, dtype=torch.float16):
            loss = F.cross_entropy(model(x_train[rows]), y_train[rows])
        scaler.scale(loss).backward()
        scaler.unscale_(optimizer)
        nn.utils.clip_grad_norm_(model.parameters(), max_norm=1.0)
        scaler.step(optimizer)
        scaler.update()
model.eval()
half_type = torch.amp.autocast(device.type, dtype=torch.float16)
with torch.inference_mode(), half_type:
    right = model(x_test).argmax(dim=1) == y_test
accuracy = right.float().mean().item()
print(f"{accuracy=:.3f} scale={scaler.get_scale():.0f}")
assert 0.85 < accuracy <= 1.0, accuracy
assert all(p.dtype == torch.float32 for p in model.parameters())
