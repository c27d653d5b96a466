"""Keep sphinx-gallery's runs honest: clean state, strict warnings, a cache that notices changes."""

import builtins
import gc
import hashlib
import json
import logging
import os
import re
import shutil
import sys
import warnings
from pathlib import Path

from docutils import nodes
from docutils.utils import get_source_line
from sphinx_gallery import gen_gallery

from torchproof import ready

from . import code, records

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

_state = {}


def reset(gallery_conf, fname, when):
    """Give every script the same clean state; sphinx-gallery calls it around each."""
    import torch

    from torchproof import execute  # which imports torch

    if when == "after":
        _state.pop("warnings").__exit__(None, None, None)
    if len(sys.modules) != _state.get("modules"):
        # sphinx-gallery collects garbage before each script, 80-150 ms with torch
        # loaded; imported modules stay, so their contents need not be looked at again.
        gc.freeze()
        _state["modules"] = len(sys.modules)
        _state.setdefault("torch", (torch.get_num_threads(), torch.get_default_dtype()))
    if when == "before":
        ready.hold(ready.needed(_page(fname).path.read_text(encoding="utf-8")))
        execute.warm(_page(fname).imports)  # as the checker does
    threads, dtype = _state["torch"]
    torch.manual_seed(0)
    torch.set_default_dtype(dtype)
    torch.set_default_device(None)
    torch.set_grad_enabled(True)
    torch.set_num_threads(threads)
    torch.set_printoptions(profile="default")
    if torch.are_deterministic_algorithms_enabled():  # the call below takes a second
        torch.use_deterministic_algorithms(False)
    page = _page(fname)
    if "matplotlib" in page.path.read_text(encoding="utf-8"):
        _reset_figures()
    if when == "before":
        _state["warnings"] = warnings.catch_warnings()
        _state["warnings"].__enter__()
        warnings.simplefilter("error")
        for category, text in _declared(page):
            pattern = ".*".join(re.escape(part.strip()) for part in text.split("..."))
            warnings.filterwarnings("ignore", f"(?s).*{pattern}", category)


def _page(fname):
    """The module of a script, of which sphinx-gallery tells the file name alone."""
    (name,) = [name for name in records.docnames() if name.endswith(f"/{fname[:-3]}")]
    return records.module(name)


def _reset_figures():
    import matplotlib
    import matplotlib.pyplot as plt
    from cycler import cycler

    plt.close("all")
    matplotlib.rcdefaults()
    matplotlib.rcParams.update(STYLE, **{"axes.prop_cycle": cycler(color=CYCLE)})


def _declared(page):
    """The warnings that a script announces in claims: ``# UserWarning: text``."""
    for card in page.cards:
        for claim in code.claims(card.code):
            category, colon, text = claim.text.partition(": ")
            if colon and category.endswith("Warning"):
                yield getattr(builtins, category, Warning), text


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


def _fingerprint(app):
    """Hash of everything but the scripts themselves that their pages depend on."""
    parts = [repr(sorted(records.versions().items()))]
    conf = app.config.sphinx_gallery_conf
    parts += [f"{name}={conf[name]!r}" for name in ("filename_pattern", "image_scrapers")]
    for name in ("running.py", "drawing.py"):
        parts.append(Path(__file__).with_name(name).read_text(encoding="utf-8"))
    parts.append((records.ROOT / "conf.py").read_text(encoding="utf-8"))
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def forget_outdated(app):
    """Before sphinx-gallery looks: drop results that its own check would wrongly keep.

    It compares a script with the text that last ran well. That misses a new version
    of PyTorch, a changed configuration, a failure that was reverted, a deleted script.
    """
    src = Path(app.srcdir)
    stamp = src / "reference" / ".fingerprint"
    new = _fingerprint(app)
    outdated = not stamp.is_file() or stamp.read_text() != new
    wanted = {src / name for name in records.docnames()}
    for top, folder in records.SOURCES.items():
        for path in sorted((src / top).glob("*/*.py.md5")):
            page = path.with_name(path.name.removesuffix(".py.md5"))
            script = records.ROOT / folder / page.relative_to(src / top)
            if outdated or page not in wanted or path.read_text() != _md5(script):
                path.unlink()
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
    stamp.write_text(new)


def _md5(script):
    text = script.with_suffix(".py").read_text(encoding="utf-8")
    return hashlib.md5(text.encode("utf-8")).hexdigest()


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
    # It imports matplotlib at each start, for a second; our scrapers do when they need it.
    os.environ.setdefault("MPLBACKEND", "agg")
    gen_gallery._import_matplotlib = lambda: None
    app.connect("builder-inited", copy_indexes, priority=400)
    app.connect("builder-inited", forget_outdated, priority=400)
    app.connect("build-finished", copy_downloads)
    app.connect("builder-inited", listen, priority=100)
    app.connect("env-get-outdated", read_again)
    app.connect("build-finished", keep_complaints, priority=900)
