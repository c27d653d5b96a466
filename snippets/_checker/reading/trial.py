"""Checks a card on the torch that is installed here, as the checker does with a file."""

import tempfile
from importlib.util import find_spec
from pathlib import Path


def run(entry, page):
    """Check ``entry``, and say on ``page`` which of its claims hold.

    Args:
        entry: a card or an example, see ``Store.whole``.
    Returns:
        bool: whether all of it holds.
    """
    page.line()
    if not entry.get("code"):
        page.say("no code", "yellow")
        return False
    if find_spec("torch") is None:
        page.say("no torch", "yellow")
        return False
    if find_spec("fcntl") is None:
        page.say("no fork", "yellow")
        return False
    from torchproof import cards, find, process, record

    with tempfile.TemporaryDirectory() as folder:
        path = _written(entry, Path(folder))
        module = cards.read(path)
        (unit,) = module.units()
        job = process.Job(path, "cpu", process.plan(module), process.check)
        imports = [] if module.example else [module.imports]
        for _ in process.run([job], imports=imports):
            pass
    torch, found = record.version("torch"), record.entry(unit, job)
    if found is None:
        page.say("needs", "yellow", needs=next(one.needs for one in job.results.values()))
        return False
    failures = {unit.line + line: text for line, text in found.get("failures", ())}
    lines = unit.code.split("\n")
    for claim in find.find(unit.code, unit.line)[1]:
        why = failures.pop(claim.line, "")
        page.claim(not why, lines[claim.line - unit.line].strip(), why)
    for line, why in sorted(failures.items()):
        inside = 0 <= line - unit.line < len(lines)
        page.claim(False, lines[line - unit.line].strip() if inside else "", why)
    held = "failures" not in found
    page.say("holds" if held else "fails", "bold green" if held else "bold red", torch=torch)
    return held


def _written(entry, folder):
    """The file that is checked: that of an example has its cells, that of a card one card."""
    example = entry["kind"] == "example"
    path = folder / ("gallery" if example else "snippets") / "card.py"
    path.parent.mkdir()
    since = f"\n# .. since:: {entry['since']}" if "since" in entry else ""
    text = f'"""\nCard\n====\n"""\n{entry.get("imports", "")}\n\n'
    text += f"# %%\n# Card\n# ----{since}\n{entry['code']}\n"
    path.write_text(text, encoding="utf-8")
    return path
