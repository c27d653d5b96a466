"""The quick reference: one line of code from the first cards of every module, chosen by rule."""

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from . import code, pages

CARDS = 2  # of each module; modules begin with what is wanted most
LONGEST = 58  # characters of a line of code


class quick_reference(nodes.General, nodes.Element):
    """Stands for the lines until all pages are read."""


class QuickReference(SphinxDirective):
    """``{quick-reference}``: every chapter, every module, the chief line of its first cards."""

    def run(self):
        """Leave a placeholder: other pages may not be read yet."""
        return [quick_reference()]


def lines(entries):
    """The first cards of a module that have a short line with a claim.

    Arguments:
        entries: what the environment knows of the module's cards.
    Returns:
        list: of ``(entry, claim)``.
    """
    found = []
    for entry in entries:
        claim = entry["chief"]
        if claim and not claim.error and "\n" not in claim.statement:
            if len(claim.statement) <= LONGEST and len(claim.text) <= LONGEST:
                found.append((entry, claim))
    return found[:CARDS]


def fill(app, doctree, docname):
    """Put the lines where their placeholder stands."""
    for place in list(doctree.findall(quick_reference)):
        chapters = _below(app, "reference/index")
        place.replace_self([_chapter(app, docname, chapter) for chapter in chapters])


def _below(app, docname):
    return app.env.toctree_includes.get(docname, ())


def _chapter(app, docname, chapter):
    title = app.env.titles[chapter].astext()
    section = nodes.section(ids=[nodes.make_id(chapter)], classes=["quick"])
    uri = app.builder.get_relative_uri(docname, chapter)
    section += nodes.title("", "", nodes.reference("", title, refuri=uri, internal=True))
    items = nodes.bullet_list(classes=["quick-lines"])
    for target in _below(app, chapter):
        uri = app.builder.get_relative_uri(docname, target)
        for entry, claim in lines(app.env.proofsheet_cards[target]):
            heading = [node.deepcopy() for node in entry["heading"]]
            where = f"{uri}#{entry['anchor']}"
            link = nodes.reference("", "", *heading, refuri=where, internal=True)
            text = f"{claim.statement}  #\N{NO-BREAK SPACE}{claim.text}"
            line = pages.code_line("", "", *code.highlight(text, lambda written: None))
            classes = ["verified"] if entry["verified"] else []
            title = nodes.paragraph("", "", link)
            items += nodes.list_item("", title, nodes.paragraph("", "", line, classes=classes))
    section += items
    return section


def setup(app):
    """Register the directive."""
    app.add_node(quick_reference)
    app.add_directive("quick-reference", QuickReference)
    app.connect("doctree-resolved", fill)
