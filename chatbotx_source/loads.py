"""Runs as many loads as it takes: `sync` makes checkpoints, and reports what is left."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import dlt
from dlt.destinations.exceptions import DatabaseUndefinedRelation
from dlt.pipeline.exceptions import PipelineStepFailed
from filelock import BaseFileLock, FileLock, Timeout

from chatbotx_source import settings
from chatbotx_source.api.connections import one_client
from chatbotx_source.destinations.adapting import compacted
from chatbotx_source.destinations.leftovers import finish_interrupted, finish_recorded
from chatbotx_source.destinations.removals import Listed, mark_removed
from chatbotx_source.destinations.table_files import open_table
from chatbotx_source.destinations.turns import stage_apart, turn
from chatbotx_source.dlt_internals.clients import keeps_files
from chatbotx_source.dlt_internals.configuration import restores
from chatbotx_source.dlt_internals.runtime import signals_left_alone
from chatbotx_source.errors import ConfigurationError, DestinationError, SyncRunningError
from chatbotx_source.extraction.budgets import Budget
from chatbotx_source.extraction.outcome import Outcome, unfinished_rows
from chatbotx_source.extraction.remembered import forget, recall_pipeline
from chatbotx_source.instants import to_datetime
from chatbotx_source.rules.progress import Progress
from chatbotx_source.shards import Shard
from chatbotx_source.source import SourceOptions, chatbotx
from chatbotx_source.stopping import signals_end_loads, stop_asked
from chatbotx_source.summary import SyncSummary
from chatbotx_source.tables.columns import TABLES
from chatbotx_source.workspaces import setting

if TYPE_CHECKING:
    from typing_extensions import Unpack


def sync(
    pipeline: dlt.Pipeline,
    *,
    workspace: str | None = None,
    reconcile: bool = False,
    full_refresh: bool = False,
    max_requests: int | None = None,
    max_messages: int | None = None,
    max_duration: float | None = None,
    load_messages: int = settings.LOAD_MESSAGES,
    load_duration: float = settings.LOAD_DURATION,
    run: Callable[..., Any] | None = None,
    **source_options: Unpack[SourceOptions],
) -> SyncSummary:
    """Brings everything up to date, in as many loads as it takes.

    Each load is a checkpoint, so a crash costs one load at most. SIGINT and SIGTERM end the running
    load, and what it has read is kept.

    Args:
        pipeline: where to load; each workspace, and each shard, needs its own. Several may load
            into one dataset.
        workspace: name of the workspace: `[sources.chatbotx.NAME]` configures it alone,
            `[sources.chatbotx]` all of them. None if there is only one, without a name.
        reconcile: re-reads every contact's full history.
        full_refresh: drops the tables and loads everything again.
        max_requests: ends the sync after so many requests.
        max_messages: ends the sync after so many messages.
        max_duration: ends the sync after so many seconds.
        load_messages: makes a checkpoint after so many messages.
        load_duration: makes a checkpoint after so many seconds.
        run: runs a load in the place of `pipeline.run`. Other pipelines that load into the dataset
            then wait for all of the load; by default only while it writes.
        **source_options: the other arguments of `chatbotx_source.chatbotx`.

    Returns:
        What was done, and what is left.

    Raises:
        ChatbotXError: a setting is wrong, or another process is syncing this pipeline.
        PipelineStepFailed: a load failed; `chatbotx_source.cause_of` finds the reason.
    """
    settings.refuse_unknown(source_options, chatbotx, sync)
    options: dict[str, Any] = {**source_options}
    make_source = chatbotx
    if workspace is not None:
        make_source = make_source.clone(name=workspace)
    budget = Budget(
        max_requests=setting("max_requests", max_requests, int, workspace),
        max_messages=setting("max_messages", max_messages, int, workspace),
        max_duration=setting("max_duration", max_duration, float, workspace),
    )
    if reconcile:
        options["reconcile"] = True
    shard = setting("shard", options.get("shard"), str, workspace)
    if shard and full_refresh:
        raise ConfigurationError(
            f"A full refresh of shard {shard} would drop the rows of all the others: drop the "
            f"dataset {pipeline.dataset_name!r} yourself, and every shard begins anew."
        )
    refresh = {"refresh": "drop_sources"} if full_refresh else {}
    summary, messages = SyncSummary(), 0
    with _alone(pipeline), _finishing_loads(pipeline), _explaining(), one_client():
        finish_interrupted(pipeline)
        if workspace or shard:
            stage_apart(pipeline)
        my_turn = turn(pipeline)
        run_load = _in_turn(my_turn, run) if run else _loading(pipeline, my_turn)
        with my_turn:
            finish_recorded(pipeline)
            if full_refresh:
                _refuse_to_drop_others(pipeline, make_source.name)
            if pipeline.has_pending_data:
                _load_pending(pipeline)
            if full_refresh:
                _forget(pipeline, make_source.name)
            if restores(pipeline):
                pipeline.sync_destination()
        while True:
            left = budget.of_a_load(
                summary.requests,
                messages,
                load_messages=load_messages,
                load_duration=load_duration,
            )
            source = make_source(
                **{
                    **options,
                    "max_requests": left.max_requests,
                    "max_messages": left.max_messages,
                    "max_duration": left.max_duration,
                    "load_duration": left.load_duration,
                }
            )
            before = recall_pipeline(pipeline, source.name, TABLES)
            run_load(source, **(refresh if not summary.loads else {}))
            kept = recall_pipeline(pipeline, source.name, TABLES)
            if kept.last_load is None or kept.last_load == before.last_load:
                summary.ended_by = "a load that read nothing"
                break
            last = kept.last_load.outcome
            progress = kept.progress.get(kept.last_load.scope)
            with my_turn:
                mark_removed(pipeline, _listing(last, progress))
            _add(summary, last, progress)
            messages += last.messages
            spent = budget.exhausted(summary.requests, messages)
            if stop_asked():
                summary.ended_by = "an interrupt"
            elif not last.over and last.ended_by in ("outage", "rate limit"):
                summary.ended_by = last.ended_by
            elif not last.over and spent:
                summary.ended_by = spent
            elif not last.over and not (last.answers and before.progress != kept.progress):
                summary.ended_by = last.ended_by or "a load that got no further"
            if last.over or summary.ended_by:
                break
    return summary


def _add(summary: SyncSummary, last: Outcome, progress: Progress | None) -> None:
    """Adds what a load did, and takes over where it has got to."""
    summary.mode = last.mode
    summary.loads += 1
    summary.requests += last.requests
    summary.contacts += last.contacts
    for table, rows in last.rows.items():
        summary.rows[table] += rows
    summary.pages_left = last.pages_left
    summary.complete = last.complete
    summary.reconciled = last.reconciled
    summary.retry_after = last.retry_after
    left = list(unfinished_rows(progress)) if progress else []
    summary.unfinished = [row for row in left if not row["believed_empty"]]
    summary.believed_empty = len(left) - len(summary.unfinished)
    summary.shard = progress.shard if progress else None
    through = progress.synced_through if progress else None
    if last.over:
        through = last.pass_started
    summary.synced_through = to_datetime(through) if through else None


def _listing(last: Outcome, progress: Progress | None) -> Listed | None:
    """The complete listing that a load has come to the end of."""
    if progress is None or not progress.workspace_id or not last.listed_since:
        return None
    shard = Shard.parse(progress.shard) if progress.shard else None
    return Listed(last.listed_since, progress.workspace_id, shard)


def _loading(pipeline: dlt.Pipeline, my_turn: BaseFileLock) -> Callable[..., Any]:
    """What `pipeline.run` does, but others only wait for it while it writes, not while it reads."""

    def run(source: Any, refresh: Any = None) -> None:
        pipeline.extract(source, refresh=refresh)
        pipeline.normalize()
        with my_turn, compacted(pipeline):
            pipeline.load()

    return run


def _in_turn(my_turn: BaseFileLock, run: Callable[..., Any]) -> Callable[..., Any]:
    def run_in_turn(source: Any, **options: Any) -> None:
        with my_turn:
            run(source, **options)

    return run_in_turn


@contextmanager
def _alone(pipeline: dlt.Pipeline) -> Iterator[None]:
    """Keeps a second sync of this pipeline out: the state of one of them would vanish.

    Raises:
        SyncRunningError: there is one already.
    """
    # Beside the working directory, not in it: dlt removes that when it restores a pipeline.
    path = Path(pipeline.pipelines_dir) / f"{pipeline.pipeline_name}.sync.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(path, timeout=0):
            yield
    except Timeout:
        raise SyncRunningError(
            f"Another sync of the pipeline {pipeline.pipeline_name!r} is running: wait for it to "
            "end, or give this one a --pipeline-name of its own."
        ) from None


def _load_pending(pipeline: dlt.Pipeline) -> None:
    """Loads what an earlier run has read but not loaded.

    Raises:
        DestinationError: it failed again.
    """
    try:
        # Not `run`, which first restores the state from the destination: where there is no dataset
        # yet, that drops the package.
        pipeline.normalize()
        pipeline.load()
    except PipelineStepFailed as error:
        if _locked_file(error):
            raise
        raise DestinationError(
            f"The load package {error.load_id} was read by an earlier run and cannot be loaded: "
            f"{_last_cause(error)} It stays, and is tried first in every run. "
            f"`dlt pipeline {pipeline.pipeline_name} abort-packages` drops it; its rows are then "
            "read again."
        ) from error


def _refuse_to_drop_others(pipeline: dlt.Pipeline, source: str) -> None:
    """Refuses a full refresh of tables that other workspaces have rows in.

    Raises:
        ConfigurationError: there are such rows.
    """
    pipeline.sync_destination()
    known = recall_pipeline(pipeline, source, TABLES).progress.values()
    own = {progress.workspace_id for progress in known}
    others = sorted(map(str, _workspaces(pipeline) - own))
    if others:
        raise ConfigurationError(
            f"A full refresh would drop the rows of {', '.join(others)} in the dataset "
            f"{pipeline.dataset_name!r}, which this pipeline has not loaded: give this workspace a "
            "dataset of its own."
        )


def _workspaces(pipeline: dlt.Pipeline) -> set[Any]:
    """The workspaces that have contacts in the dataset."""
    client = pipeline.destination_client()
    if keeps_files(client):
        table = open_table(client, "contacts")
        return set(table.rows(["workspace_id"])["workspace_id"].to_pylist()) if table else set()
    try:
        with pipeline.sql_client() as sql_client:
            contacts = sql_client.make_qualified_table_name("contacts")
            found = sql_client.execute_sql(f"SELECT DISTINCT workspace_id FROM {contacts}")  # noqa: S608
    except DatabaseUndefinedRelation:
        return set()
    return {row[0] for row in found or ()}


def _forget(pipeline: dlt.Pipeline, source: str) -> None:
    """Forgets at the destination what was read, before the tables are dropped.

    dlt drops them at the beginning of a load and writes the new state at its end: a machine that
    begins in between would go on from the old state, and never read again what was dropped.
    """
    if source not in pipeline.state.get("sources", {}):
        return
    with pipeline.managed_state(extract_state=True) as state:
        forget(cast(dict[str, Any], state), source)
    pipeline.normalize()
    pipeline.load()


@contextmanager
def _explaining() -> Iterator[None]:
    """Says plainly that a DuckDB file is locked; dlt's own words look like wrong credentials.

    Raises:
        DestinationError: it is locked.
    """
    try:
        yield
    except Exception as error:
        path = _locked_file(error)
        if path is None:
            raise
        raise DestinationError(
            f"Another process has {path} open, and DuckDB lets only one write: close it (a "
            "notebook, a query tool), and run again. What was read is kept, and loaded first."
        ) from error


def _locked_file(error: BaseException) -> str | None:
    match = re.search('Could not set lock on file "([^"]+)"', str(error))
    return match.group(1) if match else None


def _last_cause(error: PipelineStepFailed) -> str:
    lines = str(error.exception).strip().splitlines() or [type(error.exception).__name__]
    return lines[-1].rstrip(".") + "."


@contextmanager
def _finishing_loads(pipeline: dlt.Pipeline) -> Iterator[None]:
    """Lets a signal end the reading, and what was read be loaded all the same.

    Raises:
        KeyboardInterrupt: there was a second one. dlt takes it for the failure of a step.
    """
    try:
        with signals_left_alone(pipeline), signals_end_loads():
            yield
    except PipelineStepFailed as error:
        if isinstance(error.exception, KeyboardInterrupt):
            raise KeyboardInterrupt from error
        raise
