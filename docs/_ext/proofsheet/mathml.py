"""Formulas as MathML, made at build time: a page needs neither script nor font for them."""

import re

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.transforms.post_transforms import SphinxPostTransform

APPLIED = re.compile(r"<mo>&ApplyFunction;</mo>(?=<m[in]>|<msu[bp]>)")
BEFORE, AFTER = re.compile(r"[(\[（“‘]+$"), re.compile(r"^[,.;:!?)\]，。、；：！？）”’]+")


def mathml(formula, block=False):
    """The formula on one line, with a real prime, and a space between a function and a letter."""
    made = tex2mathml(formula.replace("'", r"^{\prime}"), as_block=block)
    return APPLIED.sub('<mspace width="0.17em" />', re.sub(r"\n\s*", "", made))


def visit_inline(self, node):
    self.body.append(mathml(node.astext()))
    raise nodes.SkipNode


def visit_block(self, node):
    self.body.append(f'<div class="math">{mathml(node.astext(), block=True)}</div>\n')
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
