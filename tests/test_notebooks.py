"""Notebooks read well: nothing is left in them that only a page can show."""

import copy
import re

import pytest
from sphinx_gallery import gen_gallery, notebook, py_source_parser

from proofsheet import notebooks, records

RAW = re.compile(r"^\.\. \w+:.*|:\w+:`[^`]*`", re.MULTILINE)


def cells(docname, folder):
    """The Markdown cells of the notebook beside a page, as sphinx-gallery writes them."""
    script = records.module(docname).path
    _conf, blocks = py_source_parser.split_code_and_text_blocks(str(script))
    conf = copy.deepcopy(gen_gallery.DEFAULT_GALLERY_CONF)
    written = notebook.jupyter_notebook(blocks, conf, folder)
    return ["".join(c["source"]) for c in written["cells"] if c["cell_type"] == "markdown"]


@pytest.mark.parametrize("docname", records.docnames())
def test_no_markup_of_pages_is_left(docname, tmp_path):
    for text in cells(docname, tmp_path):
        assert not RAW.search(notebooks.markdown(text, docname))


@pytest.mark.parametrize(
    "text, shown",
    [
        (
            "One.\n\n.. tensors:: a, torch.cat(\n   [a, b])\n   :style: index\n\nTwo.",
            "One.\n\nTwo.",
        ),
        ("One.\n\n.. graph:: loss", "One."),
        ("One.\n\n.. glance:: f(x)  # 1\n.. tensors:: x\n\nTwo.", "One.\n\nTwo."),
        ("One.\n\n.. since:: 2.14\n\nTwo.", "One.\n\nNeeds PyTorch 2.14 or newer.\n\nTwo."),
        (
            ".. which::\n\n   - ``a``: long,\n     longer\n   - ``b``: short\n\nTwo.",
            "Which one do I need?\n\n- ``a``: long,\n  longer\n- ``b``: short\n\nTwo.",
        ),
        (
            "One.\n\n.. hint::\n\n   First.\n\n   Second.",
            "One.\n\n<details><summary>Hint</summary>\n\nFirst.\n\nSecond.\n\n</details>",
        ),
        ("See :doc:`joining`.", "See *Joining*."),
        ("See :doc:`/reference/nn/convolutions`.", "See *Convolutions*."),
    ],
)
def test_what_a_page_draws_or_links_is_told(text, shown):
    assert notebooks.markdown(text, "reference/tensors/splitting") == shown
    assert notebooks.markdown(shown, "reference/tensors/splitting") == shown
