"""The pictures of the page "In the terminal", drawn by what ``torchproof gather`` really prints.

``python -m proofsheet.terminal`` writes them again, once the site is built.
"""

import io
import re
from html import unescape

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console

from torchproof.reading import command, drawing

from . import languages, records

PICTURES = records.ROOT / "docs" / "pictures"
QUERY, WIDTH = "gather", 88
# A picture asks no other host for a font, and has no window around it.
FORMAT = re.sub(r"@font-face \{\{.*?\}\}\n", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
FORMAT = re.sub(r"font-family: [^;]*;", "font-family: monospace;", FORMAT)
# rich takes a Chinese character to be as wide as any other.
LENGTH = re.compile(r'textLength="[\d.]+"( clip-path="[^"]*">)([^<]*)<')
CELL = 12.2  # rich's width of a character


def _length(found):
    length = CELL * drawing.cells(unescape(found[2]))
    return f'textLength="{length:g}"{found[1]}{found[2]}<'


def picture(language):
    """What a terminal shows, as SVG."""
    console = Console(
        file=io.StringIO(), record=True, width=WIDTH, force_terminal=True,
        color_system="standard", highlight=False, markup=False, emoji=False, legacy_windows=False,
    )  # fmt: skip
    console.print(f"$ torchproof {QUERY}", style="bold")
    page = drawing.Page(language)
    page.console, page.width, page.whole_lines = console, WIDTH, False
    command.answer(command.parser().parse_args([QUERY, "--lang", language]), QUERY, page)
    made = console.export_svg(title="torchproof", code_format=FORMAT, unique_id="terminal")
    made = LENGTH.sub(_length, made)
    return "\n".join(line.rstrip() for line in made.splitlines()) + "\n"


def path(language):
    """Where the picture lies; Sphinx takes the one for its language."""
    middle = "" if language == languages.SOURCE else f".{language}"
    return PICTURES / f"terminal{middle}.svg"


def main():
    """Write the pictures of both languages."""
    PICTURES.mkdir(exist_ok=True)
    for language in languages.NAMES:
        path(language).write_text(picture(language), encoding="utf-8")


if __name__ == "__main__":
    main()
