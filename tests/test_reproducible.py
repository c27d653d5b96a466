"""Two clean builds give the same bytes, and those that lie in build/html.

Both are given the same records and the same runs of the gallery, whose pages hold what was
measured: seconds, bytes, profiles. The reference runs anew each time.
"""

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bench import edit

ROOT = Path(__file__).parent.parent
SITE = ROOT / "build/html"
# Sphinx's own notes beside the pages; nobody is sent them.
NOTES = {".buildinfo", ".buildinfo.bak"}


def _build(copy, hash_seed):
    """Build both languages from a copy of the sources, the records, the gallery's runs."""
    made = shutil.ignore_patterns(
        ".git", ".nox", ".venv", "build", "__pycache__", "*.mo", ".pytest*"
    )
    shutil.copytree(ROOT, copy, ignore=made)
    shutil.rmtree(copy / "docs/reference")
    (copy / "docs/reference").mkdir()
    shutil.copy(ROOT / "docs/reference/.fingerprint", copy / "docs/reference")
    shutil.copytree(ROOT / "build/verified", copy / "build/verified")
    for language in ("en", "zh_CN"):
        _sphinx(copy, language, hash_seed)
    return _files(copy / "build/html")


def _sphinx(copy, language, hash_seed="3"):
    """Build one language there; warnings are errors."""
    command = [
        *(sys.executable, "-m", "sphinx", "-c", ".", "-q", "-W", "-D", f"language={language}"),
        *("-d", f"build/doctrees/{language}", "docs", f"build/html/{language}"),
    ]
    env = os.environ | {"PYTHONHASHSEED": hash_seed, "SOURCE_DATE_EPOCH": "1000000000"}
    done = subprocess.run(command, cwd=copy, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def _files(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name not in NOTES
    }


@pytest.fixture(scope="module")
def copies(tmp_path_factory):
    """Two places to build in."""
    folders = [tmp_path_factory.mktemp("one"), tmp_path_factory.mktemp("elsewhere") / "deep"]
    return [folder / "proofsheet" for folder in folders]


@pytest.fixture(scope="module")
def builds(copies):
    """The files of two clean builds, side by side."""
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(_build, copies, "12"))


def _different(one, other):
    return sorted(name for name in one | other if one.get(name) != other.get(name))


def _different_in_steps(one, other):
    """Built in steps, Sphinx's search index numbers the same pages in another order."""
    return [name for name in _different(one, other) if not name.endswith("searchindex.js")]


def test_two_clean_builds_give_the_same_bytes(builds):
    assert _different(*builds) == []


def test_what_was_built_in_steps_is_what_a_clean_build_gives(builds):
    assert (SITE / "index.html").exists(), "build the site first: nox -s docs"
    assert _different_in_steps(builds[0], _files(SITE)) == []


def test_an_edit_reaches_the_pages_that_show_it_and_no_trace_of_it_stays(copies, builds):
    """Another title and another number, and back again."""
    source, pages = copies[0] / "snippets/tensors/joining.py", copies[0] / "build/html/en"
    text = source.read_text(encoding="utf-8")
    retitled = text.replace("Join along a dimension that exists: ", "Join side by side: ")
    source.write_text(retitled, encoding="utf-8")
    edit(source)
    edited = source.read_text(encoding="utf-8")
    assert edited.count("Join side by side") == 1 and edited.count("4, 5, 7") > 2
    _sphinx(copies[0], "en")
    for name in ("reference/tensors/joining", "reference/tensors/index", "quick", "api/torch"):
        page = (pages / f"{name}.html").read_text(encoding="utf-8")
        assert "Join side by side" in page, name
    source.write_text(text, encoding="utf-8")
    _sphinx(copies[0], "en")
    assert _different_in_steps(builds[0], _files(copies[0] / "build/html")) == []
