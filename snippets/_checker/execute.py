"""Run one card and hold every claim in it against what comes out."""

import __future__

import ast
import itertools
import json
import os
import random
import sys
import tempfile
import threading
import time
import types
import warnings
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager, suppress
from multiprocessing.process import BaseProcess

import torch

from .compare import Mismatch, check, describe
from .find import compound, find, printed, prose
from .grammar import Blank, ClaimError, Raises
from .names import Tracer
from .record import OPTIONAL, PROGRAMS, Outcome
from .values import describe as held
from .variables import statements

HOOK = "__proofsheet__"
GENERATOR = torch.default_generator


class _Instrument(ast.NodeTransformer):
    """Rewrite a card so that its claims, and what swallows errors, report to the hook.

    ``noted`` are the statements after which the hook looks at the variables, if it does.
    """

    def __init__(self, claims, noted=(), mode=None, parts=()):
        self.index = {id(claim.statement): n for n, claim in enumerate(claims)}
        self.claims, self.mode, self.parts = claims, mode, parts
        self.noted = {id(statement.node): n for n, statement in enumerate(noted)}
        self.before = {n for n, statement in enumerate(noted) if statement.before}

    def _call(self, method, *args):
        function = ast.Attribute(ast.Name(HOOK, ast.Load()), method, ast.Load())
        return ast.Call(function, [ast.Constant(a) if isinstance(a, int) else a for a in args], [])

    def _card(self, node):
        """What variables hold is noted between the statements of the top level alone."""
        body = []
        for statement in node.body:
            number = self.noted.get(id(statement))
            looks = [] if number is None else [ast.Expr(self._call("note", number, 0))]
            if number in self.before:
                body += self._locate([ast.Expr(self._call("note", number, 1))], statement)
            new = self.visit(statement)
            body += new if isinstance(new, list) else [new]
            body += self._locate(looks, statement)
        node.body = body
        return node

    def visit(self, node):
        if isinstance(node, ast.stmt) and not compound(node):
            index = self.index.get(id(node))
            return node if index is None else self._statement(node, index)
        return super().visit(node)

    def _statement(self, node, index):
        """Wrap the statement of a claim: what it raises, what it warns, what it gives."""
        body, new, calm = self.claims[index].body, [node], []
        if isinstance(body, Raises) and body.warning:
            item = ast.withitem(self._call("warning", index))
            return self._locate([ast.With([item], [node])], node)
        if isinstance(body, Raises):
            calm = [ast.Expr(self._call("calm", index))]
        elif self.mode and printed(node):
            node.value.args = [self._call("value", index, printed(node))]
        elif isinstance(node, ast.AugAssign):
            new.append(ast.Expr(self._call("value", index, ast.Name(node.target.id, ast.Load()))))
        else:
            node.value = self._call("value", index, node.value)
        return self._locate([self._try(new, self._call("raised", index), calm)], node)

    def visit_With(self, node):
        """Any context manager may swallow what its body raises: see whether it comes out again."""
        told = any(id(inner) in self.index and self._tells(inner) for inner in ast.walk(node))
        self.generic_visit(node)
        if self.mode:
            return node
        for item in reversed(node.items):  # one statement for each manager
            if _swallows_nothing(item.context_expr):
                node.body = [type(node)([item], node.body)]
                continue
            line = node.lineno
            item.context_expr = self._call("enter", line, int(told), item.context_expr)
            body = [self._try(node.body, self._call("passing", line), [])]
            node.body = [type(node)([item], body), ast.Expr(self._call("left", line))]
        return self._locate(node.body, node)

    visit_AsyncWith = visit_With

    def _tells(self, statement):
        return self.claims[self.index[id(statement)]].tells

    def visit_Try(self, node):
        """A handler that does nothing, and a ``finally`` that leaves, swallow errors."""
        self.generic_visit(node)
        if self.mode:
            return node
        for handler in node.handlers:
            if all(map(_does_nothing, handler.body)):
                handler.body[:0] = self._locate([ast.Expr(self._call("swallowed"))], handler)
        if any(isinstance(last, LEAVES) for last in node.finalbody):
            node.finalbody[:0] = self._locate([ast.Expr(self._call("swallowed"))], node)
        return node

    visit_TryStar = visit_Try

    def visit_Module(self, node):
        """In other people's files an error that is claimed ends there, as at a prompt, and one
        that is not ends the fence, not the document."""
        if not self.mode:
            return self._card(node)
        ends = [id(inner) in self.index and self._ends(inner) for inner in node.body]
        self.generic_visit(node)
        for inner, end in zip(node.body, ends, strict=True):
            if end and isinstance(inner, ast.Try):
                inner.handlers[0].body.pop()  # what would raise it again
        if self.parts:
            node.body = [part for n in range(len(self.parts)) for part in self._part(node, n)]
        return node

    def _ends(self, statement):
        claim = self.claims[self.index[id(statement)]]
        return claim.tells or claim.blank

    def _part(self, module, number):
        first, last, _ = self.parts[number]
        body = [node for node in module.body if first <= node.lineno <= last]
        name, ended = ast.Name("BaseException", ast.Load()), self._call("ended", number)
        new = [ast.Try(body, [ast.ExceptHandler(name, None, [ast.Expr(ended)])], [], [])]
        return self._locate(new, body[0]) if body else []

    def _try(self, body, seen, calm):
        handler = ast.ExceptHandler(
            ast.Name("BaseException", ast.Load()), None, [ast.Expr(seen), ast.Raise()]
        )
        return ast.Try(body, [handler], calm, [])

    def _locate(self, new, node):
        for statement in new:
            ast.copy_location(statement, node)
            ast.fix_missing_locations(statement)
        return new


# What says that a file or this machine lacks something, and is no result.
UNFINISHED = (NameError, ImportError, OSError)
LEAVES = (ast.Return, ast.Break, ast.Continue)


def _does_nothing(statement):
    """Whether it neither raises, nor looks at anything, nor counts."""
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Name):
        return True
    return not any(
        isinstance(node, (ast.Raise, ast.AugAssign))
        or (isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id != "print")
        for node in ast.walk(statement)
    )


def _swallows_nothing(manager):
    """torch's own: they need not be watched, and torch.compile may look at them."""
    return ast.unparse(manager).startswith("torch.")


class _Hook:
    """What instrumented code calls. Forked children report to the process that runs the card."""

    def __init__(self, claims, path, first, noted=()):
        self.claims, self.path, self.first = claims, path, first
        self.noted, self.held = noted, []
        self.names = {}
        self.heard = []  # (warning, line), not yet claimed
        self.watching = 0  # statements now running that claim a warning
        self.undeclared = {}
        self.stopped = []  # (part, error) of a document
        self.pending, self.apis = {}, set()
        self.pid, self.file = os.getpid(), tempfile.TemporaryFile()

    # --- from a forked child ---

    def tell(self, index, passed, failure, seen=(), said=None):
        """Note what became of a claim; ``index`` None: a failure at a line, both in one."""
        if os.getpid() != self.pid:
            if index is None:
                failure = failure[0], failure[1] + _rank()
            elif failure:
                failure += _rank()
            line = json.dumps([index, passed, failure, list(seen), said])
            os.write(self.file.fileno(), f"{line}\n".encode())
        elif index is None:
            self.undeclared.setdefault(*failure)
        else:
            claim = self.claims[index]
            claim.passes += passed
            claim.failure = claim.failure or failure
            claim.seen.update(seen)
            claim.said = claim.said or said

    def api(self, name):
        """A public name was looked up; what looked it up in this process knows it already."""
        if os.getpid() != self.pid:
            os.write(self.file.fileno(), f"{json.dumps(name)}\n".encode())

    def collect(self):
        """Take in what children wrote: names that they looked up, and what became of claims."""
        with suppress(OSError):
            self.file.seek(0)
            for line in map(json.loads, self.file.read().decode().splitlines()):
                if isinstance(line, str):
                    self.apis.add(line)
                else:
                    self.tell(*line)
            self.file.close()

    # --- variables ---

    def note(self, number, before):
        """Note what the variables of a statement hold, before or after it; children do not."""
        if os.getpid() != self.pid:
            return
        statement = self.noted[number]
        line = -statement.line if before else statement.line
        for name in statement.before if before else statement.names:
            if name in self.names:
                text = held(self.names[name], name in statement.steady)
                self.held.append((line, name, text or ""))

    # --- claims ---

    def _check(self, index, actual):
        claim, failure, seen = self.claims[index], None, set()
        for observe in claim.observers:
            seen.update(observe(actual, self.names))
        try:
            check(claim.body, actual, self.names)
        except (Mismatch, ClaimError) as mismatch:
            failure = f"claimed {claim.text}; {mismatch}"
        said = describe(actual) if isinstance(claim.body, Raises) else None
        self.tell(index, 1, failure, seen, said)

    def value(self, index, actual):
        self._check(index, actual)
        return actual

    def raised(self, index):
        error, claim = sys.exc_info()[1], self.claims[index]
        if isinstance(claim.body, Blank) and isinstance(error, UNFINISHED):
            self.tell(index, 0, f"the line raised {describe(error)}")
            error.__proofsheet__ = True
            raise  # it ends what it stands in, as it will where nothing claims it
        elif isinstance(claim.body, (Raises, Blank)):
            self._check(index, error)
        else:
            self.tell(index, 0, f"claimed {claim.text}; the line raised {describe(error)}")
        with suppress(Exception):
            error.__proofsheet__ = True

    def calm(self, index):
        self.tell(index, 0, f"claimed {self.claims[index].text}; nothing was raised")

    @contextmanager
    def warning(self, index):
        """Watch one statement for the warning that it declares: it takes no other with it."""
        start, claim = len(self.heard), self.claims[index]
        self.watching += 1
        try:
            yield
        except BaseException as error:
            self.tell(index, 0, f"claimed {claim.text}; {describe(error)}")
            raise
        else:
            new = [message for message, _ in self.heard[start:]]
            if not new:
                self.tell(index, 0, f"claimed {claim.text}; there was no warning")
                return
            taken = next((one for one in new if _says(claim.body, one, self.names)), new[0])
            self._check(index, taken)
            same = [i for i, one in enumerate(new, start) if repr(one) == repr(taken)]
            for i in reversed(same):  # the same words again are the same warning
                del self.heard[i]
        finally:
            self.watching -= 1
            self._pass_on()

    def hear(self, message, category, filename, lineno, file=None, line=None):
        """In place of warnings.showwarning."""
        self.heard.append((message, _line_in(self.path, self.first)))
        self._pass_on()

    def _pass_on(self):
        if os.getpid() != self.pid and not self.watching:
            for message, line in self.heard:
                self.tell(None, 0, (line, f"undeclared warning: {describe(message)}"))
            self.heard.clear()

    def ended(self, number):
        """A part of a document has raised what no claim told of."""
        error = sys.exc_info()[1]
        if not isinstance(error, (Exception, SystemExit)):
            raise
        self.stopped.append((number, error))

    # --- what swallows errors ---

    def enter(self, line, told, manager):
        self.pending.pop(line, None)
        if isinstance(manager, suppress) and not told:
            self.tell(None, 0, (line, "suppress without a claim of what is raised"))
        return manager

    def passing(self, line):
        self.pending[line] = sys.exc_info()[1]

    def left(self, line):
        self.lost(self.pending.pop(line, None), line)

    def swallowed(self):
        self.lost(sys.exc_info()[1], _line_in(self.path, self.first))

    def lost(self, error, line):
        """An error that nobody will see, unless a claim has told of it."""
        if error is not None and not hasattr(error, "__proofsheet__"):
            line = _line_of(error, self.path, line)
            self.tell(None, 0, (line, f"raises {describe(error)} and says so in no claim"))


def _rank():
    """Which process of a group this is, to be said with what went wrong in it."""
    distributed = sys.modules.get("torch.distributed")
    if distributed and distributed.is_available() and distributed.is_initialized():
        return f" (on rank {distributed.get_rank()})"
    return ""


def _says(body, message, names):
    try:
        check(body, message, names)
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


def warm(code):
    """Import what ``code`` begins by importing: its side effects are no card's doing.

    What cannot be imported is left for the cards to fail on.
    """
    tree = ast.parse(code)
    imports = (ast.Import, ast.ImportFrom)
    tree.body = list(itertools.takewhile(lambda node: isinstance(node, imports), tree.body))
    with warnings.catch_warnings(action="ignore"), suppress(Exception):
        exec(compile(tree, "<imports>", "exec"), {})


def run(card, path, tracer=None, observe=None, alter=None, perform=None, note=False):
    """Run a card in a namespace of its own and check its claims.

    Args:
        card: cards.Card.
        path: file name for tracebacks.
        tracer: names.Tracer, to note which public names of torch the card's lines use.
        observe: called with the list of claims before the run; may add observers.
        alter: called with the parsed card before the run; may change it in place.
        perform: called with the instrumented card and with the names that it needs, and runs
            it where it likes; by default it runs in a namespace of its own.
        note: also note what the card's variables hold after each statement.
    Returns:
        Outcome. What the card raises is a failure like any other, ``SystemExit`` too.
    """
    path = str(path)
    tree, claims, failures = find(card.code, card.line, mode=card.mode, blanks=card.blanks)
    failures += prose(card.prose, max(1, card.line - 1 - card.prose.count("\n")))
    if observe:
        observe(claims)
    if alter:
        alter(tree)
    noted = statements(tree) if note else ()
    hook = _Hook(claims, path, card.line, noted)
    if tracer:
        tracer.tell = hook.api
    # A module called __main__, so that what the card defines can be pickled.
    module = types.ModuleType("__main__")
    hook.names = vars(module)
    vars(module)[HOOK] = hook
    if card.mode:
        vars(module).update(__file__=path, __package__=card.package)
    if tracer:
        vars(module)[tracer.NAME] = tracer
    codes = _compiled(card, tree, claims, path, tracer, noted)

    needs, state, start = None, _generators(), time.perf_counter()
    try:
        with _watched(module, hook):
            if perform:
                named = (HOOK, Tracer.NAME)
                perform(tree, {n: v for n, v in vars(module).items() if n in named})
            else:
                for code in codes():
                    exec(code, vars(module))
    except (Exception, SystemExit) as error:
        needs = None if card.mode else _missing(error)
        if card.mode:
            hook.stopped.append((None, error))
        elif not needs:
            failures.append((_line_of(error, path, card.line), _explain(error)))
    if os.getpid() != hook.pid:  # a child that the card has forked, at the card's end
        for failure in failures:
            hook.tell(None, 0, failure)
        os._exit(0)
    seconds, draws = time.perf_counter() - start, state != _generators()
    if needs:
        return Outcome(len(claims), [], seconds, [], needs)
    hook.collect()
    notes = _stops(card, hook, failures) if card.mode else []
    apis = sorted(tracer.names | hook.apis) if tracer else []
    said = [(claim.line, claim.said) for claim in claims if claim.said]
    found = sorted(failures + _verdict(hook, card.mode))
    seen = [(claim.line, sorted(claim.seen)) for claim in claims] if card.mode else []
    return Outcome(
        len(claims), found, seconds, apis, draws=draws, messages=said, held=hook.held,
        notes=notes, seen=seen,
    )  # fmt: skip


def _stops(card, hook, failures):
    """Where other people's file stopped: a failure, or a note if nothing is claimed there."""
    notes = []
    for part, error in hook.stopped:
        if hasattr(error, "__proofsheet__") or (isinstance(error, SystemExit) and not error.code):
            continue
        first, _, claimed = (card.line, None, True) if part is None else card.parts[part]
        (failures if claimed else notes).append(
            (_line_of(error, hook.path, first), describe(error))
        )
    return notes


def _compiled(card, tree, claims, path, tracer, noted):
    """What compiles the import cell and the card, when called: warnings are the card's then."""
    imports = ast.parse(card.imports)
    future = [
        node
        for node in [*imports.body, *(tree.body if card.parts else ())]
        if isinstance(node, ast.ImportFrom) and node.module == "__future__"
    ]
    tree.body = [node for node in tree.body if node not in future]
    tree = _Instrument(claims, noted, card.mode, card.parts).visit(tree)
    if tracer:
        tree = tracer.instrument(tree, card.imports)
    ast.fix_missing_locations(tree)
    flags = 0
    for node in future:  # ``from __future__ import annotations`` speaks of the card, too
        for alias in node.names:
            flags |= getattr(__future__, alias.name).compiler_flag

    def codes():
        for part in (imports, tree):
            # An assert is part of a card, whatever PYTHONOPTIMIZE says.
            yield compile(part, path, "exec", flags, dont_inherit=True, optimize=0)

    return codes


@contextmanager
def _watched(module, hook):
    """``module`` is __main__; all warnings are heard, and errors that end where nobody looks:
    in a thread, in a process, in a future that is not read, in what Python only prints."""
    run, result, exception = BaseProcess.run, Future.result, Future.exception
    unread = {}

    def in_thread(args):
        hook.lost(args.exc_value, hook.first)

    def ours(error):
        if error and _line_of(error, hook.path, None):
            hook.lost(error, hook.first)

    def in_process(process):
        try:
            run(process)
        except Exception as error:
            ours(error)
            raise

    def kept(future, error, keep=Future.set_exception):
        unread[future] = error
        keep(future, error)

    def read(how):
        def look(future, timeout=None):
            try:
                return how(future, timeout)
            finally:
                unread.pop(future, None)

        return look

    with ExitStack() as stack:
        for owner, name, value in (
            (threading, "excepthook", in_thread),
            (sys, "unraisablehook", lambda args: ours(args.exc_value)),
            (BaseProcess, "run", in_process),
            (Future, "set_exception", kept),
            (Future, "result", read(result)),
            (Future, "exception", read(exception)),
        ):
            stack.callback(setattr, owner, name, getattr(owner, name))
            setattr(owner, name, value)
        stack.callback(sys.modules.__setitem__, "__main__", sys.modules["__main__"])
        sys.modules["__main__"] = module
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("always")
        # Python says it since 3.12 of each process that a DataLoader with workers
        # forks, if anything in this one has made a thread before.
        warnings.filterwarnings("ignore", "This process .* is multi-threaded, use of fork")
        # Python shows it to nobody, and it comes when garbage is collected, on whatever line.
        warnings.simplefilter("ignore", ResourceWarning)
        # torch 2.13 says this of its own code, whatever is exported.
        warnings.filterwarnings("ignore", r"`isinstance\(treespec, LeafSpec\)`", FutureWarning)
        warnings.showwarning = hook.hear
        yield
        for error in list(unread.values()):
            ours(error)


def _generators():
    """The state of the generators that a card draws from, when no other is named."""
    numpy = sys.modules.get("numpy")
    drawn = None
    if numpy:
        _, keys, *at = numpy.random.get_state()
        drawn = keys.tobytes(), at
    return GENERATOR.get_state().tolist(), random.getstate(), drawn


def _verdict(hook, mode=None):
    """``(line, message)`` for all that went wrong while the card ran."""
    failures = []
    if not mode:
        failures += list(hook.undeclared.items())
        failures += [(line, f"undeclared warning: {describe(one)}") for one, line in hook.heard]
    for claim in hook.claims:
        if claim.failure:
            failures.append((claim.line, claim.failure))
        elif not claim.passes:
            failures.append((claim.line, f"never reached: {claim.text or 'a blank'}"))
    return failures


def _line_of(error, path, default):
    line, traceback = default, error.__traceback__
    while traceback:
        if traceback.tb_frame.f_code.co_filename == path:
            line = traceback.tb_lineno
        traceback = traceback.tb_next
    return line


def _missing(error):
    """The package or program that a card needs and this machine lacks, or None."""
    if isinstance(error, ModuleNotFoundError):
        return error.name if error.name in OPTIONAL else None
    if isinstance(error, FileNotFoundError):  # of a command that is not here
        return error.filename if error.filename in PROGRAMS else None
    # torch has looked for one, and says so in an error around its own.
    return "g++" if "InvalidCxxCompiler" in describe(error) else None


def _explain(error):
    if isinstance(error, NameError) and error.name:
        return f"{describe(error)} (a card runs on its own, after the imports only)"
    return describe(error)
