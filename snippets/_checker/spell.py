"""Say what came out as a claim: as PyTorch prints it, with digits that other machines find, too.

Runs where the code runs, in a fork; what it finds goes back as text.
"""

import collections
import functools
import json
import math
import re

import torch

from . import compare, grammar, process
from .grammar import ClaimError, Facts, Raises, flat

DIGITS = (4, 5, 6, 7, 8)  # behind the point, as many as keep clear of a rounding boundary
LARGEST = 200  # numbers of a tensor, or parts of a list, that are written out
CONTAINERS = {list: "[{}]", tuple: "({})", set: "{{{}}}"}


def suggest(unit, path, seed, device):
    """The task of a fill: run a unit, hold its claims, and note what each could say.

    Returns:
        Outcome; ``seen`` has, for each claim and each time that it was reached, a JSON list
        of the texts that hold, the best one first.
    """

    def observe(claims):
        for claim in claims:
            claim.observers.append(functools.partial(_noted, claim, []))

    return process.check(unit, path, seed, device, observe=observe)


def _noted(claim, known, actual, names):
    """What holds this time, and did each time before: ``known`` keeps that between passes."""
    if known:
        known[0] = [text for text in known[0] if _holds(text, actual, names)]
    else:
        known.append(candidates(actual, names, claim))
    return [json.dumps(known[0])]


def candidates(actual, names=None, claim=None):
    """Texts of claims that hold of ``actual``, the best one first.

    Args:
        actual: a value, or the error or warning that came.
        names: see compare.check.
        claim: what stands there now, if anything: its form comes first.
    """
    body = claim and claim.body
    if isinstance(actual, BaseException):
        spelled = errors(actual)
    elif isinstance(body, Facts):
        spelled = [same_facts(body, actual), *facts(actual)]
    else:
        found = re.findall(r"\.(\d{5,8})(?!\d)", claim.text if claim else "")
        first = max(map(len, found), default=DIGITS[0])
        digits = (None, *range(first, DIGITS[-1] + 1))
        spelled = [value(actual, n) for n in digits]
        if not isinstance(actual, (str, dict, *CONTAINERS)) or len(actual) <= LARGEST:
            spelled.append(compare.describe(actual))
        spelled += facts(actual)
    return [text for text in dict.fromkeys(spelled) if text and _holds(text, actual, names)]


_branches = functools.lru_cache(grammar.branches)


def _holds(text, actual, names):
    """Whether a text is a claim, and one that is true without any slack."""
    try:
        (branch,) = _branches(text)
        compare.check(branch.body, actual, names, strict=True)
    except (ClaimError, compare.Mismatch, ValueError):
        return False
    alike = isinstance(branch.body, Raises) == isinstance(actual, BaseException)
    return alike and text.isprintable()


# --- values -----------------------------------------------------------------------


def value(actual, digits):
    """A value written out, rounded to ``digits``, or exactly if that is None; None: not so."""
    try:
        return _value(actual, digits)
    except Exception:  # whatever an object of somebody's does when it is looked at
        return None


def _value(actual, digits):
    kind = type(actual)
    if actual is None or kind in (bool, int):
        return repr(actual)
    if kind is str:
        return repr(actual) if len(actual) <= 80 else None
    if kind is float:
        return _stable([actual], digits, _eps(actual), python=True)
    if kind is complex:
        eps = max(_eps(actual.real), _eps(actual.imag))
        real, imag = (_stable([x], digits, eps, python=True) for x in (actual.real, actual.imag))
        return f"({real}{'' if imag.startswith('-') else '+'}{imag}j)"
    if kind is torch.Size:
        return f"torch.Size({list(actual)})"
    if isinstance(actual, torch.Tensor):
        return _tensor(actual, digits)
    if kind.__module__ == "numpy":
        return _numpy(actual, digits)
    if isinstance(actual, (dict, tuple, *CONTAINERS)) and len(actual) > LARGEST:
        return None
    if isinstance(actual, tuple) or kind in CONTAINERS:
        if not actual and kind is set:
            return None
        parts = [_value(part, digits) for part in actual]
        if None in parts:
            return None
        comma = "," if isinstance(actual, tuple) and len(parts) == 1 else ""
        form = CONTAINERS[tuple if isinstance(actual, tuple) else kind]
        return form.format(", ".join(parts) + comma)
    if kind in (dict, collections.OrderedDict, collections.Counter):
        pairs = actual.most_common() if kind is collections.Counter else actual.items()
        parts = [(_value(key, None), _value(one, digits)) for key, one in pairs]
        if any(None in pair for pair in parts):
            return None
        if kind is collections.OrderedDict:
            inside = ", ".join(f"({key}, {one})" for key, one in parts)
            return f"OrderedDict([{inside}])" if parts else "OrderedDict()"
        inside = "{" + ", ".join(f"{key}: {one}" for key, one in parts) + "}"
        return inside if kind is dict else f"Counter({inside if parts else ''})"
    return None


def _eps(number):
    return torch.finfo(torch.float32 if compare._float32(number) == number else torch.float64).eps


def _stable(numbers, digits, eps, python=False):
    """Numbers written so that a slightly different result is written alike; None if it is not."""
    text = _numbers(numbers, digits, python)
    if text is None or digits is None:
        return text and ", ".join(text)
    for nudge in (1 - grammar.SLACK * eps, 1 + grammar.SLACK * eps):
        if _numbers([x * nudge for x in numbers], digits, python) != text:
            return None
    return ", ".join(text)


def _numbers(numbers, digits, python):
    """Each number as text: ``1.`` exactly, ``1.0000`` rounded, ``1.0000e-05`` if they are wide."""
    finite = [abs(x) for x in numbers if math.isfinite(x) and x]
    if digits is None:
        if python:
            text = repr(numbers[0])
            return [text] if re.fullmatch(r"-?(\d+\.\d{1,3}|nan|inf)", text) else None
        if all(x == int(x) and x < 1e8 for x in finite):
            return [f"{x:.0f}." if math.isfinite(x) else repr(x) for x in numbers]
        return None
    low, high = min(finite, default=1.0), max(finite, default=1.0)
    wide = high / low > 1000 or high >= 1e8 or low < 1e-4
    form = f".{digits}{'e' if wide else 'f'}"
    return [format(x, form) for x in numbers]


def _nested(shape, leaves):
    """Leaves as a nested list of this shape."""
    if not shape:
        return leaves[0]
    step = len(leaves) // shape[0]
    parts = [leaves[n : n + step] for n in range(0, len(leaves), step)]
    return f"[{', '.join(_nested(shape[1:], part) for part in parts)}]"


def _leaves(numbers, digits, eps):
    """The texts of the numbers of a tensor, or None."""
    if not isinstance(numbers[0], (float, complex)):
        return list(map(repr, numbers))
    if isinstance(numbers[0], complex):
        return [_value(x, digits) for x in numbers]
    text = _stable(numbers, digits, eps)
    return text and text.split(", ")


def _tensor(actual, digits):
    parameter = type(actual) is torch.nn.Parameter
    if actual.layout != torch.strided or not (parameter or type(actual) is torch.Tensor):
        return None
    if actual.numel() > LARGEST or actual.is_quantized or actual.is_nested:
        return None
    if actual.is_complex():
        return None  # as it is printed, see candidates
    said = []
    if actual.numel():
        numbers = actual.detach().cpu().flatten().tolist()
        eps = torch.finfo(actual.dtype).eps if actual.is_floating_point() else 0
        leaves = _leaves(numbers, digits, eps)
        if leaves is None or None in leaves:
            return None
        text, kind = _nested(tuple(actual.shape), leaves), type(numbers[0])
    else:
        text, kind = "[]", float
        if tuple(actual.shape) != (0,):
            said.append(f"size={tuple(actual.shape)}")
    if actual.dtype != compare.TORCH_DTYPE[kind]:
        said.append(f"dtype={actual.dtype}")
    if actual.grad_fn is not None:
        said.append(f"grad_fn=<{type(actual.grad_fn).__name__}>")
    elif actual.requires_grad:
        said.append("requires_grad=True")
    text = f"tensor({', '.join([text, *said])})"
    return f"Parameter containing: {text}" if parameter else text


def _numpy(actual, digits):
    import numpy as np

    if isinstance(actual, np.bool_):
        return f"np.{bool(actual)}_"
    if isinstance(actual, np.generic):
        number = actual.item()
        text = repr(number)
        if isinstance(number, float):
            text = _stable([number], digits, float(np.finfo(actual.dtype).eps), python=True)
        return text and f"np.{type(actual).__name__.removesuffix('_')}({text})"
    if type(actual) is not np.ndarray or not 0 < actual.size <= LARGEST:
        return None
    numbers = actual.ravel().tolist()
    eps = float(np.finfo(actual.dtype).eps) if actual.dtype.kind in "fc" else 0
    leaves = _leaves(numbers, digits, eps)
    if leaves is None or None in leaves:
        return None
    said = "" if actual.dtype == np.dtype(type(numbers[0])) else f", dtype={actual.dtype}"
    if actual.dtype.kind == "U":
        said = f", dtype='{actual.dtype.str}'"
    return f"array({_nested(actual.shape, leaves)}{said})"


# --- facts --------------------------------------------------------------------------


def facts(actual):
    """What can be said of a value without its numbers."""
    kind = type(actual)
    if isinstance(actual, torch.Tensor) or (kind.__module__ == "numpy" and hasattr(actual, "ndim")):
        said = f"shape {tuple(actual.shape)}"
        full = f"{said}, dtype {str(actual.dtype).removeprefix('torch.')}"
        if getattr(actual, "layout", torch.strided) != torch.strided:
            full += f", layout {str(actual.layout).removeprefix('torch.')}"
        if isinstance(actual, torch.Tensor) and kind is not torch.Tensor:
            return [f"{full}, type {kind.__name__}", f"type {kind.__name__}"]
        return [full, said, full.removeprefix(f"{said}, ")]
    said = [f"type {kind.__name__}"]
    if kind in (str, dict, *CONTAINERS):
        said.insert(0, f"type {kind.__name__}, len {len(actual)}")
    return said


def same_facts(body, actual):
    """The facts that a claim states, as they are."""
    try:
        found = [(name, compare.FACTS[name](actual)) for name, _ in body.facts]
    except (AttributeError, TypeError, RuntimeError):
        return None
    return ", ".join(f"{name} {one}" for name, one in found)


# --- errors and warnings --------------------------------------------------------------


def errors(error):
    """An error with its message, or with the first words of it."""
    name, message = type(error).__name__, flat(error)
    if not message:
        return [name]
    words = message.split(" ")
    quoted = [message, re.split(r"(?<=\w)[.;:!?(](?= |$)", message)[0].strip()]
    quoted += [" ".join(words[:n]) for n in range(min(12, len(words)), 1, -1)]
    # Nothing that belongs to one machine or one run.
    quoted = [re.sub(r"[\s.,:;(\[]+$", "", one) for one in quoted]
    return [
        f"{name}: {one}" for one in quoted if not re.search(r"0x[0-9a-f]|/\w+/|\.cpp|\d{6}", one)
    ]
