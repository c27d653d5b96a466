"""Check cards from the command line: ``torchproof snippets gallery``.

``torchproof check PATH...`` checks other files, see ``command``. Where nothing is installed,
``python snippets/_checker snippets gallery`` does the same.
"""

import argparse
import functools
import sys
import time
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path

if not __package__:  # run as a folder, where nothing is installed: be the package
    here = Path(__file__).resolve().parent
    spec = spec_from_file_location("torchproof", here / "__init__.py")
    sys.modules["torchproof"] = package = module_from_spec(spec)
    spec.loader.exec_module(package)
    __spec__ = None  # so that a child process runs these lines, too

if __name__ == "__main__":  # who looks up a card need not wait for what checks one
    from torchproof.reading import command

    if command.reads(sys.argv[1:]) or not find_spec("fcntl"):  # which checking cannot do without
        sys.exit(command.main())

from torchproof import cards, missing, process, record


def arguments(argv):
    parser = argparse.ArgumentParser(
        prog="torchproof",
        description="Check what the comments of cards claim.",
        epilog="`torchproof check PATH...` checks files of any other kind: see its own --help.",
    )
    parser.add_argument("paths", nargs="*", type=Path)
    parser.add_argument("--device", choices=["cpu", "cuda"], help="only this device")
    parser.add_argument("--changed", action="store_true", help="only files that need it")
    parser.add_argument("--records", type=Path, default=Path("build/verified"))
    parser.add_argument("--merge", type=Path, nargs="+", help="add these folders of records first")
    mutants = ["claims", "code", "training", "apis"]
    parser.add_argument("--mutate", choices=mutants, help="lie, and count who notices")
    parser.add_argument("--seeds", type=int, nargs="+", default=process.SEEDS)
    parser.add_argument("--shift", type=int, default=0, help="add this to what examples seed with")
    parser.add_argument("--threads", type=int, help="for torch, in each step")
    parser.add_argument("--workers", type=int, help="steps at once")
    parser.add_argument("--limit", type=float, default=process.LIMIT, help="seconds for a step")
    return parser.parse_args(argv)


def main(argv=None):
    """Check files, print how each fared, write the records.

    Returns:
        int: 0 if all that was asked for holds, 1 if not, 2 if that cannot be found out here.
    """
    if sys.flags.optimize:
        sys.exit("torchproof: under -O or PYTHONOPTIMIZE no assert runs, so nothing is checked")
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # an ASCII terminal can do without a check mark
    argv = sys.argv[1:] if argv is None else list(map(str, argv))
    if argv[:1] == ["check"]:
        from torchproof import command

        return command.main(argv[1:])
    options = arguments(argv)
    if options.mutate and (options.device or options.changed):
        sys.exit("torchproof: --mutate runs everything on the CPU, without --device or --changed")
    if options.merge:
        warn(record.merge(options.records, options.merge))
        if not options.paths:
            return 0
    if lost := [path for path in options.paths if not path.exists()]:
        print(f"torchproof: there is no {lost[0]}", file=sys.stderr)
        return 2
    if other := [path for path in options.paths if path.is_file() and path.suffix != ".py"]:
        print(f"torchproof: {other[0]} has no cards; try torchproof check", file=sys.stderr)
        return 2
    start = time.perf_counter()
    modules, errors = cards.read_all(options.paths)
    for error in errors:
        print(f"✗ {error}")
    if not modules:
        print(f"no cards in {', '.join(map(str, options.paths))}; other files: torchproof check")
        return 1
    if lacks := missing():
        print(f"torchproof: {lacks}", file=sys.stderr)
        return 2
    if options.mutate:
        from torchproof import falsify, mutate  # which import torch

        run = falsify.main if options.mutate == "apis" else mutate.main
        return run(modules, options) or int(bool(errors))
    jobs = check(modules, options)
    summary(modules, jobs, time.perf_counter() - start)
    return int(bool(errors) or any(job.failed for job in jobs))


def check(modules, options):
    """Run what must be run, on each device, and write the records.

    Returns:
        list: each file's Job, with ``entries`` and ``failed``.
    """
    known = record.Records(options.records)
    warn(known.unreadable)
    devices = [options.device] if options.device else ["cpu"]
    if options.changed:
        # To ask whether there is a GPU would take the import of torch; its record tells.
        seen = {one["of"]["device"] for found in known.entries.values() for one in found}
        devices = [options.device] if options.device else sorted({"cpu", *seen})
    todo = {device: modules for device in devices}
    if options.changed:
        todo = {device: known.outdated(modules, device) for device in devices}
    if not any(todo.values()):
        return []
    machine = process.machine()
    if not options.device:
        anything = {module.name for some in todo.values() for module in some}
        extra = set(machine["devices"]) - set(devices)
        todo |= {new: [one for one in modules if one.name in anything] for new in extra}
    jobs = []
    for device, some in todo.items():
        if device not in machine["devices"]:
            if options.device:
                sys.exit(f"torchproof: this machine has no {device} device")
            continue
        jobs += on_device(device, some, machine, options)
    return jobs


def on_device(device, modules, machine, options):
    """Check files on one device."""
    task = functools.partial(process.check, shift=options.shift)
    jobs = [
        process.Job(module.path, device, process.plan(module, options.seeds), task)
        for module in modules
    ]
    return drive(device, jobs, modules, machine, options)


def drive(device, jobs, modules, machine, options, beside=()):
    """Run the jobs of files, print a line for each, write the record.

    Args:
        jobs: one for each of ``modules``; those of examples run first, since they take
            longest, and what is short fills the end.
        beside: jobs that run in between and are not reported.
    Returns:
        list: ``jobs``, each with ``entries`` and ``failed``.
    """
    by_path = {module.path: module for module in modules}
    todo = sorted([*jobs, *beside], key=lambda job: len(job.steps) > 1)
    imports = {module.imports for module in modules if not module.example}
    for job, *_ in process.run(
        todo, options.workers, options.threads, options.limit, imports=sorted(imports)
    ):
        if job.done and job not in beside:
            report(job, by_path[job.path])
    run = record.this_run(device, machine, options.threads or 1)
    found = {key: entry for job in jobs for key, entry in job.entries.items()}
    try:
        warn(record.save(options.records, run, found, {module.name for module in modules}))
    except OSError as error:
        print(f"✗ the record could not be written: {error}")
        if jobs:
            jobs[0].failed = True
    return jobs


def warn(complaints):
    for complaint in complaints:
        print(f"! {complaint}", flush=True)


def report(job, module):
    """Print how one file fared; keep its entries for the record with the job."""
    job.entries, failures = {}, []
    for unit in module.units():
        found = job.entries[f"{module.name}::{unit.name}"] = record.entry(unit, job)
        failures += [(unit.line + line, text) for line, text in (found or {}).get("failures", ())]
    needs = {outcome.needs for outcome in job.results.values() if outcome.needs}
    job.failed = bool(failures)
    claims = sum(entry["claims"] for entry in job.entries.values() if entry)
    mark = "✗" if failures else "✓"
    print(
        f"{mark} {module.name:<44} {job.device:<4} {len(module.units()):>3} cards"
        f" {claims:>4} claims {job.seconds:6.1f} s",
        flush=True,
    )
    if needs:
        print(f"    some cards did not run: they need {', '.join(sorted(needs))}")
    for line, message in sorted(set(failures)):
        print(f"    {module.path}:{line}: {message}", flush=True)


def summary(modules, jobs, seconds):
    """What this run did, and what it left as it was known to be."""
    entries = [entry for job in jobs for entry in job.entries.values() if entry]
    ran = {job.path for job in jobs}
    unchanged = f", {len(modules) - len(ran)} files unchanged" if len(ran) < len(modules) else ""
    on = ", ".join(sorted({job.device for job in jobs})) or "nothing"
    print(
        f"{len(entries)} cards, {sum(entry['claims'] for entry in entries)} claims"
        f" in {len(ran)} files{unchanged}; ran on {on}; {seconds:.1f} s"
    )
    if bad := [job for job in jobs if job.failed]:
        print(f"✗ {len(bad)} files do not hold: {', '.join(str(job.path) for job in bad)}")
    if slow := sorted(jobs, key=lambda job: -job.seconds)[:5]:
        print("slowest: " + ", ".join(f"{job.path.stem} {job.seconds:.1f} s" for job in slow))


if __name__ == "__main__":
    sys.exit(main())
