"""The life of one workspace, with syncs of it that are killed, and the tables compared after it."""

from __future__ import annotations

import shutil
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from tests.support.durability import Town, living_differences
from tests.support.loading import Job

from .worker import Death, Kind, Report, sync_apart

EVENTS: dict[Kind, int] = {"request": 10, "file": 220, "statement": 40}
"""About how many events of a kind a sync of such a workspace has: deaths are drawn among them."""

KILLS_IN_A_ROW = 3
"""Syncs killed one after the other before one may end."""

SYNCS_TO_COMPLETE = 10
"""After the last kill; a sync that needs more would never be complete."""


class LostError(AssertionError):
    """A kill has cost rows, or the syncs after it do not end."""


@dataclass
class Tally:
    """What happened, for the record.

    Attributes:
        kills: by kind, and by the worker that went on: with the pipeline's directory, or without.
        syncs: syncs that were not killed.
        compared: times that the tables were compared with the truth, and equal.
    """

    kills: Counter[tuple[Kind, str]] = field(default_factory=Counter)
    syncs: int = 0
    compared: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.kills + other.kills, self.syncs + other.syncs, self.compared + other.compared
        )

    def __str__(self) -> str:
        kinds = ", ".join(
            f"{times} by {kind} ({worker} worker)"
            for (kind, worker), times in sorted(self.kills.items())
        )
        return (
            f"{self.kills.total()} kills: {kinds}; {self.syncs} syncs ended by themselves; "
            f"the tables equalled the truth all {self.compared} times"
        )


def play(seed: int, place: Path) -> Tally:
    """Lets a workspace live through a first sync, an incremental one and a reconcile, all killed.

    Args:
        seed: everything is drawn from it.
        place: an empty directory.

    Returns:
        What happened.

    Raises:
        LostError: something is not in the tables.
    """
    rng = Random(seed)
    town = Town(rng)
    tally = Tally()
    with Job(town.workspace, place) as job:
        for turn in ("first", "incremental", "reconcile"):
            if turn != "first":
                town.live(8, losses=turn == "reconcile")
            options = {
                "reconcile": turn == "reconcile",
                "page_size": rng.choice((2, 5, 500)),
                "load_messages": rng.choice((12, 100_000)),
                "reconcile_share": rng.choice((0, 0.2)),
            }
            news = False
            for kind in rng.choices(list(EVENTS), k=rng.randint(1, KILLS_IN_A_ROW)):
                if sync(job, options, Death(kind, rng.randint(1, EVENTS[kind]))):
                    break
                fresh = rng.random() < 0.5
                tally.kills[kind, "fresh" if fresh else "same"] += 1
                if fresh:
                    shutil.rmtree(place / "pipelines", ignore_errors=True)
                if rng.random() < 0.3:
                    town.live(2)
                    news = True
            tally.syncs += sync_until_complete(job, options)
            if news:  # which the pass that is complete now may have begun before
                tally.syncs += sync_until_complete(job, options)
            compare(job, f"after the {turn} sync")
            tally.compared += 1
    return tally


def sync(job: Job, options: dict[str, Any], death: Death | None = None) -> Report | None:
    """Syncs in a process of its own; how it ended, None when it died."""
    report = sync_apart(job, death, **options)
    if report and report.error:
        raise LostError(f"a sync failed after kills:\n{report.error}")
    return report


def sync_until_complete(job: Job, options: dict[str, Any]) -> int:
    """Syncs until everything is read; how many syncs that took."""
    for syncs in range(1, SYNCS_TO_COMPLETE + 1):
        report = sync(job, options)
        if report and report.complete:
            return syncs
    raise LostError(f"{SYNCS_TO_COMPLETE} syncs were not complete")


def compare(job: Job, when: str) -> None:
    """Compares the tables with the truth."""
    differences = living_differences(job)
    for table, load_id in (("_chatbotx_syncs", "_dlt_load_id"), ("_dlt_loads", "load_id")):
        if job.query(f"SELECT count(*) - count(DISTINCT {load_id}) FROM {table}") != [(0,)]:
            differences.append(f"{table}: a load is there twice")
    if differences:
        raise LostError("\n".join((when, *differences)))
