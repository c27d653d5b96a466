"""The grammar of claims and the comparison: what must hold, and what must not."""

import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch

from torchproof import cards, grammar
from torchproof.compare import Mismatch, check
from torchproof.find import find, prose
from torchproof.grammar import ClaimError, Facts, Raises, Value, active, branches, parse

leaf = torch.tensor([1.0, 2.0], requires_grad=True)
coo = torch.tensor([[0.0, 1.0], [2.0, 0.0]]).to_sparse()
with warnings.catch_warnings(action="ignore"):
    csr = coo.to_sparse_csr()
softmax = torch.tensor([1.0, 2.0, 3.0]).softmax(dim=0)
COO = "indices=tensor([[0, 1], [1, 0]]), values=tensor([1., 2.])"

TRUE = [
    ("3", 3),
    ("-3", -3),
    ("True", True),
    ("None", None),
    ("'cpu'", "cpu"),
    ("0.1", 0.1),
    ("0.3000", 0.1 + 0.2),
    ("1e-05", 1e-5),
    ("nan", float("nan")),
    ("-inf", -float("inf")),
    ("(1+2j)", 1 + 2j),
    ("[1, 2.5]", [1, 2.5]),
    ("(3, 1)", (3, 1)),
    ("{1, 2}", {2, 1}),
    ("{'a': 1}", {"a": 1}),
    ("torch.float32", torch.float32),
    ("torch.strided", torch.strided),
    ("torch.channels_last", torch.channels_last),
    ("torch.Tensor", torch.Tensor),
    ("torch.Size([2, 3])", torch.zeros(2, 3).shape),
    ("np.float64(3.0)", np.float64(3)),
    ("tensor(0.1)", torch.tensor(0.1)),
    ("tensor([0.5], dtype=torch.bfloat16)", torch.tensor([0.5], dtype=torch.bfloat16)),
    ("tensor(0.1, dtype=torch.float64)", torch.tensor(0.1, dtype=torch.float64)),
    ("tensor([0.0900, 0.2447, 0.6652])", softmax),
    ("tensor([1.2346e-05])", torch.tensor([1.23456e-5])),
    ("tensor([1.2346e+08])", torch.tensor([123456789.0])),
    ("tensor([nan, inf, -inf])", torch.tensor([float("nan"), float("inf"), -float("inf")])),
    ("tensor([1.+2.j])", torch.tensor([1 + 2j])),
    ("tensor([0.5403-0.8415j])", torch.tensor([0.540302 - 0.841471j])),
    ("tensor([], size=(0, 3))", torch.zeros(0, 3)),
    ("tensor([1., 2.], requires_grad=True)", leaf),
    ("tensor([2., 4.], grad_fn=<MulBackward0>)", leaf * 2),
    (f"tensor({COO}, size=(2, 2), nnz=2, layout=torch.sparse_coo)", coo),
    ("(tensor([2.]), tensor([1]))", torch.tensor([[1.0, 2.0]]).max(dim=1)),
    ("array([1, 2])", np.array([1, 2])),
    ("array([1., 2.], dtype=float32)", np.array([1, 2], dtype=np.float32)),
    ("shape (2, 3), dtype float32", torch.zeros(2, 3)),
    ("shape (2,)", torch.zeros(2)),
    ("shape ()", torch.tensor(1)),
    ("stride (1, 2), is_contiguous False", torch.zeros(3, 2).t()),
    ("requires_grad True, grad_fn MulBackward0", leaf * 2),
    ("grad_fn None, is_leaf True", leaf),
    ("layout sparse_coo, numel 4, ndim 2", coo),
    ("type ndarray, dtype int64", np.array([1])),
    ("len 2", [1, 2]),
    ("RuntimeError: no good", RuntimeError("this is\n  no   good at all")),
    (
        "RuntimeError: this is good ... now and then",
        RuntimeError("this is good at all now and then"),
    ),
    ("UserWarning: old form", UserWarning("an old form")),
    ("torch.linalg.LinAlgError: singular", torch.linalg.LinAlgError("singular")),
]

FALSE = [
    ("4", 3),
    ("3", 3.0),
    ("3.0", 3),
    ("1", True),
    ("True", 1),
    ("True", torch.tensor(True)),
    ("3", torch.tensor(3)),
    ("tensor(3)", 3),
    ("'gpu'", "cpu"),
    ("0.30", 0.1 + 0.2),
    ("0.3001", 0.1 + 0.2),
    ("-0.3000", 0.1 + 0.2),
    ("nan", 0.0),
    ("0.0", float("nan")),
    ("inf", -float("inf")),
    ("[1, 2]", (1, 2)),
    ("(1, 2)", [1, 2]),
    ("(1, 2)", (1, 2, 3)),
    ("(2, 3)", torch.zeros(2, 3).shape),
    ("torch.Size([2, 3])", (2, 3)),
    ("torch.Size([2, 3])", torch.zeros(2, 4).shape),
    ("{'a': 1}", {"a": 2}),
    ("torch.float32", torch.float64),
    ("torch.strided", torch.sparse_coo),
    ("np.float64(3.0)", np.float32(3)),
    ("np.float64(3.0)", 3.0),
    ("tensor([2049.], dtype=torch.float16)", torch.tensor([2048.0], dtype=torch.float16)),
    ("tensor([0.1], dtype=torch.bfloat16)", torch.tensor([0.1], dtype=torch.bfloat16)),
    ("tensor([16777217.])", torch.tensor([16777216.0])),
    ("tensor(0.1)", torch.tensor(0.1, dtype=torch.float64)),
    ("tensor([1, 2])", torch.tensor([1.0, 2.0])),
    ("tensor([1., 2.])", torch.tensor([1, 2])),
    ("tensor([1, 2])", torch.tensor([1, 2], dtype=torch.int32)),
    ("tensor([[1, 2]])", torch.tensor([1, 2])),
    ("tensor([1, 2])", torch.tensor([[1, 2]])),
    ("tensor([1])", torch.tensor(1)),
    ("tensor([1, 2])", torch.tensor([1, 2, 3])),
    ("tensor([2, 1])", torch.tensor([1, 2])),
    ("tensor([0.0900, 0.2447, 0.6653])", softmax),
    ("tensor([0.0900, 0.2446, 0.6652])", softmax),
    ("tensor([0.09, 0.24, 0.67])", softmax),
    ("tensor([True])", torch.tensor([1])),
    ("tensor([1., 2.])", leaf),
    ("tensor([1., 2.], requires_grad=True)", leaf.detach()),
    ("tensor([2., 4.], grad_fn=<AddBackward0>)", leaf * 2),
    ("tensor([[0., 1.], [2., 0.]])", coo),
    (f"tensor({COO}, size=(2, 2), nnz=2, layout=torch.sparse_coo)", coo.to_dense()),
    (f"tensor({COO}, size=(2, 3), nnz=2, layout=torch.sparse_coo)", coo),
    (f"tensor({COO}, size=(2, 2), nnz=2, layout=torch.sparse_csr)", csr),
    ("array([1, 2])", torch.tensor([1, 2])),
    ("tensor([1, 2])", np.array([1, 2])),
    ("array([1., 2.])", np.array([1, 2], dtype=np.float32)),
    ("shape (2, 3)", torch.zeros(3, 2)),
    ("shape (2, 3), dtype float64", torch.zeros(2, 3)),
    ("requires_grad True", torch.zeros(2)),
    ("shape (2,)", [1, 2]),
    ("grad_fn MulBackward0", leaf + 2),
    ("len 3", [1, 2]),
    ("ValueError: no good", RuntimeError("no good")),
    ("RuntimeError: good no", RuntimeError("no good")),
    ("RuntimeError: good ... no", RuntimeError("no good")),
    ("RuntimeError: singular", torch.linalg.LinAlgError("singular")),
    ("DeprecationWarning: old", UserWarning("old form")),
]

NO_CLAIM = [
    ("the result", "not a claim"),
    ("x", "no variable"),
    ("x.shape", "no variable"),
    ("1 + 1", "not a computation"),
    ("len([1])", "not a computation"),
    ("[x for x in y]", "not a computation"),
    ("...", "not a computation"),
    ("f'{x}'", "not a computation"),
    ("tensor([x])", "no variable"),
    ("tensor([1, 2] * 3)", "not a computation"),
    ("tensor()", "says no values"),
    ("tensor([1], device='cuda:0')", "names no device"),
    ("tensor([1], color=1)", "has no color"),
    ("tensor([[1, 2], [3]])", "of one length"),
    ("tensor([True, 2])", "of one kind"),
    ("shape (2, 3) as expected", "facts are written"),
    ("shap (2, 3)", "not a"),
    ("shape (2, n)", "facts are written"),
    ("RuntimeError: ...", "no text"),
]


def _ids(cases):
    return [claim for claim, _ in cases]


@pytest.mark.parametrize(("claim", "actual"), TRUE, ids=_ids(TRUE))
def test_true(claim, actual):
    check(parse(claim), actual)


@pytest.mark.parametrize(("claim", "actual"), FALSE, ids=_ids(FALSE))
def test_false(claim, actual):
    with pytest.raises(Mismatch):
        check(parse(claim), actual)


@pytest.mark.parametrize(("text", "why"), NO_CLAIM, ids=_ids(NO_CLAIM))
def test_no_claim(text, why):
    with pytest.raises(ClaimError, match=why):
        parse(text)


def test_kinds():
    assert isinstance(parse("ValueError: x"), Raises)
    assert isinstance(parse("shape (2,)"), Facts)
    assert isinstance(parse("'shape (2,)'"), Value)


@pytest.mark.parametrize("digits", range(4, 9))
def test_half_a_unit_of_the_last_digit(digits):
    unit = 10.0**-digits
    claim = parse(f"{1.0:.{digits}f}")
    check(claim, 1.0 + 0.49 * unit)
    with pytest.raises(Mismatch):
        check(claim, 1.0 + 0.51 * unit)


def test_fewer_than_four_decimals_are_exact():
    with pytest.raises(Mismatch):
        check(parse("tensor(0.125)"), torch.nextafter(torch.tensor(0.125), torch.tensor(1.0)))
    check(parse("tensor(0.125)"), torch.tensor(0.125))


class OffTheCpu(torch.Tensor):
    """A tensor of another class, which prints otherwise."""


# --- versions -----------------------------------------------------------------

CHAIN = "tensor([0.]) since 2.14, RuntimeError: no good at all since 2.12, shape (1,) before"


@pytest.mark.parametrize(
    ("release", "text"),
    [
        ("2.15.0a0+git1", "tensor([0.])"),
        ("2.14", "tensor([0.])"),
        ("2.14.1+cu130", "tensor([0.])"),
        ("2.13.0", "RuntimeError: no good at all"),
        ("2.12", "RuntimeError: no good at all"),
        ("2.9", "shape (1,)"),
        (None, "tensor([0.])"),
    ],
)
def test_the_side_that_holds(release, text):
    sides = branches(CHAIN)
    assert [side.since for side in sides] == ["2.14", "2.12", None]
    assert active(sides, release).text == text
    _, (claim,), failures = find(f"\nf()  # {CHAIN}", 11, release=release or "2.99")
    assert not failures
    assert (claim.line, claim.text, claim.source, claim.tells) == (12, CHAIN, "f()", True)
    assert claim.error == text.startswith("RuntimeError")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("1 since 2.14", "what held before 2.14"),
        ("1 since 2.14, 2", "what held before 2.14"),
        ("UserWarning: deprecated since 2.0, call it before use", "what held before 2.0"),
        ("1 before", "before. what"),
        ("1 since 2.12, 2 since 2.14, 3 before", "newest release comes first"),
        ("1 since 2.14, 2 since 2.14, 3 before", "newest release comes first"),
        ("1 since 2.14, the old value before", "not a claim"),
        ("the new value since 2.14, 1 before", "not a claim"),
    ],
)
def test_half_a_version_claim_says_what_is_missing(text, why):
    with pytest.raises(ClaimError, match=why):
        branches(text)


def test_a_string_may_speak_of_releases():
    (side,) = branches("'deprecated since 0.13, and gone'")
    assert side.body.node.value == "deprecated since 0.13, and gone"


@pytest.mark.parametrize(
    ("claim", "dtype", "units"),
    [
        ("tensor(1234.5677)", torch.float32, 16),
        ("tensor(1234.567890123457, dtype=torch.float64)", torch.float64, 16),
        ("tensor(0.3340, dtype=torch.bfloat16)", torch.bfloat16, 2),
    ],
)
def test_rounded_numbers_have_slack_but_mutants_have_none(claim, dtype, units):
    body = parse(claim)
    number = grammar.literal(body.node.args[0])
    check(body, torch.tensor(number, dtype=dtype), strict=True)
    near = torch.tensor(number * (1 + 0.8 * units * torch.finfo(dtype).eps), dtype=dtype)
    check(body, near)
    with pytest.raises(Mismatch):
        check(body, near, strict=True)
    far = torch.tensor(number * (1 + 2 * units * torch.finfo(dtype).eps), dtype=dtype)
    with pytest.raises(Mismatch):
        check(body, far)


@pytest.mark.parametrize("folder", ["snippets", "gallery"])
def test_no_line_of_text_is_a_claim_that_nobody_checks(folder):
    modules, _ = cards.read_all([Path(__file__).parent.parent / folder])
    found = [lie for module in modules for card in module.cards for lie in prose(card.prose, 1)]
    assert modules and not found


def test_claims_are_found_and_read_without_torch():
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "from torchproof import find, grammar\n"
        "_, (claim,), _ = find.find('x = 1  # tensor(1.) since 2.14, torch.uint8 before', 1)\n"
        "assert claim.source == 'x = 1'\n"
        "assert grammar.is_error('ValueError: old form')\n"
        "assert grammar.fits('an old form', 'old form')"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
