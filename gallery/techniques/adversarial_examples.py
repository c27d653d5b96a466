"""
Adversarial examples: FGSM with ``torch.autograd.grad``, and a defence
======================================================================

The fast gradient sign method (FGSM) changes every pixel by at most
``epsilon`` in the direction that raises the loss. With an ``epsilon`` of
0.15, the test accuracy of a classifier falls from more than 93 % to less
than 40 %. Random changes of the same size do little. A network trained on
attacked images keeps an accuracy of more than 50 % under the attack.
"""
from contextlib import suppress

import matplotlib.pyplot as plt
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset, random_split

# %%
# Digits with pixels in [0, 1]
# ----------------------------
#
# The pixels are scaled to the range from 0 to 1. An ``epsilon`` of 0.1 is a
# tenth of the way from the darkest to the brightest pixel.
torch.manual_seed(0)
device = torch.get_default_device()
generator = torch.Generator(device=device).manual_seed(0)
digits = load_digits()
images = torch.tensor(digits.images, dtype=torch.float32, device=device)
labels = torch.tensor(digits.target, device=device)
dataset = TensorDataset(images.unsqueeze(1) / 16, labels)
train_set, test_set = random_split(
    dataset, [0.7, 0.3], generator=generator
)
train_loader = DataLoader(
    train_set, batch_size=64, shuffle=True, generator=generator
)
test_inputs, test_targets = test_set[:]
test_inputs.shape  # torch.Size([539, 1, 8, 8])


# %%
# FGSM
# ----
#
# The attack works on a copy of the batch that requires a gradient. The copy
# is a leaf, that is, a new graph begins there. ``torch.autograd.grad``
# returns the gradient with respect to the images and does not write to
# ``.grad``. ``clamp`` keeps the pixels between 0 and 1.
def fgsm(model, inputs, targets, epsilon):
    adversarial = inputs.clone().detach().requires_grad_()
    loss = F.cross_entropy(model(adversarial), targets)
    (gradient,) = torch.autograd.grad(loss, adversarial)
    adversarial = inputs.detach() + epsilon * gradient.sign()
    return adversarial.clamp(0, 1)


# %%
# Train with and without an attack on each batch
# ----------------------------------------------
#
# Adversarial training is the ordinary training loop on attacked images.
# Each batch is attacked again, with the gradients of the current model. If
# ``epsilon`` is 0, the batch stays as it is.
def train(epsilon, epochs=12):
    model = nn.Sequential(
        nn.Conv2d(1, 16, kernel_size=3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, kernel_size=3, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(32 * 4 * 4, 10),
    )
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    for _ in range(epochs):
        for inputs, targets in train_loader:
            if epsilon:
                inputs = fgsm(model, inputs, targets, epsilon)
            optimizer.zero_grad()
            F.cross_entropy(model(inputs), targets).backward()
            optimizer.step()
    optimizer.zero_grad()
    return model.eval()


plain = train(epsilon=0.0)
hardened = train(epsilon=0.15)

# %%
# The attack has no side effects
# ------------------------------
#
# The attack does not change the caller's batch or the model, and its result
# requires no gradient. No pixel changes by more than ``epsilon``, and the
# loss of the batch more than doubles.
batch, answers = test_inputs[:64].clone(), test_targets[:64]
attacked = fgsm(plain, batch, answers, epsilon=0.1)
batch.requires_grad, attacked.requires_grad  # (False, False)
all(p.grad is None for p in plain.parameters())  # True
(attacked - batch).abs().max() <= 0.1 + 1e-6  # tensor(True)
before = F.cross_entropy(plain(batch), answers).item()
after = F.cross_entropy(plain(attacked), answers).item()
after > 2 * before  # True


# %%
# A common version of FGSM, and its side effects
# ----------------------------------------------
#
# This version sets ``requires_grad`` on the caller's tensor and calls
# ``backward()``. Afterwards the batch still requires a gradient, and so
# does the result, which holds on to its graph. The model keeps gradients
# that the next ``optimizer.step()`` would use. Without ``clamp``, some
# pixels are below 0.
def stale_fgsm(model, inputs, targets, epsilon):
    inputs.requires_grad = True
    F.cross_entropy(model(inputs), targets).backward()
    return inputs + epsilon * inputs.grad.sign()


attacked = stale_fgsm(plain, batch, answers, epsilon=0.1)
batch.requires_grad, attacked.requires_grad  # (True, True)
all(p.grad is None for p in plain.parameters())  # False
attacked.min() < 0  # tensor(True)

# %%
# The second call attacks with the sum of two gradients
# -----------------------------------------------------
#
# ``backward()`` adds to ``.grad``. After a second call on the same batch,
# the stored gradient is twice as large, and with two models it would mix
# the gradients of both. If the batch was computed from a tensor that
# requires a gradient, it is not a leaf, and this version raises an error.
first = batch.grad.clone()
stale_fgsm(plain, batch, answers, epsilon=0.1)
torch.allclose(batch.grad, 2 * first, rtol=1e-3, atol=1e-6)  # True
computed = batch * 1.0
with suppress(RuntimeError):
    stale_fgsm(plain, computed, answers, 0.1)  # RuntimeError: only change
fgsm(plain, computed, answers, 0.1)  # shape (64, 1, 8, 8)
plain.zero_grad()


# %%
# Measure the accuracy for several values of ``epsilon``
# ------------------------------------------------------
#
# ``random_signs`` changes each pixel by at most ``epsilon``, as FGSM does,
# but in a random direction. The comparison shows whether the direction
# matters.
def accuracy(model, inputs):
    with torch.inference_mode():
        right = model(inputs).argmax(dim=1) == test_targets
    return right.float().mean().item()


def random_signs(inputs, epsilon):
    options = {"generator": generator, "device": device}
    signs = torch.randint(0, 2, inputs.shape, **options) * 2 - 1
    return (inputs + epsilon * signs).clamp(0, 1)


epsilons = [0.0, 0.05, 0.1, 0.15, 0.2]
curves = {"plain, FGSM": [], "plain, random": [], "hardened, FGSM": []}
for epsilon in epsilons:
    noisy = random_signs(test_inputs, epsilon)
    batches = [fgsm(plain, test_inputs, test_targets, epsilon), noisy]
    batches += [fgsm(hardened, test_inputs, test_targets, epsilon)]
    models = plain, plain, hardened
    for curve, model, batch in zip(
        curves.values(), models, batches, strict=True
    ):
        curve.append(accuracy(model, batch))

# %%
# A stronger attack: PGD, many small steps
# ----------------------------------------
#
# Projected gradient descent (PGD) repeats FGSM with small steps and brings
# the result back into the allowed range after each step. It finds errors
# that a single step misses, so the accuracy under FGSM is too optimistic
# for a hardened network.
def pgd(model, inputs, targets, epsilon, steps=10):
    adversarial = inputs
    for _ in range(steps):
        adversarial = fgsm(model, adversarial, targets, epsilon / 4)
        change = (adversarial - inputs).clamp(-epsilon, epsilon)
        adversarial = inputs + change
    return adversarial


attacked = pgd(hardened, test_inputs, test_targets, epsilon=0.15)
(attacked - test_inputs).abs().max() <= 0.15 + 1e-6  # tensor(True)
after_pgd = accuracy(hardened, attacked)
after_pgd < curves["hardened, FGSM"][3]  # True

# %%
# What was reached
# ----------------
#
# With ``epsilon`` 0.15, the plain network has less than 40 % accuracy under
# FGSM and more than 85 % with random changes. The hardened network keeps
# more than 50 % under FGSM and more than 92 % on clean images. Left: four
# digits and the predictions of the plain network. The images at the top are
# clean, and those at the bottom are attacked with 0.15. Right: the test
# accuracy for each ``epsilon``.
for name, curve in curves.items():
    print(f"{name:15}", [f"{value:.3f}" for value in curve])
print(f"{after_pgd=:.3f}")
attacked, noisy, defended = curves.values()
assert attacked[0] > 0.93 and defended[0] > 0.92, curves
assert attacked[3] < 0.4 and noisy[3] > 0.85, curves
assert defended[3] > max(0.5, attacked[3] + 0.25), curves

shown = fgsm(plain, test_inputs, test_targets, epsilon=0.15)
shown = torch.cat([test_inputs[:4], shown[:4]])
predicted = plain(shown).argmax(dim=1)
figure = plt.figure(figsize=(9, 3.6), layout="constrained")
left, right = figure.subfigures(1, 2)
for i, ax in enumerate(left.subplots(2, 4).flat):
    ax.imshow(shown[i, 0].cpu().numpy(), cmap="gray", vmin=0, vmax=1)
    ax.set_title(predicted[i].item())
    ax.set_axis_off()
ax = right.subplots()
for name, style in zip(curves, ("o-", "s:", "^--"), strict=True):
    ax.plot(epsilons, curves[name], style, label=name)
ax.set(xlabel="epsilon", ylabel="test accuracy", ylim=(0, 1))
ax.legend(loc="lower left")
