"""Draw tensors from the tensors themselves, and keep the figures that scripts draw.

A card says ``.. tensors:: a, b, torch.cat([a, b])``. When its code has run, these
expressions are evaluated in its namespace and drawn: every number in a drawing was
computed, and where a cell came from is traced, not told. Option ``style``: ``movement`` (each
cell has the colour of the input it came from), ``index`` (what was picked out of the source),
``broadcast`` (what is stretched), ``strides`` (where the elements lie in memory).

A card says ``.. graph:: loss``. The autograd graph behind that tensor is walked, and every box
and arrow in the drawing is a node and an edge that autograd made.
"""

import ast
import itertools
import re
import sys
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import ClassVar

from docutils.parsers.rst import directives
from sphinx.util.docutils import SphinxDirective

from . import records

COLOURS = 6  # as many as the style sheet has
LARGEST = 12  # cells along one dimension
SMALL = 3.2, 1.8  # inches of a figure for a list
THUMBNAIL = 264  # pixels, for the 176 that a list shows
HEIGHT, GAP, CHARACTER = 28, 3, 8.2  # of a cell, between cells, of a figure in it
BOX_WIDTH, BOX_HEIGHT, ACROSS, DOWN = 132, 40, 14, 26  # of a node of a graph, between nodes

GRAPH = re.compile(r"^\.\. graph::(.*)", re.MULTILINE)
DIRECTIVE = re.compile(
    r"^\.\. tensors::(?P<tensors>.*(?:\n[ ]+[^ :].*)*)(?:\n[ ]+:style:[ ]*(?P<style>\w+))?",
    re.MULTILINE,
)


class Remark(SphinxDirective):
    """Tells the machinery something; on the page nothing stands in its place.

    ``.. tensors::`` and ``.. graph::`` are drawn while the card runs, below its code, and
    ``.. glance::`` names the claim that :func:`code.chief_claim` chooses for the table.
    """

    required_arguments = 1
    final_argument_whitespace = True
    option_spec: ClassVar = {"style": lambda text: directives.choice(text, STYLES)}

    def run(self):
        return []


def scrape_tensors(block, block_vars, gallery_conf):
    """sphinx-gallery image scraper: draw what the directive of the card that just ran names."""
    page = records.module(_docname(block_vars, gallery_conf))
    card = next((c for c in page.cards if c.code.strip() == block.content.strip()), None)
    prose, names = card.prose if card else "", block_vars["example_globals"]
    drawings = [
        draw(found["tensors"], names, found["style"] or "movement")
        for found in DIRECTIVE.finditer(prose)
    ]
    drawings += [graph(found[1].strip(), names) for found in GRAPH.finditer(prose)]
    indented = [drawing.replace("\n", "\n    ") for drawing in drawings]
    return "".join(f".. raw:: html\n\n    {drawing}\n\n" for drawing in indented)


def scrape_figures(block, block_vars, gallery_conf):
    """sphinx-gallery image scraper: every open figure becomes a file.

    Drawings become SVG. One that holds a photograph becomes WebP, at twice the size in
    which it is shown: as SVG it would be many times as large.
    """
    plt = sys.modules.get("matplotlib.pyplot")
    if plt is None:
        return ""
    rst, docname = "", _docname(block_vars, gallery_conf)
    for number in plt.get_fignums():
        figure = plt.figure(number)
        path = Path(next(block_vars["image_path_iterator"]))
        options = [":class: plot", ":loading: lazy"]
        if any(axes.images for axes in figure.axes):
            path = path.with_suffix(".webp")
            figure.savefig(path, dpi=2 * 72, pil_kwargs={"quality": 80, "method": 6})
            options.append(f":width: {plt.imread(path).shape[1] // 2}px")
        else:
            path = path.with_suffix(".svg")
            figure.savefig(path, metadata={"Date": None})
        if docname.startswith("gallery/"):
            _save_small(figure, thumbnail(docname))
        rst += f".. image:: /{path.relative_to(gallery_conf['src_dir']).as_posix()}\n"
        rst += "".join(f"   {option}\n" for option in options) + "\n"
    plt.close("all")
    return rst


def _save_small(figure, path):
    """Save the figure for a list: of plots one panel, without the texts that nobody could read."""
    panels = [axes for axes in figure.axes if axes.lines or axes.patches or axes.collections]
    if panels and not any(axes.images for axes in figure.axes):
        for axes in figure.axes:
            axes.set_visible(axes is panels[0])
        figure.set_layout_engine("none")
        figure.set_size_inches(SMALL)  # so lines and points are thicker
        panels[0].set(position=(0.02, 0.04, 0.96, 0.92), title="", xlabel="", ylabel="")
        panels[0].tick_params(which="both", length=0, labelbottom=False, labelleft=False)
        for text in [*panels[0].texts, *filter(None, [panels[0].get_legend(), *figure.texts])]:
            text.set_visible(False)
    # Small in bytes, too: it travels within a page.
    quality = {"quality": 30, "alpha_quality": 20, "method": 6}
    figure.savefig(path, dpi=THUMBNAIL / figure.get_figwidth(), pil_kwargs=quality)


def _docname(block_vars, gallery_conf):
    path = Path(block_vars["target_file"]).with_suffix("")
    return path.relative_to(gallery_conf["src_dir"]).as_posix()


def thumbnail(docname):
    """Where the small picture of the last figure of an example lies, which lists show."""
    folder, _slash, stem = docname.rpartition("/")
    return records.ROOT / "docs" / folder / "images" / "thumb" / f"sphx_glr_{stem}_last.webp"


# --------------------------------------------------------------------------- tracing


@dataclass
class Drawn:
    """One tensor of a drawing.

    ``origin[i]`` is ``(input, flat index)`` of the i-th element, None for one that came
    from no input. ``origin`` itself is None where values were computed, not moved.
    """

    text: str  # its expression
    value: object
    origin: list | None = None

    @property
    def places(self):
        """``origin`` with a place for each element, known or not."""
        return self.origin or [None] * self.value.numel()


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
    body = STYLES[style](inputs, results)
    sides = (", ".join(f"{d.text} {_shape(d.value)}" for d in side) for side in (inputs, results))
    return _figure(f"tensors-{style}", " → ".join(filter(None, sides)), body)


def _figure(kind, alt, body):
    head = f'<figure class="tensors {kind}" role="img" aria-label="{escape(alt)}">'
    return f"{head}\n{body}\n</figure>"


def _shape(value):
    return str(tuple(value.shape))


def _arrow(sign="→"):
    return f'<span class="arrow">{escape(sign)}</span>'


def _movement(inputs, results):
    colour = _colouring(inputs)
    sources = {place[0] for result in results for place in result.places if place}
    parts = []
    for i, drawn in enumerate(inputs):
        names = [colour(place) if i in sources else None for place in drawn.origin]
        parts.append(_panel(drawn, names, legend=i if {i} < sources else None))
    if inputs and results:
        parts.append(_arrow())
    parts += [_panel(result, [colour(place) for place in result.places]) for result in results]
    return "\n".join(parts)


def _colouring(inputs):
    """Colour by input; where there is one input, by its rows."""
    if len(inputs) != 1:
        return lambda place: place and f"from-{place[0] % COLOURS}"
    value = inputs[0].value
    rows = value.shape[0] if value.ndim else 1
    row = max(1, value.numel() // max(rows, 1))
    return lambda place: place and ("from-0" if rows > COLOURS else f"from-{place[1] // row}")


def _index(inputs, results):
    steps = []
    for result in results:
        parts = []
        for drawn in inputs:
            if _mentions(result.text, drawn.text):
                hit = ["from-0" if place in result.places else "unused" for place in drawn.origin]
                parts.append(_panel(drawn, hit if "from-0" in hit else [None] * len(hit)))
        parts.append(_arrow())
        parts.append(_panel(result, [place and "from-0" for place in result.places]))
        steps.append('<div class="step">' + "\n".join(parts) + "</div>")
    return "\n".join(steps)


def _broadcast(inputs, results):
    import torch

    shape = torch.broadcast_shapes(*(d.value.shape for d in inputs))
    parts = []
    signs = _operators(results[0].text) if results else []
    for i, drawn in enumerate(inputs):
        ids = torch.arange(drawn.value.numel()).reshape(drawn.value.shape).expand(shape)
        seen, names = set(), []
        for n in ids.flatten().tolist():
            names.append(f"from-{i}" + (" copy" if n in seen else ""))
            seen.add(n)
        note = _shape(drawn.value)
        if drawn.value.shape != shape:
            note += f" → {tuple(shape)}"
        if parts:
            parts.append(_arrow(signs[i - 1] if i <= len(signs) else ","))
        stretched = Drawn(drawn.text, drawn.value.expand(shape))
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
    return [*_operators(ast.unparse(node.left)), SIGNS[type(node.op)]]


def _strides(inputs, results):
    colour = _colouring(inputs)
    parts = []
    for drawn in [*inputs, *results]:
        names = [colour(place) for place in drawn.places]
        note = f"{_shape(drawn.value)} · stride {tuple(drawn.value.stride())}"
        parts.append(_panel(drawn, names, note=note, below=_memory(drawn.value, names)))
    return "\n".join(parts)


STYLES = {"movement": _movement, "index": _index, "broadcast": _broadcast, "strides": _strides}


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
    if not texts:
        empty = f'<rect class="cell empty" width="{HEIGHT}" height="{HEIGHT}" rx="4"/>'
        return _svg(HEIGHT, HEIGHT, [empty])
    sheets, rows, columns = (1, 1, 1, *value.shape)[-3:]
    width = max([HEIGHT, *(len(text) * CHARACTER + 10 for text in texts)])
    step, line = width + GAP, HEIGHT + GAP
    shift = 14 if sheets > 1 else 0  # each sheet stands to the right of the one before
    drop = rows * line + 8
    parts = []
    for place, (text, name) in enumerate(zip(texts, names, strict=True)):
        sheet, rest = divmod(place, rows * columns)
        row, column = divmod(rest, columns)
        parts.append(
            _cell(sheet * shift + column * step, sheet * drop + row * line, width, text, name)
        )
    for sheet in range(sheets - 1):
        for corner in (0, columns * step - GAP):
            x, y = sheet * shift + corner, sheet * drop + rows * line - GAP
            parts.append(f'<path class="depth" d="M{x:g} {y:g}l{shift} {8 + GAP}"/>')
    total = columns * step - GAP + shift * (sheets - 1)
    return _svg(total, (sheets - 1) * drop + rows * line - GAP, parts)


def _svg(width, height, parts):
    box = f"-1 -1 {width + 2:g} {height + 2:g}"
    size = f'width="{width + 2:g}" height="{height + 2:g}"'
    return f'<svg viewBox="{box}" {size} aria-hidden="true">{"".join(parts)}</svg>'


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


# --------------------------------------------------------------------------- autograd graphs


def graph(expression, namespace):
    """HTML of the autograd graph of the tensor that ``expression`` names in ``namespace``."""
    root = eval(expression, dict(namespace)).grad_fn
    names = {n: v for n, v in namespace.items() if hasattr(v, "grad_fn")}
    seen, edges = _walk(root)
    rows = _layers(seen, edges)
    step, line = BOX_WIDTH + ACROSS, BOX_HEIGHT + DOWN
    widest = max(map(len, rows)) * step - ACROSS
    place = {}
    for y, row in enumerate(rows):
        start = (widest - len(row) * step + ACROSS) / 2
        place |= {node: (start + x * step, y * line) for x, node in enumerate(row)}
    parts = [_edge(place[before], place[after]) for before, after in edges]
    parts += [_box(*place[node], *_label(node, names), node is root) for node in seen]
    body = _svg(widest, len(rows) * line - DOWN, parts)
    return _figure("graph", f"grad_fn: {expression}", body)


def _walk(root):
    """Nodes of the graph behind ``root`` and its edges, in the order of a breadth-first search."""
    seen, edges = [root], []  # an edge is a node's input and the node
    for node in seen:
        found = [before for before, _number in node.next_functions if before is not None]
        edges += [(before, node) for before in found]
        seen += [before for before in dict.fromkeys(found) if before not in seen]
    return seen, edges


def _layers(seen, edges):
    """Rows of nodes, inputs first: each stands above every node that uses it."""
    depth = dict.fromkeys(seen, 0)
    for _pass in seen:
        for before, node in edges:
            depth[before] = max(depth[before], depth[node] + 1)
    rows = [[] for _ in range(max(depth.values()) + 1)]
    for node in seen:
        rows[-1 - depth[node]].append(node)
    return rows


def _label(node, names):
    """Two lines for a box: the variable it is or makes, the name of the node."""
    leaf = getattr(node, "variable", None)
    if leaf is not None:
        name = next((n for n, value in names.items() if value is leaf), "")
        return f"{name} {tuple(leaf.shape)}".strip(), "AccumulateGrad"
    made = [n for n, value in names.items() if getattr(value, "grad_fn", None) is node]
    return (f"{made[0]} =" if made else ""), node.name().removesuffix("0")


def _edge(upper, lower):
    """An arrow from ``lower`` up to what its gradient goes to, as in ``next_functions``."""
    x, y = upper[0] + BOX_WIDTH / 2, upper[1] + BOX_HEIGHT
    to, below = lower[0] + BOX_WIDTH / 2, lower[1]
    middle = (y + below) / 2
    return (
        f'<path class="arc" d="M{to:g} {below:g}C{to:g} {middle:g} {x:g} {middle:g} {x:g} {y:g}'
        f'm-3.5 5.5l3.5 -5.5l3.5 5.5"/>'
    )


def _box(x, y, above, below, is_root):
    kind = "from-1" if is_root else "from-0" if below == "AccumulateGrad" else ""
    lines = [text for text in (above, below) if text]
    first = y + BOX_HEIGHT / 2 + 4.5 - 8 * (len(lines) - 1)
    texts = "".join(
        f'<text x="{x + BOX_WIDTH / 2:g}" y="{first + 16 * n:g}">{escape(text)}</text>'
        for n, text in enumerate(lines)
    )
    size = f'width="{BOX_WIDTH}" height="{BOX_HEIGHT}"'
    return f'<g class="{kind}"><rect x="{x:g}" y="{y:g}" {size} rx="6"/>{texts}</g>'


def setup(app):
    for name in ("tensors", "graph", "glance"):
        app.add_directive(name, Remark)
    app.add_css_file("tensors.css")
