"""Shows a card: in a pipe as a Python script, on a terminal with colours if rich is installed.

Code is never wrapped: what is longer than the terminal is wide is left to the terminal, which
gives it back in one piece when it is copied.
"""

import io
import keyword
import os
import shutil
import sys
import tokenize
from unicodedata import east_asian_width

TEXTS = {
    "en": {
        "nothing": "Nothing found. Try the name of a function, or fewer words.",
        "message": "No card quotes this message. These cards are the nearest.",
        "name": "No card shows {name}, which is described at {url}. These cards are the nearest.",
        "recorded": "The values were recorded with torch {torch} on {device}, {date}.",
        "unrecorded": "The values have not been recorded yet.",
        "since": "Needs torch {since} or newer.",
        "step": "A step of: {page}. It needs the code of the steps before it.",
        "script": "A script of {lines} lines: --copy copies it, and a pipe gets it.",
        "others": "Others, which -n shows:",
        "copied": "Copied, with {by}.",
        "not copied": "Not copied: this system offers no clipboard.",
        "no browser": "No browser could be started. The page is at {url}",
        "no torch": "To check the card takes torch, which is not installed here.",
        "no fork": "To check the card takes a system that can fork: Linux, macOS or WSL.",
        "no code": "This page has no code to run.",
        "needs": "The card was not run: it needs {needs}.",
        "holds": "All claims hold with torch {torch}.",
        "fails": "Not all claims hold with torch {torch}.",
    },
    "zh_CN": {
        "nothing": "没有找到结果。请换成函数名，或者减少关键词再试。",
        "message": "没有卡片收录这条报错信息。下面是最接近的卡片。",
        "name": "没有卡片介绍 {name}，官方文档见 {url}。下面是最接近的卡片。",
        "recorded": "这些值是用 torch {torch} 在 {device} 上得到的，日期 {date}。",
        "unrecorded": "这些值还没有运行记录。",
        "since": "需要 torch {since} 或更新的版本。",
        "step": "这是示例“{page}”中的一步，要先运行前面各步的代码。",
        "script": "整个脚本有 {lines} 行：--copy 复制，或者用管道输出。",
        "others": "其他结果（用 -n 查看）：",
        "copied": "已复制（{by}）。",
        "not copied": "没有复制：这个系统没有可用的剪贴板。",
        "no browser": "无法启动浏览器。网页地址：{url}",
        "no torch": "验证卡片需要 torch，这里没有安装。",
        "no fork": "验证卡片要求系统支持 fork，例如 Linux、macOS 或 WSL。",
        "no code": "这个页面没有可以运行的代码。",
        "needs": "卡片没有运行：缺少 {needs}。",
        "holds": "用 torch {torch} 运行，全部成立。",
        "fails": "用 torch {torch} 运行，有的不成立。",
    },
}
DEVICES = {"cpu": "CPU", "cuda": "CUDA"}
NARROW, WIDE = 20, 88  # text is not wrapped below and above these widths
NOT_FIRST = "，。；：、！？）》”’,.;:!?)"  # may not begin a line
# From the terminal's own sixteen colours those that can be read on light and on dark.
KEYWORD, STRING, NUMBER, CLAIM = "magenta", "cyan", "blue", "green"


def code(entry):
    """What is copied and run: the imports, then the card."""
    parts = (entry.get("imports"), entry.get("code"))
    return "\n\n".join(filter(None, parts)).rstrip() + "\n" if entry.get("code") else ""


def cells(text):
    """How wide a terminal draws ``text``: a Chinese character takes two cells."""
    return sum(2 if east_asian_width(char) in "WF" else 1 for char in text)


def wrap(text, width):
    """Lines of ``text``, broken at spaces and between Chinese characters."""
    pieces = []
    for word in text.split():
        piece = ""
        for char in word:
            wide = cells(char) == 2
            if piece and (wide or cells(piece[-1]) == 2) and char not in NOT_FIRST:
                pieces.append(piece)
                piece = ""
            piece += char
        pieces.append(piece + " ")
    lines = [""]
    for piece in pieces:
        if lines[-1] and cells(lines[-1] + piece.rstrip()) > width:
            lines.append("")
        lines[-1] += piece
    return [line.rstrip() for line in lines]


class Page:
    """Where a card is shown: standard output, as it is."""

    def __init__(self, language):
        self.language = language
        self.whole_lines = True  # the terminal breaks long ones, and copies them in one piece
        self.texts = TEXTS[language]
        self.width = max(NARROW, min(WIDE, shutil.get_terminal_size((80, 24)).columns))
        self.console = _console()

    # --- lines ----------------------------------------------------------------------------------

    def line(self, text="", style=None):
        """A line of its own, which may be longer than the terminal is wide."""
        if self.console:
            self.console.print(text, style=style, soft_wrap=self.whole_lines)
        else:
            print(text, flush=True)

    def text(self, text, style=None, hang=""):
        """Prose, ``hang`` before it; where nothing is drawn, as a comment beside the code."""
        lead = "" if self.console else "# "
        for line in wrap(text, self.width - len(lead + hang)):
            self.line(f"{lead}{hang}{line}".rstrip(), style)
            hang = " " * len(hang)

    def say(self, key, style=None, **facts):
        """One of TEXTS."""
        self.text(self.texts[key].format(**facts), style)

    # --- a card ---------------------------------------------------------------------------------

    def unknown(self, what):
        """What the cards do not have: a message, or a name in PyTorch."""
        self.say("message" if "message" in what else "name", "yellow", **what)
        self.line()

    def show(self, entry, others):
        """A card, an example, a step of one, or a page.

        Args:
            entry: see ``Store.entry``.
            others: ``[(number in the list, entry)]`` of other answers.
        """
        self.text(entry["title"], "bold")
        self.line(entry["url"] if self.console else f"# {entry['url']}", "dim")
        if entry["prose"]:
            self.line("" if self.console else "#")
            self.text(entry["prose"])
        if entry["kind"] == "step":
            self.say("step", "dim", page=entry["page"])
        if "steps" in entry and self.console:  # a whole script is too much to look at
            for number, title in enumerate(entry["steps"], 1):
                self.text(title, hang=f"{number:>3}. ")
            self.say("script", "dim", lines=code(entry).count("\n"))
        elif entry.get("code"):
            self.line()
            self.line(_highlighted(code(entry).rstrip()) if self.console else code(entry).rstrip())
        self.line()
        self._recorded(entry)
        if others:
            self.text(self.texts["others"], "dim")
            for number, other in others:
                self.text(other["title"], "dim", hang=f"{number:>3}  ")

    def _recorded(self, entry):
        checked = entry.get("checked", {})
        for device, run in checked.items():
            self.say("recorded", "green", device=DEVICES[device], **run)
        if "code" in entry and not checked:
            self.say("unrecorded", "yellow")
        if "since" in entry:
            self.say("since", "yellow", since=entry["since"])

    def listing(self, entries):
        """A numbered line for each entry: title, then its page, then its address."""
        for number, entry in enumerate(entries, 1):
            self.line(f"{number:>2}  {entry['title']}", "bold")
            self.line(f"    {entry['url']}", "dim")

    def claim(self, held, line, why=""):
        """How a line of code fared in a run here."""
        lead = "" if self.console else "# "
        mark = ("✓" if held else "✗") if _can("✓✗") else ("ok " if held else "NOT")
        self.line(f"{lead}{mark} {line}", "green" if held else "red")
        for part in why.splitlines():
            self.line(f"{lead}    {part}", "red")


def _can(text):
    """Whether standard output can have ``text``: a code page of Windows has no check mark."""
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True


def _console():
    """rich's console, if there is a terminal to draw on and rich to draw with."""
    if not (sys.stdout.isatty() or os.environ.get("FORCE_COLOR")):
        return None
    try:
        from rich.console import Console
    except ImportError:
        return None
    return Console(highlight=False, markup=False, emoji=False)


def _highlighted(text):
    """Code in colours; a comment behind code, which is a claim, in one of its own.

    Python's own tokenizer is there already; to import that of pygments takes longer than all
    else together.
    """
    from rich.text import Text

    made, starts = Text(text), [0, 0]  # where each line starts, from line 1 on
    for line in text.split("\n"):
        starts.append(starts[-1] + len(line) + 1)
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        name = tokenize.tok_name[token.type]
        if name == "COMMENT":
            style = CLAIM if token.line[: token.start[1]].strip() else "dim"
        elif name == "NAME":
            style = KEYWORD if keyword.iskeyword(token.string) else None
        else:
            style = NUMBER if name == "NUMBER" else STRING if "STRING" in name else None
        if style:
            begin, end = (starts[row] + column for row, column in (token.start, token.end))
            made.stylize(style, begin, end)
    return made
