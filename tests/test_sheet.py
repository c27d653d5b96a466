"""The cheat sheet: lines that lead to cards, and two pages of paper."""

import re

import pytest

from proofsheet import browser, records, sheet
from test_search import addresses
from test_site import SITE, editions, find, page, text

# The reference card of handbook b, which this page is to replace: a name of each entry.
HANDBOOK = """
tensor zeros ones randn arange view reshape squeeze unsqueeze permute cat stack split chunk
mm bmm matmul sum mean max min argmax Linear Conv2d BatchNorm2d Dropout LSTM Embedding
CrossEntropyLoss BCEWithLogitsLoss MSELoss L1Loss SmoothL1Loss Adam AdamW SGD momentum
zero_grad backward step save state_dict load_state_dict load device to is_available
""".split()


@editions
def test_lines_lead_to_cards(language):
    tree = page(language, "quick.html")
    lines = find(tree, "sheet-line")
    assert len(lines) > 150
    assert set(sheet.chosen().values()) <= set(addresses())
    bare = [line for line in lines if not line.findall(".//a")]
    assert len(bare) < 0.02 * len(lines), [text(line) for line in bare]
    targets = {a.get("href").partition("#")[0] for line in lines for a in line.iter("a")}
    assert not any(target.startswith("reference/sheet/") for target in targets)


def test_what_the_handbook_s_card_has_is_there():
    code = "\n".join(card.code for name in sheet.modules() for card in records.module(name).cards)
    signs = {"+", "-", "*", "/", "@", *HANDBOOK}
    missing = [n for n in signs if not re.search(rf"(?<!\w){re.escape(n)}(?!\w)", code)]
    assert missing == []


@editions
@pytest.mark.skipif(browser.CHROMIUM is None, reason="no Chromium on this machine")
def test_the_paper_has_two_pages(language):
    paper = (SITE / language / "sheet.pdf").read_bytes()
    assert len(re.findall(rb"/Type\s*/Page\b", paper)) == 2
