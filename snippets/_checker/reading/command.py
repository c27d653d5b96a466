"""The command line: ``torchproof QUERY`` shows a card, ``torchproof PATH`` checks files.

The checker, which takes longer to import, is imported for the second alone.
"""

import argparse
import json
import os
import sys

from . import drawing, ranking, store

CHECKER = ("check",)  # subcommands of the checker
LANGUAGES = ("en", "zh_CN")
USAGE = """\
torchproof [show] WORDS ...   show the card that answers, such as: torchproof gather
       torchproof PATH ...           check files; torchproof . --help says more"""
EPILOG = """\
WORDS are a name (torch.gather), a question, or an error message in quotes; "-" reads them from
standard input. In a pipe the card is a Python script. Colours need rich:
pip install "torchproof[terminal]"."""
NO_CARDS = "torchproof: no cards are here; in a checkout, build them with: nox -s docs"


def reads(argv):
    """Whether a command line asks for a card, and not for files to be checked.

    What is a path, or looks like one that is mistyped, is for the checker.
    """
    first = argv[0] if argv else "--help"
    if first in ("show", "search", "-"):
        return True
    if first.startswith("-"):
        return first.partition("=")[0] in {one for one in _options() if one.startswith("-")}
    return not (first in CHECKER or os.path.exists(first) or _like_a_path(first))


def _like_a_path(word):
    folder = os.path.dirname(word)
    return not any(char.isspace() for char in word) and (
        word.endswith(".py") or (folder != "" and os.path.isdir(folder))
    )


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
    return made


def _options():
    return parser()._option_string_actions


def main(argv=None):
    """Show a card, or have files checked.

    Returns:
        int: 0 if a card was found and, with ``--run``, holds, else 1.
    """
    argv = sys.argv[1:] if argv is None else argv
    if not reads(argv):
        from torchproof.__main__ import main as check

        return check(argv)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a code page of Windows has no Chinese
    try:
        return _read(argv)
    except BrokenPipeError:  # such as: torchproof gather --list | head -1
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _read(argv):
    if argv[:1] in (["show"], ["search"]):
        argv = argv[1:]
    options = parser().parse_intermixed_args(argv)
    query = sys.stdin.read() if options.words == ["-"] else " ".join(options.words)
    if not query.strip():
        parser().print_help()
        return 0
    return answer(options, query, drawing.Page(options.lang or _language(query)))


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


def _language(query):
    """Chinese for a query in Chinese, else what the system speaks."""
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
