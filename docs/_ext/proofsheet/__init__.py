"""The Sphinx side of Proofsheet: from a saved script to a check mark on a page.

Who acts when. Within an event a lower number acts first; the order in which parts are set up
does not matter.

===================  ========  ==========================  =======================================
event                priority  who                         what happens
===================  ========  ==========================  =======================================
config-inited             500  site.configure              theme, addresses
builder-inited            100  running.Complaints          listens for complaints
builder-inited            400  running.run_outdated        torchproof checks the cards that changed
                                                           and writes records; in the same forks
                                                           sphinx-gallery runs the scripts, and
                                                           drawing draws; names what does not hold
builder-inited            500  sphinx-gallery              writes a page of reStructuredText for
                                                           each script
builder-inited            600  notebooks.clean             says in Markdown what was for pages
env-get-outdated          500  data.outdated               pages whose records changed
(while reading)                the directives of           leave ``later`` nodes
                               apis, changes, guides,
                               site
(transform)                 5  translation.DropBoilerplate takes out what sphinx-gallery added
(transform)                15  translation.Complete        is each message translated?
(transform)                20  Sphinx                      translates
doctree-read              400  pages.transform             sections become cards: ``code`` finds
                                                           claims and colours them, ``records``
                                                           says which hold, ``data`` notes it all
doctree-read              500  Sphinx                      collects titles, images, downloads
doctree-read              600  examples.shorten_title      for the sidebar and for links
env-updated               400  apis.check_names            does PyTorch have the names in prose?
env-updated               500  data.rewrite                which pages show others that changed?
(post-transform)          900  mathml.Together             keeps a formula with its punctuation
doctree-resolved          500  data.fill                   makes what was left for later
html-page-context         100  site.shorten_navigation     gives the theme titles alone
html-page-context         500  markdown, messages          the page as Markdown beside it; the
                                                           script of the page of errors
html-page-context         900  site                        metadata, breaks in long names
build-finished            500  apis, markdown, messages,   api.json, llms.txt, all_messages.js,
                               pack, search, site,         build/cards for the terminal, cards.js,
                               snippets                    texts.js, start page, editors' snippets
build-finished            500  running.copy_downloads      scripts and notebooks beside the pages
build-finished            900  running.Complaints          what the next build reads again
===================  ========  ==========================  =======================================

The mark itself: ``pages`` gives the class ``verified`` to a block whose card holds, ``code`` the
class ``claim`` to each claim in it, and ``site.css`` writes a tick behind a claim in such a block.

``markup`` has the nodes that pages are made of, ``examples`` what examples have and cards have
not, ``tables`` what the page "What is verified" computes; ``highlight`` chooses the colours.
``terminal`` draws what ``torchproof`` shows in one; ``offline`` packs the built site.
``languages`` names both editions. ``inventory`` asks the installed PyTorch, in a process of its
own: Sphinx's imports no torch.

What is kept between builds: the checker's records; beside each page of a script its mark, which
says what the page was made from (``running.is_made``); and Sphinx's own environment with its trees
of pages, in which ``data.PagesDomain`` lies. Within a build ``PagesDomain.once`` keeps answers.
"""

import hashlib
from importlib import import_module
from pathlib import Path

from . import records

PARTS = (
    "apis", "changes", "data", "drawing", "guides", "markdown", "markup", "mathml", "messages",
    "notebooks", "pages", "running", "search", "sheet", "site", "snippets", "tables", "translation",
)  # fmt: skip


def setup(app):
    app.add_config_value("proofsheet_repository", "", "env", [str])
    # Not imported above: the kernel behind "What is verified" needs few of them, and soon.
    for part in PARTS:
        import_module(f"{__name__}.{part}").setup(app)
    return {
        "version": "1",
        "env_version": _code(),  # when it changes, Sphinx reads every page again
        "parallel_read_safe": False,
        "parallel_write_safe": True,
    }


def _code():
    """Hash of this package and of the checker, whose rules "What is verified" shows."""
    folders = Path(__file__).parent, records.ROOT / "snippets" / "_checker"
    parts = [path for folder in folders for path in sorted(folder.glob("*.py"))]
    return hashlib.sha256(b"".join(part.read_bytes() for part in parts)).hexdigest()
