"""Loads ChatbotX in Airflow 3: every workspace each hour, in a task of its own.

Put this file into the DAGs folder, and install `chatbotx-source` where tasks run. Configure it with

- the Variable `chatbotx_workspaces`: a JSON list of names; without it there is one, `main`;
- the Connection `chatbotx_NAME`: the API token as password, the base URL as host;
- dlt's own configuration for the rest, or instead of Connections: in the environment
  (`DESTINATION_TYPE=postgres`, `SOURCES__CHATBOTX__NAME__API_TOKEN`), or as TOML in the Variable
  `dlt_secrets_toml`. The default destination is DuckDB.

Each workspace has a pipeline `chatbotx_NAME` and a dataset `chatbotx_data_NAME`. If a run ends
before everything is read, the next one continues. See `docs/scheduling.md` for more.
"""

from __future__ import annotations

import os
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from airflow.sdk import Connection, Param, Variable, dag, task, task_group
from airflow.sdk.exceptions import (
    AirflowException,
    AirflowFailException,
    AirflowNotFoundException,
    AirflowSkipException,
)
from airflow.sdk.timezone import parse, utcnow

if TYPE_CHECKING:  # importing dlt takes longer than parsing this file, so tasks do it
    import dlt

BUDGET = timedelta(minutes=45)
"""How long a task may read; the next run reads the rest."""

AT_ONCE = 4
"""Workspaces loaded at the same time. Set 1 for a shared DuckDB file, which takes one writer."""

TOO_OLD = timedelta(hours=24)
"""Fail the run if tables stay incomplete longer than this."""

RETRIES = {
    "retries": 3,
    "retry_exponential_backoff": 2,  # the first delay is Airflow's default_task_retry_delay
    "max_retry_delay": timedelta(minutes=30),
}

RECONCILE = Param(False, type="boolean", description="Re-read every contact's full history.")


@dag(
    schedule="@hourly",
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    catchup=False,
    max_active_runs=1,
    params={"reconcile": RECONCILE},
    default_args=RETRIES,
    doc_md=__doc__,
)
def chatbotx() -> None:
    """Loads the workspaces side by side; a failed one does not stop the others."""

    @task
    def workspaces() -> list[str]:
        names: list[str] = Variable.get(
            "chatbotx_workspaces", default=["main"], deserialize_json=True
        )
        return names

    @task(
        execution_timeout=BUDGET + timedelta(minutes=15),
        max_active_tis_per_dag=AT_ONCE,
        map_index_template="{{ task.op_kwargs['workspace'] }}",
        multiple_outputs=False,
    )
    def load(workspace: str, params: Any = None) -> dict[str, Any]:
        """Syncs, and returns figures: rows, requests, unfinished contacts."""
        from chatbotx_source import sync

        summary = sync(
            pipeline_of(workspace),
            workspace=workspace,
            reconcile=params["reconcile"],
            max_duration=BUDGET.total_seconds(),
            **connection_of(workspace),
        )
        print(summary)
        if summary.stalled:
            raise AirflowException(summary.verdict)
        return summary.figures

    @task(map_index_template="{{ task.op_kwargs['workspace'] }}")
    def complete(workspace: str, figures: dict[str, Any]) -> None:
        """Is skipped while something is unfinished, and fails if that lasts too long."""
        if figures["complete"]:
            return
        through = figures["synced_through"]
        text = f"{workspace}: {figures['verdict']}"
        if through and utcnow() - parse(through) > TOO_OLD:
            raise AirflowFailException(f"{text}; the tables are complete only up to {through}")
        raise AirflowSkipException(text)

    @task_group
    def each(workspace: str) -> None:
        complete(workspace=workspace, figures=load(workspace=workspace))

    @task(
        trigger_rule="all_done",
        max_active_tis_per_dag=AT_ONCE,
        map_index_template="{{ task.op_kwargs['workspace'] }}",
    )
    def analytics(workspace: str) -> None:
        """Builds the analytics tables; is skipped without dbt, and if nothing is loaded yet."""
        from chatbotx_source import ConfigurationError, analytics

        pipeline = pipeline_of(workspace)
        pipeline.sync_destination()
        if pipeline.first_run:
            raise AirflowSkipException(f"{workspace}: nothing is loaded yet")
        try:
            print(analytics.build(pipeline))
        except ConfigurationError as error:
            raise AirflowSkipException(str(error)) from error

    names = workspaces()
    group = each.expand(workspace=names)
    # Not after `complete`: the last tasks decide the state of a run, and this one always runs.
    group.children["each.load"] >> analytics.expand(workspace=names)


def pipeline_of(workspace: str) -> dlt.Pipeline:
    """Makes the pipeline of a workspace, which keeps its progress, with a dataset of its own."""
    # Otherwise dlt asks Airflow's server for every setting: some hundred requests per task.
    os.environ.setdefault("PROVIDERS__AIRFLOW_SECRETS__ONLY_TOML_FRAGMENTS", "true")
    import dlt

    return dlt.pipeline(
        f"chatbotx_{workspace}",
        destination=dlt.config.get("destination_type") or "duckdb",
        dataset_name=f"chatbotx_data_{workspace}",
    )


def connection_of(workspace: str) -> dict[str, Any]:
    """Reads the options in the Airflow Connection of a workspace; none if there is none."""
    try:
        connection = Connection.get(f"chatbotx_{workspace}")
    except AirflowNotFoundException:
        return {}
    options = {"api_token": connection.password, "base_url": connection.host}
    return {name: value for name, value in options.items() if value}


chatbotx()
