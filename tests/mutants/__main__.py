"""Tries mutants: `python -m tests.mutants --help`.

A sample is another one for every commit, and ends when its time is up; the searches that it relies
on are those of `make proof`, which play the package as it is before.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import re
import subprocess
import sys
import time
from collections import Counter, defaultdict
from random import Random

from tests.mutants import decisions, handling
from tests.mutants.mutant import Mutant, StaleMutantError
from tests.mutants.trying import PACKAGE, ROOT, Search, SearchError, found

SEARCHES = (
    Search("twin", decisions.MUTANTS, histories=8_000),
    Search("history", handling.MUTANTS, histories=150),
)

Trial = tuple[Search, Mutant]

ENDS = ("killed", "SURVIVED", "undecided", "untried")


def commit() -> str:
    """Names the state of the project: the commit, or else the text of the package."""
    try:
        asked = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        sources = sorted(PACKAGE.rglob("*.py"))
        return hashlib.sha256(b"".join(each.read_bytes() for each in sources)).hexdigest()
    return asked.stdout.strip()


class Trials:
    """Tries mutants, several at once.

    Args:
        trials: in this order.
        seed: of the first random history.
        seconds: after which no more are tried, and those under way are given up.

    Attributes:
        counts: how many came to which end.
        lines: by search, those by which it refused mutants.

    Raises:
        StaleMutantError: one of them does not fit the source.
    """

    def __init__(self, trials: list[Trial], seed: int, seconds: float | None) -> None:
        for _, mutant in trials:
            mutant.changed(PACKAGE)
        self.counts: Counter[str] = Counter()
        self.lines: defaultdict[Search, list[str]] = defaultdict(list)
        self._left = iter(trials)
        self._seed = seed
        self._deadline = None if seconds is None else time.monotonic() + seconds

    async def run(self, processes: int) -> None:
        """Tries them all, or as many as there is time for."""
        await asyncio.gather(*(self._work() for _ in range(processes)))

    async def _work(self) -> None:
        for search, mutant in self._left:
            seconds = None if self._deadline is None else self._deadline - time.monotonic()
            if seconds is not None and seconds <= 0:
                return
            began = time.monotonic()
            line = await found(
                search, mutant, histories=search.histories, seed=self._seed, seconds=seconds
            )
            end = "undecided" if line is None else "killed" if line else "SURVIVED"
            self.counts[end] += 1
            if line:
                self.lines[search].append(line)
            took = time.monotonic() - began
            told = f"{mutant.what}: {line}" if line else mutant.what
            print(f"{end:9} {took:4.0f} s  {told}", flush=True)  # noqa: T201

    async def control(self) -> str:
        """Plays the package as it is as far as histories have killed a mutant.

        Returns:
            The line by which a search refuses it; empty if none does.
        """
        for search, lines in self.lines.items():
            seeds = [re.match(r"seed (\d+): ", line) for line in lines]
            histories = max(int(seed[1]) - self._seed + 1 if seed else 0 for seed in seeds)
            line = await found(search, None, histories=histories, seed=self._seed, seconds=None)
            if line:
                return line
        return ""


def main() -> int:
    """Tries mutants; 1 if one survives, or none is killed."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    names = [each.name for each in SEARCHES]
    parser.add_argument("--search", choices=[*names, "all"], default="all")
    parser.add_argument("--only", default="", help="those with this in their description")
    parser.add_argument("--seconds", type=float, help="end after so many")
    parser.add_argument("--seed", type=int, default=1, help="of the first random history")
    parser.add_argument("--processes", type=int, default=1, help="mutants tried at once")
    parser.add_argument("--sample", action="store_true", help="in an order that the commit draws")
    asked = parser.parse_args()
    trials = [
        (search, mutant)
        for search in SEARCHES
        for mutant in search.mutants
        if asked.search in (search.name, "all") and asked.only in mutant.what
    ]
    if asked.sample:
        Random(commit()).shuffle(trials)
    try:
        tried = Trials(trials, asked.seed, asked.seconds)
        asyncio.run(tried.run(asked.processes))
        refused = "" if asked.sample else asyncio.run(tried.control())
    except (StaleMutantError, SearchError) as error:
        raise SystemExit(str(error)) from None
    if refused:
        raise SystemExit(f"The package itself breaks a promise, so nothing is shown: {refused}")
    counts = tried.counts
    counts["untried"] = len(trials) - counts.total()
    told = ", ".join(f"{counts[each]} {each}" for each in ENDS if counts[each])
    print(f"{len(trials)} mutants: {told}")  # noqa: T201
    return int(counts["SURVIVED"] > 0 or not counts["killed"])


if __name__ == "__main__":
    sys.exit(main())
