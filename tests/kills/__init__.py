"""Kills syncs at moments drawn over the whole of them, and looks whether anything is lost.

`worker` is the process that dies, `history` lets a workspace live, kills syncs of it and compares
the tables with the truth. `python -m tests.kills` does so for long.
"""

import sys
from pathlib import Path

_SUPPORT = str(Path(__file__).parents[1])
if _SUPPORT not in sys.path:
    sys.path.insert(0, _SUPPORT)  # as pytest does, for the support that all tests share
