"""The built site in a real browser: copying, searching, switching, reading on a phone."""

import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

pytest.importorskip("playwright", reason="Playwright is not installed")
from axe_playwright_python.sync_playwright import Axe

from proofsheet import languages, tsv
from proofsheet.browser import CHROMIUM, SITE, launched, served
from test_messages import quotations
from torchproof import cards

ROOT = Path(__file__).parents[1]
SEARCHES = Path(__file__).with_name("searches.tsv")
LANGUAGES = tuple(languages.NAMES)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")

MODULE = "reference/tensors/joining.html"
KINDS = [
    "index.html", "reference/index.html", "reference/tensors/index.html", MODULE,
    "reference/tensors/broadcasting.html", "gallery/training/whole_workflow.html",
    "gallery/training/index.html", "gallery/help/exercises_basics.html", "path.html",
    "handbooks.html", "quick.html", "messages.html", "messages/tensors.html", "api.html",
    "api/tensor.html", "verified.html", "glossary.html", "terminal.html",
    "offline.html", "search.html?q=torch",
]  # fmt: skip
RULES = {"rules": {"target-size": {"enabled": True}}}  # which axe leaves out by itself
ABOVE = ["404.html"]  # beside the start page, which leads on at once


@pytest.fixture(scope="module")
def browser():
    """The system's Chromium."""
    assert (SITE / "index.html").exists(), "build the site first: nox -s docs"
    with launched() as running:
        yield running


@pytest.fixture(scope="module")
def server():
    """Address of the site on a server of our own."""
    with served() as address:
        yield address


@pytest.fixture
def visit(browser, server):
    """Open a page; at the end no script failed and nothing was asked of another host."""
    contexts, complaints = [], []

    def allowed(url):
        return url.startswith((server, SITE.as_uri() + "/", "data:", "blob:", "about:"))

    def go(path, base=None, **options):
        context = browser.new_context(**{"locale": "en-US"} | options)
        contexts.append(context)
        context.set_default_timeout(120_000)  # a busy machine is no fault
        page = context.new_page()
        page.on("console", lambda m: m.type == "error" and complaints.append(f"console: {m.text}"))
        page.on("pageerror", lambda error: complaints.append(f"script: {error}"))
        page.on("request", lambda r: allowed(r.url) or complaints.append(f"outside: {r.url}"))
        page.on("response", lambda r: r.status < 400 or complaints.append(f"{r.status}: {r.url}"))
        page.goto((base or server) + path)
        return page

    yield go
    for context in contexts:
        context.close()
    assert not complaints


def pages():
    """Every page of both languages, and those above them."""
    found = [path for name in LANGUAGES for path in sorted((SITE / name).rglob("*.html"))]
    return [path.relative_to(SITE).as_posix() for path in found] + ABOVE


def place(url):
    """The page and anchor that an address leads to."""
    parts = urlsplit(url)
    return unquote(parts.path).rpartition("/")[2], parts.fragment


# The list fits what was typed last.
ANSWERED = "window.proofsheetSearch && document.getElementById('search-found').ariaBusy === 'false'"


def ask(page, query):
    """The entries that the search gives once it knows all words, best first."""
    return answer(page, query)["found"]


def answer(page, query):
    """The same, and whether what was asked for is unknown."""
    script = "async (query) => (await proofsheetSearch.whole, proofsheetSearch.search(query))"
    return page.evaluate(script, query)


def results(page, query):
    """Type ``query`` into the open dialog, key by key; the results as elements."""
    box = page.locator("#search-dialog input")
    box.fill("")
    box.press_sequentially(query)
    page.wait_for_function(ANSWERED)
    options = page.get_by_role("option")
    options.first.wait_for()
    return options


# --- copying -----------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_copied_runs_in_a_fresh_interpreter(visit, language, tmp_path):
    page = visit(f"{language}/{MODULE}", permissions=["clipboard-read", "clipboard-write"])
    module = cards.read(ROOT / "snippets" / "tensors" / "joining.py")
    card = next(card for card in module.cards if "suppress" in card.code)
    block = page.locator("section.card").nth(module.cards.index(card)).locator("div.highlight")
    block.first.hover()
    block.first.locator("button.copy").click()
    text = page.evaluate("navigator.clipboard.readText()")
    script = tmp_path / "pasted.py"
    script.write_text(text, encoding="utf-8")
    run = subprocess.run([sys.executable, script], cwd=tmp_path, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_card_copies_imports_and_card(visit, language):
    page = visit(f"{language}/reference/index.html")
    root = page.url.removesuffix("index.html")
    for module in cards.read_all([ROOT / "snippets"])[0]:
        page.goto(f"{root}{module.path.parent.name}/{module.path.stem}.html")
        copied = page.locator("section.card .card-code pre").all_text_contents()
        assert [text.strip() for text in copied] == [card.copy.strip() for card in module.cards]


# --- names that answer -------------------------------------------------------------------


def answering(page, number):
    """The code block of a card."""
    block = page.locator("section.card").nth(number).locator("[data-held]").first
    block.scroll_into_view_if_needed()
    return block


def name_in(block, name, number=0):
    """Where a variable stands in a block: the middle of it."""
    block.hover(position={"x": 2, "y": 2})  # what it holds is read when the pointer comes
    return block.locator(".held", has_text=re.compile(f"^{name}$")).nth(number)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_name_says_what_it_held_to_the_pointer(visit, language):
    page = visit(f"{language}/{MODULE}")
    block, box = answering(page, 1), page.locator(".held-box")
    height = page.evaluate("document.documentElement.scrollHeight")
    text = block.locator("pre").text_content()
    name_in(block, "v").hover()
    box.wait_for()
    assert box.inner_text().split() == "v shape (3,), dtype int64 [4, 5, 6]".split()
    assert page.evaluate("document.documentElement.scrollHeight") == height
    assert block.locator("pre").text_content() == text  # what is copied
    violations = Axe().run(page).response["violations"]
    assert [(one["id"], one["nodes"][0]["html"]) for one in violations] == []
    box.hover()  # the pointer may go there, to mark the text
    page.wait_for_timeout(400)
    assert box.is_visible()
    page.keyboard.press("Escape")
    assert box.is_hidden()
    name_in(block, "u").hover()
    box.wait_for()
    page.locator("h1").hover()
    box.wait_for(state="hidden")


def test_a_name_says_what_it_held_to_a_finger(visit):
    phone = {"viewport": {"width": 320, "height": 640}, "has_touch": True, "is_mobile": True}
    page = visit("zh_CN/gallery/training/early_stopping.html", **phone)
    box, blocks = page.locator(".held-box"), page.locator("[data-held]")
    for number in range(blocks.count()):
        block = blocks.nth(number)
        block.scroll_into_view_if_needed()
        block.locator("pre").tap(position={"x": 3, "y": 3})
        name = block.locator(".held").last
        name.scroll_into_view_if_needed()
        page.wait_for_timeout(150)  # an event of scrolling comes late, and closes the box
        name.tap()
        box.wait_for()
        place = box.bounding_box()
        assert 0 <= place["x"] and place["x"] + place["width"] <= 320
        assert 0 <= place["y"] and place["y"] + place["height"] <= 640
        name.tap()
        assert box.is_hidden()
    assert number > 4
    name.tap()
    box.wait_for()
    page.mouse.wheel(0, -300)
    box.wait_for(state="hidden")


def test_names_are_read_out_by_key(visit):
    """One stop a block; the arrow keys go from name to name and along the lines."""
    page = visit(f"en/{MODULE}")
    block, said = answering(page, 1), page.locator(".held-said[role=status]")
    block.locator("button.copy").focus()
    page.keyboard.press("Tab")
    button = block.get_by_role("button", name="Values")
    assert button.evaluate("button => button === document.activeElement")
    assert block.locator("button, .held[tabindex]").count() == 2
    heard = []
    for key in ("ArrowRight", "ArrowDown", "ArrowRight", "ArrowRight", "ArrowUp", "ArrowLeft"):
        page.keyboard.press(key)
        heard.append(said.inner_text().partition(":")[0])
    assert heard == ["u", "v", "u", "v", "v", "u"]
    assert said.inner_text() == "u: shape (3,), dtype int64, [1, 2, 3]"
    page.keyboard.press("Enter")  # what a screen reader has in place of arrow keys
    assert said.inner_text().startswith("v: ")
    page.keyboard.press("Tab")
    assert page.locator(".held-box").is_hidden()


def test_a_name_in_a_block_says_when_it_held_that(visit):
    page = visit("en/gallery/training/early_stopping.html")
    block = page.locator("section.card", has_text="The loop: at most").locator("[data-held]")
    name_in(block, "best_epoch").hover()
    page.locator(".held-box").wait_for()
    assert page.locator(".held-box").inner_text().endswith("at the end of the block")
    name_in(block, "best_epoch", -1).hover()
    page.wait_for_function("!document.querySelector('.held-box').textContent.includes('block')")


# --- searching ---------------------------------------------------------------------------

QUERIES = [  # what is typed, pages of the first result, the name that its card is about
    ("gather", "gathering", "torch.gather"),
    ("stack", "joining", "torch.stack"),
    ("torch.Tensor.view", "reshaping", "torch.Tensor.view"),
    ("Tensor.view", "reshaping", "torch.Tensor.view"),
    ("view vs reshape", "reshaping", None),
    ("broadcast error", "broadcasting in_place", None),
    ("拼接", "joining", None),
    ("张量 形状", "attributes", None),
    ("张量形状", "attributes", None),
    ("unsqueeze 维度", "dimensions", "torch.unsqueeze"),
    ("torch.column_stack", "joining", "torch.column_stack"),
    ("torch.distributions.Categorical", "distributions", "torch.distributions.Categorical"),
    ("broadcast_shapes", "broadcasting", "torch.broadcast_shapes"),
]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_right_card_comes_first(visit, language):
    page = visit(f"{language}/index.html")
    page.keyboard.press("Control+k")
    wrong = []
    for query, module, name in QUERIES:
        first = results(page, query).first
        found, anchor = place(first.get_attribute("href"))
        best = ask(page, query)[0]
        if (
            found.removesuffix(".html") not in module.split()
            or not anchor
            or (name and name not in best["name"])
        ):
            wrong.append(f"{query}: {first.inner_text()!r} ({found}#{anchor})")
        if query == "broadcast error":
            if not best["errors"]:
                wrong.append(f"{query}: no error on {anchor}")
    assert not wrong


WISHES = {  # what a newcomer types, and the example that answers it as a whole
    "en": {
        "loss nan": "loss_is_nan",
        "CUDA out of memory": "out_of_memory",
        "Missing key(s) in state_dict": "keys_do_not_match",
        "early stopping": "early_stopping",
        "gradient accumulation": "gradient_accumulation",
        "transfer learning": "transfer_learning",
        "training loop": "training_loop",
        "seq2seq": "seq2seq",
    },
    "zh_CN": {
        "loss 不下降": "loss_does_not_fall",
        "损失不下降": "loss_does_not_fall",
        "显存不足": "out_of_memory",
        "训练慢": "slow_training",
        "梯度累积": "gradient_accumulation",
        "混合精度": "mixed_precision",
        "断点续训": "save_and_resume",
        "目标检测": "object_detection",
        "mixed precision": "mixed_precision",
    },
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_example_comes_before_its_steps(visit, language):
    page = visit(f"{language}/index.html")
    page.keyboard.press("Control+k")
    found = {
        query: place(results(page, query).first.get_attribute("href")) for query in WISHES[language]
    }
    wanted = {query: (f"{name}.html", "") for query, name in WISHES[language].items()}
    assert found == wanted


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_newcomers_type_finds_an_answer(visit, language):
    """Each query stands beside parts of the addresses that answer it.

    One of them is among the first four results; mostly it is the first.
    """
    rows = [row for row in tsv.read(SEARCHES) if row["language"] == language]
    page = visit(f"{language}/index.html")
    page.keyboard.press("Control+k")
    results(page, "tensor").first.wait_for()
    found = [[entry["url"] for entry in ask(page, row["query"])[:4]] for row in rows]
    ranks = {}
    for row, urls in zip(rows, found, strict=True):
        answers = row["answers"].split()
        answered = (n for n, url in enumerate(urls) if any(part in url for part in answers))
        ranks[row["query"]] = next(answered, None)
    assert len(ranks) == len(rows) > 100
    assert [query for query, rank in ranks.items() if rank is None] == []
    assert sum(rank == 0 for rank in ranks.values()) >= 0.8 * len(ranks)


# What surrounds a message when it is pasted; numbers and names in it are the reader's own.
AROUND = [
    'Traceback (most recent call last):\n  File "/home/me/train.py", line 41, in <module>\n'
    '    loss = step(batch)\n  File "/home/me/model.py", line 7, in step\n{}',
    "{} 怎么解决",
    "how to fix: {}",
]


def test_a_pasted_message_leads_to_a_card_that_quotes_it(visit):
    """Every message of every card, with other numbers in it and with something around it."""
    page = visit("en/index.html")
    page.keyboard.press("Control+k")
    results(page, "tensor").first.wait_for()
    said = {}
    for name, quoted, whole in quotations():
        if len(quoted.partition(": ")[2].split()) > 2:
            said.setdefault(whole, set()).add(f"{name}.html#")
    lost, unknown = [], []
    for number, (whole, places) in enumerate(said.items()):
        pasted = re.sub(r"\d+", lambda digits: str(int(digits[0]) + 3), whole)
        found = answer(page, AROUND[number % len(AROUND)].format(pasted))
        first = [entry["url"] for entry in found["found"][:4]]
        if found["unknown"]:
            unknown.append(pasted)
        if not any(url.startswith(place) for url in first for place in places):
            lost.append(f"{pasted}: {first}")
    assert len(said) > 350
    assert len(lost) <= 0.04 * len(said), lost  # one that more than four cards quote may be
    assert len(unknown) <= 0.02 * len(said), unknown


UNKNOWN = [
    "RuntimeError: flux capacitor is not aligned with the tachyon field",
    "ValueError: the warehouse robot has lost its map and its battery",
]


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_no_card_quotes_is_said_to_be_unknown(visit, language):
    page = visit(f"{language}/index.html")
    page.keyboard.press("Control+k")
    results(page, "tensor").first.wait_for()
    notice = page.locator(".search-notice")
    assert not notice.is_visible()
    for query in UNKNOWN:
        assert answer(page, query)["unknown"] == {"message": True}
    for query in ("RuntimeError:", "KeyError: 'lights'"):  # too short to know
        assert answer(page, query)["unknown"] is None
    results(page, UNKNOWN[0])
    assert notice.is_visible()
    name = "torch.testing.assert_allclose"  # which may find nothing else
    assert answer(page, name)["unknown"]["name"] == name
    page.locator("#search-dialog input").fill(name)
    link = notice.locator("a")
    link.wait_for()
    assert link.get_attribute("href").startswith("https://docs.pytorch.org/")
    results(page, "torch.gather")
    assert not notice.is_visible()


@pytest.mark.parametrize(
    ("path", "items", "words", "kept"),
    [
        ("quick.html", ".sheet-line", "torch.cat(", "torch.cat([a, b], dim=0)"),
        ("messages/nn.html", "tbody tr", "MAT1 and", "mat1 and mat2 shapes cannot be multiplied"),
        ("api/tensor.html", "dt", "scatter_r", "scatter_reduce"),
    ],
)
def test_a_filter_keeps_what_has_the_words(visit, path, items, words, kept):
    page = visit(f"en/{path}")
    box = page.locator("[data-filtered]")
    every = box.locator(items).count()
    box.locator("input.filter").fill(words)
    shown = box.locator(f"{items}:visible")
    assert 0 < shown.count() < every / 4
    assert all(words.lower() in text.lower() for text in shown.all_text_contents())
    assert any(kept in text for text in shown.all_text_contents())
    box.locator("input.filter").fill("")
    assert box.locator(f"{items}:visible").count() == every


@pytest.mark.parametrize("base", [None, SITE.as_uri() + "/"], ids=["served", "as a file"])
def test_the_entrance_of_messages_asks_all_of_them(visit, base):
    page = visit("en/messages.html", base)
    page.locator("input.filter").fill("MAT1 and")
    page.locator(".all-messages tbody tr").first.wait_for()
    assert "mat1 and mat2" in page.locator(".all-messages tbody tr").first.inner_text()
    assert re.match(r"\d+ messages", page.locator(".filter-status").inner_text())
    page.locator(".all-messages tbody a").first.click()
    page.wait_for_url("**/en/reference/**")


PHONE = {"viewport": {"width": 390, "height": 800}, "has_touch": True}
CLIPBOARD = ["clipboard-read", "clipboard-write"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_row_of_a_card_copies_its_address_and_its_text(visit, language):
    page = visit(f"{language}/{MODULE}", permissions=CLIPBOARD, **PHONE)
    card = cards.read(ROOT / "snippets" / "tensors" / "joining.py").cards[1]
    section = page.locator("section.card").nth(1)
    address = f"{page.url}#{section.get_attribute('id')}"
    below = page.locator("section.card").nth(2)
    row, before = section.locator(".card-tools"), below.bounding_box()
    row.locator(".copy-link").click()
    assert page.evaluate("navigator.clipboard.readText()") == address
    said = page.locator("div[role=status].visually-hidden")
    assert said.inner_text() == row.locator(".copy-link").inner_text()
    assert page.url == address.partition("#")[0]
    row.locator(".copy-markdown").click()
    row.locator(".copy-markdown[data-before]").wait_for()  # it says that it has copied
    text = page.evaluate("navigator.clipboard.readText()")
    title, sentences, *_, last = text.strip().split("\n\n")
    assert title.startswith("## ") and "`torch.stack`" in title
    assert "`dim`" in sentences and "[`torch.stack`](https://docs.pytorch.org/" in sentences
    assert f"\n```python\n{card.copy.strip()}\n```\n" in text
    assert last == address
    after = below.bounding_box()
    assert {**after, "y": 0} == {**before, "y": 0}  # nothing has moved but the page itself
    scrolled = page.evaluate("scrollY")
    assert scrolled >= 0 and section.bounding_box()["height"] > 0


def test_a_formula_is_copied_as_tex(visit):
    page = visit("en/reference/losses/binary_losses.html", permissions=CLIPBOARD)
    page.locator("section.card", has=page.locator("math")).first.locator(".copy-markdown").click()
    page.locator(".copy-markdown[data-before]").wait_for()
    assert re.search(r"\$[^$]*\\\w+[^$]*\$", page.evaluate("navigator.clipboard.readText()"))


def test_a_page_opened_as_a_file_offers_nothing_that_needs_a_server(visit):
    page = visit(f"en/{MODULE}", base=SITE.as_uri() + "/")
    row = page.locator(".card-tools").first
    assert row.locator(".copy-link").is_visible()
    assert row.locator(".copy-markdown").is_hidden()


def test_j_and_k_lead_from_card_to_card(visit):
    page = visit(f"en/{MODULE}", reduced_motion="reduce")  # or it would be on its way for a while
    ids = page.locator("section.card").evaluate_all("all => all.map(one => one.id)")
    for key, n in [("j", 0), ("j", 1), ("j", 2), ("k", 1)]:
        page.keyboard.press(key)
        page.wait_for_function("id => location.hash === `#${id}`", arg=ids[n])
        page.wait_for_function(
            "id => Math.abs(document.getElementById(id).getBoundingClientRect().top) < 60",
            arg=ids[n],
        )


def test_nothing_moves_for_those_who_ask_for_that(visit):
    page = visit(f"en/{MODULE}", reduced_motion="reduce")
    style = "getComputedStyle(document.querySelector('.sidebar-drawer')).transitionDuration"
    assert page.evaluate(style) == "0s"
    assert page.evaluate("getComputedStyle(document.documentElement).scrollBehavior") == "auto"


def test_paper_has_the_cards_and_nothing_to_click(visit):
    page = visit(f"en/{MODULE}")
    page.emulate_media(media="print")
    for part in (
        ".sidebar-drawer",
        ".breadcrumbs",
        ".card-tools",
        ".badge-unchecked",
        "button.copy",
    ):
        assert not page.locator(part).first.is_visible(), part
    assert page.locator(".imports-fold pre").is_visible()
    count = page.locator("section.card").count()
    sheets = len(re.findall(rb"/Type\s*/Page\b", page.pdf(format="A4")))
    assert sheets < count / 2


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_landing_page_says_where_to_go_before_one_scrolls(visit, language):
    """The search, six doors and the numbers stand on the first screen of a laptop."""
    page = visit(f"{language}/index.html", viewport={"width": 1440, "height": 900})
    assert page.locator(".doors a").count() == 6
    for part in (".landing-search", ".doors", ".landing-figures", ".shown-card-title"):
        box = page.locator(part).bounding_box()
        assert box["y"] + box["height"] < 900, part


def test_a_line_and_a_box_of_the_sheet_are_copied(visit, tmp_path):
    page = visit("en/quick.html", permissions=["clipboard-read", "clipboard-write"])
    line = page.locator(".sheet-line", has_text="torch.cat([a, b], dim=0)")
    line.hover()
    line.locator("button").click()
    line = page.evaluate("navigator.clipboard.readText()")
    assert line == "torch.cat([a, b], dim=0)  # tensor([[1, 2], [3, 4], [5, 6]])"
    box = page.locator(".sheet-box", has_text="torch.cat([a, b], dim=0)")
    box.locator(".highlight").hover()
    box.locator("button.copy").click()
    script = tmp_path / "pasted.py"
    script.write_text(page.evaluate("navigator.clipboard.readText()"), encoding="utf-8")
    run = subprocess.run([sys.executable, script], cwd=tmp_path, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr


def test_results_come_as_one_types(visit, record_property):
    page = visit("en/index.html")
    page.keyboard.press("Control+k")
    results(page, "g")
    took = page.evaluate(
        """async () => {
          const box = document.querySelector("#search-dialog input"), took = [];
          for (const query of ["gather", "torch.Tensor.view", "张量 形状", "view vs reshape"])
            for (let end = 1; end <= query.length; end++) {
              box.value = query.slice(0, end);
              const start = performance.now();
              await proofsheetSearch.show();
              took.push(performance.now() - start);
            }
          return took.sort((a, b) => a - b)[took.length >> 1];
        }"""
    )
    record_property("median milliseconds per key", round(took, 2))
    print(f"median of {took:.1f} ms per key")


SERVED, AS_FILE = None, SITE.as_uri() + "/"
# Counts how often the page could do something else before it answered, and how long it stood still.
COUNT_TURNS = """() => {
  Object.assign(window, { turns: 0, still: 0 });
  const list = document.getElementById("search-found");
  const turn = () => setTimeout(() => { turns += list.ariaBusy === "true"; turn(); });
  turn();
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) still = Math.max(still, duration);
  }).observe({ type: "longtask" });
}"""


@pytest.mark.parametrize("base", [SERVED, AS_FILE], ids=["served", "as a file"])
def test_the_page_does_not_stand_still_while_the_index_is_made(visit, base, record_property):
    """How long a task takes depends on the machine; that there are many does not."""
    page = visit("zh_CN/index.html", base)
    page.evaluate(COUNT_TURNS)
    page.keyboard.press("Control+k")
    page.keyboard.type("拼接")  # before there is anything to ask
    page.get_by_role("option").first.wait_for()
    assert len(page.workers) == (base is SERVED)
    assert page.evaluate("turns") > 10
    record_property("longest task in milliseconds", page.evaluate("still"))
    print(f"longest task of {page.evaluate('still'):.0f} ms (0: none above 50)")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_worker_and_the_page_give_the_same_answers(visit, language):
    rows = [row for row in tsv.read(SEARCHES) if row["language"] == language]
    answers = []
    for base in (SERVED, AS_FILE):
        page = visit(f"{language}/index.html", base)
        page.keyboard.press("Control+k")
        results(page, "tensor")
        answers.append([ask(page, row["query"]) for row in rows])
    assert answers[0] == answers[1]


def test_enter_waits_for_the_answer(visit):
    page = visit("en/index.html")
    page.keyboard.press("Control+k")
    page.wait_for_function("window.proofsheetSearch")
    page.keyboard.type("gather")
    page.keyboard.press("Enter")
    page.wait_for_url("**/gathering.html#*")


@pytest.mark.parametrize("key", ["Control+k", "Meta+k", "/"])
def test_keys_open_search_and_lead_to_a_card(visit, key):
    page = visit(f"en/{MODULE}")
    page.locator(".sidebar-brand").focus()
    page.keyboard.press(key)
    box = page.get_by_role("combobox")
    assert box.evaluate("box => box === document.activeElement")
    options = results(page, "gather")
    assert box.get_attribute("aria-activedescendant") == options.nth(0).get_attribute("id")
    page.keyboard.press("ArrowDown")
    assert options.nth(1).get_attribute("aria-selected") == "true"
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.className") == "sidebar-brand"
    page.keyboard.press(key)
    target = place(results(page, "gather").first.get_attribute("href"))
    page.keyboard.press("Enter")
    page.wait_for_url("**/gathering.html#*")
    assert place(page.url) == target


def test_search_boxes_open_the_dialog_on_a_click_or_a_letter(visit):
    page = visit("en/index.html")
    page.locator(".landing-search input").click()
    assert page.locator("#search-dialog").is_visible()
    page.keyboard.press("Escape")
    page.locator(".landing-search input").focus()
    assert not page.locator("#search-dialog").is_visible()
    page.keyboard.type("st")
    assert page.get_by_role("combobox").input_value() == "st"


# Sphinx's own search knows the words of its own language only.
FULL_TEXT = [("en", "gather"), ("zh_CN", "gather"), ("zh_CN", "拼接"), ("zh_CN", "张量形状")]


@pytest.mark.parametrize(("language", "query"), FULL_TEXT)
def test_full_text_search_works_too(visit, language, query):
    page = visit(f"{language}/search.html?q={query}")
    page.locator("#search-results li a").first.wait_for()
    excerpt = page.locator("#search-results .context").first
    excerpt.wait_for()
    assert not re.search("Jupyter|PyTorch 2", excerpt.inner_text())


# --- languages ---------------------------------------------------------------------------


def test_the_switch_stays_on_the_page_and_is_remembered(visit):
    page = visit(f"en/{MODULE}")
    anchor = page.locator("section.card").nth(1).get_attribute("id")
    page.goto(f"{page.url}#{anchor}")
    page.locator(".language-switch:visible").click()
    page.wait_for_url(f"**/zh_CN/{MODULE}#{anchor}")
    assert page.locator("html").get_attribute("lang") == "zh-CN"
    assert page.locator(f"section#{anchor}").count() == 1
    page.goto(page.url.partition("zh_CN/")[0])
    page.wait_for_url("**/zh_CN/index.html")
    page.locator(".language-switch:visible").click()
    page.wait_for_url("**/en/index.html")


@pytest.mark.parametrize(
    ("locale", "folder"), [("zh-CN", "zh_CN"), ("en-GB", "en"), ("fr-FR", "en")]
)
def test_the_start_page_picks_the_reader_s_language(visit, locale, folder):
    page = visit("", locale=locale)
    page.wait_for_url(f"**/{folder}/index.html")


def test_the_start_page_works_without_javascript(visit):
    page = visit("", java_script_enabled=False)
    page.get_by_role("link", name="简体中文").click()
    page.wait_for_url("**/zh_CN/index.html")


# --- reading -----------------------------------------------------------------------------


def test_the_colours_follow_the_system_and_the_button(visit):
    page = visit(f"en/{MODULE}", color_scheme="dark")

    def brightness():
        return page.evaluate(
            "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).slice(0, 3).map(Number)"
        )

    assert max(brightness()) < 60
    page.locator(".theme-toggle:visible").click()  # automatic, then light
    assert min(brightness()) > 240
    page.reload()
    assert min(brightness()) > 240


def test_no_page_scrolls_sideways_on_a_phone(visit):
    page = visit("en/index.html", viewport={"width": 360, "height": 740}, has_touch=True)
    base, wide = page.url.partition("en/index.html")[0], []
    for path in pages():
        page.goto(base + path, wait_until="domcontentloaded")  # pictures say how large they are
        width = page.evaluate("document.documentElement.scrollWidth")
        if width > 360:
            wide.append(f"{path}: {width} px")
    assert not wide


def test_code_of_76_columns_does_not_scroll_on_a_desktop(visit):
    page = visit(f"en/{MODULE}", viewport={"width": 1280, "height": 800})
    room = page.evaluate(
        """() => {
          const pre = document.querySelector(".card-code pre"), style = getComputedStyle(pre);
          const line = document.createElement("span");
          line.textContent = "x".repeat(76);
          pre.append(line);
          const width = line.getBoundingClientRect().width;
          line.remove();
          return pre.clientWidth - 2 * parseFloat(style.paddingLeft) - width;
        }"""
    )
    assert room >= 0


# Each language in one scheme: colours do not depend on the words, nor words on the colours.
@pytest.mark.parametrize(("language", "scheme"), [("en", "light"), ("zh_CN", "dark")])
def test_axe_finds_nothing(visit, language, scheme):
    page = visit(f"{language}/{KINDS[0]}", color_scheme=scheme)
    base, found = page.url.partition(f"{language}/")[0], []
    for path in [*(f"{language}/{kind}" for kind in KINDS), *ABOVE]:
        page.goto(base + path)
        page.wait_for_load_state()
        for violation in Axe().run(page, options=RULES).response["violations"]:
            where = [node["html"][:120] for node in violation["nodes"][:3]]
            found.append(f"{path}: {violation['id']}: {where}")
    page.goto(f"{base}{language}/index.html")
    page.keyboard.press("Control+k")
    results(page, "stack")
    for violation in Axe().run(page).response["violations"]:
        found.append(f"search dialog: {violation['id']}: {violation['nodes'][0]['html'][:160]}")
    assert not found


def test_everything_works_from_files(visit):
    page = visit(f"en/{MODULE}", base=SITE.as_uri() + "/")
    page.keyboard.press("Control+k")
    assert place(results(page, "gather").first.get_attribute("href"))[0] == "gathering.html"
    page.keyboard.press("Enter")
    page.wait_for_url("**/gathering.html#*")
    page.locator(".language-switch:visible").click()
    page.wait_for_url("**/zh_CN/reference/tensors/gathering.html*")
    page.keyboard.press("Control+k")
    assert place(results(page, "拼接").first.get_attribute("href"))[0] == "joining.html"


def test_no_page_is_heavy(visit):
    """At most 15 requests; that nothing leaves the host is checked for every visit."""
    page = visit("404.html")
    base, asked, heavy = page.url.removesuffix("404.html"), [], []
    page.on("request", lambda request: asked.append(request.url))
    for path in [f"{language}/{kind}" for language in LANGUAGES for kind in KINDS]:
        asked.clear()
        page.goto(base + path, wait_until="networkidle")
        if len(asked) > 15 and "search.html" not in path:
            heavy.append(f"{path}: {asked}")
    assert not heavy
