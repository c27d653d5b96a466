"""What is published: a wheel that is whole, small, and works in a clean environment."""

import email
import re
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest
import yaml

import torchproof
from proofsheet import pack
from torchproof.reading import store

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "snippets" / "_checker"
BUILD = "from setuptools import build_meta; import sys; build_meta.build_wheel(sys.argv[1])"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built from a copy of what it takes, without any network."""
    assert (store.BUILT / "common.db").exists(), "build the site first: nox -s docs"
    copy, made = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("dist")
    for name in ("pyproject.toml", "LICENSE", "MANIFEST.in"):
        shutil.copy(ROOT / name, copy)
    without = shutil.ignore_patterns("__pycache__", "cards")
    shutil.copytree(PACKAGE, copy / "snippets" / "_checker", ignore=without)
    cards = copy / "snippets" / "_checker" / "reading" / "cards"
    pack.main(cards)
    line = [sys.executable, "-c", BUILD, str(made)]
    done = subprocess.run(line, cwd=copy, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (path,) = made.glob("*.whl")
    return path


def test_the_wheel_is_whole_and_small(wheel):
    assert wheel.stat().st_size < 3e6
    files = zipfile.ZipFile(wheel)
    names = {name.removeprefix("torchproof/") for name in files.namelist()}
    wanted = {"py.typed", "integrations/SKILL.md", "CHANGELOG.md", "reading/cards/zh_CN.db.xz"}
    assert wanted <= names
    sources = {path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py")}
    assert sources == {name for name in names if name.endswith(".py")}
    (metadata,) = (name for name in names if name.endswith("/METADATA"))
    facts = email.message_from_bytes(files.read(metadata))
    assert facts["Version"] == torchproof.__version__ and facts["License-Expression"] == "MIT"
    assert facts["Requires-Python"] == ">=3.11"
    needed = facts.get_all("Requires-Dist")
    assert all("extra ==" in one for one in needed)  # nothing comes along unasked
    assert facts.get_payload().startswith("# torchproof")
    text = (PACKAGE / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(r"^## (.*)$", text, re.M)[1] == torchproof.__version__


def test_it_works_in_a_clean_environment(wheel, tmp_path):
    """As pip would install it: what is in the wheel lies in site-packages."""
    venv.create(tmp_path, symlinks=True)
    (packages,) = tmp_path.glob("lib/python*/site-packages")
    zipfile.ZipFile(wheel).extractall(packages)
    line = [sys.executable, ROOT / "tests" / "released.py", tmp_path / "bin" / "python"]
    done = subprocess.run(line, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "with nothing else" in done.stdout


def test_what_the_package_exports_is_there_and_said():
    for name in torchproof.__all__:
        assert getattr(torchproof, name).__doc__, name
    assert torchproof.check.__annotations__["return"] is torchproof.Report
    assert torchproof.fill.__annotations__["return"] is torchproof.Filled
    with pytest.raises(AttributeError):
        torchproof.nothing  # noqa: B018


def test_the_workflow_publishes_what_was_tested():
    """One build, which is tried and then published, on a tag, without a secret."""
    text = (ROOT / ".github" / "workflows" / "release.yml").read_text(encoding="utf-8")
    jobs = yaml.safe_load(text)["jobs"]
    assert jobs["try"]["needs"] == "build" and set(jobs["publish"]["needs"]) == {"build", "try"}
    assert jobs["publish"]["permissions"] == {"id-token": "write"}
    assert "refs/tags/v" in jobs["publish"]["if"] and "secrets." not in text
    assert "tests/released.py" in str(jobs["try"]["steps"])
