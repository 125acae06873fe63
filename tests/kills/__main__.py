"""Kills syncs, and looks whether anything is lost: `python -m tests.kills`."""

from __future__ import annotations

import argparse
import logging
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import count, islice
from pathlib import Path

from . import each, history
from .history import LostError, Tally

Play = Callable[[Path], Tally]


def played(name: str, play: Play) -> tuple[Tally, str | None]:
    """Plays in a directory of its own; what was lost, if anything."""
    # What a killed DuckDB has left cannot always be removed at once.
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as place:
        try:
            return play(Path(place)), None
        except LostError as lost:
            return Tally(), f"{name}: {lost}"


def random_plays(seed: int) -> Iterator[tuple[str, Play]]:
    """Histories without end, of this seed and those after it."""
    return ((f"seed {one}", partial(history.play, one)) for one in count(seed))


def ordered_plays(which: str, parts: int) -> Iterator[tuple[str, Play]]:
    """All kills of one sync, in so many parts."""
    firsts = range(1, parts + 1)
    return ((f"{which} sync", partial(each.play, which, first, parts)) for first in firsts)


def main() -> int:
    """Kills at random until enough syncs were killed, or one by one; 1 if something was lost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100, help="at least, at random moments")
    parser.add_argument("--seed", type=int, default=1, help="of the first history")
    parser.add_argument("--each", choices=each.SYNCS, help="before each change of a file by this")
    parser.add_argument("--at-once", type=int, default=2, help="histories")
    asked = parser.parse_args()
    logging.disable(logging.CRITICAL)
    os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
    at_once = asked.at_once
    plays = ordered_plays(asked.each, at_once) if asked.each else random_plays(asked.seed)
    began, tally, histories, failed = time.monotonic(), Tally(), 0, 0
    with ThreadPoolExecutor(at_once) as pool:
        while batch := list(islice(plays, at_once)):
            for told, lost in pool.map(played, *zip(*batch, strict=True)):
                tally += told
                histories += 1
                if lost:
                    failed += 1
                    sys.stdout.write(f"{lost}\n")
            if failed or (not asked.each and tally.kills.total() >= asked.kills):
                break
    sys.stdout.write(f"{tally}; {histories} histories, {time.monotonic() - began:.0f} s\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
