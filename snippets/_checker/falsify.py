"""Falsify one API at a time, and see whether a claim notices: ``torchproof --mutate apis``.

A card's own look-ups of the name give something else: a result that is a little off, a method
that does nothing, a module with another output. What PyTorch looks up inside stays as it is. A
name that no claim notices is run by the reference, but not shown.
"""

import collections
import contextlib
import functools
import inspect
import types

import torch
from torch import nn

from . import execute, process, record, state
from .mutate import NOTICED
from .names import Tracer, attribute, public

REASONS = record.PROJECT / "tests" / "covered" / "unnoticed.tsv"
NOTHING = object()  # what cannot be falsified
OTHER_DTYPE = {torch.float32: torch.float64, torch.int64: torch.int32, torch.bool: torch.uint8}
OWN = (int, float, complex, str)


class Falsifier(Tracer):
    """Gives something else in place of one public name.

    Args:
        name: as ``names`` notes it, ``torch.Tensor.sum``.
        idle: leave its calls out, since they return nothing.
    """

    def __init__(self, name, idle=False):
        super().__init__()
        self.name, self.idle = name, idle
        self.used = self.gave = False  # whether it was called, and whether that gave a lie

    def attribute(self, owner, name):
        value = getattr(owner, name)
        if torch.compiler.is_compiling() or attribute(owner, name) != self.name:
            return value
        return self._instead(value, owner)

    def imported_(self, obj, path):
        if torch.compiler.is_compiling() or (public(obj) or path) != self.name:
            return obj
        return self._instead(obj, None)

    def _instead(self, value, owner):
        if isinstance(value, type):
            found = self._kind(value)
        elif callable(value) and not isinstance(value, nn.Module):
            found = self._call(value, owner)
        else:
            found = self._wrong(value)
        return value if found is NOTHING else found

    def _wrong(self, value):
        found = wrong(value)
        self.used, self.gave = True, self.gave or found is not NOTHING
        return value if found is NOTHING else found

    def _call(self, function, owner):
        @functools.wraps(function, updated=())
        def call(*args, **kwargs):
            self.used = True
            if self.idle:
                return None if isinstance(owner, types.ModuleType) else owner
            result = function(*args, **kwargs)
            if result is owner and isinstance(owner, torch.Tensor):
                with torch.no_grad():
                    off = wrong(owner.detach())
                    if off is not NOTHING and off.shape == owner.shape:
                        owner.detach().copy_(off)
                        self.gave = True
                        return owner
            if result is None or result is owner:
                return result
            return self._wrong(result)

        return call

    def _kind(self, kind):
        """A class whose instances do something else, with the name of the real one."""

        def method(name):
            real = getattr(kind, name)

            def call(instance, *args, **kwargs):
                self.used = True
                return self._wrong(real(instance, *args, **kwargs))

            return call

        def nothing(instance, *args, **kwargs):
            self.used = self.gave = True

        if issubclass(kind, torch.Tensor) and kind is not nn.Parameter:
            return NOTHING
        new = {}
        if hasattr(kind, "__enter__"):  # with it, or as a decorator
            new = {"__enter__": lambda one: one, "__exit__": nothing}
            new["__call__"] = lambda _, function: function
        elif issubclass(kind, torch.optim.Optimizer) or hasattr(kind, "get_last_lr"):
            new = {"step": nothing}
        else:
            names = ("__call__", "__getitem__", "__iter__", "__len__", *METHODS)
            for name in names:
                if inspect.isroutine(getattr(kind, name, None)):
                    new[name] = method(name)
        if not new or issubclass(kind, (torch.autograd.Function, BaseException)):
            return self._call(kind, None)
        with contextlib.suppress(TypeError):
            body = new | {"__module__": kind.__module__, "__qualname__": kind.__qualname__}
            return type(kind)(kind.__name__, (kind,), body)
        return NOTHING


# Of what is no module: distributions, their transforms, writers, timers.
METHODS = (
    *("sample", "rsample", "log_prob", "entropy", "cdf", "icdf", "log_abs_det_jacobian"),
    *("inv", "step", "update", "compute", "state_dict", "get", "set"),
)


def wrong(value):
    """Something like ``value`` that says something else, or NOTHING."""
    match value:
        case torch.Tensor():
            with contextlib.suppress(Exception):
                return _wrong_tensor(value)
        case bool():
            return not value
        case torch.Size():
            return torch.Size((*value[:-1], value[-1] + 1)) if value else torch.Size((1,))
        case torch.dtype():
            return OTHER_DTYPE.get(value, torch.float32)
        case torch.device():
            return torch.device("cpu" if value.type == "meta" else "meta")
        case str():
            return value + "x"
        case float() | complex():
            return value * 1.5 + 0.37
        case int():
            return value + 1
        case dict():
            return _filled(value, {key: wrong(one) for key, one in value.items()}.items())
        case list() | tuple():
            return _filled(value, enumerate(map(wrong, value)))
        case nn.Module():
            value.register_forward_hook(lambda _, __, output: _kept(output))
            return value
        case types.GeneratorType() | collections.abc.Iterator():
            return map(_kept, value)
    if type(value).__module__ == "numpy":
        return ~value if value.dtype == bool else value + 1
    if hasattr(value, "__enter__"):
        return contextlib.nullcontext(value)
    if callable(value) and not isinstance(value, type):
        return functools.wraps(value, updated=())(lambda *a, **k: _kept(value(*a, **k)))
    return NOTHING


def _kept(value):
    found = wrong(value)
    return value if found is NOTHING else found


def _filled(value, found):
    """A container like ``value`` with what could be falsified in it."""
    found = dict(found)
    if all(one is NOTHING for one in found.values()):
        return value[:-1] if isinstance(value, (list, tuple)) and value else NOTHING
    if isinstance(value, dict):
        same = {key: value[key] if one is NOTHING else one for key, one in found.items()}
        return same if type(value) is dict else type(value)(same)
    items = [old if new is NOTHING else new for old, new in zip(value, found.values(), strict=True)]
    if hasattr(value, "_fields"):
        return type(value)(*items)
    return type(value)(items)


def _wrong_tensor(value):
    if value.is_sparse:
        value = value.coalesce()
        other = _wrong_tensor(value.values())
        return torch.sparse_coo_tensor(value.indices(), other, value.shape, check_invariants=False)
    if value.is_meta or not value.numel():
        return value.unsqueeze(0) if value.numel() else value.new_ones((*value.shape[:-1], 1))
    if value.dtype == torch.bool:
        return ~value
    if value.is_floating_point() or value.is_complex():
        return value * 1.5 + 0.37
    return value + 1


def in_card(unit, path, seed, device, names):
    """Task: run a card once for each of the names given for it.

    Args:
        names: ``{name of a card: list of public names}``.
    Returns:
        ``{name: "noticed", "crashed", "unnoticed" or "unused"}``
    """
    found = {}
    for name in names[unit.name]:
        for idle in (False, True):
            tracer = Falsifier(name, idle)
            with state.guarded(seed):
                outcome = execute.run(unit, path, tracer=tracer)
            if idle or tracer.gave or not tracer.used:
                break  # what gave nothing that could be falsified is left out in a second run
        said = [text for _, text in outcome.failures]
        if any(text.startswith(NOTICED) for text in said):
            found[name] = "noticed"
        elif said:
            found[name] = "crashed"
        else:
            found[name] = "unnoticed" if tracer.used else "unused"
    return found


def main(modules, options, tries=4):
    """Print which names no claim notices; return 1 if one of them has no reason in REASONS.

    The records say which cards run a name. Those that name it in the title are asked first,
    then the shortest, ``tries`` of them at the most.
    """
    modules = [module for module in modules if not module.example]
    known = record.Records(options.records)
    places = collections.defaultdict(list)
    for module in modules:
        for unit in module.units():
            for entry in known.of(module, unit)[:1]:
                for name in entry.get("apis", ()):
                    titled = name.rpartition(".")[2] in unit.title
                    places[name].append((not titled, len(unit.code), module, unit))
    fate = dict.fromkeys(places, "unused")
    for turn in range(tries):
        todo = collections.defaultdict(lambda: collections.defaultdict(list))
        for name, some in places.items():
            if fate[name] != "noticed" and turn < len(some):
                *_, module, unit = sorted(some, key=lambda one: one[:2])[turn]
                todo[module][unit.name].append(name)
        jobs = [
            process.Job(
                module.path,
                "cpu",
                [(unit, 0) for unit in module.units() if unit.name in names],
                functools.partial(in_card, names=dict(names)),
            )
            for module, names in todo.items()
        ]
        imports = sorted({module.imports for module in todo})
        for job, unit, seed in process.run(
            jobs, options.workers, limit=10 * options.limit, imports=imports
        ):
            for name, what in (job.results.get((unit.name, seed)) or {}).items():
                if fate[name] != "unnoticed" or what == "noticed":
                    fate[name] = what
    reasons = _reasons()
    bare = [name for name, what in fate.items() if what == "unnoticed" and name not in reasons]
    for name, what in sorted(fate.items()):
        if what != "noticed":
            print(f"{what}: {name}" + f" ({reasons[name]})" * (name in reasons))
    for name in reasons.keys() & {name for name, what in fate.items() if what == "noticed"}:
        print(f"noticed, and has a reason not to be: {name}")
    count = ", ".join(f"{n} {what}" for what, n in collections.Counter(fate.values()).items())
    print(f"apis: {len(fate)} names: {count}; {len(bare)} unnoticed without a reason")
    return int(bool(bare or not fate))


def _reasons():
    """Names that no claim can notice, and why, from a table with a line of heads."""
    if not REASONS.exists():
        return {}
    lines = REASONS.read_text(encoding="utf-8").splitlines()[1:]
    return dict(line.split("\t") for line in lines)
