"""Formulas as MathML, made at build time: a page needs neither script nor font for them."""

import re

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.transforms.post_transforms import SphinxPostTransform

FUNCTION = re.compile(r"(<mi>(?:log|ln|exp|max|min|sin|cos|tanh)</mi>)(?=<m(?:i|n|sub|sup)>)")
BEFORE, AFTER = re.compile(r"[(\[（“‘]+$"), re.compile(r"^[,.;:!?)\]，。、；：！？）”’]+")


def mathml(formula, display="inline"):
    """The formula, with the space behind a function's name that the converter leaves out."""
    return FUNCTION.sub(r'\1<mspace width="0.17em" />', convert(formula, display=display))


def visit_inline(self, node):
    """A formula in a line."""
    self.body.append(mathml(node.astext()))
    raise nodes.SkipNode


def visit_block(self, node):
    """A formula of its own."""
    self.body.append(f'<div class="math">{mathml(node.astext(), "block")}</div>\n')
    raise nodes.SkipNode


class Together(SphinxPostTransform):
    """Keep a formula and its punctuation on one line; to a browser a formula is like a picture."""

    default_priority = 900  # behind translation

    def run(self, **_):
        """Move the punctuation around each formula in a line into one element with it."""
        for formula in list(self.document.findall(nodes.math)):
            parent, at = formula.parent, formula.parent.index(formula)
            group = nodes.inline("", "", classes=["together"])
            parent[at] = group
            group += formula
            for mark, beside in ((BEFORE, at - 1), (AFTER, at + 1)):
                text = parent[beside] if 0 <= beside < len(parent) else None
                if isinstance(text, nodes.Text) and (found := mark.search(text)):
                    group.insert(0 if mark is BEFORE else len(group), nodes.Text(found[0]))
                    parent[beside] = nodes.Text(mark.sub("", text))


def setup(app):
    app.add_post_transform(Together)
    app.add_html_math_renderer("mathml", (visit_inline, None), (visit_block, None))
