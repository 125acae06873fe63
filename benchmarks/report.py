"""Writes what was measured as tables, and puts them into the README beside this file."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from statistics import median

from benchmarks.cases import Case
from benchmarks.contenders import CONTENDERS
from benchmarks.environments import versions
from benchmarks.measuring import Run

README = Path(__file__).with_name("README.md")
Results = Mapping[str, "Sequence[Run] | str"]
"""By contender: its runs, or why there are none."""


COLUMNS = (
    *("", "s", "min to max", "ratio", "CPU s", "peak MB", "requests", "messages/s", "state bytes"),
    "rows missing",
)


def table(case: Case, results: Results) -> str:
    """What each contender of a case took, as Markdown."""
    reference = results.get(case.contenders[0])
    base = _seconds(reference) if reference and not isinstance(reference, str) else None
    rows = [COLUMNS, ("---", *["--:"] * (len(COLUMNS) - 2), "---")]
    for name, runs in results.items():
        title = CONTENDERS[name].title
        if isinstance(runs, str):
            rows.append((title, *[""] * (len(COLUMNS) - 2), runs))
        else:
            rows.append((title, *_cells(runs, base, first=case.load == "first")))
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def limit_note(limit: int, results: Results) -> str:
    """How much of what a server allows in 10 seconds each contender used in its last run."""
    lines = []
    for name, runs in results.items():
        if isinstance(runs, str):
            continue
        asked = runs[-1].asked
        refused, seconds = asked.get("refused", 0), asked["seconds"]
        answered = asked["requests"] - refused
        allowed = limit * (seconds // 10 + 1)
        lines.append(
            f"- {CONTENDERS[name].title}: {answered:,} requests answered and {refused:,} refused "
            f"within {seconds:.1f} s, in which the server allows {allowed:,.0f}: "
            f"{answered / allowed:.0%} of them used."
        )
    return "\n".join(lines)


def growth_note(by_size: Mapping[int, Results]) -> str:
    """What each contender's further messages took, the start of the process left out."""
    lines = []
    for name in next(iter(by_size.values())):
        steps = []
        for (fewer, before), (more, after) in pairwise(sorted(by_size.items())):
            small, large = before[name], after[name]
            if not (isinstance(small, str) or isinstance(large, str)):
                rate = (more - fewer) / (_seconds(large) - _seconds(small))
                steps.append(f"from {fewer:,} to {more:,} messages {rate:,.0f} a second")
        lines.append(f"- {CONTENDERS[name].title}: {', '.join(steps)}.")
    return "\n".join(lines)


def publish(name: str, text: str) -> None:
    """Puts the results of a case into the README, in place of earlier ones."""
    readme = README.read_text()
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    README.write_text(pattern.sub(lambda _: f"{begin}\n{text}\n{end}", readme))


def machine() -> str:
    """Where it was measured, and with which versions."""
    cpu = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    ours = ", ".join(f"{name} {version(name)}" for name in ("dlt", "duckdb", "pyarrow", "orjson"))
    theirs = "; ".join(
        f"{title}: {', '.join(versions(each)).replace('==', ' ')}"
        for title, each in (("Singer", "singer"), ("Airbyte", "airbyte"))
    )
    return (
        f"{os.cpu_count()} cores ({cpu}), {memory:.0f} GB, {platform.system()}, "
        f"Python {platform.python_version()}; {ours}; {theirs}."
    )


def _cells(runs: Sequence[Run], base: float | None, *, first: bool) -> tuple[str, ...]:
    seconds, last = [run.seconds for run in runs], runs[-1]
    missing = ", ".join(f"{count:,} {name}" for name, count in last.missing.items() if count)
    return (
        f"{median(seconds):.1f}",
        f"{min(seconds):.1f} to {max(seconds):.1f}",
        f"{median(seconds) / base:.2f}" if base else "",
        f"{median(run.cpu for run in runs):.1f}",
        f"{median(run.megabytes for run in runs):,.0f}",
        f"{median(run.asked['requests'] for run in runs):,.0f}",
        f"{last.rows['messages'] / median(seconds):,.0f}" if first and last.rows else "",
        "" if last.state is None else f"{last.state:,}",
        (missing or "none") if last.rows else "",
    )


def _seconds(runs: Sequence[Run]) -> float:
    return median(run.seconds for run in runs)
