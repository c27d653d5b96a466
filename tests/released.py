"""Try an installed torchproof as its reader would: ``python tests/released.py PYTHON``.

``nox -s release`` and the release workflow run it on clean environments, with torch and without.
"""

import ast
import os
import subprocess
import sys
import tempfile
from pathlib import Path

HOLDS = "import torch\ntorch.arange(3).sum()  # tensor(3)\n"
FAILS = HOLDS.replace("(3)\n", "(4)\n")
API = """\
import torchproof
report = torchproof.check("holds.py")
assert report.ok and report.claims == 1, report
assert torchproof.fill("blank.py").text.endswith("# tensor(3)\\n")
"""
# What a magic displays where there is no notebook.
MAGICS = """\
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
for line in ("%load_ext torchproof", "%card torch.gather"):
    assert shell.run_cell(line).success
"""


def main(python):
    """Exit with a message at the first thing that is not as it should be."""
    python = os.path.abspath(python) if os.sep in python else python
    env = {name: value for name, value in os.environ.items() if name != "CI"}
    env |= {"LANG": "C.UTF-8", "PYTHONIOENCODING": "utf-8"}

    def run(*arguments):
        line = [python, *arguments]
        return subprocess.run(line, capture_output=True, text=True, env=env, encoding="utf-8")

    def torchproof(*arguments, code=0):
        done = run("-m", "torchproof", *arguments)
        if done.returncode != code:
            sys.exit(f"{arguments}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout + done.stderr

    def has(package):
        return run("-c", f"import {package}").returncode == 0

    def expect(true, what):
        if not true:
            sys.exit(f"wrong: {what}")

    here = Path(__file__).parents[1] / "snippets" / "_checker" / "__init__.py"
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for name, text in (("holds", HOLDS), ("fails", FAILS), ("blank", HOLDS[:-12] + "#\n")):
            Path(f"{name}.py").write_text(text)
        version = torchproof("--version").split()[1]
        expect(f'__version__ = "{version}"' in here.read_text(), f"the version is {version}")
        card = torchproof("torch.gather", "--lang", "en")
        ast.parse(card)
        expect("x.gather(1, index)" in card, card)
        expect("torch.gather" in torchproof("torch.gather", "--list", "--lang", "zh_CN"), "list")
        expect(torchproof("skill").startswith("---\nname: torchproof"), "skill")
        torchproof("snipets/none.py", code=2)
        if not has("torch"):
            said = torchproof("check", "holds.py", code=2)
            lacks = "a system that can fork" if os.name == "nt" else "torch, which is not installed"
            expect(said.startswith(f"torchproof: checking needs {lacks}"), said)
            expect(said.count("\n") == 1, said)
        else:
            expect("1 claims in 1 files" in torchproof("check", "holds.py"), "check")
            expect("got 3" in torchproof("check", "fails.py", code=1), "check")
            expect("All claims hold" in torchproof("gather", "--run", "--lang", "en"), "--run")
            done = run("-c", API)
            expect(done.returncode == 0, done.stderr)
            if has("pytest"):
                done = run("-m", "pytest", "--claims", "holds.py", "-p", "no:cacheprovider")
                expect("1 passed" in done.stdout, done.stdout)
        if has("mcp"):
            expect("--read-only" in torchproof("mcp", "--help"), "mcp")
        else:
            expect('install "torchproof[mcp]"' in torchproof("mcp", code=2), "mcp")
        if has("IPython"):
            done = run("-c", MAGICS)
            expect(done.returncode == 0, done.stdout + done.stderr)
        beside = [name for name in ("torch", "pytest", "mcp", "rich", "IPython") if has(name)]
        where = run("-c", "import sys; print(sys.version.split()[0])").stdout.strip()
        print(f"torchproof {version} on Python {where} with {', '.join(beside) or 'nothing else'}")


if __name__ == "__main__":
    main(sys.argv[1])
