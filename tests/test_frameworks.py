"""The page of frameworks shows the rows that ran, and each is held against its values."""

import re
from pathlib import Path

import pytest

import frameworks
from recorded import sha256

DOCS = Path(__file__).resolve().parents[1] / "docs"
ROWS = frameworks.rows()


def included(page, file):
    """The markers that a page includes parts of a file from, in order."""
    text = (DOCS / page).read_text(encoding="utf-8")
    return re.findall(rf"\{{literalinclude\}} {re.escape(file)}\n:\S+: \"?(?:# %% )?(\w+)", text)


def test_each_row_is_on_the_page_once():
    assert included("frameworks.md", "frameworks/rows.py") == list(ROWS)


@pytest.mark.parametrize("name", ROWS)
def test_each_framework_is_said_to_give_the_same(name):
    assert tuple(ROWS[name]) == frameworks.FRAMEWORKS
    stated = [frameworks.claims(code) for code in ROWS[name].values()]
    assert stated[0] == stated[1] == stated[2]
    assert bool(stated[0]) == (name != "imports")


def test_the_rows_are_those_that_ran():
    """After a change of a row: ``nox -s frameworks``."""
    record = frameworks.load()
    assert record["sha256"] == sha256(frameworks.ROWS)
    assert list(record["rows"]) == [name for name in ROWS if name != "imports"]
    assert frameworks.TABLE.read_text(encoding="utf-8") == frameworks.html(record)


@pytest.mark.parametrize(
    ("claim", "value", "same"),
    [
        ("[1, 2]", [1.0, 2.0], True),
        ("[1, 2]", [1.0, 2.1], False),
        ("[1, 2]", [[1.0, 2.0]], False),
        ("0.8955", 0.89549, True),
        ("0.8955", 0.89542, False),
        ("float32", "float32", True),
        ("float32", "float64", False),
        ("True", False, False),
    ],
)
def test_a_comment_is_held_against_the_value(claim, value, same):
    assert frameworks.agrees(claim, value) == same


def test_a_framework_that_differs_is_named(monkeypatch):
    monkeypatch.setattr(frameworks, "rows", lambda: {"one": dict.fromkeys(ROWS["mean"], "x  # 2")})
    found = {framework: {"one": [2.0]} for framework in frameworks.FRAMEWORKS}
    assert not list(frameworks.compare(found))
    found["JAX"]["one"] = [3.0]
    assert all("JAX" in line for line in frameworks.compare(found))
    found["JAX"]["one"] = "ValueError: no"
    assert any("ValueError" in line for line in frameworks.compare(found))
