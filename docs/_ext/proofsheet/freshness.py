"""Which pages are read or written again although their own text is the same.

Sphinx compares sources. A page here also shows what records say of it, and what other pages
are called and hold: lists, tables "Which one do I need?", the API index. Those are written
again when the *face* of some page changed, that is, what it shows of itself to the others.
"""

import hashlib
import re

from . import records, tables

# Pages that hold lists of others.
LISTS = re.compile(r"index|api|handbooks|api/.*|.*/index")
# Pages that show code or count its lines: written again whenever a script page was read.
EXCERPTS = ("index", "quick", "path")
COUNTS = "verified"  # computed from all records and cards while it is read


def outdated(app, env, added, changed, removed):
    """``env-get-outdated``: pages whose records changed though their text did not."""
    digests = {name: records.digest(name) for name in records.docnames()}
    counted = (tables.devices(), tables.modules(), tables.rules())
    digests[COUNTS] = _hash([table.rows for table in counted])
    old, env.proofsheet_digests = env.proofsheet_digests, digests
    return sorted(name for name in env.found_docs if old.get(name) != digests.get(name))


def rewrite(app, env):
    """``env-updated``: pages that show what other pages are, if those changed."""
    old, env.proofsheet_faces = env.proofsheet_faces, {n: _face(env, n) for n in env.found_docs}
    found = set(EXCERPTS) if env.proofsheet_read else set()
    if env.proofsheet_faces != old:
        found |= env.proofsheet_choosing | set(filter(LISTS.fullmatch, env.found_docs))
    return sorted(found & env.found_docs)


def _face(env, docname):
    """Hash of what lists, tables and indexes on other pages show of a page."""
    known = env.proofsheet_pages.get(docname, {})
    shown = [env.titles[docname].astext(), env.proofsheet_summaries.get(docname)]
    shown += [str(known.get("title")), known.get("result")]
    shown += map(str, known.get("summary", ()))
    for card in env.proofsheet_cards.get(docname, ()):
        shown += [card["anchor"], card["apis"], card["verified"], *map(str, card["heading"])]
        shown += [sorted(card["in_title"]), sorted(card["in_prose"])]
    page = records.module(docname)
    if page:
        units = page.units()
        shown += [[records.outcome(page, u, device) for u in units] for device in records.DEVICES]
    return _hash(shown)


def _hash(shown):
    return hashlib.sha256(repr(shown).encode()).hexdigest()


def prepare(app):
    """Look at records anew; give the environment the attributes used here."""
    records.load.cache_clear()
    for name in ("proofsheet_digests", "proofsheet_faces"):
        if not hasattr(app.env, name):
            setattr(app.env, name, {})
    app.env.proofsheet_read = set()


def note_read(app, docname, _source):
    """``source-read``: remember which script pages are read in this build."""
    if records.module(docname):
        app.env.proofsheet_read.add(docname)


def setup(app):
    """Connect the hooks."""
    app.connect("builder-inited", prepare)
    app.connect("env-get-outdated", outdated)
    app.connect("source-read", note_read)
    app.connect("env-updated", rewrite)
