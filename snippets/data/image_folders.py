"""
Image folders
=============

Read images that are stored in one folder per class, and see how the labels
are numbered.
"""
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from PIL import Image
from sklearn.datasets import load_sample_image
from torch import nn
from torch.utils.data import DataLoader, Subset
from torchvision import datasets, tv_tensors
from torchvision.transforms import v2

# %%
# Read folders of images: ``datasets.ImageFolder``
# ------------------------------------------------
#
# Each folder below the root is a class. The classes are numbered in the
# sorted order of their names. The dataset keeps the paths, and reads an
# image when you ask for its sample.
with TemporaryDirectory() as root:
    for name in ("flower", "china"):
        photo = Image.fromarray(load_sample_image(f"{name}.jpg"))
        Path(root, name).mkdir()
        photo.save(Path(root, name, "a.png"))
        photo.rotate(90).save(Path(root, name, "b.png"))
    folder = datasets.ImageFolder(root)
    folder.classes  # ['china', 'flower']
    folder.class_to_idx  # {'china': 0, 'flower': 1}
    folder.targets  # [0, 0, 1, 1]
    files = [Path(path).name for path, _ in folder.samples]
    files  # ['a.png', 'b.png', 'a.png', 'b.png']
    image, label = folder[2]
    (image.size, image.mode, label)  # ((640, 427), 'RGB', 1)

# %%
# From folders to batches: ``ImageFolder`` with ``transform``
# -----------------------------------------------------------
#
# ``transform`` turns the images into tensors of one size, which a batch
# needs. ``target_transform`` changes the label.
with TemporaryDirectory() as root:
    for name, size in (("cat", (40, 30)), ("dog", (50, 80))):
        Path(root, name).mkdir()
        Image.new("RGB", size, "red").save(Path(root, name, "a.png"))
    to_tensor = v2.Compose([v2.Resize((32, 32)), v2.ToImage(),
                            v2.ToDtype(torch.float32, scale=True)])
    folder = datasets.ImageFolder(root, transform=to_tensor)
    images, labels = next(iter(DataLoader(folder, batch_size=2)))
    images.shape  # torch.Size([2, 3, 32, 32])
    images[1, :, 0, 0]  # tensor([1., 0., 0.])
    labels  # tensor([0, 1])

# %%
# Split one folder into train and validation: ``Subset``
# ------------------------------------------------------
#
# The parts of one dataset share its transform, so the validation images
# would be augmented as well. Open the folder twice, with two transforms,
# and split both with the same permutation.
with TemporaryDirectory() as root:
    Path(root, "cat").mkdir()
    for i in range(10):
        Image.new("RGB", (8, 8)).save(Path(root, "cat", f"{i}.png"))
    train = datasets.ImageFolder(root, v2.RandomCrop(4))
    evaluate = datasets.ImageFolder(root, v2.CenterCrop(6))
    order = torch.randperm(10).tolist()
    train = Subset(train, order[:8])
    evaluate = Subset(evaluate, order[8:])
    (train[0][0].size, evaluate[0][0].size)  # ((4, 4), (6, 6))
    sorted(train.indices + evaluate.indices) == list(range(10))  # True

# %%
# Gray and transparent images: the ``loader`` of ``ImageFolder``
# --------------------------------------------------------------
#
# By default ``ImageFolder`` converts images to RGB. A gray image gets three
# equal channels, and a PNG loses its transparency. A layer for gray images
# then raises "to have 1 channels, but got 3 channels instead". Pass a
# ``loader`` function that takes a path, or add ``v2.Grayscale`` to the
# transform.
#
# .. glance:: folder[0][0].getpixel((0, 0))
with TemporaryDirectory() as root:
    Path(root, "scan").mkdir()
    Image.new("L", (8, 8), 7).save(Path(root, "scan", "a.png"))
    image, _ = datasets.ImageFolder(root)[0]
    image.getpixel((0, 0))  # (7, 7, 7)
    x = v2.functional.pil_to_tensor(image)[None] / 255
    with suppress(RuntimeError):
        nn.Conv2d(1, 2, 3)(x)  # RuntimeError: but got 3 channels instead
    v2.Grayscale()(x)  # shape (1, 1, 8, 8)

    def load_gray(path):
        with Image.open(path) as image:
            return image.convert("L")

    folder = datasets.ImageFolder(root, loader=load_gray)
    folder[0][0].getpixel((0, 0))  # 7

# %%
# Other files in class folders: ``datasets.DatasetFolder``
# --------------------------------------------------------
#
# ``DatasetFolder`` reads other files in the same way. Pass the function
# that reads one file and the extensions. Files with other extensions are
# skipped. For your own rule, pass ``is_valid_file`` instead of
# ``extensions``.
with TemporaryDirectory() as root:
    for label, name in enumerate(("sine", "square")):
        Path(root, name).mkdir()
        np.save(Path(root, name, "a.npy"), np.full(3, label, "float32"))
        Path(root, name, "notes.txt").write_text("by hand")
    folder = datasets.DatasetFolder(root, np.load, extensions=(".npy",))
    folder.classes  # ['sine', 'square']
    len(folder)  # 2
    folder[1][0].tolist()  # [1.0, 1.0, 1.0]
    folder[1][1]  # 1

# %%
# Boxes of a built-in dataset: ``wrap_dataset_for_transforms_v2``
# ---------------------------------------------------------------
#
# Detection datasets return their annotations as they stand in the files.
# After wrapping, VOC, COCO and some other datasets return boxes or masks
# that the transforms move. Pass the transforms to the dataset as
# ``transforms``.
#
# .. glance:: target["boxes"].tolist()
xml = """<annotation><object><name>dog</name><bndbox>
<xmin>10</xmin><ymin>5</ymin><xmax>25</xmax><ymax>25</ymax>
</bndbox></object></annotation>"""
with TemporaryDirectory() as root:
    voc = Path(root, "VOCdevkit", "VOC2012")
    for name in ("JPEGImages", "Annotations", "ImageSets/Main"):
        (voc / name).mkdir(parents=True)
    Image.new("RGB", (40, 30)).save(voc / "JPEGImages" / "a.jpg")
    (voc / "Annotations" / "a.xml").write_text(xml)
    (voc / "ImageSets" / "Main" / "train.txt").write_text("a")
    flip = v2.RandomHorizontalFlip(p=1.0)
    plain = datasets.VOCDetection(root, "2012", "train", transforms=flip)
    plain[0][1]["annotation"]["object"][0]["bndbox"]["xmin"]  # '10'
    wrapped = datasets.wrap_dataset_for_transforms_v2(plain)
    image, target = wrapped[0]
    isinstance(target["boxes"], tv_tensors.BoundingBoxes)  # True
    target["boxes"].tolist()  # [[15, 5, 30, 25]]
    target["labels"]  # tensor([12])

# %%
# Labels in the wrong order: ``class_to_idx``
# -------------------------------------------
#
# ``"10"`` is sorted before ``"2"``, so the label is not the number in the
# name. If a split lacks a class, the classes after it get other labels
# there, and there is no error. Compare ``class_to_idx`` of both splits.
with TemporaryDirectory() as root:
    for split, names in (("train", ("1", "2", "10")), ("val", ("1", "2"))):
        for name in names:
            Path(root, split, name).mkdir(parents=True)
            Image.new("RGB", (8, 8)).save(Path(root, split, name, "a.png"))
    train = datasets.ImageFolder(Path(root, "train"))
    val = datasets.ImageFolder(Path(root, "val"))
    train.class_to_idx  # {'1': 0, '10': 1, '2': 2}
    val.class_to_idx  # {'1': 0, '2': 1}
    names = {label: int(name) for name, label in train.class_to_idx.items()}
    [names[label] for label in train.targets]  # [1, 10, 2]

# %%
# Error: couldn't find any class folder (``ImageFolder``)
# -------------------------------------------------------
#
# The images are in the root folder itself. Move them into class folders. If
# there are no labels, write a dataset that lists the files.
with TemporaryDirectory() as root:
    Image.new("RGB", (8, 8)).save(Path(root, "a.png"))
    with suppress(FileNotFoundError):
        datasets.ImageFolder(root)  # FileNotFoundError: Couldn't find any
    Path(root, "cat").mkdir()
    Path(root, "a.png").rename(Path(root, "cat", "a.png"))
    datasets.ImageFolder(root).classes  # ['cat']

# %%
# Error: found no valid file for the classes (``ImageFolder``)
# ------------------------------------------------------------
#
# A class folder is empty or has no file with a known extension. A hidden
# folder such as ``.ipynb_checkpoints`` also counts as a class, so remove
# it. ``allow_empty=True`` accepts an empty class and keeps the numbers of
# the other classes.
with TemporaryDirectory() as root:
    for name in ("cat", "dog", ".ipynb_checkpoints"):
        Path(root, name).mkdir()
    Image.new("RGB", (8, 8)).save(Path(root, "cat", "a.png"))
    with suppress(FileNotFoundError):
        datasets.ImageFolder(root)  # FileNotFoundError: .ipynb_checkpoints
    Path(root, ".ipynb_checkpoints").rmdir()
    with suppress(FileNotFoundError):
        datasets.ImageFolder(root)  # FileNotFoundError: Found no valid file
    folder = datasets.ImageFolder(root, allow_empty=True)
    folder.class_to_idx  # {'cat': 0, 'dog': 1}
    folder.targets  # [0]
