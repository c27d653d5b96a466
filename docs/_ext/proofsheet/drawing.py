"""Draw tensors from the tensors themselves.

A card says ``.. tensors:: a, b, torch.cat([a, b])``. When its code has run, these
expressions are evaluated in its namespace and drawn: every number in a drawing was
computed, and where a cell came from is traced, not told.
"""

import ast
import itertools
import re
from html import escape
from typing import ClassVar

from docutils.parsers.rst import directives
from sphinx.util.docutils import SphinxDirective

from . import graph, records

STYLES = ("movement", "index", "broadcast", "strides")
COLOURS = 6  # as many as the style sheet has
LARGEST = 12  # cells along one dimension
HEIGHT, GAP, CHARACTER = 28, 3, 8.2  # of a cell, between cells, of a figure in it

GRAPH = re.compile(r"^\.\. graph::(.*)", re.MULTILINE)
DIRECTIVE = re.compile(
    r"^\.\. tensors::(?P<tensors>.*(?:\n[ ]+[^ :].*)*)(?:\n[ ]+:style:[ ]*(?P<style>\w+))?",
    re.MULTILINE,
)


class Tensors(SphinxDirective):
    """``.. tensors:: a, b, torch.cat([a, b])``: drawn below the card's code.

    The drawing is made while the script runs; see :func:`scrape_tensors`.

    Option ``style``: ``movement`` (each cell has the colour of the input it came from),
    ``index`` (what was picked out of the source), ``broadcast`` (what is stretched),
    ``strides`` (where the elements lie in memory).
    """

    required_arguments = 1
    optional_arguments = 0
    final_argument_whitespace = True
    option_spec: ClassVar = {"style": lambda text: directives.choice(text, STYLES)}

    def run(self):
        """Nothing: the drawing follows the code that makes its tensors."""
        return []


class Glance(SphinxDirective):
    """``.. glance:: total / len(data)``: the claim that stands for the card in the table.

    :func:`code.chief_claim` reads it from the card's text.
    """

    required_arguments = 1
    final_argument_whitespace = True

    def run(self):
        """Nothing: the table stands at the top of the page."""
        return []


def scrape_tensors(block, block_vars, gallery_conf):
    """sphinx-gallery image scraper: draw what the directive of the card that just ran names."""
    name = block_vars["target_file"].removeprefix(gallery_conf["src_dir"])
    page = records.module(name.strip("/").removesuffix(".py"))
    card = next((c for c in page.cards if c.code.strip() == block.content.strip()), None)
    prose, names = card.prose if card else "", block_vars["example_globals"]
    svgs = [
        draw(found["tensors"], names, found["style"] or "movement")
        for found in DIRECTIVE.finditer(prose)
    ]
    svgs += [graph.draw(found[1].strip(), names) for found in GRAPH.finditer(prose)]
    indented = [svg.replace("\n", "\n    ") for svg in svgs]
    return "".join(f".. raw:: html\n\n    {svg}\n\n" for svg in indented)


# --------------------------------------------------------------------------- tracing


class Drawn:
    """One tensor of a drawing: ``text`` is its expression, ``origin`` where its cells came from.

    ``origin[i]`` is ``(input, flat index)`` of the i-th element, None for one that came
    from no input. ``origin`` itself is None where values were computed, not moved.
    """

    def __init__(self, text, value, origin=None):
        self.text, self.value, self.origin = text, value, origin


def evaluate(expressions, namespace):
    """Evaluate the directive's text: plain names are inputs, everything else is a result.

    Returns:
        tuple: list of inputs, list of results, both of :class:`Drawn`.
    """
    source = f"({' '.join(expressions.split())},)"
    inputs, results = [], []
    for node in ast.parse(source, mode="eval").body.elts:
        text = ast.get_source_segment(source, node)
        value = _tensor(eval(text, dict(namespace)))
        if isinstance(node, ast.Name):
            origin = [(len(inputs), i) for i in range(value.numel())]
            inputs.append(Drawn(text, value, origin))
        else:
            results.append(Drawn(text, value))
    for result in results:
        result.origin = trace(result, inputs, namespace)
    return inputs, results


def _tensor(value):
    import torch

    value = torch.as_tensor(value).detach()
    if value.ndim > 3 or any(size > LARGEST for size in value.shape):
        raise ValueError(f"too large to draw: {tuple(value.shape)}")
    return value


def trace(result, inputs, namespace):
    """Where each element of ``result`` came from, or None if it is no pure movement.

    The expression is evaluated on numbers of elements in place of values. Two different
    numberings must tell the same story, and the values must agree with it. Inputs that
    only steer (a mask, an index) cannot be numbered, so smaller sets of inputs are tried.
    """
    used = [i for i, drawn in enumerate(inputs) if _mentions(result.text, drawn.text)]
    for size in range(len(used), 0, -1):
        for numbered in itertools.combinations(used, size):
            forward = _origins(result, inputs, numbered, namespace, backward=False)
            if forward and forward == _origins(result, inputs, numbered, namespace, backward=True):
                return forward
    return None


def _mentions(text, name):
    return any(isinstance(n, ast.Name) and n.id == name for n in ast.walk(ast.parse(text)))


def _origins(result, inputs, numbered, namespace, backward):
    import torch

    places = [(i, k) for i in numbered for k in range(inputs[i].value.numel())]
    if backward:
        places.reverse()
    names, number = dict(namespace), {place: n for n, place in enumerate(places, start=1)}
    for i in numbered:
        value = inputs[i].value
        ids = torch.empty_strided(value.shape, value.stride(), dtype=torch.int64)
        flat = [number[i, k] for k in range(value.numel())]
        names[inputs[i].text] = ids.copy_(torch.tensor(flat).reshape(value.shape))
    try:
        moved = eval(result.text, names)
    except Exception:  # whatever torch makes of numbers where it wants a mask
        return None
    if not isinstance(moved, torch.Tensor) or moved.shape != result.value.shape:
        return None
    if moved.is_floating_point() or moved.dtype == torch.bool:
        return None
    origin = []
    for n, value in zip(moved.flatten().tolist(), result.value.flatten(), strict=True):
        if not 0 <= n <= len(places):
            return None
        origin.append(places[n - 1] if n else None)
        if n:
            i, k = places[n - 1]
            before = inputs[i].value.flatten()[k].to(value.dtype)
            if not torch.equal(before, value) and not (before != before and value != value):
                return None
    return origin if any(origin) else None


# --------------------------------------------------------------------------- drawing


def draw(expressions, namespace, style):
    """HTML of a drawing: an SVG for each tensor, captions as text around them."""
    inputs, results = evaluate(expressions, namespace)
    body = globals()[f"_{style}"](inputs, results)
    alt = ", ".join(f"{d.text} {_shape(d.value)}" for d in inputs)
    if results:
        alt += (" → " if alt else "") + ", ".join(f"{d.text} {_shape(d.value)}" for d in results)
    return (
        f'<figure class="tensors tensors-{style}" role="img" aria-label="{escape(alt)}">\n'
        f"{body}\n</figure>"
    )


def _shape(value):
    return str(tuple(value.shape))


def _arrow(sign="→"):
    return f'<span class="arrow">{escape(sign)}</span>'


def _movement(inputs, results):
    colour = _colouring(inputs)
    sources = {place[0] for result in results for place in result.origin or () if place}
    parts = []
    for i, drawn in enumerate(inputs):
        names = [colour(place) if i in sources else None for place in drawn.origin]
        parts.append(_panel(drawn, names, legend=i if {i} < sources else None))
    if inputs and results:
        parts.append(_arrow())
    for result in results:
        origin = result.origin or [None] * result.value.numel()
        parts.append(_panel(result, [colour(o) for o in origin]))
    return "\n".join(parts)


def _colouring(inputs):
    """Colour by input; where there is one input, by its rows."""
    if len(inputs) != 1:
        return lambda origin: None if origin is None else f"from-{origin[0] % COLOURS}"
    value = inputs[0].value
    rows = value.shape[0] if value.ndim else 1
    row = max(1, value.numel() // max(rows, 1))
    if rows > COLOURS:
        return lambda origin: None if origin is None else "from-0"
    return lambda origin: None if origin is None else f"from-{origin[1] // row}"


def _index(inputs, results):
    steps = []
    for result in results:
        origin = result.origin or [None] * result.value.numel()
        picked = {place for place in origin if place}
        parts = []
        for drawn in inputs:
            if not _mentions(result.text, drawn.text):
                continue
            hit = ["from-0" if place in picked else "unused" for place in drawn.origin]
            traced = any(name == "from-0" for name in hit)
            parts.append(_panel(drawn, hit if traced else [None] * len(hit)))
        parts.append(_arrow())
        parts.append(_panel(result, ["from-0" if place else None for place in origin]))
        steps.append('<div class="step">' + "\n".join(parts) + "</div>")
    return "\n".join(steps)


def _broadcast(inputs, results):
    import torch

    shape = torch.broadcast_shapes(*(d.value.shape for d in inputs))
    parts = []
    signs = _operators(results[0].text) if results else []
    for i, drawn in enumerate(inputs):
        stretched = Drawn(drawn.text, drawn.value.expand(shape))
        ids = torch.arange(drawn.value.numel()).reshape(drawn.value.shape).expand(shape)
        seen, names = set(), []
        for n in ids.flatten().tolist():
            names.append(f"from-{i}" + (" copy" if n in seen else ""))
            seen.add(n)
        note = _shape(drawn.value)
        if tuple(drawn.value.shape) != tuple(shape):
            note += f" → {tuple(shape)}"
        if parts:
            parts.append(_arrow(signs[i - 1] if i <= len(signs) else ","))
        parts.append(_panel(stretched, names, note=note, legend=i))
    for n, result in enumerate(results):
        parts.append(_arrow("=" if signs and not n else "→"))
        parts.append(_panel(result, [None] * result.value.numel()))
    return "\n".join(parts)


SIGNS = {ast.Add: "+", ast.Sub: "−", ast.Mult: "×", ast.Div: "÷", ast.Pow: "**"}


def _operators(text):
    """The signs of ``a + b``, or nothing for other expressions."""
    node = ast.parse(text, mode="eval").body
    if not isinstance(node, ast.BinOp) or type(node.op) not in SIGNS:
        return []
    left = _operators(ast.unparse(node.left)) if isinstance(node.left, ast.BinOp) else []
    return [*left, SIGNS[type(node.op)]]


def _strides(inputs, results):
    colour = _colouring(inputs)
    parts = []
    for drawn in [*inputs, *results]:
        origin = drawn.origin or [None] * drawn.value.numel()
        names = [colour(o) for o in origin]
        note = f"{_shape(drawn.value)} · stride {tuple(drawn.value.stride())}"
        parts.append(_panel(drawn, names, note=note, below=_memory(drawn.value, names)))
    return "\n".join(parts)


def _panel(drawn, names, note=None, legend=None, below=""):
    """One tensor: its expression, its cells, its shape."""
    mark = f' class="legend from-{legend % COLOURS}"' if legend is not None else ""
    return (
        f'<div class="tensor"><code{mark}>{escape(drawn.text)}</code>'
        f"{_cells(drawn.value, names)}{below}"
        f'<span class="shape">{escape(note or _shape(drawn.value))}</span></div>'
    )


def _format(value):
    texts = []
    for number in value.flatten().tolist():
        if isinstance(number, float):
            texts.append(f"{number:.4g}" if number % 1 else f"{number:g}.")
        else:
            texts.append(str(number))
    return [text.replace("inf.", "inf").replace("nan.", "nan") for text in texts]


def _cells(value, names):
    """SVG of a tensor with up to three dimensions; a third one is drawn as sheets."""
    texts = _format(value)
    sheets, rows, columns = (1, 1, 1, *value.shape)[-3:]
    width = max([HEIGHT, *(len(text) * CHARACTER + 10 for text in texts)])
    step, line = width + GAP, HEIGHT + GAP
    shift = 14 if sheets > 1 else 0  # each sheet stands to the right of the one before
    drop = rows * line + 8
    parts = []
    for place, (text, name) in enumerate(zip(texts, names, strict=True)):
        sheet, rest = divmod(place, rows * columns)
        row, column = divmod(rest, columns)
        x = sheet * shift + column * step
        y = sheet * drop + row * line
        parts.append(_cell(x, y, width, text, name))
    if sheets > 1:
        depth = rows * line - GAP
        for sheet in range(sheets - 1):
            x, y = sheet * shift, sheet * drop + depth
            for corner in (0, columns * step - GAP):
                parts.append(f'<path class="depth" d="M{x + corner:g} {y:g}l{shift} {8 + GAP}"/>')
    total = columns * step - GAP + shift * (sheets - 1)
    height = (sheets - 1) * drop + rows * line - GAP
    if not texts:
        total = height = HEIGHT
        parts.append(f'<rect class="cell empty" width="{HEIGHT}" height="{HEIGHT}" rx="4"/>')
    return _svg(total, height, parts)


def _svg(width, height, parts):
    box = f"-1 -1 {width + 2:g} {height + 2:g}"
    return (
        f'<svg viewBox="{box}" width="{width + 2:g}" height="{height + 2:g}" aria-hidden="true">'
        + "".join(parts)
        + "</svg>"
    )


def _cell(x, y, width, text, name):
    kind = f"cell {name}" if name else "cell"
    return (
        f'<g class="{kind}"><rect x="{x:g}" y="{y:g}" width="{width:g}" height="{HEIGHT}" rx="4"/>'
        f'<text x="{x + width / 2:g}" y="{y + HEIGHT / 2 + 4.5:g}">{escape(text)}</text></g>'
    )


def _memory(value, names):
    """The storage as a row of cells, with one arc a dimension: how far its stride reaches.

    Arcs stand below and above in turn, so that their numbers do not meet.
    """
    import torch

    whole = torch.empty(0, dtype=value.dtype).set_(value.untyped_storage())
    if whole.numel() > 2 * LARGEST:
        raise ValueError(f"too large to draw: a storage of {whole.numel()} elements")
    texts = _format(whole)
    width = max([22, *(len(text) * CHARACTER + 6 for text in texts)])
    owner = {}
    places = torch.arange(whole.numel()).as_strided(
        value.shape, value.stride(), value.storage_offset()
    )
    for place, name in zip(places.flatten().tolist(), names, strict=True):
        owner.setdefault(place, name)
    arcs = []
    steps = zip(value.stride(), value.shape, strict=True)
    jumps = {stride for stride, size in steps if size > 1 and stride}
    for rank, stride in enumerate(sorted(jumps)):
        start = value.storage_offset()
        a, b = (start + 0.5) * width, (start + stride + 0.5) * width
        arcs.append((a, b, 16 + 10 * rank, stride, -1 if rank % 2 else 1))
    above = max((arc[2] for arc in arcs if arc[4] < 0), default=0)
    below = max((arc[2] for arc in arcs if arc[4] > 0), default=0)
    head, foot = (rise and rise * 0.75 + 18 for rise in (above, below))
    parts = [_cell(n * width, head, width - 1, text, owner.get(n, "unused"))
             for n, text in enumerate(texts)]  # fmt: skip
    for a, b, rise, stride, side in arcs:
        y = head - 3 if side < 0 else head + HEIGHT + 3
        top, label = y + side * rise, y + side * (rise * 0.75 + (4 if side < 0 else 13))
        parts.append(
            f'<path class="arc" d="M{a:g} {y:g}C{a:g} {top:g} {b:g} {top:g} {b:g} {y:g}'
            f'm-3.5 {side * 5.5:g}l3.5 {-side * 5.5:g}l3.5 {side * 5.5:g}"/>'
            f'<text class="jump" x="{(a + b) / 2:g}" y="{label:g}">+{stride}</text>'
        )
    return (
        f'<span class="memory">{_svg(len(texts) * width - 1, head + HEIGHT + foot, parts)}</span>'
    )


def setup(app):
    """Register the directive and its style sheet."""
    app.add_directive("tensors", Tensors)
    app.add_directive("glance", Glance)
    graph.setup(app)
    app.add_css_file("tensors.css")
