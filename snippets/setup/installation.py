"""
Install and verify
==================

Check which build of PyTorch is installed and whether it can use a GPU, and
fix the errors of a wrong installation.
"""
import os
import re
import subprocess
import sys
import tempfile
from contextlib import suppress
from importlib import metadata
from pathlib import Path

import torch
import torchvision
from torch.utils import collect_env

# %%
# Install PyTorch and print its version: ``torch.__version__``
# ------------------------------------------------------------
#
# Use the command that the selector on pytorch.org gives for your system, or
# ``uv pip install torch torchvision --torch-backend=auto``. The part after
# ``+`` names the build: ``cpu``, or ``cu130`` for CUDA 13.0. Compare
# ``torch.__version__`` itself, because as plain text "2.11" is less than
# "2.9".
print(torch.__version__, torch.version.cuda)
release, _, build = torch.__version__.partition("+")
digits = (torch.version.cuda or "").replace(".", "")
build == f"cu{digits}" or not build.startswith("cu")  # True
torch.__version__ >= "2.9"  # True
torch.__version__ >= (2, 9)  # True
release >= "2.9"  # False

# %%
# Is there a GPU: ``torch.cuda.is_available``, ``mps.is_available``
# -----------------------------------------------------------------
#
# ``is_built`` tells what the installed build supports, and ``is_available``
# tells whether this machine can use it now. Builds for macOS support MPS,
# the GPU of a Mac. If CUDA is built in but not available, check the driver.
cuda, mps = torch.backends.cuda, torch.backends.mps
print("CUDA", cuda.is_built(), torch.cuda.is_available())
print("MPS", mps.is_built(), mps.is_available())
mps.is_built() == (sys.platform == "darwin")  # True
mps.is_built() or not mps.is_available()  # True
cuda.is_built() or not torch.cuda.is_available()  # True
version = torch.version.cuda or torch.version.hip
cuda.is_built() == (version is not None)  # True

# %%
# Choose the device and compute: ``torch.accelerator``
# ----------------------------------------------------
#
# ``torch.accelerator.current_accelerator`` replaces the chain of ``if``
# statements at the start of older code. Compute a matrix product and a
# gradient on this device to check that the installation works.
chosen = torch.accelerator.current_accelerator(check_available=True)
device = chosen or torch.device("cpu")
if torch.cuda.is_available():
    old = "cuda"
elif torch.backends.mps.is_available():
    old = "mps"
else:
    old = "cpu"
device.type == old  # True
x = torch.ones(2, 3, device=device, requires_grad=True)
x @ x.T  # tensor([[3., 3.], [3., 3.]], grad_fn=<MmBackward0>)
(x @ x.T).sum().backward()
x.grad  # tensor([[4., 4., 4.], [4., 4., 4.]])

# %%
# Report for a bug: ``torch.utils.collect_env``, ``__config__.show``
# ------------------------------------------------------------------
#
# ``python -m torch.utils.collect_env`` prints the versions of PyTorch,
# Python, CUDA, the driver and related packages. Paste its output into a bug
# report. ``torch.__config__.show`` lists the compiler and the libraries
# that PyTorch was built with.
built = torch.__config__.show()
built.splitlines()[0]  # 'PyTorch built with:'
capability = torch.backends.cpu.get_cpu_capability()
f"CPU capability usage: {capability}" in built  # True
threads = torch.get_num_threads()
f"get_num_threads() : {threads}" in torch.__config__.parallel_info()  # True
fields = collect_env.SystemEnv._fields
{"torch_version", "nvidia_driver_version"} <= set(fields)  # True
collect_env.get_platform() == sys.platform  # True

# %%
# Which torchvision fits: ``torchvision.__version__``
# ---------------------------------------------------
#
# torchvision 0.29 belongs to PyTorch 2.14. For earlier releases of PyTorch
# 2 the difference of the minor versions is also 15. Install both with one
# command. ``ops.nms`` is compiled code, so a call shows that the two work
# together.
minor = int(torch.__version__.split(".")[1])
int(torchvision.__version__.split(".")[1]) == minor + 15  # True
needs = metadata.requires("torchvision")
print([need for need in needs if need.startswith("torch")])
boxes = torch.tensor([[0.0, 0, 10, 10], [1, 1, 10, 10], [20, 20, 30, 30]])
scores = torch.tensor([0.9, 0.8, 0.7])
torchvision.ops.nms(boxes, scores, iou_threshold=0.5)  # tensor([0, 2])

# %%
# Error: No module named 'torch'
# ------------------------------
#
# The Python that runs your script is not the one that PyTorch was installed
# into. This card starts a Python without its installed packages. Print
# ``sys.executable``, and install PyTorch with ``python -m pip`` of that
# same Python.
os.path.isabs(sys.executable)  # True
command = [sys.executable, "-I", "-S", "-c", "import torch"]
run = subprocess.run(command, capture_output=True, text=True)
error = run.stderr.splitlines()[-1]
error  # "ModuleNotFoundError: No module named 'torch'"

# %%
# Error: module 'torch' has no attribute (a file called torch.py)
# ---------------------------------------------------------------
#
# If one of your own files is called torch.py, Python imports it instead of
# PyTorch. ``torch.__file__`` shows which file was imported. Rename your
# file.
program = "import torch; print(torch.__file__); torch.zeros(1)"
with tempfile.TemporaryDirectory() as folder:
    Path(folder, "torch.py").touch()
    run = subprocess.run(
        [sys.executable, "-S", "-c", program],
        cwd=folder,
        capture_output=True,
        text=True,
    )
Path(run.stdout.strip()).name  # 'torch.py'
error = run.stderr.splitlines()[-1]
error[:47]  # "AttributeError: module 'torch' has no attribute"

# %%
# Error: Torch not compiled with CUDA enabled
# -------------------------------------------
#
# This build contains no code for the requested device. The card uses
# Intel's device ``xpu`` in place of CUDA to show the message. Install a
# build with CUDA, or choose the device with ``torch.accelerator``, as shown
# above.
with suppress(AssertionError):
    torch.ones(2).to("xpu")  # AssertionError: not compiled with XPU enabled


def move():
    try:
        return torch.ones(2).cuda().device.type
    except (AssertionError, RuntimeError) as error:
        return type(error).__name__


works, built = torch.cuda.is_available(), torch.backends.cuda.is_built()
failure = "RuntimeError" if built else "AssertionError"
move() == ("cuda" if works else failure)  # True

# %%
# Error: operator torchvision::nms does not exist
# -----------------------------------------------
#
# The compiled part of torchvision was not loaded, because torch and
# torchvision come from different releases or builds. Reinstall both with
# one command. In this card the operator ``absent::nms`` stands for the
# missing one.
with suppress(RuntimeError):
    torch.library.register_fake(
        "absent::nms", lambda boxes, scores, threshold: boxes
    )  # RuntimeError: operator absent::nms does not exist
torchvision.extension._has_ops()  # True
torch.ops.torchvision.nms.default.name()  # 'torchvision::nms'

# %%
# Why is ``torch.cuda.is_available()`` False?
# -------------------------------------------
#
# ``torch.cuda.init`` raises an error that names the reason, and the table
# says what to do about it. The last line checks that the table covers the
# reason on this machine. The program ``nvidia-smi`` shows the driver and
# the newest CUDA version that it supports.
advice = {
    "not compiled with CUDA": "install a build with CUDA",
    "Found no NVIDIA driver": "install a driver",
    "driver on your system is too old": "update the driver",
    "No CUDA GPUs are available": "look at CUDA_VISIBLE_DEVICES",
}
reason = ""
try:
    torch.cuda.init()
except (AssertionError, RuntimeError) as error:
    reason = str(error)
found = [advice[text] for text in advice if text in reason]
print(os.environ.get("CUDA_VISIBLE_DEVICES"), found)
len(found) == (0 if torch.cuda.is_available() else 1)  # True

# %%
# Error: no kernel image is available for execution on the device
# ---------------------------------------------------------------
#
# The build has no code for this generation of GPU. The warning "CUDA
# capability sm_120 is not compatible with the current PyTorch installation"
# means the same. Compare ``torch.cuda.get_device_capability`` with
# ``torch.cuda.get_arch_list`` of the build, where ``sm_90`` stands for 9.0.
# Install a newer build for a new GPU, such as CUDA 12.8 or later for an RTX
# 5090, or an older build for an old GPU.
archs = torch.cuda.get_arch_list()
majors = {int(re.search(r"\d+", arch)[0]) // 10 for arch in archs}
count = torch.cuda.device_count() if torch.version.cuda else 0
found = [torch.cuda.get_device_capability(i) for i in range(count)]
print(archs, found)
{major for major, _ in found} <= majors  # True

# %%
# Outdated install commands: CUDA 11.8, Python 3.8
# ------------------------------------------------
#
# Install commands for CUDA 11.8 or 12.1 or for Python 3.8 belong to older
# releases. Use the current command from the selector on pytorch.org. Builds
# with CUDA contain cuDNN, and ``torch.backends.cudnn.version`` shows its
# version.
metadata.metadata("torch")["Requires-Python"]  # '>=3.10'
sys.version_info >= (3, 10)  # True
cuda = torch.version.cuda
cuda is None or float(cuda) > 12.1  # True
cudnn = torch.backends.cudnn
isinstance(cudnn.version(), int) == cudnn.is_available()  # True
