"""A clean build elsewhere gives the very bytes that lie in build/html, of the English edition.

It is given the same records and the same runs of the gallery, whose pages hold what was
measured: seconds, bytes, profiles. Of the reference the chapters run again that draw: figures,
tensors and graphs. The others differ from them in nothing that a build could tell.
"""

import fcntl
import html
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bench import edit

ROOT = Path(__file__).parent.parent
SITE = ROOT / "build/html/en"
AGAIN = ("autograd", "losses", "tensors")
# Sphinx's own notes beside the pages; nobody is sent them.
NOTES = {".buildinfo", ".buildinfo.bak", "sheet.pdf"}  # paper tells when it was printed


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """The sources elsewhere, with the records and the gallery's runs, built in English."""
    copy = tmp_path_factory.mktemp("elsewhere") / "deep" / "proofsheet"
    made = shutil.ignore_patterns(
        ".git", ".nox", ".venv", "build", "__pycache__", "*.mo", ".pytest*"
    )
    shutil.copytree(ROOT, copy, ignore=made)
    for chapter in AGAIN:
        shutil.rmtree(copy / "docs/reference" / chapter)
    shutil.copytree(ROOT / "build/verified", copy / "build/verified")
    _sphinx(copy)
    return copy


@pytest.fixture(scope="module")
def built(copy):
    return _files(copy / "build/html/en")


def _sphinx(copy):
    """Build English there; warnings are errors."""
    command = [
        *(sys.executable, "-m", "sphinx", "-c", ".", "-q", "-W"),
        *("-d", "build/doctrees/en", "docs", "build/html/en"),
    ]
    # The copy's own extension, and not the one that is installed from here.
    env = os.environ | {"PYTHONPATH": str(copy / "docs/_ext"), "PYTHONHASHSEED": "3"}
    done = subprocess.run(command, cwd=copy, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def _files(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name not in NOTES
    }


def _different(one, other):
    return sorted(name for name in one | other if one.get(name) != other.get(name))


def _different_in_steps(one, other):
    """Built in steps, Sphinx's search index numbers the same pages in another order."""
    return [name for name in _different(one, other) if not name.endswith("searchindex.js")]


def test_what_was_built_in_steps_is_what_a_clean_build_gives(built):
    assert (SITE / "index.html").exists(), "build the site first: nox -s docs"
    assert _different_in_steps(built, _files(SITE)) == []


def test_what_torchproof_reads_lies_in_the_tree_that_was_built(copy, built):
    """Not in the tree that torchproof is installed from, whose own cards others read."""
    for name in ("common.db", "en.db"):
        ours, theirs = ((tree / "build/cards" / name).read_bytes() for tree in (ROOT, copy))
        assert ours == theirs, name


def test_an_edit_reaches_the_pages_that_show_it_and_no_trace_of_it_stays(copy, built):
    """Another title and another number, and back again."""
    source, pages = copy / "snippets/tensors/joining.py", copy / "build/html/en"
    text = source.read_text(encoding="utf-8")
    retitled = text.replace("Join along an existing dimension: ", "Join side by side: ")
    source.write_text(retitled, encoding="utf-8")
    edit(source)
    edited = source.read_text(encoding="utf-8")
    assert edited.count("Join side by side") == 1 and edited.count("4, 5, 7") > 2
    _sphinx(copy)
    for name in ("reference/tensors/joining", "reference/tensors/index", "quick", "api/torch"):
        page = (pages / f"{name}.html").read_text(encoding="utf-8")
        assert "Join side by side" in page, name
    source.write_text(text, encoding="utf-8")
    _sphinx(copy)
    assert _different_in_steps(built, _files(copy / "build/html/en")) == []


def test_a_false_card_costs_its_own_check_mark_and_nothing_else(copy, built):
    """The site is built whole, the page shows what came out, the exit code is 1."""
    source = copy / "snippets/tensors/joining.py"
    text = source.read_text(encoding="utf-8")
    old = next(line for line in text.split("\n") if "# tensor([[1, 2], [3, 4]" in line)
    source.write_text(text.replace(old, old.replace("tensor([[1,", "tensor([[9,")))
    with pytest.raises(AssertionError, match=r"joining.* does not hold on this machine"):
        _sphinx(copy)
    page = (copy / "build/html/en/reference/tensors/joining.html").read_text(encoding="utf-8")
    soup = re.sub("<[^>]*>", "", page)
    assert "claimed tensor([[9, 2], [3, 4]" in html.unescape(soup)
    blocks = re.findall(r'<div class="highlight-python[^"]*card-code[^"]*"', page)
    assert sum("verified" not in block for block in blocks) == 2  # the card's, the import cell's
    source.write_text(text, encoding="utf-8")
    _sphinx(copy)
    assert _different_in_steps(built, _files(copy / "build/html/en")) == []


def test_a_second_build_of_the_same_checkout_says_so_and_ends(copy, built):
    with (copy / "build/lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(AssertionError, match="another build of this checkout is running"):
            _sphinx(copy)
