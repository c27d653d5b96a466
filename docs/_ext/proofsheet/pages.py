"""Turn what sphinx-gallery made of a script into a page of cards, and note what is on each page.

Works on the document tree after translation, so that what is repeated (titles in the
table, in lists, in the search index) is repeated in the reader's language.
"""

from collections import defaultdict
from functools import cache
from html import escape
from urllib.parse import urlencode

from docutils import nodes
from sphinx import addnodes
from sphinx.locale import _
from sphinx.util import logging

from . import apis, changes, code, data, examples, records, tsv
from .markup import cell, element, html, joined, link, loose, table, unlinked

logger = logging.getLogger(__name__)

SHORT = 24  # characters of code in a text that stay on one line, even on a phone


def transform(app, doctree):
    """``doctree-read``, before Sphinx collects titles, images and downloads."""
    docname = app.env.current_document.docname
    page = data.of(app.env).page(docname)
    for literal in doctree.findall(nodes.literal):
        if len(literal.astext()) <= SHORT:
            literal["classes"].append("short")
    for section in doctree.findall(nodes.section):
        section["ids"] += moved()[f"{docname}#{section['ids'][0]}"]
    first = _first_paragraph(doctree)
    if first is not None:
        page.summary = [loose(node) for node in unlinked(first)]
        page.text = " ".join(first.astext().split())
    top = next(doctree.findall(nodes.section), None)
    if top is not None:
        page.title = unlinked(top[0])
    module = records.module(docname)
    if module:
        page.digest = records.digest(docname)
        _module_page(app, docname, page, top, module)
    elif docname.split("/")[0] in records.SOURCES and docname.endswith("/index"):
        _chapter_page(doctree, top)
    else:  # names in a page that is no script must exist, too, and become links
        for paragraph in doctree.findall(nodes.paragraph):
            _names(paragraph, (), page, docname)
            _link_names(paragraph)
    page.places = [loose(place) for place in doctree.findall(data.later)]


def _first_paragraph(doctree):
    """The first paragraph that is the page's own text."""
    front_matter = nodes.docinfo, nodes.field_list
    skipped = (nodes.Admonition, nodes.table, nodes.footer, nodes.list_item, data.later)
    skipped += front_matter
    for paragraph in doctree.findall(nodes.paragraph):
        node = paragraph.parent
        while node is not None and not isinstance(node, skipped):
            node = node.parent
        if node is None and paragraph.astext().strip():
            return paragraph
    return None


# --------------------------------------------------------------------- module pages


def _module_page(app, docname, page, top, module):
    sections = [node for node in top.children if isinstance(node, nodes.section)]
    if len(sections) != len(module.cards):
        logger.warning(
            "%d cards, but %d headings: a heading inside a card's text?",
            len(module.cards), len(sections), location=docname,
        )  # fmt: skip
        return
    intro = [node for node in top.children if isinstance(node, nodes.paragraph)]
    for block in [n for n in top.children if isinstance(n, nodes.literal_block)]:
        block.replace_self(_code(module) if module.example else _imports(module))
    differing = _differing(module)
    for section, card in zip(sections, module.cards, strict=True):
        page.cards.append(_card(docname, page, module, section, card))
        section += _tools(app, docname, module, card, page.cards[-1], differing)
        if app.builder.name != "gettext":  # which would ask for the title's translation again
            for image in section.findall(nodes.image):
                image["alt"] = section[0].astext()
    added = [_badges(module), _downloads(app, docname)]
    if any("data-held=" in block["html"] for block in top.findall(html)):
        added.append(_names_help())
    if module.example:
        top += data.later(call=examples.ways, anchor="")
        if app.builder.name != "gettext":
            if figure := examples.result(sections, top[0].astext()):
                page.result = examples.thumbnail(docname)
                added.insert(0, figure)
            examples.lead_on(top, sections)
    first = top.index(intro[-1]) + 1 if intro else 1
    top[first:first] = added
    if not module.example:  # below what the text before the cards may hold, such as a table
        imports = [n for n, node in enumerate(top) if isinstance(node, html)]
        top.insert(imports[0] if imports else first, _glance(module, page.cards))
    top["classes"].append("example" if module.example else "module")


def _code(module, card=None, entry=None):
    """The code block of ``card``, or of the import cell."""
    text = (card.code if card else module.imports) + "\n"
    found, held, imports, classes = (), {}, "", ["import-cell"]
    if card:
        found, held = entry.claims, records.held(module, card)
        classes = [f"verified-{device}" for device in entry.verified]
        if entry.verified:
            classes.append("verified")
        if not module.example:
            imports = module.imports
    used = sorted(entry.used) if entry else ()
    reached = changes.reached(module, card)
    lines = code.highlight(text, code.linker(module, used), found, reached, held)
    return code.block(text, lines, imports, classes, code.held_by(text, held))


def _imports(module):
    """The imports of a module as one line that opens: they are copied with each card anyway."""
    names = ", ".join(apis.imported(module.imports))
    label = escape(_("Imports, copied with each card"))
    summary = f'<summary>{label}: <code class="notranslate">{escape(names)}</code></summary>'
    block = _code(module)
    made = f'<details class="imports-fold">{summary}\n{block["html"]}</details>\n'
    return html(block.rawsource, "", html=made)


def _card(docname, page, module, section, card):
    """Finish the section of one card."""
    section["classes"].append("card")
    title = section[0]
    prose = [node for node in section[1:] if isinstance(node, nodes.TextElement)
             and not isinstance(node, nodes.FixedTextElement)]  # fmt: skip
    used = examples.used(module, card)
    entry = data.Entry(
        anchor=section["ids"][0],
        title=title.astext(),
        heading=unlinked(title),
        text=" ".join(node.astext() for node in prose),
        code=card.code,
        claims=code.claims(card.code),
        arguments=examples.arguments(card.title),
        verified=records.verified(module, card),
        used=used,
        in_title=_names(title, used, page, docname),
        in_prose=set().union(*(_names(node, used, page, docname) for node in prose)),
        messages=records.messages(module, card),
    )
    if not module.example:
        literals = [literal.astext() for literal in title.findall(nodes.literal)]
        try:
            entry.chief = code.chief_claim(card, entry.claims, literals)
            entry.lead = entry.chief and code.lead(card.code, entry.chief, literals)
        except LookupError as error:
            logger.warning("%s", error, location=section)
    for block in list(section.findall(nodes.literal_block)):
        if "sphx-glr-script-out" in block["classes"]:
            block["classes"].remove("sphx-glr-script-out")
            label = nodes.paragraph("", _("Output"), classes=["output-label"])
            block.replace_self(nodes.container("", label, block.deepcopy(), classes=["output"]))
        elif block.astext().strip() == card.code.strip():
            block.replace_self([_code(module, card, entry), *_failures(module, card)])
    for node in prose:
        _link_names(node)
    if entry.verified:
        section["classes"].append("verified")
    if module.example:
        examples.conceal(section, card)
    elif entry.in_title:
        section += data.later(call=examples.ways, anchor=entry.anchor)
    return entry


def _tools(app, docname, module, card, entry, differing):
    """The row below a card: its address, its text, where it is edited, where it was checked.

    Its words are no text of the page: the search would find them on every card.
    """
    links = [("copy-link", _("Copy link"), f"#{entry.anchor}")]
    if repository := app.config.proofsheet_repository:
        home, address = f"https://github.com/{repository}", app.builder.get_target_uri(docname)
        asked = {
            "title": f"{module.title}: {card.name}",
            "body": f"{app.config.html_baseurl}{address}#{entry.anchor}\n\n",
        }
        links += [
            ("edit", _("Edit"), f"{home}/edit/main/{module.name}#L{card.line}"),
            ("report", _("Something wrong?"), f"{home}/issues/new?{urlencode(asked)}"),
        ]
    parts = [
        f'<a class="{kind}" href="{escape(target)}">{escape(text)}</a>'
        for kind, text, target in links
    ]
    markdown = escape(_("Copy as Markdown"))
    parts.insert(1, f'<button type="button" class="copy-markdown">{markdown}</button>')
    for device, run, before in differing:
        said = records.summary([(module, card)], device)
        name = records.DEVICE_NAMES[device]
        if said is None:
            text, kind = _("Not yet checked on %s") % name, "unchecked"
        elif run and said.torch == run.torch and not before:
            continue
        else:
            text, kind = f"{name}, PyTorch {said.torch}", "checked"
        parts.append(f'<span class="badge badge-{kind}">{escape(text)}</span>')
    return html("", "", html=f'<p class="card-tools">{" ".join(parts)}</p>\n')


def _differing(module):
    """Devices on which a card may stand otherwise than the badges of its page say.

    Returns:
        list: of ``(device, what the badge says of the runs, whether it speaks of a part)``;
        nothing of a device that checked no card of the page.
    """
    found = []
    for device in records.DEVICES if not module.example else ():
        held = [records.outcome(module, unit, device) == "checked" for unit in module.units()]
        run = records.summary([(module, unit) for unit in module.units()], device)
        if run:
            found.append((device, run, not all(held)))
    return found


@cache
def moved():
    """Anchors that sections had under an earlier title, from ``docs/moved.tsv``, by address.

    They stay on the page, so that links from outside still lead to the card.
    """
    found = defaultdict(list)
    for row in tsv.read(records.ROOT / "docs" / "moved.tsv"):
        found[row["address"]].append(row["before"])
    return found


def _failures(module, card):
    """What came out instead of what is claimed, and where; nothing of a card that holds."""
    found = records.failures(module, card)
    items = nodes.bullet_list()
    for line, text, run in found:
        said = card.code.split("\n")[line - card.line].strip()
        where = f"PyTorch {run['torch']} · {run['name']} · {run['date']}"
        items += nodes.list_item("", nodes.paragraph("", "", code.line(said)))
        items[-1] += nodes.paragraph("", f"{text} ({where})")
    title = nodes.title("", _("This does not hold"))
    return [nodes.admonition("", title, items, classes=["warning", "failed"])] if found else []


def _names(node, used, page, docname):
    """Public names that the literals in ``node`` stand for."""
    found = {apis.named(literal.astext(), used) for literal in node.findall(nodes.literal)}
    page.promised |= {name: (docname, node.line) for name, sure in found if sure}
    return {name for name, _sure in found if name}


def _link_names(node):
    """Make links to PyTorch's documentation of the literals that name something in it."""
    for literal in list(node.findall(nodes.literal)):
        name, sure = apis.named(literal.astext())
        bound = (nodes.reference, addnodes.pending_xref, nodes.title)
        if sure and not isinstance(literal.parent, bound):
            literal.replace_self(apis.linked(name, literal.deepcopy()))


def _glance(module, entries):
    """The table made from the cards: what you want, the code, the result."""
    rows = []
    for card, entry in zip(module.cards, entries, strict=True):
        title = [node.deepcopy() for node in entry.heading]
        want = nodes.reference("", "", *title, refid=entry.anchor, internal=True)
        claim, result = entry.chief, cell(classes=["result"])
        if claim:
            result += changes.results(claim, changes.reached(module, card), entry.verified)
            result["classes"] += ["error"] if claim.error else []
            result["classes"] += ["verified"] if entry.verified and not claim.branches else []
        # A card without a claim shows its last line.
        shown = claim.source if claim else card.code.strip().rpartition("\n")[2].strip()
        linker = code.linker(module, sorted(entry.used))
        made = cell(code.line(shown, linker))
        if entry.lead:
            text, apart = entry.lead
            made.insert(0, code.line(text, linker, "lead apart" if apart else "lead"))
        rows.append([cell(want), made, result])
    labels = (_("What you want"), _("Code"), _("Result"))
    return table(labels, _("At a glance"), rows)


def _badges(module):
    """Where this page was checked, and what of it."""
    badges = [_badge(module, device) for device in records.DEVICES]
    return nodes.paragraph("", "", *joined(badges, " "), nodes.Text(" "), classes=["badges"])


def _badge(module, device):
    found = [records.outcome(module, unit, device) for unit in module.units()]
    name, checked = records.DEVICE_NAMES[device], found.count("checked")
    if checked == len(found):
        state = _("Checked on %s") % name
    elif checked:
        state = _("%(some)d of %(all)d cards checked on %(device)s") % {
            "some": checked, "all": len(found), "device": name,
        }  # fmt: skip
    elif "changed" in found:
        state = _("Changed since it was checked on %s") % name
    elif "failed" in found:
        state = _("Failed on %s") % name
    else:
        state = _("Not yet checked on %s") % name
    kind = "checked" if checked == len(found) else "stale" if checked else "unchecked"
    classes = ["badge", f"badge-{device}", f"badge-{kind}"]
    badge = nodes.inline("", "", nodes.strong("", state), classes=classes)
    if checked:
        run = records.summary([(module, unit) for unit in module.units()], device)
        facts = f"PyTorch {run.torch} · {run.device} · {run.date}"
        badge += [nodes.Text(" "), nodes.inline("", facts, classes=["badge-facts"])]
    return badge


def _downloads(app, docname):
    """Source, notebook and, where the repository is known, Colab."""
    stem = docname.rpartition("/")[2]
    links = [(_("Python source"), f"{stem}.py"), (_("Jupyter notebook"), f"{stem}.ipynb")]
    if repository := app.config.proofsheet_repository:
        path = f"{repository}/blob/gh-pages/{app.config.language}/{docname}.ipynb"
        links.append((_("Open in Colab"), f"https://colab.research.google.com/github/{path}"))
    made = [
        nodes.reference("", text, refuri=target, internal=not target.startswith("http"))
        for text, target in links
    ]
    return nodes.paragraph("", "", *joined(made), classes=["downloads"])


def _names_help():
    """Says that names answer, and has the words that names.js needs."""
    attributes = {
        "data-names": ", ".join(f"span.{name}" for name in code.NAMES),
        "data-values": _("Values"),
        "data-keys": _("The arrow keys move from variable to variable."),
        "data-after": _("at the end of the block"),
    }
    text = _("Point at a variable in the code, or tap it, to see what it held when the code ran.")
    return element("", text, tag="p", classes=["names-help"], attributes=attributes)


# -------------------------------------------------------------------- chapter pages


def _chapter_page(doctree, top):
    """Put a list of the modules between the text and the hidden table of contents."""
    children = []
    for tree in doctree.findall(addnodes.toctree):
        tree["hidden"] = True
        children += [name for _title, name in tree["entries"]]
    text = [node for node in top.children if isinstance(node, (nodes.paragraph, nodes.bullet_list))]
    place = data.later(call=_chapter, given=children)
    top.insert(top.index(text[-1]) + 1 if text else 1, place)


def _chapter(app, docname, place):
    return [listing(app, docname, place["given"], with_cards=True)]


def listing(app, docname, targets, with_cards=False, times=None):
    """Modules (or chapters) as a list: title, sentence, number of cards, check state.

    With ``with_cards`` each module's cards follow, which says where a question is answered;
    ``times`` maps modules to the minutes that they take.
    """
    items = nodes.bullet_list(classes=["modules"])
    for target in targets:
        page, module = data.of(app.env).page(target), records.module(target)
        title = link(app, docname, target, page.title)
        item = nodes.list_item("", nodes.paragraph("", "", title, classes=["module-title"]))
        if page.result:
            item["classes"].append("pictured")
            alt = "".join(node.astext() for node in page.title)
            picture = nodes.image(uri=page.result, alt=alt, classes=["thumbnail"])
            picture["candidates"] = {"?": ""}  # as Sphinx marks images that are no files
            item.insert(0, link(app, docname, target, [picture]))
        if page.summary:
            summary = [node.deepcopy() for node in page.summary]
            item += nodes.paragraph("", "", *summary, classes=["module-summary"])
        state = _counts(target)
        if times and target in times:
            text = _("%d min") % times[target]
            state[:0] = [nodes.inline("", text, classes=["minutes"]), nodes.Text(" ")]
        item += nodes.paragraph("", "", *state, classes=["module-state"])
        if with_cards and module and not module.example:
            titles = nodes.bullet_list(classes=["card-titles"])
            for card in page.cards:
                to = link(app, docname, target, card.heading, card.anchor)
                titles += nodes.list_item("", nodes.paragraph("", "", to))
            item += titles
        items += item
    return items


def _below(docname):
    """The module of a page, or all of a chapter."""
    if module := records.module(docname):
        return [module]
    folder = docname.removesuffix("index")
    return [records.module(name) for name in records.docnames() if name.startswith(folder)]


def size(docname):
    """How many cards or examples a module or chapter has, in words."""
    modules = _below(docname)
    if all(module.example for module in modules):
        return _("1 example") if len(modules) == 1 else _("%d examples") % len(modules)
    cards = sum(len(module.cards) for module in modules)
    return _("1 card") if cards == 1 else _("%d cards") % cards


def _counts(docname):
    """The size of a module or chapter, and on which devices all of it is checked."""
    module = records.module(docname)
    units = [(module, unit) for module in _below(docname) for unit in module.units()]
    shown = [] if module and module.example else [(size(docname), ["count"])]
    for device in records.DEVICES:
        checked = sum(records.outcome(module, unit, device) == "checked" for module, unit in units)
        name = records.DEVICE_NAMES[device]
        if checked == len(units):
            shown.append((name, ["badge", "badge-checked"]))
        elif checked:
            shown.append((f"{name} {checked}/{len(units)}", ["badge", "badge-stale"]))
    parts = [nodes.inline("", text, classes=classes) for text, classes in shown]
    return [node for part in parts for node in (part, nodes.Text(" "))]


def setup(app):
    app.connect("doctree-read", transform, priority=400)
    app.connect("doctree-read", examples.shorten_title, priority=600)
