"""Which variables stand where in a card, and what they held there. Needs no torch.

The checker notes after each statement at the top level of a card what the names in it hold; a
page shows that at each place where such a name stands. Both ask :func:`statements`.
"""

import ast
from dataclasses import dataclass

LOOPS = (ast.For, ast.AsyncFor, ast.While)
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
# Code with one of these gives something else on each run: a time, an address, a path, a number
# of a process or a port, a measurement, what else is installed here.
UNSTEADY = frozenset(
    "time perf_counter perf_counter_ns process_time monotonic datetime strftime timeit Timer"
    " benchmark blocked_autorange profile profiler record_function elapsed_time"
    " id hash data_ptr storage_ptr get_ident ident native_id urandom uuid4 secrets SystemRandom"
    " .seed initial_seed"
    " tempfile TemporaryDirectory NamedTemporaryFile mkdtemp mkstemp gettempdir getcwd cwd"
    " __file__ stat st_size st_mtime getpid getppid environ sys platform cpu_count"
    " psutil resource getrusage tracemalloc memory_allocated max_memory_allocated"
    " get_num_threads get_num_interop_threads get_cpu_capability __version__ __config__"
    " subprocess Popen socket getsockname port urlopen httpx threading Thread multiprocessing mp"
    " ThreadPoolExecutor ProcessPoolExecutor as_completed".split()
)


@dataclass(frozen=True)
class Statement:
    """A statement at the top level, and the variables in it."""

    node: ast.stmt
    line: int
    places: tuple  # (line, column, name, whether it is bound there)
    names: frozenset
    bound: frozenset
    compound: bool  # holds others: it binds a name perhaps more than once
    steady: frozenset  # names in it that hold the same on each run, as far as the code tells

    @property
    def before(self):
        """Names that it reads and then binds: what they held before it is shown, too."""
        read = {name for _line, _column, name, store in self.places if not store}
        return frozenset() if self.compound else self.bound & read


def statements(tree):
    """The statements at the top level of a parsed card that have variables, in order.

    Names inside of functions, lambdas and classes are no variables of the card, and those that
    a comprehension binds are none either.
    """
    found, changing = [], set()
    for node in tree.body:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            changing |= {
                alias.asname or alias.name.partition(".")[0]
                for alias in node.names
                if not UNSTEADY.isdisjoint([*alias.name.split("."), getattr(node, "module", "")])
            }
            continue
        finder = _Finder()
        finder.visit(node)
        names = {name for _line, _column, name, _store in finder.places}
        words = _words(node)
        if not UNSTEADY.isdisjoint(words) or not changing.isdisjoint(words):
            changing |= finder.bound | _touched(node)
        else:
            changing -= finder.bound
        if names:
            compound = hasattr(node, "body") and not isinstance(node, FUNCTIONS)
            several = compound and (
                bool(finder.bound) or any(isinstance(inner, LOOPS) for inner in ast.walk(node))
            )
            found.append(
                Statement(
                    node, node.lineno, tuple(finder.places), frozenset(names),
                    frozenset(finder.bound), several, frozenset(names - changing),
                )
            )  # fmt: skip
    return found


class _Finder(ast.NodeVisitor):
    """The variables of one statement."""

    def __init__(self):
        self.places, self.bound, self.hidden = [], set(), []

    def _note(self, name, line, column, store):
        if (
            name != "_"
            and not name.startswith("__")
            and not any(name in names for names in self.hidden)
        ):
            self.places.append((line, column, name, store))
            if store:
                self.bound.add(name)

    def visit_Name(self, node):
        store = isinstance(node.ctx, ast.Store)
        self._note(node.id, node.lineno, node.col_offset, store)

    def visit_Delete(self, node):
        pass  # what is gone holds nothing

    def visit_Lambda(self, node):
        for default in filter(None, [*node.args.defaults, *node.args.kw_defaults]):
            self.visit(default)

    def visit_FunctionDef(self, node):
        given = [*node.args.defaults, *node.args.kw_defaults] if hasattr(node, "args") else []
        given += [
            *getattr(node, "bases", ()),
            *(one.value for one in getattr(node, "keywords", ())),
        ]
        for part in filter(None, [*node.decorator_list, *given]):
            self.visit(part)
        word = {ast.ClassDef: "class ", ast.FunctionDef: "def "}.get(type(node), "async def ")
        self._note(node.name, node.lineno, node.col_offset + len(word), True)

    visit_AsyncFunctionDef = visit_ClassDef = visit_FunctionDef

    def _comprehension(self, node):
        targets = [part for one in node.generators for part in ast.walk(one.target)]
        self.hidden.append({part.id for part in targets if isinstance(part, ast.Name)})
        self.generic_visit(node)
        self.hidden.pop()

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = _comprehension


def _words(node):
    """All names and attributes in a statement, in the functions that it defines, too."""
    found = set()
    for inner in ast.walk(node):
        if isinstance(inner, ast.Name) and not isinstance(inner.ctx, ast.Store):
            found.add(inner.id)
        elif isinstance(inner, ast.Attribute):
            found |= {inner.attr, f".{inner.attr}"}
        elif isinstance(inner, ast.alias):
            found |= set(inner.name.split("."))
        elif isinstance(inner, ast.AugAssign) and isinstance(inner.target, ast.Name):
            found.add(inner.target.id)
    return found


def _touched(node):
    """Variables that a statement changes without binding them: ``times.append(...)``."""
    found = set()
    for inner in ast.walk(node):
        if isinstance(inner, ast.Expr) and isinstance(inner.value, ast.Call):
            part = inner.value.func
        elif isinstance(inner, (ast.Attribute, ast.Subscript)) and isinstance(inner.ctx, ast.Store):
            part = inner
        else:
            continue
        if isinstance(part, (ast.Attribute, ast.Subscript)):
            while isinstance(part, (ast.Attribute, ast.Subscript)):
                part = part.value
            if isinstance(part, ast.Name):
                found.add(part.id)
    return found


# --- notes ------------------------------------------------------------------


def compact(notes, line):
    """Notes as a record keeps them: each text once, a name again only where it changed.

    Args:
        notes: ``[line, name, text]`` in the order in which they were taken; a line is negative
            for what a name held before the statement there.
        line: the first one of the card: kept lines count from it, and from 1.
    Returns:
        ``{"texts": [...], "at": {name: [[line, number of the text], ...]}}``
    """
    texts, at, last = {}, {}, {}
    for where, name, text in notes:
        if last.get(name, "") != text:
            last[name] = text
            moved = where - line + 1 if where > 0 else where + line - 1
            at.setdefault(name, []).append([moved, texts.setdefault(text, len(texts))])
    return {"texts": list(texts), "at": at} if at else {}


def shown(code, kept):
    """What a page shows of a card's notes: ``{(line, column, name): (text, after)}``.

    Args:
        code: the card's source.
        kept: what :func:`compact` gave.
    Returns:
        Lines count from 1, columns are characters; ``after``: it is what the name held at the
        end of a block that may have changed it more than once.
    """
    found, lines = {}, code.split("\n")
    for statement in statements(ast.parse(code)):
        for line, column, name, store in statement.places:
            # A name that a statement reads and binds had another value where it is read.
            before = name in statement.before and not store
            number = None
            for where, text in kept["at"].get(name, ()):
                if abs(where) > statement.line or (before and where == statement.line):
                    break
                number = text
            if number is not None and (text := kept["texts"][number]):
                column = len(lines[line - 1].encode()[:column].decode(errors="ignore"))
                found[line, column, name] = text, statement.compound
    return found
