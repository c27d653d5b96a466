"""Put claims into a file: by position, from the end, and nothing else of it changes.

A file is written beside itself and renamed, so that it is whole at any moment.
"""

import ast
import itertools
import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

from . import documents

CONTEXT = 3  # lines around a change, in a diff


class Refused(Exception):
    """A file that is not rewritten. Its text says why."""


def edited(document, changes):
    """The bytes of a document with other comments.

    Args:
        changes: ``{line: (column, comment)}``; the comment replaces all from this column of
            the line on, and the line keeps its end.
    Raises:
        Refused: the file's encoding has no such letter, or code would change.
    """
    lines = list(document.lines)
    for line, (column, comment) in sorted(changes.items(), reverse=True):
        old = lines[line - 1]
        body = old.rstrip("\r\n")
        if not body[column:].startswith("#"):
            raise Refused(f"{document.path}:{line}: there is no comment where one was read")
        lines[line - 1] = body[:column] + comment + old[len(body) :]
    text = "".join(lines)
    try:
        raw = text.encode(document.encoding)
    except UnicodeEncodeError as error:
        letter = error.object[error.start]
        raise Refused(f"{document.path}: {document.encoding} has no {letter!r}") from None
    if _code(document, raw) != _code(document, document.raw):
        raise Refused(f"{document.path}: the code would not be the same")
    return raw


def _code(document, raw):
    """What a file runs, without its comments."""
    isolate = len(document.units) > 1
    read = documents.parse(document.path, raw, document.mode, isolate, blanks=True)
    return [ast.dump(ast.parse(unit.code)) for unit in read.units]


def diff(document, raw):
    """What would change, as a unified diff; line stands for line, so there is nothing to match."""
    sides = [document.raw.decode(document.encoding), raw.decode(document.encoding)]
    before, after = map(_shown, sides)
    hunks = []
    for n, (old, new) in enumerate(zip(before, after, strict=True)):
        if old == new:
            continue
        if hunks and n - CONTEXT <= hunks[-1][1]:
            hunks[-1][1] = n + 1 + CONTEXT
        else:
            hunks.append([max(0, n - CONTEXT), n + 1 + CONTEXT])
    path = document.path.as_posix()
    lines = [f"--- {path}", f"+++ {path}"] if hunks else []
    for first, last in hunks:
        last = min(last, len(before))
        where = f"{first + 1},{last - first}"
        lines.append(f"@@ -{where} +{where} @@")
        pairs = zip(before[first:last], after[first:last], strict=True)
        for same, run in itertools.groupby(pairs, lambda pair: pair[0] == pair[1]):
            run = list(run)
            if same:
                lines += [f" {old}" for old, _ in run]
            else:
                lines += [f"-{old}" for old, _ in run] + [f"+{new}" for _, new in run]
    return "".join(f"{line}\n" for line in lines)


def _shown(text):
    lines = [line.rstrip("\r\n") for line in documents.LINE.findall(text) if line]
    if lines and text[-1] not in "\r\n":
        lines[-1] += "\n\\ No newline at end of file"
    return lines


def write(document, raw):
    """Put ``raw`` in the place of a document's file.

    Raises:
        Refused: it changed since it was read, or may not be written; it is as it was.
    """
    path = Path(document.path).resolve()  # what a link points to; the link stays
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        if not mode & 0o222:
            raise Refused(f"{document.path} is read-only")
        handle, beside = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    except OSError as error:
        raise Refused(f"{document.path} cannot be written: {error.strerror}") from None
    try:
        with open(handle, "wb") as file:
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(beside, mode)
        if path.read_bytes() != document.raw:
            raise Refused(f"{document.path} has changed since it was read")
        os.replace(beside, path)
    except OSError as error:
        raise Refused(f"{document.path} cannot be written: {error.strerror}") from None
    finally:
        with suppress(OSError):
            os.unlink(beside)
