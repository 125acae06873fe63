"""Writes what was measured as tables, and puts them into the README beside this file."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from statistics import median

from benchmarks.cases import Case
from benchmarks.contenders import CONTENDERS
from benchmarks.environments import versions
from benchmarks.measuring import Run

README = Path(__file__).with_name("README.md")
Results = Mapping[str, "Sequence[Run] | str"]
"""By contender: its runs, or why there are none."""


def table(case: Case, messages: int, results: Results, ceiling: tuple[float, float]) -> str:
    """The table of a case.

    Args:
        case: what was measured.
        messages: messages of the workspace.
        results: what came of it.
        ceiling: what the server can do: requests and megabytes a second.

    Returns:
        Markdown.
    """
    reference = results.get(case.contenders[0], "")
    base = _seconds(reference) if reference and not isinstance(reference, str) else None
    lines = [
        f"{case.contacts:,} contacts, {messages:,} messages. The server alone, read by one client "
        f"that does nothing else: {ceiling[0]:,.0f} requests/s, {ceiling[1]:,.0f} MB/s.",
        "",
        "| | s | min to max | ratio | CPU s | peak MB | requests | messages/s | state B | missing |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|---|",
    ]
    for name, runs in results.items():
        title = CONTENDERS[name].title
        if isinstance(runs, str):
            lines.append(f"| {title} | | | | | | | | {runs} |")
        else:
            lines.append(f"| {title} | {_cells(runs, base, first=case.load == 'first')} |")
    return "\n".join(lines)


def limit_note(case: Case, results: Results) -> str:
    """How much of a server's limit was used, by contender."""
    assert case.limit
    lines = []
    for name, runs in results.items():
        if isinstance(runs, str):
            continue
        run = runs[len(runs) // 2]
        answered = run.asked["requests"] - run.asked.get("refused", 0)
        best = (answered - 1) // case.limit * 10.0
        lines.append(
            f"- {CONTENDERS[name].title}: {answered:,} requests answered, "
            f"{run.asked.get('refused', 0):,} refused, {run.asked['seconds']:.1f} s from the first "
            f"to the last. The limit allows that in {best:.0f} s: "
            f"{best / run.asked['seconds']:.0%} of it used."
        )
    return "\n".join(lines)


def publish(name: str, title: str, command: str, tables: Sequence[str]) -> None:
    """Puts the results of a case into the README, in place of earlier ones."""
    block = "\n\n".join([f"### {title}", f"`{command}`, {machine()}", *tables])
    text = README.read_text()
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    README.write_text(pattern.sub(lambda _: f"{begin}\n{block}\n{end}", text))


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
    ours = (f"{name} {version(name)}" for name in ("dlt", "duckdb", "pyarrow", "orjson"))
    theirs = (pin.replace("==", " ") for each in ("singer", "airbyte") for pin in versions(each))
    return (
        f"{os.cpu_count()} cores ({cpu}), {memory:.0f} GB, Linux {platform.release()}, "
        f"Python {platform.python_version()}; {', '.join(ours)}; peers: {', '.join(theirs)}."
    )


def _cells(runs: Sequence[Run], base: float | None, *, first: bool) -> str:
    seconds, last = [run.seconds for run in runs], runs[-1]
    missing = ", ".join(f"{count:,} {name}" for name, count in last.missing.items() if count)
    cells = (
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
    return " | ".join(cells)


def _seconds(runs: Sequence[Run]) -> float:
    return median(run.seconds for run in runs)
