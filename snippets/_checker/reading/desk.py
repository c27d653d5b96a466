"""The clipboard and the browser of the reader's system."""

import base64
import os
import shutil
import subprocess
import sys


def _programs():
    """Commands that take what is copied, the most fitting first."""
    if sys.platform == "darwin":
        yield ["pbcopy"]
    if sys.platform == "win32":
        yield ["clip"]
    if os.environ.get("WAYLAND_DISPLAY"):
        yield ["wl-copy"]
    if os.environ.get("DISPLAY"):
        yield ["xclip", "-selection", "clipboard"]
        yield ["xsel", "--clipboard", "--input"]
    yield ["clip.exe"]  # Windows, from a Linux inside it


def copy(text):
    """Put ``text`` on the clipboard.

    Over ssh the clipboard is that of the reader's own terminal, which a sequence of characters
    reaches (OSC 52). No answer comes from there, so it is the last resort elsewhere.

    Returns:
        str: what took it, or None.
    """
    remote = bool(os.environ.get("SSH_TTY"))
    for command in () if remote else _programs():
        if shutil.which(command[0]):
            windows = command[0].startswith("clip")
            content = text.encode("utf-16-le" if windows else "utf-8")
            # What xclip leaves running in the background keeps no pipe of ours open.
            done = subprocess.run(
                command, input=content, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            if done.returncode == 0:
                return command[0]
    if sys.stdout.isatty():
        sequence = base64.b64encode(text.encode()).decode()
        print(f"\033]52;c;{sequence}\a", end="", flush=True)
        return "OSC 52"
    return None


def open_page(url):
    """Open ``url`` in a browser; whether there was one."""
    import webbrowser

    return webbrowser.open(url)
