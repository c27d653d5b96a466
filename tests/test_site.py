"""The built site: links, markup, completeness, and that it says no more than the records do."""

import gzip
import json
import posixpath
import re
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import unquote, urlsplit

import html5lib
import polib
import pytest
from docutils import nodes

from proofsheet import changes, code, data, drawing, languages, markup, records, translation
from proofsheet.pages import _tools, moved
from torchproof.cards import Card

ROOT = Path(__file__).resolve().parents[1]
SITE = ROOT / "build" / "html"
LANGUAGES = tuple(languages.NAMES)

HOW = "build the site first: nox -s docs"
# What a browser fetches by itself, not when the reader follows a link.
LOADING_RELS = {"stylesheet", "icon", "preload", "prefetch", "modulepreload", "manifest"}


@pytest.fixture(scope="session", autouse=True)
def built():
    """Without a site there is nothing to test, and that is a failure."""
    missing = [name for name in LANGUAGES if not (SITE / name / "index.html").is_file()]
    if missing:
        pytest.fail(f"no site in {SITE.relative_to(ROOT)} for {missing}: {HOW}", pytrace=False)


def pages(language):
    """Every page of one edition, as paths below it."""
    folder = SITE / language
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.html"))


@cache
def parse(path):
    """The page as a tree, and what the HTML standard calls parse errors in it."""
    parser = html5lib.HTMLParser(namespaceHTMLElements=False)
    tree = parser.parse(path.read_text(encoding="utf-8"))
    return tree, [(position, code) for position, code, _ in parser.errors]


def page(language, name):
    """The tree of a page."""
    return parse(SITE / language / name)[0]


@cache
def ids(path):
    """All anchors of a page."""
    return [element.get("id") for element in parse(path)[0].iter() if element.get("id")]


def text(element):
    """What ``textContent`` is in a browser."""
    return "".join(element.itertext())


def has(element, name):
    """Does the element have the class ``name``?"""
    return name in element.get("class", "").split()


def find(element, name, tag=None):
    """All descendants of a class."""
    return [found for found in element.iter(tag) if found.tag != "head" and has(found, name)]


def modules():
    """Pages made from scripts with their source."""
    return [(name, records.module(name)) for name in records.docnames()]


editions = pytest.mark.parametrize("language", LANGUAGES)


@editions
def test_links_lead_somewhere(language):
    """Every internal link, file and anchor exists."""
    broken = []
    files = {path.relative_to(SITE).as_posix() for path in SITE.rglob("*") if path.is_file()}
    for name in pages(language):
        folder = f"{language}/{name}".rpartition("/")[0]
        for element in page(language, name).iter():
            if not isinstance(element.tag, str):
                continue
            for attribute in ("href", "src"):
                target = element.get(attribute)
                if target is None or urlsplit(target).scheme or target.startswith("//"):
                    continue
                address = urlsplit(target)
                path = f"{language}/{name}"
                if address.path:
                    path = posixpath.normpath(posixpath.join(folder, unquote(address.path)))
                if path not in files:
                    path += "/index.html"
                if path not in files:
                    broken.append(f"{name}: {target}")
                elif address.fragment and path.endswith(".html"):
                    if unquote(address.fragment) not in ids(SITE / path):
                        broken.append(f"{name}: {target} (no such anchor)")
    assert not broken, "\n".join(broken)


@editions
def test_an_earlier_address_of_a_card_leads_to_it(language):
    """Each row of ``docs/moved.tsv`` names a section that is there, with the anchor that it had."""
    for address, before in moved().items():
        name, _, anchor = address.partition("#")
        sections = page(language, f"{name}.html").iter("section")
        (section,) = (one for one in sections if one.get("id") == anchor)
        inside = {element.get("id") for element in section.iter()}
        assert inside.issuperset(before), address


@editions
def test_nothing_loads_from_another_host(language):
    """Pages fetch nothing from elsewhere: no script, style, font, image."""
    outside = []
    for name in pages(language):
        for element in page(language, name).iter():
            if not isinstance(element.tag, str) or element.tag == "a":
                continue
            loads = element.get("src"), element.get("srcset"), element.get("data")
            rels = set(element.get("rel", "").split())
            if element.tag == "link" and rels & LOADING_RELS:
                loads += (element.get("href"),)
            outside += [f"{name}: {url}" for url in loads if url and re.match(r"(https?:)?//", url)]
    for path in sorted((SITE / language / "_static").rglob("*.css")):
        for url in re.findall(r"(?:url\(|@import)\s*[\"']?([^)\"']+)", path.read_text("utf-8")):
            if re.match(r"(https?:)?//", url):
                outside.append(f"{path.name}: {url}")
    assert not outside, "\n".join(outside)


@editions
def test_pages_are_well_formed(language):
    """No parse errors, no id twice, a language, one h1, images with a text."""
    faults = []
    for name in pages(language):
        tree, errors = parse(SITE / language / name)
        faults += [f"{name}:{position[0]}: {code}" for position, code in errors]
        anchors = ids(SITE / language / name)
        faults += [f"{name}: id {i} twice" for i in set(anchors) if anchors.count(i) > 1]
        if tree.get("lang") != language.replace("_", "-"):
            faults.append(f"{name}: lang is {tree.get('lang')}")
        if len(list(tree.iter("h1"))) != 1:
            faults.append(f"{name}: {len(list(tree.iter('h1')))} h1")
        faults += [f"{name}: image without alt" for img in tree.iter("img") if not img.get("alt")]
    assert not faults, "\n".join(faults[:40])


@editions
def test_a_formula_and_its_punctuation_share_a_line(language):
    """A browser would break between them; they stand in one element that it does not break."""
    loose, formulas = [], 0
    for name in pages(language):
        for parent in page(language, name).iter():
            for child in parent:
                formula = isinstance(child.tag, str) and child.tag.endswith("}math")
                formulas += formula
                if formula and not has(parent, "together") and child.get("display") != "block":
                    loose.append(f"{name}: {text(child)} stands alone")
                elif has(child, "together") and (child.tail or " ")[0] in ",.;:!?)，。、；：！？）":
                    loose.append(f"{name}: {text(child)}{child.tail[:9]}")
    assert formulas and not loose, "\n".join(loose)


@editions
def test_long_names_break_where_they_are_joined(language):
    """A narrow column may cut a name, but not within a word."""
    whole, long = [], 0
    for name in pages(language):
        for span in find(page(language, name), "pre", "span"):
            if re.fullmatch(r"\w+([._]\w+)+", text(span)) and len(text(span)) >= 28:
                long += 1
                if span.find("wbr") is None:
                    whole.append(f"{name}: {text(span)}")
    assert long and not whole, "\n".join(sorted(set(whole))[:40])


def test_both_editions_have_the_same_pages_and_anchors():
    """The language switch stays on the page and the section."""
    assert pages("en") == pages("zh_CN")
    for name in records.docnames():
        one, other = (ids(SITE / language / f"{name}.html") for language in LANGUAGES)
        assert one == other, name


@editions
def test_every_script_has_its_page(language):
    """A page for each script and no page for a script that is gone."""
    scripts = [name for name in pages(language) if name.split("/")[0] in records.SOURCES]
    made = {n.removesuffix(".html") for n in scripts if not n.endswith("/index.html")}
    assert made == set(records.docnames())


@editions
def test_check_marks_come_from_records(language):
    """A card is marked if and only if a record of its present text says that it held."""
    for name, module in modules():
        sections = find(page(language, f"{name}.html"), "card", "section")
        assert len(sections) == len(module.cards), name
        for section, card in zip(sections, module.cards, strict=True):
            verified = records.verified(module, card)
            (block,) = find(section, "card-code")
            assert has(section, "verified") == bool(verified), (name, card.name)
            assert has(block, "verified") == bool(verified), (name, card.name)
            for device in records.DEVICES:
                assert has(block, f"verified-{device}") == (device in verified), (name, card.name)


@editions
def test_badges_say_what_records_say(language):
    """A green badge needs every card; date and device stand with what was checked."""
    for name, module in modules():
        for device in records.DEVICES:
            (badge,) = find(page(language, f"{name}.html"), f"badge-{device}")
            outcomes = {records.outcome(module, unit, device) for unit in module.units()}
            assert has(badge, "badge-checked") == (outcomes == {"checked"}), (name, device)
            if "checked" in outcomes:
                run = records.summary([(module, unit) for unit in module.units()], device)
                assert run.date in text(badge) and run.torch in text(badge)


@editions
def test_copied_text_is_the_card_with_its_imports(language):
    """What a browser copies from a card's block is what is tested to run by itself."""
    for name, module in modules():
        sections = find(page(language, f"{name}.html"), "card", "section")
        for section, card in zip(sections, module.cards, strict=True):
            (block,) = find(section, "card-code")
            (pre,) = block.iter("pre")
            expected = card.code + "\n" if module.example else card.copy
            assert text(pre) == expected, (name, card.name)
            hidden = find(pre, "imports")
            assert len(hidden) == (not module.example), (name, card.name)
            for element in hidden:
                assert element.get("hidden") is not None, (name, card.name)


@editions
def test_claims_are_marked_one_by_one(language):
    """Each comment after code carries the class that shows its check mark."""
    for name, module in modules():
        sections = find(page(language, f"{name}.html"), "card", "section")
        for section, card in zip(sections, module.cards, strict=True):
            (block,) = find(section, "card-code")
            shown = [text(span).lstrip("# ").rstrip() for span in find(block, "claim")]
            stated = [
                said
                for claim in code.claims(card.code)
                for said in [*map(changes.said, claim.branches)] or [claim.text]
            ]
            assert shown == stated, (name, card.name)


@editions
def test_table_has_a_row_for_each_card(language):
    """At a glance: a link to each card, labels for a phone."""
    for name, module in modules():
        tables = find(page(language, f"{name}.html"), "glance", "table")
        tables = [table for table in tables if "which" not in table.get("class").split()]
        assert len(tables) == (not module.example), name
        for table in tables:
            links = [row.find(".//td/a").get("href") for row in table.find("tbody")]
            sections = find(page(language, f"{name}.html"), "card", "section")
            assert links == [f"#{section.get('id')}" for section in sections], name
            assert all(cell.get("data-label") for cell in table.iter("td")), name


CODE = """x.sum()  # 3
f(x, wide=False)  # 1
f(x, wide=True)  # 2
with suppress(ValueError):
    f(None)  # ValueError: not a tensor
with suppress(ValueError):
    f("x")  # ValueError: wide must be set"""


@pytest.mark.parametrize(
    "title, prose, shown",
    [
        ("Anything", "", "3"),
        ("Apply ``torch.f``", "", "1"),
        ("Apply ``torch.f(wide=True)``", "", "2"),
        ("Error: wide must be set", "", "ValueError: wide must be set"),
        ("Apply ``torch.f``", "Text.\n\n.. glance:: wide=True", "2"),
    ],
)
def test_the_table_shows_what_a_card_is_about(title, prose, shown):
    card = Card(title, prose, CODE, 1, "")
    names = re.findall("``(.+?)``", title)
    assert code.chief_claim(card, code.claims(CODE), names).text == shown


def test_a_card_cannot_be_represented_by_a_claim_that_it_does_not_make():
    card = Card("Anything", ".. glance:: x.mean()", CODE, 1, "")
    with pytest.raises(LookupError, match=r"x\.mean"):
        code.chief_claim(card, code.claims(CODE), ())


LEADING = """small, big = torch.tensor([3]), torch.tensor([4])
with torch.no_grad():
    y = torch.f(small, wide=True)
z = y + 1
y  # 1
z.shape  # 2
len(z)  # 3
torch.f(z)  # 4
small > big  # 5"""
MADE = "with torch.no_grad():\n    y = torch.f(small, wide=True)"


@pytest.mark.parametrize(
    "title, number, shown",
    [
        ("Apply ``torch.f``", 0, (MADE, True)),
        ("Apply ``f(wide=True)``", 1, (MADE, True)),
        ("Add one", 0, (MADE, True)),
        ("Anything", 2, None),
        ("Apply ``torch.f``", 3, None),
        ("Compare", 4, ("small, big = torch.tensor([3]), torch.tensor([4])", True)),
    ],
)  # fmt: skip
def test_a_result_with_a_name_is_shown_with_what_made_it(title, number, shown):
    claim = code.claims(LEADING)[number]
    assert code.lead(LEADING, claim, re.findall("``(.+?)``", title)) == shown


def test_a_function_is_looked_into_if_the_claim_is_in_it():
    text = (
        "def work(rank):\n    x = torch.tensor([rank])\n    dist.broadcast(x, src=0)\n    x  # 0\n"
        "\n\nwork(1)"
    )
    assert code.lead(text, code.claims(text)[0], ["broadcast"]) == (
        "dist.broadcast(x, src=0)",
        False,
    )


@editions
def test_no_row_of_the_table_is_a_bare_name(language):
    """What stands in a list of single lines makes sense there: there is a call or an operator."""
    bare = []
    for name, module in modules():
        for table in find(page(language, f"{name}.html"), "glance", "table"):
            if module.example or has(table, "which"):
                continue
            for row in table.find("tbody"):
                shown = text(list(row.iter("td"))[1])
                if re.fullmatch(r"[\w\s,\[\]:\"']*", shown):
                    bare.append(f"{name}: {shown}")
    assert not bare, "\n".join(bare)


def tools(repository, differing=()):
    """The row below a card of ``snippets/tensors/joining.py``, as HTML."""
    config = SimpleNamespace(proofsheet_repository=repository, html_baseurl="https://x.org/en/")
    builder = SimpleNamespace(get_target_uri="{}.html".format)
    module = records.module("reference/tensors/joining")
    where = SimpleNamespace(config=config, builder=builder), "reference/tensors/joining"
    made = _tools(*where, module, module.cards[0], SimpleNamespace(anchor="here"), differing)
    return made["html"]


def test_a_card_says_where_it_is_edited_if_the_repository_is_known():
    assert "github.com" not in tools("")
    links = re.findall(r'href="(.*?)"', tools("owner/name"))
    assert links[1].startswith(
        "https://github.com/owner/name/edit/main/snippets/tensors/joining.py#L"
    )
    assert links[2].startswith("https://github.com/owner/name/issues/new?title=Joining%3A+")
    assert "x.org%2Fen%2Freference%2Ftensors%2Fjoining.html%23here" in links[2]


def test_a_card_says_what_differs_from_its_page(monkeypatch):
    runs = {"cpu": records.Summary("2.14", "3.11", "A CPU", "2026-11-30"), "cuda": None}
    monkeypatch.setattr(records, "summary", lambda units, device: runs[device])
    whole = records.Summary("2.11–2.14", "3.11", "A CPU", "2026-11-30")
    assert "badge" not in tools("", [("cpu", runs["cpu"], False)])
    assert '"badge badge-checked">CPU, PyTorch 2.14<' in tools("", [("cpu", whole, False)])
    assert '"badge badge-unchecked">Not yet checked on CUDA<' in tools("", [("cuda", whole, True)])


@editions
def test_each_card_has_its_row(language):
    """With a link to itself, for readers without a mouse, too."""
    for name, module in modules():
        for section in find(page(language, f"{name}.html"), "card", "section"):
            (link,) = find(section, "copy-link")
            assert link.get("href") == f"#{section.get('id')}", name
        sections = find(page(language, f"{name}.html"), "card", "section")
        assert len(sections) == len(module.cards), name


BUDGET = 90_000  # bytes of a page with its styles and scripts, compressed


@editions
def test_no_page_is_heavy(language):
    """Compressed as servers do it; pictures, which load as they come into sight, are extra."""

    @cache
    def weight(path):
        return len(gzip.compress(path.read_bytes(), 6))

    heavy = []
    for name in pages(language):
        path = SITE / language / name
        wanted = re.findall(
            r'(?:<script[^>]+src|rel="stylesheet"[^>]+href)="([^"?]+)', path.read_text("utf-8")
        )
        whole = weight(path) + sum(weight((path.parent / file).resolve()) for file in wanted)
        if whole > BUDGET and name != "search.html":  # which loads the words of all pages
            heavy.append(f"{name}: {whole / 1000:.0f} kB")
    assert not heavy, "\n".join(heavy)


def test_each_side_of_a_claim_has_its_own_mark():
    """``A since 2.14, B before`` is two claims; the one that no run has reached is unmarked."""
    line = "x  # [1, 2] since 2.14, [1] before"
    html = code.highlight(line, None, code.claims(line), lambda branch, newer: newer is not None)
    spans = re.findall(r'<span class="c1(.*?)">(.*?)</span>', html)
    assert spans == [
        (" claim branch unreached", "# [1, 2] since 2.14"),
        ("", ", "),
        (" claim", "[1] before"),
    ]


def is_row(node):
    return isinstance(node, markup.element) and node["tag"] == "tr"


def test_the_newest_change_comes_first():
    """A row for each release that a claim names: the code, what came before, what since."""
    lines = "f(x)  # 2 since 2.12, 1 before\ng(x)  # 5 since 2.14, 4 since 2.9, 3 before"
    card = data.Entry("a", "A", [], "", lines, code.claims(lines), [], [], set(), set(), set())
    domain = SimpleNamespace(pages={"reference/a/b": data.Page(cards=[card])})
    env = SimpleNamespace(get_domain=lambda _name: domain)
    builder = SimpleNamespace(get_relative_uri=lambda _here, there: f"{there}.html")
    tables = changes.changes(SimpleNamespace(env=env, builder=builder), "changes", None)
    rows = [
        [cell.astext() for cell in row.children][1:]
        for table in tables
        for row in table.findall(is_row)
    ]
    assert rows == [["g(x)", "4", "5"], ["f(x)", "1", "2"], ["g(x)", "3", "4"]]
    links = [link["refuri"] for table in tables for link in table.findall(nodes.reference)]
    assert set(links) == {"reference/a/b.html#a"}


def drawn(prose):
    """How many drawings a card's text asks for."""
    return len(drawing.DIRECTIVE.findall(prose)) + len(drawing.GRAPH.findall(prose))


@editions
def test_drawings(language):
    """A drawing for each directive, described for those who do not see it."""
    for name, module in modules():
        sections = find(page(language, f"{name}.html"), "card", "section")
        for section, card in zip(sections, module.cards, strict=True):
            figures = find(section, "tensors", "figure")
            assert len(figures) == drawn(card.prose), (name, card.name)
            assert all(figure.get("aria-label") for figure in figures)
            assert "tensors::" not in text(section)


@editions
def test_api_index(language):
    """Entries point at cards, and claim to be verified where records say so."""
    entries = json.loads((SITE / language / "api.json").read_text(encoding="utf-8"))
    assert entries, "no names"
    by_name = dict(modules())
    pointed = set()
    for name, cards in entries.items():
        for entry in cards:
            path, _, anchor = entry["page"].partition("#")
            module = by_name[path.removesuffix(".html")]
            sections = find(page(language, path), "card", "section")
            (found,) = [i for i, section in enumerate(sections) if section.get("id") == anchor]
            assert entry["verified"] == records.verified(module, module.cards[found]), (name, entry)
            pointed.add((module.name, module.cards[found].name))
    for module in by_name.values():
        for card in module.cards:
            if not module.example and records.used(module, card):
                assert (module.name, card.name) in pointed, (module.name, card.name)


def test_api_index_lists_what_ran():
    """Every name in a record leads to its card."""
    entries = json.loads((SITE / "en" / "api.json").read_text(encoding="utf-8"))
    for name, module in modules():
        for card in module.cards if not module.example else ():
            for used in records.used(module, card):
                pages_of = {entry["page"].partition(".html")[0] for entry in entries[used]}
                assert name in pages_of, (used, name)


@editions
def test_downloads(language):
    """Beside the page lie the script as it is and a notebook with the same code."""
    for name, module in modules():
        folder = SITE / language
        source = (folder / f"{name}.py").read_text(encoding="utf-8")
        assert source == module.path.read_text(encoding="utf-8"), name
        notebook = json.loads((folder / f"{name}.ipynb").read_text(encoding="utf-8"))
        cells = {"code": [], "markdown": []}
        for cell in notebook["cells"]:
            cells[cell["cell_type"]].append("".join(cell["source"]).strip())
        for card in module.cards:
            assert card.code.strip() in cells["code"], (name, card.name)
        assert not [
            cell for cell in cells["markdown"] if re.search(r"^\.\. |:\w+:`", cell, re.M)
        ], name


def test_catalogues_are_complete():
    """Nothing untranslated, nothing fuzzy, nothing for pages that are gone."""
    faults = []
    folder = translation.catalogue("").parent
    for path in sorted(folder.rglob("*.po")):
        for entry in polib.pofile(str(path)):
            if entry.fuzzy or entry.obsolete or not entry.msgstr:
                faults.append(f"{path.relative_to(folder)}: {entry.msgid}")
    assert not faults, "\n".join(faults)


def test_interface_is_translated():
    """No string of the interface stands in English on a Chinese page, titles included."""
    pairs = {e.msgid: e.msgstr for e in polib.pofile(str(translation.catalogue("sphinx")))}
    english = {message for message, other in pairs.items() if message != other}
    assert english >= set(translation.interface()) - {m for m, t in pairs.items() if m == t}
    found = []
    for name in set(pages("zh_CN")) - {"glossary.html"}:  # which is meant to show both languages
        tree = page("zh_CN", name)
        code = {
            part for tag in ("code", "pre", "script") for e in tree.iter(tag) for part in e.iter()
        }
        for element in tree.iter():
            if not isinstance(element.tag, str) or element in code:
                continue
            shown = [element.text, element.get("title"), element.get("aria-label"),
                     element.get("placeholder"), element.get("data-label")]  # fmt: skip
            shown += [child.tail for child in element]
            found += [f"{name}: {s}" for s in shown if s and s.strip() in english]
    assert not found, "\n".join(found)


@editions
def test_no_noise(language):
    """Nothing is left of sphinx-gallery's boxes, footers and timings."""
    noise = ("Go to the end", "sphx-glr-download", "Total running time", "Gallery generated")
    for name in pages(language):
        source = (SITE / language / name).read_text(encoding="utf-8")
        assert not [words for words in noise if words in source], name
