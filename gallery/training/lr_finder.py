"""
Learning rate finder: a range test that picks the rate before training
======================================================================

How large should the learning rate be? A range test trains for up to 100
steps while the learning rate grows from tiny to far too large, and records
the loss. You then choose a rate below the point where the loss begins to
rise. On this page, the chosen rate reaches more than 93 % accuracy on the
test set in five epochs. With a thousandth of it, or with a hundred times as
much, the accuracy stays below 60 %.
"""
from copy import deepcopy

import matplotlib.pyplot as plt
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional as F

# %%
# Data, model and optimizer
# -------------------------
#
# The model has batch normalization, because its running statistics are part
# of what must be restored later. The optimizer is SGD with momentum, where
# the loss clearly rises when the learning rate is too large.
torch.manual_seed(0)
device = torch.get_default_device()
digits = load_digits()
images = torch.tensor(digits.data, dtype=torch.float32, device=device) / 16
labels = torch.tensor(digits.target, device=device)
order = torch.randperm(len(images))
x_train, x_test = images[order[:1400]], images[order[1400:]]
y_train, y_test = labels[order[:1400]], labels[order[1400:]]

model = nn.Sequential(
    nn.Linear(64, 128), nn.BatchNorm1d(128), nn.ReLU(), nn.Linear(128, 10)
)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
model(x_train[:5]).shape  # torch.Size([5, 10])

# %%
# Rates that grow by the same factor: ``ExponentialLR``
# -----------------------------------------------------
#
# Learning rates are compared by their ratio, so each step multiplies the
# rate by the same factor. ``torch.logspace`` gives the same rates at once.
# A hundred steps are enough to go from 1e-5 to 100.
low, high, count = 1e-5, 100.0, 100
gamma = (high / low) ** (1 / (count - 1))
rates = torch.logspace(-5, 2, count)
weight = nn.Parameter(torch.zeros(1))
probe = torch.optim.SGD([weight], lr=low)
scheduler = torch.optim.lr_scheduler.ExponentialLR(probe, gamma)
stepped = []
for _ in range(count):
    stepped.append(scheduler.get_last_lr()[0])
    probe.step()
    scheduler.step()
torch.allclose(torch.tensor(stepped), rates, rtol=1e-3)  # True
gamma  # 1.1768


# %%
# The range test: one step per rate
# ---------------------------------
#
# Each step draws a new batch, sets the learning rate in all parameter
# groups, and records the loss before the update. The loss of a single batch
# is noisy, so the test uses a moving average. The test stops when this
# average is four times its minimum, or nan. The average starts at 0, so it
# is divided by ``1 - 0.9**n`` after n steps.
def batches(size=64):
    while True:
        order = torch.randperm(len(x_train))
        yield from order.split(size)[: len(order) // size]


def range_test(model, optimizer, rates):
    model.train()
    losses, average, best = [], 0.0, float("inf")
    for rate, rows in zip(rates.tolist(), batches(), strict=False):
        for group in optimizer.param_groups:
            group["lr"] = rate
        loss = F.cross_entropy(model(x_train[rows]), y_train[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        average = 0.9 * average + 0.1 * loss.item()
        losses.append(average / (1 - 0.9 ** (len(losses) + 1)))
        best = min(best, losses[-1])
        if not losses[-1] < 4 * best:
            break
    return torch.tensor(losses)


constant, average = 2.5, 0.0
for n in range(1, 4):
    average = 0.9 * average + 0.1 * constant
    average / (1 - 0.9**n)  # 2.5000

# %%
# Save a copy of the state before the test: ``deepcopy(model.state_dict())``
# --------------------------------------------------------------------------
#
# The range test ruins the weights, so they are restored afterwards. A state
# dict holds the tensors of the model itself, so without a copy the saved
# weights change with the model. The optimizer also has a state, which
# includes the learning rate and the momentum of each parameter.
not_copied = model.state_dict()
saved = deepcopy(model.state_dict()), deepcopy(optimizer.state_dict())
losses = range_test(model, optimizer, rates)
losses[-1] >= 4 * losses.min()  # tensor(True)
len(losses) < count  # True
torch.equal(not_copied["0.weight"], saved[0]["0.weight"])  # False
torch.equal(not_copied["0.weight"], model[0].weight)  # True
optimizer.param_groups[0]["lr"] > 0.1  # True
len(saved[1]["state"]), len(optimizer.state_dict()["state"])  # (0, 6)

# %%
# Restore model and optimizer
# ---------------------------
#
# Loading the state dicts brings back the weights, the running statistics
# and the learning rate. It also removes the momentum from the test.
model.load_state_dict(saved[0])
optimizer.load_state_dict(saved[1])
torch.equal(model[0].weight, saved[0]["0.weight"])  # True
model[1].num_batches_tracked.item()  # 1
optimizer.param_groups[0]["lr"]  # 0.1
len(optimizer.state_dict()["state"])  # 0

# %%
# Pick the rate: a tenth of the rate with the lowest loss
# -------------------------------------------------------
#
# At the lowest loss, the learning rate is already close to being too large.
# A tenth of this rate is a common choice. Another choice is the rate at
# which the loss falls most steeply. Here both choices lie between 1e-3 and
# the rate at which the test stopped.
lowest = losses.argmin().item()
chosen = rates[lowest].item() / 10
slopes = losses.diff()
steepest = rates[slopes.argmin()].item()
diverged = rates[len(losses) - 1].item()
print(f"{chosen=:.3f} {steepest=:.3f} {diverged=:.2f}")
1e-3 < steepest < diverged  # True
1e-3 < chosen < diverged  # True


# %%
# Train with a rate: five epochs from the same weights
# ----------------------------------------------------
#
# ``fit`` starts each time from the saved weights with a new optimizer and
# the same seed, so the runs differ only in the learning rate.
def fit(rate, epochs=5):
    torch.manual_seed(0)
    net = deepcopy(model)
    net.load_state_dict(saved[0])
    optimizer = torch.optim.SGD(net.parameters(), lr=rate, momentum=0.9)
    net.train()
    losses = []
    source = batches()
    for _ in range(epochs * (1400 // 64)):
        rows = next(source)
        loss = F.cross_entropy(net(x_train[rows]), y_train[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return net, losses


@torch.inference_mode()
def accuracy(net):
    net.eval()
    found = net(x_test).argmax(dim=1)
    return (found == y_test).float().mean().item()


# %%
# The chosen rate as the peak of ``OneCycleLR``
# ---------------------------------------------
#
# ``OneCycleLR`` raises the learning rate and lowers it again, and you can
# pass the chosen rate as its ``max_lr``. By default it begins at 1/25 of
# ``max_lr`` and replaces the learning rate of the optimizer. For more
# schedules, see :doc:`scheduler_in_the_loop`.
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
scheduler = torch.optim.lr_scheduler.OneCycleLR(
    optimizer, max_lr=chosen, total_steps=105
)
chosen / scheduler.get_last_lr()[0]  # 25.0000
optimizer.param_groups[0]["lr"] < chosen  # True

# %%
# The result: learning rates too small, chosen and too large
# ----------------------------------------------------------
#
# Left: the loss during the range test is flat at first, then falls, and
# finally rises steeply. The dot marks the chosen rate. Right: the loss when
# training with the chosen rate, with a thousandth of it and with a hundred
# times as much.
runs = {
    name: fit(rate)
    for name, rate in [
        ("chosen / 1000", chosen / 1000),
        ("chosen", chosen),
        ("chosen * 100", chosen * 100),
    ]
}
test = {name: accuracy(net) for name, (net, _) in runs.items()}
print({name: round(value, 3) for name, value in test.items()})
too_small, reached, too_large = test.values()
assert 0.93 < reached <= 1.0, test
assert too_small < 0.6 and too_large < 0.6, test

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6))
left.semilogx(rates[: len(losses)].cpu(), losses.cpu())
at = rates.log().sub(torch.tensor(chosen).log()).abs().argmin()
left.plot(chosen, losses[at].item(), "oC1", label="chosen")
left.set(xlabel="learning rate", ylabel="cross_entropy")
left.legend(loc="upper center")
for name, style in zip(runs, ("C2:", "C1-", "C3--"), strict=True):
    right.semilogy(runs[name][1], style, label=name)
right.set(xlabel="step", ylabel="cross_entropy", ylim=(1e-3, 1e3))
right.legend()
figure.tight_layout()
