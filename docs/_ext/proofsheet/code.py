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
GLANCE = re.compile(r"^\.\. glance:: (.+)$", re.MULTILINE)
OPTION = re.compile(r"\w+=[\w.\"'-]+")


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
    """The claim that stands for a card in the table, or None if it makes none.

    A card may say which: ``.. glance:: statement`` in its text. Otherwise an error or warning
    stands for a card whose title speaks of one, and for no other; then one about an option
    in the title, such as ``swap=True``; then one about ``names``; then the first.

    Raises:
        LookupError: the card names a claim that it does not make.
    """
    found = claims(card.code)
    if named := GLANCE.search(card.prose):
        for claim in found:
            if named[1] in f"{' '.join(claim.statement.split())}  # {claim.text}":
                return claim
        raise LookupError(f"no claim contains {named[1]!r}")
    title = card.title.lower()
    troubled = bool(re.search("error|warning|deprecated", title))
    last = {name.partition("(")[0].rpartition(".")[2] for name in names}
    options = {option for name in names for option in OPTION.findall(name)}

    def rank(claim):
        words = set(re.findall(r"\w{3,}", claim.text.lower())) if claim.error else set()
        return (
            claim.error != troubled,
            -len(words & set(re.findall(r"\w{3,}", title))),
            -sum(option in claim.statement for option in options),
            not last & set(re.findall(r"\w+", claim.statement)),
        )

    return min(found, key=rank, default=None)


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
