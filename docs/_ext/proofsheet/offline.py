"""The built site to take along: a zip of pages to open as files, and a docset for Dash and Zeal.

``python -m proofsheet.offline`` writes both to build/dist, the docset once for each language.
"""

import io
import json
import plistlib
import sqlite3
import tarfile
import zipfile
from contextlib import closing

from torchproof.reading import store

from . import inventory, languages, pack, records
from .browser import SITE

DIST = records.ROOT / "build" / "dist"
NAME = "Proofsheet"
# What only a server sends, and Sphinx's own notes.
LEFT_OUT = {"404.html", "robots.txt", "sitemap.xml", "objects.inv", ".buildinfo", ".buildinfo.bak"}
# What a docset calls an entry of the search, and a name of PyTorch by its kind.
KINDS = {"card": "Section", "step": "Section", "example": "Sample", "page": "Guide"}
NAMES = {"class": "Class", "method": "Method", "module": "Module", "data": "Constant"}
TABLE = """
CREATE TABLE searchIndex(id INTEGER PRIMARY KEY, name TEXT, type TEXT, path TEXT);
CREATE UNIQUE INDEX anchor ON searchIndex (name, type, path);
"""


def files(folder):
    """The files of a site that a reader without a server has use for, by their path in it."""
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*")}
    return {
        name: path
        for name, path in sorted(found.items())
        if path.is_file() and path.name not in LEFT_OUT and "/_sources/" not in f"/{name}"
    }


def write_zip(target, found):
    """The files ``found``; the search needs no server, since its index is a script."""
    with zipfile.ZipFile(target, "w") as made:
        for name, path in found.items():
            info = zipfile.ZipInfo(f"proofsheet/{name}")  # of a date that is always the same
            info.compress_type, info.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            made.writestr(info, path.read_bytes())


def entries(language):
    """``(name, type, path)`` of all that the docset finds: cards, pages, names of PyTorch."""
    cards = store.Store(pack.BUILT, language)
    found = []
    for number in range(cards.count):
        entry = cards.entry(number)
        path = entry["url"].removeprefix(cards.facts["site"])
        found.append((entry["title"], KINDS[entry["kind"]], path))
    names = json.loads((SITE / language / "api.json").read_text(encoding="utf-8"))
    found += [(name, kind(name), mentions[0]["page"]) for name, mentions in names.items()]
    return list(dict.fromkeys(found))


def kind(name):
    """What PyTorch's documentation says that a name is; else what the name looks like."""
    if name in (known := inventory.documented()):
        return NAMES.get(known[name][0], "Function")
    *_module, parent, last = f".{name}".split(".")
    return "Class" if last[0].isupper() else "Method" if parent[:1].isupper() else "Function"


def index(found):
    """The docset's index, an SQLite file, as bytes."""
    with closing(sqlite3.connect(":memory:")) as database:
        database.executescript(TABLE)
        database.executemany("INSERT INTO searchIndex(name, type, path) VALUES (?, ?, ?)", found)
        database.commit()
        return database.serialize()


def properties(language):
    """The docset's Info.plist."""
    title = f"{NAME} ({languages.NAMES[language]})"
    return plistlib.dumps(
        {
            "CFBundleIdentifier": f"proofsheet-{language}",
            "CFBundleName": title,
            "DocSetPlatformFamily": "pytorch",
            "isDashDocset": True,
            "isJavaScriptEnabled": True,
            "dashIndexFilePath": "index.html",
        }
    )


def write_docset(target, language, found):
    """A docset of the pages ``found`` of one language, packed as Dash's own are."""
    contents = f"{NAME}-{language}.docset/Contents"
    parts = {
        "Info.plist": properties(language),
        "Resources/docSet.dsidx": index(entries(language)),
    }
    with tarfile.open(target, "w:gz") as made:
        for name, content in parts.items():
            info = tarfile.TarInfo(f"{contents}/{name}")
            info.size = len(content)
            made.addfile(info, io.BytesIO(content))
        for name, path in found.items():
            made.add(path, f"{contents}/Resources/Documents/{name}")


def main():
    """Write all, from the last build of the site."""
    DIST.mkdir(parents=True, exist_ok=True)
    write_zip(DIST / "proofsheet-site.zip", files(SITE))
    for language in languages.NAMES:
        write_docset(DIST / f"{NAME}-{language}.tgz", language, files(SITE / language))


if __name__ == "__main__":
    main()
