"""What a variable holds, in one line: the facts that a claim would state, and a short value.

Looking must change nothing that a card could see. So nothing here computes with a tensor, no
code of the card is called, and what is not known to be harmless gives its type alone.
"""

import collections
import inspect
import math
import re
import sys
import types
from contextlib import suppress

import torch
from torch import nn
from torch.optim.lr_scheduler import LRScheduler
from torch.utils.data import DataLoader, Subset, TensorDataset

NUMBERS = 20  # of a tensor, up to which its values are shown
PARTS = 8  # of a list or a module
LENGTH = 200  # characters of a value
WRITTEN = {str, int, bool, complex, type(None), type(...), torch.dtype, torch.device, range}
TENSORS = {torch.Tensor, nn.Parameter, nn.Buffer}
LISTS = {list: "[]", tuple: "()", set: "{}", frozenset: "{}", collections.deque: "[]"}
DICTS = {dict, collections.OrderedDict, collections.defaultdict, collections.Counter}
# A path, an address of an object, an address of a host.
OWN = re.compile(r"/[\w.@+-]+/|\b0x[0-9a-f]{5,}|\b[a-z]+://|\b\d+\.\d+\.\d+\.\d+")


def describe(obj, steady=True):
    """What ``obj`` is: its facts, and behind a tab its value if that is short. None: not shown.

    Args:
        obj: anything that a card holds.
        steady: is it the same on each run? Otherwise only what surely is.
    """
    kind = type(obj)
    if kind is types.ModuleType or type in kind.__mro__ or kind is types.BuiltinFunctionType:
        return None  # its name says it all, and links to the documentation
    try:
        with torch._C.DisableTorchFunction():
            facts, value = _look(obj, kind)
    except Exception:  # no storage, no shape, freed, closed
        facts, value = kind.__name__, ""
    if facts is None:
        return None
    if not steady:
        if kind not in TENSORS and nn.Module not in kind.__mro__:
            facts = facts.partition(", ")[0]
        value = ""
    value = "" if not value or OWN.search(value) else _cut(" ".join(value.split()))
    return f"{facts}\t{value}" if value else facts


def _cut(text, length=LENGTH):
    return text if len(text) <= length else text[: length - 1] + "…"


def _look(obj, kind):
    """``(facts, value)``."""
    if torch.Tensor in kind.__mro__:
        return _tensor(obj, kind)
    if kind in WRITTEN or kind is float:
        return ("None", "") if obj is None else (_name(kind), _short(obj, kind))
    if kind in LISTS or kind in DICTS:
        return f"{kind.__name__}, len {len(obj)}", _short(obj, kind)
    if kind is torch.Size or kind.__module__ == "torch.return_types":
        return f"{kind.__module__}.{kind.__name__}", _short(obj, kind)
    if kind is types.FunctionType:
        return _function(obj)
    if nn.Module in kind.__mro__:
        return _module(obj, kind)
    if torch.optim.Optimizer in kind.__mro__:
        return kind.__name__ + _rate(group["lr"] for group in obj.param_groups), ""
    if LRScheduler in kind.__mro__:
        return kind.__name__ + _rate(vars(obj).get("_last_lr", ())), ""
    if kind is DataLoader:
        return f"DataLoader, batch_size {obj.batch_size}", type(obj.dataset).__name__
    if kind is TensorDataset:
        return f"TensorDataset, len {obj.tensors[0].shape[0]}", ""
    if kind is Subset and type(obj.indices) in (list, range):
        return f"Subset, len {len(obj.indices)}", ""
    return _array(obj, kind)


def _name(kind):
    return f"torch.{kind.__name__}" if kind.__module__.startswith("torch") else kind.__name__


def _tensor(obj, kind):
    wrapped = torch._C._functorch.is_functorch_wrapped_tensor(obj)
    plain = kind in TENSORS and not wrapped
    if not plain and (wrapped or kind.__torch_dispatch__ is not torch.Tensor.__torch_dispatch__):
        return kind.__name__, ""
    if obj.is_nested:
        return "nested tensor", ""
    facts = f"shape {tuple(obj.shape)}, dtype {str(obj.dtype)[6:]}"
    if obj.layout is not torch.strided:
        facts += f", layout {str(obj.layout)[6:]}"
    if obj.device.type != "cpu":
        facts += f", device {obj.device}"
    if obj.requires_grad:
        facts += ", requires_grad True"
    if kind is not torch.Tensor:
        facts = f"{kind.__name__}, {facts}"
    value = ""
    if plain and _readable(obj):
        with suppress(RuntimeError):  # memory that was given back
            value = _numbers(obj)
    return facts, value


def _readable(obj):
    """Whether its numbers can be read from memory, and nothing that watches would see it."""
    return (
        obj.device.type == "cpu"
        and obj.layout is torch.strided
        and obj.numel() <= NUMBERS
        and not (obj.is_quantized or obj.is_conj() or obj.is_neg())
        and not torch._C._len_torch_dispatch_stack()
        and not torch._C._autograd._profiler_enabled()
    )


def _numbers(obj):
    """The numbers of a tensor or an array as PyTorch prints them."""
    values = obj.tolist()
    flat = list(_flat(values))
    write = str
    if flat and type(flat[0]) is float:
        write = _writer(flat)
    elif flat and type(flat[0]) is complex:
        parts = _writer([part for one in flat for part in (one.real, one.imag)])

        def write(one):
            sign = "" if one.imag < 0 else "+"
            return f"{parts(one.real)}{sign}{parts(one.imag)}j"

    return _nested(values, write)


def _flat(values):
    if type(values) is list:
        for part in values:
            yield from _flat(part)
    else:
        yield values


def _nested(values, write):
    if type(values) is list:
        return f"[{', '.join(_nested(part, write) for part in values)}]"
    return write(values)


def _writer(numbers):
    """How PyTorch would write floats that stand together."""
    finite = [abs(one) for one in numbers if math.isfinite(one) and one]
    low, high = min(finite, default=1.0), max(finite, default=1.0)
    whole = all(one.is_integer() for one in finite)
    if high > 1e8 or high / low > 1000 or (low < 1e-4 and not whole):
        return lambda one: f"{one:.4e}" if math.isfinite(one) else str(one)
    digits = "{:.0f}." if whole else "{:.4f}"
    return lambda one: digits.format(one) if math.isfinite(one) else str(one)


def _short(obj, kind, depth=2):
    """A value in a line; of a container the first parts."""
    if kind is str:
        return repr(_cut(obj, 60))
    if kind is float:
        text = repr(obj)
        return text if len(text) < 8 else _writer([obj])(obj)
    if kind in WRITTEN:
        return repr(obj) if kind is not int or abs(obj) < 10**30 else "int"
    if kind is torch.Size:
        return f"torch.Size({list(tuple.__iter__(obj))})"
    if kind in LISTS or kind.__module__ == "torch.return_types":
        if not depth:
            return "…"
        start, end = LISTS.get(kind, "()")
        base = kind if kind in LISTS else tuple
        parts = [
            _part(one, depth) for one, _ in zip(base.__iter__(obj), range(PARTS), strict=False)
        ]
        if kind in (set, frozenset):  # whose order is another one in each process
            parts = sorted(parts) if len(obj) <= PARTS else []
        more = ["…"] * (base.__len__(obj) > len(parts))
        comma = "," if kind is tuple and len(parts) == 1 and not more else ""
        return f"{start}{', '.join(parts + more)}{comma}{end}"
    if kind in DICTS:
        if not depth:
            return "…"
        pairs = zip(kind.items(obj), range(PARTS), strict=False)
        parts = [f"{_part(key, depth)}: {_part(one, depth)}" for (key, one), _ in pairs]
        return f"{{{', '.join(parts + ['…'] * (len(obj) > PARTS))}}}"
    return _look(obj, kind)[0] or kind.__name__


def _part(obj, depth):
    """A part of a container: a tensor by its numbers if they are few, else by its shape."""
    kind = type(obj)
    if torch.Tensor in kind.__mro__:
        facts, value = _tensor(obj, kind)
        if value and obj.numel() <= 4:
            return f"tensor({value})"
        return re.sub(r"^.*?shape (\([\d, ]*\)).*", r"shape \1", facts)
    return _short(obj, kind, depth - 1)


def _function(obj):
    """A function of the card, with its arguments."""
    if obj.__module__ != "__main__":
        return None, ""
    for _ in range(PARTS):  # what a decorator wraps
        obj = vars(obj).get("__wrapped__", obj)
    code = obj.__code__
    if code.co_name == "<lambda>":
        return "function", ""
    names, plain = list(code.co_varnames), code.co_argcount + code.co_kwonlyargcount
    stars = ["*"] * bool(code.co_flags & inspect.CO_VARARGS)
    stars += ["**"] * bool(code.co_flags & inspect.CO_VARKEYWORDS)
    more = [star + name for star, name in zip(stars, names[plain:], strict=False)]
    return "function", f"{code.co_name}({', '.join(names[:plain] + more)})"


def _module(obj, kind):
    """A module with the number of its parameters, and its layers."""
    owned, children = {}, vars(obj)["_modules"]
    waiting = [obj]
    while waiting:
        module = waiting.pop()
        waiting += [one for one in vars(module)["_modules"].values() if one is not None]
        owned |= {id(one): one for one in vars(module)["_parameters"].values() if one is not None}
    facts = kind.__name__
    if all(type(one) in TENSORS and not one.is_nested for one in owned.values()):
        total = sum(one.numel() for one in owned.values())
        facts += f", parameters {total:,}" if owned else ""
    if not children:
        layer = _layer(obj, kind)
        return facts, "" if layer.endswith(("()", kind.__name__)) else layer
    parts = []
    for name, child in list(children.items())[:PARTS]:
        label = "" if name.isdigit() else f"{name}: "
        parts.append(label + (_layer(child, type(child)) if child is not None else "None"))
    return facts, ", ".join(parts + ["…"] * (len(children) > PARTS))


def _printable(kind):
    """Whether a module is PyTorch's own, so that what it says of itself may be asked for."""
    return kind.__module__.startswith("torch.nn.modules.")


def _layer(module, kind):
    if not _printable(kind) or vars(module)["_modules"]:
        return kind.__name__
    said = " ".join(kind.extra_repr(module).split())
    said = re.sub(r"\b(in|out)_(features|channels)=|, bias=True$|, inplace=False", "", said)
    return f"{kind.__name__}({said})"


def _rate(rates):
    """The learning rates, each once."""
    rates = list(dict.fromkeys(rates))
    plain = rates and all(type(one) in (int, float) for one in rates)
    return f", lr {', '.join(_short(one, type(one)) for one in rates)}" if plain else ""


def _array(obj, kind):
    """NumPy's arrays and numbers; of all else the type."""
    numpy = sys.modules.get("numpy")
    if numpy and kind is numpy.ndarray:
        facts = f"ndarray, shape {obj.shape}, dtype {obj.dtype}"
        few = obj.size <= NUMBERS and obj.dtype.kind in "biufc"
        return facts, _numbers(obj) if few else ""
    if numpy and numpy.generic in kind.__mro__ and kind.__module__ == "numpy":
        value = obj.item()
        return f"numpy.{kind.__name__}", _short(value, type(value))
    return kind.__name__, ""
