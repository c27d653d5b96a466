"""Check what changed, then build both languages: what ``nox -s docs`` runs.

One process imports torch and Sphinx once for all of it. English comes first, since it runs
the scripts; when they have run, a fork of this process reads and writes Chinese beside it.
"""

import os
import sys
import time
from contextlib import ExitStack, contextmanager
from multiprocessing import get_context
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
from torchproof import __main__ as checker
from torchproof import ready, runner

SOURCES = ("snippets", "gallery")
LANGUAGES = ("en", "zh_CN")


def check():
    """Check the cards that changed, on every device of this machine; 0 if all hold."""
    runner.START = "fork"
    return checker.main([*SOURCES, "--changed"])


def site(language):
    """A Sphinx application that has run its scripts, if they changed, and read no page yet."""
    from sphinx.application import Sphinx, builtin_extensions

    ready.hold(builtin_extensions)  # strings read before a language is set suit both
    paths = ("docs", ".", f"build/html/{language}", f"build/doctrees/{language}")
    options = {"confoverrides": {"language": language}, "status": None, "warningiserror": True}
    return Sphinx(*paths, "html", **options)


@contextmanager
def docutils():
    """docutils as Sphinx wants it, and after that as it was."""
    from sphinx.util.docutils import docutils_namespace, patch_docutils

    with patch_docutils("."), docutils_namespace():
        yield


def build():
    """Both languages; 0 if there was nothing to complain of."""
    english, chinese = LANGUAGES
    with ExitStack() as namespace:
        namespace.enter_context(docutils())
        app = site(english)
        # multiprocessing ends a fork at once; to take the interpreter down there, without
        # the threads that torch had, may crash.
        fork = get_context("fork").Process(target=build_beside, args=(chinese, namespace))
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
    """Exit with an error if a claim is false, before a page is written, or a page is at fault."""
    os.chdir(ROOT)
    start = time.perf_counter()
    failed = check() or build()
    if not failed:
        print(f"build/html/index.html is built, in {time.perf_counter() - start:.1f} s")
    sys.exit(failed)


if __name__ == "__main__":
    main()
