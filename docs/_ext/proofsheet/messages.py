"""Error messages: what PyTorch says, the cause in a line, and the card on which it is raised."""

import json
from functools import cache
from html import escape
from pathlib import Path

from docutils import nodes
from sphinx.locale import _
from sphinx.util.logging import getLogger

from . import data, markup, records, tsv
from .site import chapters, shorten

logger = getLogger(__name__)
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


def _rows(app, chapter):
    """``(page, card, message, cause)`` of a chapter's messages, in reading order, each once."""
    pages, seen = data.of(app.env).pages, set()
    for name in (page["docname"] for page in chapter["pages"]):
        for card in pages[name].cards if name in pages else ():
            for quoted, whole in card.messages.items():
                cause = table().get((name, quoted), {}).get(app.config.language, "")
                if (whole, cause) not in seen:
                    seen.add((whole, cause))
                    yield name, card, shorten(whole, LONGEST), cause


def _chapters(app):
    return [one for top in records.SOURCES for one in chapters(app.env, f"{top}/index")]


def index(app, docname, place):
    """``{error-messages} CHAPTER...``: a table for each of these chapters, in reading order."""
    labels, made = (_("Message"), _("Cause"), _("Card")), []
    for chapter in _chapters(app):
        if chapter["docname"].removesuffix("/index") in place["given"]:
            rows = []
            for name, card, message, cause in _rows(app, chapter):
                where = markup.link(app, docname, name, card.heading, card.anchor)
                cells = [_verbatim(message)], _inline(cause), [where]
                rows.append([markup.cell(*cell) for cell in cells])
            if rows:
                made.append(markup.table(labels, chapter["title"], rows, "messages"))
    return [markup.filtered(made, _("Filter the messages"), "tbody tr")]


def _homes(env):
    """Which page lists the messages of which chapter."""
    return {
        chapter: docname
        for docname, page in data.of(env).pages.items()
        for place in page.places
        if place["call"] is index
        for chapter in place["given"]
    }


def entrance(app, docname, _place):
    """``{all-messages}``: a field that asks the messages of all pages, and these pages.

    What it asks is a file of its own, which messages.js fetches for the first letter.
    """
    homes, items = data.of(app.env).once(_homes), nodes.bullet_list(classes=["modules", "columns"])
    counted = {}
    for chapter in _chapters(app):
        count = len([*_rows(app, chapter)])
        home = homes.get(chapter["docname"].removesuffix("/index"))
        if count and home is None:
            logger.warning("no page lists the messages of %s", chapter["docname"], once=True)
        elif count:
            counted.setdefault(home, []).append((chapter, count))
    for home, found in counted.items():
        (first, number), *others = found
        title = nodes.Text(first["kind"] if others else first["title"])
        to = markup.link(app, docname, home, [title])
        item = nodes.list_item("", nodes.paragraph("", "", to, classes=["module-title"]))
        number += sum(count for _chapter, count in others)
        text = _("1 message") if number == 1 else _("%d messages") % number
        item += nodes.paragraph("", text, classes=["module-state"])
        items += item
    labels = {"more": _("{count} messages; the first {shown}:")}
    labels |= {"some": _("{count} messages:"), "none": _("No message has all of these words.")}
    labels |= {"message": _("Message"), "cause": _("Cause"), "card": _("Card")}
    attributes = {f"data-{name}": text for name, text in labels.items()}
    attributes["data-file"] = "_static/all_messages.js"
    options = {"attributes": attributes, "before": markup.field(_("Filter the messages"))}
    box = markup.element("", "", tag="div", classes=["all-messages"], **options)
    return [box, items]


def write(app, exception):
    """``build-finished``: write what the entrance's field asks, a script like the search's."""
    if exception or app.builder.name != "html":
        return
    rows = [
        [message, cause, card.title, f"{app.builder.get_target_uri(name)}#{card.anchor}"]
        for chapter in _chapters(app)
        for name, card, message, cause in _rows(app, chapter)
    ]
    text = json.dumps(rows, ensure_ascii=False, separators=(",", ":"))
    path = Path(app.outdir, "_static", "all_messages.js")
    path.write_text(f"proofsheetMessages({text});\n", encoding="utf-8")


def add_script(app, pagename, templatename, context, doctree):
    """``html-page-context``: the entrance alone needs the script of its field."""
    if pagename == "messages":
        app.add_js_file("messages.js", loading_method="defer")


def setup(app):
    data.add_place(app, "error-messages", index, reads=TABLE)
    data.add_place(app, "all-messages", entrance, reads=TABLE)
    app.connect("html-page-context", add_script)
    app.connect("build-finished", write)
