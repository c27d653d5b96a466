"""Give an example other seeds: what it claims must not hang on the one it was written with.

A seed is shifted where it is used, in the call that takes it. There a constant becomes
another constant and anything else, a name, an attribute or a sum, has the shift added.
So ``SEED = 0`` at the head of a file, a default of a function and ``for seed in range(3)``
are covered without a look at where the number came from, and none is shifted twice.
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
    own = _defined(tree)
    for call in calls:
        name = _name(call.func)
        if name in own:
            continue  # hands the seed on to a call that is shifted itself
        if name in TAKES_SEED and call.args and _plain(call.args[0]):
            call.args[0] = _shifted(call.args[0], by)
        for keyword in call.keywords:
            if keyword.arg in KEYWORDS and name != "dict" and _plain(keyword.value):
                keyword.value = _shifted(keyword.value, by)
    ast.fix_missing_locations(tree)


def _defined(tree):
    """The names of the functions, methods and classes that the example defines."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return {node.name for node in ast.walk(tree) if isinstance(node, kinds)}


def _name(function):
    """``c`` of a call to ``a.b.c``."""
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _plain(seed):
    """Whether this is a number to add to: not None, and not drawn from a seeded generator."""
    if isinstance(seed, ast.Constant):
        return type(seed.value) is int
    kinds = (ast.Call, ast.Starred, ast.Constant)
    return not any(
        isinstance(node, kinds) and not (isinstance(node, ast.Constant) and type(node.value) is int)
        for node in ast.walk(seed)
    )


def _shifted(seed, by):
    if isinstance(seed, ast.Constant):
        new = ast.Constant(seed.value + by)
    else:
        new = ast.BinOp(seed, ast.Add(), ast.Constant(by))
    return ast.copy_location(new, seed)
