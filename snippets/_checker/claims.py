"""The grammar of claims, and the comparison of a claim with what really came out.

    claim := error | facts | value
    error := ExceptionOrWarningName ': ' text    '...' in the text skips
    facts := fact {', ' fact}                    shape (2, 3) | dtype float32 | ...
    value := literal | tensor(...) | array(...) | nan | inf | torch.X

Values are compared as values, never as text, and strictly: type, dtype, shape,
layout and requires_grad must agree; only the device is left open. The one
tolerance:

    A float written with four or more decimals is rounded as printed: it may be
    off by half a unit of its last digit. With fewer decimals it is exact. Off
    the CPU a float may be wrong by ``SLACK`` units in the last place of its
    dtype on top of that (``COARSE_SLACK`` for float16 and bfloat16), since
    kernels there may sum in another order.
"""

import ast
import math
import re
from dataclasses import dataclass

import torch

ROUNDED = 4  # this many decimals, or more, mean "rounded as printed"
SLACK = 16  # units in the last place, off the CPU only
COARSE_SLACK = 2  # the same for float16 and bfloat16
EXCEPTION = re.compile(
    r"((?:\w+\.)*([A-Z]\w*(?:Error|Exception|Warning|Interrupt|Exit|Iteration))): (.*)", re.S
)
FACT = re.compile(r"([a-z_]+) (\([^()]*\)|[^\s(),]+)(?:, (?=\S)|$)")
GRAD_FN = re.compile(r"grad_fn=<(\w+)>")

FACTS = {
    "shape": lambda x: tuple(x.shape),
    "dtype": lambda x: str(x.dtype).removeprefix("torch."),
    "layout": lambda x: str(x.layout).removeprefix("torch."),
    "ndim": lambda x: x.ndim,
    "numel": lambda x: x.numel(),
    "stride": lambda x: tuple(x.stride()),
    "is_contiguous": lambda x: x.is_contiguous(),
    "is_leaf": lambda x: x.is_leaf,
    "requires_grad": lambda x: x.requires_grad,
    "grad_fn": lambda x: x.grad_fn and type(x.grad_fn).__name__,
    "type": lambda x: type(x).__name__,
    "len": len,
}


class ClaimError(Exception):
    """A trailing comment that is no claim, or a claim where none can stand."""


class Mismatch(Exception):
    """What was claimed is not what came out. Its text says where they part."""


@dataclass(frozen=True)
class Raises:
    """``RuntimeError: text``, and warnings likewise."""

    name: str
    text: str

    @property
    def warning(self):
        return self.name.endswith("Warning")

    def check(self, error):
        """Raise Mismatch unless ``error`` is of this very type and says the text."""
        # torch.linalg.LinAlgError calls itself _LinAlgError.
        if type(error).__name__.lstrip("_") != self.name:
            raise Mismatch(f"claimed {self.name}, got {describe(error)}")
        message, at = _flat(str(error)), 0
        for part in self.text.split("..."):
            found = message.find(_flat(part), at)
            if found < 0:
                raise Mismatch(f"{_flat(part)!r} is not in the message {message!r}")
            at = found + len(_flat(part))


@dataclass(frozen=True)
class Facts:
    """``shape (2, 3), dtype float32``."""

    facts: tuple[tuple[str, object], ...]

    def check(self, actual):
        """Raise Mismatch unless every fact holds for ``actual``."""
        for name, claimed in self.facts:
            try:
                found = FACTS[name](actual)
            except (AttributeError, TypeError, RuntimeError):
                raise Mismatch(f"{describe(actual)} has no {name}") from None
            if type(found) is not type(claimed) or found != claimed:
                raise Mismatch(f"{name} is {found!r}, not {claimed!r}")


@dataclass(frozen=True)
class Value:
    """A literal or a tensor, kept as syntax so that the digits written are known."""

    node: ast.expr
    text: str

    def check(self, actual):
        """Raise Mismatch unless ``actual`` is this value."""
        _match(self.node, actual, self.text)


def parse(comment):
    """Read the text of a trailing comment, without its ``#``.

    Returns:
        Raises, Facts or Value; each has ``check(actual)``.
    Raises:
        ClaimError: the comment is no claim; the message says why.
    """
    text = comment.strip()
    if error := EXCEPTION.fullmatch(text):
        if not re.search(r"\w", error[3].replace("...", "")):
            raise ClaimError(f"{error[2]} with no text claims nothing: say part of the message")
        return Raises(error[2], error[3].strip())
    if facts := _facts(text):
        return facts
    source = GRAD_FN.sub(r"grad_fn='\1'", text)
    try:
        node = ast.parse(source, mode="eval").body
    except SyntaxError:
        raise ClaimError(f"not a claim: {text!r}") from None
    _allow(node)
    return Value(node, source)


def _facts(text):
    facts, at = [], 0
    while found := FACT.match(text, at):
        if found[1] not in FACTS:
            return None
        try:
            value = ast.literal_eval(found[2])
        except (ValueError, SyntaxError):
            if not found[2].isidentifier():
                raise ClaimError(f"not a claim: {text!r}") from None
            value = found[2]  # a bare word: float32, AddBackward0
        facts.append((found[1], value))
        at = found.end()
    if not facts or at != len(text):
        return None
    return Facts(tuple(facts))


# --- which syntax may stand in a value -------------------------------------

TENSOR_KEYWORDS = {
    "dtype", "requires_grad", "grad_fn", "size", "layout", "nnz",
    "indices", "values", "crow_indices", "col_indices", "ccol_indices", "row_indices",
}  # fmt: skip


def _allow(node):
    """Raise ClaimError for anything but a literal as printed: no names, no computation."""
    match node:
        case ast.Constant(value=value) if value is not ...:
            return
        case ast.Name(id="nan" | "inf"):
            return
        case ast.UnaryOp(op=ast.USub() | ast.UAdd(), operand=ast.Constant() | ast.Name() as inner):
            return _allow(inner)
        case ast.BinOp(op=ast.Add() | ast.Sub(), left=left, right=ast.Constant(value=complex())):
            return _allow(left)
        case ast.List(elts=parts) | ast.Tuple(elts=parts) | ast.Set(elts=parts):
            return _allow_all(parts)
        case ast.Dict(keys=keys, values=values):
            return _allow_all((*keys, *values))
        case ast.Attribute():
            _torch(node)
            return
        case ast.Call(func=ast.Attribute(), args=[ast.List()], keywords=[]) if (
            ast.unparse(node.func) == "torch.Size"
        ):
            return _allow(node.args[0])
        case ast.Call(func=ast.Attribute(value=ast.Name(id="np")), args=[number], keywords=[]):
            return _allow(number)
        case ast.Call(func=ast.Name(id="tensor" | "array" as kind), args=args, keywords=keywords):
            if len(args) > 1:
                raise ClaimError(f"{kind}(...) takes one list")
            for keyword in keywords:
                if keyword.arg == "device":
                    raise ClaimError("a claim names no device: it must hold on every one")
                if keyword.arg not in TENSOR_KEYWORDS:
                    raise ClaimError(f"{kind}(...) has no {keyword.arg}")
                if not (kind == "array" and isinstance(keyword.value, ast.Name)):
                    _allow(keyword.value)
            if not args and "values" not in [keyword.arg for keyword in keywords]:
                raise ClaimError(f"{kind}() says no values")
            for arg in args:
                _allow(arg)
                _kind(_leaves(arg)[1])
            return
        case ast.Name(id=name):
            raise ClaimError(f"a claim uses no variable: {name}")
    raise ClaimError(f"a claim is a literal, not a computation: {ast.unparse(node)}")


def _allow_all(nodes):
    for node in nodes:
        _allow(node)


def _torch(node):
    """The object that ``torch.X`` names: a dtype, a layout, a class and the like."""
    names = ast.unparse(node).split(".")
    if names[0] != "torch":
        raise ClaimError(f"a claim uses no variable: {ast.unparse(node)}")
    found = torch
    for name in names[1:]:
        found = getattr(found, name, None)
    constant = (torch.dtype, torch.layout, torch.memory_format, torch.qscheme, type)
    if not isinstance(found, constant):
        raise ClaimError(f"{ast.unparse(node)} is no dtype, layout, memory format or class")
    return found


# --- comparison -------------------------------------------------------------


def _match(node, actual, text):
    """Raise Mismatch unless ``actual`` is the value that ``node`` writes."""
    match node:
        case ast.Call(func=ast.Name(id="tensor")):
            return _match_tensor(node, actual, text)
        case ast.Call(func=ast.Name(id="array")):
            return _match_array(node, actual, text)
        case ast.Call(func=ast.Attribute(value=ast.Name(id="torch"))):
            if type(actual) is not torch.Size:
                raise Mismatch(f"{describe(actual)} is no torch.Size")
            return _match_all(node.args[0].elts, list(actual), text, "size")
        case ast.Call(func=ast.Attribute(attr=name), args=[number]):
            if type(actual).__module__ != "numpy" or type(actual).__name__ != name:
                raise Mismatch(f"{describe(actual)} is no np.{name}")
            return _number(number, actual.item(), text)
        case ast.Attribute():
            if actual is not _torch(node):
                raise Mismatch(f"got {describe(actual)}")
        case ast.List(elts=elements):
            _same_type(actual, list)
            _match_all(elements, actual, text, "element")
        case ast.Tuple(elts=elements):
            if not isinstance(actual, tuple) or isinstance(actual, torch.Size):
                raise Mismatch(f"{describe(actual)} is no tuple")
            _match_all(elements, list(actual), text, "element")
        case ast.Set():
            _same_type(actual, set)
            if actual != ast.literal_eval(node):
                raise Mismatch(f"got {describe(actual)}")
        case ast.Dict(keys=keys, values=values):
            if not isinstance(actual, dict):
                raise Mismatch(f"{describe(actual)} is no dict")
            _match_all(keys, list(actual), text, "key")
            _match_all(values, list(actual.values()), text, "value")
        case _:
            _number(node, actual, text)


def _match_all(nodes, actual, text, what):
    if len(nodes) != len(actual):
        raise Mismatch(f"{len(actual)} {what}s, not {len(nodes)}: {describe(actual)}")
    for index, (node, part) in enumerate(zip(nodes, actual, strict=True)):
        try:
            _match(node, part, text)
        except Mismatch as mismatch:
            raise Mismatch(f"{what} {index}: {mismatch}") from None


def _same_type(actual, wanted):
    if type(actual) is not wanted:
        raise Mismatch(f"{describe(actual)} is of type {type(actual).__name__}")


def _number(node, actual, text, slack=0.0, cast=lambda number: number):
    """Compare a scalar: type-strict, floats by the digits that are written."""
    claimed = _literal(node)
    _same_type(actual, type(claimed))
    if isinstance(claimed, float):
        _float(node, claimed, actual, text, slack, cast)
    elif isinstance(claimed, complex):
        real, imag = (node.left, node.right) if isinstance(node, ast.BinOp) else (None, node)
        cast_part = lambda number: complex(cast(number)).real  # noqa: E731
        _float(real, claimed.real, actual.real, text, slack, cast_part)
        _float(imag, claimed.imag, actual.imag, text, slack, cast_part)
    elif claimed != actual:
        raise Mismatch(f"got {describe(actual)}")


def _float(node, claimed, actual, text, slack, cast):
    if math.isnan(claimed) or math.isinf(claimed) or not math.isfinite(actual):
        same = claimed == actual or (math.isnan(claimed) and math.isnan(actual))
    else:
        unit = _last_digit(node, text)
        if unit is None:
            # 0.1 means the float32 next to it; 2049 does not mean a float16 of 2048.
            nearest = claimed if claimed.is_integer() else cast(claimed)
            same = abs(nearest - actual) <= slack * abs(claimed)
        else:  # the factor admits what float64 itself cannot tell apart
            same = abs(claimed - actual) <= 0.5 * unit * (1 + 1e-9) + slack * abs(claimed)
    if not same:
        raise Mismatch(f"got {actual!r}")


def _last_digit(node, text):
    """The unit of the last digit written, or None when fewer than four decimals mean exact."""
    written = ast.get_source_segment(text, node) if node is not None else ""
    number = re.search(r"\.(\d*)(?:e([+-]?\d+))?j?$", written.replace("_", ""), re.I)
    if not number or len(number[1]) < ROUNDED:
        return None
    return 10.0 ** (int(number[2] or 0) - len(number[1]))


def _literal(node):
    match node:
        case ast.Name(id=name):
            return float(name)
        case ast.UnaryOp(op=ast.USub(), operand=inner):
            return -_literal(inner)
        case ast.UnaryOp(operand=inner):
            return _literal(inner)
    return ast.literal_eval(node)


def _leaves(node):
    """Shape and numbers of a nested list, as ``torch.tensor`` would read it."""
    if not isinstance(node, ast.List):
        return (), [node]
    parts = [_leaves(element) for element in node.elts]
    shapes = {shape for shape, _ in parts}
    if len(shapes) > 1:
        raise ClaimError("a tensor's rows are of one length")
    inner = shapes.pop() if shapes else ()
    return (len(parts), *inner), [leaf for _, leaves in parts for leaf in leaves]


def _kind(leaves):
    """bool, int, float or complex: the widest of the numbers written."""
    kinds = {type(_literal(leaf)) for leaf in leaves}
    if not kinds:
        return float
    if (bool in kinds and len(kinds) > 1) or not kinds <= {bool, int, float, complex}:
        raise ClaimError("a tensor holds numbers of one kind, or True and False")
    return max(kinds, key=[bool, int, float, complex].index)


TORCH_DTYPE = {
    bool: torch.bool, int: torch.int64, float: torch.float32, complex: torch.complex64
}  # fmt: skip


def _match_tensor(node, actual, text):
    if not isinstance(actual, torch.Tensor):
        raise Mismatch(f"{describe(actual)} is no tensor")
    said = {keyword.arg: keyword.value for keyword in node.keywords}
    layout = _torch(said["layout"]) if "layout" in said else torch.strided
    if actual.layout != layout:
        raise Mismatch(f"layout is {actual.layout}, not {layout}")
    grad = "grad_fn" in said or ("requires_grad" in said and _literal(said["requires_grad"]))
    if actual.requires_grad != grad:
        raise Mismatch(f"requires_grad is {actual.requires_grad}, not {grad}")
    if "grad_fn" in said and FACTS["grad_fn"](actual) != _literal(said["grad_fn"]):
        raise Mismatch(f"grad_fn is {FACTS['grad_fn'](actual)}")
    if layout is not torch.strided:
        return _match_sparse(said, actual, text, layout)

    shape, leaves = _leaves(node.args[0])
    if "size" in said:
        shape = tuple(ast.literal_eval(said["size"]))
    if tuple(actual.shape) != shape:
        raise Mismatch(f"shape is {tuple(actual.shape)}, not {shape}")
    kind = _kind(leaves)
    dtype = _torch(said["dtype"]) if "dtype" in said else TORCH_DTYPE[kind]
    if actual.dtype != dtype:
        raise Mismatch(f"dtype is {actual.dtype}, not {dtype}")
    slack = _slack(actual)
    cast = float  # float16 and bfloat16 are coarse: there, written exactly is meant exactly
    if dtype in (torch.float32, torch.complex64):
        cast = lambda number: torch.tensor(number, dtype=dtype, device="cpu").item()  # noqa: E731
    _match_leaves(leaves, actual.detach().cpu().flatten().tolist(), text, slack, cast)


def _match_sparse(said, actual, text, layout):
    if "dtype" in said and actual.dtype != _torch(said["dtype"]):
        raise Mismatch(f"dtype is {actual.dtype}")
    if "size" not in said or tuple(actual.shape) != tuple(ast.literal_eval(said["size"])):
        raise Mismatch(f"a sparse tensor's size must be said; it is {tuple(actual.shape)}")
    parts = [name for name in said if name.endswith("indices") or name == "values"]
    if "nnz" in said and _literal(said["nnz"]) != actual._nnz():
        raise Mismatch(f"nnz is {actual._nnz()}")
    if actual.layout is torch.sparse_coo:
        actual = actual.detach()
        got = {"indices": actual._indices(), "values": actual._values()}
    else:
        csr = actual.layout in (torch.sparse_csr, torch.sparse_bsr)
        names = ("crow_indices", "col_indices") if csr else ("ccol_indices", "row_indices")
        got = {name: getattr(actual.detach(), name)() for name in (*names, "values")}
    if set(parts) != set(got):
        raise Mismatch(f"{layout} has {', '.join(got)}")
    for name in parts:
        _match(said[name], got[name], text)


def _match_array(node, actual, text):
    import numpy as np

    if not isinstance(actual, np.ndarray):
        raise Mismatch(f"{describe(actual)} is no array")
    shape, leaves = _leaves(node.args[0])
    said = {keyword.arg: keyword.value for keyword in node.keywords}
    if "size" in said or "shape" in said:
        raise ClaimError("array(...) takes a list and a dtype")
    dtype = np.dtype(ast.unparse(said["dtype"]).strip("'") if "dtype" in said else _kind(leaves))
    if actual.shape != shape:
        raise Mismatch(f"shape is {actual.shape}, not {shape}")
    if actual.dtype != dtype:
        raise Mismatch(f"dtype is {actual.dtype}, not {dtype}")
    _match_leaves(leaves, actual.ravel().tolist(), text, 0.0, lambda x: dtype.type(x).item())


def _match_leaves(leaves, numbers, text, slack, cast):
    if len(leaves) != len(numbers):
        raise Mismatch(f"{len(numbers)} numbers, not {len(leaves)}")
    for index, (leaf, number) in enumerate(zip(leaves, numbers, strict=True)):
        wanted = type(_literal(leaf))
        if wanted is int and isinstance(number, float):  # ``nan`` and ``inf`` beside integers
            leaf = ast.copy_location(ast.Constant(float(_literal(leaf))), leaf)
        try:
            _number(leaf, number, text, slack, cast)
        except Mismatch as mismatch:
            raise Mismatch(f"number {index} of the tensor: {mismatch}") from None


def _slack(tensor):
    """The documented widening for results of other devices, relative to the value."""
    if tensor.device.type == "cpu" or not (tensor.is_floating_point() or tensor.is_complex()):
        return 0.0
    coarse = tensor.dtype in (torch.float16, torch.bfloat16)
    units = COARSE_SLACK if coarse else SLACK
    return units * torch.finfo(tensor.dtype).eps


def _flat(message):
    return re.sub(r"\s+", " ", message).strip()


def describe(actual):
    """One line that shows a value as a claim would write it."""
    if isinstance(actual, BaseException):
        return f"{type(actual).__name__}: {_flat(str(actual))}"
    if isinstance(actual, type) and actual.__module__ == "torch":
        return f"torch.{actual.__name__}"
    text = re.sub(r",? device='[\w:]+'", "", _flat(repr(actual)))
    text = re.sub(r"\s*([\[\](])\s+", r"\1 ", text).replace("[ ", "[").replace("( ", "(")
    return text if len(text) <= 300 else f"{text[:297]}..."
