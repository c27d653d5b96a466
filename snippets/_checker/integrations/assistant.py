"""``torchproof mcp``: the cards and the checker for coding assistants, over MCP on stdio.

Cards are read here. Code is run by ``torchproof check`` in a process of its own, with the Python
that ``--python`` names, so that it meets the torch of the project and not that of this server.
"""

import argparse
import functools
import inspect
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Literal

import anyio
from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ToolAnnotations
from pydantic import BaseModel, Field

import torchproof
from torchproof.reading import command, markdown, ranking, store

PACKAGE = Path(torchproof.__file__).resolve().parent
RUNS = 5  # of a snippet, at most: under each seed, and without vector instructions
START = 120  # seconds to import torch, on a busy machine
INSTRUCTIONS = """\
Cards are short PyTorch scripts. Each value, shape, dtype and error in a comment behind code was
checked by a run. Search for a name, a question or an error message before you write PyTorch from
memory, and check the comments of code that you wrote before you show it."""
RIGHTS = """

This runs the code on the user's machine with all rights of the user, outside any sandbox.
Give it only code that the user would run."""

Query = Annotated[str, Field(description="a name (torch.gather), a question, an error message")]
Url = Annotated[str, Field(description="as search_cards gives it")]
Code = Annotated[str, Field(description="a whole Python script, with its imports")]
Count = Annotated[int, Field(ge=1, le=20)]
Seconds = Annotated[float, Field(ge=1, le=600, description="for a run; there are two to five")]
Device = Literal["cpu", "cuda", "mps"]
Language = Literal["en", "zh_CN"]


class Found(BaseModel):
    """A card that answers."""

    title: str
    url: str
    kind: str
    text: str


class Failure(BaseModel):
    """What does not hold, and on which line of the code."""

    line: int
    message: str


class Checked(BaseModel):
    """What became of the claims of some code."""

    ok: bool
    claims: int
    failures: list[Failure]
    notes: list[Failure]
    torch: str | None


class Filled(BaseModel):
    """Code in which blanks have become claims."""

    code: str
    failures: list[Failure]
    torch: str | None


# --- cards --------------------------------------------------------------------------------------


@functools.cache
def _cards(language):
    return store.Store(store.folder(), language)


def _opened(language):
    try:
        return _cards(language)
    except store.Missing:
        raise ToolError(command.NO_CARDS) from None


# Coroutines run in one thread, in which an SQLite connection has to stay.
async def search_cards(
    query: Query, limit: Count = 5, language: Language | None = None
) -> list[Found]:
    """Search the PyTorch reference, best answer first. What it has are cards, which are code whose
    values were checked, examples and pages. Read one with read_card. Ask in English or Chinese."""
    cards = _opened(language or command.language_of(query))
    entries = [cards.entry(one) for one, _ in ranking.Search(cards).search(query)[0][:limit]]
    return [
        Found(title=one["title"], url=one["url"], kind=one["kind"], text=one["prose"])
        for one in entries
    ]


async def read_card(url: Url) -> str:
    """Read a card as Markdown: its text, and a script that runs on its own. A comment behind code
    says what the line really gives. The end says for which torch that was recorded."""
    for language in command.LANGUAGES:
        cards = _opened(language)
        if entry := cards.at(url):
            return markdown.card(entry, language, escaped=False)
    raise ToolError(f"no card has the address {url}; search_cards gives addresses")


# --- code ---------------------------------------------------------------------------------------


class Runner:
    """The tools that run code.

    Args:
        python: the interpreter that runs it.
    """

    def __init__(self, python):
        self.python = python

    async def check_claims(
        self, code: Code, strict: bool = False, device: Device = "cpu", limit: Seconds = 60
    ) -> Checked:
        """Check what comments in PyTorch code claim, on the torch that is installed here.

        A comment behind code is a claim if it begins as one: `# tensor([1, 2])`,
        `# shape (2, 3), dtype float32`, `# torch.Size([2, 3])`, `# IndexError: its text`. After
        `#>` anything is one: `#> 3`. With strict, every comment behind code is. Returns the lines
        that do not hold, and what came out there.
        """
        strictly = ["--strict"] if strict else []
        found = await self._torchproof(code, limit, "--device", device, *strictly)
        return Checked.model_validate(found)

    async def fill_claims(self, code: Code, device: Device = "cpu", limit: Seconds = 60) -> Filled:
        """Write into PyTorch code what its lines give: `#` or `# ?` behind code becomes a claim.

        `x.sum()  #` becomes `x.sum()  # tensor(6.)`. What is random gets its shape and dtype.
        Returns the whole code, and the lines that stay blank or do not hold.
        """
        found = await self._torchproof(code, limit, "--device", device, "--fill")
        text = next((one["text"] for one in found["filled"]), code)
        return Filled.model_validate(found | {"code": text})

    async def _torchproof(self, code, limit, *options):
        """What ``torchproof check --json`` prints of some code, run by another Python."""
        # In a CI no file is rewritten; this one is nobody's.
        env = {name: value for name, value in os.environ.items() if name != "CI"}
        with tempfile.TemporaryDirectory(prefix="torchproof-") as folder:
            Path(folder, "code.py").write_text(code, encoding="utf-8")
            line = [self.python, str(PACKAGE), "check", "code.py", "--json", "--limit", str(limit)]
            try:
                with anyio.fail_after(START + RUNS * limit):
                    done = await anyio.run_process(
                        [*line, *options],
                        stdin=subprocess.DEVNULL,
                        check=False,
                        cwd=folder,
                        env=env,
                    )
            except TimeoutError:
                raise ToolError(f"ended after {START + RUNS * limit:g} s") from None
            except OSError as error:
                raise ToolError(f"{self.python} cannot be started: {error.strerror}") from None
        if done.returncode not in (0, 1):
            said = done.stderr.decode(errors="replace").strip().removeprefix("torchproof: ")
            raise ToolError(said or f"the check has ended with {done.returncode}")
        return json.loads(done.stdout)


# --- the server ---------------------------------------------------------------------------------


def server(runner=None):
    """The server; with a Runner it has the tools that run code, too."""
    made = MCPServer(
        "torchproof",
        instructions=INSTRUCTIONS,
        version=torchproof.__version__,
        log_level="WARNING",
    )

    def add(tool, more="", **options):
        text = inspect.cleandoc(tool.__doc__) + more
        made.add_tool(tool, description=text, annotations=hints, **options)

    hints = ToolAnnotations(read_only_hint=True, open_world_hint=False)
    add(search_cards)
    add(read_card, structured_output=False)
    hints = ToolAnnotations(read_only_hint=False, destructive_hint=True, open_world_hint=True)
    for tool in (runner.check_claims, runner.fill_claims) if runner else ():
        add(tool, RIGHTS)
    return made


def main(argv):
    """Serve until standard input ends.

    Returns:
        int: the exit code.
    """
    parser = argparse.ArgumentParser(
        prog="torchproof mcp",
        description="Serve the cards and the checker to a coding assistant, on standard input and"
        " output. The tools check_claims and fill_claims run what the assistant sends, with your"
        " rights.",
    )
    text = "the Python whose torch runs code; by default the one that runs this"
    parser.add_argument("--python", default=sys.executable, metavar="PATH", help=text)
    text = "leave out the tools that run code"
    parser.add_argument("--read-only", action="store_true", help=text)
    asked = parser.parse_args(argv)
    server(None if asked.read_only else Runner(asked.python)).run()
    return 0
