"""What pytest loads: it adds options, and does nothing until it is asked to.

``claims_cards`` in the configuration names folders of cards, which ``pytest_cards`` collects;
``claims_files``, or ``--claims``, asks for files of any other kind, see ``pytest_files``.
"""

from pathlib import Path

import pytest

from . import missing

REWRITES = {
    "fill": "gives `#` and `# ?` behind code a claim",
    "fix": "corrects claims that do not hold",
    "reword": "says claims that hold shorter",
}


def _numbers(text):
    return tuple(int(one) for one in text.split(","))


def pytest_addoption(parser):
    parser.addini("claims_cards", "folders whose Python files are cards", type="args", default=[])
    text = "files, folders and patterns whose comments claim something"
    parser.addini("claims_files", text, type="args", default=[])
    group = parser.getgroup("torchproof", "torchproof: what comments claim")
    text = "check what comments in .py, .md and .rst files claim, those of tests excepted"
    group.addoption("--claims", action="store_true", help=text)
    text = "each comment after code is a claim, remarks to tools excepted"
    group.addoption("--claims-strict", action="store_true", help=text)
    text = "run each # %% cell and each fence of a document alone"
    group.addoption("--claims-isolate", action="store_true", help=text.replace("%", "%%"))
    devices = ("cpu", "cuda", "mps")
    group.addoption("--claims-device", choices=devices, help="run on this device only")
    group.addoption("--claims-seeds", type=_numbers, metavar="0,1", help="a run for each")
    group.addoption("--claims-limit", type=float, metavar="SECONDS", help="for a run")
    for name, what in REWRITES.items():
        group.addoption(f"--claims-{name}", action="store_true", help=f"show a diff that {what}")
    group.addoption("--claims-write", action="store_true", help="write what these diffs show")
    group.addoption("--claims-records", type=Path, help="write what came out of cards here")
    text = "take from --claims-records what is known of unchanged cards, and run the others"
    group.addoption("--claims-known", action="store_true", help=text)


def pytest_configure(config):
    cards = config.getini("claims_cards")
    files = config.getini("claims_files") or config.getoption("--claims")
    if (cards or files) and (lacks := missing()):
        raise pytest.UsageError(lacks)
    if any(config.getoption(f"--claims-{name}") for name in REWRITES):
        from . import own, suggest

        try:
            suggest.refuse()
        except own.Usage as error:
            raise pytest.UsageError(str(error)) from None
        if config.getoption("numprocesses", None) or hasattr(config, "workerinput"):
            raise pytest.UsageError("claims are rewritten by one process: leave out -n")
        if not files:
            raise pytest.UsageError("which files? Say --claims, or claims_files in the settings")
    elif config.getoption("--claims-write"):
        raise pytest.UsageError("--claims-write writes what --claims-fill, -fix or -reword shows")
    if cards:
        from . import pytest_cards

        config.pluginmanager.register(pytest_cards, "torchproof-cards")
    if files:
        from . import pytest_files

        config.pluginmanager.register(pytest_files, "torchproof-files")
