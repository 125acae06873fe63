"""The same sync, killed before each change of a file that it makes, and the tables compared."""

from __future__ import annotations

import shutil
from collections import Counter
from itertools import count
from pathlib import Path
from random import Random

from tests.support.durability import Town
from tests.support.loading import Job

from .history import LostError, Tally, compare, sync, sync_until_complete
from .worker import Death

SYNCS = ("first", "news")


def play(which: str, first: int, step: int, place: Path) -> Tally:
    """Kills the same sync again and again, and lets another one go on each time.

    Args:
        which: sync is killed, one of `SYNCS`.
        first: event that it dies before, of the changes of files.
        step: how many events later it dies the next time.
        place: an empty directory.

    Returns:
        What happened.

    Raises:
        LostError: something is not in the tables.
    """
    town = Town(Random(5), contacts=2)
    tally = Tally()
    before, after = place / "before", place / "after"
    after.mkdir()
    options = {"reconcile_share": 0}
    with Job(town.workspace, after) as job:
        if which == "news":
            sync(job, options)
            town.live(6)
        after.rename(before)
        for at in count(first, step):
            shutil.copytree(before, after)
            if sync(job, options, Death("file", at)):
                break
            when = f"killed before change {at} of a file"
            try:
                syncs = sync_until_complete(job, options)
            except LostError as lost:
                raise LostError(f"{when}: {lost}") from None
            compare(job, when)
            tally += Tally(Counter({("file", "same"): 1}), syncs, compared=1)
            shutil.rmtree(after)
    return tally
