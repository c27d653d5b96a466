"""``python docs/_ext/proofsheet catalogues`` or ``inventory``."""

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[1])

from proofsheet import inventory, translation  # noqa: E402 (found through the line above)

TASKS = {"catalogues": translation.update, "inventory": inventory.main}

if __name__ == "__main__":
    if sys.argv[1:] not in [[name] for name in TASKS]:
        sys.exit(f"which one: {', '.join(TASKS)}?")
    TASKS[sys.argv[1]]()
