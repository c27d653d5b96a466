"""The pytest side: each card, on each device and under each seed, is a test of its own.

``pytest snippets/tensors/joining.py`` collects that file. Nothing of a file runs in
pytest's own process; the first test asked for starts all files in theirs.
"""

from pathlib import Path

import pytest

from . import cards, runner

DEVICES = ("cpu", "cuda")


def pytest_addoption(parser):
    group = parser.getgroup("cards")
    parser.addini("claims_files", "folders whose Python files are cards", type="args", default=[])
    group.addoption("--device", choices=DEVICES, help="run cards on this device only")
    group.addoption(
        "--file-limit", type=float, default=runner.LIMIT, help="seconds for a file of cards"
    )


def _holds_cards(path, config):
    """Whether ``path`` is a script below a folder that the configuration names."""
    folders = [config.rootpath / name for name in config.getini("claims_files")]
    return any(
        path.is_relative_to(folder) and path.suffix == ".py" and not runner.hidden(path, folder)
        for folder in folders
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
        wanted = self.config.getoption("--device")
        here = _runs(self.config).devices
        for device in [wanted] if wanted else DEVICES:
            if device not in here:
                yield Absent.from_parent(self, name=f"[{device}]", device=device)
                continue
            for name, seed in runner.plan(module):
                item = CardItem.from_parent(self, name=f"{name}[{device}-seed{seed}]")
                item.where = (self.path, device)
                item.step = (name, seed)
                item.line = next(u.line for u in module.units() if u.name == name)
                yield item


class _Item(pytest.Item):
    def repr_failure(self, excinfo):
        if isinstance(excinfo.value, CardFailed):
            return str(excinfo.value)
        return super().repr_failure(excinfo)

    def reportinfo(self):
        return self.path, getattr(self, "line", 1) - 1, self.name


class CardFailed(Exception):
    """A card that does not hold."""


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
    """One card on one device under one seed."""

    def runtest(self):
        job = _runs(self.config).wait(self.where, self.step)
        outcome = job.results.get(self.step)
        if outcome is None:
            if job.culprit == self.step:
                raise CardFailed(f"{self.path}: {job.error}")
            pytest.skip(f"not run: its file's process died at {job.culprit[0]!r}")
        if outcome.needs:
            pytest.skip(f"{outcome.needs} is not installed")
        if outcome.failures:
            lines = (f"{self.path}:{line}: {text}" for line, text in outcome.failures)
            raise CardFailed("\n".join(lines))


def pytest_collection_finish(session):
    runs = _runs(session.config)
    for item in session.items:
        if isinstance(item, CardItem):
            runs.plan(item.where, item.step)


def pytest_unconfigure(config):
    if runs := getattr(config, "card_runs", None):
        runs.stop()


def _runs(config):
    if not hasattr(config, "card_runs"):
        paths = [Path(argument.partition("::")[0]) for argument in config.args]
        runner.prepare([path for path in paths if path.exists()])
        config.card_runs = Runs(config.getoption("--file-limit"))
    return config.card_runs


class Runs:
    """All jobs of one pytest run, and the stream of their results."""

    def __init__(self, limit):
        self.limit, self.jobs, self.stream, self.ended = limit, {}, None, set()
        self._devices = None

    @property
    def devices(self):
        if self._devices is None:
            self._devices = runner.devices()
        return self._devices

    def plan(self, where, step):
        job = self.jobs.setdefault(where, runner.Job(*where, plan=[]))
        job.plan.append(step)

    def wait(self, where, step):
        """Drive the stream until this step has run or its job has ended."""
        if self.stream is None:
            self.stream = runner.check(list(self.jobs.values()), limit=self.limit)
        job = self.jobs[where]
        while step not in job.results and id(job) not in self.ended:
            ran, name, _ = next(self.stream)
            if name is None:
                self.ended.add(id(ran))
        return job

    def stop(self):
        if self.stream:
            self.stream.close()
