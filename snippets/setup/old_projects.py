"""
Old projects on a new PyTorch
=============================

Replace names that were removed from PyTorch, torchvision, NumPy and Pillow,
and find out which versions an old project needs.
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
# PyTorch 2.0 removed this module. In the file that imports it, write
# ``str`` for ``string_classes``, ``math.inf`` or ``torch.inf`` for ``inf``,
# and ``collections.abc`` for ``container_abcs``. If the import is in a
# package, look for a newer version of it.
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
# Old code imports ``load_state_dict_from_url`` from this module. Import the
# function from ``torch.hub`` instead.
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
# ``Scale`` is now called ``Resize``, and ``RandomSizedCrop`` is now called
# ``RandomResizedCrop``. Pass the size as before.
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
# NumPy 1.24 removed these aliases of Python's own types. Write ``int``,
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
# ``torch.fft`` was a function once, and since PyTorch 1.8 it is a module.
# Its functions return complex numbers. The old functions returned real
# numbers with a last dimension of size 2, which ``torch.view_as_real``
# gives.
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
# The old project imports a name that was removed or has moved. Search for
# it in the modules that are loaded. If you find it nowhere, read the
# release notes, or write the few lines yourself.
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
# In old releases of PyTorch, ``/`` of two integer tensors cut off the
# decimals. Old code that divides an index now fails with "tensors used as
# indices must be long, int, byte or bool tensors". Write ``//`` instead.
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
# Look at the versions in requirements.txt, at the date of the last change,
# and at names that were removed later. An old PyTorch needs an old Python
# and an old NumPy, so create a separate environment. A new GPU needs a new
# PyTorch. In that case, change the imports instead.
version = torch.torch_version.TorchVersion
version("1.13.1") < "2.0"  # True
version("1.9.0") < "1.10"  # True
print(sys.version_info[:2], torch.__version__, torchvision.__version__)
print(np.__version__, Image.__version__)

# %%
# Error: externally-managed-environment (pip in the system's Python)
# ------------------------------------------------------------------
#
# Debian, Ubuntu and Homebrew protect the system's Python from pip. Create
# an environment with ``python3 -m venv env`` and activate it with ``source
# env/bin/activate``. In an environment, ``sys.prefix`` and
# ``sys.base_prefix`` differ. If pip ends with "Killed" or "No space left on
# device", add ``--no-cache-dir`` and free disk space.
print(sys.prefix, sys.base_prefix)
print("environment", sys.prefix != sys.base_prefix)
sys.executable.startswith(sys.exec_prefix)  # True

# %%
# Illegal instruction (core dumped) at the import: an old processor
# -----------------------------------------------------------------
#
# A package was compiled for instructions that this processor does not have.
# On Linux, ``lscpu`` shows which it has. PyTorch chooses code that the
# processor can run, and the line below tells which. So import your other
# packages one by one to find the cause.
capability = torch.backends.cpu.get_cpu_capability()
isinstance(capability, str)  # True
print(capability)
