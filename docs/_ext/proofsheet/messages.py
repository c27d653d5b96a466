"""Error messages: what PyTorch says, the cause in a line, and the card on which it is raised."""

from functools import cache
from html import escape

from docutils import nodes
from sphinx.locale import _

from . import data, markup, records, tsv
from .site import chapters, shorten

LONGEST = 240  # characters of a message that are shown
TABLE = records.ROOT / "docs" / "messages.tsv"


@cache
def table():
    """Rows of ``docs/messages.tsv``: ``{(page, quotation): {language: cause}}``."""
    return {(row["page"], row["message"]): row for row in tsv.read(TABLE)}


def causes(docname, card, language):
    """The cause of each error and warning that a card quotes, without markup."""
    rows = (table().get((docname, quoted)) for quoted in card.messages)
    return list(dict.fromkeys(row[language].replace("`", "") for row in rows if row))


def _verbatim(message):
    """Code in one piece; docutils' literal would wrap each of its words in an element."""
    made = f'<code class="notranslate">{escape(message, quote=False)}</code>'
    return markup.html(message, message, html=made)


def _inline(text):
    """``text`` as nodes: double backticks make code."""
    parts = text.split("``")
    return [nodes.literal("", part) if i % 2 else nodes.Text(part) for i, part in enumerate(parts)]


def index(app, docname, _place):
    """``{error-messages}``: a table for each chapter, in reading order."""
    pages, labels, made = data.of(app.env).pages, (_("Message"), _("Cause"), _("Card")), []
    for chapter in (one for top in records.SOURCES for one in chapters(app.env, f"{top}/index")):
        rows, seen = [], set()
        for name in (page["docname"] for page in chapter["pages"]):
            for card in pages[name].cards if name in pages else ():
                for quoted, whole in card.messages.items():
                    cause = table().get((name, quoted), {}).get(app.config.language, "")
                    if (whole, cause) in seen:
                        continue
                    seen.add((whole, cause))
                    where = markup.link(app, docname, name, card.heading, card.anchor)
                    cells = [[_verbatim(shorten(whole, LONGEST))], _inline(cause), [where]]
                    rows.append([markup.cell(*cell) for cell in cells])
        if rows:
            made.append(markup.table(labels, chapter["title"], rows, "messages"))
    return [markup.filtered(made, _("Filter the messages"), "tbody tr")]


def setup(app):
    data.add_place(app, "error-messages", index)
