"""The cards in SQLite files that answer at once: one for each language, and what both share.

The site's build writes them (``proofsheet.pack``) from what it gives its own search. What a query
needs is looked up in them and nothing else is read, so they open in a few milliseconds. In a wheel
they are compressed with xz, since the wheel's own deflate would take a quarter more.
"""

import json
import sqlite3
from bisect import bisect_left, bisect_right
from collections import defaultdict
from contextlib import closing, contextmanager
from functools import cached_property
from itertools import accumulate, pairwise
from pathlib import Path

from . import ranking

PACKED = Path(__file__).with_name("cards")  # in a wheel
BUILT = Path(__file__).resolve().parents[3] / "build" / "cards"  # beside a checkout's site
COMMON = "common"
XZ = ".db.xz"
SHARED = ("name", "errors", "apis")  # fields that are alike in all languages
READ_ONLY = "?mode=ro&immutable=1"

WORDS = """
CREATE TABLE facts (key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
CREATE TABLE lists (name TEXT PRIMARY KEY, words TEXT, fields_of_word BLOB, fields BLOB,
                    counts BLOB, documents BLOB, times BLOB);
CREATE TABLE lengths (field INTEGER PRIMARY KEY, mean REAL, lengths BLOB);
"""
OF_ALL = """
CREATE TABLE entries (id INTEGER PRIMARY KEY, kind TEXT, place INTEGER, url TEXT, shown TEXT);
CREATE TABLE messages (number INTEGER PRIMARY KEY, weight REAL, document INTEGER);
CREATE TABLE listed (tail TEXT PRIMARY KEY, name TEXT, url TEXT) WITHOUT ROWID;
"""
OF_LANGUAGE = """
CREATE TABLE texts (id INTEGER PRIMARY KEY, title TEXT, page TEXT, prose TEXT);
"""


class Missing(Exception):
    """There are no cards to read, or none that belong together."""


def folder():
    """Where the cards are: those of a checkout's last build, else what came with the package.

    Raises:
        Missing: there are none.
    """
    for path in (BUILT, PACKED):
        if any((path / f"{COMMON}{form}").is_file() for form in (".db", XZ)):
            return path
    raise Missing


def _open(folder, language):
    """Open the cards of a language, with what all languages share as the schema COMMON."""
    if (folder / f"{COMMON}{XZ}").is_file():
        import lzma  # which a Python that was built by hand may lack

        db = sqlite3.connect(":memory:")
        db.execute(f"ATTACH ':memory:' AS {COMMON}")
        for schema, name in ("main", language), (COMMON, COMMON):
            raw = lzma.decompress((folder / f"{name}{XZ}").read_bytes())
            db.deserialize(raw, name=schema)
        return db
    address = folder.resolve().as_uri()
    db = sqlite3.connect(f"{address}/{language}.db{READ_ONLY}", uri=True)
    db.execute(f"ATTACH '{address}/{COMMON}.db{READ_ONLY}' AS {COMMON}")
    return db


class Store:
    """Open files of cards: what :class:`ranking.Search` asks about words, and the cards."""

    def __init__(self, folder, language):
        try:
            self._db = _open(folder, language)
            facts = dict(self._db.execute(f"SELECT * FROM {COMMON}.facts"))
            facts |= dict(self._db.execute("SELECT * FROM main.facts"))
            self.facts = {key: json.loads(value) for key, value in facts.items()}
            rows = list(
                self._db.execute("SELECT kind, place, title FROM entries JOIN texts USING (id)")
            )
        except (sqlite3.Error, OSError) as error:
            raise Missing from error
        self.language = language
        self.rules, self.count = self.facts["rules"], self.facts["count"]
        if len(rows) != self.count:
            raise Missing
        self.kinds, self.places, self.titles = zip(*rows, strict=True)
        self.words = ranking.Words(self.rules, self.facts["synonyms"], self.facts["stop_words"])

    def entry(self, document):
        """All that is shown of a document: ``kind``, ``title``, ``page``, ``url``, ``prose`` and
        what :func:`write_common` was given to show."""
        query = "SELECT kind, title, page, url, prose, shown FROM entries JOIN texts USING (id)"
        row = self._db.execute(f"{query} WHERE id = ?", (document,)).fetchone()
        kind, title, page, url, prose, shown = row
        found = {"kind": kind, "title": title, "page": page, "url": self.facts["site"] + url}
        found |= {"prose": prose} | json.loads(shown)
        if kind == "example":
            found |= self._example(url)
        return found

    def _example(self, url):
        """The steps of the example at ``url`` (their titles) and its code from top to bottom."""
        query = "SELECT title, shown FROM entries JOIN texts USING (id) WHERE kind = 'step'"
        query += " AND url > ? AND url < ? ORDER BY id"
        rows = self._db.execute(query, (f"{url}#", f"{url}#\U0010ffff")).fetchall()
        code = "\n\n".join(json.loads(shown)["code"] for _, shown in rows)
        return {"steps": [title for title, _ in rows], "code": code}

    def at(self, url):
        """The entry with the address ``url``, or None."""
        if not url.startswith(self.facts["site"]):
            return None
        query, url = "SELECT id FROM entries WHERE url = ?", url.removeprefix(self.facts["site"])
        row = self._db.execute(query, (url,)).fetchone()
        return row and self.entry(row[0])

    def whole(self, entry):
        """The example that ``entry`` is a step of; any other entry is whole."""
        return self.at(entry["url"].partition("#")[0]) if entry["kind"] == "step" else entry

    # --- for the ranking ----------------------------------------------------------------------

    def _lists(self, schema, name):
        query = f"SELECT * FROM {schema}.lists WHERE name = ?"
        return Lists(*self._db.execute(query, (name,)).fetchone()[1:])

    @cached_property
    def _both(self):
        """The fields of this language, and those that all have."""
        return self._lists("main", "words"), self._lists(COMMON, "words")

    def postings(self, word):
        """Where ``word`` stands: ``[(field, documents, how often in each)]``."""
        found = [one for lists in self._both for one in lists.get(word)]
        return found if len(word) > 1 else self._whole(word, found)

    def _whole(self, char, found):
        """Of a Han character pairs tell the rest; see :func:`_shorten`."""
        if not self.words.han(char):
            return found
        times = {field: dict(zip(*its, strict=True)) for field, *its in found}
        for lists in self._both:
            for _, postings in lists.after(char):
                for field, *its in postings:
                    mine = times.setdefault(field, {})
                    for document, f in zip(*its, strict=True):
                        mine[document] = mine.get(document, 0) + f if field == "text" else 1
        return [(field, list(its), list(its.values())) for field, its in times.items()]

    def beginning(self, word):
        """Longer words that begin with ``word``, each with its postings."""
        return (one for lists in self._both for one in lists.after(word))

    def near(self, word, distance):
        """Words that differ from ``word`` in up to ``distance`` letters, but in one at least."""
        found = [one for lists in self._both for one in ranking.near(word, lists.text, distance)]
        return dict.fromkeys(found)

    def lengths(self, field):
        """How many words ``field`` has in each document, and the mean."""
        number, name = ranking.FIELDS.index(field), COMMON if field in SHARED else "main"
        query = f"SELECT lengths, mean FROM {name}.lengths WHERE field = ?"
        lengths, mean = self._db.execute(query, (number,)).fetchone()
        return _unpack(lengths), mean

    def messages(self):
        """Of each message that cards quote: the document and what all its words weigh."""
        rows = self._db.execute("SELECT document, weight FROM messages ORDER BY number")
        return rows.fetchall()

    def quoting(self, pair):
        """Numbers of the messages that have ``pair``."""
        return next((numbers for _, numbers, _ in self._quoting.get(pair)), [])

    @cached_property
    def _quoting(self):
        return self._lists(COMMON, "quoting")

    def listed(self, tail):
        """The name in PyTorch that ends with ``tail`` and has no card, with its address."""
        query = "SELECT name, url FROM listed WHERE tail = ?"
        row = self._db.execute(query, (tail,)).fetchone()
        return row and {"name": row[0], "url": row[1]}


# --- lists of numbers -------------------------------------------------------------------------


class Lists:
    """Sorted words, each with its postings by field.

    Numbers of one kind stand together, since that can be packed best: for each word how many
    fields have it; for each of these its number and the count of documents; and for each
    document the step from the one before, and how often it has the word.
    """

    def __init__(self, words, fields_of_word, fields, counts, documents, times):
        self.text, self._fields, self._times = words, fields, times
        self._words = words.split("\n")  # the first and the last are empty
        self._lists = [0, *accumulate(fields_of_word)]
        self._ends = [0, *accumulate(_unpack(counts))]
        half = len(documents) // 2
        self._low, self._high = memoryview(documents)[:half], memoryview(documents)[half:]

    def get(self, word):
        """The postings of ``word``: ``[(field, documents, how often in each)]``."""
        at = bisect_left(self._words, word, 1, len(self._words) - 1)
        return self._postings(at) if self._words[at] == word else []

    def after(self, word):
        """Each word that begins with ``word`` and goes on, with its postings."""
        at = bisect_right(self._words, word, 1, len(self._words) - 1)
        while self._words[at].startswith(word):
            yield self._words[at], self._postings(at)
            at += 1

    def _postings(self, number):
        found = []
        for one in range(*self._lists[number - 1 : number + 1]):
            some = slice(*self._ends[one : one + 2])
            steps = zip(self._low[some], self._high[some], strict=True)
            documents = list(accumulate(low + 256 * high for low, high in steps))
            found.append((ranking.FIELDS[self._fields[one]], documents, self._times[some]))
        return found


def _write_lists(db, name, found):
    """Write ``found``: ``{word: {number of a field: {document: how often}}}``."""
    words = sorted(found)
    lists = [sorted(found[word].items()) for word in words]
    fields, times = zip(*(one for some in lists for one in some), strict=True)
    steps = [b - a for its in times for a, b in pairwise([0, *its])]
    row = (
        *(name, "\n".join(["", *words, ""]), bytes(map(len, lists)), bytes(fields)),
        *(_pack(list(map(len, times))), _pack(steps)),
        bytes(min(255, f) for its in times for f in its.values()),
    )
    db.execute("INSERT INTO lists VALUES (?, ?, ?, ?, ?, ?, ?)", row)


def _pack(numbers):
    """Numbers below 65536: first the lower bytes of all, then the upper ones, mostly 0."""
    return bytes(n & 255 for n in numbers) + bytes(n >> 8 for n in numbers)


def _unpack(blob):
    half = len(blob) // 2
    return [low + 256 * high for low, high in zip(blob, blob[half:], strict=False)]


# --- writing ----------------------------------------------------------------------------------


def write_language(folder, language, facts, entries):
    """Write what is said in ``language``.

    Args:
        folder: of the files; what is there is replaced.
        facts: ``site`` (the address that an entry's ``url`` goes on from), ``rules``,
            ``synonyms`` and ``stop_words``.
        entries: in the order of the site's index, dicts with ``title``, ``page``, ``prose``,
            and ``fields``: the texts that are searched, by field.
    """
    with _written(folder, language, WORDS + OF_LANGUAGE) as db:
        _words(db, facts, entries, [name for name in ranking.FIELDS if name not in SHARED])
        rows = ((i, one["title"], one["page"], one["prose"]) for i, one in enumerate(entries))
        db.executemany("INSERT INTO texts VALUES (?, ?, ?, ?)", rows)
        _facts(db, facts | {"count": len(entries)})


def write_common(folder, facts, entries, listed):
    """Write what all languages share.

    Args:
        folder: of the files; what is there is replaced.
        facts: ``rules``, ``synonyms`` and ``stop_words``.
        entries: as for :func:`write_language`; also with ``kind``, ``url``, ``errors``
            (messages that the entry quotes) and ``shown`` (a dict: what is shown of it).
        listed: ``{tail: (name, url)}`` of the names that no card shows.
    """
    with _written(folder, COMMON, WORDS + OF_ALL) as db:
        words = _words(db, facts, entries, SHARED)
        place, rows = 0, []
        for i, entry in enumerate(entries):
            place = place + 1 if i and _page(entry) == _page(entries[i - 1]) else 0
            rows.append((i, entry["kind"], place, entry["url"], _json(entry["shown"])))
        db.executemany("INSERT INTO entries VALUES (?, ?, ?, ?, ?)", rows)
        _messages(db, entries, words)
        rows = ((tail, *where) for tail, where in sorted(listed.items()))
        db.executemany("INSERT INTO listed VALUES (?, ?, ?)", rows)
        _facts(db, {})


@contextmanager
def _written(folder, name, schema):
    """A new database, which takes its place when it is whole."""
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / f"{name}.part"
    partial.unlink(missing_ok=True)
    with closing(sqlite3.connect(partial)) as db:
        db.executescript("PRAGMA journal_mode = OFF;" + schema)
        yield db
        db.commit()
        db.execute("VACUUM")
    partial.replace(folder / f"{name}.db")


def _facts(db, facts):
    rows = ((key, _json(value)) for key, value in facts.items())
    db.executemany("INSERT INTO facts VALUES (?, ?)", rows)


def _json(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _page(entry):
    return entry["url"].partition("#")[0]


def _words(db, facts, entries, fields):
    """Write the index of ``fields``; give what took the texts apart."""
    words = ranking.Words(facts["rules"], facts["synonyms"], facts["stop_words"])
    found = defaultdict(lambda: defaultdict(dict))
    for field in fields:
        number = ranking.FIELDS.index(field)
        lengths, mean = _index(entries, field, number, words, found)
        db.execute("INSERT INTO lengths VALUES (?, ?, ?)", (number, mean, _pack(lengths)))
    _shorten(found, words)
    _write_lists(db, "words", found)
    return words


def _shorten(found, words):
    """Take out what pairs tell of a Han character: that it stands where a pair begins with it."""
    begun = defaultdict(lambda: defaultdict(dict))
    for pair, by_field in found.items():
        if len(pair) == 2 and words.han(pair[0]):
            for field, times in by_field.items():
                mine = begun[pair[0]][field]
                for document, f in times.items():
                    mine[document] = mine.get(document, 0) + f
    for char, by_field in begun.items():
        for field, times in by_field.items():
            left = {d: f - times.get(d, 0) for d, f in found[char][field].items()}
            found[char][field] = {d: f for d, f in left.items() if f > 0}
        found[char] = {field: times for field, times in found[char].items() if times}


def _index(entries, field, number, words, found):
    """Note the words of ``field``; its length in each entry, and the mean length.

    The mean is the one that MiniSearch keeps while it adds documents: it counts those that
    have no such field as if they had a mean one.
    """
    lengths, mean = [], 0.0
    for i, entry in enumerate(entries):
        text = entry["fields"].get(field)
        tokens = () if text is None else words.tokens(text, field)
        lengths.append(len(set(tokens)))
        if text is not None:
            mean = (mean * i + lengths[-1]) / (i + 1)
        for word in filter(None, tokens):
            times = found[word][number]
            times[i] = times.get(i, 0) + 1
    return lengths, mean or 1.0


def _messages(db, entries, words):
    """What a step of an example quotes, its page quotes, too."""
    examples = {one["url"]: i for i, one in enumerate(entries) if one["kind"] == "example"}
    messages, quoting = [], defaultdict(lambda: {0: {}})
    for number, entry in enumerate(entries):
        page = examples.get(_page(entry))
        for text in entry["errors"]:
            spoken = words.spoken(text)
            for document in [number] if page is None else [number, page]:
                for pair in spoken:
                    quoting[pair][0][len(messages)] = 1
                messages.append((document, spoken))
    single = words.rules["weights"]["pair"]
    for number, (document, spoken) in enumerate(messages):
        times = ((pair, len(quoting[pair][0])) for pair in spoken)
        weight = sum(ranking.rarity(pair, n, len(messages), single) for pair, n in times)
        db.execute("INSERT INTO messages VALUES (?, ?, ?)", (number, weight, document))
    _write_lists(db, "quoting", quoting)
