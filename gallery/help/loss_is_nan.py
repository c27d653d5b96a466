"""
Loss is nan: find where it starts and stop it
=============================================

One missing value makes the loss ``nan``, one ``log(0)`` makes it ``inf`` or
``nan``, and the next optimizer step spreads it to the weights. Stop at the
first value that is not finite. Find its layer with forward hooks, or its
operation with ``torch.autograd.set_detect_anomaly``. Remove the cause, and
start again from finite weights.

* Is the loss ``nan`` at the first step, or each time at the same batch?

  * Do inputs or targets contain ``nan``? See *One missing value in the
    data*.
  * Are they finite, and is the output ``nan``? See *Find the first layer
    whose output is not finite: forward hooks*.
  * Is it unclear where the ``nan`` starts? See *Check inputs, loss and
    gradients with isfinite*.
  * Should training continue? See *Skip a batch whose loss is nan, and count
    how many*.

* Does the loss grow for a few steps, first to ``inf`` and then to ``nan``?

  * Is the step too large? See *The learning rate is too high*.

* Is there a logarithm, a root, a norm or a division in your loss?

  * Is the loss ``nan`` or ``inf``? See *log(0) and division by 0 in a
    custom loss*.
  * Is the loss finite, and its gradient ``nan``? See *Finite loss, nan
    gradient: anomaly mode names the operation*.

* Does it happen in ``float16`` but not in ``float32``?

  * Are there large values in the data or the loss? See *float16 overflow:
    nothing above 65504*.
  * Is there an attention mask? See *Attention masks: -1e9 in float16, and
    fully masked rows*.
"""
import warnings
from contextlib import suppress
from copy import deepcopy
from functools import partial

import matplotlib.pyplot as plt
import numpy as np
import torch
import torch.nn.functional as F
from sklearn.datasets import load_diabetes
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

# %%
# A table of data, and a training loop without checks
# ---------------------------------------------------
#
# The table has ten numbers for each of 442 patients; the target is the
# progress of the disease a year later. The rows are shuffled once and then
# keep their order, so that a run fails at the same batch each time. Inputs
# and targets are standardized with the mean and the standard deviation of
# the 320 training rows.
torch.manual_seed(0)
device = torch.get_default_device()
table = load_diabetes(scaled=False)
order = np.random.default_rng(0).permutation(442)
data, target = table.data[order], table.target[order, None]
x = torch.tensor(data, dtype=torch.float32, device=device)
y = torch.tensor(target, dtype=torch.float32, device=device)
inputs = (x - x[:320].mean(dim=0)) / x[:320].std(dim=0)
targets = (y - y[:320].mean()) / y[:320].std()


def make_model(outputs=1):
    return nn.Sequential(
        nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, outputs)
    )


# %%
# ``fit`` returns the loss of each step
# -------------------------------------
#
# ``fit`` trains the model and returns all losses as one tensor.
# ``first_bad`` gives the index of the first step whose loss is ``nan`` or
# ``inf``.
def fit(model, criterion, inputs, lr=0.05, epochs=10, max_norm=None):
    dataset = TensorDataset(inputs[:320], targets[:320])
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    losses = []
    for _ in range(epochs):
        for batch, wanted in DataLoader(dataset, batch_size=32):
            optimizer.zero_grad()
            loss = criterion(model(batch), wanted)
            loss.backward()
            if max_norm is not None:
                nn.utils.clip_grad_norm_(model.parameters(), max_norm)
            optimizer.step()
            losses.append(loss.detach())
    return torch.stack(losses)


def first_bad(losses):
    return (~losses.isfinite()).nonzero()[0].item()


# %%
# One missing value in the data
# -----------------------------
#
# One of the 4,420 values is missing. It is in row 200, which belongs to
# batch 6 (counted from 0), so the first six steps are fine. The seventh
# loss is ``nan``. Its step makes all weights of the last layer ``nan``, and
# then all later losses are ``nan``, too.
broken = inputs.clone()
broken[200, 2] = torch.nan
model = make_model()
missing = fit(model, nn.MSELoss(), broken)
first_bad(missing)  # 6
missing[6:].isnan().all().item()  # True
model[2].weight.isnan().all().item()  # True
broken.mean(dim=0).isnan().nonzero()  # tensor([[2]])

# %%
# Check inputs, loss and gradients with ``isfinite``
# --------------------------------------------------
#
# ``checked_epoch`` checks inputs, loss and gradients in each step. It
# raises an error before the bad optimizer step, so the weights stay finite,
# and the message says what was bad and where. Each check has to wait for
# the GPU, so use them only while you search.
def require_finite(where, **tensors):
    for name, tensor in tensors.items():
        bad = (~tensor.isfinite()).nonzero().tolist()
        if bad:
            raise FloatingPointError(f"{where}: {name} at {bad[:3]}")


def checked_epoch(model, criterion, inputs, lr=0.05):
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    dataset = TensorDataset(inputs[:320], targets[:320])
    loader = DataLoader(dataset, batch_size=32)
    for i, (batch, wanted) in enumerate(loader):
        where = f"batch {i}"
        require_finite(where, inputs=batch, targets=wanted)
        optimizer.zero_grad()
        loss = criterion(model(batch), wanted)
        require_finite(where, loss=loss)
        loss.backward()
        grads = {name: p.grad for name, p in model.named_parameters()}
        require_finite(where, **grads)
        optimizer.step()


# %%
# Fill the missing value with the mean of its column
# --------------------------------------------------
#
# The error message of ``checked_epoch`` points to column 2 in row 8 of
# batch 6. ``nanmean`` computes the mean of the column without the ``nan``.
# This mean replaces the missing value, and then the epoch finishes. Another
# fix is to leave out the row. Fill the gap before you scale, because one
# ``nan`` makes the mean of its column ``nan``, and after scaling the whole
# column is ``nan``.
model = make_model()
run = partial(checked_epoch, model, F.mse_loss)
with suppress(FloatingPointError):
    run(broken)  # FloatingPointError: batch 6: inputs at [[8, 2]]
model[2].weight.isfinite().all().item()  # True
means = broken[:320].nanmean(dim=0)
filled = torch.where(broken.isnan(), means, broken)
run(filled)

# %%
# Skip a batch whose loss is nan, and count how many
# --------------------------------------------------
#
# A long training run can skip a bad batch. Without ``backward`` and
# ``step``, the weights stay finite. This does not remove the cause, so
# count the skipped batches and stop if there are many. If you train with
# several processes, all of them have to skip the batch together, or the
# other processes wait.
def epoch_with_skips(model, inputs, lr=0.05):
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    skipped = 0
    for rows in torch.arange(320).split(32):
        optimizer.zero_grad()
        loss = F.mse_loss(model(inputs[rows]), targets[rows])
        if not loss.isfinite():
            skipped += 1
            continue
        loss.backward()
        optimizer.step()
    return skipped


model = make_model()
epoch_with_skips(model, broken)  # 1
model[2].weight.isfinite().all().item()  # True

# %%
# The learning rate is too high
# -----------------------------
#
# With ``lr=2`` the loss grows until it is too large for ``float32``. Use a
# smaller ``lr``. Gradient clipping limits the size of each ``SGD`` step and
# keeps the loss finite here as well. It does not remove a ``nan`` from the
# gradients, but with ``error_if_nonfinite=True`` it raises an error.
model = make_model()
too_high = fit(model, nn.MSELoss(), inputs, lr=2.0)
0 < first_bad(too_high) < 12  # True
too_high[-1].isnan().item()  # True
lower = fit(make_model(), nn.MSELoss(), inputs, lr=0.05)
lower.isfinite().all().item()  # True
clipped = fit(make_model(), nn.MSELoss(), inputs, lr=2.0, max_norm=0.1)
clipped.isfinite().all().item()  # True
clip = partial(nn.utils.clip_grad_norm_, error_if_nonfinite=True)
with suppress(RuntimeError):
    clip(model.parameters(), max_norm=0.1)  # RuntimeError: is non-finite

# %%
# Find the first layer whose output is not finite: forward hooks
# --------------------------------------------------------------
#
# A forward hook on each module checks its output, in the order in which the
# modules run. ``Standardize`` divides by the standard deviation of the
# batch. In a batch of one row the standard deviation is 0, and 0 / 0 is
# ``nan``. If the last batch of an epoch has only one row, the epoch fails
# there.
class Standardize(nn.Module):
    def __init__(self, eps=0.0):
        super().__init__()
        self.eps = eps

    def forward(self, x):
        deviation = x.std(dim=0, correction=0)
        return (x - x.mean(dim=0)) / (deviation + self.eps)


def first_bad_layer(model, inputs):
    found = []

    def hook(name, module, args, output):
        if not output.isfinite().all():
            found.append(name)

    modules = model.named_modules()
    hooks = [m.register_forward_hook(partial(hook, n)) for n, m in modules]
    model(inputs)
    for handle in hooks:
        handle.remove()
    return found[0] if found else None


# %%
# Repair the layer: add ``eps`` or drop the short batch
# -----------------------------------------------------
#
# ``first_bad_layer`` returns the name from ``named_modules``, which is the
# position in ``nn.Sequential`` here. A small ``eps`` in the denominator
# keeps the result finite. ``DataLoader(..., drop_last=True)`` leaves out
# the short batch.
model = make_model()
model.insert(1, Standardize())
first_bad_layer(model, inputs[:32]) is None  # True
first_bad_layer(model, inputs[:1])  # '1'
model[1].eps = 1e-5
first_bad_layer(model, inputs[:1]) is None  # True

# %%
# Finite loss, nan gradient: anomaly mode names the operation
# -----------------------------------------------------------
#
# The loss contains the root of the summed squares of the weights, and the
# weights start at 0. At 0 the derivative of the root is infinite and the
# derivative of the square is 0, so their product is ``nan``.
# ``set_detect_anomaly`` names the operation that returned ``nan`` and shows
# its line of the forward pass. It is slow, so use it only for the search.
# ``torch.linalg.vector_norm`` computes the same root with a gradient of 0
# here; more cases are in :doc:`/reference/autograd/nan_gradients`.
linear = nn.Linear(10, 1)
nn.init.zeros_(linear.weight)
loss = F.mse_loss(linear(inputs), targets)
loss = loss + 0.01 * linear.weight.square().sum().sqrt()
loss.isfinite().item()  # True
anomaly = torch.autograd.set_detect_anomaly(True)
with anomaly, warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    loss = 0.01 * linear.weight.square().sum().sqrt()
    with suppress(RuntimeError):
        loss.backward()  # RuntimeError: 'PowBackward0' returned nan values
"Traceback of forward call" in str(caught[0].message)  # True
linear.zero_grad()
(0.01 * torch.linalg.vector_norm(linear.weight)).backward()
linear.weight.grad.isfinite().all().item()  # True

# %%
# log(0) and division by 0 in a custom loss
# -----------------------------------------
#
# The model predicts a mean and a variance for each patient. With ``relu``
# the variance can be 0, so training fails as soon as one output falls to 0
# or below. ``softplus`` is positive unless it underflows, and
# ``F.gaussian_nll_loss`` replaces a variance below its ``eps`` by ``eps``.
# The initial weights are drawn on the CPU, so that the run fails in the
# same way on a GPU.
def nll_by_hand(outputs, targets):
    mean, variance = outputs.split(1, dim=1)
    variance = variance.relu()
    error = (targets - mean) ** 2
    return 0.5 * (variance.log() + error / variance).mean()


def nll(outputs, targets):
    mean, raw = outputs.split(1, dim=1)
    return F.gaussian_nll_loss(mean, targets, F.softplus(raw), eps=1e-3)


with torch.device("cpu"):
    torch.manual_seed(1)
    model = make_model(outputs=2)
nn.init.zeros_(model[2].weight)
nn.init.constant_(model[2].bias, 0.5)
model = model.to(device)
twin = deepcopy(model)
by_hand = fit(model, nll_by_hand, inputs, lr=0.3)
by_library = fit(twin, nll, inputs, lr=0.3)
by_library.isfinite().all().item()  # True

# %%
# float16 overflow: nothing above 65504
# -------------------------------------
#
# The largest target is 346, and its square is above 65504. For a model that
# predicts 0 the loss is therefore ``inf``. A later operation can turn it
# into ``nan``: the difference of two ``inf`` is ``nan``. Scale the targets,
# use ``bfloat16``, or use ``torch.autocast``, which computes this loss in
# ``float32``.
half = y.half()
start = torch.zeros_like(half)
torch.finfo(torch.float16).max  # 65504.0
loss = F.mse_loss(start, half)  # tensor(inf, dtype=torch.float16)
loss - loss  # tensor(nan, dtype=torch.float16)
F.mse_loss(start, targets.half()).isfinite().item()  # True
F.mse_loss(start.bfloat16(), y.bfloat16()).isfinite().item()  # True
with torch.autocast(device.type, dtype=torch.float16):
    F.mse_loss(start, half).dtype  # torch.float32

# %%
# Attention masks: -1e9 in float16, and fully masked rows
# -------------------------------------------------------
#
# ``masked_fill`` raises an error for -1e9 in ``float16``. Code that
# multiplies a mask of zeros and ones by -1e9 gives ``nan``, because -1e9
# becomes minus infinity in ``float16``. Fill with ``-torch.inf`` or
# ``torch.finfo(dtype).min`` instead. The first row here is fully masked.
# Its weights are ``nan`` with ``-torch.inf`` and all equal with
# ``torch.finfo``. ``F.scaled_dot_product_attention`` returns 0 for this
# row; see :doc:`/reference/nn/attention_masks`.
scores = torch.zeros(3, 3, dtype=torch.float16)
hidden = torch.ones(3, 3, dtype=torch.bool).triu()
with suppress(RuntimeError):
    scores.masked_fill(hidden, -1e9)  # RuntimeError: without overflow
0 * torch.tensor(-1e9).half()  # tensor(nan, dtype=torch.float16)
weights = scores.masked_fill(hidden, -torch.inf).softmax(dim=-1).float()
weights[0]  # tensor([nan, nan, nan])
weights[1:]  # tensor([[1.0, 0.0, 0.0], [0.5, 0.5, 0.0]])
lowest = torch.finfo(scores.dtype).min
weights = scores.masked_fill(hidden, lowest).softmax(dim=-1).float()
weights[0].isclose(torch.tensor(1 / 3), atol=1e-3).all().item()  # True
q = torch.randn(1, 3, 8)
read = F.scaled_dot_product_attention(q, q, q, attn_mask=~hidden)
read[0, 0].any().item()  # False

# %%
# The result: the same runs without nan
# -------------------------------------
#
# The repaired model is tested on the 122 rows that were not used for
# training. The variance of their targets is near 1, so a model that always
# predicts the mean would have an error near 1. The model with a variance is
# trained with the smaller ``lr`` and tested on the same rows.
torch.manual_seed(0)
model = make_model()
repaired = fit(model, nn.MSELoss(), filled, lr=0.05)
twin = make_model(outputs=2)
fit(twin, nll, filled, lr=0.05)  # shape (100,)
with torch.inference_mode():
    test_error = F.mse_loss(model(filled[320:]), targets[320:]).item()
    test_nll = nll(twin(filled[320:]), targets[320:]).item()
print(f"{test_error=:.3f} {test_nll=:.3f}")
print(f"{first_bad(too_high)=} {first_bad(by_hand)=}")
assert repaired.isfinite().all()
assert 0.3 < test_error < 0.8, test_error
assert 0.0 < test_nll < 0.45, test_nll
assert 1 < first_bad(by_hand) < 100

# %%
# The failing and the repaired runs, drawn
# ----------------------------------------
#
# Left: the squared error on a logarithmic scale. The missing value stops a
# run that looked normal. With a learning rate that is too high, the loss
# grows for some steps before it fails. Right: the loss of the model that
# predicts a variance, with ``softplus`` and with ``relu``. A cross marks
# the last finite loss, and a dotted line marks the first step with ``nan``
# or ``inf``.
figure, axes = plt.subplots(1, 2, figsize=(9, 3.8))
panels = [
    (axes[0], "lr=0.05", repaired),
    (axes[0], "lr=2", too_high),
    (axes[0], "inputs[200, 2] = nan", missing),
    (axes[1], "F.softplus(raw)", by_library),
    (axes[1], "variance.relu()", by_hand),
]
colors = ["C0", "C1", "C3", "C0", "C1"]
for (ax, label, losses), color in zip(panels, colors, strict=True):
    finite = losses.cpu()[losses.isfinite().cpu()]
    ax.plot(finite, color=color, label=label)
    if len(finite) < len(losses):
        last = len(finite) - 1
        ax.plot(last, finite[last], "X", color=color, markersize=10)
        ax.axvline(last + 1, color=color, linestyle=":", linewidth=1)
axes[0].set(yscale="log", ylabel="nn.MSELoss()", xlim=(-1, 40))
axes[1].set(ylabel="F.gaussian_nll_loss", xlim=(-4, 100))
for ax in axes:
    ax.set_xlabel("step")
    ax.legend()
figure.tight_layout()
