"""``%load_ext torchproof``: ``%card`` shows a card in a notebook, ``%%check`` holds claims there.

A cell is checked as it runs, once, in the notebook's own namespace: IPython runs it as it runs any
other, after the checker has put into its tree what compares values with claims.
"""

import ast
import itertools
import tempfile
import warnings
from contextlib import contextmanager
from pathlib import Path

from IPython.core.error import UsageError
from IPython.core.magic import Magics, cell_magic, line_magic, magics_class, no_var_expand
from IPython.core.magic_arguments import argument, magic_arguments, parse_argstring
from IPython.display import display

import torchproof
from torchproof.reading import command, drawing, markdown, ranking, store

FIRST = "#\n"  # stands for the line of the magic, so that lines have the numbers that one sees
CHECKS = itertools.count(1)


class Shown:
    """Markdown where it can be drawn, and plain text elsewhere."""

    def __init__(self, text, plain):
        self.text, self.plain = text, plain

    def _repr_markdown_(self):
        return self.text

    def __repr__(self):
        return self.plain


class Failed(AssertionError):
    """Claims of a cell that do not hold. A notebook that is run as a whole ends here."""

    def _render_traceback_(self):
        return str(self).split("\n")


@magics_class
class Torchproof(Magics):
    """``%card`` and ``%%check``."""

    @magic_arguments("%card")
    @argument("words", nargs="+", help="a name, a question, or an error message")
    @argument("-l", "--list", action="store_true", help="the answers, a line for each")
    @argument("-n", type=int, default=1, help="show the Nth of the list")
    @argument("--insert", action="store_true", help="put its code into a new cell")
    @argument("--lang", choices=command.LANGUAGES, help="by default that of the system")
    @no_var_expand
    @line_magic
    def card(self, line):
        """Show the card that answers, such as %card torch.gather"""
        asked = parse_argstring(self.card, line)
        query = " ".join(asked.words)
        language = asked.lang or command.language_of(query)
        try:
            cards = store.Store(store.folder(), language)
        except store.Missing:
            raise UsageError(command.NO_CARDS) from None
        found, unknown = ranking.Search(cards).search(query)
        texts = drawing.TEXTS[language]
        if not found:
            raise UsageError(texts["nothing"])
        if not 1 <= asked.n <= len(found):
            raise UsageError(f"-n goes from 1 to {len(found)}")
        if unknown:
            text = texts["message" if "message" in unknown else "name"].format(**unknown)
            display(Shown(markdown.plain(text), text))
        if asked.list:
            entries = [cards.entry(document) for document, _ in found]
            display(Shown(markdown.listing(entries), _lines(entries)))
            return
        entry = cards.entry(found[asked.n - 1][0])
        display(Shown(*(markdown.card(entry, language, escaped) for escaped in (True, False))))
        if asked.insert:
            self.shell.set_next_input(drawing.code(entry))

    @magic_arguments("%%check")
    @argument("--strict", action="store_true", help="each comment after code is a claim")
    @argument("--alone", action="store_true", help="check the cell as a file, under two seeds")
    @cell_magic
    def check(self, line, cell):
        """Run the cell, and hold what its comments claim against what comes out."""
        asked = parse_argstring(self.check, line)
        if lacks := torchproof.missing():
            raise UsageError(lacks)
        if asked.alone:
            claims, failures = _alone(cell, asked.strict)
        else:
            claims, failures = _here(self.shell, cell, "strict" if asked.strict else "lenient")
        if failures:
            raise Failed("\n".join(f"✗ line {line}: {text}" for line, text in failures))
        held = {0: "! nothing is claimed here", 1: "✓ the claim holds"}
        print(held.get(claims, f"✓ {claims} claims hold"))


def load(shell):
    """Give a shell of IPython both magics."""
    shell.register_magics(Torchproof)


def _lines(entries):
    return "\n".join(
        f"{n:>2}  {one['title']}\n    {one['url']}" for n, one in enumerate(entries, 1)
    )


# --- checking -------------------------------------------------------------------------------------


def _alone(cell, strict):
    """``(claims, failures)`` of a cell as a file of its own, in which IPython has no say."""
    from torchproof import documents

    with tempfile.TemporaryDirectory(prefix="torchproof-") as folder:
        path = Path(folder, "cell.py")
        path.write_text(FIRST + documents.MAGIC.sub("", cell), encoding="utf-8")
        report = torchproof.check(path, strict=strict)
    return report.claims, [(one.line, one.message) for one in sorted(report.failures)]


def _here(shell, cell, mode):
    """``(claims, failures)`` of a cell that runs in the notebook."""
    from torchproof import execute, find

    code = shell.transform_cell(FIRST + cell)
    if shell.should_run_async(FIRST + cell, transformed_cell=code):
        raise UsageError("a cell that awaits at its top level cannot be checked")
    try:
        tree, claims, failures = find.find(code, 1, mode=mode)
    except SyntaxError as error:
        return 0, [(error.lineno, f"does not parse: {error.msg}")]
    hook = execute._Hook(claims, "", 1)
    hook.names = shell.user_ns
    tree = execute._Instrument(claims, mode=mode).visit(tree)
    name = f"_torchproof_{next(CHECKS)}"  # it stays: functions of the cell may be called later
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id == execute.HOOK:
            node.id = name
    shell.user_ns[name] = hook
    ours = _Tree(tree)
    shell.ast_transformers.append(ours)
    try:
        with _heard(hook):
            error = shell.run_cell(FIRST + cell).error_in_exec
    finally:
        shell.ast_transformers.remove(ours)
    hook.collect()
    failures += execute._verdict(hook, mode)
    if error is not None and not hasattr(error, "__proofsheet__"):
        failures.append((_line_of(error, shell), f"the cell ended with {type(error).__name__}"))
    return len(claims), sorted(failures)


def _line_of(error, shell):
    """The line of the cell that was running; what it called may stand in other cells."""
    traceback = error.__traceback__
    while traceback and traceback.tb_frame.f_globals is not shell.user_ns:
        traceback = traceback.tb_next
    return traceback.tb_lineno if traceback else 1


class _Tree:
    """What IPython lets change the tree of a cell: puts ours in its place, once.

    A magic in the cell, such as %time, has code of its own, which is left as it is.
    """

    def __init__(self, tree):
        self.tree = tree

    def visit(self, node):
        tree, self.tree = self.tree or node, None
        return tree


@contextmanager
def _heard(hook):
    """Let ``hook`` hear all warnings if any is claimed; those that are not come afterwards."""
    if not any(claim.error and claim.body.warning for claim in hook.claims):
        yield
        return
    import torch

    shown, always, all_of_it = warnings.showwarning, torch.is_warn_always_enabled(), []

    def hear(message, *rest):
        all_of_it.append((message, *rest))
        hook.heard.append((message, 1))

    torch.set_warn_always(True)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.showwarning = hear
            yield
    finally:
        torch.set_warn_always(always)
    unclaimed = {id(message) for message, _ in hook.heard}
    for message, *rest in all_of_it:
        if id(message) in unclaimed:
            shown(message, *rest)
