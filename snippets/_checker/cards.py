"""Read a snippet module or an example: its title, its import cell, its cards."""

import ast
import hashlib
import io
import re
import tokenize
from collections import Counter
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

CELL = re.compile(r"^# %%")
UNDERLINE = re.compile(r"^([=\-~^])\1+$")
SINCE = re.compile(r"^\.\. since:: (\d+)\.(\d+)$", re.MULTILINE)
ROLE = re.compile(r":[\w:]+:`~?([^`<]*?)(?: <[^>]*>)?`")

_known = {}  # what was read: path -> (text, Module)


def files(paths):
    """Every snippet module and example under ``paths``, in a stable order."""
    found = []
    for path in map(Path, paths):
        inside = sorted(path.rglob("*.py")) if path.is_dir() else [path]
        found += [file for file in inside if not hidden(file, path)]
    return found


def hidden(path, root):
    """Whether a folder or file below ``root`` on the way to ``path`` starts with ``_``."""
    below = path.relative_to(root).parts if path.is_relative_to(root) else path.parts[-1:]
    return any(part.startswith("_") for part in below)


def read_all(paths):
    """Read all files: ``(modules, errors)`` with one CardError for each unreadable one."""
    modules, errors = [], []
    for path in files(paths):
        try:
            modules.append(read(path))
        except CardError as error:
            errors.append(error)
    return modules, errors


class CardError(Exception):
    """A file that cannot be read as cards. Its text starts with ``file:line: ``."""

    def __init__(self, path, line, message):
        super().__init__(f"{path}:{line}: {message}")


@dataclass(frozen=True)
class Card:
    """One ``# %%`` cell. ``line`` is where ``code`` starts in the file, from 1."""

    title: str  # reStructuredText, as written
    prose: str  # reStructuredText below the title
    code: str
    line: int
    imports: str  # the module's import cell, which the card may rely on

    # What documents.Unit says otherwise, of a file that was not written for this checker.
    mode = None
    blanks = False
    parts = ()

    @property
    def name(self):
        """The title without markup: the name of the test and of the record."""
        return plain(self.title)

    @property
    def copy(self):
        """What the copy button gives: imports, then the card."""
        return f"{self.imports}\n\n{self.code}\n".lstrip()

    @cached_property
    def since(self):
        """The first release of PyTorch that the card is for, such as ``(2, 14)``, or None."""
        found = SINCE.search(self.prose)
        return found and (int(found[1]), int(found[2]))

    @cached_property
    def sha256(self):
        """Hash of all that a verification run executes; prose is not part of it."""
        run = self.copy if self.since is None else f"since {self.since}\n{self.copy}"
        return hashlib.sha256(run.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Module:
    """A file. ``path`` is as given; ``name`` is relative to the project."""

    path: Path
    name: str
    title: str
    summary: str
    imports: str
    imports_line: int
    cards: tuple[Card, ...]
    example: bool  # read top to bottom: its cells share one namespace

    def units(self):
        """What is run, hashed and recorded as one: each card, or a whole example."""
        if not self.example:
            return self.cards
        lines = self.imports.split("\n")
        for card in self.cards:  # each at its own line of the file, with blanks for the prose
            lines += [""] * (card.line - self.imports_line - len(lines)) + card.code.split("\n")
        code = "\n".join(lines).rstrip()
        return (Card(self.title, self.summary, code, self.imports_line, ""),)


def plain(rst):
    """Strip inline markup from one line of reStructuredText."""
    return ROLE.sub(r"\1", rst).replace("``", "").replace("*", "").strip()


def project_name(path):
    """``snippets/tensors/joining.py`` for any path to that file, else the file's own name."""
    parts = Path(path).resolve().parts
    tops = [n for n, part in enumerate(parts[:-1]) if part in ("snippets", "gallery")]
    return "/".join(parts[tops[-1] :]) if tops else parts[-1]


def _heading(path, line, text, what):
    """Split ``Title / ==== / body`` into title and body."""
    lines = text.strip("\n").split("\n")
    if len(lines) < 2 or not lines[0].strip() or not UNDERLINE.match(lines[1].strip()):
        raise CardError(path, line, f"{what} has no title (a line, then ---- below it)")
    if len(lines[1].strip()) < len(lines[0].strip()):
        raise CardError(path, line, f"{what}: the line below the title is shorter than it")
    return lines[0].strip(), "\n".join(lines[2:]).strip("\n")


def _strip(lines, first):
    """Code without blank lines around it, and the line where it starts."""
    while lines and not lines[0].strip():
        lines, first = lines[1:], first + 1
    return "\n".join(lines).rstrip(), first


def _only_imports(path, code, first):
    """What stands before the first card is copied with each of them and claims nothing."""
    for node in ast.parse(code).body:
        if not isinstance(node, (ast.Import, ast.ImportFrom)):
            raise CardError(path, first + node.lineno - 1, "the import cell holds only imports")
    for token in tokenize.generate_tokens(io.StringIO(code).readline):
        if token.type == tokenize.COMMENT:
            raise CardError(path, first + token.start[0] - 1, "the import cell has no comments")


def read(path):
    """Read the file at ``path``; a file that this process has read is not taken apart again.

    Returns:
        Module.
    Raises:
        CardError: not to be read, not Python, no docstring, a cell without a title or
            without code, two cells with one title, more than imports before the first.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise CardError(path, 1, f"is no UTF-8: {error.reason} at byte {error.start}") from None
    except OSError as error:
        raise CardError(path, 1, f"cannot be read: {error.strerror}") from None
    key = path.resolve()
    if key not in _known or _known[key][0] != text:
        _known[key] = text, _parse(path, text)
    return replace(_known[key][1], path=path)


def _parse(path, text):
    try:
        tree = ast.parse(text)
    except SyntaxError as error:
        raise CardError(path, error.lineno or 1, f"does not parse: {error.msg}") from None
    except (MemoryError, RecursionError, ValueError) as error:  # nested too deep, a null byte
        raise CardError(path, 1, f"does not parse: {error or type(error).__name__}") from None
    docstring = ast.get_docstring(tree)
    if docstring is None:
        raise CardError(path, 1, "no docstring: a page needs a title")
    if tree.body[0].lineno > 1 and text.lstrip().startswith("#"):
        raise CardError(path, 1, "a comment above the docstring: say it in the docstring")
    title, summary = _heading(path, 1, docstring, "the docstring")
    name = project_name(path)
    example = name.startswith("gallery/")

    lines = text.split("\n")
    starts = [n for n, line in enumerate(lines) if CELL.match(line)]
    body = tree.body[0].end_lineno  # lines after the docstring
    end = starts[0] if starts else len(lines)
    imports, imports_line = _strip(lines[body:end], body + 1)

    if not example:
        _only_imports(path, imports, imports_line)
    if not starts:
        raise CardError(path, 1, "no card: a card starts with a line '# %%'")
    cards = []
    for start, stop in zip(starts, [*starts[1:], len(lines)], strict=True):
        if lines[start].strip() != "# %%":
            raise CardError(path, start + 1, "words behind '# %%' are shown nowhere")
        first = start + 1
        while first < stop and lines[first].startswith("#"):
            first += 1
        text = "\n".join(line[1:].removeprefix(" ") for line in lines[start + 1 : first])
        card_title, prose = _heading(path, start + 1, text, "a card")
        code, line = _strip(lines[first:stop], first + 1)
        try:
            ast.parse(code)
        except SyntaxError as error:
            where = line + (error.lineno or 1) - 1
            message = f"card {card_title!r} does not parse on its own: {error.msg}"
            raise CardError(path, where, message) from None
        if not code and not example:
            raise CardError(path, start + 1, f"card {card_title!r} has no code")
        cards.append(Card(card_title, prose, code, line, imports))
    names = Counter(card.name for card in cards)
    for card in cards:
        if names[card.name] > 1:
            raise CardError(path, card.line, f"two cards are called {card.name!r}")
    return Module(path, name, title, summary, imports, imports_line, tuple(cards), example)
