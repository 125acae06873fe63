"""Finishes what a killed process has left half done among dlt's files of a pipeline."""

from __future__ import annotations

import dlt
from dlt.destinations.exceptions import DatabaseUndefinedRelation

from chatbotx_source.dlt_internals import packages
from chatbotx_source.dlt_internals.clients import answers_sql, keeps_files, loads_table


def finish_interrupted(pipeline: dlt.Pipeline) -> None:
    """Takes the second steps that an earlier process of a pipeline did not come to.

    Args:
        pipeline: that no other process runs.
    """
    if packages.misses_its_schema(pipeline):
        pipeline.drop()  # dlt was about to: it does so where the destination is gone
    packages.delete_unnamed_schemas(pipeline)
    for load_id in packages.normalized(pipeline):
        packages.delete_extracted(pipeline, load_id)
        if packages.is_marked_loaded(pipeline, load_id):
            packages.move_to_loaded(pipeline, load_id)


def finish_recorded(pipeline: dlt.Pipeline) -> None:
    """Finishes packages that the destination says are loaded: dlt would record them twice.

    Args:
        pipeline: that no other process runs, and whose destination no other process writes to.
    """
    for load_id in packages.normalized(pipeline):
        if _is_recorded(pipeline, load_id):
            packages.complete(pipeline, load_id)


def _is_recorded(pipeline: dlt.Pipeline, load_id: str) -> bool:
    """Whether the destination says that a package is loaded."""
    client = pipeline.destination_client()
    if not answers_sql(client) or keeps_files(client):
        return False  # a record in a file is written again in its place
    try:
        with pipeline.sql_client() as sql_client:
            name = sql_client.make_qualified_table_name(loads_table(pipeline))
            query = f"SELECT load_id FROM {name} WHERE load_id = %s AND status = 0"  # noqa: S608
            return bool(sql_client.execute_sql(query, load_id))
    except DatabaseUndefinedRelation:
        return False
