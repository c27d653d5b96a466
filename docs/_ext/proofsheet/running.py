"""Let sphinx-gallery run what is out of date, side by side and in the checker's processes.

Before sphinx-gallery looks, each script whose page is out of date is handed to a fork that
holds torch ready, and sphinx-gallery's own ``generate_file_rst`` runs it there. That run of
an example is its verification, too; cards are checked beside it, each alone. When
sphinx-gallery then looks, it finds everything up to date and runs nothing.
"""

import ast
import builtins
import fcntl
import functools
import hashlib
import logging
import os
import platform
import shutil
import warnings
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

from sphinx.errors import ExtensionError
from sphinx.util.logging import WarningLogRecordTranslator
from sphinx_gallery import gen_gallery, gen_rst

from torchproof import __main__ as checker
from torchproof import cards, process, record

from . import records

FOLDER = Path(__file__).parent
DRAWN_BY = ("drawing.py", "figures.mplstyle")


def copy_indexes(app):
    """Copy the lists of chapters; those of pages sphinx-gallery copies with the scripts."""
    for top, folder in records.SOURCES.items():
        (Path(app.srcdir) / top).mkdir(exist_ok=True)
        shutil.copy2(records.ROOT / folder / "index.rst", Path(app.srcdir) / top)


# --- one script, in a fork ----------------------------------------------------------------


@dataclass
class Render:
    """Task of process.run: let sphinx-gallery run a script, and write what its page shows.

    A unit of an example is checked by that very run. Of a module the unit is the whole
    file, whose cards are checked elsewhere, each alone.
    """

    conf: dict  # sphinx-gallery's
    target: Path  # the copy of the script beside its page
    key: str  # see _key
    example: bool

    def __call__(self, unit, path, seed, device):
        if seed:  # an example that does not seed itself: once more, and nothing to show
            return process.check(unit, path, seed, device)
        import torch
        from matplotlib import style

        from torchproof import state

        # What torch logs has the time and the number of the process in it: no two builds agree.
        torch._logging.set_logs(all=logging.ERROR)
        style.use(FOLDER / "figures.mplstyle")
        gen_rst.patch_warnings = nullcontext  # warnings are the checker's affair
        gen_rst.gc = SimpleNamespace(collect=lambda: None)  # 80-150 ms with torch loaded
        if self.example:
            perform = functools.partial(self.perform, path)
            return process.check(unit, path, seed, device, perform=perform)
        with state.guarded(seed), warnings.catch_warnings(action="ignore"):
            errors = self.generate(path)
        said = [(1, f"as a script, from top to bottom: {error!r}") for error in errors]
        return record.Outcome(0, said, 0.0, [])

    def generate(self, path):
        """Write the page's source, its notebook and its figures; returns errors of the script."""
        (self.target.parent / "images" / "thumb").mkdir(parents=True, exist_ok=True)
        mark = Path(f"{self.target}.md5")
        mark.unlink(missing_ok=True)  # with it nothing would run
        errors, handle = [], gen_rst.handle_exception

        def failed(info, *more):
            errors.append(info[1])
            return handle(info, *more)

        gen_rst.handle_exception = failed
        gen_rst.generate_file_rst(path.name, self.target.parent, path.parent, self.conf)
        # A script that failed leaves no mark; without one it would run again, in Sphinx itself.
        mark.write_text(self.key)
        return errors

    def perform(self, path, tree, names):
        """Have sphinx-gallery run the statements of ``tree``, which report to the checker."""
        vars(builtins).update(names)
        (hook, *_) = names
        folder, statements = os.getcwd(), list(tree.body)

        def compiled(block, filename, mode):
            """Instead of the block that sphinx-gallery read: the same lines of ``tree``."""
            os.chdir(folder)  # what a script writes does not belong beside its source
            ends = [node.end_lineno for node in ast.walk(block) if hasattr(node, "end_lineno")]
            count = sum(node.lineno <= max(ends, default=0) for node in statements)
            # What sphinx-gallery asks for as the value of a last expression, which it hides; and
            # our names as globals, since torch.compile takes no builtins of ours.
            ours = "; ".join(f"{name} = {name}" for name in names)
            body = [*ast.parse(f"___ = None; {ours}; {hook}.names = globals()").body]
            body += statements[:count]
            del statements[:count]
            return compile(ast.Module(body, []), filename, mode, optimize=0)

        compiled.flags = 0  # it stands for codeop.Compile
        gen_rst.codeop = SimpleNamespace(Compile=lambda: compiled)
        for error in self.generate(path):
            raise error


# --- all scripts, before sphinx-gallery looks ------------------------------------------------

_held = []  # the lock of this build
_ran = []  # the pages that it made


def _key(script):
    """What the page of a script depends on: its text, versions, and how it is drawn."""
    names = ("torch", *record.OPTIONAL, "sphinx-gallery")
    parts = [platform.python_version(), *(f"{name} {record.version(name)}" for name in names)]
    parts += [(FOLDER / name).read_text() for name in DRAWN_BY]
    parts += [(records.ROOT / "conf.py").read_text(), Path(script).read_text(encoding="utf-8")]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def is_made(target, mode="t", key=None):
    """In place of sphinx-gallery's question: is the page of ``target`` up to date?

    Sphinx-gallery asks without a key. Once all has run, a script that was edited since then
    waits for the next build, and does not run in Sphinx itself.
    """
    mark = Path(f"{target}.md5")
    if _ran and key is None:
        return mark.is_file()
    return mark.is_file() and mark.read_text() == (key or _key(target))


def run_outdated(app):
    """``builder-inited``, before sphinx-gallery: check and run what is out of date."""
    if _held:  # in the fork for the other language: all of it has run
        return
    _lock()
    records.known.cache_clear()
    conf, src = app.config.sphinx_gallery_conf, Path(app.srcdir)
    if conf["plot_gallery"] in (False, "False", "0"):
        return
    forget_deleted(src)
    pages = {name: records.module(name) for name in records.docnames()}
    _ran.extend(pages)
    unproved = record.Records(records.BUILT).outdated(pages.values())
    jobs, beside = [], []
    for name, module in pages.items():
        target, key = src / f"{name}.py", _key(module.path)
        stale = not is_made(target, key=key)
        render = Render(conf, target, key, module.example)
        if module in unproved or (stale and module.example):
            task = render if module.example else process.check
            jobs.append(process.Job(module.path, "cpu", process.plan(module), task))
        if stale and not module.example:
            whole = cards.Card(module.title, "", "", 1, module.imports)
            beside.append(process.Job(module.path, "cpu", [(whole, 0)], render))
    if jobs or beside:
        modules = [module for module in pages.values() if module.path in {j.path for j in jobs}]
        machine = process.machine()
        options = checker.arguments(["--records", str(records.BUILT)])
        checker.drive("cpu", jobs, modules, machine, options, beside)
        for device in set(machine["devices"]) - {"cpu"}:
            jobs += checker.on_device(device, modules, machine, options)
    for job in beside:
        said = [text for one in job.results.values() for _, text in one.failures]
        job.failed = bool(said or job.lost)
        for why in [*said, *job.lost.values()]:
            print(f"✗ {job.path}: {why}")
    for job in [*beside, *jobs]:
        if job.failed:
            app.statuscode = 1  # the site is built all the same, and shows where
            print(f"✗ {os.path.relpath(job.path)} does not hold on this machine", flush=True)
    records.known.cache_clear()


def _lock():
    """One build of a checkout at a time; the second one says so and ends."""
    path = records.ROOT / "build" / "lock"
    path.parent.mkdir(exist_ok=True)
    _held.append(path.open("w"))
    try:
        fcntl.flock(_held[0], fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        _held.clear()
        raise ExtensionError("another build of this checkout is running") from None


def forget_deleted(folder):
    """Remove what was made in ``folder`` from scripts and chapters that are gone."""
    wanted = set(records.docnames())
    for top, source in records.SOURCES.items():
        wanted |= {f"{top}/{chapter.name}/index" for chapter in records.ROOT.glob(f"{source}/*/")}
        for path in sorted((folder / top).glob("*/*.*")):
            stem = path.name.partition(".")[0]
            if f"{top}/{path.parent.name}/{stem}" not in wanted:
                for old in [path, *path.parent.glob(f"images/**/sphx_glr_{stem}_*")]:
                    old.unlink()


def copy_downloads(app, exception):
    """Put scripts and notebooks beside their pages; remove what has no page any more."""
    if exception or app.builder.format != "html":
        return
    source, out = Path(app.srcdir), Path(app.outdir)
    shutil.rmtree(out.parent / "jupyter_execute", ignore_errors=True)  # myst-nb's, of no use
    for name in records.docnames():
        for suffix in (".py", ".ipynb"):
            shutil.copyfile(source / f"{name}{suffix}", out / f"{name}{suffix}")
    forget_deleted(out)


class Complaints(logging.Handler):
    """Remembers what warnings are about, so that the next build reads these pages again.

    Sphinx itself would find these pages unchanged, stay silent and succeed.
    """

    def __init__(self, app):
        super().__init__(logging.WARNING)
        self.app, self.docnames = app, set()
        self.addFilter(WarningLogRecordTranslator(app))  # each kind of place as "file:line"
        logging.getLogger("sphinx").addHandler(self)
        app.connect("build-finished", self.forget, priority=900)

    def emit(self, record):
        path = (record.location or "").partition(":")[0]
        self.docnames.add(self.app.env.path2doc(path))

    def forget(self, app, exception):
        """Without its tree Sphinx reads a page again, without its environment all of them."""
        logging.getLogger("sphinx").removeHandler(self)
        pages = self.docnames & app.env.found_docs
        for docname in pages:
            Path(app.doctreedir, f"{docname}.doctree").unlink(missing_ok=True)
        if pages != self.docnames or (exception and not pages):
            Path(app.doctreedir, "environment.pickle").unlink(missing_ok=True)


def setup(app):
    """Connect the hooks; sphinx-gallery itself runs at priority 500."""
    # It imports matplotlib at each start, for a second; here it draws nothing.
    gen_gallery._import_matplotlib = lambda: None
    gen_rst.md5sum_is_current = is_made
    app.connect("builder-inited", Complaints, priority=100)  # starts to listen
    app.connect("builder-inited", copy_indexes, priority=400)
    app.connect("builder-inited", run_outdated, priority=400)
    app.connect("build-finished", copy_downloads)
