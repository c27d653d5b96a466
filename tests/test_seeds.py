"""Other seeds for examples: every way to seed is shifted, once, and nothing else is."""

import ast

import pytest

from torchproof import cards, seeds

# What an example may write, and what it becomes when its seeds are shifted by 3.
SHIFTED = {
    "torch.manual_seed(0)": "torch.manual_seed(3)",
    "torch.cuda.manual_seed_all(1)": "torch.cuda.manual_seed_all(4)",
    "generator = torch.Generator().manual_seed(7)": "generator = torch.Generator().manual_seed(10)",
    "random.seed(2)": "random.seed(5)",
    "rng = np.random.default_rng(0)": "rng = np.random.default_rng(3)",
    "split(X, random_state=0)": "split(X, random_state=3)",
    "start = partial(torch.manual_seed, 0)": "start = partial(torch.manual_seed, 3)",
    "for seed in range(3):\n    torch.manual_seed(seed)": (
        "for seed in range(3):\n    torch.manual_seed(seed + 3)"
    ),
    "SEED = 0\ntorch.manual_seed(SEED)\nrandom.seed(SEED)": (
        "SEED = 3\ntorch.manual_seed(SEED)\nrandom.seed(SEED)"
    ),
    "def train(seed):\n    torch.manual_seed(seed)\ntrain(seed=0)": (
        "def train(seed):\n    torch.manual_seed(seed + 3)\ntrain(seed=0)"
    ),
    "split(X, random_state=None)": "split(X, random_state=None)",
    "size = 0\nprint(size)": "size = 0\nprint(size)",
}


@pytest.mark.parametrize("source", SHIFTED)
def test_every_seed_is_shifted_once(source):
    tree = ast.parse(source)
    seeds.shift(tree, 3)
    assert ast.unparse(tree) == ast.unparse(ast.parse(SHIFTED[source]))


def test_a_shift_of_0_changes_nothing():
    tree = ast.parse("torch.manual_seed(1)")
    seeds.shift(tree, 0)
    assert ast.unparse(tree) == "torch.manual_seed(1)"


EXAMPLES = cards.read_all(["gallery"])[0]
# One that seeds nothing runs under both seeds of a verification, as a card does.
SEEDED = [one for one in EXAMPLES if "seed" in one.units()[0].code]


@pytest.mark.parametrize("module", SEEDED, ids=lambda module: module.name)
def test_a_shift_reaches_each_example_that_seeds(module):
    (unit,) = module.units()
    tree = ast.parse(unit.code)
    before = ast.unparse(tree)
    seeds.shift(tree, 3)
    assert ast.unparse(tree) != before


def test_nearly_all_examples_seed():
    assert len(SEEDED) > 0.9 * len(EXAMPLES) > 70
