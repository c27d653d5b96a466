"""Search: an index of cards for the dialog, and Chinese for Sphinx's own search page."""

import json
import re
import tomllib
from collections import defaultdict
from pathlib import Path

from sphinx.search import SearchLanguage

from . import data, languages, messages, pack, records, sheet, tsv
from .inventory import documented
from .site import first_sentence

TABLES = records.ROOT / "docs" / "search"
MESSAGE = 240  # characters of a message that the search knows
FEW = 4  # of the readers' phrases for a card, those that the first part of the index holds
LOOKED_UP = ("function", "class", "method", "attribute", "module")


def entries(app):
    """One entry per card and per example; those of pages and of an example's steps weigh less.

    The cheat sheet is a page alone: its lines are on the cards, too. So is the page of error
    messages, whose parts quote what cards quote.
    """
    found, asked, elsewhere, language = [], questions(), pasted(), app.config.language
    others = [name for name in languages.NAMES if name != language]
    for docname, page in sorted(data.of(app.env).pages.items()):
        if docname.startswith((f"{sheet.CHAPTER}/", "messages/")):
            continue
        url = app.builder.get_target_uri(docname)
        title = app.env.longtitles[docname].astext()
        module = records.module(docname)
        example = bool(module and module.example)
        for number, card in enumerate(page.cards):
            words = asked.get(f"{docname}#{card.anchor}", {})
            few, more = shared(words.get(language, ""))
            own = [few, *messages.causes(docname, card, language)]
            said = [*card.messages.values(), *elsewhere[f"{docname}#{card.anchor}"]]
            quoted = [text[:MESSAGE] for text in said]
            found.append(
                {
                    "kind": "step" if example else "card",
                    "url": f"{url}#{card.anchor}",
                    "title": card.title,
                    "name": sorted(card.in_title),
                    "apis": sorted((card.used | card.in_prose) - card.in_title),
                    "errors": list(dict.fromkeys(quoted)),
                    "asked": " / ".join(filter(None, own)),
                    "more": more,
                    "module": title,
                    "others": " / ".join(words.get(other, "") for other in others),
                    "text": card.text,
                    "docname": docname,
                    "card": number,
                }
            )
        words = asked.get(docname, {})
        few, more = shared(words.get(language, ""))
        text = page.text if example else first_sentence(page.text, 300)
        steps = [card.title for card in page.cards] if example else []
        found.append(
            {
                "kind": "example" if example else "page",
                "url": url,
                "title": title,
                "errors": elsewhere[docname],
                "asked": few,
                "more": more,
                "others": " / ".join(words.get(other, "") for other in others),
                "text": " ".join([text, *steps]),
                "docname": docname,
                "card": None,
            }
        )
    return found


def questions():
    """Readers' words by card or page, from ``asked.tsv``: ``{address: {language: words}}``.

    A reader with a symptom has other words than the title.
    """
    return {row.pop("address"): row for row in tsv.read(TABLES / "asked.tsv")}


def shared(words):
    """The first phrases of readers' ``words``, and the others, which can come later."""
    phrases = words.split(" / ")
    return " / ".join(phrases[:FEW]), " / ".join(phrases[FEW:])


def pasted():
    """Messages that no run here can raise, from ``pasted.tsv``: ``{address: [message]}``.

    They need a GPU, Windows or a broken installation.
    """
    found = defaultdict(list)
    for row in tsv.read(TABLES / "pasted.tsv"):
        found[row["address"]].append(row["message"])
    return found


def once(entry, ignored):
    """The words of an entry's text that it has nowhere else, each once, without those ignored.

    Chinese stands as it is, since there no space tells words apart.
    """
    seen = {
        *ignored,
        *re.findall(r"[a-z_0-9.]+", f"{entry['title']} {entry['asked']} {entry['more']}".lower()),
    }
    kept = []
    for word in re.findall(r"[\w.]*[A-Za-z0-9_]|[\u3400-\u9fff]+", entry["text"]):
        if word.lower() not in seen:
            seen.add(word.lower())
            kept.append(word)
    return " ".join(kept)


def synonyms():
    """Rows of ``synonyms.tsv``: words that mean the same to a reader who searches.

    Chinese and English stand together, so that either finds a card in either language.
    """
    lines = (TABLES / "synonyms.tsv").read_text(encoding="utf-8").splitlines()
    return [line.split("\t") for line in lines]


def stop_words():
    """Words of ``stop_words.txt``, which say nothing of what is searched for."""
    return (TABLES / "stop_words.txt").read_text(encoding="utf-8").split()


def rules():
    """How both engines weigh what they find; ``rules.toml`` says why."""
    return tomllib.loads((TABLES / "rules.toml").read_text(encoding="utf-8"))


def write_index(app, exception):
    """Write ``_static/cards.js``, and what can come later: ``texts.js``, ``others.js``.

    They are scripts, not JSON, since pages opened as files cannot fetch. The page's own scripts
    read them, or a worker, to both of which they are a part of ``self``. The terminal's engine
    gets the same from ``pack``.
    """
    if exception or app.builder.name != "html":
        return
    found = entries(app)
    shown = {name for entry in found for name in (*entry.get("name", ()), *entry.get("apis", ()))}
    tables = {"rules": rules(), "synonyms": synonyms(), "stop_words": stop_words()}
    texts = [once(entry, tables["stop_words"]) for entry in found]
    index = {"entries": found, "synonyms": tables["synonyms"]}
    index |= {"stopWords": tables["stop_words"], "rules": tables["rules"]}
    listed = {name: where for name, where in official().items() if name not in shown}
    packed = [entry | {"words": text} for entry, text in zip(found, texts, strict=True)]
    pack.write(app, packed, tables, listed)
    later = {
        "texts": texts,
        "more": [entry.pop("more") for entry in found],
        "apis": [entry.pop("apis", []) for entry in found],
        "documented": listed,
    }
    others = [entry.pop("others") for entry in found]  # the words of the other language
    for entry in found:
        for key in ("text", "docname", "card"):
            del entry[key]
    for name, content in ("cards", index), ("texts", later), ("others", others):
        text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
        path = Path(app.outdir, "_static", f"{name}.js")
        path.write_text(f"self.proofsheet{name.title()}={text};\n", encoding="utf-8")


def official():
    """Where PyTorch's own documentation has each name that a reader may look up."""
    return {name: url for name, (kind, url) in documented().items() if kind in LOOKED_UP}


class ChineseBigrams(SearchLanguage):
    """Pairs of Chinese characters as words.

    Sphinx 9.0's own Chinese search calls a stemmer that it does not ship, and without spaces a
    dictionary finds no words that readers type. The index holds every pair; a query, all of
    whose words must be found, is cut into pairs side by side, since most words have two
    characters.
    """

    lang = "zh"
    language_name = "Chinese"
    runs = re.compile(r"[\u3400-\u9fff]+|[A-Za-z0-9_]+")
    js_splitter_code = r"""
var splitQuery = (query) =>
  (query.match(/[\u3400-\u9fff]+|[A-Za-z0-9_]+/g) || []).flatMap((run) => {
    if (run.charCodeAt(0) < 0x3400 || run.length < 2) return [run];
    return [...(run.match(/../g)), ...(run.length % 2 ? [run.slice(-2)] : [])];
  });
"""

    def split(self, text):
        found = []
        for run in self.runs.findall(text):
            if ord(run[0]) < 0x3400 or len(run) < 2:
                found.append(run)
            else:
                found += [run[i : i + 2] for i in range(len(run) - 1)]
        return found

    def stem(self, word):
        return word.lower()

    def word_filter(self, word):
        return bool(word) and not word.isdigit()


def setup(app):
    app.add_search_language(ChineseBigrams)
    app.connect("build-finished", write_index)
