"""The site around the pages: theme, languages, descriptions, landing page, start page."""

import os
import re
import tomllib
from html import escape
from pathlib import Path
from urllib.parse import urlsplit

from docutils import nodes
from sphinx import addnodes
from sphinx.locale import get_translation
from sphinx.util.logging import getLogger

from . import data, markup, records
from .languages import NAMES
from .pages import size

logger = getLogger(__name__)
_ = get_translation("sphinx")

# Files of Sphinx and its extensions that no page here needs, but the search page the first four.
SEARCH_ONLY = {"documentation_options.js", "doctools.js", "sphinx_highlight.js", "translations.js"}
NOT_NEEDED = {"furo-extensions.css", "sg-tags.js"}
ANSWERING = "names.js"  # only where code says what its variables held
NOT_NEEDED_PREFIXES = ("sg_gallery", "mystnb")

# What templates say of each edition; ``zh_CN`` has the language tag ``zh-CN``.
LANGUAGES = [
    {"folder": folder, "tag": folder.replace("_", "-"), "label": label}
    for folder, label in NAMES.items()
]
# A column of contents is narrower than a page.
SHOWN_CODE = re.compile(r'(?<=<span class="pre">)[^<]{10,}(?=</span>)')
LONG_NAME = re.compile(r'(?<=<span class="pre">)[\w.]{28,}(?=</span>)')
JOINT = re.compile(r"(?<=\w[._(=])(?=[^\W_])")


def configure(app, config):
    """Set what makes up the look, so that ``conf.py`` holds only what a project decides.

    The address and the repository come from ``pyproject.toml``, if the environment has no other.
    """
    text = (records.ROOT / "pyproject.toml").read_text(encoding="utf-8")
    table = tomllib.loads(text)["tool"]["proofsheet"]
    site = os.environ.get("PROOFSHEET_SITE") or table["site"]
    config.proofsheet_site = site.rstrip("/") + "/"
    config.proofsheet_repository = os.environ.get("PROOFSHEET_REPOSITORY", table["repository"])
    config.html_baseurl = f"{config.proofsheet_site}{config.language}/"
    config.html_theme = "furo"
    config.html_title = config.project
    config.html_favicon = "docs/_static/favicon.svg"  # from the project's root
    config.html_copy_source = config.html_show_sourcelink = False
    config.html_use_index = False  # the API index is a page of its own
    config.html_css_files = ["site.css"]
    config.html_js_files = [(name, {"defer": "defer"}) for name in ("site.js", ANSWERING)]
    config.html_permalinks_icon = "#"
    config.html_sidebars = {
        "**": [f"sidebar/{name}.html" for name in ("brand", "search", "navigation")]
    }
    config.pygments_style = "proofsheet.highlight.Light"
    config.pygments_dark_style = "proofsheet.highlight.Dark"


# --- what a page says about itself -------------------------------------------------------


def first_sentence(text, limit=160):
    """Cut ``text`` after its first sentence; what is too long ends at a word."""
    return shorten(re.split(r"(?<=[.!?])\s+|(?<=[。！？])", text, maxsplit=1)[0], limit)


def shorten(text, limit):
    """``text``, or where it is too long its beginning, up to the end of a word."""
    if len(text) <= limit:
        return text
    return text[:limit].rsplit(" ", 1)[0].rstrip(",;:，；：") + " …"


def shorten_navigation(app, pagename, templatename, context, doctree):
    """Give the theme, which wants the titles of all pages, tables of contents without cards.

    Sphinx copies the whole table of every page for each page that it writes, and then drops
    all but the title: a third of the time that writing takes.
    """
    env, whole = app.env, context.get("toctree")
    if whole is None:
        return

    def toctree(**options):
        kept, env.tocs = env.tocs, data.of(env).once(_titles)
        try:
            return whole(**options)
        finally:
            env.tocs = kept

    context["toctree"] = toctree


def _titles(env):
    """Of a script's page the entry alone; other pages may hold chapters below theirs."""
    return {
        name: nodes.bullet_list("", nodes.list_item("", toc[0][0].deepcopy()))
        if records.module(name)
        else toc
        for name, toc in env.tocs.items()
    }


def break_names(app, pagename, templatename, context, doctree):
    """Let a long name break behind a dot or an underscore and not within a word."""
    for part, wide in ("body", LONG_NAME), ("toc", SHOWN_CODE), ("furo_navigation_tree", LONG_NAME):
        if part in context:
            context[part] = wide.sub(lambda name: JOINT.sub("<wbr>", name[0]), context[part])


def wanted(name, on_search_page, names_answer):
    """Whether a page loads this style sheet or script."""
    base = os.path.basename(str(name))
    if base in SEARCH_ONLY:
        return on_search_page
    if base == ANSWERING:
        return names_answer
    return base not in NOT_NEEDED and not base.startswith(NOT_NEEDED_PREFIXES)


def complete_context(app, pagename, templatename, context, doctree):
    """Languages, description, social card; leaves out files that the page does not need."""
    answers = 'class="names-help"' in context.get("body", "")
    for key in ("css_files", "script_files"):
        context[key] = [
            entry
            for entry in context[key]
            if wanted(getattr(entry, "filename", entry), pagename == "search", answers)
        ]
    described = data.of(app.env).pages.get(pagename, data.Page())
    description = first_sentence(described.text) or _(
        "A PyTorch reference in which every value, shape, dtype and error is checked."
    )
    title = nodes.unescape(context.get("title") or app.config.project)
    repository = app.config.proofsheet_repository
    context |= {
        "site": app.config.proofsheet_site,
        "languages": LANGUAGES,
        "edition": app.config.language,
        "page_uri": app.builder.get_target_uri(pagename),
        "repository_url": repository and f"https://github.com/{repository}",
        "description": escape(description),
        "plain_title": escape(re.sub(r"<[^>]+>", "", title)),
    }
    # The template has a viewport already; docutils adds its own before it.
    given = re.sub(r'<meta name="viewport"[^>]*>', "", context.get("metatags", "")).strip()
    tags = app.builder.templates.render("partials/meta.html", context)
    context["metatags"] = "\n".join(["", *filter(None, [given]), tags, ""])

    # Furo's boxes that open a branch: a switch must say aria-checked, a checkbox need not.
    tree = context.get("furo_navigation_tree", "").replace(' role="switch"', "")
    tree = tree.replace(' role="heading"', ' role="heading" aria-level="2"')
    context["furo_navigation_tree"] = tree.replace("Toggle navigation of", _("Show pages of"))


# --- the landing page --------------------------------------------------------------------


def landing(app, docname, place):
    """``{landing} search``, ``figures`` or ``chapters``: ``_templates/landing/<part>.html``.

    ``{landing} card`` shows the first card on a ``page`` whose title holds the text ``card``.
    """
    (part,) = place["given"]
    if part == "card":
        return _card(app, docname, place)
    context = {"pathto": lambda target: app.builder.get_relative_uri(docname, target)}
    if part == "figures":
        context |= records.figures()
    elif part == "chapters":
        context["chapters"] = [
            chapter for top in records.SOURCES for chapter in chapters(app.env, f"{top}/index")
        ]
    return [markup.html(html=app.builder.templates.render(f"landing/{part}.html", context))]


def chapters(env, top):
    """The chapters below ``top`` with their pages and the number of their cards or examples."""
    return [
        {
            "docname": chapter,
            "kind": env.titles[top].astext(),
            "title": env.titles[chapter].astext(),
            "summary": data.of(env).page(chapter).text,
            "count": size(chapter),
            "pages": [{"docname": page, "title": env.titles[page].astext()} for page in pages],
        }
        for chapter in env.toctree_includes.get(top, [])
        if (pages := env.toctree_includes.get(chapter))
    ]


def _card(app, docname, place):
    """A card as it stands on its own page."""
    wanted = place["card"]
    cards = data.of(app.env).pages.get(place["page"], data.Page()).cards
    entry = next((entry for entry in cards if wanted in entry.title), None)
    if entry is None:
        logger.warning("no card %r on %s", wanted, place["page"], location=place, once=True)
        return []
    doctree = app.env.get_doctree(place["page"])
    (section,) = (s for s in doctree.findall(nodes.section) if entry.anchor in s["ids"])
    link = markup.link(app, docname, place["page"], entry.heading, entry.anchor)
    box = nodes.container(classes=["shown-card"])
    box += nodes.paragraph("", "", link, classes=["shown-card-title"])
    skipped = (nodes.title, nodes.section, nodes.target, data.later)
    for child in section.children:
        if not isinstance(child, skipped) and child is not section[-1]:  # its row of tools
            box += child.deepcopy()
    for node in list(box.findall(addnodes.pending_xref)):  # too late to resolve it
        node.replace_self(node.children)
    for node in box.findall(nodes.Element):
        node["ids"] = node["names"] = []
    return [box]


def files(app, docname, place):
    """``{site-files} NAME...``: links to files that the build writes beside the start page."""
    up = "../" * docname.count("/")
    links = [
        nodes.reference("", "", nodes.literal("", name), refuri=up + name)
        for name in place["given"]
    ]
    return [nodes.paragraph("", "", *markup.joined(links))]


# --- the folder above the languages ------------------------------------------------------


def write_site(app, exception):
    """Write the start page, the 404 page, the sitemap and robots.txt beside the languages."""
    out = Path(app.outdir)
    if exception or app.builder.name != "html" or out.name not in NAMES:
        return
    site = app.config.proofsheet_site
    context = {
        "site": site,
        "base": urlsplit(site).path,
        "project": app.config.project,
        "languages": LANGUAGES,
        "pages": [app.builder.get_target_uri(docname) for docname in sorted(app.env.found_docs)],
    }
    for name in ("index.html", "404.html", "sitemap.xml", "robots.txt"):
        text = app.builder.templates.render(f"site/{name}", context)
        (out.parent / name).write_text(text, encoding="utf-8")


def setup(app):
    app.add_config_value("proofsheet_site", "", "html", [str])
    data.add_place(app, "landing", landing, "page", "card")
    data.add_place(app, "site-files", files)
    app.connect("config-inited", configure)
    app.connect("html-page-context", shorten_navigation, priority=100)
    app.connect("html-page-context", complete_context, priority=900)
    app.connect("html-page-context", break_names, priority=900)
    app.connect("build-finished", write_site)
