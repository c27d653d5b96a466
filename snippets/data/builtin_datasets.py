"""
Built-in datasets
=================

Load MNIST, CIFAR, ImageNet and other datasets of torchvision, and find a
replacement if you cannot download them.
"""
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, TensorDataset
from torchvision import datasets, models
from torchvision.transforms import v2

# %%
# Load MNIST: ``datasets.MNIST``
# ------------------------------
#
# ``datasets.MNIST("data", train=True, download=True)`` downloads the files
# once and then reads them from disk. The card writes scikit-learn's small
# digits in the format of MNIST, so it needs no download. A sample is an
# image and a label; by default the image is a PIL image, and with this
# transform it is a tensor. The attribute ``data`` holds all images.
#
# .. glance:: mnist.data
digits = load_digits()
with TemporaryDirectory() as root:
    raw = Path(root, "MNIST", "raw")
    raw.mkdir(parents=True)
    for split in ("train", "t10k"):
        head = np.array([2051, 1797, 8, 8], ">i4").tobytes()
        pixels = (digits.images * 15.9375).astype("uint8").tobytes()
        (raw / f"{split}-images-idx3-ubyte").write_bytes(head + pixels)
        head = np.array([2049, 1797], ">i4").tobytes()
        labels = digits.target.astype("uint8").tobytes()
        (raw / f"{split}-labels-idx1-ubyte").write_bytes(head + labels)
    mnist = datasets.MNIST(root, train=True, transform=v2.ToImage())
len(mnist)  # 1797
mnist[3][0]  # shape (1, 8, 8), dtype uint8
mnist[3][1]  # 3
mnist.data  # shape (1797, 8, 8), dtype uint8
mnist.targets[:5]  # tensor([0, 1, 2, 3, 4])

# %%
# Datasets like MNIST: ``datasets.FashionMNIST``, ``KMNIST``, ``EMNIST``
# ----------------------------------------------------------------------
#
# These datasets also hold gray images of 28 x 28 pixels: clothes, Japanese
# characters and letters. ``FashionMNIST`` and ``KMNIST`` take the same
# arguments as ``MNIST``, so it is enough to change the class name.
# ``EMNIST`` also needs a ``split``.
datasets.MNIST.classes[:2]  # ['0 - zero', '1 - one']
datasets.FashionMNIST.classes[:3]  # ['T-shirt/top', 'Trouser', 'Pullover']
datasets.KMNIST.classes[:3]  # ['o', 'ki', 'su']
issubclass(datasets.FashionMNIST, datasets.MNIST)  # True
with TemporaryDirectory() as root, suppress(RuntimeError):
    datasets.FashionMNIST(root)  # RuntimeError: Dataset not found
with TemporaryDirectory() as root, suppress(RuntimeError):
    datasets.EMNIST(root, "letters")  # RuntimeError: Dataset not found

# %%
# Load CIFAR: ``datasets.CIFAR10``, ``datasets.CIFAR100``
# -------------------------------------------------------
#
# CIFAR has 50000 training images and 10000 test images, in colour and 32 x
# 32 pixels large. ``data`` is a NumPy array with the channels last, and
# ``targets`` is a list. In MNIST both are tensors. The error says "or
# corrupted" because the checksums of the files are compared.
issubclass(datasets.CIFAR100, datasets.CIFAR10)  # True
with TemporaryDirectory() as root:
    with suppress(RuntimeError):
        datasets.CIFAR10(root)  # RuntimeError: not found or corrupted
    with suppress(RuntimeError):
        datasets.CIFAR100(root, train=False)  # RuntimeError: download=True

# %%
# Load ImageNet: ``datasets.ImageNet``
# ------------------------------------
#
# ImageNet has no automatic download. Get the archives from its website and
# put them into ``root``; the first call unpacks them. The class is an
# ``ImageFolder`` with folders named by WordNet, and ``split`` is
# ``"train"`` or ``"val"``. The small ``datasets.Imagenette`` has ten of the
# classes and accepts ``download=True``.
issubclass(datasets.ImageNet, datasets.ImageFolder)  # True
with TemporaryDirectory() as root:
    with suppress(RuntimeError):
        datasets.ImageNet(root, split="val")  # RuntimeError: The archive
    with suppress(RuntimeError):
        datasets.Imagenette(root)  # RuntimeError: download=True

# %%
# Labels or masks of pets: ``datasets.OxfordIIITPet``
# ---------------------------------------------------
#
# ``target_types`` chooses what comes with the image: the breed, cat or dog,
# or a segmentation mask. The dataset takes ``split`` and not ``train``,
# like many newer datasets of torchvision.
#
# .. glance:: pets(root, target_types="mask")
pets = datasets.OxfordIIITPet
types = ("category", "binary-category", "segmentation")
with TemporaryDirectory() as root:
    for target in types:
        with suppress(RuntimeError):
            pets(root, target_types=target)  # RuntimeError: not found
    with suppress(ValueError):
        pets(root, target_types="mask")  # ValueError: segmentation
    with suppress(TypeError):
        pets(root, train=True)  # TypeError: unexpected keyword argument
    with suppress(ValueError):
        pets(root, split="val")  # ValueError: trainval

# %%
# Random images as a placeholder: ``datasets.FakeData``
# -----------------------------------------------------
#
# ``FakeData`` returns noise in the shape of the real data, so you can test
# a model or a loader before the download has finished. The same index gives
# the same image, and ``random_offset`` shifts the indices. The labels are
# random, so a model can memorize them but not generalize.
to_tensor = v2.ToImage()
fake = datasets.FakeData(size=8, image_size=(3, 32, 32), num_classes=3,
                         transform=to_tensor)
images, labels = next(iter(DataLoader(fake, batch_size=8)))
images.shape  # torch.Size([8, 3, 32, 32])
len(fake)  # 8
((labels >= 0) & (labels < 3)).all()  # tensor(True)
torch.equal(fake[3][0], fake[3][0])  # True
other = datasets.FakeData(8, (3, 32, 32), random_offset=1,
                          transform=to_tensor)
torch.equal(fake[3][0], other[2][0])  # True

# %%
# Real digits without a download: ``sklearn.datasets.load_digits``
# ----------------------------------------------------------------
#
# scikit-learn includes 1797 handwritten digits of 8 x 8 pixels. They are
# small enough for tests, and a model can learn from them. The values go
# from 0 to 16. Add a channel dimension for convolutions.
digits = load_digits()
device = torch.get_default_device()
images = torch.tensor(digits.images, dtype=torch.float32, device=device)
images = images.unsqueeze(1) / 16  # shape (1797, 1, 8, 8), dtype float32
labels = torch.tensor(digits.target, device=device)
images.aminmax().max  # tensor(1.)
labels.bincount()[:5]  # tensor([178, 182, 177, 183, 181])
dataset = TensorDataset(images, labels)
dataset[9][1]  # tensor(9)

# %%
# The transform of a pretrained model: ``ResNet18_Weights``
# ---------------------------------------------------------
#
# The weights object knows the preprocessing for evaluation and the names of
# the classes. You can read both without a download. Use this transform
# instead of typing its numbers yourself.
weights = models.ResNet18_Weights.DEFAULT
preprocess = weights.transforms()
preprocess.crop_size  # [224]
preprocess.mean  # [0.485, 0.456, 0.406]
image = torch.randint(0, 256, (3, 300, 400), dtype=torch.uint8)
by_hand = v2.Compose([
    v2.Resize(256), v2.CenterCrop(224),
    v2.ToDtype(torch.float32, scale=True),
    v2.Normalize(preprocess.mean, preprocess.std),
])
torch.allclose(preprocess(image), by_hand(image), atol=0.03)  # True
len(weights.meta["categories"])  # 1000
weights.meta["categories"][207]  # 'golden retriever'

# %%
# Error: dataset not found (``datasets.MNIST``)
# ---------------------------------------------
#
# Either the files were not downloaded, because ``download`` is False by
# default, or ``root`` is another folder than last time. A relative ``root``
# starts at the folder in which the program runs. ``root`` must be the
# folder that contains ``MNIST/raw``.
with TemporaryDirectory() as root:
    with suppress(RuntimeError):
        datasets.MNIST(root)  # RuntimeError: You can use download=True
    raw = Path(root, "MNIST", "raw")
    raw.mkdir(parents=True)
    for split in ("train", "t10k"):
        images = np.array([2051, 1, 2, 2], ">i4").tobytes() + bytes(4)
        (raw / f"{split}-images-idx3-ubyte").write_bytes(images)
        labels = np.array([2049, 1], ">i4").tobytes() + bytes([7])
        (raw / f"{split}-labels-idx1-ubyte").write_bytes(labels)
    len(datasets.MNIST(root))  # 1
    with suppress(RuntimeError):
        datasets.MNIST(raw)  # RuntimeError: Dataset not found

# %%
# Download by hand: file, folder and checksum of a built-in dataset
# -----------------------------------------------------------------
#
# If the download is slow or blocked, fetch the archive with another program
# and put it into ``root``. The files of MNIST belong in ``MNIST/raw``. With
# ``download=True`` the class finds the file, compares its checksum and
# unpacks it. An incomplete file has another checksum and is called
# "corrupted".
cifar = datasets.CIFAR10
cifar.filename  # 'cifar-10-python.tar.gz'
print(cifar.url, cifar.tgz_md5)
names = [name for name, _ in datasets.MNIST.resources]
names[0]  # 'train-images-idx3-ubyte.gz'
check = datasets.utils.check_integrity
with TemporaryDirectory() as root:
    path = Path(root, "a.bin")
    path.write_bytes(b"whole file")
    right = datasets.utils.calculate_md5(path)
    check(path, right)  # True
    path.write_bytes(b"whole")
    check(path, right)  # False
