"""ChatbotX in Dagster: an asset for every table, a partition for every workspace, synced hourly.

`dagster dev -f dagster_definitions.py`, where `chatbotx-source` is installed. A workspace is a key
of the dynamic partitions `chatbotx_workspaces`: add it in the UI, or from Python with
`instance.add_dynamic_partitions`. All else is dlt's configuration: in the environment
(`SOURCES__CHATBOTX__KEY__API_TOKEN`, `DESTINATION_TYPE=postgres`), or in `.dlt`. What is in
`[sources.chatbotx]` holds for all workspaces; the default destination is DuckDB.

Each workspace has a pipeline `chatbotx_KEY` and a dataset `chatbotx_data_KEY`. Where a run ends
before everything is read, the next one goes on. `docs/scheduling.md` says more.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from importlib.util import find_spec
from typing import Any

import dagster as dg
import dlt

from chatbotx_source import DATA_TABLES, TABLES, SyncSummary, Table, analytics, sync

BUDGET = timedelta(minutes=45)
"""What a run may take to read; the rest is left to the next run."""

TOO_OLD = timedelta(hours=24)
"""Tables that are neither complete nor younger are an error, not a warning."""

WORKSPACES = dg.DynamicPartitionsDefinition(name="chatbotx_workspaces")

COUNTED = {"messages": "messages", "messages__attachments": "attachments"}
"""The tables whose rows `_chatbotx_syncs` counts, each with the column that does."""

# What the last load has written, what the table holds of it, and how many of all rows are double.
COUNTS = """
    SELECT
        syncs.{column},
        (SELECT COUNT(*) FROM {table} AS loaded WHERE loaded._dlt_load_id = syncs._dlt_load_id),
        (SELECT COUNT(*) - COUNT(DISTINCT id) FROM {table})
    FROM {syncs} AS syncs
    WHERE syncs._dlt_load_id = (SELECT MAX(_dlt_load_id) FROM {syncs} WHERE pipeline = %s)
"""


class SyncConfig(dg.Config):
    """What a run can be told when it is launched."""

    reconcile: bool = False
    """Read every contact whole."""


def key_of(table: str) -> dg.AssetKey:
    """The asset that stands for a table."""
    return dg.AssetKey(["chatbotx", table])


def spec_of(table: Table) -> dg.AssetSpec:
    """An asset with the columns of a table."""
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
    """The pipeline of a workspace: it keeps the progress, and a dataset of its own."""
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
    """Syncs a workspace; what it leaves unfinished is a warning, and work for the next run."""
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
    """Tells how many rows a table has, and how fresh they are."""
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
    """Fails while something is unfinished: a warning at first, later an error."""
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
    """The analytics tables of a workspace, where the extra `analytics` is installed."""
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
    """Syncs every workspace but those that are being synced: twice at once would lose progress."""
    now = context.scheduled_execution_time
    runs = context.instance.get_runs(
        dg.RunsFilter(statuses=UNDER_WAY, created_after=now - 2 * BUDGET)  # older ones were killed
    )
    busy = {run.tags.get("dagster/partition") for run in runs}
    workspaces = context.instance.get_dynamic_partitions("chatbotx_workspaces")
    for workspace in sorted(set(workspaces) - busy):
        yield dg.RunRequest(f"{workspace} {now:%Y-%m-%d %H:%M}", partition_key=workspace)
    if not workspaces:
        yield dg.SkipReason("Add a workspace to the partitions `chatbotx_workspaces`.")


assets = [tables, built] if find_spec("dbt") else [tables]

defs = dg.Definitions(assets=assets, jobs=[job], schedules=[hourly])
