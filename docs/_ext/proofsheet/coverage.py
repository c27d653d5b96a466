"""How much of PyTorch the cards show, by namespace, asked of the installed PyTorch."""

import importlib
import types

from docutils import nodes
from sphinx.locale import _
from sphinx.util.docutils import SphinxDirective

from . import apis, pages

# What a reader would call PyTorch's public interface, in the order of the table.
NAMESPACES = (
    "torch", "torch.Tensor", "torch.nn", "torch.nn.functional", "torch.nn.init", "torch.optim",
    "torch.optim.lr_scheduler", "torch.utils.data", "torch.autograd", "torch.func",
    "torch.linalg", "torch.distributions", "torch.fft", "torch.special",
)  # fmt: skip
# Namespaces that say themselves what is public; the others go by PyTorch's documentation rules.
LISTED = ("torch.autograd", "torch.func", "torch.distributions", "torch.utils.data")


def public(space):
    """Full names of the public callables of ``space`` in the installed PyTorch, sorted."""
    kept = apis.known("public")
    if space not in kept:
        kept[space] = sorted(_public(space))
    return kept[space]


def _public(space):
    from . import inventory  # imports torch

    if space not in LISTED:
        for name, (kind, _page) in inventory.names().items():
            if apis.namespace(name) == space and kind in ("function", "class", "method"):
                if callable(_find(name)):
                    yield name
        return
    module = importlib.import_module(space)
    for name in getattr(module, "__all__", None) or dir(module):
        found = getattr(module, name)
        home = getattr(found, "__module__", None) or ""
        own = home.startswith("torch") and "datapipes" not in home
        if callable(found) and own and not name.startswith("_"):
            if not isinstance(found, types.ModuleType):
                yield f"{space}.{name}"


def _find(name):
    space, _dot, last = name.rpartition(".")
    owner = importlib.import_module("torch").Tensor if space == "torch.Tensor" else None
    return getattr(owner or importlib.import_module(space), last, None)


def shown(index):
    """Names with a card that was checked on the CPU at least; ``index`` as :func:`apis.index`."""
    return {
        name for name, pairs in index.items() if any(entry["verified"] for _rank, entry in pairs)
    }


class api_coverage(nodes.General, nodes.Element):
    """Stands for the table until all pages are read."""


class ApiCoverage(SphinxDirective):
    """``{api-coverage}``: a row for each namespace, how many of its names have a card."""

    def run(self):
        """Leave a placeholder: other pages may not be read yet."""
        return [api_coverage()]


def fill(app, doctree, docname):
    """Put the table where its placeholder stands."""
    for place in list(doctree.findall(api_coverage)):
        labels = (_("Namespace"), _("Public"), _("On a checked card"), _("Share"))
        table = pages.glance(labels=labels, caption=_("How much of PyTorch"))
        table["classes"] = ["coverage"]
        covered = shown(apis.index(app.env))
        for space in NAMESPACES:
            names = public(space)
            some = len(covered.intersection(names))
            cells = [nodes.literal("", space)], [nodes.Text(str(len(names)))]
            cells += [nodes.Text(str(some))], [nodes.Text(f"{some / len(names):.0%}")]
            home = apis.page_of(app.env, space)
            if home:
                uri = app.builder.get_relative_uri(docname, home)
                link = nodes.reference("", "", *cells[0], refuri=uri, internal=True)
                cells = ([link], *cells[1:])
            row = pages.glance_row()
            for label, cell in zip(labels, cells, strict=True):
                row += pages.glance_cell("", "", *cell, label=label)
            table += row
        place.replace_self(table)


def setup(app):
    """Register the directive."""
    app.add_node(api_coverage)
    app.add_directive("api-coverage", ApiCoverage)
    app.connect("doctree-resolved", fill)
