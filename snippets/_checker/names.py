"""Note which public names of torch, and of what stands around it, a card's own lines use.

Attribute look-ups and imported names are rewritten to report themselves. Unlike a
profiler or ``TorchFunctionMode`` this sees classes, constants, C methods and
properties alike, and nothing of what a library calls inside.
"""

import ast
import inspect
import sys
import types

import torch

PACKAGES = ("torch", "torchvision", "torchmetrics", "torchinfo", "wandb")
# Where a reader imports from, the shortest first: the name that the index shows.
NAMESPACES = (
    "torch", "torch.nn", "torch.nn.functional", "torch.optim", "torch.optim.lr_scheduler",
    "torch.utils.data", "torch.distributions", "torch.autograd", "torch.autograd.function",
    "torch.nn.utils", "torch.nn.utils.rnn", "torch.utils.data.distributed", "torch.profiler",
    "torch.utils.tensorboard", "torchvision.models", "torchvision.models.detection",
    "torchvision.ops", "torchmetrics", "torchinfo", "wandb",
)  # fmt: skip


def public(obj):
    """The name under which a reader finds a class or function, or None.

    ``torch.nn.modules.linear.Linear`` gives ``torch.nn.Linear``.
    """
    if obj is getattr(torch._C, "TensorBase", None):
        return "torch.Tensor"
    name = getattr(obj, "__qualname__", None)
    home = getattr(obj, "__module__", None)
    if not name or name.startswith("_") or not home or home.partition(".")[0] not in PACKAGES:
        return None
    parts = home.split(".")
    inner = (".".join(parts[:n]) for n in range(1, len(parts) + 1))
    for namespace in (*NAMESPACES, *inner):
        known = getattr(sys.modules.get(namespace), name, None) is obj
        if known and "._" not in namespace:
            return f"{namespace}.{name}"
    full = f"{home}.{name}"
    return None if "._" in full else full


def attribute(owner, name):
    """The public name of ``owner.name``, or None where there is none."""
    if name.startswith("_") and name != "__version__":
        return None
    if isinstance(owner, types.ModuleType):
        home = owner.__name__
        if home.partition(".")[0] not in PACKAGES or "._" in home:
            return None
        if isinstance(getattr(owner, name, None), types.ModuleType):
            return None
        return f"{home}.{name}"
    kind = owner if isinstance(owner, type) else type(owner)
    for base in kind.__mro__:
        if name in vars(base) or name in inspect.get_annotations(base):
            found = public(kind if base.__name__.startswith("_") else base)
            return found and f"{found}.{name}"
    theirs = kind.__module__.partition(".")[0] in PACKAGES
    if theirs and name in getattr(owner, "__dict__", ()):  # set by a constructor of theirs
        found = [public(base) for base in kind.__mro__ if public(base)]  # the family's first class
        return found[-1] + f".{name}" if found else None
    return None


class Tracer(ast.NodeTransformer):
    """Rewrites a tree so that it notes names, and collects them in ``names``."""

    NAME = "__proofsheet_names__"

    def __init__(self):
        self.names, self.tell = set(), None  # what is called once with each name, if anything
        self.imported = {}  # a name of the card, and where it is imported from
        self.seen = set()  # what a loop looks up again and again

    def instrument(self, tree, imports):
        """Return ``tree`` rewritten; ``imports`` is the source of the import cell.

        An example's imports stand in its tree.
        """
        for node in [*ast.walk(ast.parse(imports)), *ast.walk(tree)]:
            if isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    self.imported[alias.asname or alias.name] = f"{node.module}.{alias.name}"
        return self.visit(tree)

    def _report(self, method, node, *args):
        function = ast.Attribute(ast.Name(self.NAME, ast.Load()), method, ast.Load())
        return ast.copy_location(ast.Call(function, list(args), []), node)

    def visit_Attribute(self, node):
        own = isinstance(node.value, ast.Name) and node.value.id.startswith("__proofsheet")
        self.generic_visit(node)
        mangled = node.attr.startswith("__") and not node.attr.endswith("__")
        if own or mangled or not isinstance(node.ctx, ast.Load):
            return node
        return self._report("attribute", node, node.value, ast.Constant(node.attr))

    def visit_Call(self, node):
        self.generic_visit(node)
        match node:  # a name that is written; one out of a list of names is merely swept
            case ast.Call(ast.Name("getattr"), [_, ast.Constant(str())], []):
                return self._report("attribute", node, *node.args)
        return node

    def visit_match_case(self, node):
        node.body = [self.visit(statement) for statement in node.body]
        return node  # a pattern's names are syntax, not look-ups

    def visit_Name(self, node):
        if node.id not in self.imported or not isinstance(node.ctx, ast.Load):
            return node
        return self._report("imported_", node, node, ast.Constant(self.imported[node.id]))

    def attribute(self, owner, name):
        value = getattr(owner, name)  # a name that does not exist raises, and is not noted
        if torch.compiler.is_compiling():  # the graph is the card's own; older compilers break here
            return value
        plain = not isinstance(owner, (type, types.ModuleType))
        if plain and (type(owner), name) in self.seen:
            return value
        self._note(attribute(owner, name))
        if plain:
            self.seen.add((type(owner), name))
        return value

    def imported_(self, obj, path):
        if not torch.compiler.is_compiling():
            # A constant has no home of its own; it is known by where it is imported from.
            theirs = path.partition(".")[0] in PACKAGES and "._" not in path
            module = isinstance(obj, types.ModuleType)
            self._note(public(obj) or (path if theirs and not module else None))
        return obj

    def _note(self, name):
        if name and name not in self.names:
            self.names.add(name)
            if self.tell:
                self.tell(name)
