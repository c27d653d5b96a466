"""Lets pytest collect the cards of snippets/ and gallery/."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "snippets"))

pytest_plugins = ["_checker.plugin"]
