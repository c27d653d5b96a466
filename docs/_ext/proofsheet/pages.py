"""Turn what sphinx-gallery made of a script into a page of cards.

Works on the document tree after translation, so that what is repeated (titles in the
table, in lists, in the search index) is repeated in the reader's language.
"""

from docutils import nodes
from sphinx import addnodes
from sphinx.locale import _
from sphinx.util import logging

from . import apis, code, examples, records

logger = logging.getLogger(__name__)

SHORT = 24  # characters of code in a text that stay on one line, even on a phone


class card_code(nodes.General, nodes.TextElement):
    """A card's code, tokens as children; ``imports`` is copied with it but not shown."""


class code_line(nodes.General, nodes.TextElement):
    """Code in a line of text, tokens as children."""


class glance(nodes.General, nodes.Element):
    """The table "at a glance"; its children are rows, whose children are cells."""


class glance_row(nodes.General, nodes.Element):
    """One card in the table."""


class glance_cell(nodes.General, nodes.TextElement):
    """A cell with the ``label`` of its column, which a phone shows in front of it."""


class chapter_list(nodes.General, nodes.Element):
    """Stands for the list of modules until all pages are read."""


def transform(app, doctree):
    """``doctree-read``, before Sphinx collects titles, images and downloads."""
    docname = app.env.current_document.docname
    purge(app, app.env, docname)
    for literal in doctree.findall(nodes.literal):
        if len(literal.astext()) <= SHORT:
            literal["classes"].append("short")
    page = records.module(docname)
    if page:
        _module_page(app, docname, doctree, page)
    elif docname.split("/")[0] in records.SOURCES and docname.endswith("/index"):
        _chapter_page(app, docname, doctree)
    else:
        _check_names(doctree)


# --------------------------------------------------------------------- module pages


def _module_page(app, docname, doctree, page):
    top = next(doctree.findall(nodes.section))
    sections = [node for node in top.children if isinstance(node, nodes.section)]
    if len(sections) != len(page.cards):
        logger.warning(
            "%d cards, but %d headings: a heading inside a card's text?",
            len(page.cards), len(sections), location=docname,
        )  # fmt: skip
        return
    intro = [node for node in top.children if isinstance(node, nodes.paragraph)]
    link = _CodeLinks(page)
    for block in [n for n in top.children if isinstance(n, nodes.literal_block)]:
        block.replace_self(_code(page, None, link(None)))
    entries = []
    for section, card in zip(sections, page.cards, strict=True):
        entries.append(_card(docname, page, section, card, link))
        if app.builder.name != "gettext":  # which would ask for the title's translation again
            for image in section.findall(nodes.image):
                image["alt"] = section[0].astext()
    first = top.index(intro[-1]) + 1 if intro else 1
    added = [_badges(page), _downloads(app, docname)]
    figure = None
    if page.example:
        top += examples.ways(anchor="")
        if app.builder.name != "gettext":
            figure = examples.result(sections, top[0].astext())
            examples.lead_on(top, sections)
    top[first:first] = [node for node in (figure, *added) if node is not None]
    if not page.example:  # below what the text before the cards may hold, such as a table
        after = next((n for n, node in enumerate(top) if "import-cell" in _classes(node)), first)
        top.insert(after, _glance(page, sections, entries, link))
    top["classes"] += ["example" if page.example else "module"]
    app.env.proofsheet_cards[docname] = entries
    shown = examples.thumbnail(docname) if figure else None
    app.env.proofsheet_pages[docname] = _page(top, intro) | {"result": shown}


def _classes(node):
    return node.get("classes", ()) if isinstance(node, nodes.Element) else ()


class _CodeLinks:
    """Link functions for the code of a page, one per card."""

    def __init__(self, page):
        self.page = page

    def __call__(self, card):
        names = sorted(examples.used(self.page, card)) if card else ()
        return code.linker(self.page, names)


def _code(page, card, link):
    """The code block of ``card``, or of the import cell."""
    text = card.code if card else page.imports
    block = card_code(text, "", *code.highlight(text + "\n", link))
    block["imports"] = f"{page.imports}\n\n" if card and page.imports and not page.example else ""
    if card:
        block["classes"] += [f"verified-{device}" for device in records.verified(page, card)]
        if records.verified(page, card):
            block["classes"].append("verified")
    else:
        block["classes"].append("import-cell")
    return block


def _card(docname, page, section, card, link):
    """Finish the section of one card; returns what the index and the search know of it."""
    section["classes"].append("card")
    title = section[0]
    used = examples.used(page, card)
    in_title = _names(title, used)
    prose = [node for node in section[1:] if isinstance(node, nodes.TextElement)
             and not isinstance(node, nodes.FixedTextElement)]  # fmt: skip
    in_prose = set().union(*(_names(node, used) for node in prose))
    for block in list(section.findall(nodes.literal_block)):
        if "sphx-glr-script-out" in block["classes"]:
            block["classes"].remove("sphx-glr-script-out")
            label = nodes.paragraph("", _("Output"), classes=["output-label"])
            block.replace_self(nodes.container("", label, block.deepcopy(), classes=["output"]))
        elif block.astext().strip() == card.code.strip():
            block.replace_self(_code(page, card, link(card)))
    for node in prose:
        _link_names(node)
    verified = records.verified(page, card)
    if verified:
        section["classes"].append("verified")
    if page.example:
        examples.conceal(section, card)
    elif in_title:
        section += examples.ways(anchor=section["ids"][0])
    names = [literal.astext() for literal in title.findall(nodes.literal)]
    return {
        "anchor": section["ids"][0],
        "title": title.astext(),
        "heading": [loose(node) for node in _without_links(title).children],
        "text": " ".join(node.astext() for node in prose),
        "code": card.code,
        "arguments": examples.arguments(card.title),
        "chief": None if page.example else _chief(card, names, section),
        "apis": sorted(used | in_title | in_prose),
        "used": used,
        "in_title": in_title,
        "in_prose": in_prose,
        "verified": verified,
    }


def _chief(card, names, where):
    try:
        return code.chief_claim(card, names)
    except LookupError as error:
        logger.warning("%s", error, location=where)
        return None


def _names(node, used):
    """Public names that the literals and roles in ``node`` stand for."""
    found = set()
    for literal in node.findall(nodes.literal):
        name, sure = apis.named(literal.astext(), used)
        if isinstance(literal.parent, addnodes.pending_xref):
            target = literal.parent["reftarget"].lstrip("~.")
            name, sure = apis.named(target, used) if "." in target else (name, sure)
        if sure and not apis.exists(name):
            logger.warning("PyTorch has no %s", name, location=node)
        elif name:
            found.add(name)
    return found


def _check_names(doctree):
    """A page that is no script: names in it must exist, and become links."""
    for paragraph in doctree.findall(nodes.paragraph):
        _names(paragraph, ())
        _link_names(paragraph)


def _link_names(node):
    """Make links to PyTorch's documentation of the literals that name something in it."""
    for literal in list(node.findall(nodes.literal)):
        if isinstance(literal.parent, (nodes.reference, addnodes.pending_xref, nodes.title)):
            continue
        name, sure = apis.named(literal.astext())
        address = sure and apis.url(name)
        if address:
            link = nodes.reference("", "", refuri=address, reftitle=name, internal=False)
            literal.replace_self(link)
            link += literal


def loose(node):
    """A copy to keep between builds: docutils' own would keep the whole document with it."""
    copy = node.deepcopy()
    for part in copy.findall():
        part.document = None
    return copy


def _without_links(title):
    """A copy of ``title`` that can stand inside a link."""
    copy = loose(title)
    for node in list(copy.findall(addnodes.pending_xref)) + list(copy.findall(nodes.reference)):
        node.replace_self(node.children)
    return copy


def _glance(page, sections, entries, link):
    """The table made from the cards: what you want, the code, the result."""
    labels = (_("What you want"), _("Code"), _("Result"))
    table = glance(labels=labels, caption=_("At a glance"))
    for section, card, entry in zip(sections, page.cards, entries, strict=True):
        claim = entry["chief"]
        title = _without_links(section[0]).children
        want = nodes.reference("", "", *title, refid=section["ids"][0], internal=True)
        row = glance_row("", glance_cell("", "", want, label=labels[0]))
        if claim:
            tokens = code.highlight(claim.statement, link(card))
            statement = code_line("", "", *tokens)
            result = code_line("", "", *code.highlight(claim.text, lambda written: None))
            row += glance_cell("", "", statement, label=labels[1])
            classes = ["result", *(["error"] if claim.error else [])]
            if records.verified(page, card):
                classes.append("verified")
            row += glance_cell("", "", result, label=labels[2], classes=classes)
        else:
            row += glance_cell("", "", *_first_line(card, link(card)), label=labels[1])
            row += glance_cell("", "", label=labels[2], classes=["result"])
        table += row
    return table


def _first_line(card, link):
    """A card without a claim shows its last line."""
    last = card.code.strip().split("\n")[-1].strip()
    return [code_line("", "", *code.highlight(last, link))]


def _badges(page):
    """Where this page was checked, and what of it."""
    line = nodes.paragraph(classes=["badges"])
    for device in records.DEVICES:
        line += nodes.inline("", "", *_badge(page, device), classes=_badge_classes(page, device))
        line += nodes.Text(" ")
    return line


def outcomes(page, device):
    """Outcome of each unit of ``page`` on ``device``."""
    return [records.outcome(page, unit, device) for unit in page.units()]


def _badge_classes(page, device):
    found = set(outcomes(page, device))
    state = "checked" if found == {"checked"} else "stale" if "checked" in found else "unchecked"
    return ["badge", f"badge-{device}", f"badge-{state}"]


def _badge(page, device):
    found = outcomes(page, device)
    record = records.load(device)
    name = records.DEVICE_NAMES[device]
    checked, changed, failed = (found.count(s) for s in ("checked", "changed", "failed"))
    if checked == len(found):
        state = _("Checked on %s") % name
    elif checked:
        state = _("%(some)d of %(all)d cards checked on %(device)s") % {
            "some": checked, "all": len(found), "device": name,
        }  # fmt: skip
    elif changed:
        state = _("Changed since it was checked on %s") % name
    elif failed:
        state = _("Failed on %s") % name
    else:
        state = _("Not yet checked on %s") % name
    parts = [nodes.strong("", state)]
    if checked:
        parts.append(
            nodes.inline(
                "", f"PyTorch {record.torch} · {record.device} · {record.date}",
                classes=["badge-facts"],
            )
        )  # fmt: skip
    return [parts[0], *(node for part in parts[1:] for node in (nodes.Text(" "), part))]


def _downloads(app, docname):
    """Source, notebook and, where the repository is known, Colab."""
    stem = docname.rpartition("/")[2]
    links = [(_("Python source"), f"{stem}.py"), (_("Jupyter notebook"), f"{stem}.ipynb")]
    repository = app.config.proofsheet_repository
    if repository:
        path = f"{repository}/blob/gh-pages/{app.config.language}/{docname}.ipynb"
        links.append((_("Open in Colab"), f"https://colab.research.google.com/github/{path}"))
    line = nodes.paragraph(classes=["downloads"])
    for text, target in links:
        if len(line):
            line += nodes.Text(" · ")
        line += nodes.reference("", text, refuri=target, internal=not target.startswith("http"))
    return line


# -------------------------------------------------------------------- chapter pages


def _chapter_page(app, docname, doctree):
    """Put a list of the modules between the text and the hidden table of contents."""
    top = next(doctree.findall(nodes.section))
    intro = [node for node in top.children if isinstance(node, nodes.paragraph)]
    children = []
    for tree in doctree.findall(addnodes.toctree):
        tree["hidden"] = True
        children += [name for _title, name in tree["entries"]]
    text = [node for node in top.children if isinstance(node, (nodes.paragraph, nodes.bullet_list))]
    top.insert(top.index(text[-1]) + 1 if text else 1, chapter_list(docs=children))
    app.env.proofsheet_pages[docname] = _page(top, intro)


def _page(top, intro):
    """What other pages show of a page: its title and first paragraph, with their markup."""
    return {"title": _without_links(top[0]), "summary": [loose(node) for node in intro[:1]]}


def fill_chapters(app, doctree, docname):
    """Put the list of modules where its placeholder stands."""
    for place in list(doctree.findall(chapter_list)):
        place.replace_self(listing(app, docname, place["docs"], with_cards=True))


def listing(app, docname, targets, with_cards=False, times=None):
    """Modules (or chapters) as a list: title, sentence, number of cards, check state.

    With ``with_cards`` each module's cards follow, which says where a question is answered;
    ``times`` maps modules to the minutes that they take.
    """
    items = nodes.bullet_list(classes=["modules"])
    for target in targets:
        known = app.env.proofsheet_pages.get(target)
        if not known:
            continue
        uri = app.builder.get_relative_uri(docname, target)
        title = [node.deepcopy() for node in known["title"].children]
        link = nodes.reference("", "", *title, refuri=uri, internal=True)
        item = nodes.list_item("", nodes.paragraph("", "", link, classes=["module-title"]))
        if known.get("result"):
            item["classes"].append("pictured")
            alt = known["title"].astext()
            picture = nodes.image(uri=known["result"], alt=alt, classes=["thumbnail"])
            picture["candidates"] = {"?": ""}  # as Sphinx marks images that are no files
            item.insert(0, nodes.reference("", "", picture, refuri=uri, internal=True))
        for paragraph in known["summary"]:
            item += nodes.paragraph("", "", *_without_links(paragraph).children,
                                    classes=["module-summary"])  # fmt: skip
        state = _counts(target)
        if times and target in times:
            text = _("%d min") % times[target]
            state[:0] = [nodes.inline("", text, classes=["minutes"]), nodes.Text(" ")]
        item += nodes.paragraph("", "", *state, classes=["module-state"])
        page = records.module(target)
        if with_cards and page and not page.example:
            item += _titles(app, uri, target)
        items += item
    return items


def _titles(app, uri, target):
    """The titles of a module's cards, each a link."""
    titles = nodes.bullet_list(classes=["card-titles"])
    for card in app.env.proofsheet_cards[target]:
        heading = [node.deepcopy() for node in card["heading"]]
        link = nodes.reference("", "", *heading, refuri=f"{uri}#{card['anchor']}", internal=True)
        titles += nodes.list_item("", nodes.paragraph("", "", link))
    return titles


def _below(docname):
    """The module of a page, or all of a chapter."""
    page = records.module(docname)
    if page:
        return [page]
    folder = docname.removesuffix("index")
    return [records.module(name) for name in records.docnames() if name.startswith(folder)]


def size(docname):
    """How many cards or examples a module or chapter has, in words."""
    pages = _below(docname)
    if all(page.example for page in pages):
        return _counted(len(pages), _("1 example"), _("%d examples"))
    return _counted(sum(len(page.cards) for page in pages), _("1 card"), _("%d cards"))


def _counts(docname):
    """The size of a module or chapter, and on which devices all of it is checked."""
    page = records.module(docname)
    units = [(page, unit) for page in _below(docname) for unit in page.units()]
    shown = [] if page and page.example else [size(docname)]
    parts = [nodes.inline("", text, classes=["count"]) for text in shown]
    for device in records.DEVICES:
        checked = sum(records.outcome(page, unit, device) == "checked" for page, unit in units)
        state = "checked" if checked == len(units) else "stale" if checked else "unchecked"
        if state == "unchecked":
            continue
        text = records.DEVICE_NAMES[device]
        if state == "stale":
            text = f"{text} {checked}/{len(units)}"
        parts.append(nodes.inline("", text, classes=["badge", f"badge-{state}"]))
    return [node for part in parts for node in (part, nodes.Text(" "))]


def _counted(number, one, many):
    return one if number == 1 else many % number


def prepare(app):
    """Give the environment, which is kept between builds, the attributes used here."""
    for name in ("proofsheet_pages", "proofsheet_cards"):
        if not hasattr(app.env, name):
            setattr(app.env, name, {})


def purge(_app, env, docname):
    """``env-purge-doc``: forget a page."""
    env.proofsheet_pages.pop(docname, None)
    env.proofsheet_cards.pop(docname, None)


# ----------------------------------------------------------------------------- HTML


def visit_card_code(self, node):
    """The markup of Sphinx's own code blocks; what is hidden is copied with the rest."""
    classes = " ".join(["highlight-python", "notranslate", "card-code", *node["classes"]])
    self.body.append(f'<div class="{classes}"><div class="highlight"><pre>')
    if node["imports"]:
        self.body.append(f'<span class="imports" hidden>{self.encode(node["imports"])}</span>')


def depart_card_code(self, _node):
    """Close it."""
    self.body.append("</pre></div></div>\n")


def visit_code_line(self, _node):
    """Code that wraps where it must."""
    self.body.append('<code class="highlight">')


def depart_code_line(self, _node):
    """Close it."""
    self.body.append("</code>")


def visit_glance(self, node):
    """A plain table; the theme makes it fit a phone."""
    kind = " ".join(["glance", *node["classes"]])
    self.body.append(f'<table class="{kind}"><caption>{self.encode(node["caption"])}</caption>')
    heads = "".join(f'<th scope="col">{self.encode(label)}</th>' for label in node["labels"])
    self.body.append(f"<thead><tr>{heads}</tr></thead><tbody>\n")


def depart_glance(self, _node):
    """Close it."""
    self.body.append("</tbody></table>\n")


def visit_glance_row(self, _node):
    """Open a row."""
    self.body.append("<tr>")


def depart_glance_row(self, _node):
    """Close it."""
    self.body.append("</tr>\n")


def visit_glance_cell(self, node):
    """Open a cell."""
    kind = " ".join(node["classes"])
    kind = f' class="{kind}"' if kind else ""
    self.body.append(f'<td{kind} data-label="{self.encode(node["label"])}">')


def depart_glance_cell(self, _node):
    """Close it."""
    self.body.append("</td>")


def setup(app):
    """Connect all of it."""
    app.add_node(card_code, html=(visit_card_code, depart_card_code))
    app.add_node(code_line, html=(visit_code_line, depart_code_line))
    app.add_node(glance, html=(visit_glance, depart_glance))
    app.add_node(glance_row, html=(visit_glance_row, depart_glance_row))
    app.add_node(glance_cell, html=(visit_glance_cell, depart_glance_cell))
    app.add_node(chapter_list)
    app.connect("builder-inited", prepare)
    app.connect("env-purge-doc", purge)
    app.connect("doctree-read", transform, priority=400)
    app.connect("doctree-resolved", fill_chapters)
