"""Build both languages, checking what changed: what ``nox -s docs`` runs.

English comes first, since its start runs the scripts that are out of date. When they have
run, a fork of this process reads and writes Chinese beside it.
"""

import os
import sys
import time
from contextlib import ExitStack, contextmanager
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path

from sphinx.application import Sphinx, builtin_extensions
from sphinx.errors import SphinxError
from sphinx.util.docutils import docutils_namespace, patch_docutils

from proofsheet.languages import SOURCE, TRANSLATION
from proofsheet.sheet import print_sheets

ROOT = Path(__file__).resolve().parents[2]


def site(language):
    """A Sphinx application that has run its scripts, if they changed, and read no page yet."""
    for name in builtin_extensions:
        import_module(name)  # strings read before a language is set suit both
    paths = ("docs", ".", f"build/html/{language}", f"build/doctrees/{language}")
    options = {"confoverrides": {"language": language}, "status": None, "warningiserror": True}
    return Sphinx(*paths, "html", **options)


@contextmanager
def docutils():
    """docutils as Sphinx wants it, and after that as it was."""
    with patch_docutils("."), docutils_namespace():
        yield


def build():
    """Both languages; 0 if there was nothing to complain of."""
    with ExitStack() as namespace:
        namespace.enter_context(docutils())
        app = site(SOURCE)
        # multiprocessing ends a fork at once, without taking the interpreter down there.
        fork = get_context("fork").Process(target=build_beside, args=(TRANSLATION, namespace))
        fork.start()
        app.build()
    fork.join()
    return int(bool(app.statuscode or fork.exitcode))


def build_beside(language, namespace):
    """In the fork: leave what the other language set up, and build this one."""
    namespace.close()
    with docutils():
        app = site(language)
        app.build()
    sys.exit(app.statuscode)


def main():
    """Exit with 1 if a claim is false, which its page shows, or a page is at fault."""
    os.chdir(ROOT)
    start = time.perf_counter()
    try:
        failed = build()
        print_sheets()
    except SphinxError as error:
        sys.exit(f"{error}")
    print(f"build/html/index.html: {time.perf_counter() - start:.1f} s")
    sys.exit(failed)


if __name__ == "__main__":
    main()
