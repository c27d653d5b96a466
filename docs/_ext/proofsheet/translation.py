"""Keep the Chinese edition complete.

``python -m proofsheet.translation`` brings the catalogues in step with the pages; a Chinese
build complains of every message of a page that they do not translate, so that with ``-W`` it fails.
"""

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
from .languages import SOURCE
from .languages import TRANSLATION as LANGUAGE

logger = logging.getLogger(__name__)

LOCALES = records.ROOT / "docs" / "locales"
INTERFACE = "sphinx"  # Sphinx adds this catalogue of ours to its own
CHINESE = re.compile("[\u4e00-\u9fff]")
HEADER = {"Language": LANGUAGE, "Content-Type": "text/plain; charset=utf-8"}


def catalogue(domain):
    """Where the translations of the page ``domain`` are kept."""
    return LOCALES / LANGUAGE / "LC_MESSAGES" / f"{domain}.po"


def translated(domain):
    """Messages of ``domain`` with their translations, but for fuzzy ones.

    One that reads the same in both languages is translated by itself.
    """
    path = catalogue(domain)
    entries = polib.pofile(str(path)) if path.is_file() else ()
    return {entry.msgid: entry.msgstr for entry in entries if entry.translated()}


def interface():
    """Messages of the extension and of the templates that Sphinx does not translate itself."""
    sphinx = gettext.translation(INTERFACE, Path(package_dir) / "locale", [LANGUAGE])
    methods = [("_ext/**.py", "python"), ("_templates/**.html", "jinja2")]
    options = {"_templates/**.html": {"silent": "false", "newstyle_gettext": "true"}}
    keywords = {"_": None, "gettext": None}
    found = extract_from_dir(
        records.ROOT / "docs", methods, options, keywords, directory_filter=lambda _: True
    )
    messages = dict.fromkeys(message for _file, _line, message, *_ in found)
    return [message for message in messages if sphinx.gettext(message) == message]


class DropBoilerplate(SphinxTransform):
    """Take out what sphinx-gallery adds to a page before anyone reads, counts or translates it."""

    default_priority = 5

    def apply(self):
        for formula in self.document.findall(nodes.math_block):
            formula["translatable"] = False  # it reads the same in every language
        if self.env.current_document.docname.split("/")[0] in records.SOURCES:
            for node in list(self.document.findall(_is_boilerplate)):
                node.parent.remove(node)


def _is_boilerplate(node):
    footer = isinstance(node, nodes.target) and "sphx_glr_download" in " ".join(node["names"])
    return footer or isinstance(node, (addnodes.only, nodes.comment))


class Complete(SphinxTransform):
    """Complain of messages without a translation. Runs before they are translated."""

    default_priority = 15

    def apply(self):
        if self.config.language == SOURCE or self.env._app.builder.name == "gettext":
            return
        known, front_matter = translated(self.env.current_document.docname), set()
        for part in self.document.children:
            if isinstance(part, (nodes.docinfo, nodes.field_list)):
                front_matter |= {id(node) for node in part.findall()}
        for node, message in extract_messages(self.document):
            if message not in known and id(node) not in front_matter:
                logger.warning("not translated: %s", message, location=node, type="translation")


def update():
    """Bring the catalogues in step with the pages, and name what is to be translated.

    No snippet runs. A changed message becomes an untranslated one, never a fuzzy one.
    Catalogues of pages that are gone are removed.
    """
    templates = records.ROOT / "build" / "gettext"
    shutil.rmtree(templates, ignore_errors=True)
    command = [sys.executable, "-m", "sphinx", "-q", "-c", ".", "-b", "gettext", "-D",
               "plot_gallery=0", "docs", templates, "-d", "build/doctrees/gettext"]  # fmt: skip
    subprocess.run(command, cwd=records.ROOT, check=True)
    wanted = {INTERFACE: interface()}
    for template in sorted(templates.rglob("*.pot")):
        domain = template.relative_to(templates).with_suffix("").as_posix()
        wanted[domain] = [entry.msgid for entry in polib.pofile(str(template))]
    for domain, messages in wanted.items():
        path, old = catalogue(domain), translated(domain)
        new = polib.POFile(wrapwidth=92)
        new.metadata = HEADER
        for message in messages:
            # The glossary's terms stand on the page as they are.
            text = old.get(message, message if CHINESE.search(message) else "")
            new.append(polib.POEntry(msgid=message, msgstr=text))
            if not text:
                print(f"{os.path.relpath(path)}: not translated: {message}")
        path.parent.mkdir(parents=True, exist_ok=True)
        new.save(str(path))
    folder = catalogue("").parent
    for path in sorted(folder.rglob("*.po")):
        if path.relative_to(folder).with_suffix("").as_posix() not in wanted:
            path.unlink()


def setup(app):
    app.add_transform(DropBoilerplate)
    app.add_transform(Complete)


if __name__ == "__main__":
    update()
