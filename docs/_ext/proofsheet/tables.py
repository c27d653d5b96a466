"""The tables of "What is verified", computed by that page's code cells while it is read.

Cells hold names, numbers and signs, which need no translation; headings come from the
catalogue of the interface.
"""

import os
from html import escape
from importlib.metadata import version

from IPython.display import HTML
from sphinx import locale
from sphinx.locale import _

from torchproof import grammar, process

from . import records

LANGUAGE = "PROOFSHEET_LANGUAGE"  # tells the kernel, a process of its own, what is being built


def table(name, heads, rows):
    """What a notebook cell shows as a table; the cells of ``rows`` are HTML."""
    labels = [escape(head) for head in heads]
    columns = "".join(f'<th scope="col">{label}</th>' for label in labels)
    body = ""
    for row in rows:
        cells = zip(labels, row, strict=True)
        shown = "".join(f'<td data-label="{label}">{cell}</td>' for label, cell in cells)
        body += f"<tr>{shown}</tr>\n"
    return HTML(
        f'<div class="table-wrapper"><table class="docutils facts {name}">'
        f"<thead><tr>{columns}</tr></thead><tbody>\n{body}</tbody></table></div>"
    )


def use_language():
    """In the kernel: load the catalogue of the interface."""
    locale.init([str(records.ROOT / "docs" / "locales")], os.environ.get(LANGUAGE, "en"))


def devices():
    """One row a device: by what it was checked, how much of it."""
    rows = []
    for device, record, checked, total in records.figures()["devices"]:
        facts = ["—"] * 4
        if record:
            facts = [record.device, record.torch, record.python, record.date]
        rows.append([records.DEVICE_NAMES[device], *map(escape, facts), f"{checked} / {total}"])
    heads = [_("Device"), _("Name"), "PyTorch", "Python", _("Date"), _("Checked")]
    return table("devices", heads, rows)


def modules():
    """One row a module: its cards and claims, and how many are checked where."""
    rows = []
    for name in records.docnames():
        page = records.module(name)
        units = page.units()
        row = [f'<a href="{name}.html"><code>{escape(page.name)}</code></a>', str(len(page.cards))]
        row.append(str(sum(records.claims(page, unit) for unit in units)))
        for device in records.DEVICES:
            checked = sum(records.outcome(page, unit, device) == "checked" for unit in units)
            row.append("✓" if checked == len(units) else f"{checked} / {len(units)}")
        rows.append(row)
    heads = [_("File"), _("Cards"), _("Claims"), *records.DEVICE_NAMES.values()]
    return table("modules", heads, rows)


def rules():
    """The numbers that the checker works with."""
    rows = [
        [_("Seeds that each card runs under"), ", ".join(map(str, process.SEEDS))],
        [_("Decimals from which a number counts as rounded"), grammar.ROUNDED],
        [
            _("Slack of a rounded number, in units in the last place"),
            f"{grammar.SLACK} (float16, bfloat16: {grammar.COARSE_SLACK})",
        ],
        [_("PyTorch of this build"), version("torch")],
    ]
    return table("rules", [_("Rule"), _("Value")], rows)


def setup(app):
    """Tell the kernel that runs the cells, which inherits the environment."""
    app.connect("builder-inited", lambda app: os.environ.update({LANGUAGE: app.config.language}))
