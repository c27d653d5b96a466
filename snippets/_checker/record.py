"""Records: what runs found, per card. Need no torch to be read or written.

A folder holds a file for each machine and PyTorch. Each entry names the run that made it, so
that a date or a version is never said of a card that this run did not run::

    {"runs": {"1": {"torch": ..., "device": "cpu", "date": ..., "checker": ..., ...}},
     "cards": {"snippets/tensors/joining.py::Stack": {"run": "1", "sha256": ..., ...}}}

An entry on the CPU also says, as ``"held"``, what the card's variables held: see variables.
Only pages of this machine show that, so it is left out where records are committed.
"""

import fcntl
import functools
import hashlib
import json
import os
import platform
import re
import subprocess
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

from . import variables

PROJECT = Path(__file__).resolve().parents[2]
COMMITTED = PROJECT / "docs" / "verified"  # what others found; the folder is kept small
IN_PLACE = (PROJECT / "snippets" / "_checker").is_dir()  # else installed in someone's project
# Whatever else lies in this package decides whether a card passes.
NO_JUDGES = {
    *("__init__.py", "__main__.py", "falsify.py", "mutate.py", "plugin.py", "seeds.py"),
    # These serve files that are no cards.
    *("command.py", "documents.py", "own.py", "pytest_cards.py", "pytest_files.py"),
    *("rewrite.py", "spell.py", "suggest.py"),
}
# Packages that a card may import; where one is not installed, its cards are skipped, visibly.
OPTIONAL = tuple(
    "numpy pandas scipy matplotlib PIL sklearn skimage mlxtend torchvision tqdm torchmetrics"
    " torchinfo torchao tensorboard wandb"
    " executorch fastapi flask httpx litserve model_archiver onnx onnxruntime onnxscript psutil"
    " pyarrow pydantic python_multipart ray safetensors ts uvicorn waitress".split()
)
# Programs that a card may start, likewise.
PROGRAMS = ("g++", "c++", "clang++", "java")
MESSAGE = 500  # characters of an error's message that are kept
DISTRIBUTIONS = {
    "PIL": "pillow",
    "model_archiver": "torch-model-archiver",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "ts": "torchserve",
}


@dataclass
class Outcome:
    """What one run of one card found. ``failures`` are ``(line, message)``."""

    claims: int
    failures: list
    seconds: float
    apis: list
    needs: str | None = None  # a package or a release that is not here: the card did not run
    draws: bool = False  # did it draw from a global generator?
    messages: list = field(default_factory=list)  # (line, what was raised or warned of, whole)
    held: list = field(default_factory=list)  # (line, variable, what it held), see variables
    # Of a file that was not written for this checker:
    notes: list = field(default_factory=list)  # (line, why a part that claims nothing stopped)
    seen: list = field(default_factory=list)  # (line, what the claim's observers saw)


@functools.cache
def checker_sha256():
    """Hash of what decides whether a card passes: no record outlives the rules it was made by."""
    parts = sorted(Path(__file__).parent.glob("*.py"))
    text = b"".join(part.read_bytes() for part in parts if part.name not in NO_JUDGES)
    return hashlib.sha256(text).hexdigest()[:16]


@functools.cache
def version(package):
    """The installed release of ``package``, without what stands behind a ``+``, or None."""
    with suppress(metadata.PackageNotFoundError):
        return metadata.version(DISTRIBUTIONS.get(package, package)).partition("+")[0]


def packages(card):
    """The packages beside torch that ``card`` imports, of those that need not be there."""
    imported = re.findall(r"^\s*(?:import|from) +(\w+)", card.copy, re.M)
    return sorted(set(OPTIONAL).intersection(imported))


def this_run(device, machine, threads):
    """What an entry says of the run that made it.

    Args:
        device: "cpu" or "cuda".
        machine: what process.machine() found.
        threads: how many torch had.
    """
    now = time.gmtime(int(os.environ.get("SOURCE_DATE_EPOCH", time.time())))
    return {
        "torch": version("torch"),
        "python": platform.python_version(),
        "device": device,
        "name": machine["devices"][device],
        "isa": machine["isa"],
        "threads": threads,
        "date": time.strftime("%Y-%m-%d", now),
        "commit": _commit(),
        "checker": checker_sha256(),
        "packages": {name: version(name) for name in OPTIONAL if version(name)},
    }


def _commit():
    command = ["git", "-C", str(PROJECT), "describe", "--always", "--dirty", "--abbrev=12"]
    with suppress(OSError):
        return subprocess.run(command, capture_output=True, text=True).stdout.strip()
    return ""


def entry(card, job):
    """One card's entry from what its job found under each seed; None if it was skipped."""
    # In the order of their seeds, whichever came to its end first.
    outcomes = [
        found
        for (name, _), found in sorted(job.results.items(), key=lambda item: item[0][1])
        if name == card.name
    ]
    lost = [(card.line, why) for (name, _), why in job.lost.items() if name == card.name]
    outcomes.append(Outcome(0, lost, 0.0, []))
    first = outcomes[0]
    if first.needs:
        return None
    failures = {tuple(failure) for outcome in outcomes for failure in outcome.failures}
    found = {"sha256": card.sha256, "claims": first.claims}
    if failures:
        found["failures"] = sorted([line - card.line, text] for line, text in failures)
    if packages(card):
        found["packages"] = packages(card)
    if apis := sorted({name for outcome in outcomes for name in outcome.apis}):
        found["apis"] = apis
    if first.messages:
        found["messages"] = [[line - card.line, _plain(text)] for line, text in first.messages]
    if held := variables.compact(_steady(outcomes), card.line):
        found["held"] = held
    return found


def _steady(outcomes):
    """What variables held in the first run, less what differs in another for no reason.

    A card that draws no random numbers gives the same under each seed. A value that differs all
    the same depends on the clock, on the process, or on something else that no page should show.
    """
    first, *others = outcomes
    if first.draws:
        return first.held
    notes = first.held
    for other in others:
        if [note[:2] for note in other.held] == [note[:2] for note in notes]:
            notes = [
                (line, name, text if text == theirs else _common(text, theirs))
                for (line, name, text), (_line, _name, theirs) in zip(
                    notes, other.held, strict=True
                )
            ]
    return notes


def _common(text, theirs):
    """What two descriptions have in common: the facts, or nothing."""
    facts = text.partition("\t")[0]
    return facts if facts == theirs.partition("\t")[0] else ""


def _plain(message):
    """A message without what belongs to one machine or one run: folders and addresses."""
    message = re.sub(r" \(Triggered internally at [^)]*\)", "", message)
    message = re.sub(r"(?<![\w.:/])/(?:[\w.+@-]+/)+", ".../", message)
    return re.sub(r"\b0x[0-9a-f]{6,}", "0x...", message)[:MESSAGE]


class Records:
    """What is known: the entries of one or several files of records, each with its run.

    ``entries`` maps ``file::card`` to a list of entries, one a file.
    """

    def __init__(self, *folders):
        self.entries, self.unreadable = {}, []
        for folder in folders:
            for path in sorted(Path(folder).glob("*.json")):
                runs, cards = _read(path, self.unreadable)
                for key, found in cards.items():
                    kept = found | {"of": runs[found["run"]]}
                    self.entries.setdefault(key, []).append(kept)

    def of(self, module, card):
        """Entries of this very source, made by this very checker, on any machine."""
        return [
            found
            for found in self.entries.get(f"{module.name}::{card.name}", ())
            if found["sha256"] == card.sha256 and found["of"]["checker"] == checker_sha256()
        ]

    def current(self, module, card, device="cpu"):
        """The entries that speak of what is installed here, on this kind of device."""
        return [
            found
            for found in self.of(module, card)
            if found["of"]["device"] == device and is_current(found)
        ]

    def passed(self, module, card, device="cpu"):
        """Whether ``card`` as it is written holds, with what is installed here."""
        found = self.current(module, card, device)
        return bool(found) and not any(one.get("failures") for one in found)

    def outdated(self, modules, device="cpu"):
        """Those of ``modules`` that must be run: some card has no current, passing entry."""
        return [
            module
            for module in modules
            if not all(self.passed(module, card, device) for card in module.units())
        ]


def is_current(found):
    """Whether an entry was made with the packages that are installed here."""
    run = found["of"]
    same = run["torch"] == version("torch") and run["python"] == platform.python_version()
    return same and all(
        run["packages"].get(name) == version(name) for name in found.get("packages", ())
    )


def _read(path, unreadable):
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
        runs, cards = dict(known["runs"]), dict(known["cards"])
        for found in cards.values():
            _ = runs[found["run"]]["checker"], found["sha256"], found["claims"]
    except (OSError, ValueError, TypeError, KeyError) as error:
        unreadable.append(f"{path} cannot be read and counts as empty: {error!r}")
        return {}, {}
    return runs, cards


def file_name(run):
    """The file for what runs on this kind of machine, with this PyTorch, find."""
    name = re.sub(r"\W+", "-", run["name"].lower()).strip("-")
    return f"{run['device']}-{name}-{run['torch']}.json"


def save(folder, run, found, ran):
    """Add what a run found to the records in ``folder``; what others found of the same stays.

    Args:
        folder: where records lie.
        run: what this_run() says.
        found: ``{"file::card": entry}`` of this run, None for a card that was skipped.
        ran: names of the files that this run ran.
    Returns:
        list: what could not be read of the older record.
    Raises:
        OSError: the record cannot be written; the older one is as it was.
    """
    folder, unreadable = Path(folder), []
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / file_name(run)
    with _locked(folder):
        runs, cards = _read(path, unreadable) if path.exists() else ({}, {})
        gone = {key.partition("::")[0] for key in cards} - set(ran)
        gone = {name for name in gone if IN_PLACE and not (PROJECT / name).exists()}
        dropped = gone.union(ran)
        cards = {key: old for key, old in cards.items() if key.partition("::")[0] not in dropped}
        _merge(path, runs, cards, run, found)
    return unreadable


def _merge(path, runs, cards, run, found):
    """Write the entries ``found`` by ``run`` beside those of older runs; the lock is held."""
    number = next((key for key, known in runs.items() if known == run), None)
    if number is None:
        number = str(max([0, *map(int, runs)]) + 1)
    runs = runs | {number: run}
    left_out = {"held"} if path.parent.resolve() == COMMITTED else set()
    cards = cards | {
        key: {name: value for name, value in one.items() if name not in left_out} | {"run": number}
        for key, one in found.items()
        if one
    }
    used = {one["run"] for one in cards.values()}
    lines = [f" {json.dumps(key)}: {json.dumps(one)}" for key, one in sorted(cards.items())]
    heads = [f" {json.dumps(key)}: {json.dumps(one)}" for key, one in runs.items() if key in used]
    heads, lines = ",\n".join(heads), ",\n".join(lines)
    text = f'{{"runs": {{\n{heads}\n}},\n"cards": {{\n{lines}\n}}}}\n'
    partial = path.with_suffix(f".{os.getpid()}.part")
    try:
        partial.write_text(text, encoding="utf-8")
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def merge(folder, others):
    """Add the records in the folders ``others``, of other machines or parts of a run.

    Where two know a card in the same file, the later date counts.
    """
    folder, unreadable = Path(folder), []
    folder.mkdir(parents=True, exist_ok=True)
    for path in sorted(path for other in others for path in Path(other).glob("*.json")):
        theirs, their_cards = _read(path, unreadable)
        for number, run in theirs.items():
            target = folder / path.name
            with _locked(folder):
                runs, cards = _read(target, unreadable) if target.exists() else ({}, {})
                found = {
                    key: {name: value for name, value in one.items() if name != "run"}
                    for key, one in their_cards.items()
                    if one["run"] == number
                    and (key not in cards or runs[cards[key]["run"]]["date"] <= run["date"])
                }
                _merge(target, runs, cards, run, found)
    return unreadable


@contextmanager
def _locked(folder):
    """One writer at a time; readers need no lock, since a file is renamed when it is whole."""
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
