"""Searches many histories for one that breaks a promise: `python -m tests.history --help`."""

from __future__ import annotations

import argparse
import logging
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from random import Random

from tests.history.drawing import draw_history
from tests.history.examples import EXAMPLES
from tests.history.playing import play
from tests.history.steps import History
from tests.support.shrinking import shrink, written

ENDINGS = ("complete", "incremental", "unfinished", "reconciled")


@dataclass
class Tally:
    """What a search has seen.

    Attributes:
        histories: how many were played.
        counts: how often what happened in them.
        of: in how many of them.
    """

    histories: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    of: Counter[str] = field(default_factory=Counter)

    def take(self, counts: Counter[str]) -> None:
        """Counts a history."""
        self.histories += 1
        self.counts += counts
        self.of.update(what for what, count in counts.items() if count)

    def __str__(self) -> str:
        shares = [f"{self.of[each] / max(self.histories, 1):.0%} {each}" for each in ENDINGS]
        told = ", ".join(f"{count:,} {what}" for what, count in sorted(self.counts.items()))
        return f"{self.histories:,} histories ({', '.join(shares)} at least once); {told}"


def outcome(history: History) -> Counter[str] | str:
    """What happened in a history, or how it fails."""
    logging.disable(logging.CRITICAL)
    try:
        return play(history)
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def shortened(history: History, failure: str) -> History:
    """The shortest history found that fails in the same way."""

    def fails(simpler: History) -> bool:
        how = outcome(simpler)
        return isinstance(how, str) and _kind(how) == _kind(failure)

    return shrink(history, fails)


def _kind(failure: str) -> str:
    return "".join(each for each in failure if not each.isdigit())


def main() -> int:
    """Searches; 1 if a promise is broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.history", description=__doc__)
    parser.add_argument("--histories", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1, help="of the first history")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=4, help="loads in a history, at most")
    parser.add_argument("--quick", action="store_true", help="do not shorten what is found")
    asked = parser.parse_args()
    began = time.monotonic()
    histories = dict(EXAMPLES)
    for seed in range(asked.seed, asked.seed + asked.histories):
        histories[f"seed {seed}"] = draw_history(Random(seed), asked.rounds)
    tally, failed = Tally(), False
    with ProcessPoolExecutor(asked.processes) as pool:
        outcomes = pool.map(outcome, histories.values())
        for (name, history), how in zip(histories.items(), outcomes, strict=True):
            if isinstance(how, str):
                failed = True
                pool.shutdown(wait=False, cancel_futures=True)
                short = history if asked.quick else shortened(history, how)
                print(f"{name}: {how}\n{written(short)}", flush=True)  # noqa: T201
                break
            tally.take(how)
    print(f"{tally}; {time.monotonic() - began:,.0f} s", file=sys.stderr)  # noqa: T201
    return int(failed)


if __name__ == "__main__":
    raise SystemExit(main())
