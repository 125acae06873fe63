"""Searches many histories for one that breaks a promise: `python -m tests.twin --help`."""

from __future__ import annotations

import argparse
import logging
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from random import Random

from tests.support.shrinking import shrink, written

from .drawing import draw_history
from .events import History
from .hard import HARD
from .history import Tally, play

CHUNK = 250


def failure(history: History) -> str | None:
    """What a history breaks, or None."""
    try:
        play(history)
    except (AssertionError, KeyError, ValueError, IndexError, RecursionError) as error:
        return f"{type(error).__name__}: {error}"
    return None


def search(seeds: range) -> tuple[Tally, int | None]:
    """Plays the histories of some seeds; the first seed that breaks a promise."""
    logging.disable(logging.CRITICAL)
    tally = Tally()
    for seed in seeds:
        history = draw_history(Random(seed))
        try:
            tally += play(history)
        except Exception:
            return tally, seed
    return tally, None


def report(seed: int) -> str:
    """The shortened history of a seed, and what it breaks."""
    history = draw_history(Random(seed))
    kind = _kind(failure(history))
    short = shrink(history, lambda each: _kind(failure(each)) == kind)
    return f"seed {seed}: {failure(short)}\n{written(short)}"


def what(seed: int) -> str:
    """What the history of a seed breaks, in one line."""
    return f"seed {seed}: {failure(draw_history(Random(seed)))}"


def _kind(broken: str | None) -> str | None:
    return broken and "".join(each for each in broken if not each.isdigit())


def main() -> int:
    """Searches; 1 if a promise is broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--histories", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1, help="of the first history")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--failures", type=int, default=1, help="after which the search ends")
    parser.add_argument("--quick", action="store_true", help="do not shorten what is found")
    asked = parser.parse_args()
    logging.disable(logging.CRITICAL)
    began = time.monotonic()
    first, end = asked.seed, asked.seed + asked.histories
    chunks = [range(start, min(start + CHUNK, end)) for start in range(first, end, CHUNK)]
    tally, failures = Tally(), []
    for name, history in HARD.items():
        if broken := failure(history):
            sys.stdout.write(f"{name}: {broken}\n")
            return 1
    with ProcessPoolExecutor(asked.processes) as pool:
        for counted, seed in pool.map(search, chunks):
            tally += counted
            if seed is not None:
                failures.append(seed)
                sys.stdout.write(f"{what(seed) if asked.quick else report(seed)}\n")
                if len(failures) >= asked.failures:
                    pool.shutdown(cancel_futures=True)
                    break
    seconds = time.monotonic() - began
    sys.stderr.write(f"{tally.histories / seconds:,.0f} histories a second; {tally}\n")
    return 1 if failures else 0


if __name__ == "__main__":
    raise SystemExit(main())
