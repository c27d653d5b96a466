"""Formulas as MathML, made at build time: a page needs neither script nor font for them."""

import re

from docutils import nodes
from latex2mathml.converter import convert

FUNCTION = re.compile(r"(<mi>(?:log|ln|exp|max|min|sin|cos|tanh)</mi>)(?=<m(?:i|n|sub|sup)>)")


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


def setup(app):
    """Register the renderer; ``html_math_renderer = "mathml"`` chooses it."""
    app.add_html_math_renderer("mathml", (visit_inline, None), (visit_block, None))
