"""Plays a history: workspace, sandbox, dlt and DuckDB; then lets the sync come to rest."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import dlt
from dlt.pipeline.exceptions import PipelineStepFailed

from chatbotx_source import ChatbotXError, SyncSummary, chatbotx, clock, sync
from chatbotx_source.api.client import Client
from chatbotx_source.extraction import batches, outages
from chatbotx_source.sandbox import api as sandbox_api
from tests.history.destination import Tables, read
from tests.history.promise import BrokenPromise, Ended, Oracle
from tests.history.steps import (
    Clocks,
    Event,
    FreshWorker,
    Heal,
    History,
    Kill,
    Options,
    Run,
    Step,
    Sync,
    Wait,
)
from tests.history.world import World

NAME = "history"
PATIENCE = 12
"""Syncs without a fault or a budget after which any state has to be complete."""

MANY_LOADS = 50
"""More than any history needs in one sync."""

ENVIRONMENT = {"RUNTIME__DLTHUB_TELEMETRY": "false", "RUNTIME__LOG_LEVEL": "CRITICAL"}


class Killed(Exception):  # noqa: N818 - not an error of the sync
    """The process dies here."""


class Play:
    """One history being played.

    Args:
        history: what happens.
        world: where.
        place: a directory for the pipeline and the DuckDB file.

    Attributes:
        counts: how often what happened.
    """

    def __init__(self, history: History, world: World, place: Path) -> None:
        self.counts: Counter[str] = Counter()
        self._history = history
        self._world = world
        self._place = place
        self._file = place / "history.duckdb"
        self._oracle = Oracle(timedelta(seconds=history.lookback))
        self._known_loads: set[str] = set()

    def run(self) -> Counter[str]:
        """Plays the steps, then lets the sync come to rest.

        Returns:
            How often what happened.

        Raises:
            BrokenPromise: a promise of the sync does not hold.
        """
        for step in self._history.steps:
            self._take(step)
        counts = self.counts.copy()
        counts["requests"] = len(self._world.answered)
        counts.update(f"fault {each.fault}" for each in self._world.answered if each.fault)
        self._rest()
        return counts

    def _take(self, step: Step) -> None:
        if isinstance(step, Event):
            step(self._world)
        elif isinstance(step, FreshWorker):
            shutil.rmtree(self._place / "pipelines", ignore_errors=True)
        elif isinstance(step, Sync):
            self._happening(step.during)
            self._sync(step)
        else:
            self._happening(step.during)
            self._run(step)

    def _happening(self, during: tuple[tuple[int, Event], ...]) -> None:
        world = self._world
        world.due = {}
        for request, event in during:
            world.due.setdefault(len(world.answered) + request, []).append(event)

    def _rest(self) -> None:
        """Syncs without a fault until everything is read, removals included."""
        for event in (Heal(), Clocks(), Wait(3_600)):
            event(self._world)
        self._world.due = {}
        clean = self._at_rest()
        for _ in range(PATIENCE):
            summary = self._sync(Sync((("reconcile", True),)))
            if summary is None:
                raise BrokenPromise("a sync fails although nothing is wrong")
            if clean and summary.complete:
                break
            clean = summary.complete
        else:
            raise BrokenPromise(f"{PATIENCE} syncs lead nowhere")
        if not summary.reconciled and not summary.believed_empty:
            raise BrokenPromise("a reconcile at rest is complete, but not reconciled")
        self._oracle.judge_rest(read(self._file, "data"))

    def _at_rest(self) -> bool:
        """Whether no pass is under way and nothing is left of an earlier one."""
        state = self._pipeline().state.get("sources", {}).get("chatbotx", {})
        kept = state.get("resources", {}).get("messages", {})
        progress = kept.get("progress", {}).get("workspace", {})
        return bool(progress) and not progress.get("current") and not progress.get("unfinished")

    # Loading

    def _pipeline(self) -> dlt.Pipeline:
        return dlt.pipeline(
            NAME,
            pipelines_dir=str(self._place / "pipelines"),
            destination=dlt.destinations.duckdb(str(self._file)),
            dataset_name="data",
        )

    def _options(self, given: Options) -> dict[str, Any]:
        return {
            "api_token": self._world.sandbox.token,
            "base_url": self._world.sandbox.base_url,
            "max_requests_per_second": 0,
            "workers": 1,
            "lookback_days": self._history.lookback / 86_400,
            "reconcile_share": self._history.reconcile_share,
            **dict(given),
        }

    def _sync(self, step: Sync) -> SyncSummary | None:
        pipeline = self._pipeline()
        killing = _Killing(pipeline, step)
        before = len(self._world.answered)
        summary: SyncSummary | None = self._guarded(
            lambda: sync(pipeline, run=killing.run, **self._options(step.options))
        )
        self.counts["syncs"] += 1
        tables = self._look(marked=summary is not None)
        if summary is None:
            return None
        self._compare(summary, tables, len(self._world.answered) - before)
        for ending in ("complete", "reconciled"):
            self.counts[ending] += getattr(summary, ending)
        self.counts["incremental"] += summary.complete and not summary.reconciled
        self.counts["unfinished"] += not summary.complete
        return summary

    def _run(self, step: Run) -> None:
        source = chatbotx(**self._options(step.options))
        if step.tables:
            source = source.with_resources(*step.tables)
            self._oracle.split = True
        refresh: dict[str, Any] = {"refresh": step.refresh} if step.refresh else {}
        self._guarded(lambda: self._pipeline().run(source, **refresh))
        self.counts["plain runs"] += 1
        self._look(marked=False)

    def _guarded(self, load: Callable[[], Any]) -> Any:
        """What a load returns; None if it failed of what a load may fail of."""
        try:
            return load()
        except (Killed, ChatbotXError, PipelineStepFailed) as error:
            cause = _cause(error)
            if cause is None:
                raise
            self.counts["kills" if isinstance(cause, Killed) else "failed"] += 1
            return None

    # Looking

    def _look(self, *, marked: bool) -> Tables:
        """Reads the tables and judges them."""
        world = self._world
        tables = read(self._file, "data")
        self._oracle.follow(world.workspace.events, world.answered)
        self._oracle.judge_always(tables)
        loads = tables.loads
        new = [row for load_id, row in loads if load_id not in self._known_loads]
        self._known_loads.update(load_id for load_id, _ in loads)
        for row in new:
            ended = self._ended(row)
            if ended is not None:
                self._oracle.note_pass(ended)
                if row is loads[-1][1]:
                    self._oracle.judge_pass(ended, tables, marked=marked)
        return tables

    def _ended(self, row: Mapping[str, Any]) -> Ended | None:
        """The pass that ended with a load, if one did."""
        if row["mode"] not in ("full", "incremental", "reconcile") or not row["synced_through"]:
            return None
        started = datetime.fromisoformat(row["synced_through"].replace("Z", "+00:00"))
        if started == self._oracle.through and not row["complete"]:
            return None
        return Ended(started, row["mode"], row["complete"])

    def _compare(self, summary: SyncSummary, tables: Tables, requests: int) -> None:
        """Whether a summary says what the tables say.

        Raises:
            BrokenPromise: it does not.
        """
        rows = tables.loads
        last = rows[-1][1]
        said = {row["contact_id"] for row in summary.unfinished}
        unfinished = tables.rows["_chatbotx_unfinished"]
        known = {row["contact_id"] for row in unfinished if not row["believed_empty"]}
        if said != known:
            raise BrokenPromise(f"the summary names {said}, the table {known}")
        for name in ("complete", "reconciled", "mode", "pages_left", "believed_empty"):
            if getattr(summary, name) != last[name]:
                raise BrokenPromise(
                    f"{name} is {getattr(summary, name)}, in the table {last[name]}"
                )
        if summary.requests != requests:
            raise BrokenPromise(f"{requests} requests were sent, {summary.requests} are counted")
        told = sum(row["requests"] for _, row in rows[len(rows) - summary.loads :])
        if told != requests:
            raise BrokenPromise(f"{requests} requests were sent, the table tells of {told}")


class _Killing:
    """Runs loads as `pipeline.run` does, and lets the process die in one of them."""

    def __init__(self, pipeline: dlt.Pipeline, step: Sync) -> None:
        self._pipeline = pipeline
        self._step = step
        self._loads = 0

    def run(self, source: Any, **options: Any) -> Any:
        self._loads += 1
        if self._loads > MANY_LOADS:
            raise BrokenPromise("a sync does not end")
        kill: Kill | None = self._step.kill if self._loads == self._step.at else None
        pipeline = self._pipeline
        if kill == "extract":
            source.resources[self._step.table].add_map(_Bomb(self._step.batch))
        elif kill == "extracted":
            pipeline.normalize = _die  # type: ignore[method-assign]
        elif kill == "normalized":
            pipeline.load = _die  # type: ignore[method-assign]
        done = pipeline.run(source, **options)
        if kill == "loaded":
            raise Killed
        return done


class _Bomb:
    def __init__(self, batch: int) -> None:
        self._left = batch

    def __call__(self, table: Any) -> Any:
        self._left -= 1
        if self._left == 0:
            raise Killed
        return table


def _die(*_args: Any, **_options: Any) -> Any:
    raise Killed


def _cause(error: BaseException) -> BaseException | None:
    """What let a load fail, if it may: a kill, or an error of the source's own."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, (Killed, ChatbotXError)):
            return seen
        seen = seen.__cause__ or seen.__context__
    return None


def play(history: History) -> Counter[str]:
    """Plays a history in a directory of its own.

    Returns:
        How often what happened.

    Raises:
        BrokenPromise: a promise of the sync does not hold.
    """
    with ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        world = World(history.listing_page)
        stack.enter_context(_surroundings(history, world, place))
        stack.enter_context(world)
        return Play(history, world, place).run()


@contextmanager
def _surroundings(history: History, world: World, place: Path) -> Iterator[None]:
    """A small world, in which waiting takes no time and there is only one clock."""
    waits = _Waits()
    waiting = {"sleep": waits.sleep, "monotonic": waits.monotonic}
    back = Path.cwd()
    with ExitStack() as stack:
        stack.enter_context(patch.dict(os.environ, {**ENVIRONMENT, "DLT_DATA_DIR": str(place)}))
        stack.enter_context(patch.dict(Client.__init__.__kwdefaults__ or {}, waiting))
        stack.enter_context(patch.object(clock, "now", lambda: world.own_clock))
        stack.enter_context(patch.object(batches, "ENOUGH_ROWS", history.batch_rows))
        stack.enter_context(patch.object(outages, "OUTAGE", history.outage))
        stack.enter_context(
            patch.object(sandbox_api, "CONTACTS_PER_PAGE_CAP", history.listing_page)
        )
        os.chdir(place)
        try:
            yield
        finally:
            os.chdir(back)


class _Waits:
    """A clock that waiting moves on."""

    def __init__(self) -> None:
        self._waited = 0.0

    def sleep(self, seconds: float) -> None:
        self._waited += seconds

    def monotonic(self) -> float:
        return time.monotonic() + self._waited
