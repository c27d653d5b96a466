"""Tables with tabs, as translators and readers of a diff like them: a line of heads, no quoting."""

import csv


def read(path):
    """The rows of the table at ``path``, each as ``{head: cell}``."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
