"""Kills a sync before each change of a file that it makes: `python -m tests.kills.each`."""

from __future__ import annotations

import argparse
import logging
import os
import shutil
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from random import Random

from durability_support import Town
from loading_support import Job

from .history import LostError, compare, sync, sync_until_complete
from .worker import Death

SYNCS = ("first", "news")


def play(which: str, first: int, step: int, place: Path) -> int:
    """Kills the same sync again and again, and lets another one go on each time.

    Args:
        which: sync is killed, one of `SYNCS`.
        first: event that it dies before, of the changes of files.
        step: how many events later it dies the next time.
        place: an empty directory.

    Returns:
        How many were killed.

    Raises:
        LostError: something is not in the tables.
    """
    town = Town(Random(5), contacts=2)
    before, after = place / "before", place / "after"
    after.mkdir()
    options = {"reconcile_share": 0}
    with Job(town.workspace, after) as job:
        if which == "news":
            sync(job, options)
            town.live(6)
        after.rename(before)
        for kills, at in enumerate(count(first, step)):
            shutil.copytree(before, after)
            if sync(job, options, Death("file", at)):
                return kills
            when = f"{which} sync, killed before change {at} of a file"
            try:
                sync_until_complete(job, options)
            except LostError as lost:
                raise LostError(f"{when}: {lost}") from None
            compare(job, when)
            shutil.rmtree(after)
    raise AssertionError("unreachable")


def played(which: str, first: int, step: int) -> tuple[int, str | None]:
    """Plays; what was lost, if anything."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as place:
        try:
            return play(which, first, step, Path(place)), None
        except LostError as lost:
            return 0, str(lost)


def main() -> int:
    """Kills each sync before each change of a file; 1 if something was lost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sync", choices=SYNCS, help="to kill; both by default")
    parser.add_argument("--at-once", type=int, default=2, help="syncs")
    asked = parser.parse_args()
    at_once = asked.at_once
    logging.disable(logging.CRITICAL)
    os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
    began, kills, failed = time.monotonic(), 0, 0
    syncs = (asked.sync,) if asked.sync else SYNCS
    firsts = range(1, at_once + 1)
    plays = [(which, first, at_once) for which in syncs for first in firsts]
    with ThreadPoolExecutor(at_once) as pool:
        for killed, lost in pool.map(played, *zip(*plays, strict=True)):
            kills += killed
            if lost:
                failed += 1
                sys.stdout.write(f"{lost}\n")
    seconds = time.monotonic() - began
    sys.stdout.write(f"{kills} kills, {failed} plays lost something; {seconds:.0f} s\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
