"""Nodes for HTML that docutils has no node for, and what several kinds of page are made of."""

from html import escape

from docutils import nodes
from sphinx import addnodes


class html(nodes.General, nodes.TextElement):
    """HTML that is made already; its child is the same as plain text, which the search reads."""


class element(nodes.General, nodes.TextElement):
    """The HTML element ``tag`` with ``attributes``, around ``before`` and its children."""


def visit_html(self, node):
    self.body.append(node["html"])
    raise nodes.SkipNode


def visit_element(self, node):
    attributes = {"class": " ".join(node["classes"]), **node.get("attributes", {})}
    text = "".join(f' {name}="{escape(value)}"' for name, value in attributes.items() if value)
    self.body.append(f"<{node['tag']}{text}>{node.get('before', '')}")


def depart_element(self, node):
    self.body.append(f"</{node['tag']}>")
    if node["tag"] != "td":
        self.body.append("\n")


def cell(*children, classes=()):
    """A cell for :func:`table`."""
    return element("", "", *children, tag="td", classes=list(classes))


def table(labels, caption, rows, *kinds):
    """A plain table; each cell has the label of its column, which a phone shows before it."""
    heads = "".join(f'<th scope="col">{escape(label)}</th>' for label in labels)
    head = f"<caption>{escape(caption)}</caption><thead><tr>{heads}</tr></thead>"
    body = element(tag="tbody")
    for row in rows:
        for label, column in zip(labels, row, strict=True):
            column["attributes"] = {"data-label": label}
        body += element("", "", *row, tag="tr")
    return element("", "", body, tag="table", before=head, classes=["glance", *kinds])


def filtered(parts, label, items):
    """``parts`` below a field: site.js hides those ``items`` that do not have its words."""
    attributes = {"data-filtered": items}
    return element("", "", *parts, tag="div", attributes=attributes, before=field(label))


def field(label):
    """The field of a filter; it stands on the page from the start, so nothing moves later."""
    said = escape(label)
    made = f'<input type="search" class="filter" aria-label="{said}" placeholder="{said}"'
    return made + ' autocomplete="off" spellcheck="false">\n'


def loose(node):
    """A copy to keep between builds: docutils' own would keep the whole document with it."""
    copy = node.deepcopy()
    for part in copy.findall():
        part.document = None
    return copy


def unlinked(node):
    """Copies of the children of ``node`` that can stand inside a link."""
    copy = loose(node)
    for inner in [*copy.findall(addnodes.pending_xref), *copy.findall(nodes.reference)]:
        inner.replace_self(inner.children)
    return copy.children


def link(app, here, docname, children, anchor="", **attributes):
    """A link from the page ``here`` to the page ``docname``, around copies of ``children``."""
    uri = app.builder.get_relative_uri(here, docname) + (anchor and f"#{anchor}")
    copies = [child.deepcopy() for child in children]
    return nodes.reference("", "", *copies, refuri=uri, internal=True, **attributes)


def joined(parts, between=" · "):
    """``parts`` with a text between each two."""
    found = []
    for part in parts:
        found += [nodes.Text(between), part] if found else [part]
    return found


def setup(app):
    app.add_node(html, html=(visit_html, None))
    app.add_node(element, html=(visit_element, depart_element))
