"""Searches many histories for one that breaks a promise: `python -m tests.history --help`."""

from __future__ import annotations

import argparse
import logging
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.vendor.pretty import pretty

from history.drawing import histories
from history.examples import EXAMPLES
from history.playing import play
from history.steps import History

CHUNK = 10
ENDINGS = ("complete", "incremental", "unfinished", "reconciled")


@dataclass
class Found:
    """What a search has seen.

    Attributes:
        histories: how many were played.
        counts: how often what happened in them.
        of: in how many of them.
        failure: the shortest history that failed, and how; None when none did.
    """

    histories: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    of: Counter[str] = field(default_factory=Counter)
    failure: str | None = None

    def take(self, counts: Counter[str]) -> None:
        """Counts a history that kept its promise."""
        self.histories += 1
        self.counts += counts
        self.of.update(what for what, count in counts.items() if count)

    def __iadd__(self, other: Found) -> Found:
        self.histories += other.histories
        self.counts += other.counts
        self.of += other.of
        return self

    def __str__(self) -> str:
        shares = [f"{self.of[ending] / max(self.histories, 1):.0%} {ending}" for ending in ENDINGS]
        told = ", ".join(f"{count:,} {what}" for what, count in sorted(self.counts.items()))
        return f"{self.histories:,} histories ({', '.join(shares)} at least once); {told}"


def search(number: int, examples: int, rounds: int, *, quick: bool = False) -> Found:
    """Plays histories until one fails, and shortens that one.

    Args:
        number: seeds the drawing.
        examples: histories to play.
        rounds: loads in a history, at most.
        quick: do not shorten.
    """
    logging.disable(logging.CRITICAL)
    found = Found()

    @seed(number)
    @settings(
        max_examples=examples,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate] if quick else [Phase.generate, Phase.shrink],
        report_multiple_bugs=False,
    )
    @given(histories(rounds))
    def each(history: History) -> None:
        try:
            counts = play(history)
        except Exception as error:
            found.failure = f"{_told(error)}\n{pretty(history)}"
            raise
        if found.failure is None:
            found.take(counts)

    try:
        each()
    except Exception:
        if found.failure is None:
            raise
    return found


def known() -> Found:
    """Plays the histories written by hand until one fails."""
    logging.disable(logging.CRITICAL)
    found = Found()
    for name, history in EXAMPLES.items():
        try:
            found.take(play(history))
        except Exception as error:
            found.failure = f"{name}: {_told(error)}"
            break
    return found


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def main() -> int:
    """Searches; 1 if a promise is broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.history", description=__doc__)
    parser.add_argument("--histories", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1, help=f"of the first {CHUNK} histories")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=4, help="loads in a history, at most")
    parser.add_argument("--quick", action="store_true", help="do not shorten what is found")
    asked = parser.parse_args()
    began = time.monotonic()
    seeds = range(asked.seed, asked.seed + -(-asked.histories // CHUNK))
    total = Found()
    with ProcessPoolExecutor(asked.processes) as pool:
        jobs = {"by hand": pool.submit(known)} | {
            f"--seed {number} --histories {CHUNK}": pool.submit(
                search, number, min(CHUNK, asked.histories), asked.rounds, quick=asked.quick
            )
            for number in seeds
        }
        for name, job in jobs.items():
            found = job.result()
            total += found
            if found.failure is not None:
                print(f"{name}: {found.failure}", flush=True)  # noqa: T201
                pool.shutdown(cancel_futures=True)
                break
    print(f"{total}; {time.monotonic() - began:,.0f} s", file=sys.stderr)  # noqa: T201
    return int(found.failure is not None)


if __name__ == "__main__":
    raise SystemExit(main())
