"""What pages know of each other: one domain, one placeholder, one answer to "is it up to date?".

A page is noted here while it is read, a card as an :class:`Entry` of it. What a page shows of
*other* pages cannot be made then, since some are not read yet: a :class:`later` node stands for
it and names the function that makes it. These functions are called twice: once when all pages
are read, to see by what they give which pages must be written again, and when a page is written.
"""

import hashlib
from dataclasses import dataclass, field
from typing import ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.domains import Domain
from sphinx.util.docutils import SphinxDirective

from . import records


@dataclass
class Entry:
    """A card as the table, the lists, the API index and the search show it."""

    anchor: str
    title: str
    heading: list  # the title's nodes, without links
    text: str
    code: str
    claims: list
    arguments: list | None  # what an example must pass to be one of this card
    verified: list  # devices
    used: set  # names that its lines ran
    in_title: set
    in_prose: set
    messages: dict = field(default_factory=dict)  # quotation of an error -> the whole message
    chief: object = None  # the claim that stands for the card in tables
    lead: tuple | None = None  # what it needs before it there, see code.lead


@dataclass
class Page:
    """A page as other pages show it."""

    title: list = field(default_factory=list)  # nodes, without links
    summary: list = field(default_factory=list)  # the first paragraph's nodes
    text: str = ""  # the same as plain text
    result: str | None = None  # the small picture of what an example reached
    cards: list = field(default_factory=list)
    promised: dict = field(default_factory=dict)  # names PyTorch must have -> where it says so
    places: list = field(default_factory=list)  # copies of its :class:`later` nodes
    shown: str = ""  # hash of what these gave when the page was last written
    digest: str = ""  # of the records that it was read with


class PagesDomain(Domain):
    """Every page of the site, kept between builds by Sphinx."""

    name = "proofsheet"
    label = "Proofsheet"
    data_version = 1
    initial_data: ClassVar = {"pages": {}, "torch": {}}  # what PyTorch said, see apis.ask

    def __init__(self, env):
        super().__init__(env)
        self.pages = self.data["pages"]
        self.read = False  # was a page read, or removed, in this build?
        self._answers = {}

    def page(self, docname):
        """What is known of a page; what its directives and the transforms note belongs here."""
        return self.pages.setdefault(docname, Page())

    def once(self, question):
        """What ``question(env)`` gives; asked again only after another page was read."""
        if question not in self._answers:
            self._answers[question] = question(self.env)
        return self._answers[question]

    def clear_doc(self, docname):
        self.pages.pop(docname, None)
        self.read = True
        self._answers.clear()

    def merge_domaindata(self, docnames, otherdata):
        self.pages |= {name: otherdata["pages"][name] for name in docnames}

    def resolve_any_xref(self, *_):
        return []


def of(env):
    """The domain of ``env``."""
    return env.get_domain(PagesDomain.name)


# ------------------------------------------------------------------------------ placeholders


class later(nodes.General, nodes.Element):
    """Stands for the nodes that ``call(app, docname, this node)`` gives once all pages are read.

    Its children are text for ``call`` to use; they are translated like any other.
    """


def add_place(app, name, call, *options, parsed=False, reads=None):
    """Add the directive ``name``, which leaves a place for ``call`` to fill.

    What the directive is given, as its argument or as its content, is ``place["given"]``, a
    list of words; its ``options`` have the same names there. Content that is ``parsed``
    becomes the children of the place. A page that has one is read again if the file ``reads``
    changes.
    """

    class Place(SphinxDirective):
        has_content = True
        optional_arguments = 1
        final_argument_whitespace = True
        option_spec: ClassVar = dict.fromkeys(options, directives.unchanged_required)

        def run(self):
            words = [*self.arguments, *([] if parsed else self.content)]
            place = later(call=call, given=" ".join(words).split(), **self.options)
            self.set_source_info(place)
            if reads:
                self.env.note_dependency(str(reads))
            if parsed:
                self.state.nested_parse(self.content, self.content_offset, place)
            return [place]

    app.add_directive(name, Place)


def fill(app, doctree, docname):
    """``doctree-resolved``: put in what was left for later."""
    if app.builder.format == "html":  # gettext wants the text below a place as it is
        for place in list(doctree.findall(later)):
            place.replace_self(place["call"](app, docname, place))


# ----------------------------------------------------------------------------- what is stale


def outdated(app, env, added, changed, removed):
    """``env-get-outdated``: pages whose records changed though their text did not.

    Notebooks, whose cells count over all records, are read again if any of them did.
    """
    records.known.cache_clear()
    pages = of(env).pages
    found = {
        name
        for name in env.found_docs.intersection(records.docnames())
        if name in pages and pages[name].digest != records.digest(name)
    }
    if found or added or removed:
        found |= {name for name in env.found_docs if "kernelspec" in env.metadata[name]}
    return sorted(found)


def rewrite(app, env):
    """``env-updated``: pages on which something of other pages shows that is different now."""
    domain = of(env)
    found = []
    for docname, page in domain.pages.items() if domain.read else ():
        made = [place["call"](app, docname, place) for place in page.places]
        text = "".join(str(node) for place in made for node in place)
        shown = hashlib.sha256(text.encode()).hexdigest()
        if page.places and page.shown != shown:
            page.shown = shown
            found.append(docname)
    return found


def setup(app):
    app.add_domain(PagesDomain)
    app.add_node(later)
    app.connect("env-get-outdated", outdated)
    app.connect("env-updated", rewrite)
    app.connect("doctree-resolved", fill)
