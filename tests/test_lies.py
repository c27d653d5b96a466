"""Files that lie, one for each way to lie: every one must be caught, at the right line."""

import textwrap

import pytest

from torchproof import cards, runner

HEAD = '''"""
Lies
====

A file that lies.
"""
from contextlib import suppress

import torch

'''


def module(*codes):
    """Source of a snippet module with one card for each code."""
    text = HEAD
    for number, code in enumerate(codes):
        text += f"# %%\n# Card {number}\n# ------\n{textwrap.dedent(code).strip()}\n\n"
    return text


# name: (code, what must be said)
LIES = {
    "wrong value": ("torch.arange(3)  # tensor([0, 1, 3])", "number 2 of the tensor: got 2"),
    "wrong value of an assignment": ("x = torch.tensor(1)  # tensor(2)", "got 1"),
    "wrong value after +=": ("x = 1\nx += 1  # 1", "got 2"),
    "wrong return value": ("def f():\n    return 2  # 3\n\nf()", "got 2"),
    "right at first, wrong at a later pass": ("for i in range(2):\n    i  # 0", "got 1"),
    "never reached": ("if torch.tensor(0):\n    1  # 1", "never reached"),
    "never called": ("def f():\n    1  # 1", "never reached"),
    "an empty loop": ("for i in range(0):\n    i  # 7", "never reached"),
    "a random sample": ("torch.rand(1)  # tensor([0.4963])", "number 0 of the tensor"),
    "a value on a line that raises": (
        "with suppress(RuntimeError):\n    torch.ones(2) @ torch.ones(3)  # tensor(2.)",
        "the line raised RuntimeError",
    ),
    "an error that does not come": (
        "with suppress(RuntimeError):\n    torch.ones(2)  # RuntimeError: size",
        "nothing was raised",
    ),
    "an error of another type": (
        "with suppress(ValueError, RuntimeError):\n    int('x')  # RuntimeError: invalid",
        "claimed RuntimeError, got ValueError",
    ),
    "a base class of the error": (
        "with suppress(LookupError):\n    [][0]  # LookupError: list index",
        "claimed LookupError, got IndexError",
    ),
    "an error with another text": (
        "with suppress(ValueError):\n    int('x')  # ValueError: too large",
        "not in the message",
    ),
    "suppress that says nothing": (
        "with suppress(ValueError):\n    int('x')",
        "suppress without a claim",
    ),
    "suppress that swallows one more": (
        "with suppress(ValueError):\n    int('y')\n    int('x')  # ValueError: invalid",
        "says so in no claim",
    ),
    "suppress of an error not claimed": (
        "with suppress(ValueError, IndexError):\n    [][1]; int('x')  # ValueError: invalid",
        "says so in no claim",
    ),
    "an undeclared warning": ("torch.tensor(torch.ones(1))", "undeclared warning: UserWarning"),
    "a warning that does not come": ("torch.ones(1)  # UserWarning: old", "there was no warning"),
    "a warning with another text": (
        "torch.tensor(torch.ones(1))  # UserWarning: deprecated",
        "not in the message",
    ),
    "a warning of another type": (
        "torch.tensor(torch.ones(1))  # FutureWarning: copy construct",
        "claimed FutureWarning, got UserWarning",
    ),
    "a second warning, undeclared": (
        "import warnings\nfor text in ('one', 'two'):\n    warnings.warn(text)  # UserWarning: one",
        "is not in the message",
    ),
    "prose behind code": ("x = 1  # the answer", "not a claim"),
    "prose on a line of its own": ("x = 1\n# now add", "code carries no prose"),
    "a claim on a line of its own": ("torch.ones(1)\n# tensor([1.])", "stands alone"),
    "a claim with a variable": ("x = 1\nx  # x", "uses no variable"),
    "a claim that computes": ("2  # 1 + 1", "not a computation"),
    "a claim inside an expression": ("x = [\n    1,  # 1\n    2,\n]", "no statement ends"),
    "a claim on a loop's head": ("for i in [1]:  # 1\n    i", "no statement ends"),
    "a claim on an import": ("import math  # 1", "no value to claim"),
    "a claim on a part": ("x = torch.ones(2)\nx[0] = 0  # tensor(0.)", "claim the whole"),
    "a claim about a device": (
        "torch.ones(1)  # tensor([1.], device='cuda:0')",
        "names no device",
    ),
    "a linter's remark": ("x = 1  # noqa", "uses no variable"),
    "another card's variable": ("first", "NameError"),
    "print claimed as a value": ("print(1)  # 1", "is of type NoneType"),
    "the number of a float": ("torch.tensor(1.5).item()  # 1", "is of type float"),
    "sparse claimed as dense": ("torch.eye(1).to_sparse()  # tensor([[1.]])", "layout is"),
    "requires_grad forgotten": (
        "torch.ones(1, requires_grad=True)  # tensor([1.])",
        "requires_grad is True",
    ),
    "sys.exit": ("import sys\nsys.exit(0)", "SystemExit"),
    "a package that is not there": ("import nonexistent", "ModuleNotFoundError"),
}

LEAKS = {
    "default dtype": "torch.set_default_dtype(torch.float64)",
    "default device": "torch.set_default_device('meta')",
    "grad mode": "torch.set_grad_enabled(False)",
    "anomaly mode": "torch.autograd.set_detect_anomaly(True)",
    "number of threads": "torch.set_num_threads(7)",
    "print options": "torch.set_printoptions(precision=2)",
    "deterministic algorithms": "torch.use_deterministic_algorithms(True)",
    "matmul precision": "torch.set_float32_matmul_precision('medium')",
    "cudnn.benchmark": "torch.backends.cudnn.benchmark = True",
    "cudnn.deterministic": "torch.backends.cudnn.deterministic = True",
    "working directory": "import os\nos.chdir('/')",
    "environment": "import os\nos.environ['LEFT'] = '1'",
    "sys.path": "import sys\nsys.path.append('left')",
    "warn always": "torch.set_warn_always(False)",
    "recursion limit": "import sys\nsys.setrecursionlimit(5000)",
    "numpy print options": "import numpy as np\nnp.set_printoptions(precision=2)",
    "numpy error handling": "import numpy as np\nnp.seterr(all='ignore')",
    "matplotlib settings": "import matplotlib as m\nm.rcParams['lines.linewidth'] = 9",
    "autocast": "torch.set_autocast_enabled('cpu', True)",
}
AFTER_LEAK = """
x = torch.ones(1)
(x.dtype, x.requires_grad, x.device.type == "meta")  # (torch.float32, False, False)
torch.is_grad_enabled()  # True
"""

TRUTHS = """
x = torch.tensor([1.0, 2.0], requires_grad=True)
y = (x * x).sum()  # tensor(5., grad_fn=<SumBackward0>)
y.backward()
x.grad  # tensor([2., 4.])
n = 1
n += 1  # 2
for i in range(3):
    torch.full((2,), i).shape  # torch.Size([2])
with suppress(RuntimeError):
    torch.ones(2) @ torch.ones(3)  # RuntimeError: inconsistent tensor size
torch.tensor(torch.ones(1))  # UserWarning: To copy construct from a tensor
torch.rand(2)  # shape (2,), dtype float32
values, index = torch.tensor([1, 5, 2]).max(dim=0)  # (tensor(5), tensor(1))
"""


def outcomes(folder, sources, limit=60.0):
    """Check many small files at once: ``{name: job}``."""
    jobs = {}
    for number, (name, source) in enumerate(sources.items()):
        path = folder / f"lie_{number}.py"
        path.write_text(source)
        jobs[name] = runner.Job(path, "cpu", runner.plan(cards.read(path)))
    for _ in runner.check(list(jobs.values()), limit=limit):
        pass
    return jobs


@pytest.fixture(scope="module")
def lies(tmp_path_factory):
    sources = {name: module("first = 1", code) for name, (code, _) in LIES.items()}
    return outcomes(tmp_path_factory.mktemp("lies"), sources)


@pytest.fixture(scope="module")
def leaks(tmp_path_factory):
    sources = {name: module(code, AFTER_LEAK) for name, code in LEAKS.items()}
    return outcomes(tmp_path_factory.mktemp("leaks"), sources)


@pytest.mark.parametrize("name", LIES)
def test_a_lie_is_caught(lies, name):
    code, expected = LIES[name]
    job = lies[name]
    assert job.error is None
    failures = []
    for seed in runner.SEEDS:
        assert job.results["Card 0", seed].failures == []
        failures += job.results["Card 1", seed].failures
        # A random sample may be right by chance under one seed, never under both.
        assert failures or name == "a random sample"
    assert any(expected in message for _, message in failures), failures
    first = job.path.read_text().split("\n").index("# Card 1") + 3
    assert all(first <= line < first + len(code.split("\n")) for line, _ in failures)


@pytest.mark.parametrize("name", LEAKS)
def test_a_leak_is_named_and_undone(leaks, name):
    job = leaks[name]
    assert job.error is None
    for seed in runner.SEEDS:
        messages = [message for _, message in job.results["Card 0", seed].failures]
        assert f"leaves the {name} changed" in messages
        assert job.results["Card 1", seed].failures == []


def test_a_card_does_not_find_another_ones_files(tmp_path):
    writes = "from pathlib import Path\nPath('left').write_text('x')  # 1"
    reads = "from pathlib import Path\nPath('left').read_text()  # 'x'"
    job = outcomes(tmp_path, {"files": module(writes, reads)})["files"]
    for seed in runner.SEEDS:
        assert job.results["Card 0", seed].failures == []
        assert "FileNotFoundError" in job.results["Card 1", seed].failures[0][1]


def test_the_truth_passes(tmp_path):
    job = outcomes(tmp_path, {"truth": module(TRUTHS)})["truth"]
    for seed in runner.SEEDS:
        outcome = job.results["Card 0", seed]
        assert outcome.failures == []
        assert outcome.claims == 8


def test_a_fork_beside_threads_is_not_the_card_s_fault(tmp_path):
    # Word for word what Python says since 3.12; the one that runs this may say nothing.
    text = (
        "This process (pid=7) is multi-threaded, use of fork() may lead to deadlocks in the child."
    )
    code = f"import warnings\nwarnings.warn({text!r}, DeprecationWarning)"
    job = outcomes(tmp_path, {"fork": module(code)})["fork"]
    assert [outcome.failures for outcome in job.results.values()] == [[], []]


FATES = {
    "segfault": ("import ctypes\nctypes.string_at(0)", "killed by SIGSEGV"),
    "hang": ("while True:\n    pass", "took more than"),
    "exit": ("import os\nos._exit(3)", "exited with 3"),
    "fine": ("torch.ones(1)  # tensor([1.])", None),
}


def test_a_file_that_dies_takes_no_other_along(tmp_path):
    sources = {name: module("first = 1", code) for name, (code, _) in FATES.items()}
    jobs = outcomes(tmp_path, sources, limit=8.0)
    for name, (_, why) in FATES.items():
        if why is None:
            assert jobs[name].error is None and len(jobs[name].results) == 4
        else:
            assert why in jobs[name].error
            assert jobs[name].culprit == ("Card 1", 0)
            assert jobs[name].results["Card 0", 0].failures == []


UNREADABLE = {
    "does not parse": (HEAD + "# %%\n# Card\n# ----\nx = = 1\n", "does not parse"),
    "no docstring": ("import torch\n", "no docstring"),
    "no title": ('"""No title."""\n# %%\n# A\n# --\n1\n', "has no title"),
    "a card with no title": (HEAD + "# %%\nx = 1\n", "a card has no title"),
    "a card with no code": (HEAD + "# %%\n# Card\n# ----\n", "has no code"),
    "two cards with one title": (HEAD + "# %%\n# Card\n# ----\n1\n" * 2, "two cards"),
    "no card": (HEAD, "no card"),
    "half a statement": (
        HEAD + '# %%\n# One\n# ---\nx = """\n# %%\n# Two\n# ---\n"""\n',
        "does not parse on its own",
    ),
    "a claim among the imports": (
        HEAD.replace("import torch", "import torch  # tensor(1)") + "# %%\n# Card\n# ----\n1\n",
        "no comments",
    ),
    "code among the imports": (HEAD + "x = 1\n\n# %%\n# Card\n# ----\nx\n", "only imports"),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_a_file_that_cannot_be_read(tmp_path, name):
    source, why = UNREADABLE[name]
    path = tmp_path / "unreadable.py"
    path.write_text(source)
    with pytest.raises(cards.CardError, match=rf"unreadable.py:\d+: .*{why}"):
        cards.read(path)


PLAIN = ("-p", "no:playwright", "-p", "no:cacheprovider")  # that plugin, too, has a --device


def test_pytest_gives_each_card_an_item_and_each_file_its_fate(pytester, monkeypatch):
    pytester.makeini("[pytest]\nclaims_files = .")
    good = module("torch.ones(1)  # tensor([1.])", "1  # 2")
    pytester.makepyfile(
        good=good,
        broken="def",
        dies=module("import os\nos._exit(3)", "1  # 1"),
    )
    result = pytester.runpytest(
        *PLAIN, "-v", "-rs", "--device", "cpu", "good.py", "broken.py", "dies.py"
    )
    result.assert_outcomes(passed=2, failed=4, skipped=3)
    result.stdout.fnmatch_lines(
        [
            "*good.py::Card 0[[]cpu-seed0[]] PASSED*",
            "*good.py::Card 1[[]cpu-seed1[]] FAILED*",
            "*broken.py::cards FAILED*",
            "*dies.py::Card 0[[]cpu-seed0[]] FAILED*",
            "*good.py:*: claimed 2; got 1*",
            "*broken.py:1: does not parse*",
            "*not run: its file's process died at 'Card 0'*",
        ]
    )


def test_an_absent_device_is_a_skip_that_says_why(pytester, monkeypatch):
    monkeypatch.setattr(runner, "devices", lambda: {"cpu": "a processor"})
    pytester.makeini("[pytest]\nclaims_files = .")
    pytester.makepyfile(good=module("1  # 1"))
    result = pytester.runpytest(*PLAIN, "-rs", "good.py")
    result.assert_outcomes(passed=2, skipped=1)
    result.stdout.fnmatch_lines(["*this machine has no cuda device*"])
