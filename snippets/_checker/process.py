"""Run cards in processes of their own, so that what one does is its own affair.

One server process imports torch and what the cards will need, and forks. A fork costs some
hundredths of a second, which for each card under each seed would be half of a verification.
So the cards of a file share a fork for each seed, the second one in reverse order; a card
that passes both owes it to no other. A card that does not pass in company, or dies, or makes
it end, runs again alone, and that decides: the one that is at fault is the one to blame.
"""

import atexit
import faulthandler
import functools
import gc
import importlib
import multiprocessing
import os
import pickle
import platform
import re
import shutil
import signal
import sys
import tempfile
import threading
import time
import types
import warnings
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing import connection
from pathlib import Path

from . import record

SEEDS = (0, 1)
MORE_SEEDS = (2, 3)  # for cards that draw random numbers
LIMIT = 300.0  # seconds for one step
# What the server holds ready besides the import cells of the modules: the first optimizer
# of a process imports half of torch, the first forward-mode derivative warns about torch's
# own code, and neither is the doing of the card that happens to run first.
PRELOAD = (
    *("torch", "numpy.random", "matplotlib.pyplot", "torch.utils._device"),
    *("torchproof.execute", "torchproof.state"),
)
FIRST_USE = {  # words in a file, and what will be imported for it
    r"\boptim\b|checkpoint|broadcast_shapes|DataParallel": "torch._dynamo",
    r"torch\.(func|compile|export|onnx)": "torch._dynamo",
    r"torch\.(export|onnx)\b": "torch.export._trace",
    r"torch\.onnx\.export": "torch.onnx._internal.exporter._compat",
    r"\bonnx\.export\b": "onnxscript.function_libs.torch_lib.ops",
    r"aoti_|deterministic_algorithms": "torch._inductor.compile_fx",
    r"jvp|jacfwd|hessian|forward_ad|forward-mode": "torch._decomp.decompositions_for_jvp",
    r"torchvision": "torchvision.transforms.v2",
    r"sklearn": "sklearn.datasets",
    r"pandas": "pandas",
    r"scipy": "scipy.special",
}
# What depends on the first time that a process does something: such a card is always alone.
ALONE = re.compile(
    r"Warning: |warn_always|start_method|faulthandler|sys\.modules|get_num_threads|os\.environ"
)
ENVIRONMENT = {  # of the server while it starts; cards do not see it
    "MPLBACKEND": "agg",  # figures go to no window
    "PYTORCH_NVML_BASED_CUDA_CHECK": "1",  # CUDA cannot be forked once it is asked
    "OMP_WAIT_POLICY": "PASSIVE",  # a thread that waits leaves its core to others
    # Memory in large pages: half of what a fork costs is the copy of the table of pages.
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
    "PYTHONMALLOC": "malloc",
}


@dataclass(eq=False)
class Job:
    """One file on one device.

    ``steps`` are ``(unit, seed)``; ``task(unit, path, seed, device)`` runs one and returns
    what is kept in ``results[unit.name, seed]``. ``lost`` holds, for a step whose process
    did not come to its end, why.
    """

    path: Path
    device: str
    steps: list
    task: object
    results: dict = field(default_factory=dict)
    lost: dict = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def done(self):
        """Whether each step has a result or is lost."""
        return len(self.results) + len(self.lost) >= len(self.steps)


def plan(module, seeds=SEEDS):
    """Which unit under which seed: every card under each, an example that seeds itself once."""
    (example,) = module.units() if module.example else (None,)
    if example and re.search(r"\bmanual_seed\(", example.code):
        seeds = seeds[:1]
    return [(unit, seed) for seed in seeds for unit in module.units()]


def check(unit, path, seed, device, shift=0, perform=None, observe=None):
    """The task of a verification: run a card or an example and hold its claims.

    Args:
        shift: is added to the constants that the code seeds generators with.
        perform, observe: see execute.run.
    Returns:
        Outcome.
    """
    from . import execute, names, state

    release = tuple(map(int, record.version("torch").split(".")[:2]))
    if unit.since and release < unit.since:
        return record.Outcome(0, [], 0.0, [], "torch {}.{}".format(*unit.since))
    alter = None
    if shift:
        from . import seeds

        alter = functools.partial(seeds.shift, by=shift)
    with state.guarded(seed + shift, device) as leaks:
        outcome = execute.run(
            unit,
            path,
            tracer=names.Tracer() if seed == 0 and not shift and not unit.mode else None,
            observe=observe,
            alter=alter,
            perform=perform,
            note=device == "cpu" and seed in SEEDS and not shift and not unit.mode,
        )
    if not unit.mode:
        outcome.failures += [(unit.line, f"leaves the {leak} changed") for leak in leaks]
    return outcome


# --- in the caller ------------------------------------------------------------


class Server:
    """The process that holds torch ready and forks, asked over a pipe."""

    def __init__(self):
        self.connection, theirs = multiprocessing.Pipe()
        added = {name: value for name, value in ENVIRONMENT.items() if name not in os.environ}
        spawn = multiprocessing.get_context("spawn")
        self.process = spawn.Process(target=_serve, args=(theirs, list(added)))
        os.environ.update(added)
        self.process.start()
        for name in added:
            del os.environ[name]
        theirs.close()
        self.owner = os.getpid()
        atexit.register(self.stop)

    @property
    def alive(self):
        """Whether it can be asked; a fork of its owner may ask, and takes it for granted."""
        return os.getpid() != self.owner or self.process.is_alive()

    def stop(self):
        """End the server and all that it forked."""
        self.connection.close()
        self.process.join(10)
        if self.process.is_alive():
            self.process.kill()


_server = None
_others = {}  # servers that started with other variables


@contextmanager
def environment(**variables):
    """Inside, steps run in a server of its own, which started with these variables."""
    global _server
    key, kept = tuple(sorted(variables.items())), _server
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    _server = _others.get(key)
    try:
        yield
    finally:
        _others[key], _server = _server, kept
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def start():
    """Have a server that does not run the caller's script again, as a child otherwise does."""
    global _server
    main = sys.modules["__main__"]
    ours = Path(getattr(main, "__file__", None) or "").resolve().parent == Path(__file__).parent
    if (_server is None or not _server.alive) and not ours:
        sys.modules["__main__"] = types.ModuleType("__main__")
        try:
            _server = Server()
        finally:
            sys.modules["__main__"] = main


def _ask(*request):
    global _server
    if _server is None or not _server.alive:
        _server = Server()
    _server.connection.send(request)
    return _server.connection


def machine():
    """What runs leave in records: ``{"devices": {"cpu": name, ...}, "isa": ..., ...}``."""
    return _ask("machine").recv()


def run(jobs, workers=None, threads=None, limit=LIMIT, imports=()):
    """Run jobs side by side.

    Args:
        jobs: list of Job; their results are filled in.
        workers: steps at once; by default one a core on the CPU, one in all on a GPU.
        threads: for torch in each step; by default the cores are shared out.
        limit: seconds for one step.
        imports: source of the import cells that the server should hold ready.
    Yields:
        (job, unit, seed) when a step has run or is lost.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    workers = workers or (1 if any(job.device != "cpu" for job in jobs) else cores)
    threads = threads or max(1, cores // workers)
    left = sum(len(job.steps) for job in jobs)
    sent = [(job.path.resolve(), job.device, job.steps, job.task) for job in jobs]
    conn = _ask("run", sent, workers, threads, limit, list(imports))
    try:
        while left:
            number, unit, seed, result, why, seconds, more = conn.recv()
            job = jobs[number]
            job.steps += [(unit, extra) for extra in more]
            left += len(more) - 1
            job.seconds += seconds
            if why is None:
                job.results[unit.name, seed] = result
            else:
                job.lost[unit.name, seed] = why
            yield job, unit, seed
    except EOFError:
        for job in jobs:
            for unit, seed in job.steps:
                if (unit.name, seed) not in job.results | job.lost:
                    job.lost[unit.name, seed] = "the process that starts all others has ended"
                    yield job, unit, seed
    finally:
        if left:
            _server.stop()


# --- in the server ------------------------------------------------------------


def _serve(conn, added):
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the caller decides
    hold(PRELOAD)
    record.version("torch")  # asked by each step, and kept
    for name in added:
        del os.environ[name]
    while True:
        try:
            what, *arguments = conn.recv()
        except (EOFError, OSError):
            return
        if what == "machine":
            conn.send(_machine())
        else:
            _run_all(conn, *arguments)


def hold(modules):
    """Import ``modules`` in silence; one that is not installed is left to the cards."""
    with warnings.catch_warnings(action="ignore"):
        for module in modules:
            with suppress(ImportError):
                importlib.import_module(module)


def _machine():
    """What this machine is; asked in a fork, since CUDA cannot be forked once it is asked."""
    ours, theirs = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("fork").Process(target=_look_around, args=(theirs,))
    process.start()
    theirs.close()
    found = ours.recv()
    process.join()
    return found


def _look_around(conn):
    import torch

    devices = {"cpu": _cpu_name()}
    if torch.cuda.is_available():
        devices["cuda"] = torch.cuda.get_device_name()
    mps = torch.backends.mps.is_available()  # for other people's files; no record knows it
    conn.send({"devices": devices, "isa": torch.backends.cpu.get_cpu_capability(), "mps": mps})


def _cpu_name():
    try:
        return re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())[1]
    except (OSError, TypeError):
        return platform.processor() or platform.machine()


def _run_all(conn, jobs, workers, threads, limit, imports):
    from . import execute

    for cell in imports:
        if "cpp_extension" not in cell:  # it asks CUDA, which no fork could use after that
            execute.warm(cell)
    text = "\n".join(unit.copy for _, _, steps, _ in jobs for unit, _ in steps)
    hold(module for words, module in FIRST_USE.items() if re.search(words, text))
    gc.collect()
    gc.freeze()  # a collection in a fork would touch, and so copy, every object
    waiting = [batch for number, job in enumerate(jobs) for batch in _batches(number, *job)]
    # Where one seed is all that is asked for, a card that draws gets no more of them.
    several = [len({seed for _, seed in steps}) > 1 for _, _, steps, _ in jobs]
    waiting.reverse()
    running = []
    while waiting or running:
        while waiting and len(running) < workers:
            running.append(_Step(*waiting.pop(), threads, limit))
        deadline = min(one.deadline for one in running)
        ended = connection.wait(
            [conn, *(one.process.sentinel for one in running)],
            timeout=max(0.0, deadline - time.monotonic()),
        )
        if conn in ended:  # nobody listens any more
            for one in running:
                one.kill()
            raise SystemExit
        for one in list(running):
            late = time.monotonic() >= one.deadline
            if one.process.sentinel in ended or late:
                running.remove(one)
                messages, again = one.close(late and one.process.is_alive(), several)
                waiting += again
                for message in messages:
                    conn.send(message)


def _batches(number, path, device, steps, task):
    """Steps that share a process: the calm ones of a seed, every second time backwards.

    On a GPU, where each process sets up a context of its own for a second, all seeds do.
    """
    shared, batches = {}, []
    for unit, seed in steps:
        if ALONE.search(unit.code):
            batches.append([(unit, seed)])
        else:
            shared.setdefault(seed, []).append((unit, seed))
    orders = [some[:: -1 if n % 2 else 1] for n, some in enumerate(shared.values())]
    if device != "cpu":
        orders = [[step for order in orders for step in order]]
    return [(number, path, device, some, task) for some in [*orders, *batches] if some]


class _Step:
    """A process that runs steps, and what it leaves in its folder."""

    def __init__(self, number, path, device, steps, task, threads, limit):
        self.what = number, path, device, steps, task
        self.folder = Path(tempfile.mkdtemp(prefix="torchproof-"))
        self.limit = limit
        arguments = (self.folder, path, device, steps, task, threads)
        fork = multiprocessing.get_context("fork")
        self.process = fork.Process(target=_work, args=arguments)
        self.start = time.monotonic()
        self.process.start()
        self.deadline = self.start + limit * len(steps)

    def kill(self):
        """End the process with all that it started."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.kill()  # where it did not come to make a group of its own
        self.process.join()

    def close(self, late, several):
        """What came out: ``(messages, batches that are to run now)``."""
        self.kill()  # at its end, too: a child or a thread that is left ends here
        number, path, device, steps, task = self.what
        seconds = (time.monotonic() - self.start) / len(steps)
        messages, again, drawing = [], [], []
        for place, (unit, seed) in enumerate(steps):
            result, why = None, None
            try:
                result = pickle.loads((self.folder / f"{place}.result").read_bytes())
            except Exception:  # absent, or cut, or written by a card that broke pickle
                why = f"took more than {self.limit:g} s" if late else self._fate()
                why = f"the process {why}{self._tail()}"
            if len(steps) > 1 and (why or getattr(result, "failures", ())):
                again.append([(unit, seed)])
            else:
                draws = seed == 0 and several[number] and getattr(result, "draws", False)
                drawing += [unit] * draws
                more = MORE_SEEDS if draws else ()
                messages.append((number, unit, seed, result, why, seconds, more))
            if why:
                again.append(steps[place + 1 :])
                break
        again += [[(unit, extra) for unit in drawing] for extra in MORE_SEEDS]
        shutil.rmtree(self.folder, ignore_errors=True)
        return messages, [(number, path, device, some, task) for some in again if some]

    def _fate(self):
        code = self.process.exitcode
        return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"exited with {code}"

    def _tail(self):
        with suppress(OSError), (self.folder / "log").open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - 2000))
            if text := log.read().decode(errors="replace").strip():
                return f"\n{text}"
        return ""


# --- in the fork --------------------------------------------------------------


def _work(folder, path, device, steps, task, threads):
    """Run steps and leave each result in ``folder``; all output goes to its log."""
    os.setpgid(0, 0)
    output = os.open(folder / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(output, 1)
    os.dup2(output, 2)
    faulthandler.enable(output)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    multiprocessing.set_start_method(None, force=True)  # as a fresh interpreter has it

    import torch

    from . import execute

    torch.set_num_threads(threads)
    os.register_at_fork(after_in_child=_forked)
    # PyTorch says some warnings once a process, which here may run more than one card.
    torch.set_warn_always(len(steps) > 1)
    sys.argv = [str(path)]
    for place, (unit, seed) in enumerate(steps):
        if unit.mode:  # as Python runs a script: its folder is where imports look first
            sys.path[:] = dict.fromkeys([*unit.search, *sys.path])
        execute.warm(unit.imports or unit.code)  # an example imports in its first cell
        here = folder / f"{place}.cwd"  # no card finds another one's files
        here.mkdir()
        os.chdir(unit.folder if unit.mode else here)
        pid, known = os.getpid(), set(threading.enumerate())
        result = task(unit, path, seed, device)
        if os.getpid() != pid:  # a child that the card forked and let run on
            os._exit(0)
        left = [one for one in threading.enumerate() if one not in known and not _pooled(one)]
        left = [one for one in left + multiprocessing.active_children() if not one.daemon]
        if left and hasattr(result, "failures") and not unit.mode:
            kind = "thread" if isinstance(left[0], threading.Thread) else "process"
            result.failures.append((unit.line, f"leaves a {kind} running"))
        os.chdir("/")
        partial = folder / f"{place}.part"
        partial.write_bytes(pickle.dumps(result))
        partial.rename(folder / f"{place}.result")
    sys.stdout.flush()
    os._exit(0)  # what is left waits for nothing


def _forked():
    """What comes first in a process that a card forks.

    CUDA does not work there if the card's process uses it. And PyTorch replaces its pool of
    threads when one asks for it: if two of autograd's did at once, one would find none and abort.
    """
    import torch

    torch.set_default_device(None)
    torch.set_num_threads(torch.get_num_threads())


def _pooled(thread):
    """Whether it belongs to an executor, such as the compiler's, which Python ends by itself."""
    target = getattr(thread, "_target", None)
    return getattr(target, "__module__", None) == "concurrent.futures.thread"
