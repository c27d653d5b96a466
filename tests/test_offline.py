"""The site to take along: a zip that is opened in a browser, docsets whose index is read."""

import plistlib
import sqlite3
import tarfile
import zipfile

import pytest

from proofsheet import browser, offline, records
from test_site import SITE, editions

SOME = ("index.html", "en/index.html", "en/_static/", "en/reference/tensors/")


def some(folder, *beginnings):
    """A part of the site's files, since packing all of them takes long."""
    found = offline.files(folder)
    return {name: path for name, path in found.items() if name.startswith(beginnings)}


def test_all_that_a_reader_needs_is_packed():
    found = offline.files(SITE)
    pages = {path.relative_to(SITE).as_posix() for path in SITE.rglob("*.html")}
    assert pages - set(found) == {"404.html"}
    for language in ("en", "zh_CN"):
        for name in ("cards.js", "texts.js", "search_engine.js", "site.css"):
            assert f"{language}/_static/{name}" in found
    assert not [name for name in found if name.endswith((".doctree", ".buildinfo"))]


@pytest.mark.skipif(browser.CHROMIUM is None, reason="no Chromium on this machine")
def test_the_unpacked_zip_answers_a_search(tmp_path):
    offline.write_zip(tmp_path / "site.zip", some(SITE, *SOME))
    with zipfile.ZipFile(tmp_path / "site.zip") as packed:
        packed.extractall(tmp_path)
    with browser.launched() as running:
        page = running.new_page(locale="en-US")
        page.set_default_timeout(120_000)
        page.goto((tmp_path / "proofsheet/index.html").as_uri())
        page.wait_for_url("**/en/index.html")
        page.keyboard.press("Control+k")
        page.locator("#search-dialog input").press_sequentially("torch.stack")
        first = page.get_by_role("option").first
        first.wait_for()
        page.evaluate("proofsheetSearch.whole")  # with the words that come later
        first.click()
        page.wait_for_url("**/en/reference/tensors/joining.html#*")
        assert page.locator("section.card:target h2").inner_text().startswith("Join along a new")


@editions
def test_each_entry_of_a_docset_leads_to_a_place(language, tmp_path):
    target = tmp_path / "docset.tgz"
    offline.write_docset(target, language, some(SITE / language, "index.html", "_static/site"))
    with tarfile.open(target) as packed:
        packed.extractall(tmp_path, filter="data")
    contents = tmp_path / f"Proofsheet-{language}.docset" / "Contents"
    facts = plistlib.loads((contents / "Info.plist").read_bytes())
    documents = contents / "Resources/Documents"
    assert facts["isDashDocset"] and (documents / facts["dashIndexFilePath"]).is_file()
    with sqlite3.connect(contents / "Resources/docSet.dsidx") as database:
        rows = database.execute("SELECT name, type, path FROM searchIndex").fetchall()
    texts = {}
    for name, kind, path in rows:
        page, _hash, anchor = path.partition("#")
        if page not in texts:
            texts[page] = (SITE / language / page).read_text(encoding="utf-8")
        assert f'id="{anchor}"' in texts[page] or not anchor, (name, kind, path)
    kinds = [kind for _name, kind, _path in rows]
    modules = [records.module(name) for name in records.docnames()]
    cards = sum(len(one.cards) for one in modules if "/sheet/" not in one.name)
    assert kinds.count("Section") == cards
    assert kinds.count("Sample") == sum(one.example for one in modules)
    found = {(name, kind) for name, kind, _path in rows}
    wanted = {("torch.gather", "Function"), ("torch.nn.Linear", "Class")}
    wanted |= {("torch.Tensor.backward", "Method"), ("torch.float32", "Constant")}
    wanted |= {("torch.OutOfMemoryError", "Class"), ("torch.Generator.manual_seed", "Method")}
    assert wanted <= found, wanted - found
