"""The child process in which one file runs, on one device."""

import faulthandler
import os
import platform
import re
import runpy
import sys
import tempfile
import types
from pathlib import Path


def devices(connection):
    """Send ``{"cpu": name, "cuda": name}`` of what this machine has."""
    import torch

    found = {"cpu": _cpu_name()}
    if torch.cuda.is_available():
        found["cuda"] = torch.cuda.get_device_name()
    connection.send(found)


def _cpu_name():
    try:
        text = Path("/proc/cpuinfo").read_text()
        return re.search(r"model name\s*: (.*)", text)[1]
    except (OSError, TypeError):
        return platform.processor() or platform.machine()


def run_file(connection, path, device, plan, threads, log, mode="check"):
    """Run cards of one file and send what came out, one message a card.

    Args:
        connection: receives ``("start", name, seed)`` before and
            ``("end", name, seed, result)`` after each run of a card.
        path: the file.
        device: ``cpu`` or ``cuda``.
        plan: ``[(card name, seed), ...]``, in order.
        threads: for torch.
        log: file that takes all output, read when the process dies.
        mode: ``check`` sends record.Outcome; ``mutate-claims``, which checks too,
            ``mutate-code`` and ``mutate-training`` send mutate.Report as a dictionary. With no
            check at all, ``bare`` runs cards as they are copied and ``script`` the file from
            the top.
    """
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(output, 1)
    os.dup2(output, 2)
    faulthandler.enable(output)

    import torch

    from . import cards, execute, mutate, ready, state

    torch.set_num_threads(threads)
    torch.set_warn_always(True)
    sys.argv = [str(path)]
    module = cards.read(path)
    units = {unit.name: unit for unit in module.units()}
    execute.warm(module.imports)
    ready.hold(ready.needed(Path(path).read_text(encoding="utf-8")))
    for name, seed in plan:
        connection.send(("start", name, seed))
        unit = units.get(name)
        with tempfile.TemporaryDirectory() as folder:  # no card finds another one's files
            os.chdir(folder)
            if mode == "script":
                result = runpy.run_path(str(path), run_name="__main__") and None
            elif mode == "bare":
                result = _bare(unit, path, seed, device)
            elif mode == "mutate-code":
                result = vars(mutate.report_code(unit, path, seed))
            elif mode == "mutate-training":
                result = vars(mutate.report_training(unit, path, seed))
            else:
                first = seed == plan[0][1]
                found = mutate.Report()
                watch = found.watch if mode == "mutate-claims" and first else None
                with state.guarded(seed, device) as leaks:
                    result = execute.run(unit, path, trace=first, observe=watch)
                result.failures += [(unit.line, f"leaves the {leak} changed") for leak in leaks]
                if mode == "mutate-claims":
                    found.outcome = result
                    result = found.finished()
            os.chdir("/")
        connection.send(("end", name, seed, result))
    connection.close()


def _bare(unit, path, seed, device):
    import torch

    from . import state

    state.seed_everything(seed)
    torch.set_default_device(None if device == "cpu" else device)
    # A module called __main__, so that what the copy defines can be pickled.
    sys.modules["__main__"] = module = types.ModuleType("__main__")
    exec(compile(unit.copy, str(path), "exec"), vars(module))
    if pyplot := sys.modules.get("matplotlib.pyplot"):
        pyplot.close("all")
