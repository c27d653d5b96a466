"""What the reference must cover: names people look for, and families without gaps."""

import ast
import json
from pathlib import Path

import pytest
import torch

from proofsheet import inventory
from torchproof import cards
from torchproof.names import Tracer

ROOT = Path(__file__).parent.parent

LISTS = sorted((ROOT / "tests" / "covered").glob("*.txt"))
# Namespaces in which a reader compares: all of their names have a card, or a reason.
FAMILIES = (
    "torch", "torch.Tensor", "torch.nn", "torch.nn.functional", "torch.nn.init", "torch.optim",
    "torch.optim.lr_scheduler", "torch.utils.data", "torch.autograd", "torch.func",
    "torch.linalg", "torch.fft", "torch.signal.windows", "torch.special",
)  # fmt: skip


@pytest.fixture(scope="module")
def api():
    path = ROOT / "build/html/en/api.json"
    assert path.exists(), "build the site first: nox -s docs"
    return json.loads(path.read_text())


def checked(api):
    """Names that the code of a card runs which held on the CPU; a mention does not count."""
    return {
        name
        for name, cards in api.items()
        if any(card["runs"] and "cpu" in card["verified"] for card in cards)
    }


def test_a_name_counts_where_it_is_written():
    """A loop over a list of names touches many and shows none."""
    source = "for name in ['sin', 'cos']:\n    getattr(torch, name)\ngetattr(torch, 'tan')"
    tracer = Tracer()
    tree = ast.fix_missing_locations(tracer.instrument(ast.parse(source), "import torch"))
    exec(compile(tree, "card", "exec"), {"torch": torch, Tracer.NAME: tracer})
    assert tracer.names == {"torch.tan"}


@pytest.mark.parametrize("chapter", LISTS, ids=lambda path: path.stem)
def test_every_name_of_a_chapter_has_a_verified_card(api, chapter):
    names = chapter.read_text().split()
    assert names
    missing = [name for name in names if name not in api]
    assert not missing
    assert not set(names) - checked(api)


def rows(name):
    """The rows of a table in ``tests/covered``, without what is said about them."""
    text = (ROOT / "tests" / "covered" / name).read_text(encoding="utf-8")
    return [line.split("\t") for line in text.splitlines() if line and line[0] != "#"]


def without_card():
    """A name, or a prefix and ``*``, and why it has no card."""
    return {name: reason for name, reason in rows("without_card.tsv")}


def excused(name, reasons):
    """The row of ``reasons`` that speaks of ``name``, or None."""
    for row in reasons:
        if name == row or (row.endswith("*") and name.startswith(row[:-1])):
            return row
    return None


@pytest.mark.parametrize("space", FAMILIES)
def test_families_are_complete(api, space):
    reasons = without_card()
    missing = set(inventory.public(space)) - checked(api)
    unexplained = sorted(name for name in missing if not excused(name, reasons))
    assert not unexplained, f"public in {space}, without a checked card or a reason"


def test_no_reason_outlives_its_gap(api):
    names = {name for space in FAMILIES for name in inventory.public(space)}
    missing = names - checked(api)
    reasons = without_card()
    used = {excused(name, reasons) for name in missing}
    assert not set(reasons) - used, "these have a card now, or are no longer public"
    assert all(len(reason) > 10 for reason in reasons.values())


# Below a line of heads: a piece of advice, its card, and what the card's code holds.
STALE_ADVICE = rows("stale_advice.tsv")[1:]


@pytest.mark.parametrize(("row", "name", "held"), STALE_ADVICE)
def test_stale_advice_is_shown_for_what_it_is(row, name, held):
    """The card exists and runs what is said; that it holds is a test of its own."""
    path, _, title = name.partition("::")
    found = [card for card in cards.read(ROOT / path).cards if card.name == title]
    assert found, f"{row}: no such card"
    assert held in found[0].code
