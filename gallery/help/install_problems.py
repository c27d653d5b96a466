"""
Installation problems: what to print and what it means
======================================================

First print the path of the Python that runs, the build of PyTorch, and the
CUDA version of the build. A build is one compiled version of a release,
such as the one for the CPU. The three lines explain most failures: the
build ends in ``+cpu`` and has no CUDA, PyTorch is installed in another
Python, or torchvision or NumPy does not fit the PyTorch release. It is
often easier to create a new virtual environment, with one command for all
packages, than to repair an old one. The last step runs each part once and
checks that the parts fit.

* "No module named 'torch'"? See *No module named torch: another Python*.
* "Could not find a version that satisfies the requirement torch"? See *No
  matching distribution: no wheel for this Python*.
* "Torch not compiled with CUDA enabled", or ``is_available()`` is False?
  See *No CUDA: check the build, then the driver*.
* "is not compatible with the current PyTorch installation", "no kernel
  image is available"? See *A GPU that the build does not support*.
* "operator torchvision::nms does not exist"? See *torchvision does not
  match torch*.
* "compiled using NumPy 1.x", "Numpy is not available", "Could not infer
  dtype of numpy.float32"? See *NumPy 1 and NumPy 2*.
* "WinError 126", "DLL load failed"? See *Windows: WinError 126, a DLL is
  missing*.
* "OMP: Error #15"? See *OMP: Error #15, two copies of OpenMP*.
"""
import os
import platform
import re
import struct
import subprocess
import sys
from contextlib import suppress
from importlib import metadata
from pathlib import Path

import numpy as np
import torch
import torchvision

# %%
# Print this first
# ----------------
#
# ``sys.executable`` is the path of the Python that runs. The part of the
# version after ``+`` names the build, such as ``cpu``, or ``cu130`` for
# CUDA 13.0. ``torch.version.cuda`` is the CUDA version of the build, or
# None in a build without CUDA. ``nvidia-smi`` shows the newest CUDA version
# that the driver supports. ``python -m torch.utils.collect_env`` prints
# more.
print(sys.executable)
print(platform.python_version(), f"{8 * struct.calcsize('P')} bit")
print(platform.system(), platform.machine())
print("torch", torch.__version__, torch.__file__)
print("built for CUDA", torch.version.cuda, "usable",
      torch.cuda.is_available())
print("torchvision", torchvision.__version__, "numpy", np.__version__)

# %%
# No module named torch: another Python
# -------------------------------------
#
# ``pip`` has installed PyTorch into one Python, and another Python runs,
# for instance in a notebook, an editor or another environment. Install with
# the Python that runs: ``python -m pip install torch``. The child process
# here sees no installed packages. If a file of your own is called
# "torch.py", the message is a different one, see
# :doc:`/reference/setup/installation`.
child = [sys.executable, "-I", "-S", "-c", "import torch"]
ran = subprocess.run(child, capture_output=True, text=True)
message = ran.stderr.splitlines()[-1]
message  # "ModuleNotFoundError: No module named 'torch'"
child = [sys.executable, "-c", "import torch; print(torch.__version__)"]
ran = subprocess.run(child, capture_output=True, text=True)
ran.stdout.strip() == str(torch.__version__)  # True

# %%
# No matching distribution: no wheel for this Python
# --------------------------------------------------
#
# "Could not find a version that satisfies the requirement torch (from
# versions: none)" means that there is no wheel for this Python or this
# system. You need a 64-bit Python of a version that the release supports,
# and an up-to-date pip. There are no wheels for Intel Macs since 2.3, and
# none for Linux with musl, such as Alpine. An old release needs an old
# Python, too.
struct.calcsize("P") * 8  # 64
needed = metadata.metadata("torch")["Requires-Python"]
needed  # '>=3.10'
minor = int(re.search(r"3\.(\d+)", needed)[1])
sys.version_info >= (3, minor)  # True

# %%
# No CUDA: check the build, then the driver
# -----------------------------------------
#
# If ``torch.version.cuda`` is None, install a build with CUDA from
# pytorch.org, on Linux or Windows. If it is a version number but
# ``is_available`` is False, check the driver. The error of
# ``torch.cuda.init`` gives the reason.
built = torch.version.cuda is not None
reason = "usable"
try:
    torch.cuda.init()
except (AssertionError, RuntimeError) as error:
    reason = str(error).splitlines()[0]
print(built, reason)
(reason == "usable") == torch.cuda.is_available()  # True
if not built and torch.version.hip is None:
    assert not torch.cuda.is_available()


# %%
# A GPU that the build does not support
# -------------------------------------
#
# "... with CUDA capability sm_120 is not compatible with the current
# PyTorch installation" and "no kernel image is available for execution on
# the device" both mean that the build has no code for this GPU. The compute
# capability of a GPU is the number of its generation. Code for ``sm_80``
# runs on capabilities 8.0 to 8.9, and code for ``compute_90`` is translated
# on capability 9.0 and later. A new GPU needs a new build, and an old GPU
# needs an old build. For example, an RTX 5090 (capability 12.0) needs a
# build for CUDA 12.8 or later. Rebuild extensions with
# ``TORCH_CUDA_ARCH_LIST``.
def supported(capability, archs):
    for arch in archs:
        kind, digits = re.match(r"(sm|compute)_(\d+)", arch).groups()
        version = int(digits[:-1]), int(digits[-1])
        if version <= capability:
            if kind == "compute" or version[0] == capability[0]:
                return True
    return False


old_build = ["sm_50", "sm_60", "sm_70", "sm_80", "sm_86", "sm_90"]
supported((12, 0), old_build)  # False
supported((8, 9), old_build)  # True
supported((12, 0), [*old_build, "sm_120"])  # True
supported((12, 0), ["sm_80", "compute_90"])  # True
if torch.cuda.is_available() and torch.version.cuda:
    found = torch.cuda.get_device_capability()
    assert supported(found, torch.cuda.get_arch_list())

# %%
# torchvision does not match torch
# --------------------------------
#
# "operator torchvision::nms does not exist" and "Couldn't load custom C++
# ops" mean that torch and torchvision come from different releases, or that
# one is built for the CPU and the other for CUDA. Uninstall both packages,
# and install them together with one command. For PyTorch 2, the minor
# version of torchvision is 15 higher than the minor version of torch.
with suppress(RuntimeError):
    torch.library.register_fake(
        "missing::nms", lambda boxes, scores, threshold: boxes
    )  # RuntimeError: operator missing::nms does not exist
torch_minor = int(torch.__version__.split(".")[1])
int(torchvision.__version__.split(".")[1]) - torch_minor  # 15
boxes = torch.tensor([[0.0, 0.0, 2.0, 2.0], [0.0, 0.0, 2.0, 2.1]])
torchvision.ops.nms(boxes, torch.tensor([0.9, 0.8]), 0.5)  # tensor([0])

# %%
# NumPy 1 and NumPy 2
# -------------------
#
# "A module that was compiled using NumPy 1.x cannot be run in NumPy 2"
# comes from PyTorch before 2.3, on Windows before 2.4.1, or from another
# package. ``Tensor.numpy`` then reports "Numpy is not available", and
# ``torch.tensor`` reports "Could not infer dtype of numpy.float32", because
# this build of PyTorch does not know the types of NumPy 2. "expected
# np.ndarray (got numpy.ndarray)" also means that PyTorch and NumPy do not
# fit. Update PyTorch, or install ``"numpy<2"`` beside the old release, and
# restart Python. The conversions below show that PyTorch and NumPy work
# together.
print(np.__version__)
torch.tensor([np.float32(0.5), np.float32(2)])  # tensor([0.5, 2.0])
torch.tensor(np.int64(3))  # tensor(3)
torch.ones(2).cpu().numpy()  # array([1., 1.], dtype=float32)
torch.from_numpy(np.zeros(2)).dtype  # torch.float64

# %%
# Windows: WinError 126, a DLL is missing
# ---------------------------------------
#
# "[WinError 126] ... Error loading fbgemm.dll or one of its dependencies"
# names the file that was loaded, but the missing file is one that it
# depends on. Install the Microsoft Visual C++ Redistributable (x64) and
# update PyTorch, because 2.4.0 lacks ``libomp140.x86_64.dll`` and 2.4.1
# brings it. Do not fetch single DLLs from download sites. The code below
# looks into the folder that holds the libraries of PyTorch.
folder = Path(torch.__file__).parent / "lib"
names = sorted(file.name for file in folder.iterdir())
print(len(names), [name for name in names if "cpu" in name])
any("torch_cpu" in name for name in names)  # True

# %%
# OMP: Error #15, two copies of OpenMP
# ------------------------------------
#
# "Initializing libiomp5md.dll, but found libiomp5md.dll already
# initialized" means that two packages brought the OpenMP library, often
# NumPy from conda and PyTorch from pip. Create a new environment with
# packages from one source. ``KMP_DUPLICATE_LIB_OK=TRUE`` silences the
# error, but the results can be wrong. On Linux, the lines below show which
# copies are loaded.
maps = Path("/proc/self/maps")
lines = maps.read_text().split() if maps.exists() else []
loaded = {word for word in lines if re.search(r"lib[a-z]*omp[\d.-]", word)}
print(sorted(loaded))
print(os.environ.get("KMP_DUPLICATE_LIB_OK"))

# %%
# The result: each part works
# ---------------------------
#
# This step computes a matrix product and its gradient, on the GPU if there
# is one. It also checks the operators of torchvision and the conversion to
# NumPy. If it passes, the installation works.
device = torch.accelerator.current_accelerator(check_available=True)
x = torch.ones(2, 3, device=device or "cpu", requires_grad=True)
(x @ x.T).sum().backward()
assert x.grad.cpu().tolist() == [[4.0] * 3] * 2
assert torchvision.extension._has_ops()
assert x.detach().cpu().numpy().sum() == 6.0
