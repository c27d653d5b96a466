"""
Gradient checkpointing: less memory, equal gradients
====================================================

``torch.utils.checkpoint.checkpoint`` keeps only the input of a part of the
model and computes the rest again in ``backward``. On this page, a network
of 16 blocks gets the same gradients with less than half of the peak memory.
The price is a second forward pass.
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
# The images are those of :doc:`training_loop`, split into a training set
# and a test set.
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
# A slice of an ``nn.Sequential`` is an ``nn.Sequential`` again, so
# ``checkpoint`` can call it. With ``segment=0`` the model runs without
# checkpoints. Under ``inference_mode`` nothing is kept for ``backward``, so
# a checkpoint makes no difference there.
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
# Dropout draws random numbers twice, in the forward pass and again in
# ``backward``. ``checkpoint`` restores the state of the random generator in
# between, so both draws agree. ``preserve_rng_state=False`` skips this
# work; use it only for models without randomness.
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
# Measure how many bytes are kept for ``backward``
# ------------------------------------------------
#
# ``torch.autograd.graph.saved_tensors_hooks`` shows the tensors that the
# graph keeps. Memory that several tensors share is counted once, and the
# parameters are not counted. With a checkpoint around each block, little
# more than the inputs of the 16 blocks and of the output layer remains,
# each with 512 rows of 64 floats.
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
# A checkpoint around one ``Linear`` saves nothing
# ------------------------------------------------
#
# Besides its parameters, a linear layer keeps only its input, and
# ``checkpoint`` keeps the same input. A checkpoint saves memory for a part
# with a small input, a small output and many values in between, such as a
# block.
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
# The peak is higher than the memory of the kept tensors, because
# ``backward`` also holds the segment that it computes again. On CUDA the
# allocator records the peak. On a CPU the profiler records what each
# operation allocates and frees, and the largest running sum is the peak.
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
# A hook counts the calls of the blocks in one forward and one backward
# pass. If a backward pass costs as much as two forward passes, the second
# forward pass is a third more work.
def calls(segment):
    model, count = Network(segment), []
    for block in model.blocks:
        block.register_forward_pre_hook(lambda *_: count.append(1))
    F.cross_entropy(model(inputs), labels[:512]).backward()
    return len(count)


calls(segment=0), calls(segment=1)  # (16, 32)

# %%
# Always pass ``use_reentrant=False``
# -----------------------------------
#
# Without this argument, ``checkpoint`` warns and uses the old variant. The
# old variant needs an input tensor that requires a gradient. If there is
# none, as is usual for data and for the output of a frozen embedding, it
# warns again, and the parameters inside get no gradient and are not
# trained. If the whole model is inside, ``backward`` raises "element 0 of
# tensors does not require grad and does not have a grad_fn". If you cannot
# change the argument, call ``requires_grad_()`` on the input. The old
# variant also does not support ``torch.autograd.grad``.
checkpoint(block, x)  # UserWarning: use_reentrant parameter should be
rows = inputs.clone()
out = checkpoint(
    block, rows, use_reentrant=True
)  # UserWarning: None of the inputs have requires_grad=True
out.requires_grad  # False
with suppress(RuntimeError):
    out.sum().backward()  # RuntimeError: does not have a grad_fn
checkpoint(block, rows, use_reentrant=False).requires_grad  # True
rows.requires_grad_()
checkpoint(block, rows, use_reentrant=True).requires_grad  # True

out = checkpoint(block, x, use_reentrant=True).sum()
with suppress(RuntimeError):
    torch.autograd.grad(out, x)  # RuntimeError: incompatible with .grad()

# %%
# Without a function: ``checkpoint`` as a decorator
# -------------------------------------------------
#
# Since PyTorch 2.14, ``checkpoint`` without a function returns a decorator,
# which you apply to the function. The arguments of ``checkpoint`` and those
# of the function are then passed separately. Before 2.14 the call raises a
# ``TypeError``.
with suppress(TypeError):
    checkpoint(
        use_reentrant=False
    )  # type partial since 2.14, TypeError: missing 1 required before

# %%
# Batch normalization updates its statistics twice
# ------------------------------------------------
#
# The layer runs forward twice, so its running statistics are updated twice.
# Leave such layers outside the checkpoint, or use a layer without running
# statistics.
norm = nn.BatchNorm1d(64)
checkpoint(norm, x, use_reentrant=False).sum().backward()
norm.num_batches_tracked  # tensor(2)

# %%
# Segments of an ``nn.Sequential``: ``checkpoint_sequential``
# -----------------------------------------------------------
#
# ``checkpoint_sequential`` splits a sequence into ``segments`` parts. The
# last part has no checkpoint, because ``backward`` begins there.
blocks = Network(segment=0).eval().blocks
out = checkpoint_sequential(blocks, 4, x, use_reentrant=False)
torch.allclose(out, blocks(x), atol=1e-6)  # True

# %%
# Training is the same loop
# -------------------------
#
# Both runs start from the same weights and use the same batches. The first
# has no checkpoints, and the second has one for every four blocks.
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
# The result: the same losses in less memory
# ------------------------------------------
#
# Small segments need the least memory here, because the segment that is
# computed again sets the peak, and a block holds much more than its input.
# A single checkpoint around all 16 blocks saves little. Left: the peak
# memory for each size of segment. Right: the losses without and with
# checkpoints.
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
