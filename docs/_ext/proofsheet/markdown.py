"""Each page as Markdown beside its HTML, and ``llms.txt``, which lists these for assistants.

A page is written from the same tree of nodes as its HTML, so in the reader's language and with
the code of its cards as it stands in their source. "Copy as Markdown" below a card takes its part
of that file: each card begins with a heading and ends with its address.
"""

import re
from pathlib import Path
from textwrap import indent
from urllib.parse import urljoin

from bs4 import BeautifulSoup
from docutils import nodes
from sphinx.locale import _

from . import data, languages, records
from .site import chapters, first_sentence

# What repeats the cards, leads elsewhere, or is there to be clicked.
LEFT_OUT = {"downloads", "names-help", "ways", "output-label", "module-state"}
# What a word of prose could start in Markdown; an underscore within a name starts nothing.
SPECIAL = re.compile(r"[*`\\]|<(?=[\w/!])|(?<![^\W_])_|_(?![^\W_])")


class Writer:
    """Makes Markdown of nodes.

    Args:
        address: that of the page, to which its links are relative.
    """

    def __init__(self, address):
        self.address = address
        self.level = 0  # of headings: how many sections we are in

    def blocks(self, node):
        """The blocks that ``node`` becomes; in a text a blank line stands between two of them."""
        if isinstance(node, nodes.Element) and LEFT_OUT.intersection(node["classes"]):
            return []
        for kind in type(node).__mro__:
            if method := getattr(self, f"of_{kind.__name__}", None):
                return method(node)
        return self.inside(node)

    def inside(self, node):
        """The blocks of all children."""
        return [block for child in node.children for block in self.blocks(child)]

    def inline(self, node):
        """The text of ``node`` on one line."""
        return "".join(map(self.span, node.children)).strip()

    def span(self, node):
        """What stands in a line."""
        if isinstance(node, nodes.Text):
            return SPECIAL.sub(r"\\\g<0>", re.sub(r"\s+", " ", node.astext()))
        text = "".join(map(self.span, node.children))
        if isinstance(node, (nodes.literal, nodes.FixedTextElement)) or "html" in node:
            return quoted(node.astext())
        if isinstance(node, nodes.math):
            return f"${node.astext()}$"
        if isinstance(node, nodes.strong) and text.strip():
            return f"**{text}**"
        if isinstance(node, nodes.emphasis):
            return f"*{text}*"
        if isinstance(node, nodes.reference) and text.strip():
            target = node.get("refuri") or f"#{node['refid']}"
            return f"[{text}]({urljoin(self.address, target)})"
        return text

    # --- kinds of nodes -------------------------------------------------------------------

    def of_TextElement(self, node):
        text = self.inline(node)
        return [text] if text else []

    def of_Invisible(self, node):
        return []

    of_image = of_Invisible

    def of_section(self, node):
        self.level += 1
        found = self.inside(node)
        self.level -= 1
        return (
            [*found, ending(self.address, node["ids"][0])] if "card" in node["classes"] else found
        )

    def of_title(self, node):
        text = self.inline(node)
        return [f"{'#' * self.level} {text}" if isinstance(node.parent, nodes.section) else text]

    def of_literal_block(self, node):
        language = node.get("language", "")
        return [fence(node.astext(), "" if language in ("default", "none") else language)]

    def of_html(self, node):
        """Code, or nothing that is text."""
        return [fence(node.rawsource, "python")] if node.rawsource.strip() else []

    def of_math_block(self, node):
        return [f"$$\n{node.astext()}\n$$"]

    def of_raw(self, node):
        """What a notebook or another program gave as HTML: its table, or its text."""
        if node["format"] != "html" or "<svg" in node.astext():
            return []
        soup = BeautifulSoup(node.astext(), "html.parser")
        rows = [[words(cell) for cell in row(["th", "td"])] for row in soup("tr")]
        return table(rows) if rows else [text] if (text := words(soup)) else []

    def of_list_item(self, node, mark="- "):
        text = "\n\n".join(self.inside(node))
        return [mark + indent(text, " " * len(mark)).lstrip()] if text else []

    def of_bullet_list(self, node):
        items = [item for child in node.children for item in self.of_list_item(child)]
        return ["\n".join(items)] if items else []

    def of_enumerated_list(self, node):
        numbered = enumerate(node.children, node.get("start", 1))
        return ["\n".join(t for n, item in numbered for t in self.of_list_item(item, f"{n}. "))]

    def of_definition_list(self, node):
        return ["\n".join(item for child in node.children for item in self.of_term(child))]

    def of_term(self, item):
        term, definition = item.children
        text = f"**{self.inline(term)}**: " + "\n\n".join(self.inside(definition))
        return ["- " + indent(text, "  ").lstrip()]

    def of_block_quote(self, node):
        return [indent("\n\n".join(self.inside(node)), "> ", lambda _line: True)]

    def of_table(self, node):
        return table([[self.cell(entry) for entry in row] for row in node.findall(nodes.row)])

    def of_element(self, node):
        if node["tag"] != "table":
            return self.inside(node)
        rows = node[0].children
        if node["classes"] == ["glance"] or not rows:  # the cards below it say the same
            return []
        heads = [cell["attributes"]["data-label"] for cell in rows[0]]
        return table([heads, *([self.cell(cell) for cell in row] for row in rows)])

    def cell(self, node):
        """The content of a cell on one line."""
        blocks = any(isinstance(child, (nodes.paragraph, nodes.Sequential)) for child in node)
        return " ".join(self.inside(node)) if blocks else self.inline(node)


def ending(address, anchor):
    """The last line of a card."""
    return f"<{address}#{anchor}>"


def quoted(code):
    """``code`` as it stands in a line."""
    ticks = "`" * (1 + max(map(len, re.findall("`+", code)), default=0))
    space = " " if code.startswith("`") or code.endswith("`") else ""
    return f"{ticks}{space}{' '.join(code.split())}{space}{ticks}"


def fence(code, language=""):
    """``code`` as a block."""
    ticks = "`" * max(3, 1 + max(map(len, re.findall("`+", code)), default=0))
    return f"{ticks}{language}\n{code.strip(chr(10)).rstrip()}\n{ticks}"


def table(rows):
    """A table with the first of ``rows`` as its head; none of no rows."""
    lines = ["| " + " | ".join(cell.replace("|", r"\|") for cell in row) + " |" for row in rows]
    return ["\n".join([lines[0], "|" + "---|" * len(rows[0]), *lines[1:]])] if lines else []


def words(soup):
    """The text of a part of HTML."""
    return SPECIAL.sub(r"\\\g<0>", " ".join(soup.get_text(" ").split()))


# --- files ---------------------------------------------------------------------------------


def write_page(app, pagename, templatename, context, doctree):
    """``html-page-context``: write a page's Markdown, and let its HTML say where that is."""
    if doctree is None or app.builder.name != "html":
        return
    writer = Writer(app.config.html_baseurl + app.builder.get_target_uri(pagename))
    text = "\n\n".join(writer.blocks(doctree)) + "\n"
    path = Path(app.builder.get_outfilename(pagename)).with_suffix(".md")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    context["markdown"] = path.name


def write_lists(app, exception):
    """``build-finished``: ``llms.txt`` in the form of llmstxt.org, and ``llms-full.txt``.

    The first links to each page, the second holds the text of those that are not optional.
    """
    if exception or app.builder.name != "html":
        return
    sections, out = contents(app.env), Path(app.outdir)
    intro = [
        f"# {app.config.project}",
        "> " + _("A PyTorch reference in which every value, shape, dtype and error is checked."),
        _(
            "The pages are made of cards. A comment after code on the same line is a claim, and it "
            "is compared with what PyTorch really gives. The imports at the top of a page of the "
            "reference belong to each of its cards. Each card ends with its address."
        ),
    ]
    listed, whole = [], []
    for title, docnames in sections.items():
        lines = []
        for docname in docnames:
            address = f"{app.config.html_baseurl}{docname}.md"
            said = first_sentence(data.of(app.env).page(docname).text, 240)
            lines.append(f"- [{app.env.titles[docname].astext()}]({address}): {said}".rstrip(": "))
            if title != "Optional":
                whole.append((out / f"{docname}.md").read_text(encoding="utf-8").rstrip())
        listed.append(f"## {title}\n\n" + "\n".join(lines))
    for name, parts in ("llms.txt", listed), ("llms-full.txt", whole):
        text = "\n\n".join([*intro, *parts]) + "\n"
        (out / name).write_text(text, encoding="utf-8")
        if app.config.language == languages.SOURCE and out.name == languages.SOURCE:
            (out.parent / name).write_text(text, encoding="utf-8")


def contents(env):
    """Pages by the section of ``llms.txt`` that lists them, in reading order.

    The standard calls a section "Optional" that can be skipped if there is no room for it.
    """
    found = {
        f"{chapter['kind']}: {chapter['title']}": [page["docname"] for page in chapter["pages"]]
        for top in records.SOURCES
        for chapter in chapters(env, f"{top}/index")
    }
    scripts = {page for section in found.values() for page in section}
    others = sorted(env.found_docs - scripts - {"index"})
    found["Optional"] = [name for name in others if not name.endswith("/index")]
    return found


def setup(app):
    app.connect("html-page-context", write_page)
    app.connect("build-finished", write_lists)
