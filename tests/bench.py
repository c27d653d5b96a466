"""Benchmark: what checking and building cost, as ratios within one run. ``nox -s bench``.

Everything runs in copies of the tree in a temporary folder. Seconds depend on the machine
and on what else it does; the ratios are what the project promises. Name parts to run only
those: ``nox -s bench -- verify build live pages lighthouse scale``.
"""

import argparse
import gzip
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import types
import warnings
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from torchproof import cards, process

ROOT = Path(__file__).resolve().parent.parent

LANGUAGES = ("en", "zh_CN")
PAGE = "reference/tensors/joining.html"
CHROMIUM_FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-background-networking"
    " --disable-component-update --disable-sync"
)


def say(what, value, unit, promise="", kept=None):
    """Print one figure, what is promised of it, and whether that is kept."""
    mark = "" if kept is None else ("  ok" if kept else "  NOT MET")
    print(f"{what:<58} {value:8.2f} {unit:<6} {promise}{mark}", flush=True)


def timed(command, folder, **env):
    """Seconds that a command takes in ``folder``; its output is shown if it fails."""
    start = time.perf_counter()
    # The copy's own extension, and not the one that is installed from here.
    env = os.environ | {"PYTHONPATH": str(Path(folder) / "docs" / "_ext")} | env
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
    return time.perf_counter() - start


def copy(folder):
    """A copy of what git tracks, and of what it would track."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True
    )
    for name in listed.stdout.split("\n"):
        if name and (ROOT / name).is_file():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target)
    return folder


def sphinx(language, *more):
    return [
        *(sys.executable, "-m", "sphinx", "-c", ".", "-q", "-D", f"language={language}"),
        *("-d", f"build/doctrees/{language}", "docs", f"build/html/{language}", *more),
    ]


def check(*more):
    return [sys.executable, "-m", "torchproof", "snippets", "gallery", *more]


def build(folder):
    """Verification and both languages, as ``nox -s docs`` runs them: seconds."""
    return timed([sys.executable, "docs/_ext/build.py"], folder)


def as_copied(unit, path, seed, device):
    """Task of process.run: what the copy button gives, with no checker around it."""
    import torch

    from torchproof import state

    state.seed_everything(seed)
    torch.set_default_device(None if device == "cpu" else device)
    # A module called __main__, so that what the copy defines can be pickled.
    sys.modules["__main__"] = module = types.ModuleType("__main__")
    with warnings.catch_warnings(action="ignore"):
        # At its own lines of the file, where inspect.getsource looks.
        for code in (unit.imports, "\n" * (unit.line - 1) + unit.code):
            exec(compile(code, str(path), "exec"), vars(module))
    if pyplot := sys.modules.get("matplotlib.pyplot"):
        pyplot.close("all")


def check_twice(unit, path, seed, device):
    """Task of process.run: a verification under the two seeds that the bare run has, too."""
    outcome = process.check(unit, path, seed, device)
    outcome.draws = False  # so that nothing runs under more seeds
    return outcome


def run_all(paths, task):
    """Seconds to run every card under both seeds and every example, as a verification does."""
    modules, _ = cards.read_all(paths)
    modules.sort(key=lambda module: not module.example)
    jobs = [process.Job(m.path, "cpu", process.plan(m), task) for m in modules]
    imports = {module.imports for module in modules if not module.example}
    start = time.perf_counter()
    for job, unit, seed in process.run(jobs, imports=sorted(imports)):
        if why := job.lost.get((unit.name, seed)):
            sys.exit(f"{job.path}: {unit.name}: {why}")
    return time.perf_counter() - start


def verify(work):
    """Checked against bare execution of the same code, in the same kind of processes."""
    paths = [ROOT / "snippets", ROOT / "gallery"]
    run_all([ROOT / "snippets/tensors"], as_copied)  # warm: the server has imported torch
    say("verification, with more seeds for cards that draw", run_all(paths, process.check), "s")
    checked, bare = run_all(paths, check_twice), run_all(paths, as_copied)
    say("verification, two seeds", checked, "s")
    say("verification / bare execution", checked / bare, "x", "<= 1.25", checked <= 1.25 * bare)
    paths = paths[:1]
    pairs = [(run_all(paths, check_twice), run_all(paths, as_copied)) for _ in range(3)]
    say("the same of cards alone", statistics.median(one / two for one, two in pairs), "x")


def builds(work):
    """Clean, unchanged and one-edit builds of both languages, and sphinx-gallery's defaults."""
    folder = copy(work / "build")
    verification = timed(check("--records", str(work / "records")), folder)
    clean = build(folder)
    say("verification alone", verification, "s")
    say("first build: verification, runs, both languages", clean, "s")
    ratio = clean / verification
    say("first build / verification", ratio, "x", "<= 1.6", ratio <= 1.6)

    default = work / "default"
    shutil.copytree(folder / "snippets", default / "snippets")
    shutil.copytree(folder / "gallery", default / "gallery")
    (default / "docs").mkdir()
    (default / "docs/index.rst").write_text(
        "Defaults\n========\n\n.. toctree::\n   :glob:\n\n"
        "   reference/*/index\n   gallery/*/index\n"
    )
    (default / "conf.py").write_text(
        "from glob import glob\n"
        "extensions = ['sphinx_gallery.gen_gallery']\nhtml_theme = 'furo'\n"
        "chapters = [path[:-10] for path in glob('[sg]*/[a-z]*/index.rst')]\n"
        "sphinx_gallery_conf = dict(examples_dirs=[f'../{path}' for path in chapters],"
        " gallery_dirs=[path.replace('snippets', 'reference') for path in chapters],"
        " copyfile_regex=r'index\\.rst$', filename_pattern=r'\\.py$')\n"
        # Our own directives, without which no page would parse.
        "from docutils.parsers.rst import Directive, directives\n"
        "class Own(Directive):\n"
        "    has_content, optional_arguments, final_argument_whitespace = True, 1, True\n"
        "    option_spec = {'style': directives.unchanged}\n"
        "    def run(self): return []\n"
        "for name in ('tensors', 'graph', 'which', 'glance', 'since'):\n"
        "    directives.register_directive(name, Own)\n"
    )
    # As such sites are built: each language from a clean tree of its own.
    other = sum(timed(sphinx("en", "-E"), default) for _ in _cleaned(default))
    say("sphinx-gallery's defaults, both languages", other, "s")
    say("defaults / ours", other / clean, "x", ">= 3", other / clean >= 3)

    again = build(folder)
    say("nothing changed: verification and both languages", again, "s", "< 5", again < 5)
    edit(folder / "snippets/tensors/joining.py")
    edited = build(folder)
    say("one card edited: verification and both languages", edited, "s", "< 8", edited < 8)


def _cleaned(folder):
    """Twice, with nothing left of an earlier build."""
    for _ in LANGUAGES:
        for made in ("build", "docs/reference", "docs/gallery"):
            shutil.rmtree(folder / made, ignore_errors=True)
        yield


def edit(path):
    """Change a number in a card, and the claims that follow from it."""
    text = path.read_text()
    for old, new in (("4, 5, 6", "4, 5, 7"), ("[3, 6]", "[3, 7]")):
        text = text.replace(old, new)
    path.write_text(text)


def live(work):
    """From saving a card to its page on disk, with ``nox -s live`` running."""
    folder = copy(work / "live")
    build(folder)
    log = (work / "live.log").open("w")
    command = [sys.executable, "-u", "docs/_ext/live.py", "--port", "8765"]
    server = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
    try:
        _wait(lambda: "Waiting to detect" in (work / "live.log").read_text(), 120)
        time.sleep(2)
        page = folder / "build/html/en" / PAGE
        start = time.perf_counter()
        edit(folder / "snippets/tensors/joining.py")
        # Highlighting wraps each number, so the text is compared without tags.
        _wait(lambda: "4, 5, 7" in re.sub("<[^>]*>", "", page.read_text()), 60)
        seconds = time.perf_counter() - start
        say("live: from saving a card to its page", seconds, "s", "< 3", seconds < 3)
    finally:
        server.terminate()
        server.wait()


def _wait(condition, limit):
    deadline = time.monotonic() + limit
    while not condition():
        if time.monotonic() > deadline:
            sys.exit(f"waited {limit} s in vain")
        time.sleep(0.05)


class Compressed(SimpleHTTPRequestHandler):
    """Serves as a static host does: gzip for text, and nothing to the terminal."""

    def log_message(self, *_):
        pass

    def do_GET(self):
        path = Path(self.translate_path(self.path))
        path = path / "index.html" if path.is_dir() else path
        text = path.suffix in {".html", ".css", ".js", ".svg", ".json", ".xml", ".txt"}
        if not path.is_file():
            self.send_error(404)
            return
        body = gzip.compress(path.read_bytes(), 9, mtime=0) if text else path.read_bytes()
        self.send_response(200)
        self.send_header("Content-Type", self.guess_type(path))
        if text:
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "max-age=3600")
        self.end_headers()
        self.wfile.write(body)


def served(folder):
    """Start a server for ``folder``; return it and its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Compressed, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server, f"http://127.0.0.1:{server.server_port}"


def chromium():
    found = [shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome")]
    return next(filter(None, found), None)


def pages(work):
    """Weight and requests of a page as a browser sees them, in both languages."""
    if not chromium():
        print("pages: no Chromium here")
        return
    from playwright.sync_api import sync_playwright

    server, address = served(ROOT / "build/html")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium(), args=CHROMIUM_FLAGS.split()
        )
        for language in LANGUAGES:
            for name in ("index.html", PAGE):
                page, sizes = browser.new_page(), []
                page.on("response", lambda r, sizes=sizes: sizes.append(r.request.sizes()))
                page.goto(f"{address}/{language}/{name}", wait_until="networkidle")
                kb = sum(s["responseBodySize"] for s in sizes) / 1000
                say(f"{language}/{name}: compressed", kb, "kB", "<= 90", kb <= 90)
                say(f"{language}/{name}: requests", len(sizes), "", "<= 15", len(sizes) <= 15)
                page.close()
        browser.close()
    server.shutdown()


def lighthouse(work):
    """Lighthouse's four mobile scores, where npx is there to run it."""
    if not (chromium() and shutil.which("npx")):
        print("lighthouse: needs Chromium and npx")
        return
    server, address = served(ROOT / "build/html")
    for name in ("en/index.html", f"en/{PAGE}", f"zh_CN/{PAGE}"):
        report = work / "lighthouse.json"
        timed(
            [
                *("npx", "--yes", "lighthouse@13", f"{address}/{name}", "--quiet"),
                *("--output=json", f"--output-path={report}", f"--chrome-flags={CHROMIUM_FLAGS}"),
            ],
            work,
            CHROME_PATH=chromium(),
        )
        for category in json.loads(report.read_text())["categories"].values():
            score = 100 * category["score"]
            say(f"lighthouse {name}: {category['id']}", score, "", "100", score == 100)
    server.shutdown()


def scale(work):
    """A tree with ten times the cards of one chapter, against ten times the time."""
    one, ten = copy(work / "one"), copy(work / "ten")
    for chapter in [path for f in (one, ten) for path in f.glob("snippets/[a-z]*/")]:
        if chapter.name != "tensors":
            shutil.rmtree(chapter)
    for example in [path for f in (one, ten) for path in f.glob("gallery/*/*.py")]:
        if example.stem != "training_loop":  # the shortest that there is
            example.unlink()
    for module in cards.read_all([ten / "snippets"])[0]:
        for number in range(1, 10):
            target = module.path.with_stem(f"{module.path.stem}_{number}")
            target.write_text(module.path.read_text())
    counts = [sum(len(m.cards) for m in cards.read_all([f / "snippets"])[0]) for f in (one, ten)]
    assert counts[1] == 10 * counts[0]
    checks = [timed(check(), folder) for folder in (one, ten)]
    say("verification of 10 x the cards / of the cards", checks[1] / checks[0], "x", "<= 10",
        checks[1] <= 10 * checks[0])  # fmt: skip
    english = [timed(sphinx("en"), folder) for folder in (one, ten)]
    say("build of 10 x the cards / of the cards", english[1] / english[0], "x", "<= 10",
        english[1] <= 10 * english[0])  # fmt: skip


PARTS = {
    "verify": verify,
    "build": builds,
    "live": live,
    "pages": pages,
    "lighthouse": lighthouse,
    "scale": scale,
}


def main():
    """Run the parts named on the command line, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="part", help=", ".join(PARTS))
    names = parser.parse_args().parts or list(PARTS)
    modules, _ = cards.read_all([ROOT / "snippets", ROOT / "gallery"])
    total = sum(len(module.cards) for module in modules)
    print(f"{total} cards in {len(modules)} files; {os.cpu_count()} cores", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            PARTS[name](Path(folder))


if __name__ == "__main__":
    main()
