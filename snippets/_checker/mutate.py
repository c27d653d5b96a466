"""Lie on purpose, and see whether the checker notices.

Claim mutants change one thing in a claim: a digit, a sign, the shape, the rank, the
dtype, a truth value, an error's type or its text. All of them must die, each on its
own line and by comparison. They cost no further run: a claim's value is held against
all its mutants when it comes up.

Code mutants change one thing in a card's code and run it again: a constant, an
operator, a keyword left out. One that no claim notices points at a card that could
say more, or at a change that makes no difference.

Training mutants make a mistake that raises no error, inside of PyTorch itself, and train
an example with it. All of them must be noticed: an example states what it reached in a
range that broken training misses.
"""

import ast
import functools
import inspect
import io
import re
import tokenize
from contextlib import ExitStack
from dataclasses import dataclass, field
from unittest.mock import patch

import torch
from torch import nn
from torch.nn import functional as F

from . import execute, find, grammar, process, state
from .compare import Mismatch, check
from .grammar import ClaimError, Facts, Raises

NOTICED = ("claimed ", "AssertionError")  # how a failure begins that is no mere crash


@dataclass
class Report:
    """How many mutants a card had, how many died, and ``(line, mutant)`` of the others."""

    claims: int = 0
    killed: int = 0
    survivors: list = field(default_factory=list)
    code: int = 0
    noticed: int = 0
    unnoticed: list = field(default_factory=list)
    outcome: object = None  # record.Outcome of the very run in which claims were mutated
    watched: list = field(default_factory=list)

    def watch(self, claims):
        """Hold every mutant of ``claims`` against the values that will come up."""
        for claim in claims:  # of a claim with versions, the side that holds here
            mutants = {text: grammar.parse(text) for text in claim_mutants(claim.active.text)}
            self.watched.append((claim, mutants))
            claim.observers.append(functools.partial(_killed, claim.seen, mutants))

    def finished(self):
        """Count what died, once the card has run; the values themselves stay behind."""
        for claim, mutants in self.watched:
            self.claims += len(mutants)
            self.killed += len(claim.seen)
            self.survivors += [(claim.line, text) for text in mutants if text not in claim.seen]
        self.watched = []
        return self


def report_code(unit, path, seed):
    """Mutate the code of a card, one run for each mutant.

    Args:
        unit: cards.Card that passes.
        path: its file.
        seed: to run it under.
    Returns:
        Report.
    """
    found = Report()
    tree, _, _ = find.find(unit.code, unit.line)
    for mutant in code_mutants(tree):
        with state.guarded(seed):
            outcome = execute.run(unit, path, alter=mutant.apply)
        found.code += 1
        if any(message.startswith(NOTICED) for _, message in outcome.failures):
            found.noticed += 1
        elif not outcome.failures:
            # Worst where the card is about the very argument that it could do without.
            named = mutant.dropped and re.search(rf"\b{mutant.dropped}\b", unit.title)
            text = mutant.text + ", which the title names" * bool(named)
            found.unnoticed.append((mutant.line, text))
    return found


def report_training(unit, path, seed):
    """Run an example once with each of MISTAKES.

    Args:
        unit: cards.Card of the whole example, which passes.
        path: its file.
        seed: to run it under.
    Returns:
        Report. A mistake that the example gives no occasion for is not counted.
    """
    found = Report()
    for text, (places, wrong) in MISTAKES.items():
        made = []
        with state.guarded(seed), ExitStack() as stack:
            for owner, name in places():
                instead = _instead(getattr(owner, name), wrong, made)
                stack.enter_context(patch.object(owner, name, instead))
            outcome = execute.run(unit, path)
        if made:
            found.code += 1
            if any(message.startswith(NOTICED) for _, message in outcome.failures):
                found.noticed += 1
            else:
                found.unnoticed.append((unit.line, text))
    return found


def _killed(dead, mutants, actual, names):
    """Yield each of ``mutants`` that is not dead yet and that ``actual`` proves wrong."""
    for text, body in mutants.items():
        if text not in dead:
            try:
                check(body, actual, names, strict=True)
            except Mismatch:
                yield text


# --- claims -------------------------------------------------------------------

OTHER = {
    "True": "False", "False": "True", "nan": "0.5", "inf": "-inf", "None": "0",
    "float32": "float64", "float64": "float32", "int64": "int32", "int32": "int64",
    "bool": "uint8", "strided": "sparse_coo", "sparse_coo": "strided",
}  # fmt: skip


def claim_mutants(text):
    """Every mutant of a claim that is a claim itself and says something else."""
    body = grammar.parse(text)
    if isinstance(body, Raises):
        candidates = _error_mutants(body)
    else:
        candidates = list(_token_mutants(text))
        if not isinstance(body, Facts):
            candidates += _value_mutants(body)
    kept = {}
    for mutant in candidates:
        try:
            other = grammar.parse(mutant)
        except ClaimError:
            continue
        if type(other) is type(body) and not _same(body, other):
            kept[mutant] = None
    return list(kept)


def _same(body, other):
    if isinstance(body, (Raises, Facts)):
        return body == other
    if ast.dump(body.node) == ast.dump(other.node):
        return True
    try:
        one, two = ast.literal_eval(body.node), ast.literal_eval(other.node)
    except ValueError:
        return False
    return type(one) is type(two) and one == two


def _error_mutants(body):
    other = "KeyError" if body.name != "KeyError" else "ValueError"
    if body.warning:
        other = "ResourceWarning"
    if not body.text:
        yield other
        yield f"{body.name}: some message"
        return
    yield f"{other}: {body.text}"
    word = max(re.findall(r"\w+", body.text), key=len)
    yield f"{body.name}: {body.text.replace(word, word[:-1] + ('x' if word[-1] != 'x' else 'y'))}"
    if re.match(r"\w\w", body.text):
        yield f"{body.name}: {body.text[1:]}"  # a cut word


def _token_mutants(text):
    """Change one token: a number's last digit or sign, a truth value, a word, a string."""
    source = grammar.read(text)
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(source).readline))
    except tokenize.TokenError:
        return
    for at, token in enumerate(tokens):
        start, end = token.start[1], token.end[1]

        def put(new, start=start, end=end):
            return source[:start] + new + source[end:]

        if token.type == tokenize.NUMBER:
            digits = re.match(r"(.*)(\d)(\D*)$", re.split("[ej]", token.string)[0])
            rest = token.string[len(digits[0]) :]
            last = str((int(digits[2]) + 1) % 10)
            yield put(f"{digits[1]}{last}{digits[3]}{rest}")
            if not re.search("[1-9]", token.string.partition("e")[0]):
                continue  # minus zero is zero
            before = tokens[at - 1] if at else None
            if before is None or before.string not in "+-":
                yield put(f"-{token.string}")
            else:
                flipped = {"-": "+", "+": "-"}[before.string]
                yield source[: before.start[1]] + flipped + source[before.end[1] :]
        elif token.type == tokenize.NAME and token.string in OTHER:
            yield put(OTHER[token.string])
        elif token.type == tokenize.NAME and re.match(r"[a-z]+\d*$", token.string):
            if at and tokens[at - 1].string == "." and hasattr(torch, token.string):
                yield put("float16" if token.string != "float16" else "float32")
        elif token.type == tokenize.NAME and at and tokens[at - 1].string in ("type", "grad_fn"):
            yield put(token.string + "x")
        elif token.type == tokenize.STRING and len(token.string) > 2:
            letter = "x" if token.string[-2] != "x" else "y"
            yield put(token.string[:-2] + letter + token.string[-1])
    for shape in re.finditer(r"shape \((\d*)", text):
        yield text[: shape.end()] + ", 1" * bool(shape[1]) + text[shape.end() :]


def _value_mutants(body):
    """Change the whole: rank, length, dtype, type, requires_grad."""
    source, raw = body.text, body.text.encode()  # the offsets of nodes are bytes

    def put(node, new):
        return (raw[: node.col_offset] + new.encode() + raw[node.end_col_offset :]).decode()

    def written(node):
        return raw[node.col_offset : node.end_col_offset].decode()

    for node in ast.walk(body.node):
        match node:
            case ast.Call(func=ast.Name(id="tensor"), args=[inner], keywords=keywords):
                said = {keyword.arg for keyword in keywords}
                yield put(inner, f"[{written(inner)}]")
                if "dtype" not in said:
                    yield put(inner, f"{written(inner)}, dtype=torch.float64")
                    yield put(inner, f"{written(inner)}, dtype=torch.int32")
                if not said & {"requires_grad", "grad_fn"}:
                    yield put(inner, f"{written(inner)}, requires_grad=True")
                elif len(said) == 1:
                    yield put(node, f"tensor({written(inner)})")
            case ast.List(elts=[*_, last]):
                yield put(node, f"{written(node)[:-1]}, {written(last)}]")
                if len(node.elts) > 1:
                    first = node.elts[0]
                    yield put(node, f"[{written(first)}]")
                    if written(first) != written(last):
                        middle = raw[first.end_col_offset : last.col_offset].decode()
                        yield put(node, f"[{written(last)}{middle}{written(first)}]")
            case ast.Tuple(elts=[first, *_]):
                yield put(node, f"({written(first)}, {written(node)[1:]}")
    match body.node:
        case ast.Constant(value=bool() as value):
            yield str(int(value))
        case ast.Constant(value=int()):
            yield f"{source}.0"
        case ast.Constant(value=float()) | ast.UnaryOp():
            yield f"tensor({source})"


# --- code ---------------------------------------------------------------------


@dataclass
class CodeMutant:
    """One change to a parsed card, told by the place of its node in ``ast.walk``."""

    place: int
    change: object
    line: int
    text: str
    dropped: str | None = None  # the keyword that is left out

    def apply(self, tree):
        """Change ``tree`` in place."""
        self.change(list(ast.walk(tree))[self.place])


SWAP = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.Div: ast.Mult,
    ast.FloorDiv: ast.Div, ast.Lt: ast.GtE, ast.LtE: ast.Gt, ast.Gt: ast.LtE,
    ast.GtE: ast.Lt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
}  # fmt: skip


def code_mutants(tree):
    """Yield a CodeMutant for each constant, operator and keyword of a parsed card."""
    for place, node in enumerate(ast.walk(tree)):
        was = ast.unparse(node) if isinstance(node, ast.expr) else ""
        match node:
            case ast.Constant(value=bool() as value):
                yield _set(place, node, "value", not value, was)
            case ast.Constant(value=int() | float() as value):
                yield _set(place, node, "value", value + 1, was)
            case ast.BinOp(op=op) if type(op) in SWAP:
                yield _set(place, node, "op", SWAP[type(op)](), was)
            case ast.Compare(ops=[op]) if type(op) in SWAP:
                yield _set(place, node, "ops", [SWAP[type(op)]()], was)
            case ast.Call(keywords=[_, *_] as keywords):
                for keyword in keywords:
                    rest = [other for other in keywords if other is not keyword]
                    said = f"{was} without {keyword.arg}"
                    names = [other.arg for other in rest]
                    yield CodeMutant(place, _keep(names), node.lineno, said, keyword.arg)


def _set(place, node, attribute, value, was):
    shown = type(value).__name__ if isinstance(value, ast.AST) else value
    shown = type(value[0]).__name__ if isinstance(value, list) else shown
    text = f"{was}: {attribute} {shown}"
    return CodeMutant(place, lambda target: setattr(target, attribute, value), node.lineno, text)


def _keep(names):
    def change(call):
        call.keywords = [keyword for keyword in call.keywords if keyword.arg in names]

    return change


# --- training -----------------------------------------------------------------


def _instead(real, wrong, made):
    @functools.wraps(real)
    def call(*args, **kwargs):
        made.append(real)
        return wrong(real, *args, **kwargs)

    return call


def _optimizers():
    for value in vars(torch.optim).values():
        if isinstance(value, type) and issubclass(value, torch.optim.Optimizer):
            yield value, "step"


def _losses():
    for name, value in vars(F).items():
        if inspect.isfunction(value) and "target" in inspect.signature(value).parameters:
            yield F, name


def _clearing():
    return [(torch.optim.Optimizer, "zero_grad"), (nn.Module, "zero_grad")]


def _stand_still(step, optimizer, *args, **kwargs):
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    values = [parameter.detach().clone() for parameter in parameters]
    loss = step(optimizer, *args, **kwargs)
    with torch.no_grad():
        for parameter, value in zip(parameters, values, strict=True):
            parameter.copy_(value)
    return loss


def _shift(loss, *args, **kwargs):
    bound = inspect.signature(loss).bind(*args, **kwargs)
    target = bound.arguments["target"]
    bound.arguments["target"] = target.roll(1, 0) if target.ndim else target
    return loss(*bound.args, **bound.kwargs)


# What is done wrong: where in PyTorch, and how a call there goes instead.
MISTAKES = {
    "steps that change nothing": (_optimizers, _stand_still),
    "targets of the sample before": (_losses, _shift),
    "gradients that are never cleared": (_clearing, lambda *_, **__: None),
}


# --- the run ------------------------------------------------------------------


def in_claims(unit, path, seed, device):
    """Task: check a card and, under the first seed, hold its claims' mutants, too."""
    found = Report()
    with state.guarded(seed, device) as leaks:
        found.outcome = execute.run(unit, path, observe=found.watch if seed == 0 else None)
    found.outcome.failures += [(unit.line, f"leaves the {leak} changed") for leak in leaks]
    return found.finished()


def in_code(unit, path, seed, device):
    """Task: run a card once for each mutant of its code."""
    return report_code(unit, path, seed)


def in_training(unit, path, seed, device):
    """Task: run an example once for each mistake."""
    return report_training(unit, path, seed)


def main(modules, options):
    """Print which mutants survive; return 1 if one does that must die.

    Claims and training must notice all; code may change without a claim that could tell.
    """
    what = options.mutate
    task = {"claims": in_claims, "code": in_code, "training": in_training}[what]
    if what == "training":
        modules = [module for module in modules if module.example]
    seeds = options.seeds[:1]
    jobs = [process.Job(one.path, "cpu", process.plan(one, seeds), task) for one in modules]
    jobs.sort(key=lambda job: -len(job.steps[0][0].code))  # examples first: they take longest
    imports = [module.imports for module in modules if not module.example]
    total, noticed, failed = 0, 0, False
    for job, unit, seed in process.run(
        jobs, options.workers, limit=10 * options.limit, imports=imports
    ):
        if why := job.lost.get((unit.name, seed)):
            print(f"✗ {job.path}:{unit.line}: {unit.name}: {why}", flush=True)
            failed = True
            continue
        found = job.results[unit.name, seed]
        total += found.claims + found.code
        noticed += found.killed + found.noticed
        for line, text in found.survivors + found.unnoticed:
            print(f"{job.path}:{line}: unnoticed: {text}", flush=True)
        for line, message in found.outcome.failures if found.outcome else ():
            print(f"✗ {job.path}:{line}: {message}", flush=True)
            failed = True
    print(f"{what} mutants: {noticed} of {total} noticed")
    return int(failed or not total or (what != "code" and noticed < total))
