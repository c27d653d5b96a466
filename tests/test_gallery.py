"""The gallery: broken twins fail, notebooks run, results come first, links go both ways."""

import os
import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from proofsheet import guides, records
from test_site import SITE, editions, find, modules, page, text
from torchproof import cards, process

ROOT = Path(__file__).resolve().parents[1]

# For one example of each chapter what to break: the assertion at its end must notice.
TWINS = {
    "training/training_loop": ("        loss.backward()\n", ""),
    "techniques/ensembles": ("F.cross_entropy(model(inputs), targets).backward()", "pass"),
    "models/mlp_and_cnn": (
        "cross_entropy(model(inputs), targets)",
        "cross_entropy(model(inputs), targets.flip(0))",
    ),
    "projects/regression_project": ("criterion(model(features), prices).backward()", "pass"),
    "scale/torchrun_training": ("train_set, size, rank, seed=1", "train_set, size, 0, seed=1"),
    "deployment/fastapi_service": ("        self.model.eval()\n", ""),
    "help/loss_is_nan": ("nn.MSELoss(), filled, lr", "nn.MSELoss(), filled[:320].flip(0), lr"),
}
EXAMPLES = [(name, module) for name, module in modules() if module.example]
# A page that tells errors apart may have nothing to draw.
DRAWN = [name for name, module in EXAMPLES if "matplotlib" in module.imports]
CHAPTERS = sorted({name.split("/")[1] for name, _module in EXAMPLES})


def test_each_chapter_has_a_twin():
    assert sorted(name.split("/")[0] for name in TWINS) == CHAPTERS


@pytest.mark.parametrize("name", TWINS)
def test_a_broken_twin_fails(name, tmp_path):
    """Nothing but the assertion: the broken example runs, and misses what it states."""
    source = (ROOT / "gallery" / f"{name}.py").read_text(encoding="utf-8")
    old, new = TWINS[name]
    assert source.count(old) == 1
    path = tmp_path / "gallery" / f"{name}.py"
    path.parent.mkdir(parents=True)
    path.write_text(source.replace(old, new), encoding="utf-8")
    (module,), _errors = cards.read_all([path])
    job = process.Job(path, "cpu", process.plan(module), process.check)
    list(process.run([job]))
    assert not job.lost, job.lost
    outcome = next(iter(job.results.values()))
    failures = [message for _line, message in outcome.failures]
    assert any(message.startswith("AssertionError") for message in failures), failures


@pytest.mark.parametrize("name", TWINS)
def test_a_notebook_runs_as_it_is_downloaded(name, tmp_path):
    notebook = nbformat.read(SITE / "en" / "gallery" / f"{name}.ipynb", as_version=4)
    resources = {"metadata": {"path": tmp_path}}
    client = NotebookClient(notebook, timeout=600, kernel_name="python3", resources=resources)
    # On a busy machine threads that wait spinning would take the core from those they wait for.
    client.execute(env=os.environ | {"OMP_WAIT_POLICY": "PASSIVE"})


@editions
def test_an_example_opens_with_its_result(language):
    """The last figure of the page, if it draws any, stands above the first step, too."""
    for name in DRAWN:
        tree = page(language, f"{name}.html")
        plots = find(tree, "plot", "img")
        assert len(plots) > 1 and has_result(plots[0]), name
        assert plots[0].get("src") == plots[-1].get("src") and plots[0].get("loading") is None
        first = find(tree, "card", "section")[0]
        order = list(tree.iter())
        assert order.index(plots[0]) < order.index(first), name


def has_result(image):
    """Is it the copy at the top?"""
    return "result" in image.get("class").split()


@editions
def test_a_chapter_shows_the_results_of_its_examples(language):
    for chapter in CHAPTERS:
        names = [name for name in DRAWN if name.split("/")[1] == chapter]
        thumbnails = find(page(language, f"gallery/{chapter}/index.html"), "thumbnail", "img")
        assert len(thumbnails) == len(names)


@editions
def test_cards_and_examples_link_each_other(language):
    """Every example leads to cards; what a card says of its use is true."""
    used = {name: records.used(module, module.cards[0]) for name, module in EXAMPLES}
    for name, _module in EXAMPLES:
        (line,) = find(page(language, f"{name}.html"), "ways-cards")
        assert all("/reference/" in link.get("href") for link in line.iter("a")), name
        titles = {link.get("title") for link in line.iter("a")}
        assert titles and titles <= used[name], name
    linked = set()
    for name, module in modules():
        sections = find(page(language, f"{name}.html"), "card", "section")
        for section, card in zip(sections, module.cards, strict=True):
            for line in find(section, "ways-examples"):
                assert not card.title.startswith(("Error", "Warning")), (name, card.name)
                for link in line.iter("a"):
                    target = link.get("href").removeprefix("../../").removesuffix(".html")
                    last = {full.rpartition(".")[2] for full in used[target]}
                    assert any(word in card.title for word in last), (name, card.name, target)
                    source = records.module(target).path.read_text(encoding="utf-8")
                    literals = " ".join(re.findall(r"``(.+?)``", card.title))
                    named = re.findall(r"\w+=(?!=)", literals)
                    assert all(argument in source for argument in named), (name, card.name, target)
                    linked.add(target)
    assert linked


@editions
def test_solutions_are_hidden_until_asked_for(language):
    """A cell called Solution is folded, and it is what the cells before it asked for."""
    for name, module in EXAMPLES:
        sections = find(page(language, f"{name}.html"), "card", "section")
        for section, card in zip(sections, module.cards, strict=True):
            folds = [fold for fold in find(section, "fold", "details") if find(fold, "card-code")]
            assert len(folds) == card.title.startswith("Solution"), (name, card.name)
            assert not [fold for fold in folds if fold.get("open") is not None]


@editions
def test_no_topic_of_the_handbooks_is_lost(language):
    """Each has its line; one without a page says so."""
    topics = list(guides.topics())
    assert [topic for topic, *_ in topics] == [f"T{number:03}" for number in range(1, 112)]
    tree = page(language, "handbooks.html")
    lines = find(tree, "topic-pages")
    assert len(lines) == len(topics)
    for line, (topic, _chapter, pages, _text) in zip(lines, topics, strict=True):
        assert [link.get("href") for link in line.iter("a")] == [f"{p}.html" for p in pages], topic
        assert bool(find(line, "to-come")) == (not pages), topic
        assert text(line).strip()
