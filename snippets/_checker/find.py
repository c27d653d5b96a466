"""Find the claims of a card, and what may not stand in its code. Needs no torch.

The one finder, for the checker and for the pages.
"""

import ast
import io
import re
import textwrap
import tokenize
from dataclasses import dataclass, field
from functools import cache
from importlib import metadata

from . import grammar
from .grammar import Blank, Branch, ClaimError, Raises

# What a line of its own may tell sphinx-gallery: nothing that hides code.
GALLERY = re.compile(
    r"sphinx_gallery_(thumbnail_number|thumbnail_path|defer_figures|multi_image|line_numbers"
    r"|dummy_images|failing_thumbnail)( = [\w./'\"-]+)?"
)
# Text that could be taken for a result: a number that stands alone, a tensor.
RESULT = re.compile(r"(?<![\w.])[-+]?\d|\btensor\(|\barray\(")
PRINTED = re.compile(r"\b(tensor|array)\(")
SHOWN = {
    "print", "pprint", "write", "exec", "eval", "exit",
    "log", "debug", "info", "warning", "error", "critical",
    "title", "set_title", "suptitle", "text", "annotate",
}  # fmt: skip


@dataclass
class Claim:
    """A claim where it stands: ``branches`` say what, ``statement`` of what."""

    line: int  # of the file
    text: str  # without the ``#``
    branches: tuple[Branch, ...]
    active: Branch  # the one for the torch that is installed
    statement: ast.stmt
    source: str  # the code of the statement, dedented and without comments
    column: int  # where the comment starts on its line
    # What a run of the card adds to it.
    passes: int = 0
    failure: str | None = None
    observers: list = field(default_factory=list)  # see execute._Hook.check
    seen: set = field(default_factory=set)
    said: str | None = None  # the whole message of the error or warning

    @property
    def body(self):
        """What must hold here: Raises, Facts or Value."""
        return self.active.body

    @property
    def error(self):
        """Whether it says that the statement raises or warns."""
        return self.active.error

    @property
    def tells(self):
        """Whether it says on any side that the statement raises."""
        return any(side.error and not side.body.warning for side in self.branches)

    @property
    def blank(self):
        """Whether it waits to be filled in."""
        return isinstance(self.body, Blank)


@cache
def installed():
    """The release of torch that is installed, or None."""
    try:
        return metadata.version("torch")
    except metadata.PackageNotFoundError:
        return None


def find(code, first, release=None, mode=None, blanks=False):
    """Find the claims of a card.

    Args:
        code: the card's source.
        first: the line of the file on which it starts.
        release: of torch, for claims that differ between releases; by default the installed one.
        mode: None for a card. In a file that was not written for this checker only comments
            after code matter: "strict" takes each of them for a claim, remarks to tools
            excepted, and "lenient" those that begin as only a claim does.
        blanks: also find the comments that wait for a claim (not in cards).
    Returns:
        (tree, claims, failures): the parsed card, its claims in order, and
        ``(line, message)`` for whatever may not stand as it does.
    """
    tree = ast.parse(code)
    lines, release = code.split("\n"), release or installed()
    ends, claims, failures = _statements(tree), [], []
    for token in tokenize.generate_tokens(io.StringIO(code + "\n").readline):
        if token.type != tokenize.COMMENT:
            continue
        row, column = token.start
        text = token.string.removeprefix("#").strip()
        try:
            if not lines[row - 1][:column].strip():
                if not mode:
                    _own_line(text)
                continue
            if mode:
                text = meant(token.string, mode)
                if text is None or (not text and not blanks):
                    continue
            blank = bool(mode and not text)
            branches = (Branch(None, "", Blank()),) if blank else _read(text, mode)
            statement = ends.get(row)
            if statement is None and blank:
                continue  # a bare # keeps a formatter from joining lines
            if statement is None and mode == "lenient" and not _within(tree, row):
                continue  # it speaks of a decorator, or of the head of a def or an except
            if statement is None:
                raise ClaimError(
                    "no statement ends on this line: a claim stands behind the last line of one"
                )
            if not all(isinstance(branch.body, Raises) for branch in branches):
                _value_of(statement, mode)
            source = _source(lines, statement)
            active = grammar.active(branches, release)
            line = row + first - 1
            claims.append(Claim(line, text, branches, active, statement, source, column))
        except ClaimError as error:
            failures.append((row + first - 1, str(error)))
    ast.increment_lineno(tree, first - 1)
    if not mode:
        failures += _texts(tree, {id(claim.statement) for claim in claims})
    return tree, claims, failures


def _read(text, mode):
    """The branches of a claim; says in other people's files why it must be one."""
    try:
        return grammar.branches(text)
    except ClaimError as error:
        if mode != "lenient":
            raise
        raise ClaimError(f"{error} (a comment that begins so is read as a claim)") from None


def meant(comment, mode):
    """What a comment after code claims in a file that was not written for this checker.

    Args:
        comment: with its ``#``; behind ``#>`` whatever stands is a claim.
        mode: "lenient" or "strict".
    Returns:
        The text of the claim; "" if it waits to be filled in; None if it is a comment.
    """
    text = comment.removeprefix("#").strip()
    if comment.startswith("#>"):
        return text.removeprefix(">").strip()
    if text in ("", "?"):
        return ""
    if mode == "strict":
        return None if grammar.TOOL.fullmatch(text) else text
    return text if grammar.begins(text) else None


def compound(node):
    """Whether a statement holds others."""
    return hasattr(node, "body") or isinstance(node, ast.Match)


def _statements(tree):
    """Each line on which a simple statement ends, with the last one to end there."""
    ends = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.stmt) and not compound(node):
            known = ends.get(node.end_lineno)
            if known is None or node.end_col_offset > known.end_col_offset:
                ends[node.end_lineno] = node
    return ends


def _within(tree, row):
    """Whether a line is one of a simple statement."""
    return any(
        node.lineno <= row <= node.end_lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.stmt) and not compound(node)
    )


def _source(lines, statement):
    """The lines of a statement dedented, less their comments."""
    code = textwrap.dedent("\n".join(lines[statement.lineno - 1 : statement.end_lineno]))
    kept = code.split("\n")
    for token in tokenize.generate_tokens(io.StringIO(code).readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            kept[row - 1] = kept[row - 1][:column].rstrip()
    return "\n".join(line for line in kept if line.strip())


def printed(statement):
    """The one thing that a statement prints, or None."""
    match statement:
        case ast.Expr(value=ast.Call(func=ast.Name(id="print"), args=[thing], keywords=[])):
            return None if isinstance(thing, ast.Starred) else thing
    return None


def _value_of(statement, mode=None):
    """What a value claim speaks of: the expression, or the name just assigned.

    In other people's files also what is printed, and what is assigned to an attribute.
    """
    names = (ast.Name, ast.Tuple, ast.List, ast.Starred)
    if mode:
        names += (ast.Attribute,)
    if mode and printed(statement):
        return
    match statement:
        case ast.Expr(value=ast.Yield() | ast.YieldFrom() | ast.Await()):
            raise ClaimError("what a yield or an await gives is decided elsewhere")
        case ast.Expr(value=ast.Call(func=ast.Name(id="print"))):
            raise ClaimError("print gives None: drop print and claim the expression")
        case ast.Expr() | ast.Return(value=ast.expr()):
            return
        case ast.AugAssign(target=ast.Name()):
            return
        case ast.AnnAssign(target=ast.Name(), value=ast.expr()):
            return
        case ast.Assign(targets=targets):
            parts = [part for target in targets for part in ast.walk(target)]
            if all(isinstance(part, (*names, ast.expr_context)) for part in parts):
                return
            raise ClaimError("after an assignment into a part, claim the whole on a line below")
    raise ClaimError("this statement has no value to claim")


def _own_line(text):
    if GALLERY.fullmatch(text):
        return
    try:
        grammar.branches(text)
    except ClaimError:
        raise ClaimError("code carries no prose: say it in the text block") from None
    raise ClaimError("looks like a claim but stands alone: put it behind the code it speaks of")


def prose(text, first):
    """``(line, message)`` for each line of a card's text that is a claim, which nobody checks."""
    failures = []
    for number, line in enumerate(text.split("\n"), first):
        try:
            body = grammar.parse(line.strip().strip("`"))
        except ClaimError:
            continue
        short = isinstance(getattr(body, "node", None), (ast.Constant, ast.UnaryOp, ast.Attribute))
        if not isinstance(body, Raises) and not short:  # a line may well end with "0."
            failures.append((number, f"{line.strip()!r} looks like a claim: put it behind code"))
    return failures


def _texts(tree, claimed):
    """Text in code that is no comment, and that a reader would take for a result."""
    failures = []
    for node in ast.walk(tree):
        for hint in (getattr(node, "annotation", None), getattr(node, "returns", None)):
            if any(" " in text for _, text in _strings(hint)):
                failures.append((hint.lineno, "code carries no prose, in annotations neither"))
        match node:
            case ast.Assign(value=ast.Constant(value=str() as text)) if PRINTED.search(text):
                if id(node) not in claimed:
                    failures.append((node.lineno, f"{text!r} looks like a claim"))
            case ast.Expr(value=ast.JoinedStr() | ast.Constant(value=str() | bytes())) if (
                id(node) not in claimed
            ):
                failures.append((node.lineno, "code carries no prose, in docstrings neither"))
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), args=args):
                titles = [one.value for one in node.keywords if one.arg in SHOWN]
                shown = [*args, *titles] if name in SHOWN else titles
                failures += _results(shown, f"{name}() shows")
            case ast.Assert(msg=ast.expr() as message):
                failures += _results([message], "the assert says")
            case ast.Raise(exc=ast.Call(args=args)):
                failures += _results(args, "the error says")
    return failures


def _results(nodes, where):
    for node in nodes:
        for line, text in _strings(node):
            if RESULT.search(re.sub(r"\{[^{}]*\}", "", text)):  # {0:.3f} is a place
                yield line, f"{where} a number that nobody checks: {text!r}"


def _strings(node, after=None):
    """Texts in an expression, but for formats, keys of look-ups and the code in f"{code=}"."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        code = ast.unparse(after.value) if isinstance(after, ast.FormattedValue) else ""
        yield node.lineno, node.value.removesuffix(f"{code}=")
    children = list(ast.iter_child_nodes(node)) if node else []
    for child, following in zip(children, [*children[1:], None], strict=False):
        if child not in (getattr(node, "format_spec", None), getattr(node, "slice", None)):
            yield from _strings(child, following)
