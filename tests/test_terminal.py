"""``torchproof gather``: the same answers as the site's search, drawn for where they are shown."""

import base64
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from proofsheet import languages, pack, search, tsv
from proofsheet.browser import CHROMIUM, SITE, launched, served
from questions import FIRST, ask
from torchproof import cards
from torchproof.reading import command, desk, drawing, ranking, store, trial

pty = pytest.importorskip("pty", reason="this system has no pseudo-terminals")

ROOT = Path(__file__).parents[1]
HERE = Path(__file__).parent
PAGE = ROOT / "docs" / "terminal.md"
LANGUAGES = tuple(languages.NAMES)
SAMPLE = 15  # queries of each language that both engines are asked; a second each in a browser
TABLES = {
    "rules": search.rules(), "synonyms": search.synonyms(), "stop_words": search.stop_words(),
}  # fmt: skip
# What a run of another day or with another release writes differently.
RUN = re.compile(r"\d{4}-\d\d-\d\d(?:–[\d-]+)?|(?<=torch )\d[\d., –]*\d|(?<=torch&#160;)[^<]*")


@pytest.fixture(scope="module")
def built():
    """The cards of the built site, by language."""
    assert (store.BUILT / "common.db").exists(), "build the site first: nox -s docs"
    return {language: store.Store(store.BUILT, language) for language in LANGUAGES}


CODE = "x = torch.tensor([1, 2])\nx.sum()  # tensor(3)\nx + 1  # tensor([2, 3])\n" + (
    'x.tolist(), "a line that is longer than a narrow terminal is wide, and stays one line"'
    "  # ([1, 2], 'a line that is longer than a narrow terminal is wide, and stays one line')"
)


@pytest.fixture
def few(tmp_path, monkeypatch):
    """Three cards of our own, one with a planted lie, in place of those of the site."""
    checked = {"cpu": {"torch": "2.14", "date": "2026-01-02"}}
    quoted = ["IndexError: amax(): Expected reduction dim 0 to have non-zero size."]
    common = {"kind": "card", "page": "Sums", "errors": quoted}
    entries = [
        {"title": "Add all: torch.sum", "name": "torch.sum", "prose": "Adds all elements. " * 9},
        {"title": "A lie about maxima: amax", "name": "torch.amax", "prose": "It claims a lie."},
        {"title": "求平均值：torch.mean", "name": "torch.mean", "prose": "对所有元素求平均，" * 20},
    ]
    for entry, code in zip(entries, [CODE, CODE.replace("(3)", "(4)"), CODE], strict=True):
        fields = {"name": entry.pop("name"), "title": entry["title"], "text": entry["prose"]}
        shown = {"imports": "import torch", "code": code, "checked": checked, "source": "s.py"}
        url = f"sums.html#{fields['name']}"
        fields |= dict.fromkeys(("asked", "errors", "module", "more", "apis", "others"), "")
        entry |= common | {"fields": fields, "shown": shown, "url": url}
    facts = TABLES | {"site": "https://here.example/"}
    for language in LANGUAGES:
        store.write_language(tmp_path, language, facts, entries)
    store.write_common(tmp_path, TABLES, entries, {"fmod": ("torch.fmod", "https://t.example/")})
    monkeypatch.setattr(store, "BUILT", tmp_path)
    return tmp_path


def run(*arguments, tty=False, prelude="", **environment):
    """What a process of its own prints; ``prelude`` is run in it before all else."""
    folder = environment.pop("cards", None)
    script = f"import sys\n{prelude}\nfrom torchproof.reading import command, store\n"
    if folder:
        script += f"import pathlib; store.BUILT = pathlib.Path({str(folder)!r})\n"
    script += "sys.exit(command.main())"
    env = os.environ | {"LANG": "C.UTF-8", "PYTHONIOENCODING": "utf-8", "TERM": "xterm"}
    env = {k: v for k, v in env.items() if k not in ("NO_COLOR", "FORCE_COLOR", "COLUMNS")}
    env |= environment
    line = [sys.executable, "-c", script, *arguments]
    if not tty:
        return subprocess.run(line, stdout=subprocess.PIPE, check=False, env=env).stdout.decode(
            env["PYTHONIOENCODING"]
        )
    ours, theirs = pty.openpty()
    process = subprocess.Popen(line, stdin=theirs, stdout=theirs, env=env)
    os.close(theirs)
    said = b""
    try:
        while part := os.read(ours, 65536):
            said += part
    except OSError:  # the other side was closed
        pass
    process.wait()
    os.close(ours)
    return said.decode().replace("\r\n", "\n")


def plain(text):
    return re.sub(r"\x1b\[[\d;]*m", "", text)


# --- ranking ------------------------------------------------------------------------------


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
@pytest.mark.parametrize("language", LANGUAGES)
def test_both_engines_give_the_same_answers(built, language):
    """Questions of all kinds, and what they do not know."""
    tables = [tsv.read(HERE / name) for name in ("searches.tsv", "questions.tsv")]
    queries = [row["query"] for rows in tables for row in rows if row["language"] == language]
    queries = queries[:: len(queries) // SAMPLE]
    queries += ["torch.distributions.Gumbel", "convolutoin", "nn.Lin"]
    queries += ["RuntimeError: the frobnicator was quuxed by a bar"]
    with served() as address, launched() as browser:
        page = browser.new_page()
        page.goto(f"{address}{language}/index.html")
        theirs = ask(page, queries)
    assert (SITE / language / "_static" / "cards.js").exists()
    engine, site = ranking.Search(built[language]), len(built[language].facts["site"])
    for query, answer in zip(queries, theirs, strict=True):
        found, unknown = engine.search(query)
        urls = [built[language].entry(one)["url"][site:] for one, _ in found[:FIRST]]
        assert urls == [one["url"] for one in answer["found"][:FIRST]], query
        assert unknown == answer["unknown"], query


def test_words_that_are_misspelt_are_found():
    words = "\nlinear\nlinera\nlin\nconvolution\nconv2d\n"
    assert ranking.near("linaer", words, 2) == [("linear", 2), ("linera", 2)]
    assert dict(ranking.near("convolutoin", words, 2)) == {"convolution": 2}
    assert ranking.near("linear", words, 1) == []  # itself is no near word


def test_words_of_a_text():
    words = ranking.Words(search.rules(), search.synonyms(), search.stop_words())
    assert set(words.tokens("nn.BatchNorm2d", "title")) == {
        "nn.batchnorm2d", "batchnorm2d", "nn", "batch", "norm", "2", "d",
    }  # fmt: skip
    assert words.tokens("warm-up", "title")[-1] == "warmup"
    assert words.tokens("保存模型", "title") == [*"保存模型", "保存", "存模", "模型"]
    assert words.tokens("a a", "text") == ["a", "a"] and words.tokens("a a", "title") == ["a"]


# --- what is read ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "read"),
    [
        ("gather", True), ("show snippets", True), ("--list gather", True), ("-", True), ("", True),
        ("--help", True), ("--lang=en gather", True), ("RuntimeError: a/b.py is lost", True),
        ("snippets gallery", False), ("snippets", False), ("--changed snippets", False),
        ("no/such.py", False), ("lost.py", False), ("check gather", False), ("fill a tensor", True),
        ("snippets/tensrs", False), ("--merge records", False), ("x" * 5000, True),
        ("lost.md", False), ("mcp", True), ("skill here", True), ("--version", True),
    ],
)  # fmt: skip
def test_what_is_no_path_is_a_query(line, read, monkeypatch):
    monkeypatch.chdir(ROOT)
    words = [line] if ":" in line else line.split()
    assert command.reads(words) is read


def test_a_path_with_a_slip_is_no_query(few, tmp_path, monkeypatch, capsys):
    (tmp_path / "snippets").mkdir()
    (tmp_path / "sums").mkdir()
    (tmp_path / "README.md").touch()
    monkeypatch.chdir(tmp_path)
    assert command.main(["snipets"]) == 2
    assert "there is no snipets; is snippets meant?" in capsys.readouterr().err
    assert command.main(["sum"]) == 0  # a word of the cards
    assert command.main(["show", "snipets"]) == 1
    for path in ("no/such", "lost.py", "lost.rst"):
        assert command.main([path]) == 2
        assert f"there is no {path}" in capsys.readouterr().err
    assert command.main(["README.md"]) == 2
    assert "torchproof check" in capsys.readouterr().err


def test_nothing_slow_is_imported(few):
    """Neither torch nor the checker, and without a terminal no rich."""
    said = run(
        "sum", cards=few,
        prelude="import atexit\n@atexit.register\ndef told(): print(*sorted(sys.modules))",
    )  # fmt: skip
    modules = set(said.splitlines()[-1].split())
    assert "torchproof.reading.ranking" in modules
    assert not modules & {
        "torch",
        "numpy",
        "rich",
        "pygments",
        "multiprocessing",
        "torchproof.process",
    }


def test_without_cards_it_says_what_to_do(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(store, "BUILT", tmp_path)
    monkeypatch.setattr(store, "PACKED", tmp_path)
    assert command.main(["sum"]) == 1
    assert "nox -s docs" in capsys.readouterr().err
    (tmp_path / "common.db").write_bytes(b"")  # as a build that was broken off may leave it
    assert command.main(["sum"]) == 1


def test_without_words_help_is_short(capsys):
    assert command.main([]) == 0
    assert len(capsys.readouterr().out.splitlines()) < 24


def test_compressed_as_in_a_wheel_they_answer_the_same(built, tmp_path):
    pack.main(tmp_path / "cards")
    for language in LANGUAGES:
        packed = store.Store(tmp_path / "cards", language)
        for query in ("gather", "nn.CrossEntropyLoss", "矩阵乘法"):
            ours, theirs = (ranking.Search(one).search(query) for one in (packed, built[language]))
            assert ours == theirs
            assert packed.entry(ours[0][0][0]) == built[language].entry(theirs[0][0][0])


# --- what is shown --------------------------------------------------------------------------


def test_in_a_pipe_a_card_is_a_script(few):
    said = run("sum", cards=few)
    assert "\x1b" not in said
    assert f"\nimport torch\n\n{CODE}\n" in said
    compile(said, "said", "exec")
    outside = said.replace(f"import torch\n\n{CODE}", "").splitlines()
    assert [line for line in outside if line and not line.startswith("#")] == []
    assert "torch 2.14 on CPU, 2026-01-02" in said


def test_the_script_of_a_card_of_the_site_is_what_its_button_copies(built):
    module = cards.read(ROOT / "snippets" / "tensors" / "joining.py")
    found, _ = ranking.Search(built["en"]).search("torch.stack")
    entry = built["en"].entry(found[0][0])
    assert drawing.code(entry) in [card.copy for card in module.cards]
    assert entry["checked"]["cpu"]["torch"]


def test_an_example_is_a_whole_script(built):
    found, _ = ranking.Search(built["en"]).search("early stopping")
    entry = built["en"].entry(found[0][0])
    assert entry["kind"] == "example" and len(entry["steps"]) > 3
    compile(drawing.code(entry), "example", "exec")
    step = next(one for one, _ in found if built["en"].kinds[one] == "step")
    assert built["en"].whole(built["en"].entry(step))["kind"] == "example"


@pytest.mark.parametrize("columns", [30, 80])
def test_a_terminal_has_colours_and_whole_lines_of_code(few, columns):
    pytest.importorskip("rich")
    said = run("sum", tty=True, cards=few, COLUMNS=str(columns))
    assert "\x1b[32m# tensor(3)\x1b[0m" in said
    lines = plain(said).splitlines()
    assert set(CODE.splitlines()) <= set(lines)
    prose = [line for line in lines if line.startswith(("Adds", "elements", "all"))]
    assert prose and max(map(drawing.cells, prose)) <= columns


def test_without_rich_a_terminal_has_the_plain_card(few):
    said = run("sum", tty=True, cards=few, prelude="sys.modules['rich'] = None")
    assert "\x1b" not in said and f"\n{CODE}\n" in said and "# Adds all" in said


@pytest.mark.parametrize("columns", [20, 41, 80])
def test_chinese_is_wrapped_by_its_width(few, columns):
    said = run("求平均值", cards=few, COLUMNS=str(columns))
    lines = [line for line in said.splitlines() if "元素" in line or "平均，" in line]
    assert len(lines) > 2 and max(map(drawing.cells, lines)) <= columns
    assert "这些值是用" in said.replace("\n# ", "")
    assert not [line for line in lines if line.removeprefix("# ").startswith("，")]


def test_what_does_not_fit_a_code_page_of_windows_is_replaced(few):
    said = run("求平均值", cards=few, PYTHONIOENCODING="cp1252", PYTHONUTF8="0")
    assert "x.sum()  # tensor(3)" in said and "??" in said
    said = run("求平均值", "--json", cards=few, PYTHONIOENCODING="cp1252", PYTHONUTF8="0")
    assert json.loads(said)["answers"][0]["title"] == "求平均值：torch.mean"


def test_the_language_is_that_of_the_query_or_of_the_system(few):
    assert "The values were" in run("sum", cards=few, LANG="en_GB.UTF-8")
    assert "这些值" in run("sum", cards=few, LANG="zh_CN.UTF-8")
    assert "这些值" in run("sum", "--lang", "zh_CN", cards=few)
    assert "这些值" in run("平均值", cards=few, LANG="en_GB.UTF-8")


def test_json(few, capsys):
    assert command.main(["sum", "--json", "--lang", "en"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert list(said) == ["query", "language", "unknown", "answers"]
    assert (said["query"], said["language"], said["unknown"]) == ("sum", "en", None)
    first = said["answers"][0]
    assert first["url"] == "https://here.example/sums.html#torch.sum"
    keys = "kind title page url prose imports code checked source".split()
    assert set(first) == set(keys)
    documented = re.findall(
        r"`(\w+)`", "".join(re.findall(r"^\| (.*?) \|", PAGE.read_text(), re.M))
    )
    assert set(keys) <= set(documented)


def test_what_no_card_has(few, capsys):
    command.main(["torch.fmod sum"])  # not only the name
    assert "https://t.example/" not in capsys.readouterr().out
    command.main(["torch.fmod", "--lang", "en"])
    command.main(["ValueError: a sum that nobody ever quoted before", "--lang", "en", "--json"])
    command.main(["ValueError: a sum that nobody ever quoted before", "--lang", "en"])
    said = capsys.readouterr().out
    assert '"unknown": {\n  "message": true\n }' in said
    assert "# No card quotes this message." in said
    assert command.main(["zzzzzz"]) == 1
    assert "Nothing found" in capsys.readouterr().out


def test_list_and_number(few, capsys):
    assert command.main(["torch", "--list"]) == 0
    titles = re.findall(r"^ ?\d+  (.*)", capsys.readouterr().out, re.M)
    assert len(titles) == 3
    assert command.main(["torch", "-n", "2"]) == 0
    assert capsys.readouterr().out.startswith(f"# {titles[1]}\n")
    with pytest.raises(SystemExit):
        command.main(["torch", "-n", "9"])


# --- what is done with a card ----------------------------------------------------------------


def test_run_tells_which_claims_hold(few, capsys):
    assert command.main(["torch.sum", "--run", "--lang", "en"]) == 0
    assert "✓ x.sum()  # tensor(3)" in capsys.readouterr().out
    assert command.main(["torch.amax", "--run", "--lang", "en"]) == 1
    said = capsys.readouterr().out
    assert "✗ x.sum()  # tensor(4)" in said and "✓ x + 1" in said
    assert "✓ x.sum()" not in said
    assert "Not all claims hold with torch" in said


def test_run_without_torch_says_so(few, capsys, monkeypatch):
    monkeypatch.setattr(trial, "find_spec", lambda name: None)
    assert command.main(["torch.sum", "--run", "--lang", "en"]) == 1
    assert "takes torch, which is not installed here" in capsys.readouterr().out


def test_copy(few, tmp_path, monkeypatch, capsys):
    taken = tmp_path / "taken"
    program = tmp_path / "bin" / "xclip"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\nexec /bin/cat > {taken}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent))
    monkeypatch.setenv("DISPLAY", ":0")
    for name in ("SSH_TTY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    command.main(["torch.sum", "--copy", "--lang", "en"])
    assert taken.read_text() == f"import torch\n\n{CODE}\n"
    assert "Copied, with xclip." in capsys.readouterr().out
    monkeypatch.delenv("DISPLAY")
    command.main(["torch.sum", "--copy", "--lang", "en"])
    assert "no clipboard" in capsys.readouterr().out


def test_copy_over_ssh_asks_the_terminal(few):
    said = run("torch.sum", "--copy", tty=True, cards=few, SSH_TTY="/dev/pts/9")
    sequence = re.search(r"\x1b\]52;c;([\w+/=]+)\x07", said)[1]
    assert base64.b64decode(sequence).decode() == f"import torch\n\n{CODE}\n"


def test_web(few, monkeypatch, capsys):
    opened = []
    monkeypatch.setattr("webbrowser.open", lambda url: opened.append(url) or True)
    command.main(["torch.sum", "--web"])
    assert opened == ["https://here.example/sums.html#torch.sum"]
    monkeypatch.setattr(desk, "open_page", lambda url: False)
    command.main(["torch.sum", "--web", "--lang", "en"])
    assert "No browser could be started" in capsys.readouterr().out


# --- the page --------------------------------------------------------------------------------


def test_the_page_shows_what_is_printed(built):
    """Each block with a prompt; dates and releases are those of whoever built it."""
    blocks = re.findall(r"```console\n\$ torchproof (.*)\n((?:(?!```).*\n)*)```", PAGE.read_text())
    assert len(blocks) > 3
    wrong = []
    for line, shown in blocks:
        words, _, rest = line.partition(" | ")
        said = run(*words.split(), COLUMNS="80").splitlines(keepends=True)
        if tail := re.match(r"(head|tail) -(\d+)", rest):
            n = int(tail[2])
            said = said[:n] if tail[1] == "head" else said[-n:]
        if RUN.sub("…", "".join(said)) != RUN.sub("…", shown):
            wrong.append((line, "".join(said)))
    assert not wrong


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_picture_is_what_is_drawn(built, language):
    terminal = pytest.importorskip("proofsheet.terminal")
    shown = terminal.path(language).read_text(encoding="utf-8")
    assert RUN.sub("…", terminal.picture(language)) == RUN.sub("…", shown)
    assert not re.findall(r'(?:url\(|href=")["\']?http', shown)
