"""Read a file that was not written for this checker: a script, Markdown, reStructuredText.

Needs no torch. What is run keeps its place: line 12 of a unit is line 12 of the file.
"""

import codecs
import fnmatch
import io
import os
import re
import textwrap
import tokenize
import warnings
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from . import find, grammar
from .cards import CELL, Card

SUFFIXES = (".py", ".md", ".rst")
# Folders that hold nobody's own files; hidden ones are left out, too.
SKIPPED = ("node_modules", "site-packages", "__pycache__", "build", "dist", "venv", "*.egg-info")
LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|$)")
FENCE = re.compile(r"^(?P<indent>[ \t]*(?:> ?)?[ \t]*)(?P<mark>`{3,}|~{3,})(?P<info>[^`]*)$")
PYTHON = re.compile(r"\{?[. ]*(?:python3?|py3?)(?![\w+-])", re.I)
DIRECTIVE = re.compile(
    r"^(?P<indent>[ \t]*)\.\. (?:code-block|code|sourcecode):: *(?:python3?|py3?) *$", re.I
)
OPTION = re.compile(r"^[ \t]+:[\w-]+:")
MAGIC = re.compile(r"^[ \t]*(?:%{1,2}\w|!\w).*$", re.M)  # what only a notebook understands
# What stands in any file that claims something, or waits for a claim.
MAY_CLAIM = {
    "strict": re.compile("#"),
    "lenient": re.compile(rf"#(?:>|[ \t]*(?:$|\?|\r|{grammar.BEGINS.pattern}))", re.M),
}
LEFT_ALONE = "notest"  # in the info string of a fence, or as the :class: of a directive


class Unreadable(Exception):
    """A file that cannot be read. Its text starts with ``file:line: ``."""


@dataclass(frozen=True)
class Unit(Card):
    """What is run as one: a script, a cell, a document or a fence; ``code`` starts on line 1."""

    mode: str = "lenient"
    blanks: bool = False
    parts: tuple = ()  # (first line, last line, claims) of the fences, run one after another
    folder: Path = Path()  # where it runs
    search: tuple = ()  # where its imports look first
    package: str | None = None
    start: int = 1  # the line to name where the whole of it fails


@dataclass
class Fence:
    """Lines of code in a document, as they stand there; ``first`` counts from 1."""

    first: int
    lines: list

    @cached_property
    def indent(self):
        """How far the code is indented."""
        return min((_depth(one) for one in self.lines if one.strip()), default=0)

    @cached_property
    def code(self):
        """The code, dedented, from line 1 of the file on."""
        text = MAGIC.sub("", "\n".join(self.lines)).rstrip()
        return "\n" * (self.first - 1) + textwrap.dedent(text)

    @property
    def last(self):
        """Its last line."""
        return self.first + len(self.lines) - 1


@dataclass
class Document:
    """A file that was read: what is run of it, and what is wrong with it as it stands."""

    path: Path
    raw: bytes
    text: str
    encoding: str
    mode: str
    units: list = field(default_factory=list)
    claims: list = field(default_factory=list)  # find.Claim, in order
    failures: list = field(default_factory=list)  # (line, message)
    notes: list = field(default_factory=list)
    shifts: dict = field(default_factory=dict)  # line: how far its code is indented

    @cached_property
    def lines(self):
        """The lines with their ends, as written."""
        return [line for line in LINE.findall(self.text) if line]


def files(paths):
    """``(file, named)`` for each file under ``paths``; was it itself named?"""
    for path in map(Path, paths):
        if not path.is_dir():
            yield path, True
            continue
        for folder, inside, names in os.walk(path):
            inside[:] = sorted(one for one in inside if not _skipped(one))
            for name in sorted(names):
                if name.endswith(SUFFIXES):
                    yield Path(folder, name), False


def _skipped(name):
    return name.startswith(".") or any(fnmatch.fnmatch(name, one) for one in SKIPPED)


def read(path, mode="lenient", isolate=False, blanks=False):
    """Read the file at ``path``.

    Args:
        mode: see find.find.
        isolate: each cell or fence runs alone; else they share a namespace, from top to bottom.
        blanks: also find comments that wait for their claim.
    Returns:
        Document; without ``units`` if nothing is claimed in it.
    Raises:
        Unreadable: it cannot be read, or is no text.
    """
    try:
        raw = Path(path).read_bytes()
    except OSError as error:
        raise Unreadable(f"{path}:1: cannot be read: {error.strerror}") from None
    return parse(path, raw, mode, isolate, blanks)


def parse(path, raw, mode="lenient", isolate=False, blanks=False):
    """What ``read`` gives, of bytes that need not be in the file yet."""
    path = Path(path)
    try:
        text, encoding = _decoded(raw, path.suffix == ".py")
    except (UnicodeDecodeError, SyntaxError, LookupError) as error:
        raise Unreadable(f"{path}:1: cannot be decoded: {error}") from None
    document = Document(path, raw, text, encoding, mode)
    if not MAY_CLAIM[mode].search(text):
        return document  # which is quickly seen, and so are all files of a folder
    lines = [line.rstrip("\r\n") for line in document.lines]
    if path.suffix == ".py":
        _script(document, lines, isolate, blanks)
    else:
        fences = _rst(lines) if path.suffix == ".rst" else _markdown(lines)
        _fences(document, list(fences), isolate, blanks)
    return document


def _decoded(raw, python):
    """The text and its encoding; a file of Python says its own."""
    encoding = "utf-8-sig" if raw.startswith(codecs.BOM_UTF8) else "utf-8"
    if python:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(raw).readline)
    return raw.decode(encoding), encoding


# --- what a file holds ----------------------------------------------------------


def _script(document, lines, isolate, blanks):
    code = "\n".join(lines)
    try:
        _compiles(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        if _claims_in(lines):
            line = getattr(error, "lineno", None) or 1
            document.failures.append((line, f"does not parse: {_why(error)}"))
        return
    starts = [n for n, line in enumerate(lines) if CELL.match(line)]
    if not isolate or not starts:
        _unit(document, code, "", blanks)
        return
    head = "\n".join(lines[: starts[0]])
    _unit(document, head, "", blanks)
    for start, stop in zip(starts, [*starts[1:], len(lines)], strict=True):
        cell = Fence(start + 1, lines[start:stop])
        _unit(document, cell.code, head, blanks, start=start + 1)


def _fences(document, fences, isolate, blanks):
    """The units of a document: one a fence, or one in all with a part for each fence."""
    kept = []
    for fence in fences:
        try:
            _compiles(fence.code)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            where = getattr(error, "lineno", None) or fence.first
            why = f"does not parse as Python: {_why(error)}"
            wrong = _claims_in(fence.lines)
            (document.failures if wrong else document.notes).append((where, why))
            continue
        for line in range(fence.first, fence.last + 1):
            document.shifts[line] = fence.indent
        if isolate:
            _unit(document, fence.code, "", blanks, start=fence.first)
            continue
        _, claims, failures = find.find(fence.code, 1, mode=document.mode, blanks=blanks)
        kept.append((fence, len(claims) + len(failures)))
    while kept and not kept[-1][1]:  # what comes after the last claim need not run
        kept.pop()
    if kept:
        lines = [""] * kept[-1][0].last
        for fence, _ in kept:
            code = fence.code.split("\n")[fence.first - 1 :]
            lines[fence.first - 1 : fence.first - 1 + len(code)] = code
        parts = tuple((fence.first, fence.last, claims) for fence, claims in kept)
        _unit(document, "\n".join(lines), "", blanks, parts=parts)


def _unit(document, code, head, blanks, parts=(), start=None):
    """Add a unit, if anything is claimed in it."""
    _, claims, failures = find.find(code, 1, mode=document.mode, blanks=blanks)
    document.claims += claims
    if not claims:
        document.failures += failures
        return
    root, package = _package(document.path)
    folders = [str(document.path.resolve().parent)] if package is None else [str(root)]
    document.units.append(
        Unit(
            title=f"line {start}" if start else document.path.name,
            prose="",
            code=code,
            line=1,
            imports=head,
            mode=document.mode,
            blanks=blanks,
            parts=parts,
            folder=Path.cwd(),
            search=tuple(folders),
            package=package,
            start=start or 1,
        )
    )


def _package(path):
    """Where the package of a module lies, and its name, as ``python -m`` takes it; or None."""
    folder, names = path.resolve().parent, []
    while path.suffix == ".py" and (folder / "__init__.py").exists():
        names.insert(0, folder.name)
        folder = folder.parent
    return folder, ".".join(names) or None


def _compiles(code):
    with warnings.catch_warnings(action="ignore"):
        compile(code, "<code>", "exec", dont_inherit=True)


def _why(error):
    return getattr(error, "msg", None) or str(error) or type(error).__name__


def _claims_in(lines):
    """Whether lines that are no Python have a comment that begins as a claim does."""
    found = (re.search(r"\S[^#]*(#.*)", line) for line in lines)
    return any(one and find.meant(one[1], "lenient") for one in found)


# --- where a document has code --------------------------------------------------


def _markdown(lines):
    """The Python fences of Markdown, in lists and quotations, too."""
    at = 0
    while at < len(lines):
        opened = FENCE.match(lines[at])
        at += 1
        if not opened:
            continue
        start, mark, info = at, opened["mark"], opened["info"].strip()
        closed = re.compile(rf"^[ \t>]*{re.escape(mark[0])}{{{len(mark)},}}[ \t]*$")
        while at < len(lines) and not closed.match(lines[at]):
            at += 1
        inside = lines[start:at]
        at += 1
        if not PYTHON.match(info) or LEFT_ALONE in info or ">" in opened["indent"]:
            continue
        # As CommonMark has it, no line loses more than the fence was indented.
        width = len(opened["indent"].expandtabs(4))
        if all(not one[:width].strip() for one in inside) and not _session(inside):
            yield Fence(start + 1, inside)


def _rst(lines):
    """The Python blocks of reStructuredText."""
    at = 0
    while at < len(lines):
        opened = DIRECTIVE.match(lines[at])
        at += 1
        if not opened:
            continue
        outer, skip = len(opened["indent"]), False
        while at < len(lines) and OPTION.match(lines[at]):
            skip |= LEFT_ALONE in lines[at]
            at += 1
        start = at
        while at < len(lines) and (not lines[at].strip() or _depth(lines[at]) > outer):
            at += 1
        inside = lines[start:at]
        while inside and not inside[-1].strip():
            inside.pop()
        while inside and not inside[0].strip():
            inside, start = inside[1:], start + 1
        if inside and not skip and not _session(inside):
            yield Fence(start + 1, inside)


def _depth(line):
    return len(line) - len(line.lstrip())


def _session(lines):
    """Whether it shows an interpreter, which is doctest's to check."""
    first = next((line for line in lines if line.strip()), "")
    return first.lstrip().startswith((">>>", "In ["))
