"""Check everything as other machines would: ``nox -s portable``, or ``-- seeds``.

Each file runs once under each setting of SETTINGS that this processor can imitate, or each
example once for each of five shifts of what it seeds with. A table tells how many claims
held; each claim that moved is named below it.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from torchproof import record

ROOT = Path(__file__).resolve().parents[1]
# What PyTorch, oneDNN and MKL call an instruction set, and what the processor calls it.
INSTRUCTIONS = {
    "default": ("SSE41", "SSE4_2", "sse4_2"),
    "avx2": ("AVX2", "AVX2", "avx2"),
    "avx512": ("AVX512_CORE", "AVX512", "avx512f"),
}
# Instruction set and threads: each set once, and two threads where they differ most.
SETTINGS = [("default", 1), ("avx2", 2), ("avx2", 1), ("avx512", 1), ("avx512", 2)]
SHIFTS = range(5)


def possible(name):
    """Whether this processor has the instruction set; one that cannot say is believed."""
    try:
        flags = re.search(r"^flags\s*:(.*)$", Path("/proc/cpuinfo").read_text(), re.M)[1]
    except (OSError, TypeError):
        return True
    return INSTRUCTIONS[name][2] in flags.split()


def environment(name, folder):
    """The variables that make PyTorch's libraries take the instruction set ``name``."""
    onednn, mkl, _ = INSTRUCTIONS[name]
    return {
        "ATEN_CPU_CAPABILITY": name,
        "ONEDNN_MAX_CPU_ISA": onednn,
        "MKL_ENABLE_INSTRUCTIONS": mkl,
        "TORCHINDUCTOR_CACHE_DIR": str(folder / "inductor"),  # compiled for one set only
    }


def run(label, variables, *arguments):
    """Run the checker with more environment; return ``(label, checked, what failed)``."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "torchproof", *arguments, "--records", folder]
        done = subprocess.run(
            command, env=os.environ | variables, cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        entries = record.Records(folder).entries
    failed = [
        (key, text)
        for key, found in entries.items()
        for entry in found
        for _line, text in entry.get("failures", ())
    ]
    if done.returncode and not failed:
        failed = [("the run itself", done.stdout[-2000:])]
    claims = sum(entry["claims"] for found in entries.values() for entry in found)
    print(f"| {label:<28} | {len(entries):>5} | {claims:>6} | {len(failed):>6} |", flush=True)
    return [(label, *one) for one in failed]


def settings(paths):
    """Each setting that can be had here."""
    for name, threads in SETTINGS:
        label = f"{name}, {threads} thread{'s' * (threads > 1)}"
        if not possible(name):
            print(f"| {label:<28} | this processor does not have it |")
            continue
        folder = Path(tempfile.mkdtemp())
        arguments = [*paths, "--seeds", "0", "--threads", str(threads)]
        yield from run(label, environment(name, folder), *arguments)
        shutil.rmtree(folder, ignore_errors=True)


def shifts(paths):
    """Each shift of the seeds."""
    for shift in SHIFTS:
        arguments = [*paths, "--seeds", "0", "--shift", str(shift)]
        yield from run(f"seeds + {shift}", {}, *arguments)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("what", choices=["settings", "seeds"], nargs="?", default="settings")
    parser.add_argument("paths", nargs="*")
    options = parser.parse_args()
    print("| setting                      | cards | claims | failed |\n|---|---:|---:|---:|")
    if options.what == "seeds":
        moved = list(shifts(options.paths or ["gallery"]))
    else:
        moved = list(settings(options.paths or ["snippets", "gallery"]))
    for label, key, text in moved:
        print(f"{label}: {key}: {text}")
    return int(bool(moved))


if __name__ == "__main__":
    sys.exit(main())
