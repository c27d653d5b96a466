"""Say which claims a file could have: ``fill`` blanks, ``fix`` what is wrong, ``reword``.

What is written held in every run: under each seed, on each device, with and without the
vector instructions of this processor.
"""

import json
import os
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from . import documents, find, own, process, rewrite
from .grammar import Raises, Value, branches
from .own import Failure, Options, Usage

LINE_LENGTH = 88
PLAIN = {"ATEN_CPU_CAPABILITY": "default"}  # as a processor without vector instructions


@dataclass(frozen=True)
class Wanted:
    """Which comments may be rewritten."""

    fill: bool = True  # those that wait for a claim
    fix: bool = False  # claims that do not hold
    reword: bool = False  # claims that hold and could be said shorter


@dataclass
class Filled:
    """What a file could say.

    Attributes:
        path: of the file.
        diff: what would change, as a unified diff; empty if nothing does.
        text: the file as it would be.
        written: whether it was written.
        failures: list of own.Failure; what does not hold afterwards either, and blanks that
            stay empty.
    """

    path: Path
    diff: str = ""
    text: str = ""
    written: bool = False
    failures: list[Failure] = field(default_factory=list)
    document: documents.Document | None = field(default=None, repr=False)
    raw: bytes = field(default=b"", repr=False)  # the text, encoded as the file is


def fill(
    path: str | os.PathLike,
    *,
    fix: bool = False,
    reword: bool = False,
    write: bool = False,
    strict: bool = False,
    isolate: bool = False,
    devices: tuple[str, ...] = ("cpu",),
    seeds: tuple[int, ...] = process.SEEDS,
    limit: float = process.LIMIT,
) -> Filled:
    """Give the blanks of a file their claims: ``x.sum()  #`` or ``x.sum()  # ?``.

    Args:
        path: a ``.py``, ``.md`` or ``.rst`` file.
        fix: also correct claims that do not hold.
        reword: also say claims that hold shorter.
        write: change the file; else only ``diff`` says what would change.
        strict, isolate, devices, seeds, limit: see own.Options.
    Returns:
        Filled.
    Raises:
        Usage: there is no such file, device or torch, or this is a CI, where nothing is rewritten.
        rewrite.Refused: the file changed meanwhile, or cannot be written.
    """
    if Path(path).is_dir():
        raise Usage(f"{path} is a folder")
    options = Options(strict, isolate, tuple(devices), tuple(seeds), limit)
    filled, report = fill_all([path], options, Wanted(True, fix, reword))
    if not filled:
        return Filled(Path(path), failures=report.failures)
    (one,) = filled
    if write:
        save(one)
    return one


def _suggest(unit, path, seed, device):
    """Task of process.run; what it does needs torch, which is there and not here."""
    from . import spell

    return spell.suggest(unit, path, seed, device)


def refuse():
    """Raise Usage where files are not to be rewritten."""
    if os.environ.get("CI", "").lower() not in ("", "0", "false"):
        raise Usage("this is a CI (the variable CI is set), where no claim is rewritten")


def fill_all(paths, options, wanted):
    """``(list of Filled, Report)`` for the files below ``paths`` that claim anything.

    Raises:
        Usage: see fill.
    """
    refuse()
    read, report = own.read_all(paths, options, blanks=wanted.fill)
    jobs = []
    for document in read:
        own.add(report, document)
    for job in own.run(read, options, own.Report(), _suggest):
        jobs.append(job)
    if PLAIN and "cpu" in options.devices:
        with process.environment(**PLAIN):
            once = Options(**vars(options) | {"devices": ("cpu",), "seeds": options.seeds[:1]})
            jobs += list(own.run(read, once, own.Report(), _suggest))
    filled = []
    for document in read:
        if document.units or document.failures:
            mine = [job for job in jobs if job.document is document]
            filled.append(_fill(document, mine, options, wanted, report))
    return filled, report


def save(filled):
    """Write what a Filled says, if that is anything else than what the file says."""
    if filled.diff:
        rewrite.write(filled.document, filled.raw)
        filled.written = True


def _fill(document, jobs, options, wanted, report):
    """What one document could say."""
    found, notes = set(), set()
    for job in jobs:
        failures, more = own.outcome(job, several=len(options.devices) > 1)
        found.update(failures)
        notes.update(more)
    report.notes += sorted(notes)
    wrong = {failure.line for failure in found}
    width, changes, unfilled = line_length(document.path), {}, []
    lost = any(job.lost for job in jobs)  # of which is said enough
    for claim in document.claims:
        if not _asked(claim, wanted, wrong):
            continue
        texts = _common(claim, jobs)
        comment = _comment(document, claim, texts, width, claim.line in wrong)
        if comment is not None:
            changes[claim.line] = claim.column + document.shifts.get(claim.line, 0), comment
        elif claim.blank and claim.line not in wrong and not lost:
            why = f"no claim of it fits in {width} columns" if texts else "no claim holds each time"
            unfilled.append(Failure(document.path, claim.line, why))
    raw = rewrite.edited(document, changes) if changes else document.raw
    stays = [one for one in sorted(found) if one.line not in changes] + unfilled
    report.failures += stays
    own_failures = [Failure(document.path, line, text) for line, text in document.failures]
    return Filled(
        document.path,
        rewrite.diff(document, raw),
        raw.decode(document.encoding),
        failures=sorted(own_failures + stays),
        document=document,
        raw=raw,
    )


def _asked(claim, wanted, wrong):
    """Whether a comment may be rewritten."""
    if claim.blank:
        return wanted.fill
    if len(claim.branches) > 1:  # both sides are not to be seen in one run
        return False
    return wanted.fix if claim.line in wrong else wanted.reword


def _common(claim, jobs):
    """The texts that held each time that a claim was reached, in each run."""
    seen = []
    for job in jobs:
        for found in job.results.values():
            for line, texts in found.seen:
                if line == claim.line:
                    seen += [json.loads(text) for text in texts] or [[]]
    if not seen or any(job.lost for job in jobs):
        return []
    return [text for text in seen[0] if all(text in others for others in seen[1:])]


def _comment(document, claim, texts, width, wrong):
    """The comment to write, or None to leave what is there."""
    line = document.lines[claim.line - 1].rstrip("\r\n")
    column = claim.column + document.shifts.get(claim.line, 0)
    marked = line[column:].startswith("#>")
    if not claim.blank and not wrong:
        if not isinstance(claim.body, Value):
            return None
        texts = [text for text in texts if len(text) < len(claim.text)]
        texts = [text for text in texts if isinstance(_body(text), Value)]
    elif not claim.blank and isinstance(claim.body, Raises):
        texts = [text for text in texts if isinstance(_body(text), Raises)]
    for text in texts:
        plain = not marked and find.meant(f"# {text}", document.mode) == text
        comment = f"# {text}" if plain else f"#> {text}"
        if column + len(comment) <= width:
            return comment
        if not claim.blank and not wrong:
            return comment  # shorter than what stands there
    return None


def _body(text):
    return branches(text)[0].body


def line_length(path):
    """How long a line of the project that ``path`` belongs to may be."""
    for folder in Path(path).resolve().parents:
        config = folder / "pyproject.toml"
        if config.is_file():
            try:
                tools = tomllib.loads(config.read_text(encoding="utf-8")).get("tool", {})
            except (OSError, ValueError):
                return LINE_LENGTH
            for tool in ("ruff", "black"):
                length = tools.get(tool, {}).get("line-length")
                if isinstance(length, int):
                    return length
            return LINE_LENGTH
    return LINE_LENGTH
