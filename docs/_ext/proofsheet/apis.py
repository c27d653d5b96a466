"""PyTorch's names: do they exist, where are they documented, which cards show them?"""

import ast
import functools
import importlib
import json
import re
from collections import defaultdict
from importlib.metadata import version
from pathlib import Path

from docutils import nodes
from sphinx.ext.intersphinx import InventoryAdapter
from sphinx.locale import _
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

from . import records

logger = logging.getLogger(__name__)

# How prose begins a name, and what it means.
ALIASES = {"torch": "torch", "Tensor": "torch.Tensor", "nn": "torch.nn", "F": "torch.nn.functional"}
WRITTEN = re.compile(r"([A-Za-z_]\w*)((?:\.[A-Za-z_]\w*)+)")

_urls = {}
_index = {}


def read_inventory(app, env, _docnames):
    """Take the addresses of PyTorch's pages from intersphinx (a file in this repository)."""
    _index.clear()  # pages are about to be read
    inventory = InventoryAdapter(env).main_inventory
    for kind in sorted(inventory):
        for name, item in inventory[kind].items():
            if kind.startswith("py:"):
                _urls[name] = item.uri


def url(name):
    """Address of the official page about ``name``, or None."""
    return _urls.get(name)


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


@functools.cache
def _kept():
    """What was asked of PyTorch so far; importing it takes seconds, and mostly says the same."""
    path = records.ROOT / "build" / "names.json"
    release = version("torch")
    if path.is_file():
        kept = json.loads(path.read_text(encoding="utf-8"))
        if kept["torch"] == release:
            return kept
    return {"torch": release}


def known(question):
    """Answers to ``question`` that the installed PyTorch gave so far, to be added to."""
    return _kept().setdefault(question, {})


def exists(name):
    """Does the installed PyTorch have the attribute ``name``, such as ``torch.nn.Linear``?"""
    names = known("exists")
    if name not in names:
        names[name] = _look_up(name)
    return names[name]


def save_names(_app, _exception):
    """Keep what PyTorch was asked for the next build."""
    path = records.ROOT / "build" / "names.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(_kept(), indent=0, sort_keys=True) + "\n", encoding="utf-8")


def _look_up(name):
    head, *rest = name.split(".")
    found = importlib.import_module(head)
    path = head
    for part in rest:
        path = f"{path}.{part}"
        if part in getattr(found, "__annotations__", ()) and not hasattr(found, part):
            return True  # an attribute that instances have
        try:
            found = getattr(found, part)
        except AttributeError:
            try:
                found = importlib.import_module(path)
            except ImportError:
                return False
    return True


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


def index(env):
    """Which cards show which name; asked for once all pages are read.

    Returns:
        dict: from name to entries ``{"page", "card", "verified"}``, those first whose title
        names it, then those whose text does, then those that merely use it.
    """
    if not _index:
        _index.update(_indexed(env))
    return _index


def _indexed(env):
    found = defaultdict(list)
    for docname in sorted(env.proofsheet_cards):
        for card in env.proofsheet_cards[docname]:
            module = records.module(docname)
            of = f"{env.titles[docname].astext()}: " if module and module.example else ""
            entry = {
                "page": f"{docname}.html#{card['anchor']}",
                "card": of + card["title"],
                "verified": card["verified"],
            }
            for name in card["apis"]:
                rank = 0 if name in card["in_title"] else 1 if name in card["in_prose"] else 2
                found[name].append((rank, entry))
    return {name: sorted(found[name], key=lambda pair: pair[0]) for name in sorted(found)}


def write_index(app, exception):
    """Write ``api.json`` beside the pages."""
    if exception or app.builder.format != "html":
        return
    entries = {name: [e for _rank, e in pairs] for name, pairs in index(app.env).items()}
    text = json.dumps(entries, indent=1, ensure_ascii=False, sort_keys=True)
    (Path(app.outdir) / "api.json").write_text(text + "\n", encoding="utf-8")


class api_index(nodes.General, nodes.Element):
    """Stands for the index until all pages are read."""


class ApiIndex(SphinxDirective):
    """``{api-index} torch.nn``: every name in these namespaces with the cards that show it.

    Without an argument: the namespaces that no other page has.
    """

    optional_arguments = 1
    final_argument_whitespace = True

    def run(self):
        """Leave a placeholder: other pages may not be read yet."""
        spaces = self.arguments[0].split() if self.arguments else []
        self.env.proofsheet_spaces[self.env.current_document.docname] = spaces
        return [api_index()]


def page_of(env, space):
    """The page of the index that lists the names in ``space``, or None."""
    for docname, spaces in sorted(env.proofsheet_spaces.items()):
        if space in spaces:
            return docname
    return next((name for name, spaces in env.proofsheet_spaces.items() if not spaces), None)


def fill_index(app, doctree, docname):
    """Put the index where its placeholder stands."""
    for place in list(doctree.findall(api_index)):
        groups = defaultdict(list)
        for name, pairs in index(app.env).items():
            if page_of(app.env, namespace(name)) == docname:
                groups[namespace(name)].append((name, pairs))
        sections = []
        for group in sorted(groups):
            section = nodes.section(ids=[nodes.make_id(f"names {group}")], classes=["api-group"])
            section += nodes.title("", "", nodes.literal("", group))
            listing = nodes.definition_list(classes=["api-index"])
            for name, pairs in groups[group]:
                listing += _entry(app, docname, name, pairs)
            section += listing
            sections.append(section)
        if len(sections) == 1:
            place.replace_self(sections[0].children[1:])  # the page's own title says it
            continue
        jump = nodes.paragraph(classes=["api-jump"])
        for group in sorted(groups):
            literal = nodes.literal("", group)
            jump += nodes.reference(
                "", "", literal, refid=nodes.make_id(f"names {group}"), internal=True
            )
            jump += nodes.Text(" ")
        place.replace_self([jump, *sections])


def _entry(app, docname, name, pairs):
    """One name: where it is documented, the cards about it, how many more use it."""
    term = nodes.term(ids=[f"api-{name}"])
    literal = nodes.literal("", name.rpartition(".")[2])
    address = url(name)
    if address:
        term += nodes.reference("", "", literal, refuri=address, reftitle=name, internal=False)
    else:
        term += literal
    about = [entry for rank, entry in pairs if rank < 2]
    shown = about or [entry for _rank, entry in pairs[:3]]
    line = nodes.paragraph()
    for entry in shown:
        page, _hash, anchor = entry["page"].partition(".html#")
        uri = app.builder.get_relative_uri(docname, page) + f"#{anchor}"
        if len(line):
            line += nodes.Text(" · ")
        line += nodes.reference("", entry["card"], refuri=uri, internal=True)
    rest = len(pairs) - len(shown)
    if rest:
        text = _("1 more card uses it") if rest == 1 else _("%d more cards use it") % rest
        line += [nodes.Text(" · "), nodes.inline("", text, classes=["api-more"])]
    return nodes.definition_list_item("", term, nodes.definition("", line))


def prepare(app):
    """Give the environment, which is kept between builds, the pages of the index."""
    if not hasattr(app.env, "proofsheet_spaces"):
        app.env.proofsheet_spaces = {}


def purge(_app, env, docname):
    """``env-purge-doc``: forget a page."""
    env.proofsheet_spaces.pop(docname, None)


def setup(app):
    """Register the directive, the inventory, the index."""
    app.connect("builder-inited", prepare)
    app.connect("env-purge-doc", purge)
    app.add_node(api_index)
    app.add_directive("api-index", ApiIndex)
    app.connect("env-before-read-docs", read_inventory)
    app.connect("doctree-resolved", fill_index)
    app.connect("build-finished", write_index)
    app.connect("build-finished", save_names)
