"""Examples: the result before the steps, hidden solutions, and the ways from and to cards."""

import base64
import io
import re
from collections import defaultdict
from html import escape

from docutils import nodes
from PIL import Image
from sphinx.locale import _
from sphinx.util import logging

from . import apis, data, drawing, markup, records

logger = logging.getLogger(__name__)

NAMED = 3  # examples named below a card


def shorten_title(app, _doctree):
    """Call an example in the sidebar and in links what stands before the colon of its title."""
    docname, short = app.env.docname, nodes.title()
    if not docname.startswith("gallery/"):
        return
    for child in app.env.titles[docname].children:
        head, *rest = re.split(": |：", child.astext(), maxsplit=1)
        short += nodes.Text(head) if rest else child.deepcopy()
        if rest:
            app.env.titles[docname] = short
            entry = next(app.env.tocs[docname].findall(nodes.reference))
            entry.children = short.deepcopy().children
            return


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

    A chapter shows up to twenty: as files they would be as many requests. So they are as small
    as they can be in the width in which they are shown.
    """
    made = io.BytesIO()
    with Image.open(drawing.thumbnail(docname)) as picture:
        picture.save(made, "webp", quality=8, alpha_quality=15, method=6)
    return f"data:image/webp;base64,{base64.b64encode(made.getvalue()).decode()}"


def lead_on(top, sections):
    """In a list before the first step, make links of the *titles* of steps."""
    anchors = {section[0].astext(): section["ids"][0] for section in sections}
    lists = [node for node in top.children if isinstance(node, nodes.bullet_list)]
    for title in [title for tree in lists for title in tree.findall(nodes.emphasis)]:
        anchor = anchors.get(" ".join(title.astext().split()))
        if anchor is None:
            logger.warning("no step is called %r", title.astext(), location=title)
        else:
            link = nodes.reference("", title.astext(), refid=anchor, internal=True)
            title.replace_self(link)


def conceal(section, card):
    """Fold hints, and in a cell called "Solution" all but its title."""
    for hint in list(section.findall(nodes.hint)):
        hint.replace_self(_folded(_("Hint"), hint.children))
    if card.title.startswith("Solution"):
        folded = _folded(_("Show the solution"), section.children[1:])
        section.children[1:] = []
        section += folded


def _folded(summary, children):
    """Content that shows when ``summary`` is asked for: the browser's own folding."""
    before = f"<summary>{escape(summary)}</summary>\n"
    return markup.element("", "", *children, tag="details", before=before, classes=["fold"])


def arguments(title):
    """What code must hold to show what a card with this title is about; None: no code does."""
    if re.match("Error|Warning", title):
        return None
    literals = re.findall(r"``(.+?)``", title)
    return [found for literal in literals for found in re.findall(r"\b\w+=(?!=)", literal)]


def connect(env):
    """Which card leads to which examples, and which example to which cards.

    A card that names a function in its title leads to the examples that use the function,
    with the arguments that the title names; one about an error leads nowhere. What a card
    leads to is not repeated by those below it on the page. An example leads, for each function
    it uses, to the first card with it in the title.

    Returns:
        dict: ``(page, anchor)`` of a card to the pages of examples; ``(page, "")`` of an
        example to ``{name of a function: mention}``.
    """
    pages, below, found = data.of(env).pages, env.toctree_includes, defaultdict(dict)
    order = [n for chapter in below.get("gallery/index", ()) for n in below.get(chapter, ())]
    texts = {name: "\n".join(card.code for card in pages[name].cards) for name in order}
    users = defaultdict(list)
    for docname in order:
        for name in set().union(*(card.used for card in pages[docname].cards)):
            users[name].append(docname)
    cards = {(name, card.anchor): card for name, page in pages.items() for card in page.cards}
    for name, mentions in data.of(env).once(apis.index).items():
        homes = [m for m in mentions if m.rank == 0 and m.docname.startswith("reference/")]
        for user in users[name] if homes else ():
            found[user, ""][name] = homes[0]
        for home in homes:
            wanted = cards[home.docname, home.anchor].arguments
            for user in users[name]:
                if wanted is not None and all(part in texts[user] for part in wanted):
                    found[home.docname, home.anchor][user] = None
    shown = {key: links for key, links in found.items() if not key[1]}
    for name, page in pages.items():
        told = set()  # what a card above leads to already
        for card in page.cards:
            new = [one for one in order if one in found[name, card.anchor] and one not in told]
            shown[name, card.anchor] = new[:NAMED]
            told.update(new[:NAMED])
    return shown


def ways(app, docname, place):
    """Links from a card to examples, or from an example to cards."""
    domain, anchor = data.of(app.env), place["anchor"]
    links = domain.once(connect).get((docname, anchor))
    if not links:
        return []
    if anchor:
        label, kind = _("In use:"), "ways-examples"
        made = [markup.link(app, docname, page, domain.page(page).title) for page in links]
    else:
        label, kind = _("Cards for what is used here"), "ways-cards"
        made = [
            mention.link(app, docname, [nodes.literal("", name.removeprefix("torch."))], name)
            for name, mention in links.items()
        ]
    parts = markup.joined([nodes.inline("", "", link) for link in made])
    shown = nodes.inline("", label, classes=["ways-label"])
    return [nodes.paragraph("", "", shown, nodes.Text(" "), *parts, classes=["ways", kind])]


def used(page, card):
    """Names of PyTorch that the lines of ``card`` use.

    What an example used is recorded as a whole: a cell has those whose last part it holds.
    """
    names = records.used(page, card)
    if not page.example:
        return names
    words = set(re.findall(r"\w+", card.code))
    return {name for name in names if name.rpartition(".")[2] in words}
