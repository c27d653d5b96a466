"""The code of a card: its claims, its colours, its links to PyTorch's documentation."""

import ast
import re
import textwrap
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from itertools import pairwise

from pygments.lexers import PythonLexer
from pygments.token import STANDARD_TYPES, Comment, Name, Operator, Whitespace

from torchproof.find import find

from . import apis, markup

LEXER = PythonLexer(stripnl=False, ensurenl=False)
DOT = (Operator, ".")
GLANCE = re.compile(r"^\.\. glance:: (.+)$", re.MULTILINE)
NAMES = ("n", "nf", "nb")  # classes of what can be a variable; the page tells names.js
SHORT = 4  # lines of a statement that leads to a claim
OPTION = re.compile(r"\w+=[\w.\"'-]+")


@dataclass(frozen=True)
class Claim:
    """A claim as pages show it: the checker's, less its syntax tree, which nobody need keep.

    ``branches`` is empty for a claim that holds for every release.
    """

    line: int  # of the card's code
    text: str
    source: str  # the code of the statement that it speaks of
    error: bool
    branches: tuple


def claims(code):
    """All claims in ``code``, in order."""
    _tree, found, _failures = find(code, 1)
    return [
        Claim(c.line, c.text, c.source, c.error, c.branches if len(c.branches) > 1 else ())
        for c in found
    ]


def chief_claim(card, found, names):
    """The one of the claims ``found`` that stands for a card in the table; None of none.

    A card may say which: ``.. glance:: statement`` in its text. Otherwise an error or warning
    stands for a card whose title speaks of one, and for no other; then one about an option
    in the title, such as ``swap=True``; then one about ``names``; then the first.

    Raises:
        LookupError: the card names a claim that it does not make.
    """
    if named := GLANCE.search(card.prose):
        for claim in found:
            if named[1] in f"{' '.join(claim.source.split())}  # {claim.text}":
                return claim
        raise LookupError(f"no claim contains {named[1]!r}")
    title = card.title.lower()
    troubled = bool(re.search("error|warning|deprecated", title))
    last, options = _named(names)

    def rank(claim):
        words = set(re.findall(r"\w{3,}", claim.text.lower())) if claim.error else set()
        return (
            claim.error != troubled,
            -len(words & set(re.findall(r"\w{3,}", title))),
            -sum(option in claim.source for option in options),
            not last & set(re.findall(r"\w+", claim.source)),
        )

    return min(found, key=rank, default=None)


def _named(names):
    """The last parts of ``names``, which code has in any case, and their options."""
    last = {name.partition("(")[0].rpartition(".")[2] for name in names}
    return last, {option for name in names for option in OPTION.findall(name)}


def lead(code, claim, names):
    """The statement without which ``claim`` says nothing in a list of single lines, or None.

    If the claim is about a result that has a name by then, such as ``y`` or ``len(parts)``,
    this is the last short statement before it that has one of ``names`` in it. If there is
    none and the claim calls nothing, it is the one that made what the claim is about.

    Returns:
        tuple: the statement, and whether others stand between it and the claim.
    """
    (last, options), words = _named(names), set(re.findall(r"\w+", claim.source))
    calls = re.search(r"[\w\])]\(|[a-z]\w*\.[a-z]", claim.source)
    if calls and (last & words or any(option in claim.source for option in options)):
        return None
    before = [step for step in _steps(code, claim.line) if step[1] < claim.line]

    def about(step):
        return last & set(re.findall(r"\w+", step[2])), sum(o in step[2] for o in options)

    found = [step for step in before if any(about(step))]
    if not found and not calls:
        found = [step for step in before if words & step[3]]
    best = max(found, key=lambda step: (about(step)[1], step[0]), default=None)
    return best and (best[2], any(step[0] > best[1] for step in before))


def _steps(code, line):
    """Short statements: ``(first line, last line, text, names that they bind)``, in order.

    Of functions and classes only those that ``line`` is in are looked into.
    """
    steps, lines, todo = [], code.split("\n"), ast.parse(code).body[::-1]
    while todo:
        node = todo.pop()
        text = "\n".join(lines[node.lineno - 1 : node.end_lineno])
        bodies = [part for part in ast.iter_child_nodes(node) if isinstance(part, ast.stmt)]
        around = bodies and node.lineno <= line <= node.end_lineno
        if not around and text.count("\n") < SHORT and "  #" not in text.rpartition("\n")[0]:
            bound = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and _stored(n)}
            text = textwrap.dedent(text).rpartition("  #")[0] or textwrap.dedent(text)
            steps.append((node.lineno, node.end_lineno, text.rstrip(), bound))
        elif around or not isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            todo += bodies[::-1]
    return steps


def _stored(name):
    return isinstance(name.ctx, ast.Store)


# ---------------------------------------------------------------------------------- colours


def line(code, link=None, kind=""):
    """Code within a line of text, or in a table."""
    made = f'<code class="{f"highlight {kind}".strip()}">{highlight(code, link)}</code>'
    return markup.html(code, code, html=made)


def block(code, lines, imports, classes, held=""):
    """A code block: ``lines`` is ``code`` as HTML; ``imports`` are copied with it, not shown.

    ``held`` is what its variables held, see :func:`held_by`.
    """
    hidden = ""
    if imports:
        hidden = f'<span class="imports" hidden>{escape(imports, quote=False)}\n\n</span>'
    kind = " ".join(["highlight-python", "notranslate", "card-code", *classes])
    pre = f"<pre>{hidden}{lines}</pre>"
    data = held and f' data-held="{escape(held)}"'
    made = f'<div class="{kind}"{data}><div class="highlight">{pre}</div></div>\n'
    return markup.html(code, code, html=made)


@lru_cache(maxsize=1)
def _tokens(code):
    return list(LEXER.get_tokens(code))


def held_by(code, held):
    """What the variables in ``code`` held, as names.js reads it; "" if nothing is known.

    The first line has a place for each span with one of the classes ``NAMES``: empty, or the
    number of one of the lines below, with a ``+`` for what holds at the end of a block.

    Arguments:
        held: by place, from records.held.
    """
    order, texts, row, before = [], {}, 1, ""
    for kind, text in _tokens(code) if held else ():
        if _css(kind) in NAMES:
            said, after = held.get((row, len(before), text), (None, False))
            order.append(
                "" if said is None else f"{texts.setdefault(said, len(texts))}{'+' * after}"
            )
        row += text.count("\n")
        before = text.rpartition("\n")[2] if "\n" in text else before + text
    return "\n".join([",".join(order).rstrip(","), *texts]) if texts else ""


def highlight(code, link=None, found=(), reached=None, held=()):
    """``code`` as HTML. A comment after code has the class ``claim``, which site.css marks.

    Arguments:
        link: from a dotted name as written to ``(url, full name)`` or None; see :func:`linker`.
        found: the claims in ``code``. One that says what holds since a release and what
            before is marked branch by branch.
        reached: did a run with a release that a branch speaks of hold? It is asked with the
            branch and the next newer one, or None.
        held: places of variables, which are no part of a link: they answer for themselves.
    """
    tokens = _tokens(code)
    branches = {claim.line: claim.branches for claim in found}
    made, at, row, before = [], 0, 1, ""
    while at < len(tokens):
        end, target = _name(tokens, at, link)
        spans, lead = "", ""
        variable = end > at + 1 and (row, len(before), tokens[at][1]) in held
        for number, (kind, text) in enumerate(tokens[at:end]):
            if variable and number == 2:  # behind the dot
                lead, spans = spans, ""
            if kind in Comment and before.strip():
                spans += _claim(text, branches.get(row), reached)
            else:
                spans += _span(text, _css(kind))
            row += text.count("\n")
            before = text.rpartition("\n")[2] if "\n" in text else before + text
        if target:
            url, name = map(escape, target)
            where = "external" if "://" in url else "internal"
            spans = f'<a class="reference {where}" href="{url}" title="{name}">{spans}</a>'
        made.append(lead + spans)
        at = end
    return "".join(made)


def _name(tokens, at, link):
    """Where the longest dotted name that begins at ``at`` and has a page ends, and that page."""
    end = at + 1
    if link and tokens[at][0] in Name:
        while tokens[end : end + 1] == [DOT] and tokens[end + 1 :] and tokens[end + 1][0] in Name:
            end += 2
        # An attribute of something that has no name begins with its dot.
        head = "." if at and tokens[at - 1] == DOT else ""
        for stop in range(end, at, -2):
            if target := link(head + "".join(text for _kind, text in tokens[at:stop])):
                return stop, target
    return at + 1, None


def _claim(comment, branches, reached):
    if not branches:
        return _span(comment, "c1 claim")
    ends, spans = [0], ""
    for branch, next_one in pairwise(branches):
        ends.append(comment.index(f", {next_one.text}", ends[-1] + len(branch.text)) + 2)
    stops = [*ends[1:], len(comment)]
    for newer, branch, start, stop in zip([None, *branches], branches, ends, stops, strict=False):
        text = comment[start:stop].removesuffix(", ")
        classes = ["c1", "claim"]
        if stop < len(comment):
            classes.append("branch")
        if reached and not reached(branch, newer):
            classes.append("unreached")
        spans += _span(text, " ".join(classes)) + _span(comment[start + len(text) : stop], "c1")
    return spans


def _css(kind):
    if kind is Whitespace:
        return ""
    while kind not in STANDARD_TYPES:
        kind = kind.parent
    return STANDARD_TYPES[kind]


def _span(text, css):
    text = escape(text, quote=False)
    return f'<span class="{css}">{text}</span>' if css and text else text


def linker(module, used):
    """The function that :func:`highlight` asks about the code of ``module``.

    Arguments:
        used: public names that the code used, from its record: they say what a
            method called on a tensor is.
    """
    heads = apis.imported(module.imports)

    def link(written):
        head, _, rest = written.partition(".")
        if head in heads:
            full = ".".join(filter(None, [heads[head], rest]))
        elif rest:
            full = next((n for n in used if n.endswith(f"Tensor.{rest}")), None)
        else:
            return None
        url = full and apis.url(full)
        return url and (url, full)

    return link
