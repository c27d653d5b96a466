"""
Recipes for datasets
====================

Common tasks with datasets: return file names with the samples, select
classes, read all samples at once, shorten an epoch, read MATLAB files.
"""
from contextlib import suppress
from io import BytesIO
from itertools import islice

import numpy as np
import torch
import torch.nn.functional as F
from scipy import io
from torch.utils.data import (
    ConcatDataset,
    DataLoader,
    Dataset,
    IterableDataset,
    RandomSampler,
    Subset,
    TensorDataset,
    get_worker_info,
    random_split,
)
from torchvision.transforms import v2


# %%
# File name or index of each sample in the batch: wrap the dataset
# ----------------------------------------------------------------
#
# Return the index or the path together with the sample. A wrong prediction
# can then be traced back to its file. In the batch the strings are not made
# into a tensor. With ``ImageFolder``, the path of a sample is
# ``folder.samples[index][0]``.
class WithIndex(Dataset):
    def __init__(self, data, names):
        self.data, self.names = data, names

    def __len__(self):
        return len(self.data)

    def __getitem__(self, index):
        return self.data[index], self.names[index], index


data = WithIndex([10, 11, 12], ["a.png", "b.png", "c.png"])
x, names, index = next(iter(DataLoader(data, batch_size=2)))
x  # tensor([10, 11])
names  # ('a.png', 'b.png')
index  # tensor([0, 1])

# %%
# Some classes only, such as digits 3 and 8: ``Subset``, ``torch.isin``
# ---------------------------------------------------------------------
#
# Find the indices of the samples from the targets, and pass them to
# ``Subset``. The labels keep their old values. A model with two outputs
# needs the labels 0 and 1, so convert them with ``torch.searchsorted``.
targets = torch.tensor([3, 0, 8, 3, 1])
data = TensorDataset(torch.arange(5), targets)
wanted = torch.tensor([3, 8])
numbers = torch.isin(targets, wanted).nonzero().flatten().tolist()
numbers  # [0, 2, 3]
part = Subset(data, numbers)
labels = torch.stack([label for _, label in part])
labels  # tensor([3, 8, 3])
torch.searchsorted(wanted, labels)  # tensor([0, 1, 0])


# %%
# Joined datasets use the same labels for different classes: add an offset
# ------------------------------------------------------------------------
#
# Each dataset numbers its classes from 0, and ``ConcatDataset`` keeps these
# labels. Add the number of classes of the first dataset to the labels of
# the second. With ``ImageFolder``, pass a function that does so as
# ``target_transform``.
class Shifted(Dataset):
    def __init__(self, data, offset):
        self.data, self.offset = data, offset

    def __len__(self):
        return len(self.data)

    def __getitem__(self, index):
        x, label = self.data[index]
        return x, label + self.offset


animals, plants = [("cat", 0), ("dog", 1)], [("oak", 0), ("fir", 1)]
[label for _, label in ConcatDataset([animals, plants])]  # [0, 1, 0, 1]
both = ConcatDataset([animals, Shifted(plants, offset=2)])
[label for _, label in both]  # [0, 1, 2, 3]

# %%
# Error: 'Subset' object has no attribute 'targets'
# -------------------------------------------------
#
# ``random_split`` returns ``Subset`` objects. The attribute ``dataset``
# holds the whole dataset, and ``indices`` holds the indices of the samples.
# Use them to select the targets of this part.
data = TensorDataset(torch.arange(6))
data.targets = torch.tensor([0, 0, 1, 1, 2, 2])
part = Subset(data, [4, 0, 2])
with suppress(AttributeError):
    part.targets  # AttributeError: 'Subset' object has no attribute
part.dataset.targets[part.indices]  # tensor([2, 0, 1])
generator = torch.Generator(torch.get_default_device())
train, val = random_split(data, [4, 2], generator=generator)
type(train).__name__, len(val.indices)  # ('Subset', 2)

# %%
# All samples as one tensor: one batch of ``len(data)``
# -----------------------------------------------------
#
# If the dataset fits into memory, one batch with all samples gives it as
# tensors, with its transforms applied. To join the batches of a loader,
# collect them in a list and call ``torch.cat`` once at the end.
inputs, labels = torch.arange(6.0).reshape(3, 2), torch.tensor([0, 1, 1])
data = TensorDataset(inputs, labels)
x, y = next(iter(DataLoader(data, batch_size=len(data))))
x.shape, y  # (torch.Size([3, 2]), tensor([0, 1, 1]))
parts = [x for x, _ in DataLoader(data, batch_size=2)]
torch.equal(torch.cat(parts), x)  # True

# %%
# Error: Trying to resize storage that is not resizable (in a worker)
# -------------------------------------------------------------------
#
# The worker allocates memory for the batch from the shape of its first
# sample, and another sample has fewer elements. Without workers the same
# mistake gives "stack expects each tensor to be equal size". Resize, crop
# or pad the samples to one shape.
samples = [torch.zeros(4, device="cpu"), torch.zeros(3, device="cpu")]
loader = DataLoader(
    samples, batch_size=2, num_workers=1, multiprocessing_context="fork"
)
with suppress(RuntimeError):
    next(
        iter(loader)
    )  # RuntimeError: Trying to resize storage that is not resizable
with suppress(RuntimeError):
    next(iter(DataLoader(samples, 2)))  # RuntimeError: stack expects each

# %%
# MATLAB and NumPy archives: ``scipy.io.loadmat``, ``np.load`` of ``.npz``
# ------------------------------------------------------------------------
#
# ``loadmat`` returns a dictionary of arrays, in which a vector has two
# dimensions. An ``.npz`` file reads an array again each time you access it,
# so take each array once, in ``__init__``. ``torch.load`` cannot read
# either format.
file = BytesIO()
io.savemat(file, {"x": np.arange(6.0).reshape(2, 3), "y": [1, 2]})
content = io.loadmat(BytesIO(file.getvalue()))
torch.tensor(content["x"], dtype=torch.float32)[1]  # tensor([3., 4., 5.])
content["y"].shape  # (1, 2)
file = BytesIO()
np.savez_compressed(file, x=np.arange(3))
archive = np.load(BytesIO(file.getvalue()))
archive["x"] is archive["x"]  # False
x = torch.tensor(archive["x"])  # tensor([0, 1, 2])


# %%
# Share a stream among ranks and workers (``IterableDataset`` with DDP)
# ---------------------------------------------------------------------
#
# In distributed training, each process (rank) has its own workers, so the
# stream is divided among all workers of all ranks. The number of a worker
# in this count is ``rank * workers`` plus its ``id``. In a real program,
# the rank and the number of ranks come from ``torch.distributed``. Here
# they are arguments.
class Stream(IterableDataset):
    def __init__(self, samples, rank, ranks):
        self.samples, self.rank, self.ranks = samples, rank, ranks

    def __iter__(self):
        info = get_worker_info()
        worker, workers = (info.id, info.num_workers) if info else (0, 1)
        first = self.rank * workers + worker
        yield from islice(self.samples, first, None, self.ranks * workers)


fork = dict(num_workers=2, multiprocessing_context="fork", batch_size=None)
shares = [
    sorted(DataLoader(Stream(range(10), rank, 2), **fork))
    for rank in range(2)
]
shares  # [[0, 1, 4, 5, 8, 9], [2, 3, 6, 7]]
list(Stream(range(5), rank=1, ranks=2))  # [1, 3]

# %%
# Fewer batches in an epoch: ``islice``, ``RandomSampler(num_samples=)``
# ----------------------------------------------------------------------
#
# ``islice`` ends the loop after a few batches, which is enough for a quick
# test. ``RandomSampler`` with ``num_samples`` makes the epoch itself
# shorter, and ``len(loader)`` takes this into account.
loader = DataLoader(range(100), batch_size=10)
len(list(islice(loader, 3)))  # 3
generator = torch.Generator(torch.get_default_device())
sampler = RandomSampler(range(100), num_samples=30, generator=generator)
short = DataLoader(range(100), batch_size=10, sampler=sampler)
len(short), len(list(short))  # (3, 3)

# %%
# Error: '_MultiProcessingDataLoaderIter' object has no attribute 'next'
# ----------------------------------------------------------------------
#
# Old code calls ``next`` as a method of the iterator. In Python 3 it is a
# function, so write ``next(batches)``. With ``num_workers=0`` the message
# names ``_SingleProcessDataLoaderIter``.
batches = iter(DataLoader(range(4), batch_size=2))
type(batches).__name__  # '_SingleProcessDataLoaderIter'
with suppress(AttributeError):
    batches.next()  # AttributeError: object has no attribute 'next'
next(batches)  # tensor([0, 1])


# %%
# Augmentation does not add samples: another variant in each epoch
# ----------------------------------------------------------------
#
# A random transform runs when a sample is fetched. The number of samples
# stays the same, and each epoch sees other variants of them. If you train
# longer, the model sees more variants. ``ConcatDataset([data] * 4)`` makes
# an epoch four times as long.
class Augmented(Dataset):
    def __init__(self, images, transform):
        self.images, self.transform = images, transform

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        return self.transform(self.images[index])


images = torch.arange(300.0).reshape(3, 1, 10, 10)
data = Augmented(images, v2.RandomCrop(4))
len(data)  # 3
variants = {data[0][0, 0, 0].item() for epoch in range(40)}
len(variants) > 5  # True
len(ConcatDataset([data] * 4))  # 12


# %%
# Images of several sizes in a batch: pad to the largest, keep a mask
# -------------------------------------------------------------------
#
# Pad each image on the right and at the bottom to the largest height and
# width in the batch. The mask is True at real pixels. Use it to leave the
# padding out of a loss or a pooling.
def pad_images(images):
    height = max(image.shape[-2] for image in images)
    width = max(image.shape[-1] for image in images)
    padded, masks = [], []
    for image in images:
        h, w = image.shape[-2:]
        room = (0, width - w, 0, height - h)
        padded.append(F.pad(image, room))
        masks.append(F.pad(image.new_ones(h, w, dtype=torch.bool), room))
    return torch.stack(padded), torch.stack(masks)


images = [torch.ones(3, 4, 6), torch.ones(3, 5, 2)]
loader = DataLoader(images, batch_size=2, collate_fn=pad_images)
batch, mask = next(iter(loader))
batch.shape, mask.shape  # (torch.Size([2, 3, 5, 6]), torch.Size([2, 5, 6]))
mask.sum(dim=(1, 2))  # tensor([24, 10])
