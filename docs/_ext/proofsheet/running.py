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
import json
import logging
import os
import shutil
import sys
import warnings
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

from docutils import nodes
from docutils.utils import get_source_line
from sphinx.errors import ExtensionError
from sphinx_gallery import gen_gallery, gen_rst

from torchproof import __main__ as checker
from torchproof import cards, process, record

from . import records

# Readable on a light and on a dark page, and told apart by colour-blind readers
# (Okabe and Ito's set without its yellow and black, lightness in between).
GREY = "#808080"
CYCLE = ("#0085CA", "#E07B00", "#009E73", "#CC79A7", "#9B7FD4", "#D55E00")
STYLE = {
    "figure.figsize": (6.4, 3.6),
    "savefig.bbox": "tight",
    "savefig.transparent": True,
    "text.color": GREY,
    "axes.edgecolor": GREY,
    "axes.labelcolor": GREY,
    "axes.titlecolor": GREY,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "grid.color": GREY,
    "grid.alpha": 0.3,
    "legend.framealpha": 0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "lines.linewidth": 2,
    "font.size": 11,
    "svg.fonttype": "none",
    "svg.hashsalt": "proofsheet",
}

THUMBNAIL = 264  # pixels, for the 176 that a list shows


def _style_figures():
    import matplotlib
    from cycler import cycler

    matplotlib.rcParams.update(STYLE, **{"axes.prop_cycle": cycler(color=CYCLE)})


def scrape_figures(block, block_vars, gallery_conf):
    """sphinx-gallery image scraper: every open figure becomes a file.

    Drawings become SVG. One that holds a photograph becomes WebP, at twice the size in
    which it is shown: as SVG it would be many times as large.
    """
    plt = sys.modules.get("matplotlib.pyplot")
    if plt is None:
        return ""
    rst = ""
    for number in plt.get_fignums():
        figure = plt.figure(number)
        path = Path(next(block_vars["image_path_iterator"]))
        options = [":class: plot", ":loading: lazy"]
        if any(axes.images for axes in figure.axes):
            path = path.with_suffix(".webp")
            figure.savefig(path, dpi=2 * 72, pil_kwargs={"quality": 80, "method": 6})
            options.append(f":width: {_width(path) // 2}px")
        else:
            path = path.with_suffix(".svg")
            figure.savefig(path, metadata={"Date": None})
        _save_thumbnail(figure, block_vars["src_file"])
        rst += f".. image:: /{path.relative_to(gallery_conf['src_dir']).as_posix()}\n"
        rst += "".join(f"   {option}\n" for option in options) + "\n"
    plt.close("all")
    return rst


def thumbnail(docname):
    """Where the small picture of the last figure of an example lies, which lists show."""
    folder, _slash, stem = docname.rpartition("/")
    return records.ROOT / "docs" / folder / "images" / "thumb" / f"sphx_glr_{stem}_last.webp"


def _save_thumbnail(figure, script):
    """Small in bytes, too: a chapter's pictures travel within its page."""
    script = Path(script)
    if script.parent.parent.name != "gallery":
        return
    path = thumbnail(f"gallery/{script.parent.name}/{script.stem}")
    path.parent.mkdir(parents=True, exist_ok=True)
    options = {"quality": 30, "alpha_quality": 20, "method": 6}
    figure.savefig(path, dpi=THUMBNAIL / figure.get_figwidth(), pil_kwargs=options)


def _width(path):
    from PIL import Image

    with Image.open(path) as image:
        return image.width


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
    target: Path
    example: bool

    def __call__(self, unit, path, seed, device):
        if seed:  # an example that does not seed itself: once more, and nothing to show
            return process.check(unit, path, seed, device)
        _style_figures()
        gen_rst.patch_warnings = nullcontext  # warnings are the checker's affair
        gen_rst.gc = SimpleNamespace(collect=lambda: None)  # 80-150 ms with torch loaded
        if self.example:
            perform = functools.partial(self.perform, path)
            return process.check(unit, path, seed, device, perform=perform)
        from torchproof import state  # which imports torch

        with state.guarded(seed), warnings.catch_warnings(action="ignore"):
            errors = self.generate(path)
        said = [(1, f"as a script, from top to bottom: {error!r}") for error in errors]
        return record.Outcome(0, said, 0.0, [])

    def generate(self, path):
        """Write the page's source, its notebook and its figures; returns errors of the script."""
        (self.target / "images" / "thumb").mkdir(parents=True, exist_ok=True)
        mark = self.target / f"{path.name}.md5"
        mark.unlink(missing_ok=True)  # with it nothing would run
        errors, handle = [], gen_rst.handle_exception

        def failed(info, *more):
            errors.append(info[1])
            return handle(info, *more)

        gen_rst.handle_exception = failed
        gen_rst.generate_file_rst(path.name, self.target, path.parent, self.conf)
        # A script that failed leaves no mark; without one it would run again, in Sphinx itself.
        mark.write_text(hashlib.md5((self.target / path.name).read_bytes()).hexdigest())
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
            # What sphinx-gallery asks for as the value of a last expression, which it hides.
            body = [*ast.parse(f"___ = None; {hook}.names = globals()").body]
            body += statements[:count]
            del statements[:count]
            return compile(ast.Module(body, []), filename, mode, optimize=0)

        gen_rst.codeop = SimpleNamespace(Compile=lambda: _Compile(compiled))
        for error in self.generate(path):
            raise error


class _Compile:
    """Stands for codeop.Compile."""

    flags = 0

    def __init__(self, function):
        self.function = function

    def __call__(self, *arguments):
        return self.function(*arguments)


# --- all scripts, before sphinx-gallery looks ------------------------------------------------

_held = []  # the lock of this build


def _key(module):
    """What the page of ``module`` depends on: its text, versions, and how it is drawn."""
    text = module.path.read_text(encoding="utf-8")
    return hashlib.sha256(f"{_drawn_by()}\0{text}".encode()).hexdigest()[:16]


@functools.cache  # the same for all pages of a build
def _drawn_by():
    here = Path(__file__).parent
    parts = [repr(sorted(records.versions().items()))]
    parts += [(here / name).read_text() for name in ("running.py", "drawing.py", "graph.py")]
    return "\0".join([*parts, (records.ROOT / "conf.py").read_text()])


def run_outdated(app):
    """``builder-inited``, before sphinx-gallery: check and run what is out of date."""
    app.proofsheet_failed = []
    if _held:  # in the fork for the other language: all of it has run
        return
    _lock()
    records.known.cache_clear()
    conf, src = app.config.sphinx_gallery_conf, Path(app.srcdir)
    if conf["plot_gallery"] in (False, "False", "0"):
        return
    forget_deleted(src)
    path = src / "reference" / "made.json"
    made = json.loads(path.read_text()) if path.is_file() else {}
    pages = {name: records.module(name) for name in records.docnames()}
    keys = {name: _key(module) for name, module in pages.items()}
    options = checker.arguments(["--records", str(records.BUILT)])
    unproved = record.Records(records.BUILT).outdated(pages.values())
    stale = [n for n in pages if made.get(n) != keys[n] or not (src / f"{n}.py.md5").is_file()]
    for name in stale:  # of a build that was interrupted
        (src / f"{name}.py.md5").unlink(missing_ok=True)
    jobs, shown = [], {}
    for name, module in pages.items():
        render = Render(conf, src / Path(name).parent, module.example)
        if module.example and (name in stale or module in unproved):
            shown[name] = process.Job(module.path, "cpu", process.plan(module), render)
            jobs.append(shown[name])
        elif module in unproved:
            jobs.append(process.Job(module.path, "cpu", process.plan(module), process.check))
        if name in stale and not module.example:
            whole = cards.Card(module.title, "", "", 1, module.imports)
            shown[name] = process.Job(module.path, "cpu", [(whole, 0)], render)
    if jobs or shown:
        modules = [module for module in pages.values() if module.path in {j.path for j in jobs}]
        machine = process.machine()
        beside = [job for job in shown.values() if job not in jobs]
        checker.drive("cpu", jobs, modules, machine, options, beside)
        for device in set(machine["devices"]) - {"cpu"}:
            jobs += checker.on_device(device, modules, machine, options)
        for job in beside:
            said = [text for one in job.results.values() for _, text in one.failures]
            for why in [*said, *job.lost.values()]:
                print(f"✗ {job.path}: {why}")
                app.proofsheet_failed.append(job)
    app.proofsheet_failed += [job for job in jobs if job.failed]
    made = {name: made[name] for name in pages if name in made}
    made |= {name: keys[name] for name, job in shown.items() if not job.lost}
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(made, indent=0, sort_keys=True) + "\n")
    records.known.cache_clear()


def say_failed(app, exception):
    """``build-finished``: name the files that do not hold; the site shows where."""
    for job in app.proofsheet_failed:
        print(f"✗ {os.path.relpath(job.path)} does not hold on this machine")
    if app.proofsheet_failed:
        app.statuscode = 1


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


def forget_deleted(src):
    """Remove what was made from scripts that are gone."""
    wanted = {src / name for name in records.docnames()}
    for top, folder in records.SOURCES.items():
        for path in sorted((src / top).glob("*/*.rst")):
            if path.name != "index.rst" and path.with_suffix("") not in wanted:
                for old in [
                    *path.parent.glob(f"{path.stem}.*"),
                    *path.parent.glob(f"images/**/sphx_glr_{path.stem}_*"),
                ]:
                    old.unlink()
        for path in sorted((src / top).glob("*/index.rst")):
            if not (records.ROOT / folder / path.parent.name).is_dir():
                path.unlink()


def copy_downloads(app, exception):
    """Put scripts and notebooks beside their pages; remove what has no page any more."""
    if exception or app.builder.format != "html":
        return
    source, out = Path(app.srcdir), Path(app.outdir)
    shutil.rmtree(out.parent / "jupyter_execute", ignore_errors=True)  # myst-nb's, of no use
    wanted = set(records.docnames())
    for name in wanted:
        for suffix in (".py", ".ipynb"):
            new = (source / f"{name}{suffix}").read_bytes()
            target = out / f"{name}{suffix}"
            if not target.is_file() or target.read_bytes() != new:
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(new)
    for top in records.SOURCES:
        for path in sorted((out / top).glob("*/*.*")):
            name = path.relative_to(out).with_suffix("").as_posix()
            if name not in wanted and name not in app.env.found_docs:
                path.unlink()
        for path in sorted((out / top).glob("*/")):
            if not any(path.iterdir()):
                path.rmdir()


class Complaints(logging.Handler):
    """Remembers the pages that warnings are about, so that the next build reads them again.

    Sphinx itself would find these pages unchanged, stay silent and succeed.
    """

    def __init__(self, app):
        super().__init__(logging.WARNING)
        self.app, self.docnames = app, set()

    def emit(self, record):
        """Note the page; None stands for a warning that names no page."""
        place = getattr(record, "location", None)
        if isinstance(place, nodes.Node):
            place = self.app.env.path2doc(get_source_line(place)[0] or "")
        elif isinstance(place, tuple):
            place = place[0]
        elif isinstance(place, str):
            place = self.app.env.path2doc(place.partition(":")[0]) or place
        self.docnames.add(place if place in self.app.env.found_docs else None)


def listen(app):
    """Start to remember complaints."""
    app.proofsheet_complaints = Complaints(app)
    logging.getLogger("sphinx").addHandler(app.proofsheet_complaints)


def _complained(app):
    return Path(app.doctreedir) / "complaints.json"


def read_again(app, env, added, changed, removed):
    """``env-get-outdated``: the pages that the build before complained about."""
    path = _complained(app)
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else []


def keep_complaints(app, exception):
    """Write down what to read again; after a warning that names no page, everything."""
    logging.getLogger("sphinx").removeHandler(app.proofsheet_complaints)
    docnames = app.proofsheet_complaints.docnames
    if None in docnames or (exception and not docnames):
        (Path(app.doctreedir) / "environment.pickle").unlink(missing_ok=True)
    _complained(app).write_text(json.dumps(sorted(docnames - {None})), encoding="utf-8")


def setup(app):
    """Connect the hooks; sphinx-gallery itself runs at priority 500."""
    # It imports matplotlib at each start, for a second; here it draws nothing.
    gen_gallery._import_matplotlib = lambda: None
    app.connect("builder-inited", copy_indexes, priority=400)
    app.connect("builder-inited", run_outdated, priority=400)
    app.connect("build-finished", copy_downloads)
    app.connect("build-finished", say_failed)
    app.connect("builder-inited", listen, priority=100)
    app.connect("env-get-outdated", read_again)
    app.connect("build-finished", keep_complaints, priority=900)
