"""
Settings
========

Read a setting, change it and restore it. The cards cover threads, printing,
precision, deterministic mode and seeds.
"""
import warnings
from contextlib import contextmanager, suppress

import numpy as np
import torch

# %%
# Number of CPU threads: ``torch.set_num_threads``
# ------------------------------------------------
#
# PyTorch splits the work of one operation among these threads. If several
# processes share a machine, such as the workers of a web server, try one
# thread for each process. The environment variable ``OMP_NUM_THREADS`` sets
# the number from outside the program.
before = torch.get_num_threads()
torch.set_num_threads(1)
torch.get_num_threads()  # 1
x = torch.rand(1000, dtype=torch.float64)
alone = x.sum()
torch.set_num_threads(before)
torch.get_num_threads() == before  # True
torch.allclose(x.sum(), alone)  # True
with suppress(RuntimeError):
    torch.set_num_threads(0)  # RuntimeError: expects a positive integer

# %%
# Error: cannot set number of interop threads
# -------------------------------------------
#
# Call ``torch.set_num_interop_threads`` once, at the top of the program,
# before such a thread has worked. These threads run several operations side
# by side. The threads of ``torch.set_num_threads`` share the work of a
# single operation.
threads = torch.get_num_interop_threads()
threads >= 1  # True
with suppress(RuntimeError):
    [
        torch.set_num_interop_threads(threads) for _ in range(2)
    ]  # RuntimeError: cannot set number of interop threads
torch.get_num_interop_threads() == threads  # True

# %%
# More digits: ``torch.set_printoptions(precision=8)``
# ----------------------------------------------------
#
# By default, printing rounds to four decimals, and the values themselves do
# not change. Use ``sci_mode=False`` to avoid powers of ten. Pass it in each
# call, because a call without it resets it. ``profile="default"`` restores
# all printing options.
x = torch.tensor([1 / 3, 10000.0], device="cpu")
repr(x)  # 'tensor([3.3333e-01, 1.0000e+04])'
torch.set_printoptions(sci_mode=False)
repr(x)  # 'tensor([    0.3333, 10000.0000])'
torch.set_printoptions(precision=8)
repr(x)  # 'tensor([3.33333343e-01, 1.00000000e+04])'
torch.set_printoptions(profile="default")
repr(x[:1])  # 'tensor([0.3333])'
x[0].item()  # 0.3333333432674408

# %%
# Print all elements of a long tensor: ``threshold``, ``edgeitems``
# -----------------------------------------------------------------
#
# By default, a tensor of more than 1000 elements is printed with dots in
# the middle. Raise ``threshold`` to print more elements, or ``edgeitems``
# to see more of both ends. ``linewidth`` sets the length of a line.
x = torch.arange(1001, device="cpu")
repr(x)  # 'tensor([   0,    1,    2,  ...,  998,  999, 1000])'
torch.set_printoptions(edgeitems=1)
repr(x)  # 'tensor([   0,  ..., 1000])'
torch.set_printoptions(profile="full")
"..." in repr(x)  # False
torch.set_printoptions(profile="default", linewidth=20)
repr(x[:6])  # 'tensor([0, 1, 2, 3,\n        4, 5])'
torch.set_printoptions(profile="default")
repr(x[:6])  # 'tensor([0, 1, 2, 3, 4, 5])'

# %%
# Change a setting for a block: ``contextlib.contextmanager``
# -----------------------------------------------------------
#
# Read the setting, change it, and restore it in ``finally``, which also
# runs after an error. Code after the block does not see the change.
@contextmanager
def threads(number):
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)


before = torch.get_num_threads()
with suppress(ZeroDivisionError), threads(1):
    torch.get_num_threads()  # 1
    1 / 0  # ZeroDivisionError: division by zero
torch.get_num_threads() == before  # True

# %%
# Faster matrix products: ``torch.set_float32_matmul_precision``
# --------------------------------------------------------------
#
# With "high", a GPU may compute matrix products in TF32, which is faster
# and less precise. The tensors stay float32.
# ``torch.backends.cuda.matmul.allow_tf32`` is the older switch for the same
# setting.
before = torch.get_float32_matmul_precision()
matmul = torch.backends.cuda.matmul
torch.set_float32_matmul_precision("highest")
matmul.allow_tf32  # False
torch.set_float32_matmul_precision("high")
matmul.allow_tf32  # True
x = torch.ones(2, 2)
x @ x  # tensor([[2., 2.], [2., 2.]])
torch.set_float32_matmul_precision(before)
torch.get_float32_matmul_precision() == before  # True
torch.set_float32_matmul_precision("low")  # UserWarning: low is not one of

# %%
# Error: mix of the legacy and new APIs (``fp32_precision``)
# ----------------------------------------------------------
#
# The newer setting ``fp32_precision`` exists for each backend and
# operation, and names the format "ieee" or "tf32". Once you have used it,
# reading an older switch can raise this error. Use only one of the two
# interfaces in your program and in the libraries that you configure.
matmul, conv = torch.backends.cuda.matmul, torch.backends.cudnn.conv
before = (matmul.fp32_precision, conv.fp32_precision)
matmul.fp32_precision, conv.fp32_precision = "tf32", "ieee"
(matmul.fp32_precision, conv.fp32_precision)  # ('tf32', 'ieee')
with suppress(RuntimeError):
    torch.get_float32_matmul_precision()  # RuntimeError: mix of the legacy
with suppress(RuntimeError):
    matmul.allow_tf32  # RuntimeError: We suggest only using the new API
matmul.fp32_precision, conv.fp32_precision = before
(matmul.fp32_precision, conv.fp32_precision) == before  # True
torch.get_float32_matmul_precision()  # 'highest'

# %%
# Very small floats become 0: ``torch.set_flush_denormal``
# --------------------------------------------------------
#
# A float is denormal if it is not 0 and its absolute value is below
# ``torch.finfo(dtype).tiny``. With this setting the CPU replaces such
# values by 0. Try it if tiny values make a program slow. The function
# returns whether the processor supports it.
tiny = torch.finfo(torch.float64).tiny
x = torch.tensor([tiny], dtype=torch.float64, device="cpu")
(x / 4 > 0).item()  # True
supported = torch.set_flush_denormal(True)
flushed = (x / 4 == 0).item()
torch.set_flush_denormal(False)
flushed == supported  # True
(x / 4 > 0).item()  # True

# %%
# Raise an error if not repeatable: ``use_deterministic_algorithms``
# ------------------------------------------------------------------
#
# In this mode, an operation without a deterministic kernel raises an error.
# With ``warn_only=True`` it warns instead, so that you can find all such
# operations in a program. ``torch.get_deterministic_debug_mode`` returns 0
# for off, 1 for warnings and 2 for errors.
where, values = torch.tensor([0, 0]), torch.tensor([1.0, 2.0])
before = torch.get_deterministic_debug_mode()
torch.use_deterministic_algorithms(True)
torch.get_deterministic_debug_mode()  # 2
with suppress(RuntimeError):
    torch.zeros(3).put_(where, values)  # RuntimeError: put_ does not have
torch.use_deterministic_algorithms(True, warn_only=True)
torch.is_deterministic_algorithms_warn_only_enabled()  # True
torch.get_deterministic_debug_mode()  # 1
torch.zeros(3).put_(where, values)  # UserWarning: put_ does not have
torch.set_deterministic_debug_mode(before)
torch.get_deterministic_debug_mode()  # 0

# %%
# Which seed was used: ``torch.initial_seed``, ``torch.seed``
# -----------------------------------------------------------
#
# ``torch.initial_seed`` returns the seed in use. Log it, so that you can
# repeat the random numbers of PyTorch. ``torch.seed`` takes a new seed from
# the system and returns it.
torch.manual_seed(3)
torch.rand(5)  # shape (5,)
torch.initial_seed()  # 3
new = torch.seed()
torch.initial_seed() == new  # True
first = torch.rand(5)
torch.manual_seed(new)
torch.equal(torch.rand(5), first)  # True

# %%
# Switch off a library: ``torch.backends.mkldnn.enabled``
# -------------------------------------------------------
#
# PyTorch calls libraries such as oneDNN (``mkldnn``), MKL and OpenMP. To
# find out whether oneDNN causes a problem, switch it off and compute again.
# The last digits of the result may differ.
mkldnn = torch.backends.mkldnn
print(mkldnn.is_available(), torch.backends.mkl.is_available())
print(torch.backends.openmp.is_available())
x = torch.rand(1, 3, 8, 8)
weight = torch.rand(4, 3, 3, 3)
y = torch.conv2d(x, weight)
before = mkldnn.enabled
mkldnn.enabled = False
torch.allclose(torch.conv2d(x, weight), y, atol=1e-5)  # True
mkldnn.enabled  # False
mkldnn.enabled = before

# %%
# Show a warning every time: ``torch.set_warn_always``
# ----------------------------------------------------
#
# PyTorch shows some warnings only once in a program. With
# ``set_warn_always(True)`` it passes them to Python each time, so that you
# can find all the lines that cause one. Python itself shows the same
# warning only once for each line, unless a filter says ``"always"``, as
# here.
array = np.zeros(2)
array.flags.writeable = False
before = torch.is_warn_always_enabled()
torch.set_warn_always(True)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    for _ in range(3):
        torch.from_numpy(array)
torch.set_warn_always(before)
len(caught)  # 3
torch.is_warn_always_enabled() == before  # True
