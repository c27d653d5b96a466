"""Give an example other seeds: what it claims must not hang on the one it was written with.

A seed is shifted in the call that takes it, whatever it is there: a constant becomes another
constant, and a parameter, an attribute or a sum has the shift added. So a default of a function
and ``for seed in range(3)`` need no look at where the number came from, and none is shifted
twice. The one exception is a constant of the module, ``SEED = 0``: that changes where it is
set, since an example may hand it to another process.
"""

import ast

# The first argument of a call to one of these is a seed.
TAKES_SEED = frozenset(
    "manual_seed manual_seed_all seed default_rng RandomState Random SeedSequence PCG64".split()
)
KEYWORDS = frozenset(["seed", "random_state"])


def shift(tree, by):
    """Shift all seeds of a parsed example, in place.

    Args:
        tree: what ``ast.parse`` gave.
        by: added to each seed; 0 changes nothing.
    """
    if not by:
        return
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    own, constants = _defined(tree), _constants(tree)
    moved = set()

    def shifted(seed):
        if isinstance(seed, ast.Constant):
            return ast.copy_location(ast.Constant(seed.value + by), seed)
        if isinstance(seed, ast.Name) and seed.id in constants:
            if seed.id not in moved:
                constants[seed.id].value += by
                moved.add(seed.id)
            return seed
        return ast.copy_location(ast.BinOp(seed, ast.Add(), ast.Constant(by)), seed)

    for call in calls:
        name, first = _name(call.func), 0
        if name == "partial" and call.args:  # what it will call stands before the seed
            name, first = _name(call.args[0]), 1
        if name in own or name == "dict":
            continue  # hands the seed on to a call that is shifted itself
        if name in TAKES_SEED and len(call.args) > first and _plain(call.args[first]):
            call.args[first] = shifted(call.args[first])
        for keyword in call.keywords:
            if keyword.arg in KEYWORDS and _plain(keyword.value):
                keyword.value = shifted(keyword.value)
    ast.fix_missing_locations(tree)


def _constants(tree):
    """``{name: node}`` of the whole numbers that a name of the module stands for throughout."""
    found, bound = {}, []
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            bound.append(node.id)
        elif isinstance(node, ast.arg):
            bound.append(node.arg)
    for node in tree.body:
        pairs = []
        if isinstance(node, ast.AnnAssign):
            pairs = [(node.target, node.value)]
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                parts = getattr(target, "elts", [target])
                values = node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]
                pairs += zip(parts, values, strict=False)
        for target, value in pairs:
            if isinstance(target, ast.Name) and bound.count(target.id) == 1:
                if isinstance(value, ast.Constant) and type(value.value) is int:
                    found[target.id] = value
    return found


def _defined(tree):
    """The names of the functions, methods and classes that the example defines."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return {node.name for node in ast.walk(tree) if isinstance(node, kinds)}


def _name(function):
    """``c`` of a call to ``a.b.c``."""
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _plain(seed):
    """Whether this is a number to add to: not None, and not drawn from a seeded generator."""
    return not any(
        isinstance(node, (ast.Call, ast.Starred))
        or (isinstance(node, ast.Constant) and type(node.value) is not int and node is seed)
        for node in ast.walk(seed)
    )
