"""The state of the process that a card must leave as it found it."""

import os
import random
import sys
from contextlib import contextmanager

import torch


def _printing():
    return dict(vars(torch._tensor_str.PRINT_OPTS))


def _print_with(options):
    vars(torch._tensor_str.PRINT_OPTS).update(options)


# torch sets these itself: when an optimizer is made, or a kernel, for the first time.
OF_TORCH = ("TORCHINDUCTOR_CACHE_DIR", "_TORCHINDUCTOR_PYOBJECT_TENSOR_DATA_PTR")


def _environment():
    return {key: os.environ[key] for key in os.environ if key not in OF_TORCH}


def _recursion_limit():
    return max(2000, sys.getrecursionlimit())  # to which the compiler raises it


def _restore(mapping):
    """A setter for a global dictionary."""

    def put(saved):
        mapping.clear()
        mapping.update(saved)

    return put


def _deterministic():
    return (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
    )


cudnn = torch.backends.cudnn

# name: (read, write). What differs after a card is a leak, named and undone.
WATCHED = {
    "default device": (torch.get_default_device, None),
    "default dtype": (torch.get_default_dtype, torch.set_default_dtype),
    "grad mode": (torch.is_grad_enabled, torch.set_grad_enabled),
    "anomaly mode": (torch.is_anomaly_enabled, torch.autograd.set_detect_anomaly),
    "number of threads": (torch.get_num_threads, torch.set_num_threads),
    "print options": (_printing, _print_with),
    "deterministic algorithms": (
        _deterministic,
        lambda mode: torch.use_deterministic_algorithms(mode[0], warn_only=mode[1]),
    ),
    "matmul precision": (
        torch.get_float32_matmul_precision,
        torch.set_float32_matmul_precision,
    ),
    "cudnn.benchmark": (lambda: cudnn.benchmark, lambda on: setattr(cudnn, "benchmark", on)),
    "cudnn.deterministic": (
        lambda: cudnn.deterministic,
        lambda on: setattr(cudnn, "deterministic", on),
    ),
    "warn always": (torch.is_warn_always_enabled, torch.set_warn_always),
    "working directory": (os.getcwd, os.chdir),
    "environment": (_environment, _restore(os.environ)),
    "sys.path": (lambda: list(sys.path), lambda path: sys.path.__setitem__(slice(None), path)),
    "recursion limit": (_recursion_limit, sys.setrecursionlimit),
}


def _optional():
    """Watch NumPy and matplotlib only where a file has imported them."""
    watched = {}
    if numpy := sys.modules.get("numpy"):
        watched["numpy print options"] = (
            numpy.get_printoptions,
            lambda options: numpy.set_printoptions(**options),
        )
        watched["numpy error handling"] = (numpy.geterr, lambda errors: numpy.seterr(**errors))
    if matplotlib := sys.modules.get("matplotlib"):
        # The plain dictionary below RcParams: reading it validates nothing.
        settings = matplotlib.rcParams
        watched["matplotlib settings"] = (
            lambda: dict(dict.items(settings)),
            lambda saved: [dict.__setitem__(settings, key, saved[key]) for key in saved],
        )
    return watched


def seed_everything(seed):
    """Seed every generator that a card may draw from."""
    random.seed(seed)
    torch.manual_seed(seed)
    if numpy := sys.modules.get("numpy"):
        numpy.random.seed(seed)


@contextmanager
def guarded(seed, device="cpu"):
    """Run the body seeded and on ``device``; afterwards undo what it left behind.

    Args:
        seed: for Python, NumPy and torch.
        device: the default device inside; ``cpu`` leaves torch as it is.
    Yields:
        A list that names, after the body, each thing that leaked.
    """
    leaks = []
    seed_everything(seed)
    torch.set_default_device(None if device == "cpu" else device)
    watched = WATCHED | _optional()
    before = {name: read() for name, (read, _) in watched.items()}
    try:
        yield leaks
    finally:
        for name, (read, write) in watched.items():
            if read() != before[name]:
                leaks.append(name)
                if write:
                    write(before[name])
        if torch.is_autocast_enabled(device) or torch.is_autocast_enabled("cpu"):
            leaks.append("autocast")
            torch.set_autocast_enabled(device, False)
            torch.set_autocast_enabled("cpu", False)
        torch.set_default_device(None)
        if pyplot := sys.modules.get("matplotlib.pyplot"):
            pyplot.close("all")  # a figure is what a card shows, not what it leaks
