"""The pytest side of files that are no cards: ``pytest --claims README.md examples``.

A file is a test, or with ``--claims-isolate`` each of its cells or fences. A file of tests is
left to pytest, unless the configuration names it in ``claims_files``.
"""

import fnmatch

import pytest

from . import documents, own, process, rewrite, suggest
from .pytest_cards import CardFailed, Runs, _holds_cards, _Item

NOT_ASKED = ("conftest.py", "setup.py", "noxfile.py")  # what a tool runs, for its own ends


def _takes(path, parent):
    """Whether ``path`` is a file whose claims are asked for."""
    config = parent.config
    if path.suffix not in documents.SUFFIXES or _holds_cards(path, config):
        return False
    if not _named(config).isdisjoint((path, *path.parents)):
        return True
    patterns = [*config.getini("python_files"), *NOT_ASKED]
    return config.getoption("--claims") and not (
        path.suffix == ".py" and any(fnmatch.fnmatch(path.name, one) for one in patterns)
    )


def _named(config):
    """The files and folders that the configuration names."""
    if not hasattr(config, "claims_named"):
        found = [config.rootpath.glob(name) for name in config.getini("claims_files")]
        config.claims_named = {path for paths in found for path in paths}
    return config.claims_named


def pytest_collect_file(file_path, parent):
    # A script named on the command line comes by way of the hook below.
    named = file_path.suffix == ".py" and parent.session.isinitpath(file_path)
    if not named and _takes(file_path, parent):
        return ClaimFile.from_parent(parent, path=file_path)


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makemodule(module_path, parent):
    if parent.session.isinitpath(module_path) and _takes(module_path, parent):
        return ClaimFile.from_parent(parent, path=module_path)


class ClaimFile(pytest.File):
    """A script or a document."""

    def collect(self):
        options = asked(self.config)
        runs(self.config).files.append(self.path)
        try:
            document = documents.read(self.path, options.mode, options.isolate)
        except documents.Unreadable as error:
            if self.session.isinitpath(self.path):
                yield Wrong.from_parent(self, name="claims", text=str(error))
            return
        (device,) = options.devices
        if document.failures:
            text = "\n".join(f"{self.path}:{line}: {what}" for line, what in document.failures)
            yield Wrong.from_parent(self, name="comments", text=text)
        for unit in document.units:
            name = "claims" if unit.title == self.path.name else unit.title
            item = ClaimItem.from_parent(self, name=f"{name}[{device}]")
            item.unit, item.device = unit, device
            item.steps = [(unit, seed) for seed in options.seeds]
            item.line = unit.start
            yield item


class Wrong(_Item):
    """Comments that begin as claims do and are none, or a file that cannot be read."""

    def __init__(self, *, text, **kwargs):
        super().__init__(**kwargs)
        self.text = text

    def runtest(self):
        raise CardFailed(self.text)


class ClaimItem(_Item):
    """What is run as one, on one device, under all seeds."""

    def runtest(self):
        failures = runs(self.config).outcome(self)
        if failures:
            raise CardFailed("\n".join(map(str, failures)))


def asked(config):
    """own.Options, as the command line has them."""
    device = config.getoption("--claims-device")
    return own.Options(
        strict=config.getoption("--claims-strict"),
        isolate=config.getoption("--claims-isolate"),
        devices=(device or "cpu",),
        seeds=config.getoption("--claims-seeds") or process.SEEDS,
        limit=config.getoption("--claims-limit") or process.LIMIT,
    )


def pytest_collection_finish(session):
    found = [item for item in session.items if isinstance(item, ClaimItem)]
    runs(session.config).items = found
    if found:
        try:
            own.known_devices(asked(session.config).devices)
        except own.Usage as error:
            raise pytest.UsageError(str(error)) from None


def pytest_sessionfinish(session):
    if found := getattr(session.config, "claim_runs", None):
        found.close()


def pytest_terminal_summary(terminalreporter, config):
    """Show, and write if that is asked for, what could be claimed in the files collected."""
    wanted = [config.getoption(f"--claims-{name}") for name in ("fill", "fix", "reword")]
    if not any(wanted):
        return
    filled, _ = suggest.fill_all(runs(config).files, asked(config), suggest.Wanted(*wanted))
    terminalreporter.section("what could be claimed")
    for one in filled:
        terminalreporter.write(one.diff)
        try:
            if config.getoption("--claims-write"):
                suggest.save(one)
        except rewrite.Refused as error:
            terminalreporter.write_line(f"{error}")


def runs(config):
    """What this run of pytest has started."""
    if not hasattr(config, "claim_runs"):
        config.claim_runs = FileRuns(config)
    return config.claim_runs


class FileRuns(Runs):
    """All files of one pytest run, and the stream of their results. They leave no record."""

    def __init__(self, config):
        super().__init__(config)
        self.files = []

    def outcome(self, item):
        """The failures of an item."""
        if item not in self.jobs:
            self.start([item] if self.alone else self.items)
        job = self.jobs[item]
        while not job.done:
            next(self.stream)
        return own.outcome(job)[0]

    def start(self, items):
        for item in items:
            self.jobs[item] = process.Job(item.path, item.device, item.steps, process.check)
        process.start()
        jobs = [self.jobs[item] for item in items]
        self.stream = process.run(jobs, 1 if self.alone else None, limit=self.limit)

    def close(self):
        if self.stream:
            self.stream.close()
