"""Mutation: every kind of claim has mutants of every kind, and they die by comparison."""

import pytest
import torch
from torch.nn import functional as F

from torchproof import cards, execute, mutate, process, record

KINDS = {
    "last digit": ("tensor([0.0900, 0.2447])", "tensor([0.0900, 0.2448])"),
    "sign": ("tensor([1., -2.])", "tensor([1., +2.])"),
    "shape": ("tensor([1, 2])", "tensor([1, 2, 2])"),
    "order": ("tensor([1, 2])", "tensor([2, 1])"),
    "rank": ("tensor([1, 2])", "tensor([[1, 2]])"),
    "dtype": ("tensor([1, 2])", "tensor([1, 2], dtype=torch.int32)"),
    "requires_grad": ("tensor([1.])", "tensor([1.], requires_grad=True)"),
    "truth value": ("True", "False"),
    "bool or int": ("True", "1"),
    "int or float": ("3", "3.0"),
    "error type": ("RuntimeError: bad", "KeyError: bad"),
    "error text": ("RuntimeError: bad", "RuntimeError: bax"),
    "a cut word": ("RuntimeError: bad shape", "RuntimeError: ad shape"),
    "no message": ("AssertionError", "AssertionError: some message"),
    "after an umlaut": ("['ä', [1, 2]]", "['ä', [2, 1]]"),
    "a parameter": ("Parameter containing: tensor([1.])", "Parameter([2.])"),
    "fact": ("shape (2, 3), dtype float32", "shape (2, 4), dtype float32"),
    "fact's rank": ("shape (2, 3)", "shape (2, 1, 3)"),
    "fact's dtype": ("dtype float32", "dtype float64"),
    "size": ("torch.Size([2, 3])", "torch.Size([2, 3, 3])"),
    "torch.X": ("torch.float64", "torch.float32"),
    "string": ("'cpu'", "'cpx'"),
    "nothing": ("None", "0"),
    "a tuple's order of magnitude": ("(3, 1)", "(3, 3, 1)"),
    "complex": ("tensor([1.+2.j])", "tensor([1.-2.j])"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_mutant_is_made(kind):
    claim, mutant = KINDS[kind]
    assert mutant in mutate.claim_mutants(claim)


@pytest.mark.parametrize("claim", [claim for claim, _ in KINDS.values()])
def test_no_mutant_says_the_same(claim):
    assert claim not in mutate.claim_mutants(claim)


def test_minus_zero_is_no_mutant():
    assert not any("-0" in mutant for mutant in mutate.claim_mutants("tensor([0., 0])"))


CARD = """
import torch
x = torch.tensor([1.0, 2.0])
x.sum()  # tensor(3.)
x + x  # tensor([2., 4.])
torch.cat([x, x], dim=0).shape  # torch.Size([4])
"""


def mutated(card, path):
    """What becomes of the mutants of a card's claims."""
    found = mutate.Report()
    execute.run(card, path, observe=found.watch)
    return vars(found.finished())


def test_mutants_of_a_true_card_die_and_blunt_code_is_listed(tmp_path):
    card = cards.Card("Card", "", CARD.strip(), 1, "")
    found = mutated(card, tmp_path / "card.py")
    assert found["claims"] == found["killed"] > 15
    assert found["survivors"] == []
    report = mutate.report_code(card, tmp_path / "card.py", seed=0)
    assert 0 < report.noticed < report.code
    blunt = "torch.cat([x, x], dim=0) without dim"
    assert (5, blunt) in report.unnoticed
    about = cards.Card("Which way to join: ``dim``", "", CARD.strip(), 1, "")
    report = mutate.report_code(about, tmp_path / "card.py", seed=0)
    assert (5, f"{blunt}, which the title names") in report.unnoticed


SLACK = """
import torch
torch.full((2,), 123.4567)  # tensor([123.4567, 123.4567])
torch.tensor(1 / 3, dtype=torch.bfloat16)  # tensor(0.3340, dtype=torch.bfloat16)
1 / 3  # 0.33333333333333 since 2.0, 2 before
"""


def test_mutants_get_no_slack(tmp_path):
    """Of a claim with versions, the side that holds here is mutated."""
    found = mutated(cards.Card("Card", "", SLACK.strip(), 1, ""), tmp_path / "card.py")
    assert found["survivors"] == []
    assert found["claims"] == found["killed"] > 15


WORKER = """
import os

def work():
    os.getppid() > 1  # True

if (pid := os.fork()) == 0:
    work()
    os._exit(0)
done = os.waitpid(pid, 0)
"""


def test_mutants_die_in_forked_children_too(tmp_path):
    found = mutated(cards.Card("Card", "", WORKER.strip(), 1, ""), tmp_path / "card.py")
    assert found["claims"] == found["killed"] > 1


def test_a_mutant_survives_a_comparison_that_is_asleep(tmp_path, monkeypatch):
    monkeypatch.setattr(mutate, "check", lambda *_, **__: None)
    card = cards.Card("Card", "", CARD.strip(), 1, "")
    found = mutated(card, tmp_path / "card.py")
    assert found["killed"] == 0 and len(found["survivors"]) == found["claims"]


PAGE = '"""\nPage\n====\n\nText.\n"""\nimport torch\n\n# %%\n# Card\n# ----\n#\n# Text.\n'


@pytest.mark.parametrize(("claim", "passed"), [("tensor([1.])", 1), ("tensor([2.])", 0)])
def test_a_mutation_run_checks_what_it_mutates(claim, passed, tmp_path):
    """Under every seed, with the outcome that a plain check has: its record is as good."""
    path = tmp_path / "snippets" / "page.py"
    path.parent.mkdir()
    path.write_text(f"{PAGE}torch.ones(1)  # {claim}\n")
    module = cards.read(path)
    entries = []
    for task in (process.check, mutate.in_claims):
        job = process.Job(path, "cpu", process.plan(module), task)
        list(process.run([job]))
        assert not job.lost, job.lost
        job.results = {step: getattr(one, "outcome", one) for step, one in job.results.items()}
        entries.append(record.entry(module.cards[0], job))
    assert entries[0].get("failures") == entries[1].get("failures")
    assert ("failures" not in entries[0]) == bool(passed)


EXAMPLE = """
import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(0)
inputs = torch.randn(64, 1)
targets = 3 * inputs
model = nn.Linear(1, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for _ in range(50):
    optimizer.zero_grad()
    F.mse_loss(model(inputs), targets).backward()
    optimizer.step()
loss = (model(inputs) - targets).square().mean()
assert {bound}, loss
"""
KNOWN = {bound: list(mutate.MISTAKES) for bound in ("loss < 99999", "loss / 0 < 'a'")}
KNOWN["loss < 0.01"] = []


@pytest.mark.parametrize("bound", KNOWN)
def test_a_loose_bound_does_not_notice_broken_training(bound, tmp_path):
    """Neither does a crash: only a comparison counts."""
    card = cards.Card("Example", "", EXAMPLE.format(bound=bound).strip(), 1, "")
    found = mutate.report_training(card, tmp_path / "example.py", seed=0)
    assert found.code == len(mutate.MISTAKES)
    assert [text for _line, text in found.unnoticed] == KNOWN[bound]
    assert found.noticed == found.code - len(found.unnoticed)
    assert torch.optim.SGD.step.__module__.startswith("torch.")  # PyTorch is as it was
    assert F.mse_loss(torch.zeros(2), torch.tensor([0.0, 1.0])) == 0.5


def test_a_mistake_without_occasion_is_not_counted(tmp_path):
    card = cards.Card("Card", "", CARD.strip(), 1, "")
    assert mutate.report_training(card, tmp_path / "card.py", seed=0).code == 0
