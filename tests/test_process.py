"""Cards that crash, hang and break things: each costs itself, is blamed, and leaves nothing."""

import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from torchproof import __main__ as checker
from torchproof import cards, process, record

HEAD = '''"""
Faults
======

A file with faults.
"""
import torch

'''
FINE = "torch.ones(1)  # tensor([1.])"


def source(*codes):
    """A snippet module with one card for each code."""
    text = HEAD
    for number, code in enumerate(codes):
        text += f"# %%\n# Card {number}\n# --------\n{textwrap.dedent(code).strip()}\n\n"
    return text


def run(folder, limit=60.0, **sources):
    """Check files; ``{name: job}``."""
    jobs = {}
    for name, text in sources.items():
        path = folder / f"{name}.py"
        path.write_text(text)
        jobs[name] = process.Job(path, "cpu", process.plan(cards.read(path)), process.check)
    for _ in process.run(list(jobs.values()), limit=limit):
        pass
    return jobs


def faults(job, name):
    """What is wrong with a card, under any seed."""
    outcomes = [found for (unit, _), found in job.results.items() if unit == name]
    return [text for found in outcomes for _, text in found.failures] + [
        why for (unit, _), why in job.lost.items() if unit == name
    ]


# What a card does to its process, and what must be said of it.
FAULTS = {
    "exits": ("import os\nos._exit(3)", "exited with 3"),
    "raises SystemExit": ("import sys\nsys.exit(0)", "SystemExit"),
    "segfaults": ("import faulthandler\nfaulthandler._sigsegv()", "SIGSEGV"),
    "kills itself": ("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", "SIGKILL"),
    "is interrupted": ("raise KeyboardInterrupt", "KeyboardInterrupt"),
    "stops a generator": ("raise GeneratorExit", "GeneratorExit"),
    "never ends": ("while True:\n    pass", "took more than"),
    "recurses without end": ("def f():\n    return f()\n\nf()", "RecursionError"),
    "clears modules": ("import sys\nsys.modules.clear()\nimport torch", ""),
    "overwrites len": ("import builtins\nbuiltins.len = lambda x: 7", ""),
    "leaves a thread": (
        "import threading, time\nthreading.Thread(target=time.sleep, args=(100,)).start()",
        "leaves a thread running",
    ),
    "leaves a process": (
        "import multiprocessing as mp, time\n"
        "mp.get_context('fork').Process(target=time.sleep, args=(100,)).start()",
        "leaves a process running",
    ),
    "sets an alarm": ("import signal\nsignal.alarm(1)\nimport time\ntime.sleep(3)", "SIGALRM"),
}


@pytest.fixture(scope="module")
def broken(tmp_path_factory):
    sources = {f"f{n}": source(FINE, code, FINE) for n, (code, _) in enumerate(FAULTS.values())}
    return run(tmp_path_factory.mktemp("faults"), limit=8.0, **sources)


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_costs_its_own_card_and_no_other(broken, name):
    job = broken[f"f{list(FAULTS).index(name)}"]
    assert job.done
    said = faults(job, "Card 1")
    if said or FAULTS[name][1]:
        assert any(FAULTS[name][1] in text for text in said), said
    assert faults(job, "Card 0") == faults(job, "Card 2") == []


# Card 0 changes something for those after it; Card 1 states what a fresh process gives.
LEAKS = {
    "flush denormals": (
        "torch.set_flush_denormal(True)",
        "torch.tensor(1e-40) * 1 > 0  # tensor(True)",
    ),
    "a patched method": (
        "torch.Tensor.sum = lambda self: torch.tensor(3.0)",
        "torch.ones(2).sum()  # tensor(2.)",
    ),
    "a temporary folder": (
        "import tempfile\ntempfile.tempdir = '/nonexistent'",
        "import tempfile\ntempfile.mkdtemp() != ''  # True",
    ),
    "a module": ("import wave", "import sys\n'wave' in sys.modules  # False"),
    "a hidden seed": ("torch.manual_seed = None", "torch.manual_seed(0).initial_seed()  # 0"),
    "validation": (
        "torch.distributions.Distribution.set_default_validate_args(False)",
        "torch.distributions.Distribution._validate_args  # True",
    ),
}


@pytest.fixture(scope="module")
def leaking(tmp_path_factory):
    sources = {}
    for number, (leak, truth) in enumerate(LEAKS.values()):
        lie = truth.replace("True", "X").replace("False", "True").replace("X", "False")
        lie = lie.replace("tensor(2.)", "tensor(3.)")
        sources[f"honest{number}"] = source(leak, truth)
        sources[f"lying{number}"] = source(leak, lie)
    return run(tmp_path_factory.mktemp("leaks"), **sources)


@pytest.mark.parametrize("name", LEAKS)
def test_no_card_owes_anything_to_another(leaking, name):
    number = list(LEAKS).index(name)
    assert faults(leaking[f"honest{number}"], "Card 1") == []
    if leaking[f"lying{number}"].path.read_text() != leaking[f"honest{number}"].path.read_text():
        assert faults(leaking[f"lying{number}"], "Card 1")


def test_what_a_card_leaves_ends_with_it(tmp_path):
    code = f"""
    import subprocess, sys
    one = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(100)"])
    open({str(tmp_path / "pid")!r}, "w").write(str(one.pid)) > 0  # True
    one.returncode = 0
    """
    run(tmp_path, popen=source(code))
    time.sleep(0.2)
    assert not runs((tmp_path / "pid").read_text())


def runs(pid):
    """Whether a process is there, and is not one that merely waits to be collected."""
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().split()[2] != "Z"


def test_a_child_that_runs_on_sends_nothing(tmp_path):
    job = run(tmp_path, forks=source("import os\nif os.fork() == 0:\n    x = 1", FINE))["forks"]
    assert job.done and faults(job, "Card 1") == []


def test_what_asks_cuda_is_imported_in_the_fork_only(tmp_path):
    """CUDA can be asked once a process; no fork of one that asked could use it."""
    path = tmp_path / "asks.py"
    text = source("torch.cuda._is_in_bad_fork()  # False")
    asking = "import torch\nfrom torch.utils import cpp_extension"
    path.write_text(text.replace("import torch", asking, 1))
    module = cards.read(path)
    job = process.Job(path, "cpu", process.plan(module), process.check)
    for _ in process.run([job], imports=[module.imports]):
        pass
    assert faults(job, "Card 0") == []


GROUP = """
import os, signal, tempfile, time
import torch.distributed as dist
from torch.multiprocessing import start_processes

def work(rank, store):
    dist.init_process_group("gloo", store=store, rank=rank, world_size=2)
    open(f"{pids}/{{os.getpid()}}", "w").close()
    dist.barrier()
    {fault}
    dist.barrier()
    dist.destroy_process_group()

with tempfile.TemporaryDirectory() as folder:
    store = dist.FileStore(f"{{folder}}/store", 2)
    start_processes(work, (store,), 2, start_method="fork")
"""
# What one of two processes does, and what must be said of it.
RANKS = {
    "nothing": ("dist.get_world_size()  # 2", None),
    "tells another value": ("rank  # 0", "claimed 0; got 1 (on rank 1)"),
    "raises": ("rank or 1 / 0", "Process 0 terminated with the following error"),
    "is killed": ("rank and os.kill(os.getpid(), signal.SIGKILL)", "process 1 terminated"),
    "hangs": ("rank and time.sleep(1000)", "took more than"),
}


@pytest.mark.parametrize("name", RANKS)
def test_each_process_of_a_group_counts_and_none_is_left(name, tmp_path):
    fault, said = RANKS[name]
    (tmp_path / "pids").mkdir()
    code = GROUP.format(fault=fault, pids=tmp_path / "pids")
    limit = 8.0 if name == "hangs" else 120.0
    found = faults(run(tmp_path, limit=limit, group=source(code))["group"], "Card 0")
    assert any(said in text for text in found) if said else not found, found
    pids = [path.name for path in (tmp_path / "pids").iterdir()]
    time.sleep(0.2)
    assert len(pids) >= 4 and not any(map(runs, pids))


def test_the_server_can_be_lost(tmp_path):
    lost = run(tmp_path, kills=source("import os, signal\nos.kill(os.getppid(), signal.SIGKILL)"))
    assert "the process that starts all others has ended" in faults(lost["kills"], "Card 0")[0]
    assert faults(run(tmp_path, fine=source(FINE))["fine"], "Card 0") == []


def test_cards_see_the_process_that_a_reader_has(tmp_path):
    code = """
    import multiprocessing, os
    torch.is_warn_always_enabled()  # False
    multiprocessing.get_start_method(allow_none=True) is None  # True
    [name for name in ("MPLBACKEND", "GLIBC_TUNABLES") if name in os.environ]  # []
    """
    assert faults(run(tmp_path, reader=source(code))["reader"], "Card 0") == []


def test_a_file_of_many_cards_is_read_and_run_in_linear_time(tmp_path):
    counts, seconds = (100, 800), []
    for count in counts:
        text = source(*[f"torch.tensor({n})  # tensor({n})" for n in range(count)])
        start = time.process_time()
        job = run(tmp_path, **{f"many{count}": text})[f"many{count}"]
        seconds.append(time.process_time() - start + job.seconds)
        assert job.done and not job.lost
    assert seconds[1] < 3 * (counts[1] / counts[0]) * seconds[0], seconds


# --- the command --------------------------------------------------------------


def command(*arguments, **environment):
    """Run the checker as a user does, in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "torchproof", *map(str, arguments)],
        capture_output=True,
        text=True,
        env=os.environ | environment,
    )


@pytest.fixture
def check(capsys):
    """Run the checker in this process, whose server is there already: ``(code, output)``."""

    def call(*arguments):
        code = checker.main([str(argument) for argument in arguments])
        return code, capsys.readouterr().out

    return call


@pytest.fixture
def tree(tmp_path):
    """A folder with one good file, and a place for records."""
    (tmp_path / "good.py").write_text(source(FINE))
    return tmp_path


UNREADABLE = {
    "no UTF-8": lambda path: path.write_bytes(source(FINE).encode() + "# é\n".encode("latin-1")),
    "a folder": lambda path: path.mkdir(),
    "a broken link": lambda path: path.symlink_to("nowhere.py"),
    "too deep": lambda path: path.write_text(source("x = " + "-" * 20_000 + "1")),
    "a null byte": lambda path: path.write_text(source("x = 1") + "\0"),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_a_file_that_cannot_be_read_costs_no_other(tree, check, name):
    UNREADABLE[name](tree / "bad.py")
    code, output = check(tree, "--records", tree / "records")
    assert code == 1
    assert f"✗ {tree / 'bad.py'}:" in output and "✓ good.py" in output


def test_a_missing_path_and_an_empty_folder_are_no_success(tree, check):
    (tree / "empty").mkdir()
    assert [check(tree / name)[0] for name in ("missing.py", "empty")] == [2, 1]


def test_an_ascii_terminal_and_records_that_cannot_be_written(tree):
    (tree / "file").write_text("")
    done = command(tree / "good.py", "--records", tree / "file", PYTHONIOENCODING="ascii")
    assert done.returncode == 1 and "Traceback" not in done.stderr, done.stderr
    assert "record could not be written" in done.stdout and "good.py" in done.stdout


def test_optimized_python_checks_nothing_and_says_so(tree):
    done = command(tree / "good.py", PYTHONOPTIMIZE="1")
    assert done.returncode == 1 and "no assert runs" in done.stderr


def test_the_summary_counts_this_run_alone(tree, check):
    (tree / "other.py").write_text(source(FINE, FINE))
    check(tree / "other.py", "--records", tree / "records")
    _, output = check(tree / "good.py", "--records", tree / "records")
    assert "1 cards, 1 claims in 1 files; ran on cpu" in output
    _, output = check(tree / "good.py", "--records", tree / "records", "--changed")
    assert "0 cards, 0 claims in 0 files, 1 files unchanged; ran on nothing" in output


def test_a_false_card_is_run_again_until_it_holds(tree, check):
    (tree / "bad.py").write_text(source("torch.ones(1)  # tensor([2.])"))
    for _ in range(2):
        code, output = check(tree, "--records", tree / "records", "--changed")
        assert code == 1 and "✗ bad.py" in output


def test_mutation_fails_where_a_file_cannot_be_read(tree, check):
    (tree / "bad.py").write_text("def")
    assert check(tree, "--mutate", "claims", "--records", tree / "records")[0] == 1
    with pytest.raises(SystemExit, match="--changed"):
        check(tree, "--mutate", "claims", "--changed")


def test_it_runs_where_nothing_is_installed(tree):
    folder = Path(record.__file__).parent
    # -S: no site-packages, so not this package; torch's own folder is named again.
    paths = os.pathsep.join(path for path in sys.path if path.endswith("site-packages"))
    done = subprocess.run(
        [sys.executable, "-S", folder, tree / "good.py", "--records", tree / "r"],
        capture_output=True, text=True, env=os.environ | {"PYTHONPATH": paths},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_cards_are_found_by_their_place_and_not_by_a_folder_above(tmp_path):
    path = tmp_path / "snippets" / "house" / "gallery" / "training" / "loop.py"
    path.parent.mkdir(parents=True)
    path.write_text(source(FINE))
    module = cards.read(path)
    assert module.example and module.name == "gallery/training/loop.py"


def test_examples_that_do_not_seed_run_under_every_seed(tmp_path):
    path = tmp_path / "gallery" / "training" / "loop.py"
    path.parent.mkdir(parents=True)
    path.write_text(source("torch.rand(1)  # tensor([0.4963])"))
    assert [seed for _, seed in process.plan(cards.read(path))] == list(process.SEEDS)
    assert checker.main([str(path), "--records", str(tmp_path / "records")]) == 1
