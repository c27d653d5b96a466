"""Keep the Chinese edition complete.

``update()`` brings the catalogues in step with the pages; a Chinese build complains of
every message that they do not translate, so that with ``-W`` it fails.
"""

import functools
import gettext
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import polib
from babel.messages.extract import extract_from_dir
from docutils import nodes
from sphinx import addnodes, package_dir
from sphinx.transforms import SphinxTransform
from sphinx.util import logging
from sphinx.util.nodes import extract_messages

from . import records
from .languages import SOURCE, TRANSLATIONS

logger = logging.getLogger(__name__)

(LANGUAGE,) = TRANSLATIONS  # the one that there are catalogues of
LOCALES = records.ROOT / "docs" / "locales"
INTERFACE = "sphinx"  # Sphinx adds this catalogue of ours to its own
CHINESE = re.compile("[\u4e00-\u9fff]")
HEADER = {"Language": LANGUAGE, "Content-Type": "text/plain; charset=utf-8"}


def catalogue(domain):
    """Where the translations of the page ``domain`` are kept."""
    return LOCALES / LANGUAGE / "LC_MESSAGES" / f"{domain}.po"


@functools.cache
def translated(domain):
    """Messages of ``domain`` that have a translation which is not fuzzy.

    One that reads the same in both languages is translated by itself.
    """
    entries = polib.pofile(str(catalogue(domain))) if catalogue(domain).is_file() else ()
    return {entry.msgid for entry in entries if entry.translated() and not entry.obsolete}


def interface():
    """Messages of the extension and of the templates that Sphinx does not translate itself."""
    folder = records.ROOT / "docs"
    found = {}
    methods = [("**.py", "python"), ("**.html", "jinja2")]
    for part in ("_ext", "_templates"):
        options = {"**.html": {"silent": "false", "newstyle_gettext": "true"}}
        for _file, _line, message, _comments, _context in extract_from_dir(
            folder / part, methods, options, keywords={"_": None, "gettext": None}
        ):
            found[message] = None
    sphinx = gettext.translation(INTERFACE, Path(package_dir) / "locale", [LANGUAGE])
    return [message for message in found if sphinx.gettext(message) == message]


class DropBoilerplate(SphinxTransform):
    """Take out what sphinx-gallery adds to a page before anyone reads, counts or translates it."""

    default_priority = 5

    def apply(self):
        """Remove boxes and comments."""
        docname = self.env.current_document.docname
        for formula in self.document.findall(nodes.math_block):
            formula["translatable"] = False  # it reads the same in every language
        if docname.split("/")[0] not in records.SOURCES:
            return
        for node in list(self.document.findall(_is_boilerplate)):
            node.parent.remove(node)


def _is_boilerplate(node):
    footer = isinstance(node, nodes.target) and "sphx_glr_download" in " ".join(node["names"])
    return footer or isinstance(node, (addnodes.only, nodes.comment))


def _is_setting(node):
    """Is it front matter, which goes to Sphinx and not onto the page?"""
    while node is not None and not isinstance(node, (nodes.docinfo, nodes.field_list)):
        node = node.parent
    return node is not None and isinstance(node.parent, nodes.document)


class Complete(SphinxTransform):
    """Complain of messages without a translation. Runs before they are translated."""

    default_priority = 15

    def apply(self):
        """Compare the page with its catalogue."""
        if self.config.language == SOURCE or self.env._app.builder.name == "gettext":
            return
        domain = self.env.current_document.docname
        known = translated(domain)
        for node, message in extract_messages(self.document):
            if message not in known and not _is_setting(node):
                logger.warning("not translated: %s", message, location=node, type="translation")


def check_interface(app, _env, docnames):
    """Complain of strings of the interface without a translation, in builds that read pages."""
    if app.config.language == SOURCE or app.builder.name == "gettext" or not docnames:
        return
    known = translated(INTERFACE)
    for message in interface():
        if message not in known:
            logger.warning("interface not translated: %s", message, type="translation")


def update():
    """Bring the catalogues in step with the pages; runs no snippet.

    A changed message becomes an untranslated one, never a fuzzy one. Catalogues of pages
    that are gone are removed.

    Returns:
        int: how many messages have no translation.
    """
    templates = records.ROOT / "build" / "gettext"
    shutil.rmtree(templates, ignore_errors=True)
    command = [sys.executable, "-m", "sphinx", "-q", "-E", "-c", ".", "-b", "gettext", "-D",
               "plot_gallery=0", "docs", templates, "-d", "build/doctrees/gettext"]  # fmt: skip
    subprocess.run(command, cwd=records.ROOT, check=True)
    wanted, missing = {}, 0
    for template in sorted(templates.rglob("*.pot")):
        domain = template.relative_to(templates).with_suffix("").as_posix()
        wanted[domain] = [entry.msgid for entry in polib.pofile(str(template))]
    wanted[INTERFACE] = interface()
    for domain, messages in wanted.items():
        path = catalogue(domain)
        old = {e.msgid: e for e in polib.pofile(str(path))} if path.is_file() else {}
        new = polib.POFile(wrapwidth=92)
        new.metadata = HEADER
        for message in messages:
            text = old[message].msgstr if message in old and not old[message].fuzzy else ""
            if CHINESE.search(message):  # the glossary's terms stand on the page as they are
                text = text or message
            new.append(polib.POEntry(msgid=message, msgstr=text))
            if not text:
                missing += 1
                print(f"{os.path.relpath(path)}: {message}")
        path.parent.mkdir(parents=True, exist_ok=True)
        new.save(str(path))
    for path in sorted(catalogue("").parent.rglob("*.po")):
        if path.relative_to(catalogue("").parent).with_suffix("").as_posix() not in wanted:
            path.unlink()
    print(f"{missing} messages without a translation")
    return missing


def setup(app):
    app.add_transform(DropBoilerplate)
    app.add_transform(Complete)
    app.connect("env-before-read-docs", check_interface)
