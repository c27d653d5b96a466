"""The snippets for editors, read and expanded as VS Code does it."""

import ast
import json
import re

import pytest

from proofsheet import apis, languages, records, sheet, snippets
from test_site import SITE, editions

# VS Code's grammar, as far as it is used: a tab stop, one with a placeholder, escaped text.
STOP = re.compile(r"\$(?:(\d+)|\{(\d+)(?::((?:\\[\\$}]|[^\\$}])*))?\})")
TEXT = re.compile(r"(?:\\[\\$}]|[^\\$])+")


def unescaped(text):
    return re.sub(r"\\([\\$}])", r"\1", text)


def expand(body):
    """The text that an editor inserts, and its tab stops by number: what each one selects.

    Raises:
        ValueError: an editor would take something for a variable, or show a lone backslash.
    """
    at, text, stops = 0, "", {}
    while at < len(body):
        if found := STOP.match(body, at):
            number = int(found[1] or found[2])
            chosen = unescaped(found[3] or "")
            text += chosen
            stops.setdefault(number, []).append(chosen)
        elif found := TEXT.match(body, at):
            text += unescaped(found[0])
        else:
            raise ValueError(f"{body!r} at {at}")
        at = found.end()
    return text.replace("\t", "    "), stops


def read(language):
    """The snippets of the built site; twice the same name would hide one."""

    def once(pairs):
        assert len(dict(pairs)) == len(pairs)
        return dict(pairs)

    text = (SITE / language / snippets.FILE).read_text(encoding="utf-8")
    return json.loads(text, object_pairs_hook=once)


def of_sheet():
    """What each card of the cheat sheet gives: ``(its code, its snippet)``."""
    for module in map(records.module, sheet.modules()):
        heads = apis.imported(module.imports)
        for card in module.cards:
            for one in snippets.of_card(card.code, "block", heads).values():
                yield card.code, one


@editions
def test_an_editor_can_read_and_expand_each_snippet(language):
    found = read(language)
    assert len(found) > 120
    for name, snippet in found.items():
        assert re.fullmatch(r"pt-[\w-]+", snippet["prefix"]), name
        assert snippet["scope"] == "python" and snippet["description"]
        text, stops = expand("\n".join(snippet["body"]))
        assert text.startswith(name), name
        ast.parse(text + "pass" * text.endswith("    "))
        numbers = sorted(stops.keys() - {0})
        assert numbers == list(range(1, len(numbers) + 1)), name
        assert all(len(set(texts)) == 1 for texts in stops.values()), name


def test_both_languages_insert_the_same():
    one, other = ({n: s["body"] for n, s in read(name).items()} for name in languages.NAMES)
    assert one == other


def test_what_is_inserted_is_a_call_or_a_block_of_the_sheet():
    """A call stands there as it is, but for what its method is called on."""
    for code, (name, shown, body, _line) in of_sheet():
        text, _stops = expand("\n".join(body))
        assert text.rstrip() == shown
        wanted = shown if shown in code else f".{shown.partition('.')[2]}"
        assert wanted in code, name


def test_functions_of_the_sheet_have_a_snippet():
    prefixes = {snippet["prefix"] for snippet in read("en").values()}
    names = "tensor zeros cat stack gather reshape Linear CrossEntropyLoss AdamW DataLoader"
    names += " no_grad training-loop model imports load save backward"
    assert {f"pt-{name}" for name in names.split()} <= prefixes


@pytest.mark.parametrize(
    "code, body",
    [
        ("torch.full((2,), 7)  # tensor([7, 7])", ["torch.full(${1:(2,)}, ${2:7})"]),
        ("x.sum(dim=0)", ["${1:x}.sum(dim=${2:0})"]),
        ("x[None].view(1)", ["${1:x}.view(${2:1})"]),
        ("y = torch.load({}, '$a\\\\b')", [r"torch.load(${1:{\}}, ${2:'\$a\\\\b'})"]),
        ("with torch.no_grad():\n    x * 2", ["with torch.no_grad():", "\t$0"]),
        (
            "for a in b:\n    a.f(c, b)\n    d = a",
            ["for a in ${1:b}:", "\ta.f(${2:c}, ${1:b})", "\td = a"],
        ),
        ("x + y", None),
        ("len(x)", None),
    ],
)
def test_tab_stops(code, body):
    found = [one[2] for one in snippets.of_card(code, "t", {"torch": "torch"}).values()]
    assert found == ([body] if body else [])


def test_what_an_editor_would_misread_is_noticed():
    assert expand(r"f(${1:{\}}, \$x)$0") == ("f({}, $x)", {1: ["{}"], 0: [""]})
    for wrong in ("f($x)", r"f(\x)", "${1:a$}"):
        with pytest.raises(ValueError):
            expand(wrong)
