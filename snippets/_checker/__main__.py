"""Check files from the command line: ``python snippets/_checker snippets gallery``."""

import argparse
import sys
import time
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

if not __package__:  # run as a folder, where nothing is installed: be the package
    here = Path(__file__).resolve().parent
    spec = spec_from_file_location("torchproof", here / "__init__.py")
    sys.modules["torchproof"] = package = module_from_spec(spec)
    spec.loader.exec_module(package)

from torchproof import record, runner


def arguments(argv):
    parser = argparse.ArgumentParser(prog="checker", description=__doc__)
    parser.add_argument("paths", nargs="+", type=Path)
    parser.add_argument("--device", choices=["cpu", "cuda"], help="only this device")
    parser.add_argument("--changed", action="store_true", help="only files that need it")
    parser.add_argument("--records", type=Path, default=Path("build/verified"))
    mutants = ["claims", "code", "training"]
    parser.add_argument("--mutate", choices=mutants, help="lie, and count who notices")
    parser.add_argument("--limit", type=float, default=runner.LIMIT, help="seconds for a file")
    return parser.parse_args(argv)


def main(argv=None):
    """Check files, print how each fared, write the records; return 1 if a card fails."""
    options = arguments(argv)
    start = time.perf_counter()
    modules, errors = runner.read(options.paths)
    for error in errors:
        print(f"✗ {error}")
    failed = len(errors)
    todo = modules
    if options.mutate:
        return mutate(modules, options)
    if options.changed:
        todo = changed(modules, options)
    checked = {}
    if todo:
        runner.prepare([module.path for module in todo])
        names = runner.devices()
        if options.device and options.device not in names:
            sys.exit(f"this machine has no {options.device} device")
        for device in [options.device] if options.device else names:
            checked[device] = check(device, names[device], todo, options)
            failed += sum(job.failed for job in checked[device])
    summary(options, modules, todo, checked, time.perf_counter() - start)
    return int(bool(failed))


def changed(modules, options):
    """The modules that some record finds outdated: the CPU's, and the GPU's where there is one.

    To ask whether there is a GPU would take the import of torch; its record tells.
    """
    paths = [options.records / f"{device}.json" for device in ("cpu", "cuda")]
    if options.device:
        paths = [options.records / f"{options.device}.json"]
    known = [record.load(path) for n, path in enumerate(paths) if n == 0 or path.exists()]
    todo = {module.name for one in known for module in record.outdated(one, modules)}
    return [module for module in modules if module.name in todo]


def check(device, device_name, todo, options):
    """Run files on one device, print a line for each and write the record."""
    by_path = {module.path: module for module in todo}
    jobs = [runner.Job(module.path, device, runner.plan(module)) for module in todo]
    found = {}
    for job, name, _ in runner.check(jobs, limit=options.limit):
        if name is None:
            found |= report(job, by_path[job.path])
    record.save(
        options.records / f"{device}.json", device_name, found, {module.name for module in todo}
    )
    return jobs


def mutate(modules, options):
    """Print which mutants survive; return 1 if one does that must die.

    Claims and training must notice all; code may change without a claim that could tell.
    Claims are mutated while their cards are checked, so that run writes the record, too.
    """
    what = options.mutate
    if what == "training":
        modules = [module for module in modules if module.example]
    runner.prepare([module.path for module in modules])
    seeds = runner.SEEDS if what == "claims" else runner.SEEDS[:1]
    jobs = [runner.Job(module.path, "cpu", runner.plan(module, seeds)) for module in modules]
    by_path = {module.path: module for module in modules}
    totals = dict.fromkeys(("claims", "killed", "code", "noticed"), 0)
    failed, entries = False, {}
    for job, name, _ in runner.check(jobs, limit=10 * options.limit, mode=f"mutate-{what}"):
        if name is not None:
            continue
        reports = list(job.results.values())
        for key in totals:
            totals[key] += sum(found[key] for found in reports)
        lines = [("survives", *one) for found in reports for one in found["survivors"]]
        lines += [("unnoticed", *one) for found in reports for one in found["unnoticed"]]
        for fate, line, text in lines:
            print(f"{job.path}:{line}: {fate}: {text}", flush=True)
        failed |= bool(lines) and what != "code"
        if what == "claims":
            job.results = {step: found["outcome"] for step, found in job.results.items()}
            entries |= report(job, by_path[job.path])
            failed |= job.failed
        elif job.error:
            print(f"✗ {job.path}: {job.error}")
            failed = True
    if what == "claims":
        names = {module.name for module in modules}
        record.save(options.records / "cpu.json", runner.devices()["cpu"], entries, names)
        print(f"claim mutants: {totals['killed']} of {totals['claims']} killed")
        return int(failed or not totals["claims"])
    print(f"{what} mutants: {totals['noticed']} of {totals['code']} noticed")
    return int(failed or not totals["code"])


def report(job, module):
    """Print how one file fared; return its entries for the record."""
    entries, failures = {}, []
    for unit in module.units():
        outcomes = [result for (name, _), result in job.results.items() if name == unit.name]
        planned = sum(name == unit.name for name, _ in job.plan)
        failures += [failure for outcome in outcomes for failure in outcome.failures]
        if len(outcomes) == planned:
            entries[f"{module.name}::{unit.name}"] = record.entry(unit, outcomes)
    if job.error:
        failures.append((0, f"at {job.culprit and job.culprit[0]!r}: {job.error}"))
    job.failed = bool(failures)
    needs = {outcome.needs for outcome in job.results.values() if outcome.needs}
    claims = sum(entry["claims"] for entry in entries.values() if entry)
    mark = "✗" if failures else "✓"
    print(
        f"{mark} {module.name:<44} {job.device:<4} {len(module.units()):>3} cards"
        f" {claims:>4} claims {job.seconds:6.1f} s",
        flush=True,
    )
    if needs:
        print(f"    some cards did not run: {', '.join(sorted(needs))} is not installed")
    for line, message in sorted(set(failures)):
        print(f"    {module.path}:{line}: {message}", flush=True)
    return entries


def summary(options, modules, todo, checked, seconds):
    cards = sum(len(module.cards) for module in modules)
    known = record.load(options.records / f"{options.device or 'cpu'}.json")["cards"]
    claims = sum(entry["claims"] for entry in known.values())
    skipped = f", {len(modules) - len(todo)} files unchanged" if options.changed else ""
    print(
        f"{cards} cards, {claims} claims in {len(modules)} files{skipped};"
        f" ran on {', '.join(checked) or 'nothing'}; {seconds:.1f} s"
    )
    jobs = [job for done in checked.values() for job in done]
    slow = sorted(jobs, key=lambda job: -job.seconds)[:5]
    if slow:
        print("slowest: " + ", ".join(f"{job.path.stem} {job.seconds:.1f} s" for job in slow))


if __name__ == "__main__":
    sys.exit(main())
