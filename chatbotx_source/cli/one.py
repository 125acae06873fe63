"""Runs the command for one workspace."""

from __future__ import annotations

import argparse
import sys

import dlt

from chatbotx_source.cli.afterwards import check_afterwards, run_afterwards
from chatbotx_source.cli.pipelines import named, pipeline_of
from chatbotx_source.cli.statuses import COMPLETE, INTERRUPTED, status_of
from chatbotx_source.dlt_internals.clients import last_place
from chatbotx_source.forecast import forecast
from chatbotx_source.loads import sync

QUERY = "select message_type, count(*) from {dataset}.messages group by all order by all"


def load(options: argparse.Namespace, workspace: str | None) -> int:
    """Loads a workspace and returns the exit status."""
    if options.report:
        options.report = named(options.report, workspace)
    pipeline = pipeline_of(options, workspace)
    check_afterwards(pipeline, options)
    given = {
        name: getattr(options, name)
        for name in (
            *("base_url", "shard", "start_date", "lookback_days", "limit_contacts", "page_size"),
            *("workers", "max_requests_per_second", "max_requests", "max_messages", "max_duration"),
        )
        if getattr(options, name) is not None
    }
    if options.contact:
        given["contacts"] = options.contact
    summary = sync(
        pipeline,
        workspace=workspace,
        reconcile=options.reconcile,
        full_refresh=options.full_refresh,
        **given,
    )
    print(summary)
    status = status_of(summary)
    if (options.analytics or options.report) and status != INTERRUPTED:
        run_afterwards(pipeline, options)
    _show_where(pipeline)
    return status


def dry_run(options: argparse.Namespace, workspace: str | None) -> int:
    """Prints what a sync would cost and returns the exit status."""
    given = {
        name: getattr(options, name)
        for name in ("base_url", "page_size", "max_requests_per_second")
        if getattr(options, name) is not None
    }
    print(forecast(workspace, **given))
    return COMPLETE


def _show_where(pipeline: dlt.Pipeline) -> None:
    """Prints where the tables are, with a query to paste."""
    query = QUERY.format(dataset=pipeline.dataset_name)
    where = last_place(pipeline)
    if not where or not where.startswith("duckdb:///"):
        print(f"\nin dataset {pipeline.dataset_name} of {where or 'the destination'}; try")
        print(f"  {query}")
        return
    path = where.removeprefix("duckdb:///")
    command = f"import duckdb; duckdb.connect('{path}').sql('{query}').show()"
    print(f'\nin {path}; try\n  {sys.executable} -c "{command}"')
