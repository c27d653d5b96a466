"""Files that were not written for this checker: scripts, Markdown, reStructuredText."""

import json
import re
import subprocess
import sys
import textwrap
from pathlib import Path
from types import SimpleNamespace

import pytest

import torchproof
from torchproof import __main__ as command
from torchproof import documents, find, grammar, own, plugin, record, suggest


def dedent(text):
    return textwrap.dedent(text).lstrip("\n")


def written(folder, **files):
    """Write files, ``name_py=...`` as ``name.py``; their paths by name."""
    paths = {}
    for name, text in files.items():
        stem, _, suffix = name.rpartition("_")
        paths[name] = folder / f"{stem}.{suffix}"
        paths[name].write_text(dedent(text), encoding="utf-8")
    return paths


def said(report):
    """``{line: message}`` of what does not hold; several messages of a line are joined."""
    found = {}
    for one in report.failures:
        found.setdefault(one.line, []).append(one.message)
    return {line: "; ".join(texts) for line, texts in found.items()}


# --- which comment is a claim -------------------------------------------------

CLAIMS = [
    "tensor([1, 2])", "tensor(0.5000)", "tensor(nan)", "tensor(-1.)", "tensor([], size=(0, 3))",
    "tensor(True)", "tensor([[1.], [2.]], requires_grad=True)", "array([1., 2.])",
    "array('a', dtype='<U1')", "Parameter containing: tensor([1.], requires_grad=True)",
    "torch.Size([2, 3])", "np.float64(0.5)", "np.True_", "shape (2, 3)", "shape ()",
    "shape (2,), dtype float32", "dtype int64", "stride (3, 1)", "requires_grad True",
    "layout sparse_coo", "grad_fn AddBackward0", "RuntimeError: mat1 and mat2 shapes",
    "UserWarning: lr_scheduler.step()", "torch.cuda.OutOfMemoryError: tried to allocate",
    "tensor([0.]) since 2.14, tensor([1.]) before", "KeyError: 'name of it'",
]  # fmt: skip
WRONG = [
    "tensor([1, 2", "tensor([1, ..., 2])", "array([1, 2]) or so", "shape (2, 3) of it",
    "shape (2,", "dtype torch.float32", "torch.Size(x)", "RuntimeError: ...",
    "tensor([1, 2]) since 2.14",
]  # fmt: skip
COMMENTS = [
    "noqa", "noqa: F401", "type: ignore[attr]", "pragma: no cover", "fmt: skip", "ruff: noqa",
    "3", "True", "None", "'text'", "[1, 2]", "(2, 3)", "{1}", "ValueError", "-0.5",
    "tensor(s) of one shape", "tensors([1, 2])", "a tensor([1])", "tensor(input)", "arrays",
    "shape (B, C)", "shape (1, t)", "shape: (2, 3)", "shapes (2, 3)", "dtype of it", "stride 2",
    "type annotation", "len 3", "size 4", "Error: not here", "Warning: this is slow",
    "Exception: none", "Note: RuntimeError: x", "2 since 2.14, 3 before", "TODO", "% 3", "!",
    "np.zeros(3)", "torch.zeros(3)", "Returns tensor([1])", "1.5x faster",
]  # fmt: skip


@pytest.mark.parametrize("text", CLAIMS)
def test_what_begins_as_only_a_claim_does_is_one(text):
    assert find.meant(f"# {text}", "lenient") == text
    assert grammar.branches(text)


@pytest.mark.parametrize("text", WRONG)
def test_what_begins_as_a_claim_and_is_none_is_an_error(text):
    _, claims, failures = find.find(f"x = 1  # {text}", 1, mode="lenient")
    assert not claims and len(failures) == 1


@pytest.mark.parametrize("text", COMMENTS)
def test_all_else_is_a_comment(text):
    assert find.meant(f"# {text}", "lenient") is None


@pytest.mark.parametrize("text", ["3", "True", "[1, 2]", "ValueError", "'text'", "len 3"])
def test_a_bare_literal_is_a_claim_behind_a_mark_or_in_strict_mode(text):
    assert find.meant(f"#> {text}", "lenient") == find.meant(f"# {text}", "strict") == text
    _, claims, failures = find.find(f"x = 1  #> {text}", 1, mode="lenient")
    assert [claim.text for claim in claims] == [text] and not failures


@pytest.mark.parametrize("text", ["noqa", "type: ignore", "pragma: no cover", "TODO: later"])
def test_a_remark_to_a_tool_is_a_comment_in_strict_mode_too(text):
    assert find.meant(f"# {text}", "strict") is None


def test_strict_mode_takes_each_other_comment_for_a_claim():
    _, claims, failures = find.find("x = 1  # the first one", 1, mode="strict")
    assert not claims and "not a claim" in failures[0][1]


def test_the_head_of_a_statement_has_no_value_and_brackets_are_no_place_for_a_claim():
    code = """\
@skip  # AttributeError: no attribute
def f(
    x,  # shape (2, 3)
):  # shape (2, 3)
    try:
        return x  # shape (2, 3)
    except Exception:  # LinAlgError: Singular matrix
        pass
    return g(
        x,  # shape (2, 3)
    )
"""
    _, claims, failures = find.find(code, 1, mode="lenient")
    assert [claim.line for claim in claims] == [6]
    assert [line for line, _ in failures] == [10]


def test_in_a_card_a_mark_is_no_claim():
    _, claims, failures = find.find("x = 1  #> 1", 1)
    assert not claims and failures


def test_a_script_that_checks_another_runs_once(tmp_path):
    paths = written(
        tmp_path,
        a_py="x = 1\nx  #> 1\n",
        caller_py="""
        import pathlib
        import torchproof

        with (pathlib.Path(__file__).parent / "log").open("a") as log:
            log.write("ran ")
        print(torchproof.check(pathlib.Path(__file__).parent / "a.py", seeds=(0,)).claims)
        """,
    )
    run = subprocess.run([sys.executable, paths["caller_py"]], capture_output=True, text=True)
    assert run.stdout == "1\n", run.stderr
    assert (tmp_path / "log").read_text() == "ran "


# --- what is read ---------------------------------------------------------------


def test_importing_the_package_imports_no_torch(tmp_path):
    code = (
        "import sys, torchproof; torchproof.check, torchproof.fill; print('torch' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.stdout == "False\n", run.stderr


DOCUMENT = """
    # Title

    ```python
    import torch
    x = torch.arange(3)
    ```

    1. In a list:

       ```py title="a.py"
       x  # tensor([0, 1, 2])
       ```

    ~~~~python
    x + 1  # tensor([1, 2, 3])
    ```
    ~~~~

    ```python notest
    x  # tensor([7])
    ```

    ```text
    x  # tensor([7])
    ```

    ```pycon
    >>> x  # tensor([7])
    ```

    ```{.python .annotate}
    %matplotlib inline
    x * 2  # tensor([0, 2, 4])
    ```
    """


def test_fences_of_markdown(tmp_path):
    text = DOCUMENT.replace("    ```\n    ~~~~", "    ~~~~")
    path = written(tmp_path, a_md=text)["a_md"]
    document = documents.read(path)
    assert [claim.line for claim in document.claims] == [11, 15, 32]
    assert document.claims[0].text == "tensor([0, 1, 2])"
    assert not document.failures
    (unit,) = document.units
    assert unit.code.split("\n")[10] == "x  # tensor([0, 1, 2])"
    assert document.shifts[11] == 3
    alone = documents.read(path, isolate=True)
    assert [one.title for one in alone.units] == ["line 11", "line 15", "line 31"]


def test_blocks_of_restructured_text(tmp_path):
    text = """
    Title
    =====

    .. code-block:: python
       :linenos:

       import torch
       torch.ones(1)  # tensor([1.])

         # not the end

    .. code:: python

       torch.ones(2)  # shape (2,)
    .. code::

       torch.ones(2)  # shape (3,)

    .. code-block:: python
       :class: notest

       torch.ones(2)  # shape (3,)
    """
    document = documents.read(written(tmp_path, a_rst=text)["a_rst"])
    assert [claim.line for claim in document.claims] == [8, 14]
    assert document.shifts[8] == 3


def test_a_fence_that_does_not_parse_is_an_error_only_if_it_claims(tmp_path):
    text = """
    ```python
    a = = 1
    ```

    ```python
    a = = 1  # tensor([1])
    ```
    """
    document = documents.read(written(tmp_path, a_md=text)["a_md"])
    assert [line for line, _ in document.failures] == [6]
    assert [line for line, _ in document.notes] == [2]


def test_a_file_says_its_encoding(tmp_path):
    path = tmp_path / "a.py"
    path.write_bytes("# -*- coding: latin-1 -*-\nx = 'é'\nx  #> 'é'\n".encode("latin-1"))
    assert documents.read(path).claims[0].text == "'é'"
    path.write_bytes(b"\xef\xbb\xbfx = 1\r\nx  #> 1\r\n")
    assert documents.read(path).claims[0].text == "1"
    path.write_bytes(b"x = '\xe9'\n")
    with pytest.raises(documents.Unreadable, match=r"a\.py:1: cannot be decoded"):
        documents.read(path)


def test_folders_are_searched_but_not_those_of_tools(tmp_path):
    for name in ("a.py", "b.txt", ".venv/c.py", "docs/d.md", "build/e.py", "pkg/f.rst"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    found = [path.name for path, named in documents.files([tmp_path]) if not named]
    assert found == ["a.py", "d.md", "f.rst"]


# --- what is run ----------------------------------------------------------------

SCRIPT = '''
    """A script whose docstring says tensor(7.)."""
    from __future__ import annotations
    import warnings
    import torch  # noqa: F401

    import neighbour

    # a comment of its own
    x = torch.ones(2)  # a comment
    x.sum()  # tensor(2.)
    print(x.shape)  # torch.Size([2])
    x + 1  # tensor([2., 3.])
    len(x.tolist())  #> 3


    class M(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.w = torch.zeros(2, 3)  # shape (2, 3), dtype float32

        def forward(self, x):
            return x @ self.w  # shape (3,)

        def unused(self):
            return self.w  # shape (2, 3)


    M()(x)
    x @ torch.ones(3)  # RuntimeError: inconsistent tensor size
    warnings.warn("nobody claims it")
    try:
        x @ torch.ones(3)
    except RuntimeError:
        pass
    z = torch.ones(2)  # shape (2,) of ones
    torch.set_num_threads(3)
    x @ torch.ones(4)  # RuntimeError: something else
    neighbour.one  # tensor(1)
    __file__.endswith("a.py")  #> True
    if __name__ == "__main__":
        x  # tensor([1., 1.])
    raise SystemExit
'''


def test_a_script(tmp_path):
    paths = written(
        tmp_path, a_py=SCRIPT, neighbour_py="import torch\none = torch.tensor(1)  # mine\n"
    )
    report = torchproof.check(paths["a_py"], seeds=(0,))
    found = said(report)
    assert set(found) == {12, 13, 25, 35, 37}, found
    assert found[12].endswith("number 1 of the tensor: got 2.0")
    assert found[25].startswith("never reached")
    assert "nothing else beside them" in found[35]
    assert "something else" in found[37]
    assert (report.files, report.claims, report.ok) == (1, 12, False)


def test_a_script_that_fails_says_where(tmp_path):
    path = written(tmp_path, a_py="x = 1\nx  #> 1\nprint(1 / 0)\n")["a_py"]
    assert said(torchproof.check(path, seeds=(0,))) == {3: "ZeroDivisionError: division by zero"}


def test_a_file_that_claims_nothing_is_not_run(tmp_path):
    path = written(tmp_path, a_py="open('ran', 'w')  # here\nraise OSError\n")["a_py"]
    assert torchproof.check(path).ok
    assert not (tmp_path / "ran").exists()


def test_a_module_of_a_package_imports_its_neighbours(tmp_path):
    package = tmp_path / "package"
    package.mkdir()
    written(package, __init___py="", other_py="two = 2\n")
    path = written(package, a_py="from .other import two\ntwo  #> 2\n")["a_py"]
    assert torchproof.check(path, seeds=(0,)).ok


def test_cells_may_run_alone(tmp_path):
    text = "import torch\n# %%\nx = torch.ones(1)\nx  # tensor([1.])\n# %%\nx  # tensor([1.])\n"
    path = written(tmp_path, a_py=text)["a_py"]
    assert torchproof.check(path, seeds=(0,)).ok
    found = said(torchproof.check(path, seeds=(0,), isolate=True))
    assert set(found) == {6} and "NameError" in found[6]


def test_fences_share_a_namespace_and_an_error_ends_one_of_them(tmp_path):
    text = """
    ```python
    from __future__ import annotations
    import torch
    x = torch.ones(2)
    ```

    ```python
    model = load("nothing is claimed here")
    ```

    ```python
    load("something is")
    x  # tensor([1., 1.])
    ```

    ```python
    from __future__ import annotations
    x  # tensor([1., 2.])
    x @ torch.ones(3)  # RuntimeError: inconsistent tensor size
    x  # tensor([1., 1.])
    ```

    ```python
    open("behind the last claim", "w")
    ```
    """
    path = written(tmp_path, a_md=text)["a_md"]
    report = torchproof.check(path, seeds=(0,))
    found = said(report)
    assert set(found) == {12, 13, 18}, found
    assert "NameError" in found[12] and found[13].startswith("never reached")
    assert [one.line for one in report.notes] == [8]
    assert set(said(torchproof.check(path, seeds=(0,), isolate=True))) == {12, 13, 18, 19, 20}


# --- the command ------------------------------------------------------------------


def test_exit_codes_and_messages(tmp_path, capsys):
    paths = written(tmp_path, good_py="x = 1\nx  #> 1\n", bad_py="x = 1\nx  #> 2\n")
    assert command.main(["check", paths["good_py"]]) == 0
    assert capsys.readouterr().out.startswith("1 claims in 1 files")
    assert command.main(["check", paths["bad_py"], "--seeds", "0"]) == 1
    assert f"{paths['bad_py']}:2: claimed 2; got 1" in capsys.readouterr().out
    assert command.main(["check", str(tmp_path / "absent.py")]) == 2
    assert "there is no" in capsys.readouterr().err
    assert command.main(["check", str(tmp_path), "--device", "mps"]) == 2
    assert "no mps device" in capsys.readouterr().err
    with pytest.raises(SystemExit) as stop:
        command.main(["check"])
    assert stop.value.code == 2


def test_annotations_for_github(tmp_path, capsys):
    path = written(tmp_path, bad_py="x = '%'\nx  #> 'a%b'\n")["bad_py"]
    command.main(["check", str(path), "--github", "--seeds", "0"])
    out = capsys.readouterr().out
    assert f"::error file={path.as_posix()},line=2::claimed 'a%25b'; got '%25'" in out


def test_all_of_it_as_json(tmp_path, capsys, monkeypatch):
    path = written(tmp_path, bad_py="x = 2\nx  #> 3\nx + 1  #\n")["bad_py"]
    assert command.main(["check", str(path), "--json", "--seeds", "0"]) == 1
    found = json.loads(capsys.readouterr().out)
    failure = {"path": path.as_posix(), "line": 2, "message": "claimed 3; got 2"}
    assert found["failures"] == [failure]
    assert (found["ok"], found["files"], found["claims"]) == (False, 1, 1)
    assert found["torch"] == record.version("torch") and found["filled"] == []
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setattr(suggest, "PLAIN", {})
    command.main(["check", str(path), "--json", "--fill", "--fix", "--seeds", "0"])
    (filled,) = json.loads(capsys.readouterr().out)["filled"]
    text = "x = 2\nx  #> 2\nx + 1  #> 3\n"
    assert filled == {"path": path.as_posix(), "text": text, "written": False}


def test_without_torch_a_sentence_says_so(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(torchproof, "find_spec", lambda name: name == "fcntl" or None)
    path = written(tmp_path, a_py="1  #> 1\n", b_py="'no claim'\n")["a_py"]
    assert command.main(["check", str(path)]) == 2
    lacks = "checking needs torch, which is not installed here"
    assert capsys.readouterr().err == f"torchproof: {lacks}\n"
    with pytest.raises(own.Usage, match=lacks):
        torchproof.check(path)
    assert torchproof.check(tmp_path / "b.py").ok  # what claims nothing does not run
    with pytest.raises(pytest.UsageError, match=lacks):
        plugin.pytest_configure(SimpleNamespace(getini=lambda name: ["snippets"]))
    assert command.main(["snippets/tensors/joining.py"]) == 2
    assert capsys.readouterr().err == f"torchproof: {lacks}\n"
    monkeypatch.setattr(torchproof, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match="fork"):
        torchproof.check  # noqa: B018


def test_where_nothing_can_fork_a_sentence_says_so():
    """As on Windows, which has no such module."""
    script = "import runpy, sys\nsys.modules['fcntl'] = None\nsys.argv = ['', 'check', 'a.py']\n"
    script += "runpy.run_module('torchproof', run_name='__main__')"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    said = "torchproof: checking needs a system that can fork: Linux, macOS or WSL\n"
    assert (done.returncode, done.stderr) == (2, said)


def test_time_limit(tmp_path):
    path = written(tmp_path, a_py="while True:\n    pass\n1  #> 1\n")["a_py"]
    report = own.check(path, seeds=(0,), limit=1.0)
    assert "took more than 1 s" in report.failures[0].message


# --- pytest -----------------------------------------------------------------------


@pytest.fixture
def project(pytester):
    """A project of somebody's: a script, a document, and tests that are no business of ours."""
    pytester.makefile(".py", example="import torch\ntorch.ones(1)  # tensor([1.])\n")
    pytester.makefile(".py", test_it="def test_it():\n    x = 1  # tensor([7.])\n")
    pytester.makefile(".md", guide="```python\nx = 1\nx  #> 2\n```\n\n```py\nx  #> 1\n```\n")
    pytester.makefile(".md", other="Nothing is claimed here.\n")
    return pytester


def counts(run):
    return {name: n for name, n in run.parseoutcomes().items() if name in ("passed", "failed")}


def test_pytest_does_nothing_unasked(project):
    assert counts(project.runpytest()) == {"passed": 1}


def test_pytest_with_the_flag(project):
    run = project.runpytest("--claims", "--claims-seeds", "0", "-v", "--junitxml=out.xml")
    assert counts(run) == {"passed": 2, "failed": 1}
    run.stdout.fnmatch_lines(
        ["example.py::claims[[]cpu[]] PASSED*", "*guide.md:3: claimed 2; got 1"]
    )
    assert 'name="claims[cpu]"' in (project.path / "out.xml").read_text()


def test_pytest_takes_a_file_that_is_named(project):
    run = project.runpytest("--claims", "--claims-seeds", "0", "example.py")
    assert counts(run) == {"passed": 1}
    run = project.runpytest("--claims", "--claims-isolate", "--claims-seeds", "0", "guide.md", "-v")
    assert counts(run) == {"failed": 2}
    run.stdout.fnmatch_lines(["*guide.md::line 7[[]cpu[]] FAILED*"])


def test_pytest_takes_what_the_configuration_names(project):
    project.makeini("[pytest]\nclaims_files = exam*.py\n")
    assert counts(project.runpytest()) == {"passed": 2}
    project.mkdir("docs").joinpath("deep.md").write_text("```py\n1  #> 1\n```\n")
    project.makeini("[pytest]\nclaims_files = docs **/gui*.md\n")
    assert counts(project.runpytest("--claims-seeds", "0")) == {"passed": 2, "failed": 1}


def test_pytest_says_what_begins_as_a_claim_and_is_none(project):
    (project.path / "example.py").write_text("x = 1  # shape (2,) of it\n")
    run = project.runpytest("--claims", "example.py")
    assert counts(run) == {"failed": 1}
    run.stdout.fnmatch_lines(["*example.py:1: 'shape (2,) of it': facts are written*"])


def test_pytest_with_workers(project):
    run = project.runpytest_subprocess("--claims", "--claims-seeds", "0", "-n", "1")
    assert counts(run) == {"passed": 2, "failed": 1}
    run.stdout.fnmatch_lines(["*guide.md:3: claimed 2; got 1"])


def test_pytest_names_a_device_that_is_not_here(project):
    run = project.runpytest("--claims", "--claims-device", "mps")
    assert run.ret == pytest.ExitCode.USAGE_ERROR
    run.stderr.fnmatch_lines(["*this machine has no mps device"])


# --- the page about it ------------------------------------------------------------

PAGE = Path(__file__).resolve().parents[1] / "docs" / "own.md"


def test_the_page_shows_what_really_comes_out(tmp_path, monkeypatch, capsys):
    text = PAGE.read_text(encoding="utf-8")
    average, blank = re.findall(r"```python\n(.*?)```", text, re.S)
    (output,) = re.findall(r"```text\n(.*?)```", text, re.S)
    (diff,) = re.findall(r"```diff\n(.*?)```", text, re.S)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CI", raising=False)
    Path("average.py").write_text(average)
    Path("blank.py").write_text(blank)

    def lines(arguments):
        command.main(["check", *arguments.split()])
        return re.sub(r"\d+\.\d s$", "0.0 s", capsys.readouterr().out, flags=re.M).splitlines()

    assert lines("average.py") == re.sub(r"\d+\.\d s$", "0.0 s", output, flags=re.M).splitlines()
    assert lines("--fill blank.py")[:-1] == diff.splitlines()
    lines("--fill blank.py --write")
    assert lines("blank.py") == ["5 claims in 1 files; 0.0 s"]


def test_the_page_says_what_is_a_claim():
    rows = re.findall(r"^\| (`#.*?) \| (.*?) \|$", PAGE.read_text(encoding="utf-8"), re.M)
    assert len(rows) == 6
    for comments, what in rows:
        for comment in re.findall(r"`(.*?)`", comments):
            _, claims, failures = find.find(f"x = 1  {comment}", 1, mode="lenient")
            found = "a claim" if claims else "an error" if failures else "a comment"
            assert what.startswith(found), comment
