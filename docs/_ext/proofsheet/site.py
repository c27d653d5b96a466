"""The site around the pages: theme, languages, descriptions, landing page, start page."""

import os
import re
import tomllib
from html import escape
from pathlib import Path
from typing import ClassVar
from urllib.parse import urlsplit
from xml.etree import ElementTree

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx import addnodes
from sphinx.locale import get_translation
from sphinx.util.docutils import SphinxDirective
from sphinx.util.logging import getLogger

from . import data, markup, records
from .languages import NAMES, SOURCE, tag
from .pages import size

logger = getLogger(__name__)
_ = get_translation("sphinx")

# Files of Sphinx and its extensions that no page here needs, but the search page the first four.
SEARCH_ONLY = {"documentation_options.js", "doctools.js", "sphinx_highlight.js", "translations.js"}
NOT_NEEDED = {"furo-extensions.css", "sg-tags.js"}
NOT_NEEDED_PREFIXES = ("sg_gallery", "mystnb")

LONG_NAME = re.compile(r'(?<=<span class="pre">)[\w.]{28,}(?=</span>)')
JOINT = re.compile(r"(?<=\w[._])(?=[^\W_])")


def settings():
    """Return the site's address (with a final slash) and the repository (``owner/name`` or "")."""
    path = records.ROOT / "pyproject.toml"
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    table = tomllib.loads(text).get("tool", {}).get("proofsheet", {})
    site = os.environ.get("PROOFSHEET_SITE") or table.get("site", "https://proofsheet.example/")
    repository = os.environ.get("PROOFSHEET_REPOSITORY", table.get("repository", ""))
    return site.rstrip("/") + "/", repository


def configure(app, config):
    """Set what makes up the look, so that ``conf.py`` holds only what a project decides."""
    site, repository = settings()
    config.proofsheet_site, config.proofsheet_repository = site, repository
    config.html_baseurl = f"{site}{config.language}/"
    config.html_theme = "furo"
    config.html_title = config.project
    config.html_favicon = "docs/_static/favicon.svg"  # from the project's root
    config.html_copy_source = config.html_show_sourcelink = False
    config.html_use_index = False  # the API index is a page of its own
    config.html_css_files = ["site.css"]
    config.html_js_files = [("site.js", {"defer": "defer"})]
    config.html_permalinks_icon = "#"
    config.html_sidebars = {
        "**": [f"sidebar/{name}.html" for name in ("brand", "search", "navigation")]
    }
    config.pygments_style = "proofsheet.highlight.Light"
    config.pygments_dark_style = "proofsheet.highlight.Dark"


# --- what a page says about itself -------------------------------------------------------


def first_sentence(text, limit=160):
    """Cut ``text`` after its first sentence; what is too long ends at a word."""
    sentence = re.split(r"(?<=[.!?])\s+|(?<=[。！？])", text, maxsplit=1)[0]
    if len(sentence) <= limit:
        return sentence
    return sentence[:limit].rsplit(" ", 1)[0].rstrip(",;:，；：") + " …"


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
    for part in {"body", "toc", "furo_navigation_tree"} & set(context):
        context[part] = LONG_NAME.sub(lambda name: JOINT.sub("<wbr>", name[0]), context[part])


def wanted(name, on_search_page):
    """Whether a page loads this style sheet or script."""
    base = os.path.basename(str(name))
    if base in SEARCH_ONLY:
        return on_search_page
    return base not in NOT_NEEDED and not base.startswith(NOT_NEEDED_PREFIXES)


def complete_context(app, pagename, templatename, context, doctree):
    """Language links, description, social card; leaves out files that the page does not need."""
    config, here = app.config, app.config.language
    site = config.proofsheet_site
    for key in ("css_files", "script_files"):
        context[key] = [
            entry
            for entry in context[key]
            if wanted(getattr(entry, "filename", entry), pagename == "search")
        ]
    page = app.builder.get_target_uri(pagename)
    context["language_switches"] = [
        {
            "href": f"{context['content_root']}../{language}/{page}",
            "language": language,
            "tag": tag(language),
            "label": label,
        }
        for language, label in NAMES.items()
        if language != here
    ]
    context["alternates"] = [
        {"tag": shown, "url": f"{site}{folder}/{page}"}
        for shown, folder in [*((tag(name), name) for name in NAMES), ("x-default", SOURCE)]
    ]
    repository = config.proofsheet_repository
    context["repository_url"] = repository and f"https://github.com/{repository}"

    described = data.of(app.env).pages.get(pagename, data.Page())
    description = first_sentence(described.text) or _(
        "A PyTorch reference in which every value, shape, dtype and error is checked."
    )
    title = nodes.unescape(context.get("title") or config.project)
    title = re.sub(r"<[^>]+>", "", title)
    properties = {
        "og:type": "website",
        "og:site_name": config.project,
        "og:title": title,
        "og:description": description,
        "og:url": f"{site}{here}/{page}",
        "og:image": f"{site}{here}/_static/social-card.png",
        "og:locale": "en_US" if here == "en" else here,
    }
    tags = [f'<meta name="description" content="{escape(description)}">']
    tags += [f'<meta property="{key}" content="{escape(properties[key])}">' for key in properties]
    tags.append('<meta name="twitter:card" content="summary_large_image">')
    # The template has a viewport already; docutils adds its own before it.
    given = re.sub(r'<meta name="viewport"[^>]*>', "", context.get("metatags", "")).strip()
    context["metatags"] = "\n".join(["", *filter(None, [given]), *tags, ""])

    # Furo's boxes that open a branch: a switch must say aria-checked, a checkbox need not.
    tree = context.get("furo_navigation_tree", "").replace(' role="switch"', "")
    context["furo_navigation_tree"] = tree.replace("Toggle navigation of", _("Show pages of"))


# --- the landing page --------------------------------------------------------------------


class Landing(SphinxDirective):
    """``.. landing:: search``, ``figures`` or ``chapters``; ``card`` with a page and a title."""

    required_arguments = 1
    option_spec: ClassVar = {
        "page": directives.unchanged_required,
        "card": directives.unchanged_required,
    }

    def run(self):
        part = self.arguments[0]
        node = data.later(call=_card if part == "card" else _part, part=part, **self.options)
        self.set_source_info(node)
        return [node]


def _part(app, docname, place):
    """A part of the landing page, rendered from ``_templates/landing/<part>.html``."""
    context = {"pathto": lambda target: app.builder.get_relative_uri(docname, target)}
    if place["part"] == "figures":
        context |= records.figures()
    elif place["part"] == "chapters":
        context["chapters"] = [
            chapter for top in records.SOURCES for chapter in chapters(app.env, f"{top}/index")
        ]
    return [
        markup.html(html=app.builder.templates.render(f"landing/{place['part']}.html", context))
    ]


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
        if not isinstance(child, skipped):
            box += child.deepcopy()
    for node in list(box.findall(addnodes.pending_xref)):  # too late to resolve it
        node.replace_self(node.children)
    for node in box.findall(nodes.Element):
        node["ids"] = node["names"] = []
    return [box]


# --- the folder above the languages ------------------------------------------------------


def write_site(app, exception):
    """Write the start page, the 404 page, the sitemap and robots.txt beside the languages."""
    out = Path(app.outdir)
    if exception or app.builder.name != "html" or out.name not in NAMES:
        return
    site, templates = app.config.proofsheet_site, app.builder.templates
    languages = [{"folder": name, "tag": tag(name)} for name in NAMES]
    base = urlsplit(site).path
    context = {"site": site, "base": base, "project": app.config.project, "languages": languages}
    for name, template in (("index.html", "start.html"), ("404.html", "404.html")):
        text = templates.render(f"site/{template}", context)
        (out.parent / name).write_text(text, encoding="utf-8")

    pages = [app.builder.get_target_uri(docname) for docname in sorted(app.env.found_docs)]
    xhtml = "http://www.w3.org/1999/xhtml"
    ElementTree.register_namespace("xhtml", xhtml)
    urls = ElementTree.Element("urlset", xmlns="http://www.sitemaps.org/schemas/sitemap/0.9")
    for page in pages:
        for language in NAMES:
            url = ElementTree.SubElement(urls, "url")
            ElementTree.SubElement(url, "loc").text = f"{site}{language}/{page}"
            for other in NAMES:
                href = f"{site}{other}/{page}"
                attributes = {"rel": "alternate", "hreflang": tag(other), "href": href}
                ElementTree.SubElement(url, f"{{{xhtml}}}link", attributes)
    ElementTree.indent(urls)
    tree = ElementTree.ElementTree(urls)
    tree.write(out.parent / "sitemap.xml", encoding="utf-8", xml_declaration=True)
    robots = f"User-agent: *\nAllow: /\nSitemap: {site}sitemap.xml\n"
    (out.parent / "robots.txt").write_text(robots, encoding="utf-8")


def setup(app):
    app.add_config_value("proofsheet_site", "", "html", [str])
    app.add_directive("landing", Landing)
    app.connect("config-inited", configure)
    app.connect("html-page-context", shorten_navigation, priority=100)
    app.connect("html-page-context", complete_context, priority=900)
    app.connect("html-page-context", break_names, priority=900)
    app.connect("build-finished", write_site)
