"""Run files, each in a process of its own: one file's crash or hang is its own."""

import multiprocessing
import os
import signal
import tempfile
import time
from dataclasses import dataclass, field
from multiprocessing import connection
from pathlib import Path

from . import cards as reader
from . import ready, worker

SEEDS = (0, 1)
LIMIT = 120.0  # seconds for one file on one device
START = "forkserver"  # "fork" where the caller itself has torch and no thread of it running
# Children fork from a server that holds these ready; importing torch costs seconds.
PRELOAD = ["torch", "numpy", "matplotlib.pyplot", "torchproof.execute", "torchproof.mutate"]
PRELOAD += ["torchproof.ready"]
# Before anything is imported: figures go to no window, and NVML is asked whether there is a
# GPU, since CUDA itself cannot be forked once it is asked.
os.environ.setdefault("MPLBACKEND", "agg")
os.environ.setdefault("PYTORCH_NVML_BASED_CUDA_CHECK", "1")


@dataclass
class Job:
    """One file on one device. ``results[name, seed]`` fills as it runs."""

    path: Path
    device: str
    plan: list
    results: dict = field(default_factory=dict)
    error: str | None = None  # why the process did not come to its end
    culprit: tuple | None = None  # the (name, seed) that was running then
    seconds: float = 0.0


def context():
    """The multiprocessing context: fork from a clean server that has imported torch."""
    # The server reads its preload list before it learns our sys.path.
    here = str(Path(__file__).resolve().parent.parent)
    paths = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    if here not in paths:
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [here, *paths]))
    method = multiprocessing.get_context(START)
    if START == "forkserver":
        method.set_forkserver_preload(PRELOAD)
    return method


def prepare(paths):
    """Hold ready what the files at ``paths`` import: in the server, if it is not running yet."""
    texts = "".join(path.read_text(encoding="utf-8") for path in files(paths))
    os.environ[ready.VARIABLE] = " ".join(ready.needed(texts))
    if START == "fork":
        ready.hold([*PRELOAD, *ready.needed(texts)])


def devices():
    """``{"cpu": name}`` and, where there is a GPU, ``"cuda"`` too."""
    ours, theirs = multiprocessing.Pipe(duplex=False)
    process = context().Process(target=worker.devices, args=(theirs,))
    process.start()
    theirs.close()
    found = ours.recv()
    process.join()
    return found


def plan(module, seeds=SEEDS):
    """Which card under which seed: every card under each, an example once."""
    seeds = seeds[:1] if module.example else seeds
    return [(unit.name, seed) for seed in seeds for unit in module.units()]


def check(jobs, workers=None, limit=LIMIT, mode="check"):
    """Run jobs side by side.

    Args:
        jobs: list of Job; results are filled in.
        workers: how many at once; by default one a core on the CPU, one in all on CUDA.
        limit: seconds for one job.
        mode: see worker.run_file.
    Yields:
        (job, name, seed) when a card has run, ``(job, None, None)`` when a job has ended.
    """
    on_gpu = any(job.device != "cpu" for job in jobs)
    workers = workers or (1 if on_gpu else os.cpu_count() or 1)
    threads = max(1, (os.cpu_count() or 1) // workers)
    waiting, running = list(jobs), {}
    try:
        while waiting or running:
            while waiting and len(running) < workers:
                one = _Running(waiting.pop(0), limit, mode, threads)
                running[one.connection] = one
            deadline = min(one.deadline for one in running.values())
            ready = connection.wait(list(running), timeout=max(0.0, deadline - time.monotonic()))
            for conn in ready:
                one = running[conn]
                yield from one.read()
                if one.ended:
                    del running[conn]
                    yield one.job, None, None
            for conn, one in list(running.items()):
                # What has arrived while nobody asked for it was in time.
                if time.monotonic() >= one.deadline and not conn.poll():
                    one.stop(f"took more than {limit:g} s")
                    del running[conn]
                    yield one.job, None, None
    finally:
        for one in running.values():
            one.stop("interrupted")


class _Running:
    """A job and its process."""

    def __init__(self, job, limit, mode, threads):
        self.job, self.ended, self.at = job, False, None
        self.log = tempfile.NamedTemporaryFile(suffix=".log", delete=False)
        self.connection, theirs = multiprocessing.Pipe(duplex=False)
        arguments = (theirs, job.path.resolve(), job.device, job.plan, threads, self.log.name, mode)
        self.process = context().Process(target=worker.run_file, args=arguments, daemon=False)
        self.process.start()
        theirs.close()
        self.start = time.monotonic()
        self.deadline = self.start + limit

    def read(self):
        """Take one message; the end of the pipe is the end of the process."""
        try:
            kind, name, seed, *result = self.connection.recv()
        except (EOFError, ConnectionResetError):
            self._close()
            return
        if kind == "start":
            self.at = (name, seed)
        else:
            self.at = None
            self.job.results[name, seed] = result[0]
            yield self.job, name, seed

    def stop(self, why):
        self.process.kill()
        self._close(why)

    def _close(self, why=None):
        self.process.join()
        code = self.process.exitcode
        done = len(self.job.results) == len(self.job.plan)
        if why is None and not done:
            why = f"killed by {signal.Signals(-code).name}" if code < 0 else f"exited with {code}"
        if why:
            self.job.culprit = self.at or next(
                (step for step in self.job.plan if step not in self.job.results), None
            )
            self.job.error = f"the process {why}{self._tail()}"
        self.job.seconds = time.monotonic() - self.start
        self.connection.close()
        self.log.close()
        os.unlink(self.log.name)
        self.ended = True

    def _tail(self):
        text = Path(self.log.name).read_text(errors="replace").strip()
        return f"\n{text[-2000:]}" if text else ""


def files(paths):
    """Every snippet module and example under ``paths``, in a stable order."""
    found = []
    for path in map(Path, paths):
        inside = sorted(path.rglob("*.py")) if path.is_dir() else [path]
        found += [file for file in inside if not hidden(file, path)]
    return found


def hidden(path, root):
    """Whether a folder or file below ``root`` on the way to ``path`` starts with ``_``."""
    below = path.relative_to(root).parts if path.is_relative_to(root) else path.parts[-1:]
    return any(part.startswith("_") for part in below)


def read(paths):
    """Read all files: ``(modules, errors)`` with one CardError for each unreadable one."""
    modules, errors = [], []
    for path in files(paths):
        try:
            modules.append(reader.read(path))
        except reader.CardError as error:
            errors.append(error)
    return modules, errors
