"""The pytest side of cards: each card, on each device, is a test of its own.

``pytest snippets/tensors/joining.py`` collects that file, where the configuration names its
folder in ``claims_cards``. Nothing of it runs in pytest's own process; the first test asked
for starts all cards. With pytest-xdist each worker starts those that it is given.
"""

import pytest

from . import __main__ as command
from . import cards, process, record

DEVICES = ("cpu", "cuda")


def _holds_cards(path, config):
    """Whether ``path`` is a script below a folder that the configuration names."""
    folders = [config.rootpath / name for name in config.getini("claims_cards")]
    return path.suffix == ".py" and any(
        path.is_relative_to(folder) and not cards.hidden(path, folder) for folder in folders
    )


def pytest_collect_file(file_path, parent):
    # A file named on the command line comes by way of the hook below.
    if _holds_cards(file_path, parent.config) and not parent.session.isinitpath(file_path):
        return CardFile.from_parent(parent, path=file_path)


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makemodule(module_path, parent):
    if _holds_cards(module_path, parent.config):
        return CardFile.from_parent(parent, path=module_path)


class CardFile(pytest.File):
    """A snippet module or an example."""

    def collect(self):
        try:
            module = cards.read(self.path)
        except cards.CardError as error:
            yield Unreadable.from_parent(self, name="cards", error=error)
            return
        wanted = self.config.getoption("--claims-device")
        here = _runs(self.config).machine["devices"]
        for device in [wanted] if wanted else DEVICES:
            if device not in here:
                yield Absent.from_parent(self, name=f"[{device}]", device=device)
                continue
            for unit in module.units():
                item = CardItem.from_parent(self, name=f"{unit.name}[{device}]")
                item.module, item.unit, item.device, item.line = module, unit, device, unit.line
                yield item


class CardFailed(Exception):
    """A card that does not hold."""


class _Item(pytest.Item):
    def repr_failure(self, excinfo):
        if isinstance(excinfo.value, CardFailed):
            return str(excinfo.value)
        return super().repr_failure(excinfo)

    def reportinfo(self):
        return self.path, getattr(self, "line", 1) - 1, self.name


class Unreadable(_Item):
    """A file that cannot be read costs one failure, and no other file anything."""

    def __init__(self, *, error, **kwargs):
        super().__init__(**kwargs)
        self.error = error

    def runtest(self):
        raise CardFailed(str(self.error))


class Absent(_Item):
    """A device that this machine lacks, shown once a file."""

    def __init__(self, *, device, **kwargs):
        super().__init__(**kwargs)
        self.device = device

    def runtest(self):
        pytest.skip(f"this machine has no {self.device} device")


class CardItem(_Item):
    """One card on one device, under all its seeds."""

    def runtest(self):
        failures, needs = _runs(self.config).outcome(self)
        if failures:
            lines = (f"{self.path}:{line}: {text}" for line, text in failures)
            raise CardFailed("\n".join(lines))
        if needs:
            pytest.skip(f"the card needs {needs}, which is not here")


def pytest_collection_finish(session):
    runs = _runs(session.config)
    runs.items = [item for item in session.items if isinstance(item, CardItem)]


def pytest_sessionfinish(session):
    if runs := getattr(session.config, "card_runs", None):
        runs.close()


def _runs(config):
    if not hasattr(config, "card_runs"):
        config.card_runs = Runs(config)
    return config.card_runs


class Runs:
    """All cards of one pytest run, and the stream of their results."""

    def __init__(self, config):
        self.items, self.jobs, self.stream = [], {}, None
        self.limit = config.getoption("--claims-limit") or process.LIMIT
        self.folder = config.getoption("--claims-records")
        known = config.getoption("--claims-known") and self.folder
        self.known = record.Records(self.folder) if known else record.Records()
        self.alone = hasattr(config, "workerinput")  # xdist hands out one test after another
        self._machine = None

    @property
    def machine(self):
        if self._machine is None:
            self._machine = process.machine()
        return self._machine

    def outcome(self, item):
        """``(failures, what is missing)`` of an item, run now or known from before."""
        if self._is_known(item):
            return [], None
        if item not in self.jobs:
            todo = [item] if self.alone else [one for one in self.items if one not in self.jobs]
            self.start([one for one in todo if not self._is_known(one)])
        job = self.jobs[item]
        while not job.done:
            next(self.stream)
        outcomes = list(job.results.values())
        failures = {tuple(failure) for one in outcomes for failure in one.failures}
        failures |= {(item.line, why) for why in job.lost.values()}
        return sorted(failures), next((one.needs for one in outcomes if one.needs), None)

    def _is_known(self, item):
        return self.known.passed(item.module, item.unit, item.device)

    def start(self, items):
        """Have the cards of ``items`` run."""
        for item in items:
            steps = [step for step in process.plan(item.module) if step[0].name == item.unit.name]
            self.jobs[item] = process.Job(item.path, item.device, steps, process.check)
        jobs = [self.jobs[item] for item in items]
        imports = {item.module.imports for item in items if not item.module.example}
        workers = 1 if self.alone else None
        self.stream = process.run(jobs, workers, limit=self.limit, imports=imports)

    def close(self):
        """Write the record, and end what still runs."""
        if self.stream:
            self.stream.close()
        if self.folder is None:
            return
        for device in {item.device for item in self.jobs}:
            found = {
                f"{item.module.name}::{item.unit.name}": record.entry(item.unit, job)
                for item, job in self.jobs.items()
                if job.done and item.device == device
            }
            run = record.this_run(device, self.machine, 1)
            command.warn(record.save(self.folder, run, found, ()))
