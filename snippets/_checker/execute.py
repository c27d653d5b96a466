"""Run one card and hold every claim in it against what comes out."""

import ast
import io
import sys
import time
import tokenize
import types
import warnings
from contextlib import suppress
from dataclasses import dataclass, field

from . import claims as grammar
from .apis import Tracer
from .claims import ClaimError, Facts, Mismatch, Raises, Value, describe
from .record import OPTIONAL, Outcome

HOOK = "__proofsheet__"


@dataclass
class Claim:
    """A claim where it stands: ``body`` says what, ``statement`` of what."""

    line: int
    text: str
    body: Raises | Facts | Value
    statement: ast.stmt
    passes: int = 0
    failure: str | None = None
    observers: list = field(default_factory=list)  # called with each value; mutate.py's


def _comments(code, first):
    """Yield ``(line, column, text, trailing)`` for each comment of a card."""
    padded = "\n" * (first - 1) + code + "\n"
    lines = padded.split("\n")
    for token in tokenize.generate_tokens(io.StringIO(padded).readline):
        if token.type == tokenize.COMMENT:
            line, column = token.start
            trailing = bool(lines[line - 1][:column].strip())
            yield line, column, token.string.removeprefix("#").strip(), trailing


def _statements(tree):
    """Each line on which a simple statement ends, with the last one to end there."""
    ends = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.stmt) and not hasattr(node, "body"):
            known = ends.get(node.end_lineno)
            if known is None or node.end_col_offset > known.end_col_offset:
                ends[node.end_lineno] = node
    return ends


def _value_of(statement):
    """What a value claim speaks of: the expression, or the name just assigned."""
    names = (ast.Name, ast.Tuple, ast.List, ast.Starred)
    match statement:
        case ast.Expr(value=ast.Yield() | ast.YieldFrom() | ast.Await()):
            raise ClaimError("what a yield or an await gives is decided elsewhere")
        case ast.Expr() | ast.Return(value=ast.expr()):
            return
        case ast.AugAssign(target=ast.Name()):
            return
        case ast.AnnAssign(target=ast.Name(), value=ast.expr()):
            return
        case ast.Assign(targets=targets):
            parts = [part for target in targets for part in ast.walk(target)]
            if all(isinstance(part, (*names, ast.expr_context)) for part in parts):
                return
            raise ClaimError("after an assignment into a part, claim the whole on a line below")
    raise ClaimError("this statement has no value to claim")


def find(code, first):
    """Find the claims of a card.

    Args:
        code: the card's source.
        first: the line of the file on which it starts.
    Returns:
        (tree, claims, failures): the parsed card, its claims in order, and
        ``(line, message)`` for each comment that may not stand as it does.
    """
    tree = ast.parse("\n" * (first - 1) + code)
    ends, claims, failures = _statements(tree), [], []
    for line, _, text, trailing in _comments(code, first):
        try:
            if not trailing:
                _own_line(text)
                continue
            body = grammar.parse(text)
            statement = ends.get(line)
            if statement is None:
                raise ClaimError("no statement ends on this line")
            if not isinstance(body, Raises):
                _value_of(statement)
            claims.append(Claim(line, text, body, statement))
        except ClaimError as error:
            failures.append((line, str(error)))
    failures += _careless_suppress(tree, claims)
    return tree, claims, failures


def _own_line(text):
    if text.startswith("sphinx_gallery_"):
        return
    try:
        grammar.parse(text)
    except ClaimError:
        raise ClaimError("code carries no prose: say it in the text block") from None
    raise ClaimError("looks like a claim but stands alone: put it behind the code it speaks of")


def _careless_suppress(tree, claims):
    """A ``with suppress(...)`` must say, by a claim, what it expects to be raised."""
    expected = {id(claim.statement) for claim in claims if isinstance(claim.body, Raises)}
    failures = []
    for node in ast.walk(tree):
        if _suppresses(node) and not any(id(inner) in expected for inner in ast.walk(node)):
            failures.append((node.lineno, "suppress without a claim of what is raised"))
    return failures


def _suppresses(node):
    return isinstance(node, ast.With) and any(
        ast.unparse(item.context_expr).startswith(("suppress(", "contextlib.suppress("))
        for item in node.items
    )


class _Instrument(ast.NodeTransformer):
    """Rewrite the statements that carry a claim so that they report to the hook."""

    def __init__(self, claims):
        self.index = {id(claim.statement): n for n, claim in enumerate(claims)}
        self.claims = claims
        self.suppressed = 0

    def _call(self, method, *args):
        function = ast.Attribute(ast.Name(HOOK, ast.Load()), method, ast.Load())
        return ast.Call(function, list(args), [])

    def visit(self, node):
        index = self.index.get(id(node))
        if isinstance(node, ast.stmt) and not hasattr(node, "body"):
            if index is None and not self.suppressed:
                return node
            return self._statement(node, index)
        inside = _suppresses(node)
        self.suppressed += inside
        node = self.generic_visit(node)
        self.suppressed -= inside
        return node

    def _statement(self, node, index):
        """Wrap one statement: what it raises, what it warns, what it gives."""
        new = [node]
        if index is not None:
            where = ast.Constant(index)
            body = self.claims[index].body
            if isinstance(body, Raises) and body.warning:
                item = ast.withitem(self._call("warning", where))
                return self._locate([ast.With([item], [node])], node)
            if not isinstance(body, Raises):
                if isinstance(node, ast.AugAssign):
                    name = ast.Name(node.target.id, ast.Load())
                    new.append(ast.Expr(self._call("value", where, name)))
                else:
                    node.value = self._call("value", where, node.value)
        raised = ast.Expr(self._call("raised", ast.Constant(index), ast.Constant(node.lineno)))
        anything = ast.Name("BaseException", ast.Load())
        handler = ast.ExceptHandler(anything, None, [raised, ast.Raise()])
        calm = []
        if index is not None and isinstance(self.claims[index].body, Raises):
            calm = [ast.Expr(self._call("calm", ast.Constant(index)))]
        return self._locate([ast.Try(new, [handler], calm, [])], node)

    def _locate(self, new, node):
        for statement in new:
            ast.copy_location(statement, node)
            ast.fix_missing_locations(statement)
        return new


class _Hook:
    """What instrumented code calls."""

    def __init__(self, claims, heard):
        self.claims, self.heard = claims, heard
        self.undeclared = {}

    def _check(self, claim, actual):
        claim.passes += 1
        for observe in claim.observers:
            observe(actual)
        try:
            claim.body.check(actual)
        except (Mismatch, ClaimError) as mismatch:
            claim.failure = claim.failure or f"claimed {claim.text}; {mismatch}"

    def value(self, index, actual):
        self._check(self.claims[index], actual)
        return actual

    def raised(self, index, line):
        error = sys.exc_info()[1]
        claim = None if index is None else self.claims[index]
        if claim and isinstance(claim.body, Raises):
            self._check(claim, error)
        elif claim:
            claim.failure = f"claimed {claim.text}; the line raised {describe(error)}"
        else:
            self.undeclared[line] = f"raises {describe(error)} and says so in no claim"

    def calm(self, index):
        claim = self.claims[index]
        claim.failure = f"claimed {claim.text}; nothing was raised"

    def warning(self, index):
        return _Warns(self, self.claims[index])


class _Warns:
    """Watch one statement for the warning that it declares."""

    def __init__(self, hook, claim):
        self.hook, self.claim = hook, claim

    def __enter__(self):
        self.start = len(self.hook.heard)

    def __exit__(self, kind, error, traceback):
        new = self.hook.heard[self.start :]
        if error is not None or not new:
            what = describe(error) if error else "there was no warning"
            self.claim.failure = f"claimed {self.claim.text}; {what}"
            return
        declared = [warning for warning in new if self._says(warning[0])] or new[:1]
        self.hook._check(self.claim, declared[0][0])
        for warning in declared:
            self.hook.heard.remove(warning)

    def _says(self, message):
        try:
            self.claim.body.check(message)
        except Mismatch:
            return False
        return True


def _line_in(path, default):
    """The line of the card that is running now, from the stack."""
    frame = sys._getframe()
    while frame:
        if frame.f_code.co_filename == path:
            return frame.f_lineno
        frame = frame.f_back
    return default


def warm(imports):
    """Import what a file's import cell imports: its side effects are no card's doing.

    What cannot be imported is left for the cards to fail on.
    """
    tree = ast.parse(imports)
    tree.body = [node for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom))]
    with warnings.catch_warnings(action="ignore"), suppress(Exception):
        exec(compile(tree, "<imports>", "exec"), {})


def run(card, path, trace=False, observe=None, alter=None):
    """Run a card in a namespace of its own and check its claims.

    Args:
        card: cards.Card.
        path: file name for tracebacks.
        trace: also note which public names of torch the card's lines use.
        observe: called with the list of claims before the run; may add observers.
        alter: called with the parsed card before the run; may change it in place.
    Returns:
        Outcome. What the card raises is a failure like any other, ``SystemExit`` too.
    """
    path = str(path)
    tree, claims, failures = find(card.code, card.line)
    if observe:
        observe(claims)
    if alter:
        alter(tree)
    tracer = Tracer() if trace else None
    heard = []  # (warning, line)
    hook = _Hook(claims, heard)
    tree = _Instrument(claims).visit(tree)
    imports = ast.parse(card.imports)
    if tracer:
        tree = tracer.instrument(tree, card.imports)
    ast.fix_missing_locations(tree)
    # A module called __main__, so that what the card defines can be pickled.
    module = types.ModuleType("__main__")
    namespace = module.__dict__
    namespace[HOOK] = hook
    if tracer:
        namespace[tracer.NAME] = tracer
    main, sys.modules["__main__"] = sys.modules["__main__"], module

    def hear(message, category, filename, lineno, file=None, line=None):
        heard.append((message, _line_in(path, card.line)))

    needs, start = None, time.perf_counter()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            # Python says it since 3.12 of each process that a DataLoader with workers
            # forks, if anything in this one has made a thread before.
            warnings.filterwarnings("ignore", "This process .* is multi-threaded, use of fork")
            warnings.showwarning = hear
            exec(compile(imports, path, "exec"), namespace)
            exec(compile(tree, path, "exec"), namespace)
    except ModuleNotFoundError as error:
        needs = error.name if error.name in OPTIONAL else None
        if not needs:
            failures.append((_line_of(error, path, card.line), _explain(error)))
    except (Exception, SystemExit) as error:
        failures.append((_line_of(error, path, card.line), _explain(error)))
    finally:
        sys.modules["__main__"] = main
    seconds = time.perf_counter() - start
    if needs:
        return Outcome(len(claims), [], seconds, [], needs)

    failures += hook.undeclared.items()
    failures += [(line, f"undeclared warning: {describe(message)}") for message, line in heard]
    for claim in claims:
        if claim.failure:
            failures.append((claim.line, claim.failure))
        elif not claim.passes:
            failures.append((claim.line, f"never reached: {claim.text}"))
    apis = sorted(tracer.names) if tracer else []
    return Outcome(len(claims), sorted(failures), seconds, apis)


def _line_of(error, path, default):
    line, traceback = default, error.__traceback__
    while traceback:
        if traceback.tb_frame.f_code.co_filename == path:
            line = traceback.tb_lineno
        traceback = traceback.tb_next
    return line


def _explain(error):
    if isinstance(error, NameError) and error.name:
        return f"{describe(error)} (a card runs on its own, after the imports only)"
    return describe(error)
