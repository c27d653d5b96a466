"""``.. which::``: a table "Which one do I need?" whose names lead to their cards.

Written as a list, one item a row: names in code face, a colon, when they are the right
ones. The names are looked up among the cards when all pages are read, so that a row whose
card is gone fails the build.
"""

import re

from docutils import nodes
from sphinx.locale import _
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

from . import apis, pages

logger = logging.getLogger(__name__)


class which(nodes.General, nodes.Element):
    """Stands for the table until all pages are read; its child is the list."""


class Which(SphinxDirective):
    """``.. which::`` with a list of "names: need" as content."""

    has_content = True

    def run(self):
        """Keep the list, which is translated as any other text."""
        place = which()
        self.state.nested_parse(self.content, self.content_offset, place)
        self.env.proofsheet_choosing.add(self.env.current_document.docname)
        return [place]


def fill(app, doctree, docname):
    """Make the table."""
    places = list(doctree.findall(which))
    if not places or app.builder.name == "gettext":  # which takes the list for translation
        return
    cards = apis.index(app.env)
    for place in places:
        labels = (_("What you need"), _("Use"))
        table = pages.glance(labels=labels, caption=_("Which one do I need?"))
        table["classes"] = ["which"]
        for item in place.findall(nodes.list_item):
            names, need = _parts(item[0])
            row = pages.glance_row("", pages.glance_cell("", "", *need, label=labels[0]))
            cell = pages.glance_cell("", label=labels[1])
            for name in names:
                if len(cell):
                    cell += nodes.Text(" · ")
                cell += _link(app, docname, name, cards, item)
            row += cell
            table += row
        place.replace_self(table)


def _parts(paragraph):
    """The names before the first colon outside code, and the nodes after it."""
    names = []
    for place, node in enumerate(paragraph.children):
        if isinstance(node, nodes.Text):
            _head, colon, tail = re.split(r"([:：]|\Z)", node.astext(), maxsplit=1)
            if colon:
                rest = [other.deepcopy() for other in paragraph.children[place + 1 :]]
                return names, [nodes.Text(tail.strip() if not rest else tail.lstrip()), *rest]
        else:
            names.append(node)
    return names, []


def _link(app, docname, literal, cards, where):
    text = literal.astext()
    name = apis.named(text)[0]
    found = cards.get(name)
    if not found:
        name, found = next(
            ((n, pairs) for n, pairs in cards.items() if n.endswith(f".{text}")), (text, None)
        )
    if not found:
        logger.warning("no card shows %s", text, location=where)
        return nodes.literal("", text)
    here = f"{docname}.html#"
    _rank, entry = min(found, key=lambda pair: (pair[0], not pair[1]["page"].startswith(here)))
    page, _hash, anchor = entry["page"].partition(".html#")
    uri = app.builder.get_relative_uri(docname, page) + f"#{anchor}"
    code = nodes.literal("", text.rpartition(".")[2] if text.count(".") > 1 else text)
    return nodes.reference("", "", code, refuri=uri, reftitle=entry["card"], internal=True)


def prepare(app):
    """Remember which pages have tables: they are written again when any card changed."""
    if not hasattr(app.env, "proofsheet_choosing"):
        app.env.proofsheet_choosing = set()


def purge(_app, env, docname):
    """``env-purge-doc``: forget a page."""
    env.proofsheet_choosing.discard(docname)


def setup(app):
    """Register the directive."""
    app.add_node(which)
    app.add_directive("which", Which)
    app.connect("builder-inited", prepare)
    app.connect("doctree-resolved", fill)
    app.connect("env-purge-doc", purge)
