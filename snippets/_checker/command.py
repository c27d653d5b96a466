"""``torchproof check PATH...``: files that were not written for this checker.

Exit codes are 0 if every claim holds, 1 if one does not, 2 if the request cannot be met.
"""

import argparse
import json
import sys
import time

from . import own, process, record, rewrite, suggest


def arguments(argv):
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="torchproof check",
        description="Check what comments claim in .py, .md and .rst files.",
        epilog="exit codes: 0 every claim holds, 1 one does not, 2 this cannot be done",
    )
    parser.add_argument("paths", nargs="+", metavar="PATH", help="a file or a folder")
    text = "each comment after code is a claim, remarks to tools excepted"
    parser.add_argument("--strict", action="store_true", help=text)
    text = "run each # %%%% cell and each fence of a document alone"
    parser.add_argument("--isolate", action="store_true", help=text)
    parser.add_argument("--device", action="append", choices=own.DEVICES, help="again for more")
    parser.add_argument("--seeds", type=int, nargs="+", default=process.SEEDS)
    parser.add_argument("--limit", type=float, default=process.LIMIT, help="seconds for a run")
    parser.add_argument("--workers", type=int, help="runs at once")
    parser.add_argument("--threads", type=int, help="for torch, in each run")
    parser.add_argument("--fill", action="store_true", help="say what a `#` or `# ?` could claim")
    parser.add_argument("--fix", action="store_true", help="say what a wrong claim should be")
    parser.add_argument("--reword", action="store_true", help="say what a claim could be shorter")
    parser.add_argument("--write", action="store_true", help="write it; else show a diff only")
    shown = parser.add_mutually_exclusive_group()
    shown.add_argument("--github", action="store_true", help="print annotations for GitHub")
    shown.add_argument("--json", action="store_true", help="print all of it as JSON")
    parser.add_argument("-v", "--verbose", action="store_true", help="say what was left out")
    asked = parser.parse_args(argv)
    if asked.write and not (asked.fill or asked.fix or asked.reword):
        parser.error("--write writes what --fill, --fix or --reword says")
    return asked


def main(argv):
    """Do what the command line says.

    Returns:
        int: the exit code.
    """
    try:
        return _main(arguments(argv))
    except (own.Usage, rewrite.Refused) as error:
        print(f"torchproof: {error}", file=sys.stderr)
        return 2


def _main(asked):
    start = time.perf_counter()
    options = own.Options(
        strict=asked.strict,
        isolate=asked.isolate,
        devices=tuple(dict.fromkeys(asked.device or ["cpu"])),
        seeds=tuple(asked.seeds),
        limit=asked.limit,
        workers=asked.workers,
        threads=asked.threads,
    )
    filled = []
    if asked.fill or asked.fix or asked.reword:
        wanted = suggest.Wanted(asked.fill, asked.fix, asked.reword)
        filled, report = suggest.fill_all(asked.paths, options, wanted)
        for one in filled:
            if not asked.json:
                print(one.diff, end="")
            if asked.write:
                suggest.save(one)
    else:
        report = own.check_all(asked.paths, options)
    if asked.json:
        print(json.dumps(as_json(report, filled), indent=1))
        return int(not report.ok)
    show(report, asked)
    seconds = time.perf_counter() - start
    print(f"{report.claims} claims in {report.files} files; {seconds:.1f} s")
    return int(not report.ok)


def as_json(report, filled):
    """What ``--json`` prints, as an object."""

    def listed(failures):
        return [
            {"path": one.path.as_posix(), "line": one.line, "message": one.message}
            for one in sorted(failures)
        ]

    return {
        "ok": report.ok,
        "torch": record.version("torch"),
        "files": report.files,
        "claims": report.claims,
        "failures": listed(report.failures),
        "notes": listed(report.notes),
        "filled": [
            {"path": one.path.as_posix(), "text": one.text, "written": one.written}
            for one in filled
        ],
    }


def show(report, asked):
    """Print what does not hold and, if asked, what was left out."""
    for failure in sorted(report.failures):
        print(annotation("error", failure) if asked.github else f"✗ {failure}")
    for note in sorted(report.notes) if asked.verbose else ():
        print(annotation("notice", note) if asked.github else f"! {note}")


def annotation(kind, failure):
    """A line that GitHub shows beside the code."""

    def escape(text, more=()):
        for letter in ("%", "\r", "\n", *more):
            text = text.replace(letter, f"%{ord(letter):02X}")
        return text

    path = escape(failure.path.as_posix(), (":", ","))
    return f"::{kind} file={path},line={failure.line}::{escape(failure.message)}"
