"""
Datasets from files
===================

Write datasets that read images, tables and arrays from disk.
"""
import csv
import pickle
import tempfile
from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from PIL import Image, ImageFile
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, Dataset, TensorDataset

# %%
# Folder of images as a ``Dataset``: file names hold the class
# ------------------------------------------------------------
#
# List the files once, sort them, and open a file when its sample is
# requested. Without sorting, the order of the files and the indices of the
# samples can differ between machines.
class Digits(Dataset):
    def __init__(self, folder):
        self.paths = sorted(Path(folder).glob("*.png"))

    def __len__(self):
        return len(self.paths)

    def __getitem__(self, index):
        path = self.paths[index]
        pixels = np.array(Image.open(path).convert("L"))
        return torch.from_numpy(pixels)[None], int(path.stem.split("_")[1])


data = load_digits()
with tempfile.TemporaryDirectory() as folder:
    for i, image in enumerate(data.images[:5].astype(np.uint8)):
        Image.fromarray(image).save(f"{folder}/{i:03}_{data.target[i]}.png")
    images, targets = next(iter(DataLoader(Digits(folder), batch_size=5)))
images  # shape (5, 1, 8, 8), dtype uint8
targets  # tensor([0, 1, 2, 3, 4])

# %%
# Class from the name of the folder: ``train/cat/1.png``
# ------------------------------------------------------
#
# The sorted folder names give the class indices. Make this list from the
# training set and store it with the model. A list made from a test set that
# lacks a class would give the other classes new indices.
with tempfile.TemporaryDirectory() as root:
    for name in ["dog/1.png", "cat/1.png", "cat/2.png"]:
        path = Path(root, name)
        path.parent.mkdir(exist_ok=True)
        Image.new("RGB", (4, 4)).save(path)
    paths = sorted(Path(root).glob("*/*.png"))
    classes = sorted({path.parent.name for path in paths})
index = {name: i for i, name in enumerate(classes)}
index  # {'cat': 0, 'dog': 1}
[index[path.parent.name] for path in paths]  # [0, 0, 1]

# %%
# Labels from a CSV file beside the images: ``csv.DictReader``
# ------------------------------------------------------------
#
# Read the table in ``__init__``, and join the folder and the file name.
# ``csv`` returns strings, so convert the label.
class Labelled(Dataset):
    def __init__(self, folder):
        self.folder = Path(folder)
        with (self.folder / "labels.csv").open(newline="") as file:
            self.rows = list(csv.DictReader(file))

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, index):
        row = self.rows[index]
        image = Image.open(self.folder / row["file"]).convert("RGB")
        return torch.from_numpy(np.array(image)), int(row["label"])


with tempfile.TemporaryDirectory() as folder:
    Image.new("RGB", (1, 1), (10, 20, 30)).save(f"{folder}/a.png")
    Path(folder, "labels.csv").write_text("file,label\na.png,7\n")
    Labelled(folder)[0]  # (tensor([[[10, 20, 30]]], dtype=torch.uint8), 7)

# %%
# A ``transform`` argument for your own dataset
# ---------------------------------------------
#
# ``transform`` is a function that the dataset calls on each sample. One
# dataset class then serves for training with augmentation and for
# validation without it. You can pass any callable, for example a transform
# of torchvision.
class Images(Dataset):
    def __init__(self, images, transform=None):
        self.images, self.transform = images, transform

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        image = self.images[index]
        return image if self.transform is None else self.transform(image)


images = torch.tensor([[[0, 51, 255]]], dtype=torch.uint8)
Images(images)[0]  # tensor([[0, 51, 255]], dtype=torch.uint8)
val = Images(images, transform=lambda x: x / 255)
val[0]  # tensor([[0.0000, 0.2000, 1.0000]])
train = Images(images, transform=lambda x: x.flip(1) / 255)
train[0]  # tensor([[1.0000, 0.2000, 0.0000]])

# %%
# Rows of a CSV file as tensors: ``csv.reader``, ``TensorDataset``
# ----------------------------------------------------------------
#
# If a table fits into memory, read it once, into one tensor for the
# features and one for the targets. This is faster than opening a file for
# each sample. Use float32 for the features and int64 for class indices.
with tempfile.TemporaryDirectory() as folder:
    path = Path(folder, "flowers.csv")
    path.write_text("length,width,label\n5.5,2.5,0\n6.0,3.0,1\n")
    with path.open(newline="") as file:
        names, *rows = csv.reader(file)
features = torch.tensor([[float(v) for v in row[:-1]] for row in rows])
targets = torch.tensor([int(row[-1]) for row in rows])
names  # ['length', 'width', 'label']
dataset = TensorDataset(features, targets)
dataset[1]  # (tensor([6., 3.]), tensor(1))

# %%
# Array larger than memory: ``np.load(mmap_mode="r")``
# ----------------------------------------------------
#
# The file stays on disk, and the rows that you access are read from it.
# Copy each row before you make a tensor of it, because the memory of the
# file is not writable. Without the copy, ``torch.from_numpy`` warns.
with tempfile.TemporaryDirectory() as folder:
    np.save(f"{folder}/x.npy", np.arange(12.0).reshape(4, 3))
    rows = np.load(f"{folder}/x.npy", mmap_mode="r")
    type(rows).__name__  # 'memmap'
    sample = torch.from_numpy(rows[2].copy())
    torch.from_numpy(rows[2])  # UserWarning: array is not writable
    del rows
sample  # tensor([6., 7., 8.], dtype=torch.float64)

# %%
# Tensors saved once, read lazily: ``torch.load(mmap=True)``
# ----------------------------------------------------------
#
# Store the decoded samples as one tensor, so that there is one file to open
# instead of one per sample. With ``mmap=True`` the data are read from disk
# when they are used. Saving a slice saves the whole tensor that it was cut
# from, so clone the slice first.
with tempfile.TemporaryDirectory() as folder:
    path = Path(folder, "x.pt")
    x = torch.arange(100_000.0, device="cpu").reshape(1000, 100)
    torch.save(x[:10], path)
    path.stat().st_size > 400_000  # True
    torch.save(x[:10].clone(), path)
    path.stat().st_size < 10_000  # True
    dataset = TensorDataset(torch.load(path, mmap=True))
    dataset[2][0][:3]  # tensor([200., 201., 202.])
    del dataset

# %%
# Open a file on first use: datasets with workers
# -----------------------------------------------
#
# A spawned worker (a new Python process) gets the dataset through pickle,
# which cannot store an open file. Forked workers (copies of the process)
# share the position in the file, so they disturb each other. Open the file
# when the first sample is requested, and each worker has its own.
class Lazy(Dataset):
    def __init__(self, path):
        self.path, self.file = path, None

    def __getitem__(self, index):
        if self.file is None:
            self.file = open(self.path, "rb")
        self.file.seek(2 * index)
        return int.from_bytes(self.file.read(2), "big")


with tempfile.TemporaryDirectory() as folder:
    Path(folder, "x").write_bytes(bytes([0, 5, 1, 0]))
    dataset = pickle.loads(pickle.dumps(Lazy(f"{folder}/x")))
    dataset[0], dataset[1]  # (5, 256)
    with suppress(TypeError):
        pickle.dumps(dataset)  # TypeError: cannot pickle
    dataset.file.close()

# %%
# Gray, palette and transparent images: ``Image.convert("RGB")``
# --------------------------------------------------------------
#
# A PNG can have one channel, with gray values or palette indices, or four
# channels with transparency. With four channels a layer raises "to have 3
# channels, but got 4 channels instead", and ``v2.Normalize`` raises "size
# of tensor a (4) must match the size of tensor b (3)". Convert images when
# you open them, but do not convert masks.
red = Image.new("RGB", (2, 2), "red")
shapes = {}
for mode in ["L", "P", "RGBA"]:
    image = red.convert(mode)
    shapes[mode] = np.array(image).shape
    np.array(image.convert("RGB")).shape  # (2, 2, 3)
shapes  # {'L': (2, 2), 'P': (2, 2), 'RGBA': (2, 2, 4)}
four = torch.ones(1, 4, 2, 2)
with suppress(RuntimeError):
    nn.Conv2d(3, 1, 1)(four)  # RuntimeError: but got 4 channels instead
with suppress(RuntimeError):
    four - torch.zeros(3, 1, 1)  # RuntimeError: size of tensor a (4) must
pixels = torch.from_numpy(np.array(red)).permute(2, 0, 1)
pixels[:, 0, 0]  # tensor([255, 0, 0], dtype=torch.uint8)

# %%
# Error: cannot identify image file, image file is truncated
# ----------------------------------------------------------
#
# The file is empty, incomplete or not an image. Check all files once before
# training: ``Image.open`` reads the header, and ``load`` decodes the rest
# and finds incomplete files. With ``ImageFile.LOAD_TRUNCATED_IMAGES`` PIL
# reads the part that is there.
with tempfile.TemporaryDirectory() as folder:
    good, empty, cut = (Path(folder, name) for name in "abc")
    Image.new("RGB", (64, 64), "red").save(good, "PNG")
    empty.touch()
    cut.write_bytes(good.read_bytes()[:90])
    with suppress(OSError):
        Image.open(empty)  # UnidentifiedImageError: cannot identify image
    with suppress(OSError), Image.open(cut) as image:
        image.load()  # OSError: image file is truncated
    ImageFile.LOAD_TRUNCATED_IMAGES = True
    with Image.open(cut) as image:
        image.convert("L").size  # (64, 64)
    ImageFile.LOAD_TRUNCATED_IMAGES = False

# %%
# KeyError after a split of a table: ``DataFrame.iloc``
# -----------------------------------------------------
#
# A part of a table keeps its row labels, and ``table["file"][0]`` looks for
# the label 0. A loader uses positions instead. Use ``iloc`` in
# ``__getitem__``, or call ``reset_index(drop=True)`` after the split.
table = pd.DataFrame({"file": ["a.png", "b.png", "c.png"]})
part = table.drop(index=0)
len(part)  # 2
with suppress(KeyError):
    part["file"][0]  # KeyError: 0
part["file"].iloc[0]  # 'b.png'
part.reset_index(drop=True)["file"][0]  # 'b.png'

# %%
# Empty dataset: no file matches the pattern (``Path.glob``)
# ----------------------------------------------------------
#
# A wrong folder gives an empty list and no error. On Linux a pattern with
# ``.jpg`` does not match ``.JPG``. Compare the suffixes in lower case, and
# raise an error in ``__init__`` if there are no files.
with tempfile.TemporaryDirectory() as folder:
    for name in ["a.jpg", "b.JPG", "c.jpeg", "notes.txt"]:
        Path(folder, name).touch()
    files = sorted(Path(folder).iterdir())
    len(list(Path(folder, "missing").glob("*.jpg")))  # 0
kept = [f.name for f in files if f.suffix.lower() in {".jpg", ".jpeg"}]
kept  # ['a.jpg', 'b.JPG', 'c.jpeg']
