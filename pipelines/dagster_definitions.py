"""Loads ChatbotX in Dagster: an asset per table, a partition per workspace, synced hourly.

Run `dagster dev -f dagster_definitions.py` where `chatbotx-source` is installed. A workspace is a
key of the dynamic partitions `chatbotx_workspaces`: add it in the UI, or from Python with
`instance.add_dynamic_partitions`. The rest is dlt's configuration: in the environment
(`SOURCES__CHATBOTX__KEY__API_TOKEN`, `DESTINATION_TYPE=postgres`), or in `.dlt`.
`[sources.chatbotx]` applies to all workspaces; the default destination is DuckDB.

Each workspace has a pipeline `chatbotx_KEY` and a dataset `chatbotx_data_KEY`. If a run ends
before everything is read, the next one continues. See `docs/scheduling.md` for more.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from importlib.util import find_spec
from typing import Any

import dagster as dg
import dlt

from chatbotx_source import DATA_TABLES, TABLES, SyncSummary, Table, analytics, sync

BUDGET = timedelta(minutes=45)
"""How long a run may read; the next run reads the rest."""

TOO_OLD = timedelta(hours=24)
"""Report an error instead of a warning if tables stay incomplete longer than this."""

WORKSPACES = dg.DynamicPartitionsDefinition(name="chatbotx_workspaces")

COUNTED = {"messages": "messages", "messages__attachments": "attachments"}
"""The tables whose rows `_chatbotx_syncs` counts, each with the column of the count."""

# What the last load wrote, what the table holds of it, and how many rows are duplicates.
COUNTS = """
    SELECT
        syncs.{column},
        (SELECT COUNT(*) FROM {table} AS loaded WHERE loaded._dlt_load_id = syncs._dlt_load_id),
        (SELECT COUNT(*) - COUNT(DISTINCT id) FROM {table})
    FROM {syncs} AS syncs
    WHERE syncs._dlt_load_id = (SELECT MAX(_dlt_load_id) FROM {syncs} WHERE pipeline = %s)
"""


class SyncConfig(dg.Config):
    """What can be set when a run is launched."""

    reconcile: bool = False
    """Re-read every contact's full history."""


def key_of(table: str) -> dg.AssetKey:
    """Names the asset that stands for a table."""
    return dg.AssetKey(["chatbotx", table])


def spec_of(table: Table) -> dg.AssetSpec:
    """Describes a table as an asset, with its columns."""
    columns = [
        dg.TableColumn(column.name, column.type, column.description) for column in table.columns
    ]
    return dg.AssetSpec(
        key_of(table.name),
        description=table.description,
        group_name="chatbotx",
        kinds={"dlt"},
        freshness_policy=dg.FreshnessPolicy.time_window(fail_window=TOO_OLD),
        metadata={"dagster/column_schema": dg.TableSchema(columns)},
    )


def pipeline_of(workspace: str) -> dlt.Pipeline:
    """Makes the pipeline of a workspace, which keeps its progress, with a dataset of its own."""
    return dlt.pipeline(
        f"chatbotx_{workspace}",
        destination=dlt.config.get("destination_type") or "duckdb",
        dataset_name=f"chatbotx_data_{workspace}",
    )


@dg.multi_asset(
    name="chatbotx_tables",
    specs=[spec_of(TABLES[name]) for name in DATA_TABLES],
    check_specs=[
        dg.AssetCheckSpec("nothing_unfinished", asset=key_of("messages")),
        *(dg.AssetCheckSpec("counts_reconcile", asset=key_of(table)) for table in COUNTED),
    ],
    partitions_def=WORKSPACES,
    pool="chatbotx",
)
def tables(context: dg.AssetExecutionContext, config: SyncConfig) -> Iterator[Any]:
    """Syncs a workspace; what stays unfinished is a warning, and left to the next run."""
    pipeline = pipeline_of(context.partition_key)
    summary = sync(
        pipeline,
        workspace=context.partition_key,
        reconcile=config.reconcile,
        max_duration=BUDGET.total_seconds(),
    )
    context.log.info(str(summary))
    if summary.stalled:
        raise dg.Failure(summary.verdict, metadata=summary.figures)
    with pipeline.sql_client() as client:
        names = {table: client.make_qualified_table_name(table) for table in TABLES}
        for table, loaded in summary.rows.items():
            [(rows,)] = client.execute_sql(f"SELECT COUNT(*) FROM {names[table]}") or []
            yield materialized(table, rows, loaded, summary)
        yield unfinished(context.partition_key, summary)
        for table, column in COUNTED.items():
            sql = COUNTS.format(column=column, table=names[table], syncs=names["_chatbotx_syncs"])
            [(written, found, double)] = client.execute_sql(sql, pipeline.pipeline_name) or []
            yield dg.AssetCheckResult(
                check_name="counts_reconcile",
                asset_key=key_of(table),
                passed=written == found and not double,
                metadata={"written": written, "found": found, "double": double},
            )


def materialized(table: str, rows: int, loaded: int, summary: SyncSummary) -> dg.MaterializeResult:
    """Reports how many rows a table has, and how fresh they are."""
    through = summary.synced_through
    return dg.MaterializeResult(
        asset_key=key_of(table),
        metadata={
            "dagster/partition_row_count": rows,
            "rows_loaded": loaded,
            "requests": summary.requests,
            "complete": summary.complete,
            "synced_through": dg.MetadataValue.timestamp(through) if through else "not yet",
        },
    )


def unfinished(workspace: str, summary: SyncSummary) -> dg.AssetCheckResult:
    """Fails while something is unfinished: first as a warning, later as an error."""
    through = summary.synced_through
    too_old = through and datetime.now(timezone.utc) - through > TOO_OLD
    return dg.AssetCheckResult(
        check_name="nothing_unfinished",
        asset_key=key_of("messages"),
        passed=summary.complete,
        severity=dg.AssetCheckSeverity.ERROR if too_old else dg.AssetCheckSeverity.WARN,
        description=f"{workspace}: {summary.verdict}",
        metadata={"contacts": [row["contact_id"] for row in summary.unfinished[:10]]},
    )


@dg.asset(
    key=["chatbotx", "analytics"],
    group_name="chatbotx",
    kinds={"dbt"},
    deps=[key_of(table) for table in DATA_TABLES],
    partitions_def=WORKSPACES,
    pool="chatbotx",
)
def built(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    """Builds the analytics tables of a workspace, if the extra `analytics` is installed."""
    done = analytics.build(pipeline_of(context.partition_key))
    return dg.MaterializeResult(
        metadata={"schema": done.schema, "tables": done.tables, "tests": done.tests}
    )


job = dg.define_asset_job(
    "chatbotx",
    selection=dg.AssetSelection.groups("chatbotx"),
    op_retry_policy=dg.RetryPolicy(
        max_retries=3, delay=300, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS
    ),
)


UNDER_WAY = [
    dg.DagsterRunStatus[status]
    for status in ("QUEUED", "NOT_STARTED", "STARTING", "STARTED", "CANCELING")
]


@dg.schedule(job=job, cron_schedule="@hourly")
def hourly(context: dg.ScheduleEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """Syncs every workspace that is not being synced already: two syncs would lose progress."""
    now = context.scheduled_execution_time
    runs = context.instance.get_runs(
        dg.RunsFilter(statuses=UNDER_WAY, created_after=now - 2 * BUDGET)  # older ones were killed
    )
    busy = {run.tags.get("dagster/partition") for run in runs}
    workspaces = context.instance.get_dynamic_partitions("chatbotx_workspaces")
    for workspace in sorted(set(workspaces) - busy):
        yield dg.RunRequest(f"{workspace} {now:%Y-%m-%d %H:%M}", partition_key=workspace)
    if not workspaces:
        yield dg.SkipReason("No workspace yet: add one to the partitions `chatbotx_workspaces`.")


assets = [tables, built] if find_spec("dbt") else [tables]

defs = dg.Definitions(assets=assets, jobs=[job], schedules=[hourly])
