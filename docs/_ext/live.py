"""Serve the English site and rebuild a page when its source is saved: ``nox -s live``.

sphinx-autobuild watches, serves and reloads the browser. It runs its builder in a fork of
this process for each change; since this process holds torch and Sphinx already, a change
costs the check of one file and the writing of one page, and not their imports.
"""

import sys
from runpy import run_path

from sphinx.application import builtin_extensions
from sphinx.cmd.build import main as sphinx_build
from sphinx_autobuild import __main__ as autobuild

from build import ROOT, SOURCES, checker, ready, runner

# What extensions import when they are set up, and scripts when they run.
LATE = ("myst_nb.sphinx_ext", "furo", "IPython", "matplotlib.pyplot", "torch")
# What a build itself writes below docs/.
WRITTEN = ("docs/reference", "docs/gallery", "**/__pycache__", "**/*.mo", "docs/jupyter_execute")


class Builder:
    """What sphinx-autobuild calls: check what changed, and build if it holds."""

    def __init__(self, sphinx_args, *, url_host, **_):
        self.sphinx_args, self.url = sphinx_args, f"http://{url_host}"

    def __call__(self, *, changed_paths):
        runner.START = "fork"
        if checker.main([*SOURCES, "--changed", "--device", "cpu"]):
            print("not rebuilt: the page in the browser is the last one that held", flush=True)
        elif sphinx_build(self.sphinx_args) == 0:
            print(f"{self.url}", flush=True)


def main():
    """Run until interrupted. Arguments are sphinx-autobuild's, such as ``--port 8000``."""
    extensions = run_path(str(ROOT / "conf.py"))["extensions"]
    extensions.remove("proofsheet")  # someone may be working on it
    ready.hold([*builtin_extensions, *extensions, *LATE])
    runner.read(SOURCES)
    autobuild.Builder = Builder
    arguments = ["-c", ".", "-q", "-d", "build/doctrees/en", "docs", "build/html/en"]
    for folder in SOURCES:
        arguments += ["--watch", folder]
    for folder in WRITTEN:
        arguments += ["--ignore", str(ROOT / folder)]
    autobuild.main([*arguments, *sys.argv[1:]])


if __name__ == "__main__":
    main()
