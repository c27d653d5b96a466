"""Run each row of ``docs/frameworks/rows.py`` in PyTorch, JAX and TensorFlow.

``nox -s frameworks`` calls this in an environment that has all three, and keeps what came out
in ``docs/frameworks/record.json``. The page shows it, so building the site needs only PyTorch.
"""

import argparse
import ast
import json
import os
import re
import subprocess
import sys
import tempfile
from importlib import metadata
from itertools import pairwise
from pathlib import Path

from recorded import sha256, table

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "docs" / "frameworks"
ROWS, RECORD, TABLE = (FOLDER / name for name in ("rows.py", "record.json", "run.html"))
FRAMEWORKS = ("PyTorch", "JAX", "TensorFlow")
PACKAGES = ("torch", "jax", "optax", "tensorflow", "numpy")
CLAIM = re.compile(r".*\S  # (.+)")
QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "", "JAX_PLATFORMS": "cpu"}


def rows():
    """``{name: {framework: code}}``; the imports are the first."""
    _, *cells = re.split(r"^# %% (\w+)\n", ROWS.read_text(encoding="utf-8"), flags=re.M)
    found = {}
    for name, cell in zip(cells[::2], cells[1::2], strict=True):
        head, *parts = re.split(rf"^# ({'|'.join(FRAMEWORKS)})\n", cell, flags=re.M)
        assert not head.strip() and name not in found, name
        found[name] = dict(zip(parts[::2], parts[1::2], strict=True))
    return found


def claims(code):
    """The comments behind lines of code."""
    return [match[1] for line in code.split("\n") if (match := CLAIM.fullmatch(line))]


# --- in the process of one framework ------------------------------------------


def plain(value):
    """A value as Python has it: nested lists of numbers, or text."""
    import numpy as np

    array = np.asarray(tuple(value) if hasattr(value, "as_list") else value)
    return array.tolist() if array.dtype.kind in "biuf" else str(value)


def run(code, names):
    """The values of all lines with a comment behind them, in order.

    The code lies in a file, since ``tf.function`` reads the source of what it compiles.
    """
    lines, found = code.split("\n"), []
    Path("row.py").write_text(code, encoding="utf-8")
    for statement in ast.parse(code).body:
        claimed = CLAIM.fullmatch(lines[statement.end_lineno - 1])
        if claimed and isinstance(statement, ast.Expr):
            value = eval(compile(ast.Expression(statement.value), "row.py", "eval"), names)
            found.append(plain(value))
        else:
            exec(compile(ast.Module([statement], []), "row.py", "exec"), names)
    return found


def run_all(framework):
    """``{row: values}`` of one framework; an error is told instead of values."""
    found, all_rows = {}, rows()
    imports = all_rows.pop("imports")[framework]
    for name, parts in all_rows.items():
        names = {}
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)
            exec(compile(imports, "rows.py", "exec"), names)
            try:
                found[name] = run(parts[framework], names)
            except Exception as error:
                found[name] = f"{type(error).__name__}: {error}"
            os.chdir(ROOT)
    return found


# --- in the process that compares ---------------------------------------------


def agrees(claim, value):
    """Whether a value is what a comment says; four or more decimals were rounded."""
    import numpy as np

    try:
        stated = np.asarray(ast.literal_eval(claim))
    except (SyntaxError, ValueError):
        return claim == value
    decimals = max((len(one) for one in re.findall(r"\.(\d+)", claim)), default=0)
    near = 0.51 * 10.0**-decimals if decimals >= 4 else 0.0
    value = np.asarray(value)
    return value.shape == stated.shape and np.allclose(value, stated, rtol=0, atol=near)


def compare(found):
    """What does not hold, a line each."""
    import numpy as np

    for name, parts in rows().items():
        if name == "imports":
            continue
        for framework in FRAMEWORKS:
            stated, values = claims(parts[framework]), found[framework][name]
            if isinstance(values, str):
                yield f"{name}: {framework}: {values}"
            elif len(stated) != len(values) or not all(map(agrees, stated, values)):
                yield f"{name}: {framework} gives {values}, the comment says {stated}"
        for one, other in pairwise(FRAMEWORKS):
            values = found[one][name], found[other][name]
            if str in map(type, values):
                continue
            pairs = zip(*values, strict=False)
            if not all(a == b or np.allclose(a, b, rtol=1e-5) for a, b in pairs):
                yield f"{name}: {one} and {other} differ"


def load():
    """What is recorded of the last run in which all rows held."""
    return json.loads(RECORD.read_text(encoding="utf-8"))


def html(record):
    """What the page shows of a record."""
    known = {"torch": "PyTorch", "jax": "JAX", "optax": "Optax", "tensorflow": "TensorFlow",
             "numpy": "NumPy", "python": "Python"}  # fmt: skip
    versions, held = record["versions"], len(record["rows"])
    shown = table([known[name] for name in versions], [versions.values()])
    return f"{shown}<p>✓ {held} / {held} · {record['machine']} · {record['date']}</p>\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--run", choices=FRAMEWORKS, help="run one and print its values as JSON")
    options = parser.parse_args()
    if options.run:
        print("\n" + json.dumps(run_all(options.run)))
        return 0
    found = {}
    for framework in FRAMEWORKS:
        command = [sys.executable, __file__, "--run", framework]
        done = subprocess.run(command, env=os.environ | QUIET, stdout=subprocess.PIPE, text=True)
        if done.returncode:
            return f"{framework} ended with {done.returncode}"
        found[framework] = json.loads(done.stdout.splitlines()[-1])
    failures = list(compare(found))
    for line in failures:
        print(f"✗ {line}")
    if failures:
        return 1

    from torchproof import process, record

    now = record.this_run("cpu", process.machine(), 1)
    made = {
        "sha256": sha256(ROWS),
        "date": now["date"],
        "machine": now["name"],
        "versions": {name: metadata.version(name).partition("+")[0] for name in PACKAGES}
        | {"python": now["python"]},
        "rows": {name: claims(code["PyTorch"]) for name, code in rows().items()},
    }
    del made["rows"]["imports"]
    RECORD.write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")
    TABLE.write_text(html(made), encoding="utf-8")
    print(f"{len(made['rows'])} rows give the same value in {', '.join(FRAMEWORKS)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
