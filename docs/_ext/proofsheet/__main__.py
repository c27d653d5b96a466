"""``python -m proofsheet``, then one of ``TASKS``."""

import sys
from importlib import import_module

TASKS = {
    "catalogues": ("translation", "update"),
    "inventory": ("inventory", "main"),
    "answer": ("inventory", "answer"),
}

if __name__ == "__main__":
    if sys.argv[1:] not in [[name] for name in TASKS]:
        sys.exit(f"which one: {', '.join(TASKS)}?")
    module, function = TASKS[sys.argv[1]]
    getattr(import_module(f"proofsheet.{module}"), function)()
