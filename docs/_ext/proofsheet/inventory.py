"""What PyTorch's documentation lists, and what the installed PyTorch says of names.

``python -m proofsheet.inventory`` answers what :mod:`.apis` asks. It takes the import of torch,
and so a process of its own.
"""

import importlib
import json
import sys
from functools import cache
from types import ModuleType

from sphinx.util.inventory import InventoryFile

from . import records

# Namespaces whose own list says more than the inventory.
LISTED = ("torch.autograd", "torch.func", "torch.distributions", "torch.utils.data")


@cache
def documented():
    """Every name in ``docs/torch.inv``: its kind and the address of its page."""
    content = (records.ROOT / "docs" / "torch.inv").read_bytes()
    inventory = InventoryFile.loads(content, uri="https://docs.pytorch.org/docs/stable/")
    return {
        name: (kind.removeprefix("py:"), item.uri)
        for kind, items in sorted(inventory.data.items())
        for name, item in items.items()
        if kind.startswith("py:")
    }


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
    home = find(space) if exists(space) else None
    if space != "torch.Tensor" and not isinstance(home, ModuleType):
        return []
    listed = {n: kind for n, (kind, _) in documented().items() if n.rpartition(".")[0] == space}
    if not listed or space in LISTED:
        return sorted(f"{space}.{name}" for name in _own(home))
    found = [n for n, kind in listed.items() if kind in ("function", "class", "method")]
    return sorted(name for name in found if exists(name) and callable(find(name)))


def _own(module):
    """What ``module`` lists as its names; without a list, the callables of its package."""
    package = module.__name__.partition(".")[0]
    for name in getattr(module, "__all__", None) or dir(module):
        obj = getattr(module, name, None)
        home = getattr(obj, "__module__", None) or ""
        if callable(obj) and home.startswith(package) and "datapipes" not in home:
            if not name.startswith("_") and not isinstance(obj, ModuleType):
                yield name


if __name__ == "__main__":
    asked = json.load(sys.stdin)
    exist = {name: exists(name) for name in asked["exists"]}
    spaces = {space: public(space) for space in asked["public"]}
    json.dump({"exists": exist, "public": spaces}, sys.stdout)
