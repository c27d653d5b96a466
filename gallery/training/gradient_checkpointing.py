"""
Gradient checkpointing: less memory, equal gradients
====================================================

``torch.utils.checkpoint.checkpoint`` keeps only the input of a part of the
model and computes the rest again in ``backward``. Below, a network of 16
blocks gets the same gradients with less than half of the peak memory, and
pays with a second forward pass.
"""
from contextlib import suppress

import matplotlib.pyplot as plt
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional as F
from torch.profiler import ProfilerActivity, profile
from torch.utils.checkpoint import checkpoint, checkpoint_sequential
from torch.utils.data import DataLoader, TensorDataset, random_split

# %%
# Data: digits as rows of 64 numbers
# ----------------------------------
#
# As in :doc:`training_loop`, with one part for training and one for the
# test.
torch.manual_seed(0)
device = torch.get_default_device()
digits = load_digits()
images = torch.tensor(digits.data, dtype=torch.float32, device=device) / 16
labels = torch.tensor(digits.target, device=device)
train_set, test_set = random_split(
    TensorDataset(images, labels),
    [0.7, 0.3],
    generator=torch.Generator(device=device).manual_seed(0),
)
test_loader = DataLoader(test_set, batch_size=256)

# %%
# A model that checkpoints ``segment`` blocks at a time
# -----------------------------------------------------
#
# A slice of a ``nn.Sequential`` is one too, and ``checkpoint`` calls it.
# With ``segment=0`` the model is the usual one; in ``eval`` under
# ``inference_mode`` there is nothing to keep, and checkpointing does
# nothing.
class Block(nn.Module):
    def __init__(self, width=64):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.up = nn.Linear(width, 4 * width)
        self.down = nn.Linear(4 * width, width)
        self.dropout = nn.Dropout(0.1)

    def forward(self, x):
        hidden = F.gelu(self.up(self.norm(x)))
        return x + self.dropout(self.down(hidden))


class Network(nn.Module):
    def __init__(self, segment, depth=16):
        super().__init__()
        self.blocks = nn.Sequential(*(Block() for _ in range(depth)))
        self.head = nn.Linear(64, 10)
        self.segment = segment

    def forward(self, x):
        if self.segment == 0:
            return self.head(self.blocks(x))
        for start in range(0, len(self.blocks), self.segment):
            part = self.blocks[start : start + self.segment]
            x = checkpoint(part, x, use_reentrant=False)
        return self.head(x)


# %%
# Loss and gradients are equal
# ----------------------------
#
# The dropout is drawn twice, in the forward pass and in ``backward``:
# ``checkpoint`` restores the state of the random generator in between, and
# both draws agree. ``preserve_rng_state=False`` would save that little work
# and is for models without randomness.
def gradients(segment):
    torch.manual_seed(0)
    model = Network(segment)
    loss = F.cross_entropy(model(images[:512]), labels[:512])
    loss.backward()
    grads = [parameter.grad.flatten() for parameter in model.parameters()]
    return loss.detach(), torch.cat(grads)


loss, plain = gradients(segment=0)
same_loss, same = gradients(segment=1)
torch.allclose(loss, same_loss)  # True
torch.allclose(plain, same, atol=1e-6)  # True
plain.abs().max().item() > 0.01  # True

# %%
# What is kept for ``backward``, in bytes
# ---------------------------------------
#
# ``torch.autograd.graph.saved_tensors_hooks`` shows every tensor that
# the graph keeps. Memory that several of them share counts once, that of
# the parameters not at all. With a checkpoint round each block only the
# inputs of the blocks remain, and the head's: 512 rows of 64 floats for
# each.
def kept_bytes(model, inputs):
    kept = {}

    def pack(tensor):
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda kept: kept):
        model(inputs)
    for parameter in model.parameters():
        kept.pop(parameter.untyped_storage().data_ptr(), None)
    return sum(kept.values())


inputs = images[:512].clone()
plain_bytes = kept_bytes(Network(segment=0), inputs)
block_bytes = kept_bytes(Network(segment=1), inputs)
print(f"{plain_bytes / 2**20:.1f} MiB, {block_bytes / 2**20:.1f} MiB")
block_bytes <= 17 * inputs.nbytes + 4096  # True
plain_bytes > 8 * block_bytes  # True

# %%
# A checkpoint round one ``Linear`` saves nothing
# -----------------------------------------------
#
# It is often shown, yet a linear layer keeps its input and nothing else
# beside its parameters, and so does ``checkpoint``. It pays for a part that
# makes much between a small input and a small output, as a block does.
class Checkpointed(nn.Module):
    def __init__(self, module):
        super().__init__()
        self.module = module

    def forward(self, x):
        return checkpoint(self.module, x, use_reentrant=False)


x = inputs.clone().requires_grad_()
layer, block = nn.Linear(64, 64), Block()
saved = {}
for module in (layer, block):
    wrapped = Checkpointed(module)
    ratio = kept_bytes(module, x) / kept_bytes(wrapped, x)
    saved[type(module).__name__] = ratio
saved["Linear"]  # 1.0
saved["Block"] > 8  # True

# %%
# Peak memory of a whole step
# ---------------------------
#
# ``backward`` holds more for a moment: the segment that it computes again.
# On CUDA the allocator counts the peak. On a CPU the profiler notes what
# each operation allocates and frees, and the largest running sum is it.
def peak_bytes(segment):
    torch.manual_seed(0)
    model = Network(segment)

    def step():
        F.cross_entropy(model(images[:512]), labels[:512]).backward()

    step()
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        step()
        return torch.cuda.max_memory_allocated() - before
    with profile(
        activities=[ProfilerActivity.CPU],
        profile_memory=True,
        acc_events=True,
    ) as run:
        step()
    events = sorted(run.events(), key=lambda event: event.time_range.start)
    changes = [event.self_cpu_memory_usage for event in events]
    return torch.tensor(changes).cumsum(dim=0).max().item()


segments = [0, 1, 2, 4, 8, 16]
peaks = [peak_bytes(segment) / 2**20 for segment in segments]
for segment, peak in zip(segments, peaks, strict=True):
    print(f"{segment=:2} {peak:5.1f} MiB")

# %%
# The price: every block runs twice
# ---------------------------------
#
# A hook counts the calls of a block in one step, forward and backward. If a
# backward pass costs as much as two forward passes, that is a third more
# work.
def calls(segment):
    model, count = Network(segment), []
    for block in model.blocks:
        block.register_forward_pre_hook(lambda *_: count.append(1))
    F.cross_entropy(model(inputs), labels[:512]).backward()
    return len(count)


calls(segment=0), calls(segment=1)  # (16, 32)

# %%
# ``use_reentrant=False``, always
# -------------------------------
#
# Left out, it warns and the old variant runs. That one sees only the
# tensors that are passed in: if none needs a gradient, as with data, it
# warns again and the parameters inside get none. They are never trained.
# And it works with ``backward`` alone, not with ``torch.autograd.grad``.
checkpoint(block, x)  # UserWarning: use_reentrant parameter should be
rows = inputs.clone()
out = checkpoint(
    block, rows, use_reentrant=True
)  # UserWarning: None of the inputs have requires_grad=True
out.requires_grad  # False
checkpoint(block, rows, use_reentrant=False).requires_grad  # True

out = checkpoint(block, x, use_reentrant=True).sum()
with suppress(RuntimeError):
    torch.autograd.grad(out, x)  # RuntimeError: incompatible with .grad()

# %%
# Without a function: ``checkpoint`` as a decorator
# -------------------------------------------------
#
# Then it waits for the function, and the arguments of the two cannot be
# confused.
with suppress(TypeError):
    checkpoint(
        use_reentrant=False
    )  # type partial since 2.14, TypeError: missing 1 required before

# %%
# Batch normalization is updated twice
# ------------------------------------
#
# The second forward pass counts like the first: running statistics move two
# steps. Leave such layers outside the checkpoint, or use one that keeps no
# statistics.
norm = nn.BatchNorm1d(64)
checkpoint(norm, x, use_reentrant=False).sum().backward()
norm.num_batches_tracked  # tensor(2)

# %%
# Segments of an ``nn.Sequential``: ``checkpoint_sequential``
# -----------------------------------------------------------
#
# It splits a sequence into ``segments`` parts and leaves the last one
# without a checkpoint, as ``backward`` begins there.
blocks = Network(segment=0).eval().blocks
out = checkpoint_sequential(blocks, 4, x, use_reentrant=False)
torch.allclose(out, blocks(x), atol=1e-6)  # True

# %%
# Training is the same loop
# -------------------------
#
# Two runs from the same weights with the same batches, without and with
# checkpoints of four blocks.
def fit(segment, epochs=3):
    torch.manual_seed(0)
    model = Network(segment)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    generator = torch.Generator(device=device).manual_seed(0)
    loader = DataLoader(
        train_set, batch_size=64, shuffle=True, generator=generator
    )
    losses = []
    model.train()
    for _ in range(epochs):
        for inputs, targets in loader:
            inputs, targets = inputs.to(device), targets.to(device)
            optimizer.zero_grad()
            loss = F.cross_entropy(model(inputs), targets)
            loss.backward()
            optimizer.step()
            losses.append(loss.detach())
    return model, torch.stack(losses).cpu()


_, plain_losses = fit(segment=0)
model, losses = fit(segment=4)

# %%
# What was reached: the same losses in less memory
# ------------------------------------------------
#
# Small segments take the least here: a block holds about eleven times as
# much as its input, and the segment that is computed again sets the peak.
# One checkpoint round everything saves next to nothing.
@torch.inference_mode()
def evaluate(model, loader):
    model.eval()
    correct, seen = 0, 0
    for inputs, targets in loader:
        inputs, targets = inputs.to(device), targets.to(device)
        correct += (model(inputs).argmax(dim=1) == targets).sum()
        seen += len(targets)
    return (correct / seen).item()


accuracy = evaluate(model, test_loader)
print(f"{accuracy=:.3f} {peaks[3] / peaks[0]=:.2f}")
assert 0.88 < accuracy <= 1.0, accuracy
assert max(peaks[1:4]) < 0.5 * peaks[0] < peaks[5], peaks
assert (losses - plain_losses).abs()[:20].max() < 1e-3

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.8))
names = ["none", *map(str, segments[1:])]
left.bar(names, peaks, color=["C5"] + ["C0"] * 5)
left.set(xlabel="segment", ylabel="peak (MiB)")
right.plot(plain_losses, "C5", linewidth=6, alpha=0.4, label="none")
right.plot(losses, color="C0", label="segment=4")
right.set(xlabel="step", ylabel="cross_entropy", yscale="log")
right.legend()
figure.tight_layout()
