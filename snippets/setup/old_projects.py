"""
Old projects on a new PyTorch
=============================

Names that were removed from PyTorch, torchvision, NumPy and Pillow, what
replaces them, and which versions an old project needs.
"""
import sys
from contextlib import suppress

import numpy as np
import torch
import torchvision
from PIL import Image
from torchvision import transforms

# %%
# Error: No module named 'torch._six' (``string_classes``, ``inf``)
# -----------------------------------------------------------------
#
# The module was removed in PyTorch 2.0. In the file that imports it, write
# ``str`` for ``string_classes``, ``math.inf`` or ``torch.inf`` for ``inf``,
# and ``collections.abc`` for ``container_abcs``. Often a newer version of
# that package exists.
with suppress(ModuleNotFoundError):
    from torch._six import (
        string_classes,
    )  # ModuleNotFoundError: No module named 'torch._six'
import collections.abc as container_abcs

string_classes = str
isinstance("cat", string_classes)  # True
isinstance({"x": 1}, container_abcs.Mapping)  # True
torch.inf  # inf

# %%
# Error: No module named 'torchvision.models.utils'
# -------------------------------------------------
#
# Old models import ``load_state_dict_from_url`` from there. The function is
# in ``torch.hub``.
with suppress(ModuleNotFoundError):
    from torchvision.models.utils import (
        load_state_dict_from_url,
    )  # ModuleNotFoundError: No module named 'torchvision.models.utils'
from torch.hub import load_state_dict_from_url

load_state_dict_from_url.__module__  # 'torch.hub'

# %%
# Error: 'torchvision.transforms' has no attribute 'Scale'
# --------------------------------------------------------
#
# ``Scale`` is called ``Resize`` today, and ``RandomSizedCrop`` is
# ``RandomResizedCrop``. The arguments are the same.
with suppress(AttributeError):
    transforms.Scale(
        8
    )  # AttributeError: module 'torchvision.transforms' has no attribute
photo = Image.new("RGB", (40, 30))
transforms.Resize(15)(photo).size  # (20, 15)
transforms.RandomResizedCrop(8)(photo).size  # (8, 8)

# %%
# Error: module 'PIL.Image' has no attribute 'ANTIALIAS'
# ------------------------------------------------------
#
# Pillow 10 removed the name. Write ``Image.LANCZOS``, which is the same
# filter.
photo = Image.new("RGB", (40, 30))
with suppress(AttributeError):
    photo.resize(
        (4, 3), Image.ANTIALIAS
    )  # AttributeError: module 'PIL.Image' has no attribute 'ANTIALIAS'
photo.resize((4, 3), Image.LANCZOS).size  # (4, 3)

# %%
# Error: module 'numpy' has no attribute 'int' (``np.float``, ``np.object``)
# --------------------------------------------------------------------------
#
# NumPy 1.24 removed these names for Python's own types. Write ``int``,
# ``float`` and ``object``, or a dtype with its size, such as ``np.int64``.
with suppress(AttributeError):
    np.zeros(2, dtype=np.int)  # AttributeError: module 'numpy' has no
with suppress(AttributeError):
    np.zeros(2, dtype=np.float)  # AttributeError: module 'numpy' has no
np.zeros(2, dtype=int).dtype.kind  # 'i'
np.zeros(2, dtype=np.int64).dtype.name  # 'int64'

# %%
# Error: module 'torch' has no attribute 'rfft'; 'module' is not callable
# -----------------------------------------------------------------------
#
# ``torch.fft`` was a function and is a module since PyTorch 1.8. The
# functions are in it, and they return complex numbers. The old ones had a
# last dimension of two, which ``torch.view_as_real`` gives.
x = torch.tensor([1.0, 2.0, 3.0, 4.0])
with suppress(AttributeError):
    torch.rfft(x, 1)  # AttributeError: module 'torch' has no attribute
with suppress(TypeError):
    torch.fft(x, 1)  # TypeError: 'module' object is not callable
torch.fft.rfft(x)[0]  # tensor(10.+0.j)
torch.view_as_real(torch.fft.rfft(x)).shape  # torch.Size([3, 2])


# %%
# Error: cannot import name: find out where a name is today
# ---------------------------------------------------------
#
# A name that an old project imports was removed or has moved. Search the
# modules that are loaded. What is found nowhere was removed: read the notes
# of the release, or write the few lines yourself.
def where(name):
    loaded = dict(sys.modules)
    return sorted(
        module
        for module, content in loaded.items()
        if module.startswith("torch") and name in vars(content)
    )


line = "from torch.autograd.gradcheck import zero_gradients"
with suppress(ImportError):
    exec(line)  # ImportError: cannot import name 'zero_gradients' from
where("zero_gradients")  # []
"torch.hub" in where("load_state_dict_from_url")  # True
"torch.nn.utils" in where("clip_grad_norm_")  # True

# %%
# Division of integers gives floats: ``//`` in old code
# -----------------------------------------------------
#
# Before PyTorch 1.5 ``/`` of two integer tensors cut off the decimals. Old
# code divides an index and then says "tensors used as indices must be long,
# int, byte or bool tensors". Write ``//``.
index = torch.tensor([7])
index / 2  # tensor([3.5000])
index // 2  # tensor([3])
with suppress(IndexError):
    torch.arange(8)[
        index / 2
    ]  # IndexError: tensors used as indices must be long
torch.arange(8)[index // 2]  # tensor([3])

# %%
# Which versions does an old project need?
# ----------------------------------------
#
# Look for pinned versions in requirements.txt, for the date of the last
# change, and for names that were removed later. An old PyTorch needs an old
# Python and an old NumPy: make an environment of their own. A new GPU needs
# a new PyTorch, so there change the imports instead.
version = torch.torch_version.TorchVersion
version("1.13.1") < "2.0"  # True
version("1.9.0") < "1.10"  # True
print(sys.version_info[:2], torch.__version__, torchvision.__version__)
print(np.__version__, Image.__version__)

# %%
# Error: externally-managed-environment (pip in the system's Python)
# ------------------------------------------------------------------
#
# Debian, Ubuntu and Homebrew protect the Python of the system from pip, so
# make an environment with ``python3 -m venv env`` and start it with
# ``source env/bin/activate``. In an environment the two prefixes differ. If
# pip ends with "Killed" or "No space left on device", add
# ``--no-cache-dir`` and make room on the disk.
print(sys.prefix, sys.base_prefix)
print("environment", sys.prefix != sys.base_prefix)
sys.executable.startswith(sys.exec_prefix)  # True

# %%
# Illegal instruction (core dumped) at the import: an old processor
# -----------------------------------------------------------------
#
# A package was compiled for instructions that this processor lacks, and on
# Linux ``lscpu`` shows which it has. PyTorch itself chooses a variant of
# its kernels that the processor can run, and the line below tells which
# one. Another package is then the likely cause, so import them one by one.
capability = torch.backends.cpu.get_cpu_capability()
isinstance(capability, str)  # True
print(capability)
