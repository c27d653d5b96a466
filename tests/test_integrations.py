"""The cards and the checker in assistants, by the MCP SDK's own client, and in notebooks."""

import json
import re
import sys
from pathlib import Path

import anyio
import nbformat
import pytest
import yaml
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from mcp import Client
from mcp.client.stdio import StdioServerParameters
from mcp.server.mcpserver.exceptions import ToolError
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from traitlets.config import Config

import torchproof
from torchproof import command as checker
from torchproof import documents, own
from torchproof.integrations import assistant, skill
from torchproof.reading import command, markdown, store

ROOT = Path(__file__).parents[1]
README = Path(torchproof.__file__).with_name("README.md")
CODE = """\
import sys
import torch

x = torch.arange(3.0)
x.sum()  # tensor(4.)
x + 1  # tensor([1., 2., 3.])
sys.stdin.read()  #> ''
"""
STUB = """\
#!/bin/sh
echo "$@" > {said}
echo "CI=$CI" >> {said}
cat code.py >> {said}
echo '{{"filled": [{{"text": "x  # 1"}}], "failures": [], "torch": "2.14.1"}}'
"""


def talk(calls, *options):
    """What a server answers: ``(tools, [result])`` of the SDK's client over stdio."""

    async def session():
        line = ["-m", "torchproof", "mcp", *options]
        server = StdioServerParameters(command=sys.executable, args=line, env={"CI": "true"})
        async with Client(server) as client:
            tools = (await client.list_tools()).tools
            return tools, [await client.call_tool(*call) for call in calls]

    return anyio.run(session)


# --- assistants -----------------------------------------------------------------------------------


def test_an_assistant_finds_and_reads_cards():
    assert (store.BUILT / "common.db").exists(), "build the site first: nox -s docs"
    site = store.Store(store.BUILT, "zh_CN").facts["site"]
    calls = [
        ("search_cards", {"query": "torch.gather", "limit": 2}),
        ("search_cards", {"query": "保存模型"}),
        ("read_card", {"url": f"{site}reference/tensors/gathering.html"}),
        ("read_card", {"url": "https://here.example/none.html"}),
    ]
    tools, (found, chinese, page, none) = talk(calls, "--read-only")
    assert [one.name for one in tools] == ["search_cards", "read_card"]
    assert all(one.annotations.read_only_hint for one in tools)
    found = found.structured_content["result"]
    assert len(found) == 2 and "torch.gather" in found[0]["title"]
    assert chinese.structured_content["result"][0]["url"].startswith(site)
    assert page.content[0].text.startswith("### ") and site in page.content[0].text
    assert none.is_error and "no card has the address" in none.content[0].text


def test_an_assistant_has_code_checked():
    """What the code reads or prints does not reach the wire."""
    tools, (found, wrong) = talk(
        [("check_claims", {"code": CODE}), ("check_claims", {"code": "x", "limit": 10**9})]
    )
    running = [one for one in tools if not one.annotations.read_only_hint]
    assert [one.name for one in running] == ["check_claims", "fill_claims"]
    for tool in running:
        assert "runs the code on the user's machine with all rights" in tool.description
        assert tool.annotations.destructive_hint
    assert found.structured_content["ok"] is False
    assert found.structured_content["claims"] == 3
    (failure,) = found.structured_content["failures"]
    assert failure["line"] == 5 and "got 3.0" in failure["message"]
    assert found.structured_content["torch"]
    assert wrong.is_error  # there is a limit of the limit


def test_code_runs_with_the_python_that_was_named(tmp_path):
    """Blanks are filled in a CI, too: the file is nobody's."""
    python, said = tmp_path / "python", tmp_path / "said"
    python.write_text(STUB.format(said=said))
    python.chmod(0o755)
    calls = [("fill_claims", {"code": "x  #\n", "limit": 7, "device": "mps"})]
    _, (found,) = talk(calls, "--python", str(python))
    assert found.structured_content == {"code": "x  # 1", "failures": [], "torch": "2.14.1"}
    line, ci, code = said.read_text().splitlines()
    assert "check code.py --json --limit 7.0 --device mps --fill" in line
    assert (ci, code) == ("CI=", "x  #")
    lost = assistant.Runner(str(tmp_path / "none"))
    with pytest.raises(ToolError, match="cannot be started"):
        anyio.run(lost.check_claims, "x")


def test_without_the_sdk_one_sentence_says_what_is_missing(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "mcp.server", None)
    monkeypatch.delitem(sys.modules, "torchproof.integrations.assistant")
    assert command.main(["mcp"]) == 2
    assert 'pip install "torchproof[mcp]"' in capsys.readouterr().err


def test_the_skill_says_what_holds(tmp_path, capsys):
    """Its form is that of agentskills.io; what it shows can be typed, and its claims hold."""
    assert command.main(["skill", str(tmp_path)]) == 0
    path = tmp_path / "torchproof" / "SKILL.md"
    assert capsys.readouterr().out == f"{path}\n"
    text = path.read_text(encoding="utf-8")
    assert command.main(["skill"]) == 0 and capsys.readouterr().out == text
    head, body = re.fullmatch(r"---\n(.*?)\n---\n(.*)", text, re.DOTALL).groups()
    head = yaml.safe_load(head)
    assert head["name"] == path.parent.name and len(head["description"]) <= 1024
    assert set(head) == {"name", "description"}
    lines = re.findall(r"^torchproof (.*)$", body, re.M)
    assert len(lines) > 8
    for line in lines:
        words = line.replace('"', "").split()
        if words[0] == "check":
            checker.arguments(words[1:])
        else:
            assert command.reads(words)
            command.parser().parse_args(words)
    assert len(documents.read(skill.FILE).claims) == 4
    assert command.main(["skill", str(path)]) == 2  # no folder
    assert "cannot be written" in capsys.readouterr().err


def test_the_claims_of_the_skill_and_of_the_readme_hold():
    files = [skill.FILE, README]
    report = own.check_all(files, own.Options(seeds=(0,)))
    assert report.ok and report.claims == 8, report.failures


# --- a card as Markdown ---------------------------------------------------------------------------


@pytest.mark.parametrize("language", command.LANGUAGES)
def test_a_card_as_markdown(language):
    entry = {
        "kind": "card", "title": "Keep dims: keep_dim", "url": "https://here.example/a.html#b",
        "prose": "A *b* of <c> costs $2 or $3.", "imports": "import torch", "code": "x  # 1",
        "checked": {"cpu": {"torch": "2.14", "date": "2026-01-02"}}, "since": "2.14",
    }  # fmt: skip
    said = markdown.card(entry, language)
    assert said.startswith("### Keep dims: keep\\_dim\n\nA \\*b\\* of \\<c\\> costs \\$2 or")
    assert "```python\nimport torch\n\nx  # 1\n```\n" in said
    assert "2026-01-02" in said and "<https://here.example/a.html#b>" in said
    assert "A *b* of <c> costs" in markdown.card(entry, language, escaped=False)


# --- notebooks ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def shell():
    """An IPython that keeps no history."""
    config = Config(
        {"HistoryManager": {"enabled": False}, "InteractiveShell": {"colors": "nocolor"}}
    )
    made = InteractiveShell.instance(config=config)
    assert made.run_cell("%load_ext torchproof\nimport torch\ny = torch.ones(2)").success
    yield made
    InteractiveShell.clear_instance()


def run(shell, cell):
    """``(success, what is printed or displayed)`` of a cell."""
    with capture_output() as captured:
        result = shell.run_cell(cell)
    shown = "".join(one.data.get("text/markdown", "") for one in captured.outputs)
    return result.success, captured.stdout + captured.stderr + shown


def test_a_notebook_shows_a_card(shell):
    success, said = run(shell, "%card torch.gather --insert")
    assert success and said.startswith("### ") and "```python\n" in said
    code = re.search(r"```python\n(.*)```", said, re.DOTALL)[1]
    assert shell.rl_next_input == code and "import torch" in code
    assert run(shell, "%card torch.gather")[1] == said.replace("\r", "")
    _, second = run(shell, "%card torch.gather -n 2 --lang zh_CN")
    assert "/zh_CN/" in second and second != said
    _, listed = run(shell, "%card 保存模型 --list")
    assert listed.startswith("1. [") and "](http" in listed.split("\n")[1]
    _, nearest = run(shell, "%card ValueError: {y} that $nobody ever quoted before --lang en")
    assert nearest.startswith("No card quotes this message")
    shell.user_ns["word"] = "torch.gather"
    assert run(shell, "%card {word}")[1] != said  # a message may have braces
    for wrong in ("%card zzzzzz", "%card gather -n 99"):
        success, said = run(shell, wrong)
        assert not success and "UsageError" in said and "Traceback" not in said


def test_a_cell_is_checked_in_the_notebook(shell):
    held = run(shell, "%%check\nx = y + 1  # tensor([2., 2.])\nx.sum()  # tensor(4.)\nlen(x)")
    assert held[0] and "✓ 2 claims hold" in held[1] and "2\n" in held[1]
    assert shell.user_ns["x"].tolist() == [2.0, 2.0]
    success, said = run(
        shell,
        "%%check\nx @ torch.ones(3)  # RuntimeError: inconsistent tensor size\n"
        "x.sum()  # tensor(5.)\nx.shape  # torch.Size([3])\nz = 1",
    )
    assert not success and "Traceback" not in said
    assert [line[:8] for line in said.splitlines()] == ["✗ line 3", "✗ line 4"]
    assert "claimed tensor(5.); number 0 of the tensor: got 4.0" in said
    assert shell.user_ns["z"] == 1
    assert isinstance(shell.last_execution_result.error_in_exec, AssertionError)


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("x = 1", ["! nothing is claimed here"]),
        ("len(y)  #> 2", ["✓ the claim holds"]),
        ("y.foo\ny.sum()  # tensor(2.)", ["Cell In", "AttributeError", "✗ line 2: the cell ended"]),
        ("x = (\n", ["✗ line 2: does not parse"]),
        ("y.sum()  # tensor([1, 2", ["✗ line 2: ", "Out[0]: tensor(2.)"]),
        ("%time y.sum()\ny.sum()  # tensor(2.)", ["Wall time", "✓ the claim holds"]),
        ("import asyncio\nawait asyncio.sleep(0)", ["UsageError: a cell that awaits"]),
        ("if False:\n    1  #> 1", ["✗ line 3: never reached"]),
    ],
)
def test_cells_of_all_kinds(shell, cell, said):
    shown = run(shell, f"%%check\n{cell}")[1]
    assert all(one in shown for one in said), shown


def test_what_a_checked_cell_leaves_goes_on_working(shell):
    """A function with a claim in it may be called from other cells, which claim nothing of it."""
    cell = "def f(t):\n    t + 0  # tensor([1., 1.])\n    return t.sum()  # tensor(2.)\nf(y)"
    assert run(shell, f"%%check\n{cell}")[0]
    assert run(shell, "%%check\ndef g(t):\n    return t + 1  # tensor([2., 2.])\ng(y)")[0]
    assert run(shell, "g(f(y + 3)).item()") == (True, "Out[0]: 9.0\n")
    assert not shell.ast_transformers


def test_a_cell_may_claim_warnings(shell):
    cell = (
        "import warnings\nfor i in range(2):\n    warnings.warn('hello')  # UserWarning: hello\n"
        "warnings.warn('another')"
    )
    with pytest.warns(UserWarning) as shown:
        success, said = run(shell, f"%%check\n{cell}")
    assert success and "the claim holds" in said
    assert [str(one.message) for one in shown] == ["another"]


def test_a_cell_may_be_checked_alone(shell, monkeypatch):
    """As a file, which knows nothing of the notebook."""
    checked = []

    def check(path, **options):
        checked.append((path.read_text(encoding="utf-8"), options))
        return own.Report(claims=1, failures=[own.Failure(path, 3, "claimed 1; got 2")])

    monkeypatch.setattr(torchproof, "check", check, raising=False)
    success, said = run(shell, "%%check --alone --strict\n%matplotlib inline\ny  # 1")
    assert not success and said == "✗ line 3: claimed 1; got 2\n"
    assert checked == [("#\n\ny  # 1\n", {"strict": True})]


def test_in_a_real_kernel():
    cells = [
        "%load_ext torchproof",
        "import torch\nx = torch.arange(3.0)",
        "%%check\nx.sum()  # tensor(3.)\nx + 1",
        "%card torch.gather",
        "%%check\nx.sum()  # tensor(4.)",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(one) for one in cells])
    with pytest.raises(CellExecutionError) as error:
        NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    outputs = [cell.outputs for cell in notebook.cells]
    result = next(one for one in outputs[2] if one.output_type == "execute_result")
    assert result.data["text/plain"] == "tensor([1., 2., 3.])"
    assert "✓ the claim holds" in "".join(one.get("text", "") for one in outputs[2])
    assert outputs[3][0].data["text/markdown"].startswith("### ")
    assert (error.value.ename, error.value.evalue[:8]) == ("Failed", "✗ line 2")
    assert outputs[4][-1].traceback == [error.value.evalue]


# --- the page -------------------------------------------------------------------------------------


def test_the_page_shows_what_happens(shell, capsys):
    page = (ROOT / "docs" / "integrations.md").read_text(encoding="utf-8")
    (cell,) = re.findall(r"```ipython3\n(%%check.*?)```", page, re.DOTALL)
    (said,) = re.findall(r"```text\n(.*?)```", page, re.DOTALL)
    assert run(shell, cell) == (False, said)
    (config,) = re.findall(r"```json\n(.*?)```", page, re.DOTALL)
    (server,) = json.loads(config)["mcpServers"].values()
    assert server["command"] == "torchproof" and server["args"][0] == "mcp"
    with pytest.raises(SystemExit):
        command.main([*server["args"], "--read-only", "--help"])
    assert "with your rights" in " ".join(capsys.readouterr().out.split())
    tools = anyio.run(assistant.server(assistant.Runner(sys.executable)).list_tools)
    assert re.findall(r"^\| `(\w+)` \|", page, re.M) == [one.name for one in tools]
    helped = shell.magics_manager.magics
    text = helped["line"]["card"].__doc__ + helped["cell"]["check"].__doc__
    told = set(re.findall(r"`(?:%card gather )?(--[\w-]+)", page))
    assert told - set(re.findall(r"--[\w-]+", text)) == {"--python", "--read-only", "--json"}
