"""Read what verification runs found: which card was checked where, and is it still the same?"""

import hashlib
import json
import re
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from torchproof import cards, record, variables
from torchproof.find import find
from torchproof.grammar import misquoted

ROOT = Path(__file__).resolve().parents[3]
# What this machine found, and what is committed of what others found.
BUILT, COMMITTED = ROOT / "build" / "verified", record.COMMITTED

DEVICES = ("cpu", "cuda")
DEVICE_NAMES = {"cpu": "CPU", "cuda": "CUDA"}
# What a message has for a terminal alone: colours, and characters that HTML does not have.
CONTROL = re.compile(r"\x1b\[[\d;]*m|[\x00-\x08\x0b-\x1f\x7f-\x9f\ufffe\uffff]")
# The gallery folder of each source folder, and of each page's first path part.
SOURCES = {"reference": "snippets", "gallery": "gallery"}


@dataclass(frozen=True)
class Summary:
    """What runs on one kind of device have in common, in the words of a page."""

    torch: str  # "2.14.1", or "2.11 to 2.14"
    python: str
    device: str
    date: str  # of the run; of the first and the last, where they differ


@cache  # until a build starts
def known():
    """All records that there are."""
    return record.Records(BUILT, COMMITTED)


def module(docname):
    """The module or example that a page is made from, or None for other pages.

    Raises:
        CardError: the file cannot be read as cards.
    """
    top, _, rest = docname.partition("/")
    path = ROOT / SOURCES.get(top, "-") / f"{rest}.py"
    return cards.read(path) if path.is_file() else None


def docnames():
    """Pages that are made from scripts, in reading order: of each chapter its files."""
    return [
        f"{top}/{path.parent.name}/{path.stem}"
        for top, folder in SOURCES.items()
        for path in cards.files([ROOT / folder])
        if path.parent.parent == ROOT / folder
    ]


def outcome(page, card, device):
    """How ``card`` (or the whole example that it is a cell of) stands on ``device``.

    Returns:
        "checked" (now, or on a GPU with some release), "failed", "changed" or "missing".
    """
    found = _entries(page, card, device)
    if found:
        return "failed" if all(entry.get("failures") for entry in found) else "checked"
    other = known().entries.get(f"{page.name}::{_unit(page, card).name}", ())
    return "changed" if any(entry["of"]["device"] == device for entry in other) else "missing"


def _unit(page, card):
    """What is recorded for a card: itself, or the whole example that it is a cell of."""
    return page.units()[0] if page.example else card


def _entries(page, card, device=None):
    """Entries that count for a page: on the CPU those of what is installed here.

    A GPU is not found everywhere: there a run with another release says so, and counts.
    """
    if device is None:
        return [entry for name in DEVICES for entry in _entries(page, card, name)]
    unit = _unit(page, card)
    if device == "cpu":
        return known().current(page, unit, device)
    return [entry for entry in known().of(page, unit) if entry["of"]["device"] == device]


def verified(page, card):
    """The devices on which ``card``, as it is written now, was checked."""
    return [device for device in DEVICES if outcome(page, card, device) == "checked"]


def failures(page, card):
    """What came out instead of what ``card`` claims: ``[(line in the file, text, run)]``."""
    unit = _unit(page, card)
    lines = range(card.line, card.line + card.code.count("\n") + 1)
    return [
        (unit.line + line, text, entry["of"])
        for entry in _entries(page, card)
        for line, text in entry.get("failures", ())
        if unit is card or unit.line + line in lines
    ]


def releases(page, card, device="cpu"):
    """Releases of PyTorch, such as ``(2, 14)``, with which ``card`` as it is written holds."""
    return sorted(
        {
            tuple(map(int, entry["of"]["torch"].split(".")[:2]))
            for entry in known().of(page, _unit(page, card))
            if entry["of"]["device"] == device and not entry.get("failures")
        }
    )


def reached(page, card, first=None, before=None):
    """Whether a run with a release from ``first`` on, and older than ``before``, held ``card``."""
    return any(
        (first is None or release >= first) and (before is None or release < before)
        for device in DEVICES
        for release in releases(page, card, device)
    )


def used(page, card):
    """Public PyTorch names that the lines of ``card`` used when it was checked."""
    return {name for entry in _entries(page, card) for name in entry.get("apis", ())}


def claims(page, card):
    """How many claims ``card`` was found to make: from a record of its present text."""
    held = [entry["claims"] for entry in _entries(page, card) if not entry.get("failures")]
    return max(held, default=0)


def messages(page, card):
    """Errors and warnings that ``card`` quotes: ``{quotation: whole message}``.

    A quotation that no run has raised yet stands for the whole.
    """
    unit = _unit(page, card)
    raised = {}
    for entry in _entries(page, unit) + known().of(page, unit):
        for line, text in entry.get("messages", ()):
            raised.setdefault(unit.line + line, []).append(CONTROL.sub("", text))
    found = {}
    for claim in find(card.code, card.line)[1]:
        for branch in claim.branches:
            if branch.error:
                name, text = branch.body.name, branch.body.text
                whole = (
                    one
                    for one in raised.get(claim.line, ())
                    if one.startswith(name.rpartition(".")[2]) and not misquoted(one, text)
                )
                found.setdefault(branch.text, next(whole, branch.text))
    return found


def held(page, card):
    """What the variables of ``card`` held when it was checked on the CPU, by place.

    Returns:
        dict: ``(line of the card's code, column, name)`` to ``(text, after)``; see
        variables.shown.
    """
    unit = _unit(page, card)
    entries = [entry for entry in _entries(page, unit, "cpu") if not entry.get("failures")]
    kept = next((entry["held"] for entry in entries if "held" in entry), None)
    if kept is None:
        return {}
    above, last = card.line - unit.line, card.code.count("\n") + 1
    return {
        (line - above, column, name): shown
        for (line, column, name), shown in _places(unit.code, json.dumps(kept)).items()
        if 0 < line - above <= last
    }


@lru_cache(maxsize=1)  # an example is asked about once for each of its cells
def _places(code, kept):
    return variables.shown(code, json.loads(kept))


def summary(units, device):
    """What the runs that checked ``units``, pairs of module and unit, say of themselves.

    Returns:
        Summary, or None where nothing was checked on this device.
    """
    runs, spans = [], []
    for page, unit in units:
        held = [entry["of"] for entry in _entries(page, unit, device) if not entry.get("failures")]
        runs += held
        spans += [set(releases(page, unit, device))] if held else []
    if not runs:
        return None
    common = sorted(set.intersection(*spans))  # with which all of them hold
    texts = [".".join(map(str, release)) for release in common]
    if len(texts) > 2 and common[-1][1] - common[0][1] == len(common) - 1:
        texts = [f"{texts[0]}–{texts[-1]}"]  # none between is missing
    elif len(texts) < 2:
        texts = sorted({run["torch"] for run in runs})
    dates = [run["date"] for run in runs]
    return Summary(
        ", ".join(texts),
        " · ".join(sorted({run["python"] for run in runs})),
        " · ".join(sorted({run["name"] for run in runs})),
        "–".join(dict.fromkeys((min(dates), max(dates)))),
    )


def digest(docname):
    """Hash of all that the page ``docname`` shows from its cards and from records."""
    page, shown = module(docname), []
    for unit in page.units():
        shown += [unit.sha256, sorted(used(page, unit))]
        for device in DEVICES:
            shown += [outcome(page, unit, device), releases(page, unit, device)]
            for entry in _entries(page, unit, device):
                shown += [entry.get("failures"), entry.get("messages"), entry.get("held")]
    shown += [summary([(page, unit) for unit in page.units()], device) for device in DEVICES]
    return hashlib.sha256(repr(shown).encode()).hexdigest()


def figures():
    """Numbers about the whole project, counted, never typed.

    Returns:
        dict: ``modules``, ``examples``, ``cards``, ``claims`` and ``devices``, a list of
        ``(device, Summary or None, checked units, all units)``.
    """
    pages = [module(name) for name in docnames()]
    units = [(page, unit) for page in pages for unit in page.units()]
    devices = []
    for device in DEVICES:
        checked = sum(outcome(page, unit, device) == "checked" for page, unit in units)
        devices.append((device, summary(units, device), checked, len(units)))
    return {
        "modules": sum(not page.example for page in pages),
        "examples": sum(page.example for page in pages),
        "cards": sum(len(page.cards) for page in pages if not page.example),
        "claims": sum(claims(page, unit) for page, unit in units),
        "devices": devices,
    }
