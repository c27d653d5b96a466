"""The Sphinx side of Proofsheet.

``running`` keeps sphinx-gallery's runs honest, ``drawing`` draws tensors, ``pages``
makes a page of cards from a script, ``code`` reads and links its code, ``apis`` knows
PyTorch's names, ``records`` says what was checked, ``tables`` sums that up, ``translation``
keeps Chinese complete, ``mathml`` sets formulas, ``search`` and ``site`` serve the whole.
``inventory`` is run by hand after a new PyTorch.
"""

import hashlib
from pathlib import Path

from . import records


def setup(app):
    """Set up every part."""
    # Here and not above: the kernel behind "What is verified" needs few of them, and soon.
    from . import apis, drawing, mathml, pages, running, search, site, tables, translation

    app.add_config_value("proofsheet_repository", "", "env", [str])
    for part in (translation, running, drawing, apis, pages, tables, mathml, search, site):
        part.setup(app)
    return {
        "version": "1",
        "env_version": _code(),  # when this package changes, Sphinx reads every page anew
        "parallel_read_safe": False,
        "parallel_write_safe": True,
    }


def _code():
    parts = sorted(Path(__file__).parent.glob("*.py"))
    parts.append(records.ROOT / "snippets" / "_checker" / "claims.py")  # "What is verified"
    return hashlib.sha256(b"".join(part.read_bytes() for part in parts)).hexdigest()
