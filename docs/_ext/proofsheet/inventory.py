"""What takes the installed PyTorch; nothing else here imports it.

``python -m proofsheet answer`` answers what :mod:`.apis` asks about names.
``python -m proofsheet inventory`` writes ``docs/torch.inv``, by hand after a new PyTorch.

A Sphinx inventory says which name is described on which page. PyTorch's own lies on its
site; this one is made from the installed PyTorch by the rules that its documentation
follows, so that a build needs no network. PyTorch's ``test_docs_coverage.py`` holds the
main rule: each public function of ``torch`` with a docstring has a page, but for a list
of exceptions.
"""

import functools
import importlib
import inspect
import json
import sys
import types
import zlib

import torch
import torch.nn.functional as functional
import torch.nn.utils.rnn
from torch import nn, optim

from . import records

PAGE = "generated/{}.html#{}"
# Functions with a docstring that are bound to ``torch`` but described elsewhere or nowhere.
ELSEWHERE = set(
    """
    as_strided_scatter empty_permuted fork hash_tensor hspmm import_ir_module
    import_ir_module_from_buffer init_num_threads is_inference merge_type_from_type_comment
    nonzero_static parse_ir parse_schema parse_type_comment quantize_per_tensor_dynamic
    segment_reduce smm sparse_compressed_tensor sspaddmm thread_safe_generator to_dlpack typename
    unify_type_list unsafe_chunk unsafe_split wait while_loop
    """.split()
)
# Classes and what else has no rule: name -> page.
SINGLE = {
    "torch.Tensor": "tensors.html#torch.Tensor",
    "torch.Size": "size.html#torch.Size",
    "torch.dtype": "tensor_attributes.html#torch.dtype",
    "torch.device": "tensor_attributes.html#torch.device",
    "torch.layout": "tensor_attributes.html#torch.layout",
    "torch.memory_format": "tensor_attributes.html#torch.memory_format",
    "torch.finfo": "type_info.html#torch.finfo",
    "torch.iinfo": "type_info.html#torch.iinfo",
    "torch.Generator": PAGE.format("torch.Generator", "torch.Generator"),
    "torch.no_grad": PAGE.format("torch.no_grad", "torch.no_grad"),
    "torch.enable_grad": PAGE.format("torch.enable_grad", "torch.enable_grad"),
    **{
        f"torch.{name}": PAGE.format(
            f"torch.autograd.grad_mode.{name}", f"torch.autograd.grad_mode.{name}"
        )
        for name in ("inference_mode", "set_grad_enabled")
    },
    "torch.Tensor.dtype": "tensor_attributes.html#torch.dtype",
    "torch.Tensor.layout": "tensor_attributes.html#torch.layout",
    "torch.autograd.Function": "autograd.html#torch.autograd.Function",
    "torch.autograd.gradcheck": PAGE.format(*["torch.autograd.gradcheck.gradcheck"] * 2),
}
# Namespaces whose own list says more than the documentation's rules below.
LISTED = ("torch.autograd", "torch.func", "torch.distributions", "torch.utils.data")
PAGES = {"utils.checkpoint": "checkpoint"}
# Functions with a page of their own, in namespaces that have others without.
FUNCTIONS = {
    "torch.autograd": "backward grad",
    "torch.autograd.functional": "jacobian hessian vjp jvp vhp hvp",
    "torch.func": "grad vjp jvp jacrev jacfwd hessian vmap functional_call",
    "torch.nn.utils": "clip_grad_norm_ clip_grad_value_ get_total_norm parameters_to_vector "
    "vector_to_parameters skip_init",
}
MODULES = (
    "torch torch.autograd torch.distributions torch.fft torch.func torch.linalg torch.nn"
    " torch.nn.functional torch.nn.init torch.optim torch.random torch.sparse torch.special"
    " torch.testing torch.utils.data"
)


def documented(module, keep=lambda obj: True):
    """Names of ``module`` that have a docstring and no underscore in front, if ``keep`` agrees."""
    for name in sorted(dir(module)):
        obj = getattr(module, name, None)
        if not name.startswith("_") and getattr(obj, "__doc__", None) and keep(obj):
            yield name


def is_function(obj):
    """Is it a function of Python, C or a wrapper of one?"""
    return "function" in type(obj).__name__


def subclasses(*bases):
    """Admits subclasses of ``bases``."""
    return lambda obj: inspect.isclass(obj) and issubclass(obj, bases)


@functools.cache
def names():
    """Every name with the place where it is described: ``{name: (kind, page)}``."""
    found = {}

    def add(kind, name, page=None):
        found[name] = (kind, page or PAGE.format(name, name))

    for name in documented(torch, is_function):
        twin = hasattr(functional, name) and name not in ("sigmoid", "softmax", "tanh")
        spare = name.endswith(("_", "_copy")) and name not in ("index_copy", "narrow_copy")
        if not (twin or spare or name in ELSEWHERE):
            add("function", f"torch.{name}")
    for name in documented(torch.Tensor):
        add("method", f"torch.Tensor.{name}")
    for name in documented(nn, subclasses(nn.Module)):
        if name not in ("Container", "CrossMapLRN2d", "NLLLoss2d", "RNNCellBase"):
            add("class", f"torch.nn.{name}")
    add("class", "torch.nn.Parameter", PAGE.format(*["torch.nn.parameter.Parameter"] * 2))
    for name in documented(nn.Module, is_function):
        add("method", f"torch.nn.Module.{name}",
            f"generated/torch.nn.Module.html#torch.nn.Module.{name}")  # fmt: skip
    for name in documented(functional, is_function):
        if not name.endswith(("_", "_with_indices")) and hasattr(functional, name):
            if getattr(getattr(functional, name), "__module__", "") != "torch.overrides":
                add("function", f"torch.nn.functional.{name}")
    for name in documented(nn.init, is_function):
        if name.endswith("_") or name == "calculate_gain":
            add("function", f"torch.nn.init.{name}", f"nn.init.html#torch.nn.init.{name}")
    for name in torch.nn.utils.rnn.__all__:
        if name != "invert_permutation":
            add("function", f"torch.nn.utils.rnn.{name}")
    for name in documented(optim, subclasses(optim.Optimizer)):
        page = f"optim.html#torch.optim.{name}" if name == "Optimizer" else None
        add("class", f"torch.optim.{name}", page)
    for name in optim.lr_scheduler.__all__:
        add("class", f"torch.optim.lr_scheduler.{name}")
    for space in ("linalg", "fft"):
        for name in documented(getattr(torch, space), is_function):
            add("function", f"torch.{space}.{name}")
    for name in documented(torch.special, is_function):
        add("function", f"torch.special.{name}", f"special.html#torch.special.{name}")
    for name in torch.utils.data.__all__:
        obj = getattr(torch.utils.data, name)
        if not name.startswith("_") and "datapipes" not in obj.__module__:
            full = f"torch.utils.data.{name}"
            if "distributed" in obj.__module__:
                full = f"torch.utils.data.distributed.{name}"
            kind = "class" if inspect.isclass(obj) else "function"
            add(kind, f"torch.utils.data.{name}", f"data.html#{full}")
    for name in torch.distributions.__all__:
        obj = getattr(torch.distributions, name)
        if inspect.isclass(obj) and obj.__module__.startswith("torch.distributions."):
            full = f"{obj.__module__}.{name}"
            add("class", f"torch.distributions.{name}", f"distributions.html#{full}")
            for method in sorted(vars(obj)):
                known = method in ("sample", "rsample", "log_prob", "entropy", "cdf", "icdf")
                if known or method in ("mean", "variance", "stddev", "mode"):
                    add("method", f"torch.distributions.{name}.{method}",
                        f"distributions.html#{full}.{method}")  # fmt: skip
    for space, listed in FUNCTIONS.items():
        for name in listed.split():
            add("function", f"{space}.{name}")
    for space in ("random", "testing", "utils.checkpoint", "nn.attention"):
        module = importlib.import_module(f"torch.{space}")
        names = getattr(module, "__all__", None) or documented(module, is_function)
        for name in names:
            full = f"torch.{space}.{name}"
            add("function", full, f"{PAGES.get(space, space)}.html#{full}")
    for name in documented(torch.cuda, is_function):
        add("function", f"torch.cuda.{name}")
    for name in MODULES.split():
        page = "data" if name == "torch.utils.data" else name.removeprefix("torch.")
        add("module", name, f"{page}.html#module-{name}")
    for name, page in SINGLE.items():
        add("method" if name.startswith("torch.Tensor.") else "class", name, page)
    for name in dir(torch):
        if isinstance(getattr(torch, name), torch.dtype):
            add("data", f"torch.{name}", "tensor_attributes.html#torch.dtype")
    return found


def find(name):
    """The object called ``name``; of an attribute that only instances have, its annotation.

    Raises:
        ImportError: there is none.
    """
    head, *rest = name.split(".")
    found, path = importlib.import_module(head), head
    for part in rest:
        path = f"{path}.{part}"
        annotations = getattr(found, "__annotations__", {})
        if hasattr(found, part):
            found = getattr(found, part)
        else:
            found = annotations[part] if part in annotations else importlib.import_module(path)
    return found


def exists(name):
    """Does PyTorch have an attribute of this name?"""
    try:
        find(name)
    except ImportError:
        return False
    return True


def public(space):
    """Full names of the public callables of ``space``: a module, or ``torch.Tensor``.

    PyTorch's documentation says what is public, and for what it does not list the module itself.
    """
    if space not in LISTED:
        found = [name for name in names() if name.rpartition(".")[0] == space]
        if found and (space == "torch.Tensor" or isinstance(find(space), types.ModuleType)):
            kinds = ("function", "class", "method")
            return [n for n in found if names()[n][0] in kinds and callable(find(n))]
    module = find(space) if exists(space) else None
    if not isinstance(module, types.ModuleType):
        return []
    return [f"{space}.{name}" for name in _own(module)]


def _own(module):
    """What ``module`` lists as its names; without a list, the callables of its package."""
    package = module.__name__.partition(".")[0]
    for name in getattr(module, "__all__", None) or dir(module):
        obj = getattr(module, name, None)
        home = getattr(obj, "__module__", None) or ""
        if callable(obj) and home.startswith(package) and "datapipes" not in home:
            if not name.startswith("_") and not isinstance(obj, types.ModuleType):
                yield name


def answer():
    """Answer the questions that come as JSON: which names exist, what is public in a namespace."""
    asked = json.load(sys.stdin)
    exist = {name: exists(name) for name in asked["exists"]}
    spaces = {space: sorted(public(space)) for space in asked["public"]}
    json.dump({"exists": exist, "public": spaces}, sys.stdout)


def main():
    """Write the inventory."""
    lines = [f"{name} py:{kind} 1 {page} -" for name, (kind, page) in sorted(names().items())]
    head = (
        "# Sphinx inventory version 2\n# Project: PyTorch\n# Version: \n"
        "# The remainder of this file is compressed using zlib.\n"
    )
    data = zlib.compress("\n".join(lines).encode() + b"\n", 9)
    (records.ROOT / "docs" / "torch.inv").write_bytes(head.encode() + data)
    print(f"docs/torch.inv: {len(lines)} names, torch {torch.__version__}")
