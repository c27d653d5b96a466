"""The tables of "What is verified", computed by that page's code cells while it is read.

Cells hold names, numbers and signs, which need no translation; headings come from the
catalogue of the interface.
"""

import os
from html import escape
from importlib.metadata import version

from sphinx import locale
from sphinx.locale import _

from torchproof import grammar, process

from . import records

LANGUAGE = "PROOFSHEET_LANGUAGE"  # tells the kernel, a process of its own, what is being built


class Table:
    """A table that a notebook cell shows as HTML."""

    def __init__(self, name, heads, rows):
        self.name, self.heads, self.rows = name, heads, rows

    def _repr_html_(self):
        heads = "".join(f'<th scope="col">{escape(head)}</th>' for head in self.heads)
        body = ""
        for row in self.rows:
            cells = "".join(
                f'<td data-label="{escape(head)}">{cell}</td>'
                for head, cell in zip(self.heads, row, strict=True)
            )
            body += f"<tr>{cells}</tr>\n"
        return (
            f'<div class="table-wrapper"><table class="docutils facts {self.name}">'
            f"<thead><tr>{heads}</tr></thead><tbody>\n{body}</tbody></table></div>"
        )


def _code(text):
    return f"<code>{escape(str(text))}</code>"


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
    return Table("devices", heads, rows)


def modules():
    """One row a module: its cards and claims, and how many are checked where."""
    rows = []
    for name in records.docnames():
        page = records.module(name)
        units = page.units()
        row = [f'<a href="{name}.html">{_code(page.name)}</a>', str(len(page.cards))]
        row.append(str(sum(records.claims(page, unit) for unit in units)))
        for device in records.DEVICES:
            checked = sum(records.outcome(page, unit, device) == "checked" for unit in units)
            row.append("✓" if checked == len(units) else f"{checked} / {len(units)}")
        rows.append(row)
    heads = [_("File"), _("Cards"), _("Claims"), *records.DEVICE_NAMES.values()]
    return Table("modules", heads, rows)


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
    return Table("rules", [_("Rule"), _("Value")], rows)


def tell_kernel(app):
    """``builder-inited``: the kernel that runs the cells inherits the environment."""
    os.environ[LANGUAGE] = app.config.language


def setup(app):
    """Prepare the kernel."""
    app.connect("builder-inited", tell_kernel)
