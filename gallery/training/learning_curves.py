"""
Learning curves: would more data help? Accuracy against sample count
====================================================================

A learning curve shows the accuracy on the training set and on the
validation set when the same model is trained with more and more samples. If
the training accuracy is high and the validation accuracy much lower, the
model has high variance, and more data helps. If both accuracies are low,
the model has high bias, so try a larger model or longer training. This page
draws both cases with five runs per size, and the large model reaches more
than 93 % accuracy on the test set.
"""
import matplotlib.pyplot as plt
import torch
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_digits
from sklearn.model_selection import learning_curve
from torch import nn
from torch.nn import functional as F
from tqdm import tqdm

# %%
# Data: one training set to take parts of, one validation set
# -----------------------------------------------------------
#
# 1,797 handwritten digits are shuffled and split. The training parts have
# 60 to 960 samples. All of them use the same validation set, so the points
# of a curve can be compared. The test set is used only at the end.
torch.manual_seed(0)
device = torch.get_default_device()
digits = load_digits()
images = torch.tensor(digits.data, dtype=torch.float32, device=device) / 16
labels = torch.tensor(digits.target, device=device)
order = torch.randperm(len(images))
x_train, x_val, x_test = images[order].split([960, 400, 437])
y_train, y_val, y_test = labels[order].split([960, 400, 437])
sizes = [60, 120, 240, 480, 960]


# %%
# Train each size with the same number of steps
# ---------------------------------------------
#
# The small model is linear and sees only four numbers, which are the sums
# of the four quarters of an image. The large model sees all pixels. ``fit``
# draws batches of 32 samples and counts steps. With a fixed number of
# epochs, a small training part would get fewer steps than a large one.
def make_model(name="large"):
    if name == "small":
        quarters = nn.AvgPool2d(4, divisor_override=1)
        return nn.Sequential(
            nn.Unflatten(1, (1, 8, 8)),
            quarters,
            nn.Flatten(),
            nn.Linear(4, 10),
        )
    return nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))


def fit(model, x, y, steps=150):
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.02)
    decay = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.01, steps)
    for _ in range(steps):
        rows = torch.randint(len(x), (32,))
        optimizer.zero_grad()
        F.cross_entropy(model(x[rows]), y[rows]).backward()
        optimizer.step()
        decay.step()
    return model


@torch.inference_mode()
def accuracy(model, x, y):
    return (model(x).argmax(dim=1) == y).float().mean().item()


# %%
# The curve: training and validation accuracy for each size, five runs
# --------------------------------------------------------------------
#
# Each run has its own order of the samples, initial weights and batches.
# Within a run, each training part contains the smaller ones. The training
# accuracy is measured on the samples that the model was trained on.
def curve(name, runs=5):
    points = []
    for _ in tqdm(range(runs), disable=None):
        order = torch.randperm(960)
        for n in sizes:
            x, y = x_train[order[:n]], y_train[order[:n]]
            model = fit(make_model(name), x, y)
            on_val = accuracy(model, x_val, y_val)
            points.append([accuracy(model, x, y), on_val])
    return torch.tensor(points).view(runs, len(sizes), 2)


curves = {name: curve(name) for name in ("small", "large")}
means = {name: points.mean(dim=0) for name, points in curves.items()}
for name, mean in means.items():
    for n, (train, val) in zip(sizes, mean.tolist(), strict=True):
        print(f"{name} {n=:3} {train=:.3f} {val=:.3f}")


# %%
# Bias or variance: which gap is larger?
# --------------------------------------
#
# ``reach`` is the accuracy that you consider possible, for example the
# accuracy of people. The gap between ``reach`` and the training accuracy
# indicates bias. The gap between the training accuracy and the validation
# accuracy indicates variance.
def larger_gap(train, val, reach=0.99):
    bias, variance = reach - train, train - val
    return "bias" if bias > variance else "variance"


larger_gap(train=0.99, val=0.70)  # 'variance'
larger_gap(train=0.60, val=0.55)  # 'bias'
larger_gap(*means["large"][0].tolist())  # 'variance'
larger_gap(*means["small"][-1].tolist())  # 'bias'

# %%
# High variance: more data helps
# ------------------------------
#
# With 60 samples, the large model reaches 100 % accuracy on the training
# samples and less than 90 % on the validation set. The validation accuracy
# rises when the number of samples grows from 60 to 240, and again, but
# less, from 240 to 960. If you cannot get more data, use augmentation or
# regularization: see :doc:`/gallery/techniques/overfitting`.
train, val = means["large"].T
train[0]  # tensor(1.)
val[0] < 0.9  # tensor(True)
gains = val[[2, 4]] - val[[0, 2]]
print(gains)
gains[0] > gains[1] > 0  # tensor(True)

# %%
# High bias: more data does not help
# ----------------------------------
#
# Four sums are not enough to tell ten classes apart. With 960 samples, the
# training and validation accuracies are close together, and the validation
# accuracy is below 70 %. The large model has a higher validation accuracy
# with an eighth of the samples.
train, val = means["small"].T
(train[-1] - val[-1]).abs() < 0.1  # tensor(True)
val[-1] < 0.7  # tensor(True)
means["large"][1, 1] > val[-1]  # tensor(True)


# %%
# Does longer training help?
# --------------------------
#
# Compare the same two accuracies for different numbers of steps. With 960
# samples, the validation accuracy rises from 10 to 100 steps. With 60
# samples, the training accuracy is 100 % after 100 steps, and the
# validation accuracy is still below 96 % after 300 steps.
def by_steps(n, steps_list=(10, 100, 300)):
    points = []
    for steps in steps_list:
        x, y = x_train[:n], y_train[:n]
        model = fit(make_model(), x, y, steps)
        on_val = accuracy(model, x_val, y_val)
        points.append([accuracy(model, x, y), on_val])
    return torch.tensor(points)


few, many = by_steps(60), by_steps(960)
print(few, many, sep="\n")
many[1, 1] > many[0, 1] + 0.05  # tensor(True)
few[1, 0]  # tensor(1.)
few[2, 1] < 0.96  # tensor(True)

# %%
# How much would twice the data help? A line in log-log axes
# ----------------------------------------------------------
#
# The validation error often falls like a power of the number of samples,
# which is a straight line in log-log axes. Here a line fitted to the first
# three sizes predicts the error for twice as many samples (480) to within a
# factor of two.
error = 1 - means["large"][:, 1].cpu()
log_n = torch.tensor(sizes, device="cpu").float().log()
columns = torch.stack([log_n, torch.ones_like(log_n)], dim=1)
line = torch.linalg.lstsq(columns[:3], error[:3].log().unsqueeze(1))
predicted = (columns @ line.solution).exp().squeeze(1)
for n, one, other in zip(sizes, error, predicted, strict=True):
    print(f"{n=:3} error={one:.3f} predicted={other:.3f}")
slope = line.solution[0].item()
-1.0 < slope < -0.2  # True
0.5 < (predicted[3] / error[3]).item() < 2.0  # True

# %%
# One run is not enough
# ---------------------
#
# With 60 samples, the accuracy depends on which samples were drawn, and its
# standard deviation over the runs is larger than with 960. If two single
# results differ by less than this standard deviation, do not draw a
# conclusion from them.
spread = curves["large"][:, :, 1].std(dim=0)
print(spread)
spread[0] > spread[-1]  # tensor(True)

# %%
# Mistake: the same number of epochs for each size
# ------------------------------------------------
#
# Five epochs are 150 steps with 960 samples, but only 5 steps with 30. The
# low training accuracy then looks like bias, but its cause is the small
# number of steps.
x, y = x_train[:30], y_train[:30]
[5 * len(x_train[:n].split(32)) for n in (30, 960)]  # [5, 150]
hurried = fit(make_model(), x, y, steps=5)
patient = fit(make_model(), x, y, steps=150)
accuracy(hurried, x, y) < 0.9  # True
accuracy(patient, x, y)  # 1.0

# %%
# Mistake: the first samples of a sorted dataset
# ----------------------------------------------
#
# Datasets are often sorted by class. Here the first 60 rows then hold a
# single digit, so the model learns only this digit. Shuffle the samples
# before you take a part of them.
in_order = y_train.sort().indices
y_train[in_order[:60]].unique()  # tensor([0])
y_train[:60].unique().numel() >= 9  # True
x, y = x_train[in_order[:60]], y_train[in_order[:60]]
one_class = fit(make_model(), x, y)
accuracy(one_class, x, y)  # 1.0
accuracy(one_class, x_val, y_val) < 0.2  # True


# %%
# The same with ``sklearn.model_selection.learning_curve``
# --------------------------------------------------------
#
# scikit-learn calls ``fit`` and ``predict`` of an estimator, so a small
# class around the model is enough. ``cv`` takes a list of pairs, here a
# single pair with the row numbers of the training and the validation set.
# scikit-learn finds the same accuracies as our own loop.
class Classifier(ClassifierMixin, BaseEstimator):
    def fit(self, x, y):
        torch.manual_seed(0)
        x = torch.tensor(x, device=device)
        y = torch.tensor(y, device=device)
        self.model_ = fit(make_model(), x, y, steps=50)
        self.classes_ = y.unique().tolist()
        return self

    def predict(self, x):
        with torch.inference_mode():
            logits = self.model_(torch.tensor(x, device=device))
        return logits.argmax(dim=1).cpu().numpy()


rows = [*range(960)], [*range(960, 1360)]
x, y = images[order].cpu().numpy(), labels[order].cpu().numpy()
used, on_train, on_val = learning_curve(
    Classifier(), x, y, train_sizes=[60, 240], cv=[rows]
)
used.tolist(), on_val.shape  # ([60, 240], (2, 1))
for i, n in enumerate(used.tolist()):
    torch.manual_seed(0)
    model = fit(make_model(), x_train[:n], y_train[:n], steps=50)
    own = accuracy(model, x_train[:n], y_train[:n])
    abs(own - on_train[i].item()) < 1e-6  # True
    own = accuracy(model, x_val, y_val)
    abs(own - on_val[i].item()) < 1e-6  # True

# %%
# The result: learning curves of a small and a large model
# --------------------------------------------------------
#
# The large model is trained with all 960 samples and measured once on the
# test set. Left: the training accuracy (dots) and validation accuracy
# (line) of the small model meet at a low value. Right: the training
# accuracy of the large model stays near 100 %, and the validation accuracy
# rises towards it. The bands show one standard deviation over the runs.
final = fit(make_model(), x_train, y_train)
test_accuracy = accuracy(final, x_test, y_test)
print(f"{test_accuracy=:.3f}")
assert 0.93 < test_accuracy <= 1.0, test_accuracy
assert means["large"][-1, 1] > means["large"][0, 1] + 0.1
assert means["large"][-1, 1] > means["small"][-1, 1] + 0.1

figure, axes = plt.subplots(1, 2, figsize=(9, 3.8), sharey=True)
for ax, (title, points) in zip(axes, curves.items(), strict=True):
    for i, (name, style) in enumerate([("train", "C0o:"), ("val", "C1-")]):
        mean, std = points[:, :, i].mean(dim=0), points[:, :, i].std(dim=0)
        ax.plot(sizes, mean.tolist(), style, label=name)
        band = (mean - std).tolist(), (mean + std).tolist()
        ax.fill_between(sizes, *band, color=style[:2], alpha=0.2)
    ax.set_xscale("log")
    ax.set_xticks(sizes, sizes, minor=False)
    ax.set_xticks([], minor=True)
    ax.set(xlabel="samples", title=title, ylim=(0, 1.05))
axes[0].set_ylabel("accuracy")
axes[1].legend(loc="lower right")
figure.tight_layout()
