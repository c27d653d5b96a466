"""One API at a time gives something else, and a claim that depends on it notices."""

import collections

import pytest
import torch
from torch import nn
from torch.utils.data import TensorDataset

from torchproof import cards, falsify

IMPORTS = "import torch\nfrom torch import nn\nfrom torch.nn import functional as F\n"
FATES = {  # a card, a name in it, and what becomes of the lie
    "x = torch.arange(3)\nx.sum()  # tensor(3)": {"torch.Tensor.sum": "noticed"},
    "torch.rand(2).shape  # torch.Size([2])": {"torch.rand": "unnoticed"},
    "x = torch.ones(2)\nx.shape  # torch.Size([2])": {"torch.Tensor.shape": "noticed"},
    "x = torch.ones(2)\nx.mul_(2)\nx  # tensor([2., 2.])": {"torch.Tensor.mul_": "noticed"},
    "w = torch.ones(1, requires_grad=True)\nw.sum().backward()\nw.grad  # tensor([1.])": {
        "torch.Tensor.backward": "noticed",
        "torch.Tensor.grad": "noticed",
    },
    "model = nn.Identity()\nmodel(torch.ones(1))  # tensor([1.])": {"torch.nn.Identity": "noticed"},
    "model = nn.Linear(2, 1)\nmodel(torch.ones(2)).shape  # torch.Size([1])": {
        "torch.nn.Linear": "unnoticed"
    },
    "w = torch.ones(1, requires_grad=True)\nw.grad = torch.ones(1)\n"
    "torch.optim.SGD([w], lr=1.0).step()\nw.detach()  # tensor([0.])": {
        "torch.optim.SGD": "noticed",
        "torch.optim.SGD.step": "noticed",
    },
    "w = torch.ones(1, requires_grad=True)\nwith torch.no_grad():\n    y = w * 2\n"
    "y.requires_grad  # False": {"torch.no_grad": "noticed"},
    "F.relu(torch.ones(1)).dtype is torch.float32  # True": {
        "torch.nn.functional.relu": "unnoticed",
        "torch.float32": "noticed",
    },
    "torch.manual_seed(0)\na = torch.rand(1)\ntorch.manual_seed(0)\n"
    "torch.equal(a, torch.rand(1))  # True": {"torch.manual_seed": "noticed"},
    "2 + 2  # 4": {"torch.cat": "unused"},
}


@pytest.mark.parametrize("code", FATES)
def test_a_lie_about_an_api_is_noticed_where_a_claim_depends_on_it(code, tmp_path):
    card = cards.Card("Card", "", code, 1, IMPORTS)
    names = {"Card": list(FATES[code])}
    assert falsify.in_card(card, tmp_path / "card.py", 0, "cpu", names) == FATES[code]


Pair = collections.namedtuple("Pair", "low high")


@pytest.mark.parametrize(
    "value",
    [
        *(torch.ones(2), torch.arange(2), torch.tensor([True]), torch.zeros(0), torch.ones(())),
        *(torch.eye(2).to_sparse(), torch.empty(2, device="meta"), torch.tensor([1j])),
        *(True, 3, 0.5, 1j, "text", torch.Size([2]), torch.float32, torch.device("cpu")),
        *([1, 2], (torch.ones(1), None), {"a": 1}, Pair(1, 2), torch.ones(2, 2).max(0)),
        *(torch.ones(2).numpy(), [object()]),
    ],
    ids=lambda value: str(value)[:20],
)
def test_what_is_falsified_is_of_its_kind_and_says_something_else(value):
    assert type(falsify.wrong(value)) is type(value)
    assert str(falsify.wrong(value)) != str(value)


def test_what_is_called_later_is_falsified_then():
    assert falsify.wrong(lambda: 3)() == 4
    assert list(falsify.wrong(iter([1, 2]))) == [2, 3]
    model = falsify.wrong(nn.Identity())
    assert model(torch.ones(1)) == 1.87
    assert falsify.wrong(TensorDataset()) is falsify.NOTHING
