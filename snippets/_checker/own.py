"""Check files of your own: scripts, modules, and the Python code in Markdown and reStructuredText.

``check`` runs what claims something and holds the claims.
"""

import os
from dataclasses import dataclass, field
from pathlib import Path

from . import documents, missing, process

DEVICES = ("cpu", "cuda", "mps")


@dataclass(frozen=True, order=True)
class Failure:
    """A claim that does not hold, or code that did not come to one."""

    path: Path
    line: int
    message: str

    def __str__(self):
        return f"{self.path}:{self.line}: {self.message}"


@dataclass
class Report:
    """What a check found.

    Attributes:
        files: how many files claim something, or try to.
        claims: how many claims they have.
        failures: list of Failure.
        notes: list of Failure; what was left out, and why. They fail nothing.
    """

    files: int = 0
    claims: int = 0
    failures: list[Failure] = field(default_factory=list)
    notes: list[Failure] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether every claim holds."""
        return not self.failures


@dataclass(frozen=True)
class Options:
    """How files are read and run.

    Attributes:
        strict: each comment after code is a claim, remarks to tools excepted.
        isolate: each ``# %%`` cell and each fence of a document runs alone.
        devices: of "cpu", "cuda" and "mps": what tensors are made on by default.
        seeds: what generators are seeded with, a run each.
        limit: seconds for a run.
        workers: runs at once; by default one a core.
        threads: for torch in each run.
    """

    strict: bool = False
    isolate: bool = False
    devices: tuple[str, ...] = ("cpu",)
    seeds: tuple[int, ...] = process.SEEDS
    limit: float = process.LIMIT
    workers: int | None = None
    threads: int | None = None

    @property
    def mode(self):
        """See find.find."""
        return "strict" if self.strict else "lenient"


class Usage(Exception):
    """What was asked for cannot be done here."""


def check(
    path: str | os.PathLike,
    *,
    strict: bool = False,
    isolate: bool = False,
    devices: tuple[str, ...] = ("cpu",),
    seeds: tuple[int, ...] = process.SEEDS,
    limit: float = process.LIMIT,
) -> Report:
    """Check what the comments in a file, or in all files of a folder, claim.

    Files that claim nothing are not run.

    Args:
        path: a ``.py``, ``.md`` or ``.rst`` file, or a folder.
        strict, isolate, devices, seeds, limit: see Options.
    Returns:
        Report.
    Raises:
        Usage: there is no such file or device, or no torch.
    """
    return check_all([path], Options(strict, isolate, tuple(devices), tuple(seeds), limit))


def check_all(paths, options):
    """Check the files below several paths; see check."""
    read, report = read_all(paths, options)
    for document in read:
        add(report, document)
    for _ in run(read, options, report):
        pass
    return report


def read_all(paths, options, blanks=False):
    """``([Document], Report)`` of the files below ``paths``.

    A file that cannot be read is a failure if it was named itself, and else is passed over.

    Raises:
        Usage: a path leads nowhere, or a file of its kind is never read.
    """
    report, read = Report(), []
    for path in map(Path, paths):
        if not path.exists():
            raise Usage(f"there is no {path}")
        if path.is_file() and path.suffix not in documents.SUFFIXES:
            raise Usage(f"{path} is none of {', '.join(documents.SUFFIXES)}")
    for path, named in documents.files(paths):
        try:
            document = documents.read(path, options.mode, options.isolate, blanks)
        except documents.Unreadable as error:
            if named:
                report.failures.append(Failure(path, 1, str(error).partition(":1: ")[2]))
            continue
        read.append(document)
    return read, report


def add(report, document):
    """Take what is known of a document before it runs into a report."""
    report.files += bool(document.claims or document.failures)
    report.claims += sum(not claim.blank for claim in document.claims)
    for found, into in (
        (document.failures, report.failures), (document.notes, report.notes)
    ):  # fmt: skip
        into += [Failure(document.path, line, text) for line, text in found]


def run(read, options, report, task=process.check):
    """Run documents and take what comes out into ``report``.

    Args:
        read: what read_all gave.
        task: see process.Job.
    Yields:
        each Job when it is done; ``job.document`` says of what.
    Raises:
        Usage: this machine has no such device, or no torch.
    """
    todo = [document for document in read if document.units]
    if not todo:
        return
    if lacks := missing():
        raise Usage(lacks)
    process.start()
    known_devices(options.devices)
    jobs = []
    for document in todo:
        for device in options.devices:
            steps = [(unit, seed) for seed in options.seeds for unit in document.units]
            jobs.append(process.Job(document.path, device, steps, task))
            jobs[-1].document = document
    for job, *_ in process.run(jobs, options.workers, options.threads, options.limit):
        if job.done:
            failures, notes = outcome(job, several=len(options.devices) > 1)
            report.failures += failures
            report.notes += notes
            yield job


def known_devices(devices):
    """Raise Usage if this machine lacks one of ``devices``."""
    if set(devices) == {"cpu"}:
        return
    process.start()
    machine = process.machine()
    here = [*machine["devices"], *(["mps"] if machine["mps"] else [])]
    for device in devices:
        if device not in here:
            raise Usage(f"this machine has no {device} device")


def outcome(job, several=False):
    """``(failures, notes)`` of a job, each once, whatever seeds it came under."""
    on = f" (on {job.device})" if several else ""
    failures, notes = set(), set()
    for found in job.results.values():
        failures |= {Failure(job.path, line, text + on) for line, text in found.failures}
        notes |= {Failure(job.path, line, text + on) for line, text in found.notes}
    starts = {unit.name: unit.start for unit, _ in job.steps}
    for (name, _), why in job.lost.items():
        failures.add(Failure(job.path, starts[name], why + on))
    said = {(one.line, one.message) for one in failures}
    return sorted(failures), sorted(one for one in notes if (one.line, one.message) not in said)
