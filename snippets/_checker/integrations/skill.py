"""``torchproof skill``: the file that tells a coding assistant when to use the command."""

import argparse
import sys
from pathlib import Path

FILE = Path(__file__).with_name("SKILL.md")


def main(argv):
    """Print the file, or put it into a folder of skills.

    Returns:
        int: the exit code.
    """
    parser = argparse.ArgumentParser(
        prog="torchproof skill",
        description="Print the skill file, or write it as torchproof/SKILL.md into FOLDER.",
    )
    text = "where the assistant looks for skills, such as .claude/skills or .agents/skills"
    parser.add_argument("folder", nargs="?", type=Path, metavar="FOLDER", help=text)
    folder = parser.parse_args(argv).folder
    text = FILE.read_text(encoding="utf-8")
    if folder is None:
        print(text, end="")
        return 0
    path = folder / "torchproof" / FILE.name
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        print(f"torchproof: {path} cannot be written: {error.strerror}", file=sys.stderr)
        return 2
    print(path)
    return 0
