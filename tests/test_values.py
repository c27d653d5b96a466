"""What variables held: what the checker notes in its run of a card, and how pages get it."""

import gzip
import re
from pathlib import Path

import pytest
import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils.data import DataLoader, TensorDataset

from proofsheet import code, records
from torchproof import cards, execute, process, record, variables
from torchproof.values import describe

SITE = Path(__file__).parents[1] / "build" / "html"
BUDGET = 8000  # bytes that all of it may add to a page, compressed
Page = type("Page", (nn.Module,), {"__module__": "__main__"})


def net():
    made = Page()
    made.body, made.head = nn.Sequential(nn.Linear(4, 2), nn.ReLU()), nn.Linear(2, 1)
    return made


@pytest.mark.parametrize(
    ("obj", "said"),
    [
        (torch.tensor([[1, 2], [3, 4]]), "shape (2, 2), dtype int64\t[[1, 2], [3, 4]]"),
        (torch.tensor([1 / 3, 2.0]), "shape (2,), dtype float32\t[0.3333, 2.0000]"),
        (torch.tensor([1e-9, float("nan")]), "shape (2,), dtype float32\t[1.0000e-09, nan]"),
        (torch.tensor(2.0, requires_grad=True), "shape (), dtype float32, requires_grad True\t2."),
        (torch.zeros(30, 4, dtype=torch.bool), "shape (30, 4), dtype bool"),
        (torch.ones(2, device="meta"), "shape (2,), dtype float32, device meta"),
        (torch.eye(2).to_sparse(), "shape (2, 2), dtype float32, layout sparse_coo"),
        (nn.Buffer(torch.ones(1)), "shape (1,), dtype float32\t[1.]"),
        (nn.Linear(3, 2), "Linear, parameters 8\tLinear(3, 2)"),
        (nn.ReLU(), "ReLU"),
        (net(), "Page, parameters 13\tbody: Sequential, head: Linear(2, 1)"),
        (torch.optim.SGD([nn.Parameter(torch.ones(1))], lr=0.1), "SGD, lr 0.1"),
        (DataLoader([1, 2], batch_size=2), "DataLoader, batch_size 2\tlist"),
        (TensorDataset(torch.ones(7, 2)), "TensorDataset, len 7"),
        (3, "int\t3"),
        (2 / 3, "float\t0.6667"),
        ("a\nb", "str\t'a\\nb'"),
        ("a" * 200, f"str\t'{'a' * 59}…'"),
        (torch.float16, "torch.dtype\ttorch.float16"),
        (torch.Size([2, 3]), "torch.Size\ttorch.Size([2, 3])"),
        ([1, "a", torch.ones(5, 6)], "list, len 3\t[1, 'a', shape (5, 6)]"),
        ({"b", "a"}, "set, len 2\t{'a', 'b'}"),
        ({"w": torch.tensor([1, 2])}, "dict, len 1\t{'w': tensor([1, 2])}"),
        (None, "None"),
        (torch, None),
        (nn.Linear, None),
        (torch.cat, None),
    ],
)  # fmt: skip
def test_what_is_said_of_it(obj, said):
    assert describe(obj) == said


class Untouchable:
    """What the card has written is never called."""

    def __getattribute__(self, name):
        raise AssertionError(name)

    def __repr__(self):
        raise AssertionError

    __len__ = __iter__ = __eq__ = __hash__ = __repr__


def odd():
    with FakeTensorMode():
        yield torch.ones(2), "FakeTensor"
    yield torch.nested.nested_tensor([torch.ones(1)], layout=torch.jagged), "NestedTensor"
    yield nn.LazyLinear(2).weight, "UninitializedParameter"
    yield nn.LazyLinear(2), "LazyLinear\tLazyLinear(0, 2)"
    yield torch.ones(2, dtype=torch.complex64).conj(), "shape (2,), dtype complex64"
    freed = torch.ones(3)
    freed.untyped_storage().resize_(0)
    yield freed, "shape (3,), dtype float32"
    yield Untouchable(), "Untouchable"
    yield [Untouchable()], "list, len 1\t[Untouchable]"
    endless = []
    endless.append(endless)
    yield endless, "list, len 1\t[[…]]"
    file = Path(__file__).open()
    file.close()
    yield file, "TextIOWrapper"
    yield 10**5000, "int\tint"
    yield Path("/tmp/x"), "PosixPath"
    yield "/tmp/folder/x.pt", "str"
    yield ["-I/usr/include"], "list, len 1"
    yield f"<object at {id(endless):#x}>", "str"


def test_what_is_odd_gives_its_type():
    assert [(describe(obj), said) for obj, said in odd() if describe(obj) != said] == []
    inside = []
    torch.vmap(lambda x: (inside.append(describe(x)), x)[1])(torch.ones(2))
    assert inside == ["Tensor"]


def test_looking_changes_nothing_and_computes_nothing():
    from torch.utils._python_dispatch import TorchDispatchMode

    seen = []

    class Watch(TorchDispatchMode):
        def __torch_dispatch__(self, func, kinds, args=(), kwargs=None):
            seen.append(func)
            return func(*args, **(kwargs or {}))

    x = torch.rand(3, requires_grad=True)
    y, model, version = x * 2, net(), x._version
    state, things = torch.get_rng_state(), [x, y, model, [x, y], {"x": x}]
    with Watch():
        for thing in things:
            describe(thing)
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profile:
        for thing in things:
            describe(thing)
    assert not seen and not profile.events()
    assert torch.equal(state, torch.get_rng_state()) and x._version == version
    assert x.grad is None and torch.is_grad_enabled()


# --- in the run of a card ----------------------------------------------------------------------


def ran(text, seed=0, **options):
    """A card's outcome, with the notes as a page would show them: (line, name, text, after)."""
    card = cards.Card("Card", "", text, 11, "import torch")
    torch.manual_seed(seed)
    outcome = execute.run(card, "card.py", note=True, **options)
    assert outcome.failures == []
    return card, outcome


def kept(text):
    card, outcome = ran(text)
    job = process.Job(Path("card.py"), "cpu", [(card, 0), (card, 1)], None)
    job.results = {("Card", 0): outcome, ("Card", 1): ran(text, seed=1)[1]}
    return record.entry(card, job).get("held", {"texts": [], "at": {}})


def shown(text):
    found = variables.shown(text, kept(text))
    return {place: said.rpartition("\t")[2] + "+" * after for place, (said, after) in found.items()}


def test_each_line_shows_what_a_variable_held_there():
    text = "x = 1\ny = x + 1\nx = x + y\nx += 1\nz = x\ndel z"
    assert shown(text) == {
        (1, 0, "x"): "1", (2, 0, "y"): "2", (2, 4, "x"): "1",
        (3, 0, "x"): "3", (3, 4, "x"): "1", (3, 8, "y"): "2",
        (4, 0, "x"): "4", (5, 0, "z"): "4", (5, 4, "x"): "4",
    }  # fmt: skip


def test_a_variable_that_another_name_changed_is_shown_as_it_was():
    text = "x = [1]\ny = x\ny.append(2)\nx = x + [3]"
    assert shown(text)[4, 4, "x"] == "[1, 2]" and shown(text)[4, 0, "x"] == "[1, 2, 3]"


def test_a_block_shows_what_holds_at_its_end():
    text = "s = 0\nfor n in range(4):\n    s += n\n    d = s - 1\nwith torch.no_grad():\n    s.real"
    found = shown(text)
    assert found[3, 4, "s"] == "6+" and found[2, 4, "n"] == "3+" and found[4, 8, "s"] == "6+"
    assert found[6, 4, "s"] == "6"  # nothing there is bound or goes round


def test_names_that_are_no_variables_of_the_card_are_left_out():
    text = (
        "x = 5\n\n\ndef f(x):\n    y = x\n    return y\n\n\n"
        "a = [x for x in range(2)]\nb = (lambda x: x)(x)\n中, d = x, torch.cat"
    )
    assert shown(text) == {
        (1, 0, "x"): "5", (4, 4, "f"): "f(x)", (9, 0, "a"): "[0, 1]", (10, 0, "b"): "5",
        (10, 18, "x"): "5", (11, 0, "中"): "5", (11, 7, "x"): "5",
    }  # fmt: skip


def test_a_card_runs_once_and_its_tensors_are_freed():
    text = (
        "import builtins\nimport weakref\n\nbuiltins.runs_of_a_card += 1\n"
        "x = torch.ones(3, requires_grad=True)\ny = (x * 2).sum()\nrefs = [weakref.ref(x)]\n"
        "del x, y\nrefs[0]() is None  # True"
    )
    import builtins

    builtins.runs_of_a_card = 0
    try:
        ran(text)
        assert builtins.runs_of_a_card == 1
    finally:
        del builtins.runs_of_a_card


def test_random_numbers_are_those_of_a_run_without_notes():
    text = "x = torch.rand(3)\ny = torch.rand(3)\nz = x + y"
    held = []
    for note in (True, False):
        torch.manual_seed(0)
        execute.run(cards.Card("Card", "", text, 1, "import torch"), "card.py", note=note)
        held.append(torch.rand(1).item())
    assert held[0] == held[1]


@pytest.mark.parametrize(
    "text",
    [
        "import time\n\nx = time.perf_counter()\ny = [x, 2 * x]\nz = float(x)",
        "import os\n\nx = str(os.getpid())\ny = {'a': x}\nz = (x,)",
        "import time\n\ny = []\ny.append(time.time())\nx = y[0]\nz = x",
        "x = torch.seed()\ny = [x]\nz = -x\ntorch.manual_seed(0)",
        "y = []\n\n\ndef f():\n    y.append(id(y))\n\n\nf()\nz = y",
        "x = next(unsteady)\ny = [x]\nz = (x, x)",
    ],
)
def test_what_differs_between_runs_is_not_noted(text):
    import builtins
    import itertools

    builtins.unsteady = itertools.count(123456)
    try:
        assert {said for said in kept(text)["texts"] if "\t" in said} <= {
            "list, len 0\t[]", "function\tf()",
        }  # fmt: skip
    finally:
        del builtins.unsteady


def test_the_first_seed_counts_whichever_run_ends_first():
    card = cards.Card("Card", "", "x = torch.rand(2)", 11, "import torch")
    entries = []
    for seeds in ((0, 1), (1, 0)):
        job = process.Job(Path("card.py"), "cpu", [], None)
        job.results = {("Card", s): process.check(card, "card.py", s, "cpu") for s in seeds}
        entries.append(record.entry(card, job))
    assert entries[0] == entries[1] and "\t[0.4963, 0.7682]" in entries[0]["held"]["texts"][0]


def test_committed_records_and_older_ones_are_without(tmp_path, monkeypatch):
    module = tmp_path / "page.py"
    module.write_text(
        '"""\nPage\n====\n"""\nimport torch\n\n# %%\n# One\n# ---\nx = torch.ones(2)\n'
    )
    (card,) = cards.read(module).cards
    job = process.Job(module, "cpu", [(card, 0)], None)
    job.results[card.name, 0] = process.check(card, module, 0, "cpu")
    found = {f"{cards.read(module).name}::One": record.entry(card, job)}
    run = record.this_run("cpu", {"devices": {"cpu": "a processor"}, "isa": ""}, 1)
    monkeypatch.setattr(record, "COMMITTED", tmp_path / "docs" / "verified")
    for folder in (tmp_path / "build", record.COMMITTED):
        record.save(folder, run, found, set())
    record.merge(tmp_path / "parts", [tmp_path / "build"])
    record.merge(record.COMMITTED, [tmp_path / "build"])
    texts = {
        folder.name: next(folder.glob("*.json")).read_text()
        for folder in (tmp_path / "build", tmp_path / "parts", record.COMMITTED)
    }
    assert {name: '"held"' in text for name, text in texts.items()} == {
        "build": True, "parts": True, "verified": False,
    }  # fmt: skip
    for folder, places in ((tmp_path / "build", 1), (record.COMMITTED, 0)):
        monkeypatch.setattr(records, "known", lambda f=folder: record.Records(f))
        assert len(records.held(cards.read(module), card)) == places


# --- on a page ---------------------------------------------------------------------------------


def test_the_numbers_fit_the_spans():
    text = 'x = torch.ones(2)\ny = x.sum()\nprint(f"{y:.1f}", x)\n'
    held = {(1, 0, "x"): ("X\t1", False), (2, 0, "y"): ("Y", False), (2, 4, "x"): ("X\t1", True)}
    link = {"x.sum": ("u", "torch.Tensor.sum")}.get
    lines = code.highlight(text, link, held=held)
    names = re.findall(r'<span class="(?:n|nf|nb)">(.*?)</span>', lines)
    order, *texts = code.held_by(text, held).split("\n")
    assert texts == ["X\t1", "Y"]
    answers = dict(enumerate(order.split(",")))
    assert [(names[n], number) for n, number in answers.items() if number] == [
        ("x", "0"), ("y", "1"), ("x", "0+"),
    ]  # fmt: skip
    # The variable is no part of the link of its method.
    assert '<span class="n">x</span><span class="o">.</span><a ' in lines
    assert code.held_by(text, {}) == ""
    block = code.block(text, lines, "", [], 'a"<\n&\tb')
    assert 'data-held="a&quot;&lt;\n&amp;\tb"' in block["html"]


@pytest.mark.parametrize("language", ["en", "zh_CN"])
def test_pages_stay_light(language):
    """What is known of variables adds little, and its script is loaded where there is any."""
    script = len(gzip.compress((SITE / language / "_static/names.js").read_bytes(), 9))
    heavy, answering = [], 0
    for name in records.docnames():
        page = (SITE / language / f"{name}.html").read_text(encoding="utf-8")
        known = "data-held=" in page
        assert known == ("names.js" in page) == ("names-help" in page), name
        answering += known
        plain = re.sub(r' data-held="[^"]*"|<p class="names-help".*?</p>', "", page)
        sizes = [len(gzip.compress(text.encode(), 6)) for text in (page, plain)]
        if sizes[0] - sizes[1] + script > BUDGET:
            heavy.append((name, sizes[0] - sizes[1] + script))
    assert answering > 250 and not heavy
