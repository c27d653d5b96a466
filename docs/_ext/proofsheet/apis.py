"""PyTorch's names: do they exist, where are they documented, which cards show and run them?"""

import ast
import json
import re
import subprocess
import sys
from collections import Counter, defaultdict
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from docutils import nodes
from sphinx.locale import _
from sphinx.util import logging

from . import data, markup, records
from .inventory import documented

logger = logging.getLogger(__name__)

# How prose begins a name, and what it means.
ALIASES = {"torch": "torch", "Tensor": "torch.Tensor", "nn": "torch.nn", "F": "torch.nn.functional"}
WRITTEN = re.compile(r"([A-Za-z_]\w*)((?:\.[A-Za-z_]\w*)+)")
LISTED = 3  # cards about a name, those that have it in their titles first
COUNTED = ("torch", "torchvision")  # the packages whose namespaces the table of coverage counts


# ---------------------------------------------------------------------------- what is a name


def url(name):
    """Address of the official page about ``name``, or None."""
    return documented().get(name, (None, None))[1]


def linked(name, literal):
    """``literal`` as a link to the official page about ``name``, where there is one."""
    address = url(name)
    options = {"refuri": address, "reftitle": name, "internal": False}
    return nodes.reference("", "", literal, **options) if address else literal


def imported(code):
    """What the names bound by an import cell mean: ``{"nn": "torch.nn", "torch": "torch"}``."""
    found = {}
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                head = alias.name.partition(".")[0]
                found[alias.asname or head] = alias.name if alias.asname else head
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


def ask(env, names=(), spaces=()):
    """What the installed PyTorch says: which ``names`` exist, what is public in ``spaces``.

    Only what was never asked is asked, in a process of its own: its import takes seconds.
    """
    known = data.of(env).data["torch"]
    if known.get("version") != version("torch"):
        known |= {"version": version("torch"), "exists": {}, "public": {}}
    new = {
        "exists": sorted(set(names) - known["exists"].keys()),
        "public": sorted(set(spaces) - known["public"].keys()),
    }
    if any(new.values()):
        command = [sys.executable, "-m", "proofsheet.inventory"]
        run = subprocess.run(command, input=json.dumps(new), capture_output=True, text=True)
        if run.returncode:
            raise RuntimeError(run.stderr)
        for question, answers in json.loads(run.stdout).items():
            known[question] |= answers
    return known


def check_names(app, env):
    """``env-updated``: complain of names in prose that PyTorch does not have."""
    promised = [item for page in data.of(env).pages.values() for item in page.promised.items()]
    exists = ask(env, [name for name, _where in promised])["exists"]
    for name, where in promised:
        if not exists[name]:
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

    def link(self, app, here, children, hint=""):
        """A link from the page ``here`` to the card; ``hint`` is shown by a mouse that rests."""
        shown = {"reftitle": hint} if hint else {}
        return markup.link(app, here, self.docname, children, self.anchor, **shown)


def index(env):
    """Which cards show which name; asked for once all pages are read.

    Returns:
        dict: from name to a list of :class:`Mention`, by rank; of the same rank those of the
        page that has the name in most of its titles come first, which is where it is at home.
    """
    found, titled = defaultdict(list), Counter()
    for docname, page in sorted(data.of(env).pages.items()):
        module = records.module(docname)
        of = f"{env.titles[docname].astext()}: " if module and module.example else ""
        for card in page.cards:
            place = docname, card.anchor, of + card.title, card.verified
            for name in card.used | card.in_title | card.in_prose:
                rank = 0 if name in card.in_title else 1 if name in card.in_prose else 2
                found[name].append(Mention(rank, *place, name in card.used))
                titled[docname, name] += rank == 0

    def order(name):
        return lambda mention: (mention.rank, -titled[mention.docname, name])

    return {name: sorted(found[name], key=order(name)) for name in sorted(found)}


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


def homes(env):
    """Which page of the index lists which namespace; ``None`` stands for all others.

    ``torch.distributed.*`` stands for that namespace and those in it.
    """
    return {
        space: docname
        for docname, page in sorted(data.of(env).pages.items(), reverse=True)
        for place in page.places
        if place["call"] is names
        for space in place["given"] or [None]
    }


def home_of(space, home):
    """The page of ``home``, which :func:`homes` gave, that lists the namespace ``space``."""
    parts = space.split(".")
    wider = [".".join(parts[:n]) + ".*" for n in range(len(parts), 0, -1)]
    return next((home[one] for one in [space, *wider, None] if one in home), None)


def names(app, docname, _place):
    """``{api-index} torch.nn``: every name in these namespaces with the cards that show it.

    Without an argument: the namespaces that no other page has.
    """
    groups, home = defaultdict(list), homes(app.env)
    for name, mentions in data.of(app.env).once(index).items():
        space = name.rpartition(".")[0]
        if home_of(space, home) == docname:
            groups[space].append(_name(app, docname, name, mentions))
    listings = {
        space: nodes.definition_list("", *items, classes=["api-index"])
        for space, items in sorted(groups.items())
    }
    label = _("Filter the names")
    if len(listings) == 1:  # the page's own title says which
        return [markup.filtered([*listings.values()], label, "dt")]
    jump, sections = nodes.paragraph(classes=["api-jump"]), []
    for space, listing in listings.items():
        anchor, literal = nodes.make_id(f"names {space}"), nodes.literal("", space)
        jump += [nodes.reference("", "", literal, refid=anchor, internal=True), nodes.Text(" ")]
        title = nodes.title("", "", literal.deepcopy())
        sections.append(nodes.section("", title, listing, ids=[anchor], classes=["api-group"]))
    return [markup.filtered([jump, *sections], label, "dt")]


def _name(app, docname, name, mentions):
    """One name: where it is documented, the cards about it, how many more use it."""
    literal = linked(name, nodes.literal("", name.rpartition(".")[2]))
    about = [mention for mention in mentions if mention.rank < 2][:LISTED] or mentions[:3]
    links = [mention.link(app, docname, [nodes.Text(mention.title)]) for mention in about]
    line = nodes.paragraph("", "", *markup.joined(links))
    rest = len(mentions) - len(about)
    if rest:
        text = _("1 more card uses it") if rest == 1 else _("%d more cards use it") % rest
        line += [nodes.Text(" · "), nodes.inline("", text, classes=["api-more"])]
    term = nodes.term("", "", literal, ids=[f"api-{name}"])
    return nodes.definition_list_item("", term, nodes.definition("", line))


def coverage(app, docname, _place):
    """``{api-coverage}``: a row for each namespace, how many of its names a checked card runs."""
    labels = (_("Namespace"), _("Public"), _("Run by a checked card"), _("Share"))
    found, home = data.of(app.env).once(index), homes(app.env)
    run = {n for n, mentions in found.items() if any(m.runs and m.verified for m in mentions)}
    spaces = {
        name.rpartition(".")[0]
        for name in found
        if name.partition(".")[0] in COUNTED and "._" not in name
    }
    public, rows = ask(app.env, spaces=spaces)["public"], []
    for space in sorted(spaces, key=lambda space: (space.partition(".")[0], space)):
        if not public[space]:  # a class, or a module that has a public name elsewhere
            continue
        total, some = len(public[space]), len(run.intersection(public[space]))
        name = nodes.literal("", space)
        if page := home_of(space, home):
            name = markup.link(app, docname, page, [name])
        texts = (str(total), str(some), f"{some / total:.0%}")
        rows.append([markup.cell(name), *(markup.cell(nodes.Text(text)) for text in texts)])
    return [markup.table(labels, _("How much of PyTorch"), rows, "coverage")]


def setup(app):
    data.add_place(app, "api-index", names)
    data.add_place(app, "api-coverage", coverage)
    app.connect("env-updated", check_names, priority=400)  # before the index is made
    app.connect("build-finished", write_index)
