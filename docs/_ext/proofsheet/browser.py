"""The system's Chromium, and the built site on a server of our own."""

import functools
import http.server
import shutil
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

SITE = Path(__file__).resolve().parents[3] / "build" / "html"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next(filter(None, map(shutil.which, BROWSERS)), None)
# The last three keep it from calling home.
SWITCHES = (
    "no-sandbox", "disable-gpu",
    "disable-background-networking", "disable-component-update", "disable-sync",
)  # fmt: skip


class Quiet(http.server.SimpleHTTPRequestHandler):
    """A server that does not log."""

    def log_message(self, *args):
        pass


class Patient(http.server.ThreadingHTTPServer):
    """A server that does not mind a browser that has left the page.

    Connections beyond the queue's length (5 by default) are dropped by the kernel, and a
    browser opens six at once for every page: the page would wait for a resend that may not come.
    """

    request_queue_size = 128

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


@contextmanager
def served():
    """The address of the site while it is served, such as ``http://127.0.0.1:40000/``."""
    handler = functools.partial(Quiet, directory=str(SITE))
    with Patient(("127.0.0.1", 0), handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_address[1]}/"
        running.shutdown()


@contextmanager
def launched():
    """Chromium, driven by Playwright; it ends with the block."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        arguments = [f"--{name}" for name in SWITCHES]
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield running
        running.close()
