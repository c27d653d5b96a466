"""
Environments and libraries
==========================

Find out why an import or an installation fails. The cards cover wrong
wheels, two copies of PyTorch, missing libraries and settings that are made
too late.
"""
import ctypes
import os
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

# %%
# CUDA build in pyproject.toml: ``[[tool.uv.index]]``, ``[tool.uv.sources]``
# --------------------------------------------------------------------------
#
# ``uv add torch`` installs the build of the default index. For another
# build, add its index, mark it ``explicit`` so that other packages do not
# come from it, and list the packages that do in ``sources``. Replace
# ``cu130`` by ``cpu`` for the small build without CUDA.
text = """
[project]
dependencies = ["torch", "torchvision"]

[[tool.uv.index]]
name = "pytorch"
url = "https://download.pytorch.org/whl/cu130"
explicit = true

[tool.uv.sources]
torch = {index = "pytorch"}
torchvision = {index = "pytorch"}
"""
project = tomllib.loads(text)
uv = project["tool"]["uv"]
[index["name"] for index in uv["index"]]  # ['pytorch']
[source["index"] for source in uv["sources"].values()]  # len 2
set(uv["sources"]) == set(project["project"]["dependencies"])  # True

# %%
# Which build does pip install: PyPI, ``--index-url``, mirrors
# ------------------------------------------------------------
#
# PyPI and its mirrors have builds with CUDA for Linux, and CPU builds for
# Windows and macOS. On Windows with an NVIDIA GPU, use the command from the
# selector on pytorch.org, which has ``--index-url``. Otherwise
# ``is_available`` stays False. A version with a build tag after ``+``
# counts as newer than the same version without one.
version = torch.torch_version.TorchVersion
version("2.14.1+cu130") > "2.14.1"  # True
version("2.14.1+cu130") > "2.14.0"  # True
version("2.14.1+cu130") == "2.14.1"  # False
print(torch.__version__, platform.system(), torch.version.cuda)

# %%
# Error: is not a supported wheel on this platform (tags of a ``.whl``)
# ---------------------------------------------------------------------
#
# The end of a wheel's file name tells for which Python and which system it
# was built. ``cp312`` is Python 3.12, and ``win_amd64`` is 64-bit Windows.
# Compare the tags with the Python that you run, and download the file that
# matches. Do not rename a wheel.
def tags(wheel):
    return wheel.removesuffix(".whl").split("-")[-3:]


name = "torch-2.14.1+cpu-cp312-cp312-win_amd64.whl"
tags(name)  # ['cp312', 'cp312', 'win_amd64']
mine = f"cp{sys.version_info.major}{sys.version_info.minor}"
print(mine, sysconfig.get_platform())
wheel = metadata.distribution("torch").read_text("WHEEL")
wheel is None or f"Tag: {mine}" in wheel  # True

# %%
# Two versions of PyTorch in one environment: remove both first
# -------------------------------------------------------------
#
# An interrupted update, or a mixture of conda and pip, can leave files of
# two versions. The import then fails with "partially initialized module" or
# "cannot import name". Uninstall until pip finds nothing, then install
# once. ``metadata.distributions`` lists the installed versions, here in a
# folder with two.
with TemporaryDirectory() as folder:
    for version in ("2.1.0", "2.14.1"):
        info = Path(folder, f"torch-{version}.dist-info")
        info.mkdir()
        lines = f"Name: torch\nVersion: {version}\n"
        info.joinpath("METADATA").write_text(lines)
    found = metadata.distributions(path=[folder])
    sorted(part.version for part in found)  # ['2.1.0', '2.14.1']
here = [d.version for d in metadata.distributions() if d.name == "torch"]
print(here, torch.__file__)

# %%
# Error: libcudart.so.11.0: cannot open shared object file
# --------------------------------------------------------
#
# A compiled package needs a CUDA library that is missing, because it was
# built for another CUDA version. Install its build for your
# ``torch.version.cuda``. If ``import torch`` itself raises the error, for
# example about libcudnn or libcusparseLt, packages that PyTorch needs are
# missing. Install PyTorch again with its dependencies.
with suppress(OSError):
    ctypes.CDLL(
        "libabsent.so.11.0"
    )  # OSError: libabsent.so.11.0: cannot open shared object file
needs = metadata.requires("torch")
parts = [need for need in needs if "cuda" in need or "nvidia" in need]
print(torch.version.cuda, parts[:3])


# %%
# Error: undefined symbol (a compiled extension after an update)
# --------------------------------------------------------------
#
# The ``.so`` file of an extension was compiled for another version of
# PyTorch. If the symbol contains ``c10``, ``at`` or ``torch``, compile the
# extension again or install its build for your version. The digits in the
# symbol are the lengths of the names.
def readable(symbol):
    names, rest = [], symbol.removeprefix("_ZN").lstrip("K")
    while digits := re.match(r"\d+", rest):
        start, length = digits.end(), int(digits[0])
        names.append(rest[start : start + length])
        rest = rest[start + length :]
    return "::".join(names)


readable("_ZN3c104cuda9SetDeviceEi")  # 'c10::cuda::SetDevice'
readable("_ZNK2at6Tensor7is_cudaEv")  # 'at::Tensor::is_cuda'
program = ctypes.CDLL(None)
with suppress(AttributeError):
    program._ZN3c104cuda9SetDeviceEx  # AttributeError: undefined symbol:

# %%
# Undefined symbol in libcusparse, libcublas: ``LD_LIBRARY_PATH``
# ---------------------------------------------------------------
#
# ``LD_LIBRARY_PATH`` puts other folders first. The CUDA libraries of the
# system are then loaded in place of those that came with PyTorch, and a
# symbol such as ``__nvJitLinkAddData`` is missing. Run ``unset
# LD_LIBRARY_PATH`` and import again. On Linux, the lines below show the
# folder of PyTorch's own library.
maps = Path("/proc/self/maps")
words = maps.read_text().split() if maps.exists() else []
loaded = {Path(word) for word in words if "libtorch_cpu" in word}
own = Path(torch.__file__).resolve().parent / "lib"
{path.resolve().parent for path in loaded} <= {own}  # True
print(os.environ.get("LD_LIBRARY_PATH"))

# %%
# Environment variables come too late: set them before ``import torch``
# ---------------------------------------------------------------------
#
# PyTorch reads ``OMP_NUM_THREADS`` and ``PYTORCH_ENABLE_MPS_FALLBACK``
# during the import, and ``CUDA_VISIBLE_DEVICES`` when CUDA starts. Set them
# in the shell or at the top of the script. In a notebook, restart the
# kernel first.
set_first = "import os; os.environ['OMP_NUM_THREADS'] = '1'; import torch"
program = f"{set_first}; print(torch.get_num_threads())"
run = subprocess.run(
    [sys.executable, "-c", program], capture_output=True, text=True
)
run.stdout.strip()  # '1'
threads, before = torch.get_num_threads(), os.environ.get("OMP_NUM_THREADS")
os.environ["OMP_NUM_THREADS"] = str(threads + 1)
torch.get_num_threads() == threads  # True
os.environ.pop("OMP_NUM_THREADS")
if before is not None:
    os.environ["OMP_NUM_THREADS"] = before

# %%
# Error: PyTorch is not linked with support for mps (a Mac)
# ---------------------------------------------------------
#
# The GPU of a Mac needs a build for macOS and a processor made by Apple. If
# ``platform.machine`` is ``x86_64`` on such a Mac, your Python was built
# for Intel, so install one for arm64. If an operator is "not currently
# implemented for the MPS device", set ``PYTORCH_ENABLE_MPS_FALLBACK=1``
# before the import.
print(platform.system(), platform.machine(), platform.mac_ver()[0])
built = torch.backends.mps.is_built()
built == (sys.platform == "darwin")  # True
if not built:
    x = torch.ones(2, device="cpu")
    with suppress(RuntimeError):
        x.to("mps")  # RuntimeError: PyTorch is not linked with support for

# %%
# Is a CUDA toolkit needed? Driver, toolkit and ``torch.version.cuda``
# --------------------------------------------------------------------
#
# PyTorch comes with its own CUDA libraries and cuDNN, so you only need to
# install the driver. A toolkit with ``nvcc`` is for compiling extensions.
# ``nvidia-smi`` shows the newest CUDA version that the driver supports.
# With a driver of an older major version, the error is "CUDA driver version
# is insufficient" or "driver on your system is too old".
def runs(build, driver):
    return int(driver.split(".")[0]) >= int(build.split(".")[0])


runs(build="12.8", driver="13.0")  # True
runs(build="12.8", driver="12.4")  # True
runs(build="13.0", driver="12.4")  # False
cudnn = torch.backends.cudnn
print(torch.version.cuda, cudnn.version(), shutil.which("nvcc"))
torch.version.cuda is None or cudnn.is_available()  # True

# %%
# No GPU in Docker, WSL or Colab: what must be there
# --------------------------------------------------
#
# A container sees the GPU if the host has the driver and the NVIDIA
# Container Toolkit, and if it is started with ``--gpus all``. WSL uses the
# driver of Windows. In both, PyTorch finds a GPU only if ``nvidia-smi``
# works. In Colab and Kaggle, choose a GPU in the settings of the notebook,
# which restarts it.
print("container", Path("/.dockerenv").exists())
print("WSL", "microsoft" in platform.release().lower())
print("driver", Path("/proc/driver/nvidia/version").exists())
torch.cuda.is_available() == (torch.cuda.device_count() > 0)  # True

# %%
# Where downloaded weights are stored: ``torch.hub.get_dir``, ``TORCH_HOME``
# --------------------------------------------------------------------------
#
# ``torch.hub`` and the ``weights`` of torchvision store their files in the
# folder ``checkpoints`` inside this directory. On a machine without
# internet access, copy the file there and name it like the end of its
# address. The variable ``TORCH_HOME`` moves the directory, for example to a
# larger disk.
default = torch.hub.get_dir()
Path(default).name  # 'hub'
with TemporaryDirectory() as folder:
    torch.hub.set_dir(folder)
    torch.hub.get_dir() == folder  # True
    file = Path(folder, "checkpoints", "part-0123abcd.pt")
    file.parent.mkdir()
    torch.save({"w": torch.ones(2)}, file)
    load = torch.hub.load_state_dict_from_url
    address = "https://example.invalid/part-0123abcd.pt"
    load(address)["w"]  # tensor([1., 1.])
torch.hub.set_dir(default)
