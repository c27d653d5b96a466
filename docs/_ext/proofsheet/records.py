"""Read what verification runs found: which card was checked where, and is it still the same?"""

import hashlib
import json
import platform
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from torchproof import cards, record

ROOT = Path(__file__).resolve().parents[3]

DEVICES = ("cpu", "cuda")
DEVICE_NAMES = {"cpu": "CPU", "cuda": "CUDA"}
# The gallery folder of each source folder, and of each page's first path part.
SOURCES = {"reference": "snippets", "gallery": "gallery"}


@dataclass(frozen=True)
class Record:
    """One verification run on one device; ``cards`` maps ``file::card`` to its outcome."""

    torch: str
    python: str
    device: str
    date: str
    cards: dict = field(hash=False)


@cache  # until a build starts
def load(device):
    """The record of ``device`` ("cpu" or "cuda"), or None.

    What this machine found in ``build/verified`` goes before what is committed.
    """
    for folder in ("build/verified", "docs/verified"):
        path = ROOT / folder / f"{device}.json"
        if path.is_file():
            found = json.loads(path.read_text(encoding="utf-8"))
            return Record(**{name: found[name] for name in Record.__dataclass_fields__})
    return None


@cache  # there are more files than lru_cache keeps by default
def _read(path, _mtime):
    return cards.read(path)


def module(docname):
    """The module or example that a page is made from, or None for other pages."""
    top, _, rest = docname.partition("/")
    path = ROOT / SOURCES.get(top, "-") / f"{rest}.py"
    return _read(path, path.stat().st_mtime_ns) if path.is_file() else None


def docnames():
    """Pages that are made from scripts, in reading order."""
    found = []
    for top, folder in SOURCES.items():
        for path in sorted((ROOT / folder).glob("*/*.py")):
            if not path.name.startswith("_") and not path.parent.name.startswith("_"):
                found.append(f"{top}/{path.parent.name}/{path.stem}")
    return found


def outcome(page, unit, device):
    """How ``unit`` (a card, or a whole example) of module ``page`` stands on ``device``.

    Returns:
        "checked", "changed" (since it was checked), "failed" or "missing".
    """
    found = load(device)
    return record.outcome(found.cards if found else {}, page, unit)


def unit_of(page, card):
    """What is recorded for a card: itself, or the whole example that it is a cell of."""
    return page.units()[0] if page.example else card


def verified(page, card):
    """The devices on which ``card``, as it is written now, was checked."""
    unit = unit_of(page, card)
    return [device for device in DEVICES if outcome(page, unit, device) == "checked"]


def used(page, card):
    """Public PyTorch names that the lines of ``card`` used when it was checked."""
    names = set()
    unit = unit_of(page, card)
    for device in DEVICES:
        if outcome(page, unit, device) in ("checked", "failed"):
            names.update(load(device).cards[f"{page.name}::{unit.name}"].get("apis", ()))
    return names


def claims(page, unit):
    """How many claims ``unit`` was found to make: from a record of its present text."""
    for device in DEVICES:
        if outcome(page, unit, device) == "checked":
            return load(device).cards[f"{page.name}::{unit.name}"]["claims"]
    return 0


def digest(docname):
    """Hash of all that the page ``docname`` shows from its cards and from records."""
    page = module(docname)
    runs = [run for run in map(load, DEVICES) if run]
    shown = [(run.torch, run.python, run.device, run.date) for run in runs]
    for unit in page.units():
        outcomes = [outcome(page, unit, device) for device in DEVICES]
        shown.append((unit.sha256, outcomes, sorted(used(page, unit))))
    return hashlib.sha256(repr(shown).encode()).hexdigest()


def figures():
    """Numbers about the whole project, counted, never typed.

    Returns:
        dict: ``modules``, ``examples``, ``cards``, ``claims`` and ``devices``, a list of
        ``(device, record, checked units, all units)``; a device that nothing ran on yet
        has an empty record and none checked.
    """
    pages = [module(name) for name in docnames()]
    units = [(page, unit) for page in pages for unit in page.units()]
    devices = []
    for device in DEVICES:
        checked = sum(outcome(page, unit, device) == "checked" for page, unit in units)
        devices.append((device, load(device), checked, len(units)))
    return {
        "modules": sum(not page.example for page in pages),
        "examples": sum(page.example for page in pages),
        "cards": sum(len(page.cards) for page in pages if not page.example),
        "claims": sum(claims(page, unit) for page, unit in units),
        "devices": devices,
    }


def versions():
    """Versions that a page's content depends on, without importing what they are of."""
    names = ("torch", "torchvision", "numpy", "matplotlib", "sphinx-gallery")
    found = {"python": platform.python_version()}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "absent"
    return found
