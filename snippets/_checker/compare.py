"""Hold a claim against what really came out."""

import ast
import builtins
import collections
import ctypes
import math
import re
import sys
import warnings
from contextlib import contextmanager
from fractions import Fraction

import torch

from . import grammar
from .grammar import Blank, ClaimError, Facts, Raises, flat


class Mismatch(Exception):
    """What was claimed is not what came out. Its text says where they part."""


def check(body, actual, names=None, strict=False):
    """Raise Mismatch unless ``actual`` is what ``body`` says.

    Args:
        body: what grammar.parse gave.
        actual: the value, or the error or warning that came.
        names: the card's own names, by which it may call an error.
        strict: rounded numbers get no slack: for mutants, which lie by one unit.
    """
    if isinstance(body, Blank):
        return None
    if isinstance(body, Raises):
        return _check_error(body, actual, names or {})
    try:
        with _unheard():
            if isinstance(body, Facts):
                return _check_facts(body, actual)
            return _Comparison(body, strict).match(body.node, actual)
    except (Mismatch, ClaimError):
        raise
    except Exception as error:  # no storage in vmap, no values on meta
        raise Mismatch(f"its values cannot be read here: claim facts ({flat(error)})") from None


@contextmanager
def _unheard():
    """Warnings of the comparison are not the card's; torch's once-only ones are not used up."""
    always = torch.is_warn_always_enabled()
    torch.set_warn_always(True)
    try:
        with warnings.catch_warnings(action="ignore"):
            yield
    finally:
        torch.set_warn_always(always)


def describe(actual):
    """One line that shows a value as a claim would write it."""
    if isinstance(actual, BaseException):
        return f"{type(actual).__name__}: {flat(actual)}".removesuffix(": ")
    if isinstance(actual, type) and actual.__module__ == "torch":
        return f"torch.{actual.__name__}"
    text = re.sub(r",? device='[\w:]+'", "", flat(repr(actual)))
    for blank, tight in ((" ]", "]"), ("[ ", "["), ("( ", "(")):
        text = text.replace(blank, tight)
    return text if len(text) <= 300 else f"{text[:297]}..."


# --- errors -----------------------------------------------------------------


def _check_error(body, error, names):
    found = type(error)
    wanted = _named(body.name, names)
    if found is not wanted and (wanted or found.__name__ != body.name):
        home = f" ({found.__module__})" if found.__name__ in body.name else ""
        raise Mismatch(f"claimed {body.name}, got {describe(error)}{home}")
    if why := grammar.misquoted(str(error), body.text):
        raise Mismatch(why)


def _named(name, names):
    """The class that a dotted name means, in the card or where torch keeps it; or None."""
    head, *rest = name.split(".")
    places = [names, vars(builtins), vars(torch), vars(torch.linalg)]
    found = next((place[head] for place in places if head in place), sys.modules.get(head))
    for part in rest:
        found = getattr(found, part, None)
    if rest and not isinstance(found, type):
        raise Mismatch(f"there is no class {name}")
    return found if isinstance(found, type) else None


# --- facts ------------------------------------------------------------------

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


def _check_facts(body, actual):
    for name, claimed in body.facts:
        try:
            found = FACTS[name](actual)
        except (AttributeError, TypeError, RuntimeError):
            raise Mismatch(f"{describe(actual)} has no {name}") from None
        if _typed(found) != _typed(claimed):
            raise Mismatch(f"{name} is {found!r}, not {claimed!r}")


def _typed(value):
    """A value together with its type, and so all that it holds: 1 is not True."""
    if isinstance(value, (tuple, set, frozenset)):
        parts = map(_typed, value)
        return type(value), tuple(parts) if isinstance(value, tuple) else frozenset(parts)
    return type(value), value


# --- values -----------------------------------------------------------------

TORCH_DTYPE = {
    bool: torch.bool, int: torch.int64, float: torch.float32, complex: torch.complex64
}  # fmt: skip
CONTAINERS = {
    "OrderedDict": collections.OrderedDict, "Counter": collections.Counter,
    "defaultdict": collections.defaultdict, "frozenset": frozenset, "deque": collections.deque,
}  # fmt: skip


def _float32(number):
    return ctypes.c_float(number).value


class _Comparison:
    """One value claim, held against one value."""

    def __init__(self, value, strict):
        self.value, self.strict = value, strict

    def match(self, node, actual):
        """Raise Mismatch unless ``actual`` is the value that ``node`` writes."""
        match node:
            case ast.Call(func=ast.Name(id="array")):
                self._array(node, actual)
            case ast.Call(func=ast.Name(id=name), args=args) if name in CONTAINERS:
                _same_type(actual, CONTAINERS[name])
                self._container(name, args, actual)
            case ast.Call(func=ast.Name(id=name)):
                self._tensor(node, actual, name)
            case ast.Call(func=ast.Attribute(value=ast.Name(id="torch"))):
                _same_type(actual, torch.Size)
                self._all(node.args[0].elts, list(actual), "size")
            case ast.Call(func=ast.Attribute(attr=name), args=[number]):
                _numpy_type(actual, name)
                self._number(number, actual.item(), _numpy_form(actual.dtype))
            case ast.Attribute(value=ast.Name(id="np"), attr=name):
                _numpy_type(actual, "bool")
                if bool(actual) is not (name == "True_"):
                    raise Mismatch(f"got {describe(actual)}")
            case ast.Attribute():
                if actual is not _torch(node):
                    raise Mismatch(f"got {describe(actual)}")
            case ast.List(elts=elements):
                _same_type(actual, list)
                self._all(elements, actual, "element")
            case ast.Tuple(elts=elements):
                if not isinstance(actual, tuple) or isinstance(actual, torch.Size):
                    raise Mismatch(f"{describe(actual)} is no tuple")
                self._all(elements, list(actual), "element")
            case ast.Set():
                if _typed(actual) != _typed(grammar.literal(node)):
                    raise Mismatch(f"got {describe(actual)}")
            case ast.Dict():
                _same_type(actual, dict)
                self._all(node.keys, list(actual), "key")
                self._all(node.values, list(actual.values()), "value")
            case _:
                self._number(node, actual)

    def _all(self, nodes, actual, what):
        if len(nodes) != len(actual):
            raise Mismatch(f"{len(actual)} {what}s, not {len(nodes)}: {describe(actual)}")
        for index, (node, part) in enumerate(zip(nodes, actual, strict=True)):
            try:
                self.match(node, part)
            except Mismatch as mismatch:
                raise Mismatch(f"{what} {index}: {mismatch}") from None

    def _container(self, name, args, actual):
        """As Python prints it: OrderedDict([('a', 1)]), Counter({'a': 2}), deque([1])."""
        if name == "defaultdict" and args:
            factory, *args = args
            found = getattr(actual.default_factory, "__qualname__", None)
            if grammar.literal(factory) != found:
                raise Mismatch(f"its factory is {found}")
        content = args[0] if args else None
        if isinstance(content, ast.Dict) and isinstance(actual, dict):
            if name == "Counter":  # prints the most common first, whatever the order is
                actual = dict(actual.most_common())
            return self.match(content, dict(actual))
        if isinstance(content, ast.Set) and isinstance(actual, frozenset):
            return self.match(content, set(actual))
        pairs = actual.items() if isinstance(actual, dict) else actual
        self._all(content.elts if isinstance(content, ast.List) else [], list(pairs), "element")

    # --- numbers ---

    def _number(self, node, actual, form=None):
        """Compare a scalar: type-strict, floats by the digits that are written."""
        claimed = grammar.literal(node)
        _same_type(actual, type(claimed))
        if isinstance(claimed, float):
            self._float(node, actual, form)
        elif isinstance(claimed, complex):
            real, imag, sign = None, node, 1
            if isinstance(node, ast.BinOp):
                real, imag, sign = node.left, node.right, -1 if isinstance(node.op, ast.Sub) else 1
            if real is not None:
                self._float(real, actual.real, form)
            elif repr(actual.real) != "0.0":
                raise Mismatch(f"got {actual!r}")
            self._float(imag, actual.imag, form, sign)
        elif claimed != actual:
            raise Mismatch(f"got {describe(actual)}")

    def _float(self, node, actual, form, sign=1):
        """``form``: how far a rounded one may be off, relatively, and how its dtype holds a number
        that is written rounded, or exactly."""
        while isinstance(node, ast.UnaryOp):
            sign = -sign if isinstance(node.op, ast.USub) else sign
            node = node.operand
        if isinstance(node, ast.Name) or not math.isfinite(actual):
            if not isinstance(node, ast.Name) or repr(sign * float(node.id)) != repr(actual):
                raise Mismatch(f"got {actual!r}")
            return
        slack, held, cast = form or (SINGLE if _float32(actual) == actual else DOUBLE)
        written = self.value.written(node).lower().rstrip("j").replace("_", "")
        mantissa, _, exponent = written.partition("e")
        decimals = len(mantissa.partition(".")[2])
        unit = Fraction(10) ** (int(exponent or 0) - decimals)
        claimed = sign * Fraction(written)
        miss = abs(claimed - Fraction(actual))
        number = math.copysign(float(written), sign)
        if decimals >= grammar.ROUNDED:
            if abs(claimed - Fraction(held(number))) > unit / 2:
                raise Mismatch(f"got {actual!r}: {written} has digits that its dtype does not hold")
            if miss <= unit / 2 + (0 if self.strict else Fraction(slack) * abs(claimed)):
                return
            raise Mismatch(f"got {actual!r}")
        if cast(number) != actual or math.copysign(1, number) != math.copysign(1, actual):
            near = f": write {actual:.4f} to mean rounded" if miss <= unit / 2 and claimed else ""
            raise Mismatch(f"got {actual!r}{near}")
        if miss > unit / 2:
            raise Mismatch(f"got {actual!r}: {written} has digits that its dtype does not hold")

    def _leaves(self, leaves, numbers, form):
        if len(leaves) != len(numbers):
            raise Mismatch(f"{len(numbers)} numbers, not {len(leaves)}")
        for index, (leaf, number) in enumerate(zip(leaves, numbers, strict=True)):
            try:
                if type(grammar.literal(leaf)) is int and isinstance(number, float):
                    self._float(leaf, number, form)  # an integer beside floats, nan or inf
                else:
                    self._number(leaf, number, form)
            except Mismatch as mismatch:
                raise Mismatch(f"number {index} of the tensor: {mismatch}") from None

    # --- tensors and arrays ---

    def _tensor(self, node, actual, kind):
        if not isinstance(actual, torch.Tensor):
            raise Mismatch(f"{describe(actual)} is no tensor")
        for special, way in (("quantized", "dequantize"), ("nested", "unbind")):
            if getattr(actual, f"is_{special}"):
                raise Mismatch(f"a {special} tensor is claimed by facts, or what {way}() gives")
        name = type(actual).__name__
        if name != {"tensor": "Tensor"}.get(kind, kind):
            way = "Parameter containing: tensor" if name == "Parameter" else name
            way = "tensor" if type(actual) is torch.Tensor else way
            raise Mismatch(f"it is a {name}: write `{way}(...)`, or `type {name}` beside facts")
        said = {keyword.arg: keyword.value for keyword in node.keywords}
        layout = _torch(said["layout"]) if "layout" in said else torch.strided
        if actual.layout != layout:
            raise Mismatch(f"layout is {actual.layout}, not {layout}")
        leaf = "requires_grad" in said and grammar.literal(said["requires_grad"])
        grad = "grad_fn" in said or leaf
        if actual.requires_grad != grad:
            raise Mismatch(f"requires_grad is {actual.requires_grad}, not {grad}")
        grad_fn = FACTS["grad_fn"](actual)
        if grad_fn and "grad_fn" not in said:
            raise Mismatch(f"it is no leaf: write grad_fn=<{grad_fn}>, as printed")
        if "grad_fn" in said and grad_fn != grammar.literal(said["grad_fn"]):
            raise Mismatch(f"grad_fn is {grad_fn}")
        if not node.args:
            return self._sparse(said, actual, layout)

        shape, leaves = grammar.leaves(node.args[0])
        if "size" in said:
            shape = tuple(grammar.literal(said["size"]))
        if tuple(actual.shape) != shape:
            raise Mismatch(f"shape is {tuple(actual.shape)}, not {shape}")
        kind = grammar.widest(leaves)
        dtype = _torch(said["dtype"]) if "dtype" in said else TORCH_DTYPE.get(kind)
        if actual.dtype != dtype:
            raise Mismatch(f"dtype is {actual.dtype}, not {dtype}")
        form = None
        if actual.is_floating_point() or actual.is_complex():
            eps = torch.finfo(dtype).eps
            single = dtype in (torch.float32, torch.complex64)
            coarse = eps > 1e-6  # there, written exactly is meant exactly
            form = (
                eps * (grammar.COARSE_SLACK if coarse else grammar.SLACK),
                (lambda x: torch.tensor(x, dtype=dtype, device="cpu").real.item()),
                _float32 if single else float,
            )
        self._leaves(leaves, actual.detach().cpu().flatten().tolist(), form)

    def _sparse(self, said, actual, layout):
        if layout is torch.strided:
            raise ClaimError("a dense tensor is claimed as one list")
        if "dtype" in said and actual.dtype != _torch(said["dtype"]):
            raise Mismatch(f"dtype is {actual.dtype}")
        if "size" not in said or _typed(tuple(actual.shape)) != _typed(
            grammar.literal(said["size"])
        ):
            raise Mismatch(f"a sparse tensor's size must be said; it is {tuple(actual.shape)}")
        if "nnz" in said and grammar.literal(said["nnz"]) != actual._nnz():
            raise Mismatch(f"nnz is {actual._nnz()}")
        actual = actual.detach()
        if layout is torch.sparse_coo:
            got = {"indices": actual._indices(), "values": actual._values()}
        else:
            rows = layout in (torch.sparse_csr, torch.sparse_bsr)
            names = ("crow_indices", "col_indices") if rows else ("ccol_indices", "row_indices")
            got = {name: getattr(actual, name)() for name in (*names, "values")}
        parts = [name for name in said if name.endswith("indices") or name == "values"]
        if set(parts) != set(got):
            raise Mismatch(f"{layout} has {', '.join(got)}")
        for name in parts:
            self.match(said[name], got[name])

    def _array(self, node, actual):
        import numpy as np

        if type(actual) is not np.ndarray:
            raise Mismatch(f"{describe(actual)} is no array")
        shape, leaves = grammar.leaves(node.args[0])
        said = [keyword.value for keyword in node.keywords]
        kind = grammar.widest(leaves)
        dtype = np.dtype(ast.unparse(said[0]).strip("'") if said else kind)
        if actual.shape != shape:
            raise Mismatch(f"shape is {actual.shape}, not {shape}")
        if actual.dtype != dtype:
            raise Mismatch(f"dtype is {actual.dtype}, not {dtype}")
        self._leaves(leaves, actual.ravel().tolist(), _numpy_form(dtype))


# Python's own floats, those that came from a float32 tensor and others.
SINGLE = grammar.SLACK * torch.finfo(torch.float32).eps, _float32, float
DOUBLE = grammar.SLACK * torch.finfo(torch.float64).eps, float, float


def _numpy_form(dtype):
    if dtype.kind not in "fc":
        return None
    import numpy as np

    real = np.zeros((), dtype).real.dtype
    units = grammar.COARSE_SLACK if real.itemsize < 4 else grammar.SLACK
    cast = lambda number: real.type(number).item()  # noqa: E731
    return units * float(np.finfo(real).eps), cast, cast


def _numpy_type(actual, name):
    kind = type(actual)
    if kind.__module__ != "numpy" or kind.__name__.removesuffix("_") != name.removesuffix("_"):
        raise Mismatch(f"{describe(actual)} is no np.{name}")


def _same_type(actual, wanted):
    if type(actual) is not wanted:
        raise Mismatch(f"{describe(actual)} is of type {type(actual).__name__}")


def _torch(node):
    """The object that ``torch.X`` names: a dtype, a layout, a class and the like."""
    found = torch
    for name in ast.unparse(node).split(".")[1:]:
        found = getattr(found, name, None)
    constant = (torch.dtype, torch.layout, torch.memory_format, torch.qscheme, type)
    if not isinstance(found, constant):
        raise ClaimError(f"{ast.unparse(node)} is no dtype, layout, memory format or class")
    return found
