"""Snippets for editors, made from the cheat sheet: each call that it shows, and its blocks.

The file has the form of VS Code's, which other editors read, too. The arguments of a call are tab
stops. In a block the tab stops are names that it uses and that are bound outside of it.
"""

import ast
import builtins
import json
import re
import symtable
from pathlib import Path

from sphinx.locale import _

from . import apis, data, markup, records, sheet
from .code import line as shown

FILE = "proofsheet.code-snippets"
PREFIX = "pt-"


def escaped(text):
    """``text`` so that an editor inserts it as it is, within a tab stop and outside of one."""
    return re.sub(r"[\\$}]", r"\\\g<0>", text)


def stop(number, text):
    """A tab stop; the editor selects ``text`` for the reader to change it."""
    return f"${{{number}:{escaped(text)}}}"


def snippets(env):
    """The content of the file: all snippets, by the first line that they insert."""
    found, imports = {}, {}
    for docname in sheet.modules():
        module, page = records.module(docname), data.of(env).page(docname)
        imports |= dict.fromkeys(re.findall(r"^.*\btorch\b.*$", module.imports, re.MULTILINE))
        heads = apis.imported(module.imports)
        for card, entry in zip(module.cards, page.cards, strict=False):
            title = re.sub("^(an?|the)-", "", entry.anchor)
            for kind, (name, code, body, line) in of_card(card.code, title, heads).items():
                said = " · ".join(filter(None, [entry.title, line]))
                found.setdefault(kind, (name, code, body, said))
    first = "imports", "\n".join(imports), [*imports], _("Imports")
    return {
        code.partition("\n")[0]: {
            "prefix": PREFIX + name,
            "scope": "python",
            "body": body,
            "description": said,
        }
        for name, code, body, said in [first, *found.values()]
    }


def of_card(text, title, heads):
    """The snippets in the code of a card; of calls that differ in values alone the first.

    Args:
        title: what a block is called; a call has the name of what it calls.
        heads: what the names that are imported mean.
    Returns:
        dict: by what tells snippets apart ``(name, code, lines with tab stops, the line of the
        sheet that shows it)``.
    """
    found, lines = {}, text.split("\n")
    for node in ast.parse(text).body:
        if isinstance(node, (ast.For, ast.ClassDef)):
            found[title] = title, *_block(ast.get_source_segment(text, node), heads), ""
        elif isinstance(node, ast.With):
            name, code, (body,) = _call(text, node.items[0].context_expr, heads)
            found[name] = name, f"with {code}:", [f"with {body}:", "\t$0"], ""
        else:
            for call in _calls(getattr(node, "value", None), heads):
                name, code, body = _call(text, call, heads)
                keywords = (keyword.arg for keyword in call.keywords)
                kind = _function(call, heads) or name, len(call.args), *keywords
                found.setdefault(kind, (name, code, body, lines[node.end_lineno - 1]))
    return found


def _function(call, heads):
    """The function that is called if it was imported, such as ``torch.cat``; None of a method."""
    func = ast.unparse(call.func)
    return func if re.fullmatch(r"[\w.]+", func) and func.partition(".")[0] in heads else None


def _calls(node, heads):
    """Calls of what is imported, and of methods of a variable, that ``node`` is made of: such as
    ``nn.ReLU()(x).shape``, from its end to its beginning."""
    while isinstance(node, (ast.Attribute, ast.Subscript, ast.Call, ast.Compare)):
        if isinstance(node, ast.Call):
            method = isinstance(node.func, ast.Attribute) and not node.func.attr.startswith("__")
            if _function(node, heads) or (method and _variable(node) not in {None, *heads}):
                yield node
            node = node.func
        else:
            node = node.left if isinstance(node, ast.Compare) else node.value


def _variable(call):
    """The name that an expression begins with, but for brackets."""
    begins = re.match(r"\(*([a-zA-Z_]\w*)", ast.unparse(call))
    return begins and begins[1]


def _call(text, call, heads):
    """The name, the code and the body of the snippet of a call.

    What a method is called on is a tab stop, too: the variable alone.
    """
    arguments = [("", argument) for argument in call.args]
    arguments += [(f"{keyword.arg}=", keyword.value) for keyword in call.keywords]
    given = [(key, ast.get_source_segment(text, value)) for key, value in arguments]
    on, head = "", _function(call, heads)
    if not head:
        on, head = _variable(call), f".{call.func.attr}"
    stops = (key + stop(number, code) for number, (key, code) in enumerate(given, 2 if on else 1))
    body = f"{stop(1, on) if on else ''}{head}({', '.join(stops)})"
    code = f"{on}{head}({', '.join(key + code for key, code in given)})"
    return head.rpartition(".")[2], code, [body]


def _block(block, heads):
    """The code of a statement with its block, and its lines with tab stops."""
    symbols = symtable.symtable(block, "block", "exec").get_symbols()
    needed = {s.get_name() for s in symbols if s.is_referenced() and not s.is_assigned()}
    needed -= {*heads, *dir(builtins)}
    names = [node for node in ast.walk(ast.parse(block)) if isinstance(node, ast.Name)]
    places = sorted((n.lineno, n.col_offset, n.id) for n in names if n.id in needed)
    numbers = {name: n for n, name in enumerate(dict.fromkeys(p[2] for p in places), 1)}
    body = []
    for row, line in enumerate(block.split("\n"), 1):
        made, at = "", 0
        for _row, column, name in (place for place in places if place[0] == row):
            made += escaped(line[at:column]) + stop(numbers[name], name)
            at = column + len(name)
        made += escaped(line[at:])
        depth = len(made) - len(made.lstrip(" "))
        body.append("\t" * (depth // 4) + made[depth:])
    return block, body


def table(app, docname, _place):
    """``{editor-snippets}``: a row for each snippet in the file."""
    rows = []
    for first, snippet in snippets(app.env).items():
        code = first if len(snippet["body"]) == 1 else f"{first} …"
        rows.append([markup.cell(shown(snippet["prefix"])), markup.cell(shown(code))])
    listed = markup.table((_("Prefix"), _("Code")), _("Snippets"), rows, "snippets")
    return [markup.filtered([listed], _("Filter the snippets"), "tbody tr")]


def write(app, exception):
    """``build-finished``: write the file beside the pages."""
    if exception or app.builder.name != "html":
        return
    text = json.dumps(snippets(app.env), ensure_ascii=False, indent=1)
    Path(app.outdir, FILE).write_text(text + "\n", encoding="utf-8")


def setup(app):
    data.add_place(app, "editor-snippets", table)
    app.connect("build-finished", write)
