"""What ``torchproof`` reads in a terminal: the cards and the index of the search, in build/cards.

``python -m proofsheet.pack`` writes them beside the package, so that a wheel holds them.
"""

import hashlib
import json
import lzma
import re
import shutil
import sys
from pathlib import Path

from torchproof.reading import ranking, store

from . import data, languages, records
from .site import shorten

# Of the tree that this extension is part of; ``torchproof`` may be installed from another.
BUILT = records.ROOT / "build" / "cards"
LONGEST = 600  # characters of the text of a page
PAGE = re.compile(r"/((?:reference|gallery)/[\w/]+)")  # what a link to a page is, as text
FIELDS = ("title", "asked", "more", "module", "others")


def write(app, entries, rules, listed):
    """Write the cards in the language of ``app``, and with the source what languages share.

    Args:
        entries: those of ``search.entries``, with what ``search.once`` gives as ``words``.
        rules: ``rules``, ``synonyms`` and ``stop_words`` of the search.
        listed: names that no card shows, and where PyTorch's documentation has them.
    """
    language, pages = app.config.language, data.of(app.env).pages
    found = [_entry(entry, pages[entry["docname"]]) for entry in entries]
    for entry in found:
        entry["prose"] = PAGE.sub(lambda one: _named(app.env, one), entry["prose"])
    facts = rules | {"site": f"{app.config.proofsheet_site}{language}/"}
    tails = _tails(entries, listed)
    made = json.dumps([facts, found, tails]).encode() + _code()
    note = BUILT / f"{language}.made"  # from what; nothing is written twice
    digest = hashlib.sha256(made).hexdigest()
    if note.exists() and note.read_text() == digest:
        return
    store.write_language(BUILT, language, facts, found)
    if language == languages.SOURCE:
        store.write_common(BUILT, facts, found, tails)
    note.write_text(digest)


def _named(env, found):
    """The title of the page that a text links to."""
    title = env.titles.get(found[1])
    return found[0] if title is None else f"“{title.astext()}”"


def _code():
    return b"".join(Path(part.__file__).read_bytes() for part in (ranking, store))


def _entry(entry, page):
    """An entry of the search as it is kept: what is searched, and what is shown."""
    fields = {name: entry[name] for name in FIELDS if name in entry} | {
        "errors": " ".join(entry["errors"]),
        "apis": " ".join(entry.get("apis", ())),
        "text": entry["words"],
    }
    if "name" in entry:
        fields["name"] = " ".join(entry["name"])
    return {
        "kind": entry["kind"],
        "title": entry["title"],
        "page": entry.get("module", ""),
        "url": entry["url"],
        "prose": entry["text"] if entry["card"] is not None else shorten(page.text, LONGEST),
        "shown": _shown(entry["docname"], entry["card"]),
        "fields": fields,
        "errors": entry["errors"],
    }


def _shown(docname, number):
    """The code of a card, and where it was checked; of a page that is no script nothing."""
    module = records.module(docname)
    if module is None or (number is None and not module.example):
        return {}
    found = {"source": module.name}
    if not module.example or number is None:
        found["imports"] = module.imports
    unit = module.units()[0] if module.example else module.cards[number]
    if number is not None:
        found["code"] = module.cards[number].code
    if unit.since:
        found["since"] = "{}.{}".format(*unit.since)
    runs = {device: records.summary([(module, unit)], device) for device in records.DEVICES}
    found["checked"] = {
        device: {"torch": run.torch, "date": run.date} for device, run in runs.items() if run
    }
    return found


def _tails(entries, listed):
    """By each of its ends: a name that no card shows."""
    shown = {name for one in entries for name in (*one.get("name", ()), *one.get("apis", ()))}
    known = {tail for name in shown for tail in ranking.tails(name)}
    return {
        tail: (name, url)
        for name, url in listed.items()
        for tail in ranking.tails(name)
        if tail not in known
    }


def main(folder=store.PACKED):
    """Compress what the last build of the site wrote, and put it into the package."""
    names = [store.COMMON, *languages.NAMES]
    if lost := [name for name in names if not (BUILT / f"{name}.db").exists()]:
        sys.exit(f"build/cards has no {', '.join(lost)}: build the site first, nox -s docs")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name in names:
        raw = (BUILT / f"{name}.db").read_bytes()
        (folder / f"{name}{store.XZ}").write_bytes(lzma.compress(raw))


if __name__ == "__main__":
    main()
