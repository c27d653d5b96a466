"""
Collating
=========

Combine a list of samples into one batch, for tensors, dictionaries,
sequences of unequal length and images of different sizes.
"""
from collections import Counter
from contextlib import suppress

import numpy as np
import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_sequence
from torch.utils.data import DataLoader, default_collate, default_convert

# %%
# What a loader does with a list of samples: ``default_collate``
# --------------------------------------------------------------
#
# ``default_collate`` stacks tensors and arrays along a new first dimension.
# It converts numbers to a tensor and keeps strings in a list. Python floats
# become float64, which raises an error in a float32 model, so convert them
# to float32 tensors in the dataset.
a, b = torch.tensor([1, 2]), torch.tensor([3, 4])
default_collate([a, b])  # tensor([[1, 2], [3, 4]])
default_collate([np.array([1, 2])])  # tensor([[1, 2]])
default_collate([5, 6])  # tensor([5, 6])
default_collate([0.5, 1.5])  # tensor([0.5, 1.5], dtype=torch.float64)
default_collate(["cat", "dog"])  # ['cat', 'dog']

# %%
# Batches of tuples and dicts: ``default_collate``
# ------------------------------------------------
#
# The batch has the same structure as a sample, with a batch in the place of
# each value. A tuple becomes a list of batches. A dict keeps the keys of
# the first sample, so a key that the first sample does not have is dropped
# without a warning.
pairs = [(1, "cat"), (2, "dog")]
default_collate(pairs)  # [tensor([1, 2]), ('cat', 'dog')]
samples = [{"x": 1, "box": {"w": 3}}, {"x": 2, "box": {"w": 4}, "id": 9}]
batch = default_collate(samples)
batch["box"]["w"]  # tensor([3, 4])
list(batch)  # ['x', 'box']
with suppress(KeyError):
    default_collate(samples[::-1])  # KeyError: 'id'

# %%
# Arrays to tensors without a batch: ``default_convert``
# ------------------------------------------------------
#
# A loader with ``batch_size=None`` applies ``default_convert`` to each
# sample. It converts NumPy arrays to tensors and tuples to lists, and
# leaves numbers and strings unchanged. ``torch.utils.data.default_collate``
# also converts numbers to tensors.
sample = {"x": np.array([1, 2]), "label": 3, "name": "cat"}
converted = default_convert(sample)
converted["x"]  # tensor([1, 2])
converted["label"], converted["name"]  # (3, 'cat')
default_convert((1, "cat"))  # [1, 'cat']
default_collate([sample])["label"]  # tensor([3])
(from_loader,) = DataLoader([sample], batch_size=None)
from_loader["x"]  # tensor([1, 2])

# %%
# Write your own batch function: ``DataLoader(collate_fn=...)``
# -------------------------------------------------------------
#
# ``collate_fn`` receives the list of samples and returns the batch, which
# can be an object of any type. Often it calls
# ``torch.utils.data.default_collate`` and then changes the result, as here.
def scale(samples):
    x, y = default_collate(samples)
    return {"x": x.float() / 255, "y": y}


samples = [(torch.tensor([0, 255]), 1), (torch.tensor([51, 102]), 0)]
(batch,) = DataLoader(samples, batch_size=2, collate_fn=scale)
batch["x"]  # tensor([[0.0000, 1.0000], [0.2000, 0.4000]])
batch["y"]  # tensor([1, 0])

# %%
# Sequences of unequal length: ``collate_fn`` with ``pad_sequence``
# -----------------------------------------------------------------
#
# ``default_collate`` raises an error for lists of unequal length.
# ``pad_sequence`` pads the sequences to the longest one in the batch.
# Return the lengths as well, or a mask computed from them, because a
# padding value of 0 looks like a real 0.
def pad(samples):
    sequences, targets = zip(*samples)
    lengths = torch.tensor([len(sequence) for sequence in sequences])
    padded = pad_sequence(sequences, batch_first=True, padding_value=0)
    return padded, lengths, torch.tensor(targets)


samples = [([7, 8, 9], 1), ([5], 0), ([3, 4], 1)]
with suppress(RuntimeError):
    default_collate(
        samples
    )  # RuntimeError: each element in list of batch should be of equal size
samples = [(torch.tensor(words), target) for words, target in samples]
(batch,) = DataLoader(samples, batch_size=3, collate_fn=pad)
padded, lengths, targets = batch
padded  # tensor([[7, 8, 9], [5, 0, 0], [3, 4, 0]])
lengths, targets  # (tensor([3, 1, 2]), tensor([1, 0, 1]))
mask = torch.arange(padded.shape[1]) < lengths.unsqueeze(1)
mask.sum(dim=1)  # tensor([3, 1, 2])

# %%
# Words to numbers without torchtext: ``collections.Counter``
# -----------------------------------------------------------
#
# torchtext is no longer developed, and a dictionary can take its place.
# Give each of the most common words a number. Reserve 0 for the padding and
# 1 for words that are not in the vocabulary.
texts = ["the cat sat", "the dog", "the cat"]
counts = Counter(word for text in texts for word in text.split())
counts["the"], counts["sat"]  # (3, 1)
vocabulary = {"<pad>": 0, "<unk>": 1}
for word, _ in counts.most_common(2):
    vocabulary[word] = len(vocabulary)
vocabulary  # {'<pad>': 0, '<unk>': 1, 'the': 2, 'cat': 3}
numbers = [[vocabulary.get(w, 1) for w in text.split()] for text in texts]
numbers  # [[2, 3, 1], [2, 1], [2, 3]]
rows = [torch.tensor(row) for row in numbers]
pad_sequence(rows, batch_first=True)[1]  # tensor([2, 1, 0])

# %%
# Mean over padded sequences: mask first (``pad_sequence``)
# ---------------------------------------------------------
#
# A plain mean also counts the padding. Multiply by the mask, sum, and
# divide by the lengths.
#
# .. glance:: (values * mask).sum(dim=1) / lengths
values = pad_sequence(
    [torch.tensor([2.0, 4.0, 6.0]), torch.tensor([3.0])], batch_first=True
)
lengths = torch.tensor([3, 1])
values.mean(dim=1)  # tensor([4., 1.])
mask = torch.arange(3) < lengths.unsqueeze(1)
(values * mask).sum(dim=1) / lengths  # tensor([4., 3.])

# %%
# Padded batch for an RNN: ``collate_fn`` with lengths on the CPU
# ---------------------------------------------------------------
#
# ``nn.utils.rnn.pack_padded_sequence`` needs the lengths on the CPU, even
# if the batch is on a GPU. Create the lengths on the CPU in ``collate_fn``.
# With ``enforce_sorted=False`` the sequences may come in any order.
def pad(sequences):
    lengths = torch.tensor([len(s) for s in sequences], device="cpu")
    return pad_sequence(sequences, batch_first=True), lengths


samples = [torch.ones(2, 4), torch.ones(5, 4), torch.ones(3, 4)]
(batch,) = DataLoader(samples, batch_size=3, collate_fn=pad)
packed = pack_padded_sequence(
    *batch, batch_first=True, enforce_sorted=False
)
packed.data.shape  # torch.Size([10, 4])
rnn = torch.nn.GRU(4, 6, batch_first=True)
rnn(packed)[1].shape  # torch.Size([1, 3, 6])

# %%
# Lists instead of a stack: batches for object detection
# ------------------------------------------------------
#
# Images of different sizes, each with its own number of boxes, cannot be
# stacked. Turn the list of pairs into a pair of tuples. Detection models
# accept this form.
def collate(samples):
    return tuple(zip(*samples))


samples = [
    (torch.zeros(3, 20, 30), {"boxes": torch.zeros(2, 4)}),
    (torch.zeros(3, 25, 10), {"boxes": torch.zeros(0, 4)}),
]
(batch,) = DataLoader(samples, batch_size=2, collate_fn=collate)
images, targets = batch
[tuple(image.shape) for image in images]  # [(3, 20, 30), (3, 25, 10)]
[len(target["boxes"]) for target in targets]  # [2, 0]

# %%
# Error: batch must contain tensors; found NoneType: skip samples
# ---------------------------------------------------------------
#
# ``__getitem__`` returned ``None``, for example because a ``return`` is
# missing or a file could not be read. Raise an error there, or drop such
# samples in ``collate_fn``. The batches then become shorter, and
# ``collate_fn`` fails if no sample is left. Count the samples that you
# drop.
def keep(samples):
    return default_collate([s for s in samples if s is not None])


samples = [None, torch.tensor(1), torch.tensor(3), torch.tensor(4)]
loader = DataLoader(samples, batch_size=2, collate_fn=keep)
[batch.tolist() for batch in loader]  # [[1], [3, 4]]
with suppress(IndexError):
    keep([None, None])  # IndexError: list index out of range
with suppress(TypeError):
    next(
        iter(DataLoader(samples, 2))
    )  # TypeError: batch must contain tensors, ... found <class 'NoneType'>

# %%
# Error: stack expects each tensor to be equal size (``DataLoader``)
# ------------------------------------------------------------------
#
# Two samples of a batch have different shapes. With ``batch_size=1`` this
# error does not appear. Resize images in the dataset, and pad sequences in
# ``collate_fn``.
samples = [torch.zeros(3, 8, 8), torch.zeros(1, 8, 8)]
loader = DataLoader(samples, batch_size=2)
with suppress(RuntimeError):
    next(iter(loader))  # RuntimeError: stack expects each tensor to be
same = [image.expand(3, 8, 8) for image in samples]
next(iter(DataLoader(same, batch_size=2))).shape  # torch.Size([2, 3, 8, 8])

# %%
# Lists are transposed: one tensor per position (``default_collate``)
# -------------------------------------------------------------------
#
# ``default_collate`` treats a Python list as a tuple of fields, so the
# batch is a list of columns. Return a tensor from the dataset if the sample
# is a vector.
rows = [[1, 2, 3], [4, 5, 6]]
columns = default_collate(rows)
columns  # [tensor([1, 4]), tensor([2, 5]), tensor([3, 6])]
batch = default_collate([torch.tensor(row) for row in rows])
batch  # tensor([[1, 2, 3], [4, 5, 6]])
