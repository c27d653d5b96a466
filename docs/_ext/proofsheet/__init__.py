"""The Sphinx side of Proofsheet.

``running`` keeps sphinx-gallery's runs honest, ``notebooks`` makes its notebooks read well,
``drawing`` draws tensors and ``graph`` what autograd made of them, ``pages`` makes a page of
cards from a script, ``examples`` shows what an example reached before its steps and links it
with cards, ``choosing`` tables that lead to cards, ``code`` reads and links code, ``apis``
knows PyTorch's names and ``coverage`` how many have a card, ``quick`` sums up the reference,
``guides`` lead through it, ``records`` says what was checked, ``tables`` sums that up,
``freshness`` knows what is to be built again, ``translation`` keeps Chinese complete,
``languages`` names both, ``mathml`` sets formulas, ``search`` and ``site`` serve the whole.
``inventory`` is run by hand after a new PyTorch.
"""

import hashlib
from importlib import import_module
from pathlib import Path

from . import records

PARTS = (
    "translation", "running", "notebooks", "drawing", "apis", "pages", "examples", "choosing",
    "coverage", "quick", "guides", "tables", "mathml", "search", "site", "freshness",
)  # fmt: skip


def setup(app):
    """Set up every part."""
    app.add_config_value("proofsheet_repository", "", "env", [str])
    # Not imported above: the kernel behind "What is verified" needs few of them, and soon.
    for part in PARTS:
        import_module(f"{__name__}.{part}").setup(app)
    return {
        "version": "1",
        "env_version": _code(),  # when this package changes, Sphinx reads every page anew
        "parallel_read_safe": False,
        "parallel_write_safe": True,
    }


def _code():
    parts = sorted(Path(__file__).parent.glob("*.py"))
    parts.append(records.ROOT / "snippets" / "_checker" / "grammar.py")  # "What is verified"
    return hashlib.sha256(b"".join(part.read_bytes() for part in parts)).hexdigest()
