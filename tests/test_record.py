"""The record: what it keeps, when it is stale, and which API names it notes."""

import json
import multiprocessing
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import v2

from torchproof import __main__ as checker
from torchproof import cards, execute, names, process, record

SOURCE = '''"""
Page
====

A page.
"""
from contextlib import suppress

import torch
from torch import nn
from torch.utils.data import DataLoader

# %%
# One
# ---
#
# Prose.
x = torch.ones(2, 3)  # shape (2, 3)
x.T.shape  # torch.Size([3, 2])

with suppress(AttributeError):
    torch.nonexistent  # AttributeError: no attribute

# %%
# Two
# ---
torch.manual_seed(0)
layer = nn.Linear(3, 1)
layer.weight.shape  # torch.Size([1, 3])
DataLoader([1, 2]).batch_size  # 1
'''


@pytest.fixture
def module(tmp_path):
    path = tmp_path / "page.py"
    path.write_text(SOURCE)
    return cards.read(path)


def changed(module, old, new):
    """The module, read again after a change of its text."""
    module.path.write_text(SOURCE.replace(old, new, 1))
    return cards.read(module.path)


MACHINE = {"devices": {"cpu": "a processor", "cuda": "a GPU"}, "isa": "AVX2"}


def entries(module):
    """What a run of every card of a module leaves in a record."""
    found = {}
    for card in module.units():
        job = process.Job(module.path, "cpu", [(card, 0)], None)
        job.results[card.name, 0] = execute.run(card, module.path, tracer=names.Tracer())
        found[f"{module.name}::{card.name}"] = record.entry(card, job)
    return found


def records(module, folder, device="cpu", **other):
    """The records in ``folder`` after such a run, by a machine that ``other`` describes."""
    run = record.this_run(device, MACHINE, 1) | other
    record.save(folder, run, entries(module), {module.name})
    return record.Records(folder)


def test_a_passing_card_is_verified_until_its_code_changes(module, tmp_path):
    made = records(module, tmp_path)
    assert all(made.passed(module, card) for card in module.cards)
    assert made.outdated([module]) == []

    other = changed(module, "Prose.", "Other prose.")
    assert made.passed(other, other.cards[0])
    other = changed(module, "(2, 3)", "(2, 4)")
    assert not made.passed(other, other.cards[0])
    assert made.passed(other, other.cards[1])
    assert made.outdated([other]) == [other]


def test_a_change_of_the_imports_makes_every_card_stale(module, tmp_path):
    made = records(module, tmp_path)
    other = changed(module, "import torch\n", "import torch\nimport math\n")
    assert not any(made.passed(other, card) for card in other.cards)


@pytest.mark.parametrize("key", ["torch", "python", "checker"])
def test_another_version_makes_an_entry_stale(module, tmp_path, key):
    made = records(module, tmp_path, **{key: "1.0"})
    assert made.outdated([module]) == [module]
    assert not any(made.passed(module, card) for card in module.cards)


def test_the_version_of_a_package_counts_for_the_cards_that_import_it(module, tmp_path):
    importing = changed(module, "import torch\n", "import numpy\nimport torch\n")
    packages = record.this_run("cpu", MACHINE, 1)["packages"]
    for package, stale in (("numpy", True), ("pandas", False)):
        folder = tmp_path / package
        made = records(importing, folder, packages=packages | {package: "0.1"})
        assert (made.outdated([importing]) == [importing]) is stale


def test_every_file_that_judges_is_part_of_the_checker_s_hash():
    here = Path(record.__file__).parent
    judges = {path.name for path in here.glob("*.py")} - record.NO_JUDGES
    assert {"process.py", "record.py", "state.py", "compare.py", "find.py"} <= judges


def test_a_failing_card_is_not_verified(module, tmp_path):
    other = changed(module, "Size([1, 3])", "Size([1, 4])")
    made = records(other, tmp_path)
    assert not made.passed(other, other.cards[1])
    ((line, text),) = made.entries["page.py::Two"][0]["failures"]
    assert (line, text.partition(";")[0]) == (2, "claimed torch.Size([1, 4])")


def test_a_failure_that_is_no_claim_counts_too(module, tmp_path):
    other = changed(module, "x.T.shape  #", "unknown\nx.T.shape  #")
    assert not records(other, tmp_path).passed(other, other.cards[0])


def test_a_step_that_was_lost_is_a_failure(module):
    card = module.cards[0]
    job = process.Job(module.path, "cpu", [(card, 0), (card, 1)], None)
    job.results[card.name, 0] = execute.run(card, module.path)
    job.lost[card.name, 1] = "the process was killed"
    assert record.entry(card, job)["failures"] == [[0, "the process was killed"]]


def test_a_date_is_that_of_the_entry_s_own_run(module, tmp_path):
    made = entries(module)
    old = record.this_run("cpu", MACHINE, 1) | {"date": "2020-01-01"}
    record.save(tmp_path, old, {"noxfile.py::Old": made["page.py::One"]}, {"noxfile.py"})
    record.save(tmp_path, record.this_run("cpu", MACHINE, 1), made, {"page.py"})
    known = record.Records(tmp_path).entries
    assert known["noxfile.py::Old"][0]["of"]["date"] == "2020-01-01"
    assert known["page.py::One"][0]["of"]["date"] != "2020-01-01"


def test_another_machine_or_release_throws_no_entry_away(module, tmp_path):
    records(module, tmp_path)
    records(module, tmp_path, name="another processor")
    records(module, tmp_path, torch="2.11.0")
    records(module, tmp_path, device="cuda")
    made = records(module, tmp_path, device="cuda", name="another GPU")
    assert len(made.entries["page.py::One"]) == 5
    assert len(made.current(module, module.cards[0], "cuda")) == 2


def test_saving_drops_what_is_gone(module, tmp_path):
    made = entries(module)
    gone = {"deleted.py::Gone": made["page.py::One"], "page.py::Renamed": made["page.py::One"]}
    run = record.this_run("cpu", MACHINE, 1)
    record.save(tmp_path, run, made | gone, set())
    record.save(tmp_path, run, made, {"page.py"})
    assert set(record.Records(tmp_path).entries) == set(made)


BROKEN = {
    "empty": "",
    "cut": '{"runs": {"1": {"tor',
    "null": "null",
    "without runs": '{"cards": {"a::b": {"run": "1", "sha256": "", "claims": 1}}}',
    "of the old form": '{"torch": "2.14", "cards": {"a::b": {"sha256": "x", "claims": 1}}}',
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_record_that_cannot_be_read_counts_as_empty_and_is_replaced(module, tmp_path, name):
    run = record.this_run("cpu", MACHINE, 1)
    path = tmp_path / record.file_name(run)
    path.write_text(BROKEN[name])
    known = record.Records(tmp_path)
    assert known.entries == {} and "cannot be read" in known.unreadable[0]
    assert "cannot be read" in record.save(tmp_path, run, entries(module), {"page.py"})[0]
    assert record.Records(tmp_path).passed(module, module.cards[0])


def test_a_record_that_cannot_be_written_stays_as_it_was(module, tmp_path, monkeypatch):
    made = records(module, tmp_path)
    monkeypatch.setattr(Path, "write_text", lambda *_, **__: (_ for _ in ()).throw(OSError(28, "")))
    with pytest.raises(OSError):
        records(module, tmp_path)
    assert record.Records(tmp_path).entries == made.entries
    assert not list(tmp_path.glob("*.part"))


def save_many(module, folder, number):
    run = record.this_run("cpu", MACHINE, 1)
    found = entries(module)["page.py::One"]
    for turn in range(20):
        record.save(folder, run, {f"noxfile.py::{number}-{turn}": found}, ())


def test_two_that_write_at_once_lose_nothing(module, tmp_path):
    fork = multiprocessing.get_context("fork")
    writers = [fork.Process(target=save_many, args=(module, tmp_path, n)) for n in range(2)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert len(record.Records(tmp_path).entries) == 40


def test_records_of_the_parts_of_a_run_merge_into_one(module, tmp_path):
    run = record.this_run("cpu", MACHINE, 1)
    one, two = (dict([item]) for item in entries(module).items())
    record.save(tmp_path / "a", run, one, ())
    record.save(tmp_path / "b", run | {"date": "2020-01-01"}, two | one, ())
    record.save(tmp_path / "b", run | {"name": "another"}, two, ())
    assert (
        checker.main(
            [
                "--merge",
                str(tmp_path / "a"),
                str(tmp_path / "b"),
                "--records",
                str(tmp_path / "all"),
            ]
        )
        == 0
    )
    merged = record.Records(tmp_path / "all").entries
    assert [len(merged[key]) for key in ("page.py::One", "page.py::Two")] == [1, 2]
    assert merged["page.py::One"][0]["of"]["date"] == run["date"]


def test_the_record_has_the_published_form(module, tmp_path):
    records(module, tmp_path)
    (path,) = tmp_path.glob("*.json")
    text = json.loads(path.read_text())
    (run,) = text["runs"].values()
    assert {"torch", "python", "device", "name", "isa", "threads", "date", "commit"} <= set(run)
    found = text["cards"]["page.py::One"]
    assert set(found) == {"run", "sha256", "claims", "apis", "messages"}
    assert all(isinstance(line, int) and ": " in whole for line, whole in found["messages"])
    assert len(path.read_text().splitlines()) == 7  # a card, a line: two runs can be compared


def test_a_message_is_kept_whole_but_for_what_belongs_to_one_machine():
    said = (
        "RuntimeError: no /home/me/data/x.pt for <Net at 0x7f00aa11bb22> (1/2), see https://a.b/c/d"
    )
    kept = "RuntimeError: no .../x.pt for <Net at 0x...> (1/2), see https://a.b/c/d"
    assert record._plain(said) == kept
    warned = "UserWarning: beta. (Triggered internally at /pytorch/aten/src/x.cpp:53.)"
    assert record._plain(warned) == "UserWarning: beta."
    assert len(record._plain("x" * 9999)) == record.MESSAGE


def test_a_card_for_a_newer_release_is_skipped_and_has_no_entry(module):
    newer = changed(module, "# Prose.", "# .. since:: 99.0")
    job = process.Job(module.path, "cpu", [(newer.cards[0], 0)], None)
    outcome = process.check(newer.cards[0], newer.path, 0, "cpu")
    assert outcome.needs == "torch 99.0"
    job.results[newer.cards[0].name, 0] = outcome
    assert record.entry(newer.cards[0], job) is None


def test_the_names_that_a_cards_own_lines_use(module):
    made = entries(module)
    assert made["page.py::One"]["apis"] == ["torch.Tensor.T", "torch.Tensor.shape", "torch.ones"]
    two = made["page.py::Two"]["apis"]
    assert {"torch.manual_seed", "torch.nn.Linear", "torch.utils.data.DataLoader"} <= set(two)
    # What Linear does inside itself is not the card's.
    assert not {"torch.nn.init.kaiming_uniform_", "torch.empty"} & set(two)


def optimizer():
    return torch.optim.SGD([torch.zeros(1)])


class Own(Dataset):
    """A reader's class: its attributes are not PyTorch's."""

    def __init__(self):
        self.transform = None


@pytest.mark.parametrize(
    ("owner", "name", "expected"),
    [
        (torch, "stack", "torch.stack"),
        (torch, "float32", "torch.float32"),
        (torch, "nn", None),
        (nn.functional, "relu", "torch.nn.functional.relu"),
        (torch.zeros(1), "view", "torch.Tensor.view"),
        (torch.Tensor, "view", "torch.Tensor.view"),
        (nn.Parameter(torch.zeros(1)), "view", "torch.Tensor.view"),
        (nn.Linear(1, 1), "eval", "torch.nn.Module.eval"),
        (nn.Linear(1, 1), "weight", "torch.nn.Linear.weight"),
        (nn.Linear(1, 1), "colour", None),
        (optimizer(), "param_groups", "torch.optim.Optimizer.param_groups"),
        (Own(), "transform", None),
        (torch.zeros(1).shape, "numel", "torch.Size.numel"),
        ("text", "upper", None),
        (torch.zeros(1), "_version", None),
        (optimizer, "calls", None),
    ],
)
def test_public_names(owner, name, expected):
    assert names.attribute(owner, name) == expected


def test_a_class_is_named_as_a_reader_imports_it():
    assert names.public(DataLoader) == "torch.utils.data.DataLoader"
    assert names.public(nn.Linear) == "torch.nn.Linear"
    assert names.public(torch.optim.lr_scheduler.StepLR) == "torch.optim.lr_scheduler.StepLR"
    assert names.public(torch.fx.GraphModule) == "torch.fx.GraphModule"
    assert names.public(v2.ColorJitter) == "torchvision.transforms.v2.ColorJitter"
    assert names.public(dict) is None


NAMES = """
def work(rank, store):
    dist.init_process_group("gloo", store=store, rank=rank, world_size=2)
    with sdpa_kernel(SDPBackend.MATH):
        dist.get_rank() == rank  # True
    dist.barrier()
    dist.destroy_process_group()

with tempfile.TemporaryDirectory() as folder:
    store = dist.FileStore(f"{folder}/store", 2)
    mp.start_processes(work, (store,), 2, start_method="fork")
"""
IMPORTS = """import tempfile
import torch.distributed as dist
import torch.multiprocessing as mp
from torch.nn.attention import SDPBackend, sdpa_kernel
"""


def test_names_are_noted_in_forked_processes_too():
    """And a constant, which has no home of its own, where it was imported from."""
    outcome = execute.run(
        cards.Card("Ranks", "", NAMES, 1, IMPORTS), "card.py", tracer=names.Tracer()
    )
    assert not outcome.failures
    assert {
        "torch.distributed.get_rank",
        "torch.nn.attention.SDPBackend",
        "torch.nn.attention.sdpa_kernel",
        "torch.multiprocessing.start_processes",
    } <= set(outcome.apis)
