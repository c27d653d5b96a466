"""What the chapters must cover: every name on their lists has a card that uses or names it."""

import json
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LISTS = sorted((ROOT / "tests" / "covered").glob("*.txt"))


@pytest.fixture(scope="module")
def api():
    path = ROOT / "build/html/en/api.json"
    assert path.exists(), "build the site first: nox -s docs"
    return json.loads(path.read_text())


@pytest.mark.parametrize("chapter", LISTS, ids=lambda path: path.stem)
def test_every_name_of_a_chapter_has_a_verified_card(api, chapter):
    names = chapter.read_text().split()
    assert names
    missing = [name for name in names if name not in api]
    assert not missing
    unverified = [
        name for name in names if not any("cpu" in card["verified"] for card in api[name])
    ]
    assert not unverified
