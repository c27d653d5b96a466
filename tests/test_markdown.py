"""Each page as Markdown beside its HTML, and the lists of these for assistants."""

import re

import pytest
from docutils import nodes
from markdown_it import MarkdownIt

from proofsheet import code, languages, markdown, markup, records
from test_site import SITE, editions, find, page, pages, text

ADDRESS = "https://site.example/en/reference/tensors/joining.html"
PARSER = MarkdownIt("commonmark", {"html": False}).enable("table")
WITH_HTML = MarkdownIt("commonmark").enable("table")
ENTRY = re.compile(r"- \[(.+)\]\((\S+\.md)\)(: \S.*)?")


def read(language, name):
    return (SITE / language / name).read_text(encoding="utf-8")


def shown(tokens):
    """The text that tokens of markdown-it show, without markup."""
    inner = (child for token in tokens for child in token.children or [token])
    return "".join(child.content or " " * (child.type == "softbreak") for child in inner)


@editions
def test_each_page_says_where_its_markdown_is(language):
    for name in pages(language):
        links = [e for e in page(language, name).iter("link") if e.get("type") == "text/markdown"]
        if name == "search.html":
            assert not links
            continue
        (link,) = links
        assert link.get("rel") == "alternate"
        stem = name.removesuffix(".html")
        assert link.get("href") == f"{stem.rpartition('/')[2]}.md"
        assert read(language, f"{stem}.md").startswith("# "), name


@editions
def test_markdown_has_the_cards_as_the_page_shows_them(language):
    """Titles, prose and code, each card between a heading and its address."""
    site = read(language, "llms.txt").partition(f"/{language}/")[0].rpartition("(")[2]
    for name in records.docnames():
        module, tokens = records.module(name), PARSER.parse(read(language, f"{name}.md"))
        fences = [token.content for token in tokens if token.type == "fence"]
        assert module.imports.strip() == fences[0].strip(), name
        tree = page(language, f"{name}.html")
        sections = find(tree, "card", "section")
        heads = [n for n, token in enumerate(tokens) if token.type == "heading_open"]
        assert [tokens[n].tag for n in heads] == ["h1", *["h2"] * len(sections)], name
        bounds = [*heads[1:], len(tokens)]
        for at, stop, section, card in zip(
            heads[1:], bounds[1:], sections, module.cards, strict=True
        ):
            title = text(section.find("h2")).removesuffix("#")
            assert shown(tokens[at : at + 2]) == title, name
            code_there = {
                token.content.strip() for token in tokens[at:stop] if token.type == "fence"
            }
            assert card.code.strip() in code_there, (name, card.name)
            *_rest, last = [token for token in tokens[at:stop] if token.type == "inline"]
            assert shown([last]) == f"{site}/{language}/{name}.html#{section.get('id')}"
            prose = section.find("p")
            if prose is None or any("math" in str(part.tag) for part in prose.iter()):
                continue
            if not prose.get("class"):
                said = " ".join(text(prose).split())
                assert said in shown(tokens[at:stop]), (name, card.name)


@editions
def test_nothing_of_other_markup_is_left(language):
    for path in (SITE / language).rglob("*.md"):
        if "_static" in path.parts:
            continue
        for token in WITH_HTML.parse(path.read_text(encoding="utf-8")):
            for part in (token, *(token.children or ())):
                assert not part.type.startswith("html"), (path, part.content)
                if part.type == "text":
                    assert not re.search(r":\w+:`|^\.\. ", part.content), (path, part.content)


@editions
def test_llms_txt_has_the_form_that_llmstxt_org_describes(language):
    title, summary, *rest = read(language, "llms.txt").rstrip().split("\n\n")
    assert title == "# Proofsheet"
    assert summary.startswith("> ") and "\n" not in summary
    heads = [n for n, part in enumerate(rest) if part.startswith("## ")]
    assert rest[heads[-1]] == "## Optional"
    assert not [part for part in rest[: heads[0]] if part.startswith("#")]
    found = []
    for head, following in zip(heads, [*heads[1:], len(rest)], strict=True):
        for line in "\n".join(rest[head + 1 : following]).split("\n"):
            name, address, said = ENTRY.fullmatch(line).groups()
            assert said not in {": True", ": mystnb"}, f"{name}: front matter is no text"
            found.append(address.partition(f"/{language}/")[2])
            assert read(language, found[-1]).startswith("# "), name
    assert len(found) == len(set(found)) > 300
    listed = {f"{name}.md" for name in records.docnames()}
    assert listed <= set(found)


@editions
def test_llms_full_txt_has_every_card(language):
    whole = read(language, "llms-full.txt")
    for name in records.docnames():
        assert read(language, f"{name}.md").strip() in whole, name


def test_the_site_s_root_has_the_lists_of_the_source_language():
    for name in ("llms.txt", "llms-full.txt"):
        assert (SITE / name).read_bytes() == (SITE / languages.SOURCE / name).read_bytes()


# --- what nodes become ------------------------------------------------------------------------


def made(*children):
    return markdown.Writer(ADDRESS).blocks(nodes.section("", *children, ids=["s"]))


def paragraph(*children):
    return nodes.paragraph("", "", *children)


@pytest.mark.parametrize(
    "child, line",
    [
        (nodes.Text("2 * 3 < 4, <b>,\n and a_b"), r"2 \* 3 < 4, \<b>, and a_b"),
        (nodes.Text("_a_ '__b__'"), r"\_a\_ '\_\_b\_\_'"),
        (nodes.literal("", "a_b * `c`"), "`` a_b * `c` ``"),
        (nodes.math("", r"x_1 * \sigma"), r"$x_1 * \sigma$"),
        (nodes.reference("", "there", refuri="../nn/linear.html#a"),
         "[there](https://site.example/en/reference/nn/linear.html#a)"),
        (nodes.reference("", "here", refid="b"), f"[here]({ADDRESS}#b)"),
        (nodes.reference("", "", nodes.image(uri="data:,"), refuri="x.html"), None),
        (nodes.strong("", "one"), "**one**"),
        (code.line("x[0]"), "`x[0]`"),
    ],
)  # fmt: skip
def test_a_line(child, line):
    assert made(paragraph(child)) == ([line] if line else [])


def test_blocks():
    inner = nodes.bullet_list("", nodes.list_item("", paragraph(nodes.Text("b"))))
    item = nodes.list_item("", paragraph(nodes.Text("a")), inner)
    block = code.block("x  # 1\n", "<span>", "import torch", ["card-code"])
    tricky = nodes.literal_block("", "```\na\n```", language="default")
    cells = code.line("a | b"), nodes.reference("", "there", refuri=ADDRESS)
    rows = markup.table(("A", "B"), "C", [[markup.cell(child) for child in cells]], "which")
    assert made(nodes.title("", "T"), nodes.bullet_list("", item), block, tricky, rows) == [
        "# T",
        "- a\n\n  - b",
        "```python\nx  # 1\n```",
        "````\n```\na\n```\n````",
        f"| A | B |\n|---|---|\n| `a \\| b` | [there]({ADDRESS}) |",
    ]


def test_html_of_others_gives_its_table_or_its_text():
    table = "<table><tr><th>A</th></tr><tr><td><a href='x'>1*</a> 2</td></tr></table>"
    assert made(nodes.raw("", table, format="html")) == ["| A |\n|---|\n| 1\\* 2 |"]
    assert made(nodes.raw("", "<p>a <b>b</b></p>", format="html")) == ["a b"]
    assert made(nodes.raw("", "<svg><text>1</text></svg>", format="html")) == []


def test_a_card_ends_with_its_address_and_has_nothing_to_click():
    downloads = nodes.paragraph("", "Python source", classes=["downloads"])
    card = nodes.section("", nodes.title("", "T"), downloads, ids=["t"], classes=["card"])
    assert made(card) == ["## T", f"<{ADDRESS}#t>"]
