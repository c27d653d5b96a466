"""Say in the Markdown of notebooks what sphinx-gallery leaves there as markup of pages."""

import json
import posixpath
import re
import textwrap
from pathlib import Path

from . import records

DIRECTIVE = re.compile(
    r"^\.\. (?P<name>\w+)::[ ]*(?P<argument>.*)\n(?P<body>(?:\n*[ ]+\S.*\n)*)\n*", re.MULTILINE
)
PAGE = re.compile(r":doc:`([^`]+)`")
# What becomes of a directive of ours. One that draws, or chooses for a table, is for pages alone.
WRITTEN = {
    "tensors": "",
    "graph": "",
    "glance": "",
    "which": "Which one do I need?\n\n{body}\n\n",
    "hint": "<details><summary>Hint</summary>\n\n{body}\n\n</details>\n\n",
    "since": "Needs PyTorch {argument} or newer.\n\n",
}


def markdown(text, docname):
    """The text of a cell of the notebook beside the page ``docname``."""

    def written(match):
        if match["name"] not in WRITTEN:
            return match[0]
        body = textwrap.dedent(match["body"]).strip()
        return WRITTEN[match["name"]].format(argument=match["argument"].strip(), body=body)

    def title(match):
        target = posixpath.join("/", posixpath.dirname(docname), match[1]).lstrip("/")
        page = records.module(target)
        return f"*{page.title}*" if page else match[0]

    return PAGE.sub(title, DIRECTIVE.sub(written, text + "\n")).rstrip()


def clean(app):
    """Go over all notebooks; those that are clean already stay as they are."""
    for docname in records.docnames():
        path = Path(app.srcdir, f"{docname}.ipynb")
        notebook = json.loads(path.read_text(encoding="utf-8"))
        before = json.dumps(notebook)
        for cell in notebook["cells"]:
            if cell["cell_type"] == "markdown":
                cell["source"] = [markdown("".join(cell["source"]), docname)]
        if json.dumps(notebook) != before:
            path.write_text(json.dumps(notebook, indent=2) + "\n", encoding="utf-8")


def setup(app):
    """Connect the cleaning; sphinx-gallery writes the notebooks at priority 500."""
    app.connect("builder-inited", clean, priority=600)
