"""The form of the content: what every card and example must look like."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from bench import as_copied
from torchproof import cards, execute, process

ROOT = Path(__file__).parent.parent
SNIPPETS = [cards.read(path) for path in cards.files([ROOT / "snippets"])]
EXAMPLES = [cards.read(path) for path in cards.files([ROOT / "gallery"])]
MODULES = SNIPPETS + EXAMPLES
SIXTH = SNIPPETS[::6]
# One module for each import cell: what a fresh interpreter could lack is an import.
BY_IMPORTS = list({module.imports: module for module in SNIPPETS}.values())
CARDS = [(module, card) for module in SNIPPETS for card in module.cards]


def _name(value):
    return value.name


@pytest.mark.parametrize("module", MODULES, ids=_name)
def test_a_page_reads_without_scrolling(module):
    wide = [
        f"{module.path}:{number}: {len(line)} columns"
        for number, line in enumerate(module.path.read_text().split("\n"), 1)
        if len(line) > 76
    ]
    assert not wide


ABOUT_DEVICES = (
    *("devices", "installation", "devices_and_memory", "streams_and_copies"),
    "project_template",  # which looks through its files for a device that is named
    "training",  # the sheet, which has the line that readers know
    "threads_and_processes",  # which shows the error of CUDA in a fork, where there is a GPU
    "data_workers",  # which shows the same error, and that of pinning a batch on the GPU
    "gathered_results",  # which says which backend belongs to which device
    "cuda_errors",  # whose script asks for a GPU, since its error comes late there
    "environments",  # which looks for the packages of CUDA among the installed ones
    "custom_operators",  # which registers a kernel for CUDA beside that for the CPU
    "mixed_precision_errors",  # whose prose says what to write for the old names of CUDA
)
ANYWHERE = [module for module in MODULES if module.path.stem not in ABOUT_DEVICES]


@pytest.mark.parametrize("module", ANYWHERE, ids=_name)
def test_code_names_no_device(module):
    """Nothing is pinned to CUDA, but on the pages about devices.

    A page may ask which device it has, or name one that is not.
    """
    pinned = r"(?<!torch)\.cuda\(|(?<!== )[\"']cuda(?!:63)"
    assert not re.search(pinned, module.path.read_text())


@pytest.mark.parametrize("module", MODULES, ids=_name)
def test_prose_holds_no_unchecked_code(module):
    """A literal block or a doctest in the text would be code that nothing checks."""
    for card in module.cards:
        prose = card.prose.replace(".. hint::\n", "")
        assert not re.search(r"::$|>>> |\.\. code", prose, re.M), card.name


def test_names_stand_in_code_face():
    """Not in roles, which a notebook shows as they are; only formulas and pages need one."""
    roles = re.compile(r":(?!math:|doc:)[a-z]+(?::[a-z]+)*:`")
    paths = [module.path for module in MODULES]
    paths += [path for top in ("snippets", "gallery") for path in (ROOT / top).rglob("*.rst")]
    found = [f"{path}: {role}" for path in paths for role in roles.findall(path.read_text())]
    assert not found


# What the rules of prose name; "deviation" is the standard deviation in every place so far.
AVOIDED = r"\banew\b|(?<![Ss]tandard )\bdeviations?\b|\bunless you say\b|\bby heart\b"


@pytest.mark.parametrize("module", MODULES, ids=_name)
def test_prose_uses_the_words_of_the_field(module):
    head = ast.get_docstring(ast.parse(module.path.read_text(encoding="utf-8")))
    for text in (head, *(f"{card.name}\n{card.prose}" for card in module.cards)):
        assert not re.search(AVOIDED, " ".join(text.split())), text


# A program in C++ stands in the card that compiles it.
WITH_ANOTHER_LANGUAGE = ("Load the package from C++: AOTIModelPackageLoader",)


@pytest.mark.parametrize(("module", "card"), CARDS, ids=_name)
def test_a_card_is_short_and_claims_something(module, card):
    lines = [line for line in card.code.split("\n") if line.strip()]
    longest = 37 if card.name in WITH_ANOTHER_LANGUAGE else 20
    assert 3 <= len(lines) <= longest
    _, claims, failures = execute.find(card.code, card.line)
    assert claims and not failures
    prose = re.sub(r"^\.\. \w+::.*(\n .*)*", "", card.prose, flags=re.M)
    assert 1 <= len(re.findall(r"[.?](?:\s|$)", prose)) <= 4, prose


@pytest.mark.parametrize("module", MODULES, ids=_name)
def test_basenames_are_unique(module):
    assert [other.path.stem for other in MODULES].count(module.path.stem) == 1


# Runs scripts in forks that know no more than the first argument imports: torch, or torchvision
# for scripts that import it. What is no part of torch is there before, which saves a minute.
FORKS = """
import importlib, os, runpy, sys, warnings
import matplotlib.pyplot, numpy, sklearn.datasets
importlib.import_module(sys.argv[1])
warnings.simplefilter("ignore")
for path in sys.argv[2:]:
    if not os.fork():
        os.chdir(os.path.dirname(path))
        os.dup2(os.open("said", os.O_CREAT | os.O_WRONLY), 2)
        runpy.run_path(path, run_name="__main__")
        open("done", "w").close()
        os._exit(0)
    os.wait()
"""


@pytest.fixture(scope="module")
def copies(tmp_path_factory):
    """A card of each import cell that there is, as copied, with nothing around it: its folder."""
    folders = {module.name: tmp_path_factory.mktemp("copy") for module in BY_IMPORTS}
    for module in BY_IMPORTS:
        (folders[module.name] / "copied.py").write_text(module.cards[0].copy, encoding="utf-8")
    halves = {"torch": [], "torchvision": []}
    for module in BY_IMPORTS:
        vision = re.search(r"^(import|from) torchvision", module.imports, re.M)
        path = str(folders[module.name] / "copied.py")
        halves["torchvision" if vision else "torch"].append(path)
    running = [
        subprocess.Popen([sys.executable, "-c", FORKS, known, *paths])
        for known, paths in halves.items()
    ]
    for half in running:
        half.wait()
    return folders


@pytest.mark.parametrize("module", BY_IMPORTS, ids=_name)
def test_a_copied_card_runs_in_a_fresh_interpreter(copies, module):
    folder = copies[module.name]
    assert (folder / "done").exists(), (folder / "said").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def bare():
    """What a card's copy button gives, run with no checker around it, as it stands.

    In a new process and from the last card to the first: none can live off one before it. The
    checker runs the same text of each card alone, so every sixth page is enough to see that
    nothing which it puts around a card is needed.
    """
    plans = {module: process.plan(module, process.SEEDS[:1])[::-1] for module in SIXTH}
    jobs = {one.name: process.Job(one.path, "cpu", plan, as_copied) for one, plan in plans.items()}
    for _ in process.run(list(jobs.values())):
        pass
    return jobs


@pytest.mark.parametrize(
    ("module", "card"), [(module, card) for module, card in CARDS if module in SIXTH], ids=_name
)
def test_a_copy_runs_on_its_own(bare, module, card):
    assert (card.name, 0) in bare[module.name].results, bare[module.name].lost
