"""Sphinx configuration: ``sphinx-build -c . docs build/html/en -d build/doctrees/en -W``."""

import gc
import os
import sys
from pathlib import Path
from types import SimpleNamespace

# Documents are large trees that stay: collecting garbage as often as Python does by default
# takes a fifth of a build.
gc.set_threshold(100_000, 50, 50)

ROOT = Path(__file__).parent

# myst-nb is not asked to cache executions here, and importing the database that it would
# use for that takes longer than all else in a build in which nothing changed.
sys.modules["myst_nb.core.execute.cache"] = SimpleNamespace(NotebookClientCache=None)

# A kernel of our own for the notebook pages: the default one warns about its connection.
os.environ["JUPYTER_PATH"] = str(ROOT / "docs" / "_ext" / "jupyter")

project = "Proofsheet"
author = "the Proofsheet contributors"
copyright = "the Proofsheet contributors"
language = "en"

extensions = ["sphinx_gallery.gen_gallery", "myst_nb", "proofsheet"]
exclude_patterns = ["_ext", "_templates", "_static", "locales", "verified", "**.ipynb"]
nitpicky = True
smartquotes = False  # would turn the quotes of an error message in prose into others

# A chapter is a folder whose index.rst says in which order its pages are read.
TOPS = {"snippets": "reference", "gallery": "gallery"}
CHAPTERS = [path.parent for top in TOPS for path in sorted(ROOT.glob(f"{top}/*/index.rst"))]

# Scripts become pages. What is not set here would bring noise, other hosts or
# bytes that differ from build to build.
sphinx_gallery_conf = {
    "examples_dirs": [f"../{path.parent.name}/{path.name}" for path in CHAPTERS],
    "gallery_dirs": [f"{TOPS[path.parent.name]}/{path.name}" for path in CHAPTERS],
    "copyfile_regex": r"index\.rst$",
    "filename_pattern": r"\.py$",
    "ignore_pattern": r"^_",
    "within_subsection_order": "FileNameSortKey",
    "capture_repr": (),
    "image_scrapers": [f"proofsheet.drawing.scrape_{what}" for what in ("tensors", "figures")],
    "reset_modules": (),  # each script has a process of its own
    "css": (),
    "download_all_examples": False,
    "show_signature": False,
    "min_reported_time": 1e9,
    "write_computation_times": False,
    "inspect_global_variables": False,
    "plot_gallery": "True",
}

myst_enable_extensions = ["colon_fence", "deflist", "dollarmath", "attrs_block"]
myst_heading_anchors = 3
nb_execution_mode = "force"  # a page is read again when its records changed
nb_execution_raise_on_error = True
nb_render_markdown_format = "myst"
html_math_renderer = "mathml"

locale_dirs = ["locales"]
gettext_compact = False
gettext_location = False
gettext_uuid = False

templates_path = ["docs/_templates"]
html_static_path = ["docs/_static"]
