"""The grammar of claims: what a trailing comment may say. Needs no torch.

    claim := branch | branch ' since ' release {', ' branch ' since ' release} ', ' branch ' before'
    branch := error | facts | value
    error := ExceptionOrWarningName [': ' text]  '...' in the text skips; no text: no message
    facts := fact {', ' fact}                    shape (2, 3) | dtype float32 | ...
    value := literal | tensor(...) | array(...) | nan | inf | torch.X

``compare`` holds values and facts against what came out, as values, never as text, and
strictly: type, dtype, shape, layout and requires_grad must agree; only the device is left
open. Numbers are held by the digits that are written:

    A float written with four or more decimals is rounded as printed: it may be off by half
    a unit of its last digit, plus ``SLACK`` units in the last place of its dtype
    (``COARSE_SLACK`` for float16 and bfloat16), since another processor may sum in another
    order. With fewer decimals it is exact, everywhere: it is the number that its dtype
    holds for these digits, and no digit claims more than that number has.
"""

import ast
import io
import re
import tokenize
from dataclasses import dataclass

ROUNDED = 4  # this many decimals, or more, mean "rounded as printed"
SLACK = 16  # units in the last place, for rounded numbers, on every device
COARSE_SLACK = 2  # the same for float16 and bfloat16


class ClaimError(Exception):
    """A trailing comment that is no claim, or a claim where none can stand."""


# --- in files that were not written for this checker ---------------------------

# A remark to a tool is a comment in every such file.
TOOL = re.compile(
    r"(?:noqa|type: ?ignore|type:|pragma|fmt:|yapf|isort|pylint|pyright|mypy|ruff|flake8|nosec"
    r"|noinspection|pytype|ty:|codespell|cspell|doctest:|todo|fixme|xxx|hack)\b.*",
    re.I | re.S,
)
_WORDS = r"(?:Error|Exception|Warning|Interrupt|Exit|Iteration|Group)"
# How only a claim begins. `tensor(s)` is a word, and `shape (B, C)` speaks of any B and C.
# Of 15,656 comments after code in 44 public repositories (November 2026) this takes 29: all
# speak of a value, five with words behind it. About 140 others give a bare shape, `# (1, 10)`,
# and 65 a value or `shape: ...`; such forms are as often no result, and are left to `#>`.
# In 13,958 other files, of 15 installed packages, it takes 14, which all speak of a value, too;
# 19 more stand on the head of a statement, a decorator for one, where `find` takes none.
BEGINS = re.compile(
    r"(?:tensor|array|Parameter)\((?=[\[\d'\"+-]|\.\d|nan|inf|True|False|\w*indices=)"
    r"|Parameter containing: tensor\(|torch\.Size\("
    r"|np\.(?:float|int|uint|complex|bool|str)\w*\(|np\.(?:True|False)_"
    r"|(?:shape|stride) \([\d, ]*(?:\)|$)"
    r"|dtype (?:torch\.)?(?:u?int|b?float|complex|bool)\w*"
    r"|(?:requires_grad|is_leaf|is_contiguous) (?:True|False)\b"
    r"|layout (?:torch\.)?(?:strided|sparse_\w+)|grad_fn \w+Backward\d"
    rf"|(?:\w+\.)*[A-Z]\w*{_WORDS}: "
)


def begins(text):
    """Whether a comment begins as only a claim does, and so must be one."""
    return BEGINS.match(text) is not None


@dataclass(frozen=True)
class Blank:
    """A comment that waits for its claim: ``#``, ``# ?`` or ``#>``."""


# --- versions ---------------------------------------------------------------

SINCE = re.compile(r"(.+?) since (\d+(?:\.\d+)*)(?:, |$)")
BEFORE = " before"
HOW_SINCE = "write both sides: `A since 2.14, B before`"


@dataclass(frozen=True)
class Branch:
    """One side of a claim, ``since`` a release of torch; None: before the others, or always."""

    since: str | None
    text: str
    body: "Raises | Facts | Value | Blank"

    @property
    def error(self):
        """Whether this side says that the statement raises or warns."""
        return isinstance(self.body, Raises)


def branches(comment):
    """Read the text of a trailing comment, without its ``#``.

    Returns:
        A tuple of Branch, newest release first; a claim without versions has one.
    Raises:
        ClaimError: the comment is no claim; the message says why.
    """
    text, found = comment.strip(), []
    quoted = re.fullmatch(r"(['\"]).*\1", text)  # a string may speak of releases, too
    while not quoted and (part := SINCE.match(text)):
        found.append(Branch(part[2], part[1], parse(part[1])))
        text = text[part.end() :]
    if not found:
        if text.endswith(BEFORE) and not EXCEPTION.fullmatch(text):
            raise ClaimError(f"`before` what? {HOW_SINCE}")
        return (Branch(None, text, parse(text)),)
    if not text.endswith(BEFORE):
        raise ClaimError(f"what held before {found[-1].since}? {HOW_SINCE}")
    text = text.removesuffix(BEFORE)
    releases = [release(branch.since) for branch in found]
    if releases != sorted(set(releases), reverse=True):
        raise ClaimError("the newest release comes first: `A since 2.14, B since 2.12, C before`")
    return (*found, Branch(None, text, parse(text)))


def release(version):
    """``2.14.1+cu130`` as ``(2, 14, 1)``, to be compared."""
    return tuple(int(number) for number in re.match(r"\d+(?:\.\d+)*", version)[0].split("."))


def active(sides, version):
    """The Branch that speaks of torch ``version``; the newest one if that is None."""
    for side in sides:
        if version is None or side.since is None or release(side.since) <= release(version):
            return side


# --- errors and warnings ----------------------------------------------------

NAME = r"(?:\w+\.)*[A-Z]\w*"
EXCEPTION = re.compile(rf"({NAME}): (.*)", re.S)
BARE = re.compile(
    rf"(?:\w+\.)*[A-Z]\w*{_WORDS}"
    r"|(?!torch\.|np\.)(?:\w+\.)+[A-Z]\w*"
)
# A quotation that leaves out one of these says the opposite of the message.
NEGATION = (
    r"\b(?:not|no|none|never|neither|nor|nothing|without|cannot|fail(?:s|ed)? to|lacks?|missing"
    r"|illegal|in(?:valid|correct|compatible)|impossible|hardly"
    r"|un(?!der|it|i[fqv]|ion|til)\w+|\w+n\\?['’]t)\b"
)
BEFORE_IT = re.compile(rf"{NEGATION}|\b(?:instead of|rather than)\b", re.I)
BEHIND_IT = re.compile(rf"\s*{NEGATION}", re.I)
CLAUSE = re.compile(r"[.,;:!?()]|\b(?:and|but|because|so)\b")
# A part of a message stands alone at both ends: no cut word, number or "can't".
START = r"(?<![\w\-])(?<!\w['’])(?<!\d[.,:/])(?<!\d, )"
STOP = r"(?![\w%]|\\?['’]\w|[.,:/]\d|-\w)"
LISTED = r"(?!, \d)"  # behind a number: no cut list


@dataclass(frozen=True)
class Raises:
    """``RuntimeError: text``, and warnings likewise. ``text`` is empty for an empty message."""

    name: str
    text: str

    @property
    def warning(self):
        """Whether it is warned of, not raised."""
        return self.name.endswith("Warning")


def is_error(comment):
    """Whether a claim of this text says, on its newest side, that the statement raises or warns."""
    try:
        return branches(comment)[0].error
    except ClaimError:
        return False


def fits(message, text):
    """Whether ``text``, with ``...`` for what is left out, quotes ``message`` fairly."""
    return misquoted(message, text) is None


def misquoted(message, text):
    """What is wrong with ``text`` as a quotation of ``message``; None if nothing is."""
    message, text = flat(message), flat(text)
    if message == text:
        return None
    if not text:
        return f"say part of the message {message!r}"
    parts = [part.strip() for part in text.split("...")]
    for part in parts:
        if part and len(re.findall(r"\w+", part)) < 2 and len(re.findall(r"[^\W\d_]", part)) < 8:
            return f"{part!r} is too short: quote two words or more of {message!r}"
    return _quoted([part for part in parts if part], message, 0)


def _quoted(parts, message, at):
    """Look for ``parts``, in order, behind the part that ends ``at``."""
    if not parts:
        return None
    part, *rest = parts
    left = START if re.match(r"\w", part) else ""
    right = STOP + LISTED * part[-1].isdigit() if re.search(r"\w$", part) else ""
    why = f"{part!r} is not in the message {message!r}"
    if part in message:
        why += " in whole words and numbers"
    for found in re.finditer(left + re.escape(part) + right, message[at:]):
        start, end = at + found.start(), at + found.end()
        if at:  # all that the dots leave out
            before = message[at:start]
        else:  # the few words before, in the same clause
            before = " ".join(CLAUSE.split(message[: start + 1])[-1].split()[-4:])
        lost = BEFORE_IT.search(before) or BEHIND_IT.match(message[end:])
        if lost:
            why = f"the quotation leaves out {lost[0].strip()!r} of {message!r}"
            continue
        why = _quoted(rest, message, end)
        if why is None:
            return None
    return why


def flat(message):
    """A message on one line, with one blank wherever it has white space."""
    return re.sub(r"\s+", " ", str(message)).strip()


# --- facts ------------------------------------------------------------------

FACT = re.compile(r"([a-z_]+) (\([^()]*\)|[^\s(),]+)(?:, (?=\S)|$)")
FACTS = (
    "shape", "dtype", "layout", "ndim", "numel", "stride", "is_contiguous", "is_leaf",
    "requires_grad", "grad_fn", "type", "len",
)  # fmt: skip
HOW_FACTS = "facts are written `shape (2, 3), dtype float32`"


@dataclass(frozen=True)
class Facts:
    """``shape (2, 3), dtype float32``."""

    facts: tuple[tuple[str, object], ...]


def _facts(text):
    facts, at = [], 0
    while found := FACT.match(text, at):
        if found[1] not in FACTS:
            return None
        try:
            value = ast.literal_eval(found[2])
        except (ValueError, SyntaxError):
            value = found[2].removeprefix("torch.")  # a bare word: float32, AddBackward0
            if value != found[2] or not value.isidentifier():
                raise ClaimError(f"{text!r}: {HOW_FACTS}, without torch. or variables") from None
        facts.append((found[1], value))
        at = found.end()
    if not facts or at != len(text):
        return None
    return Facts(tuple(facts))


# --- values -----------------------------------------------------------------

PRINTED = (  # as printed, and as it is read
    (re.compile(r"grad_fn=<(\w+)>"), r"grad_fn='\1'"),
    (re.compile(r"\bParameter containing: tensor\("), "Parameter("),
    (re.compile(r"\bdefaultdict\(<class '([\w.]+)'>"), r"defaultdict('\1'"),
)
DENSE = {"dtype", "requires_grad", "grad_fn", "size"}
SPARSE = DENSE | {
    "layout", "nnz", "indices", "values",
    "crow_indices", "col_indices", "ccol_indices", "row_indices",
}  # fmt: skip
KINDS = [bool, int, float, complex, str]
CONTAINERS = ("OrderedDict", "Counter", "defaultdict", "frozenset", "deque")
ADVICE = {  # calls that print so, and how to claim them
    "range": "claim list(...)", "slice": "claim its parts", "device": "claim str(x.device)",
    "dict_keys": "claim list(...)", "dict_values": "claim list(...)", "odict_keys": "claim list()",
    "dict_items": "claim list(...)", "odict_values": "claim list()", "odict_items": "claim list()",
    "Size": "write torch.Size([2, 3])", "Tensor": "write tensor(...)",
}  # fmt: skip


@dataclass(frozen=True)
class Value:
    """A literal or a tensor, kept as syntax so that the digits written are known."""

    node: ast.expr
    text: str

    def written(self, node):
        """The source of a part of it."""
        if self.text.isascii():
            return self.text[node.col_offset : node.end_col_offset]
        return self.text.encode()[node.col_offset : node.end_col_offset].decode()


def parse(text):
    """Read one side of a claim.

    Returns:
        Raises, Facts or Value.
    Raises:
        ClaimError: it is no claim; the message says why, and what to write instead.
    """
    text = text.strip()
    if error := EXCEPTION.fullmatch(text):
        if not re.search(r"\w", error[2].replace("...", "")):
            raise ClaimError(f"{error[1]} with no text claims nothing: say part of the message")
        return Raises(error[1], error[2].strip())
    if BARE.fullmatch(text):
        return Raises(text, "")
    if facts := _facts(text):
        return facts
    source = read(text)
    try:
        node = ast.parse(source, mode="eval").body
        tokens = tokenize.generate_tokens(io.StringIO(source).readline) if "#" in source else ()
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ClaimError(_advice(text)) from None
    if any(token.type == tokenize.COMMENT for token in tokens):
        raise ClaimError("one comment, one claim: nothing stands behind a second #")
    value = Value(node, source)
    try:
        _allow(node, value)
    except (TypeError, ValueError, AttributeError, RecursionError):  # -'a', and whatever else
        raise ClaimError(f"not a claim: {text!r}") from None
    return value


def read(text):
    """A value as Python reads it."""
    for printed, instead in PRINTED:
        text = printed.sub(instead, text)
    return text


def _advice(text):
    """Why a text that is no Python is no claim, as helpful as can be."""
    if re.match(r"noqa|type:|pragma|pylint|fmt:|ruff:|mypy:", text):
        return "a remark to a tool is no claim: configure the tool in pyproject.toml"
    if text.startswith("<class"):
        return "a class is claimed as torch.Tensor, or as `type Linear` of an instance"
    if re.match(r"(tensor|array|Parameter containing:|\[|\()", text) and (
        text.count("(") != text.count(")") or text.count("[") != text.count("]")
    ):
        return "a claim stands on one line: claim a smaller value, or facts"
    if re.match(rf"({'|'.join(FACTS)})\b", text):
        return f"{text!r}: {HOW_FACTS}, and nothing else beside them"
    return f"not a claim: {text!r}; words belong in the text block"


def _allow(node, value):
    """Raise ClaimError for anything but a literal as printed: no names, no computation."""

    def each(nodes):
        for inner in nodes:
            _allow(inner, value)

    match node:
        case ast.Constant(value=float() | complex()):
            return _number_written(value.written(node))
        case ast.Constant(value=inner) if inner is not ...:
            return
        case ast.Name(id="nan" | "inf"):
            return
        case ast.UnaryOp(op=ast.USub() | ast.UAdd(), operand=ast.Constant() | ast.Name() as inner):
            if not isinstance(getattr(inner, "value", None), bool):
                return _allow(inner, value)
        case ast.BinOp(op=ast.Add() | ast.Sub(), left=left, right=ast.Constant(value=complex())):
            return each([left, node.right])
        case ast.List(elts=parts) | ast.Tuple(elts=parts) | ast.Set(elts=parts):
            if any(isinstance(part, ast.Constant) and part.value is ... for part in parts):
                raise ClaimError("no `...` in a value: claim a slice, or facts")
            return each(parts)
        case ast.Dict(keys=keys, values=values) if None not in keys:
            return each((*keys, *values))
        case ast.Attribute():
            head = ast.unparse(node).split(".")
            if head[0] == "torch" or head in (["np", "True_"], ["np", "False_"]):
                return
            raise ClaimError(f"a claim uses no variable: {ast.unparse(node)}")
        case ast.Call(func=ast.Attribute(), args=[ast.List()], keywords=[]) if (
            ast.unparse(node.func) == "torch.Size"
        ):
            return _allow(node.args[0], value)
        case ast.Call(func=ast.Attribute(value=ast.Name(id="np")), args=[number], keywords=[]):
            return _allow(number, value)
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if name in CONTAINERS:
            return each(args)
        case ast.Call(func=ast.Name(id="tensor" | "array" | "Parameter" as kind)):
            return _allow_tensor(kind, node, value)
        case ast.Call(func=ast.Name(id=kind), args=[ast.List()]) if kind[0].isupper():
            # A subclass of Tensor prints its own name: BoundingBoxes([[1., 2., 3., 4.]])
            return _allow_tensor(kind, node, value)
        case ast.Call(func=function):
            name = ast.unparse(function)
            last = name.rpartition(".")[2]
            if name.startswith("torch.return_types"):
                raise ClaimError(f"{name}(...) is no literal: claim a tuple")
            if last in ADVICE or last[:1].isupper():
                advice = ADVICE.get(last, f"claim `type {last}`, a tuple of its fields, or repr()")
                raise ClaimError(f"{name}(...) is no literal: {advice}")
        case ast.Name(id=name):
            hint = f": say `dtype {name}`" if re.match(r"(u?int|b?float|complex)\d", name) else ""
            raise ClaimError(f"a claim uses no variable: {name}{hint}")
    raise ClaimError(f"a claim is a literal, not a computation: {ast.unparse(node)}")


def _number_written(text):
    """Refuse digits that a float does not hold, and an exponent that hides how coarse it is."""
    mantissa, _, exponent = text.lower().rstrip("j").replace("_", "").partition("e")
    if any(digit in mantissa for digit in "123456789"):
        number = abs(complex(text.replace("_", "")))
        if number == 0 or number == float("inf"):
            raise ClaimError(f"{text} is {number} to Python: no float has this value")
        if exponent and not re.match(r"[1-9](\.|$)", mantissa):
            raise ClaimError(f"{text}: one digit from 1 to 9 stands before the point, as printed")
    elif exponent and int(exponent):
        raise ClaimError(f"{text} is 0: write 0.")


def _allow_tensor(kind, node, value):
    said = {keyword.arg: keyword.value for keyword in node.keywords}
    if len(node.args) > 1 or None in said:
        raise ClaimError(f"{kind}(...) takes one list")
    if "device" in said:
        raise ClaimError("a claim names no device: it must hold on every one")
    allowed = {"dtype"} if kind == "array" else DENSE if node.args else SPARSE
    for name, inner in said.items():
        if name not in allowed:
            raise ClaimError(f"{kind}(...) has no {name}")
        if not (kind == "array" and isinstance(inner, ast.Name)):
            _allow(inner, value)
    if not node.args:
        if "values" not in said or "layout" not in said or kind == "array":
            raise ClaimError(f"{kind}() says no values")
        return
    _allow(node.args[0], value)
    _, numbers = leaves(node.args[0])
    widest(numbers)
    if "size" in said and (numbers or not isinstance(said["size"], (ast.Tuple, ast.Call))):
        raise ClaimError("size=... is said of a tensor without elements, as printed")


def literal(node):
    """The object that a literal writes."""
    match node:
        case ast.Name(id=name):
            return float(name)
        case ast.UnaryOp(op=ast.USub(), operand=inner):
            return -literal(inner)
        case ast.UnaryOp(operand=inner):
            return literal(inner)
        case ast.Call(args=[inner]):  # torch.Size([...])
            return tuple(literal(inner))
        case ast.Tuple(elts=parts) | ast.List(elts=parts):
            return tuple(map(literal, parts))
        case ast.Set(elts=parts):
            return set(map(literal, parts))
    return ast.literal_eval(node)


def leaves(node):
    """Shape and numbers of a nested list, as ``torch.tensor`` would read it."""
    if not isinstance(node, ast.List):
        return (), [node]
    parts = [leaves(element) for element in node.elts]
    shapes = {shape for shape, _ in parts}
    if len(shapes) > 1:
        raise ClaimError("a tensor's rows are of one length")
    inner = shapes.pop() if shapes else ()
    return (len(parts), *inner), [leaf for _, numbers in parts for leaf in numbers]


def widest(numbers):
    """bool, int, float, complex or str: the widest kind of the literals in a tensor."""
    scalar = (ast.Constant, ast.UnaryOp, ast.BinOp, ast.Name)
    if not numbers:
        return float
    kinds = {type(literal(one)) if isinstance(one, scalar) else None for one in numbers}
    if not kinds <= set(KINDS) or (len(kinds) > 1 and kinds & {bool, str}):
        raise ClaimError("a tensor holds numbers of one kind, or True and False")
    return max(kinds, key=KINDS.index)
