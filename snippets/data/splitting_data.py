"""
Splitting data
==============

Set samples aside for validation and test, so that no sample of the training
set is among them.
"""
import torch
from sklearn.model_selection import (
    GroupShuffleSplit,
    KFold,
    StratifiedKFold,
    train_test_split,
)
from torch.utils.data import Subset, TensorDataset, random_split

# %%
# Train, validation and test sets: ``random_split``
# -------------------------------------------------
#
# Pass fractions that add up to 1. The sizes are rounded down, and the
# remaining samples are added to the parts in turn. Use the validation set
# to choose a model, and the test set once, at the end.
dataset = TensorDataset(torch.arange(103))
generator = torch.Generator(torch.get_default_device())
parts = random_split(dataset, [0.7, 0.15, 0.15], generator=generator)
[len(part) for part in parts]  # [73, 15, 15]
train, val, test = (set(part.indices) for part in parts)
len(train | val | test)  # 103

# %%
# Same split in every run: a seeded ``generator`` (``random_split``)
# ------------------------------------------------------------------
#
# Pass a seeded generator to ``random_split``. Other random draws then do
# not change the split, and a training that you resume does not validate on
# samples from its training set. The split is the same if the dataset has
# the same order and size.
#
# .. glance:: split(1000) == val
def split(n):
    generator = torch.Generator(torch.get_default_device())
    generator.manual_seed(42)
    _, val = random_split(range(n), [0.8, 0.2], generator=generator)
    return val.indices


val = split(1000)
torch.rand(5)  # shape (5,)
split(1000) == val  # True
seen = set(split(1001)) - set(val)
len(seen) > 100  # True

# %%
# Split by index and keep the indices: ``torch.randperm``, ``Subset``
# -------------------------------------------------------------------
#
# One list of indices can split two datasets, such as the same files with
# augmentation for training and without it for validation. Save the list
# with the checkpoint.
order = torch.randperm(10).tolist()
plain = TensorDataset(torch.arange(10))
augmented = TensorDataset(torch.arange(10) + 100)
train = Subset(augmented, order[:8])
val = Subset(plain, order[8:])
min(value.item() for (value,) in train) >= 100  # True
sorted(train.indices + val.indices) == list(range(10))  # True

# %%
# Same share of each class: ``train_test_split(stratify=...)``
# ------------------------------------------------------------
#
# If a class has few samples, a random split may leave a part without this
# class. A stratified split keeps the share of each class. Split the indices
# and stratify by the targets, because scikit-learn does not need the
# samples themselves.
targets = torch.tensor([0] * 90 + [1] * 10)
train, val = train_test_split(
    range(100), test_size=0.2, stratify=targets.tolist(), random_state=0
)
targets[train].bincount()  # tensor([72,  8])
targets[val].bincount()  # tensor([18,  2])
rare = [targets[torch.randperm(100)[:20]].sum() for _ in range(200)]
len(torch.stack(rare).unique()) > 1  # True

# %%
# Cross-validation: ``KFold``
# ---------------------------
#
# Cross-validation divides the samples into k parts and uses each part once
# for validation and the others for training. Each such split is called a
# fold. Train a new model for each fold, and report the mean and the spread
# of the k results.
dataset = TensorDataset(torch.arange(6))
held_out = []
for train, val in KFold(3, shuffle=True, random_state=0).split(range(6)):
    part = Subset(dataset, val.tolist())
    held_out += [value.item() for (value,) in part]
    len(train), len(val)  # (4, 2)
    len(set(train) & set(val))  # 0
sorted(held_out)  # [0, 1, 2, 3, 4, 5]

# %%
# Cross-validation with rare classes: ``StratifiedKFold``
# -------------------------------------------------------
#
# ``StratifiedKFold`` also takes the targets and keeps the shares of the
# classes in each fold. ``KFold`` without ``shuffle`` fails for sorted data.
# In the last fold here, no sample of class 1 is left for training.
targets = torch.tensor([0] * 8 + [1] * 4)
y = targets.tolist()
folds = StratifiedKFold(4).split(y, y)
counts = [targets[val].bincount().tolist() for _, val in folds]
counts  # [[2, 1], [2, 1], [2, 1], [2, 1]]
folds = KFold(3).split(y)
counts = [targets[train].bincount().tolist() for train, _ in folds]
counts  # [[4, 4], [4, 4], [8]]

# %%
# Time series: train on the past, validate on later values
# --------------------------------------------------------
#
# With a random split, the model often sees both neighbours of a value that
# it should predict. Split at one moment instead. Leave out the windows that
# overlap both parts, here 3, which is the length of a window minus one.
series = torch.arange(20)
windows = series.unfold(0, 4, 1).contiguous()
windows.shape  # torch.Size([17, 4])
train, val = windows[:10], windows[10:]
overlap = torch.isin(train, val)
overlap.any()  # tensor(True)
gap = 3
val = windows[10 + gap :]
torch.isin(train, val).any()  # tensor(False)
train.max(), val.min()  # (tensor(12), tensor(13))

# %%
# Patients, users, videos kept together: ``GroupShuffleSplit``
# ------------------------------------------------------------
#
# Images of one patient look alike. A model that has seen the patient does
# well in validation and worse on new patients. Split the groups instead of
# the samples.
patient = torch.tensor([0, 0, 0, 1, 1, 2, 2, 2, 3, 4])
splitter = GroupShuffleSplit(n_splits=1, test_size=0.4, random_state=0)
train, val = next(splitter.split(patient.tolist(), groups=patient.tolist()))
torch.isin(patient[train], patient[val]).any()  # tensor(False)
patient[val].unique().numel()  # 2
len(train) + len(val)  # 10

# %%
# Duplicates leak from training to validation
# -------------------------------------------
#
# Here each sample appears twice. After a random split into halves, about
# half of the validation samples are also in the training set. Remove
# duplicates before you split. ``torch.unique`` with ``dim=0`` compares
# rows.
samples = torch.randn(500, 4).repeat(2, 1)
order = torch.randperm(1000)
train, val = samples[order[:500]], samples[order[500:]]
known = set(map(tuple, train.tolist()))
share = sum(tuple(row) in known for row in val.tolist()) / 500
0.35 < share < 0.65  # True
samples.unique(dim=0).shape  # torch.Size([500, 4])

# %%
# Data sorted by class: shuffle before you slice off 80 percent
# -------------------------------------------------------------
#
# Files are often sorted by folder and therefore by class. If you slice
# them, the parts hold different classes. Apply a random permutation first.
targets = torch.arange(10).repeat_interleave(50)
train, val = targets[:400], targets[400:]
train.unique().tolist()  # [0, 1, 2, 3, 4, 5, 6, 7]
val.unique().tolist()  # [8, 9]
mixed = targets[torch.randperm(500)]
mixed[:400].unique().numel(), mixed[400:].unique().numel()  # (10, 10)
