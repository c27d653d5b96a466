"""The page of performance figures shows what is recorded, of the code that it shows."""

import pytest

import figures
from recorded import sha256
from test_frameworks import included


@pytest.mark.parametrize("device", figures.load())
def test_the_figures_are_those_of_this_code(device):
    """After a change of ``circulating.py``: ``nox -s figures``."""
    assert figures.load()[device]["sha256"] == sha256(figures.SOURCE)


def test_the_page_shows_what_is_recorded():
    """``nox -s figures -- --draw`` draws it again."""
    for name, html in figures.pictures(figures.load()).items():
        assert (figures.FOLDER / name).read_text(encoding="utf-8") == html, name


def test_each_claim_is_on_the_page_once():
    (known,) = {tuple(run["claims"]) for run in figures.load().values()}
    shown = included("figures.md", "../tests/circulating.py")
    assert [name for name in shown if name in known] == list(known)
