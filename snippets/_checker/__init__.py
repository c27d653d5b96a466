"""Checks what the comments of a Python file claim. Needs torch and nothing else.

``torchproof.check(path)`` and ``torchproof.fill(path)`` are for files of your own; importing
this package imports no torch, which only the processes that run code do.

``cards`` reads a file, ``grammar`` says what a claim is, ``find`` finds the claims of a card;
these and ``record``, which keeps what was found, need no torch. ``process`` forks a process
for what is to be run. In it ``state`` guards what a card must not change, ``execute`` runs the
card, ``compare`` holds each claim against what came out, and ``names`` notes what is used.
``mutate`` lies on purpose to see whether it is noticed, ``seeds`` shifts what examples seed
with, ``plugin`` is the pytest side and ``__main__`` the command.

Files that were not written for this checker: ``documents`` reads them, ``own`` runs them,
``spell`` says a value as a claim, ``suggest`` which of them to write, ``rewrite`` writes it,
``pytest_files`` and ``command`` are the two ways to ask for it. ``reading`` shows cards in a
terminal, ``integrations`` in notebooks and to assistants.
"""

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .own import Failure, Report, Usage, check
    from .rewrite import Refused
    from .suggest import Filled, fill

__all__ = ["Failure", "Filled", "Refused", "Report", "Usage", "check", "fill"]
__version__ = "0.1.0"

# What is loaded when it is asked for: with the checker, a system that cannot fork would fail.
WHERE = {"fill": "suggest", "Filled": "suggest", "Refused": "rewrite"}


def missing():
    """What it takes to run code and is not here, as a sentence; None if nothing is missing."""
    if find_spec("fcntl") is None:
        return "checking needs a system that can fork: Linux, macOS or WSL"
    if find_spec("torch") is None:
        return "checking needs torch, which is not installed here"
    return None


def load_ipython_extension(shell):
    """Add ``%card`` and ``%%check``: what ``%load_ext torchproof`` calls."""
    from .integrations import notebook

    notebook.load(shell)


def __getattr__(name):
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if find_spec("fcntl") is None:
        raise ImportError(missing())
    return getattr(import_module(f".{WHERE.get(name, 'own')}", __name__), name)
