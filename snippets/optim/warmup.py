"""
Warm-up
=======

Start with a small learning rate, raise it, then let it fall.
"""
import math
from contextlib import suppress

import matplotlib.pyplot as plt
import torch
from torch.optim import lr_scheduler

# %%
# Three schedules with warm-up as curves
# --------------------------------------
#
# Each rises for 20 of 100 steps to the same peak. A line or a cosine ends
# at zero and needs the length of the run; the inverse square root does not
# and never ends.
decays = {
    "100 - t": lambda t: (100 - t) / 80,
    "1 + cos(t)": lambda t: (1 + math.cos((t - 20) * math.pi / 80)) / 2,
    "1 / sqrt(t)": lambda t: (20 / t) ** 0.5,
}
figure, ax = plt.subplots()
for (name, decay), style in zip(decays.items(), ["-", "--", ":"]):

    def rate(t, decay=decay):
        return t / 20 if t < 20 else decay(t)

    optimizer = torch.optim.Adam([torch.zeros(1)], lr=1.0)
    scheduler = lr_scheduler.LambdaLR(optimizer, rate)
    rates = []
    for _ in range(100):
        rates += scheduler.get_last_lr()
        optimizer.step()
        scheduler.step()
    ax.plot(rates, style, label=name)
ax.legend()
rates.index(max(rates))  # 20

# %%
# Linear warm-up, then cosine: ``SequentialLR``
# ---------------------------------------------
#
# ``LinearLR`` raises the rate over the first steps, ``CosineAnnealingLR``
# takes the rest, so ``T_max`` is the total less the warm-up. A start factor
# of zero is refused: take a small one.
warmup, total = 3, 7
w = torch.zeros(1, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=1.0)
rise = lr_scheduler.LinearLR(optimizer, 0.25, total_iters=warmup)
fall = lr_scheduler.CosineAnnealingLR(optimizer, T_max=total - warmup)
scheduler = lr_scheduler.SequentialLR(optimizer, [rise, fall], [warmup])
rates = []
for _ in range(total + 1):
    rates.append(scheduler.get_last_lr()[0])
    optimizer.step()
    scheduler.step()
torch.tensor(rates[:4])  # tensor([0.2500, 0.5000, 0.7500, 1.0000])
torch.tensor(rates[4:7])  # tensor([0.8536, 0.5000, 0.1464])
rates[7] < 1e-12  # True
with suppress(ValueError):
    lr_scheduler.LinearLR(optimizer, 0.0)  # ValueError: greater than 0

# %%
# Linear warm-up, then linear decay: ``LambdaLR``
# -----------------------------------------------
#
# The schedule of most fine-tuning scripts, in one function: up to the peak
# over the warm-up, down to zero at the end. Count from ``t + 1``, or the
# first step has rate zero and is wasted.
warmup, total = 2, 6


def factor(t):
    t = t + 1
    return min(t / warmup, (total + 1 - t) / (total + 1 - warmup))


w = torch.zeros(1, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=10.0)
scheduler = lr_scheduler.LambdaLR(optimizer, factor)
rates = []
for _ in range(total):
    rates.append(scheduler.get_last_lr()[0])
    optimizer.step()
    scheduler.step()
rates  # [5.0, 10.0, 8.0, 6.0, 4.0, 2.0]

# %%
# Inverse square root with warm-up: the rate of the Transformer
# -------------------------------------------------------------
#
# :math:`d^{-1/2} \min(t^{-1/2}, t w^{-3/2})` with model size :math:`d` and
# :math:`w` steps of warm-up, counted from 1. With ``LambdaLR`` the base
# rate must be 1, as the formula is the rate itself. It needs no length of
# run.
d_model, warmup = 16, 4
w = torch.zeros(1, requires_grad=True)
optimizer = torch.optim.Adam([w], lr=1.0, betas=(0.9, 0.98), eps=1e-9)
scheduler = lr_scheduler.LambdaLR(
    optimizer,
    lambda t: d_model**-0.5 * min((t + 1) ** -0.5, (t + 1) * warmup**-1.5),
)
rates = []
for _ in range(16):
    rates.append(scheduler.get_last_lr()[0])
    optimizer.step()
    scheduler.step()
rates[:4]  # [0.03125, 0.0625, 0.09375, 0.125]
rates[15]  # 0.0625
max(rates) == (d_model * warmup) ** -0.5  # True

# %%
# Warm-up, plateau, decay: three schedules in ``SequentialLR``
# ------------------------------------------------------------
#
# A constant rate in the middle lets you stop or go on as you like: only
# the decay at the end needs the length. Each schedule starts at its own
# epoch 0 at its milestone.
w = torch.zeros(1, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=1.0)
parts = [
    lr_scheduler.LinearLR(optimizer, 0.5, total_iters=2),
    lr_scheduler.ConstantLR(optimizer, factor=1.0),
    lr_scheduler.PolynomialLR(optimizer, total_iters=4),
]
scheduler = lr_scheduler.SequentialLR(optimizer, parts, milestones=[2, 4])
rates = []
for _ in range(8):
    rates.append(scheduler.get_last_lr()[0])
    optimizer.step()
    scheduler.step()
torch.tensor(rates[:4])  # tensor([0.5000, 0.7500, 1.0000, 1.0000])
torch.tensor(rates[4:])  # tensor([1.0000, 0.7500, 0.5000, 0.2500])

# %%
# Why warm up: the first steps of Adam are full steps
# ---------------------------------------------------
#
# After bias correction the first step has the size ``lr`` wherever a
# gradient is, however noisy. Warm-up keeps those steps small until the
# running means are settled.
def moved(factor):
    w = torch.zeros(2, requires_grad=True)
    optimizer = torch.optim.Adam([w], lr=0.5)
    lr_scheduler.LinearLR(optimizer, factor, total_iters=10)
    w.grad = torch.tensor([1e-3, -10.0])
    optimizer.step()
    return w.detach()


moved(factor=1.0)  # tensor([-0.5000,  0.5000])
moved(factor=0.1)  # tensor([-0.0500,  0.0500])

# %%
# Warm-up is over too soon or too late: it counts ``scheduler.step``
# ------------------------------------------------------------------
#
# ``total_iters`` is a number of calls of ``scheduler.step``, so give the
# warm-up in batches if you call it after each batch. A warm-up of 6 batches
# that is stepped once an epoch lasts for 6 epochs. A formula of your own
# needs the number of all batches so far, not that of the batch in its
# epoch.
batches, epochs = 3, 2
w = torch.zeros(1, requires_grad=True)


def rate_after(steps):
    optimizer = torch.optim.SGD([w], lr=1.0)
    scheduler = lr_scheduler.LinearLR(optimizer, 0.1, total_iters=6)
    for _ in range(steps):
        optimizer.step()
        scheduler.step()
    return round(scheduler.get_last_lr()[0], 4)


rate_after(batches * epochs)  # 1.0
rate_after(epochs)  # 0.4
[e * batches + b for e in range(2) for b in range(3)]  # [0, 1, 2, 3, 4, 5]

# %%
# The peak comes one step late: what ``LinearLR`` counts
# ------------------------------------------------------
#
# The first step is made with the start factor. After ``total_iters`` calls
# of ``scheduler.step`` the factor is 1, so the next step is the first one
# with the full rate. For a warm-up of n steps that ends with the full rate
# in step n, start at ``1 / n`` and give ``total_iters=n - 1``.
w = torch.zeros(1, requires_grad=True)


def rates_used(start, total_iters):
    optimizer = torch.optim.SGD([w], lr=1.0)
    warmup = lr_scheduler.LinearLR(optimizer, start, 1.0, total_iters)
    rates = []
    for _ in range(5):
        rates.append(warmup.get_last_lr()[0])
        optimizer.step()
        warmup.step()
    return torch.tensor(rates)


rates_used(0.2, 4)  # tensor([0.2000, 0.4000, 0.6000, 0.8000, 1.0000])
rates_used(0.25, 3)  # tensor([0.2500, 0.5000, 0.7500, 1.0000, 1.0000])
