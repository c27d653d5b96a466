"""
Gradient accumulation: a large batch in small parts
===================================================

``backward`` adds to ``grad``, so a batch that does not fit into memory can
be computed in parts before one ``optimizer.step()``. With each part
weighted by its number of samples, the training below equals the one with
large batches in every parameter, the short last batch included.
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
# The data are those of :doc:`training_loop`, in float64, where equal
# results can be told from nearly equal ones. Loaders with generators of one
# seed shuffle alike. Neither batch size divides 1,258: the last batch has
# 42 samples in one loader and 10 in the other.
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
# One gradient, whole and in parts
# --------------------------------
#
# The criterion gives the mean of its batch. Times ``len(targets)`` it is a
# sum again; over the samples of all parts it is the part's share of the
# large batch's mean. So the parts need not be equally long: here 64 samples
# are computed as 25, 25 and 14.
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
# The loop: groups of small batches, one step each
# ------------------------------------------------
#
# ``islice`` takes up to ``steps`` batches from the loader. The last group
# is a smaller one and gets its step like the others. Call
# ``clip_grad_norm_`` once, directly before ``step``, and not after each
# ``backward``. A scheduler counts groups. Where padding is left out
# of the loss, count only the targets that are in it, in ``samples`` and in
# the weight of each part.
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
# The form in circulation drops the remainder
# -------------------------------------------
#
# Many tutorials divide by ``steps`` and step when the count is a multiple
# of it. Of 79 batches the last three then lead to no step. And a loader
# shorter than ``steps`` trains nothing, without a word: below, 48 samples
# leave every parameter as it was.
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
# A step on the last batch alone is not enough
# --------------------------------------------
#
# The last group is 16 + 16 + 10 samples. The gradient of the total by each
# sample's loss is the weight with which that sample counts. Means divided
# by four give the samples of the last batch 1/40, the others 1/64, and the
# weights sum to 3/4: a step with three quarters of the learning rate. Right
# is 1/42 for each.
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
# Accumulation equals the large batch only if no layer looks across samples.
# ``nn.BatchNorm1d`` in training does: its mean and variance are those of
# the 25 samples. ``nn.LayerNorm`` normalizes each sample by itself and
# keeps the equality.
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
# Ten epochs in three ways
# ------------------------
#
# The optimizer is SGD on purpose: a gradient that is wrong by a constant
# factor is a wrong learning rate there, while AdamW divides most of it out
# and hides the mistake. After every epoch the parameters are kept, and the
# mean loss of the test samples with them.
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
# What was reached: the large batch's parameters
# ----------------------------------------------
#
# Accumulation in the right form stays within rounding of the large batch
# for all ten epochs. The form in circulation is off from the first epoch
# on. It learns as well, and this is why nobody notices: the loss alone
# (left) cannot tell, the parameters (right) can.
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
