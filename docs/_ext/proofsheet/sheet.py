"""The cheat sheet: the cards of ``snippets/sheet``, a box each, whose names lead to other cards.

On the screen it can be filtered and copied from. :func:`print_sheets` prints it, where there is
a Chromium: two pages of paper for each language.
"""

import ast
import hashlib
import os
from functools import cache
from html import escape
from importlib.metadata import version
from itertools import pairwise

from docutils import nodes
from sphinx.locale import _

from . import apis, browser, changes, code, data, languages, markup, records, tsv

CHAPTER = "reference/sheet"
PAPER = {"format": "A4", "margin": dict(top="8mm", bottom="11mm", left="8mm", right="8mm")}
FOOT = '<div style="width: 100%; padding: 0 8mm; font: 6pt sans-serif; color: #555">{}</div>'


@cache
def chosen():
    """Rows of ``docs/sheet.tsv``: the card for a line that has no name, such as ``x[0]``, or
    whose name stands on too many cards."""
    return {row["line"]: row["card"] for row in tsv.read(records.ROOT / "docs" / "sheet.tsv")}


def modules():
    """Pages whose cards are the boxes, in reading order."""
    return [name for name in records.docnames() if name.rpartition("/")[0] == CHAPTER]


def sheet(app, docname, _place):
    """``{cheat-sheet}``: all boxes, what they were checked with, and where the paper is."""
    sheets = []
    for name in modules():
        module, page, boxes = records.module(name), data.of(app.env).page(name), []
        for card, entry in zip(module.cards, page.cards, strict=False):
            title = markup.link(app, docname, name, entry.heading, entry.anchor)
            lines = _box(app, docname, module, card, entry)
            box = nodes.section("", nodes.title("", "", title), lines)
            box["ids"], box["classes"] = [entry.anchor], ["sheet-box"]
            boxes.append(box)
        sheets.append(markup.element("", "", *boxes, tag="div", classes=["sheet"]))
    foot = nodes.paragraph("", _foot(app), classes=["sheet-foot"])
    if browser.CHROMIUM:
        foot += [nodes.Text(" · "), nodes.reference("", _("On paper (PDF)"), refuri="sheet.pdf")]
    return [markup.filtered(sheets, _("Filter the lines"), ".sheet-line"), foot]


def _foot(app):
    names = modules()
    digest = hashlib.sha256("".join(map(records.digest, names)).encode()).hexdigest()
    found = records.summary(
        [(page, unit) for page in map(records.module, names) for unit in page.units()], "cpu"
    )
    facts = [f"PyTorch {version('torch')}", found.date if found else "", app.config.proofsheet_site]
    return " · ".join(filter(None, [*facts, f"#{digest[:10]}"]))


def _box(app, docname, module, card, entry):
    """The code of a card, a line of the sheet for each statement."""
    cards, heads = data.of(app.env).once(apis.index), apis.imported(module.imports)

    def link(written):
        """From a name to the card that has it in its title, or else runs it."""
        head, _dot, rest = written.partition(".")
        names = [f"{heads[head]}.{rest}".rstrip(".")] if head in heads else []
        if rest and not names:  # a method: of what it was called on, the record knows the class
            names = [name for name in entry.used if name.endswith(f".{rest}")]
            names.sort(key=lambda name: (head.lower() not in name.lower(), name))
        mentions = cards.get(names[0], ()) if names else ()
        found = [one for one in mentions if not one.docname.startswith(CHAPTER)]
        # Of cards that have it in their titles, the reference's before the gallery's.
        found.sort(key=lambda one: (one.rank, one.docname.startswith("gallery")))
        return to(found[0].docname, found[0].anchor, found[0].title) if found else None

    def to(page, anchor, title):
        return f"{app.builder.get_relative_uri(docname, page)}#{anchor}", title

    pages = data.of(app.env).pages
    rows, made, reached = card.code.split("\n"), [], changes.reached(module, card)
    starts = [node.lineno - 1 for node in ast.parse(card.code).body] + [len(rows)]
    for start, stop in pairwise(starts):
        text = "\n".join(rows[start:stop]).rstrip("\n")
        found = [one for one in entry.claims if start < one.line <= stop]
        source = text.partition("  #")[0]
        page, _hash, anchor = chosen().get(source, "").partition("#")
        known = pages[page].cards if page in pages else ()
        target = next((one for one in known if one.anchor == anchor), None)
        shown = code.highlight(text, None if target else link, found, reached)
        if target:
            url, title = map(escape, to(page, anchor, target.title))
            head = code.highlight(source)
            leads = f'<a class="reference internal" href="{url}" title="{title}">{head}</a>'
            shown = leads + shown.removeprefix(head)
        kind = "sheet-line" if "\n" not in text else "sheet-line sheet-block"
        made.append(f'<span class="{kind}">{shown}\n</span>')
    classes = ["verified"] if entry.verified else []
    return code.block(card.code, "".join(made), module.imports, classes)


def print_sheets():
    """Print the sheet of each language that is newer than its paper. Needs a Chromium."""
    folders = [browser.SITE / language for language in languages.NAMES]
    found = [(folder / "quick.html", folder / "sheet.pdf") for folder in folders]
    wanted = [(page, paper) for page, paper in found if page.exists() and not _newer(paper, page)]
    if not (wanted and browser.CHROMIUM):
        return
    with browser.launched() as running:
        tab = running.new_page(color_scheme="light")
        for page, paper in wanted:
            tab.goto(page.as_uri())
            tab.evaluate("document.fonts.ready")
            foot = tab.locator(".sheet-foot").inner_text().rpartition(" · ")[0]
            template = FOOT.format(escape(foot))
            ends = {"header_template": "<span></span>", "footer_template": template}
            tab.pdf(path=f"{paper}.part", display_header_footer=True, **ends, **PAPER)
            os.replace(f"{paper}.part", paper)


def _newer(one, other):
    return one.exists() and one.stat().st_mtime >= other.stat().st_mtime


def setup(app):
    data.add_place(app, "cheat-sheet", sheet)


if __name__ == "__main__":
    print_sheets()
