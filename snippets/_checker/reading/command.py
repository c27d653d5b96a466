"""The command line: ``torchproof QUERY`` shows a card, ``torchproof PATH`` checks files.

The checker, which takes longer to import, is imported for the second alone.
"""

import argparse
import difflib
import importlib
import json
import os
import sys

import torchproof

from . import drawing, ranking, store

CHECKER = ("check",)  # subcommands of the checker
INTEGRATIONS = {"mcp": "assistant", "skill": "skill"}  # subcommands, and who has them
READABLE = (".py", ".md", ".rst")
LANGUAGES = ("en", "zh_CN")
USAGE = """\
torchproof [show] WORDS ...   show the card that answers, such as: torchproof gather
       torchproof PATH ...           check files of cards; torchproof . --help says more
       torchproof check PATH ...     check files of your own
       torchproof mcp                serve all of this to a coding assistant
       torchproof skill [FOLDER]     tell a coding assistant when to use it"""
EPILOG = """\
WORDS are a name (torch.gather), a question, or an error message in quotes; "-" reads them from
standard input. In a pipe the card is a Python script. Colours need rich:
pip install "torchproof[terminal]"."""
NO_CARDS = "torchproof: no cards are here; in a checkout, build them with: nox -s docs"


def reads(argv):
    """Whether a command line is read here, and does not ask for files to be checked.

    What is a path, or looks like one that is mistyped, is for the checker.
    """
    first = argv[0] if argv else "--help"
    if first in ("show", "search", "-", *INTEGRATIONS):
        return True
    if first.startswith("-"):
        return first.partition("=")[0] in {one for one in _options() if one.startswith("-")}
    return not (first in CHECKER or os.path.exists(first) or _like_a_path(first))


def _like_a_path(word):
    return not any(char.isspace() for char in word) and (
        word.endswith(READABLE) or "/" in word or os.sep in word
    )


def _slip(word, cards):
    """The folder here that ``word`` nearly is, if no card has this word; or None."""
    if cards.postings(word.lower()):
        return None
    try:
        folders = [one.name for one in os.scandir() if one.is_dir()]
    except OSError:
        return None
    return next(iter(difflib.get_close_matches(word, folders, 1, 0.8)), None)


def parser():
    """What reads the options."""
    made = argparse.ArgumentParser(
        "torchproof", USAGE, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("words", nargs="*", metavar="WORDS", help=argparse.SUPPRESS)
    made.add_argument("-l", "--list", action="store_true", help="the answers, a line for each")
    made.add_argument("-n", type=int, default=1, metavar="N", help="show the Nth of the list")
    made.add_argument("--run", action="store_true", help="check the card on the torch here")
    made.add_argument("--copy", action="store_true", help="copy its code to the clipboard")
    made.add_argument("--web", action="store_true", help="open its page in the browser")
    made.add_argument("--json", action="store_true", help="all answers as JSON")
    made.add_argument("--lang", choices=LANGUAGES, help="by default that of the system")
    made.set_defaults(asked=False)  # by the word "show"
    version = f"torchproof {torchproof.__version__}"
    made.add_argument("--version", action="version", version=version)
    return made


def _options():
    return parser()._option_string_actions


def main(argv=None):
    """Show a card, or have files checked.

    Returns:
        int: 0 if a card was found and, with ``--run``, holds, 1 if not, and 2 if this cannot be
        done here.
    """
    argv = sys.argv[1:] if argv is None else argv
    if not reads(argv):
        try:
            from torchproof.__main__ import main as check
        except ModuleNotFoundError as error:
            return _lacks(torchproof.missing() or error)
        return check(argv)
    if argv and argv[0] in INTEGRATIONS:
        name = f"torchproof.integrations.{INTEGRATIONS[argv[0]]}"
        try:
            return importlib.import_module(name).main(argv[1:])
        except ModuleNotFoundError as error:
            return _lacks(f'this needs {error.name}: pip install "torchproof[{argv[0]}]"')
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a code page of Windows has no Chinese
    try:
        return _read(argv)
    except BrokenPipeError:  # such as: torchproof gather --list | head -1
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _lacks(what):
    print(f"torchproof: {what}", file=sys.stderr)
    return 2


def _read(argv):
    asked = argv[:1] in (["show"], ["search"])
    options = parser().parse_intermixed_args(argv[1:] if asked else argv)
    options.asked = asked
    query = sys.stdin.read() if options.words == ["-"] else " ".join(options.words)
    if not query.strip():
        parser().print_help()
        return 0
    return answer(options, query, drawing.Page(options.lang or language_of(query)))


def answer(options, query, page):
    """Show on ``page`` what answers ``query``, in the language of the page.

    Returns:
        int: as :func:`main` does.
    """
    try:
        cards = store.Store(store.folder(), page.language)
    except store.Missing:
        print(NO_CARDS, file=sys.stderr)
        return 1
    if len(options.words) == 1 and not options.asked and (near := _slip(*options.words, cards)):
        return _lacks(f"there is no {query}; is {near} meant? To search: torchproof show {query}")
    found, unknown = ranking.Search(cards).search(query)
    if options.json:
        answers = [cards.entry(document) for document, _ in found]
        made = {"query": query, "language": page.language, "unknown": unknown, "answers": answers}
        whole = "utf" in (sys.stdout.encoding or "").lower()
        print(json.dumps(made, ensure_ascii=not whole, indent=1))
        return int(not found)
    if not found:
        page.say("nothing")
        return 1
    if unknown:
        page.unknown(unknown)
    if options.list:
        page.listing([cards.entry(document) for document, _ in found])
        return 0
    if not 1 <= options.n <= len(found):
        parser().error(f"-n goes from 1 to {len(found)}")
    entry = cards.entry(found[options.n - 1][0])
    others = [(i, cards.entry(found[i - 1][0])) for i in range(1, 1 + min(4, len(found)))]
    page.show(entry, [one for one in others if one[0] != options.n])
    return _further(entry, options, page, cards)


def _further(entry, options, page, cards):
    """What is to be done with the card that was shown."""
    held = True
    if options.copy or options.web:
        from . import desk

        if options.copy:
            by = desk.copy(drawing.code(entry)) if drawing.code(entry) else None
            page.say("copied" if by else "not copied", by=by)
        if options.web and not desk.open_page(entry["url"]):
            page.say("no browser", url=entry["url"])
    if options.run:
        from . import trial

        held = trial.run(cards.whole(entry), page)
    return int(not held)


def language_of(query):
    """The language to answer in: Chinese for a query in Chinese, else what the system speaks."""
    if any("\u3400" <= char <= "\u9fff" for char in query):
        return "zh_CN"
    names = map(os.environ.get, ("LC_ALL", "LC_MESSAGES", "LANG"))
    name = next(filter(None, names), None)
    if name is None and os.name == "nt":
        import ctypes
        import locale

        number = ctypes.windll.kernel32.GetUserDefaultUILanguage()
        name = locale.windows_locale.get(number)
    return "zh_CN" if (name or "").startswith("zh") else "en"
