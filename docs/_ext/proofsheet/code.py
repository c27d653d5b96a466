"""The code of a card: its claims, its tokens, its links to PyTorch's documentation."""

import ast
import io
import re
import textwrap
import tokenize
from dataclasses import dataclass

from docutils import nodes
from pygments.lexers import PythonLexer
from pygments.token import STANDARD_TYPES, Comment, Name, Operator, Token

from . import apis

ERROR = re.compile(r"[\w.]*(Error|Exception|Warning|Interrupt|Exit|Iteration): ")


@dataclass(frozen=True)
class Claim:
    """A comment after code. ``statement`` is the code it speaks of, without comments."""

    line: int
    text: str
    statement: str

    @property
    def error(self):
        """Does the claim say that the statement raises or warns?"""
        return bool(ERROR.match(self.text))


def claims(code):
    """All claims in ``code``, in order."""
    lines = code.split("\n")
    statements = {}  # the innermost statement that ends on a line
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.stmt):
            statements[node.end_lineno] = node
    found = []
    for token in tokenize.generate_tokens(io.StringIO(code).readline):
        row, column = token.start
        if token.type != tokenize.COMMENT or not lines[row - 1][:column].strip():
            continue
        text = token.string.lstrip("# ").rstrip()
        node = statements.get(row)
        if node is None:  # the head of a loop or of a ``with``
            statement = lines[row - 1][:column].strip()
        else:
            statement = _without_comments("\n".join(lines[node.lineno - 1 : node.end_lineno]))
        found.append(Claim(row, text, statement))
    return found


def _without_comments(code):
    """``code`` dedented, less its comments; a statement cut out of its block may stand indented."""
    code = textwrap.dedent(code)
    lines = code.split("\n")
    for token in tokenize.generate_tokens(io.StringIO(code).readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column].rstrip()
    return "\n".join(line for line in lines if line.strip())


def chief_claim(card, names):
    """The claim that stands for a card in the table, or None: one about ``names`` if it can be.

    An error stands for a card only if its title speaks of one, or if there is nothing else.
    """
    found = claims(card.code)
    last = {name.rpartition(".")[2] for name in (n.partition("(")[0] for n in names)}
    about = [c for c in found if last & set(re.findall(r"\w+", c.statement))]
    wanted = "error" in card.title.lower()
    ranked = sorted([*about, *found], key=lambda claim: claim.error != wanted)
    return next(iter(ranked), None)


def _css(kind):
    while kind not in STANDARD_TYPES:
        kind = kind.parent
    return STANDARD_TYPES[kind]


def highlight(code, links):
    """Pygments' tokens of ``code`` as docutils nodes.

    Arguments:
        links: function from a dotted name as written to ``(url, full name)`` or None.
    """
    tokens = list(PythonLexer(stripnl=False, ensurenl=False).get_tokens(code))
    position, made = 0, []
    while position < len(tokens):
        kind, text = tokens[position]
        chain = [(kind, text)]
        if kind in Name:
            after = tokens[position + 1 :]
            for dot, name in zip(after[::2], after[1::2], strict=False):
                if dot != (Operator, ".") or name[0] not in Name:
                    break
                chain += [dot, name]
        found = None
        while kind in Name and len(chain) > 0:
            written = "".join(part for _, part in chain)
            if position and tokens[position - 1] == (Operator, "."):
                written = "." + written  # an attribute of something that has no name
            found = links(written)
            if found or len(chain) == 1:
                break
            chain = chain[:-2]
        spans = [_token(kind, text, made) for kind, text in (chain if found else chain[:1])]
        if found:
            url, full = found
            made.append(nodes.reference("", "", *spans, refuri=url, reftitle=full, internal=False))
        else:
            made += spans
        position += len(spans)
    return made


def _token(kind, text, before):
    css = _css(kind)
    if not css or kind is Token.Text.Whitespace:
        return nodes.Text(text)
    classes = [css]
    if kind in Comment:
        line = "".join(node.astext() for node in before[-200:]).rpartition("\n")[2]
        if line.strip():
            classes.append("claim")
    return nodes.inline(text, text, classes=classes)


def linker(page, names):
    """The function that :func:`highlight` asks, for code of the module ``page``.

    Arguments:
        names: public names that the card used, from its record: they say what a
            method called on a tensor is.
    """
    heads = apis.imported(page.imports)

    def link(written):
        head, _, rest = written.partition(".")
        if head in heads:
            full = ".".join(filter(None, [heads[head], rest]))
        elif rest:
            full = next((n for n in names if n.endswith(f"Tensor.{rest}")), None)
        else:
            return None
        url = full and apis.url(full)
        return url and (url, full)

    return link
