"""
Gradient accumulation: a large batch in small parts
===================================================

``backward`` adds to ``grad``, so a batch that does not fit into memory can
be computed in parts before one ``optimizer.step()``. Each part is weighted
by its number of samples. The training on this page then ends with the same
parameters as training with large batches, up to rounding, although the last
batch is smaller.
"""
from itertools import islice

import matplotlib.pyplot as plt
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split

# %%
# Data: the same order in batches of 64 and of 16
# -----------------------------------------------
#
# The images are those of :doc:`training_loop`, here in float64, so that
# equal results can be told from nearly equal ones. Loaders whose generators
# have the same seed shuffle in the same order. Neither batch size divides
# 1,258, so the last batch has 42 samples in one loader and 10 in the other.
torch.manual_seed(0)
device = torch.get_default_device()
digits = load_digits()
images = torch.tensor(digits.data / 16, device=device)
labels = torch.tensor(digits.target, device=device)
train_set, test_set = random_split(
    TensorDataset(images, labels),
    [0.7, 0.3],
    generator=torch.Generator(device=device).manual_seed(0),
)


def make_loader(batch_size):
    generator = torch.Generator(device=device).manual_seed(0)
    return DataLoader(
        train_set, batch_size, shuffle=True, generator=generator
    )


large_loader, small_loader = make_loader(64), make_loader(16)
test_loader = DataLoader(test_set, batch_size=256)
len(train_set), len(large_loader), len(small_loader)  # (1258, 20, 79)
1258 - 19 * 64, 1258 - 78 * 16  # (42, 10)

# %%
# The same gradient, computed whole and in parts
# ----------------------------------------------
#
# The criterion returns the mean loss of a part. ``loss * len(targets)`` is
# the summed loss of the part. Divided by the number of samples in all
# parts, it is what the part contributes to the mean over the large batch.
# The parts may therefore differ in size. Here 64 samples are computed as
# 25, 25 and 14.
criterion = nn.CrossEntropyLoss()


def gradient(model, parts):
    samples = sum(len(targets) for _, targets in parts)
    model.zero_grad()
    for inputs, targets in parts:
        loss = criterion(model(inputs), targets)
        (loss * len(targets) / samples).backward()
    return torch.cat([p.grad.flatten() for p in model.parameters()])


def make_model():
    torch.manual_seed(0)
    layers = nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10)
    return nn.Sequential(*layers).to(dtype=torch.float64)


inputs, targets = next(iter(make_loader(64)))
parts = list(zip(inputs.split(25), targets.split(25), strict=True))
[len(part) for _, part in parts]  # [25, 25, 14]
whole = gradient(make_model(), [(inputs, targets)])
summed = gradient(make_model(), parts)
torch.allclose(summed, whole, rtol=0.0, atol=1e-12)  # True

# %%
# The loop: one optimizer step per group of small batches
# -------------------------------------------------------
#
# ``islice`` takes up to ``steps`` batches from the loader. The last group
# is smaller and gets its own step like the others. Call ``clip_grad_norm_``
# once per group, directly before ``optimizer.step()``, and let a scheduler
# count groups instead of batches. If the loss ignores padding, count only
# the remaining targets, both in ``samples`` and in the weight of each part.
def train(model, loader, criterion, optimizer, steps):
    model.train()
    batches = iter(loader)
    updates = 0
    while group := list(islice(batches, steps)):
        samples = sum(len(targets) for _, targets in group)
        optimizer.zero_grad()
        for inputs, targets in group:
            inputs, targets = inputs.to(device), targets.to(device)
            loss = criterion(model(inputs), targets)
            (loss * len(targets) / samples).backward()
        optimizer.step()
        updates += 1
    return updates


model = make_model()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
train(model, small_loader, criterion, optimizer, steps=4)  # 20

# %%
# Mistake: ``number % steps == 0`` drops the last batches
# -------------------------------------------------------
#
# Many tutorials divide the loss by ``steps`` and update the parameters when
# the batch number is a multiple of ``steps``. The last three of 79 batches
# then cause no update, or are added to the first update of the next epoch
# if the gradients are not cleared. With fewer batches than ``steps``, there
# is no update at all and no warning. Below, 48 samples in three batches
# give 0 updates.
def train_wrong(model, loader, criterion, optimizer, steps):
    model.train()
    optimizer.zero_grad()
    updates = 0
    for number, (inputs, targets) in enumerate(loader, start=1):
        inputs, targets = inputs.to(device), targets.to(device)
        loss = criterion(model(inputs), targets) / steps
        loss.backward()
        if number % steps == 0:
            optimizer.step()
            optimizer.zero_grad()
            updates += 1
    return updates


train_wrong(model, small_loader, criterion, optimizer, steps=4)  # 19
few = DataLoader(TensorDataset(images[:48], labels[:48]), batch_size=16)
train_wrong(model, few, criterion, optimizer, steps=4)  # 0
train(model, few, criterion, optimizer, steps=4)  # 1

# %%
# An extra step after the last batch is not enough
# ------------------------------------------------
#
# The last group has 16 + 16 + 10 samples. The gradient of the total loss
# with respect to a sample's loss is the weight of that sample. If each mean
# is divided by 4, the samples of the last batch have the weight 1/40 and
# the others 1/64. These weights sum to 3/4 instead of 1, and the correct
# weight is 1/42 for each sample.
losses = torch.zeros(42, dtype=torch.float64, requires_grad=True)
total = sum(part.mean() / 4 for part in losses.split(16))
(weights,) = torch.autograd.grad(total, losses)
weights.unique().tolist()  # [0.015625, 0.025]
weights.sum().item()  # 0.7500

total = sum(part.mean() * len(part) / 42 for part in losses.split(16))
(weights,) = torch.autograd.grad(total, losses)
torch.allclose(weights, torch.full_like(weights, 1 / 42))  # True

# %%
# Batch normalization still sees the small batch
# ----------------------------------------------
#
# Accumulation gives the gradient of the large batch if each sample is
# computed independently of the others. ``nn.BatchNorm1d`` in training mode
# breaks this, because it uses the mean and variance of the small part.
# ``nn.LayerNorm`` normalizes each sample by itself, so the gradients are
# equal.
equal = {}
for norm in (nn.BatchNorm1d(64), nn.LayerNorm(64)):
    normalized = nn.Sequential(nn.Linear(64, 64), norm, nn.Linear(64, 10))
    normalized.to(dtype=torch.float64)
    whole = gradient(normalized, [(inputs, targets)])
    summed = gradient(normalized, parts)
    name = type(norm).__name__
    equal[name] = torch.allclose(summed, whole, rtol=0.0, atol=1e-12)
equal  # {'BatchNorm1d': False, 'LayerNorm': True}

# %%
# Train ten epochs in three ways
# ------------------------------
#
# The optimizer is SGD on purpose. With SGD, a gradient that is wrong by a
# constant factor acts like a wrong learning rate. AdamW divides most of
# such a factor out and hides the mistake. After each epoch, ``fit`` keeps
# the parameters and the mean loss on the test set.
@torch.inference_mode()
def evaluate(model, loader, criterion):
    model.eval()
    loss_sum, correct, seen = 0.0, 0, 0
    for inputs, targets in loader:
        inputs, targets = inputs.to(device), targets.to(device)
        logits = model(inputs)
        loss_sum += criterion(logits, targets) * len(targets)
        correct += (logits.argmax(dim=1) == targets).sum()
        seen += len(targets)
    return (loss_sum / seen).item(), (correct / seen).item()


def fit(train, loader, steps, epochs=10):
    model = make_model()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.2, momentum=0.9)
    path, losses = [], []
    for _ in range(epochs):
        train(model, loader, criterion, optimizer, steps)
        parameters = nn.utils.parameters_to_vector(model.parameters())
        path.append(parameters.detach().clone())
        losses.append(evaluate(model, test_loader, criterion)[0])
    accuracy = evaluate(model, test_loader, criterion)[1]
    return torch.stack(path), losses, accuracy


large = fit(train, make_loader(64), steps=1)
accumulated = fit(train, make_loader(16), steps=4)
wrong = fit(train_wrong, make_loader(16), steps=4)

# %%
# The result: the same parameters as with large batches
# -----------------------------------------------------
#
# For all ten epochs, correct accumulation differs from the large batch only
# by rounding. The loop from the tutorials gives different parameters from
# the first epoch on, but it learns as well, so the mistake is easy to miss.
# Left: the test losses, which hardly show the mistake. Right: the largest
# difference of a parameter from the large batch, which shows it clearly.
difference = (accumulated[0] - large[0]).abs().amax(dim=1).cpu()
difference_wrong = (wrong[0] - large[0]).abs().amax(dim=1).cpu()
print(f"{large[2]=:.3f} {accumulated[2]=:.3f} {wrong[2]=:.3f}")
print(f"{difference.max()=:.1e} {difference_wrong.max()=:.1e}")
assert difference.max() < 1e-9 < 1e-3 < difference_wrong.min()
assert 0.93 < accumulated[2] <= 1.0, accumulated[2]

epochs = range(1, 11)
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.8))
left.plot(epochs, large[1], label="64")
hollow = {"fillstyle": "none", "color": "C2"}
left.plot(epochs, accumulated[1], "o", label="4 × 16", **hollow)
left.plot(epochs, wrong[1], "--", color="C1", label="loss / 4")
left.set(xlabel="epoch", ylabel="CrossEntropyLoss (test)")
left.legend()
right.semilogy(epochs, difference, "o-", color="C2", label="4 × 16")
right.semilogy(epochs, difference_wrong, "--", color="C1", label="loss / 4")
right.set(xlabel="epoch", ylabel="max |Δ parameter|", ylim=(1e-17, 10))
right.legend(loc="center right")
figure.tight_layout()
