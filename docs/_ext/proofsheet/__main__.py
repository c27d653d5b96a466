"""``python -m proofsheet catalogues`` or ``inventory``."""

import sys

from . import inventory, translation

TASKS = {"catalogues": translation.update, "inventory": inventory.main}

if __name__ == "__main__":
    if sys.argv[1:] not in [[name] for name in TASKS]:
        sys.exit(f"which one: {', '.join(TASKS)}?")
    TASKS[sys.argv[1]]()
