"""Serve the English site and rebuild a page when its source is saved: ``nox -s live``.

sphinx-autobuild watches, serves and reloads the browser. Its builder runs in a fork of this
process, which holds Sphinx and the checker's server ready: a change costs the run of one
file and the writing of one page, and no imports.
"""

import sys
from importlib import import_module
from pathlib import Path
from runpy import run_path

from sphinx.application import builtin_extensions
from sphinx.cmd.build import main as sphinx_build
from sphinx_autobuild import __main__ as autobuild

from torchproof import cards, process

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ("snippets", "gallery")
# What extensions import when they are set up.
LATE = ("myst_nb.sphinx_ext", "furo", "IPython")
# What a build itself writes below docs/.
WRITTEN = ("docs/reference", "docs/gallery", "**/__pycache__", "**/*.mo", "docs/jupyter_execute")


def builder(sphinx_args, *, url_host, **_):
    """What sphinx-autobuild calls; a card that does not hold is shown as its page shows it."""

    def build(*, changed_paths):
        sphinx_build(sphinx_args)
        print(f"http://{url_host}", flush=True)

    return build


def main():
    """Run until interrupted. Arguments are sphinx-autobuild's, such as ``--port 8000``."""
    extensions = run_path(str(ROOT / "conf.py"))["extensions"]
    extensions.remove("proofsheet")  # someone may be working on it
    for name in (*builtin_extensions, *extensions, *LATE):
        import_module(name)
    cards.read_all(SOURCES)
    process.machine()  # starts the server, which the forks share
    autobuild.Builder = builder
    arguments = ["-c", ".", "-q", "-d", "build/doctrees/en", "docs", "build/html/en"]
    for folder in SOURCES:
        arguments += ["--watch", folder]
    for folder in WRITTEN:
        arguments += ["--ignore", str(ROOT / folder)]
    autobuild.main([*arguments, *sys.argv[1:]])


if __name__ == "__main__":
    main()
