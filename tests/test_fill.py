"""What can be claimed of a value, and how it gets into a file."""

import io
import os
import shutil
import subprocess
import sys
import time

import pytest

import torchproof
from torchproof import __main__ as command
from torchproof import documents, own, process, rewrite, suggest


@pytest.fixture(autouse=True)
def at_home(monkeypatch):
    monkeypatch.delenv("CI", raising=False)


def filled(path, seeds=(0,), **options):
    """``torchproof.fill`` as it is, but for one server: the other costs seconds."""
    return torchproof.fill(path, seeds=seeds, **options)


@pytest.fixture
def one_server(monkeypatch):
    monkeypatch.setattr(suggest, "PLAIN", {})


# Code, and the claim that it is given; a line of several seeds, of two machines, of a loop.
FILLED = {
    "torch.arange(6.).reshape(2, 3)": "# tensor([[0., 1., 2.], [3., 4., 5.]])",
    "torch.arange(3.).softmax(0)": "# tensor([0.0900, 0.2447, 0.6652])",
    "torch.tensor([True, False])": "# tensor([True, False])",
    "torch.ones(2, dtype=torch.float64) / 3": "# tensor([0.3333, 0.3333], dtype=torch.float64)",
    "torch.ones(2).half() / 3": "# tensor([0.3333, 0.3333], dtype=torch.float16)",
    "torch.ones(2, requires_grad=True)": "# tensor([1., 1.], requires_grad=True)",
    "torch.ones(1, requires_grad=True) * 2": "# tensor([2.], grad_fn=<MulBackward0>)",
    "torch.ones(0, 3)": "# tensor([], size=(0, 3))",
    "torch.tensor([1e-5, 2000.0])": "# tensor([1.0000e-05, 2.0000e+03])",
    "torch.tensor([0.0, float('nan'), -float('inf')])": "# tensor([0., nan, -inf])",
    "torch.tensor([1 + 2j])": "# tensor([1.+2.j])",
    "torch.zeros(64, 10)": "# shape (64, 10), dtype float32",
    "torch.rand(2, 3)": "# shape (2, 3), dtype float32",
    "torch.eye(2).to_sparse()": "# shape (2, 2), dtype float32, layout sparse_coo",
    "Parameter(torch.ones(1))": ("# Parameter containing: tensor([1.], requires_grad=True)"),
    "torch.ones(2).shape": "# torch.Size([2])",
    "torch.float16": "#> torch.float16",
    "np.ones(2) / 3": "# array([0.3333, 0.3333])",
    "np.ones(2, dtype='int32')": "# array([1, 1], dtype=int32)",
    "np.float64(0.5)": "# np.float64(0.5)",
    "np.bool_(True)": "# np.True_",
    "1 / 3": "#> 0.3333",
    "0.1 + 0.2": "#> 0.3000",
    "0.5": "#> 0.5",
    "1e-7 / 3": "#> 3.3333e-08",
    "0.12345": "#> 0.12345",  # 0.1234 or 0.1235? It stands on the boundary.
    "len('abc')": "#> 3",
    "None": "#> None",
    "{'a': 0.5, 'b': [1, None], 'c': (1,)}": "#> {'a': 0.5, 'b': [1, None], 'c': (1,)}",
    "Counter('hello')": "#> Counter({'l': 2, 'h': 1, 'e': 1, 'o': 1})",
    "OrderedDict(a=1)": "#> OrderedDict([('a', 1)])",
    "torch.max(torch.tensor([1, 3]), 0)": "#> (tensor(3), tensor(1))",
    "'a' * 100": "#> type str, len 100",
    "torch.nn.Linear(2, 1)": "#> type Linear",
    "print(torch.ones(2).sum())": "# tensor(2.)",
    "torch.ones(2, 3) @ a": ("# RuntimeError: size mismatch, got input (2), mat (2x3), vec (7)"),
    "{}['key']": "# KeyError: 'key'",
    "next(iter([]))": "#> StopIteration",
    "x = 3; y = 4": "#> 4",
}
HEAD = """\
import numpy as np
import torch
from collections import Counter, OrderedDict
from torch.nn import Parameter
a = torch.ones(7)
"""
FILLED |= {"list(range(10**6))": "#> type list, len 1000000"}
LOOP = "for i in range(3):\n    i  #\n    torch.ones(i)  # ?\n    i * 0  #>\n"


@pytest.fixture(scope="module")
def all_filled(tmp_path_factory):
    """The lines of a file with all of them, as they are filled under two seeds."""
    path = tmp_path_factory.mktemp("fill") / "a.py"
    path.write_text(HEAD + "".join(f"{code}  #\n" for code in FILLED) + LOOP)
    patch = pytest.MonkeyPatch()
    patch.delenv("CI", raising=False)
    one = torchproof.fill(path)
    patch.undo()
    path.write_text(one.text)
    return one, torchproof.check(path)


@pytest.mark.parametrize("code", FILLED)
def test_a_blank_gets_its_claim(all_filled, code):
    lines = all_filled[0].text.splitlines()
    assert lines[list(FILLED).index(code) + HEAD.count("\n")] == f"{code}  {FILLED[code]}"


def test_what_was_filled_in_holds(all_filled):
    one, report = all_filled
    assert one.failures == report.failures == [] and report.claims == len(FILLED) + 3


def test_in_a_loop_the_claim_holds_each_time(all_filled):
    assert all_filled[0].text.endswith(
        "    i  #> type int\n    torch.ones(i)  # dtype float32\n    i * 0  #> 0\n"
    )


def test_a_loop_of_many_passes_costs_little(tmp_path, one_server):
    path = tmp_path / "a.py"
    path.write_text("import torch\nfor i in range(20000):\n    x = torch.ones(3) * i  #\n")
    start = time.monotonic()
    assert "# shape (3,), dtype float32" in filled(path).text
    assert time.monotonic() - start < 60


def test_strict_mode_needs_no_mark(tmp_path, one_server):
    path = tmp_path / "a.py"
    path.write_text("x = 1\nx  #\nx  #>\n")
    assert filled(path, strict=True).text == "x = 1\nx  # 1\nx  #> 1\n"


def test_a_mark_within_a_statement_is_no_blank(tmp_path, one_server):
    path = tmp_path / "a.py"
    path.write_text("x = max(  #\n    1,  #\n    2,\n)\nif x:  #\n    x  #\n")
    assert filled(path).text == path.read_text().replace("    x  #", "    x  #> 2")


def test_a_line_that_lacks_something_gets_no_claim(tmp_path, one_server):
    """It ends its fence, and what stands behind it there gets no claim either."""
    path = tmp_path / "a.md"
    path.write_text(
        "```python\nimport math\nmath.sqrt(-1)  #\n```\n\n"
        "```python\nundefined  #\nmath.pi  #\n```\n\n"
        "```python\nopen('absent')  #\n```\n"
    )
    one = filled(path)
    assert one.text == path.read_text().replace("(-1)  #", "(-1)  # ValueError: math domain error")
    assert [(failure.line, failure.message.partition(":")[0]) for failure in one.failures] == [
        (7, "the line raised NameError"),
        (8, "never reached"),
        (12, "the line raised FileNotFoundError"),
    ]


def test_what_another_processor_computes_counts(tmp_path, monkeypatch):
    """Where instructions matter, an exact float is written rounded."""
    path = tmp_path / "a.py"
    path.write_text(
        "import os\nimport torch\n"
        "e = 6e-8 if os.environ.get('ATEN_CPU_CAPABILITY') else 0.0\n"
        "torch.tensor(1.0 - e)  #\n"
    )
    assert filled(path).text.endswith("torch.tensor(1.0 - e)  # tensor(1.0000)\n")


TO_FIX = """\
import torch
torch.ones(2)  # tensor([1., 2.])
torch.ones(2, 3)  # shape (3, 2)
torch.ones(2) @ torch.ones(3)  # RuntimeError: another message
torch.ones(2) / 3  # tensor([0.33333334, 0.33333334])
torch.rand(1)  # tensor([0.4963])
torch.ones(2)  # tensor([1., 1.]), the first one
torch.ones(2)  # tensor([9., 9.]) since 99.0, tensor([3., 3.]) before
torch.ones(2)  # a comment
torch.ones(2)  # RuntimeError: nothing of the kind
"""


def test_fix_and_reword(tmp_path, one_server):
    path = tmp_path / "a.py"
    path.write_text(TO_FIX)
    lines = TO_FIX.splitlines()
    one = filled(path, seeds=(0, 1), fix=True)
    lines[1:4] = [
        "torch.ones(2)  # tensor([1., 1.])",
        "torch.ones(2, 3)  # shape (2, 3)",
        "torch.ones(2) @ torch.ones(3)  # RuntimeError: "
        "inconsistent tensor size, expected tensor [2] and",
    ]
    lines[5] = "torch.rand(1)  # shape (1,), dtype float32"
    got = one.text.splitlines()
    assert got[3].startswith("torch.ones(2) @ torch.ones(3)  # RuntimeError: inconsistent tensor")
    lines[3] = got[3]
    assert got == lines
    assert [failure.line for failure in one.failures] == [7, 8, 10]
    one = filled(path, reword=True)
    assert (
        one.diff.count("\n-") == 1 and "+torch.ones(2) / 3  # tensor([0.3333, 0.3333])" in one.diff
    )


def test_lines_keep_the_length_of_the_project(tmp_path, one_server):
    (tmp_path / "pyproject.toml").write_text("[tool.black]\nline-length = 40\n")
    path = tmp_path / "a.py"
    path.write_text(
        "import torch\ntorch.zeros(9)  #\ntorch.zeros(3)  #\ntorch.zeros(1, 1, 1, 1, 1, 1, 1)  #\n"
    )
    one = filled(path)
    assert one.text.splitlines()[1:3] == [
        "torch.zeros(9)  # shape (9,)", "torch.zeros(3)  # tensor([0., 0., 0.])"
    ]  # fmt: skip
    assert one.failures[0].message == "no claim of it fits in 40 columns"
    (tmp_path / "pyproject.toml").write_text("[tool.ruff]\nline-length = 120\n")
    assert suggest.line_length(path) == 120
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    assert suggest.line_length(path) == 88


def test_documents_are_filled_where_they_stand(tmp_path, one_server):
    path = tmp_path / "a.md"
    path.write_text(
        "1. List:\n\n   ```python\n   x = 1\n   x  #\n   ```\n\nx  #\n\n```text\nx  #\n```\n"
    )
    assert filled(path).text == path.read_text().replace("   x  #\n", "   x  #> 1\n")
    path = tmp_path / "a.rst"
    path.write_text(".. code-block:: python\n\n    x = 1\n    x  # ?\n")
    assert filled(path).text == path.read_text().replace("# ?", "#> 1")


# --- how it is written ----------------------------------------------------------------

FORMS = {
    "CRLF": b"x = 1\r\nx  #\r\n",
    "mixed ends": b"x = 1\r\nx  #\ny = 2\r",
    "no end": b"x = 1\nx  #",
    "BOM": b"\xef\xbb\xbfx = 1\nx  #\n",
    "Latin-1": "# coding: latin-1\ns = 'é'\nx = 1\nx  #\n".encode("latin-1"),
    "UTF-8": "s = '漢字'; x = 1  # 好\nx  #\n".encode(),
    "GBK": "# -*- coding: gbk -*-\ns = '漢字'\nx = 1\nx  #\n".encode("gbk"),
    "tabs": b"if True:\n\tx = 1\n\tx\t#\n",
    "form feed": b"x = 1\n\x0c\nx  #\n",
    "continued": b"x = 1\n(x +\n 0)  #\nx + \\\n  0\n",
}


@pytest.mark.parametrize("form", FORMS)
def test_a_file_keeps_its_form(tmp_path, one_server, form):
    path = tmp_path / "a.py"
    path.write_bytes(FORMS[form])
    one = filled(path, write=True)
    assert one.written and not one.failures
    want = FORMS[form].replace(b"x  #", b"x  #> 1").replace(b"x\t#", b"x\t#> 1")
    assert path.read_bytes() == want.replace(b"0)  #", b"0)  #> 1")


def test_a_file_keeps_its_mode_and_a_link_stays_one(tmp_path, one_server):
    path, link = tmp_path / "a.py", tmp_path / "link.py"
    path.write_text("x = 1\nx  #\n")
    path.chmod(0o754)
    link.symlink_to("a.py")
    assert filled(link, write=True).written
    assert link.is_symlink() and path.read_text() == "x = 1\nx  #> 1\n"
    assert path.stat().st_mode & 0o777 == 0o754
    assert sorted(one.name for one in tmp_path.iterdir()) == ["a.py", "link.py"]


def read(folder):
    """A document, and what it is to become."""
    path = folder / "a.py"
    path.write_text("x = 1\nx  #\n")
    document = documents.read(path, blanks=True)
    return path, document, rewrite.edited(document, {2: (3, "#> 1")})


def test_without_write_nothing_is_written(tmp_path, one_server):
    path = tmp_path / "a.py"
    path.write_text("x = 1\nx  #\n")
    one = filled(path)
    assert not one.written and path.read_text() == "x = 1\nx  #\n"
    assert one.diff == f"--- {path}\n+++ {path}\n@@ -1,2 +1,2 @@\n x = 1\n-x  #\n+x  #> 1\n"


def test_the_diff_is_one_that_patch_applies(tmp_path):
    path = tmp_path / "a.py"
    lines = ["x = 1", *[""] * 300]
    for n in (2, 3, 9, 17, 300):
        lines[n] = "x  #"
    path.write_text("\n".join(lines))
    document = documents.read(path, blanks=True)
    raw = rewrite.edited(document, {claim.line: (3, "#> 1") for claim in document.claims})
    text = rewrite.diff(document, raw)
    assert text.count("@@ -") == 3 and text.count("\n-") == text.count("\n+x") == 5
    if patch := shutil.which("patch"):
        subprocess.run([patch, path], input=text, text=True, check=True, capture_output=True)
        assert path.read_bytes() == raw


def test_a_file_that_changed_is_left_alone(tmp_path):
    path, document, raw = read(tmp_path)
    path.write_text("x = 2\nx  #\n")
    with pytest.raises(rewrite.Refused, match="changed since it was read"):
        rewrite.write(document, raw)
    assert path.read_text() == "x = 2\nx  #\n" and len(list(tmp_path.iterdir())) == 1


def test_a_read_only_file_is_left_alone(tmp_path):
    path, document, raw = read(tmp_path)
    path.chmod(0o444)
    with pytest.raises(rewrite.Refused, match="read-only"):
        rewrite.write(document, raw)
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("name", ["fsync", "chmod", "replace"])
def test_a_full_disk_leaves_the_file_whole(tmp_path, monkeypatch, name):
    path, document, raw = read(tmp_path)

    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, name, full)
    with pytest.raises(rewrite.Refused, match="No space left"):
        rewrite.write(document, raw)
    assert path.read_text() == "x = 1\nx  #\n" and len(list(tmp_path.iterdir())) == 1


def test_a_full_disk_while_it_is_written(tmp_path, monkeypatch):
    path, document, raw = read(tmp_path)

    class Full(io.FileIO):
        def write(self, data):
            super().write(data[:3])
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(rewrite, "open", Full, raising=False)
    with pytest.raises(rewrite.Refused, match="No space left"):
        rewrite.write(document, raw)
    assert path.read_text() == "x = 1\nx  #\n" and len(list(tmp_path.iterdir())) == 1


def test_code_is_never_changed(tmp_path):
    _, document, _ = read(tmp_path)
    with pytest.raises(rewrite.Refused, match="no comment where one was read"):
        rewrite.edited(document, {2: (0, "#> 1")})
    with pytest.raises(rewrite.Refused, match="code would not be the same"):
        rewrite.edited(document, {2: (3, "\ny = 2")})


def test_a_letter_that_the_encoding_lacks(tmp_path):
    path = tmp_path / "a.py"
    path.write_bytes(b"# coding: latin-1\nx = 1\nx  #\n")
    document = documents.read(path, blanks=True)
    with pytest.raises(rewrite.Refused, match="has no"):
        rewrite.edited(document, {3: (3, "#> '漢'")})


KILLED = """
import sys
from torchproof import documents, rewrite
path = sys.argv[1]
while True:
    document = documents.read(path, blanks=True)
    for claim in document.claims:
        said = "#" if claim.text else "#> " + "1" * 5000
        rewrite.write(document, rewrite.edited(document, {claim.line: (claim.column, said)}))
        break
    print("once", flush=True)
"""


def test_killed_at_any_moment_a_file_is_whole(tmp_path):
    path = tmp_path / "a.py"
    texts = [f"x = 1\nx  #{said}\n{'y = 2' * 1}\n" for said in ("", "> " + "1" * 5000)]
    path.write_text(texts[0])
    for moment in range(4):
        run = subprocess.Popen(
            [sys.executable, "-c", KILLED, path], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        run.stdout.readline()
        time.sleep(0.01 + moment * 0.007)
        run.kill()
        run.communicate()
        assert path.read_text() in texts


# --- where it is asked for ------------------------------------------------------------


def test_the_command_shows_and_writes(tmp_path, capsys, one_server):
    path = tmp_path / "a.py"
    path.write_text("x = 1\nx  #\nx  #> 2\n")
    arguments = ["check", str(path), "--seeds", "0", "--fill"]
    assert command.main(arguments) == 1
    assert "+x  #> 1\n" in capsys.readouterr().out and "#> 1" not in path.read_text()
    assert command.main([*arguments, "--fix", "--write"]) == 0
    assert path.read_text() == "x = 1\nx  #> 1\nx  #> 1\n"


def test_not_in_a_ci(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("CI", "true")
    with pytest.raises(own.Usage, match="this is a CI"):
        torchproof.fill(tmp_path / "a.py")
    assert command.main(["check", str(tmp_path), "--fill"]) == 2
    assert "this is a CI" in capsys.readouterr().err


def test_pytest_shows_and_writes(pytester, one_server):
    path = pytester.makefile(".py", a="x = 1\nx  #\nx  #> 1\n")
    run = pytester.runpytest("--claims", "--claims-fill", "--claims-seeds", "0")
    run.stdout.fnmatch_lines(["+x  #> 1"])
    assert path.read_text().splitlines()[1] == "x  #"
    pytester.runpytest("--claims", "--claims-fill", "--claims-seeds", "0", "--claims-write")
    assert path.read_text().splitlines()[1] == "x  #> 1"


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("--claims", "--claims-fill", "-n", "1"), "*leave out -n*"),
        (("--claims-fill",), "*which files?*"),
        (("--claims", "--claims-write"), "*writes what*shows*"),
    ],
)
def test_pytest_refuses(pytester, arguments, why):
    run = pytester.runpytest(*arguments)
    assert run.ret == pytest.ExitCode.USAGE_ERROR
    run.stderr.fnmatch_lines([why])


def test_pytest_refuses_in_a_ci(pytester, monkeypatch):
    monkeypatch.setenv("CI", "1")
    run = pytester.runpytest("--claims", "--claims-fill")
    assert run.ret == pytest.ExitCode.USAGE_ERROR
    run.stderr.fnmatch_lines(["*this is a CI*"])


def test_a_server_with_other_variables_is_kept(monkeypatch):
    monkeypatch.setattr(process, "_server", "ours")
    monkeypatch.setattr(process, "_others", {})
    with process.environment(SOME_VARIABLE="1"):
        assert process._server is None and os.environ["SOME_VARIABLE"] == "1"
        process._server = "theirs"
    assert process._server == "ours" and "SOME_VARIABLE" not in os.environ
    with process.environment(SOME_VARIABLE="1"):
        assert process._server == "theirs"
