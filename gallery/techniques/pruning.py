"""
Pruning with ``torch.nn.utils.prune``: masks, sparsity, fine-tuning
===================================================================

``torch.nn.utils.prune`` sets the smallest weights to zero and keeps them at
zero with a mask. On this page, 80 % of the weights of a network are pruned,
and fine-tuning with the masks brings it back to more than 92 % accuracy on
the test set. Zeros alone make neither the file smaller nor a dense layer
faster. The page also shows what makes the file smaller and the network
faster.
"""
import io
from contextlib import suppress
from copy import deepcopy

import matplotlib.pyplot as plt
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn.utils import prune
from torch.utils.data import DataLoader, TensorDataset, random_split
from torch.utils.flop_counter import FlopCounterMode

# %%
# Train a network first
# ---------------------
#
# Prune a network after training. The three linear layers of this network
# hold 25,856 weights.
torch.manual_seed(0)
device = torch.get_default_device()
generator = torch.Generator(device=device).manual_seed(0)
digits = load_digits()
inputs = torch.tensor(digits.data, dtype=torch.float32, device=device)
targets = torch.tensor(digits.target, device=device)
train_set, test_set = random_split(
    TensorDataset(inputs / 16, targets), [0.7, 0.3], generator=generator
)
train_loader = DataLoader(
    train_set, batch_size=64, shuffle=True, generator=generator
)
criterion = nn.CrossEntropyLoss()


def train(model, epochs):
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    model.train()
    for _ in range(epochs):
        for batch_inputs, batch_targets in train_loader:
            optimizer.zero_grad()
            criterion(model(batch_inputs), batch_targets).backward()
            optimizer.step()


@torch.inference_mode()
def evaluate(model):
    x_test, y_test = test_set[:]
    right = model.eval()(x_test).argmax(dim=1) == y_test
    return right.float().mean().item()


model = nn.Sequential(
    nn.Linear(64, 128),
    nn.ReLU(),
    nn.Linear(128, 128),
    nn.ReLU(),
    nn.Linear(128, 10),
)
train(model, epochs=15)
dense_accuracy = evaluate(model)
sum(m.weight.numel() for m in model if isinstance(m, nn.Linear))  # 25856

# %%
# One layer: ``l1_unstructured``, ``weight_orig`` and ``weight_mask``
# -------------------------------------------------------------------
#
# The parameter is now called ``weight_orig``, the mask is a buffer, and
# ``weight`` is their product. The product is computed again before each
# forward pass, so it is out of date between an optimizer step and the next
# pass. A second call prunes half of the weights that are left.
pruned = deepcopy(model)
layer = pruned[2]
prune.l1_unstructured(layer, "weight", amount=0.5)
sorted(layer.state_dict())  # ['bias', 'weight_mask', 'weight_orig']
torch.equal(layer.weight, layer.weight_orig * layer.weight_mask)  # True
int((layer.weight == 0).sum())  # 8192
kept = layer.weight_orig[layer.weight_mask.bool()].abs().min()
gone = layer.weight_orig[~layer.weight_mask.bool()].abs().max()
bool(gone <= kept)  # True
prune.l1_unstructured(layer, "weight", amount=0.5)
int((layer.weight == 0).sum())  # 12288

# %%
# ``prune.remove`` makes the pruning permanent
# --------------------------------------------
#
# After pruning, ``weight`` belongs to a graph, and ``deepcopy`` fails until
# a forward pass under ``no_grad`` has computed it again. The state dict of
# a masked network has other names, so it does not load into the plain
# network. After ``prune.remove`` both work. The zeros stay, and the mask is
# gone.
with suppress(RuntimeError):
    deepcopy(pruned)  # RuntimeError: Only Tensors created explicitly
with torch.no_grad():
    pruned(test_set[:1][0])
deepcopy(pruned)[2].weight_mask.mean()  # tensor(0.2500)
with suppress(RuntimeError):
    model.load_state_dict(pruned.state_dict())  # RuntimeError: "2.weight"
prune.remove(layer, "weight")
sorted(layer.state_dict())  # ['bias', 'weight']
int((layer.weight == 0).sum())  # 12288
restored = deepcopy(model)
restored.load_state_dict(deepcopy(pruned).state_dict())
prune.is_pruned(restored)  # False
int((restored[2].weight == 0).sum())  # 12288


# %%
# All layers together: ``global_unstructured``
# --------------------------------------------
#
# ``global_unstructured`` prunes the smallest weights of the whole network,
# so each layer loses a different share. The wide middle layer loses more
# than the others. The total is 80 % of 25,856, rounded to 20,685.
def linear_weights(model):
    return [(m, "weight") for m in model if isinstance(m, nn.Linear)]


def prune_globally(model, amount, method=prune.L1Unstructured):
    pruned = deepcopy(model)
    prune.global_unstructured(
        linear_weights(pruned), pruning_method=method, amount=amount
    )
    return pruned


def zeros(model):
    return [int((m.weight == 0).sum()) for m, _ in linear_weights(model)]


pruned = prune_globally(model, amount=0.8)
sum(zeros(pruned))  # 20685
shares = [
    count / module.weight.numel()
    for count, (module, _) in zip(
        zeros(pruned), linear_weights(pruned), strict=True
    )
]
print([f"{share:.2f}" for share in shares])
shares[1] > max(shares[0], shares[2])  # True

# %%
# Keep the masks during fine-tuning
# ---------------------------------
#
# As long as the masks are there, the zeros stay zero in training. After
# ``remove`` they are ordinary weights, and one epoch changes more than half
# of them.
before = evaluate(pruned)
train(pruned, epochs=4)
sum(zeros(pruned))  # 20685
tuned = evaluate(pruned)
print(f"{dense_accuracy=:.3f} {before=:.3f} {tuned=:.3f}")
refilled = prune_globally(model, amount=0.8)
for module, name in linear_weights(refilled):
    prune.remove(module, name)
train(refilled, epochs=1)
sum(zeros(refilled)) < 10_000  # True

# %%
# Measure the accuracy for several amounts of pruning
# ---------------------------------------------------
#
# The code tries seven amounts, each beginning with the trained network. It
# prunes the smallest weights and measures before and after four epochs of
# fine-tuning. It also prunes random weights, with the same fine-tuning.
amounts = [0.0, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98]
curves = {"L1Unstructured": [], "L1Unstructured + train": []}
curves["RandomUnstructured + train"] = []
for amount in amounts:
    by_size = prune_globally(model, amount)
    curves["L1Unstructured"].append(evaluate(by_size))
    train(by_size, epochs=4)
    curves["L1Unstructured + train"].append(evaluate(by_size))
    by_chance = prune_globally(model, amount, prune.RandomUnstructured)
    train(by_chance, epochs=4)
    curves["RandomUnstructured + train"].append(evaluate(by_chance))


# %%
# Zeros do not make the file smaller
# ----------------------------------
#
# With masks the file is about twice as large, and after ``remove`` it is as
# large as before. A sparse COO tensor stores the position and the value of
# each number that is left, 20 bytes in all. A dense tensor stores 4 bytes
# for every number. The sparse tensor is therefore smaller if more than 80 %
# of the numbers are zero.
def file_size(state_dict):
    buffer = io.BytesIO()
    torch.save(state_dict, buffer)
    return buffer.tell()


pruned = prune_globally(model, amount=0.95)
with_masks = file_size(pruned.state_dict())
for module, name in linear_weights(pruned):
    prune.remove(module, name)
state_dict = pruned.state_dict()
sizes = {"dense": file_size(model.state_dict()), "masks": with_masks}
sizes["removed"] = file_size(state_dict)
sparse = {
    name: value.to_sparse() if value.ndim == 2 else value
    for name, value in state_dict.items()
}
sizes["sparse"] = file_size(sparse)
print(sizes)
sizes["masks"] > 1.8 * sizes["dense"]  # True
abs(sizes["removed"] - sizes["dense"]) < 1000  # True
sizes["sparse"] < 0.4 * sizes["dense"]  # True


# %%
# Structured pruning, and a smaller network
# -----------------------------------------
#
# ``ln_structured`` sets whole rows to zero, here half of the hidden units,
# and ``custom_from_mask`` does so with their biases. You can leave out
# these rows and the columns of the next layer that read them. The result is
# a smaller dense network with the same outputs.
narrow = deepcopy(model)
prune.ln_structured(narrow[0], "weight", amount=0.5, n=2, dim=0)
kept_units = narrow[0].weight_mask[:, 0].bool()
prune.custom_from_mask(narrow[0], "bias", kept_units)
train(narrow, epochs=4)
prune.remove(narrow[0], "weight")
prune.remove(narrow[0], "bias")

small = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 128))
small.extend(deepcopy(narrow[3:]))
with torch.no_grad():
    small[0].weight.copy_(narrow[0].weight[kept_units])
    small[0].bias.copy_(narrow[0].bias[kept_units])
    small[2].weight.copy_(narrow[2].weight[:, kept_units])
    small[2].bias.copy_(narrow[2].bias)
x_test = test_set[:][0].double()
small, narrow = small.double(), narrow.double()
torch.allclose(small(x_test), narrow(x_test))  # True


# %%
# Zeros do not reduce the number of operations
# --------------------------------------------
#
# A dense layer multiplies zeros like other numbers. One image takes two
# operations for each weight, even if 95 % of the weights are pruned. The
# network with fewer hidden units needs fewer operations.
def count_flops(model):
    with FlopCounterMode(display=False) as counter:
        model.float()(test_set[:1][0])
    return counter.get_total_flops()


count_flops(model)  # 51712
count_flops(pruned)  # 51712
count_flops(small)  # 27136

# %%
# What was reached
# ----------------
#
# With 80 % of the weights pruned and the masks kept in fine-tuning, the
# network reaches more than 92 % accuracy on the test set, less than 3
# percentage points below the dense network. If 95 % are pruned, choosing
# the smallest weights is far better than choosing at random. The dotted
# line is the dense network.
by_size = curves["L1Unstructured + train"]
by_chance = curves["RandomUnstructured + train"]
narrow_accuracy = evaluate(small)
print(f"{tuned=:.3f} {narrow_accuracy=:.3f}")
assert dense_accuracy > 0.94, dense_accuracy
assert 0.92 < tuned <= 1.0 and tuned > dense_accuracy - 0.03, tuned
assert 0.92 < narrow_accuracy <= 1.0, narrow_accuracy
assert curves["L1Unstructured"][5] < 0.8, curves
assert by_size[5] > by_chance[5] + 0.2, curves

figure, ax = plt.subplots(figsize=(9, 3.6))
for (name, values), marker in zip(curves.items(), "so^", strict=True):
    ax.plot(amounts, values, marker=marker, label=name)
ax.axhline(dense_accuracy, linestyle=":", color="grey")
ax.set(xlabel="amount", ylabel="accuracy (test)", ylim=(0, 1.05))
ax.legend(loc="lower left")
figure.tight_layout()
