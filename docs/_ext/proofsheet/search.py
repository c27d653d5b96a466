"""Search: an index of cards for the dialog, and Chinese for Sphinx's own search page."""

import json
import re
from pathlib import Path

from sphinx.search import SearchLanguage

from . import data, messages, records
from .inventory import documented
from .site import first_sentence

TABLES = records.ROOT / "docs" / "search"


def entries(app):
    """One entry per card and per example; those of pages and of an example's steps weigh less."""
    found, asked = [], questions()
    for docname, page in sorted(data.of(app.env).pages.items()):
        url = app.builder.get_target_uri(docname)
        title = app.env.titles[docname].astext()
        module = records.module(docname)
        example = bool(module and module.example)
        for card in page.cards:
            causes = messages.causes(docname, card, app.config.language)
            found.append(
                {
                    "kind": "step" if example else "card",
                    "url": f"{url}#{card.anchor}",
                    "title": card.title,
                    "name": sorted(card.in_title),
                    "apis": sorted((card.used | card.in_prose) - card.in_title),
                    "errors": list(dict.fromkeys(card.messages.values())),
                    "asked": " / ".join([*asked.get(f"{docname}#{card.anchor}", ()), *causes]),
                    "module": title,
                    "text": " ".join(card.text.split()),
                }
            )
        entry = {"kind": "page", "url": url, "title": title}
        if words := asked.get(docname):
            entry["asked"] = " / ".join(words)
        if example:
            steps = " ".join(card.title for card in page.cards)
            found.append(entry | {"kind": "example", "text": f"{page.text} {steps}"})
        else:
            found.append(entry | {"text": first_sentence(page.text, 300)})
    return found


def questions():
    """What readers ask, by card or page: ``asked.tsv``, an address and words of both languages.

    A reader with a symptom has other words than the title. Either language finds a card in
    either edition, as by the synonyms.
    """
    lines = (TABLES / "asked.tsv").read_text(encoding="utf-8").splitlines()
    return {address: words for address, *words in (line.split("\t") for line in lines)}


def synonyms():
    """Rows of ``synonyms.tsv``: words that mean the same to a reader who searches.

    Chinese and English stand together, so that either finds a card in either language.
    """
    lines = (TABLES / "synonyms.tsv").read_text(encoding="utf-8").splitlines()
    return [line.split("\t") for line in lines]


def stop_words():
    """Words of ``stop_words.txt``, which say nothing of what is searched for."""
    return (TABLES / "stop_words.txt").read_text(encoding="utf-8").split()


def write_index(app, exception):
    """Write ``_static/cards.js``, and what can come later, the words of the prose, ``texts.js``.

    They are scripts, not JSON, since pages opened as files cannot fetch. The page's own scripts
    read them, or a worker, to both of which they are a part of ``self``.
    """
    if exception or app.builder.name != "html":
        return
    found = entries(app)
    texts = [entry.pop("text") for entry in found]
    shown = {name for entry in found for name in (*entry.get("name", ()), *entry.get("apis", ()))}
    others = {
        name: url
        for name, (kind, url) in documented().items()
        if name not in shown and kind in ("function", "class", "method", "attribute", "module")
    }
    index = {"entries": found, "synonyms": synonyms(), "stopWords": stop_words()}
    for name, variable, content in (
        ("cards.js", "proofsheetCards", index),
        ("texts.js", "proofsheetTexts", {"texts": texts, "documented": others}),
    ):
        text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
        path = Path(app.outdir, "_static", name)
        path.write_text(f"self.{variable}={text};\n", encoding="utf-8")


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
