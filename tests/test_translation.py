"""The Chinese catalogues as docutils reads them: no code that a bracket has swallowed."""

import polib
import pytest
from docutils import nodes
from docutils.core import publish_doctree
from docutils.parsers.rst import roles

from proofsheet import translation

CATALOGUES = [
    path
    for chapter in ("reference", "gallery")
    for path in sorted((translation.catalogue("").parent / chapter).rglob("*.po"))
]


@pytest.fixture(autouse=True)
def known_roles():
    """Sphinx's own, which docutils alone does not know."""
    roles.register_generic_role("doc", nodes.emphasis)


def parts(text):
    """How many pieces of code and how many formulas a text shows."""
    settings = {"report_level": 5, "file_insertion_enabled": False}
    document = publish_doctree(text, settings_overrides=settings)
    return [len([*document.findall(kind)]) for kind in (nodes.literal, nodes.math)]


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_what_is_code_in_english_is_code_in_chinese(path):
    """Behind ``code`` a full-width bracket needs a ``\\ `` before it, or it is part of the code."""
    lost = []
    for entry in polib.pofile(str(path)):
        if "`" not in entry.msgid:
            continue
        pairs = zip(parts(entry.msgid), parts(entry.msgstr), strict=True)
        if any(translated < original for original, translated in pairs):
            lost.append(entry.msgstr)
    assert not lost
