"""
Files of built-in datasets
==========================

See which files and folders COCO, VOC, CelebA and other datasets of
torchvision read. The cards write a few small files and download nothing.
"""
import bz2
import json
import sys
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from unittest.mock import patch

import numpy as np
import torch
from PIL import Image
from scipy.io import savemat
from torchvision import datasets
from torchvision.transforms import v2

# %%
# Boxes and captions of COCO: ``datasets.CocoDetection``, ``CocoCaptions``
# ------------------------------------------------------------------------
#
# The first argument is the folder of the images, and the second the JSON
# file of the annotations. The boxes are left, top, width and height;
# ``wrap_dataset_for_transforms_v2`` turns them into corners. Both classes
# need the package pycocotools, for which ``read`` stands in here.
def read(path):
    images, notes = json.loads(Path(path).read_text()).values()
    return SimpleNamespace(
        imgs={image["id"]: image for image in images}, loadAnns=list,
        loadImgs=lambda key: [each for each in images if each["id"] == key],
        getAnnIds=lambda key: [n for n in notes if n["image_id"] == key])


note = {"id": 1, "image_id": 7, "category_id": 18, "caption": "a dog",
        "bbox": [4, 5, 20, 10]}
photo = {"id": 7, "file_name": "a.jpg"}
content = {"images": [photo], "annotations": [note]}
coco = {"pycocotools": None, "pycocotools.coco": SimpleNamespace(COCO=read)}
with TemporaryDirectory() as root, patch.dict(sys.modules, coco):
    Image.new("RGB", (40, 30)).save(Path(root, "a.jpg"))
    (file := Path(root, "notes.json")).write_text(json.dumps(content))
    datasets.CocoCaptions(root, file)[0][1]  # ['a dog']
    plain = datasets.CocoDetection(root, file)
    plain[0][1][0]["bbox"]  # [4, 5, 20, 10]
    boxed = datasets.wrap_dataset_for_transforms_v2(plain)
    boxed[0][1]["boxes"].tolist()  # [[4, 5, 24, 15]]

# %%
# Segmentation masks of Pascal VOC: ``datasets.VOCSegmentation``
# --------------------------------------------------------------
#
# The file ``train.txt`` lists the names of the split. The images lie in
# ``JPEGImages`` and the masks in ``SegmentationClass``, as palette images
# that hold the class of each pixel. The value 255 marks a border without a
# class.
with TemporaryDirectory() as root:
    voc = Path(root, "VOCdevkit", "VOC2012")
    for name in ("JPEGImages", "SegmentationClass",
                 "ImageSets/Segmentation"):
        (voc / name).mkdir(parents=True)
    (voc / "ImageSets" / "Segmentation" / "train.txt").write_text("a")
    Image.new("RGB", (3, 1)).save(voc / "JPEGImages" / "a.jpg")
    mask = Image.fromarray(np.array([[0, 12, 255]], dtype=np.uint8))
    mask.putpalette([0, 0, 0, 128, 0, 0] + [255] * 762)
    mask.save(voc / "SegmentationClass" / "a.png")
    pets = datasets.VOCSegmentation(root, "2012", image_set="train")
    image, mask = pets[0]
image.size  # (3, 1)
np.array(mask).tolist()  # [[0, 12, 255]]

# %%
# A folder for each class: ``datasets.EuroSAT``, ``Caltech101``
# -------------------------------------------------------------
#
# Both number the classes in the order of their folders. ``Caltech101``
# needs a folder ``BACKGROUND_Google`` and leaves it out. Neither has a
# split, so make one with ``random_split``.
with TemporaryDirectory() as root:
    for name in ("eurosat/2750/Forest", "eurosat/2750/River",
                 "caltech101/101_ObjectCategories/BACKGROUND_Google",
                 "caltech101/101_ObjectCategories/crab"):
        Path(root, name).mkdir(parents=True)
        Image.new("RGB", (8, 8)).save(Path(root, name, "image_0001.jpg"))
    land = datasets.EuroSAT(root)
    land.classes  # ['Forest', 'River']
    land[1][1]  # 1
    things = datasets.Caltech101(root)
    things.categories  # ['crab']
    len(things), things[0][1]  # (1, 0)

# %%
# A list of files for each split: ``datasets.Food101``
# ----------------------------------------------------
#
# ``Food101`` has one folder per class, and the JSON files in ``meta`` say
# which images belong to a split. The names in them have no ``.jpg``. The
# labels follow the alphabet and not the order in the file.
with TemporaryDirectory() as root:
    food = Path(root, "food-101")
    (food / "meta").mkdir(parents=True)
    for number, label in enumerate(("waffles", "apple_pie")):
        (food / "images" / label).mkdir(parents=True)
        image = Image.new("L", (8, 8), 100 * number)
        image.save(food / "images" / label / "1.jpg")
    names = {"waffles": ["waffles/1"], "apple_pie": ["apple_pie/1"]}
    (food / "meta" / "train.json").write_text(json.dumps(names))
    train = datasets.Food101(root, split="train")
    train.classes  # ['apple_pie', 'waffles']
    image, label = train[0]
    label, image.getpixel((0, 0))  # (1, (0, 0, 0))

# %%
# Matlab files: ``datasets.SVHN``, ``datasets.Flowers102``
# --------------------------------------------------------
#
# The house numbers of SVHN have the label 10 for the digit 0, and the class
# replaces it by 0. The labels of Flowers102 start at 1 in the file and at 0
# in the dataset. Both compare checksums of the files, so the subclasses
# here switch this off.
class Numbers(datasets.SVHN):
    def _check_integrity(self):
        return True


class Flowers(datasets.Flowers102):
    def _check_integrity(self):
        return True


with TemporaryDirectory() as root:
    images = np.zeros((32, 32, 3, 2), dtype=np.uint8)
    savemat(Path(root, "train_32x32.mat"), {"X": images, "y": [[10], [3]]})
    Numbers(root, "train").labels.tolist()  # [0, 3]
    Numbers(root, "train").data.shape  # (2, 3, 32, 32)
    Path(root, "flowers-102", "jpg").mkdir(parents=True)
    savemat(Path(root, "flowers-102", "imagelabels.mat"),
            {"labels": [77, 1, 102]})
    savemat(Path(root, "flowers-102", "setid.mat"), {"trnid": [3, 2]})
    flowers = Flowers(root, "train")
    flowers._labels  # [101, 0]

# %%
# Raw bytes, and images without labels: ``datasets.STL10``
# --------------------------------------------------------
#
# STL10 has many images without a label, and they get the label -1. The
# other labels start at 1 in the file and at 0 in the dataset. The file
# stores an image column by column, so the class exchanges height and width.
class Small(datasets.STL10):
    def _check_integrity(self):
        return True


with TemporaryDirectory() as root:
    folder = Path(root, "stl10_binary")
    folder.mkdir()
    image = np.zeros((1, 3, 96, 96), dtype=np.uint8)
    image[0, 0, 5, 2] = 255
    (folder / "train_X.bin").write_bytes(image.tobytes())
    (folder / "unlabeled_X.bin").write_bytes(image.tobytes())
    (folder / "train_y.bin").write_bytes(bytes([10]))
    both = Small(root, split="train+unlabeled")
both.labels.tolist()  # [9, -1]
both[0][0].getpixel((5, 2))  # (255, 0, 0)

# %%
# Digits as text: ``datasets.USPS``
# ---------------------------------
#
# Each line of the file is a label from 1 to 10 and the numbered values of
# 16 x 16 pixels, from -1 to 1. The class returns labels from 0 and bytes.
with TemporaryDirectory() as root:
    values = [-1.0, 0.0, 1.0] + [-1.0] * 253
    pixels = " ".join(f"{n}:{value}" for n, value in enumerate(values, 1))
    line = f"10 {pixels}\n".encode()
    Path(root, "usps.bz2").write_bytes(bz2.compress(line))
    usps = datasets.USPS(root, train=True)
usps.targets  # [9]
usps.data.shape  # (1, 16, 16)
usps.data[0, 0, :4].tolist()  # [0, 127, 255, 0]

# %%
# Faces with attributes and names: ``datasets.CelebA``
# ----------------------------------------------------
#
# Text files hold the attributes, the person, a box and the landmarks for
# each face. ``target_type`` chooses what a sample contains. The attributes
# are -1 and 1 in the file, and 0 and 1 in the sample. The number 0 in
# ``list_eval_partition.txt`` means the training set.
class Faces(datasets.CelebA):
    def _check_integrity(self):
        return True


files = {"list_attr_celeba": "2\nSmiling Young\n1.jpg 1 -1\n2.jpg -1 1\n",
         "identity_CelebA": "1.jpg 28\n2.jpg 9\n",
         "list_bbox_celeba": "2\nx y w h\n1.jpg 1 2 3 4\n2.jpg 5 6 7 8\n",
         "list_landmarks_align_celeba": "2\nx y\n1.jpg 3 4\n2.jpg 5 6\n",
         "list_eval_partition": "1.jpg 0\n2.jpg 0\n"}
with TemporaryDirectory() as root:
    Path(root, "celeba", "img_align_celeba").mkdir(parents=True)
    Image.new("RGB", (8, 8)).save(
        Path(root, "celeba", "img_align_celeba", "1.jpg"))
    for name, text in files.items():
        Path(root, "celeba", f"{name}.txt").write_text(text)
    faces = Faces(root, "train", target_type=["attr", "identity"])
    faces[0][1]  # (tensor([1, 0]), tensor(28))
faces.attr_names  # ['Smiling', 'Young']

# %%
# Characters of many alphabets: ``datasets.Omniglot``
# ---------------------------------------------------
#
# Omniglot has many characters with few images each, and serves to learn
# from few examples. Each alphabet is a folder, and each character a folder
# in it. Keep the zip file: without it the class reports that the dataset is
# not found.
checksums = patch.dict(datasets.Omniglot.zips_md5, images_background=None)
with TemporaryDirectory() as root, checksums:
    folder = Path(root, "omniglot-py", "images_background")
    for name in ("Greek/character01", "Greek/character02",
                 "Latin/character01"):
        (folder / name).mkdir(parents=True)
        Image.new("1", (105, 105)).save(folder / name / "0001_01.png")
    with suppress(RuntimeError):
        datasets.Omniglot(root)  # RuntimeError: Dataset not found or
    Path(root, "omniglot-py", "images_background.zip").touch()
    letters = datasets.Omniglot(root, background=True)
    len(letters)  # 3
    sorted(label for _, label in letters)  # [0, 1, 2]
    letters[0][0].mode  # 'L'

# %%
# Scenes and places: ``datasets.Places365``
# -----------------------------------------
#
# One text file numbers the scenes, and another one gives the number for
# each image. With ``small=True`` the images come from a folder such as
# ``val_256``, and without it from ``val_large``.
class Places(datasets.Places365):
    def _check_integrity(self, file, md5, download):
        return True


with TemporaryDirectory() as root:
    names = "/a/airport 0\n/b/beach 1\n"
    Path(root, "categories_places365.txt").write_text(names)
    Path(root, "places365_val.txt").write_text("1.jpg 1\n")
    Path(root, "val_256").mkdir()
    Image.new("RGB", (256, 256)).save(Path(root, "val_256", "1.jpg"))
    places = Places(root, split="val", small=True)
    places.classes  # ['/a/airport', '/b/beach']
    places[0][1]  # 1
    Path(Places(root, split="val").imgs[0][0]).parent.name  # 'val_large'

# %%
# Arguments of your own dataset: ``datasets.VisionDataset``
# ---------------------------------------------------------
#
# ``VisionDataset`` is the base class of the built-in datasets. It stores
# ``transform`` for the image and ``target_transform`` for the target, or
# ``transforms`` for both together. Call ``self.transforms`` in
# ``__getitem__``.
class Ones(datasets.VisionDataset):
    def __len__(self):
        return 1

    def __getitem__(self, index):
        image, target = torch.ones(3, 4, 4), 5
        if self.transforms is None:
            return image, target
        return self.transforms(image, target)


pad = v2.Pad(1)
both = Ones("data", transform=pad, target_transform=lambda label: label + 1)
both[0][0].shape  # torch.Size([3, 6, 6])
both[0][1]  # 6
Ones("data", transforms=lambda image, target: (target, image))[0][0]  # 5
with suppress(ValueError):
    Ones("data", pad, pad)  # ValueError: Only transforms or transform
