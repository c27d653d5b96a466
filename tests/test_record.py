"""The record: what it keeps, when it is stale, and which API names it notes."""

import argparse
import json

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

from torchproof import __main__ as checker
from torchproof import cards, execute, names, record

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


def found(module):
    """A record of running every card of a module."""
    entries = {}
    for card in module.units():
        outcome = execute.run(card, module.path, trace=True)
        entries[f"{module.name}::{card.name}"] = record.entry(card, [outcome])
    return record.header("here") | {"cards": entries}


def test_a_passing_card_is_verified_until_its_code_changes(module):
    made = found(module)
    one, two = module.cards
    assert record.verified(made, module, one) and record.verified(made, module, two)
    assert record.outdated(made, [module]) == []

    module.path.write_text(SOURCE.replace("Prose.", "Other prose."))
    assert record.verified(made, cards.read(module.path), cards.read(module.path).cards[0])
    module.path.write_text(SOURCE.replace("(2, 3)", "(2, 4)"))
    changed = cards.read(module.path)
    assert not record.verified(made, changed, changed.cards[0])
    assert record.verified(made, changed, changed.cards[1])
    assert record.outdated(made, [changed]) == [changed]


def test_a_change_of_the_imports_makes_every_card_stale(module):
    made = found(module)
    module.path.write_text(SOURCE.replace("import torch\n", "import torch\nimport math\n", 1))
    changed = cards.read(module.path)
    assert not any(record.verified(made, changed, card) for card in changed.cards)


@pytest.mark.parametrize("key", ["torch", "python", "checker"])
def test_another_version_makes_a_record_stale(module, key):
    made = found(module)
    made[key] = "other"
    assert record.outdated(made, [module]) == [module]


def test_a_failing_card_is_not_verified(module):
    module.path.write_text(SOURCE.replace("Size([1, 3])", "Size([1, 4])"))
    changed = cards.read(module.path)
    made = found(changed)
    assert made["cards"]["page.py::Two"]["passed"] < made["cards"]["page.py::Two"]["claims"]
    assert not record.verified(made, changed, changed.cards[1])


def test_a_failure_that_is_no_claim_counts_too(module):
    module.path.write_text(SOURCE.replace("x.T.shape  #", "unknown\nx.T.shape  #"))
    changed = cards.read(module.path)
    assert not record.verified(found(changed), changed, changed.cards[0])


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_a_card_that_failed_on_any_device_is_run_again(module, tmp_path, device):
    made = found(module)
    for name in ("cpu", "cuda"):
        cards_then = json.loads(json.dumps(made["cards"]))
        if name == device:
            cards_then["page.py::One"]["passed"] = 0
        record.save(tmp_path / f"{name}.json", "here", cards_then, set())
    options = argparse.Namespace(records=tmp_path, device=None)
    assert checker.changed([module], options) == [module]
    options.device = "cpu" if device == "cuda" else "cuda"
    assert checker.changed([module], options) == []


def test_saving_keeps_what_other_files_said_only_for_the_same_setup(module, tmp_path):
    path = tmp_path / "cpu.json"
    made = found(module)["cards"]
    other = {"noxfile.py::Other": {"sha256": "x", "claims": 1, "passed": 1}}
    gone = {"deleted.py::Gone": {"sha256": "x", "claims": 1, "passed": 1}}
    record.save(path, "here", made | other | gone, set())
    record.save(path, "here", made, {"page.py"})
    assert set(record.load(path)["cards"]) == set(made | other)
    record.save(path, "elsewhere", made, {"page.py"})
    assert set(record.load(path)["cards"]) == set(made)


def test_the_record_has_the_published_form(module, tmp_path):
    path = tmp_path / "cpu.json"
    record.save(path, "here", found(module)["cards"], {"page.py"})
    text = json.loads(path.read_text())
    assert {"torch", "python", "device", "date", "cards"} <= set(text)
    entry = text["cards"]["page.py::One"]
    assert {"sha256", "claims", "passed", "seconds", "apis"} == set(entry)
    assert entry["claims"] == entry["passed"] == 3


def test_the_names_that_a_cards_own_lines_use(module):
    made = found(module)["cards"]
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
    assert names.public(dict) is None
