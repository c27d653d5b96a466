"""What differs between releases of PyTorch: in a card, and on a page of its own.

A claim may hold since a release and say what came before: ``# 2 since 2.14, 1 before``.
Each side is a branch; it is marked as checked where a record of such a release reached it.
"""

import re
from collections import defaultdict

from docutils import nodes
from sphinx.locale import _
from sphinx.util.docutils import SphinxDirective

from torchproof.grammar import release

from . import code, data, markup, records

BRACKET = re.compile(r"(?<=[(\[])\s+|,?\n\s*(?=[)\]])")  # lines that brackets make


def reached(module, card):
    """A function: did ``card`` hold with a release that one side of a claim speaks of?"""

    def ask(branch, newer):
        first = branch.since and release(branch.since)
        return records.reached(module, card, first, newer and release(newer.since))

    return ask


def said(branch):
    """A branch as it is written."""
    return f"{branch.text} since {branch.since}" if branch.since else f"{branch.text} before"


def results(claim, reached, verified):
    """What a table shows of a claim: its text, or its branches, each with its own mark."""
    if not claim.branches:
        return [code.line(claim.text)]
    parts = []
    for newer, branch in zip([None, *claim.branches], claim.branches, strict=False):
        marked = ["verified"] if verified and reached(branch, newer) else []
        parts.append(nodes.inline("", "", code.line(said(branch)), classes=marked))
    return markup.joined(parts, ", ")


class Since(SphinxDirective):
    """``.. since:: 2.14`` in the text of a card: no older release runs it."""

    required_arguments = 1

    def run(self):
        text = _("Since PyTorch %s") % self.arguments[0]
        return [nodes.paragraph("", text, classes=["since"], translatable=False)]


def changes(app, docname, _place):
    """``{what-changed}``: every claim that differs between releases, the newest release first."""
    rows, pages = defaultdict(list), data.of(app.env).pages
    # The reference first, then the gallery.
    for target in sorted(pages, key=lambda name: (name.startswith("gallery/"), name)):
        for card in pages[target].cards:
            for claim in card.claims:
                for branch, older in zip(claim.branches, claim.branches[1:], strict=False):
                    where = markup.link(app, docname, target, card.heading, card.anchor)
                    source = " ".join(BRACKET.sub("", claim.source).split())
                    lines = [code.line(text) for text in (source, older.text, branch.text)]
                    rows[branch.since].append([markup.cell(node) for node in (where, *lines)])
    if not rows:
        return [nodes.paragraph("", _("No card tells releases apart yet."))]
    labels = (_("Card"), _("Code"), _("Before"), _("Since"))
    newest = sorted(rows, key=release, reverse=True)
    return [markup.table(labels, f"PyTorch {since}", rows[since], "changes") for since in newest]


def setup(app):
    app.add_directive("since", Since)
    data.add_place(app, "what-changed", changes)
