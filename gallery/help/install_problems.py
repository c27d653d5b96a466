"""
Installation problems: what to print and what it means
======================================================

Print the Python that runs, the build of PyTorch, and the CUDA version of
the build: these three lines explain most failures. A build that ends in
``+cpu`` has no CUDA, another Python has no ``torch``, and torchvision and
NumPy must fit the release. A new virtual environment with one command for
all packages repairs more than changes to an old one. The last step runs
each part once and asserts that the parts fit.

* "No module named 'torch'"? See *No module named torch: another Python*.
* "Could not find a version that satisfies the requirement torch"? See *No
  matching distribution: no wheel for this Python*.
* "Torch not compiled with CUDA enabled", or ``is_available()`` is False?
  See *No CUDA: the build, then the driver*.
* "is not compatible with the current PyTorch installation", "no kernel
  image is available"? See *A GPU that the build does not know*.
* "operator torchvision::nms does not exist"? See *torchvision does not
  fit*.
* "compiled using NumPy 1.x", "Numpy is not available"? See *NumPy 1 and
  NumPy 2*.
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
# ``sys.executable`` is the Python that runs. The part of the version behind
# ``+`` is the build: ``cpu``, or ``cu130`` for CUDA 13.0.
# ``torch.version.cuda`` is None in a build without CUDA. It is the version
# of the build; ``nvidia-smi`` shows the newest one that the driver
# supports, which may be higher. ``python -m torch.utils.collect_env``
# prints more.
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
# ``pip`` installed into one Python and another one runs, for instance in a
# notebook, in an editor or in another environment. Install with the Python
# that runs: ``python -m pip install torch``. The child process here has no
# installed packages. A file of your own called "torch.py" has another
# message, see :doc:`/reference/setup/installation`.
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
# versions: none)": there is no wheel for this Python or this system. Needed
# are a 64-bit Python of a version that the release supports, and an up to
# date pip. Not supported are Intel Macs since 2.3, and Linux with musl, as
# in Alpine. An old release needs an old Python, too.
struct.calcsize("P") * 8  # 64
needed = metadata.metadata("torch")["Requires-Python"]
needed  # '>=3.10'
minor = int(re.search(r"3\.(\d+)", needed)[1])
sys.version_info >= (3, minor)  # True

# %%
# No CUDA: the build, then the driver
# -----------------------------------
#
# If ``torch.version.cuda`` is None, take a build with CUDA from pytorch.org
# (Linux, Windows). If it is a number and ``is_available`` is False, look at
# the driver: the reason is in the error of ``torch.cuda.init``.
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
# A GPU that the build does not know
# ----------------------------------
#
# "... with CUDA capability sm_120 is not compatible with the current
# PyTorch installation" and "no kernel image is available for execution on
# the device" mean the same: the build has no code for this GPU. Code for
# ``sm_80`` runs on capabilities 8.0 to 8.9, and ``compute_90`` is
# translated for 9.0 and later. A new GPU needs a new build: capability 12.0
# (RTX 5090) one with CUDA 12.8 or later. An old GPU needs an old one.
# Rebuild extensions with ``TORCH_CUDA_ARCH_LIST``.
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
# torchvision does not fit
# ------------------------
#
# "operator torchvision::nms does not exist" and "Couldn't load custom C++
# ops": torch and torchvision come from different releases, or one is built
# for the CPU and one for CUDA. Uninstall both, and install both with one
# command. The minor versions differ by 15 in PyTorch 2.
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
# package. Then ``Tensor.numpy`` says "Numpy is not available". Update the
# package, or install ``"numpy<2"`` beside the old one, and start Python
# again. A round trip shows that the two work together.
print(np.__version__)
torch.ones(2).cpu().numpy()  # array([1., 1.], dtype=float32)
torch.from_numpy(np.zeros(2)).dtype  # torch.float64

# %%
# Windows: WinError 126, a DLL is missing
# ---------------------------------------
#
# "[WinError 126] ... Error loading fbgemm.dll or one of its dependencies"
# names the file that was loaded, and missing is one that this file needs.
# Install the Microsoft Visual C++ Redistributable (x64) and update
# PyTorch: 2.4.0 lacked ``libomp140.x86_64.dll``, and 2.4.1 brings it. Do
# not fetch single DLLs from download sites. The files of PyTorch lie in
# this folder.
folder = Path(torch.__file__).parent / "lib"
names = sorted(file.name for file in folder.iterdir())
print(len(names), [name for name in names if "cpu" in name])
any("torch_cpu" in name for name in names)  # True

# %%
# OMP: Error #15, two copies of OpenMP
# ------------------------------------
#
# "Initializing libiomp5md.dll, but found libiomp5md.dll already
# initialized": two packages brought the OpenMP library, often NumPy from
# conda and PyTorch from pip. Make a new environment with packages from one
# source. ``KMP_DUPLICATE_LIB_OK=TRUE`` silences the error and can give
# wrong results. On Linux the lines below show which copies are loaded.
maps = Path("/proc/self/maps")
lines = maps.read_text().split() if maps.exists() else []
loaded = {word for word in lines if re.search(r"lib[a-z]*omp[\d.-]", word)}
print(sorted(loaded))
print(os.environ.get("KMP_DUPLICATE_LIB_OK"))

# %%
# What was reached: each part runs
# --------------------------------
#
# A matrix product and its gradient, an operator of torchvision and an array
# of NumPy: if this cell passes, the installation works. With a GPU it
# computes there.
device = torch.accelerator.current_accelerator(check_available=True)
x = torch.ones(2, 3, device=device or "cpu", requires_grad=True)
(x @ x.T).sum().backward()
assert x.grad.cpu().tolist() == [[4.0] * 3] * 2
assert torchvision.extension._has_ops()
assert x.detach().cpu().numpy().sum() == 6.0
