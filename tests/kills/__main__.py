"""Kills syncs at random moments, and looks whether anything is lost: `python -m tests.kills`."""

from __future__ import annotations

import argparse
import logging
import os
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from .history import LostError, Tally, play


def played(seed: int) -> tuple[Tally, str | None]:
    """Plays the history of a seed; what it has lost, if anything."""
    # What a killed DuckDB has left cannot always be removed at once.
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as place:
        try:
            return play(seed, Path(place)), None
        except LostError as lost:
            return Tally(), f"seed {seed}: {lost}"


def main() -> int:
    """Plays histories until enough syncs were killed; 1 if something was lost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100, help="at least")
    parser.add_argument("--seed", type=int, default=1, help="of the first history")
    parser.add_argument("--at-once", type=int, default=2, help="histories")
    asked = parser.parse_args()
    logging.disable(logging.CRITICAL)
    os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
    began, tally, seed, failed = time.monotonic(), Tally(), asked.seed, 0
    with ThreadPoolExecutor(asked.at_once) as pool:
        while tally.kills.total() < asked.kills and not failed:
            for told, lost in pool.map(played, range(seed, seed + asked.at_once)):
                tally += told
                if lost:
                    failed += 1
                    sys.stdout.write(f"{lost}\n")
            seed += asked.at_once
    sys.stdout.write(f"{tally}; {seed - asked.seed} histories, {time.monotonic() - began:.0f} s\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
