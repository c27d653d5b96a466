"""What leads to cards: "Which one do I need?", the path, the topics."""

import csv
import math
import re

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.locale import _
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

from . import apis, data, pages, records
from .markup import cell, joined, link, table

logger = logging.getLogger(__name__)


# ---------------------------------------------------------------------- which one do I need?


def which(app, docname, place):
    """``.. which::``: a table whose names lead to their cards.

    Its content is a list, one item a row: names in code face, a colon, when they are the
    right ones. A row whose card is gone fails the build.
    """
    rows = []
    for item in place.findall(nodes.list_item):
        names, need = _parts(item[0])
        links = [_link(app, docname, name, item) for name in names]
        rows.append([cell(*need), cell(*joined(links))])
    return [table((_("What you need"), _("Use")), _("Which one do I need?"), rows, "which")]


def _parts(paragraph):
    """The names before the first colon outside code, and copies of the nodes after it."""
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


def _link(app, docname, literal, where):
    """From a name to the first card that shows it, one on this page before others."""
    text = literal.astext()
    cards = data.of(app.env).once(apis.index)
    found = cards.get(apis.named(text)[0])
    if not found:
        found = next((mentions for n, mentions in cards.items() if n.endswith(f".{text}")), None)
    if not found:
        logger.warning("no card shows %s", text, location=where, once=True)
        return nodes.literal("", text)
    mention = min(found, key=lambda mention: (mention.rank, mention.docname != docname))
    short = nodes.literal("", text.rpartition(".")[2] if text.count(".") > 1 else text)
    return mention.link(app, docname, [short], mention.title)


# ------------------------------------------------------------------------- path and handbooks

TOPICS = records.ROOT / "docs" / "topics.tsv"
# What a reader manages in a minute who tries out what is read.
WORDS, LINES = 150, 10


def minutes(module):
    """How long a module or example takes to read, from its words and its lines of code."""
    prose = f"{module.summary} " + " ".join(card.prose for card in module.cards)
    lines = sum(card.code.count("\n") + 1 for card in module.cards)
    return math.ceil(len(re.findall(r"\w+", prose)) / WORDS + lines / LINES)


def steps(app, docname, place):
    """``{learning-path}``: the pages named in its content, a line each, with their minutes."""
    found = _known(app, place)
    times = {name: minutes(module) for name in found if (module := records.module(name))}
    return [pages.listing(app, docname, found, times=times)]


class HandbookTopics(SphinxDirective):
    """``{handbook-topics}``: every topic of ``docs/topics.tsv`` with the pages that cover it."""

    def run(self):
        self.env.note_dependency(str(TOPICS))
        found = {}
        for number, (topic, chapter, where, text) in enumerate(topics(), 1):
            place = data.later(call=covering, topic=topic, given=where)
            self.state.nested_parse(StringList([text], source=str(TOPICS)), number, place)
            topics_list = found.setdefault(chapter, nodes.bullet_list(classes=["topics"]))
            topics_list += nodes.list_item("", place)
        return [*found.values()]


def topics():
    """Rows of ``docs/topics.tsv``: id, chapter, list of pages, what it is about."""
    with TOPICS.open(encoding="utf-8", newline="") as file:
        for topic, chapter, where, text in csv.reader(file, delimiter="\t"):
            yield topic, chapter, where.split(), text


def covering(app, docname, place):
    """A topic's number and words, and links to its pages."""
    words = place[0].deepcopy()
    words.insert(0, nodes.inline("", f"{place['topic']} ", classes=["topic-id", "notranslate"]))
    line = nodes.paragraph(classes=["topic-pages"])
    for target in _known(app, place):
        line += [link(app, docname, target, app.env.titles[target].children), nodes.Text(" ")]
    if not len(line):
        line += nodes.inline("", _("to come"), classes=["to-come"])
    return [words, line]


def _known(app, place):
    """The pages that a place names; a name that is no page's is complained of."""
    for target in set(place["given"]) - app.env.found_docs:
        logger.warning("no page %s", target, location=place, once=True)
    return [target for target in place["given"] if target in app.env.found_docs]


def setup(app):
    data.add_place(app, "which", which, parsed=True)
    app.add_directive("handbook-topics", HandbookTopics)
    data.add_place(app, "learning-path", steps)
