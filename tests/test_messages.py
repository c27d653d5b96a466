"""The page of error messages: each quotation has its cause, in both languages."""

import json
import re

import pytest

from proofsheet import languages, messages, records
from test_site import SITE, editions, find, page, pages, text


def quotations():
    """``(page, quotation, message)`` of every claim of an error or a warning, on any side of it."""
    for name in records.docnames():
        module = records.module(name)
        for card in module.cards:
            for quoted, whole in records.messages(module, card).items():
                yield name, quoted, whole


def test_each_quotation_has_a_cause_and_each_cause_a_quotation():
    assert {(name, quoted) for name, quoted, _whole in quotations()} == set(messages.table())


@pytest.mark.parametrize("language", languages.NAMES)
def test_a_cause_is_one_line(language):
    causes = [row[language] for row in messages.table().values()]
    assert [cause for cause in causes if not cause or len(cause) > 120] == []
    assert [cause for cause in causes if cause.count("``") % 2 or "\t" in cause] == []
    ends = "。" if language == "zh_CN" else "."
    assert [cause for cause in causes if not cause.endswith(ends)] == []


def test_no_message_shows_a_machine():
    """Neither the folders of this machine nor the address of an object."""
    shown = [whole for _name, _quoted, whole in quotations()]
    assert [text for text in shown if re.search(r"(?<![\w.:/])/\w+/\w+/|0x[0-9a-f]{6}", text)] == []
    assert len(set(shown)) > 350


@editions
def test_the_pages_list_them_all(language):
    """On a page for each chapter; what the entrance asks has the same rows."""
    trees = [page(language, name) for name in pages(language) if name.startswith("messages/")]
    tables = [table for tree in trees for table in find(tree, "messages", "table")]
    rows = [row for table in tables for row in table.iter("tr")]
    cells = [list(row.iter("td")) for row in rows]
    cells = [row for row in cells if row]  # but for the heads
    assert len(cells) > 350
    assert [text(row[0]) for row in cells if not text(row[1]).strip()] == []
    where = [link.get("href") for row in cells for link in row[2].iter("a")]
    assert len(where) == len(cells) and len(set(where)) > 300
    script = (SITE / language / "_static" / "all_messages.js").read_text(encoding="utf-8")
    asked = json.loads(script.partition("(")[2].rpartition(")")[0])
    shown = {
        (text(row[0]), link.removeprefix("../")) for row, link in zip(cells, where, strict=True)
    }
    assert {(message, url) for message, _cause, _card, url in asked} == shown


@editions
def test_the_entrance_leads_to_each_of_these_pages(language):
    (listing,) = find(page(language, "messages.html"), "columns")
    links = {link.get("href") for link in listing.iter("a")}
    assert links == {name for name in pages(language) if name.startswith("messages/")}
