"""Error messages: what PyTorch says, the cause in a line, and the card on which it is raised."""

import csv
import re
from functools import cache

from docutils import nodes
from sphinx.locale import _

from . import data, markup, records

TABLE = records.ROOT / "docs" / "messages.tsv"


@cache
def table():
    """Rows of ``docs/messages.tsv``: ``{(page, quotation): {language: cause}}``."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    return {(row["page"], row["message"]): row for row in rows}


def causes(docname, card, language):
    """The cause of each error and warning that a card quotes, without markup."""
    rows = (table().get((docname, quoted)) for quoted in card.messages)
    return list(dict.fromkeys(row[language].replace("`", "") for row in rows if row))


def _inline(text):
    """``text`` as nodes: double backticks make code."""
    parts = text.split("``")
    return [nodes.literal("", part) if i % 2 else nodes.Text(part) for i, part in enumerate(parts)]


def index(app, docname, _place):
    """``{error-messages}``: a table for each chapter, in reading order."""
    pages, chapters = data.of(app.env).pages, {}
    for name in records.docnames():
        for card in pages[name].cards if name in pages else ():
            for quoted, whole in card.messages.items():
                chapters.setdefault(name.rpartition("/")[0], {})[name, quoted] = card, whole
    labels, made = (_("Message"), _("Cause"), _("Card")), []
    for chapter, found in chapters.items():
        rows, seen = [], set()
        for (name, quoted), (card, whole) in found.items():
            cause = table().get((name, quoted), {}).get(app.config.language, "")
            if (whole, cause) in seen:
                continue
            seen.add((whole, cause))
            where = markup.link(app, docname, name, card.heading, card.anchor)
            cells = [[nodes.literal("", shorten(whole))], _inline(cause), [where]]
            rows.append([markup.cell(*cell) for cell in cells])
        title = app.env.titles[f"{chapter}/index"].astext()
        made.append(markup.table(labels, title, rows, "messages"))
    filter_ = {"data-filter": _("Filter the messages"), "data-filtered": "tbody tr"}
    return [markup.element("", "", *made, tag="div", attributes=filter_)]


def shorten(message, limit=240):
    """The beginning of a long message, up to the end of a word."""
    return message if len(message) <= limit else re.sub(r"\W*\s\S*$", " …", message[:limit])


def setup(app):
    data.add_place(app, "error-messages", index)
