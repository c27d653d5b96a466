"""
Mixed precision: ``torch.amp.autocast`` and ``GradScaler``
==========================================================

Under ``autocast`` matrix products run in 16 bits, while the weights, the
gradients and the optimizer state stay in float32. The same loop runs with
bfloat16 on a CPU and with float16 on CUDA. With ``autocast``, the model is
about as accurate on the test set as with float32, while ``model.half()``
ends in nan.
"""
import math

import matplotlib.pyplot as plt
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset, random_split

# %%
# Data and model: those of the training loop
# ------------------------------------------
#
# The data and the model are those of :doc:`training_loop`. Neither needs a
# change for mixed precision.
torch.manual_seed(0)
device = torch.get_default_device()
digits = load_digits()
images = torch.tensor(digits.images, dtype=torch.float32, device=device)
labels = torch.tensor(digits.target, device=device)
dataset = TensorDataset(images.unsqueeze(1) / 16, labels)
generator = torch.Generator(device=device).manual_seed(0)
train_set, val_set, test_set = random_split(
    dataset, [0.7, 0.15, 0.15], generator=generator
)


def make_model():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 16, kernel_size=3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, kernel_size=3, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(32 * 4 * 4, 10),
    ).to(device)


# %%
# ``autocast`` chooses a dtype for each operation
# -----------------------------------------------
#
# ``device.type`` names the kind of device and selects the 16-bit dtype,
# which is bfloat16 on a CPU and float16 on CUDA. Convolutions and matrix
# products run in this dtype, most losses run in float32, and ReLU keeps the
# dtype of its input. Sums and softmax run in float32 on CUDA and stay in 16
# bits on a CPU.
low = torch.get_autocast_dtype(device.type)
model = make_model()
inputs, targets = dataset[:8]
with torch.amp.autocast(device.type):
    logits = model(inputs)
    loss = F.cross_entropy(logits, targets)
    results = {
        "conv2d": F.conv2d(inputs, model[0].weight),
        "matmul": logits @ logits.mT,
        "relu": logits.relu(),
        "sum": logits.sum(),
        "softmax": logits.softmax(dim=1),
        "mse_loss": F.mse_loss(logits, logits),
        "cross_entropy": loss,
    }
for name, result in results.items():
    print(f"{name:14}{result.dtype}")
results["conv2d"].dtype == results["matmul"].dtype == low  # True
results["relu"].dtype == low  # True
results["mse_loss"].dtype  # torch.float32
results["cross_entropy"].dtype  # torch.float32
wide = results["sum"].dtype == results["softmax"].dtype == torch.float32
wide == (device.type == "cuda")  # True

# %%
# Weights and gradients stay in float32
# -------------------------------------
#
# ``autocast`` casts copies of the weights and leaves the model in float32,
# so updates are not rounded to 16 bits. Call ``backward`` outside of the
# ``with`` block. Each operation runs backward in the dtype of its forward
# pass.
loss.backward()
model[0].weight.dtype  # torch.float32
model[0].weight.grad.dtype  # torch.float32
logits.dtype == low  # True

# %%
# The loop: ``with autocast`` and three calls of the scaler
# ---------------------------------------------------------
#
# ``GradScaler`` multiplies the loss so that small float16 gradients do not
# become zero, and divides the gradients again before the optimizer step.
# bfloat16 has almost the same range as float32 and needs no scaling. With
# ``enabled=False`` the scaler leaves the loss as it is, and ``scaler.step``
# simply calls ``optimizer.step``.
def train(model, loader, criterion, optimizer, scaler, amp, dtype):
    model.train()
    for inputs, targets in loader:
        inputs, targets = inputs.to(device, dtype), targets.to(device)
        optimizer.zero_grad()
        with torch.amp.autocast(device.type, dtype=low, enabled=amp):
            logits = model(inputs)
            loss = criterion(logits, targets)
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
    return loss.item()


@torch.inference_mode()
def evaluate(model, loader, amp, dtype):
    model.eval()
    correct, seen = 0, 0
    for inputs, targets in loader:
        inputs, targets = inputs.to(device, dtype), targets.to(device)
        with torch.amp.autocast(device.type, dtype=low, enabled=amp):
            logits = model(inputs)
        correct += (logits.argmax(dim=1) == targets).sum()
        seen += len(targets)
    return (correct / seen).item()


# %%
# Three runs from the same weights
# --------------------------------
#
# The first run uses float32 and the second ``autocast``. The third converts
# the model to float16, as ``model.half()`` does. This is often called mixed
# precision, but it is not, because the weights themselves are float16.
def fit(amp=False, dtype=torch.float32, epochs=12):
    model = make_model().to(dtype)
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    scaler = torch.amp.GradScaler(
        device.type, enabled=amp and low == torch.float16
    )
    generator = torch.Generator(device=device).manual_seed(0)
    loader = DataLoader(
        train_set, batch_size=64, shuffle=True, generator=generator
    )
    val_loader = DataLoader(val_set, batch_size=256)
    criterion = nn.CrossEntropyLoss()
    history = [evaluate(model, val_loader, amp, dtype)]
    for _ in range(epochs):
        loss = train(
            model, loader, criterion, optimizer, scaler, amp, dtype
        )
        history.append(evaluate(model, val_loader, amp, dtype))
    return model, history, loss


single, single_history, _ = fit()
mixed, mixed_history, _ = fit(amp=True)
half, half_history, half_loss = fit(dtype=torch.float16, epochs=2)
math.isnan(half_loss)  # True

# %%
# Why ``model.half()`` fails, first: nan from AdamW
# -------------------------------------------------
#
# The smallest positive number in float16 is about 6e-8. The default
# ``eps=1e-8`` of AdamW is smaller and becomes 0, so it no longer keeps the
# denominator away from zero. In the first step, a gradient of 0 then leads
# to 0/0, and the weight becomes nan.
torch.tensor(6e-8, dtype=torch.float16).item()  # 5.9605e-08
torch.tensor(1e-8, dtype=torch.float16).item()  # 0.0
weight = torch.ones(2, dtype=torch.float16, requires_grad=True)
optimizer = torch.optim.AdamW([weight], lr=2e-3)
weight.grad = torch.tensor([0.5, 0.0], dtype=torch.float16)
optimizer.step()
weight.isnan().tolist()  # [False, True]

# %%
# Why ``model.half()`` fails, second: small updates are lost
# ----------------------------------------------------------
#
# Just below 1, neighbouring numbers are 0.0005 apart in float16 and 0.004
# apart in bfloat16. An update of 0.0001 is therefore lost in rounding. A
# thousand such updates move a float32 weight from 1 to 0.9, while a float16
# and a bfloat16 weight stay at 1.
def move(dtype):
    weight = torch.ones((), dtype=dtype, requires_grad=True)
    optimizer = torch.optim.SGD([weight], lr=1e-3)
    weight.grad = torch.full_like(weight, 0.1)
    for _ in range(1000):
        optimizer.step()
    return round(weight.item(), 3)


torch.finfo(torch.float16).eps / 2  # 0.00048828125
torch.finfo(torch.bfloat16).eps / 2  # 0.00390625
move(torch.float32)  # 0.9
move(torch.float16), move(torch.bfloat16)  # (1.0, 1.0)

# %%
# Loss scaling saves a float16 gradient
# -------------------------------------
#
# The gradient here is 1e-4 times 1e-4, and in float16 this product is 0.
# ``scaler.scale`` multiplies the loss by 65,536, so the gradients on the
# way back are larger by this factor. ``unscale_`` then divides the float32
# gradient again, and the result is correct.
weight = torch.ones(3, requires_grad=True)
inputs = torch.full((3,), 1e-4, dtype=torch.float16)
((weight.half() * inputs).float().sum() * 1e-4).backward()
weight.grad.tolist()  # [0.0, 0.0, 0.0]

optimizer = torch.optim.SGD([weight], lr=1.0)
scaler = torch.amp.GradScaler(device.type, init_scale=65536.0)
optimizer.zero_grad()
loss = (weight.half() * inputs).float().sum() * 1e-4
scaler.scale(loss).backward()
scaler.unscale_(optimizer)
expected = torch.full_like(weight, 1e-8)
torch.allclose(weight.grad, expected, rtol=0.01, atol=0.0)  # True

# %%
# When the scale is too large, the step is skipped
# ------------------------------------------------
#
# A scaled gradient above about 65,504 becomes inf in float16. The scaler
# detects this, skips the update and halves the scale. A skipped step now
# and then is therefore not an error. If you clip gradients, call
# ``unscale_`` first: see :doc:`/reference/autograd/gradient_clipping`.
optimizer.zero_grad()
scaler = torch.amp.GradScaler(device.type, init_scale=65536.0)
loss = (weight.half() * inputs).float().sum() * 10
scaler.scale(loss).backward()
weight.grad.tolist()  # [inf, inf, inf]
scaler.step(optimizer)
scaler.update()
weight.tolist(), scaler.get_scale()  # ([1.0, 1.0, 1.0], 32768.0)

# %%
# The old names in ``torch.cuda.amp`` warn
# ----------------------------------------
#
# ``torch.cuda.amp.autocast`` and ``torch.cuda.amp.GradScaler`` are
# deprecated. The classes in ``torch.amp`` take the kind of device as an
# argument, as above.
torch.cuda.amp.autocast(
    enabled=False
)  # FutureWarning: `torch.cuda.amp.autocast(args...)` is deprecated
torch.cuda.amp.GradScaler(
    enabled=False
)  # FutureWarning: `torch.cuda.amp.GradScaler(args...)` is deprecated

# %%
# The result: the accuracy of float32 with ``autocast``
# -----------------------------------------------------
#
# On the test set, the accuracies of ``autocast`` and float32 differ by less
# than 3 percentage points, while ``model.half()`` stays below 30 %.
# ``backward`` begins with the gradients of the logits. More than 30 % of
# them would be zero in float16, and a scale of 65,536 lowers this share by
# more than 20 percentage points.
test_loader = DataLoader(test_set, batch_size=256)
single_accuracy = evaluate(single, test_loader, False, torch.float32)
mixed_accuracy = evaluate(mixed, test_loader, True, torch.float32)
half_accuracy = evaluate(half, test_loader, False, torch.float16)
print(f"{single_accuracy=:.3f} {mixed_accuracy=:.3f} {half_accuracy=:.3f}")
assert 0.93 < mixed_accuracy <= 1.0, mixed_accuracy
assert abs(mixed_accuracy - single_accuracy) < 0.03
assert half_accuracy < 0.3, half_accuracy

inputs, targets = dataset[:1258]
logits = single(inputs).detach().requires_grad_()
F.cross_entropy(logits, targets).backward()
lost = (logits.grad.half() == 0).float().mean().item()
lost_scaled = ((logits.grad * 65536).half() == 0).float().mean().item()
print(f"{lost=:.3f} {lost_scaled=:.3f}")
assert lost > 0.3 and lost - lost_scaled > 0.2

# %%
# Accuracy by epoch, and sizes of the gradients
# ---------------------------------------------
#
# Left: the validation accuracy after each epoch. Right: the sizes of the
# gradients of the logits, without and with loss scaling. Gradients to the
# left of the dotted line become zero in float16. ``autocast`` saves time on
# devices with units for 16 bits, such as GPUs and recent server CPUs.
# Elsewhere it may be slower than float32, so measure it with your model.
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.8))
left.plot(single_history, label="float32")
left.plot(mixed_history, "--", label="autocast")
left.plot(half_history, "X-", color="C5", label="model.half()")
left.set(xlabel="epoch", ylabel="accuracy (val)", ylim=(0, 1.02))
left.legend()
sizes = logits.grad[logits.grad != 0].abs().log2().cpu()
bins = range(-50, 20, 2)
right.hist(sizes, bins, alpha=0.6, label="grad")
right.hist(sizes + 16, bins, alpha=0.6, label="grad × 65536")
right.axvline(-25, linestyle=":", color="C5")
right.set(xlabel="log2 |grad|", ylabel="numel", ylim=(0, 1400))
right.legend(loc="upper right")
figure.tight_layout()
