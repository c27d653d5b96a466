"""PyTorch's names: do they exist, where are they documented, which cards show and run them?"""

import ast
import functools
import json
import os
import re
import subprocess
import sys
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from docutils import nodes
from sphinx.locale import _
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective
from sphinx.util.inventory import InventoryFile

from . import data, markup, records

logger = logging.getLogger(__name__)

# How prose begins a name, and what it means.
ALIASES = {"torch": "torch", "Tensor": "torch.Tensor", "nn": "torch.nn", "F": "torch.nn.functional"}
WRITTEN = re.compile(r"([A-Za-z_]\w*)((?:\.[A-Za-z_]\w*)+)")
COUNTED = ("torch", "torchvision")  # the packages whose namespaces the table of coverage counts
KEPT = records.ROOT / "build" / "names.json"


# ---------------------------------------------------------------------------- what is a name


@functools.cache
def _urls():
    """Addresses of PyTorch's pages, from the inventory in this repository."""
    content = (records.ROOT / "docs" / "torch.inv").read_bytes()
    inventory = InventoryFile.loads(content, uri="https://docs.pytorch.org/docs/stable/")
    return {
        name: item.uri
        for kind, items in sorted(inventory.data.items())
        for name, item in items.items()
        if kind.startswith("py:")
    }


def url(name):
    """Address of the official page about ``name``, or None."""
    return _urls().get(name)


def imported(code):
    """What the names bound by an import cell mean: ``{"nn": "torch.nn", "torch": "torch"}``."""
    found = {}
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.asname:
                    found[alias.asname] = alias.name
                else:
                    head = alias.name.partition(".")[0]
                    found[head] = head
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                found[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return found


def named(text, used=()):
    """The public name that the literal ``text`` stands for, or None.

    Arguments:
        used: names that the card's code used; only they tell what ``x.view`` is.
    Returns:
        tuple: the name, and whether the text claims by its form to be PyTorch's.
    """
    match = WRITTEN.match(text)
    if match and match[1] in ALIASES:
        return ALIASES[match[1]] + match[2], True
    last = re.fullmatch(r"(?:\w+\.)?(\w+)(?:\(.*\))?", text)
    if last:
        for name in sorted(used, key=lambda n: (len(n), n)):
            if name.rpartition(".")[2] == last[1]:
                return name, False
    return None, False


def namespace(name):
    """``torch.nn`` of ``torch.nn.Linear``; ``torch.Tensor`` of ``torch.Tensor.view``."""
    return name.rpartition(".")[0]


# --------------------------------------------------------- what the installed PyTorch answers


@functools.cache
def _kept():
    """What was asked so far. Importing PyTorch takes seconds, and mostly it says the same."""
    nothing = {"torch": version("torch"), "exists": {}, "public": {}}
    with suppress(OSError, ValueError):
        kept = json.loads(KEPT.read_text(encoding="utf-8"))
        if kept.keys() == nothing.keys() and kept["torch"] == nothing["torch"]:
            return kept
    return nothing


def ask(names, spaces):
    """Have :mod:`.inventory` answer, in a process of its own, what was never asked before."""
    kept = _kept()
    new = {
        "exists": sorted(set(names) - kept["exists"].keys()),
        "public": sorted(set(spaces) - kept["public"].keys()),
    }
    if not any(new.values()):
        return
    command = [sys.executable, "-m", "proofsheet", "answer"]
    run = subprocess.run(command, input=json.dumps(new), capture_output=True, text=True)
    if run.returncode:
        raise RuntimeError(run.stderr)
    for question, answers in json.loads(run.stdout).items():
        kept[question] |= answers
    KEPT.parent.mkdir(exist_ok=True)
    partial = KEPT.with_suffix(f".{os.getpid()}")  # the other language may read it now
    partial.write_text(json.dumps(kept, indent=0, sort_keys=True) + "\n", encoding="utf-8")
    partial.replace(KEPT)


def exists(name):
    """Does the installed PyTorch have the attribute ``name``, such as ``torch.nn.Linear``?"""
    ask([name], ())
    return _kept()["exists"][name]


def public(space):
    """Full names of the public callables of ``space`` in the installed PyTorch, sorted."""
    ask((), [space])
    return _kept()["public"][space]


def check_names(app, env):
    """``env-updated``: complain of names in prose that PyTorch does not have."""
    pages = data.of(env).pages
    ask({name for page in pages.values() for name in page.promised}, ())
    for page in pages.values():
        for name, where in page.promised.items():
            if not exists(name):
                logger.warning("PyTorch has no %s", name, location=where)


# -------------------------------------------------------------------------- which card shows it


@dataclass(frozen=True)
class Mention:
    """A card that has to do with a name: 0 in its title, 1 in its text, 2 in its code alone."""

    rank: int
    docname: str
    anchor: str
    title: str
    verified: list
    runs: bool  # does its code use the name, and not only its text?

    def link(self, app, here, children, **attributes):
        return markup.link(app, here, self.docname, children, self.anchor, **attributes)


def index(env):
    """Which cards show which name; asked for once all pages are read.

    Returns:
        dict: from name to a list of :class:`Mention`, by rank and then by page.
    """
    found = defaultdict(list)
    for docname, page in sorted(data.of(env).pages.items()):
        module = records.module(docname)
        of = f"{env.titles[docname].astext()}: " if module and module.example else ""
        for card in page.cards:
            for name in card.used | card.in_title | card.in_prose:
                rank = 0 if name in card.in_title else 1 if name in card.in_prose else 2
                runs = name in card.used
                found[name].append(
                    Mention(rank, docname, card.anchor, of + card.title, card.verified, runs)
                )
    return {name: sorted(found[name], key=lambda mention: mention.rank) for name in sorted(found)}


def covered(env):
    """Names that the code of a card runs which holds, on the CPU at least, as it is now."""
    found = data.of(env).once(index)
    return {
        name
        for name, mentions in found.items()
        if any(mention.runs and mention.verified for mention in mentions)
    }


def write_index(app, exception):
    """Write ``api.json`` beside the pages."""
    if exception or app.builder.format != "html":
        return
    entries = {
        name: [
            {
                "page": f"{mention.docname}.html#{mention.anchor}",
                "card": mention.title,
                "verified": mention.verified,
                "runs": mention.runs,
            }
            for mention in mentions
        ]
        for name, mentions in data.of(app.env).once(index).items()
    }
    text = json.dumps(entries, indent=1, ensure_ascii=False, sort_keys=True)
    (Path(app.outdir) / "api.json").write_text(text + "\n", encoding="utf-8")


# -------------------------------------------------------------------------- pages of the index


class ApiIndex(SphinxDirective):
    """``{api-index} torch.nn``: every name in these namespaces with the cards that show it.

    Without an argument: the namespaces that no other page has.
    """

    optional_arguments = 1
    final_argument_whitespace = True

    def run(self):
        page = data.of(self.env).page(self.env.current_document.docname)
        page.spaces = self.arguments[0].split() if self.arguments else []
        return [data.later(call=names)]


class ApiCoverage(SphinxDirective):
    """``{api-coverage}``: a row for each namespace, how many of its names a card runs."""

    def run(self):
        return [data.later(call=coverage)]


def page_of(env, space):
    """The page of the index that lists the names in ``space``, or None."""
    spaces = {
        docname: page.spaces
        for docname, page in sorted(data.of(env).pages.items())
        if page.spaces is not None
    }
    own = [docname for docname, listed in spaces.items() if space in listed]
    return next(iter(own or [name for name, listed in spaces.items() if not listed]), None)


def names(app, docname, _place):
    """The part of the index that stands on this page."""
    groups = defaultdict(list)
    homes = {}
    for name, mentions in data.of(app.env).once(index).items():
        space = namespace(name)
        if space not in homes:
            homes[space] = page_of(app.env, space)
        if homes[space] == docname:
            groups[space].append(_name(app, docname, name, mentions))
    anchors = {group: nodes.make_id(f"names {group}") for group in sorted(groups)}
    listings = [nodes.definition_list("", *groups[g], classes=["api-index"]) for g in anchors]
    if len(anchors) == 1:
        return listings  # the page's own title says which
    jump = nodes.paragraph(classes=["api-jump"])
    sections = []
    for (group, anchor), listing in zip(anchors.items(), listings, strict=True):
        literal = nodes.literal("", group)
        jump += nodes.reference("", "", literal, refid=anchor, internal=True)
        jump += nodes.Text(" ")
        title = nodes.title("", "", literal.deepcopy())
        sections.append(nodes.section("", title, listing, ids=[anchor], classes=["api-group"]))
    return [jump, *sections]


def _name(app, docname, name, mentions):
    """One name: where it is documented, the cards about it, how many more use it."""
    literal = nodes.literal("", name.rpartition(".")[2])
    if address := url(name):
        literal = nodes.reference(
            "", "", literal, refuri=address, reftitle=name, internal=False
        )  # fmt: skip
    about = [mention for mention in mentions if mention.rank < 2] or mentions[:3]
    links = [mention.link(app, docname, [nodes.Text(mention.title)]) for mention in about]
    line = nodes.paragraph("", "", *markup.joined(links))
    rest = len(mentions) - len(about)
    if rest:
        text = _("1 more card uses it") if rest == 1 else _("%d more cards use it") % rest
        line += [nodes.Text(" · "), nodes.inline("", text, classes=["api-more"])]
    term = nodes.term("", "", literal, ids=[f"api-{name}"])
    return nodes.definition_list_item("", term, nodes.definition("", line))


def coverage(app, docname, _place):
    """How much of each namespace that the site speaks of the code of a checked card runs."""
    labels = (_("Namespace"), _("Public"), _("Run by a checked card"), _("Share"))
    found = data.of(app.env).once(index)
    spaces = {
        namespace(name) for name in found if name.partition(".")[0] in COUNTED and "._" not in name
    }
    ask((), spaces)
    run, rows = covered(app.env), []
    for space in sorted(spaces, key=lambda space: (space.partition(".")[0], space)):
        all_names = public(space)
        if not all_names:  # a class, or a module that has a public name elsewhere
            continue
        some = len(run.intersection(all_names))
        home = page_of(app.env, space)
        name = [nodes.literal("", space)]
        if home:
            name = [markup.link(app, docname, home, name)]
        counts = (str(len(all_names)), str(some), f"{some / len(all_names):.0%}")
        rows.append([markup.cell(*name), *(markup.cell(nodes.Text(text)) for text in counts)])
    return [markup.table(labels, _("How much of PyTorch"), rows, "coverage")]


def setup(app):
    app.add_directive("api-index", ApiIndex)
    app.add_directive("api-coverage", ApiCoverage)
    app.connect("env-updated", check_names, priority=400)  # before the index is made
    app.connect("build-finished", write_index)
