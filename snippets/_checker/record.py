"""The record: what a verification run found, per card. Needs no torch to be read."""

import hashlib
import json
import os
import platform
import time
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
# What decides whether a card passes; a change here makes every record stale.
JUDGES = (
    "cards.py", "grammar.py", "find.py", "compare.py", "execute.py", "state.py", "names.py",
    "worker.py",
)  # fmt: skip


@dataclass
class Outcome:
    """What one run of one card found. ``failures`` are ``(line, message)``."""

    claims: int
    failures: list
    seconds: float
    apis: list
    needs: str | None = None  # a package that is not installed: the card did not run
    draws: bool = False  # random numbers, from the generators of torch, Python or NumPy


def checker_sha256():
    """Hash of the checker itself, so that no record outlives the rules it was made by."""
    here = Path(__file__).parent
    text = b"".join((here / name).read_bytes() for name in JUDGES)
    return hashlib.sha256(text).hexdigest()


def load(path):
    """Read a record; an absent one is empty."""
    path = Path(path)
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"cards": {}}


def header(device_name):
    """What a record says about the machine that made it."""
    now = time.gmtime(int(os.environ.get("SOURCE_DATE_EPOCH", time.time())))
    return {
        "torch": metadata.version("torch").partition("+")[0],
        "python": platform.python_version(),
        "device": device_name,
        "date": time.strftime("%Y-%m-%d", now),
        "checker": checker_sha256(),
    }


def outcome(cards, module, card):
    """How ``card`` of ``module`` stands in the ``cards`` of a record.

    Returns:
        "checked", "changed" (since it was checked), "failed" or "missing".
    """
    entry = cards.get(f"{module.name}::{card.name}")
    if entry is None:
        return "missing"
    if entry["sha256"] != card.sha256:
        return "changed"
    return "checked" if entry["passed"] == entry["claims"] else "failed"


def verified(record, module, card):
    """Whether ``record`` holds a passing run of this very source of ``card``."""
    return outcome(record["cards"], module, card) == "checked"


def outdated(record, modules):
    """Those of ``modules`` that must be run: not all passed with this source and setup."""
    now = header("")
    same = all(record.get(key) == now[key] for key in ("torch", "python", "checker"))
    return [
        module
        for module in modules
        if not (same and all(verified(record, module, card) for card in module.units()))
    ]


def entry(card, outcomes):
    """One card's entry from its outcomes under each seed; None if it must not have one."""
    first = outcomes[0]
    failures = max(len(outcome.failures) for outcome in outcomes)
    if first.needs or (failures and not first.claims):
        return None
    return {
        "sha256": card.sha256,
        "claims": first.claims,
        "passed": max(0, first.claims - failures),
        "seconds": round(first.seconds, 3),
        "apis": first.apis,
    }


def save(path, device_name, found, ran):
    """Write what was found, over what an older run of the same setup knew of other files.

    Args:
        path: where.
        device_name: the CPU or GPU.
        found: ``{"file::card": entry}`` of this run.
        ran: names of the files that this run ran.
    """
    path = Path(path)
    old, head = load(path), header(device_name)
    keep = all(old.get(key) == head[key] for key in head if key != "date")
    cards = {
        key: value
        for key, value in (old["cards"] if keep else {}).items()
        if key.partition("::")[0] not in ran and (PROJECT / key.partition("::")[0]).exists()
    }
    cards |= {key: value for key, value in found.items() if value}
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(head | {"cards": dict(sorted(cards.items()))}, indent=1)
    path.write_text(text + "\n", encoding="utf-8")
