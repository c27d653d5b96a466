"""What the pages of recorded runs have in common: the hash of what ran, and a table as HTML."""

import hashlib


def sha256(path):
    """Hash of what ran: a record of another text says nothing about this one."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def table(heads, rows):
    """A table as the pages have it; an empty head is a cell that heads nothing."""
    head = "".join(f"<th>{one}</th>" if one else "<td></td>" for one in heads)
    cells = ["".join(f"<td>{value}</td>" for value in row) for row in rows]
    body = "".join(f"<tr>{row}</tr>\n" for row in cells)
    return (
        '<div class="table-wrapper docutils container"><table class="docutils">\n'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody></table></div>\n"
    )
