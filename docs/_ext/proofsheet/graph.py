"""Draw the autograd graph of a tensor from its ``grad_fn``.

A card says ``.. graph:: loss``. When its code has run, the graph behind that tensor is
walked, and every box and arrow in the drawing is a node and an edge that autograd made.
"""

from html import escape

from sphinx.util.docutils import SphinxDirective

WIDTH, HEIGHT, ACROSS, DOWN = 132, 40, 14, 26  # of a box, between boxes


class Graph(SphinxDirective):
    """``.. graph:: loss``: drawn below the card's code, by :func:`draw`."""

    required_arguments = 1

    def run(self):
        """Nothing: the drawing follows the code that makes the graph."""
        return []


def walk(root):
    """Nodes of the graph behind ``root`` and its edges, in the order of a breadth-first search.

    Returns:
        tuple: list of nodes, list of pairs: a node's input, the node.
    """
    seen, edges = [root], []
    for node in seen:
        for before, _number in node.next_functions:
            if before is None:
                continue
            edges.append((before, node))
            if before not in seen:
                seen.append(before)
    return seen, edges


def layers(seen, edges):
    """Rows of nodes, inputs first: each stands above every node that uses it."""
    depth = {seen[0]: 0}
    for _pass in seen:
        for before, node in edges:
            depth[before] = max(depth.get(before, 0), depth.get(node, 0) + 1)
    rows = [[] for _ in range(max(depth.values()) + 1)]
    for node in seen:
        rows[-1 - depth[node]].append(node)
    return rows


def label(node, names):
    """Two lines for a box: the variable it is or makes, the name of the node."""
    leaf = getattr(node, "variable", None)
    if leaf is not None:
        name = next((n for n, value in names.items() if value is leaf), "")
        return f"{name} {tuple(leaf.shape)}".strip(), "AccumulateGrad"
    made = [n for n, value in names.items() if getattr(value, "grad_fn", None) is node]
    return (f"{made[0]} =" if made else ""), node.name().removesuffix("0")


def draw(expression, namespace):
    """HTML of the graph of the tensor that ``expression`` names in ``namespace``."""
    root = eval(expression, dict(namespace)).grad_fn
    names = {n: v for n, v in namespace.items() if hasattr(v, "grad_fn")}
    seen, edges = walk(root)
    rows = layers(seen, edges)
    widest = max(len(row) for row in rows) * (WIDTH + ACROSS) - ACROSS
    place = {}
    for y, row in enumerate(rows):
        start = (widest - len(row) * (WIDTH + ACROSS) + ACROSS) / 2
        for x, node in enumerate(row):
            place[node] = (start + x * (WIDTH + ACROSS), y * (HEIGHT + DOWN))
    parts = [_edge(place[before], place[after]) for before, after in edges]
    parts += [_box(*place[node], *label(node, names), node is root) for node in seen]
    height = len(rows) * (HEIGHT + DOWN) - DOWN
    return (
        f'<figure class="tensors graph" role="img" aria-label="grad_fn: {escape(expression)}">\n'
        f'<svg viewBox="-1 -1 {widest + 2:g} {height + 2:g}" width="{widest + 2:g}" '
        f'height="{height + 2:g}" aria-hidden="true">{"".join(parts)}</svg>\n</figure>'
    )


def _edge(upper, lower):
    """An arrow from ``lower`` up to what its gradient goes to, as in ``next_functions``."""
    x, y = upper[0] + WIDTH / 2, upper[1] + HEIGHT
    to, below = lower[0] + WIDTH / 2, lower[1]
    middle = (y + below) / 2
    return (
        f'<path class="arc" d="M{to:g} {below:g}C{to:g} {middle:g} {x:g} {middle:g} {x:g} {y:g}'
        f'm-3.5 5.5l3.5 -5.5l3.5 5.5"/>'
    )


def _box(x, y, above, below, is_root):
    kind = "from-1" if is_root else "from-0" if below == "AccumulateGrad" else ""
    lines = [text for text in (above, below) if text]
    first = y + HEIGHT / 2 + 4.5 - 8 * (len(lines) - 1)
    texts = "".join(
        f'<text x="{x + WIDTH / 2:g}" y="{first + 16 * n:g}">{escape(text)}</text>'
        for n, text in enumerate(lines)
    )
    return (
        f'<g class="{kind}"><rect x="{x:g}" y="{y:g}" width="{WIDTH}" height="{HEIGHT}" rx="6"/>'
        f"{texts}</g>"
    )


def setup(app):
    """Register the directive."""
    app.add_directive("graph", Graph)
