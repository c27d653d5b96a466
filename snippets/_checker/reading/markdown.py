"""A card as Markdown: for notebooks, and for assistants."""

import re

from . import drawing

MARKS = re.compile(r"([\\`*_\[\]<>&$~|])")  # what prose, which is plain text, would be changed by


def plain(text):
    """``text``, so that it looks in Markdown as it is."""
    return MARKS.sub(r"\\\1", text)


def listing(entries):
    """A numbered line for each entry, which leads to its page."""
    return "\n".join(
        f"{n}. [{plain(entry['title'])}]({entry['url']})" for n, entry in enumerate(entries, 1)
    )


def card(entry, language, escaped=True):
    """Title, address, prose, code, and where the values were recorded.

    Args:
        entry: see ``Store.entry``.
        language: of what is said about the card.
        escaped: whether prose is to look in Markdown as it is; else it is put as it is.
    """
    shown = plain if escaped else str
    texts = drawing.TEXTS[language]
    parts = [f"### {shown(entry['title'])}", shown(entry["prose"])]
    if entry["kind"] == "step":
        parts.append(texts["step"].format(page=shown(entry["page"])))
    if steps := entry.get("steps"):
        parts.append("\n".join(f"{n}. {shown(step)}" for n, step in enumerate(steps, 1)))
    if code := drawing.code(entry):
        parts.append(f"```python\n{code}```")
    notes = [
        texts["recorded"].format(device=drawing.DEVICES[device], **run)
        for device, run in entry.get("checked", {}).items()
    ]
    if code and not notes:
        notes.append(texts["unrecorded"])
    if "since" in entry:
        notes.append(texts["since"].format(since=entry["since"]))
    parts += [" ".join(notes), f"<{entry['url']}>"]
    return "\n\n".join(filter(None, parts)) + "\n"
