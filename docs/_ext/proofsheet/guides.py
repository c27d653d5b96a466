"""Pages that lead through the others: the learning path, and the handbooks' topics."""

import csv
import math
import re

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.locale import _
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

from . import pages, records

logger = logging.getLogger(__name__)

TOPICS = records.ROOT / "docs" / "topics.tsv"
# What a reader manages in a minute who tries out what is read.
WORDS, LINES = 150, 10


class path_steps(nodes.General, nodes.Element):
    """Stands for a list of pages until all are read."""


class topic_pages(nodes.General, nodes.Element):
    """Stands for the links of one topic until all pages are read."""


def minutes(page):
    """How long a module or example takes to read, from its words and its lines of code."""
    prose = f"{page.summary} " + " ".join(card.prose for card in page.cards)
    lines = sum(card.code.count("\n") + 1 for card in page.cards)
    return math.ceil(len(re.findall(r"\w+", prose)) / WORDS + lines / LINES)


class LearningPath(SphinxDirective):
    """``{learning-path}``: the pages named in its content, a line each, with their minutes."""

    has_content = True

    def run(self):
        """Leave a placeholder: other pages may not be read yet."""
        return [path_steps(pages=[line.strip() for line in self.content if line.strip()])]


class HandbookTopics(SphinxDirective):
    """``{handbook-topics}``: every topic of ``docs/topics.tsv`` with the pages that cover it."""

    def run(self):
        """The topics' words are translated as any other text; links follow later."""
        self.env.note_dependency(str(TOPICS))
        found, chapter = [], None
        for number, (topic, group, where, text) in enumerate(topics(), 1):
            if group != chapter:
                chapter = group
                found.append(nodes.bullet_list(classes=["topics"]))
            item = nodes.list_item()
            self.state.nested_parse(StringList([text], source=str(TOPICS)), number, item)
            item += topic_pages(topic=topic, pages=where)
            found[-1] += item
        return found


def topics():
    """Rows of ``docs/topics.tsv``: id, chapter, list of pages, what it is about."""
    with TOPICS.open(encoding="utf-8", newline="") as file:
        for topic, chapter, where, text in csv.reader(file, delimiter="\t"):
            yield topic, chapter, where.split(), text


def fill(app, doctree, docname):
    """Put links where their placeholders stand."""
    for place in list(doctree.findall(path_steps)):
        known = _known(app, place["pages"], place)
        times = {name: minutes(records.module(name)) for name in known if records.module(name)}
        place.replace_self(pages.listing(app, docname, known, times=times))
    for place in list(doctree.findall(topic_pages)):
        line = nodes.paragraph(classes=["topic-pages"])
        for target in _known(app, place["pages"], place):
            title = [node.deepcopy() for node in app.env.titles[target].children]
            uri = app.builder.get_relative_uri(docname, target)
            line += [nodes.reference("", "", *title, refuri=uri, internal=True), nodes.Text(" ")]
        if not len(line):
            line += nodes.inline("", _("to come"), classes=["to-come"])
        topic = nodes.inline("", f"{place['topic']} ", classes=["topic-id", "notranslate"])
        place.parent[0].insert(0, topic)  # only now: a translation replaces all of a paragraph
        place.replace_self(line)


def _known(app, targets, place):
    for target in targets:
        if target not in app.env.found_docs:
            logger.warning("no page %s", target, location=place)
    return [target for target in targets if target in app.env.found_docs]


def setup(app):
    """Register the directives."""
    app.add_node(path_steps)
    app.add_node(topic_pages)
    app.add_directive("learning-path", LearningPath)
    app.add_directive("handbook-topics", HandbookTopics)
    app.connect("doctree-resolved", fill)
