"""Import ahead what cards import late.

The first optimizer of a process imports half of torch, for seconds; the first forward-mode
derivative warns about torch's own code. Neither is the doing of the card that happens to
run first. The server that all runs fork from imports this module, and with it what the
files to be checked will need.
"""

import importlib
import os
import re
import warnings
from contextlib import suppress

FIRST_USE = {  # words in a file, and what will be imported for it
    r"\boptim\b|checkpoint|broadcast_shapes|torch\.func": "torch._dynamo",
    r"jvp|jacfwd|hessian|forward_ad|forward-mode": "torch._decomp.decompositions_for_jvp",
    r"torchvision": "torchvision.transforms.v2",
    r"sklearn": "sklearn.datasets",
    r"pandas": "pandas",
    r"scipy": "scipy.special",
}
VARIABLE = "PROOFSHEET_READY"  # modules, separated by blanks


def needed(text):
    """Modules that a file with this text will import, by the words in it."""
    return [module for words, module in FIRST_USE.items() if re.search(words, text)]


def hold(modules):
    """Import ``modules`` in silence; one that is not installed is left to the cards."""
    with warnings.catch_warnings(action="ignore"):
        for module in modules:
            with suppress(ImportError):
                importlib.import_module(module)


hold(os.environ.get(VARIABLE, "").split())
