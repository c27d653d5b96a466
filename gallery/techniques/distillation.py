"""
Knowledge distillation: train a student with ``KLDivLoss`` and a teacher
========================================================================

A small student network learns from the softened logits of a larger teacher,
which tell how similar the classes look in each image. Trained on 50 images,
the student reaches more than 80 % accuracy on the test set. A student that
is trained only on the labels of the same images has an accuracy more than 4
percentage points lower.
"""
import matplotlib.pyplot as plt
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset, random_split

# %%
# The teacher: a CNN for the whole training set
# ---------------------------------------------
#
# The teacher is a CNN with 9,930 parameters. It is trained on all 1,258
# images of the training set.
torch.manual_seed(0)
device = torch.get_default_device()
generator = torch.Generator(device=device).manual_seed(0)
digits = load_digits()
images = torch.tensor(digits.images, dtype=torch.float32, device=device)
labels = torch.tensor(digits.target, device=device)
train_set, test_set = random_split(
    TensorDataset(images.unsqueeze(1) / 16, labels),
    [0.7, 0.3],
    generator=generator,
)
train_loader = DataLoader(
    train_set, batch_size=64, shuffle=True, generator=generator
)
teacher = nn.Sequential(
    nn.Conv2d(1, 16, kernel_size=3, padding=1),
    nn.ReLU(),
    nn.MaxPool2d(2),
    nn.Conv2d(16, 32, kernel_size=3, padding=1),
    nn.ReLU(),
    nn.Flatten(),
    nn.Linear(32 * 4 * 4, 10),
)
sum(p.numel() for p in teacher.parameters())  # 9930

# %%
# Train the teacher, then freeze it
# ---------------------------------
#
# The teacher is used in evaluation mode and without a graph, because it
# gets no gradient. Its logits are the same in every epoch, so they are
# computed once.
optimizer = torch.optim.AdamW(teacher.parameters(), lr=3e-3)
for _ in range(15):
    for inputs, targets in train_loader:
        optimizer.zero_grad()
        F.cross_entropy(teacher(inputs), targets).backward()
        optimizer.step()

train_inputs, train_targets = train_set[:]
test_inputs, test_targets = test_set[:]
teacher.eval().requires_grad_(False)
teacher_logits = teacher(train_inputs)
teacher_logits.requires_grad  # False

# %%
# What the labels do not say
# --------------------------
#
# A label names one class. The softmax of the logits, divided by a
# temperature of 4, also shows which other classes come close. Top: four
# training images. Bottom: the softened probabilities of the ten classes.
figure, axes = plt.subplots(2, 4, figsize=(9, 3.6), height_ratios=(2, 1))
softened = (teacher_logits / 4).softmax(dim=1).cpu().numpy()
for i, (above, below) in enumerate(axes.T):
    above.imshow(train_inputs[i, 0].cpu().numpy(), cmap="gray")
    above.set_axis_off()
    below.bar(range(10), softened[i])
    below.set(xticks=range(10), ylim=(0, 1))
figure.tight_layout()


# %%
# The distillation loss with ``nn.KLDivLoss``
# -------------------------------------------
#
# Both distributions are softened by the temperature ``T`` and passed as
# log-probabilities, first the student's and then the teacher's.
# ``"batchmean"`` divides the sum by the batch size.
def distillation_loss(student_logits, teacher_logits, T):
    criterion = nn.KLDivLoss(reduction="batchmean", log_target=True)
    student = F.log_softmax(student_logits / T, dim=1)
    teacher = F.log_softmax(teacher_logits / T, dim=1)
    return criterion(student, teacher) * T**2


# %%
# Check the loss against the formula
# ----------------------------------
#
# The divergence is :math:`\sum_k p_k \log(p_k / q_k)`, where :math:`p` is
# the teacher. The default reduction, ``"mean"``, also divides by the ten
# classes and gives a warning. Probabilities in place of log-probabilities
# raise no error, but the value is wrong and here even negative.
q_logits, p_logits = torch.randn(2, 8, 10, dtype=torch.float64)
p, q = (p_logits / 4).softmax(dim=1), (q_logits / 4).softmax(dim=1)
by_hand = (p * (p / q).log()).sum(dim=1).mean() * 4**2
loss = distillation_loss(q_logits, p_logits, T=4)
torch.allclose(loss, by_hand)  # True
default = F.kl_div(q.log(), p) * 4**2  # UserWarning: batch size and the
torch.allclose(default, by_hand / 10)  # True
F.kl_div(q, p, reduction="batchmean") < 0  # tensor(True)

# %%
# Why ``T**2``
# ------------
#
# The gradient of a student logit is the difference of the two softened
# probabilities, times ``T`` and divided by the batch size. At high
# temperatures the difference shrinks like 1 / ``T``. With the factor
# ``T**2`` the gradient keeps its size, so you can add the loss to another
# one at any temperature.
q_logits.requires_grad_()
loss = distillation_loss(q_logits, p_logits, T=4)
(gradient,) = torch.autograd.grad(loss, q_logits)
torch.allclose(gradient, (q - p) * 4 / 8)  # True
sizes = []
for T in (10, 100):
    loss = distillation_loss(q_logits, p_logits, T)
    sizes.append(torch.autograd.grad(loss, q_logits)[0].norm())
0.9 < sizes[0] / sizes[1] < 1.1  # tensor(True)


# %%
# The student, alone or with the teacher
# --------------------------------------
#
# The student has one hidden layer of 16 units and 1,210 parameters.
# ``alpha`` is the share of the teacher in the loss, and 0 gives ordinary
# training. The seed decides the initial weights, so both ways start from
# the same weights.
def train_student(chosen, seed, alpha, T=4.0, steps=300):
    torch.manual_seed(seed)
    student = nn.Sequential(
        nn.Flatten(), nn.Linear(64, 16), nn.ReLU(), nn.Linear(16, 10)
    )
    optimizer = torch.optim.AdamW(student.parameters(), lr=5e-3)
    for _ in range(steps):
        optimizer.zero_grad()
        logits = student(train_inputs[chosen])
        hard = F.cross_entropy(logits, train_targets[chosen])
        soft = distillation_loss(logits, teacher_logits[chosen], T)
        ((1 - alpha) * hard + alpha * soft).backward()
        optimizer.step()
    return student


@torch.inference_mode()
def accuracy(model):
    right = model(test_inputs).argmax(dim=1) == test_targets
    return right.float().mean().item()


# %%
# Three sets of 50 images, three seeds
# ------------------------------------
#
# With so few images, a single run proves little. The two students of each
# pair get the same images, the same initial weights and the same number of
# steps.
alone, taught = [], []
for seed in range(3):
    chosen = slice(50 * seed, 50 * seed + 50)
    alone.append(accuracy(train_student(chosen, seed, alpha=0.0)))
    taught.append(accuracy(train_student(chosen, seed, alpha=0.9)))

# %%
# Compare temperatures
# --------------------
#
# The same three sets of images and seeds are used with four temperatures.
# To choose a temperature for your own work, measure on a validation set,
# not on the test set as here.
temperatures = [1.0, 2.0, 4.0, 8.0]
by_temperature = []
for T in temperatures:
    runs = []
    for seed in range(3):
        chosen = slice(50 * seed, 50 * seed + 50)
        runs.append(accuracy(train_student(chosen, seed, 0.9, T)))
    by_temperature.append(sum(runs) / 3)
    print(f"{T=} {by_temperature[-1]:.3f}")

# %%
# What was reached
# ----------------
#
# On average over three runs, the teacher raises the accuracy of the student
# by more than 4 percentage points. Left: the test accuracy of the three
# runs, without and with the teacher. Right: the mean for each temperature.
# The dashed line is the accuracy of the teacher.
teacher_accuracy = accuracy(teacher)
mean_alone, mean_taught = sum(alone) / 3, sum(taught) / 3
print(f"{teacher_accuracy=:.3f} {mean_alone=:.3f} {mean_taught=:.3f}")
assert teacher_accuracy > 0.94, teacher_accuracy
assert 0.65 < mean_alone < 0.9, alone
assert mean_taught > max(0.8, mean_alone + 0.04), (alone, taught)

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), sharey=True)
for x, values in enumerate((alone, taught)):
    left.plot([x] * 3, values, "o", color=f"C{x}")
for before, after in zip(alone, taught, strict=True):
    left.plot([0, 1], [before, after], ":", color="C2")
left.set(xlim=(-0.5, 1.5), xticks=[0, 1], ylabel="test accuracy")
left.set_xticklabels(["alpha=0", "alpha=0.9"])
right.semilogx(temperatures, by_temperature, "s-", color="C1", base=2)
right.set(xlabel="T", xticks=temperatures)
right.set_xticklabels(["1", "2", "4", "8"])
for ax in (left, right):
    ax.axhline(teacher_accuracy, ls="--", color="C3", label="teacher")
right.axhline(mean_alone, ls="-.", color="C0", label="alpha=0")
right.legend(loc="lower right", bbox_to_anchor=(1, 0.68))
figure.tight_layout()
