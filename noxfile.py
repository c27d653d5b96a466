"""What can be done with Proofsheet: ``nox -l`` lists it, ``nox -s docs`` builds the site."""

import os
import shutil
import sys
from pathlib import Path

import nox
from uv import find_uv_bin

nox.options.default_venv_backend = "uv"
nox.options.reuse_existing_virtualenvs = True
nox.options.sessions = ["docs"]

HERE = Path(__file__).parent
# One environment for all sessions but compat, since torch is large: made here, by uv.
SHARED = {"venv_backend": "none"}
VENV = HERE / ".nox" / "proofsheet"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
MACHINERY = ("snippets/_checker", "docs/_ext", "tests", "conf.py", "noxfile.py")
DIST = HERE / "build" / "dist"
PYTHONS = ("3.11", "3.12", "3.13", "3.14")  # that a release is tried on
# torch and the torchvision built for it.
PAIRS = {"2.11.0": "0.26.0", "2.12.1": "0.27.1", "2.13.0": "0.28.0", "2.14.1": "0.29.1"}


def uv(session, *arguments):
    """Run uv on the shared environment, whatever other one may be active."""
    env = {"VIRTUAL_ENV": str(VENV), "UV_PYTHON_PREFERENCE": "system"}
    session.run(find_uv_bin(), *arguments, env=env, external=True)


def python(session, *arguments, **options):
    """Run the shared environment's Python; with byte code kept, imports take half the time."""
    env = {"PYTHONDONTWRITEBYTECODE": ""}
    session.run(str(PYTHON), *arguments, external=True, env=env, **options)


def install(session):
    """The hashed lock, or with UV_TORCH_BACKEND set the same versions with another torch.

    UV_TORCH_BACKEND=cpu (or cu126, auto, ...) takes torch from PyTorch's own index: the
    files differ, so their hashes cannot be held against the lock.
    """
    if not PYTHON.exists():
        uv(session, "venv", "--quiet", "--python", sys.executable, str(VENV))
    if os.environ.get("UV_TORCH_BACKEND"):
        lock = ("--no-verify-hashes", "--constraints", "requirements.txt", "--group", "dev")
    else:
        lock = ("--require-hashes", "--requirements", "requirements.txt")
    uv(session, "pip", "install", "--quiet", *lock)
    # The checker and the Sphinx extension, as they lie here; setuptools is in the lock.
    editable = ("--editable", ".", "--editable", "docs/_ext")
    uv(session, "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", *editable)


@nox.session(**SHARED)
def docs(session):
    """Check what changed, then build the site: build/html/index.html."""
    install(session)
    python(session, "docs/_ext/build.py")


@nox.session(**SHARED)
def tests(session):
    """Run all tests: the checker's, every card, the built site, a real browser.

    A card that does not hold costs no test: its own fails, and those of the site say so.
    """
    install(session)
    python(session, "docs/_ext/build.py", success_codes=[0, 1])
    known = ("--claims-records", "build/verified", "--claims-known")
    # A file of tests stays in one of two processes, and what it has made with it. The long ones
    # are those of the site, so they come first and not, as xdist would have it, last.
    side_by_side = ("-n", "2", "--dist", "loadfile", "--no-loadscope-reorder")
    python(session, "-m", "pytest", *known, *side_by_side, *session.posargs)


@nox.session(**SHARED)
def cards(session):
    """Check every card with pytest: ``-- -n 2`` for workers, ``-- --splits 3 --group 1``."""
    install(session)
    python(session, "-m", "pytest", "snippets", "gallery", *session.posargs)


@nox.session(**SHARED)
def live(session):
    """Serve the English site and rebuild a page when its source is saved."""
    install(session)
    python(session, "docs/_ext/live.py", *session.posargs)


@nox.session(**SHARED)
def translate(session):
    """Bring the Chinese catalogues up to date with the sources; then translate what is new."""
    install(session)
    python(session, "-m", "proofsheet.translation")


@nox.session(**SHARED)
def mutate(session):
    """Lie in every claim and see each lie noticed; or ``-- code``, ``-- training``, ``-- apis``.

    After the kind of lie come files and folders; by default, all that there is.
    """
    install(session)
    kind, *paths = session.posargs or ["claims"]
    python(session, "-m", "torchproof", *(paths or ["snippets", "gallery"]), "--mutate", kind)


@nox.session(**SHARED)
def portable(session):
    """Check all under other instruction sets and threads; ``-- seeds``: examples, five seeds."""
    install(session)
    python(session, "tests/portable.py", *session.posargs)


@nox.session(**SHARED)
def search(session):
    """Put real questions to the search of the built site; ``-- --misses`` names what it misses."""
    install(session)
    python(session, "tests/questions.py", *session.posargs)


@nox.session(**SHARED)
def sheet(session):
    """Print the cheat sheet of the built site on paper: build/html/LANGUAGE/sheet.pdf."""
    install(session)
    python(session, "-m", "proofsheet.sheet", *session.posargs)


@nox.session(**SHARED)
def pack(session):
    """Write the built site as a zip and as docsets, and a wheel with its cards: build/dist."""
    install(session)
    packed(session)
    python(session, "-m", "proofsheet.offline")


def packed(session):
    """Build an sdist, and from it the wheel; give the path of that."""
    python(session, "-m", "proofsheet.pack")
    shutil.rmtree(DIST, ignore_errors=True)
    options = ("--quiet", "--no-build-isolation", "--python", str(PYTHON))
    uv(session, "build", *options, "--out-dir", str(DIST))
    (wheel,) = DIST.glob("*.whl")
    return str(wheel)


@nox.session(**SHARED)
def release(session):
    """Build wheel and sdist, and try the wheel in clean environments; ``-- torch`` adds torch.

    A Python that is not here is left out, visibly.
    """
    wheel = packed(session)
    for version in PYTHONS:
        clean = HERE / "build" / "release" / version
        make = ("venv", "--quiet", "--clear", "--python", version, str(clean))
        session.run(find_uv_bin(), *make, external=True, success_codes=[0, 1, 2])
        programs = clean / ("Scripts" if os.name == "nt" else "bin")
        if not programs.exists():
            session.warn(f"not tried: there is no Python {version} here")
            continue
        env = {"VIRTUAL_ENV": str(clean)}
        more = session.posargs
        session.run(
            find_uv_bin(), "pip", "install", "--quiet", wheel, *more, external=True, env=env
        )
        session.run(str(PYTHON), "tests/released.py", str(programs / "python"), external=True)
    once = ("tool", "run", "--from", wheel, "torchproof", "gather")
    session.run(find_uv_bin(), *once, external=True)


@nox.session(**SHARED)
def bench(session):
    """Measure what the checks and the site cost, as ratios within one run."""
    install(session)
    python(session, "tests/bench.py", *session.posargs)


@nox.session(**SHARED)
def figures(session):
    """Measure the performance figures in circulation here, for docs/figures.md; some minutes."""
    install(session)
    python(session, "tests/figures.py", *session.posargs)


@nox.session(**SHARED)
def lint(session):
    """Look for faults of form in the machinery and in the cards."""
    install(session)
    python(session, "-m", "ruff", "check", ".")
    python(session, "-m", "ruff", "format", "--check", *MACHINERY)


@nox.session(**SHARED)
def lock(session):
    """Write requirements.txt again from pyproject.toml: versions and hashes, no addresses."""
    uv(
        session,
        *("pip", "compile", "pyproject.toml", "--group", "dev", "--universal"),
        *("--python-version", "3.11", "--generate-hashes", "--no-header", "--quiet"),
        *("--output-file", "requirements.txt", *session.posargs),
    )


@nox.session
@nox.parametrize("torch", list(PAIRS))
def compat(session, torch):
    """Check every card with an older torch, too, and keep the record for the pages."""
    project = nox.project.load_toml("pyproject.toml")
    others = nox.project.dependency_groups(project, "gallery", "deployment")
    # ExecuTorch is built for one release of torch: with others its cards are skipped, visibly.
    fixed = ("torch==", "torchvision==", "executorch")
    others = [name for name in others if not name.startswith(fixed)]
    session.install(f"torch=={torch}", f"torchvision=={PAIRS[torch]}", *others, "setuptools")
    session.install("--no-deps", "--no-build-isolation", "--editable", ".")
    paths = session.posargs or ["snippets", "gallery"]
    session.run("torchproof", *paths, "--records", "docs/verified")


@nox.session
def frameworks(session):
    """Run docs/frameworks/rows.py in PyTorch, JAX and TensorFlow; keep what all three gave."""
    groups = nox.project.load_toml("pyproject.toml")
    session.install(*nox.project.dependency_groups(groups, "frameworks"), "setuptools")
    session.install("--no-deps", "--no-build-isolation", "--editable", ".")
    session.run("python", "tests/frameworks.py")


@nox.session(venv_backend="none")
def clean(session):
    """Remove all that a build has made."""
    for folder in ("build", "docs/reference", "docs/gallery"):
        shutil.rmtree(HERE / folder, ignore_errors=True)
