"""
CUDA errors: CUBLAS, cuDNN, invalid device, launch failure
==========================================================

A GPU reports an error late, so the traceback often ends at a line that is
not the cause. First run the same step on the CPU, where the error message
shows what is wrong. Then run it on the GPU with ``CUDA_LAUNCH_BLOCKING=1``,
and the traceback ends at the right line. The messages
"CUBLAS_STATUS_ALLOC_FAILED" and "CUDNN_STATUS_NOT_INITIALIZED" usually mean
that the memory of the GPU is full.

* "device-side assert triggered" or "CUBLAS_STATUS_EXECUTION_FAILED"? See
  *Run the same step on the CPU to see the real error*.
* A traceback that ends at a harmless line? See *Find the right line:
  CUDA_LAUNCH_BLOCKING=1*.
* "CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate(handle)",
  "CUBLAS_STATUS_NOT_INITIALIZED", "CUDNN_STATUS_NOT_INITIALIZED" or "unable
  to find an engine to execute this computation"? See *CUBLAS and cuDNN
  errors: check the memory, then each library*.
* "CUBLAS_STATUS_INVALID_VALUE", "libcudnn.so: cannot open shared object
  file"? See *Two copies of a library: LD_LIBRARY_PATH*.
* "invalid device ordinal" or "no CUDA-capable device is detected"? See
  *invalid device ordinal: CUDA_VISIBLE_DEVICES*.
* "only supported on CUDA devices with compute capability >= 9.0 or 8.9"?
  See *An operation that needs a newer GPU: compute capability*.
* "unspecified launch failure", "unknown error", "uncorrectable ECC error"?
  See *unspecified launch failure, ECC error: restart and check the driver*.
* "no kernel image is available"? See :doc:`install_problems`. "driver on
  your system is too old"? See :doc:`/reference/setup/installation`. "CUDA
  out of memory"? See :doc:`out_of_memory`.
"""
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import torch
from torch import nn

# %%
# Run the same step on the CPU to see the real error
# --------------------------------------------------
#
# Move the model and one batch to the CPU and run the step there. An index
# that is out of range, a wrong label or a shape mismatch then raises an
# error that says what is wrong. On a GPU the same index leads to
# "device-side assert triggered", and the next matrix product may report
# "CUBLAS_STATUS_EXECUTION_FAILED". After such an error, start a new
# process.
torch.manual_seed(0)
device = torch.get_default_device()
model = nn.Sequential(nn.Embedding(10, 4), nn.Flatten(), nn.Linear(12, 2))
batch = torch.tensor([[1, 5, 9], [2, 10, 3]])
with suppress(IndexError):
    model.cpu()(batch.cpu())  # IndexError: index out of range in self
batch.max().item(), model[0].num_embeddings  # (10, 10)

# %%
# Find the right line: ``CUDA_LAUNCH_BLOCKING=1``
# -----------------------------------------------
#
# A kernel is the code of one operation on the GPU. It runs in the
# background, so Python has already moved on when it fails. With
# ``CUDA_LAUNCH_BLOCKING=1``, Python waits for each kernel. Set this
# environment variable in the shell before the program starts. The script
# below fails in the line ``rows = table(ids)``, on the CPU as well as on a
# GPU.
script = """
import torch

device = torch.accelerator.current_accelerator(True) or "cpu"
table = torch.nn.Embedding(10, 4, device=device)
ids = torch.arange(8, 12, device=device)
rows = table(ids)
total = rows.sum() + 1
print(total.item())
"""
ran = subprocess.run(
    [sys.executable, "-c", script],
    env={**os.environ, "CUDA_LAUNCH_BLOCKING": "1"},
    capture_output=True, text=True,
)
traceback = ran.stderr
ran.returncode  # 1
"line 7, in <module>" in traceback  # True
named = ("index out of range", "device-side assert")
any(words in traceback for words in named)  # True

# %%
# CUBLAS and cuDNN errors: check the memory, then each library
# ------------------------------------------------------------
#
# cuBLAS computes matrix products and cuDNN convolutions. Both libraries
# reserve memory at their first call, and report "ALLOC_FAILED" or
# "NOT_INITIALIZED" if the GPU is full. In that case halve the batch size,
# and look for other processes in ``nvidia-smi``. Then try one small
# operation of each library in a new process. If a small convolution fails
# although memory is free, the installation is broken, so install PyTorch in
# a new environment.
small = torch.rand(4, 4)
image = torch.rand(1, 1, 8, 8)
operations = {
    "matrix product (cuBLAS)": lambda: small @ small,
    "convolution (cuDNN)": lambda: nn.Conv2d(1, 2, 3)(image),
    "solve (cuSOLVER)": lambda: torch.linalg.solve(
        small + 4 * torch.eye(4), small
    ),
    "Fourier transform (cuFFT)": lambda: torch.fft.fft(small),
}
works = {}
for name, operation in operations.items():
    result = operation()
    works[name] = bool(torch.isfinite(result.abs()).all())
print(works)
all(works.values())  # True
if device.type != "cpu":
    free, total = torch.cuda.mem_get_info()
    print(f"{free / 2**30:.1f} of {total / 2**30:.1f} GiB are free")

# %%
# Two copies of a library: ``LD_LIBRARY_PATH``
# --------------------------------------------
#
# The PyTorch wheels bring their own CUDA libraries. If ``LD_LIBRARY_PATH``
# contains the folder of another CUDA version, the files there may be loaded
# instead, so unset the variable and try again. On Linux, the list below
# shows which files this process has loaded. All of them should lie in one
# environment.
print("LD_LIBRARY_PATH =", os.environ.get("LD_LIBRARY_PATH"))
print("cuDNN", torch.backends.cudnn.version(), "CUDA", torch.version.cuda)
maps = Path("/proc/self/maps")
lines = maps.read_text().splitlines() if maps.exists() else []
files = {line.split()[-1] for line in lines if "/" in line}
cuda = sorted(
    name for name in files
    if Path(name).name.startswith(("libcublas", "libcudnn", "libcudart"))
)
print(*cuda, sep="\n")

# %%
# invalid device ordinal: ``CUDA_VISIBLE_DEVICES``
# ------------------------------------------------
#
# PyTorch sees the GPUs that ``CUDA_VISIBLE_DEVICES`` lists, and numbers
# them from 0 to ``torch.cuda.device_count() - 1``. With
# ``CUDA_VISIBLE_DEVICES=2``, the only device is ``cuda:0``. An empty value
# hides all GPUs. Set the variable before the first use of CUDA.
script = "import torch; print(torch.cuda.device_count())"
counts = {}
for visible in ("", "0"):
    ran = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "CUDA_VISIBLE_DEVICES": visible},
        capture_output=True, text=True, check=True,
    )
    counts[visible] = int(ran.stdout)
counts[""]  # 0
counts["0"] <= 1  # True

# %%
# An operation that needs a newer GPU: compute capability
# -------------------------------------------------------
#
# The compute capability is a number for the generation of a GPU.
# ``torch._scaled_mm`` multiplies float8 matrices on GPUs from compute
# capability 8.9 on. An RTX 3090 (8.6) or an A100 (8.0) cannot do this. On
# such a GPU, store the weights in float8 and convert them to bfloat16 for
# the multiplication. bfloat16 itself is fast from compute capability 8.0
# on.
weights = torch.tensor([0.1, 1.0, 300.0])
stored = weights.to(torch.float8_e4m3fn)
stored.nbytes, weights.nbytes  # (3, 12)
usable = stored.to(torch.bfloat16)
usable.float()  # tensor([0.1016, 1.0000, 288.0000])
if device.type != "cpu":
    print("float8:", torch.cuda.get_device_capability() >= (8, 9))

# %%
# unspecified launch failure, ECC error: restart and check the driver
# -------------------------------------------------------------------
#
# After such an error, further CUDA calls of the process fail, too. Start a
# new process, and let your training script save checkpoints to resume from.
# If the same batch fails again, a kernel probably reads outside its memory,
# so run the program under ``compute-sanitizer``, and update PyTorch and
# your extensions. If the error comes with changing batches, look at
# ``nvidia-smi -q`` and at the lines with "Xid" in the system log, which
# report overheating, power problems and broken memory.
saved = {name: value.clone() for name, value in model.state_dict().items()}
twin = nn.Sequential(nn.Embedding(10, 4), nn.Flatten(), nn.Linear(12, 2))
twin.load_state_dict(saved)
torch.equal(twin.cpu()[2].weight, model[2].weight.cpu())  # True

# %%
# The result: the batch is checked, and the step runs
# ---------------------------------------------------
#
# A check of the indices before the step can raise an error with a clear
# message. The repaired batch runs on the device of this page, and the
# result agrees with the one on the CPU.


def check(ids, size):
    if ids.min() < 0 or ids.max() >= size:
        raise ValueError(f"ids from {ids.min()} to {ids.max()}, not {size}")
    return ids


with suppress(ValueError):
    check(batch, 10)  # ValueError: ids from 1 to 10
repaired = check(batch.clamp(max=9), 10)
on_cpu = model.cpu()(repaired.cpu())
on_device = model.to(device)(repaired.to(device))
difference = (on_device.cpu() - on_cpu).abs().max().item()
print(difference)
assert difference < 1e-4, difference
