"""Examples: the result before the steps, hidden solutions, and the ways from and to cards."""

import base64
import re
from collections import defaultdict

from docutils import nodes
from sphinx.locale import _
from sphinx.util import logging

from . import apis, records, running

logger = logging.getLogger(__name__)

NAMED = 3  # examples named below a card


class fold(nodes.General, nodes.Element):
    """Content that shows when it is asked for; ``summary`` is what asks."""


class ways(nodes.General, nodes.Element):
    """Stands for links between cards and examples until all pages are read."""


def result(sections, title):
    """A copy of the last figure of an example, to be shown above its first step, or None."""
    figures = [image for section in sections for image in section.findall(nodes.image)]
    if not figures:
        return None
    copy = figures[-1].deepcopy()
    copy.attributes.pop("loading", None)  # it is what the reader sees first
    copy["alt"] = title
    copy["classes"] = [*copy["classes"], "result"]
    return copy


def thumbnail(docname):
    """The small picture of an example's result as an address that holds it.

    A chapter shows up to twenty: as files they would be as many requests.
    """
    data = base64.b64encode(running.thumbnail(docname).read_bytes())
    return f"data:image/webp;base64,{data.decode()}"


def lead_on(top, sections):
    """In a list before the first step, make links of the *titles* of steps."""
    anchors = {section[0].astext(): section["ids"][0] for section in sections}
    for tree in [node for node in top.children if isinstance(node, nodes.bullet_list)]:
        for title in list(tree.findall(nodes.emphasis)):
            anchor = anchors.get(" ".join(title.astext().split()))
            if anchor is None:
                logger.warning("no step is called %r", title.astext(), location=title)
                continue
            link = nodes.reference("", title.astext(), refid=anchor, internal=True)
            title.replace_self(link)


def conceal(section, card):
    """Fold hints, and in a cell called "Solution" all but its title."""
    for hint in list(section.findall(nodes.hint)):
        hint.replace_self(fold("", *hint.children, summary=_("Hint")))
    if card.title.startswith("Solution"):
        folded = fold("", *section.children[1:], summary=_("Show the solution"))
        section.children[1:] = []
        section += folded


def arguments(title):
    """What code must hold to show what a card with this title is about; None: no code does."""
    if re.match("Error|Warning", title):
        return None
    literals = re.findall(r"``(.+?)``", title)
    return [found for literal in literals for found in re.findall(r"\b\w+=(?!=)", literal)]


def connect(env):
    """Which card leads to which examples, and which example to which cards.

    A card that names a function in its title leads to the examples that use the function,
    with the arguments that the title names; one about an error leads nowhere. An example
    leads, for each function it uses, to the first card with it in the title.

    Returns:
        dict: page to ``{anchor: [(text, page, anchor)]}``; an example's anchor is "", and
        ``text`` there is the name of the function.
    """
    order = [
        page
        for chapter in env.toctree_includes.get("gallery/index", ())
        for page in env.toctree_includes.get(chapter, ())
    ]
    users = defaultdict(list)
    texts, cards = {}, {}
    for docname, entries in env.proofsheet_cards.items():
        texts[docname] = "\n".join(card["code"] for card in entries)
        cards |= {(docname, card["anchor"]): card for card in entries}
    for docname in order:
        for name in sorted(set().union(*(c["used"] for c in env.proofsheet_cards[docname]))):
            users[name].append(docname)
    found = defaultdict(lambda: defaultdict(list))
    for name, pairs in apis.index(env).items():
        homes = [entry["page"] for rank, entry in pairs if rank == 0]
        homes = [home for home in homes if home.startswith("reference/")]
        for home in homes[:1]:
            page, _hash, anchor = home.partition(".html#")
            for docname in users[name]:
                found[docname][""].append((name, page, anchor))
        for home in homes:
            page, _hash, anchor = home.partition(".html#")
            known, wanted = found[page][anchor], cards[page, anchor]["arguments"]
            for user in users[name]:
                shows = wanted is not None and all(part in texts[user] for part in wanted)
                if shows and ("", user, "") not in known:
                    known.append(("", user, ""))
    for anchors in found.values():
        for anchor, links in anchors.items():
            if anchor:
                links.sort(key=lambda link: order.index(link[1]))
                del links[NAMED:]
    return {page: dict(anchors) for page, anchors in found.items()}


def rewrite(app, env):
    """``env-updated``: pages whose links changed because another page did."""
    old, new = env.proofsheet_ways, connect(env)
    env.proofsheet_ways = new
    changed = {page for page in {*old, *new} if old.get(page) != new.get(page)}
    return sorted(changed & set(env.found_docs))


def fill(app, doctree, docname):
    """Put the links where their placeholder stands."""
    for place in list(doctree.findall(ways)):
        links = app.env.proofsheet_ways.get(docname, {}).get(place["anchor"], ())
        if not links:
            place.parent.remove(place)
            continue
        label = _("Cards for what is used here") if not place["anchor"] else _("In use:")
        line = nodes.paragraph("", "", nodes.inline("", label, classes=["ways-label"]))
        for text, page, anchor in links:
            uri = app.builder.get_relative_uri(docname, page) + (f"#{anchor}" if anchor else "")
            if text:
                short = text.removeprefix("torch.")
                shown, title = [nodes.literal("", short)], text
            else:
                known = app.env.proofsheet_pages[page]["title"]
                shown, title = [node.deepcopy() for node in known.children], ""
            link = nodes.reference("", "", *shown, refuri=uri, internal=True)
            if title:
                link["reftitle"] = title
            between = " · " if (text, page, anchor) != links[0] else " "
            line += [nodes.Text(between), nodes.inline("", "", link)]
        line["classes"] = ["ways", "ways-cards" if not place["anchor"] else "ways-examples"]
        place.replace_self(line)


def prepare(app):
    """Give the environment, which is kept between builds, the links that pages show."""
    if not hasattr(app.env, "proofsheet_ways"):
        app.env.proofsheet_ways = {}


def visit_fold(self, node):
    """The browser's own folding."""
    self.body.append(f'<details class="fold"><summary>{self.encode(node["summary"])}</summary>\n')


def depart_fold(self, _node):
    """Close it."""
    self.body.append("</details>\n")


def used(page, card):
    """Names of PyTorch that the lines of ``card`` use.

    What an example used is recorded as a whole: a cell has those whose last part it holds.
    """
    names = records.used(page, card)
    if not page.example:
        return names
    words = set(re.findall(r"\w+", card.code))
    return {name for name in names if name.rpartition(".")[2] in words}


def setup(app):
    """Register the nodes and the hooks."""
    app.add_node(fold, html=(visit_fold, depart_fold))
    app.add_node(ways)
    app.connect("builder-inited", prepare)
    app.connect("env-updated", rewrite)
    app.connect("doctree-resolved", fill)
